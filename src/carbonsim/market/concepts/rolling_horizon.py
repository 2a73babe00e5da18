"""Rolling horizon: everybody sees a window of years, decides, and decides again when the next years have come."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from carbonsim.errors import InputError
from carbonsim.market.clear import Engine, Market
from carbonsim.market.concept import Concept, concepts
from carbonsim.market.foresight import Foresight, clear_with_foresight
from carbonsim.market.problem import MarketProblem


@concepts.register("rolling_horizon")
@dataclass(frozen=True, slots=True, eq=False)
class RollingHorizon(Concept):
    r"""Everybody foresees a window of years under the policy announced so far, and only its first years come true.

    .. math::
        :label: rolling-horizon

        \text{at } t:\quad \min \sum_{y=t}^{t+H-1} d_y C_y - d_{t+H-1} V_t B_{t+H-1}
        \quad\text{given } B_{t-1} \text{ and the policy known in } t,

    of which the years :math:`t, \dots, t + k - 1` are implemented, with :math:`k` = ``step``, or fewer if an
    announcement comes before. Their bank, or debt with what it has grown by, opens the next window. The price of a
    year is the multiplier of its balance in the window that implements it; it keeps that window's interval and basis.
    It rises at the rate of interest inside a window while the bank is positive; from one decision to the next it moves
    by whatever was not foreseen. No rule's incentive inside a year changes.

    Borrowing follows the window: nothing may be owed at its end, so a window of one year refuses it. Where allowances
    carry ``vintages`` in place of a bank, every window opens with what the one before left of each, and with its life.

    Parameters
    ----------
    window : int
        Years H that a decision sees, its own included.
    step : int
        Years k implemented before everybody decides anew.
    terminal_value : {"none", "extrapolated"}
        Worth V of an allowance left at a window's end, in windows that end before the market does. ``none``: nothing.
        ``extrapolated``: the price that the decision before expected in the last year of its own window, grown at the
        rate of interest for the years between the two ends. (Extrapolating a window's own last price would change
        nothing: an allowance left would be worth just what it costs, which the answer without any worth satisfies.)
    first_value : float, optional
        V of the first window [CNY/allowance], which has no decision before it; needed with ``extrapolated``.
    announcements : sequence of mapping
        Policy that becomes known later: ``known_from`` (year) and ``changes`` that hold from then on, as
        ``carbonsim.market.changes.apply_changes`` takes them. Before, everybody expects the policy without them.
    """

    window: int
    step: int = 1
    terminal_value: Literal["none", "extrapolated"] = "none"
    first_value: float | None = None
    announcements: Sequence[Mapping[str, object]] = ()

    def clear(self, problem: MarketProblem, engine: Engine, progress: Callable[[str, float], None] | None) -> Market:
        """The implemented path with what each decision expected; see ``carbonsim.market.foresight``."""
        if self.terminal_value not in ("none", "extrapolated"):
            raise InputError(
                f"rolling_horizon.terminal_value is '{self.terminal_value}'; expected none or extrapolated.",
                f"rolling_horizon.terminal_value 为 '{self.terminal_value}'，应为 none 或 extrapolated。",
            )
        if (self.terminal_value == "none") != (self.first_value is None):
            raise InputError(
                f"rolling_horizon: terminal_value is {self.terminal_value} and first_value {self.first_value}; the "
                "first window has no earlier price to extrapolate, so first_value is needed then, and only then.",
                f"rolling_horizon：terminal_value 为 {self.terminal_value}，first_value 为 {self.first_value}；"
                "首个窗口没有可外推的以往价格，因此在外推时须给出 first_value，其他情形不得给出。",
            )
        foresight = Foresight(self.window, self.step, tuple(self.announcements), self.first_value)
        return clear_with_foresight(problem, foresight, "rolling_horizon", engine, progress)
