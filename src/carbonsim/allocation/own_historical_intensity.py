"""Own historical intensity: a facility's reference intensity, lowered each year, times the year's output."""

from __future__ import annotations

import numpy as np

from carbonsim.allocation.assemble import groups, raise_for, straight_line
from carbonsim.allocation.core import Allocation, AllocationInput, Array, allocation_rules
from carbonsim.inputs.parameters import ParameterSet


@allocation_rules.register(
    "own_historical_intensity",
    first_year=None,
    last_year=None,
    sectors=(),
    parameters=("industry.intensity_decline",),
    invariants=("splitting", "scaling", "smooth"),
    has_benchmark=False,
    takes_as_given=(),
    kind="affine",
    phi="1",
    sigma="I_ref prod(1 - c)",
    lag=0,
    title_zh="历史强度法",
    data_items=("reference_emissions", "reference_output", "output"),
)
def own_historical_intensity(data: AllocationInput, parameters: ParameterSet, /) -> Allocation:
    r"""Free allocation as the facility's own reference intensity, lowered year by year, times current output.

    Parameters
    ----------
    data : AllocationInput
        One sector in one year; reads ``reference_emissions``, ``reference_output`` and ``output``.
    parameters : ParameterSet
        Reads ``industry.intensity_decline`` of the sector, share a year.

    Returns
    -------
    Allocation
        Affine in output: phi 1, sigma the lowered intensity.

    Raises
    ------
    InputError
        If reference emissions stand beside no reference output.

    Notes
    -----
    .. math:: A = I_{ref} \prod_{y = ref + 1}^{year} (1 - c_y) \; q

    The reference year is fixed, so cutting emissions today lowers no later allowance and phi is 1. With a reference
    that is updated the answer would be ``1 - d (1-c) (p'/p) (q'/q)``; this rule does not update. An enterprise with
    one product has one intensity, so that its boiler counts with it; one with several is rated by facility.
    """
    kept = 1.0
    for year in range(data.base_year + 1, data.year + 1):
        kept *= 1.0 - parameters.value("industry.intensity_decline", year, data.sector)
    return straight_line("own_historical_intensity", data, per_output=kept * _reference_intensity(data))


def _reference_intensity(data: AllocationInput) -> Array:
    """Emissions per unit of output in the reference year, at the facilities that have output."""
    intensity = np.zeros(len(data.facility))
    without: list[str] = []
    # A loop over enterprises: how each is rated depends on what its facilities make.
    for rows in groups(data.enterprise).values():
        emissions, output = data.reference_emissions[rows], data.reference_output[rows]
        makes = output > 0
        products = {data.product[row] if data.product else str(row) for row in rows[makes]}
        if len(products) == 1:
            intensity[rows] = np.where(makes, emissions.sum() / output.sum(), 0.0)
            continue
        intensity[rows] = np.divide(emissions, output, out=np.zeros_like(output), where=makes)
        without += [data.facility[row] for row in rows[~makes & (emissions > 0)]]
    raise_for(
        without,
        "no_reference_output",
        f"emissions but no output in the reference year {data.base_year}, so it has no historical intensity",
        "Give an activity row with method output for that year.",
    )
    return intensity
