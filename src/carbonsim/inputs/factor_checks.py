"""What is wrong with one factor table, packaged or a user's own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from carbonsim.errors import Issue
from carbonsim.inputs.factor_columns import FACTOR_TABLES, UNITLESS_KINDS
from carbonsim.inputs.table_checks import Origin, check_table
from carbonsim.inputs.tables import RawTable
from carbonsim.units import is_known

# Shares of a blend are printed to three decimals at least.
SHARE_TOLERANCE: Final = 1e-6


def check_factor_table(
    raw: RawTable, name: str, sources: Collection[str] | None = None
) -> tuple[pd.DataFrame, Origin, list[Issue]]:
    """One factor table as typed columns, the origin of its rows, and all its faults.

    Parameters
    ----------
    raw : RawTable
        Table as text.
    name : str
        Table of ``factor_columns.FACTOR_TABLES``.
    sources : collection of str, optional
        Keys of the listed sources; not checked if None.
    """
    frame, origin, issues = check_table(raw, FACTOR_TABLES[name], sources)
    if any(issue.code in ("missing-column", "missing-header") for issue in issues):
        return frame, origin, issues
    if name == "process":
        issues += _unit_faults(frame, origin)
    if name == "blends":
        issues += _share_faults(frame, origin)
    if name == "uncertainties":
        issues += _bound_faults(frame, origin)
    return frame, origin, issues


def _unit_faults(frame: pd.DataFrame, origin: Origin) -> list[Issue]:
    free = frame["quantity"].isin(UNITLESS_KINDS) | frame["unit"].eq("")
    unknown = ~free & ~frame["unit"].map(is_known).astype(bool)
    return [
        origin.issue(
            "unknown-unit",
            int(place),
            "unit",
            frame["unit"].iloc[place],
            (
                f"unit '{frame['unit'].iloc[place]}' is not known.",
                f"单位“{frame['unit'].iloc[place]}”未知。",
                "Write it as in carbonsim.units, such as tCO2/t.",
                "请按单位表书写，如 tCO2/t。",
            ),
        )
        for place in np.flatnonzero(unknown)
    ]


def _share_faults(frame: pd.DataFrame, origin: Origin) -> list[Issue]:
    """Blends whose shares do not add up to 1, at their first row."""
    issues = []
    for blend, rows in frame.groupby("blend", sort=True):
        total = float(rows["mass_share"].sum(skipna=False))
        if not abs(total - 1.0) <= SHARE_TOLERANCE:
            place = int(rows.index[0])
            texts = (
                f"the shares of blend '{blend}' add up to {total:g}, not 1.",
                f"混合工质“{blend}”的质量占比合计为 {total:g}，应为 1。",
                "List every gas of the blend.",
                "请列出该混合工质的全部气体。",
            )
            issues.append(origin.issue("blend-shares", place, "mass_share", f"{total:g}", texts))
    return issues


def _bound_faults(frame: pd.DataFrame, origin: Origin) -> list[Issue]:
    """Rows that give neither a half-width nor both bounds, or bounds in the wrong order."""
    issues = []
    bounds = frame[["lower", "upper"]].notna()
    for place in np.flatnonzero(~bounds.all(axis=1) & (frame["half_width"].isna() | bounds.any(axis=1))):
        texts = (
            "gives neither a half-width nor both bounds.",
            "既未给出相对半宽，也未给出完整的上下限。",
            "Fill in lower and upper, or half_width alone.",
            "请填写上下限，或只填写相对半宽。",
        )
        issues.append(origin.issue("uncertainty-bounds", int(place), "half_width", "", texts))
    for place in np.flatnonzero(frame["lower"].gt(frame["upper"])):
        texts = ("lower is above upper.", "下限大于上限。", "Exchange them.", "请互换。")
        issues.append(origin.issue("uncertainty-bounds", int(place), "lower", frame["lower"].iloc[place], texts))
    return issues


def reference_faults(tables: Mapping[str, pd.DataFrame], name: str, frame: pd.DataFrame, origin: Origin) -> list[Issue]:
    """Rows of one table that name a gas or a factor which the library they will be part of does not list.

    Parameters
    ----------
    tables : mapping
        The whole library that the rows belong to.
    name : str
        Table of the rows.
    frame, origin : DataFrame, Origin
        The rows to check and where they stand.
    """
    if name in ("process", "blends"):
        known = {"", *tables["gwp"]["gas"]}
        texts = ("gas '{}' has no warming potential.", "气体“{}”没有增温潜势。", "Add it to gwp.", "请补充到 gwp 表。")
        return _unlisted(frame["gas"], known, "gas", origin, texts)
    if name == "uncertainties":
        gases = tables["combustion_gases"]
        known = {
            *(f"{row[0]}:{row[1]}" for row in tables["fuels"][["table_set", "fuel"]].to_numpy()),
            *(f"{row[0]}:{row[1]}" for row in tables["process"][["table_set", "factor"]].to_numpy()),
            *(f"{row[0]}:{row[1]}/{row[2]}" for row in gases[["table_set", "factor", "gas"]].to_numpy()),
        }
        texts = (
            "factor '{}' is in no table.",
            "因子库中没有“{}”。",
            "Write set and factor.",
            "请填写因子集与因子代码。",
        )
        return _unlisted(frame["table_set"] + ":" + frame["factor"], known, "factor", origin, texts)
    return []


def _unlisted(
    values: pd.Series, known: Collection[str], column: str, origin: Origin, texts: Sequence[str]
) -> list[Issue]:
    return [
        origin.issue("unknown-reference", int(place), column, value, [text.format(value) for text in texts])
        for place, value in enumerate(values)
        if value not in known
    ]
