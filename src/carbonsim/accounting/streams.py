"""The tables of a study or ledger as arrays: sites (enterprises and facilities) and the rows of activity."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from carbonsim.accounting.core import Bools, Labels
from carbonsim.dims import POLLUTANTS
from carbonsim.errors import AlignmentError, InputError, shorten
from carbonsim.inputs.ledger_terms import NEEDS_EVIDENCE
from carbonsim.inputs.scenario import Scenario
from carbonsim.inputs.table_checks import Origin

if TYPE_CHECKING:
    from carbonsim.inputs.ledger import Ledger

Floats = NDArray[np.float64]
Index = NDArray[np.intp]

ENTERPRISE_TEXT = ("sector", "place", "chain", "ecosystem", "kind", "name_zh", "name_en")
CODED = ("method", "factor", "gas_factor", "pollutant_factor", "unit")
STATED_TEXT = ("province",)  # read where a ledger has it, not part of an inventory
WIDE_TERMS = ("net_calorific_value", "carbon_content", "oxidation")
FACILITY_TEXT = ("process", "product", "output_unit", "benchmark_class", "cooling", "special_case")


@dataclass(frozen=True, slots=True)
class Sites:
    """Enterprises and facilities in the order of their tables.

    ``owner`` is the place of each facility's enterprise; texts are ``""`` and numbers NaN where a cell is empty.
    """

    enterprise: Labels
    enterprise_text: dict[str, Labels]
    entities: Floats
    facility: Labels
    facility_text: dict[str, Labels]
    load_factor: Floats
    heat_ratio: Floats
    owner: Index

    def sector(self) -> Labels:
        """Sector of each facility: that of its enterprise."""
        return self.enterprise_text["sector"][self.owner]

    def region(self) -> Labels:
        """Province of each facility, as its enterprise states it."""
        return self.enterprise_text["province"][self.owner]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of the activity table that a run uses; all arrays of shape (row,), NaN where a cell is empty.

    ``facility`` is the place of the row's facility, ``month`` 0 for a whole year, ``own`` the terms that rows give
    themselves by name, ``control`` (row, pollutant) the shares that are removed, ``place`` the row of the table.
    ``code`` numbers the distinct labels of ``CODED`` columns: numbers compare and sort faster than texts.
    """

    facility: Index
    stream: Labels
    year: NDArray[np.int64]
    month: NDArray[np.int64]
    method: Labels
    factor: Labels
    gas_factor: Labels
    pollutant_factor: Labels
    scope3_category: NDArray[np.int64]
    evidence: Labels
    quantity: Floats
    unit: Labels
    own: dict[str, Floats]
    control: Floats
    basis: Labels
    source: Labels
    substituted: Bools
    place: Index
    origin: Origin | None
    code: dict[str, Index]

    def __len__(self) -> int:
        return len(self.quantity)


def text(frame: pd.DataFrame, column: str) -> Labels:
    """A text column as an array of str; an absent column or an empty cell is ``""``."""
    codes, known = coded(frame, column)
    return known[codes]


def coded(frame: pd.DataFrame, column: str) -> tuple[Index, Labels]:
    """A text column as numbers into its distinct labels; an absent column or an empty cell is ``""``."""
    if column not in frame:
        return np.zeros(len(frame), dtype=np.intp), np.array([""])
    codes, known = pd.factorize(frame[column], use_na_sentinel=False)
    labels = np.array(["" if pd.isna(label) else str(label) for label in known], dtype=str)
    return np.asarray(codes, dtype=np.intp), labels if len(labels) else np.array([""])


def numbers(frame: pd.DataFrame, column: str) -> Floats:
    """A number column as floats; an absent column or an empty cell is NaN."""
    if column not in frame:
        return np.full(len(frame), np.nan)
    return np.asarray(frame[column].to_numpy(dtype=float, na_value=np.nan))


