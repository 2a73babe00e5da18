"""A market on a scenario tree: prices by hand, the pull of floors and ceilings, intervals, refusals and the audit."""

from __future__ import annotations

import dataclasses
from functools import partial

import numpy as np
import pytest

from builders import collared_market, market, one_of_each
from carbonsim.errors import InfeasibleError, InputError
from carbonsim.market import MarketProblem, clear
from carbonsim.market.audit_tree import audit_tree, tree_lines
from carbonsim.market.concepts.scenario_tree import ScenarioTree
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.instruments.offsets import Offsets
from carbonsim.market.instruments.penalty import Penalty
from carbonsim.market.instruments.terminal_bank import TerminalBank
from corruption import missed


def sector(supply: list[float], interest: float = 0.0, borrowing: float = 0.0, **extra: object) -> MarketProblem:
    """One enterprise of 100 t whose marginal cost is its abatement in tonnes, with banking."""
    return MarketProblem.from_mapping(
        {
            "year": list(range(2025, 2025 + len(supply))),
            "supply": supply,
            "interest": interest,
            "enterprises": {"sector": {"baseline": 100}},
            "options": {"sector/m": {"enterprise": "sector", "potential": 100, "unit_cost": 0, "slope": 1}},
            "instruments": {"banking": {"borrowing": borrowing}, **extra},
        }
    )


def two(up: object, down: object, probability: float = 0.5) -> ScenarioTree:
    """A first year, then one of two states."""
    nodes: dict[str, dict[str, object]] = {
        "now": {"years": 2025},
        "up": {"parent": "now", "probability": probability, "years": 2026, "changes": up},
        "down": {"parent": "now", "probability": 1 - probability, "years": 2026, "changes": down},
    }
    return ScenarioTree(nodes=nodes)


def test_two_states_by_hand() -> None:
    # Bank B: p0 = 10 + B, up 40 - B, down 20 - B; 1.05 (10 + B) = 30 - B, so B = 19.5 / 2.05.
    found = clear(sector([90.0, 70.0], 0.05), concept=two({"supply": 60}, {"supply": 80})).dataset
    bank = 19.5 / 2.05
    assert found.allowance_price.values == pytest.approx([10 + bank, 40 - bank, 20 - bank])
    assert found.bank.values == pytest.approx([bank, 0.0, 0.0])
    assert found.expected_price.values == pytest.approx([10 + bank, 30 - bank])
    assert found.price_quantile.sel(quantile=0.95).values == pytest.approx([10 + bank, 40 - bank])
    assert found.node_probability.values == pytest.approx([1.0, 0.5, 0.5])
    assert found.parent.values.tolist() == ["", "now", "now"]


def test_unequal_odds_weigh_the_states() -> None:
    # As above with 3:1: 1.05 (10 + B) = 35 - B, so B = 24.5 / 2.05.
    found = clear(sector([90.0, 70.0], 0.05), concept=two({"supply": 60}, {"supply": 80}, 0.75)).dataset
    assert found.bank.values[0] == pytest.approx(24.5 / 2.05)


def test_debt_is_carried_along_the_branches_by_hand() -> None:
    # Supply 50 now, 90 or 110 later: without a limit p0 = 50 - D, up 10 + D, down D - 10, so D = 25; the limit is 15.
    problem = sector([50.0, 100.0], borrowing=15.0)
    found = clear(problem, concept=two({"supply": 90}, {"supply": 110})).dataset
    assert found.bank.values == pytest.approx([-15.0, 0.0, 0.0])
    assert found.allowance_price.values == pytest.approx([35.0, 25.0, 5.0])


def test_price_that_cannot_fall_below_zero_raises_todays_price() -> None:
    # Certain: 90 + 80 for 200 t is 15 each year. Uncertain, 50 or 110: down is worth 0 with allowances left over,
    # so 10 + B = (50 - B) / 2 and B = 10.
    problem = sector([90.0, 80.0])
    assert clear(problem).dataset.allowance_price.values == pytest.approx([15.0, 15.0])
    found = clear(problem, concept=two({"supply": 50}, {"supply": 110})).dataset
    assert found.allowance_price.values == pytest.approx([20.0, 40.0, 0.0])


def test_a_floor_raises_todays_price_above_that_of_the_mean() -> None:
    # 60 are auctioned in 2026 at 15 or more. Certain: 80 + 20 + 60 for 200 t is 20 each year, above the floor.
    # Uncertain, 0 or 40 besides the auction: up 40 - B, down 15, so 20 + B = (55 - B) / 2 and B = 5.
    problem = sector([80.0, 20.0], auction_floor={"quantity": [0, 60], "price": 15})
    assert clear(problem).dataset.allowance_price.values == pytest.approx([20.0, 20.0])
    found = clear(problem, concept=two({"supply": 0}, {"supply": 40})).dataset
    assert found.allowance_price.values == pytest.approx([25.0, 35.0, 15.0])
    # Down: 85 t are emitted, 45 of them from supply and bank.
    assert found.sold_auction.values == pytest.approx([0.0, 60.0, 40.0])
    assert found.price_basis.values.tolist() == ["lp_dual", "lp_dual", "floor"]


