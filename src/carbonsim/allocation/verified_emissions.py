"""Allowances equal to verified emissions: steel, cement and aluminium in their first year."""

from __future__ import annotations

import numpy as np

from carbonsim.allocation.assemble import straight_line
from carbonsim.allocation.core import Allocation, AllocationInput, allocation_rules
from carbonsim.inputs.parameters import ParameterSet


@allocation_rules.register(
    "verified_emissions",
    first_year=None,
    last_year=None,
    sectors=(),
    parameters=(),
    invariants=("splitting", "scaling", "smooth"),
    has_benchmark=False,
    takes_as_given=(),
    kind="affine",
    phi="0",
    sigma="0",
    lag=0,
    title_zh="按经核查排放量等量分配",
    data_items=("verified_emissions",),
)
def verified_emissions(data: AllocationInput, parameters: ParameterSet, /) -> Allocation:
    """Free allocation equal to verified emissions, so that no tonne carries a price.

    Parameters
    ----------
    data : AllocationInput
        One sector in one year; reads ``emissions``.
    parameters : ParameterSet
        Not read.

    Returns
    -------
    Allocation
        Affine with ``per_emission = 1``: phi 0 and sigma 0. Not rounded, since the obligation is the same number.

    References
    ----------
    source: mee-2025-industry
    """
    return straight_line("verified_emissions", data, per_emission=np.ones(len(data.facility)))
