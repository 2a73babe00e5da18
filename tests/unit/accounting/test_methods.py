"""Every accounting method against arithmetic done by hand; each comment holds the numbers and where they come from."""

from typing import Any

import pytest
from accounting_builders import one_site

from carbonsim.accounting import build_inventory
from carbonsim.accounting.core import accounting_methods
from carbonsim.accounting.formula import Component, Recipe, component_emissions
from carbonsim.accounting.lookup import Ask, FactorFinder
from carbonsim.accounting.rounding import round_half_up
from carbonsim.errors import InputError
from carbonsim.inputs.columns import METHODS
from carbonsim.inputs.terms import TERMS

COLUMNS = ("net_calorific_value", "carbon_content", "oxidation", "gas_factor")


def emitted(method: str, quantity: float, factor: str = "", unit: str = "t", **more: Any) -> dict[str, float]:
    """Tonnes of each gas of one row; terms are those of the formulas, ``sector`` is chemicals unless named."""
    sector, process = more.pop("sector", "chemicals"), more.pop("process", "plant")
    own = {name: more.pop(name) for name in list(more) if name in TERMS and name not in COLUMNS}
    terms = [{"facility": "f", "stream": "s0", "term": name, "value": value} for name, value in own.items()]
    row = {"method": method, "factor": factor, "quantity": quantity, "unit": unit, **more}
    inventory = build_inventory(one_site(sector, process, [row], terms=terms))
    by_gas = inventory.stream_emissions.isel(stream=0, year=0)
    # The terms that the inventory keeps give the same tonnes as its totals.
    assert component_emissions(inventory).sum() == pytest.approx(float(by_gas.sum()), rel=1e-12)
    return {str(gas): float(by_gas.sel(gas=gas)) for gas in by_gas.gas.values if float(by_gas.sel(gas=gas))}


def only(gas: str, tonnes: float) -> object:
    return pytest.approx({gas: tonnes}, rel=1e-9)


def test_every_method_of_the_tables_is_registered_and_no_other() -> None:
    assert set(accounting_methods) == set(METHODS)
    for name in accounting_methods:
        assert accounting_methods.get(name).declares.keys() == {"category", "scope"}


def test_a_method_can_be_added_from_outside() -> None:
    @accounting_methods.register("vented", category="fugitive", scope=1)
    def vented(find: FactorFinder, ask: Ask) -> Recipe:
        """Gas let out on purpose, in tonnes of methane."""
        return Recipe("t", (Component("CH4"),))

    try:
        # 2 t as 2000 kg; AR5: 28 tCO2e/t
        row = {"method": "vented", "quantity": 2000, "unit": "kg"}
        inventory = build_inventory(one_site("chemicals", "plant", [row]))
        assert float(inventory.emissions_co2e.sum()) == pytest.approx(56.0, rel=1e-12)
    finally:
        accounting_methods.unregister("vented")


def test_bituminous_coal_burns_without_oxidation_in_a_steel_mass_balance() -> None:
    # CETS-AG-03 table A.1: 23.736 GJ/t, 26.18 tC/TJ. 1000 x 23.736 x 26.18 / 1000 x 44/12 = 2278.49776
    assert emitted("combustion", 1000, "bituminous", sector="steel") == only("CO2", 2278.49776)


def test_oxidation_takes_off_its_share_in_reporting_sectors() -> None:
    # Legacy guides: 23.204 GJ/t, 26.18 tC/TJ, 93 %. 1000 x 607.48072 / 1000 x 0.93 x 44/12 = 2071.5092552
    assert emitted("combustion", 1000, "bituminous") == only("CO2", 2071.5092552)


def test_natural_gas_per_ten_thousand_cubic_metres() -> None:
    # Legacy guides: 389.31 GJ/1e4 Nm3, 15.3 tC/TJ, 99 %. 10 x 389.31 x 15.3 / 1000 x 0.99 x 44/12 = 216.2188...
    expected = 10 * 389.31 * 15.3 / 1000 * 0.99 * 44 / 12
    assert emitted("combustion", 10, "natural_gas", "1e4_Nm3") == only("CO2", expected)


def test_methane_and_nitrous_oxide_need_a_named_factor_and_burn_per_heat() -> None:
    # IPCC 2006 vol. 2 table 2.3, coal in industry: 10 kg CH4/TJ, 1.5 kg N2O/TJ. 1000 t x 23.204 GJ = 23.204 TJ:
    # 0.23204 t CH4, 0.034806 t N2O
    found = emitted("combustion", 1000, "bituminous", gas_factor="ipcc2006_coal_industry")
    assert found["CH4"] == pytest.approx(0.23204, rel=1e-9)
    assert found["N2O"] == pytest.approx(0.034806, rel=1e-9)
    assert found["CO2"] == pytest.approx(2071.5092552, rel=1e-9)


