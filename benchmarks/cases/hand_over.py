"""The market with a balance for each enterprise, from the problem to a loaded HiGHS: tiled, against row by row."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from pyomo.contrib.appsi.solvers import Highs as RowByRow

from benchmarks.markets import made_up_market
from benchmarks.registry import Benchmark, Phase, Rival, assert_same, register
from carbonsim.market import MarketProblem
from carbonsim.market.enterprise_data import EnterpriseData
from carbonsim.market.enterprise_programme import declare_enterprises, tiled_programme
from carbonsim.solving import CompiledProgramme, LoadedProgramme

SOLVED: Final = 1_000  # largest size at which both are also solved and their least costs compared


@dataclass(slots=True)
class HandedOver:
    """A market and its programme as HiGHS holds it, both ways."""

    problem: MarketProblem
    programme: CompiledProgramme = field(init=False)
    loaded: LoadedProgramme = field(init=False)
    by_row: Any = field(init=False)

    def hand_over(self) -> None:
        """Declare one cell a cohort, compile it, repeat it, load it."""
        self.programme = tiled_programme(EnterpriseData(self.problem)).programme
        self.loaded = LoadedProgramme(self.programme)

    def check(self) -> None:
        """Every covered enterprise-year has a balance and a limit on offsets."""
        covered = int(np.sum(self.problem.share > 0))
        assert_same("rows", float(len(self.programme.rows)), 2.0 * covered + len(self.problem.year))

    def row_by_row(self) -> None:
        """Declare every enterprise and load row by row through Pyomo's own interface."""
        self.by_row = RowByRow()
        self.by_row.set_instance(declare_enterprises(EnterpriseData(self.problem)))

    def agrees(self) -> None:
        """Both hold the same programme; where that takes seconds, both have the same least cost.

        Names and order differ, so each kind of number is compared in order of size.
        """
        theirs = self.by_row._solver_model
        ours, held = self.programme, theirs.getLp()
        for name, mine, other in (
            ("cost", ours.cost, held.col_cost_),
            ("least use", ours.column_lower, held.col_lower_),
            ("most use", ours.column_upper, held.col_upper_),
            ("row from", ours.row_lower, held.row_lower_),
            ("row to", ours.row_upper, held.row_upper_),
            ("entry", ours.matrix.data, held.a_matrix_.value_),
        ):
            np.testing.assert_allclose(np.sort(mine), np.sort(other), rtol=1e-12, err_msg=name)
        if len(self.problem.enterprise) > SOLVED:
            return
        found = self.loaded.solve()
        theirs.setOptionValue("output_flag", False)
        theirs.run()
        if found is None:
            raise AssertionError("the market of the benchmark has to clear")
        assert_same("least cost", found.objective, float(theirs.getObjectiveValue()))


def _handed(size: int, _: Path) -> HandedOver:
    return HandedOver(made_up_market(size))


@register
def hand_over() -> Benchmark[HandedOver]:
    """The registered specification."""
    return Benchmark(
        name="hand_over",
        summary="The programme with a balance for each enterprise (8 options, 10 years), from the problem to HiGHS.",
        sizes=(100, 1_000, 10_000),
        unit="enterprises",
        build=_handed,
        phases=(Phase("hand_over", HandedOver.hand_over, aim=(10_000, 1.0)),),
        check=HandedOver.check,
        rivals=(
            Rival(
                name="pyomo_row_by_row",
                phase="hand_over",
                run=HandedOver.row_by_row,
                agrees=HandedOver.agrees,
                largest=10_000,
                least_ratio=50.0,
                largest_traced=1_000,
            ),
        ),
    )
