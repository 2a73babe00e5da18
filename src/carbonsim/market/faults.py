"""What can be wrong in a problem written by hand or in a file: each fault with its key, in English and Chinese."""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from carbonsim.errors import InputError, Issue, did_you_mean, shorten

UNLIMITED = "unlimited"
FULL_COLON, FULL_COMMA = "\uff1a", "\uff0c"  # what a Chinese keyboard writes in place of : and ,
PLAIN_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
GROUP = 3  # digits between the commas of a large number
STARTS_AS_NUMBER = re.compile(r"[+-]?\d")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: the path of keys to it, what was found and expected, how to mend it."""

    path: tuple[str, ...]
    message: str
    message_zh: str
    hint: str = ""
    hint_zh: str = ""
    value: str = ""

    def issue(self, source: str, line: int | None = None) -> Issue:
        """The fault as the record in which every input problem is reported."""
        return Issue(
            "problem-file", source, self.message, self.message_zh, self.hint, self.hint_zh, line=line, value=self.value
        )


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a number may be: its least and its largest value, whether it may be missing or unlimited."""

    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    gaps: bool = False
    unlimited: bool = False

    def holds(self, value: float) -> bool:
        """Whether a finite number is inside."""
        return (value > self.low if self.above else value >= self.low) and value <= self.high

    def words(self) -> tuple[str, str]:
        """What is expected, in English and Chinese."""
        if math.isinf(self.low) and math.isinf(self.high):
            return "a finite number", "有限的数"
        if math.isinf(self.high):
            if self.above:
                return f"a number above {self.low:g}", f"大于 {self.low:g} 的数"
            if self.low == 0:
                return "a number that is not negative", "非负数"
            return f"a number of at least {self.low:g}", f"不小于 {self.low:g} 的数"
        if self.above:
            return (
                f"a number above {self.low:g} and at most {self.high:g}",
                f"大于 {self.low:g} 且不超过 {self.high:g} 的数",
            )
        return f"a number from {self.low:g} to {self.high:g}", f"{self.low:g} 到 {self.high:g} 之间的数"


ANY, NOT_NEGATIVE, SHARE = Bounds(), Bounds(low=0.0), Bounds(low=0.0, high=1.0)


def dotted(path: Iterable[str]) -> str:
    """The path of keys as people write it."""
    return ".".join(path)


def shown(value: object) -> str:
    """A value as the file shows it, cut where it is long."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def unknown_keys(path: tuple[str, ...], found: Iterable[object], known: Sequence[str]) -> Iterator[Fault]:
    """Keys that mean nothing here, each with the nearest known one, or with what it may have been written for."""
    for key in found:
        if str(key) not in known:
            where = dotted((*path, str(key)))
            meant = did_you_mean(str(key), known), did_you_mean(str(key), known, "zh")
            yield Fault(
                (*path, str(key)), f"{where} is no known key. Known: {', '.join(known)}.",
                f"键 {where} 未知，可用：{'、'.join(known)}。", *(_slip_of_key(str(key)) or meant), str(key),
            )  # fmt: skip


def _slip_of_key(key: str) -> tuple[str, str] | None:
    """What a key looks like that no key can be: a full-width colon, or the rest of a number cut at its comma."""
    if FULL_COLON in key:
        return (
            f"It holds a full-width colon ({FULL_COLON}); write a colon and a blank.",
            f"其中有全角冒号“{FULL_COLON}”，请改为半角冒号加空格。",
        )
    if key.isdecimal() and len(key) == GROUP:
        return "Write a number without commas between its digits: 1200.", "数字中不要用逗号分隔：1200。"
    return None


def slip_of_number(value: object) -> tuple[str, str]:
    """How to write the number that a text stands for, as far as one can tell; nothing for what is no text."""
    if not isinstance(value, str):
        return "", ""
    text = value.strip()
    if text.endswith(("%", "％")):
        return "Write a share as a number: 0.05 is five per cent.", "比例请写成小数：0.05 即 5%。"
    if FULL_COMMA in text:
        return (
            f"It holds a full-width comma ({FULL_COMMA}); write a comma and a blank.",
            f"其中有全角逗号“{FULL_COMMA}”，请改为半角逗号加空格。",
        )
    if PLAIN_NUMBER.fullmatch(text):
        return f"Write {text} without quotes.", f"请去掉引号，写成 {text}。"
    if STARTS_AS_NUMBER.match(text):
        return "Write the number alone, in full, without unit or separators: 1000000.", (
            "只写数字本身，不带单位、“万”“亿”或分隔符：1000000。"
        )
    return "", ""


def missing_keys(path: tuple[str, ...], record: Mapping[str, object], required: Iterable[str]) -> Iterator[Fault]:
    """Keys that must be given and are not."""
    for key in required:
        if record.get(key) is None:
            where = dotted((*path, key))
            yield Fault((*path, key), f"{where} is missing; it must be given.", f"缺少 {where}，必须给出。")


def unknown_name(path: tuple[str, ...], value: object, known: Sequence[str], what: tuple[str, str]) -> Fault:
    """A name that is not among those it may be."""
    where, listed = dotted(path), shorten(list(known)) or "none"
    return Fault(
        path, f"{where} is {shown(value)}, which is no {what[0]}. Known: {listed}.",
        f"{where} 为 {shown(value)}，不是{what[1]}。可用：{shorten(list(known), 'zh') or '无'}。",
        did_you_mean(str(value), known), did_you_mean(str(value), known, "zh"), str(value),
    )  # fmt: skip


def wrong_shape(
    path: tuple[str, ...], value: object, expected: tuple[str, str], hint: tuple[str, str] = ("", "")
) -> Fault:
    """A value that is not of the kind expected."""
    where, found = dotted(path), shown(value)
    between = " " if expected[1][0].isascii() else ""
    return Fault(
        path, f"{where or 'the problem'} is {found}; expected {expected[0]}.",
        f"{where or '问题'} 为 {found}，应为{between}{expected[1]}。", *hint, value=found,
    )  # fmt: skip


def wrong_length(path: tuple[str, ...], count: int, years: int) -> Fault:
    """A list that has not one value for each year."""
    where = dotted(path)
    return Fault(
        path, f"{where} has {count} values; expected one number, or one for each of the {years} years.",
        f"{where} 有 {count} 个值，应为一个数，或 {years} 年每年一个数。",
    )  # fmt: skip


def is_number(value: object) -> bool:
    """Whether a value is a number; true and false are none."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def one_number(path: tuple[str, ...], value: object, bounds: Bounds) -> Iterator[Fault]:
    """Faults of a single number."""
    words = bounds.words()
    if value is None or (is_number(value) and math.isnan(float(value))):  # type: ignore[arg-type]
        if not bounds.gaps:
            yield wrong_shape(path, value, words)
    elif value == UNLIMITED or (is_number(value) and math.isinf(float(value))):  # type: ignore[arg-type]
        if not bounds.unlimited:
            yield wrong_shape(path, value, words)
    elif not is_number(value) or not bounds.holds(float(value)):  # type: ignore[arg-type]
        yield wrong_shape(path, value, words, slip_of_number(value))


