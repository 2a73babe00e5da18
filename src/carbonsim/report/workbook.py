"""The results workbook: one sheet a table, numbers as numbers, headers in both languages, the same bytes every time."""

from __future__ import annotations

import datetime
import io
import math
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from carbonsim.forcing import GROUPS
from carbonsim.forcing.pressure import By
from carbonsim.inputs.files import write_bytes
from carbonsim.report import messages, series, tables
from carbonsim.report.html import certificate_frame, provenance_frame
from carbonsim.report.labels import Form, Lang, column, language, phrase, text, value_name
from carbonsim.report.memo_words import METHOD
from carbonsim.report.quantities import width
from carbonsim.study.results import Results

CREATED = datetime.datetime(2000, 1, 1)  # a fixed day: the bytes may not depend on the clock
FORMULA_STARTS = frozenset("=+-@\t\r\n")
WIDEST, NARROWEST = 42, 9
WIDTH_ROWS = 2_000  # rows that are measured for the width of a column
FIRST_ROW = 3  # title and notice, Chinese headers, English headers
NUMBER_FORMATS: Mapping[Form, str] = {
    "year": "0", "text": "#,##0.00",
    "count": "#,##0", "tonnes": "#,##0", "money": "#,##0", "price": "#,##0.00", "share": "0.0%",
    "number": "#,##0.00", "residual": "0.0E+00", "co2e": "#,##0.00", "mass": "#,##0.00", "exact": "General",
}  # fmt: skip
UNITS: Mapping[Form, str] = {
    "tonnes": "tCO2e", "money": "CNY", "price": "CNY/tCO2e", "co2e": "tCO2e", "mass": "t",
}  # fmt: skip
SHEET_TITLES: Mapping[str, tuple[str, str]] = {
    "summary": ("汇总", "Summary"),
    "price": ("碳价", "Allowance price"),
    "sectors": ("分行业压力", "Pressure by sector"),
    "places": ("分区域压力", "Pressure by place"),
    "chains": ("分产业链压力", "Pressure by industry chain"),
    "enterprises": ("分企业压力", "Pressure by enterprise"),
    "options": ("减排选项", "Abatement options"),
    "certificate": ("计算核验", "Certificate"),
    "sources": ("数据来源", "Sources"),
    "notes": ("说明", "Notes"),
}
SHEET_OF_GROUP: Mapping[By, str] = {
    "sector": "sectors",
    "place": "places",
    "chain": "chains",
    "enterprise": "enterprises",
}
PRICE_COLUMNS = (
    "allowance_price", "price_low", "price_high", "price_basis", "price_without_widening", "price_bank_low",
    "price_bank_high", "price_floor", "price_ceiling", "supply_free", "supply_auction", "supply_reserve",
    "supply_offset", "supply_penalty", "surrender", "bank",
)  # fmt: skip
OPTION_COLUMNS = ("option_potential", "option_abatement", "option_unit_cost", "option_slope")


def write_workbook(path: Path, results: Results, *, lang: str = "zh") -> None:
    """Write all result tables of a simulation as one Excel workbook, whole or not at all.

    Parameters
    ----------
    path : Path
        File to write.
    results : Results
    lang : {"zh", "en"}
        Language of names in cells and of the notice; headers are in both.
    """
    kind = series.local_kind(results.run())
    pressure = {by: results.pressure(by, kind=kind) for by in GROUPS}
    sheets: dict[str, pd.DataFrame] = {
        "summary": tables.with_market(tables.summary_table(results.summary()), results.run()),
        "price": tables.with_market(price_frame(results.dataset), results.run()),
        **{sheet: _pressure_rows(pressure[by], results.dataset, by) for by, sheet in SHEET_OF_GROUP.items()},
        "options": option_frame(results.dataset),
        "certificate": certificate_frame(
            {"scenario": name, **line} for name, lines in results.certificate.items() for line in lines
        ),
        "sources": results.sources(),
        "notes": notes_frame(results, pressure, language(lang)),
    }
    illustrative = bool(results.dataset.attrs.get("illustrative"))
    write_bytes(path, workbook_bytes(sheets, lang=language(lang), illustrative=illustrative))


