"""Banking: allowances not used this year serve a later one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from carbonsim.errors import Said
from carbonsim.inputs.parameters import ParameterSet
from carbonsim.market.supply import (
    Array,
    EngineName,
    Instrument,
    MarketSetting,
    as_array,
    check_yearly,
    instruments,
    over_years,
)

if TYPE_CHECKING:
    from carbonsim.market.programme import Frame


@instruments.register("banking", parameters=("market.opening_bank", "market.interest_rate"))
@dataclass(frozen=True, slots=True, eq=False)
class Banking(Instrument):
    r"""Allowances are carried into later years, and borrowed from them up to a limit.

    .. math::
        :label: banking-balance

        B_y = B_{y-1} + S_y - D_y - \rho_{y-1} \max(-B_{y-1}, 0), \qquad B_y \ge -L_y, \qquad
        B_{y_0 - 1} = \text{opening bank}

    so that without interest on borrowing (:math:`\rho = 0`) the discounted price never rises over time and is
    constant while the bank is above its limit: :math:`d_y p_y - d_{y+1} p_{y+1} = \eta_y \ge 0 \perp B_y + L_y`.
    With it the programme holds the bank and the debt as two columns, and

    .. math::
        :label: borrowing-interest

        B_y > 0 \Rightarrow d_y p_y = d_{y+1} p_{y+1}, \qquad
        -L_y < B_y < 0 \Rightarrow d_y p_y = (1 + \rho_y)\, d_{y+1} p_{y+1},

    in between where nothing is carried, and :math:`d_y p_y \ge (1 + \rho_y)\, d_{y+1} p_{y+1}` at the limit. Allowances
    left in the last year are worth nothing unless ``terminal_bank`` says otherwise, and nothing may be owed then:
    :math:`L = 0` in the last year.

    Parameters
    ----------
    borrowing : float or array [tCO2e] (year)
        Limit L on the allowances owed to the future at the end of each year; 0 forbids borrowing, ``inf`` does
        not limit it. Inside a compliance period nothing is due and no limit holds.
    borrowing_interest : float or array [1] (year)
        Allowances :math:`\rho` owed next year on top of each one owed at the end of the year.
    """

    borrowing: Array = 0.0  # type: ignore[assignment]  # a number is accepted and stored as an array
    borrowing_interest: Array = 0.0  # type: ignore[assignment]

    def __post_init__(self) -> None:
        object.__setattr__(self, "borrowing", as_array(self.borrowing))
        object.__setattr__(self, "borrowing_interest", as_array(self.borrowing_interest))

    @property
    def label(self) -> str:
        """Name of the block of rows and columns."""
        return "banking"

    def refused_by(self, engine: EngineName) -> str:
        """With interest on borrowing, prices of joined years no longer pool at one discounted price."""
        if engine == "programme" or not np.any(self.borrowing_interest > 0):
            return ""
        return Said(
            "charges interest in allowances on what is borrowed (borrowing_interest)",
            "对预借的配额计收配额利息（borrowing_interest）",
        )

    def yearly(self) -> dict[str, Array]:
        """The borrowing limit and the interest on what is borrowed."""
        return {"borrowing": self.borrowing, "borrowing_interest": self.borrowing_interest}

    def problems(self, years: Sequence[int]) -> list[str]:
        """Shape and sign, a single year in which a bank means nothing, and interest on what nobody may borrow."""
        found = check_yearly(self.label, self.yearly(), len(years))
        if found:
            return found
        if len(years) < 2:
            return [
                Said(
                    "banking is declared in a market of one year, where it has no effect; leave it out.",
                    "banking 用于只有一年的市场时不起作用，请删去该项。",
                )
            ]
        if np.any(np.isinf(self.borrowing_interest)):
            found.append(
                Said(
                    "banking.borrowing_interest is infinite; forbid borrowing by borrowing: 0 instead.",
                    "banking.borrowing_interest 为无穷大；若不允许预借，请写 borrowing: 0。",
                )
            )
        if np.any(self.borrowing_interest > 0) and not np.any(self.interest(len(years)) * self.limit(len(years)) > 0):
            found.append(
                Said(
                    "banking.borrowing_interest has no effect where borrowing is 0 or in the last year, in which "
                    "nothing "
                    "may be owed; allow borrowing, or leave it out.",
                    "borrowing 为 0 时，或在不得欠缴的末年，banking.borrowing_interest 不起作用；请允许预借，"
                    "或删去该项。",
                )
            )
        return found

    def limit(self, years: int) -> Array:
        """The borrowing limit of each year, 0 in the last."""
        limit = np.array(over_years(self.borrowing, years))
        limit[-1] = 0.0
        return limit

    def interest(self, years: int) -> Array:
        """Interest owed in the next year on what is owed at the end of each year, 0 in the last."""
        interest = np.array(over_years(self.borrowing_interest, years))
        interest[-1] = 0.0
        return interest

    @classmethod
    def from_parameters(cls, parameters: ParameterSet, setting: MarketSetting) -> tuple[Instrument, ...]:
        """Banking without borrowing."""
        return (cls(),)

    def in_years(self, first: int, stop: int, years: Sequence[int]) -> Self | None:
        """Banking among those years, whose last may owe nothing; none in a single year."""
        if stop - first < 2:
            return None
        arrays = {name: np.array(over_years(array, len(years)))[first:stop] for name, array in self.yearly().items()}
        if not np.any(arrays["borrowing"][:-1] > 0):
            arrays["borrowing_interest"] = np.zeros(stop - first)
        return replace(self, **arrays)

    def add_to(self, frame: Frame) -> None:
        """Add the bank at the end of each year at which surrender is due, and carry it from balance to balance."""
        inside = np.array([frame.within_period[year] for year in frame.years])
        limit = np.where(inside, 0.0, self.limit(len(frame.years)) / frame.scale)
        interest = self.interest(len(frame.years))
        charged = interest > 0
        bank = frame.add_columns(
            self.label, "bank", np.where(inside, 0.0, np.inf), lower=-np.where(charged, 0.0, limit)
        )
        _carry(frame, bank, np.ones(len(frame.years)))
        if np.any(charged):
            debt = frame.add_columns(self.label, "debt", np.where(charged, limit, 0.0))
            _carry(frame, {year: -column for year, column in debt.items()}, 1.0 + interest)


def _carry(frame: Frame, position: Mapping[int, Any], growth: Array) -> None:
    """Take a position out of each year's supply and hand it to the next, grown."""
    for year, factor in zip(frame.years, growth, strict=True):
        if year in position:
            frame.supply[year].append(-position[year])
            if year != frame.years[-1]:
                frame.supply[year + 1].append(float(factor) * position[year] if factor != 1 else position[year])
