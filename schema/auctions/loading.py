"""The loaders of bids and bidders: which rows, and which objects are made of them."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from auth.actor import Actor
from core.database import Database
from core.pages import Page, PageRequest
from resolvers.auctions import reading
from resolvers.identity.people import public_users_by_id
from schema.auctions.types import Bid
from schema.context import Loader
from schema.identity import PublicUser
from schema.nodes import connection_of

BidderKey = tuple[UUID, UUID, bool]


async def _history(
    database: Database, actor: Actor, keys: list[tuple[UUID, PageRequest]]
) -> Sequence[tuple[Page[Any], Any]]:
    pages = await reading.history_pages(database, actor, keys)

    async def count(product_id: UUID) -> int:
        return (await reading.history_counts(database, actor, [product_id]))[0]

    return [(page, partial(count, key[0])) for page, key in zip(pages, keys, strict=True)]


def _connection(found: tuple[Page[Any], Any], actor: Actor) -> Any:
    page, counter = found
    return connection_of(page, [Bid.of(row, actor) for row in page.rows], counter)


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
    "auction_bids": Loader(_history, _connection),
    "bidder": Loader(_bidders, _bidder),
}
NODES = {"bid": "bid"}
