"""The programme over mixtures of everybody's choices: a bound on every plan, and the hull's prices as duals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from carbonsim.market.enterprise_replies import Block, Replies
from carbonsim.market.supply import Array
from carbonsim.solving import CompiledProgramme, IntegerSolution, plan_at, solve_mixed_integer

Index = NDArray[np.intp]

MOST_CHOICES = 4  # of one enterprise: all combinations of its yes-or-no decisions, each a copy of its columns


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """One combination of an enterprise's decisions: the column of its weight, and the decisions' places and values."""

    weight: int
    places: Index
    values: Array


@dataclass(frozen=True, slots=True, eq=False)
class HullProgramme:
    """Every enterprise mixes its choices, with weights that add up to 1; shared rows and columns come first."""

    programme: CompiledProgramme
    choices: tuple[Choice, ...]
    shared_low: Array

    @property
    def whole(self) -> CompiledProgramme:
        """The same with weights of 0 or 1: the market's own programme in a form that leaves little to search."""
        integer = np.zeros(len(self.programme.cost), dtype=bool)
        integer[[choice.weight for choice in self.choices]] = True
        low = np.concatenate([self.shared_low, self.programme.row_lower[len(self.shared_low) :]])
        return replace(self.programme, integer=integer, row_lower=low)

    def decisions(self, values: Array, columns: int) -> Array:
        """The decisions of a plan with whole weights, at their places in the market's programme; 0 elsewhere."""
        found = np.zeros(columns)
        for choice in self.choices:
            if values[choice.weight] > 0.5:
                found[choice.places] = choice.values
        return found


def hull_programme(replies: Replies) -> HullProgramme | None:
    r"""The programme over the convex hull of each enterprise's own set; None if one has too many choices.

    .. math::
        :label: hull-of-choices

        \operatorname{conv} \bigcup_u \{x : A x + D u \le b\}
        = \Big\{ \sum_u x^u : A x^u \le \lambda^u (b - D u),\ \sum_u \lambda^u = 1,\ \lambda \ge 0 \Big\}

    u runs over the combinations of an enterprise's decisions (Balas 1979). Its optimum is the greatest of what all pay
    at best at any price, and the duals of the market's balances are the prices at which they pay it.
    """
    builder = _Builder(replies)
    if any(_count(replies, block) > MOST_CHOICES for block in replies.blocks):
        return None
    for block in replies.blocks:
        builder.add(block)
    return builder.finished()


def _decisions(replies: Replies, block: Block) -> Index:
    whole = replies.programme.integer
    return np.zeros(0, dtype=np.intp) if whole is None else np.flatnonzero(whole[block.columns])


def _count(replies: Replies, block: Block) -> float:
    programme, places = replies.programme, _decisions(replies, block) + block.columns.start
    return float(np.prod(programme.column_upper[places] - programme.column_lower[places] + 1.0))


def best_plan(programme: CompiledProgramme, hull: HullProgramme | None) -> IntegerSolution | None:
    """The least-cost plan; where enterprises have few choices, searched over their mixtures: a far tighter form."""
    if hull is None:
        return solve_mixed_integer(programme)
    found = solve_mixed_integer(hull.whole)
    if found is None:
        return None
    return plan_at(programme, hull.decisions(found.values, len(programme.cost)), found.bound)


