"""What each figure shows, as plain arrays and frames read off the results; no drawing here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from carbonsim.errors import InputError, did_you_mean
from carbonsim.forcing import position_table, pressure_table
from carbonsim.report.labels import SUPPLIES, sector_order

Array = NDArray[np.float64]
FARTHEST = 4  # multiples of the price up to which the cost axis reaches
LEVELS = 16  # price levels at which rising marginal costs are cut: more would only make thinner stripes


@dataclass(frozen=True, slots=True)
class PriceSeries:
    """Price path of one scenario [CNY/tCO2e] by year, NaN where absent; ``entries`` lists sectors by entry year."""

    years: NDArray[np.int64]
    price: Array
    low: Array
    high: Array
    floor: Array
    ceiling: Array
    bank_low: Array
    bank_high: Array
    basis: tuple[str, ...]
    entries: dict[int, list[str]]


@dataclass(frozen=True, slots=True)
class CostSlice:
    """A stretch of the marginal abatement cost curve: where it starts, its width, cost at both ends, its sector."""

    start: float
    width: float
    cost_from: float
    cost_to: float
    sector: str


def run_of(dataset: xr.Dataset, scenario: str | None) -> xr.Dataset:
    """The results of one scenario (the first if none is named), without scenario dimension.

    Its attribute ``about`` names the scenario if there are others.

    Raises
    ------
    InputError
        If the dataset has no scenario of that name.
    """
    names = [str(name) for name in dataset["scenario"].values]
    wanted = names[0] if scenario is None else scenario
    if wanted not in names:
        raise InputError(
            f"scenario '{wanted}' is not in these results. Known: {', '.join(names)}. "
            f"{did_you_mean(wanted, names)}".strip()
        )
    run = dataset.sel(scenario=wanted, drop=True)
    return run.assign_attrs(about=wanted) if len(names) > 1 else run


def local_kind(run: xr.Dataset) -> str:
    """Kind of the rows that the study is about: its enterprises, or blocks if it has nothing else."""
    kinds = {str(kind) for kind in run["kind"].values}
    return "enterprise" if "enterprise" in kinds else sorted(kinds)[0]


def local(run: xr.Dataset) -> xr.Dataset:
    """Only the rows that the study is about."""
    return run.isel(enterprise=run["kind"].values == local_kind(run))


def texts(array: xr.DataArray) -> NDArray[np.str_]:
    """Labels as plain text, whatever kind of text the dataset keeps them in."""
    return np.array([str(value) for value in array.values], dtype=np.str_)


def years_of(run: xr.Dataset) -> NDArray[np.int64]:
    """Years of a run."""
    return np.asarray(run["year"].values, dtype=np.int64)


def by_sector(array: xr.DataArray) -> pd.DataFrame:
    """Sums of an (enterprise, year) array by sector, rows in the order of the schedule, columns years."""
    frame = pd.DataFrame(array.transpose("enterprise", "year").values, columns=years_of(array.to_dataset(name="value")))
    summed = frame.groupby(texts(array["sector"])).sum(min_count=1)
    return summed.loc[sector_order(summed.index)]


def price_series(run: xr.Dataset) -> PriceSeries:
    """Price path with its interval, corridor, opening-bank range and the entries of sectors."""
    years = years_of(run)
    entry = run["entry_year"]
    first_year = dict(zip(texts(entry[entry.dims[0]]), entry.values.astype(float), strict=True))
    entries: dict[int, list[str]] = {}
    for sector in sector_order(first_year):
        first = first_year[sector]
        if np.isfinite(first) and first <= years[-1]:
            entries.setdefault(max(int(first), int(years[0])), []).append(sector)
    names = ("allowance_price", "price_low", "price_high", "price_floor", "price_ceiling",
             "price_bank_low", "price_bank_high")  # fmt: skip
    price, low, high, floor, ceiling, bank_low, bank_high = (np.asarray(run[name].values, float) for name in names)
    basis = tuple(str(value) for value in run["price_basis"].values)
    return PriceSeries(years, price, low, high, floor, ceiling, bank_low, bank_high, basis, entries)


def supply_frame(run: xr.Dataset) -> pd.DataFrame:
    """Supply by origin, surrender and bank [tCO2e] by year; supplies that never occur are left out."""
    frame = pd.DataFrame({name: np.asarray(run[name].values, float) for name in SUPPLIES}, index=years_of(run))
    frame = frame.loc[:, frame.abs().max() > 0]
    return frame.assign(surrender=run["surrender"].values, bank=run["bank"].values)


def cost_curve(run: xr.Dataset, year: int, *, local_only: bool) -> list[CostSlice]:
    """Marginal abatement cost curve of one year: the horizontal sum of all options, cut by sector.

    Parameters
    ----------
    run : Dataset
        One scenario.
    year : int
        Year of the curve.
    local_only : bool
        Only options of the study's own enterprises.

    Returns
    -------
    list of CostSlice
        In order of cost; a flat slice for step options, a sloped one where marginal costs rise linearly. Where
        several rising costs overlap, the curve is their horizontal sum: exact at the price, at every step and at
        ``LEVELS`` other levels of cost, straight between them.
    """
    sectors, potential, low, high = _option_arrays(run, year, local_only=local_only)
    rising = high > low
    price = np.array([float(run["allowance_price"].sel(year=year))])
    levels = np.unique(np.concatenate([low[~rising], price[np.isfinite(price)], _grid(low[rising], high[rising])]))
    slices: list[CostSlice] = []
    start = 0.0
    for position, level in enumerate(levels):
        flat = ~rising & (low == level)
        start = _append(slices, start, level, level, sectors[flat], potential[flat])
        if position + 1 == len(levels) or not rising.any():
            continue
        above = levels[position + 1]
        span = np.clip(above, low[rising], high[rising]) - np.clip(level, low[rising], high[rising])
        widths = potential[rising] * span / (high[rising] - low[rising])
        start = _append(slices, start, level, above, sectors[rising], widths)
    return slices


def _option_arrays(run: xr.Dataset, year: int, *, local_only: bool) -> tuple[NDArray[np.str_], Array, Array, Array]:
    """Sector, potential, marginal cost at zero and at full use of each option with a potential in the year."""
    owner = pd.Index(texts(run["option_enterprise"]))
    rows = pd.Index(texts(run["enterprise"])).get_indexer(owner)
    sectors = texts(run["sector"])[rows]
    potential = np.nan_to_num(run["option_potential"].sel(year=year).values.astype(float))
    kept = potential > 0
    if local_only:
        kept &= texts(run["kind"])[rows] == local_kind(run)
    low = run["option_unit_cost"].sel(year=year).values.astype(float)
    high = low + run["option_slope"].sel(year=year).values.astype(float) * potential
    return sectors[kept], potential[kept], low[kept], high[kept]


def _grid(low: Array, high: Array) -> Array:
    return np.linspace(low.min(), high.max(), LEVELS) if low.size else np.array([])


def _append(
    slices: list[CostSlice], start: float, cost_from: float, cost_to: float, sectors: NDArray[np.str_], widths: Array
) -> float:
    """Append one price level, one slice a sector, the slope shared out over their widths; return the new end."""
    total = float(widths.sum())
    if total <= 0:
        return start
    done = 0.0
    order = sector_order(sectors)
    # Back and forth: a sector that ends one level starts the next, so that its stretches join.
    for sector in reversed(order) if slices and slices[-1].sector == order[-1] else order:
        width = float(widths[sectors == sector].sum())
        if width > 0:
            ends = [cost_from + (cost_to - cost_from) * part / total for part in (done, done + width)]
            slices.append(CostSlice(start + done, width, ends[0], ends[1], sector))
            done += width
    return start + total


def taken_at(slices: Sequence[CostSlice], price: float) -> float:
    """Tonnes of the curve whose marginal cost is at or below a price."""
    total = 0.0
    for piece in slices:
        if piece.cost_to <= price:
            total += piece.width
        elif piece.cost_from < price:
            total += piece.width * (price - piece.cost_from) / (piece.cost_to - piece.cost_from)
    return total


def cost_limits(slices: Sequence[CostSlice], price: float) -> tuple[float, float] | None:
    """Ends of the cost axis where costs stand so far from the price that they would flatten the rest."""
    if not price > 0 or not slices:
        return None
    lowest, highest = slices[0].cost_from, slices[-1].cost_to
    if highest <= FARTHEST * price and lowest >= -FARTHEST * price:
        return None
    return max(1.1 * min(lowest, 0.0), -FARTHEST * price), min(1.1 * highest, FARTHEST * price)


def coverage_frame(run: xr.Dataset) -> pd.DataFrame:
    """Phase-in share by sector and year, of the sectors that enter at all or have enterprises here."""
    share = run["sector_share"].transpose(..., "year")
    labels = texts(share[share.dims[0]])
    frame = pd.DataFrame(share.values, index=labels, columns=years_of(run)).fillna(0.0)
    here = set(texts(local(run)["sector"]))
    kept = [name for name in sector_order(frame.index) if name in here or frame.loc[name].max() > 0]
    return frame.loc[kept]


def covered_share(run: xr.Dataset) -> Array:
    """Share of the study's own emissions (before abatement) under a surrender obligation, by year."""
    own = local(run)
    under = (own["obligation_share"].fillna(0.0) * own["baseline_covered_emissions"].fillna(0.0)).sum("enterprise")
    total = own["baseline_inventory_emissions"].sum("enterprise")
    return np.asarray((under / total.where(total > 0)).values, dtype=float)


