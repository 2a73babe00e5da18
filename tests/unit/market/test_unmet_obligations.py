"""Penalties: ratios of make-good, cuts of next year's allowances, escalating fees and fines that follow the price."""

from __future__ import annotations

import numpy as np
import pytest

from builders import market
from carbonsim import read_scenario
from carbonsim.errors import InfeasibleError, InputError, ParameterError
from carbonsim.market import clear
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.instruments.escalating_penalty import EscalatingPenalty
from carbonsim.market.instruments.next_year_cut import NextYearCut
from carbonsim.market.instruments.penalty import Penalty
from carbonsim.market.instruments.price_linked_fine import PriceLinkedFine
from carbonsim.market.money import market_answers
from carbonsim.market.supply import MarketSetting

# The market needs 160 t less supply a year; options 20 t at 10, 15 t at 25 and 30 t at 40 CNY/t; interest 5 %.


def test_three_allowances_owed_for_one_make_the_loan_dear() -> None:
    # Need 60 and 5 + 3 u. The first 5 t missing cost 5 + 3 * 10 / 1.05 = 33.57 < 40 and use up the option at 10;
    # more would cost 5 + 3 * 25 / 1.05 > 40. So u = 5, p_2025 = 40 and 5 + 3 p_2026 / 1.05 = 40: p_2026 = 12.25.
    found = clear(market(Penalty(price=5.0, make_good=3.0), supply=(100.0, 155.0))).dataset
    assert found.penalty_tonnes.values == pytest.approx([5.0, 0.0])
    assert found.make_good.values == pytest.approx([0.0, 15.0])
    assert found.allowance_price.values == pytest.approx([40.0, 12.25])


def test_ratio_of_one_is_the_old_make_good() -> None:
    first, second = (
        clear(market(Penalty(price=5.0, make_good=owed), supply=(100.0, 120.0))).dataset for owed in (True, 1.0)
    )
    assert first.identical(second)


def test_make_good_that_does_not_pay_leaves_nothing_unmet() -> None:
    # A missing tonne of 2025 would cost 5 + 3 * 40 / 1.05 > 40.
    found = clear(market(Penalty(price=5.0, make_good=3.0), supply=(110.0, 110.0))).dataset
    assert found.penalty_tonnes.values == pytest.approx([0.0, 0.0])
    assert found.allowance_price.values == pytest.approx([40.0, 40.0])


def test_cut_is_a_loan_of_allowances() -> None:
    # Need 50 and 60 + u of at most 65. A missing tonne costs 1 + 40 / 1.05 = 39.1 < 40, so u = 5 uses up 2026's
    # options; then 40 = 1 + p_2026 / 1.05: p_2026 = 40.95.
    found = clear(market(NextYearCut(price=1.0), supply=(110.0, 100.0))).dataset
    assert found.penalty_tonnes.values == pytest.approx([5.0, 0.0])
    assert found.next_year_cut_withheld.values == pytest.approx([0.0, 5.0])
    assert found.allowance_price.values == pytest.approx([40.0, 40.95])


def test_after_the_end_of_the_cut_the_fee_alone_caps_the_price() -> None:
    # 2026: the fee of 30 caps the price. 2025: 5 + 30 / 1.05 = 33.571 does, so 35 of 50 t are abated and 15 missing;
    # 2026 needs 60 + 15, abates 35 and leaves 40 unmet, of which nothing is cut.
    found = clear(market(NextYearCut(price=[5.0, 30.0], until=2025), supply=(110.0, 100.0))).dataset
    assert found.allowance_price.values == pytest.approx([5 + 30 / 1.05, 30.0])
    assert found.penalty_tonnes.values == pytest.approx([15.0, 40.0])
    assert found.make_good.values == pytest.approx([0.0, 15.0])


def test_last_year_is_unmet_only_at_a_price_beyond_it() -> None:
    # Beyond the horizon an allowance is worth 20, so a missing one costs 5 + 20 in 2026, and 5 + 25 / 1.05 in 2025.
    found = clear(market(NextYearCut(price=5.0, beyond=20.0), supply=(100.0, 120.0))).dataset
    assert found.allowance_price.values == pytest.approx([5 + 25 / 1.05, 25.0])
    with pytest.raises(InfeasibleError, match=r"next_year_cut\.beyond"):
        clear(market(NextYearCut(price=5.0), supply=(110.0, 80.0)))


