"""What the programme by enterprise is declared from: each enterprise's need, opening bank and cohort, as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from carbonsim.errors import InputError, Said, shorten
from carbonsim.market.enterprise_instrument import EnterpriseInstrument
from carbonsim.market.enterprise_within import WithinObligations
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.problem import MarketProblem
from carbonsim.market.programme import in_programme, unpriced_use
from carbonsim.market.programme_prices import SCALED_TOTAL
from carbonsim.market.supply import INSTEAD_OF_ALLOWANCES, Array, SupplyStep

Index = NDArray[np.intp]


GIVEN = "the opening bank belongs to the enterprises as given by opening_split"
PRO_RATA = "the opening bank is split pro rata to obligations before abatement in the first year"


@dataclass(frozen=True, slots=True, eq=False)
class Members:
    """Enterprises of one structure: their positions (member) and those of their options (member, slot)."""

    enterprise: Index
    option: Index


@dataclass(frozen=True, eq=False)
class EnterpriseData:
    """A market problem by enterprise; tonnes of the arrays marked so are divided by ``scale``.

    ``need`` and ``obligation`` [scaled] (enterprise, year) are before the options that are columns; ``active`` says in
    which years an enterprise has a balance: from its first covered year on if allowances or debts can be carried, else
    in covered years. ``inside`` marks option-years that are columns, ``outside`` is the use of all others [tCO2e].
    ``within`` adds rows that keep offsets and unmet obligations within what there is to surrender.
    """

    problem: MarketProblem
    within: bool = False

    def __post_init__(self) -> None:
        _refuse(self.problem)

    @cached_property
    def scale(self) -> float:
        """Tonnes in the programme's own unit."""
        problem = self.problem
        largest = max(float((problem.share * problem.baseline).sum(axis=0).max()), float(problem.supply.max()), 1e-12)
        return float(10.0 ** np.floor(np.log10(largest / SCALED_TOTAL)))

    @cached_property
    def banking(self) -> Banking | None:
        """The banking instrument, or None."""
        return next((i for i in self.problem.instruments if isinstance(i, Banking)), None)

    @cached_property
    def own_steps(self) -> tuple[SupplyStep, ...]:
        """Steps that enterprises use themselves."""
        return tuple(step for step in self.problem.steps if step.kind in INSTEAD_OF_ALLOWANCES)

    @cached_property
    def market_steps(self) -> tuple[SupplyStep, ...]:
        """Steps that sell allowances to the market."""
        return tuple(step for step in self.problem.steps if step.kind not in INSTEAD_OF_ALLOWANCES)

    @cached_property
    def instruments(self) -> tuple[EnterpriseInstrument, ...]:
        """The instruments that need a balance by enterprise."""
        found = tuple(i for i in self.problem.instruments if isinstance(i, EnterpriseInstrument))
        return (*found, WithinObligations()) if self.within else found

    @cached_property
    def splits_trade(self) -> bool:
        """Whether purchases and sales are columns of their own."""
        return any(instrument.splits_trade for instrument in self.instruments)

    @cached_property
    def active(self) -> NDArray[np.bool_]:
        """Years in which an enterprise has a balance, (enterprise, year)."""
        covered = self.problem.share > 0
        carries = self.banking is not None or any(step.owed_next is not None for step in self.own_steps)
        return np.logical_or.accumulate(covered, axis=1) if carries else covered

    @cached_property
    def inside(self) -> NDArray[np.bool_]:
        """Option-years that are columns."""
        return in_programme(self.problem)

    @cached_property
    def outside(self) -> Array:
        """Use of the options that are no columns [tCO2e] (option, year)."""
        return np.where(self.inside, 0.0, unpriced_use(self.problem))

    @cached_property
    def obligation(self) -> Array:
        """Obligations before the options that are columns [scaled] (enterprise, year)."""
        left = self.problem.share * self.problem.baseline
        np.subtract.at(left, self.problem.options.enterprise, self.problem.option_share * self.outside)
        return np.asarray(left / self.scale)

    @cached_property
    def need(self) -> Array:
        """Obligations less free allocation and opening bank, before the options that are columns [scaled]."""
        problem = self.problem
        need = problem.share * ((1 - problem.per_emission) * problem.baseline - problem.fixed)
        np.subtract.at(need, problem.options.enterprise, problem.option_share * problem.option_phi * self.outside)
        need[:, 0] -= self.opening
        return np.asarray(need / self.scale)

    @cached_property
    def first_weight(self) -> Array:
        """Each enterprise's part of the obligations before abatement, by year [1] (enterprise, year)."""
        obligation = self.problem.share * self.problem.baseline
        total = obligation.sum(axis=0)
        return np.asarray(np.divide(obligation, total, out=np.zeros_like(obligation), where=total > 0))

    @cached_property
    def opening(self) -> Array:
        """Opening bank [allowance] (enterprise)."""
        split = self.problem.opening_split
        return np.asarray(self.problem.opening_bank * (self.first_weight[:, 0] if split is None else split))

    @property
    def opening_rule(self) -> str:
        """How the opening bank was split."""
        return PRO_RATA if self.problem.opening_split is None else GIVEN

    @cached_property
    def most_held(self) -> Array:
        """Twice what an enterprise can ever need and own without buying to resell [scaled] (enterprise)."""
        problem = self.problem
        free = problem.share * (np.abs(problem.fixed) + np.abs(problem.per_emission) * problem.baseline)
        total = (problem.share * problem.baseline).sum(axis=1) + free.sum(axis=1) + np.abs(self.opening)
        return np.asarray(2.0 * total / self.scale)

    @cached_property
    def own(self) -> Mapping[str, Array]:
        """Numbers by enterprise that cells ask for by name, first axis enterprise."""
        found = {"need": self.need, "obligation": self.obligation, "most_held": self.most_held}
        found["borrowing_weight"] = self._borrowing()
        for step in self.own_steps:
            if step.obligation_share is not None:
                found[f"{step.name}/limit"] = np.nan_to_num(step.obligation_share) * self.obligation
        for instrument in self.instruments:
            found.update(instrument.enterprise_numbers(self))
        return found

    def _borrowing(self) -> Array:
        years = len(self.problem.year)
        limit = np.zeros(years) if self.banking is None else self.banking.limit(years)
        return self.first_weight * np.where(np.isinf(limit), 0.0, limit) / self.scale

    @cached_property
    def by_option(self) -> Mapping[str, Array]:
        """Numbers by option and year that cells ask for by name."""
        problem, options = self.problem, self.problem.options
        found = {
            "potential": options.potential / self.scale,
            "cost": problem.discount * options.unit_cost,
            "curvature": problem.discount * options.slope * self.scale,
            "relief": problem.option_share * problem.option_phi,
            "covered": problem.option_share,
        }
        for step in self.own_steps:
            if step.obligation_share is not None:
                found[f"{step.name}/relief"] = np.nan_to_num(step.obligation_share) * problem.option_share
        return found

    @cached_property
    def cohorts(self) -> tuple[Members, ...]:
        """Enterprises of the same structure together, in the order of their first member."""
        pattern = np.packbits(np.hstack([self.inside, self.inside & (self.problem.options.slope > 0)]), axis=1)
        live = np.flatnonzero(self.inside.any(axis=1))
        ordered = live[np.argsort(self.problem.options.enterprise[live], kind="stable")]
        ends = np.searchsorted(self.problem.options.enterprise[ordered], np.arange(len(self.problem.enterprise) + 1))
        structure = [np.packbits(self.active, axis=1), np.packbits(self.problem.share > 0, axis=1)]
        structure += [np.ascontiguousarray(found) for i in self.instruments if (found := i.structure(self)) is not None]
        groups: dict[tuple[bytes, ...], list[int]] = {}
        pattern = np.ascontiguousarray(pattern[ordered])
        # A loop, since each enterprise has its own number of options.
        for e in np.flatnonzero(self.active.any(axis=1)):
            key = (pattern[ends[e] : ends[e + 1]].tobytes(), *(table[e].tobytes() for table in structure))
            groups.setdefault(key, []).append(int(e))
        return tuple(
            Members(np.array(found), np.array([ordered[ends[e] : ends[e + 1]] for e in found], dtype=np.intp))
            for found in groups.values()
        )


