"""Finds the allowance prices and benchmark factors of one year: bracketed roots, from both ends.

With caps and standards alone the excess demand for allowances is the gradient of a concave function of the prices, so
each market's own root is unique or an interval, and solving the markets by turns converges. With rebates inside a cap
it need not fall with the price: every crossing of a scan is a candidate, and the least and the greatest are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from carbonsim.errors import InfeasibleError, SolverError
from carbonsim.market.output_problem import CAPPED
from carbonsim.market.output_response import Response, YearView, allowances_issued, respond
from carbonsim.market.supply import Array

FLAT = 1e-12  # excess demand below this share of emissions without policy counts as none
NUDGE = 1e-6  # relative step off a root, to see whether it is a single price
NARROWEST = 1e-9  # least step off a root, as a share of the price at which everything is cut
TOLERANCE = 1e-9  # largest excess demand accepted at the end, as a share of emissions without policy
SETTLED = 1e-13  # relative move of a price or factor at which turns end
ROUNDS = 500
DOUBLINGS = 20  # of a price at which every cut is already made and every buyer driven off
SCANNED = 64  # prices looked at where excess demand need not fall with the price
CLOSE_BY = 0.05  # relative distance within which a later turn looks for the same root first
CLOSEST = float(4 * np.finfo(float).eps)

Excess = Callable[[float], float]


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """Prices [CNY/tCO2e] and factors of a year by pool, the interval of each price and the answer at the price."""

    price: Array
    low: Array
    high: Array
    factor: Array
    basis: tuple[str, ...]
    answer: Response
    residual: float
    rounds: int


def solve_year(view: YearView) -> Solution:
    """The year's equilibrium; where several are found, the one with the lowest prices, and the interval spans them.

    Raises
    ------
    InfeasibleError
        If a cap cannot be met at any price.
    SolverError
        If the turns between markets or factors do not settle, or a balance is left open.
    """
    markets, scale = _markets(view), _scale(view)
    idle = [members for members in markets if all(view.pool_kind(k) == "self_balancing" for k in members)]
    if idle:
        return _indeterminate(view)
    low, rounds, gap = _by_turns(view, markets, scale, from_top=False)
    high = low
    if not view.problem.is_convex(view.y):
        high, more, other = _by_turns(view, markets, scale, from_top=True)
        rounds, gap = rounds + more, max(gap, other)
    if gap > TOLERANCE:
        raise SolverError(
            f"{view.problem.year[view.y]}: the allowance markets do not settle; excess demand of {gap:.1e} of the "
            f"emissions is left after {rounds} rounds.",
            f"{view.problem.year[view.y]} 年：配额市场不能出清；经 {rounds} 轮仍有相当于排放量 {gap:.1e} 的超额需求。",
        )
    bottom, top = _interval(view, markets, scale, low, high)
    if any(np.isinf(top[k]) and bottom[k] == 0.0 for members in markets for k in members):
        return _indeterminate(view)
    factor = settle_factors(view, low)
    answer = respond(view, low, factor)
    _check_alive(view, markets, answer)
    _check_rebates(view, answer)
    basis = tuple(_basis(view, k, low, bottom, top) for k in range(len(low)))
    return Solution(low, bottom, top, factor, basis, answer, gap, rounds)


def settle_factors(view: YearView, price: Array) -> Array:
    """Benchmark factor of each pool at given prices: the fixed point of factor and output, 1 where there is none."""
    from scipy.optimize import brentq

    kinds = [view.pool_kind(k) for k in range(len(price))]
    factor, moving = np.ones(len(price)), [k for k, kind in enumerate(kinds) if kind in ("corrected", "self_balancing")]
    for _ in range(ROUNDS):
        before = factor.copy()
        for k in moving:

            def gap(value: float, k: int = k) -> float:
                trial = factor.copy()
                trial[k] = value
                return _factor_gap(view, k, value, respond(view, price, trial))

            low, high = _factor_bracket(view, k, price)
            if gap(high) <= 0.0:
                factor[k] = high
            elif gap(low) >= 0.0:
                factor[k] = low
            else:
                factor[k] = brentq(gap, low, high, xtol=1e-300, rtol=CLOSEST)
        if np.all(np.abs(factor - before) <= SETTLED * np.abs(factor)) or len(moving) == 1:
            return factor
        if not moving:
            return factor
    raise SolverError(
        f"{view.problem.year[view.y]}: the benchmark factors of the pools do not settle together.",
        f"{view.problem.year[view.y]} 年：各配额池的基准系数不能一并确定。",
    )


def _factor_gap(view: YearView, k: int, value: float, answer: Response) -> float:
    """What free allocation exceeds its budget, or the emissions it should equal; rises with the factor."""
    rows = view.problem.producer_pool == k
    given = value * float((view.nominal * answer.output)[rows].sum())
    if view.pool_kind(k) == "corrected":
        return given - float(view.problem.free_budget[k, view.y])
    return given - float(answer.emissions[rows].sum())


def _factor_bracket(view: YearView, k: int, price: Array) -> tuple[float, float]:
    if view.pool_kind(k) == "corrected":
        return 0.0, 1.0
    rows = view.problem.producer_pool == k
    cut = np.minimum(price[k] / view.column("abatement_curvature"), view.column("largest_cut"))
    ratio = ((view.column("intensity") - cut) / np.where(rows, view.nominal, 1.0))[rows]
    return float(ratio.min()), float(ratio.max())


def excess_demand(view: YearView, members: tuple[int, ...], price: Array) -> float:
    """Emissions of a market less its allowances at the prices of all pools, tCO2e."""
    answer = respond(view, price, settle_factors(view, price))
    excess = 0.0
    for k in members:
        kind = view.pool_kind(k)
        # A self-balancing pool adds nothing by construction; summing it would only add rounding.
        if kind not in ("none", "self_balancing"):
            rows = view.problem.producer_pool == k
            excess += float(answer.emissions[rows].sum()) - allowances_issued(view, k, answer)
    return excess


def _markets(view: YearView) -> list[tuple[int, ...]]:
    numbers = view.problem.market[:, view.y]
    found = [tuple(np.flatnonzero(numbers == number).tolist()) for number in np.unique(numbers)]
    covered = [tuple(k for k in members if view.pool_kind(k) != "none") for members in found]
    return [members for members in covered if members]


def _scale(view: YearView) -> float:
    """Emissions of covered producers without any policy, tCO2e."""
    pools = len(view.problem.pool)
    answer = respond(view, np.zeros(pools), np.ones(pools))
    return max(float(answer.emissions[view.covered].sum()), 1e-300)


def _by_turns(
    view: YearView, markets: list[tuple[int, ...]], scale: float, *, from_top: bool
) -> tuple[Array, int, float]:
    """Prices that clear every market, each solved in turn; from no price up, or from prohibitive prices down."""
    price = np.zeros(len(view.problem.pool))
    if from_top:
        for members in markets:
            price[list(members)] = _top(view, members)
    rounds = 0
    while rounds < ROUNDS:
        rounds += 1
        before = price.copy()
        for members in markets:
            excess, last = _one_market(view, members, price), float(price[members[0]])
            found = _near(excess, last) if rounds > 1 else None
            if found is None:
                found = (_highest if from_top else _lowest)(view, members, excess, scale)
            price[list(members)] = found
        if len(markets) <= 1 or np.all(np.abs(price - before) <= SETTLED * np.maximum(price, SETTLED)):
            break
    return price, rounds, _open(view, markets, price, scale)


def _near(excess: Excess, last: float) -> float | None:
    """The clearing price close to that of the turn before, if there is one: later turns follow the same root."""
    from scipy.optimize import brentq

    low, high = last * (1 - CLOSE_BY), last * (1 + CLOSE_BY)
    if last <= 0 or not excess(low) > 0 > excess(high):
        return None
    return float(brentq(excess, low, high, xtol=1e-300, rtol=CLOSEST))


def _open(view: YearView, markets: list[tuple[int, ...]], price: Array, scale: float) -> float:
    """Largest violation of 0 <= price, excess <= 0, price * excess = 0, as a share of emissions."""
    gaps = [0.0]
    for members in markets:
        excess = excess_demand(view, members, price) / scale
        gaps.append(abs(excess) if price[members[0]] > 0 else max(excess, 0.0))
    return max(gaps)


def _one_market(view: YearView, members: tuple[int, ...], price: Array) -> Excess:
    def excess(value: float) -> float:
        trial = price.copy()
        trial[list(members)] = value
        return excess_demand(view, members, trial)

    return excess


def _top(view: YearView, members: tuple[int, ...]) -> float:
    """A price above which no option is left: every cut is made and even the dearest buyer is driven off."""
    rows = np.isin(view.problem.producer_pool, members)
    left = view.column("intensity") - view.column("largest_cut")
    choke = np.abs(view.column("intercept")[view.problem.producer_good])
    drive = np.divide(choke, left, out=np.zeros_like(left), where=left > 0)
    return float(max(1.0, (view.column("abatement_curvature") * view.column("largest_cut") + drive)[rows].max()))


def _ceiling(view: YearView, members: tuple[int, ...], excess: Excess, scale: float) -> float:
    """A price at which supply covers demand."""
    top = _top(view, members)
    for _ in range(DOUBLINGS):
        missing = excess(top)
        if missing <= FLAT * scale:
            return top
        top *= 2.0
    names = ", ".join(view.problem.pool[k] for k in members)
    raise InfeasibleError(
        f"{view.problem.year[view.y]}: no price balances pool {names}; {missing:.6g} t are still missing when every "
        f"cut is made. Raise the cap or benchmark, let the good's price respond, or link the pool to another.",
        f"{view.problem.year[view.y]} 年：没有使配额池 {names} 平衡的价格；实施全部减排后仍缺 {missing:.6g} 吨。"
        "请提高总量或基准，让产品价格随之变化，或与其他配额池连接。",
    )


def _lowest(view: YearView, members: tuple[int, ...], excess: Excess, scale: float) -> float:
    """The lowest price at which supply covers demand."""
    from scipy.optimize import brentq

    if excess(0.0) <= FLAT * scale:
        return 0.0
    grid = _grid(view, members, _ceiling(view, members, excess, scale))
    last = grid[0]
    for value in grid[1:]:
        if excess(value) <= 0.0:
            root = float(brentq(excess, last, value, xtol=1e-300, rtol=CLOSEST))
            # Where excess demand stays at zero the solver may stop at any of its prices.
            if excess(max(root - _step_off(view, members, root), 0.0)) <= FLAT * scale:
                # Without a single allowance what is left is none at all, not next to none.
                return _halve(_at_most(excess, FLAT * scale if _issues(view, members) else 0.0), last, root)
            return root
        last = value
    return float(grid[-1])


def _issues(view: YearView, members: tuple[int, ...]) -> bool:
    """Whether a market has any allowances, whatever is made."""
    return any(view.pool_kind(k) not in CAPPED or view.problem.cap[k, view.y] > 0 for k in members)


def _step_off(view: YearView, members: tuple[int, ...], price: float) -> float:
    """Distance from a price at which excess demand has moved unless several prices clear."""
    return max(price * NUDGE, NARROWEST * _top(view, members))


def _highest(view: YearView, members: tuple[int, ...], excess: Excess, scale: float) -> float:
    """The highest price at which demand reaches supply; 0 if it never does."""
    from scipy.optimize import brentq

    grid = _grid(view, members, _ceiling(view, members, excess, scale))
    last = grid[-1]
    for value in grid[-2::-1]:
        if excess(value) > FLAT * scale:
            return float(brentq(excess, value, last, xtol=1e-300, rtol=CLOSEST))
        last = value
    return 0.0


def _grid(view: YearView, members: tuple[int, ...], top: float) -> list[float]:
    """Prices to look at: only the ends where excess demand cannot rise with the price."""
    if view.problem.is_convex(view.y):
        return [0.0, top]
    even, close = np.linspace(0.0, top, SCANNED), np.geomspace(top * 1e-6, top, SCANNED)
    return [float(value) for value in np.unique(np.concatenate([even, close]))]


def _interval(
    view: YearView, markets: list[tuple[int, ...]], scale: float, low: Array, high: Array
) -> tuple[Array, Array]:
    """Lowest and highest clearing price of each market, the other markets' prices held; infinite if unbounded."""
    bottom, top = low.copy(), high.copy()
    for members in markets:
        first, rows = members[0], list(members)
        at_low, at_high = float(low[first]), float(high[first])
        step = _step_off(view, members, at_high)
        up = _at_least(_one_market(view, members, high), -FLAT * scale)
        if up(at_high) and up(at_high + step):
            top[rows] = _edge(up, at_high + step)
        enough = _at_most(_one_market(view, members, low), FLAT * scale)
        if low[first] > 0 and enough(max(at_low - _step_off(view, members, at_low), 0.0)):
            bottom[rows] = 0.0 if enough(0.0) else _halve(enough, 0.0, at_low)
    return bottom, top


