"""Air pollutants of enterprises, from the output of facilities or from the streams themselves; absence is a mask.

Dimensions inside: e enterprise, f facility, s stream, p pollutant, y year.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Final, TypeVar

import numpy as np
import pandas as pd

from carbonsim.accounting.core import Bools, Labels
from carbonsim.accounting.pollutant_cover import OUTPUT, Cover, cover_of, default_cover
from carbonsim.accounting.pollutant_factors import FacilityFactors, StreamFactors, facility_factors, stream_factors
from carbonsim.accounting.streams import Floats, Index, Rows, Sites, distinct
from carbonsim.dims import POLLUTANTS
from carbonsim.errors import InputError, Issue, shorten

# What a stack can belong to; a pollutant of purchased energy or of a product that leaves is somebody else's.
STREAM_METHODS: Final = ("combustion", "carbonate", "carbonate_output", "material_input", "anode", "output")
# Methods in which measured sulphur can mean only its way to the stack; of an anode it also enters the carbon.
SULPHUR_METHODS: Final = ("combustion", "material_input")
SULPHUR: Final = POLLUTANTS.index("SO2")


@dataclass(frozen=True, slots=True)
class PollutantStreams:
    """Source streams as the pollutants see them: all streams of a run, whether or not they name a group.

    ``label``, ``facility`` (a place), ``method``, ``group`` (``""`` if none) and ``unit`` of the amount are (s); an
    output without a unit is in that of its facility.
    ``row`` (s) or (s, y) is the activity row in force, whose control efficiencies apply. ``amount`` [unit],
    ``net_calorific_value`` [GJ/unit], ``sulphur`` and ``retention`` [1, of the mass and of the sulphur] are (s, y),
    NaN where not known.
    """

    label: Labels
    facility: Index
    method: Labels
    group: Labels
    unit: Labels
    row: Index
    amount: Floats
    net_calorific_value: Floats
    sulphur: Floats
    retention: Floats


@dataclass(frozen=True, slots=True)
class PollutantTotals:
    """Pollutants of each enterprise, and how those of each facility were found.

    ``emissions`` (e, p, y) [t] holds where ``available`` (e, p) does and is 0 elsewhere; ``complete`` (e, p) says that
    no facility that makes output or burns fuel is left out. ``uncontrolled`` (e, p, y) [t], before the control
    efficiencies of the rows, holds where ``uncontrolled_available``: where no factor already describes a controlled
    state. ``factor_id``, ``method`` (f, p) are ``""`` where there is no number: ``output``, or the kinds of the
    streams' factors with + between them; ``is_controlled`` (f, p) marks factors of a controlled state.
    ``removed_beyond`` are facilities and pollutants whose efficiency comes on top of such a factor; ``unmatched`` are
    facilities that give a control efficiency to which no factor of that row belongs.
    """

    emissions: Floats
    available: Bools
    factor_id: Labels
    unmatched: tuple[str, ...]
    uncontrolled: Floats
    uncontrolled_available: Bools
    complete: Bools
    method: Labels
    is_controlled: Bools
    removed_beyond: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Part:
    """Streams with pollutants found in one way.

    ``before`` [t] and ``control`` [1] are (s, p, y), ``applies`` and ``is_controlled`` (s, p), ``row`` (s) or (s, y).
    """

    facility: Index
    row: Index
    before: Floats
    control: Floats
    applies: Bools
    is_controlled: Bools


_PerStream = TypeVar("_PerStream", PollutantStreams, _Part)


def pollutant_totals(
    sites: Sites,
    rows: Rows,
    table: pd.DataFrame,
    *,
    output: tuple[Index, Index, Floats],
    streams: PollutantStreams | None = None,
) -> PollutantTotals:
    r"""Pollutants of all enterprises, from the output of their facilities or, where asked for, stream by stream.

    Parameters
    ----------
    sites, rows
        Enterprises, facilities and activity rows.
    table : DataFrame
        Pollutant factors: by process and, where given, sector and a word of the product; or by group.
    output : tuple of (row, facility, activity (s, y))
        The output streams, activity in the facility's output unit; ``row`` is (s), or (s, y) where the efficiency in
        force changes.
    streams : PollutantStreams, optional
        All streams. A pollutant that groups of a facility's streams give is counted from those streams alone: the
        factor of its output is not used for it.

    Returns
    -------
    PollutantTotals

    Raises
    ------
    InputError
        If a group is unknown or cannot be used, sulphur or heat that a factor needs is not known, groups would
        replace the factor of an output for a part of the fuel only, or an output and other streams give the same
        pollutant; all at once.

    Notes
    -----
    By output, amount or heat :math:`E = Q \cdot EF \cdot (1 - \eta)`; by sulphur
    :math:`E = Q \cdot S \cdot (1 - r) \cdot 64/32 \cdot (1 - \eta)` with the retention :math:`r` in ash or product;
    by concentration :math:`E = Q \cdot V \cdot C` with the flue gas :math:`V` of a unit. The efficiency :math:`\eta`
    of the row is what is removed beyond the control state that the factor already describes.

    References
    ----------
    source: hj-991-2018
    """
    by_process = facility_factors(sites, table)
    has_default = by_process.factor != ""
    method, factor_id = np.where(has_default, OUTPUT, ""), by_process.factor
    cover = default_cover(has_default, output[1])
    parts: list[_Part] = []
    if streams is not None:
        streams = _with_units(streams, sites)
        part, found, cover = _named_part(sites, rows, streams, table, has_default)
        parts.append(part)
        method = _joined(part.facility, found.of, found.kind, method)
        factor_id = _joined(part.facility, found.of, found.factor, factor_id)
    parts.append(_output_part(rows, by_process, output, cover.by_default))
    return _totals(sites, rows, parts, factor_id=factor_id, method=method, left_out=cover.left_out)


def _with_units(streams: PollutantStreams, sites: Sites) -> PollutantStreams:
    """The streams with the unit of each output: that of its facility, as its amount is."""
    bare = (streams.unit == "") & (streams.method == OUTPUT)
    return replace(streams, unit=np.where(bare, sites.facility_text["output_unit"][streams.facility], streams.unit))


def _named_part(
    sites: Sites, rows: Rows, streams: PollutantStreams, table: pd.DataFrame, has_default: Bools
) -> tuple[_Part, StreamFactors, Cover]:
    """The streams that name groups, their factors, and what they leave to the factors of the outputs."""
    is_named = streams.group != ""
    named = _subset(streams, is_named)
    found, problems = stream_factors(named.group, named.unit, table)
    part = _stream_part(rows, named, found)
    problems += _stream_problems(named, found, part) + _unused_sulphur(streams, named, found)
    gives = np.zeros((len(is_named), len(POLLUTANTS)), dtype=bool)
    gives[is_named] = part.applies
    cover, unclear = cover_of(
        sites.facility, has_default, facility=streams.facility, method=streams.method,
        used=np.asarray((streams.amount > 0).any(axis=1), dtype=bool), label=streams.label, gives=gives,
    )  # fmt: skip
    if problems or unclear:
        raise InputError([*problems, *unclear])
    counts = cover.counts[is_named]
    return _subset(part, counts), replace(found, of=found.of[counts]), cover


def pollutant_variables(totals: PollutantTotals) -> dict[str, Any]:
    """Variables of the inventory, with dimensions and units, of the pollutants found."""
    by_year, by_pollutant = ("enterprise", "pollutant", "year"), ("enterprise", "pollutant")
    return {
        "pollutant_emissions": (by_year, totals.emissions, {"units": "t"}),
        "pollutant_available": (by_pollutant, totals.available),
        "pollutant_complete": (by_pollutant, totals.complete),
        "pollutant_uncontrolled": (by_year, totals.uncontrolled, {"units": "t"}),
        "pollutant_uncontrolled_available": (by_pollutant, totals.uncontrolled_available),
        "pollutant_factor": (("facility", "pollutant"), totals.factor_id),
        "pollutant_method": (("facility", "pollutant"), totals.method),
        "pollutant_factor_is_controlled": (("facility", "pollutant"), totals.is_controlled),
    }


def _control(rows: Rows, row: Index, years: int) -> Floats:
    """Share removed (s, p, y) by the control of the rows in force; an empty cell removes nothing."""
    share = np.nan_to_num(rows.control[row])
    return np.moveaxis(share, 2, 1) if row.ndim == 2 else np.repeat(share[:, :, None], years, axis=2)


def _output_part(rows: Rows, factors: FacilityFactors, output: tuple[Index, Index, Floats], used: Bools) -> _Part:
    row, facility, amount = output
    return _Part(
        facility=facility,
        row=row,
        before=amount[:, None, :] * factors.per_unit[facility][:, :, None],
        control=_control(rows, row, amount.shape[1]),
        applies=used[facility],
        is_controlled=factors.is_controlled[facility],
    )


def _subset(streams: _PerStream, chosen: Bools) -> _PerStream:
    """The chosen streams, of every array."""
    return type(streams)(**{item.name: getattr(streams, item.name)[chosen] for item in fields(streams)})


def _stream_part(rows: Rows, streams: PollutantStreams, found: StreamFactors) -> _Part:
    """Pollutants of named streams; NaN where heat or sulphur that a factor needs is not known."""
    amount, of = streams.amount[:, None, :], found.of
    heat = np.where(found.per_heat[of][:, :, None], streams.net_calorific_value[:, None, :], 1.0)
    default = np.isnan(streams.retention)
    released = np.where(default, found.released[of][:, None], 1 - np.where(default, 0.0, streams.retention))
    share = np.where((found.kind == "sulphur")[of][:, :, None], (streams.sulphur * released)[:, None, :], 1.0)
    return _Part(
        facility=streams.facility,
        row=streams.row,
        before=np.where(amount > 0, amount * found.per_unit[of][:, :, None] * heat * share, 0.0),
        control=_control(rows, streams.row, amount.shape[2]),
        applies=(found.kind != "")[of],
        is_controlled=found.is_controlled[of],
    )


def _joined(facility: Index, of: Index, labels: Labels, default: Labels) -> Labels:
    """The labels (k, p) of each facility's streams (f, p), + between them; ``default`` where they have none."""
    result = default.astype(object)
    place, combination = np.divmod(np.unique(facility * len(labels) + of), max(len(labels), 1))
    for column in range(labels.shape[1]):
        label = labels[combination, column]
        pairs = pd.DataFrame({"facility": place, "label": label.astype(object)})[label != ""].drop_duplicates()
        pairs = pairs.sort_values(["facility", "label"])
        if pairs["facility"].duplicated().any():
            pairs = pairs.groupby("facility").agg("+".join).reset_index()
        result[pairs["facility"].to_numpy(), column] = pairs["label"].to_numpy()
    return np.asarray(result.astype(str))


