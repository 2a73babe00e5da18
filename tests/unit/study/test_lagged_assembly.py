"""Rules on last year's emissions hand their share to the concept that follows realised emissions."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from carbonsim.allocation import Allocation
from carbonsim.errors import InputError
from carbonsim.market.concepts.lagged_allocation import LaggedAllocation
from carbonsim.study.assemble import _Builder


def updating(share: list[float], previous: list[float], emissions: list[float]) -> Allocation:
    rates, before, now = (np.array(values) for values in (share, previous, emissions))
    zero, one = np.zeros(len(share)), np.ones(len(share))
    names = tuple(f"f{row}" for row in range(len(share)))
    return Allocation(
        "updating_emissions", "lump_sum", names, rates * before, rates * before, rates * before, zero, zero, one, one,
        zero, lag=1, enterprise=names, auctioned=zero, emissions=now, key_emissions=now, output=one,
        per_previous_emission=rates, per_previous_output=zero,
    )  # fmt: skip


def builder(baseline: list[list[float]]) -> Any:
    rows = np.array([f"works{row}" for row in range(len(baseline))])
    size = np.array(baseline)
    return SimpleNamespace(
        rows=rows, baseline=size, lagged=np.zeros_like(size), previous=np.zeros(len(rows)),
        position={str(name): row for row, name in enumerate(rows)},
    )  # fmt: skip


def test_share_and_first_year_s_past_go_to_the_concept() -> None:
    made = builder([[100.0, 90.0], [50.0, 50.0]])
    _Builder._add_lagged(made, updating([0.8], [120.0], [100.0]), 0, np.array([0]))
    _Builder._add_lagged(made, updating([0.7], [100.0], [90.0]), 1, np.array([0]))
    concept = _Builder._concept(made)
    assert isinstance(concept, LaggedAllocation)
    # The second year's past is what the market finds for the first, so only the first year's is handed over.
    assert concept.share == {"works0": [0.8, 0.7]}
    assert concept.previous["works0"] == pytest.approx(120.0)


def test_without_such_a_rule_there_is_no_concept() -> None:
    assert _Builder._concept(builder([[1.0]])) is None


def test_facilities_with_different_rates_are_refused_by_name() -> None:
    both = updating([0.8, 0.6], [60.0, 60.0], [50.0, 50.0])
    with pytest.raises(InputError, match=r"works0.*0\.6, 0\.8.*grandfathering"):
        _Builder._add_lagged(builder([[100.0]]), both, 0, np.array([0, 0]))


def test_emissions_that_the_rule_does_not_see_are_refused() -> None:
    part = updating([0.8], [60.0], [50.0])
    with pytest.raises(InputError, match="over all of its covered emissions"):
        _Builder._add_lagged(builder([[100.0]]), dataclasses.replace(part), 0, np.array([0]))
