"""Output benchmark: allowances for each unit of the year's own output."""

from __future__ import annotations

import numpy as np

from carbonsim.allocation.assemble import straight_line
from carbonsim.allocation.core import Allocation, AllocationInput, allocation_rules
from carbonsim.errors import InputError
from carbonsim.inputs.parameters import ParameterSet


@allocation_rules.register(
    "output_benchmark",
    first_year=None,
    last_year=None,
    sectors=(),
    parameters=("industry.output_benchmark",),
    invariants=("splitting", "scaling", "smooth"),
    has_benchmark=True,
    takes_as_given=(),
    kind="affine",
    phi="1",
    sigma="beta",
    lag=0,
    title_zh="产品基准线法（按当年产量）",
    data_items=("output",),
)
def output_benchmark(data: AllocationInput, parameters: ParameterSet, /, *, product: str = "") -> Allocation:
    """Free allocation as one benchmark of the sector times the year's output.

    Parameters
    ----------
    data : AllocationInput
        One sector in one year; reads ``output`` and ``product``.
    parameters : ParameterSet
        Reads ``industry.output_benchmark`` of the sector, tCO2e per output unit.
    product : str
        The benchmarked product. Needed where the sector's facilities make several, as sinter, iron and steel:
        one benchmark of all of them would count a tonne three times.

    Returns
    -------
    Allocation
        Affine in output: phi 1 and sigma the benchmark.

    Raises
    ------
    InputError
        If the sector makes several products and none is chosen, or nobody makes the chosen one.
    """
    counted = _counted(data, product)
    benchmark = parameters.value("industry.output_benchmark", data.year, data.sector)
    rate = np.where(counted, benchmark, 0.0)
    return straight_line("output_benchmark", data, per_output=rate, benchmark=rate * data.output)


def _counted(data: AllocationInput, product: str) -> np.ndarray:
    """Which facilities make the benchmarked product."""
    if not data.product:
        return np.ones(len(data.facility), dtype=bool)
    made = sorted({name for name, output in zip(data.product, data.output, strict=True) if output > 0})
    if not product and len(made) > 1:
        raise InputError(
            f"output_benchmark for {data.sector} in {data.year}: facilities make {', '.join(made)}; one benchmark "
            f"cannot count them all. Choose one in the scenario: options: {{product: {made[0]}}}."
        )
    if product and product not in made:
        raise InputError(
            f"output_benchmark for {data.sector} in {data.year}: nobody makes '{product}'. Made: {', '.join(made)}."
        )
    return np.array([not product or name == product for name in data.product], dtype=bool)
