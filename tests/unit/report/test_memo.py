"""The HTML memo and the workbook: self-contained, escaped, reproducible, complete."""

from __future__ import annotations

import dataclasses
import html.parser
import io
import re
import zipfile

import openpyxl
import pandas as pd
import pytest
from report_builder import build_results

from carbonsim.report import figures
from carbonsim.report.html import certificate_frame, provenance_frame, write_report
from carbonsim.report.workbook import safe, workbook_bytes, write_workbook

VOID = {"meta", "br", "link", "img", "hr", "input"}


class Page(html.parser.HTMLParser):
    """Counts tags and checks that they close in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.addresses, self.ids = [], [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "xlink:href")]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def results():
    return build_results()


@pytest.fixture(scope="module")
def pages(results, tmp_path_factory):
    folder = tmp_path_factory.mktemp("memo")
    write_report(folder / "zh.html", results, lang="zh")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "available", lambda _: ("price_path",))  # the figures have tests of their own
        write_report(folder / "en.html", results, lang="en")
    return {lang: (folder / f"{lang}.html").read_text(encoding="utf-8") for lang in ("zh", "en")}


@pytest.mark.parametrize(("lang", "drawn"), [("zh", 8), ("en", 1)])
def test_page_is_well_formed_and_loads_nothing(pages, lang, drawn):
    page = Page(pages[lang])
    assert page.tags.count("svg") == drawn
    assert all(address.startswith("#") for address in page.addresses)
    assert len(page.ids) == len(set(page.ids))
    assert {address[1:] for address in page.addresses} <= set(page.ids)
    assert set(re.findall(r"url\(#([^)]+)\)", pages[lang])) <= set(page.ids)
    assert "script" not in page.tags
    assert "@import" not in pages[lang]


def test_page_is_in_one_language_and_says_what_it_must(pages):
    assert '<html lang="zh-CN">' in pages["zh"]
    assert '<html lang="en">' in pages["en"]
    for word in ("示意企业", "主要结论", "62.6–72.7", "52.1", "70.7", "80.0%", "industry.collar_strength", "全部通过",
                 "按行业", "不是对行情的预测", "东区", "钒钛钢铁新材料"):  # fmt: skip
        assert word in pages["zh"], word
    for word in ("Illustrative enterprises", "Key findings", "all passed", "no forecast", "East District"):
        assert word in pages["en"], word


def test_page_brings_the_glyphs_of_its_own_text(pages):
    import base64
    import io

    from fontTools.ttLib import TTFont

    data = re.search(r"data:font/woff;base64,([^\"]+)", pages["zh"])
    glyphs = TTFont(io.BytesIO(base64.b64decode(data.group(1)))).getBestCmap()
    chinese = {letter for letter in pages["zh"] if "\u4e00" <= letter <= "\u9fff"}
    assert chinese
    assert {ord(letter) for letter in chinese} <= set(glyphs)


def test_times_stay_out_of_the_page(pages):
    assert "the day it ran" not in pages["en"]


def test_a_firm_named_like_markup_comes_out_as_text(results, tmp_path, monkeypatch):
    evil = "<script>alert('x')</script>"
    dataset = results.dataset.assign_coords(name_zh=("enterprise", [evil] * results.dataset.sizes["enterprise"]))
    monkeypatch.setattr(figures, "available", lambda _: ("allowance_position",))  # the figure that shows names
    write_report(tmp_path / "r.html", dataclasses.replace(results, dataset=dataset))
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_memo_and_workbook_are_the_same_bytes_twice(results, pages, tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "available", lambda _: ("price_path",))
    write_report(tmp_path / "r.html", results, lang="en")
    assert (tmp_path / "r.html").read_text(encoding="utf-8") == pages["en"]
    for number in (1, 2):
        write_workbook(tmp_path / f"{number}.xlsx", results)
    assert (tmp_path / "1.xlsx").read_bytes() == (tmp_path / "2.xlsx").read_bytes()


def test_workbook_has_every_sheet_with_notice_and_both_headers(results, tmp_path):
    write_workbook(tmp_path / "r.xlsx", results)
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    assert book.sheetnames == ["summary", "price", "sectors", "places", "chains", "enterprises", "options",
                               "certificate", "sources", "notes"]  # fmt: skip
    for sheet in book:
        first = [cell.value for cell in sheet[1] if cell.value]
        assert any("示意企业" in value and "Illustrative" in value for value in first), sheet.title
        assert sheet.freeze_panes
    head = [cell.value for cell in book["price"][2]], [cell.value for cell in book["price"][3]]
    assert "碳价 (CNY/tCO2e)" in head[0]
    assert "Allowance price (CNY/tCO2e)" in head[1]


def test_workbook_keeps_numbers_as_numbers_and_names_what_is_missing(results, tmp_path):
    write_workbook(tmp_path / "r.xlsx", results, lang="en")
    sheet = openpyxl.load_workbook(tmp_path / "r.xlsx")["price"]
    heads = [cell.value for cell in sheet[3]]
    row = [cell.value for cell in sheet[4]]
    assert row[heads.index("Allowance price (CNY/tCO2e)")] == 62
    assert row[heads.index("Auction floor (CNY/tCO2e)")] == "not computed"


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@x", "\tx", "＝1+1", "＋1", "－1", "＠x", "\rx"])
def test_text_that_looks_like_a_formula_is_disarmed(value):
    assert safe(value) == f"'{value}"


def test_workbook_holds_no_formula_and_no_link():
    frame = pd.DataFrame(
        {"enterprise": ["=HYPERLINK(1)", "http://example.org", "0012", "a"], "abatement": [1.0, 2, 3, 4]}
    )
    content = workbook_bytes({"enterprises": frame}, lang="en", illustrative=False)
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        assert "<f>" not in sheet
        assert "hyperlink" not in sheet
    cells = openpyxl.load_workbook(io.BytesIO(content)).active
    assert [cells.cell(row, 1).value for row in range(4, 8)] == ["'=HYPERLINK(1)", "http://example.org", "0012", "a"]


def test_certificate_takes_mappings_and_records():
    @dataclasses.dataclass(frozen=True, slots=True)
    class Line:
        name: str
        residual: float
        tolerance: float
        passed: bool

    frame = certificate_frame([Line("ledger", 0.0, 1e-6, True)])
    assert list(frame.columns) == ["name", "residual", "tolerance", "passed"]
    assert frame.equals(certificate_frame([{"name": "ledger", "residual": 0.0, "tolerance": 1e-6, "passed": True}]))


def test_provenance_is_flat_and_timeless():
    changes = [{"path": "a.b", "value": "1"}]
    entry = {"created": "today", "scope": "local", "versions": {"numpy": "2"}, "changes": changes, "sources": []}
    frame = provenance_frame({"base": entry})
    assert list(zip(frame["item"], frame["value"], strict=True)) == [
        ("scope", "local"), ("versions.numpy", "2"), ("changes.1.path", "a.b"), ("changes.1.value", "1"),
    ]  # fmt: skip
