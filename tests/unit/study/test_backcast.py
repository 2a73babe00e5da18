"""The back-cast: facts as published, bookkeeping by hand, and every decision with the rules of its day alone."""

import dataclasses
from datetime import date

import numpy as np
import pytest

from carbonsim.allocation import AllocationInput
from carbonsim.errors import InputError
from carbonsim.inputs.backcast_files import read_backcast_parameters
from carbonsim.inputs.parameters import ParameterSet
from carbonsim.study.backcast import BELIEFS, YEARS, Backcast, backcast, opening_state, price_path
from carbonsim.study.backcast_market import Beliefs, State, decision_problem, has_news, plan_of
from carbonsim.study.backcast_population import BlockPopulation, equal_bins, packaged_populations, power_units
from carbonsim.study.backcast_positions import Positions, cycle_position, cycles

NO_SHIFT = dict.fromkeys((2019, 2020, 2021, 2022, 2023), 0.0)
FACTS, HASHES = read_backcast_parameters()


@dataclasses.dataclass(frozen=True)
class Given:
    """Entities of class I, the same output in all years, whose intensity over the benchmark of the plan is given."""

    ratio: tuple[float, ...]
    output: float = 1e6  # MWh

    def units(self, year: int, plan_year: int) -> AllocationInput:
        benchmark = FACTS.value("power.benchmark", plan_year, "I")
        output = np.full(len(self.ratio), self.output)
        emissions = output * benchmark * np.array(self.ratio)
        return power_units(plan_year, ("I",) * len(output), emissions, output, np.zeros_like(output))

    def benchmark_class(self) -> tuple[str, ...]:
        return ("I",) * len(self.ratio)

    def members(self) -> np.ndarray:
        return np.ones(len(self.ratio))


def beliefs(left_over: str = "shortage_ahead", rules: str = "as_came", costs: str = "high") -> Beliefs:
    return Beliefs(left_over, rules, costs)  # type: ignore[arg-type]


def changed(path: str, **fields: object) -> ParameterSet:
    """The facts with every value of a parameter changed."""
    parameter = FACTS.get(path)
    values = {key: tuple(dataclasses.replace(one, **fields) for one in row) for key, row in parameter.values.items()}
    return FACTS.with_parameter(dataclasses.replace(parameter, values=values))


def without_offsets(parameters: ParameterSet = FACTS) -> ParameterSet:
    quantity = changed("assumed.offset_quantity", value=0.0, low=None, high=None).get("assumed.offset_quantity")
    return parameters.with_parameter(quantity)


@pytest.fixture(scope="module")
def short() -> Positions:
    """Packaged classes with a small surplus of 2019-20 and intensities at the balance values."""
    found = packaged_populations(FACTS, bins=4)
    wanted = {"first_surplus": "low", "spread": "low", "position": "short"}
    return Positions(next(population for levels, population in found if levels == wanted), FACTS, per_class=2)


# Facts. Prices, volumes and turnovers: yearly rows of the price history; the average price is money over allowances.
@pytest.mark.parametrize(
    ("year", "price", "volume"),
    [(2021, 42.85, 178.789350), (2022, 55.30, 50.889493), (2023, 68.15, 211.943768), (2024, 96.02, 188.646053),
     (2025, 62.36, 234.597856)],
)  # fmt: skip
def test_prices_and_volumes_are_the_published_ones(year: int, price: float, volume: float) -> None:
    assert FACTS.value("published.price", year) == price
    assert FACTS.value("published.volume", year) == pytest.approx(volume * 1e6)
    money = FACTS.value("published.turnover", year)
    assert money / FACTS.value("published.volume", year) == pytest.approx(price, abs=0.005)


def test_balance_values_are_those_of_the_plans() -> None:
    # Annex 2 of the plans of 2023-03-15 and 2024-10-21.
    found = [
        [FACTS.value("published.balance_value", year, c) for c in ("I", "II", "III", "IV")] for year in (2021, 2023)
    ]
    assert found == [[0.8210, 0.8920, 0.9627, 0.3930], [0.7982, 0.8155, 0.8352, 0.3239]]


def test_cycles_fall_due_as_they_did() -> None:
    assert cycles(FACTS, 2019, 2024) == {2021: (2019, 2020), 2023: (2021, 2022), 2024: (2023,), 2025: (2024,)}


