"""Months that are missing, and the conservative amounts that stand in for them; all arithmetic by hand."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from ledger_builder import COAL, ENDING, TABLES, ledger_folder, months, with_rows, without_months

from carbonsim.errors import Issue
from carbonsim.inputs.ledger import Ledger, check_ledger, read_ledger

GAPS = "facility,year,stream,month,rule,quantity,unit,method,factor,reason,basis,source\n"
TERMS = "facility,year,stream,month,term,value,evidence,basis,source\n"
HEAD = TABLES["activity"].splitlines(keepends=True)[0]
REST = "".join(TABLES["activity"].splitlines(keepends=True)[-2:])


def gap(month: object, rule: str = "highest_month", stream: str = "coal", more: str = ",,,", year: int = 2024) -> str:
    return f"boiler,{year},{stream},{month},{rule},{more},scale broke,{ENDING}\n"


def read(folder: Path, activity: str, *gaps: str, **tables: str) -> Ledger:
    return read_ledger(ledger_folder(folder, activity=activity, gaps=GAPS + "".join(gaps), **tables))


def faults(folder: Path, activity: str, *gaps: str, **tables: str) -> list[Issue]:
    return check_ledger(ledger_folder(folder, activity=activity, gaps=GAPS + "".join(gaps), **tables))


def year_of(stream: str, amounts: tuple[float, ...], year: int, method: str = "combustion") -> str:
    return months(stream, method, "bituminous", dict(enumerate(amounts, start=1)), "t", year)


def test_missing_months_are_named_not_taken_as_zero(tmp_path: Path) -> None:
    (issue,) = check_ledger(ledger_folder(tmp_path / "a", activity=without_months(3, 5)))
    assert (issue.code, issue.row, issue.column, issue.value) == ("missing-months", 2, "month", "3, 5")
    assert "boiler/coal 2024" in issue.message
    assert "3、5" in issue.message_zh


def test_zero_is_an_amount(tmp_path: Path) -> None:
    activity = TABLES["activity"].replace("coal,3,combustion,bituminous,90,", "coal,3,combustion,bituminous,0,")
    assert check_ledger(ledger_folder(tmp_path / "a", activity=activity)) == []


def test_year_and_months_of_one_stream_exclude_each_other(tmp_path: Path) -> None:
    both = with_rows("activity", f"boiler,2024,coal,,combustion,bituminous,1135,t,,{ENDING}\n")
    (issue,) = check_ledger(ledger_folder(tmp_path / "a", activity=both))
    assert (issue.code, issue.row, issue.column) == ("year-and-months", 16, "month")
    other_year = with_rows("activity", f"boiler,2023,coal,,combustion,bituminous,1135,t,,{ENDING}\n")
    assert check_ledger(ledger_folder(tmp_path / "b", activity=other_year)) == []


def test_month_with_a_fault_is_not_reported_as_missing_too(tmp_path: Path) -> None:
    activity = TABLES["activity"].replace("coal,12,", "coal,Dec,")
    issues = check_ledger(ledger_folder(tmp_path / "a", activity=activity))
    assert [(issue.code, issue.row) for issue in issues] == [("not-a-number", 13)]


def test_highest_month_stands_in_and_the_reason_is_kept(tmp_path: Path) -> None:
    # Without March (90) and May (80) the highest of the other months is December: 120.
    ledger = read(tmp_path / "a", without_months(3, 5), gap(3), gap(5))
    activity = ledger.tables["activity"]
    made = activity[activity["substituted"]]
    assert made["quantity"].tolist() == [120, 120]
    assert made["month"].tolist() == [3, 5]
    assert set(made["method"]) == {"combustion"}
    assert set(made["factor"]) == {"bituminous"}
    assert set(made["unit"]) == {"t"}
    # 1135 is the whole year: less 90 and 80, plus twice 120.
    assert activity.loc[activity["stream"] == "coal", "quantity"].sum() == sum(COAL) - 90 - 80 + 240 == 1205
    assert ledger.substitutions["reason"].tolist() == ["scale broke", "scale broke"]
    assert ledger.substitutions["rule"].tolist() == ["highest_month", "highest_month"]
    assert ledger.substitutions["used_rows"].tolist() == ["2, 3, 4, 5, 6, 7, 8, 9, 10, 11"] * 2
    assert "2 of them substituted" in repr(ledger)


def test_faults_of_a_made_row_point_at_gaps(tmp_path: Path) -> None:
    more = "30,t,combustion,diesell"
    (issue,) = faults(tmp_path / "a", TABLES["activity"], gap("", "stated", "diesel", more))
    assert (issue.code, Path(issue.source).name, issue.row, issue.column) == ("unknown-factor", "gaps.csv", 2, "factor")
    ledger = read(tmp_path / "b", without_months(3), gap(3))
    origin = ledger.origins["activity"]
    assert origin.place_of(13)[0].endswith("gaps.csv")
    assert origin.rows[13] == 2


def test_amounts_are_compared_in_one_unit(tmp_path: Path) -> None:
    # 0.0125 of 10,000 t are 125 t, more than the 120 t of December.
    activity = without_months(3).replace("bituminous,110,t,", "bituminous,0.0125,万吨,")
    ledger = read(tmp_path / "a", activity, gap(3))
    assert ledger.substitutions["quantity"].tolist() == [pytest.approx(125, rel=1e-12)]
    assert ledger.substitutions["unit"].tolist() == ["t"]


def test_deductions_and_output_take_the_lowest(tmp_path: Path) -> None:
    rows = {month: 10 + month for month in range(1, 13) if month != 6}
    activity = HEAD + REST + months("sold", "product_output", "bituminous", rows, "t")
    activity += months("steam", "output", "", rows, "GJ")
    ledger = read(tmp_path / "a", activity, gap(6, stream="sold"), gap(6, stream="steam"))
    assert ledger.substitutions["quantity"].tolist() == [11, 11]


def test_highest_year_compares_whole_years_or_months(tmp_path: Path) -> None:
    # 2022 by month adds up to 12 x 50 = 600, 2023 as a whole is 570; 2021 has one month only and is a fault of its own.
    activity = HEAD + REST + year_of("oil", (50,) * 12, 2022)
    activity += f"boiler,2023,oil,,combustion,bituminous,570,t,,{ENDING}\n"
    ledger = read(tmp_path / "a", activity, gap("", "highest_year", "oil"))
    assert ledger.substitutions["quantity"].tolist() == [600]
    # A missing month takes the highest month of the other year: 61.
    activity = HEAD + REST + year_of("oil", tuple(range(50, 62)), 2023)
    activity += months("oil", "combustion", "bituminous", dict.fromkeys(range(2, 13), 20), "t")
    ledger = read(tmp_path / "b", activity, gap(1, "highest_year", "oil"))
    assert ledger.substitutions["quantity"].tolist() == [61]


def test_stated_amount_needs_no_other_row(tmp_path: Path) -> None:
    ledger = read(tmp_path / "a", TABLES["activity"], gap("", "stated", "diesel", "30,t,combustion,diesel"))
    made = ledger.tables["activity"].iloc[-1]
    assert (made["quantity"], made["unit"], made["method"], made["factor"]) == (30, "t", "combustion", "diesel")
    assert made["substituted"]
    assert made["note"] == "scale broke"
    assert math.isnan(made["month"])


def test_measured_terms_follow_the_same_rule(tmp_path: Path) -> None:
    activity = without_months(3).replace("bituminous,110,t,,", "bituminous,110,t,26.5,")
    activity = activity.replace("bituminous,95,t,,", "bituminous,95,t,26,")
    terms = "".join(f"boiler,2024,coal,{month},{term},{value},,{ENDING}\n" for month, term, value in (
        (1, "carbon_content", 25), (2, "carbon_content", 26.5),  # some months: the highest, above the default 26.18
        (1, "biogenic_fraction", 0.3),  # proven for its own month only
        (2, "retention", 0.1),  # lowers emissions and not known for all: left out
    ))  # fmt: skip
    ledger = read(tmp_path / "a", activity, gap(3), terms=TERMS + terms)
    made = ledger.tables["activity"].iloc[-1]
    assert made["net_calorific_value"] == 26.5  # the defaults of the sets go up to 25.8
    assert made["carbon_content"] == 26.5
    assert ledger.substitutions["carbon_content"].tolist() == [26.5]
    assert not (ledger.tables["terms"]["month"] == 3).any()


def test_share_that_lowers_emissions_is_carried_at_its_lowest_if_all_months_have_it(tmp_path: Path) -> None:
    rows = {month: 5 for month in range(1, 13) if month != 3}
    activity = HEAD + REST + months("acid", "process_n2o", "bituminous", rows, "t")
    terms = "".join(f"boiler,2024,acid,{month},abated,{0.8 if month < 9 else 0.7},,{ENDING}\n" for month in rows)
    ledger = read(tmp_path / "a", activity, gap(3, stream="acid"), terms=TERMS + terms)
    assert ledger.tables["terms"].iloc[-1][["month", "term", "value"]].tolist() == [3, "abated", 0.7]
    assert ledger.origins["terms"].place_of(len(ledger.tables["terms"]) - 1)[0].endswith("gaps.csv")


def test_term_of_the_gap_itself_counts_before_the_rule(tmp_path: Path) -> None:
    terms = (
        f"{TERMS}boiler,2024,coal,1,carbon_content,25,,{ENDING}\nboiler,2024,coal,3,carbon_content,33.56,,{ENDING}\n"
    )
    ledger = read(tmp_path / "a", without_months(3), gap(3), terms=terms)
    frame = ledger.tables["terms"]
    assert frame.loc[frame["month"] == 3, "value"].tolist() == [33.56]


@pytest.mark.parametrize(
    ("activity", "row", "column"),
    [
        (TABLES["activity"], gap(3), "stream"),  # the amount is there
        (without_months(*range(3, 13)), "".join(gap(month) for month in range(3, 13)), "rule"),  # two months known
        (without_months(3), gap(3, "highest_year"), "rule"),  # no other year
        (without_months(3), gap(3, "stated"), "quantity"),
        (without_months(3), gap(3, "stated", more="5,,,"), "unit"),
        (without_months(3), gap(3, more="5,t,,"), "quantity"),  # the rule finds the quantity itself
        (TABLES["activity"], gap("", stream="gas"), "method"),  # a stream nobody knows
        (TABLES["activity"], gap("", "highest_month", "gas", ",,combustion,diesel"), "rule"),  # a whole year
    ],
)
def test_gaps_that_cannot_be_filled_name_row_and_column(tmp_path: Path, activity: str, row: str, column: str) -> None:
    issues = [issue for issue in faults(tmp_path / "a", activity, row) if issue.code == "gap"]
    assert {(Path(issue.source).name, issue.column) for issue in issues} == {("gaps.csv", column)}
    assert issues[0].row == 2
    assert all(issue.message_zh for issue in issues)


def test_stream_of_two_factors_needs_the_factor_of_the_gap(tmp_path: Path) -> None:
    activity = without_months(3).replace("coal,1,combustion,bituminous", "coal,1,combustion,anthracite")
    (issue,) = faults(tmp_path / "a", activity, gap(3))
    assert (issue.code, issue.row, issue.column) == ("gap", 2, "factor")
    assert "anthracite" in issue.message
    ledger = read(tmp_path / "b", activity, gap(3, more=",,,anthracite"))
    assert ledger.tables["activity"].iloc[-1]["factor"] == "anthracite"


def test_units_that_do_not_convert_are_refused(tmp_path: Path) -> None:
    activity = without_months(3).replace("bituminous,110,t,", "bituminous,110,GJ,")
    issues = [issue for issue in faults(tmp_path / "a", activity, gap(3)) if issue.code == "gap"]
    assert [(issue.row, issue.column, issue.value) for issue in issues] == [(2, "unit", "GJ")]


def test_reason_is_required(tmp_path: Path) -> None:
    issues = faults(tmp_path / "a", without_months(3), gap(3).replace("scale broke", ""))
    assert ("required", 2, "reason") in [(issue.code, issue.row, issue.column) for issue in issues]
