"""The formulation of every instrument, as text that a reader can check."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from builders import linear_market, market, one_of_each
from carbonsim.market import instruments
from carbonsim.market.instruments.penalty import Penalty
from carbonsim.market.programme import build_programme
from carbonsim.solving import write_lp

Golden = Callable[[str, str], None]


@pytest.mark.parametrize("name", sorted(one_of_each()))
def test_programme_of_one_instrument(name: str, golden: Golden) -> None:
    golden(f"{name}.lp", write_lp(build_programme(market(one_of_each()[name])).model))


def test_programme_without_instruments(golden: Golden) -> None:
    golden("none.lp", write_lp(build_programme(market()).model))


def test_programme_with_make_good(golden: Golden) -> None:
    golden("penalty_make_good.lp", write_lp(build_programme(market(Penalty(price=60.0, make_good=True))).model))


def test_programme_with_linear_macs(golden: Golden) -> None:
    golden("linear_mac.lp", write_lp(build_programme(linear_market((2.0, 1.0), (20.0, 20.0), 22.0)).model))


def test_programme_with_offsets_by_quantity(golden: Golden) -> None:
    from carbonsim.market.instruments.offsets import Offsets

    golden("offsets_quantity.lp", write_lp(build_programme(market(Offsets(price=[30.0, np.nan], quantity=9.0))).model))


def test_every_registered_instrument_has_a_golden_file() -> None:
    assert set(instruments) == set(one_of_each())
