"""One case by hand for each sector that reports, and what each of them refuses for want of a sourced factor."""

import pytest
import xarray as xr
from accounting_builders import one_site, scenario
from sector_builders import measured_site

from carbonsim.accounting import build_inventory
from carbonsim.accounting.core import sector_accounting
from carbonsim.errors import InputError


def stream(inventory: xr.Dataset, name: str) -> float:
    return float(inventory.stream_emissions_co2e.sel(stream=f"f/{name}", year=2024))


def test_chemical_works() -> None:
    # IPCC table 2.1: limestone that neutralises waste acid 1000 t x 92 % x 0.43971 = 404.5332; soda ash roasted with
    #   slag 500 x 0.41492 = 207.46; IPCC table 3.9: rutile by the chloride route 2000 x 1.34 = 2680
    # Nitric acid, medium pressure: 10 000 t x 11.77 kg/t x (1 - 0.9) = 11.77 t N2O x 265 = 3119.05
    # Carbide: coke 1000 t x 28.446 GJ/t x 0.0294 tC/GJ x 44/12 = 3066.4788, less 1500 t x 0.314 x 44/12 = 1727
    rows = [
        {"stream": "acid", "method": "carbonate", "factor": "ipcc_caco3", "quantity": 1000},
        {"stream": "roasting", "method": "carbonate", "factor": "ipcc_na2co3", "quantity": 500},
        {"stream": "rutile", "method": "material_input", "factor": "ipcc_rutile_tio2_chloride", "quantity": 2000},
        {"stream": "nitric", "method": "process_n2o", "factor": "nitric_medium", "quantity": 10_000},
        {"stream": "coke", "method": "material_input", "factor": "coke", "quantity": 1000},
        {"stream": "carbide", "method": "product_output", "factor": "carbide_carbon", "quantity": 1500},
    ]
    terms = {"acid": {"content": 0.92}, "nitric": {"abated": 0.9}}
    inventory = build_inventory(measured_site("chemicals", "chemical_works", rows, terms))
    expected = {
        "acid": 404.5332, "roasting": 207.46, "rutile": 2680, "nitric": 3119.05, "coke": 3066.4788, "carbide": -1727,
    }  # fmt: skip
    for name, value in expected.items():
        assert stream(inventory, name) == pytest.approx(value, rel=1e-9), name
    assert float(inventory.emissions_co2e.sum()) == pytest.approx(7750.522, rel=1e-9)
    assert inventory.category.sel(stream="f/acid").item() == "process"


def test_net_purchases_of_electricity_and_heat() -> None:
    # Grid of the study 0.5 tCO2/MWh: (1000 - 200) x 0.5 = 400; heat 0.11 tCO2/GJ: (2000 - 500) x 0.11 = 165
    rows = [
        {"method": "electricity_purchased", "quantity": 1000, "unit": "MWh"},
        {"method": "electricity_exported", "quantity": 200, "unit": "MWh"},
        {"method": "heat_purchased", "quantity": 2000, "unit": "GJ"},
        {"method": "heat_exported", "quantity": 500, "unit": "GJ"},
    ]
    inventory = build_inventory(one_site("chemicals", "chemical_works", rows))
    assert float(inventory.scope2_location.sum()) == pytest.approx(565, rel=1e-12)


def test_refinery() -> None:
    # Refinery gas 100 t x 46.05 GJ/t x 0.0182 tC/GJ x 0.99 x 44/12: 83.811 tC; 82.97289; 304.23393
    # Catalyst coke 200 t x 0.95 tC/t x 44/12 = 696.666...
    rows = [
        {"stream": "gas", "method": "combustion", "factor": "refinery_gas", "quantity": 100},
        {"stream": "coke", "method": "material_input", "factor": "catalytic_coke", "quantity": 200},
    ]
    inventory = build_inventory(measured_site("petrochemicals", "refinery", rows, {"coke": {"carbon_fraction": 0.95}}))
    assert stream(inventory, "gas") == pytest.approx(304.23393, rel=1e-9)
    assert stream(inventory, "coke") == pytest.approx(200 * 0.95 * 44 / 12, rel=1e-12)


def test_glass_furnace() -> None:
    # Soda ash 1000 t x 99 % x 0.41492 = 410.7708; dolomite 300 t x 0.47732 x 98 % calcined = 140.33208
    # Carbon powder 10 t x 0.98 tC/t x 44/12 = 35.9333; glass by tier 1 with 30 % cullet: 1000 x 0.2 x 0.7 = 140
    rows = [
        {"stream": "soda", "method": "carbonate", "factor": "ipcc_na2co3", "quantity": 1000},
        {"stream": "dolomite", "method": "carbonate", "factor": "ipcc_dolomite", "quantity": 300},
        {"stream": "powder", "method": "material_input", "factor": "carbon_powder", "quantity": 10},
        {"stream": "glass", "method": "carbonate", "factor": "ipcc_glass_tier1", "quantity": 1000},
    ]
    terms = {
        "soda": {"content": 0.99}, "dolomite": {"conversion": 0.98}, "powder": {"carbon_fraction": 0.98},
        "glass": {"content": 0.7},
    }  # fmt: skip
    inventory = build_inventory(measured_site("flat_glass", "glass_furnace", rows, terms))
    assert stream(inventory, "soda") == pytest.approx(410.7708, rel=1e-9)
    assert stream(inventory, "dolomite") == pytest.approx(140.33208, rel=1e-9)
    assert stream(inventory, "powder") == pytest.approx(10 * 0.98 * 44 / 12, rel=1e-12)
    assert stream(inventory, "glass") == pytest.approx(140, rel=1e-12)


