"""The answer that a problem file says it has, compared with the one that was found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from carbonsim.market.faults import (
    NOT_NEGATIVE,
    Fault,
    is_listing,
    is_number,
    one_number,
    unknown_keys,
    unknown_name,
    wrong_length,
    wrong_shape,
)

TOLERANCES = {"relative": 1e-6, "absolute": 1e-9}
PUBLISHED = ("published result", "已发布的结果")
LABELLED = ("a value, a list over the years, or a mapping of labels", "一个值、逐年列表或标签到值的映射")


@dataclass(frozen=True, slots=True)
class Expected:
    """What a file expects: values by the name of the result, and how close they have to be."""

    values: Mapping[str, object]
    relative: float = TOLERANCES["relative"]
    absolute: float = TOLERANCES["absolute"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One expected value beside the one found."""

    name: str
    where: str
    expected: object
    found: object
    holds: bool


def read_expected(value: object, path: tuple[str, ...] = ("expected",)) -> tuple[Expected | None, list[Fault]]:
    """The expected answer of a file, None if it states none, and what is wrong with it."""
    if value is None:
        return None, []
    if not isinstance(value, Mapping) or not value:
        return None, [wrong_shape(path, value, ("a mapping of results to their values", "结果名称到取值的映射"))]
    stated = {str(name): content for name, content in value.items() if name != "tolerance"}
    tolerances, faults = _tolerances(value.get("tolerance"), (*path, "tolerance"))
    if not stated:
        faults.append(wrong_shape(path, "tolerance alone", ("at least one result", "至少一项结果")))
    for name, content in stated.items():
        if content is None:
            faults.append(wrong_shape((*path, name), content, LABELLED))
    return Expected(stated, **tolerances), faults


def _tolerances(value: object, path: tuple[str, ...]) -> tuple[dict[str, float], list[Fault]]:
    if value is None:
        return dict(TOLERANCES), []
    given = value if isinstance(value, Mapping) else {"relative": value}
    faults = list(unknown_keys(path, given, tuple(TOLERANCES)))
    for name, number in given.items():
        faults += one_number((*path, str(name)), number, NOT_NEGATIVE)
    numbers = {str(name): float(number) for name, number in given.items()} if not faults else {}  # type: ignore[arg-type]
    return {**TOLERANCES, **numbers}, faults


def expected_faults(expected: Expected, answers: xr.Dataset, path: tuple[str, ...] = ("expected",)) -> list[Fault]:
    """Names and labels that the answer does not have, and lists that do not fit its years."""
    found: list[Fault] = []
    names = tuple(sorted(str(name) for name in answers.data_vars))
    for name, value in expected.values.items():
        if name not in names:
            found.append(unknown_name((*path, name), name, names, PUBLISHED))
        else:
            found += _fit((*path, name), value, answers[name])
    return found


def _fit(path: tuple[str, ...], value: object, array: xr.DataArray) -> Iterator[Fault]:
    """Faults of a value beside the array that it is to be compared with."""
    if not array.dims:
        if not is_number(value):
            yield wrong_shape(path, value, ("a number", "一个数"))
        return
    labels = [str(label) for label in array[array.dims[0]].values]
    if isinstance(value, Mapping):
        for label, inner in value.items():
            if str(label) not in labels:
                yield unknown_name((*path, str(label)), label, labels, (str(array.dims[0]), "可用标签"))
            else:
                yield from _fit((*path, str(label)), inner, array[labels.index(str(label))])
    elif array.dims[0] != "year":
        yield wrong_shape(path, value, ("a mapping of labels to values", "标签到值的映射"))
    elif is_listing(value) and len(list(value)) != len(labels):  # type: ignore[call-overload]
        yield wrong_length(path, len(list(value)), len(labels))  # type: ignore[call-overload]


def compare(expected: Expected, answers: xr.Dataset) -> tuple[Comparison, ...]:
    """Every expected value beside the one found, in the order of the file.

    A number holds if it is within ``absolute + relative * |expected|``; a text if it is the same.
    """
    return tuple(
        one for name, value in expected.values.items() for one in _compare(name, (), value, answers[name], expected)
    )


def _compare(
    name: str, where: Sequence[str], value: object, array: xr.DataArray, expected: Expected
) -> Iterator[Comparison]:
    if not array.dims:
        yield _one(name, " ".join(where), value, array.item(), expected)
        return
    labels = [str(label) for label in array[array.dims[0]].values]
    if isinstance(value, Mapping):
        pairs = [(str(label), inner) for label, inner in value.items()]
    else:
        listed = list(value) if is_listing(value) else [value] * len(labels)  # type: ignore[call-overload]
        pairs = list(zip(labels, listed, strict=True))
    for label, inner in pairs:
        yield from _compare(name, (*where, label), inner, array[labels.index(label)], expected)


def _one(name: str, where: str, value: object, found: object, expected: Expected) -> Comparison:
    if value is None:  # the file's way to say that there is no number
        value = np.nan
    if is_number(value) and is_number(found):
        wanted, got = float(value), float(found)  # type: ignore[arg-type]
        near = abs(got - wanted) <= expected.absolute + expected.relative * abs(wanted)
        return Comparison(name, where, wanted, got, bool(near) or (np.isnan(wanted) and np.isnan(got)))
    return Comparison(name, where, value, found, str(value) == str(found))
