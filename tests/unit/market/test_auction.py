"""Sealed-bid auctions: awards, prices, ties, lots, limits, consignment, and the audit of each."""

from __future__ import annotations

import dataclasses
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonsim.errors import InputError
from carbonsim.market.auction import Auction, AuctionResult, Bid, hold_auction
from carbonsim.market.audit_auction import audit_auction
from corruption import missed

# The bids of case G of the shared analytic cases.
BIDS = (Bid("A", 50, 30), Bid("B", 45, 40), Bid("C", 45, 20), Bid("D", 30, 50), Bid("E", 20, 60), Bid("F", 12, 100))


def awards(result: AuctionResult) -> dict[str, float]:
    return dict(zip(result.dataset.bidder.values.tolist(), result.dataset.award.values.tolist(), strict=True))


@pytest.mark.parametrize(
    ("supply", "reserve", "price", "sold", "got"),
    [
        # Case G: the expected answers stand in the case itself.
        (80, 15, 45, 80, {"A": 30, "B": 100 / 3, "C": 50 / 3}),
        (140, 15, 30, 140, {"A": 30, "B": 40, "C": 20, "D": 50}),
        (200, 25, 25, 140, {"A": 30, "B": 40, "C": 20, "D": 50}),
        (250, 15, 15, 200, {"A": 30, "B": 40, "C": 20, "D": 50, "E": 60}),
    ],
)
def test_case_g_of_the_analytic_cases(
    supply: float, reserve: float, price: float, sold: float, got: dict[str, float]
) -> None:
    result = hold_auction(Auction(BIDS, supply=supply, reserve_price=reserve))
    assert float(result.dataset.price) == pytest.approx(price)
    assert float(result.dataset.sold) == pytest.approx(sold)
    assert float(result.dataset.unsold) == pytest.approx(supply - sold)
    assert awards(result) == pytest.approx({name: got.get(name, 0.0) for name in "ABCDEF"})


def test_lots_of_a_tie_add_up_exactly() -> None:
    # 50 left for B 40 and C 20: 33.3 and 16.7, that is 3.33 and 1.67 lots of 10; the last lot goes to C (0.67).
    result = hold_auction(Auction(BIDS, supply=80, lot=10))
    assert awards(result) == {"A": 30, "B": 30, "C": 20, "D": 0, "E": 0, "F": 0}


def test_the_earlier_of_equal_bids_is_served_first() -> None:
    bids = (BIDS[0], Bid("B", 45, 40, time=2.0), Bid("C", 45, 20, time=1.0))
    assert awards(hold_auction(Auction(bids, supply=80, tie="time"))) == {"A": 30, "B": 30, "C": 20}


def test_a_random_tie_follows_the_generator_and_nothing_else() -> None:
    auction = Auction(tuple(Bid(f"b{n}", 45, 20) for n in range(8)), supply=50, tie="random")
    first, again = (awards(hold_auction(auction, np.random.default_rng(3))) for _ in range(2))
    assert first == again
    assert sorted(first.values()) == [0, 0, 0, 0, 0, 10, 20, 20]
    drawn = {tuple(awards(hold_auction(auction, np.random.default_rng(seed))).values()) for seed in range(9)}
    assert len(drawn) > 1
    with pytest.raises(InputError, match="generator"):
        hold_auction(auction)


def test_highest_rejected_bid_sets_the_price() -> None:
    # 140 serves A to D exactly; E at 20 is the first refused. Any price from 20 to 30 clears.
    result = hold_auction(Auction(BIDS, supply=140, reserve_price=15, pricing="highest_rejected"))
    assert float(result.dataset.price) == 20
    assert (float(result.dataset.price_low), float(result.dataset.price_high)) == (20, 30)


def test_pay_as_bid_takes_each_its_own_price() -> None:
    result = hold_auction(Auction(BIDS, supply=80, pricing="pay_as_bid"))
    # 30 x 50 + 50 x 45 = 3,750; the mean is 46.875.
    assert float(result.dataset.payment.sum()) == pytest.approx(3750)
    assert float(result.dataset.price) == pytest.approx(46.875)


def test_an_undersubscribed_auction_may_sell_nothing() -> None:
    result = hold_auction(Auction(BIDS, supply=250, reserve_price=15, undersubscribed="cancel"))
    assert float(result.dataset.sold) == 0
    assert float(result.dataset.unsold) == 250
    assert all(np.isnan(float(result.dataset[name])) for name in ("price", "price_low", "price_high"))


