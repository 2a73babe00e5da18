"""Verified emissions against those of an inventory, with the bound that makes a difference material."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd
import xarray as xr

from carbonsim.accounting.core import DEFAULT_SECTOR, Bools, Labels, sector_accounting
from carbonsim.accounting.streams import Floats, Index, numbers, text
from carbonsim.dims import exact
from carbonsim.errors import InputError, Issue, did_you_mean

Compared = Literal["emissions_co2e", "covered_emissions"]
DIRECT: Final = "emissions_co2e"
COVERED: Final = "covered_emissions"
BY_SECTOR: Final = "by_sector"
TABLE: Final = "verified"
NOTE: Final = (
    "The Chinese verification guides set no percentage below which a misstatement may stand: every departure is to be "
    "corrected. A default bound is that of the EU verification regulation, taken by analogy."
)
NOTE_ZH: Final = "中国核查指南未规定可保留的偏差比例，所有不符合项均须整改；默认界限按欧盟核查条例类比取用。"


@dataclass(frozen=True, slots=True)
class Materiality:
    """The share of reported emissions that a misstatement may reach before it is material.

    Attributes
    ----------
    share : float [1]
        Up to ``large`` tonnes of reported emissions.
    share_large : float [1]
        Above.
    large : float [tCO2e]
    source, basis : str
        Where the numbers come from.
    """

    share: float
    share_large: float
    large: float
    source: str = ""
    basis: str = "assumption"

    def of(self, reported: Floats) -> Floats:
        """The share [1] for reported emissions [tCO2e].

        >>> AVR_MATERIALITY.of(np.array([500_000.0, 500_001.0])).tolist()
        [0.05, 0.02]
        """
        return np.where(np.abs(reported) > self.large, self.share_large, self.share)


# Article 23 of Implementing Regulation (EU) 2018/2067. In China it is an assumption: no bound is set there.
AVR_MATERIALITY: Final = Materiality(0.05, 0.02, 500_000.0, "eu-2018-2067", "assumption")


@exact
def compare_verified(
    inventory: xr.Dataset,
    verified: pd.DataFrame,
    *,
    materiality: Materiality = AVR_MATERIALITY,
    of: Compared | None = None,
) -> xr.Dataset:
    r"""Difference between the emissions of an inventory and those that a verifier found, by enterprise and year.

    Parameters
    ----------
    inventory : Dataset
        As ``build_inventory`` makes it.
    verified : DataFrame
        The table ``verified`` of a ledger: ``enterprise, year, verified_emissions`` [tCO2e] and, where it is given,
        ``materiality`` [1], which wins over the default.
    materiality : Materiality
        Default bound by size.
    of : str, optional
        What was verified: ``emissions_co2e``, all direct emissions, or ``covered_emissions``, the part inside the
        market's boundary. By default the covered emissions of an enterprise whose sector has a guideline of the
        national market and that has any; all direct emissions of every other one, which reports as a whole.

    Returns
    -------
    Dataset (enterprise, year)
        ``reported``, ``verified``, ``difference`` (reported less verified) and ``bound`` [tCO2e]; ``relative``
        [1], the difference over the reported emissions, 0 where ``relative_available`` is False; ``share`` [1] of
        the bound; ``status`` (``within``, ``beyond``, ``not_verified``); ``direction`` (``overstated``,
        ``understated``, ``none``, or empty where nothing was verified); ``bound_source``. What was not verified is 0
        under ``is_verified`` False. ``compared`` (enterprise) names what was held against the verified figure.

    Raises
    ------
    InputError
        If a row names an enterprise or year that the inventory does not hold, appears twice, or holds an amount that
        is no number from 0 up or a share outside 0 to 1.

    Notes
    -----
    A difference is beyond the bound if :math:`|R - V| > m |R|` with the reported emissions :math:`R`, the verified
    ones :math:`V` and the share :math:`m`. The regulation sets the share by the category of the installation, from
    the average of the verified emissions of an earlier period; the emissions of the year stand in for it here.

    References
    ----------
    source: eu-2018-2067, cets-vg-01-power-2026.
    """
    compared = _compared(inventory, of)
    reported = _reported(inventory, compared)
    enterprise, year = inventory["enterprise"].values.astype(str), inventory["year"].values
    row, column, amount, given = _checked(verified, enterprise, year)
    found, is_verified = np.zeros(reported.shape), np.zeros(reported.shape, dtype=bool)
    found[row, column], is_verified[row, column] = amount, True
    share, source = materiality.of(reported), np.full(reported.shape, materiality.source, dtype=object)
    own = ~np.isnan(given)
    share[row[own], column[own]], source[row[own], column[own]] = given[own], TABLE
    difference = np.where(is_verified, reported - found, 0.0)
    bound = share * np.abs(reported)
    has_relative = is_verified & (reported != 0)
    within = np.where(np.abs(difference) <= bound, "within", "beyond")
    dims = ("enterprise", "year")
    tonnes = {"units": "tCO2e"}
    return xr.Dataset(
        {
            "reported": (dims, reported, tonnes),
            "verified": (dims, found, tonnes),
            "difference": (dims, difference, tonnes),
            "relative": (dims, np.where(has_relative, difference / np.where(has_relative, reported, 1.0), 0.0)),
            "relative_available": (dims, has_relative),
            "share": (dims, share, {"units": "1"}),
            "bound": (dims, bound, tonnes),
            "is_verified": (dims, is_verified),
            "status": (dims, np.where(is_verified, within, "not_verified")),
            "direction": (dims, _direction(difference, is_verified)),
            "bound_source": (dims, source.astype(str)),
            "compared": ("enterprise", compared),
        },
        coords={"enterprise": enterprise, "year": year},
        attrs={"of": of or BY_SECTOR, "bound_basis": materiality.basis, "note_en": NOTE, "note_zh": NOTE_ZH},
    )


def _compared(inventory: xr.Dataset, of: Compared | None) -> Labels:
    """What each enterprise (e) is compared by: the name of a variable of the inventory."""
    if of is not None:
        return np.full(inventory.sizes["enterprise"], of)
    sectors = inventory["sector"].values.astype(str)
    listed = np.isin(sectors, [name for name in np.unique(sectors).tolist() if _has_guideline(name)])
    if listed.any():
        listed &= (_covered(inventory) != 0).any(axis=1)
    return np.where(listed, COVERED, DIRECT)


def _has_guideline(sector: str) -> bool:
    """Whether the national market has a guideline of the sector: its accounting is not that of reporting sectors."""
    return not issubclass(sector_accounting(sector), sector_accounting(DEFAULT_SECTOR))


def _reported(inventory: xr.Dataset, compared: Labels) -> Floats:
    """Emissions (enterprise, year) [tCO2e] that are compared."""
    direct = np.asarray(inventory[DIRECT].transpose("enterprise", "year").values, dtype=float)
    in_market = compared == COVERED
    return np.where(in_market[:, None], _covered(inventory), direct) if in_market.any() else direct


def _covered(inventory: xr.Dataset) -> Floats:
    """Covered emissions (enterprise, year) [tCO2e]."""
    total = np.zeros((inventory.sizes["enterprise"], inventory.sizes["year"]))
    enterprise = pd.Index(inventory["enterprise"].values)
    owner = enterprise.get_indexer(pd.Index(inventory["facility_enterprise"].values))
    np.add.at(total, owner, inventory[COVERED].transpose("facility", "year").values)
    return total


def _direction(difference: Floats, is_verified: Bools) -> Labels:
    signs = [difference > 0, difference < 0]
    return np.where(is_verified, np.select(signs, ["overstated", "understated"], "none"), "")


def _checked(verified: pd.DataFrame, enterprise: Labels, year: Index) -> tuple[Index, Index, Floats, Floats]:
    """Places in enterprise and year, amount and own share of each row, or all problems at once."""
    names, years = text(verified, "enterprise"), verified["year"].to_numpy(dtype=np.int64)
    amount, share = numbers(verified, "verified_emissions"), numbers(verified, "materiality")
    row = pd.Index(enterprise).get_indexer(pd.Index(names))
    column = pd.Index(year).get_indexer(pd.Index(years))
    problems: list[Issue] = []
    for place in np.flatnonzero(row < 0).tolist():
        name = str(names[place])
        found = f"enterprise '{name}' is not in the inventory.", f"企业“{name}”不在清单中。"
        hints = did_you_mean(name, enterprise.tolist()), did_you_mean(name, enterprise.tolist(), "zh")
        problems.append(_issue(place, "enterprise", name, found, hints))
    for place in np.flatnonzero(column < 0).tolist():
        span = f"{year[0]}-{year[-1]}"
        found = f"year {years[place]} is not in the inventory ({span}).", f"年份 {years[place]} 不在清单（{span}）中。"
        problems.append(_issue(place, "year", str(years[place]), found, ("Drop the row.", "请删去该行。")))
    for place in np.flatnonzero(pd.DataFrame({"e": names, "y": years}).duplicated()).tolist():
        found = f"'{names[place]}' {years[place]} is verified twice.", f"“{names[place]}”{years[place]} 年重复核查。"
        problems.append(_issue(place, "enterprise", str(names[place]), found, ("Keep one row.", "请只保留一行。")))
    problems += _wrong_numbers(amount, ~(amount >= 0) | ~np.isfinite(amount), "verified_emissions")
    problems += _wrong_numbers(share, (share < 0) | (share > 1), "materiality")
    if problems:
        raise InputError(problems)
    return row, column, amount, share


def _wrong_numbers(values: Floats, wrong: Bools, column: str) -> list[Issue]:
    upper, upper_zh = (" up to 1", "至 1 之间") if column == "materiality" else ("", "以上")
    return [
        _issue(
            place,
            column,
            f"{values[place]:g}",
            (f"'{values[place]:g}' is no number from 0{upper}.", f"“{values[place]:g}”不是 0 {upper_zh}的数。"),
            ("Write the amount as verified.", "请按核查结果填写。"),
        )
        for place in np.flatnonzero(wrong).tolist()
    ]


def _issue(place: int, column: str, value: str, found: tuple[str, str], hints: tuple[str, str]) -> Issue:
    return Issue("verified", TABLE, *found, *hints, row=place + 2, column=column, value=value)
