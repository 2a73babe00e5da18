"""Faults that a review found, each with the numbers that showed it."""

import dataclasses

import numpy as np
import pytest

import carbonsim as cs
from carbonsim.inputs.parameters import DatedValue, Parameter
from carbonsim.inputs.scenario import Scenario


def changed(study: str, changes: dict[str, object]) -> Scenario:
    scenario = cs.read_scenario(study)
    for number, (path, value) in enumerate(changes.items()):
        scenario = scenario.change(path, value, basis="assumption", why="a test", name=f"changed-{number}")
    return scenario


def with_parameter(scenario: Scenario, path: str, value: float) -> Scenario:
    first, last = scenario.years[0], scenario.years[-1]
    made = Parameter(
        path=path, description="Test.", unit="1", dims=(),
        values={(): (DatedValue(first, value, "textbook-made-up", "assumption"),)}, valid_until=last,
    )  # fmt: skip
    return dataclasses.replace(scenario, parameters=scenario.parameters.with_parameter(made))


def test_headroom_counts_only_the_phased_in_share_of_a_tonne() -> None:
    # Half of steel's obligation: 54 kt of 60 kt free, all halved. At the year's price p steel can cut p / 1.5 kt per
    # CNY/t, half of which counts against half of the 6 kt shortfall, so the half cancels out.
    half = changed("textbook", {"coverage.steel.phase_in": "0.5"})
    results = cs.simulate(half)
    run, pressure = results.run(), results.pressure("sector")
    price = float(run["allowance_price"].sel(year=2027))
    shortfall = 0.5 * (60_000 - 54_000)
    potential = 0.5 * (0.5 * price / 1.5 * 1000)
    name = results.scenarios[0]
    assert pressure.loc[(name, "steel", 2027), "abatement_headroom"] == pytest.approx(potential / shortfall, rel=1e-6)


def test_a_price_that_no_rule_sets_is_published_by_no_engine_and_said_in_the_reasons() -> None:
    rules = {f"allocation.{sector}.{year}": "verified_emissions" for sector, year in
             (("power", 2026), ("steel", 2027), ("cement", 2028))}  # fmt: skip
    results = cs.simulate(changed("textbook", rules))
    run, pressure = results.run(), results.pressure("sector")
    assert np.isnan(run["allowance_price"].values).all()
    assert set(run["price_basis"].values) == {"indeterminate"}
    assert pressure["net_compliance_cost"].isna().all()
    reasons = {row[4] for row in pressure.attrs["absent"] if row[1:4] == ("power", 2026, "cost_to_value_added")}
    assert reasons == {"no price is determined in this year"}
    assert results.summary()["local_allowance_cost"].isna().all()


def test_allowances_to_be_made_good_are_paid_for_in_the_next_year() -> None:
    scenario = changed("textbook", {"market.instruments": ["banking", "penalty"]})
    scenario = with_parameter(with_parameter(scenario, "market.penalty", 2.0), "market.penalty_make_good", 1.0)
    run = cs.simulate(scenario).run()
    assert float(run["supply_penalty"].sum()) > 0
    owed_before = np.concatenate([[0.0], run["supply_penalty"].values[:-1]])
    net = run["surrender"] - run["supply_free"] - run["supply_penalty"] + owed_before
    paid = run["allowance_cost"].sum("enterprise").values
    assert paid == pytest.approx((run["allowance_price"] * net).values, rel=1e-9, abs=1e-3)


def test_distance_to_benchmark_does_not_depend_on_what_is_auctioned() -> None:
    base = {"allocation.coking.2030": "output_benchmark"}
    distances = []
    for share in (0.0, 0.5):
        scenario = changed("panzhihua", base | {"allocation.auction_share.coking": {2030: share}})
        results = cs.simulate(scenario)
        distances.append(
            results.pressure("sector").loc[(results.scenarios[0], "coking", 2030), "distance_to_benchmark"]
        )
    assert np.isfinite(distances).all()
    assert distances[0] == pytest.approx(distances[1])


def test_a_city_pilot_gets_its_part_of_the_national_bank() -> None:
    pilot = changed("panzhihua", {"market.scope": "local"})
    results = cs.simulate(pilot)
    part = results.provenance[results.scenarios[0]]["part_of_national_quantities"]
    assert 0.001 < part < 0.01
    assert (results.run()["allowance_price"] > 0).all()


def test_a_measure_that_costs_nothing_in_all_does_not_fail_the_audit() -> None:
    rule = {"rule": "power_benchmark_2023", "options": {"relief": False}}
    results = cs.simulate(changed("panzhihua", {"allocation.power.2024": rule}))
    assert all(line["passed"] for line in results.certificate[results.scenarios[0]])


def test_a_counterfactual_without_an_answer_does_not_stop_the_run() -> None:
    # Power alone cannot stay under 5 kt in 2027; with steel's surplus of 48 kt the real market can.
    scenario = changed(
        "textbook",
        {"industry.reduction_factor.power": {2026: 0.9, 2027: 0.05}, "industry.reduction_factor.steel": {2026: 1.8}},
    )
    results = cs.simulate(scenario)
    assert np.isfinite(results.run()["allowance_price"].values).all()
    assert np.isnan(results.run()["price_without_widening"].values).all()
    reasons = results.provenance[results.scenarios[0]]["without_answer"]
    assert len(reasons) == 1
    assert reasons[0].startswith("no widening")


def test_what_pays_without_a_price_is_not_booked_as_compliance() -> None:
    run = cs.simulate(cs.read_scenario("panzhihua")).run()
    assert float(run["no_regret_cost"].max()) <= 0
    outside = run["obligation_share"] == 0
    assert float(run["net_compliance_cost"].where(outside, 0.0).min()) >= -1e-6  # CNY: rounding


def test_electricity_carries_no_more_than_the_shortfall_of_power_under_a_benchmark() -> None:
    run = cs.simulate(cs.read_scenario("panzhihua")).run()
    cost = run["indirect_cost"].sum("enterprise")
    # Power is about half a per cent short under the benchmark of 2024, and pays for every tonne under a cap.
    assert float(cost.sel(year=2024)) < 0.05 * float(cost.sel(year=2027))


@pytest.mark.parametrize("share", [0.2, 0.9])
def test_a_collared_sector_still_balances_when_part_of_it_is_auctioned(share: float) -> None:
    scenario = changed("panzhihua", {"allocation.auction_share.steel": {2024: 0.0, 2025: share}})
    run = cs.simulate(scenario).run()
    steel = run["sector"].values == "steel"
    year = run.sel(year=2025).isel(enterprise=steel)
    ratio = float(year["free_allocation"].sum() / year["obligation"].sum())
    assert ratio == pytest.approx(1 - share, rel=1e-6)
