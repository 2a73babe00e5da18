"""The verified ledger of steel enterprises: enterprise, each process, own power units and the rest."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import xarray as xr

from carbonsim.accounting.core import Bools
from carbonsim.accounting.ledger_rounding import Decimals, Floats, covered_streams, ratio, rounded_emissions, sums
from carbonsim.accounting.rounding import round_half_up
from carbonsim.dims import exact
from carbonsim.units import conversion_factor

SOURCE: Final = "cets-ag-03-steel-2024"
# Clause 7.1.1: the processes of formula (2).
MAIN_PROCESSES: Final = ("coking", "sintering", "pelletising", "ironmaking", "steelmaking", "electric_furnace")
KEY_PROCESSES = frozenset({"ironmaking", "sintering"})
STEELMAKING: Final = ("steelmaking", "electric_furnace")
POWER_UNIT: Final = "power_unit"
OTHER: Final = "other"
CRUDE_STEEL: Final = "cets2024_crude_steel_out"
# Notes 2, 4 and 1 of tables C.3, C.4 and C.5; electricity generated keeps three decimals (note 4 f of table C.4).
DECIMALS: Final = Decimals(
    f"{SOURCE}, tables C.3 to C.5", amount=2, net_calorific_value=3, carbon_content=5, emissions=2
)
TOTAL, INTENSITY, POWER_DECIMALS = 0, 4, 3
WATT_HOURS: Final = "Wh"


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
    Dataset (enterprise, process)
        Of the enterprise: ``emissions`` [tCO2e], an integer; ``key_emissions`` of sintering and ironmaking, with
        ``key_output`` [t] and ``intensity`` [tCO2e/t] where ``has_intensity``; ``crude_steel`` [t] and
        ``crude_steel_intensity`` where ``has_crude_steel_intensity``; ``power_unit_emissions`` with
        ``power_unit_generation`` [MWh] and ``power_unit_heat`` [GJ]; ``other_emissions``.
        Of each process: ``process_emissions`` [tCO2e] by formula (2) for the six main processes, by formula (3) with
        an oxidation rate for own power units, and by formula (4) for "other"; ``process_output`` [t] and
        ``process_intensity`` of the main processes where ``has_process_intensity``. Emissions have two decimals,
        intensities four.

    Notes
    -----
    Every row of the ledger is rounded, then added: a ledger of months gives the sum of the rounded months.

    References
    ----------
    source: cets-ag-03-steel-2024, formulas (1) to (4), notes 2, 4 and 1 of tables C.3, C.4 and C.5.
    """
    at = inventory.sel(year=year)
    steel = covered_streams(inventory, "steel", year)
    names = at["enterprise"].values[at["sector"].values == "steel"].tolist()
    amount = rounded_emissions(steel, DECIMALS, enters=False, oxidised=False)
    enterprise = round_half_up(sums(amount, steel["stream_enterprise"].values, names), DECIMALS.emissions)
    processes, stated_elsewhere = _process_emissions(at, steel, amount, names)
    rest = round_half_up(enterprise - processes.sum(axis=1) - stated_elsewhere, DECIMALS.emissions)
    processes = np.column_stack([processes, rest])
    key = _key_emissions(at, steel, amount, names)
    output = _by_enterprise(at, at["key_output"].values, names)
    made = _process_output(at, names)
    crude_steel = _crude_steel(at, steel, made, names)
    generated, heat = _power_output(at, names)
    tonnes, by_process = {"units": "tCO2e"}, ("enterprise", "process")
    return xr.Dataset(
        {
            "emissions": ("enterprise", round_half_up(enterprise, TOTAL), tonnes),
            "process_emissions": (by_process, processes, tonnes),
            "process_output": (by_process, made, {"units": "t"}),
            **_intensity("process_intensity", by_process, processes, made),
            "power_unit_emissions": ("enterprise", processes[:, -2], tonnes),
            "power_unit_generation": ("enterprise", generated, {"units": "MWh"}),
            "power_unit_heat": ("enterprise", heat, {"units": "GJ"}),
            "other_emissions": ("enterprise", processes[:, -1], tonnes),
            "key_emissions": ("enterprise", key, tonnes),
            "key_output": ("enterprise", output, {"units": "t"}),
            **_intensity("intensity", ("enterprise",), key, output),
            "crude_steel": ("enterprise", crude_steel, {"units": "t"}),
            **_intensity("crude_steel_intensity", ("enterprise",), enterprise, crude_steel),
        },
        coords={"enterprise": names, "process": [*MAIN_PROCESSES, POWER_UNIT, OTHER]},
        attrs={"rounding": DECIMALS.source},
    )


