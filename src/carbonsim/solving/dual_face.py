"""All multipliers that an optimum leaves open, and those at the edge of them in a direction.

A shift of a row by a small amount would find an edge too, but only as exactly as the solver's gap, and where the shift
is smaller than everything that matters. Here the shift is infinitely small: a linear programme of the moves that keep
within the bounds met at the optimum.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from carbonsim.errors import SolverError, shorten
from carbonsim.solving.compile import CompiledProgramme
from carbonsim.solving.highs import LoadedProgramme
from carbonsim.solving.solution import Solution
from carbonsim.solving.standard_form import largest_entries

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Index = NDArray[np.intp]

MET = 1e-9  # distance from a bound at which it counts as met, in units of the programme or a thousandth of the bound
MET_CURVED = 1e-8  # the same with quadratic costs, in units of the programme or the bound
WITHIN = 1e-3  # largest such distance as a share of the room between two bounds
MANY_ROWS = 1_000  # rows from which the programme of moves is reduced before it is solved
APART = 1e-6  # share of the largest multiplier by which an optimum's may have the wrong sign
MOVED = 1e3  # largest shift in the programme of moves, so that rows of little weight stand out from rounding
FLOOR = 1e-3  # of the largest cost: the least unit of multipliers


class DualFace:
    r"""The optimal multipliers of a programme, as one optimum x*, y* shows them.

    .. math::
        :label: dual-face

        z = c + Qx^* - A'y: \quad z_j \ge 0 \text{ at the lower bound, } \le 0 \text{ at the upper, } = 0 \text{
        between;} \qquad y_i \ge 0 \text{ where a row is at its lower bound, } \le 0 \text{ at the upper, } = 0 \text{
        where it has room}

    The edge in a direction r solves :math:`\max_y r'y`, which is the dual of the cheapest move d with
    :math:`Ad = r` that leaves no bound: :math:`\min_d z^{*\prime} d`. Multipliers of x* that differ from zero only by
    rounding are taken as zero, so that y* itself always lies on the face.

    Parameters
    ----------
    programme : CompiledProgramme
    solution : Solution
        Its optimum.
    weight : array (row), optional
        Size of each row's multiplier for a unit of price; without it all rows count alike. Positive.

    Raises
    ------
    SolverError
        If the optimum's multipliers do not fit its values.
    """

    def __init__(self, programme: CompiledProgramme, solution: Solution, weight: Array | None = None) -> None:
        self._weight = np.ones(len(programme.rows)) if weight is None else weight
        near = _near_linear if programme.hessian is None else _near_curved
        low, high = _met(programme.matrix @ solution.values, programme.row_lower, programme.row_upper, near)
        at_low, at_high = _met(solution.values, programme.column_lower, programme.column_upper, near)
        self._kept = np.flatnonzero(low | high)
        self._place = {int(row): place for place, row in enumerate(self._kept)}
        rows = sparse.csr_array(
            sparse.diags_array(self._weight[self._kept]) @ sparse.csr_array(programme.matrix)[self._kept]
        )
        size = largest_entries(rows, axis=0)
        price, reduced = solution.row_dual / self._weight, solution.column_dual / size
        self._unit = max(_largest(price), FLOOR * _largest(_steepest(programme, solution) / size)) or 1.0
        self._price = _signed(price / self._unit, low, high, programme.rows)
        cost = _signed(reduced / self._unit, at_low, at_high, programme.columns)
        # A row that may lose its multiplier has a column that takes up what it is short of or beyond its bound.
        only_high, only_low = (np.flatnonzero(one[self._kept]) for one in (high & ~low, low & ~high))
        unit, own = sparse.eye_array(len(self._kept), format="csc"), self._price[self._kept]
        slacks = len(only_high) + len(only_low)
        moves = _moves(
            matrix=sparse.csc_array(
                sparse.hstack([rows @ sparse.diags_array(1 / size), unit[:, only_high], -unit[:, only_low]])
            ),
            cost=np.concatenate([cost, -own[only_high], own[only_low]]),
            low=np.concatenate([at_low, np.ones(slacks, dtype=bool)]),
            high=np.concatenate([at_high, np.zeros(slacks, dtype=bool)]),
        )
        self._loaded = LoadedProgramme(moves, warm=True, presolve=len(self._kept) > MANY_ROWS)

    def toward(self, shift: Mapping[int, float]) -> Array | None:
        """Multipliers of all rows as an infinitely small shift of rows' bounds leaves them; None if there is no point.

        Of all multipliers these lose most by the shift. Rows that have room do not count.
        """
        moved = {
            self._place[row]: amount * float(self._weight[row]) for row, amount in shift.items() if row in self._place
        }
        largest = max(map(abs, moved.values()), default=0.0)
        price = self._price.copy()
        if largest > 0:
            found = self._loaded.solve({place: amount * MOVED / largest for place, amount in moved.items()})
            if found is None:
                return None
            price[self._kept] += found.row_dual
        return np.asarray(price * self._unit * self._weight)


def _largest(values: Array) -> float:
    return float(np.abs(values).max(initial=0.0))


def _steepest(programme: CompiledProgramme, solution: Solution) -> Array:
    """Highest marginal cost that each column may have."""
    if programme.hessian is None:
        return np.abs(programme.cost)
    ends = np.maximum(np.abs(programme.column_lower), np.abs(programme.column_upper))
    most = np.where(np.isfinite(ends), ends, _largest(solution.values))
    return np.asarray(np.abs(programme.cost) + programme.hessian.diagonal() * most)


def _met(value: Array, lower: Array, upper: Array, near: Callable[[Array], Array]) -> tuple[Flags, Flags]:
    """Which values are at their lower bounds or beyond, and which at their upper ones.

    In a narrow room the distance at which a bound counts as met is less, so that a value between two bounds is at one.
    """
    room = np.where(upper > lower, upper - lower, np.inf)
    at = [np.where(np.isfinite(end), end, np.inf) for end in (lower, upper)]
    tolerance = [np.minimum(near(np.where(np.isfinite(end), end, 0.0)), WITHIN * room) for end in (lower, upper)]
    low = np.isfinite(lower) & (value - at[0] <= tolerance[0])
    return low, np.isfinite(upper) & (at[1] - value <= tolerance[1])


def _near_linear(end: Array) -> Array:
    """Rounding of a vertex: the solver's own tolerance."""
    return np.asarray(MET * np.maximum(1.0, 1e-3 * np.abs(end)))