class _Builder:
    """Rows, columns and entries of the hull's programme, block by block."""

    def __init__(self, replies: Replies) -> None:
        self.replies, whole = replies, replies.programme
        self.rows, self.columns = replies.shared, replies.shared_columns
        own = sparse.coo_array(whole.matrix[: self.rows, : self.columns])
        self.entries: list[tuple[NDArray[np.integer[Any]], NDArray[np.integer[Any]], Array]] = [
            (own.row, own.col, own.data)
        ]
        self.cost, self.low, self.high = (
            [array[: self.columns]] for array in (whole.cost, whole.column_lower, whole.column_upper)
        )
        # Prices are not below 0, so what is sold to nobody is lost and no row is held from below.
        self.row_low = [np.full(self.rows, -np.inf)]
        self.row_high = [whole.row_upper[: self.rows]]
        self.choices: list[Choice] = []

    def add(self, block: Block) -> None:
        """All choices of one enterprise, whose weights add up to 1."""
        whole, places = self.replies.programme, _decisions(self.replies, block)
        ends = [range(int(whole.column_lower[p]), int(whole.column_upper[p]) + 1) for p in places + block.columns.start]
        weights = [self._copy(block, places, values) for values in product(*ends)]
        self._put(np.full(len(weights), self.rows), np.array(weights), np.ones(len(weights)))
        self._close_rows(np.ones(1), np.ones(1))

    def _copy(self, block: Block, places: Index, values: Sequence[int]) -> int:
        """The columns of a choice and its weight; rows and ends are those of the enterprise times the weight."""
        whole, chosen = self.replies.programme, np.array(values, dtype=float)
        matrix: Any = self.replies.by_row[:, block.columns]
        free: Any = np.setdiff1d(np.arange(block.columns.stop - block.columns.start), places)
        use, own = matrix[: self.replies.shared], matrix[block.rows]
        cost, start = whole.cost[block.columns], self.columns
        weight = start + len(free)
        shared = sparse.coo_array(use[:, free])
        self._put(shared.row, shared.col + start, shared.data)
        fixed = use[:, places] @ chosen
        self._put(np.flatnonzero(fixed), np.full(np.count_nonzero(fixed), weight), fixed[fixed != 0])
        low, high = (array[block.columns][free] for array in (whole.column_lower, whole.column_upper))
        moved = own[:, places] @ chosen
        body, eye = own[:, free], sparse.eye_array(len(free), format="csr")
        self._bounded(body, whole.row_lower[block.rows] - moved, whole.row_upper[block.rows] - moved, start, weight)
        least, most = np.where(low == 0, -np.inf, low), np.where(high == 0, np.inf, high)
        self._bounded(eye, least, most, start, weight)
        self.cost += [cost[free], np.array([float(cost[places] @ chosen)])]
        self.low += [np.where(low == 0, 0.0, -np.inf), np.zeros(1)]
        self.high += [np.where(high == 0, 0.0, np.inf), np.array([np.inf])]
        self.columns = weight + 1
        self.choices.append(Choice(weight, places + block.columns.start, chosen))
        return weight

    def _bounded(self, body: sparse.csr_array, low: Array, high: Array, start: int, weight: int) -> None:
        """Low times the weight <= body <= high times the weight, one row for each finite end, one for both if equal."""
        same = low == high
        for end, kept, sides in (
            (high, np.isfinite(high), (np.where(same, 0.0, -np.inf), np.zeros(len(high)))),
            (low, np.isfinite(low) & ~same, (np.zeros(len(low)), np.full(len(low), np.inf))),
        ):
            chosen = np.flatnonzero(kept)
            part = sparse.coo_array(body[chosen])
            self._put(part.row + self.rows, part.col + start, part.data)
            self._put(np.arange(len(chosen)) + self.rows, np.full(len(chosen), weight), -end[chosen])
            self._close_rows(sides[0][chosen], sides[1][chosen])

    def _put(self, row: NDArray[np.integer[Any]], column: NDArray[np.integer[Any]], value: Array) -> None:
        self.entries.append((row, column, value))

    def _close_rows(self, low: Array, high: Array) -> None:
        self.row_low.append(low)
        self.row_high.append(high)
        self.rows += len(low)

    def finished(self) -> HullProgramme:
        """The programme of all blocks added."""
        row, column, value = (np.concatenate(part) for part in zip(*self.entries, strict=True))
        matrix = sparse.csc_array((value, (row, column)), shape=(self.rows, self.columns))
        matrix.eliminate_zeros()
        programme = CompiledProgramme(
            cost=np.concatenate(self.cost),
            offset=self.replies.programme.offset,
            matrix=matrix,
            row_lower=np.concatenate(self.row_low),
            row_upper=np.concatenate(self.row_high),
            column_lower=np.concatenate(self.low),
            column_upper=np.concatenate(self.high),
            hessian=None,
            rows=tuple(f"row[{place}]" for place in range(self.rows)),
            columns=tuple(f"column[{place}]" for place in range(self.columns)),
        )
        return HullProgramme(programme, tuple(self.choices), self.replies.programme.row_lower[: self.replies.shared])
