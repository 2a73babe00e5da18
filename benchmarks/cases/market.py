"""One market from its arrays to audited prices by the price search, against programmes declared in Pyomo."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import xarray as xr

from benchmarks.agreement import total_cost
from benchmarks.markets import OPTIONS_AN_ENTERPRISE, YEARS, made_up_market
from benchmarks.registry import Benchmark, DisagreementError, Phase, Rival, assert_same, register
from carbonsim.market import Market, MarketProblem, audit, clear
from carbonsim.market.clearing import Clearing
from carbonsim.market.enterprise_data import EnterpriseData
from carbonsim.market.enterprise_programme import tiled_programme
from carbonsim.market.ledger import market_dataset
from carbonsim.market.price_search import clear_by_price_search
from carbonsim.market.programme import build_programme
from carbonsim.solving import LoadedProgramme, compile_programme

SIZES: Final = (100, 1_000, 10_000, 100_000)
LARGEST_DECLARED: Final = 10_000
AIM: Final = (10_000, 0.1)


@dataclass(slots=True)
class Cleared:
    """A market problem, and what each way makes of it."""

    problem: MarketProblem
    clearing: Clearing = field(init=False)
    dataset: xr.Dataset = field(init=False)
    market: Market = field(init=False)
    theirs: float = field(init=False)

    def validate(self) -> None:
        """Make the problem from its arrays, with all its checks."""
        fields = {one.name: getattr(self.problem, one.name) for one in dataclasses.fields(self.problem)}
        self.problem = MarketProblem(**fields)

    def search(self) -> None:
        """Prices and quantities."""
        self.clearing = clear_by_price_search(self.problem, "timed")

    def publish(self) -> None:
        """The dataset: ledger, trades, costs by enterprise."""
        self.dataset = market_dataset(self.problem, self.clearing)

    def prove(self) -> None:
        """The certificate."""
        if not audit(self.problem, self.dataset).passed:
            raise DisagreementError("the certificate does not pass.")

    def clear(self) -> None:
        """All of it, as a user calls it."""
        self.market = clear(self.problem, engine="price_search")

    def check(self) -> None:
        """The parts and the whole give the same."""
        assert_same("price", float(self.clearing.price[0]), float(self.market.dataset.allowance_price[0]), relative=0.0)

    def solve_aggregate(self) -> None:
        """Year balances declared in Pyomo and solved by HiGHS: one price path, neither interval nor certificate."""
        programme = build_programme(self.problem)
        self.theirs = _least_cost(compile_programme(programme.model)) * programme.frame.scale

    def solve_enterprises(self) -> None:
        """A balance for each enterprise: one cell a cohort declared in Pyomo, tiled in numpy and solved by HiGHS."""
        data = EnterpriseData(self.problem)
        self.theirs = _least_cost(tiled_programme(data).programme) * data.scale

    def agrees(self) -> None:
        """The cost is that of the rival."""
        assert_same("cost", total_cost(self.problem, self.market), self.theirs)


def _least_cost(compiled: Any) -> float:
    solution = LoadedProgramme(compiled).solve()
    if solution is None:
        raise DisagreementError("the programme has no feasible point.")
    return float(solution.objective)


def _rival(name: str, run: Callable[[Cleared], None], largest: int, least_ratio: float | None = None) -> Rival[Cleared]:
    return Rival(name, "clear", run, Cleared.agrees, largest=largest, least_ratio=least_ratio)


@register
def market() -> Benchmark[Cleared]:
    """The registered specification."""
    return Benchmark(
        name="market",
        summary=(
            f"A market of enterprises with {OPTIONS_AN_ENTERPRISE} step options over {len(YEARS)} years: banking, "
            "offsets up to 5 % of obligations, a ceiling, widening coverage; prices, ledger and certificate."
        ),
        sizes=SIZES,
        unit="enterprises",
        build=lambda size, folder: Cleared(made_up_market(size)),
        phases=(
            Phase("validate", Cleared.validate),
            Phase("search", Cleared.search),
            Phase("publish", Cleared.publish),
            Phase("prove", Cleared.prove),
            Phase("clear", Cleared.clear, aim=AIM),
        ),
        check=Cleared.check,
        rivals=(
            _rival("pyomo_aggregate", Cleared.solve_aggregate, LARGEST_DECLARED, least_ratio=100.0),
            _rival("tiled_enterprises", Cleared.solve_enterprises, LARGEST_DECLARED),
        ),
    )


@register
def market_linear() -> Benchmark[Cleared]:
    """The registered specification."""
    return Benchmark(
        name="market_linear",
        summary="The same with marginal costs that rise along every option; no rival solves it at these sizes.",
        sizes=(100, 1_000, 10_000),
        unit="enterprises",
        build=lambda size, folder: Cleared(made_up_market(size, linear=True)),
        phases=(Phase("search", Cleared.search), Phase("clear", Cleared.clear)),
        check=Cleared.check,
    )
