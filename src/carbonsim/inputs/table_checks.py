"""Turns the text of one table into typed columns and reports every fault of a cell, a column or a key."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from carbonsim.errors import Issue, did_you_mean, shorten
from carbonsim.inputs.cells import NUMBER, choices_cell, key_cell, number_fault, unit_cell
from carbonsim.inputs.choice_labels import key_of, unknown_choice
from carbonsim.inputs.columns import Column, Table
from carbonsim.inputs.origins import Origin, records
from carbonsim.inputs.tables import RawTable, clean

__all__ = ("Origin", "check_cell", "check_table", "column_failures", "records")

_NUMERIC = ("number", "integer")


def check_table(
    raw: RawTable, table: Table, sources: Iterable[str] | None = None
) -> tuple[pd.DataFrame, Origin, list[Issue]]:
    """Typed frame of one table with all its faults.

    Text columns hold ``""`` where a cell is empty, number columns NaN; an integer column is int64 if it is required
    and has no fault, else float64. A cell with a fault is empty in the frame.

    Parameters
    ----------
    raw : RawTable
        Table as text.
    table : Table
        What its columns may hold.
    sources : iterable of str, optional
        Keys of the listed sources; not checked if None.
    """
    origin = Origin(raw.source, raw.sheet, raw.rows, raw.typed)
    issues = _header_faults(raw, table, origin)
    places = {name: place for place, name in reversed(list(enumerate(raw.header))) if name}
    text = {name: raw.columns[place] for name, place in places.items()}
    empty = ("",) * len(raw.rows)
    known = None if sources is None else set(sources)
    columns: dict[str, object] = {}
    for column in table.columns:
        values, found = _column(column, text.get(column.name, empty), origin, known)
        columns[column.name] = values
        issues += found if column.name in text else []
    frame = pd.DataFrame(columns)
    issues += _rule_faults(frame, table, origin)
    issues += _key_faults(raw, text, frame, table, origin)
    if not raw.rows and "no-rows" not in {issue.code for issue in issues} and table.name != "measures":
        issues.append(origin.issue("no-rows", None, "", "", ("has no rows.", "没有数据行。")))
    return frame, origin, issues


def _header_faults(raw: RawTable, table: Table, origin: Origin) -> list[Issue]:
    issues = []
    names = table.names()
    labels = {clean(column.zh): column.name for column in table.columns if column.name not in raw.header}
    meant = {name: labels[name.rstrip("*")] for name in raw.header if name.rstrip("*") in labels}
    for place, name in enumerate(raw.header):
        used = any(raw.columns[place])
        if not name and used:
            issues.append(
                origin.issue(
                    "missing-header",
                    None,
                    f"{place + 1}",
                    "",
                    ("the column has values but no name.", "该列有数据但没有列名。"),
                )
            )
        elif name and name not in names:
            issues.append(
                origin.issue(
                    "unknown-column",
                    None,
                    name,
                    name,
                    (
                        f"column '{name}' is not known.",
                        f"未知的列“{name}”。",
                        *_column_hint(name, names, meant.get(name, "")),
                    ),
                )
            )
        elif name and name in raw.header[:place]:
            issues.append(
                origin.issue(
                    "duplicate-column",
                    None,
                    name,
                    name,
                    (f"column '{name}' is given twice.", f"列“{name}”重复。", "Keep one.", "请只保留一列。"),
                )
            )
    for column in table.columns:
        if column.required and column.name not in raw.header and column.name not in meant.values():
            issues.append(
                origin.issue(
                    "missing-column",
                    None,
                    column.name,
                    "",
                    (
                        f"column '{column.name}' is missing.",
                        f"缺少列“{column.name}”（{column.zh}）。",
                        did_you_mean(column.name, [name for name in raw.header if name not in names]),
                    ),
                )
            )
    return issues


def _column_hint(name: str, names: Sequence[str], meant: str) -> tuple[str, str]:
    """How to mend a column that is not known; ``meant`` is the key whose Chinese label it bears."""
    if meant:
        return f"This is its Chinese label: rename it to {meant}.", f"这是中文名称：请改名为 {meant}。"
    if did_you_mean(name, names):
        return did_you_mean(name, names), did_you_mean(name, names, "zh")
    return "Delete it, or move its text to `note`.", "请删除该列，或把内容移到 note 列。"


def _column(column: Column, text: Sequence[str], origin: Origin, sources: set[str] | None) -> tuple[Any, list[Issue]]:
    issues = []
    if column.required and "" in text:
        for place, cell in enumerate(text):
            if not cell:
                issues.append(
                    origin.issue(
                        "required",
                        place,
                        column.name,
                        "",
                        (
                            f"'{column.name}' is empty.",
                            f"“{column.zh}”不能为空。",
                            f"{column.meaning}",
                            f"{column.meaning_zh}",
                        ),
                    )
                )
    if column.kind in _NUMERIC:
        numbers, found = _numbers(column, text, origin)
        return numbers, issues + found
    home, home_zh = ("the sheet sources", "工作表 sources ") if origin.sheet else ("sources.yaml", " sources.yaml ")
    checker = {"key": key_cell, "unit": unit_cell, "choices": choices_cell}.get(column.kind)
    # Each cell text is judged once, however many rows hold it.
    distinct = dict.fromkeys(text)
    unlisted = set(distinct) - {"", *sources} if column.kind == "source" and sources is not None else set()
    faults = {cell: checker(column, cell) for cell in distinct if cell} if checker else {}
    if not unlisted and not any(faults.values()):
        return _texts(text, distinct), issues
    values = list(text)
    for place, cell in enumerate(text):
        if cell in unlisted:
            issues.append(
                origin.issue(
                    "unknown-source",
                    place,
                    column.name,
                    cell,
                    (
                        f"source '{cell}' is not listed in sources.",
                        f"来源“{cell}”未列入来源表。",
                        f"{did_you_mean(cell, sources or ())} Add it to {home}.".strip(),
                        f"{did_you_mean(cell, sources or (), 'zh')}请在{home_zh}中补充。",
                    ),
                )
            )
        fault = faults.get(cell)
        if fault is not None:
            issues.append(origin.issue(fault[0], place, column.name, cell, fault[1:]))
            values[place] = ""
    return pd.array(values, dtype="str"), issues


def _texts(text: Sequence[str], distinct: Mapping[str, object]) -> Any:
    """A text column; one of few different cells is put together from those."""
    known = pd.array(list(distinct), dtype="str")
    if len(known) == len(text):
        return known
    number = {cell: place for place, cell in enumerate(distinct)}
    return known.take(np.fromiter((number[cell] for cell in text), dtype=np.intp, count=len(text)))


def _numbers(column: Column, text: Sequence[str], origin: Origin) -> tuple[Any, list[Issue]]:
    whole = column.kind == "integer"
    parsed = {cell: _number(cell, whole) for cell in dict.fromkeys(text)}
    numbers = np.array([parsed[cell] for cell in text], dtype=float)
    issues = []
    faulty = {cell for cell, number in parsed.items() if cell and math.isnan(number)}
    for place, cell in enumerate(text) if faulty else ():
        if cell in faulty:
            code, *texts = number_fault(column, cell)
            issues.append(origin.issue(code, place, column.name, cell, texts))
    if whole and column.required and np.isfinite(numbers).all():
        return numbers.astype(np.int64), issues
    return numbers, issues


def _number(cell: str, whole: bool) -> float:
    """The number a cell holds, or NaN."""
    number = float(cell) if NUMBER.match(cell) else math.nan
    return number if math.isfinite(number) and not (whole and number != int(number)) else math.nan


def _rule_faults(frame: pd.DataFrame, table: Table, origin: Origin) -> list[Issue]:
    """Bounds and closed lists of all columns, by pandera; its own texts are never shown."""
    failures = column_failures(frame, table)
    issues = []
    for name, rule, place in failures:
        column = table.column(name)
        value = frame[name].iloc[place]
        if rule == "choice":
            issues.append(
                origin.issue(
                    "unknown-choice",
                    place,
                    name,
                    value,
                    unknown_choice(column, str(value)),
                )
            )
            continue
        limit = column.lower if rule == "lower" else column.upper
        negative = rule == "lower" and limit == 0
        code = "negative" if negative else "out-of-bounds"
        word, word_zh = ("below", "小于") if rule == "lower" else ("above", "大于")
        hint = (
            ("Give the amount as positive; the method knows the sign.", "请填正数，正负由方法决定。")
            if name == "quantity"
            else ()
        )
        issues.append(
            origin.issue(
                code,
                place,
                name,
                f"{value:g}",
                (
                    f"{value:g} is {word} {limit:g}, the bound of '{name}'{_in(column)}.",
                    f"{value:g} {word_zh}“{column.zh}”的界限 {limit:g}。",
                    *hint,
                ),
            )
        )
    return issues


def _in(column: Column) -> str:
    return f" [{column.unit}]" if column.unit else ""


def column_failures(frame: pd.DataFrame, table: Table) -> list[tuple[str, str, int]]:
    """Cells that break a rule of their column: name, rule (``lower``, ``upper`` or ``choice``), place."""
    if not len(frame):
        return []
    import pandera.pandas as pa

    columns: dict[str, object] = {}
    for column in table.columns:
        checks = []
        if column.lower is not None:
            checks.append(pa.Check.ge(column.lower, error="lower"))
        if column.upper is not None:
            checks.append(pa.Check.le(column.upper, error="upper"))
        if column.choices and column.kind == "choice":
            checks.append(pa.Check.isin(["", *column.choices], error="choice"))
        if checks:
            columns[column.name] = pa.Column(checks=checks, nullable=True)
    try:
        pa.DataFrameSchema(columns).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as problem:
        cases = problem.failure_cases
        rows = zip(cases["column"], cases["check"], cases["index"], strict=True)
        order = {column.name: place for place, column in enumerate(table.columns)}
        return sorted(((str(c), str(r), int(i)) for c, r, i in rows), key=lambda case: (case[2], order[case[0]]))
    return []


def _key_faults(
    raw: RawTable, text: Mapping[str, Sequence[str]], frame: pd.DataFrame, table: Table, origin: Origin
) -> list[Issue]:
    """Rows that repeat a key; the empty cell of a column that may be empty is a value like any other."""
    required = [name for name in table.key if table.column(name).required]
    if any(name not in raw.header for name in required):
        return []
    empty = ("",) * len(raw.rows)
    parts = [_key_part(text.get(name, empty), frame[name]) for name in table.key]
    keys = list(zip(*parts, strict=True))
    if len(set(keys)) == len(keys):
        return []
    places = [table.key.index(name) for name in required]
    first: dict[tuple[object, ...], int] = {}
    issues = []
    for place, key in enumerate(keys):
        if not all(key[part] for part in places):
            continue
        if key not in first:
            first[key] = place
            continue
        where = raw.rows[first[key]]
        label = shorten([part for part in key if part])
        if raw.row(place) == raw.row(first[key]):
            issues.append(
                origin.issue(
                    "duplicate-row",
                    place,
                    "",
                    label,
                    (
                        f"repeats row {where} in every cell.",
                        f"与第 {where} 行完全重复。",
                        "Delete one of the two.",
                        "请删除其中一行。",
                    ),
                )
            )
        else:
            issues.append(
                origin.issue(
                    "duplicate-key",
                    place,
                    ", ".join(table.key),
                    label,
                    (
                        f"key {label} is already used in row {where}.",
                        f"键 {label} 已在第 {where} 行使用。",
                        "Rename one of the two, or add the rows up.",
                        "请改名，或合并两行。",
                    ),
                )
            )
    return issues


def _key_part(text: Sequence[str], values: pd.Series) -> Sequence[str]:
    """A key column as text; a number in one form, so that ``1`` and ``01`` are the same month."""
    if values.dtype.kind not in "if":
        return text
    plain = dict(zip(text, values.tolist(), strict=True))
    shown = {cell: cell if number != number else f"{number:g}" for cell, number in plain.items()}
    return [shown[cell] for cell in text]


def check_cell(column: Column, value: object, sources: set[str]) -> tuple[object, list[Issue]]:
    """One cell as the tables hold it, from a value given in Python or YAML (None is an empty cell)."""
    text = "" if value is None else key_of(column, str(value))
    origin = Origin("change", "", (0,))
    values, issues = _column(column, [text], origin, sources)
    cell = next(iter(values))
    if not issues:
        single = Table("", "", "", "", (), (column,))
        issues = _rule_faults(pd.DataFrame({column.name: values}), single, origin)
    return cell, [dataclasses.replace(issue, row=None, column="") for issue in issues]
