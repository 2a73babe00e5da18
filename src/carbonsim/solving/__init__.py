"""Compiling an optimisation programme to a plain matrix and solving it."""

from carbonsim.solving.compile import CompiledProgramme, compile_programme, write_lp
from carbonsim.solving.dual_face import DualFace
from carbonsim.solving.highs import LoadedProgramme
from carbonsim.solving.infeasible import Infeasibility, explain_infeasible
from carbonsim.solving.mixed_integer import IntegerSolution, plan_at, solve_mixed_integer
from carbonsim.solving.solution import Solution

__all__ = [
    "CompiledProgramme",
    "DualFace",
    "Infeasibility",
    "IntegerSolution",
    "LoadedProgramme",
    "Solution",
    "compile_programme",
    "explain_infeasible",
    "plan_at",
    "solve_mixed_integer",
    "write_lp",
]