def _near_curved(end: Array) -> Array:
    """Rounding of an optimum that need be no vertex."""
    return np.asarray(MET_CURVED * np.maximum(1.0, np.abs(end)))


def _signed(multiplier: Array, low: Flags, high: Flags, names: Sequence[str]) -> Array:
    """Multipliers without the rounding that gives them a sign their bounds do not allow; SolverError if it is more."""
    least, most = np.where(high, -np.inf, 0.0), np.where(low, np.inf, 0.0)
    cleaned = np.clip(multiplier, least, most)
    wrong = np.flatnonzero(np.abs(cleaned - multiplier) > APART)
    if wrong.size:
        places = shorten([names[int(place)] for place in wrong])
        raise SolverError(
            f"The multipliers of {places} do not fit the values of the optimum.", f"{places} 的乘子与最优解的数值不符。"
        )
    return cleaned


def _moves(matrix: sparse.csc_array, cost: Array, low: Flags, high: Flags) -> CompiledProgramme:
    """The programme of moves: columns at a bound may only leave it inwards, those at both stay."""
    flip = np.where(high, -1.0, 1.0)
    free = ~(low | high)
    chosen = np.flatnonzero(~(low & high))
    matrix = sparse.csc_array((matrix @ sparse.diags_array(flip))[:, chosen])
    cost, free = (cost * flip)[chosen], free[chosen]
    matrix.eliminate_zeros()
    tight = _tightest(matrix, cost, free)
    return CompiledProgramme(
        cost=cost[tight],
        offset=0.0,
        matrix=sparse.csc_array(matrix[:, tight]),
        row_lower=np.zeros(matrix.shape[0]),
        row_upper=np.zeros(matrix.shape[0]),
        column_lower=np.where(free[tight], -np.inf, 0.0),
        column_upper=np.full(len(tight), np.inf),
        hessian=None,
        rows=[f"row[{row}]" for row in range(matrix.shape[0])],
        columns=[f"move[{column}]" for column in tight],
    )


def _tightest(matrix: sparse.csc_array, cost: Array, free: Flags) -> Index:
    """Columns without those that stand in one row only and limit its multiplier less than another such column does."""
    entries = np.diff(matrix.indptr)
    single = np.flatnonzero(entries == 1)
    place = matrix.indptr[single]
    value = matrix.data[place]
    limit = np.where(free[single], -np.inf, cost[single] / np.abs(value))
    side = 2 * matrix.indices[place].astype(np.intp) + (value > 0)
    order = np.lexsort((limit, side))
    _, first = np.unique(side[order], return_index=True)
    return np.sort(np.concatenate([np.flatnonzero(entries > 1), single[order][first]]))
