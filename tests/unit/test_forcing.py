"""Pressure indicators against arithmetic done by hand."""

import numpy as np
import pytest
import xarray as xr

from carbonsim.errors import InputError
from carbonsim.forcing import announcement_effect, position_table, pressure_table

YEARS = [2027, 2028]


def run_of_three() -> xr.Dataset:
    """Two covered steel works and one workshop that enters in 2028; price 50 then 60 CNY/t."""
    enterprise = ["a", "b", "c"]

    def table(*rows: list[float]) -> tuple[tuple[str, str], np.ndarray]:
        return (("enterprise", "year"), np.array(rows, dtype=float))

    share = table([1, 1], [1, 1], [0, 1])
    return xr.Dataset(
        {
            "allowance_price": ("year", [50.0, 60.0]),
            "obligation_share": share,
            "covered_emissions": table([100, 90], [50, 50], [40, 40]),
            "obligation": table([100, 90], [50, 50], [0, 40]),
            "free_allocation": table([80, 80], [60, 60], [0, 30]),
            "baseline_obligation": table([110, 110], [50, 50], [0, 40]),
            "baseline_free_allocation": table([80, 80], [60, 60], [0, 30]),
            "allowance_cost": table([1000, 600], [-500, -600], [0, 600]),
            "net_compliance_cost": table([1200, 900], [-500, -600], [0, 600]),
            "indirect_cost": table([10, 12], [0, 0], [5, 6]),
            "value_added": table([10000, 10000], [5000, 5000], [2000, 2000]),
            "revenue": table([40000, 40000], [20000, 20000], [9000, 9000]),
            "product_quantity": table([10, 10], [5, 5], [2, 2]),
            "ebit": table([2000, 2000], [500, 500], [-10, -10]),
            "pass_through": table([0.25, 0.25], [0.25, 0.25], [0.5, 0.5]),
            "phi": table([1, 1], [1, 1], [np.nan, 0.5]),
            "potential_below_price": table([15, 30], [0, 0], [0, 0]),
            "anticipatory_abatement": table([0, 0], [0, 0], [2, 0]),
            "abatement": table([10, 20], [0, 0], [2, 6]),
            "abatement_cost": table([200, 300], [0, 0], [0, 0]),
            "net_purchase": table([20, 10], [-10, -10], [0, 10]),
            "benchmark_excess": table([10, 0], [-5, -5], [np.nan, np.nan]),
            "benchmark_emissions": table([90, 90], [55, 55], [np.nan, np.nan]),
        },
        coords={
            "enterprise": enterprise,
            "year": YEARS,
            "announced": ("enterprise", [2020, 2020, 2028]),
            "kind": ("enterprise", ["enterprise"] * 3),
            "sector": ("enterprise", ["steel", "steel", "chemicals"]),
            "place": ("enterprise", ["east", "west", "west"]),
            "chain": ("enterprise", ["x", "x", "y"]),
            "name_zh": ("enterprise", ["甲", "乙", "丙"]),
            "name_en": ("enterprise", ["A", "B", "C"]),
        },
    )


def test_sector_ratio_is_sum_over_sum_not_mean_of_ratios() -> None:
    table = pressure_table(run_of_three(), "sector")
    # (1200 - 500) / (10000 + 5000); the mean of the two ratios would be (0.12 - 0.10) / 2 = 0.01
    assert table.loc[("steel", 2027), "cost_to_value_added"] == pytest.approx(700 / 15000)


def test_what_is_not_covered_is_absent_with_its_reason_not_zero() -> None:
    table = pressure_table(run_of_three(), "sector")
    assert np.isnan(table.loc[("chemicals", 2027), "net_compliance_cost"])
    assert ("chemicals", 2027, "net_compliance_cost", "not covered in this year", "当年未纳入") in table.attrs["absent"]


def test_profit_at_risk_of_a_loss_maker_is_absent_with_its_reason() -> None:
    table = pressure_table(run_of_three(), "enterprise")
    assert np.isnan(table.loc[("c", 2028), "profit_at_risk"])
    reasons = {row[3] for row in table.attrs["absent"] if row[:3] == ("c", 2028, "profit_at_risk")}
    assert reasons == {"EBIT is zero or negative: the enterprise earns nothing to pay from"}


def test_indicators_match_hand_arithmetic() -> None:
    table = pressure_table(run_of_three(), "place")
    west = table.loc[("west", 2028)]
    assert west["shortfall_after"] == pytest.approx((50 - 60 + 40 - 30) / (50 + 40))
    assert west["incentive_share"] == pytest.approx((1 * 50 + 0.5 * 40) / 90)
    assert west["marginal_price_signal"] == pytest.approx((50 + 0.5 * 40) * 60 / 90)
    assert west["unrecovered_cost"] == pytest.approx(0.75 * -600 + 0.5 * 600)
    east = table.loc[("east", 2027)]
    assert east["abatement_headroom"] == pytest.approx(15 / (110 - 80))
    assert east["distance_to_benchmark"] == pytest.approx(10 / 90)
    assert east["profit_at_risk"] == pytest.approx(0.75 * 1200 / 2000)


def test_one_member_without_a_number_leaves_its_group_without_one() -> None:
    run = run_of_three()
    run["value_added"].loc[{"enterprise": "b"}] = np.nan
    table = pressure_table(run, "sector")
    assert np.isnan(table.loc[("steel", 2027), "cost_to_value_added"])
    assert ("steel", 2027, "cost_to_value_added", "a member has no such data", "有企业缺少所需数据") in table.attrs[
        "absent"
    ]


def test_cost_per_unit_of_product_is_by_enterprise_only() -> None:
    by_enterprise = pressure_table(run_of_three(), "enterprise")
    assert by_enterprise.loc[("a", 2027), "average_cost_per_unit"] == pytest.approx(1000 / 10)
    assert by_enterprise.loc[("a", 2027), "marginal_cost_per_unit"] == pytest.approx(1 * 50 * 100 / 10)
    by_sector = pressure_table(run_of_three(), "sector")
    assert by_sector["average_cost_per_unit"].isna().all()
    reasons = {row[3] for row in by_sector.attrs["absent"] if row[2] == "average_cost_per_unit"}
    assert reasons == {"products differ; read it by enterprise"}


def test_anticipatory_share_counts_abatement_before_entry() -> None:
    table = pressure_table(run_of_three(), "enterprise")
    assert table.loc[("c", 2028), "anticipatory_share"] == pytest.approx(2 / 8)
    assert table.loc[("a", 2028), "anticipatory_share"] == 0


def test_unknown_group_is_refused() -> None:
    with pytest.raises(InputError, match="province"):
        pressure_table(run_of_three(), "province")  # type: ignore[arg-type]


def test_position_lists_the_largest_shortfall_first_and_only_the_covered() -> None:
    table = position_table(run_of_three(), 2027)
    assert list(table.index) == ["a", "b"]
    assert list(table["shortfall"]) == [20, -10]


def test_announcement_effect_is_the_price_difference_before_entry() -> None:
    with_widening, without = run_of_three(), run_of_three()
    without["allowance_price"] = ("year", [45.0, 50.0])
    effect = announcement_effect(with_widening, without)
    assert list(effect["effect"]) == [5.0, 10.0]
    with_widening["price_without_widening"] = ("year", [49.0, 61.0])
    assert list(announcement_effect(with_widening)["effect"]) == [1.0, -1.0]
    assert effect.loc[2028, "entered"] == pytest.approx(40 / 180)
    assert list(effect["announced"]) == [0, 1]
