"""Offsets of several types: joint limits, windows of years, rising curves and credits that are held."""

from __future__ import annotations

import numpy as np
import pytest

from builders import market
from carbonsim import read_scenario
from carbonsim.errors import InputError, ParameterError
from carbonsim.market import MarketProblem, clear
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.instruments.offset_curve import OffsetCurve
from carbonsim.market.instruments.offset_limit import OffsetLimit
from carbonsim.market.instruments.offset_stock import OffsetStock
from carbonsim.market.instruments.offsets import Offsets
from carbonsim.market.supply import MarketSetting

WIND = Offsets(price=20.0, quantity=4.0, name="wind")
FOREST = Offsets(price=30.0, quantity=100.0, name="forest")
BOTH = ("wind", "forest")


def one_year(*instruments: object, supply: float = 105.0) -> MarketProblem:
    """Need of 160 t less supply; options 20 t at 10, 15 t at 25 and 30 t at 40 CNY/t."""
    return market(*instruments, years=1, supply=supply)  # type: ignore[arg-type]


def test_joint_share_limit_makes_a_tonne_cut_worth_less_than_the_price() -> None:
    # x + 0.1 (160 - x) = 55, so x = 39 / 0.9 = 43.333 and the limit is 11.667: 4 of wind, 7.667 of forest.
    # North's dear option is partly used, so 40 = p - 0.1 mu; forest is partly used, so mu = p - 30.
    # 40 = 0.9 p + 3: p = 37 / 0.9 = 41.111, mu = 11.111.
    found = clear(one_year(WIND, FOREST, OffsetLimit(types=BOTH, share_limit=0.1))).dataset
    assert found.step_used.values[:, 0] == pytest.approx([4.0, 11.6666667 - 4.0])
    assert found.allowance_price.values == pytest.approx([37 / 0.9])
    assert found.offset_limit_price.values == pytest.approx([37 / 0.9 - 30])
    assert found.abatement.values.sum() == pytest.approx(39 / 0.9)


def test_joint_limit_by_quantity_leaves_the_worth_of_a_tonne_cut() -> None:
    # 8 t of credits leave 47 t to abate, 12 of them at 40: p = 40, and a ninth credit would save 40 - 30.
    found = clear(one_year(WIND, FOREST, OffsetLimit(types=BOTH, quantity=8.0))).dataset
    assert found.allowance_price.values == pytest.approx([40.0])
    assert found.offset_limit_price.values == pytest.approx([10.0])


def test_joint_limit_that_does_not_bind_is_worth_nothing() -> None:
    # Half of 125 t would be allowed; 4 of wind, 35 t abated below 30, and 16 of forest suffice: p = 30.
    found = clear(one_year(WIND, FOREST, OffsetLimit(types=BOTH, share_limit=0.5))).dataset
    assert found.step_used.values[:, 0] == pytest.approx([4.0, 16.0])
    assert found.allowance_price.values == pytest.approx([30.0])
    assert found.offset_limit_price.values == pytest.approx([0.0])


def test_type_keeps_its_own_share_limit_under_the_joint_one() -> None:
    # As the first case, with wind up to 2 % of obligations: 40 = p - 0.1 mu - 0.02 (p - mu - 20), mu = p - 30.
    # 40 = p - 0.1 p + 3 - 0.2: p = 37.2 / 0.9; wind 0.02 * 116.667.
    wind = Offsets(price=20.0, share_limit=0.02, name="wind")
    found = clear(one_year(wind, FOREST, OffsetLimit(types=BOTH, share_limit=0.1))).dataset
    assert found.allowance_price.values == pytest.approx([37.2 / 0.9])
    assert found.step_used.values[0, 0] == pytest.approx(0.02 * (160 - 39 / 0.9))


def test_limit_may_be_declared_before_what_it_limits() -> None:
    first = clear(one_year(WIND, FOREST, OffsetLimit(types=BOTH, share_limit=0.1))).dataset
    second = clear(one_year(OffsetLimit(types=BOTH, share_limit=0.1), FOREST, WIND)).dataset
    assert second.allowance_price.values == pytest.approx(first.allowance_price.values)


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ([OffsetLimit(types="winds", quantity=3.0)], "Did you mean 'wind'"),
        ([OffsetLimit(types=BOTH, quantity=3.0), OffsetLimit(types="wind", quantity=1.0, name="b")], "one joint limit"),
        ([OffsetLimit(types="wind", quantity=3.0, share_limit=0.1)], "exactly one limit"),
        ([OffsetLimit(types="wind", share_limit=1.2)], "share from 0 to 1"),
        ([OffsetLimit(types=(), quantity=3.0)], "expected labels of offsets"),
    ],
)
def test_wrong_limits_are_refused_by_reason(limits: list[OffsetLimit], told: str) -> None:
    with pytest.raises(InputError, match=told):
        one_year(WIND, FOREST, *limits)


