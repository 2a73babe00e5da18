"""The whole line on packaged studies: the hand solution, conservation, and what must not change."""

from functools import lru_cache

import numpy as np
import pytest
import xarray as xr

import carbonsim as cs
from carbonsim.errors import InputError


@lru_cache(maxsize=4)
def results(*studies: str) -> cs.Results:
    return cs.simulate([cs.read_scenario(study) for study in studies])


def test_textbook_study_matches_its_hand_solution() -> None:
    # Linear MACs of slope 2, 1.5 and 4 CNY/t per kt, each year's cap 10 % below the covered 100, 160 and 200 kt:
    # price = reduction / sum(1 / slope): 10 * 2; 16 / (1/2 + 1/1.5); 20 / (1/2 + 1/1.5 + 1/4). Nothing is banked,
    # because the discounted price falls: 20 > 13.714 / 1.05 and 13.714 / 1.05 > 14.118 / 1.05**2.
    run = results("textbook").run()
    price = np.array([20.0, 16 / (1 / 2 + 1 / 1.5), 20 / (1 / 2 + 1 / 1.5 + 1 / 4)])
    assert run["allowance_price"].values == pytest.approx(price, rel=1e-6)
    assert run["bank"].values == pytest.approx(np.zeros(3), abs=1e-3)
    abatement = run["abatement"].sel(enterprise=["power_a", "steel_a", "cement_a"]).values
    covered = np.array([[1, 1, 1], [0, 1, 1], [0, 0, 1]])
    by_hand = price / np.array([[2.0], [1.5], [4.0]]) * 1000 * covered
    assert abatement == pytest.approx(by_hand, rel=1e-6, abs=1e-3)


STUDIES = ("textbook", "panzhihua")


@pytest.mark.parametrize("study", STUDIES)
def test_money_and_allowances_are_conserved(study: str) -> None:
    run = results(study).run()
    issued = run["supply_free"] + run["supply_auction"] + run["supply_reserve"]
    used = run["surrender"] - run["supply_offset"] - run["supply_penalty"]
    change = run["bank"].values - np.concatenate([[opening_bank(study)], run["bank"].values[:-1]])
    assert (issued - used).values == pytest.approx(change, abs=1e-6 * float(run["surrender"].max()))
    # What enterprises pay for allowances, beyond what offsets save them, is the price times what they were not given.
    paid = run["allowance_cost"].sum("enterprise") + run["offset_saving"].sum("enterprise")
    owed = run["allowance_price"] * (run["surrender"] - run["supply_free"] - run["supply_penalty"])
    assert paid.values == pytest.approx(owed.values, rel=1e-6, abs=1.0)


def opening_bank(study: str) -> float:
    scenario = cs.read_scenario(study)
    return scenario.parameters.value("market.opening_bank", scenario.years[0])


@pytest.mark.parametrize("study", STUDIES)
def test_resource_cost_and_transfers_add_up(study: str) -> None:
    run = results(study).run()
    parts = run["abatement_cost"] + run["allowance_cost"] + run["penalty_cost"]
    assert parts.values == pytest.approx(run["net_compliance_cost"].values)


@pytest.mark.parametrize("study", STUDIES)
def test_every_line_of_the_certificate_passes(study: str) -> None:
    found = results(study)
    lines = found.certificate[found.scenarios[0]]
    assert len(lines) >= 5
    assert all(line["passed"] for line in lines)


def test_the_uncovered_abate_only_what_pays_or_what_prepares_their_entry() -> None:
    run = results("panzhihua").run()
    outside = (run["obligation_share"] == 0) & (run["kind"] == "enterprise")
    assert bool(outside.any())
    assert float(run["allowance_cost"].where(outside, 0.0).max()) == 0
    assert float(run["free_allocation"].where(outside, 0.0).max()) == 0


def test_widening_scenarios_move_the_price_and_the_reference_differs_from_itself_by_nothing() -> None:
    both = results("panzhihua", "panzhihua/no_widening")
    difference = both.compare(both.scenarios[0])
    assert (difference["allowance_price"].abs() > 1e-6).any()
    effect = both.announcement_effect(without=both.scenarios[1])
    assert effect["effect"].to_numpy() == pytest.approx(-difference["allowance_price"].to_numpy())


