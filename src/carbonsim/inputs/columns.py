# ruff: noqa: E501  (a table of columns reads best with one column a line)
"""The columns of every input table: one list that the checks and the workbook template both read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from carbonsim.inputs.parameters import BASES

Kind = Literal["key", "text", "number", "integer", "choice", "choices", "unit", "source"]

SECTORS: Final[tuple[str, ...]] = (
    "power", "steel", "cement", "aluminium", "petrochemicals", "chemicals", "flat_glass", "copper", "paper", "aviation",
    "ferroalloy", "vanadium_titanium", "mining", "coking", "other_industry",
)  # fmt: skip
METHODS: Final[tuple[str, ...]] = (
    "combustion", "carbonate", "carbonate_output", "material_input", "product_output", "clinker", "deduction", "anode",
    "pfc", "pfc_slope", "pfc_overvoltage", "fugitive", "leak", "refrigerant", "wastewater", "recovered", "process_n2o",
    "co2_transferred", "co2_stored", "co2_received", "electricity_purchased", "heat_purchased", "electricity_exported",
    "heat_exported", "heat_supplied", "output", "key_output", "reported", "reported_key", "scope3",
)  # fmt: skip
FACTOR_METHODS: Final = ("combustion", "carbonate", "material_input", "product_output", "clinker", "deduction", "anode")
GASES: Final[tuple[str, ...]] = ("CO2", "CF4", "C2F6")
_PROCESS_METHODS: Final = (
    "carbonate", "carbonate_output", "material_input", "clinker", "deduction", "anode", "pfc", "pfc_slope",
    "pfc_overvoltage", "fugitive", "leak", "refrigerant", "wastewater", "process_n2o",
)  # fmt: skip
# The streams that a measure acts on by kind; any other `acts_on` is the name of a stream that emits.
STREAM_METHODS: Final[dict[str, tuple[str, ...]]] = {
    "combustion": ("combustion",),
    "process": _PROCESS_METHODS,
    "direct": ("combustion", *_PROCESS_METHODS, "product_output", "reported"),
    "electricity": ("electricity_purchased",),
    "heat": ("heat_purchased",),
}
STREAM_KINDS: Final[tuple[str, ...]] = tuple(STREAM_METHODS)
EMITTING_METHODS: Final = (
    *STREAM_METHODS["direct"], "electricity_purchased", "heat_purchased", "electricity_exported", "heat_exported",
)  # fmt: skip
PROCESSES: Final = (
    "power_unit", "steelworks", "ironmaking", "sintering", "steelmaking", "coking", "clinker_line", "potline",
    "chlor_alkali", "calcium_carbide", "titanium_dioxide", "electric_furnace", "beneficiation",
)  # fmt: skip
SPECIAL_CASES: Final = (
    "closure", "new_plant", "below_threshold", "white_clinker", "carbide_slag", "gypsum_to_acid", "hydrogen_rich_furnace",
)  # fmt: skip
ECOSYSTEMS: Final = ("钒钛钢铁新材料", "清洁能源", "绿色化工", "光电信息", "低空经济")
PLACES: Final = ("东区", "西区", "仁和区", "米易县", "盐边县", "钒钛高新区")
UNIT_CHOICES: Final = (
    "t",
    "万吨",
    "kg",
    "1e4_Nm3",
    "万Nm3",
    "MWh",
    "万kWh",
    "GWh",
    "GJ",
    "TJ",
    "tce",
    "tCO2e",
    "万tCO2e",
)
MONEY_UNITS: Final = ("CNY", "万元", "亿元")
FIRST_YEAR, LAST_YEAR = 1990, 2100


@dataclass(frozen=True, slots=True)
class Column:
    """One column: what may stand in it, and what it means in both languages.

    ``choices`` is a closed list; ``suggested`` fills a drop-down without closing the list. ``lower`` and ``upper``
    are inclusive bounds. ``required`` means present and never empty.
    """

    name: str
    zh: str
    meaning: str
    meaning_zh: str
    kind: Kind = "text"
    required: bool = False
    unit: str = ""
    lower: float | None = None
    upper: float | None = None
    choices: tuple[str, ...] = ()
    suggested: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its columns and the columns that together are its key."""

    name: str
    zh: str
    meaning: str
    meaning_zh: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column:
        """The column called ``name``."""
        return next(column for column in self.columns if column.name == name)

    def names(self) -> tuple[str, ...]:
        """Names of all columns, in order."""
        return tuple(column.name for column in self.columns)


def _share(name: str, zh: str, meaning: str, meaning_zh: str, required: bool = False) -> Column:
    return Column(name, zh, meaning, meaning_zh, "number", required, "1", 0, 1)


def _amount(name: str, zh: str, meaning: str, meaning_zh: str, unit: str, required: bool = False) -> Column:
    return Column(name, zh, meaning, meaning_zh, "number", required, unit, 0)


