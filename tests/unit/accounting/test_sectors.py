"""The ledger of each sector: roundings of the law where they were read, and the registry."""

from typing import ClassVar

import pytest
from accounting_builders import one_site, scenario

from carbonsim.accounting import SectorAccounting, accounting_sectors, build_inventory
from carbonsim.accounting.core import sector_accounting
from carbonsim.accounting.sectors.steel import verified


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


def test_oxidation_of_an_own_power_unit_moves_emissions_to_other_and_keeps_the_total() -> None:
    # 100 x 1e4 Nm3 of furnace gas: 100 x 33 x 0.0708 x 44/12 = 856.68; formula (3) with 99 %: 848.1132 -> 848.11
    # Formula (4): other = 856.68 - 848.11 = 8.57
    rows = [{"method": "combustion", "factor": "bf_gas", "quantity": 100, "unit": "1e4_Nm3"}]
    study = scenario(
        enterprises=[{"enterprise": "e", "sector": "steel"}],
        facilities=[
            {"facility": "bf", "enterprise": "e", "process": "ironmaking"},
            {"facility": "unit", "enterprise": "e", "process": "power_unit", "output_unit": "MWh"},
        ],
        activity=[{"facility": "unit", "stream": "gas", **rows[0]}],
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
    assert float(ledger.intensity) == pytest.approx(1.4286, abs=1e-12)  # 40 000 / 28 000 = 1.428571...


def test_sectors_without_a_read_rounding_say_so() -> None:
    row = {"method": "clinker", "factor": "cets2024_clinker_portland", "quantity": 10.001}
    inventory = build_inventory(one_site("cement", "clinker_line", [row, {"method": "output", "quantity": 10.001}]))
    ledger = sector_accounting("cement").verified(inventory, 2024)
    assert float(ledger.emissions.sel(facility="f")) == pytest.approx(10.001 * 0.535)
    assert float(ledger.intensity.sel(facility="f")) == pytest.approx(0.535)
    assert "no rounding rule" in ledger.attrs["rounding"]


def test_unlisted_sectors_count_as_reporting() -> None:
    assert sector_accounting("paper") is sector_accounting("reporting")
    assert set(accounting_sectors) >= {"power", "steel", "cement", "aluminium", "reporting"}


def test_a_sector_can_be_added_from_outside() -> None:
    class Kiln(SectorAccounting):
        """A sector that covers its kilns only."""

        boundary_processes: ClassVar[frozenset[str] | None] = frozenset({"kiln"})

    accounting_sectors.register("paper")(Kiln)
    try:
        study = scenario(
            enterprises=[{"enterprise": "e", "sector": "paper"}],
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
        accounting_sectors.unregister("paper")
    assert float(covered.sel(facility="kiln")) > 0
    assert float(covered.sel(facility="boiler")) == 0
