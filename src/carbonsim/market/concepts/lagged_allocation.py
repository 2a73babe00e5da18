"""Lagged allocation: last year's own emissions decide this year's free allowances, and everybody knows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from carbonsim.errors import InputError, Said, did_you_mean, shorten
from carbonsim.market.audit_lagged import audit_lagged
from carbonsim.market.certificate import check_certificate
from carbonsim.market.clear import Engine, Market
from carbonsim.market.concept import Concept, concepts
from carbonsim.market.lagged import Lag, forgone_value, one_path, worth_of_allocated, worth_of_owed
from carbonsim.market.problem import MarketProblem, ResponseTerm
from carbonsim.market.supply import Array


@concepts.register("lagged_allocation")
@dataclass(frozen=True, slots=True, eq=False)
class LaggedAllocation(Concept):
    r"""Free allocation follows own emissions of the year before, and enterprises weigh what a cut forgoes.

    .. math::
        :label: lagged-allocation

        A_{ey} = F_{ey} + f_{ey} e_{e,y-1}, \qquad
        \text{MAC}_{ey} = \varphi_{ey} \, s_{ey} w_{ey}, \qquad
        \varphi_{ey} = 1 - \frac{d_{y+1}}{d_y} \frac{s_{e,y+1} f_{e,y+1} \, v_{e,y+1}}{s_{ey} \, w_{ey}}

    with :math:`s` the obligation share, :math:`w_{ey}` what it is worth to the enterprise to owe an allowance less, and
    :math:`v_{ey}` what one that it is given in y is worth to it. Both are the price :math:`p_y`, except that with
    instruments by enterprise (``transaction_cost``, ``trade_limit`` ...) both are the enterprise's own price, above
    :math:`p_y` by the cost of buying or below it by that of selling, and with ``vintages`` :math:`v_y = \pi_{yy}`, the
    best use that an allowance issued in y can be put to. While allowances are banked the discounted price is constant
    and :math:`\varphi = 1 - f`; without banking a price that rises fast makes it negative, one that falls leaves most
    of it. The price of a year is the multiplier of its own allowance balance, with the path of the others as expected.
    Found as a fixed point of price path and emissions, from both ends, with damping where the path overshoots; the
    residual and the rounds are in the result's attributes. Own historical intensity, updated every year, is
    the share (1 - c) q_y / q_(y-1).

    Parameters
    ----------
    share : mapping of str to float or list [1]
        f of each enterprise: allowances for each tonne of the year before, one number or one for each year.
    previous : mapping of str to float [tCO2e]
        Emissions of the same enterprises in the year before the first.
    final_price : float [CNY/tCO2e]
        What an allowance is expected to be worth to its holder in the year after the last, where the last year's
        emissions bring allowances at the last year's share. The default 0: nothing is allocated after the last year,
        and phi is 1 in it.
    start : {"both", "low", "high"}
        End that the search starts from. ``both`` asks that they agree; two equilibria are an error that names both.
    """

    share: Mapping[str, object]
    previous: Mapping[str, float]
    final_price: float = 0.0
    start: Literal["both", "low", "high"] = field(default="both")

    def clear(self, problem: MarketProblem, engine: Engine, progress: Callable[[str, float], None] | None) -> Market:
        """The market at the price path that reproduces itself."""
        lag = self._lag(problem)
        if engine == "auto" and problem.given_price is None and not _refuses_price_search(problem):
            # The exact engine lets the path settle to rounding; a solver's own tolerance would be the limit.
            engine = "price_search"
        path = one_path(problem, lag, engine, self.start, progress)
        dataset = path.dataset.copy(deep=True)
        given, owed = worth_of_allocated(dataset), worth_of_owed(dataset)
        worth, owner = forgone_value(problem, lag, given), problem.options.enterprise
        forgone = np.zeros_like(worth)
        np.add.at(forgone, owner, worth[owner] * dataset.option_abatement.values)
        full = problem.share * owed
        lost = problem.share * problem.per_emission * given + worth
        signal = 1.0 - lost / np.where(full > 0, full, 1.0)
        before = np.column_stack([lag.previous, dataset.covered_emissions.values[:, :-1]])
        where = ("enterprise", "year")
        dataset["abatement_cost"] = (where, dataset.abatement_cost.values - forgone, {"units": "CNY"})
        if problem.responses:
            # What a unit's answer forgoes stands in its decision and is no resource cost of it.
            answered = [
                _forgone_by(problem, worth, term, dataset.option_abatement.values) for term in problem.responses
            ]
            dataset["response_cost"] = dataset.response_cost - np.array(answered)
        dataset["forgone_allocation"] = (where, forgone, {"units": "CNY"})
        dataset["phi"] = (where, np.where(full > 0, signal, np.nan), {"units": "1"})
        dataset["lagged_allocation"] = (where, problem.share * lag.share * before, {"units": "allowance"})
        dataset.attrs.update(concept="lagged_allocation", residual=path.residual, rounds=path.rounds, step=path.step)
        certificate = audit_lagged(problem, dataset, share=lag.share, previous=lag.previous, after=worth[:, -1])
        check_certificate(certificate)
        reason = Said(
            f"prices and allocation reproduce each other after {path.rounds} rounds",
            f"价格与分配经 {path.rounds} 轮相互一致",
        )
        return Market(dataset, str(path.dataset.attrs["engine"]), reason, certificate)

    def _lag(self, problem: MarketProblem) -> Lag:
        """The settings as arrays, checked against the problem."""
        if self.start not in ("both", "low", "high"):
            raise InputError(
                f"lagged_allocation.start is '{self.start}'; expected both, low or high.",
                f"lagged_allocation.start 为 '{self.start}'，应为 both、low 或 high。",
            )
        if not (np.isfinite(self.final_price) and self.final_price >= 0):
            raise InputError(
                f"lagged_allocation.final_price is {self.final_price}; expected a price from 0.",
                f"lagged_allocation.final_price 为 {self.final_price}，应为非负价格。",
            )
        if set(self.share) != set(self.previous) or not self.share:
            raise InputError(
                "lagged_allocation needs share and previous for the same enterprises: "
                f"share has {', '.join(self.share) or 'none'}, previous has {', '.join(self.previous) or 'none'}.",
                f"lagged_allocation 的 share 与 previous 须针对同样的企业：share 有 {'、'.join(self.share) or '无'}，"
                f"previous 有 {'、'.join(self.previous) or '无'}。",
            )
        share, previous = np.zeros_like(problem.baseline), np.zeros(len(problem.enterprise))
        for name, value in self.share.items():
            if name not in problem.enterprise:
                meant = did_you_mean(name, problem.enterprise, "zh")
                raise InputError(
                    f"lagged_allocation.share names '{name}', which is not listed. "
                    f"{did_you_mean(name, problem.enterprise)}".strip(),
                    f"lagged_allocation.share 提到 '{name}'，未列出该企业。{meant}",
                )
            row = problem.enterprise.index(name)
            share[row] = _yearly(value, name, len(problem.year))
            previous[row] = float(self.previous[name])
        _check_values(problem, share, previous)
        return Lag(share, previous, float(self.final_price), share[:, -1])


def _forgone_by(problem: MarketProblem, worth: Array, term: ResponseTerm, used: Array) -> float:
    """Worth of the allowances that one unit's cuts forgo, CNY."""
    y = problem.year.index(term.year)
    return float(worth[term.enterprise, y] * used[list(term.key_options + term.other_options), y].sum())


