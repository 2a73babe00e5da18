"""The small frozen records that a scenario is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pandas as pd


@dataclass(frozen=True, slots=True)
class Source:
    """One entry of ``sources.yaml``."""

    key: str
    title: str
    url: str = ""
    read_on: str = ""
    confidence: str = "read"
    note: str = ""


@dataclass(frozen=True, slots=True)
class RuleChoice:
    """The allocation rule of a sector from a year on, with its auction share path given by parameters."""

    rule: str
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MarketChoice:
    """Which market the enterprises trade in and which instruments it has."""

    scope: str = "local"  # national | local | price
    instruments: tuple[str, ...] = ("banking",)


@dataclass(frozen=True, slots=True)
class Change:
    """One recorded difference from the base study: dotted path, value, basis and reason."""

    path: str
    value: object
    basis: str
    why: str
    source: str = ""


class Tables(Mapping[str, pd.DataFrame]):
    """Checked tables by name; each look-up hands out a frame that shares the data but not the writes.

    pandas copies on write, so a frame from here can be changed freely and the study stays as it was.
    """

    __slots__ = ("_frames",)

    def __init__(self, frames: Mapping[str, pd.DataFrame]) -> None:
        self._frames = {name: frame.copy() for name, frame in frames.items()}

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self._frames[name].copy(deep=False)

    def __iter__(self) -> Iterator[str]:
        return iter(self._frames)

    def __len__(self) -> int:
        return len(self._frames)

    def replaced(self, name: str, frame: pd.DataFrame) -> Tables:
        """New tables in which one frame is another."""
        return Tables({**self._frames, name: frame})
