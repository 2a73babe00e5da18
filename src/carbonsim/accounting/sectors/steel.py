"""Steel: a mass balance of the whole enterprise; the key emissions are those of sintering and ironmaking."""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np
import xarray as xr

from carbonsim.accounting.combustion import combustion_emissions
from carbonsim.accounting.core import Bools, SectorAccounting, StreamView, accounting_sectors
from carbonsim.accounting.rounding import round_half_up
from carbonsim.dims import exact

KEY_PROCESSES = frozenset({"ironmaking", "sintering"})
# Not on the list: stand-alone electric furnaces, rolling and foundry (list rules of 2027, 3110 and 3120 long route).
OUTSIDE_ALONE = frozenset({"electric_furnace", "rolling", "foundry"})
POWER_UNIT: Final = "power_unit"
AMOUNT, CALORIFIC, CARBON, EMISSIONS, TOTAL, INTENSITY = 2, 3, 5, 2, 0, 4  # decimals of tables C.3 to C.5
_TJ_PER_GJ_PLACES: Final = 3  # the guideline writes carbon content per GJ, the tables here per TJ


@accounting_sectors.register("steel")
class Steel(SectorAccounting):
    """Long-route steel under the guideline of 2024, formulas (1) to (4).

    The obligation is formula (1), a mass balance of the enterprise without an oxidation rate. Formula (3), the
    self-owned power units, has one, but formula (4) gives what it takes off to "other": the enterprise's total is
    not touched, so no oxidation rate enters the streams. Key emissions follow formula (2): the net fuel carbon of
    sintering and ironmaking, without carbonates. Materials that table A.2 does not list are not accounted for.

    References
    ----------
    source: cets-ag-03-steel-2024.
    """

    table_set: ClassVar[str] = "cets_steel_2024"
    process_sets: ClassVar[frozenset[str] | None] = frozenset({"cets_steel_2024"})
    oxidation_enters: ClassVar[bool] = False
    ledger_oxidation: ClassVar[frozenset[str]] = frozenset({POWER_UNIT})
    key_processes: ClassVar[frozenset[str] | None] = KEY_PROCESSES
    output_processes: ClassVar[frozenset[str] | None] = frozenset({"ironmaking"})

    @classmethod
    def in_boundary(cls, streams: StreamView) -> Bools:
        """All streams of an enterprise, unless all its processes stay off the list when they stand alone."""
        return streams.of_enterprises_beyond(OUTSIDE_ALONE)

    @classmethod
    def in_key(cls, streams: StreamView) -> Bools:
        """Net fuel carbon of sintering and ironmaking (formula 2), or emissions stated for those processes."""
        key = super().in_key(streams)
        process = streams.in_process(KEY_PROCESSES)
        return np.asarray(key & (~process | streams.from_fuel | (streams.category == "reported")), dtype=bool)

    @classmethod
    def verified(cls, inventory: xr.Dataset, year: int) -> xr.Dataset:
        """Verified data of the steel enterprises in a year, rounded as the guideline says."""
        return verified(inventory, year)


@exact
def verified(inventory: xr.Dataset, year: int) -> xr.Dataset:
    """The ledger of the steel enterprises in a year, with the roundings of tables C.3 to C.5.

    Parameters
    ----------
    inventory : Dataset
        As ``build_inventory`` returns it.
    year : int

    Returns
    -------
    Dataset (enterprise)
        ``emissions`` [tCO2e] of the enterprise, an integer; ``power_unit_emissions`` of self-owned power units with
        their oxidation rate, ``key_emissions`` of sintering and ironmaking, ``other_emissions`` (formula 4) [tCO2e],
        two decimals; ``key_output`` [t] and ``intensity`` [tCO2e/t], four decimals, where ``has_intensity``.

    References
    ----------
    source: cets-ag-03-steel-2024, formulas (1) to (4), notes 2, 4 and 1 of tables C.3, C.4 and C.5.
    """
    at = inventory.sel(year=year)
    steel = at.isel(stream=np.flatnonzero((at["stream_sector"] == "steel").values & at["stream_covered"].values))
    amount = _rounded_emissions(steel, oxidised=False)
    process = steel["process"].sel(facility=steel["stream_facility"].values).values
    own_power = process == POWER_UNIT
    in_process = steel["stream_key"].values
    names = at["enterprise"].values[at["sector"].values == "steel"].tolist()

    def total(values: np.ndarray, chosen: np.ndarray | None = None) -> np.ndarray:
        weights = values if chosen is None else np.where(chosen, values, 0.0)
        position = {name: place for place, name in enumerate(names)}
        index = np.array([position[name] for name in steel["stream_enterprise"].values], dtype=np.intp)
        return np.bincount(index, weights=weights, minlength=len(names))

    enterprise = round_half_up(total(amount), EMISSIONS)
    power = round_half_up(total(_rounded_emissions(steel, oxidised=True), own_power), EMISSIONS)
    stated = at["key_emissions"].groupby("facility_enterprise").sum().reindex(facility_enterprise=names).values
    has_stated = np.isin(names, at["facility_enterprise"].values[at["reports_key"].values])
    key = round_half_up(np.where(has_stated, stated, total(amount, in_process)), EMISSIONS)
    output = at["key_output"].groupby("facility_enterprise").sum().reindex(facility_enterprise=names).values
    output = round_half_up(output, AMOUNT)
    has_output = output > 0
    intensity = round_half_up(key / np.where(has_output, output, 1.0), INTENSITY)
    table = {
        "emissions": round_half_up(enterprise, TOTAL),
        "power_unit_emissions": power,
        "key_emissions": key,
        "other_emissions": round_half_up(enterprise - key - power, EMISSIONS),
    }
    ledger = {name: ("enterprise", values, {"units": "tCO2e"}) for name, values in table.items()}
    ledger["key_output"] = ("enterprise", output, {"units": "t"})
    ledger["intensity"] = ("enterprise", np.where(has_output, intensity, 0.0), {"units": "tCO2e/t"})
    return xr.Dataset(
        {**ledger, "has_intensity": ("enterprise", has_output)},
        coords={"enterprise": names},
        attrs={"rounding": "cets-ag-03-steel-2024, tables C.3 to C.5"},
    )


def _rounded_emissions(steel: xr.Dataset, *, oxidised: bool) -> np.ndarray:
    """Emissions of each stream, two decimals, from rounded amounts, calorific values and carbon contents."""
    quantity = round_half_up(steel["activity"].values, AMOUNT)
    fuel = steel["from_fuel"].values
    calorific = round_half_up(steel["net_calorific_value"].values, CALORIFIC)
    carbon = round_half_up(steel["carbon_content"].values, CARBON - _TJ_PER_GJ_PLACES)
    oxidation = steel["oxidation"].values if oxidised else 1.0
    sign = np.sign(steel["emission_factor"].sel(gas="CO2").values)
    burnt = sign * combustion_emissions(quantity, calorific, carbon, oxidation)
    plain = quantity * steel["emission_factor"].sel(gas="CO2").values
    return round_half_up(np.where(fuel, burnt, plain), EMISSIONS)
