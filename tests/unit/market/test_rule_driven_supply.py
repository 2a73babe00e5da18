"""Supply that a rule moves: hand-worked equilibria, signs of the literature, and an audit that misses nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
import xarray as xr

from carbonsim.errors import InfeasibleError, InputError, SolverError
from carbonsim.market import Line, MarketProblem, clear
from carbonsim.market.audit_reserve import label_line, reserve_lines
from carbonsim.market.concepts.rule_driven_supply import RuleDrivenSupply, select_equilibrium
from carbonsim.market.reserve import Search, find_fixed_points
from carbonsim.market.supply_rule import Dated, Observed, Response, SupplyRule, make_rule, supply_rules
from corruption import missed

EXACT = 1e-9


def linear(
    supply: Sequence[float], baseline: object = 100.0, interest: float = 0.0, **instruments: dict[str, object]
) -> MarketProblem:
    """One enterprise with MAC = abatement in every year, and banking unless instruments are given without it."""
    years = list(range(2025, 2025 + len(supply)))
    return MarketProblem.from_mapping(
        {
            "year": years,
            "enterprises": {"all": {"baseline": baseline}},
            "options": {"all/cut": {"enterprise": "all", "potential": baseline, "unit_cost": 0, "slope": 1}},
            "supply": list(supply),
            "interest": interest,
            "instruments": {"banking": {}, **instruments},
        }
    )


def tnac(**changes: object) -> dict[str, object]:
    """Half of what circulates above 25 allowances is taken in the next year, without smoothing or release."""
    fields: dict[str, object] = {
        "kind": "tnac_reserve", "lower": 0, "upper": 25, "rate": 0.5, "minimum_intake": 0, "release": 0,
        "smoothing_until": None, "invalid_above": None, "first_tnac_year": 2025, "months_in_first_year": 12,
        "opening_reserve": 0,
    }  # fmt: skip
    return {**fields, **changes}


def under(problem: MarketProblem, rule: dict[str, object], **settings: object) -> xr.Dataset:
    concept = RuleDrivenSupply(rule=rule, **{"tolerance": EXACT, **settings})  # type: ignore[arg-type]
    return clear(problem, "price_search", concept=concept).dataset


def test_both_equilibria_of_a_rule_that_jumps_are_found_and_audited() -> None:
    # Two years of 100 t before abatement, 100 + 60 allowances, no interest: MAC = cut, equal in both years while
    # banking. Without intake 40 t must be cut, p = 20, bank = 100 - 80 = 20 <= 25: nothing is taken. Consistent.
    # With an intake I of half the bank: p = 20 + I/2, bank = p, I = p/2, so p = 20/(3/4) = 26 2/3 > 25: consistent.
    dataset = under(linear([100, 60]), tnac())
    assert list(dataset.equilibrium.values) == ["least_withdrawal", "greatest_withdrawal"]
    least, greatest = (select_equilibrium(dataset, str(label)) for label in dataset.equilibrium.values)
    assert least.allowance_price.values == pytest.approx([20, 20])
    assert least.reserve_intake.values == pytest.approx([0, 0])
    assert greatest.allowance_price.values == pytest.approx([80 / 3, 80 / 3])
    assert greatest.tnac.values[0] == pytest.approx(80 / 3)
    assert greatest.reserve_intake.values == pytest.approx([0, 40 / 3])
    assert greatest.reserve_stock.values == pytest.approx([0, 40 / 3])
    assert greatest.supply_after_rule.values == pytest.approx([100, 60 - 40 / 3])
    assert xr.Dataset.equals(least.allowance_price, dataset.allowance_price)
    assert "2 equilibria" in dataset.attrs["equilibria"]
    assert "jumps from 0 to 12.5" in dataset.attrs["rule_warnings"]


def test_where_a_rule_is_not_isotone_no_more_is_claimed_than_was_found() -> None:
    # 105 + 85 + 60 = 250 of 300 t; the bank stays positive, so every year cuts 1/3 of what is missing.
    # (0, 0): 50/3 a year, 83 1/3 left: T = 21 2/3 and 23 1/3, both below 24. Consistent.
    # (-13, 0): 63/3 = 21, 79 left: T = 26, whose half is 13, and 26 + 72 - 79 = 19 < 24. Consistent.
    # (-x, -z): x = T1/2 and z = T2/2 with c = (50 + x + z)/3: T1 = 5 + c, T2 = T1 + 85 - x - 100 + c, so 2x = 5 + c and
    # 2z = x - 15 + c: c = 2x - 5, z = 1.5 x - 10, 6x - 15 = 50 + 2.5 x - 10: x = 55/3.5 = 15.714, z = 13.571. Both T
    # (31.43, 27.14) are above 24. Consistent.
    problem, rule = linear([105, 85, 60]), tnac(upper=24)
    dataset = under(problem, rule)
    assert dataset.attrs["equilibria"].startswith(f"at least {dataset.sizes['equilibrium']} equilibria")
    assert "not isotone" in dataset.attrs["equilibria"]
    seeded = under(problem, rule, seeds=[[0.0, -13.0, 0.0]])
    assert seeded.sizes["equilibrium"] == 3
    found = sorted(seeded.supply_change_by_equilibrium.values[:, 1:].tolist())
    x = 55.0 / 3.5
    assert found == [
        pytest.approx([-x, 10.0 - 1.5 * x], abs=1e-6),
        pytest.approx([-13.0, 0.0], abs=1e-6),
        pytest.approx([0.0, 0.0], abs=1e-6),
    ]


def test_one_equilibrium_of_a_rule_that_is_not_isotone_is_at_least_one() -> None:
    rule = tnac(lower=50, upper=1000, release=20, opening_reserve=30)
    assert under(linear([60, 60, 60]), rule).attrs["equilibria"].startswith("at least 1 equilibrium: ")


def test_what_circulated_before_the_market_is_its_opening_bank() -> None:
    rule = tnac(first_tnac_year=2024, earlier_tnac={2024: 90})
    with pytest.raises(InputError, match=r"earlier_tnac says 90 .* end of 2024, and opening_bank that 60 "):
        under(dataclasses.replace(linear([100, 60]), opening_bank=60.0), rule)


def test_a_seed_between_the_ends_finds_nothing_new() -> None:
    dataset = under(linear([100, 60]), tnac(), seeds=[[0.0, -5.0], [0.0, -20.0]])
    assert dataset.sizes["equilibrium"] == 2


def test_continuous_rule_has_one_equilibrium() -> None:
    # Smoothed from 15: I = B - 15 up to 15/(1 - 1/2) = 30. p = B = 20 + I/2 = 20 + (B - 15)/2, so B = 25, I = 10.
    dataset = under(linear([100, 60]), tnac(upper=15, smoothing_until="continuous"))
    assert "equilibrium" not in dataset.dims
    assert dataset.tnac.values[0] == pytest.approx(25)
    assert dataset.reserve_intake.values == pytest.approx([0, 10])
    assert dataset.attrs["equilibria"].startswith("one equilibrium: ")
    assert dataset.attrs["rule_warnings"] == ""


@pytest.mark.parametrize("engine", ["programme", "price_search", "best_response"])
def test_every_engine_finds_the_same_equilibrium(engine: str) -> None:
    # As above with a threshold of 0: p = 20 + I/2, I = p/2.
    dataset = clear(linear([100, 60]), engine, concept=RuleDrivenSupply(rule=tnac(upper=0))).dataset
    assert dataset.attrs["engine"] == engine
    # An accepted residual is brought down to what the engine itself leaves.
    assert dataset.allowance_price.values == pytest.approx([80 / 3, 80 / 3], rel=1e-8)


def test_reserve_that_takes_from_an_auction_leaves_less_on_offer() -> None:
    # The same 100 and 60 allowances, offered in an auction whose floor does not bind.
    auction = {"kind": "auction_floor", "quantity": [100, 60], "price": 5}
    dataset = under(linear([0, 0], auction=auction), tnac(upper=18, acts_on="auction"))
    assert dataset.allowance_price.values == pytest.approx([80 / 3, 80 / 3])
    assert dataset.sold_auction.values == pytest.approx([100, 60 - 40 / 3])
    assert dataset.supply_after_rule.values == pytest.approx([100, 60 - 40 / 3])


def test_nobody_keeps_the_bank_under_the_threshold() -> None:
    # Threshold 18, below the bank of 20 without a rule. A planner who could move the rule would bank 18: cuts of 18
    # and 22 t cost 18^2/2 + 22^2/2 = 404. Enterprises take the intake as given: p = 80/3 in both years, cost
    # (80/3)^2 = 711 1/9, and the bank of 26 2/3 is far above the threshold.
    dataset = under(linear([100, 60]), tnac(upper=18))
    assert dataset.bank.values[0] == pytest.approx(80 / 3)
    assert dataset.allowance_price.values[0] == pytest.approx(dataset.allowance_price.values[1])
    assert float(dataset.abatement_cost.sum()) == pytest.approx(6400 / 9)


def test_price_is_neutral_to_retiming_while_the_bank_lasts() -> None:
    # 100 + 60 + 50 allowances for 300 t: 90 t are cut, 30 a year, banks 30 and 20. Holding back 10 t of the first
    # year until the third leaves banks of 20 and 10; holding back 25 leaves none in the second year.
    problem = linear([100, 60, 50])
    plan = {"rate": 0.0, "upper": 1000}
    alone = clear(problem).dataset
    moved = under(problem, tnac(backloading={2025: 10}, returns={2027: 10}, **plan))
    assert alone.allowance_price.values == pytest.approx([30, 30, 30])
    assert moved.allowance_price.values == pytest.approx([30, 30, 30])
    assert moved.bank.values == pytest.approx([20, 10, 0])
    assert moved.reserve_stock.values == pytest.approx([10, 10, 0])
    # With 25 held back the first two years have 135 allowances for 200 t: 32.5 t a year at 32.5, then 25.
    short = under(problem, tnac(backloading={2025: 25}, returns={2027: 25}, **plan))
    assert short.allowance_price.values == pytest.approx([32.5, 32.5, 25])


def test_retiming_is_not_neutral_once_the_reserve_is_invalidated() -> None:
    # The 10 t held back are invalid on 1 January 2026: 100 t to cut in 3 years.
    rule = tnac(backloading={2025: 10}, rate=0.0, upper=1000, invalid_above={2026: 0})
    dataset = under(linear([100, 60, 50]), rule)
    assert dataset.reserve_invalidated.values == pytest.approx([0, 10, 0])
    assert dataset.reserve_stock.values == pytest.approx([10, 0, 0])
    assert dataset.allowance_price.values == pytest.approx([100 / 3] * 3)


@pytest.mark.parametrize(
    ("year", "change"),
    # Three years, intake I = r B_1 in the second only. With total emissions before abatement E and supply S:
    # p = (E - S + I)/3, B_1 = S_1 - E_1 + p, so I (1 - r/3) = r (S_1 - E_1 + (E - S)/3).
    # r = 0.24: dI/dE_1 = 0.24 (-1 + 1/3)/0.92 = -4/23; dI/dE_3 = 0.08/0.92 = 2/23.
    # Cumulative emissions are S - I: a tonne cut in year 1 lowers them by 4/23, announced for year 3 it raises them
    # by 2/23.
    [(0, -4 / 23), (2, 2 / 23)],
)
def test_waterbed_is_punctured_by_a_cut_now_and_overfilled_by_one_announced(year: int, change: float) -> None:
    rule = tnac(upper=0, rate={2025: 0.24, 2027: 0.0})
    before = np.array([100.0, 100.0, 100.0])
    after = before - np.eye(3)[year]
    markets = [under(linear([100, 60, 50], list(path)), rule) for path in (before, after)]
    emitted = [float(market.covered_emissions.sum()) for market in markets]
    assert emitted[1] - emitted[0] == pytest.approx(change, abs=1e-6)


@pytest.mark.parametrize(
    ("years", "changes", "said"),
    # A slope s spread over m and 1 - m of two years keeps the order if (1 - ms)^2 >= 4 (1 - m) s. With 4 months and
    # smoothing s = 1: 4/9 < 8/3. With all in the next year m = 1: 0 >= 0.
    [
        (2, {}, ""),
        (3, {}, "jumps at a threshold (2026)"),
        (3, {"smoothing_until": "continuous"}, ""),
        (4, {"smoothing_until": "continuous", "months_in_first_year": 4}, "can swing"),
        (2, {"release": 1, "lower": 1}, "may release"),
        (2, {"smoothing_until": 90, "upper": 25}, "falls where smoothing ends (2026)"),
    ],
)
def test_order_of_the_rule_is_claimed_only_where_it_holds(years: int, changes: dict[str, object], said: str) -> None:
    found = make_rule(tnac(**changes)).not_isotone(linear([80] * years))
    assert said in found
    assert bool(said) == bool(found)


def test_months_split_an_intake_over_two_years() -> None:
    # 4 of 12 months fall into the year of publication. Given 90 in circulation at the end of 2023 and 60 at the end
    # of 2024, at 50 %: 2025 takes 8/12 x 45 + 4/12 x 30 = 40; 2026 takes 8/12 x 30 = 20 and 4/12 of what 2025 leads to.
    rule = tnac(
        months_in_first_year=4, first_tnac_year=2023, earlier_tnac={2023: 90, 2024: 60}, upper={2024: 25, 2026: 1e6}
    )
    dataset = under(dataclasses.replace(linear([100, 60]), opening_bank=60.0), rule)
    assert dataset.reserve_intake.values == pytest.approx([40, 20])


def test_release_is_limited_by_what_the_reserve_holds() -> None:
    # 30 t in the reserve, 20 a year released while fewer than 50 circulate: 20 in 2026, the last 10 in 2027.
    rule = tnac(lower=50, upper=1000, release=20, opening_reserve=30)
    dataset = under(linear([60, 60, 60]), rule)
    assert dataset.reserve_release.values == pytest.approx([0, 20, 10])
    assert dataset.reserve_stock.values == pytest.approx([30, 10, 0])
    assert dataset.attrs["rule_isotone"] == "no: it may release allowances"


def test_invalidation_by_the_auction_volume_of_the_year_before() -> None:
    # 150 in the reserve against 120 auctioned in 2024: 30 invalid in 2025. In 2026 the measure is the 100 of 2025:
    # 20 more. From 2027 on nothing above 40: 60 more.
    rule = tnac(
        upper=1000, opening_reserve=150, earlier_auctioned={2024: 120},
        invalid_above={2025: "previous_auction", 2027: 40},
    )  # fmt: skip
    dataset = under(linear([100, 60, 50]), rule)
    assert dataset.reserve_invalidated.values == pytest.approx([30, 20, 60])


def test_intake_takes_no_more_than_is_auctioned_and_says_what_was_left() -> None:
    # 90 in circulation at the end of 2024, half of it is 45, but only 40 are auctioned in 2025.
    rule = tnac(first_tnac_year=2024, earlier_tnac={2024: 90}, upper={2025: 25, 2026: 1e6})
    dataset = under(dataclasses.replace(linear([40, 100], 60.0), opening_bank=90.0), rule)
    assert dataset.reserve_intake.values == pytest.approx([40, 0])
    assert dataset.reserve_intake_forgone.values == pytest.approx([5, 0])


def test_whole_allowances_are_taken_whole() -> None:
    # I = round(p/2) and p = 20 + I/2 with threshold 18: p = 26.5 with I = 13 (26.5/2 = 13.25).
    dataset = under(linear([100, 60]), tnac(upper=18, whole_allowances=True))
    assert dataset.reserve_intake.values == pytest.approx([0, 13])


def test_bank_adjustment_reproduces_the_caps_of_2018_to_2020() -> None:
    # Caps 82,235,598, 80,179,708 and 78,175,215 against 60,344,190 and 58,288,301 (read) and 56,283,807 (derived)
    # differ by 21,891,408, 21,891,407 and 21,891,408: three parts of 65,674,223 by the rounded running total.
    problem = MarketProblem.from_mapping(
        {
            "year": [2018, 2019, 2020],
            "enterprises": {"states": {"baseline": 70_000_000}},
            "options": {"cut": {"enterprise": "states", "potential": 6e7, "unit_cost": 0, "slope": 1e-6}},
            "supply": [82_235_598, 80_179_708, 78_175_215],
            "opening_bank": 65_674_223,
            "instruments": {"banking": {}},
        }
    )
    adjustment = {"measured": 2017, "first": 2018, "last": 2020, "above": 0, "share": 1}
    rule = {
        "kind": "cap_triggered", "adjustments": [adjustment], "earlier_bank": {2017: 65_674_223},
        "whole_allowances": True,
    }  # fmt: skip
    dataset = under(problem, rule, tolerance=1e-9)
    assert dataset.supply_after_rule.values.tolist() == [60_344_190, 58_288_301, 56_283_807]


def test_bank_adjustment_inside_the_market_is_foreseen() -> None:
    # Half of the bank of 2025 comes off the cap of 2026: the same equation as the reserve above its threshold.
    adjustment = {"measured": 2025, "first": 2026, "last": 2026, "above": 0, "share": 0.5}
    dataset = under(linear([100, 60]), {"kind": "cap_triggered", "adjustments": [adjustment]})
    assert dataset.allowance_price.values == pytest.approx([80 / 3, 80 / 3])
    assert dataset.cap_adjustment.values == pytest.approx([0, 40 / 3])


@pytest.mark.parametrize(
    ("earlier", "said"),
    [({2024: 9}, "earlier_bank has 9 at the end of 2024, but the market opens with 12"), ({2024: 12, 2025: 9}, "2025")],
)
def test_an_earlier_bank_that_contradicts_the_market_is_refused(earlier: dict[int, float], said: str) -> None:
    adjustment = {"measured": 2024, "first": 2025, "last": 2026, "above": 0, "share": 0.5}
    problem = dataclasses.replace(linear([100, 60]), opening_bank=12.0)
    with pytest.raises(InputError, match=said):
        under(problem, {"kind": "cap_triggered", "adjustments": [adjustment], "earlier_bank": earlier})


def test_the_opening_bank_is_what_an_adjustment_measures() -> None:
    # Half of 12 comes off in two parts of 3: 97 and 57 with the 12 carried in are 166 for two years of 100 t less the
    # cut, so 34 t are cut, 17 in each year: the MAC, which is the cut, is the price of both.
    adjustment = {"measured": 2024, "first": 2025, "last": 2026, "above": 0, "share": 0.5}
    problem = dataclasses.replace(linear([100, 60]), opening_bank=12.0)
    dataset = under(problem, {"kind": "cap_triggered", "adjustments": [adjustment], "earlier_bank": {2024: 12}})
    assert dataset.supply_after_rule.values == pytest.approx([97, 57])
    assert dataset.allowance_price.values == pytest.approx([17, 17])


def without_banking(supply: Sequence[float], **instruments: dict[str, object]) -> MarketProblem:
    problem = linear(supply, **instruments)
    return dataclasses.replace(problem, instruments=problem.instruments[1:])


def price_rule(**changes: object) -> dict[str, object]:
    fields: dict[str, object] = {
        "kind": "price_triggered", "upper_price": 45, "release": 10, "lower_price": None, "withholding": 0, "lag": 1,
        "opening_reserve": 15, "withheld_to": "reserve", "earlier_price": {2024: 0},
    }  # fmt: skip
    return {**fields, **changes}


def test_last_years_price_releases_from_a_finite_reserve() -> None:
    # Without banking p = 100 - supply. 50 in 2025: p = 50 >= 45 releases 10 in 2026: 50 + 10 = 60, p = 40 < 45.
    # 2028 has p = 60 in 2027 before it and only 5 left in the reserve.
    dataset = under(without_banking([50, 50, 40, 50]), price_rule())
    assert dataset.reserve_release.values == pytest.approx([0, 10, 0, 5])
    assert dataset.allowance_price.values == pytest.approx([50, 40, 60, 45])
    assert dataset.reserve_stock.values == pytest.approx([15, 5, 5, 0])


def test_low_price_withholds_in_the_next_year() -> None:
    # p = 10 in 2025 is below 20: 15 are withheld in 2026, p = 100 - 75; 25 is not below 20.
    rule = price_rule(
        upper_price=None, lower_price=20, withholding=15, withheld_to="cancelled", earlier_price={2024: 30}
    )
    dataset = under(without_banking([90, 90, 90]), rule)
    assert dataset.reserve_intake.values == pytest.approx([0, 15, 0])
    assert dataset.allowance_price.values == pytest.approx([10, 25, 10])
    assert dataset.reserve_stock.values == pytest.approx([15, 15, 15])


def test_price_of_last_year_opens_a_tier_that_sells_at_its_own_price() -> None:
    # A tier at 30 with nothing in it is opened with 20 by the price of 50 in 2025; in 2026 demand at 30 is 70, of
    # which 60 come from supply: 10 are sold, and the price is that of the tier.
    problem = without_banking([50, 60], tier={"kind": "reserve_tier", "price": 30, "quantity": [1e-3, 0]})
    dataset = under(problem, price_rule(release=20, opening_reserve=100, acts_on="tier"))
    assert dataset.allowance_price.values[1] == pytest.approx(30)
    assert dataset.reserve_sold.values[0, 1] == pytest.approx(10)
    assert dataset.price_basis.values[1] == "reserve_tier"


def test_a_release_that_undoes_its_own_trigger_has_no_equilibrium() -> None:
    # With banking p = (200 - S)/2 in both years. Without release p = 46 >= 45, so 10 are released, p = 41: none is.
    with pytest.raises(SolverError, match=r"consistent with itself.*2026"):
        under(linear([60, 48]), price_rule(), rounds=60)


def test_containment_reserve_as_a_step_withholds_below_its_trigger() -> None:
    # ECR: 10 of the year's 60 are offered only at 42 or more. Demand at 42 is 58: 50 + 8 are sold, 2 withheld.
    # CCR: a tier of 10 at 45 stays closed. Next year 40 + 10 + 10 at p >= 45 would be 60 > 55 = demand at 45.
    dataset = clear(
        without_banking(
            [50, 40],
            ecr={"kind": "auction_floor", "quantity": 10, "price": 42},
            ccr={"kind": "reserve_tier", "quantity": 10, "price": 45},
        )
    ).dataset
    assert dataset.allowance_price.values == pytest.approx([42, 45])
    assert dataset.sold_auction.values == pytest.approx([8, 10])
    assert dataset.unsold.values == pytest.approx([2, 0])
    assert dataset.reserve_sold.values[0] == pytest.approx([0, 5])


AUCTION = {"kind": "auction_floor", "quantity": [50, 50, 50], "price": 20}


def unsold(**changes: object) -> dict[str, object]:
    return {"kind": "unsold_allowances", "acts_on": "auction", **changes}


# Emissions before abatement 60, 90, 100 t, MAC = cut, no banking. Demand at the floor of 20: 40, 70, 80. So 10 of the
# first year's 50 stay unsold and the later prices are 90 - 50 = 40 and 100 - 50 = 50.
@pytest.mark.parametrize(
    ("rule", "price", "again"),
    [
        (unsold(then="cancel"), [20, 40, 50], [0, 0, 0]),
        (unsold(then="re_offer"), [20, 30, 50], [0, 10, 0]),
        (unsold(then="re_offer", after=2), [20, 40, 40], [0, 0, 10]),
        (unsold(then="re_offer", limit_share=0.12), [20, 34, 46], [0, 6, 4]),
        (unsold(then="reserve", reserve_limit=4.0), [20, 40, 50], [0, 0, 0]),
    ],
)
def test_fate_of_unsold_allowances(rule: dict[str, object], price: list[float], again: list[float]) -> None:
    problem = without_banking([0, 0, 0], auction=AUCTION)
    problem = dataclasses.replace(
        problem,
        baseline=np.array([[60.0, 90.0, 100.0]]),
        options=dataclasses.replace(problem.options, potential=np.array([[60.0, 90.0, 100.0]])),
    )
    dataset = under(problem, rule)
    assert dataset.allowance_price.values == pytest.approx(price)
    assert dataset.unsold_reoffered.values == pytest.approx(again)
    assert dataset.unsold.values == pytest.approx([10, 0, 0], abs=1e-9)
    if rule["then"] == "cancel":
        assert dataset.unsold_cancelled.values == pytest.approx([10, 0, 0])
    if rule["then"] == "reserve":
        assert dataset.unsold_cancelled.values == pytest.approx([6, 0, 0])
        assert dataset.reserve_stock.values == pytest.approx([4, 4, 4])
    if "limit_share" in rule:
        assert dataset.unsold_waiting.values == pytest.approx([10, 4, 0])


def test_reoffered_volume_that_is_not_bought_again_waits_on() -> None:
    # 50 offered a year at 20 for a demand of 40 at 20: 10, then 20 stay unsold.
    dataset = under(_slack(), unsold(then="re_offer"))
    assert dataset.unsold.values == pytest.approx([10, 20])
    assert dataset.unsold_waiting.values == pytest.approx([10, 20])


def _slack() -> MarketProblem:
    problem = without_banking([0, 0], auction={"kind": "auction_floor", "quantity": 50, "price": 20})
    low = np.array([[60.0, 60.0]])
    return dataclasses.replace(
        problem, baseline=low, options=dataclasses.replace(problem.options, potential=low.copy())
    )


CORRUPTED: dict[str, tuple[MarketProblem, dict[str, object]]] = {
    "two equilibria": (linear([100, 60]), tnac()),
    "every flow": (
        dataclasses.replace(linear([100, 60, 50], 300.0), opening_bank=260.0),
        tnac(
            lower=10, upper=12, release=3, opening_reserve=40, backloading={2025: 5}, returns={2026: 4},
            placement={2025: 7}, invalid_above={2025: "previous_auction", 2026: 30}, earlier_auctioned={2024: 35},
            months_in_first_year=4, first_tnac_year=2023, earlier_tnac={2023: 8, 2024: 260},
            rate={2024: 0.5, 2026: 0.2},
        ),
    ),
    "cap": (
        dataclasses.replace(linear([100, 60, 50]), opening_bank=9.0),
        {
            "kind": "cap_triggered", "earlier_bank": {2024: 9},
            "adjustments": [
                {"measured": 2024, "first": 2025, "last": 2026, "above": 1, "share": 0.5},
                {"measured": 2025, "first": 2026, "last": 2027, "above": 5, "share": 0.5},
            ],
        },
    ),
    "price": (without_banking([50, 50, 40, 90, 50]), price_rule(lower_price=20, withholding=7)),
    "re-offer": (_slack(), unsold(then="re_offer", limit_share=0.1)),
    "reserve": (_slack(), unsold(then="reserve", reserve_limit=12.0)),
}  # fmt: skip


@pytest.mark.parametrize("name", CORRUPTED)
def test_every_corrupted_number_fails_a_named_line(name: str) -> None:
    problem, rule = CORRUPTED[name]
    concept = RuleDrivenSupply(rule=rule, tolerance=1e-9)
    dataset = clear(problem, "price_search", concept=concept).dataset
    assert missed(dataset, lambda seen: reserve_lines(problem, make_rule(rule), seen, 1e-9)) == []


def test_certificate_states_the_fixed_point_and_both_markets() -> None:
    lines = {line.name for line in clear(linear([100, 60]), concept=RuleDrivenSupply(rule=tnac())).certificate.lines}
    assert {"rule.fixed_point", "rule.tnac", "rule.reserve_stock", "ledger.allowances"} <= lines
    assert "greatest_withdrawal: rule.fixed_point" in lines


def test_a_market_of_another_supply_fails_the_fixed_point() -> None:
    # An equilibrium of the market at a supply that the rule does not answer with: only the rule's line can know.
    problem, concept = linear([100, 60]), RuleDrivenSupply(rule=tnac(upper=18))
    dataset = clear(problem, concept=concept).dataset
    other = clear(dataclasses.replace(problem, supply=np.array([100.0, 50.0]))).dataset
    flows = {name: dataset[name] for name in dataset.data_vars if name not in other}
    forged = other.assign(flows)
    forged["supply_change"].values[1] = -10.0
    forged["supply_after_rule"].values[1] = 50.0
    forged["tnac"].values[:] = other.bank.values
    forged["reserve_intake"].values[1] = forged["reserve_stock"].values[1] = 0.5 * float(other.bank[0])
    assert [line.name for line in concept.audit(problem, forged).failures()] == ["rule.fixed_point"]


@pytest.mark.parametrize("name", sorted(supply_rules))
def test_every_rule_has_a_summary_and_an_equation(name: str) -> None:
    entry = supply_rules.get(name)
    assert entry.summary.endswith(".")
    assert ".. math::" in (entry.target.__doc__ or "")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (tnac(upper=-1), "upper is -1"),
        (tnac(first_tnac_year=2024), "earlier_tnac has no 2024"),
        (tnac(acts_on="auction"), "acts_on is 'auction'"),
        (tnac(invalid_above={2025: "previous_auction"}), "earlier_auctioned has no 2024"),
        (tnac(returns={2040: 1}), "returns names 2040"),
        (tnac(smoothing_until="somewhere"), "smoothing_until is 'somewhere'"),
        ({"kind": "cap_triggered", "adjustments": []}, "no adjustments"),
        (price_rule(lag=0), "supply step"),
        (price_rule(earlier_price={}), "earlier_price has no 2024"),
        (unsold(acts_on="supply", then="cancel"), "no auction with a floor"),
    ],
)
def test_a_rule_that_does_not_fit_is_refused_by_name(rule: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        under(linear([100, 60]), rule)


def test_unknown_rules_and_fields_are_named() -> None:
    with pytest.raises(InputError, match="Did you mean 'tnac_reserve'"):
        make_rule({"kind": "tnac_reserv"})
    with pytest.raises(InputError, match="has no 'uper'"):
        make_rule(tnac(uper=3))


def test_reserve_without_banking_is_refused() -> None:
    with pytest.raises(InputError, match="declare banking"):
        under(without_banking([100, 60]), tnac())


def test_returning_more_than_the_reserve_holds_is_an_error() -> None:
    with pytest.raises(InfeasibleError, match="is to return 10 allowances in 2026"):
        under(linear([100, 60]), tnac(returns={2026: 10}))


def test_too_few_rounds_are_an_error_and_not_a_warning() -> None:
    problem, rule = linear([100, 60]), make_rule(tnac(upper=18))
    with pytest.raises(SolverError, match="residual"):
        find_fixed_points(problem, rule, search=Search(tolerance=1e-12, rounds=2))


def test_a_withdrawal_that_no_market_can_bear_starts_from_a_part_of_it() -> None:
    # Only 50 t of each year's 100 can be cut: a withdrawal above 60 leaves no market, but the fixed point exists.
    problem = linear([100, 60])
    tight = dataclasses.replace(
        problem, options=dataclasses.replace(problem.options, potential=np.array([[45.0, 45.0]]))
    )
    points = find_fixed_points(tight, make_rule(tnac(upper=0, rate=0.9)), search=Search(tolerance=1e-9))
    # I = 0.9 p, p = 20 + I/2: p = 20/0.55 = 36.36.
    assert points[0].market.dataset.allowance_price.values == pytest.approx([20 / 0.55] * 2)
    assert len(points) == 1


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Leaning(SupplyRule):
    """Adds allowances in the last year in proportion to how far the first price is above a target."""

    target: float
    strength: float
    acts_on: str = "supply"

    def problems(self, problem: MarketProblem) -> list[str]:
        return []

    def respond(self, problem: MarketProblem, seen: Observed, applied: object = None) -> Response:
        change = np.zeros(len(problem.year))
        change[-1] = self.strength * (seen.price[0] - self.target)
        return Response(change)

    def most(self, problem: MarketProblem, seen: Observed, room: object) -> np.ndarray:
        return np.zeros(len(problem.year))

    def audit(self, problem: MarketProblem, dataset: xr.Dataset, tolerance: float) -> list[Line]:
        answer = self.strength * (float(dataset.allowance_price[0]) - self.target)
        return [Line("rule.fixed_point", abs(float(dataset.supply_change[-1]) - answer) / 200, tolerance)]


def test_rule_from_outside_that_overshoots_converges_by_damping() -> None:
    # c = 3 (p - 30) and p = 20 - c/2: undamped each step is 1.5 times the last one and turned round. The fixed point
    # is c = 3 (-10 - c/2), so c = -12 and p = 26.
    supply_rules.register("leaning")(Leaning)
    try:
        dataset = under(linear([100, 60]), {"kind": "leaning", "target": 30, "strength": 3})
    finally:
        supply_rules.unregister("leaning")
    assert dataset.supply_change.values == pytest.approx([0, -12])
    assert dataset.allowance_price.values == pytest.approx([26, 26])
    assert dataset.attrs["rule_isotone"].startswith("no: ")


def test_dated_values_hold_until_the_next_and_have_a_beginning() -> None:
    rate = Dated.of({2019: 0.24, 2031: 0.12})
    assert [rate.at(year) for year in (2019, 2030, 2031, 2050)] == [0.24, 0.24, 0.12, 0.12]
    with pytest.raises(InputError, match="needed for 2018"):
        rate.at(2018)


@pytest.mark.parametrize(
    ("names", "passes"),
    [
        (("least_withdrawal", "greatest_withdrawal"), True),
        (("from_no_intervention", "from_largest_intervention", "seed_2"), True),
        (("from_no_intervention", "0.5_of_the_largest_intervention"), True),
        (("from_largest_intervention", "from_no_intervention"), False),
        (("from_no_intervention", "seed_2", "seed_1"), False),
        (("seed_1", "seed_2"), False),
        (("from_no_intervention", "elsewhere"), False),
    ],
)
def test_equilibria_bear_the_names_of_their_starts_in_order(names: tuple[str, ...], passes: bool) -> None:
    assert label_line(xr.Dataset(coords={"equilibrium": list(names)})).passed is passes
