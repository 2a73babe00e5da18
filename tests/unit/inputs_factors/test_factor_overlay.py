"""A user's own factors: what is refused, what is recorded, and that sets stay apart."""

from pathlib import Path

import pandas as pd
import pytest

from carbonsim.errors import InputError, Issue
from carbonsim.inputs.factor_overlay import overlay, overlay_folder, read_own_factors
from carbonsim.inputs.factor_uncertainty import default_uncertainty
from carbonsim.inputs.factors import Factors, factor_ids, load_factors, packaged_factors, write_factors
from carbonsim.inputs.records import Source

SOURCES = "lab:\n  title: Laboratory report 2025-17\n  read_on: '2026-01-05'\n"
FUELS = "table_set,fuel,name_zh,name_en,state,unit,net_calorific_value,carbon_content,oxidation,source,basis\n"
PROCESS = "table_set,factor,sector,name_zh,name_en,value,unit,gas,quantity,sign,methods,source,basis\n"
DOLOMITE = "cets2024_dolomite,steel,白云石,dolomite,0.471,tCO2/t,CO2,emission_factor,1,carbonate,lab,statistic\n"
COAL = "our_plant,bituminous,烟煤,our coal,solid,t,22.1,26.0,0.98,lab,statistic\n"


def folder(path: Path, sources: str = SOURCES, **tables: str) -> Path:
    path.mkdir(exist_ok=True)
    if sources:
        (path / "sources.yaml").write_text(sources, encoding="utf-8")
    for name, text in tables.items():
        (path / f"{name}.csv").write_text(text, encoding="utf-8")
    return path


def workbook(path: Path, **sheets: list[list[object]]) -> Path:
    with pd.ExcelWriter(path, engine="xlsxwriter") as writer:
        for name, rows in sheets.items():
            pd.DataFrame(rows).to_excel(writer, sheet_name=name, header=False, index=False)
    return path


def laid(path: Path, **tables: str) -> Factors:
    return overlay(packaged_factors(), read_own_factors(folder(path, **tables)))


def refused(path: Path) -> tuple[Issue, ...]:
    with pytest.raises(InputError) as caught:
        overlay(packaged_factors(), read_own_factors(path))
    assert all(issue.message_zh for issue in caught.value.issues)
    return caught.value.issues


def test_every_fault_of_every_table_is_reported_at_once_with_its_place(tmp_path: Path) -> None:
    path = folder(
        tmp_path / "own",
        fuels=FUELS + COAL.replace("22.1", "-22.1") + COAL.replace("bituminous", "lignite").replace("26.0", "many"),
        process=PROCESS
        + "our_plant,flux,steel,熔剂,flux,0.4,tCO2/t,CO2,emission_factor,1,carbonat,hearsay,statistic\n",
    )
    found = {(issue.source, issue.row, issue.column, issue.code) for issue in refused(path)}
    assert found == {
        ("own/fuels.csv", 2, "net_calorific_value", "negative"),
        ("own/fuels.csv", 3, "carbon_content", "not-a-number"),
        ("own/process.csv", 2, "methods", "unknown-choice"),
        ("own/process.csv", 2, "source", "unknown-source"),
    }


def test_a_row_needs_a_source_that_somebody_lists(tmp_path: Path) -> None:
    path = folder(tmp_path / "own", sources="", fuels=FUELS + COAL)
    (issue,) = refused(path)
    assert (issue.code, issue.value) == ("unknown-source", "lab")
    assert read_own_factors(path, {"lab": Source("lab", "from the ledger")}).tables["fuels"].shape[0] == 1
    packaged = folder(tmp_path / "cited", sources="", fuels=FUELS + COAL.replace(",lab,", ",ipcc-2006-v2,"))
    assert "fuels" in read_own_factors(packaged).tables


def test_a_file_that_is_no_factor_table_is_named(tmp_path: Path) -> None:
    (issue,) = refused(folder(tmp_path / "own", fules=FUELS + COAL))
    assert "fules" in issue.source
    assert "fuels" in issue.hint


def test_an_empty_or_absent_path_is_refused(tmp_path: Path) -> None:
    assert refused(folder(tmp_path / "empty", sources=""))[0].code == "factor-file"
    assert refused(tmp_path / "absent")[0].code == "factor-file"


def test_a_workbook_reads_like_a_folder(tmp_path: Path) -> None:
    header, row = FUELS.strip().split(","), list(COAL.strip().split(","))
    row[6:9] = [22.1, 26.0, 0.98]  # type: ignore[list-item]
    sources = [["source", "title", "read_on"], ["lab", "Laboratory report", "2026-01-05"]]
    path = workbook(tmp_path / "own.xlsx", own_fuels=[header, row], sources=sources)
    own = read_own_factors(path)
    from_folder = read_own_factors(folder(tmp_path / "own", fuels=FUELS + COAL))
    columns = header[:9]
    pd.testing.assert_frame_equal(own.tables["fuels"][columns], from_folder.tables["fuels"][columns])
    assert own.sources["lab"].title == "Laboratory report"


