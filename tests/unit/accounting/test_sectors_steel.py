"""Steel works by hand, enterprise and process level; every factor is of tables A.1 and A.2 of the guideline of 2024."""

import dataclasses

import pandas as pd
import pytest
import xarray as xr
from accounting_builders import one_site, scenario

from carbonsim.accounting import build_inventory
from carbonsim.accounting.sectors.steel import verified
from carbonsim.errors import InputError

GAS = {"unit": "1e4_Nm3"}


def fuel(site: str, stream: str, factor: str, quantity: float, **more: object) -> dict[str, object]:
    return {"facility": site, "stream": stream, "method": "combustion", "factor": factor, "quantity": quantity, **more}


def out(site: str, stream: str, factor: str, quantity: float, **more: object) -> dict[str, object]:
    return {**fuel(site, stream, factor, quantity, **more), "method": "product_output"}


def bought(site: str, stream: str, factor: str, quantity: float, method: str = "material_input") -> dict[str, object]:
    return {**fuel(site, stream, f"cets2024_{factor}", quantity), "method": method}


def made(site: str, quantity: float, unit: str = "t") -> dict[str, object]:
    return {"facility": site, "stream": "made", "method": "output", "quantity": quantity, "unit": unit}


# Carbon dioxide per unit, 44/12 x calorific value x carbon content of table A.1:
#   washed coking coal 26.344 x 0.02541 x 44/12 = 2.45447048     coke 28.435 x 0.02942 x 44/12 = 3.06737823
#   anthracite 25.024 x 0.02749 x 44/12 = 2.52233579             bituminous 23.736 x 0.02618 x 44/12 = 2.27849776
#   coke oven gas 173.854 x 0.0121 x 44/12 = 7.71332247          furnace gas 33 x 0.0708 x 44/12 = 8.5668
#   converter gas 84 x 0.0496 x 44/12 = 15.2768                  natural gas 389.31 x 0.01532 x 44/12 = 21.8688404
WORKS = [
    # coking: 2454.47 - 2147.16 - 231.40 = 75.91; tar 24 x 2.699 = 64.776 -> 64.78, benzene 7 x 3.382 = 23.674 -> 23.67
    fuel("coking", "coal", "washed_coking_coal", 1000),
    out("coking", "coke", "coke", 700),
    out("coking", "gas", "coke_oven_gas", 30, **GAS),
    out("coking", "tar", "cets2024_tar_sold", 24),
    out("coking", "benzene", "cets2024_crude_benzene_sold", 7),
    made("coking", 700),
    # sintering: coke 306.74 + gas 15.43 = 322.17; limestone 200 x 0.44 = 88.00, dolomite 50 x 0.476 = 23.80
    fuel("sintering", "breeze", "coke", 100),
    fuel("sintering", "ignition", "coke_oven_gas", 2, **GAS),
    bought("sintering", "limestone", "limestone", 200, "carbonate"),
    bought("sintering", "dolomite", "dolomite", 50, "carbonate"),
    made("sintering", 2000),
    # pelletising: 45.57 + 85.67 = 131.24
    fuel("pelletising", "coal", "bituminous", 20),
    fuel("pelletising", "gas", "bf_gas", 10, **GAS),
    made("pelletising", 400),
    # ironmaking: 1840.43 + 567.53 + 856.68 - 1927.53 = 1337.11; pig iron sold 50 x 0.172 = 8.60
    fuel("ironmaking", "coke", "coke", 600),
    fuel("ironmaking", "injected", "anthracite", 225),
    fuel("ironmaking", "stoves", "bf_gas", 100, **GAS),
    out("ironmaking", "top_gas", "bf_gas", 225, **GAS),
    out("ironmaking", "pig_iron", "cets2024_pig_iron_sold", 50),
    made("ironmaking", 1500),
    # converters: 9.20 - 213.88 = -204.68; scrap 3.70, ferrosilicon 0.028 -> 0.03, dolomite 14.28, steel 1550 x 0.037
    fuel("steelmaking", "nut_coke", "coke", 3),
    out("steelmaking", "gas", "bof_gas", 14, **GAS),
    bought("steelmaking", "scrap", "scrap", 100),
    bought("steelmaking", "ferrosilicon", "ferrosilicon", 4),
    bought("steelmaking", "dolomite", "dolomite", 30, "carbonate"),
    out("steelmaking", "steel", "cets2024_crude_steel_out", 1550),
    made("steelmaking", 1550),
    # electric furnace: gas 43.74; electrodes 1.5 x 3.663 = 5.4945 -> 5.49, direct reduced iron 0.73, steel 3.70
    fuel("electric_furnace", "gas", "natural_gas", 2, **GAS),
    bought("electric_furnace", "electrodes", "electrode", 1.5, "carbonate"),
    bought("electric_furnace", "dri", "dri", 10),
    out("electric_furnace", "steel", "cets2024_crude_steel_out", 100),
    made("electric_furnace", 100),
    # own power unit: 856.68 + 77.13 = 933.81 without an oxidation rate; with 99 %: 848.11 + 76.36 = 924.47
    fuel("power_unit", "bf_gas", "bf_gas", 100, **GAS),
    fuel("power_unit", "oven_gas", "coke_oven_gas", 10, **GAS),
    made("power_unit", 1234.5678, "MWh"),
    {"facility": "power_unit", "stream": "heat", "method": "heat_supplied", "quantity": 500.004, "unit": "GJ"},
    # rolling mill and lime kiln: furnace gas 128.50, converter gas 213.88, limestone 60 x 0.44 = 26.40
    fuel("rolling", "bf_gas", "bf_gas", 15, **GAS),
    fuel("rolling", "bof_gas", "bof_gas", 14, **GAS),
    bought("rolling", "limestone", "limestone", 60, "carbonate"),
]
SITES = ("coking", "sintering", "pelletising", "ironmaking", "steelmaking", "electric_furnace", "power_unit", "rolling")


