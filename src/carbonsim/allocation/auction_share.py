"""Hybrid of any rule with auctioning: only a share of what the rule gives is free."""

from __future__ import annotations

import dataclasses

import numpy as np

from carbonsim.allocation.core import Allocation
from carbonsim.allocation.obligations import Scaled
from carbonsim.errors import ParameterError


def with_auction_share(allocation: Allocation, share: float) -> Allocation:
    """The same allocation with ``share`` of it auctioned instead of free.

    Parameters
    ----------
    allocation : Allocation
        From any rule.
    share : float [1]
        Share that is auctioned, 0..1.

    Returns
    -------
    Allocation
        Amounts, derivatives and obligation rules scaled by ``1 - share``; ``auctioned`` holds what is sold, at the
        emissions the allocation was evaluated at. Full auctioning is a lump sum of nothing:
        phi 1 and sigma 0 whatever the rule was.

    Raises
    ------
    ParameterError
        If the share is not between 0 and 1.

    Notes
    -----
    The law gives no rounding for a partly auctioned amount, so the scaled ledger amount is not rounded again.
    """
    if not 0.0 <= share <= 1.0:
        raise ParameterError(
            f"auction share {share} of {allocation.rule} is outside 0..1. Give a share, not a percentage."
        )
    free = 1.0 - share
    units = tuple(dataclasses.replace(unit, rule=Scaled(unit.rule, free)) for unit in allocation.units)
    kind = "lump_sum" if free == 0.0 else allocation.kind
    return dataclasses.replace(
        allocation,
        kind=kind,
        amount=free * allocation.amount,
        amount_unrounded=free * allocation.amount_unrounded,
        fixed=free * allocation.fixed,
        per_emission=free * allocation.per_emission,
        per_output=free * allocation.per_output,
        phi_key=1.0 - free * (1.0 - np.asarray(allocation.phi_key)),
        phi_other=1.0 - free * (1.0 - np.asarray(allocation.phi_other)),
        sigma=free * allocation.sigma,
        per_previous_emission=free * allocation.per_previous_emission,
        per_previous_output=free * allocation.per_previous_output,
        auctioned=allocation.auctioned + share * allocation.amount_unrounded,
        units=() if free == 0.0 else units,
        notes={**allocation.notes, "auction_share": share},
    )
