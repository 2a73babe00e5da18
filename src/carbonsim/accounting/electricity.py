"""Indirect emissions: purchased electricity and heat, location-based, and what is passed on to others."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def location_based_electricity(electricity: ArrayLike, grid_factor: ArrayLike) -> NDArray[np.float64]:
    """Carbon dioxide of purchased electricity at the average factor of the grid.

    Parameters
    ----------
    electricity : array [MWh]
        Purchased; not negative.
    grid_factor : array [tCO2/MWh]

    Returns
    -------
    array [tCO2]
        Scope 2. It is outside the national market's obligation since the compliance year 2023.

    References
    ----------
    source: mee-nbs-2025-47 (factors); ndrc-sector-guides-2013-2015 (method).
    """
    return np.asarray(np.asarray(electricity, dtype=float) * np.asarray(grid_factor, dtype=float))


def purchased_heat(heat: ArrayLike, heat_factor: ArrayLike) -> NDArray[np.float64]:
    """Carbon dioxide of purchased steam and hot water.

    Parameters
    ----------
    heat : array [GJ]
        Purchased; not negative.
    heat_factor : array [tCO2/GJ]

    Returns
    -------
    array [tCO2]
        Scope 2.

    References
    ----------
    source: ndrc-sector-guides-2013-2015.
    """
    return np.asarray(np.asarray(heat, dtype=float) * np.asarray(heat_factor, dtype=float))


def exported_electricity(electricity: ArrayLike, grid_factor: ArrayLike) -> NDArray[np.float64]:
    """Carbon dioxide of electricity passed on to others, as a negative amount.

    Parameters
    ----------
    electricity : array [MWh]
        Exported; not negative.
    grid_factor : array [tCO2/MWh]

    Returns
    -------
    array [tCO2]
        Scope 2, not positive. Only the guides of the reporting sectors count net purchases; a listed sector's
        exports stay in its own emissions.

    References
    ----------
    source: ndrc-sector-guides-2013-2015.
    """
    return -location_based_electricity(electricity, grid_factor)
