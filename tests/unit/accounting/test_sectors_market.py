"""A clinker line, a smelter and a power plant by hand; factors as transcribed from the guidelines of 2022 and 2024."""

import dataclasses

import pandas as pd
import pytest
from accounting_builders import one_site, scenario
from sector_builders import measured_site

from carbonsim.accounting import build_inventory
from carbonsim.accounting.core import sector_accounting
from carbonsim.accounting.sectors import aluminium, cement
from carbonsim.errors import InputError, ParameterError
from carbonsim.inputs.parameter_files import read_parameter_folder
from carbonsim.inputs.paths import scenarios_folder

CLINKER = {"method": "clinker", "factor": "cets2024_clinker_portland"}
SLAG = {"method": "deduction", "factor": "cets2024_deduct_calcium_carbide_slag"}
LINE = [
    {**CLINKER, "quantity": 1_000_000.004},
    {"method": "deduction", "factor": "cets2024_deduct_vanadium_titanium_slag", "quantity": 40_000},
    {"method": "deduction", "factor": "cets2024_deduct_titanium_gypsum", "quantity": 10_000},
    {**SLAG, "quantity": 200_000},
    {"method": "combustion", "factor": "bituminous", "quantity": 120_000, "net_calorific_value": 22.3456},
    {"method": "output", "quantity": 1_000_000.004},
]


def test_a_clinker_line_less_its_deductions_plus_its_fuel() -> None:
    # Clinker 1 000 000.00 t x 0.535 = 535 000; V-Ti slag 40 000 x 0.305 = 12 200; titanium gypsum 10 000 x 0.245 =
    #   2450; carbide slag 200 000 x 0.48 = 96 000: process 424 350.00
    # Coal 120 000 t x 22.346 GJ/t x 0.02618 tC/GJ x 0.99 x 44/12: 2 681 520 GJ; 70 202.1936 tC; x 0.99 = 69 500.171664;
    #   x 44/12 = 254 833.962768 -> 254 833.96. Line 679 183.96; intensity 0.67918396
    ledger = cement.verified(build_inventory(one_site("cement", "clinker_line", LINE)), 2024).sel(facility="f")
    assert float(ledger.process_emissions) == pytest.approx(424_350.00, abs=1e-6)
    assert float(ledger.combustion_emissions) == pytest.approx(254_833.96, abs=1e-6)
    assert float(ledger.emissions) == pytest.approx(679_183.96, abs=1e-6)
    assert float(ledger.key_output) == 1_000_000.0
    assert float(ledger.intensity) == pytest.approx(0.67918396, rel=1e-12)
    assert "third party" in ledger.attrs["rounding"]


def test_the_process_item_of_a_line_is_rounded_month_by_month() -> None:
    # Each month clinker 10.009 -> 10.01 t x 0.535 = 5.35535 less slag 0.501 -> 0.50 t x 0.305 = 0.1525, so 5.20285 ->
    # 5.20; two months 10.40. Row by row it would be 5.36 - 0.15 = 5.21 a month, the year at once 10.4057 -> 10.41.
    slag = "cets2024_deduct_vanadium_titanium_slag"
    rows = [{**CLINKER, "quantity": 10.009}, {"method": "deduction", "factor": slag, "quantity": 0.501}]
    study = one_site("cement", "clinker_line", rows)
    year = study.tables["activity"]
    months = pd.concat([year.assign(month=number) for number in (1, 2)], ignore_index=True)
    monthly = dataclasses.replace(study, tables={**study.tables, "activity": months})
    ledger = cement.verified(build_inventory(monthly), 2024)
    assert float(ledger.process_emissions.sel(facility="f")) == pytest.approx(10.40, abs=1e-9)


def test_grinding_is_in_the_inventory_and_not_in_the_market() -> None:
    inventory = build_inventory(one_site("cement", "grinding", [{**LINE[4], "net_calorific_value": 22.0}]))
    assert float(inventory.emissions_co2e.sum()) > 0
    assert float(cement.verified(inventory, 2024).emissions.sum()) == 0


def test_the_rate_of_carbide_slag_is_its_deduction_over_the_clinker() -> None:
    # 200 000 x 0.48 / (1 000 000.004 x 0.535) = 96 000 / 535 000.00214 = 0.17943925
    inventory = build_inventory(one_site("cement", "clinker_line", LINE))
    assert float(cement.carbide_slag_rate(inventory, 2024).sel(facility="f")) == pytest.approx(0.17943925, abs=1e-8)


