"""A market in which output answers the allowance price: goods, producers and pools of allowances, year by year."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from carbonsim.errors import InputError, Said, issues_of, shorten
from carbonsim.market.supply import Array

IntArray = NDArray[np.intp]
PolicyKind = Literal["none", "cap", "standard", "output_based", "corrected", "self_balancing"]

KINDS: tuple[str, ...] = get_args(PolicyKind)
CAPPED = ("cap", "output_based", "corrected")  # a fixed number of allowances is issued
BENCHMARKED = ("standard", "output_based", "corrected", "self_balancing")  # free allowances follow output
CONVEX = ("none", "cap", "standard")  # together one convex programme when goods are sold competitively


@dataclass(frozen=True, eq=False)
class OutputProblem:
    r"""Goods, their producers and the pools of allowances that cover them; each year stands alone.

    Parameters
    ----------
    year : tuple of int (year)
        Consecutive calendar years. Nothing is carried from one to the next.
    good, producer, pool : tuple of str
        Unique names.
    intercept : array [CNY/unit] (good, year)
        Price at which nobody buys.
    slope : array [CNY/unit per unit] (good, year)
        Fall of that price with the quantity; above 0.
    pass_through : array [1] (good, year)
        NaN: the price is where supply meets demand. A share: the price is regulated; it is the price without any
        policy plus this share of the mean allowance cost of home producers, at their outputs without any policy.
    producer_good, producer_pool : array of int (producer)
        Positions; pool -1 is covered by none.
    is_foreign : array of bool (producer)
        Whether the producer's emissions count as leakage; a foreign producer is in no pool.
    intensity : array [tCO2e/unit] (producer, year)
        Emissions per unit of output before abatement. Not negative.
    unit_cost : array [CNY/unit] (producer, year)
        Marginal cost at no output.
    supply_slope : array [CNY/unit per unit] (producer, year)
        Rise of the marginal cost with output; above 0.
    abatement_curvature : array [CNY/unit per (tCO2e/unit)^2] (producer, year)
        k: cutting the intensity by a costs k a^2 / 2 for each unit of output; above 0.
    largest_cut : array [tCO2e/unit] (producer, year)
        Largest a; 0 to the intensity.
    benchmark : array [allowance/unit] (producer, year)
        Free allowances for each unit of output, where the pool's policy has them. Under ``self_balancing`` only the
        proportions between producers matter.
    free : array [allowance] (producer, year)
        Lump-sum free allocation, out of the cap.
    kind : tuple of tuple of str (pool, year)
        ``none``; ``cap``: a fixed cap, auctioned or given as a lump sum; ``standard``: tradable performance standard,
        allowances are benchmark times output and nothing is fixed; ``output_based``: a fixed cap out of which
        benchmark times output is free, the rest auctioned; ``corrected``: the same, benchmarks scaled by one factor
        so that what is free fits ``free_budget``; ``self_balancing``: benchmarks scaled after the fact so that the
        pool's allowances equal its emissions at any price.
    cap : array [allowance] (pool, year)
        Allowances issued under cap, output_based and corrected; NaN where the policy has none.
    free_budget : array [allowance] (pool, year)
        Largest free allocation by output under corrected; NaN elsewhere.
    market : array of int (pool, year)
        Pools with the same number in a year trade with each other.

    Raises
    ------
    InputError
        With every problem found.

    Notes
    -----
    .. math:: \max_{q, a} \; \sum_g \Big( A_g Q_g - \tfrac{B_g}{2} Q_g^2 \Big)
        - \sum_i \Big( c_i q_i + \tfrac{s_i}{2} q_i^2 + \tfrac{k_i}{2} a_i^2 q_i \Big)
        \quad \text{s.t.} \quad \sum_i (\mu_i - a_i - \beta_i) q_i \le \bar S_m \; : \; p_m
       :label: output-response

    with one row for each allowance market, :math:`\beta` only under a standard and :math:`\bar S` the caps. With
    :math:`z_i = a_i q_i` the abatement cost is :math:`k z^2 / (2 q)`, jointly convex, so with caps and standards this
    is a convex programme and :math:`p_m` is the multiplier of its row. Under an output-based rebate inside a cap the
    producers see :math:`\beta` and the row does not: complementarity conditions, no programme.

    Examples
    --------
    >>> problem = OutputProblem.from_mapping({
    ...     "year": [2025],
    ...     "goods": {"power": {"intercept": 100, "slope": 1}},
    ...     "producers": {"coal": {"good": "power", "pool": "national", "intensity": 1, "unit_cost": 20,
    ...                            "supply_slope": 1}},
    ...     "pools": {"national": {"policy": "cap", "cap": 30}},
    ... })
    >>> print(problem)
    OutputProblem: 1 goods, 1 producers (0 foreign), 1 pools, 2025–2025
      max  Σ_g ∫ P_g dQ_g - Σ_i [ c_i q_i + s_i q_i² / 2 + k_i a_i² q_i / 2 ]
      2025  national (cap):  Σ_i (μ_i - a_i) q_i ≤ 30   : p_national
    """

    year: tuple[int, ...]
    good: tuple[str, ...]
    intercept: Array
    slope: Array
    pass_through: Array
    producer: tuple[str, ...]
    producer_good: IntArray
    producer_pool: IntArray
    is_foreign: NDArray[np.bool_]
    intensity: Array
    unit_cost: Array
    supply_slope: Array
    abatement_curvature: Array
    largest_cut: Array
    benchmark: Array
    free: Array
    pool: tuple[str, ...]
    kind: tuple[tuple[PolicyKind, ...], ...]
    cap: Array
    free_budget: Array
    market: IntArray

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise InputError(issues_of("output", Said("output problem", "产出类问题"), problems))

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, object]) -> OutputProblem:
        """A problem from plain numbers; see ``carbonsim.market.output_mapping.output_problem_from_mapping``."""
        from carbonsim.market.output_mapping import output_problem_from_mapping

        return output_problem_from_mapping(mapping)

    def kind_of_producers(self, y: int) -> NDArray[np.str_]:
        """Policy of each producer's pool in a year, ``none`` for those without a pool, (producer)."""
        kinds = np.array([*(kinds[y] for kinds in self.kind), "none"])
        return kinds[self.producer_pool]

    def is_convex(self, y: int) -> bool:
        """Whether the year is one convex programme."""
        return all(kinds[y] in CONVEX for kinds in self.kind) and bool(np.all(np.isnan(self.pass_through[:, y])))

    def __repr__(self) -> str:
        """The problem as mathematics, with its size."""
        foreign = int(self.is_foreign.sum())
        lines = [
            f"OutputProblem: {len(self.good)} goods, {len(self.producer)} producers ({foreign} foreign), "
            f"{len(self.pool)} pools, {self.year[0]}–{self.year[-1]}",
            "  max  Σ_g ∫ P_g dQ_g - Σ_i [ c_i q_i + s_i q_i² / 2 + k_i a_i² q_i / 2 ]",
        ]
        shown = None
        for y, year in enumerate(self.year):
            rows = list(_market_rows(self, y))
            if rows != shown:
                lines += [f"  {year}  {row}" for row in rows]
            shown = rows
        for g, name in enumerate(self.good):
            share = self.pass_through[g]
            if not np.all(np.isnan(share)):
                lines.append(f"  {name}: regulated price, {shorten([f'{value:g}' for value in share])} passed through")
        return "\n".join(lines)


