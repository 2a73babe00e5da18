"""Corrupts a published result, one number or word at a time, and says which lines of its certificate fail.

Every number that is not missing and more than rounding is multiplied by 1 + 1e-4, by 1 - 1e-4 and by -1; one that is 0
or rounding is set to a hundredth of the largest number of its unit. Words, labels of dimensions and yes-or-no fields
are replaced by what they are not, and the labels of a dimension are put in reverse order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.market.certificate import Certificate, Line

# An audit may yield its lines one by one: it is then asked for no more than the first that fails.
Audit = Callable[[xr.Dataset], Certificate | Iterable[Line]]

FACTORS = {"+1e-4": 1 + 1e-4, "-1e-4": 1 - 1e-4, "sign": -1.0}
OTHER = "other"  # the change of a word or of a yes-or-no field
FROM_ZERO = "from 0"
PART = 0.01  # of the largest number of the unit: what stands in the place of a 0
REVERSED = "reversed"  # the change of all labels of a dimension
# A number below this share of the largest one with the same unit is what binary64 leaves of a difference: sums of some
# thousand terms of 53 bits differ by about 1e-13 of the largest. It has no digits that could be corrupted.
DUST = 1e-12


@dataclass(frozen=True, slots=True)
class Corruption:
    """One change of a result, and the name of the first line of the certificate that failed; empty if none did."""

    field: str
    place: tuple[int, ...]
    change: str
    line: str


def corrupt(dataset: xr.Dataset, audit: Audit, fields: Sequence[str] | None = None) -> list[Corruption]:
    """Every corruption of a result with the first line that fails; the result itself has to pass.

    Parameters
    ----------
    dataset : Dataset
        As published; it is not changed.
    audit : callable
        Makes the certificate of a dataset.
    fields : sequence of str, optional
        Names of the variables to corrupt; all of them by default.
    """
    return list(_corruptions(dataset, audit, fields))


def missed(dataset: xr.Dataset, audit: Audit, fields: Sequence[str] | None = None) -> list[Corruption]:
    """The corruptions of a result that no line names; there must be none."""
    return [one for one in _corruptions(dataset, audit, fields) if not one.line]


def _corruptions(dataset: xr.Dataset, audit: Audit, fields: Sequence[str] | None) -> Iterator[Corruption]:
    seen = _writable(dataset)
    assert list(failures(audit(seen))) == []
    for field in map(str, dataset.data_vars if fields is None else fields):
        values = seen[field].values
        for place, change, value in _changes(values, largest_of(seen, field)):
            before = values[place]
            values[place] = value
            yield Corruption(field, place, change, next(failures(audit(seen)), ""))
            values[place] = before
    if fields is None:
        for name, place, change, changed in relabelled(seen):
            yield Corruption(name, place, change, next(failures(audit(changed)), ""))


def relabelled(dataset: xr.Dataset) -> Iterator[tuple[str, tuple[int, ...], str, xr.Dataset]]:
    """A result with one label replaced, or with those of a dimension in reverse order: which, how, and the result."""
    for name in map(str, dataset.coords):
        for place, change, labels in _relabelled(dataset[name].values):
            yield name, place, change, dataset.assign_coords({name: (dataset[name].dims, labels)})


def failures(found: Certificate | Iterable[Line]) -> Iterator[str]:
    """Names of the lines that fail."""
    lines = found.lines if isinstance(found, Certificate) else found
    return (line.name for line in lines if not line.passed)


def _relabelled(values: NDArray[Any]) -> Iterator[tuple[tuple[int, ...], str, NDArray[Any]]]:
    """The labels of a dimension with each of them replaced by one that is not there, and all in reverse order."""
    labels = values.tolist()
    for place, label in enumerate(labels):
        other = f"not {label}" if isinstance(label, str) else label + len(labels)
        changed = [*labels[:place], other, *labels[place + 1 :]]
        yield (place,), OTHER, np.array(changed, dtype=object if isinstance(label, str) else values.dtype)
    if labels != labels[::-1]:
        yield (0,), REVERSED, values[::-1].copy()


def largest_of(dataset: xr.Dataset, field: str) -> float:
    """The largest finite number with the unit of a variable; 1 where all are 0."""
    unit = dataset[field].attrs.get("units")
    same = [v.values for v in dataset.data_vars.values() if v.dtype.kind == "f" and v.attrs.get("units") == unit]
    largest = [float(np.abs(values[np.isfinite(values)]).max(initial=0.0)) for values in same]
    return max(largest, default=0.0) or 1.0


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


def _changes(values: NDArray[Any], largest: float) -> Iterator[tuple[tuple[int, ...], str, Any]]:
    """Each place of an array with each change and the value it then has."""
    for place in np.ndindex(values.shape):
        value = values[place]
        if values.dtype.kind == "f":
            if abs(value) <= DUST * largest:
                yield place, FROM_ZERO, PART * largest
            elif not np.isnan(value):
                yield from ((place, change, value * factor) for change, factor in FACTORS.items())
        elif values.dtype.kind == "b":
            yield place, OTHER, not value
        else:
            yield place, OTHER, f"not {value}"
