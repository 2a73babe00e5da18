"""For the audit: what each enterprise would do best at posted prices, as a programme of its own for another solver."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from carbonsim.market.audit_enterprise_prices import lowest_bank
from carbonsim.market.enterprise_instrument import EnterpriseInstrument
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.problem import MarketProblem

Array = NDArray[np.float64]

FAR = 1e5  # multiple of all that an enterprise owes and is given, from which an end of its trade in a year is none
REACH = 4.0  # multiple of twice what an enterprise owes and is given, within which it trades where no trade is endless
GAIN = 1e-9  # share of the highest price from which a direction without end pays


@dataclass(eq=False)
class OwnProgramme:
    """An enterprise's own programme; tonnes are divided by ``unit``, money is a present value divided by it.

    ``bought``, ``sold`` and ``bank`` are the places of the columns, by year; instruments add columns and rows.
    """

    problem: MarketProblem
    enterprise: int
    unit: float
    most: float
    bought: dict[int, int] = field(default_factory=dict)
    sold: dict[int, int] = field(default_factory=dict)
    bank: dict[int, int] = field(default_factory=dict)
    cost: list[float] = field(default_factory=list)
    ends: list[tuple[float, float]] = field(default_factory=list)
    whole: list[bool] = field(default_factory=list)
    rows: list[tuple[dict[int, float], float, float]] = field(default_factory=list)

    def column(self, cost: float = 0.0, low: float = 0.0, high: float = np.inf, *, whole: bool = False) -> int:
        """A column with its cost a unit and its ends."""
        self.cost.append(cost)
        self.ends.append((low, high))
        self.whole.append(whole)
        return len(self.cost) - 1

    def row(self, entries: dict[int, float], low: float, high: float) -> None:
        """Low <= sum of factor times column <= high."""
        self.rows.append((entries, low, high))

    def best(self, present: Array) -> tuple[float, Array, float]:
        """At present prices by year: the least cost with trade, the net purchases, and the cost without trade.

        Trade is held within reach of what the enterprise could ever need or own: where trade without end pays nothing
        (``endless``) its best reply is there, and a solver that may go further loses digits on what changes nothing.
        """
        if self.endless(present) is not None:
            return -np.inf, np.zeros(len(present)), np.nan
        cost, whole = self._cost(present), np.array(self.whole, dtype=bool)
        low, high = np.array(self.ends, dtype=float).reshape(-1, 2).T
        for place in (*self.bought.values(), *self.sold.values()):
            high[place] = min(high[place], REACH * self.most)
        found = self._solve(cost, low, high, whole)
        if found is not None and whole.any():
            # A decision that is whole but for the solver's tolerance would let a little be traded for nothing.
            chosen = np.round(found)
            found = self._solve(cost, np.where(whole, chosen, low), np.where(whole, chosen, high), np.zeros_like(whole))
        if found is None:
            return np.nan, np.zeros(len(present)), np.nan
        least, trade = float(cost @ found), self._trade(found)
        return least, trade, least - float(present @ trade)

    def endless(self, present: Array) -> tuple[Array, float] | None:
        """A direction without end in which the cost with trade falls: net purchases, and cost without; else None."""
        cost, whole = self._cost(present), np.array(self.whole, dtype=bool)
        low, high = np.array(self.ends, dtype=float).reshape(-1, 2).T
        away = np.where(whole | np.isfinite(low), 0.0, -1.0), np.where(whole | (high < FAR), 0.0, 1.0)
        found = self._solve(cost, *away, np.zeros_like(whole), ends=False)
        gain = 0.0 if found is None else -float(cost @ found)
        if found is None or gain <= GAIN * max(1.0, float(np.abs(cost).max(initial=0.0))):
            return None
        trade = self._trade(found)
        return trade, -gain - float(present @ trade)

    def _cost(self, present: Array) -> Array:
        cost = np.array(self.cost, dtype=float)
        for y in self.bought:
            cost[self.bought[y]] += present[y]
            cost[self.sold[y]] -= present[y]
        return cost

    def _trade(self, values: Array) -> Array:
        trade = np.zeros(len(self.problem.year))
        for y in self.bought:
            trade[y] = values[self.bought[y]] - values[self.sold[y]]
        return trade

    @cached_property
    def _matrix(self) -> Array:
        """Factors of all rows; read once all instruments have added theirs."""
        matrix = np.zeros((len(self.rows), len(self.cost)))
        for k, (entries, _, _) in enumerate(self.rows):
            for place, factor in entries.items():
                matrix[k, place] += factor
        return matrix

    def _solve(
        self, cost: Array, low: Array, high: Array, whole: NDArray[np.bool_], *, ends: bool = True
    ) -> Array | None:
        """The cheapest columns within their ends; without ``ends`` every finite end of a row is 0. None if none is."""
        from scipy.optimize import Bounds, LinearConstraint, milp

        least, most = (np.array([row[side] for row in self.rows], dtype=float) for side in (1, 2))
        if not ends:
            least, most = (np.where(np.isfinite(end), 0.0, end) for end in (least, most))
        if not len(cost):
            return cost if np.all((least <= 0) & (most >= 0)) else None
        answer = milp(
            cost, constraints=LinearConstraint(self._matrix, least, most), bounds=Bounds(low, high),
            integrality=whole.astype(int), options={"mip_rel_gap": 1e-10},
        )  # fmt: skip
        return None if answer.x is None else np.asarray(answer.x)


def own_programmes(problem: MarketProblem, opening: Array, active: NDArray[np.bool_]) -> list[OwnProgramme]:
    """The programme of every enterprise that keeps a balance, in order; nothing of the engine's is used."""
    free = problem.share * (np.abs(problem.fixed) + np.abs(problem.per_emission) * problem.baseline)
    moved = (problem.share * problem.baseline).sum(axis=1) + free.sum(axis=1) + np.abs(opening)
    unit = max(float(moved.max()), 1e-9)
    low = lowest_bank(problem)
    found = []
    for e in np.flatnonzero(active.any(axis=1)):
        own = OwnProgramme(problem, int(e), unit, 2.0 * float(moved[e]) / unit)
        _fill(own, float(opening[e]), active[e], low[e])
        for instrument in problem.instruments:
            if isinstance(instrument, EnterpriseInstrument):
                instrument.answer(own)
        found.append(own)
    return found


