"""The picture of uncertainty: sources of the variance and totals with their intervals, in both languages."""

import sys
from pathlib import Path

import pytest
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).parents[1] / "accounting"))
from uncertainty_builders import Row, inventory, stated

from carbonsim.accounting.uncertainty import Uncertainty, propagate
from carbonsim.report import uncertainty_drawing as drawing


def result(sites: int = 20, **options: object) -> Uncertainty:
    rows = [
        Row("coal", [100.0 - n, 90.0], {"carbon_content": (1.0, "steel_2024:coke/carbon_content")},
            facility=f"site_{n}", enterprise=f"firm_{n}")
        for n in range(sites)
    ]  # fmt: skip
    rows.append(Row("tar", [5000.0, 5000.0], {"carbon_content": 1.0}, facility="silent", enterprise="silent"))
    table = stated(
        {"term": "quantity", "stream": "coal", "half_width": 0.05},
        {"term": "carbon_content", "factor": "coke", "half_width": 0.02},
    )
    return propagate(inventory(rows), table, **options)  # type: ignore[arg-type]


def panels(of: Uncertainty, lang: str, **options: object) -> tuple[list[str], list[str], list[str]]:
    """Names of the sources, names of the groups, and everything written beside the bars."""
    left, right = Figure().subplots(1, 2)
    drawing.contribution_bars(left, of, lang, **options)  # type: ignore[arg-type]
    drawing.total_bars(right, of, lang)  # type: ignore[arg-type]
    names = [[tick.get_text() for tick in axes.get_yticklabels()] for axes in (left, right)]
    return names[0], names[1], [text.get_text() for axes in (left, right) for text in axes.texts]


@pytest.mark.parametrize(
    ("lang", "factor", "rest", "silent"),
    [
        ("zh", "焦炭 · 单位热值含碳量", "其余9项", "未给出不确定度"),
        ("en", "焦炭 · carbon content", "9 others", "not stated"),
    ],
)
def test_the_largest_sources_and_the_sum_of_the_others(lang: str, factor: str, rest: str, silent: str) -> None:
    sources, groups, written = panels(result(), lang, names={"steel_2024:coke": "焦炭"})
    # One shared factor and 20 quantities: twelve of the 21 are shown.
    assert len(sources) == 13
    assert sources[0] == factor
    assert sources[-1] == rest
    assert groups[0] == "silent"
    assert silent in written


def test_shares_written_beside_the_bars_add_up() -> None:
    axes = Figure().subplots()
    drawing.contribution_bars(axes, result(sites=3), "en")
    assert sum(float(text.get_text()) for text in axes.texts) == pytest.approx(100, abs=0.5)


def test_table_sets_are_named_where_two_factors_would_read_alike() -> None:
    rows = [Row(name, [100.0], {"carbon_content": (1.0, f"{name}:coke/carbon_content")}) for name in ("old", "new")]
    same = propagate(inventory(rows), stated({"term": "carbon_content", "half_width": 0.02}))
    sources, _, _ = panels(same, "en")
    assert sources == ["new:coke · carbon content", "old:coke · carbon content"]


def test_the_trend_has_a_picture_of_its_own() -> None:
    axes = Figure().subplots()
    drawing.contribution_bars(axes, result(sites=3), "zh", of="trend")
    assert axes.get_title(loc="left") == "2024—2025年变化的方差构成 (%)"


def test_message_and_foot_in_both_languages() -> None:
    # A hundred sites of 100 t or less on 2 % of coke and 5 % of their own: the shared factor dominates.
    many = result(sites=100, approach="monte_carlo", seed=1, draws=100)
    assert "of the variance comes from" in drawing.message(many, "en")
    assert "的方差来自" in drawing.message(many, "zh")
    # 5,000 t of 9,000 + 5,000 t in 2025 are tar, of which nothing is stated: 35.7 %.
    assert "35.7% of tonnes carry no stated uncertainty" in drawing.foot(many, "en")
    assert "蒙特卡洛（方法2，100次）" in drawing.foot(many, "zh")


def test_an_inventory_of_which_nothing_is_stated_says_so() -> None:
    rows = [Row("coal", [100.0]), Row("power", [10.0], scope=2)]
    nothing = propagate(inventory(rows), stated({"term": "quantity", "stream": "power", "half_width": 0.05}))
    assert "no uncertainty of it is stated" in drawing.message(nothing, "en")
    assert panels(nothing, "en")[0] == []
