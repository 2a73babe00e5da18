"""Why a programme has no solution: the least relaxation, and a smallest set of rows and bounds in conflict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from carbonsim.errors import SolverError, shorten
from carbonsim.solving.compile import CompiledProgramme
from carbonsim.solving.highs import LoadedProgramme, load_highs

IIS_STRATEGY = 4  # the default strategy answers with an empty set on banking models


@dataclass(frozen=True, slots=True)
class Infeasibility:
    """Why a programme has no solution.

    ``missing`` maps the elastic rows to the least total by which they must be relaxed together; ``rows`` and
    ``columns`` name an irreducible set of rows and of column bounds that contradict each other.
    """

    missing: Mapping[str, float]
    rows: tuple[str, ...]
    columns: tuple[str, ...]


def explain_infeasible(programme: CompiledProgramme, elastic: NDArray[np.intp]) -> Infeasibility:
    """The least relaxation of the elastic rows, and a smallest contradicting set of rows and bounds.

    Parameters
    ----------
    programme : CompiledProgramme
        A programme without a feasible point.
    elastic : array of int
        Rows with an upper bound that may be exceeded; the least total excess is found by an elastic LP.

    Raises
    ------
    SolverError
        If not even the elastic programme has a solution.
    """
    rows, columns = _irreducible_set(programme)
    return Infeasibility(missing=_least_excess(programme, elastic), rows=rows, columns=columns)


def _least_excess(programme: CompiledProgramme, elastic: NDArray[np.intp]) -> dict[str, float]:
    count = len(elastic)
    size = len(programme.columns)
    slack = sparse.csc_array((-np.ones(count), (elastic, np.arange(count))), shape=(len(programme.rows), count))
    relaxed = CompiledProgramme(
        cost=np.concatenate([np.zeros(size), np.ones(count)]),
        offset=0.0,
        matrix=sparse.csc_array(sparse.hstack([programme.matrix, slack])),
        row_lower=programme.row_lower,
        row_upper=programme.row_upper,
        column_lower=np.concatenate([programme.column_lower, np.zeros(count)]),
        column_upper=np.concatenate([programme.column_upper, np.full(count, np.inf)]),
        hessian=None,
        rows=programme.rows,
        columns=(*programme.columns, *(f"elastic.excess[{programme.rows[row]}]" for row in elastic)),
    )
    solution = LoadedProgramme(relaxed).solve()
    if solution is None:
        names = shorten([programme.rows[row] for row in elastic])
        raise SolverError(
            f"The programme stays infeasible even when {names} may be exceeded.",
            f"即使允许超过 {names}，规划仍不可行。",
        )
    excess = solution.values[size:]
    return {programme.rows[row]: float(amount) for row, amount in zip(elastic, excess, strict=True) if amount > 0}


def _irreducible_set(programme: CompiledProgramme) -> tuple[tuple[str, ...], tuple[str, ...]]:
    solver = load_highs(replace(programme, hessian=None, integer=None))
    solver.setOptionValue("iis_strategy", IIS_STRATEGY)
    solver.run()
    _, iis = solver.getIis()
    rows = tuple(programme.rows[row] for row in iis.row_index_)
    columns = tuple(programme.columns[column] for column in iis.col_index_)
    return rows, columns
