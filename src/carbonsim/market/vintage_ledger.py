"""What a market with vintages publishes beside the totals: stock, surrender, expiry and price of each vintage."""

from __future__ import annotations

import numpy as np
import xarray as xr

from carbonsim.market.instruments.vintages import Vintages
from carbonsim.market.problem import MarketProblem
from carbonsim.market.supply import Array
from carbonsim.market.vintage_stock import oldest_first


def vintage_arrays(problem: MarketProblem, rule: Vintages, dataset: xr.Dataset) -> dict[str, xr.DataArray]:
    """Arrays over (vintage, year) that follow from a cleared market.

    Returns
    -------
    dict of DataArray
        ``vintage_stock`` (at the end of the year; negative if used before its own year), ``vintage_surrendered`` and
        ``vintage_expired`` [allowance], ``vintage_price`` [CNY/allowance] (NaN where the vintage may not yet, or no
        longer, be surrendered).
    """
    free = dataset.free_allocation.values.sum(axis=0)
    sold = dataset.sold_auction.values + dataset.ceiling_sold.values + dataset.reserve_sold.values.sum(axis=0)
    needed = free + dataset.net_purchase.values.sum(axis=0)
    stocks = oldest_first(problem, rule, free + dataset.issued_fixed.values + sold, needed)
    price = np.where(np.isnan(dataset.allowance_price.values), dataset.price_low.values, dataset.allowance_price.values)
    tables = {
        "vintage_stock": (stocks.stock, "allowance"),
        "vintage_surrendered": (stocks.surrendered, "allowance"),
        "vintage_expired": (stocks.expired, "allowance"),
        "vintage_price": (vintage_prices(problem, rule, stocks.vintage, price), "CNY/allowance"),
    }
    coords = {"vintage": list(stocks.vintage), "year": list(problem.year)}
    return {
        name: xr.DataArray(values, dims=("vintage", "year"), coords=coords, attrs={"units": units})
        for name, (values, units) in tables.items()
    }


def vintage_prices(problem: MarketProblem, rule: Vintages, vintage: tuple[int, ...], price: Array) -> Array:
    """Price of each vintage in each year: the best use it can still be put to, discounted to that year."""
    present = price * problem.discount
    found = np.full((len(vintage), len(price)), np.nan)
    for row, born in enumerate(vintage):
        for y, year in enumerate(problem.year):
            if rule.first_year(born) <= year <= rule.last_year(born):
                uses = [p for at, p in zip(problem.year, present, strict=True) if year <= at <= rule.last_year(born)]
                found[row, y] = max(uses) / problem.discount[y]
    return found
