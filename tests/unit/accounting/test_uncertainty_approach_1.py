"""Approach 1: sums and products by hand, shared factors, trends, contributions and what is not stated."""

import math

import numpy as np
import pytest
from accounting_builders import one_site
from uncertainty_builders import Row, inventory, stated

from carbonsim.accounting import build_inventory
from carbonsim.accounting.uncertainty import propagate
from carbonsim.errors import InputError

COAL = {"stream": "coal", "term": "quantity", "half_width": 0.05}
GAS = {"stream": "gas", "term": "quantity", "half_width": 0.10}


def relative(result: object, group: str = "total", year: int = 2024) -> float:
    return float(result.dataset["relative_half_width"].sel(group=group, year=year))  # type: ignore[attr-defined]


def test_a_sum_of_two_streams() -> None:
    # Guidelines, equation 3.2: 60 t with 5 %, 40 t with 10 %: sqrt(3^2 + 4^2) / 100 = 5 %.
    result = propagate(inventory([Row("coal", [60.0]), Row("gas", [40.0])]), stated(COAL, GAS))
    assert relative(result) == pytest.approx(0.05, rel=1e-12)
    at = result.dataset.sel(group="total", year=2024)
    assert float(at["emissions_co2e"]) == 100.0
    assert float(at["low"]) == pytest.approx(95.0, rel=1e-12)
    assert float(at["high"]) == pytest.approx(105.0, rel=1e-12)


def test_a_product_of_quantity_and_factor() -> None:
    # Equation 3.1: sqrt(0.03^2 + 0.04^2) = 0.05.
    rows = stated({"term": "quantity", "half_width": 0.03}, {"term": "emission_factor", "half_width": 0.04})
    assert relative(propagate(inventory([Row("coal", [10.0])]), rows)) == pytest.approx(0.05, rel=1e-12)


def test_a_divisor_counts_like_a_factor_and_a_share_taken_off_by_its_weight() -> None:
    # 100 t x 0.5 / 0.8 x (1 - 0.1 - 0.3): the divisor's 6 % is 6 % of the product; 20 % of the ash share 0.3 is 0.06
    # of the remaining 0.6, or 10 %; sqrt(0.06^2 + 0.1^2) = 0.1166190.
    terms = {"emission_factor": 0.5, "duct_efficiency": 0.8, "sulphur": 0.1, "ash": 0.3}
    result = propagate(
        inventory([Row("anode", [100.0], terms)]),
        stated({"term": "duct_efficiency", "half_width": 0.06}, {"term": "ash", "half_width": 0.2}),
    )
    assert float(result.dataset["emissions_co2e"].sel(group="total", year=2024)) == pytest.approx(37.5)
    assert relative(result) == pytest.approx(math.hypot(0.06, 0.1), rel=1e-12)


def test_a_share_taken_off_whole_still_has_an_effect() -> None:
    # (1 - 0.999) of 100 t is 0.1 t; half a per mille of 0.999 is 0.04995 t, half of what is left.
    rows = stated({"term": "ash", "half_width": 0.0005})
    result = propagate(inventory([Row("anode", [100.0], {"emission_factor": 1.0, "ash": 0.999})]), rows)
    assert relative(result) == pytest.approx(0.4995, rel=1e-9)


def thousand(factor: object) -> list[Row]:
    return [
        Row("coal", [10.0], {"emission_factor": factor}, facility=f"site_{n}", enterprise=f"firm_{n}")  # type: ignore[dict-item]
        for n in range(1000)
    ]


def test_a_thousand_sites_on_one_factor_do_not_average_out() -> None:
    rows = stated({"term": "emission_factor", "half_width": 0.07})
    assert relative(propagate(inventory(thousand((2.0, "guides:coal/emission_factor"))), rows)) == pytest.approx(0.07)


def test_a_thousand_measured_factors_do() -> None:
    # 7 % / sqrt(1000) = 0.2213594 %.
    rows = stated({"term": "emission_factor", "half_width": 0.07})
    assert relative(propagate(inventory(thousand(2.0)), rows)) == pytest.approx(0.002213594, rel=1e-6)