def _refuse(problem: MarketProblem) -> None:
    """Raise InputError, by name, for what a programme by enterprise cannot hold."""
    if problem.responses:
        blocks = [problem.enterprise[term.enterprise] for term in problem.responses if term.weight != 1]
        what = (
            Said(f"the blocks of identical units {shorten(blocks)}", f"相同单元的组合 {shorten(blocks, 'zh')}")
            if blocks
            else Said("best-response rules", "最优响应规则")
        )
        raise InputError(
            f"A balance for each enterprise cannot be kept for {what}: allowances there belong to no single enterprise "
            "or follow no affine rule. List every enterprise by itself under an affine rule, or leave out "
            f"{shorten([i.label for i in problem.instruments if i.by_enterprise])}.",
            f"不能为 {what.zh} 逐家记平衡：其配额不属于单个企业，或不按仿射规则发放。请在仿射规则下逐家列出企业，"
            f"或删去 {shorten([i.label for i in problem.instruments if i.by_enterprise], 'zh')}。",
        )
    if problem.plans is not None:
        raise InputError(
            "Lumpy plans have no form by enterprise yet, which "
            f"{shorten([i.label for i in problem.instruments if i.by_enterprise])} need; leave one of them out.",
            "整体方案（plans）尚无分企业的形式，而 "
            f"{shorten([i.label for i in problem.instruments if i.by_enterprise], 'zh')} 需要分企业平衡；"
            "请删去其中之一。",
        )
    for instrument in problem.instruments:
        if not (isinstance(instrument, (EnterpriseInstrument, Banking)) or instrument.is_its_steps):
            raise InputError(
                f"{instrument.label} has no form by enterprise, which "
                f"{shorten([i.label for i in problem.instruments if i.by_enterprise])} need; leave one of them out.",
                f"{instrument.label} 没有分企业的形式，而 "
                f"{shorten([i.label for i in problem.instruments if i.by_enterprise], 'zh')} 需要分企业平衡；"
                "请删去其中之一。",
            )
        if isinstance(instrument, Banking) and np.any(instrument.borrowing_interest > 0):
            raise InputError(
                "banking.borrowing_interest has no form by enterprise; leave the interest out.",
                "banking.borrowing_interest 没有分企业的形式；请删去该利息。",
            )
    for step in problem.steps:
        if step.slope is not None and step.kind in INSTEAD_OF_ALLOWANCES:
            raise InputError(
                f"{step.name} has a price that rises with its use by all, which has no form by enterprise; cut it into "
                "steps of constant price.",
                f"{step.name} 的价格随各企业的总用量上升，没有分企业的形式；请切成价格不变的分档。",
            )
    _refuse_holders(problem)


