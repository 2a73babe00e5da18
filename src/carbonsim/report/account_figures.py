"""The pictures of an account: where emissions arise, what is deducted, the years, and how certain they are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd

from carbonsim.inputs.table_checks import records
from carbonsim.report import figures, palette, quantities, uncertainty_drawing
from carbonsim.report.account_evidence import used_entries
from carbonsim.report.label import Lang
from carbonsim.report.labels import column, phrase, text, value_name
from carbonsim.study.account import Account

# Only figures.py may import matplotlib, even for its types.
Figure: TypeAlias = Any
Axes: TypeAlias = Any

TOP_FACILITIES: Final = 14
TOP_STEPS: Final = 12
NAME_WIDTH: Final = 30
FACTOR_WIDTH: Final = 22
TICKS: Final = 125  # columns of a fixed-width screen that the labels under the bars share
BAR: Final = 0.72
HEADROOM: Final = 0.14  # of the axis, for the numbers at the ends of the bars
CATEGORY: Final[Mapping[str, str]] = {
    "combustion": "#0072b2", "process": "#e69f00", "fugitive": "#aa4499", "wastewater": "#44aa99",
    "reported": "#8c96a8", "captured": "#117733", "product": "#88ccee",
}  # fmt: skip


def _direct(account: Account, year: int) -> pd.DataFrame:
    """Direct emissions [tCO2e] of a year by facility, category and method."""
    at = account.inventory.sel(year=year)
    chosen = np.flatnonzero((at["stream_scope"].values == 1) & (at["stream_emissions_co2e"].values != 0))
    frame = pd.DataFrame({
        "enterprise": at["stream_enterprise"].values.astype(str)[chosen],
        "facility": at["stream_facility"].values.astype(str)[chosen],
        "category": at["category"].values.astype(str)[chosen],
        "method": at["method"].values.astype(str)[chosen],
        "tonnes": at["stream_emissions_co2e"].values[chosen],
    })  # fmt: skip
    return frame.groupby(["enterprise", "facility", "category", "method"])["tonnes"].sum().reset_index()


def _names(account: Account, lang: Lang) -> dict[str, str]:
    data = account.inventory
    shown = data[f"name_{lang}"].values.astype(str)
    return {key: name or key for key, name in zip(data["enterprise"].values.astype(str), shown, strict=True)}


def _factor_names(account: Account, lang: Lang) -> dict[str, str]:
    """Names of the factors that the picture of the uncertainty speaks of, by id; the set where two share a name."""
    factors = account.ledger.factors
    rows = [(f"{row['table_set']}:{row['fuel']}", row) for row in records(factors.fuels)]
    rows += [
        (str(row["factor"]), row) for table in (factors.process, factors.combustion_gases) for row in records(table)
    ]
    used = {name.partition("/")[0] for name in account.inventory["shared"].values.astype(str)[used_entries(account)]}
    named = {key: (_plain(str(row[f"name_{lang}"])), row["table_set"]) for key, row in rows if key in used}
    alike, same = Counter(name for name, _ in named.values()), Counter(named.values())
    return {
        key: f"{name} ({of})" if alike[name] > 1 else name
        for key, (name, of) in named.items()
        if name and same[name, of] == 1  # else the id alone tells them apart
    }


def _plain(name: str) -> str:
    """A name without its remark in brackets, where it is too long for an axis."""
    return name if quantities.width(name) <= FACTOR_WIDTH else re.sub(r" ?[(（].*[)）]$", "", name)


def _foot(account: Account, lang: Lang) -> str:
    chosen = account.inventory.attrs["gwp_set"]
    if lang == "zh":
        return f"来源：carbonsim 核算，账册 {account.ledger.name}；增温潜势 {chosen}；范围一，扣减为负。"
    return f"Source: carbonsim account of {account.ledger.name}; potentials {chosen}; scope 1, deductions below zero."


def _last(account: Account) -> int:
    return int(account.ledger.years[-1])


def emissions_by_facility(account: Account, lang: Lang) -> Figure:
    """Direct emissions of the largest facilities, stacked by category, deductions to the left of zero."""
    year = _last(account)
    data = _direct(account, year)
    wide = data.pivot_table(index="facility", columns="category", values="tonnes", aggfunc="sum", fill_value=0.0)
    adds = data[data["tonnes"] > 0].groupby("facility")["tonnes"].sum().reindex(wide.index, fill_value=0.0)
    order = adds.sort_values(ascending=False, kind="stable").index
    shown, rest = wide.loc[order[:TOP_FACILITIES]], wide.loc[order[TOP_FACILITIES:]]
    labels = [quantities.squeezed(str(name), NAME_WIDTH) for name in shown.index]
    if len(rest):
        shown = pd.concat([shown, rest.sum().to_frame().T])
        labels.append(phrase("others_together", lang, count=len(rest)))
    scale = quantities.tonnes_scale(float(shown.abs().sum(axis=1).max()) if len(shown) else 0.0, lang)
    figure, (axes,) = _canvas(account, _facility_message(data, year, lang), lang)
    places = np.arange(len(shown))
    above, below = np.zeros(len(shown)), np.zeros(len(shown))
    for category in [name for name in CATEGORY if name in shown]:
        values = shown[category].to_numpy(dtype=float) / scale.divisor
        left = np.where(values >= 0, above, below)
        axes.barh(places, values, left=left, height=_height(len(shown)), color=CATEGORY[category], edgecolor="white",
                  label=value_name("category", category, lang))  # fmt: skip
        above, below = above + np.maximum(values, 0), below + np.minimum(values, 0)
    net = shown.sum(axis=1).to_numpy(dtype=float) / scale.divisor
    if (below < 0).any():
        axes.plot(net, places, ls="", marker="D", ms=8, color=palette.INK, mec="white",
                  label=phrase("net_of_facility", lang))  # fmt: skip
    for place, (end, value) in enumerate(zip(above, net, strict=True)):
        axes.annotate(quantities.digits(float(value)), (end, place), xytext=(7, 0), textcoords="offset points",
                      va="center", fontsize=11)  # fmt: skip
    axes.axvline(0, color=palette.INK, lw=1)
    axes.set_yticks(places, labels)
    axes.set_ylim(max(len(shown), 1) - 0.4, -0.6)
    axes.margins(x=HEADROOM)
    axes.set_xlabel(f"{text(column('direct_co2e'), lang)} ({scale.unit})")
    axes.grid(axis="x")
    return figures.finish(figure, legend=axes)


def _height(bars: int) -> float:
    return BAR * min(1.0, max(bars, 2) / figures.FEWEST_BARS)


def _facility_message(data: pd.DataFrame, year: int, lang: Lang) -> str:
    total = float(data["tonnes"].sum())
    amount = quantities.tonnes(total, lang)
    by_facility = data.groupby("facility")["tonnes"].sum()
    if by_facility.empty or total <= 0:
        return f"{year}年直接排放{amount}" if lang == "zh" else f"Direct emissions in {year}: {amount}"
    largest, part = str(by_facility.idxmax()), quantities.share(float(by_facility.max()) / total)
    if len(by_facility) == 1:
        return f"{year}年直接排放{amount}，均来自{largest}" if lang == "zh" else f"{largest} emitted {amount} in {year}"
    if lang == "zh":
        return f"{year}年直接排放{amount}，{largest}占{part}"
    return f"Direct emissions in {year}: {amount}, {part} of it from {largest}"


def emissions_waterfall(account: Account, lang: Lang) -> Figure:
    """From nothing to the net total: what each method adds, then what leaves with products or is stored."""
    year = _last(account)
    steps = _steps(_direct(account, year), lang)
    scale = quantities.tonnes_scale(max((abs(step[2]) for step in steps), default=0.0), lang)
    figure, (axes,) = _canvas(account, _waterfall_message(steps, year, lang), lang)
    level, highest, half = 0.0, 0.0, _height(len(steps) + 1) / 2
    for place, (_, category, tonnes) in enumerate(steps):
        value = tonnes / scale.divisor
        axes.bar(place, value, bottom=level, width=_height(len(steps) + 1), color=CATEGORY.get(category, palette.REST),
                 edgecolor="white", lw=0, hatch="//" if value < 0 else "")  # fmt: skip
        _write(axes, place, max(level, level + value), value, signed=value < 0)
        axes.plot([place + half, place + 1 - half], [level + value] * 2, color=palette.GREY, lw=1.2)
        level += value
        highest = max(highest, level)
    axes.bar(len(steps), level, width=_height(len(steps) + 1), color=palette.INK)
    _write(axes, len(steps), max(level, 0.0), level, signed=False)
    names = [quantities.wrapped(label, TICKS // (len(steps) + 1)) for label, _, _ in steps]
    names.append(phrase("net_total", lang))
    axes.set_xticks(range(len(names)), names, fontsize=11)
    axes.margins(x=0.03)
    axes.set_ylim(top=(1 + HEADROOM / 2) * highest if highest > 0 else 1.0)
    axes.axhline(0, color=palette.INK, lw=1)
    axes.set_ylabel(scale.unit)
    axes.grid(axis="y")
    return figures.finish(figure)


def _write(axes: Axes, place: int, top: float, value: float, *, signed: bool) -> None:
    words = f"−{quantities.digits(abs(value))}" if signed else quantities.digits(value)
    axes.annotate(words, (place, top), xytext=(0, 5), textcoords="offset points", ha="center", fontsize=12)


def _steps(data: pd.DataFrame, lang: Lang) -> list[tuple[str, str, float]]:
    """Methods with what they add, the largest first, then those that deduct; small ones together."""
    sums = data.groupby(["category", "method"])["tonnes"].sum().reset_index()
    rank = sums["tonnes"].abs().sort_values(ascending=False, kind="stable").index
    kept = sums.loc[rank[:TOP_STEPS]].sort_values("tonnes", ascending=False, kind="stable")
    adds, takes = kept[kept["tonnes"] >= 0], kept[kept["tonnes"] < 0].iloc[::-1]
    steps = [
        (value_name("accounting_method", row["method"], lang).replace("_", " "), row["category"], float(row["tonnes"]))
        for row in [*records(adds), *records(takes)]
    ]
    rest = sums.loc[rank[TOP_STEPS:]]
    if len(rest):
        steps.append((phrase("others_together", lang, count=len(rest)), "", float(rest["tonnes"].sum())))
    return steps


def _waterfall_message(steps: list[tuple[str, str, float]], year: int, lang: Lang) -> str:
    added, taken = (sum(value for *_, value in steps if (value > 0) == up) for up in (True, False))
    total, gross, less = (quantities.tonnes(abs(value), lang) for value in (added + taken, added, taken))
    if taken == 0:
        return (
            f"{year}年直接排放{total}，无扣减"
            if lang == "zh"
            else f"{year}: {total} of direct emissions, no deductions"
        )
    if lang == "zh":
        return f"{year}年排放{gross}，扣减{less}，净排放{total}"
    return f"{year}: {gross} emitted, {less} deducted, {total} net"


def emissions_by_year(account: Account, lang: Lang) -> Figure:
    """Direct emissions of all enterprises by category and year, with the net total."""
    years = account.ledger.years
    wide = pd.DataFrame({
        year: _direct(account, int(year)).groupby("category")["tonnes"].sum() for year in years
    }).fillna(0.0)  # fmt: skip
    scale = quantities.tonnes_scale(float(wide.clip(lower=0).sum().max()), lang)
    net = wide.sum()
    ends = [quantities.tonnes(float(net[year]), lang) for year in (years[0], years[-1])]
    title = (f"直接排放由{years[0]}年的{ends[0]}变为{years[-1]}年的{ends[1]}" if lang == "zh"
             else f"Direct emissions go from {ends[0]} in {years[0]} to {ends[1]} in {years[-1]}")  # fmt: skip
    figure, (axes,) = _canvas(account, title, lang)
    places = np.arange(len(years))
    above, below = np.zeros(len(years)), np.zeros(len(years))
    for category in [name for name in CATEGORY if name in wide.index]:
        values = wide.loc[category].to_numpy(dtype=float) / scale.divisor
        axes.bar(places, values, bottom=np.where(values >= 0, above, below), width=_height(len(years)),
                 color=CATEGORY[category], edgecolor="white", label=value_name("category", category, lang))  # fmt: skip
        above, below = above + np.maximum(values, 0), below + np.minimum(values, 0)
    axes.plot(places, net.to_numpy(dtype=float) / scale.divisor, color=palette.INK, marker="D", ms=7, lw=2,
              label=phrase("net_total", lang))  # fmt: skip
    axes.axhline(0, color=palette.INK, lw=1)
    axes.set_xticks(places, [str(year) for year in years])
    axes.set_ylabel(scale.unit)
    axes.set_ylim(top=(1 + HEADROOM / 2) * float(above.max()) if above.max() > 0 else 1.0)
    axes.grid(axis="y")
    return figures.finish(figure, legend=axes)


def uncertainty(account: Account, lang: Lang) -> Figure:
    """What makes the variance of the total, and the enterprises' totals with their intervals."""
    result = account.uncertainty
    assert result is not None  # noqa: S101  drawn only where it was propagated
    names = _names(account, lang) | _factor_names(account, lang)
    bars = min(len(result.contributions()), uncertainty_drawing.TOP + 1)
    groups = min(account.inventory.sizes["enterprise"], uncertainty_drawing.TOP)
    figure, (top, below) = figures.canvas(
        uncertainty_drawing.message(result, lang, names=names), lang, foot=uncertainty_drawing.foot(result, lang),
        illustrative=account.is_illustrative, heights=(max(bars, 3), max(groups, 2) + 0.5), sharex=False,
    )  # fmt: skip
    uncertainty_drawing.contribution_bars(top, result, lang, names=names)
    uncertainty_drawing.total_bars(below, result, lang, names=names)
    return figure


