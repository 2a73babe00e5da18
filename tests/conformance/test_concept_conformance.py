"""Every concept over time beside every instrument: it clears with a certificate, or it is refused by name."""

from __future__ import annotations

import pytest

from builders import beside, market, one_of_each
from carbonsim.errors import InputError
from carbonsim.market import MarketProblem, clear, instruments
from carbonsim.market.concept import Concept
from carbonsim.market.concepts.rolling_horizon import RollingHorizon
from carbonsim.market.concepts.scenario_tree import ScenarioTree
from carbonsim.market.concepts.year_by_year import YearByYear
from carbonsim.market.instruments.banking import Banking

NODES: dict[str, dict[str, object]] = {
    "now": {"years": 2025},
    "up": {"parent": "now", "probability": 0.25, "years": 2026, "changes": {"supply": 100}},
    "down": {"parent": "now", "probability": 0.75, "years": 2026, "changes": {"supply": 112}},
}
CONCEPTS: dict[str, Concept] = {
    "rolling_horizon": RollingHorizon(window=2),
    "year_by_year": YearByYear(),
    "scenario_tree": ScenarioTree(nodes=NODES),
}
HELD = {
    "rolling_horizon": {
        "auction_floor", "banking", "escalating_penalty", "offset_curve", "offsets", "penalty", "price_ceiling",
        "price_linked_fine", "reserve_tier", "terminal_bank", "vintages",
    },
    "year_by_year": {
        "auction_floor", "banking", "escalating_penalty", "offset_curve", "offsets", "penalty", "price_ceiling",
        "price_linked_fine", "reserve_tier", "terminal_bank", "vintages",
    },
    "scenario_tree": {
        "auction_floor", "banking", "escalating_penalty", "offset_curve", "offsets", "penalty", "price_ceiling",
        "reserve_tier",
    },
}  # fmt: skip


def problem_with(name: str) -> MarketProblem:
    tools = [*beside(name), one_of_each()[name]]
    if name != "vintages" and not any(tool.label == "banking" for tool in tools):
        tools.insert(0, Banking())
    return market(*tools, supply=(115.0, 106.0))


@pytest.mark.parametrize("name", sorted(instruments))
@pytest.mark.parametrize("concept", CONCEPTS)
def test_instrument_is_held_or_refused_by_name(concept: str, name: str) -> None:
    problem = problem_with(name)
    if name in HELD[concept]:
        cleared = clear(problem, concept=CONCEPTS[concept])
        assert cleared.certificate.passed
        assert cleared.dataset.attrs["concept"] == concept
        return
    # What an instrument binds may be refused before it.
    labels = [tool.label for tool in problem.instruments if tool.label != "banking"]
    with pytest.raises(InputError, match="|".join(labels)):
        clear(problem, concept=CONCEPTS[concept])
