"""Power benchmark of 2019-20: net supply, corrected for cooling, heat supply and load."""

from __future__ import annotations

from carbonsim.allocation.core import Allocation, AllocationInput, allocation_rules
from carbonsim.allocation.power_net_supply import DATA_ITEMS, INVARIANTS, PARAMETERS, net_supply_benchmark
from carbonsim.inputs.parameters import ParameterSet


@allocation_rules.register(
    "power_benchmark_2019",
    first_year=2019,
    last_year=2020,
    sectors=("power",),
    parameters=PARAMETERS,
    invariants=INVARIANTS,
    has_benchmark=True,
    takes_as_given=(),
    kind="best_response",
    phi="1; the gap rate g beyond the ceiling of the shortfall; 0 where unit relief tops up",
    sigma="beta per MWh",
    lag=0,
    title_zh="发电行业基准法（2019—2020年度）",
    data_items=DATA_ITEMS,
)
def power_benchmark_2019(data: AllocationInput, parameters: ParameterSet, /, *, relief: bool = True) -> Allocation:
    r"""Free allocation by class benchmark times net supply, with the obligation capped.

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

    The plan caps the obligation at the allowances for gas units and at the allowances plus 20 % of emissions for
    an entity; the net position is that of a top-up, and is written as one here so that the rules can be compared.

    References
    ----------
    source: mee-2020-3
    """
    return net_supply_benchmark("power_benchmark_2019", data, parameters, relief=relief)
