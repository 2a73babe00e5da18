"""Whether a measured value can be true: compared with every table value of its fuel or factor, of whatever set.

A real fuel stays within a factor of five of its default. What lies farther off is in another unit, and such values
are refused with the unit they are probably in; between a factor of two and of five they are a warning. An emission
factor may be far below its default, as behind a catalyst, but not far above. The factors two, five and
``FAR_BELOW``, and the bounds for fuels that no table has, are assumptions of this package.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from carbonsim.errors import Issue
from carbonsim.inputs.factor_records import Factors
from carbonsim.inputs.origins import Origin, records
from carbonsim.inputs.term_defaults import CARBON_PER_CO2, TermDefaults
from carbonsim.units import canonical, conversion_factor, dimension

Frames = Mapping[str, pd.DataFrame]
Origins = Mapping[str, Origin]

JUDGED: Final = ("net_calorific_value", "carbon_content", "emission_factor")
OF_FUELS: Final = JUDGED[:2]
UNUSUAL: Final = 2.0
IMPOSSIBLE: Final = 5.0
FAR_BELOW: Final = 500.0
CARBON_UNIT: Final = "tC/TJ"
# Bounds of what burns: hydrogen has 120 GJ/t, lean process gases 1 GJ/t; carbon from gas rich in hydrogen to carbon
# monoxide.
BOUNDS: Final = {"mass": (0.1, 150.0), "gas_volume": (10.0, 1500.0), CARBON_UNIT: (5.0, 120.0)}
_PER: Final = {"mass": "t", "gas_volume": "1e4_Nm3"}
# Units in which laboratories give the value, and the number that turns them into the unit of the factor.
_MISTAKEN: Final[dict[str, dict[str, float]]] = {
    "mass": {"kJ/kg": 1e-3, "kcal/kg": 4.1868e-3, "tce/t": 29.3076, "TJ/t": 1e3, "MWh/t": 3.6},
    "gas_volume": {"MJ/Nm3": 10.0, "kJ/Nm3": 1e-2, "kcal/Nm3": 4.1868e-2, "GJ/Nm3": 1e4, "tce/1e4_Nm3": 29.3076},
    CARBON_UNIT: {
        "tC/GJ": 1e3, "kgC/TJ": 1e-3, "tCO2/TJ": CARBON_PER_CO2, "kgCO2/TJ": CARBON_PER_CO2 / 1e3,
        "tCO2/GJ": CARBON_PER_CO2 * 1e3,
    },
}  # fmt: skip
_CLOSE: Final = 2.0


@dataclass(frozen=True, slots=True)
class _Reference:
    """What values of one term and factor are compared with: table values or bounds, their unit, and units mistaken."""

    name: str
    unit: str
    known: tuple[float, ...]
    bounds: tuple[float, float]
    mistaken: Mapping[str, float]
    far_below: float = IMPOSSIBLE


def activity_value_faults(activity: pd.DataFrame, origin: Origin, factors: Factors) -> list[Issue]:
    """Calorific values and carbon contents in the columns of activity that no such fuel has."""
    defaults = TermDefaults(factors)
    rows = activity.assign(place=np.arange(len(activity)))
    issues = []
    for term in OF_FUELS:
        given = rows[rows[term].notna()].assign(value=rows[term], term=term)
        issues += _judged(given, origin, term, defaults)
    return issues


def term_value_faults(terms: pd.DataFrame, activity: pd.DataFrame, origin: Origin, factors: Factors) -> list[Issue]:
    """Values of the table of terms that no such fuel or process has.

    A value takes method and factor from the row of activity of its month, or of any month of its stream and year.
    """
    given = terms.assign(place=np.arange(len(terms)))[terms["term"].isin(JUDGED) & terms["value"].notna()]
    if not len(given):
        return []
    stream = ["facility", "year", "stream"]
    first = activity.drop_duplicates(stream)[[*stream, "method", "factor"]]
    month = activity.drop_duplicates([*stream, "month"])[[*stream, "month", "quantity"]]
    known = given.merge(first, on=stream).merge(month, on=[*stream, "month"], how="left")
    return _judged(known.fillna({"quantity": 1.0}), origin, "value", TermDefaults(factors))


def own_fuel_faults(own: Mapping[str, pd.DataFrame], origins: Origins, base: Factors) -> list[Issue]:
    """Rows of a user's own fuels that differ from the same fuel of the library, or that are nothing that burns.

    Parameters
    ----------
    own, origins : mapping of table to DataFrame and Origin
        As of `inputs.factor_overlay.OwnFactors`.
    base : Factors
        The library without them.
    """
    if "fuels" not in own:
        return []
    fuels, defaults = own["fuels"], TermDefaults(base)
    issues = []
    for term in OF_FUELS:
        for place, row in enumerate(records(fuels)):
            value = float(row[term])
            # A fuel of the user's own may have no carbon, such as hydrogen.
            if math.isnan(value) or (term == "carbon_content" and not value):
                continue
            reference = _reference(term, "", str(row["fuel"]), str(row["unit"]), defaults)
            found = _found(value, reference) if reference is not None else None
            if found is not None:
                issues.append(origins["fuels"].issue("implausible", place, term, f"{value:g}", found[1], found[0]))
    return issues


def _judged(given: pd.DataFrame, origin: Origin, column: str, defaults: TermDefaults) -> list[Issue]:
    """Issues of rows with term, method, factor, quantity, value and place; warnings once a stream."""
    idle = (given["value"] == 0) & (given["quantity"] == 0)
    warned: dict[tuple[str, ...], list[tuple[int, float, tuple[str, ...]]]] = {}
    issues = []
    for key, rows in given[~idle].groupby(["term", "method", "factor"], sort=False):
        term, method, factor = (str(part) for part in key)
        reference = _reference(term, method, factor, "", defaults)
        if reference is None:
            continue
        for row, value in _suspects(rows, reference):
            found = _found(value, reference)
            if found is not None and found[0] == "error":
                issues.append(origin.issue("implausible", row["place"], column, f"{value:g}", found[1]))
            elif found is not None:
                stream = (str(row["facility"]), str(row["stream"]), *(str(part) for part in key))
                warned.setdefault(stream, []).append((row["place"], value, found[1]))
    for rows_of in warned.values():
        place, value, (message, chinese, *hints) = rows_of[0]
        more = len(rows_of) - 1
        texts = (
            f"{message} It is the same in {more} more rows." if more else message,
            f"{chinese}另有 {more} 行同样。" if more else chinese,
            *hints,
        )
        issues.append(origin.issue("implausible", place, column, f"{value:g}", texts, "warning"))
    return issues


def _suspects(rows: pd.DataFrame, reference: _Reference) -> Iterator[tuple[dict[str, Any], float]]:
    """Rows whose value is off by the smaller factor, found at once for all rows."""
    values = rows["value"].to_numpy(dtype=float)
    if reference.known:
        known = np.array(reference.known)
        off = ~((values[:, None] <= known * UNUSUAL) & (values[:, None] * UNUSUAL >= known)).any(axis=1)
    else:
        off = (values < reference.bounds[0]) | (values > reference.bounds[1])
    return ((row, float(row["value"])) for row in records(rows.iloc[np.flatnonzero(off)]))


def _reference(term: str, method: str, factor: str, unit: str, defaults: TermDefaults) -> _Reference | None:
    """What a term is compared with; None where the tables have nothing of the kind."""
    fuel = defaults.fuel(factor)
    known = tuple(value for value in defaults.values(term, method, factor.rpartition(":")[2]) if value > 0)
    if term == "emission_factor":
        process = defaults.factors.process
        units = process.loc[process["factor"] == factor, "unit"]
        per = f"/{canonical(str(units.iloc[0]).partition('/')[2])}" if len(units) else ""
        scales = {f"kg{per}": 1e-3, f"g{per}": 1e-6} if per else {"kg": 1e-3}
        return _Reference(factor, f"t{per}", known, (0.0, math.inf), scales, FAR_BELOW) if known else None
    unit = unit or (str(fuel["unit"].iloc[0]) if len(fuel) else "")
    kind = dimension(unit) if unit and "/" not in unit else ""
    if term == "carbon_content":
        heat = defaults.values("net_calorific_value", method, factor.rpartition(":")[2])
        share = {"tC/t": 1e3 / heat[-1]} if heat and kind == "mass" else {}
        mistaken = _MISTAKEN[CARBON_UNIT] | share
        return _Reference(factor, CARBON_UNIT, known, BOUNDS[CARBON_UNIT], mistaken) if known or unit else None
    per = _PER.get(kind, "")
    scale = conversion_factor(unit, per) if per else 1.0
    bounds = tuple(bound * scale for bound in BOUNDS[kind]) if per else (0.0, math.inf)
    mistaken = {name: number * scale for name, number in _MISTAKEN[kind].items()} if per else {}
    return _Reference(factor, f"GJ/{unit}", known, (bounds[0], bounds[1]), mistaken) if known or per else None


def _found(value: float, reference: _Reference) -> tuple[str, tuple[str, ...]] | None:
    """Severity and texts of a value that cannot be true or is unusual; None if it is neither."""
    unit, name = reference.unit, reference.name
    if not reference.known:
        lower, upper = reference.bounds
        if lower <= value <= upper:
            return None
        message = f"{value:g} is not between {lower:g} and {upper:g} {unit}, which hold for everything that burns."
        chinese = f"{value:g} 不在任何燃料可能的范围 {lower:g} 至 {upper:g} {unit} 之内。"
        return "error", (message, chinese, *_hints(value, math.sqrt(lower * upper), IMPOSSIBLE * _CLOSE, reference))
    nearest = min(reference.known, key=lambda known: _distance(value, known))
    far = _distance(value, nearest)
    if far <= UNUSUAL:
        return None
    severity = "error" if far > (reference.far_below if value < nearest else IMPOSSIBLE) else "warning"
    ratio = value / nearest
    message = f"{value:g} is {ratio:.3g} times the {nearest:g} {unit} that the factor tables have for '{name}'."
    chinese = f"{value:g} 为因子库中“{name}”数值 {nearest:g} {unit} 的 {ratio:.3g} 倍。"
    return severity, (message, chinese, *_hints(value, nearest, _CLOSE, reference))


def _hints(value: float, usual: float, close: float, reference: _Reference) -> tuple[str, str]:
    """The unit in which the value would be a usual one, and what it is in the right unit."""
    unit = reference.unit
    guesses = {name: value * scale for name, scale in reference.mistaken.items()}
    name = min(guesses, key=lambda name: _distance(guesses[name], usual), default="")
    if not name or _distance(guesses[name], usual) > close:
        return f"Give it in {unit}, and check the report it is from.", f"请以 {unit} 填写，并核对检测报告。"
    right = f"{guesses[name]:.4g}"
    return f"It looks like {name}: in {unit} write {right}.", f"疑为 {name}：以 {unit} 计应填 {right}。"


def _distance(value: float, known: float) -> float:
    """How many times one is the other, the larger over the smaller."""
    if value <= 0 or known <= 0:
        return math.inf
    return max(value / known, known / value)
