"""What differs between two inventories: which term of which stream changed, and what that did to the tonnes.

Dimensions inside: c component (one gas of one stream), y year, p player (activity, constant, warming potential, terms),
n cell (a component in a year).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from carbonsim.accounting.core import Bools, Labels
from carbonsim.accounting.formula import DIVISOR, FACTOR, TAKEN_OFF, UNUSED
from carbonsim.accounting.streams import Floats, Index
from carbonsim.inputs.terms import TERMS

ACTIVITY, CONSTANT, POTENTIAL = 0, 1, 2
PLAYERS: Final = ("activity", "constant", "gwp")
COLUMNS: Final = (
    "enterprise", "facility", "stream", "month", "year", "scope", "gas", "change", "term", "old", "new", "unit",
    "old_factor", "new_factor", "old_source", "new_source", "effect",
)  # fmt: skip
OWN: Final = "own"
Forms = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class _Side:
    """One inventory on the components, terms and years of both.

    ``value`` (c, p, y) and ``form`` (c, p) of every player; ``entry`` (c, p, y) numbers its place in ``factor`` and
    ``source``; ``present`` (c, y) says that the stream has data; ``place`` (c) is the stream, -1 where there is none.
    """

    inventory: xr.Dataset
    place: Index
    gas: Labels
    present: Bools
    form: Forms
    value: Floats
    entry: Index
    factor: Labels
    source: Labels
    name: Labels

    def emissions(self) -> Floats:
        """Emissions (c, y) [tCO2e] of the components that are present."""
        components, players, years = self.value.shape
        flat = np.moveaxis(self.value, 2, 1).reshape(-1, players)
        form = np.repeat(self.form, years, axis=0)
        return np.where(self.present, _product(form, flat).reshape(components, years), 0.0)


def what_changed(old: xr.Dataset, new: xr.Dataset) -> pd.DataFrame:
    r"""Every term of every stream that differs between two inventories, with its effect on emissions.

    Parameters
    ----------
    old, new : Dataset
        As ``build_inventory`` makes them, such as the same ledger with other factor tables.

    Returns
    -------
    DataFrame
        One row for each change: ``enterprise, facility, stream, month, year, scope, gas``; ``change`` is ``activity``,
        ``factor`` (a value of the tables), ``own_value`` (a value of the ledger), ``constant``, ``gwp``, ``formula``
        (the method multiplies other terms), ``added`` or ``removed``; ``term``; ``old`` and ``new`` value with
        ``unit``; ``old_factor, new_factor, old_source, new_source``; ``effect`` [tCO2e], positive where emissions
        rise. Effects add up to the change of the total, all scopes taken together, to rounding. A value that keeps its
        digits but changes its factor or source is listed with the effect 0.

    Notes
    -----
    A component is a product, so the effect of one term depends on the others. The change of a component is shared
    among the terms that changed by the Shapley value: the mean of the effect of changing a term over all orders in
    which the terms could have been changed,
    :math:`\phi_i = \sum_{S \not\ni i} \frac{|S|!(n-|S|-1)!}{n!}\,[f(S \cup i) - f(S)]`. It leaves no residual, gives
    no term an advantage by its place in the formula, and, unlike a logarithmic mean, also holds where a value is zero
    or changes its sign.
    """
    years = np.union1d(old["year"].values, new["year"].values)
    labels = _union(old["component"].values, new["component"].values)
    terms = [name for name in _union(_used_terms(old), _used_terms(new)).tolist() if name]
    before, after = (_side(inventory, labels, terms, years) for inventory in (old, new))
    parts = [_appearances(before, after, years), _formulas(before, after, years), _terms(before, after, terms, years)]
    frame = pd.concat(parts, ignore_index=True)[list(COLUMNS)]
    return frame.sort_values(["enterprise", "facility", "stream", "month", "year", "gas"], kind="stable",
                             ignore_index=True)  # fmt: skip


def totals_changed(old: xr.Dataset, new: xr.Dataset) -> pd.DataFrame:
    """Emissions of two inventories side by side, by enterprise, scope and year.

    Returns
    -------
    DataFrame [tCO2e]
        Index (enterprise, scope, year); columns ``old``, ``new`` and ``change``; 0 where an inventory has nothing.
    """
    columns = {"old": _totals(old), "new": _totals(new)}
    joined = pd.concat(columns, axis=1).fillna(0.0).sort_index()
    return joined.assign(change=joined["new"] - joined["old"])


def _totals(inventory: xr.Dataset) -> pd.Series:
    at = inventory.isel(stream=np.flatnonzero(inventory["stream_scope"].values > 0))
    years = at["year"].values
    keys = {
        "enterprise": np.repeat(at["stream_enterprise"].values, len(years)),
        "scope": np.repeat(at["stream_scope"].values, len(years)),
        "year": np.tile(years, at.sizes["stream"]),
    }
    tonnes = at["stream_emissions_co2e"].transpose("stream", "year").values.ravel()
    return pd.DataFrame({**keys, "tonnes": tonnes}).groupby(list(keys))["tonnes"].sum()


def _union(one: Labels, other: Labels) -> Labels:
    """Labels of the first in its order, then those that only the second has."""
    return np.concatenate([one.astype(str), np.setdiff1d(other.astype(str), one.astype(str))])


def _used_terms(inventory: xr.Dataset) -> Labels:
    used = (inventory["term_form"].transpose("component", "term").values != UNUSED).any(axis=0)
    return np.asarray(inventory["term"].values.astype(str)[used])


def _side(inventory: xr.Dataset, labels: Labels, terms: list[str], years: Index) -> _Side:
    """One inventory on the labels of both."""
    here = pd.Index(inventory["component"].values.astype(str)).get_indexer(pd.Index(labels))
    column = pd.Index(inventory["year"].values).get_indexer(pd.Index(years))
    term = pd.Index(inventory["term"].values.astype(str)).get_indexer(pd.Index(terms))
    place = np.where(here >= 0, _take(inventory["component_place"].values, here), -1)
    # A study carries the activity of its base year forward: such a year has no row of its own, but emissions.
    with_data = _by_year(inventory, "stream_reported").astype(bool) | (_by_year(inventory, "activity") != 0)
    form = np.full((len(labels), len(PLAYERS) + len(terms)), FACTOR, dtype=np.int8)
    form[:, len(PLAYERS) :] = _take(inventory["term_form"].transpose("component", "term").values, here, term)
    value, entry = _values(inventory, here, place, column, term)
    shared = inventory.sizes["shared"]
    return _Side(
        inventory=inventory,
        place=place,
        gas=_take(inventory["component_gas"].values.astype(str), here),
        present=_take(with_data, place, column),
        form=form,
        value=value,
        entry=np.where(entry < 0, shared, entry),
        factor=np.append(inventory["shared_factor"].values.astype(str), OWN),
        source=np.append(inventory["shared_source"].values.astype(str), ""),
        name=np.append(inventory["shared"].values.astype(str), ""),
    )


def _by_year(inventory: xr.Dataset, name: str) -> NDArray[Any]:
    return np.asarray(inventory[name].transpose("stream", "year").values)


def _take(values: NDArray[Any], *places: Index) -> NDArray[Any]:
    """Values at the places of each axis in turn; the place -1 is what is not there: 0, False or an empty text."""
    for axis, place in enumerate(places):
        shape = (*values.shape[:axis], 1, *values.shape[axis + 1 :])
        values = np.take(np.concatenate([values, np.zeros(shape, values.dtype)], axis=axis), place, axis=axis)
    return values


def _values(inventory: xr.Dataset, here: Index, place: Index, column: Index, term: Index) -> tuple[Floats, Index]:
    """Values and table entries (c, p, y) of every player; entry -1 is a value that no table holds."""
    shape = (len(here), len(PLAYERS) + len(term), len(column))
    value, entry = np.zeros(shape), np.full(shape, -1, dtype=np.intp)
    gas = pd.Index(inventory["gas"].values).get_indexer(pd.Index(inventory["component_gas"].values))
    scale = inventory["component_sign"].values * inventory["component_constant"].values
    value[:, ACTIVITY] = _take(_by_year(inventory, "activity"), place, column)
    value[:, CONSTANT] = _take(scale, here)[:, None]
    value[:, POTENTIAL] = _take(inventory["gwp"].transpose("gas", "year").values[gas], here, column)
    ordered = ("component", "term", "year")
    value[:, len(PLAYERS) :] = _take(inventory["term_value"].transpose(*ordered).values, here, term, column)
    entry[:, len(PLAYERS) :] = _take(inventory["term_key"].transpose(*ordered).values, here, term, column)
    return value, entry


def _product(form: Forms, value: Floats) -> Floats:
    """Product (n) of the players' values (n, p) by their forms (n, p)."""
    by = np.where(form == FACTOR, value, 1.0) / np.where(form == DIVISOR, value, 1.0)
    return np.asarray(by.prod(axis=1) * (1 - np.where(form == TAKEN_OFF, value, 0.0).sum(axis=1)))


