"""The desk's linear programme: declared in Pyomo, solved by HiGHS, read back with what every limit is worth.

Sets: m month. Tonnes are divided by ``scale``, money by ``scale`` too, so that prices are as they stand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from carbonsim.errors import InfeasibleError, SolverError
from carbonsim.market.supply import Array
from carbonsim.solving import CompiledProgramme, DualFace, LoadedProgramme, Solution, compile_programme

if TYPE_CHECKING:
    import pyomo.environ as pyo

    from carbonsim.market.desk import Desk

SCALED = 1e3  # the largest quantity in the programme's own unit
SMALL = 1e-9
ROUNDING = 1e-12  # of all money: what is left of it where nothing is traded


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    compiled: CompiledProgramme
    solution: Solution
    scale: float

    def column(self, name: str) -> float:
        position = self.compiled.column_position()
        place = position.get(name, position.get(_quoted(name)))
        return 0.0 if place is None else float(self.solution.values[place]) * self.scale

    def more_than_rounding(self, name: str) -> float:
        """A quantity, 0 where it is what the solver's arithmetic leaves of the largest one."""
        value = self.column(name)
        return value if value > ROUNDING * SCALED * self.scale else 0.0

    def dual(self, name: str) -> float:
        rows = {row: place for place, row in enumerate(self.compiled.rows)}
        place = rows.get(name, rows.get(_quoted(name)))
        return 0.0 if place is None else float(self.solution.row_dual[place])

    def trades(self, months: Sequence[str]) -> tuple[Array, Array]:
        """Bought and sold by month; what is bought and sold in the same month, which free trade allows, is left out."""
        bought, sold = (np.array([self.column(f"{name}[{m}]") for m in months]) for name in ("bought", "sold"))
        return np.maximum(bought - np.maximum(sold, 0.0), 0.0), np.maximum(sold - np.maximum(bought, 0.0), 0.0)


def _quoted(name: str) -> str:
    """The name as Pyomo writes it where the month reads as a number: 202610."""
    return name.replace("[", "['").replace("]", "']")


def best_plan(desk: Desk) -> xr.Dataset:
    """The better of the two plans, as a net seller and with the base of the carry-over limit alone.

    Raises
    ------
    InfeasibleError
        If neither is possible.
    """
    plans = [found for seller in (False, True) for found in _whole_plans(desk, seller=seller)]
    if not plans:
        raise InfeasibleError(
            f"The obligation of {desk.obligation:,.6g} t cannot be met: cash and credit line, or the volumes that can "
            "be traded, do not reach. Raise credit_line or volume_limit, or state a fine for what is missing.",
            f"{desk.obligation:,.6g} 吨的清缴义务无法履行：现金与信用额度，或可交易的数量，不足以履行。请提高 "
            "credit_line 或 volume_limit，或给出未清缴部分的罚款（fine）。",
        )
    wealth = [-found.solution.objective for found in plans]
    # Of plans worth the same the simpler one, without a condition on sales, is taken.
    best = int(np.argmax(np.array(wealth) > max(wealth) - SMALL * (1 + abs(max(wealth)))))
    return _dataset(desk, _least(desk, plans[best]))


def _least(desk: Desk, found: _Found) -> _Found:
    """The same plan with the multipliers that add up to least, those of money times the highest price."""
    worth = float(desk.by_month("allowance_price").max()) or 1.0
    shift = {
        place: worth if name.startswith("pay") else 1.0
        for place, name in enumerate(found.compiled.rows)
        if name.startswith(("hold", "pay", "deadline", "surrender", "carry_over", "net_seller"))
    }
    dual = DualFace(found.compiled, found.solution).toward(shift)
    if dual is None:
        raise SolverError(
            "What the plan's allowances and money are worth has no least value; report the desk.",
            "该计划中配额与资金的价值没有最小值；请报告该履约台。",
        )
    return replace(found, solution=replace(found.solution, row_dual=dual))


