"""Laws that hold for every market: engines agree, allocation moves only money, scale does not matter."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from builders import in_tonnes
from carbonsim.errors import InfeasibleError
from carbonsim.market import Instrument, Market, MarketProblem, Options, clear
from carbonsim.market.instruments.auction_floor import AuctionFloor
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.instruments.offsets import Offsets
from carbonsim.market.instruments.price_ceiling import PriceCeiling
from carbonsim.market.instruments.reserve_tier import ReserveTier

EXAMPLES = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.filter_too_much]
)
YEARS = 3


def tenths(low: int, high: int, count: int) -> st.SearchStrategy[list[float]]:
    return st.lists(st.integers(low, high).map(lambda n: n / 10), min_size=count, max_size=count)


@st.composite
def markets(draw: st.DrawFn, *, linear: bool | None = None, plain: bool = False) -> MarketProblem:
    """Three enterprises with two options each over three years, affine allocation, instruments at random."""
    firms, options = 3, 6
    baseline = np.array(draw(tenths(500, 1500, firms)))[:, None] * np.ones(YEARS)
    part = np.array(draw(tenths(1, 4, options)))
    share = np.array(draw(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=firms * YEARS, max_size=firms * YEARS)))
    rate = np.array(draw(st.lists(st.sampled_from([0.0, 0.0, 0.4, 0.85, 1.03]), min_size=firms, max_size=firms)))
    free = np.array(draw(tenths(6, 10, firms * YEARS))).reshape(firms, YEARS)
    cost = np.array(draw(tenths(-100, 1500, options)))
    rise = (
        np.array(draw(tenths(0, 20, options)))
        if (draw(st.booleans()) if linear is None else linear)
        else np.zeros(options)
    )
    owner = np.repeat(np.arange(firms), 2)
    declared = [] if plain else draw(st.lists(st.sampled_from(sorted(CHOICES)), unique=True, max_size=5))
    return MarketProblem(
        enterprise=("a", "b", "c"),
        year=(2025, 2026, 2027),
        baseline=baseline,
        share=np.ones((firms, YEARS)) if plain else share.reshape(firms, YEARS),
        fixed=baseline * free * (1 - np.minimum(rate, 1.0)[:, None]) if not plain else baseline * free,
        per_emission=np.zeros((firms, YEARS)) if plain else rate[:, None] * np.ones(YEARS),
        options=Options(
            tuple(f"o{index}" for index in range(options)), owner, baseline[owner] * part[:, None],
            cost[:, None] * np.ones(YEARS), rise[:, None] * np.ones(YEARS),
        ),
        supply=np.array(draw(tenths(0, 300, YEARS))),
        interest=draw(st.sampled_from([0.0, 0.05])),
        opening_bank=draw(st.sampled_from([0.0, 25.0])),
        instruments=tuple(CHOICES[name] for name in declared),
    )  # fmt: skip


CHOICES: dict[str, Instrument] = {
    "auction_floor": AuctionFloor(quantity=[20.0, 0.0, 35.0], price=[20.0, 30.0, 30.0]),
    "banking": Banking(),
    "offsets": Offsets(price=25.0, share_limit=[0.05, 0.1, 0.1]),
    "price_ceiling": PriceCeiling(price=[90.0, 100.0, 110.0]),
    "reserve_tier": ReserveTier(price=45.0, quantity=12.0),
}


def cleared(problem: MarketProblem, engine: str = "best_response") -> Market:
    try:
        return clear(problem, engine=engine)  # type: ignore[arg-type]
    except InfeasibleError:
        assume(False)
        raise


def total_cost(problem: MarketProblem, market: Market) -> float:
    cost = market.dataset.abatement_cost.values.sum(axis=0)
    for index, step in enumerate(problem.steps):
        cost = cost + np.nan_to_num(step.price) * market.dataset.step_used.values[index]
    return float(np.sum(problem.discount * cost))


def bounds(market: Market) -> np.ndarray:
    """Both ends of the price, a missing upper end as -1."""
    return np.nan_to_num(np.stack([market.dataset.price_low.values, market.dataset.price_high.values]), nan=-1.0)


@EXAMPLES
@given(markets())
def test_programme_and_best_response_engine_agree(problem: MarketProblem) -> None:
    searched = cleared(problem)
    programmed = cleared(problem, "programme")
    assert total_cost(problem, programmed) == pytest.approx(total_cost(problem, searched), rel=1e-6, abs=1e-4)
    assert bounds(programmed) == pytest.approx(bounds(searched), rel=2e-6, abs=1e-6)


@EXAMPLES
@given(markets(), st.sampled_from([None, 0.0, 15.0, np.inf]))
def test_price_search_agrees_with_the_other_engines(problem: MarketProblem, borrowing: float | None) -> None:
    others = tuple(one for one in problem.instruments if one.label != "banking")
    banked = others if borrowing is None else (*others, Banking(borrowing=borrowing))  # type: ignore[arg-type]
    problem = dataclasses.replace(problem, instruments=banked)
    searched = cleared(problem, "price_search")
    for engine, digits in (("best_response", 1e-6), ("programme", 1e-9)):
        other = cleared(problem, engine)
        assert total_cost(problem, searched) == pytest.approx(total_cost(problem, other), rel=digits, abs=digits)
        assert bounds(searched) == pytest.approx(bounds(other), rel=digits, abs=digits)


@st.composite
def round_markets(draw: st.DrawFn) -> MarketProblem:
    """One enterprise whose round numbers meet many bounds at once, steps and linear MACs side by side."""
    options, years = draw(st.integers(1, 6)), draw(st.integers(2, 4))

    def each(values: list[float], count: int) -> np.ndarray:
        return np.array(draw(st.lists(st.sampled_from(values), min_size=count, max_size=count)))

    column = np.ones((1, years))
    banking = draw(st.sampled_from([None, Banking(), Banking(borrowing=np.inf), Banking(borrowing=15.0)]))
    offsets = draw(st.sampled_from([None, Offsets(price=12.0, share_limit=0.5)]))
    return MarketProblem(
        enterprise=("a",), year=tuple(range(2027, 2027 + years)), baseline=150 * column, share=column,
        fixed=0 * column, per_emission=draw(st.sampled_from([0.0, 0.5])) * column,
        options=Options(
            tuple(f"o{number}" for number in range(options)), np.zeros(options, dtype=np.intp),
            each([0.0, 10.0, 20.0, 20.0], options)[:, None] * column,
            each([-5.0, 0.0, 10.0, 10.0, 15.0, 20.0], options)[:, None] * column,
            each([0.0, 0.5, 0.5, 1.0], options)[:, None] * column,
        ),
        supply=each([110.0, 130.0, 140.0, 150.0, 170.0], years), interest=draw(st.sampled_from([0.0, 0.25])),
        instruments=tuple(one for one in (banking, offsets, PriceCeiling(price=50.0)) if one is not None),
    )  # fmt: skip


@EXAMPLES
@given(round_markets(), st.sampled_from([1e-3, 1.0, 1e6]))
def test_programme_has_the_price_search_s_intervals_where_many_bounds_are_met(
    problem: MarketProblem, factor: float
) -> None:
    searched, programmed = cleared(problem, "price_search"), cleared(scaled(problem, factor), "programme")
    assert total_cost(problem, searched) == pytest.approx(total_cost(problem, programmed) / factor, rel=1e-9, abs=1e-9)
    assert bounds(programmed) == pytest.approx(bounds(searched), rel=1e-9, abs=1e-9)


@EXAMPLES
@given(markets())
def test_all_engines_call_the_same_caps_infeasible(problem: MarketProblem) -> None:
    without = dataclasses.replace(
        problem,
        instruments=tuple(one for one in problem.instruments if one.label != "price_ceiling"),
        supply=problem.supply * 0.2,
    )
    outcomes = []
    for engine in ("programme", "price_search", "best_response"):
        try:
            clear(without, engine=engine)  # type: ignore[arg-type]
            outcomes.append("")
        except InfeasibleError as error:
            outcomes.append(str(error).split(" t of allowances")[0])
    assert len({bool(outcome) for outcome in outcomes}) == 1


@EXAMPLES
@given(markets(plain=True), st.floats(-0.4, 0.4))
def test_lump_sum_reallocation_leaves_price_and_abatement(problem: MarketProblem, moved: float) -> None:
    first = cleared(problem)
    fixed = problem.fixed.copy()
    fixed[0] += moved * problem.fixed[1]
    fixed[1] -= moved * problem.fixed[1]
    second = cleared(dataclasses.replace(problem, fixed=fixed))
    assert second.dataset.allowance_price.values == pytest.approx(first.dataset.allowance_price.values, abs=1e-9)
    assert second.dataset.option_abatement.values == pytest.approx(first.dataset.option_abatement.values, abs=1e-6)


def scaled(problem: MarketProblem, factor: float) -> MarketProblem:
    """The problem with every tonne, and nothing else, multiplied."""
    made: list[Instrument] = []
    for one in problem.instruments:
        fields = {
            name: values * factor
            for name, values in one.yearly().items()
            if name == "quantity" or (name == "borrowing" and np.all(np.isfinite(values)))
        }
        made.append(dataclasses.replace(one, **fields))  # type: ignore[type-var]
    return in_tonnes(problem, factor, made)


@EXAMPLES
@given(markets(), st.sampled_from([1e-3, 2.0, 1e6]))
def test_price_does_not_depend_on_the_unit_of_tonnes(problem: MarketProblem, factor: float) -> None:
    assert bounds(cleared(scaled(problem, factor))) == pytest.approx(bounds(cleared(problem)), rel=1e-7, abs=1e-7)


@EXAMPLES
@given(markets(), st.sampled_from([1e-3, 1e6]))
def test_price_of_the_programme_does_not_depend_on_the_unit_of_tonnes(problem: MarketProblem, factor: float) -> None:
    first, second = cleared(problem, "programme"), cleared(scaled(problem, factor), "programme")
    assert bounds(second) == pytest.approx(bounds(first), rel=1e-9, abs=1e-9)


@EXAMPLES
@given(markets(), st.floats(0.0, 60.0), st.integers(0, YEARS - 1))
def test_no_price_rises_with_more_supply(problem: MarketProblem, more: float, year: int) -> None:
    supply = problem.supply.copy()
    supply[year] += more
    first, second = cleared(problem), cleared(dataclasses.replace(problem, supply=supply))
    assert np.all(second.dataset.price_low.values <= first.dataset.price_low.values * (1 + 1e-9) + 1e-9)


@EXAMPLES
@given(markets())
def test_discounted_price_never_rises_without_borrowing(problem: MarketProblem) -> None:
    others = tuple(one for one in problem.instruments if one.label != "banking")
    market = cleared(dataclasses.replace(problem, instruments=(*others, Banking())))
    present = market.dataset.price_low.values * problem.discount
    assert np.all(np.diff(present) <= 1e-9 * (1 + present[:-1]))


@EXAMPLES
@given(markets())
def test_more_freedom_never_costs_more(problem: MarketProblem) -> None:
    others = tuple(one for one in problem.instruments if one.label != "banking")
    alone = dataclasses.replace(problem, instruments=others)
    banked = dataclasses.replace(problem, instruments=(*others, Banking()))
    assert total_cost(banked, cleared(banked)) <= total_cost(alone, cleared(alone)) + 1e-6
