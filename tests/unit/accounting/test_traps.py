"""The traps of public accounting tools that the design note lists, one test each, from a ledger's file to its total.

What a part of the package does about them is tested where that part is; here each trap is laid in a file as a user
would, and sprung through the whole line.
"""

import csv
import sys
from pathlib import Path

import numpy as np
import openpyxl
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "inputs"))
from ledger_builder import ENDING, TABLES, ledger_folder, ledger_workbook, with_rows, without_months

from carbonsim.accounting import build_inventory
from carbonsim.errors import InputError
from carbonsim.inputs.ledger import read_ledger
from carbonsim.study.account import account
from carbonsim.study.accounts import replay, save_inventory, what_would_change

PROCESS = "table_set,factor,sector,name_zh,name_en,value,unit,gas,quantity,sign,methods,source,basis\n"
KILN_FACTOR = "cets_cement_2024,own_kiln,cement,窑,kiln,{value},{unit},CO2,emission_factor,1,clinker,meter,statistic\n"
UNCERTAINTY = f"""\
term,half_width,distribution,basis,source
quantity,0.4,lognormal,{ENDING}
net_calorific_value,0.5,triangular,{ENDING}
"""


def refused(folder: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        build_inventory(read_ledger(folder))
    return caught.value


def places(problem: InputError) -> list[tuple[str, int | None, str]]:
    """File, row and column of every issue."""
    return [(Path(issue.source).name, issue.row, issue.column) for issue in problem.issues]


def test_the_result_does_not_depend_on_the_uncertainty_mode(tmp_path: Path) -> None:
    ledger = read_ledger(ledger_folder(tmp_path / "a", uncertainty=UNCERTAINTY))
    exact = account(ledger, uncertainty=None).inventory
    for approach, seed in (("approach_1", None), ("monte_carlo", 7)):
        made = account(ledger, uncertainty=approach, draws=200, seed=seed)
        assert made.inventory.identical(exact)
        spread = made.uncertainty
        assert spread is not None
        point = spread.dataset.emissions_co2e.sel(group=exact.enterprise.values.tolist()).values
        assert point.tolist() == exact.emissions_co2e.values.tolist()
    # The skewed sample mean is there to be read, and is another number.
    mean = spread.dataset.sample_mean.sel(group=exact.enterprise.values.tolist()).values
    assert (mean != point).any()


@pytest.mark.parametrize("table", ["folder", "workbook"])
def test_negative_fuel_is_refused_with_its_row(tmp_path: Path, table: str) -> None:
    rows = TABLES["activity"].replace(",1,combustion,bituminous,100,", ",1,combustion,bituminous,-100,")
    path = (
        ledger_folder(tmp_path / "a", activity=rows)
        if table == "folder"
        else ledger_workbook(tmp_path / "a.xlsx", activity=rows)
    )
    problem = refused(path)
    assert [(row, column) for _, row, column in places(problem)] == [(2, "quantity")]


def test_a_missing_quantity_is_no_zero(tmp_path: Path) -> None:
    rows = TABLES["activity"].replace(",1,combustion,bituminous,100,", ",1,combustion,bituminous,,")
    assert places(refused(ledger_folder(tmp_path / "cell", activity=rows))) == [("activity.csv", 2, "quantity")]
    problem = refused(ledger_folder(tmp_path / "row", activity=without_months(5)))
    assert [(issue.code, issue.value) for issue in problem.issues] == [("missing-months", "5")]
    # Written as 0 it is an amount: May of 80 t is gone, 1,135 - 80 t x 23.736 GJ/t x 26.18 tC/TJ x 44/12 / 1000
    zero = TABLES["activity"].replace(",5,combustion,bituminous,80,", ",5,combustion,bituminous,0,")
    inventory = build_inventory(read_ledger(ledger_folder(tmp_path / "zero", activity=zero)))
    assert float(inventory.emissions_co2e.sel(enterprise="works").item()) == pytest.approx(1055 * 2.27849776, rel=1e-12)


def test_a_number_stored_as_text_is_a_number_and_a_word_names_its_row(tmp_path: Path) -> None:
    path = ledger_workbook(tmp_path / "a.xlsx")
    book = openpyxl.load_workbook(path)
    sheet = book["activity"]
    column = [cell.value for cell in sheet[1]].index("quantity") + 1
    for row in range(2, 6):
        cell = sheet.cell(row, column)
        cell.value, cell.number_format = str(cell.value), "@"
        assert isinstance(cell.value, str)
    book.save(path)
    plain = build_inventory(read_ledger(ledger_folder(tmp_path / "b")))
    np.testing.assert_array_equal(build_inventory(read_ledger(path)).activity.values, plain.activity.values)
    sheet.cell(4, column).value = "about 90"
    sheet.cell(5, column).value = "'12"
    book.save(path)
    assert [(row, column) for _, row, column in places(refused(path))] == [(4, "quantity"), (5, "quantity")]


def test_methane_is_the_same_in_every_unit_of_entry(tmp_path: Path) -> None:
    # 0.36 TJ of mine gas burnt in industry, 1 kg CH4 and 0.1 kg N2O per TJ (IPCC 2006 vol. 2, table 2.3): 0.36 kg
    amounts = {"TJ": 0.36, "GJ": 360, "MWh": 100, "万kWh": 10, "tce": 360 / 29.3076, "kJ": 360_000_000}
    head = (
        "facility,year,stream,method,factor,quantity,unit,gas_factor,net_calorific_value,carbon_content,basis,source\n"
    )
    methane = {}
    for place, (unit, amount) in enumerate(amounts.items()):
        gas = f"line1,2024,gas,combustion,coalbed_methane,{amount!r},{unit},ipcc2006_natural_gas,1000,15.3,{ENDING}\n"
        other = f"line1,2024,clinker,clinker,cets2024_clinker_portland,1,t,,,,{ENDING}\n"
        boiler = f"boiler,2024,coal,combustion,bituminous,1,t,,,,{ENDING}\n"
        inventory = build_inventory(
            read_ledger(ledger_folder(tmp_path / str(place), activity=head + gas + other + boiler))
        )
        methane[unit] = float(inventory.emissions.sel(enterprise="kiln", gas="CH4").item())
    assert methane == pytest.approx(dict.fromkeys(amounts, 0.36e-3), rel=1e-12)


@pytest.mark.parametrize("unit", ["tCO2", "kg", "t_clinker"])
def test_a_total_is_not_taken_for_a_factor(tmp_path: Path, unit: str) -> None:
    rows = TABLES["activity"].replace("cets2024_clinker_portland", "own_kiln")
    folder = ledger_folder(tmp_path / "a", activity=rows)
    (folder / "factors").mkdir()
    text = PROCESS + KILN_FACTOR.format(value=321_000, unit=unit)
    (folder / "factors" / "process.csv").write_text(text, encoding="utf-8")
    problem = refused(folder)
    assert any("own_kiln" in issue.text() or issue.column == "unit" for issue in problem.issues)


def test_a_stated_total_is_divided_by_nothing(tmp_path: Path) -> None:
    # 321,000 tCO2e over 600,000 t of clinker is 0.535 tCO2e/t: once, in the intensity, and the total stays.
    rows = f"line1,2024,clinker,,reported,,32.1,万tCO2e,,{ENDING}\nline1,2024,made,,output,,60,万吨,,{ENDING}\n"
    kept = "".join(row for row in TABLES["activity"].splitlines(keepends=True) if "cets2024_clinker" not in row)
    made = account(read_ledger(ledger_folder(tmp_path / "a", activity=kept + rows)), uncertainty=None)
    assert float(made.inventory.emissions_co2e.sel(enterprise="kiln").item()) == pytest.approx(321_000, rel=1e-12)
    found = float(made.intensity.direct_intensity.sel(facility="line1").item())
    assert found == pytest.approx(0.535, rel=1e-12)


def test_rows_of_one_key_never_replace_each_other(tmp_path: Path) -> None:
    row = f"line1,2024,power,,electricity_purchased,,1,MWh,,{ENDING}\n"
    problem = refused(ledger_folder(tmp_path / "a", activity=with_rows("activity", row)))
    assert [issue.code for issue in problem.issues] == ["duplicate-key"]
    # The same fuel of the same facility under two names is two streams, and both count.
    both = with_rows("activity", row.replace("power", "power_2"))
    once, twice = (
        build_inventory(read_ledger(folder)).scope2_location.sel(enterprise="kiln").item()
        for folder in (ledger_folder(tmp_path / "b"), ledger_folder(tmp_path / "c", activity=both))
    )
    assert twice / once == pytest.approx(4001 / 4000, rel=1e-12)


def test_an_old_result_does_not_move_when_a_factor_is_updated(tmp_path: Path) -> None:
    ledger = read_ledger(ledger_folder(tmp_path / "a"))
    stored = save_inventory(build_inventory(ledger), ledger, tmp_path / "stored", written="2026-11-23T09:00:00Z")
    own = tmp_path / "own"
    own.mkdir()
    (own / "sources.yaml").write_text("later:\n  title: Made up\n  read_on: '2026-11-23'\n", encoding="utf-8")
    with (own / "process.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(PROCESS.strip().split(","))
        writer.writerow(
            ["cets_cement_2024", "cets2024_clinker_portland", "cement", "硅酸盐水泥熟料", "Portland clinker", 0.525,
             "tCO2/t_clinker", "CO2", "emission_factor", 1, "clinker", "later", "assumption"]
        )  # fmt: skip
    updated = read_ledger(tmp_path / "a", own_factors=own).factors
    changed = what_would_change(stored, updated)
    # 600,000 t x (0.525 - 0.535) = -6,000, told beside the stored result, which replays as it was.
    assert "-6,000" in str(changed) or "-6000" in str(changed)
    assert replay(stored).holds


def test_a_slip_in_the_name_of_a_covered_process_is_refused_with_its_row(tmp_path: Path) -> None:
    # Taken as another process, the line would leave the market's boundary with all its emissions.
    folder = ledger_folder(tmp_path / "a")
    table = folder / "facilities.csv"
    text = table.read_text(encoding="utf-8")
    assert "clinker_line" in text
    table.write_text(text.replace("clinker_line", "clinker_lin"), encoding="utf-8")
    problem = refused(folder)
    assert places(problem) == [("facilities.csv", 3, "process")]
    assert "'clinker_line'" in str(problem)
