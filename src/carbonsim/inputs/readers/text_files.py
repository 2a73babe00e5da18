"""Reads a CSV of somebody else's making as text and turns its columns into numbers, with every fault at once."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from carbonsim.errors import InputError, Issue, did_you_mean
from carbonsim.inputs.cells import NUMBER

MOST_SHOWN = 50


class TextTable:
    """One CSV as text columns, the row numbers the user sees, and the faults found so far."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.source = path.name
        self.issues: list[Issue] = []
        self.frame = pd.DataFrame({name: pd.array([], dtype="str") for name in columns})
        self.rows = np.array([], dtype=int)
        try:
            with path.open(encoding="utf-8-sig", newline="") as stream:
                records = list(csv.reader(stream, strict=True))
        except OSError as problem:
            reason = problem.strerror or "unreadable"
            self._add(
                "file-missing", f"cannot be read: {reason}.", f"无法读取：{reason}。", "Check the folder you gave."
            )
            return
        except (UnicodeDecodeError, csv.Error) as problem:
            self._add("csv", f"is no UTF-8 CSV: {problem}.", "不是 UTF-8 编码的 CSV。")
            return
        header = [name.strip() for name in records[0]] if records else []
        for name in columns:
            if name not in header:
                hint = did_you_mean(name, header)
                self._add("missing-column", f"column '{name}' is missing.", f"缺少列“{name}”。", hint, column=name)
        if self.issues:
            return
        numbered = [(number, record) for number, record in enumerate(records[1:], start=2) if any(record)]
        for number, record in numbered:
            if len(record) != len(header):
                text = f"has {len(record)} cells, the header {len(header)}."
                self._add("cell-count", text, f"有 {len(record)} 个单元格，表头有 {len(header)} 个。", row=number)
        numbered = [(number, record) for number, record in numbered if len(record) == len(header)]
        self.rows = np.array([number for number, _ in numbered], dtype=int)
        data = {name: [record[header.index(name)].strip() for _, record in numbered] for name in columns}
        self.frame = pd.DataFrame({name: pd.array(values, dtype="str") for name, values in data.items()})

    def _add(self, code: str, message: str, chinese: str, hint: str = "", *, row: int | None = None,
             column: str = "", value: str = "") -> None:  # fmt: skip
        self.issues.append(Issue(code, self.source, message, chinese, hint, row=row, column=column, value=value))

    def refuse(self, wrong: np.ndarray, column: str, code: str, message: str, chinese: str) -> None:
        """Report every row where ``wrong`` holds."""
        for place in np.flatnonzero(wrong):
            value = str(self.frame[column].iloc[place])
            text, text_zh = f"'{value}' {message}", f"“{value}”{chinese}"
            self._add(code, text, text_zh, row=int(self.rows[place]), column=column, value=value)

    def numbers(self, column: str, *, required: bool, lower: float, upper: float = np.inf) -> np.ndarray:
        """A column as numbers, NaN where it is empty or at fault."""
        text = self.frame[column]
        empty = (text == "").to_numpy()
        good = np.array([bool(NUMBER.match(cell)) for cell in text], dtype=bool)
        values = np.array([float(cell) if ok else np.nan for cell, ok in zip(text, good, strict=True)], dtype=float)
        if required:
            self.refuse(empty, column, "required", "is empty.", "为空。")
        self.refuse(~good & ~empty, column, "not-a-number", "is not a number.", "不是数字。")
        outside = good & ~((values >= lower) & (values <= upper))
        self.refuse(
            outside, column, "out-of-bounds", f"is outside {lower:g} to {upper:g}.", f"超出 {lower:g} 至 {upper:g}。"
        )
        return np.where(outside, np.nan, values)

    def filled(self, *columns: str) -> None:
        """Report empty cells of text columns that must be filled."""
        for column in columns:
            self.refuse((self.frame[column] == "").to_numpy(), column, "required", "is empty.", "为空。")

    def unique(self, *columns: str) -> None:
        """Report every row that repeats the key of an earlier one."""
        repeated = self.frame.duplicated(list(columns)).to_numpy()
        self.refuse(
            repeated, columns[0], "duplicate-key", f"repeats an earlier {' and '.join(columns)}.", "与前面的行重复。"
        )


def raise_if_any(*tables: TextTable) -> None:
    """Raise InputError with the faults of all tables, the first ones in full and the rest as a count."""
    issues = [issue for table in tables for issue in table.issues]
    if not issues:
        return
    rest = len(issues) - MOST_SHOWN
    if rest > 0:
        more = Issue("more", issues[MOST_SHOWN].source, f"and {rest} more faults.", f"以及另外 {rest} 处问题。")
        issues = [*issues[:MOST_SHOWN], more]
    raise InputError(issues)
