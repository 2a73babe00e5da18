"""Balance groups: sectors whose balance value is recalibrated so that allowances equal emissions.

Every unit takes the balance value as given and answers the price; the answers move the balance value: a fixed
point. Before any auction share the group's net demand is zero at every price, so it does not help to find the price.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from carbonsim.allocation.balance import recalibrate
from carbonsim.allocation.core import BalancedRule
from carbonsim.errors import SolverError
from carbonsim.market.best_response import Unit, best_answers, mix_answers
from carbonsim.market.clearing import TermAnswer
from carbonsim.market.supply import Array

BALANCE_TOLERANCE = 1e-9  # difference between the balance value taken as given and the one that results
ROUNDS = 60
HALVINGS = 120
LARGEST_ROUNDING = 1e-3  # gap that rounding an indifferent single unit may leave, as a share of the group's emissions


@dataclass(frozen=True, slots=True, eq=False)
class GroupAnswer:
    """The fixed point of a group: balance value, the units' answers, rounds taken and what is left over."""

    balance_value: float
    answers: tuple[TermAnswer, ...]
    rounds: int
    residual: float


def answer_group(name: str, units: Sequence[Unit], price: float, rent: float = 0.0) -> GroupAnswer:
    """Answers of a group's units at a price together with the balance value they bring about.

    Iterates balance value and answers by turns; if the answers cycle, halves an interval of balance values instead.

    Raises
    ------
    SolverError
        If no balance value reproduces itself to 1e-9.
    """
    value = _rule(units[0]).balance_value
    seen: set[tuple[float, ...]] = set()
    for rounds in range(1, ROUNDS + 1):
        answers = _answers(units, value, price, rent)
        following = _balance(units, answers)
        residual = abs(following - value) / following
        if residual <= 1e-14:
            return GroupAnswer(following, answers, rounds, residual)
        cuts = tuple(cut for answer in answers for cut in (answer.key_cut, answer.other_cut))
        if cuts in seen:
            break
        seen.add(cuts)
        value = following
    return _by_halving(name, units, price, rent)


def at_balance(unit: Unit, value: float) -> Unit:
    """The unit under its rule at a balance value."""
    return replace(unit, rule=_rule(unit).with_balance_value(value))


@dataclass(frozen=True, slots=True)
class _OneOfMany:
    """A rule seen from the total of ``weight`` identical units."""

    rule: BalancedRule
    weight: float

    def intensity(self, key: Array) -> Array:
        return self.rule.intensity(np.asarray(key) / self.weight)

    def collar(self) -> tuple[float, float]:
        return self.rule.collar()

    def rated_output(self) -> float | None:
        output = self.rule.rated_output()
        return None if output is None else self.weight * output


def _rule(unit: Unit) -> BalancedRule:
    return cast(BalancedRule, unit.rule)


def _answers(units: Sequence[Unit], value: float, price: float, rent: float) -> tuple[TermAnswer, ...]:
    return tuple(best_answers(at_balance(unit, value), price, rent).least for unit in units)


def _balance(units: Sequence[Unit], answers: Sequence[TermAnswer]) -> float:
    """The balance value at which the group's allowances equal its emissions, for given answers."""
    rules = [cast(BalancedRule, _OneOfMany(_rule(unit), unit.term.weight)) for unit in units]
    key = [unit.term.key - answer.key_cut for unit, answer in zip(units, answers, strict=True)]
    other = [unit.term.other - answer.other_cut for unit, answer in zip(units, answers, strict=True)]
    return float(recalibrate(rules, key, other).value)


def _by_halving(name: str, units: Sequence[Unit], price: float, rent: float) -> GroupAnswer:
    """The balance value that the answers to it reproduce, between one that rises and one that falls."""

    def rise(value: float) -> float:
        return _balance(units, _answers(units, value, price, rent)) - value

    low, high = _bracket(_rule(units[0]).balance_value, rise)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        low, high = (middle, high) if rise(middle) > 0 else (low, middle)
    value = min((low, high), key=lambda end: abs(rise(end)))
    residual = abs(rise(value)) / value
    if residual > BALANCE_TOLERANCE:
        return _mixed(name, units, (low, high), price, rent)
    answers = _answers(units, value, price, rent)
    return GroupAnswer(_balance(units, answers), answers, ROUNDS, residual)


def _mixed(name: str, units: Sequence[Unit], ends: tuple[float, float], price: float, rent: float) -> GroupAnswer:
    """The group at a balance value at which some units are indifferent: part of them takes either answer.

    Raises
    ------
    SolverError
        If single units would have to take half of an answer and rounding them would unbalance the group.
    """
    value = 0.5 * (ends[0] + ends[1])
    first, second = (_answers(units, end, price, rent) for end in ends)
    gaps = [_gap(units, answers, value) for answers in (first, second)]
    whole = [
        unit.term.weight <= 1 and abs(_left(unit, a) - _left(unit, b)) > 0
        for unit, a, b in zip(units, first, second, strict=True)
    ]
    rounded = min(abs(gap) for gap in gaps) / sum(
        _left(unit, answer) for unit, answer in zip(units, first, strict=True)
    )
    if gaps[0] * gaps[1] > 0 or (any(whole) and rounded > LARGEST_ROUNDING):
        raise SolverError(
            f"Balance group '{name}' does not settle at price {price:g}: at balance value {value:.9g} single units are "
            f"indifferent between two answers, and either leaves allowances and emissions {rounded:.1e} apart.",
            f"平衡组 '{name}' 在价格 {price:g} 下不能确定：平衡值为 {value:.9g} 时，个别单元对两种响应无差异，"
            f"而任取其一都使配额与排放相差 {rounded:.1e}。",
        )
    weight = gaps[0] / (gaps[0] - gaps[1])
    answers = tuple(
        a if _left(unit, a) == _left(unit, b) else mix_answers(at_balance(unit, value), a, b, weight)
        for unit, a, b in zip(units, first, second, strict=True)
    )
    return GroupAnswer(value, answers, ROUNDS, 0.0)


def _left(unit: Unit, answer: TermAnswer) -> float:
    return unit.term.key + unit.term.other - answer.key_cut - answer.other_cut


def _gap(units: Sequence[Unit], answers: Sequence[TermAnswer], value: float) -> float:
    """Allowances less emissions of the group at a balance value, before any auction share."""
    gap = 0.0
    for unit, answer in zip(units, answers, strict=True):
        output = _rule(unit).rated_output()
        if output is not None:
            gap += value * unit.term.weight * output - _left(unit, answer)
            continue
        strength, limit = _rule(unit).collar()
        intensity = float(_rule(unit).intensity((unit.term.key - answer.key_cut) / unit.term.weight))
        gap += _left(unit, answer) * float(np.clip(strength * (1 - intensity / value), -limit, limit))
    return gap


def _bracket(start: float, rise: Callable[[float], float]) -> tuple[float, float]:
    low = high = start
    for _ in range(HALVINGS):
        if rise(low) >= 0:
            break
        low /= 2
    for _ in range(HALVINGS):
        if rise(high) <= 0:
            break
        high *= 2
    return low, high
