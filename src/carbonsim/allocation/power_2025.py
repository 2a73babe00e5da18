"""Power benchmark of the 2025-26 draft: gross generation, a lower load threshold, rounding in the annex."""

from __future__ import annotations

from carbonsim.accounting.rounding import round_half_up
from carbonsim.allocation.assemble import floored
from carbonsim.allocation.core import Allocation, AllocationInput, allocation_rules
from carbonsim.allocation.power_formula import benchmarks, load_factors_2025
from carbonsim.allocation.power_relief import UnitAllowances, with_relief, without_relief
from carbonsim.inputs.parameters import ParameterSet


@allocation_rules.register(
    "power_benchmark_2025",
    first_year=2025,
    last_year=2026,
    sectors=("power",),
    parameters=(
        "power.benchmark",
        "power.heat_benchmark",
        "power.relief_gap_rate",
        "power.load_threshold",
        "power.load_saturation_intercept",
        "power.load_saturation_weight",
        "power.load_saturation_scale",
        "power.factor_decimals",
        "power.small_entity_emissions",
    ),
    # Splitting and scaling fail below the small-entity threshold; relief and the load threshold are kinks.
    invariants=(),
    has_benchmark=True,
    takes_as_given=(),
    kind="best_response",
    phi="1; the gap rate g beyond the ceiling of the shortfall; 0 where unit relief tops up",
    sigma="beta per MWh",
    lag=0,
    title_zh="发电行业基准法（2025—2026年度征求意见稿）",
    data_items=("verified_emissions", "gross_generation", "heat_supplied", "load_factor", "class"),
)
def power_benchmark_2025(data: AllocationInput, parameters: ParameterSet, /, *, relief: bool = True) -> Allocation:
    r"""Free allocation by class benchmark times gross generation, as the draft of 27 July 2026 has it.

    Parameters
    ----------
    data : AllocationInput
        Generating units; ``output`` is gross generation in MWh, ``heat_output`` in GJ.
    parameters : ParameterSet
        Reads the ``power`` parameters of the year, all of basis draft.
    relief : bool
        False leaves unit, entity and small-entity relief out.

    Returns
    -------
    Allocation
        Best response with relief, else affine in output. In the ledger amount the load factor has six decimals and
        electricity, heat and top-ups are floored; for a row that stands for many entities on its totals.

    Notes
    -----
    .. math:: A = Q_e B_e F_f + Q_h B_h

    Ff falls from 1.1003 to 1 at a load factor of 50 %. Entities below 26,000 t and special cases receive their
    verified emissions.

    References
    ----------
    source: mee-2026-draft
    """
    benchmark = benchmarks(data, parameters, "power.benchmark")
    factor = load_factors_2025(data, parameters)
    heat = benchmarks(data, parameters, "power.heat_benchmark") * data.heat_output
    # Annex 2, table 2-1, note 2.
    rounded = round_half_up(factor, int(parameters.value("power.factor_decimals", data.year)))
    ledger = floored(data.output * benchmark * rounded) + floored(heat)
    allowances = UnitAllowances(benchmark * factor, heat, ledger, is_floored=True)
    if not relief:
        return without_relief("power_benchmark_2025", data, allowances)
    return with_relief(
        "power_benchmark_2025",
        data,
        allowances,
        largest_gap=parameters.value("power.relief_gap_rate", data.year),
        small_entity=parameters.value("power.small_entity_emissions", data.year),
    )
