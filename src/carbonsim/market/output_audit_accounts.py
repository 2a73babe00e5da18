"""Audit of the accounts of an output market: transfers, profits, welfare and its parts, channels, leakage."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.market.audit_ledger import worst
from carbonsim.market.certificate import Line
from carbonsim.market.output_problem import OutputProblem

Array = NDArray[np.float64]

EXACT = 1e-9
SUMMED = 1e-7  # accepted where a number is a small difference of large ones, as a share of the number itself
PARTS = 1e-5  # a difference below this share of what it is a difference of is measured against that share


def lines(problem: OutputProblem, dataset: xr.Dataset, known: NDArray[np.bool_]) -> Iterator[Line]:
    """The lines on money and tonnes."""
    yield from _without_lines(problem, dataset)
    data = {str(name): dataset[name].values[..., known] for name in dataset.data_vars}
    view = _Years(problem, known)
    if not known.any():
        return
    yield from _money_lines(problem, view, data)
    yield from _part_lines(problem, view, data)
    yield from _tonne_lines(problem, view, data)


class _Years:
    """The problem's numbers in the years looked at."""

    def __init__(self, problem: OutputProblem, known: NDArray[np.bool_]) -> None:
        self.problem, self.known = problem, known

    def __getitem__(self, name: str) -> Array:
        return np.asarray(getattr(self.problem, name)[:, self.known], dtype=float)

    def by_good(self, values: Array) -> Array:
        """Sums over the producers of each good."""
        return np.stack([values[self.problem.producer_good == g].sum(axis=0) for g in range(len(self.problem.good))])

    def production(self, output: Array) -> Array:
        """Area under each marginal cost curve."""
        return output * (self["unit_cost"] + 0.5 * self["supply_slope"] * output)

    def willingness(self, quantity: Array) -> Array:
        """Area under each demand curve."""
        return quantity * (self["intercept"] - 0.5 * self["slope"] * quantity)

    def cheapest(self, quantity: Array) -> Array:
        """Least production cost of each quantity: who cannot sell at the common marginal cost is dropped in turns."""
        rows, unit, rise = self.problem.producer_good, self["unit_cost"], self["supply_slope"]
        sells = np.ones(unit.shape, dtype=bool)
        for _ in range(len(rows)):
            steep = self.by_good(np.where(sells, 1.0 / rise, 0.0))
            level = (quantity + self.by_good(np.where(sells, unit / rise, 0.0))) / np.maximum(steep, 1e-300)
            # Of producers with the same cost all stay, and so does the cheapest when nothing is made.
            stays = sells & (unit <= level[rows] * (1 + 1e-15) + 1e-300)
            if np.array_equal(stays, sells):
                break
            sells = stays
        return self.by_good(self.production(np.where(sells, (level[rows] - unit) / rise, 0.0)))


def _difference(name: str, found: Array, expected: Array, gross: Array | float, labels: tuple[str, ...]) -> Line:
    """A number that is a difference of larger ones, ``gross``."""
    return worst(name, found - expected, np.maximum(np.abs(expected), PARTS * gross), SUMMED, labels)


def _without_lines(problem: OutputProblem, dataset: xr.Dataset) -> Iterator[Line]:
    """Welfare and home emissions without any policy, in every year."""
    view = _Years(problem, np.ones(len(problem.year), dtype=bool))
    output = dataset.output_without.values
    made = view.by_good(output)
    value = view.willingness(made).sum(axis=0)
    expected = value - view.production(output).sum(axis=0)
    found = dataset.welfare_without.values
    yield worst("welfare.without", found - expected, np.abs(value), SUMMED, problem.year)
    total = (view["intensity"] * output)[~problem.is_foreign].sum(axis=0)
    found = dataset.home_emissions_without.values
    yield worst("emissions.home_emissions_without", found - total, total, EXACT, problem.year)


