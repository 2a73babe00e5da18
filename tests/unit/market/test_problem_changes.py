"""Changes of a market from a year on, worked out twice: by clearing and by the audit."""

from __future__ import annotations

import numpy as np
import pytest

from builders import collared_market, market
from carbonsim.errors import InputError
from carbonsim.market.audit_changes import problem_after
from carbonsim.market.changes import apply_changes
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.instruments.price_ceiling import PriceCeiling

CHANGES: dict[str, dict[str, object]] = {
    "supply": {"supply": 50},
    "dated supply": {"supply": {2026: 50, 2028: 30}},
    "factor": {"supply_factor": {2027: 0.5}},
    "one enterprise": {"baseline": {"north": {2026: 110, 2027: 120}}},
    "both enterprises": {"share": 0.5, "per_emission": {2027: 0.25}},
    "options": {"unit_cost_factor": 0.5, "potential": {"north/a": 10}},
    "instruments": {
        "instruments": {"price_ceiling": {"price": {2027: 44}, "price_factor": 2}, "banking": {"borrowing": 3}}
    },
}


@pytest.mark.parametrize("name", CHANGES)
def test_clearing_and_audit_read_changes_alike(name: str) -> None:
    problem = market(Banking(), PriceCeiling(price=60.0), years=4, supply=100.0)
    first = apply_changes(problem, CHANGES[name], 2026, where="test")
    second = problem_after(problem, CHANGES[name], 2026)
    for array in ("supply", "baseline", "share", "fixed", "per_emission"):
        assert np.array_equal(getattr(first, array), getattr(second, array))
    for array in ("potential", "unit_cost", "slope"):
        assert np.array_equal(getattr(first.options, array), getattr(second.options, array))
    for one, other in zip(first.instruments, second.instruments, strict=True):
        for field, values in one.yearly().items():
            assert np.array_equal(np.broadcast_to(values, 4), np.broadcast_to(other.yearly()[field], 4))


def test_dated_numbers_hold_until_the_next_one() -> None:
    problem = market(years=4, supply=100.0)
    assert apply_changes(problem, {"supply": {2026: 50, 2028: 30}}, 2026, where="test").supply.tolist() == [
        100.0, 50.0, 50.0, 30.0,
    ]  # fmt: skip


def test_number_holds_from_the_first_year_that_may_change() -> None:
    problem = market(years=3, supply=100.0)
    changed = apply_changes(problem, {"baseline": {"south": 70}}, 2026, where="test")
    assert changed.baseline.tolist() == [[100.0, 100.0, 100.0], [60.0, 70.0, 70.0]]


WRONG: dict[str, dict[str, object]] = {
    "changes nothing": {},
    "Did you mean 'supply'": {"suply": 3},
    "expected a year from 2026 to 2028": {"supply": {2025: 3}},
    "names 'nort'": {"baseline": {"nort": 3}},
    "expected years": {"supply": {"north": 3}},
    "is 'three'": {"supply": "three"},
    "leaves every number as it was": {"supply": 100.0},
    "has no 'ceiling'": {"instruments": {"ceiling": {"price": 3}}},
    "no yearly field 'prize'": {"instruments": {"price_ceiling": {"prize": 3}}},
    "price leaves every number": {"instruments": {"price_ceiling": {"price": 60}}},
}


@pytest.mark.parametrize("words", WRONG)
def test_wrong_change_is_refused(words: str) -> None:
    problem = market(PriceCeiling(price=60.0), years=4, supply=100.0)
    with pytest.raises(InputError, match=words):
        apply_changes(problem, WRONG[words], 2026, where="test")


def test_emissions_held_by_a_response_term_are_refused() -> None:
    with pytest.raises(InputError, match="power in 2026"):
        apply_changes(collared_market(), {"baseline": {"power": 10}}, 2026, where="test")
