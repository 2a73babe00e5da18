"""Rows that contradict each other, or count the same carbon twice, are refused in both languages."""

import dataclasses
from collections.abc import Mapping, Sequence

import pandas as pd
import pytest
import xarray as xr
from accounting_builders import one_site, scenario
from sector_builders import measured_site

from carbonsim.accounting import build_inventory
from carbonsim.errors import InputError, Issue
from carbonsim.inputs.scenario import Scenario

SLOPE = {"method": "pfc_slope", "quantity": 1000}
PFC = {"method": "pfc", "quantity": 1000}
ANODE = {"method": "anode", "quantity": 1000}
MINUTES = {"anode_effect_minutes": 0.12}
GAS = {"method": "combustion", "factor": "bf_gas", "quantity": 100, "unit": "1e4_Nm3"}


def refused(study: Scenario) -> Issue:
    with pytest.raises(InputError) as caught:
        build_inventory(study)
    (issue,) = set(caught.value.issues)
    assert issue.message_zh
    assert issue.hint_zh
    assert "2024" in issue.text("en")
    return issue


def monthly(study: Scenario, months: Mapping[str, Sequence[int]]) -> Scenario:
    """The study with each row of a stream repeated for its months."""
    year = study.tables["activity"]
    parts = [year[year["stream"] == name].assign(month=month) for name, numbers in months.items() for month in numbers]
    return dataclasses.replace(study, tables={**study.tables, "activity": pd.concat(parts, ignore_index=True)})


def works(*rows: Mapping[str, object]) -> Scenario:
    """A steel works with coke ovens, furnace, converter, power unit; ``at`` of a row is its facility."""
    names = ("coking", "ironmaking", "steelmaking", "power_unit")
    return scenario(
        enterprises=[{"enterprise": "e", "sector": "steel"}],
        facilities=[{"facility": name, "enterprise": "e", "process": name} for name in names],
        activity=[
            {"stream": f"s{number}", "facility": row["at"], **{key: row[key] for key in row if key != "at"}}
            for number, row in enumerate(rows)
        ],
    )


@pytest.mark.parametrize(
    "rows",
    [
        [PFC, SLOPE],
        [PFC, {"method": "pfc_overvoltage", "factor": "ipcc_cwpb_overvoltage", "quantity": 10}],
    ],
)
def test_anode_effects_of_one_potline_count_by_one_method(rows: list[dict[str, object]]) -> None:
    terms = {"s1": {**MINUTES, "overvoltage": 2.0, "current_efficiency": 0.95}}
    known = {"pfc_slope": MINUTES, "pfc_overvoltage": {"overvoltage": 2.0, "current_efficiency": 0.95}}
    terms = {"s1": known[str(rows[1]["method"])]}
    issue = refused(measured_site("aluminium", "potline", rows, terms))
    assert issue.code == "anode-effects"
    assert "f count" in issue.message


def test_two_potlines_may_count_by_two_methods() -> None:
    study = measured_site("aluminium", "potline", [{**SLOPE, "stream": "a"}], {"a": MINUTES})
    rows = [study.tables["activity"], study.tables["activity"].assign(facility="g", stream="b", method="pfc")]
    sites = [study.tables["facilities"], study.tables["facilities"].assign(facility="g")]
    tables = {**study.tables, "activity": pd.concat(rows), "facilities": pd.concat(sites, ignore_index=True)}
    assert build_inventory(dataclasses.replace(study, tables=tables)).sizes["stream"] == 2


def test_a_potline_may_change_its_method_from_one_month_to_the_next() -> None:
    study = one_site("aluminium", "potline", [PFC, {**PFC, "method": "pfc_slope"}])
    months = monthly(study, {"s0": (1, 2), "s1": (3,)})
    term = {"facility": "f", "year": 2024, "stream": "s1", "month": 3, "term": "anode_effect_minutes", "value": 0.12}
    table = pd.DataFrame([{**term, "evidence": "", "basis": "assumption", "source": "made-up", "note": ""}])
    good = dataclasses.replace(months, tables={**months.tables, "terms": table})
    assert build_inventory(good).sizes["stream"] == 3
    bad = monthly(study, {"s0": (1, 3), "s1": (3,)})
    assert refused(dataclasses.replace(bad, tables={**bad.tables, "terms": table})).code == "anode-effects"


def test_anodes_by_default_and_measured_are_not_for_more_metal_than_was_made() -> None:
    # 1000 t by default and 1000 t measured of a potline that made 1000 t; 600 + 400 of 1000 t is no double counting.
    def line(default: float, measured: float, made: float) -> Scenario:
        rows = [
            {**ANODE, "quantity": default},
            {**ANODE, "quantity": measured},
            {"method": "output", "quantity": made},
        ]
        return measured_site("aluminium", "potline", rows, {"s1": {"anode_consumption": 0.405}})

    assert refused(line(1000, 1000, 1000)).code == "anodes"
    assert build_inventory(line(600, 400, 1000)).sizes["stream"] == 3


