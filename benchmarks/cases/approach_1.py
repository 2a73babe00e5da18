"""First-order propagation of a ledger with shared factors, against the same sum row by row."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import xarray as xr

from benchmarks.ledgers import ledger_tables, write_folder
from benchmarks.registry import Benchmark, Phase, Rival, assert_same, register
from benchmarks.row_errors import half_widths, rows_of
from carbonsim.accounting import build_inventory
from carbonsim.accounting.uncertainty import Uncertainty, propagate
from carbonsim.inputs.ledger import Ledger, read_ledger

LARGEST: Final = 100_000


@dataclass(slots=True)
class Propagated:
    """An inventory with stated uncertainties, and its intervals both ways."""

    ledger: Ledger
    inventory: xr.Dataset
    result: Uncertainty = field(init=False)
    by_hand: dict[str, float] = field(init=False)

    def propagate(self) -> None:
        """Intervals, contributions and what is stated."""
        self.result = propagate(self.inventory, self.ledger)

    def check(self) -> None:
        """The point is that of the inventory."""
        point = float(self.result.dataset["emissions_co2e"].sel(group="total").isel(year=0))
        assert_same("point", point, float(self.inventory["emissions_co2e"].sum()))

    def propagate_by_hand(self) -> None:
        """Intervals alone."""
        self.by_hand = half_widths(rows_of(self.ledger, self.inventory))

    def agrees(self) -> None:
        """The interval of every enterprise and of the total is the same both ways."""
        ours = self.result.dataset["half_width"].isel(year=0).to_series()
        for name, theirs in self.by_hand.items():
            assert_same(f"half width of {name}", float(ours[name]), theirs)


def _propagated(size: int, folder: Path) -> Propagated:
    ledger = read_ledger(write_folder(ledger_tables(size, with_uncertainty=True), folder / "books"))
    return Propagated(ledger, build_inventory(ledger))


@register
def approach_1() -> Benchmark[Propagated]:
    """The registered specification."""
    return Benchmark(
        name="approach_1",
        summary="Uncertainty of an inventory by error propagation: levels, contributions, what is stated.",
        sizes=(1_000, 10_000, 100_000),
        unit="rows",
        build=_propagated,
        phases=(Phase("propagate", Propagated.propagate),),
        check=Propagated.check,
        rivals=(
            Rival(
                name="python_row_by_row",
                phase="propagate",
                run=Propagated.propagate_by_hand,
                agrees=Propagated.agrees,
                largest=LARGEST,
            ),
        ),
    )
