"""Roundings of the reporting guidelines, applied to the streams of an inventory for the verified ledger only.

Dimensions inside: s stream, e enterprise, f facility. Nothing here changes an inventory: a ledger is its own table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.accounting.core import Bools, Labels
from carbonsim.accounting.formula import UNUSED
from carbonsim.accounting.lookup import carbon_dioxide_per_heat
from carbonsim.accounting.rounding import round_half_up

Floats = NDArray[np.float64]
CO2: Final = "CO2"
PERCENT_PLACES: Final = 2  # a share has two decimals more than the same number in per cent
# A fuel's factor that departs from the product of its three terms by less than this holds no other term.
_SAME: Final = 1e-9
_TJ_PLACES: Final = 3  # carbon per TJ has three decimals fewer than carbon per GJ


@dataclass(frozen=True, slots=True)
class Decimals:
    """Decimals that a guideline keeps in its ledger; ``carbon_content`` counts those of tC/GJ, as it writes them."""

    source: str
    amount: int
    net_calorific_value: int
    carbon_content: int
    emissions: int


def covered_streams(inventory: xr.Dataset, sector: str, year: int) -> xr.Dataset:
    """One year of an inventory with only those streams of the sector that its market covers."""
    at = inventory.sel(year=year)
    chosen = (at["stream_sector"] == sector).values & at["stream_covered"].values
    return at.isel(stream=np.flatnonzero(chosen))


def rounded_emissions(streams: xr.Dataset, decimals: Decimals, *, enters: bool, oxidised: bool) -> Floats:
    """Carbon dioxide of each stream [tCO2], from amounts and fuel terms as the guideline rounds them.

    Parameters
    ----------
    streams : Dataset (stream)
        One year of an inventory.
    decimals : Decimals
    enters : bool
        Whether the inventory's factors of burnt fuels hold the oxidation rate.
    oxidised : bool
        Whether the formula of this table has an oxidation rate.

    Returns
    -------
    array [tCO2] (stream)
        Negative for carbon that leaves.

    Notes
    -----
    A share that is taken off besides, such as carbon of biogenic origin, stays unrounded: no guideline that was read
    keeps decimals for it.
    """
    quantity = round_half_up(streams["activity"].values, decimals.amount)
    factor = streams["emission_factor"].sel(gas=CO2).values
    burning = streams["method"].values == "combustion"
    heat = quantity * round_half_up(streams["net_calorific_value"].values, decimals.net_calorific_value)
    carbon = round_half_up(streams["carbon_content"].values, decimals.carbon_content - _TJ_PLACES)
    oxidation = np.where(burning & oxidised, streams["oxidation"].values, 1.0)
    fuel = heat * carbon * carbon_dioxide_per_heat() * oxidation * _other_terms(streams, burning & enters)
    amounts = np.where(streams["from_fuel"].values, np.sign(factor) * fuel, quantity * factor)
    return round_half_up(amounts, decimals.emissions)


def _other_terms(streams: xr.Dataset, oxidised: Bools) -> Floats:
    """What multiplies a fuel's carbon besides calorific value, carbon content and oxidation (stream); 1 where none."""
    used = np.abs(streams["emission_factor"].sel(gas=CO2).values)
    oxidation = np.where(oxidised, streams["oxidation"].values, 1.0)
    full = (
        streams["net_calorific_value"].values * streams["carbon_content"].values * carbon_dioxide_per_heat() * oxidation
    )
    known = full > 0
    share = np.where(known, used / np.where(known, full, 1.0), 1.0)
    return np.asarray(np.where(np.isclose(share, 1.0, rtol=0.0, atol=_SAME), 1.0, share))


def term_values(inventory: xr.Dataset, year: int, name: str) -> Floats:
    """The value of a term in the formula of each stream (stream) in a year; 0 where it does not enter."""
    values = np.zeros(inventory.sizes["stream"])
    column = np.flatnonzero(inventory["term"].values == name)
    if not column.size:
        return values
    enters = inventory["term_form"].values[:, column[0]] != UNUSED
    used = inventory["term_value"].sel(year=year).values[:, column[0]]
    values[inventory["component_place"].values[enters]] = used[enters]
    return values


def rounded_item(
    streams: xr.Dataset, amounts: Floats, chosen: Bools, decimals: Decimals, names: Sequence[str]
) -> Floats:
    """One item of a ledger by facility, to which several rows of a month add: the months rounded, then added.

    Parameters
    ----------
    streams : Dataset (stream)
        One year of an inventory.
    amounts : array [tCO2e] (stream)
        Unrounded emissions of the rows.
    chosen : array of bool (stream)
        The rows of the item.
    decimals : Decimals
    names : sequence of str
        Facilities, in the order of the result.
    """
    facility = streams["stream_facility"].values
    month = streams["stream_month"].values if "stream_month" in streams.coords else np.zeros(len(facility), dtype=int)
    months = [sums(amounts, facility, names, chosen & (month == number)) for number in np.unique(month)]
    rounded = [round_half_up(values, decimals.emissions) for values in months]
    return np.asarray(np.sum(rounded, axis=0)) if rounded else np.zeros(len(names))


def sums(values: Floats, labels: Labels, names: Sequence[str], chosen: Bools | None = None) -> Floats:
    """Sum of the values by label, in the order of the names; ``chosen`` leaves the others out.

    >>> sums(np.array([1.0, 2.0, 4.0]), np.array(["b", "a", "b"]), ["a", "b"]).tolist()
    [2.0, 5.0]
    """
    order = {name: place for place, name in enumerate(names)}
    places = np.array([order[label] for label in labels.tolist()], dtype=np.intp)
    weights = values if chosen is None else np.where(chosen, values, 0.0)
    return np.bincount(places, weights=weights, minlength=len(names)).astype(float)


def ratio(emissions: Floats, output: Floats, places: int | None = None) -> tuple[Floats, Bools]:
    """Emissions per unit of output, 0 where there is no output, and where there is; rounded where a rule was read.

    >>> values, known = ratio(np.array([2.0, 1.0]), np.array([3.0, 0.0]), 4)
    >>> values.tolist(), known.tolist()
    ([0.6667, 0.0], [True, False])
    """
    known = output > 0
    quotient = np.where(known, emissions / np.where(known, output, 1.0), 0.0)
    return (quotient if places is None else round_half_up(quotient, places)), np.asarray(known, dtype=bool)


def potential(inventory: xr.Dataset, gas: str, year: int) -> float:
    """Warming potential of a gas [tCO2e/t] in the market's set of the year."""
    found = inventory["market_gwp" if "market_gwp" in inventory else "gwp"].sel(gas=gas)
    return float(found.sel(year=year) if "year" in found.dims else found)
