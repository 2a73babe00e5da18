"""Inventories made by hand for the tests of uncertainty: every product in sight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import xarray as xr

from carbonsim.accounting.formula import component_emissions

GASES = {"CO2": 1.0, "CH4": 28.0, "N2O": 265.0}
TERMS = ("net_calorific_value", "carbon_content", "oxidation", "emission_factor", "gas_factor", "conversion",
         "duct_efficiency", "current_efficiency", "ash", "sulphur", "grid_factor", "slope", "c2f6_ratio",
         "overvoltage_coefficient", "methane_capacity", "methane_correction")  # fmt: skip
FORMS = {"duct_efficiency": -1, "current_efficiency": -1, "ash": 2, "sulphur": 2}
Value = float | tuple[float, str]


@dataclass(frozen=True)
class Row:
    """One stream: quantity by year, and for each gas its terms as a value of the site or (value, shared id)."""

    stream: str
    quantity: Sequence[float]
    terms: Mapping[str, Value] = field(default_factory=lambda: {"emission_factor": 1.0})
    gases: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    facility: str = "works"
    enterprise: str = "firm"
    sector: str = "steel"
    factor: str = ""
    scope: int = 1
    sign: float = 1.0
    month: int = 0

    @property
    def label(self) -> str:
        return f"{self.facility}/{self.stream}" + (f"/{self.month:02d}" if self.month else "")

    def components(self) -> Mapping[str, Mapping[str, Value]]:
        return self.gases or {"CO2": self.terms}


def inventory(rows: Sequence[Row], first_year: int = 2024) -> xr.Dataset:
    """The Dataset that ``build_inventory`` would make of these rows, as far as uncertainty looks at it."""
    years = np.arange(first_year, first_year + len(rows[0].quantity))
    parts = [(place, gas, terms) for place, row in enumerate(rows) for gas, terms in row.components().items()]
    shared = sorted({value[1] for _, _, terms in parts for value in terms.values() if isinstance(value, tuple)})
    form = np.zeros((len(parts), len(TERMS)), dtype=np.int8)
    value = np.zeros((len(parts), len(TERMS), len(years)))
    key = np.full(value.shape, -1, dtype=np.int32)
    for number, (_, _, terms) in enumerate(parts):
        for name, given in terms.items():
            column = TERMS.index(name)
            form[number, column] = FORMS.get(name, 1)
            value[number, column] = given[0] if isinstance(given, tuple) else given
            if isinstance(given, tuple):
                key[number, column] = shared.index(given[1])
    place = np.array([one for one, _, _ in parts])
    data = xr.Dataset(
        {
            "activity": (("stream", "year"), np.array([row.quantity for row in rows], dtype=float)),
            "component_place": ("component", place),
            "term_form": (("component", "term"), form),
            "term_value": (("component", "term", "year"), value),
            "term_key": (("component", "term", "year"), key),
            "gwp": (("gas", "year"), np.outer(list(GASES.values()), np.ones(len(years)))),
        },
        coords={
            "year": years,
            "gas": list(GASES),
            "term": list(TERMS),
            "shared": ("shared", np.array(shared, dtype=str)),
            "stream": [row.label for row in rows],
            "component": [f"{rows[one].label}|{gas}" for one, gas, _ in parts],
            "component_gas": ("component", [gas for _, gas, _ in parts]),
            "component_sign": ("component", [rows[one].sign for one, _, _ in parts]),
            "component_constant": ("component", np.ones(len(parts))),
            "stream_name": ("stream", [row.stream for row in rows]),
            "stream_facility": ("stream", [row.facility for row in rows]),
            "stream_enterprise": ("stream", [row.enterprise for row in rows]),
            "stream_sector": ("stream", [row.sector for row in rows]),
            "stream_scope": ("stream", [row.scope for row in rows]),
            "factor": ("stream", np.array([row.factor for row in rows], dtype=str)),
            "enterprise": list(dict.fromkeys(row.enterprise for row in rows)),
            "facility": list(dict.fromkeys(row.facility for row in rows)),
        },
        attrs={"gwp_set": "AR5"},
    )
    tonnes = component_emissions(data) * np.array([GASES[gas] for _, gas, _ in parts])[:, None]
    of_stream = np.zeros((len(rows), len(years)))
    np.add.at(of_stream, place, tonnes)
    data["stream_emissions_co2e"] = (("stream", "year"), of_stream)
    for name, scope in (("emissions_co2e", 1), ("scope2_location", 2)):
        total = np.zeros((data.sizes["enterprise"], len(years)))
        owner = data.indexes["enterprise"].get_indexer(data["stream_enterprise"].values)
        chosen = data["stream_scope"].values == scope
        np.add.at(total, owner[chosen], of_stream[chosen])
        data[name] = (("enterprise", "year"), total)
    return data


def stated(*rows: Mapping[str, object]) -> pd.DataFrame:
    """An uncertainty table; ``half_width`` is relative and columns that are left out are empty."""
    columns = ("term", "factor", "facility", "stream", "half_width", "distribution", "years_correlated", "shared")
    return pd.DataFrame([{**dict.fromkeys(columns, ""), **row} for row in rows], columns=list(columns))
