"""Corrected benchmark: benchmark times output, scaled by one factor so that what is free fits a budget."""

from __future__ import annotations

import numpy as np

from carbonsim.allocation.assemble import straight_line
from carbonsim.allocation.core import Allocation, AllocationInput, allocation_rules
from carbonsim.allocation.correction import correction_factor as fitting_factor
from carbonsim.errors import InputError
from carbonsim.inputs.parameters import ParameterSet


@allocation_rules.register(
    "corrected_benchmark",
    first_year=None,
    last_year=None,
    sectors=(),
    parameters=("industry.output_benchmark", "industry.free_budget"),
    invariants=("splitting",),
    has_benchmark=True,
    takes_as_given=("correction_factor",),
    kind="affine",
    phi="1",
    sigma="lambda beta",
    lag=0,
    title_zh="产品基准线法（带修正系数）",
    data_items=("output",),
)
def corrected_benchmark(
    data: AllocationInput, parameters: ParameterSet, /, *, correction_factor: float | None = None
) -> Allocation:
    r"""Free allocation as factor times benchmark times output, the factor such that the sector's budget holds.

    Parameters
    ----------
    data : AllocationInput
        One sector in one year; reads ``output``.
    parameters : ParameterSet
        Reads ``industry.output_benchmark``, tCO2e per output unit, and ``industry.free_budget``, allowances, of the
        sector, from the study's own parameter files.
    correction_factor : float [1], optional
        A published factor, as one across sectors (see ``allocation.correction``); the budget is then not read.

    Returns
    -------
    Allocation
        Affine in output: phi 1, sigma the scaled benchmark, since nobody sees their own weight in the factor.

    Raises
    ------
    InputError
        If a published factor is not between 0 and 1.

    Notes
    -----
    .. math:: A_i = \lambda \beta q_i, \qquad \lambda = \min\Big(1, \frac{\bar F}{\sum_j \beta q_j}\Big)
    """
    benchmark = parameters.value("industry.output_benchmark", data.year, data.sector)
    if correction_factor is None:
        budget = parameters.value("industry.free_budget", data.year, data.sector)
        factor = fitting_factor(float(benchmark * data.output.sum()), budget)
    elif 0.0 <= correction_factor <= 1.0:
        factor = correction_factor
    else:
        raise InputError(
            f"corrected_benchmark for {data.sector} in {data.year}: correction_factor is {correction_factor:g}; "
            f"expected a factor from 0 to 1."
        )
    rate = np.full(len(data.facility), factor * benchmark)
    return straight_line(
        "corrected_benchmark",
        data,
        per_output=rate,
        benchmark=rate * data.output,
        notes={"correction_factor": factor},
    )
