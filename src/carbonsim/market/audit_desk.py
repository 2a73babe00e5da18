"""Audit of a desk's plan: its ledgers, and that no trade at the posted prices would leave the enterprise better off.

The conditions are those of a linear programme's optimum, written out by hand: each action is worth no more than it
costs, and exactly as much where it is taken in part.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.market.audit_desk_least import least_line
from carbonsim.market.audit_ledger import labels
from carbonsim.market.certificate import Certificate, Line

if TYPE_CHECKING:
    from carbonsim.market.desk import Desk

Array = NDArray[np.float64]
EXACT = 1e-7
WORTH = 1e-6
ROUNDING = 1e-8  # times EXACT: some units in the last place of the numbers that a difference is made of
SMALL = 1e-6  # of all tonnes or of all money: a balance below this share of what it is left of has no smaller scale


def audit_desk(desk: Desk, dataset: xr.Dataset) -> Certificate:
    """The certificate of a desk's plan."""
    return Certificate(tuple(desk_lines(desk, dataset)))


def desk_lines(desk: Desk, dataset: xr.Dataset) -> Iterator[Line]:
    """The lines of the certificate, one by one."""
    yield from _ledger_lines(desk, dataset)
    yield from _deadline_lines(desk, dataset)
    yield from _worth_lines(desk, dataset)
    yield least_line(desk, dataset, _counts(desk))


def _line(name: str, residual: float | Array, scale: float | Array, tolerance: float = EXACT) -> Line:
    relative = np.abs(residual) / np.maximum(np.abs(scale), 1e-9)
    return Line(name, float(np.max(np.nan_to_num(relative, nan=np.inf), initial=0.0)), tolerance, name)


def _all_tonnes(desk: Desk, data: xr.Dataset) -> float:
    """All that is owed, held, issued and traded, which every balance is the difference of."""
    traded = sum(float(np.abs(data[name].values).sum()) for name in ("bought", "sold", "credits_bought"))
    held = desk.obligation + desk.opening_holdings + desk.opening_credits + float(desk.by_month("issued").sum())
    return max(held + traded + desk.carry_over_base + abs(desk.net_sales_before), 1e-300)


def _ledger_lines(desk: Desk, data: xr.Dataset) -> Iterator[Line]:
    yield labels("desk.labels", data, {"month": desk.month})
    tonne = SMALL * _all_tonnes(desk, data)
    bought, sold, credits = (data[name].values for name in ("bought", "sold", "credits_bought"))
    price, credit_price = desk.by_month("allowance_price"), desk.by_month("credit_price")
    volume, credit_volume = desk.by_month("volume_limit"), desk.by_month("credit_volume_limit")
    for name, taken, limit in (("bought", bought, volume), ("sold", sold, volume), ("credits", credits, credit_volume)):
        beyond = np.maximum(np.maximum(-taken, taken - limit), 0.0)
        yield _line(f"desk.{name}.bounds", beyond, np.abs(taken) + tonne)
    counted = float(bought.sum()) + _counts(desk) * float(data.credits_used)
    yield _line("desk.purchases", max(counted - desk.purchase_limit, 0.0), counted + tonne)
    held = data.holdings.values
    before = np.concatenate([[desk.opening_holdings], held[:-1]])
    moved = before + desk.by_month("issued") + bought - sold - held
    yield _line("desk.holdings", moved, np.minimum(np.abs(held) + bought + sold, 1e3 * np.abs(held)) + tonne)
    yield _line("desk.no_short_sale", np.minimum(held, 0.0), tonne / SMALL)
    cash = data.cash.values
    spent = (1 + desk.fee) * price * bought - (1 - desk.fee) * price * sold + np.nan_to_num(credit_price) * credits
    opening = np.concatenate([[desk.opening_cash], cash[:-1]])
    expected = (1 + desk.monthly_interest) * opening - spent
    gross = float(np.abs(spent).sum() + np.abs(opening).sum() + price.max() * tonne / SMALL)
    yuan = SMALL * max(gross, 1e-300)
    yield _line("desk.cash", cash - expected, np.minimum(np.abs(cash) + np.abs(spent), 1e3 * np.abs(cash)) + yuan)
    flow = data.cash_flow.values
    # A flow is the difference of two numbers that are published, so that it has no rounding but theirs.
    yield _line("desk.cash_flow", flow - (cash - opening), np.abs(flow) + ROUNDING * (np.abs(cash) + np.abs(opening)))
    worst = np.maximum.accumulate(np.maximum(-cash, 0.0))
    yield _line("desk.cash_needed", data.cash_needed.values - worst, worst + yuan)
    if np.isfinite(desk.credit_line):
        yield _line("desk.credit_line", np.maximum(-cash - desk.credit_line, 0.0), gross)


