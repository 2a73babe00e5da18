"""Units in a ledger: precursors, volumes of gas and shares that divide; and how long lists read in Chinese."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ledger_builder import ENDING, TABLES, ledger_folder, with_rows

from carbonsim.inputs.ledger import check_ledger, read_ledger

TERMS = "facility,year,stream,month,term,value,evidence,basis,source\n"
PRECURSORS = "facility,year,precursor,quantity,unit,from_facility,direct_intensity,basis,source\n"


def test_precursors_are_kept_in_tonnes_or_in_what_their_facility_makes(tmp_path: Path) -> None:
    # The boiler makes steam in GJ: 2 MWh are 7.2 GJ.
    text = (
        f"{PRECURSORS}boiler,2024,p,5,万吨,line1,,{ENDING}\nline1,2024,q,7,,,0.5,{ENDING}\n"
        f"line1,2024,steam,2,MWh,boiler,,{ENDING}\n"
    )
    precursors = read_ledger(ledger_folder(tmp_path / "a", precursors=text)).tables["precursors"]
    assert precursors["quantity"].tolist() == [50_000, 7, pytest.approx(7.2, rel=1e-12)]
    assert precursors["unit"].tolist() == ["t", "t", "GJ"]


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        (f"line1,2024,p,5,,boiler,,{ENDING}\n", "GJ"),  # empty is tonnes, and the boiler makes GJ
        (f"line1,2024,p,5,Nm3,boiler,,{ENDING}\n", "GJ"),
        (f"line1,2024,p,5,GJ,,0.5,{ENDING}\n", "t"),  # bought: its intensity is per tonne
    ],
)
def test_precursor_in_a_unit_of_something_else_is_refused(tmp_path: Path, row: str, wanted: str) -> None:
    (issue,) = check_ledger(ledger_folder(tmp_path / "a", precursors=PRECURSORS + row))
    assert (issue.code, issue.row, issue.column) == ("wrong-unit", 2, "unit")
    assert f"Give it in {wanted}." in issue.hint
    assert wanted in issue.message_zh


def test_bare_cubic_metres_are_one_warning(tmp_path: Path) -> None:
    rows = (
        f"boiler,2024,gas,,combustion,natural_gas,5,万m3,,{ENDING}\n"
        f"boiler,2024,more,,combustion,natural_gas,9,立方米,,{ENDING}\n"
        f"boiler,2024,plain,,combustion,natural_gas,7,万Nm3,,{ENDING}\n"
    )
    (issue,) = read_ledger(ledger_folder(tmp_path / "a", activity=with_rows("activity", rows))).warnings
    assert (issue.code, issue.severity, issue.row, issue.column, issue.value) == (
        "gas-volume", "warning", 16, "unit", "万m3",
    )  # fmt: skip
    for text, words in ((issue.text(), "2 rows"), (issue.text("zh"), "2 行")):
        assert words in text
        assert "0.9318" in text
        assert "Nm3" in text


@pytest.mark.parametrize("term", ["duct_efficiency", "current_efficiency"])
def test_share_that_divides_is_above_zero(tmp_path: Path, term: str) -> None:
    rows = with_rows("activity", f"boiler,2024,effects,,pfc_slope,,5,t,,{ENDING}\n")
    text = f"{TERMS}boiler,2024,effects,,{term},0,,{ENDING}\n"
    (issue,) = check_ledger(ledger_folder(tmp_path / "a", activity=rows, terms=text))
    assert (issue.code, issue.row, issue.column) == ("out-of-bounds", 2, "value")
    assert "above 0" in issue.message
    assert "大于 0" in issue.message_zh
    assert check_ledger(ledger_folder(tmp_path / "b", activity=rows, terms=text.replace(",0,,", ",0.01,,"))) == []


def test_chinese_list_of_many_counts_all_of_them(tmp_path: Path) -> None:
    activity = TABLES["activity"].replace(",1,combustion,bituminous,100,", ",1,combustion,,100,")
    issue = check_ledger(ledger_folder(tmp_path / "a", activity=activity))[0]
    assert re.search(r"and \d+ more\.$", issue.hint)
    assert re.search(r"、[^、]+ 等 \d+ 项。$", issue.hint_zh)
