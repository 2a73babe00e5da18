"""Lagged allocation: last year's emissions bring this year's allowances, so today's signal depends on the price path.

Everybody takes the price path as given. A tonne emitted in a year costs its price and brings allowances a year later,
so it is as if cutting it cost what those are worth; allocation follows realised emissions. Path and emissions that
reproduce themselves are the equilibrium.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carbonsim.errors import InputError, SolverError
from carbonsim.market.problem import MarketProblem
from carbonsim.market.supply import Array

if TYPE_CHECKING:
    import xarray as xr

    from carbonsim.market.clear import Engine

SETTLED = 1e-10  # move of prices and emissions, relative to their own size, at which the path counts as found
ACCEPTED = 1e-8  # largest move that is accepted where an engine's own tolerance lets it settle no further
ROUNDS = 300
PATIENCE = 12  # rounds without progress after which the step is halved
SHORTEST_STEP = 1.0 / 64.0
AGREE = 1e-6  # relative difference of the prices from both ends up to which they are one path


@dataclass(frozen=True, slots=True, eq=False)
class Lag:
    """Allowances of a year for each tonne of the year before.

    ``share`` [1] (enterprise, year), ``previous`` [tCO2e] (enterprise) emissions before the first year, ``beyond``
    [CNY/allowance] what one is expected to be worth after the last year, ``beyond_share`` [1] (enterprise) the share
    there.
    """

    share: Array
    previous: Array
    beyond: float
    beyond_share: Array


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """A price path that reproduces itself.

    The market's dataset and problem, the ``worth`` [CNY/allowance] (enterprise, year) of what is allocated at it, the
    move left over, rounds, step.
    """

    problem: MarketProblem
    dataset: xr.Dataset
    worth: Array
    residual: float
    rounds: int
    step: float


def worth_of_allocated(dataset: xr.Dataset) -> Array:
    """What an allowance given in a year is worth to whom it is given [CNY/allowance], (enterprise, year).

    The year's price; where enterprises have prices of their own, the enterprise's; with vintages, that of the vintage
    which is issued in the year. 0 where an enterprise has no balance, so that nothing is given to it.
    """
    if "enterprise_price" in dataset:
        return np.asarray(np.nan_to_num(dataset.enterprise_price.values), dtype=float)
    price = dataset.allowance_price.values
    if "vintage_price" in dataset:
        price = np.array([float(dataset.vintage_price.sel(vintage=year, year=year)) for year in dataset.year.values])
    return np.tile(price, (dataset.sizes["enterprise"], 1))


def worth_of_owed(dataset: xr.Dataset) -> Array:
    """What it is worth to owe one allowance less in a year [CNY/tCO2e], (enterprise, year): any vintage serves."""
    if "enterprise_price" in dataset:
        return worth_of_allocated(dataset)
    return np.tile(dataset.allowance_price.values, (dataset.sizes["enterprise"], 1))


def forgone_value(problem: MarketProblem, lag: Lag, worth: Array) -> Array:
    """Worth of next year's allowances that a tonne cut this year forgoes [CNY/tCO2e], (enterprise, year).

    ``worth`` [CNY/allowance] (enterprise, year) is what an allowance given in a year is worth to the enterprise then.
    """
    forgone = np.zeros_like(problem.baseline)
    discount = 1.0 / (1.0 + problem.interest)
    forgone[:, :-1] = problem.share[:, 1:] * lag.share[:, 1:] * discount * worth[:, 1:]
    forgone[:, -1] = problem.share[:, -1] * lag.beyond_share * discount * lag.beyond
    return forgone


def expected_problem(problem: MarketProblem, lag: Lag, worth: Array, emissions: Array) -> MarketProblem:
    """The ordinary market of those who expect a path of worths and are given what emissions of last year bring."""
    before = np.column_stack([lag.previous, emissions[:, :-1]])
    options = problem.options
    dearer = options.unit_cost + forgone_value(problem, lag, worth)[options.enterprise]
    return dataclasses.replace(
        problem,
        fixed=problem.fixed + lag.share * before,
        options=dataclasses.replace(options, unit_cost=dearer),
    )


def find_path(
    problem: MarketProblem, lag: Lag, engine: Engine, *, from_top: bool, progress: Callable[[str, float], None] | None
) -> Path:
    """The path that reproduces itself, from no price and no abatement up, or from the highest prices down.

    Raises
    ------
    InputError
        If a year's price is undetermined, so that nobody can value the allowances it brings.
    SolverError
        If the path cycles or moves on at the shortest step.
    """
    from carbonsim.market.clear import clear

    worth, emissions = _start(problem, lag, from_top=from_top)
    step, best, since = 1.0, np.inf, 0
    size = max(float(problem.baseline.sum(axis=0).max()), 1e-9)
    for rounds in range(1, ROUNDS + 1):
        trial = expected_problem(problem, lag, worth, emissions)
        dataset = clear(trial, engine).dataset
        _check_determined(problem, dataset.allowance_price.values)
        found, left = worth_of_allocated(dataset), dataset.covered_emissions.values
        move = max(
            float(np.max(np.abs(found - worth) / np.maximum(np.maximum(found, worth), 1e-6))),
            float(np.max(np.abs(left - emissions))) / size,
        )
        if move <= SETTLED or (step <= SHORTEST_STEP and move <= ACCEPTED):
            return Path(trial, dataset, found, move, rounds, step)
        best, since = (move, 0) if move < 0.9 * best else (best, since + 1)
        if since >= PATIENCE:
            # A path that comes no closer overshoots or cycles: follow it less far.
            if step <= SHORTEST_STEP:
                break
            step, since, best = step / 2, 0, np.inf
        worth, emissions = worth + step * (found - worth), emissions + step * (left - emissions)
        if progress is not None:
            progress("lagged allocation", rounds / ROUNDS)
    raise SolverError(
        f"lagged_allocation: the price path does not reproduce itself; after {rounds} rounds it still moves by "
        f"{move:.1e} at step {step:g}. Where options have flat costs the answer jumps with the path: give them a "
        f"slope, or lower the shares.",
        f"lagged_allocation：价格路径不能自我一致；经 {rounds} 轮、步长 {step:g} 时仍变动 {move:.1e}。"
        "选项成本不变时，响应会随路径跳变：请给出 slope，或降低 share。",
    )


def one_path(
    problem: MarketProblem, lag: Lag, engine: Engine, start: str, progress: Callable[[str, float], None] | None
) -> Path:
    """The path from the end asked for; from both where they must agree.

    Raises
    ------
    SolverError
        If the two ends lead to different paths and no end was chosen.
    """
    if start != "both":
        return find_path(problem, lag, engine, from_top=start == "high", progress=progress)
    low, high = (find_path(problem, lag, engine, from_top=top, progress=progress) for top in (False, True))
    prices = [path.dataset.allowance_price.values for path in (low, high)]
    apart = np.abs(prices[0] - prices[1]) > AGREE * np.maximum(prices[1], 1e-6)
    if np.any(apart):
        y = int(np.argmax(apart))
        raise SolverError(
            f"lagged_allocation has two equilibria: in {problem.year[y]} the price is {prices[0][y]:.6g} from below "
            f"and {prices[1][y]:.6g} from above. Choose one with start: low or start: high, and say so.",
            f"lagged_allocation 有两个均衡：{problem.year[y]} 年的价格自下而上为 {prices[0][y]:.6g}，自上而下为 "
            f"{prices[1][y]:.6g}。请用 start: low 或 start: high 选定其一，并加以说明。",
        )
    apart = np.abs(low.worth - high.worth) > AGREE * np.maximum(high.worth, 1e-6)
    if np.any(apart):
        e, y = (int(place) for place in np.argwhere(apart)[0])
        raise SolverError(
            f"lagged_allocation has two equilibria: to {problem.enterprise[e]} an allowance of {problem.year[y]} is "
            f"worth {low.worth[e, y]:.6g} from below and {high.worth[e, y]:.6g} from above, at the same prices. Choose "
            "one with start: low or start: high, and say so.",
            f"lagged_allocation 有两个均衡：价格相同，但 {problem.year[y]} 年的一个配额对 {problem.enterprise[e]} "
            f"的价值自下而上为 {low.worth[e, y]:.6g}，自上而下为 {high.worth[e, y]:.6g}。请用 start: low 或 start: "
            "high 选定其一，并加以说明。",
        )
    return low


def _start(problem: MarketProblem, lag: Lag, *, from_top: bool) -> tuple[Array, Array]:
    options = problem.options
    emissions = problem.baseline.copy()
    for term in problem.responses:
        emissions[term.enterprise, problem.year.index(term.year)] += term.key + term.other
    if not from_top:
        return np.zeros_like(problem.baseline), emissions
    dearest = np.max(options.unit_cost + options.slope * options.potential, axis=0, initial=0.0)
    highest = max([float(dearest.max(initial=0.0)), *(float(np.nanmax(step.price)) for step in problem.steps)])
    least = 1.0 - min(float(lag.share.max(initial=0.0)), 0.9)
    np.subtract.at(emissions, options.enterprise, options.potential)
    return np.full_like(problem.baseline, highest / least), emissions


def _check_determined(problem: MarketProblem, price: Array) -> None:
    if np.any(np.isnan(price)):
        year = problem.year[int(np.argmax(np.isnan(price)))]
        raise InputError(
            f"lagged_allocation: the price of {year} is undetermined, so the allowances that emissions of the year "
            f"before bring have no worth. Cover a sector whose net demand depends on the price.",
            f"lagged_allocation：{year} 年的价格不确定，上年排放带来的配额便没有价值。请纳入净需求随价格变化的行业。",
        )
