"""Steel: a mass balance of the whole enterprise; the key emissions are those of sintering and ironmaking."""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np
import xarray as xr

from carbonsim.accounting.core import Bools, DataItem, SectorAccounting, StreamView, accounting_sectors
from carbonsim.accounting.row_checks import row_issues
from carbonsim.accounting.sectors.steel_gas import gas_issues
from carbonsim.accounting.sectors.steel_ledger import (
    CRUDE_STEEL,
    KEY_PROCESSES,
    POWER_DECIMALS,
    POWER_UNIT,
    SOURCE,
    verified,
)
from carbonsim.errors import Issue

__all__ = ["Steel", "verified"]

# The list takes works of blast furnace and converter (3110, 3120), not stand-alone electric furnaces, rolling and
# foundries. Iron is made on the long route only; steel and "works" may also stand beside an electric furnace.
LONG_ROUTE: Final = frozenset({"ironmaking"})
LONG_ROUTE_UNLESS_ELECTRIC: Final = frozenset({"sintering", "steelmaking", "steelworks"})
ELECTRIC: Final = frozenset({"electric_furnace"})
OUTSIDE_ALONE: Final = ELECTRIC | {"rolling", "foundry"}
LISTED: Final = "cets2024_"  # how the ids of table A.2 begin
SLAGS: Final = frozenset({"slag", "bf_slag", "blast_furnace_slag", "steel_slag", "converter_slag"})
COKE: Final = "coke"

_FUEL_ROWS: Final = "combustion, material_input and product_output rows of a fuel"


