"""Small markets whose every published number is corrupted: each engine, instrument, concept, supply rule and kind.

The cases are found through the registries: what is registered without a case here fails ``test_corruption``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import xarray as xr

from builders import beside, collared_market, half_an_answer, linear_market, market, one_of_each
from carbonsim.market import MarketProblem, clear, instruments
from carbonsim.market.auction import Auction, Bid, hold_auction
from carbonsim.market.audit_auction import audit_auction
from carbonsim.market.audit_desk import audit_desk
from carbonsim.market.audit_dominant import ask_oracle, audit_dominant
from carbonsim.market.audit_foresight import path_lines
from carbonsim.market.audit_lagged import audit_lagged
from carbonsim.market.audit_linked import audit_linked
from carbonsim.market.audit_lumpy import lumpy_lines
from carbonsim.market.audit_tree import tree_lines
from carbonsim.market.certificate import Certificate, audit_lines
from carbonsim.market.clear import ENGINES
from carbonsim.market.concept import Concept
from carbonsim.market.concepts.dominant_enterprise import DominantEnterprise
from carbonsim.market.concepts.lagged_allocation import LaggedAllocation
from carbonsim.market.concepts.rolling_horizon import RollingHorizon
from carbonsim.market.concepts.rule_driven_supply import RuleDrivenSupply
from carbonsim.market.concepts.scenario_tree import ScenarioTree
from carbonsim.market.concepts.year_by_year import YearByYear
from carbonsim.market.desk import Desk, plan_desk
from carbonsim.market.foresight import Foresight, decide, known_policies
from carbonsim.market.linked import Gate, LinkedMarkets, clear_linked
from carbonsim.market.output_audit import output_lines
from carbonsim.market.output_market import clear_output
from carbonsim.market.output_problem import OutputProblem
from carbonsim.market.plans import Plans
from carbonsim.market.supply import EngineName
from corruption import Audit, Corruption, corrupt

Subject = tuple[xr.Dataset, Audit]
SUPPLY = (130.0, 100.0)  # the bank is used: 5 t are carried into 2026


@dataclass(frozen=True, slots=True)
class Case:
    """One market: the section of the table it stands in, what it is a case of, and how it is cleared and audited."""

    section: str
    name: str
    make: Callable[[], Subject]


@cache
def rows(case: Case) -> tuple[Corruption, ...]:
    """All corruptions of a case, made once."""
    return tuple(corrupt(*case.make()))


def cases() -> dict[str, Case]:
    """Every case by "section/name"."""
    found = [*engine_cases(), *concept_cases(), *kind_cases()]
    return {f"{case.section}/{case.name}": case for case in found}


def plain(make: Callable[[], MarketProblem], engine: EngineName) -> Subject:
    """A market cleared by an engine."""
    problem = make()
    return clear(problem, engine=engine).dataset, partial(audit_lines, problem)


def market_with(name: str) -> MarketProblem:
    """The market of an instrument and what it cannot stand without."""
    return market(*beside(name), one_of_each()[name], supply=SUPPLY)


def engine_cases() -> list[Case]:
    """Every engine with every instrument that it does not refuse, with linear MACs, and with best-response rules."""
    found = [
        Case(engine, name, partial(plain, partial(market_with, name), engine))
        for engine in ENGINES
        for name in instruments
        if not any(tool.refused_by(engine) for tool in (*beside(name), one_of_each()[name]))
    ]
    linear = partial(linear_market, (2.0, 1.0), (20.0, 20.0), 22.0)
    return [
        *found,
        *(Case(engine, "linear_mac", partial(plain, linear, engine)) for engine in ENGINES),
        Case("best_response", "collared_intensity", partial(plain, collared_market, "best_response")),
        Case("best_response", "capped_obligation", partial(plain, half_an_answer, "best_response")),
        Case("given_price", "offsets", given_price),
    ]


def given_price() -> Subject:
    """Enterprises that answer a price path."""
    problem = market(one_of_each()["offsets"], given_price=np.array([30.0, 40.0]))
    return clear(problem).dataset, partial(audit_lines, problem)


def sector(supply: tuple[float, ...], **changes: object) -> MarketProblem:
    """One enterprise of 100 t a year whose marginal cost is its abatement in tonnes, with banking."""
    problem: dict[str, object] = {
        "year": list(range(2025, 2025 + len(supply))),
        "supply": list(supply),
        "enterprises": {"sector": {"baseline": 100.0}},
        "options": {"sector/cut": {"enterprise": "sector", "potential": 100.0, "unit_cost": 0.0, "slope": 1.0}},
        "instruments": {"banking": {}},
    }
    return MarketProblem.from_mapping({**problem, **changes})


CEILING = {"banking": {"borrowing": 5.0}, "price_ceiling": {"price": 45.0}}
NEWS = ({"known_from": 2026, "changes": {"supply_factor": 0.9, "instruments": {"price_ceiling": {"price": 40.0}}}},)
NODES: Mapping[str, Mapping[str, object]] = {
    "now": {"years": 2025},
    "up": {"parent": "now", "probability": 0.4, "years": 2026,
           "changes": {"supply": 50.0, "instruments": {"price_ceiling": {"price": 42.0}}}},
    "down": {"parent": "now", "probability": 0.6, "years": 2026, "changes": {"slope_factor": 0.5}},
}  # fmt: skip


def windows(problem: MarketProblem, concept: Concept, foresight: Foresight) -> Subject:
    """A path of windows; its audit needs the decisions besides what is published."""
    known = known_policies(problem, foresight.announcements)
    decisions = decide(known, foresight, "windows", "auto", None)
    dataset = clear(problem, concept=concept).dataset
    return dataset, lambda seen: Certificate(tuple(path_lines(problem, foresight, decisions, seen)))


def rolling() -> Subject:
    """Windows of two years, with news."""
    problem = sector((90.0, 80.0, 60.0), instruments=CEILING)
    return windows(problem, RollingHorizon(window=2, announcements=NEWS), Foresight(2, 1, NEWS))


def rolling_vintages() -> Subject:
    """Windows of two years that hand vintages on; some expire."""
    problem = sector((130.0, 110.0, 90.0, 60.0), instruments={"vintages": {"life": 2}})
    return windows(problem, RollingHorizon(window=2), Foresight(2, 1, ()))


def yearly() -> Subject:
    """Years alone, in which allowances kept are worth the last price."""
    concept = YearByYear(carry_value="last_price", first_value=5.0)
    return windows(sector((110.0, 100.0, 70.0)), concept, Foresight(1, 1, (), 5.0, constant_price=True))


def tree() -> Subject:
    """Two states after a first year."""
    problem = sector((90.0, 70.0), instruments=CEILING)
    return clear(problem, concept=ScenarioTree(nodes=NODES)).dataset, partial(tree_lines, problem, NODES)


def dominant() -> Subject:
    """A seller and a buyer, the one of them aware of its effect on the price."""
    problem = linear_market((2.0, 1.0), (20.0, 20.0), 7.0)
    problem = dataclasses.replace(problem, fixed=np.array([[15.0], [0.0]]))
    dataset = clear(problem, concept=DominantEnterprise("firm_0")).dataset
    return dataset, partial(audit_dominant, problem, 0, oracle=ask_oracle(problem, 0))


def lagged() -> Subject:
    """Half of last year's emissions free, with banking."""
    problem = sector((40.0, 20.0))
    concept = LaggedAllocation(share={"sector": 0.5}, previous={"sector": 100.0})
    share, previous = np.full((1, 2), 0.5), np.array([100.0])
    held = partial(audit_lagged, problem, share=share, previous=previous, after=np.zeros(1))
    return clear(problem, concept=concept).dataset, held