def test_a_table_value_that_is_not_shared_averages_out_too_and_a_measured_one_that_is_does_not() -> None:
    own = stated({"term": "emission_factor", "half_width": 0.07, "shared": "no"})
    assert relative(propagate(inventory(thousand((2.0, "f"))), own)) == pytest.approx(0.07 / math.sqrt(1000))
    same_laboratory = stated({"term": "emission_factor", "half_width": 0.07, "shared": "yes"})
    assert relative(propagate(inventory(thousand(2.0)), same_laboratory)) == pytest.approx(0.07)


def test_the_gases_of_a_stream_share_its_quantity() -> None:
    # 10 t x (1 + 0.1 x 28) tCO2e; the quantity's 5 % moves both gases together.
    gases = {"CO2": {"emission_factor": 1.0}, "CH4": {"gas_factor": 0.1}}
    result = propagate(inventory([Row("coal", [10.0], gases=gases)]), stated(COAL))
    assert float(result.dataset["emissions_co2e"].sel(group="total", year=2024)) == pytest.approx(38.0)
    assert relative(result) == pytest.approx(0.05, rel=1e-12)


def test_a_product_that_leaves_offsets_the_factor_it_shares() -> None:
    # 100 t in and 60 t out on one factor: 7 % of the 40 t that stay, not sqrt(7^2 + 4.2^2) t.
    carbon = {"emission_factor": (1.0, "steel")}
    rows = [Row("ore", [100.0], carbon), Row("product", [60.0], carbon, sign=-1.0)]
    result = propagate(inventory(rows), stated({"term": "emission_factor", "half_width": 0.07}))
    assert float(result.dataset["half_width"].sel(group="total", year=2024)) == pytest.approx(2.8, rel=1e-12)


def test_groups_and_their_total_share_factors() -> None:
    shared = {"emission_factor": (1.0, "coal")}
    rows = [Row("coal", [60.0], shared), Row("coal", [40.0], shared, sector="cement", facility="kiln", enterprise="b")]
    stated_rows = stated({"term": "emission_factor", "half_width": 0.1}, {"term": "quantity", "half_width": 0.05})
    for by, labels in {
        "enterprise": ["firm", "b", "total"], "sector": ["cement", "steel", "total"],
        "facility": ["works", "kiln", "total"], "stream": ["works/coal", "kiln/coal", "total"], "total": ["total"],
    }.items():  # fmt: skip
        result = propagate(inventory(rows), stated_rows, by=by)  # type: ignore[arg-type]
        assert result.dataset["group"].values.tolist() == labels
        # sqrt(10^2 + 3^2 + 2^2) = sqrt(113) t.
        assert float(result.dataset["half_width"].sel(group="total", year=2024)) == pytest.approx(math.sqrt(113))
        for label in labels[:-1]:
            assert relative(result, label) == pytest.approx(math.hypot(0.1, 0.05))


def test_purchased_electricity_is_another_scope() -> None:
    rows = [Row("coal", [60.0]), Row("power", [100.0], {"grid_factor": (0.5, "grid")}, scope=2)]
    both = stated({"term": "grid_factor", "half_width": 0.1}, COAL)
    result = propagate(inventory(rows), both, scope="location_based")
    assert float(result.dataset["emissions_co2e"].sel(group="total", year=2024)) == 50.0
    assert relative(result) == pytest.approx(0.1)
    assert relative(propagate(inventory(rows), both)) == pytest.approx(0.05)


def covered_inventory() -> object:
    gases = {"CO2": {"emission_factor": 1.0}, "CH4": {"gas_factor": 0.1}}
    data = inventory([Row("coal", [10.0], gases=gases), Row("oil", [5.0], factor="oil")])
    data["component_covered"] = ("component", data["component_gas"].values == "CO2")
    data["stream_covered"] = (("stream", "year"), [[True], [False]])
    data["market_gwp"] = data["gwp"]
    data["stream_covered_emissions"] = (("stream", "year"), [[10.0], [0.0]])
    data["covered_emissions"] = (("facility", "year"), [[10.0]])
    return data


