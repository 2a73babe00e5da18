"""Clears a market with a balance for each enterprise: prices, worths, trades and banks from the tiled programme."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from carbonsim.errors import InfeasibleError, InputError, Said, SolverError, shorten
from carbonsim.market.clearing import Clearing, EnterpriseClearing
from carbonsim.market.enterprise_data import EnterpriseData
from carbonsim.market.enterprise_decisions import price_decisions
from carbonsim.market.enterprise_hull import HullProgramme, best_plan, hull_programme
from carbonsim.market.enterprise_instrument import Found, Published
from carbonsim.market.enterprise_programme import own_name, shared_name, tiled_programme
from carbonsim.market.enterprise_replies import Replies
from carbonsim.market.problem import MarketProblem
from carbonsim.market.programme import responds
from carbonsim.market.programme_prices import POINT_WIDTH
from carbonsim.market.programme_refusals import LARGEST_QUADRATIC
from carbonsim.market.programme_within import as_cheap, over_obligations
from carbonsim.market.rounding import at_bounds
from carbonsim.market.scarcity import forward_shortfall, raise_infeasible
from carbonsim.market.supply import INSTEAD_OF_ALLOWANCES, Array
from carbonsim.solving import (
    CompiledProgramme,
    DualFace,
    IntegerSolution,
    LoadedProgramme,
    Solution,
    explain_infeasible,
)
from carbonsim.solving.tile import TiledProgramme

Index = NDArray[np.intp]

NEGLIGIBLE = 1e-9
ROUNDING = 1e-12  # flows below this share of the largest one are the solver's rounding
SETTLINGS = 20  # corrections of yes-or-no decisions that cost nothing


def clear_by_enterprises(
    problem: MarketProblem, reason: str, progress: Callable[[str, float], None] | None = None
) -> Clearing:
    """Prices and quantities by the programme with a balance for each enterprise.

    With integer columns the best plan is found first; prices are then those of the programme with its integers fixed,
    and the basis is ``fixed_integer_dual``.

    Raises
    ------
    InputError
        If the problem holds what has no form by enterprise.
    InfeasibleError
        If the balances cannot all be met: names the years and the missing tonnes.
    SolverError
        If HiGHS proves no optimum, or leaves a gap.
    """
    tell = progress or (lambda stage, part: None)
    data = EnterpriseData(problem)
    _refuse_quadratic(data)
    tell(Said("building the programme by enterprise", "建立分企业规划"), 0.0)
    tiled = tiled_programme(data)
    whole = tiled.programme.integer is not None
    hull = hull_programme(Replies(tiled)) if whole else None
    tell(Said("finding the best decisions", "求最优决策") if whole else Said("solving the programme", "求解规划"), 0.1)
    plan = best_plan(tiled.programme, hull) if whole else None
    if whole and plan is None:
        _raise_infeasible(data, tiled)
    solved = _solve(data, tiled, tiled.programme if plan is None else plan.fixed)
    tell(Said("finding prices and what everybody forgoes", "求价格及各企业的损失"), 0.4)
    return _clearing(_within_obligations(solved if plan is None else _settle(solved)), reason, plan, hull)


def _within_obligations(solved: _Solved) -> _Solved:
    """Other quantities of the same cost, in which less stands in for allowances than there is to surrender.

    The same ones where they are so, or where there are none. Whole numbers stay as the plan has them.
    """
    problem = solved.data.problem
    if not over_obligations(problem, solved.abatement(), _steps(solved)[1]):
        return solved
    bounded = tiled_programme(dataclasses.replace(solved.data, within=True)).programme
    fixed = dataclasses.replace(
        bounded,
        integer=None,
        column_lower=solved.programme.column_lower,
        column_upper=solved.programme.column_upper,
    )
    other = as_cheap(LoadedProgramme(fixed, warm=True).solve(), solved.solution)
    if other is None:
        return solved
    return dataclasses.replace(solved, solution=dataclasses.replace(solved.solution, values=other.values))


def _solve(data: EnterpriseData, tiled: TiledProgramme, programme: CompiledProgramme) -> _Solved:
    loaded = LoadedProgramme(programme, warm=True)
    solution = loaded.solve()
    if solution is None:
        _raise_infeasible(data, tiled)
    return _Solved(data, tiled, loaded, solution)


def _settle(solved: _Solved) -> _Solved:
    """The same plan with the integers that its cost leaves open set to what its quantities say, so that prices fit.

    Each settling keeps the quantities feasible, but the solver may then choose others of the same cost.
    """
    for _ in range(SETTLINGS):
        lower = solved.programme.column_lower.copy()
        for instrument in solved.data.instruments:
            for name, values in instrument.decided(solved.data, solved.column).items():
                places = solved.places(name) if isinstance(name, str) else solved.places(name[0], *name[1:])
                known = (places >= 0) & ~np.isnan(values)
                lower[places[known]] = values[known]
        whole = solved.tiled.programme.integer
        if np.array_equal(lower, solved.programme.column_lower) or whole is None:
            return solved
        upper = np.where(whole, lower, solved.programme.column_upper)
        programme = dataclasses.replace(solved.programme, column_lower=lower, column_upper=upper)
        solved = _solve(solved.data, solved.tiled, programme)
    raise SolverError(
        f"The plan's yes-or-no decisions do not fit its quantities after {SETTLINGS} corrections.",
        f"方案的是非决策经 {SETTLINGS} 次修正仍与其数量不一致。",
    )


def _refuse_quadratic(data: EnterpriseData) -> None:
    count = int(np.sum(data.inside & (data.problem.options.slope > 0)))
    if count > LARGEST_QUADRATIC:
        raise InputError(
            f"The programme would hold {count} quadratic columns, more than the {LARGEST_QUADRATIC} that the solver "
            "handles in seconds. Cut linear MACs into steps, or leave out what needs a balance for each enterprise.",
            f"该规划将有 {count} 个二次列，超过求解器在数秒内能处理的 {LARGEST_QUADRATIC} 个。"
            "请把线性边际减排成本切成分档，或删去需要分企业平衡的工具。",
        )
    whole = [instrument.label for instrument in data.instruments if instrument.has_integers]
    if count and whole:
        raise InputError(
            f"{whole[0]} needs whole numbers (who trades, who is a net seller), which the solver cannot hold together "
            "with linear MACs (slope > 0). Cut these options into steps of constant cost.",
            f"{whole[0]} 需要整数决策（谁交易、谁是净卖方），求解器不能与线性边际减排成本（slope > 0）一并处理。"
            "请把这些选项切成成本不变的分档。",
        )


def _raise_infeasible(data: EnterpriseData, tiled: TiledProgramme) -> NoReturn:
    """Missing tonnes by year: all enterprises' balances may be exceeded, their total excess is the least."""
    problem = data.problem
    names = [name for name in tiled.template.form.rows if ".balance[" in name]
    rows = {name: tiled.rows(name) for name in names}
    elastic = np.concatenate(list(rows.values()))
    found = explain_infeasible(tiled.programme, elastic)
    missing = dict.fromkeys(problem.year, 0.0)
    for name, places in rows.items():
        year = int(name.rsplit("[", 1)[1].rstrip("]"))
        missing[year] += data.scale * sum(found.missing.get(tiled.programme.rows[place], 0.0) for place in places)
    raise_infeasible(problem, forward_shortfall(problem) or missing, found.rows)


