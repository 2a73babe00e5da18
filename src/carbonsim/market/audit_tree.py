"""Audit of a market on a scenario tree: each state as a market of its own, and the prices along the branches."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.market import audit_bank, audit_ledger, audit_prices
from carbonsim.market.audit_changes import problem_after
from carbonsim.market.audit_ledger import IDENTITY, worst
from carbonsim.market.audit_tree_prices import least_sum, price_sets
from carbonsim.market.certificate import Certificate, Line
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.problem import MarketProblem, Options
from carbonsim.market.supply import Instrument, SupplyStep

Array = NDArray[np.float64]

OPTIMAL = 2e-6  # relative difference accepted between two discounted prices that must be equal
INTERVAL = 2e-5  # relative difference accepted at the ends of an interval, of which each rests on two solutions
EQUAL = 1e-6
HOLDER = "holders of the bank"  # the enterprise that stands for the bank where a state is a market of its own


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A state as read from the declared nodes: label, year, position of the state before, probability, its problem."""

    label: str
    year: int
    before: int
    probability: float
    problem: MarketProblem


@dataclass(frozen=True, slots=True, eq=False)
class Offer(Instrument):
    """A step of supply over states, for audits alone."""

    step: SupplyStep

    @property
    def label(self) -> str:
        """Name of the step."""
        return self.step.name

    def supply_step(self, years: int) -> SupplyStep:
        """The step."""
        return self.step


def audit_tree(
    problem: MarketProblem,
    nodes: Mapping[str, Mapping[str, object]],
    dataset: xr.Dataset,
    quantiles: Sequence[float] = (0.05, 0.5, 0.95),
) -> Certificate:
    """The certificate of a market on a tree.

    Parameters
    ----------
    problem : MarketProblem
        The market without any change.
    nodes : mapping
        The tree as declared.
    dataset : Dataset
        As published.
    quantiles : sequence of float
        Levels of the published quantiles, in any order.

    Returns
    -------
    Certificate
        In each state every line of the ledger and of the optimality of every quantity at its price, with the bank as
        one more holder; that the expected price rises at the rate of interest while something is banked and never
        faster; each interval against all prices that the quantities leave open on the whole tree; probabilities,
        parents and summaries.
    """
    return Certificate(tuple(tree_lines(problem, nodes, dataset, quantiles)))


def tree_lines(
    problem: MarketProblem,
    nodes: Mapping[str, Mapping[str, object]],
    dataset: xr.Dataset,
    quantiles: Sequence[float] = (0.05, 0.5, 0.95),
) -> Iterator[Line]:
    """The lines of ``audit_tree`` one by one."""
    places = _places(problem, nodes)
    labels = {
        "year": problem.year, "node": [place.label for place in places], "quantile": sorted(quantiles),
        "enterprise": problem.enterprise, "option": problem.options.label,
        "step": [step.name for step in problem.steps],
        "tier": [step.name for step in problem.steps if step.kind == "reserve_tier"],
    }  # fmt: skip
    yield audit_ledger.labels("tree.labels", dataset, labels)
    yield from _label_lines(places, dataset)
    banking = any(isinstance(tool, Banking) for tool in problem.instruments)
    other = ("node_year", "node_probability", "parent")
    flows = dataset[[name for name in dataset.data_vars if "year" not in dataset[name].dims and name not in other]]
    alone, view = _apart(problem, places, flows.rename(node="year"), banking=banking)
    lines = [*audit_ledger.lines(alone, view), *audit_bank.bank_lines(alone, view), *audit_prices.lines(alone, view)]
    # Where an interval ends depends on the whole tree, not on its state alone.
    whole = ("price.low_is_lowest", "price.high_is_highest", "price.is_low_end")
    lines = [line for line in lines if line.name not in whole]
    yield from (_named(line, places) for line in lines)
    yield from _bank_lines(places, dataset, banking=banking)
    yield from _price_lines(problem, places, alone, dataset, banking=banking)
    yield from _summary_lines(problem, dataset)


def _named(line: Line, places: Sequence[Place]) -> Line:
    """The line with the state's label in the place of its number."""
    number = int(line.where) if line.where.isdigit() else -1
    return dataclasses.replace(line, where=places[number].label) if 0 <= number < len(places) else line


