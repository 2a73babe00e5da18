"""Audit of best responses: each answer against all others, and the balance groups' fixed point."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.allocation.core import BalancedRule, ObligationRule
from carbonsim.market.audit_ledger import IDENTITY, worst
from carbonsim.market.audit_mixed import best_value, mixed_lines
from carbonsim.market.certificate import Line
from carbonsim.market.problem import MarketProblem, ResponseTerm

Array = NDArray[np.float64]

REGRET = 1e-9  # what another answer may save, as a share of the unit's emissions at the price
MARGIN = 2e-5  # one-sided slope of the objective that is accepted with the wrong sign, as a share of the price
FAR = 1e3  # a price without an upper bound, as a multiple of every cost
SIDE = 1e-7  # step of the one-sided slopes, as a share of emissions
BALANCED = 1e-8


def lines(problem: MarketProblem, dataset: xr.Dataset) -> Iterator[Line]:
    """The lines on response terms and balance groups."""
    if not problem.responses:
        return
    labels = [f"{problem.enterprise[term.enterprise]} {term.year}" for term in problem.responses]
    rules = [_rule(problem, dataset, term) for term in problem.responses]
    yield from _consistency_lines(problem, dataset, rules, labels)
    known = np.where(np.isnan(dataset.allowance_price.values), dataset.price_low.values, dataset.allowance_price.values)
    views = [
        View(problem, term, rule, float(known[problem.year.index(term.year)]))
        for term, rule in zip(problem.responses, rules, strict=True)
    ]
    yield from mixed_lines(problem, dataset, views, labels)
    paths = {name: dataset[name].values for name in ("allowance_price", "price_low", "price_high")}
    for name, path in paths.items():
        regret, slope = np.zeros(len(labels)), np.zeros(len(labels))
        for index, term in enumerate(problem.responses):
            y = problem.year.index(term.year)
            price = float(path[y] if name != "price_high" or not np.isnan(path[y]) else _far(problem))
            if name != "allowance_price" and price == paths["allowance_price"][y]:
                continue
            if np.isnan(price) or (term.balance_group and name == "price_high"):
                # A balance group answers the published price; at another one it would have another balance value.
                continue
            view = View(problem, term, rules[index], price)
            regret[index], slope[index] = _regret(view, dataset, index), _slope(view, dataset, index)
        yield worst(f"response.best[{name}]", regret, 1.0, REGRET, labels)
        yield worst(f"response.marginal[{name}]", slope, 1.0, MARGIN, labels)
    yield from _group_lines(problem, dataset, rules)


def _far(problem: MarketProblem) -> float:
    """A price far above every cost, for one without an upper bound."""
    options = problem.options
    return FAR * float(max(1.0, (np.abs(options.unit_cost) + options.slope * options.potential).max(initial=0.0)))


def _group_label(term: ResponseTerm) -> str:
    return f"{term.balance_group}/{term.year}"


def _rule(problem: MarketProblem, dataset: xr.Dataset, term: ResponseTerm) -> ObligationRule:
    """The rule at the published balance value."""
    labels = list(dataset.balance_group_label.values)
    if not term.balance_group or _group_label(term) not in labels:
        return term.rule
    value = float(dataset.balance_value.values[labels.index(_group_label(term))])
    rule = term.rule
    return rule.with_balance_value(value) if isinstance(rule, BalancedRule) and value > 0 else rule


@dataclasses.dataclass(frozen=True)
class View:
    """A unit's objective at a price, recomputed from the problem."""

    problem: MarketProblem
    term: ResponseTerm
    rule: ObligationRule
    price: float

    @cached_property
    def curves(self) -> dict[tuple[int, ...], tuple[Array, Array, Array]]:
        """Of each channel's options: corners of the marginal cost that they share, and the area under it up to each."""
        found = {}
        for options in {self.term.key_options, self.term.other_options} - {()}:
            rows, y = list(options), self.problem.year.index(self.term.year)
            size, first, slope = (
                getattr(self.problem.options, name)[rows, y][:, None] for name in ("potential", "unit_cost", "slope")
            )
            levels = np.unique(np.concatenate([first, first + slope * size]))
            supplied = np.stack([_supplied(size, first, slope, levels, reached) for reached in (False, True)], axis=1)
            tonnes, marginal = supplied.ravel(), np.repeat(levels, 2)
            area = np.append(0.0, np.cumsum(np.diff(tonnes) * (marginal[1:] + marginal[:-1]) / 2))
            found[options] = tonnes, marginal, area
        return found

    def cost(self, options: tuple[int, ...], cut: Array) -> Array:
        """Least cost of each cut by its options: the area under the marginal cost that they share."""
        if not options:
            return np.zeros_like(cut)
        tonnes, marginal, area = self.curves[options]
        at = np.clip(np.searchsorted(tonnes, cut, side="left"), 1, len(tonnes) - 1) - 1
        width = tonnes[at + 1] - tonnes[at]
        rise = np.where(width > 0, (marginal[at + 1] - marginal[at]) / np.where(width > 0, width, 1.0), 0.0)
        beyond = cut - tonnes[at]
        return np.asarray(area[at] + beyond * (marginal[at] + rise * beyond / 2))

    def objective(self, key: Array, other: Array, cost: Array) -> Array:
        """Cost plus the worth of net demand, at emissions left in both channels."""
        y = self.problem.year.index(self.term.year)
        weight = self.term.weight
        share = self.problem.share[self.term.enterprise, y]
        allowances = weight * np.asarray(self.rule.amount(key / weight, other / weight))
        rent = 0.0
        for step in self.problem.steps:
            if step.obligation_share is not None and self.price > step.price[y]:
                rent += step.obligation_share[y] * (self.price - step.price[y])
        return np.asarray(cost + share * (self.price * (key + other - allowances) - rent * (key + other)))

    def capacity(self, options: tuple[int, ...]) -> float:
        """All that some options could cut."""
        y = self.problem.year.index(self.term.year)
        return float(self.problem.options.potential[list(options), y].sum())

    def value(self, key_cut: Array, other_cut: Array) -> Array:
        """The objective after each cut of the one channel with each of the other, (key, other)."""
        first, second = self.cost(self.term.key_options, key_cut), self.cost(self.term.other_options, other_cut)
        key, other = (self.term.key - key_cut)[:, None], (self.term.other - other_cut)[None, :]
        return self.objective(key, other, first[:, None] + second[None, :])


