"""What changed between two inventories is found term by term, and its effects add up."""

from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from quality_builder import component, emitting, inventory

from carbonsim.accounting.compare import shapley_values, totals_changed, what_changed


def fuel(quantity: Any = 100.0, carbon: float = 26.0, oxidation: float = 0.99, key: str = "set:coal") -> dict[str, Any]:
    """Coal: quantity x 20 GJ/t x carbon tC/TJ / 1000 x oxidation x 44/12."""
    return {
        "quantity": quantity,
        "components": (
            component(
                constant=44 / 12 / 1000,
                net_calorific_value=(1, 20.0, ""),
                carbon_content=(1, carbon, f"{key}/carbon_content"),
                oxidation=(1, oxidation, f"{key}/oxidation"),
            ),
        ),
    }


def total(dataset: xr.Dataset) -> float:
    return float(dataset["stream_emissions_co2e"].sum())


def test_one_new_factor_is_one_row_with_the_whole_effect() -> None:
    # 100 t x 20 GJ/t x (27 - 26) tC/TJ / 1000 x 0.99 x 44/12 = 7.26 t
    found = what_changed(inventory([fuel()]), inventory([fuel(carbon=27.0)]))
    assert len(found) == 1
    row = found.iloc[0]
    assert (row["change"], row["term"], row["old"], row["new"]) == ("factor", "carbon_content", 26.0, 27.0)
    assert (row["new_factor"], row["new_source"], row["unit"]) == ("set:coal", "table", "tC/TJ")
    assert row["effect"] == pytest.approx(7.26)


def test_two_changes_share_their_product_evenly() -> None:
    # activity 100 -> 200 t and carbon 20 -> 30 tC/TJ; the rest is 20 x 1 x 44/12/1000 = 0.0733333 per t and tC/TJ.
    # Shapley: activity 100 x (20 + 30)/2 = 2500, carbon 10 x (100 + 200)/2 = 1500; each times 0.0733333.
    found = what_changed(inventory([fuel(100.0, 20.0, 1.0)]), inventory([fuel(200.0, 30.0, 1.0)])).set_index("term")[
        "effect"
    ]
    assert found["activity"] == pytest.approx(2500 * 0.22 / 3)
    assert found["carbon_content"] == pytest.approx(1500 * 0.22 / 3)


def test_nothing_changed_is_an_empty_table() -> None:
    assert what_changed(inventory([fuel()]), inventory([fuel()])).empty


def test_a_factor_that_keeps_its_digits_but_not_its_source_is_listed() -> None:
    new = inventory([fuel()], sources={"set:coal/oxidation": "newer table"})
    found = what_changed(inventory([fuel()]), new)
    assert found[["term", "new_source", "effect"]].to_numpy().tolist() == [["oxidation", "newer table", 0.0]]


def test_an_own_value_is_told_from_a_table_value() -> None:
    own = {"components": (component(emission_factor=(1, 2.0, "")),)}
    table = {"components": (component(emission_factor=(1, 3.0, "limestone/emission_factor")),)}
    found = what_changed(inventory([table]), inventory([own])).iloc[0]
    assert (found["change"], found["old_factor"], found["new_factor"]) == ("own_value", "limestone", "own")
    assert found["effect"] == -1.0


def test_streams_that_come_and_go_count_whole() -> None:
    old = inventory([emitting("coal", 10.0), emitting("oil", 4.0)])
    new = inventory([emitting("coal", 10.0), emitting("gas", 3.0)])
    found = what_changed(old, new)
    assert found[["stream", "change", "effect"]].to_numpy().tolist() == [
        ["gas", "added", 3.0],
        ["oil", "removed", -4.0],
    ]


def test_an_inventory_without_emissions_is_compared_too() -> None:
    empty = inventory([{"stream": "iron", "method": "output", "scope": 0}])
    full = inventory([emitting("coal", 10.0)])
    assert what_changed(empty, full)["effect"].tolist() == [10.0]
    assert what_changed(full, empty)["effect"].tolist() == [-10.0]
    assert what_changed(empty, empty).empty


def test_a_year_without_a_row_is_no_zero() -> None:
    old = inventory([emitting("coal", [5.0, None])], years=(2023, 2024))
    new = inventory([emitting("coal", [5.0, 7.0])], years=(2023, 2024))
    found = what_changed(old, new)
    assert found[["year", "change", "effect"]].to_numpy().tolist() == [[2024, "added", 7.0]]


def test_a_year_of_one_inventory_only_is_added() -> None:
    found = what_changed(
        inventory([emitting("coal", 5.0)], years=(2023,)), inventory([emitting("coal", 5.0)], years=(2023, 2024))
    )
    assert found[["year", "change", "effect"]].to_numpy().tolist() == [[2024, "added", 5.0]]


