"""Co-benefits and trade-offs of measures, of pollution control, and the plane of co-control."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from accounting_builders import one_site
from hypothesis import given, settings
from hypothesis import strategies as st

import carbonsim as cs
from carbonsim.accounting import build_inventory
from carbonsim.errors import InputError
from carbonsim.measures import build_options
from carbonsim.measures.co_benefits import co_benefit_table, co_control_coordinates, effects, pollutants_after
from carbonsim.measures.pollution_control import end_of_pipe_table

WEIGHTS = {"SO2": 0.95, "NOx": 0.95, "PM": 4.0}
POLLUTANTS = ["SO2", "NOx", "PM"]
STACK = {"stream": "stack", "method": "reported", "quantity": 1000, "unit": "tCO2e"}


def options(*measures: Mapping[str, object]) -> tuple[xr.Dataset, xr.Dataset]:
    """Options and inventory of a steel site with 1000 t of stack emissions; the grid is at 0.5 tCO2/MWh."""
    study = one_site("steel", "ironmaking", [STACK], measures=[{"sector": "steel", **row} for row in measures])
    inventory = build_inventory(study)
    return build_options(study, inventory), inventory


def one(table: pd.DataFrame, measure: str, pollutant: str) -> pd.Series:
    chosen = table[(table["measure"] == measure) & (table["pollutant"] == pollutant)]
    assert len(chosen) == 1
    return chosen.iloc[0]


def emitting(so2: float, nox: float, pm: float, known: tuple[bool, bool, bool] = (True, True, True)) -> xr.Dataset:
    """An inventory of one enterprise with 1000 tCO2e of scope 1 and these pollutants [t] in one year."""
    data: dict[str, Any] = {
        "emissions_co2e": (("enterprise", "year"), [[1000.0]]),
        "scope2_location": (("enterprise", "year"), [[0.0]]),
        "pollutant_emissions": (("enterprise", "pollutant", "year"), [[[so2], [nox], [pm]]]),
        "pollutant_available": (("enterprise", "pollutant"), [list(known)]),
    }
    return xr.Dataset(data, coords={"enterprise": ["e"], "year": [2024], "pollutant": POLLUTANTS})


def controls(**more: object) -> pd.DataFrame:
    row = {"measure": "fgd", "enterprise": "e", "pollutant": "SO2", "efficiency": 0.9, "reaction": "limestone",
           "electricity_change": 0.2, "unit_cost": 2000.0}  # fmt: skip
    return pd.DataFrame([{**row, **more}])


def test_a_measure_by_hand() -> None:
    # 1000 x 0.4 x 0.5 = 200 t; 2.5 kg a tonne: 0.5 t SO2; 200 x 30 = 6000 CNY, or 12000 CNY/t of SO2
    table = co_benefit_table(*options({"measure": "a", "reduction": 0.4, "max_penetration": 0.5, "unit_cost": 30,
                                       "so2_change": -2.5, "nox_change": 0, "pm_change": 0.5}))  # fmt: skip
    so2, nox, pm = (one(table, "a", name) for name in POLLUTANTS)
    assert (so2.carbon_cut, so2.pollutant_cut, so2.intensity) == pytest.approx((200, 0.5, 2.5))
    assert so2.cost_per_tonne == pytest.approx(12000)
    assert (so2.effect, nox.effect, pm.effect) == ("co-benefit", "neutral", "trade-off")
    assert (so2.direction, nox.direction, pm.direction) == (1, 0, -1)
    assert pm.pollutant_cut == pytest.approx(-0.1)
    assert np.isnan(pm.cost_per_tonne)


def test_what_the_table_leaves_empty_is_unknown_and_no_zero() -> None:
    row = one(co_benefit_table(*options({"measure": "a", "unit_cost": 1})), "a", "SO2")
    assert row.effect == "unknown"
    assert not row.stated
    assert np.isnan(row.pollutant_cut)
    assert row.direction is pd.NA


def test_electricity_bought_counts_against_the_carbon_cut() -> None:
    # 100 t cut, 0.3 MWh a tonne at 0.5 tCO2/MWh: 100 x (1 - 0.15) = 85 t
    row = one(co_benefit_table(*options({"measure": "e", "unit_cost": 1, "electricity_change": 0.3})), "e", "SO2")
    assert row.carbon_cut == pytest.approx(85)


def test_electrification_on_a_dirty_grid_is_a_trade_off() -> None:
    # 3 MWh a tonne at 0.5: scope 2 rises by 1.5 t for each tonne of scope 1
    row = one(co_benefit_table(*options({"measure": "e", "unit_cost": 1, "electricity_change": 3, "so2_change": -1})),
              "e", "SO2")  # fmt: skip
    assert row.carbon_cut == pytest.approx(-50)
    assert row.effect == "trade-off"


def test_pollution_may_shift_to_where_the_electricity_is_made() -> None:
    # 100 t x 1.9 MWh = 190 MWh x 0.6 kg = 0.114 t elsewhere; the site avoids 100 x 1 kg = 0.1 t, so more is emitted;
    # of carbon 100 x (1 - 1.9 x 0.5) = 5 t remain cut.
    found = options({"measure": "e", "unit_cost": 1, "electricity_change": 1.9, "so2_change": -1})
    alone = one(co_benefit_table(*found), "e", "SO2")
    both = one(co_benefit_table(*found, {"SO2": 0.6, "NOx": 0.0, "PM": 0.0}), "e", "SO2")
    assert alone.effect == "co-benefit"
    assert np.isnan(alone.shifted)
    assert both.shifted == pytest.approx(0.114)
    assert both.effect == "trade-off"
    assert both.pollutant_cut == pytest.approx(0.1)


def test_alternatives_bring_what_the_larger_one_brings() -> None:
    # Steps of 100 t (10 %) and 200 t (30 %). Alone c avoids 5 kg a tonne: 300 x 5 = 1500 kg. Of these a brings 100 x 2,
    # so the step brings 1300 kg over 200 t = 6.5 kg/t. Electricity: 300 x 0.3 - 100 x 0.6 = 30 MWh: 0.15 MWh/t.
    found, _ = options(
        {"measure": "a", "reduction": 0.1, "unit_cost": 10, "exclusion_group": "x", "so2_change": -2,
         "electricity_change": 0.6},
        {"measure": "c", "reduction": 0.3, "unit_cost": 30, "exclusion_group": "x", "so2_change": -5,
         "electricity_change": 0.3},
    )  # fmt: skip
    so2 = found["co_benefit"].sel(pollutant="SO2").values.ravel()
    assert so2 == pytest.approx([0.002, 0.0065])
    assert float((so2 * found["potential"].values.ravel()).sum()) == pytest.approx(1.5)
    assert found["electricity_change"].values.ravel() == pytest.approx([0.6, 0.15])
    assert found["scope2_change"].values.ravel() == pytest.approx([0.3, 0.075])


def test_a_step_is_unknown_where_its_start_is() -> None:
    found, _ = options(
        {"measure": "a", "reduction": 0.1, "unit_cost": 10, "exclusion_group": "x"},
        {"measure": "c", "reduction": 0.3, "unit_cost": 30, "exclusion_group": "x", "so2_change": -5},
    )
    assert not found["co_benefit_available"].values.any()
    assert not found["co_benefit"].values.any()


def test_desulphurisation_with_limestone_emits_carbon() -> None:
    # 100 t SO2 x 0.9 = 90 t removed. CaCO3 + SO2 + 1/2 O2 -> CaSO4 + CO2: 90 x 44/64 = 61.875 t CO2;
    # 90 x 0.2 MWh x 0.5 tCO2/MWh = 9 t: 70.875 t in all. 90 t x 2000 CNY over 90 t is 2000 CNY/t.
    table = end_of_pipe_table(controls(), emitting(100, 50, 10), np.array([0.5]))
    row = one(table, "fgd", "SO2")
    assert row.pollutant_cut == pytest.approx(90)
    assert row.carbon_cut == pytest.approx(-70.875)
    assert row.effect == "trade-off"
    assert row.cost_per_tonne == pytest.approx(2000)
    assert one(table, "fgd", "NOx").effect == "unknown"


def test_urea_carries_its_carbon() -> None:
    # 2 NO + CO(NH2)2: one CO2 for two NOx weighed as NO2: 10 t x 44/92 = 4.783 t
    table = end_of_pipe_table(
        controls(pollutant="NOx", reaction="urea", efficiency=0.2, electricity_change=0.0), emitting(0, 50, 0),
        np.array([0.5]),
    )  # fmt: skip
    assert one(table, "fgd", "NOx").carbon_cut == pytest.approx(-10 * 44 / 92)


def test_control_of_what_has_no_number_is_unknown() -> None:
    row = one(end_of_pipe_table(controls(), emitting(0, 0, 0, (False, True, True)), np.array([0.5])), "fgd", "SO2")
    assert row.effect == "unknown"
    assert np.isnan(row.carbon_cut)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"enterprise": "ghost"}, "ghost"),
        ({"pollutant": "CO"}, "CO"),
        ({"reaction": "limeston"}, "Did you mean 'limestone'"),
        ({"pollutant": "NOx"}, "another pollutant"),
        ({"efficiency": 1.2}, "share"),
        ({"electricity_change": np.nan}, "write 0"),
    ],
)
def test_a_control_that_cannot_be_worked_out_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        end_of_pipe_table(controls(**change), emitting(1, 1, 1), np.array([0.5]))


def table_of(carbon: float, *cuts: float) -> pd.DataFrame:
    """A table of one measure with these cuts, on a base of 1000 tCO2e and 95, 95 and 40 t of pollutants."""
    return pd.DataFrame(
        {
            "measure": "m", "pollutant": POLLUTANTS, "year": 2024, "carbon_cut": carbon, "pollutant_cut": cuts,
            "shifted": np.nan, "cost": 5000.0, "carbon_base": 1000.0, "pollutant_base": [95.0, 95.0, 40.0],
        }
    )  # fmt: skip


def test_a_point_of_the_plane_by_hand() -> None:
    # 0.95 t SO2 = 1000 equivalents, 1.9 t NOx = 2000, -2 t PM = -500: 2500 in all, of 100000 + 100000 + 10000.
    # 2500 / 210000 over 100 / 1000 = 0.119048; 5000 CNY / 2500 = 2 CNY an equivalent
    point = co_control_coordinates(table_of(100.0, 0.95, 1.9, -2.0), WEIGHTS).iloc[0]
    assert point.equivalent_cut == pytest.approx(2500)
    assert point.elasticity == pytest.approx(2500 / 210000 / 0.1)
    assert point.cost_per_equivalent == pytest.approx(2)
    assert point.quadrant == 1


@pytest.mark.parametrize(
    ("carbon", "so2", "quadrant"), [(1, 1, 1), (1, -1, 2), (-1, -1, 3), (-1, 1, 4), (0, 1, 0), (1, 0, 0)]
)
def test_quadrants(carbon: float, so2: float, quadrant: int) -> None:
    assert co_control_coordinates(table_of(carbon, so2, 0.0, 0.0), WEIGHTS).iloc[0].quadrant == quadrant


def test_a_point_is_unknown_where_one_pollutant_is() -> None:
    point = co_control_coordinates(table_of(100.0, 0.95, np.nan, 0.0), WEIGHTS).iloc[0]
    assert not point.stated
    assert np.isnan(point.equivalent_cut)
    assert point.quadrant is pd.NA


def test_measures_and_controls_share_one_plane() -> None:
    study, inventory = options({"measure": "a", "unit_cost": 1, "so2_change": -1, "nox_change": 0, "pm_change": 0})
    filters = [controls(pollutant=name, reaction="", efficiency=0.1) for name in POLLUTANTS]
    table = pd.concat(
        [co_benefit_table(study, inventory),
         end_of_pipe_table(pd.concat(filters), emitting(100, 50, 10), np.array([0.5]))]
    )  # fmt: skip
    points = co_control_coordinates(table, WEIGHTS).set_index("measure")
    assert points["quadrant"].to_dict() == {"a": 1, "fgd": 4}
    with pytest.raises(InputError, match="twice"):
        co_control_coordinates(pd.concat([table, table]), WEIGHTS)


def test_an_effect_nobody_stated_hides_the_pollutant_where_the_option_is_in_use() -> None:
    # Two options of one enterprise: 10 t at 0.1 t SO2 a tonne, stated; 5 t of the other in the second year, not stated.
    after = pollutants_after(
        np.full((1, 1, 2), 20.0), np.array([[True]]), np.array([[10.0, 10.0], [0.0, 5.0]]),
        co_benefit=np.array([[[0.1, 0.1]], [[0.0, 0.0]]]), stated=np.array([[True], [False]]), owner=np.array([0, 0]),
    )  # fmt: skip
    np.testing.assert_allclose(after, [[[19.0, np.nan]]])


def test_a_study_gives_no_pollutants_after_measures_that_state_none() -> None:
    # The measures of the textbook study leave the pollutant columns empty; its power plant has factors for all three.
    run = cs.simulate([cs.read_scenario("textbook")]).run().sel(enterprise="power_a")
    acted = run["abatement"].values > 0
    assert acted.any()
    assert (np.isnan(run["pollutant_emissions"].values) == acted).all()


amounts = st.floats(-1e6, 1e6)


@settings(max_examples=50, deadline=None)
@given(amounts, amounts)
def test_effects_look_at_signs_alone(carbon: float, pollutant: float) -> None:
    here = effects(np.array([carbon]), np.array([pollutant]))
    scaled = effects(np.array([carbon * 1e3]), np.array([pollutant * 1e3]))
    if min(abs(carbon), abs(pollutant)) > 1e-9:
        assert here.tolist() == scaled.tolist()
        expected = "trade-off" if carbon * pollutant < 0 else ("co-benefit" if carbon > 0 else "joint rise")
        assert here.tolist() == [expected]


@settings(max_examples=20, deadline=None)
@given(st.permutations([0, 1, 2]), st.floats(0.1, 10))
def test_order_of_options_does_not_matter_and_twice_the_site_brings_twice(order: list[int], scale: float) -> None:
    measures = [
        {"measure": name, "reduction": cut, "unit_cost": 1, "so2_change": so2, "nox_change": -1, "pm_change": 0}
        for name, cut, so2 in (("a", 0.1, -1), ("b", 0.2, 2), ("c", 0.3, 0))
    ]
    found, inventory = options(*measures)
    table = co_benefit_table(found, inventory)
    pd.testing.assert_frame_equal(co_benefit_table(found.isel(option=order), inventory), table)
    sizes = {name: found[name] * scale for name in ("potential", "inventory_potential")}
    larger = co_benefit_table(found.assign(sizes), inventory)
    assert larger["pollutant_cut"].to_numpy() == pytest.approx(scale * table["pollutant_cut"].to_numpy())
