"""Clears a market: chooses the engine by the problem's structure, says why, and audits the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.errors import InputError, Said, chinese_of, joined, shorten
from carbonsim.market.certificate import Certificate, audit, check_certificate
from carbonsim.market.clearing import Clearing
from carbonsim.market.concept import Concept, concept_of, name_of
from carbonsim.market.equilibria import equilibrium_lines
from carbonsim.market.equilibrium import answer_given_price, clear_by_best_response
from carbonsim.market.ledger import market_dataset
from carbonsim.market.lumpy import clear_lumpy
from carbonsim.market.notebook import market_html
from carbonsim.market.price_search import clear_by_price_search
from carbonsim.market.problem import MarketProblem
from carbonsim.market.supply import INSTEAD_OF_ALLOWANCES, EngineName, engine_zh

Engine = Literal["auto", "programme", "price_search", "best_response"]
Progress = Callable[[str, float], None]

ENGINES: tuple[EngineName, ...] = ("programme", "price_search", "best_response")
ROUNDING = 1e-9  # share of a year's obligations by which what stands in for allowances may exceed them
AUDITED = 0.7  # where the bar stands when the answer is found and its audit begins
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
        return "\n".join([*rows, *(f"  {line}" for line in equilibrium_lines(self.dataset))])

    def _repr_html_(self) -> str:
        """The same as a table for a notebook."""
        lines = self.certificate.lines
        return market_html(self.dataset, self.engine, self.engine_reason, len(self.certificate.failures()), len(lines))


def clear(
    problem: MarketProblem,
    engine: Engine = "auto",
    progress: Progress | None = None,
    *,
    concept: Concept | str | Mapping[str, object] | None = None,
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
    concept : Concept, str or dict, optional
        Who foresees what and who moves whom; without one everybody foresees the whole path and takes it as given. A
        registered name, or a dict with the name as ``kind`` and its settings, is read as in a problem file.

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
            f"a {type(problem).__name__} is no market problem; make one with MarketProblem.from_mapping(...).",
            f"{type(problem).__name__} 不是市场问题；请用 MarketProblem.from_mapping(...) 建立。",
        )
    if concept is not None:
        concept = concept_of(concept, problem.year)
        if problem.plans is not None:
            raise InputError(
                f"plans cannot stand beside the concept {name_of(concept)}; leave one of them out.",
                f"plans 不能与均衡概念 {name_of(concept)} 并用；请删去其中之一。",
            )
        return concept.clear(problem, engine, progress)
    if problem.plans is not None:
        return clear_lumpy(problem, engine, progress)
    clearing = _clear(problem, engine, progress)
    dataset = market_dataset(problem, clearing)
    if clearing.engine != "programme" and _over_obligations(dataset).size:
        # Loaded only here: it takes the solver, which the engines without one do not load.
        from carbonsim.market.tied_quantities import keep_within_obligations

        within = keep_within_obligations(problem, clearing, dataset)
        dataset = dataset if within is None else market_dataset(problem, within)
    _check_within_obligations(problem, dataset)
    if progress is not None:
        progress(Said("auditing the answer", "核验结果"), AUDITED)
    certificate = audit(problem, dataset)
    check_certificate(certificate)
    return Market(dataset, clearing.engine, clearing.reason, certificate)


def _clear(problem: MarketProblem, engine: Engine, progress: Progress | None) -> Clearing:
    if engine not in ("auto", *ENGINES):
        raise InputError(
            f"engine is '{engine}'. Known: auto, {', '.join(sorted(ENGINES))}.",
            f"求解方式为 '{engine}'。可用：auto、{'、'.join(engine_zh(name) for name in sorted(ENGINES))}。",
        )
    if problem.given_price is not None:
        if engine in ("programme", "price_search"):
            raise InputError(
                f"Engine '{engine}' finds a price; a problem with given_price is answered, not cleared: use 'auto'.",
                f"求解方式 {engine_zh(engine)}用于求价格；已给出 given_price 的问题只须求各企业的响应，请用 auto。",
            )
        return answer_given_price(
            problem,
            Said(
                "the price path is given, so everybody answers it and nothing needs to clear",
                "价格路径已给定，各企业只须响应，无须出清",
            ),
        )
    chosen, reason = (
        choose_engine(problem) if engine == "auto" else (engine, Said("asked for by the caller", "由用户指定"))
    )
    if chosen == "best_response":
        return clear_by_best_response(problem, reason, progress)
    if chosen == "price_search":
        return clear_by_price_search(problem, reason)
    # Pyomo is loaded only when the programme is the engine.
    from carbonsim.market.programme import clear_by_programme

    return clear_by_programme(problem, reason, progress)


def _over_obligations(dataset: xr.Dataset) -> NDArray[np.intp]:
    """Positions of the years in which more stands in for allowances than there is to surrender."""
    obligation = dataset.obligation.values.sum(axis=0)
    instead = dataset.offsets_used.values + dataset.penalty_tonnes.values
    return np.flatnonzero(instead > obligation * (1 + ROUNDING) + ROUNDING * max(float(obligation.max()), 1.0))


def _check_within_obligations(problem: MarketProblem, dataset: xr.Dataset) -> None:
    """Refuse an answer in which more stands in for allowances than there is to surrender: it would mint allowances.

    The engines show another answer of the same cost if one keeps within obligations, so here there is none.
    """
    over = _over_obligations(dataset)
    if not over.size:
        return
    obligation = dataset.obligation.values.sum(axis=0)
    instead = dataset.offsets_used.values + dataset.penalty_tonnes.values
    y = over[0]
    names = [step.name for step in problem.steps if step.kind in INSTEAD_OF_ALLOWANCES and step.exists()[y]]
    raise InputError(
        f"{shorten(names)} would stand in for {instead[y]:,.6g} t in {problem.year[y]}, where only "
        f"{obligation[y]:,.6g} t have to be surrendered: the rest would be new allowances for other years. Limit "
        "offsets by share_limit (1 at most) or by offset_limit, and a fee by escalating_penalty with a first step "
        "up_to 1 and a last one that nobody would pay.",
        f"{shorten(names, 'zh')} 将在 {problem.year[y]} 年替代 {instead[y]:,.6g} 吨配额，而该年只须清缴 "
        f"{obligation[y]:,.6g} 吨：其余相当于为其他年份新增配额。请用 share_limit（至多为 1）或 offset_limit "
        "限制抵销，用 escalating_penalty 限制罚款（首档 up_to 为 1，末档无人愿付）。",
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
                f"{'; '.join(refused['best_response'])}, which best responses cannot hold. Leave one of them out.",
                f"没有求解方式能处理该市场：规则 {rules} 需要最优响应，但 {joined(refused['best_response']).zh}，"
                "最优响应不能处理。请删去其中之一。",
            )
        return (
            "best_response",
            Said(
                f"the rules {rules} are no convex programme, so each unit's best answer is searched",
                f"规则 {rules} 不是凸规划，因此搜索每个单元的最优响应",
            ),
        )
    if refused["price_search"]:
        return "programme", Said(
            f"{refused['price_search'][0]}, which only the programme can hold",
            f"{chinese_of(refused['price_search'][0])}，只有 {engine_zh('programme')}能处理",
        )
    quadratic = int(np.count_nonzero((problem.options.slope > 0) & (problem.options.potential > 0)))
    columns = int(np.count_nonzero(problem.options.potential > 0))
    if refused["programme"]:
        return "price_search", joined(refused["programme"])
    if quadratic:
        return (
            "price_search",
            Said(
                f"{quadratic} of {columns} option-years have linear MACs, which the price search has exact",
                f"{columns} 个选项·年中有 {quadratic} 个的边际减排成本为线性，价格搜索可精确处理",
            ),
        )
    if columns > COLUMNS_FOR_PROGRAMME:
        return "price_search", Said(
            f"{columns} option-years: the exact price search is faster", f"共 {columns} 个选项·年：精确的价格搜索更快"
        )
    return "programme", Said(
        "every rule is affine, so the market is one convex programme", "所有规则均为仿射，市场是一个凸规划"
    )


def _refusals(problem: MarketProblem, engine: EngineName) -> list[str]:
    """Why an engine cannot hold the problem's instruments, a clause for each that it cannot."""
    found = ((instrument.label, instrument.refused_by(engine)) for instrument in problem.instruments)
    return [Said(f"{label} {reason}", f"{label} {chinese_of(reason)}") for label, reason in found if reason]
