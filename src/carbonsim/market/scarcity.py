"""Says why a cap cannot be met: the year, the missing tonnes, and the rules that would have to give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from carbonsim.errors import InfeasibleError, Said, joined, shorten
from carbonsim.market.carry_over import carry_over
from carbonsim.market.problem import MarketProblem
from carbonsim.market.supply import INSTEAD_OF_ALLOWANCES, Array
from carbonsim.market.vintage_stock import oldest_first, vintages_of


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
    years_zh = "，".join(f"{year} 年 {_tonnes(tonnes)} 吨" for year, tonnes in short.items())
    total = _tonnes(sum(short.values()))
    rules = _rules(problem, tuple(short), rows)
    raise InfeasibleError(
        f"The cap cannot be met: even with all abatement and every supply step, {total} t of allowances are missing "
        f"({years}). Relax one of: {'; '.join(rules)}.",
        f"总量无法满足：即使实施全部减排并用尽所有供给项，仍缺 {total} 吨配额（{years_zh}）。请放宽以下之一："
        f"{joined(rules).zh}。",
    )


def forward_shortfall(problem: MarketProblem) -> dict[int, float]:
    """Tonnes that each year lacks with all abatement and every supply step, the bank carried forward as far as it goes.

    A shortfall is counted in the year in which it arises and not again later. Only for rules that are affine; nothing
    is said where instruments ration several steps or years together.
    """
    if any(instrument.rations for instrument in problem.instruments):
        return {}
    offer = _offer(problem)
    vintages = vintages_of(problem)
    if vintages is not None:
        lacking = oldest_first(problem, vintages, offer.issued, offer.surrendered).missing
        return {year: float(tonnes) for year, tonnes in zip(problem.year, lacking, strict=True) if tonnes > 0}
    carry = carry_over(problem)
    least = -carry.limit
    least[-1] = carry.at_least
    missing, bank, interest = {}, problem.opening_bank, 0.0
    for y, year in enumerate(problem.year):
        bank += float(offer.issued[y] - offer.surrendered[y]) - interest
        if bank < least[y]:
            missing[year] = float(least[y] - bank)
            bank = float(least[y])
        bank = bank if carry.kept[y] else 0.0
        interest = float(carry.interest[y]) * max(-bank, 0.0)
    return missing


@dataclass(frozen=True, slots=True, eq=False)
class _Offer:
    """Allowances at best issued and at least surrendered in each year, with all abatement and every supply step."""

    issued: Array
    surrendered: Array


def _offer(problem: MarketProblem) -> _Offer:
    options = problem.options
    cut = np.zeros_like(problem.baseline)
    np.add.at(cut, options.enterprise, np.where(problem.option_phi > 0, options.potential, 0.0))
    emissions = problem.baseline - cut
    obligation = (problem.share * emissions).sum(axis=0)
    issued = problem.supply + (problem.share * (problem.per_emission * emissions + problem.fixed)).sum(axis=0)
    everything = float((problem.share * problem.baseline).sum()) + 1.0
    stands_in = np.zeros_like(obligation)
    for step in problem.steps:
        quantity = np.where(step.exists(), np.minimum(step.quantity, everything), 0.0)
        if step.obligation_share is not None:
            quantity = np.where(step.exists(), step.obligation_share, 0.0) * obligation
        if step.kind in INSTEAD_OF_ALLOWANCES:
            stands_in = stands_in + quantity
        else:
            issued = issued + quantity
    return _Offer(issued, obligation - stands_in)


def _tonnes(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 100 else f"{amount:.6g}"


def _rules(problem: MarketProblem, years: tuple[int, ...], rows: Sequence[str]) -> list[str]:
    """The rules that bind, in the reader's words."""
    in_conflict = sorted({int(row.split("[")[1].rstrip("]")) for row in rows if row.startswith("market.balance[")})
    balances = in_conflict or list(years)
    rules: list[str] = [
        Said(
            f"the supply of {shorten(balances)} (market.balance)",
            f"{shorten(balances, 'zh')} 年的配额供给（market.balance）",
        )
    ]
    rules += _rules_of_carrying(problem, years)
    for step in problem.steps:
        if step.kind in ("floor", "reserve_tier"):
            rules.append(Said(f"the volume of {step.name}", f"{step.name} 的数量"))
        if step.kind == "offset":
            rules.append(Said(f"the limit on {step.name}", f"{step.name} 的限额"))
    rules += [clause for instrument in problem.instruments for clause in instrument.relaxes]
    if not any(step.kind in ("ceiling", "penalty") for step in problem.steps):
        rules.append(
            Said(
                "add a price_ceiling or a penalty, which sell what is missing at a price",
                "增加 price_ceiling 或 penalty，以一定价格提供所缺配额",
            )
        )
    return rules


def _rules_of_carrying(problem: MarketProblem, years: tuple[int, ...]) -> list[str]:
    """The rules on what is carried between years that would help the years that lack allowances."""
    labels = {instrument.label for instrument in problem.instruments}
    rules: list[str] = []
    # Owing more, or settling later, helps only if a later year has something to give back.
    before_last = bool(years) and years[-1] != problem.year[-1]
    if "vintages" in labels:
        rules.append(
            Said(
                "the years for which a vintage serves (vintages.life, vintages.early)",
                "配额的有效年限（vintages.life、vintages.early）",
            )
        )
    elif "banking" not in labels and bool(np.any(~problem.within_period[:-1])):
        rules.append(Said("the ban on carrying allowances over (declare banking)", "不可结转的规定（请声明 banking）"))
    elif "banking" in labels and before_last:
        rules.append(Said("the borrowing limit (banking.borrowing)", "预借限额（banking.borrowing）"))
    if "compliance_periods" in labels and before_last:
        rules.append(
            Said(
                "the ends of the compliance periods (compliance_periods.ends)",
                "履约期的期末（compliance_periods.ends）",
            )
        )
    if carry_over(problem).interest.any():
        rules.append(
            Said(
                "the interest on what is borrowed (banking.borrowing_interest)",
                "预借的配额利息（banking.borrowing_interest）",
            )
        )
    if carry_over(problem).at_least and problem.year[-1] in years:
        rules.append(
            Said(
                "the allowances to be left at last (terminal_bank.at_least)",
                "期末应剩余的配额（terminal_bank.at_least）",
            )
        )
    return rules
