"""A cleared market as a notebook shows it: a small table of prices, quantities and what binds."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

import xarray as xr

from carbonsim.market.equilibria import equilibrium_lines

MILLION = 1e6  # from here on six digits would be written with an exponent
HEADS = ("price per t", "interval", "basis", "emissions (t)", "abatement (t)", "bank (t)")


def market_html(dataset: xr.Dataset, engine: str, reason: str, failed: int, lines: int) -> str:
    """HTML of a market by year, or by node of a tree, with its engine and the outcome of its audit under it.

    Parameters
    ----------
    dataset : Dataset
        As published by ``clear``.
    engine, reason : str
        How the price was found.
    failed, lines : int
        Lines of the certificate that failed, and all of them.
    """
    along = "node" if "node" in dataset.dims else "year"
    rows = [_row([html.escape(head) for head in (along, *HEADS)], "th")]
    for year in dataset[along].values:
        at = dataset.sel({along: year})
        price, low, high, bank = (float(at[name]) for name in ("allowance_price", "price_low", "price_high", "bank"))
        emissions, cut = float(at.covered_emissions.sum()), float(at.abatement.sum())
        cells = [str(year), _number(price, "undetermined"), interval(low, high), str(at.price_basis.item())]
        rows.append(_row([html.escape(cell) for cell in [*cells, *map(_number, (emissions, cut, bank))]], "td"))
    audit = f"certificate: {lines} lines, {'all passed' if not failed else f'{failed} FAILED'}"
    told = [f"Market, engine {engine}: {reason}; {audit}", *equilibrium_lines(dataset)]
    caption = "<br>".join(html.escape(line) for line in told)
    return f'<table><caption style="caption-side:bottom;text-align:left">{caption}</caption>{"".join(rows)}</table>'


def interval(low: float, high: float) -> str:
    """The interval of a price as text; an end that is NaN does not exist.

    >>> interval(2.0, 2.0), interval(80.0, 90.0), interval(80.0, math.nan)
    ('2', '80 to 90', '80 or more')
    """
    if math.isnan(low):
        return "-" if math.isnan(high) else f"up to {high:.6g}"
    if math.isnan(high):
        return f"{low:.6g} or more"
    return f"{low:.6g}" if low == high else f"{low:.6g} to {high:.6g}"


def _number(value: float, missing: str = "-") -> str:
    """Six digits, or all of them before the point.

    >>> _number(17168802.9), _number(71.119708), _number(math.nan)
    ('17,168,803', '71.1197', '-')
    """
    if math.isnan(value):
        return missing
    return f"{value:,.0f}" if abs(value) >= MILLION else f"{value:,.6g}"


def _row(cells: Sequence[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>"