def _places(problem: MarketProblem, nodes: Mapping[str, Mapping[str, object]]) -> list[Place]:
    """The states, round by round: all nodes whose parents are done, in the order declared."""
    found: list[Place] = []
    end: dict[str, int] = {}
    waiting = dict(nodes)
    while waiting:
        ready = [name for name in waiting if waiting[name].get("parent") in (None, *end)]
        for name in ready:
            node = waiting.pop(name)
            before = -1 if node.get("parent") is None else end[str(node["parent"])]
            years = cast("Sequence[int]", node["years"] if isinstance(node["years"], Sequence) else [node["years"]])
            base = problem if before < 0 else found[before].problem
            changes = cast("Mapping[str, object]", node.get("changes") or {})
            here = problem_after(base, changes, years[0]) if changes else base
            odds = float(cast(float, node.get("probability", 1.0))) * (1.0 if before < 0 else found[before].probability)
            for year in years:
                label = name if len(years) == 1 else f"{name}/{year}"
                found.append(Place(label, year, before, odds, here))
                before = len(found) - 1
            end[name] = before
    return found


def _label_lines(places: Sequence[Place], dataset: xr.Dataset) -> Iterator[Line]:
    """Years, parents and probabilities are those of the declared tree, which adds up to 1 in every year."""
    labels = [place.label for place in places]
    parents = [labels[place.before] if place.before >= 0 else "" for place in places]
    wrong = np.array([
        float(mine != label or int(year) != place.year or str(parent) != above)
        for mine, label, year, place, parent, above in zip(
            dataset.node.values, labels, dataset.node_year.values, places, dataset.parent.values, parents, strict=True
        )
    ])  # fmt: skip
    yield worst("tree.nodes", wrong, 1.0, 0.0, labels)
    odds = dataset.node_probability.values
    expected = np.array([place.probability for place in places])
    yield worst("tree.probability", odds - expected, expected, IDENTITY, labels)
    years = sorted({place.year for place in places})
    sums = np.array([odds[dataset.node_year.values == year].sum() for year in years])
    yield worst("tree.probability_sum", sums - 1, 1.0, IDENTITY, years)


def _apart(
    problem: MarketProblem, places: Sequence[Place], flows: xr.Dataset, *, banking: bool
) -> tuple[MarketProblem, xr.Dataset]:
    """The states as years of a market without banking, in which one more enterprise holds what is banked."""

    def column(place: Place, name: str) -> Any:
        source = place.problem if hasattr(place.problem, name) else place.problem.options
        return getattr(source, name)[..., problem.year.index(place.year)]

    def table(name: str) -> Array:
        return np.array([column(place, name) for place in places]).T

    firms = {name: table(name) for name in ("baseline", "share", "fixed", "per_emission")}
    names = problem.enterprise
    view = flows.assign_coords(year=range(len(places)))
    if banking:
        taken = _taken(problem, places, flows.bank.values)
        firms = {name: np.vstack([array, np.zeros(len(places))]) for name, array in firms.items()}
        firms["share"][-1], firms["fixed"][-1] = 1.0, -taken
        names = (*names, HOLDER)
        view = view.reindex(enterprise=list(names), fill_value=0.0).copy(deep=True)
        view["free_allocation"].values[-1] = -taken
        view["net_purchase"].values[-1] = taken
        view["bank"].values[:] = 0.0
    arrays = {name: table(name).reshape(-1, len(places)) for name in ("potential", "unit_cost", "slope")}
    options = Options(problem.options.label, problem.options.enterprise, **arrays)
    alone = MarketProblem(
        enterprise=names,
        year=tuple(range(len(places))),
        options=options,
        supply=table("supply"),
        opening_bank=0.0 if banking else problem.opening_bank,
        instruments=tuple(Offer(_step(problem, places, index)) for index in range(len(problem.steps))),
        **cast(Any, firms),
    )
    return alone, view


def _taken(problem: MarketProblem, places: Sequence[Place], bank: Array) -> Array:
    """Allowances that each state takes out for later ones, less those that it was handed."""
    handed = [problem.opening_bank if place.before < 0 else bank[place.before] for place in places]
    return np.asarray(bank - np.array(handed))


def _step(problem: MarketProblem, places: Sequence[Place], index: int) -> SupplyStep:
    columns: dict[str, Array | None] = {}
    for name in ("price", "quantity", "obligation_share", "slope"):
        values = [getattr(place.problem.steps[index], name) for place in places]
        at = [problem.year.index(place.year) for place in places]
        columns[name] = None if values[0] is None else np.array([v[y] for v, y in zip(values, at, strict=True)])
    step = problem.steps[index]
    return SupplyStep(step.name, step.kind, cast(Array, columns["price"]), cast(Array, columns["quantity"]),
                      columns["obligation_share"], slope=columns["slope"])  # fmt: skip


def _limits(places: Sequence[Place]) -> Array:
    """What may be owed at the end of each state: nothing where the market ends."""
    found = np.zeros(len(places))
    for n, place in enumerate(places):
        tool = next(tool for tool in place.problem.instruments if isinstance(tool, Banking))
        if place.year < place.problem.year[-1]:
            found[n] = tool.borrowing[0 if len(tool.borrowing) == 1 else place.problem.year.index(place.year)]
    return found


