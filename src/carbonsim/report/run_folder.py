"""The run folder: everything a run leaves behind, written so that the same input gives the same bytes.

Only ``manifest.json`` holds times and the machine; every other file depends on the inputs alone.
"""

from __future__ import annotations

import json
import platform
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from carbonsim.errors import InputError
from carbonsim.forcing import GROUPS
from carbonsim.inputs.files import sha256_of_file, write_bytes, write_text
from carbonsim.report import figures
from carbonsim.report.html import write_report
from carbonsim.report.labels import phrase
from carbonsim.report.workbook import write_workbook
from carbonsim.study import Results
from carbonsim.study.provenance import versions

MANIFEST = "manifest.json"
ILLUSTRATIVE = f"{phrase('illustrative', 'zh')} / {phrase('illustrative', 'en')}"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What only the manifest knows: the command, the wall time, the warnings."""

    studies: tuple[str, ...]
    lang: str
    seconds: float
    anonymised: bool = False
    warnings: tuple[str, ...] = ()
    inputs: Mapping[str, Path] = field(default_factory=dict)


def check_target(out: Path, *, force: bool) -> None:
    """Raise InputError if ``out`` holds anything that a run may not replace."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not out.is_dir():
        raise InputError(f"{out}: is a file; give a folder with --out.", f"{out}：是文件；请用 --out 指定文件夹。")
    if not (out / MANIFEST).is_file():
        raise InputError(
            f"{out}: holds files that are not a carbonsim run; give another folder with --out.",
            f"{out}：其中有不属于 carbonsim 运行结果的文件；请用 --out 指定其他文件夹。",
        )
    if not force:
        raise InputError(
            f"{out}: holds an earlier run; give another folder with --out, or replace it with --force.",
            f"{out}：已有以前的运行结果；请用 --out 指定其他文件夹，或用 --force 替换。",
        )


def write_run(
    results: Results,
    out: Path,
    record: RunRecord,
    *,
    force: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> None:
    """Write the run folder beside its place and move it there when it is complete.

    Parameters
    ----------
    results : Results
        What ``simulate`` gave.
    out : Path
        Folder to make; an earlier run there is replaced only with ``force``.
    record : RunRecord
        What goes into the manifest beside the results.
    progress : callable, optional
        Called with (what is being written, files done, files in all).

    Raises
    ------
    InputError
        If ``out`` holds something that is not an earlier run, or one without ``force``.
    """
    check_target(out, force=force)
    out.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        _fill(results, made, record, progress or (lambda *_: None))
        if out.exists():
            shutil.rmtree(out)
        made.chmod(0o755)
        made.rename(out)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


def _fill(results: Results, folder: Path, record: RunRecord, progress: Callable[[str, int, int], None]) -> None:
    tables = result_tables(results)
    names = figures.available(results.dataset)
    steps = 5 + len(names)
    progress("results.nc", 0, steps)
    results.save(folder / "results.nc")
    write_text(folder / "summary.csv", tables["summary"].to_csv(float_format="%.10g", lineterminator="\n"))
    progress("tables", 1, steps)
    (folder / "tables").mkdir()
    for name, table in tables.items():
        plain = table.copy()
        plain.attrs = {}
        plain.to_parquet(folder / "tables" / f"{name}.parquet", compression="zstd")
    (folder / "inputs").mkdir()
    for name, path in sorted(record.inputs.items()):
        target = folder / "inputs" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(target, path.read_bytes())
    progress("results.xlsx", 2, steps)
    write_workbook(folder / "results.xlsx", results, lang=record.lang)
    (folder / "figures").mkdir()
    drawings = {}
    for done, name in enumerate(names):
        progress(f"figures/{name}", 3 + done, steps)
        drawings[name] = figures.save(results.dataset, name, folder / "figures", lang=record.lang)
    progress("report.html", steps - 2, steps)
    write_report(folder / "report.html", results, lang=record.lang, drawings=drawings)
    write_text(folder / MANIFEST, json.dumps(_manifest(results, folder, record), ensure_ascii=False, indent=1))
    progress(MANIFEST, steps, steps)


def result_tables(results: Results) -> dict[str, pd.DataFrame]:
    """The tables of a run by name: summary, pressure by every group, positions, options, sources, basis."""
    tables = {"summary": results.summary(), "sources": results.sources()}
    tables |= {f"pressure_{group}": results.pressure(group) for group in GROUPS}
    for group in GROUPS:
        columns = ["scenario", group, "year", "indicator", "reason_en", "reason_zh"]
        tables[f"absent_{group}"] = pd.DataFrame(tables[f"pressure_{group}"].attrs["absent"], columns=columns)
    first = results.scenarios[0]
    years = [int(year) for year in results.run(first)["year"].values]
    tables["position"] = pd.concat([results.position(year) for year in years], keys=years, names=["year"])
    tables["basis"] = pd.concat([results.basis_shares(name) for name in results.scenarios], keys=results.scenarios,
                                names=["scenario"])  # fmt: skip
    tables["announcement_effect"] = pd.concat(
        [results.announcement_effect(scenario=name) for name in results.scenarios], keys=results.scenarios,
        names=["scenario"],
    )  # fmt: skip
    if results.dataset.attrs.get("illustrative"):
        for table in tables.values():
            table["notice"] = ILLUSTRATIVE
    return tables


def _manifest(results: Results, folder: Path, record: RunRecord) -> dict[str, Any]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        "carbonsim": versions()["carbonsim"],
        "studies": list(record.studies),
        "lang": record.lang,
        "anonymised": record.anonymised,
        "seeds": [],
        "versions": versions(),
        "platform": platform.platform(),
        "wall_seconds": round(record.seconds, 3),
        "warnings": list(record.warnings),
        "engines": {name: results.provenance[name]["engine"] for name in results.scenarios},
        "certificates": {
            name: {"lines": len(lines), "failed": sum(not line["passed"] for line in lines)}
            for name, lines in results.certificate.items()
        },
        "inputs": {name: results.provenance[name]["inputs"] for name in results.scenarios},
        "files": {str(path.relative_to(folder)): sha256_of_file(path) for path in files},
    }


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a run folder; InputError if there is none."""
    path = folder / MANIFEST
    if not path.is_file():
        raise InputError(f"{folder}: has no {MANIFEST}; give the folder of a carbonsim run.")
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return manifest


def differences(one: Path, other: Path) -> list[str]:
    """Files of two run folders that differ or stand in only one of them, the manifest left out."""
    found = []
    listed = [
        {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {MANIFEST}
        for folder in (one, other)
    ]
    for name in sorted(listed[0] ^ listed[1]):
        found.append(f"{name}: only in {one if name in listed[0] else other}")
    found += [
        f"{name}: bytes differ"
        for name in sorted(listed[0] & listed[1])
        if (one / name).read_bytes() != (other / name).read_bytes()
    ]
    return found
