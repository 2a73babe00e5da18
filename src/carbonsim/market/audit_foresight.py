"""Audit of markets with limited foresight: every window on its own, the chain between them, and what is published."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.market import audit_bank, audit_ledger
from carbonsim.market.audit_carried_vintages import carried_lines
from carbonsim.market.audit_changes import problem_after
from carbonsim.market.audit_ledger import IDENTITY, worst
from carbonsim.market.audit_vintages import has_vintages
from carbonsim.market.certificate import Certificate, Line, audit
from carbonsim.market.problem import MarketProblem

if TYPE_CHECKING:
    from carbonsim.market.foresight import Decision, Foresight

Array = NDArray[np.float64]

TABLES = {"expected_price": "allowance_price", "expected_price_low": "price_low", "expected_price_high": "price_high",
          "expected_bank": "bank"}  # fmt: skip


def audit_foresight(
    problem: MarketProblem, foresight: Foresight, decisions: Sequence[Decision], dataset: xr.Dataset
) -> Certificate:
    """The certificate of an implemented path.

    Parameters
    ----------
    problem : MarketProblem
        As expected in the first year.
    foresight : Foresight
        Window, step, announcements and worth of left-overs.
    decisions : sequence of Decision
        The windows, each with its market.
    dataset : Dataset
        As published.

    Returns
    -------
    Certificate
        Every line of every window's own audit (the worst of each name), that a window holds the policy known then and
        opens with the bank the last one left, that the published years are the windows' first ones, that expectations
        are the windows' own, and the ledger of the whole path under the policy that came true.
    """
    lines = [*_window_lines(decisions), *path_lines(problem, foresight, decisions, dataset)]
    return Certificate(tuple(lines))


def path_lines(
    problem: MarketProblem, foresight: Foresight, decisions: Sequence[Decision], dataset: xr.Dataset
) -> Iterator[Line]:
    """The lines on what is published, without those of the windows themselves."""
    true = _policy(problem, foresight, problem.year[-1])
    due = {"decision": [decision.year for decision in decisions]}
    yield audit_ledger.labels("foresight.labels", dataset, due)
    yield _years_line(problem, foresight, decisions)
    yield from _policy_lines(problem, foresight, decisions)
    yield from _chain_lines(problem, foresight, decisions, dataset)
    yield from _published_lines(problem, decisions, dataset)
    yield from _expectation_lines(problem, decisions, dataset)
    plain = dataset[[name for name in dataset.data_vars if "decision" not in dataset[name].dims]]
    yield from audit_ledger.lines(true, plain)
    yield from audit_bank.bank_lines(true, plain)
    yield from carried_lines(true, decisions, plain)


def _policy(problem: MarketProblem, foresight: Foresight, year: int) -> MarketProblem:
    """What is known in a year: the problem after every announcement up to then, in the order they are made."""
    known = problem
    for announcement in sorted(foresight.announcements, key=lambda one: cast(int, one["known_from"])):
        since = cast(int, announcement["known_from"])
        if since <= year:
            known = problem_after(known, cast("Mapping[str, object]", announcement["changes"]), since)
    return known


def _window_lines(decisions: Sequence[Decision]) -> Iterator[Line]:
    """The worst of each line of the windows' own audits, with the decision it belongs to."""
    found: dict[str, Line] = {}
    for decision in decisions:
        for line in audit(decision.problem, decision.market.dataset).lines:
            name = f"window.{line.name}"
            before = found.get(name)
            if before is None or not _ratio(line) <= _ratio(before):
                found[name] = dataclasses.replace(line, name=name, where=f"decision {decision.year}, {line.where}")
    yield from found.values()


def _ratio(line: Line) -> float:
    if line.tolerance > 0:
        return line.residual / line.tolerance
    return np.inf if line.residual > 0 else 0.0


def _years_line(problem: MarketProblem, foresight: Foresight, decisions: Sequence[Decision]) -> Line:
    """Each decision is taken when it is due, sees its window and implements no year that a later one decides."""
    due, news = [problem.year[0]], {cast(int, one["known_from"]) for one in foresight.announcements}
    for year in problem.year[1:]:
        if year in news or year - due[-1] == foresight.step:
            due.append(year)
    wrong = [float([decision.year for decision in decisions] != due)]
    for decision, after in zip(decisions, [*due[1:], problem.year[-1] + 1], strict=False):
        last = min(decision.year + foresight.window - 1, problem.year[-1])
        seen = decision.problem.year[0] == decision.year and decision.problem.year[-1] == last
        wrong.append(float(not seen or decision.year + decision.implemented != after))
    labels = ["all", *(decision.year for decision in decisions)]
    return worst("foresight.decisions", np.array(wrong), 1.0, 0.0, labels[: len(wrong)])


