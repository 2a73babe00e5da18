"""Measures that share a stream or exclude each other, turned into additive steps.

Numbers of dimensions inside: o option, y year.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from carbonsim.errors import InputError, shorten

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Index = NDArray[np.intp]
SHARE_TOLERANCE: Final = 1e-12
SAME_COST: Final = 1e-9  # steps whose cost differs by less, relatively, are one step


@dataclass(frozen=True, slots=True)
class Frontier:
    """Alternatives of an exclusion group as additive steps.

    ``kept`` are the places of the efficient alternatives in order of rising reduction; ``share`` what each step adds
    to the reduction, ``unit_cost`` what a tonne of the step costs, ``multiplier`` what the step leaves of the residual.
    """

    kept: Index
    share: Floats
    unit_cost: Floats
    multiplier: Floats


def efficient_frontier(share: Floats, unit_cost: Floats) -> Frontier:
    """Efficient alternatives among measures of which only one applies.

    Parameters
    ----------
    share : array [1] (alternative)
        Share of the stream's emissions that each alternative cuts, 0 to 1.
    unit_cost : array [CNY/tCO2e] (alternative)
        Cost of a tonne if the alternative is taken alone.

    Returns
    -------
    Frontier
        An alternative that costs more in total than a larger one, or than a mix of a smaller and a larger one, is
        dropped, so the incremental unit cost rises from step to step.

    Notes
    -----
    Lower convex hull of the points (share, share times unit cost) and the origin, its rising part and, where costs
    are negative, its falling part too.

    Examples
    --------
    >>> steps = efficient_frontier(np.array([0.1, 0.2, 0.3]), np.array([10.0, 40.0, 30.0]))
    >>> steps.kept.tolist(), [round(cost, 6) for cost in steps.unit_cost.tolist()]
    ([0, 2], [10.0, 40.0])
    """
    order = np.lexsort((share * unit_cost, share))
    kept: list[int] = []
    for place in order[share[order] > SHARE_TOLERANCE].tolist():
        if kept and share[place] - share[kept[-1]] <= SHARE_TOLERANCE:
            continue  # sorted by cost within a share: the first is the cheapest
        while kept and not _costs_more(share, unit_cost, kept, place):
            kept.pop()
        kept.append(place)
    chosen = np.array(kept, dtype=np.intp)
    step = np.diff(share[chosen], prepend=0.0)
    cost = np.diff(share[chosen] * unit_cost[chosen], prepend=0.0) / step
    before = share[chosen] - step
    multiplier = (1 - share[chosen]) / (1 - before)
    return Frontier(chosen, step, cost, multiplier)


def _costs_more(share: Floats, unit_cost: Floats, kept: list[int], place: int) -> bool:
    """Whether the step to ``place`` costs more a tonne than the last step, by more than rounding."""
    margin = SAME_COST * max(abs(float(unit_cost[place])), *(abs(float(unit_cost[index])) for index in kept[-2:]))
    return _slope(share, unit_cost, kept[-1], place) > _step_cost(share, unit_cost, kept) + margin


def _slope(share: Floats, unit_cost: Floats, lower: int, upper: int) -> float:
    rise = share[upper] * unit_cost[upper] - share[lower] * unit_cost[lower]
    return float(rise / (share[upper] - share[lower]))


def _step_cost(share: Floats, unit_cost: Floats, kept: list[int]) -> float:
    """Incremental unit cost of the last step taken so far."""
    return float(unit_cost[kept[0]]) if len(kept) == 1 else _slope(share, unit_cost, kept[-2], kept[-1])


def per_tonne_of_step(value: Floats, share: Floats, smaller: Index) -> Floats:
    """What a tonne of each step brings, where a step goes from a smaller alternative to a larger one.

    Parameters
    ----------
    value : array [unit per tCO2e] (o, k)
        What a tonne brings if the option is taken alone, such as pollution avoided or electricity used.
    share : array [1] (o)
        Share of the stream that the option cuts alone.
    smaller : array of int (o, y)
        Place of the alternative that the step starts from; -1 where it starts from nothing.

    Returns
    -------
    array [unit per tCO2e] (o, k, y)

    Notes
    -----
    .. math:: (r_k v_k - r_{k-1} v_{k-1}) / (r_k - r_{k-1})

    so that all steps up to an alternative together bring what the alternative brings.

    Examples
    --------
    >>> value, share, smaller = np.array([[2.0], [5.0]]), np.array([0.1, 0.3]), np.array([[-1], [0]])
    >>> per_tonne_of_step(value, share, smaller).round(9).ravel().tolist()
    [2.0, 6.5]
    """
    follows = smaller >= 0
    start = np.where(follows, smaller, 0)
    larger = share[:, None] - share[start]
    difference = share[:, None, None] * value[:, :, None] - np.moveaxis(share[start][:, :, None] * value[start], 2, 1)
    step = difference / np.where(follows, larger, 1.0)[:, None, :]
    return np.where(follows[:, None, :], step, value[:, :, None])


def residual_before(multiplier: Floats, group: Index, order: Floats) -> Floats:
    r"""What earlier measures of the same group leave of a stream when each measure's turn comes.

    Parameters
    ----------
    multiplier : array [1] (o, y)
        What a measure leaves of the residual: one minus its share at full adoption.
    group : array of int (o)
        Measures with the same number act on one stream and interact.
    order : array [CNY/tCO2e] (o)
        Cost by which the measures of a group come; ties in the order given.

    Returns
    -------
    array [1] (o, y)

    Notes
    -----
    .. math:: residual = baseline \cdot \prod_j (1 - r_j x_j)

    in merit order, so the abatement of measure k is baseline times the product over the measures before it times
    :math:`r_k x_k`, and the sum over the group never exceeds the baseline.

    Examples
    --------
    >>> left = np.array([[0.8], [0.5]])
    >>> residual_before(left, np.array([0, 0]), np.array([20.0, 10.0])).ravel().tolist()
    [0.5, 1.0]
    """
    before = np.ones_like(multiplier)
    if not group.size:
        return before
    turn = np.lexsort((np.arange(len(order)), order, group))
    starts = np.flatnonzero(np.diff(group[turn], prepend=group[turn][0] - 1))
    ends = np.append(starts[1:], len(turn))
    # A loop over positions inside groups, which are short, not over options.
    for position in range(1, int((ends - starts).max())):
        here = turn[(starts + position)[starts + position < ends]]
        last = turn[(starts + position - 1)[starts + position < ends]]
        before[here] = before[last] * multiplier[last]
    return before


def check_shares(total: Floats, labels: NDArray[np.str_]) -> None:
    """Raise InputError if measures without a common interaction group would cut more of a stream than there is.

    Parameters
    ----------
    total : array [1] (stream, y)
        Sum of the shares of each stream that all measures cut.
    labels : array of str (stream)

    Raises
    ------
    InputError
        Names the streams and the remedy.
    """
    over = np.flatnonzero((total > 1 + SHARE_TOLERANCE).any(axis=1))
    if over.size:
        raise InputError(
            f"measures cut more than all emissions of {shorten(labels[over].tolist())}. "
            "Give measures that act on the same stream one interaction_group, or lower reduction x max_penetration."
        )
