"""The compliance desk of one enterprise: what to buy, sell, bank, convert and offset, and the cash it takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from carbonsim.errors import InputError, Said, issues_of, shorten
from carbonsim.market.audit_desk import audit_desk
from carbonsim.market.certificate import Certificate, check_certificate
from carbonsim.market.supply import Array

YEARLY = ("allowance_price", "credit_price", "issued", "volume_limit", "credit_volume_limit")


@dataclass(frozen=True, eq=False)
class Desk:
    r"""One enterprise before a compliance deadline, facing posted prices.

    .. math::
        :label: compliance-desk

        \max \; c_M + v\,T - F u \quad\text{s.t.}\quad h_m = h_{m-1} + i_m + b_m - s_m \ge 0, \qquad
        c_m = (1+r)\,c_{m-1} - (1+k) p_m b_m + (1-k) p_m s_m - p^o_m o_m \ge -\bar c,

    .. math::
        h_M = E - w - u + T + x, \qquad w \le \min(\theta E, O_0 + \sum_m o_m), \qquad
        T \le \text{base} + \text{multiple} \cdot \max(N, 0), \quad N = \sum_{m \in W} (s_m - b_m)

    with holdings h, cash c, credits used w, allowances carried over T, expired x and missing u.

    Parameters
    ----------
    month : sequence of str
        Labels of the months up to and with that of the deadline.
    obligation : float [tCO2e]
        Verified emissions E to be covered at the deadline.
    allowance_price, credit_price : float or array [CNY/tCO2e] (month)
        Posted prices; credits cannot be bought in a month whose credit price is NaN.
    opening_holdings, opening_credits : float [allowance], [tCO2e]
    issued : float or array [allowance] (month)
        Free allowances credited in each month; a single number is credited in the first.
    credit_limit : float [1]
        Share of the obligation that credits may cover.
    carry_over_base, carry_over_multiple : float [allowance], [1]
        Carry-over limit: base + multiple x net sales of the window. 0 and 0: nothing may be carried over.
    window : sequence of str
        Months whose sales less purchases count; all of them by default.
    net_sales_before : float [allowance]
        Net sales of the window before the first month; negative for net purchases.
    carried_value : float [CNY/allowance]
        What an allowance carried over is worth to the enterprise at the deadline.
    fine : float [CNY/tCO2e]
        Fine per missing tonne, at the deadline; ``inf``: nothing may be missing.
    fee : float [1]
        Trading cost as a share of the price, on both sides.
    monthly_interest : float [1]
        Interest on cash, paid and earned.
    opening_cash, credit_line : float [CNY]
        Cash before the first month and how far it may fall below zero.
    volume_limit, credit_volume_limit : float or array [allowance], [tCO2e] (month)
        Most that can be traded each way in a month, and most credits bought.
    trade_for_profit : bool
        Whether the desk may buy more than it lacks after credits, to sell or carry it over; it then needs a finite
        credit line or volume, since prices that rise faster than interest would be bought without limit.

    Raises
    ------
    InputError
        With every problem found.
    """

    month: Sequence[str]
    obligation: float
    allowance_price: ArrayLike
    credit_price: ArrayLike = np.nan
    opening_holdings: float = 0.0
    opening_credits: float = 0.0
    issued: ArrayLike = 0.0
    credit_limit: float = 0.0
    carry_over_base: float = 0.0
    carry_over_multiple: float = 0.0
    window: Sequence[str] = ()
    net_sales_before: float = 0.0
    carried_value: float = 0.0
    fine: float = np.inf
    fee: float = 0.0
    monthly_interest: float = 0.0
    opening_cash: float = 0.0
    credit_line: float = np.inf
    volume_limit: ArrayLike = np.inf
    credit_volume_limit: ArrayLike = np.inf
    trade_for_profit: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "month", tuple(map(str, self.month)))
        object.__setattr__(self, "window", tuple(map(str, self.window)) or self.month)
        found = list(_problems(self))
        if found:
            raise InputError(issues_of("desk", Said("desk", "履约台"), found))

    def by_month(self, name: str) -> Array:
        """A field over months; a single number of ``issued`` stands in the first month only."""
        values = np.asarray(getattr(self, name), dtype=float).reshape(-1)
        if len(values) == len(self.month):
            return values
        if name == "issued":
            return np.concatenate([values, np.zeros(len(self.month) - 1)])
        return np.full(len(self.month), values[0])

    @property
    def purchase_limit(self) -> float:
        """Allowances that may be bought in all, less credits used: what is lacking, unless it trades for profit."""
        if self.trade_for_profit:
            return float("inf")
        return max(self.obligation - self.opening_holdings - float(self.by_month("issued").sum()), 0.0)

    @property
    def credit_counts(self) -> float:
        """Allowances that a credit used takes off the purchase limit: 1 as long as credits cannot cover all lack."""
        most = max(self.purchase_limit, self.credit_limit * self.obligation)
        return self.purchase_limit / most if 0 < most < np.inf else 0.0

    @property
    def in_window(self) -> Array:
        """1 in months whose trades count for the carry-over limit, else 0, (month)."""
        return np.array([float(label in self.window) for label in self.month])


@dataclass(frozen=True, slots=True, eq=False)
class DeskPlan:
    """The best plan of a desk. ``dataset`` holds every published number, ``certificate`` its audit."""

    dataset: xr.Dataset
    certificate: Certificate

    def __repr__(self) -> str:
        """What is done in each month and what the deadline comes to."""
        data = self.dataset
        rows = ["Compliance desk: month, bought, sold, credits bought, holdings, cash"]
        names = ("bought", "sold", "credits_bought", "holdings", "cash")
        for place, month in enumerate(data.month.values):
            rows.append(f"  {month}: " + ", ".join(f"{float(data[name][place]):,.6g}" for name in names))
        end = ("surrendered", "credits_used", "carried_over", "expired", "missing")
        rows.append("  at the deadline: " + ", ".join(f"{name} {float(data[name]):,.6g}" for name in end))
        return "\n".join(rows)


def plan_desk(desk: Desk) -> DeskPlan:
    """The trades that leave the enterprise with the most at the deadline, and the cash they take by month.

    Parameters
    ----------
    desk : Desk

    Returns
    -------
    DeskPlan
        Dataset over (month): ``bought``, ``sold`` [allowance], ``credits_bought`` [tCO2e], ``holdings`` [allowance]
        before the surrender, ``cash_flow``, ``cash``, ``cash_needed`` [CNY] (how far cash is below zero at its worst
        so far), ``allowance_value`` and ``cash_value`` (what one more allowance, or CNY, of the month is worth at the
        deadline). Scalars: ``surrendered``, ``carried_over``, ``expired`` [allowance], ``credits_used``,
        ``credits_left``, ``missing`` [tCO2e], ``fine_paid`` [CNY], ``carry_over_limit`` (whole allowances, rounded
        down as the law does), ``net_sales``, ``final_wealth`` [CNY], and what one more unit of each limit is worth:
        ``carry_over_value``, ``net_sales_value``, ``purchase_limit_value``, ``credit_limit_value``, ``deadline_value``
        (an allowance at the deadline), ``whole_value`` (one more of the whole allowances carried over),
        ``credit_value``, ``surrender_limit_value`` (credits and missing tonnes are no more than the obligation)
        [CNY/tCO2e]. ``obligation_cost``: what one more tonne to cover costs. Where the plan leaves several values open,
        as in a month with nothing held and no trade, all these are the least: the point at which the values of
        allowances and of the deadline's limits, and those of money times the highest price, add up to least.

    Raises
    ------
    InfeasibleError
        If the obligation cannot be met with the cash and volumes given and nothing may be missing.
    CertificateError
        If the plan fails its audit.

    Notes
    -----
    Net sales below zero count as zero, which no linear programme can hold: the plan is the better of the one that is
    a net seller and the one that carries over the base only.
    """
    from carbonsim.market.desk_programme import best_plan

    dataset = best_plan(desk)
    certificate = audit_desk(desk, dataset)
    check_certificate(certificate)
    return DeskPlan(dataset, certificate)


def _problems(desk: Desk) -> Iterator[str]:
    if not desk.month or len(set(desk.month)) < len(desk.month):
        yield Said("month needs one label each, and one month at least.", "month 须至少有一个月，且名称各不相同。")
    strangers = [label for label in desk.window if label not in desk.month]
    if strangers:
        yield Said(
            f"window names {shorten(strangers)}, which are none of the months.",
            f"window 提到 {shorten(strangers, 'zh')}，不在各月之中。",
        )
    for name in YEARLY:
        values = np.asarray(getattr(desk, name), dtype=float).reshape(-1)
        if len(values) not in (1, len(desk.month)):
            yield Said(
                f"{name} has {len(values)} values; expected 1 or one for each of {len(desk.month)} months.",
                f"{name} 有 {len(values)} 个值，应为 1 个，或 {len(desk.month)} 个月每月一个。",
            )
        elif np.any(values < 0) or (name != "credit_price" and np.any(np.isnan(values))):
            yield Said(
                f"{name} holds a negative value or none; expected numbers that are not negative.",
                f"{name} 含负数或空缺，应为非负数。",
            )
    for name in ("obligation", "opening_holdings", "opening_credits", "carry_over_base", "carry_over_multiple",
                 "carried_value", "fine", "fee", "credit_line"):  # fmt: skip
        value = getattr(desk, name)
        if np.isnan(value) or value < 0:
            yield Said(
                f"{name} is {value:g}; expected a number that is not negative.",
                f"{name} 为 {value:g}，应为非负数。",
            )
    yield from _wrong_together(desk)


def _wrong_together(desk: Desk) -> Iterator[str]:
    """Shares above 1, and settings that do not go together."""
    if not 0 <= desk.credit_limit <= 1:
        yield Said(
            f"credit_limit is {desk.credit_limit:g}; expected a share from 0 to 1.",
            f"credit_limit 为 {desk.credit_limit:g}，应为 0 到 1 之间的比例。",
        )
    if desk.fee >= 1:
        yield Said(
            f"fee is {desk.fee:g}; expected a share of the price below 1.",
            f"fee 为 {desk.fee:g}，应为价格中小于 1 的比例。",
        )
    unlimited = np.isinf(desk.by_month("volume_limit"))
    price = np.resize(desk.allowance_price, len(unlimited))
    for_nothing = np.logical_or.accumulate(unlimited & (price == 0.0))
    endless = bool(np.any(for_nothing & unlimited & (price > 0.0)))  # bought for nothing, sold later for something
    if desk.trade_for_profit and (endless or (np.isinf(desk.credit_line) and bool(np.any(unlimited)))):
        yield Said(
            "trade_for_profit has no end without a limit; give a finite credit_line or volume_limit, and a "
            "volume_limit where the price is 0.",
            "trade_for_profit 不设限就没有尽头；请给出有限的 credit_line 或 volume_limit，价格为 0 的月份须给出 "
            "volume_limit。",
        )
    if not (desk.monthly_interest > -1 and np.isfinite(desk.opening_cash) and np.isfinite(desk.net_sales_before)):
        yield Said(
            "monthly_interest must be above -1, opening_cash and net_sales_before finite.",
            "monthly_interest 须大于 -1，opening_cash 与 net_sales_before 须为有限的数。",
        )