@pytest.mark.parametrize("engine", ["price_search", "best_response"])
def test_other_engines_refuse_a_joint_limit_by_name(engine: str) -> None:
    problem = one_year(WIND, FOREST, OffsetLimit(types=BOTH, quantity=8.0))
    with pytest.raises(InputError, match=r"offset_limit.*limits several types of offsets together"):
        clear(problem, engine=engine)  # type: ignore[arg-type]


def test_credits_serve_the_years_of_their_window_alone() -> None:
    old = Offsets(price=15.0, quantity=10.0, name="old", usable_until=2025)
    new = Offsets(price=18.0, quantity=6.0, name="new", usable_from=2026)
    found = clear(market(old, new, supply=(110.0, 100.0))).dataset
    assert found.step_used.sel(step="old").values == pytest.approx([10.0, 0.0])
    assert found.step_used.sel(step="new").values == pytest.approx([0.0, 6.0])


@pytest.mark.parametrize(("first", "last", "told"), [(2027, None, "never in"), (2026, 2025, "must not be after")])
def test_empty_window_is_refused(first: int, last: int | None, told: str) -> None:
    with pytest.raises(InputError, match=told):
        market(Offsets(price=15.0, quantity=10.0, usable_from=first, usable_until=last), supply=110.0)


@pytest.mark.parametrize("engine", ["programme", "price_search"])
def test_straight_curve_is_used_until_the_last_credit_costs_the_price(engine: str) -> None:
    # Need of 35: 20 t at 10; then 10 + 2 q = 25 at q = 7.5, and 7.5 t of the option at 25.
    found = clear(one_year(OffsetCurve(price=10.0, slope=2.0, quantity=50.0), supply=125.0), engine=engine).dataset  # type: ignore[arg-type]
    assert found.offsets_used.values == pytest.approx([7.5], rel=1e-5)
    assert found.allowance_price.values == pytest.approx([25.0], rel=1e-5)


def test_straight_curve_stops_at_its_quantity() -> None:
    # 5 credits cost 10 to 20; the other 10 t come from the option at 25.
    found = clear(one_year(OffsetCurve(price=10.0, slope=2.0, quantity=5.0), supply=125.0)).dataset
    assert found.offsets_used.values == pytest.approx([5.0])
    assert found.allowance_price.values == pytest.approx([25.0])


@pytest.mark.parametrize("engine", ["programme", "price_search", "best_response"])
def test_curve_in_steps_clears_in_every_engine(engine: str) -> None:
    # Need of 55: 20 at 10, 5 near, 15 at 25, 5 far at 30, the last 10 at 40.
    steps = {"near": {"price": 12.0, "quantity": 5.0}, "far": {"price": 30.0, "quantity": 5.0}}
    found = clear(one_year(OffsetCurve(steps=steps)), engine=engine).dataset  # type: ignore[arg-type]
    assert found.step_used.values[:, 0] == pytest.approx([5.0, 5.0])
    assert found.allowance_price.values == pytest.approx([40.0])


def test_best_responses_refuse_a_price_that_rises_with_use() -> None:
    with pytest.raises(InputError, match="price that rises with use"):
        clear(one_year(OffsetCurve(price=10.0, slope=2.0)), engine="best_response")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "needs one curve"),
        ({"price": 10.0, "steps": {"a": {"price": 1.0, "quantity": 1.0}}}, "needs one curve"),
        ({"steps": {"a": {"price": 1.0}}}, "expected price and quantity"),
        ({"steps": {"a": {"price": 1.0, "quantity": 0.0}}}, "offers nothing"),
        ({"price": 10.0, "slope": -1.0}, "slope holds -1"),
    ],
)
def test_wrong_curves_are_refused_by_reason(fields: dict[str, object], told: str) -> None:
    with pytest.raises(InputError, match=told):
        one_year(OffsetCurve(**fields))  # type: ignore[arg-type]


def test_held_credits_serve_the_year_in_which_an_allowance_is_worth_most() -> None:
    # Need of 50 and 60; 35 t cost at most 25. 20 credits at 10 in 2025 replace the option at 40, which is cheaper to
    # use in 2026 (40 / 1.05 = 38.095): 15 credits in 2025, 5 held for 2026. pi_2026 = p_2026 = 40, pi_2025 = 38.095.
    found = clear(market(OffsetStock(price=[10.0, np.nan], quantity=20.0), supply=(110.0, 100.0))).dataset
    assert found.offset_stock_bought.values == pytest.approx([20.0, 0.0])
    assert found.offset_stock_held.values == pytest.approx([5.0, 0.0])
    assert found.offset_stock_price.values == pytest.approx([40 / 1.05, 40.0])
    assert found.allowance_price.values == pytest.approx([40 / 1.05, 40.0])


