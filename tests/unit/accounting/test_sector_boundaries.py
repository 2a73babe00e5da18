"""What of a power plant, a steel works and a smelter the market covers, and what stays in the inventory only."""

import numpy as np
import pytest
import xarray as xr
from accounting_builders import scenario

from carbonsim.accounting import build_inventory
from carbonsim.errors import InputError

# 10 t of diesel by the power guide: 10 x 42.652 = 426.52 GJ; x 0.0202 = 8.615704 tC; x 0.98 = 8.44338992;
# x 44/12 = 30.95909637 tCO2
DIESEL = {"stream": "diesel", "method": "combustion", "factor": "diesel", "quantity": 10}
OIL = 30.9590963733
REPORTED = {"stream": "stated", "method": "reported", "quantity": 100, "unit": "tCO2e"}


def inventory(
    sector: str,
    sites: dict[str, list[dict[str, object]]],
    *,
    kind: str = "enterprise",
    coverage: list[dict[str, object]] | None = None,
) -> xr.Dataset:
    """One enterprise ``e`` with a facility of each process, named like it; rows by process."""
    return build_inventory(
        scenario(
            enterprises=[{"enterprise": "e", "sector": sector, "kind": kind}],
            facilities=[
                {"facility": process or "unnamed", "enterprise": "e", "process": process, "output_unit": "t"}
                for process in sites
            ],
            activity=[{"facility": process or "unnamed", **row} for process, rows in sites.items() for row in rows],
            coverage=coverage,
        )
    )


def covered(found: xr.Dataset) -> dict[str, float]:
    return {str(name): float(found.covered_emissions.sel(facility=name, year=2024)) for name in found.facility.values}


def test_only_the_generating_units_of_a_power_plant_are_in_the_market() -> None:
    found = inventory("power", {"power_unit": [DIESEL], "office": [DIESEL, REPORTED], "heat_boiler": [DIESEL]})
    assert float(found.emissions_co2e.sum()) == pytest.approx(3 * OIL + 100, rel=1e-9)
    assert covered(found) == pytest.approx({"power_unit": OIL, "office": 0, "heat_boiler": 0}, rel=1e-9)
    assert float(found.key_emissions.sum()) == pytest.approx(OIL, rel=1e-9)


def test_electricity_counted_with_power_is_that_of_the_units() -> None:
    grid = {"stream": "grid", "method": "electricity_purchased", "quantity": 100, "unit": "MWh"}
    wide = [{"sector": "power", "boundary": "direct_and_electricity"}]
    found = inventory("power", {"power_unit": [grid], "office": [grid]}, coverage=wide)
    assert covered(found) == pytest.approx({"power_unit": 50.0, "office": 0.0})  # 100 x 0.5 of the builder's grid


def test_desulphurisation_limestone_is_in_the_inventory_and_not_in_the_market() -> None:
    # IPCC 2006 vol. 3 table 2.1: calcite 0.43971 tCO2/t; 9000 t: 3957.39
    stone = {"stream": "stone", "method": "carbonate", "factor": "ipcc_caco3", "quantity": 9000}
    found = inventory("power", {"power_unit": [DIESEL, stone]})
    assert float(found.emissions_co2e.sum()) == pytest.approx(OIL + 3957.39, rel=1e-9)
    assert covered(found) == pytest.approx({"power_unit": OIL}, rel=1e-9)
    assert float(found.key_emissions.sum()) == pytest.approx(OIL, rel=1e-9)


def test_a_carbonate_of_another_guideline_is_refused_with_the_general_one() -> None:
    stone = {"stream": "stone", "method": "carbonate", "factor": "cets2024_limestone", "quantity": 9000}
    with pytest.raises(InputError, match="ipcc_caco3") as caught:
        inventory("power", {"power_unit": [stone]})
    assert "ipcc_caco3" in caught.value.text("zh")


def test_a_block_of_the_power_sector_stays_whole() -> None:
    found = inventory("power", {"national": [REPORTED]}, kind="block")
    assert covered(found) == {"national": 100.0}
    assert float(found.key_emissions.sum()) == 100.0


# Table A.2 of the steel guideline: electrodes 3.663, limestone 0.44.
ELECTRODES = {"stream": "electrodes", "method": "carbonate", "factor": "cets2024_electrode", "quantity": 10}
STONE = {"stream": "stone", "method": "carbonate", "factor": "cets2024_limestone", "quantity": 100}


@pytest.mark.parametrize("beside", ["lime_kiln", "power_unit", "coking", "steelmaking", "steelworks", "", "other"])
def test_an_electric_furnace_stays_outside_whatever_stands_beside_it(beside: str) -> None:
    found = inventory("steel", {"electric_furnace": [ELECTRODES], beside: [STONE]})
    assert float(found.emissions_co2e.sum()) == pytest.approx(36.63 + 44.0)
    assert float(found.covered_emissions.sum()) == 0.0
    assert float(found.key_emissions.sum()) == 0.0


@pytest.mark.parametrize("process", ["rolling", "foundry"])
def test_rolling_mills_and_foundries_with_a_boiler_house_stay_outside(process: str) -> None:
    found = inventory("steel", {process: [REPORTED], "boiler_house": [REPORTED]})
    assert float(found.covered_emissions.sum()) == 0.0


@pytest.mark.parametrize(
    "processes",
    [
        ("ironmaking",),
        ("ironmaking", "electric_furnace", "rolling"),
        ("sintering", "lime_kiln"),
        ("steelmaking", "rolling"),
        ("steelworks",),
        ("steelworks", "rolling"),
        ("", "lime_kiln"),
    ],
)
def test_the_long_route_is_covered_whole(processes: tuple[str, ...]) -> None:
    found = inventory("steel", {process: [REPORTED] for process in processes})
    assert float(found.covered_emissions.sum()) == 100.0 * len(processes)


def test_a_block_of_the_steel_sector_is_covered_unless_all_of_it_is_off_the_list() -> None:
    mixed = {"electric_furnace": [REPORTED], "other": [REPORTED]}
    assert float(inventory("steel", mixed, kind="block").covered_emissions.sum()) == 200.0
    alone = {"electric_furnace": [REPORTED]}
    assert float(inventory("steel", alone, kind="block").covered_emissions.sum()) == 0.0


def test_the_parts_of_an_inventory_that_the_market_leaves_out_are_kept() -> None:
    found = inventory("power", {"power_unit": [DIESEL], "office": [DIESEL]})
    np.testing.assert_allclose(found.stream_covered_emissions.sum(), found.covered_emissions.sum(), rtol=1e-12)


def test_carbonates_at_a_potline_are_no_part_of_electrolysis() -> None:
    # Anodes by default 0.411 x (1 - 0.02 - 0.004) x 44/12 = 1.470832 t/t; soda ash of a scrubber 0.41492 x 100 t
    anode = {"stream": "anodes", "method": "anode", "quantity": 1000}
    soda = {"stream": "soda", "method": "carbonate", "factor": "ipcc_na2co3", "quantity": 100}
    found = inventory("aluminium", {"potline": [anode, soda, REPORTED]})
    assert float(found.emissions_co2e.sum()) == pytest.approx(1470.832 + 41.492 + 100, rel=1e-9)
    assert covered(found) == pytest.approx({"potline": 1470.832 + 100}, rel=1e-9)
    assert float(found.key_emissions.sum()) == pytest.approx(1470.832 + 100, rel=1e-9)