def test_what_is_cut_beyond_the_last_year_is_owed_and_no_receipt() -> None:
    # Of 60 t needed in 2025, 35 are cut below 5 + 25 / 1.05 = 28.8 and 25 are missing; 2026 needs 40 + 25 and leaves
    # some missing at 25. Paid is the fee of 5 on each of them; the worth of 20 is owed in allowances of 2027.
    problem = market(NextYearCut(price=5.0, beyond=20.0), supply=(100.0, 120.0))
    data = market_answers(problem, clear(problem))
    assert data.penalty_tonnes.values[0] == pytest.approx(25.0)
    assert data.penalty_tonnes.values[1] > 0
    assert data.penalty_cost.values.sum(axis=0) == pytest.approx(5.0 * data.penalty_tonnes.values)
    assert data.government_receipts.values == pytest.approx(
        data.allowance_price.values * np.array([100.0, 120.0]) + 5.0 * data.penalty_tonnes.values
    )


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"until": 2024, "price": 5.0}, "declare a penalty instead"),
        ({"until": 2025}, "neither a cut nor a fee in 2026"),
        ({"beyond": -1.0}, "beyond is -1"),
    ],
)
def test_wrong_cuts_are_refused_by_reason(fields: dict[str, object], told: str) -> None:
    with pytest.raises(InputError, match=told):
        market(NextYearCut(**fields), supply=110.0)  # type: ignore[arg-type]


FEES = {"small": {"price": 20.0, "up_to": 0.05}, "rest": {"price": 45.0}}


@pytest.mark.parametrize("engine", ["programme", "price_search", "best_response"])
def test_fee_on_a_share_of_the_obligation_is_lost_with_every_tonne_cut(engine: str) -> None:
    # x + 0.05 (160 - x) = 50: x = 42 / 0.95, partly at 40 = p - 0.05 (p - 20): p = 39 / 0.95, below the next fee.
    found = clear(market(EscalatingPenalty(steps=FEES), years=1, supply=110.0), engine=engine).dataset  # type: ignore[arg-type]
    assert found.allowance_price.values == pytest.approx([39 / 0.95])
    assert found.penalty_tonnes.values == pytest.approx([0.05 * (160 - 42 / 0.95)])


def test_last_fee_caps_the_price() -> None:
    # Need of 80: 65 abated, 0.05 * 95 = 4.75 at 20 and the last 10.25 at 45.
    found = clear(market(EscalatingPenalty(steps=FEES), years=1, supply=80.0)).dataset
    assert found.step_used.values[:, 0] == pytest.approx([4.75, 10.25])
    assert found.allowance_price.values == pytest.approx([45.0])


def test_fees_above_the_price_do_not_matter() -> None:
    dear = {"small": {"price": 50.0, "up_to": 0.05}, "rest": {"price": 90.0}}
    found = clear(market(EscalatingPenalty(steps=dear), years=1, supply=110.0)).dataset
    assert found.penalty_tonnes.values == pytest.approx([0.0])
    assert found.allowance_price.values == pytest.approx([40.0])


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ({}, "steps is empty"),
        ({"a": {"price": 30.0, "up_to": 0.1}, "b": {"price": 20.0}}, "no convex programme"),
        ({"a": {"price": 30.0}, "b": {"price": 40.0}}, "up_to"),
        ({"a": {"price": 1.0, "up_to": 0.2}, "b": {"price": 2.0, "up_to": 0.1}, "c": {"price": 3.0}}, "must rise"),
    ],
)
def test_wrong_scales_are_refused_by_reason(steps: dict[str, dict[str, float]], told: str) -> None:
    with pytest.raises(InputError, match=told):
        market(EscalatingPenalty(steps=steps), supply=110.0)


def test_fine_of_five_times_the_price_changes_nothing_and_is_published() -> None:
    without = clear(market(supply=(110.0, 100.0))).dataset
    found = clear(market(PriceLinkedFine(multiple=5.0), supply=(110.0, 100.0))).dataset
    assert found.allowance_price.values == pytest.approx(without.allowance_price.values)
    assert found.price_linked_fine.values == pytest.approx(5 * without.allowance_price.values)
    assert found.penalty_tonnes.values == pytest.approx([0.0, 0.0])


def test_fine_that_follows_the_price_is_no_cap() -> None:
    # 65 t can be abated, 80 are needed: at every price the fine is dearer than the price.
    with pytest.raises(InfeasibleError, match="price_linked_fine gives no cap"):
        clear(market(PriceLinkedFine(multiple=5.0), supply=(110.0, 80.0)))


def test_weakly_enforced_fine_without_a_cut_is_refused() -> None:
    # 5 * 0.1 = 0.5 of the price: whatever the price, leaving all unmet costs half of it.
    with pytest.raises(InputError, match=r"0\.5 of the price in 2025.*everybody would leave everything unmet"):
        market(PriceLinkedFine(multiple=5.0, enforcement=0.1), supply=110.0)
    assert clear(market(PriceLinkedFine(multiple=5.0, enforcement=0.2), supply=110.0)).certificate.passed


