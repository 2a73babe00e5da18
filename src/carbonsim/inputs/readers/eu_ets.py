"""Reads the tables of the EU Transaction Log: free allocation and verified emissions of installations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from carbonsim.inputs.readers.text_files import TextTable, raise_if_any

COMPLIANCE = ("installation_id", "year", "free_allocation_t", "verified_emissions_tco2e")
INSTALLATION = ("installation_id", "name", "country_id")
FIRST_YEAR, LAST_YEAR = 2005, 2100
# Numbers from here on went to aircraft operators and, later, to stationary installations as well. The tables hold no
# field that tells them apart, but the stationary ones have a name.
FIRST_AIRCRAFT_NUMBER = 200_000


def read_eu_ets(folder: str | Path) -> pd.DataFrame:
    """Free allocation and verified emissions of each installation and year.

    Parameters
    ----------
    folder : str or Path
        Folder with ``compliance.csv`` and ``installation.csv``.

    Returns
    -------
    DataFrame
        One row an installation and year, sorted: ``installation``, ``name``, ``registry`` (country code in the id),
        ``country``, ``is_likely_aircraft`` (id number of
        200000 or above and no name: a reading of the table, not a field of it), ``year``,
        ``free_allocation`` [allowance], ``verified_emissions`` [tCO2e], ``allocation_is_zero`` and
        ``emissions_are_zero``: a zero can mean none or not reported, the tables do not say which.

    Raises
    ------
    InputError
        With every fault: a missing file or column, a text for a number, a negative amount, a doubled installation
        and year, an installation that is not listed, an id that is not ``<country>_<number>``.
    """
    root = Path(folder)
    compliance = TextTable(root / "compliance.csv", COMPLIANCE)
    installation = TextTable(root / "installation.csv", INSTALLATION)
    if compliance.issues or installation.issues:
        raise_if_any(compliance, installation)
    installation.filled("installation_id", "country_id")
    installation.unique("installation_id")
    well_formed = installation.frame["installation_id"].str.fullmatch(r"[A-Z]{2}_[0-9]+").to_numpy(dtype=bool)
    installation.refuse(
        ~well_formed, "installation_id", "bad-name", "is not <country>_<number>.", "不是“国家_数字”格式。"
    )
    listed = compliance.frame["installation_id"].isin(installation.frame["installation_id"]).to_numpy(dtype=bool)
    compliance.refuse(
        ~listed, "installation_id", "unknown-reference", "is not in installation.csv.", "不在 installation.csv 中。"
    )
    compliance.unique("installation_id", "year")
    year = compliance.numbers("year", required=True, lower=FIRST_YEAR, upper=LAST_YEAR)
    compliance.refuse(year != np.round(year), "year", "not-a-number", "is no whole year.", "不是整数年份。")
    allocation = compliance.numbers("free_allocation_t", required=True, lower=0)
    emissions = compliance.numbers("verified_emissions_tco2e", required=True, lower=0)
    raise_if_any(compliance, installation)
    places = installation.frame.set_index("installation_id").loc[compliance.frame["installation_id"]]
    parts = compliance.frame["installation_id"].str.split("_", n=1, expand=True)
    frame = pd.DataFrame(
        {
            "installation": compliance.frame["installation_id"],
            "name": places["name"].to_numpy(),
            "registry": parts[0],
            "country": places["country_id"].to_numpy(),
            "is_likely_aircraft": (parts[1].astype(int) >= FIRST_AIRCRAFT_NUMBER) & (places["name"].to_numpy() == ""),
            "year": year.astype(int),
            "free_allocation": allocation,
            "verified_emissions": emissions,
            "allocation_is_zero": allocation == 0,
            "emissions_are_zero": emissions == 0,
        }
    )
    return frame.sort_values(["installation", "year"], ignore_index=True)