def _at_least(excess: Excess, level: float) -> Callable[[float], bool]:
    return lambda price: excess(price) >= level


def _at_most(excess: Excess, level: float) -> Callable[[float], bool]:
    return lambda price: excess(price) <= level


def _edge(holds: Callable[[float], bool], start: float) -> float:
    """Highest price at which a condition that ends once still holds; infinite if it never ends."""
    last = start
    for _ in range(DOUBLINGS):
        following = last * 2.0
        if not holds(following):
            return _halve(lambda value: not holds(value), last, following)
        last = following
    return float("inf")


def _halve(holds: Callable[[float], bool], low: float, high: float) -> float:
    """Smallest price in (low, high] at which a condition that stays true once true holds."""
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _basis(view: YearView, k: int, price: Array, low: Array, high: Array) -> str:
    kind = view.pool_kind(k)
    if kind == "none":
        return "none"
    if high[k] > low[k] * (1 + NUDGE) and high[k] > 0:
        return "interval"
    if price[k] == 0.0:
        return "ample"
    return "market"


def _check_alive(view: YearView, markets: list[tuple[int, ...]], answer: Response) -> None:
    """Raise InfeasibleError if a standard is met only because nothing is made any more."""
    for members in markets:
        rows = np.isin(view.problem.producer_pool, members)
        if all(view.pool_kind(k) not in CAPPED for k in members) and answer.output[rows].sum() <= 0.0:
            names = ", ".join(view.problem.pool[k] for k in members)
            raise InfeasibleError(
                f"{view.problem.year[view.y]}: no producer of pool {names} can reach its benchmark at a price that "
                f"leaves any output. Raise the benchmark or link the pool to another.",
                f"{view.problem.year[view.y]} 年：在仍有产出的价格下，配额池 {names} 没有生产者能达到其基准。"
                "请提高基准，"
                "或与其他配额池连接。",
            )