def under_rule(rule: Mapping[str, object], problem: MarketProblem) -> Subject:
    """A market whose supply a rule moves."""
    concept = RuleDrivenSupply(rule=rule, tolerance=1e-9)
    return clear(problem, "price_search", concept=concept).dataset, partial(concept.audit, problem)


TNAC: dict[str, object] = {
    "kind": "tnac_reserve", "lower": 0, "upper": 25, "rate": 0.5, "minimum_intake": 0, "release": 0,
    "smoothing_until": None, "invalid_above": None, "first_tnac_year": 2025, "months_in_first_year": 12,
    "opening_reserve": 0,
}  # fmt: skip
AUCTION = {"auction": {"kind": "auction_floor", "quantity": 50.0, "price": 20.0}}
RULES: dict[str, tuple[Mapping[str, object], Callable[[], MarketProblem]]] = {
    "tnac_reserve": ({**TNAC, "upper": 15, "smoothing_until": "continuous"}, partial(sector, (100.0, 60.0))),
    "cap_triggered": (
        {
            "kind": "cap_triggered", "earlier_bank": {2024: 9},
            "adjustments": [
                {"measured": 2024, "first": 2025, "last": 2026, "above": 1, "share": 0.5},
                {"measured": 2025, "first": 2026, "last": 2027, "above": 5, "share": 0.5},
            ],
        },
        partial(sector, (100.0, 60.0, 50.0), opening_bank=9.0),
    ),
    "price_triggered": (
        {
            "kind": "price_triggered", "upper_price": 45.0, "release": 10.0, "lower_price": 20.0, "withholding": 7.0,
            "lag": 1, "opening_reserve": 12.0, "withheld_to": "reserve", "earlier_price": {2024: 50.0},
        },
        partial(sector, (50.0, 50.0, 40.0, 90.0, 50.0), instruments={}),
    ),
    "unsold_allowances": (
        {"kind": "unsold_allowances", "acts_on": "auction", "then": "re_offer", "after": 1},
        partial(sector, (0.0, 0.0), instruments=AUCTION,
                enterprises={"sector": {"baseline": 60.0}},
                options={"sector/cut": {"enterprise": "sector", "potential": 60.0, "unit_cost": 0.0, "slope": 1.0}}),
    ),
}  # fmt: skip
CONCEPTS: dict[str, Callable[[], Subject]] = {
    "rolling_horizon": rolling, "year_by_year": yearly, "scenario_tree": tree, "dominant_enterprise": dominant,
    "lagged_allocation": lagged,
}  # fmt: skip


