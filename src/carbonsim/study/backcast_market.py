"""One decision of the back-cast as a market problem: what falls due, what was announced, what is expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import numpy as np

from carbonsim.allocation.core import Array
from carbonsim.errors import InputError
from carbonsim.inputs.parameters import ParameterSet
from carbonsim.market import MarketProblem, Options
from carbonsim.market.supply import Instrument, instruments
from carbonsim.study.backcast_population import number
from carbonsim.study.backcast_positions import Positions, abatement_steps, cycles

FIRST, LAST = 2019, 2026  # years of emission
GROUP: Final = "group_"
LATER, OTHERS = "later_years", "other_sectors"
WORTHLESS: Final = "worthless"
SHORTAGE: Final = "shortage_ahead"
EXPECTED: Final = "expected_price"
LeftOver = Literal["worthless", "shortage_ahead", "expected_price"]
Rules = Literal["unchanged", "as_came"]
Ends = Literal["low", "high"]


@dataclass(frozen=True, slots=True)
class Beliefs:
    """What everybody is taken to believe where nothing was announced.

    Parameters
    ----------
    left_over : {"worthless", "shortage_ahead", "expected_price"}
        Worth of allowances left at a deadline. ``worthless``: nothing, until the rule on carry-over is announced.
        ``shortage_ahead``: what they save at the later deadlines for which a plan or a draft exists today.
        ``expected_price``: as well, and the price expected in a survey after that.
    rules : {"unchanged", "as_came"}
        Plans not announced yet. ``unchanged``: the last one announced goes on. ``as_came``: as they came later, which
        nobody could know better.
    costs : {"low", "high"}
        Low costs of abatement and offsets, large steps and a high rate of interest; or the other ends of all of them.
    """

    left_over: LeftOver
    rules: Rules
    costs: Ends

    def at(self, decision: int, parameters: ParameterSet) -> Beliefs:
        """What is left of them once the rule on carry-over is announced: left-overs are worth something."""
        if self.left_over != WORTHLESS or not carry_over_is_known(parameters, decision):
            return self
        return replace(self, left_over=SHORTAGE)


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What earlier decisions left: allowances in all, and realised cuts [tCO2] of each group by year of emission.

    ``weights`` split the allowances over the groups where a balance is kept for each: their cumulated surplus.
    """

    total: float
    weights: Array
    cut: Mapping[int, Array] = field(default_factory=dict)

    def key(self) -> tuple[object, ...]:
        """What tells two states apart, for markets that need not be cleared twice."""
        return (self.total, *((year, values.tobytes()) for year, values in sorted(self.cut.items())))


def is_announced(parameters: ParameterSet, path: str, year: int, decision: int, *labels: str) -> bool:
    """Whether the value that holds in ``year`` was known by the end of the calendar year ``decision``."""
    dated = [one for one in parameters.get(path).values[labels] if one.applies_from <= year]
    if not dated or dated[-1].value is None:
        return False
    announced = dated[-1].announced
    return announced is not None and announced.year <= decision


def carry_over_is_known(parameters: ParameterSet, decision: int) -> bool:
    """Whether the limit on what is carried over was announced by the end of a calendar year."""
    return is_announced(parameters, "published.carry_over_base", LAST, decision)


def has_news(parameters: ParameterSet, year: int) -> bool:
    """Whether a power plan or the limit on carry-over was announced in a calendar year."""
    dated = [
        *parameters.get("power.benchmark").values[("I",)],
        *parameters.get("published.carry_over_base").values[()],
    ]
    return any(one.announced is not None and one.announced.year == year for one in dated)


def plan_of(parameters: ParameterSet, year: int, decision: int, rules: Rules) -> int:
    """Year whose plan everybody expects to hold for a year of emission."""
    if rules == "as_came":
        return year
    for known in range(year, FIRST - 1, -1):
        if is_announced(parameters, "power.benchmark", known, decision, "I"):
            return known
    raise InputError(f"no power plan was announced by {decision}; decide from the year of the first plan on.")


def decision_problem(positions: Positions, beliefs: Beliefs, decision: int, state: State) -> MarketProblem:
    """The market that a decision sees.

    Parameters
    ----------
    positions : Positions
    beliefs : Beliefs
    decision : int
        Calendar year; prices are those at its end.
    state : State

    Returns
    -------
    MarketProblem
        Years are calendar years of settlement, enterprises groups of like entities. Emissions of years before the
        decision are history; those of its own year and later can be cut at a cost carried with interest to the
        deadline. Relief is settled before abatement, so that allowances are lump sums.

    Raises
    ------
    InputError
        If offset credits exceed the share of obligations that they may meet.
    """
    return _Window(positions, beliefs, decision, state).problem()


