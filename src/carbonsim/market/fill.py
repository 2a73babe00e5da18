"""Quantities at clearing prices: everything below the price, and of what is indifferent as much as clears."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from carbonsim.market.best_response import Unit, mix_answers
from carbonsim.market.carry_over import carry_over
from carbonsim.market.channel import split_cut
from carbonsim.market.clearing import TermAnswer
from carbonsim.market.pooling import Pool, pooled_demand
from carbonsim.market.problem import MarketProblem
from carbonsim.market.response_curve import answers_at, emissions
from carbonsim.market.rounding import at_bounds
from carbonsim.market.supply import Array
from carbonsim.market.year_curve import OPTION, STEP, UNIT, YearCurve


@dataclass(slots=True, eq=False)
class Quantities:
    """What is filled in year by year: use of options and steps, answers, and tonnes of single units in a mix."""

    abatement: Array
    steps: Array
    answers: dict[int, TermAnswer]
    mixed: Array


def free_units(problem: MarketProblem, y: int) -> list[int]:
    """Response terms of a year that are in no balance group, or not covered."""
    year = problem.year[y]
    return [
        index
        for index, term in enumerate(problem.responses)
        if term.year == year and (not term.balance_group or problem.share[term.enterprise, y] == 0)
    ]


def shifted_curves(problem: MarketProblem, curves: Sequence[YearCurve]) -> list[YearCurve]:
    """Curves of the market in which the bank is counted from its limit, and what must be left at last is demanded."""
    shift = carry_over(problem).demand_shift()
    return [replace(curve, base=curve.base + step) for curve, step in zip(curves, shift, strict=True)]


def no_quantities(problem: MarketProblem) -> Quantities:
    """Quantities before anything is filled in."""
    years = len(problem.year)
    return Quantities(
        abatement=np.zeros_like(problem.options.potential),
        steps=np.zeros((len(problem.steps), years)),
        answers={},
        mixed=np.zeros(years),
    )


def fill_quantities(problem: MarketProblem, curves: Sequence[YearCurve], pools: Sequence[Pool]) -> Quantities:
    """Quantities at the prices: everything below the price, and of what is indifferent as much as clears.

    Indifferent quantities are taken in the order of years, which keeps the bank within its limit.
    """
    quantities = no_quantities(problem)
    shifted = shifted_curves(problem, curves)
    for pool in pools:
        years = range(pool.first, pool.last + 1)
        handed = problem.opening_bank if pool.first == 0 else 0.0
        demand = pooled_demand(
            shifted[pool.first : pool.last + 1], problem.discount[pool.first : pool.last + 1], handed
        )
        needed = demand.sides(pool.price)[0]
        for y in years:
            discount = float(problem.discount[y])
            needed = _fill_year(problem, y, curves[y], (pool.price, discount), max(needed, 0.0), quantities)
    free = ~problem.in_response
    quantities.abatement[free] = at_bounds(problem, quantities.abatement)[free]
    return quantities


def fill_at_given_price(problem: MarketProblem, y: int, curve: YearCurve, price: float, into: Quantities) -> None:
    """Quantities at a given price; who is indifferent acts, except that no offset is bought at its own price."""
    _fill_year(problem, y, curve, (price, 1.0), np.inf, into)
    for s, step in enumerate(problem.steps):
        if step.price[y] >= price:
            into.steps[s, y] = 0.0


def _fill_year(
    problem: MarketProblem, y: int, curve: YearCurve, at: tuple[float, float], needed: float, into: Quantities
) -> float:
    """Fill one year at a discounted price and return what of ``needed`` is left for later years."""
    price, discount = at
    position = curve.jump_price * discount
    use = curve.use.copy()
    ramped = np.clip((price / discount - curve.ramp_from) / (curve.ramp_to - curve.ramp_from), 0.0, 1.0)
    np.add.at(use, curve.ramp_of, curve.ramp_use * ramped)
    part = np.where(position < price, 1.0, 0.0)
    for kind in (OPTION, UNIT, STEP):
        here = np.flatnonzero((position == price) & (curve.jump_kind == kind))
        # At price 0 supply may exceed demand, so a unit need not take half of an answer.
        whole = kind == UNIT and price == 0
        if kind == UNIT:
            needed = _fill_smooth(problem, y, curve, (price / discount, needed), into, whole=whole)
        needed = _take(curve, here, needed, part, together=kind == OPTION, whole=whole)
    options = curve.jump_kind == OPTION
    np.add.at(use, curve.jump_of[options], (curve.jump_use * part)[options])
    free = ~problem.in_response[:, y]
    into.abatement[free, y] = np.clip(use, 0.0, problem.options.potential[:, y])[free]
    for j in np.flatnonzero(curve.jump_kind == STEP):
        amount = curve.jump_drop[j]
        into.steps[curve.jump_of[j], y] = part[j] if np.isinf(amount) else part[j] * amount
    _fill_stairs(problem, y, curve, part, into)
    return needed


def _take(
    curve: YearCurve, jumps: NDArray[np.intp], needed: float, part: Array, *, together: bool, whole: bool
) -> float:
    """Take what is needed from jumps at the price, pro rata if ``together``; an unlimited one holds tonnes in part."""
    if together and len(jumps):
        total = float(curve.jump_drop[jumps].sum())
        taken = min(total, needed)
        part[jumps] = taken / total if total > 0 else 0.0
        return needed - taken
    for j in jumps:
        amount = float(curve.jump_drop[j])
        taken = _taken(amount, needed, whole=whole)
        part[j] = taken if np.isinf(amount) else (taken / amount if amount > 0 else 0.0)
        needed = max(needed - taken, 0.0)
    return needed


def _taken(amount: float, needed: float, *, whole: bool) -> float:
    return amount if whole and needed > 0 else min(amount, needed)


def _fill_smooth(
    problem: MarketProblem, y: int, curve: YearCurve, at: tuple[float, float], into: Quantities, *, whole: bool
) -> float:
    """Fill the smooth units at (price, net demand to be met) and return what is left of it."""
    price, needed = at
    indices = free_units(problem, y)
    for position in curve.smooth:
        found = answers_at(curve.units[position], price, curve.kinks)
        drop = found.net_most - found.net_least
        taken = _taken(drop, needed, whole=whole)
        weight = taken / drop if drop > 0 else 0.0
        _record(problem, y, indices[position], curve.units[position], (found.most, found.least, weight), drop, into)
        needed = max(needed - taken, 0.0)
    return needed


def _fill_stairs(problem: MarketProblem, y: int, curve: YearCurve, part: Array, into: Quantities) -> None:
    indices = free_units(problem, y)
    for position, stairs in enumerate(curve.stairs):
        if stairs is None:
            continue
        jumps = np.flatnonzero((curve.jump_kind == UNIT) & (curve.jump_of == position))
        progress = part[jumps]
        whole = int(np.sum(progress >= 1.0))
        partial = progress[(progress > 0.0) & (progress < 1.0)]
        weight = float(partial[0]) if len(partial) else 0.0
        before = stairs.answers[whole]
        after = stairs.answers[min(whole + 1, len(stairs.answers) - 1)]
        drop = stairs.drop[whole] if weight else 0.0
        _record(problem, y, indices[position], curve.units[position], (before, after, weight), drop, into)


def _record(
    problem: MarketProblem,
    y: int,
    index: int,
    unit: Unit,
    ends: tuple[TermAnswer, TermAnswer, float],
    drop: float,
    into: Quantities,
) -> None:
    """Store a unit's answer, its options' use, and the tonnes that rest on mixing two answers of a single unit."""
    before, after, weight = ends
    into.answers[index] = mix_answers(unit, before, after, weight)
    for answer, portion in ((before, 1 - weight), (after, weight)):
        if portion > 0:
            for options, use in option_use(problem, unit, answer, y):
                into.abatement[options, y] += portion * use
    if into.answers[index].mix and unit.term.weight <= 1:
        into.mixed[y] += min(weight, 1 - weight) * drop


def option_use(problem: MarketProblem, unit: Unit, answer: TermAnswer, y: int) -> list[tuple[list[int], Array]]:
    """Use of the options of each channel that an answer amounts to, as (option positions, tonnes)."""
    table = problem.options
    found = []
    for options, cut in ((unit.term.key_options, answer.key_cut), (unit.term.other_options, answer.other_cut)):
        rows = list(options)
        use = split_cut(cut, table.potential[rows, y], table.unit_cost[rows, y], table.slope[rows, y])
        found.append((rows, use))
    return found


def use_offsets(problem: MarketProblem, quantities: Quantities, units: Sequence[Unit], price: Array) -> None:
    """Set offsets limited by obligations to their limit where the price is above theirs, at the final obligations."""
    limited = [index for index, step in enumerate(problem.steps) if step.obligation_share is not None]
    if not limited:
        return
    cut = np.where(problem.in_response, 0.0, problem.option_share * quantities.abatement)
    obligation = (problem.share * problem.baseline).sum(axis=0) - cut.sum(axis=0)
    for index, unit in enumerate(units):
        answer = quantities.answers[index]
        obligation[problem.year.index(unit.term.year)] += unit.share * emissions(unit, answer)
    for index in limited:
        step = problem.steps[index]
        assert step.obligation_share is not None  # noqa: S101  chosen by it above
        above = step.exists() & (price > step.price)
        quantities.steps[index] = np.where(above, step.obligation_share * obligation, quantities.steps[index])
