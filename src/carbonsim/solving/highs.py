"""Hands a compiled programme to HiGHS and takes back values, duals and a gap that is computed here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from carbonsim.errors import SolverError
from carbonsim.solving.compile import CompiledProgramme

if TYPE_CHECKING:
    import highspy

Array = NDArray[np.float64]

FEASIBILITY_TOLERANCE = 1e-9
GAP_TOLERANCE = 1e-7
NEGLIGIBLE_DUAL = 1e-7
QP_ITERATIONS_PER_COLUMN = 20
QP_SECONDS = 30.0
PROXIMAL_WEIGHTS = (1e-5, 1e-3, 1e-1)  # of the largest curvature; a larger one is steadier and takes more rounds
PROXIMAL_ROUNDS = 200
PRIMAL_TOLERANCE = 1e-8  # violation of a row that is accepted, as a share of the largest bound
PROXIMAL_GAP = 1e-11


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """What the solver found: values by column, duals by row, and the relative primal-dual gap computed here."""

    objective: float
    values: Array
    row_dual: Array
    column_dual: Array
    gap: float
    solver: str


class LoadedProgramme:
    """A programme held by HiGHS, solved once or again after a shift of its row bounds.

    ``warm`` goes on from the last basis by the simplex method once it has been solved: for many rows, of which a shift
    moves few. The small programmes of yearly totals start afresh, since that method is slow on their long rows.
    """

    def __init__(self, programme: CompiledProgramme, *, warm: bool = False) -> None:
        if programme.integer is not None:
            raise SolverError("The programme has integer columns; solve it with solve_mixed_integer.")
        self.programme = programme
        self._moved: set[int] = set()
        self._warm = warm and programme.hessian is None
        self._highs = load_highs(programme)

    def solve(self, shift: Mapping[int, float] | None = None) -> Solution | None:
        """The optimum, with the upper bounds of some rows shifted (of an equality both); None if there is no point.

        Raises
        ------
        SolverError
            If HiGHS stops without a proven optimum, or if its values and duals leave a gap.
        """
        shifted = self._shifted(shift or {})
        self._highs.run()
        if self._warm:
            self._highs.setOptionValue("solver", "simplex")
        status = self._highs.modelStatusToString(self._highs.getModelStatus())
        if status != "Infeasible" and shifted.hessian is not None:
            return self._quadratic(shifted, status)
        if status == "Infeasible" or (status == "Primal infeasible or unbounded" and not has_point(shifted)):
            return None
        if status != "Optimal":
            raise SolverError(f"HiGHS stopped with status '{status}'; only a proven optimum gives prices.")
        return _solution(self._highs, shifted)

    def _quadratic(self, shifted: CompiledProgramme, status: str) -> Solution | None:
        """The optimum found, or that of the proximal points where the active-set method stopped or left residuals."""
        if status == "Optimal":
            found = _measured(self._highs, shifted)
            if found.gap <= GAP_TOLERANCE and _infeasibility(shifted, found.values) <= PRIMAL_TOLERANCE:
                return found
        return _solve_by_proximal_points(shifted) if has_point(shifted) else None

    def _shifted(self, shift: Mapping[int, float]) -> CompiledProgramme:
        upper = self.programme.row_upper.copy()
        lower = self.programme.row_lower.copy()
        for row, amount in shift.items():
            if lower[row] == upper[row]:
                lower[row] += amount
            upper[row] += amount
        for row in self._moved | set(shift):
            self._highs.changeRowBounds(int(row), float(lower[row]), float(upper[row]))
        self._moved = set(shift)
        return replace(self.programme, row_lower=lower, row_upper=upper)


def load_highs(programme: CompiledProgramme, settings: Mapping[str, bool | float | str] | None = None) -> highspy.Highs:
    """HiGHS with the programme's matrix, bounds, costs and integers, and settings that give exact prices."""
    import highspy

    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    quadratic = programme.hessian is not None
    options: dict[str, bool | int | float | str] = {
        "output_flag": False,
        "threads": 1,
        "random_seed": 0,
        "primal_feasibility_tolerance": FEASIBILITY_TOLERANCE,
        "dual_feasibility_tolerance": FEASIBILITY_TOLERANCE,
        # Presolve and the default simplex are quadratic in the number of columns on the aggregate programme.
        "presolve": "off",
        "solver": "choose" if quadratic else "ipx",
    }
    if quadratic:
        options["qp_regularization_value"] = 0.0  # the default moves prices in the fifth digit
        # Without regularisation the active-set method may cycle on degenerate rows; it is then stopped.
        options["qp_iteration_limit"] = QP_ITERATIONS_PER_COLUMN * len(programme.columns) + 1000
        options["time_limit"] = QP_SECONDS
    for name, value in {**options, **(settings or {})}.items():
        solver.setOptionValue(name, value)
    _check(solver.passModel(_lp(programme)), "the matrix")
    if programme.hessian is not None:
        _check(solver.passHessian(_hessian(programme.hessian)), "the quadratic costs")
    return solver


def _check(status: Any, what: str) -> None:
    if "kError" in str(status):
        raise SolverError(f"HiGHS refused {what} of the programme.")


