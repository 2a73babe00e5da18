"""The back-cast's page shows what its example prints, in both languages, and the example needs no data."""

import contextlib
import importlib.util
import io
import re
import sys
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```text\n((?:.*\n)*?)```$", re.MULTILINE)
# Two of the plants have units of at least 400 MW (class I), one of 300 MW (II), one burns gangue (III).
PLANTS = """plant_id,name,capacity_mw,commissioning_year,owner,location,operational_status,latitude,longitude
9900001,Made-up A,600,2012,Made-up owner,Made-up County Shanxi Province,,37,112
9900002,Made-up B,1200,1999,Made-up owner,Made-up County Shanxi Province,,37,112
9900003,Made-up gangue C,300,2010,Made-up owner,,,37,112
9900004,Made-up D,2000,2010,Made-up owner,,,37,112
"""


def example() -> ModuleType:
    path = ROOT / "examples" / "06_backcast_power.py"
    spec = importlib.util.spec_from_file_location("example_backcast", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip("\n").splitlines()]


@pytest.mark.slow
def test_the_page_shows_what_the_example_prints() -> None:
    module = example()
    parameters, _ = module.read_backcast_parameters()
    found = module.backcast(module.packaged_populations(parameters), parameters)
    for lang, name in (("en", "backcast_power.md"), ("zh", "backcast_power.zh.md")):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            module.show(found, lang)
        (block,) = FENCE.findall((ROOT / "docs" / name).read_text(encoding="utf-8"))
        assert lines(block) == lines(printed.getvalue()), name
    # What the page says in words: no price is outside its interval, and none of them is determined.
    assert all(row.holds_published and row.price_low == 0 and row.price_high > 90 for row in found.rows)
    from_shortage = {row.year: row.by_belief["shortage_ahead"][1] for row in found.rows}
    assert [y for y, high in from_shortage.items() if high < found.row(y).published_price] == [2022, 2023, 2024]
    # By hand: 45.3 Mt are short up to 2027 if no credits were bought for 2019-20. Three yearly steps of 13.4 Mt at 60
    # do not meet them, so credits at 70.76 in 2025 are the last; a year earlier that is worth 70.76 / 1.03.
    assert from_shortage[2024] == pytest.approx(70.76 / 1.03)
    assert from_shortage[2025] == pytest.approx(70.76)
    modelled = [case for case in found.cases if case.levels["left_over"] != "expected_price"]
    assert sum(case.prices[2025].high > found.row(2025).published_price for case in modelled) == 1
    assert found.row(2024).at_zero == 84
    above = [row.settled for row, volume, _ in module.by_cycle(found) if volume > row.potential_high]
    assert above == [2023, 2024, 2025]


@pytest.mark.slow
def test_plants_of_a_table_are_back_cast(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "coal_plants.csv").write_text(PLANTS, encoding="utf-8")
    arguments = ["example", "--data", str(tmp_path), "--out", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", arguments)
    example().main()
    assert "4 entities" in capsys.readouterr().out
    assert pd.read_csv(tmp_path / "out" / "by_year.csv")["year"].tolist() == [2021, 2022, 2023, 2024, 2025]
    assert set(pd.read_csv(tmp_path / "out" / "by_case.csv")["coal_rate"]) == {"low", "high"}
    assert (tmp_path / "out" / "backcast_power.png").stat().st_size > 10_000


def test_a_folder_without_the_table_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["example", "--data", str(tmp_path / "nowhere")])
    with pytest.raises(SystemExit) as stopped:
        example().main()
    assert "cannot be read" in str(stopped.value)