def whole(frame: pd.DataFrame, column: str) -> NDArray[np.int64]:
    """An optional column of whole numbers; an absent column or an empty cell is 0."""
    return np.nan_to_num(numbers(frame, column)).astype(np.int64)


def distinct(*columns: NDArray[Any]) -> tuple[Index, Index]:
    """Number of each row's combination of the columns, and the first row of each combination.

    >>> distinct(np.array(["a", "b", "a"]), np.array([1, 1, 1]))
    (array([0, 1, 0]), array([0, 1]))
    """
    codes = np.zeros(len(columns[0]), dtype=np.intp)
    for column in columns:
        if len(column) and (column == column[0]).all():
            continue  # most columns of most ledgers: cheaper to look than to number
        own, known = pd.factorize(column)
        codes = np.asarray(pd.factorize(codes * max(len(known), 1) + own)[0], dtype=np.intp)
    first = np.empty(int(codes.max(initial=-1)) + 1, dtype=np.intp)
    backwards = np.arange(len(codes))[::-1]
    first[codes[backwards]] = backwards
    return codes, first


def places(labels: Labels, known: Labels, what: str, where: str) -> Index:
    """Place of each label in ``known``; a label that is not there is an AlignmentError."""
    found = pd.Index(known).get_indexer(pd.Index(labels))
    if (found < 0).any():
        missing = sorted(set(labels[found < 0].tolist()))
        raise AlignmentError(f"{where} names {what} {shorten(missing)}, which the table of {what} does not hold.")
    return np.asarray(found, dtype=np.intp)


@dataclass(frozen=True, slots=True)
class Book:
    """What accounting reads of a study or a ledger: its tables, its years, and the base year that is projected.

    ``base_year`` is None for a ledger: nothing is projected, and a stream has the years it has rows for.
    """

    tables: Mapping[str, pd.DataFrame]
    years: tuple[int, ...]
    base_year: int | None
    origin: Origin | None


def book_of(study: Scenario | Ledger) -> Book:
    """The tables and years of a study or a ledger."""
    base_year = study.base_year if isinstance(study, Scenario) else None
    return Book(study.tables, tuple(study.years), base_year, study.origins.get("activity"))


def read_sites(book: Book) -> Sites:
    """Enterprises and facilities of a study or ledger.

    Raises
    ------
    AlignmentError
        If a facility names an enterprise that is not there.
    """
    enterprises, facilities = book.tables["enterprises"], book.tables["facilities"]
    enterprise = text(enterprises, "enterprise")
    entities = numbers(enterprises, "entities") if "entities" in enterprises else np.ones(len(enterprise))
    return Sites(
        enterprise=enterprise,
        enterprise_text={name: text(enterprises, name) for name in (*ENTERPRISE_TEXT, *STATED_TEXT)},
        entities=entities,
        facility=text(facilities, "facility"),
        facility_text={name: text(facilities, name) for name in FACILITY_TEXT},
        load_factor=numbers(facilities, "load_factor"),
        heat_ratio=numbers(facilities, "heat_ratio"),
        owner=places(text(facilities, "enterprise"), enterprise, "enterprises", "table facilities"),
    )


