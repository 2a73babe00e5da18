"""Banking: allowances not used this year serve a later one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carbonsim.inputs.parameters import ParameterSet
from carbonsim.market.supply import Array, Instrument, MarketSetting, as_array, check_yearly, instruments, over_years

if TYPE_CHECKING:
    from carbonsim.market.programme import Frame


@instruments.register("banking", parameters=("market.opening_bank", "market.interest_rate"))
@dataclass(frozen=True, slots=True, eq=False)
class Banking(Instrument):
    r"""Allowances are carried into later years, and borrowed from them up to a limit.

    .. math::
        :label: banking-balance

        B_y = B_{y-1} + S_y - D_y, \qquad B_y \ge -L_y, \qquad B_{y_0 - 1} = \text{opening bank}

    so that the discounted price never rises over time and is constant while the bank is above its limit:
    :math:`d_y p_y - d_{y+1} p_{y+1} = \eta_y \ge 0 \perp B_y + L_y`. Allowances left in the last year are
    worth nothing, and nothing may be owed then: :math:`L = 0` in the last year.

    Parameters
    ----------
    borrowing : float or array [tCO2e] (year)
        Limit L on the allowances owed to the future at the end of each year; 0 forbids borrowing, ``inf`` does
        not limit it.
    """

    borrowing: Array = 0.0  # type: ignore[assignment]  # a number is accepted and stored as an array

    def __post_init__(self) -> None:
        object.__setattr__(self, "borrowing", as_array(self.borrowing))

    @property
    def label(self) -> str:
        """Name of the block of rows and columns."""
        return "banking"

    def yearly(self) -> dict[str, Array]:
        """The borrowing limit."""
        return {"borrowing": self.borrowing}

    def problems(self, years: Sequence[int]) -> list[str]:
        """Shape and sign, and a single year in which a bank means nothing."""
        found = check_yearly(self.label, self.yearly(), len(years))
        if len(years) < 2 and not found:
            found = ["banking is declared in a market of one year, where it has no effect; leave it out."]
        return found

    def limit(self, years: int) -> Array:
        """The borrowing limit of each year, 0 in the last."""
        limit = np.array(over_years(self.borrowing, years))
        limit[-1] = 0.0
        return limit

    @classmethod
    def from_parameters(cls, parameters: ParameterSet, setting: MarketSetting) -> tuple[Instrument, ...]:
        """Banking without borrowing."""
        return (cls(),)

    def add_to(self, frame: Frame) -> None:
        """Add the bank at the end of each year and carry it from balance to balance."""
        limit = self.limit(len(frame.years)) / frame.scale
        bank = frame.add_columns(self.label, "bank", np.full(len(frame.years), np.inf), lower=-limit)
        for position, year in enumerate(frame.years):
            frame.supply[year].append(-bank[year])
            if position:
                frame.supply[year].append(bank[frame.years[position - 1]])
