"""From the rooms to the market: inventory, options, coverage and allocations become one `MarketProblem`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from carbonsim.allocation import Allocation, allocate
from carbonsim.errors import InputError, ScenarioError, did_you_mean, shorten
from carbonsim.inputs.scenario import Scenario
from carbonsim.market import Market, MarketProblem, Options, ResponseTerm, clear
from carbonsim.market.clear import Engine
from carbonsim.market.concept import Concept, concepts, name_of
from carbonsim.market.supply import Instrument, MarketSetting, instruments
from carbonsim.study.adoption import add_up, rows_of

Array = np.ndarray
SCOPES = ("national", "local", "price")


@dataclass(frozen=True, slots=True, eq=False)
class Assembly:
    """A market problem and how its rows relate to the rooms it was made from.

    ``enterprise`` are the rows; ``auctioned`` is the yearly auction volume;
    ``part`` the share of the national quantities (opening bank, offset credits, reserve) that the market has,
    ``concept`` the one that rules on last year's emissions ask for.
    """

    problem: MarketProblem
    enterprise: Array
    share: Array
    allocations: Mapping[tuple[str, int], Allocation]
    auctioned: Array
    part: float
    concept: Concept | None = None  # how the market clears where a rule of the study needs more than an engine
    scenario: str = ""

    def clear(self, engine: Engine = "auto") -> Market:
        """The market's answer with its certificate; engines and errors as ``carbonsim.clear``."""
        return clear(self.problem, engine, concept=self.concept)

    def __repr__(self) -> str:
        """Scenario, concept and the problem as mathematics."""
        concept = f", concept {name_of(self.concept)}" if self.concept is not None else ""
        return f"Market of scenario {self.scenario}{concept}\n{self.problem!r}"


def assemble(
    scenario: Scenario,
    inventory: xr.Dataset,
    options: xr.Dataset,
    share: xr.DataArray,
    *,
    known: Mapping[tuple[str, int], Allocation] | None = None,
) -> Assembly:
    """The market of a scenario as arrays.

    Parameters
    ----------
    scenario : Scenario
    inventory, options : Dataset
        From the accounting and measures rooms.
    share : DataArray [1] (enterprise, year)
        Obligation share, 0..1.
    known : mapping, optional
        Allocations of the same scenario and inventory; one is taken over where the same enterprises are covered.

    Returns
    -------
    Assembly
        Rows are the enterprises of the market's scope: local ones alone (``local``), or with the sector blocks of
        the rest of the country (``national`` and ``price``, where the blocks set the balance values).

    Raises
    ------
    InputError
        If the scope or an instrument is unknown, or a covered sector has no allocation rule.
    """
    scope = scenario.market.scope
    if scope not in SCOPES:
        raise ScenarioError(f"market.scope is '{scope}'. Known: {', '.join(SCOPES)}. {did_you_mean(scope, SCOPES)}")
    kinds = inventory["kind"].values.astype(str)
    rows = inventory["enterprise"].values.astype(str)
    rows = rows[kinds == "enterprise"] if scope == "local" else rows
    taken = share.sel(enterprise=rows).transpose("enterprise", "year").values
    allocations = _allocations(scenario, inventory, rows, taken, known or {})
    builder = _Builder(scenario, inventory, options, rows, taken, part=_part(scenario, inventory, share))
    for (_, year), allocation in sorted(allocations.items()):
        builder.add(allocation, year)
    return builder.finish(allocations)


def _allocations(
    scenario: Scenario,
    inventory: xr.Dataset,
    rows: Array,
    share: Array,
    known: Mapping[tuple[str, int], Allocation],
) -> dict[tuple[str, int], Allocation]:
    """Allocation of every sector and year in which an enterprise of it is covered."""
    sector = inventory["sector"].sel(enterprise=rows).values.astype(str)
    found: dict[tuple[str, int], Allocation] = {}
    for column, year in enumerate(scenario.years):
        for name in np.unique(sector[share[:, column] > 0]):
            if scenario.rule(str(name), year) is None:
                raise ScenarioError(
                    f"{scenario.name}: sector '{name}' is covered in {year} but has no allocation rule then. "
                    f"Give allocation.{name}.{year}, or a later coverage.{name}.entry_year."
                )
            covered = rows[(sector == name) & (share[:, column] > 0)]
            before = known.get((str(name), year))
            if before is not None and set(before.enterprise) == set(covered.tolist()):
                found[str(name), year] = before
            else:
                found[str(name), year] = allocate(scenario, inventory, year, str(name), [str(row) for row in covered])
    return found


