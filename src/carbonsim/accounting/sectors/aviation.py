"""Aviation: jet fuel of the fleet; the intensity is per tonne-kilometre."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from carbonsim.accounting.core import DataItem, accounting_sectors
from carbonsim.accounting.sectors.reporting import Reporting

SOURCE: Final = "ndrc-sector-guides-2013-2015"
FLEETS: Final = frozenset({"fleet"})
TONNE_KILOMETRES: Final = "t*km"


@accounting_sectors.register("aviation")
class Aviation(Reporting):
    """Airlines: jet kerosene of the fleet, fuels on the ground, net electricity and heat.

    Key emissions and key output are those of the fleet: tonne-kilometres of freight, mail and passengers by their
    weight, as the facility's output in ``t*km``. Fuel of biological origin counts as fossil until the row gives its
    biogenic fraction with evidence.

    References
    ----------
    source: legacy-sector-guides, ndrc-sector-guides-2013-2015.
    """

    key_processes: ClassVar[frozenset[str] | None] = FLEETS
    refuses: ClassVar[Mapping[str, tuple[str, str]]] = {
        "aviation_gasoline": (
            "Supply its calorific value, carbon content and oxidation in own_fuels, with a source.",
            "请在 own_fuels 表提供带来源的低位发热量、含碳量和碳氧化率。",
        ),
        "sustainable_aviation_fuel": (
            "Give the blend as 'jet_kerosene' with biogenic_fraction (table terms) and evidence.",
            "请以 jet_kerosene 填写混合燃料，并在 terms 表填写 biogenic_fraction 及证明材料。",
        ),
        "flight_hours": (
            "Give the fuel that was burnt: no factor per hour or distance is taken.",
            "请填写实际消耗的燃油；不采用按飞行小时或里程的因子。",
        ),
    }
    data_items: ClassVar[tuple[DataItem, ...]] = (
        *Reporting.data_items,
        DataItem("jet fuel of the fleet", "航空煤油消耗量", "combustion", "t", SOURCE),
        DataItem("tonne-kilometres", "运输周转量", "output, key_output", TONNE_KILOMETRES, SOURCE),
    )
