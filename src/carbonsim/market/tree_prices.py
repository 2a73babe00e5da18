"""Prices on a scenario tree: all multipliers that the optimal quantities leave open, and the range of each.

A one-sided shift of supply, as in a market over years, would be too small to see at a state of small probability. So
the range is found exactly: the multipliers of a solved programme are the solutions of a linear one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from carbonsim.errors import SolverError
from carbonsim.market.programme_prices import NEGLIGIBLE, POINT_WIDTH
from carbonsim.market.supply import Array
from carbonsim.solving import CompiledProgramme, LoadedProgramme, Solution

ACTIVE = 1e-7  # distance from a bound, as a share of the largest quantity, at which a column or row counts as on it
# Relative room for marginal costs that a solver leaves a little apart, of linear MACs and of steps, tried in turn.
ROOMS = ((0.0, 0.0), (1e-11, 0.0), (1e-9, 0.0), (1e-7, 0.0), (1e-7, 1e-7))


@dataclass(frozen=True, slots=True, eq=False)
class Multipliers:
    """The multipliers of a solved programme as a linear one, in prices: each row's dual over its state's weight."""

    programme: CompiledProgramme
    balance: NDArray[np.intp]

    @classmethod
    def of(
        cls, compiled: CompiledProgramme, solution: Solution, weight: Array, room: tuple[float, float]
    ) -> Multipliers:
        r"""Conditions of optimality at the solution x*, which all multipliers y with :math:`c + Qx^* - A'y = z` meet.

        .. math::
            :label: tree-multipliers

            z_j \ge 0 \text{ at the lower bound, } \le 0 \text{ at the upper, } = 0 \text{ between;} \qquad
            y_i \le 0 \text{ where a row is at its upper bound, } = 0 \text{ where it has room}

        Rows of the programme are named by their state, whose weight scales the multiplier into a price.
        """
        values, state = solution.values, _states(compiled.rows)
        activity = compiled.matrix @ values
        scale = weight[state]
        binding = _at(activity, compiled.row_upper, values)
        marginal = solution.column_dual + compiled.matrix.T @ solution.row_dual
        lower, upper = _at(values, compiled.column_lower, values), _at(values, compiled.column_upper, values)
        matrix = sparse.csc_array(compiled.matrix.T @ sparse.diags_array(-scale))
        size = np.maximum(np.asarray(abs(matrix).max(axis=1).todense()).reshape(-1), 1e-300)
        curved = np.zeros(len(values)) if compiled.hessian is None else compiled.hessian.diagonal()
        # The marginal cost of a curved column depends on a quantity, which is as good as the solver; the bank has none.
        width = np.where(curved > 0, room[0], np.where(compiled.cost == 0, 0.0, room[1]))
        apart = width * np.maximum(np.abs(marginal) / size, 1.0)
        worth = marginal / size
        return cls(
            CompiledProgramme(
                cost=np.zeros(len(state)),
                offset=0.0,
                matrix=sparse.csc_array(sparse.diags_array(1 / size) @ matrix),
                row_lower=np.where(lower, -np.inf, worth - apart),
                row_upper=np.where(upper, np.inf, worth + apart),
                column_lower=np.zeros(len(state)),
                column_upper=np.where(binding, np.inf, 0.0),
                hessian=None,
                rows=compiled.columns,
                columns=compiled.rows,
            ),
            compiled.row_index("market.balance["),
        )

    def prices(self, cost: Array) -> Array | None:
        """The prices at which the sum of ``cost`` times price is least; None if no prices fit."""
        whole = np.zeros(len(self.programme.columns))
        whole[self.balance] = cost
        found = LoadedProgramme(replace(self.programme, cost=whole)).solve()
        return None if found is None else np.asarray(found.values[self.balance])

    def unbounded(self, state: int) -> bool:
        """Whether the price of a state may rise without limit: whether a direction leads there."""

        def flat(bound: Array) -> Array:
            return np.where(np.isfinite(bound), 0.0, bound)

        programme = self.programme
        low, high = flat(programme.column_lower), flat(programme.column_upper)
        low[self.balance[state]] = high[self.balance[state]] = 1.0
        if programme.column_upper[self.balance[state]] == 0:
            return False
        cone = replace(
            programme, column_lower=low, column_upper=high,
            row_lower=flat(programme.row_lower), row_upper=flat(programme.row_upper),
        )  # fmt: skip
        return LoadedProgramme(cone).solve() is not None


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
    """Price of each state, and the lowest and highest it may have, ``inf`` if nothing bounds it.

    The prices go together: of all that fit the quantities, they have the least expected discounted sum.
    """
    found = None
    for room in ROOMS:
        found = found or _ranges(Multipliers.of(compiled, solution, weight, room), weight)
    if found is None:
        raise SolverError("No multipliers fit the quantities of the scenario tree; the solver left them too far off.")
    price, low, high = found
    price = np.where(price < NEGLIGIBLE * max(1.0, float(price.max())), 0.0, price)
    width = POINT_WIDTH * np.maximum(price, 1.0)
    return price, np.where(price - low <= width, price, low), np.where(high - price <= width, price, high)


def _ranges(every: Multipliers, weight: Array) -> tuple[Array, Array, Array] | None:
    """Prices that go together, the lowest and the highest; None if a programme has no point."""
    price = every.prices(weight / weight.max())
    if price is None:
        return None
    low, high = price.copy(), price.copy()
    for state, unit in enumerate(np.eye(len(price))):
        least = every.prices(unit)
        most = np.full(len(price), np.inf) if every.unbounded(state) else every.prices(-unit)
        if least is None or most is None:
            return None
        low[state], high[state] = min(price[state], least[state]), max(price[state], most[state])
    return price, low, high


def _states(names: Sequence[str]) -> NDArray[np.intp]:
    """State of each row or column: the last of its labels."""
    return np.array([int(name.split("[")[-1].rstrip("]").split(",")[-1]) for name in names], dtype=np.intp)


def _at(value: Array, bound: Array, all_values: Array) -> NDArray[np.bool_]:
    size = max(1.0, float(np.abs(all_values).max(initial=0.0)))
    return np.asarray(np.isfinite(bound) & (np.abs(value - np.where(np.isfinite(bound), bound, 0.0)) <= ACTIVE * size))
