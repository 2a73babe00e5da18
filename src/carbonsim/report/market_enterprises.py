"""The picture of who pays: net cost of every enterprise by year, resource cost and transfers together."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd

from carbonsim.market import Market, MarketProblem
from carbonsim.market.money import market_answers
from carbonsim.report import drawing, figures, palette, quantities
from carbonsim.report.label import Lang
from carbonsim.report.labels import phrase
from carbonsim.report.market_labels import money_name

# Only figures.py may import matplotlib, even for its types.
Figure: TypeAlias = Any

MOST_ROWS: Final = 14  # enterprises that have a row; how many others there are is said
NAME_WIDTH: Final = 26


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
    """A table of coloured cells, enterprises by year: what each pays on balance, and who gains."""
    everybody = net_costs(problem, market)
    frame = everybody.iloc[:MOST_ROWS]
    largest = float(np.nanmax(np.abs(frame.to_numpy()), initial=0.0)) or 1.0
    scale = quantities.money_scale(largest, lang)
    unit = scale.unit.replace(money_name("CNY", lang), money_name(currency, lang))
    source = "来源：carbonsim 市场出清。" if lang == "zh" else "Source: carbonsim, cleared market. "
    figure, (axes,) = figures.canvas(
        _title(everybody, lang, scale.divisor, unit), lang, foot=f"{source}{note}", illustrative=False
    )
    drawing.heat(
        axes, frame, lang, colours=palette.DIVERGING, limits=(-largest, largest),
        write=lambda value: quantities.digits(value / scale.divisor),
        rows=[quantities.squeezed(str(name), NAME_WIDTH) for name in frame.index],
    )  # fmt: skip
    rest = len(everybody) - len(frame)
    unlisted = phrase("others_unlisted", lang, count=rest) if rest else ""
    axes.set_title(f"{phrase('net_cost_cells', lang)} ({unit}){unlisted}", loc="left", fontsize=12)
    return figures.finish(figure)


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