def _appearances(before: _Side, after: _Side, years: Index) -> pd.DataFrame:
    """Components that only one of the inventories has in a year."""
    frames = []
    for change, side, other, sign in (("removed", before, after, -1.0), ("added", after, before, 1.0)):
        component, year = np.nonzero(side.present & ~other.present)
        tonnes = side.emissions()[component, year]
        none = np.zeros(len(tonnes))
        old, new = (tonnes, none) if sign < 0 else (none, tonnes)
        frames.append(_frame(side, component, years[year], change, old=old, new=new, effect=sign * tonnes))
    return pd.concat(frames)


def _formulas(before: _Side, after: _Side, years: Index) -> pd.DataFrame:
    """Components whose formula holds other terms: the terms cannot be compared, the emissions can."""
    other = (before.form != after.form).any(axis=1)
    component, year = np.nonzero(before.present & after.present & other[:, None])
    old, new = (side.emissions()[component, year] for side in (before, after))
    return _frame(after, component, years[year], "formula", old=old, new=new, effect=new - old)


def _terms(before: _Side, after: _Side, terms: list[str], years: Index) -> pd.DataFrame:
    """Players that changed in components with the same formula, and their Shapley values."""
    same = (before.form == after.form).all(axis=1)
    both = before.present & after.present & same[:, None]
    used = (after.form != UNUSED)[:, :, None] & both[:, None, :]
    moved = used & (before.value != after.value)
    renamed = used & _renamed(before, after)
    component, year = np.nonzero(moved.any(axis=1))
    effect = np.zeros(before.value.shape)
    effect[component, :, year] = shapley_values(
        after.form[component], before.value[component, :, year], after.value[component, :, year]
    )
    cell, player, at = np.nonzero(moved | renamed)
    frame = _frame(
        after, cell, years[at], "", old=before.value[cell, player, at], new=after.value[cell, player, at],
        effect=effect[cell, player, at],
    )  # fmt: skip
    return frame.assign(**_evidence(before, after, cell, player, at, terms))


