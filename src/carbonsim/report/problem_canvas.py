"""What the pictures of cleared problems have in common: source line, units in the file's money, rows of bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from carbonsim.report import figures, palette, quantities
from carbonsim.report.label import Lang
from carbonsim.report.labels import phrase
from carbonsim.report.market_labels import money_name

# Only figures.py may import matplotlib, even for its types.
Figure: TypeAlias = Any
Axes: TypeAlias = Any

NAME_WIDTH: Final = 26
FEWEST_ROWS: Final = 6  # fewer bars than that are drawn thinner
BAR: Final = 0.8
ROOM: Final = 0.14  # of the axis, for the numbers at the ends of bars


def canvas(
    title: str, lang: Lang, note: str, *, source: str, heights: Sequence[float] = (1.0,), sharex: bool = True,
    across: bool = False,
) -> tuple[Figure, Sequence[Axes]]:  # fmt: skip
    """An empty figure with its title and, at the foot, its source and the note of the problem."""
    foot = f"{phrase(f'source_{source}', lang)}{note}"
    return figures.canvas(title, lang, foot=foot, illustrative=False, heights=heights, sharex=sharex, across=across)


def per_tonne(currency: str, lang: Lang) -> str:
    """Unit of a price in the money of the file.

    >>> per_tonne("CNY2025", "zh"), per_tonne("XXX", "en")
    ('元/吨', 'money units/t')
    """
    return f"{money_name(currency, lang)}/{'吨' if lang == 'zh' else 't'}"


def priced(value: float, currency: str, lang: Lang) -> str:
    """A price with its unit."""
    return f"{quantities.digits(value)} {per_tonne(currency, lang)}"


def money_scale(largest: float, currency: str, lang: Lang) -> quantities.Scale:
    """Scale of amounts of the given size, in the money of the file."""
    scale = quantities.money_scale(largest, lang)
    return quantities.Scale(scale.divisor, scale.unit.replace(money_name("CNY", lang), money_name(currency, lang)))


def bar_height(rows: int) -> float:
    """Height of a bar among so many rows: a few do not fill the slide."""
    return BAR * min(1.0, rows / FEWEST_ROWS)


def write_at_ends(axes: Axes, ends: NDArray[Any], places: NDArray[Any], words: Sequence[str]) -> None:
    """Numbers beyond the ends of horizontal bars, and the room that they need; none where there is no bar."""
    for end, place, written in zip(ends, places, words, strict=True):
        if np.isfinite(end):
            axes.annotate(written, (end, place), xytext=(5 if end >= 0 else -5, 0), va="center", fontsize=11,
                          textcoords="offset points", ha="left" if end >= 0 else "right")  # fmt: skip
    known = [float(end) for end in ends if np.isfinite(end)]
    low, high = min([*known, 0.0]), max([*known, 0.0])
    room = ROOM * ((high - low) or 1.0)
    axes.set_xlim(low - room if low < 0 else 0.0, high + room if high > 0 or low == 0 else 0.0)


def squeezed(names: Sequence[object]) -> list[str]:
    """Names as wide as there is room for beside rows."""
    return [quantities.squeezed(str(name), NAME_WIDTH) for name in names]


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Names of the rows, from the top down."""
    axes.set_yticks(np.arange(len(names)), names)
    axes.set_ylim(max(len(names), 1) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.axvline(0, color=palette.INK, lw=1)
    axes.grid(axis="x")


def drop_crowded(figure: Figure, written: Sequence[Any]) -> None:
    """Remove what would be written over something written before it; the figure must be finished."""
    figure.draw_without_rendering()
    kept: list[Any] = []
    for one in written:
        box = one.get_window_extent().padded(2)
        if any(box.overlaps(other) for other in kept):
            one.remove()
        else:
            kept.append(box)
