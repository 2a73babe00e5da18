"""A study's own factors: read from its folder ``factors/``, named in its hashes, part of what it is."""

from __future__ import annotations

from pathlib import Path

from inputs_builder import replace, write_study

from carbonsim.inputs import check_scenario, read_scenario

FUELS = (
    "table_set,fuel,name_zh,name_en,state,unit,net_calorific_value,carbon_content,oxidation,source,where,confidence,"
    "basis,note\nown_2024,gangue_mix,混煤矸石,Gangue mix,solid,t,9,26,0.98,made-up,,measured,assumption,\n"
)


def with_factors(folder: Path, text: str = FUELS) -> Path:
    write_study(folder)
    (folder / "factors").mkdir()
    (folder / "factors" / "fuels.csv").write_text(text, encoding="utf-8")
    return folder


def test_study_without_own_factors_has_none(tmp_path: Path) -> None:
    assert read_scenario(write_study(tmp_path / "tiny")).factors is None


def test_own_fuel_can_be_used_and_is_hashed(tmp_path: Path) -> None:
    study = with_factors(tmp_path / "tiny")
    replace(study, "tables/activity.csv", "combustion,bituminous,", "combustion,gangue_mix,")
    scenario = read_scenario(study)
    assert scenario.factors is not None
    assert [record.key for record in scenario.factors.overlaid] == ["own_2024:gangue_mix"]
    assert scenario.input_files["factors/fuels.csv"] == study / "factors" / "fuels.csv"
    assert "factors/fuels.csv" in scenario.input_hashes
    # The fuel is counted in tonnes: 20 of 10,000 t.
    coal = scenario.tables["activity"].set_index("stream").loc["coal"]
    assert (coal["quantity"], coal["unit"]) == (200_000, "t")
    changed = scenario.change("activity.unit1.2024.coal.quantity", 100, basis="assumption", why="test")
    assert changed.factors is scenario.factors


def test_other_factors_make_another_study(tmp_path: Path) -> None:
    one = read_scenario(with_factors(tmp_path / "one"))
    other = read_scenario(with_factors(tmp_path / "other", FUELS.replace(",9,26,", ",10,26,")))
    assert one.content_hash() != other.content_hash()
    assert one.diff(other)["path"].tolist() == ["factors.fuels.own_2024:gangue_mix."]


def test_fault_of_own_factors_is_reported_with_the_study(tmp_path: Path) -> None:
    study = with_factors(tmp_path / "tiny", FUELS.replace(",9,26,", ",nine,26,"))
    issues = check_scenario(study)
    assert [(issue.source, issue.code, issue.row, issue.column) for issue in issues] == [
        ("factors/fuels.csv", "not-a-number", 2, "net_calorific_value")
    ]
