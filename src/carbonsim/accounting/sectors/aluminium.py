"""Primary aluminium: anodes and anode effects of the potlines are covered, in CO2, CF4 and C2F6."""

from __future__ import annotations

from typing import ClassVar

from carbonsim.accounting.core import SectorAccounting, accounting_sectors

POTLINES = frozenset({"potline"})


@accounting_sectors.register("aluminium")
class Aluminium(SectorAccounting):
    """Potlines under the guideline of 2024, default method for anode effects.

    The fuel table of this guideline was not read: that of the steel guideline of the same year stands in for it,
    so every fuel factor taken from it has the basis ``assumption``.

    References
    ----------
    source: cets-ag-04-aluminium-2024.
    """

    table_set: ClassVar[str] = "cets_steel_2024"
    by_analogy: ClassVar[bool] = True
    process_sets: ClassVar[frozenset[str] | None] = frozenset({"cets_aluminium_2024"})
    boundary_processes: ClassVar[frozenset[str] | None] = POTLINES
    key_processes: ClassVar[frozenset[str] | None] = POTLINES
