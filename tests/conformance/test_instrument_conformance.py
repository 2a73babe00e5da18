"""What every registered instrument must keep, whatever it does."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from builders import beside, market, one_of_each
from carbonsim.errors import InputError
from carbonsim.market import Instrument, MarketProblem, SupplyStep, clear, instruments
from carbonsim.market.enterprise_data import EnterpriseData
from carbonsim.market.enterprise_programme import declare_enterprises
from carbonsim.market.programme import build_programme
from carbonsim.solving import CompiledProgramme, LoadedProgramme, compile_programme, solve_mixed_integer

NAMES = sorted(instruments)
BY_ENTERPRISE = [name for name, example in one_of_each().items() if example.by_enterprise]
CARRYING = ("banking", "compliance_periods", "vintages")  # they let one year's allowances serve another
SUPPLY = (110.0, 100.0)


def compiled(*declared: Instrument, by_enterprise: bool = False) -> CompiledProgramme:
    problem = market(*declared, supply=SUPPLY)
    model = declare_enterprises(EnterpriseData(problem)) if by_enterprise else build_programme(problem).model
    return compile_programme(model)


def least_cost(*declared: Instrument) -> float:
    programme = compiled(*declared, by_enterprise=any(one.by_enterprise for one in declared))
    whole = programme.integer is not None
    solution = solve_mixed_integer(programme) if whole else LoadedProgramme(programme).solve()
    assert solution is not None
    return solution.objective


@pytest.mark.parametrize("name", NAMES)
def test_instrument_has_an_example_a_summary_and_an_equation(name: str) -> None:
    entry = instruments.get(name)
    assert type(one_of_each()[name]) is entry.target
    assert entry.summary.endswith(".")
    assert ".. math::" in (entry.target.__doc__ or "")


# A transaction cost tells purchases from sales, so its cells have two columns in place of one: see test_enterprises.
@pytest.mark.parametrize("name", [name for name in NAMES if name != "transaction_cost"])
def test_switched_off_is_the_identical_programme(name: str) -> None:
    # Without the instrument's own rows and columns the programme is that of a market that never had it.
    by_enterprise = one_of_each()[name].by_enterprise
    without = compiled(*beside(name), by_enterprise=by_enterprise)
    added = compiled(*beside(name), one_of_each()[name], by_enterprise=by_enterprise)
    own = re.compile(rf"{name}[./]|enterprise\[\w+\]\.{name}")
    rows = [index for index, row in enumerate(added.rows) if not own.match(row)]
    columns = [index for index, column in enumerate(added.columns) if not own.match(column)]
    assert tuple(added.rows[index] for index in rows) == without.rows
    order = [added.columns.index(column) for column in without.columns]
    assert sorted(order) == columns
    assert np.array_equal(added.matrix.toarray()[np.ix_(rows, order)], without.matrix.toarray())
    assert np.array_equal(added.cost[order], without.cost)
    assert np.array_equal(added.row_upper[rows], without.row_upper)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in BY_ENTERPRISE])
def test_supply_never_raises_cost_and_a_limit_never_lowers_it(name: str) -> None:
    example = one_of_each()[name]
    without, added = least_cost(*beside(name)), least_cost(*beside(name), example)
    if example.supply_steps((2025, 2026)) or name in CARRYING:
        assert added <= without + 1e-6
    else:
        assert added >= without - 1e-6


@pytest.mark.parametrize("name", NAMES)
def test_order_of_enterprises_is_irrelevant(name: str) -> None:
    problem = market(*beside(name), one_of_each()[name], supply=SUPPLY)
    turned = dataclasses.replace(
        problem,
        enterprise=problem.enterprise[::-1],
        baseline=problem.baseline[::-1].copy(),
        options=dataclasses.replace(problem.options, enterprise=1 - problem.options.enterprise),
    )
    first, second = clear(problem).dataset, clear(turned).dataset
    assert second.allowance_price.values == pytest.approx(first.allowance_price.values)
    assert second.net_purchase.sel(enterprise="south").values == pytest.approx(
        first.net_purchase.sel(enterprise="south").values
    )


@pytest.mark.parametrize("name", NAMES)
def test_negative_quantities_and_prices_are_refused(name: str) -> None:
    instrument = one_of_each()[name]
    for field, values in instrument.yearly().items():
        broken = dataclasses.replace(instrument, **{field: -np.abs(values) - 1})  # type: ignore[type-var]
        assert any(field in problem for problem in broken.problems((2025, 2026)))


@pytest.mark.parametrize("name", NAMES)
def test_every_engine_holds_the_instrument_alike_or_says_why_it_cannot(name: str) -> None:
    problem = market(*beside(name), one_of_each()[name], supply=SUPPLY)
    found = []
    for engine in ("programme", "price_search", "best_response"):
        reasons = [one.refused_by(engine) for one in problem.instruments if one.refused_by(engine)]  # type: ignore[arg-type]
        if reasons:
            with pytest.raises(InputError, match=re.escape(reasons[0])):
                clear(problem, engine=engine)  # type: ignore[arg-type]
            continue
        data = clear(problem, engine=engine).dataset  # type: ignore[arg-type]
        ends = np.stack([data.price_low.values, data.price_high.values])
        found.append((np.nan_to_num(ends, nan=-1.0), float(data.abatement_cost.sum()), data.step_used.values))
    assert found
    for other in found[1:]:
        for ours, theirs in zip(found[0], other, strict=True):
            assert theirs == pytest.approx(ours, rel=1e-6, abs=1e-6)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Gift(Instrument):
    """Hands out allowances at a token price, from outside the package."""

    @property
    def label(self) -> str:
        return "gift"

    def supply_step(self, years: int) -> SupplyStep:
        return SupplyStep("gift", "reserve_tier", np.full(years, 1.0), np.full(years, 5.0))

    def add_to(self, frame: object) -> None:
        frame.add_supply(self.supply_step(2))  # type: ignore[attr-defined]


@pytest.mark.parametrize("engine", ["programme", "price_search", "best_response"])
def test_instrument_from_outside_runs_through_every_engine(engine: str) -> None:
    instruments.register("gift")(Gift)
    try:
        mapping: dict[str, object] = {
            "year": [2025],
            "enterprises": {"a": {"baseline": 10}},
            "instruments": {"gift": {}},
        }
        assert MarketProblem.from_mapping(mapping).instruments[0].label == "gift"
    finally:
        instruments.unregister("gift")
    cleared = clear(market(Gift(), supply=(110.0, 100.0)), engine=engine).dataset
    assert cleared.reserve_sold.sel(tier="gift").values == pytest.approx([5.0, 5.0])