def test_copper_smelter() -> None:
    # Coke as reductant 100 t x 28.446 GJ/t x 0.0294 tC/GJ x 0.93 x 44/12: 83.63124 tC; 77.7770532; 285.1825284
    # Limestone flux 50 t x 0.43971 = 21.9855
    rows = [
        {"stream": "coke", "method": "combustion", "factor": "coke", "quantity": 100},
        {"stream": "flux", "method": "carbonate", "factor": "ipcc_caco3", "quantity": 50},
    ]
    inventory = build_inventory(one_site("copper", "smelter", rows))
    assert stream(inventory, "coke") == pytest.approx(285.1825284, rel=1e-9)
    assert stream(inventory, "flux") == pytest.approx(21.9855, rel=1e-9)


def test_paper_mill() -> None:
    # Limestone of the lime kiln 200 t x 0.43971 = 87.942
    # Wastewater: 100 t of oxygen demand x 0.25 x 0.8 = 20 t CH4, 5 t of it burnt; AR5 methane of wastes 28:
    #   20 x 28 = 560 and - 5 x 28 = - 140
    rows = [
        {"stream": "kiln", "method": "carbonate", "factor": "ipcc_caco3", "quantity": 200},
        {"stream": "water", "method": "wastewater", "factor": "ipcc_mcf_anaerobic_reactor", "quantity": 100},
        {"stream": "flare", "method": "recovered", "quantity": 5},
    ]
    inventory = build_inventory(one_site("paper", "paper_mill", rows))
    assert stream(inventory, "kiln") == pytest.approx(87.942, rel=1e-9)
    assert stream(inventory, "water") == pytest.approx(560, rel=1e-9)
    assert stream(inventory, "flare") == pytest.approx(-140, rel=1e-9)


def test_airline_by_tonne_kilometre() -> None:
    # Jet kerosene 1000 t x 44.75 GJ/t x 0.0196 tC/GJ x 0.98 x 44/12: 877.1 tC; 859.558; 3151.712667
    # 4 000 000 t km: 0.000787928 tCO2e per tonne-kilometre
    rows = [
        {"stream": "jet", "method": "combustion", "factor": "jet_kerosene", "quantity": 1000},
        {"stream": "freight", "method": "output", "quantity": 4_000_000, "unit": "t*km"},
    ]
    study = scenario(
        enterprises=[{"enterprise": "e", "sector": "aviation"}],
        facilities=[{"facility": "f", "enterprise": "e", "process": "fleet", "output_unit": "t*km"}],
        activity=[{"facility": "f", **row} for row in rows],
    )
    inventory = build_inventory(study)
    ledger = sector_accounting("aviation").verified(inventory, 2024).sel(facility="f")
    assert stream(inventory, "jet") == pytest.approx(859.558 * 44 / 12, rel=1e-9)
    assert float(ledger.intensity) == pytest.approx(859.558 * 44 / 12 / 4e6, rel=1e-9)


@pytest.mark.parametrize(
    ("sector", "method", "factor", "supply"),
    [
        ("chemicals", "material_input", "ammonia", "ipcc_ammonia_ng"),
        ("chemicals", "process_n2o", "caprolactam", "nitrous oxide .kg/t of product."),
        ("chemicals", "material_input", "titanium_dioxide", "ipcc_rutile_tio2_chloride"),
        ("petrochemicals", "material_input", "catalytic_coke", "carbon_fraction"),
        ("petrochemicals", "combustion", "flare_gas", "net_calorific_value"),
        ("flat_glass", "material_input", "carbon_powder", "carbon_fraction"),
        ("copper", "material_input", "copper_concentrate", "carbon_fraction"),
        ("paper", "combustion", "black_liquor", "biogenic_fraction"),
        ("aviation", "combustion", "aviation_gasoline", "own_fuels"),
    ],
)
def test_a_missing_factor_names_what_to_supply(sector: str, method: str, factor: str, supply: str) -> None:
    with pytest.raises(InputError, match=f"'{factor}'.*{supply}") as caught:
        build_inventory(one_site(sector, "works", [{"method": method, "factor": factor, "quantity": 1}]))
    assert f"“{factor}”" in caught.value.text("zh")


def test_a_factor_without_a_value_is_refused() -> None:
    row = {"method": "material_input", "factor": "sulfate_tio2", "quantity": 1}
    with pytest.raises(InputError, match="own factors"):
        build_inventory(one_site("chemicals", "works", [row]))
