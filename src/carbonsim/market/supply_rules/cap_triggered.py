"""Cap adjustment for the bank: what was banked by a measured year is taken off the caps of later ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from carbonsim.errors import Said
from carbonsim.market.circulation import whole
from carbonsim.market.supply import Array
from carbonsim.market.supply_rule import (
    FIXED_SUPPLY,
    Observed,
    Response,
    SupplyRule,
    by_year,
    check_acts_on,
    has_bank,
    supply_rules,
)

if TYPE_CHECKING:
    import xarray as xr

    from carbonsim.market.certificate import Line
    from carbonsim.market.problem import MarketProblem

SAME = 1e-9  # relative difference below which two banks are one number
ADJUSTMENT_FIELDS = ("measured", "first", "last", "above", "share")


@supply_rules.register("cap_triggered")
@dataclass(frozen=True, slots=True, eq=False)
class CapTriggered(SupplyRule):
    r"""The bank of a measured year, above an amount, is taken off the caps of the years that follow in equal parts.

    .. math::
        :label: cap-triggered

        S'_y = S_y - \sum_{a:\, f_a \le y \le l_a} \frac{\sigma_a \max(B_{m_a} - \beta_a, 0)}{l_a - f_a + 1}

    With whole allowances the parts are those of the rounded running total, so that they add up to the rounded sum.
    Incentives: whoever banks knows that the market as a whole will lose what it banks, but not by whose hand; each
    takes the caps as given, so banking is not deterred, and the price of every year rises.

    Parameters
    ----------
    adjustments : list of mappings
        Each with ``measured`` (year whose closing bank counts), ``first`` and ``last`` (years whose caps are
        adjusted, after the measured one), ``above`` [allowance] and ``share`` [1] of the excess that is taken.
    earlier_bank : {year: number} [allowance]
        Closing banks of measured years before the market begins; that of the year before is the market's opening bank.
    whole_allowances : bool
        Whether the parts are whole allowances.
    acts_on : str
        "supply", or the label of the auction whose volume is reduced.
    """

    adjustments: Sequence[Mapping[str, float]]
    earlier_bank: Mapping[int, float] = field(default_factory=dict)
    whole_allowances: bool = False
    acts_on: str = FIXED_SUPPLY

    def __post_init__(self) -> None:
        object.__setattr__(self, "adjustments", tuple(dict(entry) for entry in self.adjustments))
        object.__setattr__(self, "earlier_bank", by_year(self.earlier_bank))

    def problems(self, problem: MarketProblem) -> list[str]:
        """Fields, order of years, banks that are not known, and a bank to read."""
        found = check_acts_on(problem, self.acts_on)
        if not self.adjustments:
            found.append(
                Said(
                    "cap_triggered has no adjustments, so it has no effect; give some or leave it out.",
                    "cap_triggered 没有 adjustments，不起作用；请给出，或删去该规则。",
                )
            )
        for entry in self.adjustments:
            if set(entry) != set(ADJUSTMENT_FIELDS):
                found.append(
                    Said(
                        f"an adjustment has {', '.join(entry)}; expected {', '.join(ADJUSTMENT_FIELDS)}.",
                        f"某项调整有 {'、'.join(entry)}，应为 {'、'.join(ADJUSTMENT_FIELDS)}。",
                    )
                )
                continue
            named = Said(f"the adjustment for {entry['measured']:g}", f"针对 {entry['measured']:g} 年的调整")
            if not entry["measured"] < entry["first"] <= entry["last"]:
                found.append(
                    Said(
                        f"{named} covers {entry['first']:g} to {entry['last']:g}; expected later years in order.",
                        f"{named.zh}适用于 {entry['first']:g} 至 {entry['last']:g} 年，应为其后依次的年份。",
                    )
                )
            if entry["measured"] not in problem.year and entry["measured"] not in self.earlier_bank:
                found.append(
                    Said(
                        f"earlier_bank has no {entry['measured']:g}, which an adjustment measures.",
                        f"earlier_bank 没有 {entry['measured']:g} 年的数值，而某项调整据此测量。",
                    )
                )
            if entry["last"] < problem.year[0] or entry["first"] > problem.year[-1]:
                found.append(
                    Said(
                        f"{named} changes no year of the market; leave it out.",
                        f"{named.zh}不改变市场的任何年份；请删去。",
                    )
                )
            if not (entry["above"] >= 0 and 0 < entry["share"] <= 1):
                found.append(
                    Said(
                        f"{named} needs above not negative and share above 0, at most 1.",
                        f"{named.zh}要求 above 非负，share 大于 0 且不超过 1。",
                    )
                )
        found += self._contradictions(problem)
        if not found and not has_bank(problem):
            found.append(
                Said(
                    "the market has no banking, so there is no bank to adjust for; declare banking.",
                    "市场没有结转，没有可据以调整的结余；请声明 banking。",
                )
            )
        return found

    def _contradictions(self, problem: MarketProblem) -> list[str]:
        """Earlier banks that say otherwise than the market: its opening bank, and the banks that it finds itself."""
        found: list[str] = []
        first, opening = problem.year[0], problem.opening_bank
        for year, bank in self.earlier_bank.items():
            if year >= first:
                found.append(
                    Said(
                        f"earlier_bank names {year}, whose bank the market finds itself; give years before {first}.",
                        f"earlier_bank 含 {year} 年，该年结余由市场求出；只给出 {first} 年之前的年份。",
                    )
                )
            elif year == first - 1 and abs(bank - opening) > SAME * max(abs(bank), abs(opening)):
                found.append(
                    Said(
                        f"earlier_bank has {bank:,.12g} at the end of {year}, but the market opens with "
                        f"{opening:,.12g}; the bank carried over is one number: make opening_bank the same.",
                        f"earlier_bank 中 {year} 年末结余为 {bank:,.12g}，而市场期初结余为 {opening:,.12g}；"
                        "结转的结余应为同一数值：请使 opening_bank 与之相同。",
                    )
                )
        return found

    def respond(self, problem: MarketProblem, seen: Observed, applied: Array | None = None) -> Response:
        """The adjustments worked forward year by year; see ``SupplyRule.respond``."""
        change, shifted = np.zeros(len(problem.year)), 0.0
        bank = dict(self.earlier_bank)
        for y, year in enumerate(problem.year):
            change[y] = -sum(self.part(entry, bank, year) for entry in self.adjustments)
            shifted += 0.0 if applied is None else change[y] - applied[y]
            bank[year] = seen.bank[y] + shifted
        return Response(change, {"cap_adjustment": -change})

    def part(self, entry: Mapping[str, float], bank: Mapping[int, float], year: int) -> float:
        """What an adjustment takes off the cap of a year."""
        if not entry["first"] <= year <= entry["last"]:
            return 0.0
        total = entry["share"] * max(bank[int(entry["measured"])] - entry["above"], 0.0)
        parts = int(entry["last"] - entry["first"]) + 1
        before = int(year - entry["first"])
        if not self.whole_allowances:
            return total / parts
        return float(whole(total * (before + 1) / parts) - whole(total * before / parts))

    def most(self, problem: MarketProblem, seen: Observed, room: Array) -> Array:
        """The adjustment if everything that could still be abated were banked."""
        fullest = Observed(seen.price, seen.bank + np.cumsum(room), seen.used)
        return self.respond(problem, fullest, applied=np.zeros(len(problem.year))).change

    def not_isotone(self, problem: MarketProblem) -> str:
        """It only withdraws, and never more than was banked."""
        if problem.responses:
            return "best-response rules need not abate more when supply falls"
        twice = [entry["measured"] for entry in self.adjustments]
        return "a bank is measured twice before it is used up" if len(twice) > 1 else ""

    def audit(self, problem: MarketProblem, dataset: xr.Dataset, tolerance: float) -> Iterable[Line]:
        """The adjustments recomputed from the published bank."""
        from carbonsim.market.audit_supply_rules import cap_lines

        return cap_lines(self, problem, dataset, tolerance)
