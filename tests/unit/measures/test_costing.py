"""Annuities by hand."""

import pytest

from carbonsim.measures.costing import annuity_unit_cost, capital_recovery_factor


def test_capital_recovery_at_ten_per_cent_over_two_years() -> None:
    # 0.1 / (1 - 1.1^-2) = 0.1 / (1 - 0.826446...) = 0.576190...  (= 1.21 / 2.1)
    assert capital_recovery_factor(0.1, 2) == pytest.approx(1.21 / 2.1, rel=1e-12)


def test_without_interest_the_investment_is_spread_evenly() -> None:
    assert capital_recovery_factor(0.0, 25) == pytest.approx(0.04, rel=1e-15)


def test_recovery_is_continuous_at_zero_interest() -> None:
    assert capital_recovery_factor(1e-9, 25) == pytest.approx(0.04, rel=1e-6)


def test_unit_cost_is_annuity_plus_running_cost_less_saving() -> None:
    # 1000 x 1.21 / 2.1 + 20 - 650 = 576.190476 - 630 = -53.809524
    assert annuity_unit_cost(1000, 20, 650, 2, 0.1) == pytest.approx(1210 / 2.1 - 630, rel=1e-12)


def test_a_dearer_capital_makes_a_dearer_tonne() -> None:
    cheap, dear = annuity_unit_cost(1000, 0, 0, 20, [0.04, 0.12])
    assert cheap < dear
