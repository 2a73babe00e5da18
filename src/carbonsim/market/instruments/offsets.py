"""Offsets: credits from outside the market, up to a share of obligations or a quantity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carbonsim.errors import ParameterError, Said
from carbonsim.inputs.parameters import ParameterSet
from carbonsim.market.supply import (
    Array,
    Instrument,
    MarketSetting,
    SupplyStep,
    as_array,
    check_exists,
    check_window,
    check_yearly,
    from_start,
    in_window,
    instruments,
    over_years,
)

if TYPE_CHECKING:
    from carbonsim.market.programme import Frame


@instruments.register("offsets", parameters=("market.offset_price", "market.offset_limit"), at_given_price=True)
@dataclass(frozen=True, slots=True, eq=False)
class Offsets(Instrument):
    r"""Offset credits stand in for allowances, up to a share of each obligation or up to a quantity.

    .. math::
        :label: offsets-limit

        0 \le o_y \le \theta_y \sum_e s_{ey} e_{ey} \qquad\text{or}\qquad 0 \le o_y \le O_y

    at the cost :math:`d_y p^o_y` each. With a share limit, a tonne abated also takes away :math:`\theta` of an
    offset, so that above :math:`p^o` an enterprise abates up to
    :math:`MAC = s(\varphi p - \theta (p - p^o))`. What a tonne more of the limit is worth is :math:`p - p^o`.

    Several types stand side by side by name, each with its own price, limit and window of years; an ``offset_limit``
    binds them together.

    Parameters
    ----------
    price : float or array [CNY/tCO2e] (year)
        Price of a credit; NaN in a year in which none may be used.
    share_limit : float or array [1] (year), optional
        Share of the obligation, 0..1. Exactly one of the two limits is given.
    quantity : float or array [tCO2e] (year), optional
        Credits that may be used in the whole market.
    name : str
        Label of the type, unique in a market.
    usable_from, usable_until : int, optional
        First and last compliance year that credits of this type may serve.
    """

    price: Array
    share_limit: Array | None = None
    quantity: Array | None = None
    name: str = "offsets"
    usable_from: int | None = None
    usable_until: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "price", as_array(self.price))
        for name in ("share_limit", "quantity"):
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else as_array(value))

    @property
    def label(self) -> str:
        """Name of the block of rows and columns and of the step."""
        return self.name

    @property
    def at_given_price(self) -> bool:
        """Credits are worth using at a given price as well."""
        return True

    @property
    def is_its_steps(self) -> bool:
        """Nothing beside its step."""
        return True

    def yearly(self) -> dict[str, Array]:
        """Price and the limit that is given."""
        limits = {"share_limit": self.share_limit, "quantity": self.quantity}
        return {"price": self.price, **{name: array for name, array in limits.items() if array is not None}}

    def problems(self, years: Sequence[int]) -> list[str]:
        """Shape and sign, exactly one limit, a share above 1, and credits that nobody may use."""
        found = check_yearly(self.label, self.yearly(), len(years))
        if (self.share_limit is None) == (self.quantity is None):
            found.append(
                Said(
                    "offsets need exactly one limit: share_limit or quantity.",
                    "offsets 须且只须给出一种限制：share_limit 或 quantity。",
                )
            )
        if self.share_limit is not None and np.any(self.share_limit > 1):
            found.append(
                Said(
                    f"offsets.share_limit is {self.share_limit.max():g}; expected a share from 0 to 1.",
                    f"offsets.share_limit 为 {self.share_limit.max():g}，应为 0 到 1 之间的比例。",
                )
            )
        found += check_window(self.label, years, self.usable_from, self.usable_until)
        return found or check_exists(self.supply_steps(years)[0])

    def supply_step(self, years: int) -> SupplyStep:
        """Credits at their price, limited by quantity or by each obligation."""
        price = over_years(self.price, years)
        if self.share_limit is None:
            quantity = as_array(0.0 if self.quantity is None else self.quantity)
            return SupplyStep(self.label, "offset", price, over_years(quantity, years))
        share = over_years(self.share_limit, years)
        return SupplyStep(self.label, "offset", price, np.where(share > 0, np.inf, 0.0), share)

    def supply_steps(self, years: Sequence[int]) -> tuple[SupplyStep, ...]:
        """The step in the years in which credits of this type may be used."""
        return (in_window(self.supply_step(len(years)), years, self.usable_from, self.usable_until),)

    @classmethod
    def from_parameters(cls, parameters: ParameterSet, setting: MarketSetting) -> tuple[Instrument, ...]:
        """Credits at ``market.offset_price``: up to ``market.offset_limit``, or to ``market.offset_supply`` if scarcer.

        Raises
        ------
        ParameterError
            If neither the limit nor the supply is the tighter one in every year.
        """
        years = setting.years
        price = from_start(parameters, "market.offset_price", years)
        limit = np.nan_to_num(from_start(parameters, "market.offset_limit", years))
        if "market.offset_supply" not in parameters:
            return (cls(price=price, share_limit=limit),)
        quantity = setting.part * np.nan_to_num(from_start(parameters, "market.offset_supply", years))
        limit = np.where(quantity > 0, limit, 0.0)
        if np.all(quantity >= limit * setting.most_obligation):
            return (cls(price=price, share_limit=limit),)
        unclear = np.flatnonzero(quantity > limit * setting.least_obligation)
        if unclear.size:
            raise ParameterError(
                f"market.offset_supply of {years[unclear[0]]} is {quantity[unclear[0]]:,.0f} t, about the limit of "
                f"{limit[unclear[0]]:g} of obligations (market.offset_limit), so either might bind. Let one of them "
                "bind in every year, or leave market.offset_supply out.",
                f"{years[unclear[0]]} 年的 market.offset_supply 为 {quantity[unclear[0]]:,.0f} 吨，"
                f"与清缴义务 {limit[unclear[0]]:g} 的限额（market.offset_limit）相近，无法判断哪一个起约束。"
                "请使每年只有一个起约束，或删去 market.offset_supply。",
            )
        return (cls(price=price, quantity=quantity),)

    def add_to(self, frame: Frame) -> None:
        """Add the credits used and, with a share limit, the row ``offsets.limit`` of each year."""
        import pyomo.environ as pyo

        (step,) = self.supply_steps(frame.years)
        used = frame.add_supply(step)
        if step.obligation_share is None:
            return
        share = dict(zip(frame.years, step.obligation_share, strict=True))
        block = frame.block(self.label)
        block.limit = pyo.Constraint(
            list(used), rule=lambda _, year: used[year] <= float(share[year]) * frame.obligation[year]
        )
