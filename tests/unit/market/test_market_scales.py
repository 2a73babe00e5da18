"""Markets of any size and money: everything scales exactly, and small quantities beside large ones set the price."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonsim.market import Instrument, MarketProblem, Options, clear
from carbonsim.market.instruments.auction_floor import AuctionFloor
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.instruments.holding_limit import HoldingLimit
from carbonsim.market.instruments.next_year_cut import NextYearCut
from carbonsim.market.instruments.offsets import Offsets
from carbonsim.market.instruments.penalty import Penalty
from carbonsim.market.instruments.price_ceiling import PriceCeiling
from carbonsim.market.instruments.reserve_stock import ReserveStock
from carbonsim.market.instruments.reserve_tier import ReserveTier
from carbonsim.market.instruments.terminal_bank import TerminalBank
from carbonsim.market.instruments.trade_limit import TradeLimit
from carbonsim.market.instruments.transaction_cost import TransactionCost
from carbonsim.market.instruments.vintages import Vintages

ENGINES = ["programme", "price_search", "best_response", "by enterprise"]
EXACT = 1e-9

Table = list[tuple[int, float, float, float]]


def made(
    baseline: list[float], options: Table, supply: list[float], *instruments: Instrument, **changes: Any
) -> MarketProblem:
    """Enterprises with options (enterprise, potential, unit cost, slope), the same in each year."""
    firms, years = len(baseline), len(supply)
    column = np.ones((1, years))
    numbers = [np.array([row[k] for row in options], dtype=float)[:, None] * column for k in (1, 2, 3)]
    fields: dict[str, Any] = {
        "enterprise": tuple(f"firm_{index}" for index in range(firms)), "year": tuple(range(2025, 2025 + years)),
        "baseline": np.array(baseline)[:, None] * column, "share": np.ones((firms, years)),
        "fixed": np.zeros((firms, years)), "per_emission": np.zeros((firms, years)),
        "options": Options(
            tuple(f"option_{index}" for index in range(len(options))),
            np.array([row[0] for row in options], dtype=np.intp), *numbers,
        ),
        "supply": np.array(supply), "interest": 0.0, "instruments": instruments,
    }  # fmt: skip
    return MarketProblem(**{**fields, **changes})


def by_engine(problem: MarketProblem, engine: str) -> Any:
    """The published market; by enterprise with a limit on trade that nobody reaches."""
    if engine != "by enterprise":
        return clear(problem, engine=engine).dataset  # type: ignore[arg-type]
    loose = TradeLimit(place={"firm_0": "here"}, purchases={"here": 4.0 * problem.baseline.sum()})
    return clear(dataclasses.replace(problem, instruments=(*problem.instruments, loose)), engine="programme").dataset


# A small quantity sets the price: (baseline, options, supply, lowest price, highest, abatement).
UNLIKE: dict[str, tuple[list[float], Table, float, float, float, list[float]]] = {
    # 1e8 + 500 t must be cut: all of the first option, half of the second.
    "1000 t in 8 Gt": (
        [8e9], [(0, 1e8, 10, 0), (0, 1000, 20, 0), (0, 1e8, 40, 0)], 7_899_999_500.0, 20, 20, [1e8, 500, 0],
    ),
    # 1e8 + 1000 t: both in full, and a tonne less would cost 40.
    "1000 t in 8 Gt used up": (
        [8e9], [(0, 1e8, 10, 0), (0, 1000, 20, 0), (0, 1e8, 40, 0)], 7_899_999_000.0, 20, 40, [1e8, 1000, 0],
    ),
    # 10 t too many: nobody pays anything, and 10 t less would still be enough.
    "10 t left of 1e8": ([1e8], [(0, 1e7, 10, 0), (0, 1e7, 40, 0)], 100_000_010.0, 0, 0, [0, 0]),
    "10 t short of 1e8": ([1e8], [(0, 1e7, 10, 0), (0, 1e7, 40, 0)], 99_999_990.0, 10, 10, [10, 0]),
    "half a tonne short of 1e8": ([1e8], [(0, 1e7, 10, 0), (0, 1e7, 40, 0)], 99_999_999.5, 10, 10, [0.5, 0]),
    "10 t of an option of 1e7 left": ([1e8], [(0, 1e7, 10, 0), (0, 1e7, 40, 0)], 90_000_010.0, 10, 10, [9_999_990, 0]),
    # 1e8 + 0.25 t, and 1e8 + 0.5 t, which is all that the small enterprise has.
    "1 t beside 1e9": (
        [1, 1e9], [(0, 0.5, 20, 0), (1, 1e8, 10, 0), (1, 1e8, 40, 0)], 900_000_000.75, 20, 20, [0.25, 1e8, 0],
    ),
    "1 t beside 1e9 used up": (
        [1, 1e9], [(0, 0.5, 20, 0), (1, 1e8, 10, 0), (1, 1e8, 40, 0)], 900_000_000.5, 20, 40, [0.5, 1e8, 0],
    ),
}  # fmt: skip


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", UNLIKE)
def test_small_quantity_beside_a_large_one_sets_the_price(name: str, engine: str) -> None:
    baseline, options, supply, low, high, cut = UNLIKE[name]
    found = by_engine(made(baseline, options, [supply]), engine)
    assert found.price_low.values == pytest.approx([low], rel=EXACT, abs=EXACT)
    assert found.price_high.values == pytest.approx([high], rel=EXACT, abs=EXACT)
    # 1e9 t are summed to a millionth of a tonne.
    assert found.option_abatement.values[:, 0] == pytest.approx(cut, rel=EXACT, abs=1e-5)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("price", [1e-3, 1e6])
def test_prices_of_any_size(price: float, engine: str) -> None:
    table: Table = [(0, 20, price, 0), (1, 15, 2.5 * price, 0), (0, 30, 4 * price, 0)]
    inside, end = (by_engine(made([100, 60], table, [supply]), engine) for supply in (120.0, 125.0))
    assert (inside.price_low.item(), inside.price_high.item()) == pytest.approx((4 * price, 4 * price), rel=EXACT)
    assert (end.price_low.item(), end.price_high.item()) == pytest.approx((2.5 * price, 4 * price), rel=EXACT)


@pytest.mark.parametrize("engine", ENGINES)
def test_tiny_shares(engine: str) -> None:
    # Offsets for a millionth of about 9e8 t at 20: 500 t of them are the last, then they are used up and a cut of the
    # option at 40 also loses a millionth of the gain on one: p - 1e-6 (p - 20) = 40.
    table: Table = [(0, 1e8, 10, 0), (0, 1e8, 40, 0)]
    limit = Offsets(price=20.0, share_limit=1e-6)
    some = by_engine(made([1e9], table, [1e9 - 1e8 - 500], limit), engine)
    full = by_engine(made([1e9], table, [1e9 - 1e8 - 5000], limit), engine)
    assert some.price_low.item() == some.price_high.item() == pytest.approx(20.0, rel=EXACT)
    assert full.price_low.item() == pytest.approx((40 - 2e-5) / (1 - 1e-6), rel=EXACT)
    # Two enterprises of 1e6 t, one covered to a millionth: a cut of it for 1e-5 CNY/t is worth 10 per allowance.
    covered = made([1e6, 1e6], [(0, 1e5, 1e-5, 0), (1, 1e5, 20, 0)], [1e6 + 1 - 0.05], share=np.array([[1e-6], [1.0]]))
    found = by_engine(covered, engine)
    assert (found.price_low.item(), found.price_high.item()) == pytest.approx((10.0, 10.0), rel=EXACT)
    assert found.option_abatement.values[0, 0] == pytest.approx(5e4, rel=1e-8)


def steps(t: float, c: float) -> Table:
    return [(0, 20 * t, 10 * c, 0), (0, 30 * t, 40 * c, 0), (1, 15 * t, 25 * c, 0)]


def ramps(t: float, c: float) -> Table:
    return [(0, 20 * t, 10 * c, 0.5 * c / t), (0, 30 * t, 30 * c, c / t), (1, 15 * t, 25 * c, 0)]


SHAPES: dict[str, tuple[Any, list[float], Any]] = {
    "interval": (steps, [125], lambda t, c: ()),
    "inside": (steps, [118], lambda t, c: ()),
    "slack": (steps, [161], lambda t, c: ()),
    "just met": (steps, [160], lambda t, c: ()),
    "banking": (steps, [150, 125], lambda t, c: (Banking(),)),
    "borrowing": (steps, [150, 128, 121], lambda t, c: (Banking(borrowing=3 * t),)),
    "linear": (ramps, [130], lambda t, c: ()),
    "linear with a bank": (ramps, [140, 115], lambda t, c: (Banking(),)),
    "reserve and ceiling": (
        steps, [100, 97],
        lambda t, c: (
            Banking(), Offsets(price=20 * c, share_limit=0.05), ReserveTier(price=30 * c, quantity=7 * t),
            PriceCeiling(price=45 * c),
        ),
    ),
    "offsets and fee": (
        steps, [100, 90], lambda t, c: (Offsets(price=12 * c, quantity=11 * t), Penalty(price=50 * c)),
    ),
    "auction": (
        steps, [100, 90], lambda t, c: (AuctionFloor(price=18 * c, quantity=33 * t), PriceCeiling(price=50 * c)),
    ),
    "terminal": (steps, [140, 135], lambda t, c: (Banking(), TerminalBank(at_least=5 * t))),
    "stock": (steps, [110, 100], lambda t, c: (ReserveStock(price=20 * c, stock=20 * t),)),
    "vintages": (steps, [150, 125, 120], lambda t, c: (Vintages(life=1),)),
    "cut": (steps, [100, 130], lambda t, c: (NextYearCut(price=2 * c),)),
    "cost of trade": (steps, [118, 110], lambda t, c: (Banking(), TransactionCost(purchase=2 * c, sale=c))),
    "limit on holding": (steps, [150, 120], lambda t, c: (Banking(), HoldingLimit(limit=3 * t))),
    "limit on trade": (
        ramps, [140, 115], lambda t, c: (TradeLimit(place={"firm_0": "here"}, purchases={"here": 55 * t}),),
    ),
}  # fmt: skip
NO_SEARCH = ("stock", "vintages", "cut", "cost of trade", "limit on holding", "limit on trade")
BOTH = [
    (name, engine)
    for name in SHAPES
    for engine in ENGINES[:3]
    if engine == "programme" or name not in NO_SEARCH
]  # fmt: skip


def shaped(name: str, t: float, c: float) -> MarketProblem:
    table, supply, instruments = SHAPES[name]
    return made([100 * t, 60 * t], table(t, c), [one * t for one in supply], *instruments(t, c), interest=0.05)


@pytest.mark.parametrize(("name", "engine"), BOTH)
@settings(max_examples=5, deadline=None)
@given(tonnes=st.floats(-2, 8), money=st.floats(-3, 5))
def test_tonnes_and_money_scale_exactly(name: str, engine: str, tonnes: float, money: float) -> None:
    # The market has 160 t, so it ranges from 1.6 t to 1.6e10 t.
    t, c = 10.0**tonnes, 10.0**money
    one, other = (clear(shaped(name, *by), engine=engine).dataset for by in ((1.0, 1.0), (t, c)))  # type: ignore[arg-type]
    for end in ("price_low", "price_high"):
        assert other[end].values / c == pytest.approx(one[end].values, rel=EXACT, abs=EXACT, nan_ok=True)
    total = [data.option_abatement.values.sum(axis=0) for data in (one, other)]
    assert total[1] / t == pytest.approx(total[0], rel=EXACT, abs=EXACT)
