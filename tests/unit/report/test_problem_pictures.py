"""Every kind of problem has the picture its user looks at first: its finding in the title, no text over other text."""

import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import carbonsim as cs
from carbonsim.market.problem_file import ProblemFile, read_problem
from carbonsim.market.problem_kind import problem_kinds
from carbonsim.report import figures
from carbonsim.report.auction_figure import AWARDED, ladder
from carbonsim.report.linked_figure import largest
from carbonsim.report.problem_figures import PICTURES, pictures_of, save_figures
from carbonsim.report.quantities import wrapped
from carbonsim.report.tree_figure import leaves_below

LONG = "攀枝花钢铁集团有限公司第二炼钢厂转炉车间"
TREE: Mapping[str, Any] = {
    "year": [2025, 2026],
    "supply": [50, 40],
    "interest": 0.05,
    "enterprises": {"north": {"baseline": 100, "fixed": 20}, "south": {"baseline": 60, "fixed": 60}},
    "options": {
        "north/efficiency": {"enterprise": "north", "potential": 20, "unit_cost": 10},
        "south/heat": {"enterprise": "south", "potential": 15, "unit_cost": 25},
        "north/fuel": {"enterprise": "north", "potential": 30, "unit_cost": 40},
    },
    "instruments": {"banking": {}},
    "concept": {
        "kind": "scenario_tree",
        "nodes": {
            "now": {"years": 2025},
            "tight": {"parent": "now", "probability": 0.5, "years": 2026, "changes": {"supply": 30}},
            "loose": {"parent": "now", "probability": 0.5, "years": 2026, "changes": {"supply": 50}},
        },
    },
}


def _small_market(supply: Any, costs: Mapping[int, float], years: list[int]) -> dict[str, Any]:
    options = {f"f/{cost}": {"enterprise": "f", "potential": t, "unit_cost": cost} for cost, t in costs.items()}
    return {"year": years, "supply": supply, "enterprises": {"f": {"baseline": 100}}, "options": options}


def _linked(years: list[int], names: tuple[str, str] = ("hills", "coast")) -> dict[str, Any]:
    # The hills need 30 t (20 t at 10, then 40), the coast 5 t at 25, and a gate lets 4 t through: 40 and 25.
    return {
        "kind": "linked",
        "markets": {
            names[0]: _small_market(70, {10: 20, 40: 30}, years),
            names[1]: _small_market(95, {25: 30}, years),
        },
        "gates": {"road": {"source": names[1], "target": names[0], "limit": 4}},
    }


AWKWARD: Mapping[str, Mapping[str, Any]] = {
    "one_bid": {"kind": "auction", "supply": 60, "reserve_price": 15, "bids": {LONG: {"price": 50, "quantity": 30}}},
    "many_bids": {
        "kind": "auction", "supply": 900, "reserve_price": 15, "pricing": "pay_as_bid",
        "bids": {f"{LONG}{i}": {"price": 5 + 2 * i, "quantity": 10 + 7 * (i % 9)} for i in range(60)},
    },
    "one_month": {
        "kind": "desk", "month": [f"{LONG}履约月"], "obligation": 100, "opening_holdings": 60, "allowance_price": 50,
        "fine": 300, "credit_line": 1000,
    },
    "two_years_of_months": {
        "kind": "desk", "month": [f"20{y}-{m:02d}" for y in (26, 27) for m in range(1, 13)], "obligation": 10000,
        "allowance_price": [50 + 7 * i % 13 for i in range(24)], "volume_limit": 700, "credit_price": 40,
        "credit_limit": 0.05, "credit_volume_limit": 100,
    },
    "links_of_a_year": _linked([2025], (f"{LONG}一", f"{LONG}二")),
    "links_over_years": _linked([2025, 2026, 2027], (f"{LONG}一", f"{LONG}二")),
    "producers": {
        "kind": "output", "year": [2025], "goods": {"电力": {"intercept": 1000, "slope": 0.001}},
        "producers": {
            f"{LONG}{i}": {"good": "电力", "pool": f"全国{i % 2}", "intensity": 1 - 0.05 * i, "unit_cost": 200 + 10 * i,
                           "supply_slope": 0.002}
            for i in range(12)
        },
        "pools": {"全国0": {"policy": "cap", "cap": 150000}, "全国1": {"policy": "cap", "cap": 150000}},
    },
    "enterprises": {
        "year": [2025], "supply": 300,
        "enterprises": {f"{LONG}{i}": {"baseline": 100 + i * 10, "fixed": 130 - 5 * i} for i in range(20)},
        "options": {f"o/{i}": {"enterprise": f"{LONG}{i}", "potential": 100, "unit_cost": 10 + i} for i in range(20)},
    },
    "tree": {
        **TREE,
        "concept": {
            "kind": "scenario_tree",
            "nodes": {"now": {"years": 2025}} | {
                f"{LONG}{i}": {"parent": "now", "probability": 0.125, "years": 2026, "changes": {"supply": 21 + 5 * i}}
                for i in range(8)
            },
        },
    },
}  # fmt: skip


