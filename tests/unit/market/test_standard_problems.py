"""Trade against a uniform standard: what the textbook cases say it saves, from the packaged problems."""

import pytest

import carbonsim as cs
from carbonsim.report.market_console import console_lines


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("two_firms", {"north": 9.0, "south": 4.5}),  # 81 and 40.5 less 36 + 3 x 12 and 72 - 3 x 12: 13.5 together
        ("two_firms_quadratic", {"one": 40.0, "two": 24.0}),  # 640 less 360 + 4 x 60; 384 less 600 - 4 x 60: 64
        ("two_firms_linear", {"alliance": 400.0, "beast": 200.0}),  # 3600 and 1800 less 3200 and 1600
    ],
)
def test_trade_saves_each_firm_what_the_case_says(name: str, saved: dict[str, float]) -> None:
    apart = cs.read_problem(f"standard_{name}").clear().dataset
    traded = cs.read_problem(name).clear().dataset
    net = traded.abatement_cost + traded.allowance_price * traded.net_purchase
    for firm, tonnes_worth in saved.items():
        found = apart.abatement_cost.sel(enterprise=firm) - net.sel(enterprise=firm)
        assert found.item() == pytest.approx(tonnes_worth, rel=1e-6)


def test_marginal_costs_of_a_standard_stay_apart() -> None:
    # The exercise: 5 x 16 = 80 and 3 x 16 = 48.
    found = cs.read_problem("standard_two_firms_quadratic").clear().dataset
    worth = found.allowance_price.values + found.place_premium.values[:, 0]
    assert sorted(worth) == pytest.approx([48.0, 80.0])


def test_a_table_of_nothing_is_not_printed() -> None:
    # The opening bank and what expires are 0 for both firms, and columns of 0 are left out.
    file = cs.read_problem("standard_two_firms")
    lines = console_lines(file, file.clear(), (), "en")
    assert "The same by enterprise and year" in lines
    assert "The same by enterprise" not in lines
