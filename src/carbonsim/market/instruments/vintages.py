"""Vintages: allowances carry their year and may be surrendered for a limited number of years."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from carbonsim.errors import InputError, ParameterError, Said, shorten
from carbonsim.inputs.parameters import ParameterSet
from carbonsim.market.supply import Array, EngineName, Instrument, MarketSetting, instruments

if TYPE_CHECKING:
    import xarray as xr

    from carbonsim.market.certificate import Line
    from carbonsim.market.problem import MarketProblem
    from carbonsim.market.programme import Frame

SOLD = ("floor", "reserve_tier", "ceiling")  # kinds of steps that sell allowances, which carry the year of sale


@instruments.register("vintages", parameters=())
@dataclass(frozen=True, slots=True, eq=False)
class Vintages(Instrument):
    r"""Every allowance carries the year it is issued for and serves from that year until its life ends.

    .. math::
        :label: vintages

        B_{vy} = B_{v,y-1} + I_v [y = v] - u_{vy}, \qquad u_{vy} \ge 0 \quad [\texttt{vintages.use[v,y]}],
        \qquad B_{vy} \ge 0 \;(y \ge v), \qquad v - m \le y \le v + l,

    with :math:`I_v` everything issued in year v, free or sold, life l and m years of early use. The price of year y is
    the dual of its balance, the worth of a tonne of obligation; that of a vintage is the best use it can still be put
    to, :math:`d_y \pi_{vy} = \max(d_y p_y,\, d_{y+1} \pi_{v,y+1})`: equal to the year's price while it is surrendered,
    rising with interest while it is kept, 0 if any of it expires. So the discounted price may rise where old allowances
    cannot be kept any longer, and fall where young ones cannot be used yet. A tonne sold, or given for emissions, is
    worth :math:`\pi_{yy}` and not :math:`p_y`. That the oldest go first follows from the least cost and is no rule.

    Vintages take the place of ``banking``: a life past the last year is banking without a limit. What is left at the
    end of the last year is worth nothing. Under a rolling horizon or year by year each vintage is carried with its life
    (without early use); its price is that of the window which decided the year, NaN if that held none of it.

    Parameters
    ----------
    life : int
        Years after its own in which an allowance may still be surrendered.
    early : int
        Years before its own in which it may already be surrendered; 0: not before its own year.
    opening : int or mapping of int to float, optional
        Vintage of the opening bank, or the tonnes of each vintage in it.
    """

    life: int
    early: int = 0
    opening: int | Mapping[int, float] | None = None

    @property
    def label(self) -> str:
        """Name of the block of rows and columns."""
        return "vintages"

    @property
    def adds_last(self) -> bool:
        """What is issued includes the columns of supply steps."""
        return True

    @property
    def counts_obligation(self) -> bool:
        """Free allocation by emissions is issued with a vintage, so every option moves a stock."""
        return True

    def refused_by(self, engine: EngineName) -> str:
        """Only the programme holds a stock for each vintage."""
        return (
            ""
            if engine == "programme"
            else Said("keeps a stock of allowances for each vintage", "为每个年份的配额单独记存量")
        )

    def problems(self, years: Sequence[int]) -> list[str]:
        """Lives that are no years, and vintages that never outlive their year."""
        found: list[str] = []
        for name, value in (("life", self.life), ("early", self.early)):
            if int(value) != value or value < 0:
                found.append(
                    Said(
                        f"vintages.{name} is {value!r}; expected a whole number of years, not negative.",
                        f"vintages.{name} 为 {value!r}，应为非负整数年。",
                    )
                )
        if not found and not self.life and not self.early:
            found.append(
                Said(
                    "vintages.life is 0: nothing outlives its year, as without the instrument; leave it out.",
                    "vintages.life 为 0：配额都不能用于以后年份，与没有该工具相同；请删去该项。",
                )
            )
        if not found and len(years) < 2:
            found.append(
                Said(
                    "vintages is declared in a market of one year, where it has no effect; leave it out.",
                    "vintages 用于只有一年的市场时不起作用，请删去该项。",
                )
            )
        return found

    def problems_in(self, problem: MarketProblem) -> list[str]:
        """Other rules on what is carried, and an opening bank whose vintages are not stated or not usable."""
        labels = [one.label for one in problem.instruments]
        beside: list[str] = [name for name in ("banking", "compliance_periods", "terminal_bank") if name in labels]
        beside += [one.label for one in problem.instruments if one.by_enterprise]
        found: list[str] = []
        if beside:
            found.append(
                Said(
                    f"vintages stand beside {shorten(beside)}: both say what is carried from year to year. Keep one of "
                    "them; a life past the last year is banking, early use is borrowing.",
                    f"vintages 与 {shorten(beside, 'zh')} 并存：二者都规定哪些配额可跨年使用。请保留其一；"
                    "有效期超过末年即为结转，提前使用即为预借。",
                )
            )
        if self.opening is None and problem.opening_bank:
            found.append(
                Said(
                    f"opening_bank is {problem.opening_bank:g}; say of which vintage it is (vintages.opening).",
                    f"opening_bank 为 {problem.opening_bank:g}；请说明属于哪个年份的配额（vintages.opening）。",
                )
            )
        stock = self.opening_stock(problem.opening_bank)
        total = sum(stock.values())
        if self.opening is not None and (abs(total - problem.opening_bank) > 1e-9 * max(total, 1.0) or total <= 0):
            found.append(
                Said(
                    f"vintages.opening holds {total:g} allowances and opening_bank {problem.opening_bank:g}; "
                    "expected the "
                    "same positive number.",
                    f"vintages.opening 合计 {total:g} 个配额，而 opening_bank 为 {problem.opening_bank:g}；"
                    "两者应为同一正数。",
                )
            )
        unusable = [born for born in stock if not problem.year[0] - self.life <= born < problem.year[0]]
        if unusable or any(amount < 0 for amount in stock.values()):
            found.append(
                Said(
                    f"vintages.opening has {shorten(sorted(unusable) or sorted(stock))}; expected vintages from "
                    f"{problem.year[0] - self.life} to {problem.year[0] - 1}, which may still be surrendered, and no "
                    "debt.",
                    f"vintages.opening 含 {shorten(sorted(unusable) or sorted(stock), 'zh')}；"
                    f"应为 {problem.year[0] - self.life} 至 {problem.year[0] - 1} 年、仍可用于清缴的配额，"
                    "且不得为欠额。",
                )
            )
        return found

    def first_year(self, vintage: int) -> int:
        """The first year in which a vintage may be surrendered."""
        return vintage - int(self.early)

    def last_year(self, vintage: int) -> int:
        """The last year in which a vintage may be surrendered."""
        return vintage + int(self.life)

    def opening_stock(self, bank: float) -> dict[int, float]:
        """Allowances of each vintage in an opening bank, the oldest first."""
        if self.opening is None:
            return {}
        stock = self.opening if isinstance(self.opening, Mapping) else {self.opening: bank}
        return {int(born): float(stock[born]) for born in sorted(stock)}

    @classmethod
    def from_parameters(cls, parameters: ParameterSet, setting: MarketSetting) -> tuple[Instrument, ...]:
        """No study lists vintages yet; see Raises.

        Raises
        ------
        ParameterError
            Always: lives are written in a market problem file.
        """
        raise ParameterError(
            "market.instruments lists 'vintages', which has no dated parameters. Use it in a market problem file: "
            "instruments: {vintages: {life: ...}}.",
            "market.instruments 列有 'vintages'，但它没有带日期的参数。请在市场问题文件中使用：instruments: {vintage"
            "s: {life: ...}}。",
        )

    def in_years(self, first: int, stop: int, years: Sequence[int]) -> CarriedVintages:
        """The same lives in a window; one that opens later is told what it opens with by the decision before.

        Raises
        ------
        InputError
            If allowances may be used before their year: a window cannot owe them to one that it does not see.
        """
        if self.early:
            raise InputError(
                "vintages.early cannot be cut into windows or nodes: what is used before its year would be owed to "
                "years that a window does not see. Leave early out (0), or clear without a concept.",
                "vintages.early 不能拆成窗口或节点：提前使用的配额会欠在窗口看不见的年份。请删去 early（0），或不用均衡"
                "概念出清。",
            )
        return CarriedVintages(self.life, 0, self.opening if first == 0 else None)

    def add_to(self, frame: Frame) -> None:
        """Add the stock of each vintage at each year end and the rows by which no stock grows after its issue."""
        import pyomo.environ as pyo

        years, block = frame.years, frame.block(self.label)
        opening = self.opening_stock(frame.opening_bank)
        held = [
            (born, year)
            for born in (*opening, *years)
            for year in years
            if self.first_year(born) <= year < min(self.last_year(born), years[-1])
        ]
        bounds = {(born, year): (0.0, None) if year >= born else (None, 0.0) for born, year in held}
        block.stock = pyo.Var(held, bounds=lambda _, born, year: bounds[born, year])
        stock = dict(block.stock.items())
        for born, year in held:
            frame.supply[year].append(-stock[born, year])
            frame.supply[year + 1].append(stock[born, year])

        def use(_: Any, born: int, year: int) -> Any:
            before, after = stock.get((born, year - 1), 0.0), stock.get((born, year), 0.0)
            issued = self._issued(frame, year) if born == year else 0.0
            if born in opening and year == years[0]:
                issued = opening[born] / frame.scale
            return after - before - issued <= 0

        first = {(born, born) for born in years} | {(born, years[0]) for born in opening}
        before = {(born, year) for born, year in ((born, last + 1) for born, last in held)}
        rows = sorted((first & (set(held) | before)) | (set(held) & before))
        block.use = pyo.Constraint(rows, rule=use)

    def _issued(self, frame: Frame, year: int) -> Any:
        sold = [
            column
            for name, columns in frame.step_columns.items()
            for at, column in columns.items()
            if at == year and frame.step_kinds[name] in SOLD
        ]
        return frame.issued[year] + sum(sold)

    def derive(self, problem: MarketProblem, dataset: xr.Dataset) -> dict[str, xr.DataArray]:
        """Stock, surrender, expiry and price of each vintage."""
        from carbonsim.market.vintage_ledger import vintage_arrays

        return vintage_arrays(problem, self, dataset)

    def audit(self, problem: MarketProblem, dataset: xr.Dataset) -> Iterable[Line]:
        """Stocks and prices by vintage, each against the ledger and the year's prices."""
        from carbonsim.market.audit_vintages import vintage_lines

        return vintage_lines(problem, dataset)

    def rents(self, problem: MarketProblem, dataset: xr.Dataset, price: Array) -> dict[str, Array]:
        """For the audit: a tonne sold is worth its vintage, which may be more than the year's price."""
        from carbonsim.market.audit_vintages import issue_worth

        extra = issue_worth(problem, price) - price
        return {step.name: -extra for step in problem.steps if step.kind in SOLD}

    def worth_of_obligation(self, problem: MarketProblem, dataset: xr.Dataset, price: Array) -> Array | float:
        """For the audit: free allocation lost with a tonne cut is worth its vintage, (enterprise, year)."""
        from carbonsim.market.audit_vintages import issue_worth

        return np.asarray(problem.per_emission * (issue_worth(problem, price) - price))


@dataclass(frozen=True, slots=True, eq=False)
class CarriedVintages(Vintages):
    """Vintages in one window of several, where a single year is no mistake: the next window opens with what is left."""

    def problems(self, years: Sequence[int]) -> list[str]:
        """None: they are those of the whole market."""
        return []
