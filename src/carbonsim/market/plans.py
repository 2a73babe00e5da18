"""Lumpy abatement: plans of which an enterprise carries out one whole or none, each over all years."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from carbonsim.errors import Said, shorten
from carbonsim.market.supply import Array

if TYPE_CHECKING:
    from carbonsim.market.problem import MarketProblem

IntArray = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Plans:
    r"""Plans of enterprises: what each cuts and costs in every year, if it is carried out.

    .. math::
        :label: plans

        \sum_{k \in e} u_k \le 1, \qquad u_k \in \{0, 1\}, \qquad
        x_{ey} = \sum_{k \in e} u_k \, X_{ky}, \qquad C_{ey} = \sum_{k \in e} u_k \, C_{ky}

    A plan holds everything that goes together, so that measures which exclude or need each other, and the year in
    which one starts, are different plans of the same enterprise.

    Parameters
    ----------
    label : tuple of str (plan)
        Unique names.
    enterprise : array of int (plan)
        Position of the plan's enterprise.
    cut : array [tCO2e] (plan, year)
        Cut of covered emissions, not negative, besides that of the options.
    cost : array [CNY] (plan, year)
        Cost of the plan in each year, annuities included; may be negative.
    """

    label: tuple[str, ...]
    enterprise: IntArray
    cut: Array
    cost: Array

    def totals(self, chosen: Array, values: Array, enterprises: int) -> Array:
        """Sums of values (plan, year) over the plans of each enterprise, weighted by what is chosen of each."""
        total = np.zeros((enterprises, values.shape[1]))
        np.add.at(total, self.enterprise, chosen[:, None] * values)
        return total


def plan_problems(problem: MarketProblem, plans: Plans) -> Iterator[str]:
    """What is wrong with the plans of a problem, one sentence each."""
    count, years = len(plans.label), len(problem.year)
    if len(set(plans.label)) < count:
        twice = sorted({label for label in plans.label if plans.label.count(label) > 1})
        yield Said(
            f"plan {shorten(twice)} is listed twice; labels must be unique.",
            f"方案 {shorten(twice, 'zh')} 重复；名称不得重复。",
        )
    shapes = {"enterprise": (count,), "cut": (count, years), "cost": (count, years)}
    for name, shape in shapes.items():
        values = getattr(plans, name)
        if values.shape != shape:
            yield Said(
                f"plans.{name} has shape {values.shape}; expected {shape}.",
                f"plans.{name} 的形状为 {values.shape}，应为 {shape}。",
            )
            return
        if not np.all(np.isfinite(values.astype(float))):
            yield Said(f"plans.{name} holds a value that is not a finite number.", f"plans.{name} 含非有限的数。")
            return
    if np.any((plans.enterprise < 0) | (plans.enterprise >= len(problem.enterprise))):
        yield Said("plans.enterprise points outside the enterprises.", "plans.enterprise 指向未列出的企业。")
        return
    if np.any(plans.cut < 0):
        place = int(np.argwhere(plans.cut < 0)[0, 0])
        yield Said(
            f"plans.cut of {plans.label[place]} is negative; a plan that raises emissions belongs in the baseline.",
            f"{plans.label[place]} 的 plans.cut 为负；提高排放的方案应写入 baseline。",
        )
    options = problem.options
    room = problem.baseline.copy()
    np.subtract.at(room, options.enterprise, np.where(problem.in_response, 0.0, options.potential))
    over = plans.cut > room[plans.enterprise] * (1 + 1e-9) + 1e-6
    for place, y in np.argwhere(over)[:1]:
        yield (
            Said(
                f"plan {plans.label[place]} cuts {plans.cut[place, y]:g} t in {problem.year[y]}, where options leave "
                f"{room[plans.enterprise[place], y]:g} t ({int(over.sum())} such cases).",
                f"方案 {plans.label[place]} 在 {problem.year[y]} 年减排 {plans.cut[place, y]:g} 吨，而减排选项只留下 "
                f"{room[plans.enterprise[place], y]:g} 吨（共 {int(over.sum())} 处）。",
            )
        )
    yield from _cannot_hold(problem)


def _cannot_hold(problem: MarketProblem) -> Iterator[str]:
    """What a market with plans cannot have: a price for whole plans needs a balance that is a sum over all."""
    if problem.responses or problem.given_price is not None:
        yield Said(
            "plans cannot stand beside best-response rules or a given price: neither has a price for whole plans.",
            "plans 不能与最优响应规则或给定价格并用：二者都没有整体方案的价格。",
        )
    if np.any(problem.options.slope > 0):
        yield Said(
            "plans cannot stand beside options with linear MACs: no solver holds both; cut those options into steps.",
            "plans 不能与线性边际减排成本的选项并用：没有求解器能同时处理；请把这些选项切成分档。",
        )
    other = [one.label for one in problem.instruments if one.by_enterprise or one.refused_by("price_search")]
    other += [one.label for one in problem.instruments if one.label == "terminal_bank"]
    rising = [step.name for step in problem.steps if step.slope is not None and np.any(step.slope > 0)]
    if rising:
        yield (
            Said(
                f"plans cannot stand beside {shorten(rising)}, whose price rises with use: no solver holds both; "
                "give the "
                "curve in steps.",
                f"plans 不能与 {shorten(rising, 'zh')} 并用，其价格随用量上升：没有求解器能同时处理；"
                "请把曲线写成分档。",
            )
        )
    if other:
        yield Said(
            f"plans cannot stand beside {shorten(sorted(set(other)))}: only yearly steps and a bank go with plans.",
            f"plans 不能与 {shorten(sorted(set(other)), 'zh')} 并用：只有逐年的供给项和结转可与 plans 并用。",
        )
    limited = [
        one.label
        for one in problem.instruments
        if one.counts_obligation or any(step.obligation_share is not None for step in one.supply_steps(problem.year))
    ]
    if limited := sorted(set(limited) - set(other)):
        yield (
            Said(
                f"plans cannot stand beside {shorten(limited)}, which a share of obligations limits; limit offsets by "
                "quantity, or leave it out.",
                f"plans 不能与 {shorten(limited, 'zh')} 并用，其受清缴义务比例的限制；请用 quantity 限制抵销，"
                "或删去该项。",
            )
        )
