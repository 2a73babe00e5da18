"""Hands a compiled programme to HiGHS and takes back values, duals and a gap that is computed here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from carbonsim.errors import SolverError
from carbonsim.solving.compile import CompiledProgramme
from carbonsim.solving.quadratic import is_exact, is_separable, sharpened, solve_separable
from carbonsim.solving.solution import Solution, infeasibility, measure

if TYPE_CHECKING:
    import highspy

Array = NDArray[np.float64]

FEASIBILITY_TOLERANCE = 1e-9
GAP_TOLERANCE = 1e-7
QP_ITERATIONS_PER_COLUMN = 20
QP_SECONDS = 30.0
IPM_ITERATIONS = 500  # the interior-point method of HiGHS may go on for ever on a few degenerate programmes
PRIMAL_TOLERANCE = 1e-8  # violation of a row that is accepted, as a share of the largest bound
DECIDED = ("Optimal", "Infeasible", "Unbounded", "Primal infeasible or unbounded", "Time limit reached")


class LoadedProgramme:
    """A programme held by HiGHS, solved once or again after a shift of its row bounds.

    ``warm`` goes on from the last basis by the simplex method once it has been solved: for many rows, of which a shift
    moves few. The small programmes of yearly totals start afresh, since that method is slow on their long rows.
    ``presolve`` has HiGHS reduce the programme before it is solved for the first time, which pays for many short rows.
    """

    def __init__(self, programme: CompiledProgramme, *, warm: bool = False, presolve: bool = False) -> None:
        if programme.integer is not None:
            raise SolverError("The programme has integer columns; solve it with solve_mixed_integer.")
        self.programme = programme
        self._moved: set[int] = set()
        self._warm = warm and programme.hessian is None
        self._highs = load_highs(programme, {"presolve": "on"} if presolve else None)

    def solve(self, shift: Mapping[int, float] | None = None) -> Solution | None:
        """The optimum, with the upper bounds of some rows shifted (of an equality both); None if there is no point.

        Raises
        ------
        SolverError
            If no optimum is proven, or if values and duals leave a gap.
        """
        shifted = self._shifted(shift or {})
        if shifted.hessian is not None:
            return self._quadratic(shifted)
        status = run_linear(self._highs, shifted)
        if self._warm:
            self._highs.setOptionValue("solver", "simplex")
            self._highs.setOptionValue("presolve", "off")
        if status in ("Infeasible", "Primal infeasible or unbounded"):
            # The interior-point method may call a degenerate programme infeasible that has a point.
            if not has_point(shifted):
                return None
            status = _by_simplex(self._highs)
        if status != "Optimal":
            raise SolverError(
                f"HiGHS stopped with status '{status}'; only a proven optimum gives prices.",
                f"HiGHS 以状态 '{status}' 停止；只有得到证明的最优解才给出价格。",
            )
        return _solution(self._highs, shifted)

    def _quadratic(self, shifted: CompiledProgramme) -> Solution | None:
        """The exact optimum, or what the active-set method of HiGHS finds where that fails or costs hold products."""
        separable = is_separable(shifted)
        found = solve_separable(shifted) if separable else None
        if found is None or not is_exact(shifted, found):
            if not has_point(shifted):
                return None
            self._highs.run()
            status = self._highs.modelStatusToString(self._highs.getModelStatus())
            other = _measured(self._highs, shifted)
            if status == "Optimal" and separable:
                other = sharpened(shifted, other)
            if status == "Optimal" and (found is None or not found.gap <= other.gap):
                found = other
        violated = np.inf if found is None else infeasibility(shifted, found.values)
        if found is None or not found.gap <= GAP_TOLERANCE or violated > PRIMAL_TOLERANCE:
            left = "" if found is None else f" The best point leaves a gap of {found.gap:.1e}, its rows {violated:.1e}."
            raise SolverError(
                f"No optimum of the quadratic programme could be proven.{left}", "二次规划的最优解未能得到证明。"
            )
        return found

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
        "ipm_iteration_limit": IPM_ITERATIONS,
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
        raise SolverError(f"HiGHS refused {what} of the programme.", f"HiGHS 不接受规划的一部分（{what}）。")


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


def run_linear(solver: highspy.Highs, programme: CompiledProgramme) -> str:
    """Run HiGHS on a linear programme, again by the simplex method where the other gave up; the status at the end."""
    if not len(programme.cost):
        # HiGHS calls a programme without columns empty and does not look at its rows.
        return "Optimal" if np.all((programme.row_lower <= 0) & (programme.row_upper >= 0)) else "Infeasible"
    solver.run()
    status = str(solver.modelStatusToString(solver.getModelStatus()))
    return status if status in DECIDED else _by_simplex(solver)


def _by_simplex(solver: highspy.Highs) -> str:
    """Run HiGHS afresh by the simplex method; the status at the end."""
    solver.clearSolver()
    method = solver.getOptionValue("solver")[1]
    solver.setOptionValue("solver", "simplex")
    solver.run()
    solver.setOptionValue("solver", method)
    return str(solver.modelStatusToString(solver.getModelStatus()))


def _solution(solver: highspy.Highs, programme: CompiledProgramme) -> Solution:
    """Values and duals, accepted only if the gap computed from them is closed."""
    found = _measured(solver, programme)
    if not found.gap <= GAP_TOLERANCE:
        raise SolverError(
            f"HiGHS reports an optimum, but its duals leave a relative gap of {found.gap:.1e}.",
            f"HiGHS 报告已得最优解，但其对偶值留下 {found.gap:.1e} 的相对间隙。",
        )
    return found


def _measured(solver: highspy.Highs, programme: CompiledProgramme) -> Solution:
    """Values and duals as HiGHS has them, and the gap they leave."""
    found = solver.getSolution()
    values, duals = np.array(found.col_value, dtype=float), np.array(found.row_dual, dtype=float)
    if not len(programme.cost):
        duals = np.zeros(len(programme.rows))
    return measure(programme, values, duals, f"HiGHS {solver.version()}")


def has_point(programme: CompiledProgramme) -> bool:
    """Whether the programme without its costs has a feasible point."""
    probe = replace(programme, cost=np.zeros_like(programme.cost), hessian=None, integer=None)
    return run_linear(load_highs(probe), probe) == "Optimal"
