"""The picture of a market under a scenario tree: the price along every branch, the wider the likelier."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
import xarray as xr

from carbonsim.market import Market, MarketProblem
from carbonsim.report import figures, palette, problem_canvas, quantities
from carbonsim.report.label import Lang
from carbonsim.report.labels import column, phrase, text

# Only figures.py may import matplotlib, even for its types.
Figure: TypeAlias = Any
Axes: TypeAlias = Any

OPEN: Final = 1e-6  # relative width from which an interval is drawn
SAME: Final = 0.005
THINNEST, WIDEST = 1.5, 9.0  # points, of a branch without probability and of a sure one
MOST_BRANCHES: Final = 8  # that have a colour and a name; more share one
MOST_TICKS: Final = 16
NAME_WIDTH: Final = 20
HEADROOM: Final = 1.1


@figures.style()
def tree_figure(problem: MarketProblem, market: Market, *, lang: Lang, currency: str, note: str = "") -> Figure:
    """Price by year, a line for each branch as wide as it is likely, and the expected price dashed."""
    data = market.dataset
    title = tree_title(data, lang, currency)
    figure, (axes,) = problem_canvas.canvas(title, lang, note, source="tree")
    _branches(axes, data, lang)
    years = data.year.values
    axes.plot(years, data.expected_price.values, color=palette.INK, ls="--", lw=2.2, marker="D", ms=5, zorder=5,
              label=text(column("expected_price"), lang))  # fmt: skip
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]) if np.nanmin(data.allowance_price.values) < 0 else 0.0)
    axes.set_ylim(top=HEADROOM * axes.get_ylim()[1])
    _intervals(axes, data, lang)
    shown = [int(year) for year in years[:: -(-len(years) // MOST_TICKS)]]
    axes.set_xticks(shown, [str(year) for year in shown])
    axes.set_xlim(years[0] - 0.3, years[-1] + 0.3)
    axes.set_ylabel(problem_canvas.per_tonne(currency, lang))
    axes.grid(axis="y")
    return figures.finish(figure, legend=axes)


def tree_title(data: xr.Dataset, lang: Lang, currency: str) -> str:
    """The price now, what is expected of the last year, and between which prices it may end."""
    zh = lang == "zh"
    years, expected = data.year.values, data.expected_price.values
    last = data.allowance_price.values[data.node_year.values == years[-1]]
    if not (np.isfinite(expected[[0, -1]]).all() and np.isfinite(last).all()):
        return "规则未能决定碳价" if zh else "The rules leave the allowance price undetermined"
    unit = problem_canvas.per_tonne(currency, lang)
    shown = expected[0], expected[-1], last.min(), last.max()
    now, then, low, high = (quantities.digits(float(one)) for one in shown)
    sure = last.max() - last.min() <= SAME * abs(last.max())
    if len(years) == 1:
        return f"{years[0]}年碳价 {now} {unit}" if zh else f"The price of {years[0]} is {now} {unit}"
    if zh:
        ends = "各分支相同" if sure else f"各分支在 {low} 至 {high} 之间"
        return f"碳价现为 {now}，{years[-1]}年期望为 {then} {unit}；{ends}"
    ends = "the same on every branch" if sure else f"between {low} and {high}"
    return f"From {now} now to an expected {then} {unit} in {years[-1]}, {ends}"


def leaves_below(parent: list[int]) -> list[list[int]]:
    """The last nodes of the branches that pass through each node; ``parent`` is -1 for a first node."""
    inner = set(parent)
    found: list[list[int]] = [[] for _ in parent]
    for leaf in range(len(parent)):
        place = leaf
        while leaf not in inner and place >= 0:
            found[place].append(leaf)
            place = parent[place]
    return found


def _branches(axes: Axes, data: xr.Dataset, lang: Lang) -> None:
    """Every node joined to the one before it; a branch has its colour from where it is on its own."""
    names = [str(name) for name in data.node.values]
    parent = [names.index(str(one)) if str(one) else -1 for one in data.parent.values]
    below = leaves_below(parent)
    price, years, odds = data.allowance_price.values, data.node_year.values, data.node_probability.values
    leaves = sorted({leaf for found in below for leaf in found}, key=lambda leaf: (-price[leaf], leaf))
    few = len(leaves) <= MOST_BRANCHES
    colour = {leaf: palette.SCENARIO[rank] if few else palette.RANGE for rank, leaf in enumerate(leaves)}
    said: set[str] = set()
    for place in range(len(names)):
        alone = len(below[place]) == 1
        leaf = below[place][0]
        label = _label(names[leaf], float(odds[leaf]), float(price[leaf]), lang) if few and alone else phrase(
            "branches" if alone else "before_branching", lang)  # fmt: skip
        before = [parent[place]] if parent[place] >= 0 else []
        path = [*before, place]
        axes.plot(years[path], price[path], color=colour[leaf] if alone else palette.GREY, solid_capstyle="butt",
                  lw=THINNEST + (WIDEST - THINNEST) * float(odds[place]), alpha=0.85, marker="o", ms=8,
                  zorder=3 - odds[place] / 2, label="" if label in said else label)  # fmt: skip
        said.add(label)


def _label(name: str, odds: float, price: float, lang: Lang) -> str:
    """A branch by its last node, with its odds and the price it ends at."""
    own = quantities.squeezed(name, NAME_WIDTH)
    last = quantities.digits(price) if np.isfinite(price) else phrase("not_computed", lang)
    return f"{own}（{quantities.share(odds)}）：{last}" if lang == "zh" else f"{own} ({quantities.share(odds)}): {last}"


def _intervals(axes: Axes, data: xr.Dataset, lang: Lang) -> None:
    """Bars where the rules leave a node's price open, to the edge of the picture where nothing bounds it."""
    low, high = np.nan_to_num(data.price_low.values), data.price_high.values
    high = np.where(np.isfinite(high), high, axes.get_ylim()[1])
    wide = high > low * (1 + OPEN) + OPEN
    if wide.any():
        axes.vlines(data.node_year.values[wide], low[wide], high[wide], color=palette.RANGE, lw=14, alpha=0.35,
                    label=phrase("interval", lang))  # fmt: skip
