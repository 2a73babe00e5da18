"""Checks across tables, and the conversion of amounts to the units used inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from carbonsim.errors import Issue, UnitError, did_you_mean, shorten
from carbonsim.inputs.columns import FACTOR_METHODS, FOREIGN_KEYS, MONEY_COLUMNS, MONEY_UNITS, SECTORS, STREAM_KINDS
from carbonsim.inputs.factor_names import factor_units, known_factors
from carbonsim.inputs.factors import Factors, factor_ids, packaged_factors
from carbonsim.inputs.measure_reach import reach_of, takers
from carbonsim.inputs.plausibility import activity_value_faults
from carbonsim.inputs.table_checks import Origin, records
from carbonsim.units import canonical, conversion_factor

Frames = Mapping[str, pd.DataFrame]
Origins = Mapping[str, Origin]

# Units inside by method; the methods that are not listed use the unit of their factor or of the facility's output.
METHOD_UNITS: Final[dict[str, str]] = {
    "anode": "t",
    "pfc": "t",
    "pfc_slope": "t",
    "pfc_overvoltage": "t",
    "leak": "t",
    "refrigerant": "t",
    "wastewater": "t",
    "recovered": "t",
    "co2_transferred": "t",
    "co2_stored": "t",
    "co2_received": "t",
    "electricity_purchased": "MWh",
    "electricity_exported": "MWh",
    "heat_purchased": "GJ",
    "heat_exported": "GJ",
    "heat_supplied": "GJ",
    "reported": "tCO2e",
    "reported_key": "tCO2e",
}
OUTPUT_METHODS: Final = ("output", "key_output")
NO_FACTOR: Final = (
    *OUTPUT_METHODS, "pfc", "heat_supplied", "reported", "reported_key", "recovered",
    "co2_transferred", "co2_stored", "co2_received",
)  # fmt: skip


def check_across(
    frames: Frames, origins: Origins, *, base_year: int, price_year: int, factors: Factors | None = None
) -> list[Issue]:
    """Every fault that takes more than one row or table to see; tables that could not be read are passed over.

    ``factors`` are the packaged tables with the study's own on top, or None for the packaged ones.
    """
    issues: list[Issue] = []
    for child, column, parent in FOREIGN_KEYS:
        if child in frames and parent in frames:
            issues += foreign_key_faults(frames, origins, child, column, parent)
    if {"enterprises", "facilities"} <= set(frames):
        issues += without_rows(
            frames,
            origins,
            "enterprises",
            "enterprise",
            set(frames["facilities"]["enterprise"]),
            "has no facility",
            "没有设施",
        )
    if {"facilities", "activity"} <= set(frames):
        activity = frames["activity"]
        active = set(activity.loc[activity["year"] == base_year, "facility"])
        issues += without_rows(
            frames,
            origins,
            "facilities",
            "facility",
            active,
            f"has no activity in the base year {base_year}",
            f"在基准年 {base_year} 没有活动数据",
        )
    if "activity" in frames:
        judged = frames["activity"], origins["activity"], factors or packaged_factors()
        issues += [*_factors(*judged), *activity_value_faults(*judged)]
    for name in ("finances", "measures"):
        if name in frames:
            issues += _price_year(frames[name], origins[name], price_year)
    if "measures" in frames:
        issues += _measures(frames, origins["measures"])
    if "coverage" in frames:
        issues += _coverage(frames["coverage"], origins["coverage"])
    return issues


def to_inside_units(
    frames: Frames, origins: Origins, factors: Factors | None = None
) -> tuple[dict[str, pd.DataFrame], list[Issue]]:
    """The tables with amounts in t, MWh, GJ, tCO2e, the factor's unit or CNY, and the units that do not fit.

    A quantity of combustion ends in the unit of its fuel, of another factor method in the unit its factor divides
    by, of ``output`` and ``key_output`` in the facility's output unit.
    """
    result = dict(frames)
    issues: list[Issue] = []
    if "activity" in frames:
        result["activity"], issues = _activity_units(frames, origins["activity"], factors or packaged_factors())
    if "finances" in frames:
        finances = frames["finances"].copy()
        known = finances["money_unit"].isin(MONEY_UNITS)
        scale = [conversion_factor(unit, "CNY") if unit in MONEY_UNITS else 1.0 for unit in finances["money_unit"]]
        for column in MONEY_COLUMNS:
            finances[column] = finances[column] * np.array(scale)
        finances["money_unit"] = finances["money_unit"].where(~known, "CNY")
        result["finances"] = finances
    return result, issues


def foreign_key_faults(
    frames: Frames, origins: Origins, child: str, column: str, parent: str, key: str = ""
) -> list[Issue]:
    """Cells of a table that name a row which the parent table does not hold; empty cells name none."""
    key = key or column
    known = set(frames[parent][key])
    values = frames[child][column]
    # A sector outside the closed list is reported once, as an unknown choice.
    sound = values.isin(SECTORS) if parent == "coverage" else values != ""
    issues = []
    for place in np.flatnonzero(~values.isin(known) & sound):
        value = values.iloc[place]
        where = origins[parent].sheet or origins[parent].source
        issues.append(
            origins[child].issue(
                "unknown-reference",
                int(place),
                column,
                value,
                (f"{column} '{value}' is not in {where}.", f"“{value}”不在 {where} 中。", did_you_mean(value, known)),
            )
        )
    return issues


def without_rows(
    frames: Frames, origins: Origins, table: str, column: str, present: set[str], what: str, chinese: str
) -> list[Issue]:
    """Rows of a table whose key no other table uses, such as an enterprise without a facility."""
    values = frames[table][column]
    return [
        origins[table].issue(
            "no-rows",
            int(place),
            column,
            values.iloc[place],
            (
                f"{column} '{values.iloc[place]}' {what}.",
                f"“{values.iloc[place]}”{chinese}。",
                "Add its rows, or delete it here.",
                "请补充相应数据，或删除此行。",
            ),
        )
        for place in np.flatnonzero(~values.isin(present) & (values != ""))
    ]


def _factors(activity: pd.DataFrame, origin: Origin, library: Factors) -> list[Issue]:
    by_method = {method: set(ids) for method, ids in factor_ids(library).items()}
    everything = known_factors(library)
    issues = []
    pairs = zip(activity["method"], activity["factor"], strict=True)
    for place, (method, factor) in enumerate(pairs):
        if not factor:
            if method in FACTOR_METHODS and method != "anode":
                some = sorted(by_method.get(method, ()))
                issues.append(
                    origin.issue(
                        "required",
                        place,
                        "factor",
                        "",
                        (
                            f"method {method} needs a factor.",
                            f"方法 {method} 需要排放因子。",
                            f"For example {shorten(some)}.",
                            f"例如：{shorten(some, 'zh')}。",
                        ),
                    )
                )
        elif method in NO_FACTOR:
            issues.append(
                origin.issue(
                    "unused-factor",
                    place,
                    "factor",
                    factor,
                    (
                        f"method {method} takes no factor, found '{factor}'.",
                        f"方法 {method} 不使用排放因子。",
                        "Empty the cell.",
                        "请清空。",
                    ),
                )
            )
        elif method and factor not in everything:
            issues.append(
                origin.issue(
                    "unknown-factor",
                    place,
                    "factor",
                    factor,
                    (
                        f"factor '{factor}' is not in the factor tables.",
                        f"因子库中没有“{factor}”。",
                        *_factor_hint(factor, by_method.get(method, set()) or everything),
                    ),
                )
            )
    return issues


def _factor_hint(factor: str, own: set[str]) -> tuple[str, str]:
    """The nearest factor of the row's own method, or some of them."""
    some, some_zh = shorten(sorted(own)), shorten(sorted(own), "zh")
    return did_you_mean(factor, own) or f"For example {some}.", did_you_mean(factor, own, "zh") or f"例如：{some_zh}。"


