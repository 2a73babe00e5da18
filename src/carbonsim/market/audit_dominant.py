"""Audit of a market with a dominant enterprise: the others are in equilibrium, and no other trade pays the leader."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.errors import InfeasibleError
from carbonsim.market.audit_ledger import IDENTITY, worst
from carbonsim.market.certificate import Certificate, Line, audit
from carbonsim.market.fringe import fixed_leader
from carbonsim.market.problem import MarketProblem

Array = NDArray[np.float64]
DEVIATIONS = 24
ENDS = 1e-7  # relative difference accepted between a price and the end of its interval that it must be
GAIN = 1e-6  # gain from a deviation that is accepted, as a share of the leader's turnover


@dataclass(frozen=True, slots=True, eq=False)
class Oracle:
    """What published numbers are compared with: the leader's least cost at other trades, and the market without it.

    ``least_cost`` [CNY] (year) is the least of any trade on the grid, ``competitive`` the market without a leader.
    """

    least_cost: Array
    competitive: xr.Dataset


def audit_dominant(
    problem: MarketProblem, leader: int, dataset: xr.Dataset, oracle: Oracle | None = None
) -> Certificate:
    """The certificate of a market in which enterprise ``leader`` moves the price.

    ``oracle`` rests on the problem alone and is made here unless several datasets are audited against one.
    """
    beside = oracle or ask_oracle(problem, leader)
    return Certificate((*_others(problem, leader, dataset), *_leader(problem, leader, dataset),
                        *_best(problem, leader, dataset, beside.least_cost),
                        *_competitive(problem, leader, dataset, beside.competitive)))  # fmt: skip


def ask_oracle(problem: MarketProblem, leader: int) -> Oracle:
    """The leader's cost at every trade of a grid, and the competitive market, from the engine without a solver."""
    # The engines are the oracle here: the concept itself reads the price off a curve of its own.
    from carbonsim.market.clear import clear

    return Oracle(_least_cost(problem, leader), clear(problem, engine="best_response").dataset)


def _others(problem: MarketProblem, leader: int, dataset: xr.Dataset) -> Iterator[Line]:
    """Every line of the market of the others, with the leader's trade as given."""
    position = dataset.net_purchase.values[leader]
    fringe = fixed_leader(problem, leader, position)
    data = dataset.copy(deep=True)
    data["option_abatement"].values[problem.options.enterprise == leader] = 0.0
    for name, values in (
        ("abatement", 0.0), ("abatement_cost", 0.0), ("covered_emissions", fringe.baseline[leader]),
        ("obligation", fringe.baseline[leader]), ("free_allocation", fringe.fixed[leader]),
    ):  # fmt: skip
        data[name].values[leader] = values
    wrong = [float(basis != "dominant") for basis in dataset.price_basis.values]
    yield worst("dominant.basis", np.array(wrong), 1.0, 0.0, problem.year)
    # Where several prices clear the others' market, a trade next to this one has the one that the leader likes best.
    end = np.where(position > 0, dataset.price_low.values, dataset.price_high.values)
    apart = dataset.allowance_price.values - end
    yield worst("dominant.price_is_end", apart, np.maximum(np.abs(end), 1e-3), ENDS, problem.year)
    own = ("price.basis", "price.is_low_end")
    yield from (line for line in audit(fringe, data).lines if line.name not in own)


def _leader(problem: MarketProblem, leader: int, dataset: xr.Dataset) -> Iterator[Line]:
    options, years = problem.options, problem.year
    mine = options.enterprise == leader
    use, potential = dataset.option_abatement.values[mine], options.potential[mine]
    cost, slope = options.unit_cost[mine], options.slope[mine]
    outside = np.maximum(np.maximum(-use, use - potential), 0.0)
    yield worst("leader.bounds", outside.sum(axis=0), potential.sum(axis=0), IDENTITY, years)
    left = problem.baseline[leader] - use.sum(axis=0)
    share = problem.share[leader]
    free = share * (problem.fixed[leader] + problem.per_emission[leader] * left)
    spent = (use * (cost + slope * use / 2)).sum(axis=0)
    size = (np.abs(use * cost) + slope * use**2 / 2).sum(axis=0)
    bought = dataset.net_purchase.values[leader]
    # A small purchase must not hide behind large obligations, nor a small cut behind large emissions.
    rows = {
        "abatement": (use.sum(axis=0), use.sum(axis=0)), "covered_emissions": (left, np.abs(left)),
        "obligation": (share * left, share * left), "free_allocation": (free, np.abs(free)),
        "abatement_cost": (spent, size),
        "net_purchase": (share * left - free + dataset.withheld.values, np.abs(bought)),
    }  # fmt: skip
    for name, (expected, scale) in rows.items():
        floor = 1e-6 * problem.baseline[leader]
        found = dataset[name].values[leader] - expected
        yield worst(f"leader.{name}", found, np.maximum(scale, floor), IDENTITY * 10, years)
    yield worst("leader.withheld", np.minimum(dataset.withheld.values, 0.0), 1.0, 0.0, years)
    price = dataset.allowance_price.values
    paid = spent + price * bought
    turnover = size + np.abs(price * bought)
    yield worst("leader.cost", dataset.leader_cost.values - paid, turnover, IDENTITY, years)
    marginal = cost + slope * use
    dearest = np.where(use > 1e-7 * potential, marginal, -np.inf).max(axis=0, initial=-np.inf)
    cheapest = np.where(use < potential * (1 - 1e-7), marginal, np.inf).min(axis=0, initial=np.inf)
    with np.errstate(invalid="ignore"):
        disorder = np.nan_to_num(np.maximum(dearest - cheapest, 0.0), posinf=0.0)
    yield worst("leader.merit_order", disorder, np.abs(cost).max(axis=0, initial=1e-3), 1e-6, years)


