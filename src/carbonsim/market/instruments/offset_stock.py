"""Offset credits that can be held: issued over the years, bought and used when it pays."""

from __future__ import annotations

import itertools
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
    check_window,
    check_yearly,
    in_window,
    instruments,
    over_years,
)

if TYPE_CHECKING:
    import xarray as xr

    from carbonsim.market.certificate import Line
    from carbonsim.market.problem import MarketProblem
    from carbonsim.market.programme import Frame

HELD = 1e-7  # share of all credits above which some count as held, bought or left


@dataclass(slots=True)
class _Span:
    """Joined years in the audit: how many, whether a credit is used, the highest price of one, and its price."""

    count: int
    uses: bool
    most: float
    level: float


@instruments.register("offset_stock", parameters=())
@dataclass(frozen=True, slots=True, eq=False)
class OffsetStock(Instrument):
    r"""Offset credits are issued year by year and may be held without limit before they are used.

    .. math::
        :label: offset-stock

        H_y = H_{y-1} + b_y - o_y \quad [\pi_y], \qquad 0 \le b_y \le Q_y, \qquad o_y, H_y \ge 0,
        \qquad H_{y_0 - 1} = \text{opening stock}

    with the cost :math:`d_y p^o_y` of each credit bought. The dual :math:`\pi_y`, published as ``<name>_price``, is
    the price of a credit: at least its issue price where some are bought, at most it where some are left on offer,
    and never above what holding yields, :math:`d_y \pi_y \ge d_{y+1} \pi_{y+1}`, with equality while credits are
    held. A credit used is worth an allowance: :math:`p_y \le \pi_y`, with equality where some are used (under an
    ``offset_limit`` less its worth). So credits issued early wait for dear years. :math:`MAC = s\varphi p` stays.

    Parameters
    ----------
    price : float or array [CNY/tCO2e] (year)
        Price at which credits are issued; NaN in a year without an issue.
    quantity : float or array [tCO2e] (year)
        Credits Q on offer in each year.
    opening : float [tCO2e]
        Credits held when the first year begins.
    name : str
        Label of the type, unique in a market.
    usable_from, usable_until : int, optional
        First and last compliance year that credits may serve. After the last they are worth nothing.
    """

    price: Array
    quantity: Array
    opening: float = 0.0
    name: str = "offset_stock"
    usable_from: int | None = None
    usable_until: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "price", as_array(self.price))
        object.__setattr__(self, "quantity", as_array(self.quantity))

    @property
    def label(self) -> str:
        """Name of the type and of its step."""
        return self.name

    @property
    def rations(self) -> bool:
        """What is used in one year is not there in another."""
        return True

    @property
    def links_years(self) -> bool:
        """Held credits tie the years' prices."""
        return True

    @property
    def relaxes(self) -> tuple[str, ...]:
        """More credits would help."""
        return (Said(f"the credits of {self.name} on offer", f"{self.name} 的信用供给"),)

    def refused_by(self, engine: EngineName) -> str:
        """Only the programme holds a stock beside the bank."""
        return "" if engine == "programme" else Said("holds a stock of credits over the years", "跨年保有信用存量")

    def yearly(self) -> dict[str, Array]:
        """Issue price and quantity."""
        return {"price": self.price, "quantity": self.quantity}

    def problems(self, years: Sequence[int]) -> list[str]:
        """Shape and sign, the window, and a type that has no credits."""
        found = check_yearly(self.label, self.yearly(), len(years))
        found += check_window(self.label, years, self.usable_from, self.usable_until)
        if not (np.isfinite(self.opening) and self.opening >= 0):
            found.append(
                Said(
                    f"{self.label}.opening is {self.opening:g}; expected a finite number that is not negative.",
                    f"{self.label}.opening 为 {self.opening:g}，应为有限的非负数。",
                )
            )
        if len(years) < 2 and not found:
            found.append(
                Said(
                    f"{self.label} holds credits over the years, but the market has one; use offsets instead.",
                    f"{self.label} 跨年保有信用，而市场只有一年；请改用 offsets。",
                )
            )
        if not found and self.opening == 0 and not np.any(self._offer(years) > 0):
            found.append(
                Said(
                    f"{self.label} has no credits that could be used; give it a price and a quantity.",
                    f"{self.label} 没有可用的信用；请给出 price 和 quantity。",
                )
            )
        return found

    def supply_step(self, years: int) -> SupplyStep:
        """Credits used: they cost what they are worth, which the stock's price says, and nothing beside it."""
        return SupplyStep(self.name, "offset", np.zeros(years), np.full(years, np.inf))

    def supply_steps(self, years: Sequence[int]) -> tuple[SupplyStep, ...]:
        """The step in the years in which credits may be used."""
        return (in_window(self.supply_step(len(years)), years, self.usable_from, self.usable_until),)

    def _offer(self, years: Sequence[int]) -> Array:
        """Credits on offer while they can still be used."""
        useful = np.array([self.usable_until is None or year <= self.usable_until for year in years])
        exists = useful & ~np.isnan(over_years(self.price, len(years)))
        return np.where(exists, over_years(self.quantity, len(years)), 0.0)

    @classmethod
    def from_parameters(cls, parameters: ParameterSet, setting: MarketSetting) -> NoReturn:
        """No study lists a stock of credits: how many are held is not published."""
        raise ParameterError(
            "offset_stock cannot be listed by a study: the stock of credits is no published number. Use it in a "
            "problem file, or list offset_curve, whose credits serve the year they are offered in.",
            "研究不能列用 offset_stock：信用存量没有公布的数字。请在问题文件中使用，或改列 offset_curve，"
            "其信用只用于供给当年。",
        )

    def add_to(self, frame: Frame) -> None:
        """Add credits bought and held, and the row ``offset_stock.credits`` of each year up to the last of use."""
        import pyomo.environ as pyo

        (step,) = self.supply_steps(frame.years)
        used = frame.add_supply(step)
        years = [year for year in frame.years if self.usable_until is None or year <= self.usable_until]
        offer, count = self._offer(frame.years), len(frame.years)
        price = dict(zip(frame.years, over_years(self.price, count), strict=True))
        bought = frame.add_columns(self.label, "bought", offer / frame.scale)
        room = np.where(np.isin(frame.years, years), np.inf, 0.0)
        held = frame.add_columns(self.label, "held", room)
        for year, column in bought.items():
            frame.cost.append(frame.discount[year] * float(price[year]) * column)
        opening = self.opening / frame.scale
        before = dict(zip(years, [opening, *(held[year] for year in years[:-1])], strict=True))
        block = frame.block(self.label)
        block.credits = pyo.Constraint(
            years, rule=lambda _, year: used.get(year, 0.0) + held[year] - before[year] - bought.get(year, 0.0) == 0.0
        )
        frame.publish(f"{self.label}_bought", bought)
        frame.publish(f"{self.label}_held", held)
        frame.publish_price(f"{self.label}_price", dict(block.credits.items()), linked=True)

    def rents(self, problem: MarketProblem, dataset: xr.Dataset, price: Array) -> dict[str, Array]:
        """A credit used costs the price of a credit, which follows a price path as far as buyers and holders let it."""
        known = np.where(np.isnan(dataset.allowance_price), dataset.price_low, dataset.allowance_price)
        worth = dataset[f"{self.name}_price"].values
        if np.array_equal(price, known):
            return {self.name: worth}
        others = [one for one in problem.instruments if one.rations and not one.links_years]
        limit = sum((one.rents(problem, dataset, price).get(self.name, 0.0) for one in others), np.zeros(len(price)))
        gain = (price - limit) * problem.discount
        spans = [self._span(problem, dataset, years, (gain, known)) for years in self._joined(dataset)]
        # Years in which no credit is used take the price that holding for later years gives them, and none is above it.
        for k in range(len(spans) - 2, -1, -1):
            if not spans[k].uses:
                spans[k].level = min(spans[k].most, max(spans[k].level, spans[k + 1].level))
        for before, span in itertools.pairwise(spans):
            span.level = min(span.level, before.level)
        moved = np.concatenate([np.full(span.count, span.level) for span in spans])
        return {self.name: moved / problem.discount}

    def _on_offer(self, problem: MarketProblem) -> Array:
        """For the audit: credits on offer while they can still be used."""
        useful = np.array([self.usable_until is None or year <= self.usable_until for year in problem.year])
        issue = np.broadcast_to(self.price, len(problem.year))
        return np.where(useful & ~np.isnan(issue), np.broadcast_to(self.quantity, len(problem.year)), 0.0)

    def _volume(self, dataset: xr.Dataset) -> float:
        """For the audit: the credits there are, or where there are none a millionth of obligations."""
        bought = float(np.abs(dataset[f"{self.name}_bought"].values).sum())
        return max(bought + self.opening, 1e-6 * float(dataset.obligation.values.sum()), 1e-9)

    def _joined(self, dataset: xr.Dataset) -> list[slice]:
        """Runs of years that held credits join."""
        held = dataset[f"{self.name}_held"].values[:-1] > HELD * self._volume(dataset)
        ends = [0, *(np.flatnonzero(~held) + 1), len(held) + 1]
        return [slice(int(first), int(stop)) for first, stop in itertools.pairwise(ends)]

    def _span(self, problem: MarketProblem, dataset: xr.Dataset, years: slice, found: tuple[Array, Array]) -> _Span:
        """The discounted price of a credit in joined years, at what each user gains from one and the known prices."""
        gain, known = found
        d, worth = problem.discount, dataset[f"{self.name}_price"].values * problem.discount
        row = [step.name for step in problem.steps].index(self.name)
        offer, bought = self._on_offer(problem)[years], dataset[f"{self.name}_bought"].values[years]
        tiny = HELD * self._volume(dataset)
        uses, usable = dataset.step_used.values[row, years] > tiny, problem.steps[row].exists()[years]
        issue = np.where(offer > 0, np.broadcast_to(self.price, len(d))[years], 0.0) * d[years]
        most = float(np.min(issue[bought < offer - tiny], initial=np.inf))
        idle = np.where(usable & ~uses, known[years] * d[years], 0.0)
        least = float(np.max(issue[bought > tiny], initial=worth[years.stop] if years.stop < len(d) else 0.0))
        least = max(least, float(idle.max())) if uses.any() else least
        level, gains = float(worth[years.start]), gain[years]
        if uses.any():
            # The price of a credit moves only when the years of all its users do.
            level = min(max(level, float(gains[uses].min())), float(gains[uses].max()))
        else:
            level = max(level, float(gains[usable].max(initial=0.0)))
        return _Span(len(offer), bool(uses.any()), most, max(least, min(most, level)))

    def audit(self, problem: MarketProblem, dataset: xr.Dataset) -> Iterable[Line]:
        """The stock's ledger, its bounds, and no gain from buying, leaving or holding a credit otherwise."""
        from carbonsim.market.audit_ledger import SOLVED, worst

        years = problem.year
        row = [step.name for step in problem.steps].index(self.name)
        used, held = dataset.step_used.values[row], dataset[f"{self.label}_held"].values
        bought, worth = dataset[f"{self.label}_bought"].values, dataset[f"{self.label}_price"].values
        useful = np.array([self.usable_until is None or year <= self.usable_until for year in years])
        issue, offer = np.broadcast_to(self.price, len(years)), self._on_offer(problem)
        flow = np.concatenate([[self.opening], held[:-1]]) + bought - used - held
        # Each year's flow has its own scale, so that a small one does not hide behind large ones.
        size = np.maximum(np.abs(held) + np.abs(bought) + np.abs(used), 1e-3 * self._volume(dataset))
        last = int(np.flatnonzero(useful)[-1])
        yield worst(f"{self.label}.credits", flow[: last + 1], size[: last + 1], SOLVED, years)
        outside = np.minimum(held, 0.0) + np.minimum(bought, 0.0) - np.maximum(bought - offer, 0.0)
        yield worst(f"{self.label}.bounds", outside + np.where(useful, 0.0, held + worth), size, SOLVED, years)
        scale = np.maximum(np.nan_to_num(issue), 1e-3)
        tiny = HELD * self._volume(dataset)
        dear = np.where(bought > tiny, np.maximum(np.nan_to_num(issue) - worth, 0.0), 0.0)
        cheap = np.where(bought < offer - tiny, np.maximum(worth - np.nan_to_num(issue), 0.0), 0.0)
        yield worst(f"{self.label}.issue", dear + cheap, scale, 2 * SOLVED, years)
        present = worth * problem.discount
        fall = present - np.append(present[1:], 0.0)
        wrong = np.minimum(fall, 0.0) - np.where(held > tiny, np.maximum(fall, 0.0), 0.0)
        yield worst(f"{self.label}.holding", wrong, np.maximum(present, 1e-3), 2 * SOLVED, years)
