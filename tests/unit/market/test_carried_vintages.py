"""Vintages carried from decision to decision where nobody sees the whole path. By hand, MAC = cut, no interest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from carbonsim.errors import InputError
from carbonsim.market import MarketProblem, clear
from carbonsim.market.audit_foresight import path_lines
from carbonsim.market.concept import Concept
from carbonsim.market.concepts.rolling_horizon import RollingHorizon
from carbonsim.market.concepts.scenario_tree import ScenarioTree
from carbonsim.market.concepts.year_by_year import YearByYear
from carbonsim.market.foresight import Foresight, decide, known_policies
from carbonsim.market.realised import realised_dataset


def sector(supply: list[float], life: int = 1, **fields: Any) -> MarketProblem:
    vintages = {"life": life, **fields.pop("vintages", {})}
    return MarketProblem.from_mapping(
        {
            "year": list(range(2025, 2025 + len(supply))),
            "supply": supply,
            "enterprises": {"sector": {"baseline": 100}},
            "options": {"sector/m": {"enterprise": "sector", "potential": 100, "unit_cost": 0, "slope": 1}},
            "instruments": {"vintages": vintages},
            **fields,
        }
    )


def prices(problem: MarketProblem, concept: Concept | None = None) -> list[float]:
    found = clear(problem, concept=concept)
    assert found.certificate.passed
    return list(found.dataset.allowance_price.values)


CARRIED = [190.0, 104.0, 0.0, 60.0]


def test_windows_carry_each_vintage_with_its_own_life() -> None:
    # 2025 sees 294 allowances for 200 t: price 0, 90 of vintage 2025 are left. 2026 sees 90 + 104 for 200 t: 3 t are
    # cut in both years; 90 of 2025 and 7 of 2026 are surrendered, 97 of 2026 are left. They serve 2027 alone, so 2027
    # cuts 3 t, and 2028 has its own 60: 40 t are cut. A bank without lives would cut 21.5 t in 2027 and in 2028.
    market = clear(sector(CARRIED), concept=RollingHorizon(window=2))
    data = market.dataset
    assert data.allowance_price.values == pytest.approx([0, 3, 3, 40], abs=1e-6)
    assert data.vintage_stock.sel(vintage=2025).values == pytest.approx([90, 0, 0, 0], abs=1e-6)
    assert data.vintage_stock.sel(vintage=2026).values == pytest.approx([0, 97, 0, 0], abs=1e-6)
    assert data.vintage_surrendered.sel(year=2026).values == pytest.approx([90, 7, 0, 0], abs=1e-6)
    assert data.bank.values == pytest.approx([90, 97, 0, 0], abs=1e-6)
    assert data.expired.values == pytest.approx([0, 0, 0, 0], abs=1e-6)
    assert data.vintage.values.tolist() == [2025, 2026, 2027, 2028]


def test_with_a_longer_life_the_same_windows_share_the_shortage() -> None:
    # As above up to 2026; then 97 of vintage 2026 live until 2028: 97 + 60 = 157 for 200 t, 21.5 t in both years.
    # 2026 still sees 2026 and 2027 alone.
    found = prices(sector(CARRIED, life=2), RollingHorizon(window=2))
    assert found == pytest.approx([0, 3, 21.5, 21.5], abs=1e-6)


def test_what_outlives_its_life_is_lost_between_decisions() -> None:
    # 160 of vintage 2025 are left for 2026, which uses 100: 60 expire then, and the 104 of 2026 are kept for 2027, of
    # which 4 expire.
    data = clear(sector([260.0, 104.0, 0.0, 60.0]), concept=RollingHorizon(window=2)).dataset
    assert data.allowance_price.values == pytest.approx([0, 0, 0, 40], abs=1e-6)
    assert data.expired.values == pytest.approx([0, 60, 4, 0], abs=1e-6)
    assert data.vintage_expired.sel(vintage=2025).values == pytest.approx([0, 60, 0, 0], abs=1e-6)


def test_a_window_over_everything_is_perfect_foresight() -> None:
    problem = sector([170.0, 60.0, 10.0])
    assert prices(problem, RollingHorizon(window=3, step=3)) == pytest.approx(prices(problem), abs=1e-9)


def test_year_by_year_keeps_what_is_left_with_its_life() -> None:
    # 2025: 70 left over at price 0. 2026: 70 + 60 for 100 t: 30 of vintage 2026 left at price 0. 2027: 30 + 10: 60 cut.
    data = clear(sector([170.0, 60.0, 10.0]), concept=YearByYear()).dataset
    assert data.allowance_price.values == pytest.approx([0, 0, 60], abs=1e-6)
    assert data.vintage_stock.sel(year=2026).values == pytest.approx([0, 30, 0], abs=1e-6)


def test_an_opening_bank_keeps_its_vintage() -> None:
    # 50 of vintage 2024 serve 2025 alone with a life of 1: of the 130, 50 + 50 are used, 80 are kept for 2026.
    problem = sector([130.0, 0.0, 0.0], opening_bank=50, vintages={"opening": 2024})
    data = clear(problem, concept=RollingHorizon(window=1)).dataset
    assert data.vintage.values.tolist() == [2024, 2025, 2026, 2027]
    assert data.vintage_stock.sel(vintage=2025).values == pytest.approx([80, 0, 0], abs=1e-6)
    assert data.allowance_price.values == pytest.approx([0, 20, 100], abs=1e-6)


@pytest.mark.parametrize(
    ("vintages", "concept", "said"),
    [
        ({"early": 1}, RollingHorizon(window=2), "vintages.early"),
        ({}, RollingHorizon(window=2, terminal_value="extrapolated", first_value=5.0), "vintages"),
        ({}, YearByYear(carry_value="last_price", first_value=5.0), "vintages"),
        ({}, ScenarioTree(nodes={"now": {"years": [2025, 2026, 2027, 2028]}}), "vintages"),
    ],
)
def test_what_cannot_be_carried_is_refused_by_name(vintages: dict[str, int], concept: Concept, said: str) -> None:
    with pytest.raises(InputError, match=said):
        clear(sector(CARRIED, vintages=vintages), concept=concept)


def chain() -> tuple[MarketProblem, Foresight, Any, Any]:
    problem, foresight = sector([260.0, 104.0, 0.0, 60.0]), Foresight(window=2)
    decisions = decide(known_policies(problem, ()), foresight, "rolling_horizon", "auto", None)
    return problem, foresight, decisions, realised_dataset(problem, decisions)


def failures(problem: MarketProblem, foresight: Foresight, decisions: Any, dataset: Any) -> list[str]:
    return [line.name for line in path_lines(problem, foresight, decisions, dataset) if not line.passed]


@pytest.mark.parametrize("name", ["vintage_stock", "vintage_surrendered", "vintage_expired", "vintage_price"])
@pytest.mark.parametrize("change", [lambda x: x * 1.0001, lambda x: -x, lambda x: np.nan], ids=["more", "sign", "none"])
def test_a_changed_vintage_fails_a_line(name: str, change: Any) -> None:
    problem, foresight, decisions, dataset = chain()
    assert failures(problem, foresight, decisions, dataset) == []
    for place in np.argwhere(np.nan_to_num(dataset[name].values) != 0):
        wrong = dataset.copy(deep=True)
        wrong[name].values[tuple(place)] = change(wrong[name].values[tuple(place)])
        assert failures(problem, foresight, decisions, wrong), place


def test_a_number_where_there_is_none_fails_a_line() -> None:
    problem, foresight, decisions, dataset = chain()
    for name in ("vintage_stock", "vintage_price"):
        for place in np.argwhere(np.nan_to_num(dataset[name].values) == 0):
            wrong = dataset.copy(deep=True)
            wrong[name].values[tuple(place)] = 1.0
            assert failures(problem, foresight, decisions, wrong), (name, place)


def test_a_window_that_opens_with_other_vintages_fails_its_line() -> None:
    # The same tonnes a year younger: the bank is right, the lives are not.
    problem, foresight, decisions, dataset = chain()
    window = decisions[2].problem
    tool = window.instruments[0]
    younger = replace(tool, life=2, opening={born - 1: tonnes for born, tonnes in tool.opening.items()})
    wrong = (*decisions[:2], replace(decisions[2], problem=replace(window, instruments=(younger,))), *decisions[3:])
    assert "foresight.opening_vintages" in failures(problem, foresight, wrong, dataset)
