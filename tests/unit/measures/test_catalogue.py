"""Options of small sites by hand."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import pytest
import xarray as xr
from accounting_builders import one_site, parameter, scenario

from carbonsim.accounting import build_inventory
from carbonsim.errors import InputError
from carbonsim.inputs.scenario import Scenario
from carbonsim.measures import build_options

REPORTED = {"stream": "stack", "method": "reported", "quantity": 1000, "unit": "tCO2e"}
GRID = {"stream": "grid", "method": "electricity_purchased", "quantity": 100, "unit": "MWh"}  # 50 tCO2e at 0.5


def site(*measures: Mapping[str, object], **more: object) -> Scenario:
    """A steel site with 1000 t of stack emissions and 100 MWh bought."""
    return one_site(
        "steel", "ironmaking", [REPORTED, GRID], measures=[{"sector": "steel", **row} for row in measures], **more
    )


def options(study: Scenario) -> xr.Dataset:
    return build_options(study, build_inventory(study))


def test_potential_is_emissions_times_reduction_times_penetration() -> None:
    found = options(site({"measure": "a", "reduction": 0.4, "max_penetration": 0.5, "unit_cost": 30}))
    assert found.option.values.tolist() == ["f/a"]
    assert float(found.potential.sum()) == pytest.approx(200)  # 1000 x 0.4 x 0.5
    assert float(found.unit_cost.sum()) == 30
    assert found.unit_cost.attrs["units"] == "CNY2025/tCO2e"


def test_slope_of_the_table_is_per_share_of_the_potential() -> None:
    # Rises by 45 CNY/t from the first to the last of 500 t: 0.09 CNY/t per t.
    found = options(site({"measure": "a", "reduction": 0.5, "unit_cost": 0, "slope": 45}))
    assert float(found.slope.sum()) == pytest.approx(0.09)


def test_annuity_uses_the_rate_of_the_enterprise() -> None:
    # Rate 8 %, 2 years: 0.08 / (1 - 1.08^-2) = 0.560769...; 1000 x that + 10 - 5
    found = options(site({"measure": "a", "capex": 1000, "opex": 10, "saving": 5, "lifetime": 2}))
    assert float(found.unit_cost.sum()) == pytest.approx(1000 * 0.08 / (1 - 1.08**-2) + 5)
    assert float(found.investment.sum()) == 1000
    assert found.investment_available.values.tolist() == [True]


def test_a_measure_is_not_there_before_its_year() -> None:
    found = options(site({"measure": "a", "unit_cost": 1, "available_from": 2026}, years=(2024, 2025, 2026)))
    np.testing.assert_allclose(found.potential.values, [[0, 0, 100]])


def test_overlapping_measures_multiply_in_merit_order() -> None:
    # b first: 1000 x 0.5 = 500; a on the rest: 500 x 0.2 = 100. Alone a would cut 200.
    found = options(
        site(
            {"measure": "a", "reduction": 0.2, "unit_cost": 20, "interaction_group": "g"},
            {"measure": "b", "reduction": 0.5, "unit_cost": 10, "interaction_group": "g"},
        )
    )
    np.testing.assert_allclose(found.potential.values.ravel(), [100, 500])


def test_an_unavailable_measure_leaves_the_stream_to_the_others() -> None:
    found = options(
        site(
            {"measure": "a", "reduction": 0.2, "unit_cost": 20, "interaction_group": "g"},
            {"measure": "b", "reduction": 0.5, "unit_cost": 10, "interaction_group": "g", "available_from": 2025},
            years=(2024, 2025),
        )
    )
    np.testing.assert_allclose(found.potential.values, [[200, 100], [0, 500]])


def test_alternatives_become_steps_of_their_frontier() -> None:
    # 10 % at 10, 30 % at 30 (20 % at 40 is dominated): 100 t at 10 CNY/t, then 200 t at (9 - 1) / 0.2 = 40 CNY/t
    found = options(
        site(
            {"measure": "a", "reduction": 0.1, "unit_cost": 10, "exclusion_group": "x"},
            {"measure": "b", "reduction": 0.2, "unit_cost": 40, "exclusion_group": "x"},
            {"measure": "c", "reduction": 0.3, "unit_cost": 30, "exclusion_group": "x"},
        )
    )
    np.testing.assert_allclose(found.potential.values.ravel(), [100, 0, 200])
    np.testing.assert_allclose(found.unit_cost.values.ravel()[[0, 2]], [10, 40])


def test_alternatives_in_an_interaction_group_act_on_what_is_left() -> None:
    # d (50 % at 5) first: 500. Of the 500 left: step a 10 % = 50, step c another 20 % = 100.
    shared = {"exclusion_group": "x", "interaction_group": "g"}
    found = options(
        site(
            {"measure": "a", "reduction": 0.1, "unit_cost": 10, **shared},
            {"measure": "c", "reduction": 0.3, "unit_cost": 30, **shared},
            {"measure": "d", "reduction": 0.5, "unit_cost": 5, "interaction_group": "g"},
        )
    )
    np.testing.assert_allclose(found.potential.values.ravel(), [50, 100, 500])


def test_the_frontier_changes_when_an_alternative_arrives() -> None:
    found = options(
        site(
            {"measure": "a", "reduction": 0.1, "unit_cost": 50, "exclusion_group": "x"},
            {"measure": "b", "reduction": 0.3, "unit_cost": 10, "exclusion_group": "x", "available_from": 2025},
            years=(2024, 2025),
        )
    )
    np.testing.assert_allclose(found.potential.values, [[100, 0], [0, 300]])
    np.testing.assert_allclose(found.unit_cost.values, [[50, 50], [10, 10]])


def test_displacing_purchased_electricity_moves_the_inventory_and_not_the_obligation() -> None:
    found = options(
        site({"measure": "w", "acts_on": "electricity", "reduction": 0.6, "unit_cost": 1, "moves": "inventory"})
    )
    assert float(found.potential.sum()) == 0
    assert float(found.inventory_potential.sum()) == pytest.approx(30)  # 50 x 0.6
    assert float(found.scope1_share.sum()) == 0
    assert float(found.scope2_change.sum()) == -1


def test_even_if_it_says_both_it_cannot_cut_what_is_not_covered() -> None:
    found = options(site({"measure": "w", "acts_on": "electricity", "reduction": 0.6, "unit_cost": 1}))
    assert float(found.potential.sum()) == 0


def test_electrification_raises_scope_2() -> None:
    # 0.3 MWh a tonne at 0.5 tCO2/MWh: 0.15 tCO2 of scope 2 for each tonne of scope 1
    found = options(site({"measure": "e", "unit_cost": 1, "electricity_change": 0.3}))
    assert float(found.scope2_change.sum()) == pytest.approx(0.15)


def test_an_inventory_measure_leaves_the_covered_stream_whole_for_others() -> None:
    found = options(
        site(
            {"measure": "a", "reduction": 0.5, "unit_cost": 1, "moves": "inventory", "interaction_group": "g"},
            {"measure": "b", "reduction": 0.2, "unit_cost": 2, "interaction_group": "g"},
        )
    )
    np.testing.assert_allclose(found.potential.values.ravel(), [0, 200])
    np.testing.assert_allclose(found.inventory_potential.values.ravel(), [500, 100])


def test_co_benefit_is_pollution_avoided_and_absent_where_not_stated() -> None:
    found = options(site({"measure": "a", "unit_cost": 1, "so2_change": -2.5, "pm_change": 0.5}))
    so2, nox, pm = found.co_benefit.sel(pollutant=["SO2", "NOx", "PM"]).values.ravel()
    assert (so2, nox, pm) == pytest.approx((0.0025, 0.0, -0.0005))
    assert found.co_benefit_available.values.tolist() == [[True, False, True]]


def test_a_measure_acts_only_on_its_process_stream_and_enterprise() -> None:
    rows = [
        {"stream": "coal", "method": "combustion", "factor": "bituminous", "quantity": 100},
        {"stream": "gas", "method": "combustion", "factor": "natural_gas", "quantity": 1, "unit": "1e4_Nm3"},
    ]
    study = scenario(
        enterprises=[{"enterprise": "a", "sector": "chemicals"}, {"enterprise": "b", "sector": "chemicals"}],
        facilities=[
            {"facility": "a1", "enterprise": "a", "process": "boiler"},
            {"facility": "a2", "enterprise": "a", "process": "kiln"},
            {"facility": "b1", "enterprise": "b", "process": "boiler"},
        ],
        activity=[{"facility": name, **row} for name in ("a1", "a2", "b1") for row in rows],
        measures=[
            {"measure": "coal_only", "sector": "chemicals", "acts_on": "coal", "process": "boiler", "unit_cost": 1},
            {"measure": "a_only", "sector": "chemicals", "acts_on": "combustion", "enterprise": "a", "unit_cost": 1},
        ],
    )
    inventory = build_inventory(study)
    found = build_options(study, inventory)
    assert found.option.values.tolist() == ["a1/coal_only", "a1/a_only", "a2/a_only", "b1/coal_only"]
    coal = float(inventory.stream_emissions_co2e.sel(stream="a1/coal").sum())
    assert float(found.potential.sel(option="a1/coal_only").sum()) == pytest.approx(0.1 * coal)


def test_a_catalogue_may_hold_more_than_the_study_needs() -> None:
    found = options(site({"measure": "a", "unit_cost": 1}, {"measure": "b", "acts_on": "heat", "unit_cost": 1}))
    assert found.option.values.tolist() == ["f/a"]
    assert found.attrs["unmatched_measures"] == "b"


def test_a_study_without_measures_has_no_options() -> None:
    found = options(site())
    assert found.sizes["option"] == 0


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        ({"enterprise": "ghost", "unit_cost": 1}, "ghost"),
        ({"enterprise": "e", "acts_on": "heat", "unit_cost": 1}, "match none of its streams"),
        ({}, "have no cost"),
        ({"capex": 100}, "have no cost"),
        ({"unit_cost": 1, "price_year": 2020}, "not in money of 2025"),
        ({"unit_cost": 1, "moves": "sideways"}, "moves must be one of"),
        ({"unit_cost": 1, "exclusion_group": "x", "slope": 5}, "alternatives are steps"),
    ],
)
def test_a_measure_that_cannot_be_used_is_refused_by_name(measure: dict[str, object], expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        options(site({"measure": "m", **measure}))


def test_alternatives_must_act_on_the_same_streams() -> None:
    with pytest.raises(InputError, match="mixes acts_on"):
        options(
            site(
                {"measure": "a", "unit_cost": 1, "exclusion_group": "x"},
                {"measure": "b", "unit_cost": 1, "exclusion_group": "x", "acts_on": "electricity"},
            )
        )


def test_independent_measures_may_not_cut_more_than_there_is() -> None:
    with pytest.raises(InputError, match=r"f/stack.*interaction_group"):
        options(
            site({"measure": "a", "reduction": 0.7, "unit_cost": 1}, {"measure": "b", "reduction": 0.6, "unit_cost": 1})
        )


def test_money_of_another_year_is_converted_with_a_price_index() -> None:
    # Prices 100 in 2020 and 110 in 2025: 50 CNY2020 are 55 CNY2025, and so is the rise of a slope.
    study = site({"measure": "m", "unit_cost": 50, "slope": 20, "price_year": 2020})
    index = parameter("outlook.price_index", "1", {(): {2020: 100.0, 2025: 110.0}})
    study = dataclasses.replace(study, parameters=study.parameters.with_parameter(index))
    found = options(study)
    assert float(found.unit_cost.sum()) == pytest.approx(55)
    assert float(found.slope.sum()) == pytest.approx(22 / 100)  # potential 1000 x 0.1
