"""Electricity bought, at the factors of its place: what an inventory used, and what other levels would give.

Dimensions inside: e enterprise, y year, s stream.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from carbonsim.accounting.core import Bools, Labels
from carbonsim.accounting.streams import Floats, Index, distinct, places
from carbonsim.errors import InputError, Issue, shorten
from carbonsim.inputs.factors import Factors
from carbonsim.inputs.grid_factors import NATION, OLDEST, GridKind, grid_factor
from carbonsim.units import conversion_factor

PURCHASED: Final = "electricity_purchased"
EXPORTED: Final = "electricity_exported"

# What each `status` of an alternative says.
ALTERNATIVE_STATES: Final[dict[str, tuple[str, str]]] = {
    "used": ("", ""),
    "no_province": ("The enterprise states no province that the table knows.", "企业未填写因子表中有的省份。"),
    "two_grids": ("The province lies in two regional grids.", "该省份分属两个区域电网。"),
    "no_factor": ("No factor is dated close enough to the year.", "该年份没有可用的因子。"),
}

# Regional grids by province, as the yearly announcement of the factors groups them. Inner Mongolia is in two.
_REGION_OF: Final[dict[str, tuple[str, ...]]] = {
    "North": ("Beijing", "Tianjin", "Hebei", "Shanxi", "Shandong", "Inner Mongolia"),
    "Northeast": ("Liaoning", "Jilin", "Heilongjiang", "Inner Mongolia"),
    "East": ("Shanghai", "Jiangsu", "Zhejiang", "Anhui", "Fujian"),
    "Central": ("Henan", "Hubei", "Hunan", "Jiangxi"),
    "Northwest": ("Shaanxi", "Gansu", "Qinghai", "Ningxia", "Xinjiang"),
    "South": ("Guangdong", "Guangxi", "Yunnan", "Guizhou", "Hainan"),
    "Southwest": ("Sichuan", "Chongqing"),
}


@dataclass(frozen=True, slots=True)
class Purchases:
    """Electricity bought, and the rest of scope 2, of enterprises by year (e, y).

    ``bought`` [MWh], with its location-based ``emissions`` [tCO2e] and mean ``factor`` [tCO2/MWh]. Where the sector's
    guide deducts electricity passed on, ``resold`` [MWh] is what comes out of the purchase and ``beyond`` [MWh] what
    exceeds it: own generation. ``exports`` [tCO2e] is the deduction of that excess and of heat passed on, as in the
    inventory, not positive; ``heat`` [tCO2e] is bought.
    """

    bought: Floats
    resold: Floats
    beyond: Floats
    emissions: Floats
    factor: Floats
    heat: Floats
    exports: Floats
    factor_ids: Labels

    @property
    def load(self) -> Floats:
        """Electricity bought and not passed on (e, y) [MWh]."""
        return self.bought - self.resold


@dataclass(frozen=True, slots=True)
class DatedFactor:
    """A factor by year: whether there is one, its value (0 where not), its id and the year it describes."""

    available: Bools
    value: Floats
    factor: Labels
    data_year: Index


def purchases(inventory: xr.Dataset) -> Purchases:
    """Purchases, what of them is resold, and the rest of scope 2 of every enterprise."""
    enterprise = inventory["enterprise"].values
    owner = places(inventory["stream_enterprise"].values, enterprise, "enterprises", "inventory")
    method, category = inventory["method"].values, inventory["category"].values
    co2e = inventory["stream_emissions_co2e"].transpose("stream", "year").values
    activity = inventory["activity"].transpose("stream", "year").values
    shape = (len(enterprise), inventory.sizes["year"])
    in_scope = inventory["stream_scope"].values == 2
    bought = in_scope & (method == PURCHASED)
    heat = in_scope & (category == "heat") & (co2e >= 0).all(axis=1)
    # A sector that keeps its exports gives them no component.
    has_component = np.isin(np.arange(len(method)), inventory["component_place"].values)
    passed_on = in_scope & (method == EXPORTED) & has_component

    def total(chosen: Bools, amount: Floats) -> Floats:
        sums = np.zeros(shape)
        np.add.at(sums, owner[chosen], amount[chosen])
        return sums

    unit = inventory["activity_unit"].values
    scale = np.ones(len(unit))
    for name in np.unique(unit[bought | passed_on]):
        scale[unit == name] = conversion_factor(str(name), "MWh")
    amount, emissions = total(bought, activity * scale[:, None]), total(bought, co2e)
    sold = total(passed_on, activity * scale[:, None])
    resold, has_load = np.minimum(sold, amount), amount > 0
    share_beyond = np.divide(sold - resold, sold, out=np.zeros(shape), where=sold > 0)
    ids = np.full(len(enterprise), "", dtype=object)
    pairs = sorted(set(zip(owner[bought].tolist(), inventory["factor"].values[bought].tolist(), strict=True)))
    for place, factor in pairs:
        ids[place] = f"{ids[place]}; {factor}" if ids[place] else factor
    return Purchases(
        bought=amount,
        resold=resold,
        beyond=sold - resold,
        emissions=emissions,
        factor=np.where(has_load, emissions, 0.0) / np.where(has_load, amount, 1.0),
        heat=total(heat, co2e),
        exports=total(in_scope & ~bought & ~heat & ~passed_on, co2e) + total(passed_on, co2e) * share_beyond,
        factor_ids=ids.astype(str),
    )


def dated_factor(factors: Factors, years: Index, tolerance: int, *, region: str, kind: GridKind) -> DatedFactor:
    """The factor of a region in each year: the latest that is neither younger nor older than the tolerance."""
    count = len(years)
    available, value = np.zeros(count, dtype=bool), np.zeros(count)
    factor, data_year = np.full(count, "", dtype=object), np.zeros(count, dtype=np.intp)
    for place, year in enumerate(years.tolist()):
        try:
            row = grid_factor(factors, region, year, kind)
        except InputError:
            continue  # the caller shows the year as one without a factor
        if year - int(row["data_year"]) <= tolerance:
            available[place], value[place] = True, float(row["value"])
            factor[place], data_year[place] = str(row["factor"]), int(row["data_year"])
    return DatedFactor(available, value, factor.astype(str), data_year)


def nation(factors: Factors) -> str:
    """Name of the nation in the grid table, by which its average and residual factors are found."""
    grid = factors.grid
    names = sorted(set(grid.loc[grid["level"].eq(NATION) & grid["kind"].eq("average"), "region_en"]))
    if len(names) != 1:
        found = shorten(names) or "none"
        raise InputError(
            Issue(
                "grid-factor",
                "grid",
                f"the grid table must name one nation, found {found}.",
                f"电力因子表应只有一个全国，现有：{found}。",
                hint="Give your own rows of level 'national' the same region_en as the packaged ones.",
                hint_zh="自有的 national 行请与自带数据使用相同的 region_en。",
            )
        )
    return str(names[0])


def location_factor_alternatives(
    inventory: xr.Dataset,
    factors: Factors,
    provinces: Mapping[str, str],
    *,
    years_tolerance: int = OLDEST,
) -> pd.DataFrame:
    """What each enterprise's purchased electricity would emit at the national, regional and provincial factor.

    Parameters
    ----------
    inventory : Dataset
        As ``build_inventory`` returns it.
    factors : Factors
    provinces : Mapping
        Province of each enterprise, in Chinese or English; "" or no entry where it is not stated.
    years_tolerance : int
        Years by which a factor may be older than the year of account; at most ``OLDEST``.

    Returns
    -------
    DataFrame
        One row for each enterprise that bought electricity, year and level (``inventory``, ``national``,
        ``regional_grid``, ``province``): region, factor (id), data_year, value [tCO2/MWh], load [MWh] (all that was
        bought), emissions [tCO2e], difference to the inventory [tCO2e], status. Where ``status`` is not ``used`` (see
        ``ALTERNATIVE_STATES``) the numbers are empty.

    References
    ----------
    source: mee-nbs-2025-47.
    """
    bought = purchases(inventory)
    years = inventory["year"].values
    who, when = np.nonzero(bought.bought > 0)
    load, emissions = bought.bought[who, when], bought.emissions[who, when]
    head = {"enterprise": inventory["enterprise"].values[who], "year": years[when], "load": load}
    own = pd.DataFrame({
        **head, "level": "inventory", "factor": bought.factor_ids[who], "value": bought.factor[who, when],
        "emissions": emissions, "difference": 0.0, "status": "used",
    })  # fmt: skip
    tables = [own]
    province = _provinces(inventory, factors, provinces)
    for level in (NATION, "regional_grid", "province"):
        found = _alternative(factors, years, years_tolerance, level, province)
        value = found["value"][who, when]
        tables.append(pd.DataFrame({
            **head, "level": level, **{name: values[who, when] for name, values in found.items()},
            "emissions": load * value, "difference": load * value - emissions,
        }))  # fmt: skip
    columns = ["enterprise", "year", "level", "region", "factor", "data_year", "value", "load", "emissions",
               "difference", "status"]  # fmt: skip
    order = pd.concat(tables, ignore_index=True).reindex(columns=columns)
    order["data_year"] = order["data_year"].where(order["data_year"] > 0).astype("Int64")
    order[["region", "factor"]] = order[["region", "factor"]].fillna("")
    return order.sort_values(["enterprise", "year"], kind="stable", ignore_index=True)


def _provinces(inventory: xr.Dataset, factors: Factors, provinces: Mapping[str, str]) -> Labels:
    """English name of each enterprise's province (e), "" where it is not stated or not in the table."""
    rows = factors.grid[factors.grid["level"] == "province"]
    english = dict(zip(rows["region_zh"], rows["region_en"], strict=True))
    english |= {name: name for name in rows["region_en"]}
    stated = [provinces.get(str(name), "").strip() for name in inventory["enterprise"].values]
    return np.array([english.get(name, "") for name in stated], dtype=str)


