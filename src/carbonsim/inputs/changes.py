"""Changes to a scenario: a dotted path and a value in, a new checked scenario out; and what two scenarios differ in."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from carbonsim.errors import InputError, Issue, ScenarioError, did_you_mean, shorten
from carbonsim.inputs.columns import FIRST_YEAR, LAST_YEAR, SECTORS, TABLES
from carbonsim.inputs.cross_checks import check_across, check_rules, to_inside_units
from carbonsim.inputs.parameters import BASES, DatedValue, Parameter
from carbonsim.inputs.records import Change, MarketChoice, RuleChoice, Source, Tables
from carbonsim.inputs.table_checks import check_cell

if TYPE_CHECKING:
    from carbonsim.inputs.scenario import Scenario

SCOPES = ("national", "local", "price")
CHANGE_PREFIX = "change "
CHANGE_SOURCE = Source(
    "change", "A change made to the study; its reason is kept with the scenario.", confidence="assumption"
)
_TEXTS = ("note", "name_zh", "name_en")


def apply_changes(
    scenario: Scenario,
    changes: Sequence[Change],
    *,
    name: str,
    title_en: str = "",
    title_zh: str = "",
    description: str = "",
) -> Scenario:
    """A new scenario with all changes made and the whole of it checked again.

    Raises
    ------
    ScenarioError
        With every change that matches nothing or has a wrong value, or every fault the changes cause together.
        The ``source`` of an issue of one change is ``change <path>``.
    """
    issues: list[Issue] = []
    changed = scenario
    for change in changes:
        try:
            changed = _apply(changed, change)
        except InputError as problem:
            issues += [dataclasses.replace(issue, source=f"{CHANGE_PREFIX}{change.path}") for issue in problem.issues]
    if issues:
        raise ScenarioError(issues)
    changed = dataclasses.replace(
        changed,
        name=name,
        title_en=title_en or name,
        title_zh=title_zh or title_en or name,
        description=description or changed.description,
        changes=(*scenario.changes, *changes),
        baseline=scenario.baseline or scenario.name,
        sources={**scenario.sources, CHANGE_SOURCE.key: CHANGE_SOURCE},
    )
    tables, origins = changed.tables, changed.origins
    issues = check_across(
        tables, origins, base_year=changed.base_year, price_year=changed.price_year, factors=changed.factors
    )
    frames, faults = to_inside_units(tables, origins, changed.factors)
    issues += [*faults, *check_rules(changed.allocation, tables, origins, changed.years)]
    if any(issue.severity == "error" for issue in issues):
        raise ScenarioError(issue for issue in issues if issue.severity == "error")
    return dataclasses.replace(changed, tables=Tables(frames))


def _apply(scenario: Scenario, change: Change) -> Scenario:
    _check_evidence(scenario, change)
    parts = change.path.split(".")
    if parts == ["years"]:
        return _change_years(scenario, change)
    if parts[0] == "market" and parts[1:] in (["scope"], ["instruments"]):
        return _change_market(scenario, change, parts[1])
    parameter = _parameter_of(scenario, change.path)
    if parameter is not None:
        return _change_parameter(scenario, change, parameter)
    if parts[0] == "allocation" and len(parts) == 3 and parts[1] in SECTORS:
        return _change_rule(scenario, change, parts[1], parts[2])
    if parts[0] in TABLES and parts[0] in scenario.tables:
        return _change_cell(scenario, change, parts[0])
    raise _fault(
        "matches-nothing",
        f"'{change.path}' matches nothing in {scenario.name}.",
        f"“{change.path}”不对应任何内容。",
        did_you_mean(change.path, known_paths(scenario)),
    )


def _check_evidence(scenario: Scenario, change: Change) -> None:
    if change.basis not in BASES:
        raise _fault(
            "unknown-choice",
            f"basis '{change.basis}' is not one of {', '.join(BASES)}.",
            f"依据“{change.basis}”不在 {'、'.join(BASES)} 之中。",
            did_you_mean(change.basis, BASES),
        )
    if change.basis == "draft" and not scenario.allow_draft:
        raise _fault(
            "draft",
            "rests on a draft, which this study does not allow.",
            "本研究不允许使用征求意见稿。",
            "Say `allow_draft: true` in scenario.yaml.",
            "请在 scenario.yaml 中设置 allow_draft: true。",
        )
    if not change.why.strip():
        raise _fault("required", "a change needs a reason (`why`).", "变更需要说明理由（why）。")
    if change.source and change.source not in scenario.sources:
        raise _fault(
            "unknown-source",
            f"source '{change.source}' is not listed in sources.yaml.",
            f"来源“{change.source}”未列入 sources.yaml。",
            did_you_mean(change.source, scenario.sources),
        )


def known_paths(scenario: Scenario) -> list[str]:
    """Every path a change may name, without the single labels of parameters with labels and long tables."""
    paths = ["years", "market.scope", "market.instruments", *scenario.parameters]
    paths += [f"allocation.{sector}.{year}" for sector, rules in scenario.allocation.items() for year in rules]
    for name, frame in scenario.tables.items():
        if len(frame) <= 500:
            columns = [column for column in TABLES[name].names() if column not in TABLES[name].key]
            paths += [f"{name}.{key}.{column}" for key in _keys(frame, name) for column in columns]
    return paths


def _fault(code: str, message: str, chinese: str, hint: str = "", hint_zh: str = "") -> ScenarioError:
    return ScenarioError(Issue(code, "change", message, chinese, hint, hint_zh))


def _change_years(scenario: Scenario, change: Change) -> Scenario:
    value = change.value
    if not (isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(year, int) for year in value)):
        raise _fault("wrong-type", "years must be [first, last].", "years 应为 [首年, 末年]。")
    first, last = value
    if not FIRST_YEAR <= first <= last <= LAST_YEAR:
        raise _fault("bad-year", f"years {first} to {last} are no range.", f"{first} 至 {last} 不是有效的年份范围。")
    return dataclasses.replace(scenario, years=tuple(range(first, last + 1)))


def _change_market(scenario: Scenario, change: Change, field: str) -> Scenario:
    market = scenario.market
    if field == "scope":
        if change.value not in SCOPES:
            raise _fault(
                "unknown-choice",
                f"scope is '{change.value}', expected {', '.join(SCOPES)}.",
                f"scope 为“{change.value}”，应为 {'、'.join(SCOPES)}。",
                did_you_mean(str(change.value), SCOPES),
            )
        return dataclasses.replace(scenario, market=dataclasses.replace(market, scope=str(change.value)))
    names = change.value
    if (
        not isinstance(names, list | tuple)
        or not all(isinstance(name, str) for name in names)
        or len({*names}) != len(names)
    ):
        raise _fault(
            "wrong-type", "instruments must be a list of different names.", "instruments 应为不重复的名称列表。"
        )
    return dataclasses.replace(scenario, market=MarketChoice(market.scope, tuple(str(name) for name in names)))


def _change_rule(scenario: Scenario, change: Change, sector: str, year_text: str) -> Scenario:
    year = int(year_text) if year_text.isdecimal() else 0
    if not FIRST_YEAR <= year <= scenario.years[-1]:
        raise _fault(
            "bad-year",
            f"'{year_text}' is no year up to {scenario.years[-1]}.",
            f"“{year_text}”不是 {scenario.years[-1]} 年以前的年份。",
        )
    rules = dict(scenario.allocation.get(sector, {}))
    value = change.value
    if value is None:
        if year not in rules:
            raise _fault(
                "matches-nothing",
                f"{sector} has no rule chosen for {year}.",
                f"{sector} 在 {year} 年没有规则。",
                f"It has rules from {shorten(sorted(rules))}.",
                f"已有规则的年份：{shorten(sorted(rules), 'zh')}。",
            )
        del rules[year]
    elif isinstance(value, str):
        rules[year] = RuleChoice(value)
    elif isinstance(value, Mapping) and isinstance(value.get("rule"), str) and set(value) <= {"rule", "options"}:
        rules[year] = RuleChoice(value["rule"], dict(value.get("options", {})))
    else:
        raise _fault(
            "wrong-type",
            "expected the name of a rule, or {rule: name, options: {...}}.",
            "应为规则名称，或 {rule: 名称, options: {...}}。",
        )
    return dataclasses.replace(scenario, allocation={**scenario.allocation, sector: dict(sorted(rules.items()))})


def _keys(frame: pd.DataFrame, table: str) -> list[str]:
    columns = [frame[name].astype(str) for name in TABLES[table].key]
    return [".".join(key) for key in zip(*columns, strict=True)]


def _change_cell(scenario: Scenario, change: Change, table: str) -> Scenario:
    spec = TABLES[table]
    _, _, rest = change.path.partition(".")
    key, _, column = rest.rpartition(".")
    frame = scenario.tables[table]
    keys = _keys(frame, table)
    places = [place for place, found in enumerate(keys) if found == key]
    if len(places) != 1:
        wanted = ".".join(f"<{name}>" for name in spec.key)
        raise _fault(
            "matches-nothing",
            f"{table} has no row '{key}' ({table}.{wanted}.<column>).",
            f"表 {table} 中没有“{key}”。",
            did_you_mean(key, keys),
        )
    if column not in spec.names() or column in spec.key:
        open_columns = [name for name in spec.names() if name not in spec.key]
        raise _fault(
            "matches-nothing",
            f"{table} has no column '{column}' that can be changed.",
            f"表 {table} 没有可更改的列“{column}”。",
            did_you_mean(column, open_columns) or f"Known: {', '.join(open_columns)}.",
        )
    value, issues = check_cell(spec.column(column), change.value, set(scenario.sources))
    if issues:
        raise ScenarioError(issues)
    changed = frame.copy()
    _set(changed, places[0], column, value)
    if column != "basis":
        _set(changed, places[0], "basis", change.basis)
    if change.source:
        _set(changed, places[0], "source", change.source)
    note = "; ".join(part for part in (str(frame["note"].iloc[places[0]]), f"{column}: {change.why}") if part)
    _set(changed, places[0], "note", note)
    tables = scenario.tables
    assert isinstance(tables, Tables)  # noqa: S101  Scenario makes them so
    return dataclasses.replace(scenario, tables=tables.replaced(table, changed))


def _set(frame: pd.DataFrame, place: int, column: str, value: Any) -> None:
    frame.iat[place, frame.columns.tolist().index(column)] = value  # noqa: PD009  a place and a label at once


def _parameter_of(scenario: Scenario, path: str) -> Parameter | None:
    """The parameter whose path is the longest beginning of ``path`` in whole parts."""
    parts = path.split(".")
    for length in range(len(parts), 1, -1):
        head = ".".join(parts[:length])
        if head in scenario.parameters:
            return scenario.parameters.get(head)
    return None


def _change_parameter(scenario: Scenario, change: Change, parameter: Parameter) -> Scenario:
    label = change.path.removeprefix(parameter.path).removeprefix(".")
    names = {".".join(labels): labels for labels in parameter.labels()}
    if label and label not in names:
        raise _fault(
            "matches-nothing",
            f"parameter {parameter.path} has no value for '{label}'.",
            f"参数 {parameter.path} 没有“{label}”的数值。",
            did_you_mean(label, names) or f"Known: {shorten(sorted(names))}.",
            did_you_mean(label, names, "zh") or f"可用：{shorten(sorted(names), 'zh')}。",
        )
    dated = _dated_values(change, parameter, scenario.years)
    values = dict(parameter.values)
    for labels in [names[label]] if label else list(values):
        kept = tuple(item for item in values[labels] if item.applies_from < dated[0].applies_from)
        values[labels] = (*kept, *dated)
    changed = dataclasses.replace(
        parameter, values=values, valid_until=max(parameter.valid_until, scenario.years[-1]), file="change", line=None
    )
    return dataclasses.replace(scenario, parameters=scenario.parameters.with_parameter(changed))


def _dated_values(change: Change, parameter: Parameter, years: Sequence[int]) -> tuple[DatedValue, ...]:
    value = change.value
    by_year = value if isinstance(value, Mapping) and "value" not in value else {years[0]: value}
    dated = []
    for year, given in by_year.items():
        if not isinstance(year, int) or isinstance(year, bool) or not FIRST_YEAR <= year <= years[-1]:
            raise _fault(
                "bad-year", f"'{year}' is no year up to {years[-1]}.", f"“{year}”不是 {years[-1]} 年以前的年份。"
            )
        fields = given if isinstance(given, Mapping) else {"value": given}
        if not {"value"} <= set(fields) <= {"value", "low", "high"}:
            raise _fault("wrong-type", "expected a number, or {value, low, high}.", "应为数字，或 {value, low, high}。")
        numbers = {name: _number(number, parameter) for name, number in fields.items()}
        dated.append(
            DatedValue(
                year,
                numbers["value"],
                change.source or CHANGE_SOURCE.key,
                change.basis,
                low=numbers.get("low"),
                high=numbers.get("high"),
                note=change.why,
            )
        )
    if not dated:
        raise _fault("required", "the change has no value.", "变更没有数值。")
    return tuple(sorted(dated, key=lambda item: item.applies_from))


def _number(value: object, parameter: Parameter) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not np.isfinite(value):
        raise _fault("not-a-number", f"'{value}' is not a number [{parameter.unit}].", f"“{value}”不是数字。")
    lower = -np.inf if parameter.lower is None else parameter.lower
    upper = np.inf if parameter.upper is None else parameter.upper
    if not lower <= value <= upper:
        raise _fault(
            "out-of-bounds",
            f"{value:g} is outside {lower:g} to {upper:g} [{parameter.unit}].",
            f"{value:g} 超出 {lower:g} 至 {upper:g}。",
        )
    return float(value)


def _flat(scenario: Scenario) -> dict[str, object]:
    """Everything that decides the numbers as path and value; empty cells are left out."""
    flat: dict[str, object] = {
        "years": [scenario.years[0], scenario.years[-1]],
        "base_year": scenario.base_year,
        "price_year": scenario.price_year,
        "illustrative": scenario.illustrative,
        "allow_draft": scenario.allow_draft,
        "market.scope": scenario.market.scope,
        "market.instruments": list(scenario.market.instruments),
    }
    for sector, rules in scenario.allocation.items():
        for year, choice in rules.items():
            flat[f"allocation.{sector}.{year}"] = [choice.rule, dict(choice.options)] if choice.options else choice.rule
    for record in scenario.factors.overlaid if scenario.factors is not None else ():
        flat[".".join(("factors", record.table, record.key, record.column))] = record.own
    for parameter in scenario.parameters.parameters.values():
        flat[f"{parameter.path}.unit"] = parameter.unit
        flat[f"{parameter.path}.valid_until"] = parameter.valid_until
        for labels, dated in parameter.values.items():
            flat[".".join((parameter.path, *labels))] = [
                [
                    item.applies_from,
                    item.value,
                    item.low,
                    item.high,
                    item.basis,
                    item.announced.isoformat() if item.announced else None,
                ]
                for item in dated
            ]
    for name, frame in scenario.tables.items():
        columns = [column for column in frame.columns if column not in _TEXTS and column not in TABLES[name].key]
        cells: dict[str, Iterable[Any]] = {column: frame[column].tolist() for column in columns}
        for column, values in cells.items():
            for key, value in zip(_keys(frame, name), values, strict=True):
                if value != "" and value == value:  # NaN is the empty number
                    flat[f"{name}.{key}.{column}"] = value
    return flat


def content_hash(scenario: Scenario) -> str:
    """SHA-256 of everything that decides the numbers, the same on every machine and for every order of rows."""
    text = json.dumps(_flat(scenario), sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def differences(one: Scenario, other: Scenario) -> pd.DataFrame:
    """Paths at which two scenarios differ, with both values; names, titles and notes are not compared."""
    left, right = _flat(one), _flat(other)
    rows = [
        {"path": path, "this": left.get(path), "other": right.get(path)}
        for path in sorted({*left, *right})
        if left.get(path) != right.get(path)
    ]
    return pd.DataFrame(rows, columns=["path", "this", "other"], dtype=object)
