"""Reading bids: histories, own bids, loaders. Every statement starts from what the actor may
see."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from auth.actor import Actor
from core.database import Columns, Database
from core.pages import Page, PageRequest
from models.auctions import reading as sql
from resolvers.pages import in_order, one_page, pages_of_parents

OWN_BIDS = "bids:own"


async def bids_by_id(
    database: Database, actor: Actor, ids: list[UUID], columns: Columns = None
) -> Sequence[Any | None]:
    """Loader: bids."""
    return in_order(await database.rows(sql.bids_by_id(actor, ids, columns)), ids)


async def history_pages(
    database: Database,
    actor: Actor,
    keys: list[tuple[UUID, PageRequest]],
    columns: Columns = None,
) -> Sequence[Page[Any]]:
    """Loader: a page of the bid history for each pair of auction and page; one statement for all
    auctions that want the same page."""
    return await pages_of_parents(
        database,
        keys,
        lambda ids, page: sql.history_pages(actor, ids, page, columns),
        "product_id",
        sql.BIDS_NEWEST,
        lambda row: (row.number,),
    )


async def history_counts(database: Database, actor: Actor, ids: list[UUID]) -> Sequence[int]:
    """Loader: how many bids the history of each auction holds."""
    counts = {row[0]: row[1] for row in await database.rows(sql.history_counts(ids))}
    return [counts.get(id, 0) for id in ids]


async def list_own_bids(database: Database, actor: Actor, page: PageRequest) -> Page[Any]:
    """A page of the actor's own bids, newest first. Raises Unauthenticated."""
    rows = await database.rows(sql.own_bids(actor, actor.member(), page, OWN_BIDS))
    return one_page(rows, page, OWN_BIDS, lambda row: (row.id,))


async def count_own_bids(database: Database, actor: Actor) -> int:
    """How many bids the actor has placed. Raises Unauthenticated."""
    return int(await database.scalar(sql.own_bid_count(actor.member())))
