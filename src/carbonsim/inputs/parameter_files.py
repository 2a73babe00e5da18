"""Reads parameter files: one YAML file a topic, every value with its source, basis and dates."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from carbonsim.errors import Issue, UnitError, did_you_mean
from carbonsim.inputs.columns import FIRST_YEAR, LAST_YEAR, SECTORS
from carbonsim.inputs.parameters import BASES, DatedValue, Parameter
from carbonsim.inputs.schema import validate, yaml_issue
from carbonsim.inputs.yaml_loader import YamlFile, read_yaml
from carbonsim.units import canonical

TOPIC = "topic"
_EVIDENCE = ("source", "where", "basis", "announced", "note")


def read_parameter_folder(
    folder: Path, shown: str, sources: Iterable[str]
) -> tuple[dict[str, Parameter], dict[str, str], list[Issue]]:
    """Parameters by path, file hashes and faults of all ``*.yaml`` files of a folder.

    Parameters
    ----------
    folder : Path
        Folder with parameter files; nothing is read if it does not exist.
    shown : str
        Name of the folder in messages and hashes.
    sources : iterable of str
        Keys of the listed sources.
    """
    parameters: dict[str, Parameter] = {}
    hashes: dict[str, str] = {}
    issues: list[Issue] = []
    known = set(sources)
    for path in sorted(folder.glob("*.yaml")):
        document, found = read_yaml(path, f"{shown}/{path.name}")
        issues += found
        if document is None:
            continue
        hashes[document.source] = document.sha256
        for parameter, faults in read_topic(document, path.stem, known):
            issues += faults
            if parameter is None:
                continue
            if parameter.path in parameters:
                first = parameters[parameter.path]
                issues.append(
                    yaml_issue(
                        document,
                        [parameter.path.split(".")[1]],
                        "duplicate-parameter",
                        (
                            f"is already given in {first.file}:{first.line}.",
                            f"已在 {first.file}:{first.line} 给出。",
                            "Keep one of the two.",
                            "请只保留一个。",
                        ),
                    )
                )
                continue
            parameters[parameter.path] = parameter
    return parameters, hashes, issues


def read_topic(document: YamlFile, stem: str, sources: set[str]) -> list[tuple[Parameter | None, list[Issue]]]:
    """Each parameter of one file with its faults; the topic is the file's name unless ``topic`` says otherwise."""
    if not isinstance(document.data, dict):
        return [
            (
                None,
                [yaml_issue(document, (), "wrong-type", ("must be a mapping (key: value).", "必须是映射（键: 值）。"))],
            )
        ]
    topic = document.data.get(TOPIC, stem)
    if not isinstance(topic, str) or not topic.isidentifier():
        fault = yaml_issue(document, [TOPIC], "bad-name", ("must be one plain word.", "必须是一个单词。"))
        return [(None, [fault])]
    entries = [(name, entry) for name, entry in document.data.items() if name != TOPIC]
    return [_Reader(document, topic, str(name), sources).read(entry) for name, entry in entries]


