"""The packaged ledgers against arithmetic done by hand from the guidelines; no expected number is the package's own.

Constants: 44/12 of carbon dioxide per carbon. Tables: A.1 and A.2 are those of the steel guideline of 2024
(CETS-AG-03.01), which also stands in for the fuels of cement and aluminium; the others are named where they are used.
"""

import functools
import hashlib
import runpy
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from carbonsim.accounting import build_inventory, explain
from carbonsim.accounting.core import accounting_sectors
from carbonsim.accounting.sectors.cement import special_case
from carbonsim.cli import execute
from carbonsim.errors import InputError
from carbonsim.inputs.ledger import read_ledger
from carbonsim.inputs.paths import scenarios_folder
from carbonsim.study.account import Account, account

LEDGERS = scenarios_folder() / "ledgers"
NAMES = ("steel_works", "clinker_line", "smelter", "power_plant")
YEAR = 2025


@functools.cache
def account_of(name: str) -> Account:
    return account(read_ledger(LEDGERS / name), uncertainty=None)


def totals(name: str) -> pd.Series:
    """The one enterprise and year of a ledger."""
    return account_of(name).summary().iloc[0]


def by_stream(name: str) -> dict[str, float]:
    """Direct tonnes of CO2e by facility and stream, the months of a stream added."""
    inventory = account_of(name).inventory.sel(year=YEAR)
    direct = inventory.isel(stream=np.flatnonzero(inventory.stream_scope.values == 1))
    label = np.char.add(np.char.add(direct.stream_facility.values.astype(str), "/"), direct.stream_name.values)
    return pd.Series(direct.stream_emissions_co2e.values).groupby(label).sum().to_dict()


def close(expected: object) -> object:
    return pytest.approx(expected, rel=1e-9, abs=1e-4)


# Steel works. Calorific value x carbon content x 44/12 of table A.1, per tonne or 1e4 Nm3; a mass balance has no
# oxidation rate (formula 1):
#   washed coking coal  measured, x 0.02541 x 44/12      coke  28.435 x 0.02942 x 44/12 = 3.067378233
#   anthracite          measured, x 0.02749 x 44/12      bituminous  23.736 x 0.02618 x 44/12 = 2.278497760
#   coke oven gas   173.854 x 0.0121 x 44/12 = 7.713322467     furnace gas  33 x 0.0708 x 44/12 = 8.5668
#   converter gas   84 x 0.0496 x 44/12 = 15.2768              natural gas  389.31 x 0.01532 x 44/12 = 21.868840400
#   diesel          42.652 x 0.0202 x 44/12 = 3.159091467
STEEL = {
    # Tonnes x GJ/t of twelve months; July is the gap: the largest tonnage (October) and the largest heat (March),
    # 125,900 x 26.455. In all 38,824,337.0 GJ x 0.02541 x 44/12.
    "coke_ovens/coking_coal": 3617263.4783,
    "coke_ovens/oven_gas": 150409.7881,  # 19,500 x 7.713322467
    "coke_ovens/coke_out": -3159399.5803,  # 1,030,000 x 3.067378233
    "coke_ovens/oven_gas_out": -348642.1755,  # 45,200 x 7.713322467
    "coke_ovens/tar_sold": -124154,  # 46,000 x 2.699, table A.2
    "coke_ovens/benzene_sold": -43966,  # 13,000 x 3.382, table A.2
    "sinter_plant/breeze": 404893.9268,  # 132,000 x 3.067378233
    "sinter_plant/anthracite": 96944.2181,  # 38,000 x 25.310 x 0.02749 x 44/12
    "sinter_plant/ignition_gas": 20054.6384,  # 2,600 x 7.713322467
    "sinter_plant/limestone": 114400,  # 260,000 x 0.44, table A.2
    "sinter_plant/dolomite": 56168,  # 118,000 x 0.476, table A.2 (0.471 is the superseded table)
    "pellet_plant/coal": 41012.9597,  # 18,000 x 2.278497760
    "pellet_plant/furnace_gas": 222736.8,  # 26,000 x 8.5668
    "blast_furnace/own_coke": 2754505.6535,  # 898,000 x 3.067378233
    "blast_furnace/bought_coke": 266861.9063,  # 87,000 x 3.067378233
    "blast_furnace/injected_coal": 941308.6214,  # 372,000 x 25.104 x 0.02749 x 44/12
    "blast_furnace/stove_gas": 1285020,  # 150,000 x 8.5668
    "blast_furnace/furnace_gas_out": -3341052,  # 390,000 x 8.5668
    "blast_furnace/pig_iron_sold": -6880,  # 40,000 x 0.172, table A.2
    "converter/scrap": 6660,  # 180,000 x 0.037, table A.2
    "converter/ferrosilicon": 63,  # 9,000 x 0.007, table A.2
    "converter/silicomanganese": 1288,  # 14,000 x 0.092, table A.2
    "converter/dolomite": 31416,  # 66,000 x 0.476, table A.2
    "converter/electrodes": 3296.7,  # 900 x 3.663, table A.2
    "converter/converter_gas_out": -412473.6,  # 27,000 x 15.2768
    "converter/crude_steel": -99900,  # 2,700,000 x 0.037, table A.2
    "own_power/furnace_gas": 1199352,  # 140,000 x 8.5668
    "own_power/oven_gas": 107986.5145,  # 14,000 x 7.713322467
    "own_power/converter_gas": 183321.6,  # 12,000 x 15.2768
    "own_power/coal": 52896.1664,  # 24,000 x 22.960 x 0.02618 x 44/12
    "rolling/furnace_gas": 531141.6,  # 62,000 x 8.5668
    "rolling/oven_gas": 70191.2344,  # 9,100 x 7.713322467
    "rolling/converter_gas": 229152,  # 15,000 x 15.2768
    "rolling/flared_gas": 102801.6,  # 12,000 x 8.5668
    "rolling/natural_gas": 52485.2170,  # 2,400 x 21.868840400
    "rolling/diesel": 9161.3653,  # 2,900 x 3.159091467
    "rolling/lime_kiln_stone": 51920,  # 118,000 x 0.44, table A.2
}