@pytest.fixture(scope="module")
def works() -> xr.Dataset:
    facilities = [
        {"facility": name, "enterprise": "e", "process": name, "output_unit": "MWh" if name == "power_unit" else "t"}
        for name in SITES
    ]
    study = scenario(enterprises=[{"enterprise": "e", "sector": "steel"}], facilities=facilities, activity=WORKS)
    return verified(build_inventory(study), 2024).sel(enterprise="e")


def test_an_integrated_works_is_the_sum_of_its_balance(works: xr.Dataset) -> None:
    # Fuels: 75.91 + 322.17 + 131.24 + 1337.11 - 204.68 + 43.74 + 933.81 + 342.38 = 2981.68
    # Processes and products: - 64.78 - 23.67 + 88.00 + 23.80 - 8.60 + 3.70 + 0.03 + 14.28 - 57.35 + 5.49 + 0.73 - 3.70
    #   + 26.40 = 4.33. Enterprise 2986.01 -> 2986
    assert float(works.emissions) == 2986


@pytest.mark.parametrize(
    ("process", "expected"),
    [
        ("coking", 75.91),
        ("sintering", 322.17),
        ("pelletising", 131.24),
        ("ironmaking", 1337.11),
        ("steelmaking", -204.68),
        ("electric_furnace", 43.74),
        ("power_unit", 924.47),
        ("other", 356.05),  # 2986.01 - 1705.49 of the six processes - 924.47
    ],
)
def test_each_process_by_formulas_2_to_4(works: xr.Dataset, process: str, expected: float) -> None:
    assert float(works.process_emissions.sel(process=process)) == pytest.approx(expected, abs=1e-9)


def test_processes_power_units_and_the_rest_make_up_the_enterprise(works: xr.Dataset) -> None:
    assert float(works.process_emissions.sum("process")) == pytest.approx(2986.01, abs=1e-9)
    assert float(works.other_emissions) == pytest.approx(356.05, abs=1e-9)
    assert float(works.power_unit_emissions) == pytest.approx(924.47, abs=1e-9)


