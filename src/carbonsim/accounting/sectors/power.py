"""Power: each generating unit is a facility; all its direct emissions are covered and are the key emissions."""

from __future__ import annotations

from typing import ClassVar

from carbonsim.accounting.core import SectorAccounting, accounting_sectors


@accounting_sectors.register("power")
class Power(SectorAccounting):
    """Power units under the guide of 2022; purchased electricity counted until the compliance year 2022 only.

    Coal needs a measured calorific value; its carbon content is measured, or the penalty default
    ``coal_unmeasured_carbon`` is used by name. The year's boundary (with or without purchased electricity) is the
    coverage table's, not the code's.

    References
    ----------
    source: cets-power-guide-2022.
    """

    table_set: ClassVar[str] = "cets_power_2022"
    process_sets: ClassVar[frozenset[str] | None] = frozenset()