def test_every_stream_of_the_steel_works_by_hand() -> None:
    assert by_stream("steel_works") == close(STEEL)


def test_the_total_of_the_steel_works_is_formula_1_over_what_crosses_the_fence() -> None:
    # What is made and used inside cancels; left are coal 3,617,263.4783, bought coke 266,861.9063, anthracite
    # 96,944.2181 + 941,308.6214, bituminous 41,012.9597 + 52,896.1664, natural gas 52,485.2170, diesel 9,161.3653:
    #   fuels 5,077,933.9324
    # limestone 378,000 x 0.44 = 166,320; dolomite 184,000 x 0.476 = 87,584; electrodes 3,296.70
    # scrap 6,660 + ferrosilicon 63 + silicomanganese 1,288 = 8,011
    # steel 99,900 + pig iron 6,880 + tar 124,154 + benzene 43,966 = 274,900 taken off
    # 5,077,933.9324 + 166,320 + 87,584 + 3,296.7 + 8,011 - 274,900 = 5,068,245.6324
    row = totals("steel_works")
    assert row.direct_co2e == close(5068245.6324)
    # All of a long-route works is inside the boundary; purchased electricity is not.
    assert row.covered_co2e == close(5068245.6324)


def test_scope_2_of_the_steel_works_by_place_and_by_contract() -> None:
    # Sichuan 2023, the latest of 2025: 0.1564 tCO2/MWh (announcement 47 of 2025). 420,000 x 0.1564 = 65,688
    row = totals("steel_works")
    assert row.scope2_location_based == close(65688)
    # 120,000 of certificates and 50,000 of a solar contract at nothing; 10,000 without evidence do not count; the rest
    # at the national residual of 2023: 250,000 x 0.6096 = 152,400
    assert row.scope2_market_based == close(152400)


