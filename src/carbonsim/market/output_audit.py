"""The independent audit of a cleared output market: it shares no function with the search or its accounts.

Every equilibrium condition is evaluated at the published numbers, and every account is summed up another way.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.market.audit_ledger import labels, worst
from carbonsim.market.certificate import Certificate, Line
from carbonsim.market.output_problem import OutputProblem

Array = NDArray[np.float64]

EXACT = 1e-9  # relative residual accepted where two sums must be the same number
CHANNELS = ("intensity", "switching", "output")  # in which home emissions fall, in the order of the published table
MET = 1e-8  # relative residual accepted in equilibrium conditions


def audit_output(problem: OutputProblem, dataset: xr.Dataset) -> Certificate:
    """The certificate of published numbers against an output problem.

    Returns
    -------
    Certificate
        Producers' and buyers' conditions, allowance balances, factors, price intervals, transfers that sum to zero,
        welfare and its parts, channels and leakage.
    """
    return Certificate(tuple(output_lines(problem, dataset)))


def output_lines(problem: OutputProblem, dataset: xr.Dataset) -> Iterator[Line]:
    """The lines of ``audit_output`` one by one."""
    from carbonsim.market import output_audit_accounts, output_audit_prices

    known = settled(dataset)
    names = {"year": problem.year, "good": problem.good, "producer": problem.producer, "pool": problem.pool}
    yield labels("output.labels", dataset, {**names, "channel": CHANNELS})
    yield _basis_line(problem, dataset)
    yield from _without_lines(problem, dataset)
    if known.any():
        yield from _producer_lines(problem, dataset, known)
        yield from _good_lines(problem, dataset, known)
        yield from _pool_lines(problem, dataset, known)
    yield from output_audit_accounts.lines(problem, dataset, known)
    yield from output_audit_prices.lines(problem, dataset, known)


def settled(dataset: xr.Dataset) -> NDArray[np.bool_]:
    """Years whose prices are determined, (year)."""
    return np.asarray(~np.any(dataset.price_basis.values == "indeterminate", axis=0), dtype=bool)


def kinds_of(problem: OutputProblem) -> NDArray[np.str_]:
    """Policy by producer and year, ``none`` without a pool."""
    table = np.array([*problem.kind, ("none",) * len(problem.year)], dtype=np.str_)
    return table.reshape(-1, len(problem.year))[problem.producer_pool]


def paid_by(problem: OutputProblem, dataset: xr.Dataset) -> Array:
    """Allowance price by producer and year, 0 where no policy covers it."""
    price = np.vstack([dataset.allowance_price.values, np.zeros((1, len(problem.year)))])[problem.producer_pool]
    return np.where(kinds_of(problem) == "none", 0.0, price)


def _basis_line(problem: OutputProblem, dataset: xr.Dataset) -> Line:
    """The stated basis follows from the policy, the price and its interval."""
    wrong = np.zeros((len(problem.pool), len(problem.year)))
    known = settled(dataset)
    for k, y in np.ndindex(wrong.shape):
        price, low, high = (
            float(dataset[name].values[k, y]) for name in ("allowance_price", "price_low", "price_high")
        )
        expected = "ample" if price == 0 else "market"
        if problem.kind[k][y] == "none":
            expected = "none"
        elif not known[y]:
            expected = "indeterminate"
        elif np.isnan(high) or high > low * (1 + 1e-6):
            expected = "interval"
        is_numbered = expected in ("ample", "market", "interval")
        wrong[k, y] = float(dataset.price_basis.values[k, y] != expected or is_numbered == np.isnan(price))
    return worst("price.basis", wrong, 1.0, 0.0, problem.pool)


def _without_lines(problem: OutputProblem, dataset: xr.Dataset) -> Iterator[Line]:
    """Without any policy each producer's marginal cost meets the price, and buyers pay it."""
    price, output = dataset.good_price_without.values, dataset.output_without.values
    facing = price[problem.producer_good]
    margin = problem.unit_cost + problem.supply_slope * output - facing
    scale = np.abs(facing) + np.abs(problem.unit_cost)
    yield worst("without.producer", _slack(margin, output), scale, EXACT, problem.producer)
    quantity = _sum_goods(problem, output)
    bid = problem.intercept - problem.slope * quantity - price
    yield worst("without.buyer", _slack(-bid, quantity), np.abs(problem.intercept), EXACT, problem.good)


def _slack(margin: Array, amount: Array) -> Array:
    """Violation of amount >= 0, margin >= 0, amount * margin = 0."""
    return np.where(amount > 0, np.abs(margin), np.maximum(-margin, 0.0)) + np.where(amount < 0, np.inf, 0.0)


