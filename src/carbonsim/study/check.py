"""Checking a study and listing the packaged ones: what `inputs` knows, with the names of the rooms to its right."""

from __future__ import annotations

from carbonsim.accounting import build_inventory
from carbonsim.errors import InputError, Issue
from carbonsim.inputs import check_scenario, obligation_share, packaged_studies, read_scenario
from carbonsim.measures import build_options
from carbonsim.study.assemble import assemble
from carbonsim.study.provenance import declared_reads
from carbonsim.study.simulate import covered_by_enterprise


def check_study(study: str) -> list[Issue]:
    """Every problem of a study, in one go; an empty list if it can run.

    Parameters
    ----------
    study : str
        Packaged name, study folder, or a scenario or change file.

    Returns
    -------
    list of Issue
        Files, parameters and tables first; only if those are sound, what the rooms find when they meet (a missing
        factor, a covered sector without a rule).
    """
    rules, tools = declared_reads()
    problems = check_scenario(study, known_rules=rules, known_instruments=tools)
    if any(problem.severity == "error" for problem in problems):
        return problems
    try:
        scenario = read_scenario(study)
        inventory = build_inventory(scenario)
        options = build_options(scenario, inventory)
        share = obligation_share(scenario, covered_by_enterprise(inventory))
        assemble(scenario, inventory, options, share)
    except InputError as error:
        return [*problems, *error.issues]
    return problems


def list_scenarios() -> list[tuple[str, str, str]]:
    """Packaged studies and their variations: (name, English title, Chinese title)."""
    return packaged_studies()
