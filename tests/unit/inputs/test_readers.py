"""Readers of public tables, on made-up rows of the same shape."""

from __future__ import annotations

from pathlib import Path

import pytest

from carbonsim.errors import InputError
from carbonsim.inputs.readers import read_china_power, read_eu_ets

COMPLIANCE = """\
installation_id,year,free_allocation_t,verified_emissions_tco2e
XX_7,2014,90,120
XX_7,2013,100,110.5
YY_200001,2013,0,40
"""
INSTALLATION = """\
installation_id,name,country_id
XX_7,Made-up Works,XX
YY_200001,,YY
"""
PLANTS = """\
plant_id,name,capacity_mw,commissioning_year,owner,location,operational_status,latitude,longitude
1,Made-up A,600,2004,Owner,Somewhere Prefecture Sichuan Province,,26.5,101.7
1,Made-up A,600,2004,Owner,Somewhere Prefecture Sichuan Province,,26.5,101.7
2,Made-up B,,,,Hainan District Inner Mongolia Autonomous Region,Shutdown,39,106
3,Made-up C,30,1999,,,Operational,31,121
"""


def eu(folder: Path, compliance: str = COMPLIANCE, installation: str = INSTALLATION) -> Path:
    (folder / "compliance.csv").write_text(compliance, encoding="utf-8")
    (folder / "installation.csv").write_text(installation, encoding="utf-8")
    return folder


def plants(folder: Path, text: str = PLANTS) -> Path:
    (folder / "coal_plants.csv").write_text(text, encoding="utf-8")
    return folder


def test_eu_rows_are_sorted_and_flagged(tmp_path: Path) -> None:
    frame = read_eu_ets(eu(tmp_path))
    assert frame[["installation", "year"]].to_numpy().tolist() == [["XX_7", 2013], ["XX_7", 2014], ["YY_200001", 2013]]
    assert frame["free_allocation"].tolist() == [100, 90, 0]
    assert frame["verified_emissions"].tolist() == [110.5, 120, 40]
    assert frame["is_likely_aircraft"].tolist() == [False, False, True]
    assert frame["allocation_is_zero"].tolist() == [False, False, True]
    assert frame["country"].tolist() == ["XX", "XX", "YY"]


def test_eu_faults_come_together_with_file_and_row(tmp_path: Path) -> None:
    rows = "XX_7,2014,90,120\nZZ_9,2013,1,1\nXX_7,2015,-5,1\nXX_7,2016,many,\n"
    with pytest.raises(InputError) as caught:
        read_eu_ets(eu(tmp_path, COMPLIANCE + rows, INSTALLATION + "bad,x,XX\n"))
    found = {(issue.code, issue.source, issue.row, issue.column) for issue in caught.value.issues}
    assert found == {
        ("duplicate-key", "compliance.csv", 5, "installation_id"),
        ("unknown-reference", "compliance.csv", 6, "installation_id"),
        ("out-of-bounds", "compliance.csv", 7, "free_allocation_t"),
        ("not-a-number", "compliance.csv", 8, "free_allocation_t"),
        ("required", "compliance.csv", 8, "verified_emissions_tco2e"),
        ("bad-name", "installation.csv", 4, "installation_id"),
    }


def test_missing_files_and_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"compliance\.csv.*\n.*installation\.csv"):
        read_eu_ets(tmp_path)
    with pytest.raises(InputError, match="Did you mean 'yaer'"):
        read_eu_ets(eu(tmp_path, COMPLIANCE.replace("year", "yaer")))


def test_plants_have_province_and_state(tmp_path: Path) -> None:
    frame = read_china_power(plants(tmp_path))
    assert frame["unit"].tolist() == ["1-1", "1-2", "2-1", "3-1"]
    assert frame["province"].tolist() == ["Sichuan", "Sichuan", "Inner Mongolia", ""]
    assert frame["province_zh"].tolist() == ["四川", "四川", "内蒙古", ""]
    assert frame["is_operating"].tolist() == [True, True, False, True]
    assert frame["repeats_earlier_row"].tolist() == [False, True, False, False]
    assert frame["capacity"].isna().tolist() == [False, False, True, False]


def test_plant_faults_come_together(tmp_path: Path) -> None:
    text = (
        PLANTS.replace("1,Made-up A,600", "1,Made-up A,0", 1)
        .replace("Shutdown", "Sleeping")
        .replace("31,121", "131,121")
    )
    with pytest.raises(InputError) as caught:
        read_china_power(plants(tmp_path, text) / "coal_plants.csv")
    found = [(issue.code, issue.row, issue.column) for issue in caught.value.issues]
    assert found == [
        ("out-of-bounds", 2, "capacity_mw"),
        ("out-of-bounds", 5, "latitude"),
        ("unknown-choice", 4, "operational_status"),
    ]