def test_the_verified_ledger_of_the_steel_works_keeps_the_roundings_of_tables_c3_to_c5() -> None:
    ledger = accounting_sectors.get("steel").target.verified(account_of("steel_works").inventory, YEAR)
    process = ledger.process_emissions.isel(enterprise=0).to_series()
    # Months, two decimals each: 305,139.95 277,734.18 308,594.51 298,863.41 306,094.03 296,572.71 310,319.87
    # 304,417.10 295,934.47 309,780.29 297,541.01 306,271.95, together 3,617,263.48
    # coking 3,617,263.48 + 150,409.79 - 3,159,399.58 - 348,642.18 = 259,631.51
    # sintering 404,893.93 + 96,944.22 + 20,054.64 = 521,892.79; pelletising 41,012.96 + 222,736.80 = 263,749.76
    # ironmaking 2,754,505.65 + 266,861.91 + 941,308.62 + 1,285,020.00 - 3,341,052.00 = 1,906,644.18
    # steelmaking -412,473.60 (its gas leaves; the carbon of hot metal and steel is in formula 1 only)
    # own power with the oxidation rate of 0.99: 1,187,358.48 + 106,906.65 + 181,488.38 + 52,367.20 = 1,528,120.71
    # enterprise 5,068,245.64; other = 5,068,245.64 - 2,539,444.64 - 1,528,120.71 = 1,000,680.29
    expected = {
        "coking": 259631.51,
        "sintering": 521892.79,
        "pelletising": 263749.76,
        "ironmaking": 1906644.18,
        "steelmaking": -412473.60,
        "electric_furnace": 0,
        "power_unit": 1528120.71,
        "other": 1000680.29,
    }
    assert process.to_dict() == pytest.approx(expected, abs=1e-6)
    one = ledger.isel(enterprise=0)
    assert float(one.emissions) == 5068246
    # 521,892.79 + 1,906,644.18 over 2,600,000 t of iron = 0.93405
    assert float(one.key_emissions) == pytest.approx(2428536.97, abs=1e-6)
    assert float(one.intensity) == 0.9341
    # 5,068,245.64 / 2,700,000 = 1.87713
    assert float(one.crude_steel_intensity) == 1.8771
    # 259,631.51 / 1,030,000; 521,892.79 / 3,300,000; 263,749.76 / 700,000; 1,906,644.18 / 2,600,000
    found = one.process_intensity.to_series()
    names = ["coking", "sintering", "pelletising", "ironmaking"]
    assert found[names].tolist() == [0.2521, 0.1581, 0.3768, 0.7333]
    assert float(one.power_unit_generation) == 880000
    assert float(one.power_unit_heat) == 450000


def test_the_chain_of_sinter_iron_and_steel_carries_its_precursors() -> None:
    # Direct, tCO2e/t. Coke: 91,511.5106 / 1,030,000 = 0.0888461268
    # sinter: (692,460.7833 + 132,000 x 0.0888461268) / 3,300,000 = 0.2133904461
    # pellets: 263,749.7597 / 700,000 = 0.3767853710
    # iron: (1,899,764.1813 + 3,250,000 x 0.2133904461 + 690,000 x 0.3767853710 + 898,000 x 0.0888461268
    #        + 87,000 x 0.4) / 2,600,000 = 1.1414803303
    # steel: (-469,649.9 + 2,560,000 x 1.1414803303) / 2,700,000 = 0.9083480539
    # Electricity at 0.1564: sinter 92,000 x 0.1564 / 3,300,000 = 0.0043602424
    # iron: (60,000 x 0.1564 + 3,250,000 x 0.0043602424 + 87,000 x 0.03) / 2,600,000 = 0.0100633800
    # steel: (118,000 x 0.1564 + 2,560,000 x 0.0100633800) / 2,700,000 = 0.0163768343
    found = account_of("steel_works").intensity.sel(year=YEAR)
    direct, indirect = (found[name].to_series() for name in ("direct_intensity", "indirect_intensity"))
    names = ["coke_ovens", "sinter_plant", "pellet_plant", "blast_furnace", "converter"]
    chain = [0.0888461268, 0.2133904461, 0.3767853710, 1.1414803303, 0.9083480539]
    assert direct[names].tolist() == pytest.approx(chain, rel=1e-8)
    assert indirect[names].tolist() == pytest.approx([0, 0.0043602424, 0, 0.0100633800, 0.0163768343], abs=1e-9)


