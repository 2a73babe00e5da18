"""Reading a study: what is in it, and every fault of it at once."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import pytest
from inputs_builder import replace, write_study

from carbonsim.errors import InputError, Issue, ScenarioError
from carbonsim.inputs import check_scenario, drafts_used, packaged_studies, read_scenario
from carbonsim.inputs.validity import basis_listing


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return write_study(tmp_path / "tiny")


def codes(issues: list[Issue]) -> list[str]:
    return [issue.code for issue in issues if issue.severity == "error"]


def test_a_valid_study_has_no_faults(study: Path) -> None:
    assert check_scenario(study) == []


def test_scenario_holds_what_the_files_say(study: Path) -> None:
    scenario = read_scenario(study)
    assert (scenario.name, scenario.years, scenario.base_year) == ("tiny", (2024, 2025, 2026, 2027), 2024)
    assert scenario.market.instruments == ("banking",)
    assert scenario.rule("cement", 2025) is None
    assert scenario.rule("cement", 2027).rule == "grandfathering"
    assert scenario.parameters.value("industry.reduction_factor", 2025, "power") == 1
    assert scenario.parameters.value("industry.reduction_factor", 2026, "power") == 0.9


def test_amounts_are_converted_to_the_units_inside(study: Path) -> None:
    tables = read_scenario(study).tables
    activity = tables["activity"].set_index(["facility", "stream"])
    # 20 x 10,000 t; 50,000 x 10,000 kWh = 500,000 MWh; 60 x 10,000 t; 20,000 x 10,000 CNY
    assert activity.loc[("unit1", "coal"), ["quantity", "unit"]].tolist() == [200_000, "t"]
    assert activity.loc[("unit1", "output"), ["quantity", "unit"]].tolist() == [500_000, "MWh"]
    assert activity.loc[("line1", "output"), ["quantity", "unit"]].tolist() == [600_000, "t"]
    finances = tables["finances"].set_index("enterprise")
    assert finances.loc["plant", ["revenue", "money_unit"]].tolist() == [200_000_000, "CNY"]
    assert finances.loc["kiln", "ebit"] == -1_000_000


def test_eight_planted_faults_are_reported_in_one_go(study: Path) -> None:
    replace(study, "scenario.yaml", "base_year: 2024", "base_year: 2024\nprice_year: 2024")  # duplicate key
    replace(study, "tables/enterprises.csv", "Kiln,cement", "Kiln,cemnt")  # unknown sector
    replace(study, "tables/activity.csv", "bituminous,20,万吨", "bituminous,-20,万吨")  # negative fuel
    replace(study, "tables/activity.csv", "50000,万kWh", "50000,")  # missing unit
    replace(study, "tables/finances.csv", "plant,2024,20000", "plant,2024,many")  # text for a number
    replace(study, "parameters/market.yaml", "valid_until: 2027", "valid_until: 2025")  # expired parameter
    replace(study, "tables/facilities.csv", "II,0.7,assumption,made-up", "II,0.7,assumption,rumour")  # source
    line = "plant,电厂,Plant,power,东区,enterprise,1,0.08,assumption,made-up\n"
    replace(study, "tables/enterprises.csv", line, line + line)  # duplicated row

    found = {
        (issue.code, Path(issue.source).name, issue.line or issue.row, issue.column) for issue in check_scenario(study)
    }
    assert {
        ("duplicate-key", "scenario.yaml", 7, ""),
        ("unknown-choice", "enterprises.csv", 4, "sector"),
        ("negative", "activity.csv", 2, "quantity"),
        ("required", "activity.csv", 3, "unit"),
        ("not-a-number", "finances.csv", 2, "revenue"),
        ("expired-parameter", "market.yaml", 1, ""),
        ("unknown-source", "facilities.csv", 2, "source"),
        ("duplicate-row", "enterprises.csv", 3, ""),
    } <= found
    with pytest.raises(ScenarioError, match="Did you mean 'cement'"):
        read_scenario(study)


def test_faults_are_told_in_chinese_too(study: Path) -> None:
    replace(study, "tables/finances.csv", "plant,2024,20000", "plant,2024,1,000")
    replace(study, "tables/activity.csv", "20,万吨", "20,ton")
    for issue in check_scenario(study):
        assert any("一" <= letter <= "鿿" for letter in issue.text("zh")), issue


def test_a_parameter_is_not_expired_where_its_readers_end(study: Path) -> None:
    replace(study, "parameters/industry.yaml", "valid_until: 2027", "valid_until: 2026")
    replace(
        study, "scenario.yaml", "2024: {rule: grandfathering}", "2024: {rule: grandfathering}\n    2027: {rule: own}"
    )
    replace(
        study, "scenario.yaml", "2026: {rule: grandfathering}", "2026: {rule: grandfathering}\n    2027: {rule: own}"
    )
    rules = {"grandfathering": ["industry.reduction_factor"], "own": []}
    assert check_scenario(study, rules) == []
    assert codes(check_scenario(study)) == ["expired-parameter"]


def test_unknown_rule_and_instrument_are_named_with_line(study: Path) -> None:
    replace(study, "scenario.yaml", "2026: {rule: grandfathering}", "2026: {rule: grandfatherin}")
    replace(study, "scenario.yaml", "[banking]", "[bankng]")
    issues = check_scenario(study, ["grandfathering"], ["banking"])
    assert [(issue.code, issue.line) for issue in issues] == [("unknown-instrument", 12), ("unknown-rule", 17)]
    assert "Did you mean 'grandfathering'?" in issues[1].hint


def test_sector_that_enters_without_a_rule_is_a_fault(study: Path) -> None:
    replace(study, "scenario.yaml", "  cement:\n    2026: {rule: grandfathering}\n", "")
    assert codes(check_scenario(study)) == ["no-rule"]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("base_year: 2024", "base_yaer: 2024", "unknown-key"),
        ("base_year: 2024", "", "missing-key"),
        ("base_year: 2024", 'base_year: "2024"', "wrong-type"),
        ("scope: local", "scope: lokal", "unknown-choice"),
        ("years: [2024, 2027]", "years: [2027, 2024]", "bad-year"),
        ("parameters: []", "parameters: [atlantis]", "unknown-parameters"),
        ("parameters: []", "parameters: [../../etc]", "unknown-parameters"),
        ("name: tiny", "name: a/b", "bad-name"),
    ],
)
def test_faults_of_the_scenario_file_have_a_line(study: Path, old: str, new: str, code: str) -> None:
    replace(study, "scenario.yaml", old, new)
    issues = [issue for issue in check_scenario(study) if issue.code == code]
    assert issues
    assert issues[0].line is not None


def test_rows_that_name_missing_things_are_faults(study: Path) -> None:
    replace(study, "tables/facilities.csv", "line1,kiln", "line1,klin")
    replace(study, "tables/activity.csv", "unit1,2024,coal", "unit9,2024,coal")
    found = [(issue.code, Path(issue.source).name, issue.row) for issue in check_scenario(study)]
    assert ("unknown-reference", "facilities.csv", 3) in found
    assert ("unknown-reference", "activity.csv", 2) in found
    assert ("no-rows", "enterprises.csv", 3) in found  # the kiln has lost its only facility


@pytest.mark.parametrize(
    ("old", "new", "code", "column"),
    [
        ("20,万吨", "20,MWh", "wrong-unit", "unit"),
        ("20,万吨", "20,ton", "unknown-unit", "unit"),
        ("bituminous", "bituminus", "unknown-factor", "factor"),
        ("combustion,bituminous", "combustion,", "required", "factor"),
        ("output,output,,50000", "output,output,diesel,50000", "unused-factor", "factor"),
        ("bituminous,20,", "bituminous,nan,", "not-finite", "quantity"),
        ("bituminous,20,", "bituminous,1e999,", "not-finite", "quantity"),
        ("bituminous,20,", "bituminous,1_0,", "not-a-number", "quantity"),
    ],
)
def test_faults_of_activity_name_row_and_column(study: Path, old: str, new: str, code: str, column: str) -> None:
    replace(study, "tables/activity.csv", old, new)
    found = [(issue.code, issue.row, issue.column) for issue in check_scenario(study)]
    assert any(item[0] == code and item[2] == column and item[1] in (2, 3) for item in found), found


def test_prices_of_another_year_are_refused(study: Path) -> None:
    replace(study, "tables/measures.csv", "2024,2025,assumption", "2024,2020,assumption")
    assert codes(check_scenario(study)) == ["price-year"]


@pytest.mark.parametrize(
    ("old", "new", "code", "severity"),
    [
        ("power,power_unit,process,direct", "power,power_unit,process,directt", "unknown-choice", "error"),
        ("power,power_unit,process,direct", "power,boiler,process,direct", "matches-nothing", "warning"),
        ("power,power_unit,process,direct", "power,power_unit,process,heat", "matches-nothing", "warning"),
        ("1,-20,50,", "1,,50,", "required", "error"),
    ],
)
def test_measures_that_nobody_can_take_are_said(study: Path, old: str, new: str, code: str, severity: str) -> None:
    replace(study, "tables/measures.csv", old, new)
    found = [(issue.code, issue.severity, issue.row) for issue in check_scenario(study)]
    assert found == [(code, severity, 2)]
    if severity == "warning":
        assert read_scenario(study).name == "tiny"


def test_a_needed_draft_is_refused_unless_allowed(study: Path) -> None:
    replace(study, "parameters/market.yaml", "basis: assumption", "basis: draft")
    assert codes(check_scenario(study)) == ["draft"]
    replace(study, "scenario.yaml", "allow_draft: false", "allow_draft: true")
    scenario = read_scenario(study)
    assert [used.path for used in drafts_used(scenario)] == ["market.interest_rate"]
    assert set(basis_listing(scenario)["basis"]) == {"draft", "assumption"}


def test_every_file_read_has_its_hash(study: Path) -> None:
    scenario = read_scenario(study)
    for name in ("scenario.yaml", "sources.yaml", "tables/activity.csv", "parameters/market.yaml"):
        digest = hashlib.sha256((study / name).read_bytes()).hexdigest()
        assert scenario.input_hashes[name] == digest
    assert set(scenario.input_files) == set(scenario.input_hashes)
    assert all(path.is_file() for path in scenario.input_files.values())


def test_content_hash_ignores_place_order_and_notes(study: Path, tmp_path: Path) -> None:
    lines = (study / "tables" / "enterprises.csv").read_text(encoding="utf-8").splitlines()
    other = write_study(tmp_path / "other", enterprises="\n".join([lines[0], lines[2], lines[1]]) + "\n")
    replace(other, "tables/enterprises.csv", "电厂", "发电厂")
    assert read_scenario(study).content_hash() == read_scenario(other).content_hash()
    replace(other, "tables/activity.csv", "20,万吨", "21,万吨")
    assert read_scenario(study).content_hash() != read_scenario(other).content_hash()


def test_nobody_can_write_into_the_tables(study: Path) -> None:
    scenario = read_scenario(study)
    frame = scenario.tables["activity"]
    frame["quantity"] = 0.0
    frame.loc[0, "unit"] = "kg"
    assert scenario.tables["activity"]["quantity"].sum() > 0
    assert scenario.tables["activity"]["unit"].iloc[0] == "t"


def test_a_scenario_survives_pickling(study: Path) -> None:
    scenario = read_scenario(study)
    again = pickle.loads(pickle.dumps(scenario))  # noqa: S301  made in this line
    assert again.content_hash() == scenario.content_hash()


def test_study_from_a_workbook_in_its_folder(study: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for path in sorted((study / "tables").glob("*.csv")):
        sheet = book.create_sheet(path.stem)
        for line in path.read_text(encoding="utf-8").splitlines():
            sheet.append(line.split(","))
        path.unlink()
    sources = book.create_sheet("sources")
    sources.append(["source", "title"])
    (study / "tables").rmdir()
    book.save(study / "tables.xlsx")
    issues = check_scenario(study)
    assert codes(issues) == ["no-rows"]  # an empty sheet of sources is said
    sources.append(["more", "Another source."])
    book.save(study / "tables.xlsx")
    assert read_scenario(study).tables["activity"]["quantity"].iloc[0] == 200_000


def test_unknown_study_lists_the_packaged_ones() -> None:
    with pytest.raises(InputError, match="Did you mean 'textbook'"):
        read_scenario("textbok")
    assert {"textbook", "textbook/tighter"} <= {name for name, _, _ in packaged_studies()}


def test_packaged_studies_and_variations_are_without_fault() -> None:
    for name, english, chinese in packaged_studies():
        assert english != chinese
        assert codes(check_scenario(name)) == [], name
