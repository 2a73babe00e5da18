"""Compiling an optimisation programme to a plain matrix and solving it."""

from carbonsim.solving.compile import CompiledProgramme, compile_programme, write_lp
from carbonsim.solving.highs import Infeasibility, LoadedProgramme, Solution, explain_infeasible

__all__ = [
    "CompiledProgramme",
    "Infeasibility",
    "LoadedProgramme",
    "Solution",
    "compile_programme",
    "explain_infeasible",
    "write_lp",
]
