"""Potline rows that count the same metal twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import xarray as xr

from carbonsim.accounting.core import Bools
from carbonsim.accounting.row_checks import ROUNDED, TABLE, overlapping, streams_of_sectors
from carbonsim.errors import Issue, shorten

SECTORS: Final = ("aluminium",)
EFFECTS: Final = ("pfc", "pfc_slope", "pfc_overvoltage")
ANODE: Final = "anode"
DEFAULT: Final = "default"


def potline_issues(inventory: xr.Dataset) -> list[Issue]:
    """Potlines and years that count anode effects, or anodes, of the same metal by two ways.

    Parameters
    ----------
    inventory : Dataset
        As ``build_inventory`` makes it.

    Returns
    -------
    list of Issue
        Potlines with more than one method of anode effects for the same months, and potlines whose anode rows, some
        by default and some measured, are together for more metal than the potline made.
    """
    at = streams_of_sectors(inventory, SECTORS, (*EFFECTS, ANODE))
    if not at.sizes["stream"]:
        return []
    return [issue for year in at["year"].values.tolist() for issue in _of_year(at.sel(year=year), int(year))]


def _of_year(at: xr.Dataset, year: int) -> Iterator[Issue]:
    run, facility, method = at["activity"].values > 0, at["stream_facility"].values, at["method"].values
    effects = [name for name in np.unique(facility[run]) if _by_two_methods(at, run & (facility == name))]
    if effects:
        yield Issue(
            "anode-effects",
            TABLE,
            f"{year}: {shorten(effects)} count the anode effects of the same months by more than one method "
            f"({', '.join(EFFECTS)}): the perfluorocarbons count twice.",
            f"{year}年：{shorten(effects)} 在同一时期采用多种方法（{'、'.join(EFFECTS)}）核算阳极效应，"
            "全氟化碳被重复计算。",
            "Keep one method for a month, or make each part of the potline a facility of its own.",
            "同一月份请只保留一种方法，或将电解系列拆分为不同设施。",
        )
    anodes = run & (method == ANODE)
    twice = [name for name in np.unique(facility[anodes]) if _beyond_output(at, anodes & (facility == name), str(name))]
    if twice:
        yield Issue(
            "anodes",
            TABLE,
            f"{year}: the anode rows of {shorten(twice)}, some measured and some by default, are for more metal than "
            "the potline made: anodes count twice.",
            f"{year}年：{shorten(twice)} 的炭阳极行（部分实测、部分缺省）合计铝液量超过其产量，炭阳极排放被重复计算。",
            "Keep one row for the same metal, or correct the output.",
            "同一铝液量请只保留一行，或更正产量。",
        )


def _by_two_methods(at: xr.Dataset, rows: Bools) -> bool:
    method, month = at["method"].values, at["stream_month"].values
    months = [month[rows & (method == name)].tolist() for name in EFFECTS]
    return any(overlapping(one, other) for place, one in enumerate(months) for other in months[place + 1 :])


def _beyond_output(at: xr.Dataset, rows: Bools, name: str) -> bool:
    """Whether rows of more than one kind are for more metal than a potline states to have made."""
    is_default = at["tier"].values[rows] == DEFAULT
    made = float(at["key_output"].sel(facility=name))
    return bool(
        is_default.any() and not is_default.all() and 0 < made < float(at["activity"].values[rows].sum()) - ROUNDED
    )
