"""Which factor each activity row uses, with its unit, value, source and basis: never a silent fallback."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from carbonsim.accounting import combustion
from carbonsim.accounting.core import Bools, Labels, sector_accounting
from carbonsim.accounting.lookup import FactorFinder, Lookup
from carbonsim.accounting.streams import Floats, Index, Rows, Sites, distinct
from carbonsim.dims import GASES
from carbonsim.errors import InputError, Issue, UnitError
from carbonsim.inputs.factors import Factors
from carbonsim.units import conversion_factor

CO2 = GASES.index("CO2")

# method: (category, scope); scope 0 holds amounts without emissions of their own
METHODS: Final[dict[str, tuple[str, int]]] = {
    "combustion": ("combustion", 1),
    "carbonate": ("process", 1),
    "material_input": ("process", 1),
    "product_output": ("product", 1),
    "clinker": ("process", 1),
    "deduction": ("process", 1),
    "anode": ("process", 1),
    "pfc": ("process", 1),
    "electricity_purchased": ("electricity", 2),
    "heat_purchased": ("heat", 2),
    "electricity_exported": ("electricity", 2),
    "heat_supplied": ("output", 0),
    "output": ("output", 0),
    "key_output": ("output", 0),
    "reported": ("reported", 1),
    "reported_key": ("output", 0),
}


@dataclass(frozen=True, slots=True)
class RowFactors:
    """What each activity row is multiplied with.

    ``activity`` is in the unit of the factor. ``emission_factor`` (row, gas) is in t of gas per unit of activity and
    carries the sign of the method; for ``grid_by_year`` rows it is the sign only, to be multiplied by the grid factor
    of the year. ``net_calorific_value``, ``carbon_content``, ``oxidation`` hold where ``from_fuel`` does, else 0.
    """

    activity: Floats
    activity_unit: Labels
    emission_factor: Floats
    net_calorific_value: Floats
    carbon_content: Floats
    oxidation: Floats
    from_fuel: Bools
    grid_by_year: Bools
    factor: Labels
    source: Labels
    basis: Labels


class _Table:
    """Look-ups side by side as arrays, one place for each distinct combination of sector, method and factor."""

    def __init__(self, lookups: list[Lookup]) -> None:
        self.unit: Labels = np.array([lookup.unit for lookup in lookups], dtype=str)
        self.factor: Labels = np.array([lookup.factor for lookup in lookups], dtype=str)
        self.source: Labels = np.array([lookup.source for lookup in lookups], dtype=str)
        self.basis: Labels = np.array([lookup.basis for lookup in lookups], dtype=str)
        self.calorific = np.array([lookup.net_calorific_value for lookup in lookups], dtype=float)
        self.carbon = np.array([lookup.carbon_content for lookup in lookups], dtype=float)
        self.oxidation = np.array([lookup.oxidation for lookup in lookups], dtype=float)
        self.enters = np.array([lookup.oxidation_enters for lookup in lookups], dtype=bool)
        self.from_fuel = np.array([lookup.from_fuel for lookup in lookups], dtype=bool)
        self.leaves = np.array([lookup.leaves for lookup in lookups], dtype=bool)
        self.grid_by_year = np.array([lookup.grid_by_year for lookup in lookups], dtype=bool)
        gases = np.array([[*lookup.gases] for lookup in lookups], dtype=float)
        self.emission_factor = gases.reshape(len(lookups), len(GASES))


def row_factors(rows: Rows, sites: Sites, factors: Factors) -> RowFactors:
    """The factor of every row, or all problems at once.

    Raises
    ------
    InputError
        If a factor is unknown, not of the sector's table set, has no value, or a unit does not convert; names the
        rows and what to supply.
    """
    table, of_row = _find(rows, sites, factors)
    from_fuel, enters = table.from_fuel[of_row], table.enters[of_row]
    terms = {
        "net_calorific_value": _own_or_default(rows.net_calorific_value, table.calorific[of_row]),
        "carbon_content": _own_or_default(rows.carbon_content, table.carbon[of_row]),
        "oxidation": _own_or_default(rows.oxidation, table.oxidation[of_row]),
    }
    scale, problems = _unit_scale(rows, sites, table.unit[of_row])
    problems += _missing_terms(rows, sites, terms, from_fuel)
    problems += _unused_oxidation(rows, sites, enters)
    if problems:
        raise InputError(problems)
    calorific, carbon, oxidation = (np.where(from_fuel, term, 0.0) for term in terms.values())
    burnt = combustion.combustion_emissions(1.0, calorific, carbon, np.where(enters, oxidation, 1.0))
    carried = combustion.fuel_carbon_out(1.0, calorific, carbon)
    emission_factor = table.emission_factor[of_row]
    emission_factor[:, CO2] += np.where(table.leaves[of_row], carried, burnt)
    return RowFactors(
        activity=rows.quantity * scale,
        activity_unit=table.unit[of_row],
        emission_factor=emission_factor,
        net_calorific_value=calorific,
        carbon_content=carbon,
        oxidation=oxidation,
        from_fuel=from_fuel,
        grid_by_year=table.grid_by_year[of_row],
        factor=table.factor[of_row],
        source=table.source[of_row],
        basis=table.basis[of_row],
    )


def _own_or_default(own: Floats, default: Floats) -> Floats:
    return np.where(np.isnan(own), default, own)


def _find(rows: Rows, sites: Sites, factors: Factors) -> tuple[_Table, Index]:
    """The distinct look-ups and which one each row has."""
    sector = sites.sector()[rows.facility]
    measured = ~np.isnan(rows.net_calorific_value) & ~np.isnan(rows.carbon_content)
    codes, first = distinct(sector, rows.method, rows.factor, measured)
    finders = {name: FactorFinder(name, factors) for name in sorted(set(sector.tolist()))}
    lookups: list[Lookup] = []
    problems: list[Issue] = []
    # A loop over distinct combinations, a few hundred at most however many rows there are.
    for code, row in enumerate(first.tolist()):
        method, factor = str(rows.method[row]), str(rows.factor[row])
        try:
            lookups.append(finders[sector[row]].find(method, factor, is_measured=bool(measured[row])))
        except InputError as problem:
            problems.append(_row_issue(rows, sites, np.flatnonzero(codes == code), "factor", str(problem)))
    if problems:
        raise InputError(problems)
    return _Table(lookups), codes


def _missing_terms(rows: Rows, sites: Sites, terms: Mapping[str, Floats], from_fuel: Bools) -> list[Issue]:
    """Problems of fuel rows for which neither the row nor the table gives a term of the formula."""
    problems = []
    for column, values in terms.items():
        chosen = np.flatnonzero(from_fuel & np.isnan(values))
        if chosen.size:
            message = f"{column} is empty and the factor table has no default. Give the measured value in the row."
            problems.append(_row_issue(rows, sites, chosen, column, message))
    return problems


def _unused_oxidation(rows: Rows, sites: Sites, enters: Bools) -> list[Issue]:
    """Problems of rows that give an oxidation rate where the method has none."""
    sector, where = sites.sector()[rows.facility], sites.facility_text["process"][rows.facility]
    in_ledger = np.zeros(len(rows), dtype=bool)
    for name in np.unique(sector):
        in_ledger |= (sector == name) & np.isin(where, sorted(sector_accounting(str(name)).ledger_oxidation))
    given = ~np.isnan(rows.oxidation) & (rows.oxidation != 1)
    chosen = np.flatnonzero(given & ~enters & ~in_ledger)
    if not chosen.size:
        return []
    message = "oxidation is given, but this method is a mass balance without an oxidation rate. Leave the cell empty."
    return [_row_issue(rows, sites, chosen, "oxidation", message)]


def _unit_scale(rows: Rows, sites: Sites, expected: Labels) -> tuple[Floats, list[Issue]]:
    """Number that turns each quantity into the unit of its factor; an output stays in the facility's unit."""
    problems = []
    wanted = np.where(expected == "", sites.facility_text["output_unit"][rows.facility], expected)
    wanted = np.where(wanted == "", rows.unit, wanted)
    codes, first = distinct(rows.unit, wanted)
    scale = np.ones(len(first))
    for code, row in enumerate(first.tolist()):
        try:
            scale[code] = conversion_factor(str(rows.unit[row]), str(wanted[row]))
        except UnitError as problem:
            problems.append(_row_issue(rows, sites, np.flatnonzero(codes == code), "unit", str(problem)))
    return np.asarray(scale[codes]), problems


def _row_issue(rows: Rows, sites: Sites, chosen: Index, column: str, message: str) -> Issue:
    first = int(chosen[0])
    label = f"{sites.facility[rows.facility[first]]}/{rows.stream[first]}"
    more = f" and {len(chosen) - 1} more rows" if len(chosen) > 1 else ""
    return Issue("factor", f"activity {label}{more}", message, column=column, value=str(rows.factor[first]))
