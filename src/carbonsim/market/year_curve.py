"""Net demand of one year as a falling function of the price: a level, jumps, ramps and units that are asked again."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from carbonsim.market.best_response import Unit
from carbonsim.market.clearing import TermAnswer
from carbonsim.market.problem import MarketProblem
from carbonsim.market.response_curve import OffsetKink, Staircase, answers_at, emissions, entitled, rent, staircase
from carbonsim.market.supply import Array
from carbonsim.market.tabulated import Tables, tabulate

OPTION, UNIT, STEP = 0, 1, 2
JUST_ABOVE = 1 + 4 * float(np.finfo(float).eps)  # apart even after discounting
IntArray = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class YearCurve:
    """Net demand of a year, in allowances, from price 0 up.

    ``base`` is net demand just below price 0, where options hold ``use`` tonnes. A jump at ``jump_price`` lowers it
    by ``jump_drop``; it belongs to an option (then ``jump_use`` is the change of its use), a unit or a supply step,
    by ``jump_kind`` and ``jump_of``. A ramp lowers it evenly from ``ramp_from`` to ``ramp_to``. ``smooth`` are units
    without a staircase, ``stairs`` the staircases of the others; ``tables`` answer for the smooth units that move along
    one channel, and the ``asked`` ones are searched at each price. ``entitlement`` are the offsets of the smooth units
    at each offset kink, which the supply steps hold.
    """

    base: float
    use: Array
    jump_price: Array
    jump_drop: Array
    jump_kind: IntArray
    jump_of: IntArray
    jump_use: Array
    ramp_from: Array
    ramp_to: Array
    ramp_drop: Array
    ramp_of: IntArray
    ramp_use: Array
    units: tuple[Unit, ...]
    stairs: tuple[Staircase | None, ...]
    kinks: tuple[OffsetKink, ...]
    tables: Tables | None
    asked: tuple[Unit, ...]
    entitlement: tuple[float, ...]

    @property
    def smooth(self) -> tuple[int, ...]:
        """Positions of the units whose answer moves smoothly with the price."""
        return tuple(index for index, stairs in enumerate(self.stairs) if stairs is None)

    def smooth_net(self, price: float) -> tuple[float, float]:
        """Net demand of the smooth units at a price: highest and lowest of equally good answers."""
        # The offset step already holds what the units are entitled to at its own price; only the change since counts.
        most = least = sum(held for kink, held in zip(self.kinks, self.entitlement, strict=True) if price > kink.price)
        if self.tables is not None:
            above, below = self.tables.net(price, rent(self.kinks, price), entitled(self.kinks, price))
            most, least = most + above, least + below
        for unit in self.asked:
            found = answers_at(unit, price, self.kinks)
            most, least = most + found.net_most, least + found.net_least
        return most, least

    @property
    def responds(self) -> bool:
        """Whether anybody's demand, and not only supply, can move or is unequal to zero."""
        covered = any(unit.share > 0 for unit in self.units)
        return bool(self.base != 0 or covered or len(self.ramp_of) or np.any(self.jump_kind == OPTION))


def offset_kinks(problem: MarketProblem, y: int) -> tuple[OffsetKink, ...]:
    """The offsets of a year that are limited by each obligation, in rising order of price."""
    found = [
        OffsetKink(float(step.price[y]), float(step.obligation_share[y]))
        for step in problem.steps
        if step.obligation_share is not None and step.exists()[y]
    ]
    return tuple(sorted(found, key=lambda kink: kink.price))


