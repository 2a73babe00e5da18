"""Chinese names of the keys that choice columns hold: either may be typed, the tables hold the key."""

from __future__ import annotations

import unicodedata
from typing import Final

from carbonsim.errors import did_you_mean
from carbonsim.inputs.columns import Column
from carbonsim.inputs.terms import TERMS

CHOICE_LABELS: Final[dict[str, dict[str, str]]] = {
    "sector": {
        "power": "电力", "steel": "钢铁", "cement": "水泥", "aluminium": "电解铝", "petrochemicals": "石化",
        "chemicals": "化工", "flat_glass": "平板玻璃", "copper": "铜冶炼", "paper": "造纸", "aviation": "民航",
        "ferroalloy": "铁合金", "vanadium_titanium": "钒钛", "mining": "采选", "coking": "焦化",
        "other_industry": "其他工业",
    },
    "method": {
        "combustion": "化石燃料燃烧", "carbonate": "碳酸盐分解", "carbonate_output": "碳酸盐分解(按产出)",
        "material_input": "含碳原料投入", "product_output": "固碳产品产出", "clinker": "熟料", "deduction": "扣减",
        "anode": "阳极消耗", "pfc": "阳极效应", "pfc_slope": "阳极效应(斜率法)",
        "pfc_overvoltage": "阳极效应(过电压法)",
        "fugitive": "逸散", "leak": "气体泄漏", "refrigerant": "制冷剂充注", "wastewater": "废水处理",
        "recovered": "甲烷回收", "process_n2o": "过程氧化亚氮", "co2_transferred": "转出二氧化碳",
        "co2_stored": "封存二氧化碳", "co2_received": "转入二氧化碳", "electricity_purchased": "外购电力",
        "heat_purchased": "外购热力", "electricity_exported": "外输电力", "heat_exported": "外输热力",
        "heat_supplied": "供热", "output": "产量", "key_output": "关键工序产量", "reported": "报告值",
        "reported_key": "关键工序报告值", "scope3": "范围三",
    },
    "kind": {
        "enterprise": "企业", "block": "行业群", "green_certificate": "绿证", "power_purchase_agreement": "购电协议",
        "supplier_factor": "供应商因子", "unknown": "未知",
    },
    "rule": {"highest_month": "取最高月", "highest_year": "取最高年", "stated": "填写保守值"},
    "distribution": {
        "normal": "正态", "lognormal": "对数正态", "triangular": "三角", "uniform": "均匀", "gamma": "伽马",
    },
    "years_correlated": {"yes": "是", "no": "否"},
    "shared": {"yes": "是", "no": "否"},
    "term": {"quantity": "数量", **{name: term.zh for name, term in TERMS.items()}},
    "stage": {
        "raw_material": "原料", "fuel": "燃料", "process": "过程", "energy": "能源", "end_of_pipe": "末端治理",
    },
    "moves": {"inventory": "清单排放", "covered": "履约排放", "both": "两者"},
    "basis": {
        "law": "法规", "draft": "征求意见稿", "statistic": "统计", "literature": "文献", "calibrated": "校准",
        "assumption": "假设",
    },
    "boundary": {"direct": "直接排放", "direct_and_electricity": "直接排放与外购电力"},
    "cooling": {"water": "水冷", "air": "空冷", "back_pressure": "背压"},
}  # fmt: skip


def key_of(column: Column, cell: str) -> str:
    """The key that a cell of a choice column means; any other cell as it is.

    >>> key_of(Column("sector", "行业", "", "", "choice", choices=("power", "steel")), "电力")
    'power'
    """
    if column.kind != "choice" or cell in column.choices:
        return cell
    labels = CHOICE_LABELS.get(column.name, {})
    plain = unicodedata.normalize("NFKC", cell).strip()
    return next((key for key in column.choices if labels.get(key) == plain), cell)


def unknown_choice(column: Column, cell: str) -> tuple[str, str, str, str]:
    """Message, 中文, hint and 提示 for a cell that is neither a key of its column nor a Chinese name of one."""
    labels = CHOICE_LABELS.get(column.name, {})
    english = ", ".join(f"{key} ({labels[key]})" if key in labels else key for key in column.choices)
    chinese = "、".join(f"{key}（{labels[key]}）" if key in labels else key for key in column.choices)
    known = [*column.choices, *(labels[key] for key in column.choices if key in labels)]
    return (
        f"'{cell}' is not known. Known: {english}.",
        f"“{cell}”不在可选项中：{chinese}。",
        did_you_mean(cell, known),
        did_you_mean(cell, known, "zh"),
    )
