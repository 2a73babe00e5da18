"""Audit of prices by enterprise: quantities optimal at their worth, worths tied to the price, no arbitrage in banks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.market.audit_ledger import IDENTITY, LEFT, gross_positions, gross_volume, worst
from carbonsim.market.audit_price_face import Face
from carbonsim.market.certificate import Line
from carbonsim.market.enterprise_instrument import Coupled, EnterpriseInstrument
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.problem import MarketProblem
from carbonsim.market.supply import SupplyStep

Array = NDArray[np.float64]
Index = NDArray[np.intp]

OPTIMAL = 2e-6  # relative difference accepted between a marginal cost and what it is worth
USED = 1e-7  # share of a potential, a quantity or an obligation below which it counts as not used
UNCLAIMED = 1e-11  # share of what is offered and traded below which nothing is left of it
FLOOR = 1e-3  # present value per tonne against which small prices are compared


def price_lines(problem: MarketProblem, dataset: xr.Dataset) -> Iterator[Line]:
    """The lines on prices and worths, and on both ends of each price."""
    price, low, high = (dataset[name].values for name in ("allowance_price", "price_low", "price_high"))
    known = np.where(np.isnan(price), low, price)
    top = np.where(np.isnan(high), np.inf, high)
    scale = np.maximum(np.abs(known), 1.0)
    yield worst("price.not_negative", np.minimum(np.minimum(known, low), 0.0), scale, 0.0, problem.year)
    outside = np.maximum(np.maximum(low - known, known - top), 0.0)
    yield worst("price.in_interval", outside, scale, IDENTITY, problem.year)
    yield worst("price.basis", _basis_wrong(problem, dataset), 1.0, 0.0, problem.year)
    view = _View(problem, dataset, known)
    for name in view.face.bound:
        residual, node = view.face.worst(name, view.values(), FLOOR)
        yield Line(name, residual, OPTIMAL, view.label(node))
    yield _option_line(view)
    yield from _end_lines(view, low, top)


def bank_before(dataset: xr.Dataset) -> Array:
    """What each enterprise holds at the start of each year, (enterprise, year)."""
    opening, bank = dataset.enterprise_opening_bank.values, dataset.enterprise_bank.values
    return np.concatenate([opening[:, None], bank[:, :-1]], axis=1)


def lowest_bank(problem: MarketProblem) -> Array:
    """The least that each enterprise may hold: borrowing is split like obligations before abatement."""
    banking = next((i for i in problem.instruments if isinstance(i, Banking)), None)
    limit = np.zeros(len(problem.year))
    if banking is not None:
        limit = np.array(np.broadcast_to(banking.borrowing, (len(problem.year),)), dtype=float)
        limit[-1] = 0.0
    before = problem.share * problem.baseline
    weight = before / np.maximum(before.sum(axis=0), 1e-300)
    covered = np.logical_or.accumulate(problem.share > 0, axis=1)
    unlimited = np.where(covered, -np.inf, 0.0)
    return np.where(np.isinf(limit), unlimited, -weight * np.where(np.isinf(limit), 0.0, limit))


def _basis_wrong(problem: MarketProblem, dataset: xr.Dataset) -> Array:
    """1 where the stated basis does not follow from the price, the steps and whether whole numbers are decided."""
    plain = "fixed_integer_dual" if any(_whole(i) for i in problem.instruments) else "lp_dual"
    wrong = np.zeros(len(problem.year))
    for y, price in enumerate(dataset.allowance_price.values):
        at: set[str] = {
            s.kind for s in problem.steps if s.quantity[y] > 0 and abs(s.price[y] - price) <= 1e-9 * abs(s.price[y])
        }
        ranks: tuple[str, ...] = ("ceiling", "penalty", "reserve_tier", "floor")
        kinds = [kind for kind in ranks if kind in at]
        expected = "indeterminate" if np.isnan(price) else (kinds or [plain])[0]
        wrong[y] = float(dataset.price_basis.values[y] != expected)
    return wrong


def _whole(instrument: object) -> bool:
    return isinstance(instrument, EnterpriseInstrument) and instrument.has_integers


class _View:
    """The conditions that the published quantities put on prices, with the numbers' places.

    Nodes: the market's price of each year, each place's, each enterprise's worth, and the price of each joint step.
    """

    def __init__(self, problem: MarketProblem, dataset: xr.Dataset, price: Array) -> None:
        self.problem, self.dataset, self.price = problem, dataset, price
        years, firms = len(problem.year), len(problem.enterprise)
        self.margins = [i.margins(problem, dataset) for i in problem.instruments if isinstance(i, EnterpriseInstrument)]
        placed = next((m for m in self.margins if m.place is not None), None)
        places = 0 if placed is None or placed.premium is None else len(placed.premium)
        self.place = placed.place if placed is not None else None
        self.premium = np.zeros((places, years)) if placed is None or placed.premium is None else placed.premium
        sign = np.zeros((places, years), dtype=np.intp)
        self.sign = sign if placed is None or placed.premium_sign is None else placed.premium_sign
        grid = np.arange(years)
        self.market = grid
        self.own_place = years + np.arange(places)[:, None] * years + grid
        self.worth = years * (1 + places) + np.arange(firms)[:, None] * years + grid
        self.joint = years * (1 + places + firms) + np.arange(len(problem.steps))[:, None] * years + grid
        self.active = ~np.isnan(dataset.enterprise_price.values)
        self.face = Face(years * (1 + places + firms + len(problem.steps)))
        self._market_conditions()
        self._option_conditions()
        for s, step in enumerate(problem.steps):
            if step.kind in ("offset", "penalty"):
                self._own_step_conditions(s, step)
            else:
                self._market_step_conditions(s, step)
        self._trade_conditions()
        self._bank_conditions()

    def label(self, node: int) -> str:
        """What a node stands for, in words."""
        years = len(self.problem.year)
        year = self.problem.year[node % years]
        firm = node // years - 1 - len(self.premium)
        return f"{self.problem.enterprise[firm]} {year}" if 0 <= firm < len(self.problem.enterprise) else str(year)

    def values(self) -> Array:
        """The published numbers of all nodes in present values; a joint step's price is the least that they imply."""
        found = np.zeros(self.face.size)
        discount = self.problem.discount
        found[self.market] = discount * self.price
        found[self.own_place] = discount * (self.price + self.premium)
        worth = np.where(self.active, self.dataset.enterprise_price.values, 0.0)
        found[self.worth] = discount * worth
        covered = self.problem.share > 0
        highest = np.where(covered, worth, 0.0).max(axis=0)
        for s, step in enumerate(self.problem.steps):
            found[self.joint[s]] = discount * np.fmax(highest, step.price)
        return found

    def _market_conditions(self) -> None:
        name = "price.of_unclaimed"
        self.face.at_least(name, self.market, 0.0)
        self.face.at_least(name, self.worth[self.active], 0.0)
        own = self.dataset.enterprise_expired.values
        unclaimed = self.dataset.expired.values - own.sum(axis=0)
        size = self.problem.supply + np.abs(self.dataset.net_purchase.values).sum(axis=0)
        size = np.maximum(size, gross_volume(self.problem))
        self.face.at_most(name, self.market, np.where(unclaimed > UNCLAIMED * size, 0.0, np.inf))
        lost = self.active & (own > np.minimum(USED * self._volume(), UNCLAIMED * gross_volume(self.problem)))
        self.face.at_most(name, self.worth, np.where(lost, 0.0, np.inf))

    def _volume(self) -> Array:
        found = self.dataset.obligation.values + np.abs(self.dataset.free_allocation.values)
        found = found + np.abs(self.dataset.net_purchase.values)
        return np.asarray(np.maximum(found, LEFT * gross_positions(self.problem)))

    def _option_conditions(self) -> None:
        """A measure in use is worth its marginal cost, one with room is not worth more."""
        options, used = self.problem.options, self.dataset.option_abatement.values
        owner = options.enterprise
        share, phi = self.problem.share[owner], 1.0 - self.problem.per_emission[owner]
        marginal = options.unit_cost + options.slope * used
        threshold, rising, steady = _threshold(self.problem, marginal, share, phi)
        live = (options.potential > 0) & self.active[owner] & (share > 0) & (steady != 0)
        self.face.complete &= bool(np.all(steady[(options.potential > 0) & (share > 0) & (phi != 0)] != 0))
        tiny = np.minimum(USED * options.potential, UNCLAIMED * gross_volume(self.problem))
        in_use, has_room = used > tiny, used < options.potential - tiny
        node, discount = self.worth[owner], self.problem.discount
        name = "enterprise.marginal_cost"
        least = np.where(live & np.where(rising, in_use, has_room), discount * threshold, -np.inf)
        most = np.where(live & np.where(rising, has_room, in_use), discount * threshold, np.inf)
        self.face.at_least(name, node, least)
        self.face.at_most(name, node, most)

    def _market_step_conditions(self, s: int, step: SupplyStep) -> None:
        """A step below the price is sold out, one above it is not used."""
        used, name = self.dataset.step_used.values[s], f"steps.{step.name}.price"
        exists = ~np.isnan(step.price) & (step.quantity > 0)
        slope = np.zeros(len(used)) if step.slope is None else step.slope
        cost = self.problem.discount * (np.nan_to_num(step.price) + slope * used)
        size = np.where(np.isinf(step.quantity), self._volume().sum(axis=0), step.quantity)
        self.face.at_most(name, self.market, np.where(exists & (used < step.quantity - USED * size), cost, np.inf))
        self.face.at_least(name, self.market, np.where(exists & (used > USED * size), cost, -np.inf))

    def _own_step_conditions(self, s: int, step: SupplyStep) -> None:
        """An enterprise uses an offset, or leaves an obligation unmet, where an allowance is worth more to it."""
        used, name = self.dataset.enterprise_step_used.values[s], f"enterprise.{step.name}.price"
        obligation = self.dataset.obligation.values
        exists = ~np.isnan(step.price) & (step.quantity > 0) & (self.problem.share > 0) & self.active
        cost = self.problem.discount * np.nan_to_num(step.price)
        size = np.maximum(obligation, LEFT * gross_positions(self.problem))
        uses = exists & (used > USED * size)
        if step.obligation_share is not None:
            room = exists & (used < np.nan_to_num(step.obligation_share) * obligation - USED * size)
            self.face.at_most(name, self.worth, np.where(room, cost, np.inf))
            self.face.at_least(name, self.worth, np.where(uses, cost, -np.inf))
            return
        later = np.full(self.worth.shape, self.face.size)
        if step.owed_next is not None:
            self.face.complete &= bool(np.all(np.isin(step.owed_next, (0.0, 1.0))))
            goes_on = self.active[:, 1:] & (step.owed_next[:-1] == 1)
            later[:, :-1] = np.where(goes_on, self.worth[:, 1:], self.face.size)
        unlimited = np.isinf(step.quantity)
        self.face.differ(name, self.worth, later, np.where(exists & unlimited, cost, np.inf))
        self.face.differ(name, later, self.worth, np.where(uses & unlimited, -cost, np.inf))
        # A quantity that all share has a price of its own once it is used up.
        room = used.sum(axis=0) < step.quantity * (1 - USED)
        node = np.broadcast_to(self.joint[s], self.worth.shape)
        self.face.differ(name, self.worth, node, np.where(exists & ~unlimited, 0.0, np.inf))
        self.face.differ(name, node, self.worth, np.where(uses & ~unlimited, 0.0, np.inf))
        offered = ~np.isnan(step.price) & (step.quantity > 0) & ~unlimited
        self.face.at_least(name, self.joint[s], np.where(offered, cost, -np.inf))
        self.face.at_most(name, self.joint[s], np.where(offered & room, cost, np.inf))

    def _trade_conditions(self) -> None:
        """An allowance is worth its price, less or more by what stands between enterprise and market."""
        least = sum((m.least for m in self.margins), np.zeros(self.worth.shape))
        most = sum((m.most for m in self.margins), np.zeros(self.worth.shape))
        node = np.broadcast_to(self.market, self.worth.shape)
        if self.place is not None:
            here = self.place >= 0
            node = np.where(here[:, None], self.own_place[np.where(here, self.place, 0)], node)
        discount, name = self.problem.discount, "enterprise.price_of_trade"
        plain = self.active.copy()
        for e, y, pair in self._coupled():
            plain[e, y] = False
            ends = (
                int(self.worth[e, y]),
                int(node[e, y]),
                *(int(self.worth[e, at]) for at in (pair.year, pair.year + 1)),
            )
            bounds = discount[y] * least[e, y], discount[y] * most[e, y]
            factors = (1.0, -1.0, pair.multiple, -pair.multiple)
            shared = self._shares_limit(e, pair.year)
            if not shared:
                self.face.combine(name, ends, factors, bounds)
            if not shared and np.isfinite(bounds[1]):
                continue
            # Where two limits bind, only part of the gain from carrying is this one's.
            self.face.combine(name, ends, factors, (-np.inf, bounds[1]))
            self.face.combine(name, ends[:2], factors[:2], (bounds[0], np.inf))
        self.face.differ(name, self.worth, node, np.where(plain, discount * most, np.inf))
        self.face.differ(name, node, self.worth, np.where(plain, -discount * least, np.inf))
        apart, market = "place.price", np.broadcast_to(self.market, self.own_place.shape)
        if len(self.premium):
            self.face.differ(apart, self.own_place, market, np.where(self.sign > 0, np.inf, 0.0))
            self.face.differ(apart, market, self.own_place, np.where((self.sign < 0) | (self.sign == 2), np.inf, 0.0))

    def _shares_limit(self, e: int, y: int) -> bool:
        """Whether more than one limit on the bank binds."""
        bank, size = self.dataset.enterprise_bank.values[e, y], USED * self._volume()[e, y]
        limits = [margin.bank_most[e, y] for margin in self.margins if margin.bank_most is not None]
        return sum(bool(bank >= limit - size) for limit in limits) > 1

    def _coupled(self) -> Iterator[tuple[int, int, Coupled]]:
        for margin in self.margins:
            for pair in margin.coupled:
                yield from ((pair.enterprise, y, pair) for y in pair.years if self.active[pair.enterprise, y])

    def _bank_conditions(self) -> None:
        """No enterprise gains by carrying more or less; what is left in the end is worth nothing."""
        if not any(isinstance(i, Banking) for i in self.problem.instruments):
            return
        bank, name = self.dataset.enterprise_bank.values, "enterprise.no_arbitrage"
        tiny = USED * (self._volume() + np.abs(bank_before(self.dataset)))
        tiny = np.minimum(tiny, UNCLAIMED * gross_volume(self.problem))
        most = np.full(bank.shape, np.inf)
        for margin in self.margins:
            most = most if margin.bank_most is None else np.minimum(most, margin.bank_most)
        both = self.active[:, :-1] & self.active[:, 1:]
        holds = (bank > lowest_bank(self.problem) + tiny)[:, :-1] & both
        room = (bank < most - tiny)[:, :-1] & both
        now, later = self.worth[:, :-1], self.worth[:, 1:]
        self.face.differ(name, now, later, np.where(holds, 0.0, np.inf))
        self.face.differ(name, later, now, np.where(room, 0.0, np.inf))
        left = self.active[:, -1] & (bank[:, -1] > tiny[:, -1])
        self.face.at_most("enterprise.final_bank", self.worth[:, -1], np.where(left, 0.0, np.inf))


