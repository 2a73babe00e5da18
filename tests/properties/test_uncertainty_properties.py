"""What must hold for every propagation: bounds of combination, scaling, splitting, order."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "accounting"))
from uncertainty_builders import Row, inventory, stated

from carbonsim.accounting.uncertainty import propagate
from carbonsim.accounting.uncertainty.distributions import DISTRIBUTIONS, shape_of

quantities = st.lists(st.floats(1.0, 1e6), min_size=2, max_size=5)
widths = st.floats(0.001, 0.5)


def streams(amounts: list[float], shared: bool) -> list[Row]:
    return [
        Row(f"s{n}", [amount, amount / 2], {"emission_factor": (2.0, "f") if shared else 2.0})
        for n, amount in enumerate(amounts)
    ]


def deviation(rows: list[Row], *table: dict[str, object], **options: object) -> float:
    result = propagate(inventory(rows), stated(*table), **options)  # type: ignore[arg-type]
    return float(result.dataset["standard_deviation"].sel(group="total", year=2024))


@settings(max_examples=8, deadline=None)
@given(quantities, widths)
def test_a_shared_factor_keeps_its_relative_width_and_own_ones_never_exceed_it(
    amounts: list[float], width: float
) -> None:
    table = {"term": "emission_factor", "half_width": width}
    result = propagate(inventory(streams(amounts, shared=True)), stated(table))
    assert float(result.dataset["relative_half_width"].sel(group="total", year=2024)) == pytest.approx(width, rel=1e-9)
    assert deviation(streams(amounts, shared=False), table) <= deviation(streams(amounts, shared=True), table) * (
        1 + 1e-9
    )


@settings(max_examples=8, deadline=None)
@given(quantities, widths, st.floats(0.1, 10.0))
def test_scaling_all_activity_scales_every_width(amounts: list[float], width: float, scale: float) -> None:
    table = ({"term": "quantity", "half_width": width}, {"term": "emission_factor", "half_width": width / 2})
    once = deviation(streams(amounts, shared=True), *table)
    again = deviation(streams([scale * amount for amount in amounts], shared=True), *table)
    assert again == pytest.approx(scale * once, rel=1e-9)


@settings(max_examples=8, deadline=None)
@given(quantities, widths)
def test_contributions_of_every_group_add_up_to_one(amounts: list[float], width: float) -> None:
    table = stated({"term": "quantity", "half_width": width}, {"term": "emission_factor", "half_width": width / 3})
    result = propagate(inventory(streams(amounts, shared=True)), table, by="stream")
    for group in result.dataset["group"].values.tolist():
        assert result.contributions(group)["contribution"].sum() == pytest.approx(1.0, rel=1e-9)
        assert (np.diff(result.contributions(group)["contribution"]) <= 0).all()


@settings(max_examples=8, deadline=None)
@given(quantities, widths, st.randoms(use_true_random=False), st.sampled_from(DISTRIBUTIONS))
def test_order_and_chunk_change_no_bit(amounts: list[float], width: float, random: object, distribution: str) -> None:
    rows = streams(amounts, shared=True)
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    table = ({"term": "quantity", "half_width": width, "distribution": distribution},
             {"term": "emission_factor", "half_width": width})  # fmt: skip
    options = {"approach": "monte_carlo", "seed": 1, "draws": 150}
    assert deviation(rows, *table, **options) == deviation(shuffled, *table, chunk=31, **options)


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(DISTRIBUTIONS), st.floats(1e-4, 0.6))
def test_every_distribution_holds_its_half_width_and_stays_above_zero(distribution: str, width: float) -> None:
    shape = shape_of(distribution, width)
    assert (shape.quantile(0.975) - shape.quantile(0.025)) / 2 == pytest.approx(width, rel=1e-7)
    assert shape.quantile(0.00101) >= 0
    # A mean-one error is at most about as wide as a normal one with the same interval, uniform excepted.
    assert shape.standard_deviation <= width / 1.6


@settings(max_examples=8, deadline=None)
@given(quantities, widths)
def test_a_correlated_factor_never_widens_the_trend_more_than_an_uncorrelated_one(
    amounts: list[float], width: float
) -> None:
    rows = streams(amounts, shared=True)
    kept, loose = (
        propagate(inventory(rows), stated({"term": "emission_factor", "half_width": width, "years_correlated": flag}))
        for flag in ("yes", "no")
    )
    narrow, wide = (float(one.dataset["trend_half_width"].sel(group="total")) for one in (kept, loose))
    assert narrow <= wide


@settings(max_examples=15, deadline=None)
@given(st.floats(1.0, 1e6), widths, widths, st.sampled_from(("", "yes", "no")), st.booleans())
def test_a_year_in_twelve_months_is_as_uncertain_as_in_one_row(
    amount: float, width: float, other: float, correlated: str, shared: bool
) -> None:
    terms: dict[str, object] = {"emission_factor": (2.0, "f") if shared else 2.0}
    table = ({"term": "quantity", "half_width": width, "years_correlated": correlated},
             {"term": "emission_factor", "half_width": other})  # fmt: skip
    beside = Row("gas", [amount / 3, amount], terms)  # type: ignore[arg-type]
    whole = [Row("coal", [amount, amount / 2], terms), beside]  # type: ignore[arg-type]
    parts = [Row("coal", [amount / 12, amount / 24], terms, month=month) for month in range(1, 13)]  # type: ignore[arg-type]
    yearly, monthly = (propagate(inventory(rows), stated(*table)).dataset for rows in (whole, [*parts, beside]))
    for name in ("half_width", "trend_half_width"):
        np.testing.assert_allclose(monthly[name], yearly[name], rtol=1e-9)
