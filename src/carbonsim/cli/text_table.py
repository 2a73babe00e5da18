"""Plain tables for a terminal, in which a Chinese character is two columns wide."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

WIDTH = 100
GAP = "  "


def display_width(text: str) -> int:
    """Columns that a text takes in a terminal.

    >>> display_width("ab煤")
    4
    """
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def clip(text: str, width: int) -> str:
    """The text, cut with an ellipsis where it is wider than ``width``.

    >>> clip("烟煤与无烟煤", 7)
    '烟煤与…'
    """
    if display_width(text) <= width:
        return text
    while text and display_width(text) > width - 1:
        text = text[:-1]
    return f"{text}…"


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most ``width`` columns, broken at blanks, or anywhere in Chinese text.

    >>> wrap("one two three", 8)
    ['one two', 'three']
    """
    lines = [""]
    for word in _pieces(text):
        if lines[-1] and display_width(lines[-1] + word.rstrip()) > width:
            lines.append("")
        lines[-1] += word if lines[-1] else word.lstrip()
    return [line.rstrip() for line in lines]


def table_lines(rows: Sequence[Sequence[str]], *, give: Mapping[int, int], width: int = WIDTH) -> list[str]:
    """A heading, a rule and rows with aligned columns; columns are cut until a line fits ``width``.

    ``give`` says which columns are cut, in which order, and to which width at most. Ids are never
    cut: a line is longer than ``width`` rather than useless.
    """
    widths = [max(display_width(row[place]) for row in rows) for place in range(len(rows[0]))]
    over = sum(widths) + len(GAP) * (len(widths) - 1) - width
    for place, floor in give.items():
        cut = min(max(over, 0), max(widths[place] - floor, 0)) if place < len(widths) else 0
        widths[min(place, len(widths) - 1)] -= cut
        over -= cut
    lines = [GAP.join(_pad(clip(cell, widths[place]), widths[place]) for place, cell in enumerate(row)) for row in rows]
    return [lines[0].rstrip(), GAP.join("-" * size for size in widths), *(line.rstrip() for line in lines[1:])]


def _pad(text: str, width: int) -> str:
    return text + " " * (width - display_width(text))


def _pieces(text: str) -> list[str]:
    """Words with the blank behind them; a wide character is a piece of its own."""
    pieces = [""]
    for letter in text:
        wide = display_width(letter) == 2
        if pieces[-1] and (wide or pieces[-1].endswith(" ") or display_width(pieces[-1][-1]) == 2):
            pieces.append("")
        pieces[-1] += letter
    return pieces
