"""Limited foresight: windows by hand, what is carried between them, surprises, and the audit of all of it."""

from __future__ import annotations

import dataclasses
from functools import partial

import numpy as np
import pytest
import xarray as xr

from builders import collared_market, market
from carbonsim.errors import InfeasibleError, InputError
from carbonsim.market import MarketProblem, clear
from carbonsim.market.audit_foresight import audit_foresight, path_lines
from carbonsim.market.concept import Concept, concepts
from carbonsim.market.concepts.rolling_horizon import RollingHorizon
from carbonsim.market.concepts.year_by_year import YearByYear
from carbonsim.market.foresight import Decision, Foresight, decide, known_policies, realised_dataset
from carbonsim.market.instruments.auction_floor import AuctionFloor
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.instruments.penalty import Penalty
from carbonsim.market.instruments.price_ceiling import PriceCeiling
from carbonsim.market.instruments.reserve_tier import ReserveTier
from corruption import missed

C2 = [60.0, 100.0, 95.0, 90.0, 60.0, 50.0, 40.0]
C2_PRICE = [40.0, 24.25788, 25.47078, 26.74432, 28.08153, 29.48561, 30.95989]
C2_BORROWED = [25.17806, 26.43697, 27.75882, 29.14675, 30.60408, 32.1343, 33.74101]


def sector(supply: list[float], borrowing: float = 0.0, interest: float = 0.05, **extra: object) -> MarketProblem:
    """One enterprise of 100 t whose marginal cost is its abatement in tonnes, with banking."""
    return MarketProblem.from_mapping(
        {
            "year": list(range(2025, 2025 + len(supply))),
            "supply": supply,
            "interest": interest,
            "enterprises": {"sector": {"baseline": 100}},
            "options": {"sector/m": {"enterprise": "sector", "potential": 100, "unit_cost": 0, "slope": 1}},
            "instruments": {"banking": {"borrowing": borrowing}, **extra},
        }
    )


def test_a_window_as_long_as_the_market_is_perfect_foresight() -> None:
    found = clear(sector(C2), concept=RollingHorizon(window=7)).dataset
    assert found.allowance_price.values == pytest.approx(C2_PRICE, abs=1e-5)
    borrowed = clear(sector(C2, borrowing=100.0), concept=RollingHorizon(window=9)).dataset
    assert borrowed.allowance_price.values == pytest.approx(C2_BORROWED, abs=2e-5)


def test_window_of_three_years_by_hand() -> None:
    # 2025: 40 t must be cut at once. 2026 sees 285 allowances for 300 t: 15 t at p, 1.05 p, 1.1025 p.
    # 2027 opens with what 2026 left, 15 / 3.1525, and sees 245 allowances.
    second = 15 / 3.1525
    third = (300 - 245 - second) / 3.1525
    found = clear(sector(C2), concept=RollingHorizon(window=3)).dataset
    assert found.allowance_price.values[:3] == pytest.approx([40.0, second, third])
    assert found.bank.values[1] == pytest.approx(second)
    assert found.expected_price.sel(decision=2026).values[1:4] == pytest.approx(second * 1.05 ** np.arange(3))
    assert np.isnan(found.expected_price.sel(decision=2026).values[[0, 4, 5, 6]]).all()


def test_case_c2_year_by_year_by_hand() -> None:
    # Nobody saves: each year cuts its own shortage, 100 less its supply, at a marginal cost of as much.
    found = clear(sector(C2), concept=YearByYear()).dataset
    assert found.allowance_price.values == pytest.approx([40.0, 0.0, 5.0, 10.0, 40.0, 50.0, 60.0])
    assert found.bank.values == pytest.approx(np.zeros(7))


def test_left_overs_of_a_myopic_year_are_carried_at_a_price_of_zero() -> None:
    # 10 of 110 are left in 2025; they add to the 70 of 2026, which then cuts 20.
    found = clear(sector([110.0, 70.0]), concept=YearByYear()).dataset
    assert found.allowance_price.values == pytest.approx([0.0, 20.0])
    assert found.bank.values == pytest.approx([10.0, 0.0])
    assert found.expired.values == pytest.approx([0.0, 0.0])


