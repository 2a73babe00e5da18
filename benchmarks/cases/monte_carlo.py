"""Monte Carlo of a ledger with shared factors and measured amounts, against the same draws written by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import xarray as xr

from benchmarks.ledgers import ledger_tables, write_folder
from benchmarks.registry import Benchmark, DisagreementError, Phase, Rival, assert_same, register
from benchmarks.row_errors import Floats, Row, draw_at_once, draw_by_row, rows_of
from carbonsim.accounting import build_inventory
from carbonsim.accounting.uncertainty import Uncertainty, propagate
from carbonsim.inputs.ledger import Ledger, read_ledger

ByHand = Callable[[list[Row], int, np.random.Generator], dict[str, Floats]]
DRAWS: Final = 1_000
MORE_DRAWS: Final = 10_000
CHUNK, SMALL_CHUNK = 1_000, 100
SEED: Final = 7
WITHIN: Final = 5.0  # standard errors that two samples may be apart
LARGEST_BY_HAND: Final = 10_000


@dataclass(slots=True)
class Drawn:
    """An inventory with stated uncertainties, and its draws both ways."""

    ledger: Ledger
    inventory: xr.Dataset
    large: Uncertainty = field(init=False)
    small: Uncertainty = field(init=False)
    by_hand: dict[str, Floats] = field(init=False)

    def _drawn(self, chunk: int, draws: int = DRAWS) -> Uncertainty:
        return propagate(self.inventory, self.ledger, approach="monte_carlo", draws=draws, seed=SEED, chunk=chunk)

    def draw(self) -> None:
        """All draws in one chunk."""
        self.large = self._drawn(CHUNK)

    def draw_in_small_chunks(self) -> None:
        """The same in ten chunks, for less memory."""
        self.small = self._drawn(SMALL_CHUNK)

    def draw_more(self) -> None:
        """Ten times the draws, for the memory they take."""
        self._drawn(CHUNK, MORE_DRAWS)

    def check(self) -> None:
        """Chunks change no bit, and the point is that of the inventory."""
        if not self.large.dataset.drop_attrs().identical(self.small.dataset.drop_attrs()):
            raise DisagreementError("the chunk changed the draws.")
        point = float(self.large.dataset["emissions_co2e"].sel(group="total").isel(year=0))
        assert_same("point", point, float(self.inventory["emissions_co2e"].sum()))

    def agrees(self) -> None:
        """Mean and standard deviation of every enterprise and of the total are those of another sample.

        The means of two samples of n draws differ by a standard error of deviation × sqrt(2/n), their deviations by
        about deviation / sqrt(n).
        """
        data = self.large.dataset.isel(year=0)
        for name, values in self.by_hand.items():
            deviation = float(values.std(ddof=1))
            mean = float(data["sample_mean"].sel(group=name))
            spread = float(data["standard_deviation"].sel(group=name))
            room = WITHIN * deviation / np.sqrt(DRAWS)
            assert_same(f"mean of {name}", mean, float(values.mean()), relative=0, absolute=room * np.sqrt(2))
            assert_same(f"deviation of {name}", spread, deviation, relative=0, absolute=room)


def _by_hand(draw: ByHand) -> Callable[[Drawn], None]:
    def run(state: Drawn) -> None:
        state.by_hand = draw(rows_of(state.ledger, state.inventory), DRAWS, np.random.default_rng(SEED))

    return run


def _drawn(size: int, folder: Path) -> Drawn:
    ledger = read_ledger(write_folder(ledger_tables(size, with_uncertainty=True), folder / "books"))
    return Drawn(ledger, build_inventory(ledger))


def _rival(name: str, draw: ByHand) -> Rival[Drawn]:
    return Rival(
        name=name,
        phase="draw",
        run=_by_hand(draw),
        agrees=Drawn.agrees,
        largest=LARGEST_BY_HAND,
    )


@register
def monte_carlo() -> Benchmark[Drawn]:
    """The registered specification."""
    return Benchmark(
        name="monte_carlo",
        summary=f"Uncertainty of an inventory by {DRAWS:,} draws: levels, contributions, what is stated.",
        sizes=(1_000, 10_000, 100_000),
        unit="rows",
        build=_drawn,
        phases=(
            Phase("draw", Drawn.draw, aim=(10_000, 1.0)),
            Phase("draw_in_small_chunks", Drawn.draw_in_small_chunks, aim=(10_000, 1.0)),
            Phase("draw_ten_times_as_many", Drawn.draw_more, largest=LARGEST_BY_HAND),
        ),
        check=Drawn.check,
        rivals=(_rival("numpy_row_by_row", draw_by_row), _rival("numpy_at_once", draw_at_once)),
    )
