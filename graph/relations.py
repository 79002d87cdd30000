"""Declared relations: the one way from an object to others. Must not run SQL or hold a rule."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import strawberry
from strawberry.types.field import StrawberryField

from core.pages import page_request
from graph.arguments import After, Before, First, Last
from graph.columns import RELATION
from graph.context import Info

Key = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Relation:
    """What an executor needs to load a relation of many objects at once: the loader's name and how
    the key is made of the object and, for a connection, the field's arguments. `columns` are those
    of the object's row that the key needs; None when it has no row."""

    loader: str
    key: Key
    columns: tuple[str, ...] | None
    paged: bool = False


def relation(
    *,
    loader: str,
    description: str,
    key: str | None = None,
    column: str | None = None,
    of: Key | None = None,
    columns: tuple[str, ...] = (),
) -> Any:
    """A field that leads to one object or a list of them: `loader` loads it by the attribute `key`
    of the object, by a `column` of its row, or by what `of` makes of the object and of `columns`
    of its row. Without a key the field is null."""
    declared = _relation(loader, key, column, of, columns)

    def resolve(root: Any, info: Info) -> Any:
        value = declared.key(root)
        return None if value is None else info.context.load(loader, value)

    return _declare(resolve, declared, description)


def _relation(
    loader: str,
    key: str | None,
    column: str | None,
    of: Key | None = None,
    columns: tuple[str, ...] = (),
    *,
    paged: bool = False,
) -> Relation:
    if of is not None:
        return Relation(loader, of, columns, paged)
    if column is not None:
        return Relation(loader, lambda root: root.row[column], (column,), paged)
    if key is None:
        raise TypeError("a relation has a key, a column, or a function that makes its key")
    return Relation(loader, attrgetter(key), None, paged)


def paged_relation(
    *,
    loader: str,
    description: str,
    key: str | None = None,
    column: str | None = None,
    backwards: bool = True,
) -> Any:
    """A field that leads to a connection, with the Relay arguments; its loader's key is the pair of
    the attribute `key`, or the `column` of the row, and the PageRequest, so that one statement
    serves all objects of a page."""
    declared = _relation(loader, key, column, paged=True)
    if not backwards:

        def resolve_forward(
            root: Any,
            info: Info,
            first: First = None,
            after: After = None,
        ) -> Any:
            return info.context.load(loader, (declared.key(root), page_request(first, after)))

        return _declare(resolve_forward, declared, description)

    def resolve(
        root: Any,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        page = page_request(first, after, last, before)
        return info.context.load(loader, (declared.key(root), page))

    return _declare(resolve, declared, description)


def _declare(resolve: Callable[..., Any], declared: Relation, description: str) -> StrawberryField:
    made: StrawberryField = strawberry.field(
        resolver=resolve, description=description, metadata={RELATION: declared}
    )
    return made
