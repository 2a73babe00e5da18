"""A base year moves only for structural changes, methods, factors and errors that are significant together."""

import pandas as pd
import pytest
from quality_builder import emitting, inventory

from carbonsim.accounting.base_year import changes_from_rerun, recalculate_base_year
from carbonsim.errors import InputError

# Scope 1: 90 000 t, scope 2: 10 000 t, scope 3 not counted.
BASE = inventory(
    [
        emitting("coal", 90_000.0),
        emitting("power", 10_000.0, scope=2, method="electricity_purchased"),
        emitting("travel", 7000.0, scope=3, method="scope3"),
        emitting("coal", 50_000.0, enterprise="other", facility="g"),
    ],
    years=(2020,),
)


def changes(*rows: tuple[object, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["enterprise", "kind", "tonnes", "reason"])


def test_small_changes_add_up_to_a_significant_one() -> None:
    # 3 000 + 2 500 = 5 500 t of 100 000 t is 5.5 %, past 5 %; each alone is below it.
    found = recalculate_base_year(BASE, changes(("e", "acquisition", 3000.0, "mine"), ("e", "error", 2500.0, "meter")))
    assert found.table.loc["e", ["reported", "recalculated", "stated"]].tolist() == [100_000.0, 105_500.0, 105_500.0]
    assert found.table.loc["e", "significant"]
    assert found.reasons["cumulated_share"].tolist() == pytest.approx([0.03, 0.055])
    assert found.reasons["applied"].all()
    assert "recalculated for e" in str(found)


def test_below_the_threshold_the_base_year_stands() -> None:
    found = recalculate_base_year(BASE, changes(("e", "method", -4999.0, "measured carbon content")))
    assert found.table.loc["e", ["recalculated", "stated"]].tolist() == [95_001.0, 100_000.0]
    assert not found.reasons["applied"].any()


def test_the_threshold_itself_is_significant() -> None:
    assert recalculate_base_year(BASE, changes(("e", "divestment", -5000.0, "sold"))).table.loc["e", "stated"] == 95_000


def test_an_acquisition_and_a_divestment_that_cancel_are_still_significant() -> None:
    found = recalculate_base_year(
        BASE, changes(("e", "acquisition", 4000.0, "in"), ("e", "divestment", -4000.0, "out"))
    )
    assert found.table.loc["e", "significant"]
    assert found.table.loc["e", "stated"] == 100_000.0


def test_enterprises_do_not_mix() -> None:
    found = recalculate_base_year(BASE, changes(("other", "outsourcing", -3000.0, "kiln")))
    # 3 000 of 50 000 t is 6 %; the other enterprise has no change.
    assert found.table["significant"].to_dict() == {"e": False, "other": True}


def test_own_threshold_and_scopes() -> None:
    found = recalculate_base_year(BASE, changes(("e", "factor", 6000.0, "new table")), threshold=0.1, scopes=(1,))
    assert found.table.loc["e", "reported"] == 90_000.0
    assert not found.table.loc["e", "significant"]


def test_organic_growth_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        recalculate_base_year(BASE, changes(("e", "organic", 50_000.0, "more output")))
    assert "never changes a base year" in caught.value.text()
    assert "内生增减" in caught.value.text("zh")


def test_every_fault_is_named_at_once() -> None:
    rows = changes(
        ("E", "method", 1.0, "x"), ("e", "aquisition", 1.0, "x"), ("e", "divestment", 1.0, "x"),
        ("e", "error", float("nan"), "x"), ("e", "error", 1.0, ""),
    )  # fmt: skip
    with pytest.raises(InputError) as caught:
        recalculate_base_year(BASE, rows, threshold=5.0)
    assert [issue.row for issue in caught.value.issues] == [None, 2, 3, 4, 5, 6]
    assert "Did you mean 'acquisition'?" in caught.value.text()
    with pytest.raises(InputError, match="base year 2019"):
        recalculate_base_year(BASE, changes(), year=2019)


def test_changes_beyond_the_base_year_are_refused() -> None:
    # 2103 t were reported; a part of 5000 t cannot leave them: -2897 t.
    small = inventory([emitting("coal", 2103.0)], years=(2020,))
    with pytest.raises(InputError) as caught:
        recalculate_base_year(small, changes(("e", "divestment", -5000.0, "sold")))
    (issue,) = caught.value.issues
    for words in (issue.text(), issue.text("zh")):
        assert "2103" in words
        assert "-5000" in words
        assert "-2897" in words
    gone = recalculate_base_year(small, changes(("e", "divestment", -2103.0, "all of it sold")))
    assert gone.table.loc["e", "stated"] == 0.0


def test_a_second_count_of_the_base_year_gives_the_changes() -> None:
    rerun = inventory(
        [
            emitting("coal", 99_000.0),
            emitting("power", 10_000.0, scope=2, method="electricity_purchased"),
            emitting("coal", 50_000.0, enterprise="other", facility="g"),
        ],
        years=(2020,),
    )
    rows = changes_from_rerun(BASE, rerun, kind="factor", reason="table of 2024", basis="law", source="guide")
    assert rows[["enterprise", "tonnes"]].to_numpy().tolist() == [["e", 9000.0]]
    found = recalculate_base_year(BASE, rows)
    assert found.table.loc["e", "stated"] == 109_000.0
    assert found.reasons.loc[0, ["reason", "basis", "source"]].tolist() == ["table of 2024", "law", "guide"]


def test_nothing_reported_makes_any_change_significant() -> None:
    empty = inventory([emitting("coal", 0.0)], years=(2020,))
    found = recalculate_base_year(empty, changes(("e", "error", 10.0, "missed")))
    assert found.table.loc["e", "stated"] == 10.0
    assert not found.table.loc["e", "share_available"]
