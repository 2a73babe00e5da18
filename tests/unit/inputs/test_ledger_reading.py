"""Reading a ledger: workbook and folder alike, every fault in one report with file, sheet, row and column."""

from __future__ import annotations

import random
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledger_builder import COAL, ENDING, MONTHS, TABLES, ledger_folder, ledger_workbook, months, with_rows

from carbonsim.errors import InputError, Issue
from carbonsim.inputs.choice_labels import CHOICE_LABELS
from carbonsim.inputs.ledger import Ledger, check_ledger, read_ledger
from carbonsim.inputs.ledger_columns import LEDGER_TABLES

TERMS = "facility,year,stream,month,term,value,evidence,basis,source\n"
CERTIFICATES = "enterprise,year,certificate,kind,quantity,factor,basis,source\n"
PRECURSORS = "facility,year,precursor,quantity,unit,from_facility,direct_intensity,basis,source\n"
UNCERTAINTY = "term,factor,facility,stream,half_width,basis,source\n"
VERIFIED = "enterprise,year,verified_emissions,materiality,basis,source\n"


def places(issues: list[Issue]) -> list[tuple[str, int | None, str]]:
    return [(issue.code, issue.row, issue.column) for issue in issues]


def test_workbook_and_folder_are_the_same_ledger(tmp_path: Path) -> None:
    folder = read_ledger(ledger_folder(tmp_path / "books"))
    workbook = read_ledger(ledger_workbook(tmp_path / "books.xlsx"))
    assert folder.content_hash() == workbook.content_hash()
    assert folder.years == workbook.years == (2024,)
    assert folder.name == workbook.name == "books"
    assert {"activity.csv", "sources.yaml", "scenarios/sources.yaml"} <= set(folder.input_hashes)
    assert workbook.input_files["books.xlsx"] == tmp_path / "books.xlsx"
    assert folder.sources["meter"].title == workbook.sources["meter"].title


def test_quantities_stay_in_their_unit_and_nothing_is_substituted(tmp_path: Path) -> None:
    activity = read_ledger(ledger_folder(tmp_path / "a")).tables["activity"]
    assert activity["quantity"].tolist() == [*COAL, 60, 4000]
    assert activity["unit"].tolist() == ["t"] * 12 + ["万吨", "MWh"]
    assert not activity["substituted"].any()


def test_absent_tables_are_empty_with_their_columns(tmp_path: Path) -> None:
    ledger = read_ledger(ledger_folder(tmp_path / "a"))
    for name in ("terms", "gaps", "certificates", "precursors", "uncertainty", "verified"):
        assert tuple(ledger.tables[name].columns) == LEDGER_TABLES[name].names()
        assert len(ledger.tables[name]) == 0
    assert ledger.tables["verified"]["verified_emissions"].dtype == float
    assert ledger.tables["enterprises"]["kind"].tolist() == ["enterprise", "enterprise"]


def test_ledger_says_what_it_holds(tmp_path: Path) -> None:
    text = repr(read_ledger(ledger_folder(tmp_path / "a", verified=f"{VERIFIED}works,2024,1000,,{ENDING}\n")))
    assert "<Ledger a: 2024, 2 enterprises, 2 facilities, 14 rows of activity, 0 of them substituted>" in text
    assert "verified: 1 row" in text


