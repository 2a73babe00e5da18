"""Units as text at the door: which are known, and how one converts to another.

Inside the package amounts are tonnes, MWh, GJ and CNY of a price year. A unit is text such as ``t``, ``万吨``,
``kg/t`` or ``tCO2/MWh``; it is read once, on the way in. The table below is the only place for conversion
factors. Sources: prefixes and energy units by their SI definitions; tce (tonne of coal equivalent) is
29.3076 GJ by GB/T 2589-2020; one kWh is 3.6 MJ.

Gas volumes (``Nm3``, ``万m³``) are at 0 °C and 101.325 kPa. Calorific values are net. ``ton`` is refused: it may
be short, long or metric.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import TYPE_CHECKING, Final

from carbonsim.errors import UnitError, did_you_mean

if TYPE_CHECKING:
    import pint

# canonical text: (dimension, factor to the first unit of that dimension, other spellings)
_TABLE: Final[dict[str, tuple[str, float, tuple[str, ...]]]] = {
    "t": ("mass", 1.0, ("tonne", "tonnes", "吨", "公吨")),
    "kg": ("mass", 1e-3, ("千克", "公斤")),
    "g": ("mass", 1e-6, ("克",)),
    "kt": ("mass", 1e3, ("千吨",)),
    "1e4_t": ("mass", 1e4, ("万吨", "万t", "1e4 t")),
    "Mt": ("mass", 1e6, ("百万吨",)),
    "1e8_t": ("mass", 1e8, ("亿吨", "亿t", "1e8 t")),
    "Gt": ("mass", 1e9, ()),
    "tCO2e": ("co2e", 1.0, ("tCO2", "t CO2e", "t CO2", "allowance", "吨CO2", "吨CO2e", "吨二氧化碳当量", "吨二氧化碳")),
    "kgCO2e": ("co2e", 1e-3, ("kgCO2", "千克CO2")),
    "ktCO2e": ("co2e", 1e3, ("ktCO2",)),
    "1e4_tCO2e": ("co2e", 1e4, (
        "1e4_tCO2", "万tCO2", "万tCO2e", "万吨CO2", "万吨CO2e", "万吨二氧化碳", "万吨二氧化碳当量")),
    "MtCO2e": ("co2e", 1e6, ("MtCO2",)),
    "1e8_tCO2e": ("co2e", 1e8, ("亿tCO2", "亿tCO2e", "亿吨CO2", "亿吨CO2e", "亿吨二氧化碳当量")),
    "tC": ("carbon", 1.0, ("吨碳",)),
    "GJ": ("energy", 1.0, ("吉焦", "百万千焦")),
    "kJ": ("energy", 1e-6, ("千焦",)),
    "MJ": ("energy", 1e-3, ("兆焦",)),
    "TJ": ("energy", 1e3, ("太焦",)),
    "PJ": ("energy", 1e6, ()),
    "kcal": ("energy", 4.1868e-6, ("千卡", "大卡")),
    "kWh": ("energy", 3.6e-3, ("千瓦时", "度")),
    "MWh": ("energy", 3.6, ("兆瓦时",)),
    "1e4_kWh": ("energy", 36.0, ("万kWh", "万千瓦时", "万度", "1e4 kWh")),
    "GWh": ("energy", 3600.0, ("吉瓦时",)),
    "1e8_kWh": ("energy", 3.6e5, ("亿kWh", "亿千瓦时", "亿度")),
    "TWh": ("energy", 3.6e6, ("太瓦时",)),
    "tce": ("energy", 29.3076, ("吨标准煤", "吨标煤")),
    "1e4_tce": ("energy", 29.3076e4, ("万tce", "万吨标准煤", "万吨标煤")),
    "Nm3": ("gas_volume", 1.0, ("m3", "标立方米", "立方米", "标方")),
    "1e3_Nm3": ("gas_volume", 1e3, ("1e3_m3", "千m3", "千立方米")),
    "1e4_Nm3": ("gas_volume", 1e4, (
        "1e4_m3", "万m3", "万Nm3", "万立方米", "万标立方米", "万标方", "1e4 m3", "1e4 Nm3")),
    "1e8_Nm3": ("gas_volume", 1e8, ("亿m3", "亿Nm3", "亿立方米")),
    "CNY": ("money", 1.0, ("元", "yuan", "RMB", "人民币元")),
    "1e4_CNY": ("money", 1e4, ("万元", "万CNY")),
    "1e8_CNY": ("money", 1e8, ("亿元", "亿CNY")),
    "kW": ("power", 1.0, ("千瓦",)),
    "MW": ("power", 1e3, ("兆瓦",)),
    "1e4_kW": ("power", 1e4, ("万kW", "万千瓦")),
    "GW": ("power", 1e6, ("吉瓦",)),
    "yr": ("time", 1.0, ("year", "years", "a", "年")),
    "h": ("hour", 1.0, ("hour", "hours", "小时")),
    "person": ("person", 1.0, ("persons", "人")),
    "1e4_person": ("person", 1e4, ("万人",)),
    "piece": ("piece", 1.0, ("pieces", "件", "个", "台", "辆", "架")),
    "m2": ("area", 1.0, ("平方米",)),
    "1e4_m2": ("area", 1e4, ("万m2", "万平方米", "1e4 m2")),
    "weight_case": ("glass", 1.0, ("重量箱",)),
    "entity": ("entity", 1.0, ("entities",)),
    "km": ("length", 1.0, ("千米", "公里")),
    "1": ("number", 1.0, ("share", "ratio", "index", "无")),
}  # fmt: skip
_AMBIGUOUS: Final = {"ton": "t", "tons": "t", "ktons": "kt", "CO2": "tCO2", "方": "Nm3", "Ncm": "Nm3", "%": "1"}
_PRICE_YEAR = re.compile(r"^CNY(19|20)\d\d$")
_QUALIFIED = re.compile(r"^([A-Za-z]+)_[A-Za-z][A-Za-z0-9_]*$")
_SPLIT = re.compile(r"([/*])")

UNITS: Final[tuple[str, ...]] = tuple(_TABLE)
_ALIASES: Final[dict[str, str]] = {
    **{name: name for name in _TABLE},
    **{other: name for name, (_, _, others) in _TABLE.items() for other in others},
}


@functools.lru_cache(maxsize=512)
def canonical(unit: str) -> str:
    """The one spelling of a unit that the package uses inside.

    >>> canonical("万吨"), canonical("tCO2/MWh"), canonical("t_clinker"), canonical("万m³")
    ('1e4_t', 'tCO2e/MWh', 't', '1e4_Nm3')

    Raises
    ------
    UnitError
        If a part of the unit is unknown or ambiguous; names the nearest known unit.
    """
    return "".join(part if part in "/*" else _atom(part, unit) for part in _split(unit))


def is_known(unit: str) -> bool:
    """Whether every part of the unit is in the table."""
    try:
        canonical(unit)
    except UnitError:
        return False
    return True


def dimension(unit: str) -> str:
    """What kind of amount a unit without ``/`` or ``*`` measures, such as ``mass`` or ``energy``.

    >>> dimension("tce"), dimension("万元"), dimension("CNY2025")
    ('energy', 'money', 'CNY2025')
    """
    name = canonical(unit)
    return _TABLE[name][0] if name in _TABLE else name


@functools.lru_cache(maxsize=512)
def conversion_factor(from_unit: str, to_unit: str) -> float:
    """Number that turns an amount in ``from_unit`` into ``to_unit``.

    >>> conversion_factor("万吨", "t"), conversion_factor("GWh", "MWh")
    (10000.0, 1000.0)

    Raises
    ------
    UnitError
        If a unit is unknown or ambiguous, or the two measure different things.
    """
    start, end = canonical(from_unit), canonical(to_unit)
    if start == end:
        return 1.0
    import pint

    registry = _registry()
    try:
        factor = (_quantity(registry, start) / _quantity(registry, end)).to("").magnitude
    except pint.DimensionalityError:
        raise UnitError(
            f"unit '{from_unit}' cannot be turned into '{to_unit}': they measure different things. "
            f"Give the amount in a unit that converts to '{to_unit}'."
        ) from None
    # A power of ten divided by another carries the last bit of noise; 15 digits are what a double holds.
    return float(f"{factor:.15g}")


def _split(unit: str) -> list[str]:
    text = unicodedata.normalize("NFKC", unit).strip()
    if text in _ALIASES:
        return [text]
    return [part.strip() for part in _SPLIT.split(text)]


def _atom(part: str, whole: str) -> str:
    if part in _ALIASES:
        return _ALIASES[part]
    if _PRICE_YEAR.match(part):
        return part
    qualified = _QUALIFIED.match(part)
    if qualified and qualified.group(1) in _ALIASES:
        return _ALIASES[qualified.group(1)]
    where = f"unit '{whole}'" if part == whole else f"unit '{whole}' ('{part}')"
    if part in _AMBIGUOUS:
        raise UnitError(f"{where} is ambiguous. Write '{_AMBIGUOUS[part]}' if that is what is meant.")
    same = [name for name in _ALIASES if name.lower() == part.lower()]
    hint = f"Did you mean '{same[0]}'?" if same else did_you_mean(part, _ALIASES)
    raise UnitError(f"{where} is not known. {hint}".strip())


@functools.cache
def _registry() -> pint.UnitRegistry[float]:
    """One registry with our units only: the names are numbered because pint cannot parse 万 or 1e4."""
    import pint

    registry: pint.UnitRegistry[float] = pint.UnitRegistry(None)
    base: dict[str, str] = {}
    for number, (dim, factor, _) in enumerate(_TABLE.values()):
        name = f"unit{number}"
        if dim == "number":
            registry.define(f"{name} = []")
        elif dim not in base:
            base[dim] = name
            registry.define(f"{name} = [{dim}]")
        else:
            registry.define(f"{name} = {factor / _first_factor(dim)!r} * {base[dim]}")
    return registry


def _first_factor(dim: str) -> float:
    return next(factor for kind, factor, _ in _TABLE.values() if kind == dim)


def _quantity(registry: pint.UnitRegistry[float], unit: str) -> pint.Quantity[float]:
    names = list(_TABLE)
    text = ""
    for part in _SPLIT.split(unit):
        if part in "/*":
            text += part
        elif _PRICE_YEAR.match(part):
            if part not in registry:
                registry.define(f"{part} = [{part}]")
            text += part
        else:
            text += f"unit{names.index(part)}"
    return registry.Quantity(1.0, registry.parse_units(text))
