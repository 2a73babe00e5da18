"""The folder of a cleared problem: input, numbers, tables, certificate and pictures; the same input, the same bytes."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from carbonsim.errors import InputError
from carbonsim.inputs.files import new_folder, sha256_of_file, write_bytes, write_text
from carbonsim.market.expected import Comparison
from carbonsim.market.problem_file import NO_CURRENCY, ProblemFile, read_problem
from carbonsim.report import problem_figures
from carbonsim.report.certificate_words import certificate_lines
from carbonsim.report.labels import Lang, language, phrase
from carbonsim.report.market_console import concept_words, frame_of, title_of, with_units
from carbonsim.report.market_labels import money_name
from carbonsim.report.run_folder import MANIFEST, check_target, differences, read_manifest
from carbonsim.report.workbook import workbook_bytes
from carbonsim.study.provenance import versions

VERB = "clear"
FORMAT = "carbonsim-market-1"
INPUTS, TABLES, FIGURES = "inputs", "tables", "figures"
CERTIFICATE, WORKBOOK = "certificate.txt", "results.xlsx"
NUMBERS = "%.17g"


def check_market_target(out: Path, *, force: bool) -> None:
    """Raise InputError if ``out`` holds anything but an earlier clearing that may be replaced."""
    check_target(out, force=force)
    if (out / MANIFEST).is_file() and read_manifest(out).get("verb") != VERB:
        raise InputError(
            f"{out}: holds another kind of run; give another folder with --out.",
            f"{out}：已有另一类运行结果；请用 --out 指定其他文件夹。",
        )


def write_market(
    file: ProblemFile, cleared: Any, comparisons: Sequence[Comparison], out: Path, *, lang: Lang,
    engine: str = "auto", force: bool = False,
) -> None:  # fmt: skip
    """Write the folder of a cleared problem beside its place and move it there when it is complete.

    Parameters
    ----------
    file : ProblemFile
    cleared : Cleared
    comparisons : sequence of Comparison
    out : Path
        Folder to make; an earlier clearing there is replaced only with ``force``.
    lang : {"zh", "en"}
        Language of the pictures and of the certificate's words.
    engine : str
        Engine asked for.
    force : bool

    Raises
    ------
    InputError
        If ``out`` holds something that is not an earlier clearing, or one without ``force``.
    """
    check_market_target(out, force=force)
    with new_folder(out, replace=force) as made:
        _fill(file, cleared, comparisons, made, lang)
        manifest = _manifest(file, cleared, comparisons, made, lang=lang, engine=engine)
        write_text(made / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1) + "\n")


def clear_again(folder: Path) -> list[str]:
    """Clear the stored problem again and say which files differ; none if the folder is byte-equal.

    Raises
    ------
    InputError
        If the folder is no cleared problem.
    """
    manifest = read_manifest(folder)
    if manifest.get("verb") != VERB:
        raise InputError(f"{folder}: is not the folder of a cleared problem.", f"{folder}：不是市场问题的结果文件夹。")
    file = read_problem(folder / INPUTS / manifest["problem"])
    cleared = file.clear(manifest["engine_asked"])
    with tempfile.TemporaryDirectory() as scratch:
        again = Path(scratch) / "again"
        write_market(file, cleared, file.compare(cleared), again, lang=language(manifest["lang"]),
                     engine=manifest["engine_asked"])  # fmt: skip
        return differences(folder, again)


def _fill(file: ProblemFile, cleared: Any, comparisons: Sequence[Comparison], folder: Path, lang: Lang) -> None:
    (folder / INPUTS).mkdir()
    write_bytes(folder / INPUTS / f"{file.name}.yaml", file.path.read_bytes())
    write_bytes(folder / "market.nc", netcdf(file, cleared))
    (folder / TABLES).mkdir()
    for name, frame in tables(file, cleared, comparisons).items():
        written = frame.to_csv(index=False, float_format=NUMBERS, lineterminator="\n")
        write_text(folder / TABLES / f"{name}.csv", written)
    write_bytes(folder / WORKBOOK, _workbook(file, cleared, comparisons, lang))
    write_text(folder / CERTIFICATE, "\n".join([*certificate_lines(cleared.certificate.lines, lang), ""]))
    problem_figures.save_figures(file, cleared, folder / FIGURES, lang=lang, note=note(file, lang))


def _workbook(file: ProblemFile, cleared: Any, comparisons: Sequence[Comparison], lang: Lang) -> bytes:
    """The same tables as one workbook, with units in headers of both languages."""
    found = dict(file.rules.tables(file.problem, cleared))
    sheets = {name: frame_of(with_units(columns, file.currency)) for name, columns in found.items()}
    others = {name: frame for name, frame in tables(file, cleared, comparisons).items() if name not in sheets}
    titles = {name: (title_of(name, "zh"), title_of(name, "en")) for name in (*sheets, *others)}
    said = note(file, lang)
    return workbook_bytes(
        sheets | others, lang=lang, illustrative=False, titles=titles, notes=dict.fromkeys(titles, said),
        money=money_name(file.currency, "en"),
    )  # fmt: skip


def note(file: ProblemFile, lang: Lang) -> str:
    """What stands under a picture: the problem's title, and whether its numbers are assumed."""
    words = [file.title(lang)]
    if file.text.get("basis") == "assumption":
        words.append(phrase("assumed_note", lang))
    return "；".join(words) if lang == "zh" else "; ".join(words)


