import numpy as np
import pytest

from carbonsim.allocation import CollaredIntensity, Scaled, balance_value, recalibrate
from carbonsim.errors import InputError, SolverError

COLLAR = {"strength": 0.15, "limit": 0.03}


def total_gap(balance: float, intensity: list[float], emissions: list[float]) -> float:
    coefficient = np.clip(0.15 * (1 - np.array(intensity) / balance), -0.03, 0.03)
    return float(np.array(emissions) @ coefficient) / sum(emissions)


def test_balance_of_three_lines_differs_from_the_output_weighted_mean() -> None:
    # Outputs 1 Mt each, intensities 0.6, 0.9, 1.0: output-weighted mean 2.5 / 3 = 0.8333.
    # The cleanest is at the collar (0.6/B <= 0.8): +3 % of 600 = 18. The others inside:
    # 0.15 (900 (1 - 0.9/B) + 1000 (1 - 1/B)) = -18  =>  1900 - 1810/B = -120  =>  B = 1810/2020 = 0.896039...
    intensity, emissions = [0.6, 0.9, 1.0], [600_000.0, 900_000.0, 1_000_000.0]
    balance = balance_value(intensity, emissions, **COLLAR)
    assert balance.value == pytest.approx(1810 / 2020, rel=1e-12)
    assert balance.value - 2.5 / 3 > 0.06
    assert abs(total_gap(balance.value, intensity, emissions)) < 1e-9
    assert abs(balance.gap) < 1e-9


def test_without_collar_the_balance_is_the_emission_weighted_mean() -> None:
    # All inside: sum E (1 - I/B) = 0  =>  B = sum E I / sum E = (95*0.95 + 210*1.05) / 305
    balance = balance_value([0.95, 1.05], [95.0, 210.0], **COLLAR)
    assert balance.value == pytest.approx((95 * 0.95 + 210 * 1.05) / 305, rel=1e-12)


def test_a_block_counts_with_its_total() -> None:
    one_by_one = balance_value([0.95] * 10 + [1.05], [10.0] * 10 + [50.0], **COLLAR)
    as_block = balance_value([0.95, 1.05], [100.0, 50.0], **COLLAR)
    assert one_by_one.value == pytest.approx(as_block.value, rel=1e-12)


def test_an_interval_is_reported_where_all_sit_at_the_collar() -> None:
    # Intensities 1 and 2 with equal emissions balance at every B with 1/B <= 0.8 and 2/B >= 1.2: 1.25 .. 1.6667.
    balance = balance_value([1.0, 2.0], [50.0, 50.0], **COLLAR)
    assert (balance.low, balance.high) == (pytest.approx(1.25, rel=1e-9), pytest.approx(5 / 3, rel=1e-9))
    assert balance.value == pytest.approx((1.25 + 5 / 3) / 2, rel=1e-9)
    assert abs(balance.gap) < 1e-12


def test_one_entity_is_its_own_balance() -> None:
    assert balance_value([1.7], [3.0], **COLLAR).value == pytest.approx(1.7, rel=1e-12)


def test_recalibration_after_abatement_moves_the_balance() -> None:
    rules = [CollaredIntensity(100.0, 0.15, 0.03, 9.0), CollaredIntensity(200.0, 0.15, 0.03, 9.0)]
    # Intensities 0.95 and 1.05 with E = 95 + 5 and 210: B = (100 * 0.95 + 210 * 1.05) / 310 = 315.5 / 310
    before = recalibrate(rules, [95.0, 210.0], [5.0, 0.0])
    assert before.value == pytest.approx(315.5 / 310, rel=1e-12)
    after = recalibrate(rules, [95.0, 200.0], [5.0, 0.0])
    assert after.value < before.value
    amounts = [
        float(rule.with_balance_value(after.value).amount(key, other))
        for rule, key, other in zip(rules, [95.0, 200.0], [5.0, 0.0], strict=True)
    ]
    assert sum(amounts) == pytest.approx(300.0, rel=1e-9)


def test_auction_share_leaves_the_balance_value_alone() -> None:
    rules = [CollaredIntensity(100.0, 0.15, 0.03, 9.0), CollaredIntensity(200.0, 0.15, 0.03, 9.0)]
    scaled = [Scaled(rule, 0.7) for rule in rules]
    keys, others = [95.0, 210.0], [5.0, 0.0]
    assert recalibrate(scaled, keys, others).value == recalibrate(rules, keys, others).value


def test_nothing_to_balance_is_an_input_error() -> None:
    with pytest.raises(InputError, match="key_output"):
        balance_value([], [], **COLLAR)


def test_a_sector_that_cannot_balance_says_so() -> None:
    # Two thirds of emissions at intensity 0 always gain 3 %: no B gives it back.
    with pytest.raises(SolverError, match="no balance value"):
        balance_value([0.0, 1.0], [200.0, 100.0], **COLLAR)
