"""The variables of the result: levels, trends, contributions, and what is not stated.

Dimensions inside: g group (the total last), y year, s stream, x source.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from carbonsim.accounting.uncertainty.cells import TOTAL, Cells, Floats, Groups, Index, Labels, stream_tonnes
from carbonsim.accounting.uncertainty.distributions import Z
from carbonsim.accounting.uncertainty.linear import Linear, contributions, norm, sensitivities
from carbonsim.accounting.uncertainty.monte_carlo import Samples
from carbonsim.accounting.uncertainty.sources import Sources, Uses
from carbonsim.accounting.uncertainty.statements import QUANTITY

Variables = dict[str, Any]
STATED: Final = ("none", "partly", "all", "no emissions")


@dataclass(frozen=True, slots=True)
class Problem:
    """An inventory as both approaches see it; ``base`` is the place of the trend's first year."""

    inventory: xr.Dataset
    groups: Groups
    cells: Cells
    uses: Uses
    sources: Sources
    linear: Linear
    base: int

    @property
    def years(self) -> int:
        """Number of years."""
        return int(self.groups.point.shape[1])

    def with_total(self, groups: Floats) -> Floats:
        """Values of the groups (g, y), and their sum as a last row where one group is not the total already."""
        return np.vstack([groups, groups.sum(axis=0)[None, :]])

    def point(self) -> Floats:
        """Deterministic totals with that of the inventory as the last row (g, y) [tCO2e]."""
        return np.vstack([self.groups.point, self.groups.total[None, :]])

    def shown(self) -> Index:
        """Rows of the groups that are reported: where the only group is the total, it is reported once."""
        count = len(self.groups.label)
        return np.array([count]) if self.groups.label.tolist() == [TOTAL] else np.arange(count + 1)


def coords(problem: Problem) -> Variables:
    """Labels of the groups, years, streams and sources."""
    inventory, sources = problem.inventory, problem.sources
    shape = sources.shape
    label = np.append(problem.groups.label.astype(object), TOTAL).astype(str)
    return {
        "group": ("group", label[problem.shown()]),
        "year": ("year", inventory["year"].values),
        "stream": ("stream", inventory["stream"].values[_streams(problem)].astype(str)),
        "source": ("source", sources.label),
        "source_term": ("source", sources.term),
        "source_kind": ("source", sources.kind),
        "source_half_width": ("source", np.array([one.half_width for one in shape], dtype=float)),
        "source_distribution": ("source", np.array([one.distribution for one in shape], dtype=str)),
    }


def _ratio(part: Floats, whole: Floats) -> Floats:
    """Part over the size of the whole; NaN where that is zero."""
    size = np.abs(whole)
    return np.asarray(np.divide(part, size, out=np.full(np.shape(part), np.nan), where=size > 0), dtype=float)


def propagated_variables(problem: Problem) -> Variables:
    """Intervals of Approach 1: the point and 1.96 standard deviations on either side."""
    point, deviation = problem.point(), problem.linear.level(problem.years)
    half = Z * deviation
    variables = _levels(problem, point, half, point - half, point + half, deviation)
    if problem.years == 1:
        return variables
    base = point[:, problem.base]
    change, change_half = point[:, -1] - base, Z * norm(problem.linear.change)
    trend, trend_half = _ratio(change, base), np.where(base != 0, Z * norm(problem.linear.ratio), np.nan)
    return {
        **variables,
        **_trends(problem, "change", change, change_half, change - change_half, change + change_half),
        **_trends(problem, "trend", trend, trend_half, trend - trend_half, trend + trend_half),
    }


def sampled_variables(problem: Problem, samples: Samples) -> Variables:
    """Intervals of the Monte Carlo: quantiles of the draws, beside the deterministic point."""
    point, shown = problem.point(), problem.shown()
    variables = _levels(problem, point, (samples.high - samples.low) / 2, samples.low, samples.high, samples.deviation)
    first_order = problem.linear.level(problem.years) ** 2
    drawn = samples.deviation**2
    explained = np.divide(first_order, drawn, out=np.ones_like(drawn), where=drawn > 0)
    dims = ("group", "year")
    variables |= {
        "sample_mean": (dims, samples.mean[shown], {"units": "tCO2e"}),
        "sample_median": (dims, samples.middle[shown], {"units": "tCO2e"}),
        "interaction_share": (dims, (1 - explained)[shown], {"units": "1"}),
    }
    if problem.years == 1:
        return variables
    base = point[:, problem.base]
    change = point[:, -1] - base
    for name, value, spread in (
        ("change", change, samples.change),
        ("trend", _ratio(change, base), samples.ratio),
    ):
        _, low, _, high = spread.T
        variables |= _trends(problem, name, value, (high - low) / 2, low, high)
    return variables


def _levels(problem: Problem, point: Floats, half: Floats, low: Floats, high: Floats, deviation: Floats) -> Variables:
    tonnes = {"emissions_co2e": point, "half_width": half, "low": low, "high": high, "standard_deviation": deviation}
    dims, shown = ("group", "year"), problem.shown()
    return {
        **{name: (dims, values[shown], {"units": "tCO2e"}) for name, values in tonnes.items()},
        "relative_half_width": (dims, _ratio(half, point)[shown], {"units": "1"}),
    }


