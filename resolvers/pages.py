"""Turning rows into pages, for lists and for the same list of many parents."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from core.database import Database
from core.pages import Key, Page, PageRequest, page_of
from core.wording import Statement


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
