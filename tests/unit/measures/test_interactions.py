"""Frontiers of alternatives and residuals of overlapping measures by hand."""

import numpy as np
import pytest

from carbonsim.errors import InputError
from carbonsim.measures.interactions import check_shares, efficient_frontier, residual_before


def test_a_dominated_alternative_is_dropped() -> None:
    # Shares 10 %, 20 %, 30 % at 10, 40, 30 CNY/t: total cost 1, 8, 9. Reaching 20 % costs 7 for the second 10 %,
    # reaching 30 % costs 8 for 20 %: the second alternative lies above the line from the first to the third.
    steps = efficient_frontier(np.array([0.1, 0.2, 0.3]), np.array([10.0, 40.0, 30.0]))
    assert steps.kept.tolist() == [0, 2]
    np.testing.assert_allclose(steps.unit_cost, [10.0, 40.0])  # (9 - 1) / 0.2
    np.testing.assert_allclose(steps.share, [0.1, 0.2])
    np.testing.assert_allclose(steps.multiplier, [0.9, 0.7 / 0.9])


def test_a_larger_and_cheaper_alternative_stands_alone() -> None:
    steps = efficient_frontier(np.array([0.1, 0.4]), np.array([50.0, 10.0]))
    assert steps.kept.tolist() == [1]
    assert steps.unit_cost.tolist() == [10.0]


def test_of_two_alternatives_of_one_size_the_cheaper_stays() -> None:
    steps = efficient_frontier(np.array([0.2, 0.2]), np.array([30.0, 20.0]))
    assert steps.kept.tolist() == [1]


def test_alternatives_that_pay_for_themselves_keep_their_order() -> None:
    # 10 % at -20, 30 % at 0: totals -2 and 0; the step from 10 % to 30 % costs 2 / 0.2 = 10
    steps = efficient_frontier(np.array([0.3, 0.1]), np.array([0.0, -20.0]))
    assert steps.kept.tolist() == [1, 0]
    np.testing.assert_allclose(steps.unit_cost, [-20.0, 10.0])


def test_two_alternatives_at_one_cost_are_one_step_of_the_larger() -> None:
    # Found by the property test: the difference quotient of the larger one was off by rounding.
    cost = -3.998046875
    steps = efficient_frontier(np.array([0.34239561438830207, 0.005]), np.array([cost, cost]))
    assert steps.kept.tolist() == [0]


def test_an_alternative_that_cuts_nothing_is_no_step() -> None:
    steps = efficient_frontier(np.array([0.0, 0.1]), np.array([1.0, 5.0]))
    assert steps.kept.tolist() == [1]


def test_the_cheaper_measure_of_a_group_comes_first() -> None:
    # 20 % at 20 CNY/t and 50 % at 10 CNY/t: the second acts on all, the first on the half that is left.
    left = np.array([[0.8], [0.5]])
    before = residual_before(left, np.array([7, 7]), np.array([20.0, 10.0]))
    assert before.ravel().tolist() == [0.5, 1.0]


def test_three_measures_multiply_and_groups_stay_apart() -> None:
    left = np.array([[0.9], [0.8], [0.5], [0.4]])
    before = residual_before(left, np.array([1, 1, 1, 2]), np.array([1.0, 2.0, 3.0, 0.0]))
    np.testing.assert_allclose(before.ravel(), [1.0, 0.9, 0.72, 1.0])


def test_cutting_more_than_there_is_is_refused() -> None:
    with pytest.raises(InputError, match=r"a/coal.*interaction_group"):
        check_shares(np.array([[1.2], [0.9]]), np.array(["a/coal", "b/coal"]))