def _threshold(
    problem: MarketProblem, marginal: Array, share: Array, phi: Array
) -> tuple[Array, NDArray[np.bool_], Array]:
    """The worth of an allowance at which a measure pays; whether it pays above it; 0 where there is no such worth.

    A tonne cut saves share * phi allowances and, above a credit's price, loses share * theta of the gain of one.
    """
    years = len(problem.year)
    steps = [s for s in problem.steps if s.obligation_share is not None]
    if not steps:
        steady = share * phi
        with np.errstate(divide="ignore", invalid="ignore"):
            return marginal / np.where(steady == 0, np.nan, steady), steady > 0, steady
    found, steady = np.full(marginal.shape, np.nan), share * phi
    price = np.array([np.where(np.isnan(s.price), np.inf, s.price) for s in steps])
    theta = np.nan_to_num(np.array([s.obligation_share for s in steps], dtype=float))
    for y in range(years):
        order = np.argsort(price[:, y])
        slope, start, value = share[:, y] * phi[:, y], 0.0, np.zeros(len(marginal))
        for position in [*order, -1]:
            end = np.inf if position < 0 else float(price[position, y])
            with np.errstate(divide="ignore", invalid="ignore"):
                at = start + (marginal[:, y] - value) / np.where(slope > 0, slope, np.nan)
            fits = np.isnan(found[:, y]) & (at <= end)
            found[fits, y] = at[fits]
            if position < 0 or np.isinf(end):
                break
            value, start = value + slope * (end - start), end
            slope = slope - share[:, y] * theta[position, y]
        steady[:, y] = np.where(np.isnan(found[:, y]), 0.0, steady[:, y])
    return found, np.ones(marginal.shape, dtype=bool), steady


