"""The two panels of the uncertainty picture: where the variance comes from, and the totals with their intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd

from carbonsim.accounting.uncertainty import Uncertainty
from carbonsim.accounting.uncertainty.cells import TOTAL
from carbonsim.accounting.uncertainty.result import REST
from carbonsim.inputs.terms import TERMS
from carbonsim.report import palette, quantities
from carbonsim.report.labels import Lang

# Only figures.py may import matplotlib, even for its types.
Axes: TypeAlias = Any

TOP: Final = 12
NAME_WIDTH: Final = 34  # columns of a fixed-width screen
BAR: Final = 0.72
TITLE: Final = 12.5  # points
ROOM: Final = 0.22  # of the axis, right of the longest bar, for its number
_KINDS: Final[Mapping[str, tuple[str, str, str]]] = {
    "shared": ("共用因子", "shared factor", palette.PRICE),
    "stated_shared": ("共同误差", "shared error", palette.BANK),
    "own": ("单个源流", "one stream", palette.SUPPLY["supply_reserve"]),
    REST: ("其余来源", "the others", palette.FAINT),
}
_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "quantity": ("活动数据", "activity"),
    "rest": ("其余{count}项", "{count} others"),
    "variance": ("{year}年总量方差的构成 (%)", "Share of the variance, {year} (%)"),
    "trend": ("{base}—{year}年变化的方差构成 (%)", "Share of the variance, trend {base}–{year} (%)"),
    "totals": ("{year}年排放量及95%区间 ({unit})", "{year}, with 95% interval ({unit})"),
    "no_interval": ("未给出不确定度", "not stated"),
    "message": (
        "{year}年：{total}，±{width}；{share}的方差来自前{count}个来源",
        "{year}: {total} ± {width}; {share} of the variance comes from {count} sources",
    ),
    "message_one": (
        "{year}年：{total}，±{width}；{share}的方差来自{name}",
        "{year}: {total} ± {width}; {share} of the variance comes from {name}",
    ),
    "message_none": ("{year}年：{total}；未给出任何不确定度", "{year}: {total}; no uncertainty of it is stated"),
    "foot": (
        "{approach}；温升潜势视为准确；{unstated}的排放量未给出不确定度，{partly}仅部分给出",
        "{approach}; warming potentials taken as exact; {unstated} of tonnes carry no stated uncertainty, "
        "{partly} only in part",
    ),
    "approach_1": ("误差传播（方法1）", "Error propagation (Approach 1)"),
    "monte_carlo": ("蒙特卡洛（方法2，{draws}次）", "Monte Carlo (Approach 2, {draws} draws)"),
}


def _word(key: str, lang: Lang, **values: object) -> str:
    return _WORDS[key][0 if lang == "zh" else 1].format(**values)


def message(result: Uncertainty, lang: Lang, *, year: int | None = None, names: Mapping[str, str] | None = None) -> str:
    """The picture's message: the total with its interval, and how few sources make most of the variance."""
    when = result.years[-1] if year is None else year
    at = result.dataset.sel(group=TOTAL, year=when)
    total = quantities.tonnes(float(at["emissions_co2e"]), lang)
    frame = result.contributions(year=when)
    if frame.empty:
        return _word("message_none", lang, year=when, total=total)
    summed = frame["contribution"].cumsum().to_numpy()
    count = int(np.searchsorted(summed, 0.8)) + 1
    words = {"year": when, "total": total, "width": quantities.share(float(at["relative_half_width"])),
             "share": quantities.share(float(summed[min(count, len(summed)) - 1]))}  # fmt: skip
    if count == 1:
        return _word("message_one", lang, **words, name=_source_name(frame.iloc[0], lang, names or {}))
    return _word("message", lang, **words, count=count)


def foot(result: Uncertainty, lang: Lang, *, year: int | None = None) -> str:
    """The picture's foot: the approach, what is taken as exact, and the tonnes without a statement."""
    at = result.dataset.sel(group=TOTAL, year=result.years[-1] if year is None else year)
    shares = {name: quantities.share(float(at[f"{name}_share"])) for name in ("unstated", "partly_stated")}
    approach = _word(result.approach, lang, draws=f"{result.dataset.attrs.get('draws', 0):,}")
    return _word("foot", lang, approach=approach, unstated=shares["unstated"], partly=shares["partly_stated"])


