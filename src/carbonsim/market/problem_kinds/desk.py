"""The compliance desk of one enterprise as a problem file: what it owes, holds and may trade, month by month."""

from __future__ import annotations

from collections.abc import Mapping

from carbonsim.market.concept import Concept
from carbonsim.market.desk import Desk, DeskPlan, plan_desk
from carbonsim.market.faults import Fault
from carbonsim.market.plugin_arguments import argument_faults, make
from carbonsim.market.problem_kind import Columns, ProblemKind, Progress, columns_over, problem_kinds

BY_MONTH = ("bought", "sold", "credits_bought", "holdings", "cash", "cash_needed", "allowance_value")
AT_THE_END = (
    "surrendered", "credits_used", "credits_left", "carried_over", "expired", "missing", "fine_paid", "final_wealth",
)  # fmt: skip


@problem_kinds.register("desk")
class DeskKind(ProblemKind):
    """One enterprise before a deadline: what to buy, sell and carry over, and the cash it takes."""

    __slots__ = ()

    def faults(self, mapping: Mapping[str, object]) -> list[Fault]:
        """Unknown, missing and wrong fields, and what the desk says against itself."""
        return argument_faults((), Desk, mapping, ()) or ProblemKind.faults(self, mapping)

    def read(self, mapping: Mapping[str, object]) -> Desk:
        """The desk."""
        desk: Desk = make((), Desk, mapping, ())
        return desk

    def clear(self, problem: Desk, *, engine: str, concept: Concept | None, progress: Progress | None) -> DeskPlan:
        """The best plan."""
        return plan_desk(problem)

    def tables(self, problem: Desk, cleared: DeskPlan) -> Mapping[str, Columns]:
        """Trades and cash by month, and what the deadline comes to."""
        data = cleared.dataset
        return {
            "months": columns_over(data, ("month",), BY_MONTH),
            "deadline": {name: [float(data[name])] for name in AT_THE_END},
        }