def _whole_plans(desk: Desk, *, seller: bool) -> list[_Found]:
    """The plan with whole allowances carried over, for the whole numbers next to what the programme would carry.

    What is worth the most is concave in the number carried over, so that no other whole number is better.
    """
    found = _solve(desk, seller=seller)
    if found is None:
        return []
    carried = found.column("carried")
    near = {np.floor(carried + SMALL * (1 + carried)), np.ceil(carried - SMALL * (1 + carried))}
    tried = (_solve(desk, seller=seller, whole=float(number)) for number in sorted(near))
    return [one for one in tried if one is not None]


def declare_desk(desk: Desk, *, seller: bool, scale: float = 1.0, whole: float | None = None) -> pyo.ConcreteModel:
    """The Pyomo model of a desk that must be a net seller, or whose net sales do not count.

    ``whole`` is the number of allowances carried over, if it is given.
    """
    import pyomo.environ as pyo

    model = pyo.ConcreteModel(name="desk")
    months = list(desk.month)
    price, credit_price = (desk.by_month(name) for name in ("allowance_price", "credit_price"))
    volume, credit_volume = (desk.by_month(name) / scale for name in ("volume_limit", "credit_volume_limit"))
    issued = desk.by_month("issued") / scale

    def most(limit: float) -> tuple[float, float | None]:
        return 0.0, None if np.isinf(limit) else float(limit)

    at = {label: place for place, label in enumerate(months)}
    model.bought = pyo.Var(months, bounds=lambda _, m: most(volume[at[m]]))
    model.sold = pyo.Var(months, bounds=lambda _, m: most(volume[at[m]]))
    offered = [m for m in months if not np.isnan(credit_price[at[m]])]
    model.credits = pyo.Var(offered, bounds=lambda _, m: most(credit_volume[at[m]]))
    model.holdings = pyo.Var(months, bounds=(0.0, None))
    model.cash = pyo.Var(months, bounds=(None if np.isinf(desk.credit_line) else -desk.credit_line / scale, None))
    model.used, model.carried, model.expired = (pyo.Var(bounds=(0.0, None)) for _ in range(3))
    model.missing = pyo.Var(bounds=(0.0, 0.0 if np.isinf(desk.fine) else None))

    def hold(_: Any, m: str) -> Any:
        place = at[m]
        before = model.holdings[months[place - 1]] if place else desk.opening_holdings / scale
        return model.holdings[m] - before - model.bought[m] + model.sold[m] == float(issued[place])

    def pay(_: Any, m: str) -> Any:
        place = at[m]
        before = model.cash[months[place - 1]] if place else desk.opening_cash / scale
        spent = float((1 + desk.fee) * price[place]) * model.bought[m]
        earned = float((1 - desk.fee) * price[place]) * model.sold[m]
        credits = float(credit_price[place]) * model.credits[m] if m in model.credits else 0.0
        return model.cash[m] - (1 + desk.monthly_interest) * before + spent - earned + credits == 0.0

    model.hold = pyo.Constraint(months, rule=hold)
    model.pay = pyo.Constraint(months, rule=pay)
    _declare_deadline(desk, model, seller=seller, scale=scale)
    if whole is not None:
        model.whole = pyo.Constraint(expr=model.carried == whole / scale)
    fine = 0.0 if np.isinf(desk.fine) else desk.fine
    model.wealth = pyo.Objective(
        expr=fine * model.missing - model.cash[months[-1]] - desk.carried_value * model.carried
    )
    return model


