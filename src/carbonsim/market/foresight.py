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
import xarray as xr

from carbonsim.dims import exact
from carbonsim.errors import InfeasibleError, InputError
from carbonsim.market.carry_over import terminal_words
from carbonsim.market.certificate import Certificate, check_certificate
from carbonsim.market.changes import apply_changes
from carbonsim.market.clear import Engine, Market, clear
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.problem import MarketProblem
from carbonsim.market.supply import Array, Instrument, instruments

if TYPE_CHECKING:
    from carbonsim.market.instruments.terminal_bank import TerminalBank

Progress = Callable[[str, float], None]
Announcement = Mapping[str, object]

EXPECTED = {
    "expected_price": "allowance_price",
    "expected_price_low": "price_low",
    "expected_price_high": "price_high",
    "expected_bank": "bank",
}


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
        found = []
        if not 1 <= self.step <= self.window:
            found.append(f"step is {self.step} and window {self.window}; expected 1 <= step <= window.")
        if self.first_value is not None and not (np.isfinite(self.first_value) and self.first_value >= 0):
            found.append(f"first_value is {self.first_value!r}; expected a price that is not negative.")
        if problem.given_price is not None:
            found.append("the price is given, so nobody decides by what is expected; clear without a concept.")
        elif not any(isinstance(tool, Banking) for tool in problem.instruments):
            found.append("banking is not declared: no year hands anything to the next, so foresight changes nothing.")
        for position, announcement in enumerate(self.announcements):
            keys = set(announcement) if isinstance(announcement, Mapping) else set()
            if keys != {"known_from", "changes"}:
                found.append(
                    f"announcements[{position}] has {sorted(map(str, keys))}; expected known_from and changes."
                )
            elif announcement["known_from"] not in problem.year[1:]:
                found.append(
                    f"announcements[{position}].known_from is {announcement['known_from']!r}; expected one of "
                    f"{problem.year[1:]}: what is known in the first year belongs to the problem itself."
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
        raise InputError(f"{name}: {' '.join(problems)}")
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
    reason = (
        f"{name}: {len(decisions)} decisions of up to {foresight.window} years; {decisions[0].market.engine_reason}"
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
                "window of 2 years or more."
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
                "that ends with a period, and announcements known from the start of one."
            )
        value = _left_over_value(foresight, decisions, years, start)
        window = window_problem(problem, start, min(start + foresight.window, len(years)), _opening(problem, decisions),
                                value)  # fmt: skip
        try:
            market = clear(window, engine)
        except InfeasibleError as error:
            raise InfeasibleError(
                f"{name}, decision of {years[start]} with {window.opening_bank:,.6g} allowances carried into it: "
                f"{error}"
            ) from error
        decisions.append(Decision(years[start], window, market, stop - start, value))
        start = stop
        if progress is not None:
            progress(name, start / len(years))
    return tuple(decisions)


def window_problem(problem: MarketProblem, first: int, stop: int, opening: float, value: float) -> MarketProblem:
    """The market of positions ``first`` to ``stop - 1`` of the years alone.

    Parameters
    ----------
    problem : MarketProblem
    first, stop : int
    opening : float [allowance]
        Bank carried into the first year; negative if allowances are owed.
    value : float [CNY/allowance]
        Worth of an allowance left at the end; NaN leaves the problem's own terminal condition.
    """
    years = slice(first, stop)
    declared = (instrument.in_years(first, stop, problem.year) for instrument in problem.instruments)
    kept: list[Instrument] = [instrument for instrument in declared if instrument is not None]
    if value > 0:
        terminal = cast("type[TerminalBank]", instruments.get("terminal_bank").target)
        kept.append(terminal(value=value))
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
    left = float(_left(last.market.dataset)[last.implemented - 1])
    banking = next(tool for tool in problem.instruments if isinstance(tool, Banking))
    rate = banking.interest(len(problem.year))[problem.year.index(last.year) + last.implemented - 1]
    return left if left >= 0 else left * (1.0 + float(rate))


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
            "left-overs cannot follow from it; leave left-overs without value."
        )
    if foresight.constant_price:
        return price / (1.0 + last.problem.interest)
    return price * (1.0 + last.problem.interest) ** (years[end - 1] - last.problem.year[-1])


def _left(dataset: xr.Dataset) -> Array:
    """What is left at the end of each year: a window of one year calls it expired."""
    return np.asarray(dataset.bank.values + dataset.expired.values, dtype=float)