@dataclass(frozen=True, eq=False)
class _Solved:
    """A solved programme and how to read it by enterprise."""

    data: EnterpriseData
    tiled: TiledProgramme
    loaded: LoadedProgramme
    solution: Solution

    @property
    def programme(self) -> CompiledProgramme:
        """The programme whose duals are read."""
        return self.loaded.programme

    @cached_property
    def balance(self) -> Index:
        """Rows of the market's balances, by year."""
        return np.concatenate([self.tiled.rows(f"market.balance[{year}]") for year in self.data.problem.year])

    @cached_property
    def own_balance(self) -> Index:
        """Rows of the enterprises' balances, -1 where there is none; (enterprise, year)."""
        return self.places("balance", rows=True)

    def places(self, name: str, *key: int, rows: bool = False) -> Index:
        """Places of ``enterprise[e].name[y]`` in the programme, -1 where there is none; (enterprise, year)."""
        form = self.tiled.template.form
        names = set(form.rows if rows else form.columns)
        found = np.full(self.data.problem.baseline.shape, -1, dtype=np.intp)
        for number, members in enumerate(self.data.cohorts):
            for y, year in enumerate(self.data.problem.year):
                full = own_name(number, name, (*key, year) if key else year)
                if full in names:
                    found[members.enterprise, y] = self.tiled.rows(full) if rows else self.tiled.columns(full)
        return found

    def column(self, name: str) -> Array:
        """Values of the enterprises' columns of a name [tCO2e], 0 where there is none."""
        places = self.places(name)
        return np.where(places >= 0, self.solution.values[places] * self.data.scale, 0.0)

    def abatement(self) -> Array:
        """Use of all options [tCO2e] (option, year)."""
        found = self.data.outside.copy()
        for number, members in enumerate(self.data.cohorts):
            for slot in range(members.option.shape[1]):
                for y, year in enumerate(self.data.problem.year):
                    if self.data.inside[members.option[0, slot], y]:
                        places = self.tiled.columns(f"enterprise[@{number}].abatement[@{slot},{year}]")
                        found[members.option[:, slot], y] = self.solution.values[places] * self.data.scale
        return at_bounds(self.data.problem, found)

    def shared(self, name: str, year: int) -> float:
        """Value of a shared column [tCO2e], 0 if there is none."""
        full = shared_name(name, year)
        if full not in self.tiled.template.form.columns:
            return 0.0
        return float(self.solution.values[self.tiled.columns(full)[0]] * self.data.scale)


