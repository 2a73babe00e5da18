"""Mixed-integer programmes: the best plan, a proven bound, and the duals once its integers are fixed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NoReturn

import numpy as np

from carbonsim.errors import SolverError
from carbonsim.solving.compile import Array, CompiledProgramme
from carbonsim.solving.highs import FEASIBILITY_TOLERANCE, LoadedProgramme, has_point, load_highs
from carbonsim.solving.solution import Solution

INTEGER_GAP = 1e-9  # between the best plan and the bound on all plans
SAME_COST = 1e-7  # relative difference accepted between a plan's cost and that of its programme with integers fixed


@dataclass(frozen=True, slots=True, eq=False)
class IntegerSolution:
    """The best plan of a mixed-integer programme, proven by a bound.

    ``fixed`` is the programme with its integers fixed at the plan, ``solution`` its optimum with duals: they price the
    continuous columns given the plan, and say nothing of another plan. ``bound`` is a proven lower bound on the cost
    of every plan, ``gap`` how far the plan's cost is above it, relative to the larger of 1 and that cost.
    """

    values: Array
    objective: float
    bound: float
    gap: float
    fixed: CompiledProgramme
    solution: Solution


def solve_mixed_integer(
    programme: CompiledProgramme, *, gap: float = INTEGER_GAP, seconds: float = 300.0
) -> IntegerSolution | None:
    """The best plan of a programme with integer columns, its proven bound and the duals with its integers fixed.

    Parameters
    ----------
    programme : CompiledProgramme
        With a linear objective; ``integer`` marks the integer columns.
    gap : float [1]
        Largest relative gap between plan and bound that is accepted.
    seconds : float [s]
        Time after which the search is given up.

    Returns
    -------
    IntegerSolution or None
        None if no plan is feasible.

    Raises
    ------
    SolverError
        If the objective is quadratic, if the gap is not closed in time, or if the plan does not stand up once its
        integers are rounded and fixed.
    """
    if programme.hessian is not None:
        raise SolverError(
            "The programme has integer columns and quadratic costs; HiGHS holds only one of them.",
            "规划同时含整数列和二次成本；HiGHS 只能处理其一。",
        )
    solver = load_highs(programme, {"presolve": "choose", "solver": "choose", "mip_rel_gap": gap, "mip_abs_gap": 0.0,
                                "mip_feasibility_tolerance": FEASIBILITY_TOLERANCE, "time_limit": seconds})  # fmt: skip
    solver.run()
    status = solver.modelStatusToString(solver.getModelStatus())
    if status == "Infeasible" or (status == "Primal infeasible or unbounded" and not has_point(programme)):
        return None
    if status == "Time limit reached":
        _raise_unproven(float(solver.getInfo().mip_gap), seconds)
    if status != "Optimal":
        raise SolverError(
            f"HiGHS stopped with status '{status}' before it proved the best plan.",
            f"HiGHS 以状态 '{status}' 停止，尚未证明最优方案。",
        )
    found = np.array(solver.getSolution().col_value, dtype=float)
    bound = float(solver.getInfo().mip_dual_bound)
    return plan_at(programme, found, bound, gap)


def _raise_unproven(left: float, seconds: float) -> NoReturn:
    """SolverError with the gap that is left once the time is over."""
    far = np.isfinite(left)
    found = f"the best one found may be {100 * left:.3g} % too dear" if far else "none was found"
    found_zh = f"已找到的最好方案可能偏贵 {100 * left:.3g}%" if far else "尚未找到方案"
    raise SolverError(
        f"The best plan was not proven in {seconds:g} s: {found}. "
        "Solve fewer enterprises or years, or with fewer yes-or-no decisions.",
        f"{seconds:g} 秒内未能证明最优方案：{found_zh}。请减少企业或年份，或减少是非决策。",
    )


def plan_at(programme: CompiledProgramme, found: Array, bound: float, gap: float = INTEGER_GAP) -> IntegerSolution:
    """The plan with its integers rounded and fixed; its cost is recomputed and held to the bound.

    Parameters
    ----------
    programme : CompiledProgramme
        With its integers.
    found : array (column)
        Values of the integers; those of all others are found again.
    bound : float
        Proven lower bound on the cost of every plan, also by another form of the same programme.
    gap : float [1]
        Largest relative gap between plan and bound that is accepted.

    Raises
    ------
    SolverError
        If the plan does not stand up once its integers are fixed, or costs more than the bound and gap allow.
    """
    whole = np.zeros(len(found), dtype=bool) if programme.integer is None else programme.integer
    rounded = np.round(found)
    fixed = replace(
        programme,
        column_lower=np.where(whole, rounded, programme.column_lower),
        column_upper=np.where(whole, rounded, programme.column_upper),
        integer=None,
    )
    solution = LoadedProgramme(fixed).solve()
    if solution is None:
        raise SolverError(
            "The plan that HiGHS found has no feasible point once its integers are exactly whole.",
            "HiGHS 找到的方案在整数取整后没有可行点。",
        )
    size = max(1.0, abs(solution.objective))
    left = (solution.objective - bound) / size
    if not -SAME_COST <= left <= gap + SAME_COST:
        raise SolverError(
            f"The plan costs {solution.objective:g}, its bound is {bound:g}: a relative gap of {left:.1e}.",
            f"方案成本为 {solution.objective:g}，其下界为 {bound:g}：相对间隙 {left:.1e}。",
        )
    return IntegerSolution(solution.values, solution.objective, bound, max(left, 0.0), fixed, solution)
