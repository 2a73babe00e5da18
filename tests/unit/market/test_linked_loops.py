"""Gates that lead round and back must not multiply allowances without limit."""

import numpy as np
import pytest

from carbonsim.errors import InputError
from carbonsim.market import MarketProblem
from carbonsim.market.linked import Gate, LinkedMarkets, clear_linked


def market(baseline: float, supply: float) -> MarketProblem:
    return MarketProblem.from_mapping(
        {
            "year": [2025, 2026],
            "supply": supply,
            "enterprises": {"firm": {"baseline": baseline}},
            "options": {"firm/a": {"enterprise": "firm", "potential": baseline, "unit_cost": 0, "slope": 1}},
        }
    )


MARKETS = {"west": market(40, 22), "east": market(30, 24), "south": market(30, 24)}


def test_a_loop_that_makes_allowances_of_nothing_is_refused() -> None:
    # 1 t from east is 1.2 t in west, and that is 1.2 x 0.9 = 1.08 t back in the east: any cap could be met for nothing.
    gates = (Gate("out", "east", "west", rate=1.2), Gate("back", "west", "east", rate=0.9))
    with pytest.raises(InputError, match=r"1\.08") as caught:
        LinkedMarkets({"west": MARKETS["west"], "east": MARKETS["east"]}, gates)
    assert all(word in str(caught.value) for word in ("out", "back", "limit"))
    assert "1.08" in caught.value.text("zh")


def test_a_longer_loop_is_found() -> None:
    gates = (
        Gate("a", "west", "east", rate=1.1),
        Gate("b", "east", "south", rate=1.0),
        Gate("c", "south", "west", rate=0.95, limit=[np.inf, 5]),  # 1.1 x 1 x 0.95 = 1.045, unlimited in the first year
    )
    with pytest.raises(InputError, match=r"1\.045"):
        LinkedMarkets(MARKETS, gates)


@pytest.mark.parametrize("back", [Gate("back", "west", "east", rate=0.9, limit=3), Gate("back", "west", "east", 0.8)])
def test_a_loop_that_is_limited_or_multiplies_nothing_clears(back: Gate) -> None:
    linked = LinkedMarkets(
        {"west": MARKETS["west"], "east": MARKETS["east"]}, (Gate("out", "east", "west", rate=1.2), back)
    )
    assert clear_linked(linked).certificate.passed
