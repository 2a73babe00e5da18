"""The generated reference of factors is the one in the repository, and tables fit a terminal."""

from pathlib import Path

import pytest

from carbonsim.cli.text_table import display_width, table_lines, wrap
from carbonsim.inputs.factor_search import packaged_sources
from carbonsim.inputs.factor_view import factor_reference
from carbonsim.inputs.factors import packaged_factors

DOCS = Path(__file__).parents[3] / "docs" / "reference"


@pytest.mark.parametrize(("lang", "name"), [("en", "factors.md"), ("zh", "factors.zh.md")])
def test_the_reference_is_up_to_date(lang: str, name: str) -> None:
    # To mend: carbonsim factors reference --out docs/reference
    text = factor_reference(packaged_factors(), lang, packaged_sources())
    assert (DOCS / name).read_text(encoding="utf-8") == text


def test_the_reference_has_one_line_for_each_factor() -> None:
    factors = packaged_factors()
    lines = factor_reference(factors, "en", packaged_sources()).splitlines()
    tables = factors.tables()
    assert sum(line.startswith("| ") for line in lines) == sum(len(frame) + 2 for frame in tables.values())


def test_columns_line_up_under_chinese_headings_and_ids_stay_whole() -> None:
    lines = table_lines([["代码", "名称"], ["a_long_id", "一个相当长的名称"], ["b", "短"]], give={1: 10}, width=21)
    assert lines == ["代码       名称", "---------  ----------", "a_long_id  一个相当…", "b          短"]
    assert max(display_width(line) for line in lines) == 21


def test_chinese_text_wraps_between_characters() -> None:
    assert wrap("钢铁行业指南 2024", 8) == ["钢铁行业", "指南", "2024"]