def _signed(name: str, zh: str, meaning: str, meaning_zh: str, unit: str, required: bool = False) -> Column:
    return Column(name, zh, meaning, meaning_zh, "number", required, unit)


def _year(name: str, zh: str, meaning: str, meaning_zh: str, required: bool = True) -> Column:
    return Column(name, zh, meaning, meaning_zh, "integer", required, "yr", FIRST_YEAR, LAST_YEAR)


def _whole(name: str, zh: str, meaning: str, meaning_zh: str, lower: int, upper: int) -> Column:
    return Column(name, zh, meaning, meaning_zh, "integer", False, "1", lower, upper)


def _sector() -> Column:
    return Column("sector", "行业", "Sector of the carbon market.", "碳市场行业。", "choice", True, choices=SECTORS)


def _name(language: str, zh: str) -> Column:
    return Column(f"name_{language}", zh, "Name as shown in results.", "结果中显示的名称。", "text", True)


_EVIDENCE: Final = (
    Column("basis", "依据类型", "What the row rests on.", "该行数据的依据类型。", "choice", True, choices=BASES),
    Column("source", "来源", "Key of the source in sources.", "来源表中的键。", "source", True),
)
_NOTE: Final = Column("note", "备注", "Anything a reader should know.", "其他说明。")

ENTERPRISES: Final = Table(
    "enterprises", "企业", "One row an enterprise, or a block of similar enterprises.", "每行一家企业或一个企业群。", ("enterprise",),
    (
        Column("enterprise", "企业代码", "Short unique name.", "唯一的简短代码。", "key", True),
        _name("zh", "中文名称"),
        _name("en", "英文名称"),
        _sector(),
        Column("ecosystem", "产业生态圈", "Industrial ecosystem.", "所属产业生态圈。", suggested=ECOSYSTEMS),
        Column("chain", "产业链", "Industry chain.", "所属产业链。"),
        Column("place", "所在地", "District, county or zone.", "所在区县或园区。", "text", True, suggested=PLACES),
        Column("kind", "类型", "A real row or a block of a national sector.", "单个企业或全国行业群。", "choice", True,
               choices=("enterprise", "block")),
        Column("entities", "企业数", "How many entities the row stands for.", "该行代表的企业数。", "integer", True, "entity", 1),
        Column("discount_rate", "折现率", "The enterprise's own rate, a share.", "企业折现率（小数）。", "number", True, "1", 0, 0.5),
        _share("trade_exposure", "贸易暴露度", "Trade over output and imports.", "贸易额占产出与进口之和的比重（小数）。"),
        *_EVIDENCE,
        _NOTE,
    ),
)  # fmt: skip

FACILITIES: Final = Table(
    "facilities", "设施", "One row a generating unit, kiln line or process.", "每行一台机组、一条生产线或一个工序。", ("facility",),
    (
        Column("facility", "设施代码", "Short unique name.", "唯一的简短代码。", "key", True),
        Column("enterprise", "企业代码", "Owner, from the sheet enterprises.", "所属企业，取自企业表。", "text", True),
        Column("process", "工序", "Process; key processes carry the intensity of the sector's rule.", "工序；关键工序决定行业强度。",
               "text", True, suggested=PROCESSES),
        Column("product", "产品", "Main product.", "主要产品。", "text", True),
        Column("output_unit", "产量单位", "Unit of the main product.", "主要产品的单位。", "unit", True, suggested=("t", "MWh", "GJ")),
        Column("benchmark_class", "基准类别", "Power benchmark class.", "发电机组类别。", "choice", choices=("I", "II", "III", "IV")),
        Column("cooling", "冷却方式", "Cooling of a generating unit.", "机组冷却方式。", "choice",
               choices=("water", "air", "back_pressure")),
        _share("load_factor", "负荷率", "Yearly mean load over rated capacity.", "年平均负荷率（小数）。"),
        _share("heat_ratio", "供热比", "Share of heat supplied.", "供热比（小数）。"),
        Column("special_case", "特殊情形", "Case in which allowances equal verified emissions.", "配额等于核查排放量的特殊情形。",
               suggested=SPECIAL_CASES),
        *_EVIDENCE,
        _NOTE,
    ),
)  # fmt: skip

