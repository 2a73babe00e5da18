"""What a report says of the scenarios after the first, of sectors without a value, and of the whole market."""

from __future__ import annotations

import dataclasses

import numpy as np
import openpyxl
import pytest
from report_builder import build_dataset, build_results

from carbonsim.report import figures, labels, messages, quantities, series, tables
from carbonsim.report.html import write_report
from carbonsim.report.variations import named, variations
from carbonsim.report.workbook import write_workbook

CHANGE = {"path": "coverage.steel.entry_year", "value": "None", "basis": "assumption", "why": "what if never"}


@pytest.fixture(scope="module")
def results():
    made = build_results()
    changed = {**made.provenance["faster"], "changes": [CHANGE]}
    return dataclasses.replace(made, provenance={**made.provenance, "faster": changed})


def page_of(results, path, monkeypatch, lang="en"):
    monkeypatch.setattr(figures, "available", lambda _: ())
    write_report(path, results, lang=lang)
    return path.read_text(encoding="utf-8")


def test_every_other_scenario_has_its_changes_and_differences(results):
    titles = {"base": "The base", "faster": "Faster"}
    (found,) = variations(results.compare(), results.provenance, titles, "en")
    assert found.title == "Faster [faster]"
    assert found.changes.rows == (("coverage.steel.entry_year", "none (removed)", "what if never"),)
    assert found.caption == "minus The base [base]"
    # 62 x 0.12 more in the first year.
    assert found.differences.rows[0][:2] == ("2024", "7.44")


def test_sections_name_their_scenario_only_if_there_are_several(results, tmp_path, monkeypatch):
    page = page_of(results, tmp_path / "r.html", monkeypatch)
    assert page.index("Key findings") < page.index("What the variations change") < page.index("Pressure by sector")
    assert page.count("Scenario base [base]</span>") > 5
    alone = page_of(build_results(("base",)), tmp_path / "s.html", monkeypatch)
    assert "What the variations change" not in alone
    assert "[base]" not in alone
    assert named("base", {"base": "The base"}) == ""


def test_results_come_before_the_certificate_and_the_provenance(results, tmp_path, monkeypatch):
    page = page_of(results, tmp_path / "r.html", monkeypatch)
    verdict, body = page.index("all passed"), page.index("allowance ledger")
    assert verdict < page.index("Pressure by sector") < body < page.index("Provenance")
    assert page.rfind("<details>", 0, body) > page.rfind("</details>", 0, body)


@pytest.mark.parametrize(("lang", "said"), [("en", "not computed: steel"), ("zh", "未计算：钢铁")])
def test_headline_names_the_sectors_without_a_value(lang, said):
    dataset = build_dataset(("one",))
    dataset["value_added"] = dataset["value_added"].where(dataset["sector"] != "steel", -1.0)
    run = series.run_of(dataset, None)
    shares = build_results(("one",)).basis_shares()
    assert any(said in sentence for sentence in messages.findings(run, lang, shares))
    assert said.split()[-1] in figures.draw(dataset, "pressure_heatmap", lang=lang).get_suptitle().replace("\n", "")


def test_heatmap_rows_count_the_covered():
    figure = figures.draw(build_dataset(), "pressure_heatmap", lang="en")
    assert "Other ind. 0/1" in [tick.get_text() for tick in figure.axes[0].get_yticklabels()]


def test_figures_name_their_scenario():
    assert figures.draw(build_dataset(), "price_path", lang="en").get_suptitle().startswith("base: ")
    assert not figures.draw(build_dataset(("base",)), "price_path", lang="en").get_suptitle().startswith("base")


def test_market_wide_columns_say_whose_market_it_is():
    run = series.run_of(build_dataset(), None)
    assert labels.column(labels.market_key("bank", run)).zh == "全国年末结余配额"
    local = run.isel(enterprise=run["kind"].values == "enterprise")
    assert labels.column(labels.market_key("supply_free", local)).en == "Market free allocation"
    assert labels.market_key("local_obligation", run) == "local_obligation"


def test_first_sectors_are_in_already():
    figure = figures.draw(build_dataset(), "price_path", lang="en")
    assert figure.axes[1].texts[1].get_text().startswith("already in\nPower")


def test_positions_of_short_enterprises_only_show_no_surplus_and_no_empty_slot():
    dataset = build_dataset(("one",), local=3)
    dataset["free_allocation"] = 0 * dataset["free_allocation"]
    axes = figures.allowance_position(dataset, lang="en").axes[0]
    assert "surplus" not in axes.get_xlabel()
    assert axes.get_ylim()[0] < len(axes.patches)


def test_names_that_begin_alike_stay_apart():
    names = [f"Panzhihua Vanadium and Titanium Works, plant {number}" for number in (1, 2)]
    short = {quantities.squeezed(name, 24) for name in names}
    assert len(short) == 2
    assert max(map(quantities.width, short)) <= 24


def test_drafts_end_with_the_count_of_the_others():
    made = build_results(("one",))
    entry = {**made.provenance["one"], "drafts": [f"p{number:02d}" for number in range(12)]}
    many = dataclasses.replace(made, provenance={"one": entry})
    assert "p07 and 4 more" in tables.console_summary(many, "en")
    assert "p07等共12项" in tables.console_summary(many, "zh")


def test_every_number_of_the_workbook_has_a_format(results, tmp_path):
    write_workbook(tmp_path / "r.xlsx", results)
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    found = {
        (sheet.title, cell.column_letter)
        for sheet in book
        for row in sheet.iter_rows(min_row=4)
        for cell in row
        if isinstance(cell.value, int | float) and cell.number_format == "General"
    }
    assert not found
    assert np.isfinite(book["price"]["C4"].value)
    assert book["price"]["C4"].number_format == "#,##0.00"
