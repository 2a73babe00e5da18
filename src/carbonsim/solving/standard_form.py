"""A separable quadratic programme as equations with bounded columns of similar size: what the exact method works on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from carbonsim.solving.compile import CompiledProgramme

Array = NDArray[np.float64]
Index = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """Values of the columns, duals of the equations, and what the lower and upper bounds press (0 without one)."""

    value: Array
    dual: Array
    at_lower: Array
    at_upper: Array


@dataclass(frozen=True, slots=True, eq=False)
class StandardForm:
    r"""Equations with bounded columns, in units in which quantities and marginal costs are about 1.

    .. math:: \min_v \; c'v + \tfrac12 \sum_j q_j v_j^2 \quad \text{s.t.} \quad Av = b,\; l \le v \le u

    ``columns`` and ``rows`` are the places of the programme's columns that are not fixed and of its rows that limit
    anything; behind the columns stands the activity of each of the ``ranged`` rows, which are no equations. ``shrink``
    divides each row, ``quantity`` and ``price`` are the units.
    """

    cost: Array
    curvature: Array
    matrix: sparse.csr_array
    rhs: Array
    lower: Array
    upper: Array
    programme: CompiledProgramme
    columns: Index
    rows: Index
    ranged: Index
    shrink: Array
    quantity: float
    price: float

    @classmethod
    def of(cls, programme: CompiledProgramme) -> StandardForm:
        """The standard form of a programme whose hessian is diagonal or None."""
        fixed = programme.column_lower == programme.column_upper
        columns = np.flatnonzero(~fixed)
        rows = np.flatnonzero(np.isfinite(programme.row_lower) | np.isfinite(programme.row_upper))
        whole = sparse.csr_array(programme.matrix)[rows]
        held = np.where(fixed, programme.column_lower, 0.0)
        before = whole @ held
        matrix = sparse.csr_array(whole[:, columns])
        shrink = largest_entries(matrix, axis=1)
        low, high = ((end[rows] - before) / shrink for end in (programme.row_lower, programme.row_upper))
        curvature = np.zeros(len(fixed)) if programme.hessian is None else programme.hessian.diagonal()
        ranged = np.flatnonzero(low != high)
        quantity = _size(np.concatenate([low, high]), np.concatenate([programme.column_lower, programme.column_upper]))
        marginal = np.concatenate([np.abs(programme.cost), curvature * quantity])
        price = float(marginal.max(initial=0.0)) or 1.0
        slack = sparse.csr_array(
            (-np.ones(len(ranged)), (ranged, np.arange(len(ranged)))), shape=(len(rows), len(ranged))
        )
        scaled = sparse.csr_array(sparse.diags_array(1 / shrink) @ matrix)
        return cls(
            cost=np.concatenate([programme.cost[columns] / price, np.zeros(len(ranged))]),
            curvature=np.concatenate([curvature[columns] * quantity / price, np.zeros(len(ranged))]),
            matrix=sparse.csr_array(sparse.hstack([scaled, slack])),
            rhs=np.where(low == high, low, 0.0) / quantity,
            lower=np.concatenate([programme.column_lower[columns], low[ranged]]) / quantity,
            upper=np.concatenate([programme.column_upper[columns], high[ranged]]) / quantity,
            programme=programme, columns=columns, rows=rows, ranged=ranged,
            shrink=shrink, quantity=quantity, price=price,
        )  # fmt: skip

    def marginal(self, value: Array) -> Array:
        """Marginal cost of each column at values."""
        return self.cost + self.curvature * value

    def restored(self, point: Point) -> tuple[Array, Array]:
        """Values of the programme's columns and duals of its rows, in its own units."""
        values = self.programme.column_lower.copy()
        values[self.columns] = point.value[: len(self.columns)] * self.quantity
        duals = np.zeros(len(self.programme.row_lower))
        duals[self.rows] = point.dual * self.price / self.shrink
        return values, duals

    def point_of(self, values: Array, duals: Array) -> Point:
        """The point that values of the programme's columns and duals of its rows are, the inverse of ``restored``."""
        own = values[self.columns] / self.quantity
        activity = self.matrix[:, : len(own)] @ own
        dual = duals[self.rows] * self.shrink / self.price
        value = np.concatenate([own, activity[self.ranged]])
        reduced = self.marginal(value) - self.matrix.T @ dual
        return Point(value, dual, np.maximum(reduced, 0.0), np.maximum(-reduced, 0.0))


def largest_entries(matrix: sparse.csr_array, axis: int) -> Array:
    """Largest absolute entry of each column (axis 0) or row (axis 1), 1 where all are zero."""
    entries = sparse.coo_array(matrix)
    found = np.zeros(matrix.shape[1 - axis])
    np.maximum.at(found, entries.coords[1 - axis], np.abs(entries.data))
    return np.where(found > 0, found, 1.0)


def _size(rows: Array, columns: Array) -> float:
    """Typical size of quantities: the largest bound of a row, or of a column if rows give none."""
    for bounds in (rows, columns):
        largest = float(np.abs(bounds[np.isfinite(bounds)]).max(initial=0.0))
        if largest > 0:
            return largest
    return 1.0