def test_a_sheet_of_a_workbook_that_nobody_reads_is_refused(tmp_path: Path) -> None:
    header, row = FUELS.strip().split(","), COAL.strip().replace(",lab,", ",ipcc-2006-v2,").split(",")
    path = workbook(tmp_path / "own.xlsx", fuels=[header, row], gases=[["factor"], ["x"]])
    assert {issue.sheet for issue in refused(path)} == {"gases"}


def test_a_set_of_ones_own_is_added_and_recorded(tmp_path: Path) -> None:
    factors = laid(tmp_path / "own", fuels=FUELS + COAL)
    row = factors.fuels.set_index(["table_set", "fuel"]).loc[("our_plant", "bituminous")]
    assert (row.net_calorific_value, row.carbon_content, row.oxidation) == (22.1, 26.0, 0.98)
    (record,) = factors.overlaid
    assert record.is_added
    assert (record.key, record.source, record.file) == ("our_plant:bituminous", "lab", "own/fuels.csv, row 2")
    # The set of the law is untouched.
    law = factors.fuels.set_index(["table_set", "fuel"]).loc[("cets_steel_2024", "bituminous")]
    assert law.net_calorific_value == 23.736


def test_a_value_of_the_law_may_be_replaced_but_never_silently(tmp_path: Path) -> None:
    row = f"cets_steel_2024,{DOLOMITE}"
    factors = laid(tmp_path / "own", process=PROCESS + row)
    assert factors.process.set_index("factor").value["cets2024_dolomite"] == 0.471
    records = {record.column: record for record in factors.overlaid}
    assert (records["value"].packaged, records["value"].own, records["value"].source) == ("0.476", "0.471", "lab")
    assert (records["methods"].packaged, records["methods"].own) == ("carbonate;material_input", "carbonate")
    assert list(factors.process["factor"]) == list(packaged_factors().process["factor"])  # in its old place


def test_a_row_that_changes_no_value_still_leaves_a_trace(tmp_path: Path) -> None:
    row = "cets_steel_2024,diesel,柴油,diesel,liquid,t,42.652,20.2,0.98,lab,statistic\n"
    (record,) = laid(tmp_path / "own", fuels=FUELS + row).overlaid
    assert (record.column, record.packaged, record.own) == ("source", "cets-ag-03-steel-2024", "lab")


def test_an_id_may_not_move_to_another_set(tmp_path: Path) -> None:
    row = f"our_plant,{DOLOMITE}"
    (issue,) = refused(folder(tmp_path / "own", process=PROCESS + row))
    assert (issue.code, issue.row) == ("other-set", 2)
    assert "cets_steel_2024" in issue.message


def test_a_fuel_keeps_its_unit(tmp_path: Path) -> None:
    row = "our_plant,natural_gas,天然气,gas,gas,t,48,15.3,1,lab,statistic\n"
    (issue,) = refused(folder(tmp_path / "own", fuels=FUELS + row))
    assert (issue.code, issue.value) == ("fuel-unit", "t")


def test_a_gas_without_a_warming_potential_is_refused_unless_the_overlay_brings_it(tmp_path: Path) -> None:
    blends = "blend,gas,mass_share,source,basis\nR-448X,HFC-32,0.6,lab,statistic\nR-448X,HFO-1234yf,0.4,lab,statistic\n"
    (issue,) = refused(folder(tmp_path / "own", blends=blends))
    assert (issue.code, issue.row) == ("unknown-reference", 3)
    gwp = "gas,variant,AR4,AR5,AR6,source,basis\nHFO-1234yf,C3H2F4,4,1,0.501,lab,literature\n"
    assert "R-448X" in factor_ids(laid(tmp_path / "own", blends=blends, gwp=gwp))["refrigerant"]


def test_the_gases_of_a_blend_are_replaced_together(tmp_path: Path) -> None:
    blends = "blend,gas,mass_share,source,basis\nR-410A,HFC-32,1,lab,statistic\n"
    factors = laid(tmp_path / "own", blends=blends)
    rows = factors.blends[factors.blends["blend"] == "R-410A"]
    assert dict(zip(rows["gas"], rows["mass_share"], strict=True)) == {"HFC-32": 1.0}
    changes = {(record.key, record.packaged, record.own) for record in factors.overlaid}
    assert changes == {("R-410A/HFC-32", "0.5", "1"), ("R-410A/HFC-125", "0.5", "0")}


def test_an_uncertainty_of_a_factor_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    text = "table_set,factor,term,half_width,source,basis\nour_plant,bituminous,carbon_content,0.02,lab,statistic\n"
    (issue,) = refused(folder(tmp_path / "own", uncertainties=text))
    assert issue.code == "unknown-reference"
    laid(tmp_path / "own", uncertainties=text, fuels=FUELS + COAL)


