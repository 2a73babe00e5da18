"""Net demand of each year of an affine market as thresholds of the price: who acts where, and how far demand falls.

An option is taken up where its marginal cost is what a tonne cut is worth to its enterprise. Above the price of an
offset that is limited by obligations (a kink) a tonne cut also costs an offset, so the worth is concave in the
price: the least of straight lines, one for each interval between kinks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from carbonsim.market.problem import MarketProblem
from carbonsim.market.supply import Array, SupplyStep

IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]
ROUNDING: Final = 1e-12  # net demand below this share of all quantities of a year counts as none
JUST_ABOVE: Final = 1 + 4 * float(np.finfo(float).eps)  # apart even after discounting
BATCH: Final = 1 << 15  # option-years looked at together: so many that their arrays stay in the processor's cache
BEYOND: Final = 4.0  # multiple of all need over all years that no rising step is asked for


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Stretches on which net demand falls evenly by ``drop`` while the price rises from ``low`` to ``high``.

    A jump has ``low == high``. ``owner`` is the flat position of an option and year, or the position of a step;
    ``change`` is what its use changes by over the stretch, negative where use falls with the price.
    """

    owner: IntArray
    year: IntArray
    low: Array
    high: Array
    drop: Array
    change: Array

    def __len__(self) -> int:
        """Number of pieces."""
        return len(self.owner)

    def of(self, chosen: BoolArray | IntArray) -> Pieces:
        """Some of the pieces."""
        return Pieces(*(getattr(self, name)[chosen] for name in self.__slots__))

    def times(self, discount: Array) -> Pieces:
        """The pieces at discounted prices."""
        factor = discount[self.year]
        return Pieces(self.owner, self.year, self.low * factor, self.high * factor, self.drop, self.change)

    def passed(self, price: Array) -> Array:
        """Part of each piece that lies below its own price, 0..1; a jump at the price does not."""
        width = self.high - self.low
        inside = np.clip((price - self.low) / np.where(width > 0, width, 1.0), 0.0, 1.0)
        return np.where(width > 0, inside, (self.low < price).astype(float))


@dataclass(frozen=True, slots=True, eq=False)
class Thresholds:
    """An affine market as thresholds of the discounted price.

    Parameters
    ----------
    at : array [CNY/tCO2e] (option, year)
        Discounted price from which a step option is used in full: negative if it pays for itself, ``inf`` where it
        is never used or is held by ``pieces``.
    drop : array [allowance] (option, year)
        Fall of net demand there, 0 where the price does not reach the option.
    pieces : Pieces
        Linear MACs, and options that are worth less at a higher price.
    first, first_use : array [1], [tCO2e]
        Flat positions of the options and years of ``pieces``, and their use just below price 0.
    base : array [allowance] (year)
        Net demand just below price 0 less fixed supply, before steps and bank.
    scale : array [allowance] (year)
        Obligations before abatement and fixed supply together.
    steps : Pieces
        Supply steps; ``drop`` is ``inf`` where the quantity is unlimited.
    """

    at: Array
    drop: Array
    pieces: Pieces
    first: IntArray
    first_use: Array
    base: Array
    scale: Array
    steps: Pieces

    def responds(self) -> BoolArray:
        """Years in which demand can move with a price of 0 or more, or is unequal to fixed supply."""
        moves = ((self.at >= 0) & (self.drop > 0)).any(axis=0) | (self.base != 0)
        moves[self.pieces.year] = True
        return np.asarray(moves)


@dataclass(frozen=True, slots=True, eq=False)
class Worth:
    """What a tonne cut is worth to each enterprise: ``gain[k] * price + rest[k]`` up to ``kink[k]``, discount aside.

    ``gain`` and ``rest`` hold (enterprise, year) for each interval, ``kink`` (year) the upper end of all but the
    last, ``inf`` in a year without it.
    """

    gain: tuple[Array, ...]
    rest: tuple[Array, ...]
    kink: tuple[Array, ...]
    straight: BoolArray
    idle: BoolArray

    def option(self, owner: IntArray, k: int) -> tuple[Array, Array]:
        """Gain and rest of interval k for options of these enterprises, a gain of 1 where one is not straight."""
        gain = np.take(self.gain[k], owner, axis=0)
        if not self.straight.all():
            gain[~np.take(self.straight, owner, axis=0)] = 1.0
        return gain, np.take(self.rest[k], owner, axis=0)


