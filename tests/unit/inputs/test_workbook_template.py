"""The template: reproducible, labelled, and a study as it stands."""

from __future__ import annotations

import time
from pathlib import Path

import openpyxl
import pytest

from carbonsim.errors import InputError, ScenarioError
from carbonsim.inputs import check_scenario, init_study, read_scenario, write_template
from carbonsim.inputs.columns import SHEETS
from carbonsim.inputs.workbook import guard_text


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "template.xlsx"
    write_template(path)
    return path


def edited(template: Path, path: Path, **cells: object) -> Path:
    """A copy of the template in which cells such as ``activity__F3`` have other values."""
    book = openpyxl.load_workbook(template)
    for place, value in cells.items():
        sheet, _, cell = place.partition("__")
        book[sheet][cell] = value
    book.save(path)
    return path


def test_template_is_the_same_bytes_whenever_written(template: Path, tmp_path: Path) -> None:
    time.sleep(1.1)  # a clock with seconds in the file would show
    write_template(tmp_path / "again.xlsx")
    assert (tmp_path / "again.xlsx").read_bytes() == template.read_bytes()


def test_every_sheet_has_keys_labels_notes_and_frozen_panes(template: Path) -> None:
    book = openpyxl.load_workbook(template)
    assert {"说明", "lists", *SHEETS} == set(book.sheetnames)
    for name, table in SHEETS.items():
        sheet = book[name]
        assert [cell.value for cell in sheet[1]] == list(table.names())
        assert [str(cell.value).rstrip("*") for cell in sheet[2]] == [column.zh for column in table.columns]
        assert all(cell.comment is not None for cell in sheet[1])
        assert sheet.freeze_panes == "B3"


def test_choices_have_drop_downs(template: Path) -> None:
    book = openpyxl.load_workbook(template)
    ranges = {name: {str(item.sqref) for item in book[name].data_validations.dataValidation} for name in SHEETS}
    letters = {"enterprises": "DGHL", "activity": "ADEGN", "facilities": "BCEF", "measures": "DFG", "finances": "AJ"}
    for name, columns in letters.items():
        for letter in columns:
            assert any(area.startswith(f"{letter}3:") for area in ranges[name]), (name, letter)
    assert "factor_combustion" in book.defined_names


def test_untouched_template_makes_a_valid_study(template: Path, tmp_path: Path) -> None:
    folder = init_study(template, tmp_path / "my")
    assert [issue for issue in check_scenario(folder) if issue.severity == "error"] == []
    scenario = read_scenario(folder)
    policy = read_scenario("panzhihua")
    enterprises = scenario.tables["enterprises"]
    own = enterprises[enterprises["kind"] == "enterprise"]
    assert set(own["sector"]) == {"steel", "power", "cement", "chemicals"}
    assert set(own["basis"]) == {"assumption"}
    blocks = policy.tables["enterprises"]
    assert (enterprises["kind"] == "block").sum() == (blocks["kind"] == "block").sum()
    assert scenario.market == policy.market
    assert scenario.allocation == policy.allocation
    assert scenario.tables["coverage"]["entry_year"].equals(policy.tables["coverage"]["entry_year"])


def test_a_study_is_illustrative_only_while_example_rows_are_left(template: Path, tmp_path: Path) -> None:
    assert read_scenario(init_study(template, tmp_path / "examples")).illustrative
    book = openpyxl.load_workbook(template)
    for sheet in book:
        for row in sheet.iter_rows(min_row=3):
            for cell in row:
                if cell.value == "example":
                    cell.value = "own-survey"
    book.save(tmp_path / "filled.xlsx")
    assert not read_scenario(init_study(tmp_path / "filled.xlsx", tmp_path / "own")).illustrative


def test_own_measures_do_not_reach_the_blocks(template: Path, tmp_path: Path) -> None:
    measures = read_scenario(init_study(template, tmp_path / "my")).tables["measures"]
    own = measures[measures["measure"].str.startswith("示例")]
    assert set(own["enterprise"]) <= {"示例企业甲", "示例企业乙", "示例企业丙", "示例企业丁"}
    assert (own["enterprise"] != "").all()
    steel = measures[(measures["sector"] == "steel") & ~measures["measure"].str.startswith("示例")]
    assert len(steel) > 0
    assert not set(steel["enterprise"]) & {"", "示例企业甲"}


