"""Pools years until the discounted price never rises: each pool's price is where its net demand crosses zero.

Without borrowing the discounted price never rises, and it is constant while the bank is positive: pool adjacent
violators. A borrowing limit L shifts the bank, B' = B + L, which turns the market into one without borrowing. Net
demand may hold units that are asked again at every price; affine markets alone are cleared by ``price_search``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from carbonsim.market.supply import Array
from carbonsim.market.year_curve import YearCurve

ROUNDING = 1e-12  # net demand below this share of all quantities in a pool counts as zero
SEARCHES = 200


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Adjacent years that share one discounted price."""

    first: int
    last: int
    price: float


@dataclass(frozen=True, slots=True, eq=False)
class PooledDemand:
    """Net demand of pooled years as a function of the discounted price, less what the pool was handed.

    ``at`` and ``drop`` are the jumps, ``low``, ``high`` and ``fall`` the ramps, in discounted prices.
    """

    level: float
    at: Array
    drop: Array
    low: Array
    high: Array
    fall: Array
    smooth: tuple[tuple[YearCurve, float], ...]
    tolerance: float

    def sides(self, price: float) -> tuple[float, float]:
        """Net demand just below and just above a discounted price."""
        passed = self.drop[self.at < price].sum()
        here = self.drop[self.at == price].sum()
        ramped = np.sum(self.fall * np.clip((price - self.low) / (self.high - self.low), 0.0, 1.0))
        most = least = 0.0
        for curve, discount in self.smooth:
            above, below = curve.smooth_net(price / discount)
            most, least = most + above, least + below
        left = self.level - passed - ramped
        return left + most, left - here + least

    def corners(self) -> Array:
        """Discounted prices at which net demand jumps or bends, from 0 up."""
        return np.unique(np.concatenate([[0.0], self.at, self.low, self.high]))


def pooled_demand(curves: Sequence[YearCurve], discount: Array, handed: float) -> PooledDemand:
    """Net demand of years together; ``handed`` are the allowances carried into the first of them."""
    at = np.concatenate([curve.jump_price * d for curve, d in zip(curves, discount, strict=True)])
    drop = np.concatenate([curve.jump_drop for curve in curves])
    low = np.concatenate([curve.ramp_from * d for curve, d in zip(curves, discount, strict=True)])
    high = np.concatenate([curve.ramp_to * d for curve, d in zip(curves, discount, strict=True)])
    fall = np.concatenate([curve.ramp_drop for curve in curves])
    size = sum(abs(curve.base) for curve in curves) + abs(handed) + drop[np.isfinite(drop)].sum() + fall.sum()
    size += sum(unit.share * (unit.term.key + unit.term.other) for curve in curves for unit in curve.units)
    smooth = tuple((curve, float(d)) for curve, d in zip(curves, discount, strict=True) if curve.smooth)
    level = sum(curve.base for curve in curves) - handed
    return PooledDemand(level, at, drop, low, high, fall, smooth, ROUNDING * float(size))


def lowest_price(demand: PooledDemand, top: float) -> float:
    """The lowest discounted price at which supply covers demand; ``inf`` if none does."""
    corners = demand.corners()
    count = _first(len(corners), lambda j: demand.sides(corners[j])[1] <= demand.tolerance)
    if count == len(corners):
        if not demand.smooth or demand.sides(top)[1] > demand.tolerance:
            return float("inf")
        return _halve(lambda price: demand.sides(price)[1] <= demand.tolerance, float(corners[-1]), top)
    left, _ = demand.sides(corners[count])
    if count == 0 or left > demand.tolerance:
        return float(corners[count])
    return _inside(demand, float(corners[count - 1]), float(corners[count]), lowest=True)


