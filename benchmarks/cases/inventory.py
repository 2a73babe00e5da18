"""A ledger read and accounted, against the same sum made row by row with a unit library."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import xarray as xr

from benchmarks.ledgers import ledger_tables, write_folder, write_workbook
from benchmarks.registry import Benchmark, DisagreementError, Phase, Rival, assert_same, register
from carbonsim.accounting import build_inventory
from carbonsim.inputs.ledger import Ledger, read_ledger

if TYPE_CHECKING:
    from benchmarks.row_by_row import Answer, RowByRow

LARGEST_WORKBOOK: Final = 100_000  # a sheet holds 1,048,576 rows, but writing and reading a million takes minutes
LARGEST_ROW_BY_ROW: Final = 100_000


@dataclass(slots=True)
class Books:
    """A ledger on disk in both forms, and what was made of it."""

    folder: Path
    workbook: Path | None
    row_by_row: RowByRow
    ledger: Ledger = field(init=False)
    from_workbook: Ledger | None = field(default=None, init=False)
    inventory: xr.Dataset = field(init=False)
    rows_alone: Answer = field(init=False)

    def read_csv(self) -> None:
        """Read and check the folder."""
        self.ledger = read_ledger(self.folder)

    def read_xlsx(self) -> None:
        """Read and check the workbook."""
        if self.workbook is not None:
            self.from_workbook = read_ledger(self.workbook)

    def account(self) -> None:
        """Build the inventory."""
        self.inventory = build_inventory(self.ledger)

    def check(self) -> None:
        """Both forms hold the same, every row is a stream, and the streams add up to the enterprises."""
        if self.from_workbook and self.from_workbook.content_hash() != self.ledger.content_hash():
            raise DisagreementError("the workbook holds other amounts than the folder.")
        data = self.inventory
        if data.sizes["stream"] != len(self.ledger.tables["activity"]):
            raise DisagreementError(f"{data.sizes['stream']} streams of {len(self.ledger.tables['activity'])} rows.")
        direct = data["stream_emissions_co2e"].values[data["stream_scope"].values == 1].sum()
        assert_same("direct emissions", float(data["emissions_co2e"].sum()), float(direct))

    def count_rows(self) -> None:
        """The same totals row by row, from the ledger as read."""
        self.rows_alone = self.row_by_row.account(self.ledger.tables)

    def agrees(self) -> None:
        """Direct and electricity emissions of every enterprise are the same both ways."""
        for name, theirs in (("emissions_co2e", self.rows_alone.direct), ("scope2_location", self.rows_alone.power)):
            ours = self.inventory[name].isel(year=0).to_series()
            for enterprise, tonnes in theirs.items():
                assert_same(f"{name} of {enterprise}", float(ours[enterprise]), tonnes)
            assert_same(name, float(ours.sum()), sum(theirs.values()))


def _books(size: int, folder: Path) -> Books:
    # Its unit library takes half a second to load, which is no part of either side.
    from benchmarks.row_by_row import RowByRow

    tables = ledger_tables(size)
    workbook = write_workbook(tables, folder / "books.xlsx") if size <= LARGEST_WORKBOOK else None
    return Books(write_folder(tables, folder / "books"), workbook, RowByRow())


@register
def inventory() -> Benchmark[Books]:
    """The registered specification."""
    return Benchmark(
        name="inventory",
        summary="A ledger of steel and clinker works: reading it with all checks, and its inventory.",
        sizes=(1_000, 10_000, 100_000, 1_000_000),
        unit="rows",
        build=_books,
        phases=(
            Phase("load_csv", Books.read_csv),
            Phase("load_xlsx", Books.read_xlsx, largest=LARGEST_WORKBOOK),
            Phase("account", Books.account, aim=(100_000, 0.5)),
        ),
        check=Books.check,
        rivals=(
            Rival(
                name="row_by_row_with_units",
                phase="account",
                run=Books.count_rows,
                agrees=Books.agrees,
                largest=LARGEST_ROW_BY_ROW,
                least_ratio=5.0,
            ),
        ),
    )