def _activity_units(frames: Frames, origin: Origin, library: Factors) -> tuple[pd.DataFrame, list[Issue]]:
    activity = frames["activity"].copy()
    output_unit = (
        dict(zip(*(frames["facilities"][name] for name in ("facility", "output_unit")), strict=True))
        if "facilities" in frames
        else {}
    )
    factor_unit = factor_units(library)
    quantity, units = activity["quantity"].to_numpy(copy=True), list(activity["unit"])
    issues = []
    rows = zip(activity["method"], activity["factor"], activity["facility"], units, strict=True)
    for place, (method, factor, facility, unit) in enumerate(list(rows)):
        target = (
            output_unit.get(facility, "")
            if method in OUTPUT_METHODS
            else METHOD_UNITS.get(method, factor_unit.get(factor, ""))
        )
        if not target or not unit:
            continue
        try:
            quantity[place] *= conversion_factor(unit, target)
            units[place] = canonical(target)
        except UnitError:
            issues.append(
                origin.issue(
                    "wrong-unit",
                    place,
                    "unit",
                    unit,
                    (
                        f"unit '{unit}' does not fit method {method}{f' with factor {factor}' if factor else ''}.",
                        f"单位“{unit}”不适用于方法 {method}。",
                        f"Give it in {target} or a unit that converts to it.",
                        f"请使用 {target} 或可换算的单位。",
                    ),
                )
            )
    activity["quantity"], activity["unit"] = quantity, pd.array(units, dtype="str")
    return activity, issues


def _price_year(frame: pd.DataFrame, origin: Origin, price_year: int) -> list[Issue]:
    years = frame["price_year"]
    return [
        origin.issue(
            "price-year",
            int(place),
            "price_year",
            int(years.iloc[place]),
            (
                f"prices are of {int(years.iloc[place])}, the study counts in prices of {price_year}.",
                f"价格年为 {int(years.iloc[place])}，研究的价格年为 {price_year}。",
                "Convert the row to the study's price year.",
                "请换算到研究的价格年。",
            ),
        )
        for place in np.flatnonzero(years.notna() & (years != price_year))
    ]


