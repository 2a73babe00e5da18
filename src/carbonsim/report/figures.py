"""Slide-ready figures of one or several scenarios, in Chinese or English; the only module that draws.

Every figure states its message in the title, its units on the axes, and at the foot its source, the year of its
money and whether the enterprises are illustrative. Nothing is set globally: the style lives in a context.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

from carbonsim.errors import InputError, did_you_mean
from carbonsim.forcing import find_indicator
from carbonsim.inputs.files import write_bytes
from carbonsim.report import drawing, labels, messages, palette, quantities, series
from carbonsim.report.labels import Lang, column, phrase, sector_order, sector_tick, text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FEWEST_BARS, BAR = 6, 0.8  # fewer bars than that are drawn thinner, so that two do not fill the slide
TITLE_WIDTH, NAME_WIDTH = 78, 28  # columns of a fixed-width screen: a Chinese character takes two


@contextmanager
def style() -> Iterator[None]:
    """The figures' style, with the packaged Chinese font; rcParams are as before when it ends."""
    import matplotlib as mpl
    import pylopdf_fonts_zh_cn
    from matplotlib.font_manager import fontManager

    path = str(pylopdf_fonts_zh_cn.sans_path())
    # Known to the font list for good, so that a figure can still be drawn after the context; nobody else's text
    # changes, because a font is used only where its family is asked for.
    if path not in {entry.fname for entry in fontManager.ttflist}:
        fontManager.addfont(path)
    settings: dict[Any, Any] = dict(palette.RC)
    with mpl.rc_context(settings):
        yield


def render(figure: Figure, form: Literal["svg", "png"]) -> bytes:
    """The figure as SVG (glyphs as paths) or PNG; no date in it, so the same bytes every time."""
    metadata = {"svg": {"Date": None, "Creator": "carbonsim"}, "png": {"Software": "carbonsim"}}[form]
    stream = io.BytesIO()
    with style():
        figure.savefig(stream, format=form, dpi=palette.RASTER, metadata=metadata)
    return stream.getvalue()


@style()
def price_path(dataset: xr.Dataset, scenario: str | None = None, lang: Lang = "zh") -> Figure:
    """Allowance price with its interval, corridor and opening-bank range; sectors under their year of entry."""
    run = series.run_of(dataset, scenario)
    data = series.price_series(run)
    deepest = max((len(names) + (year == data.years[0]) for year, names in data.entries.items()), default=0)
    figure, axes = _figure(messages.price_message(run, lang), run, lang, heights=(5.0, 0.1 + 0.2 * deepest))
    top, strip = axes
    years = data.years
    if not np.allclose(data.bank_low, data.bank_high, equal_nan=True):
        top.fill_between(years, data.bank_low, data.bank_high, color=palette.RANGE, alpha=0.25, lw=0,
                         label=phrase("bank_range", lang))  # fmt: skip
    corridor = ((data.ceiling, "price_ceiling", palette.CEILING), (data.floor, "price_floor", palette.FLOOR))
    for values, key, colour in corridor:
        if np.isfinite(values).any():
            top.plot(years, values, color=colour, ls="--", lw=1.8, marker=".", label=text(column(key), lang))
    top.plot(years, data.price, color=palette.PRICE, marker="o", ms=7, label=text(column("allowance_price"), lang))
    _mark_basis(top, data, lang)
    _mark_ends(top, years, data.price)
    top.set_ylabel(quantities.price_unit(lang, messages.price_year(dataset)))
    _years(top, years)
    _interval(top, years, data.low, data.high, palette.PRICE, phrase("interval", lang))
    drawing.entries(strip, data.entries, lang, first=int(years[0]))
    top.tick_params(labelbottom=True)
    return finish(figure, legend=top)


