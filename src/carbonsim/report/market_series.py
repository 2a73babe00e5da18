"""What the pictures of a cleared problem show, as plain arrays; no drawing here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carbonsim.market import Market, MarketProblem
from carbonsim.market.supply import Array

NEAR = 1e-6  # relative distance from the curve within which a point lies on it
MOST_GROUPS = 8  # enterprises with a colour of their own; the others are one group


@dataclass(frozen=True, slots=True, eq=False)
class StepLine:
    """A supply step's price over the years, NaN where it offers nothing."""

    name: str
    kind: str
    price: Array


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Abatement at each marginal cost, stacked by group; ``tonnes`` is (group, cost)."""

    cost: Array
    group: tuple[str, ...]
    tonnes: Array

    @property
    def total(self) -> Array:
        """Abatement of all groups at each cost."""
        return np.asarray(self.tonnes.sum(axis=0))


def step_lines(problem: MarketProblem) -> list[StepLine]:
    """The prices at which supply steps offer something."""
    lines = [StepLine(step.name, step.kind, np.where(step.exists(), step.price, np.nan)) for step in problem.steps]
    return [line for line in lines if np.isfinite(line.price).any()]


def abatement_curve(problem: MarketProblem, year: int, rest: str) -> Curve:
    """The marginal abatement cost curve of a year, exact at every kink.

    Parameters
    ----------
    problem : MarketProblem
    year : int
    rest : str
        Name of the group of the smaller enterprises.
    """
    y = problem.year.index(year)
    options = problem.options
    size, start, slope = options.potential[:, y], options.unit_cost[:, y], options.slope[:, y]
    there = size > 0
    ends = np.unique(np.concatenate([start[there], (start + slope * size)[there], [0.0]]))
    # Steps are vertical: each kink is read twice, before its steps are used and after.
    costs = np.repeat(ends, 2)
    after = np.tile([False, True], len(ends))
    used = np.array([_used(size, start, slope, cost, including) for cost, including in zip(costs, after, strict=True)])
    owner = np.array(options.enterprise)
    totals = np.bincount(owner, weights=size, minlength=len(problem.enterprise))
    order = [int(e) for e in np.argsort(-totals, kind="stable") if totals[e] > 0]
    own = order if len(order) <= MOST_GROUPS else order[: MOST_GROUPS - 1]
    names, rows = [problem.enterprise[e] for e in own], [used[:, owner == e].sum(axis=1) for e in own]
    if len(own) < len(order):
        names.append(rest)
        rows.append(used[:, np.isin(owner, order[len(own) :])].sum(axis=1))
    return Curve(costs, tuple(names), np.array(rows).reshape(len(names), len(costs)))


def extended(curve: Curve, factor: float) -> Curve:
    """The curve with a margin above its highest cost, so that what the last step adds has a height."""
    if not len(curve.cost) or curve.cost[-1] <= 0:
        return curve
    return Curve(np.append(curve.cost, factor * curve.cost[-1]), curve.group, np.c_[curve.tonnes, curve.tonnes[:, -1]])


def on_curve(problem: MarketProblem, year: int, price: float, cut: float) -> bool:
    """Whether abatement is what the curve gives at a price: everybody feels all of it, and nothing else binds."""
    y = problem.year.index(year)
    options = problem.options
    arrays = options.potential[:, y], options.unit_cost[:, y], options.slope[:, y]
    least, most = (float(_used(*arrays, cost, including).sum())
                   for cost, including in ((price * (1 - NEAR), False), (price * (1 + NEAR), True)))  # fmt: skip
    slack = NEAR * max(most, 1.0)
    return least - slack <= cut <= most + slack


def _used(size: Array, start: Array, slope: Array, cost: float, including: bool) -> Array:
    """Use of every option up to a marginal cost, steps at that very cost included or not."""
    rising = slope > 0
    ramp = np.divide(cost - start, slope, out=np.zeros_like(size), where=rising)
    whole = start <= cost if including else start < cost
    return np.where(rising, np.clip(ramp, 0.0, size), np.where(whole, size, 0.0))


def drawable_interval(market: Market, top: float) -> tuple[Array, Array]:
    """Ends of the price interval, the upper one at ``top`` where nothing bounds it."""
    low, high = market.dataset.price_low.values, market.dataset.price_high.values
    return np.where(np.isnan(low), 0.0, low), np.where(np.isnan(high), top, high)
