"""Recalculation of base-year emissions when the enterprise or its methods change by more than a threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from carbonsim.accounting.core import Labels
from carbonsim.accounting.streams import Floats, Index, numbers, text
from carbonsim.errors import InputError, Issue, did_you_mean, shorten

# What each kind of change can do to the emissions of the base year: add, take away, or both.
KINDS: Final[dict[str, int]] = {
    "acquisition": 1,
    "insourcing": 1,
    "divestment": -1,
    "outsourcing": -1,
    "boundary": 0,
    "method": 0,
    "factor": 0,
    "error": 0,
}
ORGANIC: Final = "organic"
THRESHOLD: Final = 0.05
ROUNDING: Final = 1e-9  # relative: sums that cancel leave this much
THRESHOLD_BASIS: Final = "assumption"
THRESHOLD_SOURCE: Final = "ghg-protocol-corporate"


@dataclass(frozen=True, slots=True)
class BaseYear:
    """Base-year emissions as reported and as recalculated, with the reasons.

    Attributes
    ----------
    year : int
    threshold : float [1]
        Share of the reported emissions from which changes are significant; its basis is an assumption of the study.
    table : DataFrame
        Index enterprise: ``reported``, ``net`` (sum of the changes), ``gross`` (sum of their absolute values),
        ``recalculated`` (reported + net) and ``stated`` (the one to use from now on) [tCO2e]; ``share`` (gross over
        reported) [1], 0 where ``share_available`` is False because nothing was reported; ``significant``.
    reasons : DataFrame
        One row for each change, in the order given: ``enterprise, kind, tonnes, share`` and ``cumulated_share`` (gross,
        up to this row) [1], ``applied``, ``reason, basis, source``.
    """

    year: int
    threshold: float
    table: pd.DataFrame
    reasons: pd.DataFrame

    def __str__(self) -> str:
        moved = self.table.index[self.table["significant"]].tolist()
        what = f"recalculated for {shorten(moved)}" if moved else "not recalculated"
        return f"base year {self.year}: {what} (threshold {self.threshold:.1%}, {THRESHOLD_BASIS})"


def recalculate_base_year(
    base: xr.Dataset,
    changes: pd.DataFrame,
    *,
    threshold: float = THRESHOLD,
    year: int | None = None,
    scopes: Sequence[int] = (1, 2),
) -> BaseYear:
    r"""Base-year emissions of every enterprise, recalculated where the changes together are significant.

    Parameters
    ----------
    base : Dataset
        Inventory of the base year, as ``build_inventory`` makes it.
    changes : DataFrame
        Every change since the base year was last set: ``enterprise``; ``kind``, one of ``acquisition, insourcing``
        (which add), ``divestment, outsourcing`` (which take away), ``boundary, method, factor, error``; ``tonnes``
        [tCO2e] by which it alters the emissions *of the base year*, signed; ``reason``; ``basis`` and ``source`` where
        they are given. ``changes_from_rerun`` makes rows out of a second inventory.
    threshold : float [1]
        Share of the reported emissions from which a recalculation is due.
    year : int, optional
        Base year; the first of the inventory by default.
    scopes : sequence of int
        Scopes 1 and 2 (location based) by default.

    Returns
    -------
    BaseYear

    Raises
    ------
    InputError
        If a change is organic growth or decline, which never alters a base year; if a kind or an enterprise is not
        known, a reason or number is missing, a sign contradicts the kind, the changes take more from a base year than
        it holds, or the threshold is not between 0 and 1.

    Notes
    -----
    Changes are significant together if :math:`\sum_i |\Delta_i| \ge \theta E_0`: an acquisition and a divestment that
    cancel out still alter what is compared. A plant that did not exist in the base year had no emissions then and
    changes nothing, however it came or went.

    The protocol asks for a threshold and names none: 5 % is common practice and an assumption here.

    References
    ----------
    source: ghg-protocol-corporate.
    """
    chosen = int(base["year"].values[0]) if year is None else year
    reported, enterprise = _emissions(base, chosen, scopes), base["enterprise"].values.astype(str)
    place, tonnes = _checked(changes, enterprise, threshold)
    net, gross = (
        np.bincount(place, weights=weights, minlength=len(enterprise)).astype(float)
        for weights in (tonnes, np.abs(tonnes))
    )
    _check_left(enterprise, reported, net, gross)
    has_share = reported > 0
    scale = np.where(has_share, reported, 1.0)
    significant = (gross > 0) & (gross >= threshold * reported)
    recalculated = reported + net
    table = pd.DataFrame(
        {
            "reported": reported,
            "net": net,
            "gross": gross,
            "recalculated": recalculated,
            "share": np.where(has_share, gross / scale, 0.0),
            "share_available": has_share,
            "significant": significant,
            "stated": np.where(significant, recalculated, reported),
        },
        index=pd.Index(enterprise, name="enterprise"),
    )
    size = np.abs(tonnes) / scale[place]
    reasons = pd.DataFrame(
        {
            "enterprise": enterprise[place],
            "kind": text(changes, "kind"),
            "tonnes": tonnes,
            "share": np.where(has_share[place], size, 0.0),
            "cumulated_share": np.where(has_share[place], pd.Series(size).groupby(place).cumsum(), 0.0),
            "applied": significant[place],
            **{name: text(changes, name) for name in ("reason", "basis", "source")},
        }
    )
    return BaseYear(chosen, threshold, table, reasons)


def changes_from_rerun(
    base: xr.Dataset,
    rerun: xr.Dataset,
    *,
    kind: str,
    reason: str,
    basis: str = "",
    source: str = "",
    year: int | None = None,
    scopes: Sequence[int] = (1, 2),
) -> pd.DataFrame:
    """Rows for ``recalculate_base_year``: by how much a second inventory of the base year differs, by enterprise.

    Parameters
    ----------
    base, rerun : Dataset
        The base year as reported, and counted again with another method, other factors or a corrected ledger.
    kind, reason, basis, source : str
        What the difference is; the same for every row.
    year, scopes
        As for ``recalculate_base_year``.

    Returns
    -------
    DataFrame
        Enterprises of either inventory whose emissions differ.

    Raises
    ------
    InputError
        If the base year is in only one of the inventories.
    """
    chosen = int(base["year"].values[0]) if year is None else year
    before, after = (
        pd.Series(_emissions(dataset, chosen, scopes), index=dataset["enterprise"].values.astype(str))
        for dataset in (base, rerun)
    )
    difference = after.sub(before, fill_value=0.0)
    difference = difference[difference != 0]
    rows = {"enterprise": difference.index, "kind": kind, "tonnes": difference.to_numpy(), "reason": reason}
    return pd.DataFrame({**rows, "basis": basis, "source": source})


def _emissions(inventory: xr.Dataset, year: int, scopes: Sequence[int]) -> Floats:
    """Emissions (enterprise) [tCO2e] of a year in the scopes."""
    if year not in inventory["year"].values:
        known = shorten(inventory["year"].values.tolist())
        raise InputError(
            Issue(
                "base-year",
                "",
                f"base year {year} is not in the inventory, which holds {known}.",
                f"基准年 {year} 不在清单中，清单含 {known}。",
                "Give a year of the inventory.",
                "请给出清单中的年份。",
            )
        )
    at = inventory.sel(year=year)
    counted = np.isin(at["stream_scope"].values, [scope for scope in scopes if scope > 0])
    place = pd.Index(at["enterprise"].values).get_indexer(pd.Index(at["stream_enterprise"].values))
    weights = at["stream_emissions_co2e"].values * counted
    return np.bincount(place, weights=weights, minlength=at.sizes["enterprise"]).astype(float)


def _checked(changes: pd.DataFrame, enterprise: Labels, threshold: float) -> tuple[Index, Floats]:
    """Place of each change's enterprise and its tonnes, or all problems at once."""
    problems = _threshold_problem(threshold)
    names, kinds, reasons = (text(changes, column) for column in ("enterprise", "kind", "reason"))
    tonnes = numbers(changes, "tonnes")
    place = pd.Index(enterprise).get_indexer(pd.Index(names))
    for row, (name, kind, reason) in enumerate(zip(names.tolist(), kinds.tolist(), reasons.tolist(), strict=True)):
        if place[row] < 0:
            found = f"enterprise '{name}' is not in the base year.", f"企业“{name}”不在基准年清单中。"
            hints = did_you_mean(name, enterprise.tolist()), did_you_mean(name, enterprise.tolist(), "zh")
            problems.append(_issue(row, "enterprise", name, found, hints))
        problems += _kind_problem(row, kind, float(tonnes[row]))
        if not reason.strip():
            found = "a change without a reason.", "变更缺少原因。"
            problems.append(_issue(row, "reason", "", found, ("Say why it is made.", "请写明原因。")))
    if problems:
        raise InputError(problems)
    return np.asarray(place, dtype=np.intp), tonnes


