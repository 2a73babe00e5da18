"""Compiling and solving: matrices, duals with a gap, degenerate quadratics and infeasible programmes."""

from __future__ import annotations

import pyomo.environ as pyo
import pytest

from builders import market
from carbonsim.errors import SolverError
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.programme import build_programme
from carbonsim.solving import LoadedProgramme, compile_programme, explain_infeasible


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


def test_discrete_variables_are_refused_by_name() -> None:
    model = small_model()
    model.build = pyo.Var(domain=pyo.Binary)
    model.rule = pyo.Constraint(expr=model.build + model.x[1] <= 2)
    with pytest.raises(SolverError, match="build"):
        compile_programme(model)


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
