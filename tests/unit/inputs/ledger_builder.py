"""Builds a small ledger of two enterprises in a folder or a workbook, for the tests of ledgers."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

SOURCES = """\
meter:
  title: Made-up readings for a test.
  read_on: "2026-11-23"
"""
ENDING = "statistic,meter"
MONTHS = range(1, 13)
# Coal of the boiler in tonnes, January to December.
COAL = (100, 110, 90, 95, 80, 85, 70, 75, 90, 105, 115, 120)


def months(stream: str, method: str, factor: str, amounts: Mapping[int, object], unit: str, year: int = 2024) -> str:
    """Rows of activity of the boiler, one a month."""
    return "".join(
        f"boiler,{year},{stream},{month},{method},{factor},{amount},{unit},,{ENDING}\n"
        for month, amount in amounts.items()
    )


TABLES = {
    "enterprises": f"""\
enterprise,name_zh,name_en,sector,province,basis,source
works,示意钢厂,Works,steel,四川,{ENDING}
kiln,示意水泥厂,Kiln,cement,,{ENDING}
""",
    "facilities": f"""\
facility,enterprise,process,product,output_unit,basis,source
boiler,works,steelworks,steam,GJ,{ENDING}
line1,kiln,clinker_line,clinker,t,{ENDING}
""",
    "activity": "facility,year,stream,month,method,factor,quantity,unit,net_calorific_value,basis,source\n"
    + months("coal", "combustion", "bituminous", dict(zip(MONTHS, COAL, strict=True)), "t")
    + f"""\
line1,2024,clinker,,clinker,cets2024_clinker_portland,60,万吨,,{ENDING}
line1,2024,power,,electricity_purchased,,4000,MWh,,{ENDING}
""",
}


def ledger_folder(folder: Path, **tables: str) -> Path:
    """The small ledger as a folder of CSV files; a keyword gives or replaces the text of one table."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sources.yaml").write_text(SOURCES, encoding="utf-8")
    for name, text in {**TABLES, **tables}.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def ledger_workbook(path: Path, **tables: str) -> Path:
    """The small ledger as a workbook, its sources as a sheet."""
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    sources = "source,title\nmeter,Made-up readings for a test.\n"
    for name, text in {**TABLES, "sources": sources, **tables}.items():
        sheet = book.create_sheet(name)
        for record in csv.reader(io.StringIO(text)):
            sheet.append(record)
    book.save(path)
    return path


def without_months(*missing: int) -> str:
    """The table of activity without some months of coal."""
    rows = TABLES["activity"].splitlines(keepends=True)
    return "".join(row for row in rows if not any(row.startswith(f"boiler,2024,coal,{month},") for month in missing))


def with_rows(table: str, rows: str) -> str:
    """A table with rows added at its end."""
    return TABLES[table] + rows
