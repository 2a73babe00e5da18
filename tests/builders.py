"""Small markets for tests: a few enterprises, options and years, every number in sight."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np

from carbonsim.allocation.obligations import CappedObligation, CollaredIntensity
from carbonsim.market import Instrument, MarketProblem, Options, ResponseTerm
from carbonsim.market.instruments.auction_floor import AuctionFloor
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.instruments.carry_over_limit import CarryOverLimit
from carbonsim.market.instruments.compliance_periods import CompliancePeriods
from carbonsim.market.instruments.escalating_penalty import EscalatingPenalty
from carbonsim.market.instruments.holding_limit import HoldingLimit
from carbonsim.market.instruments.next_year_cut import NextYearCut
from carbonsim.market.instruments.offset_curve import OffsetCurve
from carbonsim.market.instruments.offset_limit import OffsetLimit
from carbonsim.market.instruments.offset_stock import OffsetStock
from carbonsim.market.instruments.offsets import Offsets
from carbonsim.market.instruments.penalty import Penalty
from carbonsim.market.instruments.price_ceiling import PriceCeiling
from carbonsim.market.instruments.price_linked_fine import PriceLinkedFine
from carbonsim.market.instruments.reserve_stock import ReserveStock
from carbonsim.market.instruments.reserve_tier import ReserveTier
from carbonsim.market.instruments.terminal_bank import TerminalBank
from carbonsim.market.instruments.trade_limit import TradeLimit
from carbonsim.market.instruments.transaction_cost import TransactionCost
from carbonsim.market.instruments.vintages import Vintages


def market(
    *instruments: Instrument, years: int = 2, supply: object = (100.0, 80.0), **changes: object
) -> MarketProblem:
    """Two enterprises of 100 t and 60 t with three step options; 160 t of need against the supply.

    Options by cost: north/a 20 t at 10, south/c 15 t at 25, north/b 30 t at 40 CNY/t.
    """
    column = np.ones((1, years))
    fields: dict[str, object] = {
        "enterprise": ("north", "south"),
        "year": tuple(range(2025, 2025 + years)),
        "baseline": np.array([[100.0], [60.0]]) * column,
        "share": np.ones((2, years)),
        "fixed": np.zeros((2, years)),
        "per_emission": np.zeros((2, years)),
        "options": Options(
            label=("north/a", "north/b", "south/c"),
            enterprise=np.array([0, 0, 1]),
            potential=np.array([[20.0], [30.0], [15.0]]) * column,
            unit_cost=np.array([[10.0], [40.0], [25.0]]) * column,
            slope=np.zeros((3, years)),
        ),
        "supply": np.broadcast_to(np.asarray(supply, dtype=float), (years,)).copy(),
        "interest": 0.05,
        "instruments": instruments,
    }
    return MarketProblem(**{**fields, **changes})  # type: ignore[arg-type]


def linear_market(
    slopes: tuple[float, ...], baselines: tuple[float, ...], cap: float, *instruments: Instrument
) -> MarketProblem:
    """One year, one option with MAC = slope * abatement for each enterprise, the cap issued as supply."""
    names = tuple(f"firm_{index}" for index in range(len(slopes)))
    count = len(slopes)
    return MarketProblem(
        enterprise=names,
        year=(2025,),
        baseline=np.array(baselines)[:, None],
        share=np.ones((count, 1)),
        fixed=np.zeros((count, 1)),
        per_emission=np.zeros((count, 1)),
        options=Options(
            tuple(f"{name}/abatement" for name in names),
            np.arange(count),
            np.array(baselines)[:, None],
            np.zeros((count, 1)),
            np.array(slopes)[:, None],
        ),
        supply=np.array([cap]),
        instruments=instruments,
    )


def one_of_each() -> dict[str, Instrument]:
    """Every packaged instrument with arrays that matter in the market of ``market()``."""
    return {
        "auction_floor": AuctionFloor(quantity=[30.0, 40.0], price=20.0),
        "banking": Banking(),
        "carry_over_limit": CarryOverLimit(year=2025, counting=(2025,), base=2.0, multiple=1.5),
        "compliance_periods": CompliancePeriods(ends=(2026,)),
        "escalating_penalty": EscalatingPenalty(
            steps={
                "small": {"price": 20.0, "up_to": 0.05},
                "large": {"price": [30.0, 35.0], "up_to": 0.1},
                "rest": {"price": 60.0},
            }
        ),
        "holding_limit": HoldingLimit(limit=2.0),
        "next_year_cut": NextYearCut(price=1.0),
        "offset_curve": OffsetCurve(price=20.0, slope=0.5, quantity=[40.0, 30.0]),
        "offset_limit": OffsetLimit(types=("wind", "forest"), share_limit=[0.05, 0.1]),
        "offset_stock": OffsetStock(price=[10.0, 20.0], quantity=[20.0, 0.0]),
        "offsets": Offsets(price=30.0, share_limit=0.1),
        "penalty": Penalty(price=60.0),
        "price_ceiling": PriceCeiling(price=[50.0, 55.0]),
        "price_linked_fine": PriceLinkedFine(multiple=5.0),
        "reserve_stock": ReserveStock(price=20.0, stock=20.0),
        "reserve_tier": ReserveTier(price=35.0, quantity=12.0),
        "terminal_bank": TerminalBank(at_least=3.0),
        "trade_limit": TradeLimit(place={"north": "hills", "south": "coast"}, purchases={"coast": [46.0, 47.0]}),
        "transaction_cost": TransactionCost(purchase=[2.0, 3.0], sale=1.0),
        "vintages": Vintages(life=1),
    }


# Examples of one_of_each() that may stand in one market and all matter there.
TOGETHER = (
    "auction_floor", "banking", "compliance_periods", "offsets", "penalty", "price_ceiling", "reserve_tier",
    "terminal_bank",
)  # fmt: skip


def every_instrument() -> tuple[Instrument, ...]:
    """The examples that may stand in one market."""
    return tuple(one_of_each()[name] for name in TOGETHER)


def beside(name: str) -> tuple[Instrument, ...]:
    """What an example of ``one_of_each()`` binds and cannot stand without."""
    offsets = (
        Offsets(price=[20.0, 25.0], quantity=5.0, name="wind"),
        OffsetCurve(
            steps={"near": {"price": 24.0, "quantity": 6.0}, "far": {"price": 30.0, "quantity": 90.0}}, name="forest"
        ),
    )
    carried = (Banking(),)
    return {"offset_limit": offsets, "carry_over_limit": carried, "holding_limit": carried}.get(name, ())


def collared_market(*, share_of_others: float = 1.0, **changes: object) -> MarketProblem:
    """A power block under a capped obligation, two steel works under a recalibrated collar, and one free enterprise."""
    years = (2025, 2026)
    labels = ("power/p", "steel_a/s", "steel_a/t", "steel_b/s", "other/o")
    size = np.array([[40.0, 40.0], [6.0, 6.0], [4.0, 4.0], [9.0, 9.0], [20.0, 20.0]])
    cost = np.array([[30.0] * 2, [4.0] * 2, [60.0] * 2, [15.0] * 2, [45.0] * 2])
    terms = []
    for year in years:
        terms += [
            ResponseTerm(0, year, 300.0, 0.0, CappedObligation(270.0 / 50, 0.2), (0,), (), weight=50.0),
            ResponseTerm(1, year, 60.0, 20.0, CollaredIntensity(60.0, 0.15, 0.03, 1.0), (1,), (2,), "steel"),
            ResponseTerm(2, year, 90.0, 0.0, CollaredIntensity(80.0, 0.15, 0.03, 1.0), (3,), (), "steel"),
        ]
    zero = np.zeros((4, 2))
    fields: dict[str, object] = {
        "enterprise": ("power", "steel_a", "steel_b", "other"),
        "year": years,
        "baseline": np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [50.0, 50.0]]),
        "share": np.array([[share_of_others] * 2, [1.0, 1.0], [1.0, 1.0], [share_of_others] * 2]),
        "fixed": np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [45.0, 42.0]]),
        "per_emission": zero,
        "options": Options(labels, np.array([0, 1, 1, 2, 3]), size, cost, np.zeros((5, 2))),
        "supply": np.zeros(2),
        "interest": 0.05,
        "responses": tuple(terms),
    }
    return MarketProblem(**{**fields, **changes})  # type: ignore[arg-type]


def half_an_answer(*, weight: float = 50.0, supply: float = 12.0) -> MarketProblem:
    """Equal units of 300 t together under a capped obligation, which cut all or nothing, and one free enterprise.

    Cutting nothing they owe 300 t and are given 270 (a shortage counts up to a tenth); cutting 50 t for 2,500 CNY they
    owe 250 and are given 258. Both are as good at 2,500 / 38 CNY/t.
    """
    rule = CappedObligation(258.0 / weight, 0.1)
    numbers = np.array([[25.0, 50.0, 0.0], [25.0, 50.0, 0.0], [23.0, 58.0, 1.5]])
    return MarketProblem(
        enterprise=("power", "other"),
        year=(2025,),
        baseline=np.array([[0.0], [50.0]]),
        share=np.ones((2, 1)),
        fixed=np.array([[0.0], [30.0]]),
        per_emission=np.zeros((2, 1)),
        options=Options(
            ("power/a", "power/b", "other/a"),
            np.array([0, 0, 1]),
            *(numbers[:, [column]] for column in range(3)),
        ),
        supply=np.array([supply]),
        responses=(ResponseTerm(0, 2025, 300.0, 0.0, rule, (0, 1), (), weight=weight),),
    )


def in_tonnes(problem: MarketProblem, factor: float, tools: Iterable[Instrument]) -> MarketProblem:
    """The market with every tonne, and nothing else, multiplied; its instruments in the same unit are given."""
    options = problem.options
    return dataclasses.replace(
        problem,
        baseline=problem.baseline * factor,
        fixed=problem.fixed * factor,
        supply=problem.supply * factor,
        opening_bank=problem.opening_bank * factor,
        options=dataclasses.replace(options, potential=options.potential * factor, slope=options.slope / factor),
        instruments=tuple(tools),
    )
