"""What must hold for every set of measures: no group cuts more than its stream, frontiers are convex, order is free."""

import sys
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "accounting"))
from accounting_builders import one_site

from carbonsim.accounting import build_inventory
from carbonsim.measures import build_options
from carbonsim.measures.interactions import efficient_frontier, residual_before

SHARE = st.floats(0, 1)
COST = st.floats(-200, 800)
MEASURES = st.lists(st.tuples(SHARE, COST), min_size=1, max_size=6)
STACK = [{"stream": "stack", "method": "reported", "quantity": 1000, "unit": "tCO2e"}]


def table(measures: list[tuple[float, float]], **more: object) -> list[dict[str, object]]:
    return [
        {"measure": f"m{number}", "sector": "steel", "reduction": share, "unit_cost": cost, **more}
        for number, (share, cost) in enumerate(measures)
    ]


@settings(max_examples=40, deadline=None)
@given(MEASURES)
def test_a_group_never_cuts_more_than_its_stream(measures: list[tuple[float, float]]) -> None:
    study = one_site("steel", "ironmaking", STACK, measures=table(measures, interaction_group="g"))
    potential = build_options(study, build_inventory(study)).potential
    expected = 1000 * (1 - np.prod([1 - share for share, _ in measures]))
    assert float(potential.sum()) <= 1000 * (1 + 1e-12)
    np.testing.assert_allclose(float(potential.sum()), expected, atol=1e-8)


@settings(max_examples=40, deadline=None)
@given(MEASURES)
def test_alternatives_cut_as_much_as_the_largest_and_cost_more_step_by_step(
    measures: list[tuple[float, float]],
) -> None:
    shares, costs = (np.array(column) for column in zip(*measures, strict=True))
    steps = efficient_frontier(shares, costs)
    largest = float(shares.max())
    np.testing.assert_allclose(steps.share.sum(), largest if largest > 1e-12 else 0.0, atol=1e-9)
    assert (np.diff(steps.unit_cost) > 0).all()
    # No alternative lies below the frontier.
    reach = np.concatenate([[0.0], np.cumsum(steps.share)])
    spend = np.concatenate([[0.0], np.cumsum(steps.share * steps.unit_cost)])
    assert (shares * costs >= np.interp(shares, reach, spend) - 1e-6).all()


@settings(max_examples=30, deadline=None)
@given(MEASURES, st.randoms(use_true_random=False))
def test_the_order_of_measures_is_free(measures: list[tuple[float, float]], random: object) -> None:
    rows = table(measures, interaction_group="g")
    costs = [cost for _, cost in measures]
    if len(set(costs)) < len(costs):
        return  # equal costs are taken in the order of the table
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, two = (one_site("steel", "ironmaking", STACK, measures=some) for some in (rows, shuffled))
    first, second = (build_options(study, build_inventory(study)) for study in (one, two))
    for label in first.option.values:
        np.testing.assert_allclose(
            second.potential.sel(option=label).values, first.potential.sel(option=label).values, atol=1e-9
        )


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(SHARE, COST, st.integers(0, 3)), min_size=1, max_size=12))
def test_residuals_telescope_inside_each_group(entries: list[tuple[float, float, int]]) -> None:
    left = np.array([[share] for share, _, _ in entries])
    group = np.array([number for _, _, number in entries])
    before = residual_before(left, group, np.array([cost for _, cost, _ in entries]))
    for number in set(group.tolist()):
        here = group == number
        cut = (before[here] * (1 - left[here])).sum()
        np.testing.assert_allclose(cut, 1 - np.prod(left[here]), atol=1e-12)
