"""Audit of vintages: each stock against the ledger, each price against the best use, and who moves with whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.market.audit_ledger import IDENTITY, gross_volume, labels, volume_of, worst
from carbonsim.market.certificate import Line
from carbonsim.market.instruments.vintages import Vintages
from carbonsim.market.problem import MarketProblem

Array = NDArray[np.float64]
Node = tuple[int, int]  # (row of a vintage, position of a year); row -1 is the year's own price

LEDGER = 1e-7  # relative residual accepted where a solver's tolerance enters a balance
OPTIMAL = 2e-6  # relative difference accepted between two discounted prices that must be equal
EQUAL = 1e-6
HELD = 1e-9  # a stock above this share of the year's volume ties its price to the next year's
NOTHING = 1e-12  # of the gross volume: what is left of it by rounding


def has_vintages(problem: MarketProblem) -> bool:
    """Whether allowances carry their year."""
    return any(isinstance(instrument, Vintages) for instrument in problem.instruments)


def issue_worth(problem: MarketProblem, price: Array) -> Array:
    """What an allowance issued in each year is worth in it: the best discounted price in its life, (year)."""
    rule = _rule(problem)
    present = price * problem.discount
    years = range(len(price))
    best = [max(present[at] for at in years if -rule.early <= at - y <= rule.life) for y in years]
    return np.asarray(np.array(best) / problem.discount)


def vintage_lines(problem: MarketProblem, dataset: xr.Dataset) -> Iterator[Line]:
    """The lines of the stocks, the prices by vintage, and no gain from keeping or using one earlier."""
    if "vintage_stock" not in dataset:
        yield Line("vintages.published", float("inf"), 0.0, str(problem.year[0]))
        return
    born = tuple(_opening(_rule(problem), problem.opening_bank))
    yield labels("vintages.labels", dataset, {"vintage": (*sorted(born), *problem.year)})
    yield from stock_lines(problem, dataset)
    low = dataset.price_low.values
    known = np.where(np.isnan(dataset.allowance_price.values), low, dataset.allowance_price.values)
    high = np.where(np.isnan(dataset.price_high.values), np.inf, dataset.price_high.values)
    worth = _worth(problem, dataset, known)
    off = np.nan_to_num(np.abs(dataset.vintage_price.values - worth))
    off = np.where(np.isnan(dataset.vintage_price.values) != np.isnan(worth), np.inf, off)
    yield worst("vintages.price", off, np.maximum(np.nan_to_num(worth), 1e-3), IDENTITY, dataset.vintage.values)
    for name, path in (("price", known), ("price_low", low), ("price_high", high)):
        yield from _price_lines(problem, dataset, name, path)


def vintages_together(problem: MarketProblem, dataset: xr.Dataset, price: Array, y: int, *, down: bool) -> list[int]:
    """Years whose price must move with that of year ``y`` if it is lowered (``down``) or raised.

    The price of a vintage is at least that of the year, and at least its own of the next year, discounted; it equals
    the one while some is surrendered, the other while some is kept. What holds with equality moves together.
    """
    if "vintage_stock" not in dataset:
        return [y]
    above, equal = _relations(problem, dataset, price)
    moved, waiting = {(-1, y)}, [(-1, y)]
    while waiting:
        node = waiting.pop()
        tied = [b for a, b in equal if a == node] + [a for a, b in equal if b == node]
        tied += [b for a, b in above if a == node] if down else [a for a, b in above if b == node]
        for one in tied:
            if one not in moved:
                moved.add(one)
                waiting.append(one)
    return sorted(at for row, at in moved if row < 0)


def acting_years(problem: MarketProblem, price: Array, nudged: Array, years: list[int]) -> list[int]:
    """Years in which somebody may act when the price moves in ``years``: also those whose own vintage moves."""
    if not has_vintages(problem):
        return years
    moved = issue_worth(problem, price) != issue_worth(problem, nudged)
    return sorted({*years, *np.flatnonzero(moved).tolist()})


def worthless_left(problem: MarketProblem, dataset: xr.Dataset, price: Array, years: list[int]) -> bool:
    """Whether allowances that could be sold are left in one of these years at a price of 0."""
    volume, last = gross_volume(problem), len(price) - 1
    for y in years:
        left = dataset.expired.values[y] + (dataset.bank.values[y] if y == last else 0.0)
        if price[y] <= 0 and left > NOTHING * volume[y]:
            return True
    return False


def _rule(problem: MarketProblem) -> Vintages:
    return next(instrument for instrument in problem.instruments if isinstance(instrument, Vintages))


def _opening(rule: Vintages, bank: float) -> dict[int, float]:
    if rule.opening is None:
        return {}
    if isinstance(rule.opening, Mapping):
        return {int(born): float(amount) for born, amount in rule.opening.items()}
    return {int(rule.opening): bank}


def _alive(problem: MarketProblem, dataset: xr.Dataset) -> NDArray[np.bool_]:
    """Whether a vintage may be surrendered in a year, (vintage, year)."""
    rule = _rule(problem)
    age = np.array(problem.year)[None, :] - dataset.vintage.values[:, None]
    return np.asarray((age >= -rule.early) & (age <= rule.life))


def stock_lines(problem: MarketProblem, dataset: xr.Dataset) -> Iterator[Line]:
    """Every allowance of every vintage is surrendered, kept or expired; the totals are the ledger's."""
    years, born, volume = problem.year, dataset.vintage.values, volume_of(problem, dataset)
    stock, used, lost = (dataset[f"vintage_{name}"].values for name in ("stock", "surrendered", "expired"))
    opening = _opening(_rule(problem), problem.opening_bank)
    sold = dataset.sold_auction.values + dataset.ceiling_sold.values + dataset.reserve_sold.values.sum(axis=0)
    issued = dataset.free_allocation.values.sum(axis=0) + problem.supply + sold
    came = np.zeros_like(stock)
    for row, vintage in enumerate(born):
        if vintage in years:
            came[row, years.index(vintage)] = issued[years.index(vintage)]
        else:
            came[row, 0] = opening.get(int(vintage), np.nan)
    before = np.concatenate([np.zeros((len(born), 1)), stock[:, :-1]], axis=1)
    scale = np.minimum(volume, np.abs(stock) + np.abs(used) + np.abs(lost) + 1e-2 * volume)
    yield worst("vintages.ledger", before + came - used - lost - stock, scale, LEDGER, born)
    given_up = (
        dataset.obligation.values.sum(axis=0) - dataset.offsets_used.values - dataset.penalty_tonnes.values
        + dataset.make_good.values
    )  # fmt: skip
    yield worst("vintages.surrendered", used.sum(axis=0) - given_up, volume, LEDGER, years)
    yield worst("vintages.bank", stock.sum(axis=0) - dataset.bank.values, volume, LEDGER, years)
    yield worst("vintages.expired", lost.sum(axis=0) - dataset.expired.values, volume, LEDGER, years)
    alive = _alive(problem, dataset)
    year, birth = np.array(years)[None, :], born[:, None]
    ends = year == birth + _rule(problem).life
    wrong = np.where(alive, np.minimum(used, 0.0), used) + np.where(ends, np.minimum(lost, 0.0), lost)
    wrong = np.abs(wrong) + np.where(year < birth, np.maximum(stock, 0.0), np.maximum(-stock, 0.0))
    wrong = wrong + np.where((alive & ~ends) | (year < birth), 0.0, np.abs(stock))
    yield worst("vintages.life", wrong, volume, LEDGER, born)
    older = np.cumsum(np.where(alive & (year >= birth), stock, 0.0), axis=0) - np.where(
        alive & (year >= birth), stock, 0.0
    )
    yield worst("vintages.oldest_first", np.minimum(older, used), volume, LEDGER, born)


