"""Net demand of one best-response unit as a falling staircase of the price, exact where its answers are finitely many.

The least cost at a price is a minimum of lines in the price, one for each answer: its slope is net demand. The
lower envelope of the lines is found by asking for the best answer where two known lines cross, until nothing better
appears. A unit whose answer moves smoothly has no such staircase and is asked again at each price.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from carbonsim.market.best_response import Answers, Unit, best_answers
from carbonsim.market.channel import Channel
from carbonsim.market.clearing import TermAnswer

LARGEST_STAIRCASE = 48
NOT_BETTER = 1e-11
BENDS = 1e-12


@dataclass(frozen=True, slots=True)
class OffsetKink:
    """Price from which offsets pay and the share of each obligation they may cover."""

    price: float
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class Staircase:
    """Answers in falling order of net demand; ``price[j]`` is where answer j gives way to answer j + 1.

    ``drop[j]`` is the fall of net demand there, after the offsets that come with the obligation.
    """

    answers: tuple[TermAnswer, ...]
    price: tuple[float, ...]
    drop: tuple[float, ...]


def rent(kinks: Sequence[OffsetKink], price: float) -> float:
    """Worth of the offset entitlement per tonne of obligation at a price."""
    return sum(kink.share * max(price - kink.price, 0.0) for kink in kinks)


def entitled(kinks: Sequence[OffsetKink], price: float) -> float:
    """Share of obligations that offsets cover at a price, none at the price from which they pay."""
    return sum(kink.share for kink in kinks if price > kink.price)


def answers_at(unit: Unit, price: float, kinks: Sequence[OffsetKink]) -> Answers:
    """The unit's best answers with net demand taken after the offsets it is entitled to."""
    found = best_answers(unit, price, rent(kinks, price))
    covered = entitled(kinks, price)
    ends = sorted(
        ((_net(unit, answer, covered), answer) for answer in (found.most, found.least)), key=lambda pair: -pair[0]
    )
    return Answers(ends[0][1], ends[1][1], ends[0][0], ends[1][0])


def staircase(unit: Unit, kinks: Sequence[OffsetKink], top: float) -> Staircase | None:
    """The unit's staircase from price 0 to ``top``, or None if its answer moves smoothly.

    Parameters
    ----------
    unit : Unit
    kinks : sequence of OffsetKink
        In rising order of price.
    top : float [CNY/tCO2e]
        Highest price that matters.
    """
    if moves_smoothly(unit):
        return None
    bounds = [0.0, *(kink.price for kink in kinks if 0 < kink.price < top), top]
    first = best_answers(unit, 0.0)
    stairs = [(0.0, first.most, 0.0)]
    if first.net_most > first.net_least:
        stairs.append((0.0, first.least, first.net_most - first.net_least))
    for low, high in itertools.pairwise(bounds):
        covered = entitled(kinks, 0.5 * (low + high))
        end = best_answers(unit, high, rent(kinks, high)).least
        found = _between(unit, kinks, covered, (low, stairs[-1][1]), (high, end))
        if found is None or len(stairs) + len(found) > LARGEST_STAIRCASE:
            return None
        stairs += found
    return Staircase(
        answers=tuple(answer for _, answer, _ in stairs),
        price=tuple(price for price, _, _ in stairs[1:]),
        drop=tuple(drop for _, _, drop in stairs[1:]),
    )


def moves_smoothly(unit: Unit) -> bool:
    """Whether a marginal cost rises or the rule bends within a piece, so that the best answer slides with the price."""
    if np.any(unit.key.high > unit.key.low) or np.any(unit.other.high > unit.other.low):
        return True
    term, weight = unit.term, unit.term.weight
    key = _thirds([term.key - weight * kink for kink in unit.rule.key_kinks()], unit.key)
    other = _thirds([], unit.other)
    for key_cut in key:
        for other_cut in other:
            near, far = (
                unit.rule.gradient((term.key - key_cut[side]) / weight, (term.other - other_cut[side]) / weight)
                for side in (0, 1)
            )
            apart = max(abs(a - b) for a, b in zip(near, far, strict=True))
            # Across a kink of the total the gradient jumps as well; the staircase search then decides.
            if apart > BENDS and not (unit.rule.total_kinks() or unit.rule.mixed_kinks()):
                return True
    return False


def _thirds(kinks: list[float], channel: Channel) -> list[tuple[float, float]]:
    """Two points inside each piece of a channel between its corners; the only point of one without options."""
    inside = [kink for kink in kinks if 0 < kink < channel.capacity]
    corners = sorted({0.0, *channel.end.tolist(), *inside})
    pairs = itertools.pairwise(corners)
    return [(low + (high - low) / 3, low + (high - low) * 2 / 3) for low, high in pairs] or [(0.0, 0.0)]


def emissions(unit: Unit, answer: TermAnswer) -> float:
    """Emissions of the unit after its answer."""
    return unit.term.key + unit.term.other - answer.key_cut - answer.other_cut


def _net(unit: Unit, answer: TermAnswer, covered: float) -> float:
    left = emissions(unit, answer)
    return unit.share * (left - answer.allowances - covered * left)


def _between(
    unit: Unit,
    kinks: Sequence[OffsetKink],
    covered: float,
    low: tuple[float, TermAnswer],
    high: tuple[float, TermAnswer],
) -> list[tuple[float, TermAnswer, float]] | None:
    """Stairs between two prices whose answers are known, as (price, answer after it, drop)."""
    active = [kink for kink in kinks if kink.price <= low[0] and covered > 0]

    def line(answer: TermAnswer) -> tuple[float, float]:
        paid = unit.share * emissions(unit, answer) * sum(kink.share * kink.price for kink in active)
        return answer.cost + paid, _net(unit, answer, covered)

    found: list[tuple[float, TermAnswer, float]] = []
    waiting = [(low[1], high[1])]
    asked = 0
    scale = unit.share * (unit.term.key + unit.term.other)
    while waiting:
        before, after = waiting.pop()
        (cost_before, net_before), (cost_after, net_after) = line(before), line(after)
        drop = net_before - net_after
        if drop <= 1e-12 * scale:
            continue
        price = min(max((cost_after - cost_before) / drop, low[0]), high[0])
        asked += 1
        if asked > 2 * LARGEST_STAIRCASE:
            return None
        best = best_answers(unit, price, rent(kinks, price))
        value = min(cost + price * net for cost, net in (line(best.most), line(best.least)))
        known = cost_before + price * net_before
        if known - value <= NOT_BETTER * (abs(known) + price * scale):
            found.append((price, after, drop))
            continue
        middle = best.least
        waiting += [(middle, after), (before, middle)]
    return sorted(found, key=lambda stair: (stair[0], _net(unit, stair[1], covered) * -1))
