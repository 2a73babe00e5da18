"""Which pollutant factor applies: to a facility by its process, to a source stream by the group that it names.

Dimensions inside: f facility, s stream, k combination of a group and a unit, p pollutant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from carbonsim.accounting.core import Bools, Labels
from carbonsim.accounting.streams import Floats, Index, Sites, distinct, text
from carbonsim.dims import POLLUTANTS
from carbonsim.errors import InputError, Issue, UnitError, did_you_mean
from carbonsim.units import conversion_factor, dimension

STREAM_KINDS: Final = ("output", "amount", "sulphur", "concentration")
UNCONTROLLED: Final = "uncontrolled"
TAX_EQUIVALENTS: Final = "environmental_tax"
SO2_PER_SULPHUR: Final = 64 / 32  # ratio of molar masses as the material balance writes it
_SO2: Final = POLLUTANTS.index("SO2")


@dataclass(frozen=True, slots=True)
class FacilityFactors:
    """Factors of facilities by process (f, p): tonnes per unit of output, id (``""`` if none), whether controlled."""

    per_unit: Floats
    factor: Labels
    is_controlled: Bools


@dataclass(frozen=True, slots=True)
class StreamFactors:
    """Factors by combination of a group and a unit (k, p): tonnes per unit of the stream, or per GJ if ``per_heat``.

    ``of`` (s) is the combination of each stream. Of a sulphur balance ``per_unit`` is the SO2 that a unit of pure
    sulphur would make and ``released`` (k) the share of the sulphur that leaves with the gas unless it is measured.
    ``kind`` and ``factor`` are ``""`` where none is.
    """

    of: Index
    per_unit: Floats
    per_heat: Bools
    released: Floats
    kind: Labels
    factor: Labels
    is_controlled: Bools


def facility_factors(sites: Sites, table: pd.DataFrame) -> FacilityFactors:
    """The default factor of each facility and pollutant, by process and, where given, sector and a word of the product.

    Parameters
    ----------
    sites : Sites
    table : DataFrame
        Pollutant factors; only rows whose ``use`` is ``default`` count.

    Returns
    -------
    FacilityFactors
    """
    shape = (len(sites.facility), len(POLLUTANTS))
    per_unit, controlled = np.zeros(shape), np.zeros(shape, dtype=bool)
    factor = np.full(shape, "", dtype="U64")
    sector, process = sites.sector(), sites.facility_text["process"]
    product, unit = np.char.lower(sites.facility_text["product"]), sites.facility_text["output_unit"]
    for row in table[table["use"] == "default"].itertuples():
        chosen = (process == row.process) & ((sector == row.sector) | (row.sector == ""))
        if row.product:
            chosen &= np.char.find(product, str(row.product).lower()) >= 0
        column = POLLUTANTS.index(str(row.pollutant))
        for name in np.unique(unit[chosen]):
            same = chosen & (unit == name)
            numerator, _, denominator = str(row.unit).partition("/")
            scale = conversion_factor(numerator, "t") * conversion_factor(str(name), denominator)
            per_unit[same, column] = float(row.value) * scale  # type: ignore[arg-type]
            factor[same, column] = str(row.factor)
            controlled[same, column] = row.control_state != UNCONTROLLED
    return FacilityFactors(per_unit, factor, controlled)


def stream_factors(group: Labels, unit: Labels, table: pd.DataFrame) -> tuple[StreamFactors, list[Issue]]:
    """The factors of each stream's group, and all faults of groups, values and units.

    Parameters
    ----------
    group : array of str (s)
        Group of pollutant factors that the stream names; ``""`` if none.
    unit : array of str (s)
        Unit of the stream's amount.
    table : DataFrame
        Pollutant factors; a row belongs to the groups of its ``group`` cell, semicolons between them.

    Returns
    -------
    tuple of (StreamFactors, list of Issue)

    Notes
    -----
    Nothing falls back: a stream without a group has no factor, a group without a pollutant gives none for it. The id of
    a factor is the name of a group of one.
    """
    of, first = distinct(group, unit)
    group, unit = group[first], unit[first]
    found = _no_factors(of, len(first))
    members = _members(table)
    problems: list[Issue] = []
    for name in np.unique(group[group != ""]).tolist():
        rows = members.get(name) or _single(table, name)
        if not rows:
            problems.append(_unknown_group(name, [*members]))
            continue
        problems += _doubled(name, rows)
        for unit_name in np.unique(unit[group == name]).tolist():
            same = (group == name) & (unit == unit_name)
            for row in rows:
                if row["kind"] not in STREAM_KINDS:
                    continue
                try:
                    _enter(found, same, unit_name, row, rows)
                except (UnitError, InputError) as error:
                    problems.append(_unusable(name, row, str(error)))
    return found, problems


def equivalent_weights(table: pd.DataFrame, group: str = TAX_EQUIVALENTS) -> dict[str, float]:
    """Mass of each pollutant that counts as one pollution equivalent [kg].

    Parameters
    ----------
    table : DataFrame
        Pollutant factors.
    group : str
        Group of rows of kind ``equivalent``: ``environmental_tax`` counts particles as general dust,
        ``environmental_tax_soot`` as soot.

    Returns
    -------
    dict of pollutant to float

    Raises
    ------
    InputError
        If the group has no such rows.

    References
    ----------
    source: environmental-protection-tax-law-2016

    Examples
    --------
    >>> from carbonsim.inputs.factors import packaged_factors
    >>> equivalent_weights(packaged_factors().pollutants)
    {'SO2': 0.95, 'NOx': 0.95, 'PM': 4.0}
    """
    members = _members(table)
    rows = [row for row in members.get(group, []) if row["kind"] == "equivalent"]
    if not rows:
        raise InputError([_unknown_group(group, [*members])])
    weights = {row["pollutant"]: row["value"] * conversion_factor(row["unit"], "kg") for row in rows}
    return {name: weights[name] for name in POLLUTANTS if name in weights}


def _no_factors(of: Index, count: int) -> StreamFactors:
    shape = (count, len(POLLUTANTS))
    return StreamFactors(
        of=of,
        per_unit=np.zeros(shape),
        per_heat=np.zeros(shape, dtype=bool),
        released=np.ones(count),
        kind=np.full(shape, "", dtype="U16"),
        factor=np.full(shape, "", dtype="U64"),
        is_controlled=np.zeros(shape, dtype=bool),
    )


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of the table as records with text and a float ``value``; an empty kind is per amount."""
    names = ("factor", "pollutant", "unit", "control_state", "kind", "group")
    columns: dict[str, list[Any]] = {name: text(table, name).tolist() for name in names}
    columns["kind"] = [kind or "amount" for kind in columns["kind"]]
    columns["value"] = table["value"].astype(float).tolist()
    return [{name: values[place] for name, values in columns.items()} for place in range(len(table))]


