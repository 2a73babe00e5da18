"""The best-response engine: price path, quantities and balance groups of a market cleared without a solver."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from carbonsim.errors import InfeasibleError, InputError, SolverError, chinese_of
from carbonsim.market.balance import GroupAnswer, answer_group
from carbonsim.market.best_response import Unit, make_unit
from carbonsim.market.carry_over import CarryOver, carry_over
from carbonsim.market.clearing import Clearing
from carbonsim.market.fill import (
    Quantities,
    fill_at_given_price,
    fill_quantities,
    free_units,
    no_quantities,
    option_use,
    shifted_curves,
    use_offsets,
)
from carbonsim.market.pooling import Pool, highest_price, lowest_price, pool_years, pooled_demand
from carbonsim.market.problem import MarketProblem
from carbonsim.market.response_curve import emissions, rent
from carbonsim.market.scarcity import raise_infeasible
from carbonsim.market.supply import Array, engine_zh
from carbonsim.market.year_curve import YearCurve, offset_kinks, year_curve

TOP = 1e4  # highest price searched, as a multiple of the highest cost or step price of the problem
SAME_PRICE = 1e-11
LARGEST_MIX = 1e-3  # tonnes of single units that may rest on a mix, as a share of the year's obligations
GROUP_ROUNDS = 25
GROUP_TOLERANCE = 1e-10
BALANCED = 1e-8  # net demand of a group below this share of its obligation is the rounding of its balance value

Progress = Callable[[str, float], None]


def clear_by_best_response(problem: MarketProblem, reason: str, progress: Progress | None = None) -> Clearing:
    """Prices and quantities from best responses and supply steps.

    Raises
    ------
    InputError
        If an instrument couples years other than through the bank (a penalty with make-good).
    InfeasibleError
        If the cap cannot be met, or if net demand jumps over supply so that no price clears.
    SolverError
        If a balance group, or its use of offsets, does not settle.
    """
    _refuse(problem)
    units = [make_unit(problem, term) for term in problem.responses]
    groups = _groups(problem)
    state = np.zeros((2, len(problem.year)))
    for (_, year), members in groups.items():
        state[0, problem.year.index(year)] += sum(emissions_before(units[m]) for m in members)
    with_offsets = any(step.obligation_share is not None for step in problem.steps)
    for rounds in range(1, GROUP_ROUNDS + 1):
        if progress:
            progress("clear", rounds / GROUP_ROUNDS)
        curves = _curves(problem, units, state)
        low, high = _price_paths(problem, curves)
        price = _snapped(problem, curves, low)
        group_answers = _answer_groups(problem, units, groups, price)
        following = _group_state(problem, units, groups, group_answers)
        moved = np.abs(following - state)[0 if with_offsets else 1 :] / np.maximum(following[0], 1.0)
        change = float(moved.max(initial=0.0))
        if change <= GROUP_TOLERANCE:
            break
        state = following
    else:
        raise SolverError(
            f"The balance groups do not settle with the price: their obligations or their net demand still move by "
            f"{change:.1e} after {GROUP_ROUNDS} rounds, because measures are taken and dropped at the price. "
            "Limit offsets by quantity, or auction no share of a balanced sector.",
            f"各平衡组不随价格稳定：经 {GROUP_ROUNDS} 轮后，其清缴义务或净需求仍变动 {change:.1e}，"
            "因为措施在该价格上反复采用又放弃。请用 quantity 限制抵销，或不对自平衡行业拍卖。",
        )
    quantities = fill_quantities(problem, curves, low)
    _check_mix(problem, units, quantities, price)
    return _clearing(problem, reason, (price, high), curves, quantities, units, groups, group_answers, rounds)


def emissions_before(unit: Unit) -> float:
    """Obligation of a unit before it abates."""
    return unit.share * (unit.term.key + unit.term.other)


def answer_given_price(problem: MarketProblem, reason: str) -> Clearing:
    """Best responses to the problem's given price path; nothing needs to clear."""
    assert problem.given_price is not None  # noqa: S101  the caller chose this engine because it is given
    price = problem.given_price
    units = [make_unit(problem, term) for term in problem.responses]
    groups = _groups(problem)
    answers = _answer_groups(problem, units, groups, price)
    curves = _curves(problem, units, _group_state(problem, units, groups, answers))
    quantities = no_quantities(problem)
    for y, curve in enumerate(curves):
        fill_at_given_price(problem, y, curve, price[y], quantities)
    return _clearing(problem, reason, (price, price), curves, quantities, units, groups, answers, 1, given=True)


