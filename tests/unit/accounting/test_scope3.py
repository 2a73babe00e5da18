"""Scope 3 by category: sums, the mask of what nobody reported, and its distance from scopes 1 and 2."""

import numpy as np
import pytest
import xarray as xr
from accounting_builders import one_site

from carbonsim.accounting import build_inventory
from carbonsim.accounting.scope3 import CATEGORIES, scope3_by_category
from carbonsim.errors import InputError


def inventory(categories: list[int], emissions: list[list[float]]) -> xr.Dataset:
    """Streams of method scope3 of one enterprise in 2024 and 2025, as the core makes them."""
    count = len(categories)
    return xr.Dataset(
        {"stream_emissions_co2e": (("stream", "year"), np.array(emissions))},
        coords={
            "stream": [f"f/s{number}" for number in range(count)],
            "enterprise": ["e", "other"],
            "year": [2024, 2025],
            "stream_enterprise": ("stream", ["e"] * count),
            "method": ("stream", ["scope3"] * count),
            "scope3_category": ("stream", categories),
        },
    )


def test_streams_of_one_category_add_up_and_the_rest_is_masked() -> None:
    # Category 1: 10 + 5 in 2024, 20 + 0 in 2025; category 4: 3 and 4. Sum reported: 18 and 24.
    result = scope3_by_category(inventory([1, 4, 1], [[10, 20], [3, 4], [5, 0]]))
    assert result.scope3.sel(enterprise="e", category=1).values.tolist() == [15, 20]
    assert result.scope3.sel(enterprise="e", category=4).values.tolist() == [3, 4]
    assert result.scope3_reported_sum.sel(enterprise="e").values.tolist() == [18, 24]
    assert result.scope3_reported.sel(enterprise="e", year=2024).values.nonzero()[0].tolist() == [0, 3]
    assert result.categories_reported.sel(enterprise="e").values.tolist() == [2, 2]
    assert not result.scope3_reported.sel(enterprise="other").any()


def test_a_category_is_reported_in_the_years_of_its_rows_only() -> None:
    data = inventory([6], [[0.0, 7.0]])
    data["stream_reported"] = (("stream", "year"), [[True, False]])
    result = scope3_by_category(data)
    # A reported zero is a number; the year without a row is none.
    assert result.scope3_reported.sel(enterprise="e", category=6).values.tolist() == [True, False]


def test_an_inventory_without_scope3_has_nothing_reported() -> None:
    rows = [{"method": "reported", "quantity": 100, "unit": "tCO2e"}]
    result = scope3_by_category(build_inventory(one_site("paper", "mill", rows)))
    assert not result.scope3_reported.any()
    assert float(result.scope3.sum()) == 0


@pytest.mark.parametrize("category", [0, 16])
def test_a_stream_without_a_known_category_is_refused(category: int) -> None:
    with pytest.raises(InputError, match="scope3_category") as problem:
        scope3_by_category(inventory([1, category], [[1, 1], [1, 1]]))
    assert "f/s1" in str(problem.value)
    assert "类别" in problem.value.text("zh")


def test_the_fifteen_categories_have_both_names_and_eight_are_upstream() -> None:
    assert [category.number for category in CATEGORIES] == list(range(1, 16))
    assert all(category.en and category.zh for category in CATEGORIES)
    assert [category.number for category in CATEGORIES if category.side == "upstream"] == list(range(1, 9))
