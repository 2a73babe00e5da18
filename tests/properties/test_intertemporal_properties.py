"""Laws of what is carried between years: relaxing a rule never raises cost, and some rules are others in disguise."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carbonsim.market import Instrument, Market, MarketProblem, Options, clear
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.instruments.compliance_periods import CompliancePeriods
from carbonsim.market.instruments.terminal_bank import TerminalBank
from carbonsim.market.instruments.vintages import Vintages

EXAMPLES = settings(
    max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.filter_too_much]
)
YEARS = (2025, 2026, 2027, 2028)


@st.composite
def markets(draw: st.DrawFn) -> MarketProblem:
    """Two enterprises of 100 t over four years, all of it abatable in five steps or at linear MACs."""
    years, options = len(YEARS), 10
    supply = draw(st.lists(st.integers(0, 260).map(float), min_size=years, max_size=years))
    supply[-1] = max(supply[-1], 40.0)  # the most that a terminal condition below asks for
    cost = draw(st.lists(st.integers(0, 90).map(float), min_size=options, max_size=options))
    rise = draw(st.sampled_from([0.0, 0.5]))
    free = draw(st.sampled_from([0.0, 0.0, 0.3]))
    return MarketProblem(
        enterprise=("a", "b"),
        year=YEARS,
        baseline=np.full((2, years), 100.0),
        share=np.ones((2, years)),
        fixed=np.zeros((2, years)),
        per_emission=np.full((2, years), free),
        options=Options(
            tuple(f"o{index}" for index in range(options)),
            np.repeat([0, 1], 5),
            np.full((options, years), 20.0),
            np.array(cost)[:, None] * np.ones(years),
            np.full((options, years), rise),
        ),
        supply=np.array(supply),
        interest=draw(st.sampled_from([0.0, 0.05])),
    )


def under(problem: MarketProblem, *instruments: Instrument, engine: str = "") -> Market:
    """The cleared market; by the exact price search unless an instrument needs the programme."""
    needed = any(instrument.refused_by("price_search") for instrument in instruments)
    engine = engine or ("programme" if needed else "price_search")
    return clear(dataclasses.replace(problem, instruments=instruments), engine=engine)  # type: ignore[arg-type]


def cost(market: Market, problem: MarketProblem) -> float:
    return float(np.sum(problem.discount * market.dataset.abatement_cost.values.sum(axis=0)))


def falls(problem: MarketProblem, *steps: tuple[Instrument, ...]) -> None:
    """Cost does not rise from one set of instruments to the next."""
    found = [cost(under(problem, *instruments), problem) for instruments in steps]
    scale = max(*found, 1.0)
    assert all(after <= before + 1e-6 * scale for before, after in itertools.pairwise(found))


def same(first: Market, second: Market) -> None:
    for name in ("price_low", "price_high"):
        one, other = first.dataset[name].values, second.dataset[name].values
        assert other == pytest.approx(one, rel=1e-6, abs=1e-6, nan_ok=True)


@EXAMPLES
@given(markets())
def test_a_longer_life_or_earlier_use_never_raises_cost(problem: MarketProblem) -> None:
    falls(problem, (), (Vintages(life=1),), (Vintages(life=2),), (Vintages(life=3),), (Vintages(life=3, early=1),))


@EXAMPLES
@given(markets())
def test_owing_more_at_less_interest_never_raises_cost(problem: MarketProblem) -> None:
    dear, cheap = (Banking(borrowing=20.0, borrowing_interest=rate) for rate in (0.5, 0.1))
    more = Banking(borrowing=np.inf, borrowing_interest=0.1)
    falls(problem, (Banking(),), (dear,), (cheap,), (more,), (Banking(borrowing=np.inf),))


@EXAMPLES
@given(markets())
def test_longer_periods_never_raise_cost(problem: MarketProblem) -> None:
    ends = [YEARS, (2026, 2028), (2028,)]
    falls(problem, *[(CompliancePeriods(ends=one),) for one in ends])
    falls(problem, *[(CompliancePeriods(ends=one), Banking()) for one in ends])


@EXAMPLES
@given(markets())
def test_leaving_less_never_raises_cost(problem: MarketProblem) -> None:
    falls(problem, *[(Banking(), TerminalBank(at_least=tonnes)) for tonnes in (40.0, 10.0, 1e-3)], (Banking(),))


@EXAMPLES
@given(markets())
def test_interest_that_vanishes_is_plain_borrowing(problem: MarketProblem) -> None:
    plain = under(problem, Banking(borrowing=30.0), engine="programme")
    tiny = under(problem, Banking(borrowing=30.0, borrowing_interest=1e-9))
    assert cost(tiny, problem) == pytest.approx(cost(plain, problem), rel=1e-6, abs=1e-6)
    assert tiny.dataset.price_low.values == pytest.approx(plain.dataset.price_low.values, rel=1e-5, abs=1e-5)


@EXAMPLES
@given(markets())
def test_a_life_past_the_last_year_is_banking(problem: MarketProblem) -> None:
    same(under(problem, Banking(), engine="programme"), under(problem, Vintages(life=3)))


@EXAMPLES
@given(markets(), st.sampled_from(["programme", "best_response", "price_search"]))
def test_periods_of_one_year_are_no_periods(problem: MarketProblem, engine: str) -> None:
    for others in ((), (Banking(borrowing=15.0),)):
        same(under(problem, *others, engine=engine), under(problem, *others, CompliancePeriods(YEARS), engine=engine))


@EXAMPLES
@given(
    markets(),
    st.sampled_from([(2028,), (2026, 2028), (2025, 2027, 2028)]),
    st.sampled_from([None, 0.0, 25.0]),
    st.sampled_from([{}, {"at_least": 20.0}, {"value": 35.0}]),
)
def test_engines_agree_on_periods_and_terminal_conditions(
    problem: MarketProblem, ends: tuple[int, ...], borrowing: float | None, terminal: dict[str, float]
) -> None:
    declared: list[Instrument] = [CompliancePeriods(ends)]
    if borrowing is not None:
        declared.append(Banking(borrowing=borrowing))
    if terminal:
        declared.append(TerminalBank(**terminal))
    first = under(problem, *declared, engine="programme")
    for engine in ("best_response", "price_search"):
        other = under(problem, *declared, engine=engine)
        same(first, other)
        assert cost(other, problem) == pytest.approx(cost(first, problem), rel=1e-6, abs=1e-6)
