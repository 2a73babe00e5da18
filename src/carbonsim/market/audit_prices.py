"""Audit of prices: optimality of every quantity at them, no arbitrage, and the interval's two ends."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.market.audit_bank import arbitrage_lines, holders_react, years_together
from carbonsim.market.audit_ledger import IDENTITY, LEFT, gross_volume, volume_of, worst
from carbonsim.market.audit_options import OPTIMAL, SEEN, USED, OptionAudit
from carbonsim.market.audit_vintages import acting_years
from carbonsim.market.certificate import Line
from carbonsim.market.problem import MarketProblem

Array = NDArray[np.float64]

FAR = 1e3  # a price without an upper bound, as a multiple of every step's
LEAST_WEIGHT = 1e-3  # share of the price that a tonne cut has to be worth to somebody to count at such a price
NUDGE = 2e-5  # step off the end of an interval at which somebody must react


def lines(problem: MarketProblem, dataset: xr.Dataset) -> Iterator[Line]:
    """The lines on prices."""
    price, low, high = (dataset[name].values for name in ("allowance_price", "price_low", "price_high"))
    known = np.where(np.isnan(price), low, price)
    options = OptionAudit(problem, dataset.option_abatement.values)
    highest = np.where(np.isnan(high), np.maximum(options.top, known), high)
    scale = np.maximum(np.abs(known), 1.0)
    yield worst("price.not_negative", np.minimum(np.minimum(known, low), 0.0), scale, 0.0, problem.year)
    outside = np.maximum(np.maximum(low - known, known - highest), 0.0)
    yield worst("price.in_interval", outside, scale, IDENTITY, problem.year)
    # Of all prices that clear the lowest is published, so that the same market has the same price by every engine.
    yield worst("price.is_low_end", known - low, np.maximum(np.abs(low), 1e-3), IDENTITY, problem.year)
    yield worst("price.basis", _basis_wrong(problem, dataset), 1.0, 0.0, problem.year)
    for name, path in (("price", known), ("price_low", low), ("price_high", high)):
        # Without an upper bound the quantities are the best at a price far above every cost, too.
        shown = _unbounded(problem, options, path)
        yield from _option_lines(problem, dataset, name, shown, options)
        yield from _step_lines(problem, dataset, name, shown, options.top)
        yield from arbitrage_lines(problem, dataset, name, path)
    if problem.given_price is not None:
        apart = np.abs(known - problem.given_price) + np.abs(low - known) + np.abs(highest - known)
        yield worst("price.given", apart, scale, IDENTITY, problem.year)
        return
    yield from _interval_lines(problem, dataset, low, np.where(np.isnan(high), np.inf, high), options)


def _unbounded(problem: MarketProblem, options: OptionAudit, price: Array) -> Array:
    """The path with a price at which all is done that would ever be done where there is no upper bound (NaN).

    What may be left unmet and is owed a year later, at a price without a bound, is one to that of the year before.
    """
    if not np.isnan(price).any():
        return price
    found, far = price.copy(), _far(problem, options)
    for y in range(len(price) - 1, -1, -1):
        if not np.isnan(price[y]):
            continue
        found[y] = far
        if y + 1 < len(price) and np.isnan(price[y + 1]):
            later = found[y + 1] * problem.discount[y + 1] / problem.discount[y]
            owing = [step.price[y] + step.owed_next[y] * later for step in problem.steps if step.owed_next is not None]
            found[y] = np.nanmin([far, *owing])
    return found


def _far(problem: MarketProblem, options: OptionAudit) -> float:
    """A price far above every cost, at which each tonne cut is worth more than any costs."""
    asked = max((float(np.nanmax(step.price, initial=0.0)) for step in problem.steps), default=0.0)
    weight = np.abs(problem.share * (1 - problem.per_emission))
    least = float(weight[weight > LEAST_WEIGHT].min(initial=1.0))
    return max(options.top, FAR * asked) / least


def _basis_wrong(problem: MarketProblem, dataset: xr.Dataset) -> Array:
    """1 where the stated basis does not follow from the price and the steps."""
    wrong = np.zeros(len(problem.year))
    engine = {"programme": "lp_dual", "given_price": "given"}.get(dataset.attrs["engine"], dataset.attrs["engine"])
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


def _rents(problem: MarketProblem, dataset: xr.Dataset, price: Array) -> dict[str, Array]:
    """What rationing adds to the price of a step at a price path, (year) by step; 0 for a step that nothing rations."""
    found = {step.name: np.zeros(len(price)) for step in problem.steps}
    for instrument in problem.instruments:
        for name, rent in instrument.rents(problem, dataset, price).items():
            found[name] = found[name] + rent
    return found


def _lost(problem: MarketProblem, dataset: xr.Dataset, price: Array) -> Array:
    """What a tonne cut costs by shrinking what obligations limit at a price path, (year) or (enterprise, year)."""
    finite = np.where(np.isinf(price), 0.0, price)
    rents = _rents(problem, dataset, finite)
    lost = np.zeros_like(price)
    for step in problem.steps:
        if step.obligation_share is not None:
            lost = lost + np.where(
                np.isnan(step.price),
                0.0,
                step.obligation_share * np.maximum(finite - step.price - rents[step.name], 0.0),
            )
    for instrument in problem.instruments:
        lost = lost + instrument.worth_of_obligation(problem, dataset, finite)
    return lost


def _option_lines(
    problem: MarketProblem, dataset: xr.Dataset, name: str, price: Array, options: OptionAudit
) -> Iterator[Line]:
    """MAC = worth inside the bounds, at most it at the upper bound, at least it at zero."""
    lost = _lost(problem, dataset, np.where(np.isnan(price), options.top, price))
    yield options.line(f"option.marginal_cost[{name}]", price, lost)


def _step_lines(problem: MarketProblem, dataset: xr.Dataset, name: str, price: Array, top: float) -> Iterator[Line]:
    """A step below the price is used up, one above it is not used."""
    obligation, volume = dataset.obligation.values.sum(axis=0), volume_of(problem, dataset)
    rents = _rents(problem, dataset, np.where(np.isnan(price), top, price))
    for index, step in enumerate(problem.steps):
        used = dataset.step_used.values[index]
        asked = step.price + (0.0 if step.slope is None else step.slope * used)
        exists = ~np.isnan(step.price) & (step.quantity > 0) & ~np.isnan(price)
        limit = step.quantity if step.obligation_share is None else step.obligation_share * obligation
        value = np.where(np.isnan(price), 0.0, price) - rents[step.name]
        if step.owed_next is not None:
            # A tonne of use also costs what is owed next year.
            later = np.append(np.nan_to_num(price)[1:] * problem.discount[1:] / problem.discount[:-1], 0.0)
            value = value - step.owed_next * later
        margin = OPTIMAL * np.maximum(np.abs(np.nan_to_num(asked)) + np.abs(rents[step.name]), 1e-3)
        bought_dear = np.where(exists & (value < asked - margin), used, 0.0)
        left = np.where(np.isinf(limit), volume, limit - used)
        left_cheap = np.where(exists & (value > asked + margin), np.maximum(left, 0.0), 0.0)
        size = np.where(np.isinf(limit), volume, np.maximum(limit, LEFT * volume))
        yield worst(f"steps.{step.name}.price[{name}]", bought_dear + left_cheap, size, OPTIMAL, problem.year)


def _interval_lines(
    problem: MarketProblem, dataset: xr.Dataset, low: Array, high: Array, options: OptionAudit
) -> Iterator[Line]:
    """Just below the low end or just above the high end, somebody would act: the interval is no narrower."""
    if any(step.owed_next is not None for step in problem.steps):
        # The years that move together depend on what is left unmet; the slackness lines above still hold both ends.
        return
    wrong_low, wrong_high = np.zeros(len(low)), np.zeros(len(high))
    for y in range(len(low)):
        if low[y] > 0:
            years = years_together(problem, dataset, low, y, down=True)
            wrong_low[y] = float(not _reacts(problem, dataset, low, years, options, down=True))
        if np.isfinite(high[y]):
            years = years_together(problem, dataset, high, y, down=False)
            wrong_high[y] = float(not _reacts(problem, dataset, high, years, options, down=False))
    yield worst("price.low_is_lowest", wrong_low, 1.0, 0.0, problem.year)
    yield worst("price.high_is_highest", wrong_high, 1.0, 0.0, problem.year)


def _reacts(
    problem: MarketProblem, dataset: xr.Dataset, price: Array, years: list[int], options: OptionAudit, *, down: bool
) -> bool:
    """Whether net demand of these years changes if their price is nudged off the end of the interval."""
    finite = np.where(np.isinf(price), options.top, price)
    nudged = finite.copy()
    nudged[years] = price[years] * (1 - NUDGE) if down else np.maximum(price[years] * (1 + NUDGE), 1e-9)
    if any(term.year in {problem.year[y] for y in years} for term in problem.responses):
        # The staircase of a best response is held by its own lines, at both ends of the interval.
        return True
    acting = acting_years(problem, finite, nudged, years)
    lost = _lost(problem, dataset, nudged)
    if options.reacts(acting, nudged, lost):
        return True
    if down and np.any(price[years] <= 0):
        return True
    return any(_step_reacts(problem, dataset, nudged, y, down=down) for y in acting) or holders_react(
        problem, dataset, price, years, down=down
    )


def _step_reacts(problem: MarketProblem, dataset: xr.Dataset, price: Array, y: int, *, down: bool) -> bool:
    rents = _rents(problem, dataset, price)
    for index, step in enumerate(problem.steps):
        used = dataset.step_used.values[index, y]
        asked = step.price[y] + rents[step.name][y] + (0.0 if step.slope is None else step.slope[y] * used)
        if np.isnan(step.price[y]) or step.quantity[y] <= 0:
            continue
        obligation = dataset.obligation.values[:, y].sum()
        limit = step.quantity[y] if step.obligation_share is None else step.obligation_share[y] * obligation
        # A tonne that sets the price counts, however large the step that offers it.
        seen = min(USED * min(limit, max(obligation, 1.0)), SEEN * float(gross_volume(problem)[y]))
        if down and price[y] < asked and used > seen:
            return True
        if not down and price[y] > asked and used < limit - seen:
            return True
    return False
