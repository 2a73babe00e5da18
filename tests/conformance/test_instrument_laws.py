"""What every registered instrument owes economics: the unit of tonnes, the size of the market, more freedom."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from builders import beside, in_tonnes, market, one_of_each
from carbonsim.market import Instrument, MarketProblem, clear, instruments
from carbonsim.market.enterprise_data import EnterpriseData
from carbonsim.market.enterprise_programme import declare_enterprises
from carbonsim.market.programme import build_programme
from carbonsim.solving import LoadedProgramme, compile_programme, solve_mixed_integer

NAMES = sorted(instruments)
SUPPLY = np.array([110.0, 100.0])

# Fields that hold tonnes or allowances, money for each enterprise, or a rise of a price with tonnes: what a change of
# the unit of tonnes, or a market twice as large, multiplies (or divides, for the last). All others stay.
TONNES = {
    "auction_floor": ("quantity",),
    "banking": ("borrowing",),
    "carry_over_limit": ("base", "sold_before"),
    "holding_limit": ("limit", "own"),
    "offset_curve": ("quantity",),
    "offset_limit": ("quantity",),
    "offset_stock": ("quantity", "opening"),
    "offsets": ("quantity",),
    "reserve_stock": ("stock",),
    "reserve_tier": ("quantity",),
    "terminal_bank": ("at_least",),
    "trade_limit": ("purchases", "sales"),
    "transaction_cost": ("participation", "volume"),
    "vintages": ("opening",),
}
PER_TONNE = {"offset_curve": ("slope",)}
WITHOUT_TONNES = (
    "compliance_periods",
    "escalating_penalty",
    "next_year_cut",
    "penalty",
    "price_ceiling",
    "price_linked_fine",
)


def times(value: Any, factor: float) -> Any:
    """A number, a list or a mapping of numbers, multiplied; what is not given stays so, and so does a year."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        return {key: times(each, factor) for key, each in value.items()}
    return np.asarray(value, dtype=float) * factor if np.ndim(value) else float(value) * factor


def instrument_in_units(one: Instrument, factor: float) -> Instrument:
    """The instrument with every tonne multiplied."""
    name = next(name for name in NAMES if type(one) is instruments.get(name).target)
    fields = {field: times(getattr(one, field), factor) for field in TONNES.get(name, ())}
    fields |= {field: times(getattr(one, field), 1 / factor) for field in PER_TONNE.get(name, ())}
    if name == "offset_curve" and one.steps:  # type: ignore[attr-defined]
        steps = one.steps.items()  # type: ignore[attr-defined]
        fields["steps"] = {step: {**each, "quantity": times(each["quantity"], factor)} for step, each in steps}
    return dataclasses.replace(one, **fields)  # type: ignore[type-var]


def in_units(problem: MarketProblem, factor: float) -> MarketProblem:
    """The market with every tonne, and nothing else, multiplied."""
    return in_tonnes(problem, factor, [instrument_in_units(one, factor) for one in problem.instruments])


def example(name: str, **changes: object) -> MarketProblem:
    return market(*beside(name), one_of_each()[name], supply=SUPPLY, **changes)


def ends(problem: MarketProblem) -> np.ndarray:
    data = clear(problem).dataset
    return np.nan_to_num(np.stack([data.price_low.values, data.price_high.values]), nan=-1.0)


def test_no_instrument_is_missing_from_the_tables() -> None:
    assert sorted({*TONNES, *WITHOUT_TONNES}) == NAMES
    assert not set(TONNES) & set(WITHOUT_TONNES)
    assert sorted(RELAXED) == NAMES


@pytest.mark.parametrize("factor", [1e-3, 2.0, 1e3])
@pytest.mark.parametrize("name", NAMES)
def test_price_depends_neither_on_the_unit_of_tonnes_nor_on_the_size_of_the_market(name: str, factor: float) -> None:
    problem = example(name)
    assert ends(in_units(problem, factor)) == pytest.approx(ends(problem), rel=1e-8, abs=1e-8)


