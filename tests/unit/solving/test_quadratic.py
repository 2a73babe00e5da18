"""Quadratic programmes to the last digit: degenerate ones, those without room, and all their multipliers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import LinearConstraint, linprog, minimize

from carbonsim.errors import SolverError
from carbonsim.solving import CompiledProgramme, DualFace, LoadedProgramme, Solution
from carbonsim.solving.highs import has_point
from carbonsim.solving.quadratic import solve_separable

EXAMPLES = settings(max_examples=25, deadline=None, derandomize=True)


def programme(
    cost: list[float],
    matrix: list[list[float]],
    rows: list[tuple[float, float]],
    columns: list[tuple[float, float]],
    curvature: list[float] | None = None,
) -> CompiledProgramme:
    hessian = None if curvature is None else sparse.csc_array(np.diag(curvature))
    row, column = np.array(rows, dtype=float).reshape(-1, 2), np.array(columns, dtype=float)
    return CompiledProgramme(
        cost=np.array(cost, dtype=float), offset=0.0, matrix=sparse.csc_array(np.array(matrix, dtype=float)),
        row_lower=row[:, 0], row_upper=row[:, 1], column_lower=column[:, 0], column_upper=column[:, 1],
        hessian=hessian, rows=tuple(f"row[{i}]" for i in range(len(row))),
        columns=tuple(f"x[{i}]" for i in range(len(column))),
    )  # fmt: skip


def curvature_of(made: CompiledProgramme) -> np.ndarray:
    return np.zeros(len(made.cost)) if made.hessian is None else made.hessian.diagonal()


def solved(made: CompiledProgramme) -> Solution:
    found = LoadedProgramme(made).solve()
    assert found is not None
    return found


@st.composite
def programmes(draw: st.DrawFn) -> CompiledProgramme:
    """Few round numbers, so that ties, rows that are just met and columns without room are common."""
    n, m = draw(st.integers(1, 6)), draw(st.integers(1, 4))

    def each(values: list[float], count: int) -> np.ndarray:
        return np.array(draw(st.lists(st.sampled_from(values), min_size=count, max_size=count)))

    matrix = each([0.0, 0.0, 1.0, -1.0, 0.5, 1.03], m * n).reshape(m, n)
    lower, upper = each([0.0, 0.0, -4.0, -np.inf], n), each([0.0, 5.0, 10.0, np.inf], n)
    point = np.clip(each([0.0, 2.0, 5.0], n), lower, upper)
    met, kind = matrix @ point, each([-1.0, 0.0, 1.0], m)
    room = each([0.0, 0.0, 3.0], m)
    rows = zip(
        np.where(kind < 0, -np.inf, met - np.where(kind == 0, 0.0, room)),
        np.where(kind > 0, np.inf, met + np.where(kind == 0, 0.0, room)),
        strict=True,
    )
    curvature = each([0.0, 0.5, 1.0, 2.0], n)
    # Where costs can fall without end there is no optimum; columns without curvature are kept from it by their bounds.
    lower, upper = (
        np.where(curvature > 0, lower, np.maximum(lower, -20)),
        np.where(curvature > 0, upper, np.minimum(upper, 20)),
    )
    return programme(
        list(each([0.0, 5.0, 10.0, 10.0, -5.0], n)), matrix.tolist(), list(rows),
        list(zip(lower, upper, strict=True)), list(curvature) if curvature.any() else None,
    )  # fmt: skip


@EXAMPLES
@given(programmes())
def test_values_and_multipliers_prove_each_other(made: CompiledProgramme) -> None:
    found = solve_separable(made)
    assert found is not None
    x, y = found.values, found.row_dual
    # Stationary, feasible, signs and slackness, written out: nothing of the library's own measure is used.
    z = made.cost + curvature_of(made) * x - made.matrix.toarray().T @ y
    activity = made.matrix.toarray() @ x
    for multiplier, value, low, high in (
        (z, x, made.column_lower, made.column_upper),
        (y, activity, made.row_lower, made.row_upper),
    ):
        assert np.all(value >= low - 1e-9)
        assert np.all(value <= high + 1e-9)
        assert np.all((multiplier <= 1e-8) | (value <= low + 1e-8))
        assert np.all((multiplier >= -1e-8) | (value >= high - 1e-8))


@EXAMPLES
@given(programmes())
def test_another_method_finds_no_lower_cost(made: CompiledProgramme) -> None:
    found, q, matrix = solved(made), curvature_of(made), made.matrix.toarray()
    equal = made.row_lower == made.row_upper
    other = minimize(
        lambda x: made.cost @ x + 0.5 * q @ x**2,
        np.clip(found.values + 1.0, made.column_lower, made.column_upper),
        jac=lambda x: made.cost + q * x,
        bounds=list(zip(made.column_lower, made.column_upper, strict=True)),
        constraints=[
            LinearConstraint(matrix[rows], made.row_lower[rows], made.row_upper[rows])
            for rows in (equal, ~equal)
            if rows.any()
        ],
        method="SLSQP", options={"ftol": 1e-12, "maxiter": 500},
    )  # fmt: skip
    assume(other.success)
    assert found.objective == pytest.approx(other.fun, rel=1e-6, abs=1e-5)


@EXAMPLES
@given(programmes())
def test_edges_of_all_multipliers_are_those_of_the_conditions_written_out(made: CompiledProgramme) -> None:
    found = solved(made)
    face, x = DualFace(made, found), found.values
    matrix, activity = made.matrix.toarray(), made.matrix.toarray() @ x
    marginal = made.cost + curvature_of(made) * x
    low, high = x <= made.column_lower + 1e-7, x >= made.column_upper - 1e-7
    # z = marginal - A'y >= 0 at the lower bound and <= 0 at the upper one.
    rows = np.vstack([matrix.T[~high], -matrix.T[~low]])
    most = np.concatenate([marginal[~high], -marginal[~low]]) + 1e-9
    bounds = [
        (None if at_high else 0.0, None if at_low else 0.0)
        for at_low, at_high in zip(activity <= made.row_lower + 1e-7, activity >= made.row_upper - 1e-7, strict=True)
    ]
    for row in range(len(made.rows)):
        for sign in (1.0, -1.0):
            cost = np.zeros(len(made.rows))
            cost[row] = sign
            answer = linprog(cost, A_ub=rows, b_ub=most, bounds=bounds)
            edge = face.toward({row: -sign}) if bounds[row] != (0.0, 0.0) else np.zeros(len(made.rows))
            if edge is None:
                assert answer.status == 3  # no bound
            else:
                assert edge[row] == pytest.approx(sign * answer.fun, abs=1e-6)


def test_a_column_without_room_leaves_an_optimum() -> None:
    # Row 0 forces x[4] to 0, so no point lies strictly inside all bounds. x[3] would cost 20 at once and stays 0, x[5]
    # takes (5 - 0) / 1; row 1 then wants 0.5 x[0] + 1.03 x[2] >= -0.03: x[2] is free and costs 5 a unit, so it falls
    # until -0.5 x[0] - 1.03 x[2] = 0.03. Its multiplier is -5 / 1.03, and x[0] gains 0.5 * 5 / 1.03 < 10 a unit.
    found = solved(
        programme(
            [10, -10, 5, 20, -10, -5],
            [[0, 1.03, 0, 0, 0.5, 0], [-0.5, 0, -1.03, 1.03, -1.03, 0]],
            [(0, 0), (-np.inf, 0.03)],
            [(0, 5), (0, 0), (-np.inf, np.inf), (0, np.inf), (0, np.inf), (0, 10)],
            [0.5, 1, 0, 1, 1, 1],
        )
    )
    assert found.values == pytest.approx([0, 0, -0.03 / 1.03, 0, 0, 5], abs=1e-9)
    assert found.row_dual[1] == pytest.approx(-5 / 1.03, rel=1e-9)
    assert found.gap < 1e-10


def test_every_multiplier_between_two_marginal_costs_is_found() -> None:
    # Exactly 2 of x[0], at 1 to 3 a unit, are needed; the next unit is x[1] at 10.
    made = programme([1, 10], [[1, 1]], [(2, np.inf)], [(0, 2), (0, 5)], [1, 1])
    face = DualFace(made, solved(made))
    fewer, more = face.toward({0: -1.0}), face.toward({0: 1.0})
    assert fewer == pytest.approx([3.0])
    assert more == pytest.approx([10.0])


def test_nothing_bounds_a_multiplier_where_no_move_is_left() -> None:
    made = programme([1], [[1]], [(2, np.inf)], [(0, 2)], [1])
    face = DualFace(made, solved(made))
    assert face.toward({0: -1.0}) == pytest.approx([3.0])
    assert face.toward({0: 1.0}) is None


def test_multipliers_that_do_not_fit_the_values_are_refused() -> None:
    made = programme([1, 10], [[1, 1]], [(2, np.inf)], [(0, 2), (0, 5)], [1, 1])
    wrong = replace(solved(made), values=np.array([1.0, 1.0]))
    with pytest.raises(SolverError, match=r"x\[[01]\]"):
        DualFace(made, wrong)


def test_products_of_columns_are_left_to_the_solver() -> None:
    # (x0 + x1)^2 + x0 with x0 + x1 >= 1: all of x1, at a marginal cost of 2.
    made = programme([1, 0], [[1, 1]], [(1, np.inf)], [(0, 3), (0, 3)])
    made = replace(made, hessian=sparse.csc_array(np.array([[2.0, 0.0], [2.0, 2.0]])))
    found = solved(made)
    assert found.values == pytest.approx([0.0, 1.0], abs=1e-7)
    assert found.row_dual == pytest.approx([2.0])


def test_costs_that_fall_without_end_are_no_optimum() -> None:
    made = programme([-1, 0], [[1, -1]], [(0, np.inf)], [(0, np.inf), (0, 5)], [0, 1])
    with pytest.raises(SolverError, match="proven"):
        LoadedProgramme(made).solve()


def test_quadratic_programme_without_a_point_is_none() -> None:
    assert LoadedProgramme(programme([1], [[1]], [(3, np.inf)], [(0, 2)], [1])).solve() is None


def test_linear_programme_on_which_the_interior_method_breaks_down_is_decided() -> None:
    # Row 2: 84.4 + 84.4 < 337.6, so there is no point; the interior method of HiGHS ends in NaN.
    made = programme(
        [0.6, 0.6, 64.4, 64.4, 12, 12, 10, 10],
        [[0, 0, 0, 0, -0.3, 0, -0.3, 0], [-0.5, 0, -0.5, 0, 0, -0.6, 0, -0.6], [0, -1, 0, -1, 0, 0, 0, 0]],
        [(-np.inf, 79.12), (-np.inf, -85.44), (-np.inf, -337.6)],
        [(0, 84.4)] * 4 + [(0, 142.4)] * 4,
    )
    assert LoadedProgramme(made).solve() is None


def test_search_for_a_point_comes_to_an_end() -> None:
    # (0, 0) is one; the interior method of HiGHS alone goes on for ever here.
    made = programme(
        [-5, 15], [[0, 1.03], [0, 0], [-1.03, 0], [-1, -0.5]],
        [(-np.inf, 4.12), (0, np.inf), (-9.27, np.inf), (-13.5, np.inf)], [(0, np.inf), (0, np.inf)],
    )  # fmt: skip
    assert has_point(made)


def test_fifteen_hundred_quadratic_columns_are_solved_exactly() -> None:
    # Ten years of 150 options, slopes 1 to 3, costs in whole numbers with many ties; allowances are carried over.
    rng = np.random.default_rng(0)
    options, years = 150, 10
    potential = rng.integers(1, 20, (options, years)).astype(float)
    need = np.repeat(potential.sum(axis=0).mean() / 2, years)
    carried = np.eye(years) - np.eye(years, k=1)
    made = programme(
        [*np.repeat(rng.integers(0, 100, options), years), *np.zeros(years)],
        np.hstack([-np.tile(np.eye(years), options), carried]).tolist(),
        [(-np.inf, -each) for each in need],
        [(0.0, each) for each in potential.reshape(-1)] + [(0.0, np.inf)] * years,
        [*np.repeat(rng.integers(1, 4, options), years), *np.zeros(years)],
    )
    found = solve_separable(made)
    assert found is not None
    assert found.gap < 1e-12
    assert "exact" in found.solver
