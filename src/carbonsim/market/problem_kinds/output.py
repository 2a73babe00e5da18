"""Output markets as a problem file: goods, producers and pools under caps, standards and rebates."""

from __future__ import annotations

from collections.abc import Mapping

from carbonsim.errors import InputError
from carbonsim.market.concept import Concept
from carbonsim.market.output_market import OutputMarket, clear_output
from carbonsim.market.output_problem import OutputProblem
from carbonsim.market.problem_kind import Columns, ProblemKind, Progress, columns_over, problem_kinds

BY_POOL = (
    "allowance_price", "price_low", "price_high", "price_basis", "factor", "pool_emissions", "issued", "auctioned",
    "unused", "government_revenue",
)  # fmt: skip
BY_GOOD = (
    "good_price", "good_price_without", "quantity", "pass_through", "abatement_spending", "switching_cost",
    "output_margin_lost",
)  # fmt: skip
BY_PRODUCER = ("output", "output_without", "intensity_cut", "emissions", "net_demand", "profit", "windfall")
BY_YEAR = ("home_emissions", "home_emissions_without", "leakage", "leakage_rate", "policy_cost", "welfare")


@problem_kinds.register("output")
class OutputKind(ProblemKind):
    """Goods and producers whose output answers the allowance price: standards, rebates, caps and their transition."""

    __slots__ = ()

    def read(self, mapping: Mapping[str, object]) -> OutputProblem:
        """The output problem."""
        return OutputProblem.from_mapping(mapping)

    def clear(
        self, problem: OutputProblem, *, engine: str, concept: Concept | None, progress: Progress | None
    ) -> OutputMarket:
        """Prices, outputs and emissions.

        Raises
        ------
        InputError
            If an engine or a concept is asked for: there is one way of clearing.
        """
        if engine != "auto" or concept is not None:
            raise InputError(
                "An output problem is cleared in one way only; leave engine and concept out.",
                "产出类问题只有一种求解方式；请不要指定求解方式和均衡概念。",
            )
        return clear_output(problem, progress)

    def tables(self, problem: OutputProblem, cleared: OutputMarket) -> Mapping[str, Columns]:
        """Pools, goods, producers and totals by year."""
        data = cleared.dataset
        tables: dict[str, Columns] = {}
        if data.sizes["pool"]:
            tables["pools"] = columns_over(data, ("year", "pool"), BY_POOL)
        return tables | {
            "goods": columns_over(data, ("year", "good"), BY_GOOD),
            "producers": columns_over(data, ("year", "producer"), BY_PRODUCER),
            "totals": columns_over(data, ("year",), BY_YEAR),
        }
