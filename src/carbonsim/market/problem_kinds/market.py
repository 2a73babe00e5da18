"""The ordinary kind of problem: enterprises, options, supply and instruments over years."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
import xarray as xr

from carbonsim.errors import chinese_of
from carbonsim.market.clear import Engine, Market, clear
from carbonsim.market.concept import Concept
from carbonsim.market.detail_tables import detail_tables, node_enterprise_table, option_table
from carbonsim.market.equilibria import equilibrium_remarks, rule_tables
from carbonsim.market.faults import Fault
from carbonsim.market.mapping import faults_of, problem_from_mapping
from carbonsim.market.money import market_answers
from carbonsim.market.problem import MarketProblem
from carbonsim.market.problem_kind import Columns, ProblemKind, Progress, problem_kinds
from carbonsim.market.supply import engine_zh

PRICES = ("allowance_price", "price_low", "price_high", "price_basis")
QUANTITIES = ("allowance_supply", "total_obligation", "total_emissions", "total_abatement", "bank")
FLOWS = ("offsets_used", "released", "penalty_tonnes", "unsold", "expired", "external_purchase")
SUMS = {"obligation": "obligation", "emissions": "covered_emissions", "abatement": "abatement"}
MONEY = ("resource_cost", "government_receipts", "drawn_from_bank", "total_net_cost")
ENTERPRISE = ("obligation", "free_allocation", "abatement", "net_purchase")
COSTS = ("abatement_cost", "allowance_payment", "offset_cost", "penalty_cost", "transaction_cost", "net_cost")


@problem_kinds.register("market")
class MarketKind(ProblemKind):
    """Enterprises, abatement options, supply and instruments: allowances clear at a price."""

    __slots__ = ()

    has_concepts = True
    has_engines = True

    def faults(self, mapping: Mapping[str, object]) -> list[Fault]:
        """Everything that is wrong, each fault with the path of its key."""
        return faults_of(mapping)

    def read(self, mapping: Mapping[str, object]) -> MarketProblem:
        """The market problem."""
        return problem_from_mapping(mapping)

    def clear(
        self, problem: MarketProblem, *, engine: str, concept: Concept | None, progress: Progress | None
    ) -> Market:
        """The market of the problem under a concept."""
        return clear(problem, cast("Engine", engine), progress, concept=concept)

    def answers(self, problem: MarketProblem, cleared: Market) -> xr.Dataset:
        """The published numbers, totals and money; of a tree, whose nodes have problems of their own, no money."""
        return cleared.dataset if "node" in cleared.dataset.dims else market_answers(problem, cleared)

    def tables(self, problem: MarketProblem, cleared: Market) -> Mapping[str, Columns]:
        """Years (price, quantities, flows), money by year, and enterprises by year; of a tree its nodes."""
        if "node" in cleared.dataset.dims:
            return _nodes(cleared.dataset)
        data = market_answers(problem, cleared)
        years = data.year.values
        firms = data.enterprise.values.astype(str)
        by_year = {"year": years, **{name: data[name].values for name in (*PRICES, *QUANTITIES, *FLOWS)}}
        money = {"year": years, **{name: data[name].values for name in MONEY}}
        by_enterprise = {
            "year": np.repeat(years, len(firms)),
            "enterprise": np.tile(firms, len(years)),
            **{name: data[name].transpose("year", "enterprise").values.ravel() for name in (*ENTERPRISE, *COSTS)},
        }
        return {
            "years": by_year, **rule_tables(cleared.dataset), "money": money, "enterprises": by_enterprise,
            **detail_tables(cleared.dataset), **option_table(cleared.dataset, problem),
        }  # fmt: skip

    def remarks(self, problem: MarketProblem, cleared: Market) -> list[tuple[str, str]]:
        """The engine with its reason, and what becomes of allowances that are left."""
        return [
            (
                f"Engine: {cleared.engine} ({cleared.engine_reason})",
                f"求解方式：{engine_zh(cleared.engine)}，{chinese_of(cleared.engine_reason)}",
            ),
            *equilibrium_remarks(cleared.dataset),
            _terminal(problem),
        ]  # fmt: skip


def _nodes(data: xr.Dataset) -> Mapping[str, Columns]:
    """Tables of a tree: its nodes, what is expected by year, and its enterprises by node."""
    totals = {f"total_{name}": data[source].sum("enterprise").values for name, source in SUMS.items()}
    nodes = {
        "node": data.node.values.astype(str),
        "parent": data.parent.values.astype(str),
        "year": data.node_year.values,
        "probability": data.node_probability.values,
        **{name: data[name].values for name in PRICES},
        **totals,
        **{name: data[name].values for name in ("bank", *(flow for flow in FLOWS if flow in data))},
    }
    return {
        "nodes": nodes,
        "expected_prices": {"year": data.year.values, "expected_price": data.expected_price.values},
        "node_enterprises": node_enterprise_table(data, (*ENTERPRISE, "abatement_cost")),
    }


def _terminal(problem: MarketProblem) -> tuple[str, str]:
    """What an allowance is worth after the last year."""
    last = problem.year[-1]
    labels = [instrument.label for instrument in problem.instruments]
    ends = [instrument.statement for instrument in problem.instruments if "terminal" in instrument.label]
    if problem.given_price is not None:
        return ("Terminal condition: none; the price is given", "期末条件：无（价格给定）")
    if ends:
        return (f"Terminal condition: {'; '.join(ends)}", f"期末条件：{'；'.join(ends)}")
    if "banking" in labels:
        return (
            f"Terminal condition: allowances left after {last} are worth nothing, and none may be owed then",
            f"期末条件：{last} 年后剩余的配额没有价值，且不得有欠缴",
        )
    return (
        "Terminal condition: no banking; what a year leaves over expires",
        "期末条件：不可结转，当年剩余配额失效",
    )
