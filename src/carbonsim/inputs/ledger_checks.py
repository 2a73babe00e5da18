"""Checks across the tables of a ledger: references, months, measured terms, and what its rows may say."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from carbonsim.errors import Issue, UnitError, did_you_mean, shorten
from carbonsim.inputs.columns import FACTOR_METHODS
from carbonsim.inputs.cross_checks import foreign_key_faults, without_rows
from carbonsim.inputs.factor_names import known_factors
from carbonsim.inputs.factor_records import Factors
from carbonsim.inputs.factors import factor_ids
from carbonsim.inputs.ledger_terms import ROW_KEY, STREAM_KEY, term_faults
from carbonsim.inputs.plausibility import activity_value_faults, term_value_faults
from carbonsim.inputs.table_checks import Origin, records
from carbonsim.units import canonical, conversion_factor, is_known

Frames = Mapping[str, pd.DataFrame]
Origins = Mapping[str, Origin]
Index = NDArray[np.intp]

ALL_MONTHS: Final = tuple(range(1, 13))
SCOPE3: Final = "scope3"
MASS: Final = "t"
_FOREIGN_KEYS: Final = (
    ("facilities", "enterprise", "enterprises", ""),
    ("activity", "facility", "facilities", ""),
    ("gaps", "facility", "facilities", ""),
    ("certificates", "enterprise", "enterprises", ""),
    ("precursors", "facility", "facilities", ""),
    ("precursors", "from_facility", "facilities", "facility"),
    ("uncertainty", "facility", "facilities", ""),
    ("verified", "enterprise", "enterprises", ""),
)


def check_ledger_tables(frames: Frames, origins: Origins, factors: Factors, faults: Collection[Issue]) -> list[Issue]:
    """Every fault that takes more than one row or table to see, before gaps are filled.

    Parameters
    ----------
    frames, origins : mapping of table to DataFrame and Origin
        Tables as typed; those that could not be read are absent.
    factors : Factors
        Packaged tables with the enterprise's own on top.
    faults : collection of Issue
        Faults found in single cells: streams with one of them are not judged for their months.
    """
    issues: list[Issue] = []
    for child, column, parent, key in _FOREIGN_KEYS:
        if child in frames and parent in frames:
            issues += foreign_key_faults(frames, origins, child, column, parent, key)
    for table, user, column, what, chinese in (
        ("enterprises", "facilities", "enterprise", "has no facility", "没有设施"),
        ("facilities", "activity", "facility", "has no activity", "没有活动数据"),
    ):
        if {table, user} <= set(frames):
            used = {value for name in (user, "gaps") for value in frames.get(name, pd.DataFrame()).get(column, ())}
            issues += without_rows(frames, origins, table, column, used, what, chinese)
    if "enterprises" in frames:
        issues += _province_faults(frames["enterprises"], origins["enterprises"], factors)
    if "activity" in frames:
        issues += month_faults(frames, origins, faults)
        issues += _year_faults(frames, origins)
        issues += activity_value_faults(frames["activity"], origins["activity"], factors)
        issues += _bare_volumes(frames, origins)
        if "terms" in frames:
            issues += term_value_faults(frames["terms"], frames["activity"], origins["terms"], factors)
    if "precursors" in frames:
        issues += _precursor_faults(frames, origins["precursors"])
    if "uncertainty" in frames:
        issues += _uncertainty_faults(frames, origins["uncertainty"], factors)
    return issues


def check_ledger_rows(frames: Frames, origins: Origins, factors: Factors) -> list[Issue]:
    """Faults of the rows of activity and of measured terms, those that a gap rule made included."""
    issues: list[Issue] = []
    if "activity" in frames:
        issues += _factor_faults(frames, origins["activity"], factors)
        issues += _scope3_faults(frames["activity"], origins["activity"])
    return issues + term_faults(frames, origins)


def month_faults(frames: Frames, origins: Origins, faults: Collection[Issue]) -> list[Issue]:
    """Streams given by year and by month at once, and streams of which a month has neither amount nor gap rule."""
    parts = []
    for name in ("activity", "gaps"):
        if name not in frames:
            continue
        origin = origins[name]
        part = frames[name][list(ROW_KEY)].assign(table=name, place=np.arange(len(frames[name])))
        bad = {issue.row for issue in faults if (issue.source, issue.sheet) == (origin.source, origin.sheet)
               and issue.column in ROW_KEY}  # fmt: skip
        parts.append(part.assign(faulty=np.isin(np.asarray(origin.rows, dtype=np.int64), sorted(bad - {None}))))
    rows = pd.concat(parts, ignore_index=True)
    month = np.nan_to_num(rows["month"].to_numpy(dtype=float)).astype(np.int64)
    sound = ~rows["faulty"].to_numpy(dtype=bool) & (month >= 0) & (month <= ALL_MONTHS[-1])
    group = rows.groupby(list(STREAM_KEY), sort=False, dropna=False).ngroup().to_numpy()
    seen = np.zeros(int(group.max(initial=-1)) + 1, dtype=np.int64)
    np.bitwise_or.at(seen, group[sound], 1 << month[sound])
    seen[group[~sound]] = 0
    first = np.full(len(seen), -1)
    first[group[::-1]] = np.arange(len(rows))[::-1]
    complete = sum(1 << number for number in ALL_MONTHS)
    issues = []
    for stream in np.flatnonzero((seen > 1) & (seen != complete)):
        place = int(first[stream])
        if seen[stream] & 1:
            place = int(np.flatnonzero((group == stream) & (month == 0))[0])
        row = rows.iloc[place]
        origin = origins[str(row["table"])]
        missing = [number for number in ALL_MONTHS if not seen[stream] & (1 << number)]
        issues.append(_month_issue(origin, row, missing, both=bool(seen[stream] & 1)))
    return issues


def _month_issue(origin: Origin, row: pd.Series, missing: list[int], *, both: bool) -> Issue:
    label = f"{row['facility']}/{row['stream']} {row['year']}"
    if both:
        texts = (
            f"'{label}' has an amount for the whole year and amounts for months.",
            f"“{label}”既有全年数据又有分月数据。",
            "Keep the year or the twelve months.",
            "请只保留全年或十二个月的数据。",
        )
        return origin.issue("year-and-months", int(row["place"]), "month", "", texts)
    listed = ", ".join(str(number) for number in missing)
    texts = (
        f"'{label}' has no amount for month {listed}; a missing month is not zero.",
        f"“{label}”缺少第 {listed.replace(', ', '、')} 月的数据；缺失月份不等于零。",
        "Add the rows, with 0 if nothing was used, or a rule for them in gaps.",
        "请补充相应行（确实为零请填 0），或在 gaps 表中填写替代规则。",
    )
    return origin.issue("missing-months", int(row["place"]), "month", listed, texts)


def _province_faults(enterprises: pd.DataFrame, origin: Origin, factors: Factors) -> list[Issue]:
    known = {*factors.grid["region_zh"], *factors.grid["region_en"]}
    issues = []
    for place in np.flatnonzero(~enterprises["province"].isin({"", *known})):
        value = enterprises["province"].iloc[place]
        hint = did_you_mean(value, known) or "Leave it empty for the national factor."
        hint_zh = did_you_mean(value, known, "zh") or "留空则用全国因子。"
        texts = (f"'{value}' is no region of the grid factors.", f"电力因子库中没有地区“{value}”。", hint, hint_zh)
        issues.append(origin.issue("unknown-region", int(place), "province", value, texts))
    return issues


def _factor_faults(frames: Frames, origin: Origin, factors: Factors) -> list[Issue]:
    """Factors that no table holds, and methods that have neither factor nor measured terms."""
    activity = frames["activity"]
    unknown = []
    for column, allowed in (
        ("factor", known_factors(factors)),
        ("gas_factor", set(factors.combustion_gases["factor"])),
        ("pollutant_factor", {name.strip() for cell in factors.pollutants["group"] for name in str(cell).split(";")}),
    ):
        places = np.flatnonzero(~activity[column].isin({"", *allowed}))
        unknown += [(int(place), column, allowed) for place in places]
    bare = (activity["factor"] == "") & activity["method"].isin(set(FACTOR_METHODS) - {"anode"})
    if len(frames.get("terms", ())):
        measured = pd.MultiIndex.from_frame(frames["terms"][list(STREAM_KEY)])
        bare &= ~pd.MultiIndex.from_frame(activity[list(STREAM_KEY)]).isin(measured)
    if not unknown and not bare.any():
        return []
    by_method = factor_ids(factors)
    issues = []
    for place, column, allowed in unknown:
        value, method = str(activity[column].iloc[place]), str(activity["method"].iloc[place])
        own = set(by_method.get(method, ())) if column == "factor" else allowed
        some = sorted(own or allowed)
        texts = (
            f"{column.replace('_', ' ')} '{value}' is not in the factor tables.",
            f"因子库中没有“{value}”。",
            did_you_mean(value, some) or f"For example {shorten(some)}.",
            did_you_mean(value, some, "zh") or f"例如：{shorten(some, 'zh')}。",
        )
        issues.append(origin.issue("unknown-factor", place, column, value, texts))
    for place in np.flatnonzero(bare).tolist():
        method = str(activity["method"].iloc[place])
        known = by_method.get(method, ())
        texts = (
            f"method {method} needs a factor or measured terms.",
            f"方法 {method} 需要排放因子或实测参数。",
            f"For example {shorten(known)}.",
            f"例如：{shorten(known, 'zh')}。",
        )
        issues.append(origin.issue("required", place, "factor", "", texts))
    return issues


def _scope3_faults(activity: pd.DataFrame, origin: Origin) -> list[Issue]:
    category = activity["scope3_category"].notna()
    scope3 = activity["method"] == SCOPE3
    issues = []
    texts: tuple[str, ...]
    for place in np.flatnonzero(category & ~scope3):
        value = f"{activity['scope3_category'].iloc[place]:g}"
        texts = (f"category {value} is for method {SCOPE3} only.", f"类别 {value} 仅用于 {SCOPE3} 方法。",
                 "Empty the cell.", "请清空。")  # fmt: skip
        issues.append(origin.issue("scope3-category", int(place), "scope3_category", value, texts))
    for place in np.flatnonzero(scope3 & ~category):
        texts = (f"method {SCOPE3} needs a category, 1 to 15.", f"方法 {SCOPE3} 需要填写类别（1 至 15）。")
        issues.append(origin.issue("required", int(place), "scope3_category", "", texts))
    return issues


def _year_faults(frames: Frames, origins: Origins) -> list[Issue]:
    """Rows of an enterprise or facility for a year in which it has no activity: they would apply to nothing."""
    if "facilities" not in frames:
        return []
    owner = dict(zip(*(frames["facilities"][name].tolist() for name in ("facility", "enterprise")), strict=True))
    active = pd.concat([frames[name][["facility", "year"]] for name in ("activity", "gaps") if name in frames])
    by_facility = set(active.drop_duplicates().itertuples(index=False, name=None))
    by_enterprise = {(owner.get(facility, ""), year) for facility, year in by_facility}
    issues = []
    for table, column, known in (
        ("certificates", "enterprise", by_enterprise),
        ("verified", "enterprise", by_enterprise),
        ("precursors", "facility", by_facility),
    ):
        if table not in frames:
            continue
        labels = {label for label, _ in known}
        pairs = zip(frames[table][column].tolist(), frames[table]["year"].tolist(), strict=True)
        for place, (label, year) in enumerate(pairs):
            if label in labels and year == year and (label, year) not in known:
                texts = (
                    f"{column} '{label}' has no activity in {year:g}.",
                    f"“{label}”在 {year:g} 年没有活动数据。",
                    "Correct the year, or delete the row.",
                    "请更正年份，或删除此行。",
                )
                issues.append(origins[table].issue("matches-nothing", place, "year", f"{year:g}", texts))
    return issues


def _precursor_faults(frames: Frames, origin: Origin) -> list[Issue]:
    unit_of = _output_units(frames)
    issues = []
    texts: tuple[str, ...]
    for place, row in enumerate(records(frames["precursors"])):
        bought = row["direct_intensity"] == row["direct_intensity"]
        if not row["from_facility"] and not bought:
            texts = (
                "neither the facility that makes it nor its direct intensity is given.",
                "既未填写来源设施，也未填写直接排放强度。",
                "Fill in from_facility, or direct_intensity of what is bought.",
                "请填写 from_facility，或外购产品的 direct_intensity。",
            )
            issues.append(origin.issue("required", place, "direct_intensity", "", texts))
        elif row["from_facility"] and row["from_facility"] == row["facility"]:
            texts = ("a facility is no precursor of itself.", "设施不能是自身的前体来源。")
            issues.append(origin.issue("own-precursor", place, "from_facility", row["from_facility"], texts))
        wanted = unit_of.get(row["from_facility"], MASS)
        if not _converts(row["unit"] or MASS, wanted):
            made = f", the output of '{row['from_facility']}'" if row["from_facility"] else ""
            made_zh = f"“{row['from_facility']}”的产量单位 " if row["from_facility"] else ""
            texts = (
                f"unit '{row['unit'] or MASS}' does not convert to {wanted}{made}.",
                f"单位“{row['unit'] or MASS}”无法换算为{made_zh}{wanted}。",
                f"Give it in {wanted}.",
                f"请使用 {wanted}。",
            )
            issues.append(origin.issue("wrong-unit", place, "unit", row["unit"], texts))
    return issues


def precursors_inside(frames: Frames) -> pd.DataFrame:
    """The precursors in tonnes, or in the output unit of the facility of this ledger that makes no mass."""
    precursors, unit_of = frames["precursors"].copy(), _output_units(frames)
    made = [unit_of.get(facility, MASS) for facility in precursors["from_facility"]]
    wanted = [MASS if _converts(unit, MASS) else unit for unit in made]
    typed = [unit or MASS for unit in precursors["unit"]]
    scale = [conversion_factor(*units) for units in zip(typed, wanted, strict=True)]
    precursors["quantity"] = precursors["quantity"] * np.array(scale, dtype=float)
    precursors["unit"] = pd.array(wanted, dtype="str")
    return precursors


def _output_units(frames: Frames) -> dict[str, str]:
    """Output unit of each facility that has a sound one."""
    facilities = frames.get("facilities", pd.DataFrame({"facility": [], "output_unit": []}))
    pairs = zip(facilities["facility"], facilities["output_unit"], strict=True)
    return {str(facility): str(unit) for facility, unit in pairs if unit}


def _converts(unit: str, wanted: str) -> bool:
    try:
        conversion_factor(unit, wanted)
    except UnitError:
        return False
    return True


def _bare_volumes(frames: Frames, origins: Origins) -> list[Issue]:
    """One warning of amounts of gas whose unit does not say at which conditions the volume is."""
    found = []
    for name in ("activity", "gaps"):
        if name in frames:
            bare = {unit for unit in frames[name]["unit"].unique() if is_bare_volume(unit)}
            found += [(name, int(place)) for place in np.flatnonzero(frames[name]["unit"].isin(bare))]
    if not found:
        return []
    table, place = found[0]
    unit = frames[table]["unit"].iloc[place]
    texts = (
        f"'{unit}' is taken as standard cubic metres at 0 °C and 101.325 kPa ({len(found)} rows of the ledger).",
        f"“{unit}”按 0 °C、101.325 kPa 的标准立方米计（账册中共 {len(found)} 行）。",
        "Chinese gas bills are at 20 °C: multiply those by 273.15/293.15 = 0.9318. Write Nm3, such as 1e4_Nm3, for "
        "volumes at 0 °C.",
        "国内燃气结算多为 20 °C 的体积：请乘以 273.15/293.15 = 0.9318。已是 0 °C 体积的请写 Nm3，如 万Nm3。",
    )
    return [origins[table].issue("gas-volume", place, "unit", unit, texts, "warning")]


def is_bare_volume(unit: str) -> bool:
    """Whether a unit is a volume of gas written without its conditions.

    >>> is_bare_volume("万m3"), is_bare_volume("万立方米"), is_bare_volume("万Nm3"), is_bare_volume("标立方米")
    (True, True, False, False)
    """
    return is_known(unit) and canonical(unit).endswith("Nm3") and not any(mark in unit for mark in ("N", "标"))


def _uncertainty_faults(frames: Frames, origin: Origin, factors: Factors) -> list[Issue]:
    """Rows of the table of uncertainties that name a factor or stream which nothing uses."""
    known = {*known_factors(factors), *factors.fuels["table_set"]}
    known |= set(factors.combustion_gases["factor"])
    activity = frames.get("activity")
    issues = []
    for place, row in enumerate(records(frames["uncertainty"])):
        factor, facility, stream = row["factor"], row["facility"], row["stream"]
        if factor and factor.split("/", 1)[0] not in known:
            hint = did_you_mean(factor, known) or "Write its id, or set:factor."
            texts = (f"factor '{factor}' is not in the factor tables.", f"因子库中没有“{factor}”。", hint,
                     did_you_mean(factor, known, "zh") or "请填写因子代码或“因子集:因子”。")  # fmt: skip
            issues.append(origin.issue("unknown-factor", place, "factor", factor, texts))
        if stream and activity is not None:
            own = activity["facility"] == facility if facility else np.ones(len(activity), dtype=bool)
            streams = set(activity.loc[own, "stream"])
            if stream not in streams:
                texts = (f"stream '{stream}' is not in activity.", f"活动数据表中没有源流“{stream}”。",
                         did_you_mean(stream, streams), did_you_mean(stream, streams, "zh"))  # fmt: skip
                issues.append(origin.issue("unknown-reference", place, "stream", stream, texts))
    return issues