def _refuse(problem: MarketProblem) -> None:
    for instrument in problem.instruments:
        if reason := instrument.refused_by("best_response"):
            raise InputError(
                f"The best-response engine cannot hold '{instrument.label}': it {reason}. Use engine 'programme'.",
                f"求解方式 {engine_zh('best_response')}不能处理 '{instrument.label}'：{chinese_of(reason)}。"
                f"请使用求解方式 {engine_zh('programme')}。",
            )


def _groups(problem: MarketProblem) -> dict[tuple[str, int], list[int]]:
    found: dict[tuple[str, int], list[int]] = defaultdict(list)
    for index, term in enumerate(problem.responses):
        share = problem.share[term.enterprise, problem.year.index(term.year)]
        if term.balance_group and share > 0:
            found[(term.balance_group, term.year)].append(index)
    return dict(sorted(found.items()))


def _top(problem: MarketProblem) -> float:
    options = problem.options
    costs = np.abs(options.unit_cost) + options.slope * options.potential
    prices = [float(np.nanmax(step.price)) for step in problem.steps]
    return TOP * max(1.0, float(costs.max(initial=0.0)), *prices)


def _curves(problem: MarketProblem, units: Sequence[Unit], groups: Array) -> list[YearCurve]:
    top = _top(problem)
    return [
        year_curve(
            problem,
            y,
            [units[index] for index in free_units(problem, y)],
            (float(groups[0, y]), float(groups[1, y])),
            top,
        )
        for y in range(len(problem.year))
    ]


def _price_paths(problem: MarketProblem, curves: Sequence[YearCurve]) -> tuple[list[Pool], Array]:
    """Pools at the lowest clearing prices, and the highest clearing price of each year."""
    carry = carry_over(problem)
    shifted = shifted_curves(problem, curves)
    _check_feasible(problem, shifted, carry)
    low, high = (
        pool_years(
            shifted, problem.discount, opening=problem.opening_bank, joined=carry.joined, separate=~carry.kept,
            floor=carry.floor(problem.discount), root=root, top=_top(problem),
        )
        for root in (lowest_price, highest_price)
    )  # fmt: skip
    highest = np.concatenate([np.full(pool.last - pool.first + 1, pool.price) for pool in high])
    return low, highest / problem.discount


def _check_feasible(problem: MarketProblem, curves: Sequence[YearCurve], carry: CarryOver) -> None:
    """Raise InfeasibleError if need exceeds everything on offer at the highest price."""
    top = _top(problem)
    bank, missing = problem.opening_bank, {}
    debt = 0.0
    for y, curve in enumerate(curves):
        demand = pooled_demand([curve], np.ones(1), 0.0)
        bank -= demand.sides(top)[1]
        if carry.joined[y]:
            continue
        if bank < -max(demand.tolerance, 1e-12 * debt):
            missing[problem.year[y]] = -bank
        bank = max(bank, 0.0) if carry.kept[y] else 0.0
    if missing:
        raise_infeasible(problem, missing)


def _snapped(problem: MarketProblem, curves: Sequence[YearCurve], pools: Sequence[Pool]) -> Array:
    """Current prices, set to a threshold where discounting and back has moved them off it by rounding."""
    price = np.concatenate([np.full(pool.last - pool.first + 1, pool.price) for pool in pools]) / problem.discount
    for y, curve in enumerate(curves):
        if len(curve.jump_price):
            nearest = curve.jump_price[np.argmin(np.abs(curve.jump_price - price[y]))]
            if abs(nearest - price[y]) <= SAME_PRICE * abs(nearest):
                price[y] = nearest
    return price