def parse_date(text: str) -> date | None:
    """An ISO date, or None if the text is none.

    >>> parse_date("2024-10-21"), parse_date("21.10.2024")
    (datetime.date(2024, 10, 21), None)
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.isoformat() == text else None


class _Reader:
    """Reads one parameter and collects its faults."""

    def __init__(self, document: YamlFile, topic: str, name: str, sources: set[str]) -> None:
        self.document, self.name, self.sources = document, name, sources
        self.path = f"{topic}.{name}"
        self.issues: list[Issue] = []

    def read(self, entry: object) -> tuple[Parameter | None, list[Issue]]:
        fields, faults = validate("parameter", entry, self.document, self.name)
        self.issues += faults
        if not {"description", "unit", "values", "valid_until"} <= set(fields):
            return None, self.issues
        unit = self._unit(fields["unit"])
        lower, upper = self._bounds(fields.get("bounds"))
        dims = tuple(fields.get("dims", ()))
        values: dict[tuple[str, ...], tuple[DatedValue, ...]] = {}
        for labels, dated in self._by_label(fields["values"], dims, (self.name, "values")):
            place = (self.name, "values", *labels)
            values[labels] = self._dated(dated, fields, place)
            self._check_numbers(values[labels], lower, upper, place)
        last = fields["valid_until"]
        self._check_validity(values, last)
        checked = self._date(fields.get("checked_on"), self.name, "checked_on")
        parameter = Parameter(
            self.path,
            fields["description"],
            unit,
            dims,
            values,
            last,
            checked,
            lower,
            upper,
            self.document.source,
            self.document.line(self.name),
        )
        return (parameter if values else None), self.issues

    def _add(self, place: Iterable[object], code: str, *texts: str, value: object = "") -> None:
        self.issues.append(yaml_issue(self.document, place, code, texts, str(value)))

    def _unit(self, unit: str) -> str:
        try:
            canonical(unit)
        except UnitError as problem:
            self._add((self.name, "unit"), "unknown-unit", str(problem), f"单位“{unit}”未知或有歧义。", value=unit)
        return unit

    def _bounds(self, bounds: list[float] | None) -> tuple[float | None, float | None]:
        if bounds is None:
            return None, None
        if len(bounds) != 2 or bounds[0] > bounds[1]:
            self._add((self.name, "bounds"), "bad-bounds", "must be [lowest, highest].", "应为 [下限, 上限]。")
            return None, None
        return bounds[0], bounds[1]

    def _by_label(
        self, values: Mapping[Any, Any], dims: tuple[str, ...], place: tuple[str, ...], labels: tuple[str, ...] = ()
    ) -> list[tuple[tuple[str, ...], Mapping[Any, Any]]]:
        if len(labels) == len(dims):
            return [(labels, values)]
        found = []
        for label, inner in values.items():
            here = (*place, str(label))
            if dims[len(labels)] == "sector" and label not in SECTORS:
                self._add(
                    here,
                    "unknown-sector",
                    f"sector '{label}' is not known.",
                    f"未知的行业“{label}”。",
                    did_you_mean(str(label), SECTORS),
                    value=label,
                )
            elif not isinstance(inner, dict) or not inner:
                self._add(here, "wrong-type", "must be a mapping of years to values.", "应为年份到数值的映射。")
            else:
                found += self._by_label(inner, dims, here, (*labels, str(label)))
        return found

    def _dated(
        self, values: Mapping[Any, Any], defaults: Mapping[str, Any], place: tuple[str, ...]
    ) -> tuple[DatedValue, ...]:
        result = []
        for year, given in values.items():
            here = (*place, str(year))
            if not isinstance(year, int) or not FIRST_YEAR <= year <= LAST_YEAR:
                self._add(
                    here,
                    "bad-year",
                    f"'{year}' is no year.",
                    f"“{year}”不是年份。",
                    "Labels need `dims`; years are whole numbers.",
                    "带标签的参数需要 dims；年份应为整数。",
                    value=year,
                )
                continue
            entry = given if isinstance(given, dict) else {"value": given}
            fields, faults = validate("value", entry, self.document, *here)
            self.issues += faults
            if "value" in fields:
                result.append(self._one(year, fields, defaults, here))
        return tuple(sorted(result, key=lambda dated: dated.applies_from))

    def _one(
        self, year: int, fields: Mapping[str, Any], defaults: Mapping[str, Any], place: tuple[str, ...]
    ) -> DatedValue:
        chosen = {key: fields.get(key) or defaults.get(key) or "" for key in _EVIDENCE}
        for key in ("source", "basis"):
            if not chosen[key]:
                self._add(
                    place,
                    "missing-key",
                    f"the value has no {key}.",
                    f"该值没有 {key}。",
                    f"Give `{key}` at the value or at the parameter.",
                    f"请在该值或参数上填写 {key}。",
                )
        if chosen["source"] and chosen["source"] not in self.sources:
            self._add(
                place,
                "unknown-source",
                f"source '{chosen['source']}' is not listed in sources.yaml.",
                f"来源“{chosen['source']}”未列入 sources.yaml。",
                did_you_mean(chosen["source"], self.sources),
                value=chosen["source"],
            )
        if chosen["basis"] and chosen["basis"] not in BASES:
            self._add(
                place,
                "unknown-choice",
                f"basis '{chosen['basis']}' is not one of {', '.join(BASES)}.",
                f"依据“{chosen['basis']}”不在 {'、'.join(BASES)} 之中。",
                did_you_mean(chosen["basis"], BASES),
                value=chosen["basis"],
            )
        announced = self._date(chosen["announced"] or None, *place, "announced")
        return DatedValue(
            year,
            fields["value"],
            chosen["source"],
            chosen["basis"],
            chosen["where"],
            announced,
            fields.get("low"),
            fields.get("high"),
            chosen["note"],
        )

    def _date(self, text: str | None, *place: str) -> date | None:
        day = parse_date(text) if text else None
        if text and day is None:
            self._add(
                place,
                "bad-date",
                f"'{text}' is no ISO date.",
                f"“{text}”不是 ISO 日期。",
                'Write "year-month-day", quoted.',
                "请写成带引号的“年-月-日”。",
                value=text,
            )
        return day

    def _check_numbers(
        self, values: Iterable[DatedValue], lower: float | None, upper: float | None, place: tuple[str, ...]
    ) -> None:
        least, most = (-math.inf if lower is None else lower), (math.inf if upper is None else upper)
        for dated in values:
            here = (*place, str(dated.applies_from))
            for number in (dated.value, dated.low, dated.high):
                if number is not None and not least <= number <= most:
                    self._add(
                        here,
                        "out-of-bounds",
                        f"{number:g} is outside {least:g} to {most:g}.",
                        f"{number:g} 超出 {least:g} 至 {most:g}。",
                        value=number,
                    )
            low, high = dated.low, dated.high
            if (low is None) != (high is None):
                self._add(here, "bad-range", "a range needs both low and high.", "范围需同时给出 low 和 high。")
            elif dated.value is not None and low is not None and high is not None and not low <= dated.value <= high:
                self._add(
                    here,
                    "bad-range",
                    f"{dated.value:g} is not between low and high.",
                    f"{dated.value:g} 不在 low 与 high 之间。",
                )

    def _check_validity(self, values: Mapping[tuple[str, ...], tuple[DatedValue, ...]], last: int) -> None:
        for labels, dated in values.items():
            late = [item.applies_from for item in dated if item.applies_from > last and item.value is not None]
            if late:
                self._add(
                    (self.name, "values", *labels, str(late[0])),
                    "bad-validity",
                    f"a value applies from {late[0]}, but valid_until is {last}.",
                    f"有数值自 {late[0]} 年起适用，但 valid_until 为 {last}。",
                )
