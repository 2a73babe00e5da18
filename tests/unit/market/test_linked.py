"""Linked markets: prices between autarky prices, exchange rates, gates with a limit, and their audit."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import xarray as xr
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from builders import collared_market, linear_market, market
from carbonsim.errors import InfeasibleError, InputError
from carbonsim.market import Market, MarketProblem, clear
from carbonsim.market.audit_linked import audit_linked
from carbonsim.market.certificate import Certificate
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.linked import Gate, LinkedMarkets, LinkedResult, clear_linked
from corruption import missed

# West cuts 18 t at slopes 2 and 1: alone 12 CNY/t. East cuts 4 t at slope 1: alone 4 CNY/t.
WEST = linear_market((2.0, 1.0), (20.0, 20.0), 22.0)
EAST = linear_market((1.0,), (30.0,), 26.0)


def linked(*gates: Gate, west: MarketProblem = WEST, east: MarketProblem = EAST) -> LinkedMarkets:
    return LinkedMarkets({"west": west, "east": east}, gates)


def prices(result: LinkedResult) -> list[float]:
    return [float(value) for value in result.dataset.allowance_price.values[:, 0]]


def test_an_open_gate_gives_both_markets_one_price() -> None:
    # 22 t in all = p (1/2 + 1 + 1), so p = 8.8; west cuts 13.2 of its 18 t and brings in 4.8.
    result = clear_linked(linked(Gate("ew", "east", "west")))
    assert prices(result) == pytest.approx([8.8, 8.8])
    assert result.dataset.flow.values[0, 0] == pytest.approx(4.8)
    assert result.dataset.net_import.values[:, 0] == pytest.approx([4.8, -4.8])
    assert result.dataset.gate_rent.values[0, 0] == pytest.approx(0.0, abs=1e-6)


def test_a_gate_with_a_limit_leaves_prices_apart_and_a_rent() -> None:
    # 2 t pass: west cuts 16 = 1.5 p, p = 32/3; east cuts 6 t, p = 6; the rent is 2 (32/3 - 6) = 28/3.
    result = clear_linked(linked(Gate("ew", "east", "west", limit=2.0)))
    assert prices(result) == pytest.approx([32 / 3, 6.0])
    assert result.dataset.gate_rent.values[0, 0] == pytest.approx(28 / 3)


def test_the_exchange_rate_is_the_ratio_of_the_prices() -> None:
    # Half a tonne for an allowance of the east: p_e = p_w / 2. 18 - f/2 = 1.5 p_w and 4 + f = p_e give f = 12/7.
    result = clear_linked(linked(Gate("ew", "east", "west", rate=0.5)))
    assert result.dataset.flow.values[0, 0] == pytest.approx(12 / 7)
    assert prices(result) == pytest.approx([80 / 7, 40 / 7])


def test_a_one_way_gate_against_the_price_stays_unused() -> None:
    result = clear_linked(linked(Gate("we", "west", "east")))
    assert prices(result) == pytest.approx([12.0, 4.0])
    assert result.dataset.flow.values[0, 0] == 0


def test_a_flow_in_one_year_moves_the_other_year_through_the_bank() -> None:
    # West must cut 50 t a year, of which 35 cost 25 or less and the rest 40. East can cut 35 t at 25 or less in the
    # first year, when the gate is open: 70 t for 50, and the 20 t left over leave 30 t for the second year.
    east = market(Banking(), supply=160.0)
    west = market(Banking(), supply=(110.0, 110.0))
    shut = clear_linked(linked(Gate("ew", "east", "west", limit=[0.0, 0.0]), west=west, east=east))
    assert shut.dataset.allowance_price.values[0] == pytest.approx([40.0, 40.0])
    first_only = clear_linked(linked(Gate("ew", "east", "west", limit=[np.inf, 0.0]), west=west, east=east))
    first, second = first_only.dataset.allowance_price.values[0]
    assert first <= 25.0 + 1e-9
    assert second <= 25.0 * 1.05 + 1e-9


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.lists(st.integers(5, 60), min_size=4, max_size=4), st.booleans(), st.sampled_from([0.0, 5.0, np.inf]))
def test_linking_brings_prices_between_autarky_and_never_costs_more(
    supply: list[int], banked: bool, limit: float
) -> None:
    instruments = (Banking(),) if banked else ()
    west = market(*instruments, supply=(100.0 + supply[0], 100.0 + supply[1]))
    east = market(*instruments, supply=(100.0 + supply[2], 100.0 + supply[3]))
    try:
        alone = [clear(problem).dataset for problem in (west, east)]
    except InfeasibleError:
        assume(False)
    both = clear_linked(linked(Gate("ew", "east", "west", limit=limit), Gate("we", "west", "east", limit=limit),
                               west=west, east=east))  # fmt: skip
    low = np.minimum(*(data.price_low.values for data in alone))
    high = np.maximum(*(np.nan_to_num(data.price_high.values, nan=np.inf) for data in alone))
    found = both.dataset.price_low.values
    if not banked:
        assert np.all(found >= low - 1e-6)
        assert np.all(found <= high + 1e-6)
    discount = west.discount
    before = sum(float((data.abatement_cost.values.sum(axis=0) * discount).sum()) for data in alone)
    after = sum(float((m.dataset.abatement_cost.values.sum(axis=0) * discount).sum()) for m in both.markets.values())
    assert after <= before + 1e-6 * (1 + before)


@pytest.mark.parametrize("limit", [np.inf, 2.0])
@pytest.mark.parametrize("rate", [1.0, 0.5])
def test_every_corrupted_number_fails_a_named_line(limit: float, rate: float) -> None:
    problem = linked(Gate("ew", "east", "west", rate=rate, limit=limit))
    result = clear_linked(problem)
    assert missed(result.dataset, lambda seen: audit_linked(problem, seen, result.markets)) == []
    for name, market_alone in result.markets.items():

        def with_one(seen: xr.Dataset, name: str = name, one: Market = market_alone) -> Certificate:
            changed = {**result.markets, name: dataclasses.replace(one, dataset=seen)}
            return audit_linked(problem, result.dataset, changed)

        assert missed(market_alone.dataset, with_one) == []


def test_every_problem_of_a_link_is_reported_at_once() -> None:
    other = dataclasses.replace(EAST, interest=0.1)
    with pytest.raises(InputError) as caught:
        linked(Gate("a", "east", "south"), Gate("a", "east", "west", rate=-1), east=other)
    text = str(caught.value)
    assert all(word in text for word in ("different rates", "one name each", "south", "rate is -1"))
    with pytest.raises(InputError, match="best-response"):
        LinkedMarkets({"a": collared_market(), "b": collared_market()}, (Gate("g", "a", "b"),))


def test_caps_that_cannot_be_met_together_are_infeasible() -> None:
    with pytest.raises(InfeasibleError, match="together"):
        clear_linked(linked(Gate("ew", "east", "west"), west=market(supply=10.0), east=market(supply=20.0)))


def test_exported_allowances_widen_no_limit_by_obligations() -> None:
    # A (100 t, MAC a, supply 60) may cover a tenth of its obligation by credits at 5; B has MAC 2a and supply 60, so it
    # lacks f = 40 - p/2. In A a = p - 0.1 (p - 5) = 0.9 p + 0.5 and 0.9 (100 - a) = 60 - f = 20 + p/2: p = 69.55/1.31.
    def one(slope: float, **tools: object) -> MarketProblem:
        return MarketProblem.from_mapping({
            "year": [2025], "supply": 60, "enterprises": {"e": {"baseline": 100}}, "instruments": tools,
            "options": {"e/m": {"enterprise": "e", "potential": 100, "unit_cost": 0, "slope": slope}},
        })  # fmt: skip

    result = clear_linked(LinkedMarkets(
        {"a": one(1.0, offsets={"price": 5, "share_limit": 0.1}), "b": one(2.0)}, (Gate("ab", "a", "b"),)
    ))  # fmt: skip
    price = 69.55 / 1.31
    assert prices(result) == pytest.approx([price, price])
    assert float(result.dataset.flow[0, 0]) == pytest.approx(40 - price / 2)


def test_two_markets_that_nothing_bounds_from_above_have_no_high_end() -> None:
    # Each emits 10 t, may cut 5 t at 10 CNY/t and has 5 t: every price from 10 clears both.
    alone = MarketProblem.from_mapping({
        "year": [2025],
        "supply": [5.0],
        "enterprises": {"works": {"baseline": 10.0}},
        "options": {"works/cut": {"enterprise": "works", "potential": 5.0, "unit_cost": 10.0}},
    })  # fmt: skip
    problem = linked(Gate("ew", "east", "west"), west=alone, east=alone)
    result = clear_linked(problem)
    assert result.dataset.price_low.values.ravel() == pytest.approx([10.0, 10.0])
    assert np.all(np.isnan(result.dataset.price_high.values))
    assert not missed(result.dataset, lambda seen: audit_linked(problem, seen, result.markets), ["price_low"])
