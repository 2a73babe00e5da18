"""Audit of prices: optimality of every quantity at them, no arbitrage, and the interval's two ends."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.market.audit_ledger import IDENTITY, worst
from carbonsim.market.certificate import Line
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.problem import MarketProblem

Array = NDArray[np.float64]

OPTIMAL = 2e-6  # relative difference accepted between a marginal cost and what it is worth
USED = 1e-7  # share of a potential or a quantity below which it counts as not used
NUDGE = 2e-5  # step off the end of an interval at which somebody must react
EQUAL = 1e-6
HELD = 1e-9  # a bank above this share of the year's obligations joins it with the next


def lines(problem: MarketProblem, dataset: xr.Dataset) -> Iterator[Line]:
    """The lines on prices."""
    price, low, high = (dataset[name].values for name in ("allowance_price", "price_low", "price_high"))
    known = np.where(np.isnan(price), low, price)
    top = _unbounded(problem)
    highest = np.where(np.isnan(high), np.maximum(top, known), high)
    scale = np.maximum(np.abs(known), 1.0)
    yield worst("price.not_negative", np.minimum(np.minimum(known, low), 0.0), scale, 0.0, problem.year)
    outside = np.maximum(np.maximum(low - known, known - highest), 0.0)
    yield worst("price.in_interval", outside, scale, IDENTITY, problem.year)
    yield worst("price.basis", _basis_wrong(problem, dataset), 1.0, 0.0, problem.year)
    for name, path in (("price", known), ("price_low", low), ("price_high", np.where(np.isnan(high), np.nan, high))):
        yield from _option_lines(problem, dataset, name, path)
        yield from _step_lines(problem, dataset, name, path)
        yield from _arbitrage_lines(problem, dataset, name, path)
    if problem.given_price is not None:
        apart = np.abs(known - problem.given_price) + np.abs(low - known) + np.abs(highest - known)
        yield worst("price.given", apart, scale, IDENTITY, problem.year)
        return
    yield from _interval_lines(problem, dataset, low, np.where(np.isnan(high), np.inf, high))


def _unbounded(problem: MarketProblem) -> float:
    costs = np.abs(problem.options.unit_cost) + problem.options.slope * problem.options.potential
    return 1e3 * float(max(1.0, costs.max(initial=0.0)))


def _basis_wrong(problem: MarketProblem, dataset: xr.Dataset) -> Array:
    """1 where the stated basis does not follow from the price and the steps."""
    wrong = np.zeros(len(problem.year))
    engine = {"programme": "lp_dual", "best_response": "best_response", "given_price": "given"}[dataset.attrs["engine"]]
    ranks = ("ceiling", "penalty", "reserve_tier", "floor")
    for y, price in enumerate(dataset.allowance_price.values):
        at = [s.kind for s in problem.steps if s.quantity[y] > 0 and abs(s.price[y] - price) <= 1e-9 * abs(s.price[y])]
        expected = engine
        if np.isnan(price):
            expected = "indeterminate"
        elif engine != "given":
            expected = next((kind for kind in ranks if kind in at), engine)
        wrong[y] = float(dataset.price_basis.values[y] != expected)
    return wrong


def _worth(problem: MarketProblem, price: Array) -> Array:
    """What a tonne cut is worth to each option's enterprise, (option, year)."""
    share = problem.share[problem.options.enterprise]
    phi = 1.0 - problem.per_emission[problem.options.enterprise]
    lost = np.zeros_like(price)
    for step in problem.steps:
        if step.obligation_share is not None:
            lost = lost + np.where(
                np.isnan(step.price),
                0.0,
                step.obligation_share * np.maximum(np.where(np.isinf(price), 0.0, price) - step.price, 0.0),
            )
    return np.asarray(share * (phi * np.where(np.isinf(price), 0.0, price) - lost))


def _affine(problem: MarketProblem) -> NDArray[np.bool_]:
    free = problem.options.potential > 0
    for term in problem.responses:
        for option in term.key_options + term.other_options:
            free[option, problem.year.index(term.year)] = False
    return free