def _totals(
    sites: Sites, rows: Rows, parts: list[_Part], *, factor_id: Labels, method: Labels, left_out: Bools
) -> PollutantTotals:
    """Sums over facilities and enterprises, with their masks."""
    count, years = len(sites.enterprise), parts[0].before.shape[2]
    emissions, before = (np.zeros((count, len(POLLUTANTS), years)) for _ in range(2))
    available, hidden = (np.zeros((count, len(POLLUTANTS)), dtype=bool) for _ in range(2))
    controlled, beyond = (np.zeros(method.shape, dtype=bool) for _ in range(2))
    for part in parts:
        owner = sites.owner[part.facility]
        tonnes = np.where(part.applies[:, :, None], part.before, 0.0)
        np.add.at(before, owner, tonnes)
        np.add.at(emissions, owner, tonnes * (1 - part.control))
        np.logical_or.at(available, owner, part.applies)
        np.logical_or.at(hidden, owner, part.applies & part.is_controlled)
        np.logical_or.at(controlled, part.facility, part.applies & part.is_controlled)
        doubly = part.applies & part.is_controlled & (part.control > 0).any(axis=2)
        np.logical_or.at(beyond, part.facility, doubly)
    incomplete = np.zeros_like(available)
    np.logical_or.at(incomplete, sites.owner, left_out)
    uncontrolled_available = available & ~hidden
    labels = [
        f"{sites.facility[place]}/{POLLUTANTS[column]}" for place, column in zip(*np.nonzero(beyond), strict=True)
    ]
    return PollutantTotals(
        emissions=emissions,
        available=available,
        factor_id=factor_id,
        unmatched=_unmatched(sites, rows, parts),
        uncontrolled=np.where(uncontrolled_available[:, :, None], before, 0.0),
        uncontrolled_available=uncontrolled_available,
        complete=available & ~incomplete,
        method=method,
        is_controlled=controlled,
        removed_beyond=tuple(labels),
    )