def _clearing(solved: _Solved, reason: str, plan: IntegerSolution | None, hull: HullProgramme | None) -> Clearing:
    data, problem = solved.data, solved.data.problem
    low, high, duals = _intervals(solved)
    by_step, steps = _steps(solved)
    split = solved.column("purchased") - solved.column("sold") if data.splits_trade else solved.column("trade")
    trade, bank = _tidy(split), _tidy(solved.column("bank"))
    found = Found(
        trade=trade,
        bank=bank,
        column=solved.column,
        dual=lambda name: _duals(solved, duals, name),
        link=lambda name, key: _link(solved, duals, name, key),
    )
    # Where whole numbers keep everybody from trading, no price is too high and none too low.
    chooses = any(instrument.has_integers for instrument in data.instruments)
    nobody = (trade == 0).all(axis=0) & (low == 0) & data.active.any(axis=0)
    nobody &= (high > 0) if chooses else np.isinf(high)
    undetermined = (~responds(problem) & (high > low)) | nobody
    published: dict[str, Published] = {}
    coordinates: dict[str, tuple[str, ...]] = {}
    for instrument in data.instruments:
        published.update(instrument.publish_enterprises(data, found))
        coordinates.update(instrument.coordinates())
    words: dict[str, str] = {}
    if chooses:
        decided = price_decisions(
            data, solved.tiled, solved.solution.values, duals, not np.any(undetermined), hull=hull
        )
        published.update(decided.published)
        words.update(decided.words)
    return Clearing(
        engine="programme",
        reason=reason,
        basis="fixed_integer_dual" if chooses else "lp_dual",
        price=np.where(undetermined, np.nan, _market_prices(solved, duals)),
        price_low=low,
        price_high=high,
        abatement=solved.abatement(),
        step_used=steps,
        answers=(),
        indeterminate=undetermined,
        mixed=np.zeros(len(problem.year)),
        residual=solved.solution.gap if plan is None else max(solved.solution.gap, plan.gap),
        solver=solved.solution.solver,
        enterprises=EnterpriseClearing(
            trade=trade,
            bank=bank,
            price=_worths(solved, duals),
            opening=data.opening,
            opening_rule=data.opening_rule,
            step_used=by_step,
            published=published,
            coordinates=coordinates,
            words=words,
        ),
    )


def _tidy(flow: Array) -> Array:
    """A flow without what is the solver's rounding."""
    return np.where(np.abs(flow) <= ROUNDING * float(np.abs(flow).max(initial=0.0)), 0.0, flow)


def _steps(solved: _Solved) -> tuple[Array, Array]:
    """Use of steps by enterprise (step, enterprise, year) and in all (step, year) [tCO2e]."""
    problem = solved.data.problem
    by_step = np.zeros((len(problem.steps), *problem.baseline.shape))
    steps = np.zeros((len(problem.steps), len(problem.year)))
    for s, step in enumerate(problem.steps):
        if step.kind in INSTEAD_OF_ALLOWANCES:
            by_step[s] = np.maximum(_tidy(solved.column(f"{step.name}_used")), 0.0)
            steps[s] = by_step[s].sum(axis=0)
        else:
            steps[s] = [max(solved.shared(f"{step.name}.used", year), 0.0) for year in problem.year]
    return by_step, steps