@pytest.mark.parametrize(
    ("old", "new", "code", "row", "column"),
    [
        (",1,combustion,bituminous,100,", ",1,combustion,bituminous,-100,", "negative", 2, "quantity"),
        (",1,combustion,bituminous,100,", ',1,combustion,bituminous,"1,200",', "not-a-number", 2, "quantity"),
        (",1,combustion,bituminous,100,", ",1,combustion,bituminous,,", "required", 2, "quantity"),
        (",1,combustion,bituminous,100,", ",1,combustion,bituminos,100,", "unknown-factor", 2, "factor"),
        (",1,combustion,bituminous,100,", ",1,combustion,,100,", "required", 2, "factor"),
        (",1,combustion,bituminous,100,", ",1,burning,bituminous,100,", "unknown-choice", 2, "method"),
        (",1,combustion,bituminous,100,t,", ",1,combustion,bituminous,100,ton,", "unknown-unit", 2, "unit"),
        ("coal,12,", "coal,13,", "out-of-bounds", 13, "month"),
        ("coal,12,", "coal,1.5,", "not-a-number", 13, "month"),
        ("coal,12,", "coal,1,", "duplicate-key", 13, "facility, year, stream, month"),
        ("coal,12,", "coal,01,", "duplicate-key", 13, "facility, year, stream, month"),
        ("line1,2024,power", "line2,2024,power", "unknown-reference", 15, "facility"),
        ("line1,2024,power", "line1,2024,pow/er", "key-slash", 15, "stream"),
        ("4000,MWh,,statistic,meter", "4000,MWh,,statistic,metre", "unknown-source", 15, "source"),
        ("4000,MWh,,statistic,meter", "4000,MWh,,hearsay,meter", "unknown-choice", 15, "basis"),
        (",month,", ",mouth,", "unknown-column", None, "mouth"),
        ("line1,2024,power,,", "line1,2024,clinker,,", "duplicate-key", 15, "facility, year, stream, month"),
    ],
)
def test_faults_of_activity_name_row_and_column(
    tmp_path: Path, old: str, new: str, code: str, row: int | None, column: str
) -> None:
    assert old in TABLES["activity"]
    activity = TABLES["activity"].replace(old, new, 1)
    for path in (
        ledger_folder(tmp_path / "a", activity=activity),
        ledger_workbook(tmp_path / "a.xlsx", activity=activity),
    ):
        issues = check_ledger(path)
        assert (code, row, column) in places(issues)
        found = next(issue for issue in issues if (issue.code, issue.row, issue.column) == (code, row, column))
        assert found.source.endswith("activity.csv" if path.is_dir() else "a.xlsx")
        assert found.sheet == ("" if path.is_dir() else "activity")
        assert found.message_zh


@pytest.mark.parametrize(
    ("table", "text", "code", "row", "column"),
    [
        ("enterprises", TABLES["enterprises"].replace("四川", "四州"), "unknown-region", 2, "province"),
        ("enterprises", with_rows("enterprises", f"third,丙,Third,steel,,{ENDING}\n"), "no-rows", 4, "enterprise"),
        (
            "facilities",
            with_rows("facilities", f"idle,works,coking,coke,t,{ENDING}\n"),
            "no-rows",
            4,
            "facility",
        ),
        ("facilities", TABLES["facilities"].replace("line1,kiln", "line1,klin"), "unknown-reference", 3, "enterprise"),
        ("terms", f"{TERMS}line1,2024,power,,humidity,1,,{ENDING}\n", "unknown-choice", 2, "term"),
        ("terms", f"{TERMS}line1,2024,power,,conversion,1.2,,{ENDING}\n", "out-of-bounds", 2, "value"),
        ("terms", f"{TERMS}line1,2024,power,,grid_factor,-1,,{ENDING}\n", "out-of-bounds", 2, "value"),
        ("terms", f"{TERMS}line1,2024,steam,,content,1,,{ENDING}\n", "unknown-reference", 2, "stream"),
        ("terms", f"{TERMS}line1,2024,power,3,content,1,,{ENDING}\n", "unknown-reference", 2, "stream"),
        ("certificates", f"{CERTIFICATES}nobody,2024,c1,unknown,5,,{ENDING}\n", "unknown-reference", 2, "enterprise"),
        ("certificates", f"{CERTIFICATES}kiln,2023,c1,unknown,5,,{ENDING}\n", "matches-nothing", 2, "year"),
        ("certificates", f"{CERTIFICATES}kiln,2024,c1,promise,5,,{ENDING}\n", "unknown-choice", 2, "kind"),
        (
            "certificates",
            f"{CERTIFICATES}kiln,2024,c1,unknown,5,,{ENDING}\nkiln,2024,c1,unknown,6,,{ENDING}\n",
            "duplicate-key",
            3,
            "enterprise, year, certificate",
        ),
        ("precursors", f"{PRECURSORS}line9,2024,p,5,t,,0.5,{ENDING}\n", "unknown-reference", 2, "facility"),
        ("precursors", f"{PRECURSORS}line1,2024,p,5,t,line9,,{ENDING}\n", "unknown-reference", 2, "from_facility"),
        ("precursors", f"{PRECURSORS}line1,2024,p,5,t,line1,,{ENDING}\n", "own-precursor", 2, "from_facility"),
        ("precursors", f"{PRECURSORS}line1,2024,p,5,t,,,{ENDING}\n", "required", 2, "direct_intensity"),
        ("precursors", f"{PRECURSORS}line1,2024,p,5,t,boiler,,{ENDING}\n", "wrong-unit", 2, "unit"),
        ("precursors", f"{PRECURSORS}line1,2020,p,5,t,boiler,,{ENDING}\n", "matches-nothing", 2, "year"),
        ("uncertainty", f"{UNCERTAINTY}hope,,,,0.1,{ENDING}\n", "unknown-choice", 2, "term"),
        ("uncertainty", f"{UNCERTAINTY}quantity,,line9,,0.1,{ENDING}\n", "unknown-reference", 2, "facility"),
        ("uncertainty", f"{UNCERTAINTY}quantity,,line1,coal,0.1,{ENDING}\n", "unknown-reference", 2, "stream"),
        ("uncertainty", f"{UNCERTAINTY}oxidation,charcole,,,0.1,{ENDING}\n", "unknown-factor", 2, "factor"),
        ("uncertainty", f"{UNCERTAINTY}conversion,gbt_32151_2015,,,0.1,{ENDING}\n", "unknown-factor", 2, "factor"),
        ("uncertainty", f"{UNCERTAINTY}quantity,,,,-0.1,{ENDING}\n", "negative", 2, "half_width"),
        (
            "uncertainty",
            f"{UNCERTAINTY}quantity,,,,0.1,{ENDING}\nquantity,,,,0.2,{ENDING}\n",
            "duplicate-key",
            3,
            "term, factor, facility, stream",
        ),
        ("verified", f"{VERIFIED}nobody,2024,5,,{ENDING}\n", "unknown-reference", 2, "enterprise"),
        ("verified", f"{VERIFIED}kiln,2030,5,,{ENDING}\n", "matches-nothing", 2, "year"),
        ("verified", f"{VERIFIED}kiln,2024,5,5%,{ENDING}\n", "not-a-number", 2, "materiality"),
    ],
)
def test_faults_of_the_other_tables_name_row_and_column(
    tmp_path: Path, table: str, text: str, code: str, row: int, column: str
) -> None:
    issues = check_ledger(ledger_workbook(tmp_path / "a.xlsx", **{table: text}))
    assert (code, table, row, column) in [(issue.code, issue.sheet, issue.row, issue.column) for issue in issues]
    assert all(issue.message and issue.message_zh for issue in issues)


