"""Audit of lagged allocation: at the published path the signals and the allocation follow from the path itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.market.audit_ledger import worst
from carbonsim.market.audit_vintages import has_vintages, issue_worth
from carbonsim.market.certificate import Certificate, Line, audit
from carbonsim.market.problem import MarketProblem

Array = NDArray[np.float64]

EXACT = 1e-7


def audit_lagged(
    problem: MarketProblem, dataset: xr.Dataset, *, share: Array, previous: Array, after: Array
) -> Certificate:
    """The certificate of a market with lagged allocation.

    Parameters
    ----------
    problem : MarketProblem
        Without the lagged part of the allocation.
    dataset : Dataset
        As published.
    share : array [1] (enterprise, year)
        Allowances for each tonne of the year before.
    previous : array [tCO2e] (enterprise)
        Emissions of the year before the first.
    after : array [CNY/tCO2e] (enterprise)
        Present worth, in the last year, of what a tonne of it brings afterwards.

    Returns
    -------
    Certificate
        The ordinary audit of the market in which every option costs, besides itself, what the allowances it forgoes
        are worth at the published prices and the allocation follows the published emissions; then the lines of the lag.
    """
    return Certificate(tuple(_lines(problem, dataset, share, previous, after)))


def _lines(problem: MarketProblem, dataset: xr.Dataset, share: Array, previous: Array, after: Array) -> Iterator[Line]:
    emissions = dataset.covered_emissions.values
    owed, given_worth = _worths(problem, dataset)
    worth = np.zeros_like(problem.baseline)
    expected = np.zeros_like(problem.baseline)
    for y in range(len(problem.year)):
        last = emissions[:, y - 1] if y else previous
        expected[:, y] = share[:, y] * last
        if y:
            ratio = problem.discount[y] / problem.discount[y - 1]
            worth[:, y - 1] = problem.share[:, y] * share[:, y] * given_worth[:, y] * ratio
    worth[:, -1] = after
    owner, used = problem.options.enterprise, dataset.option_abatement.values
    cost = problem.options.unit_cost + worth[owner]
    like = dataclasses.replace(
        problem, fixed=problem.fixed + expected, options=dataclasses.replace(problem.options, unit_cost=cost)
    )
    forgone = np.zeros_like(worth)
    np.add.at(forgone, owner, worth[owner] * used)
    seen = dataset.drop_vars(["phi", "lagged_allocation", "forgone_allocation"]).copy()
    seen["abatement_cost"] = seen.abatement_cost + forgone
    if problem.responses:
        cuts = [list(term.key_options + term.other_options) for term in problem.responses]
        years = [problem.year.index(term.year) for term in problem.responses]
        extra = [worth[owner[rows], y] @ used[rows, y] for rows, y in zip(cuts, years, strict=True)]
        seen["response_cost"] = seen.response_cost + np.array(extra)
    yield from audit(like, seen).lines
    firms = problem.enterprise
    given = problem.share * expected
    found = dataset.lagged_allocation.values
    yield worst("lagged.allocation", found - given, np.abs(given), EXACT, firms)
    found = dataset.forgone_allocation.values
    yield worst("lagged.forgone", found - forgone, np.abs(forgone), EXACT, firms)
    full = problem.share * owed
    felt = full - problem.share * problem.per_emission * given_worth - worth
    phi = np.where(full > 0, felt / np.where(full > 0, full, 1.0), np.nan)
    both = np.isnan(phi) & np.isnan(dataset.phi.values)
    wrong = np.where(both, 0.0, dataset.phi.values - phi)
    yield worst("lagged.phi", wrong, np.nan_to_num(np.abs(phi)), EXACT, firms)
    spent = problem.options.unit_cost * used + problem.options.slope * used**2 / 2
    gross, paid = np.zeros_like(worth), np.zeros_like(worth)
    np.add.at(paid, owner, spent)
    np.add.at(gross, owner, np.abs(problem.options.unit_cost * used) + problem.options.slope * used**2 / 2)
    answered = sorted({term.enterprise for term in problem.responses})
    paid[answered] = dataset.abatement_cost.values[answered]
    yield worst("lagged.cost", dataset.abatement_cost.values - paid, gross, EXACT, firms)


def _worths(problem: MarketProblem, dataset: xr.Dataset) -> tuple[Array, Array]:
    """What an allowance less that is owed, and one more that is given, is worth to each enterprise in each year."""
    price = dataset.allowance_price.values
    owed, given = np.empty_like(problem.baseline), np.empty_like(problem.baseline)
    owed[:], given[:] = price, issue_worth(problem, price) if has_vintages(problem) else price
    if any(instrument.by_enterprise for instrument in problem.instruments):
        own = dataset.enterprise_price.values
        owed = given = np.where(np.isnan(own), 0.0, own)
    return owed, given
