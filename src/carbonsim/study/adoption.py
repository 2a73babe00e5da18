"""What is adopted where the market does not decide: measures that pay without a price, and announced entries."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.inputs.scenario import Scenario

Array = NDArray[np.float64]
Positions = NDArray[np.int_]
ANTICIPATION = "outlook.anticipation"


def no_regret(unit_cost: Array, slope: Array, potential: Array) -> Array:
    """Share of each option that pays without a carbon price: all of a step below 0, a linear MAC up to 0.

    Parameters
    ----------
    unit_cost : array [CNY/tCO2e] (option, year)
        Marginal abatement cost at no use.
    slope : array [CNY/tCO2e per tCO2e] (option, year)
        Rise of it with use; 0 for a step.
    potential : array [tCO2e] (option, year)
        Abatement at full use.

    Returns
    -------
    array [1] (option, year)
        0..1; 0 where there is no potential.
    """
    top = slope * potential
    pays = unit_cost < 0
    share = np.divide(-unit_cost, top, out=np.ones_like(unit_cost), where=top > 0)
    return np.where(pays & (potential > 0), np.minimum(share, 1.0), 0.0)


def entry_positions(share: Array) -> Positions:
    """Position of the first covered year of each row of ``share`` (row, year); -1 if never covered."""
    covered = share > 0
    return np.asarray(np.where(covered.any(axis=1), covered.argmax(axis=1), -1))


def anticipated(
    scenario: Scenario,
    adoption: Array,
    *,
    enterprise: Positions,
    entry: Positions,
    announced: Positions,
    available: NDArray[np.bool_],
) -> Array:
    """Adoption before an announced entry: the stated share of what the entry year will have.

    A retrofit that must run on the day of entry is commissioned before it. The share of the entry year's adoption
    that already operates k years ahead is the parameter ``outlook.anticipation`` (label k), an assumption.

    Parameters
    ----------
    scenario : Scenario
        Gives years and the parameter; a study without the parameter has no anticipation.
    adoption : array [1] (option, year)
        What market and self-interest adopt.
    enterprise : array of int (option,)
        Row of the enterprise of each option.
    entry, announced : array of int (enterprise,)
        Position of the first covered year (-1 never) and the year in which the entry became known.
    available : array of bool (option, year)
        Whether the option exists in the year.

    Returns
    -------
    array [1] (option, year)
        Not below ``adoption``.
    """
    result = adoption.copy()
    if ANTICIPATION not in scenario.parameters:
        return result
    years = np.array(scenario.years)
    columns = entry[enterprise]
    rows = np.arange(len(adoption))
    in_entry_year = np.where(columns >= 0, adoption[rows, np.maximum(columns, 0)], 0.0)
    for (label,) in scenario.parameters.get(ANTICIPATION).labels():
        column = columns - int(label)
        known = (columns > 0) & (column >= 0)
        column = np.maximum(column, 0)
        known &= announced[enterprise] <= years[column]
        weight = scenario.parameters.series(ANTICIPATION, scenario.years, label)[column]
        ahead = np.where(known & available[rows, column], weight * in_entry_year, 0.0)
        result[rows, column] = np.maximum(result[rows, column], ahead)
    return result


def option_cost(unit_cost: Array, slope: Array, used: Array) -> Array:
    """Resource cost of using ``used`` tonnes of each option, CNY: the area under its marginal abatement cost."""
    return np.asarray(unit_cost * used + 0.5 * slope * used**2)


def add_up(values: Array, index: Positions, count: int) -> Array:
    """Sum of the rows of ``values`` (row, year) by ``index`` into ``count`` rows."""
    total = np.zeros((count, values.shape[1]))
    np.add.at(total, index, values)
    return total


def rows_of(labels: xr.DataArray, wanted: NDArray[np.str_]) -> Positions:
    """Position of each label among ``wanted``; -1 where it is not there."""
    position = {str(name): place for place, name in enumerate(wanted)}
    return np.array([position.get(str(label), -1) for label in labels.values], dtype=int)
