"""What a cleared market costs whom: resource cost apart from transfers, by year and by enterprise."""

from __future__ import annotations

import numpy as np
import xarray as xr

from carbonsim.market.clear import Market
from carbonsim.market.problem import MarketProblem
from carbonsim.market.supply import Array


def market_answers(problem: MarketProblem, market: Market) -> xr.Dataset:
    """The published numbers and what follows from them: totals, money by year and by enterprise.

    Returns
    -------
    Dataset
        All of ``market.dataset`` and, over (enterprise, year) [CNY]: ``allowance_payment`` (price times net
        purchase; received < 0), ``offset_cost`` and ``penalty_cost`` (pro rata to obligations), ``transaction_cost``,
        ``net_cost`` (their sum with the abatement cost). Over (year): ``allowance_supply`` (given, issued and sold),
        ``total_emissions``, ``total_obligation``, ``total_abatement``, ``released`` (reserve and ceiling) [tCO2e];
        ``resource_cost`` (abatement, offsets and transactions), ``government_receipts`` (allowances sold at the price,
        and penalties), ``drawn_from_bank`` (value at the price of what the bank, or the outside, gave),
        ``total_net_cost``, which is the sum of these three [CNY]. Over nothing: ``present_value_cost`` (discounted
        resource cost) [CNY]. NaN where there is no price.
    """
    data = market.dataset
    price = data.allowance_price.values
    released = data.ceiling_sold.values + data.reserve_sold.values.sum(axis=0)
    sold = data.issued_fixed.values + data.sold_auction.values + released
    offsets, penalties = (_step_cost(problem, data, kind) for kind in ("offset", "penalty"))
    dealing = data["transaction_cost"].values if "transaction_cost" in data else np.zeros_like(data.abatement.values)
    resource = data.abatement_cost.values.sum(axis=0) + offsets + dealing.sum(axis=0)
    payment = price * data.net_purchase.values
    by_enterprise = {
        "allowance_payment": payment,
        "offset_cost": offsets * _portion(data.offsets_surrendered.values),
        "penalty_cost": penalties * _portion(data.unmet_obligation.values),
        "transaction_cost": dealing,
    }
    net = data.abatement_cost.values + sum(by_enterprise.values())
    before = np.concatenate([[_opening(problem)], data.bank.values[:-1]])
    by_year = {
        "allowance_supply": data.free_allocation.values.sum(axis=0) + sold,
        "released": released,
        "total_emissions": data.covered_emissions.values.sum(axis=0),
        "total_obligation": data.obligation.values.sum(axis=0),
        "total_abatement": data.abatement.values.sum(axis=0),
        "total_abatement_cost": data.abatement_cost.values.sum(axis=0),
        "total_offset_cost": offsets,
        "resource_cost": resource,
        "government_receipts": price * sold + penalties,
        "drawn_from_bank": price * (before - data.bank.values - data.expired.values + data.external_purchase.values),
        "total_net_cost": net.sum(axis=0),
    }
    return data.assign(
        {name: (("enterprise", "year"), values) for name, values in (by_enterprise | {"net_cost": net}).items()}
        | {name: (("year",), values) for name, values in by_year.items()}
        | {"present_value_cost": ((), float(problem.discount @ resource))}
    )


def _step_cost(problem: MarketProblem, data: xr.Dataset, kind: str) -> Array:
    """What is paid for the steps of a kind in each year, at their own prices."""
    cost: Array = np.zeros(len(problem.year))
    for used, step in zip(data.step_used.values, problem.steps, strict=True):
        if step.kind == kind:
            rise = 0.0 if step.slope is None else 0.5 * step.slope * used
            paid = step.price if step.paid is None else step.paid
            cost = cost + np.where(used > 0, (paid + rise) * used, 0.0)
    return np.asarray(cost, dtype=float)


def _portion(tonnes: Array) -> Array:
    """Each enterprise's part of a year's total."""
    total = tonnes.sum(axis=0)
    return np.asarray(np.divide(tonnes, total, out=np.zeros_like(tonnes), where=total > 0), dtype=float)


def _opening(problem: MarketProblem) -> float:
    """Allowances carried into the first year; at a given price nobody has a use for them."""
    return 0.0 if problem.given_price is not None else problem.opening_bank
