"""Grandfathering: a fixed amount from reference emissions and the reduction factor of the year."""

from __future__ import annotations

from carbonsim.allocation.assemble import straight_line
from carbonsim.allocation.core import Allocation, AllocationInput, allocation_rules
from carbonsim.inputs.parameters import ParameterSet


@allocation_rules.register(
    "grandfathering",
    first_year=None,
    last_year=None,
    sectors=(),
    parameters=("industry.reduction_factor",),
    invariants=("splitting", "scaling", "smooth"),
    has_benchmark=False,
    takes_as_given=(),
    kind="lump_sum",
    phi="1",
    sigma="0",
    lag=0,
    title_zh="历史排放法（祖父法）",
    data_items=("reference_emissions",),
)
def grandfathering(data: AllocationInput, parameters: ParameterSet, /) -> Allocation:
    """Free allocation as a share of the emissions of the fixed reference year.

    Parameters
    ----------
    data : AllocationInput
        One sector in one year; reads ``reference_emissions``.
    parameters : ParameterSet
        Reads ``industry.reduction_factor`` of the sector.

    Returns
    -------
    Allocation
        Lump sum: phi 1 and sigma 0, because the reference year is never updated.

    Notes
    -----
    A facility without emissions in the reference year receives nothing.
    """
    factor = parameters.value("industry.reduction_factor", data.year, data.sector)
    return straight_line("grandfathering", data, fixed=factor * data.reference_emissions)
