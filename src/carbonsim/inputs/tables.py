"""Reads tables as text from a folder of CSV files or from one workbook, with the row numbers the user sees."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Final
from xml.parsers.expat import ExpatError

from carbonsim.errors import Issue, did_you_mean, shorten
from carbonsim.inputs.archive import check_archive, uncalculated_formulas
from carbonsim.inputs.choice_labels import key_of
from carbonsim.inputs.columns import SHEETS, SOURCES, TABLES, Column, Table
from carbonsim.inputs.files import sha256_of_bytes, sha256_of_file

MAX_CELL: Final = 10_000
AS_WRITTEN: Final = ("name_zh", "name_en", "note", "title", "reason", "evidence")


@dataclass(frozen=True, slots=True)
class RawTable:
    """A table as text: the header, the cells of each column and the number of each row as the user sees it.

    ``typed`` keeps what stood in the cells that are read in another form, by place of the row and column.
    """

    name: str
    source: str
    sheet: str
    header: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...]
    rows: tuple[int, ...]
    typed: Mapping[tuple[int, str], str] = field(default_factory=dict)

    @property
    def cells(self) -> tuple[tuple[str, ...], ...]:
        """The cells of each row."""
        return tuple(zip(*self.columns, strict=True))

    def row(self, place: int) -> tuple[str, ...]:
        """The cells of one row."""
        return tuple(cells[place] for cells in self.columns)


@dataclass(frozen=True, slots=True)
class Layout:
    """The tables that a kind of input may hold; the optional ones may be absent, ``silent`` sheets are not read."""

    tables: Mapping[str, Table]
    optional: tuple[str, ...] = ()
    silent: tuple[str, ...] = ("说明", "readme", "lists", SOURCES.name)
    en: str = "a study"
    zh: str = "研究"
    template: str = "carbonsim template"


STUDY: Final = Layout(SHEETS)


@dataclass(slots=True)
class TableFiles:
    """What was read from a folder or workbook: raw tables, hashes of the files, and the faults met."""

    tables: dict[str, RawTable] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)


def read_csv_folder(
    folder: Path, shown: str = "tables", names: Sequence[str] = tuple(TABLES), layout: Layout = STUDY
) -> TableFiles:
    """Tables from ``<folder>/<table>.csv``; ``shown`` is the folder's name in messages."""
    files = TableFiles()
    for path in sorted(folder.glob("*.csv")):
        if path.stem not in names:
            files.issues.append(
                Issue(
                    "unknown-table",
                    f"{shown}/{path.name}",
                    f"is not a table of {layout.en}.",
                    f"不是{layout.zh}所用的表。",
                    f"{did_you_mean(path.stem, names) or 'Known: ' + ', '.join(names) + '.'}",
                    f"可用的表：{'、'.join(names)}。",
                )
            )
    for name in names:
        source = f"{shown}/{name}.csv"
        if name in layout.optional and not (folder / f"{name}.csv").is_file():
            continue
        table, digest, issues = read_csv(folder / f"{name}.csv", name, source, layout)
        files.issues += issues
        if table is not None:
            files.tables[name], files.hashes[source] = table, digest
    return files