def _worth(problem: MarketProblem, dataset: xr.Dataset, price: Array) -> Array:
    """Price of each vintage from its last year back: the better of using and keeping it, (vintage, year)."""
    alive = _alive(problem, dataset)
    present = np.where(alive, price * problem.discount, np.nan)
    for y in range(len(price) - 2, -1, -1):
        present[:, y] = np.where(alive[:, y], np.fmax(present[:, y], present[:, y + 1]), np.nan)
    return np.asarray(present / problem.discount)


def _price_lines(problem: MarketProblem, dataset: xr.Dataset, name: str, price: Array) -> Iterator[Line]:
    """A vintage is surrendered only at its own price, kept only if that rises with interest, lost only at 0."""
    volume, worth = volume_of(problem, dataset), _worth(problem, dataset, price)
    stock, used, lost = (dataset[f"vintage_{one}"].values for one in ("stock", "surrendered", "expired"))
    present = worth * problem.discount
    scale = np.maximum(np.where(np.isfinite(present), present, 0.0), 1e-3)
    surrendered = used > EQUAL * volume
    off = np.where(surrendered, _apart(worth, np.broadcast_to(price, worth.shape)), 0.0)
    yield worst(f"vintages.while_used[{name}]", off, scale, OPTIMAL, dataset.vintage.values)
    kept = _remaining(dataset, stock)[:, :-1] > EQUAL * volume[:-1]
    off = np.where(kept, _apart(present[:, :-1], present[:, 1:]), 0.0)
    yield worst(f"vintages.while_kept[{name}]", off, scale[:, :-1], OPTIMAL, dataset.vintage.values)
    left = lost.copy()
    left[:, -1] += np.maximum(stock[:, -1], 0.0)
    off = np.where(left > EQUAL * volume, np.nan_to_num(worth), 0.0)
    yield worst(f"vintages.of_expired[{name}]", off, 1.0, OPTIMAL, dataset.vintage.values)


