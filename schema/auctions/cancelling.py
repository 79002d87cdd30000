"""Taking back bids and ending auctions early, as clients see it. Holds no rule."""

from typing import Self

import strawberry

from auth.actor import ApiKeyScope
from core.ids import encode_id
from graph.context import Context
from graph.enums import described
from graph.mutations import mutation
from graph.payloads import payload
from resolvers.auctions import cancelling as cases
from schema.auctions.bids import auction_at
from schema.auctions.types import AuctionProduct

described(
    cases.BidderReason,
    "Why a bidder takes a bid back.",
    WRONG_AMOUNT="The amount was a mistake.",
    DESCRIPTION_CHANGED="The seller changed the description.",
    SELLER_UNREACHABLE="The seller cannot be reached.",
)
described(
    cases.EarlyEnd,
    "How an auction ends early.",
    SELL_TO_HIGHEST_BIDDER="The highest bidder gets it at the current price.",
    CANCEL_BIDS="All bids are cancelled and nothing is sold.",
)


@payload("The bids were taken back.")
class CancelBidPayload:
    bid_ids: list[strawberry.ID] = strawberry.field(
        description="The bids that are gone: with more than 12 hours left, all of the bidder's."
    )
    product: AuctionProduct = strawberry.field(description="The auction as it stands without them.")

    @classmethod
    async def of(cls, outcome: cases.BidsCancelled, context: Context) -> Self:
        """The bids that went, and the auction as it stood without them."""
        return cls(
            bid_ids=[strawberry.ID(encode_id("bid", bid_id)) for bid_id in outcome.bid_ids],
            product=await auction_at(context, outcome.product_id, outcome.state),
        )


@payload("The auction is over.")
class EndAuctionPayload:
    product: AuctionProduct = strawberry.field(description="The auction as it ended.")

    @classmethod
    async def of(cls, outcome: cases.AuctionEnded, context: Context) -> Self:
        """The auction as it stood at its end."""
        return cls(product=await auction_at(context, outcome.product_id, outcome.state))


cancel_bid = mutation(
    cases.cancel_bid,
    CancelBidPayload,
    scope=ApiKeyScope.WRITE,
    description="Takes a bid back: its bidder while more than 12 hours remain (all their bids go) "
    "or within an hour of placing it; the seller and admins while the auction is open.",
    doing="taking back a bid",
)
end_auction = mutation(
    cases.end_auction,
    EndAuctionPayload,
    scope=ApiKeyScope.WRITE,
    description="Ends an auction early: its seller until 12 hours before the end, admins any time.",
    doing="ending an auction early",
)
