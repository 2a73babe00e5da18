"""Dated policy parameters: values that know when they apply, who said so and how sure that is."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

import numpy as np
import xarray as xr

from carbonsim.errors import ParameterError, did_you_mean, shorten

Basis = Literal["law", "draft", "statistic", "literature", "calibrated", "assumption"]
BASES: tuple[str, ...] = get_args(Basis)


@dataclass(frozen=True, slots=True)
class DatedValue:
    """One value of a parameter from a compliance year on; ``value=None`` ends the rule."""

    applies_from: int
    value: float | None
    source: str
    basis: str
    where: str = ""
    announced: date | None = None
    low: float | None = None
    high: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One policy number over time.

    ``values`` maps a tuple of labels (one for each of ``dims``; ``()`` without dims) to dated values in rising
    order of ``applies_from``. ``valid_until`` is the last compliance year the law or the assumption covers;
    ``checked_on`` the day somebody last compared the file with its source.
    """

    path: str
    description: str
    unit: str
    dims: tuple[str, ...]
    values: Mapping[tuple[str, ...], tuple[DatedValue, ...]]
    valid_until: int
    checked_on: date | None = None
    lower: float | None = None
    upper: float | None = None
    file: str = ""
    line: int | None = None

    def labels(self) -> tuple[tuple[str, ...], ...]:
        """All label tuples the parameter has values for."""
        return tuple(self.values)

    def at(self, year: int, *labels: str) -> DatedValue:
        """The dated value in force in a compliance year; ParameterError outside its validity."""
        if labels not in self.values:
            known = [" ".join(key) for key in self.values]
            raise ParameterError(
                f"parameter {self.path} has no value for {shorten(labels)}. Known: {shorten(known)}. "
                f"{did_you_mean(' '.join(labels), known)}".strip()
            )
        if year > self.valid_until:
            raise ParameterError(
                f"parameter {self.path} is valid until {self.valid_until}, asked for {year}. "
                "Give it a value for that year in the study's parameters, or end the study earlier."
            )
        best = None
        for dated in self.values[labels]:
            if dated.applies_from <= year:
                best = dated
        if best is None or best.value is None:
            first = self.values[labels][0].applies_from
            state = f"starts in {first}" if best is None else f"ended in {best.applies_from}"
            named = " ".join((self.path, *labels))
            raise ParameterError(f"parameter {named} {state}, asked for {year}. Give it a value for that year.")
        return best


@dataclass(frozen=True, slots=True)
class ParameterSet:
    """All parameters of a study by dotted path; draft values are refused unless ``allow_draft``."""

    parameters: Mapping[str, Parameter]
    allow_draft: bool = True

    def __contains__(self, path: object) -> bool:
        return path in self.parameters

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self.parameters))

    def get(self, path: str) -> Parameter:
        """The parameter at ``path``; an unknown path is a ParameterError with a suggestion."""
        if path not in self.parameters:
            raise ParameterError(f"parameter '{path}' is not known. {did_you_mean(path, self.parameters)}".strip())
        return self.parameters[path]

    def value(self, path: str, year: int, *labels: str) -> float:
        """The number in force in ``year`` for the given labels."""
        dated = self.get(path).at(year, *labels)
        if dated.basis == "draft" and not self.allow_draft:
            raise ParameterError(
                f"parameter {' '.join((path, *labels))} in {year} is a draft ({dated.source}). "
                "Say `allow_draft: true` in scenario.yaml to use drafts, or give a value of your own."
            )
        assert dated.value is not None  # noqa: S101  Parameter.at never returns an ended value
        return dated.value

    def series(self, path: str, years: Sequence[int], *labels: str) -> np.ndarray:
        """The numbers of several years, shape (year,)."""
        return np.array([self.value(path, year, *labels) for year in years], dtype=float)

    def array(self, path: str, years: Sequence[int]) -> xr.DataArray:
        """The parameter as an array over its own dims and year, for parameters with at most one dim."""
        parameter = self.get(path)
        rows = [[self.value(path, year, *labels) for year in years] for labels in parameter.labels()]
        if not parameter.dims:
            return xr.DataArray(rows[0], dims="year", coords={"year": list(years)}, attrs={"units": parameter.unit})
        return xr.DataArray(
            rows,
            dims=(parameter.dims[0], "year"),
            coords={parameter.dims[0]: [labels[0] for labels in parameter.labels()], "year": list(years)},
            attrs={"units": parameter.unit},
        )

    def with_parameter(self, parameter: Parameter) -> ParameterSet:
        """A new set in which one parameter is replaced or added."""
        return dataclasses.replace(self, parameters={**self.parameters, parameter.path: parameter})
