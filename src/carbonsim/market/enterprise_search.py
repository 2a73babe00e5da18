"""The hull price of a market with yes-or-no decisions, and all prices at which nobody regrets its plan, by replies."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from carbonsim.errors import SolverError
from carbonsim.market.enterprise_replies import Replies, Reply
from carbonsim.market.supply import Array

ROUNDS = 500
EXACT = 1e-10
SAME = 1e-9  # share of the money at stake within which a bound counts as reached
WIDER = (1e-8, 1e-7)  # of the money at stake: how far the bound is let go where rounding leaves no price
BEYOND = 1e3  # multiple of every cost and price at which a price that may still rise counts as unbounded


@dataclass(eq=False)
class Search:
    """Cutting planes on the dual over the hull of all replies.

    Columns of the master: the duals of the shared rows (0 or below), what each enterprise pays at best, what each
    shared column earns at best. ``cuts`` are rows of it: (enterprise, reply), with enterprise -1 where none of the
    enterprises may gain without end.
    """

    replies: Replies
    size: float
    cuts: list[tuple[int, Reply]] = field(default_factory=list)
    floor: float | None = None

    def start(self, plan: Array, dual: Array | None) -> None:
        """Cuts by the plan's own replies and by those to known duals."""
        nought = np.zeros(self.replies.shared)
        for e, block in enumerate(self.replies.blocks):
            self.cuts.append((e, self.replies.at(block, plan, nought)))
        for known in (nought, dual):
            if known is not None:
                self._answer(known, np.full(len(self.replies.blocks), np.inf))

    def bound(self) -> float:
        """The greatest L: what all pay at best at the hull price; from then on every search keeps it."""
        _, found = self._extreme(None)
        self.floor = found - SAME * self.size
        return found

    def end(self, direction: Array) -> Array:
        """The duals furthest in a direction that keep the bound."""
        bound = self.floor
        for slack in (0.0, *WIDER):
            self.floor = None if bound is None else bound - slack * self.size
            try:
                return self._extreme(direction)[0]
            except SolverError:
                if slack == WIDER[-1]:
                    raise
            finally:
                self.floor = bound
        raise SolverError("unreachable")

    @property
    def most(self) -> float:
        """The price at which one that may still rise counts as unbounded."""
        return BEYOND * max(1.0, float(np.abs(self.replies.programme.cost).max(initial=0.0)))

    def _extreme(self, direction: Array | None) -> tuple[Array, float]:
        rows, firms = self.replies.shared, len(self.replies.blocks)
        for _ in range(ROUNDS):
            values, aim = self._master(direction)
            dual, promised = values[:rows], values[rows : rows + firms]
            if self._answer(dual, promised) <= 0.1 * SAME * self.size:
                return dual, aim
        raise SolverError(
            f"The hull price was not found in {ROUNDS} rounds of replies.", f"经 {ROUNDS} 轮响应未找到凸包价格。"
        )

    def _answer(self, dual: Array, promised: Array) -> float:
        """Add everybody's reply that is better than promised; by how much in all."""
        missed = 0.0
        for e, block in enumerate(self.replies.blocks):
            reply = self.replies.best(block, dual)
            gap = promised[e] - reply.cost
            if gap > 0.01 * SAME * self.size / len(promised):
                self.cuts.append((-1 if reply.endless else e, reply))
                missed += gap
        return missed

    def _master(self, direction: Array | None) -> tuple[Array, float]:
        from scipy.optimize import linprog

        whole, rows, firms = self.replies.programme, self.replies.shared, len(self.replies.blocks)
        shared = self.replies.shared_columns
        gain = np.concatenate([np.where(np.isfinite(whole.row_upper[:rows]), whole.row_upper[:rows], 0.0),
                               np.ones(firms + shared)])  # fmt: skip
        body, limit = self._cut_rows()
        if self.floor is not None:
            body.append(-gain)
            limit.append(-self.floor)
        lower = np.concatenate([np.full(rows, -self.most), np.full(firms + shared, -np.inf)])
        upper = np.concatenate([np.zeros(rows), np.full(firms, np.inf), np.zeros(shared)])
        cost = -gain if direction is None else np.concatenate([-direction, np.zeros(firms + shared)])
        matrix = np.array(body)
        scale = np.maximum(np.abs(matrix).max(axis=1), 1e-12)
        # The interior point method of the market's programmes loses the thin set of prices that keep the bound.
        found = linprog(
            cost, A_ub=matrix / scale[:, None], b_ub=np.array(limit) / scale,
            bounds=list(zip(lower.tolist(), upper.tolist(), strict=True)),
            options={"primal_feasibility_tolerance": EXACT, "dual_feasibility_tolerance": EXACT},
        )  # fmt: skip
        if found.x is None:
            raise SolverError(
                "No prices keep the bound that the hull price proves.", "没有价格能达到凸包价格所证明的界。"
            )
        return np.asarray(found.x), float(gain @ found.x)

    def _cut_rows(self) -> tuple[list[Array], list[float]]:
        whole, rows, firms = self.replies.programme, self.replies.shared, len(self.replies.blocks)
        width, matrix = rows + firms + self.replies.shared_columns, whole.matrix[:rows, : self.replies.shared_columns]
        body, limit = [], []
        for e, reply in self.cuts:
            row = np.zeros(width)
            row[:rows] = reply.use
            if e >= 0:
                row[rows + e] = 1.0
            body.append(row)
            limit.append(reply.own)
        dense = matrix.toarray()
        for j in range(self.replies.shared_columns):
            # A shared column earns at best what its bounds let it: nothing, or all of it at a price above its cost.
            most, row = whole.column_upper[j], np.zeros(width)
            row[:rows] = dense[:, j] * (1.0 if np.isinf(most) else most)
            row[rows + firms + j] = 0.0 if np.isinf(most) else 1.0
            body.append(row)
            limit.append(float(whole.cost[j]) * (1.0 if np.isinf(most) else float(most)))
        return body, limit
