"""Own intensity of the year before, lowered, times this year's output: the intensity rule that updates itself."""

from __future__ import annotations

import numpy as np

from carbonsim.allocation.assemble import last_year, raise_for, straight_line
from carbonsim.allocation.core import Allocation, AllocationInput, allocation_rules
from carbonsim.inputs.parameters import ParameterSet


@allocation_rules.register(
    "updating_intensity",
    first_year=None,
    last_year=None,
    sectors=(),
    parameters=("industry.intensity_decline",),
    invariants=("splitting", "scaling", "smooth"),
    has_benchmark=False,
    takes_as_given=(),
    kind="affine",
    phi="1 - d (1 - c) (p'/p) (q'/q)",
    sigma="(1 - c) [I_(t-1) - d (p'/p) (q'/q) I_t]",
    lag=1,
    title_zh="历史强度滚动更新法（按上年强度）",
    data_items=("verified_emissions", "output"),
)
def updating_intensity(data: AllocationInput, parameters: ParameterSet, /) -> Allocation:
    r"""Free allocation as the facility's intensity of the year before, lowered, times this year's output.

    Parameters
    ----------
    data : AllocationInput
        One sector in one year; reads ``previous_emissions``, ``previous_output`` and ``output``.
    parameters : ParameterSet
        Reads ``industry.intensity_decline`` of the sector, share a year.

    Returns
    -------
    Allocation
        Affine in this year's output, with lag 1 in last year's emissions and output.

    Raises
    ------
    InputError
        If the year before is not known, or a facility had emissions then and no output.

    Notes
    -----
    .. math:: A_t = (1 - c) \frac{e_{t-1}}{q_{t-1}} q_t, \qquad
        \varphi_t = 1 - d (1 - c) \frac{p_{t+1}}{p_t} \frac{q_{t+1}}{q_t}, \qquad
        \sigma_t = (1 - c) \Big[ I_{t-1} - d \frac{p_{t+1}}{p_t} \frac{q_{t+1}}{q_t} I_t \Big]

    Nearly no incentive where c is small: a cut today is a lower intensity to be held to tomorrow. Each facility is
    rated by itself; a boiler without output belongs under ``own_historical_intensity``.
    """
    kept = 1.0 - parameters.value("industry.intensity_decline", data.year, data.sector)
    emissions = last_year(data, "updating_intensity", of="emissions")
    output = last_year(data, "updating_intensity", of="output")
    makes = output > 0
    raise_for(
        [data.facility[row] for row in np.flatnonzero(~makes & (emissions > 0))],
        "no_previous_output",
        f"emissions but no output in {data.year - 1}, so it has no intensity of the year before",
        "Give an activity row with method output for that year, or use own_historical_intensity.",
    )
    intensity = kept * np.divide(emissions, output, out=np.zeros_like(output), where=makes)
    growth = np.divide(data.output, output, out=np.zeros_like(output), where=makes)
    return straight_line(
        "updating_intensity",
        data,
        per_output=intensity,
        lag=1,
        per_previous_emission=kept * growth,
        per_previous_output=-intensity * growth,
    )
