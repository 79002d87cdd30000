"""Bids and auction events as clients see them. Made of rows; no rule and no SQL here."""

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from auth.actor import Actor
from graph.columns import computed, row_id, stored
from graph.connections import Node
from graph.enums import described
from graph.money import Money
from graph.relations import relation
from models.auctions import BidStatus
from resolvers.auctions.events import AuctionEventKind, BidFacts
from schema.catalogue.types import AuctionProduct
from schema.identity import PublicUser

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


@strawberry.type(
    description="An accepted bid. Its amount is what the price has revealed of it; its bidder sees "
    "the whole."
)
class Bid(Node):
    row: strawberry.Private[Any]

    id: strawberry.ID = row_id("bid")
    amount: Money = computed(
        lambda bids: [Money.of(bid.row["shown_minor"], bid.row["currency"]) for bid in bids],
        "shown_minor",
        "currency",
        description="What was bid, as far as the price has revealed it; to its bidder all of it.",
    )
    placed_at: datetime = stored("placed_at", description="When it was accepted.")
    status: BidStatus = stored("status", words=BidStatus, description="What became of it.")
    bidder: PublicUser | None = relation(
        loader="bidder",
        of=lambda bid: (bid.row["product_id"], bid.row["bidder_id"], bid.row["bidder_shown"]),
        columns=("product_id", "bidder_id", "bidder_shown"),
        description="Who bid; masked for everyone but the seller and the bidder.",
    )
    product: AuctionProduct | None = relation(
        loader="product",
        column="product_id",
        description="The auction that it was placed on; null when it is out of sight by now.",
    )

    @classmethod
    def of(cls, row: Any, actor: Actor) -> "Bid":
        """The bid of a row, as far as the viewer may see it."""
        return cls(row=row)

    def with_amount_of(self, other: "Bid") -> "Bid":
        """The same bid with the amount that another view of it shows."""
        return Bid(row={**self.row, "shown_minor": other.row["shown_minor"]})

    @classmethod
    def of_facts(
        cls, facts: BidFacts, product_id: UUID, currency: str, seller_id: UUID, actor: Actor
    ) -> "Bid":
        """The bid of an event or an answer, as it stood then."""
        known = actor.is_admin or actor.user_id in (seller_id, facts.bidder_id)
        return cls(
            row={
                "id": facts.id,
                "shown_minor": facts.amount_minor,
                "currency": currency,
                "placed_at": facts.placed_at,
                "status": facts.status,
                "product_id": product_id,
                "bidder_id": facts.bidder_id,
                "bidder_shown": known,
            }
        )


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
