"""Looking through a factor library: find factors, see all of one, and compare two libraries."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from carbonsim.errors import InputError, Issue, did_you_mean
from carbonsim.inputs.factor_columns import FACTOR_TABLES
from carbonsim.inputs.factor_overlay import key_text, overlay, read_own_factors, value_text
from carbonsim.inputs.factor_records import Factors
from carbonsim.inputs.factors import cell_text, load_factors, packaged_factors
from carbonsim.inputs.paths import scenarios_folder
from carbonsim.inputs.records import Source
from carbonsim.inputs.study_parts import Reading, read_sources
from carbonsim.inputs.table_checks import records
from carbonsim.inputs.tables import TableFiles

PACKAGED: Final = "packaged"
RUN_FACTORS: Final = Path("inputs") / "factors"
# Where an account keeps its tables, own factors included, and beside them the sources of all.
ACCOUNT_FACTORS, ACCOUNT_SOURCES = "factors", "sources.csv"
_SEARCHED: Final = (
    "table_set", "fuel", "factor", "gas", "blend", "name_zh", "name_en", "region_zh", "region_en", "sector",
    "pollutant", "process", "product", "use", "variant", "term", "applies_to",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a library with its address: table, key and cells."""

    table: str
    key: str
    row: Mapping[str, object]


def open_factors(name: str) -> tuple[Factors, dict[str, Source]]:
    """A library by name, and the sources its rows may cite.

    Parameters
    ----------
    name : str
        ``packaged``; a folder with every table, or a run folder that holds one in ``inputs/factors``, or in
        ``factors`` if it is that of an account; or a workbook or folder of own factors, which is laid over the
        packaged library.

    Raises
    ------
    InputError
        If there is no such file or folder, or it is malformed.
    """
    if name == PACKAGED:
        return packaged_factors(), packaged_sources()
    path = Path(name)
    for folder in (path / RUN_FACTORS, path):
        if all((folder / f"{table}.csv").is_file() for table in FACTOR_TABLES):
            listed = read_sources(folder, folder.name, TableFiles(), Reading())
            return load_factors(folder), listed
    kept = path / ACCOUNT_FACTORS
    if (path / ACCOUNT_SOURCES).is_file() and all((kept / f"{table}.csv").is_file() for table in FACTOR_TABLES):
        rows = pd.read_csv(path / ACCOUNT_SOURCES, dtype=str, keep_default_na=False)
        return load_factors(kept), {str(row["key"]): Source(**row) for row in records(rows)}
    own = read_own_factors(path)
    return overlay(packaged_factors(), own), dict(own.sources)


@functools.cache
def packaged_sources() -> dict[str, Source]:
    """The sources that come with the package, by key."""
    return read_sources(scenarios_folder() / "-", "", TableFiles(), Reading())


def search_factors(
    factors: Factors, text: str = "", table: str | None = None, year: int | None = None, table_set: str | None = None
) -> pd.DataFrame:
    """Rows whose id, name, set, region or gas holds every word of a text, in either language.

    Parameters
    ----------
    factors : Factors
    text : str
        Words; capital letters do not matter. Empty finds all.
    table : str, optional
        Only this table.
    year : int, optional
        Only rows of this data year; the grid table alone is dated.
    table_set : str, optional
        Only rows of this set.

    Returns
    -------
    DataFrame
        Columns table, key, name_zh, name_en, value, table_set, year, basis, source; all text.

    Raises
    ------
    InputError
        If there is no table or set of that name.

    Examples
    --------
    >>> from carbonsim.inputs.factors import packaged_factors
    >>> search_factors(packaged_factors(), "四川", year=2023)["value"].tolist()
    ['0.1564 tCO2/MWh']
    """
    found = [_summary(entry) for entry in select_entries(factors, text, table, year, table_set)]
    columns = ("table", "key", "name_zh", "name_en", "value", "table_set", "year", "basis", "source")
    return pd.DataFrame(found, columns=list(columns), dtype="str")


def select_entries(
    factors: Factors, text: str = "", table: str | None = None, year: int | None = None, table_set: str | None = None
) -> list[Entry]:
    """The rows that ``search_factors`` summarises, whole.

    Raises
    ------
    InputError
        If there is no table or set of that name.
    """
    _check_choice("table", "表", table, FACTOR_TABLES)
    sets = {str(name) for frame in factors.tables().values() if "table_set" in frame for name in frame["table_set"]}
    _check_choice("set", "因子集", table_set, sorted(sets))
    words = text.casefold().split()
    return [
        entry
        for entry in entries(factors)
        if table in (None, entry.table)
        and (table_set is None or entry.row.get("table_set") == table_set)
        and (year is None or entry.row.get("data_year") == year)
        and all(word in _haystack(entry) for word in words)
    ]


