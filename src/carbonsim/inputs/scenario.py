"""The scenario: everything a run depends on, frozen; ``change`` gives a new one, ``diff`` says what differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from carbonsim.inputs.changes import apply_changes, content_hash, differences
from carbonsim.inputs.factor_records import Factors
from carbonsim.inputs.parameters import ParameterSet
from carbonsim.inputs.records import Change, MarketChoice, RuleChoice, Source, Tables
from carbonsim.inputs.table_checks import Origin

__all__ = ["Change", "MarketChoice", "RuleChoice", "Scenario", "Source"]

SHOWN_CHANGES = 12


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Scenario:
    """Everything a run depends on.

    ``tables`` holds frames as read, checked and in the units used inside (``enterprises, facilities, activity,
    finances, measures, coverage``); each look-up hands out a copy, so nobody can write into the study. ``allocation``
    maps a sector to {first year: rule}. ``input_hashes`` has the SHA-256 of every file read by its name inside the
    study (``scenarios/...`` for packaged files), ``input_files`` where each was read. ``factors`` are the packaged
    factor tables with those of the study's folder ``factors/`` on top, None if it has no such folder.
    """

    name: str
    title_en: str
    title_zh: str
    description: str
    years: tuple[int, ...]
    base_year: int
    price_year: int
    illustrative: bool
    allow_draft: bool
    tables: Mapping[str, pd.DataFrame]
    parameters: ParameterSet
    allocation: Mapping[str, Mapping[int, RuleChoice]]
    market: MarketChoice
    sources: Mapping[str, Source]
    changes: tuple[Change, ...] = ()
    input_hashes: Mapping[str, str] = field(default_factory=dict)
    baseline: str = ""
    origins: Mapping[str, Origin] = field(default_factory=dict)
    own_parameters: frozenset[str] = frozenset()
    input_files: Mapping[str, Path] = field(default_factory=dict)
    factors: Factors | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.tables, Tables):
            object.__setattr__(self, "tables", Tables(self.tables))

    def rule(self, sector: str, year: int) -> RuleChoice | None:
        """The allocation rule of a sector in a year, or None before its first."""
        chosen = None
        for first, choice in sorted(self.allocation.get(sector, {}).items()):
            if first <= year:
                chosen = choice
        return chosen

    def change(self, path: str, value: object, *, basis: str, why: str, name: str = "", source: str = "") -> Scenario:
        """A new scenario in which one thing is different; this one stays as it is.

        Parameters
        ----------
        path : str
            ``coverage.<sector>.<column>``, ``<table>.<key>.<column>`` (several keys joined by dots),
            ``market.scope``, ``market.instruments``, ``allocation.<sector>.<first year>``, ``years``,
            ``<parameter>`` (all its labels) or ``<parameter>.<label>``.
        value : object
            For a cell: number, text or None (empty). For a rule: its name, ``{"rule": ..., "options": {...}}``, or
            None to take an existing choice away. For a parameter: a number for all years of the study, or
            ``{year: number}``, each from that year on; the dated values from the first of these years on are
            replaced, and None ends the rule. The parameter then counts as valid to the end of the study.
        basis : str
            What the new value rests on: law, draft, statistic, literature, calibrated or assumption.
        why : str
            Reason, kept with the result.
        name : str
            Name of the new scenario; made from the path and value if empty.
        source : str
            Key of a listed source, if there is one.

        Raises
        ------
        ScenarioError
            If the path matches nothing, or the changed scenario breaks a rule of the inputs.
        """
        made = name or f"{self.name}+{path}={value}"
        return apply_changes(self, [Change(path, value, basis, why, source)], name=made)

    def diff(self, other: Scenario) -> pd.DataFrame:
        """What differs from another scenario: columns ``path``, ``this`` and ``other``, empty if nothing does."""
        return differences(self, other)

    def content_hash(self) -> str:
        """SHA-256 of everything that decides the numbers: not the name, titles, notes or reasons."""
        return content_hash(self)

    def __repr__(self) -> str:
        kinds = self.tables["enterprises"]["kind"].tolist() if "enterprises" in self.tables else []
        head = (
            f"<Scenario {self.name}: {self.years[0]}-{self.years[-1]}, {kinds.count('enterprise')} enterprises, "
            f"{kinds.count('block')} blocks, {self.market.scope} market with "
            f"{', '.join(self.market.instruments) or 'no instrument'}>"
        )
        if not self.changes:
            return head
        shown = [f"  {change.path} = {change.value} ({change.basis}: {change.why})" for change in self.changes]
        rest = [f"  and {len(shown) - SHOWN_CHANGES} more"] if len(shown) > SHOWN_CHANGES else []
        return "\n".join([head, f"differs from {self.baseline or 'its baseline'} in:", *shown[:SHOWN_CHANGES], *rest])
