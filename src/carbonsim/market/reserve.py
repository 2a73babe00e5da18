"""Fixed points of a supply rule: the supply that makes the market which makes that supply.

The market is cleared for a given supply; the rule reads it and answers with a supply; this is repeated from both ends
until the answer is what was given. The rule is never inside the programme.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carbonsim.errors import InfeasibleError, InputError, Said, SolverError, chinese_of, issues_of
from carbonsim.market.supply import Array
from carbonsim.market.supply_rule import Observed, Response, SupplyRule, offered, with_change

if TYPE_CHECKING:
    from carbonsim.market.clear import Engine, Market
    from carbonsim.market.problem import MarketProblem

SMALLEST_STEP = 1e-3  # share of an answer below which no damping is tried any more
PATIENCE = 8  # rounds without a better residual before the steps are made shorter
HALVINGS = 12  # times a start that cannot be met is moved half-way to no intervention
POLISH = 12  # further rounds from an accepted point, to bring its residual down to rounding
DISTINCT = 100.0  # multiple of the tolerance by which two fixed points must differ to be two


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """How fixed points are looked for.

    Parameters
    ----------
    tolerance : float [1]
        Accepted ``max |s - G(s)|`` as a share of the largest yearly volume of the market.
    rounds : int
        Markets cleared from one start before the search is given up with an error.
    damping : float [1]
        Factor on the steps after a cycle or without progress, above 0 and below 1.
    seeds : tuple of array [allowance] (year)
        Further changes of supply to start from.
    """

    tolerance: float = 1e-6
    rounds: int = 200
    damping: float = 0.5
    seeds: tuple[Array, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class FixedPoint:
    """One fixed point: the market, the change of supply it was cleared with, and what the rule answers to it."""

    label: str
    start: str
    market: Market
    change: Array
    response: Response
    residual: float
    rounds: int


def find_fixed_points(
    problem: MarketProblem,
    rule: SupplyRule,
    engine: Engine = "auto",
    search: Search | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> tuple[FixedPoint, ...]:
    """The distinct fixed points reached from no intervention, from the largest intervention and from the seeds.

    Returns
    -------
    tuple of FixedPoint
        The one reached from no intervention first. Where the rule is isotone the first is the one of least and, if
        there are two, the second the one of greatest withdrawal.

    Raises
    ------
    InputError
        If the rule does not fit the market.
    InfeasibleError
        If the supply that the rule leaves cannot meet the obligations.
    SolverError
        If no answer of the rule is consistent with itself within the rounds.
    """
    settings = Search() if search is None else search
    _check(problem, rule, settings)
    iteration = _Iteration(problem, rule, engine, settings, progress)
    nothing = np.zeros(len(problem.year))
    least = iteration.run(Said("no intervention", "不干预"), nothing)
    starts = [iteration.largest(), *((Said(f"seed {n + 1}", f"起点 {n + 1}"), s) for n, s in enumerate(settings.seeds))]
    found = [least, *(iteration.run(name, start) for name, start in starts if np.any(start != nothing))]
    return _named(found, rule.not_isotone(problem), settings.tolerance * iteration.scale)


def _check(problem: MarketProblem, rule: SupplyRule, settings: Search) -> None:
    found: list[str] = [
        Said(f"supply rule: {text}", f"供给规则：{chinese_of(text)}") for text in rule.problems(problem)
    ]
    if problem.given_price is not None:
        found.append(
            Said(
                "a supply rule has no effect at a given price; leave one of the two out.",
                "价格给定时供给规则不起作用；请删去其中之一。",
            )
        )
    if not 0 < settings.damping < 1 or settings.rounds < 1 or not settings.tolerance > 0:
        found.append(
            Said(
                "the search needs a damping between 0 and 1, at least one round and a positive tolerance.",
                "搜索须有 0 与 1 之间的 damping、至少一轮以及正的 tolerance。",
            )
        )
    for seed in settings.seeds:
        if seed.shape != (len(problem.year),) or not np.all(np.isfinite(seed)):
            found.append(
                Said(
                    f"a seed is {seed.tolist()}; expected one number for each of the {len(problem.year)} years.",
                    f"某个 seed 为 {seed.tolist()}，应为 {len(problem.year)} 年每年一个数。",
                )
            )
    if found:
        raise InputError(issues_of("supply_rule", Said("market problem", "市场问题"), found))


class _Iteration:
    """Repeated clearing of one problem under one rule; remembers the market without intervention."""

    def __init__(
        self,
        problem: MarketProblem,
        rule: SupplyRule,
        engine: Engine,
        search: Search,
        progress: Callable[[str, float], None] | None,
    ) -> None:
        self.problem, self.rule, self.engine, self.search, self.progress = problem, rule, engine, search, progress
        needed = (problem.share * problem.baseline).sum(axis=0) + offered(problem, rule.acts_on)
        self.scale = max(float(needed.max()), 1e-12)
        self.untouched = self.clear(np.zeros(len(problem.year)))

    def clear(self, change: Array) -> Market:
        from carbonsim.market.clear import clear

        return clear(with_change(self.problem, self.rule.acts_on, change), self.engine)

    def largest(self) -> tuple[str, Array]:
        """The largest withdrawal, or the half, quarter ... of it with which the market still has an answer."""
        problem, used = self.problem, self.untouched.dataset.option_abatement.values
        counts = np.where(problem.in_response, 1.0, np.abs(problem.option_phi)) * problem.option_share
        room = (counts * np.maximum(problem.options.potential - used, 0.0)).sum(axis=0)
        most = self.rule.most(problem, Observed.of(self.untouched.dataset), room)
        for halved in range(HALVINGS):
            try:
                self.clear(most)
            except InfeasibleError:
                most = most / 2
            else:
                part = Said(f"{2.0**-halved:g} of the largest intervention", f"最大干预的 {2.0**-halved:g}")
                return part if halved else Said("largest intervention", "最大干预"), most
        raise InfeasibleError(
            f"No withdrawal of the supply rule leaves a market that can meet its obligations in "
            f"{problem.year[0]}–{problem.year[-1]}. Raise supply, or weaken the rule.",
            f"供给规则无论扣减多少，{problem.year[0]}–{problem.year[-1]} 年的市场都无法履行清缴义务。请提高供给，"
            "或放宽规则。",
        )

    def run(self, start: str, change: Array) -> FixedPoint:
        """The fixed point reached from one change of supply."""
        weight, best, stalled = 1.0, np.inf, 0
        visited: list[Array] = []
        residual = np.inf
        for turn in range(1, self.search.rounds + 1):
            market, change = self._clear_or_retreat(change, visited)
            seen = Observed.of(market.dataset)
            literal = self.rule.respond(self.problem, seen)
            residual = float(np.max(np.abs(literal.change - change))) / self.scale
            if self.progress is not None:
                self.progress(
                    f"supply rule from {start}: round {turn}, residual {residual:.1e}", turn / self.search.rounds
                )
            if residual <= self.search.tolerance:
                return self._polished(FixedPoint(start, start, market, change, literal, residual, turn))
            again = any(np.max(np.abs(change - old)) <= self.search.tolerance * self.scale for old in visited)
            best, stalled = (residual, 0) if residual < best else (best, stalled + 1)
            if again or stalled >= PATIENCE:
                weight, stalled = weight * self.search.damping, 0
                visited.clear()
            if weight < SMALLEST_STEP:
                break
            visited.append(change)
            forward = self.rule.respond(self.problem, seen, applied=change).change
            change = change + weight * (forward - change)
        raise self._failure(start, change, residual)

    def _polished(self, point: FixedPoint) -> FixedPoint:
        """The point itself or one nearby with a smaller residual: steps along the last one, as long as it should be.

        Where the answer follows supply nearly in proportion, as between thresholds, the length of a step that is left
        over follows from the last two (Irons and Tuck 1969), so that a few rounds reach rounding.
        """
        kept, at, weight, last = point, point, 1.0, None
        for turn in range(point.rounds + 1, point.rounds + 1 + POLISH):
            answer = self.rule.respond(self.problem, Observed.of(at.market.dataset), applied=at.change).change
            step = answer - at.change
            if last is not None and np.any(step != last):
                weight *= -float(last @ (step - last)) / float((step - last) @ (step - last))
            if not np.any(step):
                break
            change, last = at.change + weight * step, step
            try:
                market = self.clear(change)
            except InfeasibleError:
                break
            literal = self.rule.respond(self.problem, Observed.of(market.dataset))
            residual = float(np.max(np.abs(literal.change - change))) / self.scale
            at = dataclasses.replace(
                point, market=market, change=change, response=literal, residual=residual, rounds=turn
            )
            if residual > self.search.tolerance:
                break
            kept = at if residual < kept.residual else kept
        return kept

    def _clear_or_retreat(self, change: Array, visited: Sequence[Array]) -> tuple[Market, Array]:
        """The market, moved back towards the last one that had an answer if this supply has none."""
        last = visited[-1] if visited else np.zeros(len(self.problem.year))
        for _ in range(HALVINGS):
            try:
                return self.clear(change), change
            except InfeasibleError:
                if not np.any(change != last):
                    raise
                change = (change + last) / 2
        return self.clear(change), change

    def _failure(self, start: str, change: Array, residual: float) -> SolverError:
        answer = self.rule.respond(self.problem, Observed.of(self.clear(change).dataset)).change
        y = int(np.argmax(np.abs(answer - change)))
        return SolverError(
            f"The supply rule finds no supply that is consistent with itself: started from {start}, a change of "
            f"{change[y]:,.6g} allowances in {self.problem.year[y]} is answered by {answer[y]:,.6g} (residual "
            f"{residual:.1e}, accepted {self.search.tolerance:.0e}). A rule that jumps at a threshold may have no "
            "equilibrium; smooth it, start from other seeds, or allow more rounds.",
            f"供给规则找不到与自身一致的供给：从“{chinese_of(start)}”出发，{self.problem.year[y]} 年变动 "
            f"{change[y]:,.6g} 个配额时，规则给出 {answer[y]:,.6g}（残差 {residual:.1e}，允许 "
            f"{self.search.tolerance:.0e}）。在阈值处跳变的规则可能没有均衡；请使其平滑，从其他起点出发，或增加轮数。",
        )


def _named(found: Sequence[FixedPoint], not_isotone: str, apart: float) -> tuple[FixedPoint, ...]:
    """The distinct ones, with labels that claim no more than is known."""
    kept: list[FixedPoint] = []
    for point in found:
        if all(np.max(np.abs(point.change - other.change)) > DISTINCT * apart for other in kept):
            kept.append(point)
    ends = {"no intervention": "least_withdrawal", "largest intervention": "greatest_withdrawal"}
    if not_isotone:
        ends = {"no intervention": "from_no_intervention", "largest intervention": "from_largest_intervention"}
    return tuple(
        FixedPoint(ends.get(p.start, p.start.replace(" ", "_")), p.start, p.market, p.change, p.response, p.residual,
                   p.rounds)
        for p in kept
    )  # fmt: skip
