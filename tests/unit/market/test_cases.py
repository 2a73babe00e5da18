"""Numeric cases with known answers, from their inputs, by all engines.

Sources: the two-firm exercises and the tabular case are textbook exercises whose answers follow by hand (the
tabular one from econweb.com, Externalities: tradeable rights); the lettered cases are analytic ones with their
closed forms in the comments.
"""

from __future__ import annotations

import numpy as np
import pytest

from builders import linear_market
from carbonsim.market import Market, MarketProblem, clear
from carbonsim.market.instruments.auction_floor import AuctionFloor
from carbonsim.market.instruments.reserve_tier import ReserveTier

ENGINES = ["programme", "price_search", "best_response"]
DIGITS = 5e-5  # the banking answers are a solver's to 1e-6 relative: their own prices rise at 5 per cent only to that


def abatement(market: Market) -> np.ndarray:
    return market.dataset.abatement.values


@pytest.mark.parametrize("engine", ENGINES)
def test_two_firms_with_quadratic_costs(engine: str) -> None:
    # TAC1 = 1000 + 2.5 A^2, TAC2 = 500 + 1.5 A^2, so MAC = 5 A and 3 A; 5 A1 = 3 A2 and A1 + A2 = 32.
    market = clear(linear_market((5.0, 3.0), (32.0, 32.0), 64.0 - 32.0), engine=engine)
    assert market.dataset.allowance_price.values == pytest.approx([60.0])
    assert abatement(market)[:, 0] == pytest.approx([12.0, 20.0])
    cost = np.array([1000.0, 500.0]) + market.dataset.abatement_cost.values[:, 0]
    assert cost == pytest.approx([1360.0, 1100.0])


@pytest.mark.parametrize("engine", ENGINES)
def test_two_firms_grandfathered_evenly(engine: str) -> None:
    # MAC_A = 240 - 2 e, MAC_B = 120 - e: baselines 120, slopes 2 and 1; 60 allowances each.
    problem = MarketProblem.from_mapping(
        {
            "year": [2025],
            "enterprises": {"a": {"baseline": 120, "fixed": 60}, "b": {"baseline": 120, "fixed": 60}},
            "options": {
                "a/m": {"enterprise": "a", "potential": 120, "unit_cost": 0, "slope": 2},
                "b/m": {"enterprise": "b", "potential": 120, "unit_cost": 0, "slope": 1},
            },
        }
    )
    found = clear(problem, engine=engine).dataset
    assert found.allowance_price.values == pytest.approx([80.0])
    assert found.covered_emissions.values[:, 0] == pytest.approx([80.0, 40.0])
    assert found.net_purchase.values[:, 0] == pytest.approx([20.0, -20.0])
    net_cost = found.abatement_cost + found.allowance_price * found.net_purchase
    assert net_cost.values[:, 0] == pytest.approx([3200.0, 1600.0])


@pytest.mark.parametrize("engine", ENGINES)
def test_tabular_marginal_costs(engine: str) -> None:
    # Ten steps of 10 per cent each; half of each baseline is grandfathered.
    first, second = [10, 20, 30, 40, 50, 60, 70, 80, 90, 100], [70, 80, 90, 100, 110, 120, 130, 140, 150, 160]
    options = {
        f"{firm}/{cost}": {"enterprise": firm, "potential": 10, "unit_cost": cost}
        for firm, costs in (("one", first), ("two", second))
        for cost in costs
    }
    firms = {name: {"baseline": 100, "fixed": 50} for name in ("one", "two")}
    found = clear(MarketProblem.from_mapping({"year": [2025], "enterprises": firms, "options": options}), engine=engine)
    # The cap is met exactly at the end of two steps at 80, so any price up to the next step's 90 clears.
    assert float(found.dataset.price_low.item()) == pytest.approx(80.0)
    assert float(found.dataset.price_high.item()) == pytest.approx(90.0)
    assert abatement(found)[:, 0] == pytest.approx([80.0, 20.0])


@pytest.mark.parametrize("engine", ENGINES)
def test_case_a_two_linear_macs(engine: str) -> None:
    # Price = required abatement / sum(1 / slope) = 18 / 1.5.
    problem = MarketProblem.from_mapping(
        {
            "year": [2025],
            "enterprises": {"a": {"baseline": 20, "fixed": 11}, "b": {"baseline": 20, "fixed": 11}},
            "options": {
                "a/m": {"enterprise": "a", "potential": 20, "unit_cost": 0, "slope": 2},
                "b/m": {"enterprise": "b", "potential": 20, "unit_cost": 0, "slope": 1},
            },
        }
    )
    found = clear(problem, engine=engine).dataset
    assert found.allowance_price.values == pytest.approx([12.0])
    assert found.abatement.values[:, 0] == pytest.approx([6.0, 12.0])
    assert found.covered_emissions.values[:, 0] == pytest.approx([14.0, 8.0])
    assert found.abatement_cost.values[:, 0] == pytest.approx([36.0, 72.0])
    assert -found.net_purchase.values[:, 0] == pytest.approx([-3.0, 3.0])