def test_the_verifier_found_a_row_that_the_works_left_out() -> None:
    # 1,200 t of limestone x 0.44 = 528: verified 5,068,774, reported 5,068,245.6324, difference -528.3676
    row = totals("steel_works")
    assert (row.verification, row.verified_difference) == ("within", close(-528.3676))


def test_the_gap_is_marked_with_its_reason() -> None:
    read = account_of("steel_works").ledger
    assert read.substitutions[["stream", "month", "quantity", "net_calorific_value"]].values.tolist() == [
        ["coking_coal", 7, 125900, 26.455]
    ]
    assert "belt scale" in read.substitutions["reason"].iloc[0]
    # 310,319.87 of all absolute tonnes is substituted; explain says so.
    assert "substituted for a gap" in str(explain(account_of("steel_works").inventory, "steel_works", YEAR))


def test_the_uncertainty_of_the_steel_works_is_the_root_of_the_squares() -> None:
    # Half widths in tonnes, squared and added (approach 1). What flows inside the works is exact by construction and a
    # shared factor counts with its net tonnes: coke with the 87,000 t bought, gases with nothing.
    #   quantities: coal 0.5 % of 3,617,263.5 = 18,086.3, one scale in all months; 2 % of each of the 19 other rows that
    #     cross the fence: 20,212.4; together 27,123.0
    #   calorific values: coking coal 1.2 % of 3,617,263.5 = 43,407.2; 3 % of bought coke, two anthracites, two
    #     bituminous coals, natural gas, diesel: together 52,543.1
    #   carbon contents, 3 %, one for each fuel: coking coal 108,517.9; anthracite 3 % of 1,038,252.8; ...: 113,229.4
    #   table A.2, 5 %: limestone 166,320, dolomite 87,584, steel 99,900, tar 124,154, ...: 12,526.4
    #   root of 27,123.0^2 + 52,543.1^2 + 113,229.4^2 + 12,526.4^2 = 128,352.0 = 2.532 % of 5,068,245.6
    spread = account(account_of("steel_works").ledger).uncertainty
    assert spread is not None
    point = spread.dataset.sel(group="steel_works", year=YEAR)
    # The lognormal of table A.2 has its 95 % interval a little off the middle.
    assert float(point.half_width) == pytest.approx(128352.0, rel=1e-5)
    # 108,517.9^2 / 128,352.0^2 = 0.7148
    first = spread.contributions("steel_works", top=1).iloc[0]
    assert first["source"] == "cets_steel_2024:washed_coking_coal/carbon_content"
    assert first["contribution"] == pytest.approx(0.7148, abs=1e-4)


# Clinker line. Factors of the cement guideline of 2024 (CETS-AG-02.01) as transcribed.
CLINKER = {
    "kiln_1/clinker": 829250,  # 1,550,000 x 0.535
    "kiln_1/vanadium_titanium_slag": -14030,  # 46,000 x 0.305
    "kiln_1/steel_slag": -6665,  # 31,000 x 0.215
    "kiln_1/carbide_slag": -29760,  # 62,000 x 0.480
    # 198,000 x 22.846 = 4,523,508 GJ measured; x 0.02618 x 0.99 x 44/12 = 429,884.3452 t CO2 (table A.1 by analogy)
    # IPCC 2006 vol. 2 table 2.3, coal in industry: 10 kg CH4 and 1.5 kg N2O per TJ; AR5: 28 and 265.
    # 4,523.508 x 10 / 1000 x 28 = 1,266.5822; 4,523.508 x 1.5 / 1000 x 265 = 1,798.0944
    "kiln_1/coal": 432949.0218,
    "kiln_1/diesel": 1176.4457,  # 380 x 42.652 x 0.0202 x 0.98 x 44/12
    "quarry/diesel": 2012.3413,  # 650 x 42.652 x 0.0202 x 0.98 x 44/12
}