def pressure_frame(run: xr.Dataset, indicator: str, by: str = "sector") -> pd.DataFrame:
    """One pressure indicator by group and year; NaN where not computed."""
    table = pd.DataFrame(pressure_table(run, by, kind=local_kind(run)))  # type: ignore[arg-type]  # checked by pressure_table
    wide = table[indicator].unstack("year")  # noqa: PD010  one value a cell: nothing to aggregate
    rows = sector_order(wide.index) if by == "sector" else sorted(wide.index)
    return wide.loc[rows]


def uncovered(run: xr.Dataset) -> pd.DataFrame:
    """True for each sector and year in which none of its enterprises owes an allowance."""
    owed = by_sector(local(run)["obligation_share"].fillna(0.0))
    return owed <= 0


def not_computed(run: xr.Dataset, frame: pd.DataFrame) -> list[str]:
    """Sectors that owe allowances in some year for which ``frame``, an indicator by sector and year, has no value."""
    owing = ~uncovered(run).reindex_like(frame).fillna(value=True).astype(bool)
    return [str(name) for name in frame.index[(frame.isna() & owing).any(axis=1)]]


def covered_counts(run: xr.Dataset) -> dict[str, str]:
    """How many of the study's enterprises of each sector owe allowances in the last year, of how many."""
    own = local(run)
    owing = own["obligation_share"].isel(year=-1).values > 0
    groups = pd.Series(owing).groupby(texts(own["sector"]))
    pairs = zip(groups.sum().items(), groups.size(), strict=True)
    return {str(sector): f"{int(covered)}/{int(everyone)}" for (sector, covered), everyone in pairs}