@style()
def supply_and_demand(dataset: xr.Dataset, scenario: str | None = None, lang: Lang = "zh") -> Figure:
    """Allowances by origin stacked against the surrender obligation, and the bank below."""
    run = series.run_of(dataset, scenario)
    frame = series.supply_frame(run)
    heights = (3.2, 1.4) if frame["bank"].max() > 0 else (1.0,)
    figure, panels = _figure(messages.bank_message(run, lang), run, lang, heights=heights)
    top = panels[0]
    scale = quantities.tonnes_scale(float(frame.max().max()), lang)
    years, base = frame.index.to_numpy(), np.zeros(len(frame))
    for name in frame.columns.drop(["surrender", "bank"]):
        height = frame[name].to_numpy() / scale.divisor
        top.bar(years, height, bottom=base, width=0.72, color=palette.SUPPLY[name], edgecolor="white", lw=0.6,
                label=text(column(labels.market_key(name, run)), lang))  # fmt: skip
        base = base + height
    top.plot(years, frame["surrender"] / scale.divisor, color=palette.INK, marker="D", ms=6, lw=2.0,
             label=text(column(labels.market_key("surrender", run)), lang))  # fmt: skip
    top.set_ylabel(scale.unit)
    _years(top, years)
    for below in panels[1:]:
        _bank(below, frame["bank"], lang, text(column(labels.market_key("bank", run)), lang))
        top.tick_params(labelbottom=False)
    return finish(figure, legend=panels)


@style()
def mac_curve(
    dataset: xr.Dataset, scenario: str | None = None, lang: Lang = "zh", *,
    year: int | None = None, local_only: bool = True,
) -> Figure:  # fmt: skip
    """Marginal abatement cost curve of a year (the last by default), coloured by sector, with the price."""
    run = series.run_of(dataset, scenario)
    when = int(series.years_of(run)[-1]) if year is None else year
    slices = series.cost_curve(run, when, local_only=local_only)
    price = float(run["allowance_price"].sel(year=when))
    figure, (axes,) = _figure(messages.curve_message(slices, price, when, lang), run, lang)
    scale = quantities.tonnes_scale(sum(piece.width for piece in slices), lang)
    for sector in sector_order(piece.sector for piece in slices):
        pieces = [piece for piece in slices if piece.sector == sector]
        axes.fill_between(*series.outline(pieces, scale.divisor), color=palette.sector_colour(sector), lw=0,
                          label=sector_tick(sector, lang))  # fmt: skip
    x, y = series.corners(slices, scale.divisor)
    axes.plot(x, y, color=palette.INK, lw=1.2)
    axes.axhline(0, color=palette.GREY, lw=1)
    if np.isfinite(price):
        axes.axhline(price, color=palette.CEILING, lw=2, ls="--")
        axes.annotate(f"{text(column('allowance_price'), lang)} {quantities.price(price, lang)}", (0, price),
                      xytext=(6, 8), textcoords="offset points", color=palette.CEILING, bbox=palette.HALO)  # fmt: skip
    axes.margins(x=0)
    if limits := series.cost_limits(slices, price):
        axes.set_ylim(*limits)
        axes.set_title(phrase("cut", lang), loc="right", fontsize=11, color=palette.GREY)
    axes.set_xlabel(f"{phrase('potential_local' if local_only else 'potential_market', lang)} ({scale.unit})")
    axes.set_ylabel(quantities.price_unit(lang, messages.price_year(dataset)))
    axes.grid(axis="y")
    return finish(figure, legend=axes)


@style()
def coverage_steps(dataset: xr.Dataset, scenario: str | None = None, lang: Lang = "zh") -> Figure:
    """Phase-in share of each sector by year, and the covered share of the study's own emissions below."""
    run = series.run_of(dataset, scenario)
    frame = series.coverage_frame(run)
    figure, (top, below) = _figure(messages.coverage_message(run, lang), run, lang,
                                   heights=(0.36 * len(frame) + 0.6, 1.3))  # fmt: skip
    drawing.heat(top, frame, lang, colours=palette.SEQUENTIAL, limits=(0.0, 1.25),
          write=lambda value: f"{value * quantities.PERCENT:.0f}%" if value > 0 else "")  # fmt: skip
    top.set_title(phrase("obligation_by_sector", lang), loc="left")
    share = series.covered_share(run) * quantities.PERCENT
    middles = np.arange(len(share)) + 0.5
    below.bar(middles, share, width=0.72, color=palette.PRICE)
    for middle, value in zip(middles, share, strict=True):
        below.annotate(f"{value:.0f}%", (middle, value), xytext=(0, 3), textcoords="offset points", ha="center")
    below.set_ylim(0, 1.3 * max(float(np.nanmax(share)), 1.0))
    below.set_yticks([])
    below.spines[["left"]].set_visible(False)
    below.set_title(phrase("local_covered", lang), loc="left")
    return finish(figure)


