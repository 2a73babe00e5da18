"""The chain of multiplications behind an enterprise's emissions in a year, in words an auditor can redo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import xarray as xr

from carbonsim.accounting.formula import DIVISOR, FACTOR, TAKEN_OFF
from carbonsim.accounting.inventory import build_inventory
from carbonsim.accounting.warming import MEMO_GASES
from carbonsim.errors import InputError, Issue, did_you_mean
from carbonsim.inputs.scenario import Scenario

if TYPE_CHECKING:
    from carbonsim.inputs.ledger import Ledger

WHOLE: Final = 1e-9  # share of a stream's tonnes that may be missing from its covered part by rounding
# Constants of the formulas as a reader writes them, by their value.
_CONSTANTS: Final = {
    44 / 12: "44/12",
    0.001 * 44 / 12: "/ 1000 x 44/12",
    0.001: "/ 1000",
    1.0: "",
    0.0: "0 (no evidence)",
}


@dataclass(frozen=True, slots=True)
class ExplainedTerm:
    """One term of a chain: its value, and the entry and source it was taken from (``own`` if the row gives it)."""

    name: str
    value: float
    unit: str
    entry: str
    source: str
    basis: str

    def __str__(self) -> str:
        if not self.entry:
            return f"{self.name} {self.value:.10g} [own value]"
        unit = "" if self.unit == "1" else f" {self.unit}"
        return f"{self.name} {self.value:.10g}{unit} <{self.entry}> [{self.source}, {self.basis}]"


@dataclass(frozen=True, slots=True)
class ExplainedStream:
    """One source stream: its formula with numbers, its result and where every number comes from."""

    stream: str
    method: str
    scope: int
    tier: str
    formula: str
    emissions_co2e: float
    covered: bool
    covered_emissions: float
    factor: str
    factor_source: str
    factor_basis: str
    activity_source: str
    activity_basis: str
    terms: tuple[ExplainedTerm, ...] = ()
    substituted: bool = False

    def __str__(self) -> str:
        factor = f"factor {self.factor} [{self.factor_source}, {self.factor_basis}]" if self.factor else "no factor"
        partly = f"covered {self.covered_emissions:,.2f} tCO2e" if self.covered_emissions else "not covered"
        whole = self.covered and abs(self.covered_emissions - self.emissions_co2e) < WHOLE * abs(self.emissions_co2e)
        inside = "covered" if whole else partly
        gap = ", substituted for a gap" if self.substituted else ""
        head = f"{self.stream} ({self.method}, scope {self.scope}, {self.tier}, {inside}{gap})"
        result = f"{self.formula} = {self.emissions_co2e:,.2f} tCO2e"
        evidence = f"{factor}; activity [{self.activity_source}, {self.activity_basis}]"
        return "\n".join([f"{head}: {result}; {evidence}", *(f"    {term}" for term in self.terms)])


@dataclass(frozen=True, slots=True)
class Explanation:
    """How the direct, indirect and covered emissions of one enterprise in one year come about."""

    enterprise: str
    year: int
    streams: tuple[ExplainedStream, ...]
    emissions_co2e: float
    scope2_location: float
    covered_emissions: float

    def __str__(self) -> str:
        head = f"{self.enterprise} {self.year}"
        foot = (
            f"direct {self.emissions_co2e:,.2f} tCO2e; "
            f"purchased electricity and heat {self.scope2_location:,.2f} tCO2e; "
            f"inside the market's boundary {self.covered_emissions:,.2f} tCO2e"
        )
        return "\n".join([head, *(f"  {stream}" for stream in self.streams), f"  total: {foot}"])


def explain(study: Scenario | Ledger | xr.Dataset, enterprise: str, year: int) -> Explanation:
    """The chain of multiplications of one enterprise and year, with factor ids, values and sources.

    Parameters
    ----------
    study : Scenario, Ledger or Dataset
        A study or ledger, or the inventory that ``build_inventory`` made of it.
    enterprise : str
    year : int

    Returns
    -------
    Explanation
        Prints as text; ``streams`` holds it line by line.

    Raises
    ------
    InputError
        If the enterprise or the year is not in the inventory.
    """
    inventory = study if isinstance(study, xr.Dataset) else build_inventory(study)
    if enterprise not in inventory.indexes["enterprise"]:
        known = inventory.indexes["enterprise"]
        raise InputError(
            Issue(
                "enterprise",
                "",
                f"enterprise '{enterprise}' is not in the inventory.",
                f"清单中没有企业“{enterprise}”。",
                did_you_mean(enterprise, known),
                did_you_mean(enterprise, known, "zh"),
            )
        )
    if year not in inventory.indexes["year"]:
        first, last = int(inventory["year"][0]), int(inventory["year"][-1])
        raise InputError(
            Issue(
                "year",
                "",
                f"year {year} is not in the inventory, which runs from {first} to {last}.",
                f"清单中没有 {year} 年，年份范围为 {first} 至 {last}。",
            )
        )
    at = inventory.sel(year=year)
    # A ledger has streams of other years; a study projects, so each of its streams is in every year.
    present = at["stream_reported"] if isinstance(study, xr.Dataset) or not isinstance(study, Scenario) else True
    emitting = (at["stream_enterprise"] == enterprise) & (at["stream_scope"] > 0)
    shown = np.flatnonzero((emitting & (present | (at["activity"] != 0))).values)
    facilities = np.flatnonzero((at["facility_enterprise"] == enterprise).values)
    return Explanation(
        enterprise=enterprise,
        year=year,
        streams=tuple(_explained(at, int(place)) for place in shown),
        emissions_co2e=float(at["emissions_co2e"].sel(enterprise=enterprise)),
        scope2_location=float(at["scope2_location"].sel(enterprise=enterprise)),
        covered_emissions=float(at["covered_emissions"].isel(facility=facilities).sum()),
    )


def _explained(at: xr.Dataset, place: int) -> ExplainedStream:
    stream = at.isel(stream=place)
    components = np.flatnonzero(at["component_place"].values == place)
    return ExplainedStream(
        stream=str(stream["stream"].item()),
        method=str(stream["method"].item()),
        scope=int(stream["stream_scope"]),
        tier=str(stream["tier"].item()),
        formula=" + ".join(_formula(at, stream, int(component)) for component in components) or _quantity(stream),
        emissions_co2e=float(stream["stream_emissions_co2e"]),
        covered=bool(stream["stream_covered"]),
        covered_emissions=float(stream["stream_covered_emissions"]),
        factor=str(stream["factor"].item()),
        factor_source=str(stream["factor_source"].item()),
        factor_basis=str(stream["factor_basis"].item()),
        activity_source=str(stream["activity_source"].item()),
        activity_basis=str(stream["activity_basis"].item()),
        terms=tuple(dict.fromkeys(term for component in components for term in _terms(at, int(component)))),
        substituted=bool(stream["substituted"]),
    )


def _quantity(stream: xr.Dataset) -> str:
    return f"{float(stream['activity']):,.10g} {stream['activity_unit'].item()}"


def _formula(at: xr.Dataset, stream: xr.Dataset, component: int) -> str:
    """The multiplication of one gas of a stream; every number in it is the one that was used."""
    form, value = at["term_form"].values[component], at["term_value"].values[component]
    gas = str(at["component_gas"].values[component])
    sign = "-" if at["component_sign"].values[component] < 0 else ""
    parts = [f"{sign}{_quantity(stream)}"]
    parts += [f"x {number:.10g} {_unit(at, component, term)}".rstrip() for term, number in _of(form, value, FACTOR)]
    parts += [f"/ {number:.10g} {_unit(at, component, term)}".rstrip() for term, number in _of(form, value, DIVISOR)]
    taken_off = [f"{number:.10g}" for _, number in _of(form, value, TAKEN_OFF)]
    if taken_off:
        parts.append(f"x (1 - {' - '.join(taken_off)})")
    number = float(at["component_constant"].values[component])
    constant = _CONSTANTS.get(number, f"{number:.10g}")
    if constant:
        parts.append(constant if constant.startswith("/") else f"x {constant}")
    if gas in MEMO_GASES:
        return f"{' '.join(parts)} t {gas} x 0 (outside the total)"
    potential = float(at["gwp"].sel(gas=gas))
    if potential != 1:
        parts.append(f"x {potential:g} tCO2e/t")
    return " ".join(parts)


def _of(form: np.ndarray, value: np.ndarray, kind: int) -> list[tuple[int, float]]:
    return [(int(term), float(value[term])) for term in np.flatnonzero(form == kind)]


def _unit(at: xr.Dataset, component: int, term: int) -> str:
    key = int(at["term_key"].values[component, term])
    unit = str(at["shared_unit"].values[key]) if key >= 0 else ""
    return "" if unit == "1" else unit


def _terms(at: xr.Dataset, component: int) -> list[ExplainedTerm]:
    """The terms of a component with the table entry each was taken from."""
    form, value, key = (at[name].values[component] for name in ("term_form", "term_value", "term_key"))
    found = []
    for term in np.flatnonzero(form):
        place = int(key[term])
        entry, unit, source, basis = (
            tuple(str(at[name].values[place]) for name in ("shared", "shared_unit", "shared_source", "shared_basis"))
            if place >= 0
            else ("", "", "", "")
        )
        found.append(ExplainedTerm(str(at["term"].values[term]), float(value[term]), unit, entry, source, basis))
    return found