def _market_rows(problem: OutputProblem, y: int) -> Iterator[str]:
    """The allowance balance of each market in a year, as text."""
    emissions = {"cap": "(μ_i - a_i) q_i", "standard": "(μ_i - a_i - β_i) q_i"}
    for number in np.unique(problem.market[:, y]):
        members = [k for k in np.flatnonzero(problem.market[:, y] == number) if problem.kind[k][y] != "none"]
        if not members:
            continue
        kinds = sorted({problem.kind[k][y] for k in members})
        caps = sum(float(problem.cap[k, y]) for k in members if problem.kind[k][y] in CAPPED)
        names = "+".join(problem.pool[k] for k in members)
        left = emissions["standard"] if kinds == ["standard"] else emissions["cap"]
        if kinds == ["self_balancing"]:
            yield f"{names} (self_balancing):  Σ_i (μ_i - a_i) q_i = f Σ_i β_i q_i at every price"
            continue
        right = f"{caps:g}" + (" + Σ_i β_i q_i" if "standard" in kinds and len(kinds) > 1 else "")
        yield f"{names} ({', '.join(kinds)}):  Σ_i {left} ≤ {right}   : p_{names}"


def _problems(problem: OutputProblem) -> Iterator[str]:
    for what in ("good", "producer", "pool"):
        labels = getattr(problem, what)
        twice = sorted({label for label in labels if labels.count(label) > 1})
        if twice:
            yield Said(
                f"{what} {shorten(twice)} is listed twice; names must be unique.",
                f"{what} 中的 {shorten(twice, 'zh')} 重复；名称不得重复。",
            )
    if not problem.year or list(problem.year) != list(range(problem.year[0], problem.year[0] + len(problem.year))):
        yield Said(
            f"year is {shorten(problem.year)}; expected consecutive calendar years.",
            f"year 为 {shorten(problem.year, 'zh')}，应为连续的公历年份。",
        )
    if not problem.good or not problem.producer:
        yield Said(
            "there is no good or no producer; at least one of each is needed.", "没有产品或没有生产者；各须至少一个。"
        )
    shapes = list(_shape_problems(problem))
    yield from shapes
    if shapes:
        return
    unmade = [name for g, name in enumerate(problem.good) if not np.any(problem.producer_good == g)]
    if unmade:
        yield Said(f"good {shorten(unmade)} has no producer.", f"产品 {shorten(unmade, 'zh')} 没有生产者。")
    yield from _number_problems(problem)
    yield from _policy_problems(problem)


