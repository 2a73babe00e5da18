"""The balance value of a collared sector: the intensity at which its allowances equal its emissions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from carbonsim.allocation.core import Array, BalancedRule
from carbonsim.errors import InputError, SolverError

FLAT = 1e-13  # gap, relative to emissions, below which the sector counts as balanced
TOLERANCE = 1e-9  # largest gap, relative to emissions, that is accepted
ROUNDS = 200


@dataclass(frozen=True, slots=True)
class Balance:
    """A balance value [tCO2e/output unit] with the interval of values that balance the sector and the gap left.

    The interval has width where every entity sits at an end of its collar; allowances and incentives are the same
    all over it, and ``value`` is its midpoint. ``gap`` is allowances less emissions over emissions.
    """

    value: float
    low: float
    high: float
    gap: float


def balance_value(intensity: ArrayLike, emissions: ArrayLike, *, strength: float, limit: float) -> Balance:
    """Balance value of a sector from the intensities and emissions of its national entities.

    Parameters
    ----------
    intensity : array [tCO2e/output unit] (entity,)
        Emissions of the key process per unit of its output.
    emissions : array [tCO2e] (entity,)
        Covered emissions; a row that stands for many entities weighs with its total.
    strength, limit : float [1]
        Slope of the intensity coefficient and its largest value.

    Returns
    -------
    Balance

    Raises
    ------
    InputError
        If there is no entity with emissions and intensity.
    SolverError
        If the gap left exceeds 1e-9 of emissions: more than half of them come from entities with intensity 0.

    Notes
    -----
    Solves ``sum_i E_i a_i(B) = 0``, whose left side never falls in B, by bisection to machine precision from both
    sides, which finds the interval.

    References
    ----------
    source: mee-2026-draft

    Examples
    --------
    >>> round(balance_value([0.8, 1.0], [100.0, 100.0], strength=0.15, limit=0.03).value, 9)
    0.9
    """
    weight = np.asarray(emissions, dtype=float)
    return _solve(np.asarray(intensity, dtype=float), weight, np.asarray(strength), np.asarray(limit))


def recalibrate(rules: Sequence[BalancedRule], key: ArrayLike, other: ArrayLike) -> Balance:
    """Balance value of a group of obligation rules at given emissions after abatement.

    Parameters
    ----------
    rules : sequence of BalancedRule
        One for each unit of account of the group, scaled by an auction share or not.
    key, other : array [tCO2e] (unit,)
        Emissions of the key process and the other emissions of each unit.

    Returns
    -------
    Balance
        Before any auction share: the auction takes its share of a balanced sector.

    Raises
    ------
    InputError, SolverError
        As in :func:`balance_value`.
    """
    keys, others = np.asarray(key, dtype=float), np.asarray(other, dtype=float)
    outputs = [rule.rated_output() for rule in rules]
    paid_on = [output for output in outputs if output is not None]
    if paid_on:
        return _mean_intensity(float((keys + others).sum()), paid_on, len(rules))
    intensities = np.array([float(rule.intensity(e)) for rule, e in zip(rules, keys, strict=True)])
    collars = np.array([rule.collar() for rule in rules]).reshape(-1, 2)
    return _solve(intensities, keys + others, collars[:, 0], collars[:, 1])


def _mean_intensity(emissions: float, outputs: Sequence[float], rules: int) -> Balance:
    """Balance value of a group whose allowances are that value times output."""
    if len(outputs) < rules or sum(outputs) <= 0:
        raise InputError(
            "a group that balances a benchmark on output needs that rule for all of its units and some output. "
            "Give the sector one rule a year, and activity rows with method output."
        )
    value = emissions / sum(outputs)
    return Balance(value=value, low=value, high=value, gap=0.0)


def _solve(intensity: Array, emissions: Array, strength: Array, limit: Array) -> Balance:
    total = float(emissions.sum())
    positive = intensity > 0
    if total <= 0 or not positive.any():
        raise InputError(
            "the balance value needs entities with emissions and key-process intensity above 0. "
            "Give key_output and emissions of the sector's entities, or a special_case for those without."
        )

    def gap(balance: float) -> float:
        return float(emissions @ np.clip(strength * (1.0 - intensity / balance), -limit, limit)) / total

    # At `first` every positive intensity is at the dirty end of its collar, at `last` no coefficient is negative.
    first = float(np.min((intensity * strength / (strength + limit))[positive]))
    last = float(intensity.max())
    low = _boundary(lambda balance: gap(balance) < -FLAT, first, last)
    high = _boundary(lambda balance: gap(balance) <= FLAT, first, last)
    value = 0.5 * (low + high)
    residual = gap(value)
    if abs(residual) > TOLERANCE:
        raise SolverError(
            f"no balance value closes the sector: at {value:.6g} allowances miss emissions by {residual:.1e} of them, "
            f"accepted is {TOLERANCE:.0e}."
        )
    return Balance(value=value, low=low, high=high, gap=residual)


def _boundary(holds: Callable[[float], bool], low: float, high: float) -> float:
    """Last balance value at which a condition that ends once still holds, by bisection to machine precision."""
    if holds(high):
        return high
    if not holds(low):
        return low
    for _ in range(ROUNDS):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