def test_the_carry_over_rule_is_the_announced_one() -> None:
    base, multiple = (FACTS.get(f"published.carry_over_{name}").at(2024) for name in ("base", "multiple"))
    assert (base.value, multiple.value) == (10_000, 1.5)
    assert base.announced == multiple.announced == date(2024, 10, 21)


def test_everything_has_a_source_and_a_basis_and_nothing_is_calibrated() -> None:
    bases = {one.basis for path in FACTS for row in FACTS.get(path).values.values() for one in row}
    assert "calibrated" not in bases
    assert all(one.source for path in FACTS for row in FACTS.get(path).values.values() for one in row)
    assert all("shared" not in name for name in HASHES)


# Population.
def test_bins_are_the_means_of_their_part_of_the_bell() -> None:
    # Halves: the mean of the upper half of a standard normal is sqrt(2/pi).
    assert equal_bins(2) == pytest.approx([-np.sqrt(2 / np.pi), np.sqrt(2 / np.pi)])
    assert equal_bins(7).sum() == pytest.approx(0, abs=1e-12)


def test_one_bin_a_class_is_benchmark_over_balance_value() -> None:
    positions = Positions(BlockPopulation(FACTS, NO_SHIFT, bins=1), FACTS, per_class=1)
    found = positions.year(2023, 2023)
    # Class I: 55.3 % of 5.3 Gt, of it 2 % heat; electricity 0.7950 over 0.7982, heat 0.1038 over 0.1041.
    emissions = 5.3e9 * 0.553
    assert found.emissions[0] == pytest.approx(emissions)
    assert found.allowances[0] == pytest.approx(emissions * (0.98 * 0.7950 / 0.7982 + 0.02 * 0.1038 / 0.1041))
    # Gas: 0.3305 over 0.3239 is above its emissions, so relief tops nothing up.
    assert not found.relieved[3]


def test_totals_of_the_first_four_years_are_the_published_ones() -> None:
    for levels, population in packaged_populations(FACTS, bins=3):
        positions = Positions(population, FACTS)
        net = {year: positions.year(year, year).net.sum() for year in range(2019, 2023)}
        surplus = {"low": 173e6, "high": 519e6}[levels["first_surplus"]]  # half and one and a half of 346 Mt
        assert net[2019] + net[2020] == pytest.approx(surplus)
        assert (net[2021], net[2022]) == pytest.approx((1.47e6, 12.98e6), rel=1e-6)
        assert positions.year(2022, 2022).emissions.sum() == pytest.approx(5.091e9)


# Positions.
def test_potential_trade_by_hand() -> None:
    # Output 1e6 MWh at 0.7950: one entity 10 % below the benchmark, one 4 % above: 79,500 long and 31,800 short.
    found = cycle_position(Positions(Given((0.90, 1.04)), FACTS), 2024, (2023,))
    assert (found.surplus, found.shortage) == pytest.approx((79_500, 31_800))
    assert found.potential == pytest.approx((79_500 + 31_800) / 2)


def test_a_cycle_of_two_years_nets_an_entity_before_it_is_counted() -> None:
    @dataclasses.dataclass(frozen=True)
    class Turning(Given):
        def units(self, year: int, plan_year: int) -> AllocationInput:
            return Given((0.9,) if year == 2021 else (1.1,)).units(year, plan_year)

    found = cycle_position(Positions(Turning((0.9,)), FACTS), 2023, (2021, 2022))
    # 10 % of 0.8218 long, then 10 % of 0.8177 short: 410 t stay.
    assert (found.surplus, found.shortage) == pytest.approx((0.1 * (0.8218 - 0.8177) * 1e6, 0))


def test_relief_caps_the_shortage_and_takes_the_entity_out_of_abatement() -> None:
    found = Positions(Given((1.5, 1.249, 1.0)), FACTS).year(2023, 2023)
    # 1.5 times the benchmark: allowances of 1/1.5 are below 80 % of emissions, so 80 % are given.
    assert found.allowances[0] == pytest.approx(0.8 * 1.5 * 795_000)
    assert found.relieved.tolist() == [True, False, False]
    # 1.249 is short by 19.9 %: not relieved, and a cut only takes it further from relief.
    assert found.abatable == pytest.approx([0, 1.249 * 795_000, 795_000])


def test_positions_add_up(short: Positions) -> None:
    for settled, years in cycles(FACTS, 2019, 2024).items():
        found = cycle_position(short, settled, years)
        assert found.surplus - found.shortage == pytest.approx(found.allowances - found.emissions, abs=1.0)
        assert found.potential == pytest.approx((found.surplus + found.shortage) / 2)
    one = short.year(2023, 2023)
    assert short.total(one.emissions).sum() == pytest.approx(one.emissions.sum())
    assert len(short.total(one.emissions)) == 8  # four classes, two groups each