def _unmatched(sites: Sites, rows: Rows, parts: list[_Part]) -> tuple[str, ...]:
    """Facilities with a control efficiency on a stream to whose pollutant no factor applies."""
    controlled = rows.control > 0
    if not controlled.any():
        return ()
    stream, _ = distinct(rows.facility, rows.stream, rows.month)
    matched = np.zeros((int(stream.max(initial=-1)) + 1, controlled.shape[1]), dtype=bool)
    for part in parts:
        first = part.row if part.row.ndim == 1 else part.row[:, 0]
        np.logical_or.at(matched, stream[first], part.applies)
    idle = np.flatnonzero((controlled & ~matched[stream]).any(axis=1))
    return tuple(sorted(set(sites.facility[rows.facility[idle]].tolist())))


def _stream_problems(streams: PollutantStreams, found: StreamFactors, part: _Part) -> list[Issue]:
    """What the named streams lack for their factors, one issue for each kind of fault."""
    used = streams.amount > 0
    by_sulphur = (found.kind[:, SULPHUR] == "sulphur")[found.of]
    no_sulphur = by_sulphur & (used & np.isnan(streams.sulphur)).any(axis=1)
    no_heat = np.any(found.per_heat[found.of], axis=1) & (used & ~(streams.net_calorific_value > 0)).any(axis=1)
    no_stack = ~np.isin(streams.method, STREAM_METHODS)
    twice = ((found.kind == "concentration")[found.of] & (part.control > 0).any(axis=2)).any(axis=1)
    return [
        *_issue(
            streams.label[no_sulphur], "sulphur",
            "have a sulphur balance but no measured sulphur.", "采用硫平衡但缺少实测含硫量。",
            "Give the term `sulphur`, or name a group with a factor for SO2.",
            "请填写 sulphur 项，或改用含 SO2 因子的组。",
        ),
        *_issue(
            streams.label[no_heat], "net_calorific_value",
            "have a factor per heat but no calorific value.", "采用按热量计的因子但缺少低位发热量。",
            "Give net_calorific_value, or the amount in GJ.", "请填写低位发热量，或以 GJ 计量。",
        ),
        *_issue(
            streams.label[no_stack], "pollutant_factor",
            "name a pollutant factor, but their method has no stack of the site.",
            "填写了污染物因子，但其核算方法不对应本厂排放口。",
            f"Methods with one: {', '.join(STREAM_METHODS)}.", f"可用的方法：{'、'.join(STREAM_METHODS)}。",
        ),
        *_issue(
            streams.label[twice], "control",
            "give a control efficiency to a concentration, which is measured behind the control.",
            "对排放浓度又填写了去除率，而浓度是治理后的数值。",
            "Leave the control efficiency empty.", "请不填去除率。",
        ),
    ]  # fmt: skip


