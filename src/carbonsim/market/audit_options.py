"""Audit of options: marginal costs against what a tonne cut is worth, at any price path, with few passes over them."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from carbonsim.market.audit_ledger import gross_volume
from carbonsim.market.certificate import Line
from carbonsim.market.problem import MarketProblem

Array = NDArray[np.float64]

OPTIMAL = 2e-6  # relative difference accepted between a marginal cost and what it is worth
LEAST_SCALE = 1e-3  # of a marginal cost or a worth [CNY/tCO2e]
BATCH = 1 << 15  # option-years looked at together: so many that their arrays stay in the processor's cache
USED = 1e-7  # share of a potential below which it counts as not used, or as left
SEEN = 1e-11  # share of all quantities of a year from which a tonne is more than rounding


class OptionAudit:
    """The published use of options of a problem, checked at price paths.

    A path is given with ``lost`` [CNY/tCO2e], what a tonne cut costs in offsets and the like that obligations limit,
    (year) or (enterprise, year). A year or a path that was checked is not checked again.

    Parameters
    ----------
    problem : MarketProblem
    used : array [tCO2e] (option, year)
    """

    def __init__(self, problem: MarketProblem, used: Array) -> None:
        options, potential = problem.options, problem.options.potential
        self.problem, self.owner, self.first = problem, options.enterprise, options.unit_cost
        self.rising = bool(options.slope.any())
        self.marginal = options.unit_cost + options.slope * used if self.rising else options.unit_cost
        # A tonne that sets the price counts, however large the option that it is cut by.
        tiny = np.minimum(USED * potential, SEEN * gross_volume(problem))
        self.holds = used > tiny
        self.has_left = used < potential - tiny
        for term in problem.responses:
            mine = list(term.key_options + term.other_options)
            for open_ in (self.holds, self.has_left):
                open_[mine, problem.year.index(term.year)] = False
        self.share, self.phi = problem.share, 1.0 - problem.per_emission
        highest = np.abs(options.unit_cost) + options.slope * potential if self.rising else np.abs(options.unit_cost)
        # A price far above every marginal cost.
        self.top = 1e3 * float(max(1.0, highest.max(initial=0.0)))
        self._lines: dict[bytes, Line] = {}
        self._moves: dict[tuple[int, float, bytes], bool] = {}

    def line(self, name: str, price: Array, lost: Array) -> Line:
        """MAC = worth inside the bounds, at most it at the upper bound, at least it at zero; NaN is not checked."""
        key = price.tobytes() + lost.tobytes()
        if key not in self._lines:
            self._lines[key] = self._line(price, lost)
        return dataclasses.replace(self._lines[key], name=name)

    def _line(self, price: Array, lost: Array) -> Line:
        finite = np.where(np.isfinite(price), price, 0.0)
        by_enterprise = self.share * (self.phi * finite - lost)
        largest, place = 0.0, 0
        for rows in self._batches():
            worth = np.take(by_enterprise, self.owner[rows], axis=0)
            gap = self.marginal[rows] - worth
            # Too dear an option is used, or too little of a cheap one.
            gap *= np.where(gap > 0, self.holds[rows], self.has_left[rows])
            gap[:, np.isnan(price)] = 0.0
            scale = np.maximum(np.maximum(np.abs(worth), np.abs(self.first[rows])), LEAST_SCALE)
            relative = np.abs(gap) / scale
            row = int(np.argmax(relative)) // len(price)
            found = float(relative[row].max())
            if not found <= largest:
                largest, place = np.inf if np.isnan(found) else found, rows.start + row
        labels = self.problem.options.label
        return Line("", largest, OPTIMAL, labels[place] if labels else "")

    def _batches(self) -> list[slice]:
        """Rows that are looked at together."""
        step = max(BATCH // max(self.marginal.shape[1], 1), 1)
        return [slice(start, min(start + step, len(self.owner))) for start in range(0, len(self.owner), step)]

    def reacts(self, years: list[int], price: Array, lost: Array) -> bool:
        """Whether in some of the years a covered enterprise would use more or less of an option at a path."""
        keys = {y: (y, float(price[y]), lost[..., y].tobytes()) for y in years}
        if missing := [y for y, key in keys.items() if key not in self._moves]:
            window = slice(min(missing), max(missing) + 1)
            moves = self._moved(window, price[window], lost[..., window])
            self._moves.update({keys[y]: bool(moves[y - window.start]) for y in missing})
        return any(self._moves[key] for key in keys.values())

    def _moved(self, window: slice, price: Array, lost: Array) -> NDArray[np.bool_]:
        """Years of a window in which somebody would move."""
        share = self.share[:, window]
        # Who is not covered is NaN here, and so neither gives nor takes.
        by_enterprise = np.where(share > 0, share * (self.phi[:, window] * price - lost), np.nan)
        moves = np.zeros(len(price), dtype=bool)
        for rows in self._batches():
            worth = np.take(by_enterprise, self.owner[rows], axis=0)
            marginal = self.marginal[rows, window]
            gives = (marginal > worth) & self.holds[rows, window]
            takes = (marginal < worth) & self.has_left[rows, window]
            moves |= (gives | takes).any(axis=0)
            if moves.all():
                break
        return moves
