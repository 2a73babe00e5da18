"""What an engine hands back, whichever engine it is: prices, quantities and how they were found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from carbonsim.market.supply import Array


@dataclass(frozen=True, slots=True, eq=False)
class TermAnswer:
    """Answer of one response term, mixed between two equally good ones where ``mix`` is above 0.

    ``key_cut`` and ``other_cut`` are tonnes abated in each channel, ``cost`` their cost, ``allowances`` the free
    allocation before the obligation share; all are the mean over the mix.
    """

    key_cut: float
    other_cut: float
    cost: float
    allowances: float
    mix: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class EnterpriseClearing:
    """What a programme with a balance for each enterprise hands back beside the market's own quantities.

    ``trade`` is purchases less sales and ``bank`` what is held at the end of the year [allowance], ``price`` what an
    allowance is worth to the enterprise [CNY/tCO2e], NaN where it has no balance; (enterprise, year). ``opening`` is
    (enterprise), ``step_used`` (step, enterprise, year) the use of the steps that enterprises use themselves.
    ``published`` holds dimensions, values and unit of what single instruments publish, ``words`` attributes of the
    dataset.
    """

    trade: Array
    bank: Array
    price: Array
    opening: Array
    opening_rule: str
    step_used: Array
    published: Mapping[str, tuple[tuple[str, ...], Array, str]] = field(default_factory=dict)
    coordinates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Clearing:
    """Prices and quantities of a cleared market, arrays over (year), (option, year) and (step, year).

    ``price_high`` is ``inf`` where nothing bounds the price from above. ``indeterminate`` marks years whose price
    no rule determines. ``mixed`` holds tonnes of net demand that rest on a mix of two equally good answers.
    ``flows`` [tCO2e] and ``prices`` [CNY/tCO2e] are what single instruments publish, (year).
    """

    engine: str
    reason: str
    basis: str
    price: Array
    price_low: Array
    price_high: Array
    abatement: Array
    step_used: Array
    answers: tuple[TermAnswer, ...]
    indeterminate: NDArray[np.bool_]
    mixed: Array
    balance_value: Mapping[tuple[str, int], float] = field(default_factory=dict)
    residual: float = 0.0
    rounds: int = 1
    solver: str = ""
    flows: Mapping[str, Array] = field(default_factory=dict)
    prices: Mapping[str, Array] = field(default_factory=dict)
    enterprises: EnterpriseClearing | None = None
