"""What every registered instrument must keep, whatever it does."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from builders import market, one_of_each
from carbonsim.market import Instrument, MarketProblem, SupplyStep, clear, instruments
from carbonsim.market.programme import build_programme
from carbonsim.solving import CompiledProgramme, compile_programme

NAMES = sorted(instruments)


def compiled(*declared: Instrument) -> CompiledProgramme:
    return compile_programme(build_programme(market(*declared, supply=(110.0, 100.0))).model)


@pytest.mark.parametrize("name", NAMES)
def test_instrument_has_an_example_a_summary_and_an_equation(name: str) -> None:
    entry = instruments.get(name)
    assert type(one_of_each()[name]) is entry.target
    assert entry.summary.endswith(".")
    assert ".. math::" in (entry.target.__doc__ or "")


@pytest.mark.parametrize("name", NAMES)
def test_switched_off_is_the_identical_programme(name: str) -> None:
    # Without the instrument's own rows and columns the programme is that of a market that never had it.
    without, added = compiled(), compiled(one_of_each()[name])
    rows = [index for index, row in enumerate(added.rows) if not row.startswith(f"{name}.")]
    columns = [index for index, column in enumerate(added.columns) if not column.startswith(f"{name}.")]
    assert tuple(added.rows[index] for index in rows) == without.rows
    order = [added.columns.index(column) for column in without.columns]
    assert sorted(order) == columns
    assert np.array_equal(added.matrix.toarray()[np.ix_(rows, order)], without.matrix.toarray())
    assert np.array_equal(added.cost[order], without.cost)
    assert np.array_equal(added.row_upper[rows], without.row_upper)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "banking"])
def test_relaxing_the_market_by_an_instrument_never_raises_cost(name: str) -> None:
    supply = (110.0, 100.0)
    without = clear(market(supply=supply)).dataset
    added = clear(market(one_of_each()[name], supply=supply)).dataset
    step = one_of_each()[name].supply_step(2)
    assert step is not None
    paid = np.nansum(np.where(added.step_used.values > 0, step.price * added.step_used.values, 0.0), axis=0)
    discount = 1.05 ** -np.arange(2.0)
    before = float(np.sum(discount * without.abatement_cost.values.sum(axis=0)))
    after = float(np.sum(discount * (added.abatement_cost.values.sum(axis=0) + paid)))
    assert after <= before + 1e-6


@pytest.mark.parametrize("name", NAMES)
def test_order_of_enterprises_is_irrelevant(name: str) -> None:
    problem = market(one_of_each()[name], supply=(110.0, 100.0))
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


@pytest.mark.parametrize("engine", ["programme", "best_response"])
def test_instrument_from_outside_runs_through_both_engines(engine: str) -> None:
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