def test_a_second_overlay_builds_on_the_first_and_a_written_library_remembers_both(tmp_path: Path) -> None:
    first = laid(tmp_path / "one", fuels=FUELS + COAL)
    second = overlay(first, read_own_factors(folder(tmp_path / "two", fuels=FUELS + COAL.replace("22.1", "22.3"))))
    assert [(record.packaged, record.own) for record in second.overlaid[1:]] == [("22.1", "22.3")]
    assert "own_factors/one/fuels.csv" in second.hashes
    write_factors(second, tmp_path / "written")
    assert load_factors(tmp_path / "written").overlaid == second.overlaid


def test_a_study_without_factors_keeps_the_library(tmp_path: Path) -> None:
    base = packaged_factors()
    assert overlay_folder(base, tmp_path / "factors", {}) is base
    changed = overlay_folder(
        base, folder(tmp_path / "factors", sources="", fuels=FUELS + COAL), {"lab": Source("lab", "x")}
    )
    assert len(changed.fuels) == len(base.fuels) + 1
    assert len(packaged_factors().fuels) == len(base.fuels)


def test_a_published_interval_goes_with_the_value_it_was_published_for(tmp_path: Path) -> None:
    # Table 1.2 is about the 25.8 GJ/t of the guidelines, not about 23.1 of a works; 25.8 tC/TJ stay theirs.
    ours = "ipcc_2006,bituminous,烟煤,our coal,solid,t,23.1,25.8,1,lab,statistic\n"
    intervals = default_uncertainty(laid(tmp_path / "own", fuels=FUELS + ours))
    assert set(intervals.loc[intervals["factor"] == "ipcc_2006:bituminous", "term"]) == {"carbon_content"}
    assert len(intervals) == len(default_uncertainty(packaged_factors())) - 1
    # One's own value with one's own interval.
    width = (
        "table_set,factor,term,half_width,source,basis\nipcc_2006,bituminous,net_calorific_value,0.02,lab,statistic\n"
    )
    both = default_uncertainty(laid(tmp_path / "own", fuels=FUELS + ours, uncertainties=width))
    row = both[(both["factor"] == "ipcc_2006:bituminous") & (both["term"] == "net_calorific_value")]
    assert row["half_width"].tolist() == [0.02]


def test_a_value_of_one_s_own_borrows_no_published_interval(tmp_path: Path) -> None:
    ours = "cets_steel_2024,bituminous,烟煤,our coal,solid,t,23.1,26.18,0.93,lab,statistic\n"
    lent = default_uncertainty(laid(tmp_path / "own", fuels=FUELS + ours), ["cets_steel_2024"])
    assert set(lent.loc[lent["factor"] == "cets_steel_2024:bituminous", "term"]) == {"carbon_content"}


def test_a_value_that_only_changed_its_source_keeps_its_interval(tmp_path: Path) -> None:
    same = "ipcc_2006,bituminous,烟煤,bituminous,solid,t,25.8,25.8,1,lab,statistic\n"
    assert len(default_uncertainty(laid(tmp_path / "own", fuels=FUELS + same))) == len(
        default_uncertainty(packaged_factors())
    )


NEW_ROW = "cets_steel_2024,our_slag,steel,钢渣,slag,0.02,tCO2/t,CO2,emission_factor,{sign},{methods},lab,statistic\n"


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (NEW_ROW.format(sign="-1", methods="product_output"), "sign"),
        (NEW_ROW.format(sign="", methods="product_output"), "methods"),
        (NEW_ROW.format(sign="1", methods="carbonate;deduction"), "methods"),
        ("cets_steel_2024," + DOLOMITE.replace("emission_factor,1,", "emission_factor,-1,"), "sign"),
        ("cets_steel_2024," + DOLOMITE.replace("emission_factor,1,", "emission_factor,,"), "sign"),
        ("cets_steel_2024," + DOLOMITE.replace(",carbonate,", ",carbonate;product_output,"), "methods"),
    ],
)
def test_no_deduction_is_added_to_the_set_of_a_guideline(tmp_path: Path, row: str, column: str) -> None:
    (issue,) = refused(folder(tmp_path / "own", process=PROCESS + row))
    assert (issue.code, issue.column, issue.row) == ("guideline-deduction", column, 2)
    assert "扣减" in issue.message_zh


def test_a_guideline_value_may_be_corrected_and_an_input_added(tmp_path: Path) -> None:
    added = NEW_ROW.format(sign="1", methods="carbonate")
    sold = "cets_steel_2024,cets2024_pig_iron_sold,steel,生铁,pig iron,0.17,tCO2/t,CO2,emission_factor,-1,"
    process = PROCESS + "cets_steel_2024," + DOLOMITE + added + f"{sold}product_output,lab,statistic\n"
    found = laid(tmp_path / "own", process=process)
    keys = {record.key for record in found.overlaid}
    assert keys == {"cets2024_dolomite", "our_slag", "cets2024_pig_iron_sold"}


def test_a_set_of_ones_own_may_subtract(tmp_path: Path) -> None:
    row = NEW_ROW.format(sign="-1", methods="product_output").replace("cets_steel_2024", "our_plant")
    assert len(laid(tmp_path / "own", process=PROCESS + row).overlaid) == 1
