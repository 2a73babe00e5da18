# ruff: noqa: E501  (a table of columns reads best with one column a line)
"""The columns of the factor tables, packaged or a user's own: one list that reading, overlay and reference share."""

from __future__ import annotations

from typing import Final

from carbonsim.inputs.columns import FIRST_YEAR, LAST_YEAR, METHODS, Column, Table
from carbonsim.inputs.parameters import BASES
from carbonsim.inputs.tables import Layout
from carbonsim.inputs.terms import TERMS

# Ids join what is used together: `<technology>_slope` or `_overvoltage` with `<technology>_c2f6_ratio`; a wastewater
# correction with `ipcc_wastewater_b0`.
# What the value of a process row is. `emission_factor`: tonnes (or kg) of the gas per unit; `carbon_content`: tC per
# unit; `slope`: (kg CF4/t Al)/(min/cell-day); `coefficient`: (kg CF4/t Al)/(mV/%); `ratio`: mass of one gas per mass of
# another; `capacity`: kg of gas per kg of substance at most; `correction`: share of that capacity a treatment
# reaches; `consumption`: tonnes of a material per tonne of product; `share`: mass share; `gwp` and `intensity`: tCO2e
# per tonne, shown only.
KINDS: Final = (
    "emission_factor", "carbon_content", "slope", "coefficient", "ratio", "capacity", "correction", "consumption",
    "share", "gwp", "intensity",
)  # fmt: skip
# Kinds whose unit is not an amount per amount; it is text that nothing converts.
UNITLESS_KINDS: Final = ("slope", "coefficient")
# What the value of a pollutant row is. `output`: mass per output of a facility; `amount`: mass per amount or heat of a
# stream; `sulphur`: share of the sulphur that leaves as SO2; `concentration`: mass per volume of flue gas, and `flue_gas`
# that volume per amount of the stream, used together; `equivalent`: mass that counts as one pollution equivalent.
POLLUTANT_KINDS: Final = ("output", "amount", "sulphur", "concentration", "flue_gas", "equivalent")
# Kinds that are used beside the factor that a row of activity names, never named themselves.
COMPANION_KINDS: Final = ("ratio", "capacity", "share")
GRID_KINDS: Final = ("average", "residual", "fossil", "notice")
DISTRIBUTIONS: Final = ("normal", "lognormal", "triangular", "uniform", "gamma")
CONFIDENCES: Final = ("read", "memory", "measured")
GAS_FACTOR_UNIT: Final = "kg/TJ"
COMBUSTION_GAS_NAMES: Final = ("CH4", "CH4 non-fossil", "N2O")


def _text(name: str, zh: str, meaning: str, meaning_zh: str, required: bool = False) -> Column:
    return Column(name, zh, meaning, meaning_zh, "text", required)


def _positive(name: str, zh: str, meaning: str, meaning_zh: str, unit: str = "", required: bool = False) -> Column:
    return Column(name, zh, meaning, meaning_zh, "number", required, unit, 0)


_ID: Final = Column("factor", "因子代码", "Unique id that tables name.", "唯一代码，供各表引用。", "key", True)
_SET: Final = _text(
    "table_set", "因子集", "Guideline or study whose values belong together.", "同一指南或研究的一组数值。", True
)
_ZH: Final = _text("name_zh", "中文名称", "Name as shown.", "显示名称。", True)
_EN: Final = _text("name_en", "英文名称", "Name as shown.", "显示名称。", True)
_UNIT: Final = Column("unit", "单位", "Unit of the value.", "数值的单位。", "unit", True)
_VALUE: Final = _positive(
    "value", "数值", "Value; empty = listed, but no number was found.", "数值；空表示已列出但未找到数值。"
)
_EVIDENCE: Final = (
    Column("source", "来源", "Key of the source in sources.", "来源表中的键。", "source", True),
    _text("where", "出处", "Table or clause in the source.", "来源中的表号或条款。"),
    Column("confidence", "可信度", "How the value was obtained.", "数值的获得方式。", "choice", choices=CONFIDENCES),
    Column("basis", "依据类型", "What the value rests on.", "数值的依据类型。", "choice", True, choices=BASES),
    _text("note", "备注", "Anything a reader should know.", "其他说明。"),
)

