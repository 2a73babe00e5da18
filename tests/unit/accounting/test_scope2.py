"""Market-based scope 2: cap at the load, order of instruments, evidence, unknown, the residual, the sensitivity."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from accounting_builders import one_site, scenario
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonsim.accounting import build_inventory
from carbonsim.accounting.location_factors import ALTERNATIVE_STATES, location_factor_alternatives
from carbonsim.accounting.scope2 import MARKET_METHODS, market_based
from carbonsim.errors import InputError
from carbonsim.inputs.factors import packaged_factors

RESIDUAL_2023 = 0.6096  # tCO2/MWh, announcement 2025 no. 47, in force for 2024 accounts
LOCATION = 0.5  # tCO2/MWh, the builders' outlook


def site(*rows: Mapping[str, object], sector: str = "paper", load: float = 1000.0) -> xr.Dataset:
    """One enterprise that buys electricity in 2024."""
    bought = {"stream": "grid", "method": "electricity_purchased", "quantity": load, "unit": "MWh"}
    return build_inventory(one_site(sector, "mill", [bought, *rows]))


def table(rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """The table of certificates; evidence is given unless a row says otherwise."""
    base = {"enterprise": "e", "year": 2024, "certificate": "c", "kind": "green_certificate", "quantity": 0.0,
            "factor": np.nan, "evidence": "ledger 7", "source": "made-up"}  # fmt: skip
    return pd.DataFrame([{**base, "certificate": f"c{number}", **row} for number, row in enumerate(rows)])


def account(inventory: xr.Dataset, rows: Sequence[Mapping[str, object]] = (), **more: int) -> xr.Dataset:
    """The market-based account of the one enterprise and year."""
    frame = table(rows) if rows else None
    return market_based(inventory, frame, packaged_factors(), **more).squeeze(["enterprise", "year"])


def test_load_without_instruments_is_at_the_residual_factor() -> None:
    result = account(site())
    assert float(result.scope2_location) == pytest.approx(500.0)  # 1000 MWh x 0.5
    assert float(result.scope2_market) == pytest.approx(609.6)  # 1000 MWh x 0.6096
    assert result.scope2_market_method.item() == "residual"
    assert (result.residual_factor_id.item(), int(result.residual_data_year)) == ("grid_2023_china_residual", 2023)


def test_certificates_are_capped_at_the_load_and_the_excess_is_apart() -> None:
    # 1000 MWh; 700 + 600 MWh certificates: 1000 applied, 300 unused; nothing is left, nothing is negative.
    result = account(site(), [{"quantity": 700}, {"quantity": 600}])
    assert float(result.scope2_market) == 0.0
    assert float(result.certificates_applied) == pytest.approx(1000)
    assert float(result.certificates_unused) == pytest.approx(300)
    assert float(result.residual_electricity) == 0.0
    assert result.scope2_market_method.item() == "instruments"
    assert result.certificate_status.values.tolist() == ["applied", "partly_applied"]


def test_excess_is_not_carried_to_the_next_year() -> None:
    rows = [{"stream": "grid", "method": "electricity_purchased", "quantity": 100, "unit": "MWh"}]
    inventory = build_inventory(
        one_site("paper", "mill", rows, years=(2024, 2025), grid_factor={2024: 0.5},
                 output_index={"paper": {2024: 1.0, 2025: 1.0}})
    )  # fmt: skip
    result = market_based(inventory, table([{"quantity": 250}]), packaged_factors())
    # 2024: 0; 2025: 100 MWh x 0.6096 (the factor of 2023 is the newest).
    assert result.scope2_market.sel(enterprise="e").values == pytest.approx([0.0, 60.96])
    assert result.certificates_unused.sel(enterprise="e").values == pytest.approx([150.0, 0.0])


def test_instruments_apply_in_the_order_of_quality_and_the_dirtiest_of_a_kind_first() -> None:
    # Load 1000: certificate 200 x 0; agreement 300 x 0.1 = 30; suppliers 600 offered, room 500:
    # 400 x 0.4 = 160 first, then 100 of 200 x 0.2 = 20. Total 210.
    rows = [
        {"kind": "supplier_factor", "quantity": 200, "factor": 0.2},
        {"kind": "supplier_factor", "quantity": 400, "factor": 0.4},
        {"kind": "power_purchase_agreement", "quantity": 300, "factor": 0.1},
        {"kind": "green_certificate", "quantity": 200},
    ]
    result = account(site(), rows)
    assert float(result.scope2_market) == pytest.approx(210.0)
    assert result.certificate_applied.values == pytest.approx([100, 400, 300, 200])
    reordered = account(site(), [{**row, "certificate": f"c{n}"} for n, row in reversed(list(enumerate(rows)))])
    assert float(reordered.scope2_market) == pytest.approx(210.0)


def test_remainder_after_instruments_is_at_the_residual_factor() -> None:
    # 250 x 0 + 250 x 0.2 + 500 x 0.6096 = 50 + 304.8
    rows = [{"quantity": 250}, {"kind": "supplier_factor", "quantity": 250, "factor": 0.2}]
    result = account(site(), rows)
    assert float(result.scope2_market) == pytest.approx(354.8)
    assert float(result.instrument_emissions) == pytest.approx(50.0)
    assert float(result.residual_emissions) == pytest.approx(304.8)
    assert result.scope2_market_method.item() == "instruments_and_residual"


def test_low_claim_without_evidence_does_not_count_and_is_listed() -> None:
    # Only the dirty supplier's 100 MWh x 0.9 counts: 90 + 900 x 0.6096 = 638.64
    rows = [
        {"quantity": 400, "evidence": ""},
        {"kind": "supplier_factor", "quantity": 100, "factor": 0.3, "evidence": " "},
        {"kind": "supplier_factor", "quantity": 100, "factor": 0.9, "evidence": ""},
    ]
    result = account(site(), rows)
    assert float(result.scope2_market) == pytest.approx(638.64)
    assert result.attrs["certificates_without_evidence"] == "e/c0/2024, e/c1/2024"
    assert result.certificate_status.values.tolist() == ["without_evidence", "without_evidence", "applied"]
    assert float(result.certificates_unused) == 0.0


def test_unknown_voids_the_market_total_and_leaves_the_location_total() -> None:
    result = account(site(), [{"kind": "unknown", "quantity": np.nan, "evidence": ""}, {"quantity": 300}])
    assert not bool(result.scope2_market_available)
    assert float(result.scope2_market) == 0.0
    assert result.scope2_market_method.item() == "unknown"
    assert float(result.scope2_location) == pytest.approx(500.0)


@pytest.mark.parametrize(("tolerance", "expected", "method"), [
    (1, 609.6, "residual"),  # the factor of 2023 is one year older than 2024
    (0, 500.0, "location_based_remainder"),  # none of 2024: 1000 MWh x 0.5, and the method says so
])  # fmt: skip
def test_residual_factor_must_be_dated_close_enough(tolerance: int, expected: float, method: str) -> None:
    result = account(site(), years_tolerance=tolerance)
    assert float(result.scope2_market) == pytest.approx(expected)
    assert result.scope2_market_method.item() == method
    assert result.attrs["years_without_residual_factor"] == ("" if tolerance else "2024")
    assert bool(result.scope2_market_available)


def exported(quantity: float) -> dict[str, object]:
    return {"stream": "out", "method": "electricity_exported", "quantity": quantity, "unit": "MWh"}


def test_heat_is_in_both_totals_and_resold_power_in_neither() -> None:
    # Heat 100 GJ x 0.11 tCO2/GJ (the guides' default) = 11; of 1000 MWh bought 40 are passed on, 960 are the load.
    rows = [{"stream": "steam", "method": "heat_purchased", "quantity": 100, "unit": "GJ"}, exported(40)]
    result = account(site(*rows), [{"quantity": 500}])
    assert float(result.scope2_heat) == pytest.approx(11.0)
    assert float(result["load"]) == pytest.approx(960.0)
    assert float(result.scope2_market) == pytest.approx(11.0 + 460 * RESIDUAL_2023)
    assert float(result.scope2_location) == pytest.approx(500.0 + 11.0 - 20.0)
    # A listed sector keeps its exports: they are 0 in the inventory and here.
    listed = account(site(rows[1], sector="aluminium"))
    assert (float(listed.scope2_exports), float(listed["load"])) == (0.0, 1000.0)


def test_certificates_for_resold_power_do_not_make_the_total_negative() -> None:
    # 1000 MWh bought, 200 passed on, certificates for 1500: the load is 800, all of it at 0; 700 are unused. What is
    # passed on leaves at the mean of what came in, which is 0, and not at the 0.5 of the place (- 100 t).
    result = account(site(exported(200)), [{"quantity": 1500}])
    assert float(result.scope2_market) == 0.0
    assert (float(result["load"]), float(result.certificates_applied)) == (800.0, 800.0)
    assert float(result.certificates_unused) == pytest.approx(700.0)
    assert (float(result.electricity_bought), float(result.electricity_resold)) == (1000.0, 200.0)
    assert float(result.scope2_location) == pytest.approx(400.0)  # 1000 x 0.5 - 200 x 0.5


def test_one_instrument_for_all_that_is_bought_leaves_with_what_is_resold() -> None:
    # 1000 MWh at the supplier's 0.3: mean 0.3, so 300 - 200 x 0.3 = 240 = 800 x 0.3.
    result = account(site(exported(200)), [{"kind": "supplier_factor", "quantity": 1000, "factor": 0.3}])
    assert float(result.scope2_market) == pytest.approx(240.0)


def test_power_sold_beyond_the_purchase_is_own_generation_and_stays_at_the_factor_of_the_place() -> None:
    # 100 MWh bought, 250 passed on: no load; the 150 beyond are deducted as the guide has it, 150 x 0.5 = 75.
    result = account(site(exported(250), load=100.0), [{"quantity": 100}])
    assert (float(result["load"]), float(result.exports_beyond_purchase)) == (0.0, 150.0)
    assert float(result.scope2_exports) == pytest.approx(-75.0)
    assert float(result.scope2_market) == pytest.approx(-75.0)
    assert float(result.scope2_location) == pytest.approx(-75.0)
    assert float(result.certificates_unused) == 100.0
    assert result.scope2_market_method.item() == "no_load"


def test_enterprise_without_load_uses_nothing() -> None:
    result = account(site(load=0.0), [{"quantity": 10}])
    assert result.scope2_market_method.item() == "no_load"
    assert float(result.scope2_market) == 0.0
    assert float(result.certificates_unused) == 10.0


@pytest.mark.parametrize(("row", "word"), [
    ({"enterprise": "nobody"}, "enterprise"),
    ({"year": 2019}, "2024"),
    ({"kind": "green_certificat"}, "Did you mean 'green_certificate'"),
    ({"quantity": -1.0}, "quantity"),
    ({"quantity": np.nan}, "quantity"),
    ({"factor": 0.1}, "supplier_factor"),
    ({"kind": "supplier_factor", "quantity": 1.0}, "factor"),
    ({"kind": "power_purchase_agreement", "quantity": 1.0, "factor": -0.1}, "factor"),
])  # fmt: skip
def test_malformed_rows_are_refused_in_both_languages(row: dict[str, object], word: str) -> None:
    with pytest.raises(InputError, match=word) as problem:
        account(site(), [row])
    assert "/c0/" in str(problem.value)
    assert "：" in problem.value.text("zh")


def test_doubled_rows_are_refused() -> None:
    with pytest.raises(InputError, match="twice"):
        account(site(), [{"certificate": "same", "quantity": 1}, {"certificate": "same", "quantity": 2}])


def test_every_method_has_a_text_in_both_languages() -> None:
    assert all(english and chinese for english, chinese in MARKET_METHODS.values())


@settings(max_examples=25, deadline=None)
@given(
    load=st.floats(0, 1e4),
    resold=st.floats(0, 1),
    offers=st.lists(
        st.tuples(st.sampled_from(["green_certificate", "power_purchase_agreement", "supplier_factor"]),
                  st.floats(0, 5e3), st.floats(0, 1.2), st.booleans()), max_size=6,
    ),
)  # fmt: skip
def test_electricity_is_conserved_and_never_negative(
    load: float, resold: float, offers: list[tuple[str, float, float, bool]]
) -> None:
    rows = [
        {"kind": kind, "quantity": quantity, "factor": 0.0 if kind == "green_certificate" else factor,
         "evidence": "yes" if proved else ""}
        for kind, quantity, factor, proved in offers
    ]  # fmt: skip
    result = account(site(exported(resold * load), load=load), rows)
    applied, left = float(result.certificates_applied), float(result.residual_electricity)
    assert applied + left + resold * load == pytest.approx(load, rel=1e-8, abs=1e-8)
    assert float(result.scope2_market) >= 0
    whole = result.certificate_applied + result.certificate_unused
    assert whole.values == pytest.approx([quantity for _, quantity, _, _ in offers])


def alternatives(*provinces: str, **more: int) -> pd.DataFrame:
    """The sensitivity of enterprises e0, e1, ... of 100 MWh each in the given provinces."""
    names = [f"e{number}" for number in range(len(provinces))]
    bought = {"stream": "grid", "method": "electricity_purchased", "quantity": 100, "unit": "MWh"}
    inventory = build_inventory(
        scenario(
            enterprises=[{"enterprise": name, "sector": "paper"} for name in names],
            facilities=[{"facility": name, "enterprise": name, "process": "mill"} for name in names],
            activity=[{"facility": name, **bought} for name in names],
        )
    )
    return location_factor_alternatives(inventory, packaged_factors(), dict(zip(names, provinces, strict=True)), **more)


def test_alternatives_show_national_regional_and_provincial_factors() -> None:
    # Sichuan in accounts of 2024 by the factors of 2023: nation 0.5306, Southwest 0.2472, Sichuan 0.1564.
    found = alternatives("四川").set_index("level")
    assert found.loc["inventory", "emissions"] == pytest.approx(50.0)
    assert found["emissions"].drop("inventory").tolist() == pytest.approx([53.06, 24.72, 15.64])
    assert found["difference"].drop("inventory").tolist() == pytest.approx([3.06, -25.28, -34.36])
    assert found.loc["province", "factor"] == "grid_2023_sichuan"
    assert found.loc["regional_grid", "region"] == "Southwest"
    assert set(found["data_year"].dropna()) == {2023}


def test_alternatives_say_why_a_level_has_no_number() -> None:
    found = alternatives("Inner Mongolia", "")
    states = found.set_index(["enterprise", "level"])["status"]
    assert states["e0", "regional_grid"] == "two_grids"
    assert states["e0", "province"] == "used"
    assert states["e1", "province"] == states["e1", "regional_grid"] == "no_province"
    assert found.loc[found["status"] != "used", "emissions"].isna().all()
    assert set(states) <= set(ALTERNATIVE_STATES)


def test_alternatives_beyond_the_tolerance_have_no_number() -> None:
    found = alternatives("Sichuan", years_tolerance=0)
    assert found.set_index("level")["status"].drop("inventory").tolist() == ["no_factor"] * 3


def test_every_province_of_the_table_has_a_region() -> None:
    grid = packaged_factors().grid
    provinces = sorted(set(grid.loc[grid["level"] == "province", "region_en"]))
    found = alternatives(*provinces)
    of_region = found[found["level"] == "regional_grid"].set_index("enterprise")["status"]
    assert of_region.value_counts().to_dict() == {"used": len(provinces) - 1, "two_grids": 1}
