"""Cement: the clinker line is covered, raw meal less deductions plus kiln fuel."""

from __future__ import annotations

from typing import ClassVar

from carbonsim.accounting.core import SectorAccounting, accounting_sectors

LINES = frozenset({"clinker_line"})


@accounting_sectors.register("cement")
class Cement(SectorAccounting):
    """Clinker lines under the guideline of 2024; grinding stations are outside the market.

    The fuel table of this guideline was not read: that of the steel guideline of the same year stands in for it,
    so every fuel factor taken from it has the basis ``assumption``.

    References
    ----------
    source: cets-ag-02-cement-2024.
    """

    table_set: ClassVar[str] = "cets_steel_2024"
    by_analogy: ClassVar[bool] = True
    process_sets: ClassVar[frozenset[str] | None] = frozenset({"cets_cement_2024"})
    boundary_processes: ClassVar[frozenset[str] | None] = LINES
    key_processes: ClassVar[frozenset[str] | None] = LINES