@style()
def pressure_heatmap(
    dataset: xr.Dataset, scenario: str | None = None, lang: Lang = "zh", *, indicator: str = "cost_to_value_added"
) -> Figure:
    """One pressure indicator by sector and year, centred at zero; what is not computed is hatched, never zero."""
    run = series.run_of(dataset, scenario)
    frame = series.pressure_frame(run, indicator)
    entry = find_indicator(indicator)
    title = text(column(indicator), lang)
    size = float(np.nan_to_num(np.abs(frame.to_numpy(dtype=float))).max(initial=0.0)) or 1.0
    write, unit = quantities.writer(entry.unit, size, lang)
    missing = series.not_computed(run, frame)
    counts = series.covered_counts(run)
    rows = [f"{sector_tick(str(name), lang)} {counts[str(name)]}" for name in frame.index]
    figure, (axes,) = _figure(messages.pressure_message(frame, title, write, lang, missing), run, lang)
    drawing.heat(axes, frame, lang, colours=palette.DIVERGING, limits=(-size, size), write=write,
                 rows=rows)  # fmt: skip
    not_covered = series.uncovered(run).reindex_like(frame).fillna(value=True)
    drawing.hatch(axes, frame.isna() & not_covered, "....", phrase("not_covered", lang))
    drawing.hatch(axes, frame.isna() & ~not_covered, "////", phrase("not_computed", lang))
    note = phrase("covered_of_all", lang, year=int(series.years_of(run)[-1]))
    axes.set_title(f"{title} ({unit})\n{phrase('heat_colours', lang)}{note}", loc="left", fontsize=12)
    if frame.isna().any(axis=None):
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0.2)
    return finish(figure)


@style()
def allowance_position(
    dataset: xr.Dataset, scenario: str | None = None, lang: Lang = "zh", *, year: int | None = None, top: int = 16
) -> Figure:
    """Shortfall and surplus of the ``top`` largest positions of a year, and the sum of the others."""
    run = series.run_of(dataset, scenario)
    when = int(series.years_of(run)[-1]) if year is None else year
    shown, others, rest = series.position_frame(run, when, top, lang)
    everyone = series.positions(run, when)["shortfall"]
    figure, (axes,) = _figure(messages.position_message(everyone, when, lang), run, lang)
    names = [quantities.squeezed(name, NAME_WIDTH) for name in shown["name"]]
    others = others if abs(rest) > messages.SMALL * float(everyone.abs().sum()) else 0
    values = [*shown["shortfall"], *([rest] if others else [])]
    names += [phrase("rest", lang, count=others)] if others else []
    scale = quantities.tonnes_scale(max((abs(value) for value in values), default=0.0), lang)
    places = np.arange(len(values))
    widths = np.array(values) / scale.divisor
    colours = [palette.SHORT if value > 0 else palette.LONG for value in values]
    axes.barh(places, widths, height=BAR * min(1.0, len(values) / FEWEST_BARS), color=colours,
              hatch=[""] * len(shown) + ["//"] * (len(values) - len(shown)),
              edgecolor="white")  # fmt: skip
    for place, width in zip(places, widths, strict=True):
        away = 1 if width > 0 else -1
        axes.annotate(quantities.digits(abs(width)), (width, place), xytext=(4 * away, 0), fontsize=11,
                      textcoords="offset points", va="center", ha="left" if away > 0 else "right")  # fmt: skip
    axes.axvline(0, color=palette.INK, lw=1)
    axes.set_yticks(places, names)
    axes.set_ylim(max(len(values), 1) - 0.4, -0.6)
    axes.margins(x=0.12)
    sides = (
        "long_short"
        if (widths > 0).any() and (widths < 0).any()
        else "only_long"
        if (widths < 0).any()
        else "only_short"
    )
    axes.set_xlabel(f"{phrase(sides, lang)} ({scale.unit})")
    axes.grid(axis="x")
    return finish(figure)


