"""Audit of quantities: emissions, allocation, supply steps and trades."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from weakref import WeakKeyDictionary

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.market.certificate import Line
from carbonsim.market.problem import MarketProblem

Array = NDArray[np.float64]

IDENTITY = 1e-8  # relative residual accepted where two sums must be the same number
SOLVED = 1e-6  # relative residual accepted where a solver's tolerance enters
_GROSS: WeakKeyDictionary[MarketProblem, Array] = WeakKeyDictionary()
LEFT = 1e-3  # of the quantities that it is the difference of: a volume below that has no smaller scale than this


def worst(name: str, residual: Array, scale: Array | float, tolerance: float, labels: Sequence[object]) -> Line:
    """A line from residuals over a labelled first axis, each relative to its own scale."""
    if residual.size == 0:
        return Line(name, 0.0, tolerance)
    if not residual.any():
        return Line(name, 0.0, tolerance, str(labels[0]))
    relative = np.abs(residual)
    relative /= np.maximum(scale, 1e-9)
    # The first NaN counts as the largest number.
    position = int(np.argmax(relative))
    found = float(relative.reshape(-1)[position])
    row = position // (relative.size // len(relative))
    return Line(name, np.inf if np.isnan(found) else found, tolerance, str(labels[row]))


def labels(name: str, dataset: xr.Dataset, expected: Mapping[str, Sequence[object]]) -> Line:
    """A line that every published dimension has just these labels, in this order: numbers are told apart by them."""
    for dimension, wanted in expected.items():
        found = dataset[dimension].values.tolist()
        if found != list(wanted):
            pairs = zip_longest(found, wanted)
            return Line(name, 1.0, 0.0, f"{dimension} {next(str(mine) for mine, other in pairs if mine != other)}")
    return Line(name, 0.0, 0.0)


def gross_positions(problem: MarketProblem) -> Array:
    """What each enterprise would owe before any cut, with all that it is given, up to each year: (enterprise, year).

    Where the last tonne is cut, obligations are what rounding leaves of these, and no scale of their own. Many lines
    ask for them, so those of a problem are worked out once.
    """
    found = _GROSS.get(problem)
    if found is None:
        found = _gross_positions(problem)
        found.setflags(write=False)
        _GROSS[problem] = found
    return found


def _gross_positions(problem: MarketProblem) -> Array:
    before = problem.baseline
    if problem.responses:
        before = before.copy()
        for term in problem.responses:
            before[term.enterprise, problem.year.index(term.year)] += term.key + term.other
    moved = problem.share * (before * (1.0 + np.abs(problem.per_emission)) + np.abs(problem.fixed))
    return np.asarray(np.maximum.accumulate(moved, axis=1))


def gross_volume(problem: MarketProblem) -> Array:
    """What all would owe before any cut, with all that is given, issued and banked, up to each year, (year)."""
    total = gross_positions(problem).sum(axis=0) + np.abs(problem.supply) + abs(problem.opening_bank)
    return np.asarray(np.maximum.accumulate(total))


def volume_of(problem: MarketProblem, dataset: xr.Dataset) -> Array:
    """The year's obligations and issue, the scale of what is held and lost, (year)."""
    total = dataset.obligation.values.sum(axis=0) + problem.supply
    return np.asarray(np.maximum(total, LEFT * gross_volume(problem)))


def lines(problem: MarketProblem, dataset: xr.Dataset) -> Iterator[Line]:
    """The lines on quantities; those of the bank are in ``audit_bank``."""
    steps = problem.steps
    names = {
        "year": problem.year,
        "enterprise": problem.enterprise,
        "option": problem.options.label,
        "step": tuple(step.name for step in steps),
        "tier": tuple(step.name for step in steps if step.kind == "reserve_tier"),
    }
    yield labels("ledger.labels", dataset, names)
    cut = _by_enterprise(problem, dataset.option_abatement.values)
    yield from _emission_lines(problem, dataset, cut)
    yield from _allocation_lines(problem, dataset, cut)
    yield from _step_lines(problem, dataset)
    if not problem.responses:
        yield worst("response.mixed", dataset.mixed.values, 1.0, 0.0, problem.year)
    if "enterprise_price" not in dataset:
        yield from _trade_lines(problem, dataset)


def _by_enterprise(problem: MarketProblem, values: Array) -> Array:
    """Sums over the options of each enterprise, (enterprise, year)."""
    owner, total = problem.options.enterprise, np.zeros_like(problem.baseline)
    for y in range(total.shape[1]):
        total[:, y] = np.bincount(owner, weights=values[:, y], minlength=len(total))
    return total


def _emission_lines(problem: MarketProblem, dataset: xr.Dataset, cut: Array) -> Iterator[Line]:
    """Options within their bounds; ``cut`` (enterprise, year), what they cut together, is what emissions lose."""
    used, potential = dataset.option_abatement.values, problem.options.potential
    outside = np.clip(used, 0.0, potential)
    np.subtract(used, outside, out=outside)
    yield worst("option.bounds", outside, potential, IDENTITY, problem.options.label)
    before = problem.baseline.copy()
    for term in problem.responses:
        before[term.enterprise, problem.year.index(term.year)] += term.key + term.other
    firms = problem.enterprise
    yield worst("emissions.abatement", dataset.abatement.values - cut, np.abs(cut), IDENTITY, firms)
    left = dataset.covered_emissions.values
    yield worst("emissions.after", left - (before - cut), before, IDENTITY, firms)
    covered = problem.share * left
    yield worst("emissions.obligation", dataset.obligation.values - covered, covered, IDENTITY, firms)


