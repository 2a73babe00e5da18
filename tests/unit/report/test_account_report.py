"""The page, workbook, pictures and console lines of an account: complete, readable, escaped, the same bytes twice."""

import io
import itertools
import re
import warnings
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest

from account_builder import ENDING, TABLES, account_folder, one_works
from carbonsim.errors import CertificateError, InputError
from carbonsim.inputs.ledger import read_ledger
from carbonsim.inputs.ledger_template import write_ledger_template
from carbonsim.report import account_figures
from carbonsim.report import account_folder as folder_module
from carbonsim.report.account_changes import change_lines
from carbonsim.report.account_console import CONSOLE, console_lines, explanation_lines
from carbonsim.report.account_folder import AccountOptions, account_workbook, write_account
from carbonsim.report.account_html import write_account_report
from carbonsim.report.account_labels import ACCOUNT_COLUMNS, SHEETS
from carbonsim.report.account_tables import account_tables
from carbonsim.report.labels import COLUMNS, value_name
from carbonsim.report.quantities import width
from carbonsim.study.account import Account, account
from carbonsim.study.accounts import replay

Tables = Mapping[str, pd.DataFrame]
CHINESE = re.compile("[\N{CJK UNIFIED IDEOGRAPH-4E00}-\N{CJK UNIFIED IDEOGRAPH-9FFF}]")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return account_folder(tmp_path_factory.mktemp("account_report") / "three")


@pytest.fixture(scope="module")
def made(source: Path) -> Account:
    return account(read_ledger(source))


@pytest.fixture(scope="module")
def tables(made: Account) -> Tables:
    return account_tables(made)


