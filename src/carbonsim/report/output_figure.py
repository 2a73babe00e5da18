"""The picture of an output market: emissions and output of every producer, with the policy and without it."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
import xarray as xr

from carbonsim.market.output_market import OutputMarket
from carbonsim.market.output_problem import OutputProblem
from carbonsim.market.supply import Array
from carbonsim.report import figures, palette, problem_canvas, quantities
from carbonsim.report.label import Lang
from carbonsim.report.labels import column, phrase, text

# Only figures.py may import matplotlib, even for its types.
Figure: TypeAlias = Any
Axes: TypeAlias = Any

MOST_ROWS: Final = 10  # producers that have a row, the largest; how many others there are is said
PAIR: Final = 0.39  # height of each of the two bars of a row, where rows are many
MOST_TICKS: Final = 4  # of a panel that has half the width
SAME: Final = 1e-6


@figures.style()
def output_figure(
    problem: OutputProblem, cleared: OutputMarket, *, lang: Lang, currency: str, note: str = ""
) -> Figure:
    """Paired bars of the last year: emissions at the left and output at the right, a row for each producer."""
    data = cleared.dataset.isel(year=-1)
    without = problem.intensity[:, -1] * data.output_without.values
    shown = rows(problem, without)
    title = output_title(problem, data, lang, currency)
    figure, (left, right) = problem_canvas.canvas(title, lang, note, source="output", heights=(1, 1), across=True)
    scale = quantities.tonnes_scale(float(np.nanmax([*without, *data.emissions.values], initial=0.0)), lang)
    _pairs(left, without[shown] / scale.divisor, data.emissions.values[shown] / scale.divisor, lang)
    _pairs(right, data.output_without.values[shown], data.output.values[shown], lang)
    problem_canvas.name_rows(left, [_name(problem, place, lang) for place in shown])
    right.axvline(0, color=palette.INK, lw=1)
    right.grid(axis="x")
    right.tick_params(axis="y", length=0, labelleft=False)
    left.set_title(f"{text(column('emissions'), lang)} ({scale.unit})", loc="left", fontsize=12)
    right.set_title(phrase("output_of_goods", lang), loc="left", fontsize=12)
    for axes in (left, right):
        axes.locator_params(axis="x", nbins=MOST_TICKS)
    rest = len(problem.producer) - len(shown)
    if rest:
        right.set_xlabel(phrase("more_unlisted", lang, count=rest), loc="right", fontsize=11, color=palette.GREY)
    return figures.finish(figure, legend=left)


def rows(problem: OutputProblem, emissions: Array) -> list[int]:
    """The producers with most emissions, by good and pool in their order, the largest of each first."""
    largest = np.argsort(-emissions, kind="stable")[:MOST_ROWS]
    return sorted(map(int, largest), key=lambda at: (problem.producer_good[at], problem.producer_pool[at],
                                                     -emissions[at], at))  # fmt: skip


def output_title(problem: OutputProblem, data: xr.Dataset, lang: Lang, currency: str) -> str:
    """How far home emissions fall in the last year and at which price, and what of it leaks."""
    year, zh = problem.year[-1], lang == "zh"
    after, before = float(data.home_emissions), float(data.home_emissions_without)
    if not np.isfinite(after):
        return f"{year}年规则未能决定碳价" if zh else f"The rules leave the price of {year} undetermined"
    amount = quantities.tonnes(after, lang)
    price = data.allowance_price.values
    known = np.flatnonzero(np.isfinite(price))
    if not known.size:
        return f"{year}年无政策：排放{amount}" if zh else f"No policy in {year}: {amount} are emitted"
    fall = before - after
    if abs(fall) <= SAME * before:
        moved = f"排放不变，为{amount}" if zh else f"emissions stay at {amount}"
    else:
        part = quantities.share(abs(fall) / before)
        way = ("降" if fall > 0 else "升") if zh else ("fall" if fall > 0 else "rise")
        moved = f"排放下{way}" if zh and fall > 0 else f"排放上{way}" if zh else f"emissions {way} by"
        moved = f"{moved}{part}至{amount}" if zh else f"{moved} {part} to {amount}"
    low, high = float(price[known].min()), float(price[known].max())
    unit = problem_canvas.per_tonne(currency, lang)
    value = quantities.digits(high)
    if high - low > SAME * max(abs(high), 1.0):
        value = f"{quantities.digits(low)}{'至' if zh else ' to '}{value}"
    at = f"碳价 {value} {unit}" if zh else f"at {value} {unit}"
    leaked = float(data.leakage_rate)
    leak = ""
    if np.isfinite(leaked) and leaked > SAME:
        leak = f"，其中泄漏{quantities.share(leaked)}" if zh else f", of which {quantities.share(leaked)} leak abroad"
    return f"{year}年{moved}{leak}，{at}" if zh else f"{year}: {moved}{leak}, {at}"


def _name(problem: OutputProblem, place: int, lang: Lang) -> str:
    """A producer, and below it its good and pool where there are several and whether it is abroad."""
    about = [problem.good[problem.producer_good[place]]] if len(problem.good) > 1 else []
    pool = int(problem.producer_pool[place])
    if len(problem.pool) > 1 and pool >= 0:
        about.append(problem.pool[pool])
    if problem.is_foreign[place]:
        about.append(phrase("foreign", lang))
    inside = ("，" if lang == "zh" else ", ").join(about)
    own, about_it = problem_canvas.squeezed([problem.producer[place], inside])
    return own if not inside else f"{own}\n（{about_it}）" if lang == "zh" else f"{own}\n({about_it})"


def _pairs(axes: Axes, without: Array, with_policy: Array, lang: Lang) -> None:
    """The upper bar of each row without the policy, the lower one with it, each with its number."""
    places = np.arange(len(without))
    height = PAIR * min(1.0, len(without) / 3)
    for values, aside, colour, key in (
        (without, -height / 2, palette.FAINT, "without_policy"),
        (with_policy, height / 2, palette.PRICE, "with_policy"),
    ):  # fmt: skip
        axes.barh(places + aside, np.nan_to_num(values), height, color=colour, label=phrase(key, lang))
    ends = np.concatenate([without, with_policy])
    beside = np.concatenate([places - height / 2, places + height / 2])
    problem_canvas.write_at_ends(axes, ends, beside, [quantities.digits(float(value)) for value in ends])
