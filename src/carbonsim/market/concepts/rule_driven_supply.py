"""Rule-driven supply: everybody takes as given a supply that follows by a rule from the market it makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from carbonsim.errors import chinese_of
from carbonsim.market.concept import Concept, concepts
from carbonsim.market.reserve import FixedPoint, Search, find_fixed_points
from carbonsim.market.supply_rule import SupplyRule, make_rule, offered

if TYPE_CHECKING:
    from carbonsim.market.certificate import Certificate
    from carbonsim.market.clear import Engine, Market
    from carbonsim.market.problem import MarketProblem

BY_EQUILIBRIUM = "_by_equilibrium"


@concepts.register("rule_driven_supply")
@dataclass(frozen=True, slots=True, eq=False)
class RuleDrivenSupply(Concept):
    r"""Supply answers the market by a rule, and enterprises foresee the answer without being able to move it.

    .. math::
        :label: rule-driven-supply

        s = G(s), \qquad G(s) = \text{rule}\big(\text{market cleared with supply } S + s\big)

    The market is cleared for a given supply, the rule reads its bank, prices or unsold allowances and gives a supply,
    and so on from both ends, from no intervention and from the largest one. Where the rule is isotone (more
    withdrawal is answered by more) the two limits are the least and the greatest equilibrium, and if they are one
    there is no other; if they differ, any other lies between them. Where it is not isotone there may be more than the
    starts lead to: the result says "at least", and ``seeds`` start from elsewhere. All that are found are published.
    Every price is a price of the market with the supply of its equilibrium: what one enterprise's tonne is worth, not
    what a planner who moves the rule would pay.

    Parameters
    ----------
    rule : SupplyRule or mapping
        The rule, or its registered name as ``kind`` with its fields.
    tolerance : float [1]
        Accepted ``max |s - G(s)|`` as a share of the largest yearly volume; 0.01 Mt of 1,400 Mt is 7e-6. What is
        accepted is followed some rounds further, as long as the residual falls.
    rounds : int
        Markets cleared from one start before it is an error.
    damping : float [1]
        Factor on the steps after a cycle or without progress.
    seeds : list of lists of float [allowance] (year)
        Further changes of supply to start from.
    """

    rule: SupplyRule | Mapping[str, object]
    tolerance: float = 1e-6
    rounds: int = 200
    damping: float = 0.5
    seeds: Sequence[Sequence[float]] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "rule", make_rule(self.rule))

    def clear(self, problem: MarketProblem, engine: Engine, progress: Callable[[str, float], None] | None) -> Market:
        """The market of least withdrawal, with every other one found along the dimension ``equilibrium``.

        Published besides the market itself: ``supply_change`` and ``supply_after_rule`` [allowance] (year), the
        flows and stocks of the rule (year), and, if there are several equilibria, every variable once more over
        (equilibrium, ...) with ``_by_equilibrium`` after its name; ``select_equilibrium`` gives one of them.

        Raises
        ------
        InputError, InfeasibleError, SolverError
            As ``find_fixed_points``.
        CertificateError
            If an equilibrium fails its audit.
        """
        from carbonsim.market.certificate import check_certificate
        from carbonsim.market.clear import Market

        rule = make_rule(self.rule)
        seeds = tuple(np.asarray(seed, dtype=float) for seed in self.seeds)
        search = Search(self.tolerance, self.rounds, self.damping, seeds)
        points = find_fixed_points(problem, rule, engine, search, progress)
        dataset = _published(problem, rule, points)
        dataset.attrs.update(self._described(problem, rule, points))
        certificate = self.audit(problem, dataset)
        check_certificate(certificate)
        first = points[0].market
        return Market(dataset, first.engine, first.engine_reason, certificate)

    def audit(self, problem: MarketProblem, dataset: xr.Dataset) -> Certificate:
        """The certificate of published equilibria: each market, the rule, and that the two are consistent."""
        from carbonsim.market.audit_reserve import reserve_certificate

        return reserve_certificate(problem, make_rule(self.rule), dataset, self.tolerance)

    def _described(
        self, problem: MarketProblem, rule: SupplyRule, points: Sequence[FixedPoint]
    ) -> dict[str, str | float]:
        why_not, warnings = rule.not_isotone(problem), rule.warnings(problem)
        listed = ", ".join(point.label for point in points)
        if why_not:
            text = (
                f"at least {len(points)} equilibri{'a' if len(points) > 1 else 'um'}: {listed}; the first is shown; "
                f"others are possible, for the rule is not isotone: {why_not}. Start from further seeds to look for "
                "them"
            )
        elif len(points) > 1:
            text = (
                f"at least {len(points)} equilibria: {listed}; the first is shown; any other lies between least and "
                "greatest withdrawal"
            )
        else:
            text = "one equilibrium: from no intervention and from the largest the same is reached"
        return {
            "concept": "rule_driven_supply",
            "rule": type(rule).__name__,
            "equilibria": text,
            "rule_isotone": f"no: {why_not}" if why_not else "yes",
            "rule_residual": max(point.residual for point in points),
            "rule_rounds": max(point.rounds for point in points),
            "rule_tolerance": self.tolerance,
            # Plain texts, for NetCDF has no type for anything else.
            "rule_warnings": " ".join(warnings),
            "rule_warnings_zh": "".join(map(chinese_of, warnings)),
        }


def select_equilibrium(dataset: xr.Dataset, label: str) -> xr.Dataset:
    """One equilibrium of a published market, under the ordinary names.

    Raises
    ------
    KeyError
        If there is none with that label; ``dataset.equilibrium`` lists them.
    """
    chosen = {
        str(name).removesuffix(BY_EQUILIBRIUM): values.sel(equilibrium=label, drop=True)
        for name, values in dataset.data_vars.items()
        if str(name).endswith(BY_EQUILIBRIUM)
    }
    return dataset.drop_dims("equilibrium").assign(chosen)


def _published(problem: MarketProblem, rule: SupplyRule, points: Sequence[FixedPoint]) -> xr.Dataset:
    datasets = [_one(problem, rule, point) for point in points]
    if len(points) == 1:
        return datasets[0]
    labels = xr.DataArray(np.array([point.label for point in points], dtype=object), dims="equilibrium")
    stacked = xr.concat(datasets, dim="equilibrium", data_vars="all", coords="minimal", join="exact", compat="override")
    renamed = stacked.rename({str(name): f"{name}{BY_EQUILIBRIUM}" for name in stacked.data_vars})
    return datasets[0].assign(renamed.data_vars).assign_coords(equilibrium=labels)


def _one(problem: MarketProblem, rule: SupplyRule, point: FixedPoint) -> xr.Dataset:
    tonnes = {"units": "allowance"}
    flows = {
        "supply_change": point.change,
        "supply_after_rule": offered(problem, rule.acts_on) + point.change,
        **point.response.flows,
    }
    return point.market.dataset.assign({name: (("year",), values, tonnes) for name, values in flows.items()})
