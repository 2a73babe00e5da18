"""The market with a balance for each enterprise, declared in Pyomo once for each kind of enterprise.

Index letters: e enterprise, o option, y year. A cell holds the columns and rows of one enterprise; the market's rows
join them. For many enterprises one cell a cohort is declared and repeated (``carbonsim.solving.tile``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from carbonsim.market.enterprise_data import EnterpriseData, Members
from carbonsim.market.problem import MarketProblem
from carbonsim.market.supply import Array, SupplyStep
from carbonsim.solving import compile_programme
from carbonsim.solving.tile import SHARED, Cohort, Tags, TiledProgramme, make_template, tile

if TYPE_CHECKING:
    import pyomo.environ as pyo

COHORT = re.compile(r"enterprise\[@(\d+)\]")
SLOT = re.compile(r"@(\d+),")


class Cell:
    """One enterprise in the programme: what instruments may read and add to.

    ``supply[year]`` and ``need[year]`` are lists of expressions of its balance, ``cost`` one of the objective.
    ``trade`` (purchases less sales), ``bank`` and ``obligation`` are expressions by year, ``purchased`` and ``sold``
    columns by year if an instrument splits trade.
    """

    def __init__(self, frame: EnterpriseFrame, members: Members, label: str, cohort: int) -> None:
        self.frame, self.members, self.label, self.cohort = frame, members, label, cohort
        self.enterprise = int(members.enterprise[0])
        data = frame.data
        self.years = [year for year, on in zip(frame.years, data.active[self.enterprise], strict=True) if on]
        self.covered = [year for year, s in zip(frame.years, data.problem.share[self.enterprise], strict=True) if s > 0]
        self.block = frame.model.enterprise[label]
        self.supply: dict[int, list[Any]] = {year: [] for year in self.years}
        self.need: dict[int, list[Any]] = {year: [] for year in self.years}
        self.trade: dict[int, Any] = {}
        self.purchased: dict[int, Any] = {}
        self.sold: dict[int, Any] = {}
        self.bank: dict[int, Any] = {}
        self.cuts: dict[int, list[tuple[int, Any]]] = {year: [] for year in self.years}

    def number(self, name: str, *place: int) -> float:
        """A number of the enterprise: ``data.own[name][e, *place]``, or its tag if the cell stands for a cohort."""
        if self.frame.tags is None:
            return float(self.frame.data.own[name][(self.enterprise, *place)])
        return self.frame.tags.tag(self.cohort, ("own", name, place))

    def option_number(self, name: str, slot: int, y: int) -> float:
        """A number of the enterprise's option in a slot: ``data.by_option[name][o, y]``, or its tag."""
        if self.frame.tags is None:
            return float(self.frame.data.by_option[name][self.members.option[0, slot], y])
        return self.frame.tags.tag(self.cohort, ("option", name, slot, y))

    def columns(
        self,
        name: str,
        index: Sequence[Any],
        *,
        lower: dict[Any, float | None] | None = None,
        upper: dict[Any, float | None] | None = None,
        binary: bool = False,
    ) -> dict[Any, Any]:
        """Columns ``enterprise[label].name[index]``, not negative and without upper bound if not said otherwise."""
        import pyomo.environ as pyo

        bounds = {one: ((lower or {}).get(one, 0.0), (upper or {}).get(one)) for one in index}
        if binary:
            self.block.add_component(name, pyo.Var(index, domain=pyo.Binary))
        else:
            self.block.add_component(name, pyo.Var(index, bounds=lambda _, *one: bounds[_plain(one)]))
        return dict(self.block.component(name).items())

    def rows(self, name: str, bodies: dict[Any, Any]) -> None:
        """Rows ``enterprise[label].name[index]: body <= number``, each body given with its right-hand side."""
        import pyomo.environ as pyo

        index = list(bodies)
        self.block.add_component(
            name, pyo.Constraint(index, rule=lambda _, *one: bodies[_plain(one)][0] <= bodies[_plain(one)][1])
        )


def _plain(index: tuple[Any, ...]) -> Any:
    return index[0] if len(index) == 1 else index


