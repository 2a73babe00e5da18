"""Measured terms of a month that is missing: never less careful than what the stream showed, defaults included."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from ledger_builder import ENDING, TABLES, ledger_folder, months

from carbonsim.errors import Issue
from carbonsim.inputs.ledger import Ledger, check_ledger, read_ledger

GAPS = "facility,year,stream,month,rule,quantity,unit,method,factor,reason,basis,source\n"
TERMS = "facility,year,stream,month,term,value,evidence,basis,source\n"
HEAD = TABLES["activity"].splitlines(keepends=True)[0]
REST = "".join(TABLES["activity"].splitlines(keepends=True)[-2:])
KNOWN = tuple(month for month in range(1, 13) if month != 3)


def tables(stream: str, method: str, factor: str, amount: object = 100, unit: str = "t", **more: str) -> dict[str, str]:
    """Eleven months of one stream; March is a gap that takes the highest month."""
    rows = months(stream, method, factor, dict.fromkeys(KNOWN, amount), unit)
    gap = f"boiler,2024,{stream},3,highest_month,,,,,scale broke,{ENDING}\n"
    return {"activity": HEAD + REST + rows, "gaps": GAPS + gap, **more}


def measured(stream: str, term: str, values: dict[int, float]) -> str:
    rows = (f"boiler,2024,{stream},{month},{term},{value},,{ENDING}\n" for month, value in values.items())
    return TERMS + "".join(rows)


def own_heat(given: dict[str, str], values: dict[int, float], stream: str = "coal") -> dict[str, str]:
    """The same tables with a calorific value in the column of activity for some months."""
    lines = given["activity"].splitlines(keepends=True)
    for place, line in enumerate(lines):
        cells = line.split(",")
        if cells[2] == stream and int(cells[3]) in values:
            cells[8] = f"{values[int(cells[3])]:g}"
            lines[place] = ",".join(cells)
    return {**given, "activity": "".join(lines)}


def march(ledger: Ledger, term: str) -> float | None:
    """The value of a term that the gap row was given, wherever it stands."""
    made = ledger.tables["activity"].query("substituted").iloc[0]
    if term in made.index and not math.isnan(made[term]):
        return float(made[term])
    rows = ledger.tables["terms"].query("month == 3 and term == @term")
    return float(rows["value"].iloc[0]) if len(rows) else None


def refused(folder: Path, given: dict[str, str]) -> Issue:
    (issue,) = [issue for issue in check_ledger(ledger_folder(folder, **given)) if issue.severity == "error"]
    return issue


def read(folder: Path, given: dict[str, str]) -> Ledger:
    return read_ledger(ledger_folder(folder, **given))


def test_low_value_of_one_month_does_not_stand_in_for_months_at_the_default(tmp_path: Path) -> None:
    # January 20; the default of every set for bituminous coal is above: 23.204, 23.736, 25.8. The default is careful.
    given = own_heat(tables("coal", "combustion", "bituminous"), {1: 20})
    assert march(read(tmp_path / "a", given), "net_calorific_value") is None


def test_high_value_of_one_month_is_taken_where_it_is_above_every_default(tmp_path: Path) -> None:
    given = own_heat(tables("coal", "combustion", "bituminous"), {1: 27})
    assert march(read(tmp_path / "a", given), "net_calorific_value") == 27


def test_value_between_the_defaults_of_the_sets_has_to_be_stated(tmp_path: Path) -> None:
    # 24.5 is above 23.204 and 23.736 and below 25.8: which default the other months take is the sector's matter.
    given = own_heat(tables("coal", "combustion", "bituminous"), {1: 24.5})
    issue = refused(tmp_path / "a", given)
    assert (issue.code, issue.row, Path(issue.source).name) == ("gap", 2, "gaps.csv")
    for text in ("net_calorific_value", "1 of 11", "23.204", "25.8"):
        assert text in issue.message
    assert "terms" in issue.hint
    assert issue.message_zh
    assert issue.hint_zh
    stated = {**given, "terms": measured("coal", "net_calorific_value", {3: 24.5})}
    assert march(read(tmp_path / "b", stated), "net_calorific_value") == 24.5


def test_set_named_in_the_row_decides_its_default(tmp_path: Path) -> None:
    # ipcc_2006 has 25.8 for it: 24.5 is below, 26 above.
    given = tables("coal", "combustion", "ipcc_2006:bituminous")
    assert march(read(tmp_path / "a", own_heat(given, {1: 24.5})), "net_calorific_value") is None
    assert march(read(tmp_path / "b", own_heat(given, {1: 26})), "net_calorific_value") == 26


def test_value_of_every_month_is_carried_below_the_default_too(tmp_path: Path) -> None:
    given = own_heat(tables("coal", "combustion", "bituminous"), dict.fromkeys(KNOWN, 20.0) | {7: 21.0})
    assert march(read(tmp_path / "a", given), "net_calorific_value") == 21


def test_month_in_which_nothing_was_used_needs_no_measurement(tmp_path: Path) -> None:
    given = own_heat(tables("coal", "combustion", "bituminous"), {month: 20.0 for month in KNOWN if month != 7})
    given["activity"] = given["activity"].replace(
        "coal,7,combustion,bituminous,100,", "coal,7,combustion,bituminous,0,"
    )
    assert march(read(tmp_path / "a", given), "net_calorific_value") == 20


def test_columns_and_terms_are_one_measurement(tmp_path: Path) -> None:
    # January in the column, the others in terms: all months are measured, the highest is 21.
    given = own_heat(tables("coal", "combustion", "bituminous"), {1: 21})
    given["terms"] = measured("coal", "net_calorific_value", {month: 20 for month in KNOWN if month != 1})
    assert march(read(tmp_path / "a", given), "net_calorific_value") == 21


@pytest.mark.parametrize(
    ("stream", "method", "factor", "term", "values", "careful"),
    [
        # A share that multiplies stands at 1 where it is not measured.
        ("stone", "carbonate", "ipcc_caco3", "content", {1: 0.5}, None),
        ("stone", "carbonate", "ipcc_caco3", "conversion", {1: 0.9}, None),
        ("stone", "carbonate", "ipcc_caco3", "content", dict.fromkeys(KNOWN, 0.5) | {2: 0.6}, 0.6),
        # The table has 0.43971 t/t for limestone.
        ("stone", "carbonate", "ipcc_caco3", "emission_factor", {1: 0.42}, None),
        ("stone", "carbonate", "ipcc_caco3", "emission_factor", {1: 0.45}, 0.45),
        # 13.9 kg/t in the table is 0.0139 t/t.
        ("acid", "process_n2o", "nitric_high", "emission_factor", {1: 0.012}, None),
        ("acid", "process_n2o", "nitric_high", "emission_factor", {1: 0.015}, 0.015),
        # Nothing is abated where it was not measured.
        ("acid", "process_n2o", "nitric_high", "abated", {1: 0.8}, None),
        # A divisor stands at 1 where it is not measured: 0.95 raises emissions.
        ("effects", "pfc_slope", "", "duct_efficiency", {1: 0.95}, 0.95),
        # The deducted slag has 0.215: a lower one is careful, a higher one is not.
        ("slag", "deduction", "cets2024_deduct_steel_slag", "emission_factor", {1: 0.2}, 0.2),
        ("slag", "deduction", "cets2024_deduct_steel_slag", "emission_factor", {1: 0.23}, None),
        # The cokes are 28.2 to 28.446 GJ/t: sold coke is deducted, so the lowest counts.
        ("coke", "product_output", "coke", "net_calorific_value", {1: 27}, 27),
        ("coke", "product_output", "coke", "net_calorific_value", {1: 29}, None),
        # What has no default is measured wherever it is used: the extreme of what is there.
        ("chillers", "refrigerant", "R-410A", "leak_rate", {1: 0.1, 2: 0.2}, 0.2),
        # Anodes at 0.411 t/t; sulphur and ash at 0.02 and 0.004 are taken off.
        ("anodes", "anode", "", "anode_consumption", {1: 0.4}, None),
        ("anodes", "anode", "", "anode_consumption", {1: 0.42}, 0.42),
        ("anodes", "anode", "", "sulphur", {1: 0.003}, 0.003),
        ("anodes", "anode", "", "sulphur", {1: 0.03}, None),
        # All sulphur leaves where no group of pollutant factors says otherwise.
        ("coal", "combustion", "bituminous", "retention", {1: 0.3}, None),
        # Carbide holds 0.314 tC/t.
        ("carbide", "product_output", "carbide_carbon", "carbon_fraction", {1: 0.3}, 0.3),
        ("carbide", "product_output", "carbide_carbon", "carbon_fraction", {1: 0.35}, None),
    ],
)  # fmt: skip
def test_careful_value_counts_the_default_of_months_without_one(
    tmp_path: Path, stream: str, method: str, factor: str, term: str, values: dict[int, float], careful: float | None
) -> None:
    given = tables(stream, method, factor, terms=measured(stream, term, values))
    assert march(read(tmp_path / "a", given), term) == careful


def test_purchased_power_with_some_measured_factors_is_compared_with_the_grid(tmp_path: Path) -> None:
    # The national factor of 2023 is 0.5306 tCO2/MWh.
    given = tables("import", "electricity_purchased", "grid_2023_china", unit="MWh")
    low, high = (measured("import", "grid_factor", {1: value}) for value in (0.2, 0.7))
    assert march(read(tmp_path / "a", {**given, "terms": low}), "grid_factor") is None
    assert march(read(tmp_path / "b", {**given, "terms": high}), "grid_factor") == 0.7


def test_carbon_fraction_beside_measured_heat_has_to_be_stated(tmp_path: Path) -> None:
    given = own_heat(tables("coke", "product_output", "coke"), {2: 28}, "coke")
    given["terms"] = measured("coke", "carbon_fraction", {1: 0.8})
    issue = refused(tmp_path / "a", given)
    assert "carbon_fraction" in issue.message


def test_amount_stated_below_the_other_months_is_a_warning(tmp_path: Path) -> None:
    def given(quantity: str, unit: str, method: str = "combustion") -> dict[str, str]:
        made = tables("coal", method, "coke")
        return {**made, "gaps": GAPS + f"boiler,2024,coal,3,stated,{quantity},{unit},,,no scale,{ENDING}\n"}

    ledger = read(tmp_path / "a", given("0.05", "kt"))  # 50 t beside months of 100 t
    (issue,) = ledger.warnings
    assert (issue.code, issue.severity, issue.row, issue.column) == ("less-careful", "warning", 2, "quantity")
    assert "0.1 kt" in issue.message
    assert "0.1 kt" in issue.message_zh
    assert read(tmp_path / "b", given("0.1", "kt")).warnings == ()
    # What is deducted is careful where it is low.
    assert read(tmp_path / "c", given("50", "t", "product_output")).warnings == ()
    (issue,) = read(tmp_path / "d", given("150", "t", "product_output")).warnings
    assert issue.code == "less-careful"


def test_whole_year_stated_below_another_year_is_a_warning(tmp_path: Path) -> None:
    known = months("coal", "combustion", "bituminous", dict.fromkeys(range(1, 13), 10), "t", 2023)
    for quantity, codes in ((119, ["less-careful"]), (120, [])):
        gap = f"boiler,2024,coal,,stated,{quantity},t,,,no scale,{ENDING}\n"
        ledger = read(tmp_path / str(quantity), {"activity": HEAD + REST + known, "gaps": GAPS + gap})
        assert [issue.code for issue in ledger.warnings] == codes


@pytest.mark.parametrize(("missing", "codes"), [((3, 4, 5), []), ((3, 4, 5, 6), ["many-gaps"])])
def test_more_than_three_missing_months_are_a_warning(
    tmp_path: Path, missing: tuple[int, ...], codes: list[str]
) -> None:
    rows = {month: 100 for month in range(1, 13) if month not in missing}
    gaps = "".join(f"boiler,2024,coal,{month},highest_month,,,,,lost,{ENDING}\n" for month in missing)
    activity = HEAD + REST + months("coal", "combustion", "bituminous", rows, "t")
    ledger = read(tmp_path / "a", {"activity": activity, "gaps": GAPS + gaps})
    assert [issue.code for issue in ledger.warnings] == codes
    for issue in ledger.warnings:
        assert (issue.severity, issue.row) == ("warning", 2)
        assert "4 of 12" in issue.message
        assert "4" in issue.message_zh
