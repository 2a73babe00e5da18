"""Tables for people: units, headers in both languages, reasons for what is missing."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from report_builder import build_results

from carbonsim.errors import InputError
from carbonsim.report import labels, quantities, tables


def test_headers_come_in_both_languages_with_units():
    frame = pd.DataFrame({"year": [2024], "allowance_price": [62.0], "surrender": [8.2e9]})
    table = tables.people_table(frame, "zh")
    assert [header.line() for header in table.headers] == ["年份", "碳价 (元/吨)", "应清缴量 (亿吨CO₂e)"]
    assert [header.other for header in table.headers] == ["Year", "Allowance price", "Surrender obligation"]
    assert table.rows == (("2024", "62.0", "82.0"),)


def test_a_missing_number_is_never_a_zero():
    frame = pd.DataFrame({"sector": ["steel", "power"], "profit_at_risk": [np.nan, 0.0]})
    table = tables.people_table(frame, "en", reasons={("steel", "profit_at_risk"): "EBIT is negative"})
    assert table.rows == (("Steel", "– a"), ("Power", "0%"))
    assert table.notes == ("a: EBIT is negative",)
    assert tables.people_table(frame, "zh").rows[0] == ("钢铁", "未计算")


def test_one_giant_does_not_turn_the_others_into_zero():
    frame = pd.DataFrame({"enterprise": list("abc"), "abatement_cost": [3e4, 5e4, 9e9]})
    assert tables.people_table(frame, "zh").headers[1].unit == "万元"


def test_years_as_columns_share_one_scale():
    frame = pd.DataFrame({"sector": ["steel"], 2024: [1e6], 2025: [3e9]})
    table = tables.people_table(frame, "en", form="money")
    assert table.unit == "billion CNY"
    assert table.rows == (("Steel", "0.00", "3.00"),)


def test_interval_of_the_price_is_written_out():
    results = build_results(("one",))
    frame = tables.summary_table(results.summary())
    # 2025: 62 x 1.085 = 67.27; interval 0.93 and 1.08 times that.
    assert list(frame["price_range"])[:2] == ["62.0", "62.6–72.7"]
    open_above = results.summary().assign(price_high=np.inf)
    assert tables.summary_table(open_above)["price_range"].iloc[0] == "≥ 62.0"


def test_transfers_stand_apart_from_resource_cost():
    frame = tables.summary_table(build_results(("one",)).summary())
    total = frame["resource_cost"] + frame["transfers"] + frame["penalties"]
    assert total.to_numpy() == pytest.approx(frame["local_net_compliance_cost"].to_numpy())
    assert frame["auction_revenue"].to_numpy() == pytest.approx(
        (frame["allowance_price"] * frame["supply_auction"]).to_numpy()
    )


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_console_lines_align_and_fit(lang):
    text = tables.console_summary(build_results(), lang)
    table = text.split("\n\n")[0].splitlines()
    assert max(quantities.width(line) for line in table) <= tables.CONSOLE_WIDTH
    assert ("示意企业" if lang == "zh" else "Illustrative") in text
    assert "industry.collar_strength" in text
    assert "52.1–70.7" in text  # 62 x 0.84 and 62 x 1.14


def test_markdown_escapes_what_would_break_the_table():
    text = tables.markdown(pd.DataFrame({"enterprise": ["a|b"], "bank": [5.0]}), "en")
    assert text.splitlines()[-1] == "| a\\|b | 5.00 |"


def test_reasons_are_found_by_year_and_by_indicator():
    pressure = build_results(("one",)).pressure("sector")
    by_year = tables.absence_reasons(pressure, "one", "en", year=2024)
    assert by_year["mining", "net_compliance_cost"] == "not covered in this year"
    by_indicator = tables.absence_reasons(pressure, "one", "zh", indicator="cost_to_value_added")
    assert by_indicator["mining", "2024"] == "当年未纳入"
    assert ("power", "2024") not in by_indicator


def test_groups_of_one_have_no_percentiles():
    pressure = build_results(("one",)).pressure("enterprise")
    shown = tables.pressure_by_group(pressure, "enterprise", "one", 2027)
    assert not [name for name in shown if name.endswith("p50") or "entities" in name]


def test_every_sector_has_both_labels_and_a_colour():
    from carbonsim.report import palette

    assert set(labels.SECTORS) == set(palette.SECTOR)
    assert all(label.zh and label.en for label in labels.SECTORS.values())
    assert all(re.search("[一-鿿]", label.zh) for label in labels.COLUMNS.values())


def test_unknown_language_is_an_input_error():
    with pytest.raises(InputError, match="zh or en"):
        labels.language("fr")