def _check_rebates(view: YearView, answer: Response) -> None:
    """Raise InfeasibleError if what is free exceeds the cap it comes out of."""
    for k, name in enumerate(view.problem.pool):
        if view.pool_kind(k) != "output_based":
            continue
        rows = view.problem.producer_pool == k
        given = float((answer.benchmark * answer.output + view.column("free"))[rows].sum())
        cap = float(view.problem.cap[k, view.y])
        if given > cap * (1 + TOLERANCE):
            raise InfeasibleError(
                f"{view.problem.year[view.y]}: pool {name} gives {given:.6g} free allowances out of a cap of "
                f"{cap:.6g}. Lower its benchmarks, or use the policy 'corrected', which scales them to a free_budget.",
                f"{view.problem.year[view.y]} 年：配额池 {name} 免费发放 {given:.6g} 个配额，而总量为 {cap:.6g}。"
                "请降低其基准，或使用按 free_budget 调整的政策 'corrected'。",
            )


def _indeterminate(view: YearView) -> Solution:
    """No price is determined: net demand is zero at every price, as where all pools of a market balance themselves."""
    pools = len(view.problem.pool)
    unknown = np.full(pools, np.nan)
    idle = np.zeros(pools)
    answer = respond(view, idle, np.ones(pools))
    blank = Response(*(np.full_like(getattr(answer, name), np.nan) for name in Response.__slots__))
    basis = tuple("none" if view.pool_kind(k) == "none" else "indeterminate" for k in range(pools))
    return Solution(unknown, idle, np.full(pools, np.inf), unknown, basis, blank, 0.0, 0)