def _bank_lines(places: Sequence[Place], dataset: xr.Dataset, *, banking: bool) -> Iterator[Line]:
    """The bank is above what may be owed, or there is none at all."""
    labels, volume = [place.label for place in places], dataset.obligation.values.sum(axis=0)
    if banking:
        low = np.minimum(dataset.bank.values + _limits(places), 0.0)
        yield worst("tree.bank_limit", low, np.maximum(volume, 1.0), 1e-7, labels)
    yield worst("tree.bank_exists", (dataset.expired if banking else dataset.bank).values, 1e-9, IDENTITY, labels)


def _price_lines(
    problem: MarketProblem, places: Sequence[Place], alone: MarketProblem, dataset: xr.Dataset, *, banking: bool
) -> Iterator[Line]:
    """Expected prices along the branches, what is worth nothing, and the ends of every interval."""
    labels, price, bank = [place.label for place in places], dataset.allowance_price.values, dataset.bank.values
    odds = np.array([place.probability for place in places])
    following = [[c for c, place in enumerate(places) if place.before == n] for n in range(len(places))]
    held = bank + _limits(places) if banking else np.zeros(len(places))
    volume = dataset.obligation.values.sum(axis=0) + dataset.issued_fixed.values
    free = held > EQUAL * volume
    rise, fall, final = np.zeros(len(places)), np.zeros(len(places)), np.zeros(len(places))
    for n, after in enumerate(following):
        if banking and after:
            expected = sum(odds[c] * price[c] for c in after) / odds[n] / (1 + problem.interest)
            gap = 0.0 if np.isnan(expected - price[n]) else expected - price[n]
            rise[n], fall[n] = max(gap, 0.0), max(-gap, 0.0) if free[n] else 0.0
        elif banking:
            final[n] = np.nan_to_num(price[n]) if free[n] else 0.0
    scale = np.maximum(np.nan_to_num(price), 0.1)
    yield worst("tree.no_arbitrage", rise, scale, OPTIMAL, labels)
    yield worst("tree.while_banking", fall, scale, OPTIMAL, labels)
    yield worst("tree.price_of_final_bank", final, 1.0, OPTIMAL, labels)
    ends = (bank if banking else dataset.expired.values) > EQUAL * volume
    worthless = ends & np.array([not banking or not after for after in following])
    low, high = price_sets(alone, dataset, following, odds, 1 / (1 + problem.interest), free if banking else None,
                           worthless)  # fmt: skip
    known = np.where(np.isnan(dataset.price_high.values), np.inf, dataset.price_high.values)
    for name, found, expected in (("low", dataset.price_low.values, low), ("high", known, high)):
        with np.errstate(invalid="ignore"):
            gap = np.where(found == expected, 0.0, np.nan_to_num(np.abs(found - expected), nan=np.inf))
        size = np.maximum(np.where(np.isfinite(expected), expected, 1.0), 1.0)
        yield worst(f"tree.price_{name}", gap, size, INTERVAL, labels)
    if not np.isnan(price).any():
        least, weight = least_sum(low, high, following, odds, 1 / (1 + problem.interest), free if banking else None)
        apart = np.array([float(weight @ price) - least])
        yield worst("tree.price_is_least", apart, max(float(weight @ price), 0.1), INTERVAL, labels[:1])


def _summary_lines(problem: MarketProblem, dataset: xr.Dataset) -> Iterator[Line]:
    """Expected prices, and quantiles: with at least the level's odds the price is no higher, and no lower one does."""
    price, odds, year = dataset.allowance_price.values, dataset.node_probability.values, dataset.node_year.values
    for y, label in enumerate(problem.year):
        here = year == label
        mean = float(np.sum(price[here] * odds[here]))
        found = float(dataset.expected_price.values[y])
        same = np.isnan(mean) and np.isnan(found)
        gap = 0.0 if same else np.nan_to_num(abs(mean - found), nan=np.inf)
        yield worst(f"tree.expected_price[{label}]", np.array([gap]), max(np.nan_to_num(mean), 1e-9), IDENTITY, [label])
        for row, level in enumerate(dataset.price_quantile["quantile"].values):
            quantile = float(dataset.price_quantile.values[row, y])
            enough = odds[here][price[here] <= quantile].sum() >= level * (1 - 1e-9)
            fewer = odds[here][price[here] < quantile].sum() < level
            unknown = np.isnan(mean) and np.isnan(quantile)
            fine = unknown or (enough and fewer and quantile in price[here])
            yield Line(f"tree.price_quantile[{label}]", float(not fine), 0.0, f"quantile {level:g}")
