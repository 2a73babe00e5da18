"""The ledger of each sector: roundings of the law where they were read, and the registry."""

from typing import ClassVar

import numpy as np
import pytest
import xarray as xr
from accounting_builders import one_site, scenario

from carbonsim.accounting import SectorAccounting, accounting_sectors, build_inventory
from carbonsim.accounting.core import sector_accounting
from carbonsim.accounting.ledger_rounding import Decimals, potential, rounded_emissions, term_values

PLACES = Decimals("made up", amount=2, net_calorific_value=3, carbon_content=5, emissions=2)


def test_unlisted_sectors_count_as_reporting() -> None:
    assert sector_accounting("mining") is sector_accounting("reporting")
    assert set(accounting_sectors) >= {"power", "steel", "cement", "aluminium", "reporting"}


@pytest.mark.parametrize("sector", ["chemicals", "petrochemicals", "flat_glass", "copper", "paper", "aviation"])
def test_reporting_guidance_keeps_what_all_reporting_sectors_share(sector: str) -> None:
    own, shared = sector_accounting(sector), sector_accounting("reporting")
    assert issubclass(own, shared)
    assert own.deducts_exports
    assert own.table_set == "legacy_sector_guides"
    assert set(shared.data_items) <= set(own.data_items)


@pytest.mark.parametrize("sector", list(accounting_sectors))
def test_every_sector_says_which_data_its_guide_asks_for(sector: str) -> None:
    items = sector_accounting(sector).data_items
    assert items
    assert len({item.name for item in items}) == len(items)
    for item in items:
        assert all((item.name, item.zh, item.held_in, item.unit, item.source))
        assert item.zh != item.name


@pytest.mark.parametrize("sector", list(accounting_sectors))
def test_what_a_sector_refuses_it_refuses_in_both_languages(sector: str) -> None:
    accounting = sector_accounting(sector)
    assert accounting.check_terms("combustion", "no_such_thing", frozenset()) == ("", "")
    for name in getattr(accounting, "refuses", {}):
        message, chinese = accounting.check_terms("material_input", name, frozenset())
        assert f"'{name}'" in message
        assert f"“{name}”" in chinese


def test_a_sector_can_be_added_from_outside() -> None:
    class Kiln(SectorAccounting):
        """A sector that covers its kilns only."""

        boundary_processes: ClassVar[frozenset[str] | None] = frozenset({"kiln"})

    accounting_sectors.register("ferroalloy")(Kiln)
    try:
        study = scenario(
            enterprises=[{"enterprise": "e", "sector": "ferroalloy"}],
            facilities=[
                {"facility": "kiln", "enterprise": "e", "process": "kiln"},
                {"facility": "boiler", "enterprise": "e", "process": "boiler"},
            ],
            activity=[
                {"facility": name, "stream": "coal", "method": "combustion", "factor": "bituminous", "quantity": 1}
                for name in ("kiln", "boiler")
            ],
        )
        covered = build_inventory(study).covered_emissions.sel(year=2024)
    finally:
        accounting_sectors.unregister("ferroalloy")
    assert float(covered.sel(facility="kiln")) > 0
    assert float(covered.sel(facility="boiler")) == 0


def test_a_ledger_holds_the_facilities_of_its_own_sector() -> None:
    row = {"stream": "gas", "method": "combustion", "factor": "natural_gas", "quantity": 1, "unit": "1e4_Nm3"}
    sectors = {"mill": "paper", "works": "chemicals", "mine": "mining", "lime": "other_industry"}
    inventory = build_inventory(
        scenario(
            enterprises=[{"enterprise": name, "sector": sector} for name, sector in sectors.items()],
            facilities=[{"facility": name, "enterprise": name, "process": "boiler"} for name in sectors],
            activity=[{"facility": name, **row} for name in sectors],
        )
    )
    # "reporting" stands for every sector without its own accounting.
    expected = {"paper": ["mill"], "chemicals": ["works"], "reporting": ["mine", "lime"], "cement": []}
    for sector, names in expected.items():
        ledger = sector_accounting(sector).verified(inventory, 2024)
        assert ledger.facility.values.tolist() == names, sector


def coal(**more: float) -> xr.Dataset:
    row = {"method": "combustion", "factor": "bituminous", "quantity": 10.004, **more}
    return build_inventory(one_site("chemicals", "boiler", [row]))


def test_a_rounded_fuel_row_follows_its_three_terms() -> None:
    # 10.004 -> 10.00 t; measured 20.1234 -> 20.123 GJ/t; 26.1234 tC/TJ = 0.0261234 -> 0.02612 tC/GJ; 93 %
    #   10 x 20.123 = 201.23; x 0.02612 = 5.2561276; x 0.93 = 4.888198668; x 44/12 = 17.923395116 -> 17.92
    #   without the rate: 5.2561276 x 44/12 = 19.272467867 -> 19.27
    streams = coal(net_calorific_value=20.1234, carbon_content=26.1234).sel(year=2024)
    assert rounded_emissions(streams, PLACES, enters=True, oxidised=True).tolist() == pytest.approx([17.92], abs=1e-9)
    assert rounded_emissions(streams, PLACES, enters=True, oxidised=False).tolist() == pytest.approx([19.27], abs=1e-9)


def test_a_share_taken_off_a_fuel_stays_in_the_rounded_row() -> None:
    # Default 23.204 GJ/t, 0.02618 tC/GJ, 93 %; half of the carbon is biogenic with evidence.
    #   10 x 23.204 x 0.02618 x 0.93 x 44/12 = 20.71499... ; half of it 10.357 -> 10.36
    inventory = coal()
    halved = inventory.assign(emission_factor=inventory["emission_factor"] / 2)
    assert rounded_emissions(halved.sel(year=2024), PLACES, enters=True, oxidised=True).tolist() == [10.36]


def test_terms_and_potentials_are_read_from_the_inventory() -> None:
    inventory = coal()
    assert term_values(inventory, 2024, "oxidation").tolist() == [0.93]
    np.testing.assert_array_equal(term_values(inventory, 2024, "anode_consumption"), [0.0])
    assert potential(inventory, "CF4", 2024) == 6630
