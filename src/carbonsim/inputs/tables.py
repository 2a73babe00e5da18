"""Reads tables as text from a folder of CSV files or from one workbook, with the row numbers the user sees."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers.expat import ExpatError

from carbonsim.errors import Issue, did_you_mean, shorten
from carbonsim.inputs.archive import check_archive, uncalculated_formulas
from carbonsim.inputs.choice_labels import key_of
from carbonsim.inputs.columns import SHEETS, SOURCES, TABLES, Column, Table
from carbonsim.inputs.files import sha256_of_bytes, sha256_of_file

MAX_CELL = 10_000
SILENT_SHEETS = ("说明", "readme", "lists", SOURCES.name)
AS_WRITTEN = ("name_zh", "name_en", "note", "title")


@dataclass(frozen=True, slots=True)
class RawTable:
    """A table as text: the header, the cells of each row and the number of each row as the user sees it.

    ``typed`` keeps what stood in the cells that are read in another form, by place of the row and column.
    """

    name: str
    source: str
    sheet: str
    header: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    rows: tuple[int, ...]
    typed: Mapping[tuple[int, str], str] = field(default_factory=dict)


@dataclass(slots=True)
class TableFiles:
    """What was read from a folder or workbook: raw tables, hashes of the files, and the faults met."""

    tables: dict[str, RawTable] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)


def read_csv_folder(folder: Path, shown: str = "tables", names: Sequence[str] = tuple(TABLES)) -> TableFiles:
    """Tables of a study from ``<folder>/<table>.csv``; ``shown`` is the folder's name in messages."""
    files = TableFiles()
    for path in sorted(folder.glob("*.csv")):
        if path.stem not in names:
            files.issues.append(
                Issue(
                    "unknown-table",
                    f"{shown}/{path.name}",
                    "is not a table of a study.",
                    "不是研究所用的表。",
                    f"{did_you_mean(path.stem, names) or 'Known: ' + ', '.join(names) + '.'}",
                    f"可用的表：{'、'.join(names)}。",
                )
            )
    for name in names:
        source = f"{shown}/{name}.csv"
        table, digest, issues = read_csv(folder / f"{name}.csv", name, source)
        files.issues += issues
        if table is not None:
            files.tables[name], files.hashes[source] = table, digest
    return files


