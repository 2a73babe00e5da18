"""What limited foresight and scenario trees keep on any small market."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import market
from carbonsim.market import MarketProblem, clear
from carbonsim.market.concept import Concept
from carbonsim.market.concepts.rolling_horizon import RollingHorizon
from carbonsim.market.concepts.scenario_tree import ScenarioTree
from carbonsim.market.concepts.year_by_year import YearByYear
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.instruments.penalty import Penalty
from carbonsim.market.instruments.reserve_tier import ReserveTier

SUPPLIES = st.lists(st.integers(60, 170), min_size=4, max_size=4)


def problem_of(supply: list[int], borrowing: float) -> MarketProblem:
    """Step options, a reserve and a penalty, so that every window has an answer."""
    tools = (Banking(borrowing=borrowing), ReserveTier(price=35.0, quantity=12.0), Penalty(price=70.0))
    return market(*tools, years=4, supply=[float(each) for each in supply])


def cost(problem: MarketProblem, concept: Concept | None) -> float:
    """Discounted cost of abatement and of what is bought at the steps."""
    found = clear(problem, concept=concept).dataset
    bought = sum(step.price * found.step_used.values[index] for index, step in enumerate(problem.steps))
    return float(np.sum(problem.discount * (found.abatement_cost.values.sum(axis=0) + bought)))


@settings(max_examples=5, deadline=None)
@given(supply=SUPPLIES, borrowing=st.sampled_from([0.0, 15.0]), window=st.integers(2, 3), step=st.integers(1, 2))
def test_perfect_foresight_is_never_costlier(supply: list[int], borrowing: float, window: int, step: int) -> None:
    problem = problem_of(supply, borrowing)
    least = cost(problem, None)
    # A window of one year has nothing to pay a debt back from, and refuses borrowing.
    myopic = () if borrowing else (YearByYear(),)
    for concept in (RollingHorizon(window=window, step=step), *myopic):
        assert cost(problem, concept) >= least - 1e-6 * max(1.0, least)


@settings(max_examples=5, deadline=None)
@given(supply=SUPPLIES, first=st.integers(60, 170), odds=st.floats(0.1, 0.9))
def test_a_coin_that_changes_nothing_changes_nothing(supply: list[int], first: int, odds: float) -> None:
    # Learning the side of a coin on which nothing depends leaves every price and the cost as they are.
    problem = problem_of(supply, 0.0)
    changes = {"changes": {"supply": float(first) + 0.5}}
    plain: dict[str, dict[str, object]] = {
        "now": {"years": [2025, 2026]},
        "a": {"parent": "now", "years": [2027, 2028]},
    }
    plain["a"].update(changes)
    split: dict[str, dict[str, object]] = {"now": {"years": [2025, 2026]}}
    for name, likely in (("a", odds), ("b", 1 - odds)):
        split[name] = {"parent": "now", "probability": likely, "years": [2027, 2028], **changes}
    one, two = (clear(problem, concept=ScenarioTree(nodes=nodes)).dataset for nodes in (plain, split))
    assert two.expected_price.values == pytest.approx(one.expected_price.values, rel=1e-6, abs=1e-6)
    assert two.price_low.values[:2] == pytest.approx(one.price_low.values[:2], rel=1e-6, abs=1e-6)
    assert two.price_high.values[:2] == pytest.approx(one.price_high.values[:2], rel=1e-6, abs=1e-6, nan_ok=True)


@settings(max_examples=5, deadline=None)
@given(supply=SUPPLIES, up=st.integers(-30, 30), odds=st.floats(0.1, 0.9))
def test_what_may_come_costs_no_less_on_average_than_its_mean(supply: list[int], up: int, odds: float) -> None:
    # The least cost is convex in supply (Jensen): supplies that vary about a mean cost no less than the mean.
    problem = problem_of(supply, 0.0)
    last = problem.supply[-1]
    nodes: dict[str, dict[str, object]] = {"now": {"years": [2025, 2026, 2027]}}
    for name, likely, shift in (("a", odds, up + 0.5), ("b", 1 - odds, -(up + 0.5) * odds / (1 - odds))):
        supplied = max(last + shift, 0.0)
        nodes[name] = {"parent": "now", "probability": likely, "years": 2028, "changes": {"supply": float(supplied)}}
    if any(node.get("changes") == {"supply": 0.0} for node in nodes.values()):
        return  # the mean would not be the supply
    found = clear(problem, concept=ScenarioTree(nodes=nodes)).dataset
    weight = found.node_probability.values * problem.discount[found.node_year.values - 2025]
    bought = sum(step.price[0] * found.step_used.values[index] for index, step in enumerate(problem.steps))
    uncertain = float(np.sum(weight * (found.abatement_cost.values.sum(axis=0) + bought)))
    assert uncertain >= cost(problem, None) * (1 - 1e-6) - 1e-6
