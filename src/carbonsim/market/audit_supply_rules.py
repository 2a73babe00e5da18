"""Audit of supply rules: each rule stated once more, on published numbers alone, sharing no function with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.market.audit_ledger import IDENTITY, worst
from carbonsim.market.certificate import Line

if TYPE_CHECKING:
    from carbonsim.market.problem import MarketProblem
    from carbonsim.market.supply_rules.cap_triggered import CapTriggered
    from carbonsim.market.supply_rules.price_triggered import PriceTriggered
    from carbonsim.market.supply_rules.tnac_reserve import TnacReserve
    from carbonsim.market.supply_rules.unsold_allowances import UnsoldAllowances

Array = NDArray[np.float64]


def size(problem: MarketProblem, base: Array) -> float:
    """The largest yearly volume, of which residuals are a share."""
    return float(max((np.sum(problem.share * problem.baseline, axis=0) + base).max(), 1e-12))


def fixed_point(problem: MarketProblem, dataset: xr.Dataset, answer: Array, base: Array, tolerance: float) -> Line:
    """That the change of supply applied is the one the rule answers with."""
    apart = dataset.supply_change.values - answer
    # The rule's own statement is evaluated in another order of sums than the search's.
    return worst("rule.fixed_point", apart, size(problem, base), tolerance * (1 + 1e-3), problem.year)


def volume(problem: MarketProblem, acts_on: str) -> Array:
    """What the rule acts on before it does."""
    if acts_on == "supply":
        return np.array(problem.supply, dtype=float)
    held: Any = {instrument.label: instrument for instrument in problem.instruments}[acts_on]
    return np.resize(np.asarray(held.quantity, dtype=float), len(problem.year))


def same(name: str, found: Array, expected: Array, years: tuple[int, ...]) -> Line:
    """That a published flow is the recomputed one, relative to its own size."""
    return worst(name, found - expected, np.maximum(np.abs(expected), 1e-6), IDENTITY, years)


def in_force(dated: Any, year: int) -> Any:
    """The latest entry of a dated value that has begun; the first date only counts if it has begun."""
    latest = None
    for start, entry in dated.values:
        if start is None or year >= start:
            latest = entry
    return latest


def _twelve_months(rule: TnacReserve, circulating: float, published: int) -> tuple[float, float]:
    """Intake and release of twelve months, from the text of the rule."""
    upper, rate = in_force(rule.upper, published), in_force(rule.rate, published)
    end = in_force(rule.smoothing_until, published)
    if end == "continuous":
        end = upper / (1 - rate)
    released = in_force(rule.release, published) if circulating < in_force(rule.lower, published) else 0.0
    if circulating > upper and end is not None and circulating <= end:
        taken = circulating - upper
    elif circulating > upper and rate * circulating >= in_force(rule.minimum_intake, published):
        taken = rate * circulating
    else:
        taken = 0.0
    if rule.whole_allowances:
        taken = np.floor(taken + 0.5)
    return float(taken), float(released)


def _of_calendar_year(rule: TnacReserve, circulating: Mapping[int, float], year: int) -> tuple[float, float]:
    """The autumn of what is published this year and the rest of what was published last year."""
    total = np.zeros(2)
    early = rule.months_in_first_year / 12
    if year - 1 >= rule.first_tnac_year:
        now = np.array(_twelve_months(rule, circulating[year - 1], year)) * early
        total += np.floor(now + 0.5) if rule.whole_allowances else now
    if year - 2 >= rule.first_tnac_year:
        before = np.array(_twelve_months(rule, circulating[year - 2], year - 1))
        autumn = np.floor(before * early + 0.5) if rule.whole_allowances else before * early
        total += before - autumn
    return float(total[0]), float(total[1])


def tnac_lines(rule: TnacReserve, problem: MarketProblem, dataset: xr.Dataset, tolerance: float) -> Iterator[Line]:
    """The reserve from the published bank: every flow, the stock, and the change of supply they add up to."""
    years, base = problem.year, volume(problem, rule.acts_on)
    stock, after = dataset.reserve_stock.values, dataset.supply_after_rule.values
    bank = dataset.bank.values
    yield worst("rule.tnac", dataset.tnac.values - bank, np.maximum(np.abs(bank), 1e-6), IDENTITY, years)
    circulating = {**rule.earlier_tnac, **dict(zip(years, dataset.tnac.values, strict=True))}
    auctioned = {**rule.earlier_auctioned, **dict(zip(years, after, strict=True))}
    before = np.append(rule.opening_reserve, stock[:-1])
    planned = {
        name: np.array([schedule.get(year, 0.0) for year in years])
        for name, schedule in (("placed", rule.placement), ("backloaded", rule.backloading), ("returned", rule.returns))
    }
    invalid, intake, forgone, release = (np.zeros(len(years)) for _ in range(4))
    for y, year in enumerate(years):
        limit = in_force(rule.invalid_above, year)
        limit = auctioned[year - 1] if limit == "previous_auction" else limit
        invalid[y] = 0.0 if limit is None or before[y] <= limit else before[y] - limit
        due, wanted = _of_calendar_year(rule, circulating, year)
        there = before[y] - invalid[y] + planned["placed"][y] + planned["backloaded"][y] - planned["returned"][y]
        release[y] = wanted if wanted < there else max(there, 0.0)
        left = base[y] - planned["backloaded"][y]
        intake[y], forgone[y] = (due, 0.0) if due < left else (left, due - left)
    flows = {"intake": intake, "intake_forgone": forgone, "release": release, "invalidated": invalid, **planned}
    for name, expected in flows.items():
        found = dataset[f"reserve_{name}"].values
        # What is left after two large amounts carries their rounding.
        rounding = 1e-9 * (before if name in ("invalidated", "release") else np.zeros(len(years)))
        if name == "intake_forgone":
            rounding = 1e-9 * base
        apart = np.maximum(np.abs(found - expected) - rounding, 0.0)
        yield worst(f"rule.{name}", apart, np.maximum(np.abs(expected), 1e-6), IDENTITY, years)
    held = before - invalid + planned["placed"] + planned["backloaded"] - planned["returned"] - release + intake
    yield worst("rule.reserve_stock", stock - held, np.maximum(np.abs(held), 1e-9 * base.max()), 10 * IDENTITY, years)
    answer = release + planned["returned"] - intake - planned["backloaded"]
    yield fixed_point(problem, dataset, answer, base, tolerance)


def cap_lines(rule: CapTriggered, problem: MarketProblem, dataset: xr.Dataset, tolerance: float) -> Iterator[Line]:
    """The cap adjustments from the published bank."""
    years, base = problem.year, volume(problem, rule.acts_on)
    closing = {**rule.earlier_bank, **dict(zip(years, dataset.bank.values, strict=True))}
    expected = np.zeros(len(years))
    for entry in rule.adjustments:
        span = np.arange(int(entry["first"]), int(entry["last"]) + 1)
        excess = closing[int(entry["measured"])] - entry["above"]
        total = entry["share"] * excess if excess > 0 else 0.0
        running = total * np.arange(len(span) + 1) / len(span)
        parts = np.diff(np.floor(running + 0.5) if rule.whole_allowances else running)
        expected += np.array([parts[span == year].sum() for year in years])
    yield same("rule.cap_adjustment", dataset.cap_adjustment.values, expected, years)
    yield fixed_point(problem, dataset, -expected, base, tolerance)


def price_lines(rule: PriceTriggered, problem: MarketProblem, dataset: xr.Dataset, tolerance: float) -> Iterator[Line]:
    """The triggers on the published prices of earlier years."""
    years, base = problem.year, volume(problem, rule.acts_on)
    paid = {**rule.earlier_price, **dict(zip(years, dataset.allowance_price.values, strict=True))}
    stocked = "reserve_stock" in dataset
    stock = dataset.reserve_stock.values if stocked else np.full(len(years), np.inf)
    before = np.append(rule.opening_reserve, stock[:-1])
    release, withheld = np.zeros(len(years)), np.zeros(len(years))
    for y, year in enumerate(years):
        seen = year - rule.lag
        high, low = in_force(rule.upper_price, seen), in_force(rule.lower_price, seen)
        if high is not None and paid[seen] - high >= -1e-9 * high:
            release[y] = np.minimum(in_force(rule.release, year), before[y])
        if low is not None and paid[seen] - low < -1e-9 * low:
            withheld[y] = in_force(rule.withholding, year)
    yield same("rule.release", dataset.reserve_release.values, release, years)
    yield same("rule.withheld", dataset.reserve_intake.values, withheld, years)
    if stocked:
        kept = withheld if rule.withheld_to == "reserve" else 0.0
        held = before + kept - release
        yield worst("rule.reserve_stock", stock - held, np.maximum(before, 1e-6), IDENTITY, years)
    yield fixed_point(problem, dataset, release - withheld, base, tolerance)


def unsold_lines(
    rule: UnsoldAllowances, problem: MarketProblem, dataset: xr.Dataset, tolerance: float
) -> Iterator[Line]:
    """What was offered again, cancelled, reserved and left waiting, from what was offered and sold."""
    years, base = problem.year, volume(problem, rule.acts_on)
    row = [step.name for step in problem.steps].index(rule.acts_on)
    sold = dataset.step_used.values[row]
    again = dataset.unsold_reoffered.values
    stock = dataset.reserve_stock.values
    held = np.append(0.0, stock[:-1])
    freed = dataset.reserve_release.values if rule.release_price is not None else np.zeros(len(years))
    unsold = np.maximum(base + again + freed - sold, 0.0)
    limit = np.inf if rule.limit_share is None else rule.limit_share
    expected, reserved = np.zeros(len(years)), np.zeros(len(years))
    room = np.inf if rule.reserve_limit is None else rule.reserve_limit
    for y in range(len(years)):
        if rule.then == "re_offer" and y >= rule.after:
            ripe = np.sum(unsold[: y - rule.after + 1]) - np.sum(again[:y])
            expected[y] = np.clip(ripe, 0.0, limit * base[y] if np.isfinite(limit) else np.inf)
        if rule.then == "reserve":
            reserved[y] = min(unsold[y], room - held[y] + freed[y])
    lost = np.zeros(len(years)) if rule.then == "re_offer" else unsold - reserved
    waiting = np.cumsum(unsold - again) if rule.then == "re_offer" else np.zeros(len(years))
    rounding = 1e-12 * size(problem, base)  # each is a difference of volumes of the auction
    for name, value in (("reoffered", expected), ("cancelled", lost), ("to_reserve", reserved), ("waiting", waiting)):
        found = dataset[f"unsold_{name}"].values
        apart = np.maximum(np.abs(found - value) - rounding, 0.0)
        yield worst(f"rule.unsold_{name}", apart, np.maximum(np.abs(value), 1e-6), IDENTITY, years)
    moved = held + dataset.unsold_to_reserve.values - freed
    yield worst("rule.reserve_stock", stock - moved, np.maximum(np.maximum(stock, held), 1e-6), IDENTITY, years)
    yield worst("rule.reserve_not_negative", np.minimum(stock, 0.0), size(problem, base), IDENTITY, years)
    if rule.release_price is not None:
        yield same("rule.release", freed, _released_unsold(rule, dataset, held), years)
    yield fixed_point(problem, dataset, again + freed, base, tolerance)


def _released_unsold(rule: UnsoldAllowances, dataset: xr.Dataset, held: Array) -> Array:
    """What a price that reached the trigger a year before takes out of the reserve."""
    years, price = dataset.year.values, dataset.allowance_price.values
    expected = np.zeros(len(years))
    for y in range(1, len(years)):
        trigger = in_force(rule.release_price, int(years[y - 1]))
        if price[y - 1] - trigger >= -1e-9 * trigger:
            expected[y] = min(in_force(rule.release_limit, int(years[y])), held[y])
    return expected
