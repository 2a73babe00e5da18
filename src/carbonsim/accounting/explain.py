"""The chain of multiplications behind an enterprise's emissions in a year, in words an auditor can redo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from carbonsim.accounting.combustion import combustion_emissions
from carbonsim.accounting.inventory import build_inventory
from carbonsim.errors import InputError, did_you_mean
from carbonsim.inputs.scenario import Scenario


@dataclass(frozen=True, slots=True)
class ExplainedStream:
    """One source stream: its formula with numbers, its result and where both come from."""

    stream: str
    method: str
    scope: int
    formula: str
    emissions_co2e: float
    covered: bool
    factor: str
    factor_source: str
    factor_basis: str
    activity_source: str
    activity_basis: str

    def __str__(self) -> str:
        factor = f"factor {self.factor} [{self.factor_source}, {self.factor_basis}]" if self.factor else "no factor"
        inside = "covered" if self.covered else "not covered"
        result = f"{self.formula} = {self.emissions_co2e:,.2f} tCO2e"
        return (
            f"{self.stream} ({self.method}, scope {self.scope}, {inside}): {result}; {factor}; "
            f"activity [{self.activity_source}, {self.activity_basis}]"
        )


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


def explain(study: Scenario | xr.Dataset, enterprise: str, year: int) -> Explanation:
    """The chain of multiplications of one enterprise and year, with factor ids, values and sources.

    Parameters
    ----------
    study : Scenario or Dataset
        A scenario, or the inventory that ``build_inventory`` made of it.
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
    inventory = build_inventory(study) if isinstance(study, Scenario) else study
    if enterprise not in inventory.indexes["enterprise"]:
        hint = did_you_mean(enterprise, inventory.indexes["enterprise"])
        raise InputError(f"enterprise '{enterprise}' is not in the inventory. {hint}".strip())
    if year not in inventory.indexes["year"]:
        first, last = int(inventory["year"][0]), int(inventory["year"][-1])
        raise InputError(f"year {year} is not in the inventory, which runs from {first} to {last}.")
    at = inventory.sel(year=year)
    emitting = (at["stream_enterprise"] == enterprise) & (at["stream_scope"] > 0)
    own = at.isel(stream=np.flatnonzero(emitting.values))
    facilities = np.flatnonzero((at["facility_enterprise"] == enterprise).values)
    return Explanation(
        enterprise=enterprise,
        year=year,
        streams=tuple(_explained(own.isel(stream=place)) for place in range(own.sizes["stream"])),
        emissions_co2e=float(at["emissions_co2e"].sel(enterprise=enterprise)),
        scope2_location=float(at["scope2_location"].sel(enterprise=enterprise)),
        covered_emissions=float(at["covered_emissions"].isel(facility=facilities).sum()),
    )


def _explained(stream: xr.Dataset) -> ExplainedStream:
    return ExplainedStream(
        stream=str(stream["stream"].item()),
        method=str(stream["method"].item()),
        scope=int(stream["stream_scope"]),
        formula=_formula(stream),
        emissions_co2e=float(stream["stream_emissions_co2e"]),
        covered=bool(stream["stream_covered"]),
        factor=str(stream["factor"].item()),
        factor_source=str(stream["factor_source"].item()),
        factor_basis=str(stream["factor_basis"].item()),
        activity_source=str(stream["activity_source"].item()),
        activity_basis=str(stream["activity_basis"].item()),
    )


def _formula(stream: xr.Dataset) -> str:
    """The multiplication of one stream; every number in it is the one that was used."""
    unit = str(stream["activity_unit"].item())
    quantity = f"{float(stream['activity']):,.6g} {unit}"
    factors = stream["emission_factor"].values
    if bool(stream["from_fuel"]):
        calorific, carbon = float(stream["net_calorific_value"]), float(stream["carbon_content"])
        oxidation = float(stream["oxidation"])
        sign = "-" if factors.sum() < 0 else ""
        burnt = f"{sign}{quantity} x {calorific:g} GJ/{unit} x {carbon:g} tC/TJ / 1000"
        return f"{burnt} x {oxidation:g} x 44/12" if _oxidised(stream) else f"{burnt} x 44/12"
    if str(stream["method"].item()) == "reported":
        return quantity
    terms = []
    for gas, value, potential in zip(stream["gas"].values, factors, stream["gwp"].values, strict=True):
        if value:
            weight = "" if gas == "CO2" else f" x {potential:g} tCO2e/t"
            terms.append(f"{quantity} x {value:g} t {gas}/{unit}{weight}")
    return " + ".join(terms) or f"{quantity} x 0"


def _oxidised(stream: xr.Dataset) -> bool:
    """Whether the oxidation rate is part of the factor that was used."""
    full = float(stream["net_calorific_value"]) * float(stream["carbon_content"])
    if full == 0:
        return False
    used = abs(float(stream["emission_factor"].sel(gas="CO2")))
    return bool(
        used < float(combustion_emissions(1.0, stream["net_calorific_value"].item(), stream["carbon_content"].item()))
    )
