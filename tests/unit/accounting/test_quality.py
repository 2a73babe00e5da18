"""Classes of source streams follow the monitoring regulation; tonnes are shared out by tier, basis and class."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quality_builder import emitting, inventory

from carbonsim.accounting.quality import DE_MINIMIS, MINOR, ClassLimit, quality_summary, stream_classes
from carbonsim.errors import InputError


def classes(streams: list[dict[str, Any]], **options: Any) -> dict[str, str]:
    found = stream_classes(inventory(streams), **options)
    return dict(zip(found["stream"], found["stream_class"], strict=True))


def test_a_small_site_is_classed_by_the_tonnes() -> None:
    # Total 13 300 t: 2 % is 266 t, so 1 000 t count; 10 % is 1 330 t, so 5 000 t count (article 19(3)).
    # From the smallest: 300 + 600 = 900 < 1 000, the next would be past it; 2 000 + 2 400 = 4 400 < 5 000.
    streams = [
        emitting("a", 300.0), emitting("b", 600.0), emitting("c", 2000.0), emitting("d", 2400.0), emitting("e", 8000.0),
    ]  # fmt: skip
    assert classes(streams) == {"a": "de_minimis", "b": "de_minimis", "c": "minor", "d": "minor", "e": "major"}


def test_a_middling_site_is_classed_by_the_shares() -> None:
    # Total 400 000 t: 2 % is 8 000 t, 10 % is 40 000 t. 7 000 < 8 000; 33 000 < 40 000; 360 000 is major.
    assert classes([emitting("a", 7000.0), emitting("b", 33_000.0), emitting("c", 360_000.0)]) == {
        "a": "de_minimis", "b": "minor", "c": "major",
    }  # fmt: skip


def test_a_large_site_is_classed_by_the_ceilings() -> None:
    # Total 5 000 000 t: 2 % would be 100 000 t, capped at 20 000; 10 % would be 500 000 t, capped at 100 000.
    streams = [
        emitting("a", 19_999.0), emitting("b", 30_001.0), emitting("c", 110_000.0), emitting("d", 4_840_000.0),
    ]  # fmt: skip
    assert classes(streams) == {"a": "de_minimis", "b": "minor", "c": "major", "d": "major"}


def test_the_limit_itself_is_not_below_the_limit() -> None:
    assert classes([emitting("a", 1000.0), emitting("b", 9000.0)])["a"] == "minor"


def test_product_carbon_counts_by_its_absolute_value() -> None:
    gone = {"stream": "steel", "method": "product_output", "quantity": 30_000.0}
    gone["components"] = ({"gas": "CO2", "sign": -1.0, "constant": 1.0, "terms": {}},)
    found = stream_classes(inventory([emitting("coal", 70_000.0), gone])).set_index("stream")
    # 30 000 of 70 000 + 30 000
    assert found.loc["steel", "share"] == pytest.approx(0.3)
    assert found.loc["steel", "emissions_co2e"] == -30_000.0
    assert found.loc["steel", "stream_class"] == "major"


def test_co2_handed_on_is_in_no_class_and_in_no_total() -> None:
    captured = emitting("pipe", 40_000.0, method="co2_transferred")
    found = stream_classes(inventory([emitting("coal", 90_000.0), emitting("oil", 1500.0), captured]))
    found = found.set_index("stream")
    assert found.loc["pipe", "stream_class"] == "transferred"
    assert found.loc["oil", "share"] == pytest.approx(1500 / 91_500)


def test_months_of_a_stream_are_one_stream() -> None:
    months = [emitting("coal", 600.0, month=month) for month in (1, 2)]
    found = stream_classes(inventory([*months, emitting("oil", 90_000.0)])).set_index("stream")
    assert found.loc["coal", "size"] == 1200.0
    assert found.loc["coal", "rank"] == 2


def test_scope_two_is_not_classed() -> None:
    power = emitting("power", 5000.0, scope=2)
    assert set(classes([emitting("coal", 9000.0), power])) == {"coal"}


def test_a_year_without_a_row_has_no_class() -> None:
    found = stream_classes(inventory([emitting("coal", [9000.0, None])], years=(2023, 2024)))
    assert found["year"].tolist() == [2023]


def test_groups_do_not_mix() -> None:
    streams = [
        emitting("coal", 900.0, facility="f"), emitting("oil", 900.0, facility="g"),
        emitting("gas", 90_000.0, facility="g"),
    ]  # fmt: skip
    by_site = stream_classes(inventory(streams), by="facility").set_index("stream")["stream_class"]
    assert by_site.to_dict() == {"coal": "de_minimis", "oil": "de_minimis", "gas": "major"}
    # One enterprise: 2 % of 91 800 t is 1 836 t; 900 + 900 = 1 800 t.
    assert set(classes(streams)) == {"coal", "oil", "gas"}
    assert classes(streams)["oil"] == "de_minimis"


def test_own_limits_may_be_given() -> None:
    strict = ClassLimit(0.0, 0.0, 0.0)
    assert classes([emitting("a", 1.0)], de_minimis=strict, minor=strict) == {"a": "major"}
    with pytest.raises(InputError) as caught:
        stream_classes(inventory([emitting("a", 1.0)]), de_minimis=MINOR, minor=DE_MINIMIS)
    assert "rising order" in caught.value.text()
    assert "从低到高" in caught.value.text("zh")


def test_the_table_says_that_china_has_no_classes() -> None:
    found = stream_classes(inventory([emitting("a", 1.0)]))
    assert "Chinese guidelines have no classes" in found.attrs["note_en"]
    assert found.attrs["source"] == "eu-2018-2066"


def test_tonnes_are_shared_by_tier_basis_and_substitution() -> None:
    streams = [
        emitting("coal", 75_000.0, tier="measured", activity_basis="statistic", factor_basis="statistic"),
        emitting("oil", 25_000.0, tier="default", activity_basis="assumption", substituted=True),
    ]
    found = quality_summary(inventory(streams)).xs(("e", 2024))
    assert found.loc[("tier", "measured"), "share"] == pytest.approx(0.75)
    assert found.loc[("basis", "assumption"), "tonnes"] == 25_000.0
    assert found.loc[("basis", "statistic"), "share"] == pytest.approx(0.75)
    assert found.loc[("substituted", "substituted"), "share"] == pytest.approx(0.25)
    assert found.loc[("class", "major"), "streams"] == 2


SIZES = st.lists(st.floats(0, 1e6), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(SIZES)
def test_each_class_stays_below_its_limit_and_larger_streams_are_never_below_smaller_ones(sizes: list[float]) -> None:
    streams = [emitting(f"s{place:02}", size) for place, size in enumerate(sizes)]
    found = stream_classes(inventory(streams))
    total = sum(sizes)
    for name, limit in (("de_minimis", DE_MINIMIS), ("minor", MINOR)):
        own = found.loc[found["stream_class"] == name, "size"].sum()
        assert own < max(limit.tonnes, min(limit.share * total, limit.ceiling)) or own == 0
    order = found.sort_values("rank", ascending=False)["stream_class"].map({"de_minimis": 0, "minor": 1, "major": 2})
    assert order.is_monotonic_increasing
    shares = quality_summary(inventory(streams))["share"].groupby("aspect").sum()
    assert shares.to_numpy() == pytest.approx(1.0 if total else 0.0)