def _option_lines(problem: MarketProblem, dataset: xr.Dataset, name: str, price: Array) -> Iterator[Line]:
    """MAC = worth inside the bounds, at most it at the upper bound, at least it at zero."""
    options, used = problem.options, dataset.option_abatement.values
    affine = _affine(problem) & ~np.isnan(price)
    worth = _worth(problem, np.nan_to_num(price))
    marginal = options.unit_cost + options.slope * used
    tiny = USED * options.potential
    too_dear = np.where(affine & (used > tiny), np.maximum(marginal - worth, 0.0), 0.0)
    too_little = np.where(affine & (used < options.potential - tiny), np.maximum(worth - marginal, 0.0), 0.0)
    scale = np.maximum(np.maximum(np.abs(options.unit_cost), np.abs(worth)), 1e-3)
    yield worst(f"option.marginal_cost[{name}]", too_dear + too_little, scale, OPTIMAL, options.label)


def _step_lines(problem: MarketProblem, dataset: xr.Dataset, name: str, price: Array) -> Iterator[Line]:
    """A step below the price is used up, one above it is not used."""
    obligation = dataset.obligation.values.sum(axis=0)
    for index, step in enumerate(problem.steps):
        used = dataset.step_used.values[index]
        exists = ~np.isnan(step.price) & (step.quantity > 0) & ~np.isnan(price)
        limit = step.quantity if step.obligation_share is None else step.obligation_share * obligation
        value = np.where(np.isnan(price), 0.0, price)
        if step.owed_next is not None:
            # A tonne of use also costs what is owed next year.
            later = np.append(value[1:] * problem.discount[1:] / problem.discount[:-1], 0.0)
            value = value - step.owed_next * later
        margin = OPTIMAL * np.maximum(np.abs(np.nan_to_num(step.price)), 1e-3)
        bought_dear = np.where(exists & (value < step.price - margin), used, 0.0)
        left = np.where(np.isinf(limit), obligation, limit - used)
        left_cheap = np.where(exists & (value > step.price + margin), np.maximum(left, 0.0), 0.0)
        size = np.where(np.isinf(limit), obligation, np.maximum(limit, 1e-9 * obligation))
        yield worst(f"steps.{step.name}.price[{name}]", bought_dear + left_cheap, size, OPTIMAL, problem.year)


def _bank_limit(problem: MarketProblem) -> Array | None:
    banking = next((i for i in problem.instruments if isinstance(i, Banking)), None)
    if banking is None:
        return None
    limit = np.array(np.broadcast_to(banking.borrowing, (len(problem.year),)))
    limit[-1] = 0.0
    return limit


def _arbitrage_lines(problem: MarketProblem, dataset: xr.Dataset, name: str, price: Array) -> Iterator[Line]:
    """The discounted price never rises under banking and is constant while the bank is above its limit."""
    limit = _bank_limit(problem)
    volume = dataset.obligation.values.sum(axis=0) + problem.supply
    if problem.given_price is not None:
        return
    left_over = dataset.bank.values if limit is not None else dataset.expired.values
    worthless = np.where(left_over > EQUAL * volume, price, 0.0)
    if limit is None:
        yield worst(f"price.of_expired[{name}]", np.nan_to_num(worthless), 1.0, OPTIMAL, problem.year)
        return
    yield worst(f"price.of_final_bank[{name}]", np.nan_to_num(worthless[-1:]), 1.0, OPTIMAL, problem.year[-1:])
    present = np.where(np.isnan(price), np.inf, price) * problem.discount
    with np.errstate(invalid="ignore"):
        fall = np.nan_to_num(present[:-1] - present[1:])
    held = (dataset.bank.values + limit)[:-1] > EQUAL * volume[:-1]
    scale = np.maximum(np.where(np.isinf(present), 0.0, present)[:-1], 1e-3)
    fall = np.where(np.isposinf(present[:-1]) & np.isposinf(present[1:]), 0.0, fall)
    yield worst(f"price.no_arbitrage[{name}]", np.minimum(fall, 0.0), scale, OPTIMAL, problem.year[:-1])
    yield worst(
        f"price.while_banking[{name}]", np.where(held, np.minimum(fall, 1e300), 0.0), scale, OPTIMAL, problem.year[:-1]
    )


