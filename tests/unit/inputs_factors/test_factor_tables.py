"""The packaged factor tables against the printed sources, and the loader's refusals."""

import shutil
from pathlib import Path

import pytest

from carbonsim.errors import InputError
from carbonsim.inputs.factors import factor_ids, load_factors, packaged_factors
from carbonsim.inputs.paths import scenarios_folder

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
    assert found == {(2, "net_calorific_value"), (3, "net_calorific_value"), (len(lines), "fuel")}


def test_an_unknown_column_is_named(copy: Path) -> None:
    path = copy / "grid.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("value", "valeu", 1), encoding="utf-8")
    with pytest.raises(InputError, match="valeu"):
        load_factors(copy)
