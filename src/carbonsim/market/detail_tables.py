"""Tables of what a market publishes besides the usual: duals and stocks of instruments, own banks, options taken."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from carbonsim.market.equilibria import FLOWS as RULE_FLOWS
from carbonsim.market.problem import MarketProblem
from carbonsim.market.problem_kind import Columns

# What every market publishes; the other tables show it, or hold what it is a part of.
USUAL = frozenset((
    "allowance_price", "price_low", "price_high", "price_basis", "bank", "expired", "external_purchase",
    "issued_fixed", "sold_auction", "unsold", "ceiling_sold", "offsets_used", "penalty_tonnes", "make_good", "mixed",
    "abatement", "covered_emissions", "obligation", "free_allocation", "abatement_cost", "offsets_surrendered",
    "unmet_obligation", "net_purchase", "transaction_cost", *RULE_FLOWS,
))  # fmt: skip
DETAILS: Mapping[str, tuple[str, ...]] = {
    "details": ("year",),
    "details_by_place": ("year", "place"),
    "details_by_enterprise": ("year", "enterprise"),
    "details_of_enterprises": ("enterprise",),
}


def detail_tables(data: xr.Dataset) -> Mapping[str, Columns]:
    """What instruments and the concept publish besides the usual, a table for years, places and enterprises each.

    Parameters
    ----------
    data : Dataset
        As published by ``clear``; names beyond ``USUAL`` with a unit are shown, each column with that unit.
    """
    return {name: columns for name, dims in DETAILS.items() if (columns := _columns(data, dims))}


def option_table(data: xr.Dataset, problem: MarketProblem) -> Mapping[str, Columns]:
    """How far every option is used in every year in which it is there; no table without options."""
    if not data.sizes.get("option"):
        return {}
    used = data.option_abatement.transpose("year", "option").values
    there = (problem.options.potential.T > 0) | (used > 0)
    rows, places = np.nonzero(there)
    owner = np.asarray(problem.enterprise)[problem.options.enterprise]
    return {
        "options": {
            "year": data.year.values[rows],
            "enterprise": owner[places],
            "option": data.option.values.astype(str)[places],
            "option_abatement": used[rows, places],
        }
    }


def node_enterprise_table(data: xr.Dataset, names: tuple[str, ...]) -> Columns:
    """Enterprises at every node of a tree, with what the node's price makes of what each buys."""
    nodes, firms = data.node.values.astype(str), data.enterprise.values.astype(str)
    payment = data.allowance_price * data.net_purchase
    columns = {name: data[name].transpose("node", "enterprise").values.ravel() for name in names}
    return {
        "node": np.repeat(nodes, len(firms)),
        "year": np.repeat(data.node_year.values, len(firms)),
        "enterprise": np.tile(firms, len(nodes)),
        **columns,
        "allowance_payment": payment.transpose("node", "enterprise").values.ravel(),
    }


def _columns(data: xr.Dataset, dims: tuple[str, ...]) -> Columns:
    """Labels of the dimensions and all unusual variables over them, each with its unit; nothing if there are none."""
    found = [
        name for name, array in data.data_vars.items()
        if set(array.dims) == set(dims) and str(name) not in USUAL and "units" in array.attrs
    ]  # fmt: skip
    if not found:
        return {}
    sizes = [data.sizes[dim] for dim in dims]
    places = np.indices(sizes).reshape(len(dims), -1)
    labels = {dim: data[dim].values[place] for dim, place in zip(dims, places, strict=True)}
    labels = {dim: values if dim == "year" else values.astype(str) for dim, values in labels.items()}
    values = {
        str(name): xr.DataArray(data[name].transpose(*dims).values.ravel(), attrs={"units": data[name].attrs["units"]})
        for name in found
    }
    return labels | values
