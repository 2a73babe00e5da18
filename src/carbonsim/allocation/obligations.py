"""Allowances of one unit of account as a function of its emissions, for the rules that are no straight line.

Symbols: E covered emissions of the unit, e its key emissions, q output of the key process, B balance value,
g gap rate of the relief. The functions are exact and piecewise smooth; the rounding of the law is the ledger's.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from carbonsim.allocation.core import Array, BalancedRule, ObligationRule
from carbonsim.errors import PluginError

Kinks = tuple[float, ...]
Lines = tuple[tuple[float, float, float], ...]

AT_KINK = 1e-12  # distance of a coefficient from its limit that is arithmetic noise


def _total(key: ArrayLike, other: ArrayLike) -> Array:
    return np.add(key, other, dtype=float)


@dataclass(frozen=True, slots=True)
class FullCover:
    """Allowances equal to verified emissions: special cases, small entities, a unit without emissions."""

    def amount(self, key: ArrayLike, other: ArrayLike) -> Array:
        """Allowances for the given emissions, tCO2e."""
        return _total(key, other)

    def key_kinks(self) -> Kinks:
        """No kink."""
        return ()

    def total_kinks(self) -> Kinks:
        """No kink."""
        return ()

    def mixed_kinks(self) -> Lines:
        """No kink."""
        return ()

    def gradient(self, key: float, other: float) -> tuple[float, float]:
        """Each tonne brings its own allowance, so there is no carbon price on it."""
        return (1.0, 1.0)


@dataclass(frozen=True, slots=True)
class CollaredIntensity:
    r"""Allowances ``E (1 + a)`` with the intensity coefficient ``a`` held between two limits.

    Parameters
    ----------
    key_output : float [output unit]
        Output of the key process, above 0.
    strength : float [1]
        s: share of the relative gap to the balance value that is rewarded.
    limit : float [1]
        c: largest coefficient in either direction.
    balance_value : float [tCO2e/output unit]
        B: the sector's balance value; taken as given by the enterprise.

    Notes
    -----
    .. math:: A = E (1 + a), \quad a = \min(c, \max(-c, s (1 - e / (q B))))

    ``e`` is part of ``E``, so inside the collar ``dA/de = 1 + a - s E/(q B)`` and ``dA/dq = s E e/(q^2 B)``.
    Kinks at ``e = q B (1 -+ c/s)``: convex at the clean end, concave at the dirty end.

    References
    ----------
    source: mee-2026-draft
    """

    key_output: float
    strength: float
    limit: float
    balance_value: float

    def coefficient(self, key: ArrayLike) -> Array:
        """Intensity coefficient a, -c..c."""
        gap = 1.0 - np.asarray(key, dtype=float) / (self.key_output * self.balance_value)
        return np.clip(self.strength * gap, -self.limit, self.limit)

    def intensity(self, key: ArrayLike) -> Array:
        """Emissions of the key process per unit of its output."""
        return np.divide(key, self.key_output, dtype=float)

    def amount(self, key: ArrayLike, other: ArrayLike) -> Array:
        """Allowances for the given emissions, before rounding."""
        return _total(key, other) * (1.0 + self.coefficient(key))

    def collar(self) -> tuple[float, float]:
        """(strength, limit) of the coefficient."""
        return (self.strength, self.limit)

    def rated_output(self) -> None:
        """None: the coefficient decides."""
        return None

    def with_balance_value(self, value: float) -> Self:
        """The same rule at another balance value."""
        return dataclasses.replace(self, balance_value=float(value))

    def key_kinks(self) -> Kinks:
        """Key emissions at the two ends of the collar; only one end where c exceeds s."""
        reference = self.key_output * self.balance_value
        width = self.limit / self.strength
        return tuple(kink for kink in (reference * (1 - width), reference * (1 + width)) if kink > 0)

    def total_kinks(self) -> Kinks:
        """No kink in the total."""
        return ()

    def mixed_kinks(self) -> Lines:
        """No other kink."""
        return ()

    def is_inside(self, key: float) -> bool:
        """Whether the intensity lies strictly between the ends of the collar."""
        gap = self.strength * (1.0 - key / (self.key_output * self.balance_value))
        return abs(gap) < self.limit - AT_KINK

    def gradient(self, key: float, other: float) -> tuple[float, float]:
        """(dA/dkey, dA/dother); at an end of the collar that of the collar's side, as the law assigns it."""
        coefficient = float(self.coefficient(key))
        if not self.is_inside(key):
            return (1.0 + coefficient, 1.0 + coefficient)
        slope = self.strength * (key + other) / (self.key_output * self.balance_value)
        return (1.0 + coefficient - slope, 1.0 + coefficient)

    def output_gradient(self, key: float, other: float) -> float:
        """dA/dq at given emissions, tCO2e per output unit."""
        if not self.is_inside(key):
            return 0.0
        return self.strength * (key + other) * key / (self.key_output**2 * self.balance_value)


