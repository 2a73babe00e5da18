"""Audit of answers that are a mix of two equally good ones: found again by zooming in, without corners or gradients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.market.audit_ledger import IDENTITY, worst
from carbonsim.market.certificate import Line
from carbonsim.market.problem import MarketProblem

if TYPE_CHECKING:
    from carbonsim.market.audit_responses import View

Array = NDArray[np.float64]

GRID = 41  # points along each channel at which the search for minima starts
CLOSER = 17  # points along each channel in each round of zooming
ROUNDS = 10
PARABOLA = 1e-4  # distance at which a parabola is laid through three points, as a share of a channel
HIDDEN = 1e-6  # of a channel: what equal values may hide
DEEPER = 2.0  # how much further than its nearest neighbours lie above it a minimum may lie below a grid point
BEST = 1e-7  # share of a unit's emissions at the price by which an answer may fall short of the best
MIXED = 1e-6  # relative distance accepted between a mix and what its two ends make of it
BOTH = 1e-5  # relative distance accepted in tonnes that follow from the weight of a mix


def mixed_lines(
    problem: MarketProblem, dataset: xr.Dataset, views: Sequence[View], labels: Sequence[str]
) -> Iterator[Line]:
    """A mix lies between the two best answers with the most and the least net demand, and nothing else is a mix.

    ``views`` are the units' objectives at the published price, by response term.
    """
    wrong, tonnes = np.zeros(len(labels)), np.zeros(len(problem.year))
    for index in np.flatnonzero(dataset.response_is_mixed.values):
        view, mine = views[int(index)], published(dataset, int(index))
        if np.isnan(view.price) or _comes_to_the_same(view, mine):
            wrong[index] = np.inf
            continue
        first, second = best_ends(view)
        drop = _net(view, first) - _net(view, second)
        part = (_net(view, first) - _net(view, mine)) / drop if drop > 0 else np.nan
        size = view.term.key + view.term.other + np.abs(np.array([0.0, 0.0, 0.0, first[3] + second[3]]))
        apart = np.abs(mine - (1 - part) * first - part * second) / size
        wrong[index] = np.inf if not 0 < part < 1 else float(apart.max())
        if view.term.weight <= 1 and not view.term.balance_group:
            tonnes[problem.year.index(view.term.year)] += min(part, 1 - part) * drop
    yield worst("response.mix", wrong, 1.0, MIXED, labels)
    yield worst("response.mixed", dataset.mixed.values - tonnes, tonnes, BOTH, problem.year)


def published(dataset: xr.Dataset, index: int) -> Array:
    """Emissions left in both channels, allocation and cost of one answer."""
    return np.array([float(dataset[f"response_{name}"][index]) for name in ("key", "other", "allocation", "cost")])


def best_value(view: View, mine: Array) -> float:
    """The least objective of all answers but those next to ``mine``, whose slope is audited by itself."""
    axes, value, lower = _grid(view)
    step = np.array([axis[-1] / max(len(axis) - 1, 1) for axis in axes])
    least = float(value.min())
    for i, j in _minima(value, lower, least):
        start = np.array([axes[0][i], axes[1][j]])
        if lower[i, j] < least and np.any(np.abs(start - mine) > step):
            least = min(least, _value(view, _zoomed(view, start, step)))
    return least


def best_ends(view: View) -> tuple[Array, Array]:
    """The best answers with the most and the least net demand, each as emissions left, allocation and cost."""
    axes, value, lower = _grid(view)
    step = np.array([axis[-1] / max(len(axis) - 1, 1) for axis in axes])
    y = view.problem.year.index(view.term.year)
    scale = (view.problem.share[view.term.enterprise, y] * abs(view.price) + 1.0) * (view.term.key + view.term.other)
    starts = [np.array([axes[0][i], axes[1][j]]) for i, j in _minima(value, lower, value.min() + BEST * scale)]
    rough = [_zoomed(view, start, step) for start in starts]
    cuts = [np.array([_turned(view, cut, side) for side in (0, 1)]) for cut in rough]
    values = [_value(view, cut) for cut in cuts]
    answers = [_answer(view, cut) for cut, of in zip(cuts, values, strict=True) if of <= min(values) + BEST * scale]
    net = [_net(view, answer) for answer in answers]
    return answers[int(np.argmax(net))], answers[int(np.argmin(net))]


def _comes_to_the_same(view: View, mine: Array) -> bool:
    """Whether one answer at these emissions has the same allocation and cost."""
    alone = _answer(view, np.array([view.term.key, view.term.other]) - mine[:2])
    size = np.array([view.term.key + view.term.other, max(float(np.abs(alone[3])), 1e-9)])
    return bool(np.all(np.abs(mine[2:] - alone[2:]) <= IDENTITY * size))


def _net(view: View, answer: Array) -> float:
    share = view.problem.share[view.term.enterprise, view.problem.year.index(view.term.year)]
    return float(share * (answer[0] + answer[1] - answer[2]))


def _answer(view: View, cut: Array) -> Array:
    """Emissions left, allocation and cost after the cuts of both channels."""
    left = np.array([view.term.key, view.term.other]) - cut
    allocation = view.term.weight * float(view.rule.amount(left[0] / view.term.weight, left[1] / view.term.weight))
    cost = view.cost(view.term.key_options, cut[:1]) + view.cost(view.term.other_options, cut[1:])
    return np.array([*left, allocation, float(cost[0])])


def _value(view: View, cut: Array) -> float:
    return float(view.value(cut[:1], cut[1:])[0, 0])


def _grid(view: View) -> tuple[list[Array], Array, Array]:
    """A grid over the cuts of both channels, the objective on it, and what it cannot fall below near each point."""
    axes = []
    for options in (view.term.key_options, view.term.other_options):
        capacity = view.capacity(options)
        axes.append(np.linspace(0.0, capacity, GRID) if capacity > 0 else np.zeros(1))
    value = view.value(*axes)
    deeper = np.zeros_like(value)
    for side, axis in enumerate(axes):
        if len(axis) > 1:
            # Where the objective is convex around a point, the line from one neighbour bounds it towards the other.
            gap = np.diff(value, axis=side)
            edge = np.zeros_like(np.take(value, [0], side))
            before, after = np.concatenate([edge, -gap], axis=side), np.concatenate([gap, edge], axis=side)
            deeper += np.maximum(np.maximum(before, after), 0.0)
    return axes, value, value - DEEPER * deeper


def _minima(value: Array, lower: Array, least: float) -> list[tuple[int, int]]:
    """Points of a grid that no neighbour betters and near which there may be less than ``least``, the best first."""
    around = np.pad(value, 1, constant_values=np.inf)
    rows, columns = value.shape
    fine = lower <= least
    for i, j in ((i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j):
        fine &= value <= around[1 + i : 1 + i + rows, 1 + j : 1 + j + columns]
    found = np.argwhere(fine)
    return [(int(i), int(j)) for i, j in found[np.argsort(value[fine])]]


def _zoomed(view: View, start: Array, step: Array) -> Array:
    """The minimum near a point, by ever finer grids around the best one."""
    top = np.array([view.capacity(view.term.key_options), view.capacity(view.term.other_options)])
    offsets, best = np.linspace(-1.0, 1.0, CLOSER), start
    for _ in range(ROUNDS):
        key, other = (
            np.clip(best[side] + offsets * step[side], 0.0, top[side]) if step[side] > 0 else best[side : side + 1]
            for side in (0, 1)
        )
        value = view.value(key, other)
        i, j = np.unravel_index(int(np.argmin(value)), value.shape)
        best, step = np.array([key[i], other[j]]), step * 2 / (CLOSER - 1)
    return best


def _turned(view: View, cut: Array, side: int) -> float:
    """A cut where the slope turns: equal values hide the last digits of a smooth minimum, a parabola shows them."""
    top = view.capacity(view.term.key_options if side == 0 else view.term.other_options)
    aside = PARABOLA * top * np.eye(2)[side]
    if not aside[side] < cut[side] < top - aside[side]:
        return float(cut[side])
    below, here, above = (_value(view, cut + sign * aside) for sign in (-1, 0, 1))
    bend = below - 2 * here + above
    shift = aside[side] * (below - above) / (2 * bend) if bend > 0 else 0.0
    return float(cut[side] + shift if abs(shift) < HIDDEN * top else cut[side])
