"""Changing a scenario, and saying what differs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from inputs_builder import replace, write_study

from carbonsim.errors import ScenarioError
from carbonsim.inputs import Scenario, check_scenario, read_scenario

WHY = {"basis": "assumption", "why": "a test"}


@pytest.fixture
def base(tmp_path: Path) -> Scenario:
    return read_scenario(write_study(tmp_path / "tiny"))


def test_change_returns_a_new_scenario_and_leaves_the_old(base: Scenario) -> None:
    later = base.change("coverage.cement.entry_year", 2027, name="later", **WHY)
    assert (later.name, later.baseline, base.name) == ("later", "tiny", "tiny")
    assert later.tables["coverage"].set_index("sector").loc["cement", "entry_year"] == 2027
    assert base.tables["coverage"].set_index("sector").loc["cement", "entry_year"] == 2026
    assert "coverage.cement.entry_year = 2027 (assumption: a test)" in repr(later)
    assert base.content_hash() != later.content_hash()


def test_diff_lists_exactly_what_differs(base: Scenario) -> None:
    later = base.change("coverage.cement.entry_year", 2027, **WHY)
    assert base.diff(later).to_dict("records") == [{"path": "coverage.cement.entry_year", "this": 2026, "other": 2027}]
    assert base.diff(base).empty


def test_null_empties_an_optional_cell(base: Scenario) -> None:
    never = base.change("coverage.cement.entry_year", None, **WHY)
    assert np.isnan(never.tables["coverage"].set_index("sector").loc["cement", "entry_year"])


def test_row_with_several_keys_and_its_evidence(base: Scenario) -> None:
    more = base.change(
        "activity.unit1.2024.coal.quantity", 300_000, basis="statistic", why="yearbook", source="made-up"
    )
    row = more.tables["activity"].iloc[0]
    assert (row["quantity"], row["basis"], row["source"]) == (300_000, "statistic", "made-up")
    assert "yearbook" in row["note"]


def test_number_of_a_parameter_holds_for_all_years(base: Scenario) -> None:
    changed = base.change("industry.reduction_factor.power", 0.7, **WHY)
    assert changed.parameters.series("industry.reduction_factor", base.years, "power").tolist() == [0.7] * 4
    assert changed.parameters.value("industry.reduction_factor", 2026, "cement") == 0.95


def test_dated_value_holds_from_that_year_on(base: Scenario) -> None:
    changed = base.change("industry.reduction_factor.power", {2025: 0.95}, **WHY)
    # the value of 2026 in the file does not come back: one meaning, from this date on
    assert changed.parameters.series("industry.reduction_factor", base.years, "power").tolist() == [1, 0.95, 0.95, 0.95]


def test_parameter_without_label_changes_all_labels(base: Scenario) -> None:
    changed = base.change("industry.reduction_factor", {2026: 0.5}, **WHY)
    assert changed.parameters.value("industry.reduction_factor", 2027, "power") == 0.5
    assert changed.parameters.value("industry.reduction_factor", 2027, "cement") == 0.5


def test_changed_value_can_have_a_range(base: Scenario) -> None:
    changed = base.change("market.interest_rate", {2024: {"value": 0.04, "low": 0.02, "high": 0.06}}, **WHY)
    dated = changed.parameters.get("market.interest_rate").at(2027)
    assert (dated.value, dated.low, dated.high, dated.basis) == (0.04, 0.02, 0.06, "assumption")
    assert dated.source in changed.sources


def test_rules_years_and_market(base: Scenario) -> None:
    changed = (
        base.change("allocation.power.2026", {"rule": "output_benchmark", "options": {"x": 1}}, **WHY)
        .change("market.instruments", ["banking", "price_ceiling"], **WHY)
        .change("market.scope", "national", **WHY)
        .change("years", [2024, 2026], **WHY)
    )
    assert changed.rule("power", 2025).rule == "grandfathering"
    assert changed.rule("power", 2026).options == {"x": 1}
    assert changed.market.instruments == ("banking", "price_ceiling")
    assert changed.years == (2024, 2025, 2026)
    assert len(changed.changes) == 4
    assert changed.change("allocation.power.2026", None, **WHY).rule("power", 2026).rule == "grandfathering"


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("coverage.cemnt.entry_year", 2027, "Did you mean 'cement'"),
        ("coverage.cement.entry_yr", 2027, "Did you mean 'entry_year'"),
        ("coverage.cement.sector", "steel", "no column 'sector'"),
        ("coverage.cement.entry_year", "soon", "whole number"),
        ("coverage.cement.entry_year", 2027.5, "whole number"),
        ("coverage.cement.threshold", -1, "below 0"),
        ("coverage.cement.boundary", "direkt", "Did you mean 'direct'"),
        ("coverage.cement.announced", None, "empty"),
        ("coverage.cement.entry_year", 2025, "no allocation rule"),
        ("markt.interest_rate", 0.1, "Did you mean 'market.interest_rate'"),
        ("market.interest_rate", 5, "outside 0 to 1"),
        ("market.interest_rate", "high", "not a number"),
        ("market.interest_rate", float("nan"), "not a number"),
        ("market.interest_rate", True, "not a number"),
        ("market.interest_rate", {"soon": 0.1}, "no year"),
        ("market.interest_rate", {}, "no value"),
        ("industry.reduction_factor.stel", 0.9, "no value for 'stel'"),
        ("market.scope", "nationl", "Did you mean 'national'"),
        ("market.instruments", "banking", "list"),
        ("allocation.power.later", "x", "no year"),
        ("allocation.power.2025", 5, "name of a rule"),
        ("allocation.power.2025", None, "has no rule chosen for 2025"),
        ("years", [2027, 2024], "no range"),
        ("years", 2027, "first, last"),
    ],
)
def test_change_that_matches_nothing_or_is_wrong_is_refused(
    base: Scenario, path: str, value: object, said: str
) -> None:
    with pytest.raises(ScenarioError, match=said):
        base.change(path, value, **WHY)


def test_change_needs_basis_reason_and_listed_source(base: Scenario) -> None:
    for evidence, said in (
        ({"basis": "guess", "why": "x"}, "basis 'guess'"),
        ({"basis": "draft", "why": "x"}, "draft"),
        ({"basis": "law", "why": " "}, "reason"),
        ({"basis": "law", "why": "x", "source": "rumour"}, "rumour"),
    ):
        with pytest.raises(ScenarioError, match=said):
            base.change("years", [2024, 2026], **evidence)


CHANGE = """\
extends: tiny
name: later
title: {en: Later, zh: 推迟}
changes:
  coverage.cement.entry_year: {value: 2027, basis: assumption, why: "one year later"}
