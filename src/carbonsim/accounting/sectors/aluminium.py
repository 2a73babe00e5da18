"""Primary aluminium: anodes and anode effects of the potlines are covered, in CO2, CF4 and C2F6."""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np
import xarray as xr

from carbonsim.accounting.core import Bools, DataItem, SectorAccounting, StreamView, accounting_sectors
from carbonsim.accounting.ledger_rounding import (
    PERCENT_PLACES,
    Floats,
    covered_streams,
    potential,
    ratio,
    sums,
    term_values,
)
from carbonsim.accounting.lookup import CO2_PER_CARBON
from carbonsim.accounting.rounding import round_half_up
from carbonsim.accounting.row_checks import row_issues
from carbonsim.accounting.sectors.aluminium_checks import EFFECTS, potline_issues
from carbonsim.dims import exact
from carbonsim.errors import Issue
from carbonsim.units import conversion_factor

SOURCE: Final = "cets-ag-04-aluminium-2024"
POTLINES = frozenset({"potline"})
COUNTED: Final = ("anode", *EFFECTS, "reported")  # neither fuel burnt beside the cells nor carbonates
ROUNDING: Final = f"{SOURCE} as a third party transcribed it: the official tables were not read"
# Tonnes, net anode consumption, sulphur and ash (per cent), anode factor, CF4 and C2F6 factors (kg/t), emissions.
AMOUNT, NET, SULPHUR, ASH, ANODE, EMISSIONS = 2, 3, 2, 3, 2, 2
PFC: Final = {"CF4": 3, "C2F6": 4}
MINUTES: Final = "anode_effect_minutes"
LISTED: Final = "cets2024_"  # how the ids of the guideline begin


@accounting_sectors.register("aluminium")
class Aluminium(SectorAccounting):
    """Potlines under the guideline of 2024: anodes, and anode effects by default or by their measured duration.

    The emissions of the electrolysis process are those of anodes and of anode effects; fuel burnt beside the cells and
    carbonates are in the inventory only. Overvoltage and the slopes of other cell types are methods of the IPCC, which
    an inventory may use; the ledger says where a potline did (``by_guideline``). The fuel table of this guideline was
    not read: that of the steel guideline of the same year stands in for it, so every fuel factor taken from it has the
    basis ``assumption``.

    References
    ----------
    source: cets-ag-04-aluminium-2024; mee-2026-draft, table 2-4, note 2.
    """

    table_set: ClassVar[str] = "cets_steel_2024"
    by_analogy: ClassVar[bool] = True
    process_sets: ClassVar[frozenset[str] | None] = frozenset({"cets_aluminium_2024", "ipcc_2006"})
    boundary_processes: ClassVar[frozenset[str] | None] = POTLINES
    key_processes: ClassVar[frozenset[str] | None] = POTLINES
    market_gases: ClassVar[tuple[str, ...]] = ("CO2", "CF4", "C2F6")
    data_items: ClassVar[tuple[DataItem, ...]] = (
        DataItem("liquid aluminium", "铝液产量", "anode, pfc or pfc_slope, output", "t", SOURCE, AMOUNT),
        DataItem("net anode consumption", "吨铝炭阳极净耗量", "anode_consumption", "t/t", SOURCE, NET, required=False),
        DataItem("sulphur of the anode", "炭阳极平均含硫量", "sulphur", "%", SOURCE, SULPHUR, required=False),
        DataItem("ash of the anode", "炭阳极平均灰分含量", "ash", "%", SOURCE, ASH, required=False),
        DataItem(
            "anode effect per cell-day", "平均每天每槽阳极效应持续时间", MINUTES, "min", SOURCE, 2, required=False
        ),
    )

    @classmethod
    def in_boundary(cls, streams: StreamView) -> Bools:
        """Anodes and anode effects of the potlines, or emissions stated for them."""
        return np.asarray(super().in_boundary(streams) & np.isin(streams.method, COUNTED), dtype=bool)

    @classmethod
    def check(cls, inventory: xr.Dataset) -> list[Issue]:
        """Metal whose anodes or anode effects count twice, and what no sector may have."""
        return [*row_issues(inventory, cls), *potline_issues(inventory)]

    @classmethod
    def verified(cls, inventory: xr.Dataset, year: int) -> xr.Dataset:
        """Verified data of the potlines in a year, rounded as the guideline's transcription says."""
        return verified(inventory, year)