def contribution_bars(
    axes: Axes, result: Uncertainty, lang: Lang, *, year: int | None = None, of: str = "level",
    names: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """Draw the largest sources of the total's variance as bars, and the sum of the others as the last one.

    Parameters
    ----------
    axes : Axes
    result : Uncertainty
    lang : str
    year : int, optional
        The last one by default.
    of : str
        ``level`` of the year or ``trend``.
    names : mapping of str to str, optional
        Names to show instead of ids of factors, facilities and enterprises.
    """
    when = result.years[-1] if year is None else year
    everything = result.contributions(year=when, of="trend" if of == "trend" else "level")
    frame = result.contributions(year=when, top=TOP, of="trend" if of == "trend" else "level")
    labels = _source_names(frame, lang, names or {}, others=len(everything) - TOP)
    shares = quantities.PERCENT * frame["contribution"].to_numpy(dtype=float)
    places = np.arange(len(frame))
    for kind, (chinese, english, colour) in _KINDS.items():
        chosen = frame["kind"].to_numpy() == kind
        if chosen.any():
            name = "" if kind == REST else chinese if lang == "zh" else english
            axes.barh(places[chosen], shares[chosen], height=BAR, color=colour, label=name)
    for place, share in zip(places, shares, strict=True):
        axes.annotate(quantities.digits(share), (share, place), xytext=(4, 0), textcoords="offset points", va="center",
                      fontsize=11)  # fmt: skip
    axes.set_yticks(places, labels)
    axes.set_ylim(max(len(frame), 1) - 0.4, -0.6)
    axes.set_xlim(0, (1 + ROOM) * max(shares, default=1.0))
    key, base = "trend" if of == "trend" else "variance", result.dataset.attrs["base_year"]
    axes.set_title(_word(key, lang, year=when, base=base), loc="left", fontsize=TITLE)
    axes.grid(axis="x")
    if len(set(frame["kind"]) - {REST}) > 1:
        axes.legend(loc="best")


def total_bars(
    axes: Axes, result: Uncertainty, lang: Lang, *, year: int | None = None, names: Mapping[str, str] | None = None
) -> None:
    """Draw the largest groups' emissions as bars with their 95 % interval, the half width written behind."""
    when = result.years[-1] if year is None else year
    frame = result.table()
    frame = frame[(frame["year"] == when) & ((frame["group"] != TOTAL) | (len(result.dataset["group"]) == 1))]
    frame = frame.sort_values(["emissions_co2e", "group"], ascending=[False, True]).iloc[:TOP]
    scale = quantities.tonnes_scale(float(frame["high"].abs().max()), lang)
    point, low, high = (frame[name].to_numpy(dtype=float) / scale.divisor for name in ("emissions_co2e", "low", "high"))
    places = np.arange(len(frame))
    axes.barh(places, point, height=BAR, color=palette.RANGE)
    # The skewed interval of a simulation may lie beside the point; an error bar has no negative arm.
    arms = np.vstack([np.maximum(point - low, 0), np.maximum(high - point, 0)])
    axes.errorbar(point, places, xerr=arms, fmt="none", ecolor=palette.INK, elinewidth=1.8, capsize=4)
    silent = frame["unstated_share"].to_numpy() >= 1
    for place, (end, width, nothing) in enumerate(zip(high, frame["relative_half_width"], silent, strict=True)):
        words = _word("no_interval", lang) if nothing else f"±{quantities.share(float(width))}"
        axes.annotate(words, (end, place), xytext=(6, 0), textcoords="offset points", va="center", fontsize=11,
                      color=palette.CEILING if nothing else palette.INK)  # fmt: skip
    shown = [quantities.squeezed((names or {}).get(str(group), str(group)), NAME_WIDTH) for group in frame["group"]]
    axes.set_yticks(places, shown)
    axes.set_ylim(max(len(frame), 1) - 0.4, -0.6)
    axes.set_xlim(0, (1 + ROOM) * max(float(high.max(initial=0.0)), 1e-9))
    axes.set_title(_word("totals", lang, year=when, unit=scale.unit), loc="left", fontsize=TITLE)
    axes.grid(axis="x")


def _source_names(frame: pd.DataFrame, lang: Lang, names: Mapping[str, str], *, others: int) -> list[str]:
    """Sources as people call them; the table set of a factor only where two would read alike."""
    rows = [row for _, row in frame.iterrows()]
    short = [_source_name(row, lang, names) for row in rows]
    return [
        _word("rest", lang, count=others)
        if row["kind"] == REST
        else name
        if short.count(name) == 1
        else _source_name(row, lang, names, with_set=True)
        for row, name in zip(rows, short, strict=True)
    ]


def _source_name(row: pd.Series, lang: Lang, names: Mapping[str, str], *, with_set: bool = False) -> str:
    """What a source belongs to and its term, without the year it is confined to."""
    label, term = str(row["source"]), str(row["term"])
    if term == "":
        return label
    where = label.rsplit(" [", 1)[0] if label.endswith("]") else label
    if row["kind"] == "stated_shared":
        where = where.removeprefix(f"shared: {term}").removeprefix(", ")
    where = where.removesuffix(f"/{term}").removesuffix(f": {term}")
    parts = where.split("/") if row["kind"] == "own" else [where]
    shown = "/".join(names.get(part, part if with_set else part.rpartition(":")[2]) for part in parts)
    return " · ".join(part for part in (quantities.squeezed(shown, NAME_WIDTH - 12), _term_name(term, lang)) if part)


def _term_name(term: str, lang: Lang) -> str:
    if term in _WORDS:
        return _word(term, lang)
    return TERMS[term].zh if lang == "zh" else term.replace("_", " ")