ACTIVITY: Final = Table(
    "activity", "活动数据", "One row a source stream of a facility in a year.", "每行为某设施某年的一个排放源流。",
    ("facility", "year", "stream"),
    (
        Column("facility", "设施代码", "From the sheet facilities.", "取自设施表。", "text", True),
        _year("year", "年份", "Year of the amount.", "数据年份。"),
        Column("stream", "源流", "Name of the stream, unique within facility and year.", "源流名称，在同一设施同一年内唯一。", "key", True),
        Column("method", "核算方法", "How emissions follow from the amount.", "由活动数据得到排放量的方法。", "choice", True,
               choices=METHODS),
        Column("factor", "排放因子", "Id in the factor tables.", "因子库中的代码。"),
        _amount("quantity", "数量", "Amount in `unit`; never negative, the method knows the sign.", "以“单位”列计的数量；不得为负，正负由方法决定。",
                "as in unit", True),
        Column("unit", "单位", "Unit of the quantity.", "数量的单位。", "unit", True, suggested=UNIT_CHOICES),
        _amount("net_calorific_value", "低位发热量", "Measured; empty = default of the factor.", "实测值；空则用缺省值。",
                "GJ per unit of the factor"),
        _amount("carbon_content", "单位热值含碳量", "Measured; empty = default of the factor.", "实测值；空则用缺省值。", "tC/TJ"),
        _share("oxidation", "碳氧化率", "Empty = default of the factor.", "空则用缺省值（小数）。"),
        Column("gas_factor", "非二氧化碳因子", "Id of the CH4 and N2O factors of a fuel; empty = CO2 only.",
               "燃料的甲烷、氧化亚氮因子代码；空则只计二氧化碳。"),
        Column("pollutant_factor", "污染物因子", "Group of pollutant factors of the stream; empty = that of the process.",
               "该源流的污染物因子组代码；空则按工序因子。"),
        Column("evidence", "证明材料", "Document that proves a transfer, a storage or a biogenic share.",
               "转移、封存或生物质比例的证明材料编号。"),
        _whole("scope3_category", "范围三类别", "1 to 15, for method scope3 only.", "1 至 15，仅用于 scope3 方法。", 1, 15),
        _share("control_so2", "脱硫效率", "Share of SO2 removed.", "二氧化硫去除率（小数）。"),
        _share("control_nox", "脱硝效率", "Share of NOx removed.", "氮氧化物去除率（小数）。"),
        _share("control_pm", "除尘效率", "Share of particles removed.", "颗粒物去除率（小数）。"),
        *_EVIDENCE,
        _NOTE,
    ),
)  # fmt: skip

FINANCES: Final = Table(
    "finances", "财务", "One row an enterprise and year.", "每行为某企业某年的财务数据。", ("enterprise", "year"),
    (
        Column("enterprise", "企业代码", "From the sheet enterprises.", "取自企业表。", "text", True),
        _year("year", "年份", "Year of the accounts.", "财务年份。"),
        _amount("revenue", "营业收入", "Sales in `money_unit`.", "以“货币单位”计。", "as in money_unit", True),
        _signed("value_added", "增加值", "Value added in `money_unit`.", "以“货币单位”计。", "as in money_unit", True),
        _signed("ebit", "息税前利润", "Earnings before interest and tax; may be negative.", "可为负。", "as in money_unit", True),
        _amount("capex_budget", "投资预算", "Yearly budget for investment.", "年度投资预算。", "as in money_unit"),
        _amount("jobs", "从业人数", "People employed.", "从业人员数。", "person", True),
        _amount("product_price", "产品价格", "CNY per output unit of the main product.", "主要产品单价（元/产量单位）。", "CNY per unit"),
        _signed("tax", "税费", "Taxes paid in `money_unit`.", "以“货币单位”计。", "as in money_unit"),
        Column("money_unit", "货币单位", "Unit of the money columns.", "金额各列的单位。", "choice", True, choices=MONEY_UNITS),
        _year("price_year", "价格年", "Year of the prices.", "价格基准年。"),
        *_EVIDENCE,
        _NOTE,
    ),
)  # fmt: skip

