"""Who is in the market and when: shares of the obligation by sector, and by enterprise after the threshold."""

from __future__ import annotations

import numpy as np
import xarray as xr

from carbonsim.dims import align, check_no_nan, check_unit, exact
from carbonsim.errors import AlignmentError
from carbonsim.inputs.cross_checks import phase_in_shares
from carbonsim.inputs.scenario import Scenario
from carbonsim.inputs.table_checks import records


@exact
def sector_share(scenario: Scenario) -> xr.DataArray:
    """Share of its covered emissions for which a sector owes allowances, by year.

    Parameters
    ----------
    scenario : Scenario
        Its coverage table gives entry year and phase-in; a sector without entry year has share 0 throughout.

    Returns
    -------
    DataArray [1] (sector, year)
        Between 0 and 1. ``phase_in`` counts from the entry year, also where that lies before the study; its last
        share stays. Coordinates on sector: ``entry_year`` (NaN = never), ``announced``, ``threshold`` [tCO2e].
    """
    coverage = scenario.tables["coverage"]
    years = np.array(scenario.years)
    shares = [_shares(row["entry_year"], row["phase_in"], years) for row in records(coverage)]
    sectors = coverage["sector"].tolist()
    return xr.DataArray(
        np.array(shares, dtype=float).reshape(len(sectors), len(years)),
        dims=("sector", "year"),
        coords={
            "sector": sectors,
            "year": years,
            "entry_year": ("sector", coverage["entry_year"].to_numpy(dtype=float)),
            "announced": ("sector", coverage["announced"].to_numpy(dtype=int)),
            "threshold": ("sector", coverage["threshold"].to_numpy(dtype=float)),
        },
        name="sector_share",
        attrs={"units": "1"},
    )


def _shares(entry: float, phase_in: str, years: np.ndarray) -> np.ndarray:
    if np.isnan(entry):
        return np.zeros(len(years))
    steps = np.array(phase_in_shares(phase_in), dtype=float)
    since = years - int(entry)
    return np.where(since < 0, 0.0, steps[np.clip(since, 0, len(steps) - 1)])


@exact
def above_threshold(scenario: Scenario, covered_emissions: xr.DataArray) -> xr.DataArray:
    """Whether an enterprise is large enough to be listed: the base year decides, and who is in stays in.

    Parameters
    ----------
    scenario : Scenario
        Gives each enterprise's sector and number of entities, and each sector's threshold.
    covered_emissions : DataArray [tCO2e] (enterprise, year)
        Direct emissions under the market's boundary. If the base year is not among the years, the first year
        stands for it: activity of the base year is then scaled to the study's first year.

    Returns
    -------
    DataArray of bool (enterprise)
        A row that stands for several entities is compared by its emissions per entity.

    Raises
    ------
    AlignmentError
        If an enterprise of the study is missing, or a number is NaN.
    UnitError
        If the emissions are not in tCO2e.
    """
    check_unit(covered_emissions, "tCO2e")
    check_no_nan(covered_emissions)
    enterprises = scenario.tables["enterprises"]
    labels = enterprises["enterprise"].tolist()
    emissions = align(covered_emissions, labels, "enterprise")
    years = emissions["year"].to_numpy()
    decisive = scenario.base_year if scenario.base_year in years else int(years.min())
    each = emissions.sel(year=decisive).to_numpy() / enterprises["entities"].to_numpy(dtype=float)
    limits = scenario.tables["coverage"].set_index("sector")["threshold"]
    missing = sorted(set(enterprises["sector"]) - set(limits.index))
    if missing:
        raise AlignmentError(f"coverage has no row for {', '.join(missing)}. Add one; an empty entry_year means never.")
    large = each >= limits.loc[enterprises["sector"]].to_numpy(dtype=float)
    return xr.DataArray(large, dims="enterprise", coords={"enterprise": labels}, name="above_threshold")


@exact
def obligation_share(scenario: Scenario, covered_emissions_by_enterprise: xr.DataArray) -> xr.DataArray:
    """Share of its covered emissions for which an enterprise owes allowances, by year.

    Parameters
    ----------
    scenario : Scenario
        Study with its coverage table.
    covered_emissions_by_enterprise : DataArray [tCO2e] (enterprise, year)
        Direct emissions under the market's boundary, not negative; the base year decides about the threshold.

    Returns
    -------
    DataArray [1] (enterprise, year)
        The sector's share where the enterprise reaches the threshold, 0 elsewhere; enterprises in the order of the
        input.

    Raises
    ------
    AlignmentError
        If the enterprises of the study and of the emissions are not the same, or a number is NaN.
    """
    given = covered_emissions_by_enterprise["enterprise"].to_numpy().tolist()
    enterprises = scenario.tables["enterprises"].set_index("enterprise")
    strangers = sorted(set(given) - set(enterprises.index))
    if strangers:
        raise AlignmentError(f"the study has no enterprise {', '.join(strangers[:5])}.")
    large = above_threshold(scenario, covered_emissions_by_enterprise)
    sectors = xr.DataArray(
        enterprises["sector"].tolist(), dims="enterprise", coords={"enterprise": list(enterprises.index)}
    )
    share = sector_share(scenario).drop_vars(["entry_year", "announced", "threshold"])
    by_enterprise = share.sel(sector=sectors).drop_vars("sector")
    result = align(by_enterprise * large, given, "enterprise")
    result.attrs["units"] = "1"
    return result.rename("obligation_share")
