"""Prices on a scenario tree: those that go together, and the range of each.

A one-sided shift of supply would be too small to see at a state of small probability, so the programme is solved with
its states weighed alike, and the ranges are found among all multipliers that are optimal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from carbonsim.errors import SolverError
from carbonsim.market.programme_prices import NEGLIGIBLE, POINT_WIDTH
from carbonsim.market.supply import Array
from carbonsim.solving import CompiledProgramme, DualFace, LoadedProgramme, Solution


def solve_weighted(compiled: CompiledProgramme, weight: Array) -> Solution | None:
    """The optimum of a programme whose states have weights of very different size; None if it has no point.

    Columns are scaled by the root of their state's weight, rows against it: curvatures are then those of the market,
    not the tiny ones of an improbable state, and the solver's tolerances hold for it as well.
    """
    across, down = np.sqrt(weight[_states(compiled.columns)]), np.sqrt(weight[_states(compiled.rows)])
    shrink = sparse.diags_array(1 / across)
    scaled = replace(
        compiled,
        cost=compiled.cost / across,
        matrix=sparse.csc_array(sparse.diags_array(down) @ compiled.matrix @ shrink),
        row_lower=compiled.row_lower * down,
        row_upper=compiled.row_upper * down,
        column_lower=compiled.column_lower * across,
        column_upper=compiled.column_upper * across,
        hessian=None if compiled.hessian is None else sparse.csc_array(shrink @ compiled.hessian @ shrink),
    )
    found = LoadedProgramme(scaled).solve()
    if found is None:
        return None
    return replace(
        found, values=found.values / across, row_dual=found.row_dual * down, column_dual=found.column_dual * across
    )


def tree_prices(compiled: CompiledProgramme, solution: Solution, weight: Array) -> tuple[Array, Array, Array]:
    r"""Price of each state, and the lowest and highest it may have, ``inf`` if nothing bounds it.

    The prices go together: of all that fit the quantities, they have the least expected discounted sum.

    .. math::
        :label: tree-multipliers

        p_n = -\frac{y_n}{w_n}, \qquad \min_y \sum_n w_n p_n, \quad \min_y p_n \text{ and } \max_y p_n \text{
        over the optimal multipliers } y \text{ of the programme}
    """
    face = DualFace(compiled, solution, weight[_states(compiled.rows)])
    balance = compiled.row_index("market.balance[")

    def prices(toward: dict[int, float]) -> Array | None:
        duals = face.toward(toward)
        return None if duals is None else np.asarray(-duals[balance] / weight)

    price = prices(dict.fromkeys(map(int, balance), 1.0))
    if price is None:
        raise SolverError("The scenario tree has no point with more supply.", "情景树没有供给更多的可行点。")
    low, high = price.copy(), price.copy()
    for state, row in enumerate(map(int, balance)):
        least, most = prices({row: 1 / weight[state]}), prices({row: -1 / weight[state]})
        if least is None:
            raise SolverError(
                f"The scenario tree has no point with more supply in {compiled.rows[row]}.",
                f"情景树在 {compiled.rows[row]} 没有供给更多的可行点。",
            )
        low[state] = min(price[state], least[state])
        high[state] = np.inf if most is None else max(price[state], most[state])
    price = np.where(price < NEGLIGIBLE * max(1.0, float(price.max())), 0.0, price)
    width = POINT_WIDTH * np.maximum(price, 1.0)
    return price, np.where(price - low <= width, price, low), np.where(high - price <= width, price, high)


def _states(names: Sequence[str]) -> NDArray[np.intp]:
    """State of each row or column: the last of its labels."""
    return np.array([int(name.split("[")[-1].rstrip("]").split(",")[-1]) for name in names], dtype=np.intp)
