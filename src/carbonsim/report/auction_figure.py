"""The picture of an auction: bids from the highest price down, what of them is awarded, supply and price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import xarray as xr

from carbonsim.market.auction import AuctionResult
from carbonsim.market.problem_kinds.auction import NamedAuction
from carbonsim.report import figures, palette, problem_canvas, quantities
from carbonsim.report.label import Lang
from carbonsim.report.labels import column, phrase, text

# Only figures.py may import matplotlib, even for its types.
Figure: TypeAlias = Any
Axes: TypeAlias = Any

FARTHEST: Final = 6.0  # multiples of the quantity on offer up to which bids are drawn
OFF: Final = 2.0  # multiple of all bids from which the quantity on offer is off the picture
HEADROOM: Final = 1.08  # of the price axis above its highest bid or line
MARGIN: Final = 6  # pixels round a name
NAME_WIDTH: Final = 16
OPEN: Final = 1e-6  # relative width from which an interval is drawn
AWARDED: Final = palette.SUPPLY["supply_free"]


@dataclass(frozen=True, slots=True)
class Rung:
    """A bid's part of the ladder: from ``left`` on ``width`` tonnes at ``price``, of which ``award`` are served."""

    name: str
    price: float
    left: float
    width: float
    award: float
    counts: bool


def ladder(problem: NamedAuction, data: xr.Dataset) -> list[Rung]:
    """Bids from the highest price down, the earlier first; what of them does not count stands after all that does."""
    price, wanted = data.bid_price.values, data.bid_quantity.values
    eligible, award = data.eligible_quantity.values, data.award.values
    bids = problem.auction.bids
    order = sorted(range(len(bids)), key=lambda at: (-price[at], bids[at].time, at))
    rungs: list[Rung] = []
    left = 0.0
    for counts, width in ((True, eligible), (False, wanted - eligible)):
        for at in order:
            if width[at] > 0:
                served = float(award[at]) if counts else 0.0
                rungs.append(Rung(problem.bid[at], float(price[at]), left, float(width[at]), served, counts))
                left += float(width[at])
    return rungs


@figures.style()
def auction_figure(
    problem: NamedAuction, cleared: AuctionResult, *, lang: Lang, currency: str, note: str = ""
) -> Figure:
    """Bids as bars as wide as their quantity, the awarded part coloured, with supply, price and reserve price."""
    data, offered = cleared.dataset, problem.auction.offered
    rungs = ladder(problem, data)
    total = sum(rung.width for rung in rungs)
    scale = quantities.tonnes_scale(max(total, float(data.sold)), lang)
    title = auction_title(problem, data, lang, currency)
    figure, (axes,) = problem_canvas.canvas(title, lang, note, source="auction")
    remarks = _axis(axes, total, offered, scale.divisor, lang)
    written = _bars(axes, rungs, scale.divisor, offered / scale.divisor, lang)
    _lines(axes, problem, data, lang, currency)
    off = offered > OFF * total > 0
    label = phrase("on_offer", lang, value=quantities.tonnes(offered, lang))
    if off:
        axes.plot([], [], ls="", label=f"{label}{phrase('beyond_axis', lang)}")
    else:
        axes.axvline(offered / scale.divisor, color=palette.INK, lw=2.2, ls="--", label=label, zorder=3)
    axes.set_xlabel(f"{phrase('bids_across', lang)} ({scale.unit})")
    axes.set_ylabel(f"{text(column('bid_price'), lang)} ({problem_canvas.per_tonne(currency, lang)})")
    axes.grid(axis="y")
    figures.finish(figure, legend=axes)
    if _fit(figure, axes, written):
        remarks.append(phrase("bids_unnamed", lang))
    axes.set_title("\n".join(remarks), loc="right", fontsize=11, color=palette.GREY)
    return figure


def auction_title(problem: NamedAuction, data: xr.Dataset, lang: Lang, currency: str) -> str:
    """How much of what is on offer is sold, at which price, and whether that is the reserve price."""
    sold, unsold = float(data.sold), float(data.unsold)
    offered = quantities.tonnes(problem.auction.offered, lang)
    if not sold > 0:
        return f"{offered}无一售出" if lang == "zh" else f"None of the {offered} on offer is sold"
    value = problem_canvas.priced(float(data.price), currency, lang)
    whole = unsold <= OPEN * problem.auction.offered
    mean = problem.auction.pricing == "pay_as_bid"
    at_reserve = not mean and 0 < problem.auction.reserve_price == float(data.price)
    if lang == "zh":
        price = f"平均成交价 {value}" if mean else f"成交价为保留价 {value}" if at_reserve else f"成交价 {value}"
        return f"{offered}全部售出，{price}" if whole else f"{offered}中售出{quantities.tonnes(sold, lang)}，{price}"
    price = f"at {value} on average" if mean else f"at the reserve price of {value}" if at_reserve else f"at {value}"
    if whole:
        return f"All {offered} are sold {price}"
    amount, scale = quantities.tonnes_scale(sold, lang), quantities.tonnes_scale(problem.auction.offered, lang)
    part = quantities.digits(sold / scale.divisor) if amount == scale else amount.write(sold)
    return f"{part} of {offered} are sold {price}"


