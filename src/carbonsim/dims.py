"""Dimension names, exact alignment and unit checks at the doors between rooms."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numpy as np
import xarray as xr

from carbonsim.errors import AlignmentError, UnitError, shorten

P = ParamSpec("P")
R = TypeVar("R")

DIMENSIONS = (
    "enterprise", "facility", "stream", "measure", "option", "sector", "place", "chain",
    "year", "gas", "pollutant", "scenario",
)  # fmt: skip
GASES = ("CO2", "CH4", "N2O", "CF4", "C2F6")
POLLUTANTS = ("SO2", "NOx", "PM")


def exact(stage: Callable[P, R]) -> Callable[P, R]:
    """Run a stage with exact label matching, so that no label is ever dropped by arithmetic."""

    @functools.wraps(stage)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with xr.set_options(arithmetic_join="exact", keep_attrs=False):  # type: ignore[no-untyped-call]  # not typed there
            return stage(*args, **kwargs)

    return run


def align(array: xr.DataArray, labels: object, dim: str) -> xr.DataArray:
    """Select ``labels`` of ``dim``; a label that is missing is an AlignmentError, never a NaN."""
    wanted = list(np.asarray(labels).tolist())
    missing = [label for label in wanted if label not in array.indexes[dim]]
    if missing:
        raise AlignmentError(f"{array.name or 'array'} has no {dim} {shorten(missing)}.")
    return array.sel({dim: wanted})


def check_unit(array: xr.DataArray, unit: str) -> None:
    """Raise UnitError unless the array says it is in ``unit``."""
    found = array.attrs.get("units")
    if found != unit:
        raise UnitError(f"{array.name or 'array'} is in {found!r}, expected {unit!r}.")


def check_no_nan(array: xr.DataArray) -> None:
    """Raise AlignmentError if a number is missing; absence is a mask, never a NaN."""
    if bool(array.isnull().any()):
        raise AlignmentError(f"{array.name or 'array'} holds NaN; every label needs a number.")