def test_left_overs_are_worth_last_years_price_by_hand() -> None:
    # 2025: worth 5, so 5 t are cut and 10 + 5 are kept. 2026: worth 5 / 1.05 = 4.7619, so as much is cut and kept.
    # 2027 is the last year: 100 - 70 - 15 - 4.7619 = 10.2381 t must be cut.
    concept = YearByYear(carry_value="last_price", first_value=5.0)
    found = clear(sector([110.0, 100.0, 70.0]), concept=concept).dataset
    assert found.allowance_price.values == pytest.approx([5.0, 5 / 1.05, 15 - 5 / 1.05])
    assert found.bank.values == pytest.approx([15.0, 15 + 5 / 1.05, 0.0])


def test_extrapolated_worth_of_left_overs_by_hand() -> None:
    # 2025 sees 2026, at whose end an allowance is worth 10: prices 10/1.05 and 10. 2026 sees 2027, whose end price is
    # extrapolated from the 10 expected for 2026: 10.5, hence 10 in 2026. 2027 sees the end of the market:
    # 200 - 170 - 10/1.05 - 10 t are cut at p and 1.05 p.
    concept = RollingHorizon(window=2, terminal_value="extrapolated", first_value=10.0)
    found = clear(sector([100.0, 100.0, 100.0, 70.0]), concept=concept).dataset
    last = (20 - 10 / 1.05) / 2.05
    assert found.allowance_price.values == pytest.approx([10 / 1.05, 10.0, last, 1.05 * last])
    assert found.left_over_value.values == pytest.approx([10.0, 10.5, np.nan, np.nan], nan_ok=True)


def test_debt_is_carried_into_the_next_window_by_hand() -> None:
    # 2025 borrows its limit of 20 and cuts 20. 2026 owes 20 and sees 195 for 200 t: 25 t at p and 1.05 p; what it
    # does not cut of its 20 it still owes.
    found = clear(sector([60.0, 100.0, 95.0, 90.0], borrowing=20.0), concept=RollingHorizon(window=2)).dataset
    assert found.allowance_price.values[:2] == pytest.approx([20.0, 25 / 2.05])
    assert found.bank.values[:2] == pytest.approx([-20.0, 25 / 2.05 - 20])


def test_interest_on_a_debt_is_owed_across_the_edge_of_a_window() -> None:
    # 2025 owes D: p25 = 40 - D and p26 = 1.1 D, of which p25 = 1.1 p26 / 1.05 makes 40 / (1 + 1.21 / 1.05).
    # 2026 opens with 1.1 D due and owes 1.1 D - p26 into 2027, where 1.1 of each and 5 more are cut, at
    # p26 = 1.1 p27 / 1.05.
    problem = sector([60.0, 100.0, 95.0, 90.0], borrowing=20.0)
    problem = dataclasses.replace(problem, instruments=(Banking(borrowing=20.0, borrowing_interest=0.1),))
    found = clear(problem, concept=RollingHorizon(window=2)).dataset
    owed = 40 / (1 + 1.21 / 1.05)
    assert found.bank.values[0] == pytest.approx(-owed)
    assert found.borrowing_interest.values[1] == pytest.approx(0.1 * owed)
    later = (1.21 * owed + 5) / (1 + 1.21 / 1.05)
    assert found.allowance_price.values[1] == pytest.approx(1.1 * later / 1.05)


def test_a_surprise_moves_prices_only_once_it_is_known() -> None:
    news = [{"known_from": 2028, "changes": {"supply": {2029: 50, 2030: 30}}}]
    plain = clear(sector(C2), concept=RollingHorizon(window=5)).dataset
    surprised = clear(sector(C2), concept=RollingHorizon(window=5, announcements=news)).dataset
    assert surprised.allowance_price.values[:3] == pytest.approx(plain.allowance_price.values[:3])
    assert (surprised.allowance_price.values[3:] > plain.allowance_price.values[3:] + 1).all()
    assert surprised.issued_fixed.values == pytest.approx([60.0, 100.0, 95.0, 90.0, 50.0, 30.0, 30.0])