def _market_prices(solved: _Solved, duals: Array) -> Array:
    data = solved.data
    price = -duals[solved.balance] / data.problem.discount
    scale = max(1.0, float(np.abs(price).max(initial=0.0)))
    if np.any(price < -NEGLIGIBLE * scale):
        counted = solved.programme.row_lower[solved.balance] == solved.programme.row_upper[solved.balance]
        if not np.any(counted):
            raise SolverError(
                f"The programme gives a negative price ({price.min():g}) to a row that is at most its supply.",
                f"规划对不超过供给的行给出了负价格（{price.min():g}）。",
            )
        raise InfeasibleError(
            f"No price from 0 clears the market of {data.problem.year[int(np.argmin(price))]}: at 0 more is sold than "
            f"anybody takes, because sales count for what may be carried over, and {_why_not_taken(data)}. "
            f"Enterprises would pay {-price.min():.6g} CNY/t to be rid of them. Raise carry_over_limit.base"
            f"{', or leave out a cost or limit on trade' if len(data.instruments) > 1 else ''}.",
            f"{data.problem.year[int(np.argmin(price))]} 年没有使市场出清的非负价格：价格为 0 时，"
            f"卖出量多于愿意接受的量，因为卖出量计入可结转的数量，而 {_why_not_taken(data).zh}。企业愿意付出 "
            f"{-price.min():.6g} CNY/t 来摆脱配额。请提高 "
            f"carry_over_limit.base{'，或删去交易成本或交易限额' if len(data.instruments) > 1 else ''}。",
        )
    return np.where(price < NEGLIGIBLE * scale, 0.0, price)


def _why_not_taken(data: EnterpriseData) -> Said:
    """What may keep everybody from taking allowances at a price of 0, as a clause."""
    others = [one.label for one in data.instruments if not one.couples_prices]
    if not others:
        return Said("whoever takes them counts fewer sales of its own", "接受者计入的自身卖出量因此减少")
    return Said(
        f"{shorten(others)}, or that it counts fewer sales of its own, keeps anybody from taking them",
        f"{shorten(others, 'zh')}，或接受者计入的自身卖出量因此减少，使得无人接受",
    )


def _worths(solved: _Solved, duals: Array) -> Array:
    """What an allowance is worth to each enterprise, NaN where it has no balance."""
    rows = solved.own_balance
    worth = -duals[rows] / solved.data.problem.discount
    worth = np.where(np.abs(worth) < NEGLIGIBLE * max(1.0, float(np.abs(worth).max(initial=0.0))), 0.0, worth)
    return np.where(rows >= 0, worth, np.nan)


def _duals(solved: _Solved, duals: Array, name: str) -> Array:
    places = solved.places(name, rows=True)
    return np.where(places >= 0, -duals[places], 0.0)


def _link(solved: _Solved, duals: Array, name: str, key: tuple[object, ...]) -> float:
    full = shared_name(name, key)
    if full not in solved.tiled.template.form.rows:
        return 0.0
    return float(-duals[solved.tiled.rows(full)[0]])


def _intervals(solved: _Solved) -> tuple[Array, Array, Array]:
    """Lowest and highest price of each year, and the duals of all rows that are published.

    Conditions on prices and worths are differences of two of them, so of all optimal duals the lowest ones are a
    solution together: those just above what all balances have. Where an instrument couples several worths that fails;
    the published duals are then those of the least sum of present prices, and the ends are found year by year.
    """
    face, market = DualFace(solved.programme, solved.solution), list(map(int, solved.balance))
    if any(instrument.couples_prices for instrument in solved.data.instruments):
        # Of all paths the one of the least sum: that of all low ends where these fit together.
        summed = face.toward(dict.fromkeys(market, 1.0))
        least = solved.solution.row_dual if summed is None else summed
        base = _market_prices(solved, least)
        low, high = (_ends_by_year(solved, face, base, sign) for sign in (1.0, -1.0))
        return np.minimum(low, base), np.maximum(high, base), least
    own = solved.own_balance[solved.own_balance >= 0].tolist()
    duals = face.toward(dict.fromkeys([*market, *own], 1.0))
    if duals is None:
        raise SolverError(
            "The programme by enterprise has no point with more allowances than it was solved with.",
            "分企业的规划没有配额更多的可行点。",
        )
    price = _market_prices(solved, duals)
    above = face.toward(dict.fromkeys(market, -1.0))
    high = _ends_by_year(solved, face, price, -1.0) if above is None else _market_prices(solved, above)
    return price, np.where(high - price <= POINT_WIDTH * np.maximum(price, 1.0), price, high), duals


def _ends_by_year(solved: _Solved, face: DualFace, price: Array, sign: float) -> Array:
    """One end of each year's price: just above (1) or below (-1) its supply; no upper end where it cannot be less."""
    ends = price.copy()
    for y, row in enumerate(map(int, solved.balance)):
        duals = face.toward({row: sign})
        ends[y] = np.inf if duals is None else _market_prices(solved, duals)[y]
    return ends
