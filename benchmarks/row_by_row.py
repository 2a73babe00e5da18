"""The rival of the inventory: quantities with units, multiplied row by row with pint, as a careful analyst would.

Nothing is made slower than it needs to be: one registry, every unit and factor is made once before the clock starts,
rows come as plain lists, and each row does only the products of its formula and one conversion.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pandas as pd
import pint

from carbonsim.inputs.factors import packaged_factors

TABLE_SET: Final = "cets_steel_2024"
DEFINITIONS: Final = (
    "tonne_carbon = [carbon] = tC",
    "tonne_carbon_dioxide = [carbon_dioxide] = tCO2",
    "normal_cubic_metre = [normal_gas]",
)  # fmt: skip
UNITS: Final = {
    "t": "tonne", "kg": "kilogram", "万吨": "10000 tonne", "Nm3": "normal_cubic_metre",
    "1e4_Nm3": "10000 normal_cubic_metre", "MWh": "megawatt_hour", "万kWh": "10 megawatt_hour",
}  # fmt: skip
TAKEN_OFF: Final = ("product_output", "deduction")
BALANCES: Final = ("steel",)
Amount = pint.Quantity[float]


@dataclass(frozen=True, slots=True)
class Answer:
    """Tonnes of CO2 by enterprise: direct, and of purchased electricity."""

    direct: dict[str, float]
    power: dict[str, float]


class RowByRow:
    """The calculation with its registry, units and factors ready."""

    def __init__(self) -> None:
        registry: pint.UnitRegistry[float] = pint.UnitRegistry()
        for definition in DEFINITIONS:
            registry.define(definition)
        self._quantity = registry.Quantity
        # A multiple of a unit becomes a unit of its own: a product of two quantities in each row would cost more.
        for place, text in enumerate(UNITS.values()):
            registry.define(f"entered_{place} = {text}")
        self._units = {name: registry.Unit(f"entered_{place}") for place, name in enumerate(UNITS)}
        self._tonne = registry.Unit("tCO2")
        self._molar = registry.Quantity(44 / 12, "tCO2 / tC")
        self._load_factors(registry)

    def _load_factors(self, registry: pint.UnitRegistry[float]) -> None:
        factors = packaged_factors()
        fuels = factors.fuels[factors.fuels["table_set"] == TABLE_SET]
        self._carbon_unit = registry.Unit("tC / terajoule")
        per = {"t": "tonne", "1e4_Nm3": "entered_4"}
        self._fuels: dict[str, tuple[Amount, Amount, float]] = {}
        self._heat_units: dict[str, pint.Unit] = {}
        names = ("fuel", "unit", "net_calorific_value", "carbon_content", "oxidation")
        columns = (fuels[name].tolist() for name in names)
        for fuel, unit, heat, carbon, oxidation in zip(*columns, strict=True):
            self._heat_units[fuel] = registry.Unit(f"gigajoule / {per[unit]}")
            heat_value = registry.Quantity(heat, self._heat_units[fuel])
            self._fuels[fuel] = (heat_value, registry.Quantity(carbon, self._carbon_unit), oxidation)
        values = {**_values(factors.process), **_values(factors.grid)}
        grid = set(factors.grid["factor"])
        self._values = {
            name: registry.Quantity(value, "tCO2 / megawatt_hour" if name in grid else "tCO2 / tonne")
            for name, value in values.items()
        }

    def account(self, tables: Mapping[str, pd.DataFrame]) -> Answer:
        """Emissions of the enterprises of a ledger.

        Parameters
        ----------
        tables : mapping of str to DataFrame
            The ledger's ``enterprises``, ``facilities`` and ``activity``.

        Notes
        -----
        Fuels: quantity × calorific value × carbon content × oxidation × 44/12, where the balance of steel has no
        oxidation rate; all else: quantity × factor, taken off for products and deductions.
        """
        sector_of = dict(zip(tables["enterprises"]["enterprise"], tables["enterprises"]["sector"], strict=True))
        owner = dict(zip(tables["facilities"]["facility"], tables["facilities"]["enterprise"], strict=True))
        sector = {site: sector_of[enterprise] for site, enterprise in owner.items()}
        activity = tables["activity"]
        names = ("facility", "method", "factor", "quantity", "unit", "net_calorific_value", "carbon_content")
        rows = zip(*(activity[name].tolist() for name in names), strict=True)
        direct: dict[str, float] = defaultdict(float)
        power: dict[str, float] = defaultdict(float)
        make, tonne, molar = self._quantity, self._tonne, self._molar
        for site, method, factor, number, unit, own_heat, own_carbon in rows:
            quantity = make(number, self._units[unit])
            if method == "combustion":
                heat, carbon, oxidation = self._fuels[factor]
                if own_heat == own_heat:  # not NaN: the row has a value of its own
                    heat = make(own_heat, self._heat_units[factor])
                if own_carbon == own_carbon:
                    carbon = make(own_carbon, self._carbon_unit)
                if sector[site] in BALANCES:
                    oxidation = 1.0
                emissions = (quantity * heat * carbon * oxidation * molar).m_as(tonne)
            else:
                emissions = (quantity * self._values[factor]).m_as(tonne)
            if method == "electricity_purchased":
                power[owner[site]] += emissions
            else:
                direct[owner[site]] += -emissions if method in TAKEN_OFF else emissions
        return Answer(dict(direct), dict(power))


def _values(table: pd.DataFrame) -> dict[str, float]:
    return dict(zip(table["factor"].tolist(), table["value"].tolist(), strict=True))
