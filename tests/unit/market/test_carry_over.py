"""What is carried between years: interest on borrowing, compliance periods, the terminal condition. By hand."""

from __future__ import annotations

import numpy as np
import pytest

from carbonsim.errors import InfeasibleError, InputError
from carbonsim.market import Market, MarketProblem, clear
from carbonsim.market.instruments.compliance_periods import CompliancePeriods
from carbonsim.market.programme import build_programme
from carbonsim.solving import LoadedProgramme, compile_programme

ENGINES = ["programme", "best_response", "price_search"]
C2_SUPPLY = [60.0, 100.0, 95.0, 90.0, 60.0, 50.0, 40.0]


def sector(
    supply: list[float], instruments: dict[str, object], *, interest: float = 0.0, **fields: object
) -> MarketProblem:
    """One sector emits 100 t a year and cuts at MAC = x, so the price is the cut."""
    return MarketProblem.from_mapping(
        {
            "year": list(range(2025, 2025 + len(supply))),
            "supply": supply,
            "interest": interest,
            "enterprises": {"sector": {"baseline": 100}},
            "options": {"sector/m": {"enterprise": "sector", "potential": 100, "unit_cost": 0, "slope": 1}},
            "instruments": instruments,
            **fields,
        }
    )


def price(market: Market) -> np.ndarray:
    return market.dataset.allowance_price.values


def test_case_c2_with_interest_on_borrowing() -> None:
    # Year 1 borrows D = 40 - x1; x1 = (1.08 / 1.05) x2, and years 2 to 7 bank, so x rises at 5 per cent there:
    # x2 (1.05^6 - 1) / 0.05 = 600 - 435 + 1.08 D, hence x2 (6.8019128 + 1.08^2 / 1.05) = 165 + 1.08 * 40 = 208.2.
    problem = sector(C2_SUPPLY, {"banking": {"borrowing": float("inf"), "borrowing_interest": 0.08}}, interest=0.05)
    found = clear(problem)
    second = 208.2 / ((1.05**6 - 1) / 0.05 + 1.08**2 / 1.05)
    assert price(found)[0] == pytest.approx(1.08 / 1.05 * second, rel=1e-7)
    assert price(found)[1:] == pytest.approx(second * 1.05 ** np.arange(6), rel=1e-7)
    owed = 40 - 1.08 / 1.05 * second
    assert found.dataset.bank.values[0] == pytest.approx(-owed, rel=1e-6)
    assert found.dataset.borrowing_interest.values == pytest.approx([0.0, 0.08 * owed, 0, 0, 0, 0, 0], rel=1e-6)


@pytest.mark.parametrize(
    ("supply", "limit", "prices", "owed"),
    [
        # Alone the cuts are 40 and 20. Borrowing D: 40 - D = 1.5 (20 + 1.5 D), so D = 10 / 3.25.
        ([60.0, 80.0], float("inf"), [40 - 10 / 3.25, 20 + 15 / 3.25], 10 / 3.25),
        # At most 2: cuts 38 and 20 + 1.5 * 2; 38 >= 1.5 * 23, so more would be borrowed.
        ([60.0, 80.0], 2.0, [38.0, 23.0], 2.0),
        # Cuts 25 and 20: 25 < 1.5 * 20, so nobody borrows, though without interest both would cut 22.5.
        ([75.0, 80.0], float("inf"), [25.0, 20.0], 0.0),
        # Cuts 10 and 20 become 15 each by banking, which costs no interest.
        ([90.0, 80.0], float("inf"), [15.0, 15.0], -5.0),
    ],
)
def test_interest_of_one_half(supply: list[float], limit: float, prices: list[float], owed: float) -> None:
    found = clear(sector(supply, {"banking": {"borrowing": limit, "borrowing_interest": 0.5}}))
    assert price(found) == pytest.approx(prices, rel=1e-6)
    assert found.dataset.bank.values[0] == pytest.approx(-owed, abs=1e-6)


@pytest.mark.parametrize("engine", ["best_response", "price_search"])
def test_other_engines_refuse_interest_on_borrowing_by_name(engine: str) -> None:
    problem = sector([60.0, 80.0], {"banking": {"borrowing": 5, "borrowing_interest": 0.5}})
    with pytest.raises(InputError, match=r"'banking'.*borrowing_interest.*programme"):
        clear(problem, engine=engine)
    assert "borrowing_interest" in clear(problem).engine_reason


def test_interest_that_nobody_can_owe_is_refused() -> None:
    with pytest.raises(InputError, match=r"borrowing_interest has no effect"):
        sector([60.0, 80.0], {"banking": {"borrowing_interest": 0.1}})
    with pytest.raises(InputError, match=r"borrowing_interest has no effect"):
        sector([60.0, 80.0], {"banking": {"borrowing": [0, 9], "borrowing_interest": 0.1}})


