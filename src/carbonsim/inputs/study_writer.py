"""Makes a study folder from a filled workbook and the policy of a packaged study."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from carbonsim.errors import InputError, Issue, ScenarioError
from carbonsim.inputs.columns import TABLES
from carbonsim.inputs.cross_checks import check_across, to_inside_units
from carbonsim.inputs.files import new_folder, write_bytes, write_text
from carbonsim.inputs.locate import SCENARIO_FILE, locate
from carbonsim.inputs.measure_reach import reach_of, takers
from carbonsim.inputs.records import Source
from carbonsim.inputs.scenario import Scenario
from carbonsim.inputs.sources_sheet import sources_of_sheet
from carbonsim.inputs.study import check_scenario, in_order, read_scenario
from carbonsim.inputs.table_checks import check_table
from carbonsim.inputs.tables import RawTable, TableFiles, read_csv_folder, read_workbook
from carbonsim.inputs.template_rows import SOURCE as EXAMPLE_SOURCE

OPTIONAL_SHEETS = ("coverage", "sources", "measures")
Record = dict[str, str]


@dataclass(frozen=True, slots=True)
class _Policy:
    """What a packaged study lends: its folder, its rows as text, its scenario as checked."""

    folder: Path
    tables: dict[str, list[Record]]
    scenario: Scenario


def init_study(workbook: str | Path, out_dir: str | Path, policy: str = "panzhihua", *, force: bool = False) -> Path:
    """Make a study folder from a filled workbook and the policy of a packaged study.

    Parameters
    ----------
    workbook : str or Path
        A filled template (see `write_template`).
    out_dir : str or Path
        Folder to make; it must not exist or be empty. It appears only when it is complete and checked.
    policy : str
        Packaged study whose years, market, allocation, parameters and coverage are taken. The blocks of a national
        market come along with their facilities, activity, finances and measures.
    force : bool
        Replace the folder if it is a study (it holds ``scenario.yaml``): all that is in it goes once the new study
        is complete and checked, and nothing goes if it is not.

    Returns
    -------
    Path
        The folder made.

    Raises
    ------
    ScenarioError
        With every fault of the workbook, by sheet, row and column, or of the study it makes.
    InputError
        If the folder exists, is not empty and may not be replaced, or the policy is not known.

    Notes
    -----
    A coverage row of the workbook replaces the policy's row of that sector. For a sector with measures in the
    workbook, these apply to its enterprises and the policy's to the blocks only; for any other sector the policy's
    measures apply to both.
    """
    target = Path(out_dir)
    lent = _policy(policy)
    files = read_workbook(Path(workbook), str(workbook))
    sources = _checked(files, lent)
    own = {name: _records(files.tables[name]) if name in files.tables else [] for name in TABLES}
    with new_folder(target, replace=force and _replaceable(target, Path(workbook))) as folder:
        for name, records in _merged(own, lent).items():
            write_text(folder / "tables" / f"{name}.csv", _csv(TABLES[name].names(), records))
        write_text(folder / SCENARIO_FILE, _scenario_yaml(lent, target.resolve().name, illustrative=_has_examples(own)))
        _write_sources(folder, lent, sources)
        for path in sorted((lent.folder / "parameters").glob("*.yaml")):
            write_bytes(folder / "parameters" / path.name, path.read_bytes())
        errors = [issue for issue in check_scenario(folder) if issue.severity == "error"]
        if errors:
            raise ScenarioError(errors)
    return target


def _replaceable(target: Path, workbook: Path) -> bool:
    """Whether a folder is a study; one that holds the workbook itself is never replaced."""
    if workbook.resolve().is_relative_to(target.resolve()):
        raise InputError(
            Issue(
                "workbook-inside",
                str(target),
                "holds the workbook itself.",
                "该文件夹中含有工作簿本身。",
                "Move the workbook out of it first.",
                "请先把工作簿移到别处。",
            )
        )
    return (target / SCENARIO_FILE).is_file()


def _policy(name: str) -> _Policy:
    location = locate(name)
    if location.change_file is not None:
        raise ScenarioError(
            Issue(
                "policy",
                name,
                "is a variation; give a study.",
                "是变化情景，请给出研究名称。",
                f"For example '{name.split('/')[0]}'.",
            )
        )
    files = read_csv_folder(location.study / "tables", f"{location.shown}/tables")
    return _Policy(location.study, {key: _records(table) for key, table in files.tables.items()}, read_scenario(name))


def _records(raw: RawTable) -> list[Record]:
    return [dict(zip(raw.header, cells, strict=True)) for cells in raw.cells]


def _checked(files: TableFiles, lent: _Policy) -> dict[str, Source]:
    """The workbook's own sources, after every sheet has been checked where the user can see the row."""
    issues = [issue for issue in files.issues if not (issue.code == "missing-table" and issue.sheet in OPTIONAL_SHEETS)]
    own: dict[str, Source] = {}
    if "sources" in files.tables:
        own, found = sources_of_sheet(files.tables["sources"])
        issues += found
    frames, origins = {}, {}
    for name, raw in files.tables.items():
        if name in TABLES:
            frames[name], origins[name], found = check_table(raw, TABLES[name], {*own, *lent.scenario.sources})
            issues += [issue for issue in found if not (issue.code == "no-rows" and name in OPTIONAL_SHEETS)]
    scenario = lent.scenario
    issues += check_across(
        frames | {"coverage": scenario.tables["coverage"]},
        origins | {"coverage": scenario.origins["coverage"]},
        base_year=scenario.base_year,
        price_year=scenario.price_year,
    )
    issues += to_inside_units(frames, origins)[1]
    issues += _taken_names(frames, origins, scenario)
    errors = [issue for issue in in_order(issues) if issue.severity == "error"]
    if errors:
        raise ScenarioError(errors)
    return own


