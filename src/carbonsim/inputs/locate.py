"""Finds the files of a study by name or path, and follows ``extends`` without leaving the study's root."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from carbonsim.errors import InputError, Issue, did_you_mean
from carbonsim.inputs.paths import packaged_names, scenarios_folder
from carbonsim.inputs.schema import NAME_PATTERN, yaml_issue
from carbonsim.inputs.yaml_loader import YamlFile, read_yaml

MAX_CHAIN = 8
SCENARIO_FILE = "scenario.yaml"


@dataclass(frozen=True, slots=True)
class Location:
    """Where a study is: its folder, the name its files are shown under, and the change file if it is a variation."""

    study: Path
    shown: str
    change_file: Path | None = None


def locate(name_or_path: str | Path) -> Location:
    """The place of a study or variation.

    A plain name means a packaged study first; a ``Path``, or text that begins with ``.`` or ends with a separator or
    ``.yaml``, always means a file or folder of the user.

    Raises
    ------
    InputError
        If nothing is found; lists the packaged studies.
    """
    text = os.fspath(name_or_path)
    explicit = isinstance(name_or_path, Path) or text.startswith(".") or text.endswith((os.sep, "/", ".yaml"))
    found = None if explicit or Path(text).is_absolute() else _packaged(text)
    found = found or _local(Path(text))
    if found is None and text.lower().endswith(".xlsx"):
        command = f"carbonsim init {text} --policy panzhihua --out my"
        raise InputError(Issue("workbook", text, f"this is a workbook: {command}", f"这是工作簿，请先运行：{command}"))
    if found is None:
        known = packaged_names()
        raise InputError(
            Issue(
                "unknown-study",
                text,
                "no such study.",
                "找不到该研究。",
                f"{did_you_mean(text, known)} Packaged: {', '.join(known)}. Or give a study folder.".strip(),
                f"内置研究：{'、'.join(known)}；也可给出含 {SCENARIO_FILE} 的文件夹。",
            )
        )
    return found


def _packaged(name: str) -> Location | None:
    study, _, variation = name.partition("/")
    if not re.match(NAME_PATTERN, study) or (variation and not re.match(NAME_PATTERN, variation)):
        return None
    folder = scenarios_folder() / study
    if not (folder / SCENARIO_FILE).is_file():
        return None
    if not variation:
        return Location(folder, study)
    change = folder / "changes" / f"{variation}.yaml"
    return Location(folder, study, change) if change.is_file() else None


def _local(path: Path) -> Location | None:
    shown = path.as_posix().rstrip("/") or "."
    if (path / SCENARIO_FILE).is_file():
        return Location(path, shown)
    if path.name == SCENARIO_FILE and path.is_file():
        return Location(path.parent, path.parent.as_posix())
    if path.suffix in (".yaml", ".yml") and path.is_file():
        return Location(path.parent, path.parent.as_posix(), path)
    variation = path.parent / "changes" / f"{path.name}.yaml"
    if (path.parent / SCENARIO_FILE).is_file() and variation.is_file():
        return Location(path.parent, path.parent.as_posix(), variation)
    return None


def chain_of_changes(location: Location) -> tuple[list[tuple[YamlFile, Path]], Location | None, list[Issue]]:
    """The change files from the first to apply to the last, the study they rest on, and the faults met on the way."""
    files: list[tuple[YamlFile, Path]] = []
    issues: list[Issue] = []
    seen: list[Path] = []
    current = location
    while current.change_file is not None:
        path = current.change_file
        document, found = read_yaml(path, f"{current.shown}/{path.relative_to(current.study).as_posix()}")
        issues += found
        if document is None:
            return files, None, issues
        files.insert(0, (document, path))
        extends = document.data.get("extends") if isinstance(document.data, dict) else None
        if not isinstance(extends, str):
            issues.append(
                yaml_issue(document, ["extends"], "missing-key", ("'extends' is missing.", "缺少“extends”。"))
            )
            return files, None, issues
        seen.append(path.resolve())
        following, fault = _extended(current, extends, document)
        if following is not None and following.change_file is not None and following.change_file.resolve() in seen:
            fault = ("cycle", "the change files extend each other in a circle.", "变更文件循环引用。")
        elif len(seen) >= MAX_CHAIN:
            fault = (
                "depth",
                f"more than {MAX_CHAIN} change files extend each other.",
                f"变更文件嵌套超过 {MAX_CHAIN} 层。",
            )
        if fault or following is None:
            code, *texts = fault or ("unknown-study", "cannot be found.", "找不到。")
            issues.append(yaml_issue(document, ["extends"], code, tuple(texts), extends))
            return files, None, issues
        current = following
    return files, current, issues


def _extended(location: Location, extends: str, document: YamlFile) -> tuple[Location | None, tuple[str, ...] | None]:
    """What a change file rests on: the study around it, a file beside it, a packaged study, or a path."""
    assert location.change_file is not None  # noqa: S101  only called for change files
    folder = location.change_file.parent
    root = folder.parent if folder.name == "changes" and (folder.parent / SCENARIO_FILE).is_file() else folder
    shown = root.as_posix() if root != location.study else location.shown
    if re.match(NAME_PATTERN, extends):
        if root != folder and extends in (root.resolve().name, _name_of(root)):
            return Location(root, shown), None
        beside = folder / f"{extends}.yaml"
        if beside.is_file():
            return Location(root, shown, beside), None
    packaged = _packaged(extends)
    if packaged is not None:
        return packaged, None
    target = (folder / extends).resolve()
    if Path(extends).is_absolute() or not target.is_relative_to(root.resolve()):
        return None, ("path-escape", f"'{extends}' leads out of the study's folder.", f"“{extends}”超出研究文件夹。")
    found = _local(root / target.relative_to(root.resolve()))
    if found is not None:
        return found, None
    hint = did_you_mean(extends, [*packaged_names(), *(path.stem for path in folder.glob("*.yaml"))])
    return None, (
        "unknown-study",
        f"'{extends}' is no packaged study and no file beside this one.",
        f"“{extends}”不是内置研究，也不是同目录文件。",
        hint,
    )


def _name_of(study: Path) -> str:
    document, _ = read_yaml(study / SCENARIO_FILE)
    name = document.data.get("name") if document is not None and isinstance(document.data, dict) else ""
    return str(name)
