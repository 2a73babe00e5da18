"""A desk never buys and sells in the same month: at no fee that changes nothing, so the plan leaves it out."""

import numpy as np
import pytest

from carbonsim.market.desk import Desk, plan_desk


def test_cash_that_buys_part_of_what_is_lacking_buys_it_once() -> None:
    # By hand: 20 t are lacking, the credit line of 400 buys 8 t at 50, and 12 t are missing at a fine of 250.
    plan = plan_desk(Desk(["2026-12"], 100, 50, opening_holdings=80, credit_line=400, fine=250)).dataset
    np.testing.assert_allclose(plan.bought, [8.0])
    np.testing.assert_allclose(plan.sold, [0.0], atol=1e-9)
    assert float(plan.fine_paid) == pytest.approx(3000.0)
    assert float(plan.final_wealth) == pytest.approx(-3400.0)


@pytest.mark.parametrize("seed", range(20))
def test_no_month_has_both(seed: int) -> None:
    rng = np.random.default_rng(seed)
    plan = plan_desk(
        Desk(
            ["2026-10", "2026-11", "2026-12"],
            100,
            rng.integers(40, 70, 3),
            opening_holdings=float(rng.integers(0, 200)),
            credit_line=float(rng.integers(0, 3000)),
            fine=250,
            carried_value=float(rng.integers(0, 80)),
            carry_over_base=10,
            carry_over_multiple=1.5,
            trade_for_profit=bool(rng.integers(2)),
        )
    ).dataset
    assert float((plan.bought * plan.sold).max()) == 0.0
