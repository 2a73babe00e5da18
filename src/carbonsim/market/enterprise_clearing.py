"""Clears a market with a balance for each enterprise: prices, worths, trades and banks from the tiled programme."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from carbonsim.errors import InfeasibleError, InputError, SolverError, shorten
from carbonsim.market.clearing import Clearing, EnterpriseClearing
from carbonsim.market.enterprise_data import OWN_KINDS, EnterpriseData
from carbonsim.market.enterprise_decisions import price_decisions
from carbonsim.market.enterprise_instrument import Found, Published
from carbonsim.market.enterprise_programme import own_name, shared_name, tiled_programme
from carbonsim.market.problem import MarketProblem
from carbonsim.market.programme import LARGEST_QUADRATIC, responds
from carbonsim.market.scarcity import forward_shortfall, raise_infeasible
from carbonsim.market.supply import Array
from carbonsim.solving import (
    CompiledProgramme,
    IntegerSolution,
    LoadedProgramme,
    Solution,
    explain_infeasible,
    solve_mixed_integer,
)
from carbonsim.solving.tile import TiledProgramme

Index = NDArray[np.intp]

MARKET_SHIFT = 1e-7  # one-sided shift of the market's balance, as a share of the largest yearly emissions
CELL_SHIFT = 1e-7  # one-sided shift of an enterprise's balance, as a share of what it can ever hold
SMALLEST_SHIFT = 1e-8  # in the programme's unit: above the solver's tolerance
POINT_WIDTH = 1e-5  # with linear MACs, an interval narrower than this share of the price is one price
NEGLIGIBLE = 1e-9
SETTLINGS = 20  # corrections of yes-or-no decisions that cost nothing


def clear_by_enterprises(problem: MarketProblem, reason: str) -> Clearing:
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
    data = EnterpriseData(problem)
    _refuse_quadratic(data)
    tiled = tiled_programme(data)
    whole = tiled.programme.integer is not None
    plan = solve_mixed_integer(tiled.programme) if whole else None
    if whole and plan is None:
        _raise_infeasible(data, tiled)
    solved = _solve(data, tiled, tiled.programme if plan is None else plan.fixed)
    return _clearing(solved if plan is None else _settle(solved), reason, plan)


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
    raise SolverError(f"The plan's yes-or-no decisions do not fit its quantities after {SETTLINGS} corrections.")


def _refuse_quadratic(data: EnterpriseData) -> None:
    count = int(np.sum(data.inside & (data.problem.options.slope > 0)))
    if count > LARGEST_QUADRATIC:
        raise InputError(
            f"The programme would hold {count} quadratic columns, more than the {LARGEST_QUADRATIC} that the solver "
            "handles in seconds. Cut linear MACs into steps, or leave out what needs a balance for each enterprise."
        )
    whole = [instrument.label for instrument in data.instruments if instrument.has_integers]
    if count and whole:
        raise InputError(
            f"{whole[0]} needs whole numbers (who trades, who is a net seller), which the solver cannot hold together "
            "with linear MACs (slope > 0). Cut these options into steps of constant cost."
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
        return np.clip(found, 0.0, self.data.problem.options.potential)

    def shared(self, name: str, year: int) -> float:
        """Value of a shared column [tCO2e], 0 if there is none."""
        full = shared_name(name, year)
        if full not in self.tiled.template.form.columns:
            return 0.0
        return float(self.solution.values[self.tiled.columns(full)[0]] * self.data.scale)


def _clearing(solved: _Solved, reason: str, plan: IntegerSolution | None) -> Clearing:
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
        decided = price_decisions(data, solved.tiled, solved.solution.values, duals, not np.any(undetermined))
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
    return np.where(np.abs(flow) <= NEGLIGIBLE * float(np.abs(flow).max(initial=0.0)), 0.0, flow)


def _steps(solved: _Solved) -> tuple[Array, Array]:
    """Use of steps by enterprise (step, enterprise, year) and in all (step, year) [tCO2e]."""
    problem = solved.data.problem
    by_step = np.zeros((len(problem.steps), *problem.baseline.shape))
    steps = np.zeros((len(problem.steps), len(problem.year)))
    for s, step in enumerate(problem.steps):
        if step.kind in OWN_KINDS:
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
                f"The programme gives a negative price ({price.min():g}) to a row that is at most its supply."
            )
        raise InfeasibleError(
            f"No price from 0 clears the market of {data.problem.year[int(np.argmin(price))]}: at 0 more is sold than "
            f"anybody takes, because sales count for what may be carried over, and {_why_not_taken(data)}. "
            f"Enterprises would pay {-price.min():.6g} CNY/t to be rid of them. Raise carry_over_limit.base"
            f"{', or leave out a cost or limit on trade' if len(data.instruments) > 1 else ''}."
        )
    return np.where(price < NEGLIGIBLE * scale, 0.0, price)


def _why_not_taken(data: EnterpriseData) -> str:
    """What may keep everybody from taking allowances at a price of 0, as a clause."""
    others = [one.label for one in data.instruments if not one.couples_prices]
    if not others:
        return "whoever takes them counts fewer sales of its own"
    return f"{shorten(others)}, or that it counts fewer sales of its own, keeps anybody from taking them"


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

    Conditions on prices and worths are differences of two of them, so the lowest ones are a solution together: the
    duals as all balances come back from just more allowances. Where an instrument couples several worths that fails;
    the published duals are then those of the optimum itself, and the ends are found year by year.
    """
    if any(instrument.couples_prices for instrument in solved.data.instruments):
        base = _market_prices(solved, solved.solution.row_dual)
        low, high = _ends_by_year(solved, base, down=True), _ends_by_year(solved, base, down=False)
        return np.minimum(low, base), np.maximum(high, base), solved.solution.row_dual
    market = _market_shift(solved)
    below = dict.fromkeys(map(int, solved.balance), market) | _cell_shifts(solved)
    duals = _one_sided(solved, below)
    if duals is None:
        raise SolverError("The programme by enterprise has no point with more allowances than it was solved with.")
    price = _market_prices(solved, duals)
    above = _one_sided(solved, dict.fromkeys(map(int, solved.balance), -market))
    high = _ends_by_year(solved, price, down=False) if above is None else _market_prices(solved, above)
    if solved.programme.hessian is not None:
        point = high - price <= POINT_WIDTH * np.maximum(price, 1.0)
        if np.all(point):
            price = _market_prices(solved, solved.solution.row_dual)
            return price, price, solved.solution.row_dual
    return price, np.where(high - price <= NEGLIGIBLE * np.maximum(price, 1.0), price, high), duals


