"""Which measure applies to which facility, and on which of its source streams it acts.

Numbers of dimensions inside: o option, p pair of an option and a stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from carbonsim.errors import InputError, did_you_mean, shorten

Labels = NDArray[np.str_]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Index = NDArray[np.intp]
INDIRECT: Final = ("electricity", "heat")
MOVES: Final = ("inventory", "covered", "both")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Measures of the study as arrays of shape (measure,); NaN where a number cell is empty."""

    measure: Labels
    texts: dict[str, Labels]
    numbers: dict[str, Floats]

    def __len__(self) -> int:
        return len(self.measure)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Options (a measure at a facility) and the streams each acts on.

    ``facility`` and ``measure`` are places, shape (o); ``option`` and ``stream`` are places, shape (p).
    ``unmatched`` are measures that found no stream anywhere in the study.
    """

    facility: Index
    measure: Index
    option: Index
    stream: Index
    unmatched: tuple[str, ...]


TEXTS: Final = (
    "sector", "process", "stage", "acts_on", "moves", "interaction_group", "exclusion_group", "enterprise", "basis",
    "source",
)  # fmt: skip
NUMBERS: Final = (
    "reduction", "max_penetration", "unit_cost", "slope", "capex", "opex", "saving", "lifetime", "available_from",
    "electricity_change", "so2_change", "nox_change", "pm_change", "price_year",
)  # fmt: skip


def read_catalogue(measures: pd.DataFrame) -> Catalogue:
    """The measures table as arrays; an absent column or empty cell is ``""`` or NaN."""

    def text(column: str) -> Labels:
        if column not in measures or measures.empty:
            return np.full(len(measures), "", dtype="U1")
        values: Labels = measures[column].fillna("").astype(str).to_numpy(dtype=str)
        return values

    def number(column: str) -> Floats:
        if column not in measures:
            return np.full(len(measures), np.nan)
        return np.asarray(measures[column].to_numpy(dtype=float, na_value=np.nan))

    catalogue = Catalogue(
        text("measure"), {name: text(name) for name in TEXTS}, {name: number(name) for name in NUMBERS}
    )
    wrong = np.flatnonzero(~np.isin(catalogue.texts["moves"], MOVES))
    if wrong.size:
        raise InputError(
            f"measures {shorten(catalogue.measure[wrong].tolist())}: moves must be one of {', '.join(MOVES)}."
        )
    return catalogue


def match(catalogue: Catalogue, inventory: xr.Dataset) -> Pairs:
    """All options of a study: measures at the facilities of their sector, process and enterprise with such a stream.

    Parameters
    ----------
    catalogue : Catalogue
    inventory : Dataset
        As ``build_inventory`` returns it.

    Returns
    -------
    Pairs
        Options in the order of facilities, then of measures. A measure of a sector that the study does not hold, or
        for which no facility has a stream, is ``unmatched``: a catalogue may hold more than a study needs.

    Raises
    ------
    InputError
        If a measure for one enterprise finds no stream there: it was meant to apply.
    """
    facility_of = _places(inventory["stream_facility"].values, inventory["facility"].values)
    eligible = _eligible_facilities(catalogue, inventory)
    acts = _acted_streams(catalogue, inventory)
    found_facility, found_measure, found_stream = [], [], []
    # A loop over measures, of which there are tens; facilities and streams are arrays.
    for place in range(len(catalogue)):
        streams = np.flatnonzero(acts[place] & eligible[place][facility_of])
        found_stream.append(streams)
        found_facility.append(facility_of[streams])
        found_measure.append(np.full(streams.size, place, dtype=np.intp))
    if not found_stream:
        empty = np.empty(0, dtype=np.intp)
        return Pairs(empty, empty, empty, empty, ())
    stream, facility, measure = (np.concatenate(parts) for parts in (found_stream, found_facility, found_measure))
    order = np.lexsort((stream, measure, facility))
    stream, facility, measure = stream[order], facility[order], measure[order]
    is_first = np.ones(stream.size, dtype=bool)
    is_first[1:] = (np.diff(facility) != 0) | (np.diff(measure) != 0)
    option = np.cumsum(is_first) - 1
    unmatched = _unmatched(catalogue, measure)
    return Pairs(facility[is_first], measure[is_first], option.astype(np.intp), stream, unmatched)


def _places(labels: Labels, known: Labels) -> Index:
    return np.asarray(pd.Index(known).get_indexer(pd.Index(labels)), dtype=np.intp)


def _eligible_facilities(catalogue: Catalogue, inventory: xr.Dataset) -> Bools:
    """Facilities (measure, facility) of the measure's sector, process and enterprise."""

    def same(column: str, values: Labels, *, empty_is_all: bool) -> Bools:
        wanted = catalogue.texts[column][:, None]
        return np.asarray((wanted == values[None, :]) | (empty_is_all & (wanted == "")))

    enterprise = inventory["facility_enterprise"].values
    unknown = sorted(set(catalogue.texts["enterprise"].tolist()) - set(inventory["enterprise"].values.tolist()) - {""})
    if unknown:
        hint = did_you_mean(unknown[0], inventory["enterprise"].values.tolist())
        raise InputError(f"measures name enterprises {shorten(unknown)}, which the study does not hold. {hint}".strip())
    return (
        same("sector", inventory["facility_sector"].values, empty_is_all=False)
        & same("process", inventory["process"].values, empty_is_all=True)
        & same("enterprise", enterprise, empty_is_all=True)
    )


def _acted_streams(catalogue: Catalogue, inventory: xr.Dataset) -> Bools:
    """Streams (measure, stream) of the kind or name that the measure acts on."""
    category, method = inventory["category"].values, inventory["method"].values
    direct = inventory["stream_scope"].values == 1
    kinds = {
        "combustion": category == "combustion",
        "process": category == "process",
        "direct": direct,
        "electricity": method == "electricity_purchased",
        "heat": method == "heat_purchased",
    }
    name = inventory["stream_name"].values
    emits = inventory["stream_scope"].values > 0
    rows = [kinds.get(acts_on, (name == acts_on) & emits) for acts_on in catalogue.texts["acts_on"].tolist()]
    return np.array(rows, dtype=bool).reshape(len(catalogue), len(category))


def _unmatched(catalogue: Catalogue, measure: Index) -> tuple[str, ...]:
    missing = np.setdiff1d(np.arange(len(catalogue)), measure)
    meant = missing[catalogue.texts["enterprise"][missing] != ""]
    if meant.size:
        raise InputError(
            f"measures {shorten(catalogue.measure[meant].tolist())} are for one enterprise but match none of its "
            "streams. Check sector, process and acts_on, or leave `enterprise` empty."
        )
    return tuple(catalogue.measure[missing].tolist())
