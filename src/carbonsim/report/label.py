"""One label: a thing's name in both languages, and how its values are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Lang = Literal["zh", "en"]
Form = Literal[
    "text", "year", "count", "tonnes", "price", "money", "share", "number", "residual", "flag", "co2e", "mass", "exact"
]


@dataclass(frozen=True, slots=True)
class Label:
    """One thing's name in both languages; ``form`` says how its values are written, ``short_en`` fits a tick."""

    zh: str
    en: str
    form: Form = "text"
    short_en: str = ""