def _apart(first: Array, second: Array) -> Array:
    """Distance of two prices, 0 where both are infinite or one does not exist."""
    with np.errstate(invalid="ignore"):
        return np.nan_to_num(np.abs(first - second), nan=0.0, posinf=1e300)


def _level(first: float, second: float) -> bool:
    """Whether two prices are equal; without an upper bound neither ties the other."""
    return bool(np.isfinite(first) and np.isfinite(second) and abs(first - second) <= EQUAL * second)


def _remaining(dataset: xr.Dataset, stock: Array) -> Array:
    """What of each vintage is still unused, also before it is issued."""
    issued = dataset.free_allocation.values.sum(axis=0) + dataset.issued_fixed.values + dataset.sold_auction.values
    issued = issued + dataset.ceiling_sold.values + dataset.reserve_sold.values.sum(axis=0)
    coming = dict(zip(dataset.year.values.tolist(), issued, strict=True))
    total = np.array([coming.get(int(born), 0.0) for born in dataset.vintage.values])
    future = dataset.year.values[None, :] < dataset.vintage.values[:, None]
    return np.where(future, total[:, None] + stock, stock)


def _relations(
    problem: MarketProblem, dataset: xr.Dataset, price: Array
) -> tuple[list[tuple[Node, Node]], list[tuple[Node, Node]]]:
    """Pairs (a, b) of prices of which a is at least b and just that, and pairs that must be equal."""
    alive, volume = _alive(problem, dataset), volume_of(problem, dataset)
    present = _worth(problem, dataset, price) * problem.discount
    used, left = dataset.vintage_surrendered.values, _remaining(dataset, dataset.vintage_stock.values)
    above, equal = [], []
    for row, y in np.argwhere(alive).tolist():
        now = price[y] * problem.discount[y]
        last = y + 1 == len(price) or not alive[row, y + 1]
        if last or used[row, y] > HELD * volume[y]:
            equal.append(((row, y), (-1, y)))
        elif _level(present[row, y], now):
            above.append(((row, y), (-1, y)))
        if last:
            continue
        if left[row, y] > HELD * volume[y]:
            equal.append(((row, y), (row, y + 1)))
        elif _level(present[row, y], present[row, y + 1]):
            above.append(((row, y), (row, y + 1)))
    return above, equal
