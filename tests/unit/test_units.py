"""Units: what is known, what converts to what, and what is refused."""

from __future__ import annotations

import subprocess
import sys

import pytest

from carbonsim.errors import UnitError
from carbonsim.units import UNITS, canonical, conversion_factor, dimension, is_known


@pytest.mark.parametrize(
    ("start", "end", "factor"),
    [
        ("万吨", "t", 1e4),
        ("亿吨", "t", 1e8),
        ("万元", "CNY", 1e4),
        ("亿元", "CNY", 1e8),
        ("GWh", "MWh", 1e3),
        ("kWh", "MWh", 1e-3),
        ("TJ", "GJ", 1e3),
        ("MWh", "GJ", 3.6),  # one kWh is 3.6 MJ by definition
        ("tce", "GJ", 29.3076),  # GB/T 2589-2020
        ("万m³", "1e4_Nm3", 1.0),
        ("万m3", "Nm3", 1e4),
        ("万千瓦时", "MWh", 10.0),
        ("kg/t", "g/kg", 1.0),  # 1 kg/t = 1000 g / 1000 kg
        ("tCO2/MWh", "tCO2/GJ", 1 / 3.6),
        ("allowance", "tCO2e", 1.0),
        ("t_clinker", "t", 1.0),
        ("CNY2025/tCO2e", "CNY2025/kgCO2e", 1e-3),
        ("千瓦时", "kWh", 1.0),
    ],
)
def test_conversion_factors(start: str, end: str, factor: float) -> None:
    assert conversion_factor(start, end) == pytest.approx(factor, rel=1e-14)


@pytest.mark.parametrize(
    ("start", "end"), [("t", "MWh"), ("CNY2024", "CNY2025"), ("CNY", "CNY2025"), ("tC", "tCO2"), ("t", "tCO2")]
)
def test_different_kinds_do_not_convert(start: str, end: str) -> None:
    with pytest.raises(UnitError, match="measure different things"):
        conversion_factor(start, end)


def test_ton_is_refused_as_ambiguous() -> None:
    with pytest.raises(UnitError, match=r"ambiguous.*'t'"):
        conversion_factor("ton", "t")


@pytest.mark.parametrize(("wrong", "right"), [("mwh", "MWh"), ("tonnne", "tonne"), ("万吨标媒", "万吨标煤")])
def test_typos_get_a_suggestion(wrong: str, right: str) -> None:
    with pytest.raises(UnitError, match=f"Did you mean '{right}'"):
        canonical(wrong)


def test_full_width_letters_are_plain_letters() -> None:
    assert canonical("ＭＷｈ") == "MWh"


def test_canonical_text_is_stable() -> None:
    for unit in UNITS:
        assert canonical(unit) == unit
    assert not is_known("furlong")
    assert dimension("万tCO2") == "co2e"


def test_pint_is_loaded_only_for_a_real_conversion() -> None:
    code = "import sys; from carbonsim.units import conversion_factor as c; c('吨', 't'); print('pint' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