def test_limits_count_the_dearest_bids_first() -> None:
    bids = (Bid("A", 40, 30), Bid("A", 50, 30), Bid("B", 20, 100))
    # A may buy 40 in all: 30 at 50 and 10 at 40. B holds 70 of at most 120, so 50 of its bid count.
    result = hold_auction(Auction(bids, supply=200, reserve_price=5, bid_limit=40, holding={"B": 70}))
    assert result.dataset.award.values.tolist() == [10, 30, 40]
    held = hold_auction(Auction(bids, supply=200, reserve_price=5, holding_limit=120, holding={"B": 70}))
    assert held.dataset.award.values.tolist() == [30, 30, 50]


def test_consigned_allowances_sell_first_and_their_owners_are_paid() -> None:
    # 100 on offer, of which 40 consigned; bids for 90 at the reserve price 15 or more sell at 15.
    auction = Auction(BIDS[:3], supply=60, reserve_price=15, consigned={"G": 30, "H": 10})
    result = hold_auction(auction).dataset
    assert float(result.price) == 15
    assert result.consigned_sold.values.tolist() == [30, 10]
    assert result.consigned_proceeds.values.tolist() == [450, 150]
    assert float(result.government_receipts) == pytest.approx(50 * 15)
    shared = hold_auction(dataclasses.replace(auction, consigned_first=False)).dataset
    assert shared.consigned_sold.values == pytest.approx([27, 9])  # 90 % of what is on offer is sold


def test_every_problem_of_an_auction_is_reported_at_once() -> None:
    with pytest.raises(InputError) as caught:
        Auction((Bid("A", -1, 5), Bid("B", 5, 7)), supply=95, lot=10, tie="first", holding={"Z": 1})  # type: ignore[arg-type]
    text = str(caught.value)
    assert all(word in text for word in ("tie is 'first'", "bid 1 of A", "Z"))
    with pytest.raises(InputError, match="supply, bid 1 of B: not a whole number of lots of 10"):
        Auction((Bid("B", 5, 7),), supply=95, lot=10)


VARIANTS = {
    "tie": Auction(BIDS, supply=80, reserve_price=15),
    "lots": Auction(BIDS, supply=80, lot=10),
    "highest rejected": Auction(BIDS, supply=140, reserve_price=15, pricing="highest_rejected"),
    "pay as bid": Auction(BIDS, supply=80, pricing="pay_as_bid"),
    "consigned": Auction(BIDS[:3], supply=60, reserve_price=15, consigned={"G": 30, "H": 10}),
    "limits": Auction((*BIDS, Bid("A", 31, 40)), supply=100, bid_limit=35, tie="time"),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_every_corrupted_number_fails_a_named_line(name: str) -> None:
    auction = VARIANTS[name]
    assert missed(hold_auction(auction).dataset, partial(audit_auction, auction)) == []


prices = st.integers(0, 12).map(float)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.sampled_from("abcd"), prices, st.integers(1, 9)), min_size=1, max_size=9),
    st.integers(0, 40),
    prices,
    st.sampled_from(["lowest_accepted", "highest_rejected", "pay_as_bid"]),
    st.sampled_from(["pro_rata", "time", "random"]),
    st.sampled_from([0.0, 1.0]),
)
def test_what_is_sold_is_paid_for_and_more_supply_never_raises_the_price(
    offers: list[tuple[str, float, int]], supply: int, reserve: float, pricing: str, tie: str, lot: float
) -> None:
    bids = tuple(Bid(name, price, float(size), float(at)) for at, (name, price, size) in enumerate(offers))
    made = Auction(bids, float(supply), reserve, pricing=pricing, tie=tie, lot=lot)  # type: ignore[arg-type]
    first = hold_auction(made, np.random.default_rng(0)).dataset
    assert float(first.payment.sum()) == pytest.approx(float(first.government_receipts))
    assert not float(first.price_high) < reserve
    more = hold_auction(dataclasses.replace(made, supply=supply + 3.0), np.random.default_rng(0)).dataset
    if float(first.sold) and float(more.sold):
        assert float(more.price_low) <= float(first.price_low)
        assert float(more.price_high) <= float(first.price_high)
