"""Marginal incentives of an allocation: what one more tonne and one more unit of output change."""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr

from carbonsim.allocation.assemble import groups
from carbonsim.allocation.core import Allocation, Array


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


def _mean(first: Array, first_value: Array, second: Array, second_value: Array) -> Array:
    """Mean of two values by their weights; the first where both weights are 0."""
    total = first + second
    weight = np.divide(second, total, out=np.zeros_like(total), where=total > 0)
    return first_value + weight * (second_value - first_value)


def _weighted(values: Array, weights: Array) -> float:
    return float(np.average(values, weights=weights)) if weights.sum() > 0 else float(np.mean(values))
