"""Agreement of the three engines on stratified random markets: ``python -m benchmarks agree --instances 1200``.

Markets are small and their numbers are whole, so that ties, caps met exactly and prices at steps are common. A market
is counted in a stratum by what is true of its solution, not by what it was made for. Cost is that of options and
steps, discounted; of the price both ends of its interval are compared.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.registry import DisagreementError
from carbonsim.errors import InfeasibleError, SolverError
from carbonsim.market import Instrument, Market, MarketProblem, Options, clear
from carbonsim.market.clear import Engine
from carbonsim.market.instruments.auction_floor import AuctionFloor
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.instruments.compliance_periods import CompliancePeriods
from carbonsim.market.instruments.offsets import Offsets
from carbonsim.market.instruments.penalty import Penalty
from carbonsim.market.instruments.price_ceiling import PriceCeiling
from carbonsim.market.instruments.reserve_tier import ReserveTier
from carbonsim.market.instruments.terminal_bank import TerminalBank
from carbonsim.market.supply import as_array

Floats = NDArray[np.float64]
ENGINES: Final[tuple[Engine, ...]] = ("price_search", "best_response", "programme")
ACCEPTED: Final = 1e-6  # relative difference in cost and in price
LEAST: Final = 100  # markets in each stratum
SEEN: Final = 1e-7  # what is more than this share of its bound is there

THEMES: Final = (
    "ties", "exact", "ample", "no_borrowing", "reserve", "ceiling", "free", "linear", "phi", "borrowing", "offsets",
    "floor", "staged", "periods", "terminal",
)  # fmt: skip


def make_market(seed: int, number: int) -> MarketProblem:
    """The market of a number: 2 to 6 enterprises over 1 to 4 years, made for two themes with others at random."""
    rng = np.random.default_rng([seed, number])
    themes = (THEMES[number % len(THEMES)], THEMES[number // len(THEMES) % len(THEMES)])
    firms, years = int(rng.integers(2, 7)), int(rng.integers(2 if _OVER_TIME & set(themes) else 1, 5))
    owner = np.repeat(np.arange(firms), rng.integers(1, 4, firms))
    growth = 1 + 0.1 * rng.integers(0, 3) * np.arange(years)
    baseline = np.round(rng.integers(20, 100, (firms, 1)) * growth)
    share = _coverage(rng, themes, (firms, years))
    rate = rng.choice([0.0, 0.4, 0.85, 0.95, 1.03] if "phi" in themes else [0.0, 0.0, 0.0, 0.5], firms)
    options = _options(rng, themes, owner, baseline)
    fixed = np.round(baseline * rng.choice([0.0, 0.4, 0.8], (firms, 1)) * (1 - np.minimum(rate, 1.0))[:, None])
    per_emission = rate[:, None] * np.ones(years)
    need = np.sum(share * ((1 - per_emission) * baseline - fixed), axis=0)
    reach = np.sum((share * (1 - per_emission))[owner] * options.potential, axis=0)
    scarce = rng.uniform(*next((_SCARCITY[one] for one in themes if one in _SCARCITY), (0.0, 1.0)), years)
    if "no_borrowing" in themes or "borrowing" in themes:
        scarce = np.sort(scarce)[::-1]
    missing = scarce * np.maximum(reach, 0.0)
    if "exact" in themes:
        missing = _cheapest(options, (share * (1 - per_emission))[owner], rng)
    return MarketProblem(
        enterprise=tuple(f"firm_{index}" for index in range(firms)),
        year=tuple(range(2025, 2025 + years)),
        baseline=baseline,
        share=share,
        fixed=fixed,
        per_emission=per_emission,
        options=options,
        supply=np.maximum(np.round(need - missing, 2), 0.0),
        interest=float(rng.choice([0.0, 0.05, 0.1])),
        opening_bank=0.0 if "exact" in themes else float(rng.choice([0.0, 0.0, 10.0])),
        instruments=_instruments(rng, themes, years),
    )


_OVER_TIME: Final = {"no_borrowing", "borrowing", "staged", "periods"}
# Need left uncovered by supply, as a share of what all options could cut.
_SCARCITY: Final = {
    "ample": (-0.5, 0.2), "ceiling": (0.6, 1.4), "reserve": (0.6, 1.4), "staged": (0.3, 1.0), "free": (0.3, 1.0),
    "borrowing": (-0.2, 1.2), "terminal": (0.3, 0.8),
}  # fmt: skip


def _cheapest(options: Options, gain: Floats, rng: np.random.Generator) -> Floats:
    """What some of the cheapest options cut together, so that the cap is met just there and the price is open."""
    order = np.argsort(options.unit_cost[:, 0] / np.maximum(gain[:, 0], 1e-9), kind="stable")
    chosen = order[: int(rng.integers(1, len(order) + 1))]
    return np.asarray((gain * options.potential)[chosen].sum(axis=0))


def _coverage(rng: np.random.Generator, themes: tuple[str, ...], shape: tuple[int, int]) -> Floats:
    if "staged" in themes:
        start = rng.integers(0, shape[1], (shape[0], 1))
        start[0] = 0
        return np.asarray(np.arange(shape[1]) >= start, dtype=float)
    return np.asarray(rng.choice([1.0, 1.0, 1.0, 0.5], (shape[0], 1)) * np.ones(shape[1]))


_RISING: Final = {"linear": 0.7, "exact": 0.0, "ties": 0.0}  # share of options with a linear MAC


def _options(rng: np.random.Generator, themes: tuple[str, ...], owner: NDArray[np.intp], baseline: Floats) -> Options:
    count, years = len(owner), baseline.shape[1]
    among = np.bincount(owner)[owner]
    largest = baseline.min(axis=1)[owner] // (among + 1)
    potential = np.round(largest * rng.uniform(0.3, 1.0, count))[:, None] * np.ones(years)
    cost = rng.integers(1, 4, count) * 10.0 if "ties" in themes else rng.integers(2, 120, count) * 0.5
    if "free" in themes:
        cost = cost - 25.0 * rng.integers(0, 2, count) * (cost < 25)
        cost[rng.integers(0, count)] = float(rng.choice([0.0, -5.0]))
    steep = rng.choice([0.25, 0.5, 2.0], count) * (
        rng.random(count) < next((_RISING[one] for one in themes if one in _RISING), 0.1)
    )
    return Options(
        label=tuple(f"option_{index}" for index in range(count)),
        enterprise=owner,
        potential=potential,
        unit_cost=cost[:, None] * np.ones(years),
        slope=steep[:, None] * np.ones(years),
    )


def _instruments(rng: np.random.Generator, themes: tuple[str, ...], years: int) -> tuple[Instrument, ...]:
    """The instruments of the themes, and each other one now and then."""

    def wanted(theme: str, often: float = 0.2) -> bool:
        return theme in themes or bool(rng.random() < often)

    def whole(low: int, high: int) -> Floats:
        return np.asarray(as_array(float(rng.integers(low, high))), dtype=float)

    found: list[Instrument] = []
    if years > 1 and "borrowing" in themes:
        found.append(Banking(borrowing=as_array(float(rng.choice([5.0, 15.0, np.inf])))))
    elif years > 1 and wanted("no_borrowing", often=0.5):
        found.append(Banking())
    if years > 1 and "periods" in themes:
        found.append(CompliancePeriods(ends=_ends(rng, years)))
    if "terminal" in themes:
        number = float(rng.integers(8, 20))
        found.append(TerminalBank(at_least=number) if rng.random() < 0.8 else TerminalBank(value=number))
    if "exact" in themes:
        return tuple(found)
    if wanted("reserve"):
        found.append(ReserveTier(price=whole(5, 60), quantity=whole(3, 20)))
    if wanted("floor"):
        found.append(AuctionFloor(quantity=whole(5, 40), price=whole(3, 30)))
    if wanted("offsets"):
        price, share, quantity = whole(5, 50), as_array(rng.choice([0.05, 0.1, 0.3])), whole(2, 20)
        by_share = rng.random() < 0.6
        found.append(Offsets(price, share_limit=share) if by_share else Offsets(price, quantity=quantity))
    if wanted("ceiling", often=0.5):
        top = whole(20, 70)
        found.append(PriceCeiling(price=top) if rng.random() < 0.7 else Penalty(price=top))
    return tuple(found)


def _ends(rng: np.random.Generator, years: int) -> tuple[int, ...]:
    """Last years of compliance periods, of which the first has two years at least."""
    inner = [2025 + y for y in range(1, years - 1) if rng.random() < 0.5]
    return (*inner, 2025 + years - 1)


Test = Callable[[MarketProblem, Market], bool]


def _thresholds_at_price(problem: MarketProblem, market: Market) -> NDArray[np.bool_]:
    """Whether an option's marginal cost at its use is what a tonne cut is worth at the price, (option, year)."""
    data = market.dataset
    price = data.price_low.values
    lost = sum(
        (np.nan_to_num(step.obligation_share * np.maximum(price - step.price, 0.0))
         for step in problem.steps if step.obligation_share is not None),
        np.zeros(len(price)),
    )  # fmt: skip
    worth = problem.option_share * (problem.option_phi * price - lost)
    marginal = problem.options.unit_cost + problem.options.slope * data.option_abatement.values
    live = (problem.option_share > 0) & (problem.options.potential > 0)
    return np.asarray(live & (np.abs(marginal - worth) <= SEEN * np.maximum(np.abs(worth), 1.0)))


