"""Every number, word and label of every kind of result is held by a named line of its certificate."""

from __future__ import annotations

from pathlib import Path

import pytest
from certificate_page import PAGES, declared_lines, page, undescribed, unused
from corruption_cases import CONCEPTS, KINDS, RULES, cases, rows

from builders import beside, one_of_each
from carbonsim.market import instruments
from carbonsim.market.clear import ENGINES
from carbonsim.market.concept import concepts
from carbonsim.market.problem_kind import problem_kinds
from carbonsim.market.supply_rule import supply_rules
from corruption import failures, relabelled

DOCS = Path(__file__).parents[2] / "docs" / "reference"
CASES = cases()


@pytest.mark.parametrize("name", CASES)
def test_every_corruption_fails_a_named_line(name: str) -> None:
    found = rows(CASES[name])
    assert found
    assert [one for one in found if not one.line] == []


@pytest.mark.parametrize("name", CASES)
def test_every_dimension_is_held_by_a_line_of_labels(name: str) -> None:
    # Numbers are told apart by their labels: a wrong one or a wrong order must be called that, not a wrong number.
    dataset, audit = CASES[name].make()
    changed = list(relabelled(dataset))
    assert {one for one, _, _, _ in changed} == {one for one in dataset.coords if dataset[one].size}
    unnamed = [
        (dimension, place, change)
        for dimension, place, change, seen in changed
        if not any(line.endswith(".labels") for line in failures(audit(seen)))
    ]
    assert unnamed == []


def test_every_engine_has_every_instrument_that_it_does_not_refuse() -> None:
    for engine in ENGINES:
        mine = {case.name for case in CASES.values() if case.section == engine}
        held = {
            name
            for name in instruments
            if not any(tool.refused_by(engine) for tool in (*beside(name), one_of_each()[name]))
        }
        assert held <= mine
    assert {case.name for case in CASES.values()} >= set(instruments)


def test_every_registered_concept_rule_and_kind_has_a_case() -> None:
    assert {*CONCEPTS, "rule_driven_supply"} == set(concepts)
    assert set(RULES) == set(supply_rules)
    assert set(KINDS) == set(problem_kinds)


def test_every_line_is_described_and_every_description_is_of_a_line() -> None:
    assert undescribed(declared_lines()) == []
    assert unused(declared_lines()) == []


@pytest.mark.parametrize("lang", PAGES)
def test_the_page_is_what_was_found(lang: str, request: pytest.FixtureRequest) -> None:
    # To mend: pytest tests/conformance/test_corruption.py -n0 --update-golden, then read the difference.
    path = DOCS / PAGES[lang]
    found = {name: rows(case) for name, case in CASES.items()}
    if request.config.getoption("--update-golden"):
        path.write_text(page(found, lang), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == page(found, lang)
