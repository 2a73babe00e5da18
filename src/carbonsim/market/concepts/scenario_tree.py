"""Scenario tree: everybody knows what may happen and how likely it is, and learns along the way what does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from carbonsim.errors import InputError, Said
from carbonsim.market.audit_tree import audit_tree
from carbonsim.market.certificate import check_certificate
from carbonsim.market.clear import Engine, Market
from carbonsim.market.concept import Concept, concepts
from carbonsim.market.ledger import market_dataset
from carbonsim.market.problem import MarketProblem
from carbonsim.market.supply import Array, engine_zh
from carbonsim.market.tree import State, tree_states

if TYPE_CHECKING:
    from carbonsim.market.tree_programme import TreeProblem

DUST = 1e-9  # a bank below this share of the state's obligations is rounding
REASON = Said(
    "the states of the tree are one convex programme, each with its probability times its discount",
    "树的各状态构成一个凸规划，每个状态按概率与折现因子加权",
)


@concepts.register("scenario_tree")
@dataclass(frozen=True, slots=True, eq=False)
class ScenarioTree(Concept):
    r"""What may happen is a tree; whoever decides at a node knows what led there and the odds of what may follow.

    .. math::
        :label: scenario-tree

        p_n \ge \frac{1}{1+r} \sum_{c \in \text{children}(n)} \Pr(c \mid n)\, p_c, \qquad
        \text{with } = \text{ while } B_n + L_n > 0, \qquad p_n = -\frac{\text{dual}_n}{\pi_n d_n}

    so that the expected price never rises faster than the rate of interest. Decisions are columns of their node, hence
    the same for everything that may follow it. Holders are risk neutral. The bank is carried along every branch, and
    what is left at the end of one is worth nothing. No rule's incentive inside a year changes; today's price moves with
    the spread of what may come: a price that cannot fall below a floor, or below zero, raises it above the price of the
    mean, a ceiling lowers it.

    Parameters
    ----------
    nodes : mapping
        By name: ``parent`` (none for the first), ``probability`` given the parent, ``years`` (one, or a list) and
        ``changes`` that hold on the branch from then on, as ``carbonsim.market.changes.apply_changes`` takes them;
        factors multiply those of the nodes before.
    quantiles : sequence of float
        Levels of the published quantiles of the price of a year: the lowest price that is not exceeded with at least
        this probability.
    """

    nodes: Mapping[str, Mapping[str, object]]
    quantiles: Sequence[float] = (0.05, 0.5, 0.95)

    def clear(self, problem: MarketProblem, engine: Engine, progress: Callable[[str, float], None] | None) -> Market:
        """The market at every node, in a dataset over nodes.

        Returns
        -------
        Market
            The variables of ``market_dataset`` over (node) instead of (year), with ``node_year``,
            ``node_probability`` and ``parent`` ("" for the first); over (year) ``expected_price`` and over (quantile,
            year) ``price_quantile`` [CNY/tCO2e], NaN where a price is undetermined. A node of several years is one
            entry a year, ``name/year``.
        """
        # Pyomo is loaded only when a tree is cleared.
        from carbonsim.market.tree_programme import check_tree_holds, clear_tree, tree_problem

        if engine not in ("auto", "programme"):
            raise InputError(
                f"scenario_tree is one convex programme; engine '{engine}' cannot hold it. Leave the engine out (auto) "
                "or ask for 'programme'; or leave out the concept scenario_tree, and everybody foresees one path.",
                f"scenario_tree 是一个凸规划，求解方式 {engine_zh(engine)}不能处理。请不指定求解方式（auto），或指定 "
                "programme（规划）；或删去均衡概念 scenario_tree，即人人预见同一路径。",
            )
        levels = [float(level) for level in self.quantiles]
        if not all(0 < level < 1 for level in levels) or len(set(levels)) < len(levels):
            raise InputError(
                f"scenario_tree.quantiles is {levels}; expected different levels between 0 and 1.",
                f"scenario_tree.quantiles 为 {levels}，应为 0 与 1 之间互不相同的分位数。",
            )
        check_tree_holds(problem)
        states = tree_states(problem, self.nodes)
        tree = tree_problem(problem, states)
        dataset = _dataset(tree, states, market_dataset(tree, clear_tree(tree, REASON)))
        dataset = dataset.assign(_summaries(problem, dataset, sorted(levels)))
        dataset.attrs.update(concept="scenario_tree", interest=problem.interest)
        certificate = audit_tree(problem, self.nodes, dataset, levels)
        check_certificate(certificate)
        return Market(
            dataset,
            "programme",
            Said(
                f"scenario_tree of {len(states)} states: {REASON}", f"{len(states)} 个状态的 scenario_tree：{REASON.zh}"
            ),
            certificate,
        )


def _dataset(tree: TreeProblem, states: tuple[State, ...], found: xr.Dataset) -> xr.Dataset:
    """The dataset over nodes, with the bank carried along the branches."""
    carried = any(tool.label == "banking" for tool in tree.instruments)
    bank = np.zeros(len(states))
    sold = found.sold_auction.values + found.ceiling_sold.values + found.reserve_sold.values.sum(axis=0)
    change = tree.supply + sold - found.net_purchase.values.sum(axis=0)
    dust = DUST * np.maximum(found.obligation.values.sum(axis=0), 1.0)
    for n, state in enumerate(states):
        before = tree.opening_bank if state.parent < 0 else bank[state.parent]
        bank[n] = before + change[n] if carried or state.parent < 0 else change[n]
        bank[n] = 0.0 if abs(bank[n]) <= dust[n] else bank[n]
        if not carried:
            # Without banking nothing is handed on: what is left expires.
            found.expired.values[n], bank[n] = bank[n], 0.0
    nothing = np.zeros(len(states))
    if carried:
        found = found.assign(expired=("year", nothing, found.expired.attrs))
    found = found.assign(bank=("year", bank, found.bank.attrs))
    found = found.rename(year="node").assign_coords(node=[state.label for state in states])
    labels = [state.label for state in states]
    return found.assign(
        node_year=("node", np.array([state.year for state in states])),
        node_probability=("node", np.array([state.probability for state in states]), {"units": "1"}),
        parent=("node", np.array([labels[state.parent] if state.parent >= 0 else "" for state in states])),
    )


def _summaries(problem: MarketProblem, dataset: xr.Dataset, levels: list[float]) -> dict[str, Any]:
    """Expected price by year, and its quantiles over what may happen."""
    years, probability, price = (
        dataset.node_year.values,
        dataset.node_probability.values,
        dataset.allowance_price.values,
    )
    expected = np.array([np.sum((probability * price)[years == year]) for year in problem.year])
    table = np.array([[_quantile(price[years == year], probability[years == year], level) for year in problem.year]
                      for level in levels])  # fmt: skip
    units = {"units": "CNY/tCO2e"}
    return {
        "expected_price": xr.DataArray(expected, {"year": list(problem.year)}, ("year",), attrs=units),
        "price_quantile": xr.DataArray(
            table.reshape(len(levels), len(problem.year)),
            {"quantile": levels, "year": list(problem.year)},
            ("quantile", "year"),
            attrs=units,
        ),
    }


def _quantile(price: Array, probability: Array, level: float) -> float:
    if np.any(np.isnan(price)):
        return float("nan")
    order = np.argsort(price, kind="stable")
    reached = np.cumsum(probability[order]) >= level * (1 - 1e-12)
    return float(price[order][np.argmax(reached)])
