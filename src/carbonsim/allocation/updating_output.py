"""Updating on output: a benchmark times last year's output, a subsidy to output that comes a year later."""

from __future__ import annotations

import numpy as np

from carbonsim.allocation.assemble import last_year, straight_line
from carbonsim.allocation.core import Allocation, AllocationInput, allocation_rules
from carbonsim.errors import InputError
from carbonsim.inputs.parameters import ParameterSet


@allocation_rules.register(
    "updating_output",
    first_year=None,
    last_year=None,
    sectors=(),
    parameters=("industry.output_benchmark",),
    invariants=("splitting", "scaling", "smooth"),
    has_benchmark=True,
    takes_as_given=(),
    kind="lump_sum",
    phi="1",
    sigma="d beta p'/p",
    lag=1,
    title_zh="产品基准线法（按上年产量滚动更新）",
    data_items=("output",),
)
def updating_output(data: AllocationInput, parameters: ParameterSet, /, *, product: str = "") -> Allocation:
    r"""Free allocation as one benchmark of the sector times the output of the year before.

    Parameters
    ----------
    data : AllocationInput
        One sector in one year; reads ``previous_output`` and ``product``.
    parameters : ParameterSet
        Reads ``industry.output_benchmark`` of the sector, tCO2e per output unit.
    product : str
        The benchmarked product. Needed where the sector's facilities make several.

    Returns
    -------
    Allocation
        With lag 1: phi 1 and sigma 0 within the year, and the benchmark for a unit of output of the year before.

    Raises
    ------
    InputError
        If the year before is not known, or the product that counts is unclear.

    Notes
    -----
    .. math:: A_t = \beta q_{t-1}, \qquad \varphi_t = 1, \qquad \sigma_t = d \beta p_{t+1} / p_t
    """
    benchmark = parameters.value("industry.output_benchmark", data.year, data.sector)
    output = last_year(data, "updating_output", of="output")
    made = sorted({name for name, amount in zip(data.product, output, strict=False) if amount > 0})
    if (not product and len(made) > 1) or (product and data.product and product not in made):
        raise InputError(
            f"updating_output for {data.sector} in {data.year}: facilities made {', '.join(made) or 'nothing'} the "
            f"year before; choose the product that counts in the scenario: options: {{product: NAME}}."
        )
    counted = np.array([not product or name == product for name in data.product], dtype=bool)
    rate = np.where(counted if data.product else True, benchmark, 0.0) * np.ones(len(data.facility))
    given = rate * output
    return straight_line("updating_output", data, fixed=given, benchmark=given, lag=1, per_previous_output=rate)
