"""Auctions, bids and what happens to them, as clients see them. Made of rows; no rule and no SQL
here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from auth.actor import Actor
from core.database import Columns, Database
from core.wording import RowLike
from graph.columns import computed, derived, stored
from graph.connections import Connection, count_loader, paged_loader
from graph.entity import Node, entity, variant
from graph.enums import described
from graph.kept import LIVE, SHELF
from graph.loading import Loader
from graph.money import Money
from graph.relations import paged_relation, relation
from models.auctions import BidStatus
from models.auctions.bids import BidRow
from models.catalogue import AuctionStatus, ProductKind
from resolvers.auctions import bids as cases
from resolvers.auctions.bidders import knows_bidder
from resolvers.auctions.events import (
    AuctionEventKind,
    AuctionState,
    BidFacts,
    as_it_stood,
    minimum_next_of,
)
from resolvers.identity.people import public_users_by_id
from schema.catalogue.types import Product, money
from schema.identity import PublicUser

described(
    AuctionStatus,
    "Where an auction stands.",
    SCHEDULED="It has not started.",
    OPEN="Bids are taken.",
    ENDED="Its time is over and the outcome is about to be recorded.",
    SETTLED="The outcome is recorded: sold, or not.",
    CANCELLED="It was taken back before its end.",
)
described(
    BidStatus,
    "What became of a bid.",
    ACTIVE="It counts.",
    WON="It won the auction.",
    LOST="Another bid won, or nothing was sold.",
    CANCELLED="It was taken back.",
)
described(
    AuctionEventKind,
    "What happened to an auction.",
    BID_PLACED="A bid was accepted.",
    BID_CANCELLED="A bid was taken back; price and leader were computed again.",
    EXTENDED="A late bid moved the end.",
    ENDED="Bidding is over.",
    SETTLED="The outcome is recorded.",
    CANCELLED="The auction was taken back.",
)

BidderKey = tuple[UUID, UUID, bool]
"""The auction, the bidder, and whether the viewer may know them."""


async def _bidders(
    database: Database, actor: Actor, keys: list[BidderKey], columns: Columns
) -> Sequence[tuple[Any, BidderKey] | None]:
    ids = list(dict.fromkeys(key[1] for key in keys))
    rows = dict(zip(ids, await public_users_by_id(database, actor, ids, columns), strict=True))
    return [None if (row := rows[key[1]]) is None else (row, key) for key in keys]


def _bidder(found: tuple[Any, BidderKey], actor: Actor) -> PublicUser:
    row, (product_id, _, known) = found
    return PublicUser.of(row, actor) if known else PublicUser.masked(product_id, row)


BIDDERS = Loader(_bidders, _bidder, by_columns=True)
"""Bidders by BidderKey, masked for those who may not know them."""

_HISTORY = paged_loader(
    cases.history_pages,
    lambda row, actor: Bid.of(row, actor),
    count_loader(cases.history_counts),
    by_columns=True,
)


@variant(ProductKind.AUCTION.value, description="Goods sold to the highest bidder.")
class AuctionProduct(Product):
    actor: strawberry.Private[Actor]

    start_price: Money = money("start_price_minor", "The least first bid.", kept=SHELF)
    current_price: Money | None = derived(
        lambda auction: auction.amount("price_minor") if auction.row["bid_count"] else None,
        "price_minor",
        "bid_count",
        "currency",
        kept=LIVE,
        description="What it stands at; null while nobody has bid.",
    )
    minimum_next_bid: Money = derived(
        lambda auction: Money.of(minimum_next_of(auction.row), auction.row["currency"]),
        "price_minor",
        "bid_count",
        "start_price_minor",
        "currency",
        kept=LIVE,
        description="The least amount that is accepted now.",
    )
    bid_count: int = stored("bid_count", kept=LIVE, description="How many bids count.")
    reserve_price: Money | None = money(
        "reserve_minor", "Below this the seller need not sell. Only the seller sees it."
    )
    reserve_met: bool | None = derived(
        lambda auction: (
            bool(auction.row["leader_meets_reserve"]) if auction.row["has_reserve"] else None
        ),
        "leader_meets_reserve",
        "has_reserve",
        kept=LIVE,
        description="Whether the highest bid reaches the reserve; null when there is none.",
    )
    buy_now_price: Money | None = money(
        "buy_now_minor",
        "What it can be bought for at once, while nobody has bid or the reserve is not met.",
        kept=LIVE,
    )
    starts_at: datetime = stored("starts_at", kept=SHELF, description="When bids are taken from.")
    ends_at: datetime = stored("ends_at", kept=LIVE, description="When bidding ends.")
    status: AuctionStatus = stored(
        "status", words=AuctionStatus, kept=LIVE, description="Where the auction stands."
    )
    proxy_bidding: bool = stored(
        "proxy_bidding",
        kept=SHELF,
        description="True: bids are secret maxima. False: bids are prices.",
    )
    soft_close_seconds: int = stored(
        "soft_close_seconds",
        kept=SHELF,
        description="A bid in the last so many seconds moves the end as far behind it; 0 for "
        "never.",
    )
    highest_bidder: PublicUser | None = relation(
        loader=BIDDERS,
        of=lambda auction: auction.leader_key(),
        columns=("id", "seller_id", "leader_id"),
        description="Who leads; masked for everyone but the seller and the leader.",
    )
    bids: Connection["Bid"] = paged_relation(
        loader=_HISTORY, column="id", description="The accepted bids, newest first."
    )

    def amount(self, column: str) -> Money:
        """The amount of a column of minor units."""
        return Money.of(self.row[column], self.row["currency"])

    def leader_key(self) -> BidderKey | None:
        """The key of the leader in BIDDERS; None while nobody leads."""
        row = self.row
        leader_id = row["leader_id"]
        if leader_id is None:
            return None
        return row["id"], leader_id, knows_bidder(self.actor, row["seller_id"], leader_id)

    @classmethod
    def of(cls, row: RowLike, actor: Actor, state: AuctionState | None = None) -> "AuctionProduct":
        """The auction of a product's row; with `state` as it stood then."""
        return cls(row=as_it_stood(row, state), actor=actor)


