"""Inputs: studies, dated parameters, tables and coverage, read strictly and with every fault at once."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from carbonsim.inputs.coverage import obligation_share, sector_share
    from carbonsim.inputs.ledger import Ledger, check_ledger, read_ledger
    from carbonsim.inputs.ledger_template import write_ledger_template
    from carbonsim.inputs.parameters import DatedValue, Parameter, ParameterSet
    from carbonsim.inputs.paths import scenarios_folder
    from carbonsim.inputs.records import Change, MarketChoice, RuleChoice, Source
    from carbonsim.inputs.scenario import Scenario
    from carbonsim.inputs.study import check_scenario, packaged_studies, read_scenario
    from carbonsim.inputs.study_writer import init_study
    from carbonsim.inputs.validity import basis_listing, drafts_used
    from carbonsim.inputs.workbook import write_template

_HOMES = {
    "Change": "records",
    "DatedValue": "parameters",
    "Ledger": "ledger",
    "MarketChoice": "records",
    "Parameter": "parameters",
    "ParameterSet": "parameters",
    "RuleChoice": "records",
    "Scenario": "scenario",
    "Source": "records",
    "basis_listing": "validity",
    "check_ledger": "ledger",
    "check_scenario": "study",
    "drafts_used": "validity",
    "init_study": "study_writer",
    "obligation_share": "coverage",
    "packaged_studies": "study",
    "read_ledger": "ledger",
    "read_scenario": "study",
    "scenarios_folder": "paths",
    "sector_share": "coverage",
    "write_ledger_template": "ledger_template",
    "write_template": "workbook",
}

__all__ = [
    "Change",
    "DatedValue",
    "Ledger",
    "MarketChoice",
    "Parameter",
    "ParameterSet",
    "RuleChoice",
    "Scenario",
    "Source",
    "basis_listing",
    "check_ledger",
    "check_scenario",
    "drafts_used",
    "init_study",
    "obligation_share",
    "packaged_studies",
    "read_ledger",
    "read_scenario",
    "scenarios_folder",
    "sector_share",
    "write_ledger_template",
    "write_template",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'carbonsim.inputs' has no attribute '{name}'")
    return getattr(importlib.import_module(f"carbonsim.inputs.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
