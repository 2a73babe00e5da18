"""Allowances that carry their year: lives, early use, stocks and prices by vintage. By hand, at MAC = cut."""

from __future__ import annotations

import numpy as np
import pytest

from carbonsim.errors import InfeasibleError, InputError
from carbonsim.market import MarketProblem, clear
from carbonsim.market.programme import build_programme
from carbonsim.solving import LoadedProgramme, compile_programme


def sector(supply: list[float], vintages: dict[str, object], **fields: object) -> MarketProblem:
    """One sector emits 100 t a year and cuts at MAC = x."""
    more = fields.pop("instruments", {})
    return MarketProblem.from_mapping(
        {
            "year": list(range(2025, 2025 + len(supply))),
            "supply": supply,
            "enterprises": {"sector": {"baseline": 100}},
            "options": {"sector/m": {"enterprise": "sector", "potential": 100, "unit_cost": 0, "slope": 1}},
            "instruments": {"vintages": vintages, **more},  # type: ignore[dict-item]
            **fields,
        }
    )


BINDING = [170.0, 60.0, 10.0]


def test_a_short_life_forces_early_use_and_lowers_the_early_price() -> None:
    # 300 - 240 = 60 t are cut. With a life of two years, 20 each year. With one year the 170 of 2025 serve 2025 and
    # 2026 alone, so those cut 200 - 170 = 30, 15 each; 2027 has 60 + 10 and cuts 30.
    long = clear(sector(BINDING, {"life": 2})).dataset
    assert long.allowance_price.values == pytest.approx([20.0, 20.0, 20.0], rel=1e-6)
    short = clear(sector(BINDING, {"life": 1})).dataset
    assert short.allowance_price.values == pytest.approx([15.0, 15.0, 30.0], rel=1e-6)
    # 85 of vintage 2025 are left for 2026, and all 60 of vintage 2026 for 2027.
    assert short.vintage_stock.sel(vintage=2025).values == pytest.approx([85.0, 0.0, 0.0], abs=1e-6)
    assert short.vintage_stock.sel(vintage=2026).values == pytest.approx([0.0, 60.0, 0.0], abs=1e-6)
    assert short.bank.values == pytest.approx([85.0, 60.0, 0.0], abs=1e-6)


def test_a_young_vintage_is_worth_more_than_the_year_s_price() -> None:
    found = clear(sector(BINDING, {"life": 1})).dataset.vintage_price
    assert found.sel(vintage=2025).values == pytest.approx([15.0, 15.0, np.nan], rel=1e-6, nan_ok=True)
    assert found.sel(vintage=2026).values == pytest.approx([np.nan, 30.0, 30.0], rel=1e-6, nan_ok=True)


def test_price_of_a_vintage_is_the_dual_of_its_stock() -> None:
    # One allowance more of vintage 2026 relaxes the balance of 2026 and the row of its stock together.
    problem = sector(BINDING, {"life": 1}, interest=0.05)
    compiled = compile_programme(build_programme(problem).model)
    solution = LoadedProgramme(compiled).solve()
    assert solution is not None
    rows = [compiled.rows.index(name) for name in ("market.balance[2026]", "vintages.use[2026,2026]")]
    dual = -solution.row_dual[rows].sum() * 1.05
    found = clear(problem).dataset
    assert found.vintage_price.sel(vintage=2026, year=2026).item() == pytest.approx(dual, rel=1e-6)
    assert dual > found.allowance_price.sel(year=2026).item() * 1.05


def test_the_oldest_go_first_without_being_told() -> None:
    # In the programme itself: 30 of vintage 2024 may serve 2025 alone. Cutting 10 t each year needs 90 + 30 - 90 = 30
    # to be kept, which must be of vintage 2025: all 30 old ones are surrendered.
    problem = sector([90.0, 60.0], {"life": 1, "opening": 2024}, opening_bank=30)
    programme = build_programme(problem)
    compiled = compile_programme(programme.model)
    solution = LoadedProgramme(compiled).solve()
    assert solution is not None
    kept = solution.values[compiled.columns.index("vintages.stock[2025,2025]")] * programme.frame.scale
    assert kept == pytest.approx(30.0, rel=1e-6)
    found = clear(problem).dataset
    assert found.allowance_price.values == pytest.approx([10.0, 10.0], rel=1e-6)
    assert found.vintage_surrendered.sel(vintage=2024).values == pytest.approx([30.0, 0.0])
    assert found.vintage_surrendered.sel(vintage=2025).values == pytest.approx([60.0, 30.0], rel=1e-6)


def test_what_outlives_its_life_expires_at_a_price_of_zero() -> None:
    # 230 of vintage 2025 for 200 t in 2025 and 2026: 30 expire. 2027 has 60 + 10 and cuts 30.
    found = clear(sector([230.0, 60.0, 10.0], {"life": 1})).dataset
    assert found.allowance_price.values == pytest.approx([0.0, 0.0, 30.0], abs=1e-6)
    assert found.vintage_expired.sel(vintage=2025).values == pytest.approx([0.0, 30.0, 0.0], abs=1e-6)
    assert found.expired.values == pytest.approx([0.0, 30.0, 0.0], abs=1e-6)


