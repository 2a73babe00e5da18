"""Finding factors by words, seeing what differs between two libraries, and published uncertainties."""

import dataclasses
from pathlib import Path

import pandas as pd
import pytest

from carbonsim.errors import InputError
from carbonsim.inputs.factor_search import diff_factors, find_entries, open_factors, search_factors
from carbonsim.inputs.factor_uncertainty import default_uncertainty
from carbonsim.inputs.factors import Factors, packaged_factors, write_factors


def changed(factors: Factors, table: str, factor: str, **cells: object) -> Factors:
    frame = factors.table(table).copy()
    for column, cell in cells.items():
        frame.loc[frame["factor"] == factor, column] = cell
    return dataclasses.replace(factors, **{table: frame})


def test_words_in_either_language_find_a_factor() -> None:
    factors = packaged_factors()
    by_zh = set(search_factors(factors, "烟煤", table="fuels")["key"])
    assert by_zh == {"cets_steel_2024:anthracite", "legacy_sector_guides:anthracite", "ipcc_2006:anthracite"} | {
        f"{name}:bituminous" for name in ("cets_steel_2024", "legacy_sector_guides", "ipcc_2006")
    } | {"ipcc_2006:sub_bituminous"}
    assert list(search_factors(factors, "STEEL slag", table="process")["key"]) == ["cets2024_deduct_steel_slag"]
    assert search_factors(factors, "no such thing").empty


def test_year_table_and_set_narrow_a_search() -> None:
    factors = packaged_factors()
    assert list(search_factors(factors, "Beijing", year=2022)["key"]) == ["grid_2022_beijing"]
    assert set(search_factors(factors, table_set="cets_power_2022")["table"]) == {"fuels"}


@pytest.mark.parametrize("choice", [{"table": "fules"}, {"table_set": "ipcc2006"}])
def test_an_unknown_table_or_set_is_refused(choice: dict[str, str]) -> None:
    with pytest.raises(InputError, match="Did you mean"):
        search_factors(packaged_factors(), **choice)  # type: ignore[arg-type]


def test_an_id_finds_its_row_and_a_fuel_every_set() -> None:
    factors = packaged_factors()
    assert [entry.key for entry in find_entries(factors, "ipcc_2006:coke")] == ["ipcc_2006:coke"]
    assert len(find_entries(factors, "coke")) == 3
    assert [entry.key for entry in find_entries(factors, "R-507A")] == ["R-507A/HFC-125", "R-507A/HFC-143a"]
    with pytest.raises(InputError, match="Did you mean 'cets2024_dolomite'"):
        find_entries(factors, "cets2024_dolomit")


def test_a_difference_names_table_key_column_and_both_values() -> None:
    factors = packaged_factors()
    other = changed(factors, "process", "cets2024_dolomite", value=0.471, note="older")
    frame = diff_factors(factors, other).set_index("column")
    assert set(frame.index) == {"value", "note"}
    assert tuple(frame.loc["value", ["table", "key", "this", "other"]]) == (
        "process", "cets2024_dolomite", "0.476", "0.471",
    )  # fmt: skip
    # 0.471 / 0.476 - 1
    assert frame.loc["value", "relative_change"] == pytest.approx(-0.010504201680672, rel=1e-9)
    assert pd.isna(frame.loc["note", "relative_change"])


def test_a_row_of_one_side_only_is_added_or_removed() -> None:
    factors = packaged_factors()
    fewer = dataclasses.replace(factors, gwp=factors.gwp[factors.gwp["gas"] != "SF6"].reset_index(drop=True))
    assert list(diff_factors(factors, fewer)["change"]) == ["removed"]
    assert list(diff_factors(fewer, factors)["change"]) == ["added"]


def test_a_value_that_appears_is_no_relative_change() -> None:
    factors = packaged_factors()
    other = changed(factors, "process", "sulfate_tio2", value=0.5)
    row = diff_factors(factors, other).iloc[0]
    assert (row["this"], row["other"]) == ("", "0.5")
    assert pd.isna(row["relative_change"])


def test_a_library_opens_by_name_run_folder_or_own_file(tmp_path: Path) -> None:
    factors = packaged_factors()
    assert open_factors("packaged")[0] is factors
    write_factors(factors, tmp_path / "run" / "inputs" / "factors")
    assert diff_factors(open_factors(str(tmp_path / "run"))[0], factors).empty
    own = tmp_path / "own"
    own.mkdir()
    (own / "gwp.csv").write_text("gas,variant,AR6,source,basis\nSF6,SF6,24300,gwp-compilation,literature\n", "utf-8")
    frame = diff_factors(factors, open_factors(str(own))[0])
    assert frame.set_index("column").loc["AR6", "other"] == "24300"
    with pytest.raises(InputError, match="does not exist"):
        open_factors(str(tmp_path / "nowhere"))


def test_published_bounds_become_a_half_width() -> None:
    table = default_uncertainty(packaged_factors()).set_index(["factor", "term"])
    # Gas/diesel oil: 43.0 between 41.4 and 43.3 GJ/t, so 1.6/43.0
    assert table.loc[("ipcc_2006:diesel", "net_calorific_value"), "half_width"] == pytest.approx(1.6 / 43, rel=1e-12)
    # Slope of centre-worked prebake cells: 6 per cent, printed as such
    assert table.loc[("ipcc_cwpb_slope", "slope"), "half_width"] == 0.06
    # Coal in energy industries: 1 kg/TJ between 0.3 and 3, lognormal and so lopsided by itself: half of 2.7
    assert table.loc[("ipcc2006_coal_energy/CH4", "gas_factor"), "half_width"] == pytest.approx(1.35, rel=1e-12)
    assert table.loc[("ipcc2006_coal_energy/CH4", "gas_factor"), "distribution"] == "lognormal"
    assert (table["half_width"] > 0).all()


def test_another_set_may_borrow_uncertainties_as_an_assumption() -> None:
    factors = packaged_factors()
    plain, more = default_uncertainty(factors), default_uncertainty(factors, ["cets_steel_2024"])
    borrowed = more.iloc[len(plain) :].set_index(["factor", "term"])
    row = borrowed.loc[("cets_steel_2024:diesel", "carbon_content")]
    assert (row["basis"], row["half_width"]) == ("assumption", pytest.approx(0.4 / 20.2, rel=1e-12))
    assert "ipcc_2006:diesel" in row["note"]
    assert not plain["factor"].str.startswith("cets_steel_2024").any()


def test_a_set_with_nothing_to_borrow_is_refused() -> None:
    with pytest.raises(InputError, match="no_such_set"):
        default_uncertainty(packaged_factors(), ["no_such_set"])


def test_bounds_around_a_missing_value_are_refused() -> None:
    factors = packaged_factors()
    frame = factors.fuels.copy()
    frame.loc[frame["table_set"].eq("ipcc_2006") & frame["fuel"].eq("coke"), "carbon_content"] = float("nan")
    with pytest.raises(InputError, match="ipcc_2006:coke"):
        default_uncertainty(dataclasses.replace(factors, fuels=frame))
