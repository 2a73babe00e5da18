"""Another optimum of a programme: one in which offsets and fees of a year stay within what there is to surrender."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from carbonsim.market.supply import Array
from carbonsim.solving import CompiledProgramme, LoadedProgramme, Solution, compile_programme

if TYPE_CHECKING:
    from carbonsim.market.programme import Programme

INSTEAD = ("offset", "penalty")  # kinds of steps that stand in for allowances
OVER = 1e-9  # share of a year's obligations by which what stands in for them may exceed them
AS_CHEAP = 1e-9  # relative difference of two costs below which they are equal


def solve_within(
    programme: Programme, compiled: CompiledProgramme, solution: Solution, quantities: tuple[Array, Array]
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
    quantities : tuple of array [tCO2e] (year)
        Obligations, and what stands in for allowances.
    """
    obligation, instead = quantities
    if np.all(instead <= obligation + OVER * max(float(obligation.max()), 1e-9)):
        return compiled, solution
    programme.frame.limit_by_obligation("within", INSTEAD)
    arrays = compile_programme(programme.model)
    other = LoadedProgramme(arrays).solve()
    if other is None or other.objective > solution.objective + AS_CHEAP * max(1.0, abs(solution.objective)):
        return compiled, solution
    return arrays, other