def wider(**changes: object) -> Callable[[Instrument], tuple[Instrument, ...]]:
    """The instrument with fields that leave enterprises more freedom."""
    return lambda one: (dataclasses.replace(one, **changes),)  # type: ignore[type-var]


def gone(one: Instrument) -> tuple[Instrument, ...]:
    """Without the instrument, where it does nothing but bind."""
    return ()


# For each instrument the same with more room: a longer life, a larger limit, a lower price of what is offered.
RELAXED: dict[str, tuple[Callable[[Instrument], tuple[Instrument, ...]], ...]] = {
    "auction_floor": (wider(price=15.0), wider(quantity=[40.0, 50.0])),
    "banking": (wider(borrowing=np.array([5.0, 0.0])),),
    "carry_over_limit": (wider(base=4.0), wider(multiple=2.0), gone),
    "compliance_periods": (lambda one: (one, instruments.get("banking").target(borrowing=0.0)),),
    "escalating_penalty": (
        wider(steps={"small": {"price": 20.0, "up_to": 0.06}, "large": {"price": 30.0, "up_to": 0.12},
                     "rest": {"price": 50.0}}),
    ),
    "holding_limit": (wider(limit=4.0), gone),
    "next_year_cut": (wider(price=0.5), wider(ratio=0.5)),
    "offset_curve": (wider(price=15.0), wider(slope=0.25), wider(quantity=[60.0, 40.0])),
    "offset_limit": (wider(share_limit=[0.1, 0.2]), gone),
    "offset_stock": (wider(price=[5.0, 10.0]), wider(quantity=[30.0, 0.0]), wider(opening=5.0)),
    "offsets": (wider(price=20.0), wider(share_limit=0.2)),
    "penalty": (wider(price=40.0),),
    "price_ceiling": (wider(price=[30.0, 35.0]),),
    "price_linked_fine": (gone,),
    "reserve_stock": (wider(price=15.0), wider(stock=30.0)),
    "reserve_tier": (wider(price=25.0), wider(quantity=20.0)),
    "terminal_bank": (wider(at_least=1.0), gone),
    "trade_limit": (wider(purchases={"coast": [50.0, 50.0]}), gone),
    "transaction_cost": (wider(purchase=[1.0, 1.0]), wider(sale=0.0), gone),
    "vintages": (wider(life=2), wider(early=1)),
}  # fmt: skip


def least_cost(problem: MarketProblem, *, by_enterprise: bool) -> float:
    model = declare_enterprises(EnterpriseData(problem)) if by_enterprise else build_programme(problem).model
    programme = compile_programme(model)
    whole = programme.integer is not None
    solution = solve_mixed_integer(programme) if whole else LoadedProgramme(programme).solve()
    assert solution is not None
    return solution.objective


@pytest.mark.parametrize(("name", "number"), [(name, i) for name in NAMES for i in range(len(RELAXED[name]))])
@pytest.mark.parametrize("supply", [SUPPLY, SUPPLY[::-1].copy()], ids=["early", "late"])
def test_more_freedom_never_raises_cost(name: str, number: int, supply: np.ndarray) -> None:
    bound = one_of_each()[name]
    freer = RELAXED[name][number](bound)
    problems = [market(*beside(name), *declared, supply=supply) for declared in ((bound,), freer)]
    tight, loose = (least_cost(problem, by_enterprise=bound.by_enterprise) for problem in problems)
    assert loose <= tight + 1e-8 * max(1.0, abs(tight))


@pytest.mark.parametrize("year", [0, 1])
@pytest.mark.parametrize("name", NAMES)
def test_more_supply_raises_no_price_of_its_year(name: str, year: int) -> None:
    lowest = []
    for more in (0.0, 4.0, 17.0):
        supply = SUPPLY.copy()
        supply[year] += more
        problem = market(*beside(name), one_of_each()[name], supply=supply)
        lowest.append(clear(problem).dataset.price_low.values[year])
    assert np.all(np.diff(lowest) <= 1e-8)
