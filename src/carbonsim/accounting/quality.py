"""How good the data of an inventory are: classes of source streams, and tonnes by tier, basis and class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd
import xarray as xr

from carbonsim.accounting.core import Bools, Labels
from carbonsim.accounting.evidence import weakest
from carbonsim.accounting.streams import Floats, Index, distinct, numbers, text
from carbonsim.accounting.warming import BIOGENIC
from carbonsim.errors import InputError, Issue

Group = Literal["enterprise", "facility"]
# Amounts that are subtracted from a finished total are no source streams of their own.
TRANSFERS: Final = ("co2_transferred", "co2_stored")
BIOGENIC_TERM: Final = "biogenic_fraction"
CLASS_NOTE: Final = (
    "Classes of the EU monitoring regulation, by analogy: the Chinese guidelines have no classes of source streams."
)
CLASS_NOTE_ZH: Final = "按欧盟监测条例类比划分：中国核算指南没有源流分级的规定。"


@dataclass(frozen=True, slots=True)
class ClassLimit:
    """What the source streams of one class may emit together: less than ``tonnes``, or less than a share of the total.

    Attributes
    ----------
    tonnes : float [tCO2e]
    share : float [1]
        Share of the sum of the absolute emissions of all source streams.
    ceiling : float [tCO2e]
        What the share may amount to at most; the higher of the two limits counts.
    source, basis : str
        Where the numbers come from.
    """

    tonnes: float
    share: float
    ceiling: float
    source: str = ""
    basis: str = "assumption"

    def of(self, total: Floats) -> Floats:
        """The limit [tCO2e] under a total [tCO2e].

        >>> float(MINOR.of(np.array([200_000.0]))[0])
        20000.0
        """
        return np.asarray(np.maximum(self.tonnes, np.minimum(self.share * total, self.ceiling)), dtype=float)


# Article 19(3) of Implementing Regulation (EU) 2018/2066.
DE_MINIMIS: Final = ClassLimit(1_000.0, 0.02, 20_000.0, "eu-2018-2066", "law")
MINOR: Final = ClassLimit(5_000.0, 0.10, 100_000.0, "eu-2018-2066", "law")


@dataclass(frozen=True, slots=True)
class _Cells:
    """Source streams in the years for which they have a row; all arrays of shape (cell,)."""

    enterprise: Labels
    facility: Labels
    stream: Labels
    year: Index
    method: Labels
    emissions: Floats


def stream_classes(
    inventory: xr.Dataset,
    *,
    de_minimis: ClassLimit = DE_MINIMIS,
    minor: ClassLimit = MINOR,
    by: Group = "enterprise",
) -> pd.DataFrame:
    r"""Source streams of scope 1 ranked by what they emit and classed as major, minor or de minimis.

    Parameters
    ----------
    inventory : Dataset
        As ``build_inventory`` makes it. The months of a stream count as one source stream.
    de_minimis, minor : ClassLimit
        Limits of the two classes; those of the regulation by default.
    by : str
        Whose streams are compared: those of an ``enterprise``, or of a ``facility`` (the regulation's installation).

    Returns
    -------
    DataFrame
        One row for each source stream and year with data, largest first within each group and year: ``enterprise,
        facility, stream, year, method, rank, emissions_co2e`` (signed), ``size`` (absolute) [tCO2e], ``share`` of the
        sum of sizes [1], ``cumulated`` [tCO2e] from the smallest up inside its class, ``stream_class`` (``major``,
        ``minor``, ``de_minimis``, or ``transferred`` for CO2 that is handed on, which is compared with nothing).

    Raises
    ------
    InputError
        If a limit is negative or that of the minor streams is below that of de minimis.

    Notes
    -----
    A class is filled from the smallest stream up while the sum stays below
    :math:`\max(t, \min(s \cdot \sum_i |E_i|, c))` with tonnes :math:`t`, share :math:`s` and ceiling :math:`c`; the
    total is taken before CO2 that is transferred is subtracted. The regulation lets the operator choose the streams;
    from the smallest up gives the largest possible number. Each class has its own sum, as the article words it.
    The Chinese guidelines know no such classes.

    References
    ----------
    source: eu-2018-2066.
    """
    _check_limits(de_minimis, minor)
    cells = _cells(inventory)
    size, handed_on = np.abs(cells.emissions), np.isin(cells.method, TRANSFERS)
    group, _ = distinct(getattr(cells, by), cells.year)
    counted = np.where(handed_on, 0.0, size)
    total = np.bincount(group, weights=counted, minlength=1).astype(float)[group]
    falling = np.lexsort((cells.stream, cells.facility, -size, group))
    rising = falling[::-1]
    low, low_sum = _fill(rising, group, counted, de_minimis.of(total), ~handed_on)
    middle, middle_sum = _fill(rising, group, counted, minor.of(total), ~handed_on & ~low)
    high_sum = _cumulated(rising, group, np.where(low | middle, 0.0, counted))
    chosen = [handed_on, low, middle]
    frame = pd.DataFrame(
        {
            **{name: getattr(cells, name) for name in ("enterprise", "facility", "stream", "year", "method")},
            "rank": _ranks(falling, group),
            "emissions_co2e": cells.emissions,
            "size": size,
            "share": counted / np.where(total > 0, total, 1.0),
            "cumulated": np.select(chosen, [np.zeros(len(size)), low_sum, middle_sum], high_sum),
            "stream_class": np.select(chosen, ["transferred", "de_minimis", "minor"], "major"),
        }
    ).sort_values([by, "year", "rank"], ignore_index=True)
    frame.attrs = {"note_en": CLASS_NOTE, "note_zh": CLASS_NOTE_ZH, "source": de_minimis.source}
    return frame


def quality_summary(inventory: xr.Dataset, classes: pd.DataFrame | None = None) -> pd.DataFrame:
    """Tonnes of scope 1 by data tier, by basis, by substitution and by class of stream, for enterprise and year.

    Parameters
    ----------
    inventory : Dataset
        As ``build_inventory`` makes it; streams carry ``tier``, ``substituted`` and their bases.
    classes : DataFrame, optional
        What ``stream_classes`` gave; with the limits of the regulation by default.

    Returns
    -------
    DataFrame
        Index (enterprise, year, aspect, value) with ``aspect`` one of ``tier``, ``basis`` (the weaker one of activity
        and factor), ``substituted`` and ``class``; columns ``streams`` (number), ``tonnes`` (sum of absolute
        emissions) [tCO2e] and ``share`` of the aspect's tonnes [1]. Shares of an aspect sum to 1 where there are
        tonnes. There is no single mark: no rule says how tiers would weigh against bases.
    """
    direct = np.flatnonzero(inventory["stream_scope"].values == 1)
    at = inventory.isel(stream=direct)
    row, column = np.nonzero(_present(at))
    size = np.abs(at["stream_emissions_co2e"].transpose("stream", "year").values[row, column])
    keys = {"enterprise": at["stream_enterprise"].values[row], "year": at["year"].values[column]}
    aspects = {
        "tier": at["tier"].values.astype(str)[row],
        "basis": weakest(at["activity_basis"].values, at["factor_basis"].values)[row],
        "substituted": np.where(at["substituted"].values.astype(bool), "substituted", "as_recorded")[row],
    }
    parts = [pd.DataFrame({**keys, "aspect": name, "value": value, "tonnes": size}) for name, value in aspects.items()]
    table = stream_classes(inventory) if classes is None else classes
    of_class = table.rename(columns={"stream_class": "value", "size": "tonnes"}).assign(aspect="class")
    parts.append(of_class[["enterprise", "year", "aspect", "value", "tonnes"]])
    index = ["enterprise", "year", "aspect", "value"]
    grouped = pd.concat(parts).groupby(index)["tonnes"]
    summed = pd.DataFrame({"streams": grouped.size(), "tonnes": grouped.sum()})
    whole = summed.groupby(index[:3])["tonnes"].transform("sum")
    summed["share"] = summed["tonnes"] / whole.where(whole > 0, 1.0)
    return summed


def unproven_claims(inventory: xr.Dataset, terms: pd.DataFrame | None = None) -> pd.DataFrame:
    """What an enterprise claims and the inventory does not count, because no evidence was given.

    Parameters
    ----------
    inventory : Dataset
        As ``build_inventory`` makes it.
    terms : DataFrame, optional
        The table ``terms`` of the ledger, which holds the biogenic shares.

    Returns
    -------
    DataFrame
        ``enterprise, facility, stream, month, year``; ``claim``, the method of CO2 that is handed on or stored, or
        ``biogenic_fraction``; ``tonnes`` [tCO2e] by which emissions would be lower with evidence.
    """
    by_year = inventory[["activity", "stream_emissions_co2e"]].transpose("stream", "year")
    activity, co2e = by_year["activity"].values, by_year["stream_emissions_co2e"].values
    method = inventory["method"].values.astype(str)
    row, column = np.nonzero(np.isin(method, TRANSFERS)[:, None] & (activity > 0) & (co2e == 0))
    parts = [(row, column, method[row], activity[row, column])]
    if terms is not None:
        parts.append(_unproven_shares(inventory, terms))
    row, column, claim, tonnes = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    names = ("enterprise", "facility", "name", "month")
    labels = {name.replace("name", "stream"): inventory[f"stream_{name}"].values[row] for name in names}
    year = inventory["year"].values[column]
    return pd.DataFrame({**labels, "year": year, "claim": claim, "tonnes": tonnes})


def _unproven_shares(inventory: xr.Dataset, terms: pd.DataFrame) -> tuple[Index, Index, Labels, Floats]:
    """Place of stream and year, claim and tonnes of biogenic shares that left no biogenic carbon dioxide."""
    stated = terms[text(terms, "term") == BIOGENIC_TERM]
    known = pd.MultiIndex.from_arrays(
        [inventory[f"stream_{name}"].values for name in ("facility", "name", "month")],
    )
    month = np.nan_to_num(numbers(stated, "month")).astype(np.int64)
    wanted = pd.MultiIndex.from_arrays([text(stated, "facility"), text(stated, "stream"), month])
    row = known.get_indexer(wanted)
    column = pd.Index(inventory["year"].values).get_indexer(pd.Index(stated["year"].to_numpy(dtype=np.int64)))
    gases = inventory["stream_emissions"].transpose("gas", "stream", "year")
    total = gases.sel(gas="CO2").values[row, column]
    is_there = BIOGENIC in gases["gas"].values
    proven = gases.sel(gas=BIOGENIC).values[row, column] if is_there else np.zeros(len(row))
    chosen = np.flatnonzero((row >= 0) & (column >= 0) & (proven == 0) & (total != 0))
    tonnes = (total * numbers(stated, "value"))[chosen]
    return row[chosen], column[chosen], np.full(len(chosen), BIOGENIC_TERM), tonnes


def _check_limits(de_minimis: ClassLimit, minor: ClassLimit) -> None:
    pairs = [(getattr(de_minimis, name), getattr(minor, name)) for name in ("tonnes", "share", "ceiling")]
    if all(0 <= low <= high for low, high in pairs):
        return
    raise InputError(
        Issue(
            "class-limit",
            "",
            f"limits of the stream classes: de minimis {de_minimis.tonnes:g} t, {de_minimis.share:g}, "
            f"{de_minimis.ceiling:g} t; minor {minor.tonnes:g} t, {minor.share:g}, {minor.ceiling:g} t. "
            "Expected numbers that are not negative, those of minor not below those of de minimis.",
            f"源流分级界限：可忽略 {de_minimis.tonnes:g} t、{de_minimis.share:g}、{de_minimis.ceiling:g} t；"
            f"次要 {minor.tonnes:g} t、{minor.share:g}、{minor.ceiling:g} t。应为非负数，且次要不低于可忽略。",
            "Give limits in rising order.",
            "请按从低到高给出界限。",
        )
    )


def _present(inventory: xr.Dataset) -> Bools:
    """Streams and years (stream, year) with a row of their own, or an activity carried forward from another year."""
    by_year = inventory[["stream_reported", "activity"]].transpose("stream", "year")
    return np.asarray(by_year["stream_reported"].values.astype(bool) | (by_year["activity"].values != 0))


def _cells(inventory: xr.Dataset) -> _Cells:
    """Source streams of scope 1 by year, the months of a stream added up."""
    at = inventory.isel(stream=np.flatnonzero(inventory["stream_scope"].values == 1))
    facility, name = at["stream_facility"].values.astype(str), at["stream_name"].values.astype(str)
    codes, first = distinct(facility, name)
    years = at.sizes["year"]
    emissions, present = np.zeros((len(first), years)), np.zeros((len(first), years), dtype=bool)
    np.add.at(emissions, codes, at["stream_emissions_co2e"].transpose("stream", "year").values)
    np.logical_or.at(present, codes, _present(at))
    row, column = np.nonzero(present)
    of_row = first[row]
    return _Cells(
        enterprise=at["stream_enterprise"].values.astype(str)[of_row],
        facility=facility[of_row],
        stream=name[of_row],
        year=at["year"].values[column],
        method=at["method"].values.astype(str)[of_row],
        emissions=emissions[row, column],
    )


def _cumulated(rising: Index, group: Index, size: Floats) -> Floats:
    """Sums of ``size`` (cell) inside each group, in the order ``rising``."""
    sums = np.empty(len(size))
    sums[rising] = pd.Series(size[rising]).groupby(group[rising]).cumsum().to_numpy()
    return sums


def _fill(rising: Index, group: Index, size: Floats, limit: Floats, free: Bools) -> tuple[Bools, Floats]:
    """Cells among the free ones that a class takes from the smallest up, and the sum at each."""
    sums = _cumulated(rising, group, np.where(free, size, 0.0))
    return free & (sums < limit), sums


def _ranks(falling: Index, group: Index) -> Index:
    """Place of each cell by size inside its group, from 1 for the largest."""
    rank = np.empty(len(falling), dtype=np.intp)
    rank[falling] = pd.Series(group[falling]).groupby(group[falling]).cumcount().to_numpy() + 1
    return rank
