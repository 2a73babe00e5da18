"""Builders of an Allocation from what a rule computed, shared by the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from carbonsim.allocation.core import Allocation, AllocationInput, Array, UnitOfAccount
from carbonsim.errors import InputError, Issue

NOISE_PLACES = 6  # decimals of a tonne beyond which a difference is arithmetic noise


def straight_line(
    rule: str,
    data: AllocationInput,
    *,
    fixed: Array | None = None,
    per_emission: Array | None = None,
    per_output: Array | None = None,
    output: Array | None = None,
    benchmark: Array | None = None,
    lag: int = 0,
    notes: Mapping[str, float] | None = None,
    per_previous_emission: Array | None = None,
    per_previous_output: Array | None = None,
) -> Allocation:
    """Allocation ``fixed + per_emission * emissions + per_output * output`` of each facility.

    Parameters
    ----------
    rule : str
        Name of the rule.
    data : AllocationInput
        What the rule was given.
    fixed : array [allowance] (facility,), optional
        Part that depends on nothing the facility still decides.
    per_emission : array [1] (facility,), optional
        Allowances for each tonne emitted.
    per_output : array [allowance/output unit] (facility,), optional
        Allowances for each unit of output.
    output : array [output unit] (facility,), optional
        The output that ``per_output`` refers to; the facility's output if not given.
    benchmark : array [tCO2e] (facility,), optional
        Benchmark times what it counts, where the rule has one; ``per_output * output`` stands in ``sigma`` as well.
    lag : int [years]
        Years between the data and the allocation.
    notes : mapping, optional
        Numbers the rule wants to report.
    per_previous_emission, per_previous_output : array (facility,), optional
        Derivatives of the amount by emissions [1] and output [allowance/output unit] of ``lag`` years before.

    Returns
    -------
    Allocation
        Of kind ``lump_sum`` if it depends on neither emissions nor output, else ``affine``.
    """
    zero = np.zeros(len(data.facility))
    fixed = zero if fixed is None else fixed
    per_emission = zero if per_emission is None else per_emission
    per_output = zero if per_output is None else per_output
    output = data.output if output is None else output
    amount = fixed + per_emission * data.emissions + per_output * output
    moves = bool(np.any(per_emission != 0) or np.any(per_output != 0))
    return Allocation(
        rule=rule,
        kind="affine" if moves else "lump_sum",
        facility=data.facility,
        amount=amount,
        amount_unrounded=amount,
        fixed=fixed,
        per_emission=per_emission,
        per_output=per_output,
        phi_key=1.0 - per_emission,
        phi_other=1.0 - per_emission,
        sigma=per_output,
        lag=lag,
        notes=dict(notes or {}),
        enterprise=data.enterprise,
        auctioned=np.zeros(len(data.facility)),
        benchmark=zero if benchmark is None else benchmark,
        emissions=data.emissions,
        key_emissions=data.key_emissions,
        output=output,
        per_previous_emission=zero if per_previous_emission is None else per_previous_emission,
        per_previous_output=zero if per_previous_output is None else per_previous_output,
    )


def best_response(
    rule: str,
    data: AllocationInput,
    *,
    units: Sequence[UnitOfAccount],
    amount: Array,
    amount_unrounded: Array,
    phi_key: Array,
    phi_other: Array,
    sigma: Array,
    output: Array,
    key_emissions: Array,
    notes: Mapping[str, float],
    benchmark: Array | None = None,
) -> Allocation:
    """Allocation whose units of account answer a price themselves; the affine arrays are zero.

    Parameters
    ----------
    rule : str
        Name of the rule.
    data : AllocationInput
        What the rule was given.
    units : sequence of UnitOfAccount
        Every facility belongs to exactly one.
    amount, amount_unrounded : array [allowance] (facility,)
        Allowances after and before the rounding of the law.
    phi_key, phi_other : array [1] (facility,)
        Marginal price signal on the emissions of the key process and on the others.
    sigma : array [tCO2e/output unit] (facility,)
        Allowances for one more unit of ``output``.
    output : array [output unit] (facility,)
        The output that ``sigma`` refers to.
    key_emissions : array [tCO2e] (facility,)
        The part of each facility's emissions that is in the key channel.
    notes : mapping
        Numbers the rule wants to report.
    benchmark : array [tCO2e] (facility,), optional
        Benchmark times what it counts, before relief, where the rule knows it.

    Returns
    -------
    Allocation
    """
    zero = np.zeros(len(data.facility))
    return Allocation(
        rule=rule,
        kind="best_response",
        facility=data.facility,
        amount=amount,
        amount_unrounded=amount_unrounded,
        fixed=zero,
        per_emission=zero,
        per_output=zero,
        phi_key=phi_key,
        phi_other=phi_other,
        sigma=sigma,
        units=tuple(units),
        notes=dict(notes),
        enterprise=data.enterprise,
        auctioned=np.zeros(len(data.facility)),
        benchmark=zero if benchmark is None else benchmark,
        emissions=data.emissions,
        key_emissions=key_emissions,
        output=output,
        per_previous_emission=zero,
        per_previous_output=zero,
    )


def last_year(data: AllocationInput, rule: str, *, of: str) -> Array:
    """Emissions or output of the year before, which a lagged rule starts from.

    Raises
    ------
    InputError
        If the year before is not known.
    """
    values: Array = getattr(data, f"previous_{of}")
    if len(values) != len(data.facility):
        raise InputError(
            f"{rule} for {data.sector} in {data.year} needs the {of} of {data.year - 1}, which the inventory does not "
            f"have. Start the study a year earlier, or use a rule without lag in {data.year}."
        )
    return values


def floored(amount: ArrayLike) -> Array:
    """Whole allowances, as the plans issue them; binary noise below a whole number does not cost one.

    >>> floored([1789.7, 0.29 * 100]).tolist()
    [1789.0, 29.0]
    """
    return np.floor(np.round(np.asarray(amount, dtype=float), NOISE_PLACES))


def groups(labels: Sequence[str]) -> dict[str, NDArray[np.intp]]:
    """Positions of each label, in order of first appearance."""
    found: dict[str, list[int]] = {}
    for position, label in enumerate(labels):
        found.setdefault(label, []).append(position)
    return {label: np.array(positions, dtype=np.intp) for label, positions in found.items()}


def raise_for(facilities: Sequence[str], code: str, problem: str, remedy: str) -> None:
    """Raise one InputError that names every facility with the same problem; nothing to name, nothing raised."""
    if not facilities:
        return
    raise InputError(
        Issue(code=code, source="facilities", message=f"facility {name}: {problem}", hint=remedy) for name in facilities
    )