@pytest.mark.parametrize(
    ("slag", "year", "expected"),
    [
        (160_000, 2025, ""),  # 76 800 / 535 000 = 14.4 %
        (168_000, 2025, "carbide_slag"),  # 80 640 / 535 000 = 15.07 %
        (168_000, 2026, ""),  # the draft for 2026 asks for more than 30 %
        (335_000, 2026, "carbide_slag"),  # 160 800 / 535 000 = 30.06 %
    ],
)
def test_the_carbide_slag_case_follows_the_packaged_limit_of_its_year(slag: float, year: int, expected: str) -> None:
    rows = [{**CLINKER, "quantity": 1_000_000}, {**SLAG, "quantity": slag}]
    study = one_site(
        "cement", "clinker_line", rows, years=(2024, year), output_index={"cement": {2024: 1.0, year: 1.0}}
    )
    china = scenarios_folder() / "parameters" / "china"
    parameters, _, _ = read_parameter_folder(china, "china", ())
    limit = parameters["industry.carbide_slag_limit"].at(year).value
    case = cement.special_case(build_inventory(study), year, carbide_slag_limit=limit)
    assert case.sel(facility="f").item() == expected


def test_white_clinker_alone_is_a_special_case_and_a_stated_case_comes_first() -> None:
    white = {"method": "clinker", "factor": "cets2024_clinker_white", "quantity": 1000}
    rows = [
        {"facility": "white", "stream": "a", **white},
        {"facility": "both", "stream": "a", **white},
        {"facility": "both", "stream": "b", **CLINKER, "quantity": 10},
        {"facility": "gypsum", "stream": "a", **CLINKER, "quantity": 10},
    ]
    study = scenario(
        enterprises=[{"enterprise": "e", "sector": "cement"}],
        facilities=[
            {"facility": "white", "enterprise": "e", "process": "clinker_line"},
            {"facility": "both", "enterprise": "e", "process": "clinker_line"},
            {"facility": "gypsum", "enterprise": "e", "process": "clinker_line", "special_case": "gypsum_to_acid"},
        ],
        activity=rows,
    )
    inventory = build_inventory(study)
    cases = cement.special_case(inventory, 2024, carbide_slag_limit=0.15)
    assert cases.sel(facility=["white", "both", "gypsum"]).values.tolist() == ["white_clinker", "", "gypsum_to_acid"]
    with pytest.raises(ParameterError, match="share from 0 to 1"):
        cement.special_case(inventory, 2024, carbide_slag_limit=15.0)


def test_deductions_beyond_the_clinker_are_refused() -> None:
    # 100 t x 0.535 = 53.5 t; 200 t of carbide slag would take off 96 t, 42.50 t too much.
    rows = [{**CLINKER, "quantity": 100}, {**SLAG, "quantity": 200}, {**LINE[4], "quantity": 100}]
    with pytest.raises(InputError, match=r"2024: deductions of f exceed .* 42\.50 tCO2") as caught:
        cement.verified(build_inventory(one_site("cement", "clinker_line", rows)), 2024)
    assert "扣减量" in caught.value.text("zh")


def test_a_material_without_a_deduction_is_refused() -> None:
    row = {"method": "deduction", "factor": "stoich_cao", "quantity": 1}
    with pytest.raises(InputError, match="cets_cement_2024 only"):
        build_inventory(one_site("cement", "clinker_line", [row]))


METAL = [
    {"method": "anode", "quantity": 100_000.004},
    {"method": "pfc", "quantity": 100_000.004},
    {"method": "output", "quantity": 100_000.004},
]


def test_a_smelter_by_default() -> None:
    # Anodes 0.411 x (1 - 0.02 - 0.004) x 44/12 = 1.470832 -> 1.47; 100 000.00 x 1.47 = 147 000.00
    # Effects: 0.034 x 6630 / 1000 = 0.22542, 0.0034 x 11 100 / 1000 = 0.03774; 100 000.00 x 0.26316 = 26 316.00
    # Together 173 316.00; per tonne 1.73316. Unrounded: 100 000.004 x (1.470832 + 0.26316) = 173 399.2069
    study = scenario(
        enterprises=[{"enterprise": "e", "sector": "aluminium"}],
        facilities=[{"facility": "f", "enterprise": "e", "process": "potline"}],
        activity=[{"facility": "f", "stream": f"s{number}", **row} for number, row in enumerate(METAL)],
        coverage=[{"sector": "aluminium", "gases": "CO2;CF4;C2F6"}],
    )
    inventory = build_inventory(study)
    ledger = aluminium.verified(inventory, 2024).sel(facility="f")
    assert float(inventory.covered_emissions.sum()) == pytest.approx(173_399.2069, abs=1e-3)
    assert float(ledger.anode_emissions) == pytest.approx(147_000.00, abs=1e-6)
    assert float(ledger.anode_effect_emissions) == pytest.approx(26_316.00, abs=1e-6)
    assert float(ledger.emissions) == pytest.approx(173_316.00, abs=1e-6)
    assert float(ledger.intensity) == pytest.approx(1.73316, rel=1e-12)
    assert bool(ledger.by_guideline)


