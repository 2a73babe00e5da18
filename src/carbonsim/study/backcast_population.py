"""Who is in the back-cast: entities of the four benchmark classes, spread around the published balance values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import NormalDist
from typing import Final, Literal, Protocol

import numpy as np

from carbonsim.allocation import AllocationInput, allocation_rules
from carbonsim.allocation.core import Allocation, Array
from carbonsim.errors import InputError
from carbonsim.inputs.parameters import ParameterSet

Level = Literal["low", "value", "high"]

ENDS: Final[tuple[Level, Level]] = ("low", "high")
CLASSES = ("I", "II", "III", "IV")
FIRST_GROSS = 2023  # plans from this year on count gross generation
FULL_LOAD = 1.0  # balance values hold the corrections already, so the blocks are given none
SHIFT = (-0.3, 0.3)  # where a common shift of intensities is searched


class Population(Protocol):
    """Generating units of every year of emission, as a plan counts them."""

    def units(self, year: int, plan_year: int) -> AllocationInput:
        """The units of ``year`` with the output that the plan of ``plan_year`` counts; ``year`` is the plan's."""

    def benchmark_class(self) -> tuple[str, ...]:
        """Class of each entity, in the order of the entities."""

    def members(self) -> Array:
        """Number of real entities that each stands for, (entity)."""


def number(parameters: ParameterSet, path: str, year: int, *labels: str, level: Level = "value") -> float:
    """A parameter at the low or the high end of its range, or its value if it has no range."""
    dated = parameters.get(path).at(year, *labels)
    found = getattr(dated, level)
    return parameters.value(path, year, *labels) if found is None else float(found)


def allocate_power(data: AllocationInput, parameters: ParameterSet) -> Allocation:
    """Allowances under the registered power plan of the input's year, relief included."""
    for name in sorted(allocation_rules):
        declares = allocation_rules.get(name).declares
        if name.startswith("power_benchmark") and declares["first_year"] <= data.year <= declares["last_year"]:
            return allocation_rules.get(name).target(data, parameters)
    raise InputError(f"no registered power plan covers {data.year}; choose a year of emission from 2019 to 2026.")


def equal_bins(count: int) -> Array:
    """Mean of a standard normal variable in each of ``count`` bins of equal probability; they add up to 0.

    >>> equal_bins(2).round(6).tolist()
    [-0.797885, 0.797885]
    """
    normal = NormalDist()
    edges = [normal.inv_cdf(i / count) for i in range(1, count)]
    density = np.array([0.0, *(normal.pdf(edge) for edge in edges), 0.0])
    return np.asarray((density[:-1] - density[1:]) * count)


@dataclass(frozen=True, slots=True, eq=False)
class BlockPopulation:
    """Entities as equal bins of each class, whose mean intensities follow what was published.

    Parameters
    ----------
    parameters : ParameterSet
        With ``published.*``, ``assumed.*`` and ``power.*``.
    shift : mapping of int to float
        Mean intensities of 2019 to 2023 over the published balance values (of 2021, and of 2023 for 2023), less one;
        common to all classes.
    decline : {"low", "value", "high"}
        Which end of the yearly fall of intensities after 2023, and after 2022 as a plan on net supply would count.
    spread : {"low", "value", "high"}
        Which end of the spread of intensities within a class.
    bins : int
        Entities a class is cut into.
    """

    parameters: ParameterSet
    shift: Mapping[int, float]
    decline: Level = "value"
    spread: Level = "value"
    bins: int = 16

    def benchmark_class(self) -> tuple[str, ...]:
        """Class of each bin."""
        return tuple(np.repeat(CLASSES, self.bins).tolist())

    def members(self) -> Array:
        """Entities a bin stands for, of those on the latest list."""
        total = number(self.parameters, "published.entities", 2024)
        share = np.array([number(self.parameters, "assumed.entity_share", 2019, name) for name in CLASSES])
        return np.repeat(total * share / self.bins, self.bins)

    def units(self, year: int, plan_year: int) -> AllocationInput:
        """One generating unit a bin; its emissions are those of the year, its output follows from its intensity."""
        return self._units(year, plan_year, self._mean_shift(year, gross=plan_year >= FIRST_GROSS))

    def _mean_shift(self, year: int, *, gross: bool) -> float:
        """Mean intensity of a year over the balance values of the plan's kind of output, less one."""
        last = FIRST_GROSS if gross else FIRST_GROSS - 1
        if year <= last:
            return self.shift[year]
        decline = number(self.parameters, "assumed.intensity_decline", year, level=self.decline)
        return float((1.0 + self.shift[last]) * (1.0 - decline) ** (year - last) - 1.0)

    def _units(self, year: int, plan_year: int, shift: float) -> AllocationInput:
        parameters, known = self.parameters, FIRST_GROSS if plan_year >= FIRST_GROSS else 2021
        columns: tuple[tuple[str, str, int, Level], ...] = (
            ("share", "assumed.class_share", 2019, "value"),
            ("heat", "assumed.heat_share", 2019, "value"),
            ("spread", "assumed.spread", 2019, self.spread),
            ("balance", "published.balance_value", known, "value"),
            ("heat_balance", "published.heat_balance_value", known, "value"),
        )
        by_class = {
            name: np.repeat([number(parameters, path, at, c, level=level) for c in CLASSES], self.bins)
            for name, path, at, level in columns
        }
        relative = (1.0 + shift) * (1.0 + by_class["spread"] * np.tile(equal_bins(self.bins), len(CLASSES)))
        # Bins of a class make the same output, so that the mean of their intensities is that of the class.
        emissions = number(parameters, "published.emissions", year) * by_class["share"] * relative
        emissions = emissions / ((1.0 + shift) * self.bins)
        power = emissions * (1.0 - by_class["heat"]) / (by_class["balance"] * relative)
        heat = emissions * by_class["heat"] / (by_class["heat_balance"] * relative)
        return power_units(plan_year, self.benchmark_class(), emissions, power, heat)

    def net_position(self, year: int, shift: float) -> float:
        """Allowances less emissions of a year, all entities together, at a given shift."""
        data = self._units(year, year, shift)
        return float(allocate_power(data, self.parameters).amount.sum() - data.emissions.sum())


