"""Scope 2 by the market-based method, beside the location-based total.

Dimensions inside: e enterprise, y year, c row of the table of certificates.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from carbonsim.accounting.certificates import (
    UNKNOWN,
    Certificates,
    apply_instruments,
    certificate_status,
    read_certificates,
)
from carbonsim.accounting.core import Bools, Labels
from carbonsim.accounting.location_factors import DatedFactor, Purchases, dated_factor, nation, purchases
from carbonsim.accounting.streams import Floats, Index
from carbonsim.dims import exact
from carbonsim.inputs.factors import Factors
from carbonsim.inputs.grid_factors import OLDEST

FULL: Final = 1e-9  # a load is covered when less than this share of it is left

# What each state of `scope2_market_method` says, in English and Chinese.
MARKET_METHODS: Final[dict[str, tuple[str, str]]] = {
    "no_load": ("No electricity was bought, or all of it was passed on.", "无外购电力，或已全部转供。"),
    "instruments": ("Certificates and contracts cover the whole load.", "绿证与合同覆盖全部用电量。"),
    "instruments_and_residual": (
        "Certificates and contracts, then the residual factor.",
        "先用绿证与合同，其余用剩余电力因子。",
    ),
    "residual": ("The whole load at the residual factor.", "全部用电量用剩余电力因子。"),
    "location_based_remainder": (
        "No residual factor is dated close enough to the year: what instruments leave is at the location-based factor.",
        "该年份没有可用的剩余电力因子：绿证与合同未覆盖的电量用基于位置的因子。",
    ),
    UNKNOWN: (
        "The enterprise states that it does not know: no market-based total.",
        "企业声明未知：不给出基于市场的总量。",
    ),
}


@exact
def market_based(
    inventory: xr.Dataset,
    certificates: pd.DataFrame | None,
    factors: Factors,
    *,
    years_tolerance: int = OLDEST,
) -> xr.Dataset:
    r"""Scope 2 of each enterprise by the market-based method, beside the location-based total.

    Parameters
    ----------
    inventory : Dataset
        As ``build_inventory`` returns it.
    certificates : DataFrame or None
        The table ``certificates``: enterprise, year, certificate, kind, quantity [MWh], factor [tCO2/MWh], evidence,
        source. None or no rows: no instruments.
    factors : Factors
        The grid table gives the national residual factor.
    years_tolerance : int
        Years by which the residual factor may be older than the year of account, at most ``OLDEST``; it is never
        younger.

    Returns
    -------
    Dataset
        Of (enterprise, year): ``scope2_location``, ``scope2_market`` [tCO2e], which is 0 where
        ``scope2_market_available`` is False; ``scope2_market_method`` (see ``MARKET_METHODS``); ``load``
        [MWh], which is ``electricity_bought`` less ``electricity_resold``, and ``exports_beyond_purchase``,
        ``certificates_applied``, ``certificates_unused``, ``residual_electricity`` [MWh]; the parts
        ``instrument_emissions``, ``residual_emissions``, ``scope2_heat``, ``scope2_exports`` [tCO2e] (the deduction of
        heat and own generation passed on, not positive); ``location_factor`` [tCO2/MWh], the mean of the purchase, 0
        without one. Of (year):
        ``residual_factor``, ``residual_factor_available``, ``residual_factor_id``, ``residual_data_year``. Of
        (certificate): quantity, applied, unused [MWh], factor and ``certificate_status``. ``attrs`` lists
        ``certificates_without_evidence`` and ``years_without_residual_factor``.

    Raises
    ------
    InputError
        If a row names an enterprise, year or kind that is not there, a quantity or a factor is missing or negative,
        a green certificate has a factor other than 0, or two rows share their key.

    Notes
    -----
    Instruments are applied in the order green certificate, power purchase agreement, supplier factor, and within a
    kind the dirtiest first, until the load is covered; what is left over is ``unused``: it is neither a negative
    emission nor carried to another year. The rest of the load :math:`L` is at the residual factor :math:`r`:

    .. math:: E = \sum_c q_c f_c + \Bigl(L - \sum_c q_c\Bigr) r + E_{heat} + E_{exports}

    An instrument whose factor is below what the load would have without it counts only with evidence. Without a
    residual factor the rest is at the purchase's own location-based factor, the last rung of the guidance's ladder,
    and the method says so. A row of kind ``unknown`` voids the market-based total of its enterprise and year.

    The load is what was bought and not passed on. Where the sector's guide deducts electricity passed on, it leaves
    before instruments apply, so that none makes the total negative: resold electricity is part of scope 2 of whoever
    uses it. What an enterprise passes on beyond its purchases is its own generation: its deduction, like that of heat
    passed on, is as in the inventory, with the factors of the place.

    References
    ----------
    source: ghg-protocol-scope-2-2015 (method); mee-nbs-2025-47 (residual factor).
    """
    years = inventory["year"].values
    bought = purchases(inventory)
    rows = read_certificates(certificates, inventory)
    residual = dated_factor(factors, years, years_tolerance, region=nation(factors), kind="residual")
    # What a MWh without an instrument emits.
    without = np.where(residual.available, residual.value, bought.factor)
    counted = rows.counts_against(without)
    applied = apply_instruments(rows, counted, bought.load)
    status = certificate_status(rows, counted, applied)
    data = {
        **_enterprise_variables(bought, rows, residual, without=without, counted=counted, applied=applied),
        "scope2_location": inventory["scope2_location"].transpose("enterprise", "year"),
        **_residual_variables(residual),
        **_certificate_variables(rows, applied, status),
    }
    attrs = {
        "certificates_without_evidence": ", ".join(rows.label[status == "without_evidence"].tolist()),
        "years_without_residual_factor": ", ".join(str(year) for year in years[~residual.available]),
        "years_tolerance": years_tolerance,
    }
    return xr.Dataset(data, coords=_coords(inventory, bought, rows), attrs=attrs)


def _enterprise_variables(
    bought: Purchases, rows: Certificates, residual: DatedFactor, *, without: Floats, counted: Bools, applied: Floats
) -> dict[str, Any]:
    """Everything by enterprise and year."""
    at = (rows.enterprise, rows.year)
    covered, clean, unused = (
        _sum_at(bought.load, at, amount)
        for amount in (applied, applied * rows.factor, np.where(counted, rows.quantity - applied, 0.0))
    )
    unknown = _sum_at(bought.load, at, (rows.kind == UNKNOWN).astype(float)) > 0
    left = np.where(bought.load - covered > FULL * bought.load, bought.load - covered, 0.0)
    total = clean + left * without + bought.heat + bought.exports
    numbers = {
        "scope2_market": (np.where(unknown, 0.0, total), "tCO2e"),
        "load": (bought.load, "MWh"),
        "electricity_bought": (bought.bought, "MWh"),
        "electricity_resold": (bought.resold, "MWh"),
        "exports_beyond_purchase": (bought.beyond, "MWh"),
        "certificates_applied": (covered, "MWh"),
        "certificates_unused": (unused, "MWh"),
        "residual_electricity": (left, "MWh"),
        "instrument_emissions": (clean, "tCO2e"),
        "residual_emissions": (left * without, "tCO2e"),
        "scope2_heat": (bought.heat, "tCO2e"),
        "scope2_exports": (bought.exports, "tCO2e"),
        "location_factor": (bought.factor, "tCO2/MWh"),
    }
    dims = ("enterprise", "year")
    return {
        **{name: (dims, values, {"units": unit}) for name, (values, unit) in numbers.items()},
        "scope2_market_available": (dims, ~unknown),
        "scope2_market_method": (dims, _methods(bought.load, covered, left, residual.available, unknown)),
    }


def _sum_at(like: Floats, at: tuple[Index, Index], amount: Floats) -> Floats:
    total = np.zeros_like(like)
    np.add.at(total, at, amount)
    return total


def _methods(load: Floats, covered: Floats, left: Floats, has_residual: Bools, unknown: Bools) -> Labels:
    """Which method each enterprise and year was accounted by (e, y)."""
    some, rest = covered > 0, left > 0
    chosen = np.select(
        [unknown, load == 0, ~rest, rest & ~has_residual, some],
        [UNKNOWN, "no_load", "instruments", "location_based_remainder", "instruments_and_residual"],
        default="residual",
    )
    return np.asarray(chosen, dtype=str)


def _residual_variables(residual: DatedFactor) -> dict[str, Any]:
    return {
        "residual_factor": ("year", residual.value, {"units": "tCO2/MWh"}),
        "residual_factor_available": ("year", residual.available),
        "residual_factor_id": ("year", residual.factor),
        "residual_data_year": ("year", residual.data_year),
    }


def _certificate_variables(rows: Certificates, applied: Floats, status: Labels) -> dict[str, Any]:
    return {
        "certificate_quantity": ("certificate", rows.quantity, {"units": "MWh"}),
        "certificate_applied": ("certificate", applied, {"units": "MWh"}),
        "certificate_unused": ("certificate", rows.quantity - applied, {"units": "MWh"}),
        "certificate_factor": ("certificate", rows.factor, {"units": "tCO2/MWh"}),
        "certificate_status": ("certificate", status),
    }


def _coords(inventory: xr.Dataset, bought: Purchases, rows: Certificates) -> dict[str, Any]:
    enterprise, year = inventory["enterprise"].values, inventory["year"].values
    return {
        "enterprise": enterprise,
        "year": year,
        "location_factor_ids": ("enterprise", bought.factor_ids),
        "certificate": rows.label,
        "certificate_enterprise": ("certificate", enterprise[rows.enterprise]),
        "certificate_year": ("certificate", year[rows.year]),
        "certificate_kind": ("certificate", rows.kind),
        "certificate_source": ("certificate", rows.source),
    }
