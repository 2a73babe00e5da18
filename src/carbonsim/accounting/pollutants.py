"""Air pollutants of facilities whose process has a factor with a source; where none has, there is no number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from carbonsim.accounting.core import Bools, Labels
from carbonsim.accounting.streams import Floats, Index, Rows, Sites
from carbonsim.dims import POLLUTANTS
from carbonsim.units import conversion_factor


@dataclass(frozen=True, slots=True)
class PollutantTotals:
    """Pollutants of each enterprise.

    ``emissions`` (enterprise, pollutant, year) [t] holds where ``available`` (enterprise, pollutant) does and is 0
    elsewhere; ``factor_id`` (facility, pollutant) names the factor or is ``""``; ``unmatched`` are facilities that
    give a control efficiency although no factor of theirs is known.
    """

    emissions: Floats
    available: Bools
    factor_id: Labels
    unmatched: tuple[str, ...]


def pollutant_totals(
    sites: Sites, rows: Rows, table: pd.DataFrame, *, output: tuple[Index, Index, Floats]
) -> PollutantTotals:
    r"""Pollutants of all enterprises from the output of their facilities.

    Parameters
    ----------
    sites, rows
        Enterprises, facilities and activity rows.
    table : DataFrame
        Factors [kg per unit of output] by process and, where given, sector and a word of the product.
    output : tuple of (row, facility, activity (s, y))
        The output streams, activity in the facility's output unit.

    Returns
    -------
    PollutantTotals

    Notes
    -----
    :math:`E = Q \cdot EF \cdot (1 - c)` with the control efficiency :math:`c` of the output row, which is what is
    removed beyond the control state that the factor already describes.
    """
    row, facility, amount = output
    per_unit, factor_id = _facility_factors(sites, table)
    known = factor_id != ""
    control = np.nan_to_num(rows.control[row])
    tonnes = amount[:, None, :] * (per_unit[facility] * (1 - control))[:, :, None]
    emissions = np.zeros((len(sites.enterprise), len(POLLUTANTS), amount.shape[1]))
    np.add.at(emissions, sites.owner[facility], tonnes)
    available = np.zeros(emissions.shape[:2], dtype=bool)
    np.logical_or.at(available, sites.owner[facility], known[facility])
    controlled = np.flatnonzero(((rows.control > 0) & ~known[rows.facility]).any(axis=1))
    unmatched = sorted(set(sites.facility[rows.facility[controlled]].tolist()))
    return PollutantTotals(emissions, available, factor_id, tuple(unmatched))


def _facility_factors(sites: Sites, table: pd.DataFrame) -> tuple[Floats, Labels]:
    """Factor [t per output unit] and its id for each facility and pollutant."""
    count = len(sites.facility)
    per_unit = np.zeros((count, len(POLLUTANTS)))
    factor_id = np.full((count, len(POLLUTANTS)), "", dtype="U64")
    sector, process = sites.sector(), sites.facility_text["process"]
    product, unit = np.char.lower(sites.facility_text["product"]), sites.facility_text["output_unit"]
    for row in table[table["use"] == "default"].itertuples():
        chosen = (process == row.process) & ((sector == row.sector) | (row.sector == ""))
        if row.product:
            chosen &= np.char.find(product, str(row.product).lower()) >= 0
        column = POLLUTANTS.index(str(row.pollutant))
        for name in np.unique(unit[chosen]):
            same = chosen & (unit == name)
            numerator, _, denominator = str(row.unit).partition("/")
            scale = conversion_factor(numerator, "t") * conversion_factor(str(name), denominator)
            per_unit[same, column] = float(row.value) * scale  # type: ignore[arg-type]
            factor_id[same, column] = str(row.factor)
    return per_unit, factor_id