def _refuse_holders(problem: MarketProblem) -> None:
    nobody = (problem.share * problem.baseline).sum(axis=0) <= 0
    if nobody[0] and (problem.opening_bank != 0 and problem.opening_split is None):
        raise InputError(
            f"opening_bank is {problem.opening_bank:g}, but nobody is covered in {problem.year[0]} to hold it; give "
            "opening_split, or start in the first covered year.",
            f"opening_bank 为 {problem.opening_bank:g}，但 {problem.year[0]} 年没有纳入的企业可以持有；请给出 "
            "opening_split，或从首个纳入年份开始。",
        )
    banking = any(isinstance(i, Banking) for i in problem.instruments)
    idle = nobody & np.logical_not(np.logical_or.accumulate(~nobody)) & (problem.supply > 0)
    if banking and np.any(idle):
        raise InputError(
            f"supply of {problem.year[int(np.argmax(idle))]} comes before anybody is covered, so no enterprise can "
            "hold it; start in the first covered year.",
            f"{problem.year[int(np.argmax(idle))]} 年的 supply 早于任何企业纳入，没有企业可以持有；"
            "请从首个纳入年份开始。",
        )
    split = problem.opening_split
    if split is not None and np.any((split != 0) & (problem.share[:, 0] <= 0)):
        wrong = [problem.enterprise[e] for e in np.flatnonzero((split != 0) & (problem.share[:, 0] <= 0))]
        raise InputError(
            f"opening_split gives allowances to {shorten(wrong)}, which is not covered in {problem.year[0]}; only "
            "covered enterprises hold allowances.",
            f"opening_split 把配额给了 {shorten(wrong, 'zh')}，其在 {problem.year[0]} 年未纳入；"
            "只有纳入的企业持有配额。",
        )
