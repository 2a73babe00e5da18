"""Forcing: what widening coverage does to enterprises, sectors, chains and places, read off given runs."""

from carbonsim.forcing.position import position_table
from carbonsim.forcing.pressure import (
    GROUPS,
    INDICATORS,
    NOT_COMPUTED,
    Absences,
    Indicator,
    announcement_effect,
    find_indicator,
    pressure_table,
)

__all__ = [
    "GROUPS",
    "INDICATORS",
    "NOT_COMPUTED",
    "Absences",
    "Indicator",
    "announcement_effect",
    "find_indicator",
    "position_table",
    "pressure_table",
]
