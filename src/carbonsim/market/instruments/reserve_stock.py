"""Reserve with a stock: a tier whose unused allowances stay on offer in later years."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from carbonsim.errors import ParameterError, Said
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
    instruments,
    over_years,
)

if TYPE_CHECKING:
    import xarray as xr

    from carbonsim.market.certificate import Line
    from carbonsim.market.problem import MarketProblem
    from carbonsim.market.programme import Frame

USED_UP = 1e-7  # a stock with less than this share of it left counts as used up


@instruments.register("reserve_stock", parameters=())
@dataclass(frozen=True, slots=True, eq=False)
class ReserveStock(Instrument):
    r"""A stock of allowances is sold at the tier's price until it is used up, whenever that is.

    .. math::
        :label: reserve-stock

        z_y \ge 0, \qquad \sum_y z_y \le K \quad [\nu], \qquad
        p_y \le P_y + \nu / d_y, \quad \text{with equality where } z_y > 0

    In the programme each tonne sold costs :math:`d_y P_y`. The dual :math:`\nu` is what a tonne more of stock is worth
    at the start; published as ``<name>_rent``, :math:`\nu / d_y`, in the money of each year. While it is zero the tier
    holds the price at P; once the stock is too small for all years that ask for it, buyers pay its scarcity as well
    and it goes to the years in which an allowance is worth most. This assumes that who buys foresees that later years
    will need the stock; a regulator who sells to whoever comes first empties it earlier.

    Parameters
    ----------
    price : float or array [CNY/tCO2e] (year)
        Trigger price P; NaN in a year in which nothing is sold.
    stock : float [allowance]
        Volume K over all years.
    name : str
        Label of the tier, unique among the tiers of a market.
    """

    price: Array
    stock: float
    name: str = "reserve_stock"

    def __post_init__(self) -> None:
        object.__setattr__(self, "price", as_array(self.price))

    @property
    def label(self) -> str:
        """Name of the tier and of its step."""
        return self.name

    @property
    def rations(self) -> bool:
        """What is sold in one year is not there in another."""
        return True

    @property
    def links_years(self) -> bool:
        """The stock ties the years' prices."""
        return True

    def refused_by(self, engine: EngineName) -> str:
        """Only the programme holds a stock beside the bank."""
        return "" if engine == "programme" else Said("sells one stock over all years", "在各年之间出售同一存量")

    def yearly(self) -> dict[str, Array]:
        """Trigger price."""
        return {"price": self.price}

    def problems(self, years: Sequence[int]) -> list[str]:
        """Shape and sign, and a stock that holds nothing."""
        found = check_yearly(self.label, self.yearly(), len(years))
        if not (np.isfinite(self.stock) and self.stock > 0):
            found.append(
                Said(
                    f"{self.label}.stock is {self.stock:g}; expected a finite number above 0 (an unlimited one is a "
                    "price_ceiling).",
                    f"{self.label}.stock 为 {self.stock:g}，应为大于 0 的有限数（不限量者为 price_ceiling）。",
                )
            )
        return found or check_exists(self.supply_step(len(years)))

    def supply_step(self, years: int) -> SupplyStep:
        """Allowances at the trigger price; the stock limits them over all years and not in one."""
        price = over_years(self.price, years)
        return SupplyStep(self.name, "reserve_tier", price, np.where(np.isnan(price), 0.0, np.inf))

    @classmethod
    def from_parameters(cls, parameters: ParameterSet, setting: MarketSetting) -> NoReturn:
        """No study lists it yet: no reserve with a stock is in the parameters."""
        raise ParameterError(
            "reserve_stock cannot be listed by a study: no parameter gives its stock. Use it in a problem file, or "
            "list reserve_tier, which holds a quantity for each year.",
            "研究不能列用 reserve_stock：没有参数给出其存量。请在问题文件中使用，或改列 reserve_tier，它按年给出数量。",
        )

    def add_to(self, frame: Frame) -> None:
        """Add the volume sold in each year at the trigger price, and the row ``reserve_stock.stock`` over all years."""
        import pyomo.environ as pyo

        sold = frame.add_supply(self.supply_step(len(frame.years)))
        block = frame.block(self.label)
        block.stock = pyo.Constraint(expr=pyo.quicksum(sold.values()) <= self.stock / frame.scale)
        frame.publish_price(f"{self.label}_rent", dict.fromkeys(frame.years, block.stock), linked=True)

    def rents(self, problem: MarketProblem, dataset: xr.Dataset, price: Array) -> dict[str, Array]:
        """An allowance of the stock costs its rent; once the stock is used up, the rent follows a price path."""
        row = [step.name for step in problem.steps].index(self.name)
        used = dataset.step_used.values[row]
        known = np.where(np.isnan(dataset.allowance_price), dataset.price_low, dataset.allowance_price)
        left = self.stock - used.sum()
        if left > USED_UP * self.stock or np.array_equal(price, known):
            return {self.name: dataset[f"{self.name}_rent"].values}
        gain, before = (
            np.where(np.isnan(self.price), 0.0, (path - self.price) * problem.discount) for path in (price, known)
        )
        buys = used > USED_UP * self.stock
        # One worth for all years: it moves when all buyers' years do, and nobody else would pay more.
        first = float(dataset[f"{self.name}_rent"].values[0] * problem.discount[0])
        worth = min(max(first, float(gain[buys].min())), float(gain[buys].max()))
        worth = max(worth, float(before[~buys].max(initial=0.0)), 0.0)
        return {self.name: worth / problem.discount}

    def audit(self, problem: MarketProblem, dataset: xr.Dataset) -> Iterable[Line]:
        """The stock is kept, its rent is one worth in all years, and one that is not used up has none."""
        from carbonsim.market.audit_ledger import SOLVED, worst

        row = [step.name for step in problem.steps].index(self.name)
        sold = float(dataset.step_used.values[row].sum())
        worth = dataset[f"{self.label}_rent"].values * problem.discount
        scale = max(1.0, float(np.nanmax(self.price)))
        over = np.array([max(sold - self.stock, 0.0)])
        yield worst(f"{self.label}.stock", over, self.stock, SOLVED, ("the stock",))
        left = max(self.stock - sold, 0.0) / self.stock
        yield worst(f"{self.label}.slack", left * worth + np.minimum(worth, 0.0), scale, SOLVED, problem.year)
        apart = worth - worth.mean()
        yield worst(f"{self.label}.one_worth", apart, np.maximum(np.abs(worth), 1e-3), SOLVED, problem.year)
