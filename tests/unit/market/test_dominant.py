"""A dominant enterprise: the price it makes, what it withholds, and the proof that no other trade pays it more."""

from __future__ import annotations

import dataclasses
from functools import partial

import numpy as np
import pytest

from builders import linear_market, market, one_of_each
from carbonsim.errors import InfeasibleError, InputError
from carbonsim.market import Market, MarketProblem, clear
from carbonsim.market.audit_dominant import ask_oracle, audit_dominant
from carbonsim.market.concepts.dominant_enterprise import DominantEnterprise
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.instruments.price_ceiling import PriceCeiling
from corruption import missed

LEADER = DominantEnterprise("firm_0")


def two_firms(given: float, cap: float = 22.0) -> MarketProblem:
    """The two firms of case A (slopes 2 and 1, 20 t each), the first with ``given`` allowances, the rest on sale."""
    problem = linear_market((2.0, 1.0), (20.0, 20.0), cap - given)
    fixed = problem.fixed.copy()
    fixed[0] = given
    return dataclasses.replace(problem, fixed=fixed)


def led(problem: MarketProblem) -> Market:
    return clear(problem, concept=LEADER)


@pytest.mark.parametrize(
    ("given", "trade", "price"),
    [
        # The other firm needs 20 - P of the 22 - given on sale, less what the leader buys (n): P = given - 2 + n.
        # given 15: P = 13 + n; min (5 - n)^2 + (13 + n) n gives n = -3/4: a seller keeps the price above 12.
        (15.0, -0.75, 12.25),
        # given 14, its competitive emissions: P = 12 + n; min (6 - n)^2 + (12 + n) n gives n = 0: no market power.
        (14.0, 0.0, 12.0),
        # given 5: P = 3 + n; min (15 - n)^2 + (3 + n) n gives n = 27/4: a buyer keeps it below 12.
        (5.0, 6.75, 9.75),
    ],
)
def test_leader_moves_the_price_its_own_way(given: float, trade: float, price: float) -> None:
    data = led(two_firms(given)).dataset
    assert float(data.net_purchase.sel(enterprise="firm_0")[0]) == pytest.approx(trade)
    assert float(data.allowance_price[0]) == pytest.approx(price)
    assert float(data.competitive_price[0]) == pytest.approx(12.0)
    assert float(data.leader_cost[0]) <= float(data.competitive_leader_cost[0]) + 1e-9


def test_a_leader_with_too_many_allowances_withholds_some() -> None:
    # 32 given for 20 t and nothing else on sale: the other firm pays P = 20 + n for what is sold; the best sale is
    # 10 t at 10, without any abatement, and 2 allowances stay unused.
    problem = dataclasses.replace(two_firms(0.0), supply=np.zeros(1), fixed=np.array([[32.0], [0.0]]))
    data = led(problem).dataset
    assert float(data.net_purchase[0, 0]) == pytest.approx(-10.0)
    assert float(data.allowance_price[0]) == pytest.approx(10.0)
    assert float(data.withheld[0]) == pytest.approx(2.0)
    assert float(data.abatement[0, 0]) == pytest.approx(0.0)


def test_a_seller_among_steps_takes_the_upper_end_of_a_jump() -> None:
    # North holds 105 for 100 t: with 20 t at 10 it could sell 25. South's demand: 60 - 40 = 20 t up to 25 CNY/t,
    # then 5 t at any price up to the ceiling of 80. Selling 5 t at 80 brings 400; 20 t at 25 less 15 t of cuts at 10
    # brings 350: north sells 5 t at the ceiling.
    problem = market(
        PriceCeiling(price=80.0), years=1, supply=40.0, fixed=np.array([[105.0], [0.0]]),
    )  # fmt: skip
    data = clear(problem, concept=DominantEnterprise("north")).dataset
    assert float(data.net_purchase[0, 0]) == pytest.approx(-5.0)
    assert float(data.allowance_price[0]) == pytest.approx(80.0)
    assert float(data.competitive_price[0]) == pytest.approx(10.0)


def test_a_monopolist_over_a_fixed_need_is_told_so() -> None:
    problem = market(years=1, supply=40.0, fixed=np.array([[105.0], [0.0]]))
    with pytest.raises(InfeasibleError, match="at any price"):
        clear(problem, concept=DominantEnterprise("north"))


@pytest.mark.parametrize("given", [15.0, 5.0])
def test_every_corrupted_number_fails_a_named_line(given: float) -> None:
    problem = two_firms(given)
    oracle = ask_oracle(problem, 0)
    assert missed(led(problem).dataset, partial(audit_dominant, problem, 0, oracle=oracle)) == []


def test_what_the_concept_cannot_hold_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="banking"):
        clear(market(Banking()), concept=DominantEnterprise("north"))
    with pytest.raises(InputError, match="offsets"):
        clear(market(one_of_each()["offsets"]), concept=DominantEnterprise("north"))
    with pytest.raises(InputError, match="north"):
        clear(market(), concept=DominantEnterprise("nort"))


@pytest.mark.parametrize("tool", [{"penalty": {"price": 15}}, {"offsets": {"price": 15, "quantity": 10}}])
def test_a_leader_beside_fees_and_offsets_takes_no_part_of_those_of_the_others(tool: dict[str, object]) -> None:
    # The others (MAC = a, 100 t given) sell at P = n up to 15 CNY/t, where the step adds to them without end or by
    # 10 t. The leader (60 t short, MAC = a): min (60 - n)^2/2 + n^2 gives n = 20 at 20, but 15 is as far as the price
    # goes: with the fee it buys 45 at 15 and cuts 15; with 10 credits it stops where the price starts to rise again.
    problem = MarketProblem.from_mapping({
        "year": [2025],
        "enterprises": {"leader": {"baseline": 100, "fixed": 40}, "others": {"baseline": 100, "fixed": 100}},
        "options": {name + "/m": {"enterprise": name, "potential": 100, "unit_cost": 0, "slope": 1}
                    for name in ("leader", "others")},
        "instruments": tool,
    })  # fmt: skip
    data = clear(problem, concept=DominantEnterprise("leader")).dataset
    bought, price = float(data.net_purchase[0, 0]), float(data.allowance_price[0])
    if "penalty" in tool:
        assert (bought, price) == pytest.approx((45.0, 15.0))
    else:
        # From 15 t on sale at 15 and 25 t with the credits; beyond, P = n - 10: min (60-n)^2/2 + (n-10) n gives
        # n = 70/3 < 25, so 25 t at 15: cost 35^2/2 + 375 = 987.5, against 20 t at 15: 800 + 300 = 1,100.
        assert (bought, price) == pytest.approx((25.0, 15.0))
