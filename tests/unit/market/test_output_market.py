"""Output response: standards, caps, rebates and their signs, by hand or by an independent method."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from carbonsim.errors import InfeasibleError, InputError
from carbonsim.market import output_audit
from carbonsim.market.output_market import OutputMarket, clear_output
from carbonsim.market.output_problem import OutputProblem
from carbonsim.market.output_stringency import match_emissions
from corruption import missed

# Case D: a coal-like and a gas-like producer of one good; cutting intensity by a costs k a^2 / 2 for each unit.
CASE_D: dict[str, Any] = {
    "base_intensity": [0.95, 0.4],
    "unit_cost": [20.0, 38.0],
    "supply_slope": [0.02, 0.03],
    "abatement_curvature": [400.0, 600.0],
}
NO_POLICY_EMISSIONS = 1290.6451612903227
TARGET = 0.8 * NO_POLICY_EMISSIONS


def two_producers(pool: dict[str, Any], *, year: int = 2025, **changes: Any) -> OutputProblem:
    firms = {
        name: {
            "good": "power",
            "pool": "national",
            "intensity": CASE_D["base_intensity"][i],
            **{key: CASE_D[key][i] for key in ("unit_cost", "supply_slope", "abatement_curvature")},
        }
        for i, name in enumerate(("coal", "gas"))
    }
    return OutputProblem.from_mapping(
        {
            "year": [year],
            "goods": {"power": {"intercept": 120.0, "slope": 0.05}},
            "producers": firms,
            "pools": {"national": pool},
            **changes,
        }
    )


def number(market: OutputMarket, name: str) -> float:
    return float(market.dataset[name].values.reshape(-1)[0])


def test_case_d_without_policy() -> None:
    data = clear_output(two_producers({"policy": "none"})).dataset
    assert data.good_price.item() == pytest.approx(45.16129032258065, rel=1e-12)
    assert data.output.values[:, 0] == pytest.approx([1258.0645161290324, 238.70967741935493], rel=1e-12)
    assert data.home_emissions.item() == pytest.approx(NO_POLICY_EMISSIONS, rel=1e-12)
    assert data.welfare.item() == pytest.approx(72690.32258064518, rel=1e-12)


def test_case_d_cap_and_trade() -> None:
    data = clear_output(two_producers({"policy": "cap", "cap": TARGET})).dataset
    assert data.allowance_price.item() == pytest.approx(14.811540038033558, rel=1e-9)
    assert data.good_price.item() == pytest.approx(53.68932314484518, rel=1e-9)
    assert data.output.values[:, 0] == pytest.approx([994.6293628293073, 331.58417427378856], rel=1e-9)
    assert data.intensity_cut.values[:, 0] == pytest.approx([0.037028850095083894, 0.024685900063389263], rel=1e-9)
    assert data.welfare.item() == pytest.approx(70806.30929841913, rel=1e-9)
    assert data.policy_cost.item() == pytest.approx(1884.0132822260493, rel=1e-8)


def test_case_d_standard_at_equal_emissions() -> None:
    problem = match_emissions(two_producers({"policy": "standard", "benchmark": 1.0}), "national", TARGET)
    # The published answer was itself searched, to about 1e-10 in its balance.
    assert problem.benchmark[:, 0] == pytest.approx([0.6915623338296877] * 2, rel=1e-8)
    data = clear_output(problem).dataset
    assert data.allowance_price.item() == pytest.approx(27.732784280986174, rel=1e-8)
    assert data.good_price.item() == pytest.approx(45.349019276767855, rel=1e-8)
    assert data.output.values[:, 0] == pytest.approx([957.1603692877355, 535.8592451769076], rel=1e-8)
    assert data.home_emissions.item() == pytest.approx(1032.5161290322585, rel=1e-9)
    assert data.issued.item() == pytest.approx(1032.5161290326691, rel=1e-9)
    assert data.policy_cost.item() / 1884.0132822260493 == pytest.approx(1.8544968335630778, rel=1e-7)


@pytest.mark.parametrize("kind", ["cap", "standard"])
def test_price_is_the_multiplier_of_the_convex_programme(kind: str) -> None:
    # Independent method: welfare maximised over (q, z) with z = a q by a general solver; its cost at the optimum and
    # the slope of that cost in the row's right side must be what the price search finds.
    mu, c, s, k = (np.array(CASE_D[name]) for name in CASE_D)
    beta = np.zeros(2) if kind == "cap" else np.full(2, 0.7)
    limit = TARGET if kind == "cap" else 0.0

    def loss(x: np.ndarray) -> float:
        q, z = 1e3 * x[:2], 1e3 * x[2:]
        total = q.sum()
        return -1e-5 * (120 * total - 0.025 * total**2 - c @ q - s @ q**2 / 2 - np.sum(k * z**2 / (2 * q)))

    def best(right: float) -> float:
        row = {"type": "ineq", "fun": lambda x: right / 1e3 - (mu - beta) @ x[:2] + x[2:].sum()}
        start = np.array([0.9, 0.4, 0.06, 0.02])
        found = minimize(
            loss, start, method="SLSQP", bounds=[(1e-3, None)] * 2 + [(0.0, None)] * 2, constraints=[row],
            options={"ftol": 1e-14, "maxiter": 500},
        )  # fmt: skip
        assert found.success
        return 1e5 * float(found.fun)

    pool = {"policy": "cap", "cap": TARGET} if kind == "cap" else {"policy": "standard", "benchmark": 0.7}
    data = clear_output(two_producers(pool)).dataset
    assert data.welfare.item() == pytest.approx(-best(limit), rel=1e-8)
    step = 2.0
    slope = (best(limit - step) - best(limit + step)) / (2 * step)
    assert data.allowance_price.item() == pytest.approx(slope, rel=1e-4)


def test_a_standard_raises_the_good_s_price_less_and_costs_more_at_equal_emissions() -> None:
    cap = clear_output(two_producers({"policy": "cap", "cap": TARGET}))
    standard = clear_output(
        match_emissions(two_producers({"policy": "standard", "benchmark": 0.7}), "national", TARGET)
    )
    assert number(standard, "good_price") < number(cap, "good_price")
    assert number(standard, "policy_cost") > number(cap, "policy_cost")
    assert number(standard, "allowance_price") > number(cap, "allowance_price")


def test_output_expands_under_a_standard_for_the_cleaner_than_the_benchmark() -> None:
    data = clear_output(two_producers({"policy": "standard", "benchmark": 0.7})).dataset
    # sigma p exceeds what the cleaner one pays, so its output rises; nothing of the sort under a cap of equal price.
    assert data.output.values[1, 0] > data.output_without.values[1, 0]
    assert data.rebate.values[1, 0] > data.allowance_charge.values[1, 0]


def nearly_given_output(pool: dict[str, Any], scale: float) -> OutputProblem:
    """Demand and supply so steep that output hardly moves; both doubled together with ``scale``."""
    steep = 1e6 / scale
    return OutputProblem.from_mapping(
        {
            "year": [2025],
            "goods": {"steel": {"intercept": 200.0 * 1e6 + 1e4, "slope": steep * 1.0}},
            "producers": {
                name: {"good": "steel", "pool": "p", "intensity": mu, "unit_cost": 0.0, "supply_slope": steep,
                       "abatement_curvature": k}
                for name, mu, k in (("a", 2.0, 100.0), ("b", 1.5, 50.0))
            },
            "pools": {"p": pool},
        }
    )  # fmt: skip


def test_with_given_output_a_standard_s_price_does_not_react_to_scale_and_a_cap_s_does() -> None:
    # Both make q each. Standard: sum(mu - p/k - beta) = 0 gives 3.5 - p (1/100 + 1/50) = 2 beta; beta = 1.6: p = 10.
    for scale in (1.0, 1.1):
        market = clear_output(nearly_given_output({"policy": "standard", "benchmark": 1.6}, scale))
        assert number(market, "allowance_price") == pytest.approx(10.0, rel=1e-4)
    prices = []
    for scale in (1.0, 1.1):
        output = clear_output(nearly_given_output({"policy": "none"}, scale)).dataset.output.values[0, 0]
        first = clear_output(nearly_given_output({"policy": "none"}, 1.0)).dataset.output.values[0, 0]
        cap = 3.2 * first
        market = clear_output(nearly_given_output({"policy": "cap", "cap": cap}, scale))
        prices.append(number(market, "allowance_price"))
        # 3.5 - 0.03 p = 3.2 / scale
        assert prices[-1] == pytest.approx((3.5 - 3.2 * first / output) / 0.03, rel=1e-3)
    assert prices[1] > 1.9 * prices[0]


@pytest.mark.parametrize(("slope", "supply"), [(0.05, 0.02), (0.5, 0.1), (1.0, 3.0)])
def test_linear_pass_through_is_b_over_b_plus_d(slope: float, supply: float) -> None:
    # One producer, inverse demand A - B Q, marginal cost c + d q: P = (A d + B c) / (B + d), so dP/dc = B / (B + d).
    firm = {"good": "g", "pool": "k", "intensity": 1.0, "unit_cost": 20.0, "supply_slope": supply}
    mapping = {
        "year": [2025],
        "goods": {"g": {"intercept": 100.0, "slope": slope}},
        "producers": {"one": firm},
        "pools": {"k": {"policy": "cap", "cap": 0.5 * 80.0 / (slope + supply)}},
    }
    data = clear_output(OutputProblem.from_mapping(mapping)).dataset
    assert data.pass_through.item() == pytest.approx(slope / (slope + supply), rel=1e-12)
    # Half the output is left; without abatement the price rises by B / (B + d) of the allowance price.
    rise = data.good_price.item() - data.good_price_without.item()
    assert rise == pytest.approx(slope / (slope + supply) * data.allowance_price.item(), rel=1e-9)
    assert data.allowance_price.item() == pytest.approx(40.0, rel=1e-9)  # 80 - (B + d) Q with Q halved


def test_regulated_price_rises_by_its_share_of_the_mean_allowance_cost() -> None:
    goods = {"power": {"intercept": 120.0, "slope": 0.05, "pass_through": 0.4}}
    data = clear_output(two_producers({"policy": "standard", "benchmark": 0.7}, goods=goods)).dataset
    price, q0 = data.allowance_price.item(), np.array([1258.0645161290324, 238.70967741935493])
    cost = price * (np.array([0.95, 0.4]) - price / np.array([400.0, 600.0]) - 0.7)
    assert data.good_price.item() == pytest.approx(45.16129032258065 + 0.4 * (q0 @ cost) / q0.sum(), rel=1e-10)
    assert data.quantity.item() == pytest.approx((120.0 - data.good_price.item()) / 0.05, rel=1e-10)


def test_what_a_regulated_price_does_not_pass_on_is_the_producers_loss() -> None:
    goods = {"power": {"intercept": 120.0, "slope": 0.05, "pass_through": 0.2}}
    cap = {"policy": "cap", "cap": TARGET}
    regulated, free = clear_output(two_producers(cap, goods=goods)).dataset, clear_output(two_producers(cap)).dataset
    # Least-cost dispatch supplies more at a price below its marginal cost; the output channel is all but lost.
    assert regulated.supply_price.item() > regulated.good_price.item()
    assert free.supply_price.item() == free.good_price.item()
    assert regulated.profit.values.sum() < free.profit.values.sum()
    assert regulated.allowance_price.item() > free.allowance_price.item()
    assert regulated.policy_cost.item() > free.policy_cost.item()


def test_a_rebate_inside_a_fixed_cap_raises_the_price_and_lowers_the_good_s_price() -> None:
    plain = clear_output(two_producers({"policy": "cap", "cap": TARGET}))
    rebate = clear_output(two_producers({"policy": "output_based", "cap": TARGET, "benchmark": 0.4}))
    assert number(rebate, "home_emissions") == pytest.approx(TARGET, rel=1e-9)
    assert number(rebate, "allowance_price") > number(plain, "allowance_price")
    assert number(rebate, "good_price") < number(plain, "good_price")
    # What output no longer contributes is made up by lower intensity.
    channel = [market.dataset.abatement_by_channel.values[0, :, 0] for market in (plain, rebate)]
    assert channel[1][0] > channel[0][0]
    assert channel[1][2] < channel[0][2]
    assert [part.sum() for part in channel] == pytest.approx([0.2 * NO_POLICY_EMISSIONS] * 2)
    assert number(rebate, "policy_cost") > number(plain, "policy_cost")


def test_a_rebate_meets_the_first_order_conditions_by_another_solver() -> None:
    from scipy.optimize import root

    mu, c, s, k = (np.array(CASE_D[name]) for name in CASE_D)

    def conditions(x: np.ndarray) -> np.ndarray:
        q, p = x[:2], x[2]
        a = p / k
        return np.append(
            c + s * q + k * a**2 / 2 + p * (mu - a - 0.4) - (120 - 0.05 * q.sum()), ((mu - a) @ q - TARGET)
        )

    found = root(conditions, [900.0, 400.0, 20.0], tol=1e-13)
    assert found.success
    data = clear_output(two_producers({"policy": "output_based", "cap": TARGET, "benchmark": 0.4})).dataset
    assert [*data.output.values[:, 0], data.allowance_price.item()] == pytest.approx(found.x, rel=1e-9)


def test_rebates_beyond_the_cap_are_refused_with_the_remedy() -> None:
    with pytest.raises(InfeasibleError, match=r"2025.*national.*corrected"):
        clear_output(two_producers({"policy": "output_based", "cap": TARGET, "benchmark": 0.9}))


def test_correction_factor_fits_free_allocation_into_its_budget() -> None:
    pool = {"policy": "corrected", "cap": TARGET, "free_budget": 700.0, "benchmark": 0.9}
    data = clear_output(two_producers(pool)).dataset
    assert data.factor.item() < 1
    assert data.free_by_output.values.sum() == pytest.approx(700.0, rel=1e-9)
    assert data.auctioned.item() == pytest.approx(TARGET - 700.0, rel=1e-9)
    # The same factor announced beforehand as a benchmark is the same market.
    fixed = two_producers({"policy": "output_based", "cap": TARGET, "benchmark": 0.9 * data.factor.item()})
    assert number(clear_output(fixed), "allowance_price") == pytest.approx(data.allowance_price.item(), rel=1e-8)
    ample = {"policy": "corrected", "cap": TARGET, "free_budget": 700.0, "benchmark": 0.3}
    assert number(clear_output(two_producers(ample)), "factor") == 1.0


def pools(links: list[list[str]]) -> OutputProblem:
    firm = {"intensity": 1.0, "unit_cost": 10.0, "supply_slope": 1.0, "abatement_curvature": 200.0}
    return OutputProblem.from_mapping(
        {
            "year": [2025],
            "goods": {name: {"intercept": 110.0, "slope": 1.0} for name in ("steel", "cement")},
            "producers": {
                "s": {**firm, "good": "steel", "pool": "north"},
                "c": {**firm, "good": "cement", "pool": "south"},
            },
            "pools": {"north": {"policy": "cap", "cap": 40.0}, "south": {"policy": "cap", "cap": 30.0}},
            "links": links,
        }
    )


def test_linked_pools_share_a_price_between_their_own() -> None:
    apart, linked = clear_output(pools([])).dataset, clear_output(pools([["north", "south"]])).dataset
    north, south = apart.allowance_price.values[:, 0]
    assert north < linked.allowance_price.values[0, 0] < south
    assert linked.allowance_price.values[0, 0] == linked.allowance_price.values[1, 0]
    assert linked.home_emissions.item() == pytest.approx(70.0)
    assert linked.policy_cost.item() < apart.policy_cost.item()
    # Equal producers with 35 t each: the linked price is that of one pool with a cap of 35.
    alone = dataclasses.replace(pools([]), cap=np.array([[35.0], [35.0]]))
    assert linked.allowance_price.values[0, 0] == pytest.approx(
        clear_output(alone).dataset.allowance_price.values[0, 0]
    )


def test_leakage_follows_imports_and_a_rebate_lowers_its_amount() -> None:
    def market(pool: dict[str, Any]) -> Any:
        home = {"good": "cement", "pool": "home", "intensity": 0.8, "unit_cost": 30.0, "supply_slope": 0.5}
        abroad = {"good": "cement", "foreign": True, "intensity": 1.0, "unit_cost": 40.0, "supply_slope": 1.0}
        mapping = {
            "year": [2025],
            "goods": {"cement": {"intercept": 130.0, "slope": 1.0}},
            "producers": {"home": home, "imports": abroad},
            "pools": {"home": pool},
        }
        return clear_output(OutputProblem.from_mapping(mapping)).dataset

    # By hand without policy: (130 - P) = (P - 30) / 0.5 + (P - 40) gives P = 57.5, home 55, imports 17.5.
    # Cap 36 t is home 45: 130 - P = 45 + P - 40 gives P = 62.5, imports 22.5: leakage 5 t over 8 t cut.
    cap = market({"policy": "cap", "cap": 36.0})
    assert cap.output_without.values[:, 0] == pytest.approx([55.0, 17.5])
    assert cap.good_price.item() == pytest.approx(62.5)
    assert cap.leakage.item() == pytest.approx(5.0)
    assert cap.leakage_rate.item() == pytest.approx(0.625)
    # Marginal cost 30 + 0.5 * 45 = 52.5, so an allowance for 0.8 t is worth 10: 12.5 CNY/t.
    assert cap.allowance_price.item() == pytest.approx(12.5)
    # A cap of 44 t is met without a price: nothing leaks.
    assert market({"policy": "cap", "cap": 44.0}).leakage.item() == pytest.approx(0.0, abs=1e-9)
    # Without abatement the rebate alone changes nothing but the allowance price; same output, same leakage.
    rebate = market({"policy": "output_based", "cap": 36.0, "benchmark": 0.4})
    assert rebate.leakage.item() == pytest.approx(5.0)
    assert rebate.allowance_price.item() == pytest.approx(25.0)  # 10 CNY a unit over 0.8 - 0.4 t


def test_windfall_is_allocation_value_plus_the_change_in_operating_profit() -> None:
    problem = two_producers({"policy": "cap", "cap": TARGET})
    given = dataclasses.replace(problem, free=np.array([[600.0], [400.0]]))
    auctioned, free = clear_output(problem).dataset, clear_output(given).dataset
    # A lump sum moves rents alone.
    assert free.allowance_price.item() == pytest.approx(auctioned.allowance_price.item(), rel=1e-12)
    price = free.allowance_price.item()
    assert free.windfall.values[:, 0] == pytest.approx(
        free.operating_profit_change.values[:, 0] + price * np.array([600.0, 400.0]), rel=1e-9
    )
    # The neutral share leaves profit where it was.
    neutral = auctioned.neutral_free_share.values[:, 0] * np.array([0.95, 0.4]) * auctioned.output_without.values[:, 0]
    again = clear_output(dataclasses.replace(problem, free=np.maximum(neutral, 0.0)[:, None])).dataset
    assert again.windfall.values[0, 0] == pytest.approx(0.0, abs=1e-6)
    assert auctioned.neutral_free_share.values[0, 0] < 1  # well below all emissions: costs are passed on


def test_only_self_balancing_pools_leave_the_price_undetermined() -> None:
    market = clear_output(two_producers({"policy": "self_balancing"}))
    assert np.isnan(number(market, "allowance_price"))
    assert market.dataset.price_basis.values.tolist() == [["indeterminate"]]
    assert np.isnan(number(market, "good_price"))
    assert "undetermined" in repr(market)


def test_a_standard_that_everybody_meets_exactly_leaves_the_price_undetermined() -> None:
    firms = {
        name: {"good": "g", "pool": "k", "intensity": 0.5, "unit_cost": cost, "supply_slope": 1.0}
        for name, cost in (("a", 10.0), ("b", 20.0))
    }
    mapping = {
        "year": [2025],
        "goods": {"g": {"intercept": 100.0, "slope": 1.0}},
        "producers": firms,
        "pools": {"k": {"policy": "standard", "benchmark": 0.5}},
    }
    assert clear_output(OutputProblem.from_mapping(mapping)).dataset.price_basis.item() == "indeterminate"


def test_a_self_balancing_pool_linked_to_a_cap_follows_the_cap_s_price() -> None:
    firm = {"unit_cost": 10.0, "supply_slope": 1.0, "abatement_curvature": 200.0}
    mapping = {
        "year": [2025],
        "goods": {name: {"intercept": 110.0, "slope": 1.0} for name in ("steel", "cement")},
        "producers": {
            "dirty": {**firm, "good": "steel", "pool": "steel", "intensity": 1.2},
            "clean": {**firm, "good": "steel", "pool": "steel", "intensity": 0.8},
            "kiln": {**firm, "good": "cement", "pool": "cement", "intensity": 1.0},
        },
        "pools": {"steel": {"policy": "self_balancing"}, "cement": {"policy": "cap", "cap": 40.0}},
        "links": [["steel", "cement"]],
    }
    data = clear_output(OutputProblem.from_mapping(mapping)).dataset
    alone = clear_output(pools([])).dataset  # the same kiln under the same cap of 40
    assert data.allowance_price.values[1, 0] == pytest.approx(alone.allowance_price.values[0, 0], rel=1e-9)
    assert data.net_demand.values[:2, 0].sum() == pytest.approx(0.0, abs=1e-9)
    assert data.net_demand.values[0, 0] > 0 > data.net_demand.values[1, 0]


def test_planned_transition_from_a_standard_to_an_absolute_cap() -> None:
    national = [
        {"policy": "standard", "from": 2025, "benchmark": [0.75, 0.70]},
        {"policy": "output_based", "from": 2027, "cap": 1000.0, "benchmark": 0.3},
        {"policy": "cap", "from": 2028, "cap": 950.0},
    ]
    whole = OutputProblem.from_mapping(
        {
            "year": [2025, 2026, 2027, 2028],
            "goods": {"power": {"intercept": 120.0, "slope": 0.05}},
            "producers": {
                name: {"good": "power", "pool": "national", "intensity": CASE_D["base_intensity"][i],
                       **{key: CASE_D[key][i] for key in ("unit_cost", "supply_slope", "abatement_curvature")}}
                for i, name in enumerate(("coal", "gas"))
            },
            "pools": {"national": national},
        }
    )  # fmt: skip
    assert whole.kind == (("standard", "standard", "output_based", "cap"),)
    path = clear_output(whole).dataset
    # Each year is the market of its own policy alone.
    alone = clear_output(two_producers({"policy": "standard", "benchmark": 0.7})).dataset
    assert path.allowance_price.values[0, 1] == pytest.approx(alone.allowance_price.item(), rel=1e-12)
    assert path.home_emissions.values[2:] == pytest.approx([1000.0, 950.0])
    assert "2027" in repr(whole)
    assert "2026  national" not in repr(whole)  # the benchmark is data: the row is the same maths as in 2025


@pytest.mark.parametrize(("cut", "basis", "low"), [(0.2, "interval", 20.0), (0.0, "indeterminate", 0.0)])
def test_a_price_that_nothing_bounds_is_said_to_be_an_interval(cut: float, basis: str, low: float) -> None:
    # The price of the good is fixed, so 100 - 50 = 50 units are made whatever an allowance costs. The whole cut of 0.2
    # pays from 100 * 0.2 = 20 CNY/t on, and the cap is what is then left: any higher price clears as well. Without
    # anything to cut, any price at all does.
    firm = {"good": "g", "pool": "k", "intensity": 1.0, "unit_cost": 0.0, "supply_slope": 1.0}
    mapping = {
        "year": [2025],
        "goods": {"g": {"intercept": 100.0, "slope": 1.0, "pass_through": 0.0}},
        "producers": {"one": {**firm, "abatement_curvature": 100.0, "largest_cut": cut}},
        "pools": {"k": {"policy": "cap", "cap": 50.0 * (1 - cut)}},
    }
    data = clear_output(OutputProblem.from_mapping(mapping)).dataset
    assert data.price_basis.item() == basis
    assert data.price_low.item() == pytest.approx(low, abs=1e-6)
    assert np.isnan(data.price_high.item())
    if basis == "interval":
        assert data.allowance_price.item() == pytest.approx(low, abs=1e-6)


def test_without_any_allowance_the_price_is_the_least_at_which_nothing_is_emitted() -> None:
    # Gas cuts its 0.4 t whole where p = 600 * 0.4 = 240; it then costs 38 + 600 * 0.4^2 / 2 = 86, and
    # (120 - P) / 0.05 = (P - 86) / 0.03 gives P = 98.75 and 425 units. Coal at 20 + 400 * 0.95^2 / 2 = 200.5 makes none
    # (at 240: a = 0.6, 20 + 72 + 240 * 0.35 = 176). Any higher price clears as well.
    data = clear_output(two_producers({"policy": "cap", "cap": 0.0})).dataset
    assert data.price_basis.item() == "interval"
    assert data.allowance_price.item() == pytest.approx(240.0, rel=1e-12)
    assert data.price_low.item() == data.allowance_price.item()
    assert np.isnan(data.price_high.item())
    assert data.good_price.item() == pytest.approx(98.75, rel=1e-12)
    assert data.output.values[:, 0] == pytest.approx([0.0, 425.0], rel=1e-12)
    assert not data.emissions.values.any()


def test_a_cap_of_zero_where_nothing_can_be_cut_stops_output() -> None:
    # 120 is the most that anybody pays: coal at 20 + 0.95 p and gas at 38 + 0.4 p stop at p = 82 / 0.4 = 205.
    firms = {
        name: {"good": "power", "pool": "national", "intensity": intensity, "unit_cost": cost, "supply_slope": 0.02}
        for name, intensity, cost in (("coal", 0.95, 20.0), ("gas", 0.4, 38.0))
    }
    data = clear_output(two_producers({"policy": "cap", "cap": 0.0}, producers=firms)).dataset
    assert data.price_low.item() == pytest.approx(205.0, rel=1e-9)
    assert not data.output.values.any()


@pytest.mark.parametrize("below", [0.0, 1e-15, 1e-13])
def test_a_cap_at_the_emissions_without_policy_has_one_price_and_it_is_0(below: float) -> None:
    data = clear_output(two_producers({"policy": "cap", "cap": NO_POLICY_EMISSIONS * (1 - below)})).dataset
    assert data.price_basis.item() == "ample"
    assert [data[name].item() for name in ("price_low", "allowance_price", "price_high")] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("below", [1e-6, 1e-8, 1e-10])
def test_a_cap_just_below_the_emissions_without_policy_has_one_price(below: float) -> None:
    # Close to no price emissions fall in proportion to it, so that the price is in proportion to what is missing.
    size = 1e-4
    prices = [
        clear_output(two_producers({"policy": "cap", "cap": NO_POLICY_EMISSIONS * (1 - gap)})).dataset
        for gap in (size, below)
    ]
    assert prices[1].price_basis.item() == "market"
    assert prices[1].price_low.item() == prices[1].price_high.item()
    assert prices[1].allowance_price.item() / prices[0].allowance_price.item() == pytest.approx(below / size, rel=1e-4)


def test_infeasible_cap_names_year_pool_and_tonnes() -> None:
    goods = {"power": {"intercept": 120.0, "slope": 0.05, "pass_through": 0.0}}
    firms = {"coal": {"good": "power", "pool": "national", "intensity": 0.9, "unit_cost": 20.0, "supply_slope": 0.02}}
    problem = two_producers({"policy": "cap", "cap": 10.0}, goods=goods, producers=firms)
    with pytest.raises(InfeasibleError, match=r"2025.*national.*t are still missing"):
        clear_output(problem)


@pytest.mark.parametrize(
    ("pool", "message"),
    [
        ({"policy": "cap"}, "expected a cap"),
        ({"policy": "cap", "cap": 10, "benchmark": 0.5}, "no benchmark"),
        ({"policy": "standard"}, "benchmark is missing"),
        ({"policy": "standrad", "benchmark": 1}, "Did you mean 'standard'"),
        ({"policy": "corrected", "cap": 10, "benchmark": 1}, "free_budget"),
    ],
)
def test_policies_say_what_they_lack(pool: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        two_producers(pool)


def every_kind() -> dict[str, OutputProblem]:
    home = {"good": "power", "pool": "national", "abatement_curvature": 300.0, "supply_slope": 0.02}
    firms = {
        "coal": {**home, "intensity": 0.95, "unit_cost": 20.0},
        "gas": {**home, "intensity": 0.4, "unit_cost": 38.0},
        "imports": {"good": "power", "foreign": True, "intensity": 0.6, "unit_cost": 42.0, "supply_slope": 0.1},
    }
    regulated = {"power": {"intercept": 120.0, "slope": 0.05, "pass_through": 0.5}}
    given = {**firms, "coal": {**firms["coal"], "free": 300.0}}
    found = {
        "cap": two_producers({"policy": "cap", "cap": 900.0}, producers=given),
        "ample": two_producers({"policy": "cap", "cap": 5000.0}, producers=firms),
        "standard": two_producers({"policy": "standard", "benchmark": 0.7}, producers=firms),
        "rebate": two_producers({"policy": "output_based", "cap": 900.0, "benchmark": 0.3}, producers=firms),
        "corrected": two_producers(
            {"policy": "corrected", "cap": 900.0, "free_budget": 600.0, "benchmark": 0.8}, producers=firms
        ),
        "regulated": two_producers({"policy": "standard", "benchmark": 0.7}, producers=firms, goods=regulated),
        "linked": pools([["north", "south"]]),
        "apart": pools([]),
        "undetermined": two_producers({"policy": "self_balancing"}, producers=firms),
    }  # fmt: skip
    return found


@pytest.mark.parametrize("name", list(every_kind()))
def test_every_corrupted_number_fails_a_named_line(name: str) -> None:
    problem = every_kind()[name]
    assert missed(clear_output(problem).dataset, partial(output_audit.output_lines, problem)) == []


def test_scale_of_tonnes_and_goods_leaves_prices() -> None:
    base = clear_output(every_kind()["corrected"]).dataset
    problem = every_kind()["corrected"]
    big = dataclasses.replace(
        problem, slope=problem.slope / 1e3, supply_slope=problem.supply_slope / 1e3, cap=problem.cap * 1e3,
        free_budget=problem.free_budget * 1e3,
    )  # fmt: skip
    again = clear_output(big).dataset
    assert again.allowance_price.values == pytest.approx(base.allowance_price.values, rel=1e-9)
    assert again.good_price.values == pytest.approx(base.good_price.values, rel=1e-9)
    assert again.home_emissions.values == pytest.approx(1e3 * base.home_emissions.values, rel=1e-9)


def test_a_demand_elasticity_at_a_reference_point_gives_the_line() -> None:
    # 50 CNY at 100 units, elasticity 0.5: slope 50 / (0.5 * 100) = 1, intercept 150; supply 0.5 q passes through it.
    mapping = {
        "year": [2025],
        "goods": {"g": {"reference_price": 50.0, "reference_quantity": 100.0, "elasticity": 0.5}},
        "producers": {"one": {"good": "g", "intensity": 1.0, "unit_cost": 0.0, "supply_slope": 0.5}},
    }
    problem = OutputProblem.from_mapping(mapping)
    assert (problem.intercept.item(), problem.slope.item()) == (150.0, 1.0)
    assert clear_output(problem).dataset.quantity.item() == pytest.approx(100.0)


@pytest.mark.parametrize("kind", ["cap", "standard", "output_based", "corrected"])
def test_unlinked_pools_of_one_good_settle_together_as_another_solver_finds(kind: str) -> None:
    # Both producers sell the same power in pools of their own: each pool's price moves the other's output.
    from scipy.optimize import root

    mu, c, s, k = (np.array(CASE_D[name]) for name in CASE_D)
    second: dict[str, Any] = {
        "cap": {"policy": "cap", "cap": 80.0},
        "standard": {"policy": "standard", "benchmark": 0.37},
        "output_based": {"policy": "output_based", "cap": 80.0, "benchmark": 0.1},
        "corrected": {"policy": "corrected", "cap": 80.0, "free_budget": 20.0, "benchmark": 0.3},
    }[kind]

    def conditions(x: np.ndarray) -> np.ndarray:
        q, p = x[:2], x[2:]
        a = p / k
        free = {"cap": 0.0, "standard": 0.37, "output_based": 0.1, "corrected": 20.0 / q[1]}[kind]
        unit = c + s * q + k * a**2 / 2 + p * (mu - a - np.array([0.0, free]))
        balance = (mu - a) * q - np.array([900.0, 0.37 * q[1] if kind == "standard" else 80.0])
        return np.append(unit - (120 - 0.05 * q.sum()), balance)

    found = root(conditions, [1000.0, 220.0, 15.0, 15.0], tol=1e-13)
    assert found.success
    problem = two_producers({"policy": "none"})
    firms = {
        name: {
            "good": "power",
            "pool": pool,
            "intensity": mu[i],
            "unit_cost": c[i],
            "supply_slope": s[i],
            "abatement_curvature": k[i],
        }
        for i, (name, pool) in enumerate(zip(problem.producer, ("first", "second"), strict=True))
    }
    pools = {"first": {"policy": "cap", "cap": 900.0}, "second": second}
    data = clear_output(two_producers({}, producers=firms, pools=pools)).dataset
    assert data.output.values[:, 0] == pytest.approx(found.x[:2], rel=1e-8)
    assert data.allowance_price.values[:, 0] == pytest.approx(found.x[2:], rel=1e-8)
