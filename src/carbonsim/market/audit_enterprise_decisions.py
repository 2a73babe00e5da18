"""Audit of prices with yes-or-no decisions: what everybody forgoes, the hull price, the supporting prices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.market.audit_enterprise_hull import DualHull, Offer, few_choices
from carbonsim.market.audit_enterprise_replies import own_programmes
from carbonsim.market.audit_ledger import worst
from carbonsim.market.certificate import Line
from carbonsim.market.enterprise_instrument import EnterpriseInstrument
from carbonsim.market.problem import MarketProblem
from carbonsim.market.supply import SupplyStep

Array = NDArray[np.float64]

SAME = 1e-6  # of the money at stake, or of a price
FOUND = 1e-8  # of the money at stake: what counts as reached
LARGEST = {True: 1_000, False: 50}  # enterprise-years up to which prices are found, by whether choices are few
HIGHEST = 1e3  # multiple of every cost at which a price that may still rise is unbounded
ROUNDS = 500
EXACT = 1e-9


def decision_lines(problem: MarketProblem, dataset: xr.Dataset) -> Iterator[Line]:
    """The lines on hull price, supporting prices and uplift; none where nothing is decided by yes or no."""
    chooses = [i for i in problem.instruments if isinstance(i, EnterpriseInstrument)]
    if not any(instrument.has_integers for instrument in chooses):
        return
    view = _View(problem, dataset)
    yield from _search_lines(view)
    yield from _uplift_lines(view)


class _View:
    """The enterprises' own programmes, what the plan costs each of them, and the prices at which they trade."""

    def __init__(self, problem: MarketProblem, dataset: xr.Dataset) -> None:
        self.problem, self.dataset = problem, dataset
        self.active = ~np.isnan(dataset.enterprise_price.values)
        self.own = own_programmes(problem, dataset.enterprise_opening_bank.values, self.active)
        self.unit = self.own[0].unit if self.own else 1.0
        self.firms = [own.enterprise for own in self.own]
        self.net = dataset.net_purchase.values / self.unit
        self.spent = _spent(problem, dataset) / self.unit
        self.selling = [step for step in problem.steps if step.kind not in ("offset", "penalty")]
        own_steps = [step for step in problem.steps if step.kind in ("offset", "penalty")]
        self.rationed = any(
            np.any(np.isfinite(step.quantity) & (step.quantity > 0)) and step.obligation_share is None
            for step in own_steps
        )
        self.apart = np.zeros(problem.baseline.shape)
        for instrument in problem.instruments:
            if isinstance(instrument, EnterpriseInstrument):
                margins = instrument.margins(problem, dataset)
                if margins.place is not None and margins.premium is not None:
                    here = margins.place >= 0
                    self.apart[here] += margins.premium[margins.place[here]]
        self.places = any(instrument.label == "trade_limit" for instrument in problem.instruments)
        price = np.nan_to_num(dataset.allowance_price.values)
        self.size = float(np.abs(self.spent).sum() + (problem.discount * price * np.abs(self.net)).sum()) + 1e-9

    @property
    def searched(self) -> bool:
        """Whether hull and supporting prices must be there."""
        return self.problem.baseline.size <= LARGEST[few_choices(self.own)] and not self.places and not self.rationed

    @property
    def most(self) -> float:
        """A price that is higher than everything that could bound one."""
        costs = [abs(cost) for own in self.own for cost in own.cost]
        return HIGHEST * max([1.0, *costs, *(float(np.nanmax(s.price, initial=0.0)) for s in self.selling)])

    @property
    def offers(self) -> list[tuple[SupplyStep, int]]:
        """Steps and years in which something is sold."""
        years = range(len(self.problem.year))
        return [(s, y) for s in self.selling for y in years if not np.isnan(s.price[y]) and s.quantity[y] > 0]

    def plan_cost(self) -> float:
        """What the plan costs all enterprises and suppliers."""
        problem, paid = self.problem, 0.0
        for s, step in enumerate(problem.steps):
            if step in self.selling:
                used = self.dataset.step_used.values[s]
                paid += float(np.sum(problem.discount * np.nan_to_num(step.price) * used))
        return float(self.spent[self.firms].sum()) + paid / self.unit