def test_a_ceiling_lowers_todays_price_below_that_of_the_mean() -> None:
    # Certain: 90 + 80 for 200 t is 15. Uncertain, 65 or 95 under a ceiling of 25 in 2026: up 25, down 5 - B,
    # so 10 + B = (30 - B) / 2 and B = 10 / 3.
    problem = sector([90.0, 80.0], price_ceiling={"price": [1000.0, 25.0]})
    assert clear(problem).dataset.allowance_price.values == pytest.approx([15.0, 15.0])
    found = clear(problem, concept=two({"supply": 65}, {"supply": 95})).dataset
    assert found.allowance_price.values == pytest.approx([40 / 3, 25.0, 5 / 3])


def test_share_limited_offsets_in_a_state() -> None:
    # No bank. Obligation 100 - x, a tenth of it from credits at 10: up needs 0.9 (100 - x) = 60, x = 100 / 3, and
    # MAC = p - 0.1 (p - 10) gives p = (100 / 3 - 1) / 0.9.
    problem = sector([100.0, 100.0], offsets={"price": 10.0, "share_limit": 0.1})
    problem = dataclasses.replace(problem, instruments=problem.instruments[1:])
    found = clear(problem, concept=two({"supply": 60}, {"unit_cost": 5.0})).dataset
    assert found.allowance_price.values == pytest.approx([0.0, (100 / 3 - 1) / 0.9, 0.0])
    assert found.offsets_used.values == pytest.approx([0.0, 20 / 3, 0.0])


def test_tree_with_one_branch_is_the_market_itself() -> None:
    tools = [tool for name, tool in one_of_each().items() if name in (
        "banking", "auction_floor", "reserve_tier", "price_ceiling", "offsets")]  # fmt: skip
    problem = market(*tools, years=2)
    chain = ScenarioTree(nodes={"a": {"years": [2025]}, "b": {"parent": "a", "years": [2026]}})
    for tree in (chain, ScenarioTree(nodes={"all": {"years": [2025, 2026]}})):
        found, expected = clear(problem, concept=tree).dataset, clear(problem, engine="programme").dataset
        for name in ("allowance_price", "price_low", "price_high", "bank", "sold_auction", "abatement_cost"):
            assert found[name].values == pytest.approx(expected[name].values), name


def step_tree() -> tuple[MarketProblem, ScenarioTree]:
    """10 t at 10 and 10 t at 30 CNY/t of 100 t: 2025 cuts the first 10 exactly; 2026 cuts all 20, or nothing."""
    problem = MarketProblem.from_mapping(
        {
            "year": [2025, 2026],
            "supply": [90, 90],
            "enterprises": {"sector": {"baseline": 100}},
            "options": {
                "sector/a": {"enterprise": "sector", "potential": 10, "unit_cost": 10},
                "sector/b": {"enterprise": "sector", "potential": 10, "unit_cost": 30},
            },
            "instruments": {"banking": {}},
        }
    )
    return problem, two({"supply": 80}, {"supply": 100})


def test_intervals_of_states_are_what_the_tree_as_a_whole_leaves_open() -> None:
    # Alone: now 10..30, up 30 or more, down 0..10. Nothing is banked, so now is at least the mean of up and down:
    # now 15..30, up no more than 2 x 30 - 0. The published prices go together: 15, 30 and 0.
    problem, tree = step_tree()
    found = clear(problem, concept=tree).dataset
    assert found.price_low.values == pytest.approx([15.0, 30.0, 0.0])
    assert found.price_high.values == pytest.approx([30.0, 60.0, 10.0])
    assert found.allowance_price.values == pytest.approx([15.0, 30.0, 0.0])


def test_changes_hold_along_the_branch_and_factors_multiply() -> None:
    nodes: dict[str, dict[str, object]] = {
        "a": {"years": [2025, 2026]},
        "b": {"parent": "a", "years": 2027, "changes": {"supply_factor": 0.9}},
        "c": {"parent": "b", "years": [2028], "changes": {"supply_factor": 0.5}},
    }
    found = clear(sector([100.0, 100.0, 100.0, 100.0]), concept=ScenarioTree(nodes=nodes)).dataset
    assert found.issued_fixed.values == pytest.approx([100.0, 100.0, 90.0, 45.0])
    assert found.node.values.tolist() == ["a/2025", "a/2026", "b", "c"]


