"""Sectors that report but have no guideline of their own in the market yet: the whole enterprise, legacy tables."""

from __future__ import annotations

from typing import ClassVar

from carbonsim.accounting.core import SectorAccounting, accounting_sectors


@accounting_sectors.register("reporting")
class Reporting(SectorAccounting):
    """Default of every sector without its own accounting: legacy fuel table with oxidation, net purchased electricity.

    Process factors may come from any table set that has one; a factor listed without a value is refused.

    References
    ----------
    source: legacy-sector-guides, ndrc-sector-guides-2013-2015.
    """

    deducts_exports: ClassVar[bool] = True
