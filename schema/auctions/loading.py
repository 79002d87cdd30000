"""The loaders of bids and bidders: which rows, and which objects are made of them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from auth.actor import Actor
from core.database import Database
from resolvers.auctions import reading
from resolvers.identity.people import public_users_by_id
from schema.auctions.types import Bid
from schema.context import Loader
from schema.identity import PublicUser
from schema.nodes import count_loader, paged_loader

BidderKey = tuple[UUID, UUID, bool]


async def _bidders(
    database: Database, actor: Actor, keys: list[BidderKey]
) -> Sequence[tuple[Any, BidderKey] | None]:
    ids = list(dict.fromkeys(key[1] for key in keys))
    rows = dict(zip(ids, await public_users_by_id(database, actor, ids), strict=True))
    return [None if rows[key[1]] is None else (rows[key[1]], key) for key in keys]


def _bidder(found: tuple[Any, BidderKey], actor: Actor) -> PublicUser:
    row, (product_id, user_id, known) = found
    if known:
        return PublicUser.of(row, actor)
    return PublicUser.masked(product_id, user_id, row.fullname)


LOADERS = {
    "bid": Loader(reading.bids_by_id, Bid.of),
    "auction_bids": paged_loader(reading.history_pages, Bid.of, "bid_count"),
    "bid_count": count_loader(reading.history_counts),
    "bidder": Loader(_bidders, _bidder),
}
NODES = {"bid": "bid"}
