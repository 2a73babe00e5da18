"""The market problem of a scenario in one call, for a notebook that wants the market and not the whole study."""

from __future__ import annotations

from carbonsim.accounting import build_inventory
from carbonsim.dims import exact
from carbonsim.errors import InputError
from carbonsim.inputs import obligation_share
from carbonsim.inputs.scenario import Scenario
from carbonsim.measures import build_options
from carbonsim.study.assemble import Assembly, assemble
from carbonsim.study.simulate import covered_by_enterprise


@exact
def build_problem(scenario: Scenario) -> Assembly:
    """The market that a scenario means: its problem, and the concept if its rules ask for one.

    Parameters
    ----------
    scenario : Scenario

    Returns
    -------
    Assembly
        ``problem`` is the ``MarketProblem``, ``clear()`` its answer, ``enterprise`` the names of its rows.

    Raises
    ------
    InputError
        If it is no scenario, or a room finds its input wrong.

    Examples
    --------
    >>> import carbonsim as cs
    >>> market = cs.build_problem(cs.read_scenario("textbook")).clear()
    >>> [round(float(price), 6) for price in market.dataset.allowance_price]
    [20.0, 13.714286, 14.117647]
    """
    if not isinstance(scenario, Scenario):
        raise InputError(
            f"{scenario!r} is no scenario; read one with read_scenario(...) first.",
            f"{scenario!r} 不是情景；请先用 read_scenario(...) 读取。",
        )
    inventory = build_inventory(scenario)
    options = build_options(scenario, inventory)
    share = obligation_share(scenario, covered_by_enterprise(inventory))
    return assemble(scenario, inventory, options, share)
