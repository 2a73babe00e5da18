"""The cleared market as one dataset: prices, the allowance ledger, trades and responses, with units."""

from __future__ import annotations

import numpy as np
import xarray as xr
from pandas import Index

from carbonsim.dims import exact
from carbonsim.market.bank_ledger import BankPath, bank_path
from carbonsim.market.carry_over import terminal_words
from carbonsim.market.clearing import Clearing
from carbonsim.market.enterprise_ledger import with_enterprises
from carbonsim.market.problem import MarketProblem
from carbonsim.market.supply import Array, SupplyStep

BASIS_BY_KIND = {"ceiling": "ceiling", "penalty": "penalty", "reserve_tier": "reserve_tier", "floor": "floor"}
AT_STEP = 1e-9  # a price this close to a step's, relatively, is the step's price

TRADE_RULE = (
    "Each enterprise settles its own position every year: obligation less free allocation, offsets and unmet "
    "obligation. The bank is held by the market as a whole, at the allowance price, and earns exactly the interest "
    "rate; so it changes nobody's cost. Offsets and unmet obligations are split pro rata to obligations."
)


@exact
def market_dataset(problem: MarketProblem, clearing: Clearing) -> xr.Dataset:
    """All quantities of a cleared market.

    Returns
    -------
    Dataset
        Over (year): ``allowance_price``, ``price_low``, ``price_high`` [CNY/tCO2e] (NaN: undetermined, or nothing
        bounds the price from above), ``price_basis``, ``bank`` (negative: owed), ``expired``,
        ``borrowing_interest`` (if any is paid), ``sold_auction``, ``unsold``, ``ceiling_sold``, ``issued_fixed``,
        ``external_purchase`` [allowance], ``offsets_used``, ``penalty_tonnes``, ``make_good`` [tCO2e], ``mixed``.
        Over (tier, year): ``reserve_sold``. Over (step, year):
        ``step_used``. Over (option, year): ``option_abatement``. Over (enterprise, year): ``abatement``,
        ``covered_emissions``, ``obligation``, ``free_allocation``, ``offsets_surrendered``, ``unmet_obligation``,
        ``net_purchase`` (buy > 0), ``abatement_cost`` [CNY]. Over (response): the answers of best-response terms.
        Over (balance_group): ``balance_value``.
    """
    enterprise = _enterprise_arrays(problem, clearing)
    flows = _flows(problem, clearing, enterprise)
    years = ("year",)
    data: dict[str, tuple[tuple[str, ...], object, dict[str, str]]] = {}
    for name, values in _prices(clearing).items():
        data[name] = (years, values, {"units": "CNY/tCO2e"})
    data["price_basis"] = (years, np.array(_basis(problem, clearing)), {})
    for name, values in flows.items():
        data[name] = (years, values, {"units": "tCO2e"})
    for name, values in clearing.flows.items():
        data[name] = (years, values, {"units": "tCO2e"})
    for name, values in clearing.prices.items():
        data[name] = (years, values, {"units": "CNY/tCO2e"})
    for name, values in enterprise.items():
        data[name] = (("enterprise", "year"), values, {"units": "CNY" if name == "abatement_cost" else "tCO2e"})
    tiers = [index for index, step in enumerate(problem.steps) if step.kind == "reserve_tier"]
    data["reserve_sold"] = (("tier", "year"), clearing.step_used[tiers], {"units": "allowance"})
    data["step_used"] = (("step", "year"), clearing.step_used, {"units": "tCO2e"})
    data["option_abatement"] = (("option", "year"), clearing.abatement, {"units": "tCO2e"})
    data.update(_responses(problem, clearing))
    coords = {
        "year": list(problem.year),
        # Labels are kept as they are: telling the type of many of them takes longer than clearing does.
        "enterprise": Index(problem.enterprise, dtype=object),
        "option": Index(problem.options.label, dtype=object),
        "step": np.array([step.name for step in problem.steps], dtype=object if not problem.steps else None),
        "tier": np.array([problem.steps[index].name for index in tiers], dtype=object if not tiers else None),
    }
    attrs = {
        "engine": clearing.engine,
        "engine_reason": str(clearing.reason),  # no subclass: NetCDF has no type for one
        "solver": clearing.solver,
        "residual": clearing.residual,
        "rounds": clearing.rounds,
        "trade_rule": TRADE_RULE,
        "terminal_condition": terminal_words(problem),
    }
    dataset = xr.Dataset(data, coords=coords, attrs=attrs)
    if clearing.enterprises is not None:
        dataset = with_enterprises(problem, clearing.enterprises, dataset)
    for instrument in problem.instruments:
        dataset = dataset.assign(instrument.derive(problem, dataset))
    return dataset


def _prices(clearing: Clearing) -> dict[str, Array]:
    return {
        "allowance_price": clearing.price,
        "price_low": clearing.price_low,
        "price_high": np.where(np.isinf(clearing.price_high), np.nan, clearing.price_high),
    }


def _basis(problem: MarketProblem, clearing: Clearing) -> list[str]:
    """How each year's price was obtained: the step it sits on, or else the engine's own word."""
    found = []
    for y, price in enumerate(clearing.price):
        kinds = {step.kind for step in problem.steps if _sits_on(step, y, price)}
        at_step = [name for kind, name in BASIS_BY_KIND.items() if kind in kinds]
        if clearing.indeterminate[y]:
            found.append("indeterminate")
        elif at_step and clearing.basis != "given":
            found.append(at_step[0])
        else:
            found.append(clearing.basis)
    return found


