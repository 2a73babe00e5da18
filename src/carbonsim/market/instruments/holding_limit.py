"""Holding limit: no enterprise may carry more than so many allowances into the next year."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from carbonsim.errors import ParameterError, Said, shorten
from carbonsim.inputs.parameters import ParameterSet
from carbonsim.market.audit_ledger import worst
from carbonsim.market.enterprise_instrument import EnterpriseInstrument, Found, Margins, Published, no_margin
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.supply import Array, Instrument, MarketSetting, as_array, check_yearly, instruments, over_years

if TYPE_CHECKING:
    import xarray as xr

    from carbonsim.market.audit_enterprise_replies import OwnProgramme
    from carbonsim.market.certificate import Line
    from carbonsim.market.enterprise_data import EnterpriseData
    from carbonsim.market.enterprise_programme import Cell
    from carbonsim.market.problem import MarketProblem

HELD = 1e-7  # share of the limit, or of the obligation, that a solver's tolerance may exceed
WORTH = 2e-6


@instruments.register("holding_limit", parameters=())
@dataclass(frozen=True, slots=True, eq=False)
class HoldingLimit(EnterpriseInstrument):
    r"""What an enterprise holds at the end of a year is limited.

    .. math::
        :label: holding-limit

        B_{ey} \le H_{ey} \quad [d_y \mu_{ey}], \qquad
        d_{y+1} \lambda_{e,y+1} - d_y \lambda_{ey} = d_y \mu_{ey} \ge 0 \perp H_{ey} - B_{ey}

    while something is held. Where every enterprise sits at its limit, the price rises faster than interest: nobody may
    carry what would be worth it. The published dual :math:`\mu` is what a tonne more of the limit is worth. Who is
    below its limit holds for the others, so the limit changes the price only once everybody sits at it; what can be
    neither used nor held expires.

    Parameters
    ----------
    limit : float or array [allowance] (year)
        Limit H at the end of each year; ``inf`` where there is none.
    own : mapping of str to float [allowance], optional
        Limits of single enterprises in place of it, the same in every year that has one.
    """

    limit: Array
    own: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "limit", as_array(self.limit))

    @property
    def label(self) -> str:
        """Name under which the rows appear."""
        return "holding_limit"

    def yearly(self) -> dict[str, Array]:
        """The limit."""
        return {"limit": self.limit}

    def problems(self, years: Sequence[int]) -> list[str]:
        """Shape and sign, and a limit that holds in no year."""
        found = check_yearly(self.label, self.yearly(), len(years))
        wrong = [name for name, most in self.own.items() if not most >= 0]
        if wrong:
            found.append(
                Said(
                    f"holding_limit.own of {shorten(wrong)} is below 0; expected tonnes.",
                    f"{shorten(wrong, 'zh')} 的 holding_limit.own 小于 0，应为吨数。",
                )
            )
        if not found and np.all(np.isinf(self.limit)):
            found.append(
                Said(
                    "holding_limit is infinite in every year; leave it out.",
                    "holding_limit 各年均为无穷大，请删去该项。",
                )
            )
        return found

    def problems_in(self, problem: MarketProblem) -> list[str]:
        """Enterprises that are not there, and a market in which nothing is carried."""
        found: list[str] = []
        unknown = sorted(set(self.own) - set(problem.enterprise))
        if unknown:
            found.append(
                Said(
                    f"holding_limit.own names {shorten(unknown)}, which is no enterprise of the market.",
                    f"holding_limit.own 提到 {shorten(unknown, 'zh')}，市场中没有该企业。",
                )
            )
        if not any(isinstance(one, Banking) for one in problem.instruments):
            found.append(
                Said(
                    "holding_limit limits what is carried over, but nothing is; declare banking, or leave it out.",
                    "holding_limit 限制结转，但市场并无结转；请声明 banking，或删去该项。",
                )
            )
        return found

    @property
    def relaxes(self) -> tuple[str, ...]:
        """What to relax where too little can be carried."""
        return (Said("the holding limit (holding_limit.limit)", "持有限额（holding_limit.limit）"),)

    @classmethod
    def from_parameters(cls, parameters: ParameterSet, setting: MarketSetting) -> tuple[Instrument, ...]:
        """Refused: no dated parameter states a holding limit."""
        raise ParameterError(
            "holding_limit needs a limit that no dated parameter states; use it in a problem file.",
            "holding_limit 所需的限额没有带日期的参数给出；请在问题文件中使用。",
        )

    def _limits(self, enterprise: Sequence[str], years: int) -> Array:
        limit = np.array(np.broadcast_to(over_years(self.limit, years), (len(enterprise), years)), dtype=float)
        for name, most in self.own.items():
            row = list(enterprise).index(name)
            limit[row] = np.where(np.isinf(limit[row]), np.inf, most)
        return limit

    def enterprise_numbers(self, data: EnterpriseData) -> Mapping[str, Array]:
        """The limit of each enterprise in the programme's unit."""
        problem = data.problem
        return {"holding_limit": self._limits(problem.enterprise, len(problem.year)) / data.scale}

    def add_to_enterprise(self, cell: Cell) -> None:
        """Add the row ``holding_limit`` of each year that has a limit."""
        limit = over_years(self.limit, len(cell.frame.years))
        rows = {}
        for year in cell.bank:
            y = cell.frame.years.index(year)
            if np.isfinite(limit[y]):
                rows[year] = (cell.bank[year], cell.number("holding_limit", y))
        cell.rows("holding_limit", rows)

    def publish_enterprises(self, data: EnterpriseData, found: Found) -> Mapping[str, Published]:
        """``holding_limit_value`` [CNY/tCO2e] (enterprise, year): what a tonne more of the limit is worth."""
        value = found.dual("holding_limit") / data.problem.discount + 0.0
        return {"holding_limit_value": (("enterprise", "year"), value, "CNY/tCO2e")}

    def margins(self, problem: MarketProblem, dataset: xr.Dataset) -> Margins:
        """At its limit an enterprise's worth may rise faster than interest."""
        most = np.array(np.broadcast_to(self.limit, (len(problem.year),)), dtype=float)
        table = np.repeat(most[None, :], len(problem.enterprise), axis=0)
        for name, limit in self.own.items():
            table[problem.enterprise.index(name)] = np.where(np.isfinite(most), limit, np.inf)
        return Margins(*no_margin(problem), bank_most=table)

    def answer(self, own: OwnProgramme) -> None:
        """No more is held than the limit of the enterprise."""
        name = own.problem.enterprise[own.enterprise]
        for y, bank in own.bank.items():
            limit = float(self.limit[y] if len(self.limit) > 1 else self.limit[0])
            if np.isfinite(limit):
                own.row({bank: 1.0}, -np.inf, float(self.own.get(name, limit)) / own.unit)

    def audit(self, problem: MarketProblem, dataset: xr.Dataset) -> Iterable[Line]:
        """Nobody holds more, and the value of the limit is what carrying a tonne more would have earned."""
        most = self.margins(problem, dataset).bank_most
        assert most is not None  # noqa: S101  given two lines above
        bank, worth = dataset.enterprise_bank.values, np.nan_to_num(dataset.enterprise_price.values)
        size = np.maximum(np.where(np.isinf(most), 1.0, most), dataset.obligation.values) + 1e-9
        yield worst("holding_limit.held", np.maximum(bank - most, 0.0), size, HELD, problem.enterprise)
        discount = problem.discount
        later = np.zeros_like(worth)
        later[:, :-1] = worth[:, 1:] * discount[1:] / discount[:-1]
        active = ~np.isnan(dataset.enterprise_price.values)
        held = active & (bank >= most - HELD * size)
        earned = np.where(held, np.maximum(later - worth, 0.0), 0.0)
        earned = np.where(earned > WORTH * np.maximum(worth, 1e-3), earned, 0.0)
        if "carry_over_worth" in dataset:
            # Where the carry-over limit binds as well, it takes its part of the gain.
            earned = np.maximum(earned - dataset.carry_over_worth.values, 0.0)
        apart = dataset.holding_limit_value.values - earned
        yield worst("holding_limit.value", apart, np.maximum(earned, 1e-3), WORTH * 10, problem.enterprise)
