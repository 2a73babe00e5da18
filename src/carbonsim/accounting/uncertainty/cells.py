"""The products that an inventory adds up, as flat arrays: one cell is one component in one year.

Dimensions inside: i cell, c component, k term, y year, g group, s stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from carbonsim.accounting.formula import TAKEN_OFF, UNUSED, component_emissions, product_of_terms
from carbonsim.errors import CertificateError, InputError, did_you_mean, shorten

Floats = NDArray[np.float64]
Index = NDArray[np.intp]
Labels = NDArray[np.str_]
Scope = Literal["direct", "covered", "location_based"]
By = Literal["enterprise", "sector", "facility", "stream", "total"]
SCOPES: Final = ("direct", "covered", "location_based")
GROUPINGS: Final = ("enterprise", "sector", "facility", "stream", "total")
TOTAL: Final = "total"
SAME: Final = 1e-9  # relative difference at which two sums of the same tonnes are equal


@dataclass(frozen=True, slots=True)
class Groups:
    """What is added up: labels (g), the group of each stream (s), -1 outside the scope, and their point totals.

    ``point`` (g, y) and ``total`` (y) are the inventory's own sums [tCO2e].
    """

    label: Labels
    of_stream: Index
    point: Floats
    total: Floats


@dataclass(frozen=True, slots=True)
class Cells:
    """The products that are not zero, sorted by group, stream, component and year; arrays of shape (i,).

    ``coefficient`` [tCO2e] is sign, constant, activity, terms and warming potential without the shares that are taken
    off; ``emissions`` [tCO2e] is with them.
    """

    component: Index
    stream: Index
    year: Index
    group: Index
    coefficient: Floats
    emissions: Floats

    def __len__(self) -> int:
        return len(self.component)


def groups_of(inventory: xr.Dataset, by: str, scope: str) -> Groups:
    """The groups of an inventory with their deterministic totals.

    Raises
    ------
    InputError
        If the grouping or the scope is not known, or a group is called like the total.
    """
    for name, value, known in (("by", by, GROUPINGS), ("scope", scope, SCOPES)):
        if value not in known:
            raise InputError(f"{name} is '{value}'. Known: {', '.join(known)}. {did_you_mean(value, known)}".strip())
    tonnes = stream_tonnes(inventory, scope)
    label, place = _labels(inventory, by)
    if TOTAL in label.tolist() and by != TOTAL:
        raise InputError(f"a {by} is called '{TOTAL}', which names the sum of all. Give it another name.")
    of_stream = np.where(_in_scope(inventory, scope).any(axis=1), place, -1)
    inside = of_stream >= 0
    point = np.zeros((len(label), tonnes.shape[1]))
    np.add.at(point, of_stream[inside], tonnes[inside])
    own = {"direct": ("emissions_co2e", "enterprise"), "location_based": ("scope2_location", "enterprise"),
           "covered": ("covered_emissions", "facility")}  # fmt: skip
    name, dim = own[scope]
    stated = inventory[name].values
    return Groups(label, of_stream, stated.copy() if by == dim else point, np.asarray(stated.sum(axis=0)))


def _labels(inventory: xr.Dataset, by: str) -> tuple[Labels, Index]:
    """Labels of the groups, and the place of each stream's group among them."""
    if by == TOTAL:
        return np.array([TOTAL]), np.zeros(inventory.sizes["stream"], dtype=np.intp)
    if by == "stream":
        return inventory["stream"].values.astype(str), np.arange(inventory.sizes["stream"])
    of_stream = inventory[f"stream_{by}"].values.astype(str)
    label = np.unique(of_stream) if by == "sector" else inventory[by].values.astype(str)
    order = np.argsort(label, kind="stable")
    return label, np.asarray(order[np.searchsorted(label, of_stream, sorter=order)], dtype=np.intp)


def _in_scope(inventory: xr.Dataset, scope: str) -> NDArray[np.bool_]:
    """Streams that count in each year (s, y)."""
    if scope == "covered":
        return np.asarray(inventory["stream_covered"].transpose("stream", "year").values, dtype=bool)
    inside = inventory["stream_scope"].values == (1 if scope == "direct" else 2)
    return np.repeat(inside[:, None], inventory.sizes["year"], axis=1)


def stream_tonnes(inventory: xr.Dataset, scope: str) -> Floats:
    """Emissions of each stream that count in a scope (s, y) [tCO2e]; 0 outside it."""
    name = "stream_covered_emissions" if scope == "covered" else "stream_emissions_co2e"
    return np.where(_in_scope(inventory, scope), inventory[name].values, 0.0)


def cells_of(inventory: xr.Dataset, groups: Groups, scope: str) -> Cells:
    """The products behind the totals of the groups.

    Parameters
    ----------
    inventory : Dataset
        As ``build_inventory`` returns it.
    groups : Groups
    scope : str

    Returns
    -------
    Cells

    Raises
    ------
    CertificateError
        If the products do not add up to the emissions of a stream.
    """
    place = inventory["component_place"].values.astype(np.intp)
    form, value = inventory["term_form"].values, inventory["term_value"].values
    scale = inventory["component_sign"].values * inventory["component_constant"].values
    weight = np.where(_in_scope(inventory, scope)[place], _weights(inventory, scope), 0.0)
    emissions = component_emissions(inventory) * weight
    _check_sums(inventory, place, emissions, stream_tonnes(inventory, scope))
    whole = product_of_terms(np.where(form == TAKEN_OFF, UNUSED, form).astype(np.int8), value)
    coefficient = inventory["activity"].values[place] * whole * scale[:, None] * weight
    component, year = np.nonzero(coefficient)
    stream = place[component]
    # Sorted by names, so that no sum depends on the order of the rows.
    rank = {name: _rank(labels) for name, labels in (
        ("group", groups.label), ("stream", inventory["stream"].values), ("component", inventory["component"].values),
    )}  # fmt: skip
    group = groups.of_stream[stream]
    order = np.lexsort((year, rank["component"][component], rank["stream"][stream], rank["group"][group]))
    component, year = component[order], year[order]
    return Cells(
        component=component,
        stream=stream[order],
        year=year,
        group=group[order],
        coefficient=coefficient[component, year],
        emissions=emissions[component, year],
    )


def _rank(labels: Labels) -> Index:
    """Place of each label among the sorted labels."""
    rank = np.empty(len(labels), dtype=np.intp)
    rank[np.argsort(labels.astype(str), kind="stable")] = np.arange(len(labels))
    return rank


def _weights(inventory: xr.Dataset, scope: str) -> Floats:
    """Warming potential of each component's gas (c, y) [tCO2e/t]; 0 for a gas outside the market's list."""
    gas = inventory.indexes["gas"].get_indexer(pd.Index(inventory["component_gas"].values))
    name = "market_gwp" if scope == "covered" else "gwp"
    potential = np.asarray(inventory[name].transpose("gas", "year").values, dtype=float)[gas]
    if scope != "covered":
        return potential
    return np.where(inventory["component_covered"].values[:, None], potential, 0.0)


def _check_sums(inventory: xr.Dataset, place: Index, emissions: Floats, expected: Floats) -> None:
    total, gross = np.zeros_like(expected), np.zeros_like(expected)
    np.add.at(total, place, emissions)
    np.add.at(gross, place, np.abs(emissions))
    wrong = (np.abs(total - expected) > SAME * np.maximum(gross, np.abs(expected)) + SAME).any(axis=1)
    if wrong.any():
        streams = shorten(inventory["stream"].values[wrong].tolist())
        raise CertificateError(f"the terms of streams {streams} do not multiply to the emissions of the inventory.")