@pytest.mark.parametrize("engine", ENGINES)
def test_a_compliance_period_is_unlimited_borrowing_inside(engine: str) -> None:
    # 300 - 270 = 30 t are cut over three years, rising at 5 per cent: 30 / (1 + 1.05 + 1.05^2) in the first.
    supply = [60.0, 100.0, 110.0]
    found = clear(sector(supply, {"compliance_periods": {"ends": [2027]}}, interest=0.05), engine=engine)
    first = 30 / (1 + 1.05 + 1.05**2)
    assert price(found) == pytest.approx(first * 1.05 ** np.arange(3), rel=1e-7)
    assert found.dataset.bank.values == pytest.approx([first - 40, 2.05 * first - 40, 0.0], abs=1e-6)
    free = clear(sector(supply, {"banking": {"borrowing": float("inf")}}, interest=0.05), engine=engine)
    assert price(free) == pytest.approx(price(found), rel=1e-7)


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_left_at_the_end_of_a_period_expires_without_banking(engine: str) -> None:
    # First period: 220 for 200 t, so 20 expire at its end and the price is 0. Second: 140 for 200 t, 30 cut each year.
    supply, ends = [120.0, 100.0, 60.0, 80.0], {"ends": [2026, 2028]}
    found = clear(sector(supply, {"compliance_periods": ends}), engine=engine)
    assert price(found) == pytest.approx([0.0, 0.0, 30.0, 30.0], abs=1e-6)
    assert found.dataset.expired.values == pytest.approx([0.0, 20.0, 0.0, 0.0], abs=1e-6)
    assert found.dataset.bank.values == pytest.approx([20.0, 0.0, -10.0, 0.0], abs=1e-6)
    # With banking the 20 t serve the second period: 40 t are cut over four years.
    banked = clear(sector(supply, {"compliance_periods": ends, "banking": {}}), engine=engine)
    assert price(banked) == pytest.approx([10.0] * 4, rel=1e-6)
    assert banked.dataset.bank.values == pytest.approx([30.0, 40.0, 10.0, 0.0], abs=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_borrowing_limit_holds_at_period_ends_alone(engine: str) -> None:
    # Cuts alone by period: 60 and 20. With at most 10 owed between them: 50 and 30, so 25 and 15 a year.
    found = clear(
        sector([60.0, 80.0, 90.0, 90.0], {"compliance_periods": {"ends": [2026, 2028]}, "banking": {"borrowing": 10}}),
        engine=engine,
    )
    assert price(found) == pytest.approx([25.0, 25.0, 15.0, 15.0], rel=1e-6)
    # 60 - 75 = -15 inside the period is more than the limit allows at its end.
    assert found.dataset.bank.values == pytest.approx([-15.0, -10.0, -5.0, 0.0], abs=1e-6)


def test_periods_are_checked_against_the_years() -> None:
    assert CompliancePeriods(ends=[2026]).problems((2025, 2026)) == []  # type: ignore[arg-type]
    with pytest.raises(InputError, match="lacks 2026"):
        sector([60.0, 80.0], {"compliance_periods": {"ends": [2025]}})
    with pytest.raises(InputError, match=r"2029.*expected years of the market"):
        sector([60.0, 80.0], {"compliance_periods": {"ends": [2026, 2029]}})
    with pytest.raises(InputError, match="rising years"):
        sector([60.0, 80.0], {"compliance_periods": {"ends": [2026, 2025, 2026]}})


@pytest.mark.parametrize("engine", ENGINES)
def test_allowances_to_be_left_cost_the_last_price(engine: str) -> None:
    # 200 - 190 = 10 t are to be cut, and 10 t more are to be left: 20 t over two years at equal prices.
    found = clear(sector([100.0, 90.0], {"banking": {}, "terminal_bank": {"at_least": 10}}), engine=engine).dataset
    assert found.allowance_price.values == pytest.approx([10.0, 10.0], rel=1e-6)
    assert found.bank.values == pytest.approx([10.0, 10.0], rel=1e-6)
    assert found.terminal_bank_price.values == pytest.approx([0.0, 10.0], rel=1e-6)
    assert "At least 10 allowances" in found.attrs["terminal_condition"]


def test_published_cost_of_the_condition_is_the_dual_of_its_row() -> None:
    problem = sector([100.0, 90.0], {"banking": {}, "terminal_bank": {"at_least": 10}}, interest=0.05)
    compiled = compile_programme(build_programme(problem).model)
    solution = LoadedProgramme(compiled).solve()
    assert solution is not None
    dual = -solution.row_dual[compiled.rows.index("terminal_bank.at_least")]
    assert clear(problem).dataset.terminal_bank_price.values[-1] == pytest.approx(dual * 1.05, rel=1e-7)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("value", "prices", "left"),
    [
        # At 15 each year cuts 15 t: 200 - 30 = 170 of 190 are used.
        (15.0, [15.0, 15.0], 20.0),
        # Without it 5 t are cut each year; 4 is too little for anybody to leave one.
        (4.0, [5.0, 5.0], 0.0),
    ],
)
def test_worth_of_what_is_left_supports_the_price(engine: str, value: float, prices: list[float], left: float) -> None:
    found = clear(sector([100.0, 90.0], {"banking": {}, "terminal_bank": {"value": value}}), engine=engine).dataset
    assert found.allowance_price.values == pytest.approx(prices, rel=1e-6)
    assert found.bank.values[-1] == pytest.approx(left, abs=1e-6)
    assert f"worth {value:g} CNY" in found.attrs["terminal_condition"]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_last_year_alone_has_a_terminal_condition_without_banking(engine: str) -> None:
    # Year 1 stands alone: 100 - 95 = 5 t. Year 2: 100 - 90 + 10.
    found = clear(sector([95.0, 90.0], {"terminal_bank": {"at_least": 10}}), engine=engine).dataset
    assert found.allowance_price.values == pytest.approx([5.0, 20.0], rel=1e-6)
    one = clear(sector([90.0], {"terminal_bank": {"value": 30}}), engine=engine).dataset
    assert one.allowance_price.values == pytest.approx([30.0])
    assert one.bank.values == pytest.approx([20.0])


