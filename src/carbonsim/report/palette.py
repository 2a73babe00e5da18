"""Colours, sizes and style of the figures: colour-blind safe, readable from the back of a room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

# Okabe and Ito (2008) for the marks that must never be confused; Paul Tol's muted set where more hues are needed.
INK = "#222222"
GREY = "#767676"
LIGHT = "#d9d9d9"
FAINT = "#b5b5b5"
PRICE = "#0072b2"
RANGE = "#56b4e9"
FLOOR = "#009e73"
CEILING = "#d55e00"
SHORT = "#d55e00"
LONG = "#0072b2"
BANK = "#aa4499"
REST = "#dddddd"

SECTOR: Mapping[str, str] = {
    "power": "#332288",
    "steel": "#0072b2",
    "cement": "#88ccee",
    "aluminium": "#cc6677",
    "petrochemicals": "#aa4499",
    "chemicals": "#ddcc77",
    "flat_glass": "#44aa99",
    "copper": "#d55e00",
    "paper": "#999933",
    "aviation": "#f2a6c4",
    "ferroalloy": "#882255",
    "vanadium_titanium": "#117733",
    "mining": "#a0764a",
    "coking": "#444444",
    "other_industry": "#8c96a8",
}
SUPPLY: Mapping[str, str] = {
    "supply_free": "#a6cee3",
    "supply_auction": "#0072b2",
    "supply_reserve": "#e69f00",
    "supply_offset": "#009e73",
    "supply_penalty": "#d55e00",
}
SCENARIO = ("#0072b2", "#d55e00", "#009e73", "#aa4499", "#e69f00", "#332288", "#56b4e9", "#767676")
BASIS_MARK: Mapping[str, str] = {
    "floor": "v", "ceiling": "^", "reserve_tier": "s", "penalty": "X", "indeterminate": "D", "given": "P",
}  # fmt: skip
BADGE: dict[str, object] = {"boxstyle": "round,pad=0.3", "facecolor": "white", "edgecolor": CEILING}
HALO: dict[str, object] = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
SCENARIO_MARK = ("o", "s", "^", "D", "v", "P", "X", "*")
DIVERGING = "RdBu_r"
SEQUENTIAL = "Blues"

SIZE = (12.0, 6.75)  # inches, 16:9: one figure fills a slide
RASTER = 150  # dots per inch of the PNG
HASH_SALT = "carbonsim"

RC: Mapping[str, object] = {
    "font.family": ["Noto Sans SC", "DejaVu Sans"],
    "font.size": 13.0,
    "axes.titlesize": 13.0,
    "axes.labelsize": 13.0,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "axes.grid": False,
    "grid.color": LIGHT,
    "grid.linewidth": 0.7,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 12.0,
    "ytick.labelsize": 12.0,
    "legend.fontsize": 12.0,
    "legend.frameon": False,
    "lines.linewidth": 2.6,
    "hatch.linewidth": 0.7,
    "hatch.color": "edge",
    "svg.fonttype": "path",
    "svg.hashsalt": HASH_SALT,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


def sector_colour(sector: str) -> str:
    """Colour of a sector, always the same one; grey for a sector unknown here."""
    return SECTOR.get(sector, REST)


def ink_on(colour: Sequence[float] | NDArray[np.float64]) -> str:
    """White or dark ink, whichever is readable on a colour (red, green, blue between 0 and 1)."""
    red, green, blue = colour[:3]
    # Perceived lightness after ITU-R BT.601.
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 else INK
