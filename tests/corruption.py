"""Corrupts a published result, one number or word at a time, and says which lines of its certificate fail.

Every number that is not 0, not missing and more than rounding is multiplied by 1 + 1e-4, by 1 - 1e-4 and by -1. Words,
labels of dimensions and yes-or-no fields are replaced by what they are not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.market.certificate import Certificate

Audit = Callable[[xr.Dataset], Certificate]

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
    seen = _writable(dataset)
    passed = audit(seen)
    assert passed.passed, [line for line in passed.failures()]
    assert passed.lines
    found = []
    for field in dataset.data_vars if fields is None else fields:
        values = seen[field].values
        for place, change, value in _changes(values, dust_of(seen, str(field))):
            kept = values[place]
            values[place] = value
            lines = tuple(line.name for line in audit(seen).failures())
            found.append(Corruption(str(field), place, change, lines))
            values[place] = kept
    if fields is None:
        found += [Corruption(name, place, OTHER, lines) for name, place, lines in _relabelled(seen, audit)]
    return found


def _relabelled(dataset: xr.Dataset, audit: Audit) -> Iterator[tuple[str, tuple[int, ...], tuple[str, ...]]]:
    """Each label of each dimension replaced by one that is not there, with the lines that fail."""
    for name in map(str, dataset.coords):
        labels = list(dataset[name].values)
        for place, label in enumerate(labels):
            other = label + len(labels) if isinstance(label, (int, float, np.number)) else f"not {label}"
            changed = [*labels[:place], other, *labels[place + 1 :]]
            values = np.array(changed, dtype=object if isinstance(label, str) else dataset[name].dtype)
            yield name, (place,), tuple(line.name for line in audit(_with(dataset, name, values)).failures())


def _with(dataset: xr.Dataset, name: str, values: NDArray[Any]) -> xr.Dataset:
    return dataset.assign_coords({name: (dataset[name].dims, values)})


def missed(dataset: xr.Dataset, audit: Audit, fields: Sequence[str] | None = None) -> list[Corruption]:
    """The corruptions of a result that no line names; there must be none."""
    return [one for one in corrupt(dataset, audit, fields) if not one.lines]


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
