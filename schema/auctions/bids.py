"""Reading bids, bidding and buying at once, as clients see it. Holds no rule."""

from typing import Any, Self
from uuid import UUID

import strawberry

from auth.actor import ApiKeyScope
from auth.who import SIGNED_IN
from core.errors import NotFound
from graph.context import Context
from graph.lists import listing
from graph.mutations import mutation
from graph.payloads import payload
from graph.queries import by_id
from resolvers.auctions import bids as cases
from resolvers.auctions.events import AuctionState
from resolvers.catalogue.products import products_by_ids
from schema.auctions.types import AuctionProduct, Bid

bid = by_id(
    Bid,
    scope=ApiKeyScope.READ,
    description="The bid of this id; null when there is none to see.",
    argument="The bid's id.",
)
my_bids = listing(
    Bid,
    cases.list_own_bids,
    cases.count_own_bids,
    who=SIGNED_IN,
    scope=ApiKeyScope.READ,
    description="Your bids on all auctions, newest first. Signed in.",
)


async def product_row(context: Context, product_id: UUID) -> Any:
    """The row of a product that an answer shows. Raises NotFound when it was removed since: an
    answer kept for an idempotency key cannot be shown any more."""
    [row] = await products_by_ids(context.database, context.actor, [product_id])
    if row is None:
        raise NotFound("This product is no longer there.")
    return row


async def auction_at(
    context: Context, product_id: UUID, state: AuctionState | None
) -> AuctionProduct:
    """An auction as it stood by what was just done. Raises NotFound."""
    row = await product_row(context, product_id)
    return AuctionProduct.of(row, context.actor, state)


async def _shown(context: Context, placed: cases.BidPlaced) -> tuple[Bid, AuctionProduct]:
    row = await product_row(context, placed.product_id)
    bid = Bid.of_facts(placed.bid, row, context.actor)
    return bid, AuctionProduct.of(row, context.actor, placed.state)


@payload("The bid was accepted.")
class PlaceBidPayload:
    bid: Bid = strawberry.field(description="Your bid.")
    product: AuctionProduct = strawberry.field(description="The auction as it stands by your bid.")
    is_highest_bidder: bool = strawberry.field(
        description="False when another bidder's maximum is higher: you are outbid at once."
    )

    @classmethod
    async def of(cls, outcome: cases.BidPlaced, context: Context) -> Self:
        """The bid with the whole of its amount, and how the auction stood by it."""
        bid, product = await _shown(context, outcome)
        return cls(bid=bid, product=product, is_highest_bidder=outcome.is_highest_bidder)


@payload("It is yours.")
class BuyNowPayload:
    bid: Bid = strawberry.field(description="The winning bid that your purchase is.")
    product: AuctionProduct = strawberry.field(description="The auction, settled.")

    @classmethod
    async def of(cls, outcome: cases.BidPlaced, context: Context) -> Self:
        """The winning bid and the auction as it ended."""
        bid, product = await _shown(context, outcome)
        return cls(bid=bid, product=product)


place_bid = mutation(
    cases.place_bid,
    PlaceBidPayload,
    scope=ApiKeyScope.PAY,
    once=True,
    turn=lambda command: command.product_id,
    description="Places a bid on an auction. Signed in.",
    doing="placing a bid",
)
buy_now = mutation(
    cases.buy_now,
    BuyNowPayload,
    scope=ApiKeyScope.PAY,
    once=True,
    turn=lambda command: command.product_id,
    description="Ends an auction by buying it at its buy-now price, while nobody has bid or the "
    "reserve is not met. Signed in.",
    doing="buying at once",
)
