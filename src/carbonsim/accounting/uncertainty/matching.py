"""Which statement is in force for each value that an inventory multiplies.

Dimensions inside: m statement, v value (one term of one stream), n name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from carbonsim.accounting.uncertainty.statements import KEY, Statements
from carbonsim.errors import InputError, Issue, did_you_mean, shorten

Bools = NDArray[np.bool_]
Index = NDArray[np.intp]
Labels = NDArray[np.str_]
# Whether the facility and the stream are stated, from the least specific statement to the most specific one.
_SITES: Final = ((False, False), (True, False), (False, True), (True, True))


@dataclass(frozen=True, slots=True)
class Coded:
    """Names of values as places (v) on a list of names (n), so that each name is looked at once."""

    code: Index
    names: Labels

    def used(self) -> set[str]:
        """Names of any value."""
        return set(self.names[np.unique(self.code)].tolist())


def coded(labels: Labels) -> Coded:
    """Labels as places on the list of the distinct ones."""
    code, names = pd.factorize(labels.astype(object))
    return Coded(np.asarray(code, dtype=np.intp), np.array(names, dtype=str))


@dataclass(frozen=True, slots=True)
class Values:
    """The distinct values of an inventory (v): term, factor id (shared id or that of the stream), facility, stream.

    ``own`` are values of the stream's own where a table might have given one: neither shared nor a quantity.
    """

    term: Coded
    factor: Coded
    facility: Coded
    stream: Coded
    own: Bools

    def __len__(self) -> int:
        return len(self.own)


def match(statements: Statements, values: Values, *, must_match: bool = True) -> Index:
    """Place of the statement in force for each value (v), -1 where nothing is stated.

    The most specific statement wins: stream before facility before factor before term; of factors, the longer id.

    Parameters
    ----------
    statements : Statements
    values : Values
    must_match : bool
        A statement that matches no value is an error.

    Raises
    ------
    InputError
        If a statement matches nothing.

    Notes
    -----
    A factor of a statement matches a value whose id is the same or begins with it at ``:`` or ``/``, with or without
    the table set: ``set``, ``set:coal``, ``coal`` and ``set:coal/carbon_content`` all match the last one.

    A statement that names a factor and no site is about the value of the table: a value that a stream measured is
    another number, whatever its factor is called. With a facility or a stream it is about what stands there.
    """
    chosen = np.full(len(values), -1, dtype=np.intp)
    used = np.zeros(len(statements), dtype=bool)
    codes = {column: _codes(getattr(statements, column)) for column in KEY}
    sizes = [len(codes[column]) for column in KEY]
    stated = [[codes[column][value] for value in getattr(statements, column)] for column in KEY]
    index = pd.Index(_joined(stated, sizes))
    term, facility, stream = (_look_up(codes[name], getattr(values, name)) for name in ("term", "facility", "stream"))
    levels = [np.zeros(len(values), dtype=np.int64), *_factor_levels(values.factor, codes["factor"])]
    sites = set(zip((name != "" for name in statements.facility), (name != "" for name in statements.stream),
                    strict=True))  # fmt: skip
    for by_facility, by_stream in (site for site in _SITES if site in sites):
        for level, factor in enumerate(levels):
            parts = [term, factor, facility * by_facility, stream * by_stream]
            found = np.asarray(index.get_indexer(pd.Index(_joined(parts, sizes))), dtype=np.intp)
            # A code of -1 is a name that no statement has; it must not wrap into another key.
            found[np.any([part < 0 for part in parts], axis=0)] = -1
            if level and not (by_facility or by_stream):
                found[values.own] = -1
            hit = found >= 0
            chosen[hit] = found[hit]
            used[found[hit]] = True
    if must_match and not used.all():
        raise InputError([_matches_nothing(statements, values, int(place)) for place in np.flatnonzero(~used)])
    return chosen


def _codes(names: Sequence[str]) -> dict[str, int]:
    """A number for each name, 0 for the empty one."""
    return {name: place for place, name in enumerate(["", *sorted(set(names) - {""})])}


def _look_up(codes: dict[str, int], labels: Coded) -> NDArray[np.int64]:
    """The code of each label (v), -1 where it has none."""
    return np.array([codes.get(name, -1) for name in labels.names.tolist()], dtype=np.int64)[labels.code]


def _joined(parts: Sequence[Sequence[int] | NDArray[np.int64]], sizes: Sequence[int]) -> NDArray[np.int64]:
    """One number for each combination of codes; ``sizes`` counts the codes of each part."""
    key = np.zeros(len(parts[0]), dtype=np.int64)
    for part, size in zip(parts, sizes, strict=True):
        key = key * size + np.asarray(part, dtype=np.int64)
    return key


def _factor_levels(factor: Coded, codes: dict[str, int]) -> list[NDArray[np.int64]]:
    """Codes of what each factor id may be called in a statement (v), from the shortest name to the full id."""
    if len(codes) == 1:
        return []
    names = [factor_names(one) for one in factor.names.tolist()]
    levels = []
    for level in range(max((len(one) for one in names), default=0)):
        of_id = [codes.get(one[level], -1) if level < len(one) else -1 for one in names]
        if max(of_id, default=-1) > 0:
            levels.append(np.array(of_id, dtype=np.int64)[factor.code])
    return levels


def factor_names(factor: str) -> list[str]:
    """What a factor id may be called, the most specific name last.

    >>> factor_names("guides:coal/oxidation")
    ['guides', 'coal', 'guides:coal', 'coal/oxidation', 'guides:coal/oxidation']
    >>> factor_names("dolomite/emission_factor")
    ['dolomite', 'dolomite/emission_factor']
    """
    if not factor:
        return []
    table_set, colon, rest = factor.rpartition(":")
    names = [table_set] if colon else []
    parts = rest.split("/")
    for end in range(1, len(parts) + 1):
        name = "/".join(parts[:end])
        names += [name, f"{table_set}:{name}"] if colon else [name]
    return names


def _matches_nothing(statements: Statements, values: Values, place: int) -> Issue:
    """The problem of a statement that concerns no value, with the nearest name that exists."""
    if _is_measured(statements, values, place):
        factor, term = statements.factor[place], statements.term[place]
        texts = (
            f"wherever {term} of '{factor}' is in use, the streams have own values; none takes that of the table.",
            f"凡用到“{factor}”之处，{term} 均为自有（实测）数值，没有一行采用因子库的数值。",
            "Name the facility or stream whose own value is meant.",
            "请写明所指自有数值的设施或源流。",
        )
        return statements.origin.issue("uncertainty-unmatched", place, "factor", factor, texts)
    known = {
        "stream": values.stream.used(),
        "facility": values.facility.used(),
        "factor": {name for one in values.factor.used() for name in factor_names(one)},
        "term": values.term.used(),
    }
    for column, names in known.items():
        stated = getattr(statements, column)[place]
        if stated and stated not in names:
            hint = did_you_mean(stated, names) or f"In use: {shorten(sorted(names))}."
            hint_zh = did_you_mean(stated, names, "zh") or f"现有：{shorten(sorted(names))}。"
            texts = (f"no value in use has {column} '{stated}'.", f"没有任何所用数值的 {column} 为“{stated}”。",
                     hint, hint_zh)  # fmt: skip
            return statements.origin.issue("uncertainty-unmatched", place, column, stated, texts)
    texts = (
        f"'{statements.name(place)}' matches no value of the inventory.",
        f"“{statements.name(place)}”与清单中任何数值都不匹配。",
        "Each of the names is in use, but not together; correct one or delete the row.",
        "各名称均在用，但没有同时出现；请更正其一或删除该行。",
    )
    return statements.origin.issue("uncertainty-unmatched", place, "term", statements.term[place], texts)


def _is_measured(statements: Statements, values: Values, place: int) -> bool:
    """Whether a statement about the value of a table meets own values only."""
    factor = statements.factor[place]
    if not factor or statements.facility[place] or statements.stream[place]:
        return False
    called = np.array([factor in factor_names(one) for one in values.factor.names.tolist()], dtype=bool)
    of_term = values.term.names == statements.term[place]
    return bool((called[values.factor.code] & of_term[values.term.code]).any())