def _spent(problem: MarketProblem, dataset: xr.Dataset) -> Array:
    """Present cost of each enterprise's measures where its emissions count, its own steps and its trades' cost."""
    options, discount = problem.options, problem.discount
    counts = problem.share[options.enterprise] > 0
    money = np.where(counts, options.unit_cost * dataset.option_abatement.values, 0.0) @ discount
    found = np.zeros(len(problem.enterprise))
    np.add.at(found, options.enterprise, money)
    for s, step in enumerate(problem.steps):
        if step.kind in ("offset", "penalty"):
            found += dataset.enterprise_step_used.values[s] @ (discount * np.nan_to_num(step.price))
    if "transaction_cost" in dataset:
        found += dataset.transaction_cost.values @ discount
    return np.asarray(found)


def _uplift_lines(view: _View) -> Iterator[Line]:
    problem, dataset = view.problem, view.dataset
    price = dataset.allowance_price.values
    known = not np.isnan(price).any()
    quoted = price if known else dataset.hull_price.values
    found, market = dataset.uplift.values, float(dataset.uplift_market)
    if np.isnan(quoted).any() or view.rationed:
        said = np.append(~np.isnan(found), not np.isnan(market))
        yield worst("decisions.uplift_unknown", said.astype(float), 1.0, 0.0, [*problem.enterprise, "market"])
        return
    expected = np.zeros(len(found))
    for own in view.own:
        e = own.enterprise
        present = problem.discount * (quoted + view.apart[e])
        expected[e] = (view.spent[e] + float(present @ view.net[e]) - own.best(present)[0]) * view.unit
    size = view.size * view.unit
    scale = np.maximum(np.abs(expected), 1e-2 * size)
    yield worst("decisions.regret", found - expected, scale, SAME, problem.enterprise)
    rest = 0.0 if known else _forgone_by_supply(view, quoted) * view.unit
    yield Line("decisions.uplift_market", abs(market - rest) / max(abs(rest), 1e-2 * size), SAME, "uplift_market")


def _forgone_by_supply(view: _View, price: Array) -> float:
    """What is lost at posted prices on steps that sell less or more than pays, and on what nobody takes."""
    problem, dataset, lost = view.problem, view.dataset, 0.0
    for s, step in enumerate(problem.steps):
        if step in view.selling:
            used = dataset.step_used.values[s]
            gain = np.where(np.isnan(step.price), 0.0, price - np.nan_to_num(step.price)) * problem.discount
            most = np.where(np.isinf(step.quantity), used, step.quantity)
            lost += float(np.sum(np.where(gain > 0, gain * (most - used), -gain * used)))
    unclaimed = dataset.expired.values - dataset.enterprise_expired.values.sum(axis=0)
    return (lost + float(problem.discount * price @ unclaimed)) / view.unit


def _search_lines(view: _View) -> Iterator[Line]:
    problem, dataset = view.problem, view.dataset
    names = ("hull_price", "supporting_low", "supporting_high")
    if not view.searched:
        said = np.array([(~np.isnan(dataset[name].values)).any() for name in names], dtype=float)
        yield worst("decisions.not_searched", said, 1.0, 0.0, names)
        return
    search: _Search | DualHull = _dual_hull(view) if few_choices(view.own) else _Search(view)
    bound = search.bound()
    years, discount = np.eye(len(problem.year)), problem.discount
    hull = discount * dataset.hull_price.values
    gap = bound - search.value(hull)
    yield Line("decisions.hull_bound", max(gap, 0.0) / view.size if not np.isnan(gap) else np.inf, SAME, "hull_price")
    least = float(search.end(np.ones(len(hull))).sum())
    apart = abs(float(hull.sum()) - least) / max(float(np.min(hull[hull > 0], initial=np.inf)), 1e-3)
    yield Line("decisions.hull_is_lowest", apart if np.isfinite(hull).all() else np.inf, 1e-5, "hull_price")
    floor = max(0.1 * float(hull.max(initial=0.0)), 1e-3)
    supported = view.plan_cost() - bound <= 10 * FOUND * view.size
    for name, sign in (("supporting_low", 1.0), ("supporting_high", -1.0)):
        found, wrong = discount * dataset[name].values, np.zeros(len(hull))
        for y, row in enumerate(years):
            end = float(search.end(sign * row)[y]) if supported else np.nan
            end = np.inf if end > 0.9 * view.most else end
            same = (np.isnan(end) and np.isnan(found[y])) or end == found[y]
            wrong[y] = 0.0 if same else np.nan_to_num(abs(end - found[y]) / max(abs(end), floor), nan=1.0)
        yield worst(f"decisions.{name}", wrong, 1.0, 1e-5, problem.year)