def _sum_goods(problem: OutputProblem, values: Array) -> Array:
    total = np.zeros((len(problem.good), values.shape[1]))
    np.add.at(total, problem.producer_good, values)
    return total


def _producer_lines(problem: OutputProblem, dataset: xr.Dataset, known: NDArray[np.bool_]) -> Iterator[Line]:
    """Marginal cost of the cut meets the price, marginal cost of output meets the worth of the good."""
    paid, cut, output = paid_by(problem, dataset), dataset.intensity_cut.values, dataset.output.values
    marginal = problem.abatement_curvature * cut
    at_most = cut >= problem.largest_cut * (1 - 1e-12)
    wrong = np.where(at_most, np.maximum(marginal - paid, 0.0), np.abs(marginal - paid))
    wrong = wrong + np.where((cut < 0) | (cut > problem.largest_cut * (1 + 1e-12)), np.inf, 0.0)
    yield worst("producer.cut", wrong[:, known], np.abs(paid[:, known]), EXACT, problem.producer)
    benchmark = dataset.benchmark.values
    unit = problem.unit_cost + problem.abatement_curvature * cut**2 / 2
    unit = unit + paid * (problem.intensity - cut - benchmark)
    worth = dataset.supply_price.values[problem.producer_good]
    margin = unit + problem.supply_slope * output - worth
    scale = np.abs(worth) + np.abs(unit)
    yield worst("producer.output", _slack(margin, output)[:, known], scale[:, known], EXACT, problem.producer)
    left = dataset.emissions.values - (problem.intensity - cut) * output
    yield worst("producer.emissions", left[:, known], (problem.intensity * output)[:, known], EXACT, problem.producer)
    factor = np.vstack([dataset.factor.values, np.ones((1, len(problem.year)))])[problem.producer_pool]
    given = np.isin(kinds_of(problem), ("standard", "output_based", "corrected", "self_balancing"))
    expected = np.where(given, np.nan_to_num(factor) * problem.benchmark, 0.0)
    yield worst(
        "producer.benchmark", (benchmark - expected)[:, known], np.abs(expected)[:, known], EXACT, problem.producer
    )
    free = dataset.free_by_output.values - benchmark * output
    yield worst("producer.free", free[:, known], np.abs(benchmark * output)[:, known], EXACT, problem.producer)
    lump = np.where(np.isin(kinds_of(problem), ("cap", "output_based", "corrected")), problem.free, 0.0)
    away = dataset.free_lump_sum.values - lump
    yield worst("producer.lump_sum", away[:, known], lump[:, known], EXACT, problem.producer)
    covered = kinds_of(problem) != "none"
    position = np.where(covered, dataset.emissions.values - dataset.free_by_output.values - lump, 0.0)
    size = np.where(covered, dataset.emissions.values, 0.0)
    yield worst(
        "producer.position",
        (dataset.net_demand.values - position)[:, known],
        np.maximum(np.abs(position), 1e-4 * size)[:, known],
        EXACT * 1e3,
        problem.producer,
    )


def _good_lines(problem: OutputProblem, dataset: xr.Dataset, known: NDArray[np.bool_]) -> Iterator[Line]:
    """Buyers pay what the last unit is worth to them, what is made is bought, and prices are what they should be."""
    price, quantity = dataset.good_price.values, dataset.quantity.values
    bid = problem.intercept - problem.slope * quantity - price
    yield worst(
        "good.buyer", _slack(-bid, quantity)[:, known], np.abs(problem.intercept)[:, known], EXACT, problem.good
    )
    made = _sum_goods(problem, dataset.output.values) - quantity
    yield worst("good.supply", made[:, known], np.abs(quantity)[:, known], EXACT, problem.good)
    paid = paid_by(problem, dataset)
    charge = paid * (problem.intensity - dataset.intensity_cut.values - dataset.benchmark.values)
    first = np.where(problem.is_foreign[:, None], 0.0, dataset.output_without.values)
    mean = _sum_goods(problem, first * charge) / np.maximum(_sum_goods(problem, first), 1e-300)
    tariff = dataset.good_price_without.values + np.nan_to_num(problem.pass_through) * mean
    expected = np.where(np.isnan(problem.pass_through), dataset.supply_price.values, tariff)
    yield worst("good.price", (price - expected)[:, known], np.abs(expected)[:, known], EXACT, problem.good)
    reaction = np.zeros_like(price)
    for g, y in np.ndindex(price.shape):
        at = (problem.producer_good == g) & (dataset.output.values[:, y] > 0)
        own = at & ~problem.is_foreign
        supply = np.sum(1.0 / problem.supply_slope[at, y])
        # One more yuan of cost for every home producer shifts supply by its slope; demand and supply share the gap.
        reaction[g, y] = np.sum(1.0 / problem.supply_slope[own, y]) * problem.slope[g, y]
        reaction[g, y] /= 1.0 + supply * problem.slope[g, y]
    share = np.where(np.isnan(problem.pass_through), reaction, problem.pass_through)
    away = dataset.pass_through.values - share
    yield worst("good.pass_through", away[:, known], np.abs(share)[:, known], EXACT, problem.good)


