"""Which enterprises a row of the measures table can reach: the process and the streams they have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from carbonsim.inputs.columns import EMITTING_METHODS, STREAM_METHODS

Reach = frozenset[tuple[str, str, str]]


def reach_of(facilities: Iterable[Mapping[str, str]], activity: Iterable[Mapping[str, str]]) -> Reach:
    """All (enterprise, process, target) of a study.

    ``process`` is that of a facility or "" (every process); ``target`` a kind of stream or the name of one that emits.
    """
    places = {row["facility"]: (row["enterprise"], row["process"]) for row in facilities}
    found = set()
    for row in activity:
        if row["facility"] not in places:
            continue
        enterprise, process = places[row["facility"]]
        targets = [kind for kind, methods in STREAM_METHODS.items() if row["method"] in methods]
        if row["method"] in EMITTING_METHODS:
            targets.append(row["stream"])
        found |= {(enterprise, place, target) for place in (process, "") for target in targets}
    return frozenset(found)


def takers(measure: Mapping[str, str], reach: Reach, members: Iterable[str]) -> list[str]:
    """The enterprises among ``members`` of the measure's sector that it can act on."""
    only = measure.get("enterprise", "")
    process, target = measure.get("process", ""), measure.get("acts_on", "")
    return [name for name in members if only in ("", name) and (name, process, target) in reach]
