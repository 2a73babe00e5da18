"""The verbs of a ledger as a user meets them: account, replay, what-changed, the template, the list of methods."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from account_builder import PROCESS_HEAD, TABLES, account_folder
from carbonsim.cli import execute
from carbonsim.cli.text_table import WIDTH, display_width
from carbonsim.inputs.factors import packaged_factors, write_factors
from carbonsim.inputs.paths import scenarios_folder


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = execute([str(argument) for argument in arguments])
    output = capsys.readouterr()
    return code, output.out, output.err


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return account_folder(tmp_path_factory.mktemp("cli_accounts") / "three")


@pytest.fixture(scope="module")
def stored(ledger: Path) -> Path:
    """The folder of an account as the installed command makes it in a plain process."""
    out = ledger.parent / "stored"
    environment = {**os.environ, "CARBONSIM_LANG": "en", "PYTHONIOENCODING": "utf-8"}
    result = subprocess.run(
        [sys.executable, "-m", "carbonsim", "account", str(ledger), "--out", str(out)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")
    (ledger.parent / "printed.txt").write_text(result.stdout, encoding="utf-8")
    return out


@pytest.fixture(autouse=True)
def _without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process no pictures are drawn: the folder that the installed command makes has them."""
    monkeypatch.setattr("carbonsim.report.account_figures.save_all", lambda *_, **__: {})


def test_account_prints_totals_and_says_where_to_look(stored: Path) -> None:
    printed = (stored.parent / "printed.txt").read_text(encoding="utf-8")
    # Coke 276,064 + limestone 7,740 - steel 10,360 + gas 6,561: see the unit test of the account.
    assert "280,005" in printed
    assert f"Report: {stored / 'report.html'}" in printed
    assert f"carbonsim replay {stored}" in printed
    assert max(display_width(line) for line in printed.splitlines() if str(stored) not in line) <= WIDTH


