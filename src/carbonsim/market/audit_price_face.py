"""All conditions on prices and worths that published quantities imply, as differences: what a price may be.

A condition reads x_i - x_j <= c in present values, where x is the market's price, a place's price, the worth of an
allowance to an enterprise in a year, or zero. Such sets have a least and a greatest point; both are found by relaxing
the conditions one by one, without a solver.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.intp]

SWEEPS = 400
SLACK = 1e-10
SETTLED = 1e-13  # change of a sweep, as a share of the largest value, below which the points are found


@dataclass(eq=False)
class Face:
    """Conditions between ``size`` numbers and a zero, grouped by the name of the line that reports them."""

    size: int
    high: dict[str, list[Index]] = field(default_factory=dict)
    low: dict[str, list[Index]] = field(default_factory=dict)
    bound: dict[str, list[Array]] = field(default_factory=dict)
    combined: list[tuple[str, tuple[int, ...], tuple[float, ...], tuple[float, float]]] = field(default_factory=list)
    complete: bool = True

    def differ(self, name: str, high: Index | int, low: Index | int, most: Array | float) -> None:
        """x[high] - x[low] <= most, element by element; conditions without a bound (inf) are left out."""
        first, second, limit = np.broadcast_arrays(np.asarray(high), np.asarray(low), np.asarray(most, dtype=float))
        real = np.isfinite(limit)
        self.high.setdefault(name, []).append(first[real].astype(np.intp))
        self.low.setdefault(name, []).append(second[real].astype(np.intp))
        self.bound.setdefault(name, []).append(limit[real])

    def at_most(self, name: str, node: Index | int, most: Array | float) -> None:
        """x[node] <= most."""
        self.differ(name, node, self.size, most)

    def at_least(self, name: str, node: Index | int, least: Array | float) -> None:
        """x[node] >= least."""
        self.differ(name, self.size, node, -np.asarray(least, dtype=float))

    def combine(self, name: str, nodes: tuple[int, ...], factors: tuple[float, ...], ends: tuple[float, float]) -> None:
        """ends[0] <= sum of factor times x[node] <= ends[1]."""
        self.combined.append((name, nodes, factors, ends))
        self.differ(name, self.size, self.size, 0.0)

    def worst(self, name: str, values: Array, floor: float) -> tuple[float, int]:
        """Largest violation of the conditions of a name at given numbers, relative to them, and whose it is."""
        high, low, bound = (np.concatenate(part[name]) for part in (self.high, self.low, self.bound))
        if not len(bound):
            return 0.0, 0
        known = np.append(values, 0.0)
        left, right = known[high], known[low]
        size = np.maximum(np.maximum(np.maximum(np.abs(left), np.abs(right)), np.abs(bound)), floor)
        residual = np.maximum(left - right - bound, 0.0) / size
        residual = np.where(np.isnan(residual), np.inf, residual)
        at = int(np.argmax(residual))
        found = float(residual[at]), int(high[at] if high[at] != self.size else low[at])
        for label, nodes, factors, ends in self.combined:
            if label == name:
                parts = known[list(nodes)] * np.array(factors)
                outside = max(ends[0] - float(parts.sum()), float(parts.sum()) - ends[1], 0.0)
                found = max(found, (outside / max(float(np.abs(parts).max()), floor), nodes[0]))
        return found

    def ends(self) -> tuple[Array, Array]:
        """The least and the greatest value that each number may have; infinite where nothing bounds it."""
        high, low, bound = (
            np.concatenate([one for part in group.values() for one in part])
            for group in (self.high, self.low, self.bound)
        )
        greatest = np.append(np.full(self.size, np.inf), 0.0)
        least = np.append(np.full(self.size, -np.inf), 0.0)
        for _ in range(SWEEPS):
            before = greatest.copy(), least.copy()
            np.minimum.at(greatest, high, greatest[low] + bound)
            np.maximum.at(least, low, least[high] - bound)
            greatest[-1] = least[-1] = 0.0
            if _still(before[0], greatest) and _still(before[1], least):
                break
        return least[:-1], greatest[:-1]

    def ends_by_programme(self, nodes: Index) -> tuple[Array, Array]:
        """The same ends of some numbers by linear programmes, for conditions that are no differences."""
        from scipy.optimize import linprog

        rows, limit, ranges = self._programme()
        least, greatest = np.full(self.size, -np.inf), np.full(self.size, np.inf)
        for node in nodes:
            for sign, ends_found in ((1.0, least), (-1.0, greatest)):
                cost = np.zeros(self.size + 1)
                cost[node] = sign
                answer = linprog(cost, A_ub=rows, b_ub=limit, bounds=ranges)
                if answer.status == 0:
                    ends_found[node] = sign * float(answer.fun or 0.0)
        return least, greatest

    def least_sum(self, nodes: Index) -> float:
        """The least that some numbers add up to; minus infinity where nothing bounds it."""
        from scipy.optimize import linprog

        rows, limit, ranges = self._programme()
        cost = np.zeros(self.size + 1)
        cost[nodes] = 1.0
        answer = linprog(cost, A_ub=rows, b_ub=limit, bounds=ranges)
        return float(answer.fun or 0.0) if answer.status == 0 else -np.inf

    def _programme(self) -> tuple[Array, Array, list[tuple[float | None, float | None]]]:
        """All conditions as rows of what is at most a limit, and the ends of each number."""
        high, low, bound = (
            np.concatenate([one for part in group.values() for one in part])
            for group in (self.high, self.low, self.bound)
        )
        rows = np.zeros((len(bound) + 2 * len(self.combined), self.size + 1))
        rows[np.arange(len(bound)), high] += 1.0
        rows[np.arange(len(bound)), low] -= 1.0
        limit = np.append(bound, np.zeros(2 * len(self.combined)))
        for k, (_, own, factors, ends) in enumerate(self.combined):
            for sign, at in ((1.0, len(bound) + 2 * k), (-1.0, len(bound) + 2 * k + 1)):
                np.add.at(rows[at], list(own), sign * np.array(factors))
                limit[at] = ends[1] if sign > 0 else -ends[0]
        # Published quantities leave rounding in the conditions.
        limit = limit + SLACK * np.maximum(np.abs(limit), 1.0)
        real = np.isfinite(limit)
        ranges: list[tuple[float | None, float | None]] = [(None, None)] * self.size + [(0.0, 0.0)]
        return rows[real], limit[real], ranges


def _still(before: Array, after: Array) -> bool:
    real = np.isfinite(after)
    if not np.array_equal(real, np.isfinite(before)):
        return False
    change = np.abs(after[real] - before[real])
    return bool(change.max(initial=0.0) <= SETTLED * max(1.0, float(np.abs(after[real]).max(initial=0.0))))
