"""The ledger template: labelled, explained in both languages, and accountable as it stands."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from carbonsim.accounting.inventory import build_inventory
from carbonsim.inputs.ledger import check_ledger, read_ledger
from carbonsim.inputs.ledger_columns import LEDGER_TABLES
from carbonsim.inputs.ledger_template import write_ledger_template


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ledger") / "ledger.xlsx"
    write_ledger_template(path)
    return path


def test_untouched_template_reads_without_faults(template: Path) -> None:
    assert check_ledger(template) == []
    ledger = read_ledger(template)
    assert ledger.years == (2024,)
    assert ledger.substitutions["stream"].tolist() == ["coal", "diesel"]
    # July coal: the highest other month is December, 8400 t, and the highest heat is November's 22.5 GJ/t.
    assert ledger.substitutions.loc[0, ["quantity", "net_calorific_value"]].tolist() == [8400, 22.5]
    assert "皮带秤故障，" in ledger.substitutions["reason"].iloc[0]


def test_untouched_template_can_be_accounted(template: Path) -> None:
    inventory = build_inventory(read_ledger(template))
    assert float(inventory["emissions_co2e"].sum()) > 0
    assert int(inventory["substituted"].sum()) == 2


def test_every_sheet_has_keys_labels_notes_and_is_explained(template: Path) -> None:
    book = openpyxl.load_workbook(template)
    assert {"说明", "lists", *LEDGER_TABLES} == set(book.sheetnames)
    readme = [str(cell.value) for row in book["说明"].iter_rows() for cell in row if cell.value]
    for name, table in LEDGER_TABLES.items():
        sheet = book[name]
        assert [cell.value for cell in sheet[1]] == list(table.names())
        assert [str(cell.value).rstrip("*") for cell in sheet[2]] == [column.zh for column in table.columns]
        assert all(cell.comment is not None for cell in sheet[1])
        assert any(line.startswith(f"{name}（") and table.meaning_zh in line for line in readme)
        assert any(line.startswith(f"{name}: ") and table.meaning in line for line in readme)


def test_every_example_row_is_an_assumption(template: Path) -> None:
    ledger = read_ledger(template)
    for name, frame in ledger.tables.items():
        if name != "sources":
            assert set(frame["basis"]) <= {"assumption"}, name


def test_choices_have_drop_downs(template: Path) -> None:
    book = openpyxl.load_workbook(template)
    for name, table in LEDGER_TABLES.items():
        listed = {str(item.sqref).split(":")[0].rstrip("3") for item in book[name].data_validations.dataValidation}
        for place, column in enumerate(table.columns, start=1):
            if column.choices or column.kind == "source":
                assert openpyxl.utils.get_column_letter(place) in listed, (name, column.name)


def test_english_template_differs_in_the_order_of_explanations_only(template: Path, tmp_path: Path) -> None:
    write_ledger_template(tmp_path / "en.xlsx", "en")
    assert openpyxl.load_workbook(tmp_path / "en.xlsx")["说明"]["A1"].value == "Emissions ledger of carbonsim"
    assert read_ledger(tmp_path / "en.xlsx").content_hash() == read_ledger(template).content_hash()


def test_every_column_of_a_ledger_is_described_in_both_languages() -> None:
    for table in LEDGER_TABLES.values():
        assert set(table.key) <= set(table.names())
        assert len(set(table.names())) == len(table.columns)
        assert len({column.zh for column in table.columns}) == len(table.columns)
        for column in table.columns:
            assert column.zh, (table.name, column.name)
            assert column.meaning.endswith("."), (table.name, column.name)
            assert column.meaning_zh.endswith("。"), (table.name, column.name)
