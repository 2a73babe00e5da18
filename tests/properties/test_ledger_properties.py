"""What must hold for every ledger, from its files to its totals: scale, order, splitting, units, months, gases."""

import dataclasses
import random
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "inputs"))
from ledger_builder import ENDING, ledger_folder

from carbonsim.accounting import build_inventory
from carbonsim.inputs.ledger import read_ledger

HEAD = "facility,year,stream,month,method,factor,quantity,unit,net_calorific_value,gas_factor,basis,source\n"
# Methods of four sectors: stream, facility, method, factor, unit, calorific value, factor of other gases.
STREAMS = (
    ("line1", "coal", "combustion", "bituminous", "t", "22.5", "ipcc2006_coal_industry"),
    ("line1", "clinker", "clinker", "cets2024_clinker_portland", "t", "", ""),
    ("line1", "slag", "deduction", "cets2024_deduct_steel_slag", "t", "", ""),
    ("line1", "power", "electricity_purchased", "", "MWh", "", ""),
    ("boiler", "coke", "combustion", "coke", "t", "", ""),
    ("boiler", "gas", "combustion", "natural_gas", "1e4_Nm3", "", ""),
    ("boiler", "stone", "carbonate", "cets2024_dolomite", "t", "", ""),
    ("potline", "anodes", "anode", "", "t", "", ""),
    ("potline", "effects", "pfc", "", "t", "", ""),
    ("potline", "made", "output", "", "t", "", ""),
)
ENTERPRISES = f"""\
enterprise,name_zh,name_en,sector,basis,source
works,示意钢厂,Works,steel,{ENDING}
kiln,示意水泥厂,Kiln,cement,{ENDING}
smelter,示意铝厂,Smelter,aluminium,{ENDING}
"""
FACILITIES = f"""\
facility,enterprise,process,product,output_unit,basis,source
boiler,works,steelworks,steam,t,{ENDING}
line1,kiln,clinker_line,clinker,t,{ENDING}
potline,smelter,potline,aluminium,t,{ENDING}
"""
TOTALS = ("emissions_co2e", "scope2_location", "covered_emissions", "key_emissions", "output", "emissions")
Row = list[str]
Build = Callable[[list[Row]], xr.Dataset]

# Within a factor of ten, and clinker ten times that: its deductions stay below it.
amounts = st.lists(st.integers(10**3, 10**4), min_size=len(STREAMS), max_size=len(STREAMS))
quick = settings(max_examples=8, deadline=None)


def rows_of(quantities: list[int], scale: float = 1) -> list[Row]:
    """One yearly row a stream."""
    made = []
    for (facility, stream, method, factor, unit, heat, gases), quantity in zip(STREAMS, quantities, strict=True):
        amount = quantity * scale * (10 if stream == "clinker" else 1)
        made.append(
            [facility, "2025", stream, "", method, factor, repr(float(amount)), unit, heat, gases, *ENDING.split(",")]
        )
    return made


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """The inventory of a ledger with these rows of activity; the other tables are read from files once."""
    text = HEAD + "".join(",".join(row) + "\n" for row in rows_of([1] * len(STREAMS)))
    folder = tmp_path_factory.mktemp("ledgers") / "base"
    base = read_ledger(ledger_folder(folder, enterprises=ENTERPRISES, facilities=FACILITIES, activity=text))
    kinds = base.tables["activity"].dtypes

    def made(rows: list[Row]) -> xr.Dataset:
        typed = pd.DataFrame(rows, columns=HEAD.strip().split(","))
        columns = {}
        for name, kind in kinds.items():
            empty = float("nan") if kind.kind in "fi" else False if kind.kind == "b" else ""
            cells = [empty if cell == "" else cell for cell in typed.get(name, [""] * len(rows))]
            columns[name] = pd.Series(cells, dtype=object).astype(kind)
        frame = pd.DataFrame(columns)
        tables = {**base.tables, "activity": frame}
        return build_inventory(dataclasses.replace(base, tables=tables))

    return made


def assert_same_totals(one: xr.Dataset, other: xr.Dataset, scale: float = 1) -> None:
    for name in TOTALS:
        np.testing.assert_allclose(other[name].values, scale * one[name].values, rtol=1e-11, atol=1e-9)


