"""Reading lists: a page, a count, and the same of many parents."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, TypeVar

from auth.actor import Actor
from core.database import Columns, Database
from core.pages import Key, ListRequest, Page, PageRequest, page_of
from core.wording import Row, Statement
from models.lists import Listed

RowT = TypeVar("RowT", bound=Row)


async def read_page(
    database: Database, actor: Actor, listed: Listed[RowT], request: ListRequest[Any, Any]
) -> Page[RowT]:
    """The page of a list. Raises BadUserInput for a cursor of another list."""
    order = listed.order(request.sort)
    rows = await database.rows(listed.page(actor, request))
    return page_of(rows, request.page, order.name, order.key_of)


async def read_count(
    database: Database, actor: Actor, listed: Listed[Any], request: ListRequest[Any, Any]
) -> int:
    """How many rows a list holds."""
    return await database.count(listed.count(actor, request))


async def read_pages(
    database: Database,
    actor: Actor,
    listed: Listed[RowT],
    keys: Sequence[tuple[Any, PageRequest]],
    columns: Columns = None,
) -> list[Page[RowT]]:
    """Loader: the page of each pair of parent and page request, one statement for all parents that
    want the same page."""
    order = listed.order()
    return await pages_of_parents(
        database,
        keys,
        lambda parents, page: listed.pages(actor, parents, page, columns),
        listed.parent_name,
        order.name,
        order.key_of,
    )


async def read_counts(
    database: Database, actor: Actor, listed: Listed[Any], parents: Sequence[Any]
) -> list[int]:
    """Loader: how many rows the list of each parent holds."""
    rows = await database.rows(listed.counts(actor, parents))
    counts = {row.parent_id: row.count for row in rows}
    return [counts.get(parent, 0) for parent in parents]


def one_page(
    rows: Sequence[Any], page: PageRequest, order: str, key: Callable[[Any], Key]
) -> Page[Any]:
    """The page of one list."""
    return page_of(rows, page, order, key)


async def pages_of_parents(
    database: Database,
    keys: Sequence[tuple[Any, PageRequest]],
    statement: Callable[[list[Any], PageRequest], Statement],
    parent: str,
    order: str,
    key: Callable[[Any], Key],
) -> list[Page[Any]]:
    """The page of each pair of parent and page request, in their order: one statement for all
    parents that want the same page. `parent` names the column that tells a row's parent."""
    wanted: dict[PageRequest, list[Any]] = defaultdict(list)
    for parent_id, page in keys:
        wanted[page].append(parent_id)
    found: dict[tuple[Any, PageRequest], Page[Any]] = {}
    for page, parents in wanted.items():
        grouped: dict[Any, list[Any]] = defaultdict(list)
        for row in await database.rows(statement(parents, page)):
            grouped[row[parent]].append(row)
        for parent_id in parents:
            found[parent_id, page] = one_page(grouped[parent_id], page, order, key)
    return [found[wish] for wish in keys]


def in_order(rows: Sequence[Any], keys: Sequence[Any], attribute: str = "id") -> list[Any | None]:
    """The row of each key, None where there is none: what a loader gives."""
    found = dict(zip(map(itemgetter(attribute), rows), rows, strict=True))
    return list(map(found.get, keys))
