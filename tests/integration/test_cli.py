"""The command as a user meets it: exit codes, one report of all problems, the way from template to run."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest
import xarray as xr

import carbonsim as cs

ROOT = Path(__file__).parents[2]
TEXTBOOK = ROOT / "scenarios" / "textbook"


def carbonsim(*arguments: str, cwd: Path | None = None, lang: str = "en") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CARBONSIM_LANG": lang, "PYTHONIOENCODING": "utf-8", "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "carbonsim", *arguments],
        cwd=cwd, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A copy of the textbook study that a test may break."""
    copy = tmp_path / "study"
    shutil.copytree(TEXTBOOK, copy)
    return copy


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {path}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_check_of_a_sound_study_is_zero() -> None:
    result = carbonsim("check", "textbook")
    assert (result.returncode, result.stderr) == (0, "")


def test_eight_planted_faults_are_reported_in_one_go_with_their_places(study: Path) -> None:
    tables = study / "tables"
    # 1 duplicate key, 2 unknown sector
    edit(tables / "facilities.csv", "steel_a_works,steel_a", "power_a_unit,steel_a")
    edit(tables / "enterprises.csv", "Cement works A,cement", "Cement works A,cementt")
    activity = tables / "activity.csv"
    # 3 negative fuel, 4 missing unit, 5 text for a number, 8 duplicated row
    edit(
        activity, "power_a_unit,2026,direct,reported,,100000,tCO2e", "power_a_unit,2026,direct,reported,,-100000,tCO2e"
    )
    edit(activity, "125000,MWh", "125000,")
    edit(activity, "steel_a_works,2026,direct,reported,,60000", "steel_a_works,2026,direct,reported,,sixty")
    lines = activity.read_text(encoding="utf-8").splitlines()
    activity.write_text("\n".join([*lines, lines[-1]]) + "\n", encoding="utf-8")
    # 6 expired parameter, 7 source not listed
    edit(study / "parameters" / "market.yaml", "valid_until: 2028", "valid_until: 2026")
    edit(tables / "finances.csv", "assumption,textbook-made-up", "assumption,no-such-source")
    result = carbonsim("check", str(study))
    assert result.returncode == 1
    report = result.stderr
    for place in (
        "facilities.csv, row 3", "enterprises.csv, row 4, column sector", "activity.csv, row 2, column quantity",
        "activity.csv, row 3, column unit", "activity.csv, row 4, column quantity", "market.yaml:",
        "finances.csv, row 2, column source", f"activity.csv, row {len(lines) + 1}",
    ):  # fmt: skip
        assert place in report, f"{place} is not reported in:\n{report}"
    for word in ("cementt", "Did you mean 'cement'?", "-100000", "sixty", "no-such-source", "interest_rate"):
        assert word in report


def test_faults_are_reported_in_chinese_when_asked(study: Path) -> None:
    edit(study / "tables" / "activity.csv", "125000,MWh", "-125000,MWh")
    result = carbonsim("check", str(study), lang="zh")
    assert result.returncode == 1
    assert any("\u4e00" <= letter <= "\u9fff" for letter in result.stderr)


def test_command_line_mistakes_are_one() -> None:
    assert carbonsim("check").returncode == 1
    assert carbonsim("no-such-verb").returncode == 1
    unknown = carbonsim("check", "textbok")
    assert unknown.returncode == 1
    assert "textbook" in unknown.stderr