def _sits_on(step: SupplyStep, y: int, price: float) -> bool:
    return bool(step.exists()[y]) and abs(step.price[y] - price) <= AT_STEP * abs(step.price[y])


def _enterprise_arrays(problem: MarketProblem, clearing: Clearing) -> dict[str, Array]:
    """Abatement, emissions, obligation, free allocation and abatement cost by enterprise and year."""
    options = problem.options
    used = clearing.abatement
    rising = options.slope.any()
    cost = used * (options.unit_cost + 0.5 * options.slope * used if rising else options.unit_cost)
    abatement = problem.by_enterprise(used)
    affine_cut = abatement
    if problem.responses:
        inside = problem.in_response
        affine_cut = problem.by_enterprise(np.where(inside, 0.0, used))
        cost[inside] = 0.0
    abatement_cost = problem.by_enterprise(cost)
    emissions = problem.baseline - affine_cut
    allocation = problem.share * (problem.fixed + problem.per_emission * emissions)
    for term, answer in zip(problem.responses, clearing.answers, strict=True):
        place = (term.enterprise, problem.year.index(term.year))
        emissions[place] += term.key + term.other - answer.key_cut - answer.other_cut
        allocation[place] += problem.share[place] * answer.allowances
        abatement_cost[place] += answer.cost
    return {
        "abatement": abatement,
        "covered_emissions": emissions,
        "obligation": problem.share * emissions,
        "free_allocation": allocation,
        "abatement_cost": abatement_cost,
    }


def _flows(problem: MarketProblem, clearing: Clearing, enterprise: dict[str, Array]) -> dict[str, Array]:
    """Yearly flows of allowances; also adds offsets, unmet obligations and net purchases to ``enterprise``."""
    steps = problem.steps

    def used(*kinds: str) -> Array:
        rows = [index for index, step in enumerate(steps) if step.kind in kinds]
        return np.asarray(clearing.step_used[rows].sum(axis=0), dtype=float)

    auction = [index for index, step in enumerate(steps) if step.kind == "floor"]
    offered = sum((np.where(steps[i].exists(), steps[i].quantity, 0.0) for i in auction), np.zeros(len(problem.year)))
    unmet = used("penalty")
    make_good = np.zeros_like(unmet)
    owing = np.zeros_like(unmet)
    for index, step in enumerate(steps):
        if step.owed_next is not None:
            owing += step.owed_next * clearing.step_used[index]
    make_good[1:] = owing[:-1]
    obligation = enterprise["obligation"]
    total = obligation.sum(axis=0)
    portion = np.divide(obligation, total, out=np.zeros_like(obligation), where=total > 0)
    enterprise["offsets_surrendered"] = portion * used("offset")
    enterprise["unmet_obligation"] = portion * unmet
    owed = np.zeros_like(obligation)
    if make_good.any():
        owed[:, 1:] = portion[:, :-1] * make_good[1:]
    enterprise["net_purchase"] = (
        obligation - enterprise["free_allocation"] - enterprise["offsets_surrendered"] - enterprise["unmet_obligation"]
        + owed
    )  # fmt: skip
    sold = used("floor", "reserve_tier", "ceiling")
    path, external = _bank(problem, clearing, enterprise, problem.supply + sold)
    return {
        "bank": path.bank,
        "expired": path.expired,
        **({"borrowing_interest": path.interest} if path.interest.any() else {}),
        "external_purchase": external,
        "issued_fixed": np.array(problem.supply),
        "sold_auction": used("floor"),
        "unsold": offered - used("floor"),
        "ceiling_sold": used("ceiling"),
        "offsets_used": used("offset"),
        "penalty_tonnes": unmet,
        "make_good": make_good,
        "mixed": clearing.mixed,
    }


def _bank(
    problem: MarketProblem, clearing: Clearing, enterprise: dict[str, Array], sold: Array
) -> tuple[BankPath, Array]:
    """Bank, expiry and interest of each year, and purchases from outside at a given price."""
    bought = enterprise["net_purchase"].sum(axis=0)
    nothing = np.zeros_like(sold)
    if clearing.engine == "given_price":
        return BankPath(nothing, nothing, nothing), bought - sold
    obligation, free = enterprise["obligation"].sum(axis=0), enterprise["free_allocation"].sum(axis=0)
    return bank_path(problem, sold, bought, obligation, free), nothing


def _responses(problem: MarketProblem, clearing: Clearing) -> dict[str, tuple[tuple[str, ...], object, dict[str, str]]]:
    answers, terms = clearing.answers, problem.responses
    tonnes = {"units": "tCO2e"}

    def column(values: list[float]) -> Array:
        return np.array(values, dtype=float)

    data: dict[str, tuple[tuple[str, ...], object, dict[str, str]]] = {
        "response_key": (
            ("response",),
            column([t.key - a.key_cut for t, a in zip(terms, answers, strict=True)]),
            tonnes,
        ),
        "response_other": (
            ("response",),
            column([t.other - a.other_cut for t, a in zip(terms, answers, strict=True)]),
            tonnes,
        ),
        "response_allocation": (
            ("response",),
            column([answer.allowances for answer in answers]),
            {"units": "allowance"},
        ),
        "response_cost": (("response",), column([answer.cost for answer in answers]), {"units": "CNY"}),
        "response_is_mixed": (("response",), np.array([answer.mix > 0 for answer in answers], dtype=bool), {}),
    }
    labels = [f"{group}/{year}" for group, year in clearing.balance_value]
    data["balance_value"] = (("balance_group",), column(list(clearing.balance_value.values())), {"units": "tCO2e/unit"})
    data["balance_group_label"] = (("balance_group",), np.array(labels, dtype=object if not labels else None), {})
    return data
