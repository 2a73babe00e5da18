"""Whether the pollutants of a facility are counted by its output or by its streams, and what either leaves out.

Dimensions inside: f facility, s stream, p pollutant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from carbonsim.accounting.core import Bools, Labels
from carbonsim.accounting.streams import Index
from carbonsim.dims import POLLUTANTS
from carbonsim.errors import Issue, shorten

OUTPUT: Final = "output"
BURNS: Final = "combustion"


@dataclass(frozen=True, slots=True)
class Cover:
    """How the pollutants of each facility are counted.

    ``by_default`` (f, p): with the factor of the process, times the output. ``left_out`` (f, p): some output or fuel
    is in no number. ``counts`` (s): the stream's group is used; one that never runs replaces no factor of an output.
    """

    by_default: Bools
    left_out: Bools
    counts: Bools


def default_cover(has_default: Bools, facility: Index) -> Cover:
    """The cover where no stream names a group: factors of the processes (f, p) and facilities that make output."""
    left_out = np.zeros_like(has_default)
    left_out[facility] = ~has_default[facility]
    return Cover(has_default, left_out, np.zeros(0, dtype=bool))


def cover_of(
    facilities: Labels, has_default: Bools, *, facility: Index, method: Labels, used: Bools, label: Labels, gives: Bools
) -> tuple[Cover, list[Issue]]:
    """Which factor counts each pollutant of each facility, and all facilities for which that is not clear.

    Parameters
    ----------
    facilities : array of str (f)
    has_default : array of bool (f, p)
        The process of the facility has a factor for its output.
    facility, method, label : arrays (s)
        Place of the facility, method and label of all streams.
    used : array of bool (s)
        The stream has activity in some year.
    gives : array of bool (s, p)
        The group of the stream gives the pollutant.

    Returns
    -------
    tuple of (Cover, list of Issue)

    Notes
    -----
    The factor of an output stands for the whole facility, whatever burns in it. A group of an output row replaces it,
    and then no other stream may give the same pollutant. Groups of other streams replace it only if every stream that
    burns has one: a small stream would else stand for the whole facility.
    """

    def anywhere(chosen: Bools) -> Bools:
        found = np.zeros_like(has_default)
        if chosen.any():
            np.logical_or.at(found, facility, chosen)
        return found

    made, burnt = (method == OUTPUT)[:, None], (used & (method == BURNS))[:, None]
    by_process = has_default & anywhere(np.broadcast_to(made & used[:, None], gives.shape))
    counts = used | ~np.any(by_process, axis=1, keepdims=True)[facility, 0]
    gives = gives & counts[:, None]
    by_output, by_others = anywhere(gives & made), anywhere(gives & ~made)
    by_default = has_default & ~by_output & ~by_others
    dropped = ~gives & (
        (burnt & (by_process & by_others & ~by_output)[facility])
        | (made & used[:, None] & (by_process & by_output)[facility])
    )
    problems = [
        *_dropped(facilities, facility, label, dropped=dropped, gives=gives),
        *_twice(facilities, facility, label, gives & (by_output & by_others)[facility]),
    ]
    stands = (by_default & anywhere(np.broadcast_to(made, gives.shape))) | by_output
    left_out = anywhere(~gives & ((burnt & ~stands[facility]) | (made & ~(by_default | by_others)[facility])))
    return Cover(by_default, left_out, counts), problems


def _dropped(facilities: Labels, facility: Index, label: Labels, *, dropped: Bools, gives: Bools) -> list[Issue]:
    """One issue for each facility and pollutant whose output's factor would give way to a part of its streams."""
    problems = []
    for place, column in _pairs(facility, dropped):
        name, here = POLLUTANTS[column], facility == place
        with_group = shorten(label[here & gives[:, column]].tolist())
        without = shorten(label[here & dropped[:, column]].tolist())
        problems.append(
            Issue(
                "pollutant-cover",
                "activity",
                f"facility '{facilities[place]}': {name} would be counted from {with_group} alone instead of the "
                f"factor of its output, but {without} have no group that gives {name}.",
                f"设施“{facilities[place]}”：{name} 将只按 {with_group} 核算而不再使用产量因子，"
                f"但 {without} 没有含 {name} 的因子组。",
                f"Name a group with {name} for each of these streams; or leave pollutant_factor empty, or name a group "
                f"without {name}, so that the factor of the output stays.",
                f"请为这些源流逐一选用含 {name} 的因子组；或将 pollutant_factor 留空（或改用不含 {name} 的因子组），"
                "继续使用产量因子。",
                column="pollutant_factor",
            )
        )
    return problems


def _twice(facilities: Labels, facility: Index, label: Labels, given: Bools) -> list[Issue]:
    """One issue for each facility and pollutant that an output and other streams both give."""
    problems = []
    for place, column in _pairs(facility, given):
        name = POLLUTANTS[column]
        streams = shorten(label[(facility == place) & given[:, column]].tolist())
        problems.append(
            Issue(
                "pollutant-cover",
                "activity",
                f"facility '{facilities[place]}': {name} is given by a group of the output, which stands for the whole "
                f"facility, and again by other streams: {streams}.",
                f"设施“{facilities[place]}”：产量的因子组已代表整个设施的 {name}，其他源流又重复给出：{streams}。",
                f"Keep one of them: name groups without {name} for the others. A part with a stack of its own is a "
                "facility of its own.",
                f"只保留其一：其余源流改用不含 {name} 的因子组；有独立排放口的部分请单列为设施。",
                column="pollutant_factor",
            )
        )
    return problems


def _pairs(facility: Index, chosen: Bools) -> list[tuple[int, int]]:
    """Facilities and pollutants, each once and in order, of the chosen (s, p)."""
    stream, column = np.nonzero(chosen)
    return sorted(set(zip(facility[stream].tolist(), column.tolist(), strict=True)))
