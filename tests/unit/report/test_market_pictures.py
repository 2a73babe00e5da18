"""Pictures of a cleared problem show its numbers: the path, the steps, the band, the curve at every kink."""

import numpy as np
import pytest

import carbonsim as cs
from carbonsim.errors import InputError
from carbonsim.report import market_series
from carbonsim.report.market_enterprises import MOST_ROWS, enterprise_figure, net_costs
from carbonsim.report.market_figures import curve_figure, price_figure

CORRIDOR = {
    "year": [2025, 2026, 2027],
    "enterprises": {"north": {"baseline": 100}},
    "options": {
        "north/a": {"enterprise": "north", "potential": 40, "unit_cost": 20},
        "north/b": {"enterprise": "north", "potential": 30, "unit_cost": 60},
    },
    "instruments": {
        "auction_floor": {"quantity": [90, 60, 20], "price": 25},
        "price_ceiling": {"price": [None, 80, 80]},
    },
}


def test_the_curve_is_exact_before_and_after_every_kink() -> None:
    problem = cs.MarketProblem.from_mapping(
        {
            "year": [2025],
            "enterprises": {"a": {"baseline": 50}, "b": {"baseline": 40}},
            "options": {
                "a/step": {"enterprise": "a", "potential": 10, "unit_cost": 30},
                "b/ramp": {"enterprise": "b", "potential": 20, "unit_cost": 10, "slope": 2},
            },
        }
    )
    curve = market_series.abatement_curve(problem, 2025, "others")
    # The ramp runs from 10 to 10 + 2 * 20 = 50; at 30 it has used 10 t, and the step adds 10 t there.
    assert sorted(set(curve.cost)) == [0.0, 10.0, 30.0, 50.0]
    at_step = curve.total[curve.cost == 30.0]
    assert at_step.tolist() == [10.0, 20.0]
    assert curve.total[-1] == 30.0
    assert set(curve.group) == {"a", "b"}


def test_many_enterprises_are_drawn_as_a_few_and_the_others() -> None:
    firms = {f"firm_{i}": {"baseline": 100} for i in range(12)}
    options = {f"{name}/m": {"enterprise": name, "potential": 10 + i, "unit_cost": i} for i, name in enumerate(firms)}
    problem = cs.MarketProblem.from_mapping({"year": [2025], "enterprises": firms, "options": options})
    curve = market_series.abatement_curve(problem, 2025, "others")
    assert len(curve.group) == market_series.MOST_GROUPS
    assert curve.group[-1] == "others"
    # Nothing is lost in the sum: 12 options of 10 to 21 t.
    assert curve.total[-1] == sum(range(10, 22))


@pytest.mark.slow
def test_the_price_picture_holds_path_floor_and_ceiling_of_the_years_they_exist_in() -> None:
    problem = cs.MarketProblem.from_mapping(CORRIDOR)
    market = cs.clear(problem)
    figure = price_figure(problem, market, lang="en", currency="CNY")
    lines = {str(line.get_label()): line for line in figure.axes[0].get_lines()}
    assert lines["Allowance price"].get_ydata().tolist() == market.dataset.allowance_price.values.tolist()
    assert lines["auction floor"].get_ydata().tolist() == [25.0, 25.0, 25.0]
    ceiling = lines["price ceiling"].get_ydata()
    assert np.isnan(ceiling[0])
    assert ceiling[1:].tolist() == [80.0, 80.0]


@pytest.mark.slow
@pytest.mark.parametrize(("lang", "words"), [("en", "At 12.0 USD/t"), ("zh", "碳价 12.0 USD/吨")])
def test_one_year_is_drawn_as_a_curve_with_its_price_in_the_title(lang: str, words: str) -> None:
    file = cs.read_problem("two_firms")
    figure = cs.plot_market(file.problem, file.clear(), lang=lang, currency="USD")
    assert words in figure.get_suptitle()


@pytest.mark.slow
def test_an_open_price_is_drawn_as_a_band() -> None:
    file = cs.read_problem("two_firms_table")
    figure = curve_figure(file.problem, file.clear(), lang="en", currency="XXX")
    assert "Interval left by the rules" in [str(patch.get_label()) for patch in figure.axes[0].patches]


