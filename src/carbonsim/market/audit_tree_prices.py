"""For the audit of a scenario tree: all prices that its quantities leave open, by state and along the branches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.market.problem import MarketProblem

Array = NDArray[np.float64]

USED = 1e-7  # share of a potential or a quantity below which it counts as not used


def price_sets(
    alone: MarketProblem,
    dataset: xr.Dataset,
    following: Sequence[Sequence[int]],
    odds: Array,
    discount: float,
    held: NDArray[np.bool_] | None,
    worthless: NDArray[np.bool_],
) -> tuple[Array, Array]:
    """Lowest and highest price of each state among all price vectors at which the quantities are optimal.

    Parameters
    ----------
    alone : MarketProblem
        The states as years, each a market of its own.
    dataset : Dataset
        Published quantities over (node).
    following : sequence of lists of int
        States that may come after each; every state stands after the one before it.
    odds : array [1] (state)
    discount : float
        Factor of one year.
    held : array of bool (state), optional
        Whether the bank is above its limit; None without banking.
    worthless : array of bool (state)
        Whether allowances are left over for good, so that the price is 0.

    Notes
    -----
    The price of a state lies between what its used options and steps cost and what those with room cost. Given that of
    a state, the branches after it are independent, so one pass from the ends back gives what each part of the tree
    leaves open, and one pass forward what the rest of it does.
    """
    low, high = _own_bounds(alone, dataset)
    low, high = np.where(worthless, 0.0, low), np.where(worthless, 0.0, high)
    if held is None:
        return low, high
    back_low, back_high = low.copy(), high.copy()
    for n in range(len(odds) - 1, -1, -1):
        after = following[n]
        if after:
            share = odds[after] / odds[n] * discount
            back_low[n] = max(low[n], float(share @ back_low[after]))
            back_high[n] = min(high[n], float(share @ back_high[after])) if held[n] else high[n]
    for n, after in enumerate(following):
        for c in after:
            others = [other for other in after if other != c]
            share, rest = odds[c] / odds[n] * discount, odds[others] / odds[n] * discount
            most = (back_high[n] - float(rest @ back_low[others])) / share
            least = (back_low[n] - float(rest @ back_high[others])) / share if held[n] else -np.inf
            back_low[c], back_high[c] = max(back_low[c], least), min(back_high[c], most)
    return back_low, back_high


def least_sum(
    low: Array,
    high: Array,
    following: Sequence[Sequence[int]],
    odds: Array,
    discount: float,
    held: NDArray[np.bool_] | None,
) -> tuple[float, Array]:
    """The least expected discounted sum of prices within their intervals along the branches, and the states' weights.

    The arguments are those and the answer of ``price_sets``. Lowest prices of single states need not go together: while
    something is banked, a lower price after one state asks for a higher one beside it.
    """
    from scipy.optimize import linprog

    weight = np.array(odds, dtype=float)
    rows = np.zeros((0 if held is None else len(odds), len(odds)))
    for n, after in enumerate(following):
        # A state stands after the one before it, so that its own weight is settled here.
        for c in after:
            weight[c] = odds[c] / odds[n] * weight[n] * discount
        if held is not None and after:
            rows[n, after], rows[n, n] = 1.0, -1.0
    ends = list(zip(low * weight, np.where(np.isinf(high), np.inf, high * weight), strict=True))
    if held is None:
        return float((low * weight).sum()), weight
    answer = linprog(np.ones(len(odds)), A_ub=np.vstack([rows, -rows[held]]), b_ub=np.zeros(len(odds) + held.sum()),
                     bounds=[(first, max(first, last)) for first, last in ends])  # fmt: skip
    return (np.nan if answer.fun is None else float(answer.fun)), weight


def _own_bounds(alone: MarketProblem, dataset: xr.Dataset) -> tuple[Array, Array]:
    """Prices between what is used and what has room, in each state by itself."""
    count = len(alone.year)
    low, high = np.zeros(count), np.full(count, np.inf)
    options, used = alone.options, dataset.option_abatement.values
    obligation = dataset.obligation.values.sum(axis=0)
    for n in range(count):
        for o in np.flatnonzero(options.potential[:, n] > 0):
            full, amount = options.potential[o, n], used[o, n]
            marginal = options.unit_cost[o, n] + options.slope[o, n] * amount
            owner = options.enterprise[o]
            signal = (float(alone.share[owner, n]), float(1 - alone.per_emission[owner, n]))
            least, most = _where_worth(alone, n, signal, marginal)
            if amount > USED * full:
                low[n], high[n] = max(low[n], least[0]), min(high[n], least[1])
            if amount < full * (1 - USED):
                low[n], high[n] = max(low[n], most[0]), min(high[n], most[1])
        for s, step in enumerate(alone.steps):
            if not step.exists()[n]:
                continue
            amount = dataset.step_used.values[s, n]
            limit = step.quantity[n] if step.obligation_share is None else step.obligation_share[n] * obligation[n]
            asked = step.price[n] + (0.0 if step.slope is None else step.slope[n] * amount)
            if amount > USED * min(limit, max(obligation[n], 1e-9)):
                low[n] = max(low[n], asked)
            if amount < limit * (1 - USED):
                high[n] = min(high[n], asked)
    return low, high


def _where_worth(
    alone: MarketProblem, n: int, signal: tuple[float, float], marginal: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Prices at which a tonne cut is worth at least its marginal cost, and those at which it is worth at most that.

    The worth s (phi p - sum of theta (p - p_o) above each offset price) is piecewise linear in the price p.
    """
    share, phi = signal
    anything = (0.0, np.inf)
    limited = sorted(
        (float(step.price[n]), float(step.obligation_share[n]))
        for step in alone.steps
        if step.obligation_share is not None and step.exists()[n]
    )
    slopes = np.array([phi, *(phi - np.cumsum([theta for _, theta in limited]))]) * share
    if np.all(slopes == 0):
        return anything, anything
    knots = [0.0, *(price for price, _ in limited)]
    worth = [0.0]
    for position in range(1, len(knots)):
        worth.append(worth[-1] + slopes[position - 1] * (knots[position] - knots[position - 1]))
    rising = bool(np.all(slopes >= 0))
    for position, slope in enumerate(slopes):
        end = (
            worth[position + 1] if position + 1 < len(worth) else np.inf * np.sign(slope) if slope else worth[position]
        )
        inside = worth[position] <= marginal <= end if rising else end <= marginal <= worth[position]
        if inside and slope:
            at = knots[position] + (marginal - worth[position]) / slope
            return ((at, np.inf), (0.0, at)) if rising else ((0.0, at), (at, np.inf))
    never = (np.inf, np.inf) if rising == (marginal > worth[0]) else (0.0, 0.0)
    always = anything
    return (never, always) if marginal > worth[0] else (always, never)