# What is known when.
@pytest.mark.parametrize(
    ("decision", "expected"), [(2021, 2020), (2022, 2020), (2023, 2022), (2024, 2024), (2025, 2024)]
)
def test_a_plan_is_expected_to_go_on_until_the_next_is_announced(decision: int, expected: int) -> None:
    assert plan_of(FACTS, 2026, decision, "unchanged") == expected
    assert plan_of(FACTS, 2026, decision, "as_came") == 2026


def test_news_came_in_the_years_of_the_plans() -> None:
    assert [year for year in range(2020, 2027) if has_news(FACTS, year)] == [2020, 2023, 2024, 2026]


@pytest.mark.parametrize("decision", [2021, 2022, 2023])
def test_the_carry_over_limit_is_in_no_market_before_it_was_announced(short: Positions, decision: int) -> None:
    problem = decision_problem(short, beliefs(), decision, opening_state(short))
    assert "carry_over_limit" not in [one.label for one in problem.instruments]


def test_the_carry_over_limit_follows_its_date(short: Positions) -> None:
    late = changed("published.carry_over_base", announced=date(2026, 1, 1))
    labels = {}
    for name, facts in (("as it was", FACTS), ("later", late)):
        positions = Positions(short.population, facts, per_class=2)
        problem = decision_problem(positions, beliefs(), 2024, opening_state(positions))
        labels[name] = "carry_over_limit" in [one.label for one in problem.instruments]
    assert labels == {"as it was": True, "later": False}


def test_another_carry_over_rule_changes_nothing_before_its_announcement(short: Positions) -> None:
    other = Positions(short.population, changed("published.carry_over_multiple", value=0.0), per_class=2)
    as_it_was, else_ = price_path(short, beliefs("expected_price")), price_path(other, beliefs("expected_price"))
    assert all(as_it_was[year] == else_[year] for year in (2021, 2022, 2023))
    # Nothing but 10,000 t each would survive 2025, so less is left then.
    assert else_[2025].bank < as_it_was[2025].bank


def test_borrowing_is_known_and_possible_at_the_second_deadline_only() -> None:
    positions = Positions(Given((1.2, 1.05, 0.7)), without_offsets())
    state = opening_state(positions)
    limits = {}
    for decision in (2021, 2023, 2024):
        problem = decision_problem(positions, beliefs(), decision, state)
        banking = next(one for one in problem.instruments if one.label == "banking")
        limits[decision] = dict(zip(problem.year, banking.yearly()["borrowing"], strict=True))
    assert not any(limits[2021].values())
    assert not any(limits[2024].values())
    # 20 % above the benchmark is short by a sixth of emissions, above a tenth: half of it in both years; 5 % is not.
    assert limits[2023][2023] == pytest.approx(0.5 * 0.2 * (0.8218 + 0.8177) * 1e6)
    assert sum(limits[2023].values()) == limits[2023][2023]


def test_years_before_the_decision_cannot_be_cut(short: Positions) -> None:
    problem = decision_problem(short, beliefs(), 2023, opening_state(short))
    assert {int(label.split("/")[1]) for label in problem.options.label} == {2023, 2024, 2025, 2026}
    # A cut of 2023 counts at the end of 2024: 60 CNY with a year's interest of 3 %.
    row = problem.options.label.index("group_00/2023/operation")
    assert problem.options.unit_cost[row, problem.year.index(2024)] == pytest.approx(60 * 1.03)


def test_offsets_beyond_their_limit_are_refused(short: Positions) -> None:
    positions = Positions(short.population, changed("assumed.offset_quantity", value=1e9), per_class=2)
    with pytest.raises(InputError, match=r"published\.offset_limit"):
        decision_problem(positions, beliefs(), 2023, opening_state(positions))


# Prices.
def test_worthless_left_overs_have_no_price_while_there_is_a_surplus(short: Positions) -> None:
    found = price_path(short, beliefs("worthless"))
    assert [(found[year].low, found[year].high) for year in (2021, 2022, 2023)] == [(0, 0)] * 3
    assert "no obligation" in found[2022].why
    assert found[2021].bank == pytest.approx(173e6)  # the surplus stays in the accounts