class EnterpriseFrame:
    """The programme by enterprise while it is built.

    ``supply[year]`` and ``trades[year]`` are lists of expressions of the market's balance, ``cost`` of the objective;
    ``links[name][key]`` collects what cells hand to the rows that join them. Tonnes are divided by ``data.scale``.
    """

    def __init__(self, data: EnterpriseData, tags: Tags | None) -> None:
        import pyomo.environ as pyo

        self.data, self.tags = data, tags
        self.years = data.problem.year
        self.discount = dict(zip(self.years, map(float, data.problem.discount), strict=True))
        self.model: pyo.ConcreteModel = pyo.ConcreteModel(name="market")
        self.model.market = pyo.Block()
        self.supply: dict[int, list[Any]] = {year: [] for year in self.years}
        self.trades: dict[int, list[Any]] = {year: [] for year in self.years}
        self.cost: list[Any] = []
        self.links: dict[str, dict[Any, list[Any]]] = {}
        self.exact: set[int] = set()

    def link(self, name: str, key: Any, expression: Any) -> None:
        """Hand an expression to the shared row ``name[key]``; the name reads ``block.row``."""
        self.links.setdefault(name, {}).setdefault(key, []).append(expression)

    def block(self, name: str) -> Any:
        """The block called ``name``, made at first use."""
        import pyomo.environ as pyo

        if self.model.component(name) is None:
            self.model.add_component(name, pyo.Block())
        return self.model.component(name)

    def add_link_rows(self, name: str, limits: dict[Any, float]) -> None:
        """Rows ``block.row[key]`` of a name of that form: what cells handed over is at most the limit, where finite."""
        import pyomo.environ as pyo

        block, row = name.rsplit(".", 1)
        handed = self.links.get(name, {})
        keys = [key for key in limits if key in handed and np.isfinite(limits[key])]
        rule = {key: pyo.quicksum(handed[key]) <= limits[key] for key in keys}
        self.block(block).add_component(row, pyo.Constraint(keys, rule=lambda _, *one: rule[_plain(one)]))

    def require_buyers(self, name: str, years: Sequence[int]) -> None:
        """What enterprises sell in these years must be bought; ``name.unclaimed`` is left of the regulator's supply."""
        import pyomo.environ as pyo

        fixed = dict(zip(self.years, map(float, self.data.problem.supply / self.data.scale), strict=True))
        offered = [year for year in years if fixed[year] > 0 and year not in self.exact]
        block = self.block(name)
        block.unclaimed = pyo.Var(offered, bounds=lambda _, year: (0.0, fixed[year]))
        for year in offered:
            self.trades[year].append(block.unclaimed[year])
        self.exact |= set(years)

    def cells(self) -> list[Cell]:
        """One cell for each enterprise, or for each cohort if numbers are tags."""
        import pyomo.environ as pyo

        cohorts = self.data.cohorts
        if self.tags is not None:
            found = [(members, f"@{number}", number) for number, members in enumerate(cohorts)]
        else:
            single = [
                (int(e), Members(members.enterprise[[k]], members.option[[k]]), number)
                for number, members in enumerate(cohorts)
                for k, e in enumerate(members.enterprise)
            ]
            names = self.data.problem.enterprise
            found = [(one, names[e], number) for e, one, number in sorted(single, key=lambda entry: entry[0])]
        self.model.enterprise = pyo.Block([label for _, label, _ in found])
        return [Cell(self, *entry) for entry in found]


def declare_enterprises(data: EnterpriseData, tags: Tags | None = None) -> pyo.ConcreteModel:
    r"""The least-cost programme with a balance for each enterprise.

    .. math::
        :label: enterprise-balance

        \min \sum_y d_y \Big[ \sum_o (c_{oy} x_{oy} + \tfrac12 k_{oy} x_{oy}^2) + \text{steps} + \text{frictions} \Big]
        \quad\text{s.t.}\quad
        s_{ey} (\varphi_{ey} E_{ey} - F_{ey}) - \sum_{o \in e} s_{ey} \varphi_{ey} x_{oy} - o_{ey} - u_{ey}
        + B_{ey} - B_{e,y-1} \le b_{ey} - v_{ey}
        \quad [d_y \lambda_{ey}], \qquad
        \sum_e (b_{ey} - v_{ey}) \le S_y + \text{auction, reserve and ceiling}_y \quad [d_y p_y]

    :math:`\lambda_{ey}` is what an allowance is worth to the enterprise. Without an instrument that stands between
    enterprises it equals the price, trades sum out, and this is the programme of yearly totals.

    Parameters
    ----------
    data : EnterpriseData
    tags : Tags, optional
        If given, one cell for each cohort is declared, with tags for the numbers of its members.
    """
    import pyomo.environ as pyo

    frame = EnterpriseFrame(data, tags)
    for step in data.market_steps:
        _add_market_step(frame, step)
    for cell in frame.cells():
        _add_abatement(cell)
        _add_trade(cell)
        for step in data.own_steps:
            _add_own_step(cell, step)
        _add_bank(cell)
        for instrument in data.instruments:
            instrument.add_to_enterprise(cell)
        _add_balance(cell)
    for step in data.own_steps:
        _add_joint_limit(frame, step)
    for instrument in data.instruments:
        instrument.add_links(frame)
    _add_market(frame)
    frame.model.cost = pyo.Objective(expr=pyo.quicksum(frame.cost))
    return frame.model


