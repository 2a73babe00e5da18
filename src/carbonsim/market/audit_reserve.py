"""Audit of rule-driven supply: each equilibrium is a market, and the rule stated once more agrees with it.

Nothing is shared with the search or with the rules: the changed problem is made here, and each rule has its own
statement in ``audit_supply_rules``.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.errors import InputError
from carbonsim.market.audit_ledger import IDENTITY, worst
from carbonsim.market.certificate import Certificate, Line, audit_lines

if TYPE_CHECKING:
    from carbonsim.market.problem import MarketProblem
    from carbonsim.market.supply_rule import SupplyRule

Array = NDArray[np.float64]

SUFFIX = "_by_equilibrium"
# How the starts of the search are named, in their order.
STARTS = (
    r"least_withdrawal|from_no_intervention",
    r"greatest_withdrawal|from_largest_intervention|[0-9.e-]+_of_the_largest_intervention",
)
SEED = re.compile(r"seed_([1-9][0-9]*)")


def reserve_certificate(problem: MarketProblem, rule: SupplyRule, dataset: xr.Dataset, tolerance: float) -> Certificate:
    """The certificate of published equilibria under a supply rule.

    Parameters
    ----------
    problem : MarketProblem
        The market before the rule.
    rule : SupplyRule
    dataset : Dataset
        As published by ``RuleDrivenSupply``.
    tolerance : float [1]
        Accepted ``max |s - G(s)|`` as a share of the largest yearly volume.
    """
    return Certificate(tuple(reserve_lines(problem, rule, dataset, tolerance)))


def reserve_lines(problem: MarketProblem, rule: SupplyRule, dataset: xr.Dataset, tolerance: float) -> Iterator[Line]:
    """The lines of ``reserve_certificate`` one by one."""
    if "equilibrium" not in dataset.dims:
        yield from _equilibrium(problem, rule, dataset, tolerance)
        return
    # Variables are taken out by themselves: labelled selection costs more than the audit.
    variables = {str(name): values.variable for name, values in dataset.data_vars.items()}
    stacked = {name.removesuffix(SUFFIX): v for name, v in variables.items() if name.endswith(SUFFIX)}
    coords = {name: values.variable for name, values in dataset.coords.items() if name != "equilibrium"}
    plain = {name: v for name, v in variables.items() if not name.endswith(SUFFIX)}
    yield label_line(dataset)
    yield _order_line(dataset, stacked["supply_change"].values, plain["supply_change"].values)
    yield from _equilibrium(problem, rule, xr.Dataset(plain, coords, dataset.attrs), tolerance)
    for index, label in enumerate(dataset.equilibrium.values):
        own = {name: v.isel(equilibrium=index) for name, v in stacked.items()}
        for line in _equilibrium(problem, rule, xr.Dataset(own, coords, dataset.attrs), tolerance):
            yield dataclasses.replace(line, name=f"{label}: {line.name}")


def label_line(dataset: xr.Dataset) -> Line:
    """Equilibria are named by the starts that they were reached from, the one from no intervention first."""
    names = list(map(str, dataset.equilibrium.values))
    order = [_start(name) for name in names]
    wrong = [float(here <= before) for here, before in zip(order, [-1, *order], strict=False)]
    wrong[0] += float(order[0] != 0)
    return worst("rule.labels", np.array(wrong), 1.0, 0.0, names)


def _start(name: str) -> int:
    """The place of a start in the order of the search; -1 for one that there is not."""
    if seed := SEED.fullmatch(name):
        return len(STARTS) - 1 + int(seed[1])
    return next((place for place, names in enumerate(STARTS) if re.fullmatch(names, name)), -1)


def _order_line(dataset: xr.Dataset, by_equilibrium: Array, shown: Array) -> Line:
    """The first equilibrium is the one shown, and the ends are what their names say."""
    changes = by_equilibrium.sum(axis=1)
    most = {"least_withdrawal": changes.max(), "greatest_withdrawal": changes.min()}
    wrong = np.array([
        float(change != most.get(label, change))
        for label, change in zip(map(str, dataset.equilibrium.values), changes, strict=True)
    ])  # fmt: skip
    wrong[0] += float(not np.array_equal(by_equilibrium[0], shown))
    return worst("rule.equilibria", wrong, 1.0, 0.0, dataset.equilibrium.values)


def _equilibrium(problem: MarketProblem, rule: SupplyRule, dataset: xr.Dataset, tolerance: float) -> Iterator[Line]:
    change = dataset.supply_change.values
    try:
        changed = _changed(problem, rule.acts_on, change)
    except InputError as error:
        yield Line("rule.problem", np.inf, 0.0, str(error))
        return
    yield from audit_lines(changed, dataset)
    before = _before(problem, rule.acts_on)
    after = dataset.supply_after_rule.values
    smallest = np.minimum(np.abs(before) + np.abs(after), np.abs(change) + IDENTITY * np.abs(before))
    yield worst("rule.supply_after", after - before - change, np.maximum(smallest, 1e-3 * np.abs(after)), IDENTITY,
                problem.year)  # fmt: skip
    yield from rule.audit(problem, dataset, tolerance)


def _before(problem: MarketProblem, acts_on: str) -> Array:
    if acts_on == "supply":
        return np.asarray(problem.supply)
    quantity = next(getattr(i, "quantity") for i in problem.instruments if i.label == acts_on)  # noqa: B009
    return np.asarray(quantity) * np.ones(len(problem.year))


def _changed(problem: MarketProblem, acts_on: str, change: Array) -> MarketProblem:
    """The market that the enterprises saw."""
    after = _before(problem, acts_on) + change
    if acts_on == "supply":
        return dataclasses.replace(problem, supply=after)
    instruments = [
        dataclasses.replace(i, quantity=after) if i.label == acts_on else i  # type: ignore[type-var]
        for i in problem.instruments
    ]
    return dataclasses.replace(problem, instruments=tuple(instruments))
