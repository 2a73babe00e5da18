from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from allocation_builder import parameter, parameters

from carbonsim.allocation import AllocationInput, allocate, allocation_rules, with_auction_share
from carbonsim.errors import AlignmentError, InputError, ScenarioError, UnitError
from carbonsim.inputs.parameters import ParameterSet
from carbonsim.inputs.scenario import MarketChoice, RuleChoice, Scenario

FACILITIES = ("bf", "sinter", "kiln", "rest_bin")
OWNERS = ("works", "works", "cement_a", "rest")
SECTORS = ("steel", "steel", "cement", "steel")
YEARS = [2024, 2025, 2026]


def inventory(**changes: Any) -> xr.Dataset:
    def by_year(first: list[float], growth: float = 1.0) -> tuple[tuple[str, str], np.ndarray, dict[str, str]]:
        return (("facility", "year"), np.outer(first, growth ** np.arange(3)), {"units": "tCO2e"})

    variables: dict[str, Any] = {
        "covered_emissions": by_year([1.2e6, 2e5, 8e5, 5e8], 0.9),
        "key_emissions": by_year([8e5, 2e5, 8e5, 4e8], 0.9),
        "output": by_year([8e5, 9e5, 1e6, 3e8]),
        "key_output": by_year([8e5, 0.0, 1e6, 3e8]),
        "heat_output": by_year([0.0] * 4),
        "load_factor": ("facility", [np.nan] * 4),
        "heat_ratio": ("facility", [np.nan] * 4),
    }
    coords = {
        "facility": list(FACILITIES),
        "enterprise": ["works", "cement_a", "rest"],
        "year": YEARS,
        "facility_enterprise": ("facility", list(OWNERS)),
        "facility_sector": ("facility", list(SECTORS)),
        "benchmark_class": ("facility", [""] * 4),
        "product": ("facility", ["pig iron", "sinter", "clinker", "crude steel"]),
        "entities": ("enterprise", [1, 1, 230]),
    }
    return xr.Dataset({**variables, **changes}, coords=coords)


def scenario(
    rules: Mapping[str, Mapping[int, RuleChoice]], policy: ParameterSet | None = None, special: str = ""
) -> Scenario:
    facilities = pd.DataFrame(
        {"facility": FACILITIES[::-1], "cooling": [""] * 4, "special_case": ["", special, None, float("nan")]}
    )
    return Scenario(
        name="test", title_en="", title_zh="", description="", years=tuple(YEARS), base_year=2024, price_year=2025,
        illustrative=True, allow_draft=True, tables={"facilities": facilities}, parameters=policy or parameters(),
        allocation=rules, market=MarketChoice(), sources={},
    )  # fmt: skip


STEEL = {"steel": {2024: RuleChoice("verified_emissions"), 2025: RuleChoice("collared_intensity")}}


def test_the_rule_changes_in_its_first_year() -> None:
    before, after = (allocate(scenario(STEEL), inventory(), year, "steel", ["works", "rest"]) for year in (2024, 2025))
    assert (before.rule, after.rule) == ("verified_emissions", "collared_intensity")
    assert before.amount.sum() == pytest.approx(1.4e6 + 5e8)


def test_facilities_keep_the_order_of_the_inventory_and_other_sectors_stay_out() -> None:
    result = allocate(scenario(STEEL), inventory(), 2025, "steel", ["rest", "cement_a", "works"])
    assert result.facility == ("bf", "sinter", "rest_bin")
    assert result.enterprise == ("works", "works", "rest")


def test_the_balance_value_is_over_the_national_entities() -> None:
    # Intensities in 2025: works 0.9e6/8e5 = 1.125, rest 3.6e8/3e8 = 1.2; both inside the collar, so
    # B = (1.26e6 * 1.125 + 4.5e8 * 1.2) / (1.26e6 + 4.5e8)
    result = allocate(scenario(STEEL), inventory(), 2025, "steel", ["works", "rest"])
    assert result.notes["balance_value"] == pytest.approx((1.26e6 * 1.125 + 4.5e8 * 1.2) / (1.26e6 + 4.5e8), rel=1e-12)
    alone = allocate(scenario(STEEL), inventory(), 2025, "steel", ["works"])
    assert alone.notes["balance_value"] == pytest.approx(1.125)


def test_a_mapping_of_shares_leaves_out_those_without_obligation() -> None:
    result = allocate(scenario(STEEL), inventory(), 2025, "steel", {"works": 0.5, "rest": 0.0})
    assert set(result.enterprise) == {"works"}


def test_nothing_covered_gives_an_empty_allocation() -> None:
    result = allocate(scenario(STEEL), inventory(), 2025, "steel", [])
    assert result.facility == ()
    assert result.kind == "lump_sum"


