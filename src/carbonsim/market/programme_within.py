"""Another optimum of a programme: one in which offsets and fees of a year stay within what there is to surrender."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from carbonsim.market.problem import MarketProblem
from carbonsim.market.supply import INSTEAD_OF_ALLOWANCES, Array
from carbonsim.solving import CompiledProgramme, LoadedProgramme, Solution, compile_programme

if TYPE_CHECKING:
    from carbonsim.market.programme import Programme

OVER = 1e-9  # share of a year's obligations by which what stands in for them may exceed them
AS_CHEAP = 1e-9  # relative difference of two costs below which they are equal


def over_obligations(problem: MarketProblem, abatement: Array, steps: Array) -> bool:
    """Whether offsets and fees of some year exceed what there is to surrender in it.

    Parameters
    ----------
    problem : MarketProblem
    abatement : array [tCO2e] (option, year)
    steps : array [tCO2e] (step, year)
    """
    obligation = (problem.share * problem.baseline).sum(axis=0) - (problem.option_share * abatement).sum(axis=0)
    stands_in = np.array([step.kind in INSTEAD_OF_ALLOWANCES for step in problem.steps], dtype=bool)
    most = obligation + OVER * max(float(obligation.max()), 1e-9)
    return not np.all(steps[stands_in].sum(axis=0) <= most)


def as_cheap(other: Solution | None, least: Solution) -> Solution | None:
    """Another solution if it costs no more than the least-cost one, else None."""
    if other is None or other.objective > least.objective + AS_CHEAP * max(1.0, abs(least.objective)):
        return None
    return other


def solve_within(
    programme: Programme, compiled: CompiledProgramme, solution: Solution
) -> tuple[CompiledProgramme, Solution]:
    """An optimum within obligations, with the arrays that it solves, if there is one of the same cost; else the first.

    Prices are those of the programme without the rows that are added here: they bind nobody, they only choose among
    quantities of one cost.

    Parameters
    ----------
    programme : Programme
        Its model gets the rows.
    compiled : CompiledProgramme
    solution : Solution
        With offsets and fees over a year's obligations.
    """
    programme.frame.limit_by_obligation("within", INSTEAD_OF_ALLOWANCES)
    arrays = compile_programme(programme.model)
    other = as_cheap(LoadedProgramme(arrays).solve(), solution)
    return (compiled, solution) if other is None else (arrays, other)
