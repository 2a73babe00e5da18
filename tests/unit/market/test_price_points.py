"""Where many prices clear, one of them is published, and another one of them fails a line of its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import xarray as xr

from builders import market, one_of_each
from carbonsim.market import clear
from carbonsim.market.audit_dominant import ask_oracle, audit_dominant
from carbonsim.market.audit_linked import audit_linked
from carbonsim.market.audit_tree import tree_lines
from carbonsim.market.certificate import audit_lines
from carbonsim.market.concepts.dominant_enterprise import DominantEnterprise
from carbonsim.market.concepts.scenario_tree import ScenarioTree
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.linked import Gate, LinkedMarkets, clear_linked
from carbonsim.market.output_audit import output_lines
from carbonsim.market.output_market import clear_output
from carbonsim.market.output_problem import OutputProblem
from carbonsim.market.supply import EngineName
from corruption import Audit, failures

Subject = tuple[xr.Dataset, Audit]


def plain(engine: EngineName, *names: str) -> Subject:
    # 140 t of supply and the 20 t at 10 CNY/t meet the need of 160 t: any price from 10 to 25 clears.
    problem = market(*(one_of_each()[name] for name in names), supply=(140.0, 140.0))
    return clear(problem, engine=engine).dataset, partial(audit_lines, problem)


NODES = {
    "now": {"years": 2025},
    "up": {"parent": "now", "probability": 0.5, "years": 2026, "changes": {"supply": 110.0}},
    "down": {"parent": "now", "probability": 0.5, "years": 2026, "changes": {"supply": 111.0}},
}


def tree() -> Subject:
    problem = market(Banking(), supply=(140.0, 125.0))
    return clear(problem, concept=ScenarioTree(nodes=NODES)).dataset, partial(tree_lines, problem, NODES)


def dominant() -> Subject:
    problem = market(years=1, supply=125.0)
    dataset = clear(problem, concept=DominantEnterprise("south")).dataset
    return dataset, partial(audit_dominant, problem, 1, oracle=ask_oracle(problem, 1))


def linked() -> Subject:
    both = {"west": market(years=1, supply=140.0), "east": market(years=1, supply=125.0)}
    problem = LinkedMarkets(both, (Gate("ew", "east", "west", rate=0.9, limit=2.0),))
    result = clear_linked(problem)
    return result.dataset, lambda seen: audit_linked(problem, seen, result.markets)


def output() -> Subject:
    problem = OutputProblem.from_mapping({
        "year": [2025],
        "goods": {"power": {"intercept": 120.0, "slope": 0.05}},
        "producers": {
            "coal": {"good": "power", "pool": "cap", "intensity": 0.95, "unit_cost": 20.0, "largest_cut": 0.3,
                     "abatement_curvature": 300.0, "supply_slope": 0.02},
            "imports": {"good": "power", "foreign": True, "intensity": 0.6, "unit_cost": 42.0, "supply_slope": 0.1},
        },
        "pools": {"cap": {"policy": "cap", "cap": 0.0}},
    })  # fmt: skip
    return clear_output(problem).dataset, partial(output_lines, problem)


KINDS: dict[str, tuple[Callable[[], Subject], str]] = {
    "programme": (partial(plain, "programme"), "price.is_low_end"),
    "price_search": (partial(plain, "price_search"), "price.is_low_end"),
    "best_response": (partial(plain, "best_response"), "price.is_low_end"),
    "banking": (partial(plain, "programme", "banking"), "price.is_low_end"),
    "vintages": (partial(plain, "programme", "vintages"), "price.is_low_end"),
    "by enterprise": (partial(plain, "programme", "transaction_cost"), "price.is_low_end"),
    "tree": (tree, "tree.price_is_least"),
    "dominant": (dominant, "dominant.price_is_end"),
    "linked": (linked, "linked_price.is_low_end"),
    "output": (output, "price.is_low_end"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_another_price_of_a_wide_interval_fails_its_line(kind: str) -> None:
    make, line = KINDS[kind]
    dataset, audit = make()
    seen = dataset.copy(deep=True)
    price, low, high = (seen[name].values for name in ("allowance_price", "price_low", "price_high"))
    high = np.where(np.isnan(high), 2 * low + 10, high)  # without an upper end any price above is another one
    wide = [place for place in np.ndindex(price.shape) if high[place] > low[place] * (1 + 1e-3)]
    assert wide
    for place in wide:
        for part in (0.01, 0.5, 1.0):
            before, moved = price[place], low[place] + part * (high[place] - low[place])
            if np.isclose(moved, before):
                continue
            price[place] = moved
            assert line in [name.split(": ")[-1] for name in failures(audit(seen))]
            price[place] = before


def test_prices_that_go_together_but_are_not_the_least_fail() -> None:
    # The whole tree at the upper ends is an equilibrium as well, with its expected prices, but not the one promised.
    dataset, audit = tree()
    seen = dataset.copy(deep=True)
    assert np.isfinite(seen.price_high.values).all()
    seen["allowance_price"].values[:] = seen.price_high.values
    for y, year in enumerate(seen.year.values):
        here = seen.node_year.values == year
        seen["expected_price"].values[y] = (seen.price_high.values * seen.node_probability.values)[here].sum()
        # Of two states that are as likely, the lower price is that of the levels up to a half.
        least, most = np.sort(seen.price_high.values[here])[[0, -1]]
        seen["price_quantile"].values[:, y] = [least, least, most]
    assert list(failures(audit(seen))) == ["tree.price_is_least"]
