"""Measured terms of a ledger: a value for the year reaches its months; bounds, references and evidence."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from carbonsim.errors import Issue
from carbonsim.inputs.table_checks import Origin
from carbonsim.inputs.terms import TERMS

Frames = Mapping[str, pd.DataFrame]
Origins = Mapping[str, Origin]

STREAM_KEY: Final = ("facility", "year", "stream")
ROW_KEY: Final = (*STREAM_KEY, "month")
WIDE_TERMS: Final = ("net_calorific_value", "carbon_content", "oxidation")
NEEDS_EVIDENCE: Final = "biogenic_fraction"


def spread_terms(frames: Frames, origin: Origin) -> tuple[pd.DataFrame, Origin]:
    """The measured terms with a row for each month where a stream is given by month.

    A value for the whole year stands for every month of its stream that has no value of its own.

    Parameters
    ----------
    frames : mapping of table to DataFrame
        ``terms`` and ``activity``, and ``gaps`` if there are any, as typed.
    origin : Origin
        That of ``terms``.
    """
    terms = frames["terms"].assign(place=np.arange(len(frames["terms"])))
    rows = pd.concat([frames[name][list(ROW_KEY)] for name in ("activity", "gaps") if name in frames])
    monthly = rows[rows["month"].notna()].drop_duplicates()
    yearly = terms[terms["month"].isna()].drop(columns="month").merge(monthly, on=list(STREAM_KEY))
    if not len(yearly):
        return frames["terms"], origin
    key = [*ROW_KEY, "term"]
    own = pd.MultiIndex.from_frame(terms.loc[terms["month"].notna(), key])
    made = yearly[~pd.MultiIndex.from_frame(yearly[key]).isin(own)]
    spread = pd.concat([terms[~terms["place"].isin(yearly["place"])], made[terms.columns]], ignore_index=True)
    places = [int(place) for place in spread["place"]]
    typed = dict(origin.typed)
    moved = {
        (new, column): text
        for new, old in (enumerate(places) if typed else ())
        for column in spread.columns
        if (text := typed.get((old, str(column)), ""))
    }
    rows_shown = tuple(origin.rows[place] for place in places)
    return spread.drop(columns="place"), dataclasses.replace(origin, rows=rows_shown, typed=moved)


def term_faults(frames: Frames, origins: Origins) -> list[Issue]:
    """Measured terms out of their bounds, of a stream that is not there, given twice, or without needed evidence."""
    if "terms" not in frames or not len(frames["terms"]):
        return []
    terms, origin = frames["terms"], origins["terms"]
    issues = _bound_faults(terms, origin)
    if "activity" in frames:
        issues += _reference_faults(terms, origin, frames["activity"])
    for place in np.flatnonzero((terms["term"] == NEEDS_EVIDENCE) & ~_proven(terms, frames.get("activity"))):
        texts = (
            "without evidence the carbon counts as fossil.",
            "没有证明材料，按化石碳计算。",
            "Name the document in evidence, here or in the row of activity.",
            "请在本表或活动数据表的 evidence 列填写证明材料。",
        )
        issues.append(origin.issue("no-evidence", int(place), "evidence", "", texts, "warning"))
    return list(dict.fromkeys(issues))


def _proven(terms: pd.DataFrame, activity: pd.DataFrame | None) -> NDArray[np.bool_]:
    """Which terms name a document, in their own cell or in that of their row of activity."""
    named = (terms["evidence"] != "").to_numpy(dtype=bool)
    if activity is None:
        return named
    rows = _index(activity[activity["evidence"] != ""])
    return np.asarray(named | _index(terms).isin(rows), dtype=bool)


def _bound_faults(terms: pd.DataFrame, origin: Origin) -> list[Issue]:
    values = terms["value"].to_numpy(dtype=float)
    known = [TERMS.get(str(name)) for name in terms["term"]]
    lower = np.array([-np.inf if term is None else term.lower for term in known])
    upper = np.array([np.inf if term is None or term.upper is None else term.upper for term in known])
    is_open = np.array([term is not None and term.lower_open for term in known], dtype=bool)
    issues = []
    for place in np.flatnonzero((values < lower) | (is_open & (values == lower)) | (values > upper)):
        term, value = known[place], values[place]
        low = value <= lower[place]
        limit = lower[place] if low else upper[place]
        if term is not None and low and is_open[place]:
            texts = (
                f"{value:g} will not do: '{term.name}' [{term.unit}] must be above {limit:g}, as the formula divides "
                "by it.",
                f"{value:g} 无效：“{term.zh}”是公式的除数，必须大于 {limit:g}。",
            )
            issues.append(origin.issue("out-of-bounds", int(place), "value", f"{value:g}", texts))
        elif term is not None:
            texts = (
                f"{value:g} is {'below' if low else 'above'} {limit:g}, the bound of '{term.name}' [{term.unit}].",
                f"{value:g} {'小于' if low else '大于'}“{term.zh}”的界限 {limit:g}。",
            )
            issues.append(origin.issue("out-of-bounds", int(place), "value", f"{value:g}", texts))
    return issues


def _reference_faults(terms: pd.DataFrame, origin: Origin, activity: pd.DataFrame) -> list[Issue]:
    rows = _index(activity)
    found = rows.get_indexer(_index(terms)) if rows.is_unique else np.zeros(len(terms), dtype=int)
    stated = (terms["facility"] != "") & (terms["stream"] != "") & terms["year"].notna()
    issues = []
    for place in np.flatnonzero((found < 0) & stated):
        row = terms.iloc[place]
        month = "" if row["month"] != row["month"] else f"-{int(row['month']):02}"
        label = f"{row['facility']}/{row['stream']} {row['year']:g}{month}"
        texts = (
            f"activity has no row for '{label}'.",
            f"活动数据表中没有“{label}”。",
            "Correct facility, year, stream or month.",
            "请检查设施、年份、源流与月份。",
        )
        issues.append(origin.issue("unknown-reference", int(place), "stream", row["stream"], texts))
    for name in WIDE_TERMS:
        given = activity[name].notna().to_numpy()[found] & (found >= 0)
        for place in np.flatnonzero((terms["term"] == name) & given & rows.is_unique):
            texts = (
                f"{name} is given in activity as well.",
                f"活动数据表中已填写 {name}。",
                "Keep one of the two.",
                "请只保留其一。",
            )
            issues.append(origin.issue("given-twice", int(place), "term", name, texts))
    return issues


def _index(frame: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(frame[list(ROW_KEY)].fillna({"month": 0}))
