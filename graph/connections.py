"""What all entities and lists share: Node, PageInfo, connections."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

import strawberry

from auth.actor import Actor
from core.database import Columns, Database
from core.pages import Page
from graph.columns import PLACE, place
from graph.context import Info
from graph.entity import Node as Node
from graph.kept import AS_ITS_PARENT, KEPT
from graph.loading import Loader

_AS_ROWS = {PLACE: True, KEPT: AS_ITS_PARENT}
_AS_PLACE = {PLACE: False, KEPT: AS_ITS_PARENT}

NodeT = TypeVar("NodeT")


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="More follow after the last of this page.")
    has_previous_page: bool = strawberry.field(
        description="More lie before the first of this page."
    )
    start_cursor: str | None = strawberry.field(description="The cursor of the first of this page.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last of this page.")


@strawberry.type(description="One place in a list.")
class Edge(Generic[NodeT]):
    cursor: str = strawberry.field(
        description="Where this is in the list; opaque.",
        metadata=_AS_PLACE,
    )
    node: NodeT = strawberry.field(description="What is in this place.", metadata=_AS_ROWS)


def _edges(connection: "Connection[Any]") -> list[Edge[Any]]:
    return [
        Edge(cursor=cursor, node=node)
        for cursor, node in zip(connection.page.cursors, connection.nodes, strict=True)
    ]


def _page_info(connection: "Connection[Any]") -> PageInfo:
    page = connection.page
    return PageInfo(
        has_next_page=page.has_next,
        has_previous_page=page.has_previous,
        start_cursor=page.cursor(0),
        end_cursor=page.cursor(-1),
    )


@strawberry.type(description="One page of a list (Relay connection).")
class Connection(Generic[NodeT]):
    edges: list[Edge[NodeT]] = place(
        _edges, rows=True, description="The page with the cursor of each."
    )
    nodes: list[NodeT] = strawberry.field(
        description="The page without cursors.", metadata=_AS_ROWS
    )
    page_info: PageInfo = place(
        _page_info, rows=False, description="Where the page lies in its list."
    )
    page: strawberry.Private[Page[Any]]
    counter: strawberry.Private[Callable[[Any], Awaitable[int]]]

    @strawberry.field(
        description="How many are in the whole list. Counted only when asked for.",
        metadata=_AS_PLACE,
    )
    async def total_count(self, info: Info) -> int:
        return await self.counter(info.context)


def connection_of(
    page: Page[Any], nodes: Sequence[Any], counter: Callable[[Any], Awaitable[int]]
) -> Any:
    """The connection of a page: `nodes` are the GraphQL objects of its rows, `counter` counts the
    whole list when `totalCount` is asked for."""
    return Connection(nodes=list(nodes), page=page, counter=counter)


def paged_loader(
    pages: Callable[..., Awaitable[Sequence[Page[Any]]]],
    node: Callable[[Any, Actor], Any],
    counter: Loader | str,
    *,
    by_columns: bool = False,
) -> Loader:
    """The loader behind a `paged_relation`: `pages(database, actor, keys)` gives the page of each
    pair of parent and page request, with `by_columns` of only the columns that are asked for;
    `node` makes the object of a row, and the loader `counter` counts a parent's whole list
    when `totalCount` is asked for, all parents of a level in one statement."""

    async def load(
        database: Database, actor: Actor, keys: list[Any], *columns: Columns
    ) -> list[Any]:
        return list(zip(await pages(database, actor, keys, *columns), keys, strict=True))

    def shape(found: Any, actor: Actor) -> Any:
        page, (parent, _) = found
        objects = [node(row, actor) for row in page.rows]
        return connection_of(page, objects, lambda context: context.load(counter, parent))

    return Loader(load, shape, by_columns)


def count_loader(
    counts: Callable[[Database, Actor, list[Any]], Awaitable[Sequence[int]]],
) -> Loader:
    """The loader that counts the lists of many parents."""
    return Loader(counts, lambda count, _: count)
