# ruff: noqa: E501  (one example row a line)
"""Writes the ledger workbook: every sheet explained in both languages, and a made-up works as example rows."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from carbonsim.inputs.ledger_columns import LEDGER_TABLES, STATED
from carbonsim.inputs.template_rows import Row
from carbonsim.inputs.workbook import Template, write_workbook

SOURCE: Final = "example"
YEAR: Final = 2024
MISSING_MONTH: Final = 7
_EVIDENCE: Final = {"basis": "assumption", "source": SOURCE}
_NOTE: Final = "示例行，请替换 / example row, replace it"
_WORKS: Final = "示意企业"
_KILN: Final = "示意-1号窑"
_MILL: Final = "示意-水泥磨"
# Tonnes of coal and its measured net calorific value, January to December; July is the gap.
_COAL: Final = (8200, 7600, 8100, 7900, 8000, 7800, 0, 7700, 7900, 8300, 8100, 8400)
_HEAT: Final = (22.1, 21.8, 22.4, 22.0, 21.9, 22.3, 0, 22.2, 22.0, 21.7, 22.5, 22.1)
_POWER: Final = (620, 580, 610, 600, 605, 590, 570, 585, 600, 625, 615, 630)

README: Final[tuple[tuple[str, str], ...]] = (
    ("carbonsim 碳排放账册", "Emissions ledger of carbonsim"),
    ("第1行是字段名，请勿改动；第2行是中文名称（带 * 为必填）；从第3行开始填写。",
     "Row 1 holds the column names: leave it; row 2 the Chinese labels (* = required); data begins in row 3."),
    ("示例为虚构的“示意企业”（basis = assumption），请替换；不改动也能直接核算。",
     "The example is a made-up works (basis = assumption): replace it. The untouched workbook can be accounted as it is."),
    ("必填的表只有 enterprises、facilities、activity 与 sources；其余各表没有内容时可以留空或删除。",
     "Only enterprises, facilities, activity and sources are needed; the other sheets may stay empty or be deleted."),
    ("活动数据按月或按年填写，同一源流同一年只能选一种；按月填写须十二个月齐全，确实为零请填 0。",
     "Amounts are by month or by year, for one stream and year only one of the two; all twelve months, 0 where nothing was used."),
    ("数据缺失请写入 gaps 表并说明原因：取其他月份或年份的最高值（扣减与产量取最低值），或填写保守值。",
     "What is missing goes into gaps with its reason: the highest of other months or years (the lowest where it is deducted, or output), or an amount stated."),
    ("数量不得为负：正负由核算方法决定。比例写小数：15% 写作 0.15。数字中不写千位逗号。",
     "Quantities are never negative: the method knows the sign. Shares are decimals: 15 % is 0.15. No commas inside numbers."),
    ("实测的低位发热量、单位热值含碳量、碳氧化率填在 activity 表；其他实测参数填在 terms 表。",
     "Measured calorific value, carbon content and oxidation stand in activity; every other measured term in the sheet terms."),
    ("自有排放因子可另加工作表 own_fuels、own_process、own_grid、own_gwp、own_pollutants、own_combustion_gases，字段与因子库相同。",
     "Factors of your own: add sheets own_fuels, own_process, own_grid, own_gwp, own_pollutants, own_combustion_gases with the columns of the factor tables."),
    ("每行都要有依据类型 basis 和来源 source；来源须列在 sources 表中。",
     "Every row has a basis and a source; the source is listed in the sheet sources."),
)  # fmt: skip


def write_ledger_template(path: str | Path, lang: Literal["zh", "en"] = "zh") -> None:
    """Write a ledger workbook with the example rows of a made-up works.

    Parameters
    ----------
    path : str or Path
        The .xlsx to write; an existing file is replaced as a whole.
    lang : {"zh", "en"}
        Language that stands first in the sheet of explanations; both are there, and keys and labels are the same.
    """
    title = "carbonsim ledger / 碳排放账册"
    write_workbook(path, Template(title, LEDGER_TABLES, _example_rows(), README), lang)


def _example_rows() -> dict[str, tuple[Row, ...]]:
    """Rows by sheet; every one is an assumption and says so."""
    return {
        "enterprises": ({"enterprise": _WORKS, "name_zh": "示意企业（水泥）", "name_en": "Example works (cement)", "sector": "cement",
                         "province": "四川", "kind": "enterprise", **_EVIDENCE, "note": _NOTE},),
        "facilities": (
            {"facility": _KILN, "enterprise": _WORKS, "process": "clinker_line", "product": "clinker", "output_unit": "t", **_EVIDENCE},
            {"facility": _MILL, "enterprise": _WORKS, "process": "cement_mill", "product": "cement", "output_unit": "t", **_EVIDENCE},
        ),
        "activity": _activity(),
        "terms": (),
        "gaps": ({"facility": _KILN, "year": YEAR, "stream": "coal", "month": MISSING_MONTH, "rule": "highest_month",
                  "reason": "皮带秤故障，取当年其他月份最高值 / belt scale out of order", **_EVIDENCE},
                 {"facility": _MILL, "year": YEAR, "stream": "diesel", "rule": STATED, "quantity": 30, "unit": "t",
                  "method": "combustion", "factor": "diesel",
                  "reason": "无计量，按装载机额定油耗与运行小时计 / not metered: rated use times hours", **_EVIDENCE}),
        "certificates": ({"enterprise": _WORKS, "year": YEAR, "certificate": "示意-绿证-1", "kind": "green_certificate",
                          "quantity": 5000, "evidence": "示意编号 / example number", **_EVIDENCE},),
        "precursors": ({"facility": _MILL, "year": YEAR, "precursor": "clinker", "quantity": 60, "unit": "万吨",
                        "from_facility": _KILN, **_EVIDENCE},),
        "uncertainty": ({"term": "quantity", "half_width": 0.02, **_EVIDENCE},
                        {"term": "net_calorific_value", "facility": _KILN, "stream": "coal", "half_width": 0.015, **_EVIDENCE}),
        "verified": ({"enterprise": _WORKS, "year": YEAR, "verified_emissions": 520000, **_EVIDENCE},),
        "sources": ({"source": SOURCE, "title": "Made-up example figures; they describe no enterprise / 虚构示例数据",
                     "confidence": "assumption", "note": _NOTE},),
    }  # fmt: skip


def _activity() -> tuple[Row, ...]:
    rows = []
    for month, (coal, heat, power) in enumerate(zip(_COAL, _HEAT, _POWER, strict=True), start=1):
        if month != MISSING_MONTH:
            rows.append(
                _row(_KILN, "coal", "combustion", "bituminous", coal, "t", month=month, net_calorific_value=heat)
            )
        rows.append(_row(_KILN, "electricity", "electricity_purchased", "", power, "万kWh", month=month))
    return (
        *rows,
        _row(_KILN, "clinker", "clinker", "cets2024_clinker_portland", 60, "万吨"),
        _row(_KILN, "titanium_slag", "deduction", "cets2024_deduct_vanadium_titanium_slag", 2, "万吨"),
        _row(_KILN, "output", "output", "", 60, "万吨"),
        _row(_MILL, "electricity", "electricity_purchased", "", 3200, "万kWh"),
        _row(_MILL, "output", "output", "", 80, "万吨"),
    )


def _row(facility: str, stream: str, method: str, factor: str, quantity: float, unit: str, **more: float) -> Row:
    return {"facility": facility, "year": YEAR, "stream": stream, "method": method, "factor": factor,
            "quantity": quantity, "unit": unit, **more, **_EVIDENCE}  # fmt: skip
