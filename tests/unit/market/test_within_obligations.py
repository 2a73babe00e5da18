"""What stands in for allowances stays within what there is to surrender, wherever a least-cost answer does."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from carbonsim.errors import InputError
from carbonsim.market import Instrument, MarketProblem, Options, clear
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.instruments.offsets import Offsets
from carbonsim.market.instruments.penalty import Penalty
from carbonsim.market.instruments.terminal_bank import TerminalBank
from carbonsim.market.instruments.trade_limit import TradeLimit
from carbonsim.market.instruments.vintages import Vintages

ENGINES = ["programme", "price_search", "best_response", "by enterprise"]


def works(baseline: float, supply: list[float], *instruments: Instrument, option: float = 0.0) -> MarketProblem:
    """One enterprise, two years, an option at 20 CNY/t; no interest."""
    return MarketProblem(
        enterprise=("works",),
        year=(2025, 2026),
        baseline=np.full((1, 2), baseline),
        share=np.ones((1, 2)),
        fixed=np.zeros((1, 2)),
        per_emission=np.zeros((1, 2)),
        options=Options(
            ("works/cut",), np.array([0]), np.full((1, 2), option), np.full((1, 2), 20.0), np.zeros((1, 2))
        ),
        supply=np.array(supply),
        interest=0.0,
        instruments=instruments,
    )


# Every one ties over years, kinds or both at 20 CNY/t; filled in the order of years, or of the solver, some of them
# would use more in a year than there is to surrender and bank the rest.
TIED: dict[str, tuple[MarketProblem, float]] = {
    # 10 t a year and no allowances: 15 offsets in either year and 5 in the other cost what 10 and 10 do.
    "offsets over years": (works(10, [0, 0], Banking(), Offsets(price=20.0, quantity=15.0)), 20.0),
    "offsets with a loan": (works(10, [0, 0], Banking(borrowing=5.0), Offsets(price=20.0, quantity=15.0)), 20.0),
    "offsets and a fee": (
        works(10, [0, 0], Banking(), Offsets(price=20.0, quantity=6.0), Penalty(price=20.0)), 20.0,
    ),
    # 20 t a year, 10 allowances: 30 t from 36 offsets and two cuts of 8 t, and a cut also lessens what is surrendered.
    "offsets and a cut": (
        works(20, [0, 10], Banking(), Offsets(price=20.0, quantity=18.0), option=8.0), 20.0,
    ),
}  # fmt: skip
FEW: dict[str, MarketProblem] = {
    "worth of what is left": works(10, [0, 0], Banking(), TerminalBank(value=20.0), Offsets(price=20.0, quantity=15.0)),
    "price of zero": works(10, [2, 2], Banking(), Offsets(price=0.0, quantity=15.0)),
}


def within(problem: MarketProblem, engine: str) -> tuple[float, float]:
    """Price of 2025 and cost; asserts that offsets and fees are within obligations."""
    if engine == "by enterprise":
        loose = TradeLimit(place={"works": "here"}, purchases={"here": 400.0})
        problem, engine = dataclasses.replace(problem, instruments=(*problem.instruments, loose)), "programme"
    market = clear(problem, engine=engine)  # type: ignore[arg-type]
    data = market.dataset
    instead = data.offsets_used.values + data.penalty_tonnes.values
    assert np.all(instead <= data.obligation.values.sum(axis=0) * (1 + 1e-9) + 1e-9)
    assert market.certificate.passed
    cost = 20.0 * float(data.step_used.values.sum() + data.option_abatement.values.sum())
    return float(data.allowance_price.values[0]), cost


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", TIED)
def test_answer_within_obligations_is_found(name: str, engine: str) -> None:
    problem, price = TIED[name]
    # All that is not supplied costs 20 CNY/t.
    missing = float(problem.baseline.sum() - problem.supply.sum())
    assert within(problem, engine) == pytest.approx((price, 20.0 * missing))


@pytest.mark.parametrize("engine", ENGINES[:3])
@pytest.mark.parametrize("name", FEW)
def test_allowances_left_at_a_price_of_their_worth_are_not_made_of_offsets(name: str, engine: str) -> None:
    within(FEW[name], engine)


def test_stock_of_vintages_keeps_within_obligations() -> None:
    problem = works(10, [0, 0], Vintages(life=2), Offsets(price=20.0, quantity=15.0))
    assert within(problem, "programme") == pytest.approx((20.0, 400.0))


@pytest.mark.parametrize("engine", ENGINES)
def test_answer_that_must_make_allowances_is_refused(engine: str) -> None:
    # Offsets at 5 in 2025 save a fee of 20 in 2026, so all 15 are used in 2025, for 10 t: no answer that keeps to 10
    # costs as little.
    problem = works(
        10,
        [0, 0],
        Banking(),
        Offsets(price=np.array([5.0, 30.0]), quantity=15.0),
        Penalty(price=np.array([30.0, 20.0])),
    )
    with pytest.raises(InputError, match=r"15 t in 2025, where only 10 t"):
        within(problem, engine)
