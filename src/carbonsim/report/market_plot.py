"""The picture of a cleared market under its public name, cheap to import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from carbonsim.errors import InputError

if TYPE_CHECKING:
    from carbonsim.market import Market, MarketProblem

# Only figures.py may import matplotlib, even for its types.
Figure: TypeAlias = Any


def plot_market(
    problem: MarketProblem, market: Market, *, lang: str = "en", currency: str = "CNY", note: str = ""
) -> Figure:
    """The picture of a cleared market: its price path and bank, or the cost curve if it has a single year.

    Parameters
    ----------
    problem : MarketProblem
    market : Market
        What ``clear(problem)`` gave.
    lang : {"en", "zh"}
    currency : str
        Money of the problem, XXX if none is named.
    note : str
        What the foot says after the source.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    InputError
        If the market is not one of the problem's years, or the language is unknown.
    """
    # Labels and figures are loaded when somebody draws: every public name is cheap to touch.
    from carbonsim.report.labels import language
    from carbonsim.report.market_figures import curve_figure, price_figure

    if "node" in market.dataset.dims:
        raise InputError("a scenario tree has no single path to draw; its dataset holds price_quantile by year.")
    if [int(year) for year in market.dataset.year.values] != list(problem.year):
        raise InputError("the market has other years than the problem; give the problem that was cleared.")
    shown = language(lang)
    if len(problem.year) > 1:
        return price_figure(problem, market, lang=shown, currency=currency, note=note)
    return curve_figure(problem, market, lang=shown, currency=currency, note=note)
