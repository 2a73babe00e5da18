"""The picture of a cleared market under its public name, cheap to import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from carbonsim.errors import InputError

if TYPE_CHECKING:
    from carbonsim.market import Market, MarketProblem

# Only figures.py may import matplotlib, even for its types.
Figure: TypeAlias = Any


def plot_market(
    problem: MarketProblem,
    market: Market,
    *,
    year: int | None = None,
    lang: str = "en",
    currency: str = "CNY",
    note: str = "",
) -> Figure:
    """The picture of a cleared market: its price path and bank, the cost curve of a year, or its scenario tree.

    Parameters
    ----------
    problem : MarketProblem
    market : Market
        What ``clear(problem)`` gave.
    year : int, optional
        Year of the cost curve; without it the path is drawn, or the curve if the market has a single year.
    lang : {"en", "zh"}
    currency : str
        Code of the money that prices are in, such as CNY; XXX writes "money units".
    note : str
        What the foot says after the source.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    InputError
        If the two are no problem and its market, the market has other years than the problem, ``year`` is none of
        them or asked of a scenario tree, or the language is unknown.

    Examples
    --------
    >>> from carbonsim.market.problem_file import read_problem
    >>> file = read_problem("two_firms")
    >>> plot_market(file.problem, file.clear(), currency="XXX").axes[0].get_ylabel()
    'money units/t'
    """
    # Labels and figures are loaded when somebody draws: every public name is cheap to touch.
    from carbonsim.market import Market, MarketProblem
    from carbonsim.report.labels import language
    from carbonsim.report.market_figures import curve_figure, price_figure
    from carbonsim.report.tree_figure import tree_figure

    if not isinstance(problem, MarketProblem) or not isinstance(market, Market):
        raise InputError(
            f"expected a MarketProblem and its Market, not {type(problem).__name__} and {type(market).__name__}; of a "
            "file: plot_market(file.problem, file.clear()).",
            f"应为 MarketProblem 及其 Market，而不是 {type(problem).__name__} 与 {type(market).__name__}；"
            "对文件请写 plot_market(file.problem, file.clear())。",
        )
    if [int(year) for year in market.dataset.year.values] != list(problem.year):
        raise InputError("the market has other years than the problem; give the problem that was cleared.")
    if year is not None and year not in problem.year:
        raise InputError(
            f"year is {year}; expected one of the market's, {problem.year[0]} to {problem.year[-1]}.",
            f"year 为 {year}，应为该市场 {problem.year[0]} 至 {problem.year[-1]} 中的一年。",
        )
    shown = language(lang)
    if "node" in market.dataset.dims:
        if year is not None:
            raise InputError(
                f"year is {year}, and a scenario tree has several states in a year; leave year out.",
                f"year 为 {year}，而情景树在同一年有多个状态；请不要给出 year。",
            )
        return tree_figure(problem, market, lang=shown, currency=currency, note=note)
    if len(problem.year) > 1 and year is None:
        return price_figure(problem, market, lang=shown, currency=currency, note=note)
    return curve_figure(problem, market, lang=shown, currency=currency, note=note, year=year)
