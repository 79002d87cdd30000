"""Watching an auction live. Anonymous viewers may; nobody sees more than the catalogue shows
them."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any

import strawberry
from pydantic import TypeAdapter

from core.errors import BadUserInput, NotFoundError
from core.ids import decode_id
from core.pages import decode_cursor, encode_cursor
from graph.context import Info
from models.catalogue import AuctionStatus, ProductKind
from resolvers.auctions.events import (
    COALESCED,
    AuctionEventKind,
    AuctionState,
    BidFacts,
    topic_of,
)
from resolvers.catalogue.reading import products_by_id
from schema.auctions.types import AuctionEvent, Bid
from schema.catalogue.types import product_of
from subscriptions.hub import StoredEvent

# After these bidding is over and the stream is complete. A second chance may still sell the item:
# whoever resumes behind the settlement is told of it.
LAST = {AuctionEventKind.SETTLED, AuctionEventKind.CANCELLED}
OVER = {AuctionStatus.SETTLED, AuctionStatus.CANCELLED}
_STATE = TypeAdapter(AuctionState)
_BID = TypeAdapter(BidFacts)


def _number(order: str, cursor: str) -> int:
    key = decode_cursor(order, cursor, "after")
    if len(key) != 1 or not isinstance(key[0], int) or not 0 <= key[0] < 2**63:
        raise BadUserInput("after: not a cursor of this auction.", "after")
    return key[0]


async def _shown(info: Info, row: Any, event: StoredEvent, order: str) -> AuctionEvent:
    actor = info.context.actor
    facts = event.payload["bid"]
    bid = None
    if facts is not None:
        placed = _BID.validate_python(facts)
        bid = Bid.of_facts(placed, row.id, row.currency, row.seller_id, actor)
        if actor.user_id == placed.bidder_id:
            # Bidders see all of their own bid, and an event holds only what is revealed.
            own = await info.context.load("bid", placed.id)
            bid = bid if own is None else bid.with_amount_of(own)
    product: Any = product_of(row, actor, _STATE.validate_python(event.payload["state"]))
    return AuctionEvent(
        kind=AuctionEventKind(event.kind),
        cursor=encode_cursor(order, (event.number,)),
        occurred_at=event.occurred_at,
        product=product,
        bid=bid,
    )


@strawberry.type
class Subscription:
    """Watching auctions."""

    @strawberry.subscription(
        description="Every accepted bid, extension, cancellation, end and settlement of an "
        "auction, once and in order, each with how it stands after it. Resume with `after`."
    )
    async def auction(
        self,
        info: Info,
        product_id: Annotated[strawberry.ID, strawberry.argument(description="The auction.")],
        after: Annotated[
            str | None,
            strawberry.argument(description="Only what came after this event's cursor."),
        ] = None,
    ) -> AsyncIterator[AuctionEvent]:
        context = info.context
        uuid = decode_id("prd", product_id, "productId")
        order = topic_of(uuid)
        number = None if after is None else _number(order, after)
        row = (await products_by_id(context.database, context.actor, [uuid]))[0]
        if row is None or row.kind is not ProductKind.AUCTION:
            raise NotFoundError("There is no such auction.")
        if number is None and row.status in OVER:
            return
        events = context.services.hub.events(
            order,
            after=number,
            coalesced=COALESCED,
            check=lambda: context.services.authenticator.check(context.actor),
        )
        async with aclosing(events):
            async for event in events:
                yield await _shown(info, row, event, order)
                if event.kind in LAST:
                    return
