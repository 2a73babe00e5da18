"""Marginal incentives of an allocation: what one more tonne and one more unit of output change."""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr

from carbonsim.allocation.assemble import groups
from carbonsim.allocation.core import Allocation, Array, allocation_rules
from carbonsim.errors import InputError


def marginal_incentives(allocation: Allocation, by: Literal["facility", "enterprise"] = "facility") -> xr.Dataset:
    """Phi and sigma of an allocation: shares of the allowance price that act on emissions and on output.

    Parameters
    ----------
    allocation : Allocation
        From any rule, evaluated at its own emissions.
    by : {"facility", "enterprise"}
        Enterprise values are means, of phi by emissions and of sigma by the output that it refers to.

    Returns
    -------
    Dataset (facility) or (enterprise)
        ``phi_key`` and ``phi_other`` [1]: price signal on emissions of the key process and on the others, can be
        0 or negative; ``phi`` [1]: their mean by the emissions in each channel; ``sigma`` [tCO2e/output unit]:
        allowances for one more unit of output.

    Notes
    -----
    ``phi = d(e - A)/de`` at given output, ``sigma = dA/dq`` at given emissions, the sector's constants held fixed.
    Rows without emissions or output weigh alike.

    Examples
    --------
    >>> import numpy as np
    >>> from carbonsim.allocation.core import Allocation
    >>> one, zero = np.ones(1), np.zeros(1)
    >>> given = Allocation("auction", "lump_sum", ("kiln",), zero, zero, zero, zero, zero, one, one, zero,
    ...                    enterprise=("plant",), emissions=one, key_emissions=one, output=one)
    >>> float(marginal_incentives(given)["phi"].sel(facility="kiln"))
    1.0
    """
    other = allocation.emissions - allocation.key_emissions
    phi = _mean(allocation.key_emissions, allocation.phi_key, other, allocation.phi_other)
    values = {"phi": phi, "phi_key": allocation.phi_key, "phi_other": allocation.phi_other, "sigma": allocation.sigma}
    labels: tuple[str, ...] = allocation.facility
    if by == "enterprise":
        rows = groups(allocation.enterprise)
        labels = tuple(rows)
        weights = {
            "phi": allocation.emissions,
            "phi_key": allocation.key_emissions,
            "phi_other": other,
            "sigma": allocation.output * (allocation.sigma != 0),
        }
        values = {
            name: np.array([_weighted(value[at], weights[name][at]) for at in rows.values()])
            for name, value in values.items()
        }
    units = {"sigma": "tCO2e/output unit"}
    return xr.Dataset(
        {name: (by, np.asarray(value, dtype=float), {"units": units.get(name, "1")}) for name, value in values.items()},
        coords={by: list(labels)},
    )


def lagged_incentives(allocation: Allocation, following: Allocation, price_ratio: float) -> xr.Dataset:
    r"""Phi and sigma with what this year's emissions and output bring in the next year.

    Parameters
    ----------
    allocation, following : Allocation
        Of one year and of the next, over the same facilities.
    price_ratio : float [1]
        Next year's allowance price, discounted, over this year's: 1 while allowances are banked.

    Returns
    -------
    Dataset (facility)
        ``phi`` [1] and ``sigma`` [tCO2e/output unit], both as shares of this year's price.

    Raises
    ------
    InputError
        If the facilities differ or the ratio is not a number from 0.

    Notes
    -----
    .. math::
        :label: lagged-incentives

        \varphi_t = 1 - \frac{\partial A_t}{\partial e_t} - \frac{d p_{t+1}}{p_t}
        \frac{\partial A_{t+1}}{\partial e_t}, \qquad
        \sigma_t = \frac{\partial A_t}{\partial q_t} + \frac{d p_{t+1}}{p_t}
        \frac{\partial A_{t+1}}{\partial q_t}
    """
    if allocation.facility != following.facility:
        raise InputError("lagged incentives need the same facilities in both years, in the same order.")
    if not (np.isfinite(price_ratio) and price_ratio >= 0):
        raise InputError(f"the discounted price ratio is {price_ratio}; expected a number from 0.")
    now = marginal_incentives(allocation)
    labels = list(allocation.facility)
    phi = now["phi"].values - price_ratio * _each(following.per_previous_emission, labels)
    sigma = now["sigma"].values + price_ratio * _each(following.per_previous_output, labels)
    return xr.Dataset(
        {"phi": ("facility", phi, {"units": "1"}), "sigma": ("facility", sigma, {"units": "tCO2e/output unit"})},
        coords={"facility": labels},
    )


def incentive_table() -> list[dict[str, str]]:
    """Rule by rule what a tonne and a unit of output cost and bring at the margin, as the rules declare it.

    Returns
    -------
    list of dict
        One for each registered rule: ``rule``, ``summary``, ``kind``, ``lag`` [years], ``phi`` and ``sigma`` as
        formulas; empty where a rule from outside declares none. The numbers of an allocation itself are in
        :func:`marginal_incentives`.

    Examples
    --------
    >>> next(row["phi"] for row in incentive_table() if row["rule"] == "updating_emissions")
    "1 - d f p'/p"
    """
    entries = [allocation_rules.get(name) for name in allocation_rules]
    return [
        {"rule": entry.name, "summary": entry.summary}
        | {key: str(entry.declares.get(key, "")) for key in ("kind", "lag", "phi", "sigma")}
        for entry in entries
    ]


def _each(values: Array, labels: list[str]) -> Array:
    """Derivatives by facility; a rule without lag has none."""
    return values if len(values) else np.zeros(len(labels))


def _mean(first: Array, first_value: Array, second: Array, second_value: Array) -> Array:
    """Mean of two values by their weights; the first where both weights are 0."""
    total = first + second
    weight = np.divide(second, total, out=np.zeros_like(total), where=total > 0)
    return first_value + weight * (second_value - first_value)


def _weighted(values: Array, weights: Array) -> float:
    return float(np.average(values, weights=weights)) if weights.sum() > 0 else float(np.mean(values))