def test_what_is_known_from_the_start_is_foreseen() -> None:
    news = [{"known_from": 2028, "changes": {"supply": {2029: 50, 2030: 30}}}]
    told = clear(sector([60.0, 100.0, 95.0, 90.0, 50.0, 30.0, 30.0]), concept=RollingHorizon(window=7)).dataset
    surprised = clear(sector(C2), concept=RollingHorizon(window=7, announcements=news)).dataset
    # The cut comes anyway; hearing of it late leaves a smaller bank in 2027 and a higher price from 2028 on.
    assert surprised.bank.values[2] < told.bank.values[2] - 1
    assert (surprised.allowance_price.values[3:] > told.allowance_price.values[3:]).all()


def test_an_announcement_cuts_a_step_short() -> None:
    news = [{"known_from": 2027, "changes": {"baseline": {"sector": {2029: 100.0, 2030: 120.0}}}}]
    found = clear(sector(C2), concept=RollingHorizon(window=5, step=3, announcements=news)).dataset
    assert found.decision.values.tolist() == [2025, 2027, 2030]


def test_an_announced_instrument_takes_effect() -> None:
    news = [{"known_from": 2026, "changes": {"instruments": {"price_ceiling": {"price": {2027: 15.0}}}}}]
    problem = sector([60.0, 60.0, 60.0], price_ceiling={"price": 200.0})
    found = clear(problem, concept=RollingHorizon(window=3, announcements=news)).dataset
    # Before 2026 everybody expects to cut 40 t a year: the price cannot rise at interest without a bank to hold it.
    assert found.allowance_price.values[0] > 38
    assert found.allowance_price.values[2] == pytest.approx(15.0)
    assert found.price_basis.values[2] == "ceiling"


def test_best_responses_are_assembled_in_their_order() -> None:
    problem = collared_market(instruments=(Banking(),))
    whole, rolled = (clear(problem, concept=concept).dataset for concept in (None, RollingHorizon(window=2)))
    for name in ("response_key", "response_allocation", "balance_value"):
        assert rolled[name].values == pytest.approx(whole[name].values)
    assert rolled.allowance_price.values == pytest.approx(whole.allowance_price.values)


def test_windows_that_end_with_a_compliance_period_carry_it() -> None:
    problem = sector(C2[:6], compliance_periods={"ends": [2026, 2028, 2030]})
    whole, rolled = (clear(problem, concept=concept).dataset for concept in (None, RollingHorizon(window=6, step=2)))
    assert rolled.allowance_price.values == pytest.approx(whole.allowance_price.values)
    # Inside the first period nothing is due: its 40 t are cut in both years, p and 1.05 p, as if 2025 could borrow.
    assert rolled.allowance_price.values[1] == pytest.approx(1.05 * rolled.allowance_price.values[0])
    with pytest.raises(InputError, match="inside a period of compliance_periods"):
        clear(problem, concept=RollingHorizon(window=6))
    with pytest.raises(InputError, match="windows that end with a period"):
        clear(problem, concept=RollingHorizon(window=3, step=2))


WRONG = {
    "banking is not declared": (market(supply=100.0), RollingHorizon(window=2)),
    "make|carry more": (market(Banking(), Penalty(price=60.0, make_good=True)), RollingHorizon(window=1)),
    "expected 1 <= step <= window": (sector(C2), RollingHorizon(window=2, step=3)),
    "first_value": (sector(C2), RollingHorizon(window=2, terminal_value="extrapolated")),
    "needed with last_price": (sector(C2), YearByYear(first_value=3.0)),
    "belongs to the problem itself": (
        sector(C2),
        RollingHorizon(window=2, announcements=[{"known_from": 2025, "changes": {"supply": 50}}]),
    ),
    "expected a year from 2027": (
        sector(C2),
        RollingHorizon(window=2, announcements=[{"known_from": 2027, "changes": {"supply": {2026: 50}}}]),
    ),
    "expected known_from and changes": (sector(C2), YearByYear(announcements=[{"from": 2027}])),
    "the price is given": (
        dataclasses.replace(market(supply=100.0), given_price=np.array([1.0, 1.0])),
        RollingHorizon(window=2),
    ),
}