def read_csv(path: Path, name: str, source: str, layout: Layout = STUDY) -> tuple[RawTable | None, str, list[Issue]]:
    """One CSV file as text with its hash; the header is row 1, blank rows keep their number."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None, "", [_missing_table(layout, source, "")]
    digest = sha256_of_bytes(content)
    try:
        text = content.decode("utf-8-sig")
        records = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except UnicodeDecodeError:
        hint, hint_zh = "Save it as CSV UTF-8.", "请另存为 CSV UTF-8。"
        return None, digest, [Issue("encoding", source, "is not UTF-8 text.", "不是 UTF-8 文本。", hint, hint_zh)]
    except csv.Error as problem:
        message, chinese = f"cannot be read as CSV: {problem}.", f"不是有效的 CSV：{problem}。"
        return None, digest, [Issue("csv", source, message, chinese)]
    table, issues = _raw(name, source, "", records, layout.tables.get(name))
    return table, digest, issues


def read_workbook(
    path: Path, source: str = "", names: Sequence[str] = (*TABLES, SOURCES.name), layout: Layout = STUDY
) -> TableFiles:
    """Tables from one .xlsx; row 1 holds the keys, a row 2 of Chinese labels is skipped.

    Raises
    ------
    Nothing: every fault is in ``issues``.
    """
    shown = source or path.name
    files = TableFiles(issues=check_archive(path, shown))
    if files.issues:
        return files
    files.hashes[shown] = sha256_of_file(path)
    try:
        sheets = _sheets(path, names)
    except Exception as problem:  # calamine's own error class is not importable in every version
        files.issues.append(Issue("not-a-workbook", shown, f"cannot be opened: {problem}.", f"无法打开：{problem}。"))
        return files
    files.issues += _unknown_sheets(sheets, shown, names, layout)
    for name in names:
        if name not in sheets:
            if name not in layout.optional:
                files.issues.append(_missing_table(layout, shown, name, list(sheets)))
            continue
        files.issues += _formula_faults(path, shown, name)
        table, issues = _raw(name, shown, name, sheets[name], layout.tables.get(name))
        files.issues += issues
        if table is not None:
            files.tables[name] = table
    return files


def _sheets(path: Path, names: Sequence[str]) -> dict[str, list[list[str]]]:
    """Cells as text of the worksheets that are asked for; the others are listed without cells."""
    from python_calamine import CalamineWorkbook, SheetTypeEnum

    with CalamineWorkbook.from_path(str(path)) as book:
        present = [sheet.name for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
        wanted = set(names)
        return {
            name: [
                [cell if type(cell) is str else _cell_text(cell) for cell in record]
                for record in (book.get_sheet_by_name(name).to_python(skip_empty_area=False) if name in wanted else ())
            ]
            for name in present
        }


def _cell_text(value: object) -> str:
    """Text of a typed cell: a whole number without a decimal point, a day with its time."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return str(datetime(value.year, value.month, value.day))
    return str(value)


def _unknown_sheets(sheets: Mapping[str, object], shown: str, names: Sequence[str], layout: Layout) -> list[Issue]:
    return [
        Issue(
            "unknown-sheet",
            shown,
            f"sheet '{sheet}' is not read.",
            f"工作表“{sheet}”不会被读取。",
            did_you_mean(sheet, names),
            "",
            sheet=sheet,
            severity="warning",
        )
        for sheet in sheets
        if sheet not in names and sheet.lower() not in layout.silent
    ]


def _formula_faults(path: Path, shown: str, sheet: str) -> list[Issue]:
    try:
        cells = uncalculated_formulas(path, sheet)
    except (ExpatError, KeyError):
        return [Issue("not-a-workbook", shown, "holds a damaged sheet.", "工作表已损坏。", sheet=sheet)]
    found = []
    for cell in cells:
        match = re.fullmatch(r"([A-Z]+)([0-9]+)", cell)
        row = int(match.group(2)) if match else None
        found.append(
            Issue(
                "formula",
                shown,
                f"cell {cell} holds a formula without a stored value.",
                f"单元格 {cell} 的公式没有存储结果。",
                "Open the file in Excel and save it, or type the value.",
                "请用 Excel 打开并保存，或直接填写数值。",
                sheet=sheet,
                row=row,
            )
        )
    return found


def _missing_table(layout: Layout, source: str, sheet: str, found: Sequence[str] = ()) -> Issue:
    message, chinese = "the file is missing.", "缺少文件。"
    hint, hint_zh = f"`{layout.template}` writes an empty one.", f"可用 `{layout.template}` 生成空白模板。"
    if sheet:
        message = f"the sheet is missing; found: {shorten(found)}."
        chinese = f"缺少工作表；现有：{'、'.join(found)}。"
        others = [name for name in found if name not in layout.tables]
        label = layout.tables[sheet].zh if sheet in layout.tables else sheet
        close = next((name for name in others if clean(name).lower() in (sheet, label)), "")
        if close:
            hint, hint_zh = f"Rename '{close}' to '{sheet}'.", f"请把“{close}”改名为“{sheet}”。"
        elif did_you_mean(sheet, others):
            hint, hint_zh = did_you_mean(sheet, others), did_you_mean(sheet, others, "zh")
    return Issue("missing-table", source, message, chinese, hint, hint_zh, sheet=sheet)


def clean(text: str) -> str:
    """Cell text in one form: full-width digits and letters become plain ones, outer blanks go.

    >>> clean(" １２.５ ")
    '12.5'
    """
    return text.strip() if text.isascii() else unicodedata.normalize("NFKC", text).strip()


