"""The factor library: fuels, processes, grids, warming potentials and pollutants, as read and checked."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pandas as pd

from carbonsim.errors import InputError, Issue
from carbonsim.inputs.files import sha256_of_file
from carbonsim.inputs.paths import scenarios_folder
from carbonsim.units import is_known

# table: (key columns, text columns that must be filled, number columns, other text columns)
_TABLES: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]]] = {
    "fuels": (
        ("table_set", "fuel"),
        ("name_zh", "name_en", "state", "unit", "source", "basis"),
        ("net_calorific_value", "carbon_content", "oxidation"),
        ("where", "confidence", "note"),
    ),
    "process": (
        ("factor",),
        ("table_set", "sector", "name_zh", "name_en", "unit", "quantity", "source", "basis"),
        ("value", "sign"),
        ("gas", "applies_to", "where", "confidence", "note"),
    ),
    "grid": (
        ("factor",),
        ("level", "region_zh", "region_en", "unit", "kind", "source", "basis"),
        ("data_year", "value"),
        ("where", "confidence", "note"),
    ),
    "gwp": (
        ("gas",),
        ("variant", "source", "basis"),
        ("AR4", "AR5", "AR5_feedback", "AR6"),
        ("where", "confidence", "note"),
    ),
    "pollutants": (
        ("factor",),
        ("pollutant", "unit", "control_state", "use", "source", "basis"),
        ("value",),
        ("sector", "process", "product", "where", "confidence", "note"),
    ),
}
# Factors of these kinds are ratios whose unit is not an amount per amount.
_UNITLESS_KINDS: Final = ("slope",)


@dataclass(frozen=True, slots=True)
class Factors:
    """The factor tables of one country; nobody writes into them.

    An empty number is NaN: a factor that is listed but for which no value was found. Using one is an error.
    """

    fuels: pd.DataFrame
    process: pd.DataFrame
    grid: pd.DataFrame
    gwp: pd.DataFrame
    pollutants: pd.DataFrame
    hashes: Mapping[str, str] = field(default_factory=dict)


def load_factors(folder: Path) -> Factors:
    """The factor tables in a folder, checked: all problems of all files at once.

    Parameters
    ----------
    folder : Path
        Holds ``fuels.csv``, ``process.csv``, ``grid.csv``, ``gwp.csv`` and ``pollutants.csv``.

    Raises
    ------
    InputError
        If a file is missing or a row is malformed; names file, row, column and value.
    """
    problems: list[Issue] = []
    tables: dict[str, pd.DataFrame] = {}
    hashes: dict[str, str] = {}
    for name in _TABLES:
        path = folder / f"{name}.csv"
        if not path.is_file():
            problems.append(Issue("factor_file", str(path), "file is missing.", hint="Restore the factor tables."))
            continue
        hashes[f"factors/{name}.csv"] = sha256_of_file(path)
        tables[name] = _read(path, name, problems)
    if problems:
        raise InputError(problems)
    return Factors(hashes=hashes, **tables)


@functools.cache
def packaged_factors(country: str = "china") -> Factors:
    """The factor tables that come with the package.

    >>> bool((packaged_factors().gwp.set_index("gas").loc[["CF4", "C2F6"], "AR5"] == [6630, 11100]).all())
    True
    """
    return load_factors(scenarios_folder() / "parameters" / country / "factors")


def factor_ids(factors: Factors) -> dict[str, tuple[str, ...]]:
    """Identifiers that the ``factor`` column of the activity table may hold, by method, for drop-downs.

    >>> ids = factor_ids(packaged_factors())
    >>> "bituminous" in ids["combustion"], ids["clinker"][0]
    (True, 'cets2024_clinker_aluminate')
    """
    fuels = tuple(sorted(factors.fuels["fuel"].unique()))
    usable = factors.process[factors.process["value"].notna() & factors.process["basis"].ne("draft")]
    emitting = usable[usable["quantity"].isin(["emission_factor", "carbon_content"])]

    def pick(rows: pd.DataFrame) -> tuple[str, ...]:
        return tuple(sorted(rows["factor"]))

    adds, subtracts = emitting[emitting["sign"].eq(1)], emitting[emitting["sign"].eq(-1)]
    clinker = adds["factor"].str.contains("clinker")
    deduct = subtracts["factor"].str.contains("_deduct_")
    heat = emitting["factor"].str.contains("purchased_heat")
    return {
        "combustion": fuels,
        "carbonate": pick(adds[~clinker & ~adds["factor"].isin(emitting[heat]["factor"])]),
        "material_input": (*pick(adds[~clinker & ~adds["factor"].isin(emitting[heat]["factor"])]), *fuels),
        "product_output": (*pick(subtracts[~deduct]), *fuels),
        "clinker": pick(adds[clinker]),
        "deduction": pick(subtracts[deduct]),
        "anode": ("cets2024_anode_net",),
        "heat_purchased": pick(emitting[heat]),
        "electricity_purchased": tuple(sorted(factors.grid["factor"])),
    }


def _read(path: Path, name: str, problems: list[Issue]) -> pd.DataFrame:
    keys, filled, numbers, others = _TABLES[name]
    frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    expected = {*keys, *filled, *numbers, *others}
    for column in sorted(expected.symmetric_difference(frame.columns)):
        state = "is missing" if column in expected else "is not known"
        problems.append(Issue("factor_column", str(path), f"column '{column}' {state}.", column=column))
    if expected.symmetric_difference(frame.columns):
        return frame
    for column in (*keys, *filled):
        problems += _issues(path, frame, column, frame[column].str.strip().eq(""), what="is empty", hint="Fill it in.")
    doubled = frame.duplicated(subset=list(keys), keep="first")
    problems += _issues(path, frame, keys[-1], doubled, what="appears twice", hint="Keep one row for each key.")
    for column in numbers:
        text = frame[column].str.strip()
        value = pd.to_numeric(text.where(text.ne("")), errors="coerce").astype(float)
        wrong = value.isna() & text.ne("")
        problems += _issues(path, frame, column, wrong, what="is no number", hint="Write a plain number.")
        if column != "sign":
            problems += _issues(path, frame, column, value.lt(0), what="is negative", hint="Factors are not negative.")
        frame[column] = value
    if "unit" in filled:
        kinds = frame["quantity"].isin(_UNITLESS_KINDS) if "quantity" in frame else pd.Series(False, frame.index)
        unknown = ~frame["unit"].map(is_known).astype(bool) & ~kinds & frame["unit"].ne("")
        problems += _issues(path, frame, "unit", unknown, what="is no known unit", hint="See carbonsim.units.")
    return frame


def _issues(path: Path, frame: pd.DataFrame, column: str, wrong: pd.Series, *, what: str, hint: str) -> Iterator[Issue]:
    """One issue for each row of a table where ``wrong`` holds; the header is row 1."""
    for position in wrong.to_numpy().nonzero()[0]:
        value = str(frame[column].iloc[position])
        yield Issue(
            "factor_value",
            str(path),
            f"'{value}' {what}.",
            hint=hint,
            row=int(position) + 2,
            column=column,
            value=value,
        )
