"""The inventory of small sites by hand: dimensions, boundaries, projections, refusals."""

import numpy as np
import pytest
from accounting_builders import one_site, scenario

from carbonsim.accounting import build_inventory
from carbonsim.errors import AlignmentError, InputError, ParameterError

STEEL_ROWS = [
    {"stream": "coke", "method": "combustion", "factor": "coke", "quantity": 1000},
    {"stream": "dolomite", "method": "carbonate", "factor": "cets2024_dolomite", "quantity": 100},
    {"stream": "gas_out", "method": "product_output", "factor": "bf_gas", "quantity": 10, "unit": "1e4_Nm3"},
    {"stream": "iron", "method": "output", "quantity": 2000},
    {"stream": "grid", "method": "electricity_purchased", "quantity": 100, "unit": "MWh"},
]
# Table A.1: coke 28.435 x 0.02942 x 44/12 = 3.067378966...; 1000 t: 3067.378967
COKE = 1000 * 28.435 * 0.02942 * 44 / 12
GAS = 10 * 33.0 * 0.0708 * 44 / 12  # 85.668
DOLOMITE = 47.6


def test_steel_site_counts_fuel_carbonate_and_gas_out_but_not_electricity() -> None:
    inventory = build_inventory(one_site("steel", "ironmaking", STEEL_ROWS))
    assert float(inventory.emissions_co2e.sel(enterprise="e", year=2024)) == pytest.approx(COKE + DOLOMITE - GAS)
    assert float(inventory.covered_emissions.sel(facility="f", year=2024)) == pytest.approx(COKE + DOLOMITE - GAS)
    assert float(inventory.scope2_location.sel(enterprise="e", year=2024)) == pytest.approx(50.0)  # 100 MWh x 0.5


def test_steel_key_emissions_are_net_fuel_carbon_only() -> None:
    # Formula (2) has fuels in and fuels out; carbonates belong to "other" (formula 4).
    inventory = build_inventory(one_site("steel", "ironmaking", STEEL_ROWS))
    assert float(inventory.key_emissions.sel(facility="f", year=2024)) == pytest.approx(COKE - GAS)
    assert float(inventory.key_output.sel(facility="f", year=2024)) == 2000


def test_purchased_electricity_is_covered_where_the_boundary_says_so() -> None:
    coverage = [{"sector": "power", "boundary": "direct_and_electricity"}]
    rows = [{"method": "electricity_purchased", "quantity": 100, "unit": "MWh"}]
    inventory = build_inventory(one_site("power", "power_unit", rows, coverage=coverage))
    assert float(inventory.covered_emissions.sel(facility="f", year=2024)) == pytest.approx(50.0)
    assert float(inventory.emissions_co2e.sel(enterprise="e", year=2024)) == 0.0


def test_aluminium_fluorocarbons_count_with_ar5_only_if_the_gases_are_covered() -> None:
    # 1000 t: anodes 1470.832 tCO2; CF4 0.034 t x 6630 = 225.42; C2F6 0.0034 t x 11100 = 37.74 (guideline defaults)
    rows = [
        {"method": "anode", "quantity": 1000},
        {"method": "pfc", "quantity": 1000},
    ]
    narrow = build_inventory(one_site("aluminium", "potline", rows))
    wide = build_inventory(
        one_site("aluminium", "potline", rows, coverage=[{"sector": "aluminium", "gases": "CO2;CF4;C2F6"}])
    )
    assert float(wide.covered_emissions.sum()) == pytest.approx(1470.832 + 225.42 + 37.74, rel=1e-9)
    assert float(narrow.covered_emissions.sum()) == pytest.approx(1470.832, rel=1e-9)
    assert float(narrow.emissions_co2e.sum()) == pytest.approx(1733.992, rel=1e-9)
    assert float(wide.emissions.sel(gas="CF4").sum()) == pytest.approx(0.034, rel=1e-9)


def test_gases_times_potentials_sum_to_co2e_and_the_set_is_named() -> None:
    rows = [{"method": "anode", "quantity": 10}, {"method": "pfc", "quantity": 1000}]
    inventory = build_inventory(one_site("aluminium", "potline", rows), gwp_set="AR6")
    # AR6: CF4 7380, C2F6 12400
    expected = 14.70832 + 0.034 * 7380 + 0.0034 * 12400
    assert float(inventory.emissions_co2e.sum()) == pytest.approx(expected, rel=1e-9)
    assert inventory.attrs["gwp_set"] == "AR6"


