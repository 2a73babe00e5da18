"""The lowest and the highest price path that every market and every gate between them accepts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from carbonsim.errors import SolverError
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.problem import MarketProblem
from carbonsim.market.supply import Array

if TYPE_CHECKING:
    from carbonsim.market.linked import LinkedMarkets

USED = 1e-7  # a flow or a bank beyond this share of its limit, or of obligations, is no rounding
CLOSE = 1e-6  # ends of intervals of two solutions that differ by less are the same
Relation = tuple[int, int, float]  # price[first] <= factor * price[second], over flattened (market, year)


def widest_prices(linked: LinkedMarkets, flow: Array, cleared: Mapping[str, xr.Dataset]) -> tuple[Array, Array]:
    """Both ends of the prices (market, year) that clear every market at the flows and leave no gate an arbitrage.

    Raises
    ------
    SolverError
        If no path satisfies all of them: the flows are not those of an equilibrium.
    """
    low = np.stack([data.price_low.values for data in cleared.values()])
    high = np.stack([np.nan_to_num(data.price_high.values, nan=np.inf) for data in cleared.values()])
    relations = _gate_relations(linked, flow)
    for place, (name, problem) in enumerate(linked.markets.items()):
        relations += _bank_relations(problem, cleared[name], place * len(linked.year))
    lowest, highest = low.reshape(-1).copy(), high.reshape(-1).copy()
    # Bellman-Ford on ratios: a chain of relations is never longer than there are prices.
    for _ in range(len(lowest) + 1):
        before = lowest.copy(), highest.copy()
        for first, second, factor in relations:
            lowest[second] = max(lowest[second], lowest[first] / factor)
            highest[first] = min(highest[first], factor * highest[second])
        if np.array_equal(before[0], lowest) and np.array_equal(before[1], highest):
            break
    apart = lowest - highest
    if np.any(apart > CLOSE * np.maximum(lowest, 1.0)):
        raise SolverError(
            "The linked markets' flows admit no common prices; the joint programme is not optimal.",
            "各连接市场的流量不存在共同的价格；联合规划不是最优。",
        )
    highest = np.where(apart > -CLOSE * np.maximum(lowest, 1.0), lowest, highest)
    return lowest.reshape(low.shape), highest.reshape(low.shape)


def _gate_relations(linked: LinkedMarkets, flow: Array) -> list[Relation]:
    names, years = list(linked.markets), len(linked.year)
    found = []
    for at, gate in enumerate(linked.gates):
        source, target = names.index(gate.source) * years, names.index(gate.target) * years
        for y, limit in enumerate(gate.limits(years)):
            if flow[at, y] < limit * (1 - USED):
                found.append((target + y, source + y, 1 / gate.rate))
            if flow[at, y] > 0:
                found.append((source + y, target + y, gate.rate))
    return found


def _bank_relations(problem: MarketProblem, data: xr.Dataset, start: int) -> list[Relation]:
    banking = next((one for one in problem.instruments if isinstance(one, Banking)), None)
    if banking is None:
        return []
    limit, volume = banking.limit(len(problem.year)), data.obligation.values.sum(axis=0)
    found = []
    for y in range(len(problem.year) - 1):
        grows = 1 + problem.interest
        found.append((start + y + 1, start + y, grows))
        if data.bank.values[y] + limit[y] > USED * volume[y]:
            found.append((start + y, start + y + 1, 1 / grows))
    return found
