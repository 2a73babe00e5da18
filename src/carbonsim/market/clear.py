"""Clears a market: chooses the engine by the problem's structure, says why, and audits the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr

from carbonsim.errors import InputError, shorten
from carbonsim.market.certificate import Certificate, audit, check_certificate
from carbonsim.market.clearing import Clearing
from carbonsim.market.concept import Concept, name_of
from carbonsim.market.equilibrium import answer_given_price, clear_by_best_response
from carbonsim.market.ledger import market_dataset
from carbonsim.market.lumpy import clear_lumpy
from carbonsim.market.notebook import market_html
from carbonsim.market.price_search import clear_by_price_search
from carbonsim.market.problem import MarketProblem
from carbonsim.market.supply import EngineName

Engine = Literal["auto", "programme", "price_search", "best_response"]
Progress = Callable[[str, float], None]

ENGINES: tuple[EngineName, ...] = ("programme", "price_search", "best_response")
ROUNDING = 1e-9  # share of a year's obligations by which what stands in for allowances may exceed them
COLUMNS_FOR_PROGRAMME = 10_000  # option-years up to which building the programme takes about a second


@dataclass(frozen=True, slots=True, eq=False)
class Market:
    """A cleared and audited market.

    ``dataset`` holds every published number (see ``market_dataset``), ``engine`` and ``engine_reason`` say how the
    price was found, ``certificate`` why it can be trusted.
    """

    dataset: xr.Dataset
    engine: str
    engine_reason: str
    certificate: Certificate

    def __repr__(self) -> str:
        """Price, its interval and its basis by year, and what binds."""
        rows = [f"Market, engine {self.engine}: {self.engine_reason}"]
        along = "node" if "node" in self.dataset.dims else "year"
        for place in self.dataset[along].values:
            at = self.dataset.sel({along: place})
            price, low, high = (float(at[name]) for name in ("allowance_price", "price_low", "price_high"))
            interval = (
                "" if low == high else f" in [{low:.6g}, {'no upper bound' if np.isnan(high) else f'{high:.6g}'}]"
            )
            shown = "undetermined" if np.isnan(price) else f"{price:.6g}"
            rows.append(f"  {place}: {shown}{interval} ({at.price_basis.item()}), bank {float(at.bank):.6g}")
        return "\n".join(rows)

    def _repr_html_(self) -> str:
        """The same as a table for a notebook."""
        lines = self.certificate.lines
        return market_html(self.dataset, self.engine, self.engine_reason, len(self.certificate.failures()), len(lines))


def clear(
    problem: MarketProblem,
    engine: Engine = "auto",
    progress: Progress | None = None,
    *,
    concept: Concept | None = None,
) -> Market:
    """The market's prices, quantities and trades, with the certificate that proves them.

    Parameters
    ----------
    problem : MarketProblem
    engine : {"auto", "programme", "price_search", "best_response"}
        ``auto`` chooses by structure: best responses where a rule needs them, the programme for small markets with
        affine rules, the price search for large ones and for linear MACs.
    progress : callable, optional
        Called with a stage and a fraction from 0 to 1.
    concept : Concept, optional
        Who foresees what and who moves whom; without one everybody foresees the whole path and takes it as given.

    Returns
    -------
    Market

    Raises
    ------
    InputError
        If the engine asked for cannot hold the problem; the message names the rule or instrument.
    InfeasibleError
        If the cap cannot be met, or if no price clears the market.
    SolverError
        If the solver or a declared fixed point does not reach its tolerance.
    CertificateError
        If the answer fails its audit.
    """
    if not isinstance(problem, MarketProblem):
        raise InputError(
            f"a {type(problem).__name__} is no market problem; make one with MarketProblem.from_mapping(...)."
        )
    if concept is not None:
        if problem.plans is not None:
            raise InputError(f"plans cannot stand beside the concept {name_of(concept)}; leave one of them out.")
        return concept.clear(problem, engine, progress)
    if problem.plans is not None:
        return clear_lumpy(problem, engine, progress)
    clearing = _clear(problem, engine, progress)
    dataset = market_dataset(problem, clearing)
    _check_within_obligations(problem, dataset)
    certificate = audit(problem, dataset)
    check_certificate(certificate)
    return Market(dataset, clearing.engine, clearing.reason, certificate)


def _clear(problem: MarketProblem, engine: Engine, progress: Progress | None) -> Clearing:
    if engine not in ("auto", *ENGINES):
        raise InputError(f"engine is '{engine}'. Known: auto, {', '.join(sorted(ENGINES))}.")
    if problem.given_price is not None:
        if engine in ("programme", "price_search"):
            raise InputError(
                f"Engine '{engine}' finds a price; a problem with given_price is answered, not cleared: use 'auto'."
            )
        return answer_given_price(
            problem, "the price path is given, so everybody answers it and nothing needs to clear"
        )
    chosen, reason = choose_engine(problem) if engine == "auto" else (engine, "asked for by the caller")
    if chosen == "best_response":
        return clear_by_best_response(problem, reason, progress)
    if chosen == "price_search":
        return clear_by_price_search(problem, reason)
    # Pyomo is loaded only when the programme is the engine.
    from carbonsim.market.programme import clear_by_programme

    return clear_by_programme(problem, reason)


def _check_within_obligations(problem: MarketProblem, dataset: xr.Dataset) -> None:
    """Refuse an answer in which more stands in for allowances than there is to surrender: it would mint allowances."""
    obligation = dataset.obligation.values.sum(axis=0)
    instead = dataset.offsets_used.values + dataset.penalty_tonnes.values
    over = np.flatnonzero(instead > obligation * (1 + ROUNDING) + ROUNDING * max(float(obligation.max()), 1.0))
    if not over.size:
        return
    y = over[0]
    names = [step.name for step in problem.steps if step.kind in ("offset", "penalty") and step.exists()[y]]
    raise InputError(
        f"{shorten(names)} would stand in for {instead[y]:,.6g} t in {problem.year[y]}, where only "
        f"{obligation[y]:,.6g} t have to be surrendered: the rest would be new allowances for other years. Limit "
        "offsets by share_limit (1 at most) or by offset_limit, and a fee by escalating_penalty with a first step "
        "up_to 1 and a last one that nobody would pay."
    )


def choose_engine(problem: MarketProblem) -> tuple[EngineName, str]:
    """The engine that suits the problem's structure, and why.

    Raises
    ------
    InputError
        If no engine can hold the rules and the instruments together; names both.

    Examples
    --------
    >>> from carbonsim.market import MarketProblem
    >>> choose_engine(MarketProblem.from_mapping({"year": [2025], "enterprises": {"north": {"baseline": 1}}}))
    ('programme', 'every rule is affine, so the market is one convex programme')
    """
    refused = {name: _refusals(problem, name) for name in ENGINES}
    if problem.responses:
        rules = ", ".join(sorted({type(term.rule).__name__ for term in problem.responses}))
        if refused["best_response"]:
            raise InputError(
                f"No engine holds this market: the rules {rules} need best responses, but "
                f"{'; '.join(refused['best_response'])}, which best responses cannot hold. Leave one of them out."
            )
        return (
            "best_response",
            f"the rules {rules} are no convex programme, so each unit's best answer is searched",
        )
    if refused["price_search"]:
        return "programme", f"{refused['price_search'][0]}, which only the programme can hold"
    quadratic = int(np.count_nonzero((problem.options.slope > 0) & (problem.options.potential > 0)))
    columns = int(np.count_nonzero(problem.options.potential > 0))
    if refused["programme"]:
        return "price_search", "; ".join(refused["programme"])
    if quadratic:
        return (
            "price_search",
            f"{quadratic} of {columns} option-years have linear MACs, which the price search has exact",
        )
    if columns > COLUMNS_FOR_PROGRAMME:
        return "price_search", f"{columns} option-years: the exact price search is faster"
    return "programme", "every rule is affine, so the market is one convex programme"


def _refusals(problem: MarketProblem, engine: EngineName) -> list[str]:
    """Why an engine cannot hold the problem's instruments, a clause for each that it cannot."""
    found = ((instrument.label, instrument.refused_by(engine)) for instrument in problem.instruments)
    return [f"{label} {reason}" for label, reason in found if reason]
