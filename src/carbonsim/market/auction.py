"""One sealed-bid auction of allowances: who gets how many, at what price, who is paid, and the proof of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.errors import InputError, Said, chinese_of, issues_of, shorten
from carbonsim.market.audit_auction import audit_auction
from carbonsim.market.certificate import Certificate, check_certificate
from carbonsim.market.supply import Array

Pricing = Literal["lowest_accepted", "highest_rejected", "pay_as_bid"]
Tie = Literal["pro_rata", "time", "random"]
Undersubscribed = Literal["sell", "cancel"]
IntArray = NDArray[np.intp]

SAME = 1e-9  # prices closer than this, relatively, are one price: a bid typed 45.10 meets one of 45.1
WHOLE = 1e-9  # a quantity this close to a whole number of lots is one


@dataclass(frozen=True, slots=True)
class Bid:
    """An offer to buy up to ``quantity`` allowances at up to ``price`` CNY each; ``time`` orders equal prices."""

    bidder: str
    price: float
    quantity: float
    time: float = 0.0


@dataclass(frozen=True, eq=False)
class Auction:
    r"""A sealed-bid auction of a given quantity.

    .. math::
        :label: auction

        a_b \le q_b, \qquad \sum_b a_b \le S, \qquad
        v_b > p \Rightarrow a_b = q_b, \qquad v_b < p \Rightarrow a_b = 0, \qquad
        p \ge \underline p \perp S - \sum_b a_b

    for bids of price v and quantity q within their bidder's limits.

    Parameters
    ----------
    bids : sequence of Bid
        A bidder may have several. Bids below the reserve price are not eligible.
    supply : float [allowance]
        Quantity S on offer besides what is consigned.
    reserve_price : float [CNY/tCO2e]
        Lowest price at which anything is sold; the price of an auction in which the eligible bids leave some unsold.
    pricing : {"lowest_accepted", "highest_rejected", "pay_as_bid"}
        Uniform price at the lowest accepted bid or at the highest one of which something was rejected (the reserve
        price if nothing was), or each its own bid.
    tie : {"pro_rata", "time", "random"}
        Who is served at the marginal price: all in proportion to their bids, the earlier first, or in an order drawn
        with ``rng`` of ``hold_auction``.
    lot : float [allowance]
        Bids, awards and what is sold for each seller are whole lots; 0 if any fraction may be awarded.
    undersubscribed : {"sell", "cancel"}
        Whether an auction whose eligible bids are below the quantity sells what is bid for or nothing.
    bid_limit : float [allowance], optional
        Largest quantity that one bidder may buy; its bids count from the highest price down until it is reached.
    holding_limit : float [allowance], optional
        Largest holding of one bidder after the auction; counts with ``holding``.
    holding : mapping of bidder to float [allowance]
        What bidders hold before.
    consigned : mapping of seller to float [allowance]
        Allowances that others than the government put up; they get the price for what is sold of theirs.
    consigned_first : bool
        Whether consigned allowances are sold before the government's; otherwise pro rata. Lots that cannot be shared
        in proportion go to the largest remainders, equal ones in the order of the sellers, the government last.

    Raises
    ------
    InputError
        With every problem found.
    """

    bids: tuple[Bid, ...]
    supply: float
    reserve_price: float = 0.0
    pricing: Pricing = "lowest_accepted"
    tie: Tie = "pro_rata"
    lot: float = 0.0
    undersubscribed: Undersubscribed = "sell"
    bid_limit: float = np.inf
    holding_limit: float = np.inf
    holding: Mapping[str, float] = field(default_factory=dict)
    consigned: Mapping[str, float] = field(default_factory=dict)
    consigned_first: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "bids", tuple(self.bids))
        if found := _problems(self):
            raise InputError(issues_of("auction", Said("auction", "拍卖"), found))

    @property
    def offered(self) -> float:
        """Allowances on offer, those consigned included."""
        return self.supply + float(sum(self.consigned.values()))


@dataclass(frozen=True, slots=True, eq=False)
class AuctionResult:
    """What an auction came to. ``dataset`` holds every published number, ``certificate`` its audit."""

    dataset: xr.Dataset
    certificate: Certificate

    def __repr__(self) -> str:
        """Price, quantities and the awards in order of the bids."""
        data = self.dataset
        rows = [
            f"Auction: price {float(data.price):.6g} in [{float(data.price_low):.6g}, {float(data.price_high):.6g}], "
            f"sold {float(data.sold):.6g}, unsold {float(data.unsold):.6g}"
        ]
        for place, bidder in enumerate(data.bidder.values):
            award, bid = float(data.award[place]), float(data.bid_quantity[place])
            rows.append(f"  {bidder}: {award:.6g} of {bid:.6g} at {float(data.bid_price[place]):.6g}")
        return "\n".join(rows)


def hold_auction(auction: Auction, rng: np.random.Generator | None = None) -> AuctionResult:
    """Awards, price and payments of an auction, with the certificate that proves them.

    Parameters
    ----------
    auction : Auction
    rng : Generator, optional
        Draws the order of equal bids; needed for tie rule ``random``.

    Returns
    -------
    AuctionResult
        Dataset over (bid): ``award``, ``eligible_quantity`` [allowance], ``payment`` [CNY] with coords ``bidder``;
        over (seller): ``consigned_sold`` [allowance], ``consigned_proceeds`` [CNY]; ``price`` (of a uniform-price
        auction; the mean paid under pay-as-bid), ``price_low``, ``price_high`` [CNY/tCO2e], NaN if nothing is sold:
        every price between the highest rejected and the lowest accepted bid clears; ``sold``, ``unsold``
        [allowance]; ``government_receipts`` [CNY].

    Raises
    ------
    InputError
        If ties are drawn at random and no generator is given.
    CertificateError
        If the result fails its audit.

    Examples
    --------
    >>> auction = Auction([Bid("a", 50, 30), Bid("b", 45, 40), Bid("c", 20, 60)], supply=60, reserve_price=15)
    >>> hold_auction(auction)
    Auction: price 45 in [45, 45], sold 60, unsold 0
      a: 30 of 30 at 50
      b: 30 of 40 at 45
      c: 0 of 60 at 20
    """
    if auction.tie == "random" and rng is None:
        raise InputError(
            "Ties are drawn at random, which needs a generator: hold_auction(auction, rng=default_rng(1)).",
            "平局以抽签决定，需要随机数发生器：hold_auction(auction, rng=default_rng(1))；在问题文件中请给出 seed。",
        )
    dataset = _dataset(auction, rng)
    certificate = audit_auction(auction, dataset)
    check_certificate(certificate)
    return AuctionResult(dataset, certificate)


def _problems(auction: Auction) -> list[str]:
    """What is wrong with an auction; broken lots only where everything else is right."""
    return list(_wrong_values(auction)) or list(_broken_lots(auction))


def _wrong_values(auction: Auction) -> Iterator[str]:
    for name, known in (("pricing", Pricing), ("tie", Tie), ("undersubscribed", Undersubscribed)):
        if getattr(auction, name) not in get_args(known):
            yield Said(
                f"{name} is '{getattr(auction, name)}'. Known: {', '.join(get_args(known))}.",
                f"{name} 为 '{getattr(auction, name)}'。可用：{'、'.join(get_args(known))}。",
            )
    numbers = {
        "supply": auction.supply, "reserve_price": auction.reserve_price, "lot": auction.lot,
        **{f"consigned.{name}": value for name, value in auction.consigned.items()},
        **{f"holding.{name}": value for name, value in auction.holding.items()},
    }  # fmt: skip
    for name, value in numbers.items():
        if not (np.isfinite(value) and value >= 0):
            yield Said(
                f"{name} is {value:g}; expected a finite number that is not negative.",
                f"{name} 为 {value:g}，应为有限的非负数。",
            )
    for name in ("bid_limit", "holding_limit"):
        if not getattr(auction, name) > 0:
            yield Said(
                f"{name} is {getattr(auction, name):g}; expected a positive number, or leave it out.",
                f"{name} 为 {getattr(auction, name):g}，应为正数，或删去该项。",
            )
    for place, bid in enumerate(auction.bids):
        if not (np.isfinite(bid.price) and bid.price >= 0 and np.isfinite(bid.quantity) and bid.quantity > 0):
            yield Said(
                f"bid {place + 1} of {bid.bidder}: price must not be negative and quantity be positive.",
                f"{bid.bidder} 的第 {place + 1} 个投标：价格不得为负，数量须为正。",
            )
    strangers = sorted(set(auction.holding) - {bid.bidder for bid in auction.bids})
    if strangers:
        yield Said(
            f"holding names {shorten(strangers)}, who have no bid.",
            f"holding 提到 {shorten(strangers, 'zh')}，没有其投标。",
        )


def _broken_lots(auction: Auction) -> Iterator[str]:
    if not auction.lot:
        return
    parts = {"supply": auction.supply, **{f"consigned.{name}": v for name, v in auction.consigned.items()}}
    parts |= {
        Said(f"bid {place + 1} of {bid.bidder}", f"{bid.bidder} 的第 {place + 1} 个投标"): bid.quantity
        for place, bid in enumerate(auction.bids)
    }
    broken = [name for name, value in parts.items() if abs(value / auction.lot - round(value / auction.lot)) > WHOLE]
    if broken:
        yield Said(
            f"{shorten(broken)}: not a whole number of lots of {auction.lot:g}.",
            f"{shorten([chinese_of(name) for name in broken], 'zh')}：不是每手 {auction.lot:g} 的整数倍。",
        )


def _dataset(auction: Auction, rng: np.random.Generator | None) -> xr.Dataset:
    price = np.array([bid.price for bid in auction.bids], dtype=float)
    eligible = _eligible(auction, price)
    offered = auction.offered
    if auction.undersubscribed == "cancel" and eligible.sum() < offered:
        offered = 0.0
    award = _awards(auction, price, eligible, offered, rng)
    low, high = _bounds(auction, price, eligible, award)
    sold = float(award.sum())
    uniform = {"lowest_accepted": high, "highest_rejected": low, "pay_as_bid": np.nan}[auction.pricing]
    paid = award * (price if auction.pricing == "pay_as_bid" else np.nan_to_num(uniform))
    mean = float(paid.sum()) / sold if sold > 0 else np.nan
    shown = mean if auction.pricing == "pay_as_bid" or sold == 0 else uniform
    consigned = _consigned_sold(auction, sold)
    proceeds = consigned * (float(paid.sum()) / sold if sold > 0 else 0.0)
    allowances, money, per_tonne = {"units": "allowance"}, {"units": "CNY"}, {"units": "CNY/tCO2e"}
    return xr.Dataset(
        {
            "bid_price": ("bid", price, per_tonne),
            "bid_quantity": ("bid", np.array([bid.quantity for bid in auction.bids], dtype=float), allowances),
            "eligible_quantity": ("bid", eligible, allowances),
            "award": ("bid", award, allowances),
            "payment": ("bid", paid, money),
            "consigned_sold": ("seller", consigned, allowances),
            "consigned_proceeds": ("seller", proceeds, money),
            "price": ((), shown, per_tonne),
            "price_low": ((), low, per_tonne),
            "price_high": ((), high, per_tonne),
            "sold": ((), sold, allowances),
            "unsold": ((), auction.offered - sold, allowances),
            "government_receipts": ((), float(paid.sum() - proceeds.sum()), money),
        },
        coords={
            "bidder": ("bid", np.array([bid.bidder for bid in auction.bids], dtype=object)),
            "seller": np.array(list(auction.consigned), dtype=object),
        },
        attrs={"pricing": auction.pricing, "tie": auction.tie},
    )


def _eligible(auction: Auction, price: Array) -> Array:
    """Quantity of each bid that counts: at or above the reserve price and within its bidder's limits."""
    room = {
        bid.bidder: min(auction.bid_limit, auction.holding_limit - auction.holding.get(bid.bidder, 0.0))
        for bid in auction.bids
    }
    eligible = np.zeros(len(auction.bids))
    # The dearest bids of a bidder count first; equal ones in the order in which they came.
    for place in sorted(range(len(auction.bids)), key=lambda at: (-price[at], auction.bids[at].time, at)):
        bid = auction.bids[place]
        if bid.price < auction.reserve_price:
            continue
        counted = max(min(bid.quantity, room[bid.bidder]), 0.0)
        eligible[place] = _whole_lots(counted, auction.lot)
        room[bid.bidder] -= eligible[place]
    return eligible


