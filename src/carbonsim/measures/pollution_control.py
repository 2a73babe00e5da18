"""Pollution control as a measure: it cuts a pollutant and emits carbon, from its reagent and its electricity.

Dimensions inside: m measure, p pollutant, y year; rows are those of the table of controls.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from carbonsim.dims import POLLUTANTS
from carbonsim.errors import InputError, did_you_mean, shorten
from carbonsim.measures.applies import Floats
from carbonsim.measures.co_benefits import add_up, bases, concerned, effect_table

# Tonnes of CO2 for each tonne of pollutant removed, as ratios of molar masses: CaCO3 + SO2 + 1/2 O2 -> CaSO4 + CO2;
# 2 NO + CO(NH2)2 + 1/2 O2 -> 2 N2 + CO2 + 2 H2O with the oxides of nitrogen weighed as NO2.
REACTIONS: Final[Mapping[str, tuple[str, float]]] = {"limestone": ("SO2", 44 / 64), "urea": ("NOx", 44 / (2 * 46))}
CONTROL_COLUMNS: Final = (
    "measure", "enterprise", "pollutant", "efficiency", "reaction", "electricity_change", "unit_cost",
)  # fmt: skip


def end_of_pipe_table(controls: pd.DataFrame, inventory: xr.Dataset, grid_factor: Floats) -> pd.DataFrame:
    r"""What pollution control does to carbon: the trade-off that the measures table cannot hold.

    A measure of that table cuts carbon, and what else it does is per tonne cut. Control of a pollutant emits carbon,
    from its reagent and its electricity, so it is told by what it removes.

    Parameters
    ----------
    controls : DataFrame
        Columns ``CONTROL_COLUMNS``: ``efficiency`` [1] of what the enterprise emits now that is removed in addition;
        ``reaction`` a key of ``REACTIONS`` or empty; ``electricity_change`` [MWh/t removed]; ``unit_cost`` [CNY/t
        removed], may be empty. A measure may have several rows.
    inventory : Dataset
    grid_factor : array [tCO2/MWh] (y)

    Returns
    -------
    DataFrame
        As ``co_benefit_table``; pollutants that no row names are unknown, and so is all of a measure at an enterprise
        whose pollutant has no number.

    Raises
    ------
    InputError
        If a column, an enterprise, a pollutant or a reaction is not known, or an efficiency is no share.

    Notes
    -----
    .. math:: \Delta CO_2 = \Delta SO_2 \cdot \frac{44}{64} + \Delta SO_2 \cdot w \cdot EF

    with the electricity :math:`w` of a tonne removed. Only limestone that reacts gives off its CO2. Limestone that the
    ledger already lists as a carbonate must not be planned here again.
    """
    _check_controls(controls, inventory)
    names, code = np.unique(controls["measure"].astype(str).to_numpy(dtype=str), return_inverse=True)
    enterprise = pd.Index(inventory["enterprise"].values).get_indexer(pd.Index(controls["enterprise"]))
    column = np.array([POLLUTANTS.index(name) for name in controls["pollutant"]], dtype=np.intp)
    emitted = inventory["pollutant_emissions"].transpose("enterprise", "pollutant", "year").values[enterprise, column]
    known = inventory["pollutant_available"].transpose("enterprise", "pollutant").values[enterprise, column]
    numbers = {
        name: controls[name].to_numpy(dtype=float)[:, None]
        for name in ("efficiency", "electricity_change", "unit_cost")
    }
    removed = np.where(known[:, None], emitted, np.nan) * numbers["efficiency"]
    reaction = [str(name) for name in controls["reaction"].fillna("")]
    reagent = np.array([REACTIONS[name][1] if name else 0.0 for name in reaction])[:, None]
    carbon = -removed * (reagent + numbers["electricity_change"] * np.asarray(grid_factor, dtype=float)[None, :])
    count, years = len(names), removed.shape[1]
    avoided, named = np.zeros((count, len(POLLUTANTS), years)), np.zeros((count, len(POLLUTANTS)), dtype=bool)
    np.add.at(avoided, (code, column), removed)
    named[code, column] = True
    has = concerned(code, count, controls["enterprise"].to_numpy(), inventory, np.ones(len(code), dtype=bool))
    return effect_table(
        names,
        inventory["year"].values,
        carbon=add_up(carbon, code, count),
        avoided=np.where(named[:, :, None], avoided, np.nan),
        shifted=np.full(avoided.shape, np.nan),
        cost=add_up(removed * numbers["unit_cost"], code, count),
        base=bases(has, inventory),
        shown=np.ones((count, years), dtype=bool),
    )


def _check_controls(controls: pd.DataFrame, inventory: xr.Dataset) -> None:
    """Raise InputError unless every row of pollution control can be worked out."""
    missing = [name for name in CONTROL_COLUMNS if name not in controls]
    if missing:
        raise InputError(f"pollution control lacks the columns {shorten(missing)}.")
    reaction = controls["reaction"].fillna("").astype(str)
    known = {
        "enterprise": set(inventory["enterprise"].values.tolist()),
        "pollutant": set(POLLUTANTS),
        "reaction": {"", *REACTIONS},
    }
    for column, labels in known.items():
        values = reaction if column == "reaction" else controls[column]
        wrong = sorted(set(values.astype(str)) - labels)
        if wrong:
            hint = did_you_mean(wrong[0], sorted(labels - {""}))
            raise InputError(f"pollution control: {column} {shorten(wrong)} is not known. {hint}".strip())
    other = [name for name, pollutant in zip(reaction, controls["pollutant"], strict=True)
             if name and REACTIONS[name][0] != pollutant]  # fmt: skip
    if other:
        raise InputError(f"pollution control: {shorten(other)} reacts with another pollutant than the row names.")
    efficiency, electricity = (controls[name].to_numpy(dtype=float) for name in ("efficiency", "electricity_change"))
    if not ((efficiency >= 0) & (efficiency <= 1)).all() or np.isnan(electricity).any():
        raise InputError(
            "pollution control: efficiency must be a share from 0 to 1 and electricity_change a number in every row; "
            "write 0 where no electricity is used."
        )
