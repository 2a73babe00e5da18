"""Tables as the user wrote them: rows, labels, odd workbooks and odd text."""

from __future__ import annotations

import zipfile
from pathlib import Path

import openpyxl
import pytest
from inputs_builder import TABLES as TEXTS
from inputs_builder import records

from carbonsim.errors import Issue
from carbonsim.inputs.columns import SHEETS, TABLES
from carbonsim.inputs.table_checks import check_table
from carbonsim.inputs.tables import read_csv, read_csv_folder, read_workbook

LABELS = [TABLES["enterprises"].column(name).zh for name in records("enterprises")[0]]


def check_csv(folder: Path, text: str, name: str = "enterprises") -> tuple[object, list[Issue]]:
    path = folder / f"{name}.csv"
    path.write_text(text, encoding="utf-8")
    raw, _, issues = read_csv(path, name, f"{name}.csv")
    if raw is None:
        return None, issues
    frame, _, found = check_table(raw, TABLES[name], {"made-up"})
    return frame, issues + found


def workbook(path: Path, rows: list[list[object]], sheet: str = "enterprises") -> Path:
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_blank_rows_do_not_shift_the_numbers(tmp_path: Path) -> None:
    lines = TEXTS["enterprises"].splitlines()
    text = "\n".join([lines[0], "", lines[1], ",,,,,,,,,", lines[2].replace("cement", "cemnt")])
    frame, issues = check_csv(tmp_path, text)
    assert len(frame) == 2
    assert [(issue.code, issue.row) for issue in issues] == [("unknown-choice", 5)]


def test_firm_called_na_stays_one(tmp_path: Path) -> None:
    for name in ("NA", "null", "None", "TRUE", "1e5", "007"):
        frame, issues = check_csv(tmp_path, TEXTS["enterprises"].replace("plant,电厂", f"{name},电厂"))
        assert issues == []
        assert frame["enterprise"].tolist() == [name, "kiln"]


def test_full_width_digits_are_numbers_and_names_stay_as_written(tmp_path: Path) -> None:
    text = TEXTS["enterprises"].replace("0.08", "０．０８").replace("电厂", "电厂（一期）")
    frame, issues = check_csv(tmp_path, text)
    assert issues == []
    assert frame["discount_rate"].tolist() == [0.08, 0.08]
    assert frame["name_zh"].iloc[0] == "电厂（一期）"


@pytest.mark.parametrize(
    ("old", "new", "code", "row", "column"),
    [
        ("entities,", "", "missing-column", None, "entities"),
        ("entities,", "entitys,", "unknown-column", None, "entitys"),
        ("entities,", "kind,", "duplicate-column", None, "kind"),
        ("enterprise,1,0.08", "enterprise,1.5,0.08", "not-a-number", 2, "entities"),
        ("enterprise,1,0.08", "enterprise,0,0.08", "out-of-bounds", 2, "entities"),
        ("enterprise,1,0.08", "enterprise,1,8%", "not-a-number", 2, "discount_rate"),
        ("enterprise,1,0.08", "enterprise,1,0.8", "out-of-bounds", 2, "discount_rate"),
        ("enterprise,1,0.08", 'enterprise,"1,000",0.08', "not-a-number", 2, "entities"),
        ("enterprise,1,0.08", "enterprise,,0.08", "required", 2, "entities"),
        ("plant,电厂", "pl/ant,电厂", "key-slash", 2, "enterprise"),
        ("kiln,水泥厂", "plant,水泥厂", "duplicate-key", 3, "enterprise"),
        ("assumption,made-up\nkiln", "assumption,made-up,extra\nkiln", "extra-cells", 2, ""),
    ],
)
def test_faults_name_row_and_column(
    tmp_path: Path, old: str, new: str, code: str, row: int | None, column: str
) -> None:
    assert old in TEXTS["enterprises"]
    _, issues = check_csv(tmp_path, TEXTS["enterprises"].replace(old, new, 1))
    assert (code, row, column) in [(issue.code, issue.row, issue.column) for issue in issues]
    assert all(issue.message and issue.message_zh for issue in issues)