def test_ample_credits_cost_their_issue_price_and_interest() -> None:
    # 200 credits at 9, below the cheapest option: p = 9, and 9 * 1.05 = 9.45 a year later.
    found = clear(market(OffsetStock(price=[9.0, np.nan], quantity=200.0), supply=(110.0, 100.0))).dataset
    assert found.offset_stock_bought.values == pytest.approx([110.0, 0.0])
    assert found.allowance_price.values == pytest.approx([9.0, 9.45])


def test_credits_that_expire_are_not_held() -> None:
    stock = OffsetStock(price=[10.0, np.nan], quantity=80.0, usable_until=2025, name="old")
    found = clear(market(stock, supply=(110.0, 100.0))).dataset
    assert found.old_held.values == pytest.approx([0.0, 0.0])
    assert found.old_price.values[1] == 0
    assert found.allowance_price.values == pytest.approx([10.0, 40.0])


def test_opening_stock_is_used_without_an_issue() -> None:
    # 25 credits held at the start: 15 in 2025 and 10 in 2026 replace the option at 40, as above.
    stock = OffsetStock(price=np.nan, quantity=0.0, opening=25.0)
    found = clear(market(stock, supply=(110.0, 100.0))).dataset
    assert found.offsets_used.values == pytest.approx([15.0, 10.0])


def test_held_credits_do_not_mix_with_the_bank_of_allowances() -> None:
    stock = OffsetStock(price=[10.0, np.nan], quantity=20.0)
    found = clear(market(Banking(), stock, supply=(110.0, 100.0))).dataset
    alone = clear(market(stock, supply=(110.0, 100.0))).dataset
    assert found.allowance_price.values == pytest.approx(alone.allowance_price.values)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"price": 10.0, "quantity": 0.0}, "no credits that could be used"),
        ({"price": 10.0, "quantity": 5.0, "opening": -1.0}, "opening is -1"),
    ],
)
def test_wrong_stocks_are_refused_by_reason(fields: dict[str, object], told: str) -> None:
    with pytest.raises(InputError, match=told):
        market(OffsetStock(**fields), supply=110.0)  # type: ignore[arg-type]


def test_stock_of_one_year_is_refused() -> None:
    with pytest.raises(InputError, match="use offsets instead"):
        one_year(OffsetStock(price=10.0, quantity=5.0))


def setting(*years: int) -> MarketSetting:
    count = np.ones(len(years))
    return MarketSetting(years, 0 * count, 100 * count, 200 * count)


def test_study_lists_the_kinds_of_credits_that_may_be_used() -> None:
    # 2024 is served by units registered from 2024 on; those filed before 2017 ended with the surrender for 2023.
    parameters = read_scenario("panzhihua").parameters
    (made,) = OffsetCurve.from_parameters(parameters, setting(2024, 2025, 2026))
    assert made.label == "ccer_registered_from_2024"
    assert made.supply_steps((2024, 2025, 2026))[0].quantity == pytest.approx([0.0, 9e6, 12e6])
    (limit,) = OffsetLimit.from_parameters(parameters, setting(2024, 2025, 2026))
    assert isinstance(limit, OffsetLimit)
    assert limit.types == ("ccer_registered_from_2024",)
    assert limit.share_limit == pytest.approx([0.05, 0.05, 0.05])


def test_rules_of_earlier_cycles_are_dated() -> None:
    parameters = read_scenario("panzhihua").parameters
    usable = "market.offset_type_usable"
    assert [parameters.value(usable, year, "ccer_filed_before_2017") for year in (2019, 2022, 2023, 2024)] == [
        1,
        1,
        1,
        0,
    ]
    assert parameters.value("market.offset_limit", 2019) == pytest.approx(0.05)
    # What such a unit cost and how many were left was not found, so a study of 2023 must say it.
    with pytest.raises(ParameterError, match="offset_price"):
        OffsetCurve.from_parameters(parameters, setting(2023))


def test_no_study_lists_a_stock_of_credits() -> None:
    with pytest.raises(ParameterError, match="problem file"):
        OffsetStock.from_parameters(read_scenario("panzhihua").parameters, setting(2025))


def test_curve_in_steps_is_cut_into_windows() -> None:
    curve = OffsetCurve(steps={"a": {"price": 5.0, "quantity": [3.0, 4.0, 0.0]}}, name="forest")
    window = curve.in_years(1, 2, (2025, 2026, 2027))
    assert window is not None
    assert window.supply_steps((2026,))[0].quantity == pytest.approx([4.0])
    assert curve.in_years(2, 3, (2025, 2026, 2027)) is None
    assert "a: price 5, quantity 3, 4, 0" in curve.statement
    with pytest.raises(InputError, match="cannot be cut into windows"):
        OffsetStock(price=5.0, quantity=3.0).in_years(0, 1, (2025, 2026))
