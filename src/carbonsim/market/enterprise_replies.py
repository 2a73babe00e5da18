"""Each enterprise's best reply to posted prices: its own part of the programme by enterprise, solved by itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from carbonsim.errors import SolverError
from carbonsim.market.supply import Array
from carbonsim.solving import CompiledProgramme, LoadedProgramme, solve_mixed_integer
from carbonsim.solving.tile import TiledProgramme

RAY = 1e-9  # gain per unit of a direction without end below which it is rounding


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Rows and columns of one enterprise in the market's programme."""

    rows: slice
    columns: slice


@dataclass(frozen=True, slots=True, eq=False)
class Reply:
    """What an enterprise does at posted prices: its cost with trade at these prices, and its own cost and use of rows.

    At prices that pay for trade without end, ``endless`` is true: ``own`` and ``use`` are then those of a unit of it.
    """

    cost: float
    own: float
    use: Array
    endless: bool = False


@dataclass(frozen=True, eq=False)
class Replies:
    """The market's programme taken apart into its enterprises; prices are duals of the rows that they share."""

    tiled: TiledProgramme

    @property
    def programme(self) -> CompiledProgramme:
        """The whole, with its integers."""
        return self.tiled.programme

    @cached_property
    def shared(self) -> int:
        """Number of shared rows, which come first."""
        return int(self.tiled.row_start[0])

    @cached_property
    def shared_columns(self) -> int:
        """Number of shared columns, which come first."""
        return int(self.tiled.column_start[0])

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The enterprises, cohort by cohort."""
        found = []
        for k, cohort in enumerate(self.tiled.cohorts):
            rows, columns = (
                np.linspace(starts[k], starts[k + 1], cohort.members + 1).round().astype(int).tolist()
                for starts in (self.tiled.row_start, self.tiled.column_start)
            )
            for m in range(cohort.members):
                found.append(Block(slice(rows[m], rows[m + 1]), slice(columns[m], columns[m + 1])))
        return tuple(found)

    @cached_property
    def by_row(self) -> sparse.csr_array:
        """The whole matrix by row."""
        return sparse.csr_array(self.programme.matrix)

    def use(self, block: Block, values: Array) -> Array:
        """What an enterprise's columns take of the shared rows."""
        return np.asarray(self.by_row[: self.shared, block.columns] @ values)

    def at(self, block: Block, plan: Array, dual: Array) -> Reply:
        """What an enterprise's part of a plan costs it at given prices."""
        values = plan[block.columns]
        own, use = float(self.programme.cost[block.columns] @ values), self.use(block, values)
        return Reply(own - float(dual @ use), own, use)

    def best(self, block: Block, dual: Array) -> Reply:
        """The least that an enterprise can pay at given prices, and how."""
        part = self._part(block, dual)
        away = _endless(part)
        if away is not None:
            own, use = float(self.programme.cost[block.columns] @ away), self.use(block, away)
            return Reply(-np.inf, own, use, endless=True)
        found: Array | None
        if part.integer is not None and part.integer.any():
            whole = solve_mixed_integer(part)
            found = None if whole is None else whole.values
        else:
            solution = LoadedProgramme(_continuous(part)).solve()
            found = None if solution is None else solution.values
        if found is None:
            raise SolverError(
                "An enterprise has no reply to the posted prices, though it has one in the plan.",
                "某企业对公布的价格没有响应，尽管它在方案中有响应。",
            )
        own, use = float(self.programme.cost[block.columns] @ found), self.use(block, found)
        return Reply(own - float(dual @ use), own, use)

    def _part(self, block: Block, dual: Array) -> CompiledProgramme:
        whole, rows, columns = self.programme, block.rows, block.columns
        return CompiledProgramme(
            cost=whole.cost[columns] - self.by_row[: self.shared, columns].T @ dual,
            offset=0.0,
            matrix=sparse.csc_array(self.by_row[rows, columns]),
            row_lower=whole.row_lower[rows],
            row_upper=whole.row_upper[rows],
            column_lower=whole.column_lower[columns],
            column_upper=whole.column_upper[columns],
            hessian=None,
            rows=tuple(whole.rows[rows]),
            columns=tuple(whole.columns[columns]),
            integer=None if whole.integer is None else whole.integer[columns],
        )


def _continuous(programme: CompiledProgramme) -> CompiledProgramme:
    return replace(programme, integer=None)


def _endless(part: CompiledProgramme) -> NDArray[np.float64] | None:
    """A direction without end along which cost falls, at most one unit long in each column; None if there is none."""
    whole = np.zeros(len(part.cost), dtype=bool) if part.integer is None else part.integer
    cone = replace(
        part,
        row_lower=np.where(np.isinf(part.row_lower), -np.inf, 0.0),
        row_upper=np.where(np.isinf(part.row_upper), np.inf, 0.0),
        column_lower=np.where(whole | ~np.isinf(part.column_lower), 0.0, -1.0),
        column_upper=np.where(whole | ~np.isinf(part.column_upper), 0.0, 1.0),
        integer=None,
    )
    found = LoadedProgramme(cone).solve()
    least = max(float(np.abs(part.cost).max(initial=0.0)), 1.0)
    return found.values if found is not None and found.objective < -RAY * least else None
