"""Allowance position of each enterprise: who is short, who is long, by how much and at what price."""

from __future__ import annotations

import pandas as pd
import xarray as xr

POSITION_COLUMNS = (
    "obligation", "free_allocation", "net_purchase", "abatement", "abatement_cost", "allowance_cost",
    "net_compliance_cost",
)  # fmt: skip


def position_table(run: xr.Dataset, year: int, *, kind: str = "enterprise") -> pd.DataFrame:
    """Position of every covered enterprise in one year, the largest shortfall first.

    Parameters
    ----------
    run : Dataset
        One scenario of the results.
    year : int
        Compliance year.
    kind : str
        ``enterprise`` or ``block``.

    Returns
    -------
    DataFrame
        Index enterprise; names, sector, place, obligation and free allocation (allowances), ``shortfall``
        (obligation less free allocation, short > 0), ``shortfall_ratio`` (1), net purchase (buy > 0), costs (CNY).
    """
    chosen = run.sel(year=year, enterprise=run["kind"].values == kind)
    covered = chosen["obligation_share"].values > 0
    chosen = chosen.isel(enterprise=covered)
    frame = pd.DataFrame(
        {name: chosen[name].values for name in ("name_zh", "name_en", "sector", "place")}
        | {name: chosen[name].values for name in POSITION_COLUMNS},
        index=pd.Index(chosen["enterprise"].values, name="enterprise"),
    )
    frame.insert(6, "shortfall", frame["obligation"] - frame["free_allocation"])
    owed = frame["obligation"].where(frame["obligation"] > 0)
    frame.insert(7, "shortfall_ratio", frame["shortfall"] / owed)
    return frame.sort_values(["shortfall", "enterprise"], ascending=[False, True])
