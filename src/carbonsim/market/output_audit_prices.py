"""Audit of price intervals and of indeterminacy: excess demand for allowances recomputed at other prices."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.market.audit_ledger import worst
from carbonsim.market.certificate import Line
from carbonsim.market.output_problem import OutputProblem

Array = NDArray[np.float64]

MET = 1e-8  # excess demand that counts as none, as a share of emissions without policy
MOVED = 1e-4  # relative step off an end of the interval
SMALLEST = 1e-6  # least step off an end, as a share of the size of prices that would matter
REACTS = 1e-12  # excess demand just outside the interval, as a share of emissions without policy
TRIALS = (0.01, 0.1, 1.0, 10.0)  # prices, relative to the mean price of goods, at which an idle market is tried
HALVINGS = 100
FREE_OF_POLICY = ("output_without", "good_price_without", "home_emissions_without", "welfare_without")


def lines(problem: OutputProblem, dataset: xr.Dataset, known: NDArray[np.bool_]) -> Iterator[Line]:
    """The lines on intervals and indeterminate years."""
    shape = (len(problem.pool), len(problem.year))
    names = ("inside", "is_low_end", "low_clears", "low_is_lowest", "high_clears", "high_is_highest")
    wrong = {name: np.zeros(shape) for name in names}
    idle = np.zeros(len(problem.year))
    for y in range(len(problem.year)):
        market = _Market(problem, dataset, y)
        if not known[y]:
            idle[y] = _idle_wrong(problem, dataset, market, y)
            numbered = [kind[y] != "none" for kind in problem.kind]
            bounds = (dataset.price_low.values[:, y] != 0) | ~np.isnan(dataset.price_high.values[:, y])
            wrong["inside"][:, y] = np.where(numbered, bounds, 0.0)
            continue
        for k in range(len(problem.pool)):
            if problem.kind[k][y] != "none":
                for name, value in zip(names, _end_wrong(dataset, market, k, y), strict=True):
                    wrong[name][k, y] = value
    for name in names:
        tolerance = {"inside": 0.0, "low_is_lowest": 0.0, "high_is_highest": 0.0}.get(name, MET)
        yield worst(f"price.{name}", wrong[name], 1.0, tolerance, problem.pool)
    yield worst("price.indeterminate", idle, 1.0, MET, problem.year)


def _end_wrong(dataset: xr.Dataset, market: _Market, k: int, y: int) -> tuple[float, ...]:
    """Violations at the two ends of a pool's price."""
    price, low, high = (float(dataset[name].values[k, y]) for name in ("allowance_price", "price_low", "price_high"))
    top = np.inf if np.isnan(high) else high
    inside, apart = float(not low <= price <= top), abs(price - low) / max(low, SMALLEST * market.level)
    at_low = market.excess(k, low, "price_low")
    clears_low = abs(at_low) if low > 0 else max(at_low, 0.0)
    step = SMALLEST * market.level
    below = market.excess(k, max(low - max(low * MOVED, step), 0.0), "price_low") if low > 0 else np.inf
    if np.isinf(top):
        far = market.excess(k, max(low, market.level) * 1e3, "price_high")
        return inside, apart, clears_low, float(below <= REACTS), abs(far), 0.0
    at_high = market.excess(k, top, "price_high")
    clears_high = abs(at_high) if top > 0 else max(at_high, 0.0)
    above = market.excess(k, top + max(top * MOVED, step), "price_high")
    return inside, apart, clears_low, float(below <= REACTS), clears_high, float(above >= -REACTS)


def _idle_wrong(problem: OutputProblem, dataset: xr.Dataset, market: _Market, y: int) -> float:
    """0 if nothing that rests on the price is published and some market's net demand is zero at every price tried."""
    for name, values in dataset.data_vars.items():
        column = values.values[..., y]
        if values.dtype.kind == "f" and name not in FREE_OF_POLICY and np.any(np.nan_to_num(column) != 0):
            return np.inf
    gaps = []
    for number in np.unique(problem.market[:, y]):
        members = [k for k in np.flatnonzero(problem.market[:, y] == number).tolist() if problem.kind[k][y] != "none"]
        if members:
            gaps.append(max(abs(market.excess(members[0], trial * market.level, "")) for trial in TRIALS))
    return min(gaps, default=np.inf)