@entity(
    "bid",
    rows=cases.bids_by_ids,
    row=BidRow,
    description="An accepted bid. Its amount is what the price has revealed of it; its bidder sees "
    "the whole.",
)
class Bid(Node):
    actor: strawberry.Private[Actor]

    amount: Money = computed(
        lambda bids: [Money.of(bid.row["shown_minor"], bid.row["currency"]) for bid in bids],
        "shown_minor",
        "currency",
        description="What was bid, as far as the price has revealed it; to its bidder all of it.",
    )
    placed_at: datetime = stored("placed_at", description="When it was accepted.")
    status: BidStatus = stored("status", words=BidStatus, description="What became of it.")
    bidder: PublicUser | None = relation(
        loader=BIDDERS,
        of=lambda bid: bid.bidder_key(),
        columns=("product_id", "bidder_id", "seller_id"),
        description="Who bid; masked for everyone but the seller and the bidder.",
    )
    product: AuctionProduct | None = relation(
        column="product_id",
        description="The auction that it was placed on; null when it is out of sight by now.",
    )

    def bidder_key(self) -> BidderKey:
        """The key of its bidder in BIDDERS."""
        row = self.row
        known = knows_bidder(self.actor, row["seller_id"], row["bidder_id"])
        return row["product_id"], row["bidder_id"], known

    @classmethod
    def of(cls, row: Any, actor: Actor) -> "Bid":
        """The bid of a row, as far as the viewer may see it."""
        return cls(row=row, actor=actor)

    def with_amount_of(self, other: "Bid") -> "Bid":
        """The same bid with the amount that another view of it shows."""
        return Bid.of({**self.row, "shown_minor": other.row["shown_minor"]}, self.actor)

    @classmethod
    def of_facts(cls, facts: BidFacts, product: Any, actor: Actor) -> "Bid":
        """The bid of an event or an answer, as it stood then, on the product of a row."""
        row = {
            "id": facts.id,
            "shown_minor": facts.amount_minor,
            "currency": product["currency"],
            "placed_at": facts.placed_at,
            "status": facts.status,
            "product_id": product["id"],
            "bidder_id": facts.bidder_id,
            "seller_id": product["seller_id"],
        }
        return cls.of(row, actor)


@strawberry.type(description="Something that happened to an auction.")
class AuctionEvent:
    kind: AuctionEventKind = strawberry.field(description="What happened.")
    cursor: str = strawberry.field(
        description="Where this is in the auction's events; resume with `after`."
    )
    occurred_at: datetime = strawberry.field(description="When it happened.")
    product: AuctionProduct = strawberry.field(description="The auction as it stood after it.")
    bid: Bid | None = strawberry.field(
        description="The bid that it is about: the one placed or cancelled, or the one that won."
    )
