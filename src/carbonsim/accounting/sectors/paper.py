"""Paper: fuels, limestone of the lime kiln, and methane of wastewater treated without air."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from carbonsim.accounting.core import DataItem, accounting_sectors
from carbonsim.accounting.sectors.reporting import Reporting

SOURCE: Final = "ndrc-sector-guides-2013-2015"
WASTEWATER: Final = "ipcc-2006-v5"


@accounting_sectors.register("paper")
class Paper(Reporting):
    """Pulp and paper mills: legacy fuel table, limestone bought for the lime kiln, methane of wastewater.

    Lime mud that is burnt again gives back carbon of wood and is no fossil source. Black liquor counts as fossil
    until the row gives a biogenic fraction with evidence.

    References
    ----------
    source: legacy-sector-guides, ipcc-2006-v3, ipcc-2006-v5.
    """

    refuses: ClassVar[Mapping[str, tuple[str, str]]] = {
        "black_liquor": (
            "Use 'ipcc_2006:black_liquor' with biogenic_fraction (table terms) and evidence; without evidence it "
            "counts as fossil.",
            "请使用 ipcc_2006:black_liquor，并在 terms 表填写 biogenic_fraction 及证明材料；无证明材料按化石碳计。",
        ),
        "lime_mud": (
            "Its carbon is that of wood: drop the row, and give the limestone bought as 'carbonate' with 'ipcc_caco3'.",
            "白泥中的碳来自木材，请删除该行；外购石灰石以 carbonate、ipcc_caco3 填写。",
        ),
        "wastewater": (
            "Name the treatment (ipcc_mcf_anaerobic_reactor, ipcc_mcf_lagoon_deep, ...) with method 'wastewater' and "
            "the oxygen demand removed [t].",
            "请填写处理方式（ipcc_mcf_anaerobic_reactor、ipcc_mcf_lagoon_deep 等），"
            "方法为 wastewater，数量为去除的COD（t）。",
        ),
        "landfill": (
            "Supply a methane factor under an id of its own in own_process, with a source, and use it with 'fugitive'.",
            "请在 own_process 表以自有代码提供带来源的甲烷因子，方法为 fugitive。",
        ),
    }
    data_items: ClassVar[tuple[DataItem, ...]] = (
        *Reporting.data_items,
        DataItem("limestone bought for the kiln", "外购石灰石消耗量", "carbonate", "t", SOURCE, required=False),
        DataItem("purity of the limestone", "石灰石纯度", "content", "1", SOURCE, required=False),
        DataItem("oxygen demand removed", "厌氧去除的COD", "wastewater", "t", WASTEWATER, required=False),
        DataItem("methane recovered and burnt", "甲烷回收量", "recovered", "t", WASTEWATER, required=False),
    )
