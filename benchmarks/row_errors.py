"""The rivals of the uncertainty engine: the same sources of error, row by row, as one would write them by hand.

A row is its point emissions times one error for its quantity, common to the months of its stream, and one for each
stated term of its factor: shared by every row that takes the value from the tables, and common to the months of a
stream that measures it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from benchmarks.ledgers import UNCERTAINTIES
from benchmarks.registry import DisagreementError
from carbonsim.inputs.ledger import Ledger

Floats = NDArray[np.float64]
Key = tuple[str, ...]
HALF_WIDTH: Final = {term: half_width for term, _, half_width, _ in UNCERTAINTIES}
Z: Final = 1.959963984540054  # standard normal quantile at 0.975: half of the 95 % interval in standard deviations
TOTAL: Final = "total"


@dataclass(frozen=True, slots=True)
class Row:
    """A direct source row: its enterprise, its emissions [tCO2e], and the errors of its terms, keyed by term first."""

    enterprise: str
    point: float
    errors: tuple[Key, ...]


def rows_of(ledger: Ledger, inventory: xr.Dataset) -> list[Row]:
    """The direct rows of a ledger with their emissions, in the order of the ledger.

    Raises
    ------
    DisagreementError
        If the streams of the inventory are not the rows of the ledger.
    """
    activity = ledger.tables["activity"]
    own = {name: activity[name].notna().tolist() for name in ("net_calorific_value", "carbon_content")}
    streams = [inventory[name].values.tolist() for name in ("stream_facility", "stream_name", "stream_month")]
    of_label = {label: place for place, label in enumerate(zip(*streams, strict=True))}
    owner = inventory["stream_enterprise"].values.tolist()
    tonnes = inventory["stream_emissions_co2e"].isel(year=0).values.tolist()
    scope = inventory["stream_scope"].values.tolist()
    names = [activity[name].tolist() for name in ("facility", "stream", "method", "factor")]
    months = activity["month"].fillna(0).astype(int).tolist()
    rows = []
    for number, (site, stream, method, factor, month) in enumerate(zip(*names, months, strict=True)):
        place = of_label.pop((site, stream, month), None)
        if place is None:
            raise DisagreementError(f"row {number} of the ledger is no stream of the inventory.")
        if scope[place] != 1:
            continue
        terms = ("net_calorific_value", "carbon_content") if method == "combustion" else ("emission_factor",)
        errors = [(term, site, stream) if term in own and own[term][number] else (term, factor) for term in terms]
        rows.append(Row(owner[place], tonnes[place], (("quantity", site, stream), *errors)))
    if of_label:
        raise DisagreementError(f"{len(of_label)} streams of the inventory are no rows of the ledger.")
    return rows


def half_widths(rows: list[Row]) -> dict[str, float]:
    """Half of the 95 % interval of every enterprise and of the total [tCO2e], by first-order propagation.

    The effects of an error on the rows of an enterprise add up before they are squared.
    """
    effects: dict[str, dict[Key, float]] = defaultdict(lambda: defaultdict(float))
    for row in rows:
        of_enterprise, of_total = effects[row.enterprise], effects[TOTAL]
        for key in row.errors:
            effect = row.point * HALF_WIDTH[key[0]]
            of_enterprise[key] += effect
            of_total[key] += effect
    return {name: math.sqrt(sum(effect**2 for effect in by_key.values())) for name, by_key in effects.items()}


def draw_by_row(rows: list[Row], draws: int, rng: np.random.Generator) -> dict[str, Floats]:
    """Draws of every enterprise and of the total [tCO2e], one row after the other."""
    drawn: dict[Key, Floats] = {}
    sums: dict[str, Floats] = defaultdict(lambda: np.zeros(draws))
    for row in rows:
        product = np.full(draws, row.point)
        for key in row.errors:
            if key not in drawn:
                drawn[key] = rng.normal(1.0, HALF_WIDTH[key[0]] / Z, draws)
            product *= drawn[key]
        sums[row.enterprise] += product
    return {**sums, TOTAL: np.sum(list(sums.values()), axis=0)}


def draw_at_once(rows: list[Row], draws: int, rng: np.random.Generator) -> dict[str, Floats]:
    """The same with one matrix of rows by draws: no loop over rows, and memory in proportion to them."""
    keys = list(dict.fromkeys(key for row in rows for key in row.errors))
    place = {key: number for number, key in enumerate(keys)}
    deviation = np.array([HALF_WIDTH[key[0]] / Z for key in keys])
    errors = rng.normal(1.0, deviation[:, None], (len(keys), draws))
    product = np.repeat(np.array([row.point for row in rows])[:, None], draws, axis=1)
    for turn in range(max(len(row.errors) for row in rows)):
        some = np.array([number for number, row in enumerate(rows) if len(row.errors) > turn])
        product[some] *= errors[[place[rows[number].errors[turn]] for number in some.tolist()]]
    names = list(dict.fromkeys(row.enterprise for row in rows))
    of_name = {name: number for number, name in enumerate(names)}
    owner = np.array([of_name[row.enterprise] for row in rows])
    order = np.argsort(owner, kind="stable")
    starts = np.searchsorted(owner[order], np.arange(len(names)))
    sums = np.add.reduceat(product[order], starts, axis=0)
    return {**dict(zip(names, sums, strict=True)), TOTAL: sums.sum(axis=0)}