def _ties(problem: MarketProblem, market: Market) -> bool:
    at = _thresholds_at_price(problem, market) & (problem.options.slope == 0)
    return bool(np.any(at.sum(axis=0) >= 2))


def _interval(problem: MarketProblem, market: Market) -> bool:
    low, high = market.dataset.price_low.values, market.dataset.price_high.values
    return bool(np.any(np.isnan(high) | (high > low)))


def _ample(problem: MarketProblem, market: Market) -> bool:
    data = market.dataset
    left = data.expired.values + np.append(np.zeros(len(problem.year) - 1), data.bank.values[-1:])
    return bool(np.any((data.price_low.values == 0) & (data.price_high.values == 0) & (left > SEEN)))


def _no_borrowing(problem: MarketProblem, market: Market) -> bool:
    limits = [one.borrowing for one in problem.instruments if isinstance(one, Banking)]
    if not limits or np.any(limits[0] > 0):
        return False
    present = market.dataset.price_low.values * problem.discount
    empty = market.dataset.bank.values[:-1] <= SEEN
    return bool(np.any(empty & (present[:-1] > present[1:] * (1 + 1e-4) + 1e-4)))


def _free(problem: MarketProblem, market: Market) -> bool:
    used = market.dataset.option_abatement.values > SEEN
    return bool(np.any(used & (problem.options.unit_cost <= 0) & (problem.option_share > 0)))