def test_cement_covers_the_clinker_line_and_not_the_mill() -> None:
    study = scenario(
        enterprises=[{"enterprise": "c", "sector": "cement"}],
        facilities=[
            {"facility": "line", "enterprise": "c", "process": "clinker_line"},
            {"facility": "mill", "enterprise": "c", "process": "grinding"},
        ],
        activity=[
            {"facility": "line", "stream": "clinker", "method": "clinker", "factor": "cets2024_clinker_portland",
             "quantity": 1000},
            {"facility": "line", "stream": "slag", "method": "deduction",
             "factor": "cets2024_deduct_vanadium_titanium_slag", "quantity": 40},
            {"facility": "line", "stream": "out", "method": "output", "quantity": 1000},
            {"facility": "mill", "stream": "diesel", "method": "combustion", "factor": "diesel", "quantity": 1},
            {"facility": "mill", "stream": "cement", "method": "output", "quantity": 1400},
        ],
    )  # fmt: skip
    inventory = build_inventory(study)
    covered = inventory.covered_emissions.sel(year=2024)
    assert float(covered.sel(facility="line")) == pytest.approx(535 - 40 * 0.305)  # 522.8
    assert float(covered.sel(facility="mill")) == 0.0
    assert float(inventory.emissions_co2e.sum()) > 522.8  # the inventory holds the diesel
    assert inventory.key_output.sel(year=2024).values.tolist() == [1000.0, 0.0]


def test_a_block_row_of_a_listed_sector_is_covered_whole() -> None:
    study = scenario(
        enterprises=[{"enterprise": "rest", "sector": "cement", "kind": "block", "entities": 900}],
        facilities=[{"facility": "rest", "enterprise": "rest", "process": "block"}],
        activity=[{"facility": "rest", "stream": "r", "method": "reported", "quantity": 1e6, "unit": "tCO2e"}],
    )
    inventory = build_inventory(study)
    assert float(inventory.covered_emissions.sum()) == 1e6
    assert float(inventory.key_emissions.sum()) == 1e6


def test_stand_alone_electric_steel_is_outside_the_market() -> None:
    rows = [{"method": "carbonate", "factor": "cets2024_electrode", "quantity": 10}]
    alone = build_inventory(one_site("steel", "electric_furnace", rows))
    assert float(alone.emissions_co2e.sum()) == pytest.approx(36.63)  # table A.2: electrode 3.663
    assert float(alone.covered_emissions.sum()) == 0.0


def test_stated_key_emissions_replace_the_sum_of_streams() -> None:
    rows = [
        {"method": "reported", "quantity": 60_000, "unit": "tCO2e"},
        {"method": "reported_key", "quantity": 40_000, "unit": "tCO2e"},
        {"method": "output", "quantity": 30_000},
        {"method": "key_output", "quantity": 28_000},
    ]
    inventory = build_inventory(one_site("steel", "steelworks", rows))
    assert float(inventory.covered_emissions.sum()) == 60_000
    assert float(inventory.key_emissions.sum()) == 40_000
    assert float(inventory.key_output.sum()) == 28_000


def test_activity_follows_the_output_index_and_the_grid_its_outlook() -> None:
    study = one_site(
        "steel", "ironmaking", STEEL_ROWS, years=(2024, 2025),
        output_index={"steel": {2024: 1.0, 2025: 0.5}}, grid_factor={2024: 0.5, 2025: 0.4},
    )  # fmt: skip
    inventory = build_inventory(study)
    assert float(inventory.emissions_co2e.sel(year=2025).sum()) == pytest.approx((COKE + DOLOMITE - GAS) / 2)
    assert float(inventory.scope2_location.sel(year=2025).sum()) == pytest.approx(50 * 0.4)


def test_a_row_of_its_own_year_replaces_the_projection() -> None:
    rows = [
        {"stream": "coke", "method": "combustion", "factor": "coke", "quantity": 1000},
        {"stream": "coke", "year": 2025, "method": "combustion", "factor": "coke", "quantity": 10},
        {"stream": "coke", "year": 2020, "method": "combustion", "factor": "coke", "quantity": 9999},
    ]
    study = one_site("steel", "ironmaking", rows, years=(2024, 2025, 2026), output_index={"steel": {2024: 1, 2025: 3}})
    activity = build_inventory(study).activity.sel(stream="f/coke").values
    np.testing.assert_allclose(activity, [1000, 10, 3000])


def test_a_stream_without_base_year_row_is_refused() -> None:
    rows = [{"stream": "new", "year": 2025, "method": "output", "quantity": 1}]
    with pytest.raises(InputError, match=r"f/new.*2024.*quantity is 0"):
        build_inventory(one_site("steel", "ironmaking", rows, years=(2024, 2025)))


def test_units_are_converted_to_that_of_the_factor() -> None:
    rows = [
        {"method": "combustion", "factor": "coke", "quantity": 0.1, "unit": "万吨"},
        {"method": "electricity_purchased", "quantity": 0.1, "unit": "GWh"},
    ]
    inventory = build_inventory(one_site("steel", "ironmaking", rows))
    assert float(inventory.emissions_co2e.sum()) == pytest.approx(COKE)
    assert float(inventory.scope2_location.sum()) == pytest.approx(50.0)


