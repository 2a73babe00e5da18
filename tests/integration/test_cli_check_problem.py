"""`carbonsim check` of a market problem: its faults, and with --certificate the audit of its answer."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from carbonsim.cli import execute

PROBLEM = """\
year: [2025]
supply: 90
enterprises:
  north: {baseline: 100}
options:
  north/a: {enterprise: north, potential: 40, unit_cost: 10}
"""


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARBONSIM_LANG", "en")


def write(folder: Path, text: str) -> str:
    path = folder / "problem.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_sound_problem_is_zero(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["check", write(tmp_path, PROBLEM)]) == 0
    assert "no problems found" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["two_firms", "auction_80", "desk_seller", "linked_half_rate", "output_standard"])
def test_the_certificate_of_every_kind_is_printed(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["check", kind, "--certificate"]) == 0
    told, heading, *lines = capsys.readouterr().out.splitlines()
    assert told == f"{kind}: no problems found."
    assert "residual" in heading
    assert len(lines) > 5
    assert all("  passed  " in line for line in lines)


def test_what_is_printed_is_what_clear_prints(capsys: pytest.CaptureFixture[str]) -> None:
    execute(["check", "two_firms", "--certificate"])
    checked = capsys.readouterr().out.splitlines()[1:]
    execute(["clear", "two_firms", "--certificate", "--quiet"])
    cleared = capsys.readouterr().out.splitlines()
    assert len(checked) > 5
    start = cleared.index(checked[0])
    assert cleared[start : start + len(checked)] == checked


@pytest.mark.parametrize(("name", "engine"), [("two_firms", "price_search"), ("auction_80", "One way of clearing")])
def test_the_engine_is_told(name: str, engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["check", name, "--engines"]) == 0
    assert engine in capsys.readouterr().out


def test_every_fault_of_a_problem_is_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = PROBLEM.replace("supply:", "suply:").replace("baseline: 100", "baseline: -1")
    assert execute(["check", write(tmp_path, text)]) == 1
    told = capsys.readouterr().err
    assert "problem.yaml:2" in told
    assert "problem.yaml:4" in told


def test_a_change_file_of_a_study_is_still_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "extends: textbook\nname: mine\ntitle: {en: Mine, zh: 我的}\nchanges: {}\n"
    execute(["check", write(tmp_path, text)])
    assert "[problem-file]" not in "".join(capsys.readouterr())


def test_from_the_shell() -> None:
    environment = {**os.environ, "CARBONSIM_LANG": "en", "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-W", "error", "-m", "carbonsim", "check", "two_firms", "--certificate"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert "ledger.allowances" in result.stdout