STEPS = {
    "power": [(10, 8), (40, 10), (90, 12)],
    "steel": [(25, 6), (60, 9), (150, 10)],
    "cement": [(15, 4), (70, 8), (200, 6)],
}
STEP_ANSWERS = [(195, 10, 50, 5), (180, 40, 370, 20), (160, 70, 1440, 40), (140, 150, 3320, 60)]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("cap", "price", "cost", "cut"), STEP_ANSWERS)
def test_case_b_step_macc_of_three_sectors(engine: str, cap: float, price: float, cost: float, cut: float) -> None:
    problem = MarketProblem.from_mapping(
        {
            "year": [2025],
            "supply": cap,
            "enterprises": {name: {"baseline": size} for name, size in (("power", 100), ("steel", 60), ("cement", 40))},
            "options": {
                f"{name}/{unit_cost}": {"enterprise": name, "potential": size, "unit_cost": unit_cost}
                for name, steps in STEPS.items()
                for unit_cost, size in steps
            },
        }
    )
    found = clear(problem, engine=engine).dataset
    assert found.allowance_price.values == pytest.approx([price])
    assert float(found.abatement_cost.sum()) == pytest.approx(cost)
    assert float(found.abatement.sum()) == pytest.approx(cut)


def banking_case(supply: list[float], bank: float, borrowing: float = 0.0) -> MarketProblem:
    return MarketProblem.from_mapping(
        {
            "year": list(range(2025, 2025 + len(supply))),
            "supply": supply,
            "interest": 0.05,
            "opening_bank": bank,
            "enterprises": {"sector": {"baseline": 100}},
            "options": {"sector/m": {"enterprise": "sector", "potential": 100, "unit_cost": 0, "slope": 1}},
            "instruments": {"banking": {"borrowing": borrowing}},
        }
    )


def discounted_cost(problem: MarketProblem, market: Market) -> float:
    return float(np.sum(problem.discount * market.dataset.abatement_cost.values.sum(axis=0)))


@pytest.mark.parametrize("engine", ENGINES)
def test_case_c_price_rises_at_interest_while_banking(engine: str) -> None:
    problem = banking_case([100.0, 95.0, 90.0, 80.0, 70.0, 55.0, 40.0, 30.0, 20.0, 10.0], bank=20.0)
    market = clear(problem, engine=engine)
    price = [31.00678, 32.55712, 34.18499, 35.89425, 37.68896, 39.57338, 41.55203, 43.62964, 45.81117, 48.10169]
    bank = [51.00678, 78.5639, 102.74889, 118.64313, 126.33209, 120.90548, 102.4575, 76.08714, 41.89831, 0.0]
    assert market.dataset.allowance_price.values == pytest.approx(price, abs=DIGITS)
    assert abatement(market)[0] == pytest.approx(price, abs=DIGITS)
    # By hand: 1000 - 590 - 20 = 390 t to cut over ten years with cuts rising at 5 per cent.
    exact = 390 / sum(1.05**t for t in range(10)) * 1.05 ** np.arange(10)
    assert market.dataset.allowance_price.values == pytest.approx(exact, rel=1e-9)
    assert market.dataset.bank.values == pytest.approx(bank, abs=2 * DIGITS)
    assert discounted_cost(problem, market) == pytest.approx(6046.32293, abs=DIGITS)


C2_SUPPLY = [60.0, 100.0, 95.0, 90.0, 60.0, 50.0, 40.0]


@pytest.mark.parametrize("engine", ENGINES)
def test_case_c2_the_ban_on_borrowing_binds(engine: str) -> None:
    problem = banking_case(C2_SUPPLY, bank=0.0)
    market = clear(problem, engine=engine)
    price = [40.0, 24.25788, 25.47078, 26.74432, 28.08153, 29.48561, 30.95989]
    bank = [0.0, 24.25788, 44.72866, 61.47297, 49.5545, 29.04011, 0.0]
    assert market.dataset.allowance_price.values == pytest.approx(price, abs=DIGITS)
    assert market.dataset.bank.values == pytest.approx(bank, abs=2 * DIGITS)
    assert discounted_cost(problem, market) == pytest.approx(2705.97646, abs=DIGITS)