def _policy_lines(problem: MarketProblem, foresight: Foresight, decisions: Sequence[Decision]) -> Iterator[Line]:
    """A window's numbers are those of its years in the policy known when it was decided."""
    wrong = np.zeros(len(decisions))
    for row, decision in enumerate(decisions):
        known = _policy(problem, foresight, decision.year)
        first = problem.year.index(decision.year)
        years = slice(first, first + len(decision.problem.year))
        window = decision.problem
        pairs: list[tuple[Any, Any]] = [(window.supply, known.supply[years]), (window.interest, known.interest)]
        pairs += [(getattr(window, name), getattr(known, name)[:, years])
                  for name in ("baseline", "share", "fixed", "per_emission")]  # fmt: skip
        pairs += [(getattr(window.options, name), getattr(known.options, name)[:, years])
                  for name in ("potential", "unit_cost", "slope")]  # fmt: skip
        same = all(np.array_equal(mine, theirs) for mine, theirs in pairs)
        terms = [term for term in known.responses if term.year in window.year]
        same = same and window.responses == tuple(terms) and _same_tools(window, known, years)
        wrong[row] = float(not same)
    yield worst("foresight.known_policy", wrong, 1.0, 0.0, [decision.year for decision in decisions])


def _same_tools(window: MarketProblem, known: MarketProblem, years: slice) -> bool:
    """Every instrument's arrays are those of the window's years; a missing one is idle in them."""
    there = {tool.label: tool for tool in window.instruments}
    size = years.stop - years.start
    for tool in known.instruments:
        if tool.label in there:
            for name, array in there[tool.label].yearly().items():
                whole = np.broadcast_to(tool.yearly()[name], (len(known.year),))[years]
                if not np.array_equal(np.broadcast_to(array, (size,)), whole, equal_nan=True):
                    return False
        elif tool.label == "banking":
            if size > 1:
                return False
        elif tool.label == "terminal_bank":
            if years.stop == len(known.year):
                return False
        elif any(step.exists()[years].any() for step in tool.supply_steps(known.year)):
            return False
    return True


def _chain_lines(
    problem: MarketProblem, foresight: Foresight, decisions: Sequence[Decision], dataset: xr.Dataset
) -> Iterator[Line]:
    """A window opens with the bank published for the year before, and counts left-overs at what the rule says."""
    years, opening = [decision.year for decision in decisions], np.zeros(len(decisions))
    bank = dataset.bank.values
    worth = np.full(len(decisions), np.nan)
    used = np.array([_terminal_value(decision.problem) for decision in decisions])
    for row, decision in enumerate(decisions):
        place = problem.year.index(decision.year)
        before = problem.opening_bank if row == 0 else float(bank[place - 1])
        if row > 0 and before < 0:
            # Vintages, which stand in for banking, may not be owed: their own lines say so.
            yearly = next((tool.yearly() for tool in problem.instruments if tool.label == "banking"), {})
            rates = np.broadcast_to(yearly.get("borrowing_interest", np.zeros(1)), (len(problem.year),))
            before *= 1 + float(rates[place - 1])
        opening[row] = abs(decision.problem.opening_bank - before) / max(abs(before), 1e-300)
        worth[row] = _worth(problem, foresight, dataset, row, place)
        if place + foresight.window >= len(problem.year):
            used[row] = worth[row] = np.nan
    yield worst("foresight.opening_bank", opening, 1.0, IDENTITY, years)
    published = dataset.left_over_value.values
    gap = np.maximum(_apart(published, worth), _apart(used, worth))
    yield worst("foresight.left_over_value", gap, 1.0, IDENTITY, years)


def _terminal_value(window: MarketProblem) -> float:
    tool = next((tool for tool in window.instruments if tool.label == "terminal_bank"), None)
    return 0.0 if tool is None else float(cast(Any, tool).value or 0.0)


def _worth(problem: MarketProblem, foresight: Foresight, dataset: xr.Dataset, row: int, place: int) -> float:
    """Worth of what is left at the end of one decision's window, from published prices and expectations alone."""
    if foresight.first_value is None:
        return 0.0
    if row == 0:
        return foresight.first_value
    rate = problem.interest
    if foresight.constant_price:
        return float(dataset.allowance_price.values[place - 1]) / (1 + rate)
    expected = dataset.expected_price.values[row - 1]
    last = int(np.flatnonzero(~np.isnan(expected))[-1])
    return float(expected[last]) * (1 + rate) ** (place + foresight.window - 1 - last)


