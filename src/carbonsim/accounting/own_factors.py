"""Which of a user's own factors decide emissions that carry an obligation."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import xarray as xr

from carbonsim.accounting.core import Bools
from carbonsim.inputs.factor_overlay import GUIDELINES
from carbonsim.inputs.factor_records import Factors, Overlaid

WARMING: Final = "gwp"
FUEL_TERMS: Final = ("net_calorific_value", "carbon_content", "oxidation")
# Columns that describe a row: no number hangs on them. "source" is no such column, see the notes below.
DESCRIBING: Final = frozenset({"name_zh", "name_en", "sector", "applies_to", "where", "confidence", "note"})


def overlaid_in_boundary(inventory: xr.Dataset, factors: Factors, *, guidelines_only: bool = False) -> list[str]:
    """Entries of the factor tables that a user replaced or added and that decide covered emissions.

    Parameters
    ----------
    inventory : Dataset
        As ``build_inventory`` makes it with ``factors``.
    factors : Factors
        With the record of what was laid over the packaged tables (``overlaid``).
    guidelines_only : bool
        Leave out what is of no guideline's table set: general factors, grid factors, warming potentials.

    Returns
    -------
    list of str
        Addresses such as ``cets2024_dolomite/emission_factor`` or ``cets_steel_2024:coke/carbon_content``, and
        ``gwp:CF4`` for a warming potential, each once, sorted. Empty where the covered emissions are those of the
        packaged factors.

    Notes
    -----
    An entry counts if a formula with a covered gas reads it in a year in which its stream is inside the boundary and
    has an activity. An own value that equals the packaged one counts if it came with a row of its own: the number is
    then the user's.
    """
    records = [record for record in factors.overlaid if record.column not in DESCRIBING]
    if not records:
        return []
    entries = inventory["shared"].values.astype(str)
    factor = inventory["shared_factor"].values.astype(str)
    read = _read_inside(inventory)
    chosen = np.zeros(len(entries), dtype=bool)
    for record in records:
        if record.table in (WARMING, "pollutants", "uncertainties") or not _counts(record, factors, guidelines_only):
            continue
        if record.column in FUEL_TERMS:
            chosen |= entries == f"{record.key}/{record.column}"
        else:
            chosen |= (factor == record.key) | (entries == record.key)
    found = set(entries[chosen & read].tolist())
    return sorted(found if guidelines_only else found | _warming(inventory, records))


def _counts(record: Overlaid, factors: Factors, guidelines_only: bool) -> bool:
    if not guidelines_only:
        return True
    if record.table == "fuels":
        return record.key.startswith(GUIDELINES)
    if record.table != "process":
        return False
    sets = factors.process.loc[factors.process["factor"] == record.key, "table_set"]
    return bool(sets.str.startswith(GUIDELINES).any())


def _inside(inventory: xr.Dataset) -> Bools:
    """Components and years (component, year) that count towards covered emissions."""
    covered = inventory["stream_covered"].transpose("stream", "year").values
    active = inventory["activity"].transpose("stream", "year").values != 0
    of_stream = (covered & active)[inventory["component_place"].values]
    return np.asarray(of_stream & inventory["component_covered"].values[:, None], dtype=bool)


def _read_inside(inventory: xr.Dataset) -> Bools:
    """Entries (shared) that a covered component reads in any year."""
    key = inventory["term_key"].transpose("component", "year", "term").values[_inside(inventory)]
    read = np.zeros(inventory.sizes["shared"], dtype=bool)
    read[key[key >= 0]] = True
    return read


def _warming(inventory: xr.Dataset, records: list[Overlaid]) -> set[str]:
    """Warming potentials of covered gases that are the user's, in a set that the market's total takes."""
    gases = set(inventory["component_gas"].values[_inside(inventory).any(axis=1)].tolist())
    used = set(re.findall(r"\w+", str(inventory.attrs["market_gwp_set"])))
    return {
        f"{WARMING}:{record.key}"
        for record in records
        if record.table == WARMING and record.key in gases and (record.is_added or record.column in used)
    }
