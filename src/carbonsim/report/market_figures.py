"""The pictures of a cleared problem: the price path with its interval and steps above the bank, the cost curve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import numpy as np

from carbonsim.market import Market, MarketProblem
from carbonsim.report import figures, market_series, palette, problem_canvas, quantities
from carbonsim.report.label import Lang
from carbonsim.report.labels import PRICE_BASES, column, phrase, sector_tick, text
from carbonsim.report.market_enterprises import enterprise_figure

# Only figures.py may import matplotlib, even for its types.
Figure: TypeAlias = Any
Axes: TypeAlias = Any

OPEN: Final = 1e-6  # relative width from which an interval is drawn
FARTHEST: Final = 3.0  # multiples of the price up to which the cost axis reaches
SAME: Final = 0.005
HEADROOM: Final = 1.06  # of the price axis, for what is written above its highest point
ROOM: Final = 0.12  # share of the axis that a written price takes above its point
MOST_TICKS: Final = 16
STEP_COLOUR: Final[Mapping[str, str]] = {
    "floor": palette.FLOOR, "ceiling": palette.CEILING, "penalty": "#cc6677", "reserve_tier": "#e69f00",
    "offset": "#44aa99",
}  # fmt: skip


@figures.style()
def price_figure(problem: MarketProblem, market: Market, *, lang: Lang, currency: str, note: str = "") -> Figure:
    """Price by year with its interval, the prices of the supply steps, and the bank below as an area."""
    data = market.dataset
    years, price, bank = data.year.values, data.allowance_price.values, data.bank.values
    heights = (3.2, 1.4) if np.abs(bank).max() > 0 else (1.0,)
    title = price_title(market, lang, currency)
    figure, panels = problem_canvas.canvas(title, lang, note, source="market", heights=heights)
    top = panels[0]
    steps = market_series.step_lines(problem)
    for line in steps:
        top.plot(years, line.price, color=STEP_COLOUR[line.kind], ls="--", lw=1.8, marker=".", label=_step(line, lang))
    top.plot(years, price, color=palette.PRICE, marker="o", ms=7, label=text(column("allowance_price"), lang), zorder=3)
    _mark_basis(top, market, lang)
    top.set_ylabel(problem_canvas.per_tonne(currency, lang))
    _axis(top, years)
    top.set_ylim(top=HEADROOM * top.get_ylim()[1])
    _interval(top, market, lang)
    _write_ends(top, years, price, [line.price for line in steps])
    for below in panels[1:]:
        _bank(below, years, bank, lang)
        top.tick_params(labelbottom=False)
    return figures.finish(figure, legend=panels)


@figures.style()
def curve_figure(
    problem: MarketProblem, market: Market, *, lang: Lang, currency: str, note: str = "", year: int | None = None
) -> Figure:
    """The marginal abatement cost curve of a year (the last by default) by enterprise, with price and abatement."""
    when = problem.year[-1] if year is None else year
    at = market.dataset.sel(year=when)
    price, cut = float(at.allowance_price), float(at.abatement.sum())
    curve = market_series.abatement_curve(problem, when, phrase("others", lang))
    title = curve_title(when, price, cut, lang, currency)
    figure, (axes,) = problem_canvas.canvas(title, lang, note, source="market")
    scale = quantities.tonnes_scale(float(curve.total.max(initial=cut)), lang)
    curve = market_series.extended(curve, HEADROOM)
    base = np.zeros(len(curve.cost))
    for place, (name, tonnes) in enumerate(zip(curve.group, curve.tonnes, strict=True)):
        colour = palette.SECTOR.get(name, palette.SCENARIO[place % len(palette.SCENARIO)])
        axes.fill_betweenx(curve.cost, base / scale.divisor, (base + tonnes) / scale.divisor, color=colour, alpha=0.4,
                           lw=0, label=quantities.shortened(sector_tick(name, lang), 28))  # fmt: skip
        base = base + tonnes
    axes.plot(curve.total / scale.divisor, curve.cost, color=palette.INK, lw=1.6)
    _mark_price(axes, at, price, cut / scale.divisor, lang, currency)
    for line in market_series.step_lines(problem):
        level = float(line.price[problem.year.index(when)])
        if np.isfinite(level):
            axes.axhline(level, color=STEP_COLOUR[line.kind], ls=":", lw=2.4, label=_step(line, lang))
    remarks = _cost_limits(axes, curve, price, lang)
    if np.isfinite(price) and not market_series.on_curve(problem, when, price, cut):
        remarks.append(phrase("off_curve", lang))
    axes.set_title("\n".join(remarks), loc="right", fontsize=11, color=palette.GREY)
    axes.set_xlim(left=0)
    axes.set_xlabel(f"{phrase('abated', lang)} ({scale.unit}){phrase('read_across', lang)}")
    axes.set_ylabel(problem_canvas.per_tonne(currency, lang))
    axes.grid(axis="y")
    return figures.finish(figure, legend=axes)


def market_pictures(
    problem: MarketProblem, market: Market, *, lang: Lang, currency: str, note: str
) -> Mapping[str, Figure]:
    """The pictures of a market by name: the path if there are several years, the curve of the last, and who pays."""
    drawn: dict[str, Figure] = {}
    if len(problem.year) > 1:
        drawn["price"] = price_figure(problem, market, lang=lang, currency=currency, note=note)
    if np.any(problem.options.potential[:, -1] > 0):
        drawn["curve"] = curve_figure(problem, market, lang=lang, currency=currency, note=note)
    if len(problem.enterprise) > 1:
        drawn["enterprises"] = enterprise_figure(problem, market, lang=lang, currency=currency, note=note)
    return drawn


def price_title(market: Market, lang: Lang, currency: str) -> str:
    """Where the price starts and ends, or that the rules leave it open."""
    price, years = market.dataset.allowance_price.values, market.dataset.year.values
    known = np.flatnonzero(np.isfinite(price))
    unit = problem_canvas.per_tonne(currency, lang)
    if not known.size:
        return "规则未能决定碳价" if lang == "zh" else "The rules leave the allowance price undetermined"
    start, end = float(price[known[0]]), float(price[known[-1]])
    first, last = int(years[known[0]]), int(years[known[-1]])
    if first == last or abs(end - start) <= SAME * max(abs(start), abs(end)):
        value = quantities.digits(end)
        return f"碳价为 {value} {unit}" if lang == "zh" else f"The allowance price is {value} {unit}"
    ends = quantities.digits(start), quantities.digits(end)
    if lang == "zh":
        return f"碳价由{first}年的 {ends[0]} {'升至' if end > start else '降至'}{last}年的 {ends[1]} {unit}"
    return f"The allowance price {'rises' if end > start else 'falls'} from {ends[0]} to {ends[1]} {unit} by {last}"


def curve_title(year: int, price: float, cut: float, lang: Lang, currency: str) -> str:
    """How much is abated at which price."""
    tonnes = quantities.tonnes(cut, lang)
    if not np.isfinite(price):
        return f"{year}年减排{tonnes}，碳价未定" if lang == "zh" else f"{tonnes} abated in {year}, the price left open"
    value = f"{quantities.digits(price)} {problem_canvas.per_tonne(currency, lang)}"
    return f"{year}年碳价 {value}，减排{tonnes}" if lang == "zh" else f"At {value}, {tonnes} are abated in {year}"


def _step(line: market_series.StepLine, lang: Lang) -> str:
    """Name of a step: what it is, and its own label where that says more."""
    kind = text(PRICE_BASES[line.kind], lang) if line.kind in PRICE_BASES else phrase("offset_price", lang)
    own = line.name.replace("_", " ")
    return kind if line.name in STEP_COLOUR or line.name in ("auction_floor", "price_ceiling", "offsets") else (
        f"{kind}（{own}）" if lang == "zh" else f"{kind} ({own})"
    )  # fmt: skip


def _axis(axes: Axes, years: Any) -> None:
    every = max(1, -(-len(years) // MOST_TICKS))
    axes.set_xticks(list(years[::every]), [str(year) for year in years[::every]])
    axes.set_xlim(years[0] - 0.5, years[-1] + 0.5)
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]) if axes.get_ylim()[0] < 0 else 0.0)
    axes.grid(axis="y")


def _interval(axes: Axes, market: Market, lang: Lang) -> None:
    """The band in which the rules leave the price, to the edge of the picture where nothing bounds it."""
    years = market.dataset.year.values
    top = 1.15 * axes.get_ylim()[1]
    low, high = market_series.drawable_interval(market, top)
    wide = high > low * (1 + OPEN) + OPEN
    if wide.any():
        axes.bar(years[wide], (high - low)[wide], bottom=low[wide], width=0.6, color=palette.RANGE, alpha=0.4,
                 label=phrase("interval", lang))  # fmt: skip
        axes.set_ylim(top=top)


def _mark_basis(axes: Axes, market: Market, lang: Lang) -> None:
    """Ring the years in which something other than marginal abatement cost decides the price."""
    data = market.dataset
    for basis, marker in palette.BASIS_MARK.items():
        here = (data.price_basis.values == basis) & np.isfinite(data.allowance_price.values)
        if here.any():
            label = phrase("set_by", lang, what=text(PRICE_BASES[basis], lang))
            axes.plot(data.year.values[here], data.allowance_price.values[here], ls="", marker=marker, ms=13,
                      mfc="white", mec=palette.PRICE, mew=2, zorder=4, label=label)  # fmt: skip


def _write_ends(axes: Axes, years: Any, values: Any, levels: list[Any]) -> None:
    """First and last price beside their points: above, or below where a step's price would be hidden."""
    known = np.flatnonzero(np.isfinite(values))
    bottom, top = axes.get_ylim()
    room = ROOM * (top - bottom)
    for place in sorted({int(known[0]), int(known[-1])}) if known.size else []:
        value = float(values[place])
        hidden = any(value < level[place] < value + room for level in levels)
        below = hidden and value - bottom > room
        axes.annotate(quantities.digits(value), (years[place], value), xytext=(0, -26 if below else 13),
                      textcoords="offset points", ha="center", color=palette.PRICE, bbox=palette.HALO,
                      zorder=5)  # fmt: skip