def packaged_populations(parameters: ParameterSet, *, bins: int = 16) -> tuple[tuple[dict[str, str], Population], ...]:
    """The population that needs no data, at both ends of what is not known of it.

    The shifts of 2019-20, 2021 and 2022 are those at which allowances less emissions equal the published net position
    (2019-20: the estimated surplus); nothing is fitted to a price. For 2023 no net position is published.

    Parameters
    ----------
    parameters : ParameterSet
    bins : int
        Entities a class is cut into.

    Returns
    -------
    tuple of (dict, Population)
        The levels taken and the population: ``first_surplus`` (low, high), ``spread`` (low, high) and ``position``
        (short: intensities of 2023 equal the balance values and fall at the low rate after; long: the shift found for
        2021 is repeated and they fall at the high rate).
    """
    found: list[tuple[dict[str, str], Population]] = []
    for spread in ENDS:
        base = BlockPopulation(parameters, {}, spread=spread, bins=bins)
        known = {y: _shift(base, (y,), number(parameters, "published.net_position", y)) for y in (2021, 2022)}
        for surplus in ENDS:
            total = number(parameters, "published.first_cycle_surplus", 2019, level=surplus)
            first = _shift(base, (2019, 2020), total)
            for position, later, decline in (("short", 0.0, ENDS[0]), ("long", known[2021], ENDS[1])):
                shift = {2019: first, 2020: first, **known, FIRST_GROSS: later}
                levels = {"first_surplus": surplus, "spread": spread, "position": position}
                found.append((levels, replace(base, shift=shift, decline=decline)))
    return tuple(found)


def _shift(population: BlockPopulation, years: Sequence[int], surplus: float) -> float:
    """Common shift at which allowances less emissions of those years add up to a surplus."""
    from scipy.optimize import brentq

    def excess(shift: float) -> float:
        return sum(population.net_position(year, shift) for year in years) - surplus

    return float(brentq(excess, *SHIFT, xtol=1e-14))


def power_units(
    plan_year: int,
    benchmark_class: tuple[str, ...],
    emissions: Array,
    output: Array,
    heat: Array,
    *,
    load: float = FULL_LOAD,
    entity: tuple[str, ...] = (),
) -> AllocationInput:
    """Generating units as an allocation rule is given them: water-cooled, one unit an entity unless named.

    Parameters
    ----------
    plan_year : int
        Year whose plan applies.
    benchmark_class : tuple of str (unit)
    emissions : array [tCO2] (unit)
    output : array [MWh] (unit)
        Net supply or gross generation, as the plan counts.
    heat : array [GJ] (unit)
    load : float [1]
        Load factor of every unit.
    entity : tuple of str (unit), optional
        Entity of each unit.
    """
    count = len(benchmark_class)
    names = _names(count)
    return AllocationInput(
        sector="power",
        year=plan_year,
        base_year=plan_year,
        facility=names,
        enterprise=entity or names,
        entities=np.ones(count),
        emissions=emissions,
        key_emissions=emissions,
        output=output,
        key_output=output,
        heat_output=heat,
        benchmark_class=benchmark_class,
        load_factor=np.full(count, load),
        heat_ratio=np.zeros(count),
        cooling=("water",) * count,
        special_case=("",) * count,
        reference_emissions=np.full(count, np.nan),
        reference_output=np.full(count, np.nan),
    )


@lru_cache(maxsize=8)
def _names(count: int) -> tuple[str, ...]:
    return tuple(f"unit_{i:05d}" for i in range(count))
