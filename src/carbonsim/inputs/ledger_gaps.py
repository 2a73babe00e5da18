"""Replaces missing amounts of a ledger by conservative ones, and keeps the reason and the rows they rest on.

Conservative is what raises the emissions or lowers the deduction of the enterprise: the highest of the stream's other
months or years, the lowest where the method deducts or where the amount is output, by which emissions are divided.
The measured terms of the stream follow the same rule (`inputs.gap_terms`): nothing less careful than what the stream
showed elsewhere stands in for a gap. Where a guideline prescribes a value for months without a measurement, it goes
into the table of terms, which is not touched. An amount stated that is less careful than the rest of the stream, and a
year of which more than ``MANY_MONTHS`` of twelve are gaps (an assumption of the package), are warnings.

References
----------
source: eu-2018-2066 (article 66: conservative surrogate data for gaps, by a procedure that is written down)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from carbonsim.errors import Issue, UnitError, shorten
from carbonsim.inputs.factor_records import Factors
from carbonsim.inputs.gap_terms import careful_terms
from carbonsim.inputs.ledger_checks import ALL_MONTHS
from carbonsim.inputs.ledger_columns import HIGHEST_MONTH, HIGHEST_YEAR, STATED
from carbonsim.inputs.ledger_terms import STREAM_KEY, WIDE_TERMS
from carbonsim.inputs.table_checks import Origin, records
from carbonsim.inputs.term_defaults import TermDefaults
from carbonsim.units import conversion_factor

Frames = Mapping[str, pd.DataFrame]
Origins = Mapping[str, Origin]
Floats = NDArray[np.float64]
Texts = tuple[str, ...]

LEAST_MONTHS: Final = 3
MANY_MONTHS: Final = 3
SUBTRACTING: Final = (
    "product_output",
    "deduction",
    "recovered",
    "electricity_exported",
    "heat_exported",
    "co2_transferred",
    "co2_stored",
)
# More output means more free allowances and a lower intensity, so the lowest is the careful one.
DIVIDING: Final = ("output", "key_output", "heat_supplied")
CONTROLS: Final = ("control_so2", "control_nox", "control_pm")
COPIED: Final = ("method", "factor", "gas_factor", "pollutant_factor", "scope3_category")
SUBSTITUTIONS: Final = (
    *STREAM_KEY, "month", "quantity", "unit", "method", "factor", *WIDE_TERMS, "rule", "reason", "used_rows",
)  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class _Filled:
    """One gap that was filled: the row of activity, the rows of terms, and the places of the rows it rests on."""

    row: dict[str, Any]
    terms: tuple[dict[str, Any], ...]
    used: tuple[int, ...]
    place: int
    warning: Texts = ()


@dataclasses.dataclass(frozen=True, slots=True)
class _Known:
    """What is known beside a gap: the values of terms by the key of a row, rows as the user sees them, and defaults."""

    measured: Mapping[tuple[Any, ...], Mapping[str, float]]
    origin: Origin
    defaults: TermDefaults


def fill_gaps(
    frames: Frames, origins: Origins, factors: Factors
) -> tuple[dict[str, pd.DataFrame], dict[str, Origin], pd.DataFrame, list[Issue]]:
    """The tables with a row of activity for each gap, marked ``substituted``, and what was put in.

    Parameters
    ----------
    frames, origins : mapping of table to DataFrame and Origin
        ``activity``, ``terms`` and ``gaps`` as typed.
    factors : Factors
        Tables whose defaults hold where nothing was measured.

    Returns
    -------
    frames, origins
        As given, with rows added at the end of ``activity`` and ``terms``; a fault of such a row is shown in ``gaps``.
    substitutions : DataFrame
        A row each gap: key, quantity [unit], measured terms, rule, reason and the rows of activity that were compared.
    issues : list of Issue
        Gaps that cannot be filled: an amount is there, too little is known, or units do not convert. Warnings of
        amounts that are less careful than the rest of the stream, and of years with many gaps.
    """
    activity = frames["activity"].assign(substituted=False)
    gaps, origin = frames["gaps"], origins["gaps"]
    streams = _rows_by_stream(activity, gaps) if len(gaps) else {}
    known = _Known(_terms_by_row(frames["terms"]), origins["activity"], TermDefaults(factors))
    filled, issues = [], _many_gaps(gaps, origin)
    for place, gap in enumerate(records(gaps)):
        if not all(gap[name] for name in ("facility", "stream", "rule")) or gap["year"] != gap["year"]:
            continue
        rows = streams.get((gap["facility"], gap["stream"]), activity.iloc[:0])
        found = _fill(gap, place, rows, known)
        if isinstance(found, _Filled):
            filled.append(found)
            if found.warning:
                issues.append(
                    origin.issue("less-careful", place, "quantity", f"{gap['quantity']:g}", found.warning, "warning")
                )
        else:
            column, value, texts = found
            issues.append(origin.issue("gap", place, column, value, texts))
    new_frames, new_origins = {**frames, "activity": activity}, dict(origins)
    for table, added in (
        ("activity", [(one.row, one.place) for one in filled]),
        ("terms", [(term, one.place) for one in filled for term in one.terms]),
    ):
        if added:
            new_frames[table] = _extended(new_frames[table], [row for row, _ in added])
            new_origins[table] = origins[table].extended(origin, [place for _, place in added])
    return new_frames, new_origins, _substitutions(filled, gaps, origins["activity"]), issues


def _rows_by_stream(activity: pd.DataFrame, gaps: pd.DataFrame) -> dict[tuple[str, str], pd.DataFrame]:
    """Rows of activity of the streams that have gaps, sorted by time; the index is the place in the table."""
    key = ["facility", "stream"]
    wanted = pd.MultiIndex.from_frame(activity[key]).isin(pd.MultiIndex.from_frame(gaps[key]))
    rows = activity[wanted].sort_values(["year", "month"], kind="stable")
    return {(str(name[0]), str(name[1])): group for name, group in rows.groupby(key, sort=False)}


def _terms_by_row(terms: pd.DataFrame) -> dict[tuple[Any, ...], dict[str, float]]:
    found: dict[tuple[Any, ...], dict[str, float]] = {}
    for row in records(terms):
        found.setdefault(_key(row), {})[row["term"]] = row["value"]
    return found


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    month = row["month"]
    return (row["facility"], row["year"], row["stream"], 0 if month != month else int(month))


def _fill(gap: Mapping[str, Any], place: int, rows: pd.DataFrame, known: _Known) -> _Filled | tuple[str, object, Texts]:
    """A gap with its replacement, or column, value and texts of the reason why there is none."""
    there = [place for place, row in _numbered(rows) if _key(row) == _key(gap)]
    if there:
        where = known.origin.rows[there[0]]
        english, chinese = f"row {where} of activity has this amount.", f"活动数据表第 {where} 行已有该数据。"
        return "stream", gap["stream"], (english, chinese, "Delete one of the two.", "请删除其一。")
    same_year = rows[rows["year"] == gap["year"]]
    context = same_year if len(same_year) else rows
    copied = {name: _one_of(gap.get(name, ""), context[name]) for name in COPIED}
    for name, values in copied.items():
        if len(values) > 1 or (name == "method" and not values):
            return _not_one(name, values)
    method = next(iter(copied["method"]))
    rows, context = rows[rows["method"] == method], context[context["method"] == method]
    used = _compared(gap, rows)
    if not isinstance(used, pd.DataFrame):
        return used
    lowest = method in (*SUBTRACTING, *DIVIDING)
    amount = _amount(gap, used, lowest=lowest)
    if isinstance(amount[1], tuple):
        return "unit", amount[0], amount[1]
    factor = next(iter(copied["factor"]), "")
    rows, context = rows[rows["factor"] == factor], context[context["factor"] == factor]
    shown = context if gap["rule"] == STATED else used[used["factor"] == factor]
    measured = [(row, known.measured.get(_key(row), {})) for _, row in _numbered(shown)]
    own = known.measured.get(_key(gap), {})
    terms = careful_terms(measured, own, known.defaults, subtracts=method in SUBTRACTING)
    if not isinstance(terms, dict):
        return "stream", gap["stream"], terms[1]
    evidence = {name: gap[name] for name in (*STREAM_KEY, "month", "basis", "source")}
    added = {
        **evidence,
        **{name: next(iter(values), np.nan) for name, values in copied.items()},
        **{name: terms.pop(name, np.nan) for name in WIDE_TERMS},
        **{name: shown[name].min(skipna=False) if len(shown) else np.nan for name in CONTROLS},
        "quantity": amount[0],
        "unit": amount[1],
        "note": gap["reason"],
        "substituted": True,
    }
    other = tuple(
        {**evidence, "term": name, "value": value, "evidence": "", "note": gap["reason"]}
        for name, value in terms.items()
    )
    warning = _less_careful(gap, rows, lowest=lowest) if gap["rule"] == STATED else ()
    return _Filled(added, other, tuple(int(index) for index in used.index), place, warning)


def _numbered(rows: pd.DataFrame) -> list[tuple[int, dict[str, Any]]]:
    return list(zip((int(index) for index in rows.index), records(rows), strict=True))


def _one_of(stated: object, others: pd.Series) -> dict[Any, None]:
    """The distinct values that a gap's row could take: the stated one, or those of the stream's other rows."""
    return {stated: None} if stated else dict.fromkeys(others.dropna().tolist())


def _not_one(name: str, values: Mapping[Any, None]) -> tuple[str, object, Texts]:
    if not values:
        return ("method", "", ("activity has no row of this stream, so its method is not known.",
                "活动数据表中没有该源流，无法得知核算方法。", "Check the name, or state quantity, unit and method.",
                "请检查源流名称，或填写规则 stated 及数量、单位与方法。"))  # fmt: skip
    some, some_zh = shorten(list(values)), shorten(list(values), "zh")
    column = name if name in ("method", "factor") else "stream"
    return (column, some, (f"the stream's rows have several of {name}: {some}.",
            f"该源流的 {name} 不止一个：{some_zh}。",
            f"Fill in {name}." if column == name else "Write the row in activity yourself.",
            f"请填写 {name}。" if column == name else "请直接在活动数据表中填写该行。"))  # fmt: skip


def _compared(gap: Mapping[str, Any], rows: pd.DataFrame) -> pd.DataFrame | tuple[str, object, Texts]:
    """Rows of the stream that the gap's rule compares."""
    rule, has_month = gap["rule"], gap["month"] == gap["month"]
    if rule == STATED:
        if gap["quantity"] != gap["quantity"] or not gap["unit"]:
            column = "unit" if gap["quantity"] == gap["quantity"] else "quantity"
            return (column, "", ("the rule stated needs a quantity and a unit.", "规则 stated 需要填写数量与单位。"))
        return rows.iloc[:0]
    if gap["quantity"] == gap["quantity"]:
        return ("quantity", f"{gap['quantity']:g}", (f"the rule {rule} finds the quantity itself.",
                f"规则 {rule} 自行确定数量。", "Empty the cell, or write the rule stated.",
                "请清空，或将规则改为 stated。"))  # fmt: skip
    monthly: pd.DataFrame = rows[rows["month"].notna()]
    if rule == HIGHEST_MONTH:
        own: pd.DataFrame = monthly[monthly["year"] == gap["year"]]
        if not has_month or len(own) < LEAST_MONTHS:
            return ("rule", rule, (f"{len(own)} other months of that year are known; the rule needs {LEAST_MONTHS}.",
                    f"该年其他已知月份为 {len(own)} 个，规则至少需要 {LEAST_MONTHS} 个。",
                    f"Use {HIGHEST_YEAR} or {STATED}.", f"请改用 {HIGHEST_YEAR} 或 {STATED}。"))  # fmt: skip
        return own
    known = monthly if has_month else _whole_years(rows)
    other: pd.DataFrame = known[known["year"] != gap["year"]]
    if not len(other):
        what, chinese = ("month", "月份") if has_month else ("whole year", "完整年份")
        return ("rule", rule, (f"no {what} of another year is known.", f"没有其他年份的已知{chinese}。",
                f"Use {STATED}.", f"请改用 {STATED}。"))  # fmt: skip
    return other


