"""Flat glass: carbonates and carbon powder of the batch, and the fuel of the furnace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from carbonsim.accounting.core import DataItem, accounting_sectors
from carbonsim.accounting.sectors.reporting import Reporting

SOURCE: Final = "ndrc-sector-guides-2013-2015"
CARBONATES: Final = "ipcc-2006-v3"


@accounting_sectors.register("flat_glass")
class FlatGlass(Reporting):
    """Float and rolled glass: carbonates by input with purity and calcined share, carbon powder, furnace fuel.

    Cullet holds no carbonate, so it is no row; with the factor per tonne of glass it lowers the row's ``content`` to
    one less the cullet share. Purity and calcined share are 1 unless measured.

    References
    ----------
    source: ipcc-2006-v3, table 2.1 and section 2.4; legacy-sector-guides.
    """

    refuses: ClassVar[Mapping[str, tuple[str, str]]] = {
        "carbon_powder": (
            "Give it as 'material_input' with its measured 'carbon_fraction' (table terms).",
            "请用方法 material_input 填写，并在 terms 表给出实测含碳量 carbon_fraction。",
        ),
        "cullet": (
            "Cullet holds no carbonate: drop the row. With 'ipcc_glass_tier1' give content = 1 - cullet share.",
            "碎玻璃不含碳酸盐，请删除该行；使用 ipcc_glass_tier1 时，content 填 1 减碎玻璃比例。",
        ),
        "soda_ash": ("Use 'ipcc_na2co3' with method 'carbonate'.", "请使用 ipcc_na2co3，方法为 carbonate。"),
        "sodium_sulfate": (
            "It holds no carbon; the carbon that reduces it is 'carbon_powder' with 'carbon_fraction'.",
            "芒硝不含碳；还原所用的碳请以 carbon_powder 填写并给出 carbon_fraction。",
        ),
    }
    data_items: ClassVar[tuple[DataItem, ...]] = (
        *Reporting.data_items,
        DataItem("carbonates in the batch", "配合料中碳酸盐用量", "carbonate", "t", CARBONATES),
        DataItem("purity of the carbonate", "碳酸盐含量", "content", "1", CARBONATES, required=False),
        DataItem("calcined share", "煅烧比例", "conversion", "1", CARBONATES, required=False),
        DataItem("carbon powder", "碳粉用量", "material_input", "t", SOURCE, required=False),
        DataItem("carbon of the powder", "碳粉含碳量", "carbon_fraction", "tC/t", SOURCE, required=False),
    )
