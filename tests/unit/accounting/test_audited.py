"""What an auditor found wrong or silent in the accounts, each as the case that showed it."""

from typing import Any

import pytest
from accounting_builders import one_site, scenario

from carbonsim.accounting import accounting_sectors, build_inventory, explain
from carbonsim.accounting.boundary import noticed_electricity
from carbonsim.accounting.streams import Book, book_of, read_rows, read_sites
from carbonsim.accounting.timeline import streams_of
from carbonsim.errors import InputError
from carbonsim.inputs.factor_names import ANSWERED
from carbonsim.inputs.factors import packaged_factors

WOOD = {"stream": "wood", "method": "combustion", "factor": "ipcc_2006:wood", "quantity": 1000}


def term(name: str, value: float, stream: str = "s0", evidence: str = "") -> dict[str, object]:
    return {"facility": "f", "stream": stream, "term": name, "value": value, "evidence": evidence}


def direct(row: dict[str, object], *terms: dict[str, object], sector: str = "chemicals") -> float:
    return float(build_inventory(one_site(sector, "plant", [row], terms=terms)).emissions_co2e.sum())


def refusal(
    row: dict[str, object], *terms: dict[str, object], sector: str = "chemicals", process: str = "plant"
) -> Any:
    with pytest.raises(InputError) as caught:
        build_inventory(one_site(sector, process, [row], terms=terms))
    return caught.value.issues[0]


def test_a_laboratory_report_on_heat_does_not_prove_that_carbon_is_biogenic() -> None:
    heat = term("net_calorific_value", 15, "wood", "laboratory report")
    fossil = direct(WOOD, term("biogenic_fraction", 1, "wood"), heat, sector="paper")
    # 1000 t x 15 GJ/t x 30.5 tC/TJ / 1000 x 44/12 (IPCC 2006 vol. 2 table 1.3, wood, fully oxidised) = 1677.5
    assert fossil == pytest.approx(1677.5, rel=1e-9)
    assert direct(WOOD, term("biogenic_fraction", 1, "wood", "contract"), heat, sector="paper") == 0
    assert direct({**WOOD, "evidence": "contract"}, term("biogenic_fraction", 1, "wood"), heat, sector="paper") == 0


@pytest.mark.parametrize(
    ("row", "own"),
    [
        ({"method": "electricity_purchased", "factor": "China", "unit": "MWh"}, "grid_factor"),
        ({"method": "leak", "factor": "R-404A"}, "mass_share"),
        ({"method": "combustion", "factor": "bituminous", "gas_factor": "ipcc2006_coal_industry"}, "gas_factor"),
        ({"method": "combustion", "factor": "bituminous"}, "ash"),
        ({"method": "combustion", "factor": "bituminous"}, "retention"),
    ],
)
def test_one_value_for_several_gases_or_for_nothing_is_refused(row: dict[str, object], own: str) -> None:
    issue = refusal({"quantity": 1, **row}, term(own, 0.5))
    assert (issue.code, issue.column) == ("unused-term", own)
    assert own in issue.message_zh


def test_an_own_factor_of_anode_effects_would_stand_for_both_gases() -> None:
    issue = refusal(
        {"method": "pfc", "quantity": 1}, term("emission_factor", 3e-5), sector="aluminium", process="potline"
    )
    assert issue.code in ("unused-term", "factor")


@pytest.mark.parametrize("kind", ["residual", "fossil"])
def test_a_residual_or_fossil_mix_is_no_average_of_a_grid(kind: str) -> None:
    row = {"method": "electricity_purchased", "factor": f"grid_2023_china_{kind}", "quantity": 1, "unit": "MWh"}
    assert "not the average of a grid" in refusal(row).message


def test_nothing_is_divided_by_zero() -> None:
    row = {"method": "pfc_overvoltage", "factor": "ipcc_cwpb_overvoltage", "quantity": 1000}
    issue = refusal(row, term("overvoltage", 6), term("current_efficiency", 0))
    assert (issue.code, issue.column) == ("divisor", "current_efficiency")


def test_no_more_is_taken_off_than_there_is() -> None:
    row = {"method": "anode", "quantity": 1000}
    issue = refusal(row, term("sulphur", 0.6), term("ash", 0.6), sector="aluminium", process="potline")
    assert issue.code == "shares"


