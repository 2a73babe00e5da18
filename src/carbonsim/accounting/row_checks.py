"""What rows of activity must hold among themselves in every sector: parts below their totals, nothing counted twice.

Dimensions inside: s stream, f facility, e enterprise, y year.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from carbonsim.accounting.core import Bools, Labels, SectorAccounting, sector_accounting
from carbonsim.errors import Issue, shorten

Floats = NDArray[np.float64]
Index = NDArray[np.intp]
WASTEWATER: Final = ("wastewater", "recovered")
ROUNDED: Final = 1.0  # tonnes: a stated amount may be rounded to the whole tonne
RELATIVE: Final = 1e-9
TABLE: Final = "activity"


def row_issues(inventory: xr.Dataset, accounting: type[SectorAccounting]) -> list[Issue]:
    """Contradictions among the rows of the sectors that an accounting counts.

    Parameters
    ----------
    inventory : Dataset
        As ``build_inventory`` makes it.
    accounting : type of SectorAccounting
        Whose sectors are looked at.

    Returns
    -------
    list of Issue
        Facilities and years in which more methane is recovered than their wastewater makes; enterprises and years
        whose stated key emissions are more than their covered emissions.
    """
    sectors = [
        str(name) for name in np.unique(inventory["sector"].values) if sector_accounting(str(name)) is accounting
    ]
    return [*_recovered(inventory, sectors), *_key_beyond_total(inventory, sectors)]


def streams_of_sectors(inventory: xr.Dataset, sectors: Collection[str], methods: Collection[str]) -> xr.Dataset:
    """The streams of some methods in some sectors, as a smaller inventory."""
    # Methods first: most inventories have none of them, and a comparison of labels is all that it costs.
    chosen = np.isin(inventory["method"].values, sorted(methods))
    if chosen.any():
        chosen &= np.isin(inventory["stream_sector"].values, sorted(sectors))
    return inventory.isel(stream=np.flatnonzero(chosen))


def sums_by(labels: Labels, known: Labels, values: Floats) -> Floats:
    """Sums of ``values`` (s, y) by label, in the order of ``known``."""
    total = np.zeros((len(known), values.shape[1]))
    np.add.at(total, pd.Index(known).get_indexer(pd.Index(labels)), values)
    return total


def overlapping(months: Collection[int], others: Collection[int]) -> bool:
    """Whether two rows speak of the same time; 0 is the whole year.

    >>> overlapping([1, 2], [3]), overlapping([0], [3])
    (False, True)
    """
    one, other = set(months), set(others)
    return bool(one and other) and bool(0 in one or 0 in other or one & other)


def named(wrong: Bools, names: Labels, years: NDArray[np.int64]) -> Iterator[tuple[int, str]]:
    """Years in which something is wrong, with the names (n, y) it is wrong for."""
    for column in np.flatnonzero(wrong.any(axis=0)).tolist():
        yield int(years[column]), shorten(names[wrong[:, column]].tolist())


def _recovered(inventory: xr.Dataset, sectors: Collection[str]) -> list[Issue]:
    at = streams_of_sectors(inventory, sectors, WASTEWATER)
    if "recovered" not in at["method"].values:
        return []
    amount = at["stream_emissions_co2e"].transpose("stream", "year").values
    facility = at["stream_facility"].values
    names = np.unique(facility)
    net, gross = sums_by(facility, names, amount), sums_by(facility, names, np.maximum(amount, 0))
    wrong = net < -RELATIVE * np.maximum(gross, 1)
    return [
        Issue(
            "recovered",
            TABLE,
            f"{year}: {found} recover more methane than their wastewater makes.",
            f"{year}年：{found} 的甲烷回收量超过其废水处理产生量。",
            "Enter the wastewater that the methane comes from ('wastewater'), or correct the tonnes recovered.",
            "请补填产生该甲烷的废水处理（wastewater），或更正回收量。",
        )
        for year, found in named(wrong, names, at["year"].values)
    ]


def _key_beyond_total(inventory: xr.Dataset, sectors: Collection[str]) -> list[Issue]:
    of_sector = np.isin(inventory["facility_sector"].values, sorted(sectors))
    if not (inventory["reports_key"].values & of_sector).any():
        return []
    at = inventory.isel(facility=np.flatnonzero(of_sector))
    owner = at["facility_enterprise"].values
    names = np.unique(owner)
    stated = at["key_emissions"].transpose("facility", "year").values * at["reports_key"].values[:, None]
    covered = at["covered_emissions"].transpose("facility", "year").values
    key, total = sums_by(owner, names, stated), sums_by(owner, names, covered) + _carbon_sold(inventory, names)
    return [
        Issue(
            "reported-key",
            TABLE,
            f"{year}: the key emissions that {found} state ('reported_key') are more than their covered emissions; "
            "they are a part of the total.",
            f"{year}年：{found} 填报的关键工序排放量（reported_key）超过其纳入管控的排放总量；前者应为后者的一部分。",
            "Enter the missing streams or the total as 'reported', or correct the key emissions.",
            "请补填缺少的排放源或以 reported 填报总量，或更正关键工序排放量。",
        )
        for year, found in named(key > total + ROUNDED, names, at["year"].values)
    ]


def _carbon_sold(inventory: xr.Dataset, names: Labels) -> Floats:
    """Carbon that enterprises (e, y) take off their total for products that are no fuels, in tonnes from 0 up.

    A process that counts its fuels only may emit more than is left of the total after the iron was sold.
    """
    chosen = (inventory["category"].values == "product") & ~inventory["from_fuel"].values
    chosen &= np.isin(inventory["stream_enterprise"].values, names)
    at = inventory.isel(stream=np.flatnonzero(chosen))
    taken_off = at["stream_covered_emissions"].transpose("stream", "year").values
    return -sums_by(at["stream_enterprise"].values, names, taken_off)