def _renamed(before: _Side, after: _Side) -> Bools:
    """Players (c, p, y) whose table entry has another name, factor or source."""
    entries = pd.MultiIndex.from_arrays([after.name, after.factor, after.source])
    known = entries.get_indexer(pd.MultiIndex.from_arrays([before.name, before.factor, before.source]))
    return np.asarray(known[before.entry] != after.entry)


def _evidence(
    before: _Side, after: _Side, cell: Index, player: Index, at: Index, terms: list[str]
) -> dict[str, Labels]:
    """Name, unit, factors and sources of the players that changed."""
    names = np.array([*PLAYERS, *terms])
    is_term = player >= len(PLAYERS)
    stated: dict[str, Labels] = {}
    for which, side in (("old", before), ("new", after)):
        entry, place = side.entry[cell, player, at], side.place[cell]
        own = entry == len(side.factor) - 1
        row_source = side.inventory["activity_source"].values.astype(str)[place]
        potential = str(side.inventory.attrs.get("gwp_set", ""))
        factor = np.where(player == POTENTIAL, potential, np.where(is_term, side.factor[entry], ""))
        from_row = (own & is_term) | (player == ACTIVITY)
        stated |= {f"{which}_factor": factor, f"{which}_source": np.where(from_row, row_source, side.source[entry])}
    units = np.array(["", "1", "tCO2e/t", *(TERMS[name].unit if name in TERMS else "" for name in terms)])
    activity_unit = after.inventory["activity_unit"].values.astype(str)[after.place[cell]]
    change = np.where(stated["new_factor"] == OWN, "own_value", "factor")
    return {
        "term": names[player],
        "unit": np.where(player == ACTIVITY, activity_unit, units[player]),
        "change": np.where(is_term, change, names[player]),
        **stated,
    }


