"""Markets that balance to the last tonne and yuan but are no equilibrium: each is made whole again and must fail.

A quantity or a price is moved and the whole result worked out anew from it, so that every ledger, trade and cost agrees
with what was moved. Only the lines of optimality can then tell.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from builders import beside, every_instrument, market, one_of_each
from carbonsim.market import MarketProblem, Options, audit, clear
from carbonsim.market.clearing import Clearing
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.ledger import market_dataset
from carbonsim.market.programme import clear_by_programme

TONNES = 0.01
PATHS = ("price", "price_low", "price_high")
NAMES = [name for name, tool in one_of_each().items() if not tool.by_enterprise]
PROBLEMS: dict[str, MarketProblem] = {
    **{name: market(*beside(name), one_of_each()[name], supply=(130.0, 100.0)) for name in NAMES},
    "every instrument": market(*every_instrument()),
    "an interval": market(Banking(), supply=(140.0, 140.0)),
    "unequal phi": market(supply=(110.0, 100.0), per_emission=np.array([[0.2, 0.2], [0.5, 0.5]])),
}


def abatement_moved(problem: MarketProblem, found: Clearing) -> Iterator[tuple[str, Clearing]]:
    """Tonnes cut by another option of the same year, or in another year, the net demand being the same in all."""
    options, years = problem.options, range(len(problem.year))
    weight = (problem.share * (1 - problem.per_emission))[options.enterprise]
    places = list(itertools.product(range(len(options.label)), years))
    for (a, y), (b, z) in itertools.permutations(places, 2):
        if a != b and y != z:
            continue
        use = found.abatement.copy()
        use[a, y] -= TONNES
        use[b, z] += TONNES * weight[a, y] / weight[b, z]
        if use[a, y] >= 0 and use[b, z] <= options.potential[b, z]:
            yield f"{options.label[a]} {y} to {options.label[b]} {z}", dataclasses.replace(found, abatement=use)


def supply_moved(problem: MarketProblem, found: Clearing) -> Iterator[tuple[str, Clearing]]:
    """Tonnes of a step taken from another step of the year, or cut instead of bought, and the other way round."""
    options = problem.options
    weight = (problem.share * (1 - problem.per_emission))[options.enterprise]
    for (s, step), y, change in itertools.product(
        enumerate(problem.steps), range(len(problem.year)), (TONNES, -TONNES)
    ):
        used = found.step_used.copy()
        used[s, y] += change
        if not step.exists()[y] or not 0 <= used[s, y] <= step.quantity[y]:
            continue
        for o in range(len(options.label)):
            use = found.abatement.copy()
            use[o, y] -= change / weight[o, y]
            if 0 <= use[o, y] <= options.potential[o, y]:
                moved = dataclasses.replace(found, abatement=use, step_used=used)
                yield f"{step.name} {change:+} for {options.label[o]} {y}", moved
        for t, other in enumerate(problem.steps):
            both = used.copy()
            both[t, y] -= change
            if t != s and other.exists()[y] and 0 <= both[t, y] <= other.quantity[y]:
                yield f"{step.name} {change:+} for {other.name} {y}", dataclasses.replace(found, step_used=both)


def prices_moved(problem: MarketProblem, found: Clearing) -> Iterator[tuple[str, Clearing]]:
    """The price with both its ends, or with the low one, in one year or in all."""
    ones = np.ones(len(problem.year))
    years = [ones, *np.eye(len(problem.year))]
    for names, where, part in itertools.product((PATHS, PATHS[:2]), years, (1e-4, -1e-4)):
        if not np.any(where * np.nan_to_num(found.price)):
            continue  # a price of 0 has no relative change
        moved = {name: getattr(found, name) * (1 + part * where) for name in names}
        yield f"{names} of {where} by {part}", dataclasses.replace(found, **moved)


@pytest.mark.parametrize("name", PROBLEMS)
def test_what_balances_but_is_no_equilibrium_fails(name: str) -> None:
    problem = PROBLEMS[name]
    found = clear_by_programme(problem, "test")
    assert audit(problem, market_dataset(problem, found)).passed
    moved = [move for kind in (abatement_moved, supply_moved, prices_moved) for move in kind(problem, found)]
    assert len(moved) > 4
    assert [label for label, other in moved if audit(problem, market_dataset(problem, other)).passed] == []


def test_options_of_equal_cost_may_stand_for_each_other() -> None:
    # Two options of 20 t at 10 CNY/t, of which 20 t are needed: which of them cuts, and who then buys, is one to all.
    problem = market(years=1, supply=140.0)
    twins = Options(("a", "b"), np.array([0, 1]), np.full((2, 1), 20.0), np.full((2, 1), 10.0), np.zeros((2, 1)))
    problem = dataclasses.replace(problem, options=twins)
    found = clear_by_programme(problem, "test")
    for first in (20.0, 5.0, 0.0):
        other = dataclasses.replace(found, abatement=np.array([[first], [20.0 - first]]))
        assert audit(problem, market_dataset(problem, other)).passed


def test_what_is_banked_may_not_expire_instead() -> None:
    problem = market(Banking(), supply=(130.0, 100.0))
    dataset = clear(problem).dataset.copy(deep=True)
    dataset.bank.values[0] -= 1.0
    dataset.expired.values[0] += 1.0
    dataset.bank.values[1] -= 1.0
    assert "bank.exists" in [line.name for line in audit(problem, dataset).failures()]
