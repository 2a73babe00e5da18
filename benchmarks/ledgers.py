"""Made-up ledgers of steel and clinker works of any size, written as a user would hand them in: CSV folder or workbook.

A works has 100 rows: eight streams by month and four by year. The amounts are invented and steady in size; the
factors are those of the package. Units and measured values vary from works to works, so that no row is a copy.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np

YEAR: Final = 2024
ROWS_A_WORKS: Final = 100
SEED: Final = 20241231
ENDING: Final = ("assumption", "made_up")
Table = list[tuple[object, ...]]

# Stream: method, factor, mean amount of a month in the first unit, units that the works use in turn with their scale.
_Monthly = tuple[str, str, str, float, tuple[tuple[str, float], ...]]
_TONNES: Final = (("t", 1.0), ("万吨", 1e-4), ("kg", 1e3))
_MONTHLY: Final[dict[str, tuple[_Monthly, ...]]] = {
    "steel": (
        ("coal", "combustion", "bituminous", 9_000.0, _TONNES),
        ("coking_coal", "combustion", "washed_coking_coal", 60_000.0, _TONNES[:2]),
        ("coke", "combustion", "coke", 20_000.0, _TONNES[::2]),
        ("diesel", "combustion", "diesel", 120.0, _TONNES[:1]),
        ("natural_gas", "combustion", "natural_gas", 350.0, (("1e4_Nm3", 1.0), ("Nm3", 1e4))),
        ("limestone", "carbonate", "cets2024_limestone", 30_000.0, _TONNES[:2]),
        ("dolomite", "carbonate", "cets2024_dolomite", 6_000.0, _TONNES[:1]),
        ("power", "electricity_purchased", "grid_2023_china", 40_000.0, (("MWh", 1.0), ("万kWh", 0.1))),
    ),
    "cement": (
        ("coal", "combustion", "bituminous", 12_000.0, _TONNES),
        ("anthracite", "combustion", "anthracite", 2_000.0, _TONNES[:2]),
        ("petroleum_coke", "combustion", "petroleum_coke", 500.0, _TONNES[::2]),
        ("diesel", "combustion", "diesel", 20.0, _TONNES[:1]),
        ("natural_gas", "combustion", "natural_gas", 5.0, (("1e4_Nm3", 1.0), ("Nm3", 1e4))),
        ("clinker", "clinker", "cets2024_clinker_portland", 100_000.0, _TONNES[:2]),
        ("carbide_slag", "deduction", "cets2024_deduct_calcium_carbide_slag", 4_000.0, _TONNES[:1]),
        ("power", "electricity_purchased", "grid_2023_china", 6_000.0, (("MWh", 1.0), ("万kWh", 0.1))),
    ),
}
# Stream: method, factor, mean amount of a year in tonnes.
_YEARLY: Final = {
    "steel": (
        ("electrodes", "carbonate", "cets2024_electrode", 2_500.0),
        ("scrap", "material_input", "cets2024_scrap", 90_000.0),
        ("pig_iron_sold", "product_output", "cets2024_pig_iron_sold", 50_000.0),
        ("crude_steel", "product_output", "cets2024_crude_steel_out", 800_000.0),
    ),
    "cement": (
        ("gasoline", "combustion", "gasoline", 30.0),
        ("fuel_oil", "combustion", "fuel_oil", 200.0),
        ("white_clinker", "clinker", "cets2024_clinker_white", 8_000.0),
        ("steel_slag", "deduction", "cets2024_deduct_steel_slag", 20_000.0),
    ),
}
_SITE: Final = {"steel": ("steelworks", "crude steel"), "cement": ("clinker_line", "clinker")}
SECTORS: Final = tuple(_SITE)
_ACTIVITY: Final = (
    "facility", "year", "stream", "month", "method", "factor", "quantity", "unit", "net_calorific_value",
    "carbon_content", "basis", "source",
)  # fmt: skip
_UNCERTAINTY: Final = ("term", "factor", "half_width", "distribution", "basis", "source")
UNCERTAINTIES: Final = (
    ("quantity", "", 0.02, "normal"),
    ("net_calorific_value", "", 0.03, "normal"),
    ("carbon_content", "", 0.03, "normal"),
    ("emission_factor", "", 0.05, "normal"),
)


def ledger_tables(rows: int, *, with_uncertainty: bool = False) -> dict[str, Table]:
    """The tables of a ledger with so many rows of activity, each with its header.

    Parameters
    ----------
    rows : int
        A multiple of 100.
    with_uncertainty : bool
        State an uncertainty for quantities (one a stream) and for factors (shared by all works).

    Raises
    ------
    ValueError
        If the rows are not a multiple of 100.
    """
    if rows < ROWS_A_WORKS or rows % ROWS_A_WORKS:
        raise ValueError(f"rows is {rows}; expected a multiple of {ROWS_A_WORKS}.")
    rng = np.random.default_rng(SEED)
    works = [f"works_{number:05d}" for number in range(rows // ROWS_A_WORKS)]
    tables: dict[str, Table] = {
        "enterprises": [("enterprise", "name_zh", "name_en", "sector", "basis", "source")],
        "facilities": [("facility", "enterprise", "process", "product", "output_unit", "basis", "source")],
        "activity": [_ACTIVITY],
        "sources": [("source", "title"), ("made_up", "Made-up amounts for a benchmark.")],
    }
    for number, name in enumerate(works):
        sector = SECTORS[number % len(SECTORS)]
        tables["enterprises"].append((name, f"示意企业{number}", f"Works {number}", sector, *ENDING))
        tables["facilities"].append((f"{name}_site", name, *_SITE[sector], "t", *ENDING))
        tables["activity"] += _activity(number, sector, f"{name}_site", rng)
    if with_uncertainty:
        tables["uncertainty"] = [_UNCERTAINTY, *((*row, *ENDING) for row in UNCERTAINTIES)]
    return tables


def _activity(number: int, sector: str, site: str, rng: np.random.Generator) -> Iterator[tuple[object, ...]]:
    """The 100 rows of one works; some of them measure calorific values of coal, clinker works also carbon contents."""
    size = rng.lognormal(0.0, 0.5)
    amounts = rng.uniform(0.8, 1.2, (len(_MONTHLY[sector]), 12))
    turn = number // len(SECTORS)
    for place, (stream, method, factor, mean, units) in enumerate(_MONTHLY[sector]):
        unit, scale = units[turn % len(units)]
        for month, share in enumerate(amounts[place].tolist(), start=1):
            quantity = round(mean * size * share, 3) * scale
            heat = round(23.0 * share, 3) if stream == "coal" and turn % 2 == 0 else ""
            # The guideline of steel takes the default carbon content for every fuel.
            carbon = round(26.0 * share, 3) if stream == "coal" and turn % 3 == 0 and sector == "cement" else ""
            yield (site, YEAR, stream, month, method, factor, f"{quantity:.9g}", unit, heat, carbon, *ENDING)
    for stream, method, factor, mean in _YEARLY[sector]:
        quantity = round(mean * size * rng.uniform(0.8, 1.2), 3)
        yield (site, YEAR, stream, "", method, factor, f"{quantity:.9g}", "t", "", "", *ENDING)


def write_folder(tables: Mapping[str, Table], folder: Path) -> Path:
    """The tables as a folder of CSV files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, records in tables.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(records)
    return folder


def write_workbook(tables: Mapping[str, Table], path: Path) -> Path:
    """The tables as a workbook, numbers as numbers."""
    import xlsxwriter

    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        for name, (header, *records) in tables.items():
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, header)
            quantity = header.index("quantity") if "quantity" in header else -1
            for place, record in enumerate(records, start=1):
                cells = [float(str(cell)) if column == quantity else cell for column, cell in enumerate(record)]
                sheet.write_row(place, 0, ["" if cell is None else cell for cell in cells])
    return path