def _pool_lines(problem: OutputProblem, dataset: xr.Dataset, known: NDArray[np.bool_]) -> Iterator[Line]:
    """Allowance balance of each market with its price, linked prices, factors, and what each pool issues."""
    shape = (len(problem.pool), len(problem.year))
    balance, linked, factor, issued, emitted, sold, spare = (np.zeros(shape) for _ in range(7))
    size = np.full(shape, 1e-300)
    price, found = np.nan_to_num(dataset.allowance_price.values), dataset.issued.values
    for k, y in np.ndindex(shape):
        kind, rows = problem.kind[k][y], problem.producer_pool == k
        if kind == "none" or not known[y]:
            wrong = abs(found[k, y]) + abs(dataset.pool_emissions.values[k, y]) if known[y] else 0.0
            issued[k, y] = wrong
            continue
        output, left = dataset.output.values[rows, y], dataset.emissions.values[rows, y]
        given = float((dataset.benchmark.values[rows, y] * output).sum())
        cap, is_capped = problem.cap[k, y], kind in ("cap", "output_based", "corrected")
        issued[k, y] = found[k, y] - (cap if is_capped else given)
        emitted[k, y] = dataset.pool_emissions.values[k, y] - left.sum()
        lump = float(problem.free[rows, y].sum()) if is_capped else 0.0
        offered = cap - given - lump if is_capped else 0.0
        sold[k, y] = dataset.auctioned.values[k, y] - offered + (np.inf if offered < -MET * cap else 0.0)
        factor[k, y] = _factor_wrong(problem, dataset, k, y)
        members = (problem.market[:, y] == problem.market[k, y]) & np.array([row[y] != "none" for row in problem.kind])
        linked[k, y] = np.abs(price[members, y] - price[k, y]).max()
        excess = dataset.pool_emissions.values[members, y].sum() - found[members, y].sum()
        balance[k, y] = abs(excess) if price[k, y] > 0 else max(excess, 0.0)
        size[k, y] = found[members, y].sum() + left.sum()
        spare[k, y] = dataset.unused.values[k, y]
        if price[k, y] == 0 and found[members, y].sum() > 0:
            spare[k, y] += found[k, y] / found[members, y].sum() * excess
    yield worst("pool.issued", issued, size, EXACT, problem.pool)
    yield worst("pool.emissions", emitted, size, EXACT, problem.pool)
    # The auction volume is a small difference of large numbers where nearly everything is given free.
    yield worst("pool.auctioned", sold, np.maximum(np.abs(dataset.auctioned.values), 1e-6 * size), 1e-6, problem.pool)
    yield worst("pool.factor", factor, 1.0, MET, problem.pool)
    yield worst("pool.linked_price", linked, np.maximum(price, 1e-9), EXACT, problem.pool)
    yield worst("pool.balance", balance, size, MET, problem.pool)
    yield worst("pool.unused", spare, np.maximum(np.abs(dataset.unused.values), 1e-6 * size), 1e-6, problem.pool)
    yield worst("pool.price_sign", np.minimum(price, 0.0), 1.0, 0.0, problem.pool)


def _factor_wrong(problem: OutputProblem, dataset: xr.Dataset, k: int, y: int) -> float:
    """Distance of a factor from its rule: 1; what fits the budget; or what makes allowances equal emissions."""
    rows = problem.producer_pool == k
    found, kind = float(dataset.factor.values[k, y]), problem.kind[k][y]
    wanted = float((problem.benchmark[rows, y] * dataset.output.values[rows, y]).sum())
    if kind == "corrected" and wanted > problem.free_budget[k, y]:
        return found - float(problem.free_budget[k, y]) / wanted
    if kind == "self_balancing" and wanted > 0:
        return found / (float(dataset.emissions.values[rows, y].sum()) / wanted) - 1.0
    return 0.0 if kind == "self_balancing" else found - 1.0
