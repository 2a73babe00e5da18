"""Points of a separable quadratic programme that approach its optimum from inside its bounds.

A primal-dual method with a predictor and a corrector. It needs no strictly convex costs and does not mind ties: its
limit lies in the middle of all optima, where each column and each multiplier shows plainly whether it is zero.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.linalg import splu

from carbonsim.solving.standard_form import Array, Point, StandardForm

ROUNDS = 100
FAR = 1e10  # multiplier in units of the largest marginal cost: the sign of a programme without a point or an optimum
NEAR = 1e-4  # mean product of multiplier and distance from its bound from which on a point is handed out
SMALLEST = 1e-17  # such a product beyond which no digits are left to gain
STEP = 0.995  # part of the way to the nearest bound that is gone
SHORT, STUCK = 0.1, 1e-10  # parts of a direction: below the first it is tried another way, below the second given up
CENTRING = 0.5
DIGITS = 1e-15
EVERY = 5
REGULAR = 1e-11  # keeps the equations of a step solvable where rows or free columns repeat one another
DENSE = 500  # equations up to which they are solved as a full matrix
CORRECTIONS = 3

Solve = Callable[[Array, Array], tuple[Array, Array]]


def approach(form: StandardForm) -> Iterator[tuple[Point, float]]:
    """Points ever nearer to the optimum, each with how near; ends where no digits are left to gain.

    Parameters
    ----------
    form : StandardForm
        With a feasible point.
    """
    state = _Iterate.start(form)
    for number in range(ROUNDS):
        with np.errstate(over="ignore", invalid="ignore"):
            moved = state.next()
        if moved is None:
            return
        state = moved
        if float(np.abs(state.point.dual).max(initial=0.0)) > FAR:
            return
        if state.product <= NEAR or number % EVERY == 0:
            yield state.point, state.product
        if state.product <= SMALLEST:
            return


@dataclass(frozen=True, slots=True, eq=False)
class _Iterate:
    """A point strictly inside its bounds."""

    form: StandardForm
    point: Point

    @classmethod
    def start(cls, form: StandardForm) -> _Iterate:
        """Within a unit of the bounds, with multipliers of one unit."""
        low, high = np.isfinite(form.lower), np.isfinite(form.upper)
        room = np.where(low & high, np.minimum(0.5 * (form.upper - form.lower), 1.0), 1.0)
        inside = np.where(low, form.lower + room, np.where(high, form.upper - room, 0.0))
        return cls(form, Point(inside, np.zeros(len(form.rhs)), low.astype(float), high.astype(float)))

    @property
    def product(self) -> float:
        """Mean product of a multiplier and the distance from its bound, or the largest residual squared if more."""
        left = (float(np.abs(each).max(initial=0.0)) for each in self._residuals())
        return max(self._held() / self._bounds(), *(each**2 for each in left))

    def next(self) -> _Iterate | None:
        """The point after one predictor and corrector, None if it can go nowhere."""
        solve = _equations(self.form, self.form.curvature + self._pull())
        mean, nothing = self._held() / self._bounds(), np.zeros(len(self.point.value))
        ahead = self._direction(solve, 0.0, (nothing, nothing))
        left = self._moved(ahead, min(1.0, self._longest(ahead)))._held() / self._bounds()
        target = mean * min(1.0, (left / mean) ** 3) if mean > 0 else 0.0
        corrected = self._direction(solve, target, (ahead.value * ahead.at_lower, -ahead.value * ahead.at_upper))
        part = self._longest(corrected)
        if not part >= SHORT:
            # The correction may lead astray near a bound that is always met; a step to the middle comes first then.
            corrected = self._direction(solve, CENTRING * mean, (nothing, nothing))
            part = self._longest(corrected)
        return self._moved(corrected, min(1.0, STEP * part)) if part > STUCK else None

    def _direction(self, solve: Solve, target: float, product: tuple[Array, Array]) -> Point:
        """Where each multiplier times its room would be ``target``, once the ``product`` of two changes is counted."""
        (below, above), (stationary, balance) = self._room(), self._residuals()
        point = self.point
        low = np.where(np.isfinite(below), target - _product(point.at_lower, below) - product[0], 0.0)
        high = np.where(np.isfinite(above), target - _product(point.at_upper, above) - product[1], 0.0)
        move, dual = solve(-stationary + low / below - high / above, balance)
        return Point(move, dual, (low - point.at_lower * move) / below, (high + point.at_upper * move) / above)

    def _pull(self) -> Array:
        below, above = self._room()
        return np.asarray(self.point.at_lower / below + self.point.at_upper / above)

    def _bounds(self) -> int:
        """Number of finite bounds, 1 if there is none."""
        return max(1, int(np.isfinite(self.form.lower).sum() + np.isfinite(self.form.upper).sum()))

    def _held(self) -> float:
        below, above = self._room()
        return float(_product(self.point.at_lower, below).sum() + _product(self.point.at_upper, above).sum())

    def _room(self) -> tuple[Array, Array]:
        """Distance from the lower and the upper bound, at least the digits that are lost in it."""
        low, high = (
            np.where(np.isfinite(end), DIGITS * np.abs(end), 0.0) for end in (self.form.lower, self.form.upper)
        )
        value = self.point.value
        return (
            np.maximum(value - self.form.lower, DIGITS + low),
            np.maximum(self.form.upper - value, DIGITS + high),
        )

    def _residuals(self) -> tuple[Array, Array]:
        """What marginal costs and equations leave."""
        point, form = self.point, self.form
        reduced = form.marginal(point.value) - form.matrix.T @ point.dual
        return reduced - point.at_lower + point.at_upper, form.rhs - form.matrix @ point.value

    def _longest(self, direction: Point) -> float:
        """Part of a direction up to the first bound, or multiplier that turns negative."""
        below, above = self._room()
        point, longest = self.point, 1.0 / STEP
        for value, change in (
            (below, direction.value), (above, -direction.value),
            (point.at_lower, direction.at_lower), (point.at_upper, direction.at_upper),
        ):  # fmt: skip
            falling = (change < 0) & np.isfinite(value)
            longest = min(longest, float(np.min(value[falling] / -change[falling], initial=np.inf)))
        return longest

    def _moved(self, by: Point, part: float) -> _Iterate:
        point = self.point
        return _Iterate(
            self.form,
            Point(
                point.value + part * by.value, point.dual + part * by.dual,
                point.at_lower + part * by.at_lower, point.at_upper + part * by.at_upper,
            ),
        )  # fmt: skip


def _product(multiplier: Array, room: Array) -> Array:
    """Multiplier times room, 0 where there is no bound."""
    return np.where(np.isfinite(room), multiplier * np.where(np.isfinite(room), room, 0.0), 0.0)


def _equations(form: StandardForm, stiffness: Array) -> Solve:
    """Solver of a step's equations: stiffness * move - A'dual = first, A move = second.

    Columns with some stiffness are taken out first, so that what is left has the size of the rows and free columns.
    """
    loose = stiffness <= REGULAR
    matrix, free = form.matrix, np.flatnonzero(loose)
    inverse = np.where(loose, 0.0, 1.0 / np.where(loose, 1.0, stiffness))
    weighed = sparse.csr_array(matrix @ sparse.diags_array(inverse))
    core = sparse.csr_array(weighed @ matrix.T)
    held = sparse.csr_array(matrix[:, free])
    count = len(form.rhs)
    solve = factorised(core, held, REGULAR * max(1.0, float(core.diagonal().max(initial=0.0))), REGULAR)

    def step(first: Array, second: Array) -> tuple[Array, Array]:
        found = solve(np.concatenate([second - weighed @ first, -first[free]]))
        dual = found[:count]
        move = inverse * (first + matrix.T @ dual)
        move[free] = found[count:]
        return move, dual

    return step


def factorised(
    core: sparse.csr_array, held: sparse.csr_array, on_rows: float, on_columns: float | Array
) -> Callable[[Array], Array]:
    """Solver of ``[[core, held], [held', 0]] x = b``, exact also where the matrix is singular and b fits it.

    The diagonal is shifted a little to factorise it; what that leaves is taken back by corrections.
    """
    exact = sparse.csc_array(core)
    if held.shape[1]:
        exact = sparse.csc_array(
            sparse.vstack([sparse.hstack([core, held]), _padded(sparse.csr_array(held.T), held.shape[1])])
        )
    shift = np.concatenate([np.full(core.shape[0], on_rows), np.broadcast_to(-np.asarray(on_columns), held.shape[1])])
    shifted = sparse.csc_array(exact + sparse.diags_array(shift))
    backward = _dense(shifted) if len(shift) <= DENSE else _sparse(shifted)

    def solve(b: Array) -> Array:
        found = backward(b)
        for _ in range(CORRECTIONS):
            found = found + backward(b - exact @ found)
        return found

    return solve


def _padded(matrix: sparse.csr_array, more: int) -> sparse.csr_array:
    """A matrix with further columns of zeros."""
    return sparse.csr_array(sparse.hstack([matrix, sparse.csr_array((matrix.shape[0], more))]))


def _dense(matrix: sparse.csc_array) -> Callable[[Array], Array]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", linalg.LinAlgWarning)
        factors = linalg.lu_factor(matrix.toarray(), check_finite=False)
    return lambda b: np.asarray(linalg.lu_solve(factors, b, check_finite=False), dtype=float)


def _sparse(matrix: sparse.csc_array) -> Callable[[Array], Array]:
    try:
        factors = splu(matrix)
    except RuntimeError:
        # Singular to the last digit: like the full matrix, it then answers with numbers that nobody accepts.
        return lambda b: np.full(len(b), np.nan)
    return lambda b: np.asarray(factors.solve(b), dtype=float)
