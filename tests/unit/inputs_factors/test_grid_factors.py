"""Which electricity factor a region has in a year, and the refusals where none fits."""

import dataclasses

import pytest

from carbonsim.errors import InputError
from carbonsim.inputs.factors import grid_factor, packaged_factors


@pytest.mark.parametrize(
    ("region", "year", "kind", "factor"),
    [
        ("四川", 2023, "average", "grid_2023_sichuan"),
        ("sichuan", 2022, "average", "grid_2022_sichuan"),
        ("Sichuan", 2026, "average", "grid_2023_sichuan"),  # three years older: the last that is taken unasked
        ("西南", 2024, "average", "grid_2023_southwest"),
        ("全国", 2023, "average", "grid_2023_china"),
        ("China", 2022, "residual", "grid_2022_china_residual"),
        ("China", 2023, "fossil", "grid_2023_china_fossil"),
        ("China", 2022, "notice", "grid_2022_china_notice"),
        ("China residual mix", 2023, "residual", "grid_2023_china_residual"),
        ("grid_2015_china_notice", 2025, "average", "grid_2015_china_notice"),  # an id is taken as it is
    ],
)
def test_the_latest_factor_up_to_the_year_is_taken(region: str, year: int, kind: str, factor: str) -> None:
    assert grid_factor(packaged_factors(), region, year, kind)["factor"] == factor  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("region", "year", "kind", "words"),
    [
        ("Sichuan", 2027, "average", ("grid_2023_sichuan", "2027", "2021, 2022, 2023")),
        ("Sichuan", 2020, "average", ("all are later", "2020")),
        ("Sichaun", 2023, "average", ("Did you mean 'Sichuan'?",)),
        ("Beijing", 2023, "residual", ("residual", "average")),
        ("China residual mix", 2023, "average", ("It has: residual",)),
    ],
)
def test_no_factor_is_made_up(region: str, year: int, kind: str, words: tuple[str, ...]) -> None:
    with pytest.raises(InputError) as caught:
        grid_factor(packaged_factors(), region, year, kind)  # type: ignore[arg-type]
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert caught.value.text("zh") != caught.value.text("en")


def test_a_region_of_ones_own_is_found_among_the_rest() -> None:
    factors = packaged_factors()
    row = factors.grid.iloc[[0]].assign(factor="park", level="zone", region_zh="园区", region_en="Park", data_year=2024)
    own = dataclasses.replace(factors, grid=row)
    assert grid_factor(own, "园区", 2025)["factor"] == "park"
