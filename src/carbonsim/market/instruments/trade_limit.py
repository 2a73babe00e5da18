"""Trade limit: what the enterprises of a place buy from elsewhere, or sell to it, is limited."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from carbonsim.errors import ParameterError, Said, shorten
from carbonsim.inputs.parameters import ParameterSet
from carbonsim.market.audit_ledger import labels, worst
from carbonsim.market.enterprise_instrument import EnterpriseInstrument, Found, Margins, Published, no_margin
from carbonsim.market.supply import Array, Instrument, MarketSetting, as_array, instruments, over_years

if TYPE_CHECKING:
    import xarray as xr

    from carbonsim.market.audit_enterprise_replies import OwnProgramme
    from carbonsim.market.certificate import Line
    from carbonsim.market.enterprise_data import EnterpriseData
    from carbonsim.market.enterprise_programme import Cell, EnterpriseFrame
    from carbonsim.market.problem import MarketProblem

TRADED = 1e-7  # share of a place's trade that a solver's tolerance may exceed
SAME = 2e-6


@instruments.register("trade_limit", parameters=())
@dataclass(frozen=True, slots=True, eq=False)
class TradeLimit(EnterpriseInstrument):
    r"""Net purchases of the enterprises of a place, and their net sales, are limited.

    .. math::
        :label: trade-limit

        -V_{ky} \le \sum_{e \in k} (b_{ey} - v_{ey}) \le B_{ky} \quad [d_y \mu^-_{ky},\; d_y \mu^+_{ky}], \qquad
        p_{ky} = p_y + \mu^+_{ky} - \mu^-_{ky}

    A place that may buy no more has a price above the market's, one that may sell no more a price below it; else the
    price is the same. Inside a place trade is free. Allowances that the market as a whole sells come from outside every
    place, so a place's purchases of them count. The difference of prices times the tonnes that cross is a rent; who
    gets it depends on how the right to cross is given, which is not modelled: no enterprise is paid it here.

    Parameters
    ----------
    place : mapping of str to str
        Place of each enterprise; who is in none trades with the market freely.
    purchases, sales : mapping of str to float or array [allowance] (year), optional
        Most that a place may buy from outside, and sell to it; a place or a year left out has no limit.
    """

    place: Mapping[str, str]
    purchases: Mapping[str, ArrayLike] = field(default_factory=dict)
    sales: Mapping[str, ArrayLike] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Name under which the rows appear."""
        return "trade_limit"

    @property
    def places(self) -> tuple[str, ...]:
        """The places in alphabetical order."""
        return tuple(sorted(set(self.place.values())))

    def problems(self, years: Sequence[int]) -> list[str]:
        """Limits of places that are not there, of another length, or below zero."""
        found: list[str] = []
        for side, limits in (("purchases", self.purchases), ("sales", self.sales)):
            unknown = sorted(set(limits) - set(self.places))
            if unknown:
                found.append(
                    Said(
                        f"trade_limit.{side} names {shorten(unknown)}, in which no enterprise is.",
                        f"trade_limit.{side} 提到 {shorten(unknown, 'zh')}，该地区没有企业。",
                    )
                )
            for name, limit in limits.items():
                values = as_array(limit)
                if len(values) not in (1, len(years)) or not np.all(values >= 0):
                    found.append(
                        Said(
                            f"trade_limit.{side} of {name} is {shorten(values.tolist())}; expected one number from "
                            "0, or "
                            f"one for each of the {len(years)} years.",
                            f"{name} 的 trade_limit.{side} 为 {shorten(values.tolist(), 'zh')}，应为一个非负数，或 "
                            f"{len(years)} 年每年"
                            "一个。",
                        )
                    )
        if not self.purchases and not self.sales:
            found.append(
                Said(
                    "trade_limit limits neither purchases nor sales; leave it out.",
                    "trade_limit 既不限制买入也不限制卖出，请删去该项。",
                )
            )
        return found

    def problems_in(self, problem: MarketProblem) -> list[str]:
        """Enterprises that are not there."""
        unknown = sorted(set(self.place) - set(problem.enterprise))
        return (
            [
                Said(
                    f"trade_limit.place names {shorten(unknown)}, which is no enterprise of the market.",
                    f"trade_limit.place 提到 {shorten(unknown, 'zh')}，市场中没有该企业。",
                )
            ]
            if unknown
            else []
        )

    @property
    def relaxes(self) -> tuple[str, ...]:
        """What to relax where a place lacks allowances."""
        return (Said("the limit on what places buy and sell (trade_limit)", "地区买卖限额（trade_limit）"),)

    @classmethod
    def from_parameters(cls, parameters: ParameterSet, setting: MarketSetting) -> tuple[Instrument, ...]:
        """Refused: no dated parameter states a trade limit."""
        raise ParameterError(
            "trade_limit needs places and limits that no dated parameter states; use a problem file.",
            "trade_limit 所需的地区与限额没有带日期的参数给出；请使用问题文件。",
        )

    def _position(self, enterprise: Sequence[str]) -> NDArray[np.intp]:
        rank = {name: position for position, name in enumerate(self.places)}
        return np.array([rank.get(self.place.get(name, ""), -1) for name in enterprise], dtype=np.intp)

    def _limits(self, limits: Mapping[str, ArrayLike], years: int) -> Array:
        return np.array([over_years(as_array(limits.get(name, np.inf)), years) for name in self.places])

    def structure(self, data: EnterpriseData) -> NDArray[np.generic]:
        """The place decides in which rows an enterprise stands."""
        return self._position(data.problem.enterprise)[:, None]

    def add_to_enterprise(self, cell: Cell) -> None:
        """Hand the enterprise's trade to the rows of its place."""
        name = self.place.get(cell.frame.data.problem.enterprise[cell.enterprise])
        if name is None:
            return
        for year in cell.years:
            cell.frame.link("trade_limit.purchases", (name, year), cell.trade[year])
            cell.frame.link("trade_limit.sales", (name, year), -cell.trade[year])

    def add_links(self, frame: EnterpriseFrame) -> None:
        """Add the rows ``trade_limit.purchases`` and ``trade_limit.sales`` of each place and year."""
        for side, limits in (("purchases", self.purchases), ("sales", self.sales)):
            table = self._limits(limits, len(frame.years)) / frame.data.scale
            keyed = {
                (name, year): float(table[k, y])
                for k, name in enumerate(self.places)
                for y, year in enumerate(frame.years)
            }
            frame.add_link_rows(f"trade_limit.{side}", keyed)

    def coordinates(self) -> Mapping[str, tuple[str, ...]]:
        """The places."""
        return {"place": self.places}

    def publish_enterprises(self, data: EnterpriseData, found: Found) -> Mapping[str, Published]:
        """``place_premium`` [CNY/tCO2e] (place, year): price of a place less the market's."""
        premium = np.array(
            [
                [
                    found.link("trade_limit.purchases", (name, year)) - found.link("trade_limit.sales", (name, year))
                    for year in data.problem.year
                ]
                for name in self.places
            ]
        )
        return {"place_premium": (("place", "year"), premium / data.problem.discount + 0.0, "CNY/tCO2e")}

    def margins(self, problem: MarketProblem, dataset: xr.Dataset) -> Margins:
        """Each place has a price of its own, above the market's only where it may buy no more."""
        place, net, buy, sell = self._crossing(problem, dataset)
        premium = dataset.place_premium.values
        at_most = net >= buy - TRADED * np.maximum(np.where(np.isinf(buy), 1.0, buy), np.abs(net))
        at_least = -net >= sell - TRADED * np.maximum(np.where(np.isinf(sell), 1.0, sell), np.abs(net))
        sign = np.where(at_most & at_least, 2, np.where(at_most, 1, np.where(at_least, -1, 0)))
        return Margins(*no_margin(problem), place=place, premium=premium, premium_sign=sign)

    def _crossing(self, problem: MarketProblem, dataset: xr.Dataset) -> tuple[NDArray[np.intp], Array, Array, Array]:
        """For the audit: place of each enterprise, net purchases and both limits of each place, (place, year)."""
        names = list(self.places)
        place = np.array([names.index(self.place[e]) if e in self.place else -1 for e in problem.enterprise])
        bought = dataset.net_purchase.values
        net = np.array([bought[place == k].sum(axis=0) for k in range(len(names))])
        limits = []
        for side in (self.purchases, self.sales):
            limits.append(
                np.array([np.broadcast_to(np.asarray(side.get(n, np.inf), dtype=float), net.shape[1:]) for n in names])
            )
        return place, net, limits[0], limits[1]

    def answer(self, own: OwnProgramme) -> None:
        """An enterprise is limited by the price of its place alone."""

    def audit(self, problem: MarketProblem, dataset: xr.Dataset) -> Iterable[Line]:
        """No place crosses its limits, and a price of its own stands only at one."""
        yield labels("trade_limit.labels", dataset, {"place": self.places})
        _, net, buy, sell = self._crossing(problem, dataset)
        size = np.maximum(np.abs(net), 1e-9) + np.abs(dataset.net_purchase.values).sum(axis=0)
        outside = np.maximum(np.maximum(net - buy, -net - sell), 0.0)
        yield worst("trade_limit.crossed", outside, size, TRADED, self.places)
        premium = dataset.place_premium.values
        idle = np.where(net < buy - TRADED * size, np.maximum(premium, 0.0), 0.0)
        idle = idle + np.where(-net < sell - TRADED * size, np.maximum(-premium, 0.0), 0.0)
        yield worst("trade_limit.premium", idle, 1.0, SAME, self.places)
