"""Turning rows into pages, for lists and for the same list of many parents."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from core.pages import Key, Page, PageRequest, page_of


def one_page(
    rows: Sequence[Any], page: PageRequest, order: str, key: Callable[[Any], Key]
) -> Page[Any]:
    """The page of one list."""
    return page_of(rows, page, order, [key(row) for row in rows])


def pages_by_parent(
    rows: Sequence[Any],
    parents: Sequence[Any],
    parent_of: Callable[[Any], Any],
    page: PageRequest,
    order: str,
    key: Callable[[Any], Key],
) -> list[Page[Any]]:
    """The same page of each parent's list, in the order of the parents."""
    grouped: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        grouped[parent_of(row)].append(row)
    return [one_page(grouped[parent], page, order, key) for parent in parents]


def in_order(rows: Sequence[Any], keys: Sequence[Any], attribute: str = "id") -> list[Any | None]:
    """The row of each key, None where there is none: what a loader gives."""
    found = {getattr(row, attribute): row for row in rows}
    return [found.get(key) for key in keys]
