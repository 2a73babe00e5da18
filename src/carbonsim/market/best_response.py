"""The best answer of one unit of account to an allowance price, for rules that are no affine function.

The unit minimises its abatement cost plus the price times its net demand. The rule may bend the wrong way, so
first-order conditions are not enough: all corners of both channels and of the rule are compared, and the interior
points between them where the marginal cost meets the rule's marginal signal.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from carbonsim.allocation.core import ObligationRule
from carbonsim.market.channel import Channel, merit_order
from carbonsim.market.clearing import TermAnswer
from carbonsim.market.problem import MarketProblem, ResponseTerm
from carbonsim.market.supply import Array

INSIDE = 1e-9  # distance from a corner, as a share of the piece, at which a gradient is read
TIE = 1e-12  # answers whose objective differs by less than this share are equally good
SAME = 1e-11  # share of emissions and of cost by which a mean of answers is the answer at their mean
STRAIGHT = 1e-13  # slope left at the end of the chord, as a share of its rise, at which the slope counts as straight
BISECTIONS = 100
POLISH = 60


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """A response term made ready: its two abatement curves, its rule and its share of the obligation."""

    term: ResponseTerm
    rule: ObligationRule
    key: Channel
    other: Channel
    share: float

    def allowances(self, key_cut: Array, other_cut: Array) -> Array:
        """Free allocation, before the obligation share, after the given cuts."""
        weight = self.term.weight
        key = np.maximum(self.term.key - key_cut, 0.0) / weight
        other = np.maximum(self.term.other - other_cut, 0.0) / weight
        return np.asarray(weight * np.asarray(self.rule.amount(key, other), dtype=float))


@dataclass(frozen=True, slots=True)
class Answers:
    """The two ends of the equally good answers at a price: with the highest and with the lowest net demand."""

    most: TermAnswer
    least: TermAnswer
    net_most: float
    net_least: float


def make_unit(problem: MarketProblem, term: ResponseTerm) -> Unit:
    """The unit of a response term with its abatement curves."""
    y = problem.year.index(term.year)
    key, other = (_curve(problem, list(options), y) for options in (term.key_options, term.other_options))
    return Unit(term, term.rule, key, other, float(problem.share[term.enterprise, y]))


def best_answers(unit: Unit, price: float, rent: float = 0.0) -> Answers:
    """The unit's best answers to a price.

    Parameters
    ----------
    unit : Unit
    price : float [CNY/tCO2e]
        Not negative.
    rent : float [CNY/tCO2e]
        Worth of the offset entitlement that comes with a tonne of obligation: share limit times (price - offset
        price); 0 without offsets limited by obligations.

    Returns
    -------
    Answers
        Net demand there is share * (emissions - allowances), before offsets.
    """
    key_cut, other_cut = unit_corners(unit)
    key_cut, other_cut = _with_interior(unit, price, rent, key_cut, other_cut)
    value = _objective(unit, price, rent, key_cut, other_cut)
    best = float(value.min())
    scale = unit.term.key + unit.term.other
    slack = TIE * (abs(best) + unit.share * price * scale) + 1e-12
    tied = np.flatnonzero(value <= best + slack)
    emissions = scale - key_cut[tied] - other_cut[tied]
    allowances = unit.allowances(key_cut[tied], other_cut[tied])
    net = unit.share * (emissions - allowances)
    high, low = int(np.argmax(net)), int(np.argmin(net))
    return Answers(
        most=_answer(unit, key_cut[tied][high], other_cut[tied][high]),
        least=_answer(unit, key_cut[tied][low], other_cut[tied][low]),
        net_most=float(net[high]),
        net_least=float(net[low]),
    )


def mix_answers(unit: Unit, first: TermAnswer, second: TermAnswer, weight: float) -> TermAnswer:
    """``1 - weight`` of the first answer and ``weight`` of the second; no mix where one answer comes to the same."""
    if weight <= 0:
        return first
    if weight >= 1:
        return second
    key_cut, other_cut, cost, allowances = (
        (1 - weight) * getattr(first, name) + weight * getattr(second, name)
        for name in ("key_cut", "other_cut", "cost", "allowances")
    )
    alone = _answer(unit, key_cut, other_cut)
    same = abs(alone.allowances - allowances) <= SAME * (unit.term.key + unit.term.other)
    if same and abs(alone.cost - cost) <= SAME * (abs(first.cost) + abs(second.cost)):
        return alone
    return TermAnswer(key_cut, other_cut, cost, allowances, mix=weight)


def _curve(problem: MarketProblem, options: list[int], y: int) -> Channel:
    table = problem.options
    return merit_order(table.potential[options, y], table.unit_cost[options, y], table.slope[options, y])


def _answer(unit: Unit, key_cut: float, other_cut: float) -> TermAnswer:
    key, other = np.array(key_cut), np.array(other_cut)
    cost = float(unit.key.cost(key) + unit.other.cost(other))
    return TermAnswer(float(key_cut), float(other_cut), cost, float(unit.allowances(key, other)))


def _objective(unit: Unit, price: float, rent: float, key_cut: Array, other_cut: Array) -> Array:
    emissions = unit.term.key + unit.term.other - key_cut - other_cut
    net = emissions - unit.allowances(key_cut, other_cut)
    cost = unit.key.cost(key_cut) + unit.other.cost(other_cut)
    return np.asarray(cost + unit.share * (price * net - rent * emissions))


def unit_corners(unit: Unit) -> tuple[Array, Array]:
    """Every pair of cuts at which a curve or the rule has a corner."""
    weight, term = unit.term.weight, unit.term
    key_kinks = [term.key - weight * kink for kink in unit.rule.key_kinks()]
    key = _inside(np.concatenate([[0.0], unit.key.end, key_kinks]), unit.key.capacity)
    other = _inside(np.concatenate([[0.0], unit.other.end]), unit.other.capacity)
    pairs = [np.stack([array.ravel() for array in np.meshgrid(key, other, indexing="ij")])]
    for by_key, by_other, level in _kink_lines(unit):
        if by_other:
            pairs.append(np.stack([key, (level - by_key * key) / by_other]))
        if by_key:
            pairs.append(np.stack([(level - by_other * other) / by_key, other]))
    grid = np.concatenate(pairs, axis=1)
    tolerance = 1e-12 * (term.key + term.other)
    limit = np.array([[unit.key.capacity], [unit.other.capacity]])
    possible = np.all((grid >= -tolerance) & (grid <= limit + tolerance), axis=0)
    grid = np.unique(np.clip(grid[:, possible], 0.0, limit), axis=1)
    return grid[0], grid[1]


def _kink_lines(unit: Unit) -> list[tuple[float, float, float]]:
    """Lines ``a * key_cut + b * other_cut = c`` on which the rule has a kink that is not one of the key channel."""
    weight, term = unit.term.weight, unit.term
    lines = [(1.0, 1.0, kink) for kink in unit.rule.total_kinks()] + list(unit.rule.mixed_kinks())
    return [(a, b, a * term.key + b * term.other - weight * level) for a, b, level in lines]


def _inside(cuts: Array, capacity: float) -> Array:
    return np.unique(cuts[(cuts >= 0) & (cuts <= capacity)])


def _with_interior(unit: Unit, price: float, rent: float, key_cut: Array, other_cut: Array) -> tuple[Array, Array]:
    """The corners, and the best points between corners that differ in one channel, polished over both."""
    found = []
    if unit.key.capacity > 0:
        found += _between(other_cut, key_cut, lambda fixed, x: _slope(unit, price, rent, x, fixed)[0], swap=True)
    if unit.other.capacity > 0:
        found += _between(key_cut, other_cut, lambda fixed, x: _slope(unit, price, rent, fixed, x)[1], swap=False)
    if not found:
        return key_cut, other_cut
    extra = np.array(found)
    if unit.key.capacity > 0 and unit.other.capacity > 0:
        extra = np.vstack([extra, _polish(unit, price, rent, extra)])
    return np.concatenate([key_cut, extra[:, 0]]), np.concatenate([other_cut, extra[:, 1]])


def _slope(unit: Unit, price: float, rent: float, key_cut: float, other_cut: float) -> tuple[float, float]:
    """Change of the objective per tonne cut in each channel, inside a smooth piece."""
    weight = unit.term.weight
    gradient = unit.rule.gradient((unit.term.key - key_cut) / weight, (unit.term.other - other_cut) / weight)
    signal = [unit.share * (price * (1 - slope) - rent) for slope in gradient]
    key = unit.key.marginal(key_cut) - signal[0] if unit.key.capacity > 0 else 0.0
    other = unit.other.marginal(other_cut) - signal[1] if unit.other.capacity > 0 else 0.0
    return key, other


def _between(
    fixed: Array, moving: Array, slope: Callable[[float, float], float], *, swap: bool
) -> list[tuple[float, float]]:
    """Interior minima along the moving channel, for each corner value of the fixed one."""
    found = []
    for value in np.unique(fixed):
        cuts = np.unique(moving[fixed == value])
        for left, right in itertools.pairwise(cuts):
            cut = _root(functools.partial(slope, float(value)), float(left), float(right))
            if cut is not None:
                found.append((cut, float(value)) if swap else (float(value), cut))
    return found


def _root(slope: Callable[[float], float], left: float, right: float) -> float | None:
    """Where the objective stops falling inside (left, right), or None if it does not turn there."""
    width = right - left
    low, high = left + INSIDE * width, right - INSIDE * width
    at_low, at_high = slope(low), slope(high)
    if not (at_low < 0 < at_high):
        return None
    # Between corners the slope is a straight line for every rule of the law, so the chord already meets the root.
    chord = low - at_low * (high - low) / (at_high - at_low)
    if low < chord < high and abs(slope(chord)) <= STRAIGHT * (at_high - at_low):
        return chord
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        if slope(middle) < 0:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def _polish(unit: Unit, price: float, rent: float, points: Array) -> Array:
    """Minima over both channels at once, by turns, from the best point found along one."""
    start = points[int(np.argmin(_objective(unit, price, rent, points[:, 0], points[:, 1])))]
    key_cut, other_cut = float(start[0]), float(start[1])
    corners = unit_corners(unit)
    for _ in range(POLISH):
        before = (key_cut, other_cut)
        key_cut = _best_along(unit, price, rent, corners[0], other_cut, along_key=True)
        other_cut = _best_along(unit, price, rent, corners[1], key_cut, along_key=False)
        if abs(key_cut - before[0]) + abs(other_cut - before[1]) <= 1e-14 * (unit.term.key + unit.term.other):
            break
    return np.array([[key_cut, other_cut]])


def _best_along(unit: Unit, price: float, rent: float, corners: Array, fixed: float, *, along_key: bool) -> float:
    kinks = [
        (level - (b if along_key else a) * fixed) / (a if along_key else b)
        for a, b, level in _kink_lines(unit)
        if (a if along_key else b)
    ]
    curve = unit.key if along_key else unit.other
    cuts = _inside(np.concatenate([corners, kinks]), curve.capacity)
    if along_key:
        inner = _between(np.full_like(cuts, fixed), cuts, lambda o, x: _slope(unit, price, rent, x, o)[0], swap=True)
        candidates = np.concatenate([cuts, [key for key, _ in inner]])
        value = _objective(unit, price, rent, candidates, np.full_like(candidates, fixed))
    else:
        inner = _between(np.full_like(cuts, fixed), cuts, lambda k, x: _slope(unit, price, rent, k, x)[1], swap=False)
        candidates = np.concatenate([cuts, [other for _, other in inner]])
        value = _objective(unit, price, rent, np.full_like(candidates, fixed), candidates)
    return float(candidates[int(np.argmin(value))])
