import pytest
from allocation_builder import parameters, sector_data

from carbonsim.allocation import Allocation, allocation_rules, marginal_incentives


def steel() -> Allocation:
    # One enterprise at balance: phi_key 0.21, phi_other 0 (test_collared_intensity); f1 mixes both channels.
    data = sector_data(
        "steel", 2025, emissions=[8e5, 6e5], key=[8e5, 2e5], key_output=[8e5, 0.0], enterprise=["works", "works"]
    )
    return allocation_rules.get("collared_intensity").target(data, parameters())


def test_incentives_by_facility_weigh_the_channels_by_emissions() -> None:
    result = marginal_incentives(steel())
    assert result["phi"].dims == ("facility",)
    assert result["phi"].attrs["units"] == "1"
    # f1: a third of its emissions in the key channel
    assert result["phi"].values == pytest.approx([0.21, 0.21 / 3])
    assert result["phi_other"].values == pytest.approx([0.0, 0.0], abs=1e-12)
    assert result["sigma"].values == pytest.approx([0.2625, 0.0])


def test_incentives_by_enterprise_weigh_by_emissions_and_by_rated_output() -> None:
    result = marginal_incentives(steel(), by="enterprise").sel(enterprise="works")
    # (0.21 * 8e5 + 0.07 * 6e5) / 1.4e6 = 0.15: at balance a uniform cut of e saves 15 % of the price
    assert float(result["phi"]) == pytest.approx(0.15)
    assert float(result["sigma"]) == pytest.approx(0.2625)


def test_a_row_without_emissions_has_its_key_incentive() -> None:
    data = sector_data("steel", 2024, emissions=[0.0])
    given = allocation_rules.get("verified_emissions").target(data, parameters())
    assert float(marginal_incentives(given)["phi"][0]) == 0.0
    assert float(marginal_incentives(given, by="enterprise")["phi"][0]) == 0.0