def test_a_biogenic_share_counts_with_evidence_only() -> None:
    # 2071.5092552 t of carbon dioxide, 30 % of its carbon biogenic: 1450.05647864 fossil, 621.45277656 beside it
    found = emitted("combustion", 1000, "bituminous", biogenic_fraction=0.3, evidence="test report")
    assert found == pytest.approx({"CO2": 1450.05647864, "CO2 biogenic": 621.45277656}, rel=1e-9)
    assert emitted("combustion", 1000, "bituminous", biogenic_fraction=0.3) == only("CO2", 2071.5092552)


def test_biogenic_carbon_is_in_no_total() -> None:
    terms = [{"facility": "f", "stream": "s0", "term": "biogenic_fraction", "value": 1.0, "evidence": "contract"}]
    row = {"method": "combustion", "factor": "bituminous", "quantity": 1000}
    inventory = build_inventory(one_site("chemicals", "boiler", [row], terms=terms))
    assert float(inventory.emissions_co2e.sum()) == 0
    assert float(inventory.emissions.sel(gas="CO2 biogenic").sum()) == pytest.approx(2071.5092552, rel=1e-9)


def test_fuel_that_leaves_takes_its_carbon_along() -> None:
    # Table A.1, blast furnace gas: 33 GJ/1e4 Nm3, 70.8 tC/TJ. -10 x 33 x 70.8 / 1000 x 44/12 = -85.668
    inventory = build_inventory(
        one_site(
            "steel",
            "ironmaking",
            [
                {"method": "combustion", "factor": "coke", "quantity": 1000},
                {"method": "product_output", "factor": "bf_gas", "quantity": 10, "unit": "1e4_Nm3"},
            ],
        )
    )
    assert float(inventory.stream_emissions_co2e.isel(stream=1, year=0)) == pytest.approx(-85.668, rel=1e-9)


def test_steel_dolomite_is_0_476() -> None:
    # Table A.2: 250 t x 0.476 = 119
    assert emitted("carbonate", 250, "cets2024_dolomite", sector="steel") == only("CO2", 119.0)


def test_purity_and_calcined_share_scale_a_carbonate() -> None:
    # IPCC 2006 vol. 3 table 2.1, CaCO3 0.43971. 100 t x 92 % pure x 0.43971 x 95 % calcined = 38.430654
    found = emitted("carbonate", 100, "ipcc_caco3", content=0.92, conversion=0.95)
    assert found == only("CO2", 38.430654)


def test_soda_ash_that_neutralises_acid_counts_as_process_emissions() -> None:
    # IPCC table 2.1, Na2CO3 0.41492. 200 t x 0.41492 = 82.984
    assert emitted("carbonate", 200, "ipcc_na2co3", sector="vanadium_titanium") == only("CO2", 82.984)


def test_lime_and_clinker_oxides_by_output() -> None:
    # IPCC 2006 vol. 3, high-calcium lime 0.75 tCO2/t: 1000 t -> 750. GB/T 32151.8: CaO 0.785, 1000 t at 65 %: 510.25
    assert emitted("carbonate_output", 1000, "ipcc_quicklime") == only("CO2", 750.0)
    assert emitted("carbonate_output", 1000, "stoich_cao", content=0.65) == only("CO2", 510.25)


def test_carbon_of_a_product_by_table_and_as_measured() -> None:
    # Crude steel 0.037 tCO2/t (table A.2). Calcium carbide as measured, 0.31 tC/t: 100 x 0.31 x 44/12 = 113.6667
    steel = [
        {"method": "combustion", "factor": "coke", "quantity": 1000},
        {"method": "product_output", "factor": "cets2024_crude_steel_out", "quantity": 1000},
    ]
    inventory = build_inventory(one_site("steel", "steelmaking", steel))
    assert float(inventory.stream_emissions_co2e.isel(stream=1, year=0)) == pytest.approx(-37.0, rel=1e-12)
    assert emitted("material_input", 100, "", carbon_fraction=0.31) == only("CO2", 100 * 0.31 * 44 / 12)


def test_clinker_less_vanadium_titanium_slag() -> None:
    # CETS-AG-02: Portland clinker 0.535, vanadium-titanium slag 0.305. 1e6 x 0.535 - 50 000 x 0.305 = 519 750
    rows = [
        {"method": "clinker", "factor": "cets2024_clinker_portland", "quantity": 1_000_000},
        {"method": "deduction", "factor": "cets2024_deduct_vanadium_titanium_slag", "quantity": 50_000},
    ]
    inventory = build_inventory(one_site("cement", "clinker_line", rows))
    assert float(inventory.emissions_co2e.sum()) == pytest.approx(519_750, rel=1e-12)


