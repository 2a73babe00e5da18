"""The bank from year to year: what each year leaves is kept, owed or lost, as the rules at its end say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carbonsim.market.carry_over import carry_over
from carbonsim.market.problem import MarketProblem
from carbonsim.market.supply import Array
from carbonsim.market.vintage_stock import oldest_first, vintages_of

DUST = 1e-11  # a bank below this share of the year's obligations is rounding


@dataclass(frozen=True, slots=True, eq=False)
class BankPath:
    """Bank at the end of each year (negative: owed), allowances that expire, and interest paid on what was owed."""

    bank: Array
    expired: Array
    interest: Array


def bank_path(problem: MarketProblem, sold: Array, bought: Array, obligation: Array, free: Array) -> BankPath:
    """The bank that yearly sales and purchases lead to.

    Parameters
    ----------
    problem : MarketProblem
    sold, bought : array [allowance] (year)
        Supply and sales of all steps, and what enterprises take of it and of the bank.
    obligation : array [tCO2e] (year)
        Obligations of all enterprises, against which rounding is judged.
    free : array [allowance] (year)
        Free allocation, which is issued with a vintage as what is sold is.

    Returns
    -------
    BankPath
    """
    vintages = vintages_of(problem)
    if vintages is not None:
        stocks = oldest_first(problem, vintages, free + sold, free + bought)
        return BankPath(stocks.stock.sum(axis=0), stocks.expired.sum(axis=0), np.zeros_like(sold))
    surplus = sold - bought
    carry = carry_over(problem)
    bank, expired, interest = (np.zeros_like(surplus) for _ in range(3))
    carried = problem.opening_bank
    for y, amount in enumerate(surplus):
        if y:
            interest[y] = carry.interest[y - 1] * max(-carried, 0.0)
        left = carried + amount - interest[y]
        if abs(left) <= DUST * max(obligation[y], 1.0):
            left = 0.0
        bank[y], expired[y] = (left, 0.0) if carry.kept[y] else (0.0, left)
        carried = bank[y]
    return BankPath(bank, expired, interest)
