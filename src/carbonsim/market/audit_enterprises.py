"""Audit of a market with a balance for each enterprise: ledgers, the market's clearing, optimality by enterprise."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.market.audit_enterprise_decisions import decision_lines
from carbonsim.market.audit_enterprise_prices import bank_before, lowest_bank, price_lines
from carbonsim.market.audit_ledger import IDENTITY, LEFT, gross_positions, gross_volume, worst
from carbonsim.market.certificate import Line
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.problem import MarketProblem

Array = NDArray[np.float64]

SOLVED = 1e-7  # relative residual accepted where a solver's tolerance enters
NOTHING = 1e-12  # of an enterprise's gross quantities: what is left of them by rounding


def lines(problem: MarketProblem, dataset: xr.Dataset) -> Iterator[Line]:
    """The lines on trades, banks and prices of a market that keeps a balance for each enterprise."""
    yield from _trade_lines(problem, dataset)
    yield from _step_lines(problem, dataset)
    yield from _ledger_lines(problem, dataset)
    yield from _market_lines(problem, dataset)
    yield from price_lines(problem, dataset)
    yield from decision_lines(problem, dataset)


def _trade_lines(problem: MarketProblem, dataset: xr.Dataset) -> Iterator[Line]:
    firms = problem.enterprise
    bought, sold, net = (dataset[name].values for name in ("purchased", "sold", "net_purchase"))
    yield worst("enterprise.net_purchase", net - (bought - sold), np.abs(bought) + np.abs(sold), IDENTITY, firms)
    wrong = np.minimum(bought, 0.0) + np.minimum(sold, 0.0) - np.minimum(np.abs(bought), np.abs(sold))
    yield worst("enterprise.one_side", wrong, np.abs(bought) + np.abs(sold), IDENTITY, firms)
    split = problem.opening_split
    if split is None:
        first = problem.share[:, 0] * problem.baseline[:, 0]
        split = first / max(float(first.sum()), 1e-300)
    opening = problem.opening_bank * split
    found = dataset.enterprise_opening_bank.values
    yield worst("enterprise.opening", found - opening, np.abs(opening), IDENTITY, firms)


def _step_lines(problem: MarketProblem, dataset: xr.Dataset) -> Iterator[Line]:
    """Offsets and unmet obligations: each enterprise's add up to the market's and stay within its own limit."""
    own = dataset.enterprise_step_used.values
    obligation = dataset.obligation.values
    offsets, unmet = np.zeros_like(obligation), np.zeros_like(obligation)
    for s, step in enumerate(problem.steps):
        if step.kind not in ("offset", "penalty"):
            yield worst(f"enterprise.{step.name}", own[s], 1.0, 0.0, problem.enterprise)
            continue
        total = dataset.step_used.values[s]
        yield worst(f"enterprise.{step.name}.total", own[s].sum(axis=0) - total, total, IDENTITY, problem.year)
        offsets, unmet = (offsets + own[s], unmet) if step.kind == "offset" else (offsets, unmet + own[s])
        limit = np.full_like(obligation, np.inf)
        if step.obligation_share is not None:
            limit = np.nan_to_num(step.obligation_share) * obligation
        outside = np.maximum(np.maximum(-own[s], own[s] - limit), 0.0)
        size = np.maximum(obligation, LEFT * gross_positions(problem))
        yield worst(f"enterprise.{step.name}.limit", outside, size, SOLVED, problem.enterprise)
    for name, mine in (("offsets_surrendered", offsets), ("unmet_obligation", unmet)):
        yield worst(f"enterprise.{name}", dataset[name].values - mine, mine, IDENTITY, problem.enterprise)


def _owed(problem: MarketProblem, dataset: xr.Dataset) -> Array:
    owed = np.zeros(problem.baseline.shape)
    for step, used in zip(problem.steps, dataset.enterprise_step_used.values, strict=True):
        if step.owed_next is not None:
            owed[:, 1:] += step.owed_next[:-1] * used[:, :-1]
    return owed


def _ledger_lines(problem: MarketProblem, dataset: xr.Dataset) -> Iterator[Line]:
    """Held before + free + bought = surrendered + held after + expired, for each enterprise and year."""
    firms, owed = problem.enterprise, _owed(problem, dataset)
    bank, expired, net = (dataset[n].values for n in ("enterprise_bank", "enterprise_expired", "net_purchase"))
    obligation, free = dataset.obligation.values, dataset.free_allocation.values
    relieved = dataset.offsets_surrendered.values + dataset.unmet_obligation.values
    left = bank_before(dataset) + free + net + relieved - owed - obligation - bank - expired
    volume = obligation + np.abs(free) + np.abs(net) + np.abs(bank_before(dataset))
    volume = np.maximum(volume, LEFT * gross_positions(problem))
    # A small bank must not hide behind large flows.
    size = np.minimum(volume, np.abs(bank) + np.abs(expired) + np.abs(net) + 1e-2 * volume)
    yield worst("enterprise.ledger", left, np.maximum(size, 1e-9), SOLVED, firms)
    lost = np.where(expired < -NOTHING * gross_positions(problem), expired, 0.0)
    yield worst("enterprise.expired", lost, volume, 0.0, firms)
    make_good = dataset.make_good.values
    yield worst("enterprise.make_good", make_good - owed.sum(axis=0), make_good, IDENTITY, problem.year)
    banking = next((i for i in problem.instruments if isinstance(i, Banking)), None)
    if banking is None:
        yield worst("enterprise.bank_exists", bank, 1.0, 0.0, firms)
        return
    low = lowest_bank(problem)
    yield worst("enterprise.bank_limit", np.minimum(bank - low, 0.0), np.maximum(volume, 1e-9), SOLVED, firms)


def _market_lines(problem: MarketProblem, dataset: xr.Dataset) -> Iterator[Line]:
    """The market clears, enterprises' banks are the market's, and nothing comes from elsewhere."""
    years = problem.year
    sold = dataset.sold_auction.values + dataset.ceiling_sold.values + dataset.reserve_sold.values.sum(axis=0)
    net = dataset.net_purchase.values
    own = dataset.enterprise_expired.values.sum(axis=0)
    unclaimed = dataset.expired.values - own
    offered = problem.supply + sold
    volume = np.maximum(offered + np.abs(net).sum(axis=0), LEFT * gross_volume(problem))
    size = np.minimum(volume, np.abs(dataset.expired.values) + 1e-2 * volume)
    left = offered - net.sum(axis=0) - unclaimed
    yield worst("market.clears", left, np.maximum(size, 1e-9), SOLVED, years)
    yield worst("market.unclaimed", np.minimum(unclaimed, 0.0), np.maximum(volume, 1e-9), SOLVED, years)
    bank = dataset.enterprise_bank.values.sum(axis=0)
    size = np.abs(dataset.enterprise_bank.values).sum(axis=0)
    yield worst("market.bank", dataset.bank.values - bank, size, IDENTITY, years)
    yield worst("ledger.issued_fixed", dataset.issued_fixed.values - problem.supply, problem.supply, IDENTITY, years)
    yield worst("ledger.external", dataset.external_purchase.values, 1.0, 0.0, years)
