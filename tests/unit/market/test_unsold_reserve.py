"""Unsold allowances in a reserve that gives them back when the price of the year before reaches a trigger."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import xarray as xr

from carbonsim.errors import InputError
from carbonsim.market import MarketProblem, clear
from carbonsim.market.audit_reserve import reserve_lines
from carbonsim.market.concepts.rule_driven_supply import RuleDrivenSupply
from carbonsim.market.supply_rule import make_rule
from corruption import missed

Rule = dict[str, object]


def market(*emissions: float) -> MarketProblem:
    """50 t a year auctioned at no less than 20; marginal cost is what is cut; nothing is banked."""
    years = len(emissions)
    return MarketProblem.from_mapping({
        "year": [2025 + y for y in range(years)],
        "supply": [0.0] * years,
        "enterprises": {"s": {"baseline": list(emissions)}},
        "options": {"s/a": {"enterprise": "s", "potential": list(emissions), "unit_cost": 0, "slope": 1}},
        "instruments": {"auction": {"kind": "auction_floor", "quantity": [50.0] * years, "price": 20.0}},
    })  # fmt: skip


def reserve(**fields: object) -> Rule:
    return {"kind": "unsold_allowances", "acts_on": "auction", "then": "reserve", **fields}


def cleared(problem: MarketProblem, rule: Mapping[str, object]) -> xr.Dataset:
    return clear(problem, "price_search", concept=RuleDrivenSupply(rule=rule, tolerance=1e-9)).dataset


# Demand at the floor is 40, 70, 80: 10 of 2025 stay unsold, and without a release the prices are 20, 90 - 50 = 40 and
# 100 - 50 = 50.
@pytest.mark.parametrize(
    ("fields", "price", "released", "stock"),
    [
        # Nothing is released by default.
        ({}, [20, 40, 50], [0, 0, 0], [10, 10, 10]),
        # 20 is below 35, 40 is not: 6 of the 10 are added to the 50 of 2027, at 100 - 56 = 44.
        ({"release_price": 35, "release_limit": 6}, [20, 40, 44], [0, 0, 6], [10, 10, 4]),
        # 20 reaches 20: 6 in 2026, at 90 - 56 = 34, and the 4 that are left in 2027, at 100 - 54 = 46.
        ({"release_price": 20, "release_limit": 6}, [20, 34, 46], [0, 6, 4], [10, 4, 0]),
        # By year: the trigger falls to 15 in 2026 only, and 3 may go in 2027: 100 - 53 = 47.
        ({"release_price": {2025: 30, 2026: 15}, "release_limit": {2025: 6, 2027: 3}}, [20, 40, 47], [0, 0, 3],
         [10, 10, 7]),
        # The reserve holds 4 and the rest is cancelled: 4 in 2026, at 90 - 54 = 36.
        ({"release_price": 20, "release_limit": 6, "reserve_limit": 4.0}, [20, 36, 50], [0, 4, 0], [4, 0, 0]),
    ],
)  # fmt: skip
def test_what_is_released(fields: Rule, price: list[float], released: list[float], stock: list[float]) -> None:
    data = cleared(market(60, 90, 100), reserve(**fields))
    assert data.allowance_price.values == pytest.approx(price)
    assert data.supply_change.values == pytest.approx(released)
    assert data.reserve_stock.values == pytest.approx(stock)
    assert ("reserve_release" in data) == ("release_price" in fields)


def test_what_is_released_and_not_sold_goes_back_as_far_as_there_is_room() -> None:
    # Demand at 20 is 40 in both years: 10 stay unsold, are offered again beside the 50, and 20 stay unsold. The
    # reserve is empty by then and holds 12: 8 are cancelled.
    data = cleared(market(60, 60), reserve(release_price=20, release_limit=100, reserve_limit=12.0))
    assert data.reserve_release.values == pytest.approx([0, 10])
    assert data.unsold_to_reserve.values == pytest.approx([10, 12])
    assert data.unsold_cancelled.values == pytest.approx([0, 8])
    assert data.reserve_stock.values == pytest.approx([10, 12])


@pytest.mark.parametrize("emissions", [(60, 90, 100), (60, 60, 95)])
def test_every_corrupted_number_fails_a_named_line(emissions: tuple[float, ...]) -> None:
    rule = reserve(release_price=20, release_limit={2025: 6, 2027: 3}, reserve_limit=9.0)
    problem = market(*emissions)
    data = cleared(problem, rule)
    assert float(data.reserve_release.sum()) > 0
    assert missed(data, lambda seen: reserve_lines(problem, make_rule(rule), seen, 1e-9)) == []


def test_a_release_that_its_price_does_not_ask_for_fails() -> None:
    # The market with 6 more in 2026 is one of that supply, and the stock is booked; only the trigger knows better.
    problem, rule = market(60, 90, 100), reserve(release_price=15, release_limit=6)
    data = cleared(problem, rule)
    other = make_rule(reserve(release_price=30, release_limit=6))
    failed = {line.name for line in reserve_lines(problem, other, data, 1e-9) if not line.passed}
    assert failed == {"rule.release"}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"release_price": 30}, "belong together"),
        ({"release_limit": 30}, "belong together"),
        ({"release_price": -1, "release_limit": 3}, "release_price is -1"),
        ({"release_price": 30, "release_limit": 3, "then": "cancel"}, "need a reserve"),
    ],
)
def test_a_release_that_does_not_fit_is_refused(fields: Rule, said: str) -> None:
    with pytest.raises(InputError, match=said):
        cleared(market(60, 60), reserve(**fields))


def test_a_path_of_the_rule_leaves_no_allowance_unaccounted() -> None:
    # All that was offered regularly is sold, cancelled or in the reserve at the end.
    data = cleared(market(60, 90, 55, 100), reserve(release_price=30, release_limit=7, reserve_limit=9.0))
    left = float(data.sold_auction.sum() + data.unsold_cancelled.sum()) + float(data.reserve_stock[-1])
    assert left == pytest.approx(4 * 50.0)
    assert np.all(data.reserve_stock.values >= 0)