def test_intensities_have_four_decimals(works: xr.Dataset) -> None:
    # Key: (322.17 + 1337.11) / 1500 = 1659.28 / 1500 = 1.106186... ; crude steel: 2986.01 / 1650 = 1.809703...
    assert float(works.key_emissions) == pytest.approx(1659.28, abs=1e-9)
    assert float(works.intensity) == pytest.approx(1.1062, abs=1e-12)
    assert float(works.crude_steel) == 1650
    assert float(works.crude_steel_intensity) == pytest.approx(1.8097, abs=1e-12)
    # 75.91 / 700 = 0.108442..., 1337.11 / 1500 = 0.891406...
    assert float(works.process_intensity.sel(process="coking")) == pytest.approx(0.1084, abs=1e-12)
    assert float(works.process_intensity.sel(process="ironmaking")) == pytest.approx(0.8914, abs=1e-12)
    assert not works.has_process_intensity.sel(process=["power_unit", "other"]).any()


def test_generation_keeps_three_decimals_and_heat_two(works: xr.Dataset) -> None:
    assert float(works.power_unit_generation) == pytest.approx(1234.568, abs=1e-9)
    assert float(works.power_unit_heat) == 500.0


def test_steel_ledger_rounds_as_the_guideline_says() -> None:
    # Coke 1234.567 t -> 1234.57 t; x 28.435 x 0.02942 x 44/12 = 3786.8940... tCO2 (two decimals 3786.89)
    #   1234.57 x 28.435 = 35104.99795; x 0.02942 = 1032.78903969; x 44/12 = 3786.89314553 -> 3786.89
    # Limestone 100.005 t -> 100.01 t x 0.44 = 44.0044 -> 44.00
    # Enterprise 3830.89 -> integer 3831; key 3786.89; output 2000.004 -> 2000.00; intensity 1.893445 -> 1.8934
    rows = [
        {"method": "combustion", "factor": "coke", "quantity": 1234.567},
        {"method": "carbonate", "factor": "cets2024_limestone", "quantity": 100.005},
        {"method": "output", "quantity": 2000.004},
    ]
    ledger = verified(build_inventory(one_site("steel", "ironmaking", rows)), 2024).sel(enterprise="e")
    assert float(ledger.emissions) == 3831
    assert float(ledger.key_emissions) == pytest.approx(3786.89, abs=1e-9)
    assert float(ledger.other_emissions) == pytest.approx(44.00, abs=1e-9)
    assert float(ledger.key_output) == 2000.0
    assert float(ledger.intensity) == pytest.approx(1.8934, abs=1e-12)


def test_a_measured_calorific_value_keeps_three_decimals() -> None:
    # Anthracite 100 t x 24.1235 -> 24.124 GJ/t x 0.02749 tC/GJ = 66.316876; x 44/12 = 243.161879 -> 243.16
    # (24.1235 unrounded: 243.156839 -> 243.16; 24.1 would be 242.92)
    row = {"method": "combustion", "factor": "anthracite", "quantity": 100, "net_calorific_value": 24.1235}
    ledger = verified(build_inventory(one_site("steel", "sintering", [row])), 2024).sel(enterprise="e")
    assert float(ledger.key_emissions) == pytest.approx(243.16, abs=1e-9)


def test_months_are_rounded_and_then_added() -> None:
    # Coke, each month 100.004 t -> 100.00 t -> 306.737823 -> 306.74; two months 613.48.
    # The year at once would be 200.008 -> 200.01 t -> 613.506... -> 613.51.
    study = one_site("steel", "ironmaking", [{"method": "combustion", "factor": "coke", "quantity": 100.004}])
    year = study.tables["activity"]
    months = pd.concat([year.assign(month=number) for number in (1, 2)], ignore_index=True)
    monthly = dataclasses.replace(study, tables={**study.tables, "activity": months})
    ledger = verified(build_inventory(monthly), 2024).sel(enterprise="e")
    assert float(ledger.key_emissions) == pytest.approx(613.48, abs=1e-9)


