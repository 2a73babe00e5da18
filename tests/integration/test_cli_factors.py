"""The verb ``factors`` as a user meets it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from carbonsim.cli import execute
from carbonsim.cli.text_table import WIDTH, display_width
from carbonsim.inputs.factors import packaged_factors, write_factors


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = execute(["factors", *arguments])
    output = capsys.readouterr()
    return code, output.out, output.err


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own"
    path.mkdir()
    (path / "sources.yaml").write_text("lab:\n  title: Laboratory report\n  read_on: '2026-01-05'\n", "utf-8")
    (path / "fuels.csv").write_text(
        "table_set,fuel,name_zh,name_en,state,unit,net_calorific_value,carbon_content,oxidation,source,basis\n"
        "cets_steel_2024,coke,焦炭,coke,solid,t,28.9,29.42,0.99,lab,statistic\n",
        "utf-8",
    )
    return path


def test_the_installed_command_lists_factors_in_a_plain_process() -> None:
    environment = {**os.environ, "CARBONSIM_LANG": "en", "PYTHONIOENCODING": "utf-8"}
    result = subprocess.run(
        [sys.executable, "-W", "error", "-m", "carbonsim", "factors", "list", "titanium"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")
    assert "cets2024_deduct_titanium_gypsum" in result.stdout
    assert "0.245" in result.stdout


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_line_of_the_whole_list_is_wider_than_a_terminal(capsys: pytest.CaptureFixture[str], lang: str) -> None:
    code, out, _ = run(capsys, "list", "--lang", lang)
    assert code == 0
    assert max(display_width(line) for line in out.splitlines()) <= WIDTH


def test_the_list_is_chinese_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "list", "四川", "--year", "2023", "--lang", "zh")
    assert "电力" in out
    assert "0.1564 tCO2/MWh" in out
    assert "共 1 个因子" in out


def test_show_tells_value_source_place_methods_and_uncertainty(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "show", "ipcc_2006:diesel", "--lang", "en")
    assert code == 0
    for words in (
        "43 GJ/t, 20.2 tC/TJ", "2006 IPCC Guidelines, Volume 2", "https://", "Tables 1.2 and 1.3", "read", "literature",
        "combustion", "carbon_content ±2.0%",
    ):  # fmt: skip
        assert words in out, words


def test_show_of_an_unknown_id_is_one_and_suggests(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "show", "deisel", "--lang", "en")
    assert (code, "Did you mean 'diesel'?" in err) == (1, True)
    _, _, err = run(capsys, "show", "deisel", "--lang", "zh")
    assert "是否为“diesel”？" in err


def test_own_factors_are_seen_as_such(capsys: pytest.CaptureFixture[str], own: Path) -> None:
    code, out, _ = run(capsys, "show", "cets_steel_2024:coke", "--factors", str(own), "--lang", "en")
    assert code == 0
    assert "net_calorific_value: 28.435 -> 28.9 (own/fuels.csv, row 2)" in out
    assert "Laboratory report" in out


def test_diff_shows_both_values_and_the_relative_change(capsys: pytest.CaptureFixture[str], own: Path) -> None:
    code, out, _ = run(capsys, "diff", "packaged", str(own), "--lang", "en")
    assert code == 0
    # 28.9 / 28.435 - 1 = 0.01635
    (line,) = [line for line in out.splitlines() if "net_calorific_value" in line]
    assert line.split() == ["fuels", "cets_steel_2024:coke", "net_calorific_value", "28.435", "28.9", "+1.64%"]


def test_diff_against_a_run_folder(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write_factors(packaged_factors(), tmp_path / "run" / "inputs" / "factors")
    code, out, _ = run(capsys, "diff", "packaged", str(tmp_path / "run"), "--lang", "en")
    assert (code, "hold the same factors" in out) == (0, True)


def test_a_fault_in_own_factors_is_told_with_its_place(capsys: pytest.CaptureFixture[str], own: Path) -> None:
    path = own / "fuels.csv"
    path.write_text(path.read_text("utf-8").replace(",28.9,", ",-28.9,").replace(",lab,", ",rumour,"), "utf-8")
    code, _, err = run(capsys, "list", "--factors", str(own), "--lang", "en")
    assert code == 1
    assert "2 problems found" in err
    assert "own/fuels.csv, row 2, column net_calorific_value" in err


def test_reference_writes_both_languages(capsys: pytest.CaptureFixture[str], tmp_path: Path, own: Path) -> None:
    code, _, _ = run(capsys, "reference", "--out", str(tmp_path / "pages"), "--factors", str(own))
    assert code == 0
    assert "What own factors changed" in (tmp_path / "pages" / "factors.md").read_text("utf-8")
    assert "自有因子的改动" in (tmp_path / "pages" / "factors.zh.md").read_text("utf-8")
