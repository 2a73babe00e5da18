"""What is adopted without a price and ahead of an announced entry."""

import dataclasses

import numpy as np
import pytest

from carbonsim.inputs import read_scenario
from carbonsim.inputs.parameters import DatedValue, Parameter
from carbonsim.study.adoption import anticipated, entry_positions, no_regret, option_cost


def test_only_what_pays_by_itself_is_adopted_without_a_price() -> None:
    unit_cost = np.array([[-10.0], [0.0], [5.0], [-20.0], [-200.0]])
    slope = np.array([[0.0], [0.0], [0.0], [2.0], [2.0]])
    potential = np.array([[100.0], [100.0], [100.0], [40.0], [40.0]])
    # -20 + 2 x = 0 at 10 t of 40 t; -200 + 2 x stays below 0 up to the full 40 t.
    assert no_regret(unit_cost, slope, potential)[:, 0] == pytest.approx([1, 0, 0, 0.25, 1])


def test_an_option_without_potential_is_never_adopted() -> None:
    assert no_regret(np.array([[-1.0]]), np.zeros((1, 1)), np.zeros((1, 1)))[0, 0] == 0


def test_cost_is_the_area_under_the_marginal_cost() -> None:
    # 10 t at 5 + 2 x: 5 * 10 + 2 * 100 / 2 = 150
    assert option_cost(np.array(5.0), np.array(2.0), np.array(10.0)) == 150


def test_entry_is_the_first_covered_year() -> None:
    assert list(entry_positions(np.array([[0, 0.5, 1], [0, 0, 0], [1, 1, 1]]))) == [1, -1, 0]


def with_anticipation(share: float):
    scenario = read_scenario("textbook")
    parameter = Parameter(
        path="outlook.anticipation", description="Test.", unit="1", dims=("years_before_entry",),
        values={("1",): (DatedValue(2026, share, "test", "assumption"),)}, valid_until=2028,
    )  # fmt: skip
    return dataclasses.replace(scenario, parameters=scenario.parameters.with_parameter(parameter))


def test_an_announced_entry_is_acted_on_before_it_happens_and_an_unannounced_one_is_not() -> None:
    scenario = with_anticipation(0.5)
    adoption = np.array([[0.0, 0.8, 0.8], [0.0, 0.8, 0.8]])
    ahead = anticipated(
        scenario, adoption, enterprise=np.array([0, 1]), entry=np.array([1, 1]), announced=np.array([2026, 2027]),
        available=np.ones((2, 3), dtype=bool),
    )  # fmt: skip
    assert ahead[0] == pytest.approx([0.4, 0.8, 0.8])
    assert ahead[1] == pytest.approx([0.0, 0.8, 0.8])


def test_an_option_that_does_not_exist_yet_is_not_used_ahead() -> None:
    available = np.array([[False, True, True]])
    ahead = anticipated(
        with_anticipation(0.5), np.array([[0.0, 1.0, 1.0]]), enterprise=np.array([0]), entry=np.array([1]),
        announced=np.array([2020]), available=available,
    )  # fmt: skip
    assert ahead[0, 0] == 0
