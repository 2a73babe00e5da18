"""The price-search engine: clears an affine market exactly without a solver, at the speed of summing.

Banking without borrowing makes the discounted price non-increasing, so clearing is an isotonic regression. Bins tell
each year's price to within a bin or two; what acts inside them is looked at one by one, and years are pooled there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from carbonsim.errors import InputError, chinese_of
from carbonsim.market.clearing import Clearing
from carbonsim.market.pooling import PooledDemand, highest_price, lowest_price
from carbonsim.market.price_bins import Bank, Bins, bank_of, bracket_prices, fill_bins, runs_of_blocks
from carbonsim.market.problem import MarketProblem
from carbonsim.market.rounding import SUMMED, part_of
from carbonsim.market.scarcity import raise_infeasible
from carbonsim.market.supply import Array, engine_zh
from carbonsim.market.thresholds import ROUNDING, Pieces, Thresholds, find_thresholds, join_pieces

IntArray = NDArray[np.intp]
SAME_PRICE: Final = 1e-11
OPTION, PIECE, STEP = 0, 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Adjacent blocks of years inside one bracket of the discounted price.

    ``level`` and ``size`` (block) are net demand at the lower end of the bracket and all quantities; ``jumps`` and
    ``ramps`` are what acts inside it, ``kind`` says of each jump what it belongs to.
    """

    first: int
    bracket: tuple[float, float]
    level: Array
    size: Array
    jumps: Pieces
    kind: IntArray
    ramps: Pieces
    bank: Bank

    def floor(self, last: int) -> float:
        """Discounted price below which blocks up to ``last`` keep what is left for good; 0 before the last year."""
        return self.bank.floor if last == len(self.bank.kept) - 1 else 0.0

    def parts(self) -> tuple[tuple[Pieces, IntArray], ...]:
        """Jumps and ramps, each with the block of every piece."""
        return tuple((pieces, self.bank.block[pieces.year]) for pieces in (self.jumps, self.ramps))


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Adjacent blocks that share one discounted price."""

    first: int
    last: int
    price: float


def clear_by_price_search(problem: MarketProblem, reason: str) -> Clearing:
    """Prices and quantities of an affine market.

    Parameters
    ----------
    problem : MarketProblem
    reason : str
        Why this engine, for the record.

    Raises
    ------
    InputError
        If the problem has best-response rules, a given price, or an instrument that ties years by more than the bank.
    InfeasibleError
        If the cap cannot be met: names the years, the missing tonnes and the rules to relax.
    """
    _refuse(problem)
    found, bank = find_thresholds(problem), bank_of(problem)
    bins = fill_bins(found, bank)
    _check_feasible(problem, bins, bank)
    edges = bracket_prices(bins, bank)
    low, high = np.zeros(len(problem.year)), np.zeros(len(problem.year))
    taken = Taken([], [], np.zeros((len(problem.steps), len(problem.year))))
    for blocks in runs_of_blocks(*edges, bank):
        run = _run(found, bins, bank, blocks, edges)
        for pool in _pools(run, lowest=False):
            high[bank.years(pool.first, pool.last)] = pool.price
        for pool in _pools(run, lowest=True):
            low[bank.years(pool.first, pool.last)] = pool.price
            _take(run, bank.years(pool.first, pool.last), pool, taken)
    abatement = _abatement(problem, found, low, taken)
    steps = _step_use(problem, found, low, taken, abatement)
    return _clearing(problem, reason, found, (low, high), (abatement, steps))


def _refuse(problem: MarketProblem) -> None:
    for instrument in problem.instruments:
        if reason := instrument.refused_by("price_search"):
            raise InputError(
                f"The price search cannot hold '{instrument.label}': it {reason}. Use engine 'programme'.",
                f"求解方式 {engine_zh('price_search')}不能处理 '{instrument.label}'：{chinese_of(reason)}。"
                f"请使用求解方式 {engine_zh('programme')}。",
            )
    for step in problem.steps:
        if step.owed_next is not None or (step.obligation_share is not None and step.slope is not None):
            raise InputError(
                f"The price search cannot hold the step '{step.name}': what it offers depends on more than the price "
                "of its year. Use engine 'programme'.",
                f"求解方式 {engine_zh('price_search')}不能处理供给项 '{step.name}'：其供给不只取决于当年价格。"
                f"请使用求解方式 {engine_zh('programme')}。",
            )
    if problem.responses:
        rules = ", ".join(sorted({type(term.rule).__name__ for term in problem.responses}))
        raise InputError(
            f"The price search cannot hold the best-response rules {rules}: such a unit has no single threshold. Use "
            "engine 'best_response'.",
            f"求解方式 {engine_zh('price_search')}不能处理最优响应规则 {rules}：这类单元没有单一的阈值。"
            f"请使用求解方式 {engine_zh('best_response')}。",
        )
    if problem.given_price is not None:
        raise InputError(
            "The price search finds a price; with given_price use engine 'auto'.",
            f"求解方式 {engine_zh('price_search')}用于求价格；已给出 given_price 时请用 auto。",
        )


def _check_feasible(problem: MarketProblem, bins: Bins, bank: Bank) -> None:
    """Raise InfeasibleError if need exceeds everything on offer, however high the price."""
    carried, missing = 0.0, {}
    last_of_block = np.diff(bank.block, append=bank.block[-1] + 1) > 0
    for y, year in enumerate(problem.year):
        carried -= float(bins.net[y, -1])
        if not last_of_block[y]:
            continue
        if carried < -ROUNDING * float(bins.size[bank.block == bank.block[y]].sum()):
            missing[year] = -carried
        carried = max(carried, 0.0) if bank.kept[bank.block[y]] else 0.0
    if missing:
        raise_infeasible(problem, missing)


def _run(found: Thresholds, bins: Bins, bank: Bank, blocks: tuple[int, int], edges: tuple[IntArray, IntArray]) -> Run:
    """What acts inside the bracket of a run of blocks; ramps that cross all of it are summed by year."""
    first, last = blocks
    start = int(edges[0][last])
    bracket = float(bins.edge[start]), float(bins.edge[edges[1][first]])
    years = bank.years(first, last)
    jumps, kind = [_options_inside(found, years, bracket)], [OPTION]
    ramps = []
    for pieces, name in ((found.pieces, PIECE), (found.steps, STEP)):
        own = pieces.of((pieces.year >= years.start) & (pieces.year < years.stop) & (pieces.low < bracket[1]))
        jump = own.low == own.high
        jumps.append(own.of(jump & (own.low >= bracket[0])))
        kind.append(name)
        ramps.append(_cut(own.of(~jump & (own.high > bracket[0])), bracket, len(found.base)))
    level = bank.by_block(bins.net[:, start])[first : last + 1]
    return Run(
        first, bracket, level, bank.by_block(bins.size)[first : last + 1], join_pieces(jumps),
        np.repeat(kind, [len(part) for part in jumps]), join_pieces(ramps), bank,
    )  # fmt: skip


def _options_inside(found: Thresholds, years: slice, bracket: tuple[float, float]) -> Pieces:
    at = found.at[:, years]
    option, year = np.nonzero((at >= bracket[0]) & (at < bracket[1]))
    year += years.start
    price, drop = found.at[option, year], found.drop[option, year]
    return Pieces(option * len(found.base) + year, year, price, price, drop, drop).of(drop > 0)


def _cut(ramps: Pieces, bracket: tuple[float, float], years: int) -> Pieces:
    """The parts of ramps inside a bracket, those that cross it all as one ramp a year."""
    low, high = np.maximum(ramps.low, bracket[0]), np.minimum(ramps.high, bracket[1])
    drop = ramps.drop * (high - low) / (ramps.high - ramps.low)
    across = (low == bracket[0]) & (high == bracket[1])
    inside = Pieces(ramps.owner, ramps.year, low, high, drop, drop).of(~across)
    if not across.any():
        return inside
    total = np.asarray(np.bincount(ramps.year[across], weights=drop[across], minlength=years), dtype=float)
    year = np.flatnonzero(total)
    begin, end = (np.full(len(year), price) for price in bracket)
    return join_pieces([inside, Pieces(np.full(len(year), -1), year, begin, end, total[year], total[year])])


def _pools(run: Run, *, lowest: bool) -> list[Pool]:
    """Blocks of a run pooled until the discounted price never rises."""
    pools: list[Pool] = []
    for block in range(run.first, run.first + len(run.level)):
        pools.append(Pool(block, block, _root(run, block, block, lowest=lowest)))
        while len(pools) > 1 and pools[-1].price > pools[-2].price:
            last, first = pools.pop().last, pools.pop().first
            pools.append(Pool(first, last, _root(run, first, last, lowest=lowest)))
    return pools


def _root(run: Run, first: int, last: int, *, lowest: bool) -> float:
    """Lowest or highest discounted price at which blocks together clear.

    Where that lies below the bracket the answer is 0 or the floor, and above it ``inf``: such blocks are pooled on.
    """
    own = slice(first - run.first, last + 1 - run.first)
    level, tolerance = float(run.level[own].sum()), ROUNDING * float(run.size[own].sum())
    jumps, ramps = (pieces.of((block >= first) & (block <= last)) for pieces, block in run.parts())
    if level <= tolerance if lowest else level < -tolerance:
        return run.floor(last)
    if len(ramps):
        demand = PooledDemand(level, jumps.low, jumps.drop, ramps.low, ramps.high, ramps.drop, (), tolerance)
        price = (lowest_price if lowest else highest_price)(demand, np.inf)
        return max(price, run.floor(last))
    order = np.argsort(jumps.low, kind="stable")
    fallen = np.cumsum(jumps.drop[order])
    place = np.searchsorted(
        fallen, level - tolerance if lowest else level + tolerance, side="left" if lowest else "right"
    )
    price = float(jumps.low[order[place]]) if place < len(order) else np.inf
    return max(price, run.floor(last))


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """What is taken of those who are indifferent at the price: flat positions with parts or tonnes, and steps."""

    option: list[tuple[IntArray, float]]
    piece: list[tuple[IntArray, Array]]
    step: Array


def _take(run: Run, years: slice, pool: Pool, taken: Taken) -> None:
    """Take at the price as much as clears, in the order of years, which keeps the bank within its limit."""
    own = slice(pool.first - run.first, pool.last + 1 - run.first)
    (jumps, block), (ramps, ramp_block) = run.parts()
    mine = (block >= pool.first) & (block <= pool.last)
    below = float(jumps.drop[mine & (jumps.low < pool.price)].sum())
    sloping = ramps.of((ramp_block >= pool.first) & (ramp_block <= pool.last))
    ramped = float(np.sum(sloping.drop * sloping.passed(np.full(len(sloping), pool.price))))
    needed = float(run.level[own].sum()) - below - ramped
    here = np.flatnonzero(mine & (jumps.low == pool.price))
    rounding = SUMMED * float(run.size[own].sum())
    for y in range(years.start, years.stop):
        now = here[jumps.year[here] == y]
        options = now[run.kind[now] != STEP]
        total = float(jumps.drop[options].sum())
        part = part_of(needed, total, rounding)
        needed -= part * total
        held, moved = options[run.kind[options] == OPTION], options[run.kind[options] == PIECE]
        taken.option.append((jumps.owner[held], part))
        taken.piece.append((jumps.owner[moved], part * jumps.change[moved]))
        for j in now[run.kind[now] == STEP]:
            amount = min(float(jumps.drop[j]), max(needed, 0.0))
            taken.step[jumps.owner[j], y] = amount
            needed -= amount


def _abatement(problem: MarketProblem, found: Thresholds, price: Array, taken: Taken) -> Array:
    """Use of every option at the discounted prices, (option, year)."""
    potential = problem.options.potential
    use = np.ascontiguousarray(np.where(found.at < price, potential, 0.0))
    flat, size = use.reshape(-1), np.ascontiguousarray(potential).reshape(-1)
    flat[found.first] = found.first_use
    pieces = found.pieces
    np.add.at(flat, pieces.owner, pieces.change * pieces.passed(price[pieces.year]))
    for place, part in taken.option:
        flat[place] = part * size[place]
    for place, change in taken.piece:
        np.add.at(flat, place, change)
    flat[found.first] = np.clip(flat[found.first], 0.0, size[found.first])
    return use


def _step_use(problem: MarketProblem, found: Thresholds, price: Array, taken: Taken, abatement: Array) -> Array:
    """Use of every supply step, (step, year); what obligations limit follows the final obligations."""
    used = taken.step
    passed = found.steps.passed(price[found.steps.year])
    below = passed > 0
    np.add.at(used, (found.steps.owner[below], found.steps.year[below]), found.steps.change[below] * passed[below])
    limited = [(s, step) for s, step in enumerate(problem.steps) if step.obligation_share is not None]
    if limited:
        share = np.take(problem.share, problem.options.enterprise, axis=0)
        obligation = np.sum(problem.share * problem.baseline, axis=0) - np.einsum("oy,oy->y", share, abatement)
        for s, step in limited:
            above = step.exists() & (price > step.price * problem.discount)
            used[s] = np.where(above, step.obligation_share * obligation, used[s])
    return used


def _clearing(
    problem: MarketProblem,
    reason: str,
    found: Thresholds,
    discounted: tuple[Array, Array],
    quantities: tuple[Array, Array],
) -> Clearing:
    low, high = (_snapped(problem, price / problem.discount) for price in discounted)
    high = np.where(np.abs(high - low) <= SAME_PRICE * np.maximum(low, 1.0), low, high)
    indeterminate = high > low
    if indeterminate.any():
        indeterminate &= ~found.responds()
    return Clearing(
        engine="price_search",
        reason=reason,
        basis="price_search",
        price=np.where(indeterminate, np.nan, low),
        price_low=low,
        price_high=high,
        abatement=quantities[0],
        step_used=quantities[1],
        answers=(),
        indeterminate=indeterminate,
        mixed=np.zeros(len(problem.year)),
    )


def _snapped(problem: MarketProblem, price: Array) -> Array:
    """Current prices, set to a step's price where discounting and back has moved them off it by rounding."""
    for step in problem.steps:
        with np.errstate(invalid="ignore"):
            near = step.exists() & (np.abs(price - step.price) <= SAME_PRICE * step.price)
        price = np.where(near, step.price, price)
    return price
