"""The compliance desk: trades, credits, carry-over and cash of one enterprise, each case by hand."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonsim.errors import InfeasibleError, InputError
from carbonsim.market.audit_desk import audit_desk
from carbonsim.market.desk import Desk, plan_desk
from corruption import missed

MONTHS = ("2026-10", "2026-11", "2026-12")


def desk(**changes: object) -> Desk:
    fields: dict[str, object] = {
        "month": MONTHS, "obligation": 100.0, "opening_holdings": 60.0, "allowance_price": [50.0, 55.0, 60.0],
    }  # fmt: skip
    return Desk(**{**fields, **changes})  # type: ignore[arg-type]


def test_a_buyer_buys_when_it_is_cheapest_and_sees_the_cash_it_needs() -> None:
    data = plan_desk(desk()).dataset
    assert data.bought.values.tolist() == pytest.approx([40, 0, 0])
    assert data.cash_needed.values.tolist() == pytest.approx([2000, 2000, 2000])
    assert float(data.surrendered) == pytest.approx(100)


def test_credits_replace_the_dearest_allowances_up_to_their_share() -> None:
    # 35 x 50 for allowances and 5 % of 100 t at 40 in November.
    flat = desk(allowance_price=50.0, credit_price=[np.nan, 40.0, np.nan], credit_limit=0.05)
    data = plan_desk(flat).dataset
    assert float(data.credits_used) == pytest.approx(5)
    assert float(data.cash[-1]) == pytest.approx(-1950)
    assert float(data.credit_limit_value) == pytest.approx(10)  # a tonne more of the limit saves 50 - 40


def test_credits_take_off_what_may_be_bought() -> None:
    # 40 lacking at 50 rising to 60: with 5 credits at 40 only 35 are bought, not 40 of which 5 are sold on at 60.
    data = plan_desk(desk(credit_price=[np.nan, 40.0, np.nan], credit_limit=0.05)).dataset
    assert data.bought.values.tolist() == pytest.approx([35, 0, 0])
    assert data.sold.values.tolist() == pytest.approx([0, 0, 0])
    # One tonne more of obligation: 0.05 t of it by a credit at 40, 0.95 t by an allowance at 50.
    assert float(data.obligation_cost) == pytest.approx(0.05 * 40 + 0.95 * 50)


def test_a_seller_sells_just_enough_to_carry_over_the_rest() -> None:
    # 100 left after the surrender. T = 10 + 1.5 s and s + T = 100 give s = 36, T = 64; carried ones are worth 60.
    data = plan_desk(
        desk(opening_holdings=200.0, allowance_price=50.0, carried_value=60.0, carry_over_base=10.0,
             carry_over_multiple=1.5)
    ).dataset  # fmt: skip
    assert float(data.sold.sum()) == pytest.approx(36)
    assert float(data.carried_over) == pytest.approx(64)
    assert float(data.final_wealth) == pytest.approx(36 * 50 + 64 * 60)


def test_net_purchases_before_leave_the_base_only() -> None:
    # 50 bought before: 36 sales would leave net sales below zero, so only the base of 10 is carried and 90 are sold.
    data = plan_desk(
        desk(opening_holdings=200.0, allowance_price=50.0, carried_value=60.0, carry_over_base=10.0,
             carry_over_multiple=1.5, net_sales_before=-70.0)
    ).dataset  # fmt: skip
    # As a net seller it would have to sell 70 first: s - 70 = N, T = 10 + 1.5 (s - 70), s + T = 100 -> s = 78, T = 22.
    assert float(data.sold.sum()) == pytest.approx(78)
    assert float(data.carried_over) == pytest.approx(22)
    worse = plan_desk(
        desk(opening_holdings=200.0, allowance_price=50.0, carried_value=60.0, carry_over_base=10.0,
             carry_over_multiple=1.5, net_sales_before=-95.0)
    ).dataset  # fmt: skip
    # With 95 to make up, a net seller could carry at most 10 + 1.5 (s - 95) with s + T = 100: s = 93, below 95.
    assert float(worse.sold.sum()) == pytest.approx(90)
    assert float(worse.carried_over) == pytest.approx(10)


def test_a_carry_over_limit_counts_whole_allowances() -> None:
    # Base 10.9: the law carries 10; the fraction is sold.
    data = plan_desk(desk(opening_holdings=110.9, carried_value=100.0, carry_over_base=10.9)).dataset
    assert float(data.carried_over) == 10
    assert float(data.sold.sum()) == pytest.approx(0.9)


def test_a_fine_below_the_price_is_paid_for_everything() -> None:
    # 80 held and 100 due, at 50 and then 60, with a fine of 45: buy what is lacking at 50, sell all 100 at 60, pay
    # 4,500: -1,000 + 6,000 - 4,500 = 500.
    data = plan_desk(
        desk(month=MONTHS[:2], opening_holdings=80.0, allowance_price=[50.0, 60.0], fine=45.0)
    ).dataset  # fmt: skip
    assert float(data.missing) == pytest.approx(100)
    assert float(data.final_wealth) == pytest.approx(500)


def test_whole_allowances_are_planned_not_rounded_afterwards() -> None:
    # 51 left over, T <= 10 + 1.5 s: s + T = 51 would be 16.4 and 34.6. Whole: 34 carried at 80 and 17 sold at 50.
    data = plan_desk(
        desk(opening_holdings=151.0, allowance_price=50.0, carried_value=80.0, carry_over_base=10.0,
             carry_over_multiple=1.5)
    ).dataset  # fmt: skip
    assert float(data.carried_over) == 34
    assert float(data.sold.sum()) == pytest.approx(17)
    assert float(data.final_wealth) == pytest.approx(17 * 50 + 34 * 80)


def test_little_cash_means_a_fine_for_what_is_missing() -> None:
    # 1,000 of credit buys 20 t at 50; the other 20 t cost 500 each. The fine is paid after the deadline.
    data = plan_desk(desk(credit_line=1000.0, fine=500.0)).dataset
    assert float(data.missing) == pytest.approx(20)
    assert float(data.fine_paid) == pytest.approx(10_000)
    assert float(data.cash_value[0]) == pytest.approx(10)  # one CNY more buys 1/50 t, which saves 500/50


def test_volumes_of_a_month_spread_the_purchases() -> None:
    data = plan_desk(desk(volume_limit=15.0)).dataset
    assert data.bought.values.tolist() == pytest.approx([15, 15, 10])


def test_no_cash_and_no_fine_is_infeasible() -> None:
    with pytest.raises(InfeasibleError, match="credit_line"):
        plan_desk(desk(credit_line=0.0))


def test_a_month_may_be_named_by_a_number() -> None:
    found = plan_desk(desk(month=("202610", "202611", "202612"))).dataset
    assert found.bought.values.tolist() == plan_desk(desk()).dataset.bought.values.tolist()


def test_every_problem_of_a_desk_is_reported_at_once() -> None:
    with pytest.raises(InputError) as caught:
        desk(allowance_price=[1.0, 2.0], credit_limit=1.5, window=("2027-01",), fee=-0.1)
    assert all(word in str(caught.value) for word in ("allowance_price", "credit_limit", "2027-01", "fee"))


VARIANTS = {
    "buyer": desk(credit_price=[np.nan, 40.0, 45.0], credit_limit=0.05, fee=0.002, monthly_interest=0.003),
    "seller": desk(opening_holdings=200.0, carried_value=62.0, carry_over_base=10.0, carry_over_multiple=1.5),
    "fined": desk(credit_line=1000.0, fine=500.0, opening_cash=100.0),
    "kept": desk(opening_holdings=110.9, carried_value=100.0, carry_over_base=10.9, opening_credits=3.0,
                 credit_limit=0.02),
}  # fmt: skip


@pytest.mark.parametrize("name", VARIANTS)
def test_every_corrupted_number_fails_a_named_line(name: str) -> None:
    problem = VARIANTS[name]
    assert missed(plan_desk(problem).dataset, partial(audit_desk, problem)) == []


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.lists(st.integers(20, 120), min_size=3, max_size=3),
    st.integers(0, 250), st.integers(0, 150), st.integers(0, 40), st.sampled_from([0.0, 1.5]),
)  # fmt: skip
def test_more_carry_over_or_cash_never_leaves_less(
    price: list[int], holdings: int, value: int, base: int, multiple: float
) -> None:
    def wealth(**changes: float) -> float:
        fields = {"carry_over_base": float(base), "carry_over_multiple": multiple, "credit_line": 3000.0, "fine": 1e3}
        return float(plan_desk(desk(allowance_price=price, opening_holdings=float(holdings), carried_value=float(value),
                                    **{**fields, **changes})).dataset.final_wealth)  # fmt: skip

    first = wealth()
    assert wealth(carry_over_base=base + 20.0) >= first - 1e-6 * (1 + abs(first))
    assert wealth(credit_line=4000.0) >= first - 1e-6 * (1 + abs(first))
