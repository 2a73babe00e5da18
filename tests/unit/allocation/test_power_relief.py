import numpy as np
import pytest
from allocation_builder import sector_data

from carbonsim.allocation import Allocation, CappedObligation
from carbonsim.allocation.power_relief import UnitAllowances, gap_rate, with_relief

GAP = 0.2


def relieved(benchmark: list[float], emissions: list[float], classes: str, **given: object) -> Allocation:
    """Units with the given benchmark allowances: one allowance for each MWh, output = benchmark."""
    size = len(emissions)
    data = sector_data(
        "power",
        2024,
        emissions=emissions,
        output=benchmark,
        enterprise=["e"] * size,
        benchmark_class=tuple("IV" if letter == "g" else "III" for letter in classes),
        **given,
    )
    per_output, floored = np.ones(size), bool(given.get("is_floored", False))
    return with_relief("test", data, UnitAllowances(per_output, np.zeros(size), data.output, floored), largest_gap=GAP)


def test_unit_relief_comes_before_the_sum_and_entity_relief_after() -> None:
    # Coal 500 of 1000, gas 80 of 100. Unit relief lifts gas to 100: sum 600 < 0.8 * 1100 = 880, so the entity gets 880.
    # Entity relief first would give 880 and then 20 more for gas: 900.
    assert relieved([500.0, 80.0], [1000.0, 100.0], "cg").amount.sum() == pytest.approx(880.0)


def test_unit_relief_can_spare_the_entity_relief() -> None:
    # Coal 790 of 1000, gas 80 of 100: 870 < 880 before unit relief, 790 + 100 = 890 >= 880 after it.
    result = relieved([790.0, 80.0], [1000.0, 100.0], "cg")
    assert result.amount.tolist() == [790.0, 100.0]
    assert result.notes["relieved_entities"] == 0.0


def test_gas_keeps_a_surplus() -> None:
    result = relieved([120.0], [100.0], "g")
    assert result.amount[0] == 120.0
    assert (result.phi_key[0], result.sigma[0]) == (1.0, 1.0)


def test_coal_has_no_unit_relief() -> None:
    # 900 of 1000: gap 10 %, within the 20 %.
    assert relieved([900.0], [1000.0], "c").amount[0] == 900.0


def test_incentives_under_each_relief() -> None:
    capped = relieved([700.0], [1000.0], "c")
    assert capped.phi_key[0] == pytest.approx(GAP)
    assert capped.sigma[0] == 0.0
    topped = relieved([950.0, 80.0], [1000.0, 100.0], "cg")
    assert topped.phi_key.tolist() == [1.0, 0.0]
    assert topped.sigma.tolist() == [1.0, 0.0]


def test_entity_relief_is_for_the_entity_and_not_the_unit() -> None:
    # Units at 70 % and 95 %: together 1650 of 2000 = 82.5 %, no relief although one unit alone lacks 30 %.
    result = relieved([700.0, 950.0], [1000.0, 1000.0], "cc")
    assert result.amount.tolist() == [700.0, 950.0]


def test_top_up_is_floored_where_the_plan_floors() -> None:
    # 0.8 * 1000.9 = 800.72, initial 700: top-up 100.72 -> 100.
    data = sector_data("power", 2025, emissions=[1000.9], output=[700.0], benchmark_class=("III",))
    allowances = UnitAllowances(np.ones(1), np.zeros(1), np.array([700.0]), is_floored=True)
    result = with_relief("test", data, allowances, largest_gap=GAP)
    assert result.amount[0] == 800.0
    assert result.amount_unrounded[0] == pytest.approx(800.72)


def test_units_of_account_split_gas_from_coal() -> None:
    unit = relieved([790.0, 80.0], [1000.0, 100.0], "cg").units[0]
    assert unit.key_facilities == ("f1",)
    assert (unit.key_emissions, unit.other_emissions) == (100.0, 1000.0)
    assert unit.benchmark == 870.0
    assert isinstance(unit.rule, CappedObligation)
    # At 790 + max(80, 60) = 870 against 0.8 * 1060 = 848
    assert unit.rule.amount(60.0, 1000.0) == pytest.approx(870.0)


def test_rule_of_an_entity_without_gas_answers_its_total_alone() -> None:
    unit = relieved([700.0, 950.0], [1000.0, 1000.0], "cc").units[0]
    assert unit.key_facilities == ("f0", "f1")
    assert unit.other_emissions == 0.0
    # 1650 / 0.8
    assert unit.rule.total_kinks() == (pytest.approx(2062.5),)


def test_idle_gas_unit_keeps_its_benchmark() -> None:
    result = relieved([900.0, 50.0, 80.0], [1000.0, 0.0, 100.0], "cgg")
    assert result.amount.tolist() == [900.0, 50.0, 100.0]
    assert result.units[0].rule.amount(100.0, 1000.0) == pytest.approx(1050.0)


def test_gap_rate_has_two_decimals_half_up() -> None:
    # 37 / 300 = 12.3333 %; 1.005 % goes up
    assert gap_rate(263.0, 300.0) == 12.33
    assert gap_rate(98_995.0, 100_000.0) == 1.01
    assert gap_rate(0.0, 0.0) == 0.0
