"""Builds a tiny study of two enterprises in a folder, for the tests of the inputs."""

from __future__ import annotations

import csv
import io
from pathlib import Path

SCENARIO = """\
name: tiny
title: {en: Tiny study, zh: 微型算例}
description: Two enterprises.
years: [2024, 2027]
base_year: 2024
price_year: 2025
illustrative: true
allow_draft: false
parameters: []
market:
  scope: local
  instruments: [banking]
allocation:
  power:
    2024: {rule: grandfathering}
  cement:
    2026: {rule: grandfathering}
"""
SOURCES = """\
made-up:
  title: Made-up figures for a test.
  read_on: "2026-11-23"
"""
MARKET = """\
interest_rate:
  description: Yearly rate.
  unit: "1"
  bounds: [0, 1]
  source: made-up
  basis: assumption
  values: {2024: 0.05}
  valid_until: 2027
  checked_on: "2026-11-23"
"""
INDUSTRY = """\
reduction_factor:
  description: Cap factor.
  unit: "1"
  dims: [sector]
  bounds: [0, 2]
  source: made-up
  basis: assumption
  values:
    power: {2024: 1, 2026: {value: 0.9, low: 0.8, high: 1, announced: "2025-03-01"}}
    cement: {2026: 0.95}
  valid_until: 2027
  checked_on: "2026-11-23"
"""
TABLES = {
    "enterprises": """\
enterprise,name_zh,name_en,sector,place,kind,entities,discount_rate,basis,source
plant,电厂,Plant,power,东区,enterprise,1,0.08,assumption,made-up
kiln,水泥厂,Kiln,cement,西区,enterprise,1,0.08,assumption,made-up
""",
    "facilities": """\
facility,enterprise,process,product,output_unit,benchmark_class,load_factor,basis,source
unit1,plant,power_unit,electricity,MWh,II,0.7,assumption,made-up
line1,kiln,clinker_line,clinker,t,,,assumption,made-up
""",
    "activity": """\
facility,year,stream,method,factor,quantity,unit,basis,source
unit1,2024,coal,combustion,bituminous,20,万吨,assumption,made-up
unit1,2024,output,output,,50000,万kWh,assumption,made-up
line1,2024,clinker,clinker,cets2024_clinker_portland,600000,t,assumption,made-up
line1,2024,output,output,,60,万吨,assumption,made-up
""",
    "finances": """\
enterprise,year,revenue,value_added,ebit,jobs,money_unit,price_year,basis,source
plant,2024,20000,8000,1000,200,万元,2025,assumption,made-up
kiln,2024,180000000,50000000,-1000000,150,CNY,2025,assumption,made-up
""",
    "measures": """\
measure,name_zh,name_en,sector,process,stage,acts_on,reduction,max_penetration,unit_cost,slope,moves,available_from,price_year,basis,source
tuning,调优,Tuning,power,power_unit,process,direct,0.05,1,-20,50,both,2024,2025,assumption,made-up
""",
    "coverage": """\
sector,entry_year,announced,phase_in,threshold,gases,boundary,basis,source
power,2024,2023,1,26000,CO2,direct,assumption,made-up
cement,2026,2024,0.5;1,26000,CO2,direct,assumption,made-up
""",
}


def write_study(folder: Path, **tables: str) -> Path:
    """The tiny study in a folder; a keyword replaces the text of one table."""
    (folder / "tables").mkdir(parents=True, exist_ok=True)
    (folder / "parameters").mkdir(exist_ok=True)
    (folder / "scenario.yaml").write_text(SCENARIO, encoding="utf-8")
    (folder / "sources.yaml").write_text(SOURCES, encoding="utf-8")
    (folder / "parameters" / "market.yaml").write_text(MARKET, encoding="utf-8")
    (folder / "parameters" / "industry.yaml").write_text(INDUSTRY, encoding="utf-8")
    for name, text in {**TABLES, **tables}.items():
        (folder / "tables" / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def replace(folder: Path, file: str, old: str, new: str) -> None:
    """Replace a piece of text that must occur in a file of the study."""
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {file}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def records(table: str) -> list[list[str]]:
    """Cells of one table of the tiny study, header first."""
    return list(csv.reader(io.StringIO(TABLES[table])))
