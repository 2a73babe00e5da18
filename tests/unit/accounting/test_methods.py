"""Each method against arithmetic by hand; factors as printed in the source named in the comment."""

import numpy as np
import pytest

from carbonsim.accounting import combustion, electricity, process
from carbonsim.accounting.rounding import round_half_up


def test_bituminous_coal_burns_without_oxidation_in_a_steel_mass_balance() -> None:
    # Table A.1 of the steel guideline: 23.736 GJ/t, 0.02618 tC/GJ.
    # 1000 t x 23.736 = 23 736 GJ; x 0.02618 = 621.40848 tC; x 44/12 = 2278.49776 tCO2
    assert combustion.combustion_emissions(1000, 23.736, 26.18) == pytest.approx(2278.49776, rel=1e-12)


def test_oxidation_rate_takes_off_its_share() -> None:
    # Same coal in an own power unit, oxidation rate 99 % (table A.1): 2278.49776 x 0.99 = 2255.7127824
    assert combustion.combustion_emissions(1000, 23.736, 26.18, 0.99) == pytest.approx(2255.7127824, rel=1e-12)


def test_legacy_natural_gas_per_ten_thousand_cubic_metres() -> None:
    # Legacy table: 389.31 GJ/1e4 Nm3, 15.3 tC/TJ, 99 %. 389.31 x 0.0153 = 5.956443 tC; x 0.99 x 44/12 = 21.62188809
    assert combustion.combustion_emissions(1, 389.31, 15.3, 0.99) == pytest.approx(21.62188809, rel=1e-12)


def test_furnace_gas_that_leaves_is_negative() -> None:
    # Table A.1: 33.000 GJ/1e4 Nm3, 0.07080 tC/GJ. 10 x 33 x 0.0708 x 44/12 = 85.668
    assert combustion.fuel_carbon_out(10, 33.0, 70.8) == pytest.approx(-85.668, rel=1e-12)


def test_steel_dolomite_is_0_476() -> None:
    # Table A.2: dolomite 0.476 tCO2/t (0.471 is the superseded table). 250 x 0.476 = 119
    assert process.carbonate_emissions(250, 0.476) == pytest.approx(119.0, rel=1e-12)


def test_calcined_share_scales_a_carbonate() -> None:
    # IPCC table 2.1: CaCO3 0.43971. 100 t at 95 %: 41.77245
    assert process.carbonate_emissions(100, 0.43971, 0.95) == pytest.approx(41.77245, rel=1e-12)


def test_crude_steel_takes_carbon_out() -> None:
    # Table A.2: crude steel 0.037 tCO2/t. 1 000 000 t: -37 000
    assert process.product_carbon(1_000_000, 0.037) == pytest.approx(-37_000, rel=1e-12)


def test_carbon_content_of_carbide_becomes_an_emission_factor() -> None:
    # NDRC chemical guide: 0.314 tC/t x 44/12 = 1.151333...
    assert process.carbon_to_emission_factor(0.314) == pytest.approx(0.314 * 44 / 12, rel=1e-12)


def test_clinker_less_vanadium_titanium_slag() -> None:
    # Cement guideline (transcription): 0.535 tCO2/t clinker, V-Ti slag 0.305 tCO2/t.
    # 1 000 000 x 0.535 - 40 000 x 0.305 = 535 000 - 12 200 = 522 800
    total = process.clinker_emissions(1_000_000, 0.535) + process.raw_material_deduction(40_000, 0.305)
    assert total == pytest.approx(522_800, rel=1e-12)


def test_default_anode_factor_is_1_470832() -> None:
    # Aluminium guideline (transcription): 0.411 x (1 - 0.02 - 0.004) x 44/12 = 0.411 x 0.976 x 44/12 = 1.470832
    assert process.anode_emissions(1, 0.411, 0.02, 0.004) == pytest.approx(1.470832, rel=1e-9)


def test_default_anode_effect_is_0_034_kg_of_cf4() -> None:
    # 0.034 kg/t x 500 000 t = 17 000 kg = 17 t of CF4
    assert process.anode_effect_emissions(500_000, 0.034) == pytest.approx(17.0, rel=1e-12)


def test_sichuan_electricity_2023() -> None:
    # Announcement 2025 no. 47: Sichuan 0.1564 tCO2/MWh. 10 000 MWh: 1564
    assert electricity.location_based_electricity(10_000, 0.1564) == pytest.approx(1564.0, rel=1e-12)
    assert electricity.exported_electricity(10_000, 0.1564) == pytest.approx(-1564.0, rel=1e-12)


def test_purchased_heat_at_the_legacy_default() -> None:
    # Legacy guides: 0.11 tCO2/GJ. 2000 GJ: 220
    assert electricity.purchased_heat(2000, 0.11) == pytest.approx(220.0, rel=1e-12)


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


def test_methods_broadcast_over_arrays() -> None:
    quantity = np.array([[1.0, 2.0], [3.0, 4.0]])
    result = combustion.combustion_emissions(quantity, np.array([[10.0], [20.0]]), 25.0)
    assert result.shape == (2, 2)
    assert result[1, 1] == pytest.approx(4 * 20 * 25 / 1000 * 44 / 12, rel=1e-12)
