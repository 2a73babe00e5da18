"""A user's own factors: read, checked, and laid over a library with a record of each change."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pandas as pd

from carbonsim.errors import InputError, Issue, did_you_mean
from carbonsim.inputs.columns import SOURCES
from carbonsim.inputs.factor_checks import check_factor_table, reference_faults
from carbonsim.inputs.factor_columns import FACTOR_TABLES
from carbonsim.inputs.factor_records import Factors, Overlaid
from carbonsim.inputs.factors import cell_text
from carbonsim.inputs.records import Source
from carbonsim.inputs.study_parts import Reading, read_sources
from carbonsim.inputs.table_checks import Origin, records
from carbonsim.inputs.tables import Layout, RawTable, TableFiles, read_csv_folder, read_workbook

OWN: Final = "own_"
NAMES: Final = (*FACTOR_TABLES, *(OWN + name for name in FACTOR_TABLES))
OWN_LAYOUT: Final = Layout(
    {**FACTOR_TABLES, **{OWN + name: table for name, table in FACTOR_TABLES.items()}, SOURCES.name: SOURCES},
    optional=(*NAMES, SOURCES.name),
    silent=("说明", "readme", "lists"),
    en="a factor file",
    zh="因子文件",
)
# Table sets of the guidelines by which listed sectors count their obligation, and what takes carbon off it.
GUIDELINES: Final = "cets_"
SUBTRACTS: Final = frozenset({"product_output", "deduction"})
# Columns that say where a value is from, not what it is.
_EVIDENCE: Final = ("source", "where", "confidence", "basis", "note")


@dataclass(frozen=True, slots=True)
class OwnFactors:
    """Factor tables of a user, checked on their own; ``origins`` say where each row stands.

    ``sources`` are all sources that the rows may cite; ``hashes`` and ``files`` are by file name.
    """

    tables: Mapping[str, pd.DataFrame]
    origins: Mapping[str, Origin]
    sources: Mapping[str, Source] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)


def read_own_factors(path: Path, sources: Mapping[str, Source] | None = None) -> OwnFactors:
    """A user's factors from a workbook or a folder of CSV files, all problems at once.

    Parameters
    ----------
    path : Path
        A workbook whose sheets, or a folder whose files, are named like the tables (``fuels`` or ``own_fuels``), with
        the packaged columns; columns that may be empty may be absent. Its sources stand in the sheet ``sources`` or in
        ``sources.yaml``.
    sources : mapping, optional
        Sources of the ledger or study that the rows may cite beside the packaged ones and the file's own.

    Returns
    -------
    OwnFactors

    Raises
    ------
    InputError
        If the path holds no factor table, a row is malformed, or a row cites a source that is listed nowhere; names
        file, sheet, row, column and value.
    """
    if not path.exists():
        raise InputError(_path_issue(path, "does not exist.", "不存在。"))
    reading = Reading()
    raw = _read_folder(path) if path.is_dir() else read_workbook(path, path.name, (*NAMES, SOURCES.name), OWN_LAYOUT)
    folder = path if path.is_dir() else path.parent / "-"
    listed = dict(sources or {}) | read_sources(folder, path.name, raw, reading)
    issues = [dataclasses.replace(issue, severity="error") for issue in (*raw.issues, *reading.issues)]
    tables, origins, found = check_own_tables(raw.tables, listed)
    issues += found
    if not tables and not issues:
        issues.append(_path_issue(path, "holds no factor table.", "不含因子表。"))
    if issues:
        raise InputError(issues)
    files = {name: path if path.is_file() else folder / name.rpartition("/")[2] for name in raw.hashes}
    own_sources = folder / "sources.yaml"
    hashes = dict(raw.hashes)
    if own_sources.is_file():
        name = f"{path.name}/sources.yaml"
        hashes[name], files[name] = reading.hashes["sources.yaml"], own_sources
    return OwnFactors(tables, origins, listed, hashes, files)


def check_own_tables(
    raw: Mapping[str, RawTable], sources: Collection[str]
) -> tuple[dict[str, pd.DataFrame], dict[str, Origin], list[Issue]]:
    """Factor tables among raw tables, checked: typed tables and origins by packaged name, and all faults.

    Parameters
    ----------
    raw : mapping
        Raw tables by sheet or file name; those not named like a factor table (with or without ``own_``) are left out.
    sources : collection of str
        Keys of the sources that rows may cite.
    """
    tables: dict[str, pd.DataFrame] = {}
    origins: dict[str, Origin] = {}
    issues: list[Issue] = []
    for sheet, table in raw.items():
        name = sheet.removeprefix(OWN)
        if name not in FACTOR_TABLES or not table.rows:
            continue
        frame, origin, found = check_factor_table(table, name, sources)
        issues += found
        if name in tables:
            issues.append(
                origin.issue(
                    "two-tables",
                    None,
                    "",
                    sheet,
                    (
                        f"'{name}' and '{OWN}{name}' are both given.",
                        f"{name} 与 {OWN}{name} 重复。",
                        "Keep one.",
                        "请保留一个。",
                    ),
                )
            )
        tables[name], origins[name] = frame, origin
    return tables, origins, issues


def overlay(base: Factors, own: OwnFactors) -> Factors:
    """A library in which a user's rows are added to, or take the place of, the rows with the same key.

    A value of a law may be replaced; it is recorded like any other. A row belongs to the table set it names, and may
    not carry the id of a factor of another set. The gases of a blend are replaced together. What takes carbon off an
    obligation is the guideline's to say: its table sets get no further deductions.

    Returns
    -------
    Factors
        ``overlaid`` grows by one record for each cell that changed and each row that is new.

    Raises
    ------
    InputError
        If a row would move an id to another table set, count a fuel in another unit than the library does, name a gas
        or factor that neither library nor overlay lists, or add a deduction to the table set of a guideline.

    Examples
    --------
    >>> from carbonsim.inputs.factors import packaged_factors
    >>> base = packaged_factors()
    >>> own = base.gwp[base.gwp["gas"] == "SF6"].assign(AR6=24300.0)
    >>> changed = overlay(base, OwnFactors({"gwp": own}, {"gwp": Origin("own.csv", "", (2,))}))
    >>> [(record.key, record.column, record.packaged, record.own) for record in changed.overlaid]
    [('SF6', 'AR6', '25200', '24300')]
    """
    issues: list[Issue] = []
    changes: list[Overlaid] = []
    tables = base.tables()
    for name, frame in own.tables.items():
        issues += _moved(base, name, frame, own.origins[name])
        if name == "process":
            issues += _deducted(base, frame, own.origins[name])
        changes += _changes(base.table(name), frame, name, own.origins[name])
        tables[name] = _merged(base.table(name), frame, name)
    for name, frame in own.tables.items():
        issues += reference_faults(tables, name, frame, own.origins[name])
    if issues:
        raise InputError(issues)
    hashes = {f"own_factors/{name}": digest for name, digest in own.hashes.items()}
    return dataclasses.replace(base, **tables, hashes={**base.hashes, **hashes}, overlaid=(*base.overlaid, *changes))


def overlay_folder(base: Factors, folder: Path, sources: Mapping[str, Source]) -> Factors:
    """The library of a study: ``folder`` (its ``factors/``) laid over the base, or the base if there is none.

    Raises
    ------
    InputError
        As ``read_own_factors`` and ``overlay``.
    """
    return overlay(base, read_own_factors(folder, sources)) if folder.is_dir() else base


def key_text(table: str, row: Mapping[str, object]) -> str:
    """Address of a row: ``set:fuel``, an id, or an id with its gas or term behind a slash.

    >>> key_text("fuels", {"table_set": "ipcc_2006", "fuel": "coke"})
    'ipcc_2006:coke'
    """
    parts = [str(row[column]) for column in FACTOR_TABLES[table].key]
    if FACTOR_TABLES[table].key[0] == "table_set":
        return f"{parts[0]}:{'/'.join(parts[1:])}"
    return "/".join(parts)


def _read_folder(folder: Path) -> TableFiles:
    """Tables of a folder; ``overlaid.csv`` beside them is a record of an earlier overlay and not read."""
    files = read_csv_folder(folder, folder.name, NAMES, OWN_LAYOUT)
    files.issues = [issue for issue in files.issues if issue.source != f"{folder.name}/overlaid.csv"]
    return files


def _keyed(frame: pd.DataFrame, table: str) -> pd.Series:
    return pd.Series([key_text(table, row) for row in records(frame)], index=frame.index, dtype="str")


def _merged(base: pd.DataFrame, own: pd.DataFrame, table: str) -> pd.DataFrame:
    """Base rows in their order with the own values in place of theirs, then the new rows."""
    own = own[list(base.columns)].astype(base.dtypes.to_dict())
    if table == "blends":
        return pd.concat([base[~base["blend"].isin(own["blend"])], own], ignore_index=True)
    base_key, own_key = _keyed(base, table), _keyed(own, table)
    replaced = own.set_index(own_key).reindex(base_key[base_key.isin(own_key)])
    result = base.copy()
    result.loc[base_key.isin(own_key).to_numpy()] = replaced.to_numpy(dtype=object)
    merged = pd.concat([result, own[~own_key.isin(base_key).to_numpy()]], ignore_index=True)
    return merged.astype(base.dtypes.to_dict())


def _changes(base: pd.DataFrame, own: pd.DataFrame, table: str, origin: Origin) -> list[Overlaid]:
    before = dict(zip(_keyed(base, table), records(base), strict=True))
    found = []
    for place, row in enumerate(records(own)):
        key = key_text(table, row)
        evidence = {"source": str(row["source"]), "basis": str(row["basis"]), "file": _where(origin, place)}
        if key not in before:
            found.append(Overlaid(table=table, key=key, column="", packaged="", own=value_text(table, row), **evidence))
            continue
        cells = {str(name): (cell_text(before[key][name]), cell_text(row[name])) for name in row}
        changed = [name for name in cells if cells[name][0] != cells[name][1]]
        # A row whose value stays is still recorded by its source, else an overlay could leave no trace.
        values = [name for name in changed if name not in _EVIDENCE] or ["source"]
        found += [
            Overlaid(table=table, key=key, column=name, packaged=cells[name][0], own=cells[name][1], **evidence)
            for name in values
        ]
    if table == "blends":
        kept = {key_text(table, row) for row in records(own)}
        blends = {str(row["blend"]): row for row in records(own)}
        for key, row in before.items():
            if str(row["blend"]) in blends and key not in kept:
                by = blends[str(row["blend"])]
                share = cell_text(row["mass_share"])
                found.append(
                    Overlaid(table, key, "mass_share", share, "0", str(by["source"]), str(by["basis"]), origin.source)
                )
    return found


def value_text(table: str, row: Mapping[str, object]) -> str:
    """The number or numbers of a row with their unit, in one short text.

    >>> value_text("process", {"value": 0.44, "unit": "tCO2/t"})
    '0.44 tCO2/t'
    """
    if table == "fuels":
        terms = (("net_calorific_value", f"GJ/{row['unit']}"), ("carbon_content", "tC/TJ"), ("oxidation", "oxidised"))
        return ", ".join(f"{cell_text(row[name]) or '-'} {unit}" for name, unit in terms)
    if table == "gwp":
        return ", ".join(f"{name} {cell_text(row[name]) or '-'}" for name in ("AR4", "AR5", "AR6"))
    if table == "blends":
        return cell_text(row["mass_share"])
    if table == "uncertainties":
        half = cell_text(row["half_width"])
        return f"±{half}" if half else f"{cell_text(row['lower'])} to {cell_text(row['upper'])}"
    return f"{cell_text(row['value']) or '-'} {row['unit']}".removesuffix(" 1")


def _moved(base: Factors, table: str, own: pd.DataFrame, origin: Origin) -> list[Issue]:
    """Rows that would carry an id to another set, or count a fuel in another unit than the library."""
    issues: list[Issue] = []
    if table == "fuels":
        units = dict(zip(base.fuels["fuel"], base.fuels["unit"], strict=True))
        for place, row in enumerate(records(own)):
            unit = units.get(row["fuel"], row["unit"])
            if unit != row["unit"]:
                texts = (
                    f"fuel '{row['fuel']}' is counted in {unit} everywhere, not in {row['unit']}.",
                    f"燃料“{row['fuel']}”在因子库中以 {unit} 计量，而非 {row['unit']}。",
                    "Convert the value, or use a fuel id of your own.",
                    "请换算数值，或使用自定义燃料代码。",
                )
                issues.append(origin.issue("fuel-unit", place, "unit", row["unit"], texts))
    if table in ("process", "combustion_gases"):
        frame = base.table(table)
        sets = dict(zip(frame["factor"], frame["table_set"], strict=True))
        for place, row in enumerate(records(own)):
            home = sets.get(row["factor"], row["table_set"])
            if home != row["table_set"]:
                texts = (
                    f"factor '{row['factor']}' belongs to the table set '{home}', and sets are not mixed.",
                    f"因子“{row['factor']}”属于因子集 {home}，不同因子集不得混用。",
                    f"Name the set '{home}' to replace it, or give your factor an id of its own.",
                    f"如要替换请填写因子集 {home}，否则请使用自定义代码。",
                )
                issues.append(origin.issue("other-set", place, "table_set", row["table_set"], texts))
    return issues


def _deducted(base: Factors, own: pd.DataFrame, origin: Origin) -> list[Issue]:
    """Rows that would take something off the obligation of a listed sector which its guideline does not take off."""
    packaged = {str(row["factor"]): row for row in records(base.process)}
    issues: list[Issue] = []
    for place, row in enumerate(records(own)):
        if not str(row["table_set"]).startswith(GUIDELINES):
            continue
        is_added = str(row["factor"]) not in packaged
        before = {"sign": 1, "methods": ""} if is_added else packaged[str(row["factor"])]
        # A slope or a share has no sign, and neither need an added one have.
        turned = cell_text(row["sign"]) not in (cell_text(before["sign"]), *([""] if is_added else []))
        column = "sign" if turned else "methods" if _subtracting(row) - _subtracting(before) else ""
        if column:
            texts = (
                f"factor '{row['factor']}' would take emissions off by the guideline set '{row['table_set']}', which "
                "does not do so.",
                f"因子“{row['factor']}”将在指南因子集 {row['table_set']} 中扣减排放，而该指南没有此项扣减。",
                "A value of the guideline may be corrected with its source; a deduction may not be added nor a sign "
                "be turned. Leave the row out, or keep the sign and methods of the packaged row.",
                "指南因子的数值可凭来源更正，但不得新增扣减项或改变正负。请删除该行，或保留原有正负和方法。",
            )
            issues.append(origin.issue("guideline-deduction", place, column, cell_text(row[column]), texts))
    return issues


def _subtracting(row: Mapping[str, object]) -> frozenset[str]:
    """Methods of a row that take carbon off."""
    return SUBTRACTS & {method.strip() for method in str(row["methods"]).split(";")}


def _where(origin: Origin, place: int) -> str:
    return origin.issue("", place, "", "", ("", "", "", "")).where()


def _path_issue(path: Path, message: str, chinese: str) -> Issue:
    names = ", ".join(FACTOR_TABLES)
    close = did_you_mean(path.name, [entry.name for entry in path.parent.iterdir()]) if path.parent.is_dir() else ""
    return Issue(
        "factor-file",
        str(path),
        message,
        chinese,
        f"{close} Give a workbook with sheets, or a folder of CSV files, named {names}.".strip(),
        f"请提供以下名称的工作表或 CSV 文件：{names}。",
    )
