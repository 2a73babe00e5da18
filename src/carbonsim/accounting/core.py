"""What a sector's accounting declares, and the registries of sectors and methods."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.errors import Issue
from carbonsim.registry import Registry

Bools = NDArray[np.bool_]
Labels = NDArray[np.str_]
DEFAULT_SECTOR: Final = "reporting"


@dataclass(frozen=True, slots=True)
class StreamView:
    """The source streams of one sector as its accounting sees them; arrays of shape (stream,) unless said.

    ``enterprise`` is a number for each enterprise. ``from_fuel`` says that the stream's carbon is that of a fuel of
    the fuel tables. ``reports_key`` marks the streams of a facility that states its key emissions itself.
    ``site_enterprise`` and ``site_process`` (facility) list all facilities of the sector, with streams or without.
    """

    enterprise: NDArray[np.intp]
    process: Labels
    kind: Labels
    method: Labels
    category: Labels
    scope: NDArray[np.intp]
    from_fuel: Bools
    reports_key: Bools
    site_enterprise: NDArray[np.intp]
    site_process: Labels

    def in_process(self, processes: Iterable[str]) -> Bools:
        """Streams of facilities of one of the processes."""
        return np.asarray(np.isin(self.process, sorted(processes)), dtype=bool)

    def of_enterprises_with(self, processes: Iterable[str]) -> Bools:
        """Every stream of the enterprises that have a facility of one of the processes."""
        having = self.site_enterprise[np.isin(self.site_process, sorted(processes))]
        return np.asarray(np.isin(self.enterprise, having), dtype=bool)

    def of_enterprises_beyond(self, processes: Iterable[str]) -> Bools:
        """Every stream of the enterprises that have a facility of any other process."""
        having = self.site_enterprise[~np.isin(self.site_process, sorted(processes))]
        return np.asarray(np.isin(self.enterprise, having), dtype=bool)

    def of_enterprises_that_report_key(self) -> Bools:
        """Every stream of the enterprises that state the key emissions of a facility."""
        return np.asarray(np.isin(self.enterprise, self.enterprise[self.reports_key]), dtype=bool)


@dataclass(frozen=True, slots=True)
class DataItem:
    """One data item that a guideline asks for: where a ledger holds it, its unit and the decimals it keeps.

    ``held_in`` is a method, a term or a column of the ledger; ``decimals`` is None where no rule was read.
    """

    name: str
    zh: str
    held_in: str
    unit: str
    source: str
    decimals: int | None = None
    required: bool = True


class SectorAccounting:
    """How one sector counts: its factor tables, its boundary in the emissions market, its key process, its roundings.

    A plug-in derives from this class, sets what differs and registers under the sector's name; a sector that is not
    registered counts as ``reporting``.
    """

    table_set: ClassVar[str] = "legacy_sector_guides"
    by_analogy: ClassVar[bool] = False  # the fuel table is another sector's: every such factor is an assumption
    process_sets: ClassVar[frozenset[str] | None] = None  # None: any set; otherwise what is not listed is refused
    oxidation_enters: ClassVar[bool] = True
    ledger_oxidation: ClassVar[frozenset[str]] = frozenset()  # processes whose oxidation rate only the ledger uses
    deducts_exports: ClassVar[bool] = False
    boundary_processes: ClassVar[frozenset[str] | None] = None  # None: the whole enterprise
    key_processes: ClassVar[frozenset[str] | None] = None  # None: the whole facility
    output_processes: ClassVar[frozenset[str] | None] = None  # None: the key processes
    market_gases: ClassVar[tuple[str, ...]] = ("CO2",)
    electricity_covered_until: ClassVar[int | None] = None  # last compliance year that counted purchased electricity
    data_items: ClassVar[tuple[DataItem, ...]] = ()

    @classmethod
    def check_terms(cls, method: str, factor: str, own_terms: frozenset[str]) -> tuple[str, str]:
        """What the sector's guideline refuses of a row's method, factor and measured terms: English and Chinese.

        Two empty texts where nothing is refused.
        """
        return "", ""

    @classmethod
    def in_boundary(cls, streams: StreamView) -> Bools:
        """Streams inside the sector's boundary in the market, whatever their scope.

        A sector that lists processes covers those; a block row, which stands for the listed entities of a sector,
        is covered whole if it names none of them.
        """
        if cls.boundary_processes is None:
            return np.ones(streams.process.shape, dtype=bool)
        whole_block = (streams.kind == "block") & ~streams.of_enterprises_with(cls.boundary_processes)
        return np.asarray(streams.in_process(cls.boundary_processes) | whole_block, dtype=bool)

    @classmethod
    def in_key(cls, streams: StreamView) -> Bools:
        """Streams whose emissions make the intensity that allocation looks at.

        Facilities of the key processes and those that state their key emissions; an enterprise with neither counts
        whole.
        """
        if cls.key_processes is None:
            return np.ones(streams.process.shape, dtype=bool)
        known = streams.of_enterprises_with(cls.key_processes) | streams.of_enterprises_that_report_key()
        return streams.in_process(cls.key_processes) | streams.reports_key | ~known

    @classmethod
    def check(cls, inventory: xr.Dataset) -> list[Issue]:
        """What is wrong with the sector's rows taken together; nothing, unless a sector knows better."""
        return []

    @classmethod
    def verified(cls, inventory: xr.Dataset, year: int) -> xr.Dataset:
        """Verified data of the sector's facilities in a year, as the ledger takes them.

        Where no rounding rule of the sector was read the amounts stay as they are (``attrs["rounding"]`` says so).
        """
        return facility_ledger(inventory, year)


accounting_methods: Registry[Callable[..., Any]] = Registry("accounting method", "carbonsim.accounting.methods")
accounting_sectors: Registry[type[SectorAccounting]] = Registry("accounting sector", "carbonsim.accounting.sectors")


def sector_accounting(sector: str) -> type[SectorAccounting]:
    """The accounting of a sector: its own, or that of the reporting sectors."""
    return accounting_sectors.get(sector if sector in accounting_sectors else DEFAULT_SECTOR).target


def facility_ledger(inventory: xr.Dataset, year: int) -> xr.Dataset:
    """Covered emissions, key emissions, key output and intensity of each facility in a year, unrounded."""
    at = inventory[["covered_emissions", "key_emissions", "key_output"]].sel(year=year)
    has_output = at["key_output"] > 0
    intensity = (at["key_emissions"] / at["key_output"].where(has_output, 1.0)).where(has_output, 0.0)
    return xr.Dataset(
        {
            "emissions": at["covered_emissions"].assign_attrs(units="tCO2e"),
            "key_emissions": at["key_emissions"].assign_attrs(units="tCO2e"),
            "key_output": at["key_output"],
            "intensity": intensity.assign_attrs(units="tCO2e/unit of output"),
            "has_intensity": has_output,
        },
        attrs={"rounding": "none: no rounding rule of this sector was read"},
    )