def written(tmp_path: Path, mapping: Mapping[str, Any], name: str = "problem") -> ProblemFile:
    path = tmp_path / f"{name}.yaml"
    # JSON is YAML without aliases, which problem files do not have.
    path.write_text(json.dumps(mapping, ensure_ascii=False), encoding="utf-8")
    return read_problem(str(path))


def pictures(file: ProblemFile, lang: str = "en") -> Mapping[str, Any]:
    return pictures_of(file, file.clear(), lang="zh" if lang == "zh" else "en")


def titles(file: ProblemFile, lang: str = "en") -> dict[str, str]:
    return {name: " ".join(figure.get_suptitle().split()) for name, figure in pictures(file, lang).items()}


def test_every_kind_of_problem_has_pictures() -> None:
    assert set(PICTURES) == set(problem_kinds)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("problem", "names"),
    [
        ("auction_80", {"auction"}), ("desk_seller", {"desk"}), ("linked_half_rate", {"linked"}),
        ("output_cap", {"output"}), ("two_firms", {"curve", "enterprises"}),
    ],
)  # fmt: skip
def test_a_folder_holds_the_pictures_of_its_kind_as_png_and_svg_byte_for_byte_again(
    problem: str, names: set[str], tmp_path: Path
) -> None:
    file = read_problem(problem)
    cleared = file.clear()
    for folder in ("one", "two"):
        assert set(save_figures(file, cleared, tmp_path / folder, lang="zh", note="")) == names
    files = {path.name for path in (tmp_path / "one").iterdir()}
    assert files == {f"{name}.{form}" for name in names for form in ("png", "svg")}
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize(
    ("problem", "english", "chinese"),
    [
        # 30 and 40 + 20 t bid 50 and 45 for 80 t: the last tonne goes at 45.
        ("auction_80", "All 80.0 t CO₂e are sold at 45.0 money units/t", "全部售出，成交价 45.0"),
        # 30 + 40 + 20 + 50 + 60 = 200 t are bid at the reserve price of 15 or more.
        ("auction_250", "200 of 250 t CO₂e are sold at the reserve price of 15.0", "成交价为保留价 15.0"),
        # 10 + 1.5 s = 100 - s: s = 36.
        ("desk_seller", "Sell 36.0 t CO₂e, carry over 64.0 t CO₂e by 2026-12; no cash is needed", "结转64.0"),
        # f = 12/7, the prices are 40/7 and 80/7.
        ("linked_half_rate", "from 5.71 (east) to 11.4 money units/t (west); 1.71 t CO₂e pass east → west", "5.71"),
        # Without policy 1290.6 t; 1032.5 t are 80 % of them.
        ("output_cap", "2025: emissions fall by 20.0% to 1.03 kt CO₂e, at 14.8 money units/t", "下降20.0%至1,033"),
        ("output_no_policy", "No policy in 2025: 1.29 kt CO₂e are emitted", "2025年无政策：排放1,291"),
    ],
)
def test_the_title_says_the_finding(problem: str, english: str, chinese: str) -> None:
    file = read_problem(problem)
    assert english in next(iter(titles(file).values()))
    assert chinese in next(iter(titles(file, "zh").values()))


def test_a_tree_says_what_is_expected_and_between_which_ends(tmp_path: Path) -> None:
    # (40 + 25) / 2 = 32.5 in 2026, and 32.5 / 1.05 = 30.95 now.
    file = written(tmp_path, TREE)
    assert titles(file) == {"tree": "From 31.0 now to an expected 32.5 CNY/t in 2026, between 25.0 and 40.0"}
    assert titles(file, "zh") == {"tree": "碳价现为 31.0，2026年期望为 32.5 元/吨；各分支在 25.0 至 40.0 之间"}


def test_branches_of_a_tree_are_as_wide_as_they_are_likely(tmp_path: Path) -> None:
    uneven = {**TREE, "concept": {**TREE["concept"], "nodes": {**TREE["concept"]["nodes"]}}}
    uneven["concept"]["nodes"]["tight"] = {**TREE["concept"]["nodes"]["tight"], "probability": 0.2}
    uneven["concept"]["nodes"]["loose"] = {**TREE["concept"]["nodes"]["loose"], "probability": 0.8}
    lines = {str(line.get_label()): line for line in pictures(written(tmp_path, uneven))["tree"].axes[0].get_lines()}
    tight = next(line for label, line in lines.items() if label.startswith("tight (20.0%)"))
    loose = next(line for label, line in lines.items() if label.startswith("loose (80.0%)"))
    assert tight.get_linewidth() < loose.get_linewidth()
    assert lines["Expected price"].get_linestyle() == "--"


def test_a_tree_is_what_plot_market_draws_of_a_tree(tmp_path: Path) -> None:
    file = written(tmp_path, TREE)
    market = file.clear()
    assert cs.plot_market(file.problem, market).get_suptitle().startswith("From 31.0 now")
    with pytest.raises(cs.InputError, match="leave year out"):
        cs.plot_market(file.problem, market, year=2026)


