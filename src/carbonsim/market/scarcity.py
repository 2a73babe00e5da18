"""Says why a cap cannot be met: the year, the missing tonnes, and the rules that would have to give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn

import numpy as np

from carbonsim.errors import InfeasibleError, shorten
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.problem import MarketProblem


def raise_infeasible(problem: MarketProblem, missing: Mapping[int, float], rows: Sequence[str] = ()) -> NoReturn:
    """Raise InfeasibleError with the missing tonnes by year and the smallest set of rules to relax.

    Parameters
    ----------
    problem : MarketProblem
    missing : dict
        Tonnes by which each year's need exceeds everything that can be supplied or abated.
    rows : sequence of str
        Rows that contradict each other, if a solver named them.
    """
    short = {year: tonnes for year, tonnes in missing.items() if tonnes > 0}
    years = ", ".join(f"{year}: {_tonnes(tonnes)} t" for year, tonnes in short.items())
    total = _tonnes(sum(short.values()))
    rules = _rules(problem, tuple(short), rows)
    raise InfeasibleError(
        f"The cap cannot be met: even with all abatement and every supply step, {total} t of allowances are missing "
        f"({years}). Relax one of: {'; '.join(rules)}."
    )


def forward_shortfall(problem: MarketProblem) -> dict[int, float]:
    """Tonnes that each year lacks with all abatement and every supply step, the bank carried forward as far as it goes.

    A shortfall is counted in the year in which it arises and not again later. Only for rules that are affine.
    """
    options, years = problem.options, len(problem.year)
    cut = np.zeros_like(problem.baseline)
    np.add.at(cut, options.enterprise, np.where(problem.option_phi > 0, options.potential, 0.0))
    emissions = problem.baseline - cut
    need = (problem.share * ((1 - problem.per_emission) * emissions - problem.fixed)).sum(axis=0)
    offered = problem.supply.copy()
    for step in problem.steps:
        quantity = np.where(step.exists(), step.quantity, 0.0)
        if step.obligation_share is not None:
            quantity = np.where(step.exists(), step.obligation_share, 0.0) * (problem.share * emissions).sum(axis=0)
        offered = offered + quantity
    banking = next((i for i in problem.instruments if isinstance(i, Banking)), None)
    limit = banking.limit(years) if banking else np.zeros(years)
    missing, bank = {}, problem.opening_bank
    for year, needed, supplied, borrowed in zip(problem.year, need, offered, limit, strict=True):
        bank += supplied - needed
        if bank < -borrowed:
            missing[year] = float(-borrowed - bank)
            bank = -borrowed
        bank = min(bank, 0.0) if banking is None else bank
    return missing


def _tonnes(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 100 else f"{amount:.6g}"


def _rules(problem: MarketProblem, years: tuple[int, ...], rows: Sequence[str]) -> list[str]:
    """The rules that bind, in the reader's words."""
    in_conflict = sorted({int(row.split("[")[1].rstrip("]")) for row in rows if row.startswith("market.balance[")})
    balances = in_conflict or list(years)
    rules = [f"the supply of {shorten(balances)} (market.balance)"]
    labels = {instrument.label for instrument in problem.instruments}
    if "banking" not in labels and len(problem.year) > 1:
        rules.append("the ban on carrying allowances over (declare banking)")
    elif "banking" in labels and years and years[-1] != problem.year[-1]:
        # Borrowing helps only if a later year has something to give back.
        rules.append("the borrowing limit (banking.borrowing)")
    for step in problem.steps:
        if step.kind in ("floor", "reserve_tier"):
            rules.append(f"the volume of {step.name}")
        if step.kind == "offset":
            rules.append(f"the limit on {step.name}")
    if not any(step.kind in ("ceiling", "penalty") for step in problem.steps):
        rules.append("add a price_ceiling or a penalty, which sell what is missing at a price")
    return rules
