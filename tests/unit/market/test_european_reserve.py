"""The packaged numbers of the European reserve: what they reproduce, what they warn of, and a market of that size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from carbonsim.errors import ParameterError
from carbonsim.inputs.parameter_files import read_parameter_folder
from carbonsim.inputs.parameters import ParameterSet
from carbonsim.market import MarketProblem, clear
from carbonsim.market.concepts.rule_driven_supply import RuleDrivenSupply
from carbonsim.market.supply_rules.tnac_reserve import TnacReserve

SCENARIOS = Path(__file__).parents[3] / "scenarios"
MT = 1e6


def reserve(until: int = 2035, **own: object) -> TnacReserve:
    sources = yaml.safe_load((SCENARIOS / "sources.yaml").read_text(encoding="utf-8"))
    parameters, _, issues = read_parameter_folder(SCENARIOS / "parameters" / "eu", "eu", sources)
    assert [issue.text() for issue in issues] == []
    fields = {"first_tnac_year": 2017, "opening_reserve": 0.0, "whole_allowances": True, **own}
    return TnacReserve.from_parameters(ParameterSet(parameters), "market_stability_reserve", until, **fields)


@pytest.mark.parametrize(
    ("tnac", "published", "intake"),
    # Sources and confidence as in test_circulation.py.
    [
        (1_654_909_824, 2019, 397_178_358),
        (1_134_794_738, 2023, 272_350_737),
        (1_111_736_535, 2024, 266_816_768),
        (1_023_494_202, 2026, 190_494_202),
        (399_999_999, 2026, 0),
    ],
)
def test_dated_parameters_reproduce_published_intakes(tnac: int, published: int, intake: int) -> None:
    taken, released = reserve().determined(tnac, published)
    assert taken == intake
    assert released == (100e6 if tnac < 400e6 else 0)


def test_invalidation_changes_its_measure_with_the_law() -> None:
    rule = reserve()
    assert [rule.invalid_in(year) for year in (2022, 2023, 2024, 2035)] == [None, "previous_auction", 4e8, 4e8]


def test_parameters_end_with_the_law() -> None:
    with pytest.raises(ParameterError, match="valid until 2035"):
        reserve(until=2036)


def europe(**changes: object) -> MarketProblem:
    """A market of European size, 2025-2035; emissions, caps and costs are made up for the test."""
    count = 11
    fields: dict[str, object] = {
        "year": list(range(2025, 2025 + count)),
        "enterprises": {"all": {"baseline": np.linspace(1150, 1050, count) * MT}},
        "options": {"cut": {"enterprise": "all", "potential": 1000 * MT, "unit_cost": 0, "slope": 0.25 / MT}},
        "supply": np.linspace(1250, 620, count) * MT,
        "interest": 0.04,
        "opening_bank": 1_148_049_585,
        "instruments": {"banking": {}},
    }
    return MarketProblem.from_mapping({**fields, **changes})


def test_market_of_european_size_meets_the_rule_to_a_hundredth_of_a_megatonne() -> None:
    rule = reserve(opening_reserve=400 * MT, earlier_tnac={2023: 1_111_736_535, 2024: 1_148_049_585})
    # 0.01 Mt of the largest yearly volume, 1,150 Mt before abatement and 1,250 Mt of supply.
    market = clear(europe(), "price_search", concept=RuleDrivenSupply(rule=rule, tolerance=0.01 / 2400))
    dataset = market.dataset
    assert market.certificate.passed
    # 8/12 of the 266,816,768 published in 2024 and 4/12 of the 275,531,900 published in 2025:
    # 266,816,768 - 88,938,923 = 177,877,845 and 91,843,967 (275,531,900/3 = 91,843,966.67).
    assert dataset.reserve_intake.values[0] == 177_877_845 + 91_843_967
    assert dataset.reserve_invalidated.values[1] == pytest.approx(dataset.reserve_stock.values[0] - 400 * MT)
    assert np.all(dataset.reserve_stock.values + dataset.reserve_invalidated.values >= 0)


def test_literal_text_after_2030_is_flagged_and_applied() -> None:
    rule = reserve(earlier_tnac={2023: 1_111_736_535, 2024: 1_148_049_585})
    warnings = rule.warnings(europe())
    assert any("From 2031 on" in text and "263,000,000 to 131,520,000" in text for text in warnings)
    assert rule.determined(1_096_000_001, 2031)[0] == 131_520_000
    assert "release" in rule.not_isotone(europe())
