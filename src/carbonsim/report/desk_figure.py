"""The picture of a compliance desk: what is bought and sold in each month, what is held, and the cash it takes."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
import xarray as xr

from carbonsim.market.desk import Desk, DeskPlan
from carbonsim.report import figures, palette, problem_canvas, quantities
from carbonsim.report.label import Lang
from carbonsim.report.labels import column, phrase, text

# Only figures.py may import matplotlib, even for its types.
Figure: TypeAlias = Any
Axes: TypeAlias = Any

SMALL: Final = 1e-9  # of the obligation and holdings: less is rounding
BAR: Final = 0.5
TICKS: Final = 84  # columns of a fixed-width screen that the months share
MONTH_WIDTH: Final = 14
MOST_NUMBERS: Final = 12  # months up to which the bars have their numbers written at them
HEADROOM: Final = 0.16  # of the axis, for the numbers at the ends of bars


@figures.style()
def desk_figure(problem: Desk, cleared: DeskPlan, *, lang: Lang, currency: str, note: str = "") -> Figure:
    """Trades by month as bars with holdings as a line, and below the cash and how much of it is needed."""
    data = cleared.dataset
    title = desk_title(problem, data, lang, currency)
    figure, (top, below) = problem_canvas.canvas(title, lang, note, source="desk", heights=(3.0, 1.6))
    written = _trades(top, problem, data, lang)
    _cash(below, data, lang, currency)
    last = len(problem.month) - 1
    label = phrase("deadline", lang, month=quantities.squeezed(problem.month[-1], MONTH_WIDTH))
    for axes in (top, below):
        axes.axhline(0, color=palette.INK, lw=1)
        axes.axvline(last + 0.5, color=palette.CEILING, lw=2.4, ls=":", label=label if axes is top else "")
        axes.set_xlim(-0.5, last + 0.55)
        axes.grid(axis="y")
    names = [quantities.squeezed(month, MONTH_WIDTH) for month in problem.month]
    every = -(-len(names) * (2 + max(quantities.width(name) for name in names)) // TICKS)
    below.set_xticks(range(0, len(names), every), names[::every])
    top.tick_params(labelbottom=False)
    figures.finish(figure, legend=[top, below])
    problem_canvas.drop_crowded(figure, written)
    return figure


def desk_title(problem: Desk, data: xr.Dataset, lang: Lang, currency: str) -> str:
    """What is bought, sold, covered by credits, carried over and missing, and the most cash that it takes."""
    dust = SMALL * (problem.obligation + problem.opening_holdings + 1.0)
    amounts = {
        "bought": float(data.bought.sum()), "credits": float(data.credits_bought.sum()),
        "sold": float(data.sold.sum()), "carried": float(data.carried_over), "missing": float(data.missing),
    }  # fmt: skip
    words = {
        "bought": ("买入{}", "buy {}"), "credits": ("买入抵销信用{}", "buy {} of credits"),
        "sold": ("卖出{}", "sell {}"), "carried": ("结转{}", "carry over {}"),
        "missing": ("欠缴{}", "leave {} missing"),
    }  # fmt: skip
    zh = lang == "zh"
    parts = [words[name][not zh].format(quantities.tonnes(value, lang)) for name, value in amounts.items()
             if value > dust]  # fmt: skip
    need = float(data.cash_needed.max())
    written = problem_canvas.money_scale(need, currency, lang).write(need)
    end = quantities.squeezed(problem.month[-1], MONTH_WIDTH)
    if zh:
        cash = f"最多需资金{written}" if need > 0 else "无需资金"
        return f"{end}前{'、'.join(parts) or '无需交易'}；{cash}"
    cash = f"at most {written} are needed" if need > 0 else "no cash is needed"
    done = ", ".join(parts) or "nothing to trade"
    return f"{done[0].upper()}{done[1:]} by {end}; {cash}"


def _trades(axes: Axes, problem: Desk, data: xr.Dataset, lang: Lang) -> list[Any]:
    """Bars of what is bought and sold, the holdings and what must be covered; returns the numbers at the bars."""
    bought, credits_, sold, held = (data[name].values for name in ("bought", "credits_bought", "sold", "holdings"))
    largest = max(float(np.max(values)) for values in (bought + credits_, sold, held))
    scale = quantities.tonnes_scale(max(largest, problem.obligation), lang)
    months = np.arange(len(bought))
    parts = (("bought", bought, 0.0, palette.PRICE), ("credits_bought", credits_, bought, palette.FLOOR),
             ("sold", -sold, 0.0, "#e69f00"))  # fmt: skip
    for name, values, bottom, colour in parts:
        if np.any(values != 0):
            axes.bar(months, values / scale.divisor, BAR, bottom=np.asarray(bottom) / scale.divisor, color=colour,
                     label=text(column(name), lang))  # fmt: skip
    axes.plot(months, held / scale.divisor, color=palette.INK, marker="o", ms=6, lw=1.8,
              label=text(column("holdings"), lang))  # fmt: skip
    axes.axhline(problem.obligation / scale.divisor, color=palette.GREY, lw=1.8, ls="--",
                 label=phrase("to_cover", lang, value=quantities.tonnes(problem.obligation, lang)))  # fmt: skip
    axes.set_ylabel(scale.unit)
    axes.set_title(phrase("trades", lang), loc="left", fontsize=12)
    low, high = axes.get_ylim()
    axes.set_ylim(low - HEADROOM * (high - low) * bool(sold.any()), high + HEADROOM / 2 * (high - low))
    if len(months) > MOST_NUMBERS:
        return []
    ends = [(at, value, 4, "bottom") for at, value in enumerate((bought + credits_) / scale.divisor) if value > 0]
    ends += [(at, -value, -4, "top") for at, value in enumerate(sold / scale.divisor) if value > 0]
    return [
        axes.annotate(quantities.digits(abs(value)), (at, value), xytext=(0, away), textcoords="offset points",
                      ha="center", va=side, fontsize=11, bbox=palette.HALO, zorder=5)
        for at, value, away, side in ends
    ]  # fmt: skip


def _cash(axes: Axes, data: xr.Dataset, lang: Lang, currency: str) -> None:
    """Cash at the end of each month, and how much must be at hand up to it."""
    cash, need = data.cash.values, data.cash_needed.values
    scale = problem_canvas.money_scale(float(max(np.abs(cash).max(), need.max())), currency, lang)
    months = np.arange(len(cash))
    if need.any():
        axes.bar(months, need / scale.divisor, BAR, color=palette.BANK, alpha=0.35,
                 label=text(column("cash_needed"), lang))  # fmt: skip
    axes.plot(months, cash / scale.divisor, color=palette.BANK, marker="s", ms=6, lw=1.8,
              label=text(column("cash"), lang))  # fmt: skip
    axes.set_ylabel(scale.unit)
    axes.margins(y=0.12)
