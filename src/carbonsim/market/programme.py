"""The market as one least-cost programme in Pyomo: year balances whose duals are the discounted prices.

Index letters: o option, y year. In a competitive market trades sum out and the banks of enterprises sum to one,
so the rows are years and not enterprises; trades are recovered afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from carbonsim.market.clearing import Clearing
from carbonsim.market.plans import Plans
from carbonsim.market.problem import MarketProblem
from carbonsim.market.programme_prices import SCALED_TOTAL, balance_prices, price_interval, row_prices
from carbonsim.market.programme_refusals import check_programme_holds
from carbonsim.market.programme_within import over_obligations, solve_within
from carbonsim.market.rounding import at_bounds
from carbonsim.market.scarcity import forward_shortfall, raise_infeasible
from carbonsim.market.supply import Array, SupplyStep
from carbonsim.solving import CompiledProgramme, LoadedProgramme, Solution, compile_programme, explain_infeasible

if TYPE_CHECKING:
    import pyomo.environ as pyo

ROUNDING = 1e-12  # net demand below this share of all quantities of a year counts as none


class Frame:
    """The programme while it is built: what instruments may read and add to.

    ``supply`` and ``cost`` are lists of expressions that are summed at the end; ``obligation`` is the obligation of
    all enterprises by year, ``issued`` what is issued to them free or without a floor, the opening bank left out.
    Tonnes are divided by ``scale``; prices are not affected.
    """

    def __init__(self, problem: MarketProblem) -> None:
        import pyomo.environ as pyo

        largest = max(float((problem.share * problem.baseline).sum(axis=0).max()), float(problem.supply.max()), 1e-12)
        self.scale = float(10.0 ** np.floor(np.log10(largest / SCALED_TOTAL)))
        self.years = problem.year
        self.discount = dict(zip(problem.year, map(float, problem.discount), strict=True))
        self.opening_bank = problem.opening_bank
        self.within_period = dict(zip(problem.year, map(bool, problem.within_period), strict=True))
        self.model: pyo.ConcreteModel = pyo.ConcreteModel(name="market")
        self.supply: dict[int, list[Any]] = {year: [] for year in problem.year}
        self.cost: list[Any] = []
        self.obligation: dict[int, Any] = {}
        self.issued: dict[int, Any] = {}
        self.step_columns: dict[str, dict[int, Any]] = {}
        self.step_kinds: dict[str, str] = {}
        self.published: dict[str, dict[int, Any]] = {}
        self.priced: dict[str, dict[int, Any]] = {}
        self.least_priced: set[str] = set()
        self.plans: dict[str, Any] = {}

    def block(self, name: str) -> Any:
        """The block called ``name``, made at first use."""
        import pyomo.environ as pyo

        if self.model.component(name) is None:
            self.model.add_component(name, pyo.Block())
        return self.model.component(name)

    def add_columns(self, block: str, name: str, upper: Array, lower: Array | None = None) -> dict[int, Any]:
        """A column ``block.name[year]`` for each year whose bounds leave room, by year.

        ``upper`` and ``lower`` (0 if not given) are in the programme's unit of tonnes.
        """
        import pyomo.environ as pyo

        least = np.zeros_like(upper) if lower is None else lower
        years = [year for year, low, high in zip(self.years, least, upper, strict=True) if high > low]
        bounds = {
            year: (None if np.isneginf(low) else float(low), None if np.isposinf(high) else float(high))
            for year, low, high in zip(self.years, least, upper, strict=True)
        }
        holder = self.block(block)
        holder.add_component(name, pyo.Var(years, bounds=lambda _, year: bounds[year]))
        return dict(holder.component(name).items())

    def add_supply(self, step: SupplyStep) -> dict[int, Any]:
        """Columns of a supply step: its use by year, added to supply and paid at its price."""
        upper = np.where(step.exists(), step.quantity, 0.0) / self.scale
        used = self.add_columns(step.name, "used", upper)
        price = dict(zip(self.years, map(float, step.price), strict=True))
        for year, column in used.items():
            self.supply[year].append(column)
            self.cost.append(self.discount[year] * price[year] * column)
            if step.slope is not None and (slope := float(step.slope[self.years.index(year)])) > 0:
                self.cost.append(self.discount[year] * 0.5 * slope * self.scale * column**2)
        if step.owed_next is not None:
            for before, year, owed in zip(self.years[:-1], self.years[1:], step.owed_next[:-1], strict=True):
                if before in used and owed:
                    self.supply[year].append(-float(owed) * used[before])
        self.step_columns[step.name] = used
        self.step_kinds[step.name] = step.kind
        return used

    def limit_by_obligation(self, name: str, kinds: tuple[str, ...]) -> None:
        """Rows ``name[year]``: what steps of these kinds are used together is at most the obligation of the year."""
        import pyomo.environ as pyo

        used = [columns for step, columns in self.step_columns.items() if self.step_kinds[step] in kinds]
        bodies = {year: [columns[year] for columns in used if year in columns] for year in self.years}
        rows = {year: pyo.quicksum(own) <= self.obligation[year] for year, own in bodies.items() if own}
        self.model.add_component(name, pyo.Constraint(list(rows), rule=lambda _, year: rows[year]))

    def publish(self, name: str, columns: Mapping[int, Any]) -> None:
        """Publish columns by year as a flow of the market [tCO2e]; 0 in years without one."""
        self.published[name] = dict(columns)

    def publish_price(self, name: str, rows: Mapping[int, Any], *, linked: bool = False) -> None:
        """Publish minus the dual of rows by year, undiscounted [CNY/tCO2e]; 0 in years without one.

        A row ``use <= limit`` then gives what a tonne more of the limit is worth. Where the allowance price is an
        interval, the dual of a year's row is the one at the lowest price of that year; rows that are ``linked`` over
        the years (a stock) take the least of all these.
        """
        self.priced[name] = dict(rows)
        if linked:
            self.least_priced.add(name)


@dataclass(frozen=True, slots=True, eq=False)
class Programme:
    """A built programme: the Pyomo model, its frame, and what was decided before it."""

    model: pyo.ConcreteModel
    frame: Frame
    outside: Array
    columns: NDArray[np.intp]


def build_programme(problem: MarketProblem) -> Programme:
    r"""The aggregate least-cost programme of a market with affine allocation.

    .. math::
        :label: market-balance

        \min \sum_y d_y \Big[ \sum_o (c_{oy} x_{oy} + \tfrac12 k_{oy} x_{oy}^2) + \text{cost of steps} \Big]
        \quad\text{s.t.}\quad
        \sum_e s_{ey} (\varphi_{ey} E_{ey} - F_{ey}) - \sum_o s_{oy} \varphi_{oy} x_{oy}
        \le S_y + \text{steps}_y + B_{y-1} - B_y \quad [\texttt{market.balance[y]}]

    The price of year y is minus the dual of its balance, divided by :math:`d_y`.

    Raises
    ------
    InputError
        If the problem has best-response rules or a given price: neither is a convex programme of this form.
    """
    import pyomo.environ as pyo

    check_programme_holds(problem, quadratic_columns(problem))
    frame = Frame(problem)
    inside = in_programme(problem)
    outside = np.where(inside, 0.0, unpriced_use(problem))
    columns = np.argwhere(inside)
    model = frame.model
    labels = [(problem.options.label[option], problem.year[year]) for option, year in columns]
    potential = {
        label: float(problem.options.potential[o, y] / frame.scale)
        for label, (o, y) in zip(labels, columns, strict=True)
    }
    model.abatement = pyo.Var(labels, bounds=lambda _, *label: (0.0, potential[label]))
    use = {(int(o), int(y)): model.abatement[label] for label, (o, y) in zip(labels, columns, strict=True)}
    _add_abatement_cost(problem, frame, use)
    demand = _demand(problem, frame, use, outside)
    if problem.plans is not None:
        _add_plans(problem, problem.plans, frame, demand)
    for year, supply in zip(problem.year, map(float, problem.supply / frame.scale), strict=True):
        frame.issued[year] = frame.obligation[year] - demand[year] + supply
    for instrument in sorted(problem.instruments, key=lambda one: one.adds_last):
        instrument.add_to(frame)
    _add_unused(problem, frame, columns)
    model.market.balance = pyo.Constraint(
        problem.year,
        rule=lambda _, year: demand[year] - pyo.quicksum(frame.supply[year]) <= fixed_supply(problem, frame)[year],
    )
    model.cost = pyo.Objective(expr=pyo.quicksum(frame.cost))
    return Programme(model, frame, outside, columns)


def formulation(problem: MarketProblem) -> pyo.ConcreteModel:
    """The Pyomo model of a problem as a reader checks it: yearly totals, or a balance for each enterprise if needed."""
    if not any(instrument.by_enterprise for instrument in problem.instruments):
        return build_programme(problem).model
    from carbonsim.market.enterprise_data import EnterpriseData
    from carbonsim.market.enterprise_programme import declare_enterprises

    return declare_enterprises(EnterpriseData(problem))


def fixed_supply(problem: MarketProblem, frame: Frame) -> dict[int, float]:
    """Allowances on the right-hand side of each balance: fixed supply, with the opening bank in the first year."""
    supply = np.array(problem.supply)
    supply[0] += problem.opening_bank
    return dict(zip(problem.year, map(float, supply / frame.scale), strict=True))


def clear_by_programme(
    problem: MarketProblem, reason: str, progress: Callable[[str, float], None] | None = None
) -> Clearing:
    """Prices and quantities by solving the programme; the interval from all multipliers that are optimal.

    Raises
    ------
    InfeasibleError
        If the cap cannot be met: names the year, the missing tonnes and the rules to relax.
    SolverError
        If HiGHS proves no optimum.
    """
    if any(instrument.by_enterprise for instrument in problem.instruments):
        from carbonsim.market.enterprise_clearing import clear_by_enterprises

        return clear_by_enterprises(problem, reason, progress)
    programme = build_programme(problem)
    compiled = compile_programme(programme.model)
    solution = LoadedProgramme(compiled).solve()
    balance = compiled.row_index("market.balance[")
    if solution is None:
        found = explain_infeasible(compiled, balance)
        solver_missing = {
            year: found.missing.get(f"market.balance[{year}]", 0.0) * programme.frame.scale for year in problem.year
        }
        # The solver's least relaxation may put all tonnes into one year; the year they arise in is what helps.
        raise_infeasible(problem, forward_shortfall(problem) or solver_missing, found.rows)
    price = balance_prices(problem, solution.row_dual, balance)
    low, high, duals = price_interval(problem, compiled, balance, (price, solution))
    abatement, steps = programme_quantities(problem, programme, compiled, solution)
    if over_obligations(problem, abatement, steps):
        compiled, solution = solve_within(programme, compiled, solution)
        abatement, steps = programme_quantities(problem, programme, compiled, solution)
    undetermined = ~responds(problem) & (high > low)
    return Clearing(
        engine="programme",
        reason=reason,
        basis="lp_dual",
        price=np.where(undetermined, np.nan, low),
        price_low=low,
        price_high=high,
        abatement=abatement,
        step_used=steps,
        answers=(),
        indeterminate=undetermined,
        mixed=np.zeros(len(problem.year)),
        residual=solution.gap,
        solver=solution.solver,
        flows=_flows(problem, programme, compiled, solution),
        prices=row_prices(problem, programme.frame, compiled, duals),
    )


def responds(problem: MarketProblem) -> NDArray[np.bool_]:
    """Years in which somebody's demand can move with the price or is unequal to supply; else no rule sets the price."""
    need = problem.share * ((1 - problem.per_emission) * problem.baseline - problem.fixed)
    net = need.sum(axis=0) - problem.supply
    scale = (problem.share * problem.baseline).sum(axis=0) + problem.supply
    moves = (problem.option_share * problem.option_phi != 0) & (problem.options.potential > 0)
    return np.asarray((np.abs(net) > ROUNDING * scale) | moves.any(axis=0))


