"""Release and withholding triggered by the price of an earlier year."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from carbonsim.errors import InputError, Said
from carbonsim.market.supply import Array
from carbonsim.market.supply_rule import (
    FIXED_SUPPLY,
    Dated,
    Observed,
    Response,
    SupplyRule,
    by_year,
    check_acts_on,
    supply_rules,
)

if TYPE_CHECKING:
    import xarray as xr

    from carbonsim.market.certificate import Line
    from carbonsim.market.problem import MarketProblem

AT_TRIGGER = 1e-9  # a price this close to a trigger, relatively, is at it
DATED = ("upper_price", "release", "lower_price", "withholding")


@supply_rules.register("price_triggered")
@dataclass(frozen=True, slots=True, eq=False)
class PriceTriggered(SupplyRule):
    r"""A price at or above a trigger releases allowances years later, one below a lower trigger withholds some.

    .. math::
        :label: price-triggered

        S'_y = S_y + \min(R_y, \text{stock}_y)\,[p_{y-l} \ge \bar P_{y-l}] - W_y\,[p_{y-l} < \underline P_{y-l}]

    This is for triggers that look back. A trigger on the price of the same sale is no such rule but a supply step,
    and belongs in the market: a cost containment reserve is a ``reserve_tier`` at its trigger price; an emissions
    containment reserve is an ``auction_floor`` of its own (``kind: auction_floor`` under another label) that offers
    the withheld volume at its trigger price and nothing below.
    A tier that is opened by last year's price is a ``reserve_tier`` of quantity 0 that the rule ``acts_on``.
    Incentives: nobody can buy the release, but all foresee it, so with banking the price before it falls as well;
    a release may then undo its own trigger, and no equilibrium exists: the search says so.

    Parameters
    ----------
    upper_price, lower_price : number or None, or {year: ...} [CNY/tCO2e]
        Triggers of the observed year; None where there is none.
    release, withholding : number or {year: number} [allowance]
        Volumes of the year that is changed.
    lag : int
        Years between the price and the change; at least 1.
    opening_reserve : float [allowance]
        What can be released at first; withheld allowances add to it unless they are cancelled. ``inf`` if unlimited.
    withheld_to : {"reserve", "cancelled"}
        What becomes of withheld allowances.
    earlier_price : {year: number} [CNY/tCO2e]
        Prices of the ``lag`` years before the market begins.
    acts_on : str
        "supply", or the label of the instrument whose quantity is changed.
    """

    upper_price: Dated
    release: Dated
    lower_price: Dated
    withholding: Dated
    lag: int
    opening_reserve: float
    withheld_to: str
    earlier_price: Mapping[int, float] = field(default_factory=dict)
    acts_on: str = FIXED_SUPPLY

    def __post_init__(self) -> None:
        for name in DATED:
            object.__setattr__(self, name, Dated.of(getattr(self, name)))
        object.__setattr__(self, "earlier_price", by_year(self.earlier_price))

    def problems(self, problem: MarketProblem) -> list[str]:
        """Signs, missing prices, and a rule without a trigger."""
        found = [text for name in DATED for text in getattr(self, name).wrong(name, (None,))]
        found += check_acts_on(problem, self.acts_on)
        if self.lag < 1:
            found.append(
                Said(
                    f"lag is {self.lag}; a trigger on the same year's price is a supply step, not a rule.",
                    f"lag 为 {self.lag}；由当年价格触发的是供给项，不是规则。",
                )
            )
            return found
        if not self.opening_reserve >= 0:
            found.append(
                Said(
                    f"opening_reserve is {self.opening_reserve:g}; expected a number that is not negative.",
                    f"opening_reserve 为 {self.opening_reserve:g}，应为非负数。",
                )
            )
        if self.withheld_to not in ("reserve", "cancelled"):
            found.append(
                Said(
                    f"withheld_to is '{self.withheld_to}'; expected 'reserve' or 'cancelled'.",
                    f"withheld_to 为 '{self.withheld_to}'，应为 'reserve' 或 'cancelled'。",
                )
            )
        missing = [
            year for year in range(problem.year[0] - self.lag, problem.year[0]) if year not in self.earlier_price
        ]
        if missing:
            found.append(
                Said(
                    f"earlier_price has no {missing[0]}, which decides on {missing[0] + self.lag}.",
                    f"earlier_price 没有 {missing[0]} 年的值，而它决定 {missing[0] + self.lag} 年。",
                )
            )
        if all(entry is None for name in ("upper_price", "lower_price") for _, entry in getattr(self, name).values):
            found.append(
                Said(
                    "price_triggered has no trigger, so it has no effect; give one or leave it out.",
                    "price_triggered 没有触发条件，不起作用；请给出，或删去该规则。",
                )
            )
        return found

    def _signals(self, problem: MarketProblem, seen: Observed) -> list[tuple[bool, bool]]:
        """Whether each year's change is triggered above and below."""
        price = {**self.earlier_price, **dict(zip(problem.year, map(float, seen.price), strict=True))}
        found = []
        for year in problem.year:
            observed = price[year - self.lag]
            if np.isnan(observed):
                raise InputError(
                    f"The price of {year - self.lag} is not determined, so no rule can be triggered by it. Make "
                    "somebody's demand answer the price, or leave the price-triggered rule out.",
                    f"{year - self.lag} 年的价格不确定，不能据以触发规则。请使某方的需求随价格变化，"
                    "或删去价格触发的规则。",
                )
            high, low = self.upper_price.at(year - self.lag), self.lower_price.at(year - self.lag)
            found.append(
                (
                    high is not None and observed >= high * (1 - AT_TRIGGER),
                    low is not None and observed < low * (1 - AT_TRIGGER),
                )
            )
        return found

    def respond(self, problem: MarketProblem, seen: Observed, applied: Array | None = None) -> Response:
        """Releases and withholdings of each year; see ``SupplyRule.respond``."""
        years = problem.year
        release, withheld, stock = (np.zeros(len(years)) for _ in range(3))
        held = self.opening_reserve
        for y, (above, below) in enumerate(self._signals(problem, seen)):
            release[y] = min(float(self.release.at(years[y])), held) if above else 0.0
            withheld[y] = float(self.withholding.at(years[y])) if below else 0.0
            held += (withheld[y] if self.withheld_to == "reserve" else 0.0) - release[y]
            stock[y] = held
        flows = {"reserve_release": release, "reserve_intake": withheld}
        if np.isfinite(self.opening_reserve):
            flows["reserve_stock"] = stock
        return Response(release - withheld, flows)

    def most(self, problem: MarketProblem, seen: Observed, room: Array) -> Array:
        """Every year withheld, nothing released."""
        if all(entry is None for _, entry in self.lower_price.values):
            return np.zeros(len(problem.year))
        return -np.array([float(self.withholding.at(year)) for year in problem.year])

    def not_isotone(self, problem: MarketProblem) -> str:
        """A withdrawal raises the price, which ends withdrawals."""
        return "a withdrawal raises the price that would end it"

    def audit(self, problem: MarketProblem, dataset: xr.Dataset, tolerance: float) -> Iterable[Line]:
        """The triggers applied once more to the published prices."""
        from carbonsim.market.audit_supply_rules import price_lines

        return price_lines(self, problem, dataset, tolerance)
