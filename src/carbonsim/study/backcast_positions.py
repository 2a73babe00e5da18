"""Positions of the back-cast's entities by year of emission, and the groups of like entities that its markets hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from carbonsim.allocation.core import Array, UnitOfAccount
from carbonsim.inputs.parameters import ParameterSet
from carbonsim.study.backcast_population import Level, Population, allocate_power, number

LUMP = 1e-9  # relative change of allowances below which they do not move with emissions
GROUPED_BY = 2023  # year whose positions order the entities of a class


@dataclass(frozen=True, slots=True, eq=False)
class EntityYear:
    """Entities in one year of emission under one plan, arrays of shape (entity,).

    ``emissions`` [tCO2] are before abatement, ``allowances`` after relief. ``abatable`` [tCO2] are the emissions of
    entities whose allowances stay the same over all the abatement there is: the others are under relief or in reach of
    it, feel at most part of the price, and are offered none. ``relieved`` marks those whose relief is at work.
    """

    emissions: Array
    allowances: Array
    abatable: Array
    relieved: NDArray[np.bool_]

    @property
    def net(self) -> Array:
        """Allowances less emissions."""
        return self.allowances - self.emissions


@dataclass(frozen=True, eq=False)
class Positions:
    """Positions of a population, each worked out once.

    Parameters
    ----------
    population : Population
    parameters : ParameterSet
    per_class : int
        Groups of like entities a class is cut into, from the weakest to the best in 2023.
    """

    population: Population
    parameters: ParameterSet
    per_class: int = 3
    _known: dict[tuple[int, int], EntityYear] = field(default_factory=dict, init=False)

    def year(self, year: int, plan_year: int) -> EntityYear:
        """The entities in a year of emission under the plan of another or the same year."""
        key = (year, plan_year)
        if key not in self._known:
            self._known[key] = self._allocated(*key)
        return self._known[key]

    def _allocated(self, year: int, plan_year: int) -> EntityYear:
        allocation = allocate_power(self.population.units(year, plan_year), self.parameters)
        cut = sum(abatement_steps(self.parameters, "low").shares)
        rows = [_entity(unit, cut) for unit in allocation.units]
        emissions, allowances, abatable, relieved = (np.array(column) for column in zip(*rows, strict=True))
        return EntityYear(emissions, allowances, abatable, relieved.astype(bool))

    @cached_property
    def group(self) -> NDArray[np.intp]:
        """Group of each entity, numbered class by class."""
        found = self.year(GROUPED_BY, GROUPED_BY)
        relative = found.net / np.maximum(found.emissions, 1e-12)
        classes = np.array(self.population.benchmark_class())
        group = np.zeros(len(classes), dtype=np.intp)
        start = 0
        for name in sorted(set(classes.tolist())):
            members = np.flatnonzero(classes == name)
            order = members[np.argsort(relative[members], kind="stable")]
            count = min(self.per_class, len(order))
            group[order] = start + np.arange(len(order)) * count // len(order)
            start += count
        return group

    def part(self, year: int) -> float:
        """Share that the population has in the published emissions; national quantities are cut down to it."""
        own = float(self.year(year, year).emissions.sum())
        return own / number(self.parameters, "published.emissions", year)

    def total(self, values: Array) -> Array:
        """Sums of an entity array over the groups."""
        return np.asarray(np.bincount(self.group, weights=values), dtype=float)


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps of short-run abatement: name, share of emissions, and cost [CNY/tCO2]."""

    names: tuple[str, ...]
    shares: tuple[float, ...]
    costs: tuple[float, ...]


def abatement_steps(parameters: ParameterSet, level: Level) -> Steps:
    """The steps at one end of their costs, with the other end of their size."""
    other: dict[Level, Level] = {"low": "high", "value": "value", "high": "low"}
    size = other[level]
    names = tuple(labels[0] for labels in parameters.get("assumed.abatement_share").labels())
    shares = tuple(number(parameters, "assumed.abatement_share", 2021, name, level=size) for name in names)
    costs = tuple(number(parameters, "assumed.abatement_cost", 2021, name, level=level) for name in names)
    return Steps(names, shares, costs)


def _entity(unit: UnitOfAccount, cut: float) -> tuple[float, float, float, bool]:
    """Emissions, allowances, emissions that can be cut at the full price, and whether relief is at work."""
    key, other = unit.key_emissions, unit.other_emissions
    emissions = key + other
    allowances = float(unit.rule.amount(key, other))
    after = float(unit.rule.amount(key * (1.0 - cut), other * (1.0 - cut)))
    moves = abs(after - allowances) > LUMP * max(emissions, 1.0)
    relieved = allowances > unit.benchmark * (1.0 + LUMP)
    return emissions, allowances, 0.0 if moves or relieved else emissions, relieved


@dataclass(frozen=True, slots=True)
class CyclePosition:
    """Positions of a compliance cycle by entity, before abatement and under the plan as it came [tCO2].

    ``surplus`` and ``shortage`` are sums over entities that are long and short over the cycle, ``potential`` is half of
    the two together: what would change hands if every entity traded its position once and had no bank.
    """

    settled: int
    years: tuple[int, ...]
    emissions: float
    allowances: float
    surplus: float
    shortage: float
    potential: float
    relieved_emissions: float


def cycle_position(positions: Positions, settled: int, years: Sequence[int]) -> CyclePosition:
    """Sum of the years of a cycle by entity, then of what is long and what is short."""
    found = [positions.year(year, year) for year in years]
    net = np.sum([one.net for one in found], axis=0)
    surplus, shortage = float(np.maximum(net, 0.0).sum()), float(np.maximum(-net, 0.0).sum())
    return CyclePosition(
        settled,
        tuple(years),
        sum(float(one.emissions.sum()) for one in found),
        sum(float(one.allowances.sum()) for one in found),
        surplus,
        shortage,
        float(np.abs(net).sum()) / 2.0,
        sum(float(one.emissions[one.relieved].sum()) for one in found),
    )


def cycles(parameters: ParameterSet, first: int, last: int) -> Mapping[int, tuple[int, ...]]:
    """Years of emission by the calendar year at whose end they are settled."""
    found: dict[int, tuple[int, ...]] = {}
    for year in range(first, last + 1):
        settled = int(parameters.value("published.settled_in", year))
        found[settled] = (*found.get(settled, ()), year)
    return found