def _whole_lots(quantity: float, lot: float) -> float:
    return float(np.floor(quantity / lot + WHOLE) * lot) if lot else quantity


def _awards(auction: Auction, price: Array, eligible: Array, offered: float, rng: np.random.Generator | None) -> Array:
    """Bids served from the highest price down; those at the marginal price share what is left by the tie rule."""
    award = np.zeros_like(eligible)
    left = offered
    for level in _levels(price[eligible > 0]):
        here = np.flatnonzero((eligible > 0) & (np.abs(price - level) <= SAME * level))
        wanted = float(eligible[here].sum())
        if wanted <= left:
            award[here] = eligible[here]
            left -= wanted
            if left <= WHOLE * offered:
                break  # what rounding leaves is nothing that a lower bid could be served with
            continue
        award[here] = _shared(auction, here, eligible[here], left, rng)
        break
    return award


def _levels(price: Array) -> list[float]:
    """Distinct prices from the highest down."""
    found: list[float] = []
    for value in np.sort(price)[::-1]:
        if not found or found[-1] - value > SAME * found[-1]:
            found.append(float(value))
    return found


def _shared(auction: Auction, here: IntArray, wanted: Array, left: float, rng: np.random.Generator | None) -> Array:
    """What equal bids get of less than they want; lots add up exactly to what is left."""
    order = list(range(len(here)))
    if auction.tie == "random" and rng is not None:
        order = rng.permutation(len(here)).tolist()
    else:
        order.sort(key=lambda at: (auction.bids[here[at]].time, at))
    if auction.tie == "pro_rata":
        part = wanted * (left / wanted.sum())
        return part if not auction.lot else _largest_remainders(part, left, auction.lot, order)
    got = np.zeros_like(wanted)
    for at in order:
        got[at] = min(wanted[at], left)
        left -= got[at]
    return got