@pytest.fixture(scope="module")
def written(made: Account, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("account_written") / "out"
    write_account(made, out, AccountOptions("zh", "approach_1"), written="2026-11-23T09:00:00Z")
    return out


# -- tables


def test_every_column_has_a_label_in_both_languages(tables: Tables) -> None:
    heads = {str(head) for frame in tables.values() for head in frame.columns}
    unlabelled = sorted(head for head in heads if head not in COLUMNS and not head.endswith(" (t)"))
    assert unlabelled == []
    assert all(label.zh and label.en for label in ACCOUNT_COLUMNS.values())


def test_every_table_has_a_title(tables: Tables) -> None:
    assert set(tables) <= set(SHEETS)


def test_choices_in_cells_have_chinese_names(tables: Tables) -> None:
    chosen = (
        "accounting_method", "category", "tier", "stream_class", "substituted", "term_form", "verification",
        "direction", "aspect", "aspect_value", "rule", "certificate_kind", "certificate_status", "kind_of_source",
        "intensity_basis", "side", "assumed", "market_method", "stated", "factor_basis", "activity_basis", "confidence",
    )  # fmt: skip
    plain = sorted(
        f"{name}.{head}: {value}"
        for name, frame in tables.items()
        for head in chosen
        if head in frame
        for value in frame[head].astype(str).unique()
        if value and not CHINESE.search(value_name(head, value, "zh"))
    )
    assert plain == []


def test_the_terms_of_a_stream_multiply_to_its_tonnes(tables: Tables) -> None:
    # Independent of the package: only what the sheets terms and streams print.
    terms, streams = tables["terms"], tables["streams"]
    chosen = (terms["stream_name"] == "coke") & (terms["year"] == 2024)
    product = terms[chosen]["term_value"].prod() / 1000 * 44 / 12
    stream = streams[(streams["stream_name"] == "coke") & (streams["year"] == 2024)].iloc[0]
    assert stream["activity"] * product == pytest.approx(stream["stream_co2e"])


def test_streams_add_up_to_the_summary(tables: Tables) -> None:
    streams = tables["streams"]
    direct = streams[streams["scope"] == 1].groupby(["enterprise", "year"])["stream_co2e"].sum()
    summary = tables["summary"].set_index(["enterprise", "year"])["direct_co2e"]
    assert direct.to_dict() == pytest.approx(summary.to_dict())


def test_every_assumption_and_every_own_factor_is_listed(tables: Tables) -> None:
    assumed = set(zip(tables["assumptions"]["assumed"], tables["assumptions"]["assumed_label"], strict=True))
    assert {
        ("factor", "air_travel/emission_factor"), ("activity", "mill/gas"), ("activity", "pit/diesel"),
        ("gaps", "mill/gas"), ("enterprises", "mine"),
    } <= assumed  # fmt: skip
    own = tables["overlaid"].set_index(["factor", "factor_column"])
    assert own.loc[("cets2024_limestone", "value"), ["packaged", "own", "is_used"]].tolist() == ["0.44", "0.43", "yes"]
    assert ("air_travel", "") in own.index


def test_a_gap_shows_its_reason_and_what_was_put_in(tables: Tables) -> None:
    gap = tables["gaps"].iloc[0]
    assert (gap["reason"], gap["gap_quantity"], gap["used_rows"]) == ("meter lost in a fire", 300, "11")
    assert gap["gap_co2e"] == pytest.approx(300 * 389.31 * 15.32 / 1000 * 44 / 12)  # CETS-AG-03.01 table A.1


def test_a_table_without_rows_is_left_out(tmp_path: Path) -> None:
    plain = account(read_ledger(account_folder(tmp_path / "few", precursors="", certificates="")), uncertainty=None)
    names = set(account_tables(plain))
    assert not {"certificates", "uncertainty", "contributions"} & names
    assert {"summary", "streams", "gaps", "overlaid"} <= names


def test_a_gas_that_is_in_no_total_is_seen_everywhere(tmp_path: Path) -> None:
    rows = TABLES["activity"].replace("chiller,,refrigerant,R-410A,2", "chiller,,refrigerant,HCFC-22,0.5")
    old = account(read_ledger(account_folder(tmp_path / "old", activity=rows)), uncertainty=None)
    # 0.5 t charged, 10 % of it leaks.
    assert re.search(r"HCFC-22 \(in no total\), t +0\.05\n", "\n".join(console_lines(old, "en")))
    assert re.search(r"HCFC-22（不计入） t +0\.05\n", "\n".join(console_lines(old, "zh")))
    write_account_report(tmp_path / "page.html", old, account_tables(old), lang="zh", drawings={})
    assert "HCFC-22（不计入总量）" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_the_table_of_scope_2_says_what_was_passed_on(tmp_path: Path, made: Account) -> None:
    sold = TABLES["activity"] + "".join(
        f"boiler,2024,{stream},,electricity_{method},grid_2023_sichuan,{amount},MWh,,,,{ENDING}\n"
        for stream, method, amount in (("grid", "purchased", 1_000), ("sold", "exported", 1_200))
    )
    found = account(read_ledger(account_folder(tmp_path / "sold", activity=sold)), uncertainty=None)
    frame = account_tables(found)["scope2"].set_index(["enterprise", "year"]).loc[("chem", 2024)]
    # All 1,000 MWh that were bought are passed on, and 200 MWh of its own at 0.1564 t/MWh (Sichuan 2023).
    names = ["electricity_bought", "electricity_resold", "load", "exports_beyond_purchase", "scope2_exports"]
    assert frame[names].tolist() == pytest.approx([1_000, 1_000, 0, 200, -200 * 0.1564])
    for one, there in ((found, True), (made, False)):
        write_account_report(tmp_path / "page.html", one, account_tables(one), lang="en", drawings={})
        page = (tmp_path / "page.html").read_text(encoding="utf-8")
        assert ("Own generation and heat passed on, deducted" in page) is there
        assert "Load: bought less passed on" in page


def test_what_reaches_no_product_stands_below_the_intensity(tables: Tables, written: Path) -> None:
    frame = tables["unattributed"].set_index(["enterprise", "year"])
    # The boiler and the pit have no output; the mill has none in 2023, when a gap was filled.
    assert set(frame.index) == {("works", 2023), ("chem", 2024), ("mine", 2024)}
    assert frame.loc[("mine", 2024), "facilities"] == "pit"
    gas = 300 * 389.31 * 15.32 / 1000 * 44 / 12
    assert frame.loc[("works", 2023), "unattributed_direct"] == pytest.approx(gas)
    page = (written / "report.html").read_text(encoding="utf-8")
    assert page.index('<section id="intensity">') < page.index('<section id="unattributed">')
    assert "unattributed" in pd.read_excel(written / "account.xlsx", sheet_name=None, engine="calamine")


# -- workbook


def test_the_workbook_opens_with_numbers_and_both_headers(written: Path) -> None:
    sheets = pd.read_excel(written / "account.xlsx", sheet_name=None, engine="calamine", header=None)
    assert {"summary", "streams", "terms", "scope2", "scope3", "intensity", "uncertainty", "quality", "gaps",
            "verification", "sources", "overlaid", "factors"} <= set(sheets)  # fmt: skip
    summary = sheets["summary"]
    heads = summary.iloc[1].tolist()
    assert "直接排放（范围一） (tCO2e)" in heads
    assert "Direct emissions (scope 1) (tCO2e)" in summary.iloc[2].tolist()
    # 2023: coke 100,000 t and limestone 8,600, less steel 11,100, and the gas of the gap.
    by_hand = 100_000 * 28.435 * 29.42 / 1000 * 44 / 12 + 8_600 - 11_100 + 300 * 389.31 * 15.32 / 1000 * 44 / 12
    assert summary.iloc[3, heads.index("直接排放（范围一） (tCO2e)")] == pytest.approx(by_hand)


def test_names_that_look_like_formulas_stay_text(tmp_path: Path) -> None:
    frame = pd.DataFrame({"enterprise": ["=1+1"], "direct_co2e": [1.0]})
    content = account_workbook({"summary": frame}, lang="zh", illustrative=False)
    read = pd.read_excel(io.BytesIO(content), engine="calamine", header=None)
    assert read.iloc[3, 0] == "'=1+1"


def test_a_long_sheet_says_that_it_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_module, "SHEET_ROWS", 3)
    frame = pd.DataFrame({"enterprise": list("abcde"), "direct_co2e": [1.0] * 5})
    content = account_workbook({"summary": frame}, lang="en", illustrative=False)
    read = pd.read_excel(io.BytesIO(content), engine="calamine", header=None)
    assert "first 3 of 5 rows" in str(read.iloc[0, 0])
    assert len(read) == 3 + 3