def test_all_faults_stand_in_one_report(tmp_path: Path) -> None:
    folder = ledger_folder(
        tmp_path / "a",
        activity=TABLES["activity"].replace("bituminous,100,", "bituminous,-100,"),
        verified=f"{VERIFIED}nobody,2024,5,,{ENDING}\n",
    )
    (folder / "notes.csv").write_text("a\n", encoding="utf-8")
    with pytest.raises(InputError) as error:
        read_ledger(folder)
    found = {(Path(issue.source).name, issue.code) for issue in error.value.issues}
    assert found == {
        ("activity.csv", "negative"),
        ("verified.csv", "unknown-reference"),
        ("notes.csv", "unknown-table"),
    }


def test_scope3_category_belongs_to_scope3_only(tmp_path: Path) -> None:
    head = TABLES["activity"].splitlines()[0]
    rows = (
        TABLES["activity"].replace(head, f"{head},scope3_category").replace(",statistic,meter\n", ",statistic,meter,\n")
    )
    rows = rows.replace("4000,MWh,,statistic,meter,", "4000,MWh,,statistic,meter,4")
    rows += f"line1,2024,freight,,scope3,,5,t,,{ENDING},\n"
    issues = check_ledger(ledger_folder(tmp_path / "a", activity=rows))
    assert places(issues) == [("scope3-category", 15, "scope3_category"), ("required", 16, "scope3_category")]


def test_text_numbers_blank_rows_and_labels_keep_the_row_numbers(tmp_path: Path) -> None:
    path = ledger_workbook(tmp_path / "a.xlsx")
    book = openpyxl.load_workbook(path)
    sheet = book["activity"]
    sheet.insert_rows(2)
    for cell in sheet[1]:
        sheet.cell(2, cell.column, LEDGER_TABLES["activity"].column(cell.value).zh)
    sheet.insert_rows(4, 2)
    assert sheet["G3"].value == "100"  # the builder writes text
    sheet["G17"] = "sixty"
    book.save(path)
    assert places(check_ledger(path)) == [("not-a-number", 17, "quantity")]


