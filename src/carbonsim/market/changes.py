"""Changes to a market problem from a year on: what an announcement or a node of a scenario tree alters."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from carbonsim.errors import InputError, did_you_mean, shorten
from carbonsim.market.problem import MarketProblem
from carbonsim.market.supply import Array, Instrument, over_years

FACTOR = "_factor"
PROBLEM = "market problem"  # what a problem calls itself in its own refusals
ENTERPRISE_FIELDS = ("baseline", "share", "fixed", "per_emission")
OPTION_FIELDS = ("potential", "unit_cost", "slope")
FIELDS = ("supply", *ENTERPRISE_FIELDS, *OPTION_FIELDS)
KNOWN = (*FIELDS, *(name + FACTOR for name in FIELDS), "instruments")


def apply_changes(
    problem: MarketProblem, changes: Mapping[str, object], from_year: int, *, where: str
) -> MarketProblem:
    """The problem after changes that hold from a year on.

    Parameters
    ----------
    problem : MarketProblem
    changes : dict
        ``supply``, ``baseline``, ``share``, ``fixed``, ``per_emission`` (of enterprises), ``potential``, ``unit_cost``,
        ``slope`` (of options), each also as ``<name>_factor``, which multiplies; and ``instruments`` {label: {field:
        value}}. A value is a number, which holds from ``from_year`` on; or {year: number}, each from its year until the
        next one named; or, for enterprises and options, {label: either of the two} for some of them.
    from_year : int
        First year that may change.
    where : str
        What to call the changes in messages.

    Raises
    ------
    InputError
        If a name or a year is not known, a year is before ``from_year``, or a change alters nothing.

    Examples
    --------
    >>> from carbonsim.market import MarketProblem
    >>> problem = MarketProblem.from_mapping(
    ...     {"year": [2025, 2026, 2027], "supply": 9, "enterprises": {"north": {"baseline": 10}}}
    ... )
    >>> apply_changes(problem, {"supply": {2027: 8}}, 2026, where="announcement").supply
    array([9., 9., 8.])
    """
    if not isinstance(changes, Mapping) or not changes:
        raise InputError(
            f"{where} changes nothing; expected a mapping of {shorten(KNOWN)} to values.",
            f"{where} 没有改变任何内容；应为 {shorten(KNOWN, 'zh')} 到数值的映射。",
        )
    for key in changes:
        if key not in KNOWN:
            raise InputError(
                f"{where} has no '{key}'. Known: {', '.join(KNOWN)}. {did_you_mean(str(key), KNOWN)}",
                f"{where} 没有 '{key}'。可用：{'、'.join(KNOWN)}。{did_you_mean(str(key), KNOWN, 'zh')}",
            )
    _check_year(problem, from_year, problem.year[0], where)
    changed = problem
    for key, value in changes.items():
        place = f"{where}.{key}"
        try:
            if key == "instruments":
                changed = _with_instruments(changed, value, from_year, place)
            else:
                changed = _with_field(changed, key, value, from_year, place)
        except InputError as wrong:
            # The changed market speaks of itself; the reader looks for the change.
            raise InputError(
                [dataclasses.replace(one, source=place) if one.source == PROBLEM else one for one in wrong.issues]
            ) from None
    return changed


def _with_field(problem: MarketProblem, key: str, value: object, from_year: int, where: str) -> MarketProblem:
    name = key.removesuffix(FACTOR)
    if name == "supply":
        array = problem.supply[None, :]
        rows: Sequence[str] = ("",)
    elif name in OPTION_FIELDS:
        array, rows = getattr(problem.options, name), problem.options.label
    else:
        array, rows = getattr(problem, name), problem.enterprise
    changed = array.copy()
    for row, path in _by_row(value, rows, where):
        years, numbers = _dated(path, problem, from_year, where)
        changed[row, years] = changed[row, years] * numbers if key.endswith(FACTOR) else numbers
    if np.array_equal(changed, array):
        raise InputError(
            f"{where} leaves every number as it was; leave it out or give it another value.",
            f"{where} 使所有数值保持不变；请删去，或给出其他数值。",
        )
    if name == "supply":
        return dataclasses.replace(problem, supply=changed[0])
    if name in OPTION_FIELDS:
        return dataclasses.replace(problem, options=dataclasses.replace(problem.options, **cast(Any, {name: changed})))
    if name == "baseline":
        _check_no_response(problem, changed != array, where)
    return dataclasses.replace(problem, **{name: changed})  # type: ignore[arg-type]


def _by_row(value: object, rows: Sequence[str], where: str) -> Iterator[tuple[int, object]]:
    """Row and value of each label; a value without labels holds for all rows."""
    if not isinstance(value, Mapping) or all(_is_year(key) for key in value):
        yield from ((row, value) for row in range(len(rows)))
        return
    if rows == ("",):
        raise InputError(
            f"{where} is given by {shorten([str(key) for key in value])}; expected years.",
            f"{where} 按 {shorten([str(key) for key in value], 'zh')} 给出，应按年份给出。",
        )
    for label, path in value.items():
        if label not in rows:
            raise InputError(
                f"{where} names '{label}', which is not in the market. {did_you_mean(str(label), rows)}",
                f"{where} 提到 '{label}'，市场中没有。{did_you_mean(str(label), rows, 'zh')}",
            )
        yield rows.index(str(label)), path


def _dated(value: object, problem: MarketProblem, from_year: int, where: str) -> tuple[NDArray[np.intp], Array]:
    """Positions of the years that change, and their numbers."""
    path = value if isinstance(value, Mapping) else {from_year: value}
    if not path:
        raise InputError(f"{where} names no year.", f"{where} 没有任何年份。")
    numbers = np.full(len(problem.year), np.nan)
    for year in sorted(path):
        _check_year(problem, year, from_year, where)
        number = path[year]
        if (
            isinstance(number, bool)
            or not isinstance(number, (int, float, np.integer, np.floating))
            or number != number
        ):
            raise InputError(
                f"{where} of {year} is {number!r}; expected a number.", f"{where} 在 {year} 年为 {number!r}，应为数。"
            )
        numbers[problem.year.index(year) :] = number
    position = np.arange(problem.year.index(min(path)), len(problem.year))
    return position, numbers[position]


def _check_year(problem: MarketProblem, year: object, first: int, where: str) -> None:
    if year not in problem.year or cast(Any, year) < first:
        raise InputError(
            f"{where} is from year {year!r}; expected a year from {first} to {problem.year[-1]}.",
            f"{where} 从 {year!r} 年开始，应为 {first} 至 {problem.year[-1]} 之间的年份。",
        )


def _is_year(key: object) -> bool:
    return isinstance(key, (int, np.integer)) and not isinstance(key, bool)


def _check_no_response(problem: MarketProblem, touched: NDArray[np.bool_], where: str) -> None:
    for term in problem.responses:
        if touched[term.enterprise, problem.year.index(term.year)]:
            raise InputError(
                f"{where} changes {problem.enterprise[term.enterprise]} in {term.year}, whose emissions are held by a "
                "response term; name the enterprises without one.",
                f"{where} 改变了 {problem.enterprise[term.enterprise]} 在 {term.year} 年的数值，"
                "而其排放由最优响应单元给出；请改列没有最优响应单元的企业。",
            )


def _with_instruments(problem: MarketProblem, value: object, from_year: int, where: str) -> MarketProblem:
    labels = [instrument.label for instrument in problem.instruments]
    if not isinstance(value, Mapping):
        raise InputError(
            f"{where} is {value!r}; expected a mapping of labels to their fields.",
            f"{where} 为 {value!r}，应为名称到字段的映射。",
        )
    changed = list(problem.instruments)
    for label, fields in value.items():
        if label not in labels:
            raise InputError(
                f"{where} has no '{label}'. Declared: {shorten(labels) or 'none'}.",
                f"{where} 没有 '{label}'。已声明：{shorten(labels, 'zh') or '无'}。",
            )
        position = labels.index(label)
        changed[position] = _with_arrays(problem, changed[position], fields, from_year, f"{where}.{label}")
    return dataclasses.replace(problem, instruments=tuple(changed))


def _with_arrays(
    problem: MarketProblem, instrument: Instrument, fields: object, from_year: int, where: str
) -> Instrument:
    known = instrument.yearly()
    if not isinstance(fields, Mapping):
        raise InputError(
            f"{where} is {fields!r}; expected a mapping of its fields to values.",
            f"{where} 为 {fields!r}，应为字段到数值的映射。",
        )
    new: dict[str, Array] = {}
    for key, value in fields.items():
        name = str(key).removesuffix(FACTOR)
        if name not in known:
            raise InputError(
                f"{where} has no yearly field '{key}'. Known: {', '.join(known) or 'none'}.",
                f"{where} 没有逐年字段 '{key}'。可用：{'、'.join(known) or '无'}。",
            )
        before = np.array(over_years(new.get(name, known[name]), len(problem.year)))
        years, numbers = _dated(value, problem, from_year, f"{where}.{key}")
        after = before.copy()
        after[years] = after[years] * numbers if str(key).endswith(FACTOR) else numbers
        if np.array_equal(before, after, equal_nan=True):
            raise InputError(
                f"{where}.{key} leaves every number as it was; leave it out or give it another value.",
                f"{where}.{key} 使所有数值保持不变；请删去，或给出其他数值。",
            )
        new[name] = after
    return cast(Instrument, dataclasses.replace(cast(Any, instrument), **new))