FUELS: Final = Table(
    "fuels", "燃料", "Net calorific value, carbon content and oxidation of a fuel in a table set.", "某因子集中燃料的低位发热量、单位热值含碳量与碳氧化率。",
    ("table_set", "fuel"),
    (
        _SET,
        Column("fuel", "燃料代码", "Id of the fuel, the same in every set.", "燃料代码，各因子集通用。", "key", True),
        _ZH, _EN,
        Column("state", "物态", "State of matter when burnt.", "燃用时的物态。", "choice", True, choices=("solid", "liquid", "gas")),
        Column("unit", "单位", "Unit of the amount of fuel.", "燃料数量的单位。", "unit", True),
        _positive("net_calorific_value", "低位发热量", "Heat of a unit, net.", "每单位燃料的低位发热量。", "GJ/unit"),
        _positive("carbon_content", "单位热值含碳量", "Carbon per heat.", "单位热值的含碳量。", "tC/TJ"),
        Column("oxidation", "碳氧化率", "Share of the carbon that is oxidised.", "被氧化的碳的比例。", "number", False, "1", 0, 1),
        *_EVIDENCE,
    ),
)  # fmt: skip

PROCESS: Final = Table(
    "process", "过程排放", "A factor of a process, material or product.", "过程、物料或产品的因子。", ("factor",),
    (
        _SET, _ID,
        _text("sector", "行业", "Sector or group the factor was made for.", "因子所属行业或类别。", True),
        _ZH, _EN, _VALUE,
        _text("unit", "单位", "Unit of the value.", "数值的单位。", True),
        _text("gas", "气体", "Gas, as in the table of warming potentials.", "气体，与升温潜势表一致。"),
        Column("quantity", "量的种类", "What the value is.", "数值的含义。", "choice", True, choices=KINDS),
        Column("sign", "正负", "1 adds, -1 subtracts, empty neither.", "1 为加，-1 为减，空则两者皆非。", "integer", False, "1", -1, 1),
        Column("methods", "核算方法", "Methods that may use the factor, separated by semicolons; empty = none.",
               "可使用该因子的核算方法，以分号分隔；空表示不用于核算。", "choices", choices=METHODS),
        _text("applies_to", "适用范围", "What the factor applies to.", "因子的适用范围。"),
        *_EVIDENCE,
    ),
)  # fmt: skip

GRID: Final = Table(
    "grid", "电力", "Emissions per unit of electricity of a region in a year.", "某地区某年的电力排放因子。", ("factor",),
    (
        _ID,
        Column("data_year", "数据年份", "Year the factor describes.", "因子所描述的年份。", "integer", True, "yr", FIRST_YEAR, LAST_YEAR),
        _text("level", "层级", "national, regional_grid, province or one of your own.", "全国、区域电网、省级，或自定义。", True),
        _text("region_zh", "地区", "Region in Chinese.", "地区中文名。", True),
        _text("region_en", "地区（英文）", "Region in English.", "地区英文名。", True),
        _VALUE, _UNIT,
        Column("kind", "种类", "All electricity, the mix left after sold non-fossil power, fossil only, or a notice's own rule.",
               "全部电力、剔除市场化非化石电量后的剩余、化石电力，或通知规定值。", "choice", True, choices=GRID_KINDS),
        *_EVIDENCE,
    ),
)  # fmt: skip

GWP: Final = Table(
    "gwp", "升温潜势", "Global warming potential of a gas over 100 years, by assessment report.", "各评估报告的 100 年全球增温潜势。", ("gas",),
    (
        Column("gas", "气体", "Name of the gas.", "气体名称。", "key", True),
        _text("variant", "化学式或变体", "Formula or variant.", "化学式或变体。", True),
        _positive("AR4", "AR4", "Fourth assessment report.", "第四次评估报告。", "tCO2e/t"),
        _positive("AR5", "AR5", "Fifth assessment report, without feedbacks.", "第五次评估报告（不含反馈）。", "tCO2e/t"),
        _positive("AR5_feedback", "AR5（含反馈）", "Fifth assessment report, with feedbacks.", "第五次评估报告（含反馈）。", "tCO2e/t"),
        _positive("AR6", "AR6", "Sixth assessment report.", "第六次评估报告。", "tCO2e/t"),
        *_EVIDENCE,
    ),
)  # fmt: skip

