"""The picture of linked markets: the price of each, and what passes through the gates between them."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
import xarray as xr

from carbonsim.market.linked import LinkedMarkets, LinkedResult
from carbonsim.market.supply import Array
from carbonsim.report import figures, palette, problem_canvas, quantities
from carbonsim.report.label import Lang
from carbonsim.report.labels import column, phrase, text
from carbonsim.report.tables import price_range

# Only figures.py may import matplotlib, even for its types.
Figure: TypeAlias = Any
Axes: TypeAlias = Any

OPEN: Final = 1e-6  # relative width from which an interval is drawn
SAME: Final = 0.005
MOST_ROWS: Final = 8  # of markets and of gates in a single year, the largest
MOST_LINES: Final = 8  # of markets and of gates over years; how many others there are is said
MOST_TICKS: Final = 16
LEGEND_WIDTH: Final = 26
END_WIDTH: Final = 11  # of the markets at the two ends of a gate
BARS: Final = 0.8  # of a year, for the gates together
GATE: Final = ("#44aa99", "#ddcc77", "#882255", "#999933", "#88ccee", "#cc6677", "#117733", "#a0764a")


@figures.style()
def linked_figure(
    problem: LinkedMarkets, cleared: LinkedResult, *, lang: Lang, currency: str, note: str = ""
) -> Figure:
    """Prices of the markets above the flows of the gates: over years, or as bars for a single year."""
    data = cleared.dataset
    title = linked_title(problem, data, lang, currency)
    several = len(problem.year) > 1
    rows = (
        (3.0, 1.8)
        if several
        else tuple(min(count, MOST_ROWS) + 1.0 for count in (data.sizes["market"], len(problem.gates)))
    )
    figure, (top, below) = problem_canvas.canvas(title, lang, note, source="linked", heights=rows, sharex=several)
    if several:
        _price_lines(top, problem, data, lang)
        _flow_bars(below, problem, data, lang)
        top.tick_params(labelbottom=False)
        top.set_ylabel(problem_canvas.per_tonne(currency, lang))
        return figures.finish(figure, legend=[top, below])
    _price_rows(top, data, lang, currency)
    _flow_rows(below, problem, data, lang)
    return figures.finish(figure, legend=top)


def linked_title(problem: LinkedMarkets, data: xr.Dataset, lang: Lang, currency: str) -> str:
    """The prices of the last year, one or from the lowest to the highest, and the gate that most passes through."""
    year, price = problem.year[-1], data.allowance_price.values[:, -1]
    known = np.flatnonzero(np.isfinite(price))
    zh = lang == "zh"
    if not known.size:
        return f"{year}年规则未能决定各市场碳价" if zh else f"The rules leave the prices of {year} undetermined"
    names = [quantities.squeezed(str(name), LEGEND_WIDTH) for name in data.market.values]
    low, high = int(known[np.argmin(price[known])]), int(known[np.argmax(price[known])])
    dear = problem_canvas.priced(float(price[high]), currency, lang)
    cheap = quantities.digits(float(price[low]))
    if price[high] - price[low] <= SAME * abs(price[high]):
        prices = f"各市场碳价均为 {dear}" if zh else f"one price of {dear} everywhere"
    else:
        prices = f"碳价由{names[low]}的 {cheap} 到{names[high]}的 {dear}" if zh else (
            f"from {cheap} ({names[low]}) to {dear} ({names[high]})"
        )  # fmt: skip
    flow = data.flow.values[:, -1]
    most = int(np.argmax(flow)) if flow.size else -1
    if most < 0 or not flow[most] > 0:
        passed = "无配额通过" if zh else "nothing passes"
    else:
        route, amount = _route(problem, most), quantities.tonnes(float(flow[most]), lang)
        passed = f"{route}通过{amount}" if zh else f"{amount} pass {route}"
    return f"{year}年{prices}；{passed}" if zh else f"{year}: {prices}; {passed}"


def _route(problem: LinkedMarkets, place: int) -> str:
    """Where a gate leads; with its name where another leads the same way."""
    gate = problem.gates[place]
    ways = [(one.source, one.target) for one in problem.gates]
    source, target = (quantities.squeezed(name, END_WIDTH) for name in (gate.source, gate.target))
    alike = ways.count((gate.source, gate.target)) > 1
    return f"{source} → {target} ({gate.name})" if alike else f"{source} → {target}"


def largest(values: Array) -> list[int]:
    """Places of the largest values, as many as have a row, in their own order; an unknown one counts as small."""
    ranked = np.argsort(-np.nan_to_num(values, nan=-np.inf), kind="stable")
    return sorted(map(int, ranked[:MOST_ROWS]))


def _unlisted(axes: Axes, rest: int, title: str, lang: Lang) -> None:
    """The title of a panel, and how many markets or gates have no place in it."""
    axes.set_title(title, loc="left", fontsize=12)
    if rest > 0:
        axes.set_title(phrase("more_unlisted", lang, count=rest), loc="right", fontsize=11, color=palette.GREY)


def _years(axes: Axes, years: tuple[int, ...]) -> None:
    shown = years[:: -(-len(years) // MOST_TICKS)]
    axes.set_xticks(shown, [str(year) for year in shown])
    axes.set_xlim(years[0] - 0.5, years[-1] + 0.5)
    axes.grid(axis="y")


def _price_lines(axes: Axes, problem: LinkedMarkets, data: xr.Dataset, lang: Lang) -> None:
    years, low, high = np.array(problem.year), data.price_low.values, data.price_high.values
    count = min(data.sizes["market"], MOST_LINES)
    for place in range(count):
        price = data.allowance_price.values[place]
        colour = palette.SCENARIO[place]
        axes.plot(years, price, color=colour, marker=palette.SCENARIO_MARK[place], ms=7,
                  label=quantities.squeezed(str(data.market.values[place]), LEGEND_WIDTH))  # fmt: skip
    top = 1.12 * max(axes.get_ylim()[1], float(np.nanmax(np.where(np.isfinite(high), high, np.nan), initial=0.0)))
    for place in range(count):
        ends = np.nan_to_num(low[place]), np.where(np.isfinite(high[place]), high[place], top)
        wide = ends[1] > ends[0] * (1 + OPEN) + OPEN
        # Intervals of several markets stand beside each other.
        aside = 0.24 * (place + 0.5 - count / 2) / count if count > 1 else 0.0
        axes.vlines(years[wide] + aside, ends[0][wide], ends[1][wide], color=palette.SCENARIO[place], lw=7, alpha=0.4)
    if np.any(high > low * (1 + OPEN) + OPEN):
        axes.plot([], [], color=palette.GREY, lw=7, alpha=0.4, label=phrase("interval", lang))
    axes.set_ylim(min(0.0, float(np.nanmin(data.allowance_price.values, initial=0.0))), top)
    _years(axes, problem.year)
    _unlisted(axes, data.sizes["market"] - count, text(column("allowance_price"), lang), lang)


def _flow_bars(axes: Axes, problem: LinkedMarkets, data: xr.Dataset, lang: Lang) -> None:
    flow = data.flow.values
    scale = quantities.tonnes_scale(float(flow.max(initial=0.0)), lang)
    count = min(len(problem.gates), MOST_LINES)
    width = BARS / max(count, 1)
    for place in range(count):
        axes.bar(np.array(problem.year) - BARS / 2 + (place + 0.5) * width, flow[place] / scale.divisor, width,
                 color=GATE[place], edgecolor="white", lw=0.6, label=_route(problem, place))  # fmt: skip
    axes.set_ylabel(scale.unit)
    axes.set_ylim(0, None if flow.max(initial=0.0) > 0 else 1.0)
    _years(axes, problem.year)
    _unlisted(axes, len(problem.gates) - count, phrase("through_gates", lang), lang)


def _price_rows(axes: Axes, data: xr.Dataset, lang: Lang, currency: str) -> None:
    everywhere = data.allowance_price.values[:, 0]
    known = everywhere[np.isfinite(everywhere)]
    # Those farthest from the middle are shown: the cheapest or the dearest is always among them.
    shown = largest(np.abs(everywhere - (np.median(known) if known.size else 0.0)))
    price, low, high = (data[name].values[shown, 0] for name in ("allowance_price", "price_low", "price_high"))
    places = np.arange(len(shown))
    height = problem_canvas.bar_height(2 * len(shown))
    axes.barh(places, np.nan_to_num(price), height, color=palette.PRICE)
    edge = 1.3 * float(np.nanmax([*price, *high[np.isfinite(high)]], initial=0.0) or 1.0)
    low, end = np.nan_to_num(low), np.where(np.isfinite(high), high, edge)
    wide = end > low * (1 + OPEN) + OPEN
    if wide.any():
        axes.barh(places[wide], (end - low)[wide], height / 2, left=low[wide], color=palette.RANGE, alpha=0.75,
                  label=phrase("interval", lang))  # fmt: skip
    written = [
        price_range(*ends) if open_ else quantities.digits(float(value))
        for value, open_, *ends in zip(price, wide, low, high, strict=True)
    ]
    problem_canvas.write_at_ends(axes, np.where(wide, np.fmax(end, price), price), places, written)
    problem_canvas.name_rows(axes, problem_canvas.squeezed(list(data.market.values[shown])))
    title = f"{text(column('allowance_price'), lang)} ({problem_canvas.per_tonne(currency, lang)})"
    _unlisted(axes, data.sizes["market"] - len(shown), title, lang)


def _flow_rows(axes: Axes, problem: LinkedMarkets, data: xr.Dataset, lang: Lang) -> None:
    shown = largest(data.flow.values[:, 0])
    flow = data.flow.values[shown, 0]
    scale = quantities.tonnes_scale(float(flow.max(initial=0.0)), lang)
    places = np.arange(len(shown))
    axes.barh(places, flow / scale.divisor, problem_canvas.bar_height(2 * len(shown)), color=GATE[0])
    written = [quantities.digits(float(value) / scale.divisor) for value in flow]
    problem_canvas.write_at_ends(axes, flow / scale.divisor, places, written)
    problem_canvas.name_rows(axes, problem_canvas.squeezed([_route(problem, place) for place in shown]))
    _unlisted(axes, len(problem.gates) - len(shown), f"{phrase('through_gates', lang)} ({scale.unit})", lang)
