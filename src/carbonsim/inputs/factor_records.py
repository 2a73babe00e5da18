"""The factor library as a value: the tables of one country and what an overlay changed in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from carbonsim.inputs.factor_columns import FACTOR_TABLES


@dataclass(frozen=True, slots=True)
class Overlaid:
    """One cell that an overlay changed: ``packaged`` is the value it replaced, empty where the row was added."""

    table: str
    key: str
    column: str
    packaged: str
    own: str
    source: str
    basis: str
    file: str

    @property
    def is_added(self) -> bool:
        """Whether the row did not exist before."""
        return self.column == ""


@dataclass(frozen=True, slots=True)
class Factors:
    """The factor tables of one country; nobody writes into them.

    An empty number is NaN: a factor that is listed but for which no value was found. Using one is an error.

    Attributes
    ----------
    fuels : DataFrame
        Key (table_set, fuel): net_calorific_value [GJ/unit], carbon_content [tC/TJ], oxidation [1].
    process : DataFrame
        Key factor: value [unit], gas, quantity (see ``factor_columns.KINDS``), sign (1, -1 or NaN), methods:
        the activity methods that may use it, ``;`` between them.
    grid : DataFrame
        Key factor: value [tCO2/MWh] of a region in data_year.
    gwp : DataFrame
        Key gas: AR4, AR5, AR5_feedback, AR6 [tCO2e/t].
    pollutants : DataFrame
        Key factor: value [unit] of a pollutant.
    combustion_gases : DataFrame
        Key (factor, gas), gas CH4, CH4 non-fossil (of biomass) or N2O: value [kg/TJ, net].
    blends : DataFrame
        Key (blend, gas): mass_share [1]; the shares of a blend add up to 1, a pure refrigerant has one row.
    uncertainties : DataFrame
        Key (table_set, factor, term): published bounds or relative half-width of a value.
    hashes : mapping
        SHA-256 of each file, by its name such as ``factors/fuels.csv``.
    overlaid : tuple of Overlaid
        What own factors replaced or added, in the order it was done.
    """

    fuels: pd.DataFrame
    process: pd.DataFrame
    grid: pd.DataFrame
    gwp: pd.DataFrame
    pollutants: pd.DataFrame
    combustion_gases: pd.DataFrame
    blends: pd.DataFrame
    uncertainties: pd.DataFrame
    hashes: Mapping[str, str] = field(default_factory=dict)
    overlaid: tuple[Overlaid, ...] = ()

    def table(self, name: str) -> pd.DataFrame:
        """The table called ``name``, such as ``fuels``."""
        frame: pd.DataFrame = getattr(self, name)
        return frame

    def tables(self) -> dict[str, pd.DataFrame]:
        """All tables by name."""
        return {name: self.table(name) for name in FACTOR_TABLES}
