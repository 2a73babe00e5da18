"""Properties of the allocation rules that hold for any numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonsim.allocation import CappedObligation, CollaredIntensity, balance_value

STRENGTH, LIMIT = 0.15, 0.03
INTENSITY = st.floats(0.3, 3.0)
EMISSIONS = st.floats(1e3, 1e8)
SECTOR = st.lists(st.tuples(INTENSITY, EMISSIONS), min_size=1, max_size=12)


def gap(balance: float, sector: list[tuple[float, float]]) -> float:
    intensity, emissions = np.array(sector).T
    return float(emissions @ np.clip(STRENGTH * (1 - intensity / balance), -LIMIT, LIMIT) / emissions.sum())


@given(SECTOR)
def test_the_balance_value_always_closes_the_sector(sector: list[tuple[float, float]]) -> None:
    intensity, emissions = zip(*sector, strict=True)
    balance = balance_value(intensity, emissions, strength=STRENGTH, limit=LIMIT)
    assert abs(gap(balance.value, sector)) <= 1e-9
    assert min(intensity) * (1 - 1e-9) <= balance.value <= max(intensity) * (1 + 1e-9)
    assert balance.low <= balance.value <= balance.high


@given(SECTOR)
def test_the_interval_is_all_balanced_and_ends_where_it_should(sector: list[tuple[float, float]]) -> None:
    intensity, emissions = zip(*sector, strict=True)
    balance = balance_value(intensity, emissions, strength=STRENGTH, limit=LIMIT)
    for value in np.linspace(balance.low, balance.high, 5):
        assert abs(gap(float(value), sector)) <= 1e-9
    if len(sector) > 1 and max(intensity) > min(intensity) * 1.001:
        assert gap(balance.low * 0.99, sector) <= 1e-12
        assert gap(balance.high * 1.01, sector) >= -1e-12


@given(SECTOR, st.floats(1e-3, 1e3))
def test_the_balance_value_does_not_depend_on_the_units_of_emissions(
    sector: list[tuple[float, float]], scale: float
) -> None:
    intensity, emissions = zip(*sector, strict=True)
    one = balance_value(intensity, emissions, strength=STRENGTH, limit=LIMIT)
    other = balance_value(intensity, [scale * value for value in emissions], strength=STRENGTH, limit=LIMIT)
    assert other.value == pytest.approx(one.value, rel=1e-6)


@given(key=st.floats(1.0, 1e6), other=st.floats(0.0, 1e6), output=st.floats(1.0, 1e6), balance=st.floats(0.1, 10.0))
def test_collared_allowances_stay_within_three_percent(key: float, other: float, output: float, balance: float) -> None:
    amount = float(CollaredIntensity(output, STRENGTH, LIMIT, balance).amount(key, other))
    total = key + other
    assert total * (1 - LIMIT) * (1 - 1e-12) <= amount <= total * (1 + LIMIT) * (1 + 1e-12)


TOPPED = st.lists(st.floats(0.0, 1e5), max_size=3).map(lambda marks: tuple((mark, 1 / len(marks)) for mark in marks))


@settings(max_examples=200)
@given(fixed=st.floats(0.0, 1e6), topped=TOPPED, key=st.floats(0.0, 1e6), other=st.floats(0.0, 1e6))
def test_relief_leaves_at_most_a_fifth_of_emissions_to_cover(
    fixed: float, topped: tuple[tuple[float, float], ...], key: float, other: float
) -> None:
    rule = CappedObligation(fixed, 0.2, topped)
    amount, total = float(rule.amount(key, other)), key + other
    assert total - amount <= 0.2 * total * (1 + 1e-9) + 1e-6
    assert amount >= fixed + sum(mark for mark, _ in topped) - 1e-6


@settings(max_examples=200)
@given(
    fixed=st.floats(0.0, 1e6),
    topped=TOPPED,
    start=st.floats(0.0, 1e6),
    end=st.floats(0.0, 1e6),
    other=st.floats(0.0, 1e6),
)
def test_allowances_under_relief_are_convex_in_emissions(
    fixed: float, topped: tuple[tuple[float, float], ...], start: float, end: float, other: float
) -> None:
    # A maximum of affine pieces: the shortfall e - A is concave, so its cost is no convex programme.
    rule = CappedObligation(fixed, 0.2, topped)
    ends = 0.5 * (float(rule.amount(start, other)) + float(rule.amount(end, other)))
    assert float(rule.amount(0.5 * (start + end), other)) <= ends * (1 + 1e-12) + 1e-6
