"""The table of stated uncertainties, or of the library's defaults, read and checked.

Dimensions inside: m statement.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from carbonsim.accounting.uncertainty.distributions import DISTRIBUTIONS, holds, largest_half_width
from carbonsim.errors import InputError, Issue, did_you_mean
from carbonsim.inputs.table_checks import Origin
from carbonsim.inputs.terms import TERMS

Index = NDArray[np.intp]
QUANTITY: Final = "quantity"
STATED_TERMS: Final = (QUANTITY, *TERMS)
TABLE: Final = "uncertainty"
KEY: Final = ("term", "factor", "facility", "stream")
LIBRARY: Final = "uncertainties.csv"
_FLAGS: Final = {"": -1, "no": 0, "yes": 1}


class Places(Protocol):
    """Where statements stand, for messages: a table of the user's, or the factor library."""

    def issue(
        self, code: str, place: int | None, column: str, value: object, texts: Sequence[str], severity: str = "error"
    ) -> Issue:
        """An issue at a statement (``place``); ``texts`` are message, 中文, hint, 提示."""
        ...


@dataclass(frozen=True, slots=True)
class Defaults:
    """Defaults of the factor library: they stand in no row that the user wrote, so messages name value and remedy."""

    term: tuple[str, ...]
    factor: tuple[str, ...]

    def issue(
        self, code: str, place: int | None, column: str, value: object, texts: Sequence[str], severity: str = "error"
    ) -> Issue:
        """An issue that says whose default it is, and to state one's own."""
        message, chinese = texts[:2]
        if place is None:
            return Issue(code, LIBRARY, f"the library's defaults: {message}", f"因子库的默认值：{chinese}")
        term, factor = self.term[place], self.factor[place]
        return Issue(
            code,
            LIBRARY,
            f"the library's default for '{factor}' ({term}): {message}",
            f"因子库对“{factor}”（{term}）的默认值：{chinese}",
            f"State your own uncertainty of this value in the table '{TABLE}' (term {term}, factor {factor}).",
            f"请自行给出：在 {TABLE} 表中添加该数值的不确定度（term 填 {term}，factor 填 {factor}）。",
            value=str(value),
        )


@dataclass(frozen=True, slots=True)
class _Both:
    """The places of the user's statements, and after them those of the library."""

    own: Places
    library: Places
    count: int

    def issue(
        self, code: str, place: int | None, column: str, value: object, texts: Sequence[str], severity: str = "error"
    ) -> Issue:
        """An issue at either."""
        if place is None or place < self.count:
            return self.own.issue(code, place, column, value, texts, severity)
        return self.library.issue(code, place - self.count, column, value, texts, severity)


@dataclass(frozen=True, slots=True)
class Statements:
    """The rows of the uncertainty table; flags are 1 (yes), 0 (no) or -1 (left to the rule)."""

    term: tuple[str, ...]
    factor: tuple[str, ...]
    facility: tuple[str, ...]
    stream: tuple[str, ...]
    half_width: tuple[float, ...]
    distribution: tuple[str, ...]
    years_correlated: Index
    shared: Index
    origin: Places

    def __len__(self) -> int:
        return len(self.term)

    def name(self, place: int) -> str:
        """What a statement is about, such as ``quantity, facility kiln``."""
        parts = [f"{column} {getattr(self, column)[place]}" for column in KEY[1:] if getattr(self, column)[place]]
        return ", ".join([self.term[place], *parts])

    def followed_by(self, library: Statements) -> Statements:
        """These statements, and behind them those of the library."""
        return Statements(
            self.term + library.term,
            self.factor + library.factor,
            self.facility + library.facility,
            self.stream + library.stream,
            self.half_width + library.half_width,
            self.distribution + library.distribution,
            np.concatenate([self.years_correlated, library.years_correlated]),
            np.concatenate([self.shared, library.shared]),
            _Both(self.origin, library.origin, len(self)),
        )


