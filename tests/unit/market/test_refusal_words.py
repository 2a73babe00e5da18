"""What refusals say: the true reason, names that a problem file knows, and which of two things to leave out."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from builders import market
from carbonsim.errors import InfeasibleError, InputError
from carbonsim.market import MarketProblem, clear
from carbonsim.market.concepts.rolling_horizon import RollingHorizon
from carbonsim.market.concepts.scenario_tree import ScenarioTree
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.plans import Plans


def test_plans_beside_a_concept_are_refused_by_the_concept_s_registered_name() -> None:
    plain = market(Banking())
    flat = dataclasses.replace(plain.options, slope=np.zeros_like(plain.options.slope))
    none = np.zeros((1, len(plain.year)))
    problem = dataclasses.replace(plain, options=flat, plans=Plans(("p",), np.array([0]), none, none + 1.0))
    with pytest.raises(InputError, match="concept rolling_horizon; leave one of them out"):
        clear(problem, concept=RollingHorizon(window=2))


def test_a_tree_under_another_engine_says_which_of_the_two_to_leave_out() -> None:
    tree = ScenarioTree(nodes={"now": {"years": [2025, 2026]}})
    with pytest.raises(InputError, match=r"Leave the engine out \(auto\) or ask for 'programme'"):
        clear(market(Banking()), "price_search", concept=tree)


def surplus(**instruments: object) -> MarketProblem:
    """Two enterprises with 100 t too many in 2025 and 100 t too few in 2026, of which each may carry over 40.

    While both count as net sellers a sale of one is a purchase of the other, so 80 t are carried over and 120 lost. If
    one bought all that it takes to be no seller, the other would carry over what it has left, 100 - x, within its
    limit, 40 + x: 70. So both are sellers, and each would sell a tonne that it loses to keep another: at 0 nobody
    takes one.
    """
    return MarketProblem.from_mapping(
        {
            "year": [2025, 2026],
            "enterprises": {
                name: {"baseline": 100.0, "fixed": [200.0, 0.0]} for name in ("one", "two")
            },
            "options": {
                f"{name}/m{step}": {"enterprise": name, "potential": [0.0, 20.0], "unit_cost": 10.0 * step}
                for name in ("one", "two") for step in range(1, 6)
            },
            "supply": 0.0,
            "instruments": {
                "banking": {},
                "carry_over_limit": {
                    "year": 2025, "counting": [2025], "base": 0.0, "multiple": 1.0,
                    "sold_before": {"one": 40.0, "two": 40.0},
                },
                **instruments,
            },
        }
    )  # fmt: skip


def test_no_price_from_0_is_not_blamed_on_a_cost_that_nobody_has() -> None:
    with pytest.raises(InfeasibleError, match="whoever takes them counts fewer sales of its own") as refused:
        clear(surplus())
    assert "cost" not in str(refused.value)


def test_no_price_from_0_names_what_else_may_keep_others_from_taking() -> None:
    with pytest.raises(
        InfeasibleError, match=r"transaction_cost, or that it counts fewer sales.*leave out a cost or limit on trade"
    ):
        clear(surplus(transaction_cost={"purchase": 1.0}))


@pytest.mark.parametrize(("given", "owed"), [(True, 1.0), (False, 0.0), (1.5, 1.5)])
def test_make_good_is_a_switch_or_a_number(given: float, owed: float) -> None:
    problem = MarketProblem.from_mapping(
        {
            "year": [2025, 2026],
            "enterprises": {"works": {"baseline": 100.0}},
            "supply": 90.0,
            "instruments": {"penalty": {"price": 10.0, "make_good": given}},
        }
    )
    assert problem.instruments[0].yearly()["make_good"].tolist() == [owed]


def test_true_is_no_number_where_nothing_is_switched() -> None:
    with pytest.raises(InputError, match=r"penalty\.price"):
        MarketProblem.from_mapping(
            {
                "year": [2025, 2026],
                "enterprises": {"works": {"baseline": 100.0}},
                "supply": 90.0,
                "instruments": {"penalty": {"price": True}},
            }
        )