def _linear(problem: MarketProblem, market: Market) -> bool:
    used, size = market.dataset.option_abatement.values, problem.options.potential
    inside = (used > SEEN * size) & (used < (1 - SEEN) * size)
    return bool(np.any(inside & (problem.options.slope > 0) & (problem.option_share > 0)))


def _phi(problem: MarketProblem, market: Market) -> bool:
    live = (problem.option_share > 0) & (problem.options.potential > 0)
    return any(
        len(np.unique(problem.option_phi[live[:, y], y])) > 1 and market.dataset.price_low.values[y] > 0
        for y in range(len(problem.year))
    )


def _used(kind: str) -> Test:
    def used(problem: MarketProblem, market: Market) -> bool:
        rows = [index for index, step in enumerate(problem.steps) if step.kind == kind]
        return bool(np.any(market.dataset.step_used.values[rows] > SEEN))

    return used


def _borrowing(problem: MarketProblem, market: Market) -> bool:
    return bool(np.any(market.dataset.bank.values < -SEEN))


def _banked(problem: MarketProblem, market: Market) -> bool:
    return bool(np.any(market.dataset.bank.values[:-1] > SEEN))


def _staged(problem: MarketProblem, market: Market) -> bool:
    return bool(np.any(np.diff(problem.share, axis=1) > 0) and np.any(market.dataset.price_low.values > 0))


def _periods(problem: MarketProblem, market: Market) -> bool:
    inside = problem.within_period & (np.abs(market.dataset.bank.values) > SEEN)
    return bool(np.any(inside & (market.dataset.price_low.values > 0)))


def _terminal(problem: MarketProblem, market: Market) -> bool:
    left = market.dataset.bank.values[-1] > SEEN and market.dataset.price_low.values[-1] > 0
    return bool(left and any(isinstance(one, TerminalBank) for one in problem.instruments))


STRATA: Final[dict[str, Test]] = {
    "ties at the price": _ties,
    "price is an interval": _interval,
    "ample cap": _ample,
    "binding no-borrowing": _no_borrowing,
    "reserve tier used": _used("reserve_tier"),
    "ceiling used": _used("ceiling"),
    "zero or negative costs used": _free,
    "linear MAC inside its range": _linear,
    "unequal phi": _phi,
    "banked": _banked,
    "borrowed": _borrowing,
    "offsets used": _used("offset"),
    "auction with a floor used": _used("floor"),
    "coverage widens": _staged,
    "position inside a compliance period": _periods,
    "terminal condition binds": _terminal,
}