def _declare_deadline(desk: Desk, model: pyo.ConcreteModel, *, seller: bool, scale: float) -> None:
    import pyomo.environ as pyo

    obligation = desk.obligation / scale
    model.deadline = pyo.Constraint(
        expr=model.carried + model.expired - model.used - model.missing - model.holdings[desk.month[-1]] == -obligation
    )
    model.credit_limit = pyo.Constraint(expr=model.used <= desk.credit_limit * obligation)
    model.credit_stock = pyo.Constraint(
        expr=model.used - sum(model.credits[m] for m in model.credits) <= desk.opening_credits / scale
    )
    # Credits and what is missing together stand in for at most the whole obligation.
    model.surrender = pyo.Constraint(expr=model.used + model.missing <= obligation)
    if np.isfinite(desk.purchase_limit):
        limit = desk.purchase_limit / scale
        bought = sum(model.bought[m] for m in desk.month)
        model.purchases = pyo.Constraint(expr=bought + desk.credit_counts * model.used <= limit)
    sales = sum(model.sold[m] - model.bought[m] for m in desk.window)
    before = desk.net_sales_before / scale
    base = desk.carry_over_base / scale
    if seller:
        model.net_seller = pyo.Constraint(expr=-sales <= before)
        model.carry_over = pyo.Constraint(
            expr=model.carried - desk.carry_over_multiple * sales <= base + desk.carry_over_multiple * before
        )
    else:
        model.carry_over = pyo.Constraint(expr=model.carried <= base)


def _solve(desk: Desk, *, seller: bool, whole: float | None = None) -> _Found | None:
    if seller and not desk.carry_over_multiple:
        return None
    largest = max(desk.obligation, desk.opening_holdings, float(desk.by_month("issued").sum()))
    largest = largest if largest > SMALL else 1.0
    scale = largest / SCALED
    compiled = compile_programme(declare_desk(desk, seller=seller, scale=scale, whole=whole))
    solution = LoadedProgramme(compiled).solve()
    return None if solution is None else _Found(compiled, solution, scale)


def _dataset(desk: Desk, found: _Found) -> xr.Dataset:
    months = list(desk.month)

    def path(name: str) -> list[float]:
        return [found.column(f"{name}[{m}]") for m in months]

    bought, sold = found.trades(months)
    credits = np.maximum(path("credits"), 0.0)
    holdings = np.maximum(path("holdings"), 0.0)
    cash = np.array(path("cash"))
    # Of all the money that changes hands a plan in which none does leaves the solver's rounding.
    cash = np.where(np.abs(cash) > ROUNDING * _gross_money(desk), cash, 0.0)
    before = np.concatenate([[desk.opening_cash], cash[:-1]])
    used, carried, expired, missing = (
        found.more_than_rounding(name) for name in ("used", "carried", "expired", "missing")
    )
    net_sales = desk.net_sales_before + float((desk.in_window * (sold - bought)).sum())
    limit = desk.carry_over_base + desk.carry_over_multiple * max(net_sales, 0.0)
    # The solver meets whole numbers to its tolerance only.
    whole = float(np.round(carried))
    fine = 0.0 if np.isinf(desk.fine) else desk.fine * missing
    tonnes, money, each = {"units": "tCO2e"}, {"units": "CNY"}, {"units": "CNY/tCO2e"}
    return xr.Dataset(
        {
            "bought": ("month", bought, tonnes), "sold": ("month", sold, tonnes),
            "credits_bought": ("month", credits, tonnes), "holdings": ("month", holdings, tonnes),
            "cash_flow": ("month", cash - before, money), "cash": ("month", cash, money),
            "cash_needed": ("month", np.maximum.accumulate(np.maximum(-cash, 0.0)), money),
            "allowance_value": ("month", np.array([-found.dual(f"hold[{m}]") for m in months]), each),
            "cash_value": ("month", np.array([-found.dual(f"pay[{m}]") for m in months]), {"units": "1"}),
            "surrendered": ((), desk.obligation - used - missing, tonnes), "credits_used": ((), used, tonnes),
            "credits_left": ((), desk.opening_credits + float(credits.sum()) - used, tonnes),
            "carried_over": ((), whole, tonnes), "expired": ((), expired + carried - whole, tonnes),
            "missing": ((), missing, tonnes), "fine_paid": ((), fine, money),
            "carry_over_limit": ((), float(np.floor(limit + 1e-6)), tonnes), "net_sales": ((), net_sales, tonnes),
            "final_wealth": ((), float(cash[-1]) - fine + desk.carried_value * whole, money),
            "carry_over_value": ((), -found.dual("carry_over"), each),
            "net_sales_value": ((), -found.dual("net_seller"), each),
            **{name: ((), value, each) for name, value in _least_values(desk, found, used).items()},
            "deadline_value": ((), -found.dual("deadline"), each),
            "whole_value": ((), desk.carried_value + found.dual("deadline") + found.dual("carry_over"), each),
            "surrender_limit_value": ((), -found.dual("surrender"), each),
        },
        coords={"month": months},
        attrs={"plan": "net seller" if "net_seller" in found.compiled.rows else "base of the carry-over limit"},
    )  # fmt: skip