def test_oxidation_of_an_own_power_unit_moves_emissions_to_other_and_keeps_the_total() -> None:
    # 100 x 1e4 Nm3 of furnace gas: 100 x 33 x 0.0708 x 44/12 = 856.68; formula (3) with 99 %: 848.1132 -> 848.11
    # Formula (4): other = 856.68 - 848.11 = 8.57
    study = scenario(
        enterprises=[{"enterprise": "e", "sector": "steel"}],
        facilities=[
            {"facility": "bf", "enterprise": "e", "process": "ironmaking"},
            {"facility": "unit", "enterprise": "e", "process": "power_unit", "output_unit": "MWh"},
        ],
        activity=[fuel("unit", "gas", "bf_gas", 100, **GAS)],
    )
    inventory = build_inventory(study)
    ledger = verified(inventory, 2024).sel(enterprise="e")
    assert float(inventory.covered_emissions.sum()) == pytest.approx(856.68)
    assert float(ledger.emissions) == 857
    assert float(ledger.power_unit_emissions) == pytest.approx(848.11, abs=1e-9)
    assert float(ledger.other_emissions) == pytest.approx(8.57, abs=1e-9)
    assert not bool(ledger.has_intensity)


def test_stated_key_emissions_enter_the_ledger() -> None:
    rows = [
        {"method": "reported", "quantity": 60_000.4, "unit": "tCO2e"},
        {"method": "reported_key", "quantity": 40_000, "unit": "tCO2e"},
        {"method": "key_output", "quantity": 28_000},
    ]
    ledger = verified(build_inventory(one_site("steel", "steelworks", rows)), 2024).sel(enterprise="e")
    assert float(ledger.emissions) == 60_000
    assert float(ledger.other_emissions) == pytest.approx(20_000.4, abs=1e-9)
    assert float(ledger.intensity) == pytest.approx(1.4286, abs=1e-12)  # 40 000 / 28 000 = 1.428571...


def test_key_emissions_stated_for_a_process_replace_its_streams() -> None:
    # The blast furnace states 20 t of its coke's 10 x 3.06737823 = 30.67 t; the rest of them is "other" by formula (4).
    rows = [
        {"method": "combustion", "factor": "coke", "quantity": 10},
        {"method": "reported_key", "quantity": 20, "unit": "tCO2e"},
    ]
    ledger = verified(build_inventory(one_site("steel", "ironmaking", rows)), 2024).sel(enterprise="e")
    assert float(ledger.process_emissions.sel(process="ironmaking")) == 20
    assert float(ledger.other_emissions) == pytest.approx(30.67 - 20, abs=1e-9)


@pytest.mark.parametrize(
    ("row", "clause", "chinese"),
    [
        ({"method": "combustion", "factor": "anthracite", "carbon_content": 27.0}, "6.2.3", "缺省值"),
        ({"method": "combustion", "factor": "coke", "net_calorific_value": 28.0}, "6.2.2.2", "焦炭"),
        ({"method": "combustion", "factor": "bf_gas", "oxidation": 0.98, "unit": "1e4_Nm3"}, "7.2.2.4", "碳氧化率"),
        ({"method": "carbonate", "factor": "ipcc_caco3"}, "not accounted: table A.2", "不予核算"),
        ({"method": "product_output", "factor": "slag"}, "5.2.1 c", "冶金渣"),
    ],
)
def test_the_guideline_refuses_what_it_does_not_account_for(row: dict[str, object], clause: str, chinese: str) -> None:
    with pytest.raises(InputError, match=clause) as caught:
        build_inventory(one_site("steel", "ironmaking", [{"quantity": 1, **row}]))
    assert chinese in caught.value.text("zh")


def test_a_material_of_another_table_is_refused() -> None:
    row = {"method": "material_input", "factor": "ipcc_silicomanganese", "quantity": 1}
    with pytest.raises(InputError, match="cets_steel_2024 only"):
        build_inventory(one_site("steel", "steelmaking", [row]))