def test_a_unit_of_another_kind_is_refused_with_its_row() -> None:
    rows = [{"method": "combustion", "factor": "natural_gas", "quantity": 1, "unit": "t"}]
    with pytest.raises(InputError, match=r"column unit: f/s0.*measure different things"):
        build_inventory(one_site("steel", "ironmaking", rows))


@pytest.mark.parametrize(
    ("sector", "row", "expected"),
    [
        ("power", {"method": "combustion", "factor": "bituminous"}, "Give net_calorific_value and carbon_content"),
        ("power", {"method": "combustion", "factor": "coal_unmeasured_carbon"}, r"net_calorific_value .* is empty"),
        ("power", {"method": "carbonate", "factor": "cets2024_limestone"}, "no process factor"),
        ("steel", {"method": "combustion", "factor": "bitumnous"}, "Did you mean 'bituminous'"),
        ("steel", {"method": "carbonate", "factor": "gbt32151_dolomite"}, "Use a factor of cets_steel_2024"),
        ("steel", {"method": "combustion", "factor": "coke", "oxidation": 0.9}, "without an oxidation rate"),
        ("vanadium_titanium", {"method": "material_input", "factor": "sulfate_tio2"}, "listed without a value"),
        ("vanadium_titanium", {"method": "material_input", "factor": "nothing_like_it"}, "is not known"),
        ("steel", {"method": "reported", "factor": "coke", "unit": "tCO2e"}, "takes no factor"),
        (
            "steel",
            {"method": "electricity_purchased", "factor": "grid_2023_sichuam", "unit": "MWh"},
            "grid_2023_sichuan",
        ),
    ],
)
def test_a_missing_factor_is_refused_with_what_to_supply(sector: str, row: dict[str, object], expected: str) -> None:
    with pytest.raises(InputError, match=expected) as caught:
        build_inventory(one_site(sector, "ironmaking", [{"quantity": 1, **row}]))
    assert "f/s0" in str(caught.value)


def test_all_factor_problems_come_at_once() -> None:
    rows = [
        {"method": "combustion", "factor": "nonsense", "quantity": 1},
        {"method": "carbonate", "factor": "also_nonsense", "quantity": 1},
    ]
    with pytest.raises(InputError) as caught:
        build_inventory(one_site("steel", "ironmaking", rows))
    assert len(caught.value.issues) == 2


def test_measured_coal_in_power_uses_the_state_oxidation() -> None:
    # Power guide: solid fuels 99 %. Measured 20 GJ/t, 26 tC/TJ: 1000 x 20 x 0.026 x 0.99 x 44/12 = 1887.6
    row = {
        "method": "combustion",
        "factor": "bituminous",
        "quantity": 1000,
        "net_calorific_value": 20,
        "carbon_content": 26,
    }
    inventory = build_inventory(one_site("power", "power_unit", [row]))
    assert float(inventory.emissions_co2e.sum()) == pytest.approx(1887.6)
    assert inventory.factor.values.tolist() == ["measured:bituminous"]
    assert inventory.factor_source.values.tolist() == ["made-up"]


def test_a_fuel_table_used_by_analogy_is_an_assumption() -> None:
    row = {"method": "combustion", "factor": "bituminous", "quantity": 1}
    cement = build_inventory(one_site("cement", "clinker_line", [row]))
    steel = build_inventory(one_site("steel", "ironmaking", [row]))
    assert cement.factor_basis.values.tolist() == ["assumption"]
    assert steel.factor_basis.values.tolist() == ["law"]


def test_reporting_sectors_use_the_legacy_table_with_oxidation() -> None:
    # Legacy table: bituminous 23.204 GJ/t, 26.18 tC/TJ, 93 %: 23.204 x 0.02618 x 0.93 x 44/12 = 2.0715 tCO2/t
    row = {"method": "combustion", "factor": "bituminous", "quantity": 100}
    inventory = build_inventory(one_site("chemicals", "boiler", [row]))
    assert float(inventory.emissions_co2e.sum()) == pytest.approx(100 * 23.204 * 0.02618 * 0.93 * 44 / 12)


def test_reporting_sectors_deduct_exports_and_listed_ones_do_not() -> None:
    rows = [
        {"stream": "in", "method": "electricity_purchased", "quantity": 100, "unit": "MWh"},
        {"stream": "out", "method": "electricity_exported", "quantity": 40, "unit": "MWh"},
    ]
    assert float(build_inventory(one_site("chemicals", "plant", rows)).scope2_location.sum()) == pytest.approx(30.0)
    assert float(build_inventory(one_site("steel", "ironmaking", rows)).scope2_location.sum()) == pytest.approx(50.0)


