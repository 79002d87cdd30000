"""Declared relations: the one way from an object to others. Must not run SQL or hold a rule."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import strawberry
from strawberry.types.field import StrawberryField

from core.pages import page_request
from schema.arguments import After, Before, First, Last
from schema.context import Info

METADATA_KEY = "relation"


@dataclass(frozen=True, slots=True)
class Relation:
    """What an executor needs to load a relation of many objects at once: the loader's name and how
    the key is made of the object and, for a connection, the field's arguments."""

    loader: str
    key: str
    paged: bool = False


def relation(*, loader: str, key: str, description: str) -> Any:
    """A field that leads to one object or a list of them: `loader` loads it by the attribute `key`
    of the object. Without a key the field is null."""

    def resolve(root: Any, info: Info) -> Any:
        value = getattr(root, key)
        return None if value is None else info.context.load(loader, value)

    return _declare(resolve, Relation(loader, key), description)


def paged_relation(*, loader: str, key: str, description: str, backwards: bool = True) -> Any:
    """A field that leads to a connection, with the Relay arguments; its loader's key is the pair of
    the attribute `key` and the PageRequest, so that one statement serves all objects of a page."""
    if not backwards:

        def resolve_forward(
            root: Any,
            info: Info,
            first: First = None,
            after: After = None,
        ) -> Any:
            return info.context.load(loader, (getattr(root, key), page_request(first, after)))

        return _declare(resolve_forward, Relation(loader, key, paged=True), description)

    def resolve(
        root: Any,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        page = page_request(first, after, last, before)
        return info.context.load(loader, (getattr(root, key), page))

    return _declare(resolve, Relation(loader, key, paged=True), description)


def _declare(resolve: Callable[..., Any], declared: Relation, description: str) -> StrawberryField:
    made: StrawberryField = strawberry.field(
        resolver=resolve, description=description, metadata={METADATA_KEY: declared}
    )
    return made
