"""The printed chain of multiplications can be redone by hand."""

import pytest
from accounting_builders import one_site

from carbonsim.accounting import build_inventory, explain
from carbonsim.errors import InputError

ROWS = [
    {"stream": "coke", "method": "combustion", "factor": "coke", "quantity": 1000},
    {"stream": "gas_out", "method": "product_output", "factor": "bf_gas", "quantity": 10, "unit": "1e4_Nm3"},
    {"stream": "iron", "method": "output", "quantity": 2000},
]


def test_every_factor_and_source_is_in_the_chain() -> None:
    text = str(explain(one_site("steel", "ironmaking", ROWS), "e", 2024))
    assert "1,000 t x 28.435 GJ/t x 29.42 tC/TJ / 1000 x 44/12 = 3,067.38 tCO2e" in text
    assert "cets_steel_2024:coke [cets-ag-03-steel-2024, law]" in text
    assert "-10 1e4_Nm3 x 33" in text
    assert "activity [made-up, assumption]" in text


def test_streams_sum_to_the_total() -> None:
    inventory = build_inventory(one_site("steel", "ironmaking", ROWS))
    told = explain(inventory, "e", 2024)
    assert sum(stream.emissions_co2e for stream in told.streams) == pytest.approx(told.emissions_co2e)
    assert len(told.streams) == 2  # an output row emits nothing


def test_oxidation_shows_where_it_was_used() -> None:
    row = {"method": "combustion", "factor": "bituminous", "quantity": 1}
    assert "x 0.93 / 1000 x 44/12" in str(explain(one_site("chemicals", "boiler", [row]), "e", 2024))


def test_fluorocarbons_show_their_potential() -> None:
    told = explain(one_site("aluminium", "potline", [{"method": "pfc", "quantity": 1000}]), "e", 2024)
    assert "t CF4/t x 6630 tCO2e/t" in told.streams[0].formula


def test_an_unknown_enterprise_or_year_is_named() -> None:
    inventory = build_inventory(one_site("steel", "ironmaking", ROWS))
    with pytest.raises(InputError, match="'x' is not in the inventory"):
        explain(inventory, "x", 2024)
    with pytest.raises(InputError, match=r"2030.*2024 to 2024"):
        explain(inventory, "e", 2030)
