"""The loaders of bids and bidders: which rows, and which objects are made of them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from auth.actor import Actor
from core.database import Columns, Database
from graph.connections import count_loader, paged_loader
from graph.loading import Loader
from resolvers.auctions import reading
from resolvers.identity.people import public_users_by_id
from schema.auctions.types import Bid
from schema.identity import PublicUser

BidderKey = tuple[UUID, UUID, bool]


async def _bidders(
    database: Database, actor: Actor, keys: list[BidderKey], columns: Columns
) -> Sequence[tuple[Any, BidderKey] | None]:
    ids = list(dict.fromkeys(key[1] for key in keys))
    rows = dict(zip(ids, await public_users_by_id(database, actor, ids, columns), strict=True))
    return [None if (row := rows[key[1]]) is None else (row, key) for key in keys]


def _bidder(found: tuple[Any, BidderKey], actor: Actor) -> PublicUser:
    row, (product_id, _, known) = found
    return PublicUser.of(row, actor) if known else PublicUser.masked(product_id, row)


LOADERS = {
    "bid": Loader(reading.bids_by_id, Bid.of, by_columns=True),
    "auction_bids": paged_loader(reading.history_pages, Bid.of, "bid_count", by_columns=True),
    "bid_count": count_loader(reading.history_counts),
    "bidder": Loader(_bidders, _bidder, by_columns=True),
}
NODES = {"bid": "bid"}
