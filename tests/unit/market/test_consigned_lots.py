"""What is sold for each seller of a lot auction is whole lots, and adds up to what is sold."""

from dataclasses import replace

import numpy as np
import pytest

from carbonsim.market.auction import Auction, Bid, hold_auction
from carbonsim.market.audit_auction import audit_auction

# 140 t are bid for at or above the reserve price of 25; the government offers 100 t, two sellers 30 t and 90 t.
SALE = Auction(
    (Bid("a", 50, 30), Bid("b", 45, 40), Bid("c", 45, 20), Bid("d", 30, 50)),
    supply=100,
    reserve_price=25,
    lot=10,
    consigned={"p": 30, "q": 90},
    consigned_first=False,
)


def test_pro_rata_consignment_is_sold_in_whole_lots() -> None:
    # By hand: 14 of 22 lots are sold. Quotas 3 x 14/22 = 1.909, 9 x 14/22 = 5.727, government 10 x 14/22 = 6.364 lots:
    # 1 + 5 + 6 = 12, and the two lots left go to the largest remainders, p (.909) and q (.727).
    data = hold_auction(SALE).dataset
    np.testing.assert_array_equal(data.consigned_sold, [20.0, 60.0])
    np.testing.assert_array_equal(data.consigned_proceeds, [500.0, 1500.0])  # at the reserve price of 25
    assert float(data.government_receipts) == 1500.0  # 60 t


def test_consignments_sold_first_share_whole_lots() -> None:
    # By hand: 5 lots are sold, all of consigned allowances. Quotas 3 x 5/12 = 1.25 and 9 x 5/12 = 3.75: 1 and 4.
    data = hold_auction(replace(SALE, bids=(Bid("a", 50, 50),), consigned_first=True)).dataset
    np.testing.assert_array_equal(data.consigned_sold, [10.0, 40.0])
    assert float(data.government_receipts) == 0.0


def test_equal_remainders_are_served_in_the_order_of_the_sellers() -> None:
    # By hand: 1 lot is sold of three equal consignments; each has a quota of 1/3.
    bids = (Bid("a", 50, 10),)
    data = hold_auction(
        replace(SALE, supply=0, bids=bids, consigned={"p": 30, "q": 30, "s": 30}, consigned_first=True)
    ).dataset
    np.testing.assert_array_equal(data.consigned_sold, [10.0, 0.0, 0.0])


@pytest.mark.parametrize("moved", [[10.0, 70.0], [30.0, 50.0], [20.0, 50.0], [19.0, 61.0]])
def test_another_split_fails_the_audit(moved: list[float]) -> None:
    data = hold_auction(SALE).dataset
    data["consigned_sold"].values[:] = moved
    assert "auction.consigned_sold" in {line.name for line in audit_auction(SALE, data).failures()}


def test_without_lots_any_fraction_is_sold() -> None:
    # By hand: 30 x 140/220 and 90 x 140/220.
    data = hold_auction(replace(SALE, lot=0.0)).dataset
    np.testing.assert_allclose(data.consigned_sold, [19.090909090909, 57.272727272727], rtol=1e-12)
