"""How producers and goods answer allowance prices in one year: exact, piecewise linear in every good."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from carbonsim.market.output_problem import BENCHMARKED, CAPPED, IntArray, OutputProblem
from carbonsim.market.supply import Array


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """Answer to allowance prices and factors: ``price``, ``worth`` and ``quantity`` by good, the rest by producer.

    ``worth`` is the marginal cost at which the good is supplied; it is the price unless that is regulated. ``cut`` is
    the fall in intensity, ``benchmark`` the free allowances for one more unit of output, ``unit`` the marginal cost
    at no output with abatement and allowances, ``emissions`` what is left.
    """

    price: Array
    worth: Array
    quantity: Array
    output: Array
    cut: Array
    unit: Array
    benchmark: Array
    emissions: Array


@dataclass(frozen=True, slots=True, eq=False)
class YearView:
    """One year of an output problem: its numbers by producer, and the good prices without any policy."""

    problem: OutputProblem
    y: int
    covered: NDArray[np.bool_]
    nominal: Array  # benchmark before any factor, 0 where the policy has none
    members: tuple[IntArray, ...]  # producers of each good
    base_price: Array  # (good), without any policy
    base_weight: Array  # (producer), share of the good's home output without any policy

    def column(self, name: str) -> Array:
        """A producer or good table in this year."""
        return np.asarray(getattr(self.problem, name)[:, self.y], dtype=float)

    def pool_kind(self, k: int) -> str:
        """Policy of a pool in this year."""
        return self.problem.kind[k][self.y]


def view_year(problem: OutputProblem, y: int) -> YearView:
    """A year made ready, with its equilibrium without any policy."""
    kinds = problem.kind_of_producers(y)
    covered = kinds != "none"
    nominal = np.where(np.isin(kinds, BENCHMARKED), problem.benchmark[:, y], 0.0)
    members = tuple(np.flatnonzero(problem.producer_good == g).astype(np.intp) for g in range(len(problem.good)))
    empty = np.zeros(len(problem.producer))
    bare = YearView(problem, y, np.zeros_like(covered), empty, members, np.zeros(len(members)), empty)
    without = respond_without(bare)
    home = np.where(problem.is_foreign, 0.0, without.output)
    total = np.bincount(problem.producer_good, weights=home, minlength=len(members))[problem.producer_good]
    weight = np.divide(home, total, out=np.zeros_like(home), where=total > 0)
    return YearView(problem, y, covered, nominal, members, without.price, weight)


def respond_without(view: YearView) -> Response:
    """The year without any policy, every good sold at its marginal cost."""
    return _respond(view, view.column("unit_cost"), np.zeros(len(view.covered)), np.zeros(len(view.covered)))


def respond(view: YearView, price: Array, factor: Array) -> Response:
    """Answer to an allowance price [CNY/tCO2e] and a benchmark factor [1] of each pool, (pool)."""
    pool = view.problem.producer_pool
    paid = np.where(view.covered, np.append(price, 0.0)[pool], 0.0)
    benchmark = view.nominal * np.append(factor, 1.0)[pool]
    curvature = view.column("abatement_curvature")
    cut = np.minimum(paid / curvature, view.column("largest_cut"))
    allowances = paid * (view.column("intensity") - cut - benchmark)
    unit = view.column("unit_cost") + curvature * cut**2 / 2 + allowances
    tariff = view.base_price + view.column("pass_through") * np.bincount(
        view.problem.producer_good, weights=view.base_weight * allowances, minlength=len(view.members)
    )
    return _respond(view, unit, cut, benchmark, tariff)


def _respond(view: YearView, unit: Array, cut: Array, benchmark: Array, tariff: Array | None = None) -> Response:
    """Good prices and outputs for given marginal costs; ``tariff`` is the regulated price, NaN where there is none."""
    intercept, slope = view.column("intercept"), view.column("slope")
    rise = view.column("supply_slope")
    goods = len(view.members)
    price, worth, quantity, output = np.zeros(goods), np.zeros(goods), np.zeros(goods), np.zeros(len(unit))
    # A loop over goods: each is its own piecewise linear market.
    for g, rows in enumerate(view.members):
        if tariff is None or np.isnan(tariff[g]):
            worth[g] = price[g] = _crossing(unit[rows], rise[rows], intercept[g] / slope[g], 1.0 / slope[g])
        else:
            price[g] = tariff[g]
            wanted = max((intercept[g] - price[g]) / slope[g], 0.0)
            worth[g] = _crossing(unit[rows], rise[rows], wanted, 0.0)
        output[rows] = np.maximum((worth[g] - unit[rows]) / rise[rows], 0.0)
        quantity[g] = output[rows].sum()
    emissions = (view.column("intensity") - cut) * output
    return Response(price, worth, quantity, output, cut, unit, benchmark, emissions)


def _crossing(unit: Array, rise: Array, wanted: float, fall: float) -> float:
    """Price P at which ``sum(max(0, (P - unit) / rise)) = wanted - fall * P``; the cheapest producers come first."""
    order = np.argsort(unit, kind="stable")
    first, steep = unit[order], 1.0 / rise[order]
    top = np.concatenate([[wanted], wanted + np.cumsum(first * steep)])
    bottom = np.concatenate([[fall], fall + np.cumsum(steep)])
    # A fixed quantity is made by somebody; none at all is worth what the cheapest would ask.
    nobody = first[0] if wanted <= 0 else np.inf
    price = np.divide(top, bottom, out=np.full_like(top, nobody), where=bottom > 0)
    # With j producers at work the price lies at or above the cost of the j-th and at or below that of the next.
    upper = np.append(first, np.inf)
    fits = np.flatnonzero(price <= upper)
    return float(price[fits[0]]) if len(fits) else float(price[-1])


def cheapest_output(view: YearView, quantity: Array) -> Array:
    """Outputs that make each good's quantity at least production cost, without abatement and allowances."""
    unit, rise = view.column("unit_cost"), view.column("supply_slope")
    output = np.zeros(len(unit))
    for g, rows in enumerate(view.members):
        worth = _crossing(unit[rows], rise[rows], float(quantity[g]), 0.0)
        output[rows] = np.maximum((worth - unit[rows]) / rise[rows], 0.0)
    return output


def allowances_issued(view: YearView, k: int, answer: Response) -> float:
    """Allowances of a pool: its cap, or what follows the output."""
    if view.pool_kind(k) in CAPPED:
        return float(view.problem.cap[k, view.y])
    rows = view.problem.producer_pool == k
    return float((answer.benchmark * answer.output)[rows].sum())
