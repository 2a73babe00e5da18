"""Source streams over the years of a run: which activity row is in force, and how the base year is carried forward.

Dimensions inside: s stream, c component (one gas of one stream), k term, y year.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from carbonsim.accounting.core import Bools, Labels, accounting_methods
from carbonsim.accounting.emission_factors import GRID_METHODS, RowFactors
from carbonsim.accounting.evidence import weakest
from carbonsim.accounting.streams import Book, Floats, Index, Rows, Sites, distinct
from carbonsim.errors import InputError, Issue, ParameterError, shorten
from carbonsim.inputs.scenario import Scenario

OUTPUT_INDEX: Final = "outlook.output_index"
GRID_FACTOR: Final = "outlook.grid_factor"


@dataclass(frozen=True, slots=True)
class Streams:
    """Streams of a run, sorted by facility, name and month.

    ``facility`` (s) is a place in the sites, ``first`` (s) the base-year row, or the first one of a ledger,
    ``row_of`` (s, y) the row in force; ``given`` (s, y) says that it is the year's own row and no projection.
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


def streams_of(book: Book, sites: Sites, rows: Rows) -> Streams:
    """Streams with the row in force in each year.

    Raises
    ------
    InputError
        If a stream of a study has no base-year row, or one changes its method or factor between years.
    """
    codes, known = distinct(rows.facility, rows.stream, rows.month)
    labels = _labels(sites, rows)
    first = known
    if book.base_year is not None:
        base = np.flatnonzero(rows.year == book.base_year)
        first = np.full(len(known), -1, dtype=np.intp)
        first[codes[base]] = base
        _check_base(book.base_year, codes, first, labels)
    _check_constant(rows, codes, first, labels)
    years = np.asarray(book.years)
    row_of = np.repeat(first[:, None], len(years), axis=1)
    given = np.zeros(row_of.shape, dtype=bool)
    own = np.flatnonzero(np.isin(rows.year, years))
    column = np.searchsorted(years, rows.year[own])
    row_of[codes[own], column], given[codes[own], column] = own, True
    method = rows.method[first]
    category, scope = _declared(method, rows.code["method"][first])
    return Streams(
        label=labels[first],
        facility=rows.facility[first],
        first=first,
        row_of=row_of,
        given=given,
        method=method,
        category=category,
        scope=scope,
    )


def _labels(sites: Sites, rows: Rows) -> Labels:
    """``facility/stream``, and ``@month`` where a row is one month's."""
    if not len(rows):
        return rows.stream
    labels = np.char.add(np.char.add(sites.facility, "/")[rows.facility], rows.stream)
    monthly = rows.month > 0
    if monthly.any():
        ending = np.array(["", *(f"@{month:02d}" for month in range(1, 13))])
        labels = np.char.add(labels, ending[rows.month])
    return np.asarray(labels)


def _declared(method: Labels, code: Index) -> tuple[Labels, Index]:
    """Category and scope of each method, as it is registered."""
    of, example = distinct(code)
    entries = [accounting_methods.get(str(name)).declares for name in method[example]]
    category = np.array([entry["category"] for entry in entries], dtype=str)
    scope = np.array([entry["scope"] for entry in entries], dtype=np.intp)
    return category[of], scope[of]


def _check_base(base_year: int, codes: Index, first: Index, labels: Labels) -> None:
    without = np.flatnonzero(first[codes] < 0)
    if without.size:
        names = shorten(sorted(set(labels[without].tolist())))
        raise InputError(
            Issue(
                "base-year",
                "",
                f"activity streams {names} have no row of the base year {base_year}.",
                f"源流 {names} 缺少基准年 {base_year} 的数据。",
                "Add one; its quantity is 0 if the stream starts later.",
                "请补充该年数据；如该源流以后才出现，数量填 0。",
            )
        )


def _check_constant(rows: Rows, codes: Index, first: Index, labels: Labels) -> None:
    """A stream keeps its method and factors; only the factor of a grid is another one each year."""
    base = first[codes]
    named = [rows.code[name] for name in ("method", "gas_factor", "pollutant_factor")]
    factor = (rows.code["factor"] != rows.code["factor"][base]) & ~np.isin(rows.method, GRID_METHODS)
    changed = np.flatnonzero(np.logical_or.reduce([factor, *(column != column[base] for column in named)]))
    if changed.size:
        names = shorten(sorted(set(labels[changed].tolist())))
        raise InputError(
            Issue(
                "stream-changes",
                "",
                f"activity streams {names} change method or factor between years.",
                f"源流 {names} 的核算方法或因子在年份间发生变化。",
                "Give the new method or fuel a stream of its own.",
                "请为新的方法或燃料单列一个源流。",
            )
        )


