"""What an analyst reads after clearing: duals with units, who takes which option, a workbook, refusals in Chinese."""

import csv
from pathlib import Path

import openpyxl
import pytest

from carbonsim.cli import execute

PROBLEM = """\
currency: EUR2025
basis: assumption
year: [2025, 2026]
enterprises:
  甲厂: {baseline: 100, fixed: 80}
  乙厂: {baseline: 60, fixed: 50}
options:
  甲厂/节能: {enterprise: 甲厂, potential: 40, unit_cost: 20}
  乙厂/余热: {enterprise: 乙厂, potential: 5, unit_cost: 10}
instruments:
  banking: {}
  terminal_bank: {at_least: 1}
  fine: {kind: price_linked_fine, multiple: 5}
"""


@pytest.fixture
def problem(tmp_path: Path) -> str:
    path = tmp_path / "problem.yaml"
    path.write_text(PROBLEM, encoding="utf-8")
    return str(path)


def test_what_instruments_publish_is_printed_with_its_unit(problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["clear", problem, "--lang", "en"]) == 0
    printed = capsys.readouterr().out
    # 61 t are to be cut in the two years and only 10 t cost less than 20, so 20 is the price of 2026: the fine is 100.
    assert "Price of what must be left" in printed
    assert "fine (EUR/tCO2e)" in printed
    details = printed.split("What instruments and the concept add")[1].split("\n\n")[0]
    assert "100" in details.splitlines()[-1]


def test_every_option_is_written_with_what_is_taken_of_it(problem: str, tmp_path: Path) -> None:
    assert execute(["clear", problem, "--out", str(tmp_path / "out")]) == 0
    with (tmp_path / "out" / "tables" / "options.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    taken = {(row["year"], row["option"]): float(row["option_abatement"]) for row in rows}
    assert set(taken) == {(year, option) for year in ("2025", "2026") for option in ("甲厂/节能", "乙厂/余热")}
    # The cheap option is used up in both years; with it 30 + 30 t of need and 1 t to be left are met.
    assert taken["2025", "乙厂/余热"] == taken["2026", "乙厂/余热"] == 5
    assert sum(taken.values()) == pytest.approx(61)


def test_the_workbook_has_units_in_the_currency_of_the_file(problem: str, tmp_path: Path) -> None:
    assert execute(["clear", problem, "--out", str(tmp_path / "out"), "--lang", "zh"]) == 0
    book = openpyxl.load_workbook(tmp_path / "out" / "results.xlsx")
    assert {"years", "money", "enterprises", "details", "options", "certificate"} <= set(book.sheetnames)
    heads = [cell.value for cell in book["enterprises"][2]]
    assert "净成本 (EUR)" in heads
    assert "清缴义务 (tCO2e)" in heads
    assert "fine (EUR/tCO2e)" in [cell.value for cell in book["details"][2]]
    assert "假设" in book["years"]["A1"].value
    assert not any("CNY" in str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row)


def test_a_folder_that_is_taken_is_refused_in_chinese(
    problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        code = execute(["clear", problem, "--out", str(tmp_path / "out"), "--lang", "zh"])
    assert code == 1
    assert "--force 替换" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("group", "word"), [("instruments", "结转与预借"), ("concepts", "滚动预见"), ("kinds", "履约台")]
)
def test_what_there_is_for_markets_is_listed_in_chinese(
    group: str, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["list", group, "--lang", "zh"]) == 0
    printed = capsys.readouterr().out
    assert word in printed
    assert all(any("一" <= letter <= "鿿" for letter in line) for line in printed.splitlines())
