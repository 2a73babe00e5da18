"""A stored inventory replays to the last digit, names what was altered, and shows what new factors would do."""

import csv
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import openpyxl
import pytest
import xarray as xr

from carbonsim.accounting import build_inventory
from carbonsim.accounting.quality import quality_summary, stream_classes, unproven_claims
from carbonsim.accounting.verification import compare_verified
from carbonsim.errors import InputError
from carbonsim.inputs import factors as factor_tables
from carbonsim.inputs.ledger import Ledger, read_ledger
from carbonsim.inputs.paths import scenarios_folder
from carbonsim.study.account_folder import read_account
from carbonsim.study.accounts import read_inventory, replay, save_inventory, what_would_change

ENDING = "statistic,meter"
TABLES = {
    "sources.yaml": 'meter:\n  title: Made-up readings for a test.\n  read_on: "2026-11-23"\n',
    "enterprises.csv": f"enterprise,name_zh,name_en,sector,basis,source\nworks,示意钢厂,Works,steel,{ENDING}\n",
    "facilities.csv": "facility,enterprise,process,product,output_unit,basis,source\n"
    f"boiler,works,steelworks,steam,GJ,{ENDING}\n",
    "activity.csv": "facility,year,stream,method,factor,quantity,unit,basis,source\n"
    f"boiler,2023,coal,combustion,bituminous,1000,t,{ENDING}\n"
    f"boiler,2024,coal,combustion,bituminous,1100,t,{ENDING}\n"
    f"boiler,2024,stone,carbonate,cets2024_limestone,333.3,t,{ENDING}\n"
    f"boiler,2024,power,electricity_purchased,,4000,MWh,{ENDING}\n",
}
OWN_PROCESS = (
    "factor,table_set,sector,name_zh,name_en,gas,value,unit,quantity,sign,methods,source,basis\n"
    "cets2024_limestone,cets_steel_2024,steel,石灰石,Limestone,CO2,0.43,tCO2/t,emission_factor,1,carbonate,meter,"
    "statistic\n"
)


def written(folder: Path, **more: str) -> Path:
    """The small ledger as a folder; a keyword such as ``gaps`` adds a table."""
    for name, text in {**TABLES, **{f"{name}.csv": text for name, text in more.items()}}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ledger]:
    """A stored inventory that no test writes into, and its ledger."""
    root = tmp_path_factory.mktemp("original")
    ledger = read_ledger(written(root / "works"))
    return save_inventory(build_inventory(ledger), ledger, root / "stored", written="2026-11-23T09:00:00Z"), ledger


@pytest.fixture
def ledger(original: tuple[Path, Ledger]) -> Ledger:
    return original[1]


@pytest.fixture
def stored(original: tuple[Path, Ledger], tmp_path: Path) -> Path:
    return Path(shutil.copytree(original[0], tmp_path / "stored"))