def test_paths_and_sheets_that_are_missing(tmp_path: Path) -> None:
    assert [issue.code for issue in check_ledger(tmp_path / "none.xlsx")] == ["file-missing"]
    folder = ledger_folder(tmp_path / "a")
    (folder / "facilities.csv").unlink()
    assert [(issue.code, Path(issue.source).name) for issue in check_ledger(folder)] == [
        ("missing-table", "facilities.csv")
    ]
    path = ledger_workbook(tmp_path / "a.xlsx")
    book = openpyxl.load_workbook(path)
    book["facilities"].title = "设施"
    book.save(path)
    issue = next(issue for issue in check_ledger(path) if issue.code == "missing-table")
    assert issue.sheet == "facilities"
    assert "设施" in issue.hint


def test_measured_term_given_twice_is_refused(tmp_path: Path) -> None:
    activity = TABLES["activity"].replace("bituminous,100,t,,", "bituminous,100,t,22,")
    terms = f"{TERMS}boiler,2024,coal,1,net_calorific_value,23,,{ENDING}\n"
    issues = check_ledger(ledger_folder(tmp_path / "a", activity=activity, terms=terms))
    assert places(issues) == [("given-twice", 2, "term")]


def test_yearly_term_reaches_the_months_without_a_value_of_their_own(tmp_path: Path) -> None:
    terms = f"{TERMS}boiler,2024,coal,,carbon_content,26,,{ENDING}\nboiler,2024,coal,3,carbon_content,25,,{ENDING}\n"
    ledger = read_ledger(ledger_folder(tmp_path / "a", terms=terms))
    values = ledger.tables["terms"].set_index("month")["value"].to_dict()
    assert values == {month: 25 if month == 3 else 26 for month in MONTHS}
    rows = dict(zip(ledger.tables["terms"]["month"], ledger.origins["terms"].rows, strict=True))
    assert rows == {month: 3 if month == 3 else 2 for month in MONTHS}


def test_biogenic_share_without_evidence_is_a_warning(tmp_path: Path) -> None:
    terms = f"{TERMS}boiler,2024,coal,,biogenic_fraction,0.2,,{ENDING}\n"
    ledger = read_ledger(ledger_folder(tmp_path / "a", terms=terms))
    assert [(issue.code, issue.severity, issue.row) for issue in ledger.warnings] == [("no-evidence", "warning", 2)]
    proven = read_ledger(ledger_folder(tmp_path / "b", terms=terms.replace("0.2,,", "0.2,report 7,")))
    assert proven.warnings == ()
    head, *rows = TABLES["activity"].splitlines()
    named = "\n".join([f"{head},evidence", *(f"{row},{'report 7' if ',coal,' in row else ''}" for row in rows)])
    assert read_ledger(ledger_folder(tmp_path / "c", activity=named + "\n", terms=terms)).warnings == ()


def test_method_without_factor_is_fine_with_measured_terms(tmp_path: Path) -> None:
    rows = f"boiler,2024,pellets,,material_input,,50,t,,{ENDING}\n"
    bare = check_ledger(ledger_folder(tmp_path / "a", activity=with_rows("activity", rows)))
    assert places(bare) == [("required", 16, "factor")]
    terms = f"{TERMS}boiler,2024,pellets,,carbon_fraction,0.02,,{ENDING}\n"
    assert check_ledger(ledger_folder(tmp_path / "b", activity=with_rows("activity", rows), terms=terms)) == []


def test_choices_may_be_chinese(tmp_path: Path) -> None:
    gaps = (
        "facility,year,stream,month,rule,quantity,unit,method,factor,reason,basis,source\n"
        f"line1,2024,diesel,,填写保守值,3,t,化石燃料燃烧,diesel,未计量，按定额,{ENDING}\n"
    )
    certificates = f"{CERTIFICATES}kiln,2024,c1,绿证,5,,{ENDING}\n"
    ledger = read_ledger(ledger_folder(tmp_path / "a", gaps=gaps, certificates=certificates))
    assert ledger.tables["gaps"]["rule"].tolist() == ["stated"]
    assert ledger.tables["gaps"]["reason"].tolist() == ["未计量，按定额"]
    assert ledger.tables["certificates"]["kind"].tolist() == ["green_certificate"]
    for table in LEDGER_TABLES.values():
        for column in table.columns:
            if column.kind == "choice" and column.name in CHOICE_LABELS:
                assert set(column.choices) <= set(CHOICE_LABELS[column.name]), column.name


