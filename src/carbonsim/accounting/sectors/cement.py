"""Cement: the clinker line is covered, raw meal less deductions plus kiln fuel."""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np
import xarray as xr

from carbonsim.accounting.core import DataItem, SectorAccounting, accounting_sectors
from carbonsim.accounting.ledger_rounding import (
    CO2,
    Decimals,
    Floats,
    covered_streams,
    ratio,
    rounded_emissions,
    rounded_item,
    sums,
)
from carbonsim.accounting.rounding import round_half_up
from carbonsim.accounting.row_checks import row_issues, streams_of_sectors
from carbonsim.dims import exact
from carbonsim.errors import InputError, Issue, ParameterError, shorten

SOURCE: Final = "cets-ag-02-cement-2024"
LINES = frozenset({"clinker_line"})
WHITE: Final = "cets2024_clinker_white"
PORTLAND: Final = "cets2024_clinker_portland"
CARBIDE_SLAG: Final = "cets2024_deduct_calcium_carbide_slag"
DECIMALS: Final = Decimals(
    f"{SOURCE} as a third party transcribed it: the official tables were not read",
    amount=2,
    net_calorific_value=3,
    carbon_content=5,
    emissions=2,
)


@accounting_sectors.register("cement")
class Cement(SectorAccounting):
    """Clinker lines under the guideline of 2024; grinding stations are outside the market.

    Process emissions are clinker times its factor less a deduction for each raw material that holds no carbonate;
    the fuels burnt in the kiln are added. Factors and deductions are the guideline's. The fuel table of this
    guideline was not read: that of the steel guideline of the same year stands in for it, so every fuel factor taken
    from it has the basis ``assumption``.

    References
    ----------
    source: cets-ag-02-cement-2024.
    """

    table_set: ClassVar[str] = "cets_steel_2024"
    by_analogy: ClassVar[bool] = True
    process_sets: ClassVar[frozenset[str] | None] = frozenset({"cets_cement_2024"})
    boundary_processes: ClassVar[frozenset[str] | None] = LINES
    key_processes: ClassVar[frozenset[str] | None] = LINES
    data_items: ClassVar[tuple[DataItem, ...]] = (
        DataItem("clinker by kind", "各类熟料产量", "clinker, output", "t", SOURCE, 2),
        DataItem(
            "raw material without carbonate", "非碳酸盐替代原料消耗量", "deduction", "t", SOURCE, 2, required=False
        ),
        DataItem("kiln fuel", "化石燃料消耗量", "combustion", "t or 1e4_Nm3", SOURCE, 2),
        DataItem("net calorific value, as received", "收到基低位发热量", "net_calorific_value", "GJ/t", SOURCE, 3),
        DataItem("carbon per calorific value", "单位热值含碳量", "carbon_content", "tC/GJ", SOURCE, 5, required=False),
        DataItem("oxidation rate, default", "碳氧化率（缺省值）", "factor tables", "1", SOURCE, required=False),
    )

    @classmethod
    def check_terms(cls, method: str, factor: str, own_terms: frozenset[str]) -> tuple[str, str]:
        """Refuses measured factors of clinker and deductions: the guideline's are defaults."""
        if method in ("clinker", "deduction") and own_terms & {"emission_factor", "content", "conversion"}:
            return (
                f"method '{method}' takes the guideline's default factor, but the row gives its own. Leave it out; "
                "the oxides of clinker ('carbonate_output') belong to the superseded standard.",
                f"方法 {method} 采用指南缺省因子，不接受实测值，请删除；"
                "按熟料氧化物（carbonate_output）核算属于已被替代的标准。",
            )
        return "", ""

    @classmethod
    def check(cls, inventory: xr.Dataset) -> list[Issue]:
        """Lines and years whose deductions exceed the process emissions of their clinker, and what no sector may have.

        Parameters
        ----------
        inventory : Dataset
            As ``build_inventory`` returns it.
        """
        problems = row_issues(inventory, cls)
        streams = streams_of_sectors(inventory, ("cement",), ("clinker", "deduction"))
        years = inventory["year"].values.tolist()
        return [*problems, *(issue for year in years for issue in _check_year(streams, int(year)))]

    @classmethod
    def verified(cls, inventory: xr.Dataset, year: int) -> xr.Dataset:
        """Verified data of the clinker lines in a year, rounded as the guideline's transcription says."""
        return verified(inventory, year)


def _check_year(streams: xr.Dataset, year: int) -> list[Issue]:
    at = streams.sel(year=year)
    gross, deducted = _gross_and_deducted(at, at["facility"].values.tolist())
    wrong = np.flatnonzero(deducted > gross * (1 + np.finfo(float).eps))
    if not wrong.size:
        return []
    names = shorten(at["facility"].values[wrong].tolist())
    excess = f"{float((deducted - gross)[wrong[0]]):,.2f} tCO2"
    return [
        Issue(
            "deduction",
            "activity",
            f"{year}: deductions of {names} exceed the process emissions of the clinker, the first by {excess}.",
            f"{year}年：{names} 的扣减量超过熟料过程排放量，首条生产线超出 {excess}。",
            "Check the tonnes of raw material and of clinker; only what went into the kiln is deducted.",
            "请核对替代原料和熟料的数量；仅入窑部分可以扣减。",
        )
    ]


def _gross_and_deducted(streams: xr.Dataset, names: list[str]) -> tuple[Floats, Floats]:
    """Process emissions of the clinker and what raw materials take off them (f) [tCO2], both not negative."""
    emissions = streams["stream_emissions"].sel(gas=CO2).values
    facility, method = streams["stream_facility"].values, streams["method"].values
    return sums(emissions, facility, names, method == "clinker"), -sums(
        emissions, facility, names, method == "deduction"
    )


