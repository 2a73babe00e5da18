"""Several markets linked by gates: allowances of one that count in another, with an exchange rate and a limit."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from carbonsim.errors import InfeasibleError, InputError, Said, issues_of, shorten
from carbonsim.market.audit_linked import audit_linked
from carbonsim.market.certificate import Certificate, check_certificate
from carbonsim.market.clear import Market, clear
from carbonsim.market.link_bounds import widest_prices
from carbonsim.market.problem import MarketProblem, as_matrix
from carbonsim.market.supply import Array

LOOP = 1e-9  # rates that multiply round a loop to no more than 1 and this make nothing of nothing
DUST = 1e-9  # a flow below this share of the source's obligations is rounding


@dataclass(frozen=True, slots=True, eq=False)
class Gate:
    """A one-way gate: each allowance of ``source`` counts for ``rate`` tonnes in ``target``, up to ``limit`` a year.

    ``limit`` [allowance of the source] is a number or one for each year, ``inf`` if nothing limits it; 0 in years in
    which the gate is shut. Two gates make a link that is open both ways.
    """

    name: str
    source: str
    target: str
    rate: float = 1.0
    limit: ArrayLike = np.inf

    def limits(self, years: int) -> Array:
        """The limit of each year."""
        return np.asarray(as_matrix(self.limit, 1, years)[0])


@dataclass(frozen=True, eq=False)
class LinkedMarkets:
    r"""Markets of the same years and interest, and the gates between them.

    .. math::
        :label: linked-markets

        0 \le f_{gy} \le L_{gy}, \qquad r_g\, p_{t y} \le p_{s y} \perp f_{gy} \ge 0, \qquad
        r_g\, p_{t y} \ge p_{s y} \perp f_{gy} \le L_{gy}

    for a gate g from market s to market t: the flow adds to the need of s and, times the rate, to the supply of t.
    Where a limit binds the prices stay apart, and the difference is a rent of whoever holds the right to pass.

    Parameters
    ----------
    markets : mapping of name to MarketProblem
        With affine allocation: best-response rules are no convex programme.
    gates : sequence of Gate

    Raises
    ------
    InputError
        With every problem found.
    """

    markets: Mapping[str, MarketProblem]
    gates: tuple[Gate, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "gates", tuple(self.gates))
        if found := _problems(self):
            raise InputError(issues_of("linked", Said("linked markets", "连接的市场"), found))

    @property
    def year(self) -> tuple[int, ...]:
        """The years of every market."""
        return next(iter(self.markets.values())).year

    def at_flows(self, flow: Array) -> dict[str, MarketProblem]:
        """Each market with the flows (gate, year) as given: a buyer for abroad, a seller from abroad.

        What leaves is a negative allocation and no obligation, so that it widens no limit by obligations.
        """
        return {name: self._with_gates(name, flow) for name in self.markets}

    def _with_gates(self, name: str, flow: Array) -> MarketProblem:
        problem, years = self.markets[name], len(self.year)
        out = [at for at, gate in enumerate(self.gates) if gate.source == name]
        into = [at for at, gate in enumerate(self.gates) if gate.target == name]
        rates = np.array([self.gates[at].rate for at in into]).reshape(-1, 1)
        count, nothing = len(out) + len(into), np.zeros((len(out) + len(into), years))

        def joined(array: Array, rows: Array) -> Array:
            return np.concatenate([array, rows])

        return dataclasses.replace(
            problem,
            enterprise=(*problem.enterprise, *(f"gate:{self.gates[at].name}" for at in (*out, *into))),
            baseline=joined(problem.baseline, nothing),
            share=joined(problem.share, np.ones((count, years))),
            fixed=joined(problem.fixed, np.concatenate([-flow[out], rates * flow[into]])),
            per_emission=joined(problem.per_emission, nothing),
        )


@dataclass(frozen=True, slots=True, eq=False)
class LinkedResult:
    """Cleared linked markets: joint prices and flows in ``dataset``, each market at the flows in ``markets``."""

    dataset: xr.Dataset
    markets: Mapping[str, Market]
    certificate: Certificate

    def __repr__(self) -> str:
        """Prices of the markets and flows through the gates by year."""
        rows = ["Linked markets"]
        for year in self.dataset.year.values:
            at = self.dataset.sel(year=year)
            prices = ", ".join(f"{m} {p:.6g}" for m, p in zip(at.market.values, at.allowance_price.values, strict=True))
            flows = ", ".join(f"{g} {f:.6g}" for g, f in zip(at.gate.values, at.flow.values, strict=True))
            rows.append(f"  {year}: {prices}; {flows}")
        return "\n".join(rows)


def clear_linked(linked: LinkedMarkets, progress: Callable[[str, float], None] | None = None) -> LinkedResult:
    """Prices of linked markets and the flows between them.

    Parameters
    ----------
    linked : LinkedMarkets
    progress : callable, optional
        Called with a stage and a fraction from 0 to 1.

    Returns
    -------
    LinkedResult
        Dataset over (market, year): ``allowance_price``, ``price_low``, ``price_high`` [CNY/tCO2e] of the linked
        markets (inside the interval of each market at the flows given, and narrower where a gate joins two);
        ``net_import`` [tCO2e]. Over (gate, year): ``flow`` [allowance of the source], ``gate_rent`` [CNY, >= 0, a
        transfer].

    Raises
    ------
    InfeasibleError
        If the caps cannot be met together.
    SolverError
        If HiGHS proves no optimum.
    CertificateError
        If the answer fails its audit.

    Notes
    -----
    The flows are those of the joint least-cost programme, whose multipliers are the markets' prices since every
    market has the same interest. Each market is then cleared again by itself at these flows.
    """
    flow = _flows(linked)
    markets = {}
    for place, (name, problem) in enumerate(linked.at_flows(flow).items()):
        if progress:
            progress("clear", place / len(linked.markets))
        markets[name] = clear(problem)
    dataset = _dataset(linked, flow, markets)
    certificate = audit_linked(linked, dataset, markets)
    check_certificate(certificate)
    return LinkedResult(dataset, markets, certificate)


def _problems(linked: LinkedMarkets) -> list[str]:
    found: list[str] = []
    problems = linked.markets
    if len(problems) < 2:
        return [
            Said(f"there are {len(problems)} markets; a link needs two.", f"有 {len(problems)} 个市场；连接需要两个。")
        ]
    if len({problem.year for problem in problems.values()}) > 1:
        found.append(
            Said("the markets have different years; give all of them the same.", "各市场的年份不同；请给出相同的年份。")
        )
    if len({problem.interest for problem in problems.values()}) > 1:
        found.append(
            Said(
                "the markets discount at different rates; linked prices need one interest.",
                "各市场的折现率不同；连接价格需要同一利率。",
            )
        )
    answering = [name for name, problem in problems.items() if problem.responses or problem.given_price is not None]
    if answering:
        found.append(
            Said(
                f"{shorten(answering)}: best-response rules and given prices cannot be linked; link affine markets.",
                f"{shorten(answering, 'zh')}：最优响应规则和给定价格不能连接；请连接仿射规则的市场。",
            )
        )
    names = [gate.name for gate in linked.gates]
    if len(set(names)) < len(names) or not names:
        found.append(
            Said("gates need one name each, and there must be one at least.", "gates 须至少有一个，且名称各不相同。")
        )
    for gate in linked.gates:
        unknown = sorted({gate.source, gate.target} - set(problems))
        if unknown or gate.source == gate.target:
            found.append(
                Said(
                    f"gate {gate.name} leads from '{gate.source}' to '{gate.target}'. Markets: {', '.join(problems)}.",
                    f"通道 {gate.name} 由 '{gate.source}' 通往 '{gate.target}'。市场：{'、'.join(problems)}。",
                )
            )
        if not (np.isfinite(gate.rate) and gate.rate > 0):
            found.append(
                Said(
                    f"gate {gate.name}: rate is {gate.rate:g}; expected a positive number.",
                    f"通道 {gate.name}：rate 为 {gate.rate:g}，应为正数。",
                )
            )
        limit, years = np.asarray(gate.limit, dtype=float), len(next(iter(problems.values())).year)
        if limit.size not in (1, years) or np.any(np.isnan(limit)) or np.any(limit < 0):
            found.append(
                Said(
                    f"gate {gate.name}: limit needs one number or {years}, not negative.",
                    f"通道 {gate.name}：limit 应为 1 个或 {years} 个非负数。",
                )
            )
    return found or _multiplying_loops(linked)


def _multiplying_loops(linked: LinkedMarkets) -> list[str]:
    """What to say of the first loop of unlimited gates that makes more than one allowance of one."""
    limits = [gate.limits(len(linked.year)) for gate in linked.gates]
    for y, year in enumerate(linked.year):
        unlimited = [gate for gate, limit in zip(linked.gates, limits, strict=True) if np.isinf(limit[y])]
        if loop := _multiplying_loop(unlimited, list(linked.markets)):
            rate, names = _rate(loop), [gate.name for gate in loop]
            return [
                Said(
                    f"the gates {shorten(names)} lead back to where they begin and make {rate:.6g} of one allowance in "
                    f"{year}, as often as one likes, so every cap is met for nothing. Lower a rate, or give one of "
                    "them a limit.",
                    f"通道 {shorten(names, 'zh')} 首尾相接，{year} 年每绕一圈 1 个配额变为 {rate:.6g} 个，可无限重复，"
                    "总量失去约束。请调低折算率（rate），或为其中一个设 limit。",
                )
            ]
    return []


def _multiplying_loop(gates: list[Gate], markets: list[str]) -> tuple[Gate, ...]:
    """A loop whose rates multiply to more than 1, from the best way between any two markets (Floyd and Warshall)."""
    best: dict[tuple[str, str], tuple[Gate, ...]] = {}
    for gate in gates:
        pair = (gate.source, gate.target)
        if pair not in best or gate.rate > _rate(best[pair]):
            best[pair] = (gate,)
    for over in markets:
        for source in markets:
            for target in markets:
                if (source, over) not in best or (over, target) not in best:
                    continue
                way = (*best[source, over], *best[over, target])
                if source == target and _rate(way) > 1 + LOOP:
                    return way
                if source != target and ((source, target) not in best or _rate(way) > _rate(best[source, target])):
                    best[source, target] = way
    return ()


def _rate(way: tuple[Gate, ...]) -> float:
    """What one allowance becomes on a way through gates."""
    return float(np.prod([gate.rate for gate in way]))


def _flows(linked: LinkedMarkets) -> Array:
    """Flows (gate, year) of the joint programme, in allowances of the source."""
    # Pyomo is loaded only when a programme is built.
    from carbonsim.market.programme import build_programme
    from carbonsim.solving import LoadedProgramme, compile_programme
    from carbonsim.solving.join import CouplingColumn, join_programmes

    names, years = list(linked.markets), linked.year
    built = [build_programme(problem) for problem in linked.markets.values()]
    parts = [compile_programme(programme.model) for programme in built]
    scale = [programme.frame.scale for programme in built]
    balance = [{name: row for row, name in enumerate(part.rows)} for part in parts]
    couplings = []
    for gate in linked.gates:
        source, target = names.index(gate.source), names.index(gate.target)
        for year, limit in zip(years, gate.limits(len(years)), strict=True):
            row = f"market.balance[{year}]"
            entries = (
                (source, balance[source][row], scale[0] / scale[source]),
                (target, balance[target][row], -gate.rate * scale[0] / scale[target]),
            )
            couplings.append(CouplingColumn(f"gate.{gate.name}[{year}]", limit / scale[0], entries))
    joint = join_programmes(parts, [each / scale[0] for each in scale], couplings)
    solution = LoadedProgramme(joint).solve()
    if solution is None:
        raise InfeasibleError(
            "The caps of the linked markets cannot be met together: even with all abatement and every gate used to "
            "its limit, allowances are missing. Clear each market alone to see where, or add a price_ceiling.",
            "各连接市场的总量不能同时满足：即使实施全部减排并用尽各通道的限额，配额仍然不足。"
            "请逐个市场出清以查明缺口，或增加 price_ceiling。",
        )
    flow = np.clip(solution.values[-len(couplings) :] * scale[0], 0.0, None).reshape(len(linked.gates), len(years))
    dust = DUST * max(float(problem.baseline.sum()) for problem in linked.markets.values())
    return np.where(flow <= dust, 0.0, flow)


def _dataset(linked: LinkedMarkets, flow: Array, markets: Mapping[str, Market]) -> xr.Dataset:
    low, high = widest_prices(linked, flow, {name: market.dataset for name, market in markets.items()})
    names = list(linked.markets)
    imports = np.zeros_like(low)
    rent = np.zeros_like(flow)
    for at, gate in enumerate(linked.gates):
        source, target = names.index(gate.source), names.index(gate.target)
        imports[source] -= flow[at]
        imports[target] += gate.rate * flow[at]
        rent[at] = np.where(flow[at] > 0, flow[at] * np.maximum(gate.rate * low[target] - low[source], 0.0), 0.0)
    money, per_tonne = {"units": "CNY"}, {"units": "CNY/tCO2e"}
    at_market, at_gate = ("market", "year"), ("gate", "year")
    return xr.Dataset(
        {
            "allowance_price": (at_market, low, per_tonne),
            "price_low": (at_market, low, per_tonne),
            "price_high": (at_market, np.where(np.isinf(high), np.nan, high), per_tonne),
            "net_import": (at_market, imports, {"units": "tCO2e"}),
            "flow": (at_gate, flow, {"units": "allowance"}),
            "gate_rent": (at_gate, rent, money),
        },
        coords={"market": names, "gate": [gate.name for gate in linked.gates], "year": list(linked.year)},
    )
