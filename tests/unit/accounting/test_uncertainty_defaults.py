"""Published uncertainties: of table values only, weaker than any statement, and held by every distribution."""

import math

import pytest
from uncertainty_builders import Row, inventory, stated

from carbonsim.accounting.uncertainty import Uncertainty, propagate
from carbonsim.errors import InputError
from carbonsim.inputs.factor_uncertainty import default_uncertainty
from carbonsim.inputs.factors import packaged_factors
from carbonsim.inputs.terms import TERMS

ID = "guides:coal/carbon_content"
TABLE = {"carbon_content": (2.0, ID)}
PUBLISHED = {"term": "carbon_content", "factor": "guides:coal", "half_width": 0.2, "years_correlated": "yes",
             "shared": "yes"}  # fmt: skip


def site(name: str, terms: object, amount: float = 50.0) -> Row:
    return Row("coal", [amount], terms, facility=name, enterprise=name, factor="guides:coal")  # type: ignore[arg-type]


def width(result: Uncertainty, group: str = "total") -> float:
    return float(result.dataset["relative_half_width"].sel(group=group, year=2024))


def test_a_published_interval_is_not_that_of_a_measured_value() -> None:
    # One site takes the table's value, the other measured it: 20 % of 100 t out of 200 t.
    rows = [site("taken", TABLE), site("measured", {"carbon_content": 2.0})]
    result = propagate(inventory(rows), stated(), defaults=stated(PUBLISHED))
    assert width(result, "taken") == pytest.approx(0.2)
    assert width(result) == pytest.approx(0.1)
    assert float(result.dataset["unstated_share"].sel(group="measured", year=2024)) == 1.0
    frame = result.unstated().set_index("stream")
    assert frame.loc["measured/coal", "missing"] == "carbon_content, quantity"
    assert frame.loc["taken/coal", "missing"] == "quantity"


def test_nothing_stated_is_no_interval_in_words() -> None:
    result = propagate(inventory([site("measured", {"carbon_content": 2.0})]), stated(), defaults=stated(PUBLISHED))
    assert result.dataset.sizes["source"] == 0
    assert "no interval" in result.text()
    assert "没有区间" in result.text("zh")
    assert "± 0" not in result.text()


def test_a_row_that_names_a_factor_is_about_the_value_of_the_table() -> None:
    rows = [site("taken", TABLE), site("measured", {"carbon_content": 2.0})]
    one = {"term": "carbon_content", "factor": "coal", "half_width": 0.1}
    result = propagate(inventory(rows), stated(one))
    assert width(result, "taken") == pytest.approx(0.1)
    assert float(result.dataset["unstated_share"].sel(group="measured", year=2024)) == 1.0
    # With the facility or the stream the row is about what stands there.
    for where in ({"facility": "measured"}, {"stream": "coal"}):
        result = propagate(inventory(rows), stated({**one, **where}))
        assert width(result, "measured") == pytest.approx(0.1)


def test_the_quantity_of_a_factor_may_be_stated_for_all_its_streams() -> None:
    # A quantity is in no table, so that the factor can only say which streams are meant.
    result = propagate(
        inventory([site("measured", {"carbon_content": 2.0})]),
        stated({"term": "quantity", "factor": "coal", "half_width": 0.1}),
    )
    assert width(result) == pytest.approx(0.1)


def test_a_factor_whose_value_everybody_measured_is_told_as_such() -> None:
    with pytest.raises(InputError) as caught:
        propagate(
            inventory([site("measured", {"carbon_content": 2.0})]),
            stated({"term": "carbon_content", "factor": "coal", "half_width": 0.1}),
        )
    assert "own values" in caught.value.text()
    assert "facility or stream" in caught.value.text()
    assert "实测" in caught.value.text("zh")


# A default and a statement about one value


def test_the_default_of_a_shared_value_gives_way_to_what_one_site_states() -> None:
    rows = [site("a", TABLE), site("b", TABLE), site("c", TABLE)]
    mine = {"term": "carbon_content", "facility": "a", "half_width": 0.03}
    result = propagate(inventory(rows), stated(mine), defaults=stated(PUBLISHED))
    # One value, one error: 3 % everywhere, and it does not average out.
    for group in ("a", "b", "c", "total"):
        assert width(result, group) == pytest.approx(0.03)
    assert result.dataset["source"].values.tolist() == [ID]


