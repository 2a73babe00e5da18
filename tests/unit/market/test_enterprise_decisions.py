"""Markets with yes-or-no decisions by enterprise: least cost and prices against programmes of scipy and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from carbonsim.errors import InfeasibleError
from carbonsim.market import MarketProblem, audit, clear

FIRMS, YEARS, STEPS, TONNES, BASELINE = 3, 2, 2, 10.0, 20.0


def carrying(free: Any, cost: Any, base: float, multiple: float, interest: float, **more: Any) -> MarketProblem:
    """Three enterprises of 20 t a year over two years, two options of 10 t each, a carry-over limit after 2025."""
    rule = {"year": 2025, "counting": [2025], "base": base, "multiple": multiple}
    return MarketProblem.from_mapping(
        {
            "year": [2025, 2026],
            "interest": interest,
            "enterprises": {f"f{e}": {"baseline": BASELINE, "fixed": list(free[e])} for e in range(FIRMS)},
            "options": {
                f"f{e}/{k}": {"enterprise": f"f{e}", "potential": TONNES, "unit_cost": cost[k][e]}
                for k in range(STEPS)
                for e in range(FIRMS)
            },
            "instruments": {"banking": {}, "carry_over_limit": rule, **more},
        }
    )


class Brute:
    """The same market for scipy, with a binary for each enterprise and rows of its own."""

    def __init__(self) -> None:
        self.cost: list[float] = []
        self.upper: list[float] = []
        self.whole: list[int] = []
        self.rows: list[tuple[dict[int, float], float, float]] = []

    def column(self, cost: float = 0.0, upper: float = np.inf, *, whole: bool = False) -> int:
        self.cost.append(cost)
        self.upper.append(upper)
        self.whole.append(int(whole))
        return len(self.cost) - 1

    def row(self, entries: dict[int, float], low: float, high: float) -> None:
        self.rows.append((entries, low, high))

    def least(self) -> float:
        matrix = np.zeros((len(self.rows), len(self.cost)))
        for k, (entries, _, _) in enumerate(self.rows):
            matrix[k, list(entries)] = list(entries.values())
        limits = LinearConstraint(matrix, [row[1] for row in self.rows], [row[2] for row in self.rows])
        answer = milp(
            self.cost, constraints=limits, bounds=Bounds(np.zeros(len(self.upper)), self.upper),
            integrality=self.whole, options={"mip_rel_gap": 1e-9},
        )  # fmt: skip
        return float(answer.fun) if answer.success else np.inf


def brute_cost(
    free: Any, cost: Any, base: float, multiple: float, interest: float, fees: tuple[float, float] = (0.0, 0.0)
) -> float:
    """Least cost over both sides of every enterprise: B <= base + multiple n, 0 <= n <= max(sold - bought, 0)."""
    programme, large = Brute(), 500.0
    trades: list[list[tuple[int, int]]] = [[] for _ in range(YEARS)]
    for e in range(FIRMS):
        bank, sold_net, seller = programme.column(), programme.column(), programme.column(upper=1.0, whole=True)
        for y in range(YEARS):
            present = (1 + interest) ** -y
            cuts = [programme.column(cost[k][e] * present, TONNES) for k in range(STEPS)]
            buy, sell = programme.column(fees[0] * present), programme.column(fees[1] * present)
            trades[y].append((buy, sell))
            kept = {bank: -1.0 if y == 0 else 1.0}
            programme.row(
                {**dict.fromkeys(cuts, 1.0), buy: 1.0, sell: -1.0, **kept}, BASELINE - free[e][y], np.inf
            )  # fmt: skip
        programme.row({bank: 1.0, sold_net: -multiple}, -np.inf, base)
        programme.row({sold_net: 1.0, seller: -large}, -np.inf, 0.0)
        buy, sell = trades[0][e]
        programme.row({sold_net: 1.0, buy: 1.0, sell: -1.0, seller: large}, -np.inf, large)
    for y in range(YEARS):
        # What is sold is bought.
        programme.row({**{b: 1.0 for b, _ in trades[y]}, **{s: -1.0 for _, s in trades[y]}}, 0.0, 0.0)
    return programme.least()


def spent(problem: MarketProblem, dataset: Any) -> float:
    names = [name for name in ("abatement_cost", "transaction_cost") if name in dataset]
    return float(sum((problem.discount * dataset[name].values).sum() for name in names))


def test_who_is_never_short_may_still_buy_at_price_nought() -> None:
    free, cost = [[22, 13], [28, 11], [25, 11]], [[25, 35, 27], [6, 26, 41]]
    problem = carrying(free, cost, 3.0, 1.0, 0.05)
    # f1 keeps 4 t more than 3 + its sales allow alone: f2 takes them at price 0 and lets some of its own expire.
    assert spent(problem, clear(problem).dataset) == pytest.approx(105.142857, abs=1e-5)
    assert brute_cost(free, cost, 3.0, 1.0, 0.05) == pytest.approx(105.142857, abs=1e-5)


def drawn(seed: int) -> tuple[MarketProblem, float]:
    rng = np.random.default_rng(seed)
    free = [[float(rng.integers(10, 45)), float(rng.integers(0, 15))]]
    free += [[float(rng.integers(5, 30)), float(rng.integers(0, 20))] for _ in range(FIRMS - 1)]
    cost = [rng.integers(1, 60, FIRMS).astype(float).tolist() for _ in range(STEPS)]
    base, multiple = float(rng.integers(0, 6)), float(rng.choice([0.0, 0.5, 1.0, 1.5]))
    interest = float(rng.choice([0.0, 0.05]))
    fees = (float(rng.integers(1, 5)), 1.0) if seed % 3 == 0 else (0.0, 0.0)
    more = {"transaction_cost": {"purchase": fees[0], "sale": fees[1]}} if seed % 3 == 0 else {}
    problem = carrying(free, cost, base, multiple, interest, **more)
    return problem, brute_cost(free, cost, base, multiple, interest, fees)


# Of the first 200 markets, these hold enterprises that are never short and buy, or net sales without a binary's need.
@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5, 6])
def test_carry_over_costs_no_more_than_the_best_of_all_decisions(seed: int) -> None:
    problem, least = drawn(seed)
    try:
        found = clear(problem)
    except InfeasibleError as refusal:
        assert np.isinf(least) or "No price from 0" in str(refusal)
        return
    assert found.certificate.passed
    assert spent(problem, found.dataset) == pytest.approx(least, rel=1e-7, abs=1e-6)


