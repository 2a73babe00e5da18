"""Power benchmark allowances with the relief of the law in its order: unit relief, sum, entity relief."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from carbonsim.accounting.rounding import round_half_up
from carbonsim.allocation.assemble import best_response, floored, groups, straight_line
from carbonsim.allocation.core import Allocation, AllocationInput, Array, ObligationRule, UnitOfAccount
from carbonsim.allocation.obligations import CappedObligation, FullCover
from carbonsim.allocation.power_formula import Mask, is_gas, is_rated

PERCENT_DECIMALS = 2  # the gap rate is published in per cent with two decimals


@dataclass(frozen=True, slots=True)
class UnitAllowances:
    """Benchmark allowances of each generating unit, arrays of shape (facility,).

    ``per_output`` [allowance/MWh] and ``heat`` [allowance] are exact; ``ledger`` [allowance] is their sum after the
    rounding of the plan, and ``is_floored`` says whether the plan floors what it issues.
    """

    per_output: Array
    heat: Array
    ledger: Array
    is_floored: bool


def unrounded(per_output: Array, heat: Array, data: AllocationInput) -> UnitAllowances:
    """Allowances under a plan whose text gives no rounding."""
    return UnitAllowances(per_output, heat, per_output * data.output + heat, is_floored=False)


def gap_rate(allowances: float, emissions: float) -> float:
    """Shortfall over verified emissions as published, in per cent with two decimals; 0 without emissions.

    >>> gap_rate(752.0, 1000.0)
    24.8
    """
    if emissions <= 0:
        return 0.0
    return float(round_half_up(100.0 * (emissions - allowances) / emissions, PERCENT_DECIMALS))


def with_relief(
    rule: str,
    data: AllocationInput,
    allowances: UnitAllowances,
    *,
    largest_gap: float,
    small_entity: float = 0.0,
) -> Allocation:
    """Allocation of generating units after unit relief, summing by entity, and entity relief.

    Parameters
    ----------
    rule : str
        Name of the rule.
    data : AllocationInput
        Generating units of one year.
    allowances : UnitAllowances
        Benchmark allowances of each unit.
    largest_gap : float [1]
        Largest shortfall over verified emissions that an entity has to cover.
    small_entity : float [tCO2e]
        Entities with lower emissions receive their verified emissions; 0 where the plan has no such clause.

    Returns
    -------
    Allocation
        Best response, one unit of account an entity. The entity's top-up is spread over its units by emissions.
        Notes: ``gap_rate.<enterprise>`` before entity relief, in per cent, and ``relieved_entities``.

    Notes
    -----
    A block row stands for entities that are alike: its relief is that of their mean.
    """
    exact, ledger, phi, sigma = (np.zeros(len(data.facility)) for _ in range(4))
    rated = is_rated(data)
    topped = is_gas(data) | ~rated
    key = np.zeros(len(data.facility))
    units, notes, relieved = [], {}, 0
    # A loop over entities: each has its own obligation rule.
    for enterprise, rows in groups(data.enterprise).items():
        emissions = data.emissions[rows]
        is_small = float(emissions.sum() / data.entities[rows[0]]) < small_entity
        entity = _Entity(data, allowances, rows, rated[rows], topped[rows], largest_gap)
        exact[rows], ledger[rows] = (emissions, emissions) if is_small else (entity.exact(), entity.ledger())
        phi[rows], sigma[rows] = (0.0, 0.0) if is_small else entity.incentives()
        key[rows] = entity.key
        units.append(_account(enterprise, data, entity, FullCover() if is_small else entity.rule()))
        notes[f"gap_rate.{enterprise}"] = gap_rate(float(entity.initial().sum()), float(emissions.sum()))
        relieved += int(entity.is_capped and not is_small)
    return best_response(
        rule,
        data,
        units=units,
        amount=ledger,
        amount_unrounded=exact,
        phi_key=phi,
        phi_other=phi,
        sigma=sigma,
        output=data.output,
        key_emissions=key,
        notes={**notes, "relieved_entities": float(relieved)},
        benchmark=np.where(rated, allowances.per_output * data.output + allowances.heat, 0.0),
    )


def without_relief(rule: str, data: AllocationInput, allowances: UnitAllowances) -> Allocation:
    """The bare benchmark: affine in output, for studies of what the relief does."""
    rated = is_rated(data)
    return straight_line(
        rule,
        data,
        fixed=np.where(rated, allowances.heat, 0.0),
        per_emission=np.where(rated, 0.0, 1.0),
        per_output=np.where(rated, allowances.per_output, 0.0),
        benchmark=np.where(rated, allowances.per_output * data.output + allowances.heat, 0.0),
    )


@dataclass(frozen=True, slots=True)
class _Entity:
    """One entity: its rows, which of them are topped up to their emissions, and its ceiling."""

    data: AllocationInput
    allowances: UnitAllowances
    rows: NDArray[np.intp]
    rated: Mask
    topped: Mask
    largest_gap: float

    @property
    def emissions(self) -> Array:
        return self.data.emissions[self.rows]

    @property
    def benchmark(self) -> Array:
        """Exact benchmark allowances; 0 for a special case, which relief then covers in full."""
        rows, units = self.rows, self.allowances
        return np.where(self.rated, units.per_output[rows] * self.data.output[rows] + units.heat[rows], 0.0)

    @property
    def key(self) -> Array:
        """Emissions in the key channel: units with unit relief if there are any, else all."""
        return np.where(self.topped, self.emissions, 0.0) if self.topped.any() else self.emissions

    def initial(self) -> Array:
        """Allowances of each unit after unit relief."""
        return np.where(self.topped, np.maximum(self.benchmark, self.emissions), self.benchmark)

    @property
    def is_capped(self) -> bool:
        return bool(self.initial().sum() < (1.0 - self.largest_gap) * self.emissions.sum())

    def exact(self) -> Array:
        initial = self.initial()
        top_up = max(0.0, (1.0 - self.largest_gap) * float(self.emissions.sum()) - float(initial.sum()))
        return initial + self._spread(top_up)

    def ledger(self) -> Array:
        """Allowances as the plan rounds them."""
        if not self.allowances.is_floored:
            return self.exact()
        benchmark = np.where(self.rated, self.allowances.ledger[self.rows], 0.0)
        initial = np.where(self.topped, np.maximum(benchmark, self.emissions), benchmark)
        # Unit approvals are floored; a special case is approved at its obligation, whatever its decimals.
        initial = np.where(self.rated, floored(initial), initial)
        top_up = max(0.0, (1.0 - self.largest_gap) * float(self.emissions.sum()) - float(initial.sum()))
        return initial + self._spread(float(floored(top_up)))

    def _spread(self, top_up: float) -> Array:
        total = float(self.emissions.sum())
        return top_up * self.emissions / total if total > 0 else np.zeros_like(self.emissions)

    def incentives(self) -> tuple[Array, Array]:
        """Phi and sigma of each unit at its emissions."""
        if self.is_capped:
            return np.full_like(self.emissions, self.largest_gap), np.zeros_like(self.emissions)
        covered = self.topped & (self.emissions > self.benchmark)
        return np.where(covered, 0.0, 1.0), np.where(covered, 0.0, self.allowances.per_output[self.rows])

    def rule(self) -> CappedObligation:
        key = float(self.key.sum())
        if not self.topped.any() or key <= 0:
            return CappedObligation(float(self.benchmark.sum()), self.largest_gap)
        pairs = zip(self.benchmark[self.topped], self.emissions[self.topped], strict=True)
        units = [(float(benchmark), float(emissions)) for benchmark, emissions in pairs]
        idle = sum(benchmark for benchmark, emissions in units if emissions <= 0)
        fixed = float(self.benchmark[~self.topped].sum()) + idle
        topped = tuple((benchmark, emissions / key) for benchmark, emissions in units if emissions > 0)
        return CappedObligation(fixed, self.largest_gap, topped)


def _account(enterprise: str, data: AllocationInput, entity: _Entity, rule: ObligationRule) -> UnitOfAccount:
    facilities = tuple(data.facility[row] for row in entity.rows)
    key = float(entity.key.sum())
    in_key = entity.topped if entity.topped.any() else ~entity.topped
    return UnitOfAccount(
        name=enterprise,
        enterprise=enterprise,
        facilities=facilities,
        key_facilities=tuple(name for name, is_key in zip(facilities, in_key, strict=True) if is_key),
        key_emissions=key,
        other_emissions=float(entity.emissions.sum()) - key,
        output=float(data.output[entity.rows].sum()),
        rule=rule,
        benchmark=float(entity.benchmark.sum()),
    )
