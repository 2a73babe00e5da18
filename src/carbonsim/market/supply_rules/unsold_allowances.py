"""What becomes of allowances that an auction with a floor did not sell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carbonsim.errors import Said
from carbonsim.market.supply import Array
from carbonsim.market.supply_rule import Observed, Response, SupplyRule, check_acts_on, offered, supply_rules

if TYPE_CHECKING:
    import xarray as xr

    from carbonsim.market.certificate import Line
    from carbonsim.market.problem import MarketProblem

FATES = ("cancel", "re_offer", "reserve")


@supply_rules.register("unsold_allowances")
@dataclass(frozen=True, slots=True, eq=False)
class UnsoldAllowances(SupplyRule):
    r"""Allowances that an auction leaves unsold are cancelled, offered again later, or put into a reserve.

    .. math::
        :label: unsold-allowances

        A'_y = A_y + r_y, \qquad u_y = A'_y - a_y, \qquad
        r_y = \min\Big(\sum_{z \le y-k} u_z - \sum_{z<y} r_z,\ \lambda A_y\Big)

    with r the volume offered again k years later at the floor of that year, at most a share of the regular volume.
    What waits beyond the limit stays for later years. Into a reserve goes what it still has room for; the rest is
    cancelled. Incentives: with banking a re-offered volume changes the price of all years, which enterprises foresee
    but cannot move; cancelling makes the floor bite for good, re-offering only postpones it.

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
    """

    acts_on: str
    then: str
    after: int = 1
    limit_share: float | None = None
    reserve_limit: float | None = None

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
        return found

    def respond(self, problem: MarketProblem, seen: Observed, applied: Array | None = None) -> Response:
        """Re-offered, cancelled and reserved volumes; see ``SupplyRule.respond``."""
        regular, sold = offered(problem, self.acts_on), seen.used[self.acts_on]
        years = len(regular)
        names = ("unsold_reoffered", "unsold_cancelled", "unsold_to_reserve", "unsold_waiting", "reserve_stock")
        flow = {name: np.zeros(years) for name in names}
        unsold, waiting, held = np.zeros(years), 0.0, 0.0
        for y in range(years):
            again = 0.0
            if self.then == "re_offer":
                ripe = unsold[: max(y - self.after + 1, 0)].sum() - flow["unsold_reoffered"][:y].sum()
                again = (
                    max(ripe, 0.0) if self.limit_share is None else min(max(ripe, 0.0), self.limit_share * regular[y])
                )
            # An answer must be possible while a trial sells more than it offers; at the fixed point it never does.
            unsold[y] = max(regular[y] + again - sold[y], 0.0)
            reserved = unsold[y] if self.then == "reserve" else 0.0
            if self.reserve_limit is not None:
                reserved = min(reserved, self.reserve_limit - held)
            held += reserved
            waiting += unsold[y] - again if self.then == "re_offer" else 0.0
            lost = 0.0 if self.then == "re_offer" else unsold[y] - reserved
            for name, value in zip(names, (again, lost, reserved, waiting, held), strict=True):
                flow[name][y] = value
        return Response(flow["unsold_reoffered"], flow)

    def most(self, problem: MarketProblem, seen: Observed, room: Array) -> Array:
        """All that is unsold without the rule, offered again."""
        return self.respond(problem, seen).change

    def not_isotone(self, problem: MarketProblem) -> str:
        """More on offer leaves more unsold, but also sells more later."""
        return "" if self.then != "re_offer" else "what is offered again may stay unsold again"

    def audit(self, problem: MarketProblem, dataset: xr.Dataset, tolerance: float) -> Iterable[Line]:
        """The queue and the reserve recomputed from what was offered and sold."""
        from carbonsim.market.audit_supply_rules import unsold_lines

        return unsold_lines(self, problem, dataset, tolerance)
