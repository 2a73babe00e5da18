"""Small markets whose every published number is corrupted: each engine, instrument, concept, supply rule and kind.

The cases are found through the registries: what is registered without a case here fails ``test_corruption``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from builders import beside, collared_market, linear_market, market, one_of_each
from carbonsim.market import Instrument, Market, MarketProblem, audit, clear, instruments
from carbonsim.market.auction import Auction, Bid, hold_auction
from carbonsim.market.audit_auction import audit_auction
from carbonsim.market.audit_desk import audit_desk
from carbonsim.market.audit_dominant import audit_dominant
from carbonsim.market.audit_foresight import audit_foresight
from carbonsim.market.audit_lagged import audit_lagged
from carbonsim.market.audit_linked import audit_linked
from carbonsim.market.audit_lumpy import audit_lumpy
from carbonsim.market.audit_tree import audit_tree
from carbonsim.market.clear import ENGINES
from carbonsim.market.concept import concepts
from carbonsim.market.concepts.dominant_enterprise import DominantEnterprise
from carbonsim.market.concepts.lagged_allocation import LaggedAllocation
from carbonsim.market.concepts.rolling_horizon import RollingHorizon
from carbonsim.market.concepts.rule_driven_supply import RuleDrivenSupply
from carbonsim.market.concepts.scenario_tree import ScenarioTree
from carbonsim.market.concepts.year_by_year import YearByYear
from carbonsim.market.desk import Desk, plan_desk
from carbonsim.market.foresight import Foresight, decide, known_policies, realised_dataset
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.linked import Gate, LinkedMarkets, clear_linked
from carbonsim.market.output_audit import audit_output
from carbonsim.market.output_market import clear_output
from carbonsim.market.output_problem import OutputProblem
from carbonsim.market.plans import Plans
from carbonsim.market.problem_kind import problem_kinds
from carbonsim.market.supply import EngineName
from carbonsim.market.supply_rule import supply_rules
from corruption import Audit

Subject = tuple[xr.Dataset, Audit]
Make = Callable[[], Subject]
SUPPLY = (110.0, 100.0)


@dataclass(frozen=True, slots=True)
class Case:
    """One market: the section of the table it stands in, its name there, and how it is cleared and audited."""

    section: str
    name: str
    make: Make


def plain(problem: MarketProblem, engine: EngineName) -> Subject:
    """A market cleared by an engine."""
    return clear(problem, engine=engine).dataset, lambda seen: audit(problem, seen)


def market_with(name: str) -> MarketProblem:
    """The market of an instrument and what it cannot stand without."""
    return market(*beside(name), one_of_each()[name], supply=SUPPLY)


def engine_cases() -> list[Case]:
    """Every engine with every instrument it does not refuse, and with rules that need best responses."""
    found = [
        Case(engine, name, lambda name=name, engine=engine: plain(market_with(name), engine))  # type: ignore[misc]
        for engine in ENGINES
        for name in instruments
        if not any(tool.refused_by(engine) for tool in (*beside(name), one_of_each()[name]))
    ]
    rules = collared_market(instruments=(Banking(),))
    given = market(*beside("offsets"), one_of_each()["offsets"], given_price=np.array([30.0, 40.0]))
    linear = linear_market((2.0, 1.0), (20.0, 20.0), 22.0)
    return [
        *found,
        *(Case(engine, "linear_mac", lambda engine=engine: plain(linear, engine)) for engine in ENGINES),  # type: ignore[misc]
        Case("best_response", "best_response_rules", lambda: plain(rules, "best_response")),
        Case("given_price", "offsets", lambda: (clear(given).dataset, lambda seen: audit(given, seen))),
    ]


def sector(supply: tuple[float, ...], **changes: object) -> MarketProblem:
    """One enterprise of 100 t a year whose marginal cost is its abatement in tonnes, with banking."""
    problem = {
        "year": list(range(2025, 2025 + len(supply))),
        "supply": list(supply),
        "enterprises": {"sector": {"baseline": 100.0}},
        "options": {"sector/cut": {"enterprise": "sector", "potential": 100.0, "unit_cost": 0.0, "slope": 1.0}},
        "instruments": {"banking": {}},
    }
    return MarketProblem.from_mapping({**problem, **changes})


def steps_and_bank(years: int, supply: tuple[float, ...]) -> MarketProblem:
    """Steps of supply of every kind that the concepts over time hold, with a bank and a debt that is allowed."""
    names = ("auction_floor", "reserve_tier", "offsets", "price_ceiling")
    tools: list[Instrument] = [Banking(borrowing=5.0)]
    tools += [dataclasses.replace(one_of_each()[name], **_first(one_of_each()[name])) for name in names]  # type: ignore[type-var]
    return market(*tools, years=years, supply=supply, opening_bank=4.0)


def _first(tool: Instrument) -> dict[str, object]:
    """Arrays by year cut to their first number, so that any number of years may follow."""
    return {name: array[:1] for name, array in tool.yearly().items() if len(array) > 1}


NEWS = ({"known_from": 2026, "changes": {"supply_factor": 0.9, "instruments": {"reserve_tier": {"price": 33.0}}}},)
TREE: Mapping[str, Mapping[str, object]] = {
    "now": {"years": 2025},
    "up": {"parent": "now", "probability": 0.4, "years": 2026,
           "changes": {"supply": 50.0, "instruments": {"price_ceiling": {"price": 52.0}}}},
    "down": {"parent": "now", "probability": 0.6, "years": 2026, "changes": {"unit_cost_factor": 0.5}},
}  # fmt: skip


def windows(problem: MarketProblem, foresight: Foresight, name: str) -> Subject:
    """A path of windows, with the decisions that its audit needs besides what is published."""
    dataset = clear(problem, concept=_foresight_concept(foresight, name)).dataset
    known = known_policies(problem, foresight.announcements)
    decisions = decide(known, foresight, name, "auto", None)
    return dataset, lambda seen: audit_foresight(problem, foresight, decisions, seen)