def _canvas(account: Account, title: str, lang: Lang) -> tuple[Figure, Any]:
    return figures.canvas(title, lang, foot=_foot(account, lang), illustrative=account.is_illustrative)


_FIGURES: Final[Mapping[str, Callable[[Account, Lang], Figure]]] = {
    "emissions_by_facility": emissions_by_facility,
    "emissions_waterfall": emissions_waterfall,
    "emissions_by_year": emissions_by_year,
    "uncertainty": uncertainty,
}


def available(account: Account) -> tuple[str, ...]:
    """Names of the pictures that this account has something for, in the order of the page."""
    left_out = set() if len(account.ledger.years) > 1 else {"emissions_by_year"}
    if _direct(account, _last(account)).empty:
        left_out |= {"emissions_by_facility", "emissions_waterfall"}
    if not (account.inventory["emissions_co2e"] != 0).any():
        left_out = set(_FIGURES)
    if account.uncertainty is None:
        left_out.add("uncertainty")
    return tuple(name for name in _FIGURES if name not in left_out)


def draw(account: Account, name: str, lang: Lang) -> Figure:
    """The picture called ``name``."""
    with figures.style():
        return _FIGURES[name](account, lang)


def save_all(account: Account, folder: Path, *, lang: Lang) -> dict[str, str]:
    """Write every picture as SVG and PNG; returns the SVG by name."""
    folder.mkdir(parents=True, exist_ok=True)
    return {name: figures.store(draw(account, name, lang), name, folder) for name in available(account)}
