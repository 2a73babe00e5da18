"""The packaged factor tables against the printed sources, and the loader's refusals."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from carbonsim.errors import InputError
from carbonsim.inputs.columns import METHODS
from carbonsim.inputs.factor_checks import reference_faults
from carbonsim.inputs.factor_columns import FACTOR_TABLES
from carbonsim.inputs.factor_search import packaged_sources
from carbonsim.inputs.factors import factor_ids, load_factors, methods_of, packaged_factors, write_factors
from carbonsim.inputs.paths import scenarios_folder
from carbonsim.inputs.table_checks import Origin

FOLDER = scenarios_folder() / "parameters" / "china" / "factors"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER, tmp_path / "factors"))


@pytest.mark.parametrize(
    ("fuel", "calorific", "carbon", "oxidation"),
    [("coke", 28.435, 29.42, 0.99), ("bf_gas", 33.0, 70.8, 0.99), ("diesel", 42.652, 20.2, 0.98)],
)
def test_steel_fuels_are_those_of_table_a1(fuel: str, calorific: float, carbon: float, oxidation: float) -> None:
    table = packaged_factors().fuels.set_index(["table_set", "fuel"]).loc[("cets_steel_2024", fuel)]
    assert (table.net_calorific_value, table.carbon_content, table.oxidation) == (calorific, carbon, oxidation)


@pytest.mark.parametrize(
    ("factor", "value"),
    [
        ("cets2024_limestone", 0.44), ("cets2024_dolomite", 0.476), ("cets2024_crude_steel_out", 0.037),
        ("cets2024_clinker_portland", 0.535), ("cets2024_deduct_vanadium_titanium_slag", 0.305),
        ("cets2024_anode_net", 0.411), ("cets2024_anode_s", 0.02), ("cets2024_anode_ash", 0.004),
    ],
)  # fmt: skip
def test_process_factors_are_the_printed_ones(factor: str, value: float) -> None:
    assert packaged_factors().process.set_index("factor").value[factor] == value


def test_grid_factor_of_sichuan_2023() -> None:
    assert packaged_factors().grid.set_index("factor").value["grid_2023_sichuan"] == 0.1564


def test_no_fuel_is_twice_in_one_set_and_sets_stay_apart() -> None:
    factors = packaged_factors()
    assert not factors.fuels.duplicated(["table_set", "fuel"]).any()
    assert "legacy_sector_guides" in set(factors.fuels["table_set"])


def test_drop_downs_offer_no_factor_without_a_value_and_no_draft() -> None:
    ids = {name for names in factor_ids(packaged_factors()).values() for name in names}
    assert not ids & {"sulfate_tio2", "v_products", "draft2024_anode_intensity"}


def test_a_missing_file_is_named(copy: Path) -> None:
    (copy / "gwp.csv").unlink()
    with pytest.raises(InputError, match=r"gwp\.csv"):
        load_factors(copy)


def test_bad_cells_are_all_reported_with_row_and_column(copy: Path) -> None:
    path = copy / "fuels.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[1] = lines[1].replace("25.024", "-25.024")
    lines[2] = lines[2].replace("23.736", "many")
    lines.append(lines[3])
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_factors(copy)
    found = {(issue.row, issue.column) for issue in caught.value.issues}
    # A row that repeats another in every cell is a fault of the row, not of a column.
    assert found == {(2, "net_calorific_value"), (3, "net_calorific_value"), (len(lines), "")}


def test_an_unknown_column_is_named(copy: Path) -> None:
    path = copy / "grid.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("value", "valeu", 1), encoding="utf-8")
    with pytest.raises(InputError, match="valeu"):
        load_factors(copy)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {path}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("table", "old", "new", "code"),
    [
        ("process", "carbonate;material_input", "carbonat", "unknown-choice"),
        ("process", "tCO2/t_clinker", "tCO2/barrel", "unknown-unit"),
        ("process", "emission_factor,1", "emission_factor,2", "out-of-bounds"),
        ("blends", "R-404A,HFC-125,0.44", "R-404A,HFC-125,0.4", "blend-shares"),
        ("combustion_gases", "CH4,1,kg/TJ", "CH4,1,g/GJ", "unknown-choice"),
        ("combustion_gases", "CH4,1,kg/TJ", "SF6,1,kg/TJ", "unknown-choice"),
        ("uncertainties", "net_calorific_value,21.6,32.2", "net_calorific_value,32.2,21.6", "uncertainty-bounds"),
        ("uncertainties", "net_calorific_value,21.6,32.2", "net_calorific_value,,32.2", "uncertainty-bounds"),
        ("fuels", "27.49,0.99", "27.49,1.99", "out-of-bounds"),
        ("grid", "average,mee", "typical,mee", "unknown-choice"),
    ],
)
def test_each_kind_of_fault_is_refused_in_both_languages(copy: Path, table: str, old: str, new: str, code: str) -> None:
    edit(copy / f"{table}.csv", old, new)
    with pytest.raises(InputError) as caught:
        load_factors(copy)
    (issue,) = caught.value.issues
    assert (issue.code, Path(issue.source).name) == (code, f"{table}.csv")
    assert issue.row is not None
    assert issue.message_zh


def test_a_source_that_is_listed_nowhere_is_refused_where_sources_are_known(copy: Path) -> None:
    load_factors(copy, packaged_sources())
    edit(copy / "blends.csv", "ashrae-34", "hearsay")
    with pytest.raises(InputError, match="hearsay"):
        load_factors(copy, packaged_sources())


def test_a_library_that_is_written_reads_back_to_the_same_digits(tmp_path: Path) -> None:
    factors = packaged_factors()
    hashes = write_factors(factors, tmp_path / "factors")
    again = load_factors(tmp_path / "factors")
    assert again.hashes == hashes
    for name, frame in factors.tables().items():
        pd.testing.assert_frame_equal(again.table(name), frame, check_exact=True)


def test_every_gas_and_factor_that_a_row_names_is_in_the_library() -> None:
    tables = packaged_factors().tables()
    for name, frame in tables.items():
        origin = Origin(name, "", tuple(range(2, len(frame) + 2)))
        assert reference_faults(tables, name, frame, origin) == []


def test_a_fuel_is_counted_in_one_unit_in_every_set() -> None:
    # Rows of activity name a fuel without its set, so its unit may not depend on the set.
    assert packaged_factors().fuels.groupby("fuel")["unit"].nunique().max() == 1


def test_recalled_values_are_assumptions() -> None:
    for name, frame in packaged_factors().tables().items():
        recalled = frame[frame["confidence"] == "memory"]
        assert set(recalled["basis"]) <= {"assumption"}, name


def test_drop_downs_offer_what_a_row_names_and_not_its_companions() -> None:
    ids = factor_ids(packaged_factors())
    assert set(ids) <= set(METHODS)
    assert ids["anode"] == ("cets2024_anode_net",)
    assert set(ids["pfc_slope"]) == {
        "cets2024_cf4_slope", "ipcc_cwpb_slope", "ipcc_swpb_slope", "ipcc_vss_slope", "ipcc_hss_slope",
    }  # fmt: skip
    assert ids["pfc_overvoltage"] == ("ipcc_cwpb_overvoltage", "ipcc_swpb_overvoltage")
    assert "ipcc_wastewater_b0" not in ids["wastewater"]
    assert {"R-410A", "HFC-134a", "SF6"} <= set(ids["refrigerant"])


def test_a_factor_says_which_methods_may_use_it() -> None:
    factors = packaged_factors()
    assert methods_of(factors, "process", "ipcc_adipic") == ("process_n2o",)
    assert methods_of(factors, "process", "draft2024_anode_intensity") == ()
    assert methods_of(factors, "grid", "grid_2023_china") == ("electricity_purchased", "electricity_exported")


@pytest.mark.parametrize(
    ("table", "key", "column", "value"),
    [
        # 2006 IPCC Guidelines, volume 2, tables 1.2 and 1.3
        ("fuels", ("ipcc_2006", "diesel"), "net_calorific_value", 43.0),
        ("fuels", ("ipcc_2006", "anthracite"), "net_calorific_value", 26.7),
        ("fuels", ("ipcc_2006", "bf_gas_mass"), "carbon_content", 70.8),
        ("fuels", ("ipcc_2006", "natural_gas_mass"), "carbon_content", 15.3),
        # volume 3, table 4.16
        ("process", ("ipcc_cwpb_slope",), "value", 0.143),
        ("process", ("ipcc_hss_c2f6_ratio",), "value", 0.085),
        # worksheet 8 of the aluminium industry
        ("process", ("ipcc_swpb_overvoltage",), "value", 3.65),
        # volume 3, table 4.5; volume 5, section 6.2.3.2
        ("process", ("ipcc_ferrosilicon_75",), "value", 4.0),
        ("process", ("ipcc_wastewater_b0",), "value", 0.25),
        # 18 m3/t x 0.67 kg/m3
        ("process", ("ipcc_mine_underground",), "value", 12.06),
        # ASHRAE 34: R-32/125/134a (23/25/52)
        ("blends", ("R-407C", "HFC-134a"), "mass_share", 0.52),
    ],
)
def test_added_values_are_those_of_their_sources(table: str, key: tuple[str, ...], column: str, value: float) -> None:
    frame = packaged_factors().table(table).set_index(list(FACTOR_TABLES[table].key))
    assert frame.loc[key if len(key) > 1 else key[0], column] == value