def price_frame(dataset: xr.Dataset) -> pd.DataFrame:
    """Price with interval, basis, corridor and opening-bank range, and what was supplied, by scenario and year."""
    kept = [name for name in PRICE_COLUMNS if name in dataset]
    years = {name: dataset[name].transpose("scenario", "year").values.ravel() for name in kept}
    index = pd.MultiIndex.from_product([series.texts(dataset["scenario"]), series.years_of(dataset)])
    return pd.DataFrame({"scenario": index.get_level_values(0), "year": index.get_level_values(1), **years})


def option_frame(dataset: xr.Dataset) -> pd.DataFrame:
    """Every option with a potential, by scenario and year."""
    frame = dataset[list(OPTION_COLUMNS)].to_dataframe().reset_index()
    labels = ["option_enterprise", "option_facility", "option_measure", "option_basis"]
    frame = frame.drop(columns=[name for name in labels if name in frame])
    described = pd.DataFrame({name: series.texts(dataset[name]) for name in labels if name in dataset.coords},
                             index=pd.Index(series.texts(dataset["option"]), name="option"))  # fmt: skip
    frame = frame[frame["option_potential"] > 0].join(described, on="option")
    return frame[["scenario", "option", *described.columns, "year", *OPTION_COLUMNS]]


def _pressure_rows(pressure: pd.DataFrame, dataset: xr.Dataset, by: str) -> pd.DataFrame:
    flat = tables.without_notes(pressure).reset_index()
    if by == "enterprise":
        described = {name: series.texts(dataset[name]) for name in ("name_zh", "name_en", "sector", "place")}
        names = pd.DataFrame(described, index=series.texts(dataset["enterprise"]))
        for place, name in enumerate(names.columns):
            flat.insert(2 + place, name, names[name].reindex(flat["enterprise"].astype(str)).to_numpy())
    return flat


def notes_frame(results: Results, pressure: Mapping[By, pd.DataFrame], lang: Lang) -> pd.DataFrame:
    """What the price means, the method, the reasons why indicators are absent, and the provenance."""
    run = results.run()
    rows = [(text(column("allowance_price"), lang), line) for line in messages.price_meaning(run, lang)]
    rows += [(text(column("method"), lang), text(line, lang)) for line in METHOD]
    absent = [row for table in pressure.values() for row in table.attrs["absent"]]
    place = 5 if lang == "zh" else 4
    pairs = sorted({(str(row[3]), str(row[place])) for row in absent})
    rows += [(text(column(name), lang), f"{phrase('not_computed', lang)}: {reason}") for name, reason in pairs]
    provenance = provenance_frame(results.provenance)
    rows += [(f"{row.scenario}.{row.item}", str(row.value)) for row in provenance.itertuples()]
    return pd.DataFrame(rows, columns=["item", "note"])


def workbook_bytes(
    sheets: Mapping[str, pd.DataFrame], *, lang: Lang, illustrative: bool,
    titles: Mapping[str, tuple[str, str]] = SHEET_TITLES, notes: Mapping[str, str] | None = None, money: str = "CNY",
) -> bytes:  # fmt: skip
    """An Excel workbook of some tables, a sheet each.

    Parameters
    ----------
    sheets : mapping
        Sheet name to frame of plain columns.
    lang : {"zh", "en"}
        Language of names in cells.
    illustrative : bool
        Whether every sheet says that its enterprises are illustrative.
    titles : mapping
        Sheet name to its title in Chinese and English.
    notes : mapping, optional
        Sheet name to a remark beside its title.
    money : str
        What stands for money in the units of the headers.
    """
    import xlsxwriter

    stream = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(stream, options)
    book.set_properties({"title": "carbonsim", "author": "carbonsim", "created": CREATED})
    formats = _formats(book)
    for name, frame in sheets.items():
        sheet = book.add_worksheet(name)
        title = " ".join(dict.fromkeys(titles.get(name, (name,))))
        note = (notes or {}).get(name, "")
        sheet.write_string(0, 0, " · ".join([title, note] if note else [title]), formats["title"])
        _write_sheet(sheet, frame, formats, lang, illustrative=illustrative, money=money)
    book.close()
    return stream.getvalue()


