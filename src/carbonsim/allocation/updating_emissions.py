"""Updating on own emissions: a share of last year's emissions, so that a cut costs allowances a year later."""

from __future__ import annotations

import numpy as np

from carbonsim.allocation.assemble import last_year, straight_line
from carbonsim.allocation.core import Allocation, AllocationInput, allocation_rules
from carbonsim.inputs.parameters import ParameterSet


@allocation_rules.register(
    "updating_emissions",
    first_year=None,
    last_year=None,
    sectors=(),
    parameters=("industry.updating_share",),
    invariants=("splitting", "scaling", "smooth"),
    has_benchmark=False,
    takes_as_given=(),
    kind="lump_sum",
    phi="1 - d f p'/p",
    sigma="0",
    lag=1,
    title_zh="历史排放滚动更新法（按上年排放）",
    data_items=("verified_emissions",),
)
def updating_emissions(data: AllocationInput, parameters: ParameterSet, /) -> Allocation:
    r"""Free allocation as a share of the emissions of the year before.

    Parameters
    ----------
    data : AllocationInput
        One sector in one year; reads ``previous_emissions``.
    parameters : ParameterSet
        Reads ``industry.updating_share`` of the sector, allowances for a tonne of the year before, from the study's
        own parameter files.

    Returns
    -------
    Allocation
        With lag 1: phi 1 and sigma 0 within the year, and the share for a tonne of the year before.

    Raises
    ------
    InputError
        If the year before is not known.

    Notes
    -----
    .. math:: A_t = f e_{t-1}, \qquad \varphi_t = 1 - d f p_{t+1} / p_t

    What a tonne costs on balance rests on the price path: see the concept ``lagged_allocation``.
    """
    share = parameters.value("industry.updating_share", data.year, data.sector)
    return straight_line(
        "updating_emissions",
        data,
        fixed=share * last_year(data, "updating_emissions", of="emissions"),
        lag=1,
        per_previous_emission=np.full(len(data.facility), share),
    )
