"""Embedded emissions of products: chains, loops, outside precursors, refusals, conservation, benchmarks."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from accounting_builders import scenario
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonsim.accounting import build_inventory
from carbonsim.accounting.benchmark_gap import compare_with_benchmark
from carbonsim.accounting.intensity import product_intensity, trace_to_origins, unattributed_table
from carbonsim.errors import AlignmentError, InputError

PARTS = ("direct_intensity", "indirect_intensity", "intensity")


def works(sites: Mapping[str, Mapping[str, float]], scale: float = 1.0) -> xr.Dataset:
    """Facilities of one enterprise: direct [tCO2e], power [MWh, at 0.5 t], heat [GJ, at 0.11 t], export, output [t]."""
    methods = {
        "direct": ("reported", "tCO2e"), "power": ("electricity_purchased", "MWh"), "heat": ("heat_purchased", "GJ"),
        "export": ("electricity_exported", "MWh"), "output": ("output", "t"),
    }  # fmt: skip
    activity = [
        {"facility": name, "stream": kind, "method": methods[kind][0], "unit": methods[kind][1],
         "quantity": amount * scale}
        for name, amounts in sites.items()
        for kind, amount in amounts.items()
    ]  # fmt: skip
    return build_inventory(
        scenario(
            enterprises=[{"enterprise": "e", "sector": "paper"}],
            facilities=[
                {"facility": name, "enterprise": "e", "process": f"making_{name}", "product": name} for name in sites
            ],
            activity=activity,
        )
    )


def table(*rows: Mapping[str, object], scale: float = 1.0) -> pd.DataFrame:
    """The table of precursors in 2024."""
    base = {"year": 2024, "unit": "t", "from_facility": "", "direct_intensity": np.nan, "indirect_intensity": np.nan,
            "source": "made-up"}  # fmt: skip
    full = [{**base, "precursor": row.get("from_facility", "bought"), **row} for row in rows]
    return pd.DataFrame([{**row, "quantity": float(row["quantity"]) * scale} for row in full])  # type: ignore[arg-type]


def of(result: xr.Dataset, name: str, facility: str) -> float:
    return float(result[name].sel(facility=facility, year=2024))


CHAIN = {
    "sinter": {"direct": 300.0, "power": 100.0, "output": 1000.0},
    "iron": {"direct": 900.0, "power": 40.0, "output": 500.0},
    "steel": {"direct": 60.0, "power": 120.0, "output": 600.0},
}
CHAIN_USE = (
    {"facility": "iron", "from_facility": "sinter", "quantity": 800},
    {"facility": "steel", "from_facility": "iron", "quantity": 500},
    {"facility": "steel", "precursor": "scrap", "quantity": 150, "direct_intensity": 0.0, "indirect_intensity": 0.0},
)


def test_chain_of_three_steps_by_hand() -> None:
    # Direct: sinter 300/1000 = 0.3; iron (900 + 800 x 0.3)/500 = 1140/500 = 2.28; steel (60 + 500 x 2.28)/600 = 2.0.
    # Indirect, 0.5 t/MWh: sinter 50/1000 = 0.05; iron (20 + 800 x 0.05)/500 = 0.12; steel (60 + 500 x 0.12)/600 = 0.2.
    result = product_intensity(works(CHAIN), table(*CHAIN_USE), basis="direct_and_electricity")
    expected = {"sinter": (0.3, 0.05, 0.35), "iron": (2.28, 0.12, 2.40), "steel": (2.0, 0.2, 2.2)}
    for name, values in expected.items():
        assert [of(result, part, name) for part in PARTS] == pytest.approx(list(values))
    assert of(result, "own_direct", "steel") == pytest.approx(0.1)
    assert of(result, "precursor_direct", "steel") == pytest.approx(1.9)
    # 500/600 x 2.28 = 1.9 and 500/600 x 0.12 = 0.1 of 2.2
    iron = result.sel(precursor="steel/iron/2024")
    assert float(iron.contribution_direct) == pytest.approx(1.9)
    assert float(iron.contribution_indirect) == pytest.approx(0.1)
    assert float(iron.contribution_share) == pytest.approx(2.0 / 2.2)
    assert float(iron.used_direct) == pytest.approx(2.28)
    assert of(result, "final_output", "sinter") == pytest.approx(200.0)  # 1000 made, 800 passed on


def test_basis_direct_leaves_electricity_out_of_every_step() -> None:
    scrap = {**CHAIN_USE[2], "indirect_intensity": np.nan}  # an indirect intensity is not asked for
    result = product_intensity(works(CHAIN), table(*CHAIN_USE[:2], scrap))
    assert of(result, "intensity", "steel") == pytest.approx(2.0)
    assert float(result.indirect_intensity.sum()) == 0.0


def test_trace_shows_where_in_the_chain_the_emissions_arise() -> None:
    # One t of steel: 5/6 t of iron, 5/6 x 1.6 = 4/3 t of sinter, 0.25 t of scrap.
    # Own direct: steel 0.1; iron 5/6 x 1.8 = 1.5; sinter 4/3 x 0.3 = 0.4. Sum 2.0.
    result = product_intensity(works(CHAIN), table(*CHAIN_USE))
    found = trace_to_origins(result, "steel", 2024).set_index("origin")
    assert found["direct"].to_dict() == pytest.approx({"iron": 1.5, "sinter": 0.4, "steel": 0.1,
                                                       "steel/scrap/2024": 0.0})  # fmt: skip
    assert found["amount"].to_dict() == pytest.approx({"iron": 5 / 6, "sinter": 4 / 3, "steel": 1.0,
                                                       "steel/scrap/2024": 0.25})  # fmt: skip
    assert found["share"].sum() == pytest.approx(1.0)
    assert list(found.index)[:2] == ["iron", "sinter"]


LOOP = {"a": {"direct": 100.0, "output": 100.0}, "b": {"direct": 90.0, "output": 50.0}}
LOOP_USE = (
    {"facility": "a", "from_facility": "b", "quantity": 20},
    {"facility": "b", "from_facility": "a", "quantity": 25},
)


def test_loop_of_two_facilities_by_hand() -> None:
    # x_a = 1 + 0.2 x_b; x_b = 1.8 + 0.5 x_a. So x_a = 1 + 0.36 + 0.1 x_a: x_a = 1.36/0.9, x_b = 1.8 + 0.68/0.9.
    result = product_intensity(works(LOOP), table(*LOOP_USE))
    assert of(result, "intensity", "a") == pytest.approx(1.36 / 0.9)
    assert of(result, "intensity", "b") == pytest.approx(1.8 + 0.68 / 0.9)
    # One t of a makes 1/0.9 t of a in all, and 0.2/0.9 t of b: 1/0.9 x 1 + 0.2/0.9 x 1.8 = 1.36/0.9.
    trace = trace_to_origins(result, "a", 2024).set_index("origin")
    assert trace["amount"].to_dict() == pytest.approx({"a": 1 / 0.9, "b": 0.2 / 0.9})
    assert trace["direct"].sum() == pytest.approx(1.36 / 0.9)


@pytest.mark.parametrize("into_a", [50, 60])
def test_loop_that_uses_all_it_makes_or_more_is_refused(into_a: float) -> None:
    # 100 t of a go into b, 50 t of b into a: 0.5 x 2 = 1, nothing leaves; with 60 t it is 1.2. c and d are in order.
    sites = {**LOOP, "c": {"direct": 1.0, "output": 100.0}, "d": {"direct": 1.0, "output": 100.0}}
    uses = (
        {**LOOP_USE[0], "quantity": into_a},
        {**LOOP_USE[1], "quantity": 100},
        {"facility": "c", "from_facility": "d", "quantity": 10},
        {"facility": "d", "from_facility": "c", "quantity": 10},
    )
    with pytest.raises(InputError, match=r"a, b.* supply each other in 2024") as problem:
        product_intensity(works(sites), table(*uses))
    assert "互相供应" in problem.value.text("zh")


def test_outside_precursor_counts_at_its_own_intensity_and_unit() -> None:
    # 0.2 kt = 200 t of coke at 1.5 direct and 0.1 indirect: (100 + 300)/100 = 4.0; 20/100 = 0.2.
    row = {"facility": "a", "precursor": "coke", "quantity": 0.2, "unit": "kt", "direct_intensity": 1.5,
           "indirect_intensity": 0.1}  # fmt: skip
    result = product_intensity(works({"a": LOOP["a"]}), table(row), basis="direct_and_electricity")
    assert [of(result, part, "a") for part in PARTS] == pytest.approx([4.0, 0.2, 4.2])


def test_quantity_without_a_unit_is_in_tonnes() -> None:
    # (90 + 25 t x 1.0)/50 = 2.3
    result = product_intensity(works(LOOP), table({**LOOP_USE[1], "unit": ""}))
    assert of(result, "intensity", "b") == pytest.approx(2.3)


def test_bought_heat_is_direct_as_in_the_border_adjustment_unless_told() -> None:
    # 50 GJ x 0.11 = 5.5 t over 100 t
    inventory = works({"a": {**LOOP["a"], "heat": 50.0, "power": 20.0}})
    assert of(product_intensity(inventory, None), "direct_intensity", "a") == pytest.approx(1.055)
    assert of(product_intensity(inventory, None, bought_heat="indirect"), "intensity", "a") == pytest.approx(1.0)
    both = product_intensity(inventory, None, basis="direct_and_electricity", bought_heat="indirect")
    assert [of(both, part, "a") for part in PARTS] == pytest.approx([1.0, 0.155, 1.155])


def test_exports_are_shown_and_not_deducted() -> None:
    # The guide of this sector deducts 40 MWh x 0.5 = 20 t in the inventory; the product keeps them.
    inventory = works({"a": {**LOOP["a"], "power": 100.0, "export": 40.0}})
    result = product_intensity(inventory, None, basis="direct_and_electricity")
    assert float(inventory.scope2_location.sum()) == pytest.approx(30.0)
    assert of(result, "indirect_intensity", "a") == pytest.approx(0.5)
    assert of(result, "exports_not_deducted", "a") == pytest.approx(-20.0)


def test_facility_without_output_has_no_intensity_and_passes_nothing_on() -> None:
    inventory = works({"a": LOOP["a"], "yard": {"direct": 5.0}})
    result = product_intensity(inventory, table({"facility": "yard", "from_facility": "a", "quantity": 10}))
    assert result.intensity_available.sel(year=2024).values.tolist() == [True, False]
    assert of(result, "intensity", "yard") == 0.0
    assert of(result, "attributed_direct", "yard") == pytest.approx(5.0)
    assert of(result, "final_output", "a") == pytest.approx(100.0)
    with pytest.raises(InputError, match="no output"):
        trace_to_origins(result, "yard", 2024)


def test_tonnes_that_reach_no_product_are_reported_by_enterprise() -> None:
    # The yard emits 5 t, buys 20 MWh x 0.5 = 10 t of power and 4 t of lime at 1.0 + 0.25 from outside, and makes
    # nothing: 9 t direct, 11 t indirect. Of a: 100 t over 100 t, nothing is lost.
    inventory = works({"a": LOOP["a"], "yard": {"direct": 5.0, "power": 20.0}})
    lime = {"facility": "yard", "precursor": "lime", "quantity": 4, "direct_intensity": 1.0, "indirect_intensity": 0.25}
    result = product_intensity(inventory, table(lime), basis="direct_and_electricity")
    at = result.sel(enterprise="e", year=2024)
    assert (float(at.unattributed_direct), float(at.unattributed_indirect)) == pytest.approx((9.0, 11.0))
    found = unattributed_table(result)
    assert found.to_dict("records") == [
        {"enterprise": "e", "year": 2024, "facilities": "yard", "unattributed_direct": pytest.approx(9.0),
         "unattributed_indirect": pytest.approx(11.0)},
    ]  # fmt: skip


def test_nothing_is_unattributed_where_every_facility_makes_something() -> None:
    result = product_intensity(works(CHAIN), table(*CHAIN_USE), basis="direct_and_electricity")
    assert float(abs(result.unattributed_direct).sum() + abs(result.unattributed_indirect).sum()) == 0.0
    assert unattributed_table(result).empty


def test_use_beyond_the_output_is_marked_as_drawn_from_stock() -> None:
    result = product_intensity(works(LOOP), table({"facility": "b", "from_facility": "a", "quantity": 130}))
    assert result.drawn_from_stock.sel(year=2024).values.tolist() == [True, False]
    assert of(result, "final_output", "a") == pytest.approx(-30.0)


@pytest.mark.parametrize(("row", "word"), [
    ({"facility": "b", "from_facility": "b", "quantity": 1}, "own streams"),
    ({"facility": "b", "from_facility": "aa", "quantity": 1}, "Did you mean 'a'|no facility"),
    ({"facility": "c", "from_facility": "a", "quantity": 1}, "does not hold"),
    ({"facility": "b", "from_facility": "a", "quantity": 1, "year": 2020}, "2024"),
    ({"facility": "b", "from_facility": "a", "quantity": -1}, "negative"),
    ({"facility": "b", "from_facility": "a", "quantity": np.nan}, "quantity"),
    ({"facility": "b", "from_facility": "a", "quantity": 1, "unit": "MWh"}, "MWh"),
    ({"facility": "b", "from_facility": "a", "quantity": 1, "direct_intensity": 1.0}, "supplier's own account"),
    ({"facility": "a", "from_facility": "idle", "quantity": 1}, "no output"),
    ({"facility": "b", "precursor": "coke", "quantity": 1}, "Supply direct_intensity"),
    ({"facility": "b", "precursor": "coke", "quantity": 1, "direct_intensity": 1.0}, "Supply indirect_intensity"),
    ({"facility": "b", "precursor": "coke", "quantity": 1, "direct_intensity": 1.0, "indirect_intensity": 0.0,
      "source": ""}, "no source"),
])  # fmt: skip
def test_malformed_precursors_are_refused_in_both_languages(row: Mapping[str, object], word: str) -> None:
    with pytest.raises(InputError, match=word) as problem:
        product_intensity(works({**LOOP, "idle": {"direct": 1.0}}), table(row), basis="direct_and_electricity")
    assert f"{row['facility']}/" in str(problem.value)
    assert "：" in problem.value.text("zh")


def test_doubled_rows_and_unknown_choices_are_refused() -> None:
    with pytest.raises(InputError, match="twice"):
        product_intensity(works(LOOP), table(LOOP_USE[0], LOOP_USE[0]))
    with pytest.raises(InputError, match="direct_and_electricity"):
        product_intensity(works(LOOP), None, basis="all")  # type: ignore[arg-type]
    with pytest.raises(AlignmentError, match="2024"):
        trace_to_origins(product_intensity(works(LOOP), None), "a", 2030)


NAMES = ("p", "q", "r", "s")
AMOUNT = st.floats(0, 1e3)


@st.composite
def ledgers(draw: st.DrawFn) -> tuple[dict[str, dict[str, float]], list[dict[str, object]]]:
    """Four facilities that use less than a third of each other's product per unit of their own, and buy outside.

    A fifth makes nothing: what it emits and buys reaches no product.
    """
    sites = {name: {"direct": draw(AMOUNT), "power": draw(AMOUNT), "output": draw(st.floats(1, 1e3))} for name in NAMES}
    uses: list[dict[str, object]] = [
        {"facility": user, "from_facility": origin, "quantity": draw(st.floats(0, 0.3)) * sites[user]["output"]}
        for user in NAMES
        for origin in NAMES
        if user != origin and draw(st.booleans())
    ]
    uses += [
        {"facility": user, "precursor": "outside", "quantity": draw(AMOUNT), "direct_intensity": draw(st.floats(0, 3)),
         "indirect_intensity": draw(st.floats(0, 3))}
        for user in (*NAMES, "idle") if draw(st.booleans())
    ]  # fmt: skip
    return sites | {"idle": {"direct": draw(AMOUNT), "power": draw(AMOUNT)}}, uses


def account(
    sites: Mapping[str, Mapping[str, float]], uses: Sequence[Mapping[str, object]], scale: float = 1.0
) -> xr.Dataset:
    frame = table(*uses, scale=scale) if uses else None
    return product_intensity(works(sites, scale), frame, basis="direct_and_electricity")


@settings(max_examples=15, deadline=None)
@given(ledger=ledgers())
def test_what_leaves_the_chain_carries_all_that_was_emitted_and_bought(
    ledger: tuple[dict[str, dict[str, float]], list[dict[str, object]]],
) -> None:
    """Final output times intensity, and what reaches no product, are what was emitted and what came from outside."""
    sites, uses = ledger
    result = account(sites, uses)
    factor = {"direct": 1.0, "power": 0.5}  # reported tonnes; the builders' grid factor
    emitted = sum(factor[kind] * site[kind] for site in sites.values() for kind in factor)
    bought = sum(
        float(row["quantity"]) * (float(row["direct_intensity"]) + float(row["indirect_intensity"]))  # type: ignore[arg-type]
        for row in uses
        if "from_facility" not in row
    )
    carried = float((result.final_output * result.intensity).sum())
    carried += float(result.unattributed_direct.sum() + result.unattributed_indirect.sum())
    assert carried == pytest.approx(emitted + bought, rel=1e-9, abs=1e-6)
    own = result.own_direct + result.own_indirect
    assert (result.intensity >= own - 1e-9).all()


@settings(max_examples=10, deadline=None)
@given(ledger=ledgers(), scale=st.floats(0.1, 10))
def test_scaling_outputs_and_inputs_together_leaves_the_intensity(
    ledger: tuple[dict[str, dict[str, float]], list[dict[str, object]]], scale: float
) -> None:
    once, scaled = account(*ledger), account(*ledger, scale=scale)
    assert scaled.intensity.values == pytest.approx(once.intensity.values, rel=1e-9, abs=1e-9)


def test_order_of_rows_does_not_matter() -> None:
    inventory, frame = works(CHAIN), table(*CHAIN_USE)
    there = product_intensity(inventory, frame)
    back = product_intensity(inventory, frame.iloc[::-1].reset_index(drop=True))
    xr.testing.assert_allclose(there.intensity, back.intensity)


def test_gap_to_a_benchmark_and_rank_within_it() -> None:
    # Intensities 1.0 (a) and 1.8 (b) against 1.2 and 1.5: gaps -0.2 and 0.3; relative -1/6 and 0.2.
    result = product_intensity(works({**LOOP, "idle": {"direct": 1.0}}), None)
    found = compare_with_benchmark(
        result.intensity, {"a": 1.2, "b": 1.5}, available=result.intensity_available
    ).set_index("facility")
    assert found["gap"].dropna().to_dict() == pytest.approx({"a": -0.2, "b": 0.3})
    assert found["relative_gap"].dropna().to_dict() == pytest.approx({"a": -1 / 6, "b": 0.2})
    assert found["compared"].to_dict() == {"a": True, "b": True, "idle": False}


def test_rank_is_by_product_and_year_of_the_benchmark() -> None:
    sites = {"a": LOOP["a"], "b": LOOP["b"], "c": {"direct": 10.0, "output": 100.0}}
    result = product_intensity(works(sites), None).assign_coords(product=("facility", ["iron", "iron", "slag"]))
    dated = xr.DataArray([[1.0], [0.1]], dims=("product", "year"), coords={"product": ["iron", "slag"], "year": [2024]})
    found = compare_with_benchmark(result.intensity, dated, by="product").set_index("facility")
    assert found["rank"].to_dict() == {"a": 1, "b": 2, "c": 1}


def test_benchmark_that_matches_nothing_or_is_no_number_is_refused() -> None:
    intensity = product_intensity(works(LOOP), None).intensity
    with pytest.raises(AlignmentError, match="no facility has the product irn"):
        compare_with_benchmark(intensity, {"irn": 1.0}, by="product")
    with pytest.raises(InputError, match="positive"):
        compare_with_benchmark(intensity, {"a": 0.0})
    late = xr.DataArray([[1.0]], dims=("facility", "year"), coords={"facility": ["a"], "year": [2030]})
    with pytest.raises(AlignmentError, match="2024"):
        compare_with_benchmark(intensity, late)
