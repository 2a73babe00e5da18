# ruff: noqa: E501  (a table of columns reads best with one column a line)
"""The columns of the ledger of an enterprise: what the checks and the ledger template both read."""

from __future__ import annotations

from typing import Final

from carbonsim.inputs.columns import (
    ACTIVITY,
    ENTERPRISES,
    FACILITIES,
    FIRST_YEAR,
    LAST_YEAR,
    METHODS,
    SECTORS,
    SOURCES,
    UNIT_CHOICES,
    Column,
    Table,
)
from carbonsim.inputs.factor_columns import DISTRIBUTIONS
from carbonsim.inputs.parameters import BASES
from carbonsim.inputs.tables import Layout
from carbonsim.inputs.terms import TERMS

QUANTITY: Final = "quantity"
HIGHEST_MONTH, HIGHEST_YEAR, STATED = GAP_RULES = ("highest_month", "highest_year", "stated")
CERTIFICATE_KINDS: Final = ("green_certificate", "power_purchase_agreement", "supplier_factor", "unknown")
OWN_PREFIX: Final = "own_"
TERM_NAMES: Final = tuple(TERMS)

_BASIS: Final = Column(
    "basis", "依据类型", "What the row rests on.", "该行数据的依据类型。", "choice", True, choices=BASES
)
_SOURCE: Final = Column("source", "来源", "Key of the source in sources.", "来源表中的键。", "source", True)
_NOTE: Final = Column("note", "备注", "Anything a reader should know.", "其他说明。")
_EVIDENCE: Final = (_BASIS, _SOURCE, _NOTE)
_YEAR: Final = Column("year", "年份", "Year of the data.", "数据年份。", "integer", True, "yr", FIRST_YEAR, LAST_YEAR)
_MONTH: Final = Column(
    "month",
    "月份",
    "1 to 12; empty = the whole year. A stream has all twelve months of a year or none.",
    "1 至 12；空则为全年。同一源流同一年要么十二个月齐全，要么只填全年。",
    "integer",
    False,
    "1",
    1,
    12,
)
_ENTERPRISE: Final = Column("enterprise", "企业代码", "From the sheet enterprises.", "取自企业表。", "text", True)
_FACILITY: Final = Column("facility", "设施代码", "From the sheet facilities.", "取自设施表。", "text", True)
_STREAM: Final = Column("stream", "源流", "From the sheet activity.", "取自活动数据表。", "text", True)
_PROOF: Final = Column(
    "evidence",
    "证明材料",
    "Document that proves the row, such as a report or contract number.",
    "证明该行数据的文件，如检测报告或合同编号。",
)


def _amount(name: str, zh: str, meaning: str, meaning_zh: str, unit: str, required: bool = False) -> Column:
    return Column(name, zh, meaning, meaning_zh, "number", required, unit, 0)


LEDGER_ENTERPRISES: Final = Table(
    "enterprises", "企业", "One row an enterprise that is accounted for.", "每行一家核算企业。", ("enterprise",),
    (
        *(ENTERPRISES.column(name) for name in ("enterprise", "name_zh", "name_en")),
        Column("sector", "行业", "Sector whose accounting rules apply.", "适用其核算规则的行业。", "choice", True, choices=SECTORS),
        Column("province", "省份", "Province of the grid factor, in Chinese or English; empty = national factor.",
               "确定电力排放因子的省份，中英文均可；空则用全国因子。"),
        Column("place", "所在地", "District, county or zone.", "所在区县或园区。"),
        Column("kind", "类型", "A real enterprise or a block of similar ones; empty = enterprise.", "企业或企业群；空则为企业。", "choice",
               choices=("enterprise", "block")),
        *_EVIDENCE,
    ),
)  # fmt: skip

