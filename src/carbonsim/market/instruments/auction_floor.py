"""Auction with a floor: allowances offered at or above a reserve price."""

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


@instruments.register("auction_floor", parameters=("market.auction_floor",))
@dataclass(frozen=True, slots=True, eq=False)
class AuctionFloor(Instrument):
    r"""A quantity is auctioned each year, at no less than a reserve price.

    .. math::
        :label: auction-floor

        0 \le a_y \le A_y, \qquad p_y < \underline p_y \Rightarrow a_y = 0, \qquad
        p_y > \underline p_y \Rightarrow a_y = A_y

    In the programme the volume sold is a column that costs :math:`d_y \underline p_y`. What is not sold is
    cancelled. The floor supports the price only as far as allowances are auctioned.

    Parameters
    ----------
    quantity : float or array [allowance] (year)
        Offered volume A.
    price : float or array [CNY/tCO2e] (year)
        Reserve price; NaN in a year without an auction.
    name : str
        Label of the auction, unique in a market. A volume that is withheld below a trigger price (an emissions
        containment reserve) is an auction of its own, with the trigger as its floor.
    """

    quantity: Array
    price: Array
    name: str = "auction_floor"

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
        """Offered volume and reserve price."""
        return {"quantity": self.quantity, "price": self.price}

    def problems(self, years: Sequence[int]) -> list[str]:
        """Shape and sign, and an auction that offers nothing."""
        found = check_yearly(self.label, self.yearly(), len(years))
        return found or check_exists(self.supply_step(len(years)))

    def supply_step(self, years: int) -> SupplyStep:
        """The auctioned volume at the reserve price."""
        return SupplyStep(self.label, "floor", over_years(self.price, years), over_years(self.quantity, years))

    @classmethod
    def from_parameters(cls, parameters: ParameterSet, setting: MarketSetting) -> tuple[Instrument, ...]:
        """All that is auctioned, at no less than ``market.auction_floor``; none if nothing is auctioned."""
        if not np.any(setting.auctioned > 0):
            return ()
        price = from_start(parameters, "market.auction_floor", setting.years)
        # Before its first year there is no floor: what is auctioned then sells at any price.
        return (cls(quantity=setting.auctioned, price=np.where(setting.auctioned > 0, np.nan_to_num(price), price)),)

    def add_to(self, frame: Frame) -> None:
        """Add the volume sold, bounded by the volume offered, at the reserve price."""
        frame.add_supply(self.supply_step(len(frame.years)))
