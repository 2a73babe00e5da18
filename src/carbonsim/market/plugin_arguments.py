"""Arguments of an instrument or a concept as a problem file gives them: checked by the plug-in's own signature."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from numpy.typing import ArrayLike

from carbonsim.errors import InputError, error_in_chinese
from carbonsim.market.faults import (
    ANY,
    Bounds,
    Fault,
    dotted,
    is_listing,
    is_number,
    missing_keys,
    over_all_years,
    plain_number,
    shown,
    unknown_keys,
    unknown_name,
    wrong_shape,
    yearly_numbers,
)

NUMBERS = Bounds(gaps=True, unlimited=True)  # what a plug-in makes of a gap or an unlimited value is its own affair
TRUTH = ("true or false", "true 或 false")
WHOLE = ("a whole number", "整数")
WORDS = ("a text", "文本")


def argument_faults(
    path: tuple[str, ...], target: type, arguments: Mapping[str, object], years: Sequence[int]
) -> list[Fault]:
    """All faults of the arguments: unknown, missing, of another kind than the plug-in declares.

    Parameters
    ----------
    path : tuple of str
        Keys under which the arguments stand in the file.
    target : type
        The registered plug-in.
    arguments : dict
    years : sequence of int
        Years of the problem.
    """
    declared = inspect.signature(target).parameters
    required = [name for name, parameter in declared.items() if parameter.default is inspect.Parameter.empty]
    found = [*unknown_keys(path, arguments, tuple(declared)), *missing_keys(path, arguments, required)]
    hints = _hints(target)
    for name, value in arguments.items():
        if name in declared and value is not None and not _is_switched(declared[name], value):
            found += _kind_faults((*path, name), value, hints.get(name, declared[name].annotation), years)
    return found


def make(path: tuple[str, ...], target: type, arguments: Mapping[str, object], years: Sequence[int]) -> Any:
    """The plug-in made of its arguments, or its own refusal as faults.

    Raises
    ------
    InputError
        With what the plug-in says against its arguments.
    """
    hints = _hints(target)
    plain = {name: _plain(value, hints.get(name, ""), years) for name, value in arguments.items() if value is not None}
    try:
        return target(**plain)
    except InputError as problem:
        before, before_zh = (f"{dotted(path)}{colon}" if path else "" for colon in (": ", "："))
        raise InputError(
            Fault(
                path, f"{before}{one.message}", f"{before_zh}{one.message_zh or one.message}", one.hint, one.hint_zh
            ).issue("")
            for one in problem.issues
        ) from problem  # fmt: skip
    except (TypeError, ValueError) as problem:
        fields = list(inspect.signature(target).parameters)
        where = dotted(path)
        raise InputError(
            Fault(
                path, f"{where}: {str(problem).rstrip('.')}.", f"{where}：{error_in_chinese(problem).rstrip('.。')}。",
                f"Fields: {', '.join(fields) or 'none'}.", f"字段：{'、'.join(fields) or '无'}。",
            ).issue("")
        ) from problem  # fmt: skip


def _is_switched(parameter: inspect.Parameter, value: object) -> bool:
    """Whether true or false is given where the field says so itself: numbers that stand at false are a switch too."""
    return isinstance(value, bool) and isinstance(parameter.default, bool)


def _hints(target: type) -> dict[str, Any]:
    """Types of the fields; as text where a name in them is known to type checkers only."""
    try:
        return typing.get_type_hints(target)
    except NameError:
        return dict(inspect.get_annotations(target))


def _members(hint: Any) -> tuple[Any, ...]:
    """The alternatives of a type, or the type alone."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return tuple(member for member in typing.get_args(hint) if member is not type(None))
    return (hint,)


def _is_numeric(hint: Any) -> bool:
    """Whether a field holds a number or an array of them, and nothing else."""
    if hint == ArrayLike:
        return True
    if isinstance(hint, str):
        return re.fullmatch(r"(Array|float|int)( \| (Array|float|int|None))*", hint) is not None
    return all(member in (float, int) or "ndarray" in str(member) for member in _members(hint))


def _kind_faults(path: tuple[str, ...], value: object, hint: Any, years: Sequence[int]) -> Iterator[Fault]:
    members = _members(hint)
    choices = [str(choice) for member in members for choice in typing.get_args(member)
               if typing.get_origin(member) is typing.Literal]  # fmt: skip
    if choices and len(members) == 1:
        if str(value) not in choices:
            yield unknown_name(path, value, choices, ("choice", "可选值"))
    elif members == (bool,):
        if not isinstance(value, bool):
            yield wrong_shape(path, value, TRUTH)
    elif members == (int,):
        if isinstance(value, bool) or not isinstance(value, int):
            yield wrong_shape(path, value, WHOLE)
    elif members == (str,):
        if not isinstance(value, str):
            yield wrong_shape(path, value, WORDS)
    elif _is_numeric(hint):
        if hint == ArrayLike:
            yield from yearly_numbers(path, value, (), NUMBERS)
        elif any("ndarray" in str(member) for member in members) or hint == "Array":
            yield from yearly_numbers(path, value, () if _listed_otherwise(value, years) else years, NUMBERS)
        elif not is_number(value) and value != "unlimited":
            yield wrong_shape(path, shown(value), ANY.words())


def _listed_otherwise(value: object, years: Sequence[int]) -> bool:
    """Whether a list has another length than the years: the plug-in knows better what it is over."""
    return is_listing(value) and len(list(value)) not in (1, len(years))  # type: ignore[call-overload]


def _plain(value: object, hint: Any, years: Sequence[int]) -> object:
    """A value of a numeric field as numbers; anything else as it is."""
    if not _is_numeric(hint):
        return value
    if isinstance(value, Mapping) and not all(year in value for year in years):
        return value
    if isinstance(value, Mapping) or is_listing(value):
        return over_all_years(value, years)
    return plain_number(value)