def test_an_infeasible_cap_is_two_and_names_year_and_tonnes(study: Path, tmp_path: Path) -> None:
    # 100 kt with 50 kt of abatement cannot fit under 40 kt: 10 kt are missing in 2026.
    edit(study / "parameters" / "industry_caps.yaml", "power: {2026: 0.9}", "power: {2026: 0.4}")
    result = carbonsim("run", str(study), "--out", str(tmp_path / "out"))
    assert result.returncode == 2
    assert "2026" in result.stderr
    assert "10,000" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_fault_of_ours_is_three() -> None:
    code = (
        "import carbonsim.cli as cli, carbonsim.study as study\n"
        "def broken(*_): raise RuntimeError('broken plug-in')\n"
        "study.check_study = broken\n"
        "raise SystemExit(cli.execute(['check', 'textbook']))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 3
    assert "broken plug-in" in result.stderr


def test_an_interruption_is_130() -> None:
    code = (
        "import carbonsim.cli as cli, carbonsim.study as study\n"
        "def stop(*_): raise KeyboardInterrupt\n"
        "study.check_study = stop\n"
        "raise SystemExit(cli.execute(['check', 'textbook']))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 130


def test_run_writes_the_folder_and_verify_finds_it_byte_equal(tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = carbonsim("run", "textbook", "--out", str(out), "--quiet")
    assert result.returncode == 0, result.stderr
    for name in ("manifest.json", "results.nc", "summary.csv", "results.xlsx", "report.html"):
        assert (out / name).is_file()
    assert list((out / "tables").glob("*.parquet"))
    assert list((out / "figures").glob("*.svg"))
    again = carbonsim("verify", str(out))
    assert again.returncode == 0, again.stderr + again.stdout
    (out / "summary.csv").write_text("changed")
    differs = carbonsim("verify", str(out))
    assert differs.returncode == 1
    assert "summary.csv" in differs.stdout


def test_every_table_says_that_the_enterprises_are_illustrative(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert carbonsim("run", "textbook", "--out", str(out), "--quiet").returncode == 0
    assert all("示意企业" in line for line in (out / "summary.csv").read_text(encoding="utf-8").splitlines()[1:])
    for path in (out / "tables").glob("*.parquet"):
        table = pd.read_parquet(path)
        assert table.empty or set(table["notice"]) == {"示意企业 / Illustrative enterprises"}


def test_an_earlier_run_is_replaced_only_when_asked(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert carbonsim("run", "textbook", "--out", str(out), "--quiet").returncode == 0
    refused = carbonsim("run", "textbook", "--out", str(out), "--quiet")
    assert refused.returncode == 1
    assert "--force" in refused.stderr
    assert carbonsim("run", "textbook", "--out", str(out), "--quiet", "--force").returncode == 0


def test_a_folder_with_other_files_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert carbonsim("run", "textbook", "--out", str(tmp_path), "--force").returncode == 1
    assert (tmp_path / "mine.txt").read_text() == "mine"


@pytest.mark.slow
def test_the_untouched_template_becomes_a_study_that_runs(tmp_path: Path) -> None:
    assert carbonsim("template", "input.xlsx", cwd=tmp_path).returncode == 0
    made = carbonsim("init", "input.xlsx", "--policy", "panzhihua", "--out", "my", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert carbonsim("check", "my", cwd=tmp_path).returncode == 0
    ran = carbonsim("run", "my", "--out", "result", "--quiet", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "result" / "report.html").is_file()


def texts_of(path: Path) -> str:
    """Everything readable in a file, packed formats unpacked."""
    if path.suffix == ".parquet":
        return pd.read_parquet(path).to_csv()
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as book:
            return "".join(book.read(name).decode("utf-8", "replace") for name in book.namelist())
    if path.suffix == ".nc":
        with xr.open_dataset(path, engine="h5netcdf") as dataset:
            values = [
                str(variable.values.tolist())
                for variable in dataset.variables.values()
                if variable.dtype.kind in "OUST"
            ]
            return "".join([*values, *map(str, dataset.attrs.values())])
    return path.read_bytes().decode("utf-8", "replace")


def test_anonymised_output_holds_no_enterprise_name(tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = carbonsim("run", "textbook", "--out", str(out), "--quiet", "--anonymise", "--alias-key", "secret")
    assert result.returncode == 0, result.stderr
    files = [path for path in out.rglob("*") if path.is_file()]
    assert files
    for path in files:
        text = texts_of(path)
        for name in ("power_a", "steel_a", "cement_a", "发电企业A", "Power plant A", "Steel works A"):
            assert name not in text, f"{name} stands in {path.name}"
    assert "secret" not in (out / "manifest.json").read_text(encoding="utf-8")
    assert "power_a" not in result.stdout + result.stderr


def test_an_alias_key_without_anonymise_publishes_nothing(tmp_path: Path) -> None:
    result = carbonsim("run", "textbook", "--out", str(tmp_path / "out"), "--alias-key", "secret")
    assert result.returncode == 1
    assert not (tmp_path / "out").exists()


def test_version_is_printed() -> None:
    assert carbonsim("--version").stdout.strip() == f"carbonsim {cs.__version__}"


def test_compare_names_what_is_subtracted(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert carbonsim("run", "textbook", "textbook/tighter", "--out", str(out), "--quiet").returncode == 0
    result = carbonsim("compare", str(out), "--to", "tighter")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("Each scenario minus tighter:")


def test_show_prints_a_parameter_with_its_source_and_dates() -> None:
    result = carbonsim("show", "textbook", "industry.reduction_factor")
    assert result.returncode == 0, result.stderr
    assert "textbook-made-up" in result.stdout
    assert "0.9" in result.stdout


def test_list_names_studies_rules_and_instruments() -> None:
    result = carbonsim("list")
    assert result.returncode == 0, result.stderr
    for name in ("panzhihua", "textbook", "collared_intensity", "banking", "steel"):
        assert name in result.stdout
