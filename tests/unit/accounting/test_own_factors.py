"""Own factors inside an obligation are named: which entries of the tables, and only where the market counts them."""

import dataclasses
from collections.abc import Mapping

import pandas as pd
import pytest
from accounting_builders import scenario

from carbonsim.accounting import build_inventory
from carbonsim.accounting.own_factors import overlaid_in_boundary
from carbonsim.inputs.factor_overlay import OwnFactors, overlay
from carbonsim.inputs.factors import Factors, packaged_factors
from carbonsim.inputs.table_checks import Origin

BASE = packaged_factors()
LIMESTONE = {"method": "carbonate", "factor": "cets2024_limestone", "quantity": 100}
COKE = {"method": "combustion", "factor": "coke", "quantity": 100}


def own(table: str, row: "pd.Series[bool]", **values: object) -> Factors:
    frame = BASE.table(table)[row].assign(source="lab", **values)
    return overlay(BASE, OwnFactors({table: frame}, {table: Origin("own.csv", "", tuple(range(2, 2 + len(frame))))}))


def limestone(value: float) -> Factors:
    return own("process", BASE.process["factor"] == "cets2024_limestone", value=value)


def named(factors: Factors, rows: Mapping[str, Mapping[str, object]], sector: str = "steel", **how: bool) -> list[str]:
    """Entries named for one enterprise with a facility of each process."""
    study = scenario(
        enterprises=[{"enterprise": "e", "sector": sector}],
        facilities=[{"facility": name, "enterprise": "e", "process": name} for name in rows],
        activity=[{"facility": name, "stream": "s", **row} for name, row in rows.items()],
        coverage=[{"sector": sector, "gases": "CO2;CF4;C2F6" if sector == "aluminium" else "CO2"}],
    )
    return overlaid_in_boundary(build_inventory(study, factors), factors, **how)


def test_a_corrected_value_of_the_guideline_is_named_where_it_counts() -> None:
    factors = limestone(0.43)
    assert named(factors, {"sintering": LIMESTONE}) == ["cets2024_limestone/emission_factor"]
    assert named(factors, {"sintering": LIMESTONE}, guidelines_only=True) == ["cets2024_limestone/emission_factor"]
    assert named(BASE, {"sintering": LIMESTONE}) == []


def test_what_the_market_does_not_count_is_not_named() -> None:
    factors = limestone(0.43)
    assert named(factors, {"electric_furnace": LIMESTONE}) == []  # outside the boundary
    assert named(factors, {"sintering": COKE}) == []  # not read
    assert named(factors, {"sintering": {**LIMESTONE, "quantity": 0}}) == []


def test_only_the_changed_term_of_a_fuel_is_named() -> None:
    row = (BASE.fuels["table_set"] == "cets_steel_2024") & (BASE.fuels["fuel"] == "coke")
    factors = own("fuels", row, carbon_content=29.0)
    assert named(factors, {"ironmaking": COKE}) == ["cets_steel_2024:coke/carbon_content"]
    measured = {**COKE, "factor": "anthracite", "net_calorific_value": 25.0}
    assert named(factors, {"ironmaking": measured}) == []


def test_a_row_with_the_packaged_value_is_named_too() -> None:
    assert named(limestone(0.44), {"sintering": LIMESTONE}) == ["cets2024_limestone/emission_factor"]


@pytest.mark.parametrize(("column", "expected"), [("AR5", ["gwp:CF4"]), ("AR6", [])])
def test_an_own_warming_potential_counts_in_the_set_of_the_market(column: str, expected: list[str]) -> None:
    factors = own("gwp", BASE.gwp["gas"] == "CF4", **{column: 7000.0})
    pfc = {"method": "pfc", "quantity": 1000}
    assert named(factors, {"potline": pfc}, sector="aluminium") == expected
    assert named(factors, {"potline": pfc}, sector="aluminium", guidelines_only=True) == []
    assert named(factors, {"casting": pfc}, sector="aluminium") == []


def test_general_factors_inside_the_boundary_are_named_unless_guidelines_are_asked_for() -> None:
    row = BASE.process["factor"] == "ipcc_cwpb_slope"
    factors = own("process", row, value=0.15)
    study = {"potline": {"method": "pfc_slope", "factor": "ipcc_cwpb_slope", "quantity": 1000}}
    measured = scenario(
        enterprises=[{"enterprise": "e", "sector": "aluminium"}],
        facilities=[{"facility": "potline", "enterprise": "e", "process": "potline"}],
        activity=[{"facility": "potline", "stream": "s", **study["potline"]}],
        terms=[{"facility": "potline", "stream": "s", "term": "anode_effect_minutes", "value": 0.12}],
        coverage=[{"sector": "aluminium", "gases": "CO2;CF4;C2F6"}],
    )
    inventory = build_inventory(measured, factors)
    assert overlaid_in_boundary(inventory, factors) == ["ipcc_cwpb_slope/slope"]
    assert overlaid_in_boundary(inventory, factors, guidelines_only=True) == []


def test_names_and_remarks_decide_nothing() -> None:
    factors = limestone(0.44)
    told = tuple(dataclasses.replace(record, column="note") for record in factors.overlaid)
    assert named(dataclasses.replace(factors, overlaid=told), {"sintering": LIMESTONE}) == []