def test_covered_emissions_leave_out_other_gases_and_streams() -> None:
    result = propagate(covered_inventory(), stated(COAL), scope="covered", by="facility")  # type: ignore[arg-type]
    assert float(result.dataset["emissions_co2e"].sel(group="total", year=2024)) == 10.0
    assert float(result.dataset["half_width"].sel(group="works", year=2024)) == pytest.approx(0.5)


# Trends

TWO_YEARS = [Row("coal", [60.0, 30.0], {"emission_factor": (1.0, "coal")}), Row("gas", [40.0, 60.0])]


def test_a_factor_that_holds_in_both_years_moves_the_trend_by_its_type_a_sensitivity() -> None:
    # T = 100 -> 90. A 10 % higher coal factor adds 3 t to the last year and 6 t to the base year:
    # (3 - 0.9 x 6) / 100 = -0.024, so the trend of -10 % is known to 2.4 points.
    result = propagate(inventory(TWO_YEARS), stated({"term": "emission_factor", "factor": "coal", "half_width": 0.1}))
    at = result.trend().set_index("group").loc["total"]
    assert at["trend"] == pytest.approx(-0.1)
    assert at["trend_half_width"] == pytest.approx(0.024, rel=1e-12)
    # In tonnes: 3 t - 6 t of the change of -10 t.
    assert at["change_low"] == pytest.approx(-13.0)
    assert at["change_high"] == pytest.approx(-7.0)


def test_a_factor_that_does_not_hold_moves_each_year_alone() -> None:
    # sqrt(3^2 + (0.9 x 6)^2) / 100 = sqrt(9 + 29.16) / 100 = 0.0617738.
    rows = stated({"term": "emission_factor", "factor": "coal", "half_width": 0.1, "years_correlated": "no"})
    at = propagate(inventory(TWO_YEARS), rows).trend().set_index("group").loc["total"]
    assert at["trend_half_width"] == pytest.approx(0.0617738, rel=1e-6)


def test_quantities_are_drawn_anew_each_year_unless_stated() -> None:
    rows = stated({"term": "quantity", "stream": "coal", "half_width": 0.1})
    at = propagate(inventory(TWO_YEARS), rows).trend().set_index("group").loc["total"]
    assert at["trend_half_width"] == pytest.approx(0.0617738, rel=1e-6)
    rows = stated({"term": "quantity", "stream": "coal", "half_width": 0.1, "years_correlated": "yes"})
    at = propagate(inventory(TWO_YEARS), rows).trend().set_index("group").loc["total"]
    assert at["trend_half_width"] == pytest.approx(0.024, rel=1e-12)


def test_a_fully_correlated_error_of_everything_leaves_the_trend_exact() -> None:
    rows = [Row("coal", [60.0, 30.0], {"emission_factor": (1.0, "coal")})]
    result = propagate(inventory(rows), stated({"term": "emission_factor", "half_width": 0.3}))
    assert float(result.dataset["trend_half_width"].sel(group="total")) == pytest.approx(0.0, abs=1e-15)
    assert relative(result, year=2025) == pytest.approx(0.3)


def test_the_columns_of_the_guidelines_table_are_there() -> None:
    # Table 3.2, columns I and J with C = (60, 40), D = (30, 60):
    # A of coal = 100 x ((90 + 0.3) / (100 + 0.6) - 0.9) = -0.2385686, B = 30 / 100;
    # A of gas = 100 x ((90 + 0.6) / (100 + 0.4) - 0.9) = +0.2390438, B = 60 / 100.
    result = propagate(inventory(TWO_YEARS), stated({"term": "quantity", "half_width": 0.1}))
    np.testing.assert_allclose(result.dataset["type_a"], [-0.2385686, 0.2390438], atol=1e-7)
    np.testing.assert_allclose(result.dataset["type_b"], [0.3, 0.6])


def test_the_trend_may_begin_in_a_later_year_and_one_year_has_none() -> None:
    rows = [Row("coal", [60.0, 50.0, 40.0])]
    result = propagate(inventory(rows), stated(COAL), base_year=2025)
    assert float(result.dataset["trend"].sel(group="total")) == pytest.approx(-0.2)
    assert "trend" not in propagate(inventory([Row("coal", [60.0])]), stated(COAL)).dataset


