"""What a term stands at where nobody measured it: every value that the factor tables have for it.

Which set of the tables a sector uses is a matter of its accounting rules, so there may be several.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Final

import numpy as np
import pandas as pd

from carbonsim.inputs.factor_records import Factors
from carbonsim.units import canonical, conversion_factor

CARBON_PER_CO2: Final = 12 / 44  # ratio of molar masses as every guideline writes it
ANODE: Final = "anode"
# Terms that stay out of the formula where they are not measured: a factor of 1, or nothing taken off.
_LEFT_OUT: Final = {"content": 1.0, "conversion": 1.0, "duct_efficiency": 1.0, "abated": 0.0, "biogenic_fraction": 0.0}
# Terms whose default is a row of the process table of one kind.
_OF_KIND: Final = {
    "anode_consumption": "consumption",
    "slope": "slope",
    "overvoltage_coefficient": "coefficient",
    "c2f6_ratio": "ratio",
    "methane_capacity": "capacity",
    "methane_correction": "correction",
}
_OF_ANODES: Final = ("sulphur", "ash")
_FUEL_VALUES: Final = ("net_calorific_value", "carbon_content")
_EMISSION_KINDS: Final = ("emission_factor", "carbon_content")


class TermDefaults:
    """The values that factor tables have for the terms of a row of activity; each question is answered once."""

    def __init__(self, factors: Factors) -> None:
        self.factors = factors
        self.values = functools.lru_cache(maxsize=4096)(self._values)

    def fuel(self, factor: str) -> pd.DataFrame:
        """Rows of a fuel (``fuel`` or ``set:fuel``): of every set, or of the one that is named."""
        table_set, _, name = factor.rpartition(":")
        fuels = self.factors.fuels
        return fuels[(fuels["fuel"] == name) & ((fuels["table_set"] == table_set) | (table_set == ""))]

    def _values(
        self, term: str, method: str, factor: str, gas_factor: str = "", pollutant_factor: str = ""
    ) -> tuple[float, ...]:
        """Defaults of a term in its own unit, sorted; none if the term has to be measured.

        Parameters
        ----------
        term, method : str
            Of `inputs.terms.TERMS` and `inputs.columns.METHODS`.
        factor, gas_factor, pollutant_factor : str
            As in the row of activity.
        """
        if term in _LEFT_OUT:
            return (_LEFT_OUT[term],)
        if term in _FUEL_VALUES:
            return _known(self.fuel(factor)[term])
        if term in _OF_KIND:
            return self._of_kind(_OF_KIND[term], factor)
        if term in _OF_ANODES:
            return self._of_kind("share", factor) if method == ANODE else ()
        if term == "oxidation":
            return self._oxidation(factor)
        if term == "emission_factor":
            return self._emission_factors(method, factor)
        if term == "carbon_fraction":
            return self._carbon_fractions(method, factor)
        if term == "grid_factor":
            return self._grid(factor)
        if term == "gas_factor":
            gases = self.factors.combustion_gases
            scale = conversion_factor("kg", "t") / conversion_factor("TJ", "GJ")
            return _known(gases.loc[gases["factor"] == gas_factor, "value"] * scale)
        if term == "mass_share":
            return _known(self.factors.blends.loc[self.factors.blends["blend"] == factor, "mass_share"])
        return self._retention(pollutant_factor) if term == "retention" else ()

    def _of_kind(self, kind: str, factor: str) -> tuple[float, ...]:
        """The row that is named if it is of the kind, else every row of the kind."""
        process = self.factors.process[self.factors.process["quantity"] == kind]
        own = process[process["factor"] == factor]
        return _known((own if len(own) else process)["value"])

    def _oxidation(self, factor: str) -> tuple[float, ...]:
        """Those of the fuel; where a set does not list it, those that the set has for its state of matter, or 1."""
        rows, fuels = self.fuel(factor), self.factors.fuels
        others = fuels[~fuels["table_set"].isin(rows["table_set"]) & fuels["state"].isin(rows["state"])]
        everywhere = () if ":" in factor or not len(rows) else (*others["oxidation"], 1.0)
        return _known([*rows["oxidation"], *everywhere])

    def _emission_factors(self, method: str, factor: str) -> tuple[float, ...]:
        """Tonnes of gas per unit: of the row that is named, or of those that the method takes by itself."""
        process = self.factors.process
        of_method = process["methods"].map(lambda cell: method in (part.strip() for part in str(cell).split(";")))
        chosen = process["factor"] == factor if factor else of_method
        rows = process[chosen & process["quantity"].isin(_EMISSION_KINDS)]
        return _known(
            value * (1 / CARBON_PER_CO2 if kind == "carbon_content" else _tonnes(unit))
            for value, kind, unit in zip(rows["value"], rows["quantity"], rows["unit"], strict=True)
        )

    def _carbon_fractions(self, method: str, factor: str) -> tuple[float, ...]:
        """Carbon of a unit of a material by its emission factor, or of a fuel by its heat [tC/t]."""
        fuel = self.fuel(factor)
        if not len(fuel):
            return _known(value * CARBON_PER_CO2 for value in self._emission_factors(method, factor))
        return _known(fuel["net_calorific_value"] * fuel["carbon_content"] * conversion_factor("GJ", "TJ"))

    def _grid(self, factor: str) -> tuple[float, ...]:
        """The factor that is named, those of a region, or all: of the nation, a province and every year."""
        grid = self.factors.grid
        named = (grid["factor"] == factor) | (grid["region_zh"] == factor) | (grid["region_en"] == factor)
        return _known(grid.loc[named, "value"] if named.any() else grid["value"])

    def _retention(self, group: str) -> tuple[float, ...]:
        """Sulphur that stays behind by the balance of a group of pollutant factors, nothing without one."""
        table = self.factors.pollutants
        member = table["group"].map(lambda cell: group in (part.strip() for part in str(cell).split(";")))
        rows = table[(member | (table["factor"] == group)) & (table["kind"] == "sulphur") & (group != "")]
        return _known(1 - rows["value"]) or (0.0,)


def _tonnes(unit: str) -> float:
    """Tonnes in the unit before the slash of a factor, such as kg/t; 0 if it is no mass."""
    name = canonical(unit.partition("/")[0])
    return conversion_factor(name, "tCO2e" if name.endswith("CO2e") else "t")


def _known(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(sorted({float(value) for value in values if not np.isnan(value)}))
