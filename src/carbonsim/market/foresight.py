"""Markets whose agents see only some years ahead: a chain of decisions, each a market of its own window.

A decision clears the years of its window under the policy known then. Only its first years are implemented; the bank
they leave, or the debt, opens the next decision's window. What is published is the implemented path.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from carbonsim.errors import InfeasibleError, InputError, Said, chinese_of
from carbonsim.market.carried_vintages import stock_left, with_opening
from carbonsim.market.carry_over import terminal_words
from carbonsim.market.certificate import Certificate, check_certificate
from carbonsim.market.changes import apply_changes
from carbonsim.market.clear import Engine, Market, clear
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.instruments.vintages import Vintages
from carbonsim.market.problem import MarketProblem
from carbonsim.market.realised import left_over, realised_dataset
from carbonsim.market.supply import Instrument, instruments
from carbonsim.market.vintage_stock import vintages_of

if TYPE_CHECKING:
    from carbonsim.market.instruments.terminal_bank import TerminalBank

Progress = Callable[[str, float], None]
Announcement = Mapping[str, object]


@dataclass(frozen=True, slots=True, eq=False)
class Foresight:
    """How far agents see, how often they decide, what they hear when, and what left-overs are worth to them.

    Parameters
    ----------
    window : int
        Years that a decision sees, its own included.
    step : int
        Years of a window that are implemented; a new announcement cuts them short.
    announcements : tuple of mapping
        Each with ``known_from`` (year) and ``changes``, as ``carbonsim.market.changes.apply_changes`` takes them.
    first_value : float, optional
        Worth of an allowance left at the end of the first window [CNY/allowance]; without it left-overs are worth
        nothing in any window.
    constant_price : bool
        Which price later windows go by: that of the year before, expected to hold next year and so discounted once; or,
        if false, that of the last year which the decision before saw, grown at the rate of interest up to the end of
        this window.
    """

    window: int
    step: int = 1
    announcements: tuple[Announcement, ...] = ()
    first_value: float | None = None
    constant_price: bool = False

    def problems(self, problem: MarketProblem) -> list[str]:
        """What is wrong with the settings for a market, one sentence each."""
        found: list[str] = []
        if not 1 <= self.step <= self.window:
            found.append(
                Said(
                    f"step is {self.step} and window {self.window}; expected 1 <= step <= window.",
                    f"step 为 {self.step}，window 为 {self.window}；应满足 1 <= step <= window。",
                )
            )
        if self.first_value is not None and not (np.isfinite(self.first_value) and self.first_value >= 0):
            found.append(
                Said(
                    f"first_value is {self.first_value!r}; expected a price that is not negative.",
                    f"first_value 为 {self.first_value!r}，应为非负价格。",
                )
            )
        if problem.given_price is not None:
            found.append(
                Said(
                    "the price is given, so nobody decides by what is expected; clear without a concept.",
                    "价格已给定，无人按预期作决策；请不用均衡概念出清。",
                )
            )
        elif not any(isinstance(tool, (Banking, Vintages)) for tool in problem.instruments):
            found.append(
                Said(
                    "banking is not declared: no year hands anything to the next, so foresight changes nothing.",
                    "未声明 banking：各年之间没有结转，预见不起作用。",
                )
            )
        if self.first_value is not None and vintages_of(problem) is not None:
            found.append(
                Said(
                    "beside vintages nothing left at a window's end is given a worth, for it would differ by vintage; "
                    "leave left-overs without value.",
                    "使用 vintages 时，窗口末的结余不能定价，因为其价值随年份而异；请不给结余定价。",
                )
            )
        for position, announcement in enumerate(self.announcements):
            keys = set(announcement) if isinstance(announcement, Mapping) else set()
            if keys != {"known_from", "changes"}:
                found.append(
                    Said(
                        f"announcements[{position}] has {sorted(map(str, keys))}; expected known_from and changes.",
                        f"announcements[{position}] 有 {'、'.join(sorted(map(str, keys)))}，应为 known_from 和 "
                        "changes。",
                    )
                )
            elif announcement["known_from"] not in problem.year[1:]:
                found.append(
                    Said(
                        f"announcements[{position}].known_from is {announcement['known_from']!r}; expected one of "
                        f"{problem.year[1:]}: what is known in the first year belongs to the problem itself.",
                        f"announcements[{position}].known_from 为 {announcement['known_from']!r}，应为 "
                        f"{problem.year[1:]} 之一："
                        "首年已知的属于问题本身。",
                    )
                )
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """One decision: its year, the market it sees and clears, and how many of its years are implemented.

    ``value`` is what an allowance left at the window's end is worth, NaN if the window ends with the market.
    """

    year: int
    problem: MarketProblem
    market: Market
    implemented: int
    value: float


def clear_with_foresight(
    problem: MarketProblem, foresight: Foresight, name: str, engine: Engine, progress: Progress | None
) -> Market:
    """The implemented path of all decisions as one market, with the certificate of the whole."""
    from carbonsim.market.audit_foresight import audit_foresight

    for tool in problem.instruments:
        tool.in_years(0, len(problem.year), problem.year)
    problems = foresight.problems(problem)
    if problems:
        raise InputError(f"{name}: {' '.join(problems)}", f"{name}：{''.join(map(chinese_of, problems))}")
    known = known_policies(problem, foresight.announcements)
    _check_borrowing(known, foresight, name)
    decisions = decide(known, foresight, name, engine, progress)
    realised = known[max(known)]
    dataset = realised_dataset(realised, decisions)
    dataset.attrs.update(concept=name, window=foresight.window, step=foresight.step, interest=problem.interest)
    at_window_ends = "nothing" if foresight.first_value is None else "the price that the concept expects"
    dataset.attrs["terminal_condition"] = (
        f"{terminal_words(realised)} In a window that ends before, an allowance left is worth {at_window_ends}."
    )
    certificate: Certificate = audit_foresight(problem, foresight, decisions, dataset)
    check_certificate(certificate)
    reason = Said(
        f"{name}: {len(decisions)} decisions of up to {foresight.window} years; {decisions[0].market.engine_reason}",
        f"{name}：{len(decisions)} 次决策，每次至多看 {foresight.window} 年；"
        f"{chinese_of(decisions[0].market.engine_reason)}",
    )
    return Market(dataset, str(dataset.attrs["engine"]), reason, certificate)


def known_policies(problem: MarketProblem, announcements: Sequence[Announcement]) -> dict[int, MarketProblem]:
    """The problem as known from each year on in which something becomes known; the last is the one that comes true."""
    known = {problem.year[0]: problem}
    order = sorted(range(len(announcements)), key=lambda index: cast(int, announcements[index]["known_from"]))
    for index in order:
        year = cast(int, announcements[index]["known_from"])
        changes = cast("Mapping[str, object]", announcements[index]["changes"])
        known[year] = apply_changes(known[max(known)], changes, year, where=f"announcements[{index}].changes")
    return known


def _check_borrowing(known: Mapping[int, MarketProblem], foresight: Foresight, name: str) -> None:
    """Raise InputError if somebody might borrow but no decision sees a year from which to."""
    if foresight.window > 1:
        return
    for policy in known.values():
        banking = next((tool for tool in policy.instruments if isinstance(tool, Banking)), None)
        if banking is not None and np.any(banking.limit(len(policy.year)) > 0):
            raise InputError(
                f"{name}: banking.borrowing has no effect where a decision sees one year only: what is borrowed has to "
                "be paid back in a year that it does not see. Leave borrowing out (0), or use rolling_horizon with a "
                "window of 2 years or more.",
                f"{name}：每次决策只看一年时，banking.borrowing 不起作用：预借的配额须在看不见的年份归还。请不要预借（"
                "0），或用窗口不少于 2 年的 rolling_horizon。",
            )


def decide(
    known: Mapping[int, MarketProblem], foresight: Foresight, name: str, engine: Engine, progress: Progress | None
) -> tuple[Decision, ...]:
    """The decisions one after the other, each with the bank that the one before left."""
    years = known[min(known)].year
    decisions: list[Decision] = []
    start = 0
    while start < len(years):
        news = [years.index(year) for year in known if years.index(year) > start]
        stop = min([start + foresight.step, len(years), *news])
        problem = known[max(year for year in known if year <= years[start])]
        if start and problem.within_period[start - 1]:
            raise InputError(
                f"{name}: the decision of {years[start]} falls inside a period of compliance_periods; choose a step "
                "that ends with a period, and announcements known from the start of one.",
                f"{name}：{years[start]} 年的决策落在 compliance_periods 的某一履约期之内；请选用与履约期同时结束的 "
                "step，"
                "并让公告从履约期开始时起已知。",
            )
        value = _left_over_value(foresight, decisions, years, start)
        window = window_problem(problem, start, min(start + foresight.window, len(years)), _opening(problem, decisions),
                                value, _opening_vintages(problem, decisions))  # fmt: skip
        try:
            market = clear(window, engine)
        except InfeasibleError as error:
            raise InfeasibleError(
                f"{name}, decision of {years[start]} with {window.opening_bank:,.6g} allowances carried into it: "
                f"{error}",
                f"{name}，{years[start]} 年的决策（结转到该年的配额为 {window.opening_bank:,.6g}）：{error.chinese}",
            ) from error
        decisions.append(Decision(years[start], window, market, stop - start, value))
        start = stop
        if progress is not None:
            progress(name, start / len(years))
    return tuple(decisions)


def window_problem(
    problem: MarketProblem,
    first: int,
    stop: int,
    opening: float,
    value: float,
    vintages: Mapping[int, float] | None = None,
) -> MarketProblem:
    """The market of positions ``first`` to ``stop - 1`` of the years alone.

    Parameters
    ----------
    problem : MarketProblem
    first, stop : int
    opening : float [allowance]
        Bank carried into the first year; negative if allowances are owed.
    value : float [CNY/allowance]
        Worth of an allowance left at the end; NaN leaves the problem's own terminal condition.
    vintages : mapping of int to float, optional
        The opening bank by vintage, where the decision before left one by vintage.
    """
    years = slice(first, stop)
    declared = (instrument.in_years(first, stop, problem.year) for instrument in problem.instruments)
    kept: list[Instrument] = [instrument for instrument in declared if instrument is not None]
    if value > 0:
        terminal = cast("type[TerminalBank]", instruments.get("terminal_bank").target)
        kept.append(terminal(value=value))
    if vintages is not None:
        kept = with_opening(kept, vintages)
    options = dataclasses.replace(
        problem.options,
        potential=problem.options.potential[:, years],
        unit_cost=problem.options.unit_cost[:, years],
        slope=problem.options.slope[:, years],
    )
    return dataclasses.replace(
        problem,
        year=problem.year[years],
        options=options,
        opening_bank=opening,
        responses=tuple(term for term in problem.responses if term.year in problem.year[years]),
        instruments=tuple(kept),
        **{name: getattr(problem, name)[:, years] for name in ("baseline", "share", "fixed", "per_emission")},
        supply=problem.supply[years],
    )


def _opening(problem: MarketProblem, decisions: Sequence[Decision]) -> float:
    """Bank that the decision before left; what it owes has grown by the interest on borrowing."""
    if not decisions:
        return problem.opening_bank
    last = decisions[-1]
    vintages = _opening_vintages(problem, decisions)
    if vintages is not None:
        return sum(vintages.values())
    left = float(left_over(last.market.dataset)[last.implemented - 1])
    banking = next(tool for tool in problem.instruments if isinstance(tool, Banking))
    rate = banking.interest(len(problem.year))[problem.year.index(last.year) + last.implemented - 1]
    return left if left >= 0 else left * (1.0 + float(rate))


def _opening_vintages(problem: MarketProblem, decisions: Sequence[Decision]) -> dict[int, float] | None:
    """What the decision before left of each vintage; None where the bank has none, or the market says it itself."""
    if not decisions or vintages_of(problem) is None:
        return None
    last = decisions[-1]
    return stock_left(last.market.dataset, last.year + last.implemented - 1)


def _left_over_value(foresight: Foresight, decisions: Sequence[Decision], years: Sequence[int], start: int) -> float:
    """Worth of an allowance left at the end of the window that starts at ``start``."""
    end = start + foresight.window
    if end >= len(years):
        return float("nan")
    if foresight.first_value is None:
        return 0.0
    if not decisions:
        return foresight.first_value
    last = decisions[-1]
    place = last.implemented - 1 if foresight.constant_price else -1
    price = float(last.market.dataset.allowance_price[place])
    if np.isnan(price):
        raise InputError(
            f"the price of {last.problem.year[place]} is undetermined in the decision of {last.year}, so the worth of "
            "left-overs cannot follow from it; leave left-overs without value.",
            f"在 {last.year} 年的决策中，{last.problem.year[place]} 年的价格不确定，无法据以确定结余的价值；"
            "请不给结余定价。",
        )
    if foresight.constant_price:
        return price / (1.0 + last.problem.interest)
    return price * (1.0 + last.problem.interest) ** (years[end - 1] - last.problem.year[-1])