@pytest.mark.parametrize("words", WRONG)
def test_what_cannot_be_held_is_refused_by_name(words: str) -> None:
    problem, concept = WRONG[words]
    with pytest.raises(InputError, match=words):
        clear(problem, concept=concept)


def test_infeasible_window_names_its_decision_and_bank() -> None:
    with pytest.raises(InfeasibleError, match=r"decision of 2027 with 0 allowances carried"):
        clear(market(Banking(), years=3, supply=(100.0, 100.0, 40.0)), concept=YearByYear())


def chain(problem: MarketProblem, foresight: Foresight) -> tuple[tuple[Decision, ...], xr.Dataset]:
    known = known_policies(problem, foresight.announcements)
    decisions = decide(known, foresight, "test", "auto", None)
    dataset = realised_dataset(known[max(known)], decisions)
    dataset.attrs.update(interest=problem.interest)
    return decisions, dataset


NEWS = ({"known_from": 2026, "changes": {"supply_factor": 0.9, "instruments": {"reserve_tier": {"price": 33.0}}}},)
CHAINS: dict[str, tuple[MarketProblem, Foresight]] = {
    "steps and news": (
        market(
            Banking(borrowing=5.0),
            AuctionFloor(quantity=20.0, price=20.0),
            ReserveTier(price=35.0, quantity=12.0),
            PriceCeiling(price=60.0),
            years=3,
            supply=(105.0, 80.0, 70.0),
            opening_bank=3.0,
        ),
        Foresight(2, 1, NEWS),
    ),
    "extrapolated": (sector([100.0, 100.0, 100.0, 70.0]), Foresight(2, 1, (), 10.0)),
    "last price": (sector([110.0, 100.0, 70.0]), Foresight(1, 1, (), 5.0, constant_price=True)),
    "collared": (collared_market(instruments=(Banking(),)), Foresight(1)),
}


@pytest.mark.parametrize("name", CHAINS)
def test_every_corrupted_number_fails_a_line(name: str) -> None:
    problem, foresight = CHAINS[name]
    decisions, dataset = chain(problem, foresight)
    assert audit_foresight(problem, foresight, decisions, dataset).passed
    assert missed(dataset, partial(path_lines, problem, foresight, decisions)) == []


def test_a_window_under_another_policy_fails_its_line() -> None:
    problem, foresight = CHAINS["steps and news"]
    decisions, dataset = chain(problem, foresight)
    early = dataclasses.replace(foresight, announcements=({**NEWS[0], "known_from": 2027},))
    failed = [line.name for line in audit_foresight(problem, early, decisions, dataset).failures()]  # type: ignore[arg-type]
    assert "foresight.known_policy" in failed


@pytest.mark.parametrize("name", ["rolling_horizon", "year_by_year", "scenario_tree"])
def test_concepts_are_registered_with_their_equation(name: str) -> None:
    entry = concepts.get(name)
    assert entry.summary.endswith(".")
    assert ":label:" in (entry.target.__doc__ or "")


@pytest.mark.parametrize("concept", [YearByYear(), RollingHorizon(window=1)])
@pytest.mark.parametrize("borrowing", [10.0, np.inf])
def test_borrowing_has_no_effect_in_windows_of_one_year_and_is_refused(concept: Concept, borrowing: float) -> None:
    with pytest.raises(InputError, match=r"banking\.borrowing has no effect.*window of 2 years"):
        clear(sector([60.0, 100.0, 95.0], borrowing=borrowing), concept=concept)


def test_borrowing_that_an_announcement_allows_is_refused_in_windows_of_one_year() -> None:
    later = {"known_from": 2026, "changes": {"instruments": {"banking": {"borrowing": 10.0}}}}
    with pytest.raises(InputError, match=r"banking\.borrowing has no effect"):
        clear(sector([60.0, 100.0, 95.0]), concept=YearByYear(announcements=[later]))
