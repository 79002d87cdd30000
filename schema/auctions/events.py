"""Watching an auction live. Anonymous viewers may; nobody sees more than the catalogue shows
them."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import TypeAdapter

from auth.actor import ApiKeyScope
from core.commands import IdOf
from core.errors import NotFoundError
from graph.context import Context
from graph.watching import Watched, watching
from models.catalogue import AuctionStatus, ProductKind
from models.catalogue.products import ProductRow
from resolvers.auctions.events import (
    COALESCED,
    AuctionEventKind,
    AuctionState,
    BidFacts,
    topic_of,
)
from resolvers.catalogue.products import products_by_ids
from schema.auctions.types import AuctionEvent, AuctionProduct, Bid
from subscriptions.hub import StoredEvent

# After these bidding is over and the stream is complete. A second chance may still sell the item:
# whoever resumes behind the settlement is told of it.
LAST = frozenset({AuctionEventKind.SETTLED.value, AuctionEventKind.CANCELLED.value})
OVER = {AuctionStatus.SETTLED, AuctionStatus.CANCELLED}
_STATE = TypeAdapter(AuctionState)
_BID = TypeAdapter(BidFacts)


async def _opened(
    context: Context, product_id: Annotated[UUID, IdOf("prd"), "The auction."]
) -> Watched[ProductRow]:
    [row] = await products_by_ids(context.database, context.actor, [product_id])
    if row is None or row.kind is not ProductKind.AUCTION:
        raise NotFoundError("There is no such auction.")
    return Watched(topic_of(product_id), row, LAST, row.status in OVER, COALESCED)


async def _shown(
    context: Context, row: ProductRow, event: StoredEvent, cursor: str
) -> AuctionEvent:
    actor = context.actor
    facts: Any = event.payload["bid"]
    bid = None
    if facts is not None:
        placed = _BID.validate_python(facts)
        bid = Bid.of_facts(placed, row, actor)
        if actor.user_id == placed.bidder_id:
            # Bidders see all of their own bid, and an event holds only what is revealed.
            own = await context.load(Bid, placed.id)
            bid = bid if own is None else bid.with_amount_of(own)
    return AuctionEvent(
        kind=AuctionEventKind(event.kind),
        cursor=cursor,
        occurred_at=event.occurred_at,
        product=AuctionProduct.of(row, actor, _STATE.validate_python(event.payload["state"])),
        bid=bid,
    )


auction = watching(
    AuctionEvent,
    _opened,
    _shown,
    scope=ApiKeyScope.READ,
    description="Every accepted bid, extension, cancellation, end and settlement of an auction, "
    "once and in order, each with how it stands after it. Resume with `after`.",
)
