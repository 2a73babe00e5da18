"""A sector whose benchmark is its own mean intensity adds no net demand, but everybody in it feels the whole price."""

from __future__ import annotations

import numpy as np
import pytest

from carbonsim.allocation.obligations import Scaled, SelfBalancedBenchmark
from carbonsim.market import MarketProblem, Options, ResponseTerm, clear


def market(cap: float, *, share: float = 1.0, other: float = 100.0) -> MarketProblem:
    """Two works of one self-balancing sector, 100 and 80 t on 50 units each, and one enterprise with a fixed amount."""
    rules = [SelfBalancedBenchmark(50.0, 1.8) for _ in range(2)]
    scaled = rules if share == 1.0 else [Scaled(rule, share) for rule in rules]
    return MarketProblem(
        enterprise=("dirty", "clean", "other"),
        year=(2025,),
        baseline=np.array([[0.0], [0.0], [other]]),
        share=np.ones((3, 1)),
        fixed=np.array([[0.0], [0.0], [cap]]),
        per_emission=np.zeros((3, 1)),
        options=Options(
            ("dirty/m", "clean/m", "other/m"),
            np.arange(3),
            np.array([[50.0], [40.0], [other]]),
            np.zeros((3, 1)),
            np.array([[2.0], [4.0], [1.0]]),
        ),
        supply=np.zeros(1),
        responses=tuple(
            ResponseTerm(row, 2025, emissions, 0.0, scaled[row], (row,), (), "steel")
            for row, emissions in enumerate((100.0, 80.0))
        ),
    )


def test_it_takes_the_price_of_the_rest_and_settles_at_emissions_after_abatement() -> None:
    # Other: 100 - x = 80, so p = 20. Dirty cuts 10, clean 5: (90 + 75) / 100 = 1.65 t a unit, 82.5 allowances each.
    data = clear(market(80.0)).dataset
    assert data.allowance_price.values == pytest.approx([20.0], rel=1e-9)
    assert data.balance_value.values == pytest.approx([1.65], rel=1e-9)
    assert data.free_allocation.values[:2, 0] == pytest.approx([82.5, 82.5], rel=1e-9)
    assert data.net_purchase.values[:2, 0] == pytest.approx([7.5, -7.5], rel=1e-8)


def test_alone_it_leaves_the_price_undetermined() -> None:
    data = clear(market(0.0, other=0.0)).dataset
    assert data.price_basis.values.tolist() == ["indeterminate"]
    assert np.isnan(data.allowance_price.item())


def test_an_auction_share_makes_it_short() -> None:
    # A tenth is auctioned elsewhere: 0.1 * E_sector + 100 - p = 100 without supply from others is out of balance by
    # 0.1 * (180 - 0.75 p) = p - 0 at cap 100: p = 18 / 1.075.
    data = clear(market(100.0, share=0.9)).dataset
    assert data.allowance_price.values == pytest.approx([18.0 / 1.075], rel=1e-7)
