"""What of an inventory the emissions market looks at: covered streams, key streams and key output.

Dimensions inside: s stream, f facility, g gas.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from carbonsim.accounting.core import Bools, StreamView, sector_accounting
from carbonsim.accounting.streams import Floats, Sites, text
from carbonsim.accounting.timeline import Streams
from carbonsim.dims import GASES
from carbonsim.inputs.scenario import Scenario

DEFAULT_GASES: Final = "CO2"
DEFAULT_BOUNDARY: Final = "direct"


@dataclass(frozen=True, slots=True)
class Boundary:
    """Streams inside the market's boundary (s), streams of the key process (s) and the gases that count (s, g)."""

    inside: Bools
    key: Bools
    gases: Floats


def boundary_of(scenario: Scenario, sites: Sites, streams: Streams, from_fuel: Bools) -> Boundary:
    """The boundary of each sector, whether or not the sector has entered the market yet.

    A sector without a row in the coverage table is looked at as if it were covered for its direct CO2: it never
    carries an obligation, but a measure that pays for itself has something to act on.
    """
    owner, sector = sites.owner[streams.facility], sites.sector()[streams.facility]
    site_sector = sites.sector()
    states_key = np.isin(streams.facility, streams.facility[streams.of_method("reported_key")])
    inside, key = np.zeros(len(sector), dtype=bool), np.zeros(len(sector), dtype=bool)
    gases = np.zeros((len(sector), len(GASES)))
    for name in np.unique(sector):
        chosen = np.flatnonzero(sector == name)
        view = StreamView(
            enterprise=owner[chosen],
            process=sites.facility_text["process"][streams.facility[chosen]],
            kind=sites.enterprise_text["kind"][owner[chosen]],
            category=streams.category[chosen],
            scope=streams.scope[chosen],
            from_fuel=from_fuel[chosen],
            reports_key=states_key[chosen],
            site_enterprise=sites.owner[site_sector == name],
            site_process=sites.facility_text["process"][site_sector == name],
        )
        gases[chosen], with_electricity = _coverage(scenario, str(name))
        scopes = (view.scope == 1) | (with_electricity & (view.category == "electricity"))
        accounting = sector_accounting(str(name))
        inside[chosen] = accounting.in_boundary(view) & scopes
        key[chosen] = accounting.in_key(view) & inside[chosen]
    return Boundary(inside, key, gases)


def _coverage(scenario: Scenario, sector: str) -> tuple[Floats, bool]:
    """Gases that count in the market (g) and whether purchased electricity does, for one sector."""
    table = scenario.tables["coverage"]
    row = np.flatnonzero(text(table, "sector") == sector)
    gases = str(text(table, "gases")[row[0]]) if row.size else DEFAULT_GASES
    boundary = str(text(table, "boundary")[row[0]]) if row.size else DEFAULT_BOUNDARY
    names = [gas.strip() for gas in gases.split(";")]
    return np.array([float(gas in names) for gas in GASES]), boundary == "direct_and_electricity"


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
