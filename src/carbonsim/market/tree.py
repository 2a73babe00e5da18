"""A scenario tree over the years of a market: what may happen when, how likely, and what it changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np

from carbonsim.errors import InputError, Issue, Said, chinese_of, did_you_mean
from carbonsim.market.changes import apply_changes
from carbonsim.market.problem import MarketProblem
from carbonsim.market.supply import Array

FIELDS = ("parent", "probability", "years", "changes")
SUM = 1e-9  # distance from 1 that the probabilities of a node's children may add up to


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """One year of one node: where the market stands, with the problem as it is along its branch.

    ``parent`` is the position of the state before, -1 for the first; ``probability`` is that of being here.
    """

    label: str
    year: int
    parent: int
    probability: float
    problem: MarketProblem


def tree_states(problem: MarketProblem, nodes: Mapping[str, Mapping[str, object]]) -> tuple[State, ...]:
    """The states of a tree, each after the one before it on its branch.

    Parameters
    ----------
    problem : MarketProblem
        The market without any change.
    nodes : mapping
        ``parent`` (name; none for the first node), ``probability`` given the parent (1 if left out), ``years`` (a year
        or a list of them) and ``changes``, which hold on the branch from the node's first year on.

    Raises
    ------
    InputError
        With everything found: fields and parents that are not known, years with gaps, branches that end too early,
        probabilities that do not add up to 1.
    """
    faults = list(_faults(problem, nodes))
    if faults:
        raise InputError(
            [
                Issue(code="tree", source="scenario_tree.nodes", message=text, message_zh=chinese_of(text))
                for text in faults
            ]
        )
    states: list[State] = []
    last: dict[str, int] = {}
    for name in _in_order(nodes):
        years, parent = _years(nodes[name]), nodes[name].get("parent")
        before = -1 if parent is None else last[str(parent)]
        here = problem if before < 0 else states[before].problem
        if nodes[name].get("changes"):
            changes = cast("Mapping[str, object]", nodes[name]["changes"])
            here = apply_changes(here, changes, years[0], where=f"scenario_tree.nodes.{name}.changes")
        likely = float(cast(float, nodes[name].get("probability", 1.0)))
        probability = likely * (1.0 if before < 0 else states[before].probability)
        for year in years:
            label = name if len(years) == 1 else f"{name}/{year}"
            states.append(State(label, year, before, probability, here))
            before = len(states) - 1
        last[name] = before
    return tuple(states)


def state_column(states: tuple[State, ...], array: str) -> Array:
    """An array of the problems with one column for each state: that of its year on its branch."""
    return np.stack([_array(state.problem, array)[..., state.problem.year.index(state.year)] for state in states], -1)


def _array(problem: MarketProblem, name: str) -> Array:
    return cast(Array, getattr(problem if hasattr(problem, name) else problem.options, name))


def _years(node: Mapping[str, object]) -> tuple[int, ...]:
    listed = node.get("years")
    found = tuple(listed) if isinstance(listed, (list, tuple, range)) else (listed,)
    whole = all(isinstance(year, (int, np.integer)) and not isinstance(year, bool) for year in found)
    return tuple(int(cast(int, year)) for year in found) if whole else ()


def _in_order(nodes: Mapping[str, Mapping[str, object]]) -> list[str]:
    """Names with every parent before its children, in the order written otherwise."""
    order: list[str] = []
    waiting = list(nodes)
    while waiting:
        ready = [name for name in waiting if nodes[name].get("parent") is None or nodes[name]["parent"] in order]
        order += ready
        waiting = [name for name in waiting if name not in ready]
        if not ready:
            break
    return order


def _faults(problem: MarketProblem, nodes: object) -> Iterator[str]:
    if not isinstance(nodes, Mapping) or not nodes or not all(isinstance(node, Mapping) for node in nodes.values()):
        yield Said(
            "expected a mapping of node names to parent, probability, years and changes.",
            "应为节点名称到 parent、probability、years 和 changes 的映射。",
        )
        return
    named = cast("Mapping[str, Mapping[str, object]]", nodes)
    for name, node in named.items():
        for key in node:
            if key not in FIELDS:
                yield Said(
                    f"{name} has no '{key}'. Known: {', '.join(FIELDS)}. {did_you_mean(str(key), FIELDS)}",
                    f"{name} 没有 '{key}'。可用：{'、'.join(FIELDS)}。{did_you_mean(str(key), FIELDS, 'zh')}",
                )
        parent = node.get("parent")
        if parent is not None and parent not in named:
            yield Said(
                f"{name}.parent is '{parent}', which is no node. {did_you_mean(str(parent), named)}",
                f"{name}.parent 为 '{parent}'，没有该节点。{did_you_mean(str(parent), named, 'zh')}",
            )
            return
    roots = [name for name, node in named.items() if node.get("parent") is None]
    lost = [name for name in named if name not in _in_order(named)]
    if len(roots) != 1 or lost:
        yield Said(
            f"{len(roots)} nodes have no parent and {len(lost)} hang on none; expected one tree with one first node.",
            f"{len(roots)} 个节点没有上级，{len(lost)} 个节点无所归属；应为一棵只有一个首节点的树。",
        )
        return
    yield from _year_faults(problem, named)
    yield from _probability_faults(named)


def _year_faults(problem: MarketProblem, nodes: Mapping[str, Mapping[str, object]]) -> Iterator[str]:
    parents = {node.get("parent") for node in nodes.values()}
    for name in _in_order(nodes):
        years, parent = _years(nodes[name]), nodes[name].get("parent")
        before = _years(nodes[str(parent)]) if parent is not None else (problem.year[0] - 1,)
        if not before:
            continue
        expected = list(range(before[-1] + 1, before[-1] + 1 + len(years)))
        if not years or list(years) != expected or years[-1] > problem.year[-1]:
            yield (
                Said(
                    f"{name}.years is {nodes[name].get('years')!r}; expected whole years from {before[-1] + 1} on, "
                    "without "
                    f"a gap, up to {problem.year[-1]} at most.",
                    f"{name}.years 为 {nodes[name].get('years')!r}，应为从 {before[-1] + 1} 起连续的整数年份，不晚于 "
                    f"{problem.year[-1]}。",
                )
            )
        elif name not in parents and years[-1] != problem.year[-1]:
            yield Said(
                f"{name} ends in {years[-1]} and nothing follows; expected every branch to reach {problem.year[-1]}.",
                f"{name} 在 {years[-1]} 年结束而其后没有节点；每个分支都应延续到 {problem.year[-1]} 年。",
            )


def _probability_faults(nodes: Mapping[str, Mapping[str, object]]) -> Iterator[str]:
    sums: dict[object, float] = {}
    for name, node in nodes.items():
        likely = node.get("probability", 1.0)
        if isinstance(likely, bool) or not isinstance(likely, (int, float)) or not 0 < likely <= 1:
            yield Said(
                f"{name}.probability is {likely!r}; expected a number above 0 and up to 1, given its parent.",
                f"{name}.probability 为 {likely!r}，应为在上级节点之下大于 0 且不超过 1 的数。",
            )
            return
        sums[node.get("parent")] = sums.get(node.get("parent"), 0.0) + float(likely)
    for parent, total in sums.items():
        if abs(total - 1) > SUM:
            place = (
                Said("the first node", "首节点")
                if parent is None
                else Said(f"the nodes after {parent}", f"{parent} 之后各节点")
            )
            yield Said(
                f"the probabilities of {place} add up to {total:g}; expected 1.",
                f"{place.zh}的概率合计为 {total:g}，应为 1。",
            )
