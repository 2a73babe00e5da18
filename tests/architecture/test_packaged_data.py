"""Packaged studies and parameters: sound, sourced, and free of what only this project's workshop knows."""

import csv
from pathlib import Path

import pytest
import yaml

from carbonsim.study import check_study, list_scenarios

ROOT = Path(__file__).parents[2]
SCENARIOS = ROOT / "scenarios"
FACTORS = sorted((SCENARIOS / "parameters").rglob("*.csv"))


@pytest.mark.parametrize("study", [name for name, _, _ in list_scenarios()])
def test_every_packaged_study_and_variation_checks_without_a_problem(study: str) -> None:
    assert [issue.text() for issue in check_study(study) if issue.severity == "error"] == []


@pytest.mark.parametrize("path", FACTORS, ids=lambda path: path.name)
def test_every_factor_names_a_listed_source(path: Path) -> None:
    listed = set(yaml.safe_load((SCENARIOS / "sources.yaml").read_text(encoding="utf-8")))
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert rows
    assert {row["source"] for row in rows} <= listed


def test_every_packaged_study_says_that_its_enterprises_are_illustrative() -> None:
    for path in SCENARIOS.glob("*/scenario.yaml"):
        assert yaml.safe_load(path.read_text(encoding="utf-8"))["illustrative"] is True


def test_constraints_pin_versions_and_name_no_host() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    assert lines
    assert all(line.count("==") == 1 and "/" not in line and "@" not in line for line in lines)
