"""The mixed-integer programme of a market with plans, and its relaxation, whose duals are the hull prices."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from carbonsim.market.problem import MarketProblem
from carbonsim.market.programme import Programme, build_programme
from carbonsim.market.programme_prices import balance_prices, price_interval
from carbonsim.market.scarcity import raise_infeasible
from carbonsim.market.supply import Array
from carbonsim.solving import (
    CompiledProgramme,
    DualFace,
    LoadedProgramme,
    compile_programme,
    explain_infeasible,
    solve_mixed_integer,
)

WHOLE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class WholePlans:
    """The cheapest set of whole plans: 0 or 1 for each, and a proven lower bound on the cost of every set [CNY]."""

    chosen: Array
    bound: float


@dataclass(frozen=True, slots=True, eq=False)
class Hull:
    """The relaxed programme: prices by year with both ends [CNY/tCO2e] and its cost [CNY, present value].

    ``price`` is the path of least discounted sum among those that all belong together.
    """

    price: Array
    low: Array
    high: Array
    cost: float


def whole_plans(problem: MarketProblem) -> WholePlans:
    """The cheapest set of whole plans that meets the cap, proven by branch and bound."""
    programme = build_programme(problem)
    compiled = compile_programme(programme.model)
    found = solve_mixed_integer(compiled)
    if found is None:
        _raise(problem, programme, replace(compiled, integer=None))
    else:
        position = compiled.column_position()
        values = [
            found.values[position[name]] if (name := programme.frame.plans[label].name) in position else 0.0
            for label in programme.frame.plans
        ]
        chosen = np.round(np.array(values, dtype=float))
        bound = found.bound * programme.frame.scale + _outside_cost(problem, programme)
        return WholePlans(np.where(chosen > 1 - WHOLE, 1.0, 0.0), bound)
    raise AssertionError("unreachable")


def hull_of(problem: MarketProblem) -> Hull:
    """The relaxation in which plans may be carried out in part: the dual over the convex hull of each enterprise."""
    programme = build_programme(problem)
    compiled = replace(compile_programme(programme.model), integer=None)
    solution = LoadedProgramme(compiled).solve()
    if solution is None:
        _raise(problem, programme, compiled)
    else:
        balance = compiled.row_index("market.balance[")
        least = DualFace(compiled, solution).toward({int(row): 1.0 for row in balance})
        together = solution.row_dual if least is None else least
        price = balance_prices(problem, together, balance)
        low, high, _ = price_interval(problem, compiled, balance, (price, solution))
        return Hull(price, low, high, solution.objective * programme.frame.scale + _outside_cost(problem, programme))
    raise AssertionError("unreachable")


def _outside_cost(problem: MarketProblem, programme: Programme) -> float:
    """Cost of what is used whatever the price, which the programme leaves out [CNY, present value]."""
    return float(np.sum(problem.discount * problem.options.unit_cost * programme.outside))


def _raise(problem: MarketProblem, programme: Programme, compiled: CompiledProgramme) -> None:
    found = explain_infeasible(compiled, compiled.row_index("market.balance["))
    missing = {year: found.missing.get(f"market.balance[{year}]", 0.0) * programme.frame.scale for year in problem.year}
    raise_infeasible(problem, missing, found.rows)
