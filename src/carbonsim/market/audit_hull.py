"""Audit of a hull price: both its ends by year, as the extremes of all price paths that prove the relaxed cost.

A price path proves a bound on the cost of any market: what everybody's best answers to it add up to. The paths whose
bound is the relaxed cost are the hull prices; they are found here by another solver from that statement alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.market.audit_ledger import worst
from carbonsim.market.certificate import Line
from carbonsim.market.plans import Plans
from carbonsim.market.problem import MarketProblem

Array = NDArray[np.float64]
SOLVED = 1e-5  # relative difference accepted between two solvers' ends
PROVES = 1e-9  # of all cost: how close to the relaxed cost a bound must come to prove it


def hull_lines(problem: MarketProblem, plans: Plans, data: xr.Dataset) -> Iterator[Line]:
    """The price in its interval, and each end where the paths that prove the relaxed cost have it."""
    low, high = data.price_low.values, np.nan_to_num(data.price_high.values, nan=np.inf)
    price = data.allowance_price.values
    scale = np.maximum(price, 1e-3)
    outside = np.maximum(low - price, 0.0) + np.maximum(price - high, 0.0)
    yield worst("plans.hull_price_in_interval", outside, scale, 1e-7, problem.year)
    rows, bounds, count = _proofs(problem, plans)
    size = 1.0 + float(np.abs(bounds).max(initial=0.0)) + abs(float(data.hull_cost))
    needed = -float(data.hull_cost) + PROVES * size
    costs = np.abs(problem.options.unit_cost).max(initial=0.0), np.abs(plans.cost).max(initial=0.0) / 1e2
    floor = 1e-2 * max(1.0, float(max(costs)), float(price.max(initial=0.0)))
    together = _least(problem, (rows, bounds, count), needed, np.ones(len(price)))
    beyond = abs(float(np.sum(problem.discount * price)) - together) / max(together, floor)
    yield Line("plans.hull_price_is_least", beyond, SOLVED, "allowance_price")
    for name, sign, found in (("price_low", 1.0, low), ("price_high", -1.0, high)):
        wrong = np.zeros(len(found))
        for y, end in enumerate(found):
            aim = sign * np.eye(len(found))[y]
            expected = sign * _least(problem, (rows, bounds, count), needed, aim) / float(problem.discount[y])
            wrong[y] = 0.0 if expected == end else abs(expected - end) / max(abs(expected), floor)
        yield worst(f"plans.hull_{name}", np.nan_to_num(wrong, nan=np.inf), 1.0, SOLVED, problem.year)


def _proofs(problem: MarketProblem, plans: Plans) -> tuple[Array, Array, int]:
    """Rows ``A z <= b`` over present prices and the worth of best answers; columns: prices, then one for each answer.

    The answer of an enterprise to its plans, of an option and of a step are each no more than any way they have.
    """
    years = len(problem.year)
    discount, weight = problem.discount, problem.share * (1 - problem.per_emission)
    listed: list[tuple[dict[int, float], float]] = []
    column = years
    for enterprise in range(len(problem.enterprise)):
        for plan in np.flatnonzero(plans.enterprise == enterprise):
            entries = {column: 1.0, **{y: float(weight[enterprise, y] * plans.cut[plan, y]) for y in range(years)}}
            listed.append((entries, float(discount @ plans.cost[plan])))
        listed.append(({column: 1.0}, 0.0))
        column += 1
    options = problem.options
    for option, y in np.argwhere(options.potential > 0):
        most, owner = float(options.potential[option, y]), int(options.enterprise[option])
        listed.append(({column: 1.0, int(y): float(weight[owner, y]) * most},
                       float(discount[y] * options.unit_cost[option, y]) * most))  # fmt: skip
        listed.append(({column: 1.0}, 0.0))
        column += 1
    for step in problem.steps:
        for y in range(years):
            if np.isnan(step.price[y]) or step.quantity[y] <= 0:
                continue
            if np.isinf(step.quantity[y]):
                listed.append(({y: 1.0}, float(discount[y] * step.price[y])))
                continue
            most = float(step.quantity[y])
            listed.append(({column: 1.0, y: most}, float(discount[y] * step.price[y]) * most))
            listed.append(({column: 1.0}, 0.0))
            column += 1
    rows = np.zeros((len(listed), column))
    for place, (entries, _) in enumerate(listed):
        for at, value in entries.items():
            rows[place, at] = value
    return rows, np.array([bound for _, bound in listed]), column


def _carried(problem: MarketProblem, columns: int) -> tuple[Array, Array]:
    """Rows that the present price may not rise where allowances are carried; and what owing is worth, by column."""
    years = len(problem.year)
    banking = next((one for one in problem.instruments if one.label == "banking"), None)
    limit = np.zeros(years) if banking is None else np.broadcast_to(banking.yearly()["borrowing"], (years,)).copy()
    rows, worth = [], np.zeros(columns)
    for y in range(years - 1):
        inside = bool(problem.within_period[y])
        if banking is None and not inside:
            continue
        fall = np.zeros(columns)
        fall[y], fall[y + 1] = -1.0, 1.0
        rows.append(fall)
        if inside or np.isinf(limit[y]):
            rows.append(-fall)
        else:
            worth[y], worth[y + 1] = worth[y] + limit[y], worth[y + 1] - limit[y]
    return np.array(rows).reshape(-1, columns), worth


def _least(problem: MarketProblem, proofs: tuple[Array, Array, int], needed: float, aim: Array) -> float:
    """Least value of ``aim`` times the present prices, among the paths that prove the relaxed cost."""
    from scipy.optimize import linprog

    rows, bounds, columns = proofs
    years = len(problem.year)
    fall, owed = _carried(problem, columns)
    # The bound of a path: needs less supply at its prices, best answers, less what owing is worth.
    need = problem.share * ((1 - problem.per_emission) * problem.baseline - problem.fixed)
    total = np.concatenate([need.sum(axis=0) - problem.supply, np.ones(columns - years)]) - owed
    total[0] -= problem.opening_bank
    answer = linprog(
        np.concatenate([aim, np.zeros(columns - years)]),
        A_ub=np.vstack([rows, fall, -total]),
        b_ub=np.concatenate([bounds, np.zeros(len(fall)), [needed]]),
        bounds=[(0, None)] * years + [(None, None)] * (columns - years),
    )
    if answer.status == 3:
        return -np.inf
    return np.nan if answer.fun is None else float(answer.fun)
