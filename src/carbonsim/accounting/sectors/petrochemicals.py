"""Petrochemicals: fuels, flares, coke burnt off catalysts, and carbon balances of hydrogen and other units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from carbonsim.accounting.core import DataItem, accounting_sectors
from carbonsim.accounting.sectors.reporting import Reporting

SOURCE: Final = "ndrc-sector-guides-2013-2015"
_BURNT_OFF: Final = (
    "Supply the coke burnt off [t] with 'material_input' and its measured 'carbon_fraction' (table terms); the guide's "
    "own defaults were not read.",
    "请填写烧焦量（t），方法为 material_input，并在 terms 表填写实测含碳量 carbon_fraction；指南缺省值未能查阅。",
)


@accounting_sectors.register("petrochemicals")
class Petrochemicals(Reporting):
    """Refineries and crackers: legacy fuel table, carbon balances and coke burnt off by measured carbon.

    No default of the sector's guide for flares, catalysts or asphalt was read: such rows need the enterprise's own
    measured carbon. Purchased electricity and heat count net of what is passed on.

    References
    ----------
    source: legacy-sector-guides, ndrc-sector-guides-2013-2015.
    """

    refuses: ClassVar[Mapping[str, tuple[str, str]]] = {
        "catalytic_coke": _BURNT_OFF,
        "reforming_coke": _BURNT_OFF,
        "cracking_furnace_coke": _BURNT_OFF,
        "flare_gas": (
            "Supply the gas burnt with method 'combustion' as 'refinery_gas' with measured net_calorific_value and "
            "carbon_content, or as a fuel of one's own (own_fuels).",
            "请用方法 combustion 填写火炬气量：以 refinery_gas 并给出实测低位发热量和含碳量，"
            "或在 own_fuels 表提供自有燃料。",
        ),
        "hydrogen": (
            "Balance its carbon: the feedstock as 'material_input' less carbon that leaves as 'product_output', with "
            "carbon_fraction (table terms).",
            "请做碳平衡：原料用 material_input，带碳离开的产品用 product_output，terms 表填 carbon_fraction。",
        ),
        "asphalt_blowing": (
            "Supply a factor [tCO2/t of asphalt] under an id of its own in own_process, with a source, and use it with "
            "'material_input'.",
            "请在 own_process 表以自有代码提供带来源的因子（tCO2/t沥青），方法为 material_input。",
        ),
        "crude_oil_processed": (
            "Crude throughput is an output, not a source: give the fuels and the coke that were burnt.",
            "原油加工量是产量而非排放源：请填写实际燃烧的燃料和烧焦量。",
        ),
    }
    data_items: ClassVar[tuple[DataItem, ...]] = (
        *Reporting.data_items,
        DataItem("coke burnt off catalysts", "催化剂烧焦量", "material_input", "t", SOURCE, required=False),
        DataItem("carbon of the coke, measured", "焦层含碳量", "carbon_fraction", "tC/t", SOURCE, required=False),
        DataItem("flare gas", "火炬气量", "combustion", "1e4_Nm3", SOURCE, required=False),
        DataItem("feedstock of hydrogen units", "制氢原料投入量", "material_input", "t", SOURCE, required=False),
        DataItem("carbon dioxide handed on", "二氧化碳回收外供量", "co2_transferred", "t", SOURCE, required=False),
    )
