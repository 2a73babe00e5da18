"""The audit accepts what clears and names a line for every corrupted number."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from builders import beside, collared_market, every_instrument, linear_market, market, one_of_each
from carbonsim.errors import CertificateError
from carbonsim.market import MarketProblem, audit, clear
from carbonsim.market.certificate import check_certificate
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.instruments.offsets import Offsets
from carbonsim.market.instruments.penalty import Penalty
from carbonsim.market.instruments.price_ceiling import PriceCeiling
from corruption import missed

PROBLEMS: dict[str, MarketProblem] = {
    "every instrument": market(*every_instrument()),
    "reserve and floor": market(
        *(one_of_each()[name] for name in ("banking", "auction_floor", "reserve_tier", "offsets"))
    ),
    "collared with offsets": collared_market(instruments=(Banking(), Offsets(price=20.0, share_limit=0.05))),
    "make good": market(Banking(), Penalty(price=[20.0, 20.0], make_good=True), PriceCeiling(price=60.0)),
    "linear": linear_market((2.0, 1.0), (20.0, 20.0), 22.0),
    "given price": market(Offsets(price=10.0, share_limit=0.1), given_price=np.array([30.0, 40.0])),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_corrupted_number_fails_a_line(name: str) -> None:
    problem = PROBLEMS[name]
    assert missed(clear(problem).dataset, partial(audit, problem)) == []


def test_wrong_basis_fails_its_line() -> None:
    problem = market(supply=100.0)
    dataset = clear(problem).dataset.copy(deep=True)
    dataset["price_basis"].values[0] = "ceiling"
    failed = [line.name for line in audit(problem, dataset).failures()]
    assert failed == ["price.basis"]


@pytest.mark.parametrize("name", ["banking", "penalty", "vintages", "next_year_cut"])
def test_a_price_that_something_bounds_may_not_be_called_unbounded(name: str) -> None:
    problem = market(*beside(name), one_of_each()[name], supply=110.0)
    dataset = clear(problem).dataset.copy(deep=True)
    dataset.price_high.values[0] = np.nan
    failed = [line.name for line in audit(problem, dataset).failures()]
    assert any("price_high" in line for line in failed)


def test_labels_in_another_order_fail_their_line() -> None:
    problem = market(supply=100.0)
    dataset = clear(problem).dataset
    turned = dataset.assign_coords(enterprise=dataset.enterprise.values[::-1])
    assert [line.name for line in audit(problem, turned).failures()] == ["ledger.labels"]


def test_failed_line_is_an_error_with_its_name_and_place() -> None:
    problem = market(supply=100.0)
    dataset = clear(problem).dataset.copy(deep=True)
    dataset["net_purchase"].values[0, 0] += 1.0
    with pytest.raises(CertificateError, match=r"trade\.position at north"):
        check_certificate(audit(problem, dataset))


def test_certificate_prints_a_table_of_lines() -> None:
    text = str(clear(market(supply=100.0)).certificate)
    assert "ledger.allowances" in text
    assert "FAILED" not in text
