"""The formulation of every instrument, as text that a reader can check."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from builders import beside, linear_market, market, one_of_each
from carbonsim.market import instruments
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.instruments.compliance_periods import CompliancePeriods
from carbonsim.market.instruments.penalty import Penalty
from carbonsim.market.instruments.reserve_tier import ReserveTier
from carbonsim.market.instruments.terminal_bank import TerminalBank
from carbonsim.market.instruments.vintages import Vintages
from carbonsim.market.programme import build_programme, formulation
from carbonsim.solving import write_lp

Golden = Callable[[str, str], None]


@pytest.mark.parametrize("name", sorted(one_of_each()))
def test_programme_of_one_instrument(name: str, golden: Golden) -> None:
    golden(f"{name}.lp", write_lp(formulation(market(*beside(name), one_of_each()[name]))))


def test_programme_without_instruments(golden: Golden) -> None:
    golden("none.lp", write_lp(build_programme(market()).model))


def test_programme_with_make_good(golden: Golden) -> None:
    golden("penalty_make_good.lp", write_lp(build_programme(market(Penalty(price=60.0, make_good=True))).model))


def test_programme_with_linear_macs(golden: Golden) -> None:
    golden("linear_mac.lp", write_lp(build_programme(linear_market((2.0, 1.0), (20.0, 20.0), 22.0)).model))


def test_programme_with_offsets_by_quantity(golden: Golden) -> None:
    from carbonsim.market.instruments.offsets import Offsets

    golden("offsets_quantity.lp", write_lp(build_programme(market(Offsets(price=[30.0, np.nan], quantity=9.0))).model))


def test_programme_with_interest_on_borrowing(golden: Golden) -> None:
    banking = Banking(borrowing=[20.0, 30.0, 0.0], borrowing_interest=0.1)
    golden("banking_interest.lp", write_lp(build_programme(market(banking, years=3, supply=100.0)).model))


def test_programme_with_a_period_inside_banking(golden: Golden) -> None:
    declared = (Banking(borrowing=20.0), CompliancePeriods(ends=(2026, 2028)))
    golden("compliance_periods_banking.lp", write_lp(build_programme(market(*declared, years=4, supply=100.0)).model))


def test_programme_with_a_worth_of_what_is_left(golden: Golden) -> None:
    declared = (Banking(), TerminalBank(value=21.0))
    golden("terminal_bank_value.lp", write_lp(build_programme(market(*declared)).model))


def test_programme_with_vintages_of_an_opening_bank_and_early_use(golden: Golden) -> None:
    # Half of each tonne of emissions is given free, so what is issued moves with abatement; a reserve tier is issued.
    declared = (Vintages(life=1, early=1, opening=2024), ReserveTier(price=35.0, quantity=12.0))
    problem = market(*declared, years=3, supply=60.0, opening_bank=10.0, per_emission=np.full((2, 3), 0.5))
    golden("vintages_early.lp", write_lp(build_programme(problem).model))


def test_programme_on_a_scenario_tree(golden: Golden) -> None:
    from carbonsim.market.tree import tree_states
    from carbonsim.market.tree_programme import tree_problem

    nodes: dict[str, dict[str, object]] = {
        "now": {"years": 2025},
        "up": {"parent": "now", "probability": 0.25, "years": 2026, "changes": {"supply": 70}},
        "down": {"parent": "now", "probability": 0.75, "years": 2026, "changes": {"supply": 90}},
    }
    problem = market(*(one_of_each()[name] for name in ("banking", "auction_floor", "offsets")))
    golden("scenario_tree.lp", write_lp(build_programme(tree_problem(problem, tree_states(problem, nodes))).model))


def test_every_registered_instrument_has_a_golden_file() -> None:
    assert set(instruments) == set(one_of_each())