def _part(scenario: Scenario, inventory: xr.Dataset, share: xr.DataArray) -> float:
    """Share of the country's first-year obligations that a city pilot has; 1 for any other market.

    Quantities of the national market (opening bank, offset credits, reserve) are cut down to it.
    """
    if scenario.market.scope != "local" or not (inventory["kind"] == "block").any():
        return 1.0
    owner = inventory["facility_enterprise"].values.astype(str)
    first = inventory["covered_emissions"].isel(year=0).values * share.isel(year=0).sel(enterprise=owner).values
    local = inventory["kind"].sel(enterprise=owner).values == "enterprise"
    return float(first[local].sum() / first.sum()) if first.sum() > 0 else 1.0


class _Builder:
    """Collects affine coefficients and response terms of all sectors and years, then makes the problem."""

    def __init__(
        self, scenario: Scenario, inventory: xr.Dataset, options: xr.Dataset, rows: Array, share: Array, *, part: float
    ) -> None:
        self.scenario = scenario
        self.years = scenario.years
        self.rows = rows
        self.part = part
        self.share = share
        owner = rows_of(options["option_enterprise"], rows)
        potential = options["potential"].transpose("option", "year").values
        chosen = np.flatnonzero((owner >= 0) & (potential > 0).any(axis=1))
        self.owner = owner[chosen]
        self.options = options.isel(option=chosen)
        self.facility = self.options["option_facility"].values.astype(str)
        facility_row = rows_of(inventory["facility_enterprise"], rows)
        covered = inventory["covered_emissions"].transpose("facility", "year").values
        inside = facility_row >= 0
        self.baseline = add_up(covered[inside], facility_row[inside], len(rows))
        self.fixed = np.zeros_like(self.baseline)
        self.per_emission = np.zeros_like(self.baseline)
        self.auctioned = np.zeros(len(self.years))
        self.terms: list[ResponseTerm] = []
        self.lagged = np.zeros_like(self.baseline)  # allowances for a tonne of the year before
        self.previous = np.zeros(len(rows))
        self.position = {str(name): place for place, name in enumerate(rows)}

    def add(self, allocation: Allocation, year: int) -> None:
        """One sector's allocation in one year."""
        column = self.years.index(year)
        owners = np.array([self.position[name] for name in allocation.enterprise], dtype=int)
        self.auctioned[column] += float((self.share[owners, column] * allocation.auctioned).sum())
        if allocation.kind == "best_response":
            self._add_units(allocation, year, column, owners)
            return
        if np.any(allocation.per_previous_emission != 0):
            self._add_lagged(allocation, column, owners)
            return
        np.add.at(self.fixed[:, column], owners, allocation.fixed + allocation.per_output * allocation.output)
        for owner in np.unique(owners):
            rates = np.unique(allocation.per_emission[owners == owner])
            if len(rates) > 1:
                raise InputError(
                    f"rule {allocation.rule} gives facilities of {self.rows[owner]} different shares of their own "
                    f"emissions ({shorten(rates.tolist())}); such a rule must return best-response units."
                )
            self.per_emission[owner, column] = rates[0]

    def _add_lagged(self, allocation: Allocation, column: int, owners: Array) -> None:
        """A rule on last year's emissions: its share goes to the concept, which follows realised emissions."""
        for owner in np.unique(owners):
            mine = owners == owner
            rates = np.unique(np.round(allocation.per_previous_emission[mine & (allocation.amount_unrounded > 0)], 12))
            whole = float(allocation.emissions[mine].sum())
            if len(rates) > 1 or abs(whole - self.baseline[owner, column]) > 1e-6 * max(whole, 1.0):
                raise InputError(
                    f"rule {allocation.rule} follows last year's emissions, but the facilities of {self.rows[owner]} "
                    f"do not share one rate ({shorten(rates.tolist())}) over all of its covered emissions. "
                    f"Give its sector a rule that does not update, as grandfathering or own_historical_intensity."
                )
            if len(rates):
                self.lagged[owner, column] = rates[0]
                if column == 0:
                    self.previous[owner] = float(allocation.amount_unrounded[mine].sum()) / rates[0]

    def _concept(self) -> Concept | None:
        names = [str(self.rows[owner]) for owner in np.flatnonzero(self.lagged.any(axis=1))]
        if not names:
            return None
        at = [self.position[name] for name in names]
        lagged: Callable[..., Concept] = concepts.get("lagged_allocation").target
        return lagged(
            share={name: self.lagged[row].tolist() for name, row in zip(names, at, strict=True)},
            previous={name: float(self.previous[row]) for name, row in zip(names, at, strict=True)},
        )

    def _add_units(self, allocation: Allocation, year: int, column: int, owners: Array) -> None:
        self.baseline[np.unique(owners), column] = 0.0
        for unit in allocation.units:
            key = set(unit.key_facilities)
            members = [place for place, name in enumerate(self.facility) if name in unit.facilities]
            available = [place for place in members if self.options["potential"].values[place, column] > 0]
            self.terms.append(
                ResponseTerm(
                    enterprise=self.position[unit.enterprise],
                    year=year,
                    key=unit.key_emissions,
                    other=unit.other_emissions,
                    rule=unit.rule,
                    key_options=tuple(place for place in available if self.facility[place] in key),
                    other_options=tuple(place for place in available if self.facility[place] not in key),
                    balance_group=unit.balance_group,
                )
            )

    def finish(self, allocations: Mapping[tuple[str, int], Allocation]) -> Assembly:
        """The problem with its instruments."""
        scenario, parameters, years = self.scenario, self.scenario.parameters, self.years
        given = None
        if scenario.market.scope == "price":
            given = parameters.series("market.given_price", years)
        made = self._instruments(price_is_given=given is not None)
        has_floor = any(step is not None and step.kind == "floor" for step in (i.supply_step(len(years)) for i in made))
        problem = MarketProblem(
            enterprise=tuple(str(name) for name in self.rows),
            year=years,
            baseline=self.baseline,
            share=self.share,
            fixed=self.fixed,
            per_emission=self.per_emission,
            options=Options(
                label=tuple(str(name) for name in self.options["option"].values),
                enterprise=self.owner,
                **{
                    name: self.options[name].transpose("option", "year").values
                    for name in ("potential", "unit_cost", "slope")
                },
            ),
            supply=np.zeros(len(years)) if has_floor else self.auctioned,
            interest=parameters.value("market.interest_rate", years[0]),
            opening_bank=self.part * parameters.value("market.opening_bank", years[0]),
            responses=tuple(self.terms),
            instruments=made,
            given_price=given,
        )
        return Assembly(
            problem, self.rows, self.share, allocations, self.auctioned, self.part, self._concept(), scenario.name
        )

    def _instruments(self, *, price_is_given: bool) -> tuple[Instrument, ...]:
        """What the study's instruments mean here; at a given price nothing clears, so only offsets have an effect."""
        covered = self.share * self.baseline
        for term in self.terms:
            row, column = term.enterprise, self.years.index(term.year)
            covered[row, column] += self.share[row, column] * (term.key + term.other)
        potential = self.options["potential"].transpose("option", "year").values
        most_abated = (self.share[self.owner] * potential).sum(axis=0)
        most = covered.sum(axis=0)
        setting = MarketSetting(self.years, self.auctioned, np.maximum(most - most_abated, 0.0), most, self.part)
        return tuple(
            made
            for name in self.scenario.market.instruments
            if not price_is_given or instruments.get(name).declares.get("at_given_price", False)
            for made in instruments.get(name).target.from_parameters(self.scenario.parameters, setting)
        )
