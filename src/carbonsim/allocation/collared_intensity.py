"""Collared sector intensity: allowances are verified emissions plus or minus at most three per cent of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from carbonsim.accounting.rounding import round_half_up
from carbonsim.allocation.assemble import best_response, floored, groups, raise_for
from carbonsim.allocation.balance import Balance, balance_value
from carbonsim.allocation.core import (
    Allocation,
    AllocationInput,
    Array,
    ObligationRule,
    UnitOfAccount,
    allocation_rules,
)
from carbonsim.allocation.obligations import CollaredIntensity, FullCover
from carbonsim.inputs.parameters import ParameterSet

# Section 3(2) of the plan: steel is rated as a whole enterprise, clinker by line, aluminium by potline.
RATED_BY_ENTERPRISE = ("steel",)


@dataclass(frozen=True, slots=True)
class _Account:
    """One unit of account before the balance value is known."""

    name: str
    rows: NDArray[np.intp]
    total: float
    key: float
    key_output: float
    is_covered_in_full: bool

    @property
    def other(self) -> float:
        return self.total - self.key


@allocation_rules.register(
    "collared_intensity",
    first_year=2025,
    last_year=None,  # the validity of its parameters ends it
    sectors=("steel", "cement", "aluminium"),
    parameters=(
        "industry.collar_strength",
        "industry.collar_limit",
        "industry.small_entity_emissions",
        "industry.intensity_decimals",
    ),
    # Neither splitting nor scaling holds below the small-entity threshold, and the collar has kinks.
    invariants=(),
    has_benchmark=True,
    takes_as_given=("balance_value",),
    kind="best_response",
    phi="s (2 I/B - 1) inside the collar, -a at its ends",
    sigma="s I^2/B inside the collar, 0 at its ends",
    lag=0,
    title_zh="碳排放强度系数法（平衡值，±3%）",
    data_items=("verified_emissions", "key_process_emissions", "key_process_output"),
)
def collared_intensity(
    data: AllocationInput, parameters: ParameterSet, /, *, balance_value: float | None = None
) -> Allocation:
    """Free allocation ``E (1 + a)``, the coefficient set by the distance to the sector's balance value.

    Parameters
    ----------
    data : AllocationInput
        The sector's national entities in one year; reads emissions, key emissions, key output, special cases.
    parameters : ParameterSet
        Reads ``industry.collar_strength``, ``industry.collar_limit``, ``industry.small_entity_emissions`` and,
        where the sector has it, ``industry.intensity_decimals``.
    balance_value : float [tCO2e/key output unit], optional
        A published balance value. Without it the fixed point over the entities in ``data`` is used.

    Returns
    -------
    Allocation
        Best response; one unit of account for a steel enterprise, a clinker line or a potline. In the ledger amount
        the intensity is rounded where the guideline rounds it and the allowances are floored; for a row that stands
        for many entities the floor is on its total. The notes hold the balance value with its interval and gap.

    Raises
    ------
    InputError
        If a unit with emissions has no key output and no special case.

    Notes
    -----
    A special case of any of its facilities, or emissions below the threshold for each entity, gives a unit
    allowances equal to its emissions and takes it out of the balance. Facilities of a block row are bins and rated
    one by one where each has its own key output. A unit that is one facility with other emissions beside its key
    process answers a price as if every measure cut both in proportion; ``phi_key`` and ``phi_other`` stay apart.
    Entities take the balance value as given; the market recalibrates it unless a published one is given.

    References
    ----------
    source: mee-2026-draft
    """
    strength = parameters.value("industry.collar_strength", data.year)
    limit = parameters.value("industry.collar_limit", data.year)
    accounts = _accounts(data, parameters.value("industry.small_entity_emissions", data.year))
    balance = _balance(accounts, strength=strength, limit=limit, given=balance_value)
    is_published = balance_value is not None
    rules = [_rule(account, strength=strength, limit=limit, balance=balance.value) for account in accounts]
    exact, ledger, phi_key, phi_other, sigma = _evaluate(data, accounts, rules, _decimals(data, parameters))
    return best_response(
        "collared_intensity",
        data,
        units=[
            _unit(account, rule, data, is_published=is_published) for account, rule in zip(accounts, rules, strict=True)
        ],
        amount=ledger,
        amount_unrounded=exact,
        phi_key=phi_key,
        phi_other=phi_other,
        sigma=sigma,
        output=data.key_output,
        key_emissions=data.key_emissions,
        notes={
            "balance_value": balance.value,
            "balance_low": balance.low,
            "balance_high": balance.high,
            "balance_gap": balance.gap,
        },
    )


def _evaluate(
    data: AllocationInput, accounts: list[_Account], rules: Sequence[ObligationRule], decimals: int | None
) -> tuple[Array, Array, Array, Array, Array]:
    """Amount, ledger amount, phi of the two channels and sigma of each facility at the given emissions."""
    exact, ledger, phi_key, phi_other, sigma = (np.zeros(len(data.facility)) for _ in range(5))
    # A loop over units of account: each has its own rule object.
    for account, rule in zip(accounts, rules, strict=True):
        rows = account.rows
        by_key, by_other = rule.gradient(account.key, account.other)
        phi_key[rows], phi_other[rows] = 1.0 - by_key, 1.0 - by_other
        spread = data.emissions[rows] / (account.total or 1.0)
        exact[rows] = spread * float(rule.amount(account.key, account.other))
        ledger[rows] = spread * _ledger_amount(account, rule, decimals)
        if isinstance(rule, CollaredIntensity):
            slope = rule.output_gradient(account.key, account.other)
            sigma[rows] = np.where(data.key_output[rows] > 0, slope, 0.0)
    return exact, ledger, phi_key, phi_other, sigma


def _accounts(data: AllocationInput, small: float) -> list[_Account]:
    """Units of account, in order of first appearance."""
    enterprises = groups(data.enterprise)
    accounts = []
    for enterprise, rows in enterprises.items():
        each = float(data.emissions[rows].sum() / data.entities[rows[0]])
        parts = [rows] if _is_rated_whole(data, rows) else [rows[i : i + 1] for i in range(len(rows))]
        for part in parts:
            total, key = float(data.emissions[part].sum()), float(data.key_emissions[part].sum())
            name = enterprise if part is rows else data.facility[part[0]]
            in_full = any(data.special_case[row] for row in part) or each < small or total == 0
            accounts.append(_Account(name, part, total, key, float(data.key_output[part].sum()), in_full))
    raise_for(
        [account.name for account in accounts if account.key_output <= 0 and not account.is_covered_in_full],
        "no_key_output",
        f"emissions in {data.year} but no output of the key process, so {data.sector} has no intensity to rate",
        "Give an activity row with method key_output, or a special_case in facilities.",
    )
    return accounts


def _is_rated_whole(data: AllocationInput, rows: NDArray[np.intp]) -> bool:
    is_binned = data.entities[rows[0]] > 1 and bool(np.all(data.key_output[rows] > 0))
    return data.sector in RATED_BY_ENTERPRISE and not is_binned


def _balance(accounts: list[_Account], *, strength: float, limit: float, given: float | None) -> Balance:
    rated = [account for account in accounts if not account.is_covered_in_full]
    if not rated:
        return Balance(value=np.nan, low=np.nan, high=np.nan, gap=0.0)
    intensity = np.array([account.key / account.key_output for account in rated])
    total = np.array([account.total for account in rated])
    if given is None:
        return balance_value(intensity, total, strength=strength, limit=limit)
    coefficient = np.clip(strength * (1.0 - intensity / given), -limit, limit)
    return Balance(value=given, low=given, high=given, gap=float(total @ coefficient / total.sum()))


def _rule(account: _Account, *, strength: float, limit: float, balance: float) -> CollaredIntensity | FullCover:
    """The account's allowances as a function of its two channels."""
    if account.is_covered_in_full:
        return FullCover()
    return CollaredIntensity(account.key_output, strength, limit, balance)


