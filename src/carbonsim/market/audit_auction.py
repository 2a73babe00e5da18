"""Audit of an auction from its bids and what it published; it shares no function with the auction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.market.audit_ledger import labels
from carbonsim.market.certificate import Certificate, Line

if TYPE_CHECKING:
    from carbonsim.market.auction import Auction

Array = NDArray[np.float64]
EXACT = 1e-9
SMALL = 1e-3  # of all money or of all bids: what is checked against its own size down to this share


def audit_auction(auction: Auction, dataset: xr.Dataset) -> Certificate:
    """The certificate of an auction: quantities and money add up, the price clears, ties follow their rule."""
    parts = (_label_lines, _quantity_lines, _price_lines, _tie_lines, _money_lines)
    return Certificate(tuple(line for part in parts for line in part(auction, dataset)))


def _line(name: str, residual: float | Array, scale: float | Array, where: str = "") -> Line:
    relative = np.abs(residual) / np.maximum(scale, 1e-9)
    return Line(name, float(np.max(relative, initial=0.0)), EXACT, where or name)


def _label_lines(auction: Auction, dataset: xr.Dataset) -> Iterator[Line]:
    names = {"bidder": [bid.bidder for bid in auction.bids], "seller": list(auction.consigned)}
    yield labels("auction.labels", dataset, names)


def _bids(auction: Auction) -> tuple[Array, Array]:
    table = np.array([(bid.price, bid.quantity) for bid in auction.bids], dtype=float).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _within_limits(auction: Auction) -> Array:
    """Eligible quantity of each bid: what its bidder's limits leave after the bids that count before it."""
    price, quantity = _bids(auction)
    found = np.zeros_like(price)
    for at, bid in enumerate(auction.bids):
        limit = min(auction.bid_limit, auction.holding_limit - auction.holding.get(bid.bidder, 0.0))
        earlier = [
            other
            for other, rival in enumerate(auction.bids)
            if rival.bidder == bid.bidder
            and rival.price >= auction.reserve_price
            and (-rival.price, rival.time, other) < (-bid.price, bid.time, at)
        ]
        if auction.lot:
            limit = auction.lot * np.floor(limit / auction.lot + EXACT) if np.isfinite(limit) else limit
        before = float(quantity[earlier].sum())
        found[at] = min(max(limit - before, 0.0), bid.quantity) if bid.price >= auction.reserve_price else 0.0
    return found


def _quantity_lines(auction: Auction, dataset: xr.Dataset) -> Iterator[Line]:
    price, quantity = _bids(auction)
    award, eligible = dataset.award.values, dataset.eligible_quantity.values
    offered = auction.supply + sum(auction.consigned.values())
    yield _line("auction.bid_price", dataset.bid_price.values - price, price)
    yield _line("auction.bid_quantity", dataset.bid_quantity.values - quantity, quantity)
    within = _within_limits(auction)
    # What a limit leaves is the difference of all that its bidder bids.
    yield _line("auction.eligible", eligible - within, np.maximum(within, SMALL * quantity.sum()))
    yield _line("auction.award_bounds", np.maximum(np.maximum(-award, award - eligible), 0.0), offered)
    yield _line("auction.sold", float(dataset.sold) - award.sum(), offered)
    yield _line("auction.unsold", float(dataset.sold) + float(dataset.unsold) - offered, SMALL * offered)
    if auction.lot:
        lots = award / auction.lot
        yield _line("auction.lots", lots - np.round(lots), 1.0)
    demand = float(within.sum())
    expected = min(demand, offered)
    if auction.undersubscribed == "cancel" and demand < offered:
        expected = 0.0
    yield _line("auction.all_demand_served", award.sum() - expected, offered)


