"""Source streams over the years of a run: which activity row is in force, and how the base year is carried forward.

Dimensions inside: s stream, g gas, y year.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from carbonsim.accounting.core import Bools, Labels
from carbonsim.accounting.emission_factors import CO2, METHODS, RowFactors
from carbonsim.accounting.streams import Floats, Index, Rows, Sites, distinct
from carbonsim.errors import InputError, ParameterError, shorten
from carbonsim.inputs.scenario import Scenario

OUTPUT_INDEX: Final = "outlook.output_index"
GRID_FACTOR: Final = "outlook.grid_factor"


@dataclass(frozen=True, slots=True)
class Streams:
    """Streams of a run, sorted by facility and name.

    ``facility`` (s) is a place in the sites, ``first`` (s) the base-year row, ``row_of`` (s, y) the row in force;
    ``given`` (s, y) says that it is the year's own row and no projection.
    """

    label: Labels
    facility: Index
    first: Index
    row_of: Index
    given: Bools
    method: Labels
    category: Labels
    scope: Index

    def of_method(self, method: str) -> Index:
        """Places of the streams of one method."""
        return np.flatnonzero(self.method == method)


def streams_of(scenario: Scenario, sites: Sites, rows: Rows) -> Streams:
    """Streams with the row in force in each year.

    Raises
    ------
    InputError
        If a stream has no base-year row, or changes its method or factor between years.
    """
    codes, known = distinct(rows.facility, rows.stream)
    base = np.flatnonzero(rows.year == scenario.base_year)
    first = np.full(len(known), -1, dtype=np.intp)
    first[codes[base]] = base
    labels = np.char.add(np.char.add(sites.facility[rows.facility], "/"), rows.stream) if len(rows) else rows.stream
    _check_streams(scenario.base_year, rows, codes, first, labels)
    years = np.asarray(scenario.years)
    row_of = np.repeat(first[:, None], len(years), axis=1)
    given = np.zeros(row_of.shape, dtype=bool)
    own = np.flatnonzero(np.isin(rows.year, years))
    column = np.searchsorted(years, rows.year[own])
    row_of[codes[own], column], given[codes[own], column] = own, True
    method = rows.method[first]
    return Streams(
        label=labels[first],
        facility=rows.facility[first],
        first=first,
        row_of=row_of,
        given=given,
        method=method,
        category=np.array([METHODS[name][0] for name in method.tolist()], dtype=str),
        scope=np.array([METHODS[name][1] for name in method.tolist()], dtype=np.intp),
    )


def _check_streams(base_year: int, rows: Rows, codes: Index, first: Index, labels: Labels) -> None:
    without = np.flatnonzero(first[codes] < 0)
    if without.size:
        raise InputError(
            f"activity streams {shorten(sorted(set(labels[without].tolist())))} have no row of the base year "
            f"{base_year}. Add one; its quantity is 0 if the stream starts later."
        )
    changed = np.flatnonzero((rows.method != rows.method[first[codes]]) | (rows.factor != rows.factor[first[codes]]))
    if changed.size:
        raise InputError(
            f"activity streams {shorten(sorted(set(labels[changed].tolist())))} change method or factor between years. "
            "Give the new method or fuel a stream of its own."
        )


def project_activity(scenario: Scenario, sites: Sites, per_row: RowFactors, streams: Streams) -> Floats:
    """Activity (s, y) in the unit of the factor: the year's own row, or the base year's times the output index.

    Raises
    ------
    ParameterError
        If a projection is needed and ``outlook.output_index`` lacks the parameter, the sector or the year.
    """
    sector = sites.sector()[streams.facility]
    index = np.ones(streams.row_of.shape)
    projected = ~streams.given
    if projected.any() and OUTPUT_INDEX not in scenario.parameters:
        raise ParameterError(f"parameter '{OUTPUT_INDEX}' is missing; it carries activity beyond {scenario.base_year}.")
    for name in np.unique(sector[projected.any(axis=1)]):
        series = scenario.parameters.series(OUTPUT_INDEX, scenario.years, str(name))
        index = np.where((sector == name)[:, None] & projected, series, index)
    return per_row.activity[streams.row_of] * index


def emission_factor_by_year(scenario: Scenario, per_row: RowFactors, streams: Streams) -> Floats:
    """Emission factors (s, g, y) [t of gas per unit]; purchased electricity follows ``outlook.grid_factor``."""
    factor = np.moveaxis(per_row.emission_factor[streams.row_of], 2, 1).copy()
    by_year = per_row.grid_by_year[streams.first]
    if by_year.any():
        factor[by_year, CO2, :] *= scenario.parameters.series(GRID_FACTOR, scenario.years)
    return factor


def factor_evidence(scenario: Scenario, rows: Rows, per_row: RowFactors, streams: Streams) -> tuple[Labels, Labels]:
    """Source and basis of each stream's factor (s); a measured one is the row's, the grid's is the parameter's."""
    first = streams.first
    stated = per_row.source[first] != ""
    source = np.where(stated, per_row.source[first], rows.source[first])
    basis = np.where(stated, per_row.basis[first], rows.basis[first])
    by_year = per_row.grid_by_year[first]
    if by_year.any():
        dated = scenario.parameters.get(GRID_FACTOR).at(scenario.years[0])
        source, basis = np.where(by_year, dated.source, source), np.where(by_year, dated.basis, basis)
    return source, basis