def batches(options: int, years: int) -> list[slice]:
    """Rows of options that are looked at together."""
    step = max(BATCH // years, 1)
    return [slice(start, min(start + step, options)) for start in range(0, options, step)]


def find_thresholds(problem: MarketProblem) -> Thresholds:
    r"""The thresholds of a problem without best-response rules, where no step is owed next year.

    .. math::
        :label: option-threshold

        W_{oy}(p) = s_{oy}\Big(\varphi_{oy}\,p - \sum_k \theta_{ky}\,(p - p^o_{ky})^+\Big), \qquad
        c_{oy} + k_{oy} x_{oy} \le W_{oy}(p)

    Each option is used up to where its marginal cost meets W. Free allocation that moves with emissions scales the
    threshold (:math:`\varphi`); offsets limited by the obligation lower the worth of a cut above their price.
    """
    limited = [step for step in problem.steps if step.obligation_share is not None]
    worth = _worth(problem, limited)
    at, drop, first = _step_options(problem, worth)
    first_use, pieces, shed = _special_options(problem, worth, first)
    share = problem.share
    base = np.sum(share * ((1 - problem.per_emission) * problem.baseline - problem.fixed), axis=0) - problem.supply
    base -= _by_year(problem, first, first_use * worth.gain[0][_enterprise_of(problem, first)])
    if at.size and at.min() < 0:
        base -= np.where(at < 0, drop, 0.0).sum(axis=0)
    scale = np.sum(share * problem.baseline, axis=0) + problem.supply
    base[np.abs(base) <= ROUNDING * scale] = 0.0
    after = _obligations_after(problem, worth.kink, at, shed) if limited else []
    steps = _steps(problem, worth.kink, after, float(np.sum(np.maximum(base, 0.0))))
    at *= problem.discount
    return Thresholds(
        at, drop, pieces.times(problem.discount), first, first_use, base, scale, steps.times(problem.discount)
    )


def _enterprise_of(problem: MarketProblem, flat: IntArray) -> tuple[IntArray, IntArray]:
    """Enterprise and year of flat positions of options and years."""
    option, year = np.divmod(flat, len(problem.year))
    return problem.options.enterprise[option], year


def _by_year(problem: MarketProblem, flat: IntArray, values: Array) -> Array:
    years = len(problem.year)
    return np.asarray(np.bincount(flat % years, weights=values, minlength=years), dtype=float)


def _worth(problem: MarketProblem, limited: list[SupplyStep]) -> Worth:
    years = len(problem.year)
    exists = np.array([step.exists() for step in limited]).reshape(-1, years)
    price = np.where(exists, np.array([step.price for step in limited]).reshape(-1, years), np.inf)
    share = np.where(exists, np.array([step.obligation_share for step in limited]).reshape(-1, years), 0.0)
    order = np.argsort(price, axis=0, kind="stable")
    price, share = np.take_along_axis(price, order, axis=0), np.take_along_axis(share, order, axis=0)
    gain = [problem.share * (1 - problem.per_emission)]
    rest = [np.zeros_like(gain[0])]
    for at, part in zip(price, share, strict=True):
        gain.append(gain[-1] - problem.share * part)
        rest.append(rest[-1] + problem.share * (part * np.where(np.isinf(at), 0.0, at)))
    straight = np.all([part > 0 for part in gain], axis=0)
    idle = np.all([part == 0 for part in gain], axis=0)
    return Worth(tuple(gain), tuple(rest), tuple(price), straight, idle)


def _step_options(problem: MarketProblem, worth: Worth) -> tuple[Array, Array, IntArray]:
    """Thresholds and drops of step options whose worth rises with the price; flat positions of all that are not so."""
    shape = len(problem.options.label), len(problem.year)
    at, drop = np.empty(shape), np.empty(shape)
    special = [
        _step_batch(problem, worth, rows, at[rows], drop[rows]) + rows.start * shape[1] for rows in batches(*shape)
    ]
    return at, drop, np.concatenate(special) if special else np.zeros(0, dtype=np.intp)


def _step_batch(problem: MarketProblem, worth: Worth, rows: slice, at: Array, drop: Array) -> IntArray:
    """Fill in thresholds and drops of some options, and give the flat positions of the special ones among them."""
    options = problem.options
    owner, cost, potential = options.enterprise[rows], options.unit_cost[rows], options.potential[rows]
    gain, _ = worth.option(owner, 0)
    np.divide(cost, gain, out=at)
    np.multiply(potential, gain, out=drop)
    for k, kink in enumerate(worth.kink, start=1):
        gain, rest = worth.option(owner, k)
        # The worth is the least of the lines, so the threshold is the largest of theirs.
        np.maximum(at, (cost - rest) / gain, out=at)
        np.multiply(potential, gain, out=drop, where=at > kink)
    rising, straight = options.slope[rows] > 0, np.take(worth.straight, owner, axis=0)
    if straight.all() and not rising.any():
        return np.zeros(0, dtype=np.intp)
    apart, idle = rising | ~straight, np.take(worth.idle, owner, axis=0)
    np.copyto(at, np.where(idle & (cost < 0), -np.inf, np.inf), where=apart)
    drop[apart] = 0.0
    special = apart & (potential > 0) & (rising | ~idle)
    at[special] = np.inf
    return np.flatnonzero(special)


def _special_options(problem: MarketProblem, worth: Worth, flat: IntArray) -> tuple[Array, Pieces, list[Array]]:
    """Use just below price 0 of the options at flat positions, their pieces, and by kink what they shed, (year)."""
    batches = [flat[start : start + BATCH] for start in range(0, max(len(flat), 1), BATCH)]
    found = [_special_batch(problem, worth, batch) for batch in batches]
    pieces = join_pieces([part for _, parts, _ in found for part in parts])
    shed = [np.sum(by_year, axis=0) for by_year in zip(*(shed for _, _, shed in found), strict=True)]
    return np.concatenate([use for use, _, _ in found]), pieces, shed


def _special_batch(problem: MarketProblem, worth: Worth, flat: IntArray) -> tuple[Array, list[Pieces], list[Array]]:
    """Interval by interval between kinks, how far each of some options is used; see ``_special_options``."""
    options, where = problem.options, _enterprise_of(problem, flat)
    cost, slope, size = (array.reshape(-1)[flat] for array in (options.unit_cost, options.slope, options.potential))
    rising = slope > 0
    full = cost + slope * size
    falls = worth.gain[0][where] < 0
    use = np.where(np.where(falls, cost <= 0, cost < 0), size, 0.0)
    use[rising] = np.clip(-cost[rising] / slope[rising], 0.0, size[rising])
    first_use = use.copy()
    found: list[Pieces] = []
    shed: list[Array] = []
    low, before = np.zeros_like(cost), np.zeros_like(cost)
    for k, (gains, rests) in enumerate(zip(worth.gain, worth.rest, strict=True)):
        gain, rest = gains[where], rests[where]
        high = worth.kink[k][where[1]] if k < len(worth.kink) else np.full_like(cost, np.inf)
        with np.errstate(invalid="ignore"):
            after = np.where(gain == 0, before, np.where(np.isinf(high), np.copysign(np.inf, gain), gain * high + rest))
        start, end = np.clip(before, cost, full), np.clip(after, cost, full)
        up = (before < cost) | (before == cost if k == 0 else False)
        jump = np.where(up & (after >= cost), size - use, np.where((before >= cost) & (after < cost), -use, 0.0))
        change = np.where(rising, (end - start) / np.where(rising, slope, 1.0), jump)
        live = (gain != 0) & (change != 0) & np.isfinite(low)
        chosen = np.flatnonzero(live)
        # What is given back because of a kink follows what is taken up at it, and the offsets.
        least = low if k == 0 else np.where(rising, low, np.maximum(low * JUST_ABOVE, np.finfo(float).tiny))
        begin, stop = (
            np.clip((level[chosen] - rest[chosen]) / gain[chosen], least[chosen], high[chosen])
            for level in (np.where(rising, start, cost), np.where(rising, end, cost))
        )
        drop = np.abs(gain[chosen] * change[chosen])
        found.append(Pieces(flat[chosen], where[1][chosen], begin, np.maximum(begin, stop), drop, change[chosen]))
        use = use + np.where(live, change, 0.0)
        shed.append(_by_year(problem, flat, problem.share[where] * use))
        low, before = high, after
    return first_use, found, shed


def join_pieces(parts: list[Pieces]) -> Pieces:
    """Pieces one after the other."""
    return Pieces(*(np.concatenate([getattr(part, name) for part in parts]) for name in Pieces.__slots__))


def _obligations_after(problem: MarketProblem, kinks: tuple[Array, ...], at: Array, shed: list[Array]) -> list[Array]:
    """Obligations of each year just above each kink, (year) by kink."""
    options = problem.options
    total = np.sum(problem.share * problem.baseline, axis=0)
    left = [total - by_pieces for by_pieces in shed[:-1]]
    limits = [np.where(np.isinf(kink), -np.inf, kink) for kink in kinks]
    for rows in batches(*at.shape):
        cut = np.take(problem.share, options.enterprise[rows], axis=0) * options.potential[rows]
        for k, limit in enumerate(limits):
            left[k] = left[k] - np.sum(cut, axis=0, where=at[rows] <= limit)
    return left


def _steps(problem: MarketProblem, kinks: tuple[Array, ...], after: list[Array], need: float) -> Pieces:
    """Supply steps at undiscounted prices; one limited by obligations offers its share of what is emitted there."""
    rows: list[tuple[int, int, float, float, float]] = []
    for index, step in enumerate(problem.steps):
        for y in np.flatnonzero(step.exists()):
            price, quantity = float(step.price[y]), float(step.quantity[y])
            if step.obligation_share is not None:
                # Steps at the same price follow one another; obligations just above it are those of the last.
                k = max(k for k, kink in enumerate(kinks) if kink[y] == price)
                quantity = float(step.obligation_share[y] * after[k][y])
            rise = 0.0 if step.slope is None else float(step.slope[y])
            if rise > 0:
                quantity = min(quantity, BEYOND * need + 1.0)
            rows.append((index, int(y), price, price + rise * quantity if rise > 0 else price, quantity))
    table = np.array(rows, dtype=float).reshape(-1, 5)
    owner, year = table[:, 0].astype(np.intp), table[:, 1].astype(np.intp)
    return Pieces(owner, year, table[:, 2], table[:, 3], table[:, 4], table[:, 4])