def quadratic_columns(problem: MarketProblem) -> int:
    """Number of option-years with a linear MAC that the programme would hold."""
    return int(np.sum(in_programme(problem) & (problem.options.slope > 0)))


def in_programme(problem: MarketProblem) -> NDArray[np.bool_]:
    """Option-years whose use the price can move."""
    moved = problem.option_share * problem.option_phi != 0
    if problem.counts_obligation:
        moved = problem.option_share != 0
    return np.asarray(moved & (problem.options.potential > 0))


def unpriced_use(problem: MarketProblem) -> Array:
    """Use of each option by who faces no price: only what pays for itself."""
    options = problem.options
    with np.errstate(divide="ignore", invalid="ignore"):
        until_free = np.where(options.slope > 0, -options.unit_cost / options.slope, np.inf)
    return np.where(options.unit_cost < 0, np.minimum(options.potential, until_free), 0.0)


def _add_abatement_cost(problem: MarketProblem, frame: Frame, use: dict[tuple[int, int], Any]) -> None:
    cost, slope = problem.options.unit_cost, problem.options.slope
    for (o, y), column in use.items():
        factor = float(problem.discount[y])
        frame.cost.append(factor * float(cost[o, y]) * column)
        if slope[o, y] > 0:
            frame.cost.append(factor * 0.5 * float(slope[o, y]) * frame.scale * column**2)


