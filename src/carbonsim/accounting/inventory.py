"""The inventory of a study or ledger: emissions of every source stream, gas by gas, and the part with an obligation.

Dimensions inside: s stream, c component (one gas of one stream), f facility, e enterprise, g gas, y year.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr

from carbonsim.accounting.boundary import Boundary, boundary_of, counted_gases, makes_key_output, noticed_electricity
from carbonsim.accounting.core import Bools, sector_accounting
from carbonsim.accounting.emission_factors import RowFactors, row_factors
from carbonsim.accounting.pollutants import PollutantStreams, pollutant_totals, pollutant_variables
from carbonsim.accounting.process_names import check_processes
from carbonsim.accounting.streams import (
    ENTERPRISE_TEXT,
    FACILITY_TEXT,
    Book,
    Floats,
    Index,
    Rows,
    Sites,
    book_of,
    read_rows,
    read_sites,
)
from carbonsim.accounting.timeline import (
    Components,
    Streams,
    components_of,
    factor_evidence,
    project_activity,
    streams_of,
)
from carbonsim.accounting.warming import GWP_SET, GwpChoice, gwp_values, shown_set
from carbonsim.dims import GASES, POLLUTANTS, exact
from carbonsim.errors import InputError, Issue, shorten
from carbonsim.inputs.factors import Factors, packaged_factors
from carbonsim.inputs.scenario import Scenario

if TYPE_CHECKING:
    from carbonsim.inputs.ledger import Ledger

NEGATIVE_TOLERANCE: Final = 1e-6
Variables = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Accounts:
    """The streams of a run: activity, emissions by component (c, y), tCO2e and covered tCO2e (s, y)."""

    book: Book
    study: Scenario | None
    sites: Sites
    rows: Rows
    per_row: RowFactors
    streams: Streams
    boundary: Boundary
    components: Components
    gases: tuple[str, ...]
    gas_of: Index
    counts: Bools
    activity: Floats
    potential: Floats
    market_potential: Floats
    emissions: Floats
    co2e: Floats
    covered: Floats


@exact
def build_inventory(
    study: Scenario | Ledger,
    factors: Factors | None = None,
    *,
    gwp_set: GwpChoice = GWP_SET,
    market_gwp_set: GwpChoice = GWP_SET,
) -> xr.Dataset:
    r"""Emissions of every enterprise, facility and source stream of a study or of a ledger.

    A study carries base-year activity forward with ``outlook.output_index`` of the sector; a year for which its
    activity table has a row of its own uses that row. A ledger has the years it has rows for.

    Parameters
    ----------
    study : Scenario or Ledger
    factors : Factors, optional
        Factor tables; those of the ledger or study, or the packaged ones, by default.
    gwp_set : str or mapping of first year to str
        Warming potentials of the inventory: ``AR4``, ``AR5``, ``AR5_feedback`` or ``AR6``, for all years or from a
        year on.
    market_gwp_set : str or mapping of first year to str
        Warming potentials of the covered emissions; the national market prints those of AR5.

    Returns
    -------
    Dataset
        ``activity`` (stream, year), 0 where ``stream_reported`` (stream, year) is False; ``emission_factor`` (stream,
        gas, year) [t of gas per unit of activity]; ``stream_emissions`` (stream, gas, year) [t];
        ``stream_emissions_co2e`` (stream, year) [tCO2e] and the part ``stream_covered_emissions`` inside the market's
        boundary and gases; ``emissions`` (enterprise, gas, year) [t] and ``emissions_co2e`` (enterprise, year)
        [tCO2e] of scope 1; ``scope2_location`` (enterprise, year) [tCO2e]; ``covered_emissions``, ``key_emissions``
        (facility, year) [tCO2e] inside the boundary of the sector in the market, whether or not it has entered;
        ``output``, ``key_output``, ``heat_output`` (facility, year); ``load_factor`` (facility), the one variable
        that is NaN where the table is empty, because 0 would mean a unit that stands still; ``pollutant_emissions``
        (enterprise, pollutant, year) [t] where ``pollutant_available``; masks ``stream_covered``, ``stream_key``
        (stream, year), ``from_fuel``. Product carbon is negative row by row; the total of an enterprise is not. Gases
        of ``warming.MEMO_GASES`` are in no total of tCO2e.

        The chain of multiplications: ``term_value``, ``term_key`` (component, term, year) and ``term_form``
        (component, term), see :mod:`carbonsim.accounting.formula`; ``term_key`` is a place on ``shared``, the entries
        of the factor tables, or -1 where the value is the row's own or the term does not enter. ``component_covered``
        says that the market counts the gas.

    Raises
    ------
    InputError
        If a factor is missing or of another table set, a unit does not convert, a stream has no base-year row, an
        enterprise's carbon out exceeds its carbon in, or a sector finds its rows wrong together.
    ParameterError
        If ``outlook.output_index`` or ``outlook.grid_factor`` lacks a sector or year.

    Notes
    -----
    One row is one source stream: :math:`E_{s,g,y} = A_{s,y} \cdot EF_{s,g,y}` with the sign of the method in the
    factor, :math:`E^{CO2e}_{s,y} = \sum_g GWP_{g,y} E_{s,g,y}`.

    References
    ----------
    source: cets-ag-03-steel-2024, cets-ag-02-cement-2024, cets-ag-04-aluminium-2024, cets-power-guide-2022.
    """
    library = factors or getattr(study, "factors", None) or packaged_factors()
    accounts = _accounts(study, library, gwp_set, market_gwp_set)
    streams = accounts.streams
    made = streams.of_method("output")
    pollutants = pollutant_totals(
        accounts.sites,
        accounts.rows,
        library.pollutants,
        output=(streams.row_of[made], streams.facility[made], accounts.activity[made]),
        streams=_pollutant_streams(accounts),
    )
    data = {
        **_stream_variables(accounts),
        **_term_variables(accounts),
        **_enterprise_variables(accounts),
        **_facility_variables(accounts),
        **pollutant_variables(pollutants),
        "gwp": (("gas", "year"), accounts.potential, {"units": "tCO2e/t"}),
        "market_gwp": (("gas", "year"), accounts.market_potential, {"units": "tCO2e/t"}),
    }
    attrs = {
        "gwp_set": shown_set(gwp_set),
        "market_gwp_set": shown_set(market_gwp_set),
        "unmatched_control": ", ".join(pollutants.unmatched),
        "removed_beyond": ", ".join(pollutants.removed_beyond),
    }
    inventory = xr.Dataset(data, coords=_coords(accounts), attrs=attrs)
    kinds = dict.fromkeys(sector_accounting(str(name)) for name in np.unique(inventory["sector"].values))
    if problems := [issue for kind in kinds for issue in kind.check(inventory)]:
        raise InputError(problems)
    return inventory


def _accounts(study: Scenario | Ledger, factors: Factors, gwp_set: GwpChoice, market_gwp_set: GwpChoice) -> _Accounts:
    book = book_of(study)
    scenario = study if isinstance(study, Scenario) else None
    sites = read_sites(book)
    check_processes(sites, study.origins.get("facilities"))
    rows = read_rows(book, sites)
    per_row = row_factors(rows, sites, factors, dated_grid=scenario is None)
    streams = streams_of(book, sites, rows)
    activity = project_activity(scenario, sites, per_row, streams)
    components = components_of(scenario, per_row, streams)
    gas = per_row.kinds.gas[components.kind]
    gases = (*GASES, *sorted(set(per_row.kinds.gas.tolist()) - set(GASES)))
    gas_of = np.array([gases.index(name) for name in per_row.kinds.gas.tolist()], dtype=np.intp)[components.kind]
    potential = gwp_values(factors, gwp_set, gases, book.years)
    market_potential = gwp_values(factors, market_gwp_set, gases, book.years)
    emissions = activity[components.stream] * components.per_unit
    boundary = boundary_of(book, sites, streams, per_row.from_fuel[streams.first])
    counts = counted_gases(boundary, sites.sector()[streams.facility][components.stream], gas)
    inside = emissions * market_potential[gas_of] * counts[:, None]
    covered = _sum_to(components.stream, inside, len(streams.label)) * boundary.inside
    noticed = noticed_electricity(book, sites, streams, activity, factors)
    return _Accounts(
        book=book,
        study=scenario,
        sites=sites,
        rows=rows,
        per_row=per_row,
        streams=streams,
        boundary=boundary,
        components=components,
        gases=gases,
        gas_of=gas_of,
        counts=counts,
        activity=activity,
        potential=potential,
        market_potential=market_potential,
        emissions=emissions,
        co2e=_sum_to(components.stream, emissions * potential[gas_of], len(streams.label)),
        covered=np.where(np.isnan(noticed), covered, noticed * boundary.inside),
    )


def _sum_to(places: Index, values: Floats, count: int) -> Floats:
    """Sums of ``values`` over their first axis, by place."""
    total = np.zeros((count, *values.shape[1:]))
    np.add.at(total, places, values)
    return total


def _by_gas(accounts: _Accounts, values: Floats, place: Index, count: int) -> Floats:
    """Sums of component values (c, y) by the place of each component and by gas (count, g, y)."""
    gases = len(accounts.gases)
    return _sum_to(place * gases + accounts.gas_of, values, count * gases).reshape(count, gases, values.shape[1])


def _stream_variables(accounts: _Accounts) -> Variables:
    per_row, streams = accounts.per_row, accounts.streams
    by_year, by_gas = ("stream", "year"), ("stream", "gas", "year")
    per_unit = "unit of the factor"
    fuel = per_row.fuel[streams.row_of]
    place, count = accounts.components.stream, len(streams.label)
    return {
        "activity": (by_year, accounts.activity, {"units": "activity_unit"}),
        "stream_reported": (by_year, streams.given),
        "emission_factor": (
            by_gas,
            _by_gas(accounts, accounts.components.per_unit, place, count),
            {"units": f"t/{per_unit}"},
        ),
        "stream_emissions": (by_gas, _by_gas(accounts, accounts.emissions, place, count), {"units": "t"}),
        "stream_emissions_co2e": (by_year, accounts.co2e, {"units": "tCO2e"}),
        "stream_covered_emissions": (by_year, accounts.covered, {"units": "tCO2e"}),
        "stream_covered": (by_year, accounts.boundary.inside),
        "stream_key": (by_year, accounts.boundary.key),
        "from_fuel": ("stream", per_row.from_fuel[streams.first]),
        "net_calorific_value": (by_year, fuel[:, :, 0], {"units": f"GJ/{per_unit}"}),
        "carbon_content": (by_year, fuel[:, :, 1], {"units": "tC/TJ"}),
        "oxidation": (by_year, fuel[:, :, 2], {"units": "1"}),
    }


def _term_variables(accounts: _Accounts) -> Variables:
    components, kinds, shared = accounts.components, accounts.per_row.kinds, accounts.per_row.shared
    by_term = ("component", "term", "year")
    return {
        "component_place": ("component", components.stream),
        "component_covered": ("component", accounts.counts),
        "component_sign": ("component", kinds.sign[components.kind], {"units": "1"}),
        "component_constant": ("component", kinds.scale[components.kind], {"units": "1"}),
        "term_form": (("component", "term"), kinds.form[components.kind]),
        "term_value": (by_term, components.value),
        "term_key": (by_term, components.key),
        "shared_value": ("shared", np.nan_to_num(shared.value)),
    }


def _enterprise_variables(accounts: _Accounts) -> Variables:
    sites, streams, co2e = accounts.sites, accounts.streams, accounts.co2e
    owner, count = sites.owner[streams.facility], len(sites.enterprise)
    direct, indirect = streams.scope == 1, streams.scope == 2
    total = _sum_to(owner[direct], co2e[direct], count)
    gross = _sum_to(owner[direct], np.abs(co2e[direct]), count)
    wrong = np.flatnonzero((total < -NEGATIVE_TOLERANCE * np.maximum(gross, 1)).any(axis=1))
    if wrong.size:
        names = shorten(sites.enterprise[wrong].tolist())
        raise InputError(
            Issue(
                "negative-total",
                "",
                f"direct emissions of {names} are negative: more carbon leaves in products than comes in.",
                f"{names} 的直接排放为负：随产品流出的碳多于燃料和原料带入的碳。",
                "Add the missing inputs, or correct the products.",
                "请补充遗漏的投入，或更正产品数据。",
            )
        )
    place = accounts.components.stream
    by_gas = _by_gas(accounts, accounts.emissions * direct[place][:, None], owner[place], count)
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
    from_streams = _sum_to(streams.facility, accounts.covered * accounts.boundary.key, count)
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


def _pollutant_streams(accounts: _Accounts) -> PollutantStreams:
    rows, per_row, streams = accounts.rows, accounts.per_row, accounts.streams
    unknown = np.full(len(rows), np.nan)
    heat = per_row.fuel[:, 0]
    return PollutantStreams(
        label=streams.label,
        facility=streams.facility,
        method=streams.method,
        group=rows.pollutant_factor[streams.first],
        unit=per_row.activity_unit[streams.first],
        row=streams.row_of,
        amount=accounts.activity,
        net_calorific_value=np.where(heat > 0, heat, np.nan)[streams.row_of],
        sulphur=rows.own.get("sulphur", unknown)[streams.row_of],
        retention=rows.own.get("retention", unknown)[streams.row_of],
    )


def _coords(accounts: _Accounts) -> Variables:
    sites, rows, per_row, streams = accounts.sites, accounts.rows, accounts.per_row, accounts.streams
    first = streams.first
    factor, source, basis = factor_evidence(accounts.study, rows, per_row, streams)
    return {
        "stream": ("stream", streams.label),
        "facility": ("facility", sites.facility),
        "enterprise": ("enterprise", sites.enterprise),
        "gas": ("gas", np.array(accounts.gases)),
        "pollutant": ("pollutant", np.array(POLLUTANTS)),
        "year": ("year", np.array(accounts.book.years, dtype=np.int64)),
        "stream_facility": ("stream", sites.facility[streams.facility]),
        "stream_enterprise": ("stream", sites.enterprise[sites.owner[streams.facility]]),
        "stream_sector": ("stream", sites.sector()[streams.facility]),
        "stream_name": ("stream", rows.stream[first]),
        "stream_month": ("stream", rows.month[first]),
        "method": ("stream", streams.method),
        "category": ("stream", streams.category),
        "stream_scope": ("stream", streams.scope),
        "scope3_category": ("stream", rows.scope3_category[first]),
        "tier": ("stream", per_row.tier[first]),
        "substituted": ("stream", _any_row(rows.substituted, streams)),
        "evidence": ("stream", rows.evidence[first]),
        "factor": ("stream", factor),
        "factor_source": ("stream", source),
        "factor_basis": ("stream", basis),
        "activity_basis": ("stream", rows.basis[first]),
        "activity_source": ("stream", rows.source[first]),
        "activity_unit": ("stream", per_row.activity_unit[first]),
        **_component_coords(accounts),
        "facility_enterprise": ("facility", sites.enterprise[sites.owner]),
        "facility_sector": ("facility", sites.sector()),
        **{name: ("facility", sites.facility_text[name]) for name in FACILITY_TEXT},
        **{name: ("enterprise", sites.enterprise_text[name]) for name in ENTERPRISE_TEXT},
        "entities": ("enterprise", sites.entities.astype(np.int64)),
    }


def _any_row(flag: Bools, streams: Streams) -> Bools:
    return np.asarray((flag[streams.row_of] & streams.given).any(axis=1), dtype=bool)


def _component_coords(accounts: _Accounts) -> Variables:
    components, shared = accounts.components, accounts.per_row.shared
    gas = np.array(accounts.gases)[accounts.gas_of]
    label = np.char.add(accounts.streams.label[components.stream], np.char.add("|", gas)) if gas.size else gas
    factor = np.array([entry.rpartition("/")[0] or entry for entry in shared.entry.tolist()], dtype=str)
    return {
        "component": ("component", label),
        "component_gas": ("component", gas),
        "term": ("term", np.array(accounts.per_row.term, dtype=str)),
        "shared": ("shared", shared.entry),
        "shared_factor": ("shared", factor),
        "shared_unit": ("shared", shared.unit),
        "shared_source": ("shared", shared.source),
        "shared_basis": ("shared", shared.basis),
    }
