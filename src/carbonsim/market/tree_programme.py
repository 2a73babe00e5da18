"""The market on a scenario tree as one programme: the states of the tree side by side, joined by the bank.

The programme is that of ``carbonsim.market.programme`` with states in the place of years, a weight (probability times
discount) in the place of the discount, and a bank that goes from a state to all that may follow it. A decision is a
column of its state, so nobody can act on what is not known yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np

from carbonsim.errors import InfeasibleError, InputError, Said, shorten
from carbonsim.market.clearing import Clearing
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.problem import MarketProblem, Options
from carbonsim.market.programme import (
    Frame,
    Programme,
    build_programme,
    programme_quantities,
    quadratic_columns,
    responds,
)
from carbonsim.market.programme_refusals import LARGEST_QUADRATIC
from carbonsim.market.supply import Array, Instrument, SupplyStep
from carbonsim.market.tree import State, state_column
from carbonsim.market.tree_prices import solve_weighted, tree_prices
from carbonsim.solving import CompiledProgramme, compile_programme, explain_infeasible


@dataclass(frozen=True, eq=False)
class TreeProblem(MarketProblem):
    """A market whose "years" are the states of a tree, counted from 0, with the weight of each.

    Parameters
    ----------
    weight : array [1] (state)
        Probability of the state times the discount factor of its year.
    state : tuple of str (state)
        Labels.
    """

    weight: Array | None = None
    state: tuple[str, ...] = ()

    @cached_property
    def discount(self) -> Array:
        """Weight of each state in the objective, in the place of the discount factor of a year."""
        return np.asarray(self.weight, dtype=float)


@dataclass(frozen=True, slots=True, eq=False)
class TreeStep(Instrument):
    """A supply step of a market, offered in each state as in its year on its branch."""

    step: SupplyStep

    @property
    def label(self) -> str:
        """Name of the step."""
        return self.step.name

    def supply_step(self, years: int) -> SupplyStep:
        """The step itself."""
        return self.step

    def add_to(self, frame: Frame) -> None:
        """Add its use and, if obligations limit it, the row ``limit`` of each state."""
        import pyomo.environ as pyo

        used = frame.add_supply(self.step)
        if self.step.obligation_share is None:
            return
        share = dict(zip(frame.years, map(float, self.step.obligation_share), strict=True))
        block = frame.block(self.label)
        block.limit = pyo.Constraint(list(used), rule=lambda _, n: used[n] <= share[n] * frame.obligation[n])


@dataclass(frozen=True, slots=True, eq=False)
class TreeBank(Instrument):
    r"""The bank of each state, handed to every state that may follow it.

    .. math::
        :label: tree-bank

        B_n = B_{\text{parent}(n)} + S_n - D_n, \qquad B_n \ge -L_n, \qquad L = 0 \text{ at the end of a branch}
    """

    parent: tuple[int, ...]
    limit: Array

    @property
    def label(self) -> str:
        """Name of the block of columns."""
        return "banking"

    def add_to(self, frame: Frame) -> None:
        """Add the bank at the end of each state and carry it along the branches."""
        bank = frame.add_columns(
            self.label, "bank", np.full(len(frame.years), np.inf), lower=0.0 - self.limit / frame.scale
        )
        for state, parent in zip(frame.years, self.parent, strict=True):
            frame.supply[state].append(-bank[state])
            if parent >= 0:
                frame.supply[state].append(bank[parent])


def tree_problem(problem: MarketProblem, states: tuple[State, ...]) -> TreeProblem:
    """The states side by side as one market.

    Raises
    ------
    InputError
        If there are more linear MACs than the solver handles dependably.
    """
    owner, labels = problem.options.enterprise, problem.options.label
    table = {name: state_column(states, name) for name in ("potential", "unit_cost", "slope")}
    whole = [state.problem for state in states]
    place = [problem.year.index(state.year) for state in states]
    tools: list[Instrument] = [
        TreeStep(_side_by_side([one.steps[position] for one in whole], place)) for position in range(len(problem.steps))
    ]
    banking = [next((tool for tool in one.instruments if isinstance(tool, Banking)), None) for one in whole]
    if banking[0] is not None:
        years = len(problem.year)
        limit = [tool.limit(years)[y] for tool, y in zip(banking, place, strict=True) if tool is not None]
        tools.append(TreeBank(tuple(state.parent for state in states), np.array(limit)))
    tree = TreeProblem(
        enterprise=problem.enterprise,
        year=tuple(range(len(states))),
        options=Options(labels, owner, **table),
        supply=state_column(states, "supply"),
        interest=0.0,
        opening_bank=problem.opening_bank,
        instruments=tuple(tools),
        weight=np.array([state.probability for state in states]) * problem.discount[place],
        state=tuple(state.label for state in states),
        **cast(Any, {name: state_column(states, name) for name in ("baseline", "share", "fixed", "per_emission")}),
    )
    _check_offset_shares(tree)
    quadratic = quadratic_columns(tree)
    if quadratic > LARGEST_QUADRATIC:
        raise InputError(
            f"scenario_tree would hold {quadratic} quadratic columns ({len(states)} states), more than the "
            f"{LARGEST_QUADRATIC} that the solver handles in seconds. Take fewer nodes, or steps for linear MACs.",
            f"scenario_tree 将有 {quadratic} 个二次列（{len(states)} 个状态），超过求解器在数秒内能处理的 "
            f"{LARGEST_QUADRATIC} 个。请减少节点，或把线性边际减排成本切成分档。",
        )
    return tree


def check_tree_holds(problem: MarketProblem) -> None:
    """Raise InputError if the market has what a tree cannot hold: it holds affine rules, supply steps and a bank."""
    if problem.responses or problem.given_price is not None:
        what = Said("best-response rules", "最优响应规则") if problem.responses else Said("a given price", "给定价格")
        raise InputError(
            f"scenario_tree cannot hold {what}: it is one convex programme. Leave that out of the market.",
            f"scenario_tree 不能处理{what.zh}：它是一个凸规划。请从市场中删去。",
        )
    for tool in problem.instruments:
        if isinstance(tool, Banking):
            if np.any(tool.interest(len(problem.year)) > 0):
                raise InputError(
                    "scenario_tree cannot hold banking.borrowing_interest; set it to 0.",
                    "scenario_tree 不能处理 banking.borrowing_interest；请设为 0。",
                )
            continue
        for y in range(len(problem.year)):
            tool.in_years(y, y + 1, problem.year)
        if not tool.supply_steps(problem.year):
            raise InputError(
                f"scenario_tree cannot hold {tool.label}: it holds supply steps and banking. Leave it out.",
                f"scenario_tree 不能处理 {tool.label}：它只能处理供给项和结转。请删去该项。",
            )


def _check_offset_shares(tree: TreeProblem) -> None:
    """Abatement whose worth first rises and then falls with the price leaves no interval to certify."""
    shares = [
        np.where(step.exists(), step.obligation_share, 0.0) for step in tree.steps if step.obligation_share is not None
    ]
    phi = 1 - tree.per_emission
    turns = (phi > 0) & (phi < sum(shares, np.zeros(len(tree.state)))) & (tree.share > 0)
    for e, n in np.argwhere(turns)[:1]:
        raise InputError(
            f"scenario_tree cannot hold offsets up to a larger share of obligations than {tree.enterprise[e]} has to "
            f"buy of a tonne ({phi[e, n]:g} at {tree.state[n]}): above some price it would abate less. Lower the "
            "share_limit.",
            f"抵销占清缴义务的比例不能大于 {tree.enterprise[e]} 每排放一吨须购买的份额（在 {tree.state[n]} 为 "
            f"{phi[e, n]:g}），scenario_tree 不能处理：价格超过某一水平后其减排反而减少。请降低 share_limit。",
        )


def _side_by_side(steps: list[SupplyStep], place: list[int]) -> SupplyStep:
    """One step over states from the steps of all branches over years."""

    def over_states(name: str) -> Array | None:
        if getattr(steps[0], name) is None:
            return None
        return np.array([getattr(step, name)[y] for step, y in zip(steps, place, strict=True)])

    price, quantity = over_states("price"), over_states("quantity")
    assert price is not None  # noqa: S101  every step has one
    assert quantity is not None  # noqa: S101  every step has one
    limit = over_states("obligation_share")
    return SupplyStep(steps[0].name, steps[0].kind, price, quantity, limit, slope=over_states("slope"))


def clear_tree(tree: TreeProblem, reason: str) -> Clearing:
    r"""Prices and quantities of all states.

    .. math::
        :label: tree-programme

        \min \sum_n \pi_n d_n \Big[ \sum_o C_{on}(x_{on}) + \text{cost of steps} \Big]
        \quad\text{s.t.}\quad D_n(x_n) \le S_n + \text{steps}_n + B_{\text{parent}(n)} - B_n,
        \qquad p_n = -\frac{\text{dual}_n}{\pi_n d_n}

    Where prices are not unique, those published are the dual solution with the least expected discounted sum: the
    lowest prices of single states need not go together, for states after the same one offset each other.

    Raises
    ------
    InfeasibleError
        With the states and the missing tonnes.
    """
    programme = build_programme(tree)
    compiled = compile_programme(programme.model)
    solution = solve_weighted(compiled, tree.discount)
    if solution is None:
        raise _infeasible(tree, programme, compiled)
    price, low, high = tree_prices(compiled, solution, tree.discount)
    undetermined = ~responds(tree) & (high > low)
    abatement, steps = programme_quantities(tree, programme, compiled, solution)
    return Clearing(
        engine="programme",
        reason=reason,
        basis="lp_dual",
        price=np.where(undetermined, np.nan, price),
        price_low=low,
        price_high=high,
        abatement=abatement,
        step_used=steps,
        answers=(),
        indeterminate=undetermined,
        mixed=np.zeros(len(price)),
        residual=solution.gap,
        solver=solution.solver,
    )


def _infeasible(tree: TreeProblem, programme: Programme, compiled: CompiledProgramme) -> InfeasibleError:
    found = explain_infeasible(compiled, compiled.row_index("market.balance["))
    missing = _shortfall(tree) or {
        tree.state[int(row.split("[")[1].rstrip("]"))]: tonnes * programme.frame.scale
        for row, tonnes in found.missing.items()
    }
    listed = shorten([f"{label}: {tonnes:,.6g} t" for label, tonnes in missing.items()])
    listed_zh = shorten([f"{label} {tonnes:,.6g} 吨" for label, tonnes in missing.items()], "zh")
    return InfeasibleError(
        f"The cap cannot be met on the scenario tree: even with all abatement and every supply step, allowances are "
        f"missing ({listed}). Relax the supply of these nodes or of one before them, or add a price_ceiling or a "
        "penalty, which sell what is missing at a price.",
        f"情景树上的总量无法满足：即使实施全部减排并用尽所有供给项，配额仍然不足（{listed_zh}）。"
        "请放宽这些节点或其之前某节点的供给，或增加 price_ceiling 或 penalty，以一定价格提供所缺配额。",
    )


def _shortfall(tree: TreeProblem) -> dict[str, float]:
    """Tonnes that each state lacks with all abatement and every step, the bank carried along as far as it goes."""
    cut = np.zeros_like(tree.baseline)
    np.add.at(cut, tree.options.enterprise, np.where(tree.option_phi > 0, tree.options.potential, 0.0))
    emissions = tree.baseline - cut
    need = (tree.share * ((1 - tree.per_emission) * emissions - tree.fixed)).sum(axis=0)
    offered = tree.supply.copy()
    for step in tree.steps:
        most = (
            step.quantity if step.obligation_share is None else step.obligation_share * (tree.share * emissions).sum(0)
        )
        offered = offered + np.where(step.exists(), most, 0.0)
    carry = next((tool for tool in tree.instruments if isinstance(tool, TreeBank)), None)
    missing: dict[str, float] = {}
    bank = np.zeros(len(need))
    for n, label in enumerate(tree.state):
        before = tree.opening_bank if n == 0 else 0.0
        if carry is not None and carry.parent[n] >= 0:
            before = bank[carry.parent[n]]
        limit = 0.0 if carry is None else carry.limit[n]
        bank[n] = before + offered[n] - need[n]
        if bank[n] < -limit:
            missing[label] = float(-limit - bank[n])
            bank[n] = -limit
    return missing