def _allocation_lines(problem: MarketProblem, dataset: xr.Dataset, cut: Array) -> Iterator[Line]:
    """Free allocation and abatement cost from emissions, option by option and response by response."""
    used, options = dataset.option_abatement.values, problem.options
    first = options.unit_cost * used
    rising = options.slope * used**2 / 2 if options.slope.any() else None
    mine = np.zeros(used.shape, dtype=bool)
    for term in problem.responses:
        mine[list(term.key_options + term.other_options), problem.year.index(term.year)] = True
    affine = problem.baseline - (_by_enterprise(problem, np.where(mine, 0.0, used)) if problem.responses else cut)
    expected = problem.share * (problem.fixed + problem.per_emission * affine)
    spent = first if rising is None else first + rising
    cost = _by_enterprise(problem, np.where(mine, 0.0, spent) if problem.responses else spent)
    # A measure whose cost rises from below zero may cost nothing in all: its two parts give the scale.
    size = cost
    if problem.responses or first.min(initial=0.0) < 0:
        size = _by_enterprise(problem, np.abs(first) if rising is None else np.abs(first) + rising)
    for index, term in enumerate(problem.responses):
        place = term.enterprise, problem.year.index(term.year)
        expected[place] += problem.share[place] * float(dataset.response_allocation[index])
        cost[place] += float(dataset.response_cost[index])
    found = dataset.free_allocation.values
    scale = np.maximum(np.abs(expected) + problem.share * np.abs(problem.fixed), LEFT * gross_positions(problem))
    yield worst("allocation.free", found - expected, scale, IDENTITY, problem.enterprise)
    yield worst("abatement.cost", dataset.abatement_cost.values - cost, size, IDENTITY, problem.enterprise)


def _step_lines(problem: MarketProblem, dataset: xr.Dataset) -> Iterator[Line]:
    """The named flows are those of the steps, and no step exceeds its quantity."""
    steps, used = problem.steps, dataset.step_used.values
    obligation = dataset.obligation.values.sum(axis=0)
    names = {"floor": "sold_auction", "ceiling": "ceiling_sold", "offset": "offsets_used", "penalty": "penalty_tonnes"}
    for kind, name in names.items():
        total = sum((used[i] for i, step in enumerate(steps) if step.kind == kind), np.zeros(len(problem.year)))
        yield worst(f"steps.{name}", dataset[name].values - total, total, IDENTITY, problem.year)
    tiers = [i for i, step in enumerate(steps) if step.kind == "reserve_tier"]
    yield worst(
        "steps.reserve_sold", (dataset.reserve_sold.values - used[tiers]).T, used[tiers].T, IDENTITY, problem.year
    )
    offered = np.zeros(len(problem.year))
    for step in steps:
        if step.kind == "floor":
            offered += np.where(np.isnan(step.price), 0.0, step.quantity)
    left = np.maximum(np.abs(dataset.unsold.values), LEFT * LEFT * offered)
    yield worst("steps.unsold", dataset.unsold.values + dataset.sold_auction.values - offered, left, SOLVED,
                problem.year)  # fmt: skip
    least = LEFT * volume_of(problem, dataset)
    for i, step in enumerate(steps):
        limit = np.where(np.isnan(step.price), 0.0, step.quantity)
        if step.obligation_share is not None:
            limit = np.where(np.isnan(step.price), 0.0, step.obligation_share * obligation)
        outside = np.maximum(np.maximum(-used[i], used[i] - limit), 0.0)
        scale = np.where(np.isinf(limit), obligation, limit)
        yield worst(f"steps.{step.name}.bounds", outside, np.maximum(scale, least), SOLVED, problem.year)


def _trade_lines(problem: MarketProblem, dataset: xr.Dataset) -> Iterator[Line]:
    """Each enterprise's purchases follow from its position; offsets and unmet obligations are split pro rata."""
    obligation, free = dataset.obligation.values, dataset.free_allocation.values
    offsets, unmet = dataset.offsets_surrendered.values, dataset.unmet_obligation.values
    total = obligation.sum(axis=0)
    part = obligation / np.where(total > 0, total, 1.0)
    for name, array, flow in (("offsets", offsets, "offsets_used"), ("unmet", unmet, "penalty_tonnes")):
        expected = part * dataset[flow].values
        yield worst(f"trade.{name}", array - expected, expected, IDENTITY, problem.enterprise)
    owed, make_good = np.zeros_like(unmet), np.zeros(len(problem.year))
    for index, step in enumerate(problem.steps):
        if step.owed_next is not None:
            owing = step.owed_next[:-1] * dataset.step_used.values[index, :-1]
            make_good[1:] += owing
            owed[:, 1:] += part[:, :-1] * owing
    yield worst("trade.make_good", dataset.make_good.values - make_good, make_good, IDENTITY, problem.year)
    position = obligation - free - offsets - unmet + owed
    bought = dataset.net_purchase.values
    # A small purchase must not hide behind large obligations.
    scale = np.abs(position) + LEFT * LEFT * gross_positions(problem)
    yield worst("trade.position", bought - position, scale, IDENTITY, problem.enterprise)