def yearly_numbers(path: tuple[str, ...], value: object, years: Sequence[int], bounds: Bounds) -> Iterator[Fault]:
    """Faults of a number that holds in every year, of a list with one a year, or of a mapping of years to numbers."""
    if isinstance(value, Mapping):
        yield from _years_named(path, value, years)
        for year, number in value.items():
            yield from one_number((*path, str(year)), number, bounds)
    elif is_listing(value):
        values = list(value)  # type: ignore[call-overload]
        # A list of one number could mean the first year only: it is asked for plainly.
        if years and len(values) != len(years):
            yield wrong_length(path, len(values), len(years))
        for place, number in enumerate(values):
            yield from one_number((*path, str(place)), number, bounds)
    else:
        yield from one_number(path, value, bounds)


def _years_named(path: tuple[str, ...], value: Mapping[object, object], years: Sequence[int]) -> Iterator[Fault]:
    for year in value:
        if years and year not in years:
            yield unknown_name(
                (*path, str(year)), year, [str(known) for known in years], ("year of the problem", "本问题的年份")
            )
    gone = [year for year in years if year not in value]
    if gone:
        where = dotted(path)
        yield Fault(
            path, f"{where} has no value for {shorten(gone)}.", f"{where} 缺少 {shorten(gone, 'zh')} 年的值。",
            "Give every year; null is a year without one where that is allowed.",
            "请给出每一年的值；允许空缺处可写 null。",
        )  # fmt: skip


def is_listing(value: object) -> bool:
    """Whether a value is a list of values: a list, a tuple or an array, but no text."""
    return not isinstance(value, (str, bytes, Mapping)) and hasattr(value, "__iter__")


def plain_number(value: object) -> object:
    """A number as Python reads it: a missing one is NaN, an unlimited one infinite."""
    if value is None:
        return math.nan
    return math.inf if value == UNLIMITED else value


def over_all_years(value: object, years: Sequence[int]) -> object:
    """A number, a list or a mapping of years as a number or a list."""
    if isinstance(value, Mapping):
        return [plain_number(value[year]) for year in years]
    if is_listing(value):
        return [plain_number(number) for number in value]  # type: ignore[attr-defined]
    return plain_number(value)


def raise_faults(faults: Iterable[Fault], source: str) -> None:
    """Raise InputError with all faults, if there are any."""
    found = list(faults)
    if found:
        raise InputError([fault.issue(source) for fault in found])
