"""The factor library: fuels, processes, grids, gases, pollutants and blends, as read, checked and written."""

from __future__ import annotations

import csv
import functools
import io
from collections.abc import Collection
from dataclasses import fields
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from carbonsim.errors import InputError, Issue
from carbonsim.inputs.columns import METHODS
from carbonsim.inputs.factor_checks import check_factor_table
from carbonsim.inputs.factor_columns import COMPANION_KINDS, FACTOR_LAYOUT, FACTOR_TABLES
from carbonsim.inputs.factor_records import Factors, Overlaid
from carbonsim.inputs.files import sha256_of_bytes
from carbonsim.inputs.grid_factors import grid_factor
from carbonsim.inputs.paths import scenarios_folder
from carbonsim.inputs.tables import read_csv

__all__ = (
    "Factors",
    "Overlaid",
    "cell_text",
    "check_factor_table",
    "factor_ids",
    "grid_factor",
    "load_factors",
    "methods_of",
    "packaged_factors",
    "write_factors",
)

OVERLAID_FILE: Final = "overlaid.csv"
_FUEL_METHODS: Final = ("combustion", "material_input", "product_output")
_GRID_METHODS: Final = ("electricity_purchased", "electricity_exported")
_GAS_METHODS: Final = ("leak", "refrigerant")


def load_factors(folder: Path, sources: Collection[str] | None = None) -> Factors:
    """The factor tables in a folder, checked: all problems of all files at once.

    Parameters
    ----------
    folder : Path
        Holds one CSV file for each table of ``factor_columns.FACTOR_TABLES``; ``overlaid.csv`` is read if it is there.
    sources : collection of str, optional
        Keys of the listed sources; not checked if None.

    Raises
    ------
    InputError
        If a file is missing or a row is malformed; names file, row, column and value.
    """
    problems: list[Issue] = []
    tables: dict[str, pd.DataFrame] = {}
    hashes: dict[str, str] = {}
    for name in FACTOR_TABLES:
        path = folder / f"{name}.csv"
        if not path.is_file():
            hint, hint_zh = "Restore the factor tables.", "请恢复因子表。"
            problems.append(Issue("factor-file", str(path), "file is missing.", "缺少文件。", hint, hint_zh))
            continue
        raw, hashes[f"factors/{name}.csv"], issues = read_csv(path, name, str(path), FACTOR_LAYOUT)
        problems += issues
        if raw is not None:
            tables[name], _, issues = check_factor_table(raw, name, sources)
            problems += issues
    if problems:
        raise InputError(problems)
    return Factors(hashes=hashes, overlaid=_read_overlaid(folder / OVERLAID_FILE), **tables)


@functools.cache
def packaged_factors(country: str = "china") -> Factors:
    """The factor tables that come with the package.

    >>> bool((packaged_factors().gwp.set_index("gas").loc[["CF4", "C2F6"], "AR5"] == [6630, 11100]).all())
    True
    """
    return load_factors(scenarios_folder() / "parameters" / country / "factors")


def write_factors(factors: Factors, folder: Path) -> dict[str, str]:
    """Write every table into a folder that ``load_factors`` reads back to the same digits; hashes by file name.

    The tables are written as they are, overlays included; ``overlaid.csv`` lists what overlays changed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    hashes = {}
    written = {f"{name}.csv": frame for name, frame in factors.tables().items()}
    if factors.overlaid:
        written[OVERLAID_FILE] = pd.DataFrame(
            [[getattr(record, item.name) for item in fields(Overlaid)] for record in factors.overlaid],
            columns=[item.name for item in fields(Overlaid)],
        )
    for name, frame in written.items():
        content = _csv_text(frame).encode()
        (folder / name).write_bytes(content)
        hashes[f"factors/{name}"] = sha256_of_bytes(content)
    return hashes


def cell_text(value: object) -> str:
    """A cell of a factor table as text: the shortest digits that read back to the same number, empty for NaN.

    >>> cell_text(0.1), cell_text(2023.0), cell_text(float("nan")), cell_text("t")
    ('0.1', '2023', '', 't')
    """
    if isinstance(value, (float, np.floating)):
        return "" if np.isnan(value) else repr(float(value)).removesuffix(".0")
    return str(value)


def methods_of(factors: Factors, table: str, key: str) -> tuple[str, ...]:
    """The activity methods that may use a factor: the row's own list for a process, else by table.

    >>> methods_of(packaged_factors(), "process", "cets2024_limestone")
    ('carbonate', 'material_input')
    """
    if table == "process":
        text = str(factors.process.loc[factors.process["factor"] == key, "methods"].iloc[0])
        return tuple(part.strip() for part in text.split(";") if part.strip())
    by_table = {"fuels": _FUEL_METHODS, "grid": _GRID_METHODS, "combustion_gases": ("combustion",)}
    refrigerants = {"blends": _GAS_METHODS, "gwp": _GAS_METHODS}
    return (by_table | refrigerants).get(table, ())


def factor_ids(factors: Factors) -> dict[str, tuple[str, ...]]:
    """Identifiers that the ``factor`` column of the activity table may hold, by method, for drop-downs.

    Only factors that have a value and are no draft are offered; fuels follow the process factors of a method.

    >>> ids = factor_ids(packaged_factors())
    >>> "bituminous" in ids["combustion"], ids["clinker"][0]
    (True, 'cets2024_clinker_aluminate')
    """
    companion = factors.process["quantity"].isin(COMPANION_KINDS)
    usable = factors.process[factors.process["value"].notna() & factors.process["basis"].ne("draft") & ~companion]
    split = usable["methods"].str.split(";").map(lambda parts: {part.strip() for part in parts})
    rows = {
        method: tuple(sorted(usable.loc[split.map(lambda parts, method=method: method in parts), "factor"]))
        for method in METHODS
    }
    fuels = tuple(sorted(factors.fuels["fuel"].unique()))
    for method in _FUEL_METHODS:
        rows[method] = (*rows[method], *fuels)
    for method in _GAS_METHODS:
        leaking = sorted({*factors.gwp["gas"], *factors.blends["blend"]} - {"CO2"})
        rows[method] = (*rows[method], *leaking)
    del rows["pfc"]  # takes both of its defaults without being told
    rows["electricity_purchased"] = tuple(sorted(factors.grid["factor"]))
    return {method: ids for method, ids in rows.items() if ids}


def _csv_text(frame: pd.DataFrame) -> str:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(frame.columns)
    writer.writerows([[cell_text(value) for value in row] for row in frame.itertuples(index=False)])
    return stream.getvalue()


def _read_overlaid(path: Path) -> tuple[Overlaid, ...]:
    if not path.is_file():
        return ()
    with path.open(encoding="utf-8", newline="") as stream:
        return tuple(Overlaid(**row) for row in csv.DictReader(stream))
