"""Reserve driven by the allowances in circulation: intake above a threshold, release below one, invalidation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from carbonsim.errors import InfeasibleError, Said, chinese_of
from carbonsim.inputs.parameters import ParameterSet
from carbonsim.market.circulation import MONTHS, intake_before_rounding, whole
from carbonsim.market.supply import Array
from carbonsim.market.supply_rule import (
    FIXED_SUPPLY,
    Dated,
    Observed,
    Response,
    SupplyRule,
    by_year,
    check_acts_on,
    has_bank,
    offered,
    supply_rules,
)

if TYPE_CHECKING:
    import xarray as xr

    from carbonsim.market.certificate import Line
    from carbonsim.market.problem import MarketProblem

PREVIOUS_AUCTION = "previous_auction"
CONTINUOUS = "continuous"
SAME = 1e-9  # relative difference up to which a published number is the opening bank
JUMP = 1e-9  # relative size from which a step in the text is worth a warning

DATED = ("lower", "upper", "rate", "minimum_intake", "release", "smoothing_until", "invalid_above")
SCHEDULES = ("earlier_tnac", "earlier_auctioned", "placement", "backloading", "returns")


@supply_rules.register("tnac_reserve")
@dataclass(frozen=True, slots=True, eq=False)
class TnacReserve(SupplyRule):
    r"""A reserve takes allowances while many are in circulation, releases them while few are, and may lose them.

    .. math::
        :label: tnac-reserve

        S'_y = S_y - b_y - m I(T_{y-1}) - (1-m) I(T_{y-2}) + m R(T_{y-1}) + (1-m) R(T_{y-2}) + r_y,
        \qquad T_y = B_y,

    with the intake I of equation :eq:`reserve-intake`, the release R = ``release`` where :math:`T < \underline T`
    (at most what the reserve holds), backloading b, scheduled returns r, and m the share of the twelve months that
    falls into the year of publication. The number in circulation at the end of a year is published in the next one
    and acts from then on. On 1 January whatever the reserve holds above ``invalid_above`` becomes invalid.

    Enterprises take S' as given. Written into the least-cost programme, the rule would be manipulated by a planner
    who keeps the bank just under the threshold; here nobody can. Incentives: an allowance withdrawn for good raises
    every price while the bank is positive; one that comes back before the bank is empty changes none.

    Parameters
    ----------
    lower, upper : number or {year: number} [allowance]
        Thresholds. Dates of this and the next five fields are years of publication.
    rate : number or {year: number} [1]
        Share of the allowances in circulation that is taken.
    minimum_intake : number or {year: number} [allowance]
        A share smaller than this is not taken.
    release : number or {year: number} [allowance]
        Released over twelve months while fewer than ``lower`` are in circulation.
    smoothing_until : number, "continuous" or None, or {year: ...} [allowance]
        Up to here only what exceeds ``upper`` is taken; "continuous" stands for upper / (1 - rate). A number is
        applied as written: where it does not fit the rate the intake jumps, and ``warnings`` says so.
    invalid_above : number, "previous_auction" or None, or {year: ...} [allowance]
        What the reserve may hold after 1 January of a year; None invalidates nothing.
    first_tnac_year : int
        First year whose number in circulation acts.
    earlier_tnac : {year: number} [allowance]
        Published numbers of the two years before the first one of the market, as far as they act. That of the year
        before is the market's opening bank, :math:`T = B`, and must equal it.
    earlier_auctioned : {year: number} [allowance]
        Volume auctioned in the year before the first, if the reserve is measured by it then.
    opening_reserve : float [allowance]
        Held by the reserve when the first year begins.
    placement : {year: number} [allowance]
        Put into the reserve from outside the market's supply, such as unallocated allowances.
    backloading : {year: number} [allowance]
        Taken out of the year's supply into the reserve by decision, whatever is in circulation.
    returns : {year: number} [allowance]
        Given back from the reserve by decision.
    months_in_first_year : int
        Months of the twelve that fall into the year of publication (September to December: 4).
    whole_allowances : bool
        Whether amounts are rounded to the nearest allowance.
    acts_on : str
        "supply", or the label of the auction whose volume the reserve takes.

    References
    ----------
    source: eu-2015-1814, eu-2023-852, eu-2023-959
    """

    lower: Dated
    upper: Dated
    rate: Dated
    minimum_intake: Dated
    release: Dated
    smoothing_until: Dated
    invalid_above: Dated
    first_tnac_year: int
    months_in_first_year: int
    opening_reserve: float
    earlier_tnac: Mapping[int, float] = field(default_factory=dict)
    earlier_auctioned: Mapping[int, float] = field(default_factory=dict)
    placement: Mapping[int, float] = field(default_factory=dict)
    backloading: Mapping[int, float] = field(default_factory=dict)
    returns: Mapping[int, float] = field(default_factory=dict)
    whole_allowances: bool = False
    acts_on: str = FIXED_SUPPLY

    def __post_init__(self) -> None:
        for name in DATED:
            object.__setattr__(self, name, Dated.of(getattr(self, name)))
        for name in SCHEDULES:
            object.__setattr__(self, name, by_year(getattr(self, name)))

    @classmethod
    def from_parameters(cls, parameters: ParameterSet, topic: str, until: int, **own: Any) -> TnacReserve:
        """The reserve with the dated parameters ``topic.lower``, ``topic.upper`` and so on.

        Parameters
        ----------
        parameters : ParameterSet
        topic : str
            Name of the parameter file, such as "market_stability_reserve".
        until : int
            Last year of the market; a parameter that is not valid as long is an error.
        own : keywords
            The fields that are no parameters: what circulated, what the reserve held and what is planned.
        """

        def dated(name: str) -> dict[int, float | None]:
            parameters.value(f"{topic}.{name}", until)
            return {entry.applies_from: entry.value for entry in parameters.get(f"{topic}.{name}").values[()]}

        invalid: dict[int, object] = dict(dated("invalid_above"))
        for year, used in dated("invalid_above_previous_auction").items():
            if used:
                invalid[year] = PREVIOUS_AUCTION
        smoothing = dated("smoothing_until")
        rates = dated("rate")
        return cls(
            lower=Dated.of(dated("lower")),
            upper=Dated.of(dated("upper")),
            minimum_intake=Dated.of(dated("minimum_intake")),
            release=Dated.of(dated("release")),
            rate=Dated.of(rates),
            smoothing_until=Dated.of({**({min(rates): None} if min(rates) < min(smoothing) else {}), **smoothing}),
            invalid_above=Dated.of(invalid),
            months_in_first_year=int(parameters.value(f"{topic}.months_in_first_year", until)),
            **own,
        )

    def problems(self, problem: MarketProblem) -> list[str]:
        """Signs, dates that the market needs, thresholds in the wrong order, and a bank to read."""
        words = {"smoothing_until": (None, CONTINUOUS), "invalid_above": (None, PREVIOUS_AUCTION)}
        found = [text for name in DATED for text in getattr(self, name).wrong(name, words.get(name, ()))]
        found += check_acts_on(problem, self.acts_on)
        if found:
            return found
        if not has_bank(problem):
            found.append(
                Said(
                    "the market has no banking, so no allowances stay in circulation; declare banking.",
                    "市场没有结转，不会有流通中的配额；请声明 banking。",
                )
            )
        if not 0 <= self.months_in_first_year <= MONTHS:
            found.append(
                Said(
                    f"months_in_first_year is {self.months_in_first_year}; expected 0 to {MONTHS}.",
                    f"months_in_first_year 为 {self.months_in_first_year}，应为 0 到 {MONTHS}。",
                )
            )
        if self.opening_reserve < 0 or any(v < 0 for name in SCHEDULES for v in getattr(self, name).values()):
            found.append(
                Said(
                    "opening_reserve and the yearly amounts must not be negative.",
                    "opening_reserve 与各年数量不得为负。",
                )
            )
        return found + self._date_problems(problem)

    def _date_problems(self, problem: MarketProblem) -> list[str]:
        first = problem.year[0]
        found: list[str] = []
        for year in (first - 2, first - 1):
            if year >= self.first_tnac_year and year not in self.earlier_tnac:
                found.append(
                    Said(
                        f"earlier_tnac has no {year}, whose number acts within the market; give it, or a later "
                        "first_tnac_year.",
                        f"earlier_tnac 没有 {year} 年的值，而它在市场期内起作用；请给出，或推迟 first_tnac_year。",
                    )
                )
        circulating, opening = self.earlier_tnac.get(first - 1, problem.opening_bank), problem.opening_bank
        if abs(circulating - opening) > SAME * max(abs(opening), 1.0):
            found.append(
                Said(
                    f"earlier_tnac says {circulating:,.12g} allowances were in circulation at the end of "
                    f"{first - 1}, and "
                    f"opening_bank that {opening:,.12g} are carried into {first}: both are the bank at the end of "
                    f"{first - 1}. Give the same number in both.",
                    f"earlier_tnac 称 {first - 1} 年末流通量为 {circulating:,.12g}，而 opening_bank 称结转到 {first} "
                    "年的为 "
                    f"{opening:,.12g}：两者都是 {first - 1} 年末的结余。请给出同一数值。",
                )
            )
        for name in ("placement", "backloading", "returns"):
            outside = [year for year in getattr(self, name) if year not in problem.year]
            if outside:
                found.append(
                    Said(
                        f"{name} names {outside[0]}, which is no year of the market.",
                        f"{name} 提到 {outside[0]} 年，不是市场的年份。",
                    )
                )
        for year in (y for y in (first - 1, *problem.year) if y > self.first_tnac_year):
            if not self.lower.at(year) <= self.upper.at(year) or self.rate.at(year) >= 1:
                found.append(
                    Said(
                        f"in {year} lower must not exceed upper, and rate must be below 1.",
                        f"{year} 年的 lower 不得超过 upper，rate 须小于 1。",
                    )
                )
                break
        if self.invalid_in(first) == PREVIOUS_AUCTION and first - 1 not in self.earlier_auctioned:
            found.append(
                Said(
                    f"earlier_auctioned has no {first - 1}, by which the reserve is measured in {first}.",
                    f"earlier_auctioned 没有 {first - 1} 年的值，而 {first} 年的储备据此测量。",
                )
            )
        return found

    def invalid_in(self, year: int) -> object:
        """What the reserve is measured by on 1 January of a year; None before the first date."""
        starts = [start for start, _ in self.invalid_above.values if start is not None]
        return None if starts and year < starts[0] else self.invalid_above.at(year)

    def smooth_in(self, year: int) -> float | None:
        """End of the smoothing for what is published in a year."""
        until = self.smoothing_until.at(year)
        if until == CONTINUOUS:
            return float(self.upper.at(year) / (1 - self.rate.at(year)))
        return None if until is None else float(until)

    def determined(self, tnac: float, year: int) -> tuple[float, float]:
        """Intake and release over twelve months that a number published in ``year`` leads to."""
        intake = intake_before_rounding(
            float(tnac),
            float(self.upper.at(year)),
            float(self.rate.at(year)),
            self.smooth_in(year),
            float(self.minimum_intake.at(year)),
        )
        release = float(self.release.at(year)) if tnac < self.lower.at(year) else 0.0
        return (float(whole(intake)), release) if self.whole_allowances else (intake, release)

    def _portions(self, tnac: Mapping[int, float], year: int) -> tuple[float, float]:
        """Intake and release that fall into a calendar year, from the numbers of the two years before."""
        sums = [0.0, 0.0]
        for published, is_first in ((year, True), (year - 1, False)):
            if published - 1 < self.first_tnac_year:
                continue
            for kind, amount in enumerate(self.determined(tnac[published - 1], published)):
                part = amount * self.months_in_first_year / MONTHS
                part = float(whole(part)) if self.whole_allowances else part
                sums[kind] += part if is_first else amount - part
        return sums[0], sums[1]

    def respond(self, problem: MarketProblem, seen: Observed, applied: Array | None = None) -> Response:
        """The reserve worked forward year by year; see ``SupplyRule.respond``."""
        years = problem.year
        names = ("tnac", "reserve_stock", "reserve_intake", "reserve_intake_forgone", "reserve_release",
                 "reserve_invalidated", "reserve_placed", "reserve_backloaded", "reserve_returned")  # fmt: skip
        flow = {name: np.zeros(len(years)) for name in names}
        base, change = offered(problem, self.acts_on), np.zeros(len(years))
        tnac, auctioned = dict(self.earlier_tnac), dict(self.earlier_auctioned)
        stock, shifted = self.opening_reserve, 0.0
        for y, year in enumerate(years):
            limit = self.invalid_in(year)
            limit = auctioned[year - 1] if limit == PREVIOUS_AUCTION else limit
            invalid = 0.0 if limit is None else max(stock - float(limit), 0.0)  # type: ignore[arg-type]
            placed, back = self.placement.get(year, 0.0), self.backloading.get(year, 0.0)
            returned = self.returns.get(year, 0.0)
            held = stock - invalid + placed + back
            if returned > held * (1 + JUMP):
                raise InfeasibleError(
                    f"The reserve is to return {returned:,.0f} allowances in {year} but holds {held:,.0f}. "
                    "Lower 'returns' or invalidate less.",
                    f"储备应在 {year} 年返还 {returned:,.0f} 个配额，但只有 {held:,.0f} 个。请降低 'returns'，"
                    "或减少注销。",
                )
            required, wanted = self._portions(tnac, year)
            release = min(wanted, max(held - returned, 0.0))
            intake = min(required, max(base[y] - back, 0.0))
            change[y] = release + returned - intake - back
            stock = held - returned - release + intake
            shifted += 0.0 if applied is None else change[y] - applied[y]
            tnac[year], auctioned[year] = seen.bank[y] + shifted, base[y] + change[y]
            found = (tnac[year], stock, intake, required - intake, release, invalid, placed, back, returned)
            for name, value in zip(names, found, strict=True):
                flow[name][y] = value
        return Response(change, flow)

    def most(self, problem: MarketProblem, seen: Observed, room: Array) -> Array:
        """The intake if everything that could still be abated were banked."""
        fullest = Observed(seen.price, seen.bank + np.cumsum(room), seen.used)
        return self.respond(problem, fullest, applied=np.zeros(len(problem.year))).change

    def not_isotone(self, problem: MarketProblem) -> str:
        r"""Releases, jumps and steep overlapping intakes break the order of equation :eq:`rule-driven-supply`.

        If the intake follows the number in circulation with a slope of at most s, a higher number stays the higher
        one in all later years if :math:`(1 - ms)^2 \ge 4 (1 - m) s`; a single determination that acts
        within the market needs no more than an intake that never falls.
        """
        if problem.responses:
            return "best-response rules need not abate more when supply falls"
        published = [year for year in (problem.year[0] - 1, *problem.year) if year > self.first_tnac_year]
        if any(self.release.at(year) > 0 and self.lower.at(year) > 0 for year in published):
            return "it may release allowances"
        part = self.months_in_first_year / MONTHS
        last = problem.year[-1] if part > 0 else problem.year[-1] - 1
        acting = [y for y in published if problem.year[0] < y <= last and self.rate.at(y) > 0]
        falls = [year for year in acting if self._jump(year) < 0]
        if falls:
            return f"its intake falls where smoothing ends ({falls[0]})"
        if len(acting) < 2:
            return ""
        jumps = [year for year in acting if self._jump(year)]
        if jumps:
            return f"its intake jumps at a threshold ({jumps[0]}) and lowers what circulates in later years"
        steepest = max(float(self.rate.at(y)) if self.smooth_in(y) is None else 1.0 for y in acting)
        if (1 - part * steepest) ** 2 < 4 * (1 - part) * steepest:
            return "its intake is steep and acts over two years, so it can swing"
        return ""

    def _jump(self, year: int) -> float:
        """Step of the intake where smoothing ends, or at the threshold without smoothing; 0 if it is continuous."""
        upper, rate = float(self.upper.at(year)), float(self.rate.at(year))
        until = self.smooth_in(year)
        end = upper if until is None else until
        share = rate * end if rate * end >= self.minimum_intake.at(year) else 0.0
        jump = share - (end - upper)
        return jump if abs(jump) > JUMP * max(upper, 1.0) else 0.0

    def warnings(self, problem: MarketProblem) -> tuple[str, ...]:
        """Where the text as written makes the intake jump, which can give several equilibria or none."""
        found: dict[str, int] = {}
        for year in (y for y in (problem.year[0] - 1, *problem.year) if y > self.first_tnac_year):
            if jump := self._jump(year):
                until = self.smooth_in(year)
                end = float(self.upper.at(year)) if until is None else until
                before = end - float(self.upper.at(year))
                text = Said(
                    f"at {end:,.12g} allowances in circulation the intake jumps from {before:,.12g} to "
                    f"{before + jump:,.12g}, as the text at a rate of {self.rate.at(year):g} says.",
                    f"流通量为 {end:,.12g} 时，转入量由 {before:,.12g} 跳至 {before + jump:,.12g}，"
                    f"与比例为 {self.rate.at(year):g} 的条文一致。",
                )
                found.setdefault(text, year)
        return tuple(
            Said(f"From {year} on {text}", f"自 {year} 年起，{chinese_of(text)}") for text, year in found.items()
        )

    def audit(self, problem: MarketProblem, dataset: xr.Dataset, tolerance: float) -> Iterable[Line]:
        """The reserve recomputed from the published bank; see ``audit_supply_rules``."""
        from carbonsim.market.audit_supply_rules import tnac_lines

        return tnac_lines(self, problem, dataset, tolerance)
