"""Where the rows of a checked table came from, so that a fault is shown where the user can see it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from carbonsim.errors import Issue


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the rows of a checked table came from; ``rows`` has one number for each row of the frame.

    ``typed`` says what stood in a cell that was read in another form, so that a message can quote it. ``elsewhere``
    has source and sheet of the rows that were made from another table.
    """

    source: str
    sheet: str
    rows: tuple[int, ...]
    typed: Mapping[tuple[int, str], str] = field(default_factory=dict, compare=False)
    elsewhere: Mapping[int, tuple[str, str]] = field(default_factory=dict, compare=False)

    def issue(
        self, code: str, place: int | None, column: str, value: object, texts: Sequence[str], severity: str = "error"
    ) -> Issue:
        """An issue at a row of the frame (``place``); ``texts`` are message, 中文, hint, 提示."""
        message, chinese, hint, hint_zh = (*texts, "", "", "")[:4]
        typed = "" if place is None else self.typed.get((place, column), "")
        if typed:
            message, chinese = message.replace(f"'{value}'", f"'{typed}'"), chinese.replace(f"“{value}”", f"“{typed}”")
        source, sheet = (self.source, self.sheet) if place is None else self.place_of(place)
        return Issue(
            code,
            source,
            message,
            chinese,
            hint,
            hint_zh,
            sheet=sheet,
            row=None if place is None else self.rows[place],
            column=column,
            value=typed or str(value),
            severity="warning" if severity == "warning" else "error",
        )

    def place_of(self, place: int) -> tuple[str, str]:
        """Source and sheet of a row of the frame."""
        return self.elsewhere.get(place, (self.source, self.sheet))

    def extended(self, other: Origin, places: Sequence[int]) -> Origin:
        """The origin of a frame to which rows made from rows of ``other`` were added at the end."""
        added = {len(self.rows) + number: other.place_of(place) for number, place in enumerate(places)}
        rows = (*self.rows, *(other.rows[place] for place in places))
        return dataclasses.replace(self, rows=rows, elsewhere={**self.elsewhere, **added})


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a checked table as mappings of column to value."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