def months(terms: dict[str, float] | None = None) -> list[Row]:
    return [Row("coal", [10.0, 20.0], terms or {"emission_factor": 1.0}, month=month) for month in range(1, 13)]


def test_the_months_of_a_year_share_the_error_of_their_meter() -> None:
    # Twelve months of 10 t with 5 % each are a year of 120 t with 5 %: one meter, in one row or twelve.
    assert relative(propagate(inventory(months()), stated(COAL))) == pytest.approx(0.05, rel=1e-12)
    yearly = propagate(inventory([Row("coal", [120.0, 240.0])]), stated(COAL)).dataset
    monthly = propagate(inventory(months()), stated(COAL)).dataset
    for name in ("half_width", "trend_half_width", "change_half_width"):
        assert float(monthly[name].sel(group="total").max()) == pytest.approx(
            float(yearly[name].sel(group="total").max()), rel=1e-12
        )
    assert monthly["source"].values.tolist() == yearly["source"].values.tolist()


def test_months_with_meters_of_their_own_have_streams_of_their_own() -> None:
    # 5 % / sqrt(12) = 1.4433757 %.
    rows = [Row(f"coal_{month}", [10.0]) for month in range(1, 13)]
    table = stated({"term": "quantity", "half_width": 0.05})
    assert relative(propagate(inventory(rows), table)) == pytest.approx(0.014433757, rel=1e-7)


def test_monthly_analyses_are_one_error_unless_the_row_says_otherwise() -> None:
    # One laboratory: 5 % of everything; analyses drawn apart: 5 % / sqrt(12) = 1.4433757 %.
    measured = inventory(months({"net_calorific_value": 2.0}))
    row = {"term": "net_calorific_value", "half_width": 0.05}
    assert relative(propagate(measured, stated(row))) == pytest.approx(0.05, rel=1e-12)
    apart = propagate(measured, stated({**row, "years_correlated": "no"}))
    assert relative(apart) == pytest.approx(0.014433757, rel=1e-7)


def test_months_of_one_meter_with_two_statements_are_refused_with_the_remedy() -> None:
    rows = [Row("coal", [10.0], month=1, factor="guides:coal"), Row("coal", [10.0], month=2, factor="guides:coke")]
    table = [{"term": "quantity", "factor": name, "half_width": size} for name, size in (("coal", 0.1), ("coke", 0.2))]
    with pytest.raises(InputError) as caught:
        propagate(inventory(rows), stated(*table))
    assert "name the facility and the stream in one row" in caught.value.text()
    settled = {"term": "quantity", "stream": "coal", "half_width": 0.15}
    rows.append(Row("gas", [0.0], month=0, factor="guides:coal"))
    rows.append(Row("oil", [0.0], month=0, factor="guides:coke"))
    assert relative(propagate(inventory(rows), stated(*table, settled))) == pytest.approx(0.15)


# Contributions and what is not stated


def test_contributions_add_up_to_one_and_the_largest_comes_first() -> None:
    # 3 t and 4 t: 9 / 25 and 16 / 25.
    result = propagate(inventory([Row("coal", [60.0]), Row("gas", [40.0])]), stated(COAL, GAS))
    frame = result.contributions()
    assert frame["source"].tolist() == ["works/gas: quantity [2024]", "works/coal: quantity [2024]"]
    assert frame["contribution"].tolist() == pytest.approx([0.64, 0.36])
    short = result.contributions(top=1)
    assert short["source"].tolist() == ["works/gas: quantity [2024]", "rest"]
    assert short["contribution"].sum() == pytest.approx(1.0)


def test_contributions_to_the_trend_are_their_own() -> None:
    # A factor of everything is in the level only: 10 % of 100 t against 6 t of the quantity.
    rows = [Row("coal", [100.0, 100.0], {"emission_factor": (1.0, "coal")})]
    result = propagate(
        inventory(rows),
        stated({"term": "emission_factor", "half_width": 0.1}, {"term": "quantity", "half_width": 0.06}),
    )
    assert result.contributions().iloc[0]["source"] == "coal"
    assert result.contributions()["contribution"].tolist() == pytest.approx([100 / 136, 36 / 136])
    assert set(result.contributions(of="trend")["source"]) == {
        "works/coal: quantity [2024]",
        "works/coal: quantity [2025]",
    }


