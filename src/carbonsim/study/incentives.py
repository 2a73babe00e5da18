"""Signal at the solution: phi of each enterprise, allowances tied to output, and distance to a benchmark."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from carbonsim.allocation import allocation_rules
from carbonsim.allocation.core import Allocation, BalancedRule
from carbonsim.market import Market
from carbonsim.study.assemble import Assembly

Array = NDArray[np.float64]


def balance_values(market: Market) -> dict[tuple[str, int], float]:
    """Balance value that each recalibrated group settled on, by (group, year)."""
    found = {}
    for label, value in zip(
        market.dataset["balance_group_label"].values, market.dataset["balance_value"].values, strict=True
    ):
        group, _, year = str(label).rpartition("/")
        found[group, int(year)] = float(value)
    return found


def signal_at_solution(assembly: Assembly, market: Market) -> dict[str, Array]:
    """Share of the price felt at the margin and allowances tied to output, (enterprise, year).

    Parameters
    ----------
    assembly : Assembly
    market : Market

    Returns
    -------
    dict
        ``phi`` [1]: 1 less the allowances that one more tonne brings, averaged over an enterprise's covered
        emissions after abatement; it can be zero or negative; NaN where the enterprise is not covered.
        ``output_linked_allocation`` [allowance]: sigma times output, the allowances that would go if output did.
    """
    problem = assembly.problem
    phi = np.where(assembly.share > 0, 1.0 - problem.per_emission, np.nan)
    if "phi" in market.dataset:
        # Under a lagged rule the path of prices decides; at a price of 0 there is no share of it to speak of.
        found = market.dataset["phi"].values
        phi = np.where(np.isnan(found), phi, np.where(assembly.share > 0, found, np.nan))
    weight, signal = np.zeros_like(phi), np.zeros_like(phi)
    balances = balance_values(market)
    left = zip(market.dataset["response_key"].values, market.dataset["response_other"].values, strict=True)
    for term, (key, other) in zip(problem.responses, left, strict=True):
        rule = term.rule
        if term.balance_group and isinstance(rule, BalancedRule):
            rule = rule.with_balance_value(balances[term.balance_group, term.year])
        by_key, by_other = rule.gradient(key / term.weight, other / term.weight)
        column = problem.year.index(term.year)
        weight[term.enterprise, column] += key + other
        signal[term.enterprise, column] += (1 - by_key) * key + (1 - by_other) * other
    answered = weight > 0
    phi[answered] = signal[answered] / weight[answered]
    return {"phi": phi, "output_linked_allocation": _output_linked(assembly)}


def _output_linked(assembly: Assembly) -> Array:
    place = {str(name): row for row, name in enumerate(assembly.enterprise)}
    tied = np.zeros_like(assembly.share)
    for (_, year), allocation in assembly.allocations.items():
        rows = np.array([place[name] for name in allocation.enterprise], dtype=int)
        free = 1.0 - allocation.notes.get("auction_share", 0.0)
        # A benchmark counts every product, heat beside electricity; sigma counts the main one.
        linked = np.where(allocation.benchmark > 0, free * allocation.benchmark, allocation.sigma * allocation.output)
        np.add.at(tied[:, assembly.problem.year.index(year)], rows, linked)
    return np.asarray(tied * assembly.share)


def benchmark_gap(assembly: Assembly, market: Market) -> dict[str, Array]:
    """Emissions above what the benchmark of the year stands for, where the rule has one, (enterprise, year).

    Returns
    -------
    dict
        ``benchmark_emissions`` [tCO2e]: benchmark times output; ``benchmark_excess``: emissions that the benchmark
        is about, less that. NaN where the rule of the year has no benchmark.
    """
    base = np.full_like(assembly.share, np.nan)
    excess = np.full_like(assembly.share, np.nan)
    place = {str(name): row for row, name in enumerate(assembly.enterprise)}

    def put(name: str, year: int, standard: float, emitted: float) -> None:
        row, column = place[name], assembly.problem.year.index(year)
        base[row, column] = np.nansum([base[row, column], standard])
        excess[row, column] = np.nansum([excess[row, column], emitted - standard])

    balances = balance_values(market)
    for (_, year), allocation in assembly.allocations.items():
        if not allocation_rules.get(allocation.rule).declares.get("has_benchmark", False):
            continue
        for name, standard, emitted in _standards(allocation, balances, year):
            put(name, year, standard, emitted)
    return {"benchmark_emissions": base, "benchmark_excess": excess}


def _standards(
    allocation: Allocation, balances: Mapping[tuple[str, int], float], year: int
) -> list[tuple[str, float, float]]:
    """(enterprise, benchmark emissions, emissions they are compared with) before abatement."""
    groups = [unit for unit in allocation.units if unit.balance_group and isinstance(unit.rule, BalancedRule)]
    if groups:
        return [(u.enterprise, balances[u.balance_group, year] * u.output, u.key_emissions) for u in groups]
    rows = zip(allocation.enterprise, allocation.benchmark, allocation.emissions, strict=True)
    return [(name, float(standard), float(emitted)) for name, standard, emitted in rows if standard > 0]
