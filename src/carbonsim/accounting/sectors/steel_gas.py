"""The carbon of a steel works' own gases: it came in with coke and coal, so burning them must not count it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from carbonsim.accounting.core import Bools, Labels
from carbonsim.accounting.row_checks import TABLE, Floats, Index, named
from carbonsim.errors import Issue


@dataclass(frozen=True, slots=True)
class OwnGas:
    """A gas that a process makes, and the processes whose inputs hold the carbon that it carries away."""

    fuel: str
    made_in: str
    carbon_from: tuple[str, ...]


# Clause 6.1.1: fuels that leave a process are taken off what goes in.
OWN_GASES: Final = (
    OwnGas("bf_gas", "ironmaking", ("ironmaking",)),
    OwnGas("coke_oven_gas", "coking", ("coking",)),
    OwnGas("bof_gas", "steelmaking", ("ironmaking", "steelmaking")),
)
BURNT: Final = ("combustion", "material_input")
LEFT: Final = "product_output"


def gas_issues(inventory: xr.Dataset) -> list[Issue]:
    """Steel enterprises and years that burn a gas of their own which left no process.

    Parameters
    ----------
    inventory : Dataset
        As ``build_inventory`` makes it.

    Returns
    -------
    list of Issue
        One for each gas and year, if the enterprise has the process that makes the gas, that process counts the carbon
        which goes in, and no row takes the gas off. Gas burnt beyond what left is taken to be bought.

    References
    ----------
    source: cets-ag-03-steel-2024 (6.1.1).
    """
    chosen = np.flatnonzero(inventory["stream_sector"].values == "steel")
    code, known = pd.factorize(inventory["factor"].values[chosen])
    fuel = [str(name).rpartition(":")[2] for name in known]
    present = [gas for gas in OWN_GASES if gas.fuel in fuel]
    if not present:
        return []
    works = _works(inventory, chosen)
    return [
        issue for gas in present for issue in _of_gas(works, gas, np.array([name == gas.fuel for name in fuel])[code])
    ]


@dataclass(frozen=True, slots=True)
class _Works:
    """Streams of the steel sector (s) as places in their enterprise and facility; amounts (s, y)."""

    names: Labels
    years: NDArray[np.int64]
    site_owner: Index
    site_process: Labels
    owner: Index
    site: Index
    burnt: Bools
    left: Bools
    reported: Bools
    amount: Floats
    carbon: Floats

    def total(self, chosen: Bools, values: Floats) -> Floats:
        """Sums of the chosen streams by enterprise (e, y)."""
        places = np.flatnonzero(chosen)
        result = np.zeros((len(self.names), values.shape[1]))
        np.add.at(result, self.owner[places], values[places])
        return result


def _works(inventory: xr.Dataset, chosen: Index) -> _Works:
    at = inventory[["activity", "stream_emissions"]].isel(stream=chosen)
    names = inventory["enterprise"].values
    owner = pd.Index(names).get_indexer(pd.Index(inventory["facility_enterprise"].values))
    site = pd.Index(inventory["facility"].values).get_indexer(pd.Index(at["stream_facility"].values))
    method = at["method"].values
    return _Works(
        names=names,
        years=inventory["year"].values,
        site_owner=owner,
        site_process=inventory["process"].values,
        owner=owner[site],
        site=site,
        burnt=np.isin(method, BURNT),
        left=method == LEFT,
        reported=at["category"].values == "reported",
        amount=at["activity"].transpose("stream", "year").values,
        carbon=at["stream_emissions"].sel(gas="CO2").transpose("stream", "year").values,
    )


def _of_gas(works: _Works, gas: OwnGas, is_gas: Bools) -> list[Issue]:
    fed = np.isin(works.site_process, gas.carbon_from)[works.site] & ~is_gas & ~works.reported
    burnt, left = works.total(is_gas & works.burnt, works.amount), works.total(is_gas & works.left, works.amount)
    counted = works.total(fed, np.maximum(works.carbon, 0.0))
    makes = np.isin(np.arange(len(works.names)), works.site_owner[works.site_process == gas.made_in])
    wrong = (burnt > 0) & (left == 0) & (counted > 0) & makes[:, None]
    return [
        Issue(
            "own-gas",
            TABLE,
            f"{year}: {found} burn '{gas.fuel}' and make it in '{gas.made_in}', but no row takes it off there: its "
            "carbon counts twice, with what went in and with the gas.",
            f"{year}年：{found} 燃烧 {gas.fuel} 且设有产生该煤气的工序（{gas.made_in}），但未在该工序扣减其输出，"
            "其碳随输入物料和煤气被重复计算。",
            f"Add a row 'product_output' of '{gas.fuel}' at the facility of '{gas.made_in}', with all the gas it made.",
            f"请在 {gas.made_in} 工序的设施下补填 {gas.fuel} 的 product_output 行，数量为全部产出量。",
        )
        for year, found in named(wrong, works.names, works.years)
    ]
