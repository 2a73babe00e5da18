"""The benchmark on net supply of 2019-22, whose formula two plans share and whose numbers and relief differ."""

from __future__ import annotations

from carbonsim.allocation.core import Allocation, AllocationInput
from carbonsim.allocation.power_formula import benchmarks, cooling_factors, heat_supply_factors, load_factors_2019
from carbonsim.allocation.power_relief import unrounded, with_relief, without_relief
from carbonsim.inputs.parameters import ParameterSet

PARAMETERS = (
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
)
DATA_ITEMS = ("verified_emissions", "net_supply", "heat_supplied", "heat_ratio", "load_factor", "cooling", "class")
# Not smooth: unit relief, entity relief and the load threshold are kinks.
INVARIANTS = ("splitting", "scaling")


def net_supply_benchmark(rule: str, data: AllocationInput, parameters: ParameterSet, *, relief: bool) -> Allocation:
    r"""Allocation by class benchmark times corrected net supply, plus heat.

    Parameters
    ----------
    rule : str
        Name of the registered rule.
    data : AllocationInput
        Generating units of one year.
    parameters : ParameterSet
        Reads ``PARAMETERS`` of the year.
    relief : bool
        False leaves unit and entity relief out.

    Returns
    -------
    Allocation
        Best response with relief, else affine in output.

    Notes
    -----
    .. math:: A = Q_e B_e F_l F_r F_f + Q_h B_h
    """
    factors = (
        cooling_factors(data, parameters) * heat_supply_factors(data, parameters) * load_factors_2019(data, parameters)
    )
    electricity = benchmarks(data, parameters, "power.benchmark") * factors
    heat = benchmarks(data, parameters, "power.heat_benchmark") * data.heat_output
    allowances = unrounded(electricity, heat, data)
    if not relief:
        return without_relief(rule, data, allowances)
    return with_relief(rule, data, allowances, largest_gap=parameters.value("power.relief_gap_rate", data.year))
