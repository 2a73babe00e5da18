"""Power benchmark of 2021-22: net supply, corrected for cooling, heat supply and load."""

from __future__ import annotations

from carbonsim.allocation.core import Allocation, AllocationInput, allocation_rules
from carbonsim.allocation.power_net_supply import DATA_ITEMS, INVARIANTS, PARAMETERS, net_supply_benchmark
from carbonsim.inputs.parameters import ParameterSet


@allocation_rules.register(
    "power_benchmark_2021",
    first_year=2021,
    last_year=2022,
    sectors=("power",),
    parameters=PARAMETERS,
    invariants=INVARIANTS,
    has_benchmark=True,
    takes_as_given=(),
    kind="best_response",
    phi="1; the gap rate g beyond the ceiling of the shortfall; 0 where unit relief tops up",
    sigma="beta per MWh",
    lag=0,
    title_zh="发电行业基准法（2021—2022年度）",
    data_items=DATA_ITEMS,
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
    return net_supply_benchmark("power_benchmark_2021", data, parameters, relief=relief)
