"""Lagged allocation: worked by hand over two years, and against the equations by another solver."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from carbonsim.errors import InputError
from carbonsim.market import MarketProblem, clear
from carbonsim.market.audit_lagged import audit_lagged
from carbonsim.market.concepts.lagged_allocation import LaggedAllocation
from carbonsim.market.instruments.banking import Banking
from corruption import missed


def one_firm(supply: list[float], *instruments: Any, interest: float = 0.0, **changes: Any) -> MarketProblem:
    """One enterprise of 100 t a year with marginal abatement cost x."""
    return MarketProblem.from_mapping(
        {
            "year": list(range(2025, 2025 + len(supply))),
            "enterprises": {"works": {"baseline": 100.0}},
            "options": {"works/m": {"enterprise": "works", "potential": 100.0, "unit_cost": 0.0, "slope": 1.0}},
            "supply": supply,
            "interest": interest,
            **({"instruments": {"banking": {}}} if instruments else {}),
            **changes,
        }
    )


HALF = LaggedAllocation(share={"works": 0.5}, previous={"works": 100.0})


@pytest.mark.parametrize(("interest", "first"), [(0.0, 40.0), (0.25, 36.0)])
def test_two_years_by_hand_without_banking(interest: float, first: float) -> None:
    # Year 1: e = 30 + 0.5 * 100 = 80, x = 20. Year 2: e = 20 + 0.5 * 80 = 60, x = 40, nothing follows: p2 = 40.
    # Year 1: 20 = p1 - d 0.5 * 40, so p1 = 40 at d = 1 and 36 at d = 0.8; phi = 20 / p1.
    data = clear(one_firm([30.0, 20.0], interest=interest), concept=HALF).dataset
    assert data.allowance_price.values == pytest.approx([first, 40.0], rel=1e-9)
    assert data.covered_emissions.values[0] == pytest.approx([80.0, 60.0], rel=1e-9)
    assert data.phi.values[0] == pytest.approx([20.0 / first, 1.0], rel=1e-9)
    assert data.lagged_allocation.values[0] == pytest.approx([50.0, 40.0], rel=1e-9)
    assert data.abatement_cost.values[0] == pytest.approx([200.0, 800.0], rel=1e-8)
    assert data.forgone_allocation.values[0] == pytest.approx([20.0 * 20.0 / (1 + interest), 0.0], rel=1e-8)


def test_two_years_by_hand_with_banking() -> None:
    # One price p: x1 = p / 2, x2 = p. 40 + 50 + 20 + e1 / 2 = e1 + e2 gives 150 - 1.25 p = 110, p = 32:
    # e1 = 84, e2 = 68, 6 t banked, phi = 1 - f while banking.
    data = clear(one_firm([40.0, 20.0], Banking()), concept=HALF).dataset
    assert data.allowance_price.values == pytest.approx([32.0, 32.0], rel=1e-8)
    assert data.covered_emissions.values[0] == pytest.approx([84.0, 68.0], rel=1e-8)
    assert data.bank.values[0] == pytest.approx(6.0, rel=1e-7)
    assert data.phi.values[0] == pytest.approx([0.5, 1.0], rel=1e-8)


def test_a_price_expected_after_the_last_year_lowers_its_signal() -> None:
    concept = LaggedAllocation(share={"works": 0.5}, previous={"works": 100.0}, final_price=30.0)
    data = clear(one_firm([30.0, 20.0]), concept=concept).dataset
    # Year 2: 40 = p2 - 0.5 * 30: p2 = 55, phi = 40 / 55. Year 1: 20 = p1 - 0.5 * 55: p1 = 47.5.
    assert data.allowance_price.values == pytest.approx([47.5, 55.0], rel=1e-9)
    assert data.phi.values[0] == pytest.approx([20.0 / 47.5, 40.0 / 55.0], rel=1e-9)


PURCHASE = {"transaction_cost": {"purchase": 2.0}}


def test_forgone_allowances_are_worth_what_their_buyer_saves() -> None:
    # It buys every year, so a tonne is worth p + 2 to it, now and next year.
    # Year 1: e = 40 + 0.5 * 100 = 90, x = 10. Year 2: e = 10 + 0.5 * 90 = 55, x = 45 = p2 + 2: p2 = 43.
    # Year 1: 10 = (p1 + 2) - 0.5 * 45: p1 = 30.5; phi = 10 / 32.5.
    data = clear(one_firm([40.0, 10.0], instruments=PURCHASE), concept=HALF).dataset
    assert data.allowance_price.values == pytest.approx([30.5, 43.0], rel=1e-7)
    assert data.enterprise_price.values[0] == pytest.approx([32.5, 45.0], rel=1e-7)
    assert data.phi.values[0] == pytest.approx([10.0 / 32.5, 1.0], rel=1e-7)
    # 10 t cut forgo 5 allowances of 45 each.
    assert data.forgone_allocation.values[0] == pytest.approx([225.0, 0.0], rel=1e-7)


def test_a_seller_values_what_it_forgoes_below_the_price() -> None:
    # "works" is given 80 t in 2026 besides its half, and sells; a sale costs 4, a purchase nothing.
    # 2026: works x = p - 4, other x = p: 200 - 2 p + 4 = 50 + 80 + e1 / 2. 2025 (none given but the 50): works buys,
    # x = p1 - (p2 - 4) / 2, other x = p1: 200 - 2 p1 + (p2 - 4) / 2 = 90 + 50, so p1 = 29 + p2 / 4.
    # e1 = 100 - 29 - p2 / 4 + p2 / 2 - 2 = 69 + p2 / 4: 74 - 2 p2 = 34.5 + p2 / 8, p2 = 39.5 / 2.125 = 18.588.
    problem = MarketProblem.from_mapping(
        {
            "year": [2025, 2026],
            "enterprises": {"works": {"baseline": 100.0, "fixed": [0.0, 80.0]}, "other": {"baseline": 100.0}},
            "options": {
                f"{name}/m": {"enterprise": name, "potential": 100.0, "unit_cost": 0.0, "slope": 1.0}
                for name in ("works", "other")
            },
            "supply": [90.0, 50.0],
            "instruments": {"transaction_cost": {"sale": 4.0}},
        }
    )
    concept = LaggedAllocation(share={"works": 0.5}, previous={"works": 100.0}, start="low")
    data = clear(problem, concept=concept).dataset
    second = 39.5 / 2.125
    assert data.allowance_price.values == pytest.approx([29.0 + second / 4, second], rel=1e-7)
    assert data.sold.values[0, 1] > 1.0


def two_firms(cost: float) -> MarketProblem:
    """Two enterprises of 100 t with marginal abatement cost x that buy everything at a cost."""
    return MarketProblem.from_mapping(
        {
            "year": [2025, 2026],
            "enterprises": {"works": {"baseline": 100.0}, "other": {"baseline": 100.0}},
            "options": {
                f"{name}/m": {"enterprise": name, "potential": 100.0, "unit_cost": 0.0, "slope": 1.0}
                for name in ("works", "other")
            },
            "supply": [60.0, 60.0],
            "instruments": {"transaction_cost": {"purchase": cost}},
        }
    )


def test_two_enterprises_of_which_one_is_lagged_and_both_buy_at_a_cost() -> None:
    # With q = p + 4: year 1: 200 - 2 q1 + q2 / 2 = 60 + 50; year 2: 200 - 2 q2 = 60 + (100 - q1 + q2 / 2) / 2.
    # q1 = 45 + q2 / 4 and 90 = 2.25 q2 - q1 / 2 give q2 = 112.5 / 2.125 = 52.941, q1 = 58.235.
    concept = LaggedAllocation(share={"works": 0.5}, previous={"works": 100.0}, start="high")
    data = clear(two_firms(4.0), concept=concept).dataset
    second = 112.5 / 2.125
    assert data.allowance_price.values == pytest.approx([41.0 + second / 4, second - 4.0], rel=1e-7)
    assert data.phi.values[1] == pytest.approx([1.0, 1.0])


def test_forgone_allowances_of_a_vintage_are_worth_the_best_use_of_that_vintage() -> None:
    # Half of the 190 t of 2025 serve in 2026, so p1 = p2 and 95 t are emitted in each: 5 = p - 0.1 v. All of 2026
    # (10 + 9.5) is kept for 2027, as the other 19.5: e3 = 39 and p3 = 61 = v of the vintages 2026 and 2027. p = 11.1.
    problem = one_firm([180.0, 10.0, 10.0], instruments={"vintages": {"life": 1}})
    concept = LaggedAllocation(share={"works": 0.1}, previous={"works": 100.0})
    data = clear(problem, concept=concept).dataset
    assert data.allowance_price.values == pytest.approx([11.1, 11.1, 61.0], rel=1e-6)
    assert data.covered_emissions.values[0] == pytest.approx([95.0, 95.0, 39.0], rel=1e-6)
    assert data.phi.values[0] == pytest.approx([5.0 / 11.1, 5.0 / 11.1, 1.0], rel=1e-6)


def test_a_steep_price_path_makes_the_signal_negative() -> None:
    # Year 1 is all but ample: e1 = 49 + 0.5 * 100 = 99, x1 = 1; year 2: e2 = 0.5 * 99 + 0.5 = 50, p2 = 50.
    # Another enterprise without lag abates in year 1 at p1 = its own x; with ours: p1 - 25 < 0, so ours abates nothing.
    problem = MarketProblem.from_mapping(
        {
            "year": [2025, 2026],
            "enterprises": {"works": {"baseline": 100.0}, "other": {"baseline": 100.0}},
            "options": {
                f"{name}/m": {"enterprise": name, "potential": 100.0, "unit_cost": 0.0, "slope": 1.0}
                for name in ("works", "other")
            },
            "supply": [140.0, 50.0],
        }
    )
    data = clear(problem, concept=HALF).dataset
    # Year 1: 200 - x_o = 140 + 50: x_o = p1 = 10, ours 0. Year 2: 200 - 2 p2 = 50 + 50: p2 = 50; 10 - 25 < 0 holds.
    assert data.allowance_price.values == pytest.approx([10.0, 50.0], rel=1e-9)
    assert data.option_abatement.values[:, 0] == pytest.approx([0.0, 10.0], abs=1e-9)
    assert data.phi.values[0, 0] == pytest.approx(1 - 25.0 / 10.0)


def test_many_years_meet_the_equations_by_another_solver() -> None:
    from scipy.optimize import root

    supply, f, d = np.array([30.0, 28.0, 25.0, 20.0, 14.0]), 0.6, 1 / 1.05

    def conditions(x: np.ndarray) -> np.ndarray:
        p, e = x[:5], x[5:]
        last = np.append(100.0, e[:-1])
        return np.append(e - supply - f * last, (100 - e) - p + d * f * np.append(p[1:], 0.0))

    found = root(conditions, np.full(10, 50.0), tol=1e-13)
    assert found.success
    concept = LaggedAllocation(share={"works": f}, previous={"works": 100.0})
    data = clear(one_firm(supply.tolist(), interest=0.05), concept=concept).dataset
    assert data.allowance_price.values == pytest.approx(found.x[:5], rel=1e-8)
    assert data.covered_emissions.values[0] == pytest.approx(found.x[5:], rel=1e-8)


def test_updating_raises_the_price_for_the_same_cap_on_the_same_tonnes() -> None:
    # The lump sum that gives the same allowances leaves emissions as they are and the price lower: phi is 1.
    lagged = clear(one_firm([30.0, 20.0]), concept=HALF).dataset
    lump = one_firm([30.0, 20.0], enterprises={"works": {"baseline": 100.0, "fixed": [50.0, 40.0]}})
    plain = clear(lump).dataset
    assert plain.covered_emissions.values == pytest.approx(lagged.covered_emissions.values, rel=1e-8)
    assert plain.allowance_price.values[0] == pytest.approx(20.0)
    assert lagged.allowance_price.values[0] == pytest.approx(40.0)


@pytest.mark.parametrize("engine", ["programme", "price_search", "best_response"])
def test_the_engines_agree(engine: str) -> None:
    data = clear(one_firm([40.0, 20.0], Banking()), engine=engine, concept=HALF).dataset  # type: ignore[arg-type]
    assert data.allowance_price.values == pytest.approx([32.0, 32.0], rel=1e-6)


CORRUPTED = {
    "banking": one_firm([40.0, 20.0], Banking()),
    "enterprise prices": one_firm([40.0, 10.0], instruments=PURCHASE),
    "vintages": one_firm([180.0, 10.0, 10.0], instruments={"vintages": {"life": 1}}),
}


@pytest.mark.parametrize("case", CORRUPTED)
def test_every_corrupted_number_fails_a_named_line(case: str) -> None:
    problem, f = CORRUPTED[case], 0.1 if case == "vintages" else 0.5
    dataset = clear(problem, concept=LaggedAllocation(share={"works": f}, previous={"works": 100.0})).dataset
    share, previous = np.full((1, len(problem.year)), f), np.array([100.0])
    held = partial(audit_lagged, problem, share=share, previous=previous, after=np.zeros(1))
    assert missed(dataset, held) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"share": {"work": 0.5}, "previous": {"work": 1.0}}, "Did you mean 'works'"),
        ({"previous": {}}, "same enterprises"),
        ({"share": {"works": -0.1}}, "negative"),
        ({"share": {"works": [0.1, 0.2, 0.3]}}, "expected one, or 2"),
        ({"start": "middle"}, "both, low or high"),
        ({"share": {"works": 0.0}}, "no effect"),
    ],
)
def test_settings_are_checked(changes: dict[str, Any], message: str) -> None:
    settings: dict[str, Any] = {"share": {"works": 0.5}, "previous": {"works": 100.0}, **changes}
    with pytest.raises(InputError, match=message):
        clear(one_firm([30.0, 20.0]), concept=LaggedAllocation(**settings))


def test_a_cut_under_a_best_response_rule_forgoes_next_year_s_allowances() -> None:
    # 2025: obligation capped at 20 % above 90 t, so 8 of the 100 t left after a cut of 2 are owed beyond allowances;
    # 2026: half of the emissions of 2025. The step of 10 t costs 12; at the prices found it pays or not as a whole.
    from carbonsim.allocation import CappedObligation
    from carbonsim.market import Options, ResponseTerm

    def problem(cost: float) -> MarketProblem:
        return MarketProblem(
            enterprise=("works", "other"),
            year=(2025, 2026),
            baseline=np.array([[0.0, 100.0], [100.0, 100.0]]),
            share=np.ones((2, 2)),
            fixed=np.array([[0.0, 0.0], [80.0, 120.0]]),
            per_emission=np.zeros((2, 2)),
            options=Options(
                ("works/m", "other/m"),
                np.array([0, 1]),
                np.array([[10.0, 0.0], [90.0, 90.0]]),
                np.array([[cost, 0.0], [0.0, 0.0]]),
                np.array([[0.0, 0.0], [1.0, 1.0]]),
            ),
            supply=np.zeros(2),
            responses=(ResponseTerm(0, 2025, 100.0, 0.0, CappedObligation(90.0, 0.5), (0,), ()),),
        )

    concept = LaggedAllocation(share={"works": [0.0, 0.5]}, previous={"works": 0.0})
    # 2025, works cuts all 10: 90 - 90 + 100 - x = 80, x = p = 20. 2026: 200 - x = 120 + 45, x = p = 35.
    # It then forgoes 17.5 CNY for each tonne: worth it while cost + 17.5 < 20.
    cheap = clear(problem(2.0), concept=concept).dataset
    assert cheap.allowance_price.values == pytest.approx([20.0, 35.0], rel=1e-9)
    assert cheap.option_abatement.values[0, 0] == pytest.approx(10.0)
    assert cheap.abatement_cost.values[0, 0] == pytest.approx(20.0)
    assert cheap.response_cost.values == pytest.approx([20.0])
    # At 15 it would pay against 20 alone, but not with what is forgone: 15 + 0.5 * 30 > p = 30 of a market without it.
    dear = clear(problem(16.0), concept=concept).dataset
    # No cut: 100 - 90 + 100 - x = 80: x = 30; 2026: 200 - x = 120 + 50: x = 30; 16 + 15 > 30.
    assert dear.allowance_price.values == pytest.approx([30.0, 30.0], rel=1e-9)
    assert dear.option_abatement.values[0, 0] == pytest.approx(0.0, abs=1e-9)


def test_two_equilibria_are_named_with_their_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    from carbonsim.errors import SolverError
    from carbonsim.market import lagged

    def fake(*_: Any, from_top: bool, **__: Any) -> Any:
        price = np.array([40.0, 50.0 if from_top else 45.0])
        return SimpleNamespace(dataset=SimpleNamespace(allowance_price=SimpleNamespace(values=price)))

    monkeypatch.setattr(lagged, "find_path", fake)
    with pytest.raises(SolverError, match=r"2026 the price is 45 from below and 50 from above.*start: low"):
        clear(one_firm([30.0, 20.0]), concept=HALF)


def test_an_undetermined_price_cannot_value_a_lag() -> None:
    # Nothing to abate and exactly enough allowances: any price clears, so next year's allowances have no known worth.
    with pytest.raises(InputError, match="2025 is undetermined"):
        clear(one_firm([50.0, 50.0], options={}), concept=HALF)


def test_a_path_that_does_not_reproduce_itself_is_an_error_not_a_number() -> None:
    # Flat steps with banking: at one price for all years a whole step is cut or not, and each answer moves the path.
    from carbonsim.errors import SolverError

    options = {
        f"works/{step}": {"enterprise": "works", "potential": 20.0, "unit_cost": 10.0 * step} for step in range(5)
    }
    problem = one_firm([47.5, 45.0, 42.5, 40.0, 35.0, 30.0], Banking(), interest=0.05, options=options)
    with pytest.raises(SolverError, match=r"does not reproduce itself.*slope"):
        clear(problem, concept=HALF)


def test_a_long_horizon_with_a_large_share_meets_its_conditions() -> None:
    # Whatever the way there, the certificate holds the path: MAC = p - d f p' while the option is in part used.
    options = {
        f"works/{step}": {"enterprise": "works", "potential": 20.0, "unit_cost": 10.0 * step, "slope": 0.5}
        for step in range(5)
    }
    concept = LaggedAllocation(share={"works": 0.8}, previous={"works": 100.0}, start="low")
    problem = one_firm([19.0, 18.0, 17.0, 16.0], Banking(), interest=0.05, options=options)
    data = clear(problem, concept=concept).dataset
    price, use = data.allowance_price.values, data.option_abatement.values
    felt = price - 0.8 / 1.05 * np.append(price[1:], 0.0)
    marginal = 10.0 * np.arange(5)[:, None] + 0.5 * use
    inside = (use > 1e-6) & (use < 20 - 1e-6)
    assert inside.any(axis=0).all()
    assert (marginal - felt)[inside] == pytest.approx(0.0, abs=1e-6)