def _least_cost(problem: MarketProblem, leader: int) -> Array:
    """The leader's least cost by year over a grid of trades, at the price the others then settle on."""
    share, phi = problem.share[leader], 1 - problem.per_emission[leader]
    need = share * (phi * problem.baseline[leader] - problem.fixed[leader])
    room = (share * phi * problem.options.potential[problem.options.enterprise == leader]).sum(axis=0)
    least, most = need - room, np.maximum(need, 0.0)
    found = np.full(len(problem.year), np.inf)
    for part in np.linspace(0.0, 1.0, DEVIATIONS):
        trade = least + part * (most - least)
        price = _fringe_price(problem, leader, trade)
        if price is not None:
            found = np.minimum(found, _cheapest(problem, leader, (need - trade) / (share * phi)) + price * trade)
    return found


def _best(problem: MarketProblem, leader: int, dataset: xr.Dataset, least_cost: Array) -> Iterator[Line]:
    """No other trade on a grid is cheaper for the leader."""
    gain = np.maximum(dataset.leader_cost.values - least_cost, 0.0)
    turnover = np.abs(dataset.abatement_cost.values[leader]) + np.abs(
        dataset.allowance_price.values * dataset.net_purchase.values[leader]
    )
    yield worst("leader.no_better_trade", gain, np.maximum(turnover, 1e-3), GAIN, problem.year)


def _fringe_price(problem: MarketProblem, leader: int, trade: Array) -> Array | None:
    """Price the others settle on, at the end that the leader likes least; None where some year has none."""
    from carbonsim.market.clear import clear

    try:
        found = clear(fixed_leader(problem, leader, trade), engine="best_response").dataset
    except InfeasibleError:
        return None
    high = found.price_high.values
    return np.where(trade > 0, np.where(np.isnan(high), np.inf, high), found.price_low.values)


def _cheapest(problem: MarketProblem, leader: int, cut: Array) -> Array:
    """Least cost of a cut by year, by bisection on the marginal cost."""
    mine = problem.options.enterprise == leader
    size, cost, slope = (array[mine] for array in
                         (problem.options.potential, problem.options.unit_cost, problem.options.slope))  # fmt: skip
    low, high = (
        np.full(cut.shape, cost.min(initial=0.0) - 1),
        np.full(cut.shape, (cost + slope * size).max(initial=0.0) + 1),
    )

    def use(level: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            rising = np.clip((level - cost) / slope, 0.0, size)
        return np.where(slope > 0, rising, np.where(cost <= level, size, 0.0))

    for _ in range(200):
        middle = (low + high) / 2
        enough = use(middle).sum(axis=0) >= cut
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    used = use(high)
    # The last step is cut only in part, at its own cost.
    excess = np.where(high > 0, np.maximum(used.sum(axis=0) - np.maximum(cut, 0.0), 0.0), 0.0)
    return np.asarray((used * (cost + slope * used / 2)).sum(axis=0) - excess * high)


def _competitive(problem: MarketProblem, leader: int, dataset: xr.Dataset, alone: xr.Dataset) -> Iterator[Line]:
    """The competitive market beside it."""
    price = alone.price_low.values
    scale = np.maximum(price, 1e-3)
    yield worst("competitive.price", dataset.competitive_price.values - price, scale, 2e-6, problem.year)
    cost = alone.abatement_cost.values[leader] + price * alone.net_purchase.values[leader]
    size = np.abs(alone.abatement_cost.values[leader]) + np.abs(price * alone.net_purchase.values[leader])
    apart, size = dataset.competitive_leader_cost.values - cost, np.maximum(np.abs(cost), 1e-3 * size)
    yield worst("competitive.leader_cost", apart, size, 2e-5, problem.year)