def _unused_sulphur(streams: PollutantStreams, named: PollutantStreams, found: StreamFactors) -> list[Issue]:
    """An issue if sulphur was measured that no balance uses: a statement without effect is a mistake."""
    balanced = np.zeros(len(streams.label), dtype=bool)
    balanced[streams.group != ""] = (found.kind[:, SULPHUR] == "sulphur")[found.of]
    measured = ~np.isnan(streams.sulphur).all(axis=1) & np.isin(streams.method, SULPHUR_METHODS)
    return _issue(
        streams.label[measured & ~balanced], "sulphur",
        "give measured sulphur that no sulphur balance uses.", "填写了实测含硫量，但未采用硫平衡。",
        "Name a group with a sulphur balance in pollutant_factor, or leave `sulphur` empty.",
        "请在 pollutant_factor 中选用含硫平衡的组，或不填 sulphur。",
    )  # fmt: skip


def _issue(labels: Labels, column: str, message: str, chinese: str, hint: str, hint_zh: str) -> list[Issue]:
    """One issue that names the streams, or none."""
    if not labels.size:
        return []
    shown = shorten(labels.tolist())
    return [
        Issue(
            "pollutant-stream", "activity", f"streams {shown} {message}", f"源流 {shown} {chinese}", hint, hint_zh,
            column=column,
        )
    ]  # fmt: skip