class _Market:
    """One year of the problem, answered at any allowance prices by repeated dropping of those who cannot sell."""

    def __init__(self, problem: OutputProblem, dataset: xr.Dataset, y: int) -> None:
        self.problem, self.dataset, self.y = problem, dataset, y
        kinds = [problem.kind[k][y] for k in range(len(problem.pool))]
        self.kinds = np.array([*kinds, "none"])
        by_producer = self.kinds[problem.producer_pool]
        self.covered = by_producer != "none"
        self.rated = np.isin(by_producer, ("standard", "output_based", "corrected", "self_balancing"))
        self.base_price, self.base_output = dataset.good_price_without.values[:, y], dataset.output_without.values[:, y]
        emitted = problem.intensity[:, y] * self.base_output
        self.scale = max(float(emitted[self.covered].sum()), 1e-300)
        # Value of goods for each tonne: the size of prices that would matter.
        self.level = float(np.abs(self.base_price).mean() * self.base_output.sum()) / self.scale + 1e-9

    def excess(self, k: int, value: float, others: str) -> float:
        """Emissions less allowances of a pool's market at a price, relative to emissions without policy.

        The other markets stay at their published price, or, where there may be several equilibria, at the same end.
        """
        held = "allowance_price" if not others or self.problem.is_convex(self.y) else others
        price = np.nan_to_num(self.dataset[held].values[:, self.y])
        members = self.problem.market[:, self.y] == self.problem.market[k, self.y]
        price[members] = value
        factor = self.factors(price)
        output, left, given = self.answer(price, factor)
        total = 0.0
        for pool in np.flatnonzero(members):
            rows, kind = self.problem.producer_pool == pool, self.kinds[pool]
            if kind in ("standard", "self_balancing"):
                total += float((left - given * output)[rows].sum())
            elif kind != "none":
                total += float(left[rows].sum() - self.problem.cap[pool, self.y])
        return total / self.scale

    def factors(self, price: Array) -> Array:
        """Benchmark factors at given prices, pool by pool until none moves, each by halving."""
        factor = np.ones(len(self.problem.pool))
        moving = [k for k in range(len(factor)) if self.kinds[k] in ("corrected", "self_balancing")]
        for _ in range(HALVINGS if len(moving) > 1 else len(moving)):
            before = factor.copy()
            for k in moving:
                low, high = 0.0, 1.0
                while self.kinds[k] == "self_balancing" and self._over(price, factor, k, high) < 0 and high < 1e12:
                    high *= 2.0
                if self._over(price, factor, k, high) <= 0:
                    factor[k] = high
                    continue
                for _ in range(HALVINGS):
                    middle = (low + high) / 2
                    low, high = (middle, high) if self._over(price, factor, k, middle) < 0 else (low, middle)
                factor[k] = high
            if np.all(np.abs(factor - before) <= 1e-13 * factor):
                break
        return factor

    def _over(self, price: Array, factor: Array, k: int, value: float) -> float:
        trial = factor.copy()
        trial[k] = value
        output, left, given = self.answer(price, trial)
        rows = self.problem.producer_pool == k
        limit = self.problem.free_budget[k, self.y] if self.kinds[k] == "corrected" else left[rows].sum()
        return float((given * output)[rows].sum() - limit)

    def answer(self, price: Array, factor: Array) -> tuple[Array, Array, Array]:
        """Output, emissions and free allowances for a unit of output of each producer."""
        p, y = self.problem, self.y
        paid = np.where(self.covered, np.append(price, 0.0)[p.producer_pool], 0.0)
        given = np.where(self.rated, p.benchmark[:, y] * np.append(factor, 1.0)[p.producer_pool], 0.0)
        cut = np.clip(paid / p.abatement_curvature[:, y], 0.0, p.largest_cut[:, y])
        charge = paid * (p.intensity[:, y] - cut - given)
        unit = p.unit_cost[:, y] + 0.5 * p.abatement_curvature[:, y] * cut * cut + charge
        output = np.zeros(len(unit))
        for g in range(len(p.good)):
            rows = p.producer_good == g
            output[rows] = self._sold(g, unit[rows], p.supply_slope[rows, y], charge[rows])
        return output, (p.intensity[:, y] - cut) * output, given

    def _sold(self, g: int, unit: Array, rise: Array, charge: Array) -> Array:
        """Outputs of a good's producers: all sell at first, then those whose cost exceeds the price are dropped."""
        p, y = self.problem, self.y
        wanted, fall = p.intercept[g, y] / p.slope[g, y], 1.0 / p.slope[g, y]
        if not np.isnan(p.pass_through[g, y]):
            rows = p.producer_good == g
            first = np.where(p.is_foreign[rows], 0.0, self.base_output[rows])
            mean = float((first * charge).sum()) / max(float(first.sum()), 1e-300)
            tariff = self.base_price[g] + p.pass_through[g, y] * mean
            wanted, fall = max((p.intercept[g, y] - tariff) / p.slope[g, y], 0.0), 0.0
            if wanted == 0.0:
                return np.zeros_like(unit)
        sells = np.ones(len(unit), dtype=bool)
        while True:
            level = (wanted + (unit[sells] / rise[sells]).sum()) / (fall + (1.0 / rise[sells]).sum())
            stays = sells & (unit <= level)
            if np.array_equal(stays, sells) or not (stays.any() or fall > 0):
                return np.where(stays, (level - unit) / rise, 0.0)
            sells = stays
