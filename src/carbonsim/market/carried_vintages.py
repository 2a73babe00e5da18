"""Vintages from one decision to the next: what a window opens with, and the stocks of the implemented years as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import xarray as xr

from carbonsim.market.instruments.vintages import CarriedVintages
from carbonsim.market.problem import MarketProblem
from carbonsim.market.supply import Instrument
from carbonsim.market.vintage_stock import vintages_of

NONE_HELD = {"vintage_price": np.nan}  # of a vintage that a window does not hold; stocks and flows are 0


def stock_left(dataset: xr.Dataset, year: int) -> dict[int, float]:
    """Allowances of each vintage left at the end of a year, those with none left out."""
    left = dataset["vintage_stock"].sel(year=year)
    return {int(born): float(left.sel(vintage=born)) for born in left.vintage.values if float(left.sel(vintage=born))}


def with_opening(instruments: Sequence[Instrument], stock: Mapping[int, float]) -> list[Instrument]:
    """The instruments of a window whose vintages open with a stock."""
    return [replace(one, opening=stock or None) if isinstance(one, CarriedVintages) else one for one in instruments]


def over_all_vintages(realised: MarketProblem, dataset: xr.Dataset) -> xr.Dataset:
    """The arrays by vintage over every vintage of the whole market, whether or not a window held it."""
    rule = vintages_of(realised)
    if rule is None:
        return dataset
    vintage = [*rule.opening_stock(realised.opening_bank), *realised.year]
    names = [str(name) for name in dataset.data_vars if "vintage" in dataset[name].dims]
    whole = {name: dataset[name].reindex(vintage=vintage, fill_value=NONE_HELD.get(name, 0.0)) for name in names}
    return dataset.drop_dims("vintage").assign(whole)