def _fill(own: OwnProgramme, opening: float, active: NDArray[np.bool_], low: Array) -> None:
    """Measures, steps, bank and balances of an enterprise."""
    problem, e, unit, discount = own.problem, own.enterprise, own.unit, own.problem.discount
    carries = any(isinstance(instrument, Banking) for instrument in problem.instruments)
    owed: dict[int, float] = {}
    for y in np.flatnonzero(active).tolist():
        share, phi = float(problem.share[e, y]), float(1 - problem.per_emission[e, y])
        own.bought[y], own.sold[y] = own.column(high=FAR), own.column(high=FAR)
        need = share * (phi * problem.baseline[e, y] - problem.fixed[e, y]) / unit
        balance = {own.bought[y]: 1.0, own.sold[y]: -1.0, **owed}
        owed, cuts = {}, {}
        for o in np.flatnonzero(problem.options.enterprise == e) if share > 0 else ():
            price, most = discount[y] * problem.options.unit_cost[o, y], problem.options.potential[o, y] / unit
            cuts[own.column(float(price), high=float(most))] = share
        balance |= dict.fromkeys(cuts, share * phi)
        for step in problem.steps:
            if step.kind not in ("offset", "penalty") or share <= 0 or np.isnan(step.price[y]) or step.quantity[y] <= 0:
                continue
            used = own.column(float(discount[y] * step.price[y]))
            balance[used] = 1.0
            if step.obligation_share is not None:
                part = float(np.nan_to_num(step.obligation_share[y]))
                own.row({used: 1.0, **{c: part * s for c, s in cuts.items()}}, -np.inf,
                        part * share * problem.baseline[e, y] / unit)  # fmt: skip
            if step.owed_next is not None and y + 1 < len(active) and step.owed_next[y]:
                owed[used] = -float(step.owed_next[y])
        if carries:
            if y - 1 in own.bank:
                balance[own.bank[y - 1]] = 1.0
            own.bank[y] = own.column(low=float(low[y]) / unit)
            balance[own.bank[y]] = -1.0
        own.row(balance, need - (opening / unit if y == 0 else 0.0), np.inf)
