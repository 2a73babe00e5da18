"""Programmes in which many bounds are met at once, by hand: prices and both ends of their intervals."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from builders import market
from carbonsim.errors import InfeasibleError
from carbonsim.market import MarketProblem, Options, clear
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.instruments.penalty import Penalty

ENGINES = ["programme", "price_search", "best_response"]


def sector(
    options: list[tuple[float, float, float]],
    *instruments: object,
    baseline: float,
    supply: list[float],
    **changes: object,
) -> MarketProblem:
    """One enterprise with options (potential, unit cost, slope), the same in each year."""
    years, column = len(supply), np.ones((1, len(supply)))
    potential, cost, slope = (np.array(each)[:, None] * column for each in zip(*options, strict=True))
    fields: dict[str, object] = {
        "enterprise": ("a",), "year": tuple(range(2027, 2027 + years)), "baseline": baseline * column,
        "share": column, "fixed": 0 * column, "per_emission": 0 * column,
        "options": Options(
            tuple(f"o{number}" for number in range(len(options))), np.zeros(len(options), dtype=np.intp),
            potential, cost, slope,
        ),
        "supply": np.array(supply), "interest": 0.0, "instruments": instruments,
    }  # fmt: skip
    return MarketProblem(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("engine", ENGINES)
def test_need_that_is_just_met_leaves_every_price_up_to_the_first_tonne_cut(engine: str) -> None:
    # 50 t against 50: a tonne more is worth nothing, a tonne less costs 10, the start of the only option that has
    # potential, in either year.
    problem = sector(
        [(0, 15, 0), (0, 30, 1), (20, 10, 0.5)], Banking(), Penalty(50.0), baseline=50.0, supply=[50.0, 50.0]
    )
    found = clear(problem, engine=engine).dataset
    assert found.price_low.values == pytest.approx([0.0, 0.0], abs=1e-9)
    assert found.price_high.values == pytest.approx([10.0, 10.0], rel=1e-9)
    assert found.option_abatement.values == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("engine", ENGINES)
def test_options_that_end_where_others_begin_fix_one_price(engine: str) -> None:
    # 800 t against 640: 160 t are cut over the four years. At 10 the two free options reach 10 / 0.5 = 20 t, all they
    # have, in each year: 2 * 20 * 4 = 160. The others begin at 10, so below it less is cut, and above it more.
    problem = sector(
        [(20, 0, 0.5)] * 2 + [(20, 10, 0.5)] * 8,
        Banking(borrowing=np.inf), baseline=200.0, supply=[47.0, 155.0, 178.0, 260.0],
    )  # fmt: skip
    found = clear(problem, engine=engine).dataset
    assert found.price_low.values == pytest.approx(np.full(4, 10.0), rel=1e-9)
    assert found.price_high.values == pytest.approx(np.full(4, 10.0), rel=1e-9)
    assert found.option_abatement.values[:2] == pytest.approx(np.full((2, 4), 20.0), rel=1e-9)
    assert found.option_abatement.values[2:] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("slope", [0.0, 0.5])
def test_years_of_little_weight_have_exact_ends_too(slope: float) -> None:
    # Money halves every year, so the last of 31 years counts 2^-30, below any tolerance. Each year cuts 20 t: all of
    # the option from 10 on, which ends at 10 + 20 slope, and nothing of the one from 25 on.
    problem = sector([(20, 10, slope), (20, 25, slope)], baseline=160.0, supply=[140.0] * 31, interest=1.0)
    found = clear(problem, engine="programme").dataset
    assert found.price_low.values == pytest.approx(np.full(31, 10 + 20 * slope), rel=1e-8)
    assert found.price_high.values == pytest.approx(np.full(31, 25.0), rel=1e-8)


@pytest.mark.parametrize("slope", [0.0, 0.5])
def test_all_abatement_used_leaves_no_upper_end(slope: float) -> None:
    # 160 - 120 = 40 t is all there is; the last tonne costs 25 + 20 slope.
    problem = sector([(20, 10, slope), (20, 25, slope)], baseline=160.0, supply=[120.0] * 3)
    found = clear(problem, engine="programme").dataset
    assert found.price_low.values == pytest.approx(np.full(3, 25 + 20 * slope), rel=1e-9)
    assert np.isnan(found.price_high.values).all()


@pytest.mark.parametrize("factor", [1e-3, 1.0, 1e6])
def test_cap_that_cannot_be_met_is_no_solver_error_in_any_unit(factor: float) -> None:
    problem = market(supply=0.0)
    options = dataclasses.replace(problem.options, potential=problem.options.potential * factor)
    with pytest.raises(InfeasibleError):
        clear(dataclasses.replace(problem, baseline=problem.baseline * factor, options=options), engine="programme")
