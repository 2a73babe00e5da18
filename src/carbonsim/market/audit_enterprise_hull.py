"""For the audit: the greatest of what all pay at best, and all prices that reach it, as one programme of duals.

Where an enterprise has few yes-or-no decisions, what it pays at best is the least of a few linear programmes, and each
is written by its dual: no reply has to be searched, no trade without end to be cut off. Only for ``scipy``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from carbonsim.market.audit_enterprise_replies import FAR, OwnProgramme

Array = NDArray[np.float64]

CHOICES = 4  # combinations of one enterprise's decisions
TIGHT = 1e-9  # multiplier from which a row is held: in tonnes by unit, or a weight out of 1
NEAR = 1e-9  # share of the highest price by which a price path is let go when it is valued


def few_choices(own: Sequence[OwnProgramme]) -> bool:
    """Whether every enterprise's decisions have few combinations."""
    return all(np.prod([1 + high - low for low, high in _whole(one).values()]) <= CHOICES for one in own)


def _whole(own: OwnProgramme) -> dict[int, tuple[int, int]]:
    return {c: (int(own.ends[c][0]), int(own.ends[c][1])) for c, whole in enumerate(own.whole) if whole}


@dataclass(frozen=True, slots=True)
class Offer:
    """A step of the regulator: the year, its present price, and its quantity by unit (``inf`` for no limit)."""

    year: int
    price: float
    quantity: float


@dataclass(eq=False)
class DualHull:
    r"""Present prices p, what each enterprise pays at best v, what each offer earns, and duals of each choice's rows.

    .. math::

        \max_{p \ge 0} \sum_e v_e - p S + \dots \quad\text{s.t.}\quad v_e \le k_u + b_u' w_{eu}, \quad
        A' w_{eu} \le c + p \text{ (bought)}, \; c - p \text{ (sold)}, \; c \text{ (else)} \quad\forall e, u
    """

    own: Sequence[OwnProgramme]
    supply: Array
    offers: Sequence[Offer]
    most: float
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    entries: list[tuple[int, int, float]] = field(default_factory=list)
    limit: list[float] = field(default_factory=list)
    equal: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        years = len(self.supply)
        for _ in range(years):
            self._variable(0.0, self.most)
        self.paid = [self._variable() for _ in self.own]
        self.gain = {**{y: -float(self.supply[y]) for y in range(years)}, **dict.fromkeys(self.paid, 1.0)}
        for offer in self.offers:
            if np.isinf(offer.quantity):
                self._row({offer.year: 1.0}, offer.price)
            else:
                earned = self._variable(high=0.0)
                self.gain[earned] = 1.0
                self._row({offer.year: offer.quantity, earned: 1.0}, offer.price * offer.quantity)
        for paid, own in zip(self.paid, self.own, strict=True):
            whole = _whole(own)
            for values in product(*(range(low, high + 1) for low, high in whole.values())):
                self._choice(own, paid, dict(zip(whole, values, strict=True)))

    def _variable(self, low: float = -np.inf, high: float = np.inf) -> int:
        self.low.append(low)
        self.high.append(high)
        return len(self.low) - 1

    def _row(self, entries: dict[int, float], limit: float, *, equal: bool = False) -> None:
        self.entries += [(len(self.limit), place, value) for place, value in entries.items()]
        self.limit.append(limit)
        self.equal.append(equal)

    def _choice(self, own: OwnProgramme, paid: int, chosen: dict[int, int]) -> None:
        """What an enterprise pays is at most the dual value of its programme with these decisions."""
        columns: dict[int, dict[int, float]] = {c: {} for c in range(len(own.cost)) if c not in chosen}
        worth: dict[int, float] = {}
        for entries, low, high in own.rows:
            moved = sum(factor * chosen.get(c, 0) for c, factor in entries.items())
            for end, sign in ((low, 1.0), (high, -1.0)):
                if np.isfinite(end):
                    dual = self._variable(0.0)
                    worth[dual] = sign * (end - moved)
                    for c, factor in entries.items():
                        if c in columns:
                            columns[c][dual] = sign * factor
        for y in own.bought:
            columns[own.bought[y]][y], columns[own.sold[y]][y] = -1.0, 1.0
        for c, entries in columns.items():
            low, high = own.ends[c]
            for end, sign, there in ((low, 1.0, np.isfinite(low) and low != 0), (high, -1.0, high < FAR)):
                if there:
                    dual = self._variable(0.0)
                    entries[dual], worth[dual] = sign, sign * end
            self._row(entries, own.cost[c], equal=not np.isfinite(low))
            if low != 0 and np.isfinite(low):
                self.equal[-1] = True
        fixed = sum(own.cost[c] * value for c, value in chosen.items())
        self._row({paid: 1.0, **{dual: -value for dual, value in worth.items()}}, fixed)

    def _solve(self, cost: Array, low: Array, high: Array, limit: Array, equal: NDArray[np.bool_]) -> Any:
        from scipy.optimize import linprog

        matrix: Any = self._matrix()
        ends = list(zip(low.tolist(), high.tolist(), strict=True))
        return linprog(
            cost, A_ub=matrix[~equal], b_ub=limit[~equal], A_eq=matrix[equal], b_eq=limit[equal],
            bounds=ends,
            options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
        )  # fmt: skip

    def _matrix(self) -> sparse.csr_array:
        row, column, value = (np.array(part) for part in zip(*self.entries, strict=True))
        return sparse.csr_array((value, (row, column)), shape=(len(self.limit), len(self.low)))

    def _dense(self, entries: dict[int, float]) -> Array:
        found = np.zeros(len(self.low))
        found[list(entries)] = list(entries.values())
        return found

    def bound(self) -> float:
        """The greatest L; from then on ``end`` keeps to the prices that reach it."""
        low, high, limit, equal = (np.array(part) for part in (self.low, self.high, self.limit, self.equal))
        answer = self._solve(-self._dense(self.gain), low, high, limit, equal)
        if answer.x is None:
            return np.nan
        # A row or an end with a multiplier is met by every optimum: so the optima are found without a money tolerance.
        # They are counted from the one at hand, which so is among them to the last digit.
        held = equal.copy()
        held[np.flatnonzero(~equal)[np.abs(answer.ineqlin.marginals) > TIGHT]] = True
        room = np.where(held, 0.0, np.maximum(limit - self._matrix() @ answer.x, 0.0))
        stays = (np.abs(answer.lower.marginals) > TIGHT) | (np.abs(answer.upper.marginals) > TIGHT)
        below, above = np.minimum(low - answer.x, 0.0), np.maximum(high - answer.x, 0.0)
        self._optimum = answer.x
        self._face = (np.where(stays, 0.0, below), np.where(stays, 0.0, above), room, held)
        return -float(answer.fun)

    def value(self, present: Array) -> float:
        """L at present prices; minus infinity where trade without end pays."""
        low, high, near = np.array(self.low), np.array(self.high), NEAR * max(float(np.max(present)), 1e-3)
        low[: len(present)], high[: len(present)] = np.maximum(present - near, 0.0), np.maximum(present + near, 0.0)
        answer = self._solve(-self._dense(self.gain), low, high, np.array(self.limit), np.array(self.equal))
        return -np.inf if answer.x is None else -float(answer.fun)

    def end(self, direction: Array) -> Array:
        """The prices least in a direction among those that reach the greatest L."""
        years = len(direction)
        answer = self._solve(self._dense(dict(enumerate(direction.tolist()))), *self._face)
        return np.full(years, np.nan) if answer.x is None else np.asarray(self._optimum[:years] + answer.x[:years])
