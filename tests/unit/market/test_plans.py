"""Lumpy plans: the cheapest whole ones, hull and fixed-integer prices, side payments, and their audit."""

from __future__ import annotations

import dataclasses
import itertools
from functools import partial

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from builders import market, one_of_each
from carbonsim.errors import InfeasibleError, InputError
from carbonsim.market import MarketProblem, Options, clear
from carbonsim.market.audit_lumpy import audit_lumpy
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.instruments.price_ceiling import PriceCeiling
from carbonsim.market.plans import Plans
from corruption import missed


def two_plans(supply: float, *instruments: object, options: bool = False) -> MarketProblem:
    """North may cut 40 t of 100 for 800 CNY (20 each), south 30 t of 60 for 1,200 CNY (40 each); one year."""
    problem = market(*instruments, years=1, supply=supply)  # type: ignore[arg-type]
    plans = Plans(("north/kiln", "south/boiler"), np.array([0, 1]), np.array([[40.0], [30.0]]),
                  np.array([[800.0], [1200.0]]))  # fmt: skip
    return dataclasses.replace(problem, plans=plans, options=problem.options if options else Options.none(1))


def test_the_cheapest_whole_plan_is_carried_out() -> None:
    # 160 t against 125: 35 t are missing. North's 40 t cost 800, south's 30 t are too few: north alone.
    data = clear(two_plans(125.0)).dataset
    assert data.plan_chosen.values.tolist() == [1.0, 0.0]
    assert float(data.total_cost) == pytest.approx(800)
    # The relaxed programme cuts 35 of the 40 t at 20: price 20, cost 700; five allowances are left over.
    assert float(data.allowance_price[0]) == pytest.approx(20)
    assert data.price_basis.values.tolist() == ["hull"]
    assert float(data.hull_cost) == pytest.approx(700)
    assert float(data.fixed_integer_price[0]) == pytest.approx(0)
    # At 20 north is indifferent; the gap of 100 is what the five left-over allowances are worth.
    assert data.uplift.values == pytest.approx([0, 0], abs=1e-6)
    assert float(data.uplift_market) == pytest.approx(100)


def test_the_hull_price_is_that_of_the_plan_that_would_be_cut_in_part() -> None:
    # 45 t are missing: north's 40 and 5 of south's 30. Whole: both, 2,000. Relaxed: 800 + 5 x 40 = 1,000, price 40.
    data = clear(two_plans(115.0)).dataset
    assert data.plan_chosen.values.tolist() == [1.0, 1.0]
    assert float(data.allowance_price[0]) == pytest.approx(40)
    assert float(data.hull_cost) == pytest.approx(1000)
    assert float(data.total_cost) == pytest.approx(2000)
    assert float(data.uplift_market) == pytest.approx(25 * 40)  # 25 allowances left over, worth 40 each at that price


def test_prices_that_support_the_plans_are_an_interval_where_there_are_any() -> None:
    # 40 t are missing, just north's plan: north wants it from 20 on, south wants none up to 40.
    data = clear(two_plans(120.0)).dataset
    assert (float(data.supporting_low[0]), float(data.supporting_high[0])) == pytest.approx((20, 40))
    # With allowances left over the price would be 0, at which north regrets its plan: no price supports it.
    none = clear(two_plans(125.0)).dataset
    assert np.isnan(none.supporting_low.values).all()


def test_options_fill_what_whole_plans_leave() -> None:
    # 45 t missing; steps: 20 t at 10 and 30 t at 40 of north, 15 t at 25 of south. Options alone: 200 + 375 + 10 x 40
    # = 975. North may cut 90 t in all: its plan (800) and 5 t at 10 = 850 is cheaper.
    data = clear(two_plans(115.0, options=True)).dataset
    assert data.plan_chosen.values.tolist() == [1.0, 0.0]
    assert float(data.total_cost) == pytest.approx(850)
    assert float(data.fixed_integer_price[0]) == pytest.approx(10)


def test_a_plan_holds_over_all_its_years_and_surplus_is_banked() -> None:
    # 30 t a year are missing. South's plan (30 t in both years, 1,200 each) costs 1,200 + 1,200/1.05; north's
    # plan cuts 60 t in the first year only, for 1,000: half of it serves the second year through the bank.
    problem = market(Banking(), supply=130.0)
    plans = Plans(("north/early", "south/both"), np.array([0, 1]), np.array([[60.0, 0.0], [30.0, 30.0]]),
                  np.array([[1000.0, 0.0], [1200.0, 1200.0]]))  # fmt: skip
    problem = dataclasses.replace(problem, plans=plans, options=Options.none(2))
    data = clear(problem).dataset
    assert data.plan_chosen.values.tolist() == [1.0, 0.0]
    assert data.bank.values == pytest.approx([30, 0])
    # One plan meets the need exactly, so the relaxation has no gap: 60 t cost 1,000 in present value.
    assert float(data.hull_cost) == pytest.approx(1000)
    price = data.allowance_price.values
    assert price[1] == pytest.approx(1.05 * price[0])