def test_an_expected_price_is_discounted_to_the_decision(short: Positions) -> None:
    found = price_path(short, beliefs("expected_price", costs="low"))
    # 108 CNY in 2025 at 8 % over four years: 108 / 1.36048896.
    assert found[2021].low == found[2021].high == pytest.approx(108 / 1.36048896)


def test_without_news_the_price_rises_at_the_rate_of_interest(short: Positions) -> None:
    found = price_path(short, beliefs("shortage_ahead", "as_came", "high"))
    assert found[2021].low > 1
    assert found[2022].low == pytest.approx(1.03 * found[2021].low)


def test_what_cannot_be_met_has_no_upper_bound() -> None:
    found = price_path(Positions(Given((1.1, 1.1)), without_offsets()), beliefs("worthless"))
    assert found[2021].high == np.inf
    assert found[2021].why == "obligations cannot be met"


def test_the_sectors_at_verified_emissions_do_not_move_the_price(short: Positions) -> None:
    absent = Positions(short.population, changed("published.other_sectors", announced=None), per_class=2)
    with_, without = (price_path(one, beliefs("shortage_ahead")) for one in (short, absent))
    problem = decision_problem(short, beliefs(), 2024, State(190e6, opening_state(short).weights))
    assert "other_sectors" in problem.enterprise
    for year in YEARS:
        assert (with_[year].low, with_[year].high) == pytest.approx((without[year].low, without[year].high), abs=1e-6)


def test_a_large_surplus_must_find_buyers_once_the_carry_over_rule_is_known() -> None:
    # One entity 10 % long in every year, one 1 % short: the long one would have to sell 40 % of what exceeds 10,000 t,
    # and the short one needs far less, so further sales bring nothing but room to carry over: the price is 0.
    found = price_path(Positions(Given((0.9, 1.01), 1e8), without_offsets()), beliefs("expected_price"))
    assert found[2023].low > 90
    assert (found[2024].high, found[2025].high) == pytest.approx((0, 0), abs=1e-6)


# The table.
@pytest.fixture(scope="module")
def table(short: Positions) -> Backcast:
    taken = {"left_over": BELIEFS["left_over"], "rules": ("as_came",), "costs": ("high",)}
    return backcast([({"position": "short"}, short.population)], FACTS, beliefs=taken, per_class=2)


def test_the_interval_is_that_of_its_cases_and_names_their_assumptions(table: Backcast) -> None:
    row = table.row(2021)
    prices = [case.prices[2021] for case in table.cases]
    assert (row.price_low, row.price_high) == (min(p.low for p in prices), max(p.high for p in prices))
    assert row.low_with == ("always", ("left_over: worthless",))
    assert row.high_with == ("always", ("left_over: expected_price",))
    assert row.by_belief["worthless"] == (0, 0)
    assert "worthless" not in table.row(2024).by_belief


def test_a_case_stands_in_the_column_of_what_it_believes_by_then(table: Backcast) -> None:
    # Who held left-overs to be worthless until 2023 takes them to be worth the shortage ahead once the rule on
    # carry-over is announced, with a smaller bank: those prices belong to that column.
    for row in table.rows:
        others = [c.prices[row.year] for c in table.cases if c.levels["left_over"] != "expected_price"]
        shown = [ends for belief, ends in row.by_belief.items() if belief != "expected_price"]
        assert min(low for low, _ in shown) == min(price.low for price in others)
        assert max(high for _, high in shown) == max(price.high for price in others)


def test_potential_trade_stands_in_the_year_of_the_deadline(table: Backcast) -> None:
    assert np.isnan(table.row(2022).potential_low)
    assert table.row(2022).settled == 2023
    assert table.row(2025).potential_low == table.cases[0].cycles[2025].potential


def test_two_runs_give_the_same_numbers(short: Positions, table: Backcast) -> None:
    taken = {"left_over": BELIEFS["left_over"], "rules": ("as_came",), "costs": ("high",)}
    again = backcast([({"position": "short"}, short.population)], FACTS, beliefs=taken, per_class=2)
    assert [case.prices for case in again.cases] == [case.prices for case in table.cases]


def test_the_numbers_used_are_listed_with_their_evidence(table: Backcast) -> None:
    listed = {(one.path, one.labels, one.year): one for one in table.used}
    assert listed["published.price", "", 2024].basis == "statistic"
    assert listed["assumed.spread", "I", 2019].basis == "assumption"
    assert {one.path.split(".")[0] for one in table.used} == {"published", "assumed"}
