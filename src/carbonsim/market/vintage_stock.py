"""Stocks of allowances by vintage: the oldest usable goes first, what outlives its life expires."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carbonsim.market.instruments.vintages import Vintages
from carbonsim.market.problem import MarketProblem
from carbonsim.market.supply import Array

DUST = 1e-9  # a stock below this share of the year's need is rounding


@dataclass(frozen=True, slots=True, eq=False)
class VintageStock:
    """What becomes of each vintage in each year, arrays [allowance] (vintage, year).

    ``stock`` is what is left at the end of a year, negative for a vintage of a later year that was used before it.
    ``missing`` [allowance] (year) is need that no vintage could serve.
    """

    vintage: tuple[int, ...]
    surrendered: Array
    expired: Array
    stock: Array
    missing: Array


def vintages_of(problem: MarketProblem) -> Vintages | None:
    """The problem's vintages, or None if allowances carry no year."""
    return next((one for one in problem.instruments if isinstance(one, Vintages)), None)


def oldest_first(problem: MarketProblem, rule: Vintages, issued: Array, needed: Array) -> VintageStock:
    """Stocks when each year surrenders the oldest allowances it may.

    No other order lets fewer allowances expire, since every vintage may be used for equally long.

    Parameters
    ----------
    problem : MarketProblem
    rule : Vintages
    issued : array [allowance] (year)
        Everything issued with the year as its vintage, free or sold.
    needed : array [allowance] (year)
        Allowances surrendered in each year.

    Returns
    -------
    VintageStock
    """
    years, opening = problem.year, rule.opening_stock(problem.opening_bank)
    vintage = (*opening, *years)
    source = np.concatenate([list(opening.values()), issued])
    shape = (len(vintage), len(years))
    surrendered, expired, stock = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    missing, left = np.zeros(len(years)), source.copy()
    for y, year in enumerate(years):
        need = float(needed[y])
        dust = DUST * max(abs(need), 1.0)
        for row, born in enumerate(vintage):
            if need > 0 and rule.first_year(born) <= year <= rule.last_year(born):
                surrendered[row, y] = min(left[row], need)
                left[row] -= surrendered[row, y]
                need -= surrendered[row, y]
        missing[y] = need if need > dust else 0.0
        left[np.abs(left) <= dust] = 0.0
        for row, born in enumerate(vintage):
            if year == rule.last_year(born):
                expired[row, y], left[row] = left[row], 0.0
            stock[row, y] = left[row] - (source[row] if born > year else 0.0)
    return VintageStock(vintage, surrendered, expired, stock, missing)
