"""What a desk's allowances and money are worth where the plan leaves it open: the least, audited by another solver."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from carbonsim.errors import InfeasibleError, InputError
from carbonsim.market.audit_desk import audit_desk, desk_lines
from carbonsim.market.desk import Desk, plan_desk
from corruption import missed

MONTHS = ("2026-10", "2026-11", "2026-12")


def test_an_idle_month_has_the_least_value_that_it_may_have() -> None:
    # Nothing is held before December, when the 100 t due are bought at 50. Held from October it would save those 50,
    # or be sold at once at 80 or 70: an allowance is worth at least what it brings, 80 in October and 70 in November.
    # More is possible up to the purchase price 1.01 x 80 of a buyer who may not buy more; the least is published.
    data = plan_desk(Desk(MONTHS, 100.0, [80.0, 70.0, 50.0], fee=0.01)).dataset
    assert data.bought.values == pytest.approx([0, 0, 100])
    assert data.allowance_value.values == pytest.approx([0.99 * 80, 0.99 * 70, 1.01 * 50])
    assert data.cash_value.values == pytest.approx([1, 1, 1])


def test_just_enough_leaves_one_more_worth_what_it_sells_for() -> None:
    # 100 held for 100 due: one more, even of December, lets one be sold in November, at 60 less 1 %. Values up to the
    # fine of 300 would do as well, which is what one fewer would cost, for no more may be bought than is lacking.
    data = plan_desk(Desk(MONTHS, 100.0, [50.0, 60.0, 55.0], opening_holdings=100.0, fee=0.01, fine=300.0)).dataset
    assert data.allowance_value.values == pytest.approx([59.4, 59.4, 59.4])
    assert float(data.deadline_value) == pytest.approx(59.4)


def test_a_surplus_of_one_month_is_worth_what_it_is_sold_for() -> None:
    # 135 held for 130 due: 5 are sold at 8 less 0.2 % = 7.984. An interior-point method calls this degenerate
    # programme of worths infeasible.
    data = plan_desk(
        Desk(["m"], 130.0, 8.0, opening_holdings=99.0, issued=36.0, carry_over_base=15.0, fine=391.0, fee=0.002,
             credit_line=1515.0, volume_limit=27.0)
    ).dataset  # fmt: skip
    assert data.allowance_value.values == pytest.approx([7.984])


def test_another_value_that_the_plan_allows_fails_the_audit() -> None:
    # At 70 in November no sale (69.3) and no purchase (70.7) gains: no condition is broken but that it is the least.
    desk = Desk(MONTHS, 100.0, [80.0, 70.0, 50.0], fee=0.01)
    data = plan_desk(desk).dataset.copy(deep=True)
    data["allowance_value"].values[1] = 70.0
    assert [line.name for line in audit_desk(desk, data).failures()] == ["desk.worth.least"]


def test_a_price_of_nothing_without_a_volume_is_refused() -> None:
    with pytest.raises(InputError, match="where the price is 0"):
        Desk(MONTHS, 100.0, [30.0, 0.0, 30.0], credit_line=100.0, fine=300.0, trade_for_profit=True)


def random_desk(seed: int) -> Desk:
    """A desk of up to four months with some of all that a desk may have."""
    rng = np.random.default_rng(seed)
    months = int(rng.integers(1, 5))

    def sometimes(share: float, value: float) -> float:
        return value if rng.random() < share else 0.0

    tight = rng.random() < 0.5
    return Desk(
        month=[f"m{m}" for m in range(months)], obligation=float(rng.integers(0, 200)),
        allowance_price=rng.integers(0, 80, months).astype(float),
        credit_price=np.where(rng.random(months) < 0.4, np.nan, rng.integers(5, 70, months)),
        opening_holdings=sometimes(0.7, float(rng.integers(0, 250))), opening_credits=sometimes(0.3, 10.0),
        issued=rng.integers(0, 50, months) * float(rng.random() < 0.3), credit_limit=rng.choice([0, 0.05, 0.3]),
        carry_over_base=sometimes(0.5, 25.0), carry_over_multiple=sometimes(0.5, 1.5),
        carried_value=sometimes(0.6, float(rng.integers(0, 90))), fine=float(rng.integers(20, 400)),
        fee=sometimes(0.5, 0.002), monthly_interest=sometimes(0.3, 0.003),
        credit_line=float(rng.integers(0, 4000)) if tight else np.inf,
        volume_limit=float(rng.integers(1, 60)) if rng.random() < 0.3 else np.inf,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(16))
def test_every_corrupted_number_of_a_random_desk_fails_a_named_line(seed: int) -> None:
    desk = random_desk(seed)
    try:
        data = plan_desk(desk).dataset
    except InfeasibleError:
        pytest.skip("this desk has no plan")
    assert missed(data, partial(desk_lines, desk)) == []


def test_money_that_is_rounding_is_published_as_none() -> None:
    # At a price of 0 nothing is ever paid, and nothing must be left that is too small to be audited.
    desk = Desk(MONTHS, 0.0601, [33.3, 0.0, 33.3], opening_holdings=0.0601, fine=399.0, monthly_interest=0.003)
    data = plan_desk(desk).dataset
    assert data.cash.values.tolist() == [0.0, 0.0, 0.0]
    assert missed(data, partial(desk_lines, desk)) == []


def test_a_desk_with_money_but_no_allowances_at_all_is_planned() -> None:
    # Nothing is owed, held or issued: the cash stays what it is.
    desk = Desk(MONTHS, 0.0, 0.0, opening_cash=5e8, credit_line=3e8, fine=300.0)
    data = plan_desk(desk).dataset
    assert data.cash.values == pytest.approx([5e8, 5e8, 5e8])
    assert missed(data, partial(desk_lines, desk)) == []