def _trends(problem: Problem, name: str, value: Floats, half: Floats, low: Floats, high: Floats) -> Variables:
    unit, shown = {"units": "tCO2e" if name == "change" else "1"}, problem.shown()
    parts = {name: value, f"{name}_half_width": half, f"{name}_low": low, f"{name}_high": high}
    return {key: ("group", part[shown], unit) for key, part in parts.items()}


def contribution_variables(problem: Problem) -> Variables:
    """Shares of the first-order variance by group, year and source, the largest of each group first."""
    years = problem.inventory["year"].values
    skipped = int(problem.shown()[0])
    row, source, share = contributions(problem.linear.effect)
    kept = row >= skipped * problem.years
    row, source, share = row[kept] - skipped * problem.years, source[kept], share[kept]
    variables: Variables = {
        "contribution": ("entry", share, {"units": "1"}),
        "entry_group": ("entry", row // problem.years),
        "entry_year": ("entry", years[row % problem.years]),
        "entry_source": ("entry", source),
    }
    if problem.years == 1:
        return variables
    row, source, share = contributions(problem.linear.ratio)
    kept = row >= skipped
    return variables | {
        "trend_contribution": ("trend_entry", share[kept], {"units": "1"}),
        "trend_entry_group": ("trend_entry", row[kept] - skipped),
        "trend_entry_source": ("trend_entry", source[kept]),
    }


def _streams(problem: Problem) -> Index:
    """Places of the streams that emit in the scope in any year."""
    return np.flatnonzero(np.bincount(problem.cells.stream, minlength=problem.inventory.sizes["stream"]))


def stated_variables(problem: Problem, scope: str) -> Variables:
    """What of each stream is stated, the tonnes without a statement, and the sensitivities of the trend by stream."""
    places = _streams(problem)
    tonnes = stream_tonnes(problem.inventory, scope)
    uses, cells = problem.uses, problem.cells
    names = np.array([*problem.inventory["term"].values.astype(str).tolist(), QUANTITY])
    at = (cells.stream[uses.cell], cells.year[uses.cell])
    missing, stated = np.zeros(tonnes.shape, dtype=np.intp), np.zeros(tonnes.shape, dtype=np.intp)
    np.add.at(stated, at, (uses.source >= 0).astype(np.intp))
    np.add.at(missing, at, (uses.source < 0).astype(np.intp))
    state = np.select([stated + missing == 0, stated == 0, missing > 0], [3, 0, 1], 2)
    size = np.abs(tonnes)
    gross = size.sum(axis=0)
    share = np.divide(size, gross, out=np.zeros_like(size), where=gross > 0)
    by_year = ("stream", "year")
    variables: Variables = {
        "stream_emissions": (by_year, tonnes[places], {"units": "tCO2e"}),
        "stream_share": (by_year, share[places], {"units": "1"}),
        "stated": (by_year, np.array(STATED)[state][places]),
        "missing": (by_year, _missing(problem, names)[places]),
        "unstated_share": (("group", "year"), _share_of_groups(problem, size, state == 0), {"units": "1"}),
        "partly_stated_share": (("group", "year"), _share_of_groups(problem, size, state == 1), {"units": "1"}),
    }
    if problem.years > 1 and tonnes[:, problem.base].sum() != 0:
        type_a, type_b = sensitivities(tonnes[places, problem.base], tonnes[places, -1])
        variables["type_a"] = ("stream", type_a, {"units": "percentage points of the trend per per cent"})
        variables["type_b"] = ("stream", type_b, {"units": "percentage points of the trend per per cent"})
    return variables


def _share_of_groups(problem: Problem, size: Floats, chosen: np.ndarray) -> Floats:
    """Share of the absolute emissions of each group in the chosen streams (g, y); 0 where a group emits nothing."""
    of_stream = problem.groups.of_stream
    inside = of_stream >= 0
    part = np.zeros_like(problem.groups.point)
    whole = np.zeros_like(part)
    np.add.at(part, of_stream[inside], np.where(chosen, size, 0.0)[inside])
    np.add.at(whole, of_stream[inside], size[inside])
    part, whole = problem.with_total(part), problem.with_total(whole)
    share = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return np.asarray(share[problem.shown()])


def _missing(problem: Problem, names: Labels) -> np.ndarray:
    """Names of the terms of each stream and year that no statement concerns (s, y)."""
    uses, cells = problem.uses, problem.cells
    silent = np.flatnonzero(uses.source < 0)
    order = np.argsort(names)
    rank = np.empty(len(names), dtype=np.int64)
    rank[order] = np.arange(len(names))
    where = cells.stream[uses.cell[silent]] * problem.years + cells.year[uses.cell[silent]]
    # One bit a term, of which there are fewer than 63: a set of terms is put into words once, however many streams.
    lacking = np.zeros(problem.inventory.sizes["stream"] * problem.years, dtype=np.int64)
    np.bitwise_or.at(lacking, where, np.int64(1) << rank[uses.term[silent]])
    place, sets = pd.factorize(lacking)
    text = [", ".join(names[order[bit]] for bit in range(len(names)) if one >> bit & 1) for one in sets.tolist()]
    return np.array(text, dtype=str)[place].reshape(-1, problem.years)
