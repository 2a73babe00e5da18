"""Joins compiled programmes into one by columns that stand in rows of several of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from carbonsim.solving.compile import CompiledProgramme


@dataclass(frozen=True, slots=True)
class CouplingColumn:
    """A column from 0 to ``upper`` without a cost; ``entries`` are (programme, row in it, coefficient)."""

    name: str
    upper: float
    entries: tuple[tuple[int, int, float], ...]


def join_programmes(
    parts: Sequence[CompiledProgramme], weights: Sequence[float], couplings: Sequence[CouplingColumn]
) -> CompiledProgramme:
    """One programme of several side by side, coupled by further columns.

    Parameters
    ----------
    parts : sequence of CompiledProgramme
        Rows and columns keep their order; their names get the place of the programme in front.
    weights : sequence of float
        What the cost of each programme counts in the joint one; positive. The dual of a row of programme i is then
        the weight times what it would be alone.
    couplings : sequence of CouplingColumn

    Returns
    -------
    CompiledProgramme
    """
    first_row = np.cumsum([0, *(len(part.rows) for part in parts)])
    matrix = sparse.block_diag([part.matrix for part in parts], format="csc")
    rows = [first_row[part] + row for column in couplings for part, row, _ in column.entries]
    places = [place for place, column in enumerate(couplings) for _ in column.entries]
    values = [value for column in couplings for _, _, value in column.entries]
    extra = sparse.csc_array((values, (rows, places)), shape=(int(first_row[-1]), len(couplings)))
    count = len(couplings)
    return CompiledProgramme(
        cost=np.concatenate(
            [*(weight * part.cost for weight, part in zip(weights, parts, strict=True)), np.zeros(count)]
        ),
        offset=float(sum(weight * part.offset for weight, part in zip(weights, parts, strict=True))),
        matrix=sparse.csc_array(sparse.hstack([matrix, extra])),
        row_lower=np.concatenate([part.row_lower for part in parts]),
        row_upper=np.concatenate([part.row_upper for part in parts]),
        column_lower=np.concatenate([*(part.column_lower for part in parts), np.zeros(count)]),
        column_upper=np.concatenate([*(part.column_upper for part in parts), [column.upper for column in couplings]]),
        hessian=_joined_hessian(parts, weights, count),
        rows=tuple(f"{place}.{name}" for place, part in enumerate(parts) for name in part.rows),
        columns=(
            *(f"{place}.{name}" for place, part in enumerate(parts) for name in part.columns),
            *(column.name for column in couplings),
        ),
    )


def _joined_hessian(
    parts: Sequence[CompiledProgramme], weights: Sequence[float], count: int
) -> sparse.csc_array | None:
    if all(part.hessian is None for part in parts):
        return None
    blocks = [
        sparse.csc_array((len(part.columns),) * 2) if part.hessian is None else weight * part.hessian
        for weight, part in zip(weights, parts, strict=True)
    ]
    return sparse.csc_array(sparse.block_diag([*blocks, sparse.csc_array((count, count))]))
