"""Parts that several figures draw: tables of coloured cells, hatches, the names of sectors under their years."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from carbonsim.report import messages, palette
from carbonsim.report.labels import Lang, phrase, sector_tick

# Only figures.py may import matplotlib, even for its types.
Axes: TypeAlias = Any


def entries(axes: Axes, entering: Mapping[int, list[str]], lang: Lang, *, first: int) -> None:
    """Under each year, the sectors that enter in it; those of the first year are in already."""
    axes.axis("off")
    axes.set_ylim(0, 1)
    axes.text(-0.005, 1, phrase("entering", lang), transform=axes.transAxes, ha="right",
              va="top", fontsize=11, color=palette.GREY)  # fmt: skip
    for year, sectors in entering.items():
        already = f"{phrase('already', lang)}\n" if year == first else ""
        axes.text(year, 1, already + messages.sector_list(sectors, lang), ha="center", va="top", in_layout=False,
                  fontsize=10.5 if lang == "zh" else 9)  # fmt: skip


def heat(
    axes: Axes, frame: pd.DataFrame, lang: Lang, *, colours: str, limits: tuple[float, float],
    write: Callable[[float], str], rows: Sequence[str] = (),
) -> None:  # fmt: skip
    """A table of coloured cells with their value written in them; missing cells stay white, ``rows`` names the rows."""
    values = frame.to_numpy(dtype=float)
    mesh = axes.pcolormesh(np.ma.masked_invalid(values), cmap=colours, vmin=limits[0], vmax=limits[1],
                           edgecolors="white", linewidth=1.5)  # fmt: skip
    for row, column_number in np.argwhere(np.isfinite(values)):
        value = float(values[row, column_number])
        axes.text(column_number + 0.5, row + 0.5, write(value), ha="center", va="center", fontsize=11,
                  color=palette.ink_on(mesh.to_rgba(np.array(value))))  # fmt: skip
    axes.invert_yaxis()
    axes.set_yticks(np.arange(len(frame)) + 0.5, rows or [sector_tick(str(name), lang) for name in frame.index])
    axes.set_xticks(np.arange(len(frame.columns)) + 0.5, [str(year) for year in frame.columns])
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)


def hatch(axes: Axes, cells: pd.DataFrame, pattern: str, label: str) -> None:
    """Hatch the cells that are true, with one legend entry for all of them."""
    places = np.argwhere(cells.to_numpy(dtype=bool))
    for number, (row, column_number) in enumerate(places):
        axes.fill_between((column_number + 0.03, column_number + 0.97), row + 0.03, row + 0.97, facecolor="white",
                          edgecolor=palette.FAINT, hatch=pattern, lw=0, label="" if number else label)  # fmt: skip
