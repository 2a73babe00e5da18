"""The ledger of each enterprise in a market that keeps a balance for each: trades, banks, what expires, worths."""

from __future__ import annotations

import numpy as np
import xarray as xr

from carbonsim.market.clearing import EnterpriseClearing
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.problem import MarketProblem
from carbonsim.market.supply import Array

DUST = 1e-9  # tonnes below this share of what an enterprise moves in a year are rounding
SOLVED = 1e-12  # share of what all move in a year that the solver may leave open in the balance of one
UNCLAIMED = 1e-11  # share of what is offered and traded below which what is left of it is rounding
TRADE_RULE = (
    "Every enterprise keeps its own balance: it buys, sells, uses offsets, banks and surrenders for itself. Where "
    "trade costs nothing, who holds the bank is not unique; one of the least-cost holdings is shown."
)


def with_enterprises(problem: MarketProblem, found: EnterpriseClearing, dataset: xr.Dataset) -> xr.Dataset:
    """The market's dataset with each enterprise's own flows in place of flows split pro rata.

    Adds over (enterprise, year) ``purchased``, ``sold``, ``enterprise_bank``, ``enterprise_expired`` [allowance] and
    ``enterprise_price`` [CNY/tCO2e], over (step, enterprise, year) ``enterprise_step_used`` [tCO2e], over (enterprise)
    ``enterprise_opening_bank`` [allowance]; replaces ``offsets_surrendered``, ``unmet_obligation``, ``net_purchase``,
    ``bank`` and ``expired``.
    """
    kinds = np.array([step.kind for step in problem.steps], dtype=object)
    offsets = found.step_used[kinds == "offset"].sum(axis=0)
    unmet = found.step_used[kinds == "penalty"].sum(axis=0)
    demand = dataset.obligation.values - dataset.free_allocation.values - offsets - unmet + _owed(problem, found)
    size = np.maximum(dataset.obligation.values + np.abs(dataset.free_allocation.values) + np.abs(found.trade), 1e-9)
    trade = np.where(np.abs(found.trade) <= DUST * size, 0.0, found.trade)
    trade, bank, expired = _carry(problem, found, (demand, trade), size)
    sold = sum(dataset[name].values for name in ("sold_auction", "ceiling_sold")) + dataset.reserve_sold.values.sum(
        axis=0
    )
    left = problem.supply + sold - trade.sum(axis=0)
    left = np.where(np.abs(left) <= UNCLAIMED * (problem.supply + sold + np.abs(trade).sum(axis=0)), 0.0, left)
    cells, years = ("enterprise", "year"), ("year",)
    allowance = {"units": "allowance"}
    changed = {
        "offsets_surrendered": (cells, offsets, {"units": "tCO2e"}),
        "unmet_obligation": (cells, unmet, {"units": "tCO2e"}),
        "net_purchase": (cells, trade, {"units": "tCO2e"}),
        "purchased": (cells, np.maximum(trade, 0.0), allowance),
        "sold": (cells, np.maximum(-trade, 0.0), allowance),
        "enterprise_bank": (cells, bank, allowance),
        "enterprise_expired": (cells, expired, allowance),
        "enterprise_price": (cells, found.price, {"units": "CNY/tCO2e"}),
        "enterprise_opening_bank": (("enterprise",), found.opening, allowance),
        "enterprise_step_used": (("step", *cells), found.step_used, {"units": "tCO2e"}),
        "bank": (years, bank.sum(axis=0), allowance),
        "expired": (years, left + expired.sum(axis=0), allowance),
        "external_purchase": (years, np.zeros(len(problem.year)), allowance),
    }
    extra = {name: (dims, values, {"units": unit}) for name, (dims, values, unit) in found.published.items()}
    result = dataset.assign_coords({name: list(labels) for name, labels in found.coordinates.items()})
    result = result.assign({**changed, **extra})
    result.attrs.update(trade_rule=TRADE_RULE, opening_rule=found.opening_rule, **found.words)
    return result


def _owed(problem: MarketProblem, found: EnterpriseClearing) -> Array:
    """Allowances owed for what each enterprise left unmet the year before."""
    owed = np.zeros(problem.baseline.shape)
    for step, used in zip(problem.steps, found.step_used, strict=True):
        if step.owed_next is not None:
            owed[:, 1:] += step.owed_next[:-1] * used[:, :-1]
    return owed


def _carry(
    problem: MarketProblem, found: EnterpriseClearing, flows: tuple[Array, Array], size: Array
) -> tuple[Array, Array, Array]:
    """Net purchases, banks and what expires: the programme's banks freed of rounding, so that balances are exact."""
    demand, trade = flows[0], flows[1].copy()
    has_bank = any(isinstance(instrument, Banking) for instrument in problem.instruments)
    bank, expired = np.zeros_like(demand), np.zeros_like(demand)
    carried, total = found.opening, SOLVED * size.sum(axis=0)
    for y in range(demand.shape[1]):
        left = carried + trade[:, y] - demand[:, y]
        tiny = DUST * (size[:, y] + np.abs(carried))
        held = found.bank[:, y] if has_bank else np.zeros_like(left)
        held = np.where(np.abs(held) <= tiny, 0.0, held)
        exact = np.abs(left - held) <= tiny
        # Beside a large enterprise the solver sees the balance of a small one only roughly; its trade makes it exact.
        rough = ~exact & (np.abs(left - held) <= total[y])
        trade[rough, y] -= (left - held)[rough]
        left, exact = np.where(rough, held, left), exact | rough
        if has_bank:
            held = np.where(exact & (held != 0.0), left, held)
        bank[:, y], expired[:, y] = held, np.where(exact, 0.0, left - held)
        carried = held
    return trade, bank, expired
