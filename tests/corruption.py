"""Corrupts a published result, one number or word at a time, and says which lines of its certificate fail.

Every number that is not 0, not missing and more than rounding is multiplied by 1 + 1e-4, by 1 - 1e-4 and by -1. Words,
labels of dimensions and yes-or-no fields are replaced by what they are not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.market.certificate import Certificate, Line

# An audit may yield its lines one by one: ``missed`` then asks for no more than it needs.
Audit = Callable[[xr.Dataset], Certificate | Iterable[Line]]

FACTORS = {"+1e-4": 1 + 1e-4, "-1e-4": 1 - 1e-4, "sign": -1.0}
OTHER = "other"  # the change of a word or of a yes-or-no field
# A number below this share of the largest one with the same unit is what binary64 leaves of a difference: sums of some
# thousand terms of 53 bits differ by about 1e-13 of the largest. It has no digits that could be corrupted.
DUST = 1e-12


@dataclass(frozen=True, slots=True)
class Corruption:
    """One change of a result, and the names of the lines that failed, in the order of the certificate."""

    field: str
    place: tuple[int, ...]
    change: str
    lines: tuple[str, ...]


def corrupt(dataset: xr.Dataset, audit: Audit, fields: Sequence[str] | None = None) -> list[Corruption]:
    """Every corruption of a result with the lines that fail; the result itself has to pass.

    Parameters
    ----------
    dataset : Dataset
        As published; it is not changed.
    audit : callable
        Makes the certificate of a dataset.
    fields : sequence of str, optional
        Names of the variables to corrupt; all of them by default.
    """
    return list(_corruptions(dataset, audit, fields, lambda failed: tuple(failed)))


def missed(dataset: xr.Dataset, audit: Audit, fields: Sequence[str] | None = None) -> list[Corruption]:
    """The corruptions of a result that no line names; there must be none."""
    found = _corruptions(dataset, audit, fields, lambda failed: tuple(islice(failed, 1)))
    return [one for one in found if not one.lines]


def _corruptions(
    dataset: xr.Dataset, audit: Audit, fields: Sequence[str] | None, kept: Callable[[Iterator[str]], tuple[str, ...]]
) -> Iterator[Corruption]:
    """Each corruption, with as many of the failing lines as ``kept`` takes."""
    seen = _writable(dataset)
    assert list(_failures(audit(seen))) == []
    for field in map(str, dataset.data_vars if fields is None else fields):
        values = seen[field].values
        for place, change, value in _changes(values, dust_of(seen, field)):
            before = values[place]
            values[place] = value
            yield Corruption(field, place, change, kept(_failures(audit(seen))))
            values[place] = before
    for name in map(str, dataset.coords if fields is None else ()):
        for place, labels in _relabelled(dataset[name].values):
            changed = seen.assign_coords({name: (dataset[name].dims, labels)})
            yield Corruption(name, place, OTHER, kept(_failures(audit(changed))))


def _failures(found: Certificate | Iterable[Line]) -> Iterator[str]:
    lines = found.lines if isinstance(found, Certificate) else found
    return (line.name for line in lines if not line.passed)


def _relabelled(values: NDArray[Any]) -> Iterator[tuple[tuple[int, ...], NDArray[Any]]]:
    """The labels of a dimension with each of them replaced by one that is not there."""
    labels = values.tolist()
    for place, label in enumerate(labels):
        other = f"not {label}" if isinstance(label, str) else label + len(labels)
        changed = [*labels[:place], other, *labels[place + 1 :]]
        yield (place,), np.array(changed, dtype=object if isinstance(label, str) else values.dtype)


def dust_of(dataset: xr.Dataset, field: str) -> float:
    """Size below which a number of a variable is rounding: ``DUST`` of the largest finite number of the same unit."""
    unit = dataset[field].attrs.get("units")
    same = [v.values for v in dataset.data_vars.values() if v.dtype.kind == "f" and v.attrs.get("units") == unit]
    largest = [float(np.abs(values[np.isfinite(values)]).max(initial=0.0)) for values in same]
    return DUST * max(largest, default=0.0)


def _writable(dataset: xr.Dataset) -> xr.Dataset:
    """A copy whose whole numbers take fractions and whose words take any other word."""
    copy = dataset.copy(deep=True)
    for name, variable in copy.data_vars.items():
        kind = variable.dtype.kind
        if kind in "iu":
            copy[name] = variable.astype(float)
        elif kind in "US":
            copy[name] = variable.astype(object)
    return copy


def _changes(values: NDArray[Any], dust: float) -> Iterator[tuple[tuple[int, ...], str, Any]]:
    """Each place of an array with each change and the value it then has."""
    for place in np.ndindex(values.shape):
        value = values[place]
        if values.dtype.kind == "f":
            if not np.isnan(value) and abs(value) > dust:
                yield from ((place, change, value * factor) for change, factor in FACTORS.items())
        elif values.dtype.kind == "b":
            yield place, OTHER, not value
        else:
            yield place, OTHER, f"not {value}"
