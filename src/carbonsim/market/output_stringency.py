"""Equal emissions: the stringency of a standard at which a pool emits what it would under another policy."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import ArrayLike

from carbonsim.errors import InfeasibleError, InputError, Said, SolverError, did_you_mean
from carbonsim.market.output_equilibrium import solve_year
from carbonsim.market.output_problem import OutputProblem
from carbonsim.market.output_response import respond_without, view_year

MET = 1e-9  # relative distance from the target that is accepted
HALVINGS = 60


def match_emissions(problem: OutputProblem, pool: str, emissions: ArrayLike) -> OutputProblem:
    r"""The problem with the benchmarks of a pool under a standard scaled so that it emits a target.

    Parameters
    ----------
    problem : OutputProblem
    pool : str
        A pool whose policy is ``standard`` in at least one year; other years are left alone.
    emissions : float or array [tCO2e] (year)
        What the pool shall emit.

    Returns
    -------
    OutputProblem
        Benchmarks keep their proportions. Compare policies at equal emissions: the ranking at equal announced
        stringency may differ.

    Raises
    ------
    InputError
        If the pool has no standard or a target is not below its emissions without policy.
    InfeasibleError
        If no standard above 0 brings the emissions down to the target.
    SolverError
        If the target is missed by more than 1e-9 of it.

    Notes
    -----
    Solves :math:`\sum_i (\mu_i - a_i(\lambda)) q_i(\lambda) = \bar E` for the factor :math:`\lambda` on the
    benchmarks inside a bracket.
    """
    if pool not in problem.pool:
        raise InputError(
            f"pool '{pool}' is not listed. {did_you_mean(pool, problem.pool)}".strip(),
            f"未列出配额池 '{pool}'。{did_you_mean(pool, problem.pool, 'zh')}".strip(),
        )
    k = problem.pool.index(pool)
    targets = np.broadcast_to(np.asarray(emissions, dtype=float), (len(problem.year),))
    years = [y for y in range(len(problem.year)) if problem.kind[k][y] == "standard"]
    if not years:
        raise InputError(
            f"pool {pool} has no standard in any year; give a cap its number directly.",
            f"配额池 {pool} 在任何年份都没有强度标准；总量请直接给出数值。",
        )
    for y in years:
        problem = _scaled(problem, k, y, _factor(problem, k, y, float(targets[y])))
    return problem


def _factor(problem: OutputProblem, k: int, y: int, target: float) -> float:
    from scipy.optimize import brentq

    rows = problem.producer_pool == k
    view = view_year(problem, y)
    most = float(respond_without(view).emissions[rows].sum())
    where = Said(f"pool {problem.pool[k]} in {problem.year[y]}", f"配额池 {problem.pool[k]} 在 {problem.year[y]} 年")
    if not 0.0 < target < most:
        raise InputError(
            f"{where} emits {most:.6g} t without policy; a target of {target:.6g} t needs no standard.",
            f"{where.zh}在没有政策时排放 {most:.6g} 吨；{target:.6g} 吨的目标不需要强度标准。",
        )

    def gap(factor: float) -> float:
        try:
            answer = solve_year(view_year(_scaled(problem, k, y, factor), y)).answer
        except InfeasibleError:
            return -1.0
        return float(answer.emissions[rows].sum()) / target - 1.0

    used = rows & (problem.benchmark[:, y] > 0)
    high = float((problem.intensity[used, y] / problem.benchmark[used, y]).max())
    low = high
    for _ in range(HALVINGS):
        low *= 0.5
        if gap(low) < 0.0:
            break
    else:
        raise InfeasibleError(
            f"{where}: no standard brings emissions down to {target:.6g} t; tighten another rule.",
            f"{where.zh}：没有强度标准能把排放降到 {target:.6g} 吨；请收紧其他规则。",
        )
    factor = float(brentq(gap, low, high, xtol=1e-300, rtol=1e-15))
    if abs(gap(factor)) > MET:
        raise SolverError(
            f"{where}: the closest standard misses {target:.6g} t by {abs(gap(factor)):.1e} of it; they jump there.",
            f"{where.zh}：最接近的标准与 {target:.6g} 吨相差 {abs(gap(factor)):.1e}；排放在该处跳变。",
        )
    return factor


def _scaled(problem: OutputProblem, k: int, y: int, factor: float) -> OutputProblem:
    benchmark = problem.benchmark.copy()
    benchmark[problem.producer_pool == k, y] *= factor
    return dataclasses.replace(problem, benchmark=benchmark)