POLLUTANTS: Final = Table(
    "pollutants", "污染物", "A pollutant per unit of activity.", "单位活动的污染物排放量。", ("factor",),
    (
        _ID,
        _text("sector", "行业", "Sector.", "行业。"),
        _text("process", "工序", "Process of the facility.", "设施的工序。"),
        _text("product", "产品", "Product of the facility.", "设施的产品。"),
        _text("group", "组", "Groups that streams name in pollutant_factor, semicolons between them.",
              "供源流在 pollutant_factor 列引用的组，以分号分隔。"),
        Column("kind", "种类", "What the value is; empty = per amount of the stream.", "数值的含义；空则为单位活动数据的排放量。", "choice",
               choices=POLLUTANT_KINDS),
        _text("pollutant", "污染物", "SO2, NOx or PM; flue_gas for a volume.", "SO2、NOx 或 PM；烟气量为 flue_gas。", True),
        _VALUE, _UNIT,
        _text("control_state", "治理状态", "Controls that the value includes.", "数值所含的治理措施。", True),
        _text("use", "用途", "default (by process), alternative or named (by group only).", "缺省（按工序）、备选或仅按组引用（named）。", True),
        *_EVIDENCE,
    ),
)  # fmt: skip

COMBUSTION_GASES: Final = Table(
    "combustion_gases", "燃烧非二氧化碳",
    "Methane or nitrous oxide per heat burnt; one id has a row for each gas. Methane of a fossil fuel is CH4, not CH4 fossil, because the oxidation rate already counts its carbon as CO2; methane of biomass is CH4 non-fossil.",
    "单位热量的甲烷或氧化亚氮；同一代码每种气体一行。化石燃料的甲烷记为 CH4 而非 CH4 fossil，因为氧化率已将其碳计入 CO2；生物质的甲烷记为 CH4 non-fossil。",
    ("factor", "gas"),
    (
        _ID, _SET, _ZH, _EN,
        _text("fuel_state", "燃料状态", "Solid, liquid, gas or biomass.", "固体、液体、气体或生物质。"),
        _text("use", "用途", "Where the fuel burns, such as energy industries.", "燃用场所，如能源工业。", True),
        Column("gas", "气体", "CH4, CH4 non-fossil of biomass, or N2O.", "CH4、生物质的 CH4 non-fossil 或 N2O。", "choice", True,
               choices=COMBUSTION_GAS_NAMES),
        _VALUE,
        Column("unit", "单位", "Always kg/TJ, net.", "固定为 kg/TJ（低位）。", "choice", True, choices=(GAS_FACTOR_UNIT,)),
        *_EVIDENCE,
    ),
)  # fmt: skip

BLENDS: Final = Table(
    "blends", "混合工质", "Mass share of a gas in a refrigerant; the shares of a blend add up to 1, a pure one has one row.", "制冷剂中各气体的质量占比：混合工质合计为 1，纯工质一行。", ("blend", "gas"),
    (
        Column("blend", "混合工质", "Id of the blend.", "混合工质代码。", "key", True),
        Column("gas", "气体", "Gas, as in the table of warming potentials.", "气体，与升温潜势表一致。", "key", True),
        Column("mass_share", "质量占比", "Share of the mass.", "质量占比。", "number", True, "1", 0, 1),
        *_EVIDENCE,
    ),
)  # fmt: skip

UNCERTAINTIES: Final = Table(
    "uncertainties", "不确定度", "Published 95 % interval of a term of a factor: bounds, or a relative half-width.", "已发表的 95% 区间：上下限，或相对半宽。",
    ("table_set", "factor", "term"),
    (
        _SET,
        Column("factor", "因子代码", "Fuel or factor of the set; of a combustion gas with the gas behind, such as /CH4.",
               "该因子集的燃料或因子；燃烧非二氧化碳因子后加气体，如 /CH4。", "text", True),
        Column("term", "项", "Term of the formula.", "公式中的项。", "choice", True, choices=tuple(TERMS)),
        _positive("lower", "下限", "2.5th percentile, in the unit of the value.", "2.5% 分位数，单位同数值。"),
        _positive("upper", "上限", "97.5th percentile, in the unit of the value.", "97.5% 分位数，单位同数值。"),
        _positive("half_width", "相对半宽", "Half of the 95 % interval over the value; empty = from the bounds.", "95% 区间的一半除以数值；空则由上下限计算。", "1"),
        Column("distribution", "分布", "Shape; empty = normal.", "分布形状；空为正态。", "choice", choices=DISTRIBUTIONS),
        *_EVIDENCE,
    ),
)  # fmt: skip

FACTOR_TABLES: Final[dict[str, Table]] = {
    table.name: table for table in (FUELS, PROCESS, GRID, GWP, POLLUTANTS, COMBUSTION_GASES, BLENDS, UNCERTAINTIES)
}
FACTOR_LAYOUT: Final = Layout(FACTOR_TABLES, en="the factor library", zh="因子库", template="carbonsim factors list")