ROOT: dict[str, object] = {"years": 2025}
WRONG_NODES: dict[str, dict[str, dict[str, object]]] = {
    "which is no node": {"a": ROOT, "b": {"parent": "x", "years": 2026}},
    "2 nodes have no parent": {"a": ROOT, "b": {"years": 2026}},
    "add up to 0.9": {"a": ROOT, "b": {"parent": "a", "probability": 0.9, "years": 2026}},
    "expected whole years from 2026": {"a": ROOT, "b": {"parent": "a", "years": 2027}},
    "expected every branch to reach 2026": {"a": ROOT},
    "has no 'chance'": {"a": ROOT, "b": {"parent": "a", "chance": 1, "years": 2026}},
    "leaves every number as it was": {"a": ROOT, "b": {"parent": "a", "years": 2026, "changes": {"supply": 90}}},
    "expected a number above 0": {"a": ROOT, "b": {"parent": "a", "probability": 0, "years": 2026}},
}


@pytest.mark.parametrize("words", WRONG_NODES)
def test_wrong_tree_is_refused(words: str) -> None:
    with pytest.raises(InputError, match=words):
        clear(sector([90.0, 90.0]), concept=ScenarioTree(nodes=WRONG_NODES[words]))


@pytest.mark.parametrize(("problem", "words"), [
    (market(Banking(), Penalty(price=60.0, make_good=True)), "penalty cannot be cut"),
    (market(Banking(), TerminalBank(value=3.0)), "terminal_bank"),
    (market(Banking(borrowing=5.0, borrowing_interest=0.1)), "borrowing_interest"),
    (collared_market(instruments=(Banking(),)), "best-response rules"),
    (market(Offsets(price=10.0, share_limit=0.1), given_price=np.array([30.0, 40.0])), "a given price"),
])  # fmt: skip
def test_what_a_tree_cannot_hold_is_refused_by_name(problem: MarketProblem, words: str) -> None:
    with pytest.raises(InputError, match=words):
        clear(problem, concept=two({"supply": 60}, {"supply": 80}))


def test_other_engines_are_refused() -> None:
    with pytest.raises(InputError, match="price_search"):
        clear(sector([90.0, 70.0]), engine="price_search", concept=two({"supply": 60}, {"supply": 80}))


def test_infeasible_state_is_named_with_its_tonnes() -> None:
    # 65 t can be cut of 160; up offers 50, so 45 are missing in it; nothing can be banked from 95 for 160 t.
    with pytest.raises(InfeasibleError, match=r"allowances are missing \(up: 45 t\)"):
        clear(market(Banking(), supply=(95.0, 95.0)), concept=two({"supply": 50}, {"supply": 110}))


TREES: dict[str, tuple[MarketProblem, ScenarioTree]] = {
    "linear": (sector([90.0, 70.0], 0.05), two({"supply": 60}, {"supply": 80}, 0.3)),
    "intervals": step_tree(),
    "debt": (sector([50.0, 100.0], borrowing=15.0), two({"supply": 90}, {"supply": 110})),
    "steps": (
        market(*(one_of_each()[name] for name in (
            "banking", "auction_floor", "reserve_tier", "offsets", "price_ceiling")), supply=(105.0, 80.0),
            opening_bank=4.0),
        two({"supply": 50, "instruments": {"price_ceiling": {"price": 52.0}}}, {"unit_cost_factor": 0.5}, 0.4),
    ),
    "no banking": (market(Penalty(price=60.0), supply=(130.0, 80.0)), two({"supply": 50}, {"supply": 170})),
}  # fmt: skip


@pytest.mark.parametrize("name", TREES)
def test_every_corrupted_number_fails_a_line(name: str) -> None:
    problem, tree = TREES[name]
    assert missed(clear(problem, concept=tree).dataset, partial(tree_lines, problem, tree.nodes)) == []


@pytest.mark.parametrize(("field", "value", "line"), [
    ("parent", "down", "tree.nodes"), ("node_year", 2025, "tree.nodes"), ("price_basis", "ceiling", "price.basis"),
])  # fmt: skip
def test_wrong_label_fails_its_line(field: str, value: object, line: str) -> None:
    problem, tree = TREES["linear"]
    dataset = clear(problem, concept=tree).dataset.copy(deep=True)
    dataset[field] = dataset[field].astype(object)
    dataset[field].values[1] = value
    assert line in [failed.name for failed in audit_tree(problem, tree.nodes, dataset).failures()]


def test_market_on_a_tree_prints_its_nodes() -> None:
    assert "  up: 30.4878 (lp_dual), bank 0" in repr(
        clear(sector([90.0, 70.0], 0.05), concept=two({"supply": 60}, {"supply": 80}))
    )