@style()
def emissions_path(dataset: xr.Dataset, scenario: str | None = None, lang: Lang = "zh") -> Figure:
    """Inventory of the study's own enterprises by sector over time, and the path without abatement."""
    run = series.run_of(dataset, scenario)
    own = series.local(run)
    rest = phrase("other_sectors", lang)
    frame = series.leading(series.by_sector(own["inventory_emissions"]), 8, rest)
    without = own["baseline_inventory_emissions"].sum("enterprise").values
    figure, (axes,) = _figure(messages.emissions_message(run, lang), run, lang)
    scale = quantities.tonnes_scale(float(without.max()), lang)
    years = series.years_of(run)
    axes.stackplot(years, frame.to_numpy() / scale.divisor,
                   colors=[palette.sector_colour(name) for name in frame.index],
                   labels=[sector_tick(name, lang) for name in frame.index], edgecolor="white", lw=0.6)  # fmt: skip
    total = frame.sum().to_numpy() / scale.divisor
    axes.fill_between(years, total, without / scale.divisor, facecolor="none", edgecolor=palette.GREY, lw=0,
                      hatch="///", label=text(column("abatement"), lang))  # fmt: skip
    axes.plot(years, without / scale.divisor, color=palette.INK, ls="--", lw=2,
              label=phrase("without_abatement", lang))  # fmt: skip
    axes.set_ylabel(scale.unit)
    _years(axes, years, pad=0.0)
    return finish(figure, legend=axes, reverse=True)


@style()
def compare_prices(dataset: xr.Dataset, lang: Lang = "zh", *, titles: Mapping[str, str] | None = None) -> Figure:
    """Price paths of all scenarios; ``titles`` gives each scenario the name people know it by."""
    names = {str(name): (titles or {}).get(str(name), str(name)) for name in dataset["scenario"].values}
    figure, (axes,) = _figure(messages.compare_message(dataset, names, lang), dataset, lang)
    years = series.years_of(dataset)
    for number, (name, title) in enumerate(names.items()):
        colour = palette.SCENARIO[number % len(palette.SCENARIO)]
        run = series.run_of(dataset, name)
        axes.plot(years, run["allowance_price"], color=colour, label=quantities.shortened(title, NAME_WIDTH), ms=7,
                  marker=palette.SCENARIO_MARK[number % len(palette.SCENARIO_MARK)])  # fmt: skip
        _interval(axes, years, run["price_low"].values, run["price_high"].values, colour, "")
    axes.set_ylabel(quantities.price_unit(lang, messages.price_year(dataset)))
    _years(axes, years)
    return finish(figure, legend=axes)


_SINGLE = (
    price_path, supply_and_demand, coverage_steps, mac_curve, pressure_heatmap, allowance_position, emissions_path,
)  # fmt: skip
FIGURES: Mapping[str, Callable[..., Figure]] = {figure.__name__: figure for figure in _SINGLE}


def available(dataset: xr.Dataset) -> tuple[str, ...]:
    """Names of the figures that can be drawn of these results, in the order of the report."""
    return (*FIGURES, "compare_prices") if dataset.sizes["scenario"] > 1 else tuple(FIGURES)


def draw(
    dataset: xr.Dataset, name: str, *, lang: Lang = "zh", scenario: str | None = None,
    titles: Mapping[str, str] | None = None,
) -> Figure:  # fmt: skip
    """The figure called ``name``, of one scenario or, for a comparison, of all."""
    if name == "compare_prices":
        return compare_prices(dataset, lang, titles=titles)
    if name not in FIGURES:
        known = ", ".join(available(dataset))
        raise InputError(f"figure '{name}' is not known. Known: {known}. {did_you_mean(name, FIGURES)}".strip())
    return FIGURES[name](dataset, scenario, lang)


def save(dataset: xr.Dataset, name: str, folder: Path, *, lang: str = "zh", scenario: str | None = None) -> str:
    """Write one figure as ``<name>.svg`` and ``<name>.png`` into a folder; the SVG is returned as well."""
    figure = draw(dataset, name, lang=labels.language(lang), scenario=scenario)
    return store(figure, name, folder)


def store(figure: Figure, name: str, folder: Path) -> str:
    """Write a figure as ``<name>.svg`` and ``<name>.png`` into a folder; the SVG is returned as well."""
    drawn = render(figure, "svg")
    write_bytes(folder / f"{name}.svg", drawn)
    write_bytes(folder / f"{name}.png", render(figure, "png"))
    return drawn.decode("utf-8")


def _figure(
    title: str, dataset: xr.Dataset, lang: Lang, heights: Sequence[float] = (1.0,)
) -> tuple[Figure, Sequence[Axes]]:
    """An empty figure of a run, and one axes a height, from the top down."""
    titled = messages.about(str(dataset.attrs.get("about", "")), title, lang)
    illustrative = bool(dataset.attrs.get("illustrative"))
    return canvas(titled, lang, foot=messages.foot(dataset, lang), illustrative=illustrative, heights=heights)