@quick
@given(amounts)
def test_doubling_every_amount_doubles_every_total(build: Build, quantities: list[int]) -> None:
    assert_same_totals(build(rows_of(quantities)), build(rows_of(quantities, 2)), 2)


@quick
@given(amounts, st.integers(0, 2**32))
def test_the_order_of_rows_changes_not_a_bit(build: Build, quantities: list[int], seed: int) -> None:
    rows = rows_of(quantities)
    shuffled = rows.copy()
    random.Random(seed).shuffle(shuffled)  # noqa: S311  rows, not keys
    assert build(shuffled).identical(build(rows))


@quick
@given(amounts, st.integers(0, len(STREAMS) - 1), st.floats(0, 1))
def test_a_row_split_in_two_streams_changes_nothing(
    build: Build, quantities: list[int], place: int, share: float
) -> None:
    rows = rows_of(quantities)
    whole = rows[place]
    parts = [whole.copy(), whole.copy()]
    for part, name, of_it in zip(parts, ("", "_rest"), (share, 1 - share), strict=True):
        part[2], part[6] = whole[2] + name, repr(float(whole[6]) * of_it)
    assert_same_totals(build(rows), build([*rows[:place], *parts, *rows[place + 1 :]]))


# The same amount in another unit: t as 万吨, kg or kt, MWh as 万kWh or GJ, 1e4 Nm3 as Nm3.
OTHERS = {
    "t": (("万吨", 1e-4), ("kg", 1e3), ("kt", 1e-3)),
    "MWh": (("万kWh", 0.1), ("GJ", 3.6)),
    "1e4_Nm3": (("Nm3", 1e4),),
}


@quick
@given(amounts, st.integers(0, 5))
def test_the_unit_of_entry_does_not_matter(build: Build, quantities: list[int], choice: int) -> None:
    rows = rows_of(quantities)
    other = []
    for row in rows:
        unit, factor = OTHERS[row[7]][choice % len(OTHERS[row[7]])]
        other.append([*row[:6], repr(float(row[6]) * factor), unit, *row[8:]])
    assert_same_totals(build(rows), build(other))


@quick
@given(amounts)
def test_gases_times_potentials_add_up(build: Build, quantities: list[int]) -> None:
    inventory = build(rows_of(quantities))
    by_gas = (inventory.emissions * inventory.gwp).sum("gas")
    np.testing.assert_allclose(by_gas.values, inventory.emissions_co2e.values, rtol=1e-12)
    streams = (inventory.stream_emissions * inventory.gwp).sum("gas")
    np.testing.assert_allclose(streams.values, inventory.stream_emissions_co2e.values, rtol=1e-12, atol=1e-12)
    # No gas appears that no stream emits.
    assert set(inventory.gas.values[inventory.emissions.values.sum(axis=(0, 2)) > 0]) <= {
        "CO2", "CH4", "N2O", "CF4", "C2F6",
    }  # fmt: skip


@quick
@given(amounts)
def test_twelve_equal_months_are_the_year(build: Build, quantities: list[int]) -> None:
    rows = rows_of(quantities)
    months = [
        [*row[:3], str(month), *row[4:6], repr(float(row[6]) / 12), *row[7:]] for row in rows for month in range(1, 13)
    ]
    assert_same_totals(build(rows), build(months))


def test_files_with_their_rows_in_another_order_make_the_same_bits(tmp_path: Path) -> None:
    rows = rows_of([7, 11, 3, 5, 2, 13, 17, 19, 23, 29])
    made = []
    for name, some in (("a", rows), ("b", rows[::-1])):
        text = HEAD + "".join(",".join(row) + "\n" for row in some)
        folder = ledger_folder(tmp_path / name, enterprises=ENTERPRISES, facilities=FACILITIES, activity=text)
        made.append(build_inventory(read_ledger(folder)))
    assert made[1].identical(made[0])


@quick
@given(amounts, st.integers(0, len(STREAMS) - 1))
def test_a_row_of_nothing_changes_nothing(build: Build, quantities: list[int], place: int) -> None:
    rows = rows_of(quantities)
    empty = [*rows[place][:2], "nothing", *rows[place][3:6], "0", *rows[place][7:]]
    assert_same_totals(build(rows), build([*rows, empty]))