def test_default_and_measured_anodes() -> None:
    # 0.411 x (1 - 0.02 - 0.004) x 44/12 = 1.470832 tCO2/t; measured 0.42 t/t, 1.5 % S, 0.3 % ash:
    # 0.42 x (1 - 0.015 - 0.003) x 44/12 = 1.51228
    site = {"sector": "aluminium", "process": "potline"}
    assert emitted("anode", 1, "", **site) == only("CO2", 1.470832)
    found = emitted("anode", 1, "", anode_consumption=0.42, sulphur=0.015, ash=0.003, **site)
    assert found == only("CO2", 1.51228)


def test_default_anode_effects() -> None:
    # 0.034 and 0.0034 kg/t x 500 000 t = 17 t CF4 and 1.7 t C2F6
    found = emitted("pfc", 500_000, sector="aluminium", process="potline")
    assert found == pytest.approx({"CF4": 17.0, "C2F6": 1.7}, rel=1e-9)


def test_anode_effects_by_slope() -> None:
    # CETS-AG-04: 0.143 (kg/t)/(min/cell-day), C2F6 a tenth of CF4. 0.5 min: 0.0715 kg/t; 500 000 t: 35.75 and 3.575 t
    site = {"sector": "aluminium", "process": "potline"}
    found = emitted("pfc_slope", 500_000, anode_effect_minutes=0.5, **site)
    assert found == pytest.approx({"CF4": 35.75, "C2F6": 3.575}, rel=1e-9)


def test_a_slope_measured_in_the_duct_is_divided_by_its_share() -> None:
    # 35.75 t / 0.98 = 36.4795918 t
    site = {"sector": "aluminium", "process": "potline"}
    found = emitted("pfc_slope", 500_000, anode_effect_minutes=0.5, duct_efficiency=0.98, **site)
    assert found["CF4"] == pytest.approx(36.4795918367, rel=1e-9)


def test_anode_effects_by_overvoltage() -> None:
    # IPCC 2006 vol. 3 equation 4.27 and table 4.16, CWPB: 1.16 (kg/t)/(mV/%), C2F6 0.121 of CF4.
    # 6 mV at 95 %: 1.16 x 6 / 95 = 0.0732632 kg/t; 100 000 t: 7.32631579 and 0.88648421 t
    found = emitted(
        "pfc_overvoltage", 100_000, "ipcc_cwpb_overvoltage", overvoltage=6, current_efficiency=0.95, sector="reporting"
    )
    assert found == pytest.approx({"CF4": 7.3263157895, "C2F6": 0.8864842105}, rel=1e-9)


def test_a_measured_method_without_its_measurement_says_what_to_supply() -> None:
    with pytest.raises(InputError, match=r"anode_effect_minutes \[min/cell-day\] is empty.*table terms"):
        emitted("pfc_slope", 500_000, sector="aluminium", process="potline")


def test_mine_methane_escapes_per_tonne_of_coal() -> None:
    # Provincial inventory guide 2011, township mines: 4.643 kg/t as the table holds it. 10 000 t: 46.43 t
    assert emitted("fugitive", 10_000, "inventory_mine_town", sector="mining") == only("CH4 fossil", 46.43)


def test_a_refilled_gas_and_a_blend_are_emitted_whole() -> None:
    # 120 kg of HFC-134a: 0.12 t. 100 kg of R-410A, half HFC-32 and half HFC-125 by mass: 0.05 t each
    assert emitted("leak", 120, "HFC-134a", "kg") == only("HFC-134a", 0.12)
    assert emitted("leak", 100, "R-410A", "kg") == pytest.approx({"HFC-32": 0.05, "HFC-125": 0.05}, rel=1e-9)


def test_a_charge_leaks_its_rate() -> None:
    # 2 t of HFC-134a, 5 % a year: 0.1 t
    assert emitted("refrigerant", 2, "HFC-134a", leak_rate=0.05) == only("HFC-134a", 0.1)


def test_nitric_acid_less_what_the_unit_destroys() -> None:
    # Chemicals guide, high pressure: 13.9 kg N2O/t. 1000 t: 13.9 t; 80 % destroyed: 2.78 t
    assert emitted("process_n2o", 1000, "nitric_high") == only("N2O", 13.9)
    assert emitted("process_n2o", 1000, "nitric_high", abated=0.8) == only("N2O", 2.78)


def test_wastewater_methane_less_what_is_burnt() -> None:
    # IPCC 2006 vol. 5: 0.25 kg CH4/kg COD, anaerobic reactor 0.8. 1000 t COD: 200 t; 150 t recovered: 50 t
    rows = [
        {"method": "wastewater", "factor": "ipcc_mcf_anaerobic_reactor", "quantity": 1000},
        {"method": "recovered", "quantity": 150},
    ]
    inventory = build_inventory(one_site("paper", "wastewater", rows))
    assert float(inventory.emissions.sel(gas="CH4 non-fossil").sum()) == pytest.approx(50.0, rel=1e-9)