def tiled_programme(data: EnterpriseData) -> TiledProgramme:
    """The same programme as arrays: one cell a cohort is declared and compiled, then repeated in numpy."""
    template, tags = make_template(lambda tags: compile_programme(declare_enterprises(data, tags)), _owner)
    cohorts = [
        Cohort(_numbers(data, members, tags, number), len(members.enterprise), _Renamer(data.problem, members, number))
        for number, members in enumerate(data.cohorts)
    ]
    return tile(template, cohorts)


def own_name(cohort: int, component: str, year: int | tuple[int, ...]) -> str:
    """Name of ``component[year]`` in the cell that stands for a cohort, as Pyomo writes it."""
    from pyomo.core.base.component_namer import index_repr, name_repr

    return f"enterprise[@{cohort}].{name_repr(component)}{index_repr(year)}"


def shared_name(name: str, key: Any) -> str:
    """Name of ``block.component[key]`` outside the cells, as Pyomo writes it; the name reads ``block.component``."""
    from pyomo.core.base.component_namer import index_repr, name_repr

    block, component = name.rsplit(".", 1)
    return f"{name_repr(block)}.{name_repr(component)}{index_repr(key)}"


def _owner(name: str) -> int:
    found = COHORT.match(name)
    return SHARED if found is None else int(found.group(1))


def _numbers(data: EnterpriseData, members: Members, tags: Tags, number: int) -> Array:
    """The numbers of a cohort's members, (tag, member)."""
    keys: list[Any] = tags.keys_of(number)
    found = np.empty((len(keys), len(members.enterprise)))
    for row, (kind, name, *place) in enumerate(keys):
        if kind == "own":
            found[row] = data.own[name][(members.enterprise, *place[0])]
        else:
            found[row] = data.by_option[name][members.option[:, place[0]], place[1]]
    return found


class _Renamer:
    """Turns a name of a cohort's block into that of a member."""

    def __init__(self, problem: MarketProblem, members: Members, number: int) -> None:
        self.problem, self.members, self.number = problem, members, number

    def __call__(self, name: str, member: int) -> str:
        label = self.problem.enterprise[self.members.enterprise[member]]
        named = name.replace(f"[@{self.number}]", f"[{label}]", 1)
        options = self.members.option[member]
        return SLOT.sub(lambda found: f"{self.problem.options.label[options[int(found.group(1))]]},", named)


def _add_market_step(frame: EnterpriseFrame, step: SupplyStep) -> None:
    import pyomo.environ as pyo

    upper = np.where(step.exists(), step.quantity, 0.0) / frame.data.scale
    years = [year for year, most in zip(frame.years, upper, strict=True) if most > 0]
    most = dict(zip(frame.years, upper, strict=True))
    frame.model.add_component(step.name, pyo.Block())
    block = frame.model.component(step.name)
    block.used = pyo.Var(years, bounds=lambda _, y: (0.0, None if np.isinf(most[y]) else float(most[y])))
    for year in years:
        y = frame.years.index(year)
        frame.supply[year].append(block.used[year])
        frame.cost.append(frame.discount[year] * float(step.price[y]) * block.used[year])
        if step.slope is not None and step.slope[y] > 0:
            curvature = frame.discount[year] * 0.5 * float(step.slope[y]) * frame.data.scale
            frame.cost.append(curvature * block.used[year] ** 2)


def _add_abatement(cell: Cell) -> None:
    data = cell.frame.data
    options = cell.members.option[0]
    inside = [(slot, y) for slot, o in enumerate(options) for y in range(len(cell.frame.years)) if data.inside[o, y]]
    name = (
        [data.problem.options.label[o] for o in options]
        if cell.frame.tags is None
        else [f"@{slot}" for slot in range(len(options))]
    )
    place = {(name[slot], cell.frame.years[y]): (slot, y) for slot, y in inside}
    upper: dict[Any, float | None] = {key: cell.option_number("potential", *at) for key, at in place.items()}
    used = cell.columns("abatement", list(place), upper=upper)
    for key, (slot, y) in place.items():
        cell.cuts[key[1]].append((slot, used[key]))
        cell.frame.cost.append(cell.option_number("cost", slot, y) * used[key])
        if data.problem.options.slope[options[slot], y] > 0:
            cell.frame.cost.append(0.5 * cell.option_number("curvature", slot, y) * used[key] ** 2)
        cell.supply[key[1]].append(cell.option_number("relief", slot, y) * used[key])


