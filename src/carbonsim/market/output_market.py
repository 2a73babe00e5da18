"""Clears an output problem year by year and publishes one audited dataset."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from carbonsim.dims import exact
from carbonsim.errors import InputError
from carbonsim.market.certificate import Certificate, check_certificate
from carbonsim.market.output_accounts import (
    channel_accounts,
    good_accounts,
    pool_accounts,
    producer_accounts,
    year_accounts,
)
from carbonsim.market.output_audit import audit_output
from carbonsim.market.output_equilibrium import Solution, solve_year
from carbonsim.market.output_problem import OutputProblem
from carbonsim.market.output_response import YearView, respond_without, view_year
from carbonsim.market.supply import Array

CHANNELS = ("intensity", "switching", "output")
KEPT = ("output_without", "good_price_without", "home_emissions_without", "welfare_without", "price_low")
TONNES = ("emissions", "net_demand", "free_by_output", "free_lump_sum", "issued", "pool_emissions", "auctioned",
          "unused", "leakage", "home_emissions", "home_emissions_without", "abatement_by_channel")  # fmt: skip
PER_UNIT = ("intensity_cut", "benchmark")
PRICES = ("good_price", "supply_price", "good_price_without")
QUANTITIES = ("output", "output_without", "quantity")
SHARES = ("pass_through", "neutral_free_share", "leakage_rate", "factor")


@dataclass(frozen=True, slots=True, eq=False)
class OutputMarket:
    """A cleared and audited output market: every published number, and why it can be trusted."""

    dataset: xr.Dataset
    certificate: Certificate

    def __repr__(self) -> str:
        """Allowance and good prices, emissions and cost by year."""
        data = self.dataset
        rows = ["OutputMarket: each year alone; output, abatement and allowance prices together"]
        for y, year in enumerate(data.year.values):
            pools = [
                f"p[{name}] {_shown(data, k, y)} ({data.price_basis.values[k, y]})"
                for k, name in enumerate(data.pool.values)
                if data.price_basis.values[k, y] != "none"
            ]
            goods = [f"P[{name}] {data.good_price.values[g, y]:.6g}" for g, name in enumerate(data.good.values)]
            cost = f"cost {data.policy_cost.values[y]:.6g}"
            rows.append(f"  {year}: " + ", ".join([*pools, *goods, f"E {data.home_emissions.values[y]:.6g}", cost]))
        return "\n".join(rows)


def _shown(data: xr.Dataset, k: int, y: int) -> str:
    price, low, high = (float(data[name].values[k, y]) for name in ("allowance_price", "price_low", "price_high"))
    if np.isnan(price):
        return "undetermined"
    if low == high:
        return f"{price:.6g}"
    return f"{price:.6g} in [{low:.6g}, {'no upper bound' if np.isnan(high) else f'{high:.6g}'}]"


def clear_output(problem: OutputProblem, progress: Callable[[str, float], None] | None = None) -> OutputMarket:
    """Prices, outputs, emissions and welfare of an output problem, with the certificate that proves them.

    Parameters
    ----------
    problem : OutputProblem
    progress : callable, optional
        Called with a stage and a fraction from 0 to 1.

    Returns
    -------
    OutputMarket
        Its dataset holds, over (pool, year): ``allowance_price``, ``price_low``, ``price_high`` [CNY/tCO2e] (NaN:
        undetermined, no policy, or nothing bounds the price from above), ``price_basis`` (``market``: the multiplier
        of the allowance balance; ``ample``; ``interval``: several prices clear, the lowest is published;
        ``indeterminate``; ``none``), ``factor`` [1] on the benchmarks, ``issued``, ``pool_emissions``, ``auctioned``,
        ``unused`` [tCO2e], ``government_revenue`` [CNY]. Over (good, year): ``good_price``, ``supply_price`` (marginal
        cost of supply), ``quantity``, ``pass_through``, ``consumer_surplus``, ``abatement_spending``,
        ``switching_cost`` and ``output_margin_lost`` [CNY], whose sum is the cost of the policy. Over (producer,
        year): ``output``, ``intensity_cut``, ``emissions``, ``free_by_output``, ``free_lump_sum``, ``net_demand``,
        costs, ``allowance_charge`` less ``rebate`` less ``lump_sum_value`` (transfers), ``profit``, ``windfall``,
        ``operating_profit_change`` and ``neutral_free_share``, the lump sum that would leave profit unchanged as a
        share of emissions without policy. Over (good, channel, year): ``abatement_by_channel`` of home producers.
        Over (year): ``welfare`` (consumers, producers at home and abroad, government; damage not counted),
        ``policy_cost``, ``leakage``, ``leakage_rate``. In a year with an indeterminate price all but the numbers
        without policy are NaN.

    Raises
    ------
    InfeasibleError
        If a cap or standard cannot be met, or rebates exceed the cap they come out of.
    SolverError, CertificateError
        If the search does not settle, or the answer fails its audit.
    """
    if not isinstance(problem, OutputProblem):
        raise InputError(
            f"a {type(problem).__name__} is no output problem; make one with OutputProblem.from_mapping.",
            f"{type(problem).__name__} 不是产出类问题；请用 OutputProblem.from_mapping 建立。",
        )
    found: list[tuple[YearView, Solution]] = []
    for y in range(len(problem.year)):
        view = view_year(problem, y)
        found.append((view, solve_year(view)))
        if progress is not None:
            progress("output", (y + 1) / len(problem.year))
    dataset = output_dataset(problem, found)
    certificate = audit_output(problem, dataset)
    check_certificate(certificate)
    return OutputMarket(dataset, certificate)


@exact
def output_dataset(problem: OutputProblem, found: list[tuple[YearView, Solution]]) -> xr.Dataset:
    """Every published number of the years' solutions."""
    tables: dict[str, dict[str, list[Array]]] = {"good": {}, "producer": {}, "pool": {}}
    totals: dict[str, list[float]] = {}
    channels: list[Array] = []
    for view, solution in found:
        without = respond_without(view)
        producers = producer_accounts(view, solution, without)
        goods = good_accounts(view, solution, without)
        pools = pool_accounts(view, solution, producers)
        for name, value in year_accounts(goods, producers, pools, view, without).items():
            totals.setdefault(name, []).append(value)
        for what, columns in (("good", goods), ("producer", producers), ("pool", {**_prices(view, solution), **pools})):
            for name, column in columns.items():
                tables[what].setdefault(name, []).append(np.asarray(column, dtype=float))
        split = channel_accounts(view, solution.answer, without)
        channels.append(np.stack([split[name] for name in CHANNELS], axis=1))
    data: dict[str, tuple[tuple[str, ...], object, dict[str, str]]] = {
        name: ((what, "year"), np.stack(columns, axis=1), {"units": _unit(name)})
        for what, table in tables.items()
        for name, columns in table.items()
    }
    for name, values in totals.items():
        data[name] = (("year",), np.array(values), {"units": _unit(name)})
    data["abatement_by_channel"] = (("good", "channel", "year"), np.stack(channels, axis=2), {"units": "tCO2e"})
    basis = np.array([[solution.basis[k] for _, solution in found] for k in range(len(problem.pool))], dtype=object)
    data["price_basis"] = (("pool", "year"), basis.reshape(len(problem.pool), len(found)), {})
    _blank_undetermined(data, [bool(np.any(column == "indeterminate")) for column in basis.T])
    coords = {
        "year": list(problem.year),
        "good": list(problem.good),
        "producer": list(problem.producer),
        "pool": np.array(problem.pool, dtype=object),
        "channel": list(CHANNELS),
    }
    attrs = {
        "engine": "output price search",
        "residual": max(solution.residual for _, solution in found),
        "rounds": max(solution.rounds for _, solution in found),
        "concept": "static competition; producers take prices and benchmark factors as given; nothing is banked",
    }
    return xr.Dataset(data, coords=coords, attrs=attrs)


def _blank_undetermined(
    data: dict[str, tuple[tuple[str, ...], object, dict[str, str]]], undetermined: list[bool]
) -> None:
    """Nothing that rests on a price is a number in years in which no price is determined."""
    for name, (_, values, _) in data.items():
        if isinstance(values, np.ndarray) and values.dtype.kind == "f" and name not in KEPT:
            values[..., undetermined] = np.nan


def _prices(view: YearView, solution: Solution) -> dict[str, Array]:
    has_policy = np.array([view.pool_kind(k) != "none" for k in range(len(view.problem.pool))], dtype=bool)

    def shown(values: Array) -> Array:
        return np.where(has_policy & np.isfinite(values), values, np.nan)

    return {
        "allowance_price": shown(solution.price),
        "price_low": shown(solution.low),
        "price_high": shown(solution.high),
        "factor": shown(solution.factor),
    }


def _unit(name: str) -> str:
    if name in TONNES:
        return "tCO2e"
    if name in PER_UNIT:
        return "tCO2e/unit"
    if name in PRICES:
        return "CNY/unit"
    if name in QUANTITIES:
        return "unit"
    if name in SHARES:
        return "1"
    return "CNY/tCO2e" if name.endswith("price") or name.startswith("price_") else "CNY"
