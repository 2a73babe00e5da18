"""Terminal bank: what allowances left in the last year are for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from carbonsim.errors import ParameterError, Said
from carbonsim.inputs.parameters import ParameterSet
from carbonsim.market.supply import Instrument, MarketSetting, instruments

if TYPE_CHECKING:
    import xarray as xr

    from carbonsim.market.certificate import Line
    from carbonsim.market.problem import MarketProblem
    from carbonsim.market.programme import Frame

ROUNDING = 1e-12


@instruments.register("terminal_bank", parameters=())
@dataclass(frozen=True, slots=True, eq=False)
class TerminalBank(Instrument):
    r"""Allowances must be left in the last year T, or those left are worth a price.

    .. math::
        :label: terminal-bank

        B_T \ge K \quad [\texttt{terminal\_bank.at\_least}] \qquad\text{or}\qquad
        p_T \ge V, \quad B_T \ge 0, \quad (p_T - V)\, B_T = 0

    With ``at_least`` the dual of the row, published as ``terminal_bank_price``, is what a tonne of the condition
    costs: the price of the last year while the condition binds, 0 while more than K is left. With ``value`` holders
    keep what they cannot sell above V, a support of the price like a floor: in the programme the tonnes kept earn
    :math:`d_T V`. Neither changes anybody's incentive inside a year other than by the price.

    Parameters
    ----------
    at_least : float [allowance], optional
        Allowances K to be left at the end of the last year. Exactly one of the two is given.
    value : float [CNY/allowance], optional
        Worth V of an allowance left, in money of the last year.
    """

    at_least: float | None = None
    value: float | None = None

    @property
    def label(self) -> str:
        """Name of the block of rows and columns."""
        return "terminal_bank"

    def problems(self, years: Sequence[int]) -> list[str]:
        """Exactly one of the two, and a positive, finite number."""
        if (self.at_least is None) == (self.value is None):
            return [
                Said(
                    "terminal_bank needs exactly one of at_least (tonnes to be left) and value (price of what is "
                    "left).",
                    "terminal_bank 须且只须给出 at_least（应剩余的吨数）与 value（剩余配额的价格）之一。",
                )
            ]
        name, number = ("at_least", self.at_least) if self.value is None else ("value", self.value)
        if number is None or not (np.isfinite(number) and number > 0):
            return [
                Said(
                    f"terminal_bank.{name} is {number!r}; expected a positive number (without the instrument nothing "
                    "need "
                    "be left, and what is left is worth nothing).",
                    f"terminal_bank.{name} 为 {number!r}，应为正数（没有该工具时，无须剩余配额，剩余的也没有价值）。",
                )
            ]
        return []

    def problems_in(self, problem: MarketProblem) -> list[str]:
        """A value at which allowances would be bought without limit only to be left."""
        if self.value is None:
            return []
        found: list[str] = []
        worth = self.value * problem.discount[-1]
        banked = any(instrument.label == "banking" for instrument in problem.instruments)
        due = np.flatnonzero(~problem.within_period)
        first = 0 if banked or len(due) == 1 else int(due[-2]) + 1
        for step in problem.steps:
            if step.obligation_share is not None or step.owed_next is not None:
                continue
            unlimited = step.exists() & np.isinf(step.quantity)
            cheap = np.flatnonzero(unlimited & (np.nan_to_num(step.price) * problem.discount < worth * (1 - ROUNDING)))
            for y in cheap[cheap >= first][:1]:
                found.append(
                    Said(
                        f"terminal_bank.value is {self.value:g}, but {step.name} offers any quantity at "
                        f"{step.price[y]:g} in {problem.year[y]}: everybody would take it only to have allowances "
                        "left. "
                        "Lower the value, or limit the step.",
                        f"terminal_bank.value 为 {self.value:g}，但 {step.name} 在 {problem.year[y]} 年以 "
                        f"{step.price[y]:g} 不限量"
                        "供给：人人都会为剩余配额而使用它。请降低该值，或限制该供给项。",
                    )
                )
        return found

    def in_years(self, first: int, stop: int, years: Sequence[int]) -> Self | None:
        """The condition in a window that ends with the market; None in one that ends before."""
        return self if stop == len(years) else None

    @classmethod
    def from_parameters(cls, parameters: ParameterSet, setting: MarketSetting) -> tuple[Instrument, ...]:
        """No study lists a terminal condition yet; see Raises.

        Raises
        ------
        ParameterError
            Always: the condition is written in a market problem file.
        """
        raise ParameterError(
            "market.instruments lists 'terminal_bank', which has no dated parameters. Use it in a market problem file: "
            "instruments: {terminal_bank: {at_least: ...}} or {value: ...}.",
            "market.instruments 列有 'terminal_bank'，但它没有带日期的参数。请在市场问题文件中使用：instruments: {te"
            "rminal_bank: {at_least: ...}} 或 {value: ...}。",
        )

    def add_to(self, frame: Frame) -> None:
        """Add what is kept beyond the last year, with its row or its worth."""
        import pyomo.environ as pyo

        last = frame.years[-1]
        kept = frame.add_columns(self.label, "kept", np.where(np.array(frame.years) == last, np.inf, 0.0))[last]
        frame.supply[last].append(-kept)
        if self.value is not None:
            frame.cost.append(-frame.discount[last] * float(self.value) * kept)
            return
        block = frame.block(self.label)
        block.at_least = pyo.Constraint(expr=-kept <= -float(self.at_least or 0.0) / frame.scale)

    def derive(self, problem: MarketProblem, dataset: xr.Dataset) -> dict[str, xr.DataArray]:
        """What a tonne of ``at_least`` costs in money of the last year: the price of that year."""
        if self.at_least is None:
            return {}
        price = dataset.allowance_price.where(dataset.allowance_price.notnull(), dataset.price_low)
        cost = price.where(dataset.year == problem.year[-1], 0.0)
        return {"terminal_bank_price": cost.assign_attrs(units="CNY/tCO2e")}

    def audit(self, problem: MarketProblem, dataset: xr.Dataset) -> Iterable[Line]:
        """The condition costs what the last year's allowance does, and nothing where more than enough is left."""
        from carbonsim.market.audit_bank import terminal_lines

        return terminal_lines(problem, dataset)
