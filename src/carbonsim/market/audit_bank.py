"""Audit of what is carried between years: the bank within its rules, no arbitrage over time, the terminal condition."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.market.audit_ledger import IDENTITY, LEFT, gross_volume, volume_of, worst
from carbonsim.market.audit_vintages import has_vintages, vintages_together, worthless_left
from carbonsim.market.certificate import Line
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.instruments.compliance_periods import CompliancePeriods
from carbonsim.market.instruments.terminal_bank import TerminalBank
from carbonsim.market.problem import MarketProblem

Array = NDArray[np.float64]

LEDGER = 1e-7  # relative residual accepted where a solver's tolerance enters a balance
OPTIMAL = 2e-6  # relative difference accepted between two discounted prices that must be equal
EQUAL = 1e-6
HELD = 1e-11  # a bank above this share of the year's volume joins it with the next
NOTHING = 1e-12  # of the gross volume: what is left of it by rounding


@dataclass(frozen=True, slots=True, eq=False)
class YearEnds:
    """The rules at each year end, read from the instruments and not from any engine.

    ``owed`` [allowance] is what may be owed at most (``inf`` inside a compliance period), ``serves`` whether what is
    left serves the next year, ``rate`` [1] what is owed next year on top of each allowance owed, ``last`` [allowance]
    what must be left in the last year and ``value`` [CNY] what an allowance left there is worth.
    """

    owed: Array
    serves: NDArray[np.bool_]
    rate: Array
    last: float
    value: float


def year_ends(problem: MarketProblem) -> YearEnds:
    """The rules of a problem at each year end."""
    count = len(problem.year)
    owed, rate, serves = np.zeros(count), np.zeros(count), np.zeros(count, dtype=bool)
    last = value = 0.0
    for instrument in problem.instruments:
        if isinstance(instrument, Banking):
            owed, rate = owed + instrument.borrowing, rate + instrument.borrowing_interest
            serves[:] = True
        if isinstance(instrument, TerminalBank):
            last, value = instrument.at_least or 0.0, instrument.value or 0.0
            serves[-1] = True
    owed[-1] = rate[-1] = 0.0
    for instrument in problem.instruments:
        if isinstance(instrument, CompliancePeriods):
            for y, year in enumerate(problem.year):
                if year not in instrument.ends:
                    owed[y], rate[y], serves[y] = np.inf, 0.0, True
    return YearEnds(owed, serves, rate, float(last), float(value))


def bank_lines(problem: MarketProblem, dataset: xr.Dataset) -> Iterator[Line]:
    """Issued = surrendered + interest + banked + expired, money received = money paid, the bank within its limits."""
    years, ends = problem.year, year_ends(problem)
    price = np.nan_to_num(dataset.allowance_price.values)
    bank, expired, external = dataset.bank.values, dataset.expired.values, dataset.external_purchase.values
    sold = dataset.sold_auction.values + dataset.ceiling_sold.values + dataset.reserve_sold.values.sum(axis=0)
    given = problem.given_price is not None
    before = np.concatenate([[0.0 if given else problem.opening_bank], bank[:-1]])
    free, obligation = dataset.free_allocation.values.sum(axis=0), dataset.obligation.values.sum(axis=0)
    issued = free + problem.supply + sold + external
    surrendered = obligation - dataset.offsets_used.values - dataset.penalty_tonnes.values + dataset.make_good.values
    volume = np.maximum(obligation + np.abs(issued) + np.abs(before), LEFT * gross_volume(problem))
    yield worst("ledger.issued_fixed", dataset.issued_fixed.values - problem.supply, problem.supply, IDENTITY, years)
    paid_back = np.concatenate([[0.0], ends.rate[:-1] * np.maximum(-bank[:-1], 0.0)])
    interest = dataset.borrowing_interest.values if "borrowing_interest" in dataset else np.zeros(len(years))
    yield worst("ledger.borrowing_interest", interest - paid_back, np.maximum(paid_back, 1e-6 * volume), LEDGER, years)
    # A bank or an expiry is checked against its own size too: a small one must not hide behind large flows.
    moved = before + issued - surrendered - interest - bank - expired
    smallest = np.minimum(volume, np.abs(bank) + np.abs(expired) + np.abs(external) + 1e-2 * volume)
    yield worst("ledger.allowances", moved, smallest, LEDGER, years)
    bought = dataset.net_purchase.values.sum(axis=0)
    paid = price * (bought - (problem.supply + sold + external + before - interest - bank - expired))
    yield worst("ledger.money", paid, np.maximum(price, 1.0) * volume, LEDGER, years)
    if has_vintages(problem):
        return
    least = -ends.owed
    least[-1] = ends.last
    yield worst("bank.limit", np.minimum(bank - least, 0.0), volume, LEDGER, years)
    idle = np.where(ends.serves, expired, bank)
    yield worst("bank.exists", np.abs(idle) + np.minimum(expired, 0.0), volume, LEDGER, years)


def arbitrage_lines(problem: MarketProblem, dataset: xr.Dataset, name: str, price: Array) -> Iterator[Line]:
    """No gain from holding an allowance over or from repaying a loan; equality while either is done.

    What is left at the end of a period that nothing leaves is worth nothing, and what is left in the last year is
    worth what the terminal condition says.
    """
    if problem.given_price is not None or has_vintages(problem):
        return
    ends = year_ends(problem)
    bank, volume = dataset.bank.values, volume_of(problem, dataset)
    unbounded = np.where(np.isnan(price), np.inf, price)
    lost = np.where(dataset.expired.values > EQUAL * volume, unbounded, 0.0)
    if not ends.serves.all():
        yield worst(f"price.of_expired[{name}]", lost, 1.0, OPTIMAL, problem.year)
    if ends.serves[-1]:
        final = np.nan_to_num(price[-1:])
        off = np.where(bank[-1:] - ends.last > EQUAL * volume[-1:], unbounded[-1:] - ends.value, 0.0)
        below = np.where(np.isnan(price[-1:]), 0.0, np.minimum(final - ends.value, 0.0))
        scale = np.array([max(ends.value, 1.0)])
        yield worst(f"price.of_final_bank[{name}]", np.abs(off) + np.abs(below), scale, OPTIMAL, problem.year[-1:])
    if len(price) == 1 or not ends.serves[:-1].any():
        return
    present = unbounded * problem.discount
    now, later = present[:-1], present[1:]
    scale = np.maximum(np.where(np.isinf(now), 0.0, now), 1e-3)
    serves = ends.serves[:-1]
    rise = np.where(serves, _gap(_least_ratio(ends, bank, volume, EQUAL), later, now), 0.0)
    yield worst(f"price.no_arbitrage[{name}]", np.maximum(rise, 0.0), scale, OPTIMAL, problem.year[:-1])
    ratio = _most_ratio(ends, bank, volume, EQUAL)
    fall = np.where(serves & np.isfinite(ratio), _gap(1.0, now, np.where(np.isinf(ratio), 1.0, ratio) * later), 0.0)
    yield worst(f"price.while_banking[{name}]", np.maximum(fall, 0.0), scale, OPTIMAL, problem.year[:-1])


def years_together(problem: MarketProblem, dataset: xr.Dataset, price: Array, y: int, *, down: bool) -> list[int]:
    """Years whose price must move with that of year ``y`` if it is lowered (``down``) or raised.

    They are those joined by a bank or a debt above its limit; to lower the price, later years that it is already at
    the least ratio to, and earlier ones at the most; to raise it, the other way round.
    """
    if has_vintages(problem):
        return vintages_together(problem, dataset, price, y, down=down)
    ends, bank, volume = year_ends(problem), dataset.bank.values, volume_of(problem, dataset)
    least = _least_ratio(ends, bank, volume, HELD)
    most = _most_ratio(ends, bank, volume, HELD)
    present = price * problem.discount
    now, later = present[:-1], present[1:]
    with np.errstate(invalid="ignore"):
        at_least = np.abs(now - least * later) <= EQUAL * later
        at_most = np.abs(now - np.where(np.isinf(most), 0.0, most) * later) <= EQUAL * later
    joined = least == most
    at_least, at_most = at_least | joined, (at_most & np.isfinite(most)) | joined
    back, on = (at_most, at_least) if down else (at_least, at_most)
    first = last = y
    while first > 0 and ends.serves[first - 1] and back[first - 1]:
        first -= 1
    while last < len(price) - 1 and ends.serves[last] and on[last]:
        last += 1
    return list(range(first, last + 1))


def holders_react(problem: MarketProblem, dataset: xr.Dataset, price: Array, years: list[int], *, down: bool) -> bool:
    """Whether holders of allowances hold the price of these years.

    One at which some are left cannot rise: they would be sold. One at the worth of what is left cannot fall: all would
    be kept.
    """
    if has_vintages(problem):
        return not down and worthless_left(problem, dataset, price, years)
    ends, last = year_ends(problem), max(years)
    final = last == len(price) - 1 and bool(ends.serves[last])
    worth = ends.value if final else 0.0
    at_worth = bool(price[last] <= worth * (1 + EQUAL))
    if down:
        return at_worth and final and worth > 0
    left = dataset.expired.values[last]
    if ends.serves[last]:
        left = dataset.bank.values[last] - ends.last if final else 0.0
    return at_worth and bool(left > NOTHING * gross_volume(problem)[last])


def terminal_lines(problem: MarketProblem, dataset: xr.Dataset) -> Iterator[Line]:
    """The published cost of leaving a tonne: the last year's price, and 0 in every other year."""
    ends = year_ends(problem)
    if not ends.last or "terminal_bank_price" not in dataset:
        yield Line("terminal_bank.price", float("inf") if ends.last else 0.0, IDENTITY, str(problem.year[-1]))
        return
    price = np.where(np.isnan(dataset.allowance_price.values), dataset.price_low.values, dataset.allowance_price.values)
    price[:-1] = 0.0
    yield worst("terminal_bank.price", dataset.terminal_bank_price.values - price, price, IDENTITY, problem.year)


def _gap(factor: Array | float, first: Array, second: Array) -> Array:
    """``factor * first - second``, 0 where both are infinite."""
    with np.errstate(invalid="ignore"):
        return np.nan_to_num(factor * first - second, nan=0.0, posinf=1e300, neginf=-1e300)


def _least_ratio(ends: YearEnds, bank: Array, volume: Array, held: float) -> Array:
    """Least ratio of each year's discounted price to the next one's: 1, or with interest while something is owed."""
    owing = bank[:-1] < -held * volume[:-1]
    return np.where(owing, 1.0 + ends.rate[:-1], 1.0)


def _most_ratio(ends: YearEnds, bank: Array, volume: Array, held: float) -> Array:
    """Largest ratio: 1 while something is banked, with interest while more could be owed, else without limit."""
    room = bank[:-1] + ends.owed[:-1] > held * volume[:-1]
    banked = bank[:-1] > held * volume[:-1]
    return np.where(banked, 1.0, np.where(room, 1.0 + ends.rate[:-1], np.inf))
