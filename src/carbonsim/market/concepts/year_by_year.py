"""Year by year: nobody looks beyond the year, but what is left over stays in the accounts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from carbonsim.errors import InputError
from carbonsim.market.clear import Engine, Market
from carbonsim.market.concept import Concept, concepts
from carbonsim.market.foresight import Foresight, clear_with_foresight
from carbonsim.market.problem import MarketProblem


@concepts.register("year_by_year")
@dataclass(frozen=True, slots=True, eq=False)
class YearByYear(Concept):
    r"""Each year clears by itself, and allowances that are left over then are carried into the next.

    .. math::
        :label: year-by-year

        \text{at } t:\quad \min\; C_t - V_t B_t \quad\text{s.t.}\quad B_t = B_{t-1} + S_t - D_t \ge 0

    A myopic holder does not save for a shortage ahead: an allowance left over is worth :math:`V_t`, which by default
    is nothing. It is kept all the same, since the rules let it be, and adds to next year's supply. So with
    :math:`V = 0` an allowance is carried only where the price is 0. The price of a year is the multiplier of its
    own balance; with :math:`B_t > 0` it is :math:`V_t`. Nothing can be borrowed, and ``banking.borrowing`` is refused:
    what would have to be paid back lies beyond what anybody sees.

    Parameters
    ----------
    carry_value : {"none", "last_price"}
        Worth V of an allowance carried over. ``none``: nothing. ``last_price``: the price of the year before, expected
        to hold next year and discounted once, :math:`V_t = p_{t-1} / (1 + r)`. In the market's last year what is left
        is worth nothing, or what the problem's own terminal condition says.
    first_value : float, optional
        V of the first year [CNY/allowance], which has no year before it; needed with ``last_price``.
    announcements : sequence of mapping
        Policy that becomes known later, as in ``rolling_horizon``: nobody reacts before it holds in any case.
    """

    carry_value: Literal["none", "last_price"] = "none"
    first_value: float | None = None
    announcements: Sequence[Mapping[str, object]] = ()

    def clear(self, problem: MarketProblem, engine: Engine, progress: Callable[[str, float], None] | None) -> Market:
        """The path of yearly markets with what is carried between them; see ``carbonsim.market.foresight``."""
        if self.carry_value not in ("none", "last_price"):
            raise InputError(
                f"year_by_year.carry_value is '{self.carry_value}'; expected none or last_price.",
                f"year_by_year.carry_value 为 '{self.carry_value}'，应为 none 或 last_price。",
            )
        if (self.carry_value == "none") != (self.first_value is None):
            raise InputError(
                f"year_by_year: carry_value is {self.carry_value} and first_value {self.first_value}; the first year "
                "has no price before it, so first_value is needed with last_price, and only then.",
                f"year_by_year：carry_value 为 {self.carry_value}，first_value 为 {self.first_value}；"
                "首年没有以往价格，"
                "因此 last_price 须给出 first_value，其他情形不得给出。",
            )
        announcements = tuple(self.announcements)
        foresight = Foresight(1, 1, announcements, self.first_value, constant_price=True)
        return clear_with_foresight(problem, foresight, "year_by_year", engine, progress)
