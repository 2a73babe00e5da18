"""Accounts of a cleared output market: welfare and its parts, transfers, emissions by channel, leakage, windfall."""

from __future__ import annotations

import numpy as np

from carbonsim.market.output_equilibrium import Solution
from carbonsim.market.output_problem import CAPPED
from carbonsim.market.output_response import Response, YearView, allowances_issued, cheapest_output
from carbonsim.market.supply import Array

Columns = dict[str, Array]


def producer_accounts(view: YearView, solution: Solution, without: Response) -> Columns:
    """What each producer makes, emits, is given, pays and earns, (producer)."""
    answer = solution.answer
    paid = _paid(view, solution)
    free = np.where(np.isin(view.problem.kind_of_producers(view.y), CAPPED), view.column("free"), 0.0)
    given = answer.benchmark * answer.output
    columns = {
        "output": answer.output,
        "intensity_cut": answer.cut,
        "emissions": answer.emissions,
        "benchmark": answer.benchmark,
        "free_by_output": given,
        "free_lump_sum": free,
        "net_demand": np.where(view.covered, answer.emissions - given - free, 0.0),
        "production_cost": _production(view, answer.output),
        "abatement_cost": view.column("abatement_curvature") * answer.cut**2 / 2 * answer.output,
        "allowance_charge": paid * answer.emissions,
        "rebate": paid * given,
        "lump_sum_value": paid * free,
        "output_without": without.output,
    }
    sales = answer.price[view.problem.producer_good] * answer.output
    operating = sales - columns["production_cost"] - columns["abatement_cost"] - columns["allowance_charge"]
    before = without.price[view.problem.producer_good] * without.output - _production(view, without.output)
    columns["profit"] = operating + columns["rebate"] + columns["lump_sum_value"]
    columns["operating_profit_change"] = operating - before
    columns["windfall"] = columns["profit"] - before
    worth = paid * view.column("intensity") * without.output
    columns["neutral_free_share"] = np.divide(
        before - operating, worth, out=np.full_like(worth, np.nan), where=worth > 0
    )
    return columns


def good_accounts(view: YearView, solution: Solution, without: Response) -> Columns:
    """Prices, quantities, pass-through and the cost of the policy by part, (good)."""
    answer = solution.answer
    abated = view.column("abatement_curvature") * answer.cut**2 / 2 * answer.output
    spent, best = _by_good(view, _production(view, answer.output)), _least_cost(view, answer.quantity)
    before = _gross(view, without.quantity) - _least_cost(view, without.quantity)
    return {
        "good_price": answer.price,
        "supply_price": answer.worth,
        "quantity": answer.quantity,
        "good_price_without": without.price,
        "consumer_surplus": _gross(view, answer.quantity) - answer.price * answer.quantity,
        "pass_through": _pass_through(view, answer),
        "abatement_spending": _by_good(view, abated),
        "switching_cost": spent - best,
        "output_margin_lost": before - (_gross(view, answer.quantity) - best),
    }


def channel_accounts(view: YearView, answer: Response, without: Response) -> Columns:
    """Fall in home emissions by channel, (good): lower intensity, switching between producers, less output."""
    home = ~view.problem.is_foreign
    base = view.column("intensity")
    intensity = _by_good(view, home * answer.cut * answer.output)
    change = _by_good(view, home * base * (without.output - answer.output))
    first = _by_good(view, home * without.output)
    mean = np.divide(_by_good(view, home * base * without.output), first, out=np.zeros_like(first), where=first > 0)
    output = mean * (first - _by_good(view, home * answer.output))
    return {"intensity": intensity, "switching": change - output, "output": output}


def pool_accounts(view: YearView, solution: Solution, columns: Columns) -> Columns:
    """Allowances of each pool and what the government earns, (pool)."""
    pools = range(len(view.problem.pool))
    kinds = np.array([view.pool_kind(k) for k in pools])
    mine = [view.problem.producer_pool == k for k in pools]
    given = np.array([(columns["free_by_output"] + columns["free_lump_sum"])[rows].sum() for rows in mine])
    issued = np.array([allowances_issued(view, k, solution.answer) if kinds[k] != "none" else 0.0 for k in pools])
    emitted = np.array([columns["emissions"][rows].sum() if kinds[k] != "none" else 0.0 for k, rows in enumerate(mine)])
    auctioned = np.where(np.isin(kinds, CAPPED), issued - given, 0.0)
    paid = np.where(kinds != "none", np.nan_to_num(solution.price), 0.0)
    return {
        "issued": issued,
        "pool_emissions": emitted,
        "auctioned": auctioned,
        "unused": _unused(view, issued, emitted, paid),
        "government_revenue": paid * auctioned,
    }


def year_accounts(
    goods: Columns, producers: Columns, pools: Columns, view: YearView, without: Response
) -> dict[str, float]:
    """Welfare, its change, and leakage of one year."""
    abroad = view.problem.is_foreign
    base = view.column("intensity") * without.output
    saved = float((base - producers["emissions"])[~abroad].sum())
    leaked = float((producers["emissions"] - base)[abroad].sum())
    before = float((_gross(view, without.quantity)).sum() - _production(view, without.output).sum())
    welfare = float(goods["consumer_surplus"].sum() + producers["profit"].sum() + pools["government_revenue"].sum())
    return {
        "home_emissions": float(producers["emissions"][~abroad].sum()),
        "home_emissions_without": float(base[~abroad].sum()),
        "leakage": leaked,
        "leakage_rate": leaked / saved if saved > 0 else float("nan"),
        "welfare": welfare,
        "welfare_without": before,
        "policy_cost": before - welfare,
    }


def _paid(view: YearView, solution: Solution) -> Array:
    """Allowance price that each producer pays, 0 without a policy."""
    return np.where(view.covered, np.append(solution.price, 0.0)[view.problem.producer_pool], 0.0)


def _unused(view: YearView, issued: Array, emitted: Array, paid: Array) -> Array:
    """Allowances left over where the price is 0, shared among linked pools in proportion to what they issue."""
    left = np.zeros_like(issued)
    numbers = view.problem.market[:, view.y]
    for number in np.unique(numbers):
        rows = numbers == number
        total = issued[rows].sum()
        if total > 0 and not np.any(paid[rows] > 0):
            left[rows] = issued[rows] / total * (total - emitted[rows].sum())
    return left


def _production(view: YearView, output: Array) -> Array:
    """Cost of producing, without abatement and allowances."""
    return view.column("unit_cost") * output + view.column("supply_slope") * output**2 / 2


def _gross(view: YearView, quantity: Array) -> Array:
    """What buyers would pay at most for a quantity."""
    return view.column("intercept") * quantity - view.column("slope") * quantity**2 / 2


def _by_good(view: YearView, values: Array) -> Array:
    return np.asarray(np.bincount(view.problem.producer_good, weights=values, minlength=len(view.members)), dtype=float)


def _least_cost(view: YearView, quantity: Array) -> Array:
    """Least cost of producing each quantity with all producers, without abatement and allowances."""
    return _by_good(view, _production(view, cheapest_output(view, quantity)))


def _pass_through(view: YearView, answer: Response) -> Array:
    """Rise of the good's price when the marginal cost of every home producer rises by one, (good)."""
    working = answer.output > 0
    steep = np.where(working, 1.0 / view.column("supply_slope"), 0.0)
    home = _by_good(view, np.where(view.problem.is_foreign, 0.0, steep))
    whole = _by_good(view, steep) + 1.0 / view.column("slope")
    share = view.column("pass_through")
    return np.where(np.isnan(share), home / whole, share)