def _supplied(size: Array, first: Array, slope: Array, levels: Array, reached: bool) -> Array:
    """What options offer up to each marginal cost, with or without those that cost just that."""
    steep = np.where(slope > 0, slope, 1.0)
    flat = first <= levels if reached else first < levels
    return np.asarray(np.where(slope > 0, np.clip((levels - first) / steep, 0.0, size), size * flat).sum(axis=0))


def _regret(view: View, dataset: xr.Dataset, index: int) -> float:
    """What the best answer of any would save, relative to emissions at the price."""
    term = view.term
    y = view.problem.year.index(term.year)
    share = float(view.problem.share[term.enterprise, y])
    key, other = float(dataset.response_key[index]), float(dataset.response_other[index])
    net = share * (view.price * (key + other - float(dataset.response_allocation[index])))
    rent = view.objective(np.array(key), np.array(other), np.array(0.0)) - share * view.price * (
        key + other - view.term.weight * float(view.rule.amount(key / term.weight, other / term.weight))
    )
    mine = float(dataset.response_cost[index]) + net + float(rent)
    scale = (share * view.price + 1.0) * max(term.key + term.other, 1e-9)
    return max(mine - best_value(view, np.array([term.key - key, term.other - other])), 0.0) / scale


def _slope(view: View, dataset: xr.Dataset, index: int) -> float:
    """Largest gain per tonne from cutting a little more or a little less in a channel, relative to the price."""
    if bool(dataset.response_is_mixed[index]):
        return 0.0
    term = view.term
    step = SIDE * (term.key + term.other)
    cut = np.array([term.key - float(dataset.response_key[index]), term.other - float(dataset.response_other[index])])
    # Here, then a little less and a little more in each channel.
    moves = step * np.array([[0.0, -1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, -1.0, 1.0]])
    cuts = cut[:, None] + moves
    capacity = np.array([[view.capacity(term.key_options)], [view.capacity(term.other_options)]])
    possible = np.all((cuts >= 0) & (cuts <= capacity), axis=0)
    possible[0] = True
    cost = view.cost(term.key_options, cuts[0]) + view.cost(term.other_options, cuts[1])
    value = view.objective(term.key - cuts[0], term.other - cuts[1], cost)
    gain = float(np.max((value[0] - value)[possible])) / step
    return gain / max(view.price, 1.0)