def brute_force(problem: MarketProblem) -> float:
    """Least cost over every set of plans, the rest cleared by the price search."""
    plans = problem.plans
    assert plans is not None
    best = np.inf
    for chosen in itertools.product([0.0, 1.0], repeat=len(plans.label)):
        if np.bincount(plans.enterprise, weights=chosen, minlength=2).max() > 1:
            continue
        cut = plans.totals(np.array(chosen), plans.cut, 2)
        rest = dataclasses.replace(problem, baseline=problem.baseline - cut, plans=None)
        try:
            data = clear(rest, engine="price_search").dataset
        except InfeasibleError:
            continue
        paid = sum(np.nan_to_num(s.price) * data.step_used.values[i] for i, s in enumerate(rest.steps))
        spent = (np.array(chosen)[:, None] * plans.cost).sum(axis=0)
        best = min(best, float(np.sum(problem.discount * (data.abatement_cost.values.sum(axis=0) + spent + paid))))
    return best


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    st.lists(st.integers(5, 20), min_size=3, max_size=3), st.lists(st.integers(-100, 900), min_size=3, max_size=3),
    st.lists(st.integers(90, 165), min_size=2, max_size=2), st.booleans(), st.booleans(),
)  # fmt: skip
def test_whole_plans_cost_what_trying_every_set_costs(
    cut: list[int], cost: list[int], supply: list[int], banked: bool, capped: bool
) -> None:
    instruments = [*([Banking()] if banked else []), *([PriceCeiling(price=60.0)] if capped else [])]
    problem = market(*instruments, supply=[float(one) for one in supply])
    plans = Plans(("n/1", "n/2", "s/1"), np.array([0, 0, 1]), np.array(cut, dtype=float)[:, None] * [1.0, 1.5],
                  np.array(cost, dtype=float)[:, None] * [1.0, 0.5])  # fmt: skip
    problem = dataclasses.replace(problem, plans=plans)
    best = brute_force(problem)
    assume(np.isfinite(best))
    data = clear(problem).dataset
    assert float(data.total_cost) == pytest.approx(best, rel=1e-7, abs=1e-5)
    assert float(data.hull_cost) <= best + 1e-5
    gap = float(data.total_cost) - float(data.hull_cost)
    assert float(data.uplift.sum()) + float(data.uplift_market) == pytest.approx(gap, abs=1e-4)


@pytest.mark.parametrize("options", [False, True])
@pytest.mark.parametrize("supply", [120.0, 115.0])
def test_every_corrupted_number_fails_a_named_line(supply: float, options: bool) -> None:
    problem = two_plans(supply, options=options)
    assert missed(clear(problem).dataset, partial(audit_lumpy, problem)) == []


def test_what_cannot_stand_beside_plans_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="best_response"):
        clear(two_plans(120.0), engine="best_response")
    with pytest.raises(InputError, match="share of obligations"):
        two_plans(120.0, one_of_each()["offsets"])
    steep = market(years=1, supply=100.0)
    steep = dataclasses.replace(steep, options=dataclasses.replace(steep.options, slope=np.ones((3, 1))))
    with pytest.raises(InputError, match="linear MACs"):
        dataclasses.replace(steep, plans=two_plans(120.0).plans)
    with pytest.raises(InputError, match="leave"):
        dataclasses.replace(two_plans(120.0), baseline=np.array([[30.0], [60.0]]))


def test_caps_below_all_plans_are_infeasible_with_the_missing_tonnes() -> None:
    with pytest.raises(InfeasibleError, match="2025: 10 t"):
        clear(two_plans(80.0))


def test_plans_from_plain_numbers() -> None:
    problem = MarketProblem.from_mapping({
        "year": [2025], "supply": 125,
        "enterprises": {"north": {"baseline": 100}, "south": {"baseline": 60}},
        "plans": {"kiln": {"enterprise": "north", "cut": 40, "cost": 800}},
    })  # fmt: skip
    assert float(clear(problem).dataset.total_cost) == pytest.approx(800)
    with pytest.raises(InputError, match=r"plans.kiln"):
        MarketProblem.from_mapping({
            "year": [2025], "enterprises": {"north": {"baseline": 100}},
            "plans": {"kiln": {"enterprise": "nort", "cut": 40}},
        })  # fmt: skip


def test_a_hull_price_at_a_kink_is_an_interval() -> None:
    # North's 20 t cost 200 (10 each), south's 800 (40 each); 20 t are missing of 200: every price between clears.
    problem = MarketProblem.from_mapping({
        "year": [2025], "supply": 180,
        "enterprises": {"north": {"baseline": 100}, "south": {"baseline": 100}},
        "plans": {"n": {"enterprise": "north", "cut": 20, "cost": 200},
                  "s": {"enterprise": "south", "cut": 20, "cost": 800}},
    })  # fmt: skip
    data = clear(problem).dataset
    assert (float(data.price_low[0]), float(data.price_high[0])) == pytest.approx((10, 40))
    assert float(data.allowance_price[0]) == pytest.approx(10)
    assert missed(clear(problem).dataset, partial(audit_lumpy, problem)) == []
