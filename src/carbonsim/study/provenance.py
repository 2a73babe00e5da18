"""Where a result comes from: versions, input hashes, changes, drafts, and every source with its basis."""

from __future__ import annotations

import importlib.metadata
import platform
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from carbonsim.accounting.evidence import weakest
from carbonsim.allocation import allocation_rules
from carbonsim.inputs import drafts_used
from carbonsim.inputs.parameters import BASES
from carbonsim.inputs.scenario import Scenario
from carbonsim.inputs.validity import needed_years
from carbonsim.market.supply import instruments

PACKAGES = ("carbonsim", "numpy", "pandas", "xarray", "pyomo", "highspy", "scipy")


@dataclass(frozen=True, slots=True)
class SourceUse:
    """One use of a source: the table or parameter that rests on it, how often, and with which basis."""

    item: str
    source: str
    basis: str
    where: str
    count: int


def versions() -> dict[str, str]:
    """Versions of Python and of the packages whose numbers end up in a result."""
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in PACKAGES}


def source_uses(scenario: Scenario) -> tuple[SourceUse, ...]:
    """Every source the study's tables and parameters rest on, in a stable order."""
    uses: list[SourceUse] = []
    for table, frame in sorted(scenario.tables.items()):
        if frame.empty or "source" not in frame:
            continue
        pairs = Counter(zip(frame["source"].astype(str), frame["basis"].astype(str), strict=True))
        uses += [SourceUse(f"table {table}", *pair, "", count) for pair, count in sorted(pairs.items())]
    for path in sorted(scenario.parameters.parameters):
        values = [dated for row in scenario.parameters.get(path).values.values() for dated in row]
        for key in sorted({(dated.source, dated.basis, dated.where) for dated in values}):
            count = sum((dated.source, dated.basis, dated.where) == key for dated in values)
            uses.append(SourceUse(f"parameter {path}", *key, count))
    return tuple(uses)


def declared_reads() -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Parameter paths that every allocation rule and every instrument says it reads."""
    rules = {name: tuple(allocation_rules.get(name).declares["parameters"]) for name in allocation_rules}
    tools = {name: tuple(instruments.get(name).declares["parameters"]) for name in instruments}
    return rules, tools


def drafts_in_force(scenario: Scenario) -> tuple[str, ...]:
    """Paths of the parameters from which this study takes a value whose basis is ``draft``."""
    return tuple(sorted({used.path for used in drafts_used(scenario, *declared_reads())}))


def basis_shares(inventory: xr.Dataset, outcome: xr.Dataset, *, price_basis: str) -> pd.DataFrame:
    """Share of covered tonnes and of compliance cost that rests on each basis, local enterprises only.

    Parameters
    ----------
    inventory : Dataset
        As built; streams carry ``activity_basis`` and ``factor_basis``.
    outcome : Dataset
        One scenario of the results; options carry ``option_basis``.
    price_basis : str
        Weakest basis among the parameters that make the price; the allowance cost rests on it.

    Returns
    -------
    DataFrame [1]
        Index basis; columns ``covered_tonnes`` (all years) and ``cost`` (gross: abatement cost and the absolute
        value of allowance cost). Each column sums to 1 where there is anything to share.
    """
    local = outcome["enterprise"].values[outcome["kind"].values == "enterprise"]
    streams = np.isin(inventory["stream_enterprise"].values, local) & inventory["stream_covered"].values.any(axis=1)
    tonnes = np.abs(inventory["stream_emissions_co2e"].transpose("stream", "year").values).sum(axis=1)
    stream_basis = weakest(inventory["activity_basis"].values, inventory["factor_basis"].values)
    taken = np.isin(outcome["option_enterprise"].values, local)
    cost = np.abs(outcome["option_cost"].transpose("option", "year").values).sum(axis=1)
    allowance = float(np.nansum(np.abs(outcome["allowance_cost"].sel(enterprise=local).values)))
    amounts = {
        basis: (
            float(tonnes[streams & (stream_basis == basis)].sum()),
            float(cost[taken & (outcome["option_basis"].values == basis)].sum())
            + (allowance if basis == price_basis else 0.0),
        )
        for basis in BASES
    }
    table = np.array([amounts[basis] for basis in BASES])
    totals = table.sum(axis=0)
    shares = table / np.where(totals > 0, totals, 1.0)
    return pd.DataFrame(shares, index=pd.Index(BASES, name="basis"), columns=["covered_tonnes", "cost"])


def price_basis_of(scenario: Scenario) -> str:
    """Weakest basis among the parameters that the study's rules and instruments read: what the price rests on."""
    rules, tools = declared_reads()
    bases = {
        dated.basis
        for path in scenario.parameters.parameters
        if needed_years(scenario, scenario.parameters.get(path), rules, tools)
        for row in scenario.parameters.get(path).values.values()
        for dated in row
        if dated.applies_from <= scenario.years[-1]
    }
    return max(bases, key=BASES.index) if bases else "assumption"


def describe(scenario: Scenario) -> Mapping[str, object]:
    """What a result must remember of its scenario, as plain values that serialise to JSON."""
    return {
        "name": scenario.name,
        "title_en": scenario.title_en,
        "title_zh": scenario.title_zh,
        "years": list(scenario.years),
        "price_year": scenario.price_year,
        "illustrative": scenario.illustrative,
        "scope": scenario.market.scope,
        "instruments": list(scenario.market.instruments),
        "changes": [
            {"path": change.path, "value": str(change.value), "basis": change.basis, "why": change.why}
            for change in scenario.changes
        ],
        "drafts": list(drafts_in_force(scenario)),
        "inputs": dict(sorted(scenario.input_hashes.items())),
        "versions": versions(),
        "sources": [
            {
                "item": use.item,
                "source": use.source,
                "title": scenario.sources[use.source].title if use.source in scenario.sources else "",
                "basis": use.basis,
                "where": use.where,
                "count": use.count,
            }
            for use in source_uses(scenario)
        ],
    }
