"""Where a market has several equilibria, whoever reads a price is told of the others: shell, notebook, folder."""

from pathlib import Path

import pandas as pd
import pytest

import carbonsim as cs
from carbonsim.cli import execute

# Two years of 100 t before abatement and 110 + 60 allowances, MAC = cut, no interest. Without an intake 30 t are cut,
# 15 a year, and 25 circulate: at most 26, so nothing is taken. With half of what circulates taken, the price is
# 15 + T/4 and T = 10 + that: T = 25 / 0.75 = 33.3 > 26, price 23.3. Both are consistent.
TWO = """\
year: [2025, 2026]
supply: [110, 60]
enterprises: {s: {baseline: 100}}
options: {s/a: {enterprise: s, potential: 100, unit_cost: 0, slope: 1}}
instruments: {banking: {}}
concept:
  kind: rule_driven_supply
  rule: {kind: tnac_reserve, lower: 0, upper: 26, rate: 0.5, minimum_intake: 0, release: 0, smoothing_until: null,
    invalid_above: null, first_tnac_year: 2025, opening_reserve: 0, months_in_first_year: 12, whole_allowances: false}
"""
ONE = TWO.replace("upper: 26", "upper: 40")


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARBONSIM_LANG", "en")


def written(folder: Path, text: str) -> Path:
    path = folder / "reserve.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shell_shows_both_prices_and_what_the_rule_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["clear", str(written(tmp_path, TWO)), "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "Equilibria: at least 2; the tables show least withdrawal" in printed
    assert "the intake jumps from 0 to 13" in printed
    assert "residual" in printed
    each = pd.read_csv(tmp_path / "out" / "tables" / "equilibria.csv")
    assert each["equilibrium"].tolist() == ["least_withdrawal"] * 2 + ["greatest_withdrawal"] * 2
    assert each["allowance_price"].tolist() == pytest.approx([15, 15, 70 / 3, 70 / 3], rel=1e-5)
    assert each["supply_change"].tolist() == pytest.approx([0, 0, 0, -50 / 3], rel=1e-5, abs=1e-9)
    rule = pd.read_csv(tmp_path / "out" / "tables" / "supply_rule.csv")
    assert rule["tnac"].tolist() == pytest.approx([25, 0], abs=1e-9)
    assert rule["reserve_intake"].tolist() == [0, 0]


def test_in_chinese_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["clear", str(written(tmp_path, TWO)), "--lang", "zh"]) == 0
    printed = capsys.readouterr().out
    assert "均衡：至少 2 个" in printed
    assert "least_withdrawal" not in printed
    assert "扣减最少" in printed
    assert "扣减最多" in printed


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", "Concept: rule_driven_supply (rule = tnac_reserve (lower = 0, upper = 26, rate = 0.5, "),
        ("zh", "rule = tnac_reserve（lower = 0，upper = 26，rate = 0.5，"),
    ],
)
def test_the_rule_is_printed_with_its_numbers(
    lang: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["clear", str(written(tmp_path, TWO)), "--lang", lang]) == 0
    printed = capsys.readouterr().out
    assert said in printed
    assert "smoothing_until = null" in printed
    assert "whole_allowances = false" in printed


def test_a_notebook_shows_both_prices(tmp_path: Path) -> None:
    market = cs.read_problem(written(tmp_path, TWO)).clear()
    for shown in (repr(market), market._repr_html_()):
        assert "at least 2 equilibria" in shown
        assert "greatest_withdrawal: 23.333" in shown


def test_one_equilibrium_is_said_to_be_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, ONE)
    assert execute(["clear", str(path), "--out", str(tmp_path / "out")]) == 0
    assert "Equilibria: one, reached from no intervention and from the largest" in capsys.readouterr().out
    assert not (tmp_path / "out" / "tables" / "equilibria.csv").exists()
    assert "one equilibrium" in repr(cs.read_problem(path).clear())


def test_a_market_without_a_rule_says_nothing_of_equilibria() -> None:
    market = cs.read_problem("two_firms").clear()
    assert "equilibri" not in repr(market) + market._repr_html_()


def test_what_is_published_can_be_written_as_netcdf(tmp_path: Path) -> None:
    dataset = cs.read_problem(written(tmp_path, TWO)).clear().dataset
    texts = [value for value in dataset.attrs.values() if isinstance(value, str)]
    assert {type(text) for text in texts} == {str}
    empty = [name for name in dataset.variables if 0 in dataset[name].shape]
    dataset.drop_vars(empty).to_netcdf(tmp_path / "reserve.nc", engine="h5netcdf")
