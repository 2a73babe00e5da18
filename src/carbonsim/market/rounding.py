"""Rounding of tonnes: a balance of many tonnes is known to few of its last digits, which may be much for a small use.

A year of 1e9 t is summed to about 1e-6 t. An option of 1 t beside it is then used to a millionth of its size.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from carbonsim.market.problem import MarketProblem
from carbonsim.market.supply import Array

SUMMED: Final = 1e-14  # rounding of a sum of quantities, as a share of all of them
LARGEST: Final = 0.25  # of what is rounded: more is never taken for rounding


def part_of(amount: float, total: float, rounding: float) -> float:
    """Part of a total that an amount makes up, 0..1; what is missing or over by no more than rounding does not count.

    Parameters
    ----------
    amount, total : float [allowance]
        What is taken, below 0 or above the total if all or none of it is; what there is.
    rounding : float [allowance]
        What the amount is known to.
    """
    near = min(rounding, LARGEST * total)
    if amount >= total - near:
        return 1.0 if total > 0 else 0.0
    return amount / total if amount > near else 0.0


def at_bounds(problem: MarketProblem, abatement: Array) -> Array:
    """Use of options within its bounds, and at one that it misses by the rounding of a whole year's tonnes.

    Parameters
    ----------
    problem : MarketProblem
    abatement : array [tCO2e] (option, year)

    Returns
    -------
    array [tCO2e] (option, year)
    """
    potential = problem.options.potential
    volume = (problem.share * problem.baseline).sum(axis=0) + problem.supply
    near = np.minimum(SUMMED * volume, LARGEST * potential)
    full = np.where(abatement >= potential - near, potential, abatement)
    return np.where(full <= near, 0.0, full)