def _shape_problems(problem: OutputProblem) -> Iterator[str]:
    years = len(problem.year)
    expected = {
        "good": ("intercept", "slope", "pass_through"),
        "producer": (
            "intensity",
            "unit_cost",
            "supply_slope",
            "abatement_curvature",
            "largest_cut",
            "benchmark",
            "free",
        ),
        "pool": ("cap", "free_budget", "market"),
    }
    for what, names in expected.items():
        for name in names:
            array, shape = getattr(problem, name), (len(getattr(problem, what)), years)
            if array.shape != shape:
                yield Said(
                    f"{name} has shape {array.shape}; expected {shape}.",
                    f"{name} 的形状为 {array.shape}，应为 {shape}。",
                )
            elif name not in ("pass_through", "cap", "free_budget") and not np.all(np.isfinite(array)):
                row, column = np.argwhere(~np.isfinite(array))[0]
                label = getattr(problem, what)[row]
                yield Said(
                    f"{name} of {label} in {problem.year[column]} is not a finite number.",
                    f"{label} 在 {problem.year[column]} 年的 {name} 不是有限的数。",
                )
    for name, size in (("producer_good", len(problem.good)), ("producer_pool", len(problem.pool))):
        positions = getattr(problem, name)
        least = -1 if name == "producer_pool" else 0
        if positions.shape != (len(problem.producer),) or np.any((positions < least) | (positions >= size)):
            yield Said(f"{name} has a position that is not listed.", f"{name} 含未列出的位置。")
    if problem.is_foreign.shape != (len(problem.producer),):
        yield Said("is_foreign has another length than producer.", "is_foreign 与 producer 长度不同。")
    if len(problem.kind) != len(problem.pool) or any(len(kinds) != years for kinds in problem.kind):
        yield Said("kind needs a policy for each pool and year.", "kind 须为每个配额池和每一年给出政策。")


def _number_problems(problem: OutputProblem) -> Iterator[str]:
    def first(mask: NDArray[np.bool_], labels: tuple[str, ...]) -> Said:
        row, column = np.argwhere(mask)[0]
        return Said(f"{labels[row]} in {problem.year[column]}", f"{labels[row]} 在 {problem.year[column]} 年")

    for name, labels in (
        ("slope", problem.good),
        ("supply_slope", problem.producer),
        ("abatement_curvature", problem.producer),
    ):
        if np.any(getattr(problem, name) <= 0):
            yield Said(
                f"{name} of {first(getattr(problem, name) <= 0, labels)} is not above 0; a flat curve has no answer.",
                f"{first(getattr(problem, name) <= 0, labels).zh}的 {name} 不大于 0；水平的曲线没有确定的响应。",
            )
    for name in ("intensity", "benchmark", "free", "largest_cut"):
        if np.any(getattr(problem, name) < 0):
            yield Said(
                f"{name} of {first(getattr(problem, name) < 0, problem.producer)} is negative.",
                f"{first(getattr(problem, name) < 0, problem.producer).zh}的 {name} 为负。",
            )
    over = problem.largest_cut > problem.intensity
    if np.any(over):
        yield Said(
            f"largest_cut of {first(over, problem.producer)} exceeds the intensity.",
            f"{first(over, problem.producer).zh}的 largest_cut 超过排放强度。",
        )
    regulated = problem.pass_through
    if np.any((regulated < 0) | np.isinf(regulated)):
        yield Said(
            f"pass_through of {first((regulated < 0) | np.isinf(regulated), problem.good)} is no share from 0.",
            f"{first((regulated < 0) | np.isinf(regulated), problem.good).zh}的 pass_through 不是非负的比例。",
        )
    abroad = problem.is_foreign & (problem.producer_pool >= 0)
    if np.any(abroad):
        yield Said(
            f"{problem.producer[int(np.argmax(abroad))]} is foreign and in a pool; a pool covers home producers.",
            f"{problem.producer[int(np.argmax(abroad))]} 在境外却列入配额池；配额池只涵盖境内生产者。",
        )