def _demand(problem: MarketProblem, frame: Frame, use: dict[tuple[int, int], Any], outside: Array) -> dict[int, Any]:
    """Net demand of each year after abatement; also fills ``frame.obligation``."""
    import pyomo.environ as pyo

    share, phi = problem.option_share, problem.option_phi
    obligation = (problem.share * problem.baseline).sum(axis=0) - (share * outside).sum(axis=0)
    need = (problem.share * ((1 - problem.per_emission) * problem.baseline - problem.fixed)).sum(axis=0)
    need = need - (share * phi * outside).sum(axis=0)
    by_year: dict[int, list[tuple[int, Any]]] = {y: [] for y in range(len(problem.year))}
    for (o, y), column in use.items():
        by_year[y].append((o, column))
    demand = {}
    for y, year in enumerate(problem.year):
        columns = by_year[y]
        frame.obligation[year] = float(obligation[y] / frame.scale) - pyo.quicksum(
            float(share[o, y]) * column for o, column in columns
        )
        demand[year] = float(need[y] / frame.scale) - pyo.quicksum(
            float(share[o, y] * phi[o, y]) * column for o, column in columns
        )
    return demand


def _add_plans(problem: MarketProblem, plans: Plans, frame: Frame, demand: dict[int, Any]) -> None:
    """Whole plans as binary columns, one at most for each enterprise; what they cut leaves demand and obligation."""
    import pyomo.environ as pyo

    model, owner = frame.model, plans.enterprise
    model.plans = pyo.Block()
    model.plans.chosen = pyo.Var(list(plans.label), domain=pyo.Binary)
    frame.plans = {label: model.plans.chosen[label] for label in plans.label}
    columns = list(frame.plans.values())
    share, phi = problem.share[owner], 1 - problem.per_emission[owner]
    for y, year in enumerate(problem.year):
        cut, worth = share[:, y] * plans.cut[:, y] / frame.scale, phi[:, y]
        frame.obligation[year] -= pyo.quicksum(float(c) * u for c, u in zip(cut, columns, strict=True))
        demand[year] -= pyo.quicksum(float(c) * u for c, u in zip(cut * worth, columns, strict=True))
    spent = (problem.discount * plans.cost).sum(axis=1) / frame.scale
    frame.cost += [float(cost) * column for cost, column in zip(spent, columns, strict=True)]
    own = {problem.enterprise[e]: np.flatnonzero(owner == e).tolist() for e in np.unique(owner)}
    model.plans.at_most_one = pyo.Constraint(
        list(own), rule=lambda _, firm: pyo.quicksum(columns[place] for place in own[firm]) <= 1
    )


