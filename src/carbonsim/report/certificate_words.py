"""What each line of a certificate checks, and what its residual is relative to, in both languages."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

from carbonsim.market.certificate import Line
from carbonsim.report import quantities
from carbonsim.report.label import Lang

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
HEADS: Final = {
    "en": ("line", "residual", "accepted", "result", "what it checks"),
    "zh": ("核验项", "残差", "容许值", "结果", "核验内容"),
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
    """The description of a line: that of its own name, or of the closest name with ``*``; None if there is none.

    Of two names that fit alike closely the one that says which family the line is of describes it.
    """
    found = [words for words in line_words() if re.fullmatch(_pattern(words.line), name)]
    return max(found, key=lambda words: (len(words.line.replace("*", "")), words.line[0] != "*"), default=None)


def certificate_lines(lines: Iterable[Line], lang: Lang) -> list[str]:
    r"""The certificate as a table for people: each line with its result and, in words, what it checks.

    >>> print(*certificate_lines([Line("a_line_that_nobody_describes", 0.0, 1e-9)], "en"), sep="\n")
    line                           residual   accepted  result  what it checks
    a_line_that_nobody_describes    0.0e+00    1.0e-09  passed
    """
    rows = [
        (line.name, f"{line.residual:.1e}", f"{line.tolerance:.1e}", _result(line, lang), checked(line.name, lang))
        for line in lines
    ]
    table = [HEADS[lang], *rows]
    name, result = (max(quantities.width(row[place]) for row in table) for place in (0, 3))
    return [
        f"{_pad(row[0], name)}  {_pad(row[1], -9)}  {_pad(row[2], -9)}  {_pad(row[3], result)}  {row[4]}".rstrip()
        for row in table
    ]


def checked(name: str, lang: Lang) -> str:
    """What a line checks, in words; of one market of several what the line after its name checks. "" if unknown."""
    own = name.partition(": ")[2]
    words = (words_of(own) if own else None) or words_of(name)
    return "" if words is None else words.zh if lang == "zh" else words.en


def _result(line: Line, lang: Lang) -> str:
    if line.passed:
        return "通过" if lang == "zh" else "passed"
    return f"未通过（{line.where}）" if lang == "zh" else f"FAILED at {line.where}"


def _pad(text: str, width: int) -> str:
    """Text in that many columns of a terminal; to the right if the number is negative."""
    blank = " " * (abs(width) - quantities.width(text))
    return blank + text if width < 0 else text + blank


def _pattern(line: str) -> str:
    return ".*".join(re.escape(part) for part in line.split("*"))