def test_another_formula_is_compared_by_its_tonnes() -> None:
    new = {"quantity": 100.0, "components": (component(emission_factor=(1, 1.5, "x/emission_factor")),)}
    found = what_changed(inventory([fuel(100.0, 25.0, 1.0)]), inventory([new]))
    # old: 100 x 20 x 25 / 1000 x 44/12 = 183.3333; new: 150
    assert found["change"].tolist() == ["formula"]
    assert found["effect"].iloc[0] == pytest.approx(150 - 550 / 3)


def test_another_set_of_potentials_is_a_change_of_its_own() -> None:
    methane = {"quantity": 2.0, "components": (component("CH4"),)}
    new = inventory([methane], gwp={"CO2": 1.0, "CH4": 27.9}, gwp_set="AR6")
    row = what_changed(inventory([methane]), new).iloc[0]
    assert (row["change"], row["old_factor"], row["new_factor"]) == ("gwp", "AR5", "AR6")
    assert row["effect"] == pytest.approx(2 * (27.9 - 28))


def test_totals_are_by_scope() -> None:
    power = emitting("power", 6.0, scope=2, method="electricity_purchased")
    found = totals_changed(inventory([emitting("coal", 10.0)]), inventory([emitting("coal", 12.0), power]))
    assert found.loc[("e", 1, 2024)].tolist() == [10.0, 12.0, 2.0]
    assert found.loc[("e", 2, 2024)].tolist() == [0.0, 6.0, 6.0]


def test_a_change_through_zero_leaves_no_residual() -> None:
    # 0 x 5 -> 3 x 0: no logarithm exists; both orders give 15 or 0, so (15 + 0)/2 and (0 - 15)/2.
    form = np.array([[1, 1]], dtype=np.int8)
    assert shapley_values(form, np.array([[0.0, 5.0]]), np.array([[3.0, 0.0]])).tolist() == [[7.5, -7.5]]


VALUE = st.floats(0.1, 10.0)


@st.composite
def streams(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Up to four streams whose method follows from their name."""
    rows = []
    for name in draw(st.sets(st.sampled_from(["coal", "oil", "stone", "cell"]), max_size=4)) | {"always"}:
        by_table = draw(st.booleans())
        entry = f"{name}_{draw(st.integers(1, 2))}/" if by_table else ""
        terms = {"emission_factor": (1, draw(VALUE), entry and entry + "emission_factor")}
        if name in ("stone", "cell"):
            terms["duct_efficiency"] = (-1, draw(VALUE), "")
            terms["ash"] = (2, draw(st.floats(0, 0.5)), "")
            terms["sulphur"] = (2, draw(st.floats(0, 0.5)), "")
        if name == "always" and draw(st.booleans()):
            terms["oxidation"] = (1, draw(VALUE), "")
        quantity = [draw(st.floats(0, 100)), draw(st.none() | st.floats(0, 100))]
        sign = -1.0 if name == "oil" else 1.0
        gas = "CH4" if name == "cell" else "CO2"
        rows.append({"stream": name, "quantity": quantity, "components": (component(gas, sign, **terms),)})
    return sorted(rows, key=lambda row: str(row["stream"]))


@settings(max_examples=60, deadline=None)
@given(streams(), streams(), st.floats(1, 40))
def test_effects_add_up_to_the_change_of_the_total(one: Any, other: Any, methane: float) -> None:
    old = inventory(one, years=(2023, 2024))
    new = inventory(other, years=(2023, 2024), gwp={"CO2": 1.0, "CH4": methane}, gwp_set="other")
    found = what_changed(old, new)
    largest = float(np.abs(old["stream_emissions_co2e"]).sum() + np.abs(new["stream_emissions_co2e"]).sum())
    assert found["effect"].sum() == pytest.approx(total(new) - total(old), rel=1e-9, abs=1e-9 * max(largest, 1))
    assert totals_changed(old, new)["change"].sum() == pytest.approx(
        total(new) - total(old), abs=1e-9 * max(largest, 1)
    )


@settings(max_examples=30, deadline=None)
@given(streams(), streams())
def test_the_way_back_is_the_way_there_with_the_other_sign(one: Any, other: Any) -> None:
    there, back = (what_changed(*pair)["effect"].sum() for pair in
                   ((inventory(one, (2023, 2024)), inventory(other, (2023, 2024))),
                    (inventory(other, (2023, 2024)), inventory(one, (2023, 2024)))))  # fmt: skip
    assert there == pytest.approx(-back, abs=1e-6)
