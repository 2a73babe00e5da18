"""The engines agree on random markets, and the command that shows it fails where it should."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.__main__ import main
from benchmarks.agreement import STRATA, Compared, compare, make_market, shortcomings, table


def test_three_engines_agree_on_forty_markets() -> None:
    # Spread over the pairs of themes that markets are made for.
    found = [compare(make_market(0, number), number) for number in range(0, 1240, 31)]
    counted = [one for one in found if not one.left_out]
    assert len(counted) >= 30
    assert shortcomings(counted, least=0) == []
    assert {name for one in counted for name in one.strata} == set(STRATA)


def test_a_market_is_made_by_its_seed_and_number_alone() -> None:
    assert compare(make_market(3, 17), 17) == compare(make_market(3, 17), 17)


def test_a_stratum_with_few_markets_and_engines_apart_are_told() -> None:
    most = tuple(name for name in STRATA if name != "ample cap")
    told = shortcomings([Compared(4, tuple(STRATA)), Compared(5, most, price=2e-6)], least=2)
    assert told == [
        "'ample cap' has 1 markets; 2 are needed.",
        "market 5: cost differs by 0.0e+00, price by 2.0e-06; accepted are 1e-06.",
    ]
    assert shortcomings([Compared(1, tuple(STRATA), cost=float("nan"))], least=1)


def test_what_is_left_out_is_not_counted() -> None:
    text = table([Compared(0, ("ample cap",)), Compared(1, left_out="infeasible")], seed=9)
    assert "Seed 9: 1 of 2 random markets" in text
    assert "1 infeasible" in text
    assert "| ample cap | 1 |" in text


def test_the_command_fails_where_strata_are_too_small(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agree", "--instances", "2", "--seed", "0"]) == 1
    assert "100 are needed" in capsys.readouterr().err
    assert main(["agree", "--instances", "2", "--seed", "0", "--least", "0"]) == 0
    assert main(["agree", "--instances", "0"]) == 2
