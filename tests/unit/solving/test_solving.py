"""Compiling and solving: matrices, duals with a gap, degenerate quadratics and infeasible programmes."""

from __future__ import annotations

import pyomo.environ as pyo
import pytest

from builders import market
from carbonsim.errors import SolverError
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.programme import build_programme
from carbonsim.solving import LoadedProgramme, compile_programme, explain_infeasible, solve_mixed_integer


def small_model(*, quadratic: bool = False) -> pyo.ConcreteModel:
    model = pyo.ConcreteModel()
    model.x = pyo.Var([1, 2], bounds=(0, 3))
    model.need = pyo.Constraint(expr=model.x[1] + 2 * model.x[2] >= 4)
    model.cost = pyo.Objective(
        expr=3 * model.x[1] + model.x[2] + 7 + (model.x[1] ** 2 + model.x[2] ** 2 if quadratic else 0)
    )
    return model


def test_compiled_programme_holds_names_bounds_and_offset() -> None:
    compiled = compile_programme(small_model())
    assert compiled.rows == ("need",)
    assert compiled.columns == ("x[1]", "x[2]")
    assert compiled.offset == 7.0
    assert compiled.matrix.toarray().tolist() == [[1.0, 2.0]]
    assert compiled.row_lower.tolist() == [4.0]
    assert compiled.column_upper.tolist() == [3.0, 3.0]


def test_model_is_left_as_it_was_found() -> None:
    model = small_model(quadratic=True)
    compile_programme(model)
    assert [objective.name for objective in model.component_objects(pyo.Objective)] == ["cost"]
    assert model.cost.active


def test_linear_optimum_and_dual() -> None:
    solution = LoadedProgramme(compile_programme(small_model())).solve()
    assert solution is not None
    # x2 = 2 meets the need at half a unit of cost per unit of need.
    assert solution.objective == pytest.approx(9.0)
    assert solution.row_dual == pytest.approx([0.5])
    assert solution.gap < 1e-9


def test_quadratic_optimum_and_dual() -> None:
    solution = LoadedProgramme(compile_programme(small_model(quadratic=True))).solve()
    assert solution is not None
    # x1 = 0, x2 = 2: marginal cost 1 + 2 * 2 = 5 for two units of need.
    assert solution.values == pytest.approx([0.0, 2.0])
    assert solution.row_dual == pytest.approx([2.5])


def test_degenerate_quadratic_programme_is_solved_exactly() -> None:
    # Many identical columns with and without curvature and a row that is just met.
    model = pyo.ConcreteModel()
    model.x = pyo.Var(range(30), bounds=(0, 1))
    model.need = pyo.Constraint(expr=sum(model.x[i] for i in range(30)) >= 20)
    model.cost = pyo.Objective(expr=sum(2 * model.x[i] for i in range(30)) + sum(model.x[i] ** 2 for i in range(5)))
    solution = LoadedProgramme(compile_programme(model)).solve()
    assert solution is not None
    assert solution.objective == pytest.approx(40.0)
    assert solution.row_dual == pytest.approx([2.0])


def lumpy_model() -> pyo.ConcreteModel:
    """Two plants of 3 units for 4 and 5 of money, running at 1 and 0.5 a unit; 4 units are needed."""
    model = pyo.ConcreteModel()
    model.build = pyo.Var(["old", "new"], domain=pyo.Binary)
    model.run = pyo.Var(["old", "new"], bounds=(0, 3))
    model.need = pyo.Constraint(expr=model.run["old"] + model.run["new"] >= 4)
    model.size = pyo.Constraint(["old", "new"], rule=lambda m, plant: m.run[plant] <= 3 * m.build[plant])
    model.cost = pyo.Objective(
        expr=4 * model.build["old"] + 5 * model.build["new"] + model.run["old"] + 0.5 * model.run["new"]
    )
    return model


def test_best_plan_with_its_bound_and_the_duals_of_its_fixed_integers() -> None:
    found = solve_mixed_integer(compile_programme(lumpy_model()))
    assert found is not None
    # Both are needed: 4 + 5 + 3 * 0.5 + 1 * 1 = 11.5; with the plants built a unit more costs 1 in the old one.
    assert found.objective == pytest.approx(11.5)
    assert found.bound == pytest.approx(11.5)
    assert found.gap < 1e-9
    assert found.solution.row_dual[list(found.fixed.rows).index("need")] == pytest.approx(1.0)
    assert found.fixed.integer is None


def test_plan_that_no_integers_allow_is_none() -> None:
    model = lumpy_model()
    model.only_one = pyo.Constraint(expr=model.build["old"] + model.build["new"] <= 1)
    assert solve_mixed_integer(compile_programme(model)) is None


def test_integers_are_refused_where_they_would_be_ignored_and_with_quadratic_costs() -> None:
    model = lumpy_model()
    with pytest.raises(SolverError, match="solve_mixed_integer"):
        LoadedProgramme(compile_programme(model))
    model.cost.expr += model.run["old"] ** 2
    with pytest.raises(SolverError, match="quadratic"):
        solve_mixed_integer(compile_programme(model))


def test_search_given_up_in_time_is_an_error() -> None:
    with pytest.raises(SolverError, match=r"not proven in 0 s: none was found"):
        solve_mixed_integer(compile_programme(lumpy_model()), seconds=0.0)


def test_shift_of_a_row_is_undone_by_the_next_solve() -> None:
    compiled = compile_programme(build_programme(market(supply=(100.0, 100.0))).model)
    loaded = LoadedProgramme(compiled)
    first, shifted, again = loaded.solve(), loaded.solve({0: 0.5}), loaded.solve()
    assert first is not None
    assert shifted is not None
    assert again is not None
    assert shifted.objective < first.objective == pytest.approx(again.objective)


def test_infeasible_banking_programme_is_explained() -> None:
    # 95 t remain after every option in each year; 2025 issues 90.
    compiled = compile_programme(build_programme(market(Banking(), supply=(90.0, 200.0))).model)
    assert LoadedProgramme(compiled).solve() is None
    found = explain_infeasible(compiled, compiled.row_index("market.balance["))
    assert set(found.missing) == {"market.balance[2025]"}
    assert "market.balance[2025]" in found.rows
    assert any(column.startswith("banking.bank") for column in found.columns)
