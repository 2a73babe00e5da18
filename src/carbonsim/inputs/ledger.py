"""Reads the ledger of an enterprise, or of several: source streams by year or month, with every fault at once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pandas as pd

from carbonsim.errors import InputError, Issue
from carbonsim.inputs.factor_overlay import OWN, OWN_LAYOUT, OwnFactors, check_own_tables, overlay, read_own_factors
from carbonsim.inputs.factors import Factors, packaged_factors
from carbonsim.inputs.ledger_checks import check_ledger_rows, check_ledger_tables, precursors_inside
from carbonsim.inputs.ledger_columns import LEDGER, LEDGER_TABLES, REQUIRED_TABLES
from carbonsim.inputs.ledger_gaps import SUBSTITUTIONS, fill_gaps
from carbonsim.inputs.ledger_terms import spread_terms
from carbonsim.inputs.paths import scenarios_folder
from carbonsim.inputs.plausibility import own_fuel_faults
from carbonsim.inputs.records import Source, Tables
from carbonsim.inputs.study import in_order
from carbonsim.inputs.study_parts import PACKAGED, Reading, read_sources
from carbonsim.inputs.table_checks import Origin, check_table
from carbonsim.inputs.tables import Layout, RawTable, TableFiles, read_csv_folder, read_workbook

Frames = dict[str, pd.DataFrame]
Origins = dict[str, Origin]

FACTOR_FOLDER: Final = "factors"
OWN_SHEETS: Final = tuple(name for name in OWN_LAYOUT.tables if name.startswith(OWN))
_LAYOUT: Final = Layout(
    {**LEDGER_TABLES, **{name: OWN_LAYOUT.tables[name] for name in OWN_SHEETS}},
    optional=(*LEDGER.optional, *OWN_SHEETS),
    silent=LEDGER.silent,
    en=LEDGER.en,
    zh=LEDGER.zh,
    template=LEDGER.template,
)
# Columns that name or explain; they decide no number.
_WORDS: Final = ("name_zh", "name_en", "note", "reason")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Ledger:
    """The accounts of one or more enterprises as read, checked, and with their gaps filled.

    Attributes
    ----------
    name : str
        Name of the workbook or folder.
    years : tuple of int
        Years with activity, sorted.
    tables : mapping of str to DataFrame
        The tables of `inputs.ledger_columns`; an optional one that is absent is empty. ``activity`` has the column
        ``substituted`` beside those of the ledger: True where a gap rule made the row. Quantities are in their own
        unit, precursors in tonnes or, where their facility makes no mass, in its output unit.
    factors : Factors
        The packaged tables with the ledger's own factors on top; ``factors.overlaid`` says what they changed.
    sources : mapping of str to Source
        Sources of the package and of the ledger.
    origins : mapping of str to Origin
        File, sheet and rows of each table.
    substitutions : DataFrame
        A row each gap that was filled: facility, year, stream, month, quantity, unit, method, factor, measured terms,
        rule, reason, and the rows of activity it rests on (``used_rows``).
    warnings : tuple of Issue
        What does not stop the accounts but should be known.
    input_hashes : mapping of str to str
        SHA-256 of every file read, by its name (``scenarios/...`` for packaged files).
    input_files : mapping of str to Path
        Where each was read.
    """

    name: str
    years: tuple[int, ...]
    tables: Mapping[str, pd.DataFrame]
    factors: Factors
    sources: Mapping[str, Source]
    origins: Mapping[str, Origin]
    substitutions: pd.DataFrame
    warnings: tuple[Issue, ...] = ()
    input_hashes: Mapping[str, str] = field(default_factory=dict)
    input_files: Mapping[str, Path] = field(default_factory=dict)

    def content_hash(self) -> str:
        """SHA-256 of everything that decides the numbers, the same for every order of rows, sheets and columns."""
        digest = hashlib.sha256()
        for name in sorted(set(self.tables) - {"sources"}):
            frame = self.tables[name]
            frame = frame[[column for column in LEDGER_TABLES[name].names() if column not in _WORDS]]
            lines = frame.to_csv(index=False, header=False, lineterminator="\n").splitlines()
            digest.update("\n".join([name, *sorted(lines)]).encode())
        for name, content in sorted(self.factors.hashes.items()):
            digest.update(f"\n{name} {content}".encode())
        return digest.hexdigest()

    def __repr__(self) -> str:
        activity = self.tables["activity"]
        made = int(activity["substituted"].sum())
        span = f"{self.years[0]}-{self.years[-1]}" if len(self.years) > 1 else str(self.years[0])
        head = (
            f"<Ledger {self.name}: {span}, {_count(len(self.tables['enterprises']), 'enterprise')}, "
            f"{_count(len(self.tables['facilities']), 'facility', 'facilities')}, "
            f"{_count(len(activity), 'row')} of activity, {made} of them substituted>"
        )
        optional = {name: len(self.tables[name]) for name in LEDGER.optional if name != "sources"}
        lines = [f"  {name}: {_count(count, 'row')}" for name, count in optional.items() if count]
        if self.factors.overlaid:
            lines.append(f"  own factors: {_count(len(self.factors.overlaid), 'change')} to the factor tables")
        return "\n".join([head, *lines, *(f"  {issue.text()}" for issue in self.warnings[:5])])


def read_ledger(path: str | Path, factors: Factors | None = None, own_factors: str | Path | None = None) -> Ledger:
    """The checked ledger of a workbook or of a folder of CSV files.

    Parameters
    ----------
    path : str or Path
        A workbook (.xlsx) with a sheet a table, or a folder with ``<table>.csv``, ``sources.yaml`` or ``sources.csv``,
        and the enterprise's own factors in ``factors/``. A workbook has them in sheets such as ``own_fuels``.
    factors : Factors, optional
        Factor tables to account with; the packaged ones if None.
    own_factors : str or Path, optional
        Workbook or folder with further own factors, laid over those of the ledger.

    Returns
    -------
    Ledger

    Raises
    ------
    InputError
        With every fault of every table, by file, sheet, row and column.
    """
    ledger, issues = _read(Path(path), factors, own_factors)
    errors = [issue for issue in issues if issue.severity == "error"]
    if errors or ledger is None:
        raise InputError(errors)
    return ledger


def check_ledger(
    path: str | Path, factors: Factors | None = None, own_factors: str | Path | None = None
) -> list[Issue]:
    """Every fault and warning of a ledger, by file, sheet and row; arguments as for `read_ledger`."""
    return _read(Path(path), factors, own_factors)[1]


def _read(path: Path, factors: Factors | None, own: str | Path | None) -> tuple[Ledger | None, list[Issue]]:
    reading = Reading()
    files = _files(path, reading)
    if files is None:
        return None, reading.issues
    sources = read_sources(path if path.is_dir() else None, str(path), files, reading)
    base, sources = _factors(path, files, sources, reading, factors, own)
    frames, origins = _typed(files, sources, str(path), reading)
    reading.issues += check_ledger_tables(frames, origins, base, reading.issues)
    substitutions = pd.DataFrame(columns=list(SUBSTITUTIONS))
    if "activity" in frames:
        frames["terms"], origins["terms"] = spread_terms(frames, origins["terms"])
        frames, origins, substitutions, found = fill_gaps(frames, origins, base)
        reading.issues += found
    reading.issues += check_ledger_rows(frames, origins, base)
    issues = in_order(reading.issues, tuple(LEDGER_TABLES))
    if any(issue.severity == "error" for issue in issues):
        return None, issues
    return (
        Ledger(
            name=path.stem if path.is_file() else path.resolve().name,
            years=tuple(sorted({int(year) for year in frames["activity"]["year"]})),
            tables=Tables(_inside(frames)),
            factors=base,
            sources=sources,
            origins=origins,
            substitutions=substitutions,
            warnings=tuple(issues),
            input_hashes=dict(sorted(reading.hashes.items())),
            input_files=dict(sorted(reading.files.items())),
        ),
        issues,
    )


def _files(path: Path, reading: Reading) -> TableFiles | None:
    """Raw tables of a workbook or folder; None, with the fault noted, if the path is neither."""
    if path.is_dir():
        files = read_csv_folder(path, str(path), tuple(_LAYOUT.tables), _LAYOUT)
    elif path.is_file():
        files = read_workbook(path, str(path), tuple(_LAYOUT.tables), _LAYOUT)
    else:
        hint, hint_zh = "Give a workbook (.xlsx) or a folder of CSV files.", "请提供工作簿（.xlsx）或 CSV 文件夹。"
        reading.issues.append(Issue("file-missing", str(path), "does not exist.", "不存在。", hint, hint_zh))
        return None
    reading.issues += files.issues
    for name, digest in files.hashes.items():
        inside = path.name if path.is_file() else name.removeprefix(f"{path}/")
        reading.note(inside, digest, path if path.is_file() else path / inside)
    return files


def _factors(
    path: Path,
    files: TableFiles,
    sources: Mapping[str, Source],
    reading: Reading,
    factors: Factors | None,
    own: str | Path | None,
) -> tuple[Factors, dict[str, Source]]:
    """The factor tables with those of the ledger and then the further own ones on top, and all sources."""
    base = packaged_factors() if factors is None else factors
    for name, digest in base.hashes.items():
        if factors is None:
            reading.note(f"{PACKAGED}/parameters/china/{name}", digest, scenarios_folder() / "parameters/china" / name)
        else:
            reading.hashes[name] = digest
    known = dict(sources)
    tables, origins, issues = check_own_tables(files.tables, known)
    reading.issues += issues
    try:
        if tables and not issues:
            reading.issues += own_fuel_faults(tables, origins, base)
            base = overlay(base, OwnFactors(tables, origins))
        for place in (path / FACTOR_FOLDER if (path / FACTOR_FOLDER).is_dir() else None, own):
            if place is not None:
                found = read_own_factors(Path(place), known)
                reading.issues += own_fuel_faults(found.tables, found.origins, base)
                base = overlay(base, found)
                known |= found.sources
                for name, digest in found.hashes.items():
                    reading.note(f"own_factors/{name}", digest, found.files[name])
    except InputError as problem:
        reading.issues += problem.issues
    return base, known


def _typed(files: TableFiles, sources: Mapping[str, Source], shown: str, reading: Reading) -> tuple[Frames, Origins]:
    """Typed tables by name; an optional table that is absent is empty, a required one is left out."""
    frames: Frames = {}
    origins: Origins = {}
    for name, table in LEDGER_TABLES.items():
        raw = files.tables.get(name)
        if raw is None and name in REQUIRED_TABLES:
            continue
        empty = RawTable(name, shown, name, table.names(), ((),) * len(table.columns), ())
        frames[name], origins[name], issues = check_table(raw or empty, table, sources)
        needed = [issue for issue in issues if issue.code != "no-rows" or name in REQUIRED_TABLES]
        # The sheet of sources was read, and its faults reported, with the other sources.
        reading.issues += needed if name != "sources" else []
    return frames, origins


def _inside(frames: Frames) -> Frames:
    """The tables with precursors in one unit and every enterprise of a kind."""
    enterprises = frames["enterprises"].copy()
    enterprises["kind"] = enterprises["kind"].replace("", "enterprise")
    return {**frames, "enterprises": enterprises, "precursors": precursors_inside(frames)}


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