def _measures(frames: Frames, origin: Origin) -> list[Issue]:
    measures = frames["measures"]
    issues = []
    parts = measures[["capex", "lifetime"]].notna().all(axis=1)
    for place in np.flatnonzero(measures["unit_cost"].isna() & ~parts):
        texts = (
            "the measure has no cost: neither unit_cost nor capex and lifetime.",
            "缺少成本：需填写 unit_cost，或 capex 与 lifetime。",
        )
        issues.append(origin.issue("required", int(place), "unit_cost", "", texts))
    for place in np.flatnonzero(measures["unit_cost"].notna() & measures["capex"].notna() & measures["opex"].notna()):
        texts = (
            "unit_cost and the cost columns are both given; unit_cost is used.",
            "同时填写了单位成本与各成本列，将采用单位成本。",
        )
        issues.append(origin.issue("two-costs", int(place), "unit_cost", "", texts, "warning"))
    if {"enterprises", "facilities", "activity"} <= set(frames):
        issues += _measures_apply(frames, origin)
    return issues


def _measures_apply(frames: Frames, origin: Origin) -> list[Issue]:
    """Measures that no enterprise of the study can take; an error if the row names its enterprise or stream."""
    facilities, activity = records(frames["facilities"]), records(frames["activity"][["facility", "method", "stream"]])
    reach = reach_of(facilities, activity)
    streams = {*STREAM_KINDS, *frames["activity"]["stream"]}
    members = frames["enterprises"].groupby("sector")["enterprise"].agg(list).to_dict()
    issues = []
    for place, row in enumerate(records(frames["measures"])):
        target, present = row["acts_on"], members.get(row["sector"], [])
        if target and target not in streams:
            texts = (
                f"'{target}' is neither a kind of stream ({', '.join(STREAM_KINDS)}) nor the name of one.",
                f"“{target}”既不是源流类别也不是源流名称。",
                did_you_mean(target, streams),
            )
            issues.append(origin.issue("unknown-choice", place, "acts_on", target, texts))
        elif target and present and not takers(row, reach, present):
            reason = (
                f"no enterprise can take it: none has {row['process'] or 'a facility'} with a {target} stream.",
                f"没有企业可以采用：没有相应工序（{row['process'] or '任意'}）与源流（{target}）。",
                "Check sector, process, acts_on and enterprise.",
                "请检查行业、工序、作用对象与企业代码。",
            )
            named = "error" if row["enterprise"] else "warning"
            issues.append(origin.issue("matches-nothing", place, "acts_on", target, reason, named))
    return issues


def phase_in_shares(text: str) -> tuple[float, ...] | None:
    """Shares of the obligation from the entry year on, or None if the text is no such list.

    >>> phase_in_shares("0.5;1"), phase_in_shares("half")
    ((0.5, 1.0), None)
    """
    try:
        shares = tuple(float(part) for part in text.split(";"))
    except ValueError:
        return None
    return shares if all(0 <= share <= 1 for share in shares) else None


def _coverage(coverage: pd.DataFrame, origin: Origin) -> list[Issue]:
    issues = []
    for place, row in enumerate(records(coverage)):
        phase_in, gases = row["phase_in"], row["gases"]
        if phase_in and phase_in_shares(phase_in) is None:
            texts = (
                f"'{phase_in}' is not a list of shares between 0 and 1.",
                f"“{phase_in}”不是 0 到 1 之间的比例序列。",
                "Write 1, or 0.5;1.",
                "请写 1 或 0.5;1。",
            )
            issues.append(origin.issue("bad-phase-in", place, "phase_in", phase_in, texts))
        if gases and "CO2" not in gases.split(";"):
            issues.append(
                origin.issue("unknown-choice", place, "gases", gases, ("CO2 must be covered.", "必须覆盖 CO2。"))
            )
    return issues


def check_rules(
    allocation: Mapping[str, Mapping[int, object]], frames: Frames, origins: Origins, years: Sequence[int]
) -> list[Issue]:
    """A sector with enterprises that enters the market while no allocation rule is chosen for it."""
    if not {"coverage", "enterprises"} <= set(frames):
        return []
    present = set(frames["enterprises"]["sector"])
    issues = []
    for place, (sector, entry) in enumerate(
        zip(*(frames["coverage"][name] for name in ("sector", "entry_year")), strict=True)
    ):
        if sector not in present or pd.isna(entry) or entry > years[-1]:
            continue
        first = max(int(entry), years[0])
        if not any(year <= first for year in allocation.get(sector, {})):
            issues.append(
                origins["coverage"].issue(
                    "no-rule",
                    place,
                    "entry_year",
                    int(entry),
                    (
                        f"{sector} is in the market in {first}, but no allocation rule is chosen for that year.",
                        f"{sector} 于 {first} 年纳入，但未选择配额分配规则。",
                        f"Add `allocation: {{{sector}: {{{first}: {{rule: ...}}}}}}` to scenario.yaml.",
                        "请在 scenario.yaml 中补充。",
                    ),
                )
            )
    return issues