def _money_lines(problem: OutputProblem, view: _Years, data: dict[str, Array]) -> Iterator[Line]:
    price = np.vstack([np.nan_to_num(data["allowance_price"]), np.zeros((1, data["output"].shape[1]))])
    paid = price[problem.producer_pool]
    firms = problem.producer
    for name, tonnes in (
        ("allowance_charge", data["emissions"]),
        ("rebate", data["free_by_output"]),
        ("lump_sum_value", data["free_lump_sum"]),
    ):
        covered = np.where(paid > 0, paid * tonnes, 0.0)
        yield worst(f"money.{name}", data[name] - covered, np.abs(covered), EXACT, firms)
    earned = np.nan_to_num(data["allowance_price"]) * data["auctioned"]
    yield worst("money.revenue", data["government_revenue"] - earned, np.abs(earned), EXACT, problem.pool)
    charge = data["allowance_charge"].sum(axis=0)
    back = (data["rebate"] + data["lump_sum_value"]).sum(axis=0) + data["government_revenue"].sum(axis=0)
    yield worst("money.transfers_sum_to_zero", charge - back, np.maximum(charge, 1e-9), SUMMED, problem.year)
    making = view.production(data["output"])
    yield worst("money.production_cost", data["production_cost"] - making, np.abs(making), EXACT, firms)
    cutting = view["abatement_curvature"] * data["intensity_cut"] ** 2 / 2 * data["output"]
    yield worst("money.abatement_cost", data["abatement_cost"] - cutting, cutting, EXACT, firms)
    sales = data["good_price"][problem.producer_good] * data["output"]
    gross = np.abs(sales) + np.abs(making)
    kept = sales - making - cutting - data["allowance_charge"]
    profit = kept + data["rebate"] + data["lump_sum_value"]
    yield _difference("money.profit", data["profit"], profit, gross, firms)
    first = data["good_price_without"][problem.producer_good] * data["output_without"]
    first = first - view.production(data["output_without"])
    yield _difference("money.operating_profit_change", data["operating_profit_change"], kept - first, gross, firms)
    yield _difference("money.windfall", data["windfall"], profit - first, gross, firms)
    worth = paid * view["intensity"] * data["output_without"]
    share = np.where(worth > 0, (first - kept) / np.where(worth > 0, worth, 1.0), np.nan)
    wrong = np.where(np.isnan(share) & np.isnan(data["neutral_free_share"]), 0.0, data["neutral_free_share"] - share)
    scale = np.maximum(np.nan_to_num(np.abs(share)), PARTS * gross / np.where(worth > 0, worth, 1.0))
    yield worst("money.neutral_free_share", wrong, scale, SUMMED, firms)


def _part_lines(problem: OutputProblem, view: _Years, data: dict[str, Array]) -> Iterator[Line]:
    """Surplus, welfare from its owners and from its uses, and the cost of the policy from its parts."""
    goods = problem.good
    value = view.willingness(data["quantity"])
    surplus = value - data["good_price"] * data["quantity"]
    yield _difference("welfare.consumers", data["consumer_surplus"], surplus, np.abs(value), goods)
    making, cutting = view.by_good(view.production(data["output"])), view.by_good(data["abatement_cost"])
    yield worst("welfare.abatement", data["abatement_spending"] - cutting, cutting, EXACT, goods)
    least = view.cheapest(data["quantity"])
    yield _difference("welfare.switching", data["switching_cost"], making - least, np.abs(making), goods)
    first = view.by_good(data["output_without"])
    before = view.willingness(first) - view.cheapest(first)
    margin = before - (value - least)
    yield _difference("welfare.output_margin", data["output_margin_lost"], margin, np.abs(value), goods)
    uses = (value - making - cutting).sum(axis=0)
    total = np.abs(value).sum(axis=0)
    yield worst("welfare.total", data["welfare"] - uses, total, SUMMED, problem.year)
    owners = data["consumer_surplus"].sum(axis=0) + data["profit"].sum(axis=0) + data["government_revenue"].sum(axis=0)
    yield worst("welfare.owners", data["welfare"] - owners, total, SUMMED, problem.year)
    parts = (data["abatement_spending"] + data["switching_cost"] + data["output_margin_lost"]).sum(axis=0)
    yield _difference("welfare.policy_cost", data["policy_cost"], parts, total, tuple(map(str, problem.year)))


def _tonne_lines(problem: OutputProblem, view: _Years, data: dict[str, Array]) -> Iterator[Line]:
    """Channels add up to the fall in home emissions, and leakage is what changes abroad."""
    home = ~problem.is_foreign
    base, left = view["intensity"] * data["output_without"], data["emissions"]
    years = tuple(map(str, problem.year))
    total = left[home].sum(axis=0)
    yield worst("emissions.home_emissions", data["home_emissions"] - total, total, EXACT, years)
    channel = data["abatement_by_channel"]
    gross = view.by_good(np.where(home[:, None], base, 0.0))
    saved = view.by_good(np.where(home[:, None], base - left, 0.0))
    by_cut = view.by_good(np.where(home[:, None], data["intensity_cut"] * data["output"], 0.0))
    yield worst("emissions.channel_intensity", channel[:, 0] - by_cut, by_cut, EXACT, problem.good)
    made, first = (view.by_good(np.where(home[:, None], data[name], 0.0)) for name in ("output", "output_without"))
    # Had every producer shrunk in proportion, emissions would have fallen with home output.
    even = np.where(first > 0, gross * (1.0 - made / np.where(first > 0, first, 1.0)), 0.0)
    yield _difference("emissions.channel_output", channel[:, 2], even, gross, problem.good)
    yield _difference("emissions.channel_switching", channel[:, 1], saved - by_cut - even, gross, problem.good)
    abroad = (left - base)[~home].sum(axis=0)
    yield _difference("emissions.leakage", data["leakage"], abroad, np.abs(base[~home]).sum(axis=0), years)
    fall = (base - left)[home].sum(axis=0)
    rate = np.where(fall > 0, abroad / np.where(fall > 0, fall, 1.0), np.nan)
    both = np.isnan(rate) & np.isnan(data["leakage_rate"])
    size = base.sum(axis=0) / np.where(fall > 0, fall, 1.0)
    scale = np.maximum(np.nan_to_num(np.abs(rate)), PARTS * size)
    yield worst("emissions.leakage_rate", np.where(both, 0.0, data["leakage_rate"] - rate), scale, SUMMED, years)