def _lp(programme: CompiledProgramme) -> Any:
    import highspy

    lp = highspy.HighsLp()
    matrix = sparse.csc_array(programme.matrix)
    lp.num_row_, lp.num_col_ = matrix.shape
    lp.col_cost_ = programme.cost
    lp.offset_ = programme.offset
    lp.col_lower_, lp.col_upper_ = _bounds(programme.column_lower, programme.column_upper)
    lp.row_lower_, lp.row_upper_ = _bounds(programme.row_lower, programme.row_upper)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = matrix.indptr.astype(np.int32)
    lp.a_matrix_.index_ = matrix.indices.astype(np.int32)
    lp.a_matrix_.value_ = matrix.data.astype(float, copy=False)
    if programme.integer is not None:
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[whole] for whole in programme.integer.astype(int)]
    return lp


def _bounds(lower: Array, upper: Array) -> tuple[Array, Array]:
    import highspy

    infinity = highspy.kHighsInf
    return np.where(np.isneginf(lower), -infinity, lower), np.where(np.isposinf(upper), infinity, upper)


def _hessian(lower_triangle: sparse.csc_array) -> Any:
    import highspy

    hessian = highspy.HighsHessian()
    matrix = sparse.csc_array(lower_triangle)
    matrix.sort_indices()
    hessian.dim_ = matrix.shape[0]
    hessian.format_ = highspy.HessianFormat.kTriangular
    hessian.start_ = matrix.indptr.astype(np.int32)
    hessian.index_ = matrix.indices.astype(np.int32)
    hessian.value_ = matrix.data.astype(float)
    return hessian


def _solution(solver: highspy.Highs, programme: CompiledProgramme) -> Solution:
    """Values and duals, accepted only if the gap computed from them is closed."""
    return _accepted(_measured(solver, programme))


def _accepted(solution: Solution) -> Solution:
    if not solution.gap <= GAP_TOLERANCE:
        raise SolverError(f"HiGHS reports an optimum, but its duals leave a relative gap of {solution.gap:.1e}.")
    return solution


def _measured(solver: highspy.Highs, programme: CompiledProgramme) -> Solution:
    """Values, duals and the gap they leave."""
    found = solver.getSolution()
    values = np.array(found.col_value, dtype=float)
    row_dual = np.array(found.row_dual, dtype=float)
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
    return Solution(
        objective=primal + programme.offset,
        values=values,
        row_dual=row_dual,
        column_dual=column_dual,
        gap=gap,
        solver=f"HiGHS {solver.version()}",
    )


def _solve_by_proximal_points(programme: CompiledProgramme) -> Solution:
    """The optimum of a degenerate quadratic programme as the limit of strictly convex ones.

    Each round adds the squared distance to the last point, which vanishes at the optimum: unlike a fixed
    regularisation it leaves values and duals exact.
    """
    tried = []
    for weight in PROXIMAL_WEIGHTS:
        found = _proximal_points(programme, weight)
        if found is not None and found.gap <= GAP_TOLERANCE:
            return found
        tried.append(weight)
    raise SolverError(
        "HiGHS proves no optimum of the quadratic programme, nor of the strictly convex ones that approach it "
        f"(weights {', '.join(f'{weight:g}' for weight in tried)}). Linear MACs are exact in the price search."
    )


def _proximal_points(programme: CompiledProgramme, share: float) -> Solution | None:
    """The last of the proximal points with one weight, or None if HiGHS does not solve one of them."""
    assert programme.hessian is not None  # noqa: S101  the caller has a quadratic programme
    weight = share * max(1.0, float(np.abs(programme.hessian.data).max()))
    hessian = sparse.csc_array(programme.hessian + weight * sparse.eye_array(len(programme.columns), format="csc"))
    centre = np.zeros(len(programme.columns))
    best: Solution | None = None
    for _ in range(PROXIMAL_ROUNDS):
        solver = load_highs(replace(programme, hessian=hessian, cost=programme.cost - weight * centre))
        solver.run()
        if solver.modelStatusToString(solver.getModelStatus()) != "Optimal":
            return best
        found = _measured(solver, programme)
        if _infeasibility(programme, found.values) > PRIMAL_TOLERANCE:
            return best
        if best is None or not best.gap <= found.gap:
            best = found
        if found.gap <= PROXIMAL_GAP:
            break
        centre = found.values
    return best


def _infeasibility(programme: CompiledProgramme, values: Array) -> float:
    """Largest violation of a row, relative to the largest finite bound of a row."""
    activity = programme.matrix @ values
    bounds = np.concatenate([programme.row_lower, programme.row_upper])
    size = max(1.0, float(np.abs(bounds[np.isfinite(bounds)]).max(initial=0.0)))
    outside = np.maximum(programme.row_lower - activity, activity - programme.row_upper)
    return float(outside.max(initial=0.0)) / size


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


def has_point(programme: CompiledProgramme) -> bool:
    """Whether the programme without its costs has a feasible point."""
    probe = replace(programme, cost=np.zeros_like(programme.cost), hessian=None, integer=None)
    solver = load_highs(probe)
    solver.run()
    return solver.modelStatusToString(solver.getModelStatus()) == "Optimal"
