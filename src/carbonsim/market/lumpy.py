"""Clears a market with lumpy plans: the cheapest set of whole plans, and the prices that can be said to go with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from carbonsim.errors import InputError, Said
from carbonsim.market.audit_lumpy import audit_lumpy
from carbonsim.market.carry_over import carry_over
from carbonsim.market.certificate import check_certificate
from carbonsim.market.problem import MarketProblem
from carbonsim.market.supply import Array, engine_zh
from carbonsim.market.supporting_prices import supporting_prices

if TYPE_CHECKING:
    from carbonsim.market.clear import Engine, Market
    from carbonsim.market.lumpy_programme import Hull

AT_STEP = 1e-9  # a price this close to a step's, relatively, is the step's price
REASON = Said(
    "plans are carried out whole or not at all, so the market is a mixed-integer programme",
    "方案要么整体实施，要么不实施，因此市场是一个混合整数规划",
)
PRICE_RULE = (
    "No linear price need make every whole plan each enterprise's own best. allowance_price is that of the relaxed "
    "programme (convex hull), a path with the smallest side payment (uplift); price_low and price_high are its ends. "
    "fixed_integer_price is the price once the plans are given; supporting_low to supporting_high holds the prices, "
    "if there are any, at which nobody regrets its plan."
)


def clear_lumpy(problem: MarketProblem, engine: Engine, progress: Callable[[str, float], None] | None) -> Market:
    r"""The market with the least-cost set of whole plans, its hull price and the side payment.

    .. math::
        :label: uplift

        \text{uplift}_e = C_e - \sum_y d_y \pi_y N_{ey} - \min_{k,\,x} \Big( \dots \Big) \ge 0, \qquad
        \sum_e \text{uplift}_e + \text{market's part} = C^{*} - C^{\text{hull}}

    the gain each enterprise forgoes at the hull price :math:`\pi` by carrying out its plan; with thousands of small
    plans it goes to zero against the cost of abatement.

    Returns
    -------
    Market
        As ``clear`` for the plans chosen, with ``allowance_price`` the hull price (basis ``hull``), and besides:
        (plan) ``plan_chosen`` [1]; (enterprise, year) ``plan_cut`` [tCO2e], ``plan_cost`` [CNY], both part of
        ``abatement`` and ``abatement_cost``; (year) ``fixed_integer_price``, ``fixed_integer_low``,
        ``fixed_integer_high``, ``supporting_low``, ``supporting_high`` [CNY/tCO2e], NaN where no price supports the
        plans; (enterprise) ``uplift`` [CNY, present value]; ``uplift_market``, ``total_cost``, ``hull_cost``,
        ``proven_bound`` [CNY, present value, supply steps at their price].

    Raises
    ------
    InputError
        If another engine than the programme is asked for.
    InfeasibleError
        If not even all plans meet the cap.
    SolverError
        If HiGHS does not close the gap between the plans and its bound.
    """
    from carbonsim.market.clear import Market, clear
    from carbonsim.market.lumpy_programme import hull_of, whole_plans

    if engine not in ("auto", "programme"):
        raise InputError(
            f"plans are whole numbers, which engine '{engine}' cannot hold. Use engine 'programme'.",
            f"plans 为整数决策，求解方式 {engine_zh(engine)}不能处理。请使用求解方式 {engine_zh('programme')}。",
        )
    if progress:
        progress("plans", 0.0)
    best = whole_plans(problem)
    hull = hull_of(problem)
    given = clear(given_plans(problem, best.chosen), "programme")
    dataset = _dataset(problem, best.chosen, hull, given.dataset)
    dataset["hull_cost"] = ((), hull.cost, {"units": "CNY"})
    dataset["proven_bound"] = ((), best.bound, {"units": "CNY"})
    certificate = audit_lumpy(problem, dataset)
    check_certificate(certificate)
    return Market(dataset, "programme", REASON, certificate)


def given_plans(problem: MarketProblem, chosen: Array) -> MarketProblem:
    """The market once the plans are carried out: what they cut is gone from the baseline."""
    plans = problem.plans
    assert plans is not None  # noqa: S101  the caller has a problem with plans
    cut = plans.totals(chosen, plans.cut, len(problem.enterprise))
    return dataclasses.replace(problem, baseline=np.maximum(problem.baseline - cut, 0.0), plans=None)


def _dataset(problem: MarketProblem, chosen: Array, hull: Hull, given: xr.Dataset) -> xr.Dataset:
    plans = problem.plans
    assert plans is not None  # noqa: S101  the caller has a problem with plans
    dataset = given.copy(deep=True)
    cut, cost = (plans.totals(chosen, values, len(problem.enterprise)) for values in (plans.cut, plans.cost))
    by_enterprise, money, per_tonne = ("enterprise", "year"), {"units": "CNY"}, {"units": "CNY/tCO2e"}
    dataset["plan_cut"] = (by_enterprise, cut, {"units": "tCO2e"})
    dataset["plan_cost"] = (by_enterprise, cost, money)
    dataset["abatement"] = dataset["abatement"] + dataset["plan_cut"]
    dataset["abatement_cost"] = dataset["abatement_cost"] + dataset["plan_cost"]
    names = {
        "fixed_integer_price": "allowance_price",
        "fixed_integer_low": "price_low",
        "fixed_integer_high": "price_high",
    }
    for name, source in names.items():
        dataset[name] = given[source].copy()
    ends = {
        "allowance_price": hull.price,
        "price_low": hull.low,
        "price_high": np.where(np.isinf(hull.high), np.nan, hull.high),
    }
    for name, values in ends.items():
        dataset[name] = ("year", values, per_tonne)
    dataset["price_basis"] = ("year", np.full(len(hull.price), "hull", dtype=object))
    low, high = supporting_prices(problem, chosen, given)
    dataset["supporting_low"] = ("year", low, per_tonne)
    dataset["supporting_high"] = ("year", high, per_tonne)
    uplift, market = _uplift(problem, chosen, hull.price, given)
    dataset["uplift"] = ("enterprise", uplift, money)
    dataset["uplift_market"] = ((), market, money)
    total = float(np.sum(problem.discount * (dataset["abatement_cost"].values.sum(axis=0) + _paid(problem, given))))
    dataset["total_cost"] = ((), total, money)
    dataset["plan_chosen"] = ("plan", chosen, {"units": "1"})
    return dataset.assign_coords(plan=list(plans.label)).assign_attrs(price_rule=PRICE_RULE)


def _paid(problem: MarketProblem, given: xr.Dataset) -> Array:
    """What supply steps cost in each year, at their own price."""
    paid = np.zeros(len(problem.year))
    for index, step in enumerate(problem.steps):
        paid += np.where(step.exists(), np.nan_to_num(step.price) * given.step_used.values[index], 0.0)
    return paid


def _uplift(problem: MarketProblem, chosen: Array, price: Array, given: xr.Dataset) -> tuple[Array, float]:
    """What each enterprise forgoes at the hull price, and what is lost on supply, bank and left-overs."""
    plans, options = problem.plans, problem.options
    assert plans is not None  # noqa: S101  the caller has a problem with plans
    present = problem.discount * price
    worth = problem.share * (1 - problem.per_emission) * present
    value = (problem.discount * plans.cost - worth[plans.enterprise] * plans.cut).sum(axis=1)
    best = np.zeros(len(problem.enterprise))
    np.minimum.at(best, plans.enterprise, value)
    uplift = -best
    np.add.at(uplift, plans.enterprise, chosen * value)
    gain = worth[options.enterprise] - problem.discount * options.unit_cost
    lost = np.where(gain > 0, gain * (options.potential - given.option_abatement.values),
                    -gain * given.option_abatement.values)  # fmt: skip
    np.add.at(uplift, options.enterprise, lost.sum(axis=1))
    market = 0.0
    for index, step in enumerate(problem.steps):
        used = given.step_used.values[index]
        margin = np.where(step.exists(), present - problem.discount * np.nan_to_num(step.price), 0.0)
        wanted = margin > AT_STEP * present
        left = np.where(wanted, step.quantity - used, 0.0)
        market += float(np.sum(np.where(wanted, margin, 0.0) * left) + np.sum(np.maximum(-margin, 0.0) * used))
    # A bank above its limit loses the fall of the present price; what is left or expires loses all of it.
    limit = np.where(np.isinf(carry_over(problem).limit), 0.0, carry_over(problem).limit)
    fall = present - np.append(present[1:], 0.0)
    market += float(np.sum(fall[:-1] * (given.bank.values + limit)[:-1])) + float(present[-1] * given.bank.values[-1])
    return uplift, market + float(np.sum(present * given.expired.values))
