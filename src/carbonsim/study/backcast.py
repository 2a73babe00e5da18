"""Back-cast of the national power market: what the model says of 2021-2025 beside what was published.

Every year is decided with the rules announced by its end. Where nothing was announced, or nothing was published, both
ends of a stated assumption are taken, and the answer is the interval over all of them: a wide one determines nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

import numpy as np

from carbonsim.allocation.core import Array
from carbonsim.errors import InfeasibleError
from carbonsim.inputs.parameters import ParameterSet
from carbonsim.market import Market, clear
from carbonsim.market.clear import Engine
from carbonsim.market.problem import MarketProblem
from carbonsim.study.backcast_market import (
    EXPECTED,
    FIRST,
    GROUP,
    LATER,
    SHORTAGE,
    WORTHLESS,
    Beliefs,
    State,
    carry_over_is_known,
    decision_problem,
    has_news,
)
from carbonsim.study.backcast_population import Population
from carbonsim.study.backcast_positions import CyclePosition, Positions, cycle_position, cycles

BELIEFS: Mapping[str, tuple[str, ...]] = {
    "left_over": (WORTHLESS, SHORTAGE, EXPECTED),
    "rules": ("unchanged", "as_came"),
    "costs": ("low", "high"),
}
TIE = 1e-6  # CNY/tCO2 within which two cases give the same end of the interval
YEARS = (2021, 2022, 2023, 2024, 2025)


@dataclass(frozen=True, slots=True)
class YearPrice:
    """Price of one year under one set of assumptions [CNY/tCO2].

    ``high`` is infinite where nothing bounds the price, and ``low`` is 0 then if nothing supports it either. ``why``
    says what the price is. ``bank`` [allowance] is what is left at the end of the year.
    """

    low: float
    high: float
    bank: float
    why: str


# How assumptions give an end of an interval: "always" with any one named, "only" with all named, in "all" cases, or
# under "several" combinations.
MetWith = tuple[Literal["always", "only", "all", "several"], tuple[str, ...]]
Cleared = dict[tuple[object, ...], tuple[dict[int, YearPrice], State]]


@dataclass(frozen=True, slots=True)
class Case:
    """One set of assumptions and what follows from it."""

    levels: Mapping[str, str]
    prices: Mapping[int, YearPrice]
    cycles: Mapping[int, CyclePosition]

    @property
    def label(self) -> str:
        """The levels as one text."""
        return ", ".join(f"{name} {level}" for name, level in self.levels.items())


@dataclass(frozen=True, slots=True)
class Row:
    """One calendar year of the table; prices in CNY/tCO2, the rest in tCO2.

    ``price_low`` and ``price_high`` are the ends over all cases, and ``by_belief`` over those of each belief in the
    worth of left-overs. Once an announced rule has settled that they are worth something, cases that took them to be
    worthless stand with those that see a shortage ahead. ``low_with`` and ``high_with`` name the assumptions under
    which the ends are met. ``undetermined`` counts the cases in which nothing bounds the price, and ``at_zero`` those
    whose price is 0. ``potential_low`` and ``potential_high`` are those of the cycle that is settled in this year, NaN
    in a year in which none is; ``published_volume`` of a cycle is that of all its years.
    """

    year: int
    settled: int
    price_low: float
    price_high: float
    by_belief: Mapping[str, tuple[float, float]]
    low_with: MetWith
    high_with: MetWith
    published_price: float
    cases: int
    at_zero: int
    undetermined: int
    potential_low: float
    potential_high: float
    published_volume: float
    bank_low: float
    bank_high: float

    @property
    def holds_published(self) -> bool:
        """Whether the published price lies in the interval; in a wide one it says nothing."""
        return self.price_low <= self.published_price <= self.price_high


@dataclass(frozen=True, slots=True)
class Used:
    """One number the back-cast started from."""

    path: str
    labels: str
    year: int
    value: float
    low: float
    high: float
    basis: str
    source: str
    where: str
    note: str


@dataclass(frozen=True, slots=True, eq=False)
class Backcast:
    """The table, every case behind it, and what they rest on."""

    rows: tuple[Row, ...]
    cases: tuple[Case, ...]
    used: tuple[Used, ...]

    def row(self, year: int) -> Row:
        """The row of a calendar year."""
        return next(row for row in self.rows if row.year == year)


def backcast(
    populations: Sequence[tuple[Mapping[str, str], Population]],
    parameters: ParameterSet,
    *,
    beliefs: Mapping[str, Sequence[str]] = BELIEFS,
    per_class: int = 3,
    progress: Callable[[str, float], None] | None = None,
) -> Backcast:
    """The back-cast over every population and every belief.

    Parameters
    ----------
    populations : sequence of (dict, Population)
        The levels that each population stands for, as ``packaged_populations`` gives them.
    parameters : ParameterSet
        As ``carbonsim.inputs.backcast_files.read_backcast_parameters`` gives it.
    beliefs : dict of str to sequence of str
        Levels taken of each field of ``Beliefs``.
    per_class : int
        Groups of like entities a class is cut into for the markets; positions are summed over single entities.
    progress : callable, optional
        Called with a stage and a fraction from 0 to 1.

    Returns
    -------
    Backcast

    Raises
    ------
    InputError
        If a parameter is missing, or offsets exceed their limit.
    CertificateError
        If the answer of a market fails its audit.
    """
    cases = []
    for done, (levels, population) in enumerate(populations):
        positions = Positions(population, parameters, per_class)
        known: Cleared = {}
        by_cycle = {
            settled: cycle_position(positions, settled, years)
            for settled, years in cycles(parameters, FIRST, YEARS[-1] - 1).items()
        }
        for chosen in product(*beliefs.values()):
            belief = dict(zip(beliefs, chosen, strict=True))
            prices = price_path(positions, Beliefs(**belief), known)  # type: ignore[arg-type]
            cases.append(Case({**levels, **belief}, prices, by_cycle))
        if progress is not None:
            progress("backcast", (done + 1) / len(populations))
    return Backcast(tuple(_row(year, cases, parameters) for year in YEARS), tuple(cases), used_numbers(parameters))


def price_path(positions: Positions, beliefs: Beliefs, known: Cleared | None = None) -> dict[int, YearPrice]:
    """Prices of 2021 to 2025, each from the market that its year sees, with the bank that the years before left.

    A year in which nothing is announced follows the decision before it, if that one saw so far. A market that cannot be
    met has no price; the chain goes on with an empty bank. Markets in ``known`` are not cleared again: beliefs often
    differ only in later years.
    """
    state = opening_state(positions)
    found: dict[int, YearPrice] = {}
    cleared = {} if known is None else known
    for year in YEARS:
        if year in found:
            continue
        key = (year, beliefs.at(year, positions.parameters), *state.key())
        if key not in cleared:
            cleared[key] = _decide(positions, beliefs, year, state)
        prices, state = cleared[key]
        found |= prices
    return found


def _decide(positions: Positions, beliefs: Beliefs, year: int, state: State) -> tuple[dict[int, YearPrice], State]:
    """Prices of the years that a decision settles, and what it leaves to the next."""
    problem = decision_problem(positions, beliefs, year, state)
    try:
        market = clear(problem, _engine(problem))
    except InfeasibleError:
        unmet = YearPrice(0.0, np.inf, 0.0, "obligations cannot be met")
        return {year: unmet}, replace(state, total=0.0)
    years = [year]
    while (
        years[-1] + 1 in YEARS and years[-1] + 1 in problem.year and not has_news(positions.parameters, years[-1] + 1)
    ):
        years.append(years[-1] + 1)
    left = _left(problem, market)
    prices = {y: _year_price(problem, market, i, float(left[i])) for i, y in enumerate(years)}
    return prices, State(float(left[len(years) - 1]), state.weights, {**state.cut, **_cuts(problem, market, years)})


def opening_state(positions: Positions) -> State:
    """Nothing held before the first deadline; the surplus of 2019-22 says who holds the bank later."""
    net = np.sum([positions.year(year, year).net for year in range(FIRST, 2023)], axis=0)
    return State(0.0, positions.total(np.maximum(net, 0.0)))


def _engine(problem: MarketProblem) -> Engine:
    """The exact search where it can hold the market, which takes a few milliseconds."""
    return "auto" if any(one.refused_by("price_search") for one in problem.instruments) else "price_search"


def _year_price(problem: MarketProblem, market: Market, position: int, bank: float) -> YearPrice:
    data = market.dataset.isel(year=position)
    low, high = float(data.price_low), float(data.price_high)
    if np.isnan(low):
        return YearPrice(0.0, np.inf, bank, "undetermined")
    if high <= 0:
        due = problem.baseline[:, position].any()
        why = "surplus worth nothing" if due else "no obligation falls due, left-overs worth nothing"
    else:
        why = "worth at a later deadline" if bank > 0 else "shortage"
    return YearPrice(low, np.inf if np.isnan(high) else high, bank, why)


def _left(problem: MarketProblem, market: Market) -> Array:
    """Allowances left at the end of each year, (year)."""
    data = market.dataset
    if len(problem.year) > 1:
        return np.asarray(data.bank.values, dtype=float)
    # One year without banking: what was not surrendered stays in the accounts all the same.
    need = float((problem.baseline - problem.fixed - problem.per_emission * problem.baseline).sum())
    return np.array([problem.opening_bank + float(data.step_used.sum()) - need])


def _cuts(problem: MarketProblem, market: Market, years: Sequence[int]) -> dict[int, Array]:
    """Cuts of each group in the years of emission that a decision settles."""
    found = {year: np.zeros(sum(name.startswith(GROUP) for name in problem.enterprise)) for year in years}
    abated = market.dataset.option_abatement.values.sum(axis=1)
    for owner, label, tonnes in zip(problem.options.enterprise, problem.options.label, abated, strict=True):
        if label != LATER and (year := int(label.split("/")[1])) in found:
            found[year][owner] += tonnes
    return found


def _row(year: int, cases: Sequence[Case], parameters: ParameterSet) -> Row:
    prices = [case.prices[year] for case in cases]
    low, high = min(price.low for price in prices), max(price.high for price in prices)
    settled = min(deadline for deadline in cases[0].cycles if deadline >= year)
    potential = [case.cycles[settled].potential if settled == year else np.nan for case in cases]
    return Row(
        year=year,
        settled=settled,
        price_low=low,
        price_high=high,
        by_belief=_by_belief(year, cases, parameters),
        low_with=_met_with(cases, [price.low <= low + TIE for price in prices]),
        high_with=_met_with(cases, [price.high >= high - TIE for price in prices]),
        published_price=parameters.value("published.price", year),
        cases=len(cases),
        at_zero=sum(price.high <= TIE for price in prices),
        undetermined=sum(not np.isfinite(price.high) for price in prices),
        potential_low=min(potential),
        potential_high=max(potential),
        published_volume=parameters.value("published.volume", year),
        bank_low=min(price.bank for price in prices),
        bank_high=max(price.bank for price in prices),
    )


def _by_belief(year: int, cases: Sequence[Case], parameters: ParameterSet) -> dict[str, tuple[float, float]]:
    """Ends of the price under each belief in the worth of left-overs that is still held in a year.

    Once the rule on carry-over is announced, who took left-overs to be worthless stands with those who see a shortage
    ahead, with the bank that the earlier belief left.
    """
    settled = carry_over_is_known(parameters, year)
    found: dict[str, tuple[float, float]] = {}
    for belief in BELIEFS["left_over"]:
        held = {belief, WORTHLESS} if settled and belief == SHORTAGE else {belief}
        prices = [case.prices[year] for case in cases if case.levels["left_over"] in held]
        if prices and not (settled and belief == WORTHLESS):
            found[belief] = (min(price.low for price in prices), max(price.high for price in prices))
    return found


def _met_with(cases: Sequence[Case], met: Sequence[bool]) -> MetWith:
    """Under which assumptions an end is met: levels that suffice alone, or else those without which it is not."""
    if all(met):
        return "all", ()
    levels = [(name, level) for name in cases[0].levels for level in sorted({case.levels[name] for case in cases})]

    def at(name: str, level: str, *, taken: bool) -> list[bool]:
        return [is_met for case, is_met in zip(cases, met, strict=True) if (case.levels[name] == level) is taken]

    enough = tuple(f"{name}: {level}" for name, level in levels if all(at(name, level, taken=True)))
    if enough:
        return "always", enough
    needed = tuple(f"{name}: {level}" for name, level in levels if not any(at(name, level, taken=False)))
    return ("only", needed) if needed else ("several", ())


def used_numbers(parameters: ParameterSet) -> tuple[Used, ...]:
    """Every number of the back-cast's own files with its range, basis and source."""
    found = []
    for path in parameters:
        if path.split(".")[0] not in ("published", "assumed"):
            continue
        for labels, values in parameters.get(path).values.items():
            for one in values:
                value, low, high = (np.nan if x is None else float(x) for x in (one.value, one.low, one.high))
                text = " ".join(labels)
                row = Used(path, text, one.applies_from, value, low, high, one.basis, one.source, one.where, one.note)
                found.append(row)
    return tuple(found)
