"""The table of engines, concepts and instruments is complete, and what the documentation says is what happens."""

from __future__ import annotations

from pathlib import Path

import pytest
from market_coverage import FORESIGHT, column_cells, columns, every_cell, page, rule_cells
from test_concept_conformance import HELD

from builders import one_of_each
from carbonsim.errors import chinese_of
from carbonsim.market import instruments
from carbonsim.market.clear import ENGINES
from carbonsim.market.concept import concepts
from carbonsim.market.supply import EngineName
from chinese import numbers_in, reads_as_chinese

DOCS = Path(__file__).parents[2] / "docs" / "reference"
PAGES = {"en": "market_coverage.md", "zh": "market_coverage.zh.md"}


@pytest.mark.parametrize("column", columns())
@pytest.mark.parametrize("engine", ENGINES)
def test_every_instrument_is_held_or_refused_by_name(engine: EngineName, column: str) -> None:
    found = column_cells(engine, column)
    assert [cell.row for cell in found] == ["", *instruments]


@pytest.mark.parametrize("engine", ENGINES)
def test_every_supply_rule_is_held_or_refused_by_name(engine: EngineName) -> None:
    assert rule_cells(engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_refuses_just_what_the_instrument_says_it_refuses(engine: EngineName) -> None:
    for cell in column_cells(engine, FORESIGHT)[1:]:
        declared = one_of_each()[cell.row].refused_by(engine)
        assert bool(cell.reason) == bool(declared), cell
        assert declared in cell.reason


@pytest.mark.parametrize("column", columns())
@pytest.mark.parametrize("engine", ENGINES)
def test_every_refusal_of_the_table_is_said_in_chinese(engine: EngineName, column: str) -> None:
    refusals = [cell.reason for cell in column_cells(engine, column) if cell.reason]
    refusals += [cell.reason for cell in rule_cells(engine) if cell.reason]
    for reason in refusals:
        assert reads_as_chinese(chinese_of(reason)), chinese_of(reason)
        assert numbers_in(chinese_of(reason)) == numbers_in(reason), reason


def test_every_instrument_has_an_engine_and_every_concept_an_instrument() -> None:
    held = {(cell.column, cell.row) for cell in every_cell() if not cell.reason}
    assert {row for column, row in held if column == FORESIGHT} == {"", *instruments}
    # A column whose plain market nobody holds would let every refusal pass.
    assert {column for column, row in held if not row} == set(columns())
    for concept in concepts:
        assert any(column == concept and row for column, row in held), concept


def test_the_table_agrees_with_what_the_concepts_must_hold() -> None:
    for concept, must in HELD.items():
        found = {cell.row for cell in every_cell() if cell.column == concept and not cell.reason and cell.row}
        assert found == must


@pytest.mark.parametrize("lang", PAGES)
def test_the_page_is_what_was_found(lang: str, request: pytest.FixtureRequest) -> None:
    # To mend: pytest tests/conformance/test_market_coverage.py -n0 --update-golden, then read the difference.
    path = DOCS / PAGES[lang]
    if request.config.getoption("--update-golden"):
        path.write_text(page(lang), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == page(lang)