def _add_trade(cell: Cell) -> None:
    """One column for net purchases, or two if an instrument tells purchases from sales."""
    if cell.frame.data.splits_trade:
        cell.purchased, cell.sold = cell.columns("purchased", cell.years), cell.columns("sold", cell.years)
        cell.trade = {year: cell.purchased[year] - cell.sold[year] for year in cell.years}
    else:
        cell.trade = cell.columns("trade", cell.years, lower=dict.fromkeys(cell.years))
    for year in cell.years:
        cell.supply[year].append(cell.trade[year])
        cell.frame.trades[year].append(cell.trade[year])


def _add_own_step(cell: Cell, step: SupplyStep) -> None:
    """Offsets or unmet obligations of the enterprise; a share limit is a row of its own."""
    years = [year for year in cell.covered if step.exists()[cell.frame.years.index(year)]]
    used = cell.columns(f"{step.name}_used", years)
    limits = {}
    for year in years:
        y = cell.frame.years.index(year)
        cell.supply[year].append(used[year])
        cell.frame.cost.append(cell.frame.discount[year] * float(step.price[y]) * used[year])
        following = year + 1
        if step.owed_next is not None and step.owed_next[y] and following in cell.need:
            cell.need[following].append(float(step.owed_next[y]) * used[year])
        if step.obligation_share is not None:
            relief = [cell.option_number(f"{step.name}/relief", slot, y) * column for slot, column in cell.cuts[year]]
            limits[year] = (used[year] + sum(relief), cell.number(f"{step.name}/limit", y))
        elif np.isfinite(step.quantity[y]):
            cell.frame.link(f"{step.name}.limit", year, used[year])
    if limits:
        cell.rows(f"{step.name}_limit", limits)


def _add_joint_limit(frame: EnterpriseFrame, step: SupplyStep) -> None:
    limit = dict(zip(frame.years, step.quantity / frame.data.scale, strict=True))
    frame.add_link_rows(f"{step.name}.limit", {year: float(limit[year]) for year in frame.years})


def _add_bank(cell: Cell) -> None:
    """The bank at the end of each year; what may be owed is split like obligations before abatement."""
    banking = cell.frame.data.banking
    if banking is None:
        return
    limit = banking.limit(len(cell.frame.years))
    lower: dict[Any, float | None] = {}
    for year in cell.years:
        y = cell.frame.years.index(year)
        if np.isinf(limit[y]):
            lower[year] = None
        elif limit[y] > 0 and year in cell.covered:
            lower[year] = -cell.number("borrowing_weight", y)
    cell.bank = cell.columns("bank", cell.years, lower=lower)
    for year in cell.years:
        cell.need[year].append(cell.bank[year])
        if year - 1 in cell.bank:
            cell.supply[year].append(cell.bank[year - 1])


def _add_balance(cell: Cell) -> None:
    import pyomo.environ as pyo

    bodies = {}
    for year in cell.years:
        body = pyo.quicksum(cell.need[year]) - pyo.quicksum(cell.supply[year])
        bodies[year] = (body, -cell.number("need", cell.frame.years.index(year)))
    cell.rows("balance", bodies)


def _add_market(frame: EnterpriseFrame) -> None:
    """The market's balance of each year; a year in which nobody trades and nothing is sold gets an idle column.

    Where a sale counts for something, only what the regulator offers may stay unclaimed.
    """
    import pyomo.environ as pyo

    data = frame.data
    idle = [
        year
        for year, on in zip(frame.years, np.asarray(data.active.any(axis=0)), strict=True)
        if not on and not frame.supply[year]
    ]
    block = frame.model.market
    block.unused = pyo.Var(idle, bounds=(0.0, None))
    fixed = dict(zip(frame.years, map(float, data.problem.supply / data.scale), strict=True))

    def balance(_: object, year: int) -> Any:
        body = pyo.quicksum(frame.trades[year]) - pyo.quicksum(frame.supply[year])
        body += block.unused[year] if year in idle else 0.0
        return body == fixed[year] if year in frame.exact else body <= fixed[year]

    block.balance = pyo.Constraint(frame.years, rule=balance)
