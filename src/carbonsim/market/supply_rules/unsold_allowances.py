"""What becomes of allowances that an auction with a floor did not sell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carbonsim.errors import InputError, Said
from carbonsim.market.supply import Array
from carbonsim.market.supply_rule import Dated, Observed, Response, SupplyRule, check_acts_on, offered, supply_rules

if TYPE_CHECKING:
    import xarray as xr

    from carbonsim.market.certificate import Line
    from carbonsim.market.problem import MarketProblem

FATES = ("cancel", "re_offer", "reserve")
AT_TRIGGER = 1e-9  # share of the trigger by which a price may be below it and still has reached it


@supply_rules.register("unsold_allowances")
@dataclass(frozen=True, slots=True, eq=False)
class UnsoldAllowances(SupplyRule):
    r"""Allowances that an auction leaves unsold are cancelled, offered again later, or put into a reserve.

    .. math::
        :label: unsold-allowances

        A'_y = A_y + r_y + x_y, \qquad u_y = A'_y - a_y, \qquad
        r_y = \min\Big(\sum_{z \le y-k} u_z - \sum_{z<y} r_z,\ \lambda A_y\Big)

    with r the volume offered again k years later at the floor of that year, at most a share of the regular volume.
    What waits beyond the limit stays for later years. Into a reserve goes what it still has room for; the rest is
    cancelled. Nothing leaves the reserve unless ``release_price`` and ``release_limit`` are given; then

    .. math::
        :label: unsold-release

        x_y = [p_{y-1} \ge \bar P_{y-1}]\, \min(L_y, R_{y-1}), \qquad
        R_y = R_{y-1} - x_y + \min\big(u_y,\ \bar R - R_{y-1} + x_y\big) \ge 0

    is added to the auction of the year after a price that reaches the trigger, and sold there at the market's price,
    no lower than the floor; what stays unsold once more goes back. The trigger looks back a year, since a release on
    the price of the same sale would undo its own trigger; for that there is ``reserve_tier``.
    Incentives: with banking a re-offered or released volume changes the price of all years, which enterprises foresee
    but cannot move, and a release may undo its own trigger: the search then says that there is no equilibrium.
    Cancelling makes the floor bite for good, re-offering only postpones it.

    Parameters
    ----------
    acts_on : str
        Label of the auction.
    then : {"cancel", "re_offer", "reserve"}
        What becomes of unsold allowances.
    after : int
        Years until they are offered again; at least 1.
    limit_share : float or None [1]
        Largest re-offered volume as a share of the regular one; None for no limit.
    reserve_limit : float or None [allowance]
        What the reserve can hold; None for no limit.
    release_price : number, {year: number} or None [CNY/tCO2e]
        Price of the observed year from which the reserve adds to the next year's auction; None: nothing is released.
    release_limit : number, {year: number} or None [allowance]
        Most that is released in a year; needed with ``release_price``.
    """

    acts_on: str
    then: str
    after: int = 1
    limit_share: float | None = None
    reserve_limit: float | None = None
    release_price: Dated | None = None
    release_limit: Dated | None = None

    def __post_init__(self) -> None:
        for name in ("release_price", "release_limit"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, Dated.of(getattr(self, name)))

    def problems(self, problem: MarketProblem) -> list[str]:
        """A known fate with fields that belong to it, and an auction with a floor."""
        found = check_acts_on(problem, self.acts_on)
        if self.then not in FATES:
            found.append(
                Said(
                    f"then is '{self.then}'; expected {', '.join(FATES)}.",
                    f"then 为 '{self.then}'，应为 {'、'.join(FATES)}。",
                )
            )
        if not found and not any(step.name == self.acts_on and step.kind == "floor" for step in problem.steps):
            found.append(
                Said(
                    f"acts_on is '{self.acts_on}', which is no auction with a floor: nothing stays unsold there.",
                    f"acts_on 为 '{self.acts_on}'，不是设有底价的拍卖：那里不会有未售配额。",
                )
            )
        if self.after < 1 or int(self.after) != self.after:
            found.append(
                Said(
                    f"after is {self.after}; expected a whole number of years, at least 1.",
                    f"after 为 {self.after}，应为不小于 1 的整数年。",
                )
            )
        for name, fate in (("limit_share", "re_offer"), ("reserve_limit", "reserve")):
            value = getattr(self, name)
            if value is not None and (self.then != fate or not value >= 0):
                found.append(
                    Said(
                        f"{name} is {value}; expected a number that is not negative, with then: {fate}.",
                        f"{name} 为 {value}，应为非负数，且 then 为 {fate}。",
                    )
                )
        return found + self._wrong_release()

    def _wrong_release(self) -> list[str]:
        """A trigger without a limit or the other way round, without a reserve, or with wrong numbers."""
        given = {name: getattr(self, name) for name in ("release_price", "release_limit")}
        found = [text for name, value in given.items() if value is not None for text in value.wrong(name)]
        if len({value is None for value in given.values()}) > 1:
            found.append(
                Said(
                    "release_price and release_limit belong together; give both, or neither for no release.",
                    "release_price 与 release_limit 须同时给出；两者都不给则不投放。",
                )
            )
        if self.then != "reserve" and any(value is not None for value in given.values()):
            found.append(
                Said(
                    f"release_price and release_limit need a reserve, but then is '{self.then}'; write then: reserve.",
                    f"release_price 与 release_limit 需要储备，但 then 为 '{self.then}'；请写 then: reserve。",
                )
            )
        return found

    def _released(self, problem: MarketProblem, price: Array, y: int, held: float) -> float:
        """What the reserve adds to the auction of a year; it is empty before the first."""
        if self.release_price is None or self.release_limit is None or y == 0:
            return 0.0
        before = problem.year[y - 1]
        if np.isnan(price[y - 1]):
            raise InputError(
                f"The price of {before} is not determined, so it cannot release unsold allowances. Make somebody's "
                "demand answer the price, or leave release_price out.",
                f"{before} 年的价格不确定，不能据以投放未售配额。请使某方的需求随价格变化，或删去 release_price。",
            )
        reached = price[y - 1] >= float(self.release_price.at(before)) * (1 - AT_TRIGGER)
        return min(float(self.release_limit.at(problem.year[y])), held) if reached else 0.0

    def respond(self, problem: MarketProblem, seen: Observed, applied: Array | None = None) -> Response:
        """Re-offered, cancelled, reserved and released volumes; see ``SupplyRule.respond``."""
        regular, sold = offered(problem, self.acts_on), seen.used[self.acts_on]
        years = len(regular)
        names = ("unsold_reoffered", "unsold_cancelled", "unsold_to_reserve", "unsold_waiting", "reserve_release",
                 "reserve_stock")  # fmt: skip
        flow = {name: np.zeros(years) for name in names}
        unsold, waiting, held = np.zeros(years), 0.0, 0.0
        for y in range(years):
            again = self._again(regular[y], unsold[: max(y - self.after + 1, 0)], flow["unsold_reoffered"][:y])
            released = self._released(problem, seen.price, y, held)
            held -= released
            # An answer must be possible while a trial sells more than it offers; at the fixed point it never does.
            unsold[y] = max(regular[y] + again + released - sold[y], 0.0)
            reserved = unsold[y] if self.then == "reserve" else 0.0
            if self.reserve_limit is not None:
                reserved = min(reserved, self.reserve_limit - held)
            held += reserved
            waiting += unsold[y] - again if self.then == "re_offer" else 0.0
            lost = 0.0 if self.then == "re_offer" else unsold[y] - reserved
            for name, value in zip(names, (again, lost, reserved, waiting, released, held), strict=True):
                flow[name][y] = value
        change = flow["unsold_reoffered"] + flow["reserve_release"]
        if self.release_price is None:
            del flow["reserve_release"]
        return Response(change, flow)

    def _again(self, regular: float, unsold: Array, before: Array) -> float:
        """What is offered again of the unsold that are due, less what was offered again before."""
        if self.then != "re_offer":
            return 0.0
        ripe = max(float(unsold.sum() - before.sum()), 0.0)
        return ripe if self.limit_share is None else min(ripe, self.limit_share * float(regular))

    def most(self, problem: MarketProblem, seen: Observed, room: Array) -> Array:
        """All that is unsold without the rule, offered again."""
        return self.respond(problem, seen).change

    def not_isotone(self, problem: MarketProblem) -> str:
        """More on offer leaves more unsold, but also sells more later."""
        if self.release_price is not None:
            return "a release lowers the prices that would release more"
        return "" if self.then != "re_offer" else "what is offered again may stay unsold again"

    def audit(self, problem: MarketProblem, dataset: xr.Dataset, tolerance: float) -> Iterable[Line]:
        """The queue and the reserve recomputed from what was offered and sold."""
        from carbonsim.market.audit_supply_rules import unsold_lines

        return unsold_lines(self, problem, dataset, tolerance)
