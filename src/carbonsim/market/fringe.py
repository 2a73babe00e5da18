"""The others' supply of allowances to one enterprise as a curve, and that enterprise's best point on it.

Exact for step and linear marginal abatement costs: between two corners the price rises evenly with what is bought.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from carbonsim.errors import InfeasibleError
from carbonsim.market.channel import Channel, merit_order, split_cut
from carbonsim.market.problem import MarketProblem
from carbonsim.market.supply import Array


@dataclass(frozen=True, slots=True, eq=False)
class Best:
    """The leader's best year: net purchase, the price it gets, allowances withheld and the use of all options (o)."""

    position: float
    price: float
    withheld: float
    use: Array


@dataclass(frozen=True, slots=True, eq=False)
class SupplyCurve:
    """What the others part with at a price: corners in rising order of ``quantity`` and of ``price``.

    Between two corners price and quantity rise together on a straight line; equal quantities are a jump of the price,
    equal prices a step of the quantity. Below the first corner nothing more is bought back; beyond the last one no
    price brings more.
    """

    quantity: Array
    price: Array

    def at(self, quantity: float, *, high: bool) -> float:
        """Price at a quantity, at the higher or the lower end of a jump."""
        place = int(np.searchsorted(self.quantity, quantity, side="right" if high else "left"))
        if place == 0:
            return float(self.price[0])
        if place == len(self.quantity):
            # Beyond the last corner the others answer to no price: they need all of it, or spare no more.
            return float("inf")
        left, right = self.quantity[place - 1], self.quantity[place]
        part = (quantity - left) / (right - left) if right > left else 0.0
        return float(self.price[place - 1] + part * (self.price[place] - self.price[place - 1]))


def fixed_leader(problem: MarketProblem, leader: int, position: Array) -> MarketProblem:
    """The market of the others: the leader only trades its chosen position (year), buy > 0, whatever the price.

    What it sells is an allocation of that size and what it buys a negative one: with no obligation of its own it takes
    no part of the offsets and the fees that are split by obligations.
    """
    baseline, share, fixed = problem.baseline.copy(), problem.share.copy(), problem.fixed.copy()
    per_emission = problem.per_emission.copy()
    baseline[leader], fixed[leader] = 0.0, -position
    share[leader], per_emission[leader] = 1.0, 0.0
    mine = (problem.options.enterprise == leader)[:, None]
    options = dataclasses.replace(problem.options, potential=np.where(mine, 0.0, problem.options.potential))
    return dataclasses.replace(
        problem, baseline=baseline, share=share, fixed=fixed, per_emission=per_emission, options=options
    )


def fringe_curve(problem: MarketProblem, leader: int, y: int) -> SupplyCurve:
    """What all enterprises but one, and the supply steps, leave to that one in a year at each price from 0 up."""
    options, others = problem.options, np.arange(len(problem.enterprise)) != leader
    need = problem.share[:, y] * ((1 - problem.per_emission[:, y]) * problem.baseline[:, y] - problem.fixed[:, y])
    left = float(problem.supply[y]) - float(need[others].sum()) + (problem.opening_bank if y == 0 else 0.0)
    gain = (problem.option_share * problem.option_phi)[:, y]
    pieces: list[tuple[float, float, float]] = []
    for o in np.flatnonzero((options.enterprise != leader) & (options.potential[:, y] > 0) & (gain != 0)):
        size = float(options.potential[o, y])
        first = float(options.unit_cost[o, y]) / float(gain[o])
        last = (float(options.unit_cost[o, y]) + float(options.slope[o, y]) * size) / float(gain[o])
        pieces.append((first, last, float(gain[o]) * size))
    for step in problem.steps:
        if step.exists()[y]:
            pieces.append((float(step.price[y]), float(step.price[y]), float(step.quantity[y])))
    return _curve(left, pieces)


def _curve(left: float, pieces: list[tuple[float, float, float]]) -> SupplyCurve:
    """Corners of what is left at price 0 and all pieces (from price, to price, quantity)."""
    prices = sorted({0.0, *(p for piece in pieces for p in piece[:2] if p > 0)})
    quantities, corners = [], []
    for price in prices:
        before, after = left, left
        for first, last, size in pieces:
            low, high = min(first, last), max(first, last)
            if low == high:
                before += size if low < price else 0.0
                after += size if low <= price else 0.0
            else:
                part = size * min(max((price - low) / (high - low), 0.0), 1.0)
                before, after = before + part, after + part
        quantities += [before, after]
        corners += [price, price]
        if np.isinf(after):
            break
    return SupplyCurve(np.array(quantities), np.array(corners))