def _market_shift(solved: _Solved) -> float:
    problem = solved.data.problem
    largest = float((problem.share * problem.baseline).sum(axis=0).max()) + float(problem.supply.max())
    return max(MARKET_SHIFT * largest / solved.data.scale, SMALLEST_SHIFT)


def _cell_shifts(solved: _Solved) -> dict[int, float]:
    """A shift for each enterprise's balance, so that worths are the least ones as well."""
    size = np.maximum(CELL_SHIFT * solved.data.most_held, SMALLEST_SHIFT)
    rows = solved.own_balance
    amounts = np.broadcast_to(size[:, None], rows.shape)
    return dict(zip(rows[rows >= 0].tolist(), amounts[rows >= 0].tolist(), strict=True))


def _one_sided(solved: _Solved, shift: dict[int, float]) -> Array | None:
    """Duals of all rows as shifted rows come back to where they are; None if they cannot move there."""
    found = solved.loaded.solve(shift)
    if found is None or solved.programme.hessian is None:
        return None if found is None else found.row_dual
    # Along a linear MAC the duals move with the shift; what is left without a shift is the edge.
    closer = solved.loaded.solve({row: 0.5 * amount for row, amount in shift.items()})
    return None if closer is None else 2 * closer.row_dual - found.row_dual


def _ends_by_year(solved: _Solved, price: Array, *, down: bool) -> Array:
    """One end of each year's price; no upper end where supply cannot be any less."""
    ends = price.copy()
    amount = _market_shift(solved) * (1.0 if down else -1.0)
    for y, row in enumerate(solved.balance):
        duals = _one_sided(solved, {int(row): amount})
        ends[y] = np.inf if duals is None else _market_prices(solved, duals)[y]
    return ends