@exact
def realised_dataset(realised: MarketProblem, decisions: Sequence[Decision]) -> xr.Dataset:
    """The implemented years of all decisions as one dataset, with what each decision expected.

    Returns
    -------
    Dataset
        The variables of ``market_dataset``, and over (decision, year), NaN outside a decision's window:
        ``expected_price``, ``expected_price_low``, ``expected_price_high`` [CNY/tCO2e], ``expected_bank``
        [allowance]; over (decision): ``left_over_value`` [CNY/allowance], NaN where the window ends with the market.
    """
    parts = [_implemented(realised, decision) for decision in decisions]
    data = {}
    for name in dict.fromkeys(name for part in parts for name in part.data_vars):
        own = [part[name] if name in part else _nothing(part) for part in parts]
        dimension = next(dim for dim in ("year", "response", "balance_group") if dim in own[0].dims)
        data[name] = xr.concat(own, dim=dimension)
    dataset = xr.Dataset(data, attrs=dict(decisions[0].market.dataset.attrs))
    engines = sorted({decision.market.engine for decision in decisions})
    dataset.attrs["engine"] = " and ".join(engines)
    dataset.attrs["residual"] = max(float(decision.market.dataset.attrs["residual"]) for decision in decisions)
    dataset = _with_interest(realised, decisions, _in_order_of_terms(realised, decisions, dataset))
    return dataset.assign(_expectations(realised, decisions))


def _implemented(realised: MarketProblem, decision: Decision) -> xr.Dataset:
    """The implemented years of a decision, with all steps of the market and what is left as its bank."""
    found = decision.market.dataset
    years = list(decision.problem.year[: decision.implemented])
    left = xr.DataArray(_left(found), dims="year", attrs=found.bank.attrs)
    found = found.assign(bank=left, expired=xr.zeros_like(found.expired))
    kinds = {"step": [step.name for step in realised.steps],
             "tier": [step.name for step in realised.steps if step.kind == "reserve_tier"]}  # fmt: skip
    found = found.reindex({dim: np.array(names, dtype=object if not names else None) for dim, names in kinds.items()},
                          fill_value=0.0)  # fmt: skip
    terms = [index for index, term in enumerate(decision.problem.responses) if term.year in years]
    labels = [str(label) for label in found.balance_group_label.values]
    groups = [index for index, label in enumerate(labels) if int(label.rsplit("/", 1)[1]) in years]
    return found.sel(year=years).isel(response=terms, balance_group=groups)


def _nothing(part: xr.Dataset) -> xr.DataArray:
    """A flow or price of an instrument that is idle in these years."""
    return xr.DataArray(np.zeros(part.sizes["year"]), {"year": part.year.values}, ("year",))


def _in_order_of_terms(realised: MarketProblem, decisions: Sequence[Decision], dataset: xr.Dataset) -> xr.Dataset:
    """Response terms in the order of the problem: decisions hold them by year."""
    year_of = {id(term): position for position, term in enumerate(realised.responses)}
    held = [
        term
        for decision in decisions
        for term in decision.problem.responses
        if term.year in decision.problem.year[: decision.implemented]
    ]
    return dataset.isel(response=np.argsort([year_of[id(term)] for term in held]).astype(int))


def _with_interest(realised: MarketProblem, decisions: Sequence[Decision], dataset: xr.Dataset) -> xr.Dataset:
    """Interest on what the decision before left owing: it is part of the debt that opens a window."""
    if "borrowing_interest" not in dataset:
        return dataset
    paid = dataset.borrowing_interest.copy()
    for decision in decisions[1:]:
        owed = min(float(dataset.bank.sel(year=decision.year - 1)), 0.0)
        paid.loc[decision.year] = owed - decision.problem.opening_bank if owed else 0.0
    return dataset.assign(borrowing_interest=paid)


def _expectations(realised: MarketProblem, decisions: Sequence[Decision]) -> dict[str, xr.DataArray]:
    coords = {"decision": [decision.year for decision in decisions], "year": list(realised.year)}
    found = {}
    for name, source in EXPECTED.items():
        table = np.full((len(decisions), len(realised.year)), np.nan)
        for row, decision in enumerate(decisions):
            first = realised.year.index(decision.year)
            values = decision.market.dataset[source].values
            if source == "bank":
                values = _left(decision.market.dataset)
            table[row, first : first + len(values)] = values
        units = "allowance" if source == "bank" else "CNY/tCO2e"
        found[name] = xr.DataArray(table, coords, ("decision", "year"), attrs={"units": units})
    value = [decision.value for decision in decisions]
    found["left_over_value"] = xr.DataArray(
        value, {"decision": coords["decision"]}, ("decision",), attrs={"units": "CNY/allowance"}
    )
    return found
