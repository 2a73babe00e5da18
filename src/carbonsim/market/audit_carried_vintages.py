"""Audit of vintages that decisions hand on: each window opens with the published stock, and the path balances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import xarray as xr

from carbonsim.market.audit_ledger import IDENTITY, labels, worst
from carbonsim.market.audit_vintages import has_vintages, stock_lines
from carbonsim.market.certificate import Line
from carbonsim.market.problem import MarketProblem

if TYPE_CHECKING:
    from carbonsim.market.foresight import Decision


def carried_lines(true: MarketProblem, decisions: Sequence[Decision], dataset: xr.Dataset) -> Iterator[Line]:
    """The lines of a path with vintages; none for one without.

    Parameters
    ----------
    true : MarketProblem
        The policy that came true.
    decisions : sequence of Decision
    dataset : Dataset
        As published.
    """
    if not has_vintages(true):
        return
    rule = _rule(true)
    opening = _stock(rule, true.opening_bank)
    yield labels("foresight.vintages.labels", dataset, {"vintage": (*sorted(opening), *true.year)})
    wrong = np.zeros(len(decisions))
    for row, decision in enumerate(decisions):
        mine = _rule(decision.problem)
        due = opening if row == 0 else _left(true, dataset, decision.year - 1)
        held = _stock(mine, decision.problem.opening_bank)
        size = max([*map(abs, due.values()), 1e-300])
        apart = max((abs(held.get(born, 0.0) - due.get(born, 0.0)) for born in {*held, *due}), default=0.0)
        wrong[row] = apart / size if (mine.life, mine.early) == (rule.life, rule.early) else np.inf
    yield worst("foresight.opening_vintages", wrong, 1.0, IDENTITY, [decision.year for decision in decisions])
    yield from stock_lines(true, dataset)


def _rule(problem: MarketProblem) -> Any:
    return cast(Any, next(tool for tool in problem.instruments if tool.label == "vintages"))


def _stock(rule: Any, bank: float) -> dict[int, float]:
    """Tonnes of each vintage that a market opens with."""
    if rule.opening is None:
        return {}
    stated = rule.opening if isinstance(rule.opening, Mapping) else {rule.opening: bank}
    return {int(born): float(tonnes) for born, tonnes in stated.items()}


def _left(true: MarketProblem, dataset: xr.Dataset, year: int) -> dict[int, float]:
    """Tonnes of each vintage published as left at the end of a year, by its place: labels have a line of their own."""
    column = dataset["vintage_stock"].isel(year=true.year.index(year)).values
    return {int(born): float(tonnes) for born, tonnes in zip(dataset.vintage.values, column, strict=True)}
