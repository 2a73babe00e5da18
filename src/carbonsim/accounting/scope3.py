"""Scope 3 by category: what an enterprise reports of its value chain with factors of its own.

Dimensions inside: e enterprise, k category, y year, s stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr

from carbonsim.accounting.streams import places
from carbonsim.dims import exact
from carbonsim.errors import InputError, Issue, shorten

SCOPE3: Final = "scope3"


@dataclass(frozen=True, slots=True)
class Scope3Category:
    """One of the fifteen categories: its number, its names, and on which side of the enterprise it lies."""

    number: int
    en: str
    zh: str
    side: str


_NAMES: Final = (
    ("Purchased goods and services", "外购商品和服务"),
    ("Capital goods", "资本商品"),
    ("Fuel- and energy-related activities not in scope 1 or 2", "未计入范围一和范围二的燃料和能源相关活动"),
    ("Upstream transportation and distribution", "上游运输和配送"),
    ("Waste generated in operations", "运营中产生的废弃物"),
    ("Business travel", "商务旅行"),
    ("Employee commuting", "雇员通勤"),
    ("Upstream leased assets", "上游租赁资产"),
    ("Downstream transportation and distribution", "下游运输和配送"),
    ("Processing of sold products", "售出产品的加工"),
    ("Use of sold products", "售出产品的使用"),
    ("End-of-life treatment of sold products", "售出产品的寿命终止处理"),
    ("Downstream leased assets", "下游租赁资产"),
    ("Franchises", "特许经营"),
    ("Investments", "投资"),
)
_UPSTREAM: Final = 8
CATEGORIES: Final[tuple[Scope3Category, ...]] = tuple(
    Scope3Category(number, en, zh, "upstream" if number <= _UPSTREAM else "downstream")
    for number, (en, zh) in enumerate(_NAMES, start=1)
)


@exact
def scope3_by_category(inventory: xr.Dataset) -> xr.Dataset:
    """Scope 3 emissions of each enterprise by category, with a mask of the categories that were reported.

    Parameters
    ----------
    inventory : Dataset
        As ``build_inventory`` returns it. Streams of method ``scope3`` carry the coordinate ``scope3_category``;
        where the inventory has ``stream_reported`` (stream, year), a category counts as reported in the years of
        its rows only.

    Returns
    -------
    Dataset
        ``scope3`` [tCO2e] (enterprise, category, year), which is 0 where ``scope3_reported`` is False and says
        nothing there; ``scope3_reported_sum`` [tCO2e] (enterprise, year), the sum of the categories that were
        reported and no total of scope 3; ``categories_reported`` (enterprise, year), how many those are. Coordinates
        ``category_en``, ``category_zh``, ``category_side``.

    Raises
    ------
    InputError
        If a stream of method ``scope3`` has no category from 1 to 15.

    Notes
    -----
    Nothing here enters scope 1, scope 2 or the covered emissions: another enterprise's scope 1 may be in it, and two
    categories may hold the same tonne seen by two enterprises of one ledger.

    References
    ----------
    source: ghg-protocol-scope-3-2011.
    """
    enterprise, years = inventory["enterprise"].values, inventory["year"].values
    shape = (len(enterprise), len(CATEGORIES), len(years))
    emissions, reported = np.zeros(shape), np.zeros(shape, dtype=bool)
    chosen = np.flatnonzero(inventory["method"].values == SCOPE3)
    if chosen.size:
        streams = inventory.isel(stream=chosen)
        at = (
            places(streams["stream_enterprise"].values, enterprise, "enterprises", "inventory"),
            _category_places(streams),
        )
        np.add.at(emissions, at, streams["stream_emissions_co2e"].transpose("stream", "year").values)
        stated = np.ones((chosen.size, len(years)), dtype=bool)
        if "stream_reported" in streams:
            stated = streams["stream_reported"].transpose("stream", "year").values
        np.logical_or.at(reported, at, stated)
    dims = ("enterprise", "category", "year")
    return xr.Dataset(
        {
            "scope3": (dims, emissions, {"units": "tCO2e"}),
            "scope3_reported": (dims, reported),
            "scope3_reported_sum": (("enterprise", "year"), emissions.sum(axis=1), {"units": "tCO2e"}),
            "categories_reported": (("enterprise", "year"), reported.sum(axis=1)),
        },
        coords={
            "enterprise": enterprise,
            "category": [category.number for category in CATEGORIES],
            "year": years,
            "category_en": ("category", [category.en for category in CATEGORIES]),
            "category_zh": ("category", [category.zh for category in CATEGORIES]),
            "category_side": ("category", [category.side for category in CATEGORIES]),
        },
    )


def _category_places(streams: xr.Dataset) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Place of each stream's category on the list (s)."""
    labels = streams["stream"].values
    given = streams["scope3_category"].values if "scope3_category" in streams.coords else np.zeros(len(labels))
    number = np.asarray(given, dtype=np.intp)
    wrong = np.flatnonzero((number < 1) | (number > len(CATEGORIES)))
    if wrong.size:
        names = shorten(labels[wrong].tolist())
        raise InputError(
            Issue(
                "scope3_category",
                "activity",
                f"scope 3 streams {names} have no category from 1 to {len(CATEGORIES)}.",
                f"范围三源流 {names} 没有 1 至 {len(CATEGORIES)} 的类别。",
                hint="Fill in scope3_category, such as 1 for purchased goods and services.",
                hint_zh="请填写 scope3_category，例如外购商品和服务为 1。",
                column="scope3_category",
                value=str(number[wrong[0]]),
            )
        )
    return number - 1
