"""The cheapest way to cut one channel of emissions: merit order of its options as one marginal cost curve."""

from __future__ import annotations

import bisect
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from carbonsim.market.supply import Array


@dataclass(frozen=True, slots=True, eq=False)
class Channel:
    """Marginal cost of a total cut x, piecewise linear: segment j runs from ``start[j]`` to ``end[j]`` tonnes with
    marginal cost from ``low[j]`` to ``high[j]``; ``paid[j]`` is the cost of everything before it.
    """

    start: Array
    end: Array
    low: Array
    high: Array
    paid: Array
    table: tuple[tuple[float, ...], ...]  # start, end, low and high as plain numbers, for one look-up at a time

    @property
    def capacity(self) -> float:
        """The largest cut."""
        return float(self.end[-1]) if len(self.end) else 0.0

    def segment(self, cut: Array) -> NDArray[np.intp]:
        """Segment that each cut lies in."""
        return np.clip(np.searchsorted(self.end, cut, side="left"), 0, max(len(self.end) - 1, 0))

    def cost(self, cut: Array) -> Array:
        """Cost of each total cut."""
        if not len(self.end):
            return np.zeros_like(cut)
        j = self.segment(cut)
        depth = np.clip(cut - self.start[j], 0.0, None)
        width = self.end[j] - self.start[j]
        return np.asarray(self.paid[j] + depth * (self.low[j] + 0.5 * (self.high[j] - self.low[j]) * depth / width))

    def marginal(self, cut: float) -> float:
        """Marginal cost just after a cut strictly inside the curve."""
        start, end, low, high = self.table
        j = min(bisect.bisect_right(end, cut), len(end) - 1)
        return low[j] + (high[j] - low[j]) * (cut - start[j]) / (end[j] - start[j])


def merit_order(potential: Array, unit_cost: Array, slope: Array) -> Channel:
    """The least-cost curve of options used side by side.

    Parameters
    ----------
    potential, unit_cost, slope : array (option)
        As in ``Options``, of one year.
    """
    kept = potential > 0
    potential, unit_cost, slope = potential[kept], unit_cost[kept], slope[kept]
    top = unit_cost + slope * potential
    levels = np.unique(np.concatenate([unit_cost, top]))
    segments: list[tuple[float, float, float]] = []
    for k, level in enumerate(levels):
        flat = float(potential[(unit_cost == level) & (top == level)].sum())
        if flat > 0:
            segments.append((flat, level, level))
        if k + 1 < len(levels):
            rising = (unit_cost <= level) & (top >= levels[k + 1]) & (top > unit_cost)
            width = float(np.sum((levels[k + 1] - level) / slope[rising]))
            if width > 0:
                segments.append((width, level, float(levels[k + 1])))
    table = np.array(segments, dtype=float).reshape(-1, 3)
    end = np.cumsum(table[:, 0])
    spent = np.cumsum(table[:, 0] * 0.5 * (table[:, 1] + table[:, 2]))
    before = spent - table[:, 0] * 0.5 * (table[:, 1] + table[:, 2])
    arrays = (end - table[:, 0], end, table[:, 1], table[:, 2])
    return Channel(*arrays, before, tuple(tuple(array.tolist()) for array in arrays))


def split_cut(cut: float, potential: Array, unit_cost: Array, slope: Array) -> Array:
    """Use of each option when together they cut ``cut`` at least cost; equal costs share pro rata."""
    use = np.zeros_like(potential)
    curve = merit_order(potential, unit_cost, slope)
    if cut <= 0 or not len(curve.end):
        return use
    j = int(curve.segment(np.array(cut)))
    share = (cut - curve.start[j]) / (curve.end[j] - curve.start[j])
    level = curve.low[j] + (curve.high[j] - curve.low[j]) * share
    rising = slope > 0
    use[rising] = np.clip((level - unit_cost[rising]) / slope[rising], 0.0, potential[rising])
    use[~rising] = np.where(unit_cost[~rising] < level, potential[~rising], 0.0)
    if curve.low[j] == curve.high[j]:
        tied = ~rising & (unit_cost == level)
        use[tied] = potential[tied] * share
    return use
