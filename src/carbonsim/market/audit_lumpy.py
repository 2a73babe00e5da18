"""Audit of a market with whole plans: the market given the plans, the hull bound, and what everybody forgoes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.market.audit_hull import hull_lines
from carbonsim.market.audit_ledger import IDENTITY, labels, worst
from carbonsim.market.certificate import Certificate, Line, audit_lines
from carbonsim.market.plans import Plans
from carbonsim.market.problem import MarketProblem

Array = NDArray[np.float64]
SOLVED = 1e-6
GAP = 1e-7
SUPPORTED = 1e-7  # of the largest present price: how exactly the conditions on supporting prices are held


def audit_lumpy(problem: MarketProblem, dataset: xr.Dataset) -> Certificate:
    """The certificate of a market with plans.

    The bound on the cost of every set of plans is proven by the solver's search; what is recomputed here is the bound
    by the hull price, with everybody's best answer to it, and that cost, bound and side payments add up.
    """
    return Certificate(tuple(lumpy_lines(problem, dataset)))


def lumpy_lines(problem: MarketProblem, dataset: xr.Dataset) -> Iterator[Line]:
    """The lines of ``audit_lumpy`` one by one."""
    plans = problem.plans
    assert plans is not None  # noqa: S101  the caller has a problem with plans
    for part in (_plan_lines, _given_lines, _cost_lines, hull_lines, _supporting_lines):
        yield from part(problem, plans, dataset)


def _plan_lines(problem: MarketProblem, plans: Plans, data: xr.Dataset) -> Iterator[Line]:
    yield labels("plans.labels", data, {"plan": plans.label})
    chosen = data.plan_chosen.values
    yield worst("plans.whole", np.minimum(np.abs(chosen), np.abs(chosen - 1)), 1.0, 0.0, plans.label)
    count = np.bincount(plans.enterprise, weights=chosen, minlength=len(problem.enterprise))
    yield worst("plans.at_most_one", np.maximum(count - 1, 0.0), 1.0, 0.0, problem.enterprise)
    for name, values in (("plan_cut", plans.cut), ("plan_cost", plans.cost)):
        expected = np.zeros_like(problem.baseline)
        for plan, enterprise in enumerate(plans.enterprise):
            expected[enterprise] += chosen[plan] * values[plan]
        yield worst(f"plans.{name}", data[name].values - expected, np.abs(expected), IDENTITY, problem.enterprise)
    wrong = np.array([float(basis != "hull") for basis in data.price_basis.values])
    yield worst("plans.basis", wrong, 1.0, 0.0, problem.year)


def _given_lines(problem: MarketProblem, plans: Plans, data: xr.Dataset) -> Iterator[Line]:
    """Every line of the ordinary certificate, for the market in which the plans are a fact."""
    given = dataclasses.replace(
        problem, baseline=np.maximum(problem.baseline - np.maximum(data.plan_cut.values, 0.0), 0.0), plans=None
    )
    ordinary = data.copy(deep=True)
    ordinary["abatement"] = data["abatement"] - data["plan_cut"]
    ordinary["abatement_cost"] = data["abatement_cost"] - data["plan_cost"]
    for name, source in (
        ("allowance_price", "fixed_integer_price"), ("price_low", "fixed_integer_low"),
        ("price_high", "fixed_integer_high"),
    ):  # fmt: skip
        ordinary[name] = data[source]
    yield from (line for line in audit_lines(given, ordinary) if line.name != "price.basis")


def _cost_lines(problem: MarketProblem, plans: Plans, data: xr.Dataset) -> Iterator[Line]:
    """Total cost, the bound that the hull price proves, and side payments that fill the gap between them."""
    discount, price = problem.discount, data.allowance_price.values
    paid = np.zeros(len(price))
    for index, step in enumerate(problem.steps):
        paid += np.nan_to_num(step.price) * data.step_used.values[index]
    total = float(np.sum(discount * (data.abatement_cost.values.sum(axis=0) + paid)))
    size = float(np.sum(discount * (np.abs(data.abatement_cost.values).sum(axis=0) + paid))) + 1e-6
    found = float(data.total_cost)
    yield Line("plans.total_cost", abs(found - total) / size, IDENTITY, "total_cost")
    bound, by_enterprise = _bound(problem, plans, price)
    hull = float(data.hull_cost)
    yield Line("plans.hull_bound", abs(hull - bound) / size, SOLVED, "hull_cost")
    yield Line("plans.proven_bound", abs(float(data.proven_bound) - found) / size, GAP * 10, "proven_bound")
    yield Line("plans.hull_below_cost", max(hull - found, 0.0) / size, SOLVED, "hull_cost")
    own = _own_cost(problem, data)
    forgone = own - by_enterprise
    apart, scale = data.uplift.values - forgone, np.maximum(np.abs(forgone), 1e-3 * size)
    yield worst("plans.uplift", apart, scale, SOLVED, problem.enterprise)
    yield worst("plans.uplift_sign", np.minimum(data.uplift.values, 0.0), size, SOLVED, problem.enterprise)
    rest = found - bound - float(forgone.sum())
    least = max(abs(rest), 1e-3 * size)
    yield Line("plans.uplift_market", abs(float(data.uplift_market) - rest) / least, SOLVED * 10, "uplift_market")


def _own_cost(problem: MarketProblem, data: xr.Dataset) -> Array:
    """Present cost of each enterprise, its allowances at the hull price."""
    need = data.obligation.values - data.free_allocation.values
    return np.asarray(
        (problem.discount * (data.abatement_cost.values + data.allowance_price.values * need)).sum(axis=1)
    )


def _bound(problem: MarketProblem, plans: Plans, price: Array) -> tuple[float, Array]:
    """What the hull price proves: nobody can do better than its best answer to it; also those best costs."""
    discount = problem.discount
    weight = problem.share * (1 - problem.per_emission)
    best = (discount * price * (weight * problem.baseline - problem.share * problem.fixed)).sum(axis=1)
    options = problem.options
    for option, enterprise in enumerate(options.enterprise):
        margin = discount * (options.unit_cost[option] - weight[enterprise] * price)
        best[enterprise] += float(np.sum(np.minimum(margin, 0.0) * options.potential[option]))
    for enterprise in range(len(problem.enterprise)):
        values = [0.0]
        for plan in np.flatnonzero(plans.enterprise == enterprise):
            values.append(float(np.sum(discount * (plans.cost[plan] - weight[enterprise] * price * plans.cut[plan]))))
        best[enterprise] += min(values)
    bound = float(best.sum()) - float(np.sum(discount * price * problem.supply)) - price[0] * problem.opening_bank
    for step in problem.steps:
        margin = np.where(np.isnan(step.price), 0.0, np.minimum(step.price - price, 0.0))
        counted = np.where(margin < -1e-9 * np.maximum(price, 1e-9), step.quantity, 0.0)
        bound += float(np.sum(discount * np.where(counted > 0, margin * counted, 0.0)))
    return bound - _borrowing(problem, discount * price), best


def _borrowing(problem: MarketProblem, present: Array) -> float:
    """What the right to owe allowances is worth at the present prices."""
    from carbonsim.market.instruments.banking import Banking

    banking = next((one for one in problem.instruments if isinstance(one, Banking)), None)
    if banking is None:
        return 0.0
    limit = np.broadcast_to(banking.borrowing, present.shape)[:-1]
    fall = np.maximum(present[:-1] - present[1:], 0.0)
    return float(np.sum(np.where(fall > 1e-9 * present[:-1], np.where(np.isinf(limit), 0.0, limit) * fall, 0.0)))


def _supporting_lines(problem: MarketProblem, plans: Plans, data: xr.Dataset) -> Iterator[Line]:
    """Both ends of the prices at which nobody regrets its plan, found again by another solver."""
    from scipy.optimize import linprog

    rows, bounds = _regrets(problem, plans, data)
    least = data.fixed_integer_low.values * problem.discount
    most = np.nan_to_num(data.fixed_integer_high.values, nan=np.inf) * problem.discount
    box = [(low, None if np.isinf(high) else max(high, low)) for low, high in zip(least, most, strict=True)]
    slack = SUPPORTED * max(1.0, float(least.max()))
    for name, sign in (("supporting_low", 1.0), ("supporting_high", -1.0)):
        wrong = np.zeros(len(problem.year))
        for y, found in enumerate(data[name].values * problem.discount):
            aim = sign * np.eye(len(problem.year))[y]
            answer = linprog(
                aim, A_ub=-rows if len(rows) else None, b_ub=slack - bounds if len(rows) else None, bounds=box
            )
            expected = np.nan if answer.status in (2, 3) else sign * float(answer.fun or 0.0)
            if np.isnan(expected) or np.isnan(found):
                wrong[y] = float(np.isnan(expected) != np.isnan(found))
            else:
                wrong[y] = abs(found - expected) / max(abs(expected), 1e-3)
        yield worst(f"plans.{name}", wrong, 1.0, 10 * SOLVED, problem.year)


def _regrets(problem: MarketProblem, plans: Plans, data: xr.Dataset) -> tuple[Array, Array]:
    """Rows that present prices must satisfy: no other plan is better, and no arbitrage over time."""
    years, chosen = len(problem.year), data.plan_chosen.values
    rows: list[Array] = []
    bounds: list[float] = []
    for enterprise in range(len(problem.enterprise)):
        weight = problem.share[enterprise] * (1 - problem.per_emission[enterprise])
        ways = [(np.zeros(years), 0.0, not np.any(chosen[plans.enterprise == enterprise] > 0))]
        for plan in np.flatnonzero(plans.enterprise == enterprise):
            ways.append((weight * plans.cut[plan], float(problem.discount @ plans.cost[plan]), bool(chosen[plan] > 0)))
        taken = next((way for way in ways if way[2]), ways[0])
        for worth, cost, mine in ways:
            if not mine:
                rows.append(taken[0] - worth)
                bounds.append(taken[1] - cost)
    banking = any(instrument.label == "banking" for instrument in problem.instruments)
    inside = problem.within_period
    limit = np.zeros(years)
    for instrument in problem.instruments:
        if instrument.label == "banking":
            limit = np.array(np.broadcast_to(instrument.yearly()["borrowing"], (years,)))
    for y in range(years - 1):
        if not (banking or inside[y]):
            continue
        fall = np.eye(years)[y] - np.eye(years)[y + 1]
        rows.append(fall)
        bounds.append(0.0)
        volume = float(data.obligation.values[:, y].sum())
        if inside[y] or np.isinf(limit[y]) or float(data.bank[y]) + limit[y] > 1e-7 * max(volume, 1e-9):
            rows.append(-fall)
            bounds.append(0.0)
    return np.array(rows).reshape(-1, years), np.array(bounds)
