"""The packaged textbook study from its files to results."""

from __future__ import annotations

from dataclasses import dataclass, field

import carbonsim as cs
from benchmarks.registry import Benchmark, Phase, assert_same, register

# What the documentation of `simulate` prints for this study.
PRICES = (20.0, 13.714286, 14.117647)


@dataclass(slots=True)
class Demo:
    """The study and its results."""

    scenario: cs.Scenario = field(init=False)
    results: cs.Results = field(init=False)

    def load(self) -> None:
        """Read and check the study."""
        self.scenario = cs.read_scenario("textbook")

    def simulate(self) -> None:
        """Run it through every room."""
        self.results = cs.simulate(self.scenario)

    def check(self) -> None:
        """The allowance prices are the published ones."""
        prices = self.results.run()["allowance_price"].values.tolist()
        for ours, expected in zip(prices, PRICES, strict=True):
            assert_same("allowance price", ours, expected, relative=0.0, absolute=1e-6)


@register
def demo_run() -> Benchmark[Demo]:
    """The registered specification."""
    return Benchmark(
        name="demo_run",
        summary="The packaged textbook study, read and simulated.",
        sizes=(1,),
        unit="studies",
        build=lambda size, folder: Demo(),
        phases=(Phase("load", Demo.load), Phase("simulate", Demo.simulate)),
        check=Demo.check,
    )