def _formats(book: Any) -> dict[str, Any]:
    head = {"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#DCE9F2", "bottom": 1}
    made = {
        "title": book.add_format({"bold": True, "font_size": 13}),
        "notice": book.add_format({"bold": True, "font_color": "#B34A00"}),
        "head": book.add_format(head),
        "subhead": book.add_format({**head, "bold": False, "font_color": "#555555"}),
        "words": book.add_format({}),
        "missing": book.add_format({"font_color": "#999999", "italic": True}),
    }
    return made | {form: book.add_format({"num_format": code}) for form, code in NUMBER_FORMATS.items()}


def _write_sheet(
    sheet: Any, frame: pd.DataFrame, formats: Mapping[str, Any], lang: Lang, *, illustrative: bool, money: str
) -> None:
    if illustrative:
        notice = f"{phrase('illustrative', 'zh')} {phrase('illustrative', 'en')}"
        sheet.write_string(0, min(3, max(len(frame.columns) - 1, 1)), notice, formats["notice"])
    heads = [str(head) for head in frame.columns]
    labels = [column(head) for head in heads]
    for place, label in enumerate(labels):
        unit = f" ({UNITS[label.form].replace('CNY', money)})" if label.form in UNITS else ""
        sheet.write_string(1, place, safe(label.zh + unit), formats["head"])
        sheet.write_string(2, place, safe(label.en + unit), formats["subhead"])
        sheet.set_column(place, place, _column_width(frame.iloc[:WIDTH_ROWS, place], label.zh))
    # Row by row, as the writer streams; a frame of mixed types has no faster exact way.
    for row, values in enumerate(frame.itertuples(index=False, name=None), start=FIRST_ROW):
        for place, value in enumerate(values):
            _write_cell(sheet, row, place, value, heads[place], labels[place].form, formats, lang)
    frozen = sum(1 for head in frame.columns[:3] if str(head) in ("scenario", "year", "enterprise", *GROUPS))
    sheet.freeze_panes(FIRST_ROW, frozen)
    if len(frame):
        sheet.autofilter(FIRST_ROW - 1, 0, FIRST_ROW - 1 + len(frame), len(frame.columns) - 1)


def _write_cell(
    sheet: Any, row: int, place: int, value: object, head: str, form: Form, formats: Mapping[str, Any], lang: Lang
) -> None:
    if isinstance(value, bool | np.bool_):
        sheet.write_string(row, place, phrase("passed" if value else "failed", lang), formats["words"])
    elif isinstance(value, int | float | np.integer | np.floating):
        number = float(value)
        if math.isfinite(number):
            sheet.write_number(row, place, number, formats.get(form, formats["number"]))
        else:
            word = phrase("unbounded" if number == math.inf else "not_computed", lang)
            sheet.write_string(row, place, word, formats["missing"])
    elif value is None:
        sheet.write_string(row, place, phrase("not_computed", lang), formats["missing"])
    else:
        sheet.write_string(row, place, safe(value_name(head, str(value), lang)), formats["words"])


def safe(value: str) -> str:
    """Text that no spreadsheet takes for a formula, in whatever width its first character comes.

    >>> safe("＝cmd()"), safe("works A")
    ("'＝cmd()", 'works A')
    """
    start = unicodedata.normalize("NFKC", value[:1]) if value[:1] not in "\t\r\n" else value[:1]
    return f"'{value}" if value and start in FORMULA_STARTS else value


def _column_width(values: Iterable[object], head: str) -> float:
    longest = max((width(value) for value in values if isinstance(value, str)), default=0)
    return min(max(longest, width(head) // 2, NARROWEST), WIDEST) + 2
