"""Carbon dioxide from fuel carbon: burnt in a site's equipment, or leaving it inside a sold fuel."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from carbonsim.units import conversion_factor

CO2_PER_CARBON: Final = 44 / 12  # ratio of molar masses as every guideline writes it


def combustion_emissions(
    quantity: ArrayLike, net_calorific_value: ArrayLike, carbon_content: ArrayLike, oxidation: ArrayLike = 1.0
) -> NDArray[np.float64]:
    r"""Carbon dioxide from burning a fuel.

    Parameters
    ----------
    quantity : array [unit of the fuel: t or 1e4 Nm3]
        Fuel consumed, as received; not negative.
    net_calorific_value : array [GJ/unit]
    carbon_content : array [tC/TJ]
        Carbon per unit of net calorific value.
    oxidation : array [1]
        Share of the carbon that is oxidised, 0 to 1. It stays 1 in the steel guideline's formulas (1) and (2),
        which are mass balances; only formula (3), the self-owned power units, has an oxidation rate.

    Returns
    -------
    array [tCO2]

    Notes
    -----
    .. math:: E = FC \cdot NCV \cdot CC \cdot OF \cdot 44/12

    References
    ----------
    source: cets-ag-03-steel-2024, clauses 6.1.1, 7.1.1 and 7.2.1; legacy-sector-guides.

    Examples
    --------
    >>> round(float(combustion_emissions(1000.0, 23.736, 26.18)), 2)
    2278.5
    """
    energy = np.asarray(quantity, dtype=float) * np.asarray(net_calorific_value, dtype=float)
    carbon = energy * conversion_factor("GJ", "TJ") * np.asarray(carbon_content, dtype=float)
    return np.asarray(carbon * np.asarray(oxidation, dtype=float) * CO2_PER_CARBON, dtype=float)


def fuel_carbon_out(
    quantity: ArrayLike, net_calorific_value: ArrayLike, carbon_content: ArrayLike
) -> NDArray[np.float64]:
    """Carbon that leaves a process inside a fuel, such as coke or furnace gas, as negative carbon dioxide.

    Parameters
    ----------
    quantity : array [unit of the fuel]
        Fuel that leaves; not negative.
    net_calorific_value : array [GJ/unit]
    carbon_content : array [tC/TJ]

    Returns
    -------
    array [tCO2]
        Not positive.

    References
    ----------
    source: cets-ag-03-steel-2024, clause 7.1.1, second term of formula (2).
    """
    return -combustion_emissions(quantity, net_calorific_value, carbon_content)