def test_a_smelter_by_measured_anodes_and_anode_effects() -> None:
    # Net consumption 0.4051 -> 0.405, sulphur 1.85 %, ash 0.35 %: 0.405 x 0.978 x 44/12 = 1.45233 -> 1.45
    # 0.25 min: CF4 0.143 x 0.25 = 0.03575 -> 0.036, C2F6 0.003575 -> 0.0036 kg/t
    #   0.036 x 6630 / 1000 + 0.0036 x 11 100 / 1000 = 0.23868 + 0.03996 = 0.27864 tCO2e/t
    rows = [{"method": "anode", "quantity": 100_000}, {"method": "pfc_slope", "quantity": 100_000}]
    terms = {
        "s0": {"anode_consumption": 0.4051, "sulphur": 0.0185, "ash": 0.0035},
        "s1": {"anode_effect_minutes": 0.25},
    }
    inventory = build_inventory(measured_site("aluminium", "potline", rows, terms))
    ledger = aluminium.verified(inventory, 2024).sel(facility="f")
    assert float(ledger.anode_emissions) == pytest.approx(145_000.00, abs=1e-6)
    assert float(ledger.anode_effect_emissions) == pytest.approx(27_864.00, abs=1e-6)
    assert bool(ledger.by_guideline)


def test_overvoltage_counts_and_the_ledger_says_that_it_is_no_method_of_the_guideline() -> None:
    # IPCC, centre-worked prebake: 1.16 x 7 mV / 95 % = 0.0854737 kg CF4/t -> 0.085; x 0.121 = 0.0103423 -> 0.0103
    #   1000 t x (0.085 x 6630 + 0.0103 x 11 100) / 1000 = 563.55 + 114.33 = 677.88
    rows = [{"method": "pfc_overvoltage", "factor": "ipcc_cwpb_overvoltage", "quantity": 1000}]
    terms = {"s0": {"overvoltage": 7.0, "current_efficiency": 0.95}}
    ledger = aluminium.verified(build_inventory(measured_site("aluminium", "potline", rows, terms)), 2024)
    assert float(ledger.anode_effect_emissions.sel(facility="f")) == pytest.approx(677.88, abs=1e-9)
    assert not bool(ledger.by_guideline.sel(facility="f"))


def test_fuel_beside_the_cells_is_outside_the_process() -> None:
    rows = [METAL[0], {"method": "combustion", "factor": "natural_gas", "quantity": 1, "unit": "1e4_Nm3"}]
    inventory = build_inventory(one_site("aluminium", "potline", rows))
    covered = float(inventory.covered_emissions.sum())
    assert covered == pytest.approx(100_000.004 * 1.470832, rel=1e-9)
    assert float(inventory.emissions_co2e.sum()) > covered


def test_a_power_plant_unit_by_unit() -> None:
    # Unit 1, measured coal: 10 000 t x 21.5 GJ/t x 0.0262 tC/GJ = 5633 tC; x 0.99 = 5576.67; x 44/12 = 20 447.79
    # Unit 2, carbon not measured: 5000 t x 20 GJ/t x 0.03085 tC/GJ x 0.99 x 44/12 = 11 198.55;
    #   gas for ignition 2 x 389.31 x 0.01532 x 0.99 x 44/12 = 43.300304
    study = scenario(
        enterprises=[{"enterprise": "e", "sector": "power"}],
        facilities=[
            {"facility": unit, "enterprise": "e", "process": "power_unit", "output_unit": "MWh"}
            for unit in ("u1", "u2")
        ],
        activity=[
            {"facility": "u1", "stream": "coal", "method": "combustion", "factor": "bituminous", "quantity": 10_000,
             "net_calorific_value": 21.5, "carbon_content": 26.2},
            {"facility": "u1", "stream": "made", "method": "output", "quantity": 25_000, "unit": "MWh"},
            {"facility": "u2", "stream": "coal", "method": "combustion", "factor": "coal_unmeasured_carbon",
             "quantity": 5000, "net_calorific_value": 20.0},
            {"facility": "u2", "stream": "gas", "method": "combustion", "factor": "natural_gas", "quantity": 2,
             "unit": "1e4_Nm3"},
            {"facility": "u2", "stream": "grid", "method": "electricity_purchased", "quantity": 100, "unit": "MWh"},
        ],
    )  # fmt: skip
    ledger = sector_accounting("power").verified(build_inventory(study), 2024)
    assert float(ledger.emissions.sel(facility="u1")) == pytest.approx(20_447.79, rel=1e-12)
    assert float(ledger.intensity.sel(facility="u1")) == pytest.approx(20_447.79 / 25_000, rel=1e-12)
    assert float(ledger.emissions.sel(facility="u2")) == pytest.approx(11_198.55 + 43.3003040, rel=1e-9)
    assert "no rounding rule" in ledger.attrs["rounding"]
    assert sector_accounting("power").electricity_covered_until == 2022


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"factor": "natural_gas", "unit": "1e4_Nm3", "oxidation": 0.98}, "clause 6.2.5"),
        ({"factor": "coal_unmeasured_carbon", "net_calorific_value": 20, "carbon_content": 26}, "not measured"),
    ],
)
def test_power_refuses_measured_terms_that_the_guide_fixes(row: dict[str, object], expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        build_inventory(one_site("power", "power_unit", [{"method": "combustion", "quantity": 1, **row}]))