def read_statements(frame: pd.DataFrame, origin: Origin | None = None, *, are_defaults: bool = False) -> Statements:
    """The uncertainty table as statements.

    Parameters
    ----------
    frame : DataFrame
        Columns ``term`` and ``half_width``; optional ``factor``, ``facility``, ``stream``, ``distribution``,
        ``years_correlated`` and ``shared``, where an empty cell has the meaning of the ledger's table.
    origin : Origin, optional
        Where the rows came from, for messages.
    are_defaults : bool
        The rows are the library's: a half width that its distribution cannot hold is refused where the row is used,
        not here, and messages name the value instead of a row.

    Returns
    -------
    Statements

    Raises
    ------
    InputError
        All problems of all rows: an unknown term, distribution or flag; a half width that is no number, negative or
        more than its distribution can hold; two rows with the same key.
    """
    where: Places = origin or Origin(TABLE, "", tuple(range(2, len(frame) + 2)))
    if are_defaults:
        where = Defaults(tuple(_text(frame, "term")), tuple(_text(frame, "factor")))
    absent = [name for name in ("term", "half_width") if name not in frame]
    if absent:
        chinese = f"缺少列 {'、'.join(absent)}。"
        raise InputError(where.issue("missing-column", None, "", "", (f"lacks {', '.join(absent)}.", chinese)))
    text = {name: _text(frame, name) for name in (*KEY, "distribution", "years_correlated", "shared")}
    text["distribution"] = [value or "normal" for value in text["distribution"]]
    half_width = pd.to_numeric(frame["half_width"], errors="coerce").to_numpy(dtype=float)
    issues = [*_choice_faults(text, where), *_width_faults(half_width, where)]
    if not are_defaults:
        issues += _spread_faults(text["distribution"], half_width, where)
    issues += _key_faults(text, where)
    if issues:
        raise InputError(issues)
    return Statements(
        term=tuple(text["term"]),
        factor=tuple(text["factor"]),
        facility=tuple(text["facility"]),
        stream=tuple(text["stream"]),
        half_width=tuple(half_width.tolist()),
        distribution=tuple(text["distribution"]),
        years_correlated=np.array([_FLAGS[value] for value in text["years_correlated"]], dtype=np.intp),
        shared=np.array([_FLAGS[value] for value in text["shared"]], dtype=np.intp),
        origin=where,
    )


def _text(frame: pd.DataFrame, column: str) -> list[str]:
    if column not in frame:
        return [""] * len(frame)
    return [str(value).strip() for value in frame[column].fillna("").tolist()]


def _choice_faults(text: dict[str, list[str]], origin: Places) -> Iterator[Issue]:
    known = {"term": STATED_TERMS, "distribution": DISTRIBUTIONS, "years_correlated": ("yes", "no"),
             "shared": ("yes", "no")}  # fmt: skip
    for column, choices in known.items():
        for place, value in enumerate(text[column]):
            if value in choices or (value == "" and column in ("years_correlated", "shared")):
                continue
            texts = (
                f"found '{value}', expected one of {', '.join(choices)}.",
                f"为“{value}”，应为以下之一：{'、'.join(choices)}。",
                did_you_mean(value, choices),
                did_you_mean(value, choices, "zh"),
            )
            yield origin.issue("uncertainty-choice", place, column, value, texts)


def _width_faults(half_width: NDArray[np.float64], origin: Places) -> Iterator[Issue]:
    for place, width in enumerate(half_width.tolist()):
        if not np.isfinite(width) or width < 0:
            texts = (
                f"half width is {width:g}; expected a number that is not negative: half of the 95 % interval as a "
                "share of the value, 0.07 for 7 %.",
                f"半宽为{width:g}；应为非负数：95% 区间的一半与数值之比，7% 写作 0.07。",
            )
            yield origin.issue("uncertainty-half-width", place, "half_width", width, texts)


def _spread_faults(distributions: Sequence[str], half_width: NDArray[np.float64], origin: Places) -> Iterator[Issue]:
    for place, (distribution, width) in enumerate(zip(distributions, half_width.tolist(), strict=True)):
        if distribution in DISTRIBUTIONS and np.isfinite(width) and not holds(distribution, width):
            yield origin.issue("uncertainty-negative", place, "half_width", width, too_wide(distribution, width))


def too_wide(distribution: str, width: float) -> tuple[str, str, str, str]:
    """What to say of a half width that its distribution cannot hold."""
    limit = largest_half_width(distribution)
    wider = distribution in ("lognormal", "gamma")
    why = "no spread of this distribution has that interval" if wider else "the value would fall below zero"
    why_zh = "该分布没有如此宽的区间" if wider else "数值会小于零"
    return (
        f"a {distribution} distribution with half width {width:g}: {why}; at most {limit:.3f}.",
        f"{distribution} 分布的半宽为{width:g}：{why_zh}；最大为{limit:.3f}。",
        "State the interval again." if wider else "Use lognormal (or gamma), which stays above zero.",
        "请重新给出区间。" if wider else "请改用 lognormal（或 gamma），其值恒大于零。",
    )


def _key_faults(text: dict[str, list[str]], origin: Places) -> Iterator[Issue]:
    first: dict[tuple[str, ...], int] = {}
    for place, key in enumerate(zip(*(text[name] for name in KEY), strict=True)):
        before = first.setdefault(key, place)
        if before != place:
            what, what_zh = (joint.join(part for part in key if part) for joint in (", ", "、"))
            twice = f"the uncertainty of {what} stands twice."
            twice_zh = f"{what_zh} 的不确定度重复。"
            if isinstance(origin, Origin):
                twice = f"states the uncertainty of row {origin.rows[before]} again ({what})."
                twice_zh = f"与第{origin.rows[before]}行重复（{what_zh}）。"
            texts = (
                twice,
                twice_zh,
                "Keep one of the two.",
                "请只保留一行。",
            )
            yield origin.issue("uncertainty-duplicate", place, "term", key[0], texts)
