"""Verified emissions are compared with the inventory under a bound."""

import pandas as pd
import pytest
import xarray as xr
from quality_builder import emitting, inventory

from carbonsim.accounting.verification import Materiality, compare_verified
from carbonsim.errors import InputError

NAN = float("nan")


def table(*rows: tuple[object, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["enterprise", "year", "verified_emissions", "materiality"])


SITE = inventory(
    [emitting("coal", 100_000.0), emitting("coal", 600_000.0, enterprise="large", facility="g")],
)


def test_a_difference_is_held_against_the_bound_of_its_size() -> None:
    # e: 100 000 reported, bound 5 % = 5 000; large: 600 000 > 500 000, bound 2 % = 12 000 (article 23).
    found = compare_verified(SITE, table(("e", 2024, 104_000.0, NAN), ("large", 2024, 585_000.0, NAN)))
    assert found["bound"].values.ravel().tolist() == [5000.0, 12_000.0]
    assert found["difference"].values.ravel().tolist() == [-4000.0, 15_000.0]
    assert found["relative"].values.ravel().tolist() == [-0.04, 0.025]
    assert found["status"].values.ravel().tolist() == ["within", "beyond"]
    assert found["direction"].values.ravel().tolist() == ["understated", "overstated"]


def test_the_bound_itself_is_within() -> None:
    found = compare_verified(SITE, table(("e", 2024, 95_000.0, NAN)))
    assert found["status"].sel(enterprise="e").item() == "within"


def test_the_bound_of_the_table_wins() -> None:
    found = compare_verified(SITE, table(("e", 2024, 98_000.0, 0.01))).sel(enterprise="e", year=2024)
    assert (found["bound"].item(), found["status"].item()) == (1000.0, "beyond")
    assert found["bound_source"].item() == "verified"


def test_what_was_not_verified_says_so() -> None:
    found = compare_verified(SITE, table(("e", 2024, 100_000.0, NAN))).sel(year=2024)
    assert found["status"].values.tolist() == ["within", "not_verified"]
    assert found["direction"].values.tolist() == ["none", ""]
    assert found["bound_source"].sel(enterprise="large").item() == "eu-2018-2067"
    assert not found["is_verified"].sel(enterprise="large")


def test_nothing_reported_and_something_verified_is_beyond() -> None:
    nothing = inventory([emitting("coal", 0.0)])
    found = compare_verified(nothing, table(("e", 2024, 10.0, NAN))).sel(enterprise="e", year=2024)
    assert found["status"].item() == "beyond"
    assert not found["relative_available"]


def test_covered_emissions_may_be_what_was_verified() -> None:
    site = inventory([emitting("coal", 100.0)]).assign_coords(facility=["f"], facility_enterprise=("facility", ["e"]))
    site["covered_emissions"] = (("facility", "year"), [[80.0]])
    found = compare_verified(site, table(("e", 2024, 80.0, NAN)), of="covered_emissions")
    assert found["difference"].item() == 0.0


def _with_covered(sectors: list[str], covered: list[float]) -> xr.Dataset:
    """Enterprises ``a``, ``b``, ... with 100 t of direct emissions each, of which so much is covered."""
    names = [chr(ord("a") + place) for place in range(len(sectors))]
    site = inventory([emitting("coal", 100.0, enterprise=name, facility=name) for name in names])
    site = site.assign_coords(sector=("enterprise", sectors), facility=names, facility_enterprise=("facility", names))
    site["covered_emissions"] = (("facility", "year"), [[value] for value in covered])
    return site


def test_a_listed_sector_is_compared_by_what_the_market_covers() -> None:
    # A kiln of 80 t beside 20 t of grinding; a smelter with 90 of 100 t; a mine, which no guideline of the market
    # counts; a short-route steel works, of which nothing is covered: it reports as a whole.
    site = _with_covered(["cement", "aluminium", "mining", "steel"], [80.0, 90.0, 100.0, 0.0])
    rows = table(*((name, 2024, amount, NAN) for name, amount in zip("abcd", (80.0, 90.0, 100.0, 100.0), strict=True)))
    found = compare_verified(site, rows)
    assert found["compared"].values.tolist() == [
        "covered_emissions", "covered_emissions", "emissions_co2e", "emissions_co2e",
    ]  # fmt: skip
    assert found["difference"].values.ravel().tolist() == [0.0, 0.0, 0.0, 0.0]
    assert found.attrs["of"] == "by_sector"


def test_the_caller_may_say_what_was_verified() -> None:
    site = _with_covered(["cement"], [80.0])
    found = compare_verified(site, table(("a", 2024, 80.0, NAN)), of="emissions_co2e")
    assert found["difference"].item() == 20.0
    assert found["compared"].values.tolist() == ["emissions_co2e"]


def test_every_fault_is_named_at_once() -> None:
    rows = table(("E", 2024, 1.0, NAN), ("e", 2030, 1.0, NAN), ("e", 2024, -1.0, 1.5), ("e", 2024, NAN, NAN))
    with pytest.raises(InputError) as caught:
        compare_verified(SITE, rows)
    assert [issue.row for issue in caught.value.issues] == [2, 3, 5, 4, 5, 4]
    assert "2024-2024" in caught.value.text()
    assert "不在清单中" in caught.value.text("zh")


def test_the_note_says_that_china_sets_no_percentage() -> None:
    assert "no percentage" in compare_verified(SITE, table()).attrs["note_en"]
    assert compare_verified(SITE, table(), materiality=Materiality(0.1, 0.1, 0.0)).attrs["bound_basis"] == "assumption"
