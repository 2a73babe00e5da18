"""Laws of penalties, reserves and offsets: they clear, pass their audit, and relaxing them never costs more."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from carbonsim.errors import InfeasibleError
from carbonsim.market import Instrument, Market, MarketProblem, Options, clear
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.instruments.escalating_penalty import EscalatingPenalty
from carbonsim.market.instruments.next_year_cut import NextYearCut
from carbonsim.market.instruments.offset_curve import OffsetCurve
from carbonsim.market.instruments.offset_limit import OffsetLimit
from carbonsim.market.instruments.offset_stock import OffsetStock
from carbonsim.market.instruments.offsets import Offsets
from carbonsim.market.instruments.penalty import Penalty
from carbonsim.market.instruments.price_ceiling import PriceCeiling
from carbonsim.market.instruments.reserve_stock import ReserveStock
from carbonsim.market.programme import build_programme
from carbonsim.solving import LoadedProgramme, compile_programme

EXAMPLES = settings(
    max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.filter_too_much]
)
YEARS = (2025, 2026, 2027)


def tenths(low: int, high: int, count: int) -> st.SearchStrategy[list[float]]:
    return st.lists(st.integers(low, high).map(lambda n: n / 10), min_size=count, max_size=count)


@st.composite
def markets(draw: st.DrawFn) -> MarketProblem:
    """Two enterprises with two step options each over three years, and now and then a bank."""
    baseline = np.array(draw(tenths(500, 1500, 2)))[:, None] * np.ones(3)
    cost = np.array(draw(tenths(10, 900, 4)))
    need = float(baseline[:, 0].sum())
    supply = need * np.array(draw(st.lists(st.integers(70, 100), min_size=3, max_size=3))) / 100
    return MarketProblem(
        enterprise=("a", "b"),
        year=YEARS,
        baseline=baseline,
        share=np.ones((2, 3)),
        fixed=np.zeros((2, 3)),
        per_emission=np.array(draw(st.sampled_from([[0.0, 0.0], [0.0, 0.4]])))[:, None] * np.ones(3),
        options=Options(
            tuple(f"o{index}" for index in range(4)), np.repeat([0, 1], 2), baseline[[0, 0, 1, 1]] * 0.25,
            cost[:, None] * np.ones(3), np.zeros((4, 3)),
        ),
        supply=supply,
        interest=draw(st.sampled_from([0.0, 0.05])),
        instruments=(Banking(),) if draw(st.booleans()) else (),
    )  # fmt: skip


def offsets(draw_price: float, quantity: float) -> tuple[Instrument, ...]:
    steps = {"near": {"price": draw_price, "quantity": quantity}, "far": {"price": draw_price + 15, "quantity": 80.0}}
    return (OffsetCurve(steps=steps, name="forest"), Offsets(price=draw_price + 5, share_limit=0.05, name="wind"))


def made(kind: str, price: float, size: float) -> tuple[Instrument, ...]:
    """An instrument of each kind from a price and a size, with what it binds; a larger size is never tighter."""
    curve = OffsetCurve(price=price, slope=2.0, quantity=size)
    fees = {"small": {"price": price, "up_to": size / 1000}, "rest": {"price": price + 50}}
    found: dict[str, tuple[Instrument, ...]] = {
        "curve": (curve,),
        "joint share": (*offsets(price, 4.0), OffsetLimit(types=("forest", "wind"), share_limit=size / 1000)),
        "joint quantity": (*offsets(price, 4.0), OffsetLimit(types=("forest", "wind"), quantity=size)),
        "stock": (OffsetStock(price=[price, price + 5, np.nan], quantity=size),),
        "stock under a limit": (
            OffsetStock(price=price, quantity=size, name="held"),
            OffsetLimit(types="held", quantity=size / 2),
        ),
        "reserve": (ReserveStock(price=price, stock=size),),
        "cut": (NextYearCut(price=price, until=2026),),
        "make good": (Penalty(price=price, make_good=1.5),),
        "escalating": (EscalatingPenalty(steps=fees),),
    }
    return found[kind]


KINDS = (
    "curve",
    "joint share",
    "joint quantity",
    "stock",
    "stock under a limit",
    "reserve",
    "cut",
    "make good",
    "escalating",
)
PRICES, SIZES = st.integers(20, 800).map(lambda n: n / 10), st.integers(20, 400).map(lambda n: n / 10)


def cleared(problem: MarketProblem) -> Market:
    try:
        return clear(problem, engine="programme")
    except InfeasibleError:
        assume(False)
        raise


def with_(problem: MarketProblem, *instruments: Instrument) -> MarketProblem:
    """The problem with instruments, and a high ceiling so that it can be met."""
    ceiling = PriceCeiling(price=200.0)
    return dataclasses.replace(problem, instruments=(*problem.instruments, ceiling, *instruments))


def least_cost(problem: MarketProblem) -> float:
    solution = LoadedProgramme(compile_programme(build_programme(problem).model)).solve()
    assert solution is not None
    return solution.objective


@pytest.mark.parametrize("kind", KINDS)
@EXAMPLES
@given(problem=markets(), price=PRICES, size=SIZES)
def test_every_kind_clears_and_passes_its_audit(kind: str, problem: MarketProblem, price: float, size: float) -> None:
    market = cleared(with_(problem, *made(kind, price, size)))
    assert market.certificate.passed


@pytest.mark.parametrize("kind", KINDS)
@EXAMPLES
@given(problem=markets(), price=PRICES, size=SIZES)
def test_a_larger_size_never_raises_cost(kind: str, problem: MarketProblem, price: float, size: float) -> None:
    tight, loose = (least_cost(with_(problem, *made(kind, price, much))) for much in (size, 1.5 * size))
    assert loose <= tight + 1e-6 * max(1.0, abs(tight))


@EXAMPLES
@given(problem=markets(), price=PRICES, size=SIZES)
def test_price_search_and_programme_agree_on_a_rising_curve(problem: MarketProblem, price: float, size: float) -> None:
    whole = with_(problem, *made("curve", price, size))
    programmed, searched = cleared(whole).dataset, clear(whole, engine="price_search").dataset
    for name in ("price_low", "price_high"):
        assert programmed[name].values == pytest.approx(searched[name].values, rel=2e-5, abs=1e-5, nan_ok=True)


@EXAMPLES
@given(problem=markets(), price=PRICES, size=SIZES)
def test_engines_agree_on_an_escalating_penalty(problem: MarketProblem, price: float, size: float) -> None:
    whole = with_(problem, *made("escalating", price, size))
    programmed = cleared(whole).dataset
    for engine in ("price_search", "best_response"):
        other = clear(whole, engine=engine).dataset  # type: ignore[arg-type]
        for name in ("price_low", "price_high"):
            assert programmed[name].values == pytest.approx(other[name].values, rel=2e-6, abs=1e-6, nan_ok=True)


@EXAMPLES
@given(problem=markets(), price=PRICES, size=SIZES)
def test_joint_limit_over_one_type_is_its_own_limit(problem: MarketProblem, price: float, size: float) -> None:
    own = with_(problem, Offsets(price=price, share_limit=size / 1000, name="wind"))
    joint = with_(
        problem, Offsets(price=price, quantity=1e6, name="wind"), OffsetLimit(types="wind", share_limit=size / 1000)
    )
    first, second = cleared(own).dataset, cleared(joint).dataset
    assert second.price_low.values == pytest.approx(first.price_low.values, rel=2e-6, abs=1e-6)
    # What a tonne more of the limit is worth is what the price exceeds the credit's by.
    worth = np.maximum(second.price_low.values - price, 0.0)
    assert second.offset_limit_price.values == pytest.approx(worth, rel=2e-6, abs=1e-5)
