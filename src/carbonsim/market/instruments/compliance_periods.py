"""Compliance periods: surrender falls due at the end of several years together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from carbonsim.errors import InputError, ParameterError, Said, shorten
from carbonsim.inputs.parameters import ParameterSet
from carbonsim.market.supply import Instrument, MarketSetting, instruments

if TYPE_CHECKING:
    from carbonsim.market.programme import Frame


@instruments.register("compliance_periods", parameters=())
@dataclass(frozen=True, slots=True, eq=False)
class CompliancePeriods(Instrument):
    r"""Allowances for all years of a compliance period are surrendered together, at the end of the period.

    .. math::
        :label: compliance-periods

        B_y \;\text{free of sign for } y \notin \mathcal{E}, \qquad
        B_y \ge -L_y \;\text{for } y \in \mathcal{E},

    where :math:`\mathcal{E}` are the ends of the periods and L the borrowing limit of ``banking``. Inside a period an
    allowance of any of its years serves every one of them, so the discounted price is constant there:
    :math:`d_y p_y = d_{y+1} p_{y+1}` for :math:`y \notin \mathcal{E}`. Without ``banking`` what is left at the end of
    a period expires, and prices of different periods have nothing to do with each other. Longer periods relax the
    market and never raise its cost.

    Parameters
    ----------
    ends : sequence of int
        Calendar years at whose end allowances are surrendered, rising; the last year of the market is one of them.
    """

    ends: tuple[int, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "ends", tuple(int(year) for year in np.atleast_1d(np.asarray(self.ends))))

    @property
    def label(self) -> str:
        """Name of the block of columns."""
        return "compliance_periods"

    def problems(self, years: Sequence[int]) -> list[str]:
        """Ends out of order or outside the market's years, and a last period that does not end."""
        found: list[str] = []
        if list(self.ends) != sorted(set(self.ends)):
            found.append(
                Said(
                    f"compliance_periods.ends is {shorten(self.ends)}; expected rising years, each once.",
                    f"compliance_periods.ends 为 {shorten(self.ends, 'zh')}，应为递增且不重复的年份。",
                )
            )
        outside = [year for year in self.ends if year not in years]
        if outside:
            found.append(
                Said(
                    f"compliance_periods.ends has {shorten(outside)}; expected years of the market, "
                    f"{years[0]} to {years[-1]}.",
                    f"compliance_periods.ends 含 {shorten(outside, 'zh')}，应为市场中的年份（{years[0]} 至 "
                    f"{years[-1]}）。",
                )
            )
        if years[-1] not in self.ends:
            found.append(
                Said(
                    f"compliance_periods.ends lacks {years[-1]}: a period would end after the market does. End the "
                    "market "
                    "with a period, or add its last year.",
                    f"compliance_periods.ends 缺少 {years[-1]}：否则有履约期在市场结束之后才到期。"
                    "请让市场与某一履约期同时结束，或加入末年。",
                )
            )
        return found

    def within_period(self, years: Sequence[int]) -> NDArray[np.bool_]:
        """The years that are no end of a period."""
        return ~np.isin(np.array(years), self.ends)

    def in_years(self, first: int, stop: int, years: Sequence[int]) -> Self | None:
        """The ends inside a window.

        Raises
        ------
        InputError
            If the window ends inside a period: nothing would be due at its end, so nobody in it would abate.
        """
        last = years[stop - 1]
        if last not in self.ends:
            raise InputError(
                f"compliance_periods cannot be cut after {last}, inside the period that ends in "
                f"{min(year for year in self.ends if year > last)}: nothing would be due at the end of that window. "
                "Choose windows that end with a period, or clear without a concept.",
                f"compliance_periods 不能在 {last} 年后切开，该年处于 "
                f"{min(year for year in self.ends if year > last)} "
                "年到期的履约期之内：窗口结束时没有任何义务到期。请选用与履约期同时结束的窗口，或不用均衡概念出清。",
            )
        return replace(self, ends=tuple(year for year in self.ends if years[first] <= year <= last))

    @classmethod
    def from_parameters(cls, parameters: ParameterSet, setting: MarketSetting) -> tuple[Instrument, ...]:
        """No study lists compliance periods yet; see Raises.

        Raises
        ------
        ParameterError
            Always: the ends of the periods are written in a market problem file.
        """
        raise ParameterError(
            "market.instruments lists 'compliance_periods', which has no dated parameters. Use it in a market problem "
            "file: instruments: {compliance_periods: {ends: [...]}}.",
            "market.instruments 列有 'compliance_periods'，但它没有带日期的参数。请在市场问题文件中使用："
            "instruments: {compliance_periods: {ends: [...]}}。",
        )

    def add_to(self, frame: Frame) -> None:
        """Add the position at each year end inside a period, free of sign, and carry it to the next balance."""
        inside = np.where([frame.within_period[year] for year in frame.years], np.inf, 0.0)
        position = frame.add_columns(self.label, "position", inside, lower=-inside)
        for year, column in position.items():
            frame.supply[year].append(-column)
            frame.supply[year + 1].append(column)
