"""What a solver found, measured here: the gap and the violations are computed from its values and duals alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from carbonsim.solving.compile import CompiledProgramme

Array = NDArray[np.float64]

NEGLIGIBLE_DUAL = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """What the solver found: values by column, duals by row, and the relative primal-dual gap computed here."""

    objective: float
    values: Array
    row_dual: Array
    column_dual: Array
    gap: float
    solver: str


def measure(programme: CompiledProgramme, values: Array, row_dual: Array, solver: str) -> Solution:
    r"""Values and row duals with what follows from them.

    .. math::
        :label: duality-gap

        \Big| \big(c'x + \tfrac12 x'Qx\big) - \big(l_r'y^+ - u_r'y^- + l_c'z^+ - u_c'z^- - \tfrac12 x'Qx\big) \Big|,
        \qquad z = c + Qx - A'y

    divided by the larger of 1 and both costs. It is zero only at an optimum: every multiplier then presses on a bound
    that is met. NaN if a multiplier presses on a bound that does not exist.
    """
    curvature = _times_hessian(programme.hessian, values)
    # Reduced costs are recomputed: the gap must not rest on the solver's own.
    column_dual = programme.cost + curvature - programme.matrix.T @ row_dual
    primal = float(programme.cost @ values + 0.5 * values @ curvature)
    dual = (
        _bound_value(row_dual, programme.row_lower, programme.row_upper)
        + _bound_value(column_dual, programme.column_lower, programme.column_upper)
        - 0.5 * float(values @ curvature)
    )
    gap = abs(primal - dual) / max(1.0, abs(primal), abs(dual))
    return Solution(primal + programme.offset, values, row_dual, column_dual, gap, solver)


def infeasibility(programme: CompiledProgramme, values: Array) -> float:
    """Largest violation of a row or a column's bound, relative to the largest finite bound of a row."""
    activity = programme.matrix @ values
    bounds = np.concatenate([programme.row_lower, programme.row_upper])
    size = max(1.0, float(np.abs(bounds[np.isfinite(bounds)]).max(initial=0.0)))
    rows = np.maximum(programme.row_lower - activity, activity - programme.row_upper)
    columns = np.maximum(programme.column_lower - values, values - programme.column_upper)
    return float(max(rows.max(initial=0.0), columns.max(initial=0.0))) / size


def _times_hessian(lower_triangle: sparse.csc_array | None, values: Array) -> Array:
    if lower_triangle is None:
        return np.zeros_like(values)
    diagonal = lower_triangle.diagonal()
    return np.asarray(lower_triangle @ values + lower_triangle.T @ values - diagonal * values, dtype=float)


def _bound_value(dual: Array, lower: Array, upper: Array) -> float:
    """Sum of dual times the bound it presses on; a dual on a bound that is infinite counts as zero if negligible."""
    bound = np.where(dual > 0, lower, upper)
    free = ~np.isfinite(bound)
    scale = max(1.0, float(np.abs(dual).max(initial=0.0)))
    if np.any(np.abs(dual[free]) > NEGLIGIBLE_DUAL * scale):
        return float("nan")
    return float(np.sum(dual[~free] * bound[~free]))