def _frame(side: _Side, component: Index, year: Index, change: str, **amounts: Floats) -> pd.DataFrame:
    """Rows of the result for some components and years, with the labels of their streams."""
    at, place = side.inventory, side.place[component]
    month = at["stream_month"].values if "stream_month" in at.coords else np.zeros(at.sizes["stream"], dtype=int)
    return pd.DataFrame(
        {
            "enterprise": at["stream_enterprise"].values.astype(str)[place],
            "facility": at["stream_facility"].values.astype(str)[place],
            "stream": at["stream_name"].values.astype(str)[place],
            "month": month[place],
            "year": year,
            "scope": at["stream_scope"].values[place],
            "gas": side.gas[component],
            "change": change,
            "term": "",
            "unit": "tCO2e",
            **{f"{which}_{what}": "" for what in ("factor", "source") for which in ("old", "new")},
            **amounts,
        }
    )


def shapley_values(form: Forms, old: Floats, new: Floats) -> Floats:
    """How the change of products of terms is shared among the terms that changed.

    Parameters
    ----------
    form : array of int8 (cell, term)
        How each term enters: 1 multiplies, -1 divides, 2 is taken off, 0 is not used.
    old, new : array (cell, term)
        Values before and after.

    Returns
    -------
    array (cell, term)
        Effects; each row adds up to the new product less the old one, to rounding.

    Examples
    --------
    From 2·3 to 4·5 the change is 14: the first factor adds (2·3 + 2·5)/2 = 8, the second (2·2 + 2·4)/2 = 6.

    >>> shapley_values(np.array([[1, 1]], dtype=np.int8), np.array([[2.0, 3.0]]), np.array([[4.0, 5.0]])).tolist()
    [[8.0, 6.0]]
    """
    moved = (old != new) & (form != UNUSED)
    effect = np.zeros(old.shape)
    patterns, of_cell = np.unique(moved, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        cells, players = np.flatnonzero(of_cell.ravel() == number), np.flatnonzero(pattern)
        for player, share in zip(players, _shapley_of(form[cells], old[cells], new[cells], players), strict=True):
            effect[cells, player] = share
    return effect


def _shapley_of(form: Forms, old: Floats, new: Floats, players: Index) -> list[Floats]:
    """Shapley value of each player in cells where exactly these players changed."""
    count = len(players)
    outcome = []
    for chosen in range(1 << count):
        value = old.copy()
        taken = [player for bit, player in enumerate(players) if chosen >> bit & 1]
        value[:, taken] = new[:, taken]
        outcome.append(_product(form, value))
    shares = []
    for bit in range(count):
        share = np.zeros(len(old))
        for chosen in range(1 << count):
            if chosen >> bit & 1:
                continue
            size = chosen.bit_count()
            weight = factorial(size) * factorial(count - size - 1) / factorial(count)
            share += weight * (outcome[chosen | 1 << bit] - outcome[chosen])
        shares.append(share)
    return shares