def test_a_site_s_own_deviation_leaves_the_default_to_the_others() -> None:
    rows = [site("a", TABLE), site("b", TABLE)]
    mine = {"term": "carbon_content", "facility": "a", "half_width": 0.03, "shared": "no"}
    result = propagate(inventory(rows), stated(mine), defaults=stated(PUBLISHED))
    assert width(result, "a") == pytest.approx(0.03)
    assert width(result, "b") == pytest.approx(0.2)
    # 100 t each: sqrt(3^2 + 20^2) / 200.
    assert width(result) == pytest.approx(math.sqrt(409) / 200)


def test_two_statements_of_the_user_about_one_value_are_refused_only_if_they_differ() -> None:
    rows = [site("a", TABLE), site("b", TABLE), site("c", TABLE)]
    one, other = ({"term": "carbon_content", "facility": name, "half_width": 0.03} for name in "ab")
    result = propagate(inventory(rows), stated(one, other), defaults=stated(PUBLISHED))
    assert width(result) == pytest.approx(0.03)
    with pytest.raises(InputError) as caught:
        propagate(inventory(rows), stated(one, {**other, "half_width": 0.04}), defaults=stated(PUBLISHED))
    (issue,) = caught.value.issues
    assert issue.code == "uncertainty-twice"
    assert "facility a" in issue.message
    assert "facility b" in issue.message
    # Fully correlated here and drawn anew each year there are two things as well.
    with pytest.raises(InputError, match="uncertainty-twice"):
        propagate(inventory(rows), stated(one, {**other, "years_correlated": "no"}), defaults=stated(PUBLISHED))


# Defaults that cannot be held


@pytest.mark.parametrize(
    "cells",
    [
        {"half_width": 5.0, "distribution": "lognormal"},
        {"half_width": -1.0},
        {"half_width": 0.1, "distribution": "gaussian"},
    ],
)
def test_a_default_that_is_refused_is_never_a_row_of_the_user(cells: dict[str, object]) -> None:
    with pytest.raises(InputError) as caught:
        propagate(inventory([site("a", TABLE)]), stated(), defaults=stated({**PUBLISHED, **cells}))
    for issue in caught.value.issues:
        assert issue.row is None
        assert issue.source != "uncertainty"
        assert "the library's default for 'guides:coal' (carbon_content)" in issue.message
        assert "因子库对“guides:coal”（carbon_content）的默认值" in issue.message_zh
        assert "State your own" in issue.hint
        assert "请自行给出" in issue.hint_zh


def test_two_defaults_of_one_value_are_refused_by_name() -> None:
    with pytest.raises(InputError) as caught:
        propagate(inventory([site("a", TABLE)]), stated(), defaults=stated(PUBLISHED, PUBLISHED))
    (issue,) = caught.value.issues
    assert issue.row is None
    assert "twice" in issue.message
    assert "row" not in issue.message


def test_every_packaged_default_can_be_held() -> None:
    factors = packaged_factors()
    table = default_uncertainty(factors)
    values = {(f"{row.table_set}:{row.fuel}", term): getattr(row, term) for row in factors.fuels.itertuples()
              for term in ("net_calorific_value", "carbon_content", "oxidation")}  # fmt: skip
    listed = dict(zip(factors.process["factor"], factors.process["value"], strict=True))
    rows = []
    for number, one in enumerate(table.itertuples()):
        # Of a gas per heat any value will do: the term has no bound but zero.
        value = values.get((one.factor, one.term), listed.get(one.factor, 1e-5))
        assert value > 0
        assert one.term == "gas_factor" or TERMS[one.term].upper is None or value <= TERMS[one.term].upper
        rows.append(Row(f"s{number}", [1.0], {one.term: (float(value), f"{one.factor}/{one.term}")}))
    result = propagate(inventory(rows), stated(), defaults=table, by="stream")
    assert result.dataset.sizes["source"] == len(table) > 100
    shown = result.dataset["source_half_width"].to_series().set_axis(result.dataset["source"].values)
    for one in table.itertuples():
        assert shown[f"{one.factor}/{one.term}"] == one.half_width