@exact
def verified(inventory: xr.Dataset, year: int) -> xr.Dataset:
    """The ledger of the potlines in a year.

    Parameters
    ----------
    inventory : Dataset
        As ``build_inventory`` returns it.
    year : int

    Returns
    -------
    Dataset (facility)
        ``emissions`` [tCO2e] as the sum of ``anode_emissions`` and ``anode_effect_emissions``, two decimals, or as
        stated; ``key_emissions`` [tCO2e], ``key_output`` [t] and ``intensity`` [tCO2e/t] where ``has_intensity``: no
        decimals were read for it. ``by_guideline``: no method or factor from elsewhere was used.

    References
    ----------
    source: cets-ag-04-aluminium-2024; mee-2026-draft, table 2-4.
    """
    streams = covered_streams(inventory, "aluminium", year)
    names = inventory["facility"].values[(inventory["facility_sector"] == "aluminium").values].tolist()
    at = inventory.sel(year=year, facility=names)
    owner, method = streams["stream_facility"].values, streams["method"].values
    metal = round_half_up(streams["activity"].values, AMOUNT)
    carbon_dioxide = metal * streams["emission_factor"].sel(gas="CO2").values
    items = {
        "anode_emissions": np.where(method == "anode", metal * _anode_factor(inventory, streams, year), 0.0),
        "anode_effect_emissions": np.where(
            np.isin(method, EFFECTS), metal * _effect_factor(inventory, streams, year), 0.0
        ),
        "rest": np.where(np.isin(method, ("anode", *EFFECTS)), 0.0, carbon_dioxide),
    }
    rounded = {name: sums(round_half_up(values, EMISSIONS), owner, names) for name, values in items.items()}
    emissions = round_half_up(np.sum(list(rounded.values()), axis=0), EMISSIONS)
    key = np.where(at["reports_key"].values, round_half_up(at["key_emissions"].values, EMISSIONS), emissions)
    output = round_half_up(at["key_output"].values, AMOUNT)
    intensity, known = ratio(key, output)
    tonnes = {"units": "tCO2e"}
    return xr.Dataset(
        {
            "emissions": ("facility", emissions, tonnes),
            "anode_emissions": ("facility", rounded["anode_emissions"], tonnes),
            "anode_effect_emissions": ("facility", rounded["anode_effect_emissions"], tonnes),
            "key_emissions": ("facility", key, tonnes),
            "key_output": ("facility", output, {"units": "t"}),
            "intensity": ("facility", intensity, {"units": "tCO2e/t"}),
            "has_intensity": ("facility", known),
            "by_guideline": ("facility", _by_guideline(inventory, streams, year, names)),
        },
        coords={"facility": names},
        attrs={"rounding": ROUNDING},
    )


def _by_guideline(inventory: xr.Dataset, streams: xr.Dataset, year: int, names: list[str]) -> Bools:
    """Potlines (f) of which no stream uses a factor or a term that the guideline does not know."""
    place = inventory.indexes["stream"].get_indexer(streams.indexes["stream"])
    own = np.char.startswith(streams["factor"].values.astype(str), LISTED) | (streams["category"].values == "reported")
    duct = term_values(inventory, year, "duct_efficiency")[place] > 0
    outside = streams["stream_facility"].values[~own | duct]
    return ~np.isin(names, outside)


def _anode_factor(inventory: xr.Dataset, streams: xr.Dataset, year: int) -> Floats:
    """Carbon dioxide of anodes per tonne of metal (s) [tCO2/t], from rounded terms, itself rounded."""
    place = inventory.indexes["stream"].get_indexer(streams.indexes["stream"])
    decimals = {"anode_consumption": NET, "sulphur": SULPHUR + PERCENT_PLACES, "ash": ASH + PERCENT_PLACES}
    net, sulphur, ash = (
        round_half_up(term_values(inventory, year, name)[place], places) for name, places in decimals.items()
    )
    return round_half_up(net * (1 - sulphur - ash) * CO2_PER_CARBON, ANODE)


def _effect_factor(inventory: xr.Dataset, streams: xr.Dataset, year: int) -> Floats:
    """Perfluorocarbons of anode effects per tonne of metal (s) [tCO2e/t], from rounded factors of each gas."""
    total = np.zeros(streams.sizes["stream"])
    per_tonne = conversion_factor("kg", "t")
    for gas, places in PFC.items():
        factor = round_half_up(streams["emission_factor"].sel(gas=gas).values / per_tonne, places)
        total += factor * per_tonne * potential(inventory, gas, year)
    return total