def test_the_ends_of_all_branches_through_a_node_are_known() -> None:
    #   0 - 1 - 3
    #     \ 2 - 4, 5
    assert leaves_below([-1, 0, 0, 1, 2, 2]) == [[3, 4, 5], [3], [4, 5], [3], [4], [5]]


def test_the_ladder_descends_and_what_does_not_count_stands_behind_it() -> None:
    file = read_problem("auction_80")
    rungs = ladder(file.problem, file.clear().dataset)
    assert [(one.name, one.left, one.width, one.counts) for one in rungs] == [
        ("A", 0, 30, True), ("B", 30, 40, True), ("C", 70, 20, True), ("D", 90, 50, True), ("E", 140, 60, True),
        ("F", 200, 100, False),
    ]  # fmt: skip
    # 50 t are left at 45 for 60 t: B and C get five sixths.
    assert [one.award for one in rungs] == pytest.approx([30, 40 * 5 / 6, 20 * 5 / 6, 0, 0, 0])


def test_the_awarded_part_of_the_bids_is_coloured() -> None:
    import matplotlib.colors

    axes = pictures(read_problem("auction_80"))["auction"].axes[0]
    colour = matplotlib.colors.to_rgba(AWARDED)
    widths = [patch.get_width() for patch in axes.patches if patch.get_fill() and patch.get_facecolor() == colour]
    assert sum(widths) == pytest.approx(80)


def test_gates_over_years_are_bars_and_a_single_year_has_rows(tmp_path: Path) -> None:
    top, below = pictures(written(tmp_path, _linked([2025, 2026]), "two"))["linked"].axes
    assert [float(patch.get_height()) for patch in below.patches] == pytest.approx([4, 4])
    prices = {str(line.get_label()): line.get_ydata().tolist() for line in top.get_lines()}
    assert prices["hills"] == pytest.approx([40, 40])
    assert prices["coast"] == pytest.approx([25, 25])
    top, below = pictures(written(tmp_path, _linked([2025]), "one"))["linked"].axes
    assert [float(patch.get_width()) for patch in top.patches] == pytest.approx([40, 25])
    assert [tick.get_text() for tick in below.get_yticklabels()] == ["coast → hills"]


def test_of_many_rows_the_largest_are_drawn_in_their_order() -> None:
    assert largest(np.array([5.0, 1.0, np.nan, *range(10, 17)])) == [0, *range(3, 10)]


def test_pairs_show_emissions_and_output_with_and_without_the_policy() -> None:
    left, right = pictures(read_problem("output_cap"))["output"].axes
    # Without policy coal makes 1258.06 and gas 238.71 units, at 0.95 and 0.4 t each: 1.195 and 0.0955 kt.
    assert [patch.get_width() for patch in left.patches][:2] == pytest.approx([1.19516129, 0.09548387])
    made = [1258.0645161, 238.7096774, 994.6293628, 331.5841743]
    assert [patch.get_width() for patch in right.patches] == pytest.approx(made)


def test_who_pays_in_a_single_year_is_drawn_as_bars_that_fill_the_width() -> None:
    axes = pictures(read_problem("two_firms"))["enterprises"].axes[0]
    widths = [patch.get_width() for patch in axes.patches]
    # Two enterprises cut 12 t and 6 t at slopes 1 and 2, to 12: areas of 72 and 36.
    assert widths == pytest.approx([72, 36])
    assert max(widths) > 0.8 * axes.get_xlim()[1]


def test_a_title_is_not_broken_inside_a_number() -> None:
    # 20 columns end behind "1,5"; the colon is the last place to break before them.
    assert wrapped("buy 5 t of it; for 1,500 CNY", 20).splitlines() == ["buy 5 t of it;", "for 1,500 CNY"]


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", AWKWARD)
def test_no_text_of_a_picture_runs_over_another(name: str, lang: str, tmp_path: Path) -> None:
    for figure in pictures(written(tmp_path, AWKWARD[name], name), lang).values():
        with figures.style():
            figure.draw_without_rendering()
            boxes = dict(_texts(figure))
        assert len(boxes) > 3
        crowded = [(a, b) for (a, one), (b, two) in itertools.combinations(boxes.items(), 2) if one.overlaps(two)]
        assert not crowded
        whole = figure.bbox
        outside = [text for text, box in boxes.items() if box.x0 < whole.x0 or box.x1 > whole.x1]
        assert not outside


def _texts(figure: Any) -> list[tuple[tuple[str, int], Any]]:
    """Every text that is drawn with its place in pixels, a pixel less on each side."""
    from matplotlib.text import Text

    hidden = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                # matplotlib keeps ticks beyond the ends of an axis and does not draw them.
                if not low - 1e-9 <= tick.get_loc() <= high + 1e-9 or not axis.get_visible():
                    hidden |= {id(tick.label1), id(tick.label2)}
    shown = [one for one in figure.findobj(Text) if one.get_visible() and one.get_text().strip()]
    drawn = [one for one in shown if id(one) not in hidden]
    return [((one.get_text(), number), one.get_window_extent().padded(-1)) for number, one in enumerate(drawn)]
