"""Linked markets as a problem file: a market problem under each name, and the gates between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import xarray as xr

from carbonsim.errors import InputError
from carbonsim.market.concept import Concept
from carbonsim.market.faults import Fault, dotted, missing_keys, unknown_keys
from carbonsim.market.linked import Gate, LinkedMarkets, LinkedResult, clear_linked
from carbonsim.market.mapping import faults_of, problem_from_mapping
from carbonsim.market.mapping_checks import records
from carbonsim.market.money import market_answers
from carbonsim.market.plugin_arguments import argument_faults, make
from carbonsim.market.problem_kind import Columns, ProblemKind, Progress, columns_over, problem_kinds

KEYS = ("markets", "gates")
BY_MARKET = ("allowance_price", "price_low", "price_high", "net_import")
BY_GATE = ("flow", "gate_rent")
FROM_MARKETS = ("total_emissions", "total_abatement", "bank", "resource_cost")


@problem_kinds.register("linked")
class LinkedKind(ProblemKind):
    """Several markets and the gates between them: joint prices, and what passes through each gate."""

    __slots__ = ()

    def faults(self, mapping: Mapping[str, object]) -> list[Fault]:
        """Faults of every market and of every gate, each under its name."""
        found = [*unknown_keys((), mapping, KEYS), *missing_keys((), mapping, KEYS)]
        for key in KEYS:
            table, wrong = records((key,), mapping.get(key))
            found += wrong
            for name, record in table.items():
                path = (key, name)
                if key == "markets":
                    found += [_within(path, fault) for fault in faults_of(record)]
                else:
                    found += argument_faults(path, Gate, {"name": name, **record}, _years(mapping))
        if found:
            return found
        try:
            self.read(mapping)
        except InputError as problem:
            found += [Fault((), one.message, one.message_zh, one.hint, one.hint_zh) for one in problem.issues]
        return found

    def read(self, mapping: Mapping[str, object]) -> LinkedMarkets:
        """The markets and their gates."""
        markets, _ = records(("markets",), mapping["markets"])
        gates, _ = records(("gates",), mapping["gates"])
        made = [
            make(("gates", name), Gate, {"name": name, **record}, _years(mapping)) for name, record in gates.items()
        ]
        return LinkedMarkets({name: problem_from_mapping(record) for name, record in markets.items()}, tuple(made))

    def clear(
        self, problem: LinkedMarkets, *, engine: str, concept: Concept | None, progress: Progress | None
    ) -> LinkedResult:
        """The joint clearing."""
        return clear_linked(problem, progress)

    def answers(self, problem: LinkedMarkets, cleared: LinkedResult) -> xr.Dataset:
        """Joint prices and flows, and each market's totals at those flows, gates not counted as emitters."""
        names = list(problem.markets)
        at_flows = problem.at_flows(cleared.dataset.flow.values)
        totals: dict[str, Any] = {name: [] for name in FROM_MARKETS}
        for market in names:
            found = market_answers(at_flows[market], cleared.markets[market])
            own = problem.markets[market].enterprise
            totals["total_emissions"].append(found.covered_emissions.sel(enterprise=list(own)).sum("enterprise").values)
            for name in FROM_MARKETS[1:]:
                totals[name].append(found[name].values)
        return cleared.dataset.assign({name: (("market", "year"), values) for name, values in totals.items()})

    def tables(self, problem: LinkedMarkets, cleared: LinkedResult) -> Mapping[str, Columns]:
        """Markets and gates by year."""
        data = self.answers(problem, cleared)
        return {
            "markets": columns_over(data, ("year", "market"), (*BY_MARKET, *FROM_MARKETS)),
            "gates": columns_over(data, ("year", "gate"), BY_GATE),
        }


def _years(mapping: Mapping[str, object]) -> tuple[int, ...]:
    """The years of the first market that states them."""
    markets, _ = records(("markets",), mapping.get("markets"))
    for record in markets.values():
        years = record.get("year")
        if isinstance(years, list) and all(isinstance(year, int) for year in years):
            return tuple(years)
    return ()


def _within(path: tuple[str, ...], fault: Fault) -> Fault:
    """The same fault, one level further down in the file."""
    where = dotted(path)
    return replace(
        fault, path=(*path, *fault.path), message=f"{where}: {fault.message}", message_zh=f"{where}：{fault.message_zh}"
    )
