"""Unit costs of measures: given, or an annuity at the enterprise's own rate, in the money of the study's price year."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def capital_recovery_factor(rate: ArrayLike, lifetime: ArrayLike) -> NDArray[np.float64]:
    r"""Yearly payment for one unit of investment.

    Parameters
    ----------
    rate : array [1]
        Discount rate of the enterprise, a share; not negative.
    lifetime : array [yr]
        Years of the annuity; positive.

    Returns
    -------
    array [1/yr]

    Notes
    -----
    .. math:: CRF = r / (1 - (1 + r)^{-n}), \quad CRF = 1/n \text{ for } r = 0

    Examples
    --------
    >>> round(float(capital_recovery_factor(0.08, 20)), 6), float(capital_recovery_factor(0.0, 20))
    (0.101852, 0.05)
    """
    rates, years = np.broadcast_arrays(np.asarray(rate, dtype=float), np.asarray(lifetime, dtype=float))
    positive = rates > 0
    safe = np.where(positive, rates, 1.0)
    return np.where(positive, safe / -np.expm1(-years * np.log1p(safe)), 1 / years)


def annuity_unit_cost(
    capex: ArrayLike, opex: ArrayLike, saving: ArrayLike, lifetime: ArrayLike, rate: ArrayLike
) -> NDArray[np.float64]:
    r"""Cost of one tonne abated: the year's payment for the investment plus running cost less what is saved.

    Parameters
    ----------
    capex : array [CNY per tCO2e/yr]
    opex, saving : array [CNY/tCO2e]
    lifetime : array [yr]
    rate : array [1]
        The enterprise's own discount rate.

    Returns
    -------
    array [CNY/tCO2e]
        May be negative. Yearly cost over yearly tonnes; the value of allowances is no part of it.

    Notes
    -----
    .. math:: c = CRF(r, n) \cdot capex + opex - saving

    Examples
    --------
    >>> round(float(annuity_unit_cost(1000.0, 20.0, 35.0, 20, 0.08)), 3)
    86.852
    """
    yearly = capital_recovery_factor(rate, lifetime) * np.asarray(capex, dtype=float)
    return np.asarray(yearly + np.asarray(opex, dtype=float) - np.asarray(saving, dtype=float))
