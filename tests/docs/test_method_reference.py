"""The reference of methods and sectors is generated, complete and up to date."""

from pathlib import Path

import pytest

from carbonsim.accounting.core import accounting_methods, accounting_sectors
from carbonsim.inputs.factor_search import packaged_sources
from carbonsim.inputs.factors import packaged_factors
from carbonsim.report.reference import FILES, described, method_reference, terms_of, write_method_reference

DOCS = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("lang", FILES)
def test_the_page_is_up_to_date(lang: str, request: pytest.FixtureRequest) -> None:
    # To mend: pytest tests/docs/test_method_reference.py --update-golden, then read the difference.
    if request.config.getoption("--update-golden"):
        write_method_reference(DOCS, packaged_factors(), packaged_sources())
    text = method_reference(packaged_factors(), lang, packaged_sources())
    assert (DOCS / FILES[lang]).read_text(encoding="utf-8") == text


def test_every_method_that_emits_has_a_formula_and_a_source_that_is_listed() -> None:
    sources = packaged_sources()
    for name in accounting_methods:
        entry = accounting_methods.get(name)
        about = described(entry.target)
        listed = [key for key, _ in about.sources]
        assert set(listed) <= set(sources), name
        if entry.declares["category"] not in ("output", "reported"):
            assert about.formulas, name
            assert listed, name


def test_every_sector_has_a_source_and_data_items() -> None:
    for name in accounting_sectors:
        target = accounting_sectors.get(name).target
        assert described(target).sources, name
        assert target.data_items, name


def test_terms_are_those_of_the_formula() -> None:
    # E = Q x NC x (1 - S - ash) x 44/12, and the Tier 2 slope with its ratio and duct
    found = {term.name for term in terms_of("anode", packaged_factors())}
    assert found == {"anode_consumption", "sulphur", "ash"}
    found = {term.name for term in terms_of("pfc_slope", packaged_factors())}
    assert found == {"anode_effect_minutes", "slope", "duct_efficiency", "c2f6_ratio"}
    assert {term.name for term in terms_of("electricity_purchased", packaged_factors())} == {"grid_factor"}