def _intensity(name: str, dims: tuple[str, ...], emissions: Floats, output: Floats) -> dict[str, Any]:
    """An intensity, four decimals, and the mask of where there is one."""
    values, known = ratio(emissions, output, INTENSITY)
    return {name: (dims, values, {"units": "tCO2e/t"}), f"has_{name}": (dims, known)}


def _process_emissions(at: xr.Dataset, steel: xr.Dataset, amount: Floats, names: list[str]) -> tuple[Floats, Floats]:
    """Formulas (2) and (3) by process (e, p), own power units last, and key emissions stated for no single process."""
    owner, site = steel["stream_enterprise"].values, steel["stream_facility"].values
    process = at["process"].sel(facility=site).values
    # A facility that states its key emissions has said what formula (2) gives for it.
    stated = np.isin(site, at["facility"].values[at["reports_key"].values]) & np.isin(process, sorted(KEY_PROCESSES))
    carbon = steel["from_fuel"].values | (steel["category"].values == "reported")
    oxidised = rounded_emissions(steel, DECIMALS, enters=False, oxidised=True)
    columns = [sums(amount, owner, names, (process == name) & carbon & ~stated) for name in MAIN_PROCESSES]
    columns.append(sums(oxidised, owner, names, process == POWER_UNIT))
    site_process, states = at["process"].values, at["reports_key"].values
    key = at["key_emissions"].values
    for column, name in enumerate(MAIN_PROCESSES):
        if name in KEY_PROCESSES:
            columns[column] += _by_enterprise(at, key, names, states & (site_process == name))
    elsewhere = _by_enterprise(at, key, names, states & ~np.isin(site_process, sorted(KEY_PROCESSES)))
    return round_half_up(np.column_stack(columns), DECIMALS.emissions), elsewhere


def _key_emissions(at: xr.Dataset, steel: xr.Dataset, amount: Floats, names: list[str]) -> Floats:
    """Emissions of sintering and ironmaking (e), as stated or from their streams."""
    stated = _by_enterprise(at, at["key_emissions"].values, names)
    states = np.isin(names, at["facility_enterprise"].values[at["reports_key"].values])
    streams = sums(amount, steel["stream_enterprise"].values, names, steel["stream_key"].values)
    return round_half_up(np.where(states, stated, streams), DECIMALS.emissions)


def _by_enterprise(
    at: xr.Dataset, values: Floats, names: list[str], chosen: Bools | None = None, places: int = DECIMALS.amount
) -> Floats:
    """Sum of a facility variable by steel enterprise (e), rounded."""
    own = at["facility_sector"].values == "steel"
    kept = None if chosen is None else chosen[own]
    return round_half_up(sums(values[own], at["facility_enterprise"].values[own], names, kept), places)


def _process_output(at: xr.Dataset, names: list[str]) -> Floats:
    """Product of each main process (e, p) [t]; own power units and "other" have no tonnes."""
    process = at["process"].values
    made = np.where(process == "ironmaking", at["key_output"].values, at["output"].values)
    columns = [_by_enterprise(at, made, names, process == name) for name in MAIN_PROCESSES]
    return np.column_stack([*columns, np.zeros((len(names), 2))])


def _power_output(at: xr.Dataset, names: list[str]) -> tuple[Floats, Floats]:
    """Electricity [MWh] and heat [GJ] of own power units (e); electricity is what is counted in watt hours."""
    unit, own = at["output_unit"].values, at["process"].values == POWER_UNIT
    electric = own & np.char.endswith(unit, WATT_HOURS)
    scale = np.zeros(len(unit))
    for name in np.unique(unit[electric]):
        scale[unit == name] = conversion_factor(str(name), "MWh")
    generated = _by_enterprise(at, at["output"].values * scale, names, electric, POWER_DECIMALS)
    return generated, _by_enterprise(at, at["heat_output"].values, names, own)


def _crude_steel(at: xr.Dataset, steel: xr.Dataset, process_output: Floats, names: list[str]) -> Floats:
    """Crude steel (e) [t]: what left with its carbon (clause 6.2.1.3), else the output of the steelmaking processes."""
    owner, factor = steel["stream_enterprise"].values, steel["factor"].values
    left = sums(round_half_up(steel["activity"].values, DECIMALS.amount), owner, names, factor == CRUDE_STEEL)
    made = process_output[:, [MAIN_PROCESSES.index(name) for name in STEELMAKING]].sum(axis=1)
    has_left = np.isin(names, owner[factor == CRUDE_STEEL])
    return round_half_up(np.where(has_left, left, made), DECIMALS.amount)