LEDGER_ACTIVITY: Final = Table(
    "activity", "活动数据", "One row a source stream of a facility in a year or a month.", "每行为某设施某年或某月的一个排放源流。",
    ("facility", "year", "stream", "month"),
    tuple(
        column
        for own in ACTIVITY.columns
        for column in ((own, _MONTH) if own.name == "stream" else (own,))
    ),
)  # fmt: skip

TERM_VALUES: Final = Table(
    "terms", "实测参数", "One row a measured term of a source stream.", "每行为某源流的一个实测参数。",
    ("facility", "year", "stream", "month", "term"),
    (
        _FACILITY, _YEAR, _STREAM,
        Column("month", "月份", "1 to 12; empty = the whole year, and every month without a value of its own.",
               "1 至 12；空则为全年，并适用于没有单独数值的各月。", "integer", False, "1", 1, 12),
        Column("term", "参数", "Which term of the formula was measured.", "公式中的哪一个参数。", "choice", True, choices=TERM_NAMES),
        Column("value", "数值", "In the unit of the term.", "以该参数的单位计。", "number", True, "as of the term"),
        _PROOF,
        *_EVIDENCE,
    ),
)  # fmt: skip

GAPS: Final = Table(
    "gaps", "数据缺失", "One row an amount that is missing and how it is replaced, conservatively.", "每行为一项缺失数据及其保守替代方法。",
    ("facility", "year", "stream", "month"),
    (
        _FACILITY, _YEAR,
        Column("stream", "源流", "Name of the stream, as in the sheet activity.", "源流名称，与活动数据表一致。", "key", True),
        _MONTH,
        Column("rule", "替代规则", "Highest of the other months or years, or an amount stated; lowest where the stream is deducted.",
               "取其他月份或年份的最高值（扣减类取最低值），或填写保守值。", "choice", True, choices=GAP_RULES),
        _amount("quantity", "数量", "For the rule stated: the conservative amount.", "规则为 stated 时的保守值。", "as in unit"),
        Column("unit", "单位", "For the rule stated: unit of the quantity.", "规则为 stated 时的单位。", "unit", suggested=UNIT_CHOICES),
        Column("method", "核算方法", "Empty = that of the stream's other rows.", "空则同该源流其他行。", "choice", choices=METHODS),
        Column("factor", "排放因子", "Empty = that of the stream's other rows.", "空则同该源流其他行。"),
        Column("reason", "原因", "Why the amount is missing and why this is conservative.", "数据缺失的原因及保守性说明。", "text", True),
        *_EVIDENCE,
    ),
)  # fmt: skip

CERTIFICATES: Final = Table(
    "certificates", "绿电与合同", "One row a contract or certificate for purchased electricity.", "每行为一项购电合同或绿色电力证书。",
    ("enterprise", "year", "certificate"),
    (
        _ENTERPRISE, _YEAR,
        Column("certificate", "凭证代码", "Name or number, unique within enterprise and year.", "名称或编号，在同一企业同一年内唯一。", "key", True),
        Column("kind", "类型", "What the enterprise holds; unknown is allowed.", "所持凭证类型；可为未知。", "choice", True, choices=CERTIFICATE_KINDS),
        _amount("quantity", "电量", "Electricity it covers.", "覆盖的电量。", "MWh", True),
        _amount("factor", "排放因子", "Emissions of that electricity.", "该电量的排放因子。", "tCO2/MWh"),
        _PROOF,
        *_EVIDENCE,
    ),
)  # fmt: skip