@dataclass(frozen=True, slots=True)
class SelfBalancedBenchmark:
    r"""Allowances ``B q`` whose benchmark B is set so that the group's allowances equal its emissions.

    Parameters
    ----------
    output : float [output unit]
        q: output that counts, not negative.
    balance_value : float [tCO2e/output unit]
        B: the group's mean intensity; taken as given by the enterprise.

    Notes
    -----
    .. math:: A_i = B q_i, \qquad B = \frac{\sum_j E_j}{\sum_j q_j}

    No own tonne moves the enterprise's allowances, so phi is 1, yet the group's net demand is zero at every price.
    """

    output: float
    balance_value: float

    def intensity(self, key: ArrayLike) -> Array:
        """Emissions per unit of output; 0 without output."""
        return np.divide(key, self.output, dtype=float) if self.output > 0 else np.zeros(np.shape(key))

    def amount(self, key: ArrayLike, other: ArrayLike) -> Array:
        """Allowances, whatever the emissions."""
        return np.full(np.broadcast_shapes(np.shape(key), np.shape(other)), self.balance_value * self.output)

    def collar(self) -> tuple[float, float]:
        """No coefficient: strength and limit 0."""
        return (0.0, 0.0)

    def rated_output(self) -> float:
        """The output that counts."""
        return self.output

    def with_balance_value(self, value: float) -> Self:
        """The same rule at another balance value."""
        return dataclasses.replace(self, balance_value=float(value))

    def key_kinks(self) -> Kinks:
        """No kink."""
        return ()

    def total_kinks(self) -> Kinks:
        """No kink."""
        return ()

    def mixed_kinks(self) -> Lines:
        """No kink."""
        return ()

    def gradient(self, key: float, other: float) -> tuple[float, float]:
        """No own tonne brings an allowance."""
        return (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class CappedObligation:
    r"""Benchmark allowances of an entity with unit relief and a ceiling on its shortfall.

    Parameters
    ----------
    fixed : float [allowance]
        Benchmark allowances of the units without unit relief.
    gap_rate : float [1]
        g: the largest shortfall in emissions that the entity must cover.
    topped : tuple of (float, float)
        For each unit with unit relief: its benchmark allowances and its share of the key channel.
        Special-case units have benchmark 0, so that the relief always covers them.

    Notes
    -----
    .. math:: A = \max\Big(F + \sum_u \max(G_u, w_u e),\; (1 - g) E\Big)

    The key channel holds the units with unit relief if there are any, else all units. With several such units the
    rule moves them in proportion, which is exact for one of them. The shortfall ``E - A`` is a minimum of affine
    pieces and never linearised.

    References
    ----------
    source: mee-2024-1
    """

    fixed: float
    gap_rate: float
    topped: tuple[tuple[float, float], ...] = ()

    def initial(self, key: ArrayLike) -> Array:
        """Allowances after unit relief and before entity relief."""
        amount = np.full(np.shape(key), self.fixed)
        for benchmark, share in self.topped:
            amount = amount + np.maximum(benchmark, share * np.asarray(key, dtype=float))
        return amount

    def amount(self, key: ArrayLike, other: ArrayLike) -> Array:
        """Allowances for the given emissions, before rounding."""
        return np.maximum(self.initial(key), (1.0 - self.gap_rate) * _total(key, other))

    def _pieces(self) -> list[tuple[float, float]]:
        """(constant, slope in key) of the initial allowances, piece by piece as key emissions rise."""
        order = sorted(self.topped, key=lambda unit: unit[0] / unit[1])
        pieces = [(self.fixed + sum(benchmark for benchmark, _ in order), 0.0)]
        for benchmark, share in order:
            constant, slope = pieces[-1]
            pieces.append((constant - benchmark, slope + share))
        return pieces

    def key_kinks(self) -> Kinks:
        """Key emissions at which a unit reaches its benchmark."""
        return tuple(sorted({benchmark / share for benchmark, share in self.topped if benchmark > 0}))

    def total_kinks(self) -> Kinks:
        """Emissions of the entity at which its shortfall reaches the ceiling while no unit is topped up."""
        constant, _ = self._pieces()[0]
        return (constant / (1.0 - self.gap_rate),) if constant > 0 else ()

    def mixed_kinks(self) -> Lines:
        """The same ceiling while some unit is topped up, as lines in (key, other)."""
        covered = 1.0 - self.gap_rate
        return tuple((covered - slope, covered, constant) for constant, slope in self._pieces()[1:])

    def is_capped(self, key: float, other: float) -> bool:
        """Whether the entity relief applies."""
        return bool((1.0 - self.gap_rate) * (key + other) > self.initial(key))

    def gradient(self, key: float, other: float) -> tuple[float, float]:
        """(dA/dkey, dA/dother) inside a smooth piece."""
        if self.is_capped(key, other):
            return (1.0 - self.gap_rate, 1.0 - self.gap_rate)
        return (sum(share for benchmark, share in self.topped if share * key > benchmark), 0.0)


@dataclass(frozen=True, slots=True)
class Scaled:
    """Another rule of which only a share is given free (the rest is auctioned).

    Parameters
    ----------
    rule : ObligationRule
        The rule that is scaled.
    share : float [1]
        Free share, 0..1.
    """

    rule: ObligationRule
    share: float

    def amount(self, key: ArrayLike, other: ArrayLike) -> Array:
        """Free allowances for the given emissions, before rounding."""
        return self.share * self.rule.amount(key, other)

    def key_kinks(self) -> Kinks:
        """Kinks of the scaled rule; scaling moves none."""
        return self.rule.key_kinks()

    def total_kinks(self) -> Kinks:
        """Kinks of the scaled rule; scaling moves none."""
        return self.rule.total_kinks()

    def mixed_kinks(self) -> Lines:
        """Kinks of the scaled rule; scaling moves none."""
        return self.rule.mixed_kinks()

    def gradient(self, key: float, other: float) -> tuple[float, float]:
        """(dA/dkey, dA/dother) inside a smooth piece."""
        by_key, by_other = self.rule.gradient(key, other)
        return (self.share * by_key, self.share * by_other)

    def intensity(self, key: ArrayLike) -> Array:
        """Emissions of the key process per unit of its output."""
        return self._balanced().intensity(key)

    def collar(self) -> tuple[float, float]:
        """(strength, limit) of the rule before the auction share is taken off."""
        return self._balanced().collar()

    def rated_output(self) -> float | None:
        """Output that the balance value is paid on before the auction share is taken off."""
        return self._balanced().rated_output()

    @property
    def balance_value(self) -> float:
        """Balance value of the rule that is scaled."""
        return self._balanced().balance_value

    def with_balance_value(self, value: float) -> Self:
        """The same free share of the rule at another balance value."""
        return dataclasses.replace(self, rule=self._balanced().with_balance_value(value))

    def _balanced(self) -> BalancedRule:
        if not isinstance(self.rule, BalancedRule):
            raise PluginError(f"{type(self.rule).__name__} has no balance value, yet its unit names a balance group.")
        return self.rule