def test_the_folder_holds_what_an_auditor_opens(stored: Path) -> None:
    names = {path.relative_to(stored).as_posix() for path in stored.rglob("*") if path.is_file()}
    assert {
        "manifest.json", "account.json", "summary.csv", "account.xlsx", "report.html", "inventory.nc",
        "inputs/ledger/activity.csv", "inputs/ledger/factors/process.csv", "factors/fuels.csv", "tables/terms.parquet",
        "figures/emissions_waterfall.svg", "figures/uncertainty.png",
    } <= names  # fmt: skip
    choices = json.loads((stored / "account.json").read_text(encoding="utf-8"))
    assert (choices["lang"], choices["uncertainty"], choices["seed"]) == ("en", "approach_1", None)
    assert all(check["passed"] for check in choices["checks"])
    assert not [path for path in stored.parent.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(("lang", "words"), [("en", "replayed to the last digit"), ("zh", "逐位相同")])
def test_replay_says_that_every_digit_is_the_same(
    capsys: pytest.CaptureFixture[str], stored: Path, lang: str, words: str
) -> None:
    code, out, _ = run(capsys, "replay", stored, "--lang", lang)
    assert code == 0
    assert words in out
    assert json.loads((stored / "manifest.json").read_text(encoding="utf-8"))["seal"] in out


def test_replay_of_an_altered_ledger_is_refused_with_the_differences(
    capsys: pytest.CaptureFixture[str], stored: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(stored, tmp_path / "copy")
    activity = copy / "inputs" / "ledger" / "activity.csv"
    activity.write_text(activity.read_text(encoding="utf-8").replace(",90000,t", ",80000,t"), encoding="utf-8")
    code, out, err = run(capsys, "replay", copy, "--lang", "en")
    assert code == 1
    assert "inputs/ledger/activity.csv: was changed" in err
    assert "values differ" in err
    assert "stream=furnace/coke" in out


def test_replay_of_an_altered_report_is_refused_too(
    capsys: pytest.CaptureFixture[str], stored: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(stored, tmp_path / "copy")
    (copy / "summary.csv").write_text("direct_co2e\n1\n", encoding="utf-8")
    code, _, err = run(capsys, "replay", copy, "--lang", "zh")
    assert code == 1
    assert "summary.csv" in err
    assert "被改动" in err


def test_replay_of_something_else_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, err = run(capsys, "replay", tmp_path, "--lang", "en")
    assert code == 1
    assert "carbonsim account" in err


def test_what_changed_with_the_same_factors_is_nothing(capsys: pytest.CaptureFixture[str], stored: Path) -> None:
    code, out, _ = run(capsys, "what-changed", stored, "--lang", "en")
    assert code == 0
    assert "the result stays" in out


def test_what_changed_lists_the_effect_of_other_factors(
    capsys: pytest.CaptureFixture[str], stored: Path, tmp_path: Path
) -> None:
    newer = tmp_path / "newer"
    newer.mkdir()
    (newer / "sources.yaml").write_text("lab:\n  title: Laboratory\n  read_on: '2026-11-23'\n", encoding="utf-8")
    (newer / "process.csv").write_text(
        PROCESS_HEAD + "cets_steel_2024,cets2024_crude_steel_out,steel,粗钢,Crude steel,0.04,tCO2/t,CO2,"
        "emission_factor,-1,product_output,lab,statistic\n",
        encoding="utf-8",
    )
    code, out, _ = run(capsys, "what-changed", stored, "--factors", newer, "--lang", "en")
    assert code == 0
    # Steel of 2023 and 2024: (300,000 + 280,000) t x (0.037 - 0.04) = -1,740 t.
    assert "furnace/steel 2023" in out
    assert "-900.00" in out
    assert "scope 1: -1,740.00 tCO2e in all" in out
    assert max(display_width(line) for line in out.splitlines()) <= WIDTH


def test_a_bad_ledger_is_one_report_of_all_faults(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    bad = TABLES["activity"].replace(",90000,t", ",-90000,t").replace("natural_gas", "natural_gass")
    path = account_folder(tmp_path / "bad", activity=bad)
    code, out, err = run(capsys, "account", path, "--out", tmp_path / "out", "--lang", "en", "--quiet")
    assert (code, out) == (1, "")
    assert "problems found" in err
    assert "activity.csv, row 6, column quantity" in err
    assert "Did you mean 'natural_gas'?" in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("lang", "supply"), [("en", "supply a factor"), ("zh", "自有因子")])
def test_a_missing_factor_names_the_cell_and_what_to_supply(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, lang: str, supply: str
) -> None:
    # A factor that the library lists without a value.
    listed = TABLES["activity"] + "pit,2024,vanadium,,material_input,v_products,10,t,,,,statistic,meter\n"
    path = account_folder(tmp_path / "missing", activity=listed)
    code, _, err = run(capsys, "account", path, "--out", tmp_path / "out", "--lang", lang, "--quiet")
    assert code == 1
    assert "activity.csv" in err
    assert "19" in err
    assert "factor" in err
    assert supply in err


def test_an_earlier_account_is_replaced_with_force_only(
    capsys: pytest.CaptureFixture[str], ledger: Path, stored: Path, tmp_path: Path
) -> None:
    out = shutil.copytree(stored, tmp_path / "out")
    code, _, err = run(capsys, "account", ledger, "--out", out, "--lang", "en")
    assert code == 1
    assert "--force" in err
    options = ("--uncertainty", "none", "--force", "--explain", "mine")
    code, printed, _ = run(capsys, "account", ledger, "--out", out, "--lang", "zh", *options)
    assert code == 0
    assert "42.652" in printed or "43.33" in printed  # the calorific value of diesel in the chain
    assert json.loads((out / "account.json").read_text(encoding="utf-8"))["uncertainty"] == "none"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--uncertainty", "approach1"), "Did you mean 'approach_1'?"),
        (("--gwp", "AR7"), "AR7"),
        (("--explain", "work"), "works"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_written(
    capsys: pytest.CaptureFixture[str], ledger: Path, tmp_path: Path, options: tuple[str, str], words: str
) -> None:
    code, _, err = run(capsys, "account", ledger, "--out", tmp_path / "out", "--lang", "en", *options)
    assert code == 1
    assert words in err
    assert not (tmp_path / "out").exists()


def test_own_factors_from_the_command_line_count_and_replay(
    capsys: pytest.CaptureFixture[str], ledger: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "sources.yaml").write_text("lab:\n  title: Laboratory\n  read_on: '2026-11-23'\n", encoding="utf-8")
    (own / "process.csv").write_text(
        PROCESS_HEAD + "cets_steel_2024,cets2024_limestone,steel,石灰石,Limestone,0.41,tCO2/t,CO2,emission_factor,1,"
        "carbonate;material_input,lab,statistic\n",
        encoding="utf-8",
    )
    out = tmp_path / "out"
    code, printed, _ = run(
        capsys, "account", ledger, "--factors", own, "--out", out, "--lang", "en", "--uncertainty", "none"
    )
    assert code == 0
    assert "279,645" in printed  # 280,004.69 - 18,000 x (0.43 - 0.41)
    assert "Covered emissions rest on own factors: cets2024_limestone/emission_factor." in printed
    assert run(capsys, "replay", out, "--lang", "en")[0] == 0


@pytest.mark.parametrize(("lang", "note"), [("en", "note: activity.csv"), ("zh", "提示：activity.csv")])
def test_warnings_of_a_ledger_are_notes_beside_the_result(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, lang: str, note: str
) -> None:
    # Gas in m3 does not say at which conditions; a gap stated at 100 is below the 300 of the other year.
    rows = TABLES["activity"].replace("万Nm3", "万m3")
    gaps = TABLES["gaps"].replace("highest_year,,,,,", "stated,100,万m3,combustion,natural_gas,")
    path = account_folder(tmp_path / "bare", activity=rows, gaps=gaps)
    code, out, err = run(capsys, "account", path, "--out", tmp_path / "out", "--lang", lang, "--quiet")
    assert code == 0
    assert note in err
    assert {"[gas-volume]", "[less-careful]"} <= set(re.findall(r"\[[a-z-]+\]", err))
    assert "gas-volume" not in out
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "[gas-volume]" in page
    assert "[less-careful]" in page
    for name in ("report.html", "account.json", "manifest.json"):
        assert str(tmp_path) not in (tmp_path / "out" / name).read_text(encoding="utf-8"), name


def test_a_packaged_ledger_is_named_and_leaves_no_trace_of_the_machine(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    _, out, _ = run(capsys, "list", "--lang", "en")
    names = ("clinker_line", "power_plant", "smelter", "steel_works")
    assert all(re.search(rf"^  {name} +Example", out, re.MULTILINE) for name in names)
    assert run(capsys, "account", "clinker_line", "--out", tmp_path / "out", "--lang", "en", "--quiet")[0] == 0
    for path in (tmp_path / "out").rglob("*"):
        assert path.is_dir() or str(scenarios_folder()).encode() not in path.read_bytes(), path
    assert run(capsys, "replay", tmp_path / "out", "--lang", "en")[0] == 0


@pytest.mark.parametrize(("lang", "words"), [("en", "Did you mean 'steel_works'?"), ("zh", "是否为“steel_works”？")])
def test_a_ledger_that_is_nowhere_is_refused_with_a_suggestion(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, lang: str, words: str
) -> None:
    code, _, err = run(capsys, "account", "steel_work", "--out", tmp_path / "out", "--lang", lang)
    assert code == 1
    assert words in err


def test_the_factors_of_an_account_compare_with_the_packaged_ones(
    capsys: pytest.CaptureFixture[str], stored: Path
) -> None:
    code, out, _ = run(capsys, "factors", "diff", "packaged", stored, "--lang", "en")
    assert code == 0
    assert re.search(r"cets2024_limestone +value +0\.44 +0\.43", out)
    _, out, _ = run(capsys, "factors", "diff", stored, stored, "--lang", "en")
    assert "the same factors" in out
    _, out, _ = run(capsys, "factors", "show", "cets2024_limestone", "--factors", stored, "--lang", "en")
    assert "Made-up readings for a test." in out


def test_one_difference_is_singular(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    factors = packaged_factors()
    write_factors(factors, old)
    gwp = old / "gwp.csv"
    lines = gwp.read_text(encoding="utf-8").splitlines(keepends=True)
    gwp.write_text("".join(line for line in lines if not line.startswith("SF6,")), encoding="utf-8")
    _, out, _ = run(capsys, "factors", "diff", old, "packaged", "--lang", "en")
    assert out.splitlines()[-1] == "1 difference."


def test_the_template_of_a_ledger_is_written_once(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "ledger.xlsx"
    code, out, _ = run(capsys, "template", path, "--ledger", "--lang", "en")
    assert code == 0
    assert f"carbonsim account {path}" in out
    assert run(capsys, "template", path, "--ledger", "--lang", "en")[0] == 1


def test_list_names_the_accounting_methods(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "list", "--lang", "en")
    assert "Accounting methods" in out
    assert "refrigerant" in out
    _, out, _ = run(capsys, "list", "--lang", "zh")
    assert "制冷剂充注" in out