def highest_price(demand: PooledDemand, top: float) -> float:
    """The highest discounted price at which supply does not exceed demand; ``inf`` if no price is too high."""
    corners = demand.corners()
    count = _first(len(corners), lambda j: demand.sides(corners[j])[1] < -demand.tolerance)
    if count == len(corners):
        if not demand.smooth or demand.sides(top)[1] >= -demand.tolerance:
            return float("inf")
        return _halve(lambda price: demand.sides(price)[0] < -demand.tolerance, float(corners[-1]), top)
    left, _ = demand.sides(corners[count])
    if count == 0 or left >= -demand.tolerance:
        return float(corners[count])
    return _inside(demand, float(corners[count - 1]), float(corners[count]), lowest=False)


def pool_years(
    curves: Sequence[YearCurve],
    discount: Array,
    *,
    opening: float,
    joined: NDArray[np.bool_],
    separate: NDArray[np.bool_],
    floor: Array,
    root: Callable[[PooledDemand, float], float],
    top: float,
) -> list[Pool]:
    """Years pooled so that the discounted price never rises from one pool to the next.

    Parameters
    ----------
    curves : sequence of YearCurve
        One for each year.
    discount : array [1] (year)
    opening : float [allowance]
        Allowances carried into the first year.
    joined : array of bool (year)
        Years that share their price with the next whatever happens (unlimited borrowing).
    separate : array of bool (year)
        Years that nothing is carried out of: they never share a price with the next.
    floor : array [CNY/tCO2e] (year)
        Discounted price below which allowances of a year are kept for good.
    root : callable
        ``lowest_price`` or ``highest_price``.
    top : float
        Highest undiscounted price that matters.
    """
    pools: list[Pool] = []

    def price(first: int, last: int) -> float:
        handed = opening if first == 0 else 0.0
        years = slice(first, last + 1)
        return max(root(pooled_demand(curves[years], discount[years], handed), top), float(floor[years].max()))

    # Years that always share their price are one from the start: alone, one of them might seem to need its elders.
    ends = np.flatnonzero(~joined[:-1]).tolist()
    for first, last in zip([0, *(end + 1 for end in ends)], [*ends, len(curves) - 1], strict=True):
        pools.append(Pool(first, last, price(first, last)))
        while len(pools) > 1 and not separate[pools[-2].last] and pools[-1].price > pools[-2].price:
            after, before = pools.pop(), pools.pop()
            pools.append(Pool(before.first, after.last, price(before.first, after.last)))
    return pools


def _first(count: int, holds: Callable[[int], bool]) -> int:
    """Smallest index at which a condition that stays true once true holds, or ``count``."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _inside(demand: PooledDemand, low: float, high: float, *, lowest: bool) -> float:
    """Price between two corners at which net demand crosses zero: on a straight line unless units move smoothly."""
    if demand.smooth and lowest:
        return _crossing(lambda price: demand.sides(price)[1] - demand.tolerance, low, high, demand.tolerance)[1]
    if demand.smooth:
        return _crossing(lambda price: demand.sides(price)[0] + demand.tolerance, low, high, demand.tolerance)[0]
    above, below = demand.sides(low)[1], demand.sides(high)[0]
    if above <= below:
        return high
    return low + (high - low) * min(above / (above - below), 1.0)


def _crossing(excess: Callable[[float], float], low: float, high: float, tolerance: float) -> tuple[float, float]:
    """Neighbouring prices between which a falling function crosses zero, by secants inside a halving bracket."""
    above, below = excess(low), excess(high)
    for turn in range(SEARCHES):
        width = high - low
        if width <= 4e-16 * high:
            break
        guess = low + width * (above / (above - below)) if above > below and turn % 3 else low + 0.5 * width
        # A guess on an end would not shrink the bracket.
        guess = min(max(guess, low + 1e-3 * width), high - 1e-3 * width)
        if not low < guess < high:
            break
        value = excess(guess)
        if abs(value) <= tolerance:
            return guess, guess
        if value > 0:
            low, above = guess, value
        else:
            high, below = guess, value
    return low, high


def _halve(holds: Callable[[float], bool], low: float, high: float) -> float:
    """Smallest price in (low, high] at which a condition that stays true once true holds."""
    for _ in range(SEARCHES):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        if holds(middle):
            high = middle
        else:
            low = middle
    return high
