"""Checking a study and listing the packaged ones: what `inputs` knows, with the names of the rooms to its right."""

from __future__ import annotations

from carbonsim.errors import InputError, Issue
from carbonsim.inputs import check_scenario, packaged_studies, read_scenario
from carbonsim.study.build import build_problem
from carbonsim.study.provenance import declared_reads


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
        build_problem(read_scenario(study))
    except InputError as error:
        return [*problems, *error.issues]
    return problems


def list_scenarios() -> list[tuple[str, str, str]]:
    """Packaged studies and their variations: (name, English title, Chinese title)."""
    return packaged_studies()
