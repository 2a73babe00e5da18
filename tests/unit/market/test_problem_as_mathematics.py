"""A problem prints as the mathematics that is solved: whatever is in it stands in what is printed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from builders import collared_market, market
from carbonsim.errors import InputError
from carbonsim.market import MarketProblem, clear
from carbonsim.market.instruments.banking import Banking

PLANS: dict[str, object] = {
    "year": [2025],
    "supply": 125,
    "enterprises": {"n": {"baseline": 100}, "s": {"baseline": 60}},
    "plans": {"n/k": {"enterprise": "n", "cut": 40, "cost": 800}, "s/b": {"enterprise": "s", "cut": 30, "cost": 1200}},
}


def test_marginal_costs_are_written_out() -> None:
    assert "C_oy(x) = c_oy x + k_oy x² / 2" in repr(market())


def test_plans_stand_in_cost_emissions_and_choice() -> None:
    text = repr(MarketProblem.from_mapping(PLANS))
    assert "0 options, 2 plans" in text
    assert "Σ_k u_k C_ky" in text
    assert "Σ_k u_k X_ky" in text
    assert "Σ_(k of e) u_k ≤ 1,  u_k ∈ {0, 1}" in text


def test_no_plans_no_terms_of_them() -> None:
    assert "u_k" not in repr(market())


def test_opening_bank_is_a_number_of_the_problem() -> None:
    assert "B_2024 = 25" in repr(market(Banking(), opening_bank=25.0))
    # Without banking it serves the first year alone.
    assert "opening bank 25 in 2025" in repr(market(opening_bank=25.0))
    assert "2024" not in repr(market(Banking()))


def test_best_response_rules_are_named_beside_the_affine_ones() -> None:
    text = repr(collared_market())
    assert "6 best-response terms" in text
    assert "A_t = CappedObligation or CollaredIntensity of (key_t, other_t)" in text
    assert "each unit minimises C + p_y s_ey (e_t - A_t)" in text


def test_a_given_price_leaves_no_balance() -> None:
    text = repr(dataclasses.replace(market(), given_price=np.array([20.0, 30.0])))
    assert "given p_y = 20, 30" in text
    assert "≤ S_y" not in text


def test_what_was_borrowed_before_can_be_written_by_hand() -> None:
    # 100 t emitted, 60 allowances of which 5 are owed already: 45 t to cut at a MAC of x.
    mapping: dict[str, object] = {
        "year": [2025],
        "supply": 60,
        "opening_bank": -5,
        "enterprises": {"s": {"baseline": 100}},
        "options": {"s/a": {"enterprise": "s", "potential": 100, "unit_cost": 0, "slope": 1}},
    }
    found = clear(MarketProblem.from_mapping(mapping)).dataset
    assert found.allowance_price.item() == pytest.approx(45.0, rel=1e-9)
    with pytest.raises(InputError, match="opening_bank"):
        MarketProblem.from_mapping({**mapping, "opening_bank": float("inf")})


def test_what_is_published_can_be_written_as_netcdf(tmp_path: Path) -> None:
    for problem in (market(supply=(110.0, 100.0)), market(Banking(), years=3, supply=105.0), collared_market()):
        clear(problem).dataset.drop_vars("balance_group_label").to_netcdf(tmp_path / "market.nc", engine="h5netcdf")
