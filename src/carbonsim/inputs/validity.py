"""Which parameters a study needs in which years, and whether they are in force and no forbidden draft."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from carbonsim.errors import Issue
from carbonsim.inputs.parameters import DatedValue, Parameter
from carbonsim.inputs.scenario import Scenario

Known = Iterable[str] | Mapping[str, Iterable[str]]


@dataclass(frozen=True, slots=True)
class UsedValue:
    """A dated value in force in at least one year of a study."""

    path: str
    labels: tuple[str, ...]
    unit: str
    dated: DatedValue


def reads_of(known: Known) -> dict[str, tuple[str, ...]]:
    """Parameter paths that each known name reads; none for a plain list of names."""
    if isinstance(known, Mapping):
        return {name: tuple(paths) for name, paths in known.items()}
    return dict.fromkeys(known, ())


def needed_years(
    scenario: Scenario, parameter: Parameter, rules: Known = (), instruments: Known = ()
) -> tuple[int, ...]:
    """Years of the study in which a parameter must have a value.

    Notes
    -----
    If a known rule or instrument declares that it reads the parameter, these are the years in which the study uses
    one that does. A parameter of the study's own folder that nobody declares is needed in every year: the study put
    it there to be used. Any other packaged parameter is not needed; reading it beyond its validity still stops a run.
    """
    rule_reads, instrument_reads = reads_of(rules), reads_of(instruments)
    readers = {name for name, paths in rule_reads.items() if parameter.path in paths}
    tools = {name for name, paths in instrument_reads.items() if parameter.path in paths}
    if not readers and not tools:
        return scenario.years if parameter.path in scenario.own_parameters else ()
    if tools & set(scenario.market.instruments):
        return scenario.years
    chosen = {
        year: {choice.rule for sector in scenario.allocation if (choice := scenario.rule(sector, year)) is not None}
        for year in scenario.years
    }
    return tuple(year for year, names in chosen.items() if names & readers)


def check_validity(scenario: Scenario, rules: Known = (), instruments: Known = ()) -> list[Issue]:
    """Needed parameters that expire before their last needed year, and needed drafts that the study forbids."""
    issues = []
    for path in scenario.parameters:
        parameter = scenario.parameters.get(path)
        years = needed_years(scenario, parameter, rules, instruments)
        alive = any(dated[-1].value is not None for dated in parameter.values.values())
        if years and alive and years[-1] > parameter.valid_until:
            issues.append(
                Issue(
                    "expired-parameter",
                    parameter.file,
                    f"{path} is valid until {parameter.valid_until}, but the study needs it in {years[-1]}.",
                    f"参数 {path} 有效期至 {parameter.valid_until} 年，但研究在 {years[-1]} 年仍需使用。",
                    "Give a value for the later years and a new `valid_until`, or end the rule with null.",
                    "请补充以后年份的数值并更新 valid_until，或用 null 结束该规则。",
                    line=parameter.line,
                )
            )
        if not scenario.allow_draft and years:
            issues += _drafts(parameter, years)
    return issues


def _drafts(parameter: Parameter, years: Iterable[int]) -> list[Issue]:
    found = {(used.labels, used.dated) for used in _in_force(parameter, years) if used.dated.basis == "draft"}
    return [
        Issue(
            "draft",
            parameter.file,
            f"{'.'.join((parameter.path, *labels))} from {dated.applies_from} is a draft, "
            "which this study does not allow.",
            f"参数 {'.'.join((parameter.path, *labels))} 自 {dated.applies_from} 年起为征求意见稿，本研究不允许使用。",
            "Say `allow_draft: true` in scenario.yaml, or give a value of your own.",
            "请在 scenario.yaml 中设置 allow_draft: true，或自行给定数值。",
            line=parameter.line,
        )
        for labels, dated in sorted(found, key=lambda item: (item[0], item[1].applies_from))
    ]


def _in_force(parameter: Parameter, years: Iterable[int]) -> list[UsedValue]:
    """Dated values that apply in at least one of the years, once each, in order."""
    wanted = [year for year in years if year <= parameter.valid_until]
    used = []
    for labels, values in parameter.values.items():
        for place, dated in enumerate(values):
            ends = values[place + 1].applies_from if place + 1 < len(values) else parameter.valid_until + 1
            if dated.value is not None and any(dated.applies_from <= year < ends for year in wanted):
                used.append(UsedValue(parameter.path, labels, parameter.unit, dated))
    return used


def drafts_used(scenario: Scenario, rules: Known | None = None, instruments: Known = ()) -> tuple[UsedValue, ...]:
    """Draft values in force during the study.

    Parameters
    ----------
    scenario : Scenario
        Study whose parameters are looked through.
    rules, instruments : mapping of str to paths, optional
        What each rule and instrument reads; if given, only parameters that the study needs are listed.
    """
    found: list[UsedValue] = []
    for path in scenario.parameters:
        parameter = scenario.parameters.get(path)
        years = scenario.years if rules is None else needed_years(scenario, parameter, rules, instruments)
        found += [used for used in _in_force(parameter, years) if used.dated.basis == "draft"]
    return tuple(found)


def basis_listing(scenario: Scenario) -> pd.DataFrame:
    """Every parameter value in force and every table row with its basis and source.

    Returns
    -------
    DataFrame
        Columns ``kind`` (``parameter`` or the table), ``item``, ``basis``, ``source``, ``where``.
    """
    rows = []
    for path in scenario.parameters:
        for used in _in_force(scenario.parameters.get(path), scenario.years):
            item = ".".join((path, *used.labels, str(used.dated.applies_from)))
            rows.append(("parameter", item, used.dated.basis, used.dated.source, used.dated.where))
    for name, frame in scenario.tables.items():
        where = frame["where"] if "where" in frame else [""] * len(frame)
        for key, basis, source, place in zip(frame.iloc[:, 0], frame["basis"], frame["source"], where, strict=True):
            rows.append((name, str(key), basis, source, place))
    return pd.DataFrame(rows, columns=["kind", "item", "basis", "source", "where"])
