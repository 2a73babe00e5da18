"""Allocation: one small file a rule; each says how many allowances are free and what that does at the margin."""

from carbonsim.allocation.allocate import allocate, allocation_input
from carbonsim.allocation.auction_share import with_auction_share
from carbonsim.allocation.balance import Balance, balance_value, recalibrate
from carbonsim.allocation.core import (
    Allocation,
    AllocationInput,
    AllocationRule,
    BalancedRule,
    ObligationRule,
    UnitOfAccount,
    allocation_rules,
)
from carbonsim.allocation.correction import with_correction_factor
from carbonsim.allocation.incentives import incentive_table, lagged_incentives, marginal_incentives
from carbonsim.allocation.obligations import CappedObligation, CollaredIntensity, FullCover, Scaled

__all__ = [
    "Allocation",
    "AllocationInput",
    "AllocationRule",
    "Balance",
    "BalancedRule",
    "CappedObligation",
    "CollaredIntensity",
    "FullCover",
    "ObligationRule",
    "Scaled",
    "UnitOfAccount",
    "allocate",
    "allocation_input",
    "allocation_rules",
    "balance_value",
    "incentive_table",
    "lagged_incentives",
    "marginal_incentives",
    "recalibrate",
    "with_auction_share",
    "with_correction_factor",
]
