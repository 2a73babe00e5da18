"""Writes input workbooks: a sheet a table with keys, Chinese labels, notes, drop-downs and example rows."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from carbonsim.inputs.columns import SHEETS, Column, Table
from carbonsim.inputs.factors import factor_ids, packaged_factors
from carbonsim.inputs.files import write_bytes
from carbonsim.inputs.template_rows import Row, example_rows

# A fixed moment: the same template is the same bytes whenever it is written.
CREATED: Final = datetime(2026, 1, 1)
FIRST_DATA_ROW, LAST_DATA_ROW = 2, 1999
LISTS: Final = "lists"
README_SHEET: Final = "说明"
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")

OWNERS: Final = {
    "source": "sources",
    "enterprise": "enterprises",
    "facility": "facilities",
    "from_facility": "facilities",
}

README: Final[tuple[tuple[str, str], ...]] = (
    ("carbonsim 输入工作簿", "Input workbook of carbonsim"),
    (
        "第1行是字段名，请勿改动；第2行是中文名称（带 * 为必填）；从第3行开始填写。",
        "Row 1 holds the column names: leave it; row 2 the Chinese labels (* = required); data begins in row 3.",
    ),
    (
        "示例行为虚构数据（basis = assumption），请用自己的数据替换；不改动也能直接运行。",
        "The example rows are made up (basis = assumption): replace them. The untouched workbook runs as it is.",
    ),
    (
        "单位写在 unit 列中，可用 t、万吨、MWh、万kWh、GJ、万Nm3（标准状态 0 °C）、tce 等；金额单位见 money_unit 列。",
        "Units stand in the unit column (t, 万吨, MWh, 万kWh, GJ, 万Nm3 at 0 °C, tce ...); money in money_unit.",
    ),
    (
        "数量不得为负：正负由核算方法决定。比例写小数：15% 写作 0.15。",
        "Quantities are never negative: the method knows the sign. Shares are decimals: 15 % is 0.15.",
    ),
    (
        "每行都要有依据类型 basis 和来源 source；来源须列在 sources 表中。",
        "Every row has a basis and a source; the source is listed in the sheet sources.",
    ),
    (
        "coverage 表可以留空：此时采用所选政策的覆盖范围；填写的行业将替换政策中的同一行业。",
        "The sheet coverage may stay empty: the policy's coverage then applies; a row here replaces the policy's.",
    ),
    (
        "measures 表：某行业一旦填写了自己的措施，本企业只采用这些措施；未填写的行业采用政策自带的措施。",
        "Measures: for a sector with rows of your own your enterprises use only these, else the policy's.",
    ),
    (
        "下一步：carbonsim init 本文件.xlsx --policy panzhihua --out my/，然后 carbonsim run my/",
        "Next: carbonsim init this.xlsx --policy panzhihua --out my/, then carbonsim run my/",
    ),
)


@dataclass(frozen=True, slots=True)
class Template:
    """What a template holds: its tables with example rows, and the lines of its readme in Chinese and English."""

    title: str
    tables: Mapping[str, Table]
    rows: Mapping[str, Sequence[Row]]
    readme: Sequence[tuple[str, str]]


def write_template(path: str | Path) -> None:
    """Write an input workbook with example rows that form a small valid study.

    Parameters
    ----------
    path : str or Path
        The .xlsx to write; an existing file is replaced as a whole.

    Notes
    -----
    The columns, labels, units and choices are those of `inputs.columns`, which the checks read as well.
    """
    write_workbook(path, Template("carbonsim input / 输入工作簿", SHEETS, example_rows(), README))


def write_workbook(path: str | Path, template: Template, lang: str = "zh") -> None:
    """Write a template: row 1 holds the keys, row 2 the Chinese labels; ``lang`` is the first language of the readme.

    The same template is the same bytes whenever it is written.
    """
    import xlsxwriter

    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(buffer, options)
    book.set_properties({"title": template.title, "created": CREATED})
    formats = {
        "key": book.add_format({"bold": True, "bg_color": "#1F4E78", "font_color": "#FFFFFF", "border": 1}),
        "label": book.add_format({"bg_color": "#DDEBF7", "border": 1, "text_wrap": True, "valign": "top"}),
        "text": book.add_format({"num_format": "@"}),
        "wrap": book.add_format({"text_wrap": True, "valign": "top"}),
    }
    _write_readme(book.add_worksheet(README_SHEET), template, formats, lang)
    lists = _Lists(book)
    for table in template.tables.values():
        _write_table(book.add_worksheet(table.name), table, template.rows.get(table.name, ()), formats, lists)
    lists.write()
    book.close()
    write_bytes(Path(path), buffer.getvalue())


def guard_text(text: str) -> str:
    """Text that no spreadsheet takes for a formula, whatever it does with the file later.

    >>> guard_text("=1+1"), guard_text("＝1"), guard_text("steel")
    ("'=1+1", "'＝1", 'steel')
    """
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


class _Lists:
    """The sheet with the drop-down lists: one column a list, each a named range."""

    def __init__(self, book: Any) -> None:
        self.book = book
        self.columns: dict[str, tuple[str, ...]] = {}
        for method, factors in factor_ids(packaged_factors()).items():
            self.columns[f"factor_{method}"] = factors

    def source(self, name: str, values: tuple[str, ...]) -> str:
        """Formula that names a list, which is kept for writing."""
        self.columns[name] = values
        return f"={name}"

    def write(self) -> None:
        """Write all lists at the end of the workbook, so that the sheets for people come first."""
        sheet = self.book.add_worksheet(LISTS)
        for place, (name, values) in enumerate(self.columns.items()):
            sheet.write_string(0, place, name)
            for row, value in enumerate(values, start=1):
                sheet.write_string(row, place, value)
            letter = _letter(place)
            self.book.define_name(name, f"={LISTS}!${letter}$2:${letter}${len(values) + 1}")


def _letter(place: int) -> str:
    from xlsxwriter.utility import xl_col_to_name

    return str(xl_col_to_name(place))


def _write_readme(sheet: Any, template: Template, formats: Mapping[str, Any], lang: str) -> None:
    sheet.set_column(0, 1, 70)
    tables = [
        (f"{table.name}（{table.zh}）：{table.meaning_zh}", f"{table.name}: {table.meaning}")
        for table in template.tables.values()
    ]
    for row, texts in enumerate((*template.readme, ("", ""), *tables)):
        for place, text in enumerate(texts if lang == "zh" else texts[::-1]):
            if text:
                sheet.write_string(row, place, text, formats["wrap"])


def _write_table(sheet: Any, table: Table, rows: Sequence[Row], formats: Mapping[str, Any], lists: _Lists) -> None:
    sheet.freeze_panes(FIRST_DATA_ROW, 1)
    for place, column in enumerate(table.columns):
        sheet.write_string(0, place, column.name, formats["key"])
        sheet.write_string(1, place, column.zh + ("*" if column.required else ""), formats["label"])
        sheet.write_comment(0, place, _comment(column), {"x_scale": 2, "y_scale": 1.4, "author": "carbonsim"})
        numeric = column.kind in ("number", "integer")
        sheet.set_column(place, place, max(12, min(30, len(column.name) + 4)), None if numeric else formats["text"])
        _drop_down(sheet, table, place, column, lists)
    for number, row in enumerate(rows, start=FIRST_DATA_ROW):
        for place, column in enumerate(table.columns):
            value = row.get(column.name, "")
            if isinstance(value, str):
                if value:
                    sheet.write_string(number, place, guard_text(value), formats["text"])
            else:
                sheet.write_number(number, place, value)


def _comment(column: Column) -> str:
    lines = [column.meaning_zh, column.meaning]
    if column.unit:
        lines.append(f"单位 / unit: {column.unit}")
    if column.lower is not None or column.upper is not None:
        lower = "" if column.lower is None else f"{column.lower:g}"
        upper = "" if column.upper is None else f"{column.upper:g}"
        lines.append(f"范围 / range: {lower} … {upper}")
    if column.choices:
        lines.append(f"可选 / choices: {', '.join(column.choices)}")
    lines.append("必填 / required" if column.required else "可空 / may be empty")
    return "\n".join(lines)


def _drop_down(sheet: Any, table: Table, place: int, column: Column, lists: _Lists) -> None:
    area = (FIRST_DATA_ROW, place, LAST_DATA_ROW, place)
    chosen = column.choices or column.suggested
    if column.name == "factor" and "method" in table.names():
        method = _letter(table.names().index("method"))
        formula = f'=INDIRECT("factor_"&${method}{FIRST_DATA_ROW + 1})'
        sheet.data_validation(*area, {"validate": "list", "source": formula, "error_type": "warning"})
    elif column.kind in ("number", "integer") and column.lower is not None:
        upper = column.upper if column.upper is not None else 1e300
        sheet.data_validation(
            *area,
            {
                "validate": "decimal",
                "criteria": "between",
                "minimum": column.lower,
                "maximum": upper,
                "error_title": column.zh[:32],
                "error_message": f"{column.lower:g} … {upper:g}",
            },
        )
    elif column.name in OWNERS:
        owner = OWNERS[column.name]
        if owner != table.name:
            formula = f"={owner}!$A${FIRST_DATA_ROW + 1}:$A${LAST_DATA_ROW + 1}"
            sheet.data_validation(*area, {"validate": "list", "source": formula, "error_type": "warning"})
    elif chosen and column.kind != "choices":
        name = f"{table.name}_{column.name}"
        strict = "stop" if column.choices else "warning"
        sheet.data_validation(*area, {"validate": "list", "source": lists.source(name, chosen), "error_type": strict})