@exact
def verified(inventory: xr.Dataset, year: int) -> xr.Dataset:
    """The ledger of the clinker lines in a year.

    Parameters
    ----------
    inventory : Dataset
        As ``build_inventory`` returns it.
    year : int

    Returns
    -------
    Dataset (facility)
        ``emissions``, ``process_emissions`` after deductions and ``combustion_emissions`` [tCO2e], two decimals;
        ``key_emissions`` [tCO2e], ``key_output`` [t] and ``intensity`` [tCO2e/t] where ``has_intensity``: no decimals
        were read for it. ``carbide_slag_rate`` [1].

    Raises
    ------
    InputError
        If the deductions of a line exceed the process emissions of its clinker.

    References
    ----------
    source: cets-ag-02-cement-2024.
    """
    problems = Cement.check(inventory.sel(year=[year]))
    if problems:
        raise InputError(problems)
    streams = covered_streams(inventory, "cement", year)
    own = inventory["facility"].values[(inventory["facility_sector"] == "cement").values]
    names = own.tolist()
    at = inventory.sel(year=year, facility=names)
    amount = rounded_emissions(streams, DECIMALS, enters=True, oxidised=True)
    raw_meal = np.isin(streams["method"].values, ("clinker", "deduction"))
    quantity = round_half_up(streams["activity"].values, DECIMALS.amount)
    raw = quantity * streams["emission_factor"].sel(gas=CO2).values
    process = rounded_item(streams, raw, raw_meal, DECIMALS, names)
    facility = streams["stream_facility"].values
    rest = round_half_up(sums(amount, facility, names, ~raw_meal), DECIMALS.emissions)
    burnt = round_half_up(sums(amount, facility, names, streams["from_fuel"].values), DECIMALS.emissions)
    emissions = round_half_up(process + rest, DECIMALS.emissions)
    key = np.where(at["reports_key"].values, round_half_up(at["key_emissions"].values, DECIMALS.emissions), emissions)
    output = round_half_up(at["key_output"].values, DECIMALS.amount)
    intensity, known = ratio(key, output)
    tonnes = {"units": "tCO2e"}
    return xr.Dataset(
        {
            "emissions": ("facility", emissions, tonnes),
            "process_emissions": ("facility", process, tonnes),
            "combustion_emissions": ("facility", burnt, tonnes),
            "key_emissions": ("facility", key, tonnes),
            "key_output": ("facility", output, {"units": "t"}),
            "intensity": ("facility", intensity, {"units": "tCO2e/t"}),
            "has_intensity": ("facility", known),
            "carbide_slag_rate": carbide_slag_rate(inventory, year).sel(facility=names),
        },
        coords={"facility": names},
        attrs={"rounding": DECIMALS.source},
    )


def carbide_slag_rate(inventory: xr.Dataset, year: int) -> xr.DataArray:
    r"""Share of a Portland clinker line's process emissions that carbide slag replaces.

    Returns
    -------
    DataArray [1] (facility)
        0 where there is no Portland clinker.

    Notes
    -----
    .. math:: r = \frac{M_{slag} D_{slag}}{Q EF}

    with the carbide slag and its deduction over the Portland clinker and its factor.

    References
    ----------
    source: mee-2026-draft, table 2-3, note 5.
    """
    at = inventory.sel(year=year)
    emissions = at["stream_emissions"].sel(gas=CO2).values
    names, facility = at["facility"].values.tolist(), at["stream_facility"].values
    clinker = sums(emissions, facility, names, at["factor"].values == PORTLAND)
    replaced = -sums(emissions, facility, names, at["factor"].values == CARBIDE_SLAG)
    rate = np.where(clinker > 0, replaced / np.where(clinker > 0, clinker, 1.0), 0.0)
    return xr.DataArray(rate, {"facility": names}, "facility", "carbide_slag_rate", {"units": "1"})


def special_case(inventory: xr.Dataset, year: int, *, carbide_slag_limit: float) -> xr.DataArray:
    """The case in which a clinker line's allowances equal its verified emissions, from the line's own data.

    Parameters
    ----------
    inventory : Dataset
        As ``build_inventory`` returns it.
    year : int
    carbide_slag_limit : float [1]
        Share replaced by carbide slag above which a line is a special case: the parameter
        ``industry.carbide_slag_limit`` of the year.

    Returns
    -------
    DataArray of str (facility)
        What the facilities table states; else ``white_clinker`` for lines that make white clinker only, or
        ``carbide_slag``; ``""`` where there is none and for facilities of other sectors. Clinker as a by-product of
        acid from gypsum shows in no stream: it must be stated.

    Raises
    ------
    ParameterError
        If the limit is no share.

    References
    ----------
    source: mee-2025-industry; mee-2026-draft, section 3(3)3.
    """
    if not 0 <= carbide_slag_limit <= 1:
        raise ParameterError(f"carbide_slag_limit is {carbide_slag_limit:g}; expected a share from 0 to 1.")
    at = inventory.sel(year=year)
    names, facility = at["facility"].values.tolist(), at["stream_facility"].values
    made = (at["method"].values == "clinker") & (at["activity"].values > 0)
    kinds = sums(made.astype(float), facility, names)
    white = sums(made.astype(float), facility, names, at["factor"].values == WHITE)
    slag = carbide_slag_rate(inventory, year).values > carbide_slag_limit
    found = np.where((white > 0) & (white == kinds), "white_clinker", np.where(slag, "carbide_slag", ""))
    found = np.where((at["facility_sector"] == "cement").values, found, "")
    stated = at["special_case"].values
    return xr.DataArray(np.where(stated != "", stated, found), {"facility": names}, "facility", "special_case")
