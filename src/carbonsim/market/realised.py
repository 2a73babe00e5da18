"""The implemented years of a chain of decisions as one published market, with what each decision expected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from carbonsim.dims import exact
from carbonsim.market.carried_vintages import over_all_vintages
from carbonsim.market.problem import MarketProblem
from carbonsim.market.supply import Array

if TYPE_CHECKING:
    from carbonsim.market.foresight import Decision

EXPECTED = {
    "expected_price": "allowance_price",
    "expected_price_low": "price_low",
    "expected_price_high": "price_high",
    "expected_bank": "bank",
}


def left_over(dataset: xr.Dataset) -> Array:
    """What is left at the end of each year: a window of one year calls it expired, unless vintages say what does."""
    if "vintage_stock" in dataset:
        return np.asarray(dataset.bank.values, dtype=float)
    return np.asarray(dataset.bank.values + dataset.expired.values, dtype=float)


@exact
def realised_dataset(realised: MarketProblem, decisions: Sequence[Decision]) -> xr.Dataset:
    """The implemented years of all decisions as one dataset, with what each decision expected.

    Returns
    -------
    Dataset
        The variables of ``market_dataset``, and over (decision, year), NaN outside a decision's window:
        ``expected_price``, ``expected_price_low``, ``expected_price_high`` [CNY/tCO2e], ``expected_bank``
        [allowance]; over (decision): ``left_over_value`` [CNY/allowance], NaN where the window ends with the market.
    """
    parts = [_implemented(realised, decision) for decision in decisions]
    data = {}
    for name in dict.fromkeys(name for part in parts for name in part.data_vars):
        own = [part[name] if name in part else _nothing(part) for part in parts]
        dimension = next(dim for dim in ("year", "response", "balance_group") if dim in own[0].dims)
        data[name] = xr.concat(own, dim=dimension)
    dataset = xr.Dataset(data, attrs=dict(decisions[0].market.dataset.attrs))
    engines = sorted({decision.market.engine for decision in decisions})
    dataset.attrs["engine"] = " and ".join(engines)
    dataset.attrs["residual"] = max(float(decision.market.dataset.attrs["residual"]) for decision in decisions)
    dataset = _with_interest(realised, decisions, _in_order_of_terms(realised, decisions, dataset))
    return dataset.assign(_expectations(realised, decisions))


def _implemented(realised: MarketProblem, decision: Decision) -> xr.Dataset:
    """The implemented years of a decision, with all steps of the market and what is left as its bank."""
    found = decision.market.dataset
    years = list(decision.problem.year[: decision.implemented])
    left = xr.DataArray(left_over(found), dims="year", attrs=found.bank.attrs)
    lost = found.expired if "vintage_stock" in found else xr.zeros_like(found.expired)
    found = over_all_vintages(realised, found.assign(bank=left, expired=lost))
    kinds = {"step": [step.name for step in realised.steps],
             "tier": [step.name for step in realised.steps if step.kind == "reserve_tier"]}  # fmt: skip
    found = found.reindex({dim: np.array(names, dtype=object if not names else None) for dim, names in kinds.items()},
                          fill_value=0.0)  # fmt: skip
    terms = [index for index, term in enumerate(decision.problem.responses) if term.year in years]
    labels = [str(label) for label in found.balance_group_label.values]
    groups = [index for index, label in enumerate(labels) if int(label.rsplit("/", 1)[1]) in years]
    return found.sel(year=years).isel(response=terms, balance_group=groups)


def _nothing(part: xr.Dataset) -> xr.DataArray:
    """A flow or price of an instrument that is idle in these years."""
    return xr.DataArray(np.zeros(part.sizes["year"]), {"year": part.year.values}, ("year",))


def _in_order_of_terms(realised: MarketProblem, decisions: Sequence[Decision], dataset: xr.Dataset) -> xr.Dataset:
    """Response terms in the order of the problem: decisions hold them by year."""
    year_of = {id(term): position for position, term in enumerate(realised.responses)}
    held = [
        term
        for decision in decisions
        for term in decision.problem.responses
        if term.year in decision.problem.year[: decision.implemented]
    ]
    return dataset.isel(response=np.argsort([year_of[id(term)] for term in held]).astype(int))


def _with_interest(realised: MarketProblem, decisions: Sequence[Decision], dataset: xr.Dataset) -> xr.Dataset:
    """Interest on what the decision before left owing: it is part of the debt that opens a window."""
    if "borrowing_interest" not in dataset:
        return dataset
    paid = dataset.borrowing_interest.copy()
    for decision in decisions[1:]:
        owed = min(float(dataset.bank.sel(year=decision.year - 1)), 0.0)
        paid.loc[decision.year] = owed - decision.problem.opening_bank if owed else 0.0
    return dataset.assign(borrowing_interest=paid)


def _expectations(realised: MarketProblem, decisions: Sequence[Decision]) -> dict[str, xr.DataArray]:
    coords = {"decision": [decision.year for decision in decisions], "year": list(realised.year)}
    found = {}
    for name, source in EXPECTED.items():
        table = np.full((len(decisions), len(realised.year)), np.nan)
        for row, decision in enumerate(decisions):
            first = realised.year.index(decision.year)
            values = decision.market.dataset[source].values
            if source == "bank":
                values = left_over(decision.market.dataset)
            table[row, first : first + len(values)] = values
        units = "allowance" if source == "bank" else "CNY/tCO2e"
        found[name] = xr.DataArray(table, coords, ("decision", "year"), attrs={"units": units})
    value = [decision.value for decision in decisions]
    found["left_over_value"] = xr.DataArray(
        value, {"decision": coords["decision"]}, ("decision",), attrs={"units": "CNY/allowance"}
    )
    return found