def test_an_opening_bank_expires_with_its_vintages() -> None:
    # 100 of the 120 old ones cover 2025; of vintage 2023 none outlives it, of 2024 none either: 20 expire. All 90 of
    # 2025 are kept for 2026, which cuts 10.
    fields = {"opening_bank": 120, "interest": 0.0}
    found = clear(sector([90.0, 0.0], {"life": 1, "opening": {2024: 120}}, **fields)).dataset
    assert found.allowance_price.values == pytest.approx([0.0, 10.0], abs=1e-6)
    assert found.vintage_expired.sel(vintage=2024).values == pytest.approx([20.0, 0.0], abs=1e-6)
    assert found.vintage_price.sel(vintage=2025, year=2025).item() == pytest.approx(10.0, rel=1e-6)
    split = clear(sector([90.0, 0.0], {"life": 2, "opening": {2023: 50, 2024: 70}}, **fields)).dataset
    # With a year more, 20 of vintage 2024 go on to 2026: 110 for 100 t.
    assert split.vintage_stock.sel(vintage=2024).values == pytest.approx([20.0, 0.0], abs=1e-6)
    assert split.allowance_price.values == pytest.approx([0.0, 0.0], abs=1e-6)


def test_early_use_borrows_from_the_next_vintage_alone() -> None:
    # 0, 60, 180 over three years: with any borrowing each year would cut 20. Only vintages up to 2026 serve 2025, so
    # 2025 cuts 100 - 60 = 40 and 2026 and 2027 share 180: 10 each.
    found = clear(sector([0.0, 60.0, 180.0], {"life": 1, "early": 1})).dataset
    assert found.allowance_price.values == pytest.approx([40.0, 10.0, 10.0], rel=1e-6)
    assert found.vintage_stock.sel(vintage=2026).values == pytest.approx([-60.0, 0.0, 0.0], abs=1e-6)
    assert found.vintage_surrendered.sel(vintage=2027).values == pytest.approx([0.0, 90.0, 90.0], rel=1e-6)
    # An allowance issued in 2026 is used early, where it is worth 40.
    assert found.vintage_price.sel(vintage=2026).values == pytest.approx([40.0, 10.0, 10.0], rel=1e-6)


def test_an_auction_sells_where_its_vintage_is_worth_the_floor() -> None:
    # As BINDING, but 5 of the 60 are auctioned at 25: more than the year's price of 15, less than the vintage's 30.
    auction = {"auction_floor": {"quantity": [0, 5, 0], "price": 25}}
    found = clear(sector([170.0, 55.0, 10.0], {"life": 1}, instruments=auction)).dataset
    assert found.allowance_price.values == pytest.approx([15.0, 15.0, 30.0], rel=1e-6)
    assert found.sold_auction.values == pytest.approx([0.0, 5.0, 0.0], abs=1e-6)


def test_free_allocation_by_emissions_is_worth_its_vintage() -> None:
    # As BINDING, but half of each tonne emitted in 2026 is given free, of vintage 2026. A cut saves p of 2026 and
    # loses half of a vintage worth p of 2027. Cuts a, b, c: 2025 and 2026 share 170, so a + b = 30; 2027 has
    # 12.5 + 10 + (100 - b) / 2, so c = 27.5 + b / 2. With a = p, b = p - c / 2: a - b = c / 2 = 13.75 + b / 4, and
    # a + b = 30 gives b = 16.25 / 2.25.
    enterprises = {"sector": {"baseline": 100, "per_emission": [0, 0.5, 0]}}
    found = clear(sector([170.0, 12.5, 10.0], {"life": 1}, enterprises=enterprises)).dataset
    cut = 16.25 / 2.25
    assert found.abatement.values[0] == pytest.approx([30 - cut, cut, 27.5 + cut / 2], rel=1e-6)
    assert found.allowance_price.values == pytest.approx([30 - cut, 30 - cut, 27.5 + cut / 2], rel=1e-6)


@pytest.mark.parametrize("engine", ["best_response", "price_search"])
def test_other_engines_refuse_vintages_by_name(engine: str) -> None:
    with pytest.raises(InputError, match=r"'vintages'.*each vintage.*programme"):
        clear(sector(BINDING, {"life": 1}), engine=engine)
    assert "vintages" in clear(sector(BINDING, {"life": 1})).engine_reason


@pytest.mark.parametrize(
    "other", [{"banking": {}}, {"compliance_periods": {"ends": [2027]}}, {"terminal_bank": {"value": 2}}]
)
def test_vintages_beside_another_rule_on_carrying_are_refused(other: dict[str, object]) -> None:
    with pytest.raises(InputError, match=rf"vintages stand beside .*{next(iter(other))}"):
        sector(BINDING, {"life": 1}, instruments=other)


@pytest.mark.parametrize(
    ("vintages", "bank", "told"),
    [
        ({"life": 0}, 0, "outlives its year"),
        ({"life": -1}, 0, "whole number"),
        ({"life": 1.5}, 0, "whole number"),
        ({"life": 1}, 9, "say of which vintage"),
        ({"life": 1, "opening": {2024: 4}}, 9, "the same positive number"),
        ({"life": 1, "opening": 2022}, 9, "expected vintages from 2024 to 2024"),
        ({"life": 1, "opening": 2025}, 9, "expected vintages from 2024 to 2024"),
    ],
)
def test_vintages_are_told_what_to_mend(vintages: dict[str, object], bank: float, told: str) -> None:
    with pytest.raises(InputError, match=told):
        sector(BINDING, vintages, opening_bank=bank)


def test_an_infeasible_cap_names_the_life_of_vintages() -> None:
    # 80 t are needed each year. Of 190 in 2025, 160 serve two years and 30 expire; 2027 has 70.
    options = {"sector/m": {"enterprise": "sector", "potential": 20, "unit_cost": 5}}
    with pytest.raises(InfeasibleError, match=r"2027: 10 t.*vintages.life"):
        clear(sector([190.0, 0.0, 70.0], {"life": 1}, options=options))
