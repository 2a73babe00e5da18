"""What is uncertain: independent sources, each drawn once and used by every product that holds its value.

Dimensions inside: u use (one term of one cell), x source, i cell, m statement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from carbonsim.accounting.formula import FACTOR
from carbonsim.accounting.uncertainty.cells import Cells, Floats, Index, Labels
from carbonsim.accounting.uncertainty.distributions import Shape, shape_of
from carbonsim.accounting.uncertainty.matching import Coded, Values, coded, match
from carbonsim.accounting.uncertainty.refusals import check_one_statement, check_values
from carbonsim.accounting.uncertainty.statements import QUANTITY, Statements

SHARED, STATED_SHARED, OWN = "shared", "stated_shared", "own"
_KINDS: Final = (SHARED, STATED_SHARED, OWN)


@dataclass(frozen=True, slots=True)
class Uses:
    """Terms as the cells use them; arrays of shape (u,). ``source`` is -1 where nothing is stated.

    ``form`` is FACTOR, DIVISOR or TAKEN_OFF; ``value`` is the point value (1 for the quantity).
    """

    cell: Index
    term: Index
    form: NDArray[np.int8]
    value: Floats
    source: Index


@dataclass(frozen=True, slots=True)
class Sources:
    """Independent relative errors of mean 1; arrays of shape (x,), sorted by label.

    ``year`` is the place of the year a source is confined to, -1 for one that holds in all years.
    """

    label: Labels
    kind: Labels
    term: Labels
    year: Index
    statement: Index
    shape: tuple[Shape, ...]

    def __len__(self) -> int:
        return len(self.label)

    def standard_deviation(self) -> Floats:
        """Standard deviation of each relative error (x)."""
        return np.array([shape.standard_deviation for shape in self.shape], dtype=float)


@dataclass(frozen=True, slots=True)
class _Terms:
    """Every term of every component and year, the quantity last; arrays of shape (n,)."""

    component: Index
    term: Index
    year: Index
    key: Index
    form: NDArray[np.int8]
    value: Floats


def sources_of(
    inventory: xr.Dataset, cells: Cells, statements: Statements, defaults: Statements | None = None
) -> tuple[Uses, Sources]:
    """The uses of uncertain values in the cells, and the independent sources they come from.

    A statement may concern any stream of the inventory, inside the scope or not.

    Parameters
    ----------
    inventory : Dataset
        As ``build_inventory`` returns it.
    cells : Cells
    statements : Statements
        Each has to match something.
    defaults : Statements, optional
        Weaker than any statement, and only of values of a table (and of quantities); what matches nothing is left.

    Raises
    ------
    InputError
        If a statement matches nothing, a shared factor has two statements that differ, a share would leave its bounds
        or a divisor come near zero.
    """
    names = np.array([*inventory["term"].values.astype(str).tolist(), QUANTITY])
    terms = _terms(inventory)
    site, site_label = _sites(inventory)
    values, identity, of_value = _values(inventory, terms, names, site)
    stated, everything = match(statements, values), statements
    if defaults is not None:
        weaker = np.where(values.own, -1, match(defaults, values, must_match=False))
        stated, everything = _with_defaults(statements, stated, weaker, identity), statements.followed_by(defaults)
    statement = stated[of_value]
    check_values(everything, statement, names[terms.term], terms.value, terms.form)
    cell_of = np.full((inventory.sizes["component"], inventory.sizes["year"]), -1, dtype=np.intp)
    cell_of[cells.component, cells.year] = np.arange(len(cells))
    cell = cell_of[terms.component, terms.year]
    active = (statement >= 0) & (cell >= 0)
    code = np.full(len(terms.term), -1, dtype=np.intp)
    code[active], sources = _identify(inventory, everything, terms, statement, active, names, site, site_label)
    kept = np.flatnonzero(cell >= 0)
    kept = kept[np.lexsort((terms.term[kept], cell[kept]))]
    return Uses(cell[kept], terms.term[kept], terms.form[kept], terms.value[kept], code[kept]), sources


def _terms(inventory: xr.Dataset) -> _Terms:
    form = inventory["term_form"].values
    component, term = np.nonzero(form)
    years = inventory.sizes["year"]
    count, components = len(inventory["term"]), inventory.sizes["component"]
    repeated = np.arange(years, dtype=np.intp)
    quantities = components * years
    return _Terms(
        component=np.concatenate([np.repeat(component, years), np.repeat(np.arange(components), years)]),
        term=np.concatenate([np.repeat(term, years), np.full(quantities, count)]).astype(np.intp),
        year=np.concatenate([np.tile(repeated, len(component)), np.tile(repeated, components)]),
        key=np.concatenate([inventory["term_key"].values[component, term].ravel(), np.full(quantities, -1)]).astype(
            np.intp
        ),
        form=np.concatenate([np.repeat(form[component, term], years), np.full(quantities, FACTOR)]).astype(np.int8),
        value=np.concatenate([inventory["term_value"].values[component, term].ravel(), np.ones(quantities)]),
    )


@dataclass(frozen=True, slots=True)
class _Identity:
    """What a value is (v): ``key`` its place on ``shared`` or -1, ``number`` the same for all uses of one value."""

    key: Index
    number: Index


def _values(inventory: xr.Dataset, terms: _Terms, names: Labels, site: Index) -> tuple[Values, _Identity, Index]:
    """The distinct values that statements speak of, what they are, and the value of each term."""
    place = inventory["component_place"].values.astype(np.intp)[terms.component]
    shared = inventory["shared"].values.astype(str)
    keys = len(shared) + 1
    combined = (terms.term * inventory.sizes["stream"] + place) * keys + terms.key + 1
    of_value, first = _places(combined)
    term, stream, key = terms.term[first], place[first], terms.key[first]
    of_stream = coded(inventory["factor"].values)
    factor = np.where(key >= 0, key, len(shared) + of_stream.code[stream])
    facility, name = coded(inventory["stream_facility"].values), coded(inventory["stream_name"].values)
    values = Values(
        term=Coded(term, names),
        factor=Coded(factor, np.concatenate([shared, of_stream.names])),
        facility=Coded(facility.code[stream], facility.names),
        stream=Coded(name.code[stream], name.names),
        own=(key < 0) & (term != len(names) - 1),
    )
    number = np.where(key >= 0, key, len(shared) + term * inventory.sizes["stream"] + site[stream])
    return values, _Identity(key, number), of_value


def _places(keys: NDArray[np.int64]) -> tuple[Index, Index]:
    """The number of each key in the order they first occur, and where each first occurs."""
    code, known = pd.factorize(keys)
    first = np.empty(len(known), dtype=np.intp)
    first[code[::-1]] = np.arange(len(code))[::-1]
    return np.asarray(code, dtype=np.intp), first


def _with_defaults(statements: Statements, stated: Index, weaker: Index, identity: _Identity) -> Index:
    """The statement of each value (v), those of the library behind the user's.

    Where the user states the error of a value that is one for many streams, its default gives way for all of them:
    one number has one error. A site's own deviation (``shared`` no) leaves the default to the others.
    """
    result = np.where((stated < 0) & (weaker >= 0), weaker + len(statements), stated)
    by_user = np.flatnonzero(stated >= 0)
    by_user = by_user[(identity.key[by_user] < 0) | (statements.shared[stated[by_user]] != 0)]
    # The first of several; if they differ, they are refused.
    known, first = np.unique(identity.number[by_user], return_index=True)
    default = np.flatnonzero(result >= len(statements))
    if not known.size or not default.size:
        return result
    at = np.minimum(np.searchsorted(known, identity.number[default]), len(known) - 1)
    same = known[at] == identity.number[default]
    result[default[same]] = stated[by_user[first[at[same]]]]
    return result


def _identify(
    inventory: xr.Dataset, statements: Statements, terms: _Terms, statement: Index, active: NDArray[np.bool_],
    names: Labels, site: Index, site_label: Labels,
) -> tuple[Index, Sources]:  # fmt: skip
    """The source of each active term, and the sources."""
    chosen = statement[active]
    term, year, key = terms.term[active], terms.year[active], terms.key[active]
    stream = inventory["component_place"].values.astype(np.intp)[terms.component[active]]
    is_quantity = term == len(names) - 1
    flag = statements.years_correlated[chosen]
    correlated = np.where(flag >= 0, flag == 1, ~is_quantity)
    flag = statements.shared[chosen]
    is_shared = np.where(flag >= 0, flag == 1, key >= 0)
    kind = np.where(is_shared, np.where(key >= 0, 0, 1), 2)
    # What a site measures with the same systematic error is one value in all months and years; one meter reads the
    # months of a year, so that a year in twelve rows is as uncertain as in one.
    of_site = correlated | is_quantity
    ident = np.select([kind == 0, kind == 1, of_site], [key, chosen, site[stream]], len(site_label) + stream)
    when = np.where(correlated, 0, year + 1)
    shared = inventory.sizes["shared"] + 1
    own_term = np.where(kind == 2, term * shared + key + 1, 0)
    idents = max(int(ident.max(initial=0)), int(key.max(initial=0))) + 1
    combined = ((kind * idents + ident) * (len(names) * shared) + own_term) * (inventory.sizes["year"] + 1) + when
    code, first = _places(combined)
    check_one_statement(
        statements, chosen, np.where(kind == 0, key, shared + code), correlated, key, inventory["shared"].values
    )
    labels = _source_labels(
        inventory, statements, names, kind[first], ident[first], term[first], key[first], when[first], site_label
    )
    order = np.argsort(labels, kind="stable")
    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    first = first[order]
    used = chosen[first]
    return rank[code], Sources(
        label=labels[order],
        kind=np.array(_KINDS)[kind[first]] if len(first) else np.array([], dtype="U1"),
        term=names[term[first]],
        year=np.asarray(when[first] - 1, dtype=np.intp),
        statement=used,
        shape=tuple(shape_of(statements.distribution[m], statements.half_width[m]) for m in used.tolist()),
    )


def _sites(inventory: xr.Dataset) -> tuple[Index, Labels]:
    """The facility and stream name of each stream, without its month: a place and the labels."""
    facility, name = coded(inventory["stream_facility"].values), coded(inventory["stream_name"].values)
    pair, first = _places(facility.code * len(name.names) + name.code)
    labels = np.char.add(np.char.add(facility.names[facility.code[first]], "/"), name.names[name.code[first]])
    known, place = np.unique(labels, return_inverse=True)
    return np.asarray(place.reshape(-1)[pair], dtype=np.intp), known


def _source_labels(
    inventory: xr.Dataset, statements: Statements, names: Labels, kind: Index, ident: Index, term: Index,
    key: Index, when: Index, site_label: Labels,
) -> Labels:  # fmt: skip
    shared = [str(label) for label in inventory["shared"].values]
    where = np.concatenate([site_label, inventory["stream"].values.astype(str)])
    years = inventory["year"].values.tolist()
    labels = []
    for a_kind, an_ident, a_term, a_key, a_when in zip(
        kind.tolist(), ident.tolist(), term.tolist(), key.tolist(), when.tolist(), strict=True
    ):
        if a_kind == 0:
            label = shared[an_ident]
        elif a_kind == 1:
            label = f"shared: {statements.name(an_ident)}"
        else:
            label = f"{where[an_ident]}: {shared[a_key] if a_key >= 0 else names[a_term]}"
        labels.append(f"{label} [{years[a_when - 1]}]" if a_when else label)
    return np.array(labels, dtype=str) if labels else np.array([], dtype="U1")
