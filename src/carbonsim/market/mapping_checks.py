"""Everything that is wrong in a market problem written as plain numbers, found in one go."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from carbonsim.errors import InputError, chinese_of, shorten
from carbonsim.market.faults import (
    ANY,
    NOT_NEGATIVE,
    SHARE,
    Bounds,
    Fault,
    dotted,
    is_listing,
    missing_keys,
    one_number,
    over_all_years,
    unknown_keys,
    unknown_name,
    wrong_shape,
    yearly_numbers,
)
from carbonsim.market.plugin_arguments import argument_faults, make
from carbonsim.market.supply import Instrument, instruments

ENTERPRISE_BOUNDS: Mapping[str, Bounds] = {"baseline": NOT_NEGATIVE, "share": SHARE}
OWNED_BOUNDS: Mapping[str, Bounds] = {"potential": NOT_NEGATIVE, "slope": NOT_NEGATIVE, "cut": NOT_NEGATIVE}
RATE = Bounds(low=-1.0, high=1.0, above=True)  # above 100 per cent a year somebody wrote per cent
AS_RATE = ("0.05 is five per cent a year.", "0.05 即每年 5%。")
RECORDS = ("a mapping of names to their fields", "名称到字段的映射")
AS_RECORDS = (
    "Write each as its name, a colon and its fields, without dashes: north: {baseline: 100}.",
    "每项写成名称、冒号、字段，不用短横线列表：north: {baseline: 100}。",
)
AS_FIELDS = (
    "Write the fields in braces, {price: 80}, or {} for the defaults.",
    "字段写在花括号中，例如 {price: 80}；全部取默认值写 {}。",
)
OWN_LABEL = (
    "A name of your own needs a kind: {kind: offsets, ...}.",
    "自取的名称须注明 kind：{kind: offsets, ...}。",
)
YEARS = ("consecutive calendar years, such as [2025, 2026]", "连续的公历年份，例如 [2025, 2026]")
OVER, DUST = 1e-9, 1e-6  # relative and absolute rounding in potentials that use up all emissions


def mapping_faults(
    mapping: Mapping[str, object],
    known: Sequence[str],
    enterprise: Mapping[str, object],
    owned: Mapping[str, Mapping[str, object]],
) -> list[Fault]:
    """All faults of a mapping, each with the path of its key.

    Parameters
    ----------
    mapping : dict
        As ``problem_from_mapping`` takes it.
    known : sequence of str
        Keys that the problem may have.
    enterprise : dict
        Fields of an enterprise with their defaults; None if there is none.
    owned : dict
        Fields with their defaults of what belongs to an enterprise: ``options`` and ``plans``.
    """
    found = [*unknown_keys((), mapping, known), *missing_keys((), mapping, ("year", "enterprises"))]
    years, wrong = _years(mapping.get("year"))
    found += wrong
    firms, wrong = records(("enterprises",), mapping.get("enterprises"))
    found += wrong
    if mapping.get("enterprises") is not None and not firms and not wrong:
        found.append(wrong_shape(("enterprises",), mapping["enterprises"], ("at least one enterprise", "至少一家企业")))
    for name, record in firms.items():
        found += record_faults(("enterprises", name), record, enterprise, ENTERPRISE_BOUNDS, years)
    for table, fields in owned.items():
        found += _owned_faults(table, mapping.get(table), fields, (tuple(firms), years))
    options, _ = records(("options",), mapping.get("options"))
    found += _market_wide(mapping, years)
    if not found:
        found += _potential_faults(firms, options, years)
    tools, wrong = records(("instruments",), mapping.get("instruments"))
    return [*found, *wrong, *instrument_faults(tools, years)]


def _owned_faults(
    table: str, value: object, fields: Mapping[str, object], known: tuple[tuple[str, ...], Sequence[int]]
) -> Iterator[Fault]:
    """Faults of a table of what belongs to enterprises; ``known`` are their names and the years."""
    firms, years = known
    listed, wrong = records((table,), value)
    yield from wrong
    for name, record in listed.items():
        yield from record_faults((table, name), record, fields, OWNED_BOUNDS, years, extra=("enterprise",))
        if "enterprise" in record and str(record["enterprise"]) not in firms:
            yield unknown_name((table, name, "enterprise"), record["enterprise"], firms, ("enterprise", "所列企业"))


def records(path: tuple[str, ...], value: object) -> tuple[dict[str, dict[str, object]], list[Fault]]:
    """A mapping of names to their fields, and what in it is none; nothing given is an empty one."""
    if value is None:
        return {}, []
    if not isinstance(value, Mapping):
        return {}, [wrong_shape(path, value, RECORDS, AS_RECORDS)]
    fine: dict[str, dict[str, object]] = {}
    wrong = []
    for name, record in value.items():
        if record is None or isinstance(record, Mapping):
            fine[str(name)] = dict(record or {})
        else:
            wrong.append(wrong_shape((*path, str(name)), record, ("a mapping of fields", "字段映射"), AS_FIELDS))
    return fine, wrong


def record_faults(
    path: tuple[str, ...], record: Mapping[str, object], fields: Mapping[str, object], bounds: Mapping[str, Bounds],
    years: Sequence[int], extra: tuple[str, ...] = (),
) -> Iterator[Fault]:  # fmt: skip
    """Faults of one record of yearly numbers; a field whose default is None must be given, and so must ``extra``."""
    yield from unknown_keys(path, record, (*extra, *fields))
    yield from missing_keys(path, record, (*extra, *(name for name, default in fields.items() if default is None)))
    for name in fields:
        if record.get(name) is not None:
            yield from yearly_numbers((*path, name), record[name], years, bounds.get(name, ANY))


def _years(value: object) -> tuple[tuple[int, ...], list[Fault]]:
    if value is None:
        return (), []
    listed = list(value) if is_listing(value) else [value]  # type: ignore[call-overload]
    whole = [int(year) for year in listed if isinstance(year, (int, np.integer)) and not isinstance(year, bool)]
    if not listed or len(whole) < len(listed) or whole != list(range(whole[0], whole[0] + len(whole))):
        return (), [wrong_shape(("year",), value, YEARS)]
    return tuple(whole), []


def _market_wide(mapping: Mapping[str, object], years: Sequence[int]) -> Iterator[Fault]:
    for name in ("supply", "given_price"):
        if mapping.get(name) is not None:
            yield from yearly_numbers((name,), mapping[name], years, NOT_NEGATIVE)
    for name, bounds in (("interest", RATE), ("opening_bank", ANY)):
        if mapping.get(name) is not None and not isinstance(mapping[name], Mapping):
            for fault in one_number((name,), mapping[name], bounds):
                rate = bounds is RATE and not fault.hint
                yield replace(fault, hint=AS_RATE[0], hint_zh=AS_RATE[1]) if rate else fault


def _potential_faults(
    firms: Mapping[str, Mapping[str, object]], options: Mapping[str, Mapping[str, object]], years: Sequence[int]
) -> Iterator[Fault]:
    """Options that together cut more than their enterprise emits."""

    def over_years(value: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.broadcast_to(np.asarray(over_all_years(value, years), dtype=float), (len(years),))

    owned: dict[str, list[str]] = {}
    for name, fields in options.items():
        owned.setdefault(str(fields["enterprise"]), []).append(name)
    for firm, own in owned.items():
        cut = sum((over_years(options[name]["potential"]) for name in own), np.zeros(len(years)))
        emissions = over_years(firms[firm]["baseline"])
        over = np.flatnonzero(cut > emissions * (1 + OVER) + DUST)
        if over.size:
            year, most, there = years[over[0]], cut[over[0]], emissions[over[0]]
            yield Fault(
                ("options", own[0]),
                f"options {shorten(own)} of {firm} cut {most:g} t in {year}, of {there:g} t of emissions.",
                f"{firm} 的减排选项 {shorten(own, 'zh')} 在 {year} 年共减排 {most:g} 吨，而排放仅 {there:g} 吨。",
                "Potentials add up to no more than the emissions.", "减排潜力合计不得超过排放量。",
            )  # fmt: skip


def instrument_faults(tools: Mapping[str, Mapping[str, object]], years: Sequence[int]) -> list[Fault]:
    """Faults of all instruments: their kind, their arguments, and what each says against itself in these years."""
    found: list[Fault] = []
    for label, record in tools.items():
        kind = str(record.get("kind", label))
        path = ("instruments", label)
        if kind not in instruments:
            where = (*path, "kind") if "kind" in record else path
            fault = unknown_name(where, kind, tuple(instruments), ("instrument", "市场工具"))
            own = "kind" not in record and not fault.hint
            found.append(replace(fault, hint=OWN_LABEL[0], hint_zh=OWN_LABEL[1]) if own else fault)
            continue
        target = instruments.get(kind).target
        arguments = named_arguments(label, record)
        wrong = argument_faults(path, target, arguments, years)
        if not wrong and years:
            try:
                made: Instrument = make(path, target, arguments, years)
            except InputError as problem:
                wrong = [Fault(path, issue.message, issue.message_zh, issue.hint, issue.hint_zh)
                         for issue in problem.issues]  # fmt: skip
            else:
                wrong = [_said(path, sentence) for sentence in made.problems(years)]
        found += wrong
    return found


def named_arguments(label: str, record: Mapping[str, object]) -> dict[str, object]:
    """Arguments of an instrument: without its kind, with the label as name where that is not the kind."""
    arguments = dict(record)
    kind = str(arguments.pop("kind", label))
    if kind != label:
        arguments.setdefault("name", label)
    return arguments


def said_by_problem(sentence: str, chinese: str, labels: Iterable[str]) -> Fault:
    """What the problem as a whole is told, at the instrument that the sentence begins with, if it begins with one."""
    first = sentence.removeprefix("instrument '").removeprefix("supply step '")
    named = [label for label in labels if re.match(rf"{re.escape(label)}\b", first)]
    path = ("instruments", max(named, key=len)) if named else ()
    return Fault(path, sentence, chinese)


def _said(path: tuple[str, ...], sentence: str) -> Fault:
    """What an instrument says against itself, in its own words."""
    where = dotted(path)
    return Fault(path, f"{where}: {sentence}", f"{where}：{chinese_of(sentence)}")