@pytest.mark.parametrize(
    ("gas", "maker", "feed", "fuel"),
    [
        ("bf_gas", "ironmaking", "ironmaking", "coke"),
        ("coke_oven_gas", "coking", "coking", "washed_coking_coal"),
        ("bof_gas", "steelmaking", "ironmaking", "coke"),
    ],
)
def test_an_own_gas_that_left_no_process_is_refused(gas: str, maker: str, feed: str, fuel: str) -> None:
    carbon = {"at": feed, "method": "combustion", "factor": fuel, "quantity": 1000}
    burnt = {**GAS, "at": "power_unit", "factor": gas}
    issue = refused(works(carbon, burnt))
    assert (issue.code, issue.source) == ("own-gas", "activity")
    assert f"'product_output' of '{gas}' at the facility of '{maker}'" in issue.hint
    taken_off = {**burnt, "at": maker, "method": "product_output"}
    assert build_inventory(works(carbon, burnt, taken_off)).sizes["stream"] == 3


def test_more_gas_burnt_than_left_is_taken_to_be_bought() -> None:
    carbon = {"at": "ironmaking", "method": "combustion", "factor": "coke", "quantity": 1000}
    left = {**GAS, "at": "ironmaking", "method": "product_output", "quantity": 90}
    assert build_inventory(works(carbon, left, {**GAS, "at": "power_unit"})).sizes["stream"] == 3


def test_gas_of_a_furnace_whose_carbon_is_not_counted_is_no_double_counting() -> None:
    stated = {"at": "ironmaking", "method": "reported", "quantity": 1000, "unit": "tCO2e"}
    assert build_inventory(works(stated, {**GAS, "at": "power_unit"})).sizes["stream"] == 2


def test_bought_gas_of_a_works_without_a_furnace_is_taken() -> None:
    assert build_inventory(one_site("steel", "steelmaking", [GAS])).sizes["stream"] == 1


WATER = {"method": "wastewater", "factor": "ipcc_mcf_anaerobic_reactor", "quantity": 1000}  # 1000 x 0.25 x 0.8 = 200 t


@pytest.mark.parametrize("sector", ["paper", "chemicals", "mining", "power", "aluminium"])
def test_no_more_methane_is_recovered_than_the_wastewater_makes(sector: str) -> None:
    site = one_site(sector, "wastewater", [WATER, {"method": "recovered", "quantity": 200}])
    assert float(build_inventory(site).emissions_co2e.sum()) == pytest.approx(0.0, abs=1e-9)
    # Direct emissions of the site stay above zero: the fault is in the wastewater alone.
    more = [WATER, {"method": "recovered", "quantity": 201}, {"method": "reported", "quantity": 500, "unit": "tCO2e"}]
    issue = refused(one_site(sector, "wastewater", more))
    assert issue.code == "recovered"
    assert "f recover more methane" in issue.message


def test_recovery_is_held_against_the_wastewater_of_its_own_facility() -> None:
    study = one_site("paper", "wastewater", [WATER, {"method": "recovered", "quantity": 50}])
    rows = study.tables["activity"]
    moved = rows.assign(facility=["f", "g"])
    sites = pd.concat([study.tables["facilities"], study.tables["facilities"].assign(facility="g")], ignore_index=True)
    issue = refused(dataclasses.replace(study, tables={**study.tables, "activity": moved, "facilities": sites}))
    assert issue.message.startswith("2024: g recover")


def stated(sector: str, process: str, total: float, key: float, *more: Mapping[str, object]) -> Scenario:
    rows = [
        {"method": "reported", "quantity": total, "unit": "tCO2e"},
        {"method": "reported_key", "quantity": key, "unit": "tCO2e"},
        *more,
    ]
    return one_site(sector, process, rows)


@pytest.mark.parametrize(
    ("sector", "process"),
    [("steel", "steelworks"), ("cement", "clinker_line"), ("aluminium", "potline"), ("power", "power_unit"),
     ("mining", "mine")],
)  # fmt: skip
def test_key_emissions_are_a_part_of_the_total(sector: str, process: str) -> None:
    issue = refused(stated(sector, process, 1000.0, 1002.0))
    assert issue.code == "reported-key"
    assert "part of the total" in issue.message
    # A total of 999.6 t may be stated as 1000 t.
    assert build_inventory(stated(sector, process, 999.6, 1000.0)).sizes["stream"] == 2


def test_iron_that_is_sold_leaves_room_for_the_key_emissions_of_its_fuels() -> None:
    # 1000 t from fuels; 1000 t of pig iron take 0.172 x 1000 = 172 t off the total and nothing off formula (2).
    iron = {"method": "product_output", "factor": "cets2024_pig_iron_sold", "quantity": 1000}
    found: xr.Dataset = build_inventory(stated("steel", "ironmaking", 1000.0, 1000.0, iron))
    assert float(found.covered_emissions.sum()) < 1000
    assert refused(stated("steel", "ironmaking", 1000.0, 1002.0, iron)).code == "reported-key"