def _bank(axes: Axes, years: Any, bank: Any, lang: Lang) -> None:
    """Allowances banked at the end of each year; what is owed to later years lies below zero."""
    scale = quantities.tonnes_scale(float(np.abs(bank).max()), lang)
    axes.fill_between(years, bank / scale.divisor, color=palette.BANK, alpha=0.18, lw=0)
    axes.plot(years, bank / scale.divisor, color=palette.BANK, marker="o", ms=5, label=text(column("bank"), lang))
    axes.axhline(0, color=palette.GREY, lw=1)
    axes.set_ylabel(scale.unit)
    _axis(axes, years)


def _mark_price(axes: Axes, at: Any, price: float, cut: float, lang: Lang, currency: str) -> None:
    """The cleared price, its interval and the tonnes abated."""
    axes.axvline(cut, color=palette.GREY, lw=1.2, ls="--")
    if not np.isfinite(price):
        return
    low, high = float(at.price_low), float(at.price_high)
    if np.isfinite(high) and high > low * (1 + OPEN) + OPEN:
        axes.axhspan(low, high, color=palette.RANGE, alpha=0.3, lw=0, label=phrase("interval", lang))
    axes.axhline(price, color=palette.PRICE, lw=2.4, zorder=3.5)
    axes.plot([cut], [price], ls="", marker="o", ms=10, color=palette.PRICE, zorder=4)
    axes.annotate(f"{phrase('cleared_at', lang)} {problem_canvas.priced(price, currency, lang)}", (0, price),
                  xycoords=("axes fraction", "data"), xytext=(8, 7), textcoords="offset points", color=palette.PRICE,
                  bbox=palette.HALO)  # fmt: skip


def _cost_limits(axes: Axes, curve: market_series.Curve, price: float, lang: Lang) -> list[str]:
    """Cut the cost axis where costs far from the price would flatten the rest, and return what says so."""
    lowest, highest = float(curve.cost.min(initial=0.0)), float(curve.cost.max(initial=0.0))
    most = FARTHEST * price if np.isfinite(price) and price > 0 else highest
    axes.set_ylim(1.05 * min(lowest, 0.0), min(highest, most) or None)
    return [phrase("cut", lang)] if highest > most else []
