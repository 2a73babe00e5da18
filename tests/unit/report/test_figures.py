"""Figures draw in both languages without a warning, the same bytes each time, and say what they must say."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.text import Text
from report_builder import build_dataset

from carbonsim.errors import InputError
from carbonsim.report import figures

NAMES = ("price_path", "supply_and_demand", "coverage_steps", "mac_curve", "pressure_heatmap", "allowance_position",
         "emissions_path", "compare_prices")  # fmt: skip


@pytest.fixture(scope="module")
def dataset():
    return build_dataset()


def drawn(dataset, name, lang):
    """A figure whose texts have found their places."""
    figure = figures.draw(dataset, name, lang=lang)
    with figures.style():
        figure.draw_without_rendering()
    return figure


def words(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", NAMES)
def test_every_figure_carries_title_source_year_of_money_and_notice(dataset, name, lang):
    figure = figures.draw(dataset, name, lang=lang)
    notice = "示意企业" if lang == "zh" else "Illustrative enterprises"
    assert notice in words(figure)
    assert figure.get_suptitle()
    assert "carbonsim" in figure.get_supxlabel()
    assert "2025" in figure.get_supxlabel()


@pytest.mark.parametrize("name", NAMES)
def test_no_notice_where_the_enterprises_are_real(name):
    real = build_dataset().assign_attrs(illustrative=0)
    assert not [word for word in words(figures.draw(real, name)) if "示意" in word]


def test_chinese_text_uses_the_packaged_font(dataset):
    figure = figures.draw(dataset, "coverage_steps", lang="zh")
    found = [text for text in figure.findobj(Text) if "电力" in text.get_text()]
    assert found
    assert all("Noto Sans SC" in text.get_fontfamily() for text in found)


def test_drawing_leaves_global_settings_alone(dataset):
    before = dict(mpl.rcParams)
    figures.render(figures.draw(dataset, "price_path"), "png")
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("form", ["svg", "png"])
def test_same_input_gives_the_same_bytes(dataset, form):
    first, second = (figures.render(figures.draw(dataset, "mac_curve"), form) for _ in range(2))
    assert first == second


def test_svg_is_well_formed_has_no_date_and_no_font(dataset):
    svg = figures.render(figures.draw(dataset, "price_path"), "svg").decode()
    ET.fromstring(svg)  # noqa: S314  our own drawing
    assert "dc:date" not in svg
    assert "<text" not in svg
    assert not re.search(r"\b20\d\d-\d\d-\d\d", svg)


def test_labels_of_a_bar_do_not_overlap():
    figure = drawn(build_dataset(local=30), "allowance_position", "en")
    ticks = figure.axes[0].get_yticklabels()
    boxes = [tick.get_window_extent() for tick in ticks]
    assert not any(a.overlaps(b) for a, b in pairwise(boxes))


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_entry_labels_of_neighbouring_years_do_not_overlap(lang):
    figure = drawn(build_dataset(years=range(2024, 2036)), "price_path", lang)
    boxes = [text.get_window_extent() for text in figure.axes[1].texts[1:]]
    assert not any(a.overlaps(b) for a, b in pairwise(boxes))


@pytest.mark.parametrize("name", NAMES)
def test_title_stays_clear_of_the_notice(name):
    figure = drawn(build_dataset(years=range(2024, 2036)), name, "en")
    badge = next(text for text in figure.texts if text.get_text() == "Illustrative enterprises")
    assert not figure._suptitle.get_window_extent().overlaps(badge.get_window_extent())


def test_undetermined_prices_are_drawn_as_intervals_and_named(dataset):
    nowhere = dataset.copy(deep=True)
    nowhere["allowance_price"][:] = np.nan
    nowhere["price_low"][:], nowhere["price_high"][:] = 0.0, np.inf
    figure = figures.draw(nowhere, "price_path", lang="en")
    assert "undetermined" in figure.get_suptitle()
    assert "Interval left by the rules" in words(figure)
    for name in NAMES:
        drawn(nowhere, name, "zh")


def test_missing_indicator_is_hatched_and_named_not_zero(dataset):
    poor = dataset.copy(deep=True)
    poor["value_added"][:] = np.where(
        poor["sector"].values == "steel",
        -1.0,
        poor["value_added"].transpose(..., "enterprise", "year").values.swapaxes(-1, -2),
    ).swapaxes(-1, -2)
    figure = figures.draw(poor, "pressure_heatmap", lang="en")
    assert "not computed" in words(figure)
    assert "not covered" in words(figure)


def test_money_indicator_says_its_unit(dataset):
    figure = figures.pressure_heatmap(dataset, lang="zh", indicator="net_compliance_cost")
    assert any("元)" in word for word in words(figure))


def test_market_without_bank_reserve_or_abatement_still_draws():
    bare = build_dataset(("one",), local=3, years=[2024, 2025]).copy(deep=True)
    for name in (
        "bank",
        "supply_reserve",
        "option_potential",
        "option_abatement",
        "obligation_share",
        "supply_auction",
    ):
        bare[name][:] = 0.0
    for name in figures.available(bare):
        drawn(bare, name, "zh")


def test_unknown_names_are_refused_with_a_suggestion(dataset):
    with pytest.raises(InputError, match="price_path"):
        figures.draw(dataset, "price_pat")
    with pytest.raises(InputError, match="faster"):
        figures.draw(dataset, "price_path", scenario="fastr")
    with pytest.raises(InputError, match="zh or en"):
        figures.save(dataset, "price_path", None, lang="fr")


def test_save_writes_vector_and_raster(dataset, tmp_path):
    figures.save(dataset, "emissions_path", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["emissions_path.png", "emissions_path.svg"]


def test_comparison_needs_two_scenarios():
    assert "compare_prices" not in figures.available(build_dataset(("one",)))
    assert "compare_prices" in figures.available(build_dataset(("one", "two")))