def concept_cases() -> list[Case]:
    """Every concept, and every supply rule under the one that holds them."""
    found = [Case("concept", name, make) for name, make in CONCEPTS.items()]
    found.append(Case("concept", "rolling_horizon_of_vintages", rolling_vintages))
    return [
        *found,
        *(Case("rule_driven_supply", name, partial(_ruled, rule, make)) for name, (rule, make) in RULES.items()),
    ]


def _ruled(rule: Mapping[str, object], make: Callable[[], MarketProblem]) -> Subject:
    return under_rule(rule, make())


def plans() -> Subject:
    """Two whole plans beside ordinary options."""
    problem = market(years=1, supply=115.0)
    lumpy = Plans(("north/kiln", "south/boiler"), np.array([0, 1]), np.array([[40.0], [30.0]]),
                  np.array([[800.0], [1200.0]]))  # fmt: skip
    problem = dataclasses.replace(problem, plans=lumpy)
    return clear(problem).dataset, partial(lumpy_lines, problem)


BIDS = (Bid("A", 50, 30), Bid("B", 45, 40), Bid("C", 45, 20), Bid("D", 30, 50), Bid("E", 20, 60), Bid("F", 12, 100))


def auction(**settings: object) -> Subject:
    """A sealed-bid auction with consigned allowances and a tie."""
    held = Auction(BIDS, consigned={"G": 20, "H": 10}, **settings)  # type: ignore[arg-type]
    return hold_auction(held).dataset, partial(audit_auction, held)


def desk() -> Subject:
    """A buyer with credits, a fee, interest and a limit on what it may carry over."""
    held = Desk(
        month=("2026-10", "2026-11", "2026-12"), obligation=100.0, opening_holdings=60.0,
        allowance_price=[50.0, 55.0, 60.0], credit_price=[np.nan, 40.0, 45.0], credit_limit=0.05, fee=0.002,
        monthly_interest=0.003,
    )  # fmt: skip
    return plan_desk(held).dataset, partial(audit_desk, held)


def linked(part: str = "") -> Subject:
    """Two markets joined by a gate with a rate and a limit: what is published of both, or of one of them."""
    west, east = linear_market((2.0, 1.0), (20.0, 20.0), 22.0), linear_market((1.0,), (30.0,), 26.0)
    problem = LinkedMarkets({"west": west, "east": east}, (Gate("ew", "east", "west", rate=0.9, limit=2.0),))
    result = clear_linked(problem)
    if not part:
        return result.dataset, lambda seen: audit_linked(problem, seen, result.markets)
    one = result.markets[part]

    def held(seen: xr.Dataset) -> Certificate:
        return audit_linked(problem, result.dataset, {**result.markets, part: dataclasses.replace(one, dataset=seen)})

    return one.dataset, held


def output(policy: Mapping[str, object]) -> Subject:
    """A good made by a home producer with dear cuts, one with few emissions, and abroad."""
    home = {"good": "power", "pool": "national", "abatement_curvature": 300.0, "supply_slope": 0.02}
    problem = OutputProblem.from_mapping({
        "year": [2025],
        "goods": {"power": {"intercept": 120.0, "slope": 0.05}},
        "producers": {
            "coal": {**home, "intensity": 0.95, "unit_cost": 20.0},
            "gas": {**home, "intensity": 0.4, "unit_cost": 38.0},
            "imports": {"good": "power", "foreign": True, "intensity": 0.6, "unit_cost": 42.0, "supply_slope": 0.1},
        },
        "pools": {"national": policy},
    })  # fmt: skip
    return clear_output(problem).dataset, partial(output_lines, problem)


KINDS: dict[str, dict[str, Callable[[], Subject]]] = {
    "market": {"plans": plans},
    "auction": {
        "pro_rata": partial(auction, supply=50, reserve_price=15.0),
        "pay_as_bid_in_lots": partial(auction, supply=50, pricing="pay_as_bid", lot=10),
    },
    "desk": {"buyer": desk},
    "linked": {"gate": linked, "gate_west": partial(linked, "west"), "gate_east": partial(linked, "east")},
    "output": {
        "cap": partial(output, {"policy": "cap", "cap": 900.0}),
        "standard": partial(output, {"policy": "standard", "benchmark": 0.7}),
        "output_based": partial(output, {"policy": "output_based", "cap": 900.0, "benchmark": 0.3}),
        "corrected": partial(output, {"policy": "corrected", "cap": 900.0, "free_budget": 600.0, "benchmark": 0.8}),
    },
}


def kind_cases() -> list[Case]:
    """Every kind of problem other than the ordinary market, and plans."""
    return [Case(kind, name, make) for kind, made in KINDS.items() for name, make in made.items()]
