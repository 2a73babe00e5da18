import numpy as np
import pytest
from allocation_builder import sector_data

from carbonsim.allocation import Allocation, AllocationInput, allocation_rules
from carbonsim.allocation.power_formula import load_factors_2019, load_factors_2023, load_factors_2025
from carbonsim.errors import InputError, ParameterError
from carbonsim.inputs.parameters import ParameterSet


def allocated(data: AllocationInput, parameters: ParameterSet, rule: str, **options: object) -> Allocation:
    return allocation_rules.get(rule).target(data, parameters, **options)


def unit(year: int, *, emissions: float = 1_000_000.0, benchmark_class: str = "II", **given: object) -> AllocationInput:
    values = {"output": [1_000_000.0], "load_factor": [0.7], "cooling": ("water",), **given}
    return sector_data("power", year, emissions=[emissions], benchmark_class=(benchmark_class,), **values)


@pytest.mark.parametrize(
    ("year", "one", "two", "three", "four", "coal_heat", "gas_heat"),
    [  # the plans' tables of benchmarks, tCO2/MWh and tCO2/GJ
        (2020, 0.877, 0.979, 1.146, 0.392, 0.126, 0.059),
        (2021, 0.8218, 0.8773, 0.9350, 0.3920, 0.1111, 0.0560),
        (2022, 0.8177, 0.8729, 0.9303, 0.3901, 0.1105, 0.0557),
        (2023, 0.7950, 0.8090, 0.8285, 0.3305, 0.1038, 0.0536),
        (2024, 0.7910, 0.8049, 0.8244, 0.3288, 0.1033, 0.0533),
        (2025, 0.7902, 0.8017, 0.8162, 0.3288, 0.1027, 0.0533),
        (2026, 0.7894, 0.7985, 0.8080, 0.3288, 0.1021, 0.0533),
    ],
)
def test_packaged_benchmarks_are_those_of_the_plans(
    china: ParameterSet,
    year: int,
    one: float,
    two: float,
    three: float,
    four: float,
    coal_heat: float,
    gas_heat: float,
) -> None:
    classes = ("I", "II", "III", "IV")
    assert [china.value("power.benchmark", year, name) for name in classes] == [one, two, three, four]
    heat = [china.value("power.heat_benchmark", year, name) for name in classes]
    assert heat == [coal_heat, coal_heat, coal_heat, gas_heat]


def test_benchmarks_of_2025_and_2026_are_marked_draft_and_those_before_law(china: ParameterSet) -> None:
    benchmark = china.get("power.benchmark")
    assert [benchmark.at(year, "I").basis for year in (2024, 2025, 2026)] == ["law", "draft", "draft"]