def test_every_stream_of_the_clinker_line_by_hand() -> None:
    assert by_stream("clinker_line") == close(CLINKER)


def test_the_market_sees_the_kiln_and_carbon_dioxide_only() -> None:
    # 829,250 - 50,455 + 429,884.3452 + 1,176.4457 = 1,209,855.7908 covered; with methane, nitrous oxide and the quarry
    # + 3,064.6767 + 2,012.3413 = 1,214,932.8088 in the inventory
    row = totals("clinker_line")
    assert row.covered_co2e == close(1209855.7908)
    assert row.direct_co2e == close(1214932.8088)


def test_the_verified_ledger_of_the_clinker_line() -> None:
    inventory = account_of("clinker_line").inventory
    ledger = accounting_sectors.get("cement").target.verified(inventory, YEAR).sel(facility="kiln_1")
    # 778,795.00 + 429,884.35 + 1,176.45 = 1,209,855.80; over 1,550,000 t = 0.780552
    assert float(ledger.process_emissions) == 778795.00
    assert float(ledger.combustion_emissions) == pytest.approx(431060.80, abs=1e-6)
    assert float(ledger.emissions) == pytest.approx(1209855.80, abs=1e-6)
    assert float(ledger.intensity) == pytest.approx(1209855.80 / 1550000, rel=1e-12)
    # 29,760 / 829,250 = 0.0358878, below the 15 % from which a line is a special case in 2025
    assert float(ledger.carbide_slag_rate) == pytest.approx(29760 / 829250, rel=1e-12)
    assert str(special_case(inventory, YEAR, carbide_slag_limit=0.15).sel(facility="kiln_1").item()) == ""


def test_scope_2_of_the_clinker_line_has_no_market_based_total() -> None:
    # 130,000 x 0.1564 = 20,332 by place; the enterprise states that it does not know its contracts
    row = totals("clinker_line")
    assert row.scope2_location_based == close(20332)
    assert np.isnan(row.scope2_market_based)


def test_ar6_moves_the_inventory_and_not_the_obligation() -> None:
    inventory = build_inventory(account_of("clinker_line").ledger, gwp_set="AR6")
    # 1,209,855.7908 + 2,012.3413 + 45.23508 x 27.9 + 6.785262 x 273 = 1,214,982.5674
    assert float(inventory.emissions_co2e.sum()) == close(1214982.5674)
    assert float(inventory.covered_emissions.sum()) == close(1209855.7908)


def test_the_intensity_of_cement_carries_its_clinker() -> None:
    # kiln: (829,250 - 50,455 + 432,949.0218 + 1,176.4457) / 1,550,000 = 0.7825293339; power 84,000 x 0.1564 / 1,550,000
    # mill: 690,000 / 900,000 x 0.7825293339 = 0.5999391560; power (46,000 x 0.1564 + 690,000 x 0.0084758710) / 900,000
    found = account_of("clinker_line").intensity.sel(year=YEAR, facility=["kiln_1", "mill"])
    assert found.direct_intensity.values == pytest.approx([0.7825293339, 0.5999391560], rel=1e-8)
    assert found.indirect_intensity.values == pytest.approx([0.0084758710, 0.0144919455], rel=1e-8)


