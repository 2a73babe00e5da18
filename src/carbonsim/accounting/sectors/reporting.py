"""Sectors that report but have no guideline of their own in the market yet: the whole enterprise, legacy tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

import numpy as np
import xarray as xr

from carbonsim.accounting.core import DataItem, SectorAccounting, accounting_sectors, facility_ledger, sector_accounting
from carbonsim.accounting.row_checks import row_issues
from carbonsim.errors import Issue

SOURCE: Final = "ndrc-sector-guides-2013-2015"
FUELS: Final = "legacy-sector-guides"
# Terms with which a row measures what no table holds.
MEASURED: Final = frozenset({"carbon_fraction", "emission_factor"})


@accounting_sectors.register("reporting")
class Reporting(SectorAccounting):
    """Default of every sector without its own accounting: legacy fuel table with oxidation, net purchased electricity.

    Process factors may come from any table set that has one; a factor listed without a value is refused. A sector
    that derives from this class names the activities and products for which no sourced factor was found, and what an
    enterprise has to supply instead; a row that measures the carbon or the factor itself is taken.

    References
    ----------
    source: legacy-sector-guides, ndrc-sector-guides-2013-2015.
    """

    deducts_exports: ClassVar[bool] = True
    refuses: ClassVar[Mapping[str, tuple[str, str]]] = {}  # name in the factor cell: what to supply, in both languages
    data_items: ClassVar[tuple[DataItem, ...]] = (
        DataItem("fuel burnt", "化石燃料消耗量", "combustion", "t or 1e4_Nm3", FUELS),
        DataItem("net calorific value", "低位发热量", "net_calorific_value", "GJ/t", FUELS, required=False),
        DataItem("electricity bought", "购入电量", "electricity_purchased", "MWh", SOURCE),
        DataItem("electricity passed on", "输出电量", "electricity_exported", "MWh", SOURCE, required=False),
        DataItem("heat bought", "购入热量", "heat_purchased", "GJ", SOURCE, required=False),
        DataItem("heat passed on", "输出热量", "heat_exported", "GJ", SOURCE, required=False),
        DataItem("main product", "主要产品产量", "output", "t", SOURCE),
    )

    @classmethod
    def check_terms(cls, method: str, factor: str, own_terms: frozenset[str]) -> tuple[str, str]:
        """Refuses names without a sourced factor, unless the row measures what the table lacks."""
        if factor not in cls.refuses or own_terms & MEASURED:
            return "", ""
        message, chinese = cls.refuses[factor]
        return (
            f"no sourced factor is listed as '{factor}'. {message}",
            f"因子库没有名为“{factor}”的带来源因子。{chinese}",
        )

    @classmethod
    def check(cls, inventory: xr.Dataset) -> list[Issue]:
        """Contradictions among rows that no sector may have."""
        return row_issues(inventory, cls)

    @classmethod
    def verified(cls, inventory: xr.Dataset, year: int) -> xr.Dataset:
        """Data of the sector's facilities in a year, not rounded: no rounding rule of these guides was read."""
        sector = inventory["facility_sector"].values
        own = [name for name in np.unique(sector).tolist() if sector_accounting(name) is cls]
        return facility_ledger(inventory.isel(facility=np.flatnonzero(np.isin(sector, own))), year)
