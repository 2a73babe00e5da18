"""The section on the other scenarios of a report: what each changes, and what that does to the main figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from carbonsim.report import tables
from carbonsim.report.labels import Lang, phrase

CHANGE_COLUMNS = ("path", "value", "why")


@dataclass(frozen=True, slots=True)
class Variation:
    """One scenario: its title, what it changes, and the differences from the reference if it is not that itself."""

    title: str
    changes: tables.PeopleTable | None
    differences: tables.PeopleTable | None
    caption: str


def named(name: str, titles: Mapping[str, str]) -> str:
    """Title of a scenario with the short name that tables and figures use; nothing if there is only one."""
    if len(titles) < 2:
        return ""
    return titles[name] if titles[name] == name else f"{titles[name]} [{name}]"


def variations(
    comparison: pd.DataFrame, provenance: Mapping[str, Mapping[str, Any]], titles: Mapping[str, str], lang: Lang
) -> list[Variation]:
    """What the scenarios change, the reference first if it changes anything itself.

    Parameters
    ----------
    comparison : DataFrame
        As ``Results.compare()``: index (scenario, year), each column a scenario less the first.
    provenance : mapping
        Scenario to what is known of it; its ``changes`` have a path, a value and a reason.
    titles : mapping
        Scenario to the title people know it by, in the order of the results.
    lang : {"zh", "en"}
    """
    reference = next(iter(titles))
    caption = f"减去“{titles[reference]}”[{reference}]" if lang == "zh" else f"minus {named(reference, titles)}"
    found = []
    for name in titles:
        changes = _changes(provenance.get(name, {}).get("changes", []), lang)
        if name != reference:
            differences = tables.people_table(comparison.loc[name].reset_index(), lang)
            found.append(Variation(named(name, titles), changes, differences, caption))
        elif changes:
            found.append(Variation(named(name, titles), changes, None, ""))
    return found


def _changes(changes: Sequence[Mapping[str, Any]], lang: Lang) -> tables.PeopleTable | None:
    rows = [
        {name: phrase("nothing", lang) if change.get(name) == "None" else str(change.get(name, ""))
         for name in CHANGE_COLUMNS}
        for change in changes
    ]  # fmt: skip
    return tables.people_table(pd.DataFrame(rows, columns=list(CHANGE_COLUMNS)), lang) if rows else None
