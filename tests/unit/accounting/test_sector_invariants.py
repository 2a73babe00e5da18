"""What every registered sector's accounting must hold, run on each of them."""

import numpy as np
import pytest
import xarray as xr
from accounting_builders import scenario

from carbonsim.accounting import accounting_sectors, build_inventory
from carbonsim.accounting.core import sector_accounting

PROCESSES = ("clinker_line", "potline", "ironmaking", "sintering", "power_unit", "grinding", "electric_furnace")


def inventory(sector: str, names: tuple[str, ...] = ("a", "b"), scale: float = 1.0) -> xr.Dataset:
    """Two enterprises with a facility of each process: a measured fuel, electricity, output."""
    facilities = [
        {"facility": f"{name}_{process}", "enterprise": name, "process": process}
        for name in names
        for process in PROCESSES
    ]
    rows = (
        {"stream": "oil", "method": "combustion", "factor": "diesel", "quantity": 10 * scale,
         "net_calorific_value": 42.0},
        {"stream": "grid", "method": "electricity_purchased", "quantity": 5 * scale, "unit": "MWh"},
        {"stream": "out", "method": "output", "quantity": 100 * scale},
    )  # fmt: skip
    activity = [{"facility": site["facility"], **row} for site in facilities for row in rows]
    # "reporting" is the accounting of every sector without its own, such as mining.
    name = "mining" if sector == "reporting" else sector
    return build_inventory(
        scenario(
            enterprises=[{"enterprise": item, "sector": name} for item in names],
            facilities=facilities,
            activity=activity,
        )
    )


@pytest.mark.parametrize("sector", list(accounting_sectors))
def test_key_streams_are_covered_and_covered_streams_are_direct(sector: str) -> None:
    found = inventory(sector)
    assert not (found.stream_key & ~found.stream_covered).any()
    covered = found.stream_covered.any("year") if "year" in found.stream_covered.dims else found.stream_covered
    assert (found.stream_scope.values[covered.values] == 1).all()
    assert float(found.key_emissions.sum()) <= float(found.covered_emissions.sum()) + 1e-9
    assert float(found.covered_emissions.sum()) <= float(found.emissions_co2e.sum()) + 1e-9


@pytest.mark.parametrize("sector", list(accounting_sectors))
def test_every_sector_scales_with_activity(sector: str) -> None:
    one, three = inventory(sector), inventory(sector, scale=3.0)
    for name in ("covered_emissions", "key_emissions", "key_output", "emissions_co2e"):
        np.testing.assert_allclose(three[name].values, 3 * one[name].values, rtol=1e-12)


@pytest.mark.parametrize("sector", list(accounting_sectors))
def test_the_order_of_enterprises_is_irrelevant_in_every_sector(sector: str) -> None:
    one, other = inventory(sector, ("a", "b")), inventory(sector, ("b", "a"))
    for name in ("covered_emissions", "key_emissions", "key_output"):
        xr.testing.assert_identical(one[name], other[name].sel(facility=one.facility.values))


@pytest.mark.parametrize("sector", list(accounting_sectors))
def test_every_sector_says_which_rounding_its_ledger_has(sector: str) -> None:
    ledger = sector_accounting(sector).verified(inventory(sector), 2024)
    assert ledger.attrs["rounding"]
    assert {"emissions", "key_emissions", "key_output", "intensity", "has_intensity"} <= set(ledger.data_vars)