def _taken_names(frames: dict[str, Any], origins: dict[str, Any], scenario: Scenario) -> list[Issue]:
    """Codes that the blocks or measures of the policy already use."""
    enterprises = scenario.tables["enterprises"]
    blocks = set(enterprises.loc[enterprises["kind"] == "block", "enterprise"])
    facilities = scenario.tables["facilities"]
    taken = {
        "enterprises": blocks,
        "facilities": set(facilities.loc[facilities["enterprise"].isin(blocks), "facility"]),
        "measures": set(scenario.tables["measures"]["measure"]),
    }
    issues = []
    for table, names in taken.items():
        key = TABLES[table].key[0]
        for place, code in enumerate(frames[table][key] if table in frames else ()):
            if code in names:
                issues.append(
                    origins[table].issue(
                        "name-taken",
                        place,
                        key,
                        code,
                        (
                            f"'{code}' is a name the policy uses already.",
                            f"“{code}”已被政策数据使用。",
                            "Choose another.",
                            "请改名。",
                        ),
                    )
                )
    return issues


def _merged(own: dict[str, list[Record]], lent: _Policy) -> dict[str, list[Record]]:
    """The user's rows, then the rows that the policy lends."""
    policy = lent.tables
    blocks = {row["enterprise"] for row in policy["enterprises"] if row["kind"] == "block"}
    national = blocks if lent.scenario.market.scope == "national" else set()
    theirs = {row["facility"] for row in policy["facilities"] if row["enterprise"] in national}
    given = {row["sector"] for row in own["coverage"]}
    merged = {
        "enterprises": own["enterprises"] + [row for row in policy["enterprises"] if row["enterprise"] in national],
        "facilities": own["facilities"] + [row for row in policy["facilities"] if row["facility"] in theirs],
        "activity": own["activity"] + [row for row in policy["activity"] if row["facility"] in theirs],
        "finances": own["finances"] + [row for row in policy["finances"] if row["enterprise"] in national],
        "coverage": own["coverage"] + [row for row in policy["coverage"] if row["sector"] not in given],
    }
    mine = {row["enterprise"] for row in own["enterprises"]}
    return {**merged, "measures": _merged_measures(own["measures"], policy["measures"], merged, mine)}


def _merged_measures(
    own: list[Record], lent: list[Record], merged: dict[str, list[Record]], mine: set[str]
) -> list[Record]:
    """Own measures for own enterprises; the policy's for the rest, without those that nothing here could take."""
    sectors = {row["sector"] for row in own}
    members: dict[str, list[str]] = {}
    for row in merged["enterprises"]:
        members.setdefault(row["sector"], []).append(row["enterprise"])
    reach = reach_of(merged["facilities"], merged["activity"])
    result = []
    for row in own:
        names = members.get(row["sector"], [])
        split = not row.get("enterprise") and any(name not in mine for name in names)
        mine_here = [name for name in names if name in mine]
        result += _for_each(row, takers(row, reach, mine_here) or mine_here) if split else [row]
    for row in lent:
        able = takers(row, reach, members.get(row["sector"], []))
        if row["sector"] in sectors or row["enterprise"]:
            result += _for_each(row, [name for name in able if name not in mine])
        elif able:
            result.append(row)
    return result


def _for_each(row: Record, enterprises: Sequence[str]) -> list[Record]:
    """One copy of a measure for each enterprise, named after both."""
    if len(enterprises) == 1:
        return [{**row, "enterprise": enterprises[0]}]
    return [{**row, "measure": f"{row['measure']}@{name}", "enterprise": name} for name in enterprises]


def _csv(header: Iterable[str], records: Iterable[Record]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(header), restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return buffer.getvalue()


def _has_examples(own: dict[str, list[Record]]) -> bool:
    """Whether example rows of the template are still there; if so, outputs go on saying that nobody is real."""
    return any(record["source"] == EXAMPLE_SOURCE for records in own.values() for record in records)


def _scenario_yaml(lent: _Policy, name: str, *, illustrative: bool) -> str:
    """The policy's scenario file under a new name; what the workbook gives is not in it."""
    data = yaml.safe_load((lent.folder / SCENARIO_FILE).read_text(encoding="utf-8"))
    plain = "".join(letter if letter.isalnum() or letter in "_-" else "_" for letter in name).lstrip("-") or "study"
    data.update(
        name=plain,
        title={"en": plain, "zh": plain},
        description=f"Enterprises of a filled workbook under the policy of {lent.scenario.name}.",
        illustrative=illustrative,
    )
    return yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=110)


def _write_sources(folder: Path, lent: _Policy, own: dict[str, Source]) -> None:
    path = lent.folder / "sources.yaml"
    data = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}
    for key, source in own.items():
        fields = {
            "title": source.title,
            "url": source.url,
            "read_on": source.read_on,
            "confidence": source.confidence or "read",
            "note": source.note,
        }
        data[key] = {name: value for name, value in fields.items() if value}
    if data:
        write_text(folder / "sources.yaml", yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=110))