@pytest.mark.parametrize(
    ("method", "factor", "unit"),
    [
        ("heat_purchased", "ipcc_caco3", "t"),
        ("process_n2o", "ipcc_caco3", "t"),
        ("fugitive", "ipcc_glass_tier1", "t"),
        ("clinker", "ipcc_caco3", "t"),
    ],
)
def test_a_factor_serves_the_methods_it_was_made_for(method: str, factor: str, unit: str) -> None:
    issue = refusal({"method": method, "factor": factor, "quantity": 1, "unit": unit})
    assert f"not made for method '{method}'" in issue.message


def test_a_factor_per_oxide_needs_the_oxide_content() -> None:
    issue = refusal({"method": "carbonate_output", "factor": "stoich_cao", "quantity": 1000})
    assert (issue.code, issue.column) == ("missing-term", "content")


def test_montreal_gases_are_reported_apart() -> None:
    inventory = build_inventory(
        one_site("chemicals", "plant", [{"method": "leak", "factor": "HCFC-22", "quantity": 1}])
    )
    assert float(inventory.emissions_co2e.sum()) == 0
    assert float(inventory.emissions.sel(gas="HCFC-22").sum()) == 1


def test_a_grid_factor_may_be_another_one_each_year() -> None:
    rows = [
        {"stream": "grid", "method": "electricity_purchased", "factor": f"grid_{year - 1}_sichuan", "quantity": 1000,
         "unit": "MWh", "year": year}
        for year in (2023, 2024)
    ]  # fmt: skip
    study = one_site("chemicals", "plant", rows, years=(2023, 2024), output_index={"chemicals": {2023: 1.0}})
    inventory = build_inventory(study)
    # 0.1404 (2022, third-party transcription) and 0.1564 (2023, announcement 47 of 2025) tCO2/MWh
    assert inventory.scope2_location.values[0] == pytest.approx([140.4, 156.4], rel=1e-9)
    assert inventory.factor.values[0] == "grid_2022_sichuan; grid_2023_sichuan"


def test_explain_says_how_much_of_a_stream_is_covered() -> None:
    rows = [
        {"stream": "acid", "method": "process_n2o", "factor": "nitric_high", "quantity": 1000},
        {"stream": "coal", "method": "combustion", "factor": "bituminous", "quantity": 1},
    ]
    told = explain(one_site("chemicals", "plant", rows), "e", 2024)
    acid, coal = told.streams
    assert (acid.covered, acid.covered_emissions) == (True, 0)  # N2O is not a gas of the market
    assert "not covered" in str(acid)
    assert ", covered" in str(coal)


@pytest.mark.parametrize(
    ("year", "expected"),
    [
        (2020, 610.1),  # the guide's factor of 2015, in force to the data of 2020
        (2021, 581.0),  # notice 2022 no. 111
        (2022, 570.3),  # notice 2023 no. 43
        (2023, None),  # purchased electricity is out of the obligation
    ],
)
def test_the_notice_of_the_year_sets_the_factor_of_covered_electricity(year: int, expected: float | None) -> None:
    row = {"method": "electricity_purchased", "factor": "China", "quantity": 1000, "unit": "MWh", "year": year}
    study = scenario(
        enterprises=[{"enterprise": "e", "sector": "power"}],
        facilities=[{"facility": "f", "enterprise": "e", "process": "power_unit"}],
        activity=[{"facility": "f", "stream": "grid", **row}],
    )
    tables = {name: study.tables[name] for name in study.tables if name != "coverage"}
    book = Book(tables, (year,), None, book_of(study).origin)
    sites = read_sites(book)
    rows = read_rows(book, sites)
    covered = noticed_electricity(
        book, sites, streams_of(book, sites, rows), rows.quantity[:, None], packaged_factors()
    )
    assert float(covered.item()) == pytest.approx(expected or float("nan"), nan_ok=True)


def test_every_activity_that_a_sector_answers_reaches_its_answer() -> None:
    answered = {name for sector in accounting_sectors for name in _refuses(sector)}
    assert answered == ANSWERED


def _refuses(sector: str) -> set[str]:
    return set(getattr(accounting_sectors.get(sector).target, "refuses", {}))