@pytest.fixture
def newer_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Packaged factor tables in which bituminous coal of the steel set has one tC/TJ more."""
    country = tmp_path / "scenarios" / "parameters" / "china" / "factors"
    shutil.copytree(scenarios_folder() / "parameters" / "china" / "factors", country)
    rows = (country / "fuels.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    place = next(number for number, row in enumerate(rows) if row.startswith("cets_steel_2024,bituminous,"))
    assert ",26.18," in rows[place]
    rows[place] = rows[place].replace(",26.18,", ",27.18,")
    (country / "fuels.csv").write_text("".join(rows), encoding="utf-8")
    monkeypatch.setattr(factor_tables, "scenarios_folder", lambda: tmp_path / "scenarios")
    factor_tables.packaged_factors.cache_clear()
    yield
    factor_tables.packaged_factors.cache_clear()


def test_a_stored_inventory_replays_bit_for_bit(stored: Path, ledger: Ledger) -> None:
    found = replay(stored)
    assert found.holds
    assert found.compared > 300
    assert found.differences.empty
    assert found.issues == ()
    assert "the replay holds" in str(found)
    assert read_inventory(stored).equals(build_inventory(ledger))


def test_it_still_does_when_the_packaged_tables_have_changed(stored: Path, newer_tables: None) -> None:
    # The packaged tables give another number now; the replay does not look at them.
    changed = build_inventory(read_ledger(stored / "inputs" / "ledger"))["emissions_co2e"]
    assert (changed.values != read_inventory(stored)["emissions_co2e"].values).all()
    found = replay(stored)
    assert found.holds, found.differences
    same = found.inventory["emissions_co2e"].values.view(np.int64)  # type: ignore[index]
    assert (same == read_inventory(stored)["emissions_co2e"].values.view(np.int64)).all()


def test_what_new_factors_would_do_is_told_by_term(stored: Path, newer_tables: None) -> None:
    # 1 tC/TJ more: tonnes x 23.736 GJ/t (CETS-AG-03.01 table A.1) x 1 / 1000 x 44/12; steel has no oxidation rate.
    found = what_would_change(stored)
    assert found[["stream", "year", "term", "old", "new"]].to_numpy().tolist() == [
        ["coal", 2023, "carbon_content", 26.18, 27.18],
        ["coal", 2024, "carbon_content", 26.18, 27.18],
    ]
    assert found["effect"].tolist() == pytest.approx([1000 * 23.736 / 1000 * 44 / 12, 1100 * 23.736 / 1000 * 44 / 12])


def test_the_same_tables_change_nothing(stored: Path) -> None:
    assert what_would_change(stored).empty


def test_two_folders_of_one_inventory_have_the_same_bytes(stored: Path, ledger: Ledger, tmp_path: Path) -> None:
    again = save_inventory(build_inventory(ledger), ledger, tmp_path / "again", written="another time")
    names = sorted(path.relative_to(stored) for path in stored.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    differ = [str(name) for name in names if (stored / name).read_bytes() != (again / name).read_bytes()]
    assert differ == ["manifest.json"]
    assert read_account(stored)["seal"] == read_account(again)["seal"]


def test_inputs_are_kept_byte_for_byte(stored: Path, ledger: Ledger) -> None:
    for name in TABLES:
        assert (stored / "inputs" / "ledger" / name).read_bytes() == ledger.input_files[name].read_bytes()


def test_a_workbook_with_a_gap_replays_from_its_copy(tmp_path: Path) -> None:
    path = tmp_path / "works.xlsx"
    book = openpyxl.Workbook()
    book.remove(book.active)
    gap = f"facility,year,stream,rule,reason,basis,source\nboiler,2023,stone,highest_year,lost,{ENDING}\n"
    sources = "source,title\nmeter,Made-up readings for a test.\n"
    for name, text in {**TABLES, "sources.yaml": sources, "gaps.csv": gap}.items():
        sheet = book.create_sheet(name.partition(".")[0])
        for record in csv.reader(io.StringIO(text)):
            sheet.append(record)
    book.save(path)
    ledger = read_ledger(path)
    folder = save_inventory(build_inventory(ledger), ledger, tmp_path / "stored")
    path.unlink()
    found = replay(folder)
    assert found.holds, found.text()
    # The gap of 2023 takes the 333.3 t of 2024.
    assert float(found.inventory["activity"].sel(stream="boiler/stone", year=2023)) == 333.3  # type: ignore[index]


def test_an_input_that_was_altered_is_named_and_its_effect_shown(stored: Path) -> None:
    path = stored / "inputs" / "ledger" / "activity.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",1100,", ",1101,"), encoding="utf-8")
    found = replay(stored)
    assert not found.holds
    assert "activity.csv" in found.issues[0].source
    assert "SHA-256" in found.issues[0].message
    row = found.differences[found.differences["variable"] == "activity"]
    assert row[["label", "stored", "replayed"]].to_numpy().tolist() == [
        ["stream=boiler/coal, year=2024", "1100.0", "1101.0"]
    ]
    assert "does not hold" in found.text()
    assert "被改动" in found.text("zh")
    for reader in (read_inventory, what_would_change):
        with pytest.raises(InputError, match=r"activity\.csv"):
            reader(stored)


def test_a_number_that_was_altered_by_one_bit_is_found(stored: Path) -> None:
    with xr.open_dataset(stored / "inventory.nc", engine="h5netcdf") as opened:
        dataset = opened.load()
    value = dataset["emissions_co2e"].values
    value[0, 0] = np.nextafter(value[0, 0], np.inf)
    (stored / "inventory.nc").write_bytes(bytes(dataset.to_netcdf(engine="h5netcdf")))
    found = replay(stored)
    assert [Path(issue.source).name for issue in found.issues] == ["inventory.nc"]
    assert found.differences[["variable", "label"]].to_numpy().tolist() == [
        ["emissions_co2e", "enterprise=works, year=2023"]
    ]


def test_a_factor_table_that_was_altered_is_named(stored: Path) -> None:
    path = stored / "factors" / "fuels.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("26.18", "26.19"), encoding="utf-8")
    found = replay(stored)
    assert not found.holds
    assert [Path(issue.source).name for issue in found.issues] == ["fuels.csv"]
    assert "term_value" in set(found.differences["variable"])


def test_files_that_are_gone_or_were_added_are_named(stored: Path) -> None:
    (stored / "inputs" / "ledger" / "sources.yaml").unlink()
    (stored / "factors" / "letter.txt").write_text("more", encoding="utf-8")
    found = replay(stored)
    assert not found.holds
    told = [(Path(issue.source).name, issue.message) for issue in found.issues[:2]]
    assert told == [("sources.yaml", "is missing."), ("letter.txt", "was not stored with the inventory.")]
    assert found.inventory is None  # the rows cite a source that is no longer listed


def test_a_file_beside_them_does_not_matter(stored: Path) -> None:
    (stored / "letter.txt").write_text("to the auditor", encoding="utf-8")
    assert replay(stored).holds


def test_an_altered_manifest_breaks_the_seal(stored: Path) -> None:
    path = stored / "manifest.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"gwp_set": "AR5"', '"gwp_set": "AR6"'), encoding="utf-8")
    found = replay(stored)
    assert not found.holds
    assert "seal" in found.text()


def test_a_garbled_result_is_a_fault_and_no_crash(stored: Path) -> None:
    (stored / "inventory.nc").write_bytes(b"not a dataset")
    found = replay(stored)
    assert not found.holds
    assert found.inventory is None
    assert "cannot be read" in found.text()


def test_another_version_says_so_and_may_still_hold(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from carbonsim.study import account_folder

    monkeypatch.setattr(account_folder, "versions", lambda: {"carbonsim": "99.0"})
    found = replay(stored)
    assert found.holds
    assert [issue.severity for issue in found.issues] == ["warning"]
    assert "this is 99.0" in found.text()


def test_own_factors_are_part_of_the_replay(tmp_path: Path, newer_tables: None) -> None:
    ledger = read_ledger(written(tmp_path / "own", **{"factors/process": OWN_PROCESS}))
    folder = save_inventory(build_inventory(ledger), ledger, tmp_path / "stored")
    found = replay(folder)
    assert found.holds, found.text()
    # 333.3 t x 0.43 t/t of the own factor
    stone = read_inventory(folder)["stream_emissions_co2e"].sel(stream="boiler/stone", year=2024)
    assert float(stone) == pytest.approx(143.319)
    assert read_account(folder)["own_factor_values"] > 0
    assert what_would_change(folder).empty  # the own factor goes on top again; coal was already counted with 27.18


def test_own_factors_from_another_place_are_stored_too(tmp_path: Path) -> None:
    own = tmp_path / "elsewhere"
    own.mkdir()
    (own / "process.csv").write_text(OWN_PROCESS, encoding="utf-8")
    ledger = read_ledger(written(tmp_path / "works"), own_factors=own)
    folder = save_inventory(build_inventory(ledger), ledger, tmp_path / "stored")
    shutil.rmtree(own)
    shutil.rmtree(tmp_path / "works")
    assert (folder / "inputs" / "own_factors" / "process.csv").read_text(encoding="utf-8") == OWN_PROCESS
    assert replay(folder).holds
    assert what_would_change(folder).empty


def test_quality_and_verification_take_a_ledger_as_it_is_read(tmp_path: Path) -> None:
    verified = f"enterprise,year,verified_emissions,basis,source\nworks,2024,2600,{ENDING}\n"
    head, *rows = TABLES["activity.csv"].splitlines()
    captured = [f"boiler,2024,pipe,co2_transferred,,100,t,{ENDING},contract 7"]
    activity = "\n".join([f"{head},evidence", *(f"{row}," for row in rows), *captured, ""])
    ledger = read_ledger(written(tmp_path / "v", verified=verified, activity=activity))
    inventory = build_inventory(ledger)
    # 1100 x 23.736 x 26.18 / 1000 x 44/12 = 2506.348; 333.3 x 0.44 = 146.652 (table A.2): 2653 covered, which is what
    # a steel works has verified: the market takes nothing off for the 100 t handed on. Bound: 5 % = 132.65 t.
    found = compare_verified(inventory, ledger.tables["verified"]).sel(enterprise="works", year=2024)
    assert float(found["difference"]) == pytest.approx(2653.0 - 2600, abs=0.01)
    assert (found["status"].item(), found["direction"].item()) == ("within", "overstated")
    classes = stream_classes(inventory).set_index(["stream", "year"])["stream_class"]
    assert classes[("pipe", 2024)] == "transferred"
    assert classes[("stone", 2024)] == "de_minimis"
    assert ("stone", 2023) not in classes.index
    shares = quality_summary(inventory)["share"].xs(("works", 2024))
    assert shares["basis"]["statistic"] == pytest.approx(1.0)
    assert shares["class"]["minor"] == pytest.approx(2506.348 / 2753.0, abs=1e-5)


def test_what_is_claimed_without_evidence_is_listed_with_its_tonnes(tmp_path: Path) -> None:
    terms = "facility,year,stream,term,value,evidence,basis,source\n"
    terms += f"boiler,2023,coal,biogenic_fraction,0.1,,{ENDING}\n"
    captured = f"boiler,2024,pipe,co2_stored,,100,t,{ENDING}\n"
    ledger = read_ledger(written(tmp_path / "v", terms=terms, activity=TABLES["activity.csv"] + captured))
    found = unproven_claims(build_inventory(ledger), ledger.tables["terms"])
    assert found[["stream", "year", "claim"]].to_numpy().tolist() == [
        ["pipe", 2024, "co2_stored"],
        ["coal", 2023, "biogenic_fraction"],
    ]
    # 1000 x 23.736 x 26.18 / 1000 x 44/12 = 2278.498 t of CO2, a tenth of it claimed
    assert found["tonnes"].tolist() == pytest.approx([100.0, 227.8498], abs=1e-3)


def test_dated_sets_of_potentials_replay(ledger: Ledger, tmp_path: Path) -> None:
    inventory = build_inventory(ledger, gwp_set={2000: "AR4", 2024: "AR6"}, market_gwp_set="AR5")
    assert replay(save_inventory(inventory, ledger, tmp_path / "dated")).holds


def test_an_inventory_that_is_not_of_the_ledger_is_not_stored(ledger: Ledger, tmp_path: Path) -> None:
    inventory = build_inventory(ledger)
    inventory["emissions_co2e"] = inventory["emissions_co2e"] * 2
    with pytest.raises(InputError) as caught:
        save_inventory(inventory, ledger, tmp_path / "wrong")
    assert "emissions_co2e enterprise=works, year=2023" in caught.value.text()
    assert "清单与账册不符" in caught.value.text("zh")
    assert list(tmp_path.iterdir()) == []


def test_a_ledger_that_changed_after_reading_is_not_stored(tmp_path: Path) -> None:
    ledger = read_ledger(written(tmp_path / "works"))
    inventory = build_inventory(ledger)
    path = tmp_path / "works" / "activity.csv"
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"activity\.csv.*changed since it was read"):
        save_inventory(inventory, ledger, tmp_path / "late")
    assert not (tmp_path / "late").exists()


def test_only_a_stored_inventory_is_replaced(stored: Path, ledger: Ledger, tmp_path: Path) -> None:
    inventory = build_inventory(ledger)
    with pytest.raises(InputError):
        save_inventory(inventory, ledger, stored)
    save_inventory(inventory, ledger, stored, replace=True)
    assert replay(stored).holds
    other = written(tmp_path / "works")
    with pytest.raises(InputError, match=r"manifest\.json"):
        save_inventory(inventory, ledger, other, replace=True)
    assert (other / "activity.csv").exists()


def test_a_folder_without_an_inventory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        replay(tmp_path)
    assert "carbonsim account" in caught.value.text()
    assert "请给出" in caught.value.text("zh")
    for text in ("[", '{"format": "carbonsim-results-1"}', '{"format": "carbonsim-account-1"}'):
        (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match="no-account"):
            replay(tmp_path)


def test_a_manifest_cannot_point_outside_its_folder(stored: Path, tmp_path: Path) -> None:
    manifest = json.loads((stored / "manifest.json").read_text(encoding="utf-8"))
    manifest["ledger"] = "../works"
    (stored / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    found = replay(stored)
    assert found.inventory is None
    assert "outside the folder" in found.text()
