"""Net demand of many smooth best-response units at once, from tables made once and read at every price.

A unit that moves along one channel has finitely many corners (of its abatement curve and of its rule). Between two
of them its marginal cost and the rule's marginal signal are straight lines for every rule of the law, so the only
other candidate there is where the two meet, and it has a closed form. Comparing all candidates of all units is then
a few array operations, instead of a search in each unit at each price.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from carbonsim.market.best_response import INSIDE, TIE, Unit, unit_corners
from carbonsim.market.supply import Array

STRAIGHT = 1e-9  # departure from the chord, as a share of the largest value on it, at which a line counts as straight


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """One stretch between two corners: cuts, marginal cost and ``1 - dA/de`` at its two ends."""

    left: float
    right: float
    cost_low: float
    cost_high: float
    signal_low: float
    signal_high: float


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """Corners and pieces of several units, flat, each with the position of its unit.

    ``corner_*`` hold cost, net demand before the obligation share (emissions less allowances) and emissions at each
    corner; ``piece_*`` the same at the left end of each piece, its width and its two lines. ``order`` sorts corners
    and pieces together by unit, ``starts`` are the first of each unit in that order.
    """

    share: Array
    scale: Array
    corner_unit: NDArray[np.intp]
    corner: Array
    piece_unit: NDArray[np.intp]
    piece: Array
    lines: Array
    order: NDArray[np.intp]
    starts: NDArray[np.intp]

    def net(self, price: float, rent: float, covered: float) -> tuple[float, float]:
        """Net demand of all units at a price, after offsets: with the highest and the lowest of equal answers.

        Parameters
        ----------
        price : float [CNY/tCO2e]
        rent : float [CNY/tCO2e]
            Worth of the offset entitlement per tonne of obligation.
        covered : float [1]
            Share of obligations that offsets cover.
        """
        cost, net, emissions = np.concatenate([self.corner, self._inside(price, rent)], axis=1)
        unit = np.concatenate([self.corner_unit, self.piece_unit])
        value = (cost + self.share[unit] * (price * net - rent * emissions))[self.order]
        unit = unit[self.order]
        best = np.minimum.reduceat(value, self.starts)
        slack = TIE * (np.abs(best) + self.share * price * self.scale) + 1e-12
        tied = value <= (best + slack)[unit]
        after = (self.share[np.concatenate([self.corner_unit, self.piece_unit])] * (net - covered * emissions))[
            self.order
        ]
        most = np.maximum.reduceat(np.where(tied, after, -np.inf), self.starts)
        least = np.minimum.reduceat(np.where(tied, after, np.inf), self.starts)
        return float(most.sum()), float(least.sum())

    def _inside(self, price: float, rent: float) -> Array:
        """Cost, net demand and emissions where marginal cost meets the signal; infinite cost where they do not meet."""
        share = self.share[self.piece_unit]
        cost_low, cost_high, signal_low, signal_high, width = self.lines
        slope_low = cost_low - share * (price * signal_low - rent)
        slope_high = cost_high - share * (price * signal_high - rent)
        meets = (slope_low < 0) & (slope_high > 0)
        rise = np.where(meets, slope_high - slope_low, 1.0)
        part = np.where(meets, -slope_low / rise, 0.0)
        cost = self.piece[0] + width * part * (cost_low + 0.5 * (cost_high - cost_low) * part)
        net = self.piece[1] - width * part * (signal_low + 0.5 * (signal_high - signal_low) * part)
        return np.stack([np.where(meets, cost, np.inf), net, self.piece[2] - width * part])


def tabulate(units: Sequence[Unit]) -> tuple[Tables | None, tuple[int, ...]]:
    """Tables of the units that have one, and the positions of those that must be asked one by one.

    Parameters
    ----------
    units : sequence of Unit

    Returns
    -------
    tuple
        Tables (None if no unit has one), and the positions without: units that move along two channels at once, and
        rules whose signal bends between corners.
    """
    rows, left_out = [], []
    for position, unit in enumerate(units):
        pieces = None if unit.key.capacity > 0 and unit.other.capacity > 0 else _pieces(unit)
        if pieces is None:
            left_out.append(position)
        else:
            rows.append((unit, *pieces))
    if not rows:
        return None, tuple(left_out)
    corner_unit = np.repeat(np.arange(len(rows)), [len(cuts) for _, cuts, _ in rows])
    piece_unit = np.repeat(np.arange(len(rows)), [len(pieces) for _, _, pieces in rows])
    corner = np.concatenate([_values(unit, cuts) for unit, cuts, _ in rows], axis=1)
    piece = np.concatenate([_values(unit, np.array([p.left for p in pieces])) for unit, _, pieces in rows], axis=1)
    lines = np.array(
        [[p.cost_low, p.cost_high, p.signal_low, p.signal_high, p.right - p.left] for _, _, ps in rows for p in ps]
    ).reshape(-1, 5)
    together = np.concatenate([corner_unit, piece_unit])
    order = np.argsort(together, kind="stable")
    tables = Tables(
        share=np.array([unit.share for unit, _, _ in rows]),
        scale=np.array([unit.term.key + unit.term.other for unit, _, _ in rows]),
        corner_unit=corner_unit, corner=corner, piece_unit=piece_unit, piece=piece, lines=lines.T, order=order,
        starts=np.searchsorted(together[order], np.arange(len(rows))),
    )  # fmt: skip
    return tables, tuple(left_out)


def _values(unit: Unit, cuts: Array) -> Array:
    """Cost, emissions less allowances, and emissions after cuts along the unit's one channel, (3, cut)."""
    zero = np.zeros_like(cuts)
    key, other = (cuts, zero) if unit.other.capacity == 0 else (zero, cuts)
    emissions = unit.term.key + unit.term.other - cuts
    cost = unit.key.cost(key) + unit.other.cost(other)
    return np.stack([cost, emissions - unit.allowances(key, other), emissions])


def _pieces(unit: Unit) -> tuple[Array, list[Piece]] | None:
    """Corners of the unit and the straight pieces between them, or None if a piece bends."""
    along_key = unit.other.capacity == 0
    curve, axis = (unit.key, 0) if along_key else (unit.other, 1)
    cuts = np.unique(unit_corners(unit)[axis])
    weight = unit.term.weight

    def signal(cut: float) -> float:
        key, other = (cut, 0.0) if along_key else (0.0, cut)
        return 1.0 - unit.rule.gradient((unit.term.key - key) / weight, (unit.term.other - other) / weight)[axis]

    pieces = []
    for left, right in itertools.pairwise(cuts):
        margin = INSIDE * (right - left)
        ends = (float(left + margin), float(right - margin))
        cost, felt = [curve.marginal(cut) for cut in ends], [signal(cut) for cut in ends]
        middle = 0.5 * (ends[0] + ends[1])
        if _bends(curve.marginal(middle), cost) or _bends(signal(middle), felt):
            return None
        pieces.append(Piece(float(left), float(right), *_to_corners(cost), *_to_corners(felt)))
    return cuts, pieces


def _to_corners(ends: Sequence[float]) -> tuple[float, float]:
    """Values at the corners themselves, from values read just inside them on a straight line."""
    step = (ends[1] - ends[0]) * INSIDE / (1 - 2 * INSIDE)
    return ends[0] - step, ends[1] + step


def _bends(middle: float, ends: Sequence[float]) -> bool:
    size = max(abs(ends[0]), abs(ends[1]), abs(middle))
    return abs(middle - 0.5 * (ends[0] + ends[1])) > STRAIGHT * size