def _deadline_lines(desk: Desk, data: xr.Dataset) -> Iterator[Line]:
    value = {str(name): float(data[name]) for name in data.data_vars if not data[name].dims}
    used, missing, carried, expired = (value[name] for name in ("credits_used", "missing", "carried_over", "expired"))
    surrendered, total, all_tonnes = value["surrendered"], desk.obligation, _all_tonnes(desk, data)
    tonne = SMALL * all_tonnes
    yield _line("desk.surrendered", surrendered - (total - used - missing), abs(surrendered) + tonne)
    left = data.holdings.values[-1] - surrendered
    kept = min(SMALL * abs(carried) + abs(expired), abs(left))
    yield _line("desk.left_over", left - carried - expired, kept + tonne)
    yield _line("desk.signs", min(0.0, used, missing, carried, expired, surrendered), all_tonnes, 1e-9)
    yield _line("desk.credit_limit", max(used - desk.credit_limit * total, 0.0), used + tonne)
    stock = desk.opening_credits + float(data.credits_bought.sum())
    yield _line("desk.credits", stock - used - value["credits_left"], min(stock, abs(value["credits_left"])) + tonne)
    yield _line("desk.credit_stock", min(value["credits_left"], 0.0), stock + tonne)
    sales = desk.net_sales_before + float((desk.in_window * (data.sold.values - data.bought.values)).sum())
    yield _line("desk.net_sales", value["net_sales"] - sales, abs(sales) + tonne)
    limit = np.floor(desk.carry_over_base + desk.carry_over_multiple * max(sales, 0.0) + 1e-6)
    yield _line("desk.carry_over_limit", value["carry_over_limit"] - limit, limit + 1e-6)
    yield _line("desk.carried_over", max(carried - limit, 0.0), carried + tonne)
    fine = 0.0 if np.isinf(desk.fine) else desk.fine * missing
    yield _line("desk.fine", value["fine_paid"] - fine + (missing if np.isinf(desk.fine) else 0.0), abs(fine) + 1e-6)
    wealth = float(data.cash.values[-1]) - fine + desk.carried_value * carried
    money = abs(float(data.cash.values[-1])) + fine + desk.carried_value * carried
    yield _line("desk.final_wealth", value["final_wealth"] - wealth, np.maximum(abs(wealth), 1e-3 * money))


def _counts(desk: Desk) -> float:
    """What a credit takes off the purchases allowed: all of it, unless credits alone could cover what is lacking."""
    if desk.trade_for_profit:
        return 0.0
    lacking = desk.obligation - desk.opening_holdings - float(desk.by_month("issued").sum())
    most = max(lacking, desk.credit_limit * desk.obligation)
    return max(lacking, 0.0) / most if most > 0 else 0.0


def _exact_limit(desk: Desk, net_sales: float) -> float:
    return desk.carry_over_base + desk.carry_over_multiple * max(net_sales, 0.0)


def _slack(name: str, worth: float | Array, used: float | Array, room: float | Array, scale: float | Array) -> Line:
    """``worth`` (value less cost of one more unit) is not above 0 while there is room and not below 0 while used."""
    gain = np.where(np.asarray(room) > 0, np.maximum(worth, 0.0), 0.0)
    loss = np.where(np.asarray(used) > 0, np.maximum(-np.asarray(worth), 0.0), 0.0)
    return _line(name, gain + loss, scale, WORTH)


def _worth_lines(desk: Desk, data: xr.Dataset) -> Iterator[Line]:
    price, credit_price = desk.by_month("allowance_price"), desk.by_month("credit_price")
    worth, money = data.allowance_value.values, data.cash_value.values
    value = {str(name): float(data[name]) for name in data.data_vars if not data[name].dims}
    tiny = 1e-9 * (desk.obligation + desk.opening_holdings + float(desk.by_month("issued").sum()))
    selling = (desk.carry_over_multiple * value["carry_over_value"] + value["net_sales_value"]) * desk.in_window
    if data.attrs["plan"] != "net seller":
        selling = np.zeros_like(worth)
    scale = np.maximum(np.abs(worth), money * price) + 1e-6
    volume = desk.by_month("volume_limit")
    buy = worth - money * (1 + desk.fee) * price - selling - value["purchase_limit_value"]
    sell = money * (1 - desk.fee) * price + selling - worth
    yield _slack("desk.worth.bought", buy, data.bought.values - tiny, volume - data.bought.values - tiny, scale)
    yield _slack("desk.worth.sold", sell, data.sold.values - tiny, volume - data.sold.values - tiny, scale)
    room = np.where(
        np.isnan(credit_price), 0.0, desk.by_month("credit_volume_limit") - data.credits_bought.values - tiny
    )
    dear = value["credit_value"] - money * np.nan_to_num(credit_price)
    yield _slack("desk.worth.credits", dear, data.credits_bought.values - tiny, room, np.maximum(dear, scale))
    kept = worth[1:] - worth[:-1]
    yield _slack("desk.worth.holding", kept, data.holdings.values[:-1] - tiny, np.inf, scale[:-1])
    final = np.array([value["deadline_value"]]) - worth[-1:]
    yield _slack("desk.worth.deadline", final, data.holdings.values[-1:] - tiny, np.inf, scale[-1:])
    grown = (1 + desk.monthly_interest) * money[1:] - money[:-1]
    spare = data.cash.values[:-1] + desk.credit_line - 1e-9 * (1 + np.abs(data.cash.values[:-1]))
    yield _slack("desk.worth.cash", grown, spare, np.inf, 1.0)
    spare = data.cash.values[-1:] + desk.credit_line - 1e-9 * (1 + np.abs(data.cash.values[-1:]))
    yield _slack("desk.worth.final_cash", 1.0 - money[-1:], spare, np.inf, 1.0)
    yield from _limit_lines(desk, data, (buy, room, float(scale.max())), tiny)


