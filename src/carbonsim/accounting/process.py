"""Emissions of industrial processes: carbonates, carbon in materials and products, clinker, anodes, anode effects."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from carbonsim.accounting.combustion import CO2_PER_CARBON
from carbonsim.units import conversion_factor


def carbonate_emissions(
    quantity: ArrayLike, emission_factor: ArrayLike, calcined: ArrayLike = 1.0
) -> NDArray[np.float64]:
    r"""Carbon dioxide from carbonates (and electrodes) that decompose in a process.

    Parameters
    ----------
    quantity : array [t]
        Carbonate consumed; not negative.
    emission_factor : array [tCO2/t]
    calcined : array [1]
        Share that decomposes; the steel guideline has no such factor, so it stays 1 there.

    Returns
    -------
    array [tCO2]

    Notes
    -----
    .. math:: E = P \cdot EF \cdot F

    References
    ----------
    source: cets-ag-03-steel-2024, clause 6.1.1, second and third terms; ipcc-2006-v3, equation 2.3.
    """
    return np.asarray(
        np.asarray(quantity, dtype=float) * np.asarray(emission_factor, dtype=float) * np.asarray(calcined, dtype=float)
    )


def material_emissions(quantity: ArrayLike, emission_factor: ArrayLike) -> NDArray[np.float64]:
    """Carbon dioxide from the carbon that a material brings into a mass balance.

    Parameters
    ----------
    quantity : array [t]
        Material bought and consumed; not negative.
    emission_factor : array [tCO2/t]
        Carbon of the material, as carbon dioxide.

    Returns
    -------
    array [tCO2]

    References
    ----------
    source: cets-ag-03-steel-2024, clause 6.1.1, fourth term; ndrc-chemicals-guide-2013, carbon balance.
    """
    return np.asarray(np.asarray(quantity, dtype=float) * np.asarray(emission_factor, dtype=float))


def product_carbon(quantity: ArrayLike, emission_factor: ArrayLike) -> NDArray[np.float64]:
    """Carbon that leaves inside a product, as negative carbon dioxide.

    Parameters
    ----------
    quantity : array [t]
        Product that leaves the boundary; not negative. Sold slag is not deducted.
    emission_factor : array [tCO2/t]
        Carbon of the product, as carbon dioxide.

    Returns
    -------
    array [tCO2]
        Not positive.

    References
    ----------
    source: cets-ag-03-steel-2024, clause 6.1.1, last term, and clause 5.2.1 c.
    """
    return -material_emissions(quantity, emission_factor)


def carbon_to_emission_factor(carbon: ArrayLike) -> NDArray[np.float64]:
    """Carbon of a material [tC/t] as an emission factor [tCO2/t]."""
    return np.asarray(np.asarray(carbon, dtype=float) * CO2_PER_CARBON)


def clinker_emissions(clinker: ArrayLike, emission_factor: ArrayLike) -> NDArray[np.float64]:
    r"""Carbon dioxide from the raw meal of clinker, before deductions.

    Parameters
    ----------
    clinker : array [t]
        Clinker produced.
    emission_factor : array [tCO2/t of clinker]
        By kind of clinker; 0.535 for Portland clinker.

    Returns
    -------
    array [tCO2]

    Notes
    -----
    .. math:: E = Q \cdot EF - \sum_m M_m \cdot D_m

    where the sum over non-carbonate raw materials is :func:`raw_material_deduction`, a row each.

    References
    ----------
    source: cets-ag-02-cement-2024.
    """
    return material_emissions(clinker, emission_factor)


def raw_material_deduction(quantity: ArrayLike, deduction: ArrayLike) -> NDArray[np.float64]:
    """What raw materials that hold no carbonate take off the clinker emissions, as a negative amount.

    Parameters
    ----------
    quantity : array [t]
        Raw material such as slag or titanium gypsum.
    deduction : array [tCO2/t of material]

    Returns
    -------
    array [tCO2]
        Not positive.

    References
    ----------
    source: cets-ag-02-cement-2024.
    """
    return -material_emissions(quantity, deduction)


def anode_emissions(
    aluminium: ArrayLike, net_consumption: ArrayLike, sulphur: ArrayLike, ash: ArrayLike
) -> NDArray[np.float64]:
    r"""Carbon dioxide from the anodes that a potline consumes.

    Parameters
    ----------
    aluminium : array [t]
        Liquid aluminium.
    net_consumption : array [t of anode / t of aluminium]
    sulphur, ash : array [1]
        Shares of the anode that are no carbon.

    Returns
    -------
    array [tCO2]

    Notes
    -----
    .. math:: E = Q \cdot NC \cdot (1 - S - Ash) \cdot 44/12

    References
    ----------
    source: cets-ag-04-aluminium-2024.
    """
    carbon = np.asarray(net_consumption, dtype=float) * (
        1 - np.asarray(sulphur, dtype=float) - np.asarray(ash, dtype=float)
    )
    return np.asarray(np.asarray(aluminium, dtype=float) * carbon * CO2_PER_CARBON)


def anode_effect_emissions(aluminium: ArrayLike, gas_per_tonne: ArrayLike) -> NDArray[np.float64]:
    """One perfluorocarbon from anode effects by the default method.

    Parameters
    ----------
    aluminium : array [t]
        Liquid aluminium.
    gas_per_tonne : array [kg of gas / t of aluminium]

    Returns
    -------
    array [t of gas]

    References
    ----------
    source: cets-ag-04-aluminium-2024.
    """
    kilograms = np.asarray(aluminium, dtype=float) * np.asarray(gas_per_tonne, dtype=float)
    return np.asarray(kilograms * conversion_factor("kg", "t"))