def _option_line(view: _View) -> Line:
    """Each measure compared with what it saves at the published worth, whatever the sign of the rule's incentive."""
    problem, options = view.problem, view.problem.options
    owner, used = options.enterprise, view.dataset.option_abatement.values
    worth = np.nan_to_num(view.dataset.enterprise_price.values)[owner]
    saved: Array = (1.0 - problem.per_emission[owner]) * worth
    for step in problem.steps:
        limit = step.obligation_share
        if limit is not None:
            gain: Array = np.maximum(worth - np.where(np.isnan(step.price), np.inf, step.price), 0.0)
            saved = saved - np.nan_to_num(np.asarray(limit)) * gain
    saved, marginal = problem.share[owner] * saved, options.unit_cost + options.slope * used
    tiny = np.minimum(USED * options.potential, UNCLAIMED * gross_volume(problem))
    dear = np.where(used > tiny, np.maximum(marginal - saved, 0.0), 0.0)
    idle = np.where(used < options.potential - tiny, np.maximum(saved - marginal, 0.0), 0.0)
    scale = np.maximum(np.maximum(np.abs(options.unit_cost), np.abs(saved)), FLOOR)
    return worst("enterprise.option", dear + idle, scale, OPTIMAL, options.label)


def _end_lines(view: _View, low: Array, high: Array) -> Iterator[Line]:
    """Each end of the price, and each enterprise's worth, is the last that the conditions allow."""
    if not view.face.complete:
        return
    coupled = any(margin.coupled for margin in view.margins)
    least, greatest = view.face.ends_by_programme(view.market) if coupled else view.face.ends()
    discount, years = view.problem.discount, view.problem.year
    scale = np.maximum(discount * np.where(np.isinf(low), 0.0, low), FLOOR)
    yield worst("price.low_is_lowest", discount * low - least[view.market], scale, OPTIMAL, years)
    ends = np.stack([discount * high, greatest[view.market]])
    both = np.isinf(ends).all(axis=0)
    with np.errstate(invalid="ignore"):
        apart = np.where(both, 0.0, ends[0] - ends[1])
    scale = np.maximum(np.where(np.isinf(ends[0]), 0.0, ends[0]), FLOOR)
    yield worst("price.high_is_highest", apart, scale, OPTIMAL, years)
    if any(i.couples_prices for i in view.problem.instruments if isinstance(i, EnterpriseInstrument)):
        # Worths are then those of the optimum itself, which the conditions hold but need not single out; of all price
        # paths the published one has the least sum, which is the path of all low ends where these fit together.
        if not np.isnan(view.dataset.allowance_price.values).any():
            total, lowest = float(discount @ view.price), view.face.least_sum(view.market)
            yield Line("price.is_least_sum", abs(total - lowest) / max(total, FLOOR), OPTIMAL, "allowance_price")
        return
    apart = np.nan_to_num(view.price - low)
    yield worst("price.is_low_end", apart, np.maximum(np.abs(low), FLOOR), IDENTITY, years)
    worth = np.where(view.active, view.dataset.enterprise_price.values, 0.0) * discount
    apart = np.where(view.active, worth - least[view.worth], 0.0)
    yield worst("enterprise.price_is_lowest", apart, np.maximum(worth, FLOOR), OPTIMAL, view.problem.enterprise)
