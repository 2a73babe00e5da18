"""What each line of a certificate checks, and what its residual is relative to, in both languages."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

SCALES: Final = {
    "own": ("its own size", "自身大小"),
    "price": ("the price", "价格"),
    "cost": ("cost", "成本"),
    "volume": ("the year's allowances", "当年配额量"),
    "limit": ("the limit", "限额"),
    "size": ("the unit's emissions, or its cost", "单位的排放量或成本"),
    "lot": ("a lot", "一手"),
    "tonne": ("nothing: tonnes", "绝对值（吨）"),
    "one": ("nothing: 0 or 1", "绝对值（0 或 1）"),
}


@dataclass(frozen=True, slots=True)
class LineWords:
    """A line's name, with ``*`` for what varies, what its residual is relative to, and what it checks."""

    line: str
    scale: str
    en: str
    zh: str


@cache
def line_words() -> tuple[LineWords, ...]:
    """All descriptions, in the order of their names."""
    text = (resources.files("carbonsim.report") / "certificate_lines.csv").read_text(encoding="utf-8")
    return tuple(LineWords(**row) for row in csv.DictReader(text.splitlines()))


def words_of(name: str) -> LineWords | None:
    """The description of a line: that of its own name, or of the closest name with ``*``; None if there is none."""
    found = [words for words in line_words() if re.fullmatch(_pattern(words.line), name)]
    return max(found, key=lambda words: len(words.line.replace("*", "")), default=None)


def _pattern(line: str) -> str:
    return ".*".join(re.escape(part) for part in line.split("*"))
