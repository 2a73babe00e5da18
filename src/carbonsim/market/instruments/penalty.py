"""Penalty for allowances not surrendered, with or without the duty to make good."""

from __future__ import annotations

from collections.abc import Sequence
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
    from carbonsim.market.programme import Frame


@instruments.register("penalty", parameters=("market.penalty",))
@dataclass(frozen=True, slots=True, eq=False)
class Penalty(Instrument):
    r"""An obligation may be left unmet at a fee; with make-good the missing allowances are owed next year.

    .. math::
        :label: penalty

        \text{need}_y - u_y + m_{y-1}\,u_{y-1} \le \text{supply}_y, \qquad u_y \ge 0,

    at the cost :math:`d_y F_y` each, with m allowances owed next year for each missing one: 1 if it must be made good,
    more if the law asks for a multiple (3 to 1). Without make-good the fee caps the price, :math:`p_y \le F_y`; with it
    :math:`d_y p_y \le d_y F_y + m_y d_{y+1} p_{y+1}`, with equality where something is left unmet, so the price may
    exceed the fee. What may be left unmet is not limited by the own obligation, so :math:`MAC = s\varphi p` stays.
    In the last year nobody could make good inside the horizon, hence nothing may be left unmet then.

    Parameters
    ----------
    price : float or array [CNY/tCO2e] (year)
        Fee F per missing allowance; NaN in a year without one.
    make_good : bool, float or array [allowance/tCO2e] (year)
        Allowances owed in the next year for each missing one; True is 1, False 0.
    """

    price: Array
    make_good: Array = False  # type: ignore[assignment]  # a switch or a number is accepted and stored as an array

    def __post_init__(self) -> None:
        object.__setattr__(self, "price", as_array(self.price))
        object.__setattr__(self, "make_good", as_array(self.make_good))

    @property
    def label(self) -> str:
        """Name of the block of columns and of the step."""
        return "penalty"

    def refused_by(self, engine: EngineName) -> str:
        """With make-good, the programme alone can hold what is owed next year."""
        links = bool(self.make_good.any()) and engine != "programme"
        return (
            Said("links years by more than the bank (make-good)", "除结转外还把各年联系在一起（补缴）") if links else ""
        )

    @property
    def relaxes(self) -> tuple[str, ...]:
        """With make-good the last year has no way out."""
        return (
            (
                Said(
                    "the duty to make good what the last year leaves unmet (penalty.make_good)",
                    "末年未清缴量的补缴义务（penalty.make_good）",
                ),
            )
            if self.make_good[-1]
            else ()
        )

    @property
    def is_its_steps(self) -> bool:
        """Nothing beside its step."""
        return True

    def yearly(self) -> dict[str, Array]:
        """The fee and the allowances owed for each missing one."""
        return {"price": self.price, "make_good": self.make_good}

    def problems(self, years: Sequence[int]) -> list[str]:
        """Shape and sign, and a fee that applies in no year."""
        found = check_yearly(self.label, self.yearly(), len(years))
        return found or check_exists(self.supply_step(len(years)))

    def supply_step(self, years: int) -> SupplyStep:
        """Unmet obligations at the fee, without a limit."""
        price = over_years(self.price, years)
        quantity = np.where(np.isnan(price), 0.0, np.inf)
        if not self.make_good.any():
            return SupplyStep(self.label, "penalty", price, quantity)
        ratio = over_years(self.make_good, years)
        quantity[-1] = 0.0 if ratio[-1] > 0 else quantity[-1]
        owed = np.where(quantity > 0, ratio, 0.0)
        owed[-1] = 0.0
        return SupplyStep(self.label, "penalty", price, quantity, owed_next=owed)

    @classmethod
    def from_parameters(cls, parameters: ParameterSet, setting: MarketSetting) -> tuple[Instrument, ...]:
        """A fee of ``market.penalty``; with ``market.penalty_make_good`` allowances owed for each missing one."""
        path = "market.penalty_make_good"
        given = path in parameters
        make_good = np.nan_to_num(from_start(parameters, path, setting.years)) if given else np.zeros(1)
        return (cls(price=from_start(parameters, "market.penalty", setting.years), make_good=make_good),)

    def add_to(self, frame: Frame) -> None:
        """Add the unmet obligations and, with make-good, their return in the next year's need."""
        frame.add_supply(self.supply_step(len(frame.years)))