def best_position(problem: MarketProblem, leader: int, y: int) -> Best:
    """The net purchase of the leader in a year that costs it least, abatement and trade together.

    Raises
    ------
    InfeasibleError
        If the others cannot spare what the leader lacks with all its abatement.
    """
    options = problem.options
    mine = np.flatnonzero(options.enterprise == leader)
    channel = merit_order(options.potential[mine, y], options.unit_cost[mine, y], options.slope[mine, y])
    share, phi = float(problem.share[leader, y]), 1.0 - float(problem.per_emission[leader, y])
    weight = share * phi
    need = share * (phi * float(problem.baseline[leader, y]) - float(problem.fixed[leader, y]))
    curve = fringe_curve(problem, leader, y)
    least, most = need - weight * channel.capacity, max(need, 0.0)

    def cut(position: float) -> float:
        return min(max((need - position) / weight, free), channel.capacity) if weight else free

    def cost(position: float, price: float) -> float:
        return float(channel.cost(np.array(cut(position)))) + price * position

    ends, free = [0.0, *channel.end.tolist()], _pays_for_itself(channel)
    corners = [need - weight * tonnes for tonnes in (*ends, free)] + curve.quantity[
        np.isfinite(curve.quantity)
    ].tolist()
    corners = sorted({min(max(one, least), most) for one in (*corners, least, most, min(max(0.0, least), most))})
    tried = [one for one in corners if one <= curve.quantity[-1]]
    if not tried:
        raise InfeasibleError(
            f"{problem.enterprise[leader]} lacks {least - curve.quantity[-1]:g} t in {problem.year[y]} even with all "
            "abatement and all that the others can spare. Raise the supply or add a price_ceiling.",
            f"即使实施全部减排并用尽其他企业可让出的配额，{problem.enterprise[leader]} 在 {problem.year[y]} 年仍缺 "
            f"{least - curve.quantity[-1]:g} 吨。请提高供给，或增加 price_ceiling。",
        )
    tried += [vertex for left, right in itertools.pairwise(tried) for vertex in _vertex(cost, curve, left, right)]
    best = min(tried, key=lambda position: cost(position, curve.at(position, high=position < 0)))
    if np.isinf(curve.at(best, high=best < 0)):
        raise InfeasibleError(
            f"The others need {-best:g} t of {problem.enterprise[leader]} in {problem.year[y]} at any price, so it "
            "could ask what it likes. Add a price_ceiling or a penalty, or more supply.",
            f"其他企业在 {problem.year[y]} 年无论价格多高都需要 {problem.enterprise[leader]} 的 {-best:g} 吨，"
            "它可以任意要价。请增加 price_ceiling 或 penalty，或提高供给。",
        )
    return _best(problem, (mine, y), curve, best, cut(best), max(best - need + weight * cut(best), 0.0))


def _pays_for_itself(channel: Channel) -> float:
    """Tonnes whose marginal cost is below zero: what is cut even by who can sell nothing for it."""
    free = 0.0
    for start, end, low, high in zip(channel.start, channel.end, channel.low, channel.high, strict=True):
        if high <= 0:
            free = float(end)
        elif low < 0:
            free = float(start + (end - start) * -low / (high - low))
    return free


def _vertex(cost: Callable[[float, float], float], curve: SupplyCurve, left: float, right: float) -> list[float]:
    """The inner minimum of the cost between two corners, where it is a parabola."""
    width = right - left
    if width <= 0:
        return []
    points = [left + part * width for part in (0.25, 0.5, 0.75)]
    values = [cost(point, curve.at(point, high=False)) for point in points]
    bend = values[0] - 2 * values[1] + values[2]
    if not bend > 0:
        return []
    shift = 0.125 * width * (values[0] - values[2]) / bend
    found = points[1] + shift
    return [found] if left < found < right else []


def _best(
    problem: MarketProblem,
    at: tuple[NDArray[np.intp], int],
    curve: SupplyCurve,
    position: float,
    cut: float,
    withheld: float,
) -> Best:
    mine, y = at
    options = problem.options
    use = np.zeros(len(options.label))
    use[mine] = split_cut(cut, options.potential[mine, y], options.unit_cost[mine, y], options.slope[mine, y])
    return Best(position, curve.at(position, high=position < 0), withheld, use)
