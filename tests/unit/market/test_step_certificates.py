"""The audit names a line for every corrupted number of penalties, reserves and offsets of every kind."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from builders import beside, market, one_of_each
from carbonsim.errors import CertificateError
from carbonsim.market import MarketProblem, audit, clear
from carbonsim.market.certificate import check_certificate
from carbonsim.market.instruments.auction_floor import AuctionFloor
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.instruments.next_year_cut import NextYearCut
from carbonsim.market.instruments.offset_limit import OffsetLimit
from carbonsim.market.instruments.offset_stock import OffsetStock
from carbonsim.market.instruments.offsets import Offsets
from carbonsim.market.instruments.penalty import Penalty
from carbonsim.market.instruments.reserve_stock import ReserveStock
from corruption import missed

SUPPLY = (110.0, 100.0)
WIND = Offsets(price=20.0, quantity=4.0, name="wind")
FOREST = Offsets(price=30.0, quantity=100.0, name="forest")

PROBLEMS: dict[str, MarketProblem] = {
    **{
        name: market(*beside(name), one_of_each()[name], supply=SUPPLY)
        for name in ("escalating_penalty", "next_year_cut", "offset_curve", "offset_limit", "price_linked_fine")
    },
    "offset_stock": market(one_of_each()["offset_stock"], supply=SUPPLY),
    "reserve_stock": market(one_of_each()["reserve_stock"], supply=SUPPLY),
    "reserve stock not used up": market(ReserveStock(price=30.0, stock=80.0), supply=SUPPLY),
    "joint limit by quantity": market(WIND, FOREST, OffsetLimit(types=("wind", "forest"), quantity=9.0), supply=SUPPLY),
    "joint limit with banking": market(
        Banking(), WIND, FOREST, OffsetLimit(types=("wind", "forest"), share_limit=0.05), supply=(120.0, 95.0)
    ),
    "stock under a joint limit": market(
        OffsetStock(price=[10.0, np.nan], quantity=30.0, opening=2.0, name="held"),
        OffsetLimit(types="held", share_limit=[0.1, 0.05]),
        supply=SUPPLY,
    ),
    "three to one": market(Penalty(price=5.0, make_good=3.0), supply=(100.0, 155.0)),
    "cut valued beyond the horizon": market(NextYearCut(price=5.0, beyond=20.0), supply=(100.0, 120.0)),
    "withheld volume": market(
        AuctionFloor(quantity=25.0, price=15.0),
        AuctionFloor(quantity=10.0, price=25.0, name="withheld"),
        supply=(90.0, 75.0),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_corrupted_number_fails_a_line(name: str) -> None:
    problem = PROBLEMS[name]
    assert missed(clear(problem).dataset, partial(audit, problem)) == []


@pytest.mark.parametrize(
    ("name", "field", "line"),
    [
        ("offset_limit", "offset_limit_price", "offset_limit"),
        ("offset_stock", "offset_stock_held", r"offset_stock\.credits"),
        ("reserve_stock", "reserve_stock_rent", r"reserve_stock\.one_worth"),
        ("next_year_cut", "next_year_cut_withheld", r"next_year_cut\.withheld"),
        ("price_linked_fine", "price_linked_fine", r"price_linked_fine\.fine"),
    ],
)
def test_own_line_names_what_was_corrupted(name: str, field: str, line: str) -> None:
    dataset = clear(PROBLEMS[name]).dataset.copy(deep=True)
    dataset[field].values[-1] = dataset[field].values[-1] + 7.0
    if name == "offset_limit":
        dataset.step_used.values[:, -1] = 0.0  # far from the limit, which then is worth nothing
    with pytest.raises(CertificateError, match=line):
        check_certificate(audit(PROBLEMS[name], dataset))


def test_unmet_obligation_beside_a_price_linked_fine_fails_its_line() -> None:
    dataset = clear(PROBLEMS["price_linked_fine"]).dataset.copy(deep=True)
    dataset.penalty_tonnes.values[0] = 1.0
    with pytest.raises(CertificateError, match=r"price_linked_fine\.unmet at 2025"):
        check_certificate(audit(PROBLEMS["price_linked_fine"], dataset))