def test_a_market_of_other_years_is_refused() -> None:
    one, other = cs.read_problem("two_firms"), cs.read_problem("banking")
    with pytest.raises(InputError, match="other years"):
        cs.plot_market(other.problem, one.clear())


def test_a_notebook_shows_price_interval_and_audit() -> None:
    shown = cs.read_problem("two_firms_table").clear()._repr_html_()
    assert "80 to 90" in shown
    assert "all passed" in shown


def test_large_numbers_are_written_in_full_in_a_notebook() -> None:
    firms = {"mill": {"baseline": 17_168_802.9, "fixed": 17_168_802.9}}
    market = cs.clear(cs.MarketProblem.from_mapping({"year": [2025], "enterprises": firms}))
    assert "17,168,803" in market._repr_html_()
    assert "e+" not in market._repr_html_()


def test_a_problem_file_in_place_of_its_problem_is_refused() -> None:
    file = cs.read_problem("two_firms")
    with pytest.raises(InputError, match="plot_market"):
        cs.plot_market(file, file.clear())  # type: ignore[arg-type]


@pytest.mark.slow
def test_the_curve_of_any_year_can_be_drawn() -> None:
    problem = cs.MarketProblem.from_mapping(CORRIDOR)
    market = cs.clear(problem)
    assert "2026" in cs.plot_market(problem, market, year=2026).get_suptitle()
    with pytest.raises(InputError, match="2025 to 2027"):
        cs.plot_market(problem, market, year=2030)


@pytest.mark.slow
@pytest.mark.parametrize(("per_emission", "supply", "off"), [(0.0, 70, False), (0.9, 49, True)])
def test_a_point_off_the_curve_says_why(per_emission: float, supply: float, off: bool) -> None:
    # 90 t less 70 t: b cuts its 10 t at 10 and a the rest, at 30. With 0.9 allowances for each tonne b needs 4 only and
    # feels a tenth of the price, less than 10 at a price of 30: a alone cuts 54 - 49 t, and the curve says 10 and more.
    problem = cs.MarketProblem.from_mapping(
        {
            "year": [2025],
            "supply": supply,
            "enterprises": {"a": {"baseline": 50}, "b": {"baseline": 40, "per_emission": per_emission}},
            "options": {
                "a/m": {"enterprise": "a", "potential": 30, "unit_cost": 30},
                "b/m": {"enterprise": "b", "potential": 10, "unit_cost": 10},
            },
        }
    )
    market = cs.clear(problem)
    assert market.dataset.allowance_price.item() == pytest.approx(30)
    figure = curve_figure(problem, market, lang="en", currency="CNY")
    assert ("off the curve" in figure.axes[0].get_title(loc="right")) is off


def test_the_dearest_option_has_a_height_in_the_curve() -> None:
    curve = market_series.abatement_curve(cs.MarketProblem.from_mapping(CORRIDOR), 2025, "others")
    drawn = market_series.extended(curve, 1.06)
    # 40 t at 20 and 30 t at 60: the 30 t are there from 60 up to the margin.
    assert drawn.cost[-2:].tolist() == pytest.approx([60, 63.6])
    assert drawn.total[-2:].tolist() == [70, 70]


@pytest.mark.slow
def test_who_pays_is_drawn_with_the_numbers_of_the_ledger() -> None:
    firms = {f"firm {i}": {"baseline": 100 + i, "fixed": 100} for i in range(MOST_ROWS + 3)}
    options = {f"{name}/m": {"enterprise": name, "potential": 50, "unit_cost": 10} for name in firms}
    problem = cs.MarketProblem.from_mapping({"year": [2025, 2026], "enterprises": firms, "options": options})
    market = cs.clear(problem)
    costs = net_costs(problem, market)
    # Everything is cut at 10 and allowances cost 10: firm i pays 10 for each of the i tonnes it lacks, in each year.
    assert costs.loc["firm 7"].tolist() == pytest.approx([70, 70])
    assert costs.index[0] == f"firm {MOST_ROWS + 2}"
    figure = enterprise_figure(problem, market, lang="en", currency="CNY")
    axes = figure.axes[0]
    assert len(axes.get_yticks()) == MOST_ROWS
    assert "3 more" in axes.get_title(loc="left")
    assert "160" in {one.get_text() for one in axes.texts}
    assert figure.get_suptitle().startswith(f"2026: firm {MOST_ROWS + 2} pays most (160")