def _largest_remainders(part: Array, left: float, lot: float, order: Sequence[int]) -> Array:
    """Whole lots nearest below, and the lots still left to the largest remainders, earlier bids first."""
    lots = np.floor(part / lot + WHOLE)
    missing = round(float(left / lot - lots.sum()))
    rank = sorted(order, key=lambda at: -round(float(part[at] / lot - lots[at]), 9))
    lots[rank[:missing]] += 1
    return np.asarray(lots * lot)


def _bounds(auction: Auction, price: Array, eligible: Array, award: Array) -> tuple[float, float]:
    """Highest rejected and lowest accepted bid: both the reserve price if something on offer found no buyer."""
    accepted = price[award > 0]
    rejected = price[award < eligible - WHOLE * auction.offered]
    low = float(max(rejected.max(initial=0.0), auction.reserve_price))
    if not accepted.size:
        return np.nan, np.nan
    if award.sum() < auction.offered * (1 - WHOLE):
        return auction.reserve_price, auction.reserve_price
    return low, float(accepted.min())


def _consigned_sold(auction: Auction, sold: float) -> Array:
    """What is sold of each consignment, in whole lots if the auction has lots."""
    consigned = np.array(list(auction.consigned.values()), dtype=float)
    # Pro rata, the government is one more seller, and the last one.
    put_up = consigned if auction.consigned_first else np.append(consigned, auction.supply)
    total = float(put_up.sum())
    if not total:
        return consigned
    left = min(sold, total)
    part = put_up * (left / total)
    if auction.lot:
        part = _largest_remainders(part, left, auction.lot, range(len(part)))
    return part[: len(consigned)]