def year_curve(
    problem: MarketProblem, y: int, units: Sequence[Unit], groups: tuple[float, float], top: float
) -> YearCurve:
    """The curve of year position ``y``.

    Parameters
    ----------
    problem : MarketProblem
    y : int
        Position of the year.
    units : sequence of Unit
        The year's units that are in no balance group.
    groups : tuple of float [tCO2e]
        Obligation and net demand of the year's balance groups, which are answered at the price afterwards.
    top : float [CNY/tCO2e]
        Highest price that matters.
    """
    kinks = offset_kinks(problem, y)
    pieces = _option_pieces(problem, y, kinks)
    stairs = tuple(staircase(unit, kinks, top) for unit in units)
    base = float(np.sum(problem.share[:, y] * ((1 - problem.per_emission[:, y]) * problem.baseline[:, y]
                                               - problem.fixed[:, y])))  # fmt: skip
    share, phi = problem.option_share[:, y], problem.option_phi[:, y]
    free = ~problem.in_response[:, y]
    base -= float(np.sum((share * phi * pieces.use)[free])) + float(problem.supply[y])
    base += groups[1]
    jumps = [pieces.jumps]
    for index, found in enumerate(stairs):
        if found is not None:
            base += _first_net(units[index], found)
            jumps.append([(p, q, UNIT, index, 0.0) for p, q in zip(found.price, found.drop, strict=True)])
    jumps.append(_step_jumps(problem, y, pieces, units, stairs, groups[0], kinks))
    smooth = [unit for unit, found in zip(units, stairs, strict=True) if found is None]
    tables, left_out = tabulate(smooth)
    table = np.array([jump for part in jumps for jump in part], dtype=float).reshape(-1, 5)
    ramps = np.array(pieces.ramps, dtype=float).reshape(-1, 5)
    scale = float(np.sum(problem.share[:, y] * problem.baseline[:, y])) + float(problem.supply[y])
    return YearCurve(
        base=0.0 if abs(base) <= 1e-12 * scale else base,
        use=pieces.use,
        jump_price=table[:, 0], jump_drop=table[:, 1], jump_kind=table[:, 2].astype(np.intp),
        jump_of=table[:, 3].astype(np.intp), jump_use=table[:, 4],
        ramp_from=ramps[:, 0], ramp_to=ramps[:, 1], ramp_drop=ramps[:, 2], ramp_of=ramps[:, 3].astype(np.intp),
        ramp_use=ramps[:, 4],
        units=tuple(units), stairs=stairs, kinks=kinks,
        tables=tables, asked=tuple(smooth[position] for position in left_out),
        entitlement=tuple(
            kink.share * sum(unit.share * emissions(unit, answers_at(unit, kink.price, kinks).least) for unit in smooth)
            for kink in kinks
        ),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Pieces:
    use: Array
    jumps: list[tuple[float, float, int, int, float]]
    ramps: list[tuple[float, float, float, int, float]]


def _first_net(unit: Unit, stairs: Staircase) -> float:
    answer = stairs.answers[0]
    return unit.share * (emissions(unit, answer) - answer.allowances)


def _option_pieces(problem: MarketProblem, y: int, kinks: Sequence[OffsetKink]) -> _Pieces:
    """Jumps and ramps of the options outside response terms.

    Between two offset kinks the worth of a tonne cut moves evenly with the price, by ``gain`` per unit of price;
    that same number is the fall of net demand per tonne cut.
    """
    options = problem.options
    cost, slope = options.unit_cost[:, y], options.slope[:, y]
    size = np.where(problem.in_response[:, y], 0.0, options.potential[:, y])
    share, phi = problem.option_share[:, y], problem.option_phi[:, y]
    gain = share * phi
    use = np.where(np.where(gain >= 0, cost < 0, cost <= 0), size, 0.0)
    rising = slope > 0
    use[rising] = np.clip(-cost[rising] / slope[rising], 0.0, size[rising])
    worth = np.zeros_like(cost)
    jumps: list[tuple[float, float, int, int, float]] = []
    ramps: list[tuple[float, float, float, int, float]] = []
    bounds = [0.0, *(kink.price for kink in kinks), np.inf]
    for k, (low, high) in enumerate(itertools.pairwise(bounds)):
        before = gain
        if k:
            gain = gain - share * kinks[k - 1].share
        _add_pieces((low, high, k == 0), worth, (before, gain), (cost, slope, size), jumps, ramps)
        if np.isfinite(high):
            worth = worth + gain * (high - low)
    return _Pieces(use, jumps, ramps)


def _add_pieces(
    interval: tuple[float, float, bool],
    worth: Array,
    gains: tuple[Array, Array],
    table: tuple[Array, Array, Array],
    jumps: list[tuple[float, float, int, int, float]],
    ramps: list[tuple[float, float, float, int, float]],
) -> None:
    """Jumps and ramps of the options between two prices, by their gains before and between them.

    A jump on the lower end belongs to the interval before. An option that was taken up just there, and is worth less
    from there on, is given back just above it: after the offsets that lower its worth.
    """
    low, high, first = interval
    before, gain = gains
    cost, slope, size = table
    live = (gain != 0) & (size > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        start = np.where(live, low + (cost - worth) / gain, np.nan)
        full = np.where(live, low + (cost + slope * size - worth) / gain, np.nan)
    step = live & (slope == 0) & ((start >= low) if first else (start > low)) & (start <= high)
    turns = live & (slope == 0) & (start == low) & (before > 0) & (gain < 0)
    for o in np.flatnonzero(step | turns):
        price = float(low * JUST_ABOVE if turns[o] else start[o])
        jumps.append((price, abs(float(gain[o] * size[o])), OPTION, int(o), float(np.sign(gain[o]) * size[o])))
    begin, end = np.clip(np.minimum(start, full), low, high), np.clip(np.maximum(start, full), low, high)
    for o in np.flatnonzero(live & (slope > 0) & (end > begin)):
        change = float(gain[o] * (end[o] - begin[o]) / slope[o])
        ramps.append((float(begin[o]), float(end[o]), abs(float(gain[o]) * change), int(o), change))


def _step_jumps(
    problem: MarketProblem,
    y: int,
    pieces: _Pieces,
    units: Sequence[Unit],
    stairs: Sequence[Staircase | None],
    outside_obligation: float,
    kinks: Sequence[OffsetKink],
) -> list[tuple[float, float, int, int, float]]:
    """Supply steps; one limited by obligations offers its share of what is emitted at its price."""
    found = []
    for index, step in enumerate(problem.steps):
        if not step.exists()[y]:
            continue
        price, quantity = float(step.price[y]), float(step.quantity[y])
        if step.obligation_share is not None:
            obligation = outside_obligation + _obligation(problem, y, pieces, price)
            for unit, stair in zip(units, stairs, strict=True):
                obligation += unit.share * emissions(unit, _answer_after(unit, stair, price, kinks))
            quantity = float(step.obligation_share[y]) * obligation
        found.append((price, quantity, STEP, index, 0.0))
    return found


def _obligation(problem: MarketProblem, y: int, pieces: _Pieces, price: float) -> float:
    """Obligation of affine enterprises just after a price."""
    use = pieces.use.copy()
    for at, _, _, option, change in pieces.jumps:
        use[option] += change if at <= price else 0.0
    for low, high, _, option, change in pieces.ramps:
        use[option] += change * min(max((price - low) / (high - low), 0.0), 1.0)
    total = np.sum(problem.share[:, y] * problem.baseline[:, y])
    return float(total - np.sum((problem.option_share[:, y] * use)[~problem.in_response[:, y]]))


def _answer_after(unit: Unit, stair: Staircase | None, price: float, kinks: Sequence[OffsetKink]) -> TermAnswer:
    if stair is None:
        return answers_at(unit, price, kinks).least
    return stair.answers[sum(at <= price for at in stair.price)]