@pytest.mark.parametrize(
    ("instruments", "words"),
    [
        ({"banking": {}}, "left at the end of 2026 are worth nothing"),
        ({}, "expire; those of the last year are worth nothing"),
        ({"vintages": {"life": 3}}, "whatever life their vintage has left"),
    ],
)
def test_the_default_terminal_condition_is_stated(instruments: dict[str, object], words: str) -> None:
    assert words in clear(sector([95.0, 90.0], instruments)).dataset.attrs["terminal_condition"]


def test_a_terminal_condition_says_one_thing_and_means_something() -> None:
    for given in ({}, {"at_least": 1, "value": 1}):
        with pytest.raises(InputError, match="exactly one of at_least"):
            sector([95.0, 90.0], {"terminal_bank": given})
    with pytest.raises(InputError, match=r"terminal_bank.value is 0.*positive"):
        sector([95.0, 90.0], {"terminal_bank": {"value": 0}})


def test_a_worth_above_a_ceiling_is_refused() -> None:
    # A ceiling at 28 in 2025 is below 30 discounted to it, 30 / 1.05 = 28.6: whoever may bank would buy there for ever.
    ceiling = {"price_ceiling": {"price": [28, 50]}}
    with pytest.raises(InputError, match=r"price_ceiling offers any quantity at 28 in 2025"):
        sector([95.0, 90.0], {"terminal_bank": {"value": 30}, "banking": {}, **ceiling}, interest=0.05)
    # Without banking nothing of 2025 is left in 2026.
    sector([95.0, 90.0], {"terminal_bank": {"value": 30}, **ceiling}, interest=0.05)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("supply", "instruments", "words"),
    [
        # No option cuts more than 20 of 100 t: 80 t are needed each year.
        ([70.0, 90.0], {"compliance_periods": {"ends": [2025, 2026]}}, r"2025: 10 t.*declare banking.*ends"),
        ([70.0, 80.0, 90.0], {"compliance_periods": {"ends": [2026, 2027]}}, r"2026: 10 t.*periods.*ends"),
        ([90.0, 75.0], {"banking": {}, "terminal_bank": {"at_least": 9}}, r"2026: 4 t.*terminal_bank.at_least"),
    ],
)
def test_an_infeasible_cap_names_the_rules_on_carrying(
    engine: str, supply: list[float], instruments: dict[str, object], words: str
) -> None:
    options = {"sector/m": {"enterprise": "sector", "potential": 20, "unit_cost": 5}}
    with pytest.raises(InfeasibleError, match=words):
        clear(sector(supply, instruments, options=options), engine=engine)


def test_an_infeasible_cap_names_the_interest_on_what_is_borrowed() -> None:
    # 80 t are needed each year: 10 are borrowed, 15 given back, 5 + 80 + 10 > 90.
    options = {"sector/m": {"enterprise": "sector", "potential": 20, "unit_cost": 5}}
    instruments = {"banking": {"borrowing": 50, "borrowing_interest": 0.5}}
    with pytest.raises(InfeasibleError, match=r"2026: 5 t.*borrowing_interest"):
        clear(sector([70.0, 90.0], instruments, options=options))
