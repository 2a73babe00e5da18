import numpy as np
import pytest
from allocation_builder import parameters, sector_data

from carbonsim.allocation import Allocation, allocation_rules, with_auction_share
from carbonsim.errors import ParameterError


def collared() -> Allocation:
    data = sector_data("cement", 2025, emissions=[900_000.0, 1_100_000.0], key_output=[1e6, 1e6])
    return allocation_rules.get("collared_intensity").target(data, parameters())


def verified() -> Allocation:
    data = sector_data("steel", 2025, emissions=[100.0])
    return allocation_rules.get("verified_emissions").target(data, parameters())


def test_auction_share_scales_amounts_and_what_is_sold() -> None:
    base, hybrid = collared(), with_auction_share(collared(), 0.3)
    assert np.allclose(hybrid.amount, 0.7 * base.amount)
    assert np.allclose(hybrid.amount_unrounded + hybrid.auctioned, base.amount_unrounded)


def test_a_hybrid_with_verified_emissions_prices_the_auctioned_share() -> None:
    # A = 0.75 e: phi = 1 - 0.75 = 0.25
    hybrid = with_auction_share(verified(), 0.25)
    assert hybrid.per_emission[0] == pytest.approx(0.75)
    assert hybrid.phi_key[0] == pytest.approx(0.25)


def test_the_obligation_rules_are_scaled_too() -> None:
    base, hybrid = collared(), with_auction_share(collared(), 0.3)
    for before, after in zip(base.units, hybrid.units, strict=True):
        assert float(after.rule.amount(8e5, 0.0)) == pytest.approx(0.7 * float(before.rule.amount(8e5, 0.0)))
        by_key, _ = after.rule.gradient(after.key_emissions, after.other_emissions)
        assert 1.0 - by_key == pytest.approx(hybrid.phi_key[base.units.index(before)])


def test_full_auctioning_is_a_lump_sum_of_nothing_under_any_rule() -> None:
    for base in (collared(), verified()):
        auction = with_auction_share(base, 1.0)
        assert auction.kind == "lump_sum"
        assert auction.units == ()
        assert not auction.amount.any()
        assert np.all(auction.phi_key == 1.0)
        assert not auction.sigma.any()


def test_shares_taken_one_after_the_other_multiply() -> None:
    twice = with_auction_share(with_auction_share(verified(), 0.5), 0.5)
    assert twice.amount[0] == pytest.approx(25.0)
    assert twice.auctioned[0] == pytest.approx(75.0)


@pytest.mark.parametrize("share", [-0.1, 1.1, 30.0])
def test_a_share_outside_0_to_1_is_refused(share: float) -> None:
    with pytest.raises(ParameterError, match="not a percentage"):
        with_auction_share(verified(), share)