def _check_left(enterprise: Labels, reported: Floats, net: Floats, gross: Floats) -> None:
    """Refuse changes that take more from the base year of an enterprise than was reported for it."""
    left = reported + net
    wrong = np.flatnonzero((net < 0) & (left < -ROUNDING * np.maximum(gross, np.abs(reported))))
    if wrong.size:
        raise InputError([
            Issue(
                "base-year",
                "changes",
                f"enterprise '{enterprise[place]}': its changes of {net[place]:.10g} t make the base year of "
                f"{reported[place]:.10g} t negative ({left[place]:.10g} t).",
                f"企业“{enterprise[place]}”：变更合计 {net[place]:.10g} t，使 {reported[place]:.10g} t 的基准年排放成为"
                f"负值（{left[place]:.10g} t）。",
                "Give what the part emitted in the base year, not in the year of the change; check its scopes too.",
                "请填写该部分在基准年（而非变更当年）的排放量，并核对其范围。",
                column="tonnes",
            )
            for place in wrong.tolist()
        ])  # fmt: skip


def _threshold_problem(threshold: float) -> list[Issue]:
    if 0 < threshold < 1:
        return []
    return [
        Issue(
            "base-year",
            "",
            f"threshold {threshold:g} is not between 0 and 1.",
            f"阈值 {threshold:g} 不在 0 与 1 之间。",
            "Give a share, such as 0.05.",
            "请给出比例，如 0.05。",
        )
    ]


