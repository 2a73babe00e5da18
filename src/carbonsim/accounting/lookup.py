"""The factor of one combination of sector, method and factor id, out of the sector's own table set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from carbonsim.accounting import electricity, process
from carbonsim.accounting.core import SectorAccounting, sector_accounting
from carbonsim.dims import GASES
from carbonsim.errors import InputError, did_you_mean, shorten
from carbonsim.inputs.factors import Factors
from carbonsim.units import canonical, conversion_factor

Formula = Callable[[ArrayLike, ArrayLike], NDArray[np.float64]]

ANODE: Final = ("cets2024_anode_net", "cets2024_anode_s", "cets2024_anode_ash")
ANODE_EFFECT: Final = ("cets2024_cf4", "cets2024_c2f6")
HEAT: Final = "purchased_heat"
GRID_BY_YEAR: Final = "outlook.grid_factor"
# Methods whose emissions are amount times factor, with the sign that the method's function gives.
PROPORTIONAL: Final[Mapping[str, Formula]] = {
    "carbonate": process.carbonate_emissions,
    "material_input": process.material_emissions,
    "product_output": process.product_carbon,
    "clinker": process.clinker_emissions,
    "deduction": process.raw_material_deduction,
    "heat_purchased": electricity.purchased_heat,
}
GRID: Final[Mapping[str, Formula]] = {
    "electricity_purchased": electricity.location_based_electricity,
    "electricity_exported": electricity.exported_electricity,
}
# Unit of the amounts that emit nothing themselves; "" keeps the facility's output unit.
AMOUNTS: Final = {"heat_supplied": "GJ", "reported_key": "tCO2e", "output": "", "key_output": ""}
BALANCES: Final = ("material_input", "product_output")
_NAN: Final = float("nan")
_NONE: Final = (0.0,) * len(GASES)


@dataclass(frozen=True, slots=True)
class Lookup:
    """A factor as found: unit of the activity, tonnes of each gas per unit or the terms of a fuel, id, source, basis.

    ``unit`` is ``""`` where the activity keeps the facility's output unit; ``leaves`` says that a fuel goes out.
    ``gases`` carry the sign of the method; of a ``grid_by_year`` factor they are that sign only.
    """

    unit: str
    factor: str = ""
    source: str = ""
    basis: str = ""
    gases: tuple[float, ...] = _NONE
    from_fuel: bool = False
    leaves: bool = False
    net_calorific_value: float = _NAN
    carbon_content: float = _NAN
    oxidation: float = 1.0
    oxidation_enters: bool = False
    grid_by_year: bool = False


class FactorFinder:
    """Finds factors for one sector in the table sets that its accounting declares."""

    def __init__(self, sector: str, factors: Factors) -> None:
        self.sector = sector
        self.accounting: type[SectorAccounting] = sector_accounting(sector)
        self.factors = factors
        self.fuels = factors.fuels[factors.fuels["table_set"] == self.accounting.table_set].set_index("fuel")
        self.processes = factors.process.set_index("factor")

    def find(self, method: str, factor: str, *, is_measured: bool) -> Lookup:
        """The factor that a row of this method and id uses.

        Parameters
        ----------
        method, factor : str
            As in the activity table; ``factor`` may be empty where the method has a default.
        is_measured : bool
            The row gives its own calorific value and carbon content.

        Returns
        -------
        Lookup

        Raises
        ------
        InputError
            If the method does not know the id, the sector's table set does not hold it, or it has no value.
        """
        if method == "combustion" or (method in BALANCES and factor not in self.processes.index):
            return self._fuel(method, factor, is_measured=is_measured)
        if method == "heat_purchased":
            return self._proportional(method, factor or HEAT)
        if method in PROPORTIONAL:
            return self._proportional(method, factor)
        if method == "anode":
            return self._anode(factor)
        if method == "pfc":
            return self._anode_effect(factor)
        if method in GRID:
            return self._electricity(method, factor)
        if factor:
            raise InputError(f"method '{method}' takes no factor, found '{factor}'. Leave the cell empty.")
        if method == "reported":
            return Lookup("tCO2e", gases=_gas("CO2", 1.0))
        if method not in AMOUNTS:
            raise InputError(f"method '{method}' is not known.")
        return Lookup(AMOUNTS[method])

    def _fuel(self, method: str, fuel: str, *, is_measured: bool) -> Lookup:
        """A fuel of the sector's table set; a fuel outside it only with measured terms."""
        enters = self.accounting.oxidation_enters and method not in BALANCES
        leaves = method == "product_output"
        if fuel not in self.fuels.index:
            return self._measured_fuel(fuel, is_measured=is_measured, enters=enters, leaves=leaves)
        row = self.fuels.loc[[fuel]].iloc[0]
        return Lookup(
            unit=str(row["unit"]),
            factor=f"{self.accounting.table_set}:{fuel}",
            source=str(row["source"]),
            basis="assumption" if self.accounting.by_analogy else str(row["basis"]),
            from_fuel=True,
            leaves=leaves,
            net_calorific_value=float(row["net_calorific_value"]),
            carbon_content=float(row["carbon_content"]),
            oxidation=float(row["oxidation"]),
            oxidation_enters=enters,
        )

    def _measured_fuel(self, fuel: str, *, is_measured: bool, enters: bool, leaves: bool) -> Lookup:
        """A fuel that other sets list: only its unit is taken from there, and the oxidation of its state from here."""
        own = sorted(self.fuels.index)
        elsewhere = self.factors.fuels[self.factors.fuels["fuel"] == fuel]
        if elsewhere.empty:
            raise InputError(f"fuel '{fuel}' is not known. {did_you_mean(fuel, own)} Known: {shorten(own)}.")
        if not is_measured:
            raise InputError(
                f"fuel '{fuel}' is not in the table set '{self.accounting.table_set}' of sector '{self.sector}', and "
                "sets are not mixed. Give net_calorific_value and carbon_content as measured, or use one of: "
                f"{shorten(own)}."
            )
        state = elsewhere["state"].iloc[0]
        of_state = self.fuels[self.fuels["state"] == state]["oxidation"].unique()
        unknown = _NAN if enters else 1.0
        return Lookup(
            unit=str(elsewhere["unit"].iloc[0]),
            factor=f"measured:{fuel}",
            from_fuel=True,
            leaves=leaves,
            oxidation=float(of_state[0]) if len(of_state) == 1 else unknown,
            oxidation_enters=enters,
        )

    def _proportional(self, method: str, factor: str) -> Lookup:
        """A process factor, as tonnes of its gas per unit with the sign of the method."""
        row = self._process_row(factor)
        per_unit = PROPORTIONAL[method](1.0, self._tonnes_per_unit(factor, row))
        sign = row["sign"]
        if sign * float(per_unit) < 0:
            raise InputError(
                f"factor '{factor}' {'adds' if sign > 0 else 'subtracts'}, method '{method}' does the opposite. "
                "Use the factor or the method of the other direction."
            )
        denominator = str(row["unit"]).partition("/")[2]
        return Lookup(
            unit=canonical(denominator),
            factor=factor,
            source=str(row["source"]),
            basis=str(row["basis"]),
            gases=_gas(str(row["gas"]), float(per_unit)),
        )

    def _tonnes_per_unit(self, factor: str, row: pd.Series) -> float:
        value = float(row["value"])
        if row["quantity"] == "carbon_content":
            return float(process.carbon_to_emission_factor(value))
        if row["quantity"] != "emission_factor":
            raise InputError(f"factor '{factor}' is a {row['quantity']}, not an emission factor.")
        return value * conversion_factor("kg", "t") if str(row["unit"]).startswith("kg/") else value

    def _process_row(self, factor: str) -> pd.Series:
        """Row of a process factor that this sector may use and that has a value."""
        if factor not in self.processes.index:
            hint = did_you_mean(factor, self.processes.index)
            raise InputError(f"process factor '{factor}' is not known. {hint}".strip())
        row = self.processes.loc[[factor]].iloc[0]
        allowed = self.accounting.process_sets
        if allowed is not None and row["table_set"] not in allowed and factor != HEAT:
            raise InputError(
                f"factor '{factor}' is of the table set '{row['table_set']}'; the guideline of '{self.sector}' "
                f"accounts for {shorten(sorted(allowed)) or 'no process factor'} only. "
                "Use a factor of it, or drop the row."
            )
        if row["basis"] == "draft":
            raise InputError(f"factor '{factor}' is a draft that the final guideline replaced. Use the final one.")
        if np.isnan(row["value"]):
            raise InputError(
                f"factor '{factor}' is listed without a value: {row['note'] or 'no number was found'}. "
                "Account by fuel and material instead, or give the emissions as 'reported'."
            )
        return row

    def _anode(self, factor: str) -> Lookup:
        _default_only("anode", factor, ANODE[0])
        rows = [self._process_row(name) for name in ANODE]
        value = float(process.anode_emissions(1.0, *(float(row["value"]) for row in rows)))
        source, basis = str(rows[0]["source"]), str(rows[0]["basis"])
        return Lookup("t", ANODE[0], source, basis, gases=_gas("CO2", value))

    def _anode_effect(self, factor: str) -> Lookup:
        _default_only("pfc", factor, ANODE_EFFECT[0])
        rows = [self._process_row(name) for name in ANODE_EFFECT]
        gases = np.zeros(len(GASES))
        for row in rows:
            gases[GASES.index(str(row["gas"]))] = process.anode_effect_emissions(1.0, float(row["value"]))
        source, basis = str(rows[0]["source"]), str(rows[0]["basis"])
        return Lookup("t", "+".join(ANODE_EFFECT), source, basis, gases=tuple(gases.tolist()))

    def _electricity(self, method: str, factor: str) -> Lookup:
        """Electricity at a named grid factor or at the outlook's; exports count where the guide deducts them."""
        if method == "electricity_exported" and not self.accounting.deducts_exports:
            return Lookup("MWh")
        formula = GRID[method]
        if not factor:
            return Lookup("MWh", GRID_BY_YEAR, gases=_gas("CO2", float(formula(1.0, 1.0))), grid_by_year=True)
        rows = self.factors.grid[self.factors.grid["factor"] == factor]
        if rows.empty:
            hint = did_you_mean(factor, self.factors.grid["factor"])
            raise InputError(f"grid factor '{factor}' is not known. {hint}".strip())
        row = rows.iloc[0]
        gases = _gas("CO2", float(formula(1.0, float(row["value"]))))
        return Lookup("MWh", factor, str(row["source"]), str(row["basis"]), gases=gases)


def _default_only(method: str, factor: str, default: str) -> None:
    if factor not in ("", default):
        raise InputError(f"factor '{factor}' is not known to method '{method}'. Leave it empty or write '{default}'.")


def _gas(gas: str, value: float) -> tuple[float, ...]:
    if gas not in GASES:
        raise InputError(f"gas '{gas}' of a factor is not accounted for. Known: {', '.join(GASES)}.")
    return tuple(value if name == gas else 0.0 for name in GASES)
