"""Reading bids: one, and one's own."""

from typing import Annotated

import strawberry

from core.ids import decode_id
from core.pages import page_request
from graph.arguments import After, Before, First, Last
from graph.connections import Connection, connection_of
from graph.context import Info
from resolvers.auctions import reading
from schema.auctions.types import Bid


@strawberry.type
class Query:
    """Reading bids."""

    @strawberry.field(description="The bid of this id; null when there is none to see.")
    async def bid(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The bid's id.")],
    ) -> Bid | None:
        found: Bid | None = await info.context.load("bid", decode_id("bid", id, "id"))
        return found

    @strawberry.field(description="Your bids on all auctions, newest first. Signed in.")
    async def my_bids(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Bid]:
        database, actor = info.context.database, info.context.actor
        page = await reading.list_own_bids(
            database, actor, page_request(first, after, last, before)
        )
        nodes = [Bid.of(row, actor) for row in page.rows]
        made: Connection[Bid] = connection_of(
            page, nodes, lambda _: reading.count_own_bids(database, actor)
        )
        return made