# Smelter. Values of the aluminium guideline of 2024 (CETS-AG-04.01) as transcribed; warming potentials of AR5.
SMELTER = {
    "potline_1/anodes": 377798.85,  # 260,000 x 0.405 x (1 - 0.018 - 0.0035) x 44/12, measured
    # 260,000 x 0.12 min x 0.143 kg = 4.4616 t CF4 and a tenth of it, 0.44616 t C2F6:
    # 4.4616 x 6,630 + 0.44616 x 11,100 = 29,580.408 + 4,952.376
    "potline_1/anode_effects": 34532.784,
    "potline_2/anodes": 264749.76,  # 180,000 x 0.411 x (1 - 0.02 - 0.004) x 44/12, default
    # 180,000 x 0.034 kg = 6.12 t CF4, x 0.0034 kg = 0.612 t C2F6: 6.12 x 6,630 + 0.612 x 11,100 = 40,575.6 + 6,793.2
    "potline_2/anode_effects": 47368.8,
    "cast_house/natural_gas": 9093.0638,  # 420 x 389.31 x 0.01532 x 0.99 x 44/12 (table A.1 by analogy)
    # 1.2 t x 8 % = 0.096 t of R-410A, half HFC-32 and half HFC-125 (ASHRAE 34): 0.048 x 677 + 0.048 x 3,170
    "cast_house/chillers": 184.656,
    "cast_house/switchgear": 94,  # 0.004 x 23,500
}


def test_every_stream_of_the_smelter_by_hand() -> None:
    assert by_stream("smelter") == close(SMELTER)


def test_the_market_sees_the_potlines_in_three_gases() -> None:
    # 377,798.85 + 34,532.784 + 264,749.76 + 47,368.8 = 724,450.194; the cast house adds 9,371.7198
    row = totals("smelter")
    assert row.covered_co2e == close(724450.194)
    assert row.direct_co2e == close(733821.9138)
    gases = account_of("smelter").inventory.emissions.sel(year=YEAR).isel(enterprise=0).to_series()
    # CF4 4.4616 + 6.12, C2F6 0.44616 + 0.612
    expected = {"CF4": 10.5816, "C2F6": 1.05816, "HFC-32": 0.048, "HFC-125": 0.048, "SF6": 0.004}
    assert {gas: gases[gas] for gas in expected} == pytest.approx(expected, rel=1e-12)
    # Both defaults together are 1.734 tCO2e/t in the transcription: potline 2 takes both.
    potline_2 = sum(SMELTER[f"potline_2/{name}"] for name in ("anodes", "anode_effects"))
    assert potline_2 / 180000 == pytest.approx(1.734, abs=1e-4)


def test_the_verified_ledger_of_the_smelter() -> None:
    ledger = accounting_sectors.get("aluminium").target.verified(account_of("smelter").inventory, YEAR)
    lines = ledger.sel(facility=["potline_1", "potline_2"])
    # Anode factor, two decimals: 0.405 x 0.9785 x 44/12 = 1.4531 -> 1.45; ash 0.35 % keeps its three decimals of a
    # per cent; default 1.4708 -> 1.47: 260,000 x 1.45 = 377,000.00 and 180,000 x 1.47 = 264,600.00
    # CF4 0.143 x 0.12 = 0.01716 -> 0.017 kg/t, C2F6 0.001716 -> 0.0017: 0.017 x 6.63 + 0.0017 x 11.1 = 0.13158
    # tCO2e/t, x 260,000 = 34,210.80; default 0.26316 x 180,000 = 47,368.80
    assert lines.anode_emissions.values.tolist() == [377000.00, 264600.00]
    assert lines.anode_effect_emissions.values == pytest.approx([34210.80, 47368.80], abs=1e-6)
    assert lines.emissions.values == pytest.approx([411210.80, 311968.80], abs=1e-6)
    # 411,210.80 / 260,000 and 311,968.80 / 180,000
    assert lines.intensity.values == pytest.approx([1.58158, 1.73316], rel=1e-9)
    assert lines.by_guideline.values.all()


def test_contracts_of_the_smelter_go_to_its_load() -> None:
    # Yunnan 2023: 0.1333. 5,888,000 x 0.1333 = 784,870.4 by place
    # 1,200,000 + 2,400,000 at nothing, 400,000 x 0.30 = 120,000, the other 1,888,000 x 0.6096 = 1,150,924.8
    row = totals("smelter")
    assert row.scope2_location_based == close(784870.4)
    assert row.scope2_market_based == close(1270924.8)


