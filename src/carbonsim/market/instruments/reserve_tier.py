"""Reserve tier: a finite extra quantity released at a trigger price."""

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


@instruments.register("reserve_tier", parameters=("market.reserve_tier_price", "market.reserve_tier_quantity"))
@dataclass(frozen=True, slots=True, eq=False)
class ReserveTier(Instrument):
    r"""A finite quantity on top of supply is sold at the tier's price.

    .. math::
        :label: reserve-tier

        0 \le z_y \le K_y, \qquad p_y < P_y \Rightarrow z_y = 0, \qquad p_y > P_y \Rightarrow z_y = K_y

    In the programme the volume released is a column that costs :math:`d_y P_y`. The tier is finite: the price may
    rise past it.

    Parameters
    ----------
    price : float or array [CNY/tCO2e] (year)
        Trigger price P; NaN in a year without the tier.
    quantity : float or array [allowance] (year)
        Volume K.
    name : str
        Label of the tier, unique among the tiers of a market.
    """

    price: Array
    quantity: Array
    name: str = "reserve_tier"

    def __post_init__(self) -> None:
        object.__setattr__(self, "quantity", as_array(self.quantity))
        object.__setattr__(self, "price", as_array(self.price))

    @property
    def label(self) -> str:
        """Name of the block of columns and of the step."""
        return self.name

    @property
    def is_its_steps(self) -> bool:
        """Nothing beside its step."""
        return True

    def yearly(self) -> dict[str, Array]:
        """Trigger price and volume."""
        return {"price": self.price, "quantity": self.quantity}

    def problems(self, years: Sequence[int]) -> list[str]:
        """Shape and sign, and a tier that holds nothing."""
        found = check_yearly(self.label, self.yearly(), len(years))
        return found or check_exists(self.supply_step(len(years)))

    def supply_step(self, years: int) -> SupplyStep:
        """The tier's volume at its trigger price."""
        return SupplyStep(self.label, "reserve_tier", over_years(self.price, years), over_years(self.quantity, years))

    @classmethod
    def from_parameters(cls, parameters: ParameterSet, setting: MarketSetting) -> tuple[Instrument, ...]:
        """One tier for each label of ``market.reserve_tier_price`` and ``market.reserve_tier_quantity``."""
        return tuple(
            cls(
                price=from_start(parameters, "market.reserve_tier_price", setting.years, label),
                quantity=setting.part
                * np.nan_to_num(from_start(parameters, "market.reserve_tier_quantity", setting.years, label)),
                name=f"reserve_{label}",
            )
            for (label,) in parameters.get("market.reserve_tier_price").labels()
        )

    def add_to(self, frame: Frame) -> None:
        """Add the volume released, bounded by the tier, at the trigger price."""
        frame.add_supply(self.supply_step(len(frame.years)))