def test_cut_makes_up_for_weak_enforcement_while_prices_hold() -> None:
    # p = 40 in both years. 2025: 0.5 * 40 + 40 / 1.05 = 58.1 >= 40. 2026: 20 + 25 >= 40, but 20 + 10 < 40.
    fine = PriceLinkedFine(multiple=0.5, cut=1.0, beyond=25.0)
    assert clear(market(fine, supply=(110.0, 100.0))).dataset.price_linked_fine.values == pytest.approx([20.0, 20.0])
    with pytest.raises(InfeasibleError, match=r"clears 2026 .* costs 30 CNY/t only"):
        clear(market(PriceLinkedFine(multiple=0.5, cut=1.0, beyond=10.0), supply=(110.0, 100.0)))


def test_cut_that_has_ended_no_longer_makes_up() -> None:
    with pytest.raises(InputError, match=r"of the price in 2026"):
        market(PriceLinkedFine(multiple=[0.5, 0.5], cut=1.0, until=2025), supply=110.0)
    fine = PriceLinkedFine(multiple=[0.5, 5.0], cut=1.0, until=2025)
    assert clear(market(fine, supply=(110.0, 100.0))).certificate.passed


def test_cheap_next_year_makes_the_cut_too_small() -> None:
    # p_2025 = 40, p_2026 = 10: a missing tonne of 2025 costs 0.5 * 40 + 10 / 1.05 = 29.5 < 40.
    with pytest.raises(InfeasibleError, match="clears 2025"):
        clear(market(PriceLinkedFine(multiple=[0.5, 5.0], cut=1.0), supply=(110.0, 150.0)))


def test_one_rule_on_what_is_left_unmet() -> None:
    with pytest.raises(InputError, match="stands beside penalty"):
        market(PriceLinkedFine(multiple=5.0), Penalty(price=60.0), supply=110.0)


@pytest.mark.parametrize("engine", ["programme", "price_search", "best_response"])
def test_every_engine_holds_the_price_linked_fine(engine: str) -> None:
    found = clear(market(Banking(), PriceLinkedFine(multiple=7.0), supply=(120.0, 95.0)), engine=engine)  # type: ignore[arg-type]
    assert found.dataset.price_linked_fine.values == pytest.approx(7 * found.dataset.allowance_price.values)


@pytest.mark.parametrize("engine", ["price_search", "best_response"])
def test_other_engines_refuse_a_cut_by_name(engine: str) -> None:
    with pytest.raises(InputError, match="next_year_cut"):
        clear(market(NextYearCut(price=1.0), supply=(110.0, 100.0)), engine=engine)  # type: ignore[arg-type]


def test_study_reads_fine_and_cut_with_their_dates() -> None:
    # The cut holds for shortfalls of 2024 and no longer for those of 2025, due after the new code.
    years = (2023, 2024, 2025)
    setting = MarketSetting(years, np.zeros(3), np.ones(3), np.ones(3))
    (fine,) = PriceLinkedFine.from_parameters(read_scenario("panzhihua").parameters, setting)
    assert isinstance(fine, PriceLinkedFine)
    assert fine.multiple == pytest.approx([5.0, 5.0, 5.0])
    assert fine.cut == pytest.approx([1.0, 1.0, 0.0])
    (cut,) = NextYearCut.from_parameters(read_scenario("panzhihua").parameters, setting)
    assert cut.yearly()["ratio"] == pytest.approx([1.0, 1.0, 0.0])


def test_no_study_lists_an_escalating_penalty() -> None:
    setting = MarketSetting((2025,), np.zeros(1), np.ones(1), np.ones(1))
    with pytest.raises(ParameterError, match="problem file"):
        EscalatingPenalty.from_parameters(read_scenario("panzhihua").parameters, setting)


def test_only_a_fine_above_the_price_is_cut_into_windows() -> None:
    years = (2025, 2026)
    window = PriceLinkedFine(multiple=[5.0, 7.0]).in_years(1, 2, years)
    assert window is not None
    assert window.multiple == pytest.approx([7.0])
    with pytest.raises(InputError, match="rests on the cut"):
        PriceLinkedFine(multiple=0.5, cut=1.0, beyond=9.0).in_years(0, 1, years)
    fees = EscalatingPenalty(steps={"small": {"price": [20.0, 25.0], "up_to": 0.05}, "rest": {"price": 45.0}})
    later = fees.in_years(1, 2, years)
    assert later is not None
    assert later.supply_steps((2026,))[0].price == pytest.approx([25.0])
    with pytest.raises(InputError, match="cannot be cut into windows"):
        NextYearCut(price=1.0).in_years(0, 1, years)