def _alternative(
    factors: Factors, years: Index, tolerance: int, level: str, province: Labels
) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
    """Region, factor, year, value and status (e, y) of one level; the value is NaN where there is none."""
    shape = (len(province), len(years))
    found: dict[str, np.ndarray[Any, np.dtype[Any]]] = {
        "region": np.full(shape, "", dtype=object), "factor": np.full(shape, "", dtype=object),
        "data_year": np.zeros(shape, dtype=np.int64), "value": np.full(shape, np.nan),
        "status": np.full(shape, "no_province", dtype=object),
    }  # fmt: skip
    codes, first = distinct(province)
    # A loop over provinces, not over enterprises.
    for code, name in enumerate(province[first].tolist()):
        grids = [grid for grid, members in _REGION_OF.items() if name in members]
        region = {NATION: nation(factors), "regional_grid": grids[0] if grids else "", "province": name}[level]
        of_province = codes == code
        if region == "":
            continue
        if level == "regional_grid" and len(grids) > 1:
            found["status"][of_province] = "two_grids"
            continue
        dated = dated_factor(factors, years, tolerance, region=region, kind="average")
        found["region"][of_province] = region
        found["status"][of_province] = np.where(dated.available, "used", "no_factor")
        found["factor"][of_province], found["data_year"][of_province] = dated.factor, dated.data_year
        found["value"][of_province] = np.where(dated.available, dated.value, np.nan)
    return found
