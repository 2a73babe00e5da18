"""Power benchmark of 2023-24: gross generation, corrected for load only."""

from __future__ import annotations

from carbonsim.allocation.core import Allocation, AllocationInput, allocation_rules
from carbonsim.allocation.power_formula import benchmarks, load_factors_2023
from carbonsim.allocation.power_relief import unrounded, with_relief, without_relief
from carbonsim.inputs.parameters import ParameterSet


@allocation_rules.register(
    "power_benchmark_2023",
    first_year=2023,
    last_year=2024,
    sectors=("power",),
    parameters=(
        "power.benchmark",
        "power.heat_benchmark",
        "power.relief_gap_rate",
        "power.load_threshold",
        "power.load_exponential_base",
        "power.load_exponent_intercept",
        "power.load_exponent_slope",
    ),
    # Not smooth: unit relief, entity relief and the load threshold are kinks.
    invariants=("splitting", "scaling"),
    has_benchmark=True,
    takes_as_given=(),
    kind="best_response",
    phi="1; the gap rate g beyond the ceiling of the shortfall; 0 where unit relief tops up",
    sigma="beta per MWh",
    lag=0,
    title_zh="发电行业基准法（2023—2024年度）",
    data_items=("verified_emissions", "gross_generation", "heat_supplied", "load_factor", "class"),
)
def power_benchmark_2023(data: AllocationInput, parameters: ParameterSet, /, *, relief: bool = True) -> Allocation:
    r"""Free allocation by class benchmark times gross generation, topped up by relief.

    Parameters
    ----------
    data : AllocationInput
        Generating units; ``output`` is gross generation in MWh, ``heat_output`` in GJ.
    parameters : ParameterSet
        Reads the ``power`` parameters of the year.
    relief : bool
        False leaves unit and entity relief out.

    Returns
    -------
    Allocation
        Best response with relief, else affine in output. Not rounded: the plan gives no rounding.

    Notes
    -----
    .. math:: A = Q_e B_e F_f + Q_h B_h

    Ff falls from 1.0457 to 1 at a load factor of 65 %. Special cases are outside the market in these years; they
    are given their verified emissions, which nets to the same.

    References
    ----------
    source: mee-2024-1
    """
    electricity = benchmarks(data, parameters, "power.benchmark") * load_factors_2023(data, parameters)
    heat = benchmarks(data, parameters, "power.heat_benchmark") * data.heat_output
    allowances = unrounded(electricity, heat, data)
    if not relief:
        return without_relief("power_benchmark_2023", data, allowances)
    gap = parameters.value("power.relief_gap_rate", data.year)
    return with_relief("power_benchmark_2023", data, allowances, largest_gap=gap)