def test_misspelt_column_gets_a_suggestion(tmp_path: Path) -> None:
    _, issues = check_csv(tmp_path, TEXTS["enterprises"].replace("discount_rate", "discount_rat"))
    hints = {issue.code: issue.hint for issue in issues}
    assert "Did you mean 'discount_rate'?" in hints["unknown-column"]


def test_files_that_are_no_table(tmp_path: Path) -> None:
    (tmp_path / "enterprises.csv").write_bytes("企业".encode("gbk"))
    (tmp_path / "activity.csv").write_text("", encoding="utf-8")
    (tmp_path / "mesures.csv").write_text("a,b\n", encoding="utf-8")
    found = {(issue.code, issue.source) for issue in read_csv_folder(tmp_path, "tables").issues}
    assert {
        ("encoding", "tables/enterprises.csv"),
        ("missing-header", "tables/activity.csv"),
        ("missing-table", "tables/measures.csv"),
        ("unknown-table", "tables/mesures.csv"),
    } <= found


def test_row_of_chinese_labels_is_skipped(tmp_path: Path) -> None:
    rows = records("enterprises")
    path = workbook(tmp_path / "a.xlsx", [rows[0], [f"{label}*" for label in LABELS], *rows[1:]])
    table = read_workbook(path, names=["enterprises"]).tables["enterprises"]
    assert table.rows == (3, 4)
    path = workbook(tmp_path / "b.xlsx", rows)
    assert read_workbook(path, names=["enterprises"]).tables["enterprises"].rows == (2, 3)


def test_workbook_rows_keep_their_numbers(tmp_path: Path) -> None:
    rows = records("enterprises")
    broken = [*rows[2][:3], "cemnt", *rows[2][4:]]
    path = workbook(tmp_path / "a.xlsx", [rows[0], LABELS, [], rows[1], [], broken])
    raw = read_workbook(path, names=["enterprises"]).tables["enterprises"]
    issues = check_table(raw, TABLES["enterprises"], {"made-up"})[2]
    assert [(issue.sheet, issue.row, issue.column) for issue in issues] == [("enterprises", 6, "sector")]


def test_numbers_of_a_workbook_are_read_to_the_digit(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["quantity"], [0.1], [1234567.891], [100], [1e-7]], "activity")
    table = read_workbook(path, names=["activity"]).tables["activity"]
    assert [float(cell) for (cell,) in table.cells] == [0.1, 1234567.891, 100, 1e-7]
    assert table.cells[2] == ("100",)


def test_formula_without_stored_value_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["enterprise", "entities"], ["plant", "=1+1"]])
    issues = read_workbook(path, names=["enterprises"]).issues
    assert [(issue.code, issue.sheet, issue.row) for issue in issues] == [("formula", "enterprises", 2)]
    assert "B2" in issues[0].message


def test_zip_bomb_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 40_000_000)
    assert path.stat().st_size < 1_000_000
    assert [issue.code for issue in read_workbook(path).issues] == ["workbook-size"]


def test_files_that_are_no_workbook(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_text("no workbook", encoding="utf-8")
    codes = [read_workbook(tmp_path / name).issues[0].code for name in ("a.xlsx", "none.xlsx")]
    assert codes == ["not-a-workbook", "file-missing"]


def test_entity_declarations_are_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", records("enterprises"))
    evil = tmp_path / "b.xlsx"
    with zipfile.ZipFile(path) as good, zipfile.ZipFile(evil, "w") as bad:
        for item in good.namelist():
            content = good.read(item)
            if item.endswith("sheet1.xml"):
                content = b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + content
            bad.writestr(item, content)
    assert "not-a-workbook" in [issue.code for issue in read_workbook(evil, names=["enterprises"]).issues]


def test_every_column_is_described_in_both_languages() -> None:
    for table in SHEETS.values():
        assert set(table.key) <= set(table.names())
        assert len(set(table.names())) == len(table.columns)
        for column in table.columns:
            assert column.zh, (table.name, column.name)
            assert column.meaning.endswith("."), (table.name, column.name)
            assert column.meaning_zh.endswith("。"), (table.name, column.name)
        assert len({column.zh for column in table.columns}) == len(table.columns)
