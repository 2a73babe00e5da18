"""Chinese names in choice columns, and messages that a Chinese reader can follow."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from inputs_builder import records, replace, write_study

from carbonsim.errors import InputError, Issue, did_you_mean
from carbonsim.inputs import check_scenario, read_scenario
from carbonsim.inputs.choice_labels import CHOICE_LABELS
from carbonsim.inputs.columns import METHODS, SECTORS, TABLES
from carbonsim.inputs.parameters import BASES
from carbonsim.inputs.tables import read_workbook
from carbonsim.report.labels import BASES as SHOWN_BASES
from carbonsim.report.labels import SECTORS as SHOWN_SECTORS


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return write_study(tmp_path / "tiny")


def by_code(issues: list[Issue], code: str) -> Issue:
    return next(issue for issue in issues if issue.code == code)


def test_chinese_names_are_read_as_keys(study: Path) -> None:
    plain = read_scenario(study)
    for old, new in (("Plant,power,", "Plant,电力,"), (",enterprise,1,0.08,assumption", ",企业,1,0.08,假设")):
        replace(study, "tables/enterprises.csv", old, new)
    replace(study, "tables/coverage.csv", "power,2024", "电力,2024")
    replace(study, "tables/measures.csv", "Tuning,power,power_unit,process", "Tuning,电力,power_unit,过程")
    replace(study, "tables/activity.csv", "output,output,,50000", "output,产量,,50000")
    assert check_scenario(study) == []
    assert read_scenario(study).content_hash() == plain.content_hash()


def test_every_listed_key_has_one_name_and_the_names_of_the_report() -> None:
    assert tuple(CHOICE_LABELS["sector"]) == SECTORS
    assert tuple(CHOICE_LABELS["method"]) == METHODS
    assert set(CHOICE_LABELS["basis"]) == set(BASES)
    assert CHOICE_LABELS["sector"] == {key: label.zh for key, label in SHOWN_SECTORS.items()}
    assert CHOICE_LABELS["basis"] == {key: label.zh for key, label in SHOWN_BASES.items()}
    for labels in CHOICE_LABELS.values():
        assert len(set(labels.values())) == len(labels)
    for table in TABLES.values():
        for column in table.columns:
            if column.kind == "choice" and column.name in CHOICE_LABELS:
                assert set(column.choices) <= set(CHOICE_LABELS[column.name]), column.name


def test_a_wrong_sector_is_reported_once_with_both_names(study: Path) -> None:
    replace(study, "tables/enterprises.csv", "Plant,power,", "Plant,电刀,")
    issues = [issue for issue in check_scenario(study) if issue.value == "电刀"]
    assert [issue.code for issue in issues] == ["unknown-choice"]
    assert "steel (钢铁)" in issues[0].message
    assert "steel（钢铁）" in issues[0].message_zh
    assert (issues[0].hint, issues[0].hint_zh) == ("Did you mean '电力'?", "是否为“电力”？")


def test_place_and_suggestion_are_in_chinese() -> None:
    issue = Issue("code", "a.xlsx", "is wrong.", "有误。", "Did you mean 'steel'?", sheet="enterprises", row=3)
    assert issue.where("zh") == "a.xlsx, 工作表 enterprises, 第3行"
    assert issue.text("zh") == "a.xlsx, 工作表 enterprises, 第3行: 有误。是否为“steel”？[code]"
    assert issue.text() == "a.xlsx, sheet enterprises, row 3: is wrong. Did you mean 'steel'? [code]"
    assert Issue("code", "a.csv", "x", column="sector").where("zh") == "a.csv, 列 sector"
    assert did_you_mean("stel", ["steel"], "zh") == "是否为“steel”？"


def test_values_are_quoted_as_typed(study: Path) -> None:
    replace(study, "tables/activity.csv", "bituminous,20,", "bituminous,２０x,")
    issue = by_code(check_scenario(study), "not-a-number")
    assert issue.value == "２０x"
    assert "'２０x'" in issue.message
    assert "“２０x”" in issue.message_zh


def test_enterprise_without_accounts_is_a_warning_that_names_its_groups(study: Path) -> None:
    replace(study, "tables/finances.csv", "kiln,2024", "kiln,2025")
    (issue,) = check_scenario(study)
    assert (issue.code, issue.severity, issue.row, issue.value) == ("no-finances", "warning", 3, "kiln")
    for text in (issue.text(), issue.text("zh")):
        assert "cement" in text
        assert "2024" in text
    assert read_scenario(study).name == "tiny"


def test_a_block_needs_no_accounts(study: Path) -> None:
    replace(study, "tables/finances.csv", "kiln,2024", "kiln,2025")
    text = (study / "tables" / "enterprises.csv").read_text(encoding="utf-8").splitlines()
    text[2] = text[2].replace(",enterprise,", ",block,")
    (study / "tables" / "enterprises.csv").write_text("\n".join(text) + "\n", encoding="utf-8")
    assert check_scenario(study) == []


def test_missing_sheet_names_what_was_found(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "enterprise"
    book.create_sheet("活动数据")
    book.save(tmp_path / "a.xlsx")
    issues = read_workbook(tmp_path / "a.xlsx").issues
    missing = {issue.sheet: issue for issue in issues if issue.code == "missing-table"}
    assert "enterprise, 活动数据" in missing["enterprises"].message
    assert missing["enterprises"].hint == "Did you mean 'enterprise'?"
    assert missing["activity"].hint == "Rename '活动数据' to 'activity'."
    assert "template" in missing["measures"].hint


def test_column_under_its_chinese_label_is_to_be_renamed(study: Path) -> None:
    replace(study, "tables/enterprises.csv", "discount_rate", "折现率*")
    issues = check_scenario(study)
    assert [issue.code for issue in issues] == ["unknown-column"]
    assert "rename it to discount_rate" in issues[0].hint
    assert "改名为 discount_rate" in issues[0].hint_zh


def test_unknown_source_points_to_where_sources_are_listed(study: Path, tmp_path: Path) -> None:
    replace(study, "tables/facilities.csv", "II,0.7,assumption,made-up", "II,0.7,assumption,rumour")
    assert "sources.yaml" in by_code(check_scenario(study), "unknown-source").hint
    book = openpyxl.Workbook()
    book.active.title = "enterprises"
    for row in records("enterprises"):
        book.active.append(row)
    for name in ("facilities", "activity", "finances", "measures", "coverage"):
        sheet = book.create_sheet(name)
        for row in records(name):
            sheet.append(["rumour" if cell == "made-up" else cell for cell in row])
    sheet = book.create_sheet("sources")
    sheet.append(["source", "title"])
    sheet.append(["more", "Another source."])
    for path in (study / "tables").iterdir():
        path.unlink()
    (study / "tables").rmdir()
    book.save(study / "tables.xlsx")
    issue = by_code(check_scenario(study), "unknown-source")
    assert "the sheet sources" in issue.hint
    assert "工作表 sources" in issue.hint_zh


def test_factor_is_suggested_from_the_list_of_its_method(study: Path) -> None:
    replace(study, "tables/activity.csv", "combustion,bituminous", "combustion,zzz")
    issue = by_code(check_scenario(study), "unknown-factor")
    assert issue.hint.startswith("For example anthracite")
    assert "cets2024_limestone" not in issue.hint


def test_faults_come_in_the_order_of_sheet_and_row(tmp_path: Path) -> None:
    from carbonsim.inputs.study import in_order

    given = [Issue("c", "a.xlsx", "", sheet=sheet, row=row) for sheet, row in (("activity", 2), ("enterprises", 9))]
    given += [
        Issue("c", "a.xlsx", "", sheet="enterprises", row=10),
        Issue("c", "a.xlsx", "", sheet="enterprises", row=3),
    ]
    assert [(issue.sheet, issue.row) for issue in in_order(given)] == [
        ("enterprises", 3), ("enterprises", 9), ("enterprises", 10), ("activity", 2),
    ]  # fmt: skip


@pytest.mark.parametrize("read", [read_scenario, check_scenario])
def test_a_workbook_in_place_of_a_study_gets_the_command(tmp_path: Path, read: object) -> None:
    path = tmp_path / "my.xlsx"
    path.write_bytes(b"")
    assert callable(read)
    try:
        issues = read(str(path))
    except InputError as problem:
        issues = problem.issues
    assert f"carbonsim init {path} --policy panzhihua --out my" in issues[0].text()
