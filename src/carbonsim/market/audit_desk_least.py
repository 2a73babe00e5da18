"""Audit that a desk's published worths are the least: all conditions on them, written out again, and another solver.

Columns of the conditions: an allowance by month, money by month, an allowance at the deadline, the surrender limit,
the carry-over limit, net sales, the purchase limit, the credit limit and a credit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.market.certificate import Line

if TYPE_CHECKING:
    from carbonsim.market.desk import Desk

Array = NDArray[np.float64]
LEAST = 1e-6  # relative difference accepted between two solvers
PART = 1e-2  # of all worths together: one below this share is held to this share
TINY = 1e-12  # of the largest quantity, or of the credit line: what counts as nothing
SINGLE = (
    "deadline_value", "surrender_limit_value", "carry_over_value", "net_sales_value", "purchase_limit_value",
    "credit_limit_value", "credit_value",
)  # fmt: skip
ADDED = 4  # of these: the first, which the least sum counts; the others are what these leave


def least_line(desk: Desk, data: xr.Dataset, counts: float) -> Line:
    """That no worths which the plan leaves open add up to less; ``counts``: what a credit takes off purchases."""
    months = len(desk.month)
    price = desk.by_month("allowance_price")
    each = np.concatenate([np.ones(months), np.full(months, float(price.max()) or 1.0), np.ones(ADDED)])
    found = [data.allowance_value.values, data.cash_value.values, [float(data[name]) for name in SINGLE[:ADDED]]]
    worth = each * np.concatenate(found)
    least = _least(_conditions(desk, data, counts), np.append(each, np.zeros(len(SINGLE) - ADDED)))
    counted = np.abs(worth)[worth != 0.0]
    scale = max(float(counted.min(initial=np.inf)) if counted.size else 0.0, PART * abs(least), 1e-9)
    away = abs(float(worth.sum()) - least) / scale
    return Line("desk.worth.least", float(np.nan_to_num(away, nan=np.inf)), LEAST, "allowance_value")


class _Conditions:
    """Rows ``a x <= b``, those that hold with equality, and the columns that must be 0."""

    def __init__(self, months: int) -> None:
        self.months = months
        self.rows: list[tuple[Array, float, bool]] = []
        self.idle: set[int] = set()

    def column(self, name: str) -> int:
        return 2 * self.months + SINGLE.index(name)

    def add(self, entries: dict[int, float], most: float, *, open_: bool, used: bool) -> None:
        """One action: it may be done more of, so it is worth no more than it costs; it is done, so no less."""
        row = np.zeros(2 * self.months + len(SINGLE))
        for column, factor in entries.items():
            row[column] += factor
        if open_:
            self.rows.append((row, most, used))
        elif used:
            self.rows.append((-row, -most, False))


def _conditions(desk: Desk, data: xr.Dataset, counts: float) -> _Conditions:
    months = len(desk.month)
    value = {str(name): float(data[name]) for name in data.data_vars if not data[name].dims}
    largest = max(desk.obligation, desk.opening_holdings, float(desk.by_month("issued").sum()))
    tiny = TINY * (largest if largest > 0 else 1.0)
    rows = _Conditions(months)
    _trades(desk, data, rows, tiny)
    end, use = rows.column("deadline_value"), rows.column("surrender_limit_value")
    held = data.holdings.values > tiny
    line = TINY * desk.credit_line if np.isfinite(desk.credit_line) else 0.0
    spare = data.cash.values + desk.credit_line > max(tiny, line)
    for m in range(months - 1):
        rows.add({m + 1: 1.0, m: -1.0}, 0.0, open_=True, used=bool(held[m]))
        grown = {months + m + 1: 1 + desk.monthly_interest, months + m: -1.0}
        rows.add(grown, 0.0, open_=True, used=bool(spare[m]))
    rows.add({end: 1.0, months - 1: -1.0}, 0.0, open_=True, used=bool(held[-1]))
    rows.add({2 * months - 1: -1.0}, -1.0, open_=True, used=bool(spare[-1]))
    rows.add({end: -1.0}, 0.0, open_=True, used=value["expired"] > tiny)
    if np.isfinite(desk.fine):
        rows.add({end: 1.0, use: -1.0}, desk.fine, open_=True, used=value["missing"] > tiny)
    limits = {use: -1.0, rows.column("purchase_limit_value"): -counts, rows.column("credit_limit_value"): -1.0,
              rows.column("credit_value"): -1.0}  # fmt: skip
    rows.add({end: 1.0, **limits}, 0.0, open_=True, used=value["credits_used"] > tiny)
    _idle(desk, data, rows, (counts, tiny))
    return rows


def _trades(desk: Desk, data: xr.Dataset, rows: _Conditions, tiny: float) -> None:
    """Buying, selling and credits of each month."""
    months, volume, credit_volume = rows.months, desk.by_month("volume_limit"), desk.by_month("credit_volume_limit")
    price, credit_price = desk.by_month("allowance_price"), desk.by_month("credit_price")
    carry, net, buy = (rows.column(f"{name}_value") for name in ("carry_over", "net_sales", "purchase_limit"))
    for m in range(months):
        counted = desk.in_window[m] if data.attrs["plan"] == "net seller" else 0.0
        sales = {carry: desk.carry_over_multiple * counted, net: counted}
        bought, sold, credits = (float(data[name][m]) for name in ("bought", "sold", "credits_bought"))
        dear, cheap = (1 + desk.fee) * price[m], (1 - desk.fee) * price[m]
        less = {column: -factor for column, factor in sales.items()}
        rows.add({m: 1.0, months + m: -dear, buy: -1.0, **less}, 0.0,
                 open_=bool(volume[m] - bought > tiny), used=bought > tiny)  # fmt: skip
        rows.add({m: -1.0, months + m: cheap, **sales}, 0.0,
                 open_=bool(volume[m] - sold > tiny), used=sold > tiny)  # fmt: skip
        if not np.isnan(credit_price[m]):
            rows.add({rows.column("credit_value"): 1.0, months + m: -credit_price[m]}, 0.0,
                     open_=bool(credit_volume[m] - credits > tiny), used=credits > tiny)  # fmt: skip


def _idle(desk: Desk, data: xr.Dataset, rows: _Conditions, known: tuple[float, float]) -> None:
    """What does not bind is worth nothing."""
    counts, tiny = known
    value = {str(name): float(data[name]) for name in data.data_vars if not data[name].dims}
    seller = data.attrs["plan"] == "net seller"
    used, limit = value["credits_used"], desk.carry_over_base
    limit += desk.carry_over_multiple * max(value["net_sales"], 0.0) if seller else 0.0
    room = {
        "surrender_limit_value": desk.obligation - used - value["missing"],
        "carry_over_value": limit - value["carried_over"],
        "net_sales_value": value["net_sales"] if seller else np.inf,
        "purchase_limit_value": desk.purchase_limit - float(data.bought.sum()) - counts * used,
        "credit_limit_value": desk.credit_limit * desk.obligation - used,
        "credit_value": value["credits_left"],
    }
    rows.idle |= {rows.column(name) for name, left in room.items() if left > tiny}


def _least(conditions: _Conditions, aim: Array) -> float:
    """Least value of ``aim`` times the worths; NaN if no worths meet all conditions."""
    from scipy.optimize import linprog

    equal = [row for row in conditions.rows if row[2]]
    below = [row for row in conditions.rows if not row[2]]

    def stacked(rows: list[tuple[Array, float, bool]]) -> tuple[Array, Array]:
        return np.array([row[0] for row in rows]).reshape(-1, len(aim)), np.array([row[1] for row in rows])

    (matrix, most), (fixed, exactly) = stacked(below), stacked(equal)
    bounds = [(0.0, 0.0 if column in conditions.idle else None) for column in range(len(aim))]
    answer = linprog(aim, A_ub=matrix, b_ub=most, A_eq=fixed, b_eq=exactly, bounds=bounds)
    return np.nan if answer.fun is None else float(answer.fun)