def test_special_cases_come_from_the_facilities_table() -> None:
    rules = {"cement": {2025: RuleChoice("collared_intensity")}}
    result = allocate(scenario(rules, special="white_clinker"), inventory(), 2025, "cement", ["cement_a"])
    assert result.amount[0] == pytest.approx(7.2e5)
    assert result.units[0].balance_group == ""


def test_reference_emissions_are_those_of_the_base_year() -> None:
    rules = {"steel": {2026: RuleChoice("grandfathering")}}
    result = allocate(scenario(rules), inventory(), 2026, "steel", ["works"])
    assert result.amount.tolist() == pytest.approx([1.2e6, 2e5])


def test_the_auction_share_of_the_year_is_taken_off() -> None:
    share = parameter("allocation.auction_share", {"steel": {2026: 0.1}}, dims=("sector",))
    policy = parameters().with_parameter(share)
    rules = {"steel": {2024: RuleChoice("verified_emissions")}, "cement": {2024: RuleChoice("verified_emissions")}}
    before, after = (allocate(scenario(rules, policy), inventory(), year, "steel", ["works"]) for year in (2025, 2026))
    assert before.amount.sum() == pytest.approx(1.26e6)
    assert not before.auctioned.any()
    # 1.4e6 * 0.81 = 1.134e6, of which a tenth is sold
    assert after.amount.sum() == pytest.approx(0.9 * 1.134e6)
    assert after.auctioned.sum() == pytest.approx(0.1 * 1.134e6)
    cement = allocate(scenario(rules, policy), inventory(), 2026, "cement", ["cement_a"])
    assert not cement.auctioned.any()


@pytest.mark.parametrize(("year", "is_in_force"), [(2022, False), (2023, True), (2024, True), (2025, False)])
def test_a_rule_outside_its_years_is_an_input_error(year: int, is_in_force: bool) -> None:
    from carbonsim.allocation.allocate import check_years

    entry = allocation_rules.get("power_benchmark_2023")
    if is_in_force:
        check_years(entry, "power", year)
        return
    with pytest.raises(InputError, match=r"allocation\.power.*power_benchmark_2023.*2023 to 2024"):
        check_years(entry, "power", year)


def test_the_collar_does_not_apply_before_2025() -> None:
    rules = {"steel": {2024: RuleChoice("collared_intensity")}}
    with pytest.raises(InputError, match="from 2025 to the end, used for 2024"):
        allocate(scenario(rules), inventory(), 2024, "steel", ["works"])


def test_a_sector_without_rule_is_a_scenario_error() -> None:
    with pytest.raises(ScenarioError, match=r"allocation\.cement has no rule in 2025"):
        allocate(scenario(STEEL), inventory(), 2025, "cement", ["cement_a"])


def test_options_reach_the_rule_and_a_typo_is_named() -> None:
    good = {"steel": {2025: RuleChoice("collared_intensity", {"balance_value": 1.5})}}
    assert allocate(scenario(good), inventory(), 2025, "steel", ["works"]).notes["balance_value"] == 1.5
    bad = {"steel": {2025: RuleChoice("collared_intensity", {"balance_valu": 1.5})}}
    with pytest.raises(ScenarioError, match="Did you mean 'balance_value'"):
        allocate(scenario(bad), inventory(), 2025, "steel", ["works"])


def test_unknown_enterprise_year_unit_and_missing_number_are_refused() -> None:
    case = scenario(STEEL)
    with pytest.raises(AlignmentError, match="no enterprise work"):
        allocate(case, inventory(), 2025, "steel", ["work"])
    with pytest.raises(AlignmentError, match="no year 2030"):
        allocate(case, inventory(), 2030, "steel", ["works"])
    good = inventory()
    wrong_unit = good["covered_emissions"].assign_attrs(units="kt")
    with pytest.raises(UnitError, match="kt"):
        allocate(case, inventory(covered_emissions=wrong_unit.variable), 2025, "steel", ["works"])
    holed = good["covered_emissions"].where(good["facility"] != "bf").assign_attrs(units="tCO2e")
    with pytest.raises(AlignmentError, match="NaN"):
        allocate(case, inventory(covered_emissions=holed.variable), 2025, "steel", ["works"])


def test_a_rule_from_outside_the_package_runs_through_the_pipeline() -> None:
    def half(data: AllocationInput, policy: ParameterSet, /, *, part: float = 0.5) -> Any:
        """Half of verified emissions, for this test."""
        base = allocation_rules.get("verified_emissions").target(data, policy)
        return with_auction_share(base, 1.0 - part)

    allocation_rules.register("test_half", first_year=2025, last_year=2025)(half)
    try:
        rules = {"steel": {2024: RuleChoice("test_half", {"part": 0.25})}}
        result = allocate(scenario(rules), inventory(), 2025, "steel", ["works"])
        assert result.amount.sum() == pytest.approx(0.25 * 1.26e6)
        with pytest.raises(InputError, match="test_half"):
            allocate(scenario(rules), inventory(), 2026, "steel", ["works"])
    finally:
        allocation_rules.unregister("test_half")
