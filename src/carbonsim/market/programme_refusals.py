"""What the programme of a market cannot hold, and how many quadratic columns are too many for it."""

from __future__ import annotations

from carbonsim.errors import InputError, shorten
from carbonsim.market.problem import MarketProblem
from carbonsim.market.supply import engine_zh

LARGEST_QUADRATIC = 10_000  # columns with linear MACs up to which the exact method takes a few seconds


def check_programme_holds(problem: MarketProblem, quadratic: int) -> None:
    """Raise InputError, by name, for what the programme cannot hold; ``quadratic`` counts its quadratic columns."""
    if problem.responses:
        rules = sorted({type(term.rule).__name__ for term in problem.responses})
        raise InputError(
            f"The programme cannot hold the best-response rules {shorten(rules)}: they are no convex programme and "
            "are never linearised. Use engine 'best_response'.",
            f"求解方式 {engine_zh('programme')}不能处理最优响应规则 {shorten(rules, 'zh')}：它们不是凸规划，"
            f"也从不线性化。请使用求解方式 {engine_zh('best_response')}。",
        )
    if problem.given_price is not None:
        raise InputError(
            "The programme finds a price; with given_price use engine 'auto'.",
            f"求解方式 {engine_zh('programme')}用于求价格；已给出 given_price 时请用 auto。",
        )
    if quadratic > LARGEST_QUADRATIC:
        raise InputError(
            f"The programme would hold {quadratic} quadratic columns, more than the {LARGEST_QUADRATIC} that the "
            "solver handles in seconds. Use engine 'price_search' or 'best_response', which are exact for linear MACs.",
            f"该规划将有 {quadratic} 个二次列，超过求解器在数秒内能处理的 {LARGEST_QUADRATIC} 个。请使用求解方式 "
            f"{engine_zh('price_search')}或 {engine_zh('best_response')}，二者对线性边际减排成本是精确的。",
        )