def test_tonnes_without_a_statement_are_told_and_never_taken_as_exact() -> None:
    rows = [Row("coal", [60.0]), Row("gas", [40.0])]
    result = propagate(inventory(rows), stated(COAL, {"term": "emission_factor", "stream": "coal", "half_width": 0.1}))
    assert float(result.dataset["unstated_share"].sel(group="total", year=2024)) == pytest.approx(0.4)
    frame = result.unstated()
    assert frame[["stream", "share", "stated", "missing"]].to_numpy().tolist() == [
        ["works/gas", 0.4, "none", "emission_factor, quantity"]
    ]
    assert "40.00 % of tonnes carry no stated uncertainty" in repr(result)
    assert "40.00 % 的排放量未给出不确定度" in result.text("zh")
    partly = propagate(inventory(rows), stated({"term": "quantity", "half_width": 0.05}))
    assert float(partly.dataset["partly_stated_share"].sel(group="total", year=2024)) == 1.0


def test_missing_terms_are_named_stream_by_stream_and_year_by_year() -> None:
    gases = {"CO2": {"oxidation": 0.9, "carbon_content": 1.0}, "CH4": {"gas_factor": 0.1, "carbon_content": 1.0}}
    rows = [Row("coal", [10.0, 0.0], gases=gases), Row("gas", [5.0, 5.0]), Row("oil", [5.0, 5.0])]
    table = stated({**COAL, "stream": "gas"}, {"term": "emission_factor", "stream": "gas", "half_width": 0.1})
    missing = propagate(inventory(rows), table).dataset["missing"]
    assert missing.values.tolist() == [
        ["carbon_content, gas_factor, oxidation, quantity", ""],  # nothing was burnt in 2025
        ["", ""],
        ["emission_factor, quantity", "emission_factor, quantity"],
    ]


def test_the_point_estimate_is_the_inventory_to_the_last_bit() -> None:
    data = inventory([Row("coal", [0.1 + 0.2]), Row("gas", [1 / 3])])
    for approach in ("approach_1", "monte_carlo"):
        result = propagate(data, stated(COAL), approach=approach, seed=1, draws=100)  # type: ignore[arg-type]
        assert float(result.dataset["emissions_co2e"].sel(group="firm", year=2024)) == float(
            data["emissions_co2e"][0, 0]
        )


def test_large_errors_advise_the_other_approach() -> None:
    rows = stated({"term": "quantity", "half_width": 1.0, "distribution": "lognormal"})
    assert "prefer monte_carlo" in repr(propagate(inventory([Row("coal", [60.0])]), rows))


def test_an_inventory_that_was_built_is_propagated() -> None:
    # Steel: 1,000 t of limestone at 0.440 t/t is 440 t, 500 t of dolomite at 0.476 t/t is 238 t (source
    # cets-ag-03-steel-2024). 5 % of each amount and 10 % of the limestone's factor:
    # sqrt(22^2 + 44^2 + 11.9^2) = sqrt(2561.61) = 50.612350 t of 678 t.
    rows = [
        {"stream": "stone", "method": "carbonate", "factor": "cets2024_limestone", "quantity": 1000.0},
        {"stream": "dolomite", "method": "carbonate", "factor": "cets2024_dolomite", "quantity": 500.0},
    ]
    data = build_inventory(one_site("steel", "ironmaking", rows))
    table = stated(
        {"term": "quantity", "half_width": 0.05},
        {"term": "emission_factor", "factor": "cets2024_limestone", "half_width": 0.1},
    )
    at = propagate(data, table).dataset.sel(group="total").isel(year=0)
    assert float(at["emissions_co2e"]) == pytest.approx(678.0)
    assert float(at["half_width"]) == pytest.approx(50.612350, rel=1e-7)
    assert float(at["partly_stated_share"]) == pytest.approx(238.0 / 678.0)
