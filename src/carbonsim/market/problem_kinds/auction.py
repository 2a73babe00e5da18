"""One sealed-bid auction as a problem file: bids by name, and the rules of the auction beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from carbonsim.errors import InputError
from carbonsim.market.auction import Auction, AuctionResult, Bid, hold_auction
from carbonsim.market.concept import Concept
from carbonsim.market.faults import Fault, missing_keys, wrong_shape
from carbonsim.market.mapping_checks import records
from carbonsim.market.plugin_arguments import argument_faults, make
from carbonsim.market.problem_kind import Columns, ProblemKind, Progress, columns_over, problem_kinds

SEED = ("a whole number, which random ties need", "整数（随机抽签需要）")
NEEDS_SEED = ("tie is 'random', which needs seed: a whole number.", "tie 为 'random'，需要给出 seed（整数）。")
TOTALS = ("price", "price_low", "price_high", "sold", "unsold", "government_receipts")
BY_BID = ("bid_price", "bid_quantity", "eligible_quantity", "award", "payment")
BY_SELLER = ("consigned_sold", "consigned_proceeds")


@dataclass(frozen=True, slots=True, eq=False)
class NamedAuction:
    """An auction with the names of its bids and the seed of random ties."""

    auction: Auction
    bid: tuple[str, ...]
    seed: int | None = None


@problem_kinds.register("auction")
class AuctionKind(ProblemKind):
    """One auction of allowances: awards, price and payments from bids."""

    __slots__ = ()

    def faults(self, mapping: Mapping[str, object]) -> list[Fault]:
        """Faults of every bid and of the rules; a bid has price and quantity, and its name as bidder unless it says."""
        bids, found = records(("bids",), mapping.get("bids"))
        found += missing_keys((), mapping, ("bids",))
        for name, record in bids.items():
            found += argument_faults(("bids", name), Bid, {"bidder": name, **record}, ())
        seed = mapping.get("seed")
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
            found.append(wrong_shape(("seed",), seed, SEED))
        if mapping.get("tie") == "random" and seed is None:
            found.append(Fault(("tie",), *NEEDS_SEED))
        rules = {key: value for key, value in mapping.items() if key not in ("bids", "seed")}
        found += argument_faults((), Auction, {"bids": (), **rules}, ())
        if found:
            return found
        try:
            self.read(mapping)
        except InputError as problem:
            found += [Fault((), one.message, one.message_zh, one.hint, one.hint_zh) for one in problem.issues]
        return found

    def read(self, mapping: Mapping[str, object]) -> NamedAuction:
        """The auction."""
        bids, _ = records(("bids",), mapping["bids"])
        made = [make(("bids", name), Bid, {"bidder": name, **record}, ()) for name, record in bids.items()]
        rules = {key: value for key, value in mapping.items() if key not in ("bids", "seed")}
        auction: Auction = make((), Auction, {**rules, "bids": tuple(made)}, ())
        seed = mapping.get("seed")
        return NamedAuction(auction, tuple(bids), seed if isinstance(seed, int) else None)

    def clear(
        self, problem: NamedAuction, *, engine: str, concept: Concept | None, progress: Progress | None
    ) -> AuctionResult:
        """The auction held."""
        rng = None if problem.seed is None else np.random.default_rng(problem.seed)
        return hold_auction(problem.auction, rng)

    def answers(self, problem: NamedAuction, cleared: AuctionResult) -> xr.Dataset:
        """The published numbers, bids by their names."""
        return cleared.dataset.assign_coords(bid=list(problem.bid))

    def tables(self, problem: NamedAuction, cleared: AuctionResult) -> Mapping[str, Columns]:
        """What the auction came to, and what each bid and each seller got."""
        data = self.answers(problem, cleared)
        tables = {
            "auction": {name: [float(data[name])] for name in TOTALS},
            "bids": columns_over(data, ("bid",), ("bidder", *BY_BID)),
        }
        return tables | ({"sellers": columns_over(data, ("seller",), BY_SELLER)} if data.sizes["seller"] else {})
