"""What an allocation rule is given and what it returns: the `Allocation` of architecture §3."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol, Self, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from carbonsim.registry import Registry

Array = NDArray[np.float64]
Kind = Literal["lump_sum", "affine", "best_response"]


@dataclass(frozen=True, slots=True)
class AllocationInput:
    """One sector in one year: facilities with their verified data, all arrays of shape (facility,).

    Emissions are covered emissions before abatement, tCO2e. ``key_emissions`` are those of the process whose
    intensity the rule looks at (sintering and ironmaking for steel, the line for clinker, the potline for
    aluminium, the whole unit for power); ``key_output`` is that process's output. ``reference_emissions`` and
    ``reference_output`` are the historical values that grandfathering and own intensity use.
    """

    sector: str
    year: int
    base_year: int
    facility: tuple[str, ...]
    enterprise: tuple[str, ...]  # enterprise of each facility, same length
    entities: Array  # number of real entities a row stands for (1 for an enterprise, n for a block)
    emissions: Array
    key_emissions: Array
    output: Array
    key_output: Array
    heat_output: Array  # GJ supplied
    benchmark_class: tuple[str, ...]
    load_factor: Array  # 0..1, NaN where the rule does not use it
    heat_ratio: Array  # 0..1
    cooling: tuple[str, ...]
    special_case: tuple[str, ...]  # "" or the name of the special case that gives allowances = verified emissions
    reference_emissions: Array
    reference_output: Array
    product: tuple[str, ...] = ()  # product of each facility, or () where the rule does not ask
    # Values of the year before, for lagged rules; empty where that year is not known.
    previous_emissions: Array = field(default_factory=lambda: np.zeros(0))
    previous_output: Array = field(default_factory=lambda: np.zeros(0))


class ObligationRule(Protocol):
    """Allowances of one unit of account as a function of its emissions, for best-response rules.

    A unit of account is a facility or an enterprise. Two emission channels: ``key`` (the process whose
    intensity counts) and ``other``. All of tCO2e.
    """

    def amount(self, key: ArrayLike, other: ArrayLike) -> Array:
        """Allowances for the given emissions, before rounding; broadcasts."""

    def key_kinks(self) -> tuple[float, ...]:
        """Emissions of the key channel at which the slope of ``amount`` jumps, whatever the other channel."""

    def total_kinks(self) -> tuple[float, ...]:
        """Values of key + other at which the slope of ``amount`` jumps."""

    def mixed_kinks(self) -> tuple[tuple[float, float, float], ...]:
        """Lines ``a * key + b * other = c``, as (a, b, c), where the slope jumps that fit neither list."""

    def gradient(self, key: float, other: float) -> tuple[float, float]:
        """(dA/dkey, dA/dother) inside a smooth piece."""


@runtime_checkable
class BalancedRule(ObligationRule, Protocol):
    """An obligation rule whose sector constant, the balance value, is recalibrated to the group's emissions."""

    @property
    def balance_value(self) -> float:
        """The sector's balance value, tCO2e per unit of key output."""

    def with_balance_value(self, value: float) -> Self:
        """The same rule at another balance value."""

    def intensity(self, key: ArrayLike) -> Array:
        """Emissions of the key process per unit of its output, tCO2e per output unit."""

    def collar(self) -> tuple[float, float]:
        """(strength, limit) of the coefficient ``clip(strength * (1 - intensity / balance_value), -limit, limit)``."""

    def rated_output(self) -> float | None:
        """Output that the balance value itself is paid on, output unit; None where a coefficient decides instead."""


@dataclass(frozen=True, slots=True)
class UnitOfAccount:
    """One best-response unit: the facilities it adds up, its rule and its balance group if recalibrated."""

    name: str
    enterprise: str
    facilities: tuple[str, ...]
    key_facilities: tuple[str, ...]  # facilities whose emissions are the key channel
    key_emissions: float
    other_emissions: float
    output: float
    rule: ObligationRule
    balance_group: str = ""  # "" or the group whose balance value is recalibrated so that allowances = emissions
    benchmark: float = 0.0  # benchmark or balance value times output, before relief; 0 if none


@dataclass(frozen=True, slots=True)
class Allocation:
    """What a rule returns for one sector and year.

    For ``lump_sum`` and ``affine`` the free allocation of facility f is
    ``fixed + per_emission * emissions + per_output * output`` (allowances), ``phi = 1 - per_emission`` and
    ``sigma = per_output``. For ``best_response`` the units carry their rule, and ``phi_key``, ``phi_other``,
    ``sigma`` are evaluated at the given emissions. ``amount`` is the free allocation at the given emissions,
    after the rounding of the law where it has one (``amount_unrounded`` before it).
    """

    rule: str
    kind: Kind
    facility: tuple[str, ...]
    amount: Array
    amount_unrounded: Array
    fixed: Array
    per_emission: Array
    per_output: Array
    phi_key: Array
    phi_other: Array
    sigma: Array
    units: tuple[UnitOfAccount, ...] = ()
    lag: int = 0
    notes: dict[str, float] = field(default_factory=dict)
    enterprise: tuple[str, ...] = ()  # enterprise of each facility
    benchmark: Array = field(default_factory=lambda: np.zeros(0))  # benchmark times output (and heat), before relief
    # and before any of it is auctioned, tCO2e; 0 where the rule has none or finds it only when the market clears
    auctioned: Array = field(default_factory=lambda: np.zeros(0))  # allowances sold instead of given, before rounding
    emissions: Array = field(default_factory=lambda: np.zeros(0))  # the emissions the arrays were evaluated at
    key_emissions: Array = field(default_factory=lambda: np.zeros(0))
    output: Array = field(default_factory=lambda: np.zeros(0))  # the output that ``sigma`` refers to
    # Allowances of this year for one more tonne and one more unit of output of ``lag`` years before; empty is none.
    per_previous_emission: Array = field(default_factory=lambda: np.zeros(0))
    per_previous_output: Array = field(default_factory=lambda: np.zeros(0))


# A rule takes (AllocationInput, ParameterSet) and its own keyword options, and returns an Allocation.
AllocationRule: TypeAlias = Callable[..., Allocation]

allocation_rules: Registry[AllocationRule] = Registry("allocation rule", "carbonsim.allocation")
