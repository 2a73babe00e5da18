"""What of an inventory the emissions market looks at: covered streams, key streams and key output.

Dimensions inside: s stream, f facility, y year.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from carbonsim.accounting.core import Bools, Labels, SectorAccounting, StreamView, sector_accounting
from carbonsim.accounting.streams import Book, Floats, Sites, text
from carbonsim.accounting.timeline import Streams
from carbonsim.accounting.warming import MEMO_GASES
from carbonsim.errors import InputError, Issue
from carbonsim.inputs.factors import Factors


@dataclass(frozen=True, slots=True)
class Boundary:
    """Streams inside the market's boundary (s, y), streams of the key process (s, y), and each sector's gases."""

    inside: Bools
    key: Bools
    gases: Mapping[str, tuple[str, ...]]


def boundary_of(book: Book, sites: Sites, streams: Streams, from_fuel: Bools) -> Boundary:
    """The boundary of each sector in each year, whether or not the sector has entered the market yet.

    A study's coverage table says which gases count and whether purchased electricity does; without one (a ledger),
    and for a sector that it does not list, the sector's own accounting does. A sector that is not in the market
    never carries an obligation, but a measure that pays for itself has something to act on.
    """
    owner, sector = sites.owner[streams.facility], sites.sector()[streams.facility]
    site_sector = sites.sector()
    states_key = np.isin(streams.facility, streams.facility[streams.of_method("reported_key")])
    shape = (len(sector), len(book.years))
    inside, key = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    gases: dict[str, tuple[str, ...]] = {}
    for name in np.unique(sector):
        chosen = np.flatnonzero(sector == name)
        view = StreamView(
            enterprise=owner[chosen],
            process=sites.facility_text["process"][streams.facility[chosen]],
            kind=sites.enterprise_text["kind"][owner[chosen]],
            method=streams.method[chosen],
            category=streams.category[chosen],
            scope=streams.scope[chosen],
            from_fuel=from_fuel[chosen],
            reports_key=states_key[chosen],
            site_enterprise=sites.owner[site_sector == name],
            site_process=sites.facility_text["process"][site_sector == name],
        )
        accounting = sector_accounting(str(name))
        gases[str(name)], with_electricity = _coverage(book, str(name), accounting)
        # No market guideline read deducts captured carbon dioxide.
        direct = (view.scope == 1) & (view.category != "captured")
        scopes = direct[:, None] | ((view.category == "electricity")[:, None] & with_electricity)
        inside[chosen] = accounting.in_boundary(view)[:, None] & scopes
        key[chosen] = accounting.in_key(view)[:, None] & inside[chosen]
    return Boundary(inside, key, gases)


def _coverage(book: Book, sector: str, accounting: type[SectorAccounting]) -> tuple[tuple[str, ...], Bools]:
    """Gases that count in the market, and in which years (y) purchased electricity does, for one sector."""
    years = np.asarray(book.years)
    if "coverage" in book.tables:
        table = book.tables["coverage"]
        row = np.flatnonzero(text(table, "sector") == sector)
        if row.size:
            gases = tuple(gas.strip() for gas in str(text(table, "gases")[row[0]]).split(";"))
            electricity = str(text(table, "boundary")[row[0]]) == "direct_and_electricity"
            return gases, np.full(len(years), electricity)
    last = accounting.electricity_covered_until
    from_table = "coverage" in book.tables
    return accounting.market_gases, (years <= last) if last and not from_table else np.zeros(len(years), dtype=bool)


def counted_gases(boundary: Boundary, sector: Labels, gas: Labels) -> Bools:
    """Components (c) whose gas the market of their sector counts; a variant of a gas counts as the gas."""
    counted = np.zeros(len(gas), dtype=bool)
    for name, gases in boundary.gases.items():
        wanted = [known for known in np.unique(gas) if known.partition(" ")[0] in gases and known not in MEMO_GASES]
        counted |= (sector == name) & np.isin(gas, wanted)
    return counted


def noticed_electricity(book: Book, sites: Sites, streams: Streams, activity: Floats, factors: Factors) -> Floats:
    """Covered emissions of purchased electricity (s, y) [tCO2e] at the factor of the reporting notice; NaN elsewhere.

    While a sector's obligation counted purchased electricity, the ministry's notice of the year set its factor,
    whatever the average of the grid. A notice stays in force until the next one. A study has its own outlook.

    Raises
    ------
    InputError
        If no notice is known up to a year.
    """
    found = np.full(activity.shape, np.nan)
    if "coverage" in book.tables:
        return found
    notices = factors.grid[factors.grid["kind"] == "notice"].sort_values("data_year")
    sector, electricity = sites.sector()[streams.facility], streams.category == "electricity"
    for name in np.unique(sector[electricity]):
        last = sector_accounting(str(name)).electricity_covered_until or 0
        chosen = np.flatnonzero(electricity & (sector == name))
        for column, year in enumerate(book.years):
            known = notices[notices["data_year"] <= year]
            if year <= last and known.empty:
                raise InputError(
                    Issue(
                        "grid-factor",
                        "",
                        f"no reporting notice up to {year} sets the factor of purchased electricity.",
                        f"{year} 年及以前没有规定外购电力因子的报告通知。",
                        "Add a row of kind notice to the grid table (own factors).",
                        "请在自有因子的电力表中补充种类为 notice 的一行。",
                    )
                )
            if year <= last:
                found[chosen, column] = activity[chosen, column] * float(known["value"].iloc[-1])
    return found


def makes_key_output(sites: Sites, states_output: Bools) -> Bools:
    """Facilities (f) whose main output is the key output where the activity table does not state one.

    Parameters
    ----------
    sites : Sites
    states_output : array of bool (f)
        Facilities with a row of method ``key_output``.
    """
    made = np.zeros(len(sites.facility), dtype=bool)
    sector, process = sites.sector(), sites.facility_text["process"]
    for name in np.unique(sector):
        accounting = sector_accounting(str(name))
        chosen = sector == name
        wanted = accounting.output_processes or accounting.key_processes
        if wanted is None:
            made |= chosen
            continue
        key = chosen & np.isin(process, sorted(wanted))
        has_own = np.isin(sites.owner, sites.owner[key | (chosen & states_output)])
        made |= key | (chosen & ~has_own)
    return made
