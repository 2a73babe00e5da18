"""For the audits: the problem after changes, worked out year by year and without the code that clearing uses."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from carbonsim.market.problem import MarketProblem

Array = NDArray[np.float64]


def problem_after(problem: MarketProblem, changes: Mapping[str, object], from_year: int) -> MarketProblem:
    """The problem with each number that the changes name replaced or multiplied, in the years in which they hold."""
    options = {name: getattr(problem.options, name).copy() for name in ("potential", "unit_cost", "slope")}
    firms = {name: getattr(problem, name).copy() for name in ("baseline", "share", "fixed", "per_emission")}
    supply = problem.supply.copy()
    tools = {tool.label: tool for tool in problem.instruments}
    for key, value in changes.items():
        if key == "instruments":
            for label, fields in cast("Mapping[str, Mapping[str, object]]", value).items():
                tools[label] = _tool_after(tools[label], fields, problem.year, from_year)
            continue
        name, multiply = (key[: -len("_factor")], True) if key.endswith("_factor") else (key, False)
        for y, year in enumerate(problem.year):
            if name == "supply":
                supply[y] = _number(value, "", year, from_year, supply[y], multiply=multiply)
                continue
            table, labels = (options, problem.options.label) if name in options else (firms, problem.enterprise)
            for row, label in enumerate(labels):
                table[name][row, y] = _number(value, label, year, from_year, table[name][row, y], multiply=multiply)
    return dataclasses.replace(
        problem,
        supply=supply,
        options=dataclasses.replace(problem.options, **options),
        instruments=tuple(tools.values()),
        **firms,
    )


def _tool_after(tool: Any, fields: Mapping[str, object], years: Sequence[int], from_year: int) -> Any:
    new: dict[str, Array] = {}
    for key, value in fields.items():
        name, multiply = (key[: -len("_factor")], True) if key.endswith("_factor") else (key, False)
        now = new.get(name, getattr(tool, name))
        now = [now[0] if len(now) == 1 else now[y] for y in range(len(years))]
        new[name] = np.array(
            [_number(value, "", year, from_year, old, multiply=multiply) for year, old in zip(years, now, strict=True)]
        )
    return dataclasses.replace(tool, **new)


def _number(value: object, label: str, year: int, from_year: int, old: float, *, multiply: bool) -> float:
    """What stands in one year: the last number named for it or a year before, or the old one if there is none."""
    if isinstance(value, Mapping) and any(isinstance(key, str) for key in value):
        if label not in value:
            return old
        value = value[label]
    if isinstance(value, Mapping):
        named = [each for each in value if each <= year]
        if not named:
            return old
        value = value[max(named)]
    elif year < from_year:
        return old
    number = float(cast(float, value))
    return old * number if multiply else number
