"""The parts of a study beside its tables: sources, parameters, and the names it uses of other rooms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from carbonsim.errors import Issue, did_you_mean
from carbonsim.inputs.columns import SECTORS, SOURCES
from carbonsim.inputs.factors import packaged_factors
from carbonsim.inputs.parameter_files import parse_date, read_parameter_folder
from carbonsim.inputs.parameters import Parameter
from carbonsim.inputs.paths import scenarios_folder
from carbonsim.inputs.records import Source
from carbonsim.inputs.scenario import Scenario
from carbonsim.inputs.schema import validate, yaml_issue
from carbonsim.inputs.sources_sheet import sources_of_sheet
from carbonsim.inputs.tables import TableFiles
from carbonsim.inputs.validity import Known, reads_of
from carbonsim.inputs.yaml_loader import YamlFile, read_yaml

PACKAGED = "scenarios"


@dataclass(slots=True)
class Reading:
    """What is gathered while a study is read."""

    issues: list[Issue] = field(default_factory=list)
    hashes: dict[str, str] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)

    def note(self, name: str, digest: str, path: Path) -> None:
        """Remember a file that was read: its name inside the study, its hash and its place."""
        self.hashes[name], self.files[name] = digest, path


def read_sources(folder: Path | None, shown: str, tables: TableFiles, reading: Reading) -> dict[str, Source]:
    """Sources of the package, of the folder and of the workbook; the later one of two with the same key counts."""
    sources: dict[str, Source] = {}
    packaged = scenarios_folder() / "sources.yaml"
    files = [(packaged, f"{PACKAGED}/sources.yaml", f"{PACKAGED}/sources.yaml")]
    if folder is not None:
        files.append((folder / "sources.yaml", f"{shown}/sources.yaml", "sources.yaml"))
    for path, source, name in files:
        if not path.is_file():
            continue
        document, found = read_yaml(path, source)
        reading.issues += found
        if document is None:
            continue
        reading.note(name, document.sha256, path)
        for key, entry in document.data.items():
            fields, faults = validate("source", entry, document, str(key))
            reading.issues += faults
            if fields.get("read_on") and parse_date(fields["read_on"]) is None:
                reading.issues.append(
                    yaml_issue(
                        document,
                        [key, "read_on"],
                        "bad-date",
                        (f"'{fields['read_on']}' is no ISO date.", f"“{fields['read_on']}”不是 ISO 日期。"),
                    )
                )
            sources[str(key)] = Source(**{"key": str(key), "title": str(key), **fields})
    sheet = tables.tables.get(SOURCES.name)
    if sheet is not None:
        listed, found = sources_of_sheet(sheet)
        sources |= listed
        reading.issues += found
    return sources


def read_parameters(
    folder: Path, shown: str, names: list[str], document: YamlFile, sources: Mapping[str, Source], reading: Reading
) -> tuple[dict[str, Parameter], frozenset[str]]:
    """Parameters of the named packaged folders and of the study's own, and the paths of its own."""
    root = scenarios_folder() / "parameters"
    known = sorted(path.name for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    parameters: dict[str, Parameter] = {}
    for name in names:
        if name not in known:
            reading.issues.append(
                yaml_issue(
                    document,
                    ["parameters"],
                    "unknown-parameters",
                    (
                        f"parameter folder '{name}' is not known.",
                        f"未知的参数文件夹“{name}”。",
                        did_you_mean(name, known) or f"Known: {', '.join(known)}.",
                    ),
                    name,
                )
            )
            continue
        source = f"{PACKAGED}/parameters/{name}"
        found, hashes, issues = read_parameter_folder(root / name, source, sources)
        parameters |= found
        reading.issues += issues
        for key, digest in hashes.items():
            reading.note(key, digest, root / name / key.rpartition("/")[2])
    found, hashes, issues = read_parameter_folder(folder / "parameters", f"{shown}/parameters", sources)
    reading.issues += issues
    for key, digest in hashes.items():
        inside = key.removeprefix(f"{shown}/")
        reading.note(inside, digest, folder / inside)
    for key, digest in packaged_factors().hashes.items():
        reading.note(f"{PACKAGED}/parameters/china/{key}", digest, root / "china" / key)
    return parameters | found, frozenset(found)


def check_names(document: YamlFile, scenario: Scenario, rules: Known, instruments: Known) -> list[Issue]:
    """Names of sectors, rules and instruments that nobody knows."""
    issues = []
    known_rules, known_instruments = reads_of(rules), reads_of(instruments)
    for sector, choices in scenario.allocation.items():
        if sector not in SECTORS:
            issues.append(
                yaml_issue(
                    document,
                    ["allocation", sector],
                    "unknown-sector",
                    (f"sector '{sector}' is not known.", f"未知的行业“{sector}”。", did_you_mean(sector, SECTORS)),
                    sector,
                )
            )
        for year, choice in choices.items():
            if known_rules and choice.rule not in known_rules:
                hint = did_you_mean(choice.rule, known_rules) or f"Known: {', '.join(sorted(known_rules))}."
                issues.append(
                    yaml_issue(
                        document,
                        ["allocation", sector, year],
                        "unknown-rule",
                        (f"allocation rule '{choice.rule}' is not known.", f"未知的分配规则“{choice.rule}”。", hint),
                        choice.rule,
                    )
                )
    for name in scenario.market.instruments:
        if known_instruments and name not in known_instruments:
            hint = did_you_mean(name, known_instruments) or f"Known: {', '.join(sorted(known_instruments))}."
            issues.append(
                yaml_issue(
                    document,
                    ["market", "instruments"],
                    "unknown-instrument",
                    (f"instrument '{name}' is not known.", f"未知的市场工具“{name}”。", hint),
                    name,
                )
            )
    return issues
