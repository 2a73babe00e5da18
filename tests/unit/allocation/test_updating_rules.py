"""Rules that follow the year before, and rules scaled to a budget: worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from allocation_builder import parameters, sector_data

from carbonsim.allocation import (
    Allocation,
    AllocationInput,
    allocation_rules,
    incentive_table,
    lagged_incentives,
    with_auction_share,
    with_correction_factor,
)
from carbonsim.errors import InputError


def allocated(rule: str, data: AllocationInput, **options: object) -> Allocation:
    return allocation_rules.get(rule).target(data, parameters(), **options)


@pytest.mark.parametrize(("year", "expected"), [(2025, 108.0), (2026, 96.0)])
def test_updating_on_emissions_gives_a_share_of_last_year_s(year: int, expected: float) -> None:
    # 0.9 of 120 t until 2025, 0.8 of it from 2026; this year's emissions play no part.
    data = sector_data("steel", year, emissions=[100.0], previous_emissions=[120.0], previous_output=[10.0])
    result = allocated("updating_emissions", data)
    assert result.amount[0] == pytest.approx(expected)
    assert (result.lag, result.phi_key[0], result.sigma[0]) == (1, 1.0, 0.0)


def test_updating_on_emissions_leaves_one_less_the_share_of_the_signal_while_banking() -> None:
    data = sector_data("steel", 2026, emissions=[100.0], previous_emissions=[120.0])
    result = allocated("updating_emissions", data)
    # f = 0.8; price ratio 1 while banked: phi 0.2; a price that falls by half leaves 0.6; one that doubles -0.6.
    for ratio, phi in ((1.0, 0.2), (0.5, 0.6), (2.0, -0.6)):
        assert float(lagged_incentives(result, result, ratio)["phi"][0]) == pytest.approx(phi)


def test_updating_on_output_subsidises_output_a_year_later() -> None:
    # 1.8 * 40 = 72; sigma = d beta p'/p = 1.8 * 0.9
    data = sector_data(
        "steel", 2026, emissions=[100.0], output=[50.0], previous_emissions=[90.0], previous_output=[40.0]
    )
    result = allocated("updating_output", data)
    assert result.amount[0] == pytest.approx(72.0)
    signals = lagged_incentives(result, result, 0.9)
    assert (float(signals["phi"][0]), float(signals["sigma"][0])) == (1.0, pytest.approx(1.62))


def test_updating_intensity_leaves_the_decline_alone_as_a_signal_in_steady_state() -> None:
    # 120 / 60 = 2.0 t a unit, down 2 % in 2026: 1.96 * 60 = 117.6 allowances.
    steady = {"emissions": [120.0], "output": [60.0], "previous_emissions": [120.0], "previous_output": [60.0]}
    result = allocated("updating_intensity", sector_data("steel", 2026, **steady))
    assert result.amount[0] == pytest.approx(117.6)
    signals = lagged_incentives(result, result, 1.0)
    # phi = c = 0.02 and sigma 0 with constant price and output.
    assert float(signals["phi"][0]) == pytest.approx(0.02)
    assert float(signals["sigma"][0]) == pytest.approx(0.0, abs=1e-12)


def test_lagged_incentives_are_the_two_year_finite_difference() -> None:
    # Net cost of two years at prices 50 and 60, discount 1 / 1.1, moved by emissions and output of the first.
    ratio = 60.0 / 50.0 / 1.1

    def years(e: float, q: float) -> tuple[Allocation, Allocation]:
        first = sector_data(
            "steel", 2026, emissions=[e], output=[q], previous_emissions=[130.0], previous_output=[55.0]
        )
        second = sector_data(
            "steel", 2027, emissions=[90.0], output=[66.0], previous_emissions=[e], previous_output=[q]
        )
        return allocated("updating_intensity", first), allocated("updating_intensity", second)

    def given(e: float, q: float) -> float:
        first, second = years(e, q)
        return float(first.amount[0] + ratio * second.amount[0])

    signals = lagged_incentives(*years(120.0, 60.0), ratio)
    step = 1e-4
    assert 1 - (given(120 + step, 60) - given(120 - step, 60)) / (2 * step) == pytest.approx(
        float(signals["phi"][0]), abs=1e-6
    )
    assert (given(120, 60 + step) - given(120, 60 - step)) / (2 * step) == pytest.approx(
        float(signals["sigma"][0]), abs=1e-6
    )


@pytest.mark.parametrize("rule", ["updating_emissions", "updating_output", "updating_intensity"])
def test_an_unknown_year_before_is_named(rule: str) -> None:
    with pytest.raises(InputError, match=r"2024.*2023.*Start the study a year earlier"):
        allocated(rule, sector_data("steel", 2024, emissions=[100.0], output=[10.0]))


def test_emissions_without_output_the_year_before_have_no_intensity() -> None:
    data = sector_data("steel", 2025, emissions=[1.0], output=[1.0], previous_emissions=[5.0], previous_output=[0.0])
    with pytest.raises(InputError, match=r"f0.*2024.*own_historical_intensity"):
        allocated("updating_intensity", data)


def test_the_correction_factor_fits_the_sector_into_its_budget() -> None:
    # 1.8 * (50 + 50) = 180 wanted, 144 there: factor 0.8, sigma 1.44.
    data = sector_data("steel", 2024, emissions=[100.0, 80.0], output=[50.0, 50.0])
    result = allocated("corrected_benchmark", data)
    assert result.notes["correction_factor"] == pytest.approx(0.8)
    assert result.amount.tolist() == pytest.approx([72.0, 72.0])
    assert result.sigma.tolist() == pytest.approx([1.44, 1.44])
    # From 2026 the budget is ample.
    ample = sector_data("steel", 2026, emissions=[100.0], output=[50.0])
    assert allocated("corrected_benchmark", ample).amount.tolist() == [90.0]
    # A published factor is taken as it is.
    assert allocated("corrected_benchmark", data, correction_factor=0.5).amount.tolist() == [45.0, 45.0]
    with pytest.raises(InputError, match="from 0 to 1"):
        allocated("corrected_benchmark", data, correction_factor=1.5)


def test_a_cross_sector_factor_scales_every_sector_alike() -> None:
    steel = allocated("output_benchmark", sector_data("steel", 2024, emissions=[100.0], output=[50.0]))
    verified = allocated("verified_emissions", sector_data("cement", 2024, emissions=[60.0]))
    # 90 + 60 = 150 wanted, 120 there: 0.8.
    scaled, factor = with_correction_factor({"steel": steel, "cement": verified}, 120.0)
    assert factor == pytest.approx(0.8)
    assert [float(one.amount.sum()) for one in scaled.values()] == pytest.approx([72.0, 48.0])
    assert scaled["steel"].sigma[0] == pytest.approx(1.44)
    assert scaled["cement"].phi_key[0] == pytest.approx(0.2)  # 1 - 0.8: only 0.8 of each tonne is given back
    assert with_correction_factor({"steel": steel}, 500.0)[1] == 1.0
    with pytest.raises(InputError, match="negative"):
        with_correction_factor({"steel": steel}, -1.0)


def test_an_auction_share_thins_out_the_lag() -> None:
    data = sector_data("steel", 2026, emissions=[100.0], previous_emissions=[120.0])
    half = with_auction_share(allocated("updating_emissions", data), 0.5)
    assert float(lagged_incentives(half, half, 1.0)["phi"][0]) == pytest.approx(0.6)  # 1 - 0.5 * 0.8


def test_the_table_has_a_row_for_every_rule() -> None:
    rows = {row["rule"]: row for row in incentive_table()}
    assert set(rows) == set(allocation_rules)
    assert rows["verified_emissions"]["phi"] == "0"
    assert rows["updating_output"]["sigma"] == "d beta p'/p"
    assert all(row["phi"] and row["sigma"] and row["kind"] for row in rows.values())
    assert np.all([row["lag"] in ("0", "1") for row in rows.values()])


def test_a_self_balancing_benchmark_is_the_sector_s_mean_intensity() -> None:
    # (120 + 60) / (50 + 40) = 2.0: 100 and 80 allowances, 20 short and 20 long.
    data = sector_data("steel", 2026, emissions=[120.0, 60.0], output=[50.0, 40.0])
    result = allocated("self_balancing_benchmark", data)
    assert result.amount.tolist() == pytest.approx([100.0, 80.0])
    assert result.sigma.tolist() == pytest.approx([2.0, 2.0])
    assert result.phi_key.tolist() == [1.0, 1.0]
    assert [unit.balance_group for unit in result.units] == ["steel", "steel"]
    published = allocated("self_balancing_benchmark", data, balance_value=1.5)
    assert published.amount.tolist() == [75.0, 60.0]
    assert [unit.balance_group for unit in published.units] == ["", ""]
    with pytest.raises(InputError, match="method output"):
        allocated("self_balancing_benchmark", sector_data("steel", 2026, emissions=[10.0], output=[0.0]))
