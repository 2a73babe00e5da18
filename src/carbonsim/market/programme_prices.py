"""Prices and their intervals from the duals of a programme, and what instruments publish of the duals of their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from carbonsim.errors import SolverError
from carbonsim.market.problem import MarketProblem
from carbonsim.market.supply import Array
from carbonsim.solving import CompiledProgramme, DualFace, Solution

if TYPE_CHECKING:
    from carbonsim.market.programme import Frame

SCALED_TOTAL = 1e3  # largest yearly emissions in the programme's own unit of tonnes
POINT_WIDTH = 1e-9  # an interval narrower than this share of the price is one price
NEGLIGIBLE = 1e-9


def balance_prices(problem: MarketProblem, row_dual: Array, balance: NDArray[np.intp]) -> Array:
    """Prices by year from the duals of the balances [CNY/tCO2e], not discounted; SolverError if one is negative."""
    price = -row_dual[balance] / problem.discount
    scale = max(1.0, float(np.abs(price).max(initial=0.0)))
    if np.any(price < -NEGLIGIBLE * scale):
        raise SolverError(
            f"The programme gives a negative price ({price.min():g}) to a row that is at most its supply.",
            f"规划对不超过供给的行给出了负价格（{price.min():g}）。",
        )
    return np.where(price < NEGLIGIBLE * scale, 0.0, price)


def price_interval(
    problem: MarketProblem, compiled: CompiledProgramme, balance: NDArray[np.intp], found: tuple[Array, Solution]
) -> tuple[Array, Array, Array]:
    """Lowest and highest price of each year, the duals just above and just below its supply.

    Also the duals of all rows at the lowest price of each year, (year, row).
    """
    price, solution = found
    face = DualFace(compiled, solution)
    low, high = price.copy(), price.copy()
    duals = np.repeat(solution.row_dual[None, :], len(balance), axis=0)
    for y, row in enumerate(map(int, balance)):
        below, above = face.toward({row: 1.0}), face.toward({row: -1.0})
        if below is None:
            raise SolverError(
                f"The programme has no point with more supply in {problem.year[y]}.",
                f"规划在 {problem.year[y]} 年没有供给更多的可行点。",
            )
        low[y] = min(price[y], balance_prices(problem, below, balance)[y])
        if price[y] - low[y] > POINT_WIDTH * max(price[y], 1.0):
            duals[y] = below
        high[y] = np.inf if above is None else max(price[y], balance_prices(problem, above, balance)[y])
    point = (price - low) <= POINT_WIDTH * np.maximum(price, 1.0)
    low = np.where(point, price, low)
    return low, np.where(high - low <= POINT_WIDTH * np.maximum(price, 1.0), low, high), duals


def row_prices(problem: MarketProblem, frame: Frame, compiled: CompiledProgramme, duals: Array) -> dict[str, Array]:
    """What instruments publish of the duals of their rows, as prices by year; ``duals`` is (year, row)."""
    position = {name: row for row, name in enumerate(compiled.rows)}
    found = {name: np.zeros(len(problem.year)) for name in frame.priced}
    for name, rows in frame.priced.items():
        for year, row in rows.items():
            y = problem.year.index(year)
            column = -duals[:, position[row.name]] if row.name in position else np.zeros(len(duals))
            worth = column.min() if name in frame.least_priced else column[y]
            found[name][y] = worth / frame.discount[year]
    return {name: np.where(np.abs(values) < NEGLIGIBLE, 0.0, values) for name, values in found.items()}
