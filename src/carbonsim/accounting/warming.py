"""Warming potentials: which assessment report counts in which year."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from carbonsim.dims import GASES
from carbonsim.errors import InputError, Issue
from carbonsim.inputs.factors import Factors

GWP_SET: Final = "AR5"
GWP_SETS: Final = ("AR4", "AR5", "AR5_feedback", "AR6")
BIOGENIC: Final = "CO2 biogenic"
# Reported apart, in no total of tCO2e: biogenic carbon dioxide, and gases that the Montreal Protocol phases out.
MEMO_GASES: Final = frozenset({BIOGENIC, "HCFC-22"})
GwpChoice = str | Mapping[int, str]


def gwp_values(
    factors: Factors, gwp_set: GwpChoice, gases: tuple[str, ...] = GASES, years: tuple[int, ...] = (0,)
) -> NDArray[np.float64]:
    """Warming potential of each gas in each year [tCO2e/t] (g, y); gases that are reported apart have none in a total.

    Methane of a fuel that is burnt has the potential of the species: its carbon is in the carbon dioxide already,
    because the oxidation rate counts all of the fuel's carbon. Methane that escapes has its own by origin.
    """
    chosen = {0: gwp_set} if isinstance(gwp_set, str) else dict(sorted(gwp_set.items()))
    for name in chosen.values():
        if name not in GWP_SETS:
            known = ", ".join(GWP_SETS)
            raise InputError(
                Issue(
                    "gwp-set",
                    "",
                    f"set of warming potentials '{name}' is not known.",
                    f"未知的增温潜势“{name}”。",
                    f"Known: {known}.",
                    f"可选：{known}。",
                )
            )
    table = factors.gwp.set_index("gas")
    values = np.zeros((len(gases), len(years)))
    for column, year in enumerate(years):
        began = [first for first in chosen if first <= year]
        if not began:
            raise InputError(
                Issue(
                    "gwp-set",
                    "",
                    f"no set of warming potentials applies in {year}: the first one begins in {min(chosen)}.",
                    f"{year} 年没有适用的增温潜势：最早从 {min(chosen)} 年起。",
                    "Name a set for the earlier years.",
                    "请为更早的年份指定。",
                )
            )
        series = table[chosen[max(began)]]
        values[:, column] = [0.0 if gas in MEMO_GASES else float(series[gas]) for gas in gases]
    return values


def shown_set(gwp_set: GwpChoice) -> str:
    """The choice in words, such as ``AR4 from 2021, AR5 from 2024``."""
    if isinstance(gwp_set, str):
        return gwp_set
    return ", ".join(f"{name} from {year}" for year, name in sorted(gwp_set.items()))
