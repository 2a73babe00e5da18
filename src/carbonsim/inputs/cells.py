"""What is wrong with one cell of a table, in both languages: code, message, 中文, hint, 提示."""

from __future__ import annotations

import math
import re

from carbonsim.errors import UnitError
from carbonsim.inputs.columns import Column
from carbonsim.units import canonical

NUMBER = re.compile(r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
_NOT_FINITE = re.compile(r"^[+-]?(nan|inf|infinity|#n/a|#num!|#div/0!|#value!|#ref!|#name\?)$", re.IGNORECASE)


def number_fault(column: Column, cell: str) -> tuple[str, ...]:
    """Why a cell is not the number its column asks for."""
    expected, expected_zh = ("a whole number", "整数") if column.kind == "integer" else ("a number", "数字")
    if _NOT_FINITE.match(cell) or (NUMBER.match(cell) and not math.isfinite(float(cell))):
        hint, hint_zh = "Leave the cell empty if the column is optional.", "若该列可空，请留空。"
        return "not-finite", f"'{cell}' is no number.", f"“{cell}”不是有效数字。", hint, hint_zh
    hint, hint_zh = "Write plain digits.", "请只填写数字。"
    if cell.endswith("%"):
        hint, hint_zh = "Write a share: 15 % is 0.15.", "请写小数：15% 写作 0.15。"
    elif "," in cell:
        hint, hint_zh = "Leave out the commas.", "请去掉千位逗号。"
    return "not-a-number", f"'{cell}' is not {expected}.", f"“{cell}”不是{expected_zh}。", hint, hint_zh


def key_cell(_: Column, cell: str) -> tuple[str, ...] | None:
    """Why a text cannot be a key, or None."""
    if "/" in cell:
        return (
            "key-slash",
            f"'{cell}' holds a slash.",
            f"“{cell}”含有斜杠。",
            "Use - or _ instead: the slash joins facility and stream.",
            "请改用 - 或 _：斜杠用于连接设施与源流。",
        )
    return None


def unit_cell(_: Column, cell: str) -> tuple[str, ...] | None:
    """Why a text is no unit, or None."""
    try:
        canonical(cell)
    except UnitError as problem:
        return ("unknown-unit", str(problem), f"单位“{cell}”未知或有歧义。")
    return None


def choices_cell(column: Column, cell: str) -> tuple[str, ...] | None:
    """Why a text is no list of the column's choices separated by semicolons, or None."""
    parts = [part.strip() for part in cell.split(";")]
    unknown = [part for part in parts if part not in column.choices]
    if unknown or len(set(parts)) != len(parts):
        return (
            "unknown-choice",
            f"'{cell}' is not a list of {', '.join(column.choices)}.",
            f"“{cell}”不是 {'、'.join(column.choices)} 的组合。",
            "Separate them with semicolons.",
            "请用分号分隔。",
        )
    return None