@pytest.mark.parametrize("engine", ENGINES)
def test_case_c2_with_borrowing(engine: str) -> None:
    problem = banking_case(C2_SUPPLY, bank=0.0, borrowing=float("inf"))
    market = clear(problem, engine=engine)
    price = [25.17806, 26.43697, 27.75882, 29.14675, 30.60408, 32.1343, 33.74101]
    bank = [-14.82194, 11.61503, 34.37385, 53.5206, 44.12469, 26.25899, 0.0]
    assert market.dataset.allowance_price.values == pytest.approx(price, abs=DIGITS)
    assert market.dataset.bank.values == pytest.approx(bank, abs=2 * DIGITS)
    assert discounted_cost(problem, market) == pytest.approx(2580.75144, abs=DIGITS)
    # By hand: 205 t to cut over seven years with cuts rising at 5 per cent, 205 / sum(1.05^t) in the first.
    assert market.dataset.allowance_price.values[0] == pytest.approx(205 / sum(1.05**t for t in range(7)), rel=1e-9)


COLLAR = [
    (34, 6, 31.0, 31.0, 3.0, 0, "floor"),
    (22, 12.0, 22, 22, 0, 0, None),
    (16, 15, 17.5, 16.0, 0, 1.5, "reserve_tier"),
    (8, 18.666666666666668, 12, 8, 0, 4, None),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("cap", "price", "emissions", "sold", "unsold", "released", "basis"), COLLAR)
def test_case_e_floor_and_reserve_tier(
    engine: str, cap: float, price: float, emissions: float, sold: float, unsold: float, released: float, basis: str
) -> None:
    # The whole cap is auctioned at the floor. `sold` here is the auction alone; the case adds what the tier released.
    tier = ReserveTier(price=15.0, quantity=4.0)
    problem = linear_market((2.0, 1.0), (20.0, 20.0), 0.0, AuctionFloor(quantity=cap, price=6.0), tier)
    found = clear(problem, engine=engine).dataset
    assert found.allowance_price.values == pytest.approx([price])
    assert float(found.covered_emissions.sum()) == pytest.approx(emissions)
    assert found.sold_auction.values == pytest.approx([sold])
    assert found.unsold.values == pytest.approx([unsold], abs=1e-6)
    assert float(found.reserve_sold.sum()) == pytest.approx(released, abs=1e-6)
    assert found.price_basis.item() == basis or basis is None


SECTORS = {"power": (100.0, 2.0), "steel": (60.0, 1.5), "cement": (40.0, 4.0)}
# covered sectors, cap as share of baseline, joint price, joint cost, separate prices, separate cost
EXPANSION = [
    (("power",), 0.95, 10.0, 25.0, [10.0], 25.0),
    (("power",), 0.9, 20.0, 100.0, [20.0], 100.0),
    (("power",), 0.8, 40.0, 400.0, [40.0], 400.0),
    (("power", "steel"), 0.95, 6.857142857142864, 27.428571428571484, [10.0, 4.5], 31.75),
    (("power", "steel"), 0.9, 13.714285714285714, 109.7142857142857, [20.0, 9.0], 127.0),
    (("power", "steel"), 0.8, 27.428571428571427, 438.8571428571428, [40.0, 18.0], 508.0),
    (("power", "steel", "cement"), 0.95, 7.058823529411772, 35.29411764705889, [10.0, 4.5, 8.0], 39.75),
    (("power", "steel", "cement"), 0.9, 14.117647058823529, 141.17647058823528, [20.0, 9.0, 16.0], 159.0),
    (("power", "steel", "cement"), 0.8, 28.235294117647058, 564.7058823529411, [40.0, 18.0, 32.0], 636.0),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("covered", "fraction", "price", "cost", "separate", "separate_cost"), EXPANSION)
def test_case_f_widening_coverage(
    engine: str,
    covered: tuple[str, ...],
    fraction: float,
    price: float,
    cost: float,
    separate: list[float],
    separate_cost: float,
) -> None:
    sizes, slopes = zip(*(SECTORS[name] for name in covered), strict=True)
    joint = clear(linear_market(slopes, sizes, fraction * sum(sizes)), engine=engine).dataset
    assert joint.allowance_price.values == pytest.approx([price])
    assert joint.abatement.values[:, 0] == pytest.approx([price / slope for slope in slopes])
    assert float(joint.abatement_cost.sum()) == pytest.approx(cost)
    alone = [
        clear(linear_market((k,), (e,), fraction * e), engine=engine).dataset
        for e, k in zip(sizes, slopes, strict=True)
    ]
    assert [float(one.allowance_price.item()) for one in alone] == pytest.approx(separate)
    assert sum(float(one.abatement_cost.sum()) for one in alone) == pytest.approx(separate_cost)
