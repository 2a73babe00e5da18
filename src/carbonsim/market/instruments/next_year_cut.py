"""Cut of next year's allowances for what was not surrendered, until the rule ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carbonsim.errors import Said
from carbonsim.inputs.parameters import ParameterSet
from carbonsim.market.supply import (
    Array,
    EngineName,
    Instrument,
    MarketSetting,
    SupplyStep,
    as_array,
    check_exists,
    check_yearly,
    from_start,
    instruments,
    over_years,
)

if TYPE_CHECKING:
    import xarray as xr

    from carbonsim.market.certificate import Line
    from carbonsim.market.problem import MarketProblem
    from carbonsim.market.programme import Frame


@instruments.register("next_year_cut", parameters=("market.penalty", "market.next_year_cut"))
@dataclass(frozen=True, slots=True, eq=False)
class NextYearCut(Instrument):
    r"""What is not surrendered costs a fee and is cut from next year's allowances, until the rule ends.

    .. math::
        :label: next-year-cut

        \text{need}_y - u_y + c_{y-1} u_{y-1} \le \text{supply}_y, \qquad u_y \ge 0, \qquad
        c_y = 0 \text{ for } y > y^{\text{end}}

    at the cost :math:`d_y F_y` each. While the cut holds, :math:`d_y p_y \le d_y F_y + c_y d_{y+1} p_{y+1}`, with
    equality where something is left unmet: without a fee the cut is a loan of allowances without interest. From the
    year after :math:`y^{\text{end}}` only the fee is left, which caps the price: :math:`p_y \le F_y`. What the rule
    takes away in a year is published as ``<name>_withheld``; the ledger counts it with what must be made good.

    What is cut after the horizon has no year to bind in. So in the last year nothing may be left unmet while the cut
    holds, unless ``beyond`` says what an allowance of the following year is worth. That worth weighs in the price of
    the last year like a fee, but it is owed in allowances: the money of the last year holds the fee alone.

    Parameters
    ----------
    price : float or array [CNY/tCO2e] (year)
        Fee F per missing allowance beside the cut; NaN in a year in which nothing may be left unmet.
    ratio : float or array [allowance/tCO2e] (year)
        Allowances cut for each missing one; 1 is an equal cut.
    until : int, optional
        Last compliance year whose missing allowances are cut from the next year's.
    beyond : float [CNY/tCO2e], optional
        Price of an allowance in the year after the last, discounted to the last.
    name : str
        Label, unique in a market.
    """

    price: Array = 0.0  # type: ignore[assignment]  # a number is accepted and stored as an array
    ratio: Array = 1.0  # type: ignore[assignment]
    until: int | None = None
    beyond: float | None = None
    name: str = "next_year_cut"

    def __post_init__(self) -> None:
        object.__setattr__(self, "price", as_array(self.price))
        object.__setattr__(self, "ratio", as_array(self.ratio))

    @property
    def label(self) -> str:
        """Name of the block of columns and of the step."""
        return self.name

    @property
    def relaxes(self) -> tuple[str, ...]:
        """In the last year nothing may be left unmet unless ``beyond`` is given."""
        return (
            ()
            if self.beyond is not None
            else (
                Said(
                    f"the ban on leaving the last year unmet ({self.name}.beyond)",
                    f"末年不得有未清缴量的规定（{self.name}.beyond）",
                ),
            )
        )

    def refused_by(self, engine: EngineName) -> str:
        """The programme alone can hold what is cut next year."""
        return (
            ""
            if engine == "programme"
            else Said(
                "links years by more than the bank (the next year's cut)", "除结转外还把各年联系在一起（次年等量核减）"
            )
        )

    def yearly(self) -> dict[str, Array]:
        """The fee and the ratio."""
        return {"price": self.price, "ratio": self.ratio}

    def problems(self, years: Sequence[int]) -> list[str]:
        """Shape and sign, a cut that never holds, and a year without fee or cut."""
        found = check_yearly(self.label, self.yearly(), len(years))
        if self.beyond is not None and not (np.isfinite(self.beyond) and self.beyond >= 0):
            found.append(
                Said(
                    f"{self.label}.beyond is {self.beyond:g}; expected a price that is not negative.",
                    f"{self.label}.beyond 为 {self.beyond:g}，应为非负价格。",
                )
            )
        if found:
            return found
        cut, price = self._cut(years), over_years(self.price, len(years))
        if not cut.any():
            found.append(
                Said(
                    f"{self.label} ends before {years[0]}, so nothing is ever cut; declare a penalty instead.",
                    f"{self.label} 在 {years[0]} 之前已失效，因此不会核减任何配额；请改用 penalty。",
                )
            )
        free = [year for year, owed, fee in zip(years, cut, price, strict=True) if owed == 0 and fee == 0]
        if free:
            found.append(
                Said(
                    f"{self.label} has neither a cut nor a fee in {free[0]}, so nobody would surrender anything; "
                    "give it a "
                    "price from then on, or NaN where nothing may be left unmet.",
                    f"{self.label} 在 {free[0]} 年既无核减也无罚款，企业便不会清缴；请自该年起给出 price，"
                    "或在不得有未清缴量的年份写 null。",
                )
            )
        return found or check_exists(self.supply_steps(years)[0])

    def _cut(self, years: Sequence[int]) -> Array:
        """Allowances cut for each missing one, 0 once the rule has ended."""
        holds = np.array([self.until is None or year <= self.until for year in years])
        return np.where(holds, over_years(self.ratio, len(years)), 0.0)

    def supply_steps(self, years: Sequence[int]) -> tuple[SupplyStep, ...]:
        """Unmet obligations at the fee, without a limit, and what is owed next year."""
        cut, fee = self._cut(years), over_years(self.price, len(years))
        price = np.array(fee)
        quantity = np.where(np.isnan(price), 0.0, np.inf)
        if cut[-1] > 0 and self.beyond is None:
            quantity[-1] = 0.0
        elif cut[-1] > 0 and self.beyond is not None:
            price[-1] += cut[-1] * self.beyond
        owed = np.where(quantity > 0, cut, 0.0)
        owed[-1] = 0.0
        return (SupplyStep(self.name, "penalty", price, quantity, owed_next=owed, paid=fee),)

    @classmethod
    def from_parameters(cls, parameters: ParameterSet, setting: MarketSetting) -> tuple[Instrument, ...]:
        """The fee of ``market.penalty`` beside the cut of ``market.next_year_cut``."""
        ratio = np.nan_to_num(from_start(parameters, "market.next_year_cut", setting.years))
        return (cls(price=from_start(parameters, "market.penalty", setting.years), ratio=ratio),)

    def add_to(self, frame: Frame) -> None:
        """Add the unmet obligations and their return in the next year's need."""
        (step,) = self.supply_steps(frame.years)
        frame.add_supply(step)

    def derive(self, problem: MarketProblem, dataset: xr.Dataset) -> dict[str, xr.DataArray]:
        """Allowances withheld in each year for what was missing the year before."""
        unmet = dataset.step_used.sel(step=self.name, drop=True)
        withheld = (unmet * self._cut(problem.year)).shift(year=1, fill_value=0.0)
        return {f"{self.name}_withheld": withheld.assign_attrs(units="tCO2e")}

    def audit(self, problem: MarketProblem, dataset: xr.Dataset) -> Iterable[Line]:
        """What is withheld follows from what was missing."""
        from carbonsim.market.audit_ledger import IDENTITY, worst

        row = [step.name for step in problem.steps].index(self.name)
        ratio = np.broadcast_to(self.ratio, len(problem.year))
        expected = np.zeros(len(problem.year))
        for y, year in enumerate(problem.year[:-1]):
            if self.until is None or year <= self.until:
                expected[y + 1] = ratio[y] * dataset.step_used.values[row, y]
        found = dataset[f"{self.name}_withheld"].values
        yield worst(f"{self.name}.withheld", found - expected, expected, IDENTITY, problem.year)