def _kind_problem(row: int, kind: str, tonnes: float) -> list[Issue]:
    """What is wrong with the kind or the amount of a change."""
    if kind == ORGANIC:
        found = (
            "organic growth or decline never changes a base year: it is what the base year is there to show.",
            "内生增减不得触发基准年重算：基准年正是用来反映这种变化。",
        )
        return [_issue(row, "kind", kind, found, ("Drop the row.", "请删去该行。"))]
    if kind not in KINDS:
        known = ", ".join(KINDS)
        found = f"kind '{kind}' is not known. Known: {known}.", f"类别“{kind}”未知。可用：{known}。"
        return [_issue(row, "kind", kind, found, (did_you_mean(kind, KINDS), did_you_mean(kind, KINDS, "zh")))]
    if not np.isfinite(tonnes):
        found = "tonnes are missing.", "缺少吨数。"
        return [
            _issue(row, "tonnes", "", found, ("Give the change of base-year emissions.", "请填写基准年排放的变化量。"))
        ]
    if tonnes * KINDS[kind] < 0:
        way, way_zh = ("adds to", "增加") if KINDS[kind] > 0 else ("takes from", "减少")
        found = (
            f"{tonnes:g} t of kind '{kind}': that kind {way} the base year.",
            f"“{kind}”为 {tonnes:g} t：该类别只会{way_zh}基准年排放。",
        )
        return [_issue(row, "tonnes", f"{tonnes:g}", found, ("Mend the sign or the kind.", "请更正符号或类别。"))]
    return []


def _issue(row: int, column: str, value: str, found: tuple[str, str], hints: tuple[str, str]) -> Issue:
    return Issue("base-year", "changes", *found, *hints, row=row + 2, column=column, value=value)