def test_faults_of_the_workbook_name_sheet_row_and_column(template: Path, tmp_path: Path) -> None:
    path = edited(template, tmp_path / "filled.xlsx", activity__F3=-5, enterprises__D4="powr", sources__B3=None)
    with pytest.raises(ScenarioError) as caught:
        init_study(path, tmp_path / "my")
    found = {(issue.code, issue.sheet, issue.row, issue.column) for issue in caught.value.issues}
    assert {
        ("negative", "activity", 3, "quantity"),
        ("unknown-choice", "enterprises", 4, "sector"),
        ("required", "sources", 3, "title"),
    } <= found
    assert not (tmp_path / "my").exists()
    assert sorted(item.name for item in tmp_path.iterdir()) == ["filled.xlsx"]


def test_row_of_coverage_replaces_the_policys(template: Path, tmp_path: Path) -> None:
    row = ["chemicals", 2028, 2026, "0.5;1", 10000, "CO2", "direct", "assumption", "example"]
    cells = {f"coverage__{letter}3": value for letter, value in zip("ABCDEFGHI", row, strict=True)}
    scenario = read_scenario(init_study(edited(template, tmp_path / "filled.xlsx", **cells), tmp_path / "my"))
    coverage = scenario.tables["coverage"].set_index("sector")
    assert coverage.loc["chemicals", ["entry_year", "threshold"]].tolist() == [2028, 10000]
    assert coverage.index.is_unique


def test_names_of_the_policy_cannot_be_taken(template: Path, tmp_path: Path) -> None:
    enterprises = read_scenario("panzhihua").tables["enterprises"]
    block = enterprises.loc[enterprises["kind"] == "block", "enterprise"].iloc[0]
    with pytest.raises(ScenarioError, match="already"):
        init_study(edited(template, tmp_path / "filled.xlsx", enterprises__A3=block), tmp_path / "my")


def test_folder_that_is_not_empty_is_left_alone(template: Path, tmp_path: Path) -> None:
    target = tmp_path / "my"
    target.mkdir()
    (target / "keep.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="not empty"):
        init_study(template, target)
    assert [item.name for item in target.iterdir()] == ["keep.txt"]


def test_force_replaces_a_study_and_nothing_else(template: Path, tmp_path: Path) -> None:
    target = tmp_path / "my"
    target.mkdir()
    (target / "keep.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="not empty"):
        init_study(template, target, force=True)
    (target / "scenario.yaml").write_text("name: old", encoding="utf-8")
    with pytest.raises(InputError, match="not empty"):
        init_study(template, target)
    broken = edited(template, tmp_path / "filled.xlsx", activity__F3=-5)
    with pytest.raises(ScenarioError):
        init_study(broken, target, force=True)
    assert (target / "scenario.yaml").read_text(encoding="utf-8") == "name: old"
    init_study(template, target, force=True)
    assert read_scenario(target).name == "my"
    assert not (target / "keep.txt").exists()
    assert sorted(item.name for item in tmp_path.iterdir()) == ["filled.xlsx", "my"]


def test_force_spares_a_folder_that_holds_the_workbook(template: Path, tmp_path: Path) -> None:
    target = init_study(template, tmp_path / "my")
    inside = edited(template, target / "filled.xlsx")
    with pytest.raises(InputError, match="holds the workbook"):
        init_study(inside, target, force=True)
    assert inside.is_file()


def test_chinese_choices_of_a_workbook_reach_the_study_as_keys(template: Path, tmp_path: Path) -> None:
    path = edited(
        template, tmp_path / "filled.xlsx", enterprises__D3="钢铁", measures__D3="钢铁", enterprises__H3="企业"
    )
    scenario = read_scenario(init_study(path, tmp_path / "my"))
    assert scenario.tables["enterprises"]["sector"].iloc[0] == "steel"
    assert "钢铁,钒钛" not in (tmp_path / "my" / "tables" / "enterprises.csv").read_text(encoding="utf-8")


def test_unknown_policy_is_named(template: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="panzhihua"):
        init_study(template, tmp_path / "my", policy="panzihua")
    with pytest.raises(InputError, match="variation"):
        init_study(template, tmp_path / "my", policy="panzhihua/faster")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "＝", "＋", "－", "＠"])
def test_no_text_is_taken_for_a_formula(start: str) -> None:
    assert guard_text(f"{start}cmd") == f"'{start}cmd"