def _yearly(value: object, name: str, years: int) -> Array:
    numbers = np.asarray(value, dtype=float).reshape(-1)
    if len(numbers) not in (1, years):
        raise InputError(
            f"lagged_allocation.share.{name} has {len(numbers)} values; expected one, or {years}.",
            f"lagged_allocation.share.{name} 有 {len(numbers)} 个值，应为 1 个或 {years} 个。",
        )
    return np.array(np.broadcast_to(numbers, (years,)))


def _check_values(problem: MarketProblem, share: Array, previous: Array) -> None:
    if not np.all(np.isfinite(share)) or np.any(share < 0):
        raise InputError(
            "lagged_allocation.share has a number that is negative or not finite.",
            "lagged_allocation.share 含负数或非有限的数。",
        )
    if not np.all(np.isfinite(previous)) or np.any(previous < 0):
        raise InputError(
            "lagged_allocation.previous has a number that is negative or not finite.",
            "lagged_allocation.previous 含负数或非有限的数。",
        )
    both = sorted(
        problem.enterprise[term.enterprise]
        for term in problem.responses
        if share[term.enterprise, problem.year.index(term.year)] > 0
    )
    if both:
        raise InputError(
            f"lagged_allocation: {shorten(both)} answers a best-response rule already; an enterprise cannot follow "
            f"that rule and its emissions of last year in the same year.",
            f"lagged_allocation：{shorten(both, 'zh')} 已适用最优响应规则；同一企业在同一年不能既按该规则、"
            "又按上年排放分配。",
        )
    idle = [name for name, row in zip(problem.enterprise, problem.share * share, strict=True) if row.any()]
    if not idle:
        raise InputError(
            "lagged_allocation has no effect: no enterprise with a share is covered in any year.",
            "lagged_allocation 不起作用：设有 share 的企业在任何年份都未纳入。",
        )


def _refuses_price_search(problem: MarketProblem) -> bool:
    return bool(problem.responses) or any(instrument.refused_by("price_search") for instrument in problem.instruments)
