"""Exact optima of quadratic programmes whose quadratic costs are squares of single columns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from carbonsim.solving.active_set import settle
from carbonsim.solving.compile import CompiledProgramme
from carbonsim.solving.interior_point import approach
from carbonsim.solving.solution import Solution, infeasibility, measure
from carbonsim.solving.standard_form import StandardForm

NEAR = 1e-8  # mean product of multiplier and room at which a point is worth all rounds of the active set
FIRST_ROUNDS = 2
EXACT_GAP = 1e-10
EXACT_POINT = 1e-10  # violation of a row as a share of the largest bound


def is_separable(programme: CompiledProgramme) -> bool:
    """Whether no product of two columns stands in the objective."""
    hessian = programme.hessian
    return hessian is None or hessian.nnz == np.count_nonzero(hessian.diagonal())


def is_exact(programme: CompiledProgramme, found: Solution) -> bool:
    """Whether values and duals prove each other optimal to the last digits that can be relied on."""
    return bool(found.gap <= EXACT_GAP) and infeasibility(programme, found.values) <= EXACT_POINT


def sharpened(programme: CompiledProgramme, found: Solution) -> Solution:
    """The exact optimum next to a solver's, or what the solver found where there is none."""
    form = StandardForm.of(programme)
    point = settle(form, form.point_of(found.values, found.row_dual))
    if point is None:
        return found
    exact = measure(programme, *form.restored(point), found.solver)
    return exact if is_exact(programme, exact) else found


def solve_separable(programme: CompiledProgramme) -> Solution | None:
    """The optimum of a programme that has a point, or the best approximation with its gap; None if there is none.

    Parameters
    ----------
    programme : CompiledProgramme
        Its hessian is diagonal. Costs that fall without end along a direction have no optimum.
    """
    form, best = StandardForm.of(programme), None
    for rounds, (point, distance) in enumerate(approach(form)):
        settled = settle(form, point) if distance <= NEAR else settle(form, point, FIRST_ROUNDS)
        values, duals = form.restored(point if settled is None else settled)
        found = measure(programme, values, duals, f"interior point, {rounds} rounds")
        if settled is not None and is_exact(programme, found):
            return replace(found, solver="interior point with exact active set")
        if best is None or not best.gap <= found.gap:
            best = found
    return best
