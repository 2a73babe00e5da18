"""A correction factor across sectors: one number that scales every free allocation so that together they fit."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TypeVar

from carbonsim.allocation.core import Allocation
from carbonsim.allocation.obligations import Scaled
from carbonsim.errors import InputError

Label = TypeVar("Label")


def correction_factor(wanted: float, budget: float) -> float:
    """Largest factor up to 1 by which what is wanted fits a budget.

    Raises
    ------
    InputError
        If the budget is negative.

    Examples
    --------
    >>> correction_factor(250.0, 200.0), correction_factor(150.0, 200.0)
    (0.8, 1.0)
    """
    if not budget >= 0:
        raise InputError(f"a budget of {budget:g} free allowances is negative; expected a number from 0.")
    return min(1.0, budget / wanted) if wanted > 0 else 1.0


def with_correction_factor(
    allocations: Mapping[Label, Allocation], budget: float
) -> tuple[dict[Label, Allocation], float]:
    r"""Allocations of several sectors scaled by one cross-sector factor so that together they fit a budget.

    Parameters
    ----------
    allocations : mapping to Allocation
        Of one year, by sector, before any auction share.
    budget : float [allowance]
        Largest free allocation of all of them.

    Returns
    -------
    dict, float
        The scaled allocations and the factor, also in their notes as ``correction_factor``.

    Raises
    ------
    InputError
        If the budget is negative, or a balance group is among them: it is balanced after the fact and cannot be cut.

    Notes
    -----
    .. math:: \lambda = \min(1, \bar F / \sum_i A_i), \qquad \sigma_i = \lambda \beta_i,
        \qquad \varphi_i = 1 - \lambda (1 - \varphi^0_i)

    Everybody takes the factor as given. It is set on the allocation before abatement and output response; where
    those move it, ``OutputProblem`` with the policy ``corrected`` finds factor, output and price together.
    """
    balanced = [str(name) for name, one in allocations.items() if any(unit.balance_group for unit in one.units)]
    if balanced:
        raise InputError(
            f"{', '.join(balanced)} balances its allowances with its emissions, so no factor applies. Leave it out."
        )
    factor = correction_factor(sum(float(one.amount_unrounded.sum()) for one in allocations.values()), budget)
    return {name: _scaled(one, factor) for name, one in allocations.items()}, factor


def _scaled(one: Allocation, factor: float) -> Allocation:
    linear = (
        "amount", "amount_unrounded", "fixed", "per_emission", "per_output", "sigma", "benchmark",
        "per_previous_emission", "per_previous_output",
    )  # fmt: skip
    return dataclasses.replace(
        one,
        **{name: factor * getattr(one, name) for name in linear},
        phi_key=1.0 - factor * (1.0 - one.phi_key),
        phi_other=1.0 - factor * (1.0 - one.phi_other),
        units=tuple(dataclasses.replace(unit, rule=Scaled(unit.rule, factor)) for unit in one.units),
        notes={**one.notes, "correction_factor": factor},
    )
