"""Audit of quantities: emissions, allocation, trades, the allowance ledger and money."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.market.certificate import Line
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.problem import MarketProblem

Array = NDArray[np.float64]

IDENTITY = 1e-8  # relative residual accepted where two sums must be the same number
SOLVED = 1e-6  # relative residual accepted where a solver's tolerance enters


def worst(name: str, residual: Array, scale: Array | float, tolerance: float, labels: Sequence[object]) -> Line:
    """A line from residuals over a labelled first axis, each relative to its own scale."""
    relative = np.abs(residual) / np.maximum(scale, 1e-9)
    if relative.size == 0:
        return Line(name, 0.0, tolerance)
    flat = np.where(np.isnan(relative), np.inf, relative)
    position = int(np.unravel_index(np.argmax(flat), flat.shape)[-1 if flat.ndim == 1 else 0])
    return Line(name, float(flat.max()), tolerance, str(labels[position]))


def lines(problem: MarketProblem, dataset: xr.Dataset) -> Iterator[Line]:
    """The lines of the ledger."""
    yield from _emission_lines(problem, dataset)
    yield from _allocation_lines(problem, dataset)
    yield from _step_lines(problem, dataset)
    yield from _trade_lines(problem, dataset)
    yield from _bank_lines(problem, dataset)


def _emission_lines(problem: MarketProblem, dataset: xr.Dataset) -> Iterator[Line]:
    used, potential = dataset.option_abatement.values, problem.options.potential
    outside = np.maximum(np.maximum(-used, used - potential), 0.0)
    yield worst("option.bounds", outside, potential, IDENTITY, problem.options.label)
    cut = np.zeros_like(problem.baseline)
    np.add.at(cut, problem.options.enterprise, used)
    before = problem.baseline.copy()
    for term in problem.responses:
        before[term.enterprise, problem.year.index(term.year)] += term.key + term.other
    firms = problem.enterprise
    yield worst("emissions.abatement", dataset.abatement.values - cut, np.abs(cut), IDENTITY, firms)
    left = dataset.covered_emissions.values
    yield worst("emissions.after", left - (before - cut), before, IDENTITY, firms)
    yield worst(
        "emissions.obligation", dataset.obligation.values - problem.share * left, problem.share * left, IDENTITY, firms
    )


def _allocation_lines(problem: MarketProblem, dataset: xr.Dataset) -> Iterator[Line]:
    """Free allocation and abatement cost from emissions, option by option and response by response."""
    used, options = dataset.option_abatement.values, problem.options
    mine = np.zeros(used.shape, dtype=bool)
    for term in problem.responses:
        for option in term.key_options + term.other_options:
            mine[option, problem.year.index(term.year)] = True
    affine = problem.baseline.copy()
    np.subtract.at(affine, options.enterprise, np.where(mine, 0.0, used))
    expected = problem.share * (problem.fixed + problem.per_emission * affine)
    cost = np.zeros_like(expected)
    spent = options.unit_cost * used + options.slope * used**2 / 2
    np.add.at(cost, options.enterprise, np.where(mine, 0.0, spent))
    size = np.zeros_like(cost)
    # A measure whose cost rises from below zero may cost nothing in all: its two parts give the scale.
    np.add.at(size, options.enterprise, np.abs(options.unit_cost * used) + options.slope * used**2 / 2)
    for index, term in enumerate(problem.responses):
        place = term.enterprise, problem.year.index(term.year)
        expected[place] += problem.share[place] * float(dataset.response_allocation[index])
        cost[place] += float(dataset.response_cost[index])
    found = dataset.free_allocation.values
    scale = np.abs(expected) + problem.share * np.abs(problem.fixed)
    yield worst("allocation.free", found - expected, scale, IDENTITY, problem.enterprise)
    yield worst("abatement.cost", dataset.abatement_cost.values - cost, size, IDENTITY, problem.enterprise)


def _step_lines(problem: MarketProblem, dataset: xr.Dataset) -> Iterator[Line]:
    """The named flows are those of the steps, and no step exceeds its quantity."""
    steps, used = problem.steps, dataset.step_used.values
    obligation = dataset.obligation.values.sum(axis=0)
    names = {"floor": "sold_auction", "ceiling": "ceiling_sold", "offset": "offsets_used", "penalty": "penalty_tonnes"}
    for kind, name in names.items():
        total = sum((used[i] for i, step in enumerate(steps) if step.kind == kind), np.zeros(len(problem.year)))
        yield worst(f"steps.{name}", dataset[name].values - total, total, IDENTITY, problem.year)
    tiers = [i for i, step in enumerate(steps) if step.kind == "reserve_tier"]
    yield worst(
        "steps.reserve_sold", (dataset.reserve_sold.values - used[tiers]).T, used[tiers].T, IDENTITY, problem.year
    )
    offered = np.zeros(len(problem.year))
    for step in steps:
        if step.kind == "floor":
            offered += np.where(np.isnan(step.price), 0.0, step.quantity)
    yield worst("steps.unsold", dataset.unsold.values + dataset.sold_auction.values - offered, dataset.unsold.values,
                SOLVED, problem.year)  # fmt: skip
    for i, step in enumerate(steps):
        limit = np.where(np.isnan(step.price), 0.0, step.quantity)
        if step.obligation_share is not None:
            limit = np.where(np.isnan(step.price), 0.0, step.obligation_share * obligation)
        outside = np.maximum(np.maximum(-used[i], used[i] - limit), 0.0)
        scale = np.where(np.isinf(limit), obligation, limit)
        yield worst(f"steps.{step.name}.bounds", outside, np.maximum(scale, 1e-9 * obligation), SOLVED, problem.year)


def _trade_lines(problem: MarketProblem, dataset: xr.Dataset) -> Iterator[Line]:
    """Each enterprise's purchases follow from its position; offsets and unmet obligations are split pro rata."""
    obligation, free = dataset.obligation.values, dataset.free_allocation.values
    offsets, unmet = dataset.offsets_surrendered.values, dataset.unmet_obligation.values
    total = obligation.sum(axis=0)
    part = obligation / np.where(total > 0, total, 1.0)
    for name, array, flow in (("offsets", offsets, "offsets_used"), ("unmet", unmet, "penalty_tonnes")):
        expected = part * dataset[flow].values
        yield worst(f"trade.{name}", array - expected, expected, IDENTITY, problem.enterprise)
    owed, make_good = np.zeros_like(unmet), np.zeros(len(problem.year))
    for index, step in enumerate(problem.steps):
        if step.owed_next is not None:
            owing = step.owed_next[:-1] * dataset.step_used.values[index, :-1]
            make_good[1:] += owing
            owed[:, 1:] += part[:, :-1] * owing
    yield worst("trade.make_good", dataset.make_good.values - make_good, make_good, IDENTITY, problem.year)
    position = obligation - free - offsets - unmet + owed
    bought = dataset.net_purchase.values
    rounding = IDENTITY * 1e-3 * (obligation + np.abs(free)) / IDENTITY
    yield worst("trade.position", bought - position, np.abs(position) + rounding * 1e-3, IDENTITY, problem.enterprise)