def _whole_years(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of the years that are given as a whole or by all twelve months."""
    months = rows["month"].notna().groupby(rows["year"]).transform("sum")
    return rows[rows["month"].isna() | (months == len(ALL_MONTHS))]


def _amount(gap: Mapping[str, Any], used: pd.DataFrame, *, lowest: bool) -> tuple[float, str] | tuple[str, Texts]:
    """Quantity and unit of the replacement; or the unit that does not convert and what to do."""
    if gap["rule"] == STATED:
        return float(gap["quantity"]), str(gap["unit"])
    unit = str(used["unit"].iloc[0])
    amounts = _in_unit(used, unit)
    if isinstance(amounts, str):
        return amounts, (f"the stream's rows are in units that do not convert: {unit} and {amounts}.",
                         f"该源流各行单位无法换算：{unit} 与 {amounts}。",
                         "Give them in one unit.", "请统一单位。")  # fmt: skip
    if gap["month"] != gap["month"]:
        amounts = amounts.groupby(used["year"]).sum()
    return float(amounts.min() if lowest else amounts.max()), unit


def _in_unit(rows: pd.DataFrame, unit: str) -> pd.Series | str:
    """Quantities of rows in one unit, or the first unit that does not convert to it."""
    scaled = []
    for other, quantity in zip(rows["unit"], rows["quantity"], strict=True):
        try:
            scaled.append(float(quantity) * conversion_factor(str(other), unit))
        except UnitError:
            return str(other)
    return pd.Series(scaled, index=rows.index, dtype=float)


def _less_careful(gap: Mapping[str, Any], rows: pd.DataFrame, *, lowest: bool) -> Texts:
    """What to say of an amount stated that is less careful than the other months or years; nothing if it is not."""
    of_month = gap["month"] == gap["month"]
    others: pd.DataFrame = rows[rows["month"].notna()] if of_month else _whole_years(rows)
    same_year = others[others["year"] == gap["year"]]
    others = same_year if of_month and len(same_year) else others
    unit = str(gap["unit"])
    amounts = _in_unit(others, unit) if len(others) else ""
    if isinstance(amounts, str):
        return ()
    amounts = amounts if of_month else amounts.groupby(others["year"]).sum()
    careful = float(amounts.min() if lowest else amounts.max())
    stated = float(gap["quantity"])
    # A sum of converted amounts carries noise in its last digits.
    if np.isclose(stated, careful, rtol=1e-9, atol=0) or (stated < careful) == lowest:
        return ()
    which, which_zh = ("lowest", "最低") if lowest else ("highest", "最高")
    period, period_zh = ("months", "月份") if of_month else ("years", "年份")
    return (
        f"the amount stated, {stated:g} {unit}, is less careful than the {which} of the stream's other {period}, "
        f"{careful:g} {unit}.",
        f"填写的数量 {stated:g} {unit} 不如该源流其他{period_zh}的{which_zh}值 {careful:g} {unit} 保守。",
        f"Explain in reason why it is still conservative, or state {careful:.12g}.",
        f"请在 reason 中说明为何仍属保守，或填写 {careful:.12g}。",
    )


def _many_gaps(gaps: pd.DataFrame, origin: Origin) -> list[Issue]:
    """Warnings of years of a stream given by month in which so much is missing that the rest says little."""
    issues = []
    compared = gaps["rule"].isin((HIGHEST_MONTH, HIGHEST_YEAR)).to_numpy()
    stream_of = gaps.groupby(list(STREAM_KEY), sort=False).ngroup().to_numpy()
    for number in range(int(stream_of.max(initial=-1)) + 1):
        rows = gaps[stream_of == number]
        count = int(rows["month"].nunique())
        chosen = np.flatnonzero((stream_of == number) & compared)
        if count <= MANY_MONTHS or not len(chosen):
            continue
        facility, year, stream = (rows[name].iloc[0] for name in STREAM_KEY)
        label = f"{facility}/{stream} {year}"
        texts = (
            f"{count} of {len(ALL_MONTHS)} months of '{label}' are gaps, more than {MANY_MONTHS}: the rest may not "
            "stand for the year.",
            f"“{label}”的 {len(ALL_MONTHS)} 个月中缺失 {count} 个，超过 {MANY_MONTHS} 个，其余月份未必具有代表性。",
            "Check the amounts by another record, such as purchases and stock.",
            "请用其他记录（如采购与库存）核对。",
        )
        issues.append(origin.issue("many-gaps", int(chosen[0]), "rule", gaps["rule"].iloc[chosen[0]], texts, "warning"))
    return issues


def _extended(frame: pd.DataFrame, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """A frame with rows added, each column of the same type as before; an absent text is ``""``."""
    columns = {}
    for name in frame.columns:
        kind = frame[name].dtype
        empty: object = np.nan if kind.kind in "fi" else ""
        values = [row.get(str(name), empty) for row in rows]
        columns[name] = pd.Series([empty if value != value else value for value in values], dtype=object).astype(kind)
    return pd.concat([frame, pd.DataFrame(columns)], ignore_index=True)


def _substitutions(filled: Sequence[_Filled], gaps: pd.DataFrame, origin: Origin) -> pd.DataFrame:
    rows = [
        {
            **{name: one.row.get(name, "") for name in SUBSTITUTIONS},
            "rule": gaps["rule"].iloc[one.place],
            "reason": gaps["reason"].iloc[one.place],
            "used_rows": ", ".join(str(origin.rows[place]) for place in sorted(one.used)),
        }
        for one in filled
    ]
    return pd.DataFrame(rows, columns=list(SUBSTITUTIONS))