def _apart(one: Array, other: Array) -> Array:
    """Relative distance of two arrays; equal numbers and two missing ones are not apart."""
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    size = np.maximum(np.maximum(np.abs(one), np.abs(other)), 1e-300)
    return np.where(same, 0.0, np.nan_to_num(np.abs(one - other) / size, nan=np.inf))


def _published_lines(problem: MarketProblem, decisions: Sequence[Decision], dataset: xr.Dataset) -> Iterator[Line]:
    """Each published number is that of the first years of the window that decided it."""
    for name in dataset.data_vars:
        if "decision" in dataset[name].dims:
            continue
        gaps = np.zeros(len(decisions))
        for row, decision in enumerate(decisions):
            gaps[row] = _published_gap(problem, decision, dataset, str(name))
        yield worst(f"published.{name}", gaps, 1.0, 0.0, [decision.year for decision in decisions])


def _published_gap(problem: MarketProblem, decision: Decision, dataset: xr.Dataset, name: str) -> float:
    own, years = decision.market.dataset, decision.problem.year[: decision.implemented]
    mine = dataset[name]
    if "year" in mine.dims:
        # Interest on a debt carried into a window is part of its opening bank; the ledger's own line holds it.
        skip, start = int(name == "borrowing_interest"), problem.year.index(decision.year)
        here = np.take(mine.values, range(start + skip, start + len(years)), mine.dims.index("year"))
        if name not in own:
            return float(np.any(here != 0))
        there = np.take(own[name].values, range(skip, len(years)), own[name].dims.index("year"))
        if name == "bank" and not has_vintages(problem):
            there = there + own.expired.values[: len(years)]
        elif name == "expired" and not has_vintages(problem):
            there = there * 0
        if mine.dims[0] == "vintage":
            whole = np.full(here.shape, np.nan if name == "vintage_price" else 0.0)
            born, held = mine.vintage.values.tolist(), own.vintage.values.tolist()
            if not set(held) <= set(born):
                return np.inf
            whole[[born.index(one) for one in held]] = there
            there = whole
        if mine.dims[0] in ("step", "tier") and len(here) != len(there):
            labels, kept = list(mine[mine.dims[0]].values), list(own[mine.dims[0]].values)
            idle = [row for row, label in enumerate(labels) if label not in kept]
            if np.any(here[idle] != 0) or not set(kept) <= set(labels):
                return 1.0
            here = here[[labels.index(label) for label in kept]]
        return _gap(here, there)
    if "response" in dataset[name].dims:
        rows = [index for index, term in enumerate(problem.responses) if term.year in years]
        theirs = [index for index, term in enumerate(decision.problem.responses) if term.year in years]
        return _gap(mine.values[rows], own[name].values[theirs])
    labels = [str(label) for label in own.balance_group_label.values]
    theirs = [index for index, label in enumerate(labels) if int(label.split("/")[-1]) in years]
    mine_labels = dataset.balance_group_label.values.tolist()
    rows = [mine_labels.index(labels[index]) for index in theirs if labels[index] in mine_labels]
    return np.inf if len(rows) < len(theirs) else _gap(mine.values[rows], own[name].values[theirs])


def _gap(one: NDArray[Any], other: NDArray[Any]) -> float:
    if one.dtype.kind == "f" and other.dtype.kind == "f":
        return float(_apart(one, other).max(initial=0.0))
    return float(not np.array_equal(one, other))


def _expectation_lines(problem: MarketProblem, decisions: Sequence[Decision], dataset: xr.Dataset) -> Iterator[Line]:
    """What a decision expected is its window's own path, and nothing is said of years outside it."""
    for name, source in TABLES.items():
        gaps = np.zeros(len(decisions))
        for row, decision in enumerate(decisions):
            expected = np.full(len(problem.year), np.nan)
            first = problem.year.index(decision.year)
            own = decision.market.dataset[source].values.astype(float)
            if source == "bank" and not has_vintages(problem):
                own = own + decision.market.dataset.expired.values
            expected[first : first + len(own)] = own
            gaps[row] = _apart(dataset[name].values[row], expected).max()
        yield worst(f"foresight.{name}", gaps, 1.0, 0.0, [decision.year for decision in decisions])
