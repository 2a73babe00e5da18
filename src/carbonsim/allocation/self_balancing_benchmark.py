"""Self-balancing benchmark: the sector's mean intensity times output, so that the sector as a whole owes nothing."""

from __future__ import annotations

import numpy as np

from carbonsim.allocation.assemble import best_response
from carbonsim.allocation.core import Allocation, AllocationInput, UnitOfAccount, allocation_rules
from carbonsim.allocation.obligations import SelfBalancedBenchmark
from carbonsim.errors import InputError
from carbonsim.inputs.parameters import ParameterSet


@allocation_rules.register(
    "self_balancing_benchmark",
    first_year=None,
    last_year=None,
    sectors=(),
    parameters=(),
    # The sector's constant moves with everybody's emissions and output, so the total is no straight line in one's own.
    invariants=("splitting", "scaling"),
    has_benchmark=True,
    takes_as_given=("balance_value",),
    kind="best_response",
    phi="1",
    sigma="B",
    lag=0,
    title_zh="行业平均基准线法（行业内自平衡）",
    data_items=("verified_emissions", "output"),
)
def self_balancing_benchmark(
    data: AllocationInput, parameters: ParameterSet, /, *, product: str = "", balance_value: float | None = None
) -> Allocation:
    r"""Free allocation as the sector's own mean intensity times output; its surplus equals its shortage.

    Parameters
    ----------
    data : AllocationInput
        The sector's entities in one year; reads ``emissions``, ``output`` and ``product``.
    parameters : ParameterSet
        Not read.
    product : str
        The product that counts. Needed where the sector's facilities make several.
    balance_value : float [tCO2e/output unit], optional
        A published benchmark. Without it the market recalibrates it to the emissions after abatement.

    Returns
    -------
    Allocation
        Best response, a unit for each facility; phi 1 and sigma the benchmark, which nobody sees themselves move.

    Raises
    ------
    InputError
        If the sector makes several products and none is chosen, or makes none.

    Notes
    -----
    .. math:: A_i = B q_i, \qquad B = \sum_j E_j \Big/ \sum_j q_j

    A market of such sectors alone has no determined price: whatever it is, nobody is short on balance.
    """
    made = sorted({name for name, output in zip(data.product, data.output, strict=False) if output > 0})
    if not product and len(made) > 1:
        raise InputError(
            f"self_balancing_benchmark for {data.sector} in {data.year}: facilities make {', '.join(made)}; choose the "
            f"product that counts in the scenario: options: {{product: {made[0]}}}."
        )
    counted = np.array([not product or name == product for name in data.product or ("",) * len(data.facility)])
    output = np.where(counted, data.output, 0.0)
    if balance_value is None and output.sum() <= 0:
        raise InputError(
            f"self_balancing_benchmark for {data.sector} in {data.year}: nobody makes {product or 'anything'}. "
            f"Give activity rows with method output, or another rule."
        )
    benchmark = float(data.emissions.sum() / output.sum()) if balance_value is None else balance_value
    given = benchmark * output
    ones = np.ones(len(data.facility))
    return best_response(
        "self_balancing_benchmark",
        data,
        units=[
            UnitOfAccount(
                name=name,
                enterprise=data.enterprise[row],
                facilities=(name,),
                key_facilities=(name,),
                key_emissions=float(data.emissions[row]),
                other_emissions=0.0,
                output=float(output[row]),
                rule=SelfBalancedBenchmark(float(output[row]), benchmark),
                balance_group="" if balance_value is not None else data.sector,
                benchmark=float(given[row]),
            )
            for row, name in enumerate(data.facility)
        ],
        amount=given,
        amount_unrounded=given,
        phi_key=ones,
        phi_other=ones,
        sigma=np.where(counted, benchmark, 0.0),
        output=output,
        key_emissions=data.emissions,
        notes={"balance_value": benchmark},
        benchmark=given,
    )
