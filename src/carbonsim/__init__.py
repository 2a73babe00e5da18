"""carbonsim: what happens to enterprises when a carbon market widens.

The public names are those of ``__all__``; they are resolved at first use, so that ``import carbonsim`` is cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from carbonsim.accounting.explain import explain
    from carbonsim.accounting.inventory import build_inventory
    from carbonsim.allocation.allocate import allocate
    from carbonsim.errors import (
        AlignmentError,
        CarbonsimError,
        CertificateError,
        InfeasibleError,
        InputError,
        Issue,
        ParameterError,
        PluginError,
        ScenarioError,
        SolverError,
        SourceError,
        UnitError,
    )
    from carbonsim.inputs import Scenario, init_study, read_scenario, write_template
    from carbonsim.inputs.ledger import Ledger, read_ledger
    from carbonsim.market import Market, MarketProblem, clear
    from carbonsim.market.problem_file import ProblemFile, read_problem
    from carbonsim.measures import build_options
    from carbonsim.report.market_plot import plot_market
    from carbonsim.study.account import Account, account
    from carbonsim.study.accounts import ReplayResult, replay
    from carbonsim.study.build import build_problem
    from carbonsim.study.check import check_study, list_scenarios
    from carbonsim.study.results import Results, read_results
    from carbonsim.study.simulate import simulate

__version__ = "0.1.0"

_HOMES = {
    "accounting": ("build_inventory", "explain"),
    "allocation": ("allocate",),
    "errors": (
        "AlignmentError", "CarbonsimError", "CertificateError", "InfeasibleError", "InputError", "Issue",
        "ParameterError", "PluginError", "ScenarioError", "SolverError", "SourceError", "UnitError",
    ),
    "inputs": ("Scenario", "init_study", "read_scenario", "write_template"),
    "inputs.ledger": ("Ledger", "read_ledger"),
    "market": ("Market", "MarketProblem", "clear"),
    "market.problem_file": ("ProblemFile", "read_problem"),
    "measures": ("build_options",),
    "report.market_plot": ("plot_market",),
    "study.account": ("Account", "account"),
    "study.accounts": ("ReplayResult", "replay"),
    "study.build": ("build_problem",),
    "study": ("Results", "check_study", "list_scenarios", "read_results", "simulate"),
}  # fmt: skip
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Account",
    "AlignmentError",
    "CarbonsimError",
    "CertificateError",
    "InfeasibleError",
    "InputError",
    "Issue",
    "Ledger",
    "Market",
    "MarketProblem",
    "ParameterError",
    "PluginError",
    "ProblemFile",
    "ReplayResult",
    "Results",
    "Scenario",
    "ScenarioError",
    "SolverError",
    "SourceError",
    "UnitError",
    "account",
    "allocate",
    "build_inventory",
    "build_options",
    "build_problem",
    "check_study",
    "clear",
    "explain",
    "init_study",
    "list_scenarios",
    "plot_market",
    "read_ledger",
    "read_problem",
    "read_results",
    "read_scenario",
    "replay",
    "simulate",
    "write_template",
]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'carbonsim' has no attribute '{name}'")
    return getattr(importlib.import_module(f"carbonsim.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
