"""Every published number of a market with interest, periods, a terminal condition or vintages is held by a line."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import xarray as xr

from builders import market
from carbonsim.market import MarketProblem, audit, clear
from carbonsim.market.instruments.auction_floor import AuctionFloor
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.instruments.compliance_periods import CompliancePeriods
from carbonsim.market.instruments.reserve_tier import ReserveTier
from carbonsim.market.instruments.terminal_bank import TerminalBank
from carbonsim.market.instruments.vintages import Vintages
from corruption import missed

PERIODS = CompliancePeriods(ends=(2026, 2028))
DEAR = Banking(borrowing=40.0, borrowing_interest=0.2)
# 65 of 160 t can be cut each year, at 10, 25 and 40.
PROBLEMS: dict[str, tuple[str, MarketProblem]] = {
    "interest while owing": ("programme", market(DEAR, years=3, supply=(96.0, 130.0, 140.0))),
    "interest at the limit": (
        "programme", market(Banking(borrowing=5.0, borrowing_interest=0.2), years=3, supply=(96.0, 140.0, 150.0)),
    ),
    "interest too dear": ("programme", market(DEAR, years=3, supply=(120.0, 135.0, 120.0))),
    "periods that lose": ("best_response", market(PERIODS, years=4, supply=(170.0, 165.0, 100.0, 120.0))),
    "periods and banking": (
        "programme", market(PERIODS, Banking(borrowing=10.0), years=4, supply=(90.0, 125.0, 130.0, 135.0)),
    ),
    "periods with interest": ("programme", market(PERIODS, DEAR, years=4, supply=(96.0, 110.0, 150.0, 140.0))),
    "at least": ("programme", market(Banking(), TerminalBank(at_least=12.0), supply=130.0)),
    "at least, an interval": ("price_search", market(Banking(), TerminalBank(at_least=20.0), supply=(130.0, 140.0))),
    "value": ("best_response", market(Banking(), TerminalBank(value=26.0), supply=(130.0, 150.0))),
    "value at a step": ("price_search", market(TerminalBank(value=25.0), supply=(130.0, 150.0))),
    "vintages that bind": ("programme", market(Vintages(life=1), years=3, supply=(285.0, 100.0, 30.0))),
    "vintages that expire": (
        "programme", market(Vintages(life=1, opening=2024), years=3, supply=(150.0, 0.0, 100.0), opening_bank=180.0),
    ),
    "vintages of an opening bank": (
        "programme",
        market(Vintages(life=2, opening={2023: 7.0, 2024: 170.0}), years=3, supply=(150.0, 20.0, 110.0),
               opening_bank=177.0),
    ),
    "vintages used early": ("programme", market(Vintages(life=1, early=1), years=3, supply=(60.0, 40.0, 260.0))),
    "vintages sold": (
        "programme",
        market(
            Vintages(life=1), AuctionFloor(quantity=[0.0, 20.0, 0.0], price=22.0),
            ReserveTier(price=30.0, quantity=9.0), years=3, supply=(275.0, 60.0, 0.0),
            per_emission=np.full((2, 3), 0.1),
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_corrupted_number_fails_a_line(name: str) -> None:
    engine, problem = PROBLEMS[name]
    assert missed(clear(problem, engine=engine).dataset, partial(audit, problem)) == []  # type: ignore[arg-type]


def failed(problem: MarketProblem, dataset: xr.Dataset) -> set[str]:
    return {line.name for line in audit(problem, dataset).failures()}


def test_prices_that_ignore_the_interest_on_a_debt_fail_the_line_of_arbitrage() -> None:
    _, problem = PROBLEMS["interest while owing"]
    dataset = clear(problem).dataset.copy(deep=True)
    # 2026 raised to the price at which borrowing would have cost nothing.
    dataset["allowance_price"].values[1] = dataset.allowance_price.values[0] * 1.05
    assert "price.no_arbitrage[price]" in failed(problem, dataset)


def test_interest_that_is_not_paid_fails_its_line() -> None:
    _, problem = PROBLEMS["interest while owing"]
    dataset = clear(problem).dataset.drop_vars("borrowing_interest")
    assert "ledger.borrowing_interest" in failed(problem, dataset)


def test_a_debt_at_a_period_s_end_fails_the_line_of_the_limit() -> None:
    _, problem = PROBLEMS["periods and banking"]
    dataset = clear(problem).dataset.copy(deep=True)
    dataset["bank"].values[1] -= 5.0
    assert {"bank.limit", "ledger.allowances"} <= failed(problem, dataset)


def test_an_expired_vintage_that_is_kept_fails_the_line_of_its_life() -> None:
    _, problem = PROBLEMS["vintages that expire"]
    dataset = clear(problem).dataset.copy(deep=True)
    row, y = np.argwhere(dataset.vintage_expired.values > 0)[0]
    dataset["vintage_stock"].values[row, y] += dataset.vintage_expired.values[row, y]
    assert "vintages.life" in failed(problem, dataset)


def test_surrendering_a_young_vintage_before_an_old_one_fails_its_line() -> None:
    _, problem = PROBLEMS["vintages that bind"]
    dataset = clear(problem).dataset.copy(deep=True)
    # 2026 takes a tonne of vintage 2026 instead of 2025: the younger is worth more.
    dataset["vintage_surrendered"].values[:2, 1] += (-1.0, 1.0)
    dataset["vintage_stock"].values[:2, 1] += (1.0, -1.0)
    assert {"vintages.while_used[price]", "vintages.life"} <= failed(problem, dataset)


@pytest.mark.parametrize("left_out", ["terminal_bank_price", "vintage_stock"])
def test_a_number_that_is_not_published_fails_a_line(left_out: str) -> None:
    _, problem = PROBLEMS["at least" if left_out == "terminal_bank_price" else "vintages that bind"]
    dataset = clear(problem).dataset.drop_vars(left_out)
    assert failed(problem, dataset) & {"terminal_bank.price", "vintages.published"}
