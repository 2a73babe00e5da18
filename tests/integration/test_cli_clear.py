"""`carbonsim clear` as a user meets it: exit codes, what it prints, the folder it leaves, in both languages."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr

from carbonsim.cli import execute
from carbonsim.inputs.files import sha256_of_file

SHORT = """\
year: [2025, 2026]
supply: [90, 30]
currency: EUR2024
basis: statistic
source: a register
enterprises:
  north: {baseline: 100}
options:
  north/a: {enterprise: north, potential: 40, unit_cost: 10}
"""
CORRIDOR = """\
title: A corridor
title_zh: 价格走廊
year: [2025, 2026, 2027]
interest: 0.05
enterprises:
  north: {baseline: 100}
options:
  north/a: {enterprise: north, potential: 40, unit_cost: 20}
  north/b: {enterprise: north, potential: 30, unit_cost: 60}
instruments:
  auction_floor: {quantity: [90, 60, 20], price: 25}
  price_ceiling: {price: 80}
"""


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARBONSIM_LANG", "en")


def write(folder: Path, text: str) -> str:
    path = folder / "problem.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CARBONSIM_LANG": "en", "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-W", "error", "-m", "carbonsim", "clear", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_packaged_problem_clears_from_the_shell() -> None:
    result = run("two_firms", "--check", "--quiet")
    assert (result.returncode, result.stderr) == (0, "")
    for words in (
        "12.0",
        "marginal cost",
        "lines, all passed",
        "Matches the answer",
        "ASSUMPTION",
        "Terminal condition",
    ):
        assert words in result.stdout


def test_a_faulty_file_is_one_and_says_all_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = SHORT.replace("baseline: 100", "baseline: -1").replace("supply:", "suply:")
    assert execute(["clear", write(tmp_path, text)]) == 1
    printed = capsys.readouterr().err
    assert "2 problems found" in printed
    assert "problem.yaml:2" in printed
    assert "problem.yaml:7" in printed


def test_faults_are_in_chinese_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["clear", write(tmp_path, SHORT.replace("supply:", "suply:")), "--lang", "zh"]) == 1
    assert "未知" in capsys.readouterr().err


def test_an_infeasible_cap_is_two_with_year_and_missing_tonnes(tmp_path: Path) -> None:
    # 100 t less 40 t of abatement cannot fit under 30 t in 2026: 30 t are missing.
    result = run(write(tmp_path, SHORT))
    assert result.returncode == 2
    assert "2026" in result.stderr
    assert "30" in result.stderr


def test_a_fault_of_ours_is_three() -> None:
    code = (
        "import carbonsim.cli as cli, carbonsim.market.problem_kinds.market as kind\n"
        "def broken(*_, **__): raise RuntimeError('broken engine')\n"
        "kind.clear = broken\n"
        "raise SystemExit(cli.execute(['clear', 'two_firms']))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 3
    assert "broken engine" in result.stderr


def test_an_engine_that_cannot_or_does_not_exist_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["clear", "two_firms", "--engine", "oracle"]) == 1
    assert "programme" in capsys.readouterr().err


def test_a_wrong_answer_is_shown_and_is_one_only_with_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = SHORT.replace("[90, 30]", "[90, 70]") + "expected: {allowance_price: [10, 11]}\n"
    assert execute(["clear", write(tmp_path, text)]) == 0
    printed = capsys.readouterr().out
    assert "DIFFERS" in printed
    assert "2026" in printed
    assert execute(["clear", write(tmp_path, text), "--check"]) == 1
    assert "1 of 2 values differ" in capsys.readouterr().err


def test_check_without_an_answer_in_the_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["clear", write(tmp_path, CORRIDOR), "--check"]) == 1
    assert "expected" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["two_firms", "banking_borrowing", "collar_34"])
def test_everything_is_printed_in_chinese_too(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["clear", name, "--lang", "zh"]) == 0
    printed = capsys.readouterr().out
    for words in ("碳价", "清缴义务", "资源成本", "转移", "期末条件", "全部通过", "与文件给出的答案一致"):
        assert words in printed


def test_money_is_in_the_currency_of_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["clear", write(tmp_path, SHORT.replace("[90, 30]", "[90, 70]")), "--out", str(tmp_path / "o")]) == 0
    printed = capsys.readouterr().out
    assert "EUR/t" in printed
    assert "CNY" not in printed
    with xr.open_dataset(tmp_path / "o" / "market.nc", engine="h5netcdf") as dataset:
        assert dataset.allowance_price.attrs["units"] == "EUR2024/tCO2e"


def test_the_certificate_is_printed_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["clear", "two_firms", "--certificate"]) == 0
    assert "ledger.allowances" in capsys.readouterr().out


@pytest.mark.slow
def test_the_folder_is_whole_and_byte_equal_on_a_second_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    problem = write(tmp_path, CORRIDOR)
    for name in ("one", "two"):
        assert execute(["clear", problem, "--out", str(tmp_path / name), "--lang", "zh"]) == 0
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert {str(path) for path in files} == {
        "certificate.txt", "manifest.json", "market.nc", "results.xlsx", "inputs/problem.yaml", "tables/years.csv",
        "tables/money.csv", "tables/enterprises.csv", "tables/options.csv", "tables/certificate.csv",
        "figures/price.svg", "figures/price.png",
        "figures/curve.svg", "figures/curve.png",
    }  # fmt: skip
    for path in files:
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes(), path
    manifest = json.loads((tmp_path / "one" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["certificate"]["failed"] == 0
    assert manifest["inputs"] == {"inputs/problem.yaml": sha256_of_file(Path(problem))}
    assert manifest["versions"]["carbonsim"]
    assert execute(["verify", str(tmp_path / "one")]) == 0
    (tmp_path / "one" / "certificate.txt").write_text("changed", encoding="utf-8")
    assert execute(["verify", str(tmp_path / "one")]) == 1
    assert "certificate.txt" in capsys.readouterr().out


def test_an_earlier_clearing_is_replaced_only_when_asked_and_another_run_never(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "manifest.json").write_text(json.dumps({"verb": "clear"}), encoding="utf-8")
    assert execute(["clear", "two_firms", "--out", str(out)]) == 1
    assert "--force" in capsys.readouterr().err
    (out / "manifest.json").write_text(json.dumps({"studies": []}), encoding="utf-8")
    assert execute(["clear", "two_firms", "--out", str(out), "--force"]) == 1
    assert "another kind of run" in capsys.readouterr().err


def test_list_shows_the_problems_and_only_what_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["list", "problems"]) == 0
    printed = capsys.readouterr().out
    assert "two_firms" in printed
    assert "panzhihua" not in printed
    assert execute(["list", "problem"]) == 1
    assert "Did you mean 'problems'?" in capsys.readouterr().err


def test_a_concept_of_the_file_is_used_and_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (
        SHORT.replace("[90, 30]", "[90, 70]")
        + "instruments: {banking: {}}\nconcept: {kind: rolling_horizon, window: 1}\n"
    )
    assert execute(["clear", write(tmp_path, text)]) == 0
    printed = capsys.readouterr().out
    assert "rolling_horizon (window = 1)" in printed
    assert "foresees the whole path" not in printed


def test_a_tree_is_shown_by_node_and_drawn_by_branch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = """\
concept:
  kind: scenario_tree
  nodes:
    now: {years: 2025}
    tight: {parent: now, probability: 0.5, years: 2026, changes: {supply: 65}}
    loose: {parent: now, probability: 0.5, years: 2026, changes: {supply: 95}}
"""
    text = SHORT.replace("[90, 30]", "[90, 70]") + tree
    assert execute(["clear", write(tmp_path, text), "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "By node" in printed
    assert "now, tight, loose" in printed
    assert (tmp_path / "out" / "tables" / "nodes.csv").is_file()
    assert {path.name for path in (tmp_path / "out" / "figures").iterdir()} == {"tree.png", "tree.svg"}
    assert "By node and enterprise" in printed
