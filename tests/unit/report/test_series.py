"""What figures show is what the results say: curves, shares and positions against arithmetic by hand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from report_builder import build_dataset

from carbonsim.errors import InputError
from carbonsim.report import messages, series


def curve_run(options, price=50.0):
    """A run with one year; options are (sector, potential, unit_cost, slope), one enterprise a sector."""
    sectors = sorted({option[0] for option in options})
    return xr.Dataset(
        {
            "allowance_price": ("year", [price]),
            "option_potential": (("option", "year"), [[option[1]] for option in options]),
            "option_unit_cost": (("option", "year"), [[option[2]] for option in options]),
            "option_slope": (("option", "year"), [[option[3]] for option in options]),
        },
        coords={
            "year": [2030],
            "enterprise": sectors,
            "sector": ("enterprise", sectors),
            "kind": ("enterprise", ["enterprise"] * len(sectors)),
            "option_enterprise": ("option", [option[0] for option in options]),
        },
    )


def test_steps_are_ordered_by_cost_and_keep_their_widths():
    run = curve_run([("steel", 10.0, 30.0, 0.0), ("power", 5.0, -8.0, 0.0)])
    slices = series.cost_curve(run, 2030, local_only=True)
    assert [(piece.start, piece.width, piece.cost_from, piece.cost_to, piece.sector) for piece in slices] == [
        (0.0, 5.0, -8.0, -8.0, "power"),
        (5.0, 10.0, 30.0, 30.0, "steel"),
    ]


def test_linear_costs_add_up_horizontally():
    # power: MAC 0..100 over 20 t (slope 5); steel: MAC 40..60 over 10 t (slope 2).
    # At the price of 50: 50/5 = 10 t of power and (50 - 40)/2 = 5 t of steel.
    run = curve_run([("power", 20.0, 0.0, 5.0), ("steel", 10.0, 40.0, 2.0)])
    slices = series.cost_curve(run, 2030, local_only=True)
    assert series.taken_at(slices, 50.0) == pytest.approx(15.0)
    assert sum(piece.width for piece in slices) == pytest.approx(30.0)
    assert sum(piece.width for piece in slices if piece.sector == "steel") == pytest.approx(10.0)
    starts = [piece.cost_from for piece in slices]
    assert starts == sorted(starts)
    joined = [(a.start + a.width, b.start) for a, b in pairwise(slices)]
    assert all(end == pytest.approx(start) for end, start in joined)


def test_options_without_potential_or_of_blocks_are_left_out():
    dataset = build_dataset(local=9)
    run = series.run_of(dataset, None)
    local = sum(piece.width for piece in series.cost_curve(run, 2025, local_only=True))
    rows = [str(name).startswith("local") for name in run["option_enterprise"].values]
    assert local == pytest.approx(float(run["option_potential"].sel(year=2025).values[rows].sum()))
    assert sum(piece.width for piece in series.cost_curve(run, 2025, local_only=False)) > local


def test_far_costs_cut_the_axis_only_where_they_would_flatten_it():
    near = series.cost_curve(curve_run([("steel", 10.0, 100.0, 0.0)]), 2030, local_only=True)
    far = series.cost_curve(
        curve_run([("steel", 10.0, 5000.0, 0.0), ("power", 1.0, -20.0, 0.0)]), 2030, local_only=True
    )
    assert series.cost_limits(near, 50.0) is None
    assert series.cost_limits(far, 50.0) == (pytest.approx(-22.0), pytest.approx(200.0))
    assert series.cost_limits(far, float("nan")) is None


def test_covered_share_counts_phase_in():
    # Two enterprises of 100 t and 300 t inventory; 90 t and 200 t can be covered; shares 0.5 and 1.
    # (0.5 x 90 + 1 x 200) / 400 = 0.6125
    run = xr.Dataset(
        {
            "obligation_share": (("enterprise", "year"), [[0.5], [1.0]]),
            "baseline_covered_emissions": (("enterprise", "year"), [[90.0], [200.0]]),
            "baseline_inventory_emissions": (("enterprise", "year"), [[100.0], [300.0]]),
        },
        coords={"enterprise": ["a", "b"], "year": [2027], "kind": ("enterprise", ["enterprise"] * 2)},
    )
    assert series.covered_share(run) == pytest.approx([0.6125])


def test_positions_show_the_largest_and_add_up_the_rest():
    run = series.run_of(build_dataset(local=18), None)
    shown, others, rest = series.position_frame(run, 2025, 4, "zh")
    everyone = series.positions(run, 2025)["shortfall"]
    assert len(shown) == 4
    assert others == len(everyone) - 4
    assert shown["shortfall"].sum() + rest == pytest.approx(everyone.sum())
    assert shown["shortfall"].abs().min() >= everyone.abs().nlargest(5).iloc[-1]


def test_entries_before_the_first_year_stand_in_it():
    run = series.run_of(build_dataset(), "base")
    assert series.price_series(run).entries[2024][0] == "power"
    assert series.price_series(run).entries[2027] == ["petrochemicals", "chemicals"]
    assert 2030 not in series.price_series(run).entries


def test_small_rows_are_joined_without_losing_anything():
    frame = pd.DataFrame({2024: [1.0, 9.0, 2.0, 7.0]}, index=["paper", "power", "mining", "steel"])
    joined = series.leading(frame, 3, "rest")
    assert list(joined.index) == ["power", "steel", "rest"]
    assert float(joined.sum().iloc[0]) == 19.0


def test_unknown_scenario_suggests_a_known_one():
    with pytest.raises(InputError, match="Did you mean 'faster'"):
        series.run_of(build_dataset(), "fater")


def test_message_says_where_the_price_goes():
    run = series.run_of(build_dataset(), None)
    # 62 in 2024; 62 x 1.085^3 = 79.19 in 2027.
    assert messages.price_message(run, "zh") == "碳价由2024年的62.0元升至2027年的79.2元/吨"
    assert "from 62.0 to 79.2" in messages.price_message(run, "en")


def test_message_names_the_years_the_rules_leave_open():
    dataset = build_dataset()
    dataset["allowance_price"][:, 1:3] = np.nan
    run = series.run_of(dataset, None)
    assert messages.price_message(run, "zh").endswith("79.2元/吨，2025–2026年未定")
    assert messages.price_message(run, "en").endswith("left open in 2025–2026")


def test_years_of_one_price_basis_stand_together():
    run = series.run_of(build_dataset(years=range(2024, 2029)), None)
    assert messages.price_meaning(run, "en") == [
        "2024: auction floor",
        "2025–2027: marginal cost",
        "2028: reserve release",
    ]


def test_findings_leave_out_a_range_that_is_not_there():
    dataset = build_dataset()
    dataset["price_bank_low"] = dataset["price_bank_low"] * np.nan
    shares = pd.DataFrame({"covered_tonnes": [1.0], "cost": [1.0]}, index=["law"])
    sentences = messages.findings(series.run_of(dataset, None), "en", shares)
    assert not [sentence for sentence in sentences if "opening bank" in sentence or "assumption" in sentence]
