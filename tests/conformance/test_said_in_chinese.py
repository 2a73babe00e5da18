"""What an analyst is told of a market is told in Chinese too: refusals, infeasible caps, engines, certificates."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml

import carbonsim.market
from builders import one_of_each
from carbonsim.cli.shell import execute
from carbonsim.errors import InfeasibleError, chinese_of
from carbonsim.market import clear, instruments
from carbonsim.market.clear import ENGINES, choose_engine
from carbonsim.market.concepts.rolling_horizon import RollingHorizon
from carbonsim.market.concepts.scenario_tree import ScenarioTree
from carbonsim.market.mapping import problem_from_mapping
from carbonsim.market.problem_file import packaged_problems, read_problem
from carbonsim.market.supply import EngineName
from carbonsim.report.certificate_words import certificate_lines
from chinese import numbers_in, reads_as_chinese

MARKET: dict[str, Any] = {
    "year": [2025, 2026],
    "enterprises": {"north": {"baseline": 20, "fixed": 5}, "south": {"baseline": 20, "fixed": 5}},
    "options": {
        "n": {"enterprise": "north", "potential": 10, "unit_cost": 5},
        "s": {"enterprise": "south", "potential": 10, "unit_cost": 8},
    },
    "supply": 12,
}
NODES = {
    "now": {"years": [2025]},
    "up": {"parent": "now", "years": [2026], "probability": 0.5},
    "down": {"parent": "now", "years": [2026], "probability": 0.5},
}
# Every rule that the message may ask to relax stands in one of them.
INFEASIBLE: dict[str, dict[str, Any]] = {
    "cap": {"supply": 0},
    "steps": {"supply": 0, "instruments": {"offsets": {"price": 30, "share_limit": 0.05},
                                           "reserve_tier": {"price": 50, "quantity": 1}}},
    "borrowing": {"supply": [0, 12], "instruments": {"banking": {}}},
    "interest": {"supply": [0, 12], "instruments": {"banking": {"borrowing": 2, "borrowing_interest": 0.1}}},
    "terminal bank": {"supply": 3, "instruments": {"banking": {}, "terminal_bank": {"at_least": 500}}},
    "vintages": {"supply": 0, "instruments": {"vintages": {"life": 1}}},
    "periods": {"supply": [0, 1], "instruments": {"compliance_periods": {"ends": [2026]}}},
    "holding limit": {"supply": [80, 0], "instruments": {"banking": {}, "holding_limit": {"limit": 0.5}}},
    "joint offsets": {"supply": 0, "instruments": {"ccer": {"kind": "offset_curve", "price": 3, "quantity": 1},
                                                   "offset_limit": {"types": ["ccer"], "quantity": 1}}},
}  # fmt: skip
BROKEN: dict[str, dict[str, Any]] = {
    "unknown field": {"enterprises": {"north": {"baselin": 20}}},
    "missing key": {"year": None},
    "negative number": {"supply": -3},
    "unknown concept": {"concept": "rolling"},
    "tree without parent": {"concept": {"kind": "scenario_tree", "nodes": {"now": {"years": [2025], "parent": "x"}}}},
    "window too short": {"concept": {"kind": "rolling_horizon", "window": 2, "step": 5},
                         "instruments": {"banking": {}}},
    "foresight without bank": {"concept": {"kind": "rolling_horizon", "window": 2}},
    "supply rule": {"concept": {"kind": "rule_driven_supply", "rule": {"kind": "cap_triggered", "adjustments": []}},
                    "instruments": {"banking": {}}},
    "two limits": {"instruments": {"offsets": {"price": 30, "share_limit": 0.05, "quantity": 3}}},
    "what nobody would pay": {"instruments": {"price_linked_fine": {"multiple": 0.5, "enforcement": 0.5}}},
    "instruments beside each other": {"instruments": {"banking": {}, "vintages": {"life": 1}}},
    "plans beside linear options": {"options": {"n": {"enterprise": "north", "potential": 9, "unit_cost": 5,
                                                      "slope": 1}},
                                    "plans": {"p": {"enterprise": "north", "cut": 5, "cost": 20}}},
}  # fmt: skip


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", sorted(instruments))
def test_an_instrument_says_in_both_languages_why_an_engine_cannot_hold_it(name: str, engine: EngineName) -> None:
    reason = one_of_each()[name].refused_by(engine)
    assert not reason or reads_as_chinese(chinese_of(reason)), reason


@pytest.mark.parametrize("case", INFEASIBLE)
def test_a_cap_that_cannot_be_met_says_the_same_in_chinese(case: str) -> None:
    problem = problem_from_mapping(MARKET | INFEASIBLE[case])
    with pytest.raises(InfeasibleError) as refused:
        clear(problem)
    assert reads_as_chinese(refused.value.text("zh"))
    assert numbers_in(refused.value.text("zh")) == numbers_in(str(refused.value))


@pytest.mark.parametrize("concept", [RollingHorizon(window=2), ScenarioTree(nodes=NODES)], ids=["window", "tree"])
def test_a_cap_that_cannot_be_met_under_a_concept_says_so_in_chinese(concept: Any) -> None:
    problem = problem_from_mapping(MARKET | {"supply": 0, "instruments": {"banking": {}}})
    with pytest.raises(InfeasibleError) as refused:
        clear(problem, concept=concept)
    assert reads_as_chinese(refused.value.text("zh"))
    assert numbers_in(refused.value.text("zh")) == numbers_in(str(refused.value))


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_wrong_in_a_file_is_told_in_the_language_asked_for(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(yaml.safe_dump(MARKET | BROKEN[case], allow_unicode=True), encoding="utf-8")
    told = {}
    for lang in ("zh", "en"):
        assert execute(["clear", str(path), "--lang", lang]) == 1
        told[lang] = capsys.readouterr().err.replace(str(path), "")
    assert all(reads_as_chinese(line) for line in told["zh"].splitlines()), told["zh"]
    assert not reads_as_chinese(told["en"])


@pytest.mark.parametrize("name", [name for name, *_ in packaged_problems()])
def test_the_certificate_table_says_in_both_languages_what_each_line_checks(name: str) -> None:
    file = read_problem(name)
    lines = file.clear().certificate.lines
    heading, *rows = certificate_lines(lines, "zh")
    assert reads_as_chinese(heading)
    for line, row in zip(lines, rows, strict=True):
        assert row.startswith(line.name)
        assert "  通过  " in row, f"nobody describes {line.name}"
        assert reads_as_chinese(row.partition("  通过  ")[2])
    for row in certificate_lines(lines, "en")[1:]:
        assert "passed  " in row
        assert row.endswith(".")


def test_a_failed_line_names_its_place_in_both_languages() -> None:
    from carbonsim.market.certificate import Line

    failed = [Line("ledger.money", 0.5, 1e-9, "2026")]
    assert "未通过（2026）" in certificate_lines(failed, "zh")[1]
    assert "FAILED at 2026" in certificate_lines(failed, "en")[1]


@pytest.mark.parametrize("name", [name for name, *_ in packaged_problems()])
def test_a_packaged_problem_is_printed_without_an_english_sentence(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["clear", name, "--lang", "zh", "--certificate"]) == 0
    for line in capsys.readouterr().out.splitlines():
        assert reads_as_chinese(f"{line}一"), line


def test_the_engine_chosen_gives_its_reason_in_both_languages() -> None:
    plain = problem_from_mapping(MARKET)
    engine, reason = choose_engine(plain)
    assert (engine, chinese_of(reason)) == ("programme", "所有规则均为仿射，市场是一个凸规划")


def test_no_error_of_the_market_room_is_raised_in_english_alone() -> None:
    found = []
    for path in sorted(Path(carbonsim.market.__file__).parent.rglob("*.py")):
        if path.name.startswith("audit_"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if _is_english_alone(node):
                found.append(f"{path.name}: {ast.unparse(node)}")
    # What cannot be reached is no message to anybody.
    assert [text for text in found if "unreachable" not in text] == []


def _is_english_alone(node: ast.AST) -> bool:
    errors = {"InputError", "ParameterError", "InfeasibleError", "SolverError", "CertificateError"}
    if not isinstance(node, ast.Call) or ast.unparse(node.func) not in errors or len(node.args) != 1:
        return False
    return isinstance(node.args[0], (ast.JoinedStr, ast.BinOp)) or (
        isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str)
    )