class _Window:
    """The arrays of one decision."""

    def __init__(self, positions: Positions, beliefs: Beliefs, decision: int, state: State) -> None:
        self.positions, self.decision, self.state = positions, decision, state
        self.parameters = positions.parameters
        self.beliefs = beliefs = beliefs.at(decision, self.parameters)
        self.by_enterprise = carry_over_is_known(self.parameters, decision)
        doubt = beliefs.left_over == WORTHLESS
        due = {s: years for s, years in cycles(self.parameters, FIRST, LAST).items() if s >= decision}
        self.due = {s: years for s, years in due.items() if s == decision or not doubt}
        self.year = tuple(range(decision, max([decision, *self.due]) + 1))
        low_costs = beliefs.costs == "low"
        self.interest = number(self.parameters, "assumed.interest", 2021, level="high" if low_costs else "low")
        self.steps = abatement_steps(self.parameters, beliefs.costs)
        self.groups = tuple(f"{GROUP}{g:02d}" for g in range(int(positions.group.max()) + 1))

    def problem(self) -> MarketProblem:
        count, years = len(self.groups), len(self.year)
        baseline, fixed, per_emission = (np.zeros((count, years)) for _ in range(3))
        for settled, emitted in self.due.items():
            y = self.year.index(settled)
            for year in emitted:
                found = self.positions.year(year, self.plan(year))
                cut = self.state.cut.get(year, np.zeros(count))
                baseline[:, y] += self.positions.total(found.emissions) - cut
                fixed[:, y] += self.positions.total(found.allowances)
        offers = _Offers(self.year)
        for year in [year for emitted in self.due.values() for year in emitted if year >= self.decision]:
            self._abatement(offers, year)
        enterprise = list(self.groups)
        rows = [baseline, fixed, per_emission]
        for name, extra in (*self._others(), *self._later(baseline, fixed, offers)):
            enterprise.append(name)
            rows = [np.vstack([table, row]) for table, row in zip(rows, extra, strict=True)]
        split = self._split(len(enterprise))
        return MarketProblem(
            enterprise=tuple(enterprise),
            year=self.year,
            baseline=rows[0],
            share=np.ones_like(rows[0]),
            fixed=rows[1],
            per_emission=rows[2],
            options=offers.options(),
            supply=np.zeros(years),
            interest=self.interest,
            opening_bank=self.state.total,
            instruments=tuple(self._instruments()),
            opening_split=split,
        )

    def plan(self, year: int) -> int:
        return plan_of(self.parameters, year, self.decision, self.beliefs.rules)

    def _abatement(self, offers: _Offers, year: int) -> None:
        settled = next(s for s, emitted in self.due.items() if year in emitted)
        abatable = self.positions.total(self.positions.year(year, self.plan(year)).abatable)
        grown = (1.0 + self.interest) ** (settled - year)
        for group, tonnes in enumerate(abatable):
            for name, share, cost in zip(self.steps.names, self.steps.shares, self.steps.costs, strict=True):
                if tonnes > 0:
                    offers.add(f"{self.groups[group]}/{year}/{name}", group, settled, share * tonnes, cost * grown)

    def _others(self) -> list[tuple[str, tuple[Array, Array, Array]]]:
        """Steel, cement and aluminium, whose allowances equal their emissions: obligations without net demand."""
        row = np.zeros(len(self.year))
        for settled, emitted in self.due.items():
            for year in emitted:
                if is_announced(self.parameters, "published.other_sectors", year, settled):
                    row[self.year.index(settled)] += self.positions.part(year) * self.parameters.value(
                        "published.other_sectors", year
                    )
        return [(OTHERS, (row, np.zeros_like(row), np.ones_like(row)))] if row.any() else []

    def _later(self, baseline: Array, fixed: Array, offers: _Offers) -> list[tuple[str, tuple[Array, Array, Array]]]:
        """Later years as one buyer who takes in the last year what is offered below the expected price."""
        if self.beliefs.left_over != EXPECTED:
            return []
        most = max(self.state.total, 0.0) + float(np.maximum(fixed - baseline, 0.0).sum()) + offers.total()
        most += sum(self._offset(settled)[1] for settled in self.due)
        row = np.zeros(len(self.year))
        row[-1] = most
        price = self.parameters.value("assumed.expected_price", 2025) * (1.0 + self.interest) ** (self.year[-1] - 2025)
        position = len(self.groups) + len(self._others())
        offers.add(LATER, position, self.year[-1], most, price)
        return [(LATER, (row, np.zeros_like(row), np.zeros_like(row)))]

    def _split(self, count: int) -> Array | None:
        """Who holds the opening bank, where a balance is kept for each."""
        held = self.state.weights
        if not self.by_enterprise or held.sum() <= 0:
            return None
        return np.append(held / held.sum(), np.zeros(count - len(held)))

    def _instruments(self) -> list[Instrument]:
        found: list[Instrument] = []
        if len(self.year) > 1:
            found.append(_make("banking", borrowing=self._borrowing()))
        credits = np.array([self._offset(year) for year in self.year])
        if credits[:, 1].any():
            found.append(_make("offsets", price=credits[:, 0], quantity=credits[:, 1], name="ccer"))
        if self.by_enterprise and len(self.year) > 1:
            found.append(self._carry_over())
        return found

    def _carry_over(self) -> Instrument:
        """The limit of the plan of 2024; a group keeps the base as often as it has members."""
        base = number(self.parameters, "published.carry_over_base", LAST)
        members = self.positions.total(self.positions.population.members())
        names = dict(zip(self.groups, self.groups, strict=True))
        numbers = dict(zip(self.groups, (base * members).tolist(), strict=True))
        extra = {OTHERS: OTHERS} if self._others() else {}
        extra |= {LATER: LATER} if self.beliefs.left_over == EXPECTED else {}
        multiple = number(self.parameters, "published.carry_over_multiple", LAST)
        first, held = (
            int(number(self.parameters, f"published.carry_over_{name}", LAST)) for name in ("counting_from", "held_at")
        )
        return _make(
            "carry_over_limit",
            year=held,
            counting=tuple(range(first, held + 1)),
            base={**numbers, **dict.fromkeys(extra, 0.0)},
            multiple={**dict.fromkeys(names, multiple), **dict.fromkeys(extra, 0.0)},
            field_of={**names, **extra},
        )

    def _borrowing(self) -> Array:
        """What entities far short may owe after the deadline of the cycle that allows it, if that is announced."""
        limit = np.zeros(len(self.year))
        for settled, emitted in self.due.items():
            for year in emitted:
                if is_announced(self.parameters, "published.borrowing_share", year, self.decision):
                    limit[self.year.index(settled)] += self._borrowed(year)
        return limit

    def _borrowed(self, year: int) -> float:
        found = self.positions.year(year, year)
        far = -found.net >= self.parameters.value("published.borrowing_gap", year) * found.emissions
        return self.parameters.value("published.borrowing_share", year) * float(-found.net[far].sum())

    def _offset(self, settled: int) -> tuple[float, float]:
        """Price and quantity of the offset credits for the obligations settled in a year."""
        emitted = self.due.get(settled, ())
        part = {year: self.positions.part(year) for year in emitted}
        quantity = sum(part[y] * number(self.parameters, "assumed.offset_quantity", y) for y in emitted)
        if not quantity:
            return np.nan, 0.0
        own = {y: part[y] * number(self.parameters, "published.emissions", y) for y in emitted}
        limit = sum(number(self.parameters, "published.offset_limit", y) * own[y] for y in emitted)
        if quantity > limit:
            raise InputError(
                f"assumed.offset_quantity offers {quantity:,.0f} t for the obligations settled in {settled}, but "
                f"published.offset_limit allows {limit:,.0f} t. Offer no more than may be used."
            )
        return number(self.parameters, "assumed.offset_price", emitted[-1], level=self.beliefs.costs), quantity


class _Offers:
    """Collects options over the years of a window."""

    def __init__(self, years: tuple[int, ...]) -> None:
        self.years = years
        self.rows: list[tuple[str, int, int, float, float]] = []

    def add(self, label: str, enterprise: int, year: int, potential: float, cost: float) -> None:
        self.rows.append((label, enterprise, self.years.index(year), potential, cost))

    def total(self) -> float:
        return sum(row[3] for row in self.rows)

    def options(self) -> Options:
        shape = (len(self.rows), len(self.years))
        potential, cost = np.zeros(shape), np.zeros(shape)
        for row, (_, _, y, tonnes, price) in enumerate(self.rows):
            potential[row, y], cost[row] = tonnes, price
        owner = np.array([row[1] for row in self.rows], dtype=np.intp)
        return Options(tuple(row[0] for row in self.rows), owner, potential, cost, np.zeros(shape))


def _make(name: str, /, **fields: object) -> Instrument:
    """A registered instrument by its name."""
    kind = instruments.get(name).target
    return kind(**fields)
