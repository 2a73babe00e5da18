"""What may cross each year end for the market as a whole: owed, kept or lost, and what the last year leaves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from carbonsim.market.instruments.banking import Banking
from carbonsim.market.instruments.terminal_bank import TerminalBank
from carbonsim.market.problem import MarketProblem
from carbonsim.market.supply import Array


@dataclass(frozen=True, slots=True, eq=False)
class CarryOver:
    """The rules at the end of each year, for engines that clear the market as a whole.

    Parameters
    ----------
    limit : array [allowance] (year)
        Allowances that may be owed to the next year: ``inf`` where nothing limits them, inside a compliance period
        or under unlimited borrowing; 0 in the last year.
    kept : array of bool (year)
        Whether what is left serves the next year; else it expires, and nothing may be owed.
    interest : array [1] (year)
        Allowances owed next year on top of each one owed.
    at_least : float [allowance]
        Allowances to be left in the last year.
    value : float [CNY/allowance]
        Worth of an allowance left in the last year, in money of that year: a floor under its price.
    """

    limit: Array
    kept: NDArray[np.bool_]
    interest: Array
    at_least: float
    value: float

    @property
    def joined(self) -> NDArray[np.bool_]:
        """Years that share their discounted price with the next whatever happens."""
        return np.asarray(np.isinf(self.limit) & (self.interest == 0))

    def demand_shift(self) -> Array:
        """What to add to each year's net demand so that the bank, counted from its limit, is never negative."""
        limit = np.where(np.isinf(self.limit), 0.0, self.limit)
        shift = -np.diff(np.concatenate([[0.0], limit]))
        shift[-1] += self.at_least
        return np.asarray(shift)

    def floor(self, discount: Array) -> Array:
        """Discounted price below which allowances of each year are kept beyond the last, (year)."""
        floor = np.zeros(len(discount))
        floor[-1] = self.value * discount[-1]
        return floor


def carry_over(problem: MarketProblem) -> CarryOver:
    """The rules of a problem's instruments at the end of each year.

    Examples
    --------
    >>> from carbonsim.market import MarketProblem
    >>> problem = MarketProblem.from_mapping({
    ...     "year": [2025, 2026, 2027], "enterprises": {"north": {"baseline": 1}},
    ...     "instruments": {"compliance_periods": {"ends": [2026, 2027]}},
    ... })
    >>> carry_over(problem).limit, carry_over(problem).kept
    (array([inf,  0.,  0.]), array([ True, False, False]))
    """
    years, inside = len(problem.year), problem.within_period
    banking = next((i for i in problem.instruments if isinstance(i, Banking)), None)
    terminal = next((i for i in problem.instruments if isinstance(i, TerminalBank)), None)
    limit = np.zeros(years) if banking is None else banking.limit(years)
    interest = np.zeros(years) if banking is None else banking.interest(years)
    kept = inside | (banking is not None)
    kept[-1] = banking is not None or terminal is not None
    return CarryOver(
        limit=np.where(inside, np.inf, limit),
        kept=kept,
        interest=np.where(inside, 0.0, interest),
        at_least=float((terminal and terminal.at_least) or 0.0),
        value=float((terminal and terminal.value) or 0.0),
    )


def terminal_words(problem: MarketProblem) -> str:
    """What becomes of allowances left in the last year, as a sentence."""
    last = problem.year[-1]
    if problem.given_price is not None:
        return "The market is open: whatever is left is sold outside at the given price, so nothing is carried."
    carry = carry_over(problem)
    if carry.at_least:
        return f"At least {carry.at_least:,.6g} allowances are left at the end of {last}; more are worth nothing."
    if carry.value:
        return f"An allowance left at the end of {last} is worth {carry.value:,.6g} CNY of that year."
    if any(instrument.label == "vintages" for instrument in problem.instruments):
        return f"Allowances left at the end of {last} are worth nothing, whatever life their vintage has left."
    if carry.kept[-1]:
        return f"Allowances left at the end of {last} are worth nothing."
    return "Allowances left when they can no longer be surrendered expire; those of the last year are worth nothing."
