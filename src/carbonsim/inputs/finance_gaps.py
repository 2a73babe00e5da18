"""Enterprises without accounts in the base year, whose absence empties the ratios of their groups."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from carbonsim.errors import Issue
from carbonsim.inputs.table_checks import Origin, records


def finance_gaps(frames: Mapping[str, pd.DataFrame], origins: Mapping[str, Origin], base_year: int) -> list[Issue]:
    """A warning for each enterprise, not block, that has no row of finances in the base year."""
    if not {"enterprises", "finances"} <= set(frames):
        return []
    finances = frames["finances"]
    present = set(finances.loc[finances["year"] == base_year, "enterprise"])
    issues = []
    for place, row in enumerate(records(frames["enterprises"])):
        name = row["enterprise"]
        if row["kind"] != "enterprise" or not name or name in present:
            continue
        groups = [
            (label, zh, row[label]) for label, zh in (("sector", "行业"), ("place", "所在地"), ("chain", "产业链"))
        ]
        english = ", ".join(f"{label} {value}" for label, _, value in groups if value)
        chinese = "、".join(f"{zh} {value}" for _, zh, value in groups if value)
        texts = (
            f"'{name}' has no row in finances in the base year {base_year}: its ratios to revenue and profit will be "
            f"missing, and so will those of {english}.",
            f"“{name}”在基准年 {base_year} 没有财务数据：该企业及以下分组的比率将缺失：{chinese}。",
            f"Add its row for {base_year} to finances.",
            f"请在财务表（finances）中补充 {base_year} 年的数据。",
        )
        issues.append(origins["enterprises"].issue("no-finances", place, "enterprise", name, texts, "warning"))
    return issues
