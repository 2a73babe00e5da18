"""What rounding leaves of large quantities is no fault: residuals are relative to what a number is a difference of."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from builders import market
from carbonsim.errors import InfeasibleError, InputError
from carbonsim.market import MarketProblem, Options, clear
from carbonsim.market.auction import Auction, Bid, hold_auction
from carbonsim.market.certificate import audit_lines
from carbonsim.market.desk import Desk, plan_desk
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.instruments.penalty import Penalty
from carbonsim.market.instruments.transaction_cost import TransactionCost
from carbonsim.market.supply import EngineName, Instrument
from corruption import missed


def last_tonne_cut(seed: int, unit: float, *instruments: Instrument) -> MarketProblem:
    """Enterprises whose options add up to their baseline but for the order of the sum, with little or no supply."""
    rng = np.random.default_rng(seed)
    options, years = 6, 3
    potential = np.round(rng.random((options, years)), 1) * unit
    owner = np.repeat([0, 1], 3)
    baseline = np.zeros((2, years))
    for option in rng.permutation(options):
        baseline[owner[option]] += potential[option]
    # Where the sum in another order is the larger one the last option gives way.
    for enterprise in (0, 1):
        excess = potential[owner == enterprise].sum(axis=0) - baseline[enterprise]
        potential[3 * enterprise + 2] -= np.minimum(np.maximum(excess, 0.0), potential[3 * enterprise + 2])
    cost = rng.choice([0.0, 10.0, 20.0, 30.0], (options, 1)) * np.ones(years)
    return MarketProblem(
        enterprise=("a", "b"),
        year=(2025, 2026, 2027),
        baseline=baseline,
        share=np.ones((2, years)),
        fixed=np.zeros((2, years)),
        per_emission=rng.choice([0.0, 0.4, 0.7], (2, 1)) * np.ones(years),
        options=Options(tuple("abcdef"), owner, potential, cost, np.zeros((options, years))),
        supply=np.where(rng.random(years) < 0.7, 0.0, 0.3 * unit),
        interest=0.05,
        instruments=(Penalty(price=50.0), *instruments),
    )


@pytest.mark.parametrize("unit", [1.0, 100.0, 1e7])
@pytest.mark.parametrize("engine", ["price_search", "programme", "best_response"])
def test_a_market_whose_last_tonne_is_cut_passes(engine: EngineName, unit: float) -> None:
    for seed in range(30):
        for instruments in ((), (Banking(),)):
            assert clear(last_tonne_cut(seed, unit, *instruments), engine=engine).certificate.passed


@pytest.mark.parametrize("unit", [1.0, 1e6])
def test_enterprises_whose_last_tonne_is_cut_pass(unit: float) -> None:
    for seed in range(20):
        for banking in ((), (Banking(),)):
            problem = last_tonne_cut(seed, unit, TransactionCost(purchase=2.0, sale=1.0), *banking)
            assert clear(problem).certificate.passed


@pytest.mark.parametrize("supply", [1e-2, 1e-4])
def test_what_is_small_but_no_rounding_is_still_held(supply: float) -> None:
    # 65 t can be cut of 65 t: what is left over is a millionth of it, and each of its digits counts.
    problem = market(years=1, supply=supply, baseline=np.array([[50.0], [15.0]]))
    assert missed(clear(problem).dataset, partial(audit_lines, problem)) == []


@pytest.mark.parametrize("unit", [1.0, 1e3, 1e7])
def test_a_desk_passes_at_any_size(unit: float) -> None:
    passed = 0
    for seed in range(25):
        rng = np.random.default_rng(seed)
        desk = Desk(
            month=("1", "2", "3"), obligation=rng.choice([0.1, 0.3, 0.7, 1.1]) * unit,
            opening_holdings=rng.choice([0.0, 0.1, 0.6, 1.2]) * unit, issued=rng.choice([0.0, 0.1]) * unit,
            opening_credits=rng.choice([0.0, 0.1, 0.03]) * unit, credit_price=np.round(30 + 20 * rng.random(3), 1),
            credit_limit=rng.choice([0.05, 0.1]), allowance_price=np.round(40 + 20 * rng.random(3), 1), fee=0.002,
            monthly_interest=0.003, carry_over_base=0.3 * unit, carried_value=80.0, fine=500.0,
        )  # fmt: skip
        try:
            passed += plan_desk(desk).certificate.passed
        except InfeasibleError:
            continue
    assert passed > 20


def test_a_credit_takes_so_much_off_purchases_that_no_more_are_used() -> None:
    # 0.8 of 1.1 t are lacking, all of which credits could cover, so that a credit takes 0.8/1.1 off what may be bought.
    # 0.7 t are bought at 40.1 and part of it sold at 52.4 less 0.2 % = 52.2952. Credits at 45.6 fill the rest: what may
    # be bought is worth (52.2952 - 45.6) / (0.8/1.1) = 9.2059.
    desk = Desk(
        month=("1", "2", "3"), obligation=1.1, allowance_price=[40.1, 46.1, 52.4], credit_price=[np.nan, 45.6, np.nan],
        opening_holdings=0.1, issued=0.2, credit_limit=1.0, carry_over_base=0.3, carried_value=80.0, fine=500.0,
        fee=0.002, volume_limit=0.7,
    )  # fmt: skip
    assert float(plan_desk(desk).dataset.purchase_limit_value) == pytest.approx(9.2059, rel=1e-5)


def test_bids_that_are_served_but_for_rounding_are_not_refused() -> None:
    # 0.7 - 0.5 is a little less than 0.2 in binary: all bids are served, and nobody is refused above the reserve price.
    data = hold_auction(Auction([Bid("a", 30, 0.5), Bid("b", 20, 0.2)], supply=0.7, reserve_price=15)).dataset
    assert float(data.price_low) == 15


def test_what_rounding_leaves_is_awarded_to_nobody() -> None:
    # 0.8 - 0.7 is a little more than 0.1: the third bid gets nothing and does not make the price.
    data = hold_auction(Auction([Bid("a", 50, 0.7), Bid("b", 40, 0.1), Bid("c", 30, 0.5)], supply=0.8)).dataset
    assert data.award.values.tolist() == [0.7, 0.1, 0.0]
    assert float(data.price) == 40


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e7])
def test_an_auction_passes_at_any_size(unit: float) -> None:
    held = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        bids = [
            Bid(
                str(rng.choice(["A", "B"])), float(rng.choice([20, 30, 45.1])), (0.1 + np.round(rng.random(), 1)) * unit
            )
            for _ in range(5)
        ]
        try:
            auction = Auction(
                bids, supply=0.7 * unit, bid_limit=0.7 * unit, consigned={"G": 0.1 * unit}, lot=0.1 * unit
            )
        except InputError:
            continue
        held += hold_auction(auction).certificate.passed
    assert held > 20