def _unit(
    account: _Account, rule: CollaredIntensity | FullCover, data: AllocationInput, *, is_published: bool
) -> UnitOfAccount:
    key, other, output = account.key, account.other, account.key_output
    if len(account.rows) == 1 and 0 < key < account.total and isinstance(rule, CollaredIntensity):
        # A facility cannot tell whether a measure cuts key or other emissions, so both fall in proportion: one channel
        # holding all emissions, with the output that leaves the intensity what it is.
        output *= account.total / key
        key, other, rule = account.total, 0.0, dataclasses.replace(rule, key_output=output)
    return UnitOfAccount(
        name=account.name,
        enterprise=data.enterprise[account.rows[0]],
        facilities=tuple(data.facility[row] for row in account.rows),
        key_facilities=tuple(data.facility[row] for row in account.rows if data.key_emissions[row] > 0),
        key_emissions=key,
        other_emissions=other,
        output=output,
        rule=rule,
        balance_group="" if account.is_covered_in_full or is_published else data.sector,
        benchmark=rule.balance_value * output if isinstance(rule, CollaredIntensity) else 0.0,
    )


def _decimals(data: AllocationInput, parameters: ParameterSet) -> int | None:
    """Decimals to which the sector's guideline rounds the intensity, or None where it says nothing."""
    parameter = parameters.get("industry.intensity_decimals")
    if (data.sector,) not in parameter.labels():
        return None
    return int(parameters.value("industry.intensity_decimals", data.year, data.sector))


def _ledger_amount(account: _Account, rule: ObligationRule, decimals: int | None) -> float:
    """Allowances as the law rounds them; full cover is the verified number itself."""
    if not isinstance(rule, CollaredIntensity):
        return account.total
    intensity = account.key / account.key_output
    rounded = intensity if decimals is None else float(round_half_up(intensity, decimals))
    coefficient = float(rule.coefficient(rounded * account.key_output))
    return float(floored(account.total * (1.0 + coefficient)))