def read_rows(book: Book, sites: Sites) -> Rows:
    """Activity rows of the years of a run (and of the base year of a study), sorted by facility, stream and time.

    Rows of any other year of a study are history: the run does not use them.

    Raises
    ------
    AlignmentError
        If a row names a facility that is not there.
    InputError
        If a quantity is missing or negative, or two rows share facility, year, month and stream.
    """
    frame = book.tables["activity"]
    year = frame["year"].to_numpy(dtype=np.int64)
    used = np.isin(year, [*book.years, *([] if book.base_year is None else [book.base_year])])
    place = np.flatnonzero(used)
    if not used.all():
        frame, year = frame[used], year[used]
    facility = places(text(frame, "facility"), sites.facility, "facilities", "table activity")
    stream, quantity = text(frame, "stream"), numbers(frame, "quantity")
    month = whole(frame, "month")
    _check_quantity(quantity, sites.facility[facility], stream)
    rank = np.asarray(pd.factorize(stream, sort=True)[0])
    order = np.lexsort((month, year, rank, facility))
    columns = (facility, rank, year, month)
    same = np.logical_and.reduce([np.diff(column[order]) == 0 for column in columns])
    if same.any():
        doubled = order[1:][same]
        labels = [f"{sites.facility[facility[row]]}/{stream[row]} {year[row]}" for row in doubled]
        raise InputError(f"activity holds more than one row for {shorten(labels)}. Give each stream its own name.")
    control = np.column_stack([numbers(frame, f"control_{name.lower()}") for name in POLLUTANTS])
    own = {name: numbers(frame, name)[order] for name in WIDE_TERMS if name in frame}
    evidence = text(frame, "evidence")[order]
    flagged = frame["substituted"].to_numpy(dtype=bool) if "substituted" in frame else np.zeros(len(frame), dtype=bool)
    columns_of = {name: coded(frame, name) for name in CODED}
    code = {name: codes[order] for name, (codes, _) in columns_of.items()}
    label = {name: known[code[name]] for name, (_, known) in columns_of.items()}
    rows = Rows(
        facility=facility[order],
        stream=stream[order],
        year=year[order],
        month=month[order],
        method=label["method"],
        factor=label["factor"],
        gas_factor=label["gas_factor"],
        pollutant_factor=label["pollutant_factor"],
        scope3_category=whole(frame, "scope3_category")[order],
        evidence=evidence,
        quantity=quantity[order],
        unit=label["unit"],
        own={name: values for name, values in own.items() if not np.isnan(values).all()},
        control=control[order],
        basis=text(frame, "basis")[order],
        source=text(frame, "source")[order],
        substituted=flagged[order],
        place=place[order],
        origin=book.origin,
        code=code,
    )
    terms = book.tables["terms"] if "terms" in book.tables else pd.DataFrame()
    return _with_terms(rows, sites, terms) if len(terms) else rows


def _with_terms(rows: Rows, sites: Sites, terms: pd.DataFrame) -> Rows:
    """The rows with the measured terms of the table of terms; a term of no row is an error, never dropped."""
    label = sites.facility[rows.facility]
    index = pd.MultiIndex.from_arrays([label, rows.stream, rows.year, rows.month])
    wanted = pd.MultiIndex.from_arrays(
        [text(terms, "facility"), text(terms, "stream"), terms["year"].to_numpy(dtype=np.int64), whole(terms, "month")]
    )
    found = index.get_indexer(wanted)
    if (found < 0).any():
        missing = [f"{key[0]}/{key[1]} {key[2]}" for key in wanted[found < 0]]
        raise AlignmentError(f"table terms names streams that the activity table does not hold: {shorten(missing)}.")
    own = {name: values.copy() for name, values in rows.own.items()}
    evidence = rows.evidence.astype(object)
    name, value, proof = text(terms, "term"), numbers(terms, "value"), text(terms, "evidence")
    for term in sorted(set(name.tolist())):
        chosen = name == term
        values = own.setdefault(term, np.full(len(rows), np.nan))
        values[found[chosen]] = value[chosen]
    # A document on another term, such as a calorific value, proves nothing of the origin of the carbon.
    proven = (proof != "") & (name == NEEDS_EVIDENCE)
    evidence[found[proven]] = proof[proven]
    return dataclasses.replace(rows, own=own, evidence=evidence.astype(str))


def _check_quantity(quantity: Floats, facility: Labels, stream: Labels) -> None:
    wrong = ~(quantity >= 0) | ~np.isfinite(quantity)
    if wrong.any():
        labels = [f"{facility[row]}/{stream[row]} ({quantity[row]})" for row in np.flatnonzero(wrong)]
        raise InputError(
            f"activity quantity of {shorten(labels)}: expected a number that is not negative. "
            "The method carries the sign; a quantity that is not known is no row."
        )
