"""Readers of public tables from a path the user gives; no row of them is part of the package."""

from __future__ import annotations

from carbonsim.inputs.readers.china_power import read_china_power
from carbonsim.inputs.readers.eu_ets import read_eu_ets

__all__ = ["read_china_power", "read_eu_ets"]