def _answer_groups(
    problem: MarketProblem, units: Sequence[Unit], groups: dict[tuple[str, int], list[int]], price: Array
) -> dict[tuple[str, int], GroupAnswer]:
    found = {}
    for (name, year), members in groups.items():
        y = problem.year.index(year)
        worth = rent(offset_kinks(problem, y), float(price[y]))
        found[(name, year)] = answer_group(f"{name} {year}", [units[m] for m in members], float(price[y]), worth)
    return found


def _group_state(
    problem: MarketProblem,
    units: Sequence[Unit],
    groups: dict[tuple[str, int], list[int]],
    answers: dict[tuple[str, int], GroupAnswer],
) -> Array:
    """Obligation and net demand of the balance groups after their answers, (2, year)."""
    state = np.zeros((2, len(problem.year)))
    for key, members in groups.items():
        y = problem.year.index(key[1])
        net = 0.0
        for m, answer in zip(members, answers[key].answers, strict=True):
            left = emissions(units[m], answer)
            state[0, y] += units[m].share * left
            net += units[m].share * (left - answer.allowances)
        state[1, y] += 0.0 if abs(net) <= BALANCED * state[0, y] else net
    return state


def _check_mix(problem: MarketProblem, units: Sequence[Unit], quantities: Quantities, price: Array) -> None:
    """Raise if clearing rests on a single unit taking half of one answer and half of another."""
    obligation = (problem.share * problem.baseline).sum(axis=0)
    for unit in units:
        obligation[problem.year.index(unit.term.year)] += emissions_before(unit)
    over = quantities.mixed > LARGEST_MIX * obligation
    if not np.any(over):
        return
    y = int(np.argmax(over))
    raise InfeasibleError(
        f"There is no price in {problem.year[y]}: at {price[y]:.6g} net demand jumps over supply, and "
        f"{quantities.mixed[y]:,.6g} t would have to come from single units that cannot take half of an answer "
        f"({LARGEST_MIX:g} of obligations is allowed). Split the unit (weight above 1), or add a supply step.",
        f"{problem.year[y]} 年没有均衡价格：在 {price[y]:.6g} 处净需求越过供给，须由个别单元承担 "
        f"{quantities.mixed[y]:,.6g} 吨，而它们不能只取响应的一部分（允许量为清缴义务的 {LARGEST_MIX:g}）。"
        "请拆分该单元（weight 大于 1），或增加供给项。",
    )


def _clearing(
    problem: MarketProblem,
    reason: str,
    prices: tuple[Array, Array],
    curves: Sequence[YearCurve],
    quantities: Quantities,
    units: Sequence[Unit],
    groups: dict[tuple[str, int], list[int]],
    group_answers: dict[tuple[str, int], GroupAnswer],
    rounds: int,
    *,
    given: bool = False,
) -> Clearing:
    low, high = prices
    high = np.where(np.abs(high - low) <= SAME_PRICE * np.maximum(low, 1.0), low, high)
    indeterminate = np.array([not curve.responds for curve in curves]) & (high > low)
    for key, members in groups.items():
        y = problem.year.index(key[1])
        for index, answer in zip(members, group_answers[key].answers, strict=True):
            quantities.answers[index] = answer
            for rows, use in option_use(problem, units[index], answer, y):
                quantities.abatement[rows, y] += use
    use_offsets(problem, quantities, units, low)
    return Clearing(
        engine="given_price" if given else "best_response",
        reason=reason,
        basis="given" if given else "best_response",
        price=np.where(indeterminate, np.nan, low),
        price_low=low,
        price_high=high,
        abatement=quantities.abatement,
        step_used=quantities.steps,
        answers=tuple(quantities.answers[index] for index in range(len(problem.responses))),
        indeterminate=indeterminate,
        mixed=quantities.mixed,
        balance_value={key: answer.balance_value for key, answer in group_answers.items()},
        residual=max((answer.residual for answer in group_answers.values()), default=0.0),
        rounds=max([rounds, *(answer.rounds for answer in group_answers.values())]),
    )
