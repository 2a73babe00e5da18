"""The inventory of a scenario: emissions of every source stream, gas by gas, and the part that carries an obligation.

Dimensions inside: s stream, f facility, e enterprise, g gas, y year.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xarray as xr

from carbonsim.accounting.boundary import Boundary, boundary_of, makes_key_output
from carbonsim.accounting.core import Bools
from carbonsim.accounting.emission_factors import RowFactors, row_factors
from carbonsim.accounting.pollutants import PollutantTotals, pollutant_totals
from carbonsim.accounting.streams import (
    ENTERPRISE_TEXT,
    FACILITY_TEXT,
    Floats,
    Index,
    Rows,
    Sites,
    read_rows,
    read_sites,
)
from carbonsim.accounting.timeline import (
    Streams,
    emission_factor_by_year,
    factor_evidence,
    project_activity,
    streams_of,
)
from carbonsim.dims import GASES, POLLUTANTS, exact
from carbonsim.errors import InputError, shorten
from carbonsim.inputs.factors import Factors, packaged_factors
from carbonsim.inputs.scenario import Scenario

GWP_SET: Final = "AR5"
GWP_SETS: Final = ("AR4", "AR5", "AR5_feedback", "AR6")
NEGATIVE_TOLERANCE: Final = 1e-6
Variables = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Accounts:
    """The streams of a run: activity, tCO2e and covered tCO2e (s, y), factors and emissions by gas (s, g, y)."""

    sites: Sites
    rows: Rows
    per_row: RowFactors
    streams: Streams
    boundary: Boundary
    activity: Floats
    factor: Floats
    emissions: Floats
    co2e: Floats
    covered: Floats


@exact
def build_inventory(scenario: Scenario, factors: Factors | None = None, *, gwp_set: str = GWP_SET) -> xr.Dataset:
    r"""Emissions of every enterprise, facility and source stream in the years of a scenario.

    Base-year activity is carried forward with ``outlook.output_index`` of the sector; a year of the run for which
    the activity table has a row of its own uses that row.

    Parameters
    ----------
    scenario : Scenario
    factors : Factors, optional
        Factor tables; the packaged ones by default.
    gwp_set : str
        Column of the warming potentials: ``AR4``, ``AR5`` (national market), ``AR5_feedback`` or ``AR6``.

    Returns
    -------
    Dataset
        ``activity`` (stream, year); ``emission_factor`` (stream, gas, year) [t of gas per unit of activity];
        ``stream_emissions`` (stream, gas, year) [t]; ``stream_emissions_co2e`` (stream, year) [tCO2e] and the part
        ``stream_covered_emissions`` inside the market's boundary and gases; ``emissions`` (enterprise, gas, year) [t]
        and ``emissions_co2e`` (enterprise, year) [tCO2e] of scope 1; ``scope2_location`` (enterprise, year) [tCO2e];
        ``covered_emissions``, ``key_emissions`` (facility, year) [tCO2e] inside the boundary of the sector in the
        market, whether or not it has entered; ``output``, ``key_output``, ``heat_output`` (facility, year);
        ``load_factor`` (facility), the one variable that is NaN where the table is empty, because 0 would mean a unit
        that stands still; ``pollutant_emissions`` (enterprise, pollutant, year) [t] where ``pollutant_available``;
        masks ``stream_covered``, ``stream_key``, ``from_fuel``. Product carbon is negative row by row; the total of an
        enterprise is not.

    Raises
    ------
    InputError
        If a factor is missing or of another table set, a unit does not convert, a stream has no base-year row, or
        an enterprise's carbon out exceeds its carbon in.
    ParameterError
        If ``outlook.output_index`` or ``outlook.grid_factor`` lacks a sector or year.

    Notes
    -----
    One row is one source stream: :math:`E_{s,g,y} = A_{s,y} \cdot EF_{s,g,y}` with the sign of the method in the
    factor, :math:`E^{CO2e}_{s,y} = \sum_g GWP_g E_{s,g,y}`.

    References
    ----------
    source: cets-ag-03-steel-2024, cets-ag-02-cement-2024, cets-ag-04-aluminium-2024, cets-power-guide-2022.
    """
    library = packaged_factors() if factors is None else factors
    potential = gwp_values(library, gwp_set)
    accounts = _accounts(scenario, library, potential)
    streams = accounts.streams
    made = streams.of_method("output")
    pollutants = pollutant_totals(
        accounts.sites,
        accounts.rows,
        library.pollutants,
        output=(streams.first[made], streams.facility[made], accounts.activity[made]),
    )
    data = {
        **_stream_variables(accounts),
        **_enterprise_variables(accounts),
        **_facility_variables(accounts),
        **_pollutant_variables(pollutants),
        "gwp": ("gas", potential, {"units": "tCO2e/t", "set": gwp_set}),
    }
    attrs = {"gwp_set": gwp_set, "unmatched_control": ", ".join(pollutants.unmatched)}
    return xr.Dataset(data, coords=_coords(scenario, accounts), attrs=attrs)


def gwp_values(factors: Factors, gwp_set: str) -> Floats:
    """Warming potential of each gas of the package [tCO2e/t], in the order of ``dims.GASES``."""
    if gwp_set not in GWP_SETS:
        raise InputError(f"set of warming potentials '{gwp_set}' is not known. Known: {', '.join(GWP_SETS)}.")
    table = factors.gwp.set_index("gas")[gwp_set]
    return np.array([float(table[gas]) for gas in GASES])


def _accounts(scenario: Scenario, factors: Factors, potential: Floats) -> _Accounts:
    sites = read_sites(scenario)
    rows = read_rows(scenario, sites)
    per_row = row_factors(rows, sites, factors)
    streams = streams_of(scenario, sites, rows)
    activity = project_activity(scenario, sites, per_row, streams)
    factor = emission_factor_by_year(scenario, per_row, streams)
    emissions = activity[:, None, :] * factor
    boundary = boundary_of(scenario, sites, streams, per_row.from_fuel[streams.first])
    counted = boundary.gases * potential * boundary.inside[:, None]
    return _Accounts(
        sites=sites,
        rows=rows,
        per_row=per_row,
        streams=streams,
        boundary=boundary,
        activity=activity,
        factor=factor,
        emissions=emissions,
        co2e=np.einsum("sgy,g->sy", emissions, potential),
        covered=np.einsum("sgy,sg->sy", emissions, counted),
    )


def _sum_to(places: Index, values: Floats, count: int) -> Floats:
    """Sums of ``values`` over their first axis, by place."""
    total = np.zeros((count, *values.shape[1:]))
    np.add.at(total, places, values)
    return total


def _stream_variables(accounts: _Accounts) -> Variables:
    per_row, streams = accounts.per_row, accounts.streams
    by_year, by_gas = ("stream", "year"), ("stream", "gas", "year")
    per_unit = "unit of the factor"
    return {
        "activity": (by_year, accounts.activity, {"units": "activity_unit"}),
        "emission_factor": (by_gas, accounts.factor, {"units": f"t/{per_unit}"}),
        "stream_emissions": (by_gas, accounts.emissions, {"units": "t"}),
        "stream_emissions_co2e": (by_year, accounts.co2e, {"units": "tCO2e"}),
        "stream_covered_emissions": (by_year, accounts.covered, {"units": "tCO2e"}),
        "stream_covered": ("stream", accounts.boundary.inside),
        "stream_key": ("stream", accounts.boundary.key),
        "from_fuel": ("stream", per_row.from_fuel[streams.first]),
        "net_calorific_value": (by_year, per_row.net_calorific_value[streams.row_of], {"units": f"GJ/{per_unit}"}),
        "carbon_content": (by_year, per_row.carbon_content[streams.row_of], {"units": "tC/TJ"}),
        "oxidation": (by_year, per_row.oxidation[streams.row_of], {"units": "1"}),
    }


def _enterprise_variables(accounts: _Accounts) -> Variables:
    sites, streams, co2e = accounts.sites, accounts.streams, accounts.co2e
    owner, count = sites.owner[streams.facility], len(sites.enterprise)
    direct, indirect = streams.scope == 1, streams.scope == 2
    total = _sum_to(owner[direct], co2e[direct], count)
    gross = _sum_to(owner[direct], np.abs(co2e[direct]), count)
    wrong = np.flatnonzero((total < -NEGATIVE_TOLERANCE * np.maximum(gross, 1)).any(axis=1))
    if wrong.size:
        raise InputError(
            f"direct emissions of {shorten(sites.enterprise[wrong].tolist())} are negative: more carbon leaves in "
            "products than comes in with fuels and materials. Add the missing inputs, or correct the products."
        )
    by_gas = _sum_to(owner[direct], accounts.emissions[direct], count)
    scope2 = _sum_to(owner[indirect], co2e[indirect], count)
    return {
        "emissions": (("enterprise", "gas", "year"), by_gas, {"units": "t"}),
        "emissions_co2e": (("enterprise", "year"), total, {"units": "tCO2e"}),
        "scope2_location": (("enterprise", "year"), scope2, {"units": "tCO2e"}),
    }


def _facility_variables(accounts: _Accounts) -> Variables:
    sites, streams = accounts.sites, accounts.streams
    count = len(sites.facility)

    def amount(method: str) -> tuple[Floats, Bools]:
        chosen = streams.of_method(method)
        total = _sum_to(streams.facility[chosen], accounts.activity[chosen], count)
        return total, np.isin(np.arange(count), streams.facility[chosen])

    output, _ = amount("output")
    stated_output, states_output = amount("key_output")
    stated_key, states_key = amount("reported_key")
    heat, _ = amount("heat_supplied")
    key = accounts.boundary.key
    from_streams = _sum_to(streams.facility[key], accounts.covered[key], count)
    made = np.where(makes_key_output(sites, states_output)[:, None], output, 0.0)
    dims = ("facility", "year")
    return {
        "covered_emissions": (dims, _sum_to(streams.facility, accounts.covered, count), {"units": "tCO2e"}),
        "key_emissions": (dims, np.where(states_key[:, None], stated_key, from_streams), {"units": "tCO2e"}),
        "reports_key": ("facility", states_key),
        "output": (dims, output, {"units": "output_unit"}),
        "key_output": (dims, np.where(states_output[:, None], stated_output, made), {"units": "output_unit"}),
        "heat_output": (dims, heat, {"units": "GJ"}),
        "load_factor": ("facility", sites.load_factor, {"units": "1"}),
        "heat_ratio": ("facility", np.nan_to_num(sites.heat_ratio), {"units": "1"}),
    }


def _pollutant_variables(pollutants: PollutantTotals) -> Variables:
    return {
        "pollutant_emissions": (("enterprise", "pollutant", "year"), pollutants.emissions, {"units": "t"}),
        "pollutant_available": (("enterprise", "pollutant"), pollutants.available),
        "pollutant_factor": (("facility", "pollutant"), pollutants.factor_id),
    }


def _coords(scenario: Scenario, accounts: _Accounts) -> Variables:
    sites, rows, per_row, streams = accounts.sites, accounts.rows, accounts.per_row, accounts.streams
    first = streams.first
    source, basis = factor_evidence(scenario, rows, per_row, streams)
    return {
        "stream": ("stream", streams.label),
        "facility": ("facility", sites.facility),
        "enterprise": ("enterprise", sites.enterprise),
        "gas": ("gas", np.array(GASES)),
        "pollutant": ("pollutant", np.array(POLLUTANTS)),
        "year": ("year", np.array(scenario.years, dtype=np.int64)),
        "stream_facility": ("stream", sites.facility[streams.facility]),
        "stream_enterprise": ("stream", sites.enterprise[sites.owner[streams.facility]]),
        "stream_sector": ("stream", sites.sector()[streams.facility]),
        "stream_name": ("stream", rows.stream[first]),
        "method": ("stream", streams.method),
        "category": ("stream", streams.category),
        "stream_scope": ("stream", streams.scope),
        "factor": ("stream", per_row.factor[first]),
        "factor_source": ("stream", source),
        "factor_basis": ("stream", basis),
        "activity_basis": ("stream", rows.basis[first]),
        "activity_source": ("stream", rows.source[first]),
        "activity_unit": ("stream", per_row.activity_unit[first]),
        "facility_enterprise": ("facility", sites.enterprise[sites.owner]),
        "facility_sector": ("facility", sites.sector()),
        **{name: ("facility", sites.facility_text[name]) for name in FACILITY_TEXT},
        **{name: ("enterprise", sites.enterprise_text[name]) for name in ENTERPRISE_TEXT},
        "entities": ("enterprise", sites.entities.astype(np.int64)),
    }