MEASURES: Final = Table(
    "measures", "减排措施", "One row a measure that enterprises of a sector can take.", "每行一项可供行业内企业采取的措施。", ("measure",),
    (
        Column("measure", "措施代码", "Short unique name.", "唯一的简短代码。", "key", True),
        _name("zh", "中文名称"),
        _name("en", "英文名称"),
        _sector(),
        Column("process", "工序", "Only facilities of this process; empty = every process.", "仅适用于该工序；空则适用于全部工序。",
               suggested=PROCESSES),
        Column("stage", "环节", "Where in the process the measure acts.", "措施所处环节。", "choice", True,
               choices=("raw_material", "fuel", "process", "energy", "end_of_pipe")),
        Column("acts_on", "作用对象", "Kind of stream, or the name of one.", "作用的源流类别或源流名称。", "text", True,
               suggested=STREAM_KINDS),
        _share("reduction", "减排比例", "Share of the stream's emissions cut at full adoption.", "全面采用时对该源流的减排比例（小数）。", True),
        _share("max_penetration", "最大渗透率", "Share that can be adopted at most.", "最大可采用比例（小数）。", True),
        _signed("unit_cost", "单位减排成本", "May be negative; empty = from the cost columns.", "可为负；空则由成本各列计算。", "CNY/tCO2e"),
        _amount("slope", "成本斜率", "Rise of the marginal cost from first to last tonne.", "边际成本由首吨到末吨的增幅。", "CNY/tCO2e"),
        _amount("capex", "单位投资", "Investment per yearly tonne.", "每吨年减排能力的投资。", "CNY per tCO2e/yr"),
        _signed("opex", "运行成本", "May be negative.", "可为负。", "CNY/tCO2e"),
        _amount("saving", "节约收益", "Energy and material saved.", "节约的能源与材料价值。", "CNY/tCO2e"),
        Column("lifetime", "寿命", "Years of the annuity.", "年金计算年数。", "number", False, "yr", 1, 100),
        Column("moves", "影响口径", "Which emissions the measure moves.", "影响清单排放、履约排放或两者。", "choice", True,
               choices=("inventory", "covered", "both")),
        Column("interaction_group", "相互作用组", "Measures that share one stream.", "作用于同一源流的措施组。"),
        Column("exclusion_group", "互斥组", "Measures of which only one applies.", "只能择一的措施组。"),
        _year("available_from", "可用年份", "First year of the measure.", "最早可用年份。"),
        _signed("electricity_change", "用电变化", "Purchased electricity per tonne abated.", "每减排一吨的外购电变化。", "MWh/tCO2e"),
        _signed("so2_change", "二氧化硫变化", "Negative = less pollution.", "负值表示减少。", "kg/tCO2e"),
        _signed("nox_change", "氮氧化物变化", "Negative = less pollution.", "负值表示减少。", "kg/tCO2e"),
        _signed("pm_change", "颗粒物变化", "Negative = less pollution.", "负值表示减少。", "kg/tCO2e"),
        Column("enterprise", "企业代码", "Only this enterprise; empty = all of the sector.", "仅限该企业；空则为全行业。"),
        _year("price_year", "价格年", "Year of the prices.", "价格基准年。"),
        *_EVIDENCE,
        _NOTE,
    ),
)  # fmt: skip

COVERAGE: Final = Table(
    "coverage", "覆盖范围", "One row a sector that can ever enter the market.", "每行一个可能纳入碳市场的行业。", ("sector",),
    (
        _sector(),
        _year("entry_year", "纳入年份", "First compliance year; empty = never.", "首个履约年度；空则不纳入。", False),
        _year("announced", "公布年份", "Year in which the entry became known.", "纳入安排公布的年份。"),
        Column("phase_in", "分步比例", "Shares of the obligation from entry on, such as 0.5;1; the last one stays.",
               "自纳入起逐年履约比例，如 0.5;1，末值保持不变。", "text", True),
        _amount("threshold", "纳入门槛", "Direct emissions of one entity in the base year.", "单个企业基准年直接排放量门槛。", "tCO2e", True),
        Column("gases", "气体", "Gases covered, separated by semicolons.", "覆盖气体，用分号分隔。", "choices", True, choices=GASES),
        Column("boundary", "边界", "Which emissions carry an obligation.", "履约排放边界。", "choice", True,
               choices=("direct", "direct_and_electricity")),
        *_EVIDENCE,
        Column("where", "出处", "Place in the source.", "在来源中的位置。"),
        _NOTE,
    ),
)  # fmt: skip

SOURCES: Final = Table(
    "sources", "来源", "One row a source that the other sheets name.", "每行一个被其他表引用的来源。", ("source",),
    (
        Column("source", "来源代码", "Short unique name.", "唯一的简短代码。", "key", True),
        Column("title", "名称", "What it is.", "来源名称。", "text", True),
        Column("url", "网址", "Where it can be read.", "查阅地址。"),
        Column("read_on", "查阅日期", "Day it was read, year-month-day.", "查阅日期（年-月-日）。"),
        Column("confidence", "可信度", "How far it was read.", "查阅程度。", suggested=("read", "memory", "assumption")),
        Column("note", "备注", "Anything a reader should know.", "其他说明。"),
    ),
)  # fmt: skip

TABLES: Final[dict[str, Table]] = {
    table.name: table for table in (ENTERPRISES, FACILITIES, ACTIVITY, FINANCES, MEASURES, COVERAGE)
}
SHEETS: Final[dict[str, Table]] = {**TABLES, SOURCES.name: SOURCES}
MONEY_COLUMNS: Final = ("revenue", "value_added", "ebit", "capex_budget", "tax")
FOREIGN_KEYS: Final[tuple[tuple[str, str, str], ...]] = (
    ("facilities", "enterprise", "enterprises"),
    ("activity", "facility", "facilities"),
    ("finances", "enterprise", "enterprises"),
    ("measures", "enterprise", "enterprises"),
    ("enterprises", "sector", "coverage"),
)
