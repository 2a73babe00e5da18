"""Allocate one sector in one year: from a scenario and its inventory to the rule and back."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping

import numpy as np
import xarray as xr

from carbonsim.allocation.assemble import straight_line
from carbonsim.allocation.auction_share import with_auction_share
from carbonsim.allocation.core import Allocation, AllocationInput, AllocationRule, Array, allocation_rules
from carbonsim.dims import align, check_no_nan, check_unit, exact
from carbonsim.errors import AlignmentError, InputError, ScenarioError, did_you_mean, shorten
from carbonsim.inputs.scenario import RuleChoice, Scenario
from carbonsim.registry import Entry

AUCTION_SHARE = "allocation.auction_share"


@exact
def allocate(
    scenario: Scenario,
    inventory: xr.Dataset,
    year: int,
    sector: str,
    covered_enterprises: Collection[str] | Mapping[str, float],
) -> Allocation:
    """Free allocation of a sector's covered enterprises in a year under the scenario's rule.

    Parameters
    ----------
    scenario : Scenario
        Gives the rule, its options, the parameters and the facilities' cooling and special cases.
    inventory : Dataset (facility, enterprise, year)
        From the accounting room; covered emissions before abatement.
    year : int
        Compliance year.
    sector : str
        Sector of the facilities that are allocated to.
    covered_enterprises : collection of str, or mapping of str to float
        Enterprises with an obligation, national blocks among them; of a mapping to obligation shares those above 0.
        Enterprises without facilities of the sector are ignored. The allocation is before the obligation share.

    Returns
    -------
    Allocation
        Over the sector's facilities of the covered enterprises, in the inventory's order, after the auction share
        of the sector where ``allocation.auction_share`` has one. Empty if nothing is covered.

    Raises
    ------
    ScenarioError
        If the scenario has no rule for the sector and year, or an option the rule does not know.
    InputError
        If the rule is used outside its years, or as the rule raises.
    AlignmentError
        If an enterprise, the year or a number is not in the inventory.
    """
    covered = _covered(inventory, covered_enterprises)
    choice = scenario.rule(sector, year)
    if choice is None:
        raise ScenarioError(
            f"allocation.{sector} has no rule in {year}. "
            f"Add one in the scenario, as allocation: {{{sector}: {{{year}: {{rule: verified_emissions}}}}}}."
        )
    entry = allocation_rules.get(choice.rule)
    check_years(entry, sector, year)
    check_options(entry, choice)
    data = allocation_input(scenario, inventory, year, sector, covered)
    if not data.facility:
        return straight_line(choice.rule, data)
    allocation = entry.target(data, scenario.parameters, **choice.options)
    share = auction_share(scenario, sector, year)
    return with_auction_share(allocation, share) if share > 0 else allocation


def check_years(entry: Entry[AllocationRule], sector: str, year: int) -> None:
    """Raise InputError if a rule is used before its first or after its last compliance year."""
    first, last = entry.declares.get("first_year"), entry.declares.get("last_year")
    if (first is None or year >= first) and (last is None or year <= last):
        return
    span = f"{first or 'the start'} to {last or 'the end'}"
    raise InputError(
        f"allocation.{sector}: rule '{entry.name}' applies from {span}, used for {year}. "
        f"Give {sector} another rule from its first year outside on."
    )


def check_options(entry: Entry[AllocationRule], choice: RuleChoice) -> None:
    """Raise ScenarioError if a scenario gives a rule an option that it does not take."""
    taken = inspect.signature(entry.target).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in taken):
        return
    known = [parameter.name for parameter in taken if parameter.kind is parameter.KEYWORD_ONLY]
    unknown = [name for name in choice.options if name not in known]
    if unknown:
        raise ScenarioError(
            f"rule '{entry.name}' has no option {shorten(unknown)}. Known: {', '.join(known) or 'none'}. "
            f"{did_you_mean(unknown[0], known)}".strip()
        )


def auction_share(scenario: Scenario, sector: str, year: int) -> float:
    """Share of a sector's allowances that is auctioned in a year, 0 where no share is given for the sector."""
    if AUCTION_SHARE not in scenario.parameters:
        return 0.0
    parameter = scenario.parameters.get(AUCTION_SHARE)
    dated = parameter.values.get((sector,), ())
    if not any(value.applies_from <= year for value in dated):
        return 0.0
    return scenario.parameters.value(AUCTION_SHARE, year, sector)


