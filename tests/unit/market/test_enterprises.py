"""A balance for each enterprise: same answer as yearly totals without frictions, hand-worked frictions, the audit."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import numpy as np
import pytest

from builders import beside, collared_market, linear_market, market, one_of_each
from carbonsim.errors import CertificateError, InfeasibleError, InputError, ParameterError, SolverError
from carbonsim.market import Instrument, Market, MarketProblem, Options, audit, clear, instruments
from carbonsim.market.certificate import audit_lines, check_certificate
from carbonsim.market.clearing import Clearing
from carbonsim.market.enterprise_clearing import clear_by_enterprises
from carbonsim.market.enterprise_data import EnterpriseData
from carbonsim.market.enterprise_instrument import EnterpriseInstrument
from carbonsim.market.enterprise_programme import declare_enterprises, tiled_programme
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.instruments.carry_over_limit import CarryOverLimit
from carbonsim.market.instruments.holding_limit import HoldingLimit
from carbonsim.market.instruments.offsets import Offsets
from carbonsim.market.instruments.penalty import Penalty
from carbonsim.market.instruments.price_ceiling import PriceCeiling
from carbonsim.market.instruments.trade_limit import TradeLimit
from carbonsim.market.instruments.transaction_cost import TransactionCost
from carbonsim.market.ledger import market_dataset
from carbonsim.market.programme import clear_by_programme
from carbonsim.solving import compile_programme
from corruption import missed

STEPS = ("banking", "offsets", "penalty", "auction_floor", "reserve_tier", "price_ceiling")

AGREE: dict[str, MarketProblem] = {
    "plain": market(supply=100.0),
    "banking": market(Banking(), supply=(110.0, 90.0)),
    "borrowing and an opening bank": market(Banking(borrowing=20.0), opening_bank=10.0, supply=(100.0, 95.0)),
    "allowances owed from before": market(Banking(), opening_bank=-10.0, supply=(130.0, 100.0)),
    "every step": market(*(one_of_each()[name] for name in STEPS)),
    "offsets by quantity": market(Offsets(price=[20.0, 30.0], quantity=9.0), supply=100.0),
    "make good": market(Banking(), Penalty(price=[20.0, 20.0], make_good=True), PriceCeiling(price=60.0)),
    "surplus": market(Banking(), supply=400.0),
    "staged coverage": market(
        Banking(),
        supply=(75.0, 130.0),
        share=np.array([[1.0, 1.0], [0.0, 1.0]]),
        fixed=np.array([[5.0] * 2, [3.0] * 2]),
    ),
    "unequal incentives": market(supply=66.0, per_emission=np.array([[0.3, 0.3], [0.5, 0.4]])),
    "linear": linear_market((2.0, 1.0), (20.0, 20.0), 22.0),
    "nobody covered at first": market(supply=(0.0, 100.0), share=np.array([[0.0, 1.0], [0.0, 1.0]])),
}


def cost_of(problem: MarketProblem, clearing: Clearing) -> float:
    """Discounted cost of measures and of what steps sell, from the quantities."""
    options, used = problem.options, clearing.abatement
    cost = problem.discount @ np.sum(options.unit_cost * used + options.slope * used**2 / 2, axis=0)
    for step, tonnes in zip(problem.steps, clearing.step_used, strict=True):
        cost += problem.discount @ (np.nan_to_num(step.price) * tonnes)
    return float(cost)


def assert_agree(problem: MarketProblem) -> Clearing:
    whole, each = clear_by_programme(problem, ""), clear_by_enterprises(problem, "")
    assert each.price_low == pytest.approx(whole.price_low, rel=1e-9, abs=1e-9)
    assert each.price_high == pytest.approx(whole.price_high, rel=1e-9, abs=1e-9)
    assert each.price == pytest.approx(whole.price, rel=1e-9, abs=1e-9, nan_ok=True)
    assert cost_of(problem, each) == pytest.approx(cost_of(problem, whole), rel=1e-9, abs=1e-9)
    return each


@pytest.mark.parametrize("name", AGREE)
def test_without_frictions_price_and_cost_are_those_of_yearly_totals(name: str) -> None:
    problem = AGREE[name]
    each = assert_agree(problem)
    assert each.enterprises is not None
    covered = problem.share > 0
    at_price = np.broadcast_to(np.nan_to_num(each.price, nan=0.0), covered.shape)
    if not np.isnan(each.price).any():
        assert each.enterprises.price[covered] == pytest.approx(at_price[covered], abs=1e-9)
    check_certificate(audit(problem, market_dataset(problem, each)))


def random_market(seed: int, *more: Instrument) -> MarketProblem:
    """Four enterprises over three years with nine steps, offsets, a ceiling, and mostly banking."""
    rng = np.random.default_rng(seed)
    firms, years, options = 4, 3, 9
    baseline = rng.uniform(50, 150, (firms, years))
    owner = rng.integers(0, firms, options)
    count = np.maximum(np.bincount(owner, minlength=firms), 1)
    size = rng.uniform(0.1, 1.0, (options, years)) * baseline[owner] / count[owner][:, None]
    tools: list[Instrument] = [Offsets(price=rng.uniform(20, 60), share_limit=0.05), PriceCeiling(price=80.0)]
    return MarketProblem(
        enterprise=tuple(f"firm_{e}" for e in range(firms)),
        year=tuple(range(2025, 2025 + years)),
        baseline=baseline,
        share=np.ones((firms, years)),
        fixed=rng.uniform(20, 60, (firms, years)),
        per_emission=rng.choice([0.0, 0.2], (firms, years)),
        options=Options(
            tuple(f"option_{o}" for o in range(options)),
            owner,
            size,
            np.round(rng.uniform(-5, 70, (options, years))),
            np.zeros((options, years)),
        ),
        supply=rng.uniform(0, 60, years),
        interest=0.05,
        opening_bank=float(rng.uniform(0, 20)),
        instruments=(*tools, Banking(), *more) if seed % 3 or more else tuple(tools),
    )


@pytest.mark.parametrize("seed", range(12))
def test_random_markets_agree_with_yearly_totals(seed: int) -> None:
    assert_agree(random_market(seed))


@pytest.mark.parametrize("seed", range(6))
def test_random_frictions_pass_the_audit_and_never_lower_cost(seed: int) -> None:
    rng = np.random.default_rng(100 + seed)
    frictions: tuple[Instrument, ...] = (
        TransactionCost(purchase=rng.uniform(0, 8), sale=1.0, participation=float(rng.choice([0.0, 50.0]))),
        HoldingLimit(limit=rng.uniform(1, 15)),
        TradeLimit(place={"firm_0": "hills", "firm_1": "hills"}, purchases={"hills": rng.uniform(80, 200)}),
    )
    problem = random_market(seed, *frictions)
    found = clear_by_enterprises(problem, "")
    dataset = market_dataset(problem, found)
    check_certificate(audit(problem, dataset))
    plain = clear_by_programme(dataclasses.replace(problem, instruments=problem.instruments[:3]), "")
    spent = float(problem.discount @ dataset.transaction_cost.values.sum(axis=0))
    assert cost_of(problem, found) + spent >= cost_of(problem, plain) - 1e-6


TILED = {
    **AGREE,
    **{name: market(*beside(name), one_of_each()[name]) for name in instruments if one_of_each()[name].by_enterprise},
    "volume": market(TransactionCost(volume=[5.0, 50.0], volume_cost=[3.0, 2.0, 1.0], participation=[0.0, 10.0])),
    "fields": market(
        Banking(),
        CarryOverLimit(
            year=2025, counting=(2025,), base={"power": 1.0, "industry": 5.0}, multiple={"power": 1.5, "industry": 0.0},
            field_of={"north": "power", "south": "industry"},
        ),
        fixed=np.array([[120.0, 50.0], [20.0, 50.0]]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TILED)
def test_tiled_programme_is_the_declared_one(name: str) -> None:
    data = EnterpriseData(TILED[name])
    tiled, declared = tiled_programme(data).programme, compile_programme(declare_enterprises(data))
    row = {label: position for position, label in enumerate(declared.rows)}
    column = {label: position for position, label in enumerate(declared.columns)}
    # Same names; the order is shared rows first, then enterprise by enterprise within each cohort.
    assert set(tiled.rows) == set(row)
    assert set(tiled.columns) == set(column)
    assert (len(tiled.rows), len(tiled.columns)) == (len(row), len(column))
    rows, columns = [row[label] for label in tiled.rows], [column[label] for label in tiled.columns]
    assert np.array_equal(tiled.matrix.toarray(), declared.matrix.toarray()[np.ix_(rows, columns)])
    assert np.array_equal(tiled.cost, declared.cost[columns])
    for name_of, places in (
        ("row_lower", rows),
        ("row_upper", rows),
        ("column_lower", columns),
        ("column_upper", columns),
    ):
        assert np.array_equal(getattr(tiled, name_of), getattr(declared, name_of)[places])
    assert (tiled.integer is None) == (declared.integer is None)
    if tiled.integer is not None and declared.integer is not None:
        assert np.array_equal(tiled.integer, declared.integer[columns])
    assert (tiled.hessian is None) == (declared.hessian is None)
    if tiled.hessian is not None and declared.hessian is not None:
        assert np.array_equal(tiled.hessian.toarray(), declared.hessian.toarray()[np.ix_(columns, columns)])


def test_enterprises_of_one_structure_are_one_cohort() -> None:
    data = EnterpriseData(linear_market((2.0, 1.0, 3.0), (20.0, 20.0, 20.0), 30.0))
    assert [len(members.enterprise) for members in data.cohorts] == [3]


def trading(**cost: Any) -> MarketProblem:
    """North has 100 t of need, 100 given and 20 t at 10 CNY/t; south lacks 15 t and can cut them at 14 CNY/t."""
    return MarketProblem.from_mapping(
        {
            "year": [2025],
            "enterprises": {"north": {"baseline": 100, "fixed": 100}, "south": {"baseline": 100, "fixed": 85}},
            "options": {
                "north/a": {"enterprise": "north", "potential": 20, "unit_cost": 10},
                "south/b": {"enterprise": "south", "potential": 15, "unit_cost": 14},
            },
            "instruments": {"transaction_cost": cost},
        }
    )


def bought(cleared: Market) -> float:
    return float(cleared.dataset.purchased.sel(enterprise="south").item())


def test_buyer_and_seller_differ_by_the_transaction_cost() -> None:
    cleared = clear(trading(purchase=1, sale=1))
    # North sells at its cost 10 + 1; south pays 11 + 1 = 12, below its own 14.
    assert cleared.dataset.allowance_price.item() == pytest.approx(11.0)
    assert cleared.dataset.enterprise_price.values[:, 0] == pytest.approx([10.0, 12.0])
    assert bought(cleared) == pytest.approx(15.0)
    assert cleared.dataset.transaction_cost.values[:, 0] == pytest.approx([15.0, 15.0])


def test_nobody_trades_inside_the_band_and_allocation_decides_who_abates() -> None:
    cleared = clear(trading(purchase=3, sale=2))
    # Trade would cost 10 + 2 + 3 = 15 > 14. South cuts its 15 t, so p >= 14 - 3; north has room, so p <= 10 + 2.
    assert bought(cleared) == 0.0
    assert cleared.dataset.option_abatement.values[:, 0] == pytest.approx([0.0, 15.0])
    assert cleared.dataset.price_low.item() == pytest.approx(11.0)
    assert cleared.dataset.price_high.item() == pytest.approx(12.0)


def test_fixed_cost_of_taking_part_leaves_enterprises_to_themselves_once_it_is_too_dear() -> None:
    # Trading saves 15 * (14 - 10) = 60 and costs both the fee: worth it below 30 each.
    assert bought(clear(trading(participation=29))) == pytest.approx(15.0)
    alone = clear(trading(participation=31))
    assert bought(alone) == 0.0
    assert alone.dataset.price_basis.item() == "indeterminate"
    assert clear(trading(participation=29)).dataset.price_basis.item() == "fixed_integer_dual"


def test_falling_unit_cost_is_paid_part_by_part_and_the_last_part_sets_the_margin() -> None:
    cleared = clear(trading(volume=[5], volume_cost=[2.5, 1.0]))
    # 15 t: 5 at 2.5 and 10 at 1 = 22.5 each; 150 + 45 = 195 < 210 of doing without. At the margin 1 on either side.
    assert cleared.dataset.transaction_cost.values[:, 0] == pytest.approx([22.5, 22.5])
    assert cleared.dataset.allowance_price.item() == pytest.approx(11.0)
    assert cleared.dataset.enterprise_price.values[:, 0] == pytest.approx([10.0, 12.0])


def test_transaction_cost_that_is_negligible_leaves_the_frictionless_market() -> None:
    problem = market(TransactionCost(purchase=1e-7), supply=100.0)
    plain = clear(market(supply=100.0)).dataset
    assert clear(problem).dataset.allowance_price.values == pytest.approx(plain.allowance_price.values, abs=1e-6)


def carrying(**changes: Any) -> MarketProblem:
    """North has 100 t too many in 2025 and lacks 100 t in 2026; south lacks 30 t in 2025; interest 0."""
    rule: dict[str, Any] = {"year": 2025, "counting": [2025], "base": 10, "multiple": 1.5, **changes}
    return MarketProblem.from_mapping(
        {
            "year": [2025, 2026],
            "enterprises": {
                "north": {"baseline": 100, "fixed": [200, 0]},
                "south": {"baseline": 100, "fixed": [70, 100]},
            },
            "options": {
                "south/a": {"enterprise": "south", "potential": [20, 0], "unit_cost": 20},
                "north/b": {"enterprise": "north", "potential": [0, 60], "unit_cost": 50},
            },
            "instruments": {"banking": {}, "carry_over_limit": rule},
        }
    )


def test_carry_over_limit_by_hand() -> None:
    found = clear(carrying()).dataset
    # North sells s and keeps 100 - s <= 10 + 1.5 s, so s >= 36; south needs 30 - a and keeps at most 10, so
    # 36 = 30 - a + 10 and a = 4 t at 20. Kept: 64 + 10; missing in 2026: 100 - 74 = 26 t at 50.
    assert found.net_purchase.values[:, 0] == pytest.approx([-36.0, 36.0])
    assert found.enterprise_bank.values[:, 0] == pytest.approx([64.0, 10.0])
    assert found.option_abatement.values.tolist() == [[pytest.approx(4.0), 0.0], [0.0, pytest.approx(26.0)]]
    # p = 20, south's cost. A tonne kept is worth 50: south's limit 50 - 20 = 30. North: l = 20 + 1.5 (50 - l) = 38.
    assert found.allowance_price.values == pytest.approx([20.0, 50.0])
    assert found.enterprise_price.values[:, 0] == pytest.approx([38.0, 20.0])
    assert found.carry_over_worth.values.tolist() == [[pytest.approx(12.0), 0.0], [pytest.approx(30.0), 0.0]]
    assert found.carry_over_limit.values.tolist() == [64.0, 10.0]
    assert found.price_basis.values.tolist() == ["fixed_integer_dual"] * 2


def test_carry_over_limit_is_rounded_down_in_the_ledger_alone() -> None:
    found = clear(carrying(base=10.4)).dataset
    # s + 10.4 + 1.5 s = 100: s = 35.84, kept 64.16 and 10.4 of which the law lets 64 and 10.
    assert found.enterprise_bank.values[:, 0] == pytest.approx([64.16, 10.4])
    assert found.carry_over_limit.values.tolist() == [64.0, 10.0]
    assert found.carried_over.values.tolist() == [64.0, 10.0]
    assert found.carry_over_forgone.values == pytest.approx([0.16, 0.4])


def test_who_did_not_comply_keeps_nothing_and_a_sale_needs_a_buyer() -> None:
    found = clear(carrying(not_complied=["south"])).dataset
    # South keeps nothing, so it takes allowances it lets expire at price 0: north's sales still count, 36 t.
    assert found.enterprise_bank.values[:, 0] == pytest.approx([64.0, 0.0])
    assert found.net_purchase.values[:, 0] == pytest.approx([-36.0, 36.0])
    assert found.enterprise_expired.values[:, 0] == pytest.approx([0.0, 6.0])
    assert found.allowance_price.values[0] == 0.0


def test_market_that_clears_only_at_a_negative_price_is_refused() -> None:
    # South keeps nothing and pays 5 for each allowance it takes, so it takes more than it needs at p = -5 only.
    problem = carrying(not_complied=["south"])
    costly = dataclasses.replace(problem, instruments=(*problem.instruments, TransactionCost(purchase=5.0)))
    with pytest.raises(InfeasibleError, match="pay 5 CNY/t"):
        clear(costly)


def test_earlier_sales_and_fields_enter_the_limit() -> None:
    found = clear(carrying(sold_before={"north": 20.0})).dataset
    # s + 10 + 1.5 (s + 20) = 100: s = 24.
    assert found.enterprise_bank.values[0, 0] == pytest.approx(76.0)
    fields = {"base": {"power": 10, "industry": 100}, "multiple": {"power": 1.5, "industry": 0}}
    rule = clear(carrying(**fields, field_of={"north": "industry", "south": "power"})).dataset
    assert rule.carry_over_limit.values.tolist() == [100.0, 10.0]


def test_every_enterprise_whose_limit_can_grow_has_a_binary() -> None:
    def sellers(**changes: Any) -> list[str]:
        columns = tiled_programme(EnterpriseData(carrying(**changes))).programme.columns
        return [name for name in columns if "seller" in name]

    # Also north, which is never short: whether it gains by buying depends on the price (see test_enterprise_decisions).
    assert sellers() == [f"enterprise[{name}].carry_over_limit_seller[2025]" for name in ("north", "south")]
    assert sellers(not_complied=["south"]) == ["enterprise[north].carry_over_limit_seller[2025]"]
    assert sellers(multiple=0) == []


def test_holding_limit_by_hand() -> None:
    tools = (Banking(), HoldingLimit(limit=1.0, own={"south": 2.0}), PriceCeiling(price=[90.0, 60.0]))
    found = clear(market(*tools, supply=(120.0, 75.0))).dataset
    # Needs 160 t a year, cuts 20 at 10, 15 at 25, 30 at 40. Without the limit 20 t are carried, at 40 and 42. With it
    # 1 + 2 t: 2025 cuts 43 t, the last at 40; 2026 cuts all 65 t and buys 160 - 75 - 65 - 3 = 17 t at the ceiling.
    assert found.enterprise_bank.values[:, 0] == pytest.approx([1.0, 2.0])
    assert found.allowance_price.values == pytest.approx([40.0, 60.0])
    assert found.ceiling_sold.values == pytest.approx([0.0, 17.0])
    # A tonne more could be carried from 40 to 60, worth 60 / 1.05 in 2025.
    assert found.holding_limit_value.values == pytest.approx(np.array([[60 / 1.05 - 40, 0.0]] * 2))
    assert found.price_basis.values.tolist() == ["lp_dual", "ceiling"]


def spread(**limits: Any) -> MarketProblem:
    """North lacks 10 t and can cut 40 t at 20; south lacks 20 t and can cut 20 t at 50; 10 t are issued to all."""
    return MarketProblem.from_mapping(
        {
            "year": [2025],
            "supply": 10,
            "enterprises": {"north": {"baseline": 100, "fixed": 90}, "south": {"baseline": 100, "fixed": 80}},
            "options": {
                "south/a": {"enterprise": "south", "potential": 20, "unit_cost": 50},
                "north/b": {"enterprise": "north", "potential": 40, "unit_cost": 20},
            },
            "instruments": {"trade_limit": {"place": {"north": "hills", "south": "coast"}, **limits}},
        }
    )


def test_place_that_may_buy_no_more_has_a_price_above_the_market() -> None:
    found = clear(spread(purchases={"coast": 12})).dataset
    # South buys 12 and cuts 8 at 50; north cuts 10 - (10 - 12) = 12 at 20.
    assert found.option_abatement.values[:, 0] == pytest.approx([8.0, 12.0])
    assert found.allowance_price.item() == pytest.approx(20.0)
    assert found.place_premium.sel(place="coast").item() == pytest.approx(30.0)
    assert found.place_premium.sel(place="hills").item() == 0.0


def test_place_that_may_sell_no_more_has_a_price_below_the_market() -> None:
    found = clear(spread(sales={"hills": 4})).dataset
    # South gets 4 + 10 and cuts 6 at 50, which sets the market's price; north cuts 14 at 20.
    assert found.option_abatement.values[:, 0] == pytest.approx([6.0, 14.0])
    assert found.allowance_price.item() == pytest.approx(50.0)
    assert found.place_premium.sel(place="hills").item() == pytest.approx(-30.0)


def test_opening_bank_is_split_as_given_or_pro_rata_and_says_so() -> None:
    limit = HoldingLimit(limit=50.0)
    rata = clear(market(Banking(), limit, opening_bank=16.0, supply=(100.0, 95.0))).dataset
    # 100 and 60 t of obligations before abatement.
    assert rata.enterprise_opening_bank.values == pytest.approx([10.0, 6.0])
    assert "pro rata" in rata.attrs["opening_rule"]
    given = clear(
        market(Banking(), limit, opening_bank=16.0, opening_split=np.array([0.25, 0.75]), supply=(100.0, 95.0))
    ).dataset
    assert given.enterprise_opening_bank.values == pytest.approx([4.0, 12.0])
    assert "given" in given.attrs["opening_rule"]


def test_problem_that_no_balance_can_meet_names_year_and_tonnes() -> None:
    # South lacks 20 t, may buy 5 and cut 10: 5 t are missing, though the market as a whole has enough.
    problem = MarketProblem.from_mapping(
        {
            "year": [2025],
            "enterprises": {"north": {"baseline": 100, "fixed": 130}, "south": {"baseline": 100, "fixed": 80}},
            "options": {"south/a": {"enterprise": "south", "potential": 10, "unit_cost": 50}},
            "instruments": {
                "trade_limit": {"place": {"north": "hills", "south": "coast"}, "purchases": {"coast": 5}},
            },
        }
    )
    with pytest.raises(InfeasibleError, match=r"2025: 5 t.*trade_limit"):
        clear(problem)


@pytest.mark.parametrize("engine", ["price_search", "best_response"])
@pytest.mark.parametrize("name", ["transaction_cost", "carry_over_limit", "holding_limit", "trade_limit"])
def test_engines_without_a_balance_by_enterprise_refuse_by_name(name: str, engine: Any) -> None:
    problem = market(*beside(name), one_of_each()[name], supply=(110.0, 100.0))
    with pytest.raises(InputError, match=f"{name}.*balance for each enterprise"):
        clear(problem, engine=engine)
    assert clear(problem).engine == "programme"


def test_blocks_that_stand_for_several_enterprises_are_refused() -> None:
    with pytest.raises(InputError, match=r"power.*weight"):
        collared_market(instruments=(Banking(), one_of_each()["carry_over_limit"]))
    with pytest.raises(InputError, match=r"power.*transaction_cost|transaction_cost.*best responses"):
        clear(collared_market(instruments=(one_of_each()["transaction_cost"],)))


def test_what_has_no_form_by_enterprise_is_refused_by_name() -> None:
    limit = HoldingLimit(limit=2.0)
    with pytest.raises(InputError, match="terminal_bank has no form by enterprise"):
        clear(market(Banking(), limit, one_of_each()["terminal_bank"]))
    with pytest.raises(InputError, match="borrowing_interest"):
        clear(market(Banking(borrowing=5.0, borrowing_interest=0.1), limit))
    with pytest.raises(InputError, match="transaction_cost needs whole numbers"):
        clear(linear_market((2.0, 1.0), (20.0, 20.0), 22.0, TransactionCost(participation=5.0)))
    with pytest.raises(InputError, match="before anybody is covered"):
        clear(market(Banking(), limit, share=np.array([[0.0, 1.0], [0.0, 1.0]])))


WRONG: dict[str, tuple[Instrument, str]] = {
    "cost of nothing": (TransactionCost(), "is 0 in every year"),
    "rising part": (TransactionCost(volume=[5.0], volume_cost=[1.0, 2.0]), "must fall"),
    "parts": (TransactionCost(volume=[5.0], volume_cost=[1.0]), "expected 2"),
    "last year": (CarryOverLimit(year=2026, counting=(2025,), base=1.0, multiple=1.0), "before the last"),
    "counting later": (CarryOverLimit(year=2025, counting=(2026,), base=1.0, multiple=1.0), "counting"),
    "field without number": (
        CarryOverLimit(year=2025, counting=(2025,), base={"power": 1.0}, multiple=1.0, field_of={"north": "steel"}),
        "field 'steel'|field steel",
    ),
    "unknown firm": (HoldingLimit(limit=1.0, own={"east": 1.0}), "east"),
    "no limit": (HoldingLimit(limit=np.inf), "infinite"),
    "unknown place": (TradeLimit(place={"north": "hills"}, sales={"coast": 1.0}), "coast"),
    "neither side": (TradeLimit(place={"north": "hills"}), "neither"),
}


@pytest.mark.parametrize("name", WRONG)
def test_instrument_that_cannot_be_meant_is_refused(name: str) -> None:
    instrument, text = WRONG[name]
    with pytest.raises(InputError, match=text):
        market(Banking(), instrument)


@pytest.mark.parametrize("name", ["transaction_cost", "carry_over_limit", "holding_limit", "trade_limit"])
def test_no_dated_parameter_makes_the_instrument(name: str) -> None:
    with pytest.raises(ParameterError, match="problem file"):
        instruments.get(name).target.from_parameters(None, None)  # type: ignore[arg-type]


def test_opening_split_has_to_add_up() -> None:
    with pytest.raises(InputError, match="opening_split adds up to"):
        market(opening_split=np.array([0.5, 0.4]))


AUDITED: dict[str, MarketProblem] = {
    "constant cost": trading(purchase=1, sale=1),
    "no trade": trading(purchase=3, sale=2),
    "participation": trading(purchase=1, participation=20),
    "volume": trading(volume=[5], volume_cost=[2.5, 1.0]),
    "carry-over": carrying(),
    "carry-over with rounding": carrying(base=10.4),
    "holding": market(Banking(), HoldingLimit(limit=2.0), PriceCeiling(price=[50.0, 60.0]), supply=(120.0, 75.0)),
    "places": spread(purchases={"coast": 12}),
    "steps": market(
        TransactionCost(purchase=2.0, sale=1.0), *(one_of_each()[n] for n in STEPS), opening_bank=5.0,
        fixed=np.array([[70.0, 60.0], [50.0, 50.0]]), supply=(0.0, 0.0),
    ),
    "make good": market(
        Banking(), HoldingLimit(limit=3.0), Penalty(price=[20.0, 20.0], make_good=True), PriceCeiling(price=60.0)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", AUDITED)
def test_every_corrupted_number_fails_a_line(name: str) -> None:
    # The costly lines come last: the first one that fails is enough.
    problem = AUDITED[name]
    assert missed(clear(problem).dataset, partial(audit_lines, problem)) == []


def test_failed_line_names_the_enterprise() -> None:
    problem = trading(purchase=1, sale=1)
    dataset = clear(problem).dataset.copy(deep=True)
    dataset["enterprise_bank"].values[1, 0] += 1.0
    with pytest.raises(CertificateError, match=r"enterprise\.ledger at south"):
        check_certificate(audit(problem, dataset))


def test_block_that_computes_with_its_own_number_is_refused() -> None:
    @dataclasses.dataclass(frozen=True, slots=True, eq=False)
    class Doubling(EnterpriseInstrument):
        @property
        def label(self) -> str:
            return "doubling"

        def add_to_enterprise(self, cell: Any) -> None:
            cell.frame.cost.append(2.0 * cell.number("most_held") * cell.trade[2025])

    with pytest.raises(SolverError, match="computes with a number of its own"):
        tiled_programme(EnterpriseData(market(Doubling())))
