"""The tables of a scenario as arrays: sites (enterprises and facilities) and the rows of the activity table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from carbonsim.accounting.core import Labels
from carbonsim.dims import POLLUTANTS
from carbonsim.errors import AlignmentError, InputError, shorten
from carbonsim.inputs.scenario import Scenario

Floats = NDArray[np.float64]
Index = NDArray[np.intp]

ENTERPRISE_TEXT = ("sector", "place", "chain", "ecosystem", "kind", "name_zh", "name_en")
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


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of the activity table that a run uses; all arrays of shape (row,), NaN where a cell is empty.

    ``facility`` is the place of the row's facility, ``control`` (row, pollutant) the shares that are removed.
    """

    facility: Index
    stream: Labels
    year: NDArray[np.int64]
    method: Labels
    factor: Labels
    quantity: Floats
    unit: Labels
    net_calorific_value: Floats
    carbon_content: Floats
    oxidation: Floats
    control: Floats
    basis: Labels
    source: Labels

    def __len__(self) -> int:
        return len(self.quantity)


def text(frame: pd.DataFrame, column: str) -> Labels:
    """A text column as an array of str; an absent column or an empty cell is ``""``."""
    if column not in frame:
        return np.full(len(frame), "", dtype="U1")
    values: Labels = frame[column].fillna("").astype(str).to_numpy(dtype=str)
    return values if values.size else values.astype("U1")


def numbers(frame: pd.DataFrame, column: str) -> Floats:
    """A number column as floats; an absent column or an empty cell is NaN."""
    if column not in frame:
        return np.full(len(frame), np.nan)
    return np.asarray(frame[column].to_numpy(dtype=float, na_value=np.nan))


def distinct(*columns: NDArray[Any]) -> tuple[Index, Index]:
    """Number of each row's combination of the columns, and the first row of each combination.

    >>> distinct(np.array(["a", "b", "a"]), np.array([1, 1, 1]))
    (array([0, 1, 0]), array([0, 1]))
    """
    codes = np.zeros(len(columns[0]), dtype=np.intp)
    for column in columns:
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


def read_sites(scenario: Scenario) -> Sites:
    """Enterprises and facilities of a scenario.

    Raises
    ------
    AlignmentError
        If a facility names an enterprise that is not there.
    """
    enterprises, facilities = scenario.tables["enterprises"], scenario.tables["facilities"]
    enterprise = text(enterprises, "enterprise")
    return Sites(
        enterprise=enterprise,
        enterprise_text={name: text(enterprises, name) for name in ENTERPRISE_TEXT},
        entities=numbers(enterprises, "entities"),
        facility=text(facilities, "facility"),
        facility_text={name: text(facilities, name) for name in FACILITY_TEXT},
        load_factor=numbers(facilities, "load_factor"),
        heat_ratio=numbers(facilities, "heat_ratio"),
        owner=places(text(facilities, "enterprise"), enterprise, "enterprises", "table facilities"),
    )


def read_rows(scenario: Scenario, sites: Sites) -> Rows:
    """Activity rows of the base year and of the years of the run, sorted by facility, stream and year.

    Rows of any other year are history: the run does not use them.

    Raises
    ------
    AlignmentError
        If a row names a facility that is not there.
    InputError
        If a quantity is missing or negative, or two rows share facility, year and stream.
    """
    frame = scenario.tables["activity"]
    year = frame["year"].to_numpy(dtype=np.int64)
    used = np.isin(year, [scenario.base_year, *scenario.years])
    frame, year = frame[used], year[used]
    facility = places(text(frame, "facility"), sites.facility, "facilities", "table activity")
    stream, quantity = text(frame, "stream"), numbers(frame, "quantity")
    _check_quantity(quantity, sites.facility[facility], stream)
    order = np.lexsort((year, stream, facility))
    same = (np.diff(facility[order]) == 0) & (stream[order][1:] == stream[order][:-1]) & (np.diff(year[order]) == 0)
    if same.any():
        doubled = order[1:][same]
        labels = [f"{sites.facility[facility[row]]}/{stream[row]} {year[row]}" for row in doubled]
        raise InputError(f"activity holds more than one row for {shorten(labels)}. Give each stream its own name.")
    control = np.column_stack([numbers(frame, f"control_{name.lower()}") for name in POLLUTANTS])
    return Rows(
        facility=facility[order],
        stream=stream[order],
        year=year[order],
        method=text(frame, "method")[order],
        factor=text(frame, "factor")[order],
        quantity=quantity[order],
        unit=text(frame, "unit")[order],
        net_calorific_value=numbers(frame, "net_calorific_value")[order],
        carbon_content=numbers(frame, "carbon_content")[order],
        oxidation=numbers(frame, "oxidation")[order],
        control=control[order],
        basis=text(frame, "basis")[order],
        source=text(frame, "source")[order],
    )


def _check_quantity(quantity: Floats, facility: Labels, stream: Labels) -> None:
    wrong = ~(quantity >= 0) | ~np.isfinite(quantity)
    if wrong.any():
        labels = [f"{facility[row]}/{stream[row]} ({quantity[row]})" for row in np.flatnonzero(wrong)]
        raise InputError(
            f"activity quantity of {shorten(labels)}: expected a number that is not negative. "
            "The method carries the sign; a quantity that is not known is no row."
        )
