"""Turns a Pyomo model into plain arrays with names, so that the solver never walks it row by row."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from carbonsim.errors import SolverError, shorten

if TYPE_CHECKING:
    import pyomo.environ as pyo

Array = NDArray[np.float64]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class CompiledProgramme:
    r"""A linear, mixed-integer or convex quadratic programme as arrays, with the names of its rows and columns.

    .. math:: \min_x \; c'x + \tfrac12 x'Qx + k \quad \text{s.t.} \quad l_r \le Ax \le u_r,\; l_c \le x \le u_c

    ``hessian`` is the lower triangle of Q, or None when the objective is linear. ``integer`` marks the columns that
    take whole numbers only, or is None when there are none.
    """

    cost: Array
    offset: float
    matrix: sparse.csc_array
    row_lower: Array
    row_upper: Array
    column_lower: Array
    column_upper: Array
    hessian: sparse.csc_array | None
    rows: Sequence[str]
    columns: Sequence[str]
    integer: NDArray[np.bool_] | None = None

    def row_index(self, prefix: str) -> NDArray[np.intp]:
        """Positions of the rows whose name starts with ``prefix``, in order."""
        return np.flatnonzero([name.startswith(prefix) for name in self.rows])

    def column_position(self) -> dict[str, int]:
        """Position of each column by its name."""
        return {name: position for position, name in enumerate(self.columns)}


def compile_programme(model: pyo.ConcreteModel) -> CompiledProgramme:
    """The arrays of a Pyomo model with one objective that is minimised.

    Parameters
    ----------
    model : ConcreteModel
        Continuous, integer or binary variables, linear rows, a linear or quadratic objective. Left as it was found.

    Returns
    -------
    CompiledProgramme

    Raises
    ------
    SolverError
        If the objective is maximised or not quadratic.
    """
    from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

    objective = _objective(model)
    linear, offset, quadratic = _split_objective(objective)
    with _linear_objective(model, objective, linear):
        form = LinearStandardFormCompiler().write(model, mixed_form=True)
    columns = list(form.columns)
    integer = np.array([not column.is_continuous() for column in columns], dtype=bool)
    lower, upper = _column_bounds(columns)
    row_lower, row_upper = _row_bounds(form)
    return CompiledProgramme(
        cost=np.asarray(form.c.toarray(), dtype=float).reshape(-1)[: len(columns)],
        offset=offset,
        matrix=sparse.csc_array(form.A),
        row_lower=row_lower,
        row_upper=row_upper,
        column_lower=lower,
        column_upper=upper,
        hessian=_hessian(quadratic, columns),
        rows=tuple(row.constraint.name for row in form.rows),
        columns=tuple(column.name for column in columns),
        integer=integer if integer.any() else None,
    )


def write_lp(model: pyo.ConcreteModel) -> str:
    """The model as text in LP format with its own names: what a golden file stores."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "programme.lp"
        with contextlib.redirect_stdout(io.StringIO()):
            model.write(str(path), io_options={"symbolic_solver_labels": True})
        return path.read_text(encoding="utf-8")


def _objective(model: pyo.ConcreteModel) -> Any:
    import pyomo.environ as pyo

    active = list(model.component_data_objects(pyo.Objective, active=True))
    if len(active) != 1 or active[0].sense != pyo.minimize:
        raise SolverError(f"The programme has {len(active)} objectives; exactly one that is minimised is expected.")
    return active[0]


def _split_objective(objective: Any) -> tuple[list[tuple[Any, float]], float, list[tuple[Any, Any, float]]]:
    """Linear terms, constant and quadratic terms of the objective."""
    from pyomo.repn import generate_standard_repn

    repn = generate_standard_repn(objective.expr, quadratic=True)
    if repn.nonlinear_expr is not None:
        raise SolverError("The objective of the programme is neither linear nor quadratic.")
    linear = list(zip(repn.linear_vars, map(float, repn.linear_coefs), strict=True))
    pairs = zip(repn.quadratic_vars, map(float, repn.quadratic_coefs), strict=True)
    return linear, float(repn.constant), [(first, second, value) for (first, second), value in pairs]


@contextlib.contextmanager
def _linear_objective(model: pyo.ConcreteModel, objective: Any, linear: list[tuple[Any, float]]) -> Iterator[None]:
    """Swap the objective for its linear part, since the compiler refuses a quadratic one."""
    import pyomo.environ as pyo
    from pyomo.core.expr import LinearExpression

    coefficients = [value for _, value in linear]
    variables = [variable for variable, _ in linear]
    objective.deactivate()
    model.add_component(
        "_linear_objective", pyo.Objective(expr=LinearExpression(linear_coefs=coefficients, linear_vars=variables))
    )
    try:
        yield
    finally:
        model.del_component("_linear_objective")
        objective.activate()


def _column_bounds(columns: list[Any]) -> tuple[Array, Array]:
    lower = np.array([-np.inf if column.lb is None else column.lb for column in columns], dtype=float)
    upper = np.array([np.inf if column.ub is None else column.ub for column in columns], dtype=float)
    return lower, upper


def _row_bounds(form: Any) -> tuple[Array, Array]:
    """Bounds of each row from the compiler's kind: -1 at least, 0 equal, 1 at most."""
    rhs = np.asarray(form.rhs, dtype=float)
    kind = np.array([row.bound_type for row in form.rows], dtype=int)
    return np.where(kind <= 0, rhs, -np.inf), np.where(kind >= 0, rhs, np.inf)


def _hessian(quadratic: list[tuple[Any, Any, float]], columns: list[Any]) -> sparse.csc_array | None:
    """Lower triangle of Q, where the objective holds half of x'Qx."""
    if not quadratic:
        return None
    position = {id(column): index for index, column in enumerate(columns)}
    missing = [first.name for first, _, _ in quadratic if id(first) not in position]
    if missing:
        raise SolverError(f"Columns {shorten(missing)} have a quadratic cost but stand in no row; fix them first.")
    first = np.array([position[id(a)] for a, _, _ in quadratic])
    second = np.array([position[id(b)] for _, b, _ in quadratic])
    value = np.array([coefficient for _, _, coefficient in quadratic])
    # A square's coefficient is half its diagonal entry; a product's is the off-diagonal entry itself.
    value = np.where(first == second, 2 * value, value)
    shape = (len(columns), len(columns))
    return sparse.csc_array((value, (np.maximum(first, second), np.minimum(first, second))), shape=shape)
