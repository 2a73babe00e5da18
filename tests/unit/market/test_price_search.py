"""The price search: thresholds by hand, ties, wide ranges, what it refuses, and when it is chosen."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from builders import collared_market, market, one_of_each
from carbonsim.errors import InfeasibleError, InputError
from carbonsim.market import Instrument, MarketProblem, Options, audit, clear
from carbonsim.market.clear import choose_engine
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.instruments.offsets import Offsets
from carbonsim.market.instruments.penalty import Penalty
from carbonsim.market.instruments.price_ceiling import PriceCeiling
from carbonsim.market.instruments.transaction_cost import TransactionCost

ENGINES = ["programme", "price_search", "best_response"]


def steps(costs: np.ndarray, supply: float, *instruments: Instrument) -> MarketProblem:
    """One enterprise and one year, an option of 1 t at each cost, twice as many tonnes before abatement."""
    count = len(costs)
    return MarketProblem(
        enterprise=("works",),
        year=(2025,),
        baseline=np.array([[2.0 * count]]),
        share=np.ones((1, 1)),
        fixed=np.zeros((1, 1)),
        per_emission=np.zeros((1, 1)),
        options=Options(
            tuple(f"works/{index}" for index in range(count)),
            np.zeros(count, dtype=np.intp),
            np.ones((count, 1)),
            np.asarray(costs, dtype=float)[:, None],
            np.zeros((count, 1)),
        ),
        supply=np.array([supply]),
        instruments=instruments,
    )


@pytest.mark.parametrize("needed", [1, 17, 28])
def test_thresholds_over_many_orders_of_magnitude(needed: int) -> None:
    # 29 costs from 1e-14 to 1e14, shuffled: half a tonne into the n-th cheapest, its cost is the price.
    costs = 10.0 ** np.arange(-14, 15)
    shuffled = np.random.default_rng(3).permutation(costs)
    found = clear(steps(shuffled, 58.0 - (needed - 0.5)), engine="price_search").dataset
    assert found.allowance_price.item() == pytest.approx(costs[needed - 1], rel=1e-12)
    assert found.option_abatement.sum().item() == pytest.approx(needed - 0.5)


def test_options_that_tie_share_what_is_needed() -> None:
    # 50 options of 1 t at 10; 100 - 80 = 20 t are needed, 0.4 t of each.
    found = clear(steps(np.full(50, 10.0), 80.0), engine="price_search").dataset
    assert found.price_low.item() == found.price_high.item() == pytest.approx(10.0)
    assert found.option_abatement.values == pytest.approx(np.full((50, 1), 0.4))


@pytest.mark.parametrize("engine", ENGINES)
def test_an_offset_limit_that_outweighs_phi_gives_an_option_back(engine: str) -> None:
    # Works a keeps 0.1 of the price, and offsets at 10 cover 0.3 of obligations: a tonne cut is worth 0.1 p up to 10
    # and 0.1 p - 0.3 (p - 10) = 3 - 0.2 p above. At 0.5 a tonne it pays from 5 to 12.5. Both works need
    # 0.1 (100 - x) + 100 against 52 + 0.3 (200 - x): equal at x = 10, between using all 20 t and none.
    problem = MarketProblem.from_mapping(
        {
            "year": [2025],
            "enterprises": {"a": {"baseline": 100, "per_emission": 0.9}, "b": {"baseline": 100}},
            "options": {"a/x": {"enterprise": "a", "potential": 20, "unit_cost": 0.5}},
            "supply": 52,
            "instruments": {"offsets": {"price": 10, "share_limit": 0.3}},
        }
    )
    found = clear(problem, engine=engine).dataset
    assert found.allowance_price.item() == pytest.approx(12.5)
    assert found.option_abatement.item() == pytest.approx(10.0)
    assert found.offsets_used.item() == pytest.approx(57.0)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_option_taken_up_and_given_back_at_the_price_of_the_offset(engine: str) -> None:
    # As above with a cost of 1: worth 0.1 p reaches it at 10, where offsets begin to take away more than it is worth.
    # At 10 all of it pays if offsets are not used: 0.1 (100 - x) + 100 = 109 needs x = 10.
    problem = MarketProblem.from_mapping(
        {
            "year": [2025],
            "enterprises": {"a": {"baseline": 100, "per_emission": 0.9}, "b": {"baseline": 100}},
            "options": {"a/x": {"enterprise": "a", "potential": 20, "unit_cost": 1}},
            "supply": 109,
            "instruments": {"offsets": {"price": 10, "share_limit": 0.3}},
        }
    )
    found = clear(problem, engine=engine).dataset
    assert found.allowance_price.item() == pytest.approx(10.0)
    need = 0.1 * (100 - found.option_abatement.item()) + 100
    assert need == pytest.approx(109 + found.offsets_used.item())


@pytest.mark.parametrize("engine", ENGINES)
def test_years_joined_by_borrowing_clear_together_before_they_draw_on_earlier_ones(engine: str) -> None:
    # Each year needs 160. 2026 alone lacks 50 t, but borrows from 2027: together 320 - 315 = 5 t, from the step at 10
    # in 2027, which is cheapest today. So 2026 pays 10 / 1.05 and 2025, which may not borrow, its own 10.
    problem = market(Banking(borrowing=[0.0, np.inf, 0.0]), years=3, supply=(150.0, 110.0, 205.0))  # type: ignore[arg-type]
    found = clear(problem, engine=engine).dataset
    assert found.allowance_price.values == pytest.approx([10.0, 10 / 1.05, 10.0])
    assert found.bank.values == pytest.approx([0.0, -50.0, 0.0], abs=1e-6)


def random_market(count: int, *instruments: Instrument, linear: bool) -> MarketProblem:
    """Three options an enterprise over four years, unlike free allocation, negative costs among others."""
    rng = np.random.default_rng(8)
    owner = np.repeat(np.arange(count), 3)
    baseline = rng.uniform(50, 150, (count, 1)) * np.ones(4)
    rate = rng.choice([0.0, 0.4, 0.9, 1.02], (count, 1)) * np.ones(4)
    potential = baseline[owner] * rng.uniform(0.05, 0.2, (3 * count, 1))
    slope = np.where(rng.random((3 * count, 1)) < 0.5, 0.0, rng.uniform(0.1, 3.0, (3 * count, 1))) * np.ones(4)
    need = np.sum((1 - rate) * baseline, axis=0)
    return MarketProblem(
        enterprise=tuple(f"e{index}" for index in range(count)),
        year=(2025, 2026, 2027, 2028),
        baseline=baseline,
        share=(np.arange(4) >= rng.integers(0, 3, (count, 1))).astype(float),
        fixed=np.zeros_like(baseline),
        per_emission=rate,
        options=Options(
            tuple(f"o{index}" for index in range(3 * count)),
            owner,
            potential,
            rng.uniform(-10, 80, (3 * count, 1)) * np.ones(4),
            slope if linear else np.zeros_like(slope),
        ),
        supply=need * np.array([0.5, 0.8, 0.7, 0.75]),
        interest=0.06,
        instruments=instruments,
    )


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("banking", [(), (Banking(),), (Banking(borrowing=60.0),)])  # type: ignore[arg-type]
def test_price_search_agrees_with_best_responses_on_many_options(banking: tuple[Instrument, ...], linear: bool) -> None:
    problem = random_market(
        60, *banking, Offsets(price=20.0, share_limit=0.08), PriceCeiling(price=90.0), linear=linear
    )  # type: ignore[arg-type]
    ours, theirs = (clear(problem, engine=engine).dataset for engine in ("price_search", "best_response"))
    for name in ("price_low", "price_high", "option_abatement", "step_used", "bank"):
        assert ours[name].values == pytest.approx(theirs[name].values, rel=1e-9, abs=1e-7), name


def test_order_and_memory_layout_of_options_do_not_matter() -> None:
    problem = random_market(20, Banking(), linear=True)
    options = problem.options
    turn = np.random.default_rng(1).permutation(len(options.label))
    turned = Options(
        tuple(options.label[place] for place in turn),
        options.enterprise[turn],
        *(np.asfortranarray(getattr(options, name)[turn]) for name in ("potential", "unit_cost", "slope")),
    )
    ours = clear(problem, engine="price_search").dataset
    theirs = clear(dataclasses.replace(problem, options=turned), engine="price_search").dataset
    assert theirs.allowance_price.values == pytest.approx(ours.allowance_price.values, rel=1e-12)
    assert theirs.option_abatement.values == pytest.approx(ours.option_abatement.values[turn], abs=1e-8)
    assert theirs.net_purchase.values == pytest.approx(ours.net_purchase.values, abs=1e-8)


def test_a_market_without_options_clears_at_its_steps() -> None:
    empty = dataclasses.replace(market(PriceCeiling(price=50.0), supply=150.0), options=Options.none(2))  # type: ignore[arg-type]
    found = clear(empty, engine="price_search").dataset
    assert found.allowance_price.values == pytest.approx([50.0, 50.0])
    assert found.ceiling_sold.values == pytest.approx([10.0, 10.0])


def test_a_market_that_nobody_moves_has_no_price() -> None:
    # Need and supply are 160 at every price: any price clears.
    idle = dataclasses.replace(market(supply=160.0), options=Options.none(2))
    found = clear(idle, engine="price_search").dataset
    assert set(found.price_basis.values) == {"indeterminate"}
    assert np.isnan(found.allowance_price.values).all()
    assert found.price_low.values == pytest.approx([0.0, 0.0])


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (collared_market(), "CappedObligation.*engine 'best_response'"),
        (market(Penalty(price=20.0, make_good=True)), "'penalty'.*make-good.*engine 'programme'"),  # type: ignore[arg-type]
        (market(one_of_each()["transaction_cost"]), "'transaction_cost'.*enterprise.*engine 'programme'"),
        (market(given_price=np.array([30.0, 40.0])), "given_price.*'auto'"),
    ],
)
def test_price_search_says_what_it_cannot_hold_and_what_can(problem: MarketProblem, told: str) -> None:
    with pytest.raises(InputError, match=told):
        clear(problem, engine="price_search")


def test_an_unknown_engine_is_told_the_known_ones() -> None:
    with pytest.raises(InputError, match="best_response, price_search, programme"):
        clear(market(), engine="simplex")  # type: ignore[arg-type]


def test_rules_and_instruments_that_no_engine_holds_together_are_named() -> None:
    with pytest.raises(InputError, match=r"CappedObligation.*transaction_cost.*Leave one"):
        choose_engine(collared_market(instruments=(TransactionCost(purchase=1.0),)))  # type: ignore[arg-type]


def test_many_options_choose_the_price_search() -> None:
    engine, reason = choose_engine(steps(np.linspace(1.0, 2.0, 10_001), 15_000.0))
    assert engine == "price_search"
    assert "10001 option-years" in reason


def test_missing_tonnes_are_told_by_year() -> None:
    # As in test_clearing: 160 - 65 = 95 t remain, 90 are issued in 2026.
    with pytest.raises(InfeasibleError, match=r"2026: 5 t"):
        clear(market(supply=(100.0, 90.0)), engine="price_search")


def test_every_corrupted_number_of_a_price_search_fails_a_line() -> None:
    problem = market(*(one_of_each()[name] for name in ("banking", "auction_floor", "reserve_tier", "offsets")))
    dataset = clear(problem, engine="price_search").dataset
    missed = []
    for field in dataset.data_vars:
        values = dataset[field].values
        for place in np.ndindex(values.shape) if values.dtype.kind == "f" else ():
            for factor in (1 + 1e-4, 1 - 1e-4, -1.0) if values[place] and not np.isnan(values[place]) else ():
                changed = dataset.copy(deep=True)
                changed[field].values[place] *= factor
                if audit(problem, changed).passed:
                    missed.append((field, place, factor))
    assert missed == []
