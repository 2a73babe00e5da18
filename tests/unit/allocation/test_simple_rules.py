import numpy as np
import pytest
from allocation_builder import parameters, sector_data

from carbonsim.allocation import Allocation, AllocationInput, allocation_rules
from carbonsim.errors import InputError


def allocated(rule: str, data: AllocationInput, **options: object) -> Allocation:
    return allocation_rules.get(rule).target(data, parameters(), **options)


def test_verified_emissions_put_no_price_on_any_tonne() -> None:
    result = allocated("verified_emissions", sector_data("steel", 2024, emissions=[100.5, 0.0]))
    assert result.kind == "affine"
    assert result.amount.tolist() == [100.5, 0.0]
    assert result.phi_key.tolist() == result.phi_other.tolist() == [0.0, 0.0]
    assert result.sigma.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(("year", "expected"), [(2026, 200.0), (2027, 190.0)])
def test_grandfathering_follows_the_factor_from_its_year(year: int, expected: float) -> None:
    # Reference emissions 200 t; factor 1 until 2026, 0.95 from 2027. Current emissions play no part.
    data = sector_data("steel", year, emissions=[120.0], reference_emissions=[200.0])
    result = allocated("grandfathering", data)
    assert result.kind == "lump_sum"
    assert result.amount[0] == pytest.approx(expected)
    assert (result.phi_key[0], result.sigma[0]) == (1.0, 0.0)


def test_own_intensity_falls_by_the_declines_of_each_year() -> None:
    # 200 t / 100 units = 2.0; 1 % in 2025 and 2 % in 2026: 2 * 0.99 * 0.98 = 1.9404; output 110 -> 213.444
    data = sector_data(
        "steel", 2026, emissions=[230.0], output=[110.0], reference_emissions=[200.0], reference_output=[100.0]
    )
    result = allocated("own_historical_intensity", data)
    assert result.amount[0] == pytest.approx(213.444, rel=1e-12)
    assert (result.phi_key[0], result.sigma[0]) == (1.0, pytest.approx(1.9404))
    base = sector_data("steel", 2024, emissions=[200.0], output=[100.0])
    assert allocated("own_historical_intensity", base).amount[0] == pytest.approx(200.0)


def test_a_boiler_counts_with_the_only_product_of_its_enterprise() -> None:
    # (150 + 50) / 100 = 2.0 in the base year, all at the facility with output.
    data = sector_data("steel", 2024, emissions=[150.0, 50.0], output=[100.0, 0.0], enterprise=["e0", "e0"])
    assert allocated("own_historical_intensity", data).amount.tolist() == [200.0, 0.0]


def test_an_enterprise_of_several_products_is_rated_by_facility() -> None:
    data = sector_data(
        "steel", 2024, emissions=[150.0, 50.0], output=[100.0, 10.0], enterprise=["e0"] * 2, product=("iron", "lime")
    )
    assert allocated("own_historical_intensity", data).sigma.tolist() == [1.5, 5.0]


def test_reference_emissions_without_output_are_named() -> None:
    data = sector_data("steel", 2025, emissions=[100.0], output=[0.0])
    with pytest.raises(InputError, match=r"f0.*reference year 2024.*method output"):
        allocated("own_historical_intensity", data)


def test_output_benchmark_multiplies_output() -> None:
    # 1.8 * 50 = 90
    result = allocated("output_benchmark", sector_data("steel", 2024, emissions=[100.0], output=[50.0]))
    assert result.kind == "affine"
    assert result.amount[0] == pytest.approx(90.0)
    assert (result.phi_key[0], result.sigma[0]) == (1.0, 1.8)


def test_output_benchmark_asks_which_of_several_products_counts() -> None:
    data = sector_data(
        "steel",
        2024,
        emissions=[60.0, 40.0],
        output=[70.0, 50.0],
        product=("sinter", "crude steel"),
        enterprise=["e"] * 2,
    )
    with pytest.raises(InputError, match="crude steel, sinter"):
        allocated("output_benchmark", data)
    assert allocated("output_benchmark", data, product="crude steel").amount.tolist() == [0.0, 90.0]
    with pytest.raises(InputError, match="nobody makes 'stel'"):
        allocated("output_benchmark", data, product="stel")


def test_amount_equals_its_affine_parts() -> None:
    data = sector_data("steel", 2024, emissions=[100.0, 30.0], output=[50.0, 20.0])
    for rule in ("verified_emissions", "grandfathering", "own_historical_intensity", "output_benchmark"):
        result = allocated(rule, data)
        parts = result.fixed + result.per_emission * data.emissions + result.per_output * data.output
        assert np.allclose(result.amount, parts, rtol=1e-12)
        assert np.array_equal(result.amount, result.amount_unrounded)