def _policy_problems(problem: OutputProblem) -> Iterator[str]:
    has_benchmark, has_free = np.zeros(len(problem.producer), bool), np.zeros(len(problem.producer), bool)
    for k, name in enumerate(problem.pool):
        mine = problem.producer_pool == k
        if not np.any(mine):
            yield Said(f"pool {name} covers no producer.", f"配额池 {name} 没有涵盖任何生产者。")
            continue
        for y, kind in enumerate(problem.kind[k]):
            where = Said(f"pool {name} in {problem.year[y]}", f"配额池 {name} 在 {problem.year[y]} 年")
            if kind not in KINDS:
                yield Said(
                    f"{where} has policy '{kind}'. Known: {', '.join(KINDS)}.",
                    f"{where.zh}的政策为 '{kind}'。可用：{'、'.join(KINDS)}。",
                )
                continue
            needs_cap, needs_budget = kind in CAPPED, kind == "corrected"
            if needs_cap == np.isnan(problem.cap[k, y]) or problem.cap[k, y] < 0 or np.isinf(problem.cap[k, y]):
                wanted = Said("a cap that is not negative", "非负的总量") if needs_cap else Said("no cap", "不设总量")
                yield Said(
                    f"{where} has policy {kind} and cap {problem.cap[k, y]:g}; expected {wanted}.",
                    f"{where.zh}的政策为 {kind}，cap 为 {problem.cap[k, y]:g}，应为{wanted.zh}。",
                )
            if needs_budget == np.isnan(problem.free_budget[k, y]) or problem.free_budget[k, y] < 0:
                wanted = (
                    Said("a free_budget that is not negative", "非负的 free_budget")
                    if needs_budget
                    else Said("no free_budget", "不设 free_budget")
                )
                yield Said(
                    f"{where} has policy {kind} and free_budget {problem.free_budget[k, y]:g}; expected {wanted}.",
                    f"{where.zh}的政策为 {kind}，free_budget 为 {problem.free_budget[k, y]:g}，应为{wanted.zh}。",
                )
            yield from _share_problems(problem, k, y, kind, where)
            has_benchmark |= mine & (kind in BENCHMARKED)
            has_free |= mine & (kind in CAPPED)
    for name, used in (("benchmark", has_benchmark), ("free", has_free)):
        idle = [
            problem.producer[i] for i in np.flatnonzero(~used & np.any(getattr(problem, name) > 0, axis=1)).tolist()
        ]
        if idle:
            yield Said(
                f"{name} of {shorten(idle)} has no effect under any policy of its pool; leave it out.",
                f"{shorten(idle, 'zh')} 的 {name} 在其配额池的任何政策下都不起作用；请删去。",
            )


def _share_problems(problem: OutputProblem, k: int, y: int, kind: str, where: Said) -> Iterator[str]:
    """Problems of what a pool's producers are given in a year."""
    mine = problem.producer_pool == k
    given = float(problem.free[mine, y].sum())
    if kind in CAPPED and given > problem.cap[k, y] * (1 + 1e-12):
        yield Said(
            f"{where}: lump-sum free allocation {given:g} exceeds the cap {problem.cap[k, y]:g}.",
            f"{where.zh}：定额免费发放 {given:g} 超过总量 {problem.cap[k, y]:g}。",
        )
    if kind == "corrected" and given + problem.free_budget[k, y] > problem.cap[k, y] * (1 + 1e-12):
        yield Said(
            f"{where}: free_budget {problem.free_budget[k, y]:g} and free {given:g} exceed the cap.",
            f"{where.zh}：free_budget {problem.free_budget[k, y]:g} 与 free {given:g} 之和超过总量。",
        )
    if kind in BENCHMARKED and not np.any(problem.benchmark[mine, y] > 0):
        yield Said(
            f"{where} has policy {kind} and no benchmark; give one to the pool or to its producers.",
            f"{where.zh}的政策为 {kind}，但没有 benchmark；请在配额池或其生产者中给出。",
        )
    if kind == "self_balancing" and np.any(problem.benchmark[mine, y] <= 0):
        yield Said(
            f"{where}: under self_balancing every producer of the pool needs a benchmark above 0.",
            f"{where.zh}：在 self_balancing 之下，配额池的每个生产者都须有大于 0 的 benchmark。",
        )
