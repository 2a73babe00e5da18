"""Coverage: who owes allowances, in which year, for which share."""

from __future__ import annotations

from pathlib import Path

import pytest
import xarray as xr
from inputs_builder import TABLES, write_study

from carbonsim.errors import AlignmentError, UnitError
from carbonsim.inputs import Scenario, obligation_share, read_scenario, sector_share
from carbonsim.inputs.coverage import above_threshold

WHY = {"basis": "assumption", "why": "a test"}


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    return read_scenario(write_study(tmp_path / "tiny"))


def emissions(plant: list[float], kiln: list[float], units: str = "tCO2e") -> xr.DataArray:
    return xr.DataArray(
        [plant, kiln],
        dims=("enterprise", "year"),
        coords={"enterprise": ["plant", "kiln"], "year": [2024, 2025, 2026, 2027]},
        attrs={"units": units},
    )


def test_share_steps_up_from_the_entry_year_and_stays(scenario: Scenario) -> None:
    share = sector_share(scenario)
    assert share.dims == ("sector", "year")
    assert share.sel(sector="power").values.tolist() == [1, 1, 1, 1]
    # entry 2026 with phase-in 0.5;1
    assert share.sel(sector="cement").values.tolist() == [0, 0, 0.5, 1]


def test_phase_in_counts_from_an_entry_before_the_study(scenario: Scenario) -> None:
    early = scenario.change("coverage.power.phase_in", "0.2;0.4;0.6", **WHY).change(
        "coverage.power.entry_year", 2023, **WHY
    )
    # 2024 is the second year in the market
    assert sector_share(early).sel(sector="power").values.tolist() == [0.4, 0.6, 0.6, 0.6]


def test_sector_without_entry_year_never_enters(scenario: Scenario) -> None:
    never = scenario.change("coverage.cement.entry_year", None, **WHY)
    assert sector_share(never).sel(sector="cement").sum() == 0


def test_base_year_decides_and_who_is_in_stays_in(scenario: Scenario) -> None:
    share = obligation_share(scenario, emissions([30_000, 10_000, 10_000, 10_000], [20_000, 90_000, 90_000, 90_000]))
    assert share.sel(enterprise="plant").values.tolist() == [1, 1, 1, 1]
    assert share.sel(enterprise="kiln").values.tolist() == [0, 0, 0, 0]


def test_threshold_itself_is_in(scenario: Scenario) -> None:
    share = obligation_share(scenario, emissions([26_000] * 4, [25_999.9] * 4))
    assert share.sel(year=2027).values.tolist() == [1, 0]


def test_row_of_several_entities_is_compared_by_the_entity(tmp_path: Path) -> None:
    text = TABLES["enterprises"].replace(
        "enterprise,1,0.08,assumption,made-up\nkiln", "block,4,0.08,assumption,made-up\nkiln"
    )
    scenario = read_scenario(write_study(tmp_path / "block", enterprises=text))
    # 100,000 t over four entities is 25,000 t each, below 26,000 t
    assert above_threshold(scenario, emissions([100_000] * 4, [26_000] * 4)).values.tolist() == [False, True]
    assert above_threshold(scenario, emissions([104_000] * 4, [26_000] * 4)).values.tolist() == [True, True]


def test_order_of_enterprises_does_not_matter(scenario: Scenario) -> None:
    given = emissions([30_000] * 4, [30_000] * 4)
    turned = given.isel(enterprise=[1, 0])
    assert (
        obligation_share(scenario, turned)
        .sel(enterprise="plant")
        .equals(obligation_share(scenario, given).sel(enterprise="plant"))
    )
    assert obligation_share(scenario, turned)["enterprise"].values.tolist() == ["kiln", "plant"]


def test_missing_enterprise_stranger_nan_and_unit_are_errors(scenario: Scenario) -> None:
    good = emissions([30_000] * 4, [30_000] * 4)
    with pytest.raises(AlignmentError, match="kiln"):
        obligation_share(scenario, good.isel(enterprise=[0]))
    with pytest.raises(AlignmentError, match="stranger"):
        obligation_share(scenario, good.assign_coords(enterprise=["plant", "stranger"]))
    with pytest.raises(AlignmentError, match="NaN"):
        obligation_share(scenario, emissions([float("nan")] * 4, [30_000] * 4))
    with pytest.raises(UnitError, match="kt"):
        obligation_share(scenario, emissions([30] * 4, [30] * 4, "kt"))
