"""Copper smelting: fuels and reductants, and the carbonates of fluxes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from carbonsim.accounting.core import DataItem, accounting_sectors
from carbonsim.accounting.sectors.reporting import Reporting

SOURCE: Final = "ndrc-sector-guides-2013-2015"


@accounting_sectors.register("copper")
class Copper(Reporting):
    """Copper smelters: legacy fuel table for fuels and reductants, carbonates of fluxes, net electricity and heat.

    Carbon of concentrate and of acid that treats waste has no default: the row needs its measured carbon.

    References
    ----------
    source: legacy-sector-guides, ipcc-2006-v3, ndrc-sector-guides-2013-2015.
    """

    refuses: ClassVar[Mapping[str, tuple[str, str]]] = {
        "reductant": (
            "Name the fuel that reduces (coke, anthracite, natural_gas) with method 'combustion'.",
            "请填写作还原剂的燃料（coke、anthracite、natural_gas），方法为 combustion。",
        ),
        "copper_concentrate": (
            "Supply its measured 'carbon_fraction' (table terms) with 'material_input'.",
            "请用方法 material_input 填写，并在 terms 表给出实测含碳量 carbon_fraction。",
        ),
        "oxalic_acid": (
            "Supply its measured 'carbon_fraction' (table terms) with 'material_input', or a factor of one's own.",
            "请用方法 material_input 填写并给出实测含碳量 carbon_fraction，或提供自有因子。",
        ),
        "flux": (
            "Name the carbonate of the flux ('ipcc_caco3', 'ipcc_dolomite') with method 'carbonate'.",
            "请填写熔剂中的碳酸盐（ipcc_caco3、ipcc_dolomite），方法为 carbonate。",
        ),
    }
    data_items: ClassVar[tuple[DataItem, ...]] = (
        *Reporting.data_items,
        DataItem("reductants", "还原剂消耗量", "combustion", "t", SOURCE),
        DataItem("carbonates of fluxes", "熔剂碳酸盐消耗量", "carbonate", "t", SOURCE, required=False),
        DataItem("purity of the carbonate", "碳酸盐含量", "content", "1", SOURCE, required=False),
    )