def find_entries(factors: Factors, name: str) -> list[Entry]:
    """All rows that an id addresses: ``set:fuel``, a fuel in every set, a factor, gas, blend or grid id.

    Raises
    ------
    InputError
        If nothing has that id; suggests the nearest.
    """
    found = [entry for entry in entries(factors) if name in _addresses(entry)]
    if found:
        return found
    known = {address for entry in entries(factors) for address in _addresses(entry)}
    raise InputError(
        Issue(
            "unknown-factor",
            "",
            f"no factor has the id '{name}'.",
            f"没有代码为“{name}”的因子。",
            f"{did_you_mean(name, known)} `carbonsim factors list TEXT` searches names.".strip(),
            f"{did_you_mean(name, known, 'zh')}可用 `carbonsim factors list 关键词` 按名称查找。",
        )
    )


def entries(factors: Factors) -> list[Entry]:
    """Every row of a library with its address."""
    return [Entry(name, key_text(name, row), row) for name, frame in factors.tables().items() for row in records(frame)]


def diff_factors(this: Factors, other: Factors) -> pd.DataFrame:
    """Cells in which two libraries differ, in the order of the tables.

    Returns
    -------
    DataFrame
        Columns table, key, change (``changed``, ``added``, ``removed``), column, this, other (text) and
        relative_change [1] (other over this, less one; NaN where a side is no number or is zero). A row that only
        one side has is one line with an empty column.

    Examples
    --------
    >>> from carbonsim.inputs.factors import packaged_factors
    >>> diff_factors(packaged_factors(), packaged_factors()).empty
    True
    """
    lines: list[dict[str, object]] = []
    for name in FACTOR_TABLES:
        left = {key_text(name, row): row for row in records(this.table(name))}
        right = {key_text(name, row): row for row in records(other.table(name))}
        for key in [*left, *(key for key in right if key not in left)]:
            lines += _differences(name, key, left.get(key), right.get(key))
    columns = ["table", "key", "change", "column", "this", "other", "relative_change"]
    frame = pd.DataFrame(lines, columns=columns)
    return frame.astype({**dict.fromkeys(columns[:-1], "str"), "relative_change": float})


def _differences(
    table: str, key: str, left: Mapping[str, object] | None, right: Mapping[str, object] | None
) -> list[dict[str, object]]:
    line: dict[str, object] = {"table": table, "key": key, "column": "", "this": "", "other": ""}
    line["relative_change"] = float("nan")
    if left is None or right is None:
        side, row = ("other", right) if left is None else ("this", left)
        return [{**line, "change": "added" if left is None else "removed", side: value_text(table, row or {})}]
    found = []
    for column in left:
        before, after = left[column], right[column]
        if cell_text(before) == cell_text(after):
            continue
        is_ratio = isinstance(before, float) and isinstance(after, float) and before != 0
        relative = float(after) / float(before) - 1 if is_ratio else float("nan")  # type: ignore[arg-type]
        texts = {"this": cell_text(before), "other": cell_text(after)}
        found.append({**line, **texts, "change": "changed", "column": str(column), "relative_change": relative})
    return found


def _addresses(entry: Entry) -> set[str]:
    parts = [str(entry.row[column]) for column in FACTOR_TABLES[entry.table].key]
    if entry.table == "uncertainties":
        return {entry.key}
    if parts[0] == entry.row.get("table_set"):
        return {entry.key, parts[1]}
    return {entry.key, parts[0]}


def _haystack(entry: Entry) -> str:
    cells = (str(entry.row[column]) for column in _SEARCHED if column in entry.row)
    return " ".join((entry.key, *cells)).casefold()


def _summary(entry: Entry) -> dict[str, str]:
    row = entry.row
    plain = str(row.get("variant", row.get("gas", entry.key)))
    return {
        "table": entry.table,
        "key": entry.key,
        "name_zh": str(row.get("name_zh", row.get("region_zh", row.get("pollutant", plain)))),
        "name_en": str(row.get("name_en", row.get("region_en", row.get("pollutant", plain)))),
        "value": value_text(entry.table, row),
        "table_set": str(row.get("table_set", "")),
        "year": cell_text(row["data_year"]) if "data_year" in row else "",
        "basis": str(row["basis"]),
        "source": str(row["source"]),
    }


def _check_choice(what: str, what_zh: str, value: str | None, known: Mapping[str, object] | list[str]) -> None:
    if value is None or value in known:
        return
    raise InputError(
        Issue(
            "unknown-choice",
            "",
            f"there is no {what} '{value}'. Known: {', '.join(known)}.",
            f"没有名为“{value}”的{what_zh}。可用：{'、'.join(known)}。",
            did_you_mean(value, known),
            did_you_mean(value, known, "zh"),
        )
    )