def test_more_carbon_out_than_in_is_refused() -> None:
    rows = [{"method": "product_output", "factor": "cets2024_crude_steel_out", "quantity": 1000}]
    with pytest.raises(InputError, match="more carbon leaves"):
        build_inventory(one_site("steel", "steelmaking", rows))


@pytest.mark.parametrize("quantity", [-1.0, float("nan"), float("inf")])
def test_a_quantity_that_is_no_amount_is_refused(quantity: float) -> None:
    with pytest.raises(InputError, match="f/s0"):
        build_inventory(one_site("steel", "x", [{"method": "output", "quantity": quantity}]))


def test_two_rows_of_one_stream_and_year_are_refused() -> None:
    row = {"stream": "coke", "method": "combustion", "factor": "coke", "quantity": 1}
    with pytest.raises(InputError, match="more than one row for f/coke 2024"):
        build_inventory(one_site("steel", "x", [row, row]))


def test_a_facility_without_its_enterprise_is_refused() -> None:
    with pytest.raises(AlignmentError, match="ghost"):
        build_inventory(
            scenario(
                enterprises=[{"enterprise": "e", "sector": "steel"}],
                facilities=[{"facility": "f", "enterprise": "ghost"}],
                activity=[],
            )
        )


def test_a_sector_without_outlook_stops_the_projection() -> None:
    rows = [{"method": "output", "quantity": 1}]
    with pytest.raises(ParameterError, match="steel"):
        build_inventory(one_site("steel", "x", rows, years=(2024, 2025), output_index={"power": {2024: 1.0}}))


def test_pollutants_are_a_mask_where_no_factor_is_known() -> None:
    # CEC 2022 averages: SO2 0.083, NOx 0.133, PM 0.017 g/kWh; 1000 MWh with another 50 % of SO2 removed.
    rows = [{"method": "output", "quantity": 1000, "unit": "MWh", "control_so2": 0.5}]
    study = scenario(
        enterprises=[{"enterprise": "p", "sector": "power"}, {"enterprise": "s", "sector": "steel"}],
        facilities=[
            {"facility": "f", "enterprise": "p", "process": "power_unit", "product": "electricity",
             "output_unit": "MWh"},
            {"facility": "g", "enterprise": "s", "process": "rolling"},
        ],
        activity=[{"facility": "f", "stream": "out", **rows[0]}],
    )  # fmt: skip
    inventory = build_inventory(study)
    tonnes = inventory.pollutant_emissions.sel(enterprise="p", year=2024)
    np.testing.assert_allclose(tonnes.sel(pollutant=["SO2", "NOx", "PM"]).values, [0.0415, 0.133, 0.017])
    assert inventory.pollutant_available.sel(enterprise="p").values.all()
    assert not inventory.pollutant_available.sel(enterprise="s").values.any()
    assert inventory.attrs["unmatched_control"] == ""


def test_a_control_efficiency_without_a_factor_is_named() -> None:
    rows = [{"method": "combustion", "factor": "coke", "quantity": 1, "control_so2": 0.9}]
    assert build_inventory(one_site("steel", "ironmaking", rows)).attrs["unmatched_control"] == "f"


def test_titanium_dioxide_pollutants_follow_the_route() -> None:
    # EMEP/EEA 2019 Tier 2: chloride NOx 0.1 kg/t, sulfate 0.108 kg/t
    study = scenario(
        enterprises=[{"enterprise": name, "sector": "vanadium_titanium"} for name in ("a", "b")],
        facilities=[
            {"facility": "a", "enterprise": "a", "process": "tio2_chloride"},
            {"facility": "b", "enterprise": "b", "process": "tio2_sulfate"},
        ],
        activity=[{"facility": name, "stream": "out", "method": "output", "quantity": 10_000} for name in ("a", "b")],
    )
    tonnes = build_inventory(study).pollutant_emissions.sel(pollutant="NOx", year=2024)
    np.testing.assert_allclose(tonnes.values, [1.0, 1.08])


def test_a_power_factor_is_not_put_on_a_unit_that_makes_no_electricity() -> None:
    rows = [{"method": "output", "quantity": 1000, "unit": "t"}]
    inventory = build_inventory(one_site("power", "power_unit", rows))
    assert not inventory.pollutant_available.values.any()


def test_a_factor_of_the_other_direction_is_refused() -> None:
    rows = [{"method": "material_input", "factor": "cets2024_crude_steel_out", "quantity": 1}]
    with pytest.raises(InputError, match="does the opposite"):
        build_inventory(one_site("steel", "steelmaking", rows))