def positions(run: xr.Dataset, year: int) -> pd.DataFrame:
    """Position of every covered enterprise of the study in one year, the largest shortfall first."""
    return position_table(run, year, kind=local_kind(run))


def position_frame(run: xr.Dataset, year: int, top: int, lang: str) -> tuple[pd.DataFrame, int, float]:
    """The ``top`` largest positions of a year, the number of the others, and the sum of theirs.

    Returns
    -------
    frame : DataFrame
        Columns ``name`` and ``shortfall`` [allowance], short > 0, largest shortfall first.
    others : int
    rest : float
        Sum of the others' shortfall.
    """
    table = positions(run, year)
    names = table["name_zh" if lang == "zh" else "name_en"].astype(str)
    frame = pd.DataFrame(
        {
            "name": names.where(names != "", table.index.astype(str).to_series(index=table.index)),
            "shortfall": table["shortfall"],
        }
    )
    largest = frame["shortfall"].abs().sort_values(ascending=False, kind="stable").index[:top]
    others = frame.drop(index=largest)
    shown = frame.loc[largest].sort_values("shortfall", ascending=False, kind="stable")
    return shown, len(others), float(others["shortfall"].sum())


def leading(frame: pd.DataFrame, most: int, rest: str) -> pd.DataFrame:
    """The ``most`` largest rows of a frame and the sum of the others under the name ``rest``."""
    if len(frame) <= most:
        return frame
    kept = frame.sum(axis=1).nlargest(most - 1).index
    shown = frame.loc[[name for name in frame.index if name in kept]]
    return pd.concat([shown, frame.drop(index=kept).sum().to_frame(rest).T])


def corners(slices: Sequence[CostSlice], divisor: float) -> tuple[Array, Array]:
    """Corners of a cost curve, both ends of every slice: tonnes over ``divisor``, and cost."""
    x = np.array([[piece.start, piece.start + piece.width] for piece in slices]).ravel() / divisor
    y = np.array([[piece.cost_from, piece.cost_to] for piece in slices]).ravel()
    return x, y


def outline(pieces: Sequence[CostSlice], divisor: float) -> tuple[Array, Array]:
    """Corners of some slices of a curve, with gaps where other slices lie between."""
    x, y = corners(pieces, divisor)
    gaps = np.arange(2, len(x), 2)
    return np.insert(x, gaps, np.nan), np.insert(y, gaps, np.nan)
