"""Price containment: tiers by name, withheld volumes, and a reserve whose unsold stock stays on offer."""

from __future__ import annotations

import numpy as np
import pytest

from builders import market
from carbonsim import read_scenario
from carbonsim.errors import InputError, ParameterError
from carbonsim.market import clear
from carbonsim.market.instruments.auction_floor import AuctionFloor
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.instruments.price_ceiling import PriceCeiling
from carbonsim.market.instruments.reserve_stock import ReserveStock
from carbonsim.market.instruments.reserve_tier import ReserveTier
from carbonsim.market.supply import MarketSetting

# The market needs 160 t less supply a year; options 20 t at 10, 15 t at 25 and 30 t at 40 CNY/t; interest 5 %.


def test_stock_goes_to_the_years_in_which_it_is_worth_most() -> None:
    # Need 50 and 60, of which 35 t cost at most 25: a tonne of stock at 20 replaces one at 40, which gains 20 in 2025
    # and 20 / 1.05 today in 2026. So 15 t in 2025 and the last 5 in 2026, where the option at 40 still sets the price:
    # nu = 20 / 1.05 and p_2025 = 20 + nu.
    found = clear(market(ReserveStock(price=20.0, stock=20.0), supply=(110.0, 100.0))).dataset
    assert found.reserve_sold.values[0] == pytest.approx([15.0, 5.0])
    assert found.allowance_price.values == pytest.approx([20 + 20 / 1.05, 40.0])
    assert found.reserve_stock_rent.values == pytest.approx([20 / 1.05, 20.0])


def test_stock_that_is_not_used_up_holds_the_price_at_its_trigger() -> None:
    found = clear(market(ReserveStock(price=30.0, stock=80.0), supply=(110.0, 100.0))).dataset
    assert found.reserve_sold.values[0] == pytest.approx([15.0, 25.0])
    assert found.allowance_price.values == pytest.approx([30.0, 30.0])
    assert list(found.price_basis.values) == ["reserve_tier", "reserve_tier"]
    assert found.reserve_stock_rent.values == pytest.approx([0.0, 0.0])


def test_stock_above_the_price_sells_nothing() -> None:
    found = clear(market(ReserveStock(price=60.0, stock=80.0), supply=(110.0, 100.0))).dataset
    assert found.reserve_sold.values[0] == pytest.approx([0.0, 0.0])
    assert found.allowance_price.values == pytest.approx([40.0, 40.0])


def test_unsold_tier_of_one_year_is_gone_where_a_stock_stays() -> None:
    # 2025 needs 30 and no reserve; 2026 needs 70, 5 more than can be abated. A yearly tier of 5 sells 5 in 2026;
    # a stock of 10 sells all 10 there.
    tier = clear(market(ReserveTier(price=35.0, quantity=5.0), supply=(130.0, 90.0))).dataset
    stock = clear(market(ReserveStock(price=35.0, stock=10.0), supply=(130.0, 90.0))).dataset
    assert tier.reserve_sold.values[0] == pytest.approx([0.0, 5.0])
    assert stock.reserve_sold.values[0] == pytest.approx([0.0, 10.0])


def test_tiers_a_stock_and_a_ceiling_stand_in_order() -> None:
    # Need of 90: 20 at 10, 15 at 25, 5 of the lower tier at 30, 10 of stock at 35, 30 at 40, the last 10 at 50.
    found = clear(
        market(
            ReserveTier(price=30.0, quantity=5.0, name="lower"),
            ReserveStock(price=35.0, stock=10.0, name="upper"),
            PriceCeiling(price=50.0),
            years=1,
            supply=70.0,
        )
    ).dataset
    assert found.reserve_sold.values[:, 0] == pytest.approx([5.0, 10.0])
    assert found.ceiling_sold.values == pytest.approx([10.0])
    assert found.upper_rent.values == pytest.approx([15.0])


def test_reserve_with_banking_passes_its_audit() -> None:
    found = clear(market(Banking(), ReserveStock(price=30.0, stock=12.0), supply=(120.0, 95.0)))
    assert found.certificate.passed


@pytest.mark.parametrize(("stock", "told"), [(0.0, "above 0"), (np.inf, "price_ceiling")])
def test_stock_that_is_none_is_refused(stock: float, told: str) -> None:
    with pytest.raises(InputError, match=told):
        market(ReserveStock(price=30.0, stock=stock), supply=110.0)


@pytest.mark.parametrize("engine", ["price_search", "best_response"])
def test_other_engines_refuse_a_stock_by_name(engine: str) -> None:
    with pytest.raises(InputError, match=r"reserve_stock.*one stock over all years"):
        clear(market(ReserveStock(price=30.0, stock=9.0), supply=110.0), engine=engine)  # type: ignore[arg-type]


def test_withheld_volume_is_offered_above_its_trigger_alone() -> None:
    floors = AuctionFloor(quantity=25.0, price=15.0), AuctionFloor(quantity=10.0, price=30.0, name="withheld")
    # Need of 65: 20 at 10, 25 auctioned, 15 at 25, 5 of the 10 withheld at 30; the other 5 stay unsold.
    scarce = clear(market(*floors, years=1, supply=95.0)).dataset
    assert scarce.step_used.values[:, 0] == pytest.approx([25.0, 5.0])
    assert scarce.allowance_price.values == pytest.approx([30.0])
    assert scarce.unsold.values == pytest.approx([5.0])
    # Need of 50: 20 at 10, 25 auctioned, 5 at 25: the trigger is not reached.
    ample = clear(market(*floors, years=1, supply=110.0)).dataset
    assert ample.allowance_price.values == pytest.approx([25.0])
    assert ample.unsold.values == pytest.approx([10.0])


def test_no_study_lists_a_reserve_with_a_stock() -> None:
    setting = MarketSetting((2025,), np.zeros(1), np.ones(1), np.ones(1))
    with pytest.raises(ParameterError, match="list reserve_tier"):
        ReserveStock.from_parameters(read_scenario("panzhihua").parameters, setting)
