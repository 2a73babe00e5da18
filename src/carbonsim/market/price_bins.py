"""Net demand of every year summed into logarithmic bins of the discounted price, and where each year's price lies.

A price is above an edge in the years of the prefix whose net demand just below that edge sums to the most. So one
cumulative sum over years at every edge tells every year's price to a bin or two, before anything is sorted.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from carbonsim.market.carry_over import carry_over
from carbonsim.market.problem import MarketProblem
from carbonsim.market.supply import Array
from carbonsim.market.thresholds import Pieces, Thresholds, batches, join_pieces

IntArray = NDArray[np.intp]
MANTISSA: Final = 6  # bits of the mantissa in a bin's number: 64 bins for each doubling of the price
DOUBLINGS: Final = 24  # of the price that have bins of their own, below the highest threshold
CERTAIN: Final = 1e-9  # share of all quantities that net demand at an edge must exceed to tell the side of the price


@dataclass(frozen=True, slots=True, eq=False)
class Bank:
    """How years hang together.

    ``handed`` (year) is what a year is given on top of its own supply: the opening bank, and the change of the limit
    of what may be owed, so that the bank counted from it is never negative. ``block`` (year) numbers the years that
    always share their discounted price; ``kept`` (block) says whether what is left serves the next block. ``floor``
    is the discounted price below which allowances of the last year are kept for good.
    """

    handed: Array
    block: IntArray
    kept: NDArray[np.bool_]
    floor: float

    def years(self, first: int, last: int) -> slice:
        """The years of adjacent blocks."""
        return slice(*(int(y) for y in np.searchsorted(self.block, [first, last + 1])))

    def by_block(self, values: Array) -> Array:
        """Sums over the years of each block; years are the first axis."""
        return np.add.reduceat(values, np.flatnonzero(np.diff(self.block, prepend=-1)), axis=0)

    def chains(self) -> list[slice]:
        """Blocks that the bank connects."""
        ends = [*np.flatnonzero(~self.kept[:-1]) + 1, len(self.kept)]
        return [slice(int(start), int(stop)) for start, stop in itertools.pairwise([0, *ends])]


def bank_of(problem: MarketProblem) -> Bank:
    """The bank of a problem, with or without banking."""
    carry = carry_over(problem)
    handed = -carry.demand_shift()
    handed[0] += problem.opening_bank
    block = np.concatenate([[0], np.cumsum(~carry.joined[:-1])]).astype(np.intp)
    last = np.flatnonzero(np.diff(block, append=block[-1] + 1))
    return Bank(handed, block, carry.kept[last], float(carry.floor(problem.discount)[-1]))


@dataclass(frozen=True, slots=True, eq=False)
class Bins:
    """Net demand (year, edge) just below each edge, less what the year is handed.

    ``edge`` runs from 0 to ``inf``; the last finite one is above every threshold. ``size`` (year) is all finite
    quantities of a year together, the scale of rounding.
    """

    edge: Array
    net: Array
    size: Array


def fill_bins(found: Thresholds, bank: Bank) -> Bins:
    """Bins numbered by the leading bits of a threshold: each is 1/64 of its price wide."""
    parts = join_pieces([found.pieces, found.steps])
    top = max(_largest(found.at), float(parts.high.max(initial=0.0)), 1.0)
    shift = 52 - MANTISSA
    count = DOUBLINGS << MANTISSA
    lowest = (int(np.float64(top).view(np.int64)) >> shift) - count
    lead = np.arange(lowest + 1, lowest + count + 2, dtype=np.int64) << shift
    edge = np.concatenate([[0.0], lead.view(np.float64), [np.inf]])

    def number(price: Array) -> IntArray:
        key = np.ascontiguousarray(price).view(np.int64) >> shift
        key -= lowest
        return np.clip(key, 0, count, out=key)

    years, width = len(found.base), count + 1
    inside = np.zeros((years, width))
    for rows in batches(*found.at.shape):
        at, drop = found.at[rows], found.drop[rows]
        place = number(at) + np.arange(years) * width
        # What is used below price 0 is in the base.
        drop = np.where(at < 0, 0.0, drop) if at.min() < 0 else drop
        inside += _summed(place.reshape(-1), drop.reshape(-1), inside.shape)
    finite = np.where(np.isinf(parts.drop), 0.0, parts.drop)
    total = inside.sum(axis=1) + np.bincount(parts.year, weights=finite, minlength=years)
    _add_pieces(inside, parts, (number(parts.low), number(parts.high)), edge)
    base = found.base - bank.handed
    below = base[:, None] - np.cumsum(inside, axis=1)
    # Nothing lies above the last finite edge, so net demand is the same just below infinity.
    net = np.column_stack([base, below, below[:, -1]])
    return Bins(edge, net, np.abs(base) + np.abs(bank.handed) + total)


def _largest(at: Array) -> float:
    """Largest finite threshold, 0 if there is none."""
    most = float(at.max(initial=0.0))
    return most if np.isfinite(most) else float(at.max(initial=0.0, where=np.isfinite(at)))


def _summed(place: IntArray, weights: Array, shape: tuple[int, int]) -> Array:
    total = np.bincount(place, weights=weights, minlength=shape[0] * shape[1])
    return np.asarray(total.reshape(shape), dtype=float)


def _add_pieces(inside: Array, parts: Pieces, bins: tuple[IntArray, IntArray], edge: Array) -> None:
    """Add to each bin the fall of net demand that pieces have in it.

    A piece lies in one bin, or has a part in its first, a part in its last and an even slope in between; so no two
    large numbers cancel, however steep it is.
    """
    first, last = bins
    row, one = parts.year * inside.shape[1], first == last
    inside += _summed((row + first)[one], parts.drop[one], inside.shape)
    if one.all():
        return
    many, row, first, last = parts.of(~one), row[~one], first[~one], last[~one]
    slope = many.drop / (many.high - many.low)
    inside += _summed(row + first, slope * (edge[first + 1] - many.low), inside.shape)
    inside += _summed(row + last, slope * (many.high - edge[last]), inside.shape)
    steep = _summed(row + first + 1, slope, inside.shape) - _summed(row + last, slope, inside.shape)
    inside += np.maximum(np.cumsum(steep, axis=1), 0.0) * np.diff(edge[:-1])


def bracket_prices(bins: Bins, bank: Bank) -> tuple[IntArray, IntArray]:
    """Numbers of the edges between which the lowest and the highest price of each block lie, (block) each."""
    net, size = bank.by_block(bins.net), bank.by_block(bins.size)
    edges = np.arange(len(bins.edge))
    inner = (edges > 0) & (edges < edges[-1])
    # Whatever is left in the last year is kept below the floor, as if it were asked for.
    net[-1, inner & (bins.edge <= bank.floor)] = np.inf
    low, high = (np.zeros(len(net), dtype=np.intp) for _ in range(2))
    for chain in bank.chains():
        total = np.cumsum(net[chain], axis=0)
        later = np.maximum.accumulate(total[::-1], axis=0)[::-1]
        earlier = np.maximum.accumulate(np.vstack([np.zeros_like(total[:1]), total[:-1]]), axis=0)
        excess, certain = later - earlier, CERTAIN * float(size[chain].sum())
        low[chain] = np.where((excess > certain) & inner, edges, 0).max(axis=1)
        high[chain] = np.where((excess < -certain) & inner, edges, edges[-1]).min(axis=1)
    return low, np.maximum(high, low + 1)


def runs_of_blocks(low: IntArray, high: IntArray, bank: Bank) -> list[tuple[int, int]]:
    """First and last block of each run of blocks whose prices may be equal."""
    starts = [b for b in range(len(low)) if b == 0 or not bank.kept[b - 1] or high[b] <= low[b - 1]]
    return list(zip(starts, [*(start - 1 for start in starts[1:]), len(low) - 1], strict=True))