def _limit_lines(desk: Desk, data: xr.Dataset, traded: tuple[Array, Array, float], tiny: float) -> Iterator[Line]:
    """What the deadline and the limits are worth, the least of several possible values."""
    buy, room, all_scale = traded
    value = {str(name): float(data[name]) for name in data.data_vars if not data[name].dims}
    money, credit_price = data.cash_value.values, desk.by_month("credit_price")
    volume = desk.by_month("volume_limit")
    last = value["deadline_value"]
    counts = _counts(desk)
    whole = last - value["surrender_limit_value"]
    free = whole - counts * value["purchase_limit_value"]
    yield _slack("desk.worth.credit_use", free - value["credit_limit_value"] - value["credit_value"],
                 value["credits_used"] - tiny, np.inf, all_scale)  # fmt: skip
    least = max(
        float(np.max(np.where(volume - data.bought.values > tiny, buy + value["purchase_limit_value"], 0.0))), 0.0
    )
    bound = desk.purchase_limit - float(data.bought.sum()) - counts * value["credits_used"] <= tiny
    cost = np.where((room > 0) & ~np.isnan(credit_price), money * np.nan_to_num(credit_price), np.inf)
    cheapest = float(cost.min()) if value["credits_left"] <= tiny else 0.0
    if counts and desk.credit_limit * desk.obligation - value["credits_used"] > tiny:
        # One more credit would be used if it did not take so much off what may be bought.
        least = max(least, (whole - cheapest) / counts)
    yield _line("desk.purchase_limit_value.least", value["purchase_limit_value"] - least * bound, least + 1e-6, WORTH)
    most = min(max(free, 0.0), cheapest)
    yield _line("desk.credit_value.least", value["credit_value"] - most, most + 1e-6, WORTH)
    rest = max(free, 0.0) - most if desk.credit_limit * desk.obligation - value["credits_used"] <= tiny else 0.0
    yield _line("desk.credit_limit_value.rest", value["credit_limit_value"] - rest, rest + 1e-6, WORTH)
    if np.isfinite(desk.fine):
        yield _slack(
            "desk.worth.missing", whole - desk.fine, value["missing"] - tiny, np.inf, max(all_scale, desk.fine)
        )
    # A whole number is carried over, so that one more may be worth it, or one less, and yet not be the better plan.
    beyond = desk.carried_value - last - value["carry_over_value"]
    yield _line("desk.whole_value", value["whole_value"] - beyond, abs(beyond) + 1e-6, WORTH)
    yield _line("desk.carried_over.whole", value["carried_over"] - round(value["carried_over"]), 1.0, 1e-9)
    yield _slack("desk.worth.expired", -last, value["expired"] - tiny, np.inf, all_scale)
    for name, room_left in (
        ("credit_limit_value", desk.credit_limit * desk.obligation - value["credits_used"]),
        ("credit_value", value["credits_left"]),
        ("carry_over_value", _exact_limit(desk, value["net_sales"]) - value["carried_over"]),
        ("net_sales_value", value["net_sales"] if data.attrs["plan"] == "net seller" else np.inf),
        ("purchase_limit_value", desk.purchase_limit - float(data.bought.sum()) - counts * value["credits_used"]),
        ("surrender_limit_value", desk.obligation - value["credits_used"] - value["missing"]),
    ):
        yield _line(f"desk.{name}.sign", min(value[name], 0.0), all_scale, WORTH)
        yield _line(f"desk.{name}.idle", value[name] if room_left > tiny else 0.0, all_scale, WORTH)
    lacking, usable = desk.purchase_limit, desk.credit_limit * desk.obligation
    more = whole - desk.credit_limit * value["credit_limit_value"]
    if 0 < lacking < np.inf:
        part = min(lacking / usable, 1.0) if usable > 0 else 1.0
        # Beyond what credits could cover, a tonne more is a tonne more to buy; below, the row turns with it.
        grows = 1.0 if part == 1.0 else 1.0 - value["credits_used"] / usable * (1.0 - part * desk.credit_limit)
        more -= grows * value["purchase_limit_value"]
    yield _line("desk.obligation_cost", value["obligation_cost"] - more, abs(more) + 1e-6, WORTH)