def _members(table: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """Rows of each group."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in _records(table):
        for group in filter(None, (part.strip() for part in row["group"].split(";"))):
            groups.setdefault(group, []).append(row)
    return groups


def _single(table: pd.DataFrame, factor: str) -> list[dict[str, Any]]:
    """The row of one factor that a stream may name by its id, or none."""
    return [row for row in _records(table[table["factor"] == factor]) if row["kind"] in STREAM_KINDS]


def _enter(found: StreamFactors, same: Bools, unit: str, row: Mapping[str, Any], group: list[dict[str, Any]]) -> None:
    """Write one row of a group into the factors of the streams of one unit."""
    if np.isnan(row["value"]):
        raise InputError(f"factor {row['factor']} is listed without a value.")
    column = POLLUTANTS.index(row["pollutant"])
    per_unit, per_heat = _per_unit(unit, row, group)
    found.per_unit[same, column], found.per_heat[same, column] = per_unit, per_heat
    found.kind[same, column], found.factor[same, column] = row["kind"], row["factor"]
    found.is_controlled[same, column] = row["control_state"] != UNCONTROLLED
    if row["kind"] == "sulphur":
        found.released[same] = row["value"]


def _per_unit(unit: str, row: Mapping[str, Any], group: list[dict[str, Any]]) -> tuple[float, bool]:
    """Tonnes per unit of the stream, or per GJ if the second value is true."""
    if row["kind"] == "sulphur":
        if row["pollutant"] != "SO2":
            raise InputError(f"factor {row['factor']}: a sulphur balance gives SO2 only.")
        return conversion_factor(unit, "t") * SO2_PER_SULPHUR, False
    numerator, _, denominator = row["unit"].partition("/")
    value = row["value"] * conversion_factor(numerator, "t")
    if row["kind"] == "concentration":
        volumes = [other for other in group if other["kind"] == "flue_gas"]
        if len(volumes) != 1:
            raise InputError("a concentration needs exactly one row of kind flue_gas in its group.")
        volume, _, amount = volumes[0]["unit"].partition("/")
        per_amount = volumes[0]["value"] * conversion_factor(volume, denominator)
        return value * per_amount * conversion_factor(unit, amount), False
    if dimension(denominator) == "energy" and dimension(unit) != "energy":
        return value * conversion_factor("GJ", denominator), True
    return value * conversion_factor(unit, denominator), False


def _unknown_group(name: str, known: list[str]) -> Issue:
    guess = did_you_mean(name, known)
    return Issue(
        "pollutant-group",
        "activity",
        f"group of pollutant factors '{name}' is not known.",
        f"污染物因子组“{name}”不存在。",
        f"Known: {', '.join(sorted(known)) or 'none'}. {guess}".strip(),
        f"可用的组：{'、'.join(sorted(known)) or '无'}。",
        column="pollutant_factor",
        value=name,
    )


def _doubled(name: str, rows: list[dict[str, Any]]) -> list[Issue]:
    """One issue for each pollutant that a group gives twice."""
    given = [row["pollutant"] for row in rows if row["kind"] in STREAM_KINDS]
    return [
        Issue(
            "pollutant-group",
            "pollutants",
            f"group '{name}' gives {pollutant} more than once.",
            f"因子组“{name}”对 {pollutant} 给出了多个因子。",
            "Keep one factor for each pollutant of a group.",
            "每组每种污染物只保留一个因子。",
        )
        for pollutant in sorted({pollutant for pollutant in given if given.count(pollutant) > 1})
    ]


def _unusable(name: str, row: Mapping[str, Any], reason: str) -> Issue:
    return Issue(
        "pollutant-factor",
        "activity",
        f"factor '{row['factor']}' of group '{name}' cannot be used: {reason}",
        f"因子组“{name}”的因子“{row['factor']}”无法使用：{reason}",
        "Give the amount in a unit that converts, or name another group.",
        "请改用可换算的单位，或改用其他因子组。",
        column="pollutant_factor",
        value=name,
    )
