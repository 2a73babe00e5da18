"""What must hold for every inventory: linearity, order, splitting, gases."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "accounting"))
from accounting_builders import one_site, scenario

from carbonsim.accounting import build_inventory

QUANTITY = st.floats(0, 1e7, allow_nan=False)
STREAMS = (
    {"stream": "coke", "method": "combustion", "factor": "coke"},
    {"stream": "stone", "method": "carbonate", "factor": "cets2024_limestone"},
    {"stream": "iron", "method": "material_input", "factor": "cets2024_pig_iron"},
    {"stream": "grid", "method": "electricity_purchased", "unit": "MWh"},
    {"stream": "out", "method": "output"},
)
VARIABLES = ("emissions_co2e", "scope2_location", "covered_emissions", "key_emissions", "output")
quantities = st.lists(QUANTITY, min_size=len(STREAMS), max_size=len(STREAMS))


def rows(amounts: list[float]) -> list[dict[str, object]]:
    return [{**stream, "quantity": amount} for stream, amount in zip(STREAMS, amounts, strict=True)]


@settings(max_examples=20, deadline=None)
@given(quantities)
def test_doubling_activity_doubles_every_total(amounts: list[float]) -> None:
    once = build_inventory(one_site("steel", "ironmaking", rows(amounts)))
    twice = build_inventory(one_site("steel", "ironmaking", rows([2 * amount for amount in amounts])))
    for name in VARIABLES:
        np.testing.assert_allclose(twice[name].values, 2 * once[name].values, rtol=1e-12, atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(quantities, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_not_a_bit(amounts: list[float], random: object) -> None:
    shuffled = rows(amounts)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    first = build_inventory(one_site("steel", "ironmaking", rows(amounts)))
    assert build_inventory(one_site("steel", "ironmaking", shuffled)).identical(first)


@settings(max_examples=20, deadline=None)
@given(QUANTITY, st.floats(0, 1))
def test_splitting_a_row_changes_no_total(amount: float, share: float) -> None:
    whole = [{"stream": "coke", "method": "combustion", "factor": "coke", "quantity": amount}]
    parts = [
        {**whole[0], "stream": "coke_1", "quantity": amount * share},
        {**whole[0], "stream": "coke_2", "quantity": amount * (1 - share)},
    ]
    one, two = (build_inventory(one_site("steel", "ironmaking", some)) for some in (whole, parts))
    for name in VARIABLES:
        np.testing.assert_allclose(two[name].values, one[name].values, rtol=1e-9, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(QUANTITY, QUANTITY)
def test_gases_times_potentials_sum_to_co2e(anodes: float, metal: float) -> None:
    amounts = [{"method": "anode", "quantity": anodes}, {"method": "pfc", "quantity": metal}]
    inventory = build_inventory(one_site("aluminium", "potline", amounts))
    total = (inventory.emissions * inventory.gwp).sum("gas")
    np.testing.assert_allclose(total.values, inventory.emissions_co2e.values, rtol=1e-12, atol=1e-9)


@settings(max_examples=15, deadline=None)
@given(st.permutations(["a", "b", "c"]), st.lists(QUANTITY, min_size=3, max_size=3))
def test_the_order_of_enterprises_only_reorders(order: list[str], amounts: list[float]) -> None:
    amount = dict(zip("abc", amounts, strict=True))

    def build(names: list[str]) -> object:
        return build_inventory(
            scenario(
                enterprises=[{"enterprise": name, "sector": "steel"} for name in names],
                facilities=[{"facility": name, "enterprise": name, "process": "ironmaking"} for name in names],
                activity=[
                    {
                        "facility": name,
                        "stream": "coke",
                        "method": "combustion",
                        "factor": "coke",
                        "quantity": amount[name],
                    }
                    for name in names
                ],
            )
        )

    sorted_run, other = build(["a", "b", "c"]), build(order)
    for name in ("emissions_co2e", "scope2_location"):
        assert other[name].sel(enterprise=["a", "b", "c"]).identical(sorted_run[name])  # type: ignore[index]


def test_a_hundred_thousand_rows_share_few_lookups() -> None:
    # Size only: the time is measured in the benchmarks, not here.
    names = [f"f{number}" for number in range(2000)]
    study = scenario(
        enterprises=[{"enterprise": name, "sector": "steel"} for name in names],
        facilities=[{"facility": name, "enterprise": name, "process": "ironmaking"} for name in names],
        activity=[{"facility": name, **row} for name in names for row in rows([1.0] * len(STREAMS))],
    )
    inventory = build_inventory(study)
    assert inventory.sizes["stream"] == 10_000
    one = build_inventory(one_site("steel", "ironmaking", rows([1.0] * len(STREAMS))))
    assert float(inventory.emissions_co2e.sum()) == pytest.approx(2000 * float(one.emissions_co2e.sum()), rel=1e-12)