def read_csv(path: Path, name: str, source: str) -> tuple[RawTable | None, str, list[Issue]]:
    """One CSV file as text with its hash; the header is row 1, blank rows keep their number."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None, "", [_missing_table(source, "")]
    digest = sha256_of_bytes(content)
    try:
        text = content.decode("utf-8-sig")
        records = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except UnicodeDecodeError:
        return (
            None,
            digest,
            [
                Issue(
                    "encoding",
                    source,
                    "is not UTF-8 text.",
                    "不是 UTF-8 文本。",
                    "Save it as CSV UTF-8.",
                    "请另存为 CSV UTF-8。",
                )
            ],
        )
    except csv.Error as problem:
        return (
            None,
            digest,
            [Issue("csv", source, f"cannot be read as CSV: {problem}.", f"不是有效的 CSV：{problem}。")],
        )
    numbered = [(number, record) for number, record in enumerate(records, start=1)]
    table, issues = _raw(name, source, "", numbered)
    return table, digest, issues


def read_workbook(path: Path, source: str = "", names: Sequence[str] = (*TABLES, SOURCES.name)) -> TableFiles:
    """Tables of a study from one .xlsx; row 1 holds the keys, a row 2 of Chinese labels is skipped.

    Raises
    ------
    Nothing: every fault is in ``issues``.
    """
    shown = source or path.name
    files = TableFiles(issues=check_archive(path, shown))
    if files.issues:
        return files
    import pandas as pd

    files.hashes[shown] = sha256_of_file(path)
    try:
        frames = pd.read_excel(path, sheet_name=None, header=None, dtype=str, keep_default_na=False, engine="calamine")
    except Exception as problem:  # calamine's own error class is not importable in every version
        files.issues.append(Issue("not-a-workbook", shown, f"cannot be opened: {problem}.", f"无法打开：{problem}。"))
        return files
    for sheet in frames:
        if sheet not in names and str(sheet).lower() not in SILENT_SHEETS:
            files.issues.append(
                Issue(
                    "unknown-sheet",
                    shown,
                    f"sheet '{sheet}' is not read.",
                    f"工作表“{sheet}”不会被读取。",
                    did_you_mean(str(sheet), names),
                    "",
                    sheet=str(sheet),
                    severity="warning",
                )
            )
    for name in names:
        if name not in frames:
            files.issues.append(_missing_table(shown, name, [str(sheet) for sheet in frames]))
            continue
        files.issues += _formula_faults(path, shown, name)
        cells = frames[name].to_numpy(dtype=object).tolist()
        numbered = [(number, [str(cell) for cell in record]) for number, record in enumerate(cells, start=1)]
        table, issues = _raw(name, shown, name, numbered)
        files.issues += issues
        if table is not None:
            files.tables[name] = table
    return files


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


def _missing_table(source: str, sheet: str, found: Sequence[str] = ()) -> Issue:
    message, chinese = "the file is missing.", "缺少文件。"
    hint, hint_zh = "`carbonsim template` writes an empty one.", "可用 `carbonsim template` 生成空白模板。"
    if sheet:
        message = f"the sheet is missing; found: {shorten(found)}."
        chinese = f"缺少工作表；现有：{'、'.join(found)}。"
        others = [name for name in found if name not in SHEETS]
        label = SHEETS[sheet].zh if sheet in SHEETS else sheet
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
    name: str, source: str, sheet: str, records: Sequence[tuple[int, list[str]]]
) -> tuple[RawTable | None, list[Issue]]:
    """Header and non-empty rows of one table; the header is the first record that is not blank, in row 1."""
    filled = [(number, record) for number, record in records if any(cell.strip() for cell in record)]
    if not filled or filled[0][0] != 1:
        return None, [
            Issue(
                "missing-header", source, "row 1 must hold the column names.", "第 1 行必须是列名。", sheet=sheet, row=1
            )
        ]
    header = tuple(clean(cell) for cell in filled[0][1])
    body = filled[1:]
    if sheet and body and body[0][0] == 2 and _is_label_row(header, body[0][1], SHEETS[name]):
        body = body[1:]
    issues: list[Issue] = []
    cells: list[tuple[str, ...]] = []
    rows: list[int] = []
    known = {column.name: column for column in SHEETS[name].columns} if name in SHEETS else {}
    typed: dict[tuple[int, str], str] = {}
    for number, record in body:
        extra = [cell for cell in record[len(header) :] if cell.strip()]
        if extra:
            issues.append(
                Issue(
                    "extra-cells",
                    source,
                    f"has more cells than the header: {shorten(extra)}.",
                    f"单元格多于表头：{shorten(extra)}。",
                    "Check the commas and quotes of the row.",
                    "请检查该行的逗号与引号。",
                    sheet=sheet,
                    row=number,
                )
            )
        padded = [*record, *[""] * (len(header) - len(record))][: len(header)]
        values = []
        for column, cell in zip(header, padded, strict=True):
            if len(cell) > MAX_CELL:
                issues.append(
                    Issue(
                        "cell-length",
                        source,
                        f"has {len(cell)} characters, at most {MAX_CELL} are read.",
                        f"超过 {MAX_CELL} 个字符。",
                        sheet=sheet,
                        row=number,
                        column=column,
                    )
                )
            values.append(_plain(column, cell, known.get(column)))
            if values[-1] != cell.strip():
                typed[len(rows), column] = cell.strip()
        cells.append(tuple(values))
        rows.append(number)
    return RawTable(name, source, sheet, header, tuple(cells), tuple(rows), typed), issues


def _plain(name: str, cell: str, column: Column | None) -> str:
    """A cell as it is read: names as written, a Chinese name of a choice as its key, all else in plain letters."""
    if name in AS_WRITTEN:
        return cell.strip()
    return clean(cell) if column is None else key_of(column, clean(cell))


def _is_label_row(header: Sequence[str], record: Sequence[str], table: Table) -> bool:
    """Whether a row repeats the Chinese labels of its columns (most of them: a user may reword one)."""
    labels = {column.name: column.zh for column in table.columns}
    pairs = [
        (labels.get(column, ""), clean(cell)) for column, cell in zip(header, record, strict=False) if cell.strip()
    ]
    same = sum(clean(label).rstrip("*") == cell.rstrip("*") for label, cell in pairs)
    return bool(pairs) and 2 * same >= len(pairs)
