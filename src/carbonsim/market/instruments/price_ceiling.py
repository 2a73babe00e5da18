"""Price ceiling: unlimited allowances at a fixed price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carbonsim.inputs.parameters import ParameterSet
from carbonsim.market.supply import (
    Array,
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


@instruments.register("price_ceiling", parameters=("market.price_ceiling",))
@dataclass(frozen=True, slots=True, eq=False)
class PriceCeiling(Instrument):
    r"""The regulator sells as many allowances as are asked for at the ceiling price.

    .. math::
        :label: price-ceiling

        z_y \ge 0, \qquad p_y \le \bar P_y, \qquad (\bar P_y - p_y)\, z_y = 0

    In the programme the volume sold is an unbounded column that costs :math:`d_y \bar P_y`. With banking, an open
    ceiling in a later year bounds the price of earlier years as well.

    Parameters
    ----------
    price : float or array [CNY/tCO2e] (year)
        Ceiling price; NaN in a year without one.
    """

    price: Array

    def __post_init__(self) -> None:
        object.__setattr__(self, "price", as_array(self.price))

    @property
    def label(self) -> str:
        """Name of the block of columns and of the step."""
        return "price_ceiling"

    @property
    def is_its_steps(self) -> bool:
        """Nothing beside its step."""
        return True

    def yearly(self) -> dict[str, Array]:
        """Ceiling price."""
        return {"price": self.price}

    def problems(self, years: Sequence[int]) -> list[str]:
        """Shape and sign, and a ceiling without a price in any year."""
        found = check_yearly(self.label, self.yearly(), len(years))
        return found or check_exists(self.supply_step(len(years)))

    def supply_step(self, years: int) -> SupplyStep:
        """Unlimited allowances at the ceiling price."""
        price = over_years(self.price, years)
        return SupplyStep(self.label, "ceiling", price, np.where(np.isnan(price), 0.0, np.inf))

    @classmethod
    def from_parameters(cls, parameters: ParameterSet, setting: MarketSetting) -> tuple[Instrument, ...]:
        """A hard ceiling at ``market.price_ceiling``."""
        return (cls(price=from_start(parameters, "market.price_ceiling", setting.years)),)

    def add_to(self, frame: Frame) -> None:
        """Add the volume sold at the ceiling, without a bound."""
        frame.add_supply(self.supply_step(len(frame.years)))