PRECURSORS: Final = Table(
    "precursors", "前体产品", "One row a precursor that a facility uses, for the intensity of its product.", "每行为某设施使用的一种前体产品，用于产品强度。",
    ("facility", "year", "precursor"),
    (
        _FACILITY, _YEAR,
        Column("precursor", "前体产品", "Name, unique within facility and year.", "名称，在同一设施同一年内唯一。", "key", True),
        _amount("quantity", "用量", "Precursor used, in `unit`.", "前体产品用量，以“单位”列计。", "as in unit", True),
        Column("unit", "单位", "Unit of mass, or of the output of `from_facility`, such as GJ; empty = t.",
               "质量单位，或来源设施产量的单位（如 GJ）；空则为吨。", "unit", suggested=("t", "万吨", "kg", "GJ", "MWh", "1e4_Nm3")),
        Column("from_facility", "来源设施", "Facility of this ledger that makes it; empty = bought.", "本账册中生产该产品的设施；空则为外购。"),
        _amount("direct_intensity", "直接排放强度", "For what is bought: direct emissions.", "外购产品的直接排放强度。", "tCO2e/t"),
        _amount("indirect_intensity", "间接排放强度", "For what is bought: emissions of its electricity.", "外购产品的间接排放强度。", "tCO2e/t"),
        *_EVIDENCE,
    ),
)  # fmt: skip

UNCERTAINTY: Final = Table(
    "uncertainty", "不确定度", "One row an uncertainty; the most specific row wins.", "每行一项不确定度；最具体的一行优先。",
    ("term", "factor", "facility", "stream"),
    (
        Column("term", "参数", "quantity, or a term of the formula.", "quantity（数量）或公式中的参数。", "choice", True,
               choices=(QUANTITY, *TERM_NAMES)),
        Column("factor", "因子",
               "Factor id, or a factor of a set as set:factor; empty = any. Without facility and stream the row is about the "
               "value of the table, not about measured ones.",
               "因子代码，或“因子集:因子”；空则为任意。未写设施与源流时仅指因子库的数值，不含实测值。"),
        Column("facility", "设施代码", "Empty = any facility.", "空则为任意设施。"),
        Column("stream", "源流", "Empty = any stream.", "空则为任意源流。"),
        _amount("half_width", "相对半宽", "Half of the 95 % interval over the value.", "95% 置信区间半宽与数值之比（小数）。", "1", True),
        Column("distribution", "分布", "Empty = normal.", "空则为正态分布。", "choice", choices=DISTRIBUTIONS),
        Column("years_correlated", "年间相关", "Whether one error runs through all years; empty = yes for factors, no for quantities (the "
               "months of one year share theirs).", "各年误差是否相同；空则因子为是，数量为否（同一年各月共用一个误差）。", "choice", choices=("yes", "no")),
        Column("shared", "是否共用", "Whether one error is shared by all rows; empty = yes for a value of the tables, no for one's own.",
               "各行误差是否共用；空则因子库数值为是，实测值为否。", "choice", choices=("yes", "no")),
        *_EVIDENCE,
    ),
)  # fmt: skip

VERIFIED: Final = Table(
    "verified", "核查结果", "One row what a verifier found for an enterprise and year.", "每行为某企业某年的核查结果。", ("enterprise", "year"),
    (
        _ENTERPRISE, _YEAR,
        _amount("verified_emissions", "核查排放量", "Emissions as verified.", "经核查的排放量。", "tCO2e", True),
        Column("materiality", "重要性水平", "Share of the total that counts as material; empty = the usual level.",
               "视为重要的偏差比例（小数）；空则取通行水平。", "number", False, "1", 0, 1),
        *_EVIDENCE,
    ),
)  # fmt: skip

LEDGER_TABLES: Final[dict[str, Table]] = {
    table.name: table
    for table in (
        LEDGER_ENTERPRISES, FACILITIES, LEDGER_ACTIVITY, TERM_VALUES, GAPS, CERTIFICATES, PRECURSORS, UNCERTAINTY,
        VERIFIED, SOURCES,
    )
}  # fmt: skip
REQUIRED_TABLES: Final = ("enterprises", "facilities", "activity")
LEDGER: Final = Layout(
    LEDGER_TABLES,
    optional=tuple(name for name in LEDGER_TABLES if name not in REQUIRED_TABLES),
    en="a ledger",
    zh="账册",
    template="carbonsim template --ledger",
)