def test_stored_carbon_dioxide_needs_evidence_and_never_lowers_the_obligation() -> None:
    # 2071.5092552 t burnt, 500 t stored
    rows = [
        {"method": "combustion", "factor": "bituminous", "quantity": 1000},
        {"method": "co2_stored", "quantity": 500, "evidence": "storage permit 7"},
    ]
    inventory = build_inventory(one_site("chemicals", "boiler", rows))
    assert float(inventory.emissions_co2e.sum()) == pytest.approx(1571.5092552, rel=1e-9)
    assert float(inventory.covered_emissions.sum()) == pytest.approx(2071.5092552, rel=1e-9)
    rows[1]["evidence"] = ""
    without = build_inventory(one_site("chemicals", "boiler", rows))
    assert float(without.emissions_co2e.sum()) == pytest.approx(2071.5092552, rel=1e-9)


def test_carbon_dioxide_taken_in_counts() -> None:
    assert emitted("co2_received", 40) == only("CO2", 40.0)


def test_sichuan_electricity_2023_both_ways() -> None:
    # Announcement 2025 no. 47: Sichuan 0.1564 tCO2/MWh. 10 000 MWh: 1564; a reporting sector deducts what it passes on
    rows = [
        {"method": "electricity_purchased", "factor": "grid_2023_sichuan", "quantity": 10_000, "unit": "MWh"},
        {"method": "electricity_exported", "factor": "grid_2023_sichuan", "quantity": 1_000, "unit": "MWh"},
    ]
    inventory = build_inventory(one_site("chemicals", "plant", rows))
    assert float(inventory.scope2_location.sum()) == pytest.approx(1564.0 - 156.4, rel=1e-12)


def test_a_region_takes_its_latest_factor_of_the_year() -> None:
    # Sichuan 2023 is the latest factor of a row of 2024
    row = {"method": "electricity_purchased", "factor": "Sichuan", "quantity": 10_000, "unit": "MWh"}
    inventory = build_inventory(one_site("chemicals", "plant", [row]))
    assert float(inventory.scope2_location.sum()) == pytest.approx(1564.0, rel=1e-12)
    assert inventory.factor.values.tolist() == ["grid_2023_sichuan"]


def test_heat_both_ways_at_the_legacy_default() -> None:
    # Legacy guides: 0.11 tCO2/GJ. 2000 GJ bought, 500 GJ passed on: 220 - 55
    rows = [
        {"method": "heat_purchased", "quantity": 2000, "unit": "GJ"},
        {"method": "heat_exported", "quantity": 500, "unit": "GJ"},
    ]
    inventory = build_inventory(one_site("chemicals", "plant", rows))
    assert float(inventory.scope2_location.sum()) == pytest.approx(165.0, rel=1e-12)


def test_a_term_that_the_method_does_not_have_is_refused() -> None:
    with pytest.raises(InputError, match="leak_rate is given, but method 'leak'"):
        emitted("leak", 1, "HFC-134a", leak_rate=0.1)


def test_potentials_can_change_between_regimes_and_years() -> None:
    # CH4: AR4 25, AR5 28, AR6 27.9 tCO2e/t. 1000 t of coal at 23.204 GJ/t and 10 kg/TJ: 0.23204 t of methane each year
    row = {"method": "combustion", "factor": "bituminous", "quantity": 1000, "gas_factor": "ipcc2006_coal_industry"}
    scenario = one_site("chemicals", "boiler", [row], years=(2024, 2025), output_index={"chemicals": {2024: 1.0}})
    inventory = build_inventory(scenario, gwp_set={2000: "AR4", 2025: "AR6"})
    assert inventory.gwp.sel(gas="CH4").values.tolist() == [25, 27.9]
    methane = inventory.stream_emissions.sel(gas="CH4").values[0]
    assert methane == pytest.approx([0.23204, 0.23204], rel=1e-9)
    with pytest.raises(InputError, match="begins in 2025"):
        build_inventory(scenario, gwp_set={2025: "AR6"})


@pytest.mark.parametrize(
    ("value", "places", "expected"),
    [
        (2.345, 2, 2.35),  # binary 2.345 is a little less: a plain floor(x + .5) would give 2.34
        (1.005, 2, 1.01),
        (2.5, 0, 3.0),  # half up, not half to even
        (-2.5, 0, -3.0),
        (0.00004, 4, 0.0),
    ],
)
def test_guideline_rounding_takes_a_five_up(value: float, places: int, expected: float) -> None:
    assert float(round_half_up(value, places)) == pytest.approx(expected, abs=1e-12)
