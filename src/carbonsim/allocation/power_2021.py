"""Power benchmark of 2021-22: net supply, corrected for cooling, heat supply and load."""

from __future__ import annotations

from carbonsim.allocation.core import Allocation, AllocationInput, allocation_rules
from carbonsim.allocation.power_formula import benchmarks, cooling_factors, heat_supply_factors, load_factors_2019
from carbonsim.allocation.power_relief import unrounded, with_relief, without_relief
from carbonsim.inputs.parameters import ParameterSet


@allocation_rules.register(
    "power_benchmark_2021",
    first_year=2021,
    last_year=2022,
    sectors=("power",),
    parameters=(
        "power.benchmark",
        "power.heat_benchmark",
        "power.relief_gap_rate",
        "power.cooling_factor",
        "power.heat_supply_slope",
        "power.load_upper_threshold",
        "power.load_middle_threshold",
        "power.load_threshold",
        "power.load_upper_slope",
        "power.load_middle_base",
        "power.load_middle_slope",
        "power.load_exponential_base",
        "power.load_exponent_intercept",
        "power.load_exponent_slope",
    ),
    # Not smooth: unit relief, entity relief and the load threshold are kinks.
    invariants=("splitting", "scaling"),
    has_benchmark=True,
    takes_as_given=(),
    title_zh="发电行业基准法（2021—2022年度）",
    data_items=("verified_emissions", "net_supply", "heat_supplied", "heat_ratio", "load_factor", "cooling", "class"),
)
def power_benchmark_2021(data: AllocationInput, parameters: ParameterSet, /, *, relief: bool = True) -> Allocation:
    r"""Free allocation by class benchmark times net supply, topped up by relief.

    Parameters
    ----------
    data : AllocationInput
        Generating units; ``output`` is net supply in MWh, ``heat_output`` in GJ. Emissions include purchased
        electricity in these years.
    parameters : ParameterSet
        Reads the ``power`` parameters of the year.
    relief : bool
        False leaves unit and entity relief out.

    Returns
    -------
    Allocation
        Best response with relief, else affine in output. Not rounded: no rounding text was read for these years.

    Notes
    -----
    .. math:: A = Q_e B_e F_l F_r F_f + Q_h B_h

    Borrowing from the next year, which the plan allowed for gaps of 10 % and more, is not part of the allocation.

    References
    ----------
    source: mee-2023-1
    """
    factors = (
        cooling_factors(data, parameters) * heat_supply_factors(data, parameters) * load_factors_2019(data, parameters)
    )
    electricity = benchmarks(data, parameters, "power.benchmark") * factors
    heat = benchmarks(data, parameters, "power.heat_benchmark") * data.heat_output
    allowances = unrounded(electricity, heat, data)
    if not relief:
        return without_relief("power_benchmark_2021", data, allowances)
    gap = parameters.value("power.relief_gap_rate", data.year)
    return with_relief("power_benchmark_2021", data, allowances, largest_gap=gap)
