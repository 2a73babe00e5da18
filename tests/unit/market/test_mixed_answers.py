"""Answers that are a mix of two equally good ones: what is one, what is none, and what the certificate says of both."""

from __future__ import annotations

import dataclasses
from functools import partial

import numpy as np
import pytest

from builders import collared_market, half_an_answer
from carbonsim.allocation.obligations import CappedObligation
from carbonsim.market import audit, clear
from corruption import missed


def test_part_of_the_units_take_either_answer_at_the_price_of_the_tie() -> None:
    # Power: 300 - 50 w less 270 - 12 w = 30 - 38 w. Other: 20 less (2500/38 - 58) / 1.5. Together the supply of 12.
    data = clear(half_an_answer()).dataset
    price = 2500 / 38
    part = (30 + 20 - (price - 58) / 1.5 - 12) / 38
    assert float(data.allowance_price[0]) == pytest.approx(price)
    assert bool(data.response_is_mixed[0])
    assert float(data.response_key[0]) == pytest.approx(300 - 50 * part)
    assert float(data.response_allocation[0]) == pytest.approx(270 - 12 * part)
    assert float(data.response_cost[0]) == pytest.approx(2500 * part)
    assert float(data.mixed[0]) == 0  # fifty units, of which some take the one and some the other


def test_tonnes_of_a_single_unit_that_would_have_to_be_divided_are_published() -> None:
    # As above with a supply of 6.82: 1 - w is a little more than 0, and of the 38 t between the answers so much is.
    data = clear(half_an_answer(weight=1.0, supply=6.82)).dataset
    part = (30 + 20 - (2500 / 38 - 58) / 1.5 - 6.82) / 38
    assert 1 - part == pytest.approx(0.0003, abs=1e-4)
    assert float(data.mixed[0]) == pytest.approx(38 * (1 - part), rel=1e-6)


def test_a_mean_that_is_itself_an_answer_is_no_mix() -> None:
    # The power block's step costs just the price of 30: 35 of its 40 t clear the market, and one unit may cut them.
    whole = collared_market()
    one = dataclasses.replace(whole.responses[0], rule=CappedObligation(270.0, 0.2), weight=1.0)
    terms = tuple(
        dataclasses.replace(term, rule=one.rule, weight=1.0) if term.weight > 1 else term for term in whole.responses
    )
    data = clear(dataclasses.replace(whole, responses=terms)).dataset
    assert data.allowance_price.values == pytest.approx([30, 30])
    assert data.option_abatement.values[0] == pytest.approx([35, 38])
    assert not data.response_is_mixed.values.any()
    assert data.mixed.values.tolist() == [0, 0]


@pytest.mark.parametrize(("weight", "supply"), [(50.0, 12.0), (1.0, 6.82)])
def test_every_corrupted_number_fails_a_line(weight: float, supply: float) -> None:
    problem = half_an_answer(weight=weight, supply=supply)
    assert missed(clear(problem).dataset, partial(audit, problem)) == []


def test_allowances_and_cost_of_a_mix_cannot_be_raised_together() -> None:
    # A tonne more of allocation for its price more of cost leaves the unit as well off: only the mix itself can tell.
    problem = half_an_answer()
    dataset = clear(problem).dataset.copy(deep=True)
    price = float(dataset.allowance_price[0])
    for name, change in (("allocation", 1.0), ("cost", price)):
        dataset[f"response_{name}"].values[0] += change
    for name, change in (("free_allocation", 1.0), ("abatement_cost", price), ("net_purchase", -1.0)):
        dataset[name].values[0, 0] += change
    assert "response.mix" in [line.name for line in audit(problem, dataset).failures()]


def test_what_is_no_mix_may_not_be_called_one() -> None:
    problem = collared_market()
    dataset = clear(problem).dataset.copy(deep=True)
    dataset.response_is_mixed.values[0] = np.True_
    assert [line.name for line in audit(problem, dataset).failures()] == ["response.mix"]
