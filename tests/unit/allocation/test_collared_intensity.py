import numpy as np
import pytest
from allocation_builder import parameters, sector_data

from carbonsim.allocation import (
    Allocation,
    AllocationInput,
    CollaredIntensity,
    FullCover,
    allocation_rules,
    marginal_incentives,
)
from carbonsim.errors import InputError, ParameterError
from carbonsim.inputs.parameters import ParameterSet

LINES = {"emissions": [600_000.0, 900_000.0, 1_000_000.0], "key_output": [1_000_000.0] * 3}


def collared(data: AllocationInput, policy: ParameterSet | None = None, **options: object) -> Allocation:
    return allocation_rules.get("collared_intensity").target(data, policy or parameters(), **options)


def test_allowances_of_the_sector_equal_its_emissions() -> None:
    result = collared(sector_data("cement", 2025, **LINES))
    assert result.amount_unrounded.sum() == pytest.approx(2_500_000.0, rel=1e-9)
    # B = 1810/2020 (test_balance); the cleanest gets +3 %.
    assert result.notes["balance_value"] == pytest.approx(1810 / 2020, rel=1e-12)
    assert result.amount_unrounded[0] == pytest.approx(618_000.0, rel=1e-12)


def test_ledger_amounts_are_whole_and_lose_less_than_one_a_line() -> None:
    result = collared(sector_data("cement", 2025, **LINES))
    assert np.all(result.amount == np.floor(result.amount))
    assert np.all(result.amount_unrounded - result.amount < 1.0)
    assert np.all(result.amount <= result.amount_unrounded + 1e-6)


def test_steel_at_balance_with_emissions_of_1_4_times_the_key_process() -> None:
    # Alone in its sector the enterprise sits at balance: a = 0, I = B = 1e6 / 0.8e6 = 1.25.
    # phi_key = s E / (q B) = 0.15 * 1.4e6 / 1e6 = 0.21; phi_other = -a = 0
    # sigma = s E e / (q^2 B) = 0.15 * 1.4e6 * 1e6 / (0.64e12 * 1.25) = 0.2625
    data = sector_data("steel", 2025, emissions=[1.4e6], key=[1.0e6], key_output=[0.8e6])
    result = collared(data)
    assert result.phi_key[0] == pytest.approx(0.21, rel=1e-9)
    assert result.phi_other[0] == pytest.approx(0.0, abs=1e-12)
    assert result.sigma[0] == pytest.approx(0.2625, rel=1e-9)


def test_cement_at_balance_faces_15_percent_of_the_price() -> None:
    result = collared(sector_data("cement", 2025, emissions=[800_000.0], key_output=[1e6]))
    assert result.phi_key[0] == pytest.approx(0.15, rel=1e-9)


@pytest.mark.parametrize(("intensity", "coefficient"), [(0.7, 0.03), (0.8, 0.03), (1.2, -0.03), (1.3, -0.03)])
def test_both_ends_of_the_collar(intensity: float, coefficient: float) -> None:
    data = sector_data("cement", 2025, emissions=[intensity * 1e6], key_output=[1e6])
    result = collared(data, balance_value=1.0)
    assert result.amount_unrounded[0] == pytest.approx(intensity * 1e6 * (1 + coefficient), rel=1e-12)
    # phi = -a: minus 3 % for the cleanest, 3 % for the dirtiest
    assert result.phi_key[0] == pytest.approx(-coefficient, rel=1e-6)
    assert result.sigma[0] == 0.0


def test_steel_is_rated_as_a_whole_enterprise() -> None:
    # Sinter 200, iron 800, the rest 400 kt; iron output 800 kt: I = 1.25 against B = 1.5.
    # a = 0.15 * (1 - 1.25/1.5) = 0.025 on the whole 1.4 Mt
    data = sector_data(
        "steel",
        2025,
        emissions=[200_000.0, 800_000.0, 400_000.0],
        key=[200_000.0, 800_000.0, 0.0],
        key_output=[0.0, 800_000.0, 0.0],
        enterprise=["e0"] * 3,
    )
    result = collared(data, balance_value=1.5)
    assert result.amount_unrounded.sum() == pytest.approx(1.4e6 * 1.025, rel=1e-12)
    (unit,) = result.units
    assert unit.key_facilities == ("f0", "f1")
    assert (unit.key_emissions, unit.other_emissions, unit.output) == (1e6, 400_000.0, 800_000.0)
    assert unit.benchmark == pytest.approx(1.5 * 800_000.0)


def test_a_published_balance_value_is_not_recalibrated() -> None:
    data = sector_data("cement", 2025, **LINES)
    assert {unit.balance_group for unit in collared(data).units} == {"cement"}
    assert {unit.balance_group for unit in collared(data, balance_value=0.9).units} == {""}


def test_clinker_is_rated_by_line() -> None:
    data = sector_data("cement", 2025, enterprise=["e0"] * 3, **LINES)
    assert [unit.name for unit in collared(data).units] == ["f0", "f1", "f2"]