def _add_unused(problem: MarketProblem, frame: Frame, columns: NDArray[np.intp]) -> None:
    """A column for allowances nobody uses, in years whose balance would hold no column at all."""
    import pyomo.environ as pyo

    busy = {problem.year[y] for _, y in columns} | {year for year, terms in frame.supply.items() if terms}
    idle = [year for year in problem.year if year not in busy]
    block = frame.block("market")
    block.unused = pyo.Var(idle, bounds=(0.0, None))
    for year in idle:
        frame.supply[year].append(-block.unused[year])


def programme_quantities(
    problem: MarketProblem, programme: Programme, compiled: CompiledProgramme, solution: Solution
) -> tuple[Array, Array]:
    """Abatement (option, year) and use of steps (step, year), in tonnes."""
    position = compiled.column_position()
    values = solution.values * programme.frame.scale
    abatement = programme.outside.copy()
    for o, y in programme.columns:
        name = programme.model.abatement[problem.options.label[o], problem.year[y]].name
        if name in position:
            abatement[o, y] = values[position[name]]
    steps = np.zeros((len(problem.steps), len(problem.year)))
    for s, step in enumerate(problem.steps):
        for year, column in programme.frame.step_columns[step.name].items():
            if column.name in position:
                steps[s, problem.year.index(year)] = values[position[column.name]]
    return at_bounds(problem, abatement), np.maximum(steps, 0.0)


def _flows(
    problem: MarketProblem, programme: Programme, compiled: CompiledProgramme, solution: Solution
) -> dict[str, Array]:
    """What instruments publish of their columns, in tonnes by year."""
    position = compiled.column_position()
    found = {name: np.zeros(len(problem.year)) for name in programme.frame.published}
    for name, columns in programme.frame.published.items():
        for year, column in columns.items():
            if column.name in position:
                value = solution.values[position[column.name]] * programme.frame.scale
                found[name][problem.year.index(year)] = value
    return found
