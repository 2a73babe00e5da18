"""Reads a study or a variation of one: every file it names, every fault at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from carbonsim.errors import InputError, Issue, ScenarioError
from carbonsim.inputs.changes import CHANGE_PREFIX, apply_changes
from carbonsim.inputs.columns import FIRST_YEAR, LAST_YEAR, SHEETS, TABLES
from carbonsim.inputs.cross_checks import check_across, check_rules, to_inside_units
from carbonsim.inputs.factor_overlay import overlay, read_own_factors
from carbonsim.inputs.factors import Factors, packaged_factors
from carbonsim.inputs.finance_gaps import finance_gaps
from carbonsim.inputs.locate import SCENARIO_FILE, Location, chain_of_changes, locate
from carbonsim.inputs.parameters import ParameterSet
from carbonsim.inputs.paths import packaged_names
from carbonsim.inputs.plausibility import own_fuel_faults
from carbonsim.inputs.records import Change, MarketChoice, RuleChoice, Source, Tables
from carbonsim.inputs.scenario import Scenario
from carbonsim.inputs.schema import validate, yaml_issue
from carbonsim.inputs.study_parts import Reading, check_names, read_parameters, read_sources
from carbonsim.inputs.table_checks import Origin, check_table
from carbonsim.inputs.tables import TableFiles, read_csv_folder, read_workbook
from carbonsim.inputs.validity import Known, check_validity
from carbonsim.inputs.yaml_loader import YamlFile, read_yaml

WORKBOOK = "tables.xlsx"
FACTOR_FOLDER = "factors"


def read_scenario(name_or_path: str | Path) -> Scenario:
    """The checked scenario of a packaged study, a study folder, or a ``.yaml`` of either kind.

    Parameters
    ----------
    name_or_path : str or Path
        ``"panzhihua"``, ``"panzhihua/faster"`` (a packaged study and variation), a folder with ``scenario.yaml``,
        that file itself, or a change file that extends another study.

    Returns
    -------
    Scenario

    Raises
    ------
    ScenarioError
        With every fault of every file, not only the first.
    """
    scenario, issues = _read(name_or_path)
    errors = [issue for issue in in_order(issues) if issue.severity == "error"]
    if errors or scenario is None:
        raise ScenarioError(errors or [Issue("study", str(name_or_path), "cannot be read.", "无法读取。")])
    return scenario


def check_scenario(path: str | Path, known_rules: Known = (), known_instruments: Known = ()) -> list[Issue]:
    """Every fault and warning of a study or variation, in the order of its files.

    Parameters
    ----------
    path : str or Path
        As for `read_scenario`.
    known_rules, known_instruments : names, or mapping of name to the parameter paths it reads
        Registered allocation rules and instruments. Names are checked if any are given; with the paths, a parameter
        that expires before the study stops reading it is a fault (see `inputs.validity.needed_years`).

    Returns
    -------
    list of Issue
        Without one of severity ``error`` the study can be run; a warning says what its results will lack.
    """
    try:
        scenario, issues = _read(path, known_rules, known_instruments)
    except InputError as problem:
        return list(problem.issues)
    del scenario
    return in_order(issues)


def in_order(issues: Iterable[Issue], names: Iterable[str] = tuple(SHEETS)) -> list[Issue]:
    """Faults by file, then by sheet as the sheets stand in the template, then by row; each only once."""
    sheets = {name: place for place, name in enumerate(names)}
    return sorted(
        dict.fromkeys(issues),
        key=lambda issue: (issue.source, sheets.get(issue.sheet, -1), issue.sheet, issue.line or issue.row or 0),
    )


def packaged_studies() -> list[tuple[str, str, str]]:
    """Packaged studies and their variations: name, English title, Chinese title."""
    found = []
    for name in packaged_names():
        location = locate(name)
        document, _ = read_yaml(location.change_file or location.study / SCENARIO_FILE, name)
        title = document.data.get("title", {}) if document is not None else {}
        found.append((name, str(title.get("en", name)), str(title.get("zh", name))))
    return found


def _read(name_or_path: str | Path, rules: Known = (), instruments: Known = ()) -> tuple[Scenario | None, list[Issue]]:
    location = locate(name_or_path)
    if location.change_file is None:
        return _read_study(location, rules, instruments)
    files, root, issues = chain_of_changes(location)
    if root is None:
        return None, issues
    scenario, found = _read_study(root, rules, instruments)
    issues += found
    for document, path in files:
        scenario, found = _apply_file(scenario, document, path, rules, instruments)
        issues += found
    return scenario, issues


def _apply_file(
    scenario: Scenario | None, document: YamlFile, path: Path, rules: Known, instruments: Known
) -> tuple[Scenario | None, list[Issue]]:
    fields, issues = validate("change_file", document.data, document)
    changes = [
        Change(str(key), entry.get("value"), entry.get("basis", ""), entry.get("why", ""), entry.get("source", ""))
        for key, entry in fields.get("changes", {}).items()
    ]
    title = fields.get("title", {})
    if scenario is None or issues or "name" not in fields:
        return None, issues
    try:
        changed = apply_changes(
            scenario,
            changes,
            name=fields["name"],
            title_en=title.get("en", ""),
            title_zh=title.get("zh", ""),
            description=fields.get("description", ""),
        )
    except InputError as problem:
        return None, [_in_file(issue, document) for issue in problem.issues]
    name = f"changes/{path.name}"
    changed = dataclasses.replace(
        changed,
        input_hashes={**changed.input_hashes, name: document.sha256},
        input_files={**changed.input_files, name: path},
    )
    return changed, [
        *issues,
        *check_names(document, changed, rules, instruments),
        *check_validity(changed, rules, instruments),
    ]


def _in_file(issue: Issue, document: YamlFile) -> Issue:
    """A fault of a change at its line of the change file; a fault it causes in a table keeps its place."""
    if not issue.source.startswith(CHANGE_PREFIX):
        return issue
    path = issue.source.removeprefix(CHANGE_PREFIX)
    message, chinese = f"{path}: {issue.message}", f"{path}：{issue.message_zh}"
    return dataclasses.replace(
        issue, source=document.source, line=document.line("changes", path), message=message, message_zh=chinese
    )


def _read_study(location: Location, rules: Known, instruments: Known) -> tuple[Scenario | None, list[Issue]]:
    folder, shown = location.study, location.shown
    reading = Reading()
    document, reading.issues = read_yaml(folder / SCENARIO_FILE, f"{shown}/{SCENARIO_FILE}")
    if document is None:
        return None, reading.issues
    reading.note(SCENARIO_FILE, document.sha256, folder / SCENARIO_FILE)
    fields, faults = validate("scenario", document.data, document)
    yaml_lines = {issue.line for issue in reading.issues}
    reading.issues += [fault for fault in faults if fault.line not in yaml_lines]
    tables = _table_files(folder, shown, reading)
    sources = read_sources(folder, shown, tables, reading)
    parameters, own = read_parameters(folder, shown, fields.get("parameters", []), document, sources, reading)
    factors = _own_factors(folder / FACTOR_FOLDER, sources, reading)
    frames, origins = _checked_tables(tables, sources, fields, reading, factors)
    years = _years(fields.get("years"), document, reading)
    scenario = _assemble(
        fields,
        years,
        frames,
        origins,
        ParameterSet(parameters, fields.get("allow_draft", False)),
        sources,
        own,
        reading,
        factors,
    )
    reading.issues += check_names(document, scenario, rules, instruments)
    reading.issues += check_validity(scenario, rules, instruments)
    if years:
        reading.issues += check_rules(scenario.allocation, frames, origins, years)
    complete = set(TABLES) <= set(frames) and {"name", "title", "years", "base_year", "price_year"} <= set(fields)
    return (scenario if complete and years else None), reading.issues


def _assemble(
    fields: Mapping[str, Any],
    years: tuple[int, ...],
    frames: Mapping[str, Any],
    origins: Mapping[str, Origin],
    parameters: ParameterSet,
    sources: Mapping[str, Source],
    own: frozenset[str],
    reading: Reading,
    factors: Factors | None,
) -> Scenario:
    market = fields.get("market", {})
    title = fields.get("title", {})
    allocation = {
        sector: {year: RuleChoice(choice["rule"], choice["options"]) for year, choice in sorted(rules.items())}
        for sector, rules in fields.get("allocation", {}).items()
    }
    return Scenario(
        name=fields.get("name", ""),
        title_en=title.get("en", ""),
        title_zh=title.get("zh", ""),
        description=fields.get("description", ""),
        years=years,
        base_year=fields.get("base_year", 0),
        price_year=fields.get("price_year", 0),
        illustrative=fields.get("illustrative", False),
        allow_draft=fields.get("allow_draft", False),
        tables=Tables(frames),
        parameters=parameters,
        allocation=allocation,
        market=MarketChoice(market.get("scope", "local"), tuple(market.get("instruments", ()))),
        sources=sources,
        input_hashes=dict(sorted(reading.hashes.items())),
        origins=origins,
        own_parameters=own,
        input_files=dict(sorted(reading.files.items())),
        factors=factors,
    )


def _own_factors(folder: Path, sources: Mapping[str, Source], reading: Reading) -> Factors | None:
    """The packaged factor tables with those of the study on top; None if it has none."""
    if not folder.is_dir():
        return None
    try:
        own = read_own_factors(folder, sources)
        reading.issues += own_fuel_faults(own.tables, own.origins, packaged_factors())
        factors = overlay(packaged_factors(), own)
    except InputError as problem:
        reading.issues += problem.issues
        return None
    for name, digest in own.hashes.items():
        reading.note(name, digest, own.files[name])
    return factors


def _years(given: list[int] | None, document: YamlFile, reading: Reading) -> tuple[int, ...]:
    if given is None:
        return ()
    first, last = given
    if not FIRST_YEAR <= first <= last <= LAST_YEAR:
        reading.issues.append(
            yaml_issue(
                document,
                ["years"],
                "bad-year",
                (
                    f"years are {first} to {last}, expected [first, last].",
                    f"年份为 {first} 至 {last}，应为 [首年, 末年]。",
                ),
            )
        )
        return ()
    return tuple(range(first, last + 1))


def _table_files(folder: Path, shown: str, reading: Reading) -> TableFiles:
    workbook = folder / WORKBOOK
    if not workbook.is_file():
        files = read_csv_folder(folder / "tables", f"{shown}/tables")
    else:
        files = read_workbook(workbook, f"{shown}/{WORKBOOK}")
        if (folder / "tables").is_dir():
            reading.issues.append(
                Issue(
                    "two-inputs",
                    f"{shown}/{WORKBOOK}",
                    "the study also has a folder tables/.",
                    "研究中还有 tables/ 文件夹。",
                    "Keep one of the two.",
                    "请只保留其中之一。",
                )
            )
    reading.issues += files.issues
    for name, digest in files.hashes.items():
        inside = name.removeprefix(f"{shown}/")
        reading.note(inside, digest, folder / inside)
    return files


def _checked_tables(
    files: TableFiles,
    sources: Mapping[str, Source],
    fields: Mapping[str, Any],
    reading: Reading,
    factors: Factors | None,
) -> tuple[dict[str, Any], dict[str, Origin]]:
    frames, origins = {}, {}
    for name, table in TABLES.items():
        if name in files.tables:
            frames[name], origins[name], issues = check_table(files.tables[name], table, sources)
            reading.issues += issues
            if not fields.get("allow_draft", False):
                reading.issues += [
                    origins[name].issue(
                        "draft",
                        place,
                        "basis",
                        "draft",
                        ("rests on a draft, which this study does not allow.", "本研究不允许使用征求意见稿。"),
                    )
                    for place, basis in enumerate(frames[name]["basis"])
                    if basis == "draft"
                ]
    if {"base_year", "price_year"} <= set(fields):
        base_year, price_year = fields["base_year"], fields["price_year"]
        reading.issues += check_across(frames, origins, base_year=base_year, price_year=price_year, factors=factors)
        reading.issues += finance_gaps(frames, origins, base_year)
    converted, issues = to_inside_units(frames, origins, factors)
    reading.issues += issues
    return converted, origins
