"""Base of the instruments that concern single enterprises: what they add to each one's cell, and to what all share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from carbonsim.errors import InputError, Said
from carbonsim.market.supply import Array, EngineName, Instrument

if TYPE_CHECKING:
    import xarray as xr

    from carbonsim.market.audit_enterprise_replies import OwnProgramme
    from carbonsim.market.enterprise_data import EnterpriseData
    from carbonsim.market.enterprise_programme import Cell, EnterpriseFrame
    from carbonsim.market.problem import MarketProblem
    from carbonsim.market.programme import Frame

Published = tuple[tuple[str, ...], Array, str]  # dimensions, values, unit


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a solved programme by enterprise holds, by the names that cells gave; tonnes, and CNY per tonne.

    ``trade`` (purchases less sales) and ``bank`` are those that are published. ``column(name)`` and ``dual(name)`` are
    over (enterprise, year), 0 where there is none; ``link(name, key)`` is minus the dual of a shared row. Duals are
    present values: divide by d[y] where a row belongs to a year.
    """

    trade: Array
    bank: Array
    column: Callable[[str], Array]
    dual: Callable[[str], Array]
    link: Callable[[str, tuple[object, ...]], float]


@dataclass(frozen=True, slots=True, eq=False)
class Coupled:
    """For the audit: in some years a sale also earns what carrying over is worth, which other worths decide.

    Worth less market price lies, in ``years``, between the least and the most of all margins plus ``multiple`` times
    the present value at the end of ``year`` of a tonne more that may be kept.
    """

    enterprise: int
    years: tuple[int, ...]
    multiple: float
    year: int


@dataclass(frozen=True, slots=True, eq=False)
class Margins:
    """For the audit: what an instrument allows between market price, worth to an enterprise, and carrying over.

    ``least`` and ``most`` [CNY/tCO2e] (enterprise, year) bound worth less market price, and add up over instruments.
    ``bank_most`` [allowance] (enterprise, year) is the most that may be held: at that limit the worth may rise faster
    than interest. ``place`` (enterprise) and ``premium`` (place, year) say whose trade is at a price of its own;
    ``premium_sign`` (place, year) is 1 where that price may only be above the market's, -1 below, 0 where it is equal.
    """

    least: Array
    most: Array
    bank_most: Array | None = None
    place: NDArray[np.intp] | None = None
    premium: Array | None = None
    premium_sign: NDArray[np.intp] | None = None
    coupled: tuple[Coupled, ...] = ()


class EnterpriseInstrument(Instrument):
    """An instrument that needs a balance for each enterprise."""

    __slots__ = ()

    @property
    def by_enterprise(self) -> bool:
        """Always: it concerns single enterprises."""
        return True

    @property
    def splits_trade(self) -> bool:
        """Whether purchases and sales must be columns of their own."""
        return False

    @property
    def couples_prices(self) -> bool:
        """Whether worths of several years enter one condition, so that price intervals are found year by year."""
        return False

    @property
    def has_integers(self) -> bool:
        """Whether it adds integer columns."""
        return False

    def coordinates(self) -> Mapping[str, tuple[str, ...]]:
        """Labels of the dimensions of its own that it publishes over."""
        return {}

    def refused_by(self, engine: EngineName) -> str:
        """Only the programme keeps a balance for each enterprise."""
        return "" if engine == "programme" else Said("needs a balance for each enterprise", "需要分企业的平衡")

    def add_to(self, frame: Frame) -> None:
        """Refuse the programme of the market as a whole."""
        raise InputError(
            f"{self.label} needs a balance for each enterprise; the programme of yearly totals has none.",
            f"{self.label} 需要分企业的平衡，而按年合计的规划没有。",
        )

    def enterprise_numbers(self, data: EnterpriseData) -> Mapping[str, Array]:
        """Numbers by enterprise that its cells ask for by name; first axis enterprise."""
        return {}

    def structure(self, data: EnterpriseData) -> NDArray[np.generic] | None:
        """What decides which rows and columns an enterprise has, first axis enterprise; None if all have the same."""
        return None

    def add_to_enterprise(self, cell: Cell) -> None:
        """Add columns and rows to the cell of an enterprise, or of a cohort of them."""
        raise NotImplementedError

    def add_links(self, frame: EnterpriseFrame) -> None:
        """Add the rows that join enterprises, once all cells are declared."""

    def publish_enterprises(self, data: EnterpriseData, found: Found) -> Mapping[str, Published]:
        """What the instrument adds to the published market, by name."""
        return {}

    def decided(self, data: EnterpriseData, column: Callable[[str], Array]) -> Mapping[str | tuple[str, int], Array]:
        """What integer columns must be, by name over (enterprise, year), where cost alone leaves it open; else NaN.

        ``column(name)`` gives the tonnes of a solution; a column over (k, year) is named by name and k. Only values at
        which that solution stays feasible, or costs the same.
        """
        return {}

    def margins(self, problem: MarketProblem, dataset: xr.Dataset) -> Margins:
        """For the audit, from the published numbers alone; nothing is shared with ``add_to_enterprise``."""
        raise NotImplementedError

    def answer(self, own: OwnProgramme) -> None:
        """For the audit: add to an enterprise's own programme what the instrument asks of it."""
        raise NotImplementedError


def no_margin(problem: MarketProblem) -> tuple[Array, Array]:
    """Margins of an instrument that puts nothing between the market's price and an allowance's worth."""
    return np.zeros(problem.baseline.shape), np.zeros(problem.baseline.shape)
