"""Audit of linked markets: each market at the published flows, the gates' complementarity, rents and price bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.market.audit_ledger import labels, worst
from carbonsim.market.certificate import Certificate, Line, audit

if TYPE_CHECKING:
    from carbonsim.market.clear import Market
    from carbonsim.market.linked import LinkedMarkets

Array = NDArray[np.float64]
SAME = 1e-8
OPTIMAL = 2e-6
LITTLE = 1e-7


def audit_linked(linked: LinkedMarkets, dataset: xr.Dataset, markets: Mapping[str, Market]) -> Certificate:
    """The certificate of linked markets: every line of every market, and those of the gates."""
    return Certificate(tuple(_lines(linked, dataset, markets)))


def _lines(linked: LinkedMarkets, dataset: xr.Dataset, markets: Mapping[str, Market]) -> Iterator[Line]:
    gates = [gate.name for gate in linked.gates]
    yield labels("linked.labels", dataset, {"market": list(linked.markets), "gate": gates, "year": linked.year})
    flow = dataset.flow.values
    # A sign that no flow may have is a line of its own: no market could be made with it.
    yield worst("gate.flow_sign", np.minimum(flow, 0.0), np.abs(flow) + 1e-9, 0.0, dataset.gate.values)
    yield from _gate_lines(linked, dataset)
    for place, (name, problem) in enumerate(linked.at_flows(np.maximum(flow, 0.0)).items()):
        found = audit(problem, markets[name].dataset)
        yield from (Line(f"{name}: {one.name}", one.residual, one.tolerance, one.where) for one in found.lines)
        yield from _price_lines(name, place, dataset, markets[name].dataset)
    yield from _bound_lines(linked, dataset, markets)


def _gate_lines(linked: LinkedMarkets, dataset: xr.Dataset) -> Iterator[Line]:
    flow, years = dataset.flow.values, len(linked.year)
    imports = np.zeros_like(dataset.net_import.values)
    names = list(linked.markets)
    for at, gate in enumerate(linked.gates):
        limit = np.broadcast_to(np.asarray(gate.limit, dtype=float), (years,))
        size = np.maximum(np.abs(flow[at]), 1e-9)
        yield worst(f"gate.{gate.name}.limit", np.maximum(flow[at] - limit, 0.0), size, SAME, linked.year)
        source, target = names.index(gate.source), names.index(gate.target)
        imports[source] -= flow[at]
        imports[target] += gate.rate * flow[at]
        for end in ("price_low", "price_high"):
            path = np.nan_to_num(dataset[end].values, nan=np.inf)
            here, there = path[source], gate.rate * path[target]
            with np.errstate(invalid="ignore"):
                gain = np.nan_to_num(np.where(here == there, 0.0, there - here))
            scale = np.maximum(np.minimum(here, there), 1e-3)
            losing = np.where(flow[at] > 0, np.maximum(-gain, 0.0), 0.0)
            left_open = np.where(flow[at] < limit * (1 - LITTLE), np.maximum(gain, 0.0), 0.0)
            yield worst(f"gate.{gate.name}.no_arbitrage[{end}]", losing + left_open, scale, OPTIMAL, linked.year)
        price = dataset.allowance_price.values
        rent = flow[at] * np.maximum(gate.rate * price[target] - price[source], 0.0)
        volume = np.maximum(np.abs(flow[at]) * np.maximum(price[source], 1e-3), 1e-9)
        apart, size = dataset.gate_rent.values[at] - rent, np.maximum(rent, 1e-6 * volume)
        yield worst(f"gate.{gate.name}.rent", apart, size, OPTIMAL, linked.year)
    yield worst("gate.net_import", dataset.net_import.values - imports, np.abs(imports), SAME, names)


def _price_lines(name: str, place: int, dataset: xr.Dataset, alone: xr.Dataset) -> Iterator[Line]:
    """The linked price is the low end, and both ends lie in the interval of the market at the flows."""
    price, low, high = (dataset[key].values[place] for key in ("allowance_price", "price_low", "price_high"))
    least, most = alone.price_low.values, np.nan_to_num(alone.price_high.values, nan=np.inf)
    scale, top = np.maximum(low, 1e-3), np.nan_to_num(high, nan=np.inf)
    yield worst(f"{name}: linked_price.is_low_end", price - low, scale, SAME, dataset.year.values)
    bounded = np.isfinite(most)
    above = np.where(bounded, np.maximum(top - np.where(bounded, most, 0.0), 0.0), 0.0)
    outside = np.maximum(least - low, 0.0) + above + np.maximum(low - top, 0.0)
    yield worst(f"{name}: linked_price.in_interval", outside, scale, OPTIMAL, dataset.year.values)


def _bound_lines(linked: LinkedMarkets, dataset: xr.Dataset, markets: Mapping[str, Market]) -> Iterator[Line]:
    """Each end is held by the market itself, by the year before or after, or by a gate: it could go no further."""
    names = list(linked.markets)
    for end, own in (("price_low", "price_low"), ("price_high", "price_high")):
        path = np.nan_to_num(dataset[end].values, nan=np.inf)
        free = np.zeros_like(path)
        for place, name in enumerate(names):
            alone = np.nan_to_num(markets[name].dataset[own].values, nan=np.inf)
            held = [_close(path[place], alone)]
            grown = np.append(np.nan, path[place][:-1]) * (1 + linked.markets[name].interest)
            held += [_close(path[place], grown), _close(path[place], np.append(path[place][1:], np.nan)
                                                        / (1 + linked.markets[name].interest))]  # fmt: skip
            for gate in linked.gates:
                if gate.source == name:
                    held.append(_close(path[place], gate.rate * path[names.index(gate.target)]))
                if gate.target == name:
                    held.append(_close(path[place], path[names.index(gate.source)] / gate.rate))
            free[place] = 1.0 - np.any(held, axis=0)
        yield worst(f"linked_{end}.is_held", free, 1.0, 0.0, names)


def _close(first: Array, second: Array) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        near = np.abs(first - second) <= 2e-5 * np.maximum(np.abs(second), 1e-3)
    return np.asarray((first == second) | (np.isfinite(first) & near))
