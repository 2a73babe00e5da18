"""The uncertainty of an inventory from the stated uncertainties of its terms, by either approach of the guidelines.

Dimensions inside: g group (the total last), y year, s stream, x source.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, Protocol

import numpy as np
import pandas as pd
import xarray as xr

from carbonsim.accounting.uncertainty import monte_carlo
from carbonsim.accounting.uncertainty.cells import By, Scope, cells_of, groups_of
from carbonsim.accounting.uncertainty.linear import propagate_linear
from carbonsim.accounting.uncertainty.result import LARGE, Uncertainty
from carbonsim.accounting.uncertainty.sources import sources_of
from carbonsim.accounting.uncertainty.statements import TABLE, Statements, read_statements
from carbonsim.accounting.uncertainty.variables import (
    Problem,
    contribution_variables,
    coords,
    propagated_variables,
    sampled_variables,
    stated_variables,
)
from carbonsim.dims import exact
from carbonsim.errors import InputError, Issue, did_you_mean
from carbonsim.inputs.table_checks import Origin

Approach = Literal["approach_1", "monte_carlo"]
APPROACHES: Final = ("approach_1", "monte_carlo")


class HasTables(Protocol):
    """What a ledger has: checked tables, and where their rows came from."""

    @property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """Frames by the name of the table."""
        ...

    @property
    def origins(self) -> Mapping[str, Origin]:
        """Places by the name of the table."""
        ...


@exact
def propagate(
    inventory: xr.Dataset, uncertainty: pd.DataFrame | HasTables, *, approach: Approach = "approach_1",
    by: By = "enterprise", scope: Scope = "direct", defaults: pd.DataFrame | None = None,
    base_year: int | None = None, draws: int = 10_000, seed: int | np.random.Generator | None = None,
    chunk: int = 1_000, progress: monte_carlo.Progress | None = None,
) -> Uncertainty:  # fmt: skip
    r"""The uncertainty of the totals of an inventory, in level and trend.

    Parameters
    ----------
    inventory : Dataset
        As ``build_inventory`` returns it.
    uncertainty : DataFrame or Ledger
        The table of stated uncertainties, or the ledger that holds it as ``uncertainty``. Each row states half of the
        95 % interval, relative to the value, for a term (``quantity`` or one of ``inputs.terms``), wherever the
        factor, facility and stream are the stated ones; the most specific row wins (stream before facility before
        factor before term). A row with a factor and no facility or stream is about the value of the table and not
        about a value that a stream measured; for ``quantity`` it is about the streams of the factor.
    approach : str
        ``approach_1``: first-order error propagation; ``monte_carlo``: simulation (Approach 2).
    by : str
        ``enterprise``, ``sector``, ``facility``, ``stream`` or ``total``; the total is always reported as well.
    scope : str
        ``direct`` (scope 1), ``covered`` (inside the boundary of the market) or ``location_based`` (scope 2).
    defaults : DataFrame, optional
        Weaker statements in the same columns, such as published ones of the factor library; any row of
        ``uncertainty`` goes before, and a default that matches nothing is no error
        (:func:`carbonsim.inputs.factor_uncertainty.default_uncertainty` makes them). They are about values of tables
        (and quantities): what a stream measured stays unstated. Where ``uncertainty`` states the error of a shared
        value for some of its streams, that holds for the others too, and the default gives way.
    base_year : int, optional
        First year of the trend; by default that of the inventory.
    draws : int
        Monte Carlo only, at least 100.
    seed : int or Generator
        Monte Carlo only, and required there.
    chunk : int
        Draws computed at once. It bounds the memory and changes no result.
    progress : callable, optional
        Called with a name, the steps done and all steps.

    Returns
    -------
    Uncertainty

    Raises
    ------
    InputError
        All problems of the table at once: a statement that matches nothing, a distribution that cannot hold its half
        width, a share whose interval leaves its bounds, a divisor that comes near zero, a shared value with two
        statements that differ; nothing stated at all; an unknown option; a seed that is missing.
    CertificateError
        If the terms of the inventory do not multiply to its emissions.

    Notes
    -----
    A source is an independent relative error of mean 1. A value of a factor table is one source for every stream
    that uses it (unless ``shared`` is no), a value of the stream's own is a source of the stream, and the activity of
    a stream is drawn once for all its gases. Factors hold in all years unless ``years_correlated`` is no; quantities
    are drawn for each year unless it is yes; that includes the years a study projects.

    The months of a stream share the error of their quantity, which is that of one meter: a year in twelve rows is as
    uncertain as in one. Values that a stream measured by month are one source too, which is the error of one
    laboratory and method; with ``years_correlated`` no each month's analysis is drawn apart. Months that were read by
    meters of their own are streams of their own.

    Approach 1 enters each source with the standard deviation of its stated distribution and reports 1.96 of the
    combined ones on either side of the point, also where a distribution is skewed; the interval of Monte Carlo is
    between quantiles of the draws, and its half width half of that.

    The point estimate is the inventory's in every mode. Distributions have the point as their mean, and half of their
    95 % interval is as stated; a refusal never depends on the approach. Draws outside the bounds of a share, and the
    rare negative one of a normal distribution (at most one in a thousand), are kept, so that no mean is moved.
    Warming potentials are taken as exact.

    Contributions are shares of the first-order variance :math:`V_x = (\partial T / \partial x)^2 \sigma_x^2`, the same
    in both approaches. A total is linear in each factor and quantity alone, so that :math:`V_x` is also its exact
    first-order Sobol variance (up to divisors), without sampling noise; ``interaction_share`` is what is left
    of the sampled variance, :math:`1 - \sum_x V_x / \mathrm{Var}(T)`, which is within sampling error of zero where
    errors are small.

    References
    ----------
    source: ipcc-2006-v1, sections 3.2.3.1 and 3.2.3.2.
    """
    if approach not in APPROACHES:
        hint = did_you_mean(approach, APPROACHES)
        raise InputError(f"approach is '{approach}'. Known: {', '.join(APPROACHES)}. {hint}".strip())
    start = monte_carlo.seed_bytes(seed) if approach == "monte_carlo" else b""
    weaker = None if defaults is None or defaults.empty else read_statements(defaults, are_defaults=True)
    problem = _problem(inventory, _statements(uncertainty, weaker), weaker, by, scope, base_year)
    attrs: dict[str, Any] = {"approach": approach, "by": by, "scope": scope}
    if approach == "monte_carlo":
        samples = monte_carlo.sample(
            problem.cells, problem.uses, problem.groups, monte_carlo.Draws(problem.sources, start),
            count=draws, chunk=chunk, base=problem.base, last=problem.years - 1, progress=progress,
        )  # fmt: skip
        data = sampled_variables(problem, samples)
        attrs |= {"draws": draws, "seed": str(seed) if isinstance(seed, int | np.integer) else "generator"}
    else:
        data = propagated_variables(problem)
    data |= contribution_variables(problem) | stated_variables(problem, scope)
    years = inventory["year"].values
    attrs |= {
        "base_year": int(years[problem.base]),
        "last_year": int(years[-1]),
        "gwp_set": str(inventory.attrs.get("market_gwp_set" if scope == "covered" else "gwp_set", "")),
        "large_sources": int((problem.sources.standard_deviation() > LARGE).sum()),
    }
    return Uncertainty(xr.Dataset(data, coords=coords(problem), attrs=attrs))


def _statements(uncertainty: pd.DataFrame | HasTables, weaker: Statements | None) -> Statements:
    """The statements of a frame or a ledger; none at all is an error unless there are defaults."""
    if isinstance(uncertainty, pd.DataFrame):
        frame, origin = uncertainty, None
    else:
        frame, origin = uncertainty.tables.get(TABLE, pd.DataFrame()), uncertainty.origins.get(TABLE)
    if len(frame):
        return read_statements(frame, origin)
    if weaker is None:
        raise InputError(
            Issue(
                "uncertainty-none",
                origin.source if origin else TABLE,
                "states no uncertainty, so none can be propagated.",
                "未给出任何不确定度，无法传播。",
                "Add rows to the table 'uncertainty': term and half_width.",
                "请在 uncertainty 表中添加行：term 与 half_width。",
            )
        )
    return read_statements(pd.DataFrame({"term": [], "half_width": []}), origin)


def _problem(
    inventory: xr.Dataset, statements: Statements, weaker: Statements | None, by: str, scope: str,
    base_year: int | None,
) -> Problem:  # fmt: skip
    years = [int(year) for year in inventory["year"].values]
    if base_year is not None and base_year not in years:
        raise InputError(f"base_year {base_year} is not in the inventory, which runs from {years[0]} to {years[-1]}.")
    base = 0 if base_year is None else years.index(base_year)
    groups = groups_of(inventory, by, scope)
    cells = cells_of(inventory, groups, scope)
    uses, sources = sources_of(inventory, cells, statements, weaker)
    linear = propagate_linear(cells, uses, sources, groups, base=base, last=len(years) - 1)
    return Problem(inventory, groups, cells, uses, sources, linear, base)
