"""Penalty for allowances not surrendered, with or without the duty to make good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

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
    from carbonsim.market.programme import Frame


@instruments.register("penalty", parameters=("market.penalty",))
@dataclass(frozen=True, slots=True, eq=False)
class Penalty(Instrument):
    r"""An obligation may be left unmet at a fee; with make-good the missing allowances are owed next year.

    .. math::
        :label: penalty

        \text{need}_y - u_y + m\,u_{y-1} \le \text{supply}_y, \qquad u_y \ge 0,

    at the cost :math:`d_y F_y` each, with m = 1 if the missing allowances must be made good. Without make-good the
    fee caps the price, :math:`p_y \le F_y`; with it :math:`d_y p_y \le d_y F_y + d_{y+1} p_{y+1}`, so the price may
    exceed the fee. In the last year nobody could make good inside the horizon, hence nothing may be left unmet then.

    Parameters
    ----------
    price : float or array [CNY/tCO2e] (year)
        Fee F per missing allowance; NaN in a year without one.
    make_good : bool
        Whether the missing allowances are owed in the next year.
    """

    price: Array
    make_good: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "price", as_array(self.price))

    @property
    def label(self) -> str:
        """Name of the block of columns and of the step."""
        return "penalty"

    def refused_by(self, engine: EngineName) -> str:
        """With make-good, the programme alone can hold what is owed next year."""
        return "links years by more than the bank (make-good)" if self.make_good and engine != "programme" else ""

    def yearly(self) -> dict[str, Array]:
        """The fee."""
        return {"price": self.price}

    def problems(self, years: Sequence[int]) -> list[str]:
        """Shape and sign, and a fee that applies in no year."""
        found = check_yearly(self.label, self.yearly(), len(years))
        return found or check_exists(self.supply_step(len(years)))

    def supply_step(self, years: int) -> SupplyStep:
        """Unmet obligations at the fee, without a limit."""
        price = over_years(self.price, years)
        quantity = np.where(np.isnan(price), 0.0, np.inf)
        if not self.make_good:
            return SupplyStep(self.label, "penalty", price, quantity)
        quantity[-1] = 0.0
        owed = np.where(quantity > 0, 1.0, 0.0)
        return SupplyStep(self.label, "penalty", price, quantity, owed_next=owed)

    @classmethod
    def from_parameters(cls, parameters: ParameterSet, setting: MarketSetting) -> tuple[Instrument, ...]:
        """A fee of ``market.penalty``; missing allowances are made good if ``market.penalty_make_good`` is 1."""
        make_good = "market.penalty_make_good" in parameters and bool(
            parameters.value("market.penalty_make_good", setting.years[0])
        )
        return (cls(price=from_start(parameters, "market.penalty", setting.years), make_good=make_good),)

    def add_to(self, frame: Frame) -> None:
        """Add the unmet obligations and, with make-good, their return in the next year's need."""
        frame.add_supply(self.supply_step(len(frame.years)))
