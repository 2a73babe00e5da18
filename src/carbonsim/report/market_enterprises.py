"""The picture of who pays: net cost of every enterprise by year, resource cost and transfers together."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd

from carbonsim.market import Market, MarketProblem
from carbonsim.market.money import market_answers
from carbonsim.report import drawing, figures, palette, problem_canvas, quantities
from carbonsim.report.label import Lang
from carbonsim.report.labels import phrase

# Only figures.py may import matplotlib, even for its types.
Figure: TypeAlias = Any
Axes: TypeAlias = Any

SUBTITLE_WIDTH: Final = 110  # columns of a fixed-width screen, where names take the most room
MOST_ROWS: Final = 14  # enterprises that have a row; how many others there are is said


def net_costs(problem: MarketProblem, market: Market) -> pd.DataFrame:
    """Net cost (enterprise, year) [CNY], below zero for a gain, the largest over all years first.

    Parameters
    ----------
    problem : MarketProblem
    market : Market

    Returns
    -------
    DataFrame
        NaN where a year has no price. Its sum over all rows is the net cost of all enterprises.
    """
    data = market_answers(problem, market)
    cost = data.net_cost.transpose("enterprise", "year")
    frame = pd.DataFrame(cost.values, index=data.enterprise.values.astype(str), columns=data.year.values)
    return frame.iloc[np.argsort(-frame.abs().sum(axis=1).to_numpy(), kind="stable")]


@figures.style()
def enterprise_figure(problem: MarketProblem, market: Market, *, lang: Lang, currency: str, note: str = "") -> Figure:
    """What each enterprise pays on balance, and who gains: coloured cells by year, or bars of a single year."""
    everybody = net_costs(problem, market)
    frame = everybody.iloc[:MOST_ROWS]
    largest = float(np.nanmax(np.abs(frame.to_numpy()), initial=0.0)) or 1.0
    scale = problem_canvas.money_scale(largest, currency, lang)
    title = _title(everybody, lang, scale.divisor, scale.unit)
    figure, (axes,) = problem_canvas.canvas(title, lang, note, source="market")
    if len(frame.columns) == 1:
        _bars(axes, frame, scale.divisor)
    else:
        drawing.heat(
            axes, frame, lang, colours=palette.DIVERGING, limits=(-largest, largest),
            write=lambda value: quantities.digits(value / scale.divisor),
            rows=problem_canvas.squeezed(list(frame.index)),
        )  # fmt: skip
    rest = len(everybody) - len(frame)
    unlisted = phrase("others_unlisted", lang, count=rest) if rest else ""
    said = f"{phrase('net_cost_cells', lang)} ({scale.unit}){unlisted}"
    axes.set_title(quantities.wrapped(said, SUBTITLE_WIDTH), loc="left", fontsize=12)
    return figures.finish(figure)


def _bars(axes: Axes, frame: pd.DataFrame, divisor: float) -> None:
    """A bar for each enterprise, to the left of zero for a gain; one column of cells would leave no shape to see."""
    values = frame.iloc[:, 0].to_numpy() / divisor
    places = np.arange(len(values))
    colours = [palette.SHORT if value > 0 else palette.LONG for value in values]
    axes.barh(places, np.nan_to_num(values), problem_canvas.bar_height(len(values)), color=colours)
    problem_canvas.write_at_ends(axes, values, places, [quantities.digits(float(value)) for value in values])
    problem_canvas.name_rows(axes, problem_canvas.squeezed(list(frame.index)))


def _title(frame: pd.DataFrame, lang: Lang, divisor: float, unit: str) -> str:
    """Who pays most in the last year with a price, and who gains most if anybody does."""
    known = frame.dropna(axis=1, how="all")
    if known.empty:
        return "碳价未定，净成本无法计算" if lang == "zh" else "The price is left open, and so is who pays"
    year = known.columns[-1]
    last = known[year]
    most, least = str(last.idxmax()), str(last.idxmin())
    written = {name: quantities.digits(abs(float(last[name])) / divisor) for name in (most, least)}
    pays, gains = float(last[most]) > 0, float(last[least]) < 0
    if lang == "zh":
        parts = [f"{most}净支出最多（{written[most]} {unit}）"] * pays
        parts += [f"{least}净收益最多（{written[least]} {unit}）"] * gains
        return f"{year}年{'，'.join(parts) or '没有企业承担净成本'}"
    parts = [f"{most} pays most ({written[most]} {unit})"] * pays
    parts += [f"{least} gains most ({written[least]} {unit})"] * gains
    return f"{year}: {', '.join(parts) or 'nobody has a net cost'}"