def _raw(
    name: str, source: str, sheet: str, records: Sequence[Sequence[str]], table: Table | None
) -> tuple[RawTable | None, list[Issue]]:
    """Header and non-empty rows of one table; the header is the first record, which may not be blank."""
    if not records or not _filled(records[0]):
        return None, [
            Issue(
                "missing-header", source, "row 1 must hold the column names.", "第 1 行必须是列名。", sheet=sheet, row=1
            )
        ]
    known = {column.name: column for column in table.columns} if table is not None else {}
    header = tuple(clean(cell) for cell in records[0])
    rows = [number for number, record in enumerate(records[1:], start=2) if _filled(record)]
    if sheet and rows and rows[0] == 2 and _is_label_row(header, records[1], known):
        rows = rows[1:]
    body = [records[number - 1] for number in rows]
    columns, extra = _columns_of(body, len(header))
    faults: list[tuple[int, int, Issue]] = [
        (place, -1, _extra_cells(source, sheet, rows[place], cells)) for place, cells in extra
    ]
    typed: dict[tuple[int, str], str] = {}
    read = []
    for position, (column, cells) in enumerate(zip(header, columns, strict=True)):
        distinct = dict.fromkeys(cells)
        plain = {cell: _plain(column, cell, known.get(column)) for cell in distinct}
        changed = {cell for cell, value in plain.items() if value != cell.strip()}
        long = {cell for cell in distinct if len(cell) > MAX_CELL}
        if changed or long:
            for place, cell in enumerate(cells):
                if cell in changed:
                    typed[place, column] = cell.strip()
                if cell in long:
                    faults.append((place, position, _long_cell(source, sheet, rows[place], column, cell)))
        same = all(value == cell for cell, value in plain.items())
        read.append(cells if same else tuple(plain[cell] for cell in cells))
    issues = [fault for _, _, fault in sorted(faults, key=lambda fault: fault[:2])]
    return RawTable(name, source, sheet, header, tuple(read), tuple(rows), typed), issues


def _filled(record: Sequence[str]) -> bool:
    return bool("".join(record).strip())


def _columns_of(body: Sequence[Sequence[str]], width: int) -> tuple[list[tuple[str, ...]], list[tuple[int, list[str]]]]:
    """Cells by column, short rows filled up with blanks; and what stands beyond the header, by place of the row."""
    extra = []
    even: list[Sequence[str]] = []
    for place, record in enumerate(body):
        if len(record) > width:
            beyond = [cell for cell in record[width:] if cell.strip()]
            if beyond:
                extra.append((place, beyond))
            even.append(record[:width])
        elif len(record) < width:
            even.append([*record, *[""] * (width - len(record))])
        else:
            even.append(record)
    return list(zip(*even, strict=True)) or [()] * width, extra


def _extra_cells(source: str, sheet: str, row: int, extra: Sequence[str]) -> Issue:
    return Issue(
        "extra-cells",
        source,
        f"has more cells than the header: {shorten(extra)}.",
        f"单元格多于表头：{shorten(extra, 'zh')}。",
        "Check the commas and quotes of the row.",
        "请检查该行的逗号与引号。",
        sheet=sheet,
        row=row,
    )


def _long_cell(source: str, sheet: str, row: int, column: str, cell: str) -> Issue:
    return Issue(
        "cell-length",
        source,
        f"has {len(cell)} characters, at most {MAX_CELL} are read.",
        f"超过 {MAX_CELL} 个字符。",
        sheet=sheet,
        row=row,
        column=column,
    )


def _plain(name: str, cell: str, column: Column | None) -> str:
    """A cell as it is read: names as written, a Chinese name of a choice as its key, all else in plain letters."""
    if name in AS_WRITTEN:
        return cell.strip()
    return clean(cell) if column is None else key_of(column, clean(cell))


def _is_label_row(header: Sequence[str], record: Sequence[str], known: Mapping[str, Column]) -> bool:
    """Whether a row repeats the Chinese labels of its columns (most of them: a user may reword one)."""
    pairs = [
        (known[column].zh if column in known else "", clean(cell))
        for column, cell in zip(header, record, strict=False)
        if cell.strip()
    ]
    same = sum(clean(label).rstrip("*") == cell.rstrip("*") for label, cell in pairs)
    return bool(pairs) and 2 * same >= len(pairs)