def _interval_lines(problem: MarketProblem, dataset: xr.Dataset, low: Array, high: Array) -> Iterator[Line]:
    """Just below the low end or just above the high end, somebody would act: the interval is no narrower."""
    if any(step.owed_next is not None for step in problem.steps):
        # The years that move together depend on what is left unmet; the slackness lines above still hold both ends.
        return
    wrong_low, wrong_high = np.zeros(len(low)), np.zeros(len(high))
    for y in range(len(low)):
        if low[y] > 0:
            wrong_low[y] = float(
                not _reacts(problem, dataset, low, _together(problem, dataset, low, y, forward=True), down=True)
            )
        if np.isfinite(high[y]):
            years = _together(problem, dataset, high, y, forward=False)
            wrong_high[y] = float(not _reacts(problem, dataset, high, years, down=False))
    yield worst("price.low_is_lowest", wrong_low, 1.0, 0.0, problem.year)
    yield worst("price.high_is_highest", wrong_high, 1.0, 0.0, problem.year)


def _together(problem: MarketProblem, dataset: xr.Dataset, price: Array, y: int, *, forward: bool) -> list[int]:
    """Years whose price must move with year ``y``: those joined by a bank above its limit, then, to lower the price,
    later ones at the same discounted price, and to raise it, earlier ones.
    """
    limit = _bank_limit(problem)
    if limit is None:
        return [y]
    volume = dataset.obligation.values.sum(axis=0) + problem.supply
    joined = (dataset.bank.values + limit)[:-1] > HELD * volume[:-1]
    present = price * problem.discount
    with np.errstate(invalid="ignore"):
        level = np.abs(np.diff(present)) <= EQUAL * present[1:]
    before, after = (joined, joined | level) if forward else (joined | level, joined)
    first = last = y
    while first > 0 and before[first - 1]:
        first -= 1
    while last < len(price) - 1 and after[last]:
        last += 1
    return list(range(first, last + 1))


def _reacts(problem: MarketProblem, dataset: xr.Dataset, price: Array, years: list[int], *, down: bool) -> bool:
    """Whether net demand of these years changes if their price is nudged off the end of the interval."""
    nudged = np.where(np.isinf(price), _unbounded(problem), price)
    nudged[years] = price[years] * (1 - NUDGE) if down else np.maximum(price[years] * (1 + NUDGE), 1e-9)
    if any(term.year in {problem.year[y] for y in years} for term in problem.responses):
        # The staircase of a best response is held by its own lines, at both ends of the interval.
        return True
    options, used = problem.options, dataset.option_abatement.values
    worth = _worth(problem, nudged)
    marginal = options.unit_cost + options.slope * used
    live = _affine(problem) & (problem.share[options.enterprise] > 0)
    gives = live & (used > USED * options.potential) & (marginal > worth)
    takes = live & (used < (1 - USED) * options.potential) & (marginal < worth)
    if np.any((gives | takes)[:, years]):
        return True
    if down and np.any(price[years] <= 0):
        return True
    return any(_step_reacts(problem, dataset, nudged, y, down=down) for y in years) or _bank_reacts(
        problem, dataset, price, years, down=down
    )


def _step_reacts(problem: MarketProblem, dataset: xr.Dataset, price: Array, y: int, *, down: bool) -> bool:
    for index, step in enumerate(problem.steps):
        used = dataset.step_used.values[index, y]
        if np.isnan(step.price[y]) or step.quantity[y] <= 0:
            continue
        obligation = dataset.obligation.values[:, y].sum()
        limit = step.quantity[y] if step.obligation_share is None else step.obligation_share[y] * obligation
        if down and price[y] < step.price[y] and used > USED * min(limit, max(obligation, 1.0)):
            return True
        if not down and price[y] > step.price[y] and used < limit * (1 - USED):
            return True
    return False


def _bank_reacts(problem: MarketProblem, dataset: xr.Dataset, price: Array, years: list[int], *, down: bool) -> bool:
    """Whether the price is held by holders of allowances: one that is worth nothing cannot rise while some are left."""
    if down:
        return False
    last = max(years)
    left = dataset.bank.values[last] if last == len(price) - 1 else 0.0
    if _bank_limit(problem) is None:
        left = dataset.expired.values[years[0]]
    volume = float(dataset.obligation.values[:, last].sum() + problem.supply[last])
    return bool(price[years[0]] <= 0 and left > 1e-12 * volume)