def _axis(axes: Axes, total: float, offered: float, divisor: float, lang: Lang) -> list[str]:
    """Set how far the ladder is drawn, and return what says so where it is cut."""
    most = FARTHEST * offered
    cut = total > most > 0
    right = most if cut else total if offered > OFF * total > 0 else max(total, offered)
    axes.set_xlim(0, 1.02 * (right or 1.0) / divisor)
    return [phrase("bids_beyond", lang)] if cut else []


def _bars(axes: Axes, rungs: list[Rung], divisor: float, supply: float, lang: Lang) -> list[tuple[Any, Rung, float]]:
    """Draw the bids, and return the name of each with its bid and the width of its bar as drawn."""
    said: set[str] = set()

    def bar(key: str, rung: Rung, start: float, width: float, **look: Any) -> None:
        label = "" if key in said else phrase(key, lang)
        said.add(key)
        axes.bar(start / divisor, rung.price, width / divisor, align="edge", label=label, **look)

    end = axes.get_xlim()[1]
    written = []
    for rung in rungs:
        if rung.award > 0:
            bar("bids_awarded", rung, rung.left, rung.award, color=AWARDED, lw=0)
        if rung.counts and rung.award < rung.width * (1 - OPEN):
            bar("bids_rejected", rung, rung.left + rung.award, rung.width - rung.award, color=palette.LIGHT, lw=0)
        if not rung.counts:
            bar("bids_not_counted", rung, rung.left, rung.width, facecolor="white", edgecolor=palette.FAINT,
                hatch="///", lw=0)  # fmt: skip
        axes.bar(rung.left / divisor, rung.price, rung.width / divisor, align="edge", fill=False,
                 edgecolor=palette.INK, lw=0.8)  # fmt: skip
        start, stop = rung.left / divisor, min((rung.left + rung.width) / divisor, end)
        if start < supply < stop:  # the name stands on the wider side of the supply line
            start, stop = (start, supply) if supply - start > stop - supply else (supply, stop)
        if start < end:
            name = axes.annotate(quantities.squeezed(rung.name, NAME_WIDTH), ((start + stop) / 2, rung.price),
                                 xytext=(0, 5), textcoords="offset points", ha="center", va="bottom", fontsize=11,
                                 in_layout=False, zorder=5, bbox=palette.HALO)  # fmt: skip
            written.append((name, rung, stop - start))
    return written


def _lines(axes: Axes, problem: NamedAuction, data: xr.Dataset, lang: Lang, currency: str) -> None:
    """Clearing price with its interval, and the reserve price."""
    auction, price = problem.auction, float(data.price)
    low, high = float(data.price_low), float(data.price_high)
    if high > low * (1 + OPEN) + OPEN and auction.pricing != "pay_as_bid":
        axes.axhspan(low, high, color=palette.RANGE, alpha=0.3, lw=0, label=phrase("interval", lang))
    if np.isfinite(price):
        key = "mean_price" if auction.pricing == "pay_as_bid" else "clearing_price"
        axes.axhline(price, color=palette.PRICE, lw=2.4, zorder=3.5,
                     label=phrase(key, lang, value=problem_canvas.priced(price, currency, lang)))  # fmt: skip
    if auction.reserve_price > 0:
        value = problem_canvas.priced(auction.reserve_price, currency, lang)
        axes.axhline(auction.reserve_price, color=palette.FLOOR, lw=2.4, ls=":", zorder=3.6,
                     label=phrase("auction_reserve", lang, value=value))  # fmt: skip


def _fit(figure: Figure, axes: Axes, written: list[tuple[Any, Rung, float]]) -> bool:
    """Stand names up that are wider than their bar; remove them, and return True, where they do not fit at all."""
    figure.draw_without_rendering()
    panel = axes.get_window_extent()
    across = panel.width / (axes.get_xlim()[1] - axes.get_xlim()[0])
    prices = [line.get_ydata()[0] for line in axes.get_lines() if line.get_ls() != "--" and len(line.get_ydata())]
    tops = [HEADROOM * price for price in (*prices, *(rung.price for _, rung, _ in written))]
    removed = False
    for name, rung, width in written:
        if name.get_window_extent().width + MARGIN > width * across:
            name.set_rotation(90)
        if name.get_window_extent().width > width * across:
            name.remove()
            removed = True
            continue
        # A name ends inside the picture if the axis reaches this far.
        tops.append(rung.price / (1 - (name.get_window_extent().height + 3 * MARGIN) / panel.height))
    axes.set_ylim(0, max(tops, default=0.0) or 1.0)
    return removed