def canvas(
    title: str, lang: Lang, *, foot: str, illustrative: bool, heights: Sequence[float] = (1.0,), sharex: bool = True,
    across: bool = False,
) -> tuple[Figure, Sequence[Axes]]:  # fmt: skip
    """An empty figure with its title, notice and foot, and one axes a height from the top down, or a width across."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    figure = Figure(figsize=palette.SIZE, layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12))
    figure.suptitle(quantities.wrapped(title, TITLE_WIDTH), x=0.015, ha="left", fontsize=19, color=palette.INK)
    figure.supxlabel(foot, x=0.015, ha="left", fontsize=10.5, color=palette.GREY)
    if illustrative:
        figure.text(0.985, 0.968, phrase("illustrative", lang), ha="right", va="top", fontsize=12,
                    color=palette.CEILING, bbox=palette.BADGE)  # fmt: skip
    if across:
        axes = figure.subplots(1, len(heights), width_ratios=list(heights), squeeze=False, sharey=True)
    else:
        axes = figure.subplots(len(heights), 1, height_ratios=list(heights), squeeze=False, sharex=sharex)
    return figure, list(axes.ravel())


def finish(figure: Figure, *, legend: Axes | Sequence[Axes] = (), reverse: bool = False) -> Figure:
    """Add the legend beside the plot."""
    sources = legend if isinstance(legend, Sequence) else (legend,)
    pairs = [pair for axes in sources for pair in zip(*axes.get_legend_handles_labels(), strict=True)]
    if pairs:
        handles, names = zip(*(reversed(pairs) if reverse else pairs), strict=True)
        figure.legend(handles, names, loc="outside right center")
    return figure


def _years(axes: Axes, years: Sequence[int] | np.ndarray, pad: float = 0.5) -> None:
    axes.set_xticks(list(years), [str(year) for year in years])
    axes.set_xlim(years[0] - pad, years[-1] + pad)
    axes.set_ylim(bottom=0)
    axes.grid(axis="y")


def _mark_ends(axes: Axes, years: np.ndarray, values: np.ndarray) -> None:
    """Write the first and the last known value beside the line."""
    known = np.flatnonzero(np.isfinite(values))
    for place in sorted({int(known[0]), int(known[-1])}) if known.size else []:
        axes.annotate(quantities.digits(float(values[place])), (years[place], values[place]), xytext=(0, 13),
                      textcoords="offset points", ha="center", color=palette.PRICE, bbox=palette.HALO)  # fmt: skip


def _mark_basis(axes: Axes, data: series.PriceSeries, lang: Lang) -> None:
    """Ring the years in which something other than marginal abatement cost decides the price."""
    for basis, marker in palette.BASIS_MARK.items():
        places = [place for place, found in enumerate(data.basis) if found == basis and np.isfinite(data.price[place])]
        if places:
            label = phrase("set_by", lang, what=text(labels.PRICE_BASES[basis], lang))
            axes.plot(data.years[places], data.price[places], ls="", marker=marker, ms=13, mfc="white",
                      mec=palette.PRICE, mew=2, zorder=3, label=label)  # fmt: skip


def _bank(axes: Axes, bank: pd.Series, lang: Lang, label: str) -> None:
    """Allowances banked at the end of each year."""
    scale = quantities.tonnes_scale(float(bank.max()), lang)
    axes.fill_between(bank.index, bank / scale.divisor, color=palette.BANK, alpha=0.18, lw=0)
    axes.plot(bank.index, bank / scale.divisor, color=palette.BANK, marker="o", ms=5, label=label)
    axes.set_ylabel(scale.unit)
    _years(axes, bank.index.to_numpy())


def _interval(axes: Axes, years: np.ndarray, low: np.ndarray, high: np.ndarray, colour: str, label: str) -> None:
    """A thick bar in each year in which the rules leave the price open, to the edge if nothing bounds it above."""
    open_years = np.isfinite(low) & ~np.isnan(high) & (high > (1 + messages.SAME) * low)
    if open_years.any():
        high = np.minimum(high, max(axes.get_ylim()[1], 1.2 * float(low[open_years].max())))
        axes.vlines(years[open_years], low[open_years], high[open_years], color=colour, lw=8, alpha=0.4, label=label)