@dataclasses.dataclass(frozen=True, slots=True)
class Compared:
    """One market cleared by all engines: its strata and the largest relative differences between any two engines.

    ``left_out`` says why a market does not count: "infeasible" if no engine can meet its cap, or who refused it.
    """

    number: int
    strata: tuple[str, ...] = ()
    cost: float = 0.0
    price: float = 0.0
    left_out: str = ""


def total_cost(problem: MarketProblem, market: Market) -> float:
    """Discounted cost of options and steps, less the worth of what is left in the last year."""
    data = market.dataset
    cost = data.abatement_cost.values.sum(axis=0)
    for index, step in enumerate(problem.steps):
        cost = cost + np.nan_to_num(step.price) * data.step_used.values[index]
    worth = sum(one.value or 0.0 for one in problem.instruments if isinstance(one, TerminalBank))
    left = worth * data.bank.values[-1] if worth else 0.0
    return float(np.sum(problem.discount * cost) - problem.discount[-1] * left)


def compare(problem: MarketProblem, number: int) -> Compared:
    """The market cleared by all three engines, with the largest differences between any two of them.

    Raises
    ------
    DisagreementError
        If some engines meet the cap and others call it infeasible.
    """
    answers = {engine: _cleared(problem, engine) for engine in ENGINES}
    refused = [engine for engine, answer in answers.items() if isinstance(answer, SolverError)]
    if refused:
        return Compared(number, left_out=f"refused by {', '.join(refused)}")
    markets = [answer for answer in answers.values() if isinstance(answer, Market)]
    if not markets:
        return Compared(number, left_out="infeasible")
    if len(markets) < len(ENGINES):
        raise DisagreementError(f"market {number}: only {', '.join(one.engine for one in markets)} can meet the cap.")
    costs = np.array([total_cost(problem, market) for market in markets])
    ends = np.array([[market.dataset.price_low.values, market.dataset.price_high.values] for market in markets])
    if np.any(np.isnan(ends) != np.isnan(ends[:1])):
        raise DisagreementError(f"market {number}: the engines do not agree on whether anything bounds the price.")
    ends = np.nan_to_num(ends)
    scale = max(1.0, float(np.abs(costs).max()))
    return Compared(
        number=number,
        strata=tuple(name for name, holds in STRATA.items() if holds(problem, markets[0])),
        cost=float(np.ptp(costs)) / scale,
        price=float(np.max(np.ptp(ends, axis=0) / np.maximum(1.0, np.abs(ends).max(axis=0)))),
    )


def _cleared(problem: MarketProblem, engine: Engine) -> Market | InfeasibleError | SolverError:
    try:
        return clear(problem, engine=engine)
    except (InfeasibleError, SolverError) as error:
        return error


def compare_all(instances: int, seed: int) -> Iterator[Compared]:
    """All markets of a seed, compared."""
    for number in range(instances):
        yield compare(make_market(seed, number), number)


def table(found: Sequence[Compared], seed: int) -> str:
    """Count and worst differences by stratum, as a markdown table."""
    counted = [one for one in found if not one.left_out]
    left_out = Counter(one.left_out for one in found if one.left_out)
    lines = [
        f"Seed {seed}: {len(counted)} of {len(found)} random markets cleared by {', '.join(ENGINES)}"
        + "".join(f"; {count} {why}" for why, count in sorted(left_out.items()))
        + ".",
        "",
        "| stratum | markets | worst difference in cost | in price | worst market |",
        "|---|--:|--:|--:|--:|",
    ]
    for name in ("all", *STRATA):
        own = [one for one in counted if name == "all" or name in one.strata]
        worst = max(own, key=lambda one: max(one.cost, one.price), default=None)
        cost, price = (max((getattr(one, what) for one in own), default=0.0) for what in ("cost", "price"))
        lines.append(f"| {name} | {len(own)} | {cost:.1e} | {price:.1e} | {'' if worst is None else worst.number} |")
    return "\n".join(lines)


def shortcomings(found: Sequence[Compared], least: int = LEAST) -> list[str]:
    """Strata with too few markets, and markets whose engines differ by more than is accepted."""
    counts = {name: sum(name in one.strata for one in found) for name in STRATA}
    few = [f"'{name}' has {count} markets; {least} are needed." for name, count in counts.items() if count < least]
    apart = [
        f"market {one.number}: cost differs by {one.cost:.1e}, price by {one.price:.1e}; accepted are {ACCEPTED:g}."
        for one in found
        if not max(one.cost, one.price) <= ACCEPTED
    ]
    return few + apart
