"""Hull and supporting prices of ordinary markets with a carry-over limit: two programmes that share nothing agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from carbonsim.market import MarketProblem, clear
from carbonsim.market import audit_enterprise_decisions as audited
from carbonsim.market import enterprise_decisions as engine
from carbonsim.market.audit_enterprise_hull import DualHull, few_choices
from carbonsim.market.audit_enterprise_replies import OwnProgramme, own_programmes
from carbonsim.market.enterprise_data import EnterpriseData
from carbonsim.market.enterprise_hull import best_plan, hull_programme
from carbonsim.market.enterprise_programme import tiled_programme
from carbonsim.market.enterprise_replies import Replies
from carbonsim.solving import LoadedProgramme, solve_mixed_integer

YEARS = (2026, 2027, 2028, 2029, 2030)
BASELINE = (2354257, 8412021, 460537, 3218989, 8502024)
COST = ((42, 140, 70), (240, 251, 204), (223, 294, 61), (161, 71, 180), (226, 269, 107))


def falling(firms: int, **more: Any) -> MarketProblem:
    """Allocation falls by 1 % of the baseline a year; three options of 5 % each; kept: 10 000 t and 1.5 times sales."""
    rule = {"year": 2027, "counting": [2026, 2027], "base": 10000, "multiple": 1.5}
    return MarketProblem.from_mapping(
        {
            "year": list(YEARS),
            "interest": 0.04,
            "enterprises": {
                f"f{e}": {"baseline": size, "fixed": [round(size * (1 - 0.01 * y)) for y in range(len(YEARS))]}
                for e, size in enumerate(BASELINE[:firms])
            },
            "options": {
                f"f{e}/{k}": {"enterprise": f"f{e}", "potential": int(0.05 * BASELINE[e]), "unit_cost": COST[e][k]}
                for e in range(firms)
                for k in range(3)
            },
            "instruments": {"banking": {}, "carry_over_limit": rule, **more},
        }
    )


@pytest.mark.parametrize("firms", [3, 5])
def test_supporting_prices_lie_among_those_of_the_plan_with_its_decisions_fixed(firms: int) -> None:
    found = clear(falling(firms, offsets={"price": 80, "share_limit": 0.05})).dataset
    # A price that supports the whole plan supports it with its decisions fixed: where that is one price, they are it.
    price = found.allowance_price.values
    assert found.price_high.values == pytest.approx(found.price_low.values, rel=1e-9)
    for name in ("hull_price", "supporting_low", "supporting_high"):
        assert found[name].values == pytest.approx(price, rel=1e-9)
    assert found.uplift.values == pytest.approx(np.zeros(firms))


def test_market_that_no_price_supports_has_its_hull_price_and_no_supporting_one() -> None:
    problem = falling(5)
    found = clear(problem)
    assert found.certificate.passed
    assert np.isfinite(found.dataset.hull_price.values).all()
    assert np.isnan(found.dataset.supporting_low.values).all()
    # At the hull price the losses are least in all, so at the published price they are no less than there.
    tiled = tiled_programme(EnterpriseData(problem))
    hull = hull_programme(Replies(tiled))
    assert hull is not None
    plan, mixed = best_plan(tiled.programme, hull), LoadedProgramme(hull.programme).solve()
    assert plan is not None
    assert mixed is not None
    gap = (plan.objective - mixed.objective) * EnterpriseData(problem).scale
    assert 0 < gap <= found.dataset.uplift.values.sum() * (1 + 1e-9)


@pytest.mark.parametrize("firms", [2, 3, 4])
def test_both_programmes_of_the_hull_have_the_same_bound_and_the_plan_is_the_best_of_all(firms: int) -> None:
    problem = falling(firms)
    data = EnterpriseData(problem)
    tiled = tiled_programme(data)
    hull = hull_programme(Replies(tiled))
    assert hull is not None
    mixed, plan, plain = LoadedProgramme(hull.programme).solve(), best_plan(tiled.programme, hull), None
    plain = solve_mixed_integer(tiled.programme)
    assert mixed is not None
    assert plan is not None
    assert plain is not None
    assert plan.objective == pytest.approx(plain.objective, rel=1e-8)
    own = own_programmes(problem, data.opening, np.ones(problem.baseline.shape, dtype=bool))
    assert few_choices(own)
    other = DualHull(own, problem.supply / own[0].unit, [], 1e6)
    assert other.bound() * own[0].unit == pytest.approx(mixed.objective * data.scale, rel=1e-9)
    assert other.value(other.end(np.ones(len(YEARS)))) == pytest.approx(other.bound(), rel=1e-7)


def test_best_reply_stays_within_reach_and_trade_that_pays_without_end_is_found() -> None:
    problem = falling(3)
    own = own_programmes(problem, np.zeros(3), np.ones(problem.baseline.shape, dtype=bool))[0]
    flat = np.full(len(YEARS), 60.0)
    least, trade, spent = own.best(flat)
    assert np.abs(trade).max() <= 8 * own.most
    assert least == pytest.approx(spent + 60.0 * trade.sum())
    # At a flat present price the year of a trade is all the same: it pays 60 for what it lacks in all, and gains
    # 60 - c / 1.04^y on each tonne of an option that costs less than that.
    lacking = 2354257 * 5 - sum(round(2354257 * (1 - 0.01 * y)) for y in range(5))
    cheap = sum(min(c / 1.04**y, 60.0) - 60.0 for y in range(5) for c in (42, 140, 70)) * 117712
    assert least * own.unit == pytest.approx(60.0 * lacking + cheap, rel=1e-9)
    # After 2028 everything may be kept: what is dearer in 2030 than in 2029 is bought and sold without end.
    assert own.best(np.array([60.0, 60.0, 60.0, 60.0, 61.0]))[0] == -np.inf


def test_enterprise_without_columns_pays_nothing() -> None:
    own = OwnProgramme(falling(3), 0, 1.0, 1.0)
    assert own.best(np.ones(len(YEARS)))[0] == 0.0
    short = OwnProgramme(falling(3), 0, 1.0, 1.0)
    short.row({}, 1.0, np.inf)
    assert np.isnan(short.best(np.ones(len(YEARS)))[0])


def test_market_beyond_the_limit_clears_and_says_what_is_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "LARGEST_HULL", 14)
    monkeypatch.setattr(audited, "LARGEST", {True: 14, False: 14})
    found = clear(falling(3)).dataset
    assert np.isnan(found.hull_price.values).all()
    assert np.isfinite(found.allowance_price.values).all()
    assert np.isfinite(found.uplift.values).all()
    assert "15 enterprise-years are more than 14" in found.attrs["supporting_rule"]


def test_progress_moves_and_names_what_is_done() -> None:
    told: list[tuple[str, float]] = []
    clear(falling(2), progress=lambda stage, part: told.append((stage, part)))
    stages, parts = [stage for stage, _ in told], [part for _, part in told]
    assert parts == sorted(set(parts))
    assert len(set(stages)) == len(stages) >= 4
    assert any("decisions" in stage for stage in stages)
