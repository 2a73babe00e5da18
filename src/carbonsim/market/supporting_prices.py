"""Prices at which nobody regrets its whole plan: a polyhedron of price paths, possibly empty."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy import sparse

from carbonsim.market.carry_over import carry_over
from carbonsim.market.problem import MarketProblem
from carbonsim.market.supply import Array
from carbonsim.solving import CompiledProgramme, LoadedProgramme

HELD = 1e-7  # a bank above this share of the year's obligations joins it with the next
BEYOND = 1e3  # multiple of every known price at which a price that may still rise counts as unbounded
SLACK = 1e-7  # of the largest present price: how exactly the conditions are held

Row = tuple[Array, float]  # coefficients of the present prices, and what they must reach at least


def supporting_prices(problem: MarketProblem, chosen: Array, given: xr.Dataset) -> tuple[Array, Array]:
    """Lowest and highest supporting price of each year, NaN in all years if no path supports the plans.

    Parameters
    ----------
    problem : MarketProblem
        With plans.
    chosen : array [1] (plan)
    given : Dataset
        The market once the plans are carried out.

    Returns
    -------
    tuple of array [CNY/tCO2e] (year)
        ``inf`` where nothing bounds the price from above.
    """
    low = given.price_low.values * problem.discount
    high = np.nan_to_num(given.price_high.values, nan=np.inf) * problem.discount
    rows = [*_bank_rows(problem, given), *_plan_rows(problem, chosen)]
    nothing = np.full(len(low), np.nan)
    lowest, highest = nothing.copy(), nothing.copy()
    for y in range(len(low)):
        cost = np.zeros(len(low))
        cost[y] = 1.0
        least = _extreme(cost, rows, low, high)
        if least is None:
            return nothing, nothing
        lowest[y] = least
        capped = np.minimum(high, BEYOND * max(1.0, float(np.where(np.isinf(high), low, high).max())))
        most = _extreme(-cost, rows, low, capped)
        reached = most is None or (np.isinf(high[y]) and -most >= capped[y])
        highest[y] = np.inf if reached else -float(most or 0.0)
    return lowest / problem.discount, highest / problem.discount


def _extreme(cost: Array, rows: list[Row], low: Array, high: Array) -> float | None:
    """Least value of ``cost`` times the present prices; None if no path satisfies every row."""
    coefficients = np.array([row for row, _ in rows]).reshape(-1, len(cost))
    least = np.array([bound for _, bound in rows])
    size = np.maximum(np.abs(coefficients).max(axis=1, initial=0.0), 1e-12)
    slack = SLACK * max(1.0, float(low.max(initial=0.0)))
    programme = CompiledProgramme(
        cost=cost,
        offset=0.0,
        matrix=sparse.csc_array(coefficients / size[:, None]),
        row_lower=(least - slack) / size,
        row_upper=np.full(len(rows), np.inf),
        column_lower=low,
        column_upper=np.maximum(high, low),
        hessian=None,
        rows=tuple(f"row[{place}]" for place in range(len(rows))),
        columns=tuple(f"price[{place}]" for place in range(len(cost))),
    )
    solution = LoadedProgramme(programme).solve()
    return None if solution is None else float(solution.objective)


def _bank_rows(problem: MarketProblem, given: xr.Dataset) -> list[Row]:
    """The present price never rises where allowances are carried, and never falls while some are."""
    carry, years = carry_over(problem), len(problem.year)
    volume = given.obligation.values.sum(axis=0)
    found = []
    for y in range(years - 1):
        if not carry.kept[y]:
            continue
        fall = np.zeros(years)
        fall[y], fall[y + 1] = 1.0, -1.0
        found.append((fall, 0.0))
        if np.isinf(carry.limit[y]) or given.bank.values[y] + carry.limit[y] > HELD * max(volume[y], 1e-9):
            found.append((-fall, 0.0))
    return found


def _plan_rows(problem: MarketProblem, chosen: Array) -> list[Row]:
    """Each enterprise's plan, or none, is worth no less to it than any other of its plans, or none."""
    plans = problem.plans
    assert plans is not None  # noqa: S101  the caller has a problem with plans
    weight = problem.share * (1 - problem.per_emission)
    worth = weight[plans.enterprise] * plans.cut
    cost = (problem.discount * plans.cost).sum(axis=1)
    found = []
    for enterprise in np.unique(plans.enterprise):
        mine = np.flatnonzero(plans.enterprise == enterprise)
        taken = [int(plan) for plan in mine if chosen[plan] > 0]
        own, spent = (worth[taken[0]], cost[taken[0]]) if taken else (np.zeros(worth.shape[1]), 0.0)
        found += [(own - worth[plan], float(spent - cost[plan])) for plan in mine if plan not in taken]
        if taken:
            found.append((own, float(spent)))
    return found
