"""One enterprise that knows how its own trade moves the price, against all others who take the price as given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from carbonsim.errors import InputError, Said, chinese_of, did_you_mean
from carbonsim.market.audit_dominant import audit_dominant
from carbonsim.market.certificate import check_certificate
from carbonsim.market.concept import Concept, concepts
from carbonsim.market.fringe import Best, best_position, fixed_leader
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.problem import MarketProblem

if TYPE_CHECKING:
    from carbonsim.market.clear import Engine, Market


@concepts.register("dominant_enterprise")
@dataclass(frozen=True, slots=True)
class DominantEnterprise(Concept):
    r"""A dominant enterprise chooses how much to trade, knowing the price at which the others supply or take it.

    .. math::
        :label: dominant-enterprise

        \min_{n_L} \; C_L\big(a(n_L)\big) + P(n_L)\, n_L, \qquad
        P(n_L) \in \{p : \text{fringe clears with net purchases } n_L \text{ of the leader}\}

    so that :math:`MAC_L = P + P' n_L` inside (Hahn 1984): a seller abates less than the price is worth and keeps the
    price up, a buyer abates more and keeps it down; it is efficient only if the free allocation equals the leader's
    competitive emissions. Allowances that the leader neither needs nor sells are withheld. Years are independent, so
    a problem with banking is refused. Where the others' supply is a staircase the price at a corner is an interval;
    the leader gets the end it likes, which quantities next to the corner come arbitrarily close to.

    Parameters
    ----------
    enterprise : str
        Name of the leader.
    """

    enterprise: str

    def clear(self, problem: MarketProblem, engine: Engine, progress: Callable[[str, float], None] | None) -> Market:
        """The market in which the leader's trade is its best in every year.

        Raises
        ------
        InputError
            If the leader is unknown, or the problem holds banking, best-response rules, a given price, offsets limited
            by obligations or another instrument that the others' supply curve cannot hold.
        """
        from carbonsim.market.clear import Market, clear

        leader = self._checked(problem)
        best = [best_position(problem, leader, y) for y in range(len(problem.year))]
        position = np.array([one.position for one in best])
        fringe = clear(fixed_leader(problem, leader, position), engine, progress)
        competitive = clear(problem, engine)
        dataset = _dataset(problem, leader, best, fringe.dataset, competitive.dataset)
        certificate = audit_dominant(problem, leader, dataset)
        check_certificate(certificate)
        reason = Said(
            f"enterprise {self.enterprise} moves the price with its own trade; the others take the price as given",
            f"企业 {self.enterprise} 以自身交易左右价格，其他企业视价格为给定",
        )
        return Market(dataset, fringe.engine, reason, certificate)

    def _checked(self, problem: MarketProblem) -> int:
        if self.enterprise not in problem.enterprise:
            hint, meant = (did_you_mean(self.enterprise, problem.enterprise, lang) for lang in ("en", "zh"))
            raise InputError(
                f"concept dominant_enterprise: there is no enterprise '{self.enterprise}'. {hint}".strip(),
                (f"均衡概念 dominant_enterprise：没有企业 '{self.enterprise}'。{meant}").strip(),
            )
        years = problem.year
        held = [
            one.label
            for one in problem.instruments
            if isinstance(one, Banking) or not one.supply_steps(years) or one.refused_by("best_response")
        ]
        held += [step.name for step in problem.steps if step.obligation_share is not None or step.owed_next is not None]
        if problem.responses or problem.given_price is not None:
            held.append(Said("a best-response rule or a given price", "最优响应规则或给定价格"))
        if held:
            raise InputError(
                f"concept dominant_enterprise cannot hold {', '.join(sorted(set(held)))}: the others' supply must be a "
                "curve of each year alone. Leave it out, or clear the market without the concept.",
                f"均衡概念 dominant_enterprise 不能处理 {'、'.join(map(chinese_of, sorted(set(held))))}："
                "其他企业的供给须是只取决于当年的曲线。请删去该项，或不用该概念出清。",
            )
        leader = problem.enterprise.index(self.enterprise)
        if np.any(problem.share[leader] * (1 - problem.per_emission[leader]) <= 0):
            raise InputError(
                f"concept dominant_enterprise: {self.enterprise} pays for none of its emissions in some year (share or "
                "1 - per_emission is not positive), so it has no trade to choose.",
                f"均衡概念 dominant_enterprise：{self.enterprise} 在某年不为任何排放付费（share 或 1 - per_emission "
                "不为正），因而没有可选择的交易。",
            )
        if np.any(problem.per_emission > 1):
            raise InputError(
                "concept dominant_enterprise: per_emission above 1 makes some enterprise gain by emitting; the others' "
                "supply is then no rising curve. Clear the market without the concept.",
                "均衡概念 dominant_enterprise：per_emission 大于 1 使某些企业因排放而获益，"
                "其他企业的供给便不是上升曲线。"
                "请不用该概念出清。",
            )
        return leader


def _dataset(
    problem: MarketProblem, leader: int, best: list[Best], fringe: xr.Dataset, competitive: xr.Dataset
) -> xr.Dataset:
    """The fringe's market with the leader's own rows, and what the competitive market would have been."""
    dataset = fringe.copy(deep=True)
    use = np.stack([one.use for one in best], axis=1)
    mine = problem.options.enterprise == leader
    dataset["option_abatement"].values[mine] = use[mine]
    emissions = problem.baseline[leader] - use[mine].sum(axis=0)
    share = problem.share[leader]
    cost = use * (problem.options.unit_cost + 0.5 * problem.options.slope * use)
    rows = {
        "abatement": use[mine].sum(axis=0),
        "covered_emissions": emissions,
        "obligation": share * emissions,
        "free_allocation": share * (problem.fixed[leader] + problem.per_emission[leader] * emissions),
        "abatement_cost": cost[mine].sum(axis=0),
        "net_purchase": np.array([one.position for one in best]),
    }
    for name, values in rows.items():
        dataset[name].values[leader] = values
    price = np.array([one.price for one in best])
    dataset["allowance_price"].values[:] = price
    money, per_tonne = {"units": "CNY"}, {"units": "CNY/tCO2e"}
    dataset["withheld"] = ("year", np.array([one.withheld for one in best]), {"units": "allowance"})
    dataset["leader_cost"] = ("year", rows["abatement_cost"] + price * rows["net_purchase"], money)
    dataset["competitive_price"] = ("year", competitive.price_low.values, per_tonne)
    dataset["competitive_leader_cost"] = (
        "year",
        competitive.abatement_cost.values[leader]
        + competitive.price_low.values * competitive.net_purchase.values[leader],
        money,
    )
    dataset["price_basis"] = ("year", np.full(len(problem.year), "dominant", dtype=object))
    return dataset.assign_attrs(concept="dominant_enterprise", leader=problem.enterprise[leader])
