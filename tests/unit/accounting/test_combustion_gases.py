"""Gases by the name that the tables give them: methane of biomass, and refrigerants by their numbers."""

import pytest
from accounting_builders import one_site

from carbonsim.accounting import build_inventory
from carbonsim.inputs.factor_uncertainty import default_uncertainty
from carbonsim.inputs.factors import packaged_factors

BIOMASS = ("ipcc2006_wood", "ipcc2006_black_liquor", "ipcc2006_liquid_biofuel", "ipcc2006_biogas")
NUMBERS = ("22", "23", "32", "125", "134a", "143a", "152a")


def burnt(gas_factor: str) -> dict[str, float]:
    """Tonnes of CO2e by gas of 1000 t of a fuel with 15 GJ/t, other gases than carbon dioxide, at AR6."""
    fuel = {
        "method": "combustion", "factor": "bituminous", "quantity": 1000.0, "net_calorific_value": 15.0,
        "carbon_content": 30.0, "gas_factor": gas_factor,
    }  # fmt: skip
    found = build_inventory(one_site("paper", "boiler", [fuel]), gwp_set="AR6").isel(year=0, stream=0)
    tonnes = (found.stream_emissions * found.gwp).to_series()
    return {gas: value for gas, value in tonnes.items() if value and gas != "CO2"}


def test_methane_of_wood_is_not_fossil() -> None:
    # 15 TJ x 30 kg/TJ = 0.45 t x 27.0; 15 TJ x 4 kg/TJ = 0.06 t x 273
    assert burnt("ipcc2006_wood") == pytest.approx({"CH4 non-fossil": 12.15, "N2O": 16.38})


def test_methane_of_coal_has_the_value_of_the_species() -> None:
    # 15 TJ x 10 kg/TJ = 0.15 t x 27.9: the oxidation rate already counts its carbon as CO2. 15 x 1.5 kg x 273
    assert burnt("ipcc2006_coal_industry") == pytest.approx({"CH4": 4.185, "N2O": 6.1425})


def test_uncertainties_of_the_packaged_factors_follow_the_name_of_the_gas() -> None:
    named = set(default_uncertainty(packaged_factors())["factor"])
    assert {f"{name}/CH4 non-fossil" for name in BIOMASS} <= named
    assert not {f"{name}/CH4" for name in BIOMASS} & named
    assert "ipcc2006_coal_industry/CH4" in named


@pytest.mark.parametrize("number", NUMBERS)
def test_a_pure_refrigerant_is_known_by_its_number(number: str) -> None:
    # 10 kg lost are 0.01 t of the one gas.
    lost = {"method": "leak", "factor": f"R-{number}", "quantity": 10.0, "unit": "kg"}
    found = build_inventory(one_site("paper", "boiler", [lost])).isel(year=0, stream=0).stream_emissions.to_series()
    gas = f"HCFC-{number}" if number == "22" else f"HFC-{number}"
    assert found[found != 0].to_dict() == pytest.approx({gas: 0.01})