def _consistency_lines(
    problem: MarketProblem, dataset: xr.Dataset, rules: list[ObligationRule], labels: list[str]
) -> Iterator[Line]:
    """Emissions, allowances and cost of each answer follow from its options' use."""
    count = len(labels)
    residual = np.zeros((count, 4))
    for index, (term, rule) in enumerate(zip(problem.responses, rules, strict=True)):
        y = problem.year.index(term.year)
        key, other = float(dataset.response_key[index]), float(dataset.response_other[index])
        used = dataset.option_abatement.values[:, y]
        size = max(term.key + term.other, 1e-9)
        residual[index, 0] = (term.key - used[list(term.key_options)].sum() - key) / size
        residual[index, 1] = (term.other - used[list(term.other_options)].sum() - other) / size
        if bool(dataset.response_is_mixed[index]):
            continue
        amount = term.weight * float(rule.amount(key / term.weight, other / term.weight))
        residual[index, 2] += (amount - float(dataset.response_allocation[index])) / size
        rows = list(term.key_options + term.other_options)
        cost, slope = problem.options.unit_cost[rows, y], problem.options.slope[rows, y]
        spent = cost * used[rows] + slope * used[rows] ** 2 / 2
        # A rising measure that starts below zero may cost nothing in all: its two parts give the scale.
        gross = np.abs(cost * used[rows]) + slope * used[rows] ** 2 / 2
        scale = max(float(gross.sum()), 1e-9)
        residual[index, 3] = (float(spent.sum()) - float(dataset.response_cost[index])) / scale
    for column, name in enumerate(("key", "other", "allocation", "cost")):
        yield worst(f"response.{name}", residual[:, column], 1.0, IDENTITY, labels)


def _group_lines(problem: MarketProblem, dataset: xr.Dataset, rules: list[ObligationRule]) -> Iterator[Line]:
    """At the published balance value the intensity coefficients of a group cancel out."""
    labels = list(dataset.balance_group_label.values)
    residual = np.zeros(len(labels))
    for position, label in enumerate(labels):
        total = gap = 0.0
        for index, term in enumerate(problem.responses):
            covered = problem.share[term.enterprise, problem.year.index(term.year)] > 0
            if not term.balance_group or _group_label(term) != label or not covered:
                continue
            rule = rules[index]
            key, other = float(dataset.response_key[index]), float(dataset.response_other[index])
            total += key + other
            if isinstance(rule, BalancedRule):
                strength, limit = rule.collar()
                value, output = float(dataset.balance_value.values[position]), rule.rated_output()
                away = 1.0 - float(rule.intensity(key / term.weight)) / value
                whole = (key + other) * (1.0 + min(limit, max(-limit, strength * away)))
                if output is not None:
                    whole = term.weight * output * value
                # Of a scaled rule only the free share is published; the sector balances before it is taken.
                amount = term.weight * float(rule.amount(key / term.weight, other / term.weight))
                given = float(dataset.response_allocation[index])
                gap += (given * whole / amount if amount else given) - (key + other)
        residual[position] = gap / max(total, 1e-9)
    yield worst("group.balanced", residual, 1.0, BALANCED, labels)