def project_activity(study: Scenario | None, sites: Sites, per_row: RowFactors, streams: Streams) -> Floats:
    """Activity (s, y) in the unit of the factor: the year's own row, or the base year's times the output index.

    A ledger is not projected: a stream without a row in a year has the activity 0 there.

    Raises
    ------
    ParameterError
        If a projection is needed and ``outlook.output_index`` lacks the parameter, the sector or the year.
    """
    if study is None:
        return np.asarray(np.where(streams.given, per_row.activity[streams.row_of], 0.0))
    sector = sites.sector()[streams.facility]
    index = np.ones(streams.row_of.shape)
    projected = ~streams.given
    if projected.any() and OUTPUT_INDEX not in study.parameters:
        raise ParameterError(f"parameter '{OUTPUT_INDEX}' is missing; it carries activity beyond {study.base_year}.")
    for name in np.unique(sector[projected.any(axis=1)]):
        series = study.parameters.series(OUTPUT_INDEX, study.years, str(name))
        index = np.where((sector == name)[:, None] & projected, series, index)
    return np.asarray(per_row.activity[streams.row_of] * index)


@dataclass(frozen=True, slots=True)
class Components:
    """Components of all streams over the years, sorted by stream: terms by value (c, k, y) and shared entry.

    ``per_unit`` (c, y) is the product of sign, constant and terms [t of gas per unit of activity].
    """

    stream: Index
    kind: Index
    value: Floats
    key: NDArray[np.int32]
    per_unit: Floats


def components_of(study: Scenario | None, per_row: RowFactors, streams: Streams) -> Components:
    """Components of the streams in each year; a study's electricity follows ``outlook.grid_factor``.

    Every row of a stream has the same components, because its method and factor do not change between years; only
    the terms that it measures may.
    """
    count = np.bincount(per_row.row, minlength=len(per_row.activity))
    start = np.cumsum(count) - count
    of_stream = count[streams.first]
    differing = (count[streams.row_of] != of_stream[:, None]).any(axis=1)
    if differing.any():
        raise _some_years(streams.label[differing])
    stream = np.repeat(np.arange(len(streams.label)), of_stream)
    offset = np.arange(len(stream)) - np.repeat(np.cumsum(of_stream) - of_stream, of_stream)
    at = start[streams.row_of][stream] + offset[:, None]
    kinds = per_row.kinds
    shape = np.column_stack([kinds.form, kinds.sign, kinds.scale])[per_row.kind[at]]
    differing = (shape != shape[:, :1]).any(axis=(1, 2))
    if differing.any():
        raise _some_years(streams.label[np.unique(stream[differing])])
    value, key = np.moveaxis(per_row.value[at], 2, 1), np.moveaxis(per_row.key[at], 2, 1)
    per_unit = per_row.per_unit[at]
    by_year = per_row.by_year[streams.first][stream]
    if study is not None and by_year.any():
        series = study.parameters.series(GRID_FACTOR, study.years)
        value = value.copy()
        value[by_year, per_row.term.index("grid_factor"), :] = series
        per_unit = np.where(by_year[:, None], per_unit * series, per_unit)
    return Components(stream, per_row.kind[at[:, 0]], value, key, per_unit)


def _some_years(labels: Labels) -> InputError:
    names = shorten(labels.tolist())
    return InputError(
        Issue(
            "stream-changes",
            "",
            f"activity streams {names} have a measured share or evidence in some years only.",
            f"源流 {names} 仅在部分年份有实测比例或证明材料。",
            "Give every year the same, or the years without it a stream of their own.",
            "请使各年一致，或将没有的年份单列为另一个源流。",
        )
    )


def factor_evidence(
    study: Scenario | None, rows: Rows, per_row: RowFactors, streams: Streams
) -> tuple[Labels, Labels, Labels]:
    """Factor, source and basis of each stream (s); a measured one is the row's, the grid's is the parameter's.

    Where the years of a ledger use different factors, such as a grid's, all are named and the weakest basis counts.
    """
    stated = per_row.source != ""
    source, basis = np.where(stated, per_row.source, rows.source), np.where(stated, per_row.basis, rows.basis)
    if study is not None and per_row.by_year.any():
        dated = study.parameters.get(GRID_FACTOR).at(study.years[0])
        source, basis = np.where(per_row.by_year, dated.source, source), np.where(per_row.by_year, dated.basis, basis)
    weak = weakest(*(basis[streams.row_of[:, year]] for year in range(streams.row_of.shape[1])))
    return _over_years(per_row.factor, streams), _over_years(source, streams), weak


def _over_years(text: Labels, streams: Streams) -> Labels:
    """The text of each stream's rows (s); where years differ, each once in the order of the years."""
    if streams.row_of.shape[1] == 1:
        return text[streams.row_of[:, 0]]
    at = text[streams.row_of]
    differing = np.flatnonzero((at != at[:, :1]).any(axis=1))
    result = text[streams.first]
    if not differing.size:
        return result
    joined = result.astype(object)
    for stream in differing.tolist():
        joined[stream] = "; ".join(dict.fromkeys(at[stream][streams.given[stream]].tolist()))
    return joined.astype(str)
