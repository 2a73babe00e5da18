"""Finds a facility whose process is a misspelled one of its sector: it would fall outside the market unnoticed."""

from __future__ import annotations

import difflib
from typing import Final

import numpy as np

from carbonsim.accounting.core import SectorAccounting, sector_accounting
from carbonsim.accounting.streams import Sites
from carbonsim.errors import InputError, Issue
from carbonsim.inputs.origins import Origin

# Two names this alike are one name and a slip; those of different processes of a sector are at most 0.75 alike.
ALIKE: Final = 0.85


def check_processes(sites: Sites, origin: Origin | None) -> None:
    """Refuses facilities whose process differs by a slip from one that their sector's guideline names.

    Parameters
    ----------
    sites : Sites
    origin : Origin or None
        Where the rows of the table of facilities came from.

    Raises
    ------
    InputError
        With every such facility. A process like no named one passes: a sector may have any other, outside the
        market's boundary.
    """
    found = []
    sector, process = sites.sector(), sites.facility_text["process"]
    for name in np.unique(sector):
        known = _named(sector_accounting(str(name)))
        for place in np.flatnonzero((sector == name) & ~np.isin(process, known) & (process != "")):
            close = difflib.get_close_matches(str(process[place]).lower(), known, n=1, cutoff=ALIKE)
            if close:
                found.append(_issue(sites, origin, int(place), close[0]))
    if found:
        raise InputError(found)


def _named(accounting: type[SectorAccounting]) -> list[str]:
    sets = (accounting.boundary_processes, accounting.key_processes, accounting.output_processes)
    return sorted(set().union(*(processes for processes in sets if processes), accounting.ledger_oxidation))


def _issue(sites: Sites, origin: Origin | None, place: int, close: str) -> Issue:
    value, facility = str(sites.facility_text["process"][place]), sites.facility[place]
    texts = (
        f"process of {facility} is '{value}'; its sector's market looks at '{close}', which this is not.",
        f"{facility} 的工序为“{value}”；该行业纳入市场的工序名为“{close}”，两者不同。",
        f"Write '{close}', or a name that is not so like it if another process is meant.",
        f"请写作“{close}”；若确为其他工序，请换用不易混淆的名称。",
    )
    if origin is None:
        return Issue("process-name", "facilities", *texts, column="process", value=value)
    return origin.issue("process-name", place, "process", value, texts)
