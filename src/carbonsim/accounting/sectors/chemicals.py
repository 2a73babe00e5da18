"""Chemicals: carbon balances of feedstock and products, carbonates, nitrous oxide of acids, and fuels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from carbonsim.accounting.core import DataItem, accounting_sectors
from carbonsim.accounting.sectors.reporting import Reporting

SOURCE: Final = "ndrc-chemicals-guide-2013"
_N2O: Final = (
    "Supply its nitrous oxide [kg/t of product] under an id of its own in own_process, with a source, and use it with "
    "method 'process_n2o'.",
    "请在 own_process 表以自有代码提供带来源的氧化亚氮因子（kg/t产品），并使用方法 process_n2o。",
)
_BALANCE: Final = (
    "Balance its carbon: the feedstock as 'material_input', every product and residue that leaves with carbon as "
    "'product_output' (carbon_fraction, table terms)",
    "请做碳平衡：原料用 material_input，带碳离开的产品和残渣用 product_output（terms 表填 carbon_fraction）",
)


@accounting_sectors.register("chemicals")
class Chemicals(Reporting):
    """Chemical works under the guide of 2013: feedstock carbon less product carbon, carbonates, nitrous oxide, fuels.

    Carbonates count wherever they decompose: as raw material, in roasting (soda ash with vanadium slag), and where
    they neutralise acid waste; the row gives the mass share of the carbonate as ``content``. Nitric acid counts by
    the pressure of its process, adipic acid before abatement, each with the share destroyed (``abated``). Titanium
    dioxide by the chloride route has a factor; the sulfate route has none and emits by its fuels, heat, electricity
    and carbonates only. Purchased electricity and heat count net of what is passed on.

    References
    ----------
    source: ndrc-chemicals-guide-2013, ipcc-2006-v3.
    """

    refuses: ClassVar[Mapping[str, tuple[str, str]]] = {
        "ammonia": (
            f"{_BALANCE[0]}; for natural gas reforming 'ipcc_ammonia_ng' serves as 'material_input'.",
            f"{_BALANCE[1]}；天然气制氨可用 ipcc_ammonia_ng（material_input）。",
        ),
        "methanol": (
            f"{_BALANCE[0]}, methanol by 'methanol_carbon'; for natural gas reforming 'ipcc_methanol' serves as "
            "'material_input'.",
            f"{_BALANCE[1]}，甲醇可用 methanol_carbon；天然气制甲醇可用 ipcc_methanol（material_input）。",
        ),
        "calcium_carbide": (
            f"{_BALANCE[0]}, carbide by 'carbide_carbon'; or use 'inventory_carbide' or 'ipcc_carbide' with "
            "'material_input' per tonne of carbide.",
            f"{_BALANCE[1]}，电石可用 carbide_carbon；"
            "或按电石产量使用 inventory_carbide、ipcc_carbide（material_input）。",
        ),
        "yellow_phosphorus": (f"{_BALANCE[0]}: coke and electrodes come in.", f"{_BALANCE[1]}：焦炭和电极为输入。"),
        "nitric_acid": (
            "Name the pressure of the process: nitric_high, nitric_medium, nitric_atmospheric, nitric_dual, "
            "nitric_comprehensive or nitric_low, with method 'process_n2o'.",
            "请按工艺压力选用 nitric_high、nitric_medium、nitric_atmospheric、nitric_dual、nitric_comprehensive"
            " 或 nitric_low，方法为 process_n2o。",
        ),
        "adipic_acid": (
            "Use 'ipcc_adipic' with method 'process_n2o' and the share destroyed as 'abated' (table terms).",
            "请使用 ipcc_adipic（方法 process_n2o），销毁比例填入 terms 表的 abated。",
        ),
        "caprolactam": _N2O,
        "glyoxal": _N2O,
        "hcfc22": (
            "Supply the tonnes of HFC-23 that were vented, as measured, with method 'leak' and factor 'HFC-23'.",
            "请提供实测排空的 HFC-23 吨数，方法为 leak，因子为 HFC-23。",
        ),
        "titanium_dioxide": (
            "Name the route: 'ipcc_rutile_tio2_chloride' with 'material_input' for chloride; the sulfate route emits "
            "by its fuels, heat, electricity and carbonates only.",
            "请区分工艺：氯化法使用 ipcc_rutile_tio2_chloride（material_input）；"
            "硫酸法只核算燃料、热力、电力和碳酸盐。",
        ),
        "roasting": (
            "Give the carbonate that is roasted, such as soda ash 'ipcc_na2co3', with method 'carbonate'.",
            "请填写参与焙烧的碳酸盐，如纯碱 ipcc_na2co3，方法为 carbonate。",
        ),
        "neutralisation": (
            "Give the carbonate that neutralises the acid, such as limestone 'ipcc_caco3', with method 'carbonate' and "
            "its purity as 'content' (table terms).",
            "请填写用于中和废酸的碳酸盐，如石灰石 ipcc_caco3，方法为 carbonate，纯度填入 terms 表的 content。",
        ),
    }
    data_items: ClassVar[tuple[DataItem, ...]] = (
        *Reporting.data_items,
        DataItem("feedstock that holds carbon", "含碳原料投入量", "material_input", "t", SOURCE, required=False),
        DataItem(
            "products and residues with carbon", "含碳产品、废物输出量", "product_output", "t", SOURCE, required=False
        ),
        DataItem("carbon of feedstock and products", "含碳量", "carbon_fraction", "tC/t", SOURCE, required=False),
        DataItem("carbonates consumed", "碳酸盐消耗量", "carbonate", "t", SOURCE, required=False),
        DataItem("purity of the carbonate", "碳酸盐纯度", "content", "1", SOURCE, required=False),
        DataItem("nitric or adipic acid made", "硝酸、己二酸产量", "process_n2o", "t", SOURCE, required=False),
        DataItem("nitrous oxide destroyed", "氧化亚氮销毁率", "abated", "1", SOURCE, required=False),
        DataItem("carbon dioxide handed on", "二氧化碳回收外供量", "co2_transferred", "t", SOURCE, required=False),
    )
