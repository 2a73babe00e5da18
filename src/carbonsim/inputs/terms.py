# ruff: noqa: E501  (a table of terms reads best with one term a line)
"""The terms of the accounting formulas that an enterprise may measure: names, units, bounds and meanings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Term:
    """One factor of a product formula; ``upper`` is inclusive, ``lower`` too unless ``lower_open``; None is no bound."""

    name: str
    unit: str
    zh: str
    meaning: str
    meaning_zh: str
    lower: float = 0.0
    upper: float | None = None
    lower_open: bool = False


def _share(name: str, zh: str, meaning: str, meaning_zh: str, *, divides: bool = False) -> Term:
    return Term(name, "1", zh, meaning, meaning_zh, 0.0, 1.0, lower_open=divides)


_LIST: Final = (
    Term("net_calorific_value", "GJ/unit", "低位发热量", "Heat of a unit of fuel, as received.", "每单位燃料（收到基）的低位发热量。"),
    Term("carbon_content", "tC/TJ", "单位热值含碳量", "Carbon per unit of net calorific value.", "每单位低位热值的含碳量。"),
    _share("oxidation", "碳氧化率", "Share of a fuel's carbon that is oxidised.", "燃料中被氧化的碳的比例。"),
    Term("emission_factor", "t/unit", "排放因子", "Gas per unit of activity.", "每单位活动数据的气体排放量。"),
    Term("carbon_fraction", "tC/t", "含碳量", "Carbon in a material or product.", "物料或产品的含碳量。", 0.0, 1.0),
    _share("content", "含量", "Mass share of the compound that reacts, such as the purity of limestone.",
           "参与反应的化合物的质量分数，如石灰石纯度。"),
    _share("conversion", "转化率", "Share of the compound that reacts, such as the calcined share.", "发生反应的比例，如煅烧分解率。"),
    Term("grid_factor", "tCO2/MWh", "电力排放因子", "Average emissions of purchased electricity.", "外购电力的平均排放因子。"),
    Term("gas_factor", "t/GJ", "非二氧化碳因子", "Methane or nitrous oxide per heat burnt.", "单位热量的甲烷或氧化亚氮排放量。"),
    Term("anode_consumption", "t/t", "炭阳极净耗", "Net carbon anode per tonne of aluminium.", "每吨铝的炭阳极净耗量。"),
    _share("sulphur", "含硫量", "Sulphur as a share of the mass.", "硫的质量分数。"),
    _share("ash", "灰分", "Ash as a share of the mass.", "灰分的质量分数。"),
    Term("anode_effect_minutes", "min/cell-day", "阳极效应持续时间", "Minutes of anode effect per cell and day.",
         "每槽每日阳极效应持续分钟数。"),
    Term("slope", "(kg/t)/(min/cell-day)", "斜率系数", "CF4 per tonne of aluminium and minute per cell-day.",
         "每吨铝、每槽日一分钟阳极效应的四氟化碳排放量。"),
    _share("c2f6_ratio", "C2F6/CF4 质量比", "Mass of C2F6 per mass of CF4.", "六氟乙烷与四氟化碳的质量比。"),
    _share("duct_efficiency", "集气效率", "Share of the gas that passes the duct where it is measured.", "进入测量管道的气体比例。", divides=True),
    Term("overvoltage", "mV", "阳极效应过电压", "Anode effect overvoltage.", "阳极效应过电压。"),
    Term("overvoltage_coefficient", "(kg/t)/(mV/%)", "过电压系数",
         "CF4 per tonne of aluminium, and millivolt of overvoltage per per cent of current efficiency.",
         "每吨铝、每 mV/%（过电压毫伏数除以电流效率百分数）的四氟化碳排放量。"),
    _share("current_efficiency", "电流效率", "Current efficiency of the potline, as a share: 94 % is 0.94.",
           "电解系列的电流效率（小数，94% 写作 0.94）。", divides=True),
    _share("leak_rate", "泄漏率", "Share of the charge that is lost in a year.", "每年泄漏的充注量比例。"),
    _share("abated", "销毁率", "Share that an abatement unit destroys, downtime included.", "减排装置销毁的比例（已计停机时间）。"),
    Term("methane_capacity", "kg/kg", "甲烷最大产生能力", "Methane per oxygen demand removed.", "去除单位化学需氧量的最大产甲烷量。"),
    _share("methane_correction", "甲烷修正因子", "Share of that capacity that a treatment reaches.", "处理方式实现的产甲烷比例。"),
    _share("biogenic_fraction", "生物质碳比例", "Share of the carbon that is biogenic; needs evidence to count.",
           "生物质碳的比例；须有证明材料才予扣除。"),
    _share("mass_share", "质量占比", "Mass share of a gas in a blend.", "混合工质中某气体的质量占比。"),
    _share("retention", "固硫率", "Share of the sulphur that stays in ash or product.", "留在灰渣或产品中的硫的比例。"),
)  # fmt: skip
TERMS: Final[dict[str, Term]] = {term.name: term for term in _LIST}
