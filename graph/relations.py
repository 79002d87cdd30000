"""Declared relations: the one way from an object to others. Must not run SQL or hold a rule."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import strawberry
from strawberry.types.base import StrawberryContainer
from strawberry.types.field import StrawberryField
from strawberry.types.lazy_type import LazyType

from core.pages import page_request
from graph.arguments import After, Before, First, Last
from graph.columns import RELATION
from graph.context import Info
from graph.kept import kept_for
from graph.loading import Loader, loader_of

Key = Callable[[Any], Any]


@dataclass(slots=True, eq=False)
class Relation:
    """What an executor needs to load a relation of many objects at once: the loader and how the key
    is made of the object and, for a connection, the field's arguments. `columns` are those of the
    object's row that the key needs; None when it has no row. Without a loader it is that of the
    entity that the field is of, which `bind` finds out."""

    loader: Loader | str | None
    key: Key
    columns: tuple[str, ...] | None
    paged: bool = False

    def bind(self, field: StrawberryField) -> None:
        """Finds the loader by the type of the field. Raises TypeError when that is no entity."""
        if self.loader is None:
            type_: Any = field.type
            while isinstance(type_, StrawberryContainer | LazyType):
                type_ = type_.resolve_type() if isinstance(type_, LazyType) else type_.of_type
            self.loader = loader_of(type_)


def relation(
    *,
    description: str,
    loader: Loader | str | None = None,
    key: str | None = None,
    column: str | None = None,
    of: Key | None = None,
    columns: tuple[str, ...] = (),
    kept: int | None = None,
) -> Any:
    """A field that leads to one object or a list of them, by the attribute `key` of the object, by
    a `column` of its row, or by what `of` makes of the object and of `columns` of its row. The
    entity is loaded that the field is annotated with, or what `loader` gives. Without a key the
    field is null. `kept` is how many seconds caches may keep it (graph/kept.py)."""
    declared = _relation(loader, key, column, of, columns)

    def resolve(root: Any, info: Info) -> Any:
        value = declared.key(root)
        return None if value is None else info.context.load(_bound(declared), value)

    return _declare(resolve, declared, description, kept)


def _bound(declared: Relation) -> Loader | str:
    if declared.loader is None:
        raise RuntimeError("a relation was read before the schema was built")
    return declared.loader


def _relation(
    loader: Loader | str | None,
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
    loader: Loader | str,
    description: str,
    key: str | None = None,
    column: str | None = None,
    backwards: bool = True,
    kept: int | None = None,
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

        return _declare(resolve_forward, declared, description, kept)

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

    return _declare(resolve, declared, description, kept)


def _declare(
    resolve: Callable[..., Any], declared: Relation, description: str, kept: int | None
) -> StrawberryField:
    made: StrawberryField = strawberry.field(
        resolver=resolve,
        description=description,
        metadata={RELATION: declared, **kept_for(kept)},
    )
    return made
