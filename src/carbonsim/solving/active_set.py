"""The exact optimum next to an approximate one: which bounds are met is read off it, the rest are equations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from carbonsim.solving.interior_point import factorised
from carbonsim.solving.standard_form import Point, StandardForm

ROUNDS = 12
ROUNDING = 1e-12  # violation of a bound, or of the sign of a multiplier, that counts as none
SOFT = 1e-8  # of the largest curvature: how closely what is left open stays at the approximate point
LEAST_ROOM = 1e-6

Flags = NDArray[np.bool_]


def settle(form: StandardForm, point: Point, rounds: int = ROUNDS) -> Point | None:
    """The optimum whose bounds are met where an approximate point nearly meets them; None if that leads nowhere.

    Columns that leave their bounds are then held there, and held ones that would rather leave are let go, until no
    sign is wrong.
    """
    low = point.value - form.lower < point.at_lower
    high = form.upper - point.value < point.at_upper
    for _ in range(rounds):
        found = _stationary(form, point, low, high)
        reduced = form.marginal(found.value) - form.matrix.T @ found.dual
        free = ~(low | high)
        under, over = free & (found.value < form.lower - ROUNDING), free & (found.value > form.upper + ROUNDING)
        from_low, from_high = low & (reduced < -ROUNDING), high & (reduced > ROUNDING)
        if not (under | over | from_low | from_high).any():
            return found
        low, high = (low | under) & ~from_low, (high | over) & ~from_high
    return None


def _stationary(form: StandardForm, near: Point, low: Flags, high: Flags) -> Point:
    r"""Values and duals at which no column between its bounds can gain, with the others held at theirs.

    A column with curvature follows from the duals, :math:`v_j = (A_j'y - c_j) / q_j`; what is left are the equations
    of the rows and of the linear columns between their bounds. Where they leave something open, the solution is the
    one closest to the approximate point, as a share of the room that it has there.
    """
    held, curved = low | high, ~(low | high) & (form.curvature > 0)
    straight = np.flatnonzero(~held & ~curved)
    value = np.where(low, form.lower, np.where(high, form.upper, near.value))
    inverse = np.where(curved, 1.0 / np.where(curved, form.curvature, 1.0), 0.0)
    value[curved] = (inverse * (form.matrix.T @ near.dual - form.cost))[curved]
    weighed = sparse.csr_array(form.matrix @ sparse.diags_array(inverse))
    core, loose = sparse.csr_array(weighed @ form.matrix.T), sparse.csr_array(form.matrix[:, straight])
    room = np.minimum(near.value - form.lower, form.upper - near.value)[straight]
    softness = SOFT / np.clip(np.where(np.isfinite(room), room, 1.0), LEAST_ROOM, 1.0)
    solve = factorised(core, loose, SOFT * max(1.0, float(core.diagonal().max(initial=0.0))), softness)
    count = len(form.rhs)
    left = np.concatenate([form.rhs - form.matrix @ value, (form.cost - form.matrix.T @ near.dual)[straight]])
    change = solve(left)
    dual = near.dual + change[:count]
    value[straight] += change[count:]
    value[curved] = (inverse * (form.matrix.T @ dual - form.cost))[curved]
    reduced = form.marginal(value) - form.matrix.T @ dual
    return Point(value, dual, np.maximum(reduced, 0.0), np.maximum(-reduced, 0.0))