# -- page


def test_the_page_loads_nothing_and_escapes_names(written: Path) -> None:
    page = (written / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;b&gt;&amp;" in page
    assert not re.findall(r'(?:src|href)="(?!#|data:)', page)
    assert "@font-face" in page


def test_judgement_stands_before_the_pictures(written: Path) -> None:
    page = (written / "report.html").read_text(encoding="utf-8")
    marks = (
        "<h2>核算结果", "<h2>排放总量", "<h3>自有因子", "cets2024_limestone", "<h3>假设", "pit/diesel",
        "<h3>数据缺失与替代", "meter lost in a fire", '<figure id="',
    )  # fmt: skip
    place = 0
    for mark in marks:  # each after the one before; the first findings may name a factor as well
        place = page.index(mark, place)


def test_the_chain_of_every_enterprise_is_on_the_page(written: Path) -> None:
    page = (written / "report.html").read_text(encoding="utf-8")
    assert "90,000 t x 28.435 GJ/t x 29.42 tC/TJ / 1000 x 44/12" in page


def test_empty_cells_say_why(written: Path) -> None:
    page = (written / "report.html").read_text(encoding="utf-8")
    assert "没有报告任何类别" in page
    assert "企业声明未知" in page
    assert "nan" not in re.sub(r'"data:[^"]*"', "", page).lower().replace("finance", "")


def test_the_template_of_the_ledger_says_that_it_is_illustrative(tmp_path: Path) -> None:
    write_ledger_template(tmp_path / "ledger.xlsx")
    example = account(read_ledger(tmp_path / "ledger.xlsx"), uncertainty=None)
    write_account_report(tmp_path / "page.html", example, account_tables(example), lang="en", drawings={})
    assert example.is_illustrative
    assert "Illustrative enterprises" in (tmp_path / "page.html").read_text(encoding="utf-8")


# -- pictures


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_picture_draws_without_a_warning_and_keeps_its_labels_apart(made: Account, lang: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in account_figures.available(made):
            figure = account_figures.draw(made, name, "zh" if lang == "zh" else "en")
            figure.canvas.draw()
            for axes in figure.axes:
                for ticks in (axes.get_xticklabels(), axes.get_yticklabels()):
                    boxes = [tick.get_window_extent() for tick in ticks if tick.get_text()]
                    assert not any(one.overlaps(other) for one, other in itertools.pairwise(boxes)), name


@pytest.mark.parametrize(("lang", "name"), [("zh", "焦炭 · "), ("en", "coke · ")])
def test_the_uncertainty_names_factors_as_people_do(made: Account, lang: str, name: str) -> None:
    figure = account_figures.draw(made, "uncertainty", "zh" if lang == "zh" else "en")
    ticks = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert any(tick.startswith(name) for tick in ticks), ticks


def test_pictures_are_those_that_have_something_to_show(made: Account, source: Path) -> None:
    assert account_figures.available(made) == (
        "emissions_by_facility", "emissions_waterfall", "emissions_by_year", "uncertainty",
    )  # fmt: skip
    plain = account(read_ledger(source), uncertainty=None)
    assert "uncertainty" not in account_figures.available(plain)


def test_without_direct_emissions_there_is_no_picture(tmp_path: Path) -> None:
    bought = account(read_ledger(one_works(tmp_path / "bought", "power,electricity_purchased,,100,MWh")))
    assert account_figures.available(bought) == ()
    assert "No uncertainty" in "\n".join(console_lines(bought, "en"))
    write_account_report(tmp_path / "page.html", bought, account_tables(bought), lang="en", drawings={})


def test_the_waterfall_ends_at_the_net_total(made: Account) -> None:
    figure = account_figures.draw(made, "emissions_waterfall", "en")
    bars = figure.axes[0].patches
    level = sum(bar.get_height() for bar in bars[:-1])
    assert bars[-1].get_height() == pytest.approx(level)
    assert bars[-2].get_height() < 0  # carbon that leaves in steel


# -- folder


def test_the_same_account_gives_the_same_bytes_but_for_the_time(made: Account, written: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    write_account(made, again, AccountOptions("zh", "approach_1"), written="another time")
    files = sorted(path.relative_to(written) for path in written.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    differ = [str(name) for name in files if (written / name).read_bytes() != (again / name).read_bytes()]
    assert differ == ["manifest.json"]


def test_the_folder_replays(written: Path) -> None:
    assert replay(written).holds


def test_an_account_is_not_replaced_without_force(made: Account, written: Path) -> None:
    before = (written / "manifest.json").read_bytes()
    with pytest.raises(InputError, match="--force"):
        write_account(made, written, AccountOptions("en"))
    assert (written / "manifest.json").read_bytes() == before


def test_a_run_of_the_market_is_never_replaced(made: Account, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "manifest.json").write_text('{"studies": []}', encoding="utf-8")
    with pytest.raises(InputError, match="format"):
        write_account(made, tmp_path / "run", AccountOptions("en"), force=True)


def test_a_folder_that_does_not_replay_is_not_written(
    made: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_figures, "save_all", lambda *_, **__: {})
    monkeypatch.setattr(
        folder_module, "fill_folder",
        lambda folder, inventory, ledger, time: _FILL(
            folder, inventory.assign(emissions_co2e=inventory["emissions_co2e"] * 1.1), ledger, time
        ),
    )  # fmt: skip
    with pytest.raises(CertificateError, match="does not replay"):
        write_account(made, tmp_path / "wrong", AccountOptions("en"))
    assert not (tmp_path / "wrong").exists()


_FILL = folder_module.fill_folder


# -- console


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_no_line_is_wider_than_the_terminal(made: Account, lang: str) -> None:
    lines = console_lines(made, "zh" if lang == "zh" else "en")
    assert max(width(line) for line in lines) <= CONSOLE


def test_the_console_names_totals_shares_and_verification(made: Account) -> None:
    text = "\n".join(console_lines(made, "en"))
    assert re.search(r"direct \(scope 1\), tCO2e +310,798 +280,005", text)
    assert re.search(r"scope 2, market-based, tCO2e +0 +18,288", text)
    assert "BEYOND" in text
    assert "checks passed" in text
    assert "All 3 enterprises" in text


def test_the_largest_enterprises_come_first_and_the_others_are_counted(
    made: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("carbonsim.report.account_console.MOST_ENTERPRISES", 1)
    lines = console_lines(made, "en")
    assert lines[0].startswith("Example steel works")
    assert "… and 2 more: summary.csv" in lines


def test_the_chain_reads_in_chinese(made: Account) -> None:
    from carbonsim.accounting import explain

    text = "\n".join(explanation_lines(explain(made.inventory, "works", 2024), "zh"))
    assert "单位热值含碳量 29.42 tC/TJ" in text
    assert "合计：直接排放 280,004.69 tCO2e" in text


def test_changes_are_listed_by_size_with_their_sum() -> None:
    changes = pd.DataFrame({
        "facility": "f", "stream": ["a", "b"], "month": [0, 3], "year": 2024, "scope": 1, "change": "factor",
        "term": "carbon_content", "old": [26.18, 20.0], "new": [27.18, 25.0], "effect": [10.0, -50.0],
    })  # fmt: skip
    lines = change_lines(changes, "en", most=1)
    assert lines[1].startswith("f/b@03 2024")
    assert lines[2] == "… and 1 more"
    assert lines[3] == "scope 1: -40.00 tCO2e in all"
    assert max(width(line) for line in lines) <= CONSOLE
