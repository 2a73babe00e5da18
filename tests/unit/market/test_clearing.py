"""What clearing does: engines, instruments, coverage, intervals, infeasible caps and open markets."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from builders import collared_market, every_instrument, linear_market, market
from carbonsim.allocation.obligations import CollaredIntensity
from carbonsim.errors import InfeasibleError, InputError
from carbonsim.market import MarketProblem, Options, ResponseTerm, clear
from carbonsim.market.instruments.auction_floor import AuctionFloor
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.instruments.offsets import Offsets
from carbonsim.market.instruments.penalty import Penalty
from carbonsim.market.instruments.price_ceiling import PriceCeiling
from carbonsim.market.instruments.reserve_tier import ReserveTier

ENGINES = ["programme", "price_search", "best_response"]


def price(problem: MarketProblem, engine: str = "best_response") -> np.ndarray:
    return clear(problem, engine=engine).dataset.allowance_price.values


@pytest.mark.parametrize("engine", ENGINES)
def test_ample_cap_gives_price_zero_and_allowances_expire(engine: str) -> None:
    found = clear(market(supply=(200.0, 200.0)), engine=engine).dataset
    assert found.allowance_price.values == pytest.approx([0.0, 0.0])
    assert found.expired.values == pytest.approx([40.0, 40.0])


@pytest.mark.parametrize("engine", ENGINES)
def test_cap_met_exactly_by_a_step_leaves_the_price_an_interval(engine: str) -> None:
    # 160 - 140 = 20 t is all of north/a at 10; the next step costs 25.
    found = clear(market(supply=140.0, years=1), engine=engine).dataset
    assert found.price_low.item() == pytest.approx(10.0)
    assert found.price_high.item() == pytest.approx(25.0)


@pytest.mark.parametrize("engine", ENGINES)
def test_exhausted_abatement_has_no_upper_bound(engine: str) -> None:
    # 160 - 95 = 65 t is every option; without a ceiling nothing bounds the price from above.
    found = clear(market(supply=95.0, years=1), engine=engine).dataset
    assert found.price_low.item() == pytest.approx(40.0)
    assert np.isnan(found.price_high.item())


@pytest.mark.parametrize("engine", ENGINES)
def test_infeasible_cap_names_year_tonnes_and_rules(engine: str) -> None:
    # 160 - 65 = 95 t remain after every option; 90 are issued in 2026.
    with pytest.raises(InfeasibleError, match=r"2026: 5 t.*supply of 2026.*carrying allowances over") as caught:
        clear(market(supply=(100.0, 90.0)), engine=engine)
    assert "price_ceiling" in str(caught.value)


@pytest.mark.parametrize("engine", ENGINES)
def test_infeasible_cap_with_banking_names_borrowing(engine: str) -> None:
    with pytest.raises(InfeasibleError, match=r"2025: 5 t.*banking.borrowing"):
        clear(market(Banking(), supply=(90.0, 200.0)), engine=engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_ceiling_sells_what_is_missing(engine: str) -> None:
    found = clear(market(PriceCeiling(price=50.0), supply=(90.0, 95.0)), engine=engine).dataset
    assert found.allowance_price.values[0] == pytest.approx(50.0)
    assert found.price_basis.values[0] == "ceiling"
    assert found.ceiling_sold.values == pytest.approx([5.0, 0.0], abs=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
def test_open_ceiling_next_year_bounds_this_years_price(engine: str) -> None:
    # Waiting for a 42 ceiling is worth 42 / 1.05 = 40 today, and 2025 holds allowances over.
    found = clear(market(Banking(), PriceCeiling(price=[np.nan, 42.0]), supply=(130.0, 50.0)), engine=engine).dataset
    assert found.allowance_price.values == pytest.approx([40.0, 42.0])


@pytest.mark.parametrize("engine", ENGINES)
def test_fee_without_make_good_caps_the_price(engine: str) -> None:
    found = clear(market(Penalty(price=30.0), supply=100.0), engine=engine).dataset
    assert found.allowance_price.values == pytest.approx([30.0, 30.0])
    # 160 - 100 = 60 t needed; 35 t cost at most 30, so 25 t stay unmet.
    assert found.penalty_tonnes.values == pytest.approx([25.0, 25.0])
    assert found.net_purchase.values.sum() == pytest.approx(200.0)


def test_price_may_exceed_a_fee_with_make_good() -> None:
    # What is left unmet in 2025 costs 20 and one allowance of 2026 at 60, so p = 20 + 60 / 1.05 would be the limit.
    problem = market(
        Penalty(price=[20.0, 20.0], make_good=True), PriceCeiling(price=[np.nan, 60.0]), supply=(80.0, 80.0)
    )
    found = clear(problem)
    assert found.engine == "programme"
    assert found.dataset.allowance_price.values == pytest.approx([20 + 60 / 1.05, 60.0])
    # 160 - 65 - 80 = 15 t are missing in each year; those of 2025 come back in 2026.
    assert found.dataset.make_good.values == pytest.approx([0.0, 15.0])
    assert found.dataset.ceiling_sold.values == pytest.approx([0.0, 30.0])


def test_best_response_refuses_make_good_by_name() -> None:
    with pytest.raises(InputError, match="penalty"):
        clear(market(Penalty(price=20.0, make_good=True), supply=100.0), engine="best_response")


@pytest.mark.parametrize("engine", ENGINES)
def test_offsets_up_to_a_share_of_obligations_raise_the_price_of_the_last_step(engine: str) -> None:
    # Offsets at 12 cover 10 %: a step at 25 is worth it from (25 - 0.1 * 12) / 0.9 on.
    # Need 160 - 125 = 35: 20 t at 10, offsets 0.1 * 140 = 14, and the last tonne from the 25 step.
    found = clear(market(Offsets(price=12.0, share_limit=0.1), supply=125.0, years=1), engine=engine).dataset
    assert found.allowance_price.item() == pytest.approx((25 - 1.2) / 0.9)
    # x + 0.1 * (140 - x) = 15 gives x = 1 / 0.9.
    assert found.offsets_used.item() == pytest.approx(0.1 * (140 - 1 / 0.9))


@pytest.mark.parametrize("engine", ENGINES)
def test_offsets_up_to_a_quantity_leave_thresholds_alone(engine: str) -> None:
    found = clear(market(Offsets(price=12.0, quantity=14.0), supply=125.0, years=1), engine=engine).dataset
    assert found.allowance_price.item() == pytest.approx(25.0)
    assert found.offsets_used.item() == pytest.approx(14.0)


@pytest.mark.parametrize("engine", ENGINES)
def test_uncovered_enterprise_abates_only_what_pays_for_itself(engine: str) -> None:
    problem = market(supply=80.0, years=1)
    cost = problem.options.unit_cost.copy()
    cost[2] = -5.0
    share = np.array([[1.0], [0.0]])
    found = clear(
        dataclasses.replace(problem, options=dataclasses.replace(problem.options, unit_cost=cost), share=share),
        engine=engine,
    )
    assert found.dataset.option_abatement.values[:, 0] == pytest.approx([20.0, 0.0, 15.0])
    assert found.dataset.obligation.values[1, 0] == 0.0


@pytest.mark.parametrize("engine", ENGINES)
def test_partial_incentive_scales_the_threshold(engine: str) -> None:
    # With dA/de = 0.5 a tonne at 10 pays from a price of 20 on: MAC = phi p.
    problem = market(supply=60.0, years=1, per_emission=np.array([[0.5], [0.5]]))
    # Need 80 - 60 = 20 allowances = 40 t of cuts at half an allowance each: 20 + 15 and 5 t of the step at 40.
    found = clear(problem, engine=engine).dataset
    assert found.allowance_price.item() == pytest.approx(80.0)
    assert found.option_abatement.values[:, 0] == pytest.approx([20.0, 5.0, 15.0])


@pytest.mark.parametrize("engine", ENGINES)
def test_opening_bank_serves_later_years(engine: str) -> None:
    # Both years need 160; 130 + 130 + 20 leaves 40 t to cut over both years: 20 + 20 at 10, 10.5 discounted 10.
    found = clear(market(Banking(), supply=130.0, opening_bank=20.0), engine=engine).dataset
    assert found.price_low.values == pytest.approx([10.0, 10.5])
    assert found.bank.values == pytest.approx([10.0, 0.0], abs=1e-6)


def test_trades_sum_to_what_is_issued_less_what_is_banked() -> None:
    found = clear(market(*every_instrument())).dataset
    bought = found.net_purchase.sum("enterprise")
    issued = found.issued_fixed + found.sold_auction + found.reserve_sold.sum("tier") + found.ceiling_sold
    change = found.bank - found.bank.shift(year=1, fill_value=0.0)
    assert bought.values == pytest.approx((issued - change).values)


def test_engine_is_chosen_by_structure_and_says_why() -> None:
    assert "convex" in clear(market(supply=100.0)).engine_reason
    assert "CappedObligation" in clear(collared_market()).engine_reason
    linear = clear(linear_market((1.0, 2.0), (20.0, 20.0), 22.0))
    assert (linear.engine, "linear MACs" in linear.engine_reason) == ("price_search", True)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [({"supply": [1, 2]}, "supply has 2 values"), ({"instruments": {"penalty": {"rate": 3}}}, "price, make_good")],
)
def test_a_problem_written_by_hand_is_told_what_to_mend(wrong: dict[str, object], told: str) -> None:
    mapping: dict[str, object] = {"year": [2025, 2026, 2027], "enterprises": {"a": {"baseline": 1}}}
    with pytest.raises(InputError, match=told):
        MarketProblem.from_mapping(mapping | wrong)


def test_an_infeasible_cap_says_what_each_year_lacks_and_nothing_that_cannot_help() -> None:
    # Need with all abatement: 300 - 90 = 210 a year. Free 180, 170, 160; other supply 10, 5, 0; 5 carried in.
    # So 210 - 180 - 10 - 5 = 15, then 210 - 170 - 5 = 35, then 210 - 160 = 50 t; no later year could give back a loan.
    problem = MarketProblem.from_mapping(
        {
            "year": [2025, 2026, 2027],
            "enterprises": {"a": {"baseline": 100, "fixed": [80, 70, 60]}, "b": {"baseline": 200, "fixed": 100}},
            "options": {
                "a/x": {"enterprise": "a", "potential": 40, "unit_cost": 10},
                "b/x": {"enterprise": "b", "potential": 50, "unit_cost": 20},
            },
            "supply": [10, 5, 0],
            "opening_bank": 5,
            "instruments": {"banking": {}},
        }
    )
    with pytest.raises(InfeasibleError, match=r"2025: 15 t, 2026: 35 t, 2027: 50 t") as caught:
        clear(problem, engine="programme")
    assert "borrowing" not in str(caught.value)


def test_programme_refuses_best_response_rules_by_name() -> None:
    with pytest.raises(InputError, match="CollaredIntensity"):
        clear(collared_market(), engine="programme")


def test_balanced_sector_has_zero_net_demand_and_does_not_move_the_price() -> None:
    found = clear(collared_market()).dataset
    steel = found.net_purchase.sel(enterprise=["steel_a", "steel_b"]).sum("enterprise")
    assert steel.values == pytest.approx([0.0, 0.0], abs=1e-9)
    whole = collared_market()
    others = tuple(term for term in whole.responses if not term.balance_group)
    without = dataclasses.replace(whole, responses=others, options=_without_steel(whole.options))
    assert clear(without).dataset.allowance_price.values == pytest.approx(found.allowance_price.values)


def _without_steel(options: Options) -> Options:
    size = options.potential.copy()
    size[1:4] = 0.0
    return dataclasses.replace(options, potential=size)


def test_only_balanced_sectors_leave_the_price_undetermined() -> None:
    found = clear(collared_market(share_of_others=0.0))
    assert np.isnan(found.dataset.allowance_price.values).all()
    assert set(found.dataset.price_basis.values) == {"indeterminate"}
    assert found.dataset.price_low.values == pytest.approx([0.0, 0.0])
    assert np.isnan(found.dataset.price_high.values).all()
    assert "undetermined" in repr(found)


def test_ceiling_bounds_an_undetermined_price() -> None:
    found = clear(collared_market(share_of_others=0.0, instruments=(PriceCeiling(price=90.0),))).dataset
    assert found.price_high.values == pytest.approx([90.0, 90.0])


def test_single_unit_that_would_have_to_be_cut_in_half_has_no_price() -> None:
    # Below 60 t of allowances the obligation is capped at 20 % of emissions, so cutting all 40 t at once is the
    # only alternative to none: net demand jumps from 16 to 0 over a supply of 8.
    from carbonsim.allocation.obligations import CappedObligation

    problem = MarketProblem(
        enterprise=("power",),
        year=(2025,),
        baseline=np.zeros((1, 1)),
        share=np.ones((1, 1)),
        fixed=np.zeros((1, 1)),
        per_emission=np.zeros((1, 1)),
        options=Options(("power/m",), np.array([0]), np.array([[40.0]]), np.array([[10.0]]), np.zeros((1, 1))),
        supply=np.array([8.0]),
        responses=(ResponseTerm(0, 2025, 100.0, 0.0, CappedObligation(60.0, 0.2), (0,)),),
    )
    with pytest.raises(InfeasibleError, match="no price in 2025"):
        clear(problem)
    # A block of many such units may split: half of its units act.
    block = dataclasses.replace(
        problem,
        responses=(ResponseTerm(0, 2025, 100.0, 0.0, CappedObligation(0.6, 0.2), (0,), weight=100.0),),
    )
    found = clear(block).dataset
    # Cutting 40 t at 10 saves 20 t of net demand, from 20 to 0: worth it from 400 / 20 on.
    assert found.allowance_price.item() == pytest.approx(20.0)
    assert found.abatement.values.item() == pytest.approx(40.0 * 12 / 20)


def test_given_price_is_answered_and_bought_outside() -> None:
    found = clear(market(given_price=np.array([30.0, 5.0]), supply=0.0))
    # At 30 the steps at 10 and 25 pay, at 5 none does.
    assert found.dataset.abatement.sum("enterprise").values == pytest.approx([35.0, 0.0])
    assert found.dataset.external_purchase.values == pytest.approx([125.0, 160.0])
    assert set(found.dataset.price_basis.values) == {"given"}


def test_instrument_without_effect_at_a_given_price_is_refused() -> None:
    with pytest.raises(InputError, match="price_ceiling"):
        market(PriceCeiling(price=50.0), given_price=np.array([30.0, 5.0]))


@pytest.mark.parametrize("instrument", [
    AuctionFloor(quantity=0.0, price=5.0),
    ReserveTier(price=np.nan, quantity=5.0),
    Offsets(price=5.0, share_limit=0.0),
    PriceCeiling(price=np.nan),
    Penalty(price=np.nan),
], ids=lambda instrument: instrument.label)  # fmt: skip
def test_declared_instrument_that_offers_nothing_raises(instrument: object) -> None:
    with pytest.raises(InputError, match="offers nothing"):
        market(instrument)  # type: ignore[arg-type]


def test_banking_in_a_single_year_raises() -> None:
    with pytest.raises(InputError, match="one year"):
        market(Banking(), years=1, supply=100.0)


def test_all_problems_of_a_problem_are_reported_at_once() -> None:
    with pytest.raises(InputError) as caught:
        market(
            supply=-1.0,
            interest=-2.0,
            share=np.array([[1.5, 1.0], [1.0, 1.0]]),
            opening_bank=np.inf,
        )
    text = str(caught.value)
    assert len(caught.value.issues) == 4
    assert all(word in text for word in ("supply", "interest", "share of north in 2025", "opening_bank"))


def test_wrong_shape_and_missing_number_name_the_array() -> None:
    with pytest.raises(InputError, match=r"fixed has shape"):
        market(fixed=np.zeros((2, 3)))
    with pytest.raises(InputError, match=r"baseline of south in 2026"):
        market(baseline=np.array([[100.0, 100.0], [60.0, np.nan]]))


def test_mapping_names_a_misspelt_key() -> None:
    with pytest.raises(InputError, match="Did you mean 'enterprises'"):
        MarketProblem.from_mapping({"year": [2025], "enterprisse": {}})


def test_repr_reads_as_mathematics() -> None:
    text = repr(market(Banking(), PriceCeiling(price=50.0)))
    assert "min" in text
    assert "price_ceiling_y + B_(y-1) - B_y" in text


def test_collar_with_a_given_balance_value_is_searched_in_both_channels() -> None:
    # One steel works, E = 100 of which 60 key, q B = 60: a = 0. At p = 200 the key tonne is worth
    # 200 * 0.15 * 100 / 60 = 50 before it is cut, other tonnes nothing.
    problem = MarketProblem(
        enterprise=("steel",),
        year=(2025,),
        baseline=np.zeros((1, 1)),
        share=np.ones((1, 1)),
        fixed=np.zeros((1, 1)),
        per_emission=np.zeros((1, 1)),
        options=Options(
            label=("steel/key", "steel/other"),
            enterprise=np.array([0, 0]),
            potential=np.array([[10.0], [10.0]]),
            unit_cost=np.array([[30.0], [1.0]]),
            slope=np.zeros((2, 1)),
        ),
        supply=np.zeros(1),
        responses=(ResponseTerm(0, 2025, 60.0, 40.0, CollaredIntensity(60.0, 0.15, 0.03, 1.0), (0,), (1,)),),
        given_price=np.array([200.0]),
    )  # fmt: skip
    found = clear(problem).dataset
    # All 10 t of the key channel pay: net demand falls to -2.25 t at the end (a = 0.025, E = 90).
    assert found.option_abatement.values[:, 0] == pytest.approx([10.0, 0.0])
    assert found.net_purchase.item() == pytest.approx(-0.025 * 90)


@pytest.mark.parametrize("engine", ENGINES)
def test_debt_is_repaid_in_a_year_without_obligations(engine: str) -> None:
    # Nobody is covered in 2026; the 60 t of supply then repay what 2025 borrowed (limit 60).
    share = np.array([[1.0, 0.0], [1.0, 0.0]])
    found = clear(market(Banking(borrowing=60.0), supply=(80.0, 60.0), share=share), engine=engine).dataset
    assert found.bank.values == pytest.approx([-60.0, 0.0])
    assert found.abatement.values[:, 0].sum() == pytest.approx(20.0)


def test_single_unit_acts_whole_at_price_zero() -> None:
    # Half of a measure that costs nothing would do; the unit takes all of it and allowances expire.
    from carbonsim.allocation.obligations import CappedObligation

    problem = MarketProblem(
        enterprise=("power",),
        year=(2025,),
        baseline=np.zeros((1, 1)),
        share=np.ones((1, 1)),
        fixed=np.zeros((1, 1)),
        per_emission=np.zeros((1, 1)),
        options=Options(("power/m",), np.array([0]), np.array([[40.0]]), np.zeros((1, 1)), np.zeros((1, 1))),
        supply=np.array([8.0]),
        responses=(ResponseTerm(0, 2025, 100.0, 0.0, CappedObligation(60.0, 0.2), (0,)),),
    )
    found = clear(problem).dataset
    assert found.allowance_price.item() == 0.0
    assert found.abatement.values.item() == pytest.approx(40.0)
    assert found.expired.item() == pytest.approx(8.0)


@pytest.mark.parametrize("tool", [{"penalty": {"price": [20, None]}}, {"offsets": {"price": 20, "quantity": [40, 0]}}])
@pytest.mark.parametrize("engine", ENGINES)
def test_what_stands_in_for_allowances_may_not_exceed_what_is_surrendered(engine: str, tool: dict[str, object]) -> None:
    # 10 t are due in 2025; leaving 50 t unmet at 20, or using 40 credits, would mint allowances for 2026, dear at 60.
    problem = MarketProblem.from_mapping({
        "year": [2025, 2026], "supply": [10, 50],
        "enterprises": {"a": {"baseline": [10, 100]}},
        "options": {"a/m": {"enterprise": "a", "potential": [0, 100], "unit_cost": 60}},
        "instruments": {"banking": {}, **tool},
    })  # fmt: skip
    with pytest.raises(InputError, match="only 10 t have to be surrendered"):
        clear(problem, engine)  # type: ignore[arg-type]


def test_a_fee_limited_to_the_obligation_leaves_the_later_price_alone() -> None:
    # All 10 t of 2025 are left unmet at 20 and its 10 allowances kept: 40 of 50 t are cut at 60 in 2026.
    problem = MarketProblem.from_mapping({
        "year": [2025, 2026], "supply": [10, 50],
        "enterprises": {"a": {"baseline": [10, 100]}},
        "options": {"a/m": {"enterprise": "a", "potential": [0, 100], "unit_cost": 60}},
        "instruments": {"banking": {}, "escalating_penalty": {"steps": {
            "fee": {"price": [20, None], "up_to": 1}, "beyond": {"price": 1000}}}},
    })  # fmt: skip
    data = clear(problem).dataset
    assert data.penalty_tonnes.values == pytest.approx([10, 0])
    assert data.allowance_price.values == pytest.approx([60, 60])
    assert data.abatement_cost.values.sum() == pytest.approx(40 * 60)