# Power plant. Guide of 2022: measured heat and carbon of unit 1, the penalty default 0.03085 tC/GJ of unit 2, 99 %.
POWER = {
    # Sum over the months of tonnes x GJ/t x tC/TJ / 1000 = 721,110.320877 tC; x 0.99 x 44/12. January:
    # 112,400 x 21.642 x 0.02611 x 0.99 x 44/12 = 230,556.4098
    "unit_1/coal": 2617630.4648,
    "unit_1/start_up_oil": 959.7320,  # 310 x 42.652 x 0.0202 x 0.98 x 44/12
    "unit_2/coal": 1640811.5460,  # 720,000 x 20.350 x 0.03085 x 0.99 x 44/12
    "unit_2/start_up_oil": 804.9365,  # 260 x 42.652 x 0.0202 x 0.98 x 44/12
}


def test_every_stream_of_the_power_plant_by_hand() -> None:
    assert by_stream("power_plant") == close(POWER)


def test_both_units_are_covered_and_the_electricity_bought_is_not() -> None:
    # 2,617,630.4648 + 959.7320 + 1,640,811.5460 + 804.9365 = 4,260,206.6793
    row = totals("power_plant")
    assert (row.direct_co2e, row.covered_co2e) == (close(4260206.6793), close(4260206.6793))
    assert row.scope2_location_based == close(656.88)  # 4,200 x 0.1564
    assert row.scope2_market_based == close(2560.32)  # 4,200 x 0.6096
    # verified 4,260,207
    assert (row.verification, row.verified_difference) == ("within", close(-0.3207))


def test_the_verified_ledger_of_the_power_units() -> None:
    ledger = accounting_sectors.get("power").target.verified(account_of("power_plant").inventory, YEAR)
    # 2,618,590.1968 over 2,970,000 MWh = 0.881680; 1,641,616.4825 over 1,526,000 MWh = 1.075764
    assert ledger.emissions.values == close([2618590.1968, 1641616.4825])
    assert ledger.intensity.values == pytest.approx([0.8816802009, 1.0757644053], rel=1e-9)
    assert account_of("power_plant").inventory.heat_output.sel(year=YEAR).values.tolist() == [1850000, 0]


def test_the_penalty_default_costs_unit_1_more_than_measuring() -> None:
    # Measured: 721,110.320877 tC on average 26.2 tC/TJ. At 30.85: sum of heat 27,496,440... x 0.03085 x 0.99 x 44/12
    heat = sum(
        tonnes * per_tonne
        for tonnes, per_tonne in zip(
            (112400, 98700, 103500, 99800, 101200, 106900, 118300, 119600, 104100, 97300, 102800, 113700),
            (21.642, 21.515, 21.708, 21.463, 21.594, 21.377, 21.290, 21.344, 21.551, 21.620, 21.488, 21.575),
            strict=True,
        )
    )
    by_default = heat * 0.03085 * 0.99 * 44 / 12
    measured = by_stream("power_plant")["unit_1/coal"]
    assert by_default == close(3079138.6603)
    assert by_default / measured - 1 == pytest.approx(0.1763, abs=1e-4)


def test_sulphur_of_the_coal_is_balanced_unit_by_unit() -> None:
    # tonnes x sulphur x (1 - 0.1 kept in ash) x 64/32 x (1 - control):
    # 1,278,300 x 0.0085 x 0.9 x 2 x 0.015 = 293.36985; 720,000 x 0.011 x 0.9 x 2 x 0.018 = 256.608
    # and of the start-up oil, 310 and 260 t x 0.00001 x 2 = 0.0114
    # The other two by output (national average of 2022): 4,496,000 MWh x 0.133 and 0.017 kg/MWh
    row = totals("power_plant")
    assert [row.SO2, row.NOx, row.PM] == close([549.98925, 597.968, 76.432])


def test_desulphurisation_limestone_is_no_part_of_the_power_guide(tmp_path: Path) -> None:
    folder = _copy("power_plant", tmp_path)
    rows = (folder / "activity.csv").read_text(encoding="utf-8")
    row = "unit_1,2025,limestone,,carbonate,cets2024_limestone,9000,t,,,,,assumption,example,\n"
    (folder / "activity.csv").write_text(rows + row, encoding="utf-8")
    with pytest.raises(InputError, match="guideline of 'power' accounts for no process factor") as caught:
        build_inventory(read_ledger(folder))
    assert "unit_1/limestone" in str(caught.value)