@pytest.mark.parametrize(
    ("load", "expected"),
    [
        (0.90, 1.0),
        (0.82, 1.0042),  # 1 + 0.0014 * (85 - 82)
        (0.77, 1.0118),  # 1.007 + 0.0016 * (80 - 77)
        (0.70, 1.030225),  # 1.015 ** (16 - 14) = 1.015 ** 2
    ],
)
def test_load_factor_of_2019_has_three_pieces(china: ParameterSet, load: float, expected: float) -> None:
    assert load_factors_2019(unit(2019, load_factor=[load]), china)[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("threshold", [0.85, 0.80, 0.75])
def test_load_factor_of_2019_is_continuous(china: ParameterSet, threshold: float) -> None:
    below, above = (load_factors_2019(unit(2021, load_factor=[threshold + d]), china)[0] for d in (-1e-9, 1e-9))
    assert below == pytest.approx(above, abs=1e-7)


def test_load_factor_of_2019_is_for_condensing_conventional_coal_only(china: ParameterSet) -> None:
    assert load_factors_2019(unit(2019, heat_ratio=[0.1]), china)[0] == 1.0
    assert load_factors_2019(unit(2019, cooling=("back_pressure",)), china)[0] == 1.0
    assert load_factors_2019(unit(2019, benchmark_class="III"), china)[0] == 1.0


def test_load_factor_of_2023_drops_from_1_0457_to_1_at_65_percent(china: ParameterSet) -> None:
    # 1.015 ** (16 - 20 * 0.65) = 1.015 ** 3 = 1.045678375
    below, at = (load_factors_2023(unit(2023, load_factor=[load]), china)[0] for load in (0.65 - 1e-12, 0.65))
    assert below == pytest.approx(1.045678375, rel=1e-9)
    assert at == 1.0


def test_load_factor_of_the_draft_drops_from_1_1003_to_1_at_50_percent(china: ParameterSet) -> None:
    # exp(-50/29.822) = 0.18700, exp(-50/6.871) = 0.00069:
    # 7.254 - 0.633 * 0.81300 - 5.643 * 0.99931 = 7.254 - 0.51463 - 5.63910 = 1.10027
    below, at = (load_factors_2025(unit(2025, load_factor=[load]), china)[0] for load in (0.5 - 1e-12, 0.5))
    assert below == pytest.approx(1.1003, abs=5e-5)
    assert at == 1.0


def test_unconventional_coal_and_gas_have_no_load_correction_and_need_no_load_factor(china: ParameterSet) -> None:
    for benchmark_class in ("III", "IV"):
        data = unit(2024, benchmark_class=benchmark_class, load_factor=[np.nan])
        assert load_factors_2023(data, china)[0] == 1.0


def test_conventional_coal_without_load_factor_is_named(china: ParameterSet) -> None:
    with pytest.raises(InputError, match=r"f0.*load factor.*facilities\.load_factor"):
        allocated(unit(2024, load_factor=[np.nan]), china, "power_benchmark_2023")


def test_2020_plan_corrects_for_cooling_and_heat(china: ParameterSet) -> None:
    # Air cooling 1.05, heat ratio 0.3: Fr = 1 - 0.22 * 0.3 = 0.934, not condensing so Ff = 1.
    # A = 0.979 * 1.05 * 0.934 * 1e6 + 0.126 * 500 000 = 960 105.3 + 63 000 = 1 023 105.3
    data = unit(2020, cooling=("air",), heat_ratio=[0.3], heat_output=[500_000.0])
    result = allocated(data, china, "power_benchmark_2019")
    assert result.amount_unrounded[0] == pytest.approx(1_023_105.3, rel=1e-12)
    assert result.sigma[0] == pytest.approx(0.979 * 1.05 * 0.934, rel=1e-12)


def test_2021_plan_has_its_own_benchmark(china: ParameterSet) -> None:
    # Water-cooled condensing unit at 70 %: A = 0.8729 * 1.030225 * 1e6 = 899 283.4025 in 2022.
    result = allocated(unit(2022), china, "power_benchmark_2021")
    assert result.amount_unrounded[0] == pytest.approx(899_283.4025, rel=1e-12)


def test_gas_of_2021_is_corrected_for_heat_supply_alone(china: ParameterSet) -> None:
    # Fr = 1 - 0.6 * 0.5 = 0.7: A = 0.392 * 0.7 * 1e6 + 0.056 * 1e6 = 274 400 + 56 000
    data = unit(
        2021, emissions=300_000.0, benchmark_class="IV", cooling=("air",), heat_ratio=[0.5], heat_output=[1_000_000.0]
    )
    result = allocated(data, china, "power_benchmark_2021")
    assert result.amount_unrounded[0] == pytest.approx(330_400.0, rel=1e-12)


def test_2024_allocation_by_hand(china: ParameterSet) -> None:
    # A = 1e6 * 0.8049 * 1 + 2e6 * 0.1033 = 804 900 + 206 600 = 1 011 500; E = 1 050 000, gap 3.7 %.
    result = allocated(unit(2024, emissions=1_050_000.0, heat_output=[2_000_000.0]), china, "power_benchmark_2023")
    assert result.amount[0] == pytest.approx(1_011_500.0, rel=1e-12)
    assert (result.phi_key[0], result.sigma[0]) == (1.0, pytest.approx(0.8049))
    # (1 050 000 - 1 011 500) / 1 050 000 = 3.6667 %
    assert result.notes["gap_rate.e0"] == 3.67


def test_the_benchmark_falls_from_2023_to_2024(china: ParameterSet) -> None:
    amounts = [allocated(unit(year), china, "power_benchmark_2023").amount[0] for year in (2023, 2024)]
    assert amounts == [pytest.approx(809_000.0), pytest.approx(804_900.0)]


def test_a_plan_outside_its_years_has_no_parameters(china: ParameterSet) -> None:
    with pytest.raises(ParameterError, match=r"power\.load_exponential_base is valid until 2024, asked for 2025"):
        allocated(unit(2025), china, "power_benchmark_2023")
    with pytest.raises(ParameterError, match="starts in 2025, asked for 2024"):
        allocated(unit(2024), china, "power_benchmark_2025")
    with pytest.raises(ParameterError, match="valid until 2026, asked for 2027"):
        allocated(unit(2027), china, "power_benchmark_2025")


def test_draft_rounds_factor_and_floors_each_part_in_the_ledger(china: ParameterSet) -> None:
    # F = 45 %: exp(-45/29.822) = 0.2211403, exp(-45/6.871) = 0.0014317, so
    # Ff = 7.254 - 0.633 * 0.7788597 - 5.643 * 0.9985683 = 1.1259028 -> six decimals; the test derives them itself.
    factor = 7.254 - 0.633 * (1 - np.exp(-45 / 29.822)) - 5.643 * (1 - np.exp(-45 / 6.871))
    data = unit(2025, emissions=950_000.0, output=[1_000_001.0], load_factor=[0.45], heat_output=[100_001.0])
    result = allocated(data, china, "power_benchmark_2025")
    electricity = np.floor(1_000_001 * 0.8017 * np.round(factor, 6))
    heat = 10_270  # floor(100 001 * 0.1027 = 10 270.1027)
    assert result.amount[0] == electricity + heat
    assert result.amount_unrounded[0] == pytest.approx(1_000_001 * 0.8017 * factor + 10_270.1027, rel=1e-12)


def test_a_whole_number_is_not_floored_away_by_binary_noise(china: ParameterSet) -> None:
    # 1 000 000 MWh * 0.8017 = 801 700 exactly in decimals, 801 699.9999... or 801 700 in binary.
    assert allocated(unit(2025), china, "power_benchmark_2025").amount[0] == 801_700.0


def test_draft_gives_small_entities_their_emissions(china: ParameterSet) -> None:
    small = unit(2025, emissions=25_999.0, output=[10_000.0])
    large = unit(2025, emissions=26_000.0, output=[30_000.0])
    assert allocated(small, china, "power_benchmark_2025").amount[0] == 25_999.0
    # 30 000 MWh * 0.8017 = 24 051, above 80 % of 26 000
    assert allocated(large, china, "power_benchmark_2025").amount[0] == 24_051.0


def test_a_block_is_small_only_if_its_entities_are(china: ParameterSet) -> None:
    # 10 entities of 20 000 t each: below 26 000 t although the row holds 200 000 t.
    data = unit(2025, emissions=200_000.0, output=[10_000.0], entities=[10.0])
    assert allocated(data, china, "power_benchmark_2025").amount[0] == 200_000.0


def test_a_special_case_receives_its_emissions_and_needs_no_class(china: ParameterSet) -> None:
    data = unit(2024, emissions=123.4, benchmark_class="", special_case=("own_gas",), load_factor=[np.nan])
    result = allocated(data, china, "power_benchmark_2023")
    assert result.amount[0] == pytest.approx(123.4)
    assert (result.phi_key[0], result.sigma[0]) == (0.0, 0.0)


def test_every_unit_of_unknown_class_is_named(china: ParameterSet) -> None:
    data = sector_data(
        "power", 2024, emissions=[1.0, 1.0], output=[1.0, 1.0], benchmark_class=("V", ""), load_factor=[0.7, 0.7]
    )
    with pytest.raises(InputError) as caught:
        allocated(data, china, "power_benchmark_2023")
    assert len(caught.value.issues) == 2
    assert "I, II, III, IV" in str(caught.value)


def test_coal_without_cooling_is_named_where_the_plan_needs_it(china: ParameterSet) -> None:
    with pytest.raises(InputError, match=r"f0.*cooling"):
        allocated(unit(2021, cooling=("",)), china, "power_benchmark_2021")


def test_heat_supply_without_heat_ratio_is_named(china: ParameterSet) -> None:
    with pytest.raises(InputError, match=r"f0.*heat_ratio"):
        allocated(unit(2021, heat_ratio=[np.nan], heat_output=[1.0]), china, "power_benchmark_2021")


def test_without_relief_the_rule_is_affine_in_output(china: ParameterSet) -> None:
    result = allocated(unit(2024, emissions=2_000_000.0), china, "power_benchmark_2023", relief=False)
    assert result.kind == "affine"
    assert result.amount[0] == pytest.approx(804_900.0)
    assert (result.phi_key[0], result.sigma[0]) == (1.0, pytest.approx(0.8049))