def _price_lines(auction: Auction, dataset: xr.Dataset) -> Iterator[Line]:
    price, _ = _bids(auction)
    award, eligible = dataset.award.values, _within_limits(auction)
    low, high, shown = (float(dataset[name]) for name in ("price_low", "price_high", "price"))
    served = [float(value) for value, got in zip(price, award, strict=True) if got > 0]
    if not served:
        # What nobody bought has no price.
        yield Line("auction.price_rule", float(not np.isnan([low, high, shown]).all()), 0.0, "auction.price_rule")
        return
    offered = auction.supply + sum(auction.consigned.values())
    scale = max(high, auction.reserve_price, 1e-3)
    left = offered - award.sum() > EXACT * offered
    least = EXACT * offered
    refused = [float(value) for value, got, most in zip(price, award, eligible, strict=True) if got < most - least]
    lowest, highest = max([*refused, auction.reserve_price]), min(served)
    if left:
        lowest = highest = auction.reserve_price
    yield _line("auction.price_low", low - lowest, scale)
    yield _line("auction.price_high", high - highest, scale)
    dear_refused = [0.0 if left else max(value - highest, 0.0) for value in refused]
    yield _line("auction.no_dearer_bid_refused", np.array(dear_refused), scale)
    mean = float((award * price).sum()) / (float(award.sum()) or np.nan)
    rule = {"lowest_accepted": highest, "highest_rejected": lowest, "pay_as_bid": mean}[auction.pricing]
    yield _line("auction.price_rule", shown - rule, scale)


def _tie_lines(auction: Auction, dataset: xr.Dataset) -> Iterator[Line]:
    """Equal bids of which not all is served: in proportion to within a lot, or one after the other."""
    price, _ = _bids(auction)
    award, eligible = dataset.award.values, _within_limits(auction)
    least = EXACT * (auction.supply + sum(auction.consigned.values()))
    short = [at for at in range(len(price)) if award[at] < eligible[at] - least]
    served_short = [at for at in short if award[at] > 0]
    if not served_short:
        return
    level = price[served_short[0]]
    tied = [at for at in range(len(price)) if eligible[at] > 0 and abs(price[at] - level) <= EXACT * max(level, 1e-9)]
    if auction.tie == "pro_rata":
        part = eligible[tied] * (award[tied].sum() / eligible[tied].sum())
        beyond = np.maximum(np.abs(award[tied] - part) - auction.lot, 0.0)
        yield _line("auction.tie", beyond, 1e-3 * float(eligible[tied].max()))
        return
    partly = [at for at in tied if 0 < award[at] < eligible[at] - least]
    yield Line("auction.tie", float(max(len(partly) - 1, 0)), 0.0, "auction.tie")
    if auction.tie == "time":
        order = sorted(tied, key=lambda at: (auction.bids[at].time, at))
        full = [award[at] >= eligible[at] - least for at in order]
        skipped = any(award[later] > 0 and not full[at] for at, later in enumerate(order[1:]))
        yield Line("auction.tie_order", float(skipped), 0.0, "auction.tie_order")


def _money_lines(auction: Auction, dataset: xr.Dataset) -> Iterator[Line]:
    price, _ = _bids(auction)
    award, paid = dataset.award.values, dataset.payment.values
    each = price if auction.pricing == "pay_as_bid" else np.full_like(price, np.nan_to_num(float(dataset.price)))
    total = float((award * each).sum())
    yield _line("auction.payment", paid - award * each, np.maximum(award * each, SMALL * total))
    sold, expected = float(award.sum()), _sold_for_sellers(auction, float(award.sum()))
    put_up = float(sum(auction.consigned.values()))
    yield _line("auction.consigned_sold", dataset.consigned_sold.values - expected, SMALL * put_up)
    mean = total / sold if sold > 0 else 0.0
    proceeds = expected * mean
    yield _line("auction.consigned_proceeds", dataset.consigned_proceeds.values - proceeds, SMALL * total)
    receipts = float(dataset.government_receipts)
    yield _line("auction.receipts", receipts - (total - proceeds.sum()), SMALL * total)


def _sold_for_sellers(auction: Auction, sold: float) -> Array:
    """What is sold for each seller: its share, in lots that are dealt out one by one to whom most of one is missing."""
    put_up = [*auction.consigned.values(), *([] if auction.consigned_first else [auction.supply])]
    share = min(sold, sum(put_up)) / max(sum(put_up), 1e-300)
    due = [each * share for each in put_up]
    if not auction.lot:
        return np.array(due[: len(auction.consigned)])
    got = [float(np.floor(each / auction.lot + EXACT)) for each in due]
    for _ in range(round(sum(due) / auction.lot - sum(got))):
        lacking = [round(each / auction.lot - have, 9) for each, have in zip(due, got, strict=True)]
        got[lacking.index(max(lacking))] += 1.0
    return auction.lot * np.array(got[: len(auction.consigned)])