def test_bins_of_a_steel_block_are_rated_one_by_one() -> None:
    data = sector_data(
        "steel",
        2025,
        emissions=[2e8, 3e8],
        key=[1.5e8, 2.5e8],
        key_output=[1e8, 1.5e8],
        enterprise=["rest"] * 2,
        entities=[100.0, 100.0],
    )
    assert [unit.facilities for unit in collared(data).units] == [("f0",), ("f1",)]


def test_a_single_facility_cuts_both_channels_in_proportion() -> None:
    # E = 1.4e6, e = 1e6, q = 0.8e6, B = 1.5. A cut of 10 % in both: I = 0.9e6 / 0.8e6 = 1.125,
    # a = 0.15 * (1 - 1.125/1.5) = 0.0375, held at 0.03: A = 1.26e6 * 1.03 = 1 297 800.
    data = sector_data("steel", 2025, emissions=[1.4e6], key=[1.0e6], key_output=[0.8e6])
    result = collared(data, balance_value=1.5)
    (unit,) = result.units
    assert (unit.key_emissions, unit.other_emissions) == (1.4e6, 0.0)
    assert float(unit.rule.amount(1.26e6, 0.0)) == pytest.approx(1_297_800.0, rel=1e-12)
    # At its emissions I = 1.25, a = 0.025: phi of a proportional cut is -a + s I/B = -0.025 + 0.125 = 0.1
    assert 1 - unit.rule.gradient(1.4e6, 0.0)[0] == pytest.approx(0.1)
    assert float(marginal_incentives(result)["phi"][0]) == pytest.approx(0.1)


def test_steel_intensity_has_four_decimals_in_the_ledger_only() -> None:
    # I = 1e6 / 0.7e6 = 1.428571..., 1.4286 in the ledger; B = 1.5.
    # Exact: a = 0.15 * (1 - 1.428571/1.5) = 0.0071428..., A = 1.4e6 + 10 000.
    # Ledger: a = 0.15 * (1 - 1.4286/1.5) = 0.00714, A = 1.4e6 + 9 996.
    data = sector_data("steel", 2025, emissions=[1.4e6], key=[1.0e6], key_output=[0.7e6])
    result = collared(data, balance_value=1.5)
    assert result.amount[0] == 1_409_996.0
    assert result.amount_unrounded[0] == pytest.approx(1_410_000.0, rel=1e-12)


def test_special_cases_receive_their_emissions_and_do_not_move_the_balance() -> None:
    plain = collared(sector_data("cement", 2025, **LINES))
    data = sector_data(
        "cement",
        2025,
        emissions=[*LINES["emissions"], 500_000.5],
        key_output=[*LINES["key_output"], 100_000.0],
        special_case=("", "", "", "white_clinker"),
    )
    result = collared(data)
    assert result.amount[3] == 500_000.5
    assert result.phi_key[3] == 0.0
    assert result.notes["balance_value"] == plain.notes["balance_value"]
    assert isinstance(result.units[3].rule, FullCover)
    assert result.units[3].balance_group == ""


def test_one_special_case_covers_a_whole_steel_enterprise() -> None:
    data = sector_data(
        "steel",
        2025,
        emissions=[1e6, 4e5],
        key=[1e6, 0.0],
        key_output=[8e5, 0.0],
        enterprise=["e0", "e0"],
        special_case=("hydrogen_rich_furnace", ""),
    )
    assert collared(data).amount.tolist() == [1e6, 4e5]


def test_entities_below_the_threshold_receive_their_emissions() -> None:
    data = sector_data(
        "cement", 2025, emissions=[25_999.0, 26_000.0, 30_000.0], key_output=[30_000.0, 30_000.0, 30_000.0]
    )
    result = collared(data)
    assert isinstance(result.units[0].rule, FullCover)
    assert isinstance(result.units[1].rule, CollaredIntensity)
    # Splitting the entity of 30 000 t into two of 15 000 t would take it out of the balance: the rule does not split.


def test_a_block_of_small_entities_receives_its_emissions() -> None:
    data = sector_data("cement", 2025, emissions=[200_000.0, 1e6], key_output=[1e6, 1e6], entities=[10.0, 1.0])
    assert isinstance(collared(data).units[0].rule, FullCover)


def test_a_sector_of_special_cases_has_no_balance_value() -> None:
    data = sector_data("cement", 2025, emissions=[1e5], key_output=[1e5], special_case=("closure",))
    assert np.isnan(collared(data).notes["balance_value"])


def test_emissions_without_key_output_are_named() -> None:
    data = sector_data("cement", 2025, emissions=[1e5, 1e5], key_output=[1e5, 0.0])
    with pytest.raises(InputError, match=r"f1.*key_output.*special_case"):
        collared(data)


@pytest.mark.parametrize("year", [2024, 2027])
def test_packaged_collar_is_for_2025_and_2026(china: ParameterSet, year: int) -> None:
    for path, value in (("collar_strength", 0.15), ("collar_limit", 0.03), ("small_entity_emissions", 26_000.0)):
        assert china.value(f"industry.{path}", 2025) == china.value(f"industry.{path}", 2026) == value
    with pytest.raises(ParameterError, match=rf"industry\.collar_strength.*{year}"):
        collared(sector_data("cement", year, **LINES), china)