@pytest.mark.parametrize("study", STUDIES)
def test_the_counterfactual_inside_a_run_is_the_run_without_widening(study: str) -> None:
    with_widening, without = results(study).run(), results(f"{study}/no_widening").run()
    expected = without["allowance_price"].values
    assert with_widening["price_without_widening"].values == pytest.approx(expected, rel=1e-6)
    assert without["price_without_widening"].values == pytest.approx(expected, rel=1e-12)


def test_results_survive_a_round_trip(tmp_path) -> None:
    found = results("textbook")
    again = cs.read_results(found.save(tmp_path / "results.nc"))
    xr.testing.assert_identical(again.dataset, found.dataset)
    assert again.certificate == found.certificate
    assert again.provenance == found.provenance


def test_two_runs_give_the_same_bytes(tmp_path) -> None:
    scenario = cs.read_scenario("textbook")
    one = cs.simulate(scenario).save(tmp_path / "one.nc").read_bytes()
    assert cs.simulate(scenario).save(tmp_path / "two.nc").read_bytes() == one


def test_a_foreign_file_is_no_results_file(tmp_path) -> None:
    xr.Dataset({"a": 1}).to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    with pytest.raises(InputError, match="not a results file"):
        cs.read_results(tmp_path / "other.nc")


def test_a_name_given_twice_is_refused() -> None:
    scenario = cs.read_scenario("textbook")
    with pytest.raises(InputError, match="twice"):
        cs.simulate([scenario, scenario])


def test_the_order_of_scenarios_does_not_change_their_numbers() -> None:
    forth = results("textbook", "textbook/tighter")
    back = results("textbook/tighter", "textbook")
    for name in forth.scenarios:
        xr.testing.assert_equal(forth.run(name), back.run(name))


def test_a_change_of_the_coverage_is_recorded_and_acts() -> None:
    base = cs.read_scenario("textbook")
    later = base.change("coverage.steel.entry_year", 2028, basis="assumption", why="a year later", name="later")
    both = cs.simulate([base, later])
    assert both.provenance["later"]["changes"][0]["path"] == "coverage.steel.entry_year"
    # Without steel the cap of 2027 is 90 kt of power alone: 10 kt at slope 2, as in 2026.
    assert float(both.run("later")["allowance_price"].sel(year=2027)) == pytest.approx(20, rel=1e-6)


def test_a_city_pilot_leaves_the_rest_of_the_country_out() -> None:
    base = cs.read_scenario("panzhihua")
    pilot = base.change("market.scope", "local", basis="assumption", why="a city pilot", name="pilot")
    run = cs.simulate(pilot).run()
    assert set(run["kind"].values) == {"enterprise"}


def test_at_a_given_price_everybody_answers_that_price() -> None:
    base = cs.read_scenario("panzhihua")
    scenario = base.change("market.scope", "price", basis="assumption", why="a given path", name="given")
    run = cs.simulate(scenario).run()
    assert set(run["price_basis"].values) == {"given"}
    path = scenario.parameters.series("market.given_price", scenario.years)
    assert run["allowance_price"].values == pytest.approx(path)


@pytest.mark.parametrize("name", ["slower", "faster", "auction_earlier", "one_power_benchmark"])
def test_certificates_pass_on_every_packaged_variation(name: str) -> None:
    found = results(f"panzhihua/{name}")
    assert all(line["passed"] for line in found.certificate[found.scenarios[0]])


def test_selling_allowances_of_lump_sum_rules_instead_of_giving_them_leaves_the_price() -> None:
    # Montgomery: from 2027 the rules are lump sums, so who gets the allowances moves rents and not the price.
    given = results("panzhihua").run()
    sold = results("panzhihua/auction_earlier").run()
    lump_sum = given["year"] >= 2027
    assert sold["allowance_price"][lump_sum].values == pytest.approx(
        given["allowance_price"][lump_sum].values, rel=1e-4
    )
    assert float(sold["supply_auction"].sum()) > float(given["supply_auction"].sum())


def test_sources_lists_every_table_and_parameter() -> None:
    sources = results("textbook").sources()
    assert {"table activity", "table measures", "parameter market.opening_bank"} <= set(sources["item"])
    assert set(sources["basis"]) == {"assumption"} | set(sources["basis"])


def test_basis_shares_sum_to_one() -> None:
    shares = results("panzhihua").basis_shares()
    assert shares.sum().to_numpy() == pytest.approx([1, 1])