def _bank_lines(problem: MarketProblem, dataset: xr.Dataset) -> Iterator[Line]:
    """Issued = surrendered + banked + expired, money received = money paid, and the bank within its limits."""
    years = problem.year
    price = np.nan_to_num(dataset.allowance_price.values)
    bank, expired, external = dataset.bank.values, dataset.expired.values, dataset.external_purchase.values
    sold = dataset.sold_auction.values + dataset.ceiling_sold.values + dataset.reserve_sold.values.sum(axis=0)
    given = problem.given_price is not None
    before = np.concatenate([[0.0 if given else problem.opening_bank], bank[:-1]])
    free, obligation = dataset.free_allocation.values.sum(axis=0), dataset.obligation.values.sum(axis=0)
    issued = free + problem.supply + sold + external
    surrendered = obligation - dataset.offsets_used.values - dataset.penalty_tonnes.values + dataset.make_good.values
    volume = obligation + np.abs(issued) + np.abs(before)
    yield worst("ledger.issued_fixed", dataset.issued_fixed.values - problem.supply, problem.supply, IDENTITY, years)
    # A bank or an expiry is checked against its own size too: a small one must not hide behind large flows.
    moved = before + issued - surrendered - bank - expired
    smallest = np.minimum(volume, np.abs(bank) + np.abs(expired) + np.abs(external) + 1e-2 * volume)
    yield worst("ledger.allowances", moved, smallest, SOLVED / 10, years)
    bought = dataset.net_purchase.values.sum(axis=0)
    paid = price * (bought - (problem.supply + sold + external + before - bank - expired))
    yield worst("ledger.money", paid, np.maximum(price, 1.0) * volume, SOLVED / 10, years)
    banking = next((i for i in problem.instruments if isinstance(i, Banking)), None)
    limit = np.zeros(len(years)) if banking is None else np.broadcast_to(banking.borrowing, (len(years),)).copy()
    limit[-1] = 0.0
    yield worst("bank.limit", np.minimum(bank + limit, 0.0), volume, SOLVED / 10, years)
    idle = bank if banking is None else expired
    yield worst("bank.exists", np.abs(idle) + np.minimum(expired, 0.0), volume, SOLVED / 10, years)
