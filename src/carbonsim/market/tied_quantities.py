"""Another answer of the same cost: what is indifferent at the price is shared so that less stands in for allowances.

Where offsets, fees, measures and years tie, many quantities clear at the same price and cost. An engine shows one of
them; it may be one in which offsets and fees of a year exceed what there is to surrender.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from scipy import sparse

from carbonsim.market.carry_over import CarryOver, carry_over
from carbonsim.market.clearing import Clearing
from carbonsim.market.problem import MarketProblem
from carbonsim.market.rounding import at_bounds
from carbonsim.market.supply import INSTEAD_OF_ALLOWANCES, Array
from carbonsim.solving import CompiledProgramme, LoadedProgramme

SAME = 1e-9  # relative difference of two prices below which they are equal
SCALED = 1e3  # largest yearly quantity in the unit of the programme
CARRIED = 1e-3  # weight of a tonne of the bank that moves, of one that is used


@dataclass(slots=True)
class _Moves:
    """Columns of the programme of moves: what may rise by ``up`` or fall by ``down``, and its entries by row."""

    target: list[tuple[str, int, int]] = field(default_factory=list)
    up: list[float] = field(default_factory=list)
    down: list[float] = field(default_factory=list)
    priced: list[bool] = field(default_factory=list)
    entries: list[dict[str, float]] = field(default_factory=list)

    def add(self, target: tuple[str, int, int], down: float, up: float, entries: dict[str, float]) -> None:
        """A quantity with how far it may fall and rise; all but the bank are moved as little as possible."""
        self.target.append(target)
        self.down.append(max(down, 0.0))
        self.up.append(max(up, 0.0))
        self.priced.append(target[0] in ("option", "step"))
        self.entries.append(entries)


def keep_within_obligations(problem: MarketProblem, clearing: Clearing, dataset: xr.Dataset) -> Clearing | None:
    r"""The clearing with offsets and fees of each year within its obligations, at the same prices and cost.

    .. math::
        :label: within-obligations

        \sum_{k \in \text{offsets, fees}} u_{ky} \le O_y - \sum_o s_{oy}\, \Delta x_{oy}

    Every least-cost answer is complementary to every price path that clears. So only what is indifferent at the lowest
    prices moves: measures whose marginal cost is their worth, steps at the price, the bank between years of one
    discounted price, and what expires at a price of 0. All such answers are the points of a linear programme.

    Parameters
    ----------
    problem : MarketProblem
        With instruments that the price search or best responses hold.
    clearing : Clearing
    dataset : Dataset
        Its ledger.

    Returns
    -------
    Clearing or None
        None if no answer of that cost keeps within obligations.
    """
    carry = carry_over(problem)
    if problem.given_price is not None or carry.interest.any():
        return None
    moves, price = _Moves(), clearing.price_low
    _add_options(problem, clearing, price, moves)
    _add_steps(problem, clearing, price, moves)
    _add_years(problem, dataset, carry, price, moves)
    change = _least_moves(problem, clearing, dataset, moves)
    if change is None:
        return None
    abatement, steps = clearing.abatement.copy(), clearing.step_used.copy()
    for (kind, place, y), amount in zip(moves.target, change, strict=True):
        if kind == "option":
            abatement[place, y] += amount
        elif kind == "step":
            steps[place, y] += amount
    free = ~problem.in_response
    abatement[free] = at_bounds(problem, abatement)[free]
    return dataclasses.replace(clearing, abatement=abatement, step_used=np.maximum(steps, 0.0))


def _add_options(problem: MarketProblem, clearing: Clearing, price: Array, moves: _Moves) -> None:
    """Measures of constant cost that are worth just what they cost."""
    options, share = problem.options, problem.option_share
    worth = problem.option_phi * price
    for step in problem.steps:
        if step.obligation_share is not None:
            above = np.where(step.exists(), np.maximum(price - step.price, 0.0), 0.0)
            worth = worth - np.nan_to_num(step.obligation_share) * above
    worth, cost = share * worth, options.unit_cost
    tied = np.abs(cost - worth) <= SAME * np.maximum(np.abs(cost), share * price)
    tied &= (options.slope == 0) & (options.potential > 0) & (share > 0) & ~problem.in_response
    for o, y in np.argwhere(tied):
        used, weight = float(clearing.abatement[o, y]), float(share[o, y])
        entries = {f"balance[{y}]": -weight * float(problem.option_phi[o, y]), f"within[{y}]": weight}
        for s in _limited(problem, price, int(y)):
            entries[f"limit[{s},{y}]"] = float(np.asarray(problem.steps[s].obligation_share)[y]) * weight
        moves.add(("option", int(o), int(y)), used, float(options.potential[o, y]) - used, entries)


def _limited(problem: MarketProblem, price: Array, y: int) -> list[int]:
    """Steps limited by obligations whose use follows them in a year: at the price or below it."""
    return [
        s
        for s, step in enumerate(problem.steps)
        if step.obligation_share is not None and step.exists()[y] and price[y] >= step.price[y] * (1 - SAME)
    ]


def _add_steps(problem: MarketProblem, clearing: Clearing, price: Array, moves: _Moves) -> None:
    """Steps at the price, and those limited by obligations, which follow them."""
    for s, step in enumerate(problem.steps):
        for y in np.flatnonzero(step.exists()):
            tied = abs(step.price[y] - price[y]) <= SAME * max(abs(float(step.price[y])), float(price[y]))
            rises = step.slope is not None and step.slope[y] > 0
            if rises or not (tied or s in _limited(problem, price, int(y))):
                continue
            used = float(clearing.step_used[s, y])
            room = np.inf if step.obligation_share is not None else float(step.quantity[y]) - used
            entries = {f"balance[{y}]": -1.0}
            if step.kind in INSTEAD_OF_ALLOWANCES:
                entries[f"within[{y}]"] = 1.0
            if step.obligation_share is not None:
                entries[f"limit[{s},{y}]"] = 1.0
            moves.add(("step", s, int(y)), used, room, entries)


def _add_years(problem: MarketProblem, dataset: xr.Dataset, carry: CarryOver, price: Array, moves: _Moves) -> None:
    """The bank between years that share a discounted price, and what expires or is left at a price of its worth."""
    present, last = price * problem.discount, len(price) - 1
    least = -carry.limit
    least[-1] = carry.at_least
    for y in range(len(price)):
        entries = {f"balance[{y}]": 1.0}
        if not carry.kept[y]:
            if price[y] == 0:
                moves.add(("expired", 0, y), float(dataset.expired.values[y]), np.inf, entries)
            continue
        following = carry.value * problem.discount[y] if y == last else present[y + 1]
        if present[y] > following * (1 + SAME):
            continue
        if y < last:
            entries[f"balance[{y + 1}]"] = -1.0
        moves.add(("bank", 0, y), float(dataset.bank.values[y] - least[y]), np.inf, entries)


def _least_moves(problem: MarketProblem, clearing: Clearing, dataset: xr.Dataset, moves: _Moves) -> Array | None:
    """How far each quantity moves [tCO2e], with the fewest tonnes in all; None if nothing keeps within obligations."""
    obligation = dataset.obligation.values.sum(axis=0)
    instead = dataset.offsets_used.values + dataset.penalty_tonnes.values
    unit = float(10.0 ** np.floor(np.log10(max(float(obligation.max()), float(problem.supply.max()), 1e-12) / SCALED)))
    years = range(len(obligation))
    bounds = {f"balance[{y}]": (0.0, 0.0) for y in years}
    bounds |= {f"within[{y}]": (-np.inf, float(obligation[y] - instead[y])) for y in years}
    for y in years:
        for s in _limited(problem, clearing.price_low, y):
            step = problem.steps[s]
            share = float(np.asarray(step.obligation_share)[y])
            below = step.price[y] < clearing.price_low[y] * (1 - SAME)
            room = 0.0 if below else share * obligation[y] - clearing.step_used[s, y]
            bounds[f"limit[{s},{y}]"] = (0.0 if below else -np.inf, float(room))
    place = {name: row for row, name in enumerate(bounds)}
    found = [(place[name], j, value) for j, own in enumerate(moves.entries) for name, value in own.items()]
    row, column, value = (np.array(each) for each in zip(*found, strict=True)) if found else (np.zeros(0),) * 3
    count = len(moves.target)
    matrix = sparse.csc_array(
        sparse.coo_array((value, (row.astype(np.intp), column.astype(np.intp))), shape=(len(bounds), count))
    )
    lower, upper = (np.array(each) / unit for each in zip(*bounds.values(), strict=True))
    programme = CompiledProgramme(
        cost=np.tile(np.where(moves.priced, 1.0, CARRIED), 2),
        offset=0.0,
        matrix=sparse.csc_array(sparse.hstack([matrix, -matrix])),
        row_lower=lower,
        row_upper=upper,
        column_lower=np.zeros(2 * count),
        column_upper=np.array(moves.up + moves.down) / unit,
        hessian=None,
        rows=list(bounds),
        columns=[f"{sign}[{kind},{one},{y}]" for sign in ("up", "down") for kind, one, y in moves.target],
    )
    solution = LoadedProgramme(programme).solve()
    return None if solution is None else (solution.values[:count] - solution.values[count:]) * unit
