import numpy as np
import pytest

from carbonsim.allocation import BalancedRule, CappedObligation, CollaredIntensity, FullCover, ObligationRule, Scaled
from carbonsim.errors import PluginError

COLLAR = CollaredIntensity(key_output=100.0, strength=0.15, limit=0.03, balance_value=1.0)
RELIEF = CappedObligation(fixed=700.0, gap_rate=0.2)
MIXED = CappedObligation(fixed=700.0, gap_rate=0.2, topped=((80.0, 0.75), (30.0, 0.25)))
STEP = 1e-4
# Points away from every kink, on each side of each: (rule, key, other).
POINTS = [
    (COLLAR, 70.0, 40.0),  # clean end: below 80
    (COLLAR, 90.0, 40.0),
    (COLLAR, 110.0, 0.0),
    (COLLAR, 130.0, 40.0),  # dirty end: above 120
    (RELIEF, 800.0, 0.0),  # below 700 / 0.8 = 875
    (RELIEF, 900.0, 0.0),
    (MIXED, 90.0, 700.0),  # no unit topped up: both below 106.67 and 120
    (MIXED, 110.0, 700.0),  # the first
    (MIXED, 130.0, 700.0),  # both
    (MIXED, 110.0, 1100.0),  # and capped
    (FullCover(), 50.0, 20.0),
    (Scaled(COLLAR, 0.6), 90.0, 40.0),
    (Scaled(RELIEF, 0.6), 900.0, 0.0),
]


@pytest.mark.parametrize(("rule", "key", "other"), POINTS)
def test_gradient_equals_the_central_difference(rule: ObligationRule, key: float, other: float) -> None:
    by_key = (rule.amount(key + STEP, other) - rule.amount(key - STEP, other)) / (2 * STEP)
    by_other = (rule.amount(key, other + STEP) - rule.amount(key, other - STEP)) / (2 * STEP)
    assert rule.gradient(key, other) == (pytest.approx(by_key, abs=1e-7), pytest.approx(by_other, abs=1e-7))


def slopes(rule: ObligationRule, at: tuple[float, float], along: tuple[float, float]) -> tuple[float, float]:
    """One-sided slopes of the amount at a point along a direction."""
    here = float(rule.amount(*at))
    before = float(rule.amount(at[0] - STEP * along[0], at[1] - STEP * along[1]))
    after = float(rule.amount(at[0] + STEP * along[0], at[1] + STEP * along[1]))
    return (here - before) / STEP, (after - here) / STEP


def test_collar_is_convex_at_the_clean_end_and_concave_at_the_dirty_end() -> None:
    clean, dirty = COLLAR.key_kinks()
    assert (clean, dirty) == (pytest.approx(80.0), pytest.approx(120.0))
    # Clean end, E = 120: slope of A jumps from 1.03 to 1.03 - 0.15 * 120/100 = 0.85, so the cost of e - A is convex.
    assert slopes(COLLAR, (80.0, 40.0), (1.0, 0.0)) == (pytest.approx(1.03), pytest.approx(0.85, abs=1e-5))
    # Dirty end, E = 160: from 0.97 - 0.15 * 160/100 = 0.73 back to 0.97.
    assert slopes(COLLAR, (120.0, 40.0), (1.0, 0.0)) == (pytest.approx(0.73, abs=1e-5), pytest.approx(0.97))


def test_collar_kinks_are_the_only_places_where_the_slope_jumps() -> None:
    keys = np.arange(60.5, 140.0, 1.0)
    jumps = [after - before for before, after in (slopes(COLLAR, (key, 40.0), (1.0, 0.0)) for key in keys)]
    assert np.abs(jumps).max() < 1e-4


def test_wide_collar_has_one_kink() -> None:
    assert CollaredIntensity(100.0, 0.1, 0.2, 1.0).key_kinks() == (pytest.approx(300.0),)


def test_other_emissions_cost_allowances_where_the_coefficient_is_positive() -> None:
    assert COLLAR.gradient(70.0, 40.0)[1] == pytest.approx(1.03)
    assert COLLAR.gradient(130.0, 40.0)[1] == pytest.approx(0.97)


def test_output_gradient_equals_the_difference_in_output() -> None:
    def amount(output: float) -> float:
        return float(CollaredIntensity(output, 0.15, 0.03, 1.0).amount(90.0, 40.0))

    slope = (amount(100.0 + STEP) - amount(100.0 - STEP)) / (2 * STEP)
    # s E e / (q^2 B) = 0.15 * 130 * 90 / 10 000 = 0.1755
    assert COLLAR.output_gradient(90.0, 40.0) == pytest.approx(0.1755)
    assert slope == pytest.approx(0.1755, abs=1e-7)
    assert COLLAR.output_gradient(70.0, 40.0) == 0.0


def test_relief_kink_cuts_the_price_to_a_fifth() -> None:
    # phi = 1 - dA/de: 1 below 875 t, 0.2 above.
    (kink,) = RELIEF.total_kinks()
    assert slopes(RELIEF, (kink, 0.0), (1.0, 0.0)) == (pytest.approx(0.0), pytest.approx(0.8, abs=1e-6))


def test_units_with_relief_give_key_kinks() -> None:
    # 80 / 0.75 and 30 / 0.25
    assert MIXED.key_kinks() == (pytest.approx(106.6666667), pytest.approx(120.0))
    for kink, before, after in zip(MIXED.key_kinks(), (0.0, 0.75), (0.75, 1.0), strict=True):
        assert slopes(MIXED, (kink, 700.0), (1.0, 0.0)) == (
            pytest.approx(before, abs=1e-6),
            pytest.approx(after, abs=1e-6),
        )


def test_mixed_kinks_lie_where_the_entity_relief_begins() -> None:
    # First unit topped up: 700 + 30 + 0.75 e = 0.8 (e + o); at e = 110: o = (730 - 0.05 * 110) / 0.8 = 905.625
    (a, b, c) = MIXED.mixed_kinks()[0]
    other = (c - a * 110.0) / b
    assert other == pytest.approx(905.625)
    assert slopes(MIXED, (110.0, other), (0.0, 1.0)) == (pytest.approx(0.0), pytest.approx(0.8, abs=1e-6))


def test_amount_broadcasts() -> None:
    keys, others = np.array([[70.0], [90.0]]), np.array([0.0, 40.0])
    for rule in (COLLAR, RELIEF, MIXED, FullCover(), Scaled(COLLAR, 0.5)):
        result = rule.amount(keys, others)
        assert result.shape == (2, 2)
        assert result[1, 1] == pytest.approx(float(rule.amount(90.0, 40.0)))


def test_scaled_collar_can_still_be_recalibrated() -> None:
    scaled = Scaled(COLLAR, 0.9).with_balance_value(0.5)
    assert isinstance(scaled, BalancedRule)
    assert scaled.balance_value == 0.5
    assert scaled.key_kinks() == (pytest.approx(40.0), pytest.approx(60.0))


def test_scaled_rule_without_balance_says_so() -> None:
    with pytest.raises(PluginError, match="CappedObligation has no balance value"):
        Scaled(RELIEF, 0.9).with_balance_value(1.0)