def _gross_money(desk: Desk) -> float:
    """All allowances at the highest price, and the cash there is."""
    tonnes = desk.obligation + desk.opening_holdings + float(desk.by_month("issued").sum())
    return float(desk.by_month("allowance_price").max()) * tonnes + abs(desk.opening_cash)


def _least_values(desk: Desk, found: _Found, used: float) -> dict[str, float]:
    """Least worth of purchases and credits: where a limit stands at zero, many larger values would do as well."""
    months, tiny = desk.month, SMALL * found.scale * SCALED
    worth = np.array([-found.dual(f"hold[{m}]") for m in months])
    money = np.array([-found.dual(f"pay[{m}]") for m in months])
    sales = (-desk.carry_over_multiple * found.dual("carry_over") - found.dual("net_seller")) * desk.in_window
    selling = sales if "net_seller" in found.compiled.rows else 0.0
    bought, _ = found.trades(months)
    credits = np.array([found.column(f"credits[{m}]") for m in months])
    gain = worth - money * (1 + desk.fee) * desk.by_month("allowance_price") - selling
    open_months = bought < desk.by_month("volume_limit") - tiny
    exhausted = bought.sum() + desk.credit_counts * used >= desk.purchase_limit - tiny
    cost = np.where(
        credits < desk.by_month("credit_volume_limit") - tiny, money * desk.by_month("credit_price"), np.nan
    )
    cheapest = float(np.nanmin(cost)) if not np.all(np.isnan(cost)) else np.inf
    last = -found.dual("deadline")
    left = desk.opening_credits + float(credits.sum()) - used
    most = 0.0 if left > tiny else cheapest
    purchase = max(float(gain[open_months].max(initial=0.0)), 0.0) if exhausted else 0.0
    if exhausted and desk.credit_counts and used < desk.credit_limit * desk.obligation - tiny:
        # What keeps more credits from being used is that each takes off what may be bought.
        purchase = max(purchase, (last + found.dual("surrender") - most) / desk.credit_counts)
    free = max(last + found.dual("surrender") - desk.credit_counts * purchase, 0.0)
    credit = 0.0 if left > tiny else min(free, cheapest)
    limit = free - credit if used >= desk.credit_limit * desk.obligation - tiny else 0.0
    return {
        "purchase_limit_value": purchase,
        "credit_value": credit,
        "credit_limit_value": limit,
        "obligation_cost": last
        - desk.credit_limit * limit
        + found.dual("surrender")
        - purchase * _room_per_tonne(desk, used),
    }


def _room_per_tonne(desk: Desk, used: float) -> float:
    """What one more tonne of obligation adds to the purchases allowed."""
    lacking, most = desk.purchase_limit, desk.credit_limit * desk.obligation
    if not 0 < lacking < np.inf:
        return 0.0
    return 1.0 if lacking >= most else 1.0 - used / most + lacking * used * desk.credit_limit / most**2