def test_a_material_outside_table_a2_is_refused_with_what_to_do(tmp_path: Path) -> None:
    folder = _copy("steel_works", tmp_path)
    rows = (
        (folder / "activity.csv").read_text(encoding="utf-8").replace("cets2024_ferrosilicon", "ipcc_ferrosilicon_75")
    )
    (folder / "activity.csv").write_text(rows, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        build_inventory(read_ledger(folder))
    (issue,) = caught.value.issues
    assert "converter/ferrosilicon" in issue.text("en")
    assert "cets_steel_2024" in issue.text("en")
    assert "cets_steel_2024" in issue.text("zh")


@pytest.mark.parametrize("name", NAMES)
def test_every_audit_line_of_the_packaged_ledgers_passes(name: str) -> None:
    checks = account_of(name).checks
    assert len(checks) >= 20
    assert all(line.passed for line in checks)
    assert account_of(name).is_illustrative


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_command_writes_the_same_totals_and_replays_them(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    arguments = ["account", str(LEDGERS / name), "--out", str(out), "--uncertainty", "none", "--lang", "en", "--quiet"]
    assert execute(arguments) == 0, capsys.readouterr().err
    summary = pd.read_csv(out / "summary.csv").iloc[0]
    for column in ("direct_co2e", "covered_co2e", "scope2_location_based"):
        assert summary[column] == close(totals(name)[column])
    capsys.readouterr()
    assert execute(["replay", str(out), "--lang", "en"]) == 0
    assert "to the last digit" in capsys.readouterr().out


@pytest.mark.slow
def test_a_stored_account_holds_to_the_last_digit_after_the_factors_change(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, own = tmp_path / "run", tmp_path / "own"
    assert (
        execute(["account", str(LEDGERS / "steel_works"), "--out", str(out), "--uncertainty", "none", "--quiet"]) == 0
    )
    before = hashlib.sha256((out / "inventory.nc").read_bytes()).hexdigest()
    own.mkdir()
    (own / "sources.yaml").write_text("later:\n  title: A later table, made up\n  read_on: '2026-11-23'\n", "utf-8")
    (own / "process.csv").write_text(
        "table_set,factor,sector,name_zh,name_en,value,unit,gas,quantity,sign,methods,source,basis\n"
        "cets_steel_2024,cets2024_dolomite,steel,白云石,dolomite,0.471,tCO2/t,CO2,emission_factor,1,"
        "carbonate;material_input,later,assumption\n",
        "utf-8",
    )
    capsys.readouterr()
    assert execute(["what-changed", str(out), "--factors", str(own), "--lang", "en"]) == 0
    # 184,000 t of dolomite x (0.471 - 0.476) = -920
    assert "-920" in capsys.readouterr().out
    assert execute(["replay", str(out), "--lang", "en"]) == 0
    assert hashlib.sha256((out / "inventory.nc").read_bytes()).hexdigest() == before


def test_the_example_sums_the_packaged_ledgers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = Path(__file__).parents[2] / "examples" / "05_account_a_ledger.py"
    monkeypatch.setattr(sys, "argv", [script.name, "--out", str(tmp_path), "--lang", "zh"])
    runpy.run_path(str(script), run_name="__main__")
    assert "示意企业" in capsys.readouterr().out.splitlines()[0]
    summary = pd.read_csv(tmp_path / "summary.csv").set_index("enterprise")["direct_co2e"]
    expected = {"steel_works": 5068245.6324, "cement_works": 1214932.8088, "smelter": 733821.9138}
    assert summary.to_dict() == close({**expected, "power_plant": 4260206.6793})


def _copy(name: str, folder: Path) -> Path:
    """A copy of a packaged ledger that a test may break."""
    target = folder / name
    target.mkdir()
    for path in (LEDGERS / name).iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return target
