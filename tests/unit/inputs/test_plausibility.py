"""Measured values that no fuel has: refused with the unit they were probably given in; arithmetic by hand."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from ledger_builder import ENDING, TABLES, ledger_folder, ledger_workbook, months, with_rows

from carbonsim.errors import Issue
from carbonsim.inputs.ledger import check_ledger
from carbonsim.inputs.paths import scenarios_folder
from carbonsim.inputs.study import check_scenario

TERMS = "facility,year,stream,month,term,value,evidence,basis,source\n"
FUELS = (
    "table_set,fuel,name_zh,name_en,state,unit,net_calorific_value,carbon_content,oxidation,source,where,confidence,"
    "basis,note\n"
)


def one_row(factor: str, unit: str, heat: str = "", method: str = "combustion") -> str:
    return with_rows("activity", f"boiler,2024,extra,,{method},{factor},5,{unit},{heat},{ENDING}\n")


def judged(folder: Path, **tables: str) -> list[Issue]:
    return check_ledger(ledger_folder(folder, **tables))


@pytest.mark.parametrize(
    ("factor", "unit", "value", "words"),
    [
        ("bituminous", "t", 23200, ("kJ/kg", "23.2")),
        ("bituminous", "t", 5500, ("kcal/kg", "23.03")),  # 5500 x 4.1868e-3 = 23.027
        ("bituminous", "t", 0.7143, ("tce/t", "20.93")),  # 0.7143 x 29.3076 = 20.934
        ("bituminous", "t", 0.0232, ("TJ/t", "23.2")),
        ("natural_gas", "1e4_Nm3", 38.9, ("MJ/Nm3", "389")),
        ("natural_gas", "1e4_Nm3", 38931, ("kJ/Nm3", "389.3")),
        ("natural_gas", "1e4_Nm3", 9310, ("kcal/Nm3", "389.8")),  # 9310 x 0.041868 = 389.79
        ("bf_gas", "1e4_Nm3", 3300, ("kJ/Nm3", "33")),
    ],
)
def test_calorific_value_far_from_every_table_is_refused(
    tmp_path: Path, factor: str, unit: str, value: float, words: tuple[str, ...]
) -> None:
    (issue,) = judged(tmp_path / "a", activity=one_row(factor, unit, str(value)))
    assert (issue.code, issue.severity, issue.row, issue.column) == ("implausible", "error", 16, "net_calorific_value")
    assert f"{value:g}" in issue.message
    for word in words:
        assert word in issue.hint
        assert word in issue.hint_zh


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.02618, ("tC/GJ", "26.18")),
        (26180, ("kgC/TJ", "26.18")),
        (0.096, ("tCO2/GJ", "26.18")),  # 0.096 x 12/44 x 1000 = 26.18
        (0.6, ("tC/t",)),  # 0.6 tC/t over 23.2 GJ/t
    ],
)
def test_carbon_content_far_from_every_table_is_refused(tmp_path: Path, value: float, words: tuple[str, ...]) -> None:
    text = f"{TERMS}boiler,2024,extra,,carbon_content,{value},,{ENDING}\n"
    (issue,) = judged(tmp_path / "a", activity=one_row("bituminous", "t"), terms=text)
    assert (issue.code, issue.severity, issue.column) == ("implausible", "error", "value")
    assert Path(issue.source).name == "terms.csv"
    for word in words:
        assert word in issue.hint
        assert word in issue.hint_zh


def test_emission_factor_in_kilograms_is_refused(tmp_path: Path) -> None:
    # The table has 13.9 kg/t, which is 0.0139 t/t.
    activity = one_row("nitric_high", "t", method="process_n2o")
    text = f"{TERMS}boiler,2024,extra,,emission_factor,9,,{ENDING}\n"
    (issue,) = judged(tmp_path / "a", activity=activity, terms=text)
    assert (issue.code, issue.severity) == ("implausible", "error")
    assert "0.0139" in issue.message
    assert "kg/t" in issue.hint
    assert "0.009" in issue.hint
    # A plant with a catalyst may emit a tenth: known to happen, but worth a look.
    (issue,) = judged(tmp_path / "b", activity=activity, terms=text.replace(",9,", ",0.0014,"))
    assert (issue.code, issue.severity) == ("implausible", "warning")
    assert judged(tmp_path / "c", activity=activity, terms=text.replace(",9,", ",0.009,")) == []


def test_value_twice_to_five_times_the_table_is_a_warning_once_a_stream(tmp_path: Path) -> None:
    # 9 GJ/t is 23.204 / 9 = 2.58 times too low; 12 is within a factor of two of 23.204.
    head = TABLES["activity"].splitlines(keepends=True)[0]
    rest = "".join(TABLES["activity"].splitlines(keepends=True)[-2:])
    rows = months("coal", "combustion", "bituminous", dict.fromkeys(range(1, 13), 100), "t")
    activity = head + rest + rows.replace(",t,,", ",t,9,")
    (issue,) = judged(tmp_path / "a", activity=activity)
    assert (issue.code, issue.severity, issue.row) == ("implausible", "warning", 4)
    assert "11 more rows" in issue.message
    assert "11" in issue.message_zh
    assert judged(tmp_path / "b", activity=head + rest + rows.replace(",t,,", ",t,12,")) == []


def test_yearly_term_is_reported_once_though_it_reaches_twelve_months(tmp_path: Path) -> None:
    text = f"{TERMS}boiler,2024,coal,,carbon_content,0.02618,,{ENDING}\n"
    (issue,) = judged(tmp_path / "a", terms=text)
    assert (issue.code, issue.row) == ("implausible", 2)


def test_idle_month_may_have_a_zero(tmp_path: Path) -> None:
    activity = TABLES["activity"].replace("coal,3,combustion,bituminous,90,t,,", "coal,3,combustion,bituminous,0,t,0,")
    assert judged(tmp_path / "a", activity=activity) == []


@pytest.mark.parametrize(
    ("unit", "heat", "carbon", "column"),
    [
        ("t", 21000, 26, "net_calorific_value"),
        ("t", 0.05, 26, "net_calorific_value"),
        ("1e4_Nm3", 5, 26, "net_calorific_value"),
        ("t", 21, 0.026, "carbon_content"),
        ("t", 21, 130, "carbon_content"),
        ("t", 0.2, 119, ""),
        ("1e4_Nm3", 1400, 6, ""),
    ],
)
def test_new_fuel_of_the_ledger_stays_within_what_burns(
    tmp_path: Path, unit: str, heat: float, carbon: float, column: str
) -> None:
    row = f"works_2024,own_mix,自有混合燃料,Own mix,solid,{unit},{heat},{carbon},0.98,meter,,measured,statistic,\n"
    activity = one_row("works_2024:own_mix", unit)
    issues = check_ledger(ledger_workbook(tmp_path / "a.xlsx", activity=activity, own_fuels=FUELS + row))
    assert [(issue.code, issue.sheet, issue.row, issue.column) for issue in issues] == (
        [("implausible", "own_fuels", 2, column)] if column else []
    )


def test_replaced_fuel_is_compared_with_the_packaged_one(tmp_path: Path) -> None:
    row = "cets_steel_2024,bituminous,烟煤,Coal,solid,t,5500,26,0.98,meter,,measured,statistic,\n"
    (issue,) = check_ledger(ledger_workbook(tmp_path / "a.xlsx", own_fuels=FUELS + row))
    assert (issue.code, issue.sheet, issue.column) == ("implausible", "own_fuels", "net_calorific_value")
    assert "kcal/kg" in issue.hint


def test_study_is_judged_alike(tmp_path: Path) -> None:
    study = tmp_path / "town"
    shutil.copytree(scenarios_folder() / "panzhihua", study)
    path = study / "tables" / "activity.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    names = lines[0].strip().split(",")
    place = next(place for place, line in enumerate(lines) if ",combustion,bituminous," in line)
    cells = lines[place].split(",")
    cells[names.index("net_calorific_value")] = "23200"
    path.write_text("".join([*lines[:place], ",".join(cells), *lines[place + 1 :]]), encoding="utf-8")
    issues = [issue for issue in check_scenario(study) if issue.code == "implausible"]
    assert [(issue.severity, issue.row, issue.column) for issue in issues] == [
        ("error", place + 1, "net_calorific_value")
    ]