OWN_FUELS = (
    "table_set,fuel,name_zh,name_en,state,unit,net_calorific_value,carbon_content,oxidation,source,where,confidence,"
    "basis,note\nworks_2024,washed_coal,洗精煤,Washed coal,solid,t,26,26,0.98,meter,,measured,statistic,\n"
)


def test_own_factors_come_from_sheets_or_the_folder_factors(tmp_path: Path) -> None:
    activity = TABLES["activity"].replace(",bituminous,", ",washed_coal,")
    assert {issue.code for issue in check_ledger(ledger_folder(tmp_path / "a", activity=activity))} == {
        "unknown-factor"
    }
    folder = ledger_folder(tmp_path / "b", activity=activity)
    (folder / "factors").mkdir()
    (folder / "factors" / "fuels.csv").write_text(OWN_FUELS, encoding="utf-8")
    workbook = ledger_workbook(tmp_path / "b.xlsx", activity=activity, own_fuels=OWN_FUELS)
    for path in (folder, workbook):
        ledger = read_ledger(path)
        assert [(record.table, record.key) for record in ledger.factors.overlaid] == [
            ("fuels", "works_2024:washed_coal")
        ]
        assert "own factors: 1 change" in repr(ledger)
    assert any(name.startswith("own_factors/") for name in read_ledger(folder).input_hashes)
    outside = read_ledger(ledger_folder(tmp_path / "c", activity=activity), own_factors=folder / "factors")
    assert outside.factors.overlaid[0].key == "works_2024:washed_coal"


def test_faults_of_own_factors_stand_in_the_same_report(tmp_path: Path) -> None:
    bad = OWN_FUELS.replace(",26,26,0.98,", ",26,-26,0.98,")
    activity = TABLES["activity"].replace("bituminous,100,", "bituminous,-100,")
    issues = check_ledger(ledger_workbook(tmp_path / "a.xlsx", activity=activity, own_fuels=bad))
    assert {(issue.sheet, issue.code, issue.row) for issue in issues} == {
        ("own_fuels", "negative", 2),
        ("activity", "negative", 2),
    }


ORDERED = {
    **TABLES,
    "activity": TABLES["activity"].splitlines(keepends=True)[0]
    + months("coal", "combustion", "bituminous", {m: COAL[m - 1] for m in MONTHS if m != 5}, "t")
    + "".join(TABLES["activity"].splitlines(keepends=True)[-2:]),
    "gaps": f"facility,year,stream,month,rule,reason,basis,source\nboiler,2024,coal,5,highest_month,lost,{ENDING}\n",
    "terms": f"{TERMS}boiler,2024,coal,,carbon_content,26,,{ENDING}\nline1,2024,power,,grid_factor,0.5,,{ENDING}\n",
}


@pytest.fixture(scope="module")
def in_order(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    return read_ledger(ledger_workbook(tmp_path_factory.mktemp("order") / "plain.xlsx", **ORDERED))


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000))
def test_order_of_rows_columns_and_sheets_does_not_matter(tmp_path: Path, in_order: Ledger, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311
    shuffled = {}
    for name in ORDERED:
        cells = [line.split(",") for line in ORDERED[name].splitlines()]
        order = rng.sample(range(len(cells[0])), len(cells[0]))
        rows = [cells[0], *rng.sample(cells[1:], len(cells) - 1)]
        shuffled[name] = "".join(",".join(row[place] for place in order) + "\n" for row in rows)
    path = ledger_workbook(tmp_path / "shuffled.xlsx", **shuffled)
    book = openpyxl.load_workbook(path)
    for sheet in rng.sample(book.worksheets, len(book.worksheets)):
        book.move_sheet(sheet, -len(book.worksheets))
    book.save(path)
    other = read_ledger(path)
    assert other.content_hash() == in_order.content_hash()
    # May is missing; December with 120 is the highest of the rest.
    assert other.substitutions["quantity"].tolist() == in_order.substitutions["quantity"].tolist() == [120]