def tables(file: ProblemFile, cleared: Any, comparisons: Sequence[Comparison]) -> dict[str, pd.DataFrame]:
    """The tables of the kind, the certificate and the comparison, by the name of their file."""
    found = {name: frame_of(columns) for name, columns in file.rules.tables(file.problem, cleared).items()}
    found["certificate"] = pd.DataFrame([
        {"name": line.name, "residual": line.residual, "tolerance": line.tolerance, "where": line.where,
         "passed": line.passed}
        for line in cleared.certificate.lines
    ])  # fmt: skip
    if comparisons:
        found["expected"] = pd.DataFrame([asdict(one) for one in comparisons])
    if file.text.get("basis") == "assumption":
        for frame in found.values():
            frame["basis"] = "assumption"
    return found


def netcdf(file: ProblemFile, cleared: Any) -> bytes:
    """Every published number as NetCDF, in the currency of the file, with its certificate."""
    dataset: xr.Dataset = cleared.dataset.copy()
    for name, variable in dataset.variables.items():
        if variable.dtype == object:
            dataset[name] = variable.astype(str)
    money = "1" if file.currency == NO_CURRENCY else file.currency
    for variable in dataset.variables.values():
        if "units" in variable.attrs:
            variable.attrs["units"] = variable.attrs["units"].replace("CNY", money)
    dataset.attrs = {name: _plain(value) for name, value in dataset.attrs.items()} | {
        "format": FORMAT,
        "problem": file.name,
        "problem_sha256": file.sha256,
        "certificate": str(cleared.certificate),
    }
    return bytes(dataset.to_netcdf(engine="h5netcdf"))


def _plain(value: object) -> object:
    """A value that a NetCDF attribute can hold."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)


def _manifest(
    file: ProblemFile, cleared: Any, comparisons: Sequence[Comparison], folder: Path, *, lang: Lang, engine: str
) -> dict[str, Any]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        "carbonsim": versions()["carbonsim"],
        "verb": VERB,
        "problem": f"{file.name}.yaml",
        "kind": file.kind,
        "basis": file.text.get("basis", ""),
        "currency": file.currency,
        "concept": concept_words(file, "en"),
        "lang": lang,
        "engine_asked": engine,
        "engine": getattr(cleared, "engine", ""),
        "engine_reason": getattr(cleared, "engine_reason", ""),
        "certificate": {"lines": len(cleared.certificate.lines), "failed": len(cleared.certificate.failures())},
        "expected": {"values": len(comparisons), "differ": sum(not one.holds for one in comparisons)},
        "inputs": {f"{INPUTS}/{file.name}.yaml": file.sha256},
        "versions": versions(),
        "files": {str(path.relative_to(folder)): sha256_of_file(path) for path in files},
    }
