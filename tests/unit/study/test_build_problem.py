"""The market problem of a scenario, one call away: to print it, to clear it by any engine, to change it by hand."""

import dataclasses

import pytest

import carbonsim as cs
from carbonsim.study.build import build_problem


def test_a_scenario_s_market_clears_at_the_prices_of_the_study() -> None:
    built = build_problem(cs.read_scenario("textbook"))
    assert isinstance(built.problem, cs.MarketProblem)
    # 2026 to 2028, as the study's own example states them: 20, 96/7 and 240/17.
    for engine in ("price_search", "programme"):
        found = built.clear(engine).dataset
        assert found.allowance_price.values == pytest.approx([20, 96 / 7, 240 / 17], rel=1e-6)


def test_it_can_be_changed_by_hand() -> None:
    problem = build_problem(cs.read_scenario("textbook")).problem
    dearer = cs.clear(dataclasses.replace(problem, fixed=0.98 * problem.fixed)).dataset
    assert (dearer.allowance_price.values > [20, 96 / 7, 240 / 17]).all()


def test_it_prints_as_mathematics() -> None:
    text = repr(build_problem(cs.read_scenario("textbook")))
    assert "s.t. Σ_e s_ey (e_ey - A_ey)" in text
    assert "textbook" in text


def test_what_is_no_scenario_is_refused() -> None:
    with pytest.raises(cs.InputError, match="read_scenario"):
        build_problem("textbook")  # type: ignore[arg-type]


def test_it_is_a_public_name() -> None:
    assert cs.build_problem is build_problem