@accounting_sectors.register("steel")
class Steel(SectorAccounting):
    """Long-route steel under the guideline of 2024, formulas (1) to (4).

    The obligation is formula (1), a mass balance of the enterprise without an oxidation rate. Formula (3), the
    self-owned power units, has one, but formula (4) gives what it takes off to "other": the enterprise's total is
    not touched, so no oxidation rate enters the streams. Key emissions follow formula (2): the net fuel carbon of
    sintering and ironmaking, without carbonates. Carbon contents, the calorific value of coke and every factor of
    table A.2 are the guideline's defaults; materials that table A.2 does not list are not accounted for, and neither
    is the carbon of slag that is sold.

    An enterprise is covered whole if it is of the long route: it makes iron; or it sinters, has converters or states
    its works as one, without an electric furnace. Electric furnaces, rolling mills and foundries are outside, whatever
    else stands beside them. An enterprise that names no process of either kind counts as the listed one that its
    sector says it is, and so does a block.

    References
    ----------
    source: cets-ag-03-steel-2024; mee-list-2027 (annex 1, section 2).
    """

    table_set: ClassVar[str] = "cets_steel_2024"
    process_sets: ClassVar[frozenset[str] | None] = frozenset({"cets_steel_2024"})
    oxidation_enters: ClassVar[bool] = False
    ledger_oxidation: ClassVar[frozenset[str]] = frozenset({POWER_UNIT})
    key_processes: ClassVar[frozenset[str] | None] = KEY_PROCESSES
    output_processes: ClassVar[frozenset[str] | None] = frozenset({"ironmaking"})
    data_items: ClassVar[tuple[DataItem, ...]] = (
        DataItem("fuel into or out of a process", "化石燃料输入量、输出量", _FUEL_ROWS, "t or 1e4_Nm3", SOURCE, 2),
        DataItem(
            "net calorific value, as received",
            "收到基低位发热量",
            "net_calorific_value",
            "GJ/t",
            SOURCE,
            3,
            required=False,
        ),
        DataItem(
            "carbon per calorific value, default",
            "单位热值含碳量（缺省值）",
            "factor tables",
            "tC/GJ",
            SOURCE,
            5,
            required=False,
        ),
        DataItem("carbonates, electrodes bought", "外购碳酸盐、电极消耗量", "carbonate", "t", SOURCE, 2),
        DataItem("carbon-bearing materials bought", "外购含碳原料消耗量", "material_input", "t", SOURCE, 2),
        DataItem("pig iron, tar and benzene sold", "外销生铁、焦油、粗苯", "product_output", "t", SOURCE, 2),
        DataItem("crude steel", "粗钢产量", f"product_output of {CRUDE_STEEL}", "t", SOURCE, 2),
        DataItem("product of each process", "工序产品产量", "output, key_output", "t", SOURCE, 2),
        DataItem("generation of own power units", "自有机组发电量", "output", "MWh", SOURCE, POWER_DECIMALS),
        DataItem("heat of own power units", "自有机组供热量", "heat_supplied", "GJ", SOURCE, 2, required=False),
    )

    @classmethod
    def check_terms(cls, method: str, factor: str, own_terms: frozenset[str]) -> tuple[str, str]:
        """Refuses measured values where the guideline knows the default only, and what it does not account for."""
        if "carbon_content" in own_terms:
            return (
                "carbon_content is measured, but the guideline takes the default of table A.1 for every fuel "
                "(clauses 6.2.3 and 7.1.2.3). Leave the cell empty.",
                "填写了实测单位热值含碳量，而指南规定各燃料一律采用附表A.1缺省值（6.2.3、7.1.2.3）。请留空。",
            )
        if "net_calorific_value" in own_terms and factor.rpartition(":")[2] == COKE:
            return (
                "net_calorific_value of coke is measured, but coke keeps the default of table A.1 (clauses 6.2.2.2 and "
                "7.1.2.2.1). Leave the cell empty.",
                "填写了焦炭的实测低位发热量，而焦炭一律采用附表A.1缺省值（6.2.2.2、7.1.2.2.1）。请留空。",
            )
        if "oxidation" in own_terms:
            return (
                "oxidation is given, but the balance is one without an oxidation rate, and own power units take the "
                "default of table A.1 (clauses 6.1.1 and 7.2.2.4). Leave the cell empty.",
                "填写了碳氧化率，而物料平衡法不含碳氧化率，自有发电机组采用附表A.1缺省值（6.1.1、7.2.2.4）。请留空。",
            )
        own_factor = own_terms & {"emission_factor", "carbon_fraction", "content", "conversion"}
        if own_factor and method in ("carbonate", "material_input", "product_output"):
            return (
                f"{sorted(own_factor)[0]} is measured, but carbonates, electrodes, materials and products take the "
                "defaults of table A.2 (clause 6.2.4). Leave it out.",
                "碳酸盐、电极、含碳原料和含碳产品一律采用附表A.2缺省值（6.2.4），不接受实测值。请删除。",
            )
        return cls._check_listed(method, factor)

    @classmethod
    def _check_listed(cls, method: str, factor: str) -> tuple[str, str]:
        """Refuses materials outside table A.2."""
        if method == "product_output" and factor in SLAGS:
            return (
                f"'{factor}' is not accounted: carbon in metallurgical slag that is sold is not deducted (clause "
                "5.2.1 c). Drop the row.",
                f"“{factor}”不予核算：外销冶金渣隐含的排放不扣减（5.2.1 c）。请删除该行。",
            )
        if method == "carbonate" and factor and not factor.startswith(LISTED):
            return (
                f"'{factor}' is not accounted: table A.2 does not list it, and carbonates, materials and products "
                "outside the table are left out (clause 6.2.4). Use a factor of cets_steel_2024, or drop the row.",
                f"“{factor}”不予核算：附表A.2未列明的碳酸盐、含碳原料、含碳产品不进行核算（6.2.4）。"
                "请改用 cets_steel_2024 的因子或删除该行。",
            )
        return "", ""

    @classmethod
    def in_boundary(cls, streams: StreamView) -> Bools:
        """All streams of an enterprise of the long route, or of one that names nothing off the list."""
        electric = streams.of_enterprises_with(ELECTRIC)
        long_route = streams.of_enterprises_with(LONG_ROUTE) | (
            streams.of_enterprises_with(LONG_ROUTE_UNLESS_ELECTRIC) & ~electric
        )
        block = (streams.kind == "block") & streams.of_enterprises_beyond(OUTSIDE_ALONE)
        return np.asarray(long_route | block | ~streams.of_enterprises_with(OUTSIDE_ALONE), dtype=bool)

    @classmethod
    def in_key(cls, streams: StreamView) -> Bools:
        """Net fuel carbon of sintering and ironmaking (formula 2), or emissions stated for those processes."""
        key = super().in_key(streams)
        process = streams.in_process(KEY_PROCESSES)
        return np.asarray(key & (~process | streams.from_fuel | (streams.category == "reported")), dtype=bool)

    @classmethod
    def check(cls, inventory: xr.Dataset) -> list[Issue]:
        """Own gases whose carbon counts twice, and what no sector may have."""
        return [*row_issues(inventory, cls), *gas_issues(inventory)]

    @classmethod
    def verified(cls, inventory: xr.Dataset, year: int) -> xr.Dataset:
        """Verified data of the steel enterprises in a year, rounded as the guideline says."""
        return verified(inventory, year)