def _dual_hull(view: _View) -> DualHull:
    discount = view.problem.discount
    offers = [Offer(y, float(discount[y] * s.price[y]), float(s.quantity[y]) / view.unit) for s, y in view.offers]
    return DualHull(view.own, view.problem.supply / view.unit, offers, view.most)


@dataclass(eq=False)
class _Search:
    """Prices by cutting planes: columns are present prices, what each enterprise pays at best, what each step earns."""

    view: _View
    cuts: list[tuple[int, Array, float]] = field(default_factory=list)
    floor: float | None = None

    def __post_init__(self) -> None:
        for k, own in enumerate(self.view.own):
            self.cuts.append((k, self.view.net[own.enterprise], float(self.view.spent[own.enterprise])))

    def value(self, present: Array) -> float:
        """L at present prices: what all pay at best, less what supply earns."""
        found = sum(own.best(present)[0] for own in self.view.own)
        found -= float(present @ self.view.problem.supply) / self.view.unit
        for step, y in self.view.offers:
            gain = float(present[y] - self.view.problem.discount[y] * step.price[y])
            if gain > SAME * self.view.most / HIGHEST:
                found -= gain * float(step.quantity[y]) / self.view.unit
        return float(found)

    def bound(self) -> float:
        """The greatest L; from then on every search keeps it."""
        found = self.run(None)[1]
        self.floor = found - FOUND * self.view.size * 0.1
        return found

    def end(self, direction: Array) -> Array:
        """The prices least in a direction that keep the floor, let go a little where rounding leaves none."""
        floor, found = self.floor, self.run(direction)[0]
        for slack in (1e-8, 1e-7):
            if floor is not None and np.isnan(found).any():
                self.floor = floor - slack * self.view.size
                found = self.run(direction)[0]
        self.floor = floor
        return found

    def run(self, direction: Array | None) -> tuple[Array, float]:
        """The prices least in a direction that keep the floor, or those of the greatest L; and their L."""
        years, firms = len(self.view.problem.year), len(self.view.own)
        for _ in range(ROUNDS):
            found, aim = self._master(direction)
            if np.isnan(aim):
                break
            missed = 0.0
            for k, own in enumerate(self.view.own):
                away = own.endless(found[:years])
                if away is not None:
                    self.cuts.append((-1, *away))
                    missed = np.inf
                    continue
                cost, trade, spent = own.best(found[:years])
                gap = found[years + k] - cost
                # Prices are told apart as well as the solver does, so the gap of a large trade is known less well.
                far = float(np.abs(trade).max(initial=0.0))
                if gap > 1e-3 * FOUND * self.view.size / firms and gap > EXACT * far:
                    self.cuts.append((k, trade, spent))
                    missed += gap
            if missed <= 1e-2 * FOUND * self.view.size:
                return found[:years], aim
        return np.full(years, np.nan), np.nan

    def _master(self, direction: Array | None) -> tuple[Array, float]:
        from scipy.optimize import linprog

        problem, unit = self.view.problem, self.view.unit
        years, firms, offers = len(problem.year), len(self.view.own), self.view.offers
        gain = np.concatenate([-problem.supply / unit, np.ones(firms + len(offers))])
        rows, limits = [], []
        for k, trade, spent in self.cuts:
            row = np.zeros(len(gain))
            row[:years] = -trade
            if k >= 0:
                row[years + k] = 1.0
            size = max(1.0, float(np.abs(trade).max()))
            rows.append(row / size)
            limits.append(spent / size)
        for j, (step, y) in enumerate(offers):
            row, most = np.zeros(len(gain)), float(step.quantity[y]) / unit
            row[y], row[years + firms + j] = (1.0, 0.0) if np.isinf(most) else (most, 1.0)
            rows.append(row)
            limits.append(float(problem.discount[y] * step.price[y]) * (1.0 if np.isinf(most) else most))
        if self.floor is not None:
            rows.append(-gain)
            limits.append(-self.floor)
        cost = -gain if direction is None else np.concatenate([direction, np.zeros(firms + len(offers))])
        box: list[tuple[float | None, float | None]] = (
            [(0.0, self.view.most)] * years + [(None, None)] * firms + [(None, 0.0)] * len(offers)
        )
        answer = linprog(
            cost, A_ub=np.array(rows), b_ub=limits, bounds=box,
            options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
        )  # fmt: skip
        if answer.x is None:
            return np.full(len(gain), np.nan), np.nan
        return answer.x, float(gain @ answer.x)