def allocation_input(
    scenario: Scenario, inventory: xr.Dataset, year: int, sector: str, covered: Collection[str]
) -> AllocationInput:
    """What a rule is given: the sector's facilities of the covered enterprises with their verified data.

    Parameters
    ----------
    scenario : Scenario
        Gives the base year and the facilities table.
    inventory : Dataset (facility, enterprise, year)
        From the accounting room.
    year : int
        Compliance year; the base year is read too.
    sector : str
        Sector of the facilities.
    covered : collection of str
        Enterprises with an obligation.

    Returns
    -------
    AllocationInput

    Raises
    ------
    AlignmentError
        If the year or base year is not in the inventory, or a number is missing.
    """
    for name in ("covered_emissions", "key_emissions"):
        check_unit(inventory[name], "tCO2e")
    owner = inventory["facility_enterprise"].values.astype(str)
    chosen = (inventory["facility_sector"].values.astype(str) == sector) & np.isin(owner, sorted(covered))
    facilities = tuple(inventory["facility"].values[chosen].astype(str).tolist())
    enterprises = tuple(owner[chosen].tolist())

    def number(name: str, of_year: int) -> Array:
        array = align(inventory[name], [of_year], "year").isel(year=0, facility=chosen)
        check_no_nan(array)
        return np.asarray(array.transpose("facility").values, dtype=float)

    def label(name: str) -> tuple[str, ...]:
        return tuple(_text(value) for value in inventory[name].values[chosen].tolist())

    has_last = year - 1 in {int(label) for label in inventory["year"].values}
    entities = align(inventory["entities"], sorted(set(enterprises)), "enterprise").to_series()
    return AllocationInput(
        sector=sector,
        year=year,
        base_year=scenario.base_year,
        facility=facilities,
        enterprise=enterprises,
        entities=np.array([entities[name] for name in enterprises], dtype=float),
        emissions=number("covered_emissions", year),
        key_emissions=number("key_emissions", year),
        output=number("output", year),
        key_output=number("key_output", year),
        heat_output=number("heat_output", year),
        benchmark_class=label("benchmark_class"),
        load_factor=np.asarray(inventory["load_factor"].values[chosen], dtype=float),
        heat_ratio=np.asarray(inventory["heat_ratio"].values[chosen], dtype=float),
        cooling=_from_table(scenario, facilities, "cooling"),
        special_case=_from_table(scenario, facilities, "special_case"),
        reference_emissions=number("covered_emissions", scenario.base_year),
        reference_output=number("output", scenario.base_year),
        product=label("product"),
        previous_emissions=number("covered_emissions", year - 1) if has_last else np.zeros(0),
        previous_output=number("output", year - 1) if has_last else np.zeros(0),
    )


def _covered(inventory: xr.Dataset, enterprises: Collection[str] | Mapping[str, float]) -> list[str]:
    if isinstance(enterprises, Mapping):
        enterprises = [name for name, share in enterprises.items() if share > 0]
    known = set(inventory["enterprise"].values.astype(str).tolist())
    missing = sorted(set(enterprises) - known)
    if missing:
        raise AlignmentError(f"the inventory has no enterprise {shorten(missing)}. {did_you_mean(missing[0], known)}")
    return sorted(set(enterprises))


def _from_table(scenario: Scenario, facilities: tuple[str, ...], column: str) -> tuple[str, ...]:
    """A text column of the facilities table in the order of ``facilities``."""
    table = scenario.tables["facilities"]
    indexed = table.set_index("facility") if "facility" in table.columns else table
    missing = [name for name in facilities if name not in indexed.index]
    if missing:
        raise AlignmentError(f"the facilities table has no facility {shorten(missing)}, which the inventory has.")
    return tuple(_text(value) for value in indexed.loc[list(facilities), column].tolist())


def _text(value: object) -> str:
    """A label as text; an empty cell, in whichever form the table reader left it, is the empty label."""
    return value if isinstance(value, str) else ""