"""


def write_change(folder: Path, name: str, text: str) -> Path:
    (folder / "changes").mkdir(exist_ok=True)
    path = folder / "changes" / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_change_file_is_read_by_path_and_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = write_study(tmp_path / "tiny")
    path = write_change(study, "later", CHANGE)
    monkeypatch.chdir(tmp_path)
    by_path, by_name = read_scenario(path), read_scenario("tiny/later")
    assert by_path.name == by_name.name == "later"
    assert (by_path.title_zh, by_path.baseline) == ("推迟", "tiny")
    assert "changes/later.yaml" in by_path.input_hashes
    assert (
        by_path.content_hash() == read_scenario(study).change("coverage.cement.entry_year", 2027, **WHY).content_hash()
    )


def test_change_file_can_extend_another(tmp_path: Path) -> None:
    study = write_study(tmp_path / "tiny")
    write_change(study, "later", CHANGE)
    text = CHANGE.replace("extends: tiny", "extends: later").replace("name: later", "name: both")
    text = text.replace("coverage.cement.entry_year: {value: 2027", "market.interest_rate: {value: 0.1")
    both = read_scenario(write_change(study, "both", text))
    assert [change.path for change in both.changes] == ["coverage.cement.entry_year", "market.interest_rate"]


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("extends: tiny", "extends: ../../../etc/passwd", "path-escape", 1),
        ("extends: tiny", "extends: /etc", "path-escape", 1),
        ("extends: tiny", "extends: later", "cycle", 1),
        ("extends: tiny", "extends: tinny", "unknown-study", 1),
        ("extends: tiny\n", "", "missing-key", 1),
        ("cement.entry_year", "cemnt.entry_year", "matches-nothing", 5),
        ("why:", "wy:", "unknown-key", 5),
        ("value: 2027", "value: 2.5", "not-a-number", 5),
    ],
)
def test_faults_of_a_change_file(tmp_path: Path, old: str, new: str, code: str, line: int) -> None:
    path = write_change(write_study(tmp_path / "tiny"), "later", CHANGE.replace(old, new))
    found = [(issue.code, issue.line) for issue in check_scenario(path)]
    assert (code, line) in found


def test_link_out_of_the_study_is_refused(tmp_path: Path) -> None:
    study = write_study(tmp_path / "tiny")
    other = write_study(tmp_path / "other")
    (study / "inside").symlink_to(other)
    path = write_change(study, "later", CHANGE.replace("extends: tiny", "extends: ../inside"))
    assert [issue.code for issue in check_scenario(path)] == ["path-escape"]


def test_faults_of_the_study_below_are_shown_too(tmp_path: Path) -> None:
    study = write_study(tmp_path / "tiny")
    replace(study, "tables/activity.csv", "20,万吨", "-20,万吨")
    path = write_change(study, "later", CHANGE)
    assert [issue.code for issue in check_scenario(path)] == ["negative"]
